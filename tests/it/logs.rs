//! `farm logs`

use crate::support::Farm;
use crate::support::fake_blender::Fake;
use crate::support::output::{has_keys, list};
use farm::base::status::JobStatus;
use farm::manager::Manager;
use farm::manager::local::{Local, LocalSettings};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The log of the one task of `r1/A`.
fn log_file(farm: &Farm) -> PathBuf {
    let logs = farm.path(".farm/local/logs");
    let job = fs::read_dir(&logs).expect("logs").next().expect("a job").expect("readable").path();
    fs::read_dir(job).expect("a job").next().expect("a task").expect("readable").path()
}

fn rendered() -> Farm {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --yes --wait").expect(0);
    farm
}

#[test]
fn the_log_of_each_task_has_a_heading() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-4 --chunk 2 --yes").expect(0);
    farm.run("logs r1/A").expect(3).says(&["no worker has begun", "next: `farm why r1/A`"]);
    farm.run("work --name w").expect(0);
    let outcome = farm.run("logs r1/A").expect(0);
    let heads: Vec<&str> = outcome.stdout.lines().filter(|line| line.starts_with("==> ")).collect();
    let head = |task: &str| format!("==> r1/A run 1, task {task}, completed, worker w <==");
    assert_eq!(heads, [head("render-1,2"), head("render-3,4")], "{outcome}");
    assert_eq!(outcome.stdout.matches("Saved: '").count(), 4, "{outcome}");
    let one = farm.run("logs A --task render-3,4 --lines 1").expect(0);
    assert_eq!(one.stdout, format!("{}\nBlender quit\n", head("render-3,4")));
    farm.run("logs r1/A --task render-9").expect(3).says(&["render-9", "It has render-1,2, render-3,4"]);
    farm.run("logs r1/A --failed").expect(3).says(&["no task of r1/A has failed"]);
    farm.run("logs nosuch").expect(3);
    let document = farm.run("logs r1/A --json").expect(0).json("farm.logs/1");
    let tasks = list(&document["tasks"]);
    assert_eq!(tasks.len(), 2);
    has_keys(&tasks[0], &["ref", "run", "task", "id", "status", "worker", "log", "truncated"]);
    assert!(tasks[0]["log"].as_str().is_some_and(|log| log.contains("Blender quit")) && tasks[0]["truncated"] == false);
}

#[test]
fn of_failed_tasks_alone_and_the_newest_run_last() {
    let farm = Farm::with(&Fake { fails_at: Some(2), ..Fake::default() });
    farm.run("plan release r1 scenes/A.blend --frames 1-2 --chunk 1 --yes").expect(0);
    farm.run("work").expect(4);
    let outcome = farm.run("logs r1/A --failed").expect(0);
    assert_eq!(outcome.stdout.matches("==> ").count(), 1, "{outcome}");
    outcome.says(&["task render-2, failed", "gives up at frame 2 \\u{1b}[2J\\u{1b}]0;title\\u{7}"]);
    Fake::default().install(&farm.room.path("fake"));
    farm.run("plan release r1 scenes/A.blend --frames 1-2 --chunk 1 --yes --wait").expect(0);
    let outcome = farm.run("logs r1").expect(0);
    let at = |run: &str| outcome.stdout.rfind(run).unwrap_or_else(|| panic!("no {run}:\n{outcome}"));
    assert!(at("run 2, ") > at("run 1, "), "{outcome}");
}

