//! `trainer loop`: from prompts to a bundle and a report.

use std::io::{BufRead, IsTerminal, Write, stderr, stdin};
use std::path::PathBuf;

use clap::Args;
use pointsman_trainer::TrainerError;
use pointsman_trainer::device::DeviceChoice;
use pointsman_trainer::label_loop::{self, Options, Step, Ui};
use pointsman_trainer::training::interrupt;

#[derive(Args)]
pub struct LoopArgs {
    /// What `trainer init` wrote.
    #[arg(value_name = "loop.toml")]
    loop_file: PathBuf,
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
    let found = label_loop::run(&args.loop_file, options, &mut terminal, &stop)?;
    println!("{}", found.report.verdict);
    println!("report: {}", found.page.display());
    match found.bundle {
        Some(bundle) => println!("bundle: {}", bundle.display()),
        None => println!("no bundle was written"),
    }
    Ok(())
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
