//! Checks a manifest beyond its fields' types.

use super::{FileEntry, MANIFEST_FILE, Manifest};
use crate::kind::Kind;

/// The longest name of a bundle or a candidate.
const MAX_NAME_BYTES: usize = 256;
/// The most candidates: every two of them are compared.
const MAX_CANDIDATES: usize = 1024;
/// The most demands K of a query.
const MAX_DEMANDS: usize = 64;
/// The tiers of which a bundle may state abilities.
const TIERS: [&str; 3] = ["small", "medium", "large"];
/// The largest embedding size D.
const MAX_EMBEDDING: usize = 1 << 16;
/// The most files of a bundle.
const MAX_FILES: usize = 32;

/// Whether a text can be the value of an HTTP header on every host, and is no longer than 256 bytes:
/// printable ASCII, not empty, without a space at its ends. Hosts state names of bundles and candidates in
/// headers.
#[must_use]
pub fn is_header_value(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len())
        && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
        && text.trim_ascii() == text
}

fn check_name(field: &str, name: &str) -> Result<(), String> {
    match is_header_value(name) {
        true => Ok(()),
        false => Err(format!(
            "{field} is {name:?}: expected 1 to {MAX_NAME_BYTES} printable ASCII characters without a \
             space at its ends, since hosts state it in an HTTP header"
        )),
    }
}

