//! Plain text: a prompt a line. Blank lines are ignored; a prompt's id is `<file>-<line>`, its data set the
//! file's name.

use std::path::PathBuf;

use super::DataError;
use super::files::stem_of;
use super::lines::for_each_line;
use super::messages::Role;
use super::prompt_sink::{Entry, PromptRow, PromptSink};

pub(super) fn read_files(files: &[PathBuf], sink: &mut PromptSink<'_>) -> Result<(), DataError> {
    files.iter().try_for_each(|file| {
        let set = stem_of(file);
        for_each_line(file, sink, |sink, line, text| {
            let entry = text.map(|text| {
                Entry::Prompt(PromptRow {
                    id: format!("{set}-{line}"),
                    query: text.to_owned(),
                    messages: vec![(Role::User, text.to_owned())],
                    dataset: set.clone(),
                    gold: None,
                })
            });
            sink.push(line, entry)
        })
    })
}
