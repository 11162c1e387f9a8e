//! The files of one folder of a log: JSON objects, one a file (`.json`) or one a line (`.jsonl`).
//!
//! Files are visited in the order of their names and read one by one; a row is held in memory alone. The day of a
//! file is the first part of its path, or of its name, that begins with `YYYY-MM-DD`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::clock;
use crate::error::TrainerError;

/// Most bytes of a row.
const MOST_BYTES: u64 = 4 << 20;

/// Days to read, both ends included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Days {
    pub since: Option<i64>,
    pub until: Option<i64>,
}

impl Days {
    #[must_use]
    pub fn hold(&self, day: i64) -> bool {
        self.since.is_none_or(|since| day >= since) && self.until.is_none_or(|until| day <= until)
    }
}

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub path: &'a Path,
    /// Line, counted from 1; of a file of one object 1.
    pub line: usize,
    /// Day of the file.
    pub day: Option<i64>,
}

/// Takes a row's text, or what is wrong with it.
pub(super) type Visit<'a> = dyn FnMut(Place<'_>, Result<&str, String>) + 'a;

/// Visits every row of the days in a folder. Returns the files that are neither `.json` nor `.jsonl`; no row and no
/// such file where the folder is not there.
///
/// # Errors
/// [`TrainerError::File`].
pub(super) fn for_each(
    folder: &Path,
    days: Days,
    visit: &mut Visit<'_>,
) -> Result<Vec<PathBuf>, TrainerError> {
    let mut others = Vec::new();
    if folder.exists() {
        walk(folder, None, days, visit, &mut others)?;
    }
    Ok(others)
}

fn walk(
    folder: &Path,
    day: Option<i64>,
    days: Days,
    visit: &mut Visit<'_>,
    others: &mut Vec<PathBuf>,
) -> Result<(), TrainerError> {
    let at = TrainerError::file(folder);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(&at)? {
        paths.push(entry.map_err(&at)?.path());
    }
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let day = day.or_else(|| name.get(..10).and_then(clock::day));
        if day.is_some_and(|day| !days.hold(day)) || name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            walk(&path, day, days, visit, others)?;
            continue;
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => object(&path, day, visit)?,
            Some("jsonl") => lines(&path, day, visit)?,
            _ => others.push(path),
        }
    }
    Ok(())
}

fn object(path: &Path, day: Option<i64>, visit: &mut Visit<'_>) -> Result<(), TrainerError> {
    let at = TrainerError::file(path);
    let mut bytes = Vec::new();
    File::open(path).map_err(&at)?.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(&at)?;
    visit(Place { path, line: 1, day }, text_of(&bytes));
    Ok(())
}

fn lines(path: &Path, day: Option<i64>, visit: &mut Visit<'_>) -> Result<(), TrainerError> {
    let at = TrainerError::file(path);
    let mut reader = BufReader::new(File::open(path).map_err(&at)?);
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let read =
            reader.by_ref().take(MOST_BYTES + 1).read_until(b'\n', &mut bytes).map_err(&at)?;
        if read == 0 {
            break;
        }
        if read as u64 > MOST_BYTES && !bytes.ends_with(b"\n") {
            reader.skip_until(b'\n').map_err(&at)?;
        }
        if !bytes.trim_ascii().is_empty() {
            visit(Place { path, line, day }, text_of(&bytes));
        }
    }
    Ok(())
}

fn text_of(bytes: &[u8]) -> Result<&str, String> {
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("found more than {MOST_BYTES} bytes, expected a row of a log"));
    }
    str::from_utf8(bytes)
        .map_err(|error| format!("found bytes that are no UTF-8 ({error}), expected JSON"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_visited_in_the_order_of_names_and_days_left_out_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("2026-11-27/team/a.json", b"left out");
        write("2026-11-28/team/b.json", b"one");
        write("2026-11-28/team/.c.json", b"hidden");
        write("2026-11-28/team/d.json.partial", b"other");
        write("2026-11-29.jsonl", b"two\n\n  \nthree");
        write("2026-11-29_x.jsonl", b"\xff\xfe\n");
        write(
            "2026-11-30/big.jsonl",
            &[&vec![b'x'; (MOST_BYTES + 9) as usize][..], b"\nfour\n"].concat(),
        );
        let days = Days { since: clock::day("2026-11-28"), until: None };
        let mut seen = Vec::new();
        let others = for_each(folder.path(), days, &mut |place, text| {
            let text = text.map_or_else(
                |error| error.chars().take(30).collect(),
                |text| text.trim().to_owned(),
            );
            seen.push((place.line, place.day.map(clock::name).unwrap(), text));
        })
        .unwrap();
        let expected = [
            (1, "2026-11-28", "one"),
            (1, "2026-11-29", "two"),
            (4, "2026-11-29", "three"),
            (1, "2026-11-29", "found bytes that are no UTF-8 "),
            (1, "2026-11-30", "found more than 4194304 bytes,"),
            (2, "2026-11-30", "four"),
        ];
        let expected: Vec<_> = expected.map(|(l, d, t)| (l, d.to_owned(), t.to_owned())).to_vec();
        assert_eq!(seen, expected);
        assert_eq!(others.len(), 1);
        let none =
            for_each(&folder.path().join("absent"), days, &mut |_, _| unreachable!()).unwrap();
        assert!(none.is_empty());
    }
}
