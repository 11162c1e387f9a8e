//! Checks a manifest beyond its fields' types.

use super::{FileEntry, MANIFEST_FILE, Manifest};

impl Manifest {
    /// Returns the first fault: the field, what was found, what was expected.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.candidates.is_empty() {
            return Err("\"candidates\" is empty".into());
        }
        for (i, candidate) in self.candidates.iter().enumerate() {
            if self.candidates[..i].iter().any(|c| c.id == candidate.id) {
                return Err(format!("candidate {:?} is listed twice", candidate.id));
            }
            for (field, price) in
                [("input_price", candidate.input_price), ("output_price", candidate.output_price)]
            {
                if price.is_some_and(|p| !p.is_finite() || p < 0.0) {
                    return Err(format!(
                        "candidate {:?} has {field} {price:?}: expected USD per million tokens, >= 0",
                        candidate.id
                    ));
                }
            }
        }
        if self.head.strong.is_some() != self.head.weak.is_some() {
            return Err("\"head\" names one of strong and weak: expected both or neither".into());
        }
        for (role, id) in [("strong", &self.head.strong), ("weak", &self.head.weak)] {
            if let Some(id) = id
                && self.candidate_index(id).is_none()
            {
                return Err(format!(
                    "head.{role} is {id:?}, which is no candidate: expected one of {}",
                    self.candidate_names()
                ));
            }
        }
        if self.head.strong.is_some() && self.head.strong == self.head.weak {
            return Err("head.strong and head.weak are the same candidate".into());
        }
        if self.head.default_strong_share.is_some_and(|s| !(0.0..=1.0).contains(&s)) {
            return Err("head.default_strong_share is not in [0, 1]".into());
        }
        let encoder = &self.encoder;
        if encoder.max_tokens == 0 || encoder.max_tokens > 1 << 20 {
            return Err(format!(
                "encoder.max_tokens is {}: expected 1 to 1048576",
                encoder.max_tokens
            ));
        }
        if let Some(calibration) = &self.calibration {
            let q = &calibration.quantiles;
            if q.len() < 2 {
                return Err(format!("calibration has {} quantiles: expected at least 2", q.len()));
            }
            if q.iter().any(|v| !(0.0..=1.0).contains(v)) || q.windows(2).any(|w| w[0] > w[1]) {
                return Err("calibration.quantiles are not ascending within [0, 1]".into());
            }
        }
        self.curves.iter().try_for_each(|curve| curve.check(self))?;
        self.map.as_ref().map_or(Ok(()), |map| self.check_map(map))
    }

    fn check_map(&self, map: &FileEntry) -> Result<(), String> {
        let name = map.name.as_str();
        if name.is_empty() || name.contains(['/', '\\']) || name == MANIFEST_FILE {
            return Err(format!("map.name is {name:?}: expected a file name such as \"map.json\""));
        }
        match self.files.iter().any(|file| file.name == name) {
            true => Err(format!(
                "the map {name:?} is also listed in \"files\", which are the files for routing"
            )),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::RouterError;

    #[test]
    fn a_map_is_a_plain_file_that_is_not_listed_twice() {
        let map = |name: &str, files: Value| {
            let entry = json!({"name": name, "bytes": 2, "sha256": "ab"});
            let manifest = json!({
                "format": 1, "name": "n", "kind": "mf", "candidates": [{"id": "s"}],
                "encoder": {
                    "tier": "static", "max_tokens": 8, "truncation_side": "right",
                    "pooling": "mean", "embedding_size": 2, "special_tokens": false
                },
                "head": {}, "files": files, "map": entry
            });
            match Manifest::from_json(manifest.to_string().as_bytes()) {
                Ok(manifest) => Ok(manifest),
                Err(RouterError::BundleBadManifest { detail }) => Err(detail),
                Err(other) => panic!("{other:?}"),
            }
        };
        assert_eq!(map("map.json", json!([])).unwrap().map.unwrap().bytes, 2);
        let listed = json!([{"name": "map.json", "bytes": 2, "sha256": "ab"}]);
        assert!(map("map.json", listed).unwrap_err().contains("also listed in \"files\""));
        for name in ["", "../map.json", "a\\b", "router.json"] {
            assert!(map(name, json!([])).unwrap_err().contains("expected a file name"), "{name}");
        }
    }
}
