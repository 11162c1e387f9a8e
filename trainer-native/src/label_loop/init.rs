//! Writes `loop.toml` and `models.toml` from flags and answers.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use pointsman::MANIFEST_FILE;

use super::ask::Ask;
use super::model_flag::ModelFlag;
use super::relative_path::relative;
use super::settings::{Labels, LoopSettings, quoted};
use crate::completions::ModelsFile;
use crate::data::{Format, ReadOptions, for_each_prompt};
use crate::error::TrainerError;

/// The files that are written.
pub const LOOP_FILE: &str = "loop.toml";
pub const MODELS_FILE: &str = "models.toml";

/// What the flags state.
#[derive(Debug, Clone, Default)]
pub struct InitFlags {
    /// The folder to write to.
    pub out: PathBuf,
    pub prompts: Vec<PathBuf>,
    /// Layout of the prompts; recognised where absent.
    pub format: Option<String>,
    pub skip_bad: bool,
    pub strong: Option<String>,
    pub weak: Option<String>,
    pub models: Vec<ModelFlag>,
    /// The `id` of the LLM that judges.
    pub judge: Option<String>,
    /// Whether prompts state what is right.
    pub gold: bool,
    pub max_usd: Option<f64>,
    /// Folder of the bundle to start from.
    pub base: PathBuf,
    /// The bundle's name; that of the folder where absent.
    pub name: Option<String>,
    /// Today, as the day on which the prices held.
    pub today: String,
}

/// What was written, and what was found on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initialised {
    pub loop_file: PathBuf,
    /// Prompts that were read, and those with a gold answer.
    pub prompts: usize,
    pub with_gold: usize,
    /// What a user should know.
    pub notes: Vec<String>,
}

/// Asks for what the flags lack, checks it and writes both files.
///
/// # Errors
/// [`TrainerError::NotAsked`], naming the flag, where something lacks and nobody can be asked;
/// [`TrainerError::BadLoop`] where a file is there already; those of prompts and models.
pub fn init(mut flags: InitFlags, ask: &mut dyn Ask) -> Result<Initialised, TrainerError> {
    let paths = [LOOP_FILE, MODELS_FILE].map(|name| flags.out.join(name));
    if let Some(path) = paths.iter().find(|path| path.exists()) {
        let detail =
            "it is there already and is not overwritten. Edit it, or name another --out".into();
        return Err(TrainerError::BadLoop { path: path.clone(), detail });
    }
    if !flags.base.join(MANIFEST_FILE).is_file() {
        return Err(TrainerError::BadSetting {
            setting: "--base".into(),
            detail: format!(
                "found no bundle in {}, expected a folder with {MANIFEST_FILE}, such as bundles/default",
                flags.base.display()
            ),
        });
    }
    flags.complete(ask)?;
    let (prompts, with_gold) = flags.count_prompts()?;
    if flags.gold && with_gold == 0 {
        return Err(TrainerError::BadSetting {
            setting: "--gold".into(),
            detail: format!(
                "found a gold answer in none of {prompts} prompts, expected rows such as {{\"query\": \"...\", \
                 \"gold\": {{\"exact\": \"Paris\"}}}}. Add them, or name an LLM that judges: --judge ID"
            ),
        });
    }
    let models = flags.models_text();
    let parsed = ModelsFile::parse(&models)
        .map_err(|detail| TrainerError::BadModels { path: paths[1].clone(), detail })?;
    fs::create_dir_all(&flags.out).map_err(TrainerError::file(&flags.out))?;
    let text = flags.loop_text()?;
    write_new(&paths[1], &models)?;
    write_new(&paths[0], &text)?;
    // What was written is read back, so that a flag which says nothing sensible is told at once.
    LoopSettings::read(&paths[0]).inspect_err(|_| {
        let _ = paths.iter().map(fs::remove_file).collect::<Vec<_>>();
    })?;
    let mut notes = Vec::new();
    if flags.gold && with_gold < prompts {
        notes.push(format!(
            "{} of {prompts} prompts have no gold answer and get no label",
            prompts - with_gold
        ));
    }
    let candidates = [flags.strong.as_deref(), flags.weak.as_deref()];
    if let Some(judge) = flags.judge.as_deref().filter(|judge| candidates.contains(&Some(judge))) {
        notes.push(format!(
            "{judge} judges its own answers, which LLMs tend to prefer: another judge is better where you have one"
        ));
    }
    let unpriced = parsed.models.iter().filter(|model| model.prices().is_none());
    let unpriced: Vec<&str> = unpriced.map(|model| model.id.as_str()).collect();
    if !unpriced.is_empty() {
        notes.push(format!(
            "no prices of {}: the report then knows no money, and a cap cannot hold. State input_price and \
             output_price in {MODELS_FILE}",
            unpriced.join(", ")
        ));
    }
    let [loop_file, _] = paths;
    Ok(Initialised { loop_file, prompts, with_gold, notes })
}