/// Whatever a log holds, nothing of it does anything to a terminal, in text and in JSON.
#[test]
fn hostile_logs_are_shown_and_not_sent() {
    let farm = rendered();
    let hostile = "\u{1b}[2J\u{1b}]52;c;aGk=\u{7}\u{1b}]8;;http://x\u{1b}\\ over\rwritten \u{9b}31m\u{202e}txt\u{2066}\u{7f}\u{0}\tend\r\n";
    let mut log = fs::File::options().append(true).open(log_file(&farm)).expect("the log");
    log.write_all(hostile.as_bytes()).expect("written");
    log.write_all(b"\xff\xfe no text, no end").expect("written");
    drop(log);
    for words in ["logs r1/A", "logs r1/A --json", "logs r1/A --lines 2", "logs r1/A --follow"] {
        // `expect` fails if a control character gets through.
        let outcome = farm.run(words).expect(0);
        assert!(outcome.stdout.ends_with('\n') && outcome.stdout.contains("no text"), "{outcome}");
    }
    let shown = farm.run("logs r1/A").expect(0).stdout;
    assert!(shown.contains("over\\u{d}written \\u{9b}31m\\u{202e}txt\\u{2066}\\u{7f}\\u{0}\tend\n"), "{shown}");
    let document = farm.run("logs r1/A --json").expect(0).json("farm.logs/1");
    assert!(document["tasks"][0]["log"].as_str().is_some_and(|log| log.contains(hostile)), "it means the same");
    let raw = farm.room.start(&farm.arguments("logs r1/A --raw")).wait();
    assert!(raw.code == 0 && raw.stdout.contains("\u{1b}[2J") && !raw.stdout.contains("==>"), "{raw:?}");
    farm.run("logs r1/A --raw --json").expect(2);
    farm.run("logs r1/A --follow --json").expect(2);
}

/// A line of a hundred megabytes goes through in the memory of a short one.
#[test]
fn a_line_without_end_takes_no_memory() {
    let farm = rendered();
    let mut log = fs::File::options().append(true).open(log_file(&farm)).expect("the log");
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        log.write_all(&piece).expect("written");
    }
    drop(log);
    let bounded = ["sh", "-c", "ulimit -v 1000000; exec \"$0\" \"$@\" | wc -c"];
    let outcome = farm.room.start_under(&bounded, &farm.arguments("logs r1/A")).wait();
    let count: u64 = outcome.stdout.trim().parse().unwrap_or_else(|_| panic!("{outcome}"));
    assert!(count > 100 << 20 && outcome.stderr.is_empty(), "{outcome}");
    let document = farm.run("logs r1/A --json").expect(0).json("farm.logs/1");
    let log = document["tasks"][0]["log"].as_str().map(str::len);
    assert_eq!((log, &document["tasks"][0]["truncated"]), (Some(1 << 20), &true.into()));
    // Whoever reads no further ends it.
    let head = ["sh", "-c", "\"$0\" \"$@\" | head -c 10"];
    let outcome = farm.room.start_under(&head, &farm.arguments("logs r1/A")).wait();
    assert_eq!((outcome.stdout.len(), outcome.stderr.as_str()), (10, ""), "{outcome}");
}

#[test]
fn following_goes_on_until_the_job_has_ended() {
    let farm = Farm::with(&Fake { pause: "0.2", ..Fake::default() });
    farm.run("plan release r1 scenes/A.blend --frames 1-5 --yes").expect(0);
    let following = farm.start("logs r1/A --follow");
    farm.run("work").expect(0);
    let outcome = following.wait().expect(0);
    assert_eq!(outcome.stdout.matches("Saved: '").count(), 5, "{outcome}");
    assert_eq!(outcome.stdout.matches("==> ").count(), 1, "{outcome}");
    let again = farm.run("logs r1/A --follow").expect(0);
    assert_eq!(again.stdout.matches("Saved: '").count(), 5, "what has ended is printed once");
}

#[test]
fn ctrl_c_leaves_a_log_that_grows() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --yes").expect(0);
    let following = farm.start("logs r1/A --follow");
    std::thread::sleep(Duration::from_millis(700));
    let told = Instant::now();
    following.signal(rustix::process::Signal::INT);
    following.wait().expect(130);
    assert!(told.elapsed() < Duration::from_secs(3), "{:?}", told.elapsed());
    let queue = Local::open(LocalSettings::new(farm.path(".farm/local"))).expect("the queue");
    assert_eq!(queue.jobs().expect("jobs")[0].status, JobStatus::Queued, "nothing else was ended");
}
