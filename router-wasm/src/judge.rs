//! What an LLM judge is asked and how its verdict is read, for every host that compares answers.
//!
//! The trainer judges stored answers, the gateway those of shadowed requests. Both ask the same texts
//! (`router-wasm/judge/`) and read the verdict alike, so that their labels can be trained on together. A
//! comparison is asked in both orders, blind; a disagreement between the orders is a tie.
//!
//! ```
//! use pointsman::judge::{JudgePrompt, Place, place, target};
//!
//! let judge = JudgePrompt::pairwise(None, 8000);
//! let text = judge.text("What is 2 + 2?", &["4", "5"]);
//! assert!(text.contains("answer A\n4\n"));
//! assert_eq!(place("Four is right.\nVerdict: A"), Some(Place::First));
//! assert_eq!(target(Place::First, Place::Second), 1.0);
//! ```

mod prompt;
mod reasoning;
mod verdict;

pub use prompt::{ANSWER_CHARACTERS, JudgePrompt, Speaker, Turn, conversation};
pub use reasoning::without_reasoning;
pub use verdict::{BEST_GRADE, Place, grade, place, target};
