//! Outcomes from Langfuse's exports of observations with scores: how people, programs or LLMs judged a
//! model's answer.
//!
//! The layout is that of [`langfuse`](crate::data::langfuse). A score is one of a row's that `--metric`
//! names, or its only one; it must be in [0, 1]. The model is the row's, or the one that the caller names,
//! which traces need. Answers of a model to the same text are averaged.

use super::{Answer, Conversion, Join, files_of};
use crate::data::bad_row::{RowFault, checked_score};
use crate::data::langfuse::{Call, Row, for_each_call};
use crate::data::messages::Asked;
use crate::data::{DataError, Format};

pub(super) fn read(conversion: &Conversion, join: &mut Join) -> Result<(), DataError> {
    for source in &conversion.sources {
        for file in files_of(&source.path, Format::Langfuse, join)? {
            join.start(&file, "");
            for_each_call(&file, join, |join, line, row| {
                let answer = match row {
                    Ok(Row::PassedOver(what)) => Ok(Err(what)),
                    Ok(Row::Call(call)) => answer(call, source.model.as_deref(), conversion, join),
                    Err(fault) => Err(fault),
                };
                match answer {
                    Ok(Ok(answer)) => join.push(line, Ok(answer)),
                    Ok(Err(what)) => {
                        join.log.pass_over(what);
                        Ok(())
                    }
                    Err(fault) => join.push(line, Err(fault)),
                }
            })?;
        }
    }
    Ok(())
}

/// The answer of a call, or in words why it has none.
fn answer(
    call: Call,
    model: Option<&str>,
    conversion: &Conversion,
    join: &mut Join,
) -> Result<Result<Answer, &'static str>, RowFault> {
    if !conversion.takes(&call.dataset) {
        return Ok(Err("calls that --only or --without leaves out"));
    }
    let score = match (conversion.metric.as_deref(), call.scores.as_slice()) {
        (Some(metric), scores) => {
            scores.iter().filter(|(name, _)| name != metric).for_each(|(name, _)| {
                join.log.note_other_score(name);
            });
            scores.iter().find(|(name, _)| name == metric).map(|&(_, score)| score)
        }
        (None, []) => None,
        (None, [(_, score)]) => Some(*score),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
            let reason = format!(
                "found several scores ({}), expected the name of the one to read. Name it with --metric",
                names.join(", ")
            );
            return Err(RowFault::new("several_scores", reason));
        }
    };
    let Some(score) = score else { return Ok(Err("calls without the score")) };
    let query = match call.asked {
        Asked::PassedOver(what) => return Ok(Err(what)),
        Asked::Conversation { query, .. } => query.trim().to_owned(),
    };
    let Some(model) = model.map(str::to_owned).or(call.model) else {
        let reason = "found no model, expected one in \"model\". Name it with MODEL=PATH where all rows are \
                      one model's, or export observations in place of traces";
        return Err(RowFault::new("missing_field", reason));
    };
    let score = checked_score(&model, score)?;
    #[allow(clippy::cast_possible_truncation)]
    let cost = call.cost.map(|cost| cost as f32).filter(|cost| cost.is_finite());
    Ok(Ok(Answer {
        model,
        key: query.clone(),
        id: call.id,
        query,
        dataset: call.dataset,
        category: None,
        score,
        cost,
    }))
}
