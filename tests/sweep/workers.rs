//! The local manager's worker, its renderer, or both, killed at random moments.

use crate::strike::{Extent, Random, seed};
use crate::support::fake_blender::Fake;
use crate::support::{Farm, png, skipped};
use std::fs;
use std::io::Write;
use std::time::Duration;

/// Renders that are disturbed when nothing else is asked for, and in a full sweep.
const USUAL: usize = 6;
const FULL: usize = 100;
/// Frames of each render, over two jobs.
const FRAMES: u32 = 16;

/// The processes whose command line has `words`.
fn processes(words: &str) -> Vec<i32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&command).replace('\0', " ").contains(words) {
            found.push(pid);
        }
    }
    found
}

/// SIGKILL; whoever has ended by itself in the meantime is fine.
fn kill(pid: i32) {
    if let Some(pid) = rustix::process::Pid::from_raw(pid) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// One render with a blow in the middle; what did not hold.
fn disturbed(random: &mut Random) -> Result<(), String> {
    let farm = Farm::with(&Fake { pause: "0.02", frames: FRAMES, ..Fake::default() });
    let program = farm.room.path("fake/blender").to_string_lossy().into_owned();
    let plan = format!("plan release r1 scenes/A.blend scenes/B.blend --frames 1-{FRAMES} --chunk 4 --yes");
    farm.run(&plan).expect(0);
    let mut worker = farm.start("work");
    std::thread::sleep(Duration::from_millis(random.next() % 900));
    let (hits_worker, hits_renderer) = [(true, false), (false, true), (true, true)][(random.next() % 3) as usize];
    if hits_renderer {
        processes(&program).into_iter().for_each(kill);
    }
    if hits_worker {
        worker.kill();
    }
    let first = worker.wait();
    let second = farm.run("work");
    if second.code != 0 {
        return Err(format!("working on ends with {}: {second}\nbefore that: {first}", second.code));
    }
    let left = processes(&program);
    if !left.is_empty() {
        return Err(format!("renderers are left alive: {left:?}"));
    }
    // Blender skips a frame that the kill cut in two, because its file exists; to wait for the release is to mend it.
    let third = farm.run(&format!("{plan} --wait"));
    if third.code != 0 {
        return Err(format!("waiting for the release ends with {}: {third}", third.code));
    }
    let log = farm.render_log();
    if let Some(line) = log.iter().find(|line| line.starts_with("TWICE")) {
        return Err(format!("two at one frame: {line}"));
    }
    for job in ["A", "B"] {
        for frame in 1..=FRAMES {
            if png::size_of(&farm.frame("r1", job, frame)).is_none() {
                return Err(format!("{job} {frame} is missing or does not decode; {log:?}\n{second}\n{third}"));
            }
        }
    }
    Ok(())
}

#[test]
fn workers_and_renderers_killed_at_random() {
    let name = "workers_and_renderers_killed_at_random";
    if !cfg!(target_os = "linux") {
        return skipped(name, "it looks for processes in /proc");
    }
    let renders = match Extent::from_environment(USUAL) {
        Extent::Full => FULL,
        Extent::Sample(count) => count.min(FULL),
    };
    let mut random = Random(seed());
    let failures: Vec<String> = (0..renders).filter_map(|_| disturbed(&mut random).err()).collect();
    let _ = writeln!(std::io::stderr(), "{name}: POINTS {renders} LOST 0 WRONG {}", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
