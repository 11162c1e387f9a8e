//! `trainer eval`: scores bundles on a benchmark.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use clap::Args;
use pointsman::Router;
use pointsman_trainer::TrainerError;
use pointsman_trainer::assess::{
    self, entry, pair_rows, pool_column, pool_rows, qualities, win_rates,
};
use pointsman_trainer::data::{Format, Outcomes, Stems, remove_leaks};
use pointsman_trainer::eval::pair::{self, PairColumn, PairModels, PairSettings};
use pointsman_trainer::eval::pool::rows::of_outcomes;
use pointsman_trainer::eval::pool::{self, PoolKind, PoolSettings};
use pointsman_trainer::eval::{Benchmark, Origin, Stored};
use pointsman_trainer::report::markdown;
use pointsman_trainer::training::interrupt;

#[derive(Args)]
pub struct EvalArgs {
    /// Folders of bundles, as `train` writes them.
    #[arg(required = true)]
    bundles: Vec<PathBuf>,
    /// A file or folder of outcomes.
    #[arg(long)]
    data: PathBuf,
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
    let routers = args.routers()?;
    let loaded = super::outcomes(&args.data, args.format.as_deref(), args.skip_bad)?;
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
    settings.bootstrap.seed = args.seed;
    settings.bootstrap.resamples = args.resamples;
    let result = pair::build(&benchmark, &models, &scored.rows, &columns, &settings)
        .map_err(TrainerError::from)?;
    args.show(&Stored { pairs: vec![result], ..Stored::default() })
}

impl EvalArgs {
    fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| match self.data.file_name() {
            Some(name) => name.to_string_lossy().into_owned(),
            None => self.data.display().to_string(),
        })
    }

    fn show(&self, results: &Stored) -> anyhow::Result<()> {
        match &self.out {
            Some(folder) => super::report::write_all(folder, results)?,
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
        let mut settings = PoolSettings::default();
        settings.bootstrap.seed = self.seed;
        settings.bootstrap.resamples = self.resamples;
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
        if self.without.is_empty() {
            return Ok((outcomes, None));
        }
        let mut trained_on = Stems::default();
        for path in &self.without {
            for query in super::queries(path, None, self.skip_bad)? {
                trained_on.insert(&query);
            }
        }
        let (kept, removed) = remove_leaks(&outcomes, &trained_on);
        Ok((kept, Some(removed)))
    }
}
