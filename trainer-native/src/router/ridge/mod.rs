//! Ridge regression on a bag of tokens, the embedding and the similarity to remembered queries, in
//! closed form.
//!
//! ```text
//! x_t(q)  = a / (a + p_t) * count_t / sqrt(tokens)    one coordinate a token; p_t: its share of all tokens
//! e(q)    = embedding, centred, of mean square length 1
//! n(q)    = coordinates of similarity to remembered queries ([`kernel`])
//! d(q)    = 2 * label - 1, in [-1, 1]                 how far strong beat weak, smoothed
//! p(q)    = difficulty found by other LLMs, standardised
//! (w, u, v, b) = argmin sum (d - z)^2 + penalty (|w|^2 + |u|^2 + |v|^2)
//! z(q)    = c p + sqrt(f) w x + sqrt(g) u e + sqrt(h) v n + b      P(strong beats weak | q) = sigmoid(2 z)
//! ```
//! The fit on labelled queries only corrects `c p`: far from all of them z falls back on what other
//! LLMs found hard, as the prior mean of a Gaussian process does. `p` is itself a ridge regression,
//! of `1 - mean score of a source's weaker LLMs` (centred and scaled within the source) on
//! embedding and length. Everything except similarity is linear in token counts, embedding and
//! length, so the router is exported as one number for each token, each coordinate and each
//! remembered query. Where every labelled query is remembered, the fit is exactly kernel ridge
//! regression under the sum of the three kernels.
//!
//! Both fits are solved by conjugate gradients over sparse rows: memory and time grow linearly with
//! the queries' tokens and with queries times remembered queries; only the number of remembered
//! queries also enters squared. Where all queries are remembered, the same fit is solved in its
//! dual, with one unknown for each query and without coordinates of similarity: 10,000 queries take
//! about a minute and 0.8 GB.

mod difficulty;
mod encoded;
mod fit;
mod head;
pub mod kernel;

pub use encoded::Spread;
pub use head::RidgeHead;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
