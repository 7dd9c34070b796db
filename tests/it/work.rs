//! `farm work`: the local manager's worker

use crate::support::fake_blender::Fake;
use crate::support::{Farm, png};
use std::time::{Duration, Instant};

#[test]
fn works_until_the_queue_is_empty() {
    let farm = Farm::new();
    farm.run("work").expect(0);
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --yes").expect(0);
    assert!(!farm.frame("r1", "A", 1).exists(), "planning does not render");
    farm.run("work").expect(0);
    assert_eq!(png::size_of(&farm.frame("r1", "A", 3)), Some((64, 64)));
    farm.run("work --json").expect(0).json("farm.work/1");
    assert_eq!(farm.render_log().len(), 3);
}

#[test]
fn two_workers_share_and_never_do_the_same() {
    let farm = Farm::with(&Fake { pause: "0.02", ..Fake::default() });
    farm.run("plan release r1 scenes/A.blend scenes/B.blend --frames 1-20 --chunk 2 --yes").expect(0);
    let (one, two) = (farm.start("work --name one"), farm.start("work --name two"));
    one.wait().expect(0);
    two.wait().expect(0);
    let mut log = farm.render_log();
    assert!(!log.iter().any(|line| line.starts_with("TWICE")), "{log:?}");
    log.sort();
    log.dedup();
    assert_eq!(log.len(), 40, "every frame, and none twice");
}

#[test]
fn priority_goes_first() {
    let farm = Farm::new();
    farm.run("plan release low scenes/A.blend --frames 1-2 --priority 10 --yes").expect(0);
    farm.run("plan release high scenes/B.blend --frames 1-2 --priority 90 --yes").expect(0);
    farm.run("work").expect(0);
    let order: Vec<String> = farm.render_log().iter().filter_map(|l| l.split(' ').next().map(str::to_owned)).collect();
    assert_eq!(order, ["B", "B", "A", "A"]);
}

#[test]
fn a_paused_job_waits_for_a_person() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-2 --paused --yes").expect(0);
    farm.run("work").expect(0);
    assert_eq!(farm.render_log(), [""; 0]);
}

/// Waits for something that another process does.
fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The stand-ins of this farm that are alive.
fn renderers(farm: &Farm) -> Vec<String> {
    let program = farm.room.path("fake/blender").to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        if command.contains(&program) && !command.contains("strace") {
            found.push(command);
        }
    }
    found
}

#[test]
fn a_worker_told_to_end_takes_its_renderer_along() {
    let farm = Farm::with(&Fake { pause: "0.3", ..Fake::default() });
    farm.run("plan release r1 scenes/A.blend --frames 1-20 --yes").expect(0);
    let worker = farm.start("work");
    wait_for("a frame", || farm.frame("r1", "A", 1).exists());
    worker.signal(rustix::process::Signal::TERM);
    worker.wait().expect(143);
    wait_for("the renderer's end", || renderers(&farm).is_empty());
    farm.run("work").expect(0);
    assert_eq!(farm.run("status r1/A --json").json("farm.status/1")["jobs"][0]["frames"]["ok"], 20);
}

#[test]
fn who_asks_twice_does_not_wait_for_a_stubborn_renderer() {
    let mut farm = Farm::new();
    let (program, begun) = (farm.room.path("stubborn"), farm.room.path("begun"));
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo Blender 3.4.1 && exit\ntrap '' TERM\necho >{}\nwhile :; do sleep 1; done\n",
        begun.display()
    );
    std::fs::write(&program, script).expect("the stubborn one");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it may be run");
    farm.room.set("FARM_BLENDER", &program);
    farm.run("plan release r1 scenes/A.blend --frames 1-2 --yes").expect(0);
    let worker = farm.start("work");
    wait_for("the renderer", || begun.exists());
    worker.signal(rustix::process::Signal::TERM);
    std::thread::sleep(Duration::from_millis(100));
    let asked_again = Instant::now();
    worker.signal(rustix::process::Signal::TERM);
    worker.wait().expect(143);
    assert!(asked_again.elapsed() < Duration::from_millis(1500), "{:?}", asked_again.elapsed());
    farm.run("recover").expect(0).says(&["back in the queue"]);
}

#[test]
fn a_killed_workers_task_is_done_by_the_next() {
    let farm = Farm::with(&Fake { pause: "0.1", ..Fake::default() });
    let plan = "plan release r1 scenes/A.blend --frames 1-12 --yes";
    farm.run(plan).expect(0);
    let mut worker = farm.start("work");
    wait_for("two frames", || farm.frame("r1", "A", 2).exists());
    worker.kill();
    worker.wait().check_manners();
    farm.run("work").expect(0);
    assert!(renderers(&farm).is_empty(), "{:?}", renderers(&farm));
    let log = farm.render_log();
    assert!(!log.iter().any(|line| line.starts_with("TWICE")), "two renderers at one frame: {log:?}");
    // Blender skips a frame that the kill cut in two, because its file exists; to wait for a release is to mend it.
    farm.run(&format!("{plan} --wait")).expect(0);
    let document = farm.run("status r1/A --json").expect(0).json("farm.status/1");
    assert_eq!(document["jobs"][0]["frames"]["ok"], 12, "a frame cut by the kill was taken as done: {document:#}");
}
