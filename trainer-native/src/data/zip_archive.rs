//! Reads members of a zip archive in memory: stored, in deflate, or in zstd, as programs for LLMs write them.
//!
//! Where a name stands in the archive more than once, the last member counts, as in every reader: an archive
//! that is added to holds a member's older versions too.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};

use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipSliceArchive};
use ruzstd::decoding::StreamingDecoder;

/// Largest window that a zstd member may ask for, in bytes: what RFC 8878 has every decoder support.
const MAX_WINDOW: u64 = 8 << 20;

pub(super) struct Archive<'a> {
    zip: ZipSliceArchive<&'a [u8]>,
    members: Vec<Member>,
    places: HashMap<String, usize>,
}

struct Member {
    name: String,
    method: CompressionMethod,
    place: ZipArchiveEntryWayfinder,
}

impl<'a> Archive<'a> {
    /// Reads the table of contents.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let zip = ZipArchive::from_slice(bytes).map_err(|error| error.to_string())?;
        let mut archive = Self { zip, members: Vec::new(), places: HashMap::new() };
        let mut entries = archive.zip.entries();
        while let Some(entry) = entries.next_entry().map_err(|error| error.to_string())? {
            let path = entry.file_path();
            let Ok(name) = std::str::from_utf8(path.as_bytes()) else { continue };
            let (name, method) = (name.to_owned(), entry.compression_method());
            let next = archive.members.len();
            let at = *archive.places.entry(name.clone()).or_insert(next);
            let member = Member { name, method, place: entry.wayfinder() };
            match archive.members.get_mut(at) {
                Some(older) => *older = member,
                None => archive.members.push(member),
            }
        }
        Ok(archive)
    }

    /// The members' names, in the order of the table of contents.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str())
    }

    /// The bytes of a member; `None` where there is none of that name. Its length and checksum are verified
    /// at its end.
    ///
    /// # Errors
    /// What is wrong with the member, in words.
    pub fn member(&self, name: &str) -> Option<Result<Box<dyn Read + '_>, String>> {
        let member = self.members.get(*self.places.get(name)?)?;
        Some(self.open_member(member))
    }

    fn open_member(&self, member: &Member) -> Result<Box<dyn Read + '_>, String> {
        let entry = self.zip.get_entry(member.place).map_err(|error| error.to_string())?;
        let data = entry.data();
        match member.method {
            CompressionMethod::STORE => Ok(Box::new(entry.verifying_reader(data))),
            CompressionMethod::DEFLATE => {
                Ok(Box::new(entry.verifying_reader(DeflateDecoder::new(data))))
            }
            CompressionMethod::ZSTD => Ok(Box::new(entry.verifying_reader(Frames::new(data)))),
            other => Err(format!("its compression {other:?} is not known")),
        }
    }
}

/// The frames of a zstd stream, one after the other.
struct Frames<R: Read> {
    state: State<R>,
}

enum State<R: Read> {
    Between(R),
    Within(Box<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>),
    /// After an error, or the end.
    Ended,
}

impl<R: BufRead> Frames<R> {
    fn new(source: R) -> Self {
        Self { state: State::Between(source) }
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Ok(0),
                State::Between(mut source) => {
                    if source.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    let decoder = StreamingDecoder::new_with_max_window_size(source, MAX_WINDOW)
                        .map_err(io::Error::other)?;
                    self.state = State::Within(Box::new(decoder));
                }
                State::Within(mut decoder) => {
                    let length = decoder.read(out)?;
                    if length > 0 {
                        self.state = State::Within(decoder);
                        return Ok(length);
                    }
                    self.state = State::Between(decoder.into_inner());
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use flate2::write::DeflateEncoder;
    use rawzip::{ZipArchiveWriter, ZipDataWriter};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    /// Writes an archive; `compress` makes a member's bytes.
    fn written(members: &[(&str, CompressionMethod, &[u8], Vec<u8>)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut archive = ZipArchiveWriter::new(&mut bytes);
        for (name, method, plain, stored) in members {
            let (mut entry, config) =
                archive.new_file(name).compression_method(*method).start().unwrap();
            // The writer takes checksum and length of what is plain, and stores what is compressed.
            let mut plain_writer: ZipDataWriter<_> = config.wrap(io::sink());
            plain_writer.write_all(plain).unwrap();
            let (_, descriptor) = plain_writer.finish().unwrap();
            entry.write_all(stored).unwrap();
            entry.finish(descriptor).unwrap();
        }
        archive.finish().unwrap();
        bytes
    }

    fn deflated(plain: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(plain: &[u8]) -> Vec<u8> {
        compress_to_vec(plain, CompressionLevel::Fastest)
    }

    fn text(archive: &Archive<'_>, name: &str) -> Result<String, String> {
        let mut found = String::new();
        let mut member = archive.member(name).unwrap()?;
        member.read_to_string(&mut found).map_err(|error| error.to_string())?;
        Ok(found)
    }

    #[test]
    fn members_of_every_compression_are_read_and_the_last_of_a_name_counts() {
        let plain = "Softest metal? ".repeat(5000);
        let plain = plain.as_bytes();
        let frames = [zstd(&plain[..30_000]), zstd(&plain[30_000..])].concat();
        let bytes = written(&[
            ("a", CompressionMethod::STORE, b"old", b"old".to_vec()),
            ("b", CompressionMethod::DEFLATE, plain, deflated(plain)),
            ("c/d", CompressionMethod::ZSTD, plain, frames),
            ("a", CompressionMethod::STORE, b"new", b"new".to_vec()),
            ("e", CompressionMethod::ZSTD, b"", Vec::new()),
            ("f", CompressionMethod::new(99), b"x", b"x".to_vec()),
        ]);
        let archive = Archive::open(&bytes).unwrap();
        assert_eq!(archive.names().collect::<Vec<_>>(), ["a", "b", "c/d", "e", "f"]);
        assert_eq!(text(&archive, "a").unwrap(), "new");
        assert_eq!(text(&archive, "b").unwrap().as_bytes(), plain);
        assert_eq!(text(&archive, "c/d").unwrap().as_bytes(), plain);
        assert_eq!(text(&archive, "e").unwrap(), "");
        assert!(text(&archive, "f").unwrap_err().contains("not known"));
        assert!(archive.member("g").is_none());
    }

    #[test]
    fn a_member_that_is_not_what_the_archive_says_is_an_error() {
        let members = [
            ("length", CompressionMethod::STORE, &b"long"[..], b"lon".to_vec()),
            ("sum", CompressionMethod::STORE, b"long", b"song".to_vec()),
            ("zstd", CompressionMethod::ZSTD, b"long", b"not zstd".to_vec()),
            ("cut", CompressionMethod::ZSTD, b"long", zstd(b"long")[..6].to_vec()),
            ("deflate", CompressionMethod::DEFLATE, b"long", vec![0xFF; 9]),
        ];
        let bytes = written(&members);
        let archive = Archive::open(&bytes).unwrap();
        for (name, ..) in members {
            assert!(text(&archive, name).is_err(), "{name}");
        }
        assert!(Archive::open(&bytes[..bytes.len() - 9]).is_err());
        assert!(Archive::open(b"PK\x03\x04").is_err());
    }
}
