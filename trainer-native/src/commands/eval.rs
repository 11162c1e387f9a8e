//! `trainer eval`: scores bundles on a benchmark, a recipe on its sources left out, and a bundle's sanity.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;
use pointsman::Router;
use pointsman_trainer::assess::{
    self, entry, pair_rows, pool_column, pool_rows, qualities, win_rates,
};
use pointsman_trainer::data::{self, Format, Outcomes, ReadOptions, Stems, remove_leaks};
use pointsman_trainer::device::{self, DeviceChoice};
use pointsman_trainer::eval::pair::{self, PairColumn, PairModels, PairSettings};
use pointsman_trainer::eval::pool::rows::of_outcomes;
use pointsman_trainer::eval::pool::{self, PoolKind, PoolSettings};
use pointsman_trainer::eval::{Benchmark, Origin, Stored, bootstrap};
use pointsman_trainer::report::{markdown, write_all};
use pointsman_trainer::sanity::GradedNeeds;
use pointsman_trainer::training::context::Context;
use pointsman_trainer::training::encoder::encoder;
use pointsman_trainer::training::interrupt;
use pointsman_trainer::{TrainerError, dataset, recipe, sanity, transfer};

#[derive(Args)]
pub struct EvalArgs {
    /// Folders of bundles, as `train` writes them.
    #[arg(required_unless_present = "leave_one_source_out")]
    bundles: Vec<PathBuf>,
    /// A file or folder of outcomes; with --sanity one of graded needs, and with
    /// --leave-one-source-out the folder of the recipe's sources.
    #[arg(long, required_unless_present = "sanity")]
    data: Option<PathBuf>,
    /// Trains the recipe once for each source of outcomes, without it, and scores the ranking of its
    /// queries; writes transfer.json and transfer.md to --out.
    #[arg(long, requires_all = ["recipe", "encoder", "out"], conflicts_with_all = [
        "bundles", "sanity", "format", "name", "strong", "weak", "without", "training", "float",
    ])]
    leave_one_source_out: bool,
    /// Asks whether the bundle's decisions are sensible, on requests that the trainer holds and on the graded
    /// needs of --data; writes sanity.json and sanity.md to --out.
    #[arg(long, conflicts_with_all = ["strong", "weak", "training", "float"])]
    sanity: bool,
    /// The recipe, of kind `difficulty`, that --leave-one-source-out trains.
    #[arg(long, requires = "leave_one_source_out")]
    recipe: Option<PathBuf>,
    /// Encoder that the recipe starts from.
    #[arg(long, requires = "leave_one_source_out")]
    encoder: Option<PathBuf>,
    /// Device that makes the recipe's encoder.
    #[arg(long, value_enum, default_value_t = DeviceChoice::Auto, requires = "leave_one_source_out")]
    device: DeviceChoice,
    /// Layout of the data; detected where absent.
    #[arg(long)]
    format: Option<String>,
    /// Name of the benchmark in tables; that of the file where absent.
    #[arg(long)]
    name: Option<String>,
    /// Name of the strong model in the file, where it differs from the bundle's.
    #[arg(long)]
    strong: Option<String>,
    /// Name of the weak model in the file, where it differs from the bundle's.
    #[arg(long)]
    weak: Option<String>,
    /// Outcomes or preferences trained on; rows that ask one of their questions are left out and
    /// counted. May be given several times.
    #[arg(long)]
    without: Vec<PathBuf>,
    /// Outcomes trained on, for a bundle that picks the best of many: the best single LLM and the
    /// best LLM of each data set are chosen on these rows.
    #[arg(long)]
    training: Option<PathBuf>,
    /// Also scores the float bundle beside each bundle (`bundle-float` in the same folder).
    #[arg(long)]
    float: bool,
    /// Parts of the gap between weak and strong to give a CPT for, in [0, 1].
    #[arg(long, value_delimiter = ',', default_value = "0.5,0.8")]
    cpt: Vec<f64>,
    /// Thresholds to report score, share and cost at.
    #[arg(long, value_delimiter = ',')]
    threshold: Vec<f64>,
    /// Shares of strong calls to report score and cost at, by each bundle's calibration.
    #[arg(long, value_delimiter = ',', default_value = "0.1,0.25,0.5,0.75")]
    share: Vec<f64>,
    /// Seed of the bootstrap and of the random routers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Bootstrap resamples.
    #[arg(long, default_value_t = 1000)]
    resamples: usize,
    /// Folder to write `result.json`, `report.md` and `report.html` to.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Skips bad rows and counts them.
    #[arg(long)]
    skip_bad: bool,
}

