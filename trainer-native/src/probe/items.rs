//! The questions of a probe: the shipped set, or prompts of one's own with gold answers.
//!
//! Their order is such that the first n of them are spread evenly over the levels: a probe of fewer items asks the
//! beginning of a longer one, and a longer one reuses its answers.

use std::path::Path;

use pointsman::sha256_hex;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::completions::Message;
use crate::data::{Format, ReadOptions, for_each_prompt};
use crate::error::TrainerError;
use crate::judge::Gold;
use crate::random::RandomStream;

const SHIPPED: &str = include_str!("../../probe/items.jsonl");
/// Seed of the order in which items of one level are asked.
const ORDER_SEED: u64 = 1;

/// A question with its gold answer.
#[derive(Debug, Clone)]
pub struct ProbeItem {
    pub id: String,
    /// The text that the router rates.
    pub query: String,
    /// What is sent; the last turn is `query`.
    pub messages: Vec<Message>,
    /// The skill it asks for; of prompts of one's own their data set.
    pub skill: String,
    /// The author's estimate of its difficulty, 1 to 5.
    pub level: Option<u8>,
    pub gold: Gold,
    /// `gold` as it was stated.
    pub stated_gold: Value,
}

/// Questions in the order in which they are asked.
#[derive(Debug, Clone)]
pub struct ProbeSet {
    pub name: String,
    pub licence: String,
    /// Of the file.
    pub sha256: String,
    pub items: Vec<ProbeItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShippedItem {
    id: String,
    query: String,
    skill: String,
    level: u8,
    #[serde(rename = "lang")]
    _lang: String,
    gold: Value,
}

impl ProbeSet {
    /// The set that is shipped.
    ///
    /// # Errors
    /// [`TrainerError::BadRows`] where it does not read.
    pub fn shipped() -> Result<Self, TrainerError> {
        let item = |(at, line): (usize, &str)| -> Result<ProbeItem, TrainerError> {
            let bad = |detail| TrainerError::BadRows {
                what: format!("the shipped probe set, line {}", at + 1),
                detail,
            };
            let item: ShippedItem =
                serde_json::from_str(line).map_err(|error| bad(error.to_string()))?;
            Ok(ProbeItem {
                messages: vec![Message::user(&item.query)],
                gold: gold(&item.gold).map_err(bad)?,
                stated_gold: item.gold,
                id: item.id,
                query: item.query,
                skill: item.skill,
                level: Some(item.level),
            })
        };
        let items = SHIPPED.lines().enumerate().map(item).collect::<Result<_, _>>()?;
        Ok(Self {
            name: "probe set".into(),
            licence: "MIT OR Apache-2.0".into(),
            sha256: sha256_hex(SHIPPED.as_bytes()),
            items: in_order(items),
        })
    }

    /// Prompts with gold answers, of any format of prompts.
    ///
    /// # Errors
    /// [`TrainerError::BadRows`] for a prompt without a gold answer that can be graded, naming it; those of the
    /// reader.
    pub fn read(path: &Path, format: Option<Format>) -> Result<Self, TrainerError> {
        let mut rows = Vec::new();
        let source = for_each_prompt(path, format, &ReadOptions { skip_bad: false }, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        let item = |row: crate::data::PromptRow| -> Result<ProbeItem, TrainerError> {
            let stated = row.gold.as_ref().ok_or_else(|| {
                "found no \"gold\", expected the right answer of every probe, such as {\"numeric\": 42}"
                    .to_owned()
            });
            let graded = stated.and_then(gold).map_err(|detail| TrainerError::BadRows {
                what: format!("{}, prompt {:?}", path.display(), row.id),
                detail,
            })?;
            Ok(ProbeItem {
                id: row.id,
                query: row.query,
                messages: row
                    .messages
                    .into_iter()
                    .map(|(role, text)| Message::new(role, text))
                    .collect(),
                skill: row.dataset,
                level: None,
                gold: graded,
                stated_gold: row.gold.unwrap_or_default(),
            })
        };
        let items = rows.into_iter().map(item).collect::<Result<_, _>>()?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Self {
            name,
            licence: "not stated".into(),
            sha256: source.sha256,
            items: in_order(items),
        })
    }

    /// The items as prompts JSONL, in their order.
    #[must_use]
    pub fn prompts_jsonl(&self) -> String {
        let line = |item: &ProbeItem| {
            let (id, skill) = (&item.id, &item.skill);
            let (messages, gold) = (&item.messages, &item.stated_gold);
            format!("{}\n", json!({"id": id, "messages": messages, "dataset": skill, "gold": gold}))
        };
        self.items.iter().map(line).collect()
    }

    /// The first `count` items.
    ///
    /// # Errors
    /// [`TrainerError::BadSetting`] where there are fewer, or `count` is 0.
    pub fn first(mut self, count: usize) -> Result<Self, TrainerError> {
        let all = self.items.len();
        if !(1..=all).contains(&count) {
            return Err(TrainerError::BadSetting {
                setting: "items".into(),
                detail: format!("found {count}, expected 1 to {all}, the items of {}", self.name),
            });
        }
        self.items.truncate(count);
        Ok(self)
    }
}

fn gold(stated: &Value) -> Result<Gold, String> {
    match Gold::parse(stated)? {
        Gold::Tests(_) => Err("found the gold answer \"tests\", expected one that is compared with the answer's \
                               text. A probe runs no commands: grade such answers with `trainer judge --commands`, \
                               and fit with `pointsman fit-model` or `trainer add-candidate`"
            .into()),
        gold => Ok(gold),
    }
}

/// Items of each level in an order drawn by the seed, levels mixed evenly.
#[allow(clippy::cast_precision_loss)]
fn in_order(items: Vec<ProbeItem>) -> Vec<ProbeItem> {
    let mut levels: Vec<Option<u8>> = items.iter().map(|item| item.level).collect();
    levels.sort_unstable();
    levels.dedup();
    let mut placed: Vec<(f64, usize)> = Vec::with_capacity(items.len());
    for (stream, level) in levels.iter().enumerate() {
        let of_level: Vec<usize> = (0..items.len())
            .filter(|&at| items.get(at).is_some_and(|item| item.level == *level))
            .collect();
        let count = of_level.len();
        let drawn = RandomStream::new(ORDER_SEED, stream).some(&of_level, count);
        placed.extend(
            drawn
                .into_iter()
                .enumerate()
                .map(|(rank, at)| ((rank as f64 + 0.5) / count as f64, at)),
        );
    }
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut items: Vec<Option<ProbeItem>> = items.into_iter().map(Some).collect();
    placed.into_iter().filter_map(|(_, at)| items.get_mut(at)?.take()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
