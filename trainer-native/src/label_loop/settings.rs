//! `loop.toml`: what a labelling loop does.
//!
//! ```toml
//! name = "support"
//! prompts = ["prompts.jsonl"]
//! models = "models.toml"
//! strong = "large"
//! weak = "small"
//! labels = "judge"
//! max_usd = 20.0
//! base = "../bundles/default"
//! default_strong_share = 0.4
//! ```
//! Paths are relative to the file's folder. With `labels = "log"`, labels are what a gateway logged, and nobody is asked:
//! `log` then stands in place of `prompts` and `models`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::TrainerError;
use crate::shadow_log::{Days, day};

/// Where labels come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// An LLM compares the two answers.
    Judge,
    /// Each prompt states what a right answer is.
    Gold,
    /// A gateway's log: verdicts on requests that both LLMs answered.
    Log,
}

impl Labels {
    /// The name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Judge => "judge",
            Self::Gold => "gold",
            Self::Log => "log",
        }
    }
}

/// What the judge is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JudgeMode {
    /// Which of the two answers is better, in both orders.
    #[default]
    Pairwise,
    /// A grade from 1 to 10 of each answer.
    Score,
}

/// Settings of a loop.
#[derive(Debug, Clone, PartialEq)]
pub struct LoopSettings {
    /// The folder of `loop.toml`, to which the loop writes.
    pub folder: PathBuf,
    pub stated: Stated,
}

/// What the file states; its paths are as they stand there.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stated {
    /// The bundle's name.
    pub name: String,
    /// Files or folders of prompts.
    #[serde(default)]
    pub prompts: Vec<PathBuf>,
    /// Layout of the prompts; recognised where absent.
    pub format: Option<String>,
    /// Whether bad rows of prompts are left out and counted.
    #[serde(default)]
    pub skip_bad: bool,
    /// The file of LLMs to ask; empty where none is asked.
    #[serde(default)]
    pub models: PathBuf,
    /// Folder of a gateway's log.
    pub log: Option<PathBuf>,
    /// First and last day of the log to read, `YYYY-MM-DD`.
    pub since: Option<String>,
    pub until: Option<String>,
    /// Whether scores of feedback are learnt from beside verdicts.
    #[serde(default)]
    pub feedback: bool,
    /// The `id` of the strong LLM in that file.
    pub strong: String,
    /// The `id` of the weak LLM.
    pub weak: String,
    pub labels: Labels,
    #[serde(default)]
    pub judge_mode: JudgeMode,
    /// Preferences that somebody made by hand, to compare the judge with.
    pub labelled: Option<PathBuf>,
    /// Whether gold answers may name commands to run on what models wrote.
    #[serde(default)]
    pub commands: bool,
    /// Answers of each LLM to each prompt.
    #[serde(default = "one")]
    pub samples: u32,
    /// Most USD that answers and judging may cost together.
    pub max_usd: Option<f64>,
    /// Requests in flight at once to each LLM whose entry does not state it.
    pub concurrency: Option<usize>,
    /// Folder of the bundle that training starts from.
    pub base: PathBuf,
    /// A recipe in place of the loop's own.
    pub recipe: Option<PathBuf>,
    /// What that recipe starts from, where it is not `base`.
    pub encoder: Option<PathBuf>,
    /// Share of strong calls where a request asks for none.
    #[serde(default = "two_fifths")]
    pub default_strong_share: f64,
    /// Shares of strong calls that the report speaks of.
    #[serde(default = "three_shares")]
    pub shares: Vec<f64>,
    /// Share of prompts that are held out.
    #[serde(default = "three_tenths")]
    pub held_out: f64,
    #[serde(default = "first_seed")]
    pub seed: u64,
    /// Licence of the weights, an SPDX identifier.
    #[serde(default = "unlicensed")]
    pub licence: String,
}

fn one() -> u32 {
    1
}

fn two_fifths() -> f64 {
    0.4
}

fn three_shares() -> Vec<f64> {
    vec![0.2, 0.4, 0.6]
}

fn three_tenths() -> f64 {
    0.3
}

fn first_seed() -> u64 {
    1
}

fn unlicensed() -> String {
    "LicenseRef-own".into()
}

