//! Answers of LLMs to prompts: what `trainer collect` writes and `trainer judge` reads, one JSON object a line.
//!
//! ```json
//! {"id": "1", "query": "Name a prime above 10.", "dataset": "own", "model": "small", "sample": 0,
//!  "answer": "11", "finish": "stop", "cost_usd": 0.00012, "gold": {"numeric": 11}}
//! ```
//!
//! `id`, `query`, `model` and `answer` are required. `dataset` is `own` where absent, `sample` 0, `finish`
//! (`stop`, `length`, `refusal`, `filtered`, `empty`) is `stop`. `messages` holds the conversation that the query
//! ends, where there is one. Other fields and blank lines are ignored. Rows of one prompt have the same `id`, and
//! may stand anywhere in the files.
//!
//! A file may be larger than memory: [`AnswerSet::open`] checks each row and remembers its place, in 32 bytes
//! a row and some 100 a prompt; [`AnswerSet::prompts`] reads the prompts one by one, in the order of their first
//! rows.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::bad_row::RowFault;
use super::files::io_error;
use super::lines::{for_each_line, json_fault};
use super::messages::{Asked, asked};
use super::score_map::required;
use super::source_log::{Sink, SourceLog, check_query, fingerprint};
use super::{BadRow, DataError, ReadOptions, Role};

/// How an answer ended, as `finish` states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase", expecting = "one of stop, length, refusal, filtered, empty")]
pub enum Ending {
    Stop,
    Length,
    Refusal,
    Filtered,
    Empty,
}

/// A prompt with all of its answers.
#[derive(Debug, Clone, PartialEq)]
pub struct AnsweredPrompt {
    pub id: String,
    pub query: String,
    /// The turns before and with the query, where the rows state them; else empty.
    pub messages: Vec<(Role, String)>,
    pub dataset: String,
    /// What a right answer is, as the prompt states it.
    pub gold: Option<Value>,
    /// By model, then by sample.
    pub answers: Vec<Answer>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Index into [`AnswerSet::models`].
    pub model: usize,
    pub sample: u32,
    pub text: String,
    pub ending: Ending,
    pub cost_usd: Option<f64>,
}

/// The rows of files of answers, by prompt.
#[derive(Debug)]
pub struct AnswerSet {
    /// Names of the models, in order of first appearance.
    pub models: Vec<String>,
    pub files: Vec<PathBuf>,
    /// SHA-256 over the contents of the files in the order given, in lower-case hexadecimal.
    pub sha256: String,
    pub bad_rows: Vec<BadRow>,
    pub bad_count: usize,
    /// By prompt, model and sample.
    places: Vec<Place>,
    prompts: usize,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    prompt: u32,
    sample: u32,
    start: u64,
    length: u32,
    line: u32,
    file: u32,
    model: u16,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with id, query, model and answer")]
struct JsonRow {
    id: Option<String>,
    query: Option<String>,
    messages: Option<Value>,
    dataset: Option<String>,
    model: Option<String>,
    sample: Option<u32>,
    answer: Option<String>,
    finish: Option<Ending>,
    cost_usd: Option<f64>,
    gold: Option<Value>,
}

/// A row that passed every check of itself.
struct Row {
    id: String,
    query: String,
    messages: Vec<(Role, String)>,
    dataset: String,
    model: String,
    sample: u32,
    answer: String,
    ending: Ending,
    cost_usd: Option<f64>,
    gold: Option<Value>,
}

fn parse(text: &str) -> Result<Row, RowFault> {
    let row: JsonRow = serde_json::from_str(text).map_err(|error| json_fault(&error))?;
    let query = required(row.query, "query")?;
    check_query(&query)?;
    let model = required(row.model, "model")?;
    if model.trim().is_empty() {
        return Err(RowFault::new("empty_model_name", "found an empty \"model\", expected a name"));
    }
    if let Some(cost) = row.cost_usd.filter(|cost| !(cost.is_finite() && *cost >= 0.0)) {
        let reason = format!("found the cost {cost}, expected US dollars, 0 or more, or null");
        return Err(RowFault::new("cost_out_of_range", reason));
    }
    let messages = match row.messages.filter(|messages| !messages.is_null()) {
        None => Vec::new(),
        Some(messages) => match asked(&messages)? {
            Asked::Conversation { messages, .. } => messages,
            Asked::PassedOver(what) => {
                let reason =
                    format!("found {what} as \"messages\", expected texts with a user's turn");
                return Err(RowFault::new("bad_messages", reason));
            }
        },
    };
    Ok(Row {
        id: required(row.id, "id")?,
        query,
        messages,
        dataset: row.dataset.unwrap_or_else(|| "own".into()),
        model,
        sample: row.sample.unwrap_or(0),
        answer: required(row.answer, "answer")?,
        ending: row.finish.unwrap_or(Ending::Stop),
        cost_usd: row.cost_usd,
        gold: row.gold.filter(|gold| !gold.is_null()),
    })
}

/// Collects the places of rows.
struct Index<'a> {
    log: SourceLog,
    models: Vec<String>,
    model_indices: HashMap<String, u16>,
    /// Number, and fingerprint of query, data set and gold answer, by the id's fingerprint.
    prompts: HashMap<u64, (u32, u64)>,
    places: Vec<Place>,
    check_gold: &'a dyn Fn(&Value) -> Result<(), String>,
}

