//! RouterDC (arXiv 2409.19886): trains an encoder together with one embedding for each LLM.
//!
//! ```text
//! s_t(q)  = cos(E(q), k_t) / temperature                     [B, T]   score of LLM t
//! P, N    = the K+ best LLMs of q with score > 0, the K- worst of the others with score <= 1/2
//! sample-LLM    = mean over t in P of - ln(e^s_t / (e^s_t + sum over u in N of e^s_u))        (eq. 4)
//! sample-sample = - ln(e^cos(q, q+) / (e^cos(q, q+) + sum over H of e^cos(q, q-)))            (eq. 5)
//! loss          = sample-LLM + lambda * sample-sample                                         (eq. 6)
//! ```
//! q+ is a query of the batch in q's cluster, the H q- are queries of the batch in other clusters;
//! each step draws all of them again. Two losses of other papers train the same network, for
//! comparison:
//!
//! ```text
//! cosine classifier: cross-entropy of softmax(s) to the best LLM of q; several share it evenly
//! ZOOTER:            KL divergence of softmax(s) from softmax(scores / target temperature)
//! ```
//! An LLM that was not measured on a query is left out of every sum. A query without both positives
//! and negatives (all LLMs wrong, or all right) has no sample-LLM loss; its sample-sample loss
//! still counts.

mod fit;
mod head;
mod network;
mod queries;
mod task;

pub use head::RouterDcHead;
pub(crate) use network::ExtendedEmbeddings;
pub use network::LlmEmbeddings;
pub(crate) use queries::{ScoredQuery, balanced, score_less_cost};
pub(crate) use task::{RouterDcTask, Ties};
