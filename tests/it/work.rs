//! `farm work`: the local manager's worker

use crate::support::fake_blender::Fake;
use crate::support::sealed_room::Running;
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
fn a_renderer_that_ends_well_without_its_frames_has_failed() {
    let farm = Farm::with(&Fake { forgets: Some(2), ..Fake::default() });
    farm.run("plan release r1 scenes/A.blend --frames 1-3 --chunk 3 --yes").expect(0);
    let outcome = farm.run("work").expect(1);
    assert!(outcome.stderr.contains("frame 2 is not there: releases/r1/out/A/000002.png"), "{outcome}");
    let status = farm.run("status r1 --json").json("farm.status/1");
    assert_eq!((&status["jobs"][0]["status"], &status["jobs"][0]["frames"]["missing"]), (&"failed".into(), &1.into()));
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

/// Waits for something that another process does.
fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The process ids of the stand-ins of this farm that are alive.
fn renderer_pids(farm: &Farm) -> Vec<i32> {
    let program = farm.room.path("fake/blender").to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        if command.contains(&program) && !command.contains("strace") {
            found.push(pid);
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
    wait_for("the renderer's end", || renderer_pids(&farm).is_empty());
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
    assert!(renderer_pids(&farm).is_empty(), "{:?}", renderer_pids(&farm));
    let log = farm.render_log();
    assert!(!log.iter().any(|line| line.starts_with("TWICE")), "two renderers at one frame: {log:?}");
    // Blender skips a frame that the kill cut in two, because its file exists; to wait for a release is to mend it.
    farm.run(&format!("{plan} --wait")).expect(0);
    let document = farm.run("status r1/A --json").expect(0).json("farm.status/1");
    assert_eq!(document["jobs"][0]["frames"]["ok"], 12, "a frame cut by the kill was taken as done: {document:#}");
}

/// The lock of somebody whom nobody can tell stands for that of a long harvest.
#[test]
fn a_worker_that_waits_for_a_lock_hears_that_it_shall_end_and_fails_nothing() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-2 --chunk 2 --yes").expect(0);
    let (broken, lock) = (farm.frame("r1", "A", 1), farm.path(".farm/lock/release-r1.lock"));
    std::fs::create_dir_all(broken.parent().expect("a folder")).expect("the folder for frames");
    std::fs::write(&broken, "cut").expect("a broken frame");
    std::fs::write(&lock, "nobody").expect("a lock");
    let worker = farm.start("work");
    wait_for("the worker to have the task", || {
        let document = farm.run("status r1/A --json").expect(0).json("farm.status/1");
        document.to_string().contains("active")
    });
    std::thread::sleep(Duration::from_millis(600));
    let told = Instant::now();
    worker.signal(rustix::process::Signal::TERM);
    let outcome = worker.wait().expect(143).says(&["waiting for release r1", "task render-1,2 is back in the queue"]);
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}:\n{outcome}", told.elapsed());
    std::fs::rename(&lock, farm.room.path("lock")).expect("the lock goes");
    farm.run("work").expect(0).says(&["moved", "to the trash", "1 task done, 0 failed"]);
    assert_eq!(farm.run("status r1/A --json").json("farm.status/1")["jobs"][0]["frames"]["ok"], 2);
}

/// Numbers that differ from run to run; the test prints the seed, which `FARM_KILL_SEED` repeats.
struct Chance(u64);