pub fn run(args: &EvalArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    if args.leave_one_source_out {
        return args.leave_one_source_out(&stop);
    }
    if args.sanity {
        return args.sanity(&stop);
    }
    let routers = args.routers()?;
    let path = given(args.data.as_deref(), "--data")?;
    let loaded = super::outcomes(path, args.format.as_deref(), args.skip_bad)?;
    let (outcomes, leaks) = args.without_leaks(loaded.outcomes)?;
    let first = &routers[0].0.info().head;
    let named = |given: &Option<String>, own: &Option<String>| given.clone().or(own.clone());
    let pair = named(&args.strong, &first.strong).zip(named(&args.weak, &first.weak));
    let Some((strong, weak)) = pair else {
        if args.strong.is_some() || args.weak.is_some() {
            anyhow::bail!(
                "the bundle names no strong and weak candidate: give both --strong and --weak"
            );
        }
        let benchmark = Benchmark {
            data_sha256: Some(loaded.sha256),
            leaks_removed: leaks,
            bad_rows: loaded.bad_count,
            ..Benchmark::new(&args.name(), PoolKind::Other)
        };
        return args.pools(&routers, &outcomes, loaded.format, benchmark, &stop);
    };
    let scored = pair_rows(&outcomes, &strong, &weak)?;
    let mut columns = Vec::new();
    for (router, origin) in &routers {
        columns.push(PairColumn {
            router: entry(router.info(), *origin),
            win_rates: win_rates(router, &scored.queries, &stop)?,
            calibration: router.info().calibration.clone(),
        });
    }
    let benchmark = Benchmark {
        data_sha256: Some(loaded.sha256),
        leaks_removed: leaks,
        bad_rows: loaded.bad_count + scored.without_pair,
        ..Benchmark::new(&args.name(), assess::benchmark_kind(loaded.format))
    };
    let models = PairModels { weak, strong };
    let mut settings = PairSettings {
        score_scale: f64::from(outcomes.score_scale),
        qualities: args.cpt.clone(),
        thresholds: args.threshold.clone(),
        strong_shares: args.share.clone(),
        ..PairSettings::default()
    };
    settings.bootstrap = args.bootstrap();
    let result = pair::build(&benchmark, &models, &scored.rows, &columns, &settings)
        .map_err(TrainerError::from)?;
    args.show(&Stored { pairs: vec![result], ..Stored::default() })
}

impl EvalArgs {
    fn name(&self) -> String {
        let path = self.data.as_deref().unwrap_or(Path::new("."));
        self.name.clone().unwrap_or_else(|| match path.file_name() {
            Some(name) => name.to_string_lossy().into_owned(),
            None => path.display().to_string(),
        })
    }

    fn bootstrap(&self) -> bootstrap::Settings {
        let (seed, resamples) = (self.seed, self.resamples);
        bootstrap::Settings { seed, resamples, ..bootstrap::Settings::default() }
    }

    /// Evaluates a recipe on each of its sources, left out of training.
    fn leave_one_source_out(&self, stop: &AtomicBool) -> anyhow::Result<()> {
        let recipe = recipe::read(given(self.recipe.as_deref(), "--recipe")?)?;
        let folder = given(self.data.as_deref(), "--data")?;
        let out = given(self.out.as_deref(), "--out")?;
        let data = dataset::prepare(&recipe.recipe, folder, self.skip_bad)?;
        let device = device::open(self.device)?;
        let context = Context::open(out, &recipe, &data, &device, stop)?;
        let encoder = encoder(&context, given(self.encoder.as_deref(), "--encoder")?)?;
        let result = transfer::leave_one_source_out(
            &context,
            &encoder,
            folder,
            self.skip_bad,
            self.bootstrap(),
        )?;
        let stored = Stored { transfers: vec![result], ..Stored::default() };
        write_as(out, "transfer", &stored)
    }