impl Sink for Index<'_> {
    fn log(&mut self) -> &mut SourceLog {
        &mut self.log
    }
}

impl Index<'_> {
    fn add(&mut self, row: &Row, place: Place) -> Result<(), RowFault> {
        let gold = row.gold.as_ref().map(Value::to_string);
        let content = fingerprint(&(&row.query, &row.dataset, &gold));
        let id = fingerprint(&row.id);
        let prompt = match self.prompts.get(&id) {
            Some(&(prompt, first)) if first == content => prompt,
            Some(_) => {
                return Err(RowFault::new(
                    "other_prompt",
                    format!(
                        "found the id {:?} with another query, data set or gold answer than before, expected \
                         one prompt an id",
                        row.id
                    ),
                ));
            }
            None => {
                if let Some(gold) = &row.gold {
                    let bad = |reason| RowFault::new("bad_gold", reason);
                    (self.check_gold)(gold).map_err(bad)?;
                }
                let next = u32::try_from(self.prompts.len()).map_err(|_| too_many("prompts"))?;
                self.prompts.insert(id, (next, content));
                next
            }
        };
        let model = match self.model_indices.get(&row.model) {
            Some(&model) => model,
            None => {
                let next = u16::try_from(self.models.len()).map_err(|_| too_many("models"))?;
                self.model_indices.insert(row.model.clone(), next);
                self.models.push(row.model.clone());
                next
            }
        };
        self.places.push(Place { prompt, model, sample: row.sample, ..place });
        Ok(())
    }
}

fn too_many(what: &str) -> RowFault {
    RowFault::new("too_many", format!("found more {what} than can be counted, expected fewer"))
}

impl AnswerSet {
    /// Checks every row and remembers its place; `check_gold` is asked once for each prompt that has a gold
    /// answer, and says why one cannot be used.
    ///
    /// # Errors
    /// [`DataError::NoRows`] without a row; a bad row is an error unless [`skip_bad`](ReadOptions::skip_bad) is
    /// set, where of two answers of a model to a prompt with the same `sample` the first counts.
    pub fn open(
        files: &[PathBuf],
        options: &ReadOptions,
        check_gold: &dyn Fn(&Value) -> Result<(), String>,
    ) -> Result<Self, DataError> {
        let mut index = Index {
            log: SourceLog::new(options),
            models: Vec::new(),
            model_indices: HashMap::new(),
            prompts: HashMap::new(),
            places: Vec::new(),
            check_gold,
        };
        for (file, path) in (0_u32..).zip(files) {
            let begin = index.log.bytes;
            let mut start = 0;
            for_each_line(path, &mut index, |index, line, text| {
                // All bytes up to the line's end are hashed. Blank lines before it are part of its place, and
                // are trimmed where it is read again.
                let end = index.log.bytes - begin;
                let length = u32::try_from(end - start).unwrap_or(u32::MAX);
                let place = Place {
                    prompt: 0,
                    sample: 0,
                    start,
                    length,
                    line: u32::try_from(line).unwrap_or(u32::MAX),
                    file,
                    model: 0,
                };
                start = end;
                match text.and_then(parse).and_then(|row| index.add(&row, place)) {
                    Ok(()) => Ok(()),
                    Err(fault) => index.log.reject(line, fault),
                }
            })?;
        }
        let Index { mut log, models, prompts, mut places, .. } = index;
        places
            .sort_by_key(|place| (place.prompt, place.model, place.sample, place.file, place.line));
        remove_repeated(&mut places, &mut log, files, &models)?;
        let first = files.first().cloned().unwrap_or_default();
        if places.is_empty() {
            return Err(log.no_rows(&first));
        }
        Ok(Self {
            models,
            files: files.to_vec(),
            sha256: log.sha256(),
            bad_rows: log.bad_rows,
            bad_count: log.bad_count,
            prompts: prompts.len(),
            places,
        })
    }

