//! Cluster router: a query gets the mean scores of the group that it is likely to belong to.
//!
//! ```text
//! x(q)      = direction of the embedding from the mean embedding              [W], of length 1
//! p(g | q)  = softmax over groups of  mu_g' S^-1 x - mu_g' S^-1 mu_g / 2      groups equally likely
//! S         = (1 - sphere) * covariance within groups + sphere * its mean variance * I
//! m(g, t)   = (n_gt * mean score of LLM t in g + shrinkage * its mean in all) / (n_gt + shrinkage)
//! score(t)  = sum over g of p(g | q) m(g, t) + u_t x(q) + b_t
//! ```
//! Groups are the data sets that training queries come from, which gives the task identification
//! that RouterDC (arXiv 2409.19886, section 5.1) compares itself with under the name LoraRetriever;
//! or clusters of the embeddings by k-means; or the `cluster_id`s of the file. With `sphere` at 1 a
//! query belongs to the nearest mean; below it, coordinates that separate the groups count more
//! (linear discriminant analysis). The last two terms, where the recipe asks for them, are a ridge
//! regression of what the group leaves unexplained. The score is thus a sum over whole, group and
//! query, each with its own penalty.

mod fit;
mod head;

pub use head::{ClusterHead, Correction};