impl LoopSettings {
    /// Reads and checks `loop.toml`.
    ///
    /// # Errors
    /// [`TrainerError::File`]; [`TrainerError::BadLoop`], which names the field.
    pub fn read(path: &Path) -> Result<Self, TrainerError> {
        let text = std::fs::read_to_string(path).map_err(TrainerError::file(path))?;
        let bad = |detail: String| TrainerError::BadLoop { path: path.to_owned(), detail };
        let stated: Stated =
            toml::from_str(&text).map_err(|error| bad(error.to_string().trim_end().to_owned()))?;
        stated.check().map_err(bad)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        Ok(Self { folder: folder.unwrap_or(Path::new(".")).to_owned(), stated })
    }

    /// A file or folder that the loop writes.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A path that the file states.
    #[must_use]
    pub fn path(&self, stated: &Path) -> PathBuf {
        self.folder.join(stated)
    }
}

impl Stated {
    fn check(&self) -> Result<(), String> {
        if self.name.trim().is_empty() {
            return Err(
                "found an empty name, expected the bundle's name, such as \"support\"".into()
            );
        }
        self.check_source()?;
        if self.strong == self.weak {
            return Err(format!("strong and weak are both {:?}, expected two LLMs", self.strong));
        }
        if self.samples == 0 {
            return Err("found samples = 0, expected at least 1".into());
        }
        if self.concurrency == Some(0) {
            return Err("found concurrency = 0, expected at least 1".into());
        }
        if let Some(cap) = self.max_usd.filter(|cap| !(cap.is_finite() && *cap >= 0.0)) {
            return Err(format!("found max_usd = {cap}, expected US dollars from 0 up"));
        }
        if !(0.05..=0.9).contains(&self.held_out) {
            return Err(format!(
                "found held_out = {}, expected a share of the prompts from 0.05 to 0.9",
                self.held_out
            ));
        }
        if !(0.0..1.0).contains(&self.default_strong_share) {
            return Err(format!(
                "found default_strong_share = {}, expected a number in [0, 1)",
                self.default_strong_share
            ));
        }
        if self.shares.is_empty() {
            return Err("found no shares, expected some, such as shares = [0.2, 0.4, 0.6]".into());
        }
        if let Some(share) = self.shares.iter().find(|share| !(0.0..=1.0).contains(*share)) {
            return Err(format!("found {share} among the shares, expected numbers in [0, 1]"));
        }
        if !self.shares.is_sorted_by(|a, b| a < b) {
            return Err("the shares are not in ascending order, or one stands there twice".into());
        }
        if self.commands && self.labels != Labels::Gold {
            return Err("commands = true is for labels = \"gold\": remove it".into());
        }
        let for_judge = [
            ("judge_mode", self.judge_mode != JudgeMode::default()),
            ("labelled", self.labelled.is_some()),
        ];
        if let Some((name, _)) =
            for_judge.iter().find(|(_, given)| *given && self.labels != Labels::Judge)
        {
            return Err(format!("{name} is for labels = \"judge\": remove it"));
        }
        if self.encoder.is_some() && self.recipe.is_none() {
            return Err("encoder is for a recipe of one's own: name the recipe, or set base".into());
        }
        Ok(())
    }

    /// Checks that either LLMs are asked prompts, or a log is read.
    fn check_source(&self) -> Result<(), String> {
        if self.labels != Labels::Log {
            let for_log = [
                ("log", self.log.is_some()),
                ("since", self.since.is_some()),
                ("until", self.until.is_some()),
                ("feedback", self.feedback),
            ];
            if let Some((name, _)) = for_log.iter().find(|(_, given)| *given) {
                return Err(format!("{name} is for labels = \"log\": remove it"));
            }
            if self.prompts.is_empty() {
                return Err(
                    "found no prompts, expected at least one file: prompts = [\"prompts.jsonl\"]"
                        .into(),
                );
            }
            if self.models.as_os_str().is_empty() {
                return Err(
                    "found no models, expected the file of LLMs: models = \"models.toml\"".into()
                );
            }
            return Ok(());
        }
        if self.log.is_none() {
            return Err(
                "found no log, expected the folder of a gateway's log: log = \"../log\"".into()
            );
        }
        if !self.prompts.is_empty() {
            return Err("prompts are for labels = \"judge\" or \"gold\": remove them".into());
        }
        self.days().map(|_| ())
    }

