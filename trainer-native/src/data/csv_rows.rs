//! Reads CSV one record at a time, each with the line it begins in.
//!
//! The parser counts lines from the end of the previous record, so blank lines shift its numbers;
//! and a quote that is never closed makes it read the rest of the file as one field. So the bytes
//! of a record are kept until it is complete: lines are counted from them, they are hashed, and a
//! record that outgrows [`MAX_ROW_BYTES`] stops the reading.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::DataError;
use super::files::io_error;
use super::lines::MAX_ROW_BYTES;
use super::source_log::SourceLog;

const BUFFER: usize = 1 << 16;

pub(super) struct CsvRows {
    path: PathBuf,
    reader: Reader<Window>,
    record: ByteRecord,
    /// Line of the next byte to be parsed.
    line: u64,
}

impl CsvRows {
    pub fn open(path: &Path, log: &mut SourceLog) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|source| io_error(path, source))?;
        let mut window = Window { file, kept: Vec::new(), from: 0, unread: 0, overflow: false };
        window.skip_bom(log).map_err(|source| io_error(path, source))?;
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER)
            .from_reader(window);
        Ok(Self { path: path.to_owned(), reader, record: ByteRecord::new(), line: 1 })
    }

    /// The next record and the line of its first byte, or `None` at the end.
    pub fn next(&mut self, log: &mut SourceLog) -> Result<Option<(u64, &ByteRecord)>, DataError> {
        let before = self.reader.position().byte();
        let more = match self.reader.read_byte_record(&mut self.record) {
            Ok(more) => more,
            Err(_) if self.reader.get_ref().overflow => {
                let detail = format!(
                    "found a record of more than {MAX_ROW_BYTES} bytes, expected a shorter one. A \
                     quote that is opened here may not be closed: fix the file. Rows after this \
                     point cannot be found, so --skip-bad does not help"
                );
                return Err(DataError::bad_place(&self.path, self.line, None, detail));
            }
            Err(error) => return Err(io_error(&self.path, error.into())),
        };
        let length = (self.reader.position().byte() - before) as usize;
        let window = self.reader.get_mut();
        let taken = window.kept.get(window.from..window.from + length).unwrap_or_default();
        log.hash(taken);
        let blank = taken.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let (blank, rest) = taken.split_at(blank);
        let begins = self.line + newlines(blank);
        self.line = begins + newlines(rest);
        window.advance(length);
        Ok(more.then_some((begins, &self.record)))
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

/// Keeps the bytes of a file from the record on that is being parsed.
struct Window {
    file: File,
    kept: Vec<u8>,
    /// Position in `kept` where the record begins.
    from: usize,
    /// Bytes at the end of `kept` that the parser has not been given yet.
    unread: usize,
    overflow: bool,
}

impl Window {
    fn skip_bom(&mut self, log: &mut SourceLog) -> std::io::Result<()> {
        const BOM: &[u8] = b"\xEF\xBB\xBF";
        Read::by_ref(&mut self.file).take(BOM.len() as u64).read_to_end(&mut self.kept)?;
        if self.kept == BOM {
            log.hash(BOM);
            self.kept.clear();
        }
        self.unread = self.kept.len();
        Ok(())
    }

    fn advance(&mut self, length: usize) {
        self.from += length;
        // Moving the rest only now and then costs about one copy of each byte in all.
        if self.from > BUFFER.max(self.kept.len() / 2) {
            self.kept.drain(..self.from.min(self.kept.len()));
            self.from = 0;
        }
    }
}

impl Read for Window {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.unread > 0 {
            let start = self.kept.len() - self.unread;
            let pending = self.kept.get(start..).unwrap_or_default();
            let n = pending.len().min(buffer.len());
            for (to, from) in buffer.iter_mut().zip(pending) {
                *to = *from;
            }
            self.unread -= n;
            return Ok(n);
        }
        if self.kept.len() - self.from > MAX_ROW_BYTES {
            self.overflow = true;
            return Err(std::io::Error::other("row too large"));
        }
        let n = self.file.read(buffer)?;
        self.kept.extend_from_slice(buffer.get(..n).unwrap_or_default());
        Ok(n)
    }
}