    /// Number of prompts.
    #[must_use]
    pub fn prompt_count(&self) -> usize {
        self.prompts
    }

    /// Number of answers.
    #[must_use]
    pub fn answer_count(&self) -> usize {
        self.places.len()
    }

    /// Reads the prompts, in the order of their first rows. The items after an error have no meaning.
    pub fn prompts(&self) -> impl Iterator<Item = Result<AnsweredPrompt, DataError>> + '_ {
        let mut open: HashMap<u32, BufReader<File>> = HashMap::new();
        self.places
            .chunk_by(|a, b| a.prompt == b.prompt)
            .map(move |places| self.prompt(places, &mut open))
    }

    fn prompt(
        &self,
        places: &[Place],
        open: &mut HashMap<u32, BufReader<File>>,
    ) -> Result<AnsweredPrompt, DataError> {
        let mut rows = Vec::with_capacity(places.len());
        for place in places {
            rows.push((self.row(place, open)?, usize::from(place.model)));
        }
        let mut prompt: Option<AnsweredPrompt> = None;
        let mut answers = Vec::with_capacity(rows.len());
        for (row, model) in rows {
            let Row {
                id, query, messages, dataset, gold, sample, answer, ending, cost_usd, ..
            } = row;
            prompt.get_or_insert_with(|| AnsweredPrompt {
                id,
                query,
                messages,
                dataset,
                gold,
                answers: Vec::new(),
            });
            answers.push(Answer { model, sample, text: answer, ending, cost_usd });
        }
        // A chunk has at least one place.
        let nothing =
            || DataError::NoRows { path: PathBuf::new(), bad: 0, passed_over: String::new() };
        Ok(AnsweredPrompt { answers, ..prompt.ok_or_else(nothing)? })
    }

    fn row(
        &self,
        place: &Place,
        open: &mut HashMap<u32, BufReader<File>>,
    ) -> Result<Row, DataError> {
        let path: &Path = self.files.get(place.file as usize).map_or(Path::new(""), |p| p);
        let error = |cause| io_error(path, cause);
        let reader = match open.entry(place.file) {
            std::collections::hash_map::Entry::Occupied(reader) => reader.into_mut(),
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(BufReader::with_capacity(1 << 16, File::open(path).map_err(error)?))
            }
        };
        // Rows that are read in the order of the file come out of the buffer.
        let position = reader.stream_position().map_err(error)?;
        match i64::try_from(place.start).ok().zip(i64::try_from(position).ok()) {
            Some((start, position)) => reader.seek_relative(start - position),
            None => reader.seek(SeekFrom::Start(place.start)).map(|_| ()),
        }
        .map_err(error)?;
        let mut bytes = vec![0; place.length as usize];
        let read = reader.read_exact(&mut bytes);
        let text = read.ok().and_then(|()| std::str::from_utf8(&bytes).ok());
        // The first line may begin with a byte order mark.
        let row =
            text.and_then(|text| parse(text.trim_start_matches('\u{feff}').trim_ascii()).ok());
        row.ok_or_else(|| {
            let line = u64::from(place.line);
            let detail = "found another row than a moment ago: the file was changed while it was read. Run the \
                          command again"
                .into();
            DataError::bad_place(path, line, None, detail)
        })
    }
}

/// Leaves the first of several answers with the same prompt, model and sample.
fn remove_repeated(
    places: &mut Vec<Place>,
    log: &mut SourceLog,
    files: &[PathBuf],
    models: &[String],
) -> Result<(), DataError> {
    let same =
        |a: &Place, b: &Place| (a.prompt, a.model, a.sample) == (b.prompt, b.model, b.sample);
    let mut kept: Vec<Place> = Vec::with_capacity(places.len());
    for place in places.iter() {
        let Some(first) = kept.last().filter(|last| same(last, place)) else {
            kept.push(*place);
            continue;
        };
        let model = models.get(usize::from(place.model)).map_or("", String::as_str);
        let at = files.get(first.file as usize).map_or(String::new(), |f| f.display().to_string());
        log.resume_file(files, place.file as usize);
        let reason = format!(
            "found a second answer of {model:?} with the sample {} to the same prompt (first at {at}:{}), expected \
             one. Number several answers by \"sample\"",
            place.sample, first.line
        );
        log.reject(u64::from(place.line), RowFault::new("duplicate_answer", reason))?;
    }
    *places = kept;
    Ok(())
}

#[cfg(test)]
mod tests;
