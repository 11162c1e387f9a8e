//! Embeddings of queries, computed once by the exported graph and cached by content.
//!
//! A head is trained on the embeddings of the deployed encoder, quantisation included, so they come
//! from the engine and not from the float network. A cache folder belongs to one encoder (its name
//! is a hash of graph and tokenizer) and holds two files of equal row count, which are only
//! appended to:
//!
//! ```text
//! keys.bin     16 bytes a row     the beginning of the query's SHA-256
//! values.bin   f32 [rows, D]      little-endian
//! ```
//! Only the keys are held in memory; rows are read from the file on request. A million queries so
//! need some 50 MB of memory, whatever their text and width.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use pointsman::{Query, Router};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::if_any_token;
use crate::error::TrainerError;
use crate::progress::bar;

/// Queries embedded between two writes.
const CHUNK: usize = 1024;

type Key = [u8; 16];

/// The embeddings of one encoder, on disk.
pub struct EmbeddingCache {
    path: PathBuf,
    keys: File,
    values: File,
    rows: HashMap<Key, u32>,
    width: usize,
}

impl EmbeddingCache {
    /// Opens the cache of `router`'s encoder below `folder`, or starts one. `identity` names the
    /// encoder: two encoders must not share a cache.
    ///
    /// # Errors
    /// [`TrainerError::File`].
    pub fn open(folder: &Path, identity: &str, width: usize) -> Result<Self, TrainerError> {
        let path = folder.join(identity.get(..32).unwrap_or(identity));
        std::fs::create_dir_all(&path).map_err(TrainerError::file(&path))?;
        let open = |name: &str| {
            let file = path.join(name);
            let opened =
                OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&file);
            opened.map_err(TrainerError::file(&file))
        };
        let (keys, values) = (open("keys.bin")?, open("values.bin")?);
        let length =
            |file: &File| file.metadata().map(|data| data.len()).map_err(TrainerError::file(&path));
        // An interruption may leave one file longer: rows that both have are complete.
        let count = (length(&keys)? / 16).min(length(&values)? / (4 * width as u64));
        let mut bytes = vec![0_u8; usize::try_from(count).unwrap_or_default() * 16];
        keys.read_exact_at(&mut bytes, 0).map_err(TrainerError::file(&path))?;
        let rows = (0..).zip(bytes.as_chunks::<16>().0).map(|(row, key)| (*key, row)).collect();
        keys.set_len(count * 16).map_err(TrainerError::file(&path))?;
        values.set_len(count * 4 * width as u64).map_err(TrainerError::file(&path))?;
        Ok(Self { path, keys, values, rows, width })
    }

    /// D, width of an embedding.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Row of each query, in order; new queries are embedded first. Queries are taken in chunks; a
    /// query that has no token gets `None`.
    ///
    /// # Errors
    /// Those of the engine; [`TrainerError::Interrupted`], after which finished rows stay;
    /// [`TrainerError::File`].
    pub fn rows<'a>(
        &mut self,
        router: &Router,
        queries: impl ExactSizeIterator<Item = &'a str>,
        stop: &AtomicBool,
    ) -> Result<Vec<Option<u32>>, TrainerError> {
        let progress = bar("embedding queries");
        progress.set_length(queries.len() as u64);
        let mut found = Vec::with_capacity(queries.len());
        let mut waiting: Vec<(&str, Key)> = Vec::new();
        for query in queries {
            waiting.push((query, key(query)));
            if waiting.len() == CHUNK {
                self.flush(router, &mut waiting, &mut found, stop)?;
                progress.set_position(found.len() as u64);
            }
        }
        self.flush(router, &mut waiting, &mut found, stop)?;
        progress.finish_and_clear();
        Ok(found)
    }

    fn flush(
        &mut self,
        router: &Router,
        waiting: &mut Vec<(&str, Key)>,
        found: &mut Vec<Option<u32>>,
        stop: &AtomicBool,
    ) -> Result<(), TrainerError> {
        if stop.load(Ordering::Relaxed) {
            return Err(TrainerError::Interrupted { doing: "embedding queries".into() });
        }
        let mut missing: Vec<(&str, Key)> =
            waiting.iter().filter(|(_, key)| !self.rows.contains_key(key)).copied().collect();
        missing.sort_unstable_by_key(|&(_, key)| key);
        missing.dedup_by_key(|&mut (_, key)| key);
        // Longest first, so that no thread works alone at the end.
        missing.sort_by_key(|(query, _)| std::cmp::Reverse(query.len()));
        let embedded: Vec<(Key, Option<Vec<f32>>)> = missing
            .par_iter()
            .map(|&(query, key)| Ok((key, embed(router, query)?)))
            .collect::<Result<_, TrainerError>>()?;
        let (mut keys, mut values, mut next) = (Vec::new(), Vec::new(), self.next_row()?);
        for (key, embedding) in embedded {
            let Some(embedding) = embedding else { continue };
            self.rows.insert(key, next);
            next += 1;
            keys.extend(key);
            values.extend(embedding.iter().flat_map(|v| v.to_le_bytes()));
        }
        self.write(&keys, &values)?;
        found.extend(waiting.drain(..).map(|(_, key)| self.rows.get(&key).copied()));
        Ok(())
    }

    /// Adds embeddings without a text, and returns their rows.
    ///
    /// # Errors
    /// [`TrainerError::File`].
    pub fn append<'a>(
        &mut self,
        embeddings: impl Iterator<Item = &'a [f32]>,
    ) -> Result<std::ops::Range<u32>, TrainerError> {
        let first = self.next_row()?;
        let (mut keys, mut values, mut next) = (Vec::new(), Vec::new(), first);
        for embedding in embeddings {
            let key = key(&format!("row {next}"));
            self.rows.insert(key, next);
            keys.extend(key);
            values.extend(embedding.iter().flat_map(|v| v.to_le_bytes()));
            next += 1;
        }
        self.write(&keys, &values)?;
        Ok(first..next)
    }

    /// The row that the next embedding gets: the files' length counts, since another cache on the same folder
    /// may have appended to them.
    fn next_row(&self) -> Result<u32, TrainerError> {
        let length = self.keys.metadata().map_err(TrainerError::file(&self.path))?.len();
        Ok(u32::try_from(length / 16).unwrap_or(u32::MAX))
    }

    /// Writes values first: a row counts only once its key is written too.
    fn write(&mut self, keys: &[u8], values: &[u8]) -> Result<(), TrainerError> {
        for (file, bytes) in [(&mut self.values, values), (&mut self.keys, keys)] {
            let appended = file.seek(SeekFrom::End(0)).and_then(|_| file.write_all(bytes));
            appended.map_err(TrainerError::file(&self.path))?;
        }
        Ok(())
    }

    /// Embeddings of rows, one after the other, `[rows, D]`.
    ///
    /// # Errors
    /// [`TrainerError::File`].
    pub fn read(&self, rows: &[u32]) -> Result<Vec<f32>, TrainerError> {
        let mut bytes = vec![0_u8; rows.len() * self.width * 4];
        for (slot, &row) in bytes.chunks_exact_mut(self.width * 4).zip(rows) {
            let at = u64::from(row) * self.width as u64 * 4;
            self.values.read_exact_at(slot, at).map_err(TrainerError::file(&self.path))?;
        }
        Ok(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
    }
}

fn embed(router: &Router, query: &str) -> Result<Option<Vec<f32>>, TrainerError> {
    if_any_token(Query::new(query).and_then(|query| router.embed(&query)))
}

fn key(query: &str) -> Key {
    let digest = Sha256::digest(query);
    let mut key = [0; 16];
    key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    key
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn two_caches_on_one_folder_read_what_each_of_them_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let open = || EmbeddingCache::open(folder.path(), "one encoder", 2).unwrap();
        let (mut one, mut other) = (open(), open());
        let mut written = Vec::new();
        for (is_one, value) in [(true, 1.0), (false, 2.0), (true, 3.0)] {
            let cache = if is_one { &mut one } else { &mut other };
            let embedding = [value, -value];
            let rows = cache.append(std::iter::once(embedding.as_slice())).unwrap();
            written.push((rows.start, embedding));
        }
        for cache in [one, other, open()] {
            for (row, embedding) in &written {
                assert_eq!(cache.read(&[*row]).unwrap(), embedding);
            }
        }
    }
}