impl InitFlags {
    fn complete(&mut self, ask: &mut dyn Ask) -> Result<(), TrainerError> {
        if self.prompts.is_empty() {
            let question = "Files of prompts, separated by blanks";
            let typed = needed(ask, question, "prompts.jsonl", "--prompts FILE")?;
            self.prompts = typed.split_whitespace().map(PathBuf::from).collect();
        }
        for (slot, question, example, flag) in [
            (&mut self.strong, "Name of the strong, dear LLM", "large", "--strong ID"),
            (&mut self.weak, "Name of the weak, cheap LLM", "small", "--weak ID"),
        ] {
            if slot.is_none() {
                *slot = Some(needed(ask, question, example, flag)?);
            }
        }
        if !self.gold && self.judge.is_none() {
            let question = "Name of the LLM that judges answers, or the word gold where prompts state what is right";
            match needed(ask, question, "judge", "--judge ID or --gold")? {
                typed if typed == "gold" => self.gold = true,
                typed => self.judge = Some(typed),
            }
        }
        let needed = [self.strong.clone(), self.weak.clone(), self.judge.clone()];
        for id in needed.into_iter().flatten() {
            if !self.models.iter().any(|model| model.id == id) {
                self.models.push(ModelFlag { id, ..ModelFlag::default() });
            }
        }
        self.models.iter_mut().try_for_each(|model| model.complete(ask))?;
        if self.max_usd.is_none()
            && let Some(typed) =
                ask.ask("Most US dollars to spend on labels; empty for no cap", "20")?
            && !typed.is_empty()
        {
            let bad = |_| TrainerError::BadSetting {
                setting: "--max-usd".into(),
                detail: format!("found {typed:?}, expected US dollars, such as 20"),
            };
            self.max_usd = Some(typed.parse().map_err(bad)?);
        }
        Ok(())
    }

    /// Reads the prompts: how many there are, and how many of them have a gold answer.
    fn count_prompts(&self) -> Result<(usize, usize), TrainerError> {
        let format = self.format.as_deref().map(Format::from_name).transpose()?;
        let options = ReadOptions { skip_bad: self.skip_bad };
        let (mut prompts, mut with_gold) = (0, 0);
        for path in &self.prompts {
            for_each_prompt(path, format, &options, &mut |row| {
                prompts += 1;
                with_gold += usize::from(row.gold.is_some());
                Ok(())
            })?;
        }
        Ok((prompts, with_gold))
    }

    fn models_text(&self) -> String {
        let mut text = String::from(
            "# The LLMs that are asked. Keys are read from the environment variables that key_env names.\n",
        );
        if let Some(judge) = &self.judge {
            text += &format!("judge = {}\n", quoted(judge));
        }
        for model in &self.models {
            text += &format!("\n{}", model.table(&self.today));
        }
        text
    }

