//! The store's file and its lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::TrainerError;

/// The first line.
const HEADER: &[u8] = b"pointsman completions 1\n";

/// What a power cut may take at most.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// A file of lines that only grows.
#[derive(Debug)]
pub struct StoreFile {
    path: PathBuf,
    file: File,
    reader: BufReader<File>,
    /// Where the next line begins.
    end: u64,
    synced: Instant,
    /// Held until the process ends, however it ends.
    _lock: File,
}

impl StoreFile {
    /// Opens the file of a folder, which is made where it is absent, and locks it.
    pub fn open(folder: &Path) -> Result<Self, TrainerError> {
        std::fs::create_dir_all(folder).map_err(TrainerError::file(folder))?;
        let lock = lock(folder)?;
        let path = folder.join("completions.log");
        let file = OpenOptions::new().append(true).create(true).open(&path);
        let file = file.map_err(TrainerError::file(&path))?;
        let reader = File::open(&path).map_err(TrainerError::file(&path))?;
        let reader = BufReader::with_capacity(1 << 16, reader);
        Ok(Self { path, file, reader, end: 0, synced: Instant::now(), _lock: lock })
    }

    /// Hands on each whole line after the first, without its end and with its place, and cuts off a half-written
    /// last one. Returns the number of bytes that were cut.
    pub fn read(&mut self, take: &mut dyn FnMut(u64, &[u8])) -> Result<u64, TrainerError> {
        let file_error = TrainerError::file(&self.path);
        let mut line = Vec::new();
        let torn = loop {
            line.clear();
            let length = self.reader.read_until(b'\n', &mut line).map_err(&file_error)? as u64;
            let Some((b'\n', text)) = line.split_last() else {
                break length;
            };
            match self.end {
                0 if line == HEADER => {}
                0 => return Err(self.bad("it does not begin as a store of answers")),
                at => take(at, text),
            }
            self.end += length;
        };
        if self.end == 0 && !HEADER.starts_with(&line) {
            return Err(self.bad("it does not begin as a store of answers"));
        }
        if torn > 0 {
            self.file.set_len(self.end).map_err(&file_error)?;
        }
        if self.end == 0 {
            self.append(HEADER)?;
        }
        Ok(torn)
    }

    /// Writes a line at the end, and returns where it begins. A line that is written in part, as on a full disk,
    /// is cut off.
    pub fn append(&mut self, line: &[u8]) -> Result<u64, TrainerError> {
        let at = self.end;
        if let Err(error) = self.file.write_all(line) {
            // Where this fails too, the next opening cuts the line off.
            let _ = self.file.set_len(at);
            return Err(TrainerError::file(&self.path)(error));
        }
        self.end += line.len() as u64;
        if self.synced.elapsed() >= SYNC_EVERY {
            self.sync()?;
        }
        Ok(at)
    }

    pub fn sync(&mut self) -> Result<(), TrainerError> {
        self.file.sync_data().map_err(TrainerError::file(&self.path))?;
        self.synced = Instant::now();
        Ok(())
    }

    /// Reads the line that begins at a place.
    pub fn line(&mut self, at: u64) -> Result<Vec<u8>, TrainerError> {
        let file_error = TrainerError::file(&self.path);
        // Lines that are asked for in the order of the file come out of the buffer.
        let position = self.reader.stream_position().map_err(&file_error)?;
        match i64::try_from(i128::from(at) - i128::from(position)) {
            Ok(offset) => self.reader.seek_relative(offset).map_err(&file_error)?,
            Err(_) => drop(self.reader.seek(SeekFrom::Start(at)).map_err(&file_error)?),
        }
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line).map_err(&file_error)?;
        line.pop();
        Ok(line)
    }

    /// The error of the file: what was found.
    pub fn bad(&self, found: &str) -> TrainerError {
        let detail = format!("{found}. Name another folder, or delete this one to ask anew");
        TrainerError::BadStore { path: self.path.clone(), detail }
    }
}

/// The system drops the lock when the process ends, so that none is left behind by a kill.
fn lock(folder: &Path) -> Result<File, TrainerError> {
    let path = folder.join("lock");
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = file.map_err(TrainerError::file(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = Read::by_ref(&mut file).take(20).read_to_string(&mut holder);
            let holder = holder.trim().to_owned();
            return Err(TrainerError::StoreInUse { path: folder.to_owned(), holder });
        }
        Err(TryLockError::Error(cause)) => return Err(TrainerError::file(&path)(cause)),
    }
    // For the message of another process only.
    let written = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
    written.map_err(TrainerError::file(&path))?;
    Ok(file)
}
