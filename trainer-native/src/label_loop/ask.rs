//! Questions to a person at a terminal.

use std::io::{BufRead, Write};

use crate::error::TrainerError;

/// Asks questions, each with an example.
pub trait Ask {
    /// The answer, trimmed; `None` where nobody can be asked.
    ///
    /// # Errors
    /// Where reading or writing fails.
    fn ask(&mut self, question: &str, example: &str) -> Result<Option<String>, TrainerError>;
}

/// Nobody can be asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Ask for Nobody {
    fn ask(&mut self, _: &str, _: &str) -> Result<Option<String>, TrainerError> {
        Ok(None)
    }
}

/// A person who reads `output` and types `input`.
#[derive(Debug)]
pub struct Person<R, W> {
    pub input: R,
    pub output: W,
}

impl<R: BufRead, W: Write> Ask for Person<R, W> {
    fn ask(&mut self, question: &str, example: &str) -> Result<Option<String>, TrainerError> {
        let failed = TrainerError::file("terminal".as_ref());
        write!(self.output, "{question} (such as {example}): ")
            .and_then(|()| self.output.flush())
            .map_err(&failed)?;
        let mut line = String::new();
        match self.input.read_line(&mut line).map_err(&failed)? {
            // The end of the input: nobody answers any further.
            0 => Ok(None),
            _ => Ok(Some(line.trim().to_owned())),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_shown_with_its_example_and_ends_with_the_input() {
        let mut person = Person { input: &b" large \n"[..], output: Vec::new() };
        assert_eq!(person.ask("Strong LLM", "large").unwrap().as_deref(), Some("large"));
        assert_eq!(person.ask("Weak LLM", "small").unwrap(), None);
        let shown = String::from_utf8(person.output).unwrap();
        assert_eq!(shown, "Strong LLM (such as large): Weak LLM (such as small): ");
        assert_eq!(Nobody.ask("Strong LLM", "large").unwrap(), None);
    }
}