    /// Asks the bundles about the trainer's own requests and the graded needs of --data.
    fn sanity(&self, stop: &AtomicBool) -> anyhow::Result<()> {
        let needs = match &self.data {
            None => Vec::new(),
            Some(path) => {
                let format = self.format.as_deref().map(Format::from_name).transpose()?;
                let options = ReadOptions { skip_bad: self.skip_bad };
                let mut rows = data::read_labels(path, format, &options)?.rows;
                let all = rows.len();
                let held_back = match self.trained_on()? {
                    None => "not looked for".to_owned(),
                    Some(trained_on) => {
                        rows.retain(|row| !trained_on.contains(&row.query));
                        format!("{} that stand in training data removed", all - rows.len())
                    }
                };
                vec![GradedNeeds { name: self.name(), held_back, rows }]
            }
        };
        let mut stored = Stored::default();
        for folder in &self.bundles {
            let router = super::router(folder)?;
            stored.sanities.push(sanity::ask(&router, &needs, self.bootstrap(), stop)?);
        }
        match &self.out {
            Some(folder) => write_as(folder, "sanity", &stored)?,
            None => println!("{}", markdown(&stored)),
        }
        Ok(())
    }

    fn show(&self, results: &Stored) -> anyhow::Result<()> {
        match &self.out {
            Some(folder) => write_all(folder, results)?,
            None => println!("{}", markdown(results)),
        }
        Ok(())
    }

    /// Scores bundles that pick the best of all their candidates.
    fn pools(
        &self,
        routers: &[(Router, Origin)],
        outcomes: &Outcomes,
        format: Format,
        benchmark: Benchmark<PoolKind>,
        stop: &AtomicBool,
    ) -> anyhow::Result<()> {
        let first = &routers[0].0.info().candidates;
        let models: Vec<String> = first.iter().map(|candidate| candidate.id.clone()).collect();
        let set = pool_rows(outcomes, &models, format);
        let training = match &self.training {
            Some(path) => {
                let loaded = super::outcomes(path, self.format.as_deref(), self.skip_bad)?;
                of_outcomes(&loaded.outcomes, &models, set.scoring)
            }
            None => Vec::new(),
        };
        let queries: Vec<&str> = outcomes.rows.iter().map(|row| row.query.as_str()).collect();
        let mut columns = Vec::new();
        for (router, origin) in routers {
            let found = qualities(router, &queries, stop)?;
            columns.push(pool_column(router.info(), *origin, &models, &found)?);
        }
        let benchmark = Benchmark { kind: set.kind, ..benchmark };
        let settings = PoolSettings { bootstrap: self.bootstrap(), ..PoolSettings::default() };
        let result = pool::build(&benchmark, &models, &set.rows, &training, &columns, &settings)
            .map_err(TrainerError::from)?;
        self.show(&Stored { pools: vec![result], ..Stored::default() })
    }

    fn routers(&self) -> Result<Vec<(Router, Origin)>, TrainerError> {
        let mut routers = Vec::new();
        for folder in &self.bundles {
            routers.push((super::router(folder)?, Origin::INT8));
            if self.float {
                routers.push((super::router(&folder.join("../bundle-float"))?, Origin::FLOAT));
            }
        }
        Ok(routers)
    }

    /// Removes the rows whose questions stand in a source given with --without; the count is `None`
    /// where none was given.
    fn without_leaks(&self, outcomes: Outcomes) -> Result<(Outcomes, Option<usize>), TrainerError> {
        let Some(trained_on) = self.trained_on()? else { return Ok((outcomes, None)) };
        let (kept, removed) = remove_leaks(&outcomes, &trained_on);
        Ok((kept, Some(removed)))
    }

    /// The questions of the sources given with --without; `None` where none was given.
    fn trained_on(&self) -> Result<Option<Stems>, TrainerError> {
        if self.without.is_empty() {
            return Ok(None);
        }
        let mut trained_on = Stems::default();
        for path in &self.without {
            for query in super::queries(path, None, self.skip_bad)? {
                trained_on.insert(&query);
            }
        }
        Ok(Some(trained_on))
    }
}

/// A path that clap's rules require.
fn given<'a>(path: Option<&'a Path>, flag: &str) -> anyhow::Result<&'a Path> {
    path.ok_or_else(|| anyhow::anyhow!("found no {flag}, expected a path"))
}

/// Writes `NAME.json` and `NAME.md` into a folder.
fn write_as(folder: &Path, name: &str, stored: &Stored) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).map_err(TrainerError::file(folder))?;
    super::write(&folder.join(format!("{name}.json")), stored.json()?)?;
    let page = folder.join(format!("{name}.md"));
    super::write(&page, markdown(stored))?;
    eprintln!("tables written to {}", page.display());
    Ok(())
}
