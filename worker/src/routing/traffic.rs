//! Keeps the traffic of each caller, so that shares of strong calls come true for each.
//!
//! A caller's win rates move no other caller's thresholds. Callers without a key are told apart by their
//! addresses, and cannot displace those with one. Of each kind at most [`MOST_CALLERS`] are kept: the one
//! that was silent longest begins anew with the bundle's calibration.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use pointsman::{Manifest, Traffic};

use crate::upstream::breaker::CallerId;

/// The most callers whose traffic is kept, of those with a key and of those without: some kB each.
const MOST_CALLERS: usize = 128;

/// The traffic of each caller with one bundle.
#[derive(Debug, Default)]
pub(crate) struct CallersTraffic {
    of_keys: Callers,
    of_open: Callers,
}

#[derive(Debug, Default)]
struct Callers {
    /// Each caller's traffic, and the number of its last request.
    callers: HashMap<String, (Rc<RefCell<Traffic>>, u64)>,
    requests: u64,
}

impl CallersTraffic {
    /// A caller's traffic; it begins with the calibration of `manifest`.
    pub(crate) fn of(&mut self, caller: CallerId<'_>, manifest: &Manifest) -> Rc<RefCell<Traffic>> {
        let (callers, name) = match caller {
            CallerId::Key(name) => (&mut self.of_keys, name),
            CallerId::Open(address) => (&mut self.of_open, address),
        };
        callers.of(name, manifest)
    }
}

impl Callers {
    fn of(&mut self, name: &str, manifest: &Manifest) -> Rc<RefCell<Traffic>> {
        self.requests += 1;
        if let Some((traffic, last)) = self.callers.get_mut(name) {
            *last = self.requests;
            return Rc::clone(traffic);
        }
        if self.callers.len() >= MOST_CALLERS {
            let silent = self.callers.iter().min_by_key(|(_, (_, last))| *last);
            if let Some(silent) = silent.map(|(name, _)| name.clone()) {
                self.callers.remove(&silent);
            }
        }
        let traffic = Rc::new(RefCell::new(Traffic::new(manifest)));
        self.callers.insert(name.to_owned(), (Rc::clone(&traffic), self.requests));
        traffic
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::manifest;
    use CallerId::{Key, Open};

    #[test]
    fn each_caller_has_its_own_traffic_and_one_without_a_key_displaces_none_with_one() {
        let (manifest, mut all) = (manifest(), CallersTraffic::default());
        let one = all.of(Key("a"), &manifest);
        assert!(Rc::ptr_eq(&one, &all.of(Key("a"), &manifest)));
        assert!(!Rc::ptr_eq(&one, &all.of(Key("b"), &manifest)));
        assert!(!Rc::ptr_eq(&one, &all.of(Open("a"), &manifest)));
        for address in 0..2 * MOST_CALLERS {
            all.of(Open(&address.to_string()), &manifest);
        }
        assert!(Rc::ptr_eq(&one, &all.of(Key("a"), &manifest)));
        assert_eq!(all.of_open.callers.len(), MOST_CALLERS);
    }

    #[test]
    fn the_caller_that_was_silent_longest_begins_anew() {
        let (manifest, mut callers) = (manifest(), Callers::default());
        let (first, second) = (callers.of("0", &manifest), callers.of("1", &manifest));
        for name in 2..MOST_CALLERS {
            callers.of(&name.to_string(), &manifest);
        }
        callers.of("0", &manifest);
        callers.of("new", &manifest);
        assert!(Rc::ptr_eq(&first, &callers.of("0", &manifest)));
        assert!(!Rc::ptr_eq(&second, &callers.of("1", &manifest)));
    }
}
