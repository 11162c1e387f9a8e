//! A bounded cache of assessments by query text, off until a host sets its capacity.
//!
//! The same text always has the same assessment, so a repeated query need not run the encoder. Two
//! generations approximate least-recently-used eviction: a hit in the old generation moves to the
//! young one; when the young one is full, it replaces the old one.
//!
//! A host that serves several tenants with one router should leave the cache off: the time that an
//! answer takes would tell one tenant whether another has asked the same.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::policy::Assessment;

/// Longest query that is cached, in bytes: longer ones are seldom repeated.
const LONGEST: usize = 4096;

/// Assessments by the query's text.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    /// Most queries cached; 0 where the cache is off.
    capacity: usize,
    young: HashMap<String, Assessment>,
    old: HashMap<String, Assessment>,
}

impl Cache {
    fn generations(&self) -> MutexGuard<'_, Generations> {
        // No holder of the lock panics half-way through a change.
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Empties the cache and sets how many queries it may hold; 0 turns it off.
    pub fn resize(&self, queries: usize) {
        *self.generations() = Generations { capacity: queries, ..Generations::default() };
    }

    /// Empties the cache.
    pub fn clear(&self) {
        let capacity = self.generations().capacity;
        self.resize(capacity);
    }

    /// Returns the cached assessment of `text`, or computes and caches it. Errors are not cached.
    pub fn get_or<E>(
        &self,
        text: &str,
        compute: impl FnOnce() -> Result<Assessment, E>,
    ) -> Result<Assessment, E> {
        if let Some(known) = self.generations().get(text) {
            return Ok(known);
        }
        let answer = compute()?;
        self.generations().put(text, &answer);
        Ok(answer)
    }
}

impl Generations {
    fn get(&mut self, text: &str) -> Option<Assessment> {
        if let Some(known) = self.young.get(text) {
            return Some(known.clone());
        }
        let known = self.old.remove(text)?;
        self.put(text, &known);
        Some(known)
    }

    fn put(&mut self, text: &str, answer: &Assessment) {
        if self.capacity == 0 || text.len() > LONGEST {
            return;
        }
        if self.young.len() >= self.capacity.div_ceil(2) {
            self.old = std::mem::take(&mut self.young);
            if self.capacity == 1 {
                self.old.clear();
            }
        }
        self.young.insert(text.to_owned(), answer.clone());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    fn answer(tokens: usize) -> Assessment {
        Assessment { scores: vec![0.5], win_rate: Some(0.25), tokens, rated_tokens: tokens }
    }

    /// Looks up `text`, whose token count identifies its answer. Returns whether it was cached.
    fn known(cache: &Cache, text: &str) -> bool {
        let computed = Cell::new(false);
        let found = cache.get_or(text, || {
            computed.set(true);
            Ok::<_, ()>(answer(text.len()))
        });
        assert_eq!(found.unwrap(), answer(text.len()));
        !computed.get()
    }

    #[test]
    fn the_cache_is_off_until_it_has_a_capacity_and_again_at_zero() {
        let cache = Cache::default();
        assert!(!known(&cache, "a") && !known(&cache, "a"));
        cache.resize(4);
        assert!(!known(&cache, "a") && known(&cache, "a"));
        cache.resize(0);
        assert!(!known(&cache, "a") && !known(&cache, "a"));
    }

    #[test]
    fn errors_and_long_queries_are_not_cached() {
        let cache = Cache::default();
        cache.resize(4);
        assert_eq!(cache.get_or("a", || Err("no")), Err("no"));
        assert!(!known(&cache, "a"));
        let long = "x".repeat(LONGEST + 1);
        assert!(!known(&cache, &long) && !known(&cache, &long));
    }

    proptest! {
        #[test]
        fn answers_are_right_and_no_more_than_allowed_are_kept(
            capacity in 0_usize..9,
            texts in prop::collection::vec("[a-e]{1,2}", 0..60),
        ) {
            let cache = Cache::default();
            cache.resize(capacity);
            let mut last: Option<&String> = None;
            for text in &texts {
                let was_known = known(&cache, text);
                prop_assert!(capacity == 0 || last != Some(text) || was_known);
                last = Some(text);
                let kept = cache.generations();
                prop_assert!(kept.young.len() + kept.old.len() <= capacity.next_multiple_of(2));
            }
        }
    }
}
