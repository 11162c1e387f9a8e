//! What an LLM judge says of the answers to one prompt, as far as it was asked, and what is to be asked next.
//!
//! A request has a *depth*: 0 for a first request, 1 for the one after an answer that could not be read; the
//! k-th meeting of `bubble` begins at 2 k. Requests are asked depth by depth, each once in a call of the
//! command, so that one that fails is not asked again before the next call.

use pointsman::judge as verdict;

use super::prompt::JudgePrompt;
use super::ranking::{Decided, Ranking};
use crate::completions::CompletionRequest;
use crate::data::{Answer, AnsweredPrompt, Ending};
use crate::error::TrainerError;
use crate::eval::position_bias::Place;

/// Looks for the answer's text to a request; `None` where it was not answered yet.
pub(super) type Look<'a> = dyn Fn(&CompletionRequest) -> Result<Option<String>, TrainerError> + 'a;

/// Why a comparison or a grade has a result without a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum NoCall {
    Refusal,
    Filtered,
    Empty,
    /// Two answers are the same text.
    Identical,
}

impl NoCall {
    pub fn name(self) -> &'static str {
        match self {
            Self::Refusal => "refusal",
            Self::Filtered => "filtered",
            Self::Empty => "empty",
            Self::Identical => "identical",
        }
    }
}

/// Why an answer counts as none.
pub(super) fn none_given(answer: &Answer) -> Option<NoCall> {
    match answer.ending {
        Ending::Refusal => Some(NoCall::Refusal),
        Ending::Filtered => Some(NoCall::Filtered),
        Ending::Empty => Some(NoCall::Empty),
        Ending::Stop | Ending::Length => answer.text.trim().is_empty().then_some(NoCall::Empty),
    }
}

/// How far a question to the judge has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum State<T> {
    /// Read, perhaps only from the second answer.
    Called {
        said: T,
        twice: bool,
    },
    NoCall {
        why: NoCall,
        said: T,
    },
    /// Both answers could not be read.
    Unreadable,
    /// Not answered yet.
    Missing,
}

impl<T: Copy> State<T> {
    pub fn said(&self) -> Option<T> {
        match *self {
            Self::Called { said, .. } | Self::NoCall { said, .. } => Some(said),
            Self::Unreadable | Self::Missing => None,
        }
    }
}

/// A comparison of two answers: their places among the prompt's, and the places named in both orders.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Comparison {
    pub a: usize,
    pub b: usize,
    pub state: State<[Place; 2]>,
}

/// What the judge said of a prompt's answers.
#[derive(Debug, Default)]
pub(super) struct Evaluation {
    pub comparisons: Vec<Comparison>,
    /// Grades, 1 to 10, by answer.
    pub grades: Vec<(usize, State<u8>)>,
    /// The LLM that is left, of `bubble`.
    pub left: Option<usize>,
    /// Requests that are not answered yet, with their depths.
    pub next: Vec<(usize, CompletionRequest)>,
}

impl Evaluation {
    /// The comparisons that were decided, by LLM.
    pub fn decided<'a>(&'a self, prompt: &'a AnsweredPrompt) -> impl Iterator<Item = Decided> + 'a {
        self.comparisons.iter().filter_map(|comparison| {
            let [forward, backward] = comparison.state.said()?;
            let model = |at: usize| prompt.answers.get(at).map(|answer| answer.model);
            Some(Decided { a: model(comparison.a)?, b: model(comparison.b)?, forward, backward })
        })
    }
}

/// Asks for grades of all answers.
pub(super) fn grades(
    prompt: &AnsweredPrompt,
    judge: &JudgePrompt,
    look: &Look<'_>,
) -> Result<Evaluation, TrainerError> {
    let mut found = Evaluation::default();
    for (at, answer) in prompt.answers.iter().enumerate() {
        let state = match none_given(answer) {
            Some(why) => State::NoCall { why, said: 1 },
            None => {
                let request = judge.request(prompt, &[&answer.text]);
                read(request, 0, judge, verdict::grade, look, &mut found.next)?
            }
        };
        found.grades.push((at, state));
    }
    Ok(found)
}