    /// The days of the log to read.
    ///
    /// # Errors
    /// What is no day.
    pub fn days(&self) -> Result<Days, String> {
        let of = |name: &str, stated: &Option<String>| match stated {
            None => Ok(None),
            Some(text) => day(text).map(Some).ok_or_else(|| {
                format!("found {name} = {text:?}, expected a day such as \"2026-11-29\"")
            }),
        };
        Ok(Days { since: of("since", &self.since)?, until: of("until", &self.until)? })
    }
}

/// A text as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TEXT: &str = "name = \"support\"\nprompts = [\"../prompts.jsonl\"]\nmodels = \"models.toml\"\nstrong = \"large\"\n\
                        weak = \"small\"\nlabels = \"judge\"\nbase = \"../bundles/default\"\n";

    fn read(text: &str) -> Result<LoopSettings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("loop.toml");
        std::fs::write(&path, text).unwrap();
        LoopSettings::read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_file_does_not_state_has_its_default_and_paths_start_from_its_folder() {
        let found = read(TEXT).unwrap();
        let stated = &found.stated;
        assert_eq!((stated.samples, stated.held_out, stated.seed), (1, 0.3, 1));
        assert_eq!(
            (stated.default_strong_share, stated.shares.as_slice()),
            (0.4, &[0.2, 0.4, 0.6][..])
        );
        assert_eq!(found.path(&stated.base), found.folder.join("../bundles/default"));
    }

    #[test]
    fn labels_of_a_log_need_neither_prompts_nor_models() {
        let text = TEXT
            .replace(
                "prompts = [\"../prompts.jsonl\"]\nmodels = \"models.toml\"\n",
                "log = \"../log\"\n",
            )
            .replace("\"judge\"", "\"log\"");
        let found = read(&(text.clone() + "since = \"2026-11-01\"\n")).unwrap();
        assert_eq!(
            (found.stated.labels, found.stated.log.as_deref()),
            (Labels::Log, Some(Path::new("../log")))
        );
        assert_eq!(found.stated.days().unwrap(), Days { since: day("2026-11-01"), until: None });
        for (line, expected) in [
            ("since = \"yesterday\"", "since = \"yesterday\", expected a day"),
            ("prompts = [\"p.jsonl\"]", "prompts are for labels"),
            ("judge_mode = \"score\"", "judge_mode is for labels = \"judge\""),
        ] {
            let error = read(&format!("{text}{line}\n")).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
        assert!(
            read(&text.replace("log = \"../log\"\n", "")).unwrap_err().contains("found no log")
        );
        let without = TEXT.replace("models = \"models.toml\"\n", "");
        assert!(read(&without).unwrap_err().contains("found no models"));
    }

    #[test]
    fn what_a_file_states_wrongly_is_named_with_what_is_expected() {
        for (line, expected) in [
            ("held_out = 1.0", "held_out = 1, expected a share"),
            ("shares = [0.5, 0.2]", "ascending order"),
            ("shares = []", "found no shares"),
            ("shares = [1.5]", "found 1.5 among the shares"),
            ("default_strong_share = 1.0", "default_strong_share = 1, expected"),
            ("max_usd = -1.0", "max_usd = -1, expected US dollars"),
            ("max_usd = nan", "max_usd = NaN, expected US dollars"),
            ("samples = 0", "samples = 0"),
            ("commands = true", "labels = \"gold\": remove it"),
            ("encoder = \"e\"", "name the recipe"),
            ("helf_out = 0.2", "unknown field `helf_out`"),
        ] {
            let error = read(&format!("{TEXT}{line}\n")).unwrap_err();
            assert!(error.contains("loop.toml") && error.contains(expected), "{line}: {error}");
        }
        let same = read(&TEXT.replace("\"small\"", "\"large\"")).unwrap_err();
        assert!(same.contains("both \"large\""), "{same}");
        let none = read(&TEXT.replace("\"../prompts.jsonl\"", "")).unwrap_err();
        assert!(none.contains("found no prompts"), "{none}");
        let gold = TEXT.replace("\"judge\"", "\"gold\"") + "judge_mode = \"score\"\n";
        assert!(read(&gold).unwrap_err().contains("judge_mode is for labels = \"judge\""));
        for (line, expected) in [
            ("log = \"../log\"", "log is for labels = \"log\""),
            ("feedback = true", "feedback is for labels = \"log\""),
        ] {
            let error = read(&format!("{TEXT}{line}\n")).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
        let other = read(&(TEXT.to_owned() + "judge_mode = \"duel\"\n")).unwrap_err();
        assert!(other.contains("`duel`") && other.contains("`score`"), "{other}");
    }
}
