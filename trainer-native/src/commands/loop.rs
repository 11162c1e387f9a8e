//! `trainer loop`: from prompts, or from a gateway's log, to a bundle and a report.

use std::io::{BufRead, IsTerminal, Write, stderr, stdin};
use std::path::PathBuf;

use clap::Args;
use pointsman_trainer::TrainerError;
use pointsman_trainer::device::DeviceChoice;
use pointsman_trainer::label_loop::{self, LogFlags, Options, Step, Ui};
use pointsman_trainer::training::interrupt;

#[derive(Args)]
pub struct LoopArgs {
    /// What `trainer init` wrote.
    #[arg(
        value_name = "loop.toml",
        required_unless_present = "from_log",
        conflicts_with = "from_log"
    )]
    loop_file: Option<PathBuf>,
    /// Retrains from a gateway's log, a downloaded bucket with `decisions/`, `verdicts/` and `outcomes/`; writes
    /// loop.toml into --out.
    #[arg(long, value_name = "LOG", requires_all = ["base", "out"])]
    from_log: Option<PathBuf>,
    /// With --from-log: folder of the present bundle, to start from and to compare with.
    #[arg(long, value_name = "BUNDLE", requires = "from_log")]
    base: Option<PathBuf>,
    /// With --from-log: folder to write to.
    #[arg(long, value_name = "DIR", requires = "from_log")]
    out: Option<PathBuf>,
    /// With --from-log: the new bundle's name; that of --out where absent.
    #[arg(long, requires = "from_log")]
    name: Option<String>,
    /// Does every step without asking.
    #[arg(long)]
    yes: bool,
    /// Goes on with the answers and labels that there are where the cap was reached or an LLM cannot be asked.
    #[arg(long)]
    partial: bool,
    /// Device that a recipe of your own trains on; the loop's own needs none.
    #[arg(long, value_enum, default_value_t = DeviceChoice::Cpu)]
    device: DeviceChoice,
}

pub fn run(args: &LoopArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    let options = Options { partial: args.partial, device: args.device };
    let is_terminal = stdin().is_terminal() && stderr().is_terminal();
    let mut terminal = Terminal { yes: args.yes, is_terminal };
    let found = label_loop::run(&loop_file(args)?, options, &mut terminal, &stop)?;
    println!("{}", found.report.verdict);
    println!("report: {}", found.page.display());
    match found.bundle {
        Some(bundle) => println!("bundle: {}", bundle.display()),
        None => println!("no bundle was written"),
    }
    if let Some((candidate, folder)) = found.candidate {
        println!("{}", candidate.verdict);
        println!("candidate: {}", folder.display());
    }
    Ok(())
}

/// The file of the loop; that of a log's is written where it is not there.
fn loop_file(args: &LoopArgs) -> anyhow::Result<PathBuf> {
    match (&args.loop_file, &args.from_log, &args.base, &args.out) {
        (Some(file), ..) => Ok(file.clone()),
        (None, Some(log), Some(base), Some(out)) => {
            let (log, base, out) = (log.clone(), base.clone(), out.clone());
            Ok(label_loop::init_from_log(&LogFlags { log, base, out, name: args.name.clone() })?)
        }
        // The command line is refused before.
        _ => anyhow::bail!("found neither loop.toml nor --from-log with --base and --out"),
    }
}

/// Shows steps on standard error, and asks before each on a terminal.
struct Terminal {
    yes: bool,
    is_terminal: bool,
}

impl Ui for Terminal {
    fn say(&mut self, line: &str) {
        eprintln!("{line}");
    }

    fn agree(&mut self, step: Step) -> Result<bool, TrainerError> {
        if self.yes {
            return Ok(true);
        }
        if !self.is_terminal {
            return Err(TrainerError::NotAgreed {
                step: step.name(),
                detail: "there is no terminal to ask on. Pass --yes to do every step".into(),
            });
        }
        let failed = TrainerError::file("terminal".as_ref());
        let mut answer = String::new();
        eprint!("go on? [y]es, [a]ll steps, [n]o: ");
        stderr().flush().map_err(&failed)?;
        stdin().lock().read_line(&mut answer).map_err(&failed)?;
        self.yes = matches!(answer.trim(), "a" | "all");
        Ok(self.yes || matches!(answer.trim(), "y" | "yes"))
    }
}
