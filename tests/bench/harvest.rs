//! Harvest against open, read, check, rename.

use crate::support::png::Filling;
use crate::support::{Farm, strace};
use crate::{Sizes, floor, rounds, stand_in, timed_farm};
use rounds::{Entry, measure, sum, table};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A rendered release `r1`, kept aside, with its frames apart from the rest: frames are linked into each copy, all else is
/// copied, so that no run can change what the next one begins with.
struct Rendered {
    farm: Farm,
}

impl Rendered {
    fn new(scene: Option<(u32, u32)>, filling: Filling, jobs: u32, frames: u32) -> Self {
        let mut farm = Farm::with_real_blender();
        if let Some((width, height)) = scene {
            resize(&farm, width, height);
        }
        let program = stand_in::install(&farm.room, scene.unwrap_or((64, 64)), filling);
        farm.room.set("FARM_BLENDER", program);
        let mut plan = format!("release: r1\ndefaults: {{frames: 1-{frames}}}\njobs:\n");
        for job in 1..=jobs {
            writeln!(plan, "  - {{scene: scenes/A.blend, name: job{job:03}}}").expect("a text takes everything");
        }
        fs::write(farm.room.path("plan.yaml"), plan).expect("a plan");
        farm.run("plan release --from plan.yaml --yes --wait").expect(0);
        let rendered = Rendered { farm };
        // Rendered over night: what is younger than a quarter of an hour is put on disk first, by one call.
        rendered.shell("find V/releases/r1/out -name '*.png' -exec touch -d '1 hour ago' {} +");
        rendered
            .shell("mv V/releases/r1/out kept-out && mv V kept && cp -a kept V && cp -al kept-out V/releases/r1/out");
        rendered
    }

    /// The state before the harvest, all of it on disk: farm syncs, the floor does not, and would leave the cost of what
    /// was made here to farm.
    fn restore(&self) {
        self.shell(
            "rm -rf V && cp -a kept V && cp -al kept-out V/releases/r1/out && mkdir -p V/dist/floor && sync -f V",
        );
    }

    /// The list for the floor programs: every frame, and its name in one flat folder.
    fn list(&self) -> PathBuf {
        let out = self.farm.path("releases/r1/out");
        let mut files = Vec::new();
        for job in fs::read_dir(&out).expect("frames").flatten() {
            for frame in fs::read_dir(job.path()).expect("frames").flatten() {
                let name = format!("{}_{}", job.file_name().display(), frame.file_name().display());
                let to = self.farm.path("dist/floor").join(name);
                files.push((frame.path().display().to_string(), to.display().to_string()));
            }
        }
        files.sort();
        let list = self.farm.room.path("list");
        floor::write_list(&list, &files);
        list
    }

    fn shell(&self, script: &str) {
        let mut command = Command::new("/bin/sh");
        command.args(["-ec", script]);
        let outcome = self.farm.room.start_command(command, script.to_owned()).wait();
        assert_eq!(outcome.code, 0, "{outcome}");
    }

    fn harvest(&self) {
        timed_farm(&self.farm, "harvest release r1 --no-preview");
    }
}

/// Makes `scenes/A.blend` say another size.
fn resize(farm: &Farm, width: u32, height: u32) {
    let script = format!(
        "import bpy; r = bpy.context.scene.render; r.resolution_x, r.resolution_y = {width}, {height}; \
         bpy.context.preferences.filepaths.save_version = 0; bpy.ops.wm.save_mainfile()"
    );
    let mut command = Command::new("blender");
    command.args(["-b", "scenes/A.blend", "--python-exit-code", "1", "--python-expr", &script]);
    farm.room.start_command(command, "resize A.blend".to_owned()).wait().expect(0);
}

