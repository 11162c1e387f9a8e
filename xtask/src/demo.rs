//! `cargo xtask demo`: runs the Worker, the page and a stand-in upstream on this machine.
//!
//! It compiles the engine and the Worker for wasm, and does not compile the trainer.

use crate::{edge_build, page_build, process, workspace::Workspace};
use anyhow::Result;

/// Arguments of `cargo xtask demo`.
#[derive(clap::Args)]
pub struct Args {
    /// Stop after the three examples
    #[arg(long)]
    once: bool,
    /// The Worker's port; by default a free one
    #[arg(long, value_name = "N")]
    port_worker: Option<u16>,
    /// The page's port; by default a free one
    #[arg(long, value_name = "N")]
    port_page: Option<u16>,
}

impl Args {
    fn forwarded(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.once {
            words.push("--once".to_owned());
        }
        for (name, port) in [("--port-worker", self.port_worker), ("--port-page", self.port_page)] {
            if let Some(port) = port {
                words.extend([name.to_owned(), port.to_string()]);
            }
        }
        words
    }
}

/// Builds, starts the demo and returns its exit code.
pub fn run(workspace: &Workspace, args: &Args) -> Result<u8> {
    let node = edge_build::build(workspace)?;
    page_build::build(workspace, &node)?;
    let mut demo = node.command(workspace);
    let status = process::status(demo.arg("worker/js/demo/demo.mjs").args(args.forwarded()))?;
    Ok(process::exit_code(status))
}

#[cfg(test)]
mod tests {
    use super::Args;

    #[test]
    fn what_was_asked_for_is_passed_on_and_nothing_else() {
        let args = Args { once: true, port_worker: None, port_page: Some(8080) };
        assert_eq!(args.forwarded(), ["--once", "--port-page", "8080"]);
        let args = Args { once: false, port_worker: None, port_page: None };
        assert!(args.forwarded().is_empty());
    }
}