/// Compares the answers of each pair of LLMs: the first samples of both, the second, and so on.
pub(super) fn comparisons(
    prompt: &AnsweredPrompt,
    ranking: Ranking,
    judge: &JudgePrompt,
    look: &Look<'_>,
) -> Result<Evaluation, TrainerError> {
    let models: Vec<Vec<usize>> = by_model(prompt);
    let mut found = Evaluation::default();
    if ranking == Ranking::Bubble {
        return bubble(prompt, &models, judge, look);
    }
    for (at, first) in models.iter().enumerate() {
        for second in models.iter().skip(at + 1) {
            for (&a, &b) in first.iter().zip(second) {
                let state = compare(prompt, [a, b], 0, judge, look, &mut found.next)?;
                found.comparisons.push(Comparison { a, b, state });
            }
        }
    }
    Ok(found)
}

/// The places of each LLM's answers, in the order of LLMs and samples.
fn by_model(prompt: &AnsweredPrompt) -> Vec<Vec<usize>> {
    let places: Vec<usize> = (0..prompt.answers.len()).collect();
    let model = |at: &usize| prompt.answers.get(*at).map(|answer| answer.model);
    places.chunk_by(|a, b| model(a) == model(b)).map(<[usize]>::to_vec).collect()
}

/// The best so far meets the next LLM, and stays unless it loses. A meeting that could not be read leaves it;
/// one that is not answered yet ends the row of meetings.
fn bubble(
    prompt: &AnsweredPrompt,
    models: &[Vec<usize>],
    judge: &JudgePrompt,
    look: &Look<'_>,
) -> Result<Evaluation, TrainerError> {
    let mut found = Evaluation::default();
    let Some((mut best, rest)) = models.split_first() else { return Ok(found) };
    for (meeting, challenger) in rest.iter().enumerate() {
        let (mut sum, mut count) = (0.0, 0_u32);
        for (&a, &b) in best.iter().zip(challenger) {
            let state = compare(prompt, [a, b], 2 * meeting, judge, look, &mut found.next)?;
            if let Some([forward, backward]) = state.said() {
                sum += f64::from(verdict::target(forward, backward));
                count += 1;
            }
            found.comparisons.push(Comparison { a, b, state });
        }
        if !found.next.is_empty() {
            return Ok(found);
        }
        if sum < 0.5 * f64::from(count) {
            best = challenger;
        }
    }
    found.left = best.first().and_then(|at| prompt.answers.get(*at)).map(|answer| answer.model);
    Ok(found)
}

fn compare(
    prompt: &AnsweredPrompt,
    [a, b]: [usize; 2],
    depth: usize,
    judge: &JudgePrompt,
    look: &Look<'_>,
    next: &mut Vec<(usize, CompletionRequest)>,
) -> Result<State<[Place; 2]>, TrainerError> {
    let (Some(a), Some(b)) = (prompt.answers.get(a), prompt.answers.get(b)) else {
        return Ok(State::Missing);
    };
    let without_call = |why, place: Place| State::NoCall { why, said: [place, place.mirrored()] };
    match (none_given(a), none_given(b)) {
        (Some(why), Some(_)) => return Ok(without_call(why, Place::Neither)),
        (Some(why), None) => return Ok(without_call(why, Place::Second)),
        (None, Some(why)) => return Ok(without_call(why, Place::First)),
        (None, None) if a.text.trim() == b.text.trim() => {
            return Ok(without_call(NoCall::Identical, Place::Neither));
        }
        (None, None) => {}
    }
    let forward = judge.request(prompt, &[&a.text, &b.text]);
    let backward = judge.request(prompt, &[&b.text, &a.text]);
    let forward = read(forward, depth, judge, verdict::place, look, next)?;
    let backward = read(backward, depth, judge, verdict::place, look, next)?;
    Ok(match (forward, backward) {
        (State::Missing, _) | (_, State::Missing) => State::Missing,
        (State::Called { said: f, twice: t }, State::Called { said: b, twice: u }) => {
            State::Called { said: [f, b], twice: t || u }
        }
        _ => State::Unreadable,
    })
}

fn read<T>(
    first: CompletionRequest,
    depth: usize,
    judge: &JudgePrompt,
    parse: fn(&str) -> Option<T>,
    look: &Look<'_>,
    next: &mut Vec<(usize, CompletionRequest)>,
) -> Result<State<T>, TrainerError> {
    let Some(text) = look(&first)? else {
        next.push((depth, first));
        return Ok(State::Missing);
    };
    if let Some(said) = parse(&text) {
        return Ok(State::Called { said, twice: false });
    }
    let again = judge.again(&first, &text);
    let Some(text) = look(&again)? else {
        next.push((depth + 1, again));
        return Ok(State::Missing);
    };
    Ok(parse(&text).map_or(State::Unreadable, |said| State::Called { said, twice: true }))
}

#[cfg(test)]
mod tests;