/// 10,000 tiny frames in 100 jobs: what counts is the work per file.
pub(crate) fn tiny(sizes: Sizes) {
    let rendered = Rendered::new(None, Filling::Flat, sizes.jobs, sizes.frames_per_job);
    let list = rendered.list();
    let entries = [
        Entry::new("floor_harvest", || rendered.restore(), || floor::run("harvest", &list, 1)),
        Entry::new("floor_harvest_t2", || rendered.restore(), || floor::run("harvest", &list, 2)),
        Entry::new("farm harvest", || rendered.restore(), || rendered.harvest()),
    ];
    let times = measure(&entries, sizes.rounds);
    let count = sizes.jobs * sizes.frames_per_job;
    let title = format!("harvest of {count} tiny frames in {} jobs", sizes.jobs);
    print!("{}", table(&title, &times, &times[0], "farm harvest at most 1.3 x floor_harvest"));
    requests_per_frame(&rendered, count);
}

/// The calls that a network file system turns into requests, once its client knows the folders on the way.
const ASKING: [&str; 19] = [
    "openat",
    "openat2",
    "statx",
    "newfstatat",
    "read",
    "pread64",
    "write",
    "pwrite64",
    "renameat",
    "renameat2",
    "linkat",
    "unlinkat",
    "mkdirat",
    "getdents64",
    "fsync",
    "fdatasync",
    "ftruncate",
    "fchmod",
    "utimensat",
];

/// What a file system is asked per frame; the same on every machine.
fn requests_per_frame(rendered: &Rendered, frames: u32) {
    if !strace::works() {
        println!("requests per frame: strace may not trace here\n");
        return;
    }
    rendered.restore();
    let log = rendered.farm.room.path("strace.log");
    let arguments = rendered.farm.arguments("harvest release r1 --no-preview");
    // One thread: the trace's lines are whole then.
    let wrapper = [vec!["env".to_owned(), "FARM_THREADS=1".to_owned()], strace::tracing(&log, &ASKING)].concat();
    rendered.farm.room.start_under(&wrapper, &arguments).wait().expect(0);
    let volume = format!("{}/", rendered.farm.path("").display());
    let mut count: BTreeMap<String, u32> = BTreeMap::new();
    for call in strace::all(&log).into_iter().filter(|call| is_request(call, volume.trim_end_matches('/'))) {
        *count.entry(call.name).or_default() += 1;
    }
    let per_frame = |number: u32| f64::from(number) / f64::from(frames);
    println!("| file-system requests | per frame |\n|---|---|");
    for (call, number) in &count {
        println!("| {call} | {:.3} |", per_frame(*number));
    }
    println!("| **all** | {:.3} |\n\ngoal: at most 3.2\n", per_frame(count.values().sum()));
}

/// Whether a call asks something of the volume. The read that finds the end of a file does not: its client knows the size.
fn is_request(call: &strace::Call, volume: &str) -> bool {
    let ends = call.rest.ends_with("= 0") && matches!(call.name.as_str(), "read" | "pread64" | "getdents64");
    call.rest.contains(volume) && !ends
}

/// 1,000 frames of 2 MB: what counts is reading, CRC and SHA-256.
pub(crate) fn large(sizes: Sizes) {
    let rendered = Rendered::new(Some((1024, 512)), Filling::Noise, 1, sizes.large_frames);
    let list = rendered.list();
    let entries = [
        Entry::new("floor_harvest", || rendered.restore(), || floor::run("harvest", &list, 1)),
        Entry::new("floor_harvest_t2", || rendered.restore(), || floor::run("harvest", &list, 2)),
        Entry::new("floor_sha256_t2", || rendered.restore(), || floor::run("sha256", &list, 2)),
        Entry::new("farm harvest", || rendered.restore(), || rendered.harvest()),
    ];
    let mut times = measure(&entries, sizes.rounds);
    let both = sum("floor_both", &[&times[1], &times[2]]);
    times.push(both.clone());
    let title = format!("harvest of {} frames of 2 MB, with digests", sizes.large_frames);
    print!("{}", table(&title, &times, &both, "farm harvest at most 1.2 x floor_both (harvest_t2 + sha256_t2)"));
}