impl Chance {
    #[expect(clippy::print_stdout, reason = "the harness shows it where the test fails")]
    fn new() -> Self {
        let clock = || std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(1, |since| since.as_nanos() as u64);
        let seed = std::env::var("FARM_KILL_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(clock);
        println!("FARM_KILL_SEED={seed}");
        Chance(seed | 1)
    }

    /// xorshift64
    fn below(&mut self, limit: u64) -> u64 {
        for shift in [13, -7, 17] {
            self.0 ^= if shift > 0 { self.0 << shift } else { self.0 >> -shift };
        }
        self.0 % limit
    }
}

/// Kills one of the stand-ins that are alive, if there is one.
fn kill_a_renderer(farm: &Farm) {
    if let Some(pid) = renderer_pids(farm).into_iter().find_map(rustix::process::Pid::from_raw) {
        // It may have ended meanwhile.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Workers,
    Renderer,
    Both,
}

/// How many frames each of the two jobs of a struck release has.
const STRUCK_FRAMES: u32 = 40;

/// A farm with a release whose frames take a while, and the words that planned it.
fn farm_to_strike() -> (Farm, String) {
    let farm = Farm::with(&Fake { pause: "0.03", frames: STRUCK_FRAMES, ..Fake::default() });
    let plan = format!("plan release r1 scenes/A.blend scenes/B.blend --frames 1-{STRUCK_FRAMES} --chunk 4 --yes");
    farm.run(&plan).expect(0);
    (farm, plan)
}

/// Starts one or two of the commands at a time and kills one of `victims` at a random moment, again and again. What lives
/// on then ends by itself: once its jobs failed with their renderer it has nothing to do, or it is told to end.
fn strike(farm: &Farm, chance: &mut Chance, commands: &[&str], victims: &[Victim]) {
    let strikes = std::env::var("FARM_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    for _ in 0..strikes {
        let words = commands[chance.below(commands.len() as u64) as usize];
        let mut workers: Vec<_> = (0..=chance.below(2)).map(|_| farm.start(words)).collect();
        std::thread::sleep(Duration::from_millis(50 + chance.below(900)));
        let victim = victims[chance.below(victims.len() as u64) as usize];
        if victim != Victim::Workers {
            kill_a_renderer(farm);
        }
        if victim == Victim::Renderer {
            std::thread::sleep(Duration::from_millis(chance.below(400)));
            workers.iter_mut().for_each(|worker| {
                if !worker.has_ended() {
                    worker.signal(rustix::process::Signal::TERM);
                }
            });
        } else {
            workers.iter_mut().for_each(Running::kill);
        }
        workers.into_iter().for_each(|worker| worker.wait().check_manners());
        wait_for("the renderers' end", || renderer_pids(farm).is_empty());
    }
}

/// Every frame is as the renderer makes it, and none was rendered by two at once.
fn is_whole(farm: &Farm) {
    let log = farm.render_log();
    assert!(!log.iter().any(|line| line.starts_with("TWICE")), "two renderers at one frame: {log:?}");
    for (job, frame) in ["A", "B"].into_iter().flat_map(|job| (1..=STRUCK_FRAMES).map(move |frame| (job, frame))) {
        let whole = std::fs::read(farm.room.path(format!("fake/pool/{frame:06}.png"))).expect("the frame as it is");
        let made = std::fs::read(farm.frame("r1", job, frame)).expect("a frame");
        assert!(made == whole, "{job} {frame} has {} of {} bytes", made.len(), whole.len());
    }
    assert_eq!(renderer_pids(farm), [0; 0]);
}

/// A cut frame lies where the next renderer would keep it: to clear it away is the worker's own affair.
#[test]
fn workers_killed_at_random_leave_a_release_that_work_alone_renders_whole() {
    let (farm, _) = farm_to_strike();
    strike(&farm, &mut Chance::new(), &["work"], &[Victim::Workers]);
    farm.run("work").expect(0);
    is_whole(&farm);
}

/// A renderer's death is a failure of its task, and with few workers of its job: what is missing then is planned anew.
#[test]
fn workers_and_renderers_killed_at_random_leave_a_release_that_work_and_wait_render_whole() {
    let (farm, plan) = farm_to_strike();
    let waiting = format!("{plan} --wait");
    let victims = [Victim::Workers, Victim::Renderer, Victim::Both];
    strike(&farm, &mut Chance::new(), &["work", "work", &waiting], &victims);
    farm.run(&waiting).expect(0);
    is_whole(&farm);
}

/// The queue lies on the volume, and so do the scenes and frames that it speaks of.
#[test]
fn a_volume_that_was_copied_or_moved_renders_where_it_is_now() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-2 --yes").expect(0);
    let copied = farm.room.path("C");
    let mut copy = std::process::Command::new("cp");
    copy.arg("-a").arg(farm.path("")).arg(&copied);
    farm.room.start_command(copy, "cp -a V C".to_owned()).wait().expect(0);
    let frame = |volume: &str| farm.room.path(volume).join("releases/r1/out/A/000002.png");
    farm.room.farm(&["--volume", "C", "work"]).expect(0).says(&["1 task done"]);
    assert_eq!(png::size_of(&frame("C")), Some((64, 64)));
    assert!(!frame("V").exists(), "the original was rendered into");
    std::fs::rename(farm.path(""), farm.room.path("W")).expect("moved");
    farm.room.farm(&["--volume", "W", "work"]).expect(0).says(&["1 task done"]);
    assert_eq!(png::size_of(&frame("W")), Some((64, 64)));
}

#[test]
fn without_blender_no_task_is_used_up() {
    let farm = Farm::new();
    farm.run("plan release r1 scenes/A.blend --frames 1-2 --yes").expect(0);
    let nowhere = ["env", "FARM_BLENDER=/nope/blender"];
    let refused = farm.room.start_under(&nowhere, &farm.arguments("work")).wait().expect(1);
    refused.says(&["/nope/blender", "no task was begun", "next: Install Blender"]);
    farm.run("work").expect(0);
    assert_eq!(png::size_of(&farm.frame("r1", "A", 2)), Some((64, 64)));
}
