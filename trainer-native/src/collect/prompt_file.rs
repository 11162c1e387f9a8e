//! The prompts to ask: gathered from all files, each once, in a file of the format `prompts-jsonl`.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::whole_file::WholeFile;
use crate::completions::{Message, Role};
use crate::data::{
    BadRow, DataError, Format, MAX_STORED_BAD_ROWS, PromptRow, ReadOptions, for_each_prompt,
};
use crate::error::TrainerError;

/// A prompt to ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    pub id: String,
    /// The text of the last user turn, where the prompt is nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    /// All turns, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Message>,
    pub dataset: String,
    /// What a right answer is, as the source states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gold: Option<Value>,
}

impl Prompt {
    fn of(row: PromptRow, id: String) -> Self {
        let (query, messages) = match row.messages.as_slice() {
            [(Role::User, _)] => (Some(row.query), Vec::new()),
            _ => {
                let turn = |(role, content)| Message { role, content };
                (None, row.messages.into_iter().map(turn).collect())
            }
        };
        Self { id, query, messages, dataset: row.dataset, gold: row.gold }
    }

    /// The text of the last user turn.
    #[must_use]
    pub fn query(&self) -> &str {
        match (&self.query, self.messages.last()) {
            (Some(query), _) => query,
            (None, Some(last)) => &last.content,
            (None, None) => "",
        }
    }

    /// The turns to send.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        match &self.query {
            Some(query) => vec![Message::user(query.as_str())],
            None => self.messages.clone(),
        }
    }

    /// The turns, where there are several.
    pub(super) fn conversation(&self) -> &[Message] {
        &self.messages
    }
}

/// What was read of all files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PromptCounts {
    /// Prompts to ask.
    pub prompts: u64,
    /// Rows that ask what an earlier row asks.
    pub repeated: u64,
    /// Ids that an earlier file has too; they got the file's name before them.
    pub renamed: u64,
    /// Rows that are sound and no prompt of text, by what they are.
    pub passed_over: Vec<(&'static str, u64)>,
    /// The first [`MAX_STORED_BAD_ROWS`] rows left out.
    pub bad_rows: Vec<BadRow>,
    pub bad_count: u64,
}

/// Gathers the prompts of files in one file, in their order.
///
/// # Errors
/// Those of the readers; [`TrainerError::File`].
pub fn gather(
    sources: &[PathBuf],
    format: Option<Format>,
    options: &ReadOptions,
    out: &Path,
) -> Result<PromptCounts, TrainerError> {
    let file = WholeFile::create(out)?;
    let mut writer = BufWriter::new(file.file());
    let mut counts = PromptCounts::default();
    let mut asked: HashSet<[u8; 16]> = HashSet::new();
    let mut ids: HashSet<[u8; 16]> = HashSet::new();
    for source in sources {
        let stem = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut failed = Ok(());
        let read = for_each_prompt(source, format, options, &mut |row| {
            let turns: Vec<&str> =
                row.messages.iter().flat_map(|(role, text)| [role_name(*role), text]).collect();
            if !asked.insert(hash(&turns)) {
                counts.repeated += 1;
                return Ok(());
            }
            let mut id = row.id.clone();
            if !ids.insert(hash(&[&id])) {
                id = format!("{stem}/{id}");
                counts.renamed += 1;
                if !ids.insert(hash(&[&id])) {
                    let detail = format!(
                        "found the id {:?} in an earlier file and {id:?} too, expected ids to be \
                         unique. Change the ids, or leave one of the files out",
                        row.id
                    );
                    return Err(DataError::Stopped { detail });
                }
            }
            counts.prompts += 1;
            let written = serde_json::to_writer(&mut writer, &Prompt::of(row, id));
            let written = written.map_err(std::io::Error::from);
            if let Err(error) = written.and_then(|()| writer.write_all(b"\n")) {
                failed = Err(TrainerError::file(out)(error));
                return Err(DataError::Stopped { detail: "the prompts cannot be written".into() });
            }
            Ok(())
        });
        failed?;
        let read = read?;
        for (what, count) in read.passed_over {
            match counts.passed_over.iter_mut().find(|(known, _)| *known == what) {
                Some((_, total)) => *total += count as u64,
                None => counts.passed_over.push((what, count as u64)),
            }
        }
        counts.bad_rows.extend(read.bad_rows);
        counts.bad_rows.truncate(MAX_STORED_BAD_ROWS);
        counts.bad_count += read.bad_count as u64;
    }
    writer.flush().map_err(TrainerError::file(out))?;
    drop(writer);
    file.finish()?;
    Ok(counts)
}

/// The prompts of a gathered file, one after the other.
pub struct Prompts {
    path: PathBuf,
    lines: std::io::Lines<BufReader<File>>,
}

impl Prompts {
    pub fn open(path: &Path) -> Result<Self, TrainerError> {
        let file = File::open(path).map_err(TrainerError::file(path))?;
        Ok(Self { path: path.to_owned(), lines: BufReader::with_capacity(1 << 16, file).lines() })
    }
}

impl Iterator for Prompts {
    type Item = Result<Prompt, TrainerError>;

    fn next(&mut self) -> Option<Self::Item> {
        let file_error = TrainerError::file(&self.path);
        let line = self.lines.next()?.map_err(&file_error);
        Some(
            line.and_then(|line| {
                serde_json::from_str(&line).map_err(|error| file_error(error.into()))
            }),
        )
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

/// Sixteen bytes of SHA-256 over texts with their lengths.
fn hash(texts: &[&str]) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update(text.len().to_le_bytes());
        hasher.update(text);
    }
    let mut short = [0; 16];
    for (to, from) in short.iter_mut().zip(hasher.finalize()) {
        *to = from;
    }
    short
}
