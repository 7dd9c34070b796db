//! The whole program with `--manager URL`, against a stand-in for a Manager of each release.

#[allow(dead_code, reason = "several test programs share it, and none of them needs all of it")]
#[allow(clippy::unwrap_used, reason = "a test fails where something is missing")]
#[path = "../../server/mod.rs"]
mod server;

mod again;
mod ask;
mod away;
mod chunks;
mod cuts;
mod farm_type;
mod faults;
mod find;
mod gate;
mod interrupted;
mod lost;
mod releases;
mod replaced;
mod requests;
mod retry;
mod secrets;
mod slow_link;
mod steer;
mod tls;
mod two_workers;
mod why;

use crate::support::fake_blender::Fake;
use crate::support::{Farm, Outcome};
use farm::manager::local::{Local, LocalSettings, Staying, WorkerOptions, work};
use farm::manager::{Manager, ManagerJob};
use farm::sys::process::Guard;
use gate::Gate;
use server::Server;
use server::flamenco::{Release, StandIn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A sealed room whose volume is the shared storage of a Manager, and that Manager.
struct Studio {
    farm: Farm,
    engine: Arc<Local>,
    gate: Arc<Gate>,
    server: Server,
}

impl Studio {
    /// With an empty queue, and FARM_MANAGER set to the Manager.
    fn new(release: Release) -> Self {
        Studio::with(release, &Fake::default())
    }

    /// The same with a renderer of another kind.
    fn with(release: Release, fake: &Fake) -> Self {
        Studio::of(release, fake, |stand_in| stand_in)
    }

    /// The same with the Manager as `adapt` leaves it.
    fn of(release: Release, fake: &Fake, adapt: impl FnOnce(StandIn) -> StandIn) -> Self {
        let mut farm = Farm::with(fake);
        // The Manager's own folder lies beside the volume, as a real one's does.
        let blender = farm.room.path("fake/blender").to_string_lossy().into_owned();
        let settings = LocalSettings { blender, ..LocalSettings::new(farm.room.path("engine/local")) };
        let engine = Arc::new(Local::open(settings).expect("opens"));
        let volume = farm.room.path("V");
        let gate = Arc::new(Gate::before(adapt(StandIn::new(release, Arc::clone(&engine), volume))));
        let server = Server::new(Arc::clone(&gate));
        farm.room.set("FARM_MANAGER", server.url());
        Studio { farm, engine, gate, server }
    }

    /// What waits in the queue is rendered, by one worker of the Manager.
    fn work(&self) {
        work(&self.engine, &options(), &(), &AtomicBool::new(false)).expect("works");
    }

    /// Does `body` while a worker renders whatever comes.
    fn while_working<T>(&self, body: impl FnOnce() -> T) -> T {
        let stop = AtomicBool::new(false);
        let options = WorkerOptions { staying: Staying::Follow, ..options() };
        std::thread::scope(|scope| {
            let worker = scope.spawn(|| work(&self.engine, &options, &(), &stop));
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            stop.store(true, Ordering::Relaxed);
            worker.join().expect("no panic").expect("works");
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// What the Manager has in its queue.
    fn jobs(&self) -> Vec<ManagerJob> {
        self.engine.jobs().expect("readable")
    }

    /// What was submitted of the one job that is there, as it came.
    #[track_caller]
    fn submitted(&self) -> serde_json::Value {
        let [job] = &self.jobs()[..] else { panic!("{:?}", self.jobs()) };
        self.gate.stand_in().submitted(&job.id.0).expect("it was submitted")
    }

    /// Runs farm on the volume.
    #[track_caller]
    fn run(&self, words: &str) -> Outcome {
        self.farm.run(words)
    }
}

fn options() -> WorkerOptions {
    WorkerOptions::new(Guard::new(env!("CARGO_BIN_EXE_farm")))
}

/// Does all of these, each in a thread of its own, and fails with the words of those that failed.
#[track_caller]
fn all_at_once(parts: Vec<(String, impl FnOnce() + Send)>) {
    let words = |panic: Box<dyn std::any::Any + Send>| panic.downcast_ref::<String>().cloned().unwrap_or_default();
    let failed: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = parts.into_iter().map(|(name, part)| (name, scope.spawn(part))).collect();
        let ended = threads.into_iter().map(|(name, thread)| (name, thread.join()));
        ended.filter_map(|(name, ended)| Some(format!("{name}: {}", words(ended.err()?)))).collect()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