    /// Asked for only after [`complete`](Self::complete).
    fn loop_text(&self) -> Result<String, TrainerError> {
        let own_name = || {
            let folder = self.out.canonicalize().unwrap_or_else(|_| self.out.clone());
            folder
                .file_name()
                .map_or_else(|| "own".into(), |name| name.to_string_lossy().into_owned())
        };
        let name = self.name.clone().unwrap_or_else(own_name);
        let path = |path: &Path| Ok(quoted(&relative(&self.out, path)?.to_string_lossy()));
        let prompts: Vec<String> = self
            .prompts
            .iter()
            .map(|prompts| path(prompts))
            .collect::<Result<_, TrainerError>>()?;
        let labels = if self.gold { Labels::Gold } else { Labels::Judge };
        let format =
            self.format.as_ref().map_or_else(String::new, |f| format!("format = {}\n", quoted(f)));
        let skip_bad = if self.skip_bad { "skip_bad = true\n" } else { "" };
        let cap = match self.max_usd {
            Some(cap) => format!("max_usd = {cap:?}"),
            None => "# max_usd = 20.0".into(),
        };
        Ok(format!(
            "# A router of your own: trainer loop {LOOP_FILE}. Paths start from this file's folder.\n\
             name = {}\n\
             prompts = [{}]\n{format}{skip_bad}\
             models = \"{MODELS_FILE}\"\n\
             strong = {}\n\
             weak = {}\n\n\
             # \"judge\": an LLM compares answers. \"gold\": prompts state what is right.\n\
             labels = \"{}\"\n\
             # Most US dollars that answers and judging may cost together.\n{cap}\n\n\
             # The bundle that training starts from.\n\
             base = {}\n\
             # Share of requests to the strong LLM where a request asks for none, and shares in the report.\n\
             default_strong_share = 0.4\n\
             shares = [0.2, 0.4, 0.6]\n\
             # Share of prompts that are held out, never trained or calibrated on.\n\
             held_out = 0.3\n",
            quoted(&name),
            prompts.join(", "),
            quoted(self.strong.as_deref().unwrap_or_default()),
            quoted(self.weak.as_deref().unwrap_or_default()),
            labels.name(),
            path(&self.base)?,
        ))
    }
}

/// An answer that must be given.
fn needed(
    ask: &mut dyn Ask,
    question: &str,
    example: &str,
    flag: &str,
) -> Result<String, TrainerError> {
    let typed = ask.ask(question, example)?.filter(|typed| !typed.is_empty());
    typed.ok_or_else(|| TrainerError::NotAsked { flag: flag.to_owned() })
}