impl Manifest {
    /// Returns the first fault: the field, what was found, what was expected.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.candidates.is_empty() {
            return Err("\"candidates\" is empty".into());
        }
        if self.candidates.len() > MAX_CANDIDATES {
            let count = self.candidates.len();
            return Err(format!("\"candidates\" has {count}: expected at most {MAX_CANDIDATES}"));
        }
        check_name("\"name\"", &self.name)?;
        for (i, candidate) in self.candidates.iter().enumerate() {
            check_name(&format!("the id of candidate {i}"), &candidate.id)?;
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
        if !(1..=MAX_EMBEDDING).contains(&encoder.embedding_size) {
            return Err(format!(
                "encoder.embedding_size is {}: expected 1 to {MAX_EMBEDDING}",
                encoder.embedding_size
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
        if self.kind == Kind::Difficulty.name() {
            self.check_difficulty()?;
        }
        if self.files.len() > MAX_FILES {
            return Err(format!(
                "\"files\" lists {}: expected at most {MAX_FILES}",
                self.files.len()
            ));
        }
        for (i, file) in self.files.iter().enumerate() {
            if self.files[..i].iter().any(|f| f.name == file.name) {
                return Err(format!("file {:?} is listed twice", file.name));
            }
            if !is_file_name(&file.name) {
                return Err(format!(
                    "\"files\" lists {:?}: expected a file name such as \"model.onnx\"",
                    file.name
                ));
            }
        }
        self.curves.iter().try_for_each(|curve| curve.check(self))?;
        self.map.as_ref().map_or(Ok(()), |map| self.check_map(map))
    }

    /// Checks that every candidate and tier has an ability for the demands, and every query of the
    /// calibration a number for each.
    fn check_difficulty(&self) -> Result<(), String> {
        let names = self.head.demands.as_deref().unwrap_or_default();
        if !(1..=MAX_DEMANDS).contains(&names.len()) {
            let found = names.len();
            return Err(format!("head.demands names {found}: expected 1 to {MAX_DEMANDS} demands"));
        }
        for (i, name) in names.iter().enumerate() {
            if name.is_empty() || names[..i].contains(name) {
                return Err(format!(
                    "head.demands has {name:?}: expected a name that differs from the others"
                ));
            }
        }
        for candidate in &self.candidates {
            let of = format!("candidate {:?}", candidate.id);
            let Some(ability) = &candidate.ability else {
                return Err(format!("{of} has no ability: expected {{\"intercept\", \"slopes\"}}"));
            };
            ability.check(names.len()).map_err(|fault| format!("{of}: {fault}"))?;
        }
        for (tier, ability) in self.head.abilities.iter().flatten() {
            if !TIERS.contains(&tier.as_str()) {
                let known = TIERS.join(", ");
                return Err(format!("head.abilities has the tier {tier:?}: expected {known}"));
            }
            ability
                .check(names.len())
                .map_err(|fault| format!("head.abilities.{tier}: {fault}"))?;
        }
        let Some(rows) = self.calibration.as_ref().and_then(|found| found.demands.as_ref()) else {
            return Ok(());
        };
        if rows.is_empty() {
            return Err("calibration.demands is empty: expected demands of queries".into());
        }
        for (i, row) in rows.iter().enumerate() {
            if row.len() != names.len() || !row.iter().all(|d| d.is_finite()) {
                let expected = names.len();
                return Err(format!(
                    "calibration.demands[{i}] is {row:?}: expected {expected} finite numbers"
                ));
            }
        }
        Ok(())
    }

    fn check_map(&self, map: &FileEntry) -> Result<(), String> {
        let name = map.name.as_str();
        if !is_file_name(name) {
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

/// Whether a name is that of a file in the bundle's folder, other than the manifest.
fn is_file_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty() && name.chars().all(plain) && !name.starts_with('.') && name != MANIFEST_FILE
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::RouterError;

    #[test]
    fn names_are_values_of_headers_and_files_stay_in_the_folder() {
        let with = |name: &str, id: &str, file: &str| {
            let manifest = json!({
                "format": 1, "name": name, "kind": "mf", "candidates": [{"id": "s"}, {"id": id}],
                "encoder": {
                    "tier": "static", "max_tokens": 8, "truncation_side": "right",
                    "pooling": "mean", "embedding_size": 2, "special_tokens": false
                },
                "head": {}, "files": [{"name": file, "bytes": 2, "sha256": "ab"}]
            });
            Manifest::from_json(manifest.to_string().as_bytes()).map_err(|e| e.to_string())
        };
        assert!(with("a b", "meta/llama-3.1:70b @x", "model.onnx").is_ok());
        let long = "x".repeat(MAX_NAME_BYTES + 1);
        for bad in ["", " a", "a ", "a\nb", "a\r\nb", "a\0", "a\tb", "\u{7f}", "é", "模型", &long]
        {
            for error in [with(bad, "l", "f"), with("n", bad, "f")] {
                assert!(error.unwrap_err().contains("printable ASCII"), "{bad:?}");
            }
        }
        for bad in ["", "../x", "a/b", "a\\b", ".hidden", "router.json", "a?b", "a#b", "a%2fb"] {
            assert!(with("n", "l", bad).unwrap_err().contains("file name"), "{bad:?}");
        }
    }

    #[test]
    fn candidates_and_files_are_limited_in_number() {
        let with = |candidates: usize, files: usize| {
            let candidates: Vec<Value> =
                (0..candidates).map(|i| json!({"id": format!("c{i}")})).collect();
            let file = |i: usize| json!({"name": format!("f{i}"), "bytes": 2, "sha256": "ab"});
            let files: Vec<Value> = (0..files).map(file).collect();
            let manifest = json!({
                "format": 1, "name": "n", "kind": "mf", "candidates": candidates,
                "encoder": {
                    "tier": "static", "max_tokens": 8, "truncation_side": "right",
                    "pooling": "mean", "embedding_size": 2, "special_tokens": false
                },
                "head": {}, "files": files
            });
            Manifest::from_json(manifest.to_string().as_bytes()).map_err(|e| e.to_string())
        };
        assert!(with(MAX_CANDIDATES, MAX_FILES).is_ok());
        assert!(with(MAX_CANDIDATES + 1, 1).unwrap_err().contains("\"candidates\" has 1025"));
        assert!(with(1, MAX_FILES + 1).unwrap_err().contains("\"files\" lists 33"));
    }

    #[test]
    fn an_embedding_has_a_size_and_a_file_one_entry() {
        let fault = |field: &str, value: Value| {
            let mut manifest = json!({
                "format": 1, "name": "n", "kind": "mf", "candidates": [{"id": "s"}],
                "encoder": {
                    "tier": "static", "max_tokens": 8, "truncation_side": "right",
                    "pooling": "mean", "embedding_size": 2, "special_tokens": false
                },
                "head": {}, "files": []
            });
            *manifest.pointer_mut(field).unwrap() = value;
            Manifest::from_json(manifest.to_string().as_bytes()).unwrap_err().to_string()
        };
        for size in [0, (1 << 16) + 1, u64::MAX] {
            let found = fault("/encoder/embedding_size", size.into());
            assert!(found.contains("expected 1 to 65536"), "{found}");
        }
        let file = json!({"name": "a", "bytes": 1, "sha256": "x"});
        assert!(fault("/files", json!([file, file])).contains("\"a\" is listed twice"));
    }

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

    #[test]
    fn a_bundle_of_kind_difficulty_states_abilities_for_its_demands() {
        let whole = json!({
            "format": 1, "name": "n", "kind": "difficulty",
            "candidates": [
                {"id": "s", "ability": {"intercept": 0.5, "slopes": [1.0, 0.5]}},
                {"id": "l", "ability": {"intercept": 2.0, "slopes": [1.0, -0.5]}}
            ],
            "encoder": {
                "tier": "static", "max_tokens": 8, "truncation_side": "right",
                "pooling": "mean", "embedding_size": 2, "special_tokens": false
            },
            "head": {
                "demands": ["difficulty", "pair"],
                "abilities": {"medium": {"intercept": 1.0, "slopes": [1.0, 0.0]}}
            },
            "calibration": {
                "quantiles": [0.1, 0.9], "sample": "own", "rows": 2, "demands": [[0.0, 1.0], [2.0, 3.0]]
            },
            "files": []
        });
        let read = |manifest: &Value| Manifest::from_json(manifest.to_string().as_bytes());
        assert!(read(&whole).is_ok());
        for (field, value, words) in [
            ("/head/demands", json!([]), "head.demands names 0"),
            ("/head/demands", Value::Null, "head.demands names 0"),
            ("/head/demands", json!(["a", "a"]), "differs from the others"),
            ("/candidates/1/ability", Value::Null, "candidate \"l\" has no ability"),
            ("/candidates/1/ability/slopes", json!([1.0]), "has 1 slopes: expected 2"),
            ("/candidates/0/ability/intercept", json!(1e300), "expected numbers from"),
            (
                "/head/abilities",
                json!({"huge": {"intercept": 1.0, "slopes": [1.0, 0.0]}}),
                "\"huge\"",
            ),
            ("/head/abilities/medium/slopes", json!([]), "head.abilities.medium"),
            ("/calibration/demands", json!([]), "calibration.demands is empty"),
            ("/calibration/demands/1", json!([1.0]), "calibration.demands[1]"),
            ("/calibration/demands/1", json!([1.0, 1e300]), "calibration.demands[1]"),
        ] {
            let mut manifest = whole.clone();
            *manifest.pointer_mut(field).unwrap() = value;
            let found = read(&manifest).unwrap_err().to_string();
            assert!(found.contains(words), "{field}: {found}");
        }
    }
}
