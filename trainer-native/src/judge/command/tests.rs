//! Tests of running commands, on Linux.

#![allow(clippy::unwrap_used)]

use std::time::Instant;

use serde_json::json;

use super::*;

const LIMITS: CommandLimits = CommandLimits { seconds: 60, memory_mib: 256, file_mib: 1 };

fn tests(gold: Value) -> Tests {
    Tests::parse(gold.as_object().unwrap()).unwrap()
}

fn run_command(command: &str, limits: &CommandLimits) -> (Run, String) {
    run(&tests(json!({"tests": command, "file": "a.txt"})), "text", limits).unwrap()
}

#[test]
fn the_exit_code_decides() {
    for (command, mark) in [
        ("true", Some(Mark::Right)),
        ("exit 3", Some(Mark::Wrong)),
        ("exit 125", Some(Mark::Wrong)),
        ("exit 255", Some(Mark::Wrong)),
        ("no-such-program-here", None),
        ("kill -TERM $$", Some(Mark::Wrong)),
        ("kill -KILL 0", Some(Mark::Wrong)),
    ] {
        assert_eq!(run_command(command, &LIMITS).0.mark(), mark, "{command}");
    }
    assert_eq!(run_command("exit 3", &LIMITS).0, Run::Ended { code: 3 });
    assert_eq!(run_command("kill -TERM $$", &LIMITS).0, Run::Killed);
}

#[test]
fn a_command_finds_the_code_and_its_files() {
    let answer = "Like this:\n```sh\necho first\n```\nor better:\n```sh\necho second\n```\nDone.";
    let (ran, output) = run(&tests(json!({"tests": "sh {answer}; ls"})), answer, &LIMITS).unwrap();
    assert_eq!((ran, output.as_str()), (Run::Ended { code: 0 }, "second\nanswer.sh\n"));
    let beside = json!({"tests": "cat mine its", "file": "mine", "files": {"its": "given\n"}});
    let (_, output) = run(&tests(beside), "whole answer\n", &LIMITS).unwrap();
    assert_eq!(output, "whole answer\ngiven\n");
}

#[test]
fn a_command_sees_no_variables_of_the_trainer() {
    assert!(std::env::vars().count() > 4, "this process has variables to hide");
    let shown = run_command("env | sed 's/=.*//' | sort | tr '\\n' ' '", &LIMITS).1;
    let known = ["HOME", "LANG", "OLDPWD", "PATH", "PWD", "SHLVL", "TMPDIR", "_"];
    assert!(
        shown.split(' ').filter(|name| !name.is_empty()).all(|n| known.contains(&n)),
        "{shown}"
    );
    let inside = "test \"$HOME\" = \"$PWD\" && test \"$TMPDIR\" = \"$PWD\" && echo ${PWD##*/}";
    assert_eq!(run_command(inside, &LIMITS), (Run::Ended { code: 0 }, "work\n".into()));
}

#[test]
fn a_command_ends_at_its_limits() {
    let short = CommandLimits { seconds: 1, ..LIMITS };
    assert_eq!(run_command("sleep 1000", &short).0, Run::TimedOut);
    let (ran, output) = run_command("head -c 400000000 /dev/zero | tail", &LIMITS);
    assert!(matches!(ran, Run::Ended { code: 1 }), "{ran:?} {output:?}");
    let (ran, output) = run_command("yes", &LIMITS);
    assert_eq!(ran, Run::Killed);
    assert_eq!(output.len() as u64, KEPT_OUTPUT);
}

#[test]
fn processes_in_the_background_do_not_survive_their_command() {
    for (wait, seconds) in [("true", 60), ("sleep 1000", 1)] {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let command = format!("sleep 1000 & echo $! > {}; {wait}", quoted(&pid));
        run_command(&command, &CommandLimits { seconds, ..LIMITS });
        let pid = std::fs::read_to_string(pid).unwrap();
        let stat = PathBuf::from(format!("/proc/{}/stat", pid.trim()));
        // The signal was sent; the system needs a moment to end the process.
        let begun = Instant::now();
        let alive = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        while alive() {
            assert!(begun.elapsed().as_secs() < 60, "{wait}: the process {pid} still runs");
            std::thread::yield_now();
        }
    }
}

#[test]
fn the_folder_is_removed() {
    let (_, path) = run_command("mkdir -p a/b && pwd", &LIMITS);
    assert!(!Path::new(path.trim()).exists(), "{path}");
}