fn write_new(path: &Path, text: &str) -> Result<(), TrainerError> {
    let at = TrainerError::file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(&at)?;
    file.write_all(text.as_bytes()).map_err(&at)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::label_loop::ask::{Nobody, Person};

    struct Bench {
        folder: tempfile::TempDir,
    }

    impl Bench {
        fn new(prompts: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("prompts.jsonl"), prompts).unwrap();
            fs::create_dir(folder.path().join("base")).unwrap();
            fs::write(folder.path().join("base/router.json"), "{}").unwrap();
            Self { folder }
        }

        fn flags(&self) -> InitFlags {
            let model = |id: &str| {
                let text =
                    format!("id={id},endpoint=http://127.0.0.1:9,input-price=1,output-price=2");
                ModelFlag::parse(&text).unwrap()
            };
            InitFlags {
                out: self.folder.path().join("support"),
                prompts: vec![self.folder.path().join("prompts.jsonl")],
                strong: Some("large".into()),
                weak: Some("small".into()),
                models: vec![model("large"), model("small")],
                judge: Some("large".into()),
                max_usd: Some(20.0),
                base: self.folder.path().join("base"),
                today: "2026-11-29".into(),
                ..InitFlags::default()
            }
        }
    }

    const PROMPTS: &str =
        "{\"query\": \"Why?\"}\n{\"query\": \"How many?\", \"gold\": {\"numeric\": 3}}\n";

    #[test]
    fn flags_become_two_files_that_the_loop_reads_and_that_are_never_overwritten() {
        let bench = Bench::new(PROMPTS);
        let found = init(bench.flags(), &mut Nobody).unwrap();
        assert_eq!((found.prompts, found.with_gold), (2, 1));
        assert!(found.notes[0].contains("large judges its own answers"), "{:?}", found.notes);
        let settings = LoopSettings::read(&found.loop_file).unwrap();
        let stated = &settings.stated;
        assert_eq!((stated.name.as_str(), stated.labels), ("support", Labels::Judge));
        assert_eq!(stated.prompts, [Path::new("../prompts.jsonl")]);
        assert!(settings.path(&stated.base).is_dir());
        assert_eq!((stated.max_usd, stated.held_out), (Some(20.0), 0.3));
        let models = ModelsFile::read(&settings.path(&stated.models)).unwrap();
        assert_eq!(models.judge.as_deref(), Some("large"));
        assert_eq!(models.models[1].prices_as_of.as_deref(), Some("2026-11-29"));
        let again = init(bench.flags(), &mut Nobody).unwrap_err().to_string();
        assert!(again.contains("loop.toml") && again.contains("not overwritten"), "{again}");
        fs::remove_file(&found.loop_file).unwrap();
        let again = init(bench.flags(), &mut Nobody).unwrap_err().to_string();
        assert!(again.contains("models.toml"), "{again}");
        assert!(!found.loop_file.exists());
    }

    #[test]
    fn without_a_terminal_the_missing_flag_is_named() {
        let bench = Bench::new(PROMPTS);
        let of = |change: fn(&mut InitFlags)| {
            let mut flags = bench.flags();
            change(&mut flags);
            init(flags, &mut Nobody).unwrap_err().to_string()
        };
        assert!(of(|flags| flags.prompts.clear()).contains("--prompts FILE"));
        assert!(of(|flags| flags.strong = None).contains("--strong ID"));
        assert!(of(|flags| flags.weak = None).contains("--weak ID"));
        assert!(of(|flags| flags.judge = None).contains("--judge ID or --gold"));
        assert!(of(|flags| flags.models.truncate(1)).contains("--model id=small,endpoint="));
        assert!(!bench.flags().out.exists());
    }

    #[test]
    fn on_a_terminal_everything_can_be_typed() {
        let bench = Bench::new(PROMPTS);
        let flags =
            InitFlags { out: bench.flags().out, base: bench.flags().base, ..InitFlags::default() };
        let prompts = bench.flags().prompts[0].display().to_string();
        let model = "http://127.0.0.1:9\n\n\n\n1\n2\n";
        let typed = format!("{prompts}\nlarge\nsmall\ngold\n{model}{model}5\n");
        let mut person = Person { input: typed.as_bytes(), output: Vec::new() };
        let found = init(flags, &mut person).unwrap();
        assert!(found.notes[0].contains("1 of 2 prompts have no gold answer"), "{:?}", found.notes);
        let stated = LoopSettings::read(&found.loop_file).unwrap().stated;
        assert_eq!((stated.labels, stated.max_usd), (Labels::Gold, Some(5.0)));
        assert!(person.input.is_empty());
    }

    #[test]
    fn prompts_that_serve_nothing_are_refused_before_anything_is_written() {
        let of = |prompts: &str, gold| {
            let bench = Bench::new(prompts);
            let flags = InitFlags { gold, ..bench.flags() };
            let error = init(flags, &mut Nobody).unwrap_err().to_string();
            assert!(!bench.flags().out.exists());
            error
        };
        assert!(of("", false).contains("empty"), "{}", of("", false));
        let error = of("{\"query\": \"Why?\"}\n", true);
        assert!(error.contains("in none of 1 prompts") && error.contains("--judge ID"), "{error}");
        let bench = Bench::new(PROMPTS);
        let flags = InitFlags { base: "nowhere".into(), ..bench.flags() };
        let error = init(flags, &mut Nobody).unwrap_err().to_string();
        assert!(
            error.contains("no bundle in nowhere") && error.contains("bundles/default"),
            "{error}"
        );
        assert!(!bench.flags().out.exists());
    }
}
