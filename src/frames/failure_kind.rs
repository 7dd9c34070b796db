//! What a failed task's log says about the kind of its failure, and what to do about that kind.
//!
//! The lines are those of Blender 3.4 to 5.0, of Cycles, of Flamenco's Workers and Managers 3.2 to 3.9, and of farm's own
//! worker. The end of a log is enough: whatever ends a renderer stands there.

use super::last_words::is_of_the_queue;
use super::render_log::as_written;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The kind of a failure, by what its log says. The words are stable: scripts may rely upon them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The worker could not start Blender.
    BlenderMissing,
    /// The disk that frames or temporary files go to is full, or its quota is used up.
    DiskFull,
    /// There was not enough memory, of the machine or of its GPU.
    OutOfMemory,
    /// The GPU that the scene or the worker asks for is not there.
    NoGpu,
    /// The scene has no camera.
    NoCamera,
    /// The scene, or another file that the task needs, is not there or not readable where the worker looks for it.
    MissingFile,
    /// Blender cannot read the scene: it is damaged, no scene, or of a newer Blender.
    SceneUnreadable,
    /// This Blender lacks what the scene is rendered with: its engine or its denoiser.
    BlenderUnfit,
    /// Frames cannot be written where they belong.
    CannotSave,
    /// The Manager gave the task up because it heard nothing of it for too long.
    TimedOut,
    /// Blender crashed.
    Crash,
    /// Blender was ended from outside: by the system, most often for want of memory, or by somebody.
    Killed,
    /// The log says nothing that is known here.
    Other,
}

use FailureKind::*;

/// What stands in a line of the log, and what that means. The first kind that is found counts, so that a cause comes
/// before its consequences: Blender that has no memory crashes, and one on a full disk cannot save.
const SIGNS: [(FailureKind, &[&str]); 12] = [
    (
        BlenderMissing,
        &[
            // Flamenco's Workers: `fork/exec /opt/blender: no such file or directory`, `exec: "blender": executable file not
            // found in $PATH`, and on Windows `in %PATH%`.
            "fork/exec ",
            "executable file not found in ",
            "farm: there is no program ",
            "farm: Blender is not here",
        ],
    ),
    (
        DiskFull,
        &["No space left on device", "Disk quota exceeded", "There is not enough space on the disk", "os error 28)"],
    ),
    (
        OutOfMemory,
        &[
            "System is out of GPU memory",
            "System is out of GPU and shared host memory",
            "Out of memory in ",
            "CUDA_ERROR_OUT_OF_MEMORY",
            "hipErrorOutOfMemory",
            "Malloc returns null",
            "Calloc returns null",
            "Mapalloc returns null",
            "Malloc array aborted due to integer overflow",
            "Calloc array aborted due to integer overflow",
            "std::bad_alloc",
            "Error: Out of memory",
            "Cannot allocate memory",
            "MemoryError",
            "out of memory",
        ],
    ),
    (
        NoGpu,
        &[
            "Found no Cycles device of the specified type",
            "No compatible GPUs found",
            "No GPU device available",
            "Failed to create CUDA context",
            "Failed to initialize CUDA",
            "CUDA_ERROR_NO_DEVICE",
            "CUDA_ERROR_INVALID_DEVICE",
            "CUDA binary kernel for this graphics card compute capability",
            "OPTIX_ERROR_",
        ],
    ),
    (NoCamera, &["Cannot render, no camera", "No camera found in scene"]),
    (
        SceneUnreadable,
        &[
            "Missing DNA block",
            "File format is not supported in file",
            ", not a blend file",
            "Failed to read blend file",
        ],
    ),
    (
        MissingFile,
        // The file that Blender is started with, a Python script of the command line, what farm's worker misses.
        &["Cannot read file ", "Error: File does not exist", "can't open file", "is not what was planned: "],
    ),
    (BlenderUnfit, &["engine not found", "Build without OpenImageDenoiser", "Build without OpenImageDenoise"]),
    (CannotSave, &["cannot save: ", "Cannot open file for writing", "could not write the render", "Render error ("]),
    (
        TimedOut,
        // Of Flamenco's Manager, into the log of a task that it gave up: `Task timed out. It was assigned to worker …`.
        &["Task timed out", "timed out after"],
    ),
    (
        Crash,
        &[
            ".crash.txt",
            "EXCEPTION_ACCESS_VIOLATION",
            "Segmentation fault",
            "was killed by signal 11",
            "was killed by signal 6",
            "was killed by signal 7",
            "was killed by signal 8",
            "was killed by signal 4",
            "abnormally with code -1073741",
            "abnormally with code 11",
            "abnormally with code 139",
            "abnormally with code 134",
        ],
    ),
    (Killed, &["was killed by signal ", "command exited abnormally with code -1", "code 137", "signal: killed"]),
];

impl FailureKind {
    /// All of them.
    pub const ALL: [FailureKind; 13] = [
        BlenderMissing,
        DiskFull,
        OutOfMemory,
        NoGpu,
        NoCamera,
        MissingFile,
        SceneUnreadable,
        BlenderUnfit,
        CannotSave,
        TimedOut,
        Crash,
        Killed,
        Other,
    ];

    /// The kind of the failure that a log tells of: its newest attempt's, where it holds several. The end of the log is
    /// enough.
    pub fn classify(log: &str) -> FailureKind {
        let lines: Vec<&str> = newest_attempt(log).lines().map(as_written).filter(|line| !is_an_order(line)).collect();
        let has = |signs: &[&str]| lines.iter().any(|line| signs.iter().any(|sign| line.contains(sign)));
        SIGNS.iter().find(|(_, signs)| has(signs)).map_or(Other, |(kind, _)| *kind)
    }

    /// The line of the log that tells it, if one does.
    pub fn evidence(self, log: &str) -> Option<&str> {
        let signs = SIGNS.iter().find(|(kind, _)| *kind == self)?.1;
        let mut lines = newest_attempt(log).lines().map(as_written).filter(|line| !is_an_order(line));
        lines.find(|line| signs.iter().any(|sign| line.contains(sign))).map(str::trim)
    }

    /// Its stable word, as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            BlenderMissing => "blender-missing",
            DiskFull => "disk-full",
            OutOfMemory => "out-of-memory",
            NoGpu => "no-gpu",
            NoCamera => "no-camera",
            MissingFile => "missing-file",
            SceneUnreadable => "scene-unreadable",
            BlenderUnfit => "blender-unfit",
            CannotSave => "cannot-save",
            TimedOut => "timed-out",
            Crash => "crash",
            Killed => "killed",
            Other => "other",
        }
    }

    /// One line of advice: what helps.
    pub fn advice(self) -> &'static str {
        match self {
            BlenderMissing => {
                "Install Blender on the worker, or name its executable: in the variable `blender` of Flamenco's Manager, in \
                 blender.executable for farm's own worker."
            }
            DiskFull => "Make room where the log says, on the volume or on the worker's own disk.",
            OutOfMemory => {
                "Render on a worker with more memory (--tag), or make the scene smaller: textures, subdivision, tiles."
            }
            NoGpu => "Render on a worker that has the GPU (--tag), or set the scene to render on the CPU.",
            NoCamera => "Give the scene a camera, then `farm replace job` takes the new file.",
            MissingFile => {
                "See that the worker sees the file under the path in its log: the volume must be mounted there, under the same path."
            }
            SceneUnreadable => {
                "Save the scene anew with the Blender that the workers have, or give them a newer Blender; then `farm replace job`."
            }
            BlenderUnfit => "Render with a Blender that has what the log names, or change the scene's settings.",
            CannotSave => "See that the worker's user may write into the job's folder of frames.",
            TimedOut => {
                "Look at the worker, then give it smaller tasks (--chunk), or the Manager a longer task_timeout."
            }
            Crash => {
                "Render the frame by hand with the worker's Blender; another version of it, or a smaller scene, may help."
            }
            Killed => {
                "See the system's log on the worker: most often its memory was used up, and another worker or a smaller scene helps."
            }
            Other => "Read the whole log: `farm logs JOB --failed`.",
        }
    }

    /// Whether another try of the same scene with the same farm would very likely end the same way, so that something has
    /// to be mended first.
    pub fn lasts(self) -> bool {
        matches!(
            self,
            BlenderMissing | DiskFull | NoGpu | NoCamera | MissingFile | SceneUnreadable | BlenderUnfit | CannotSave
        )
    }
}

/// In a sentence: "3 tasks failed: out of memory".
impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            BlenderMissing => "Blender is not there",
            DiskFull => "the disk is full",
            OutOfMemory => "out of memory",
            NoGpu => "no GPU",
            NoCamera => "no camera",
            MissingFile => "a file is missing",
            SceneUnreadable => "the scene cannot be read",
            BlenderUnfit => "Blender lacks what the scene needs",
            CannotSave => "frames cannot be saved",
            TimedOut => "timed out",
            Crash => "Blender crashed",
            Killed => "Blender was killed",
            Other => "another failure",
        })
    }
}

/// A log goes on when its task is tried again; what an earlier attempt died of is past.
fn newest_attempt(log: &str) -> &str {
    let begins = |line: &str| {
        (line.starts_with("farm: ") && line.contains(", attempt ") && line.contains(", worker "))
            || (is_of_the_queue(line) && line.contains("Z Task assigned to worker "))
    };
    let mut start = 0;
    let mut at = 0;
    for line in log.split_inclusive('\n') {
        if begins(line) {
            start = at;
        }
        at += line.len();
    }
    &log[start..]
}

/// The command that a Worker is about to run stands in its log, with names that users chose. Progress lines hold such names
/// too, and are the most.
fn is_an_order(line: &str) -> bool {
    line.contains(" --render-output ") || line.starts_with("Fra:")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As they were seen: of Blender 3.4.1 and later, of real Workers, of farm's own.
    const SEEN: [(&str, FailureKind); 27] = [
        ("Failed: fork/exec /nope/blender: no such file or directory\n", BlenderMissing),
        ("Failed: exec: \"blender\": executable file not found in $PATH\n", BlenderMissing),
        ("farm: there is no program \"/opt/blender\" here\n", BlenderMissing),
        (
            "libpng error: Write Error\n/v/000001.png: No space left on device\nError: Render error (No space left on device) cannot \
             save: '/v/000001.png'\n",
            DiskFull,
        ),
        ("Calloc returns null: len=280 in PropertyRNA, total 5069712\nWriting: blender.crash.txt\n", OutOfMemory),
        ("Error: System is out of GPU memory\n", OutOfMemory),
        ("Error: Out of memory in CUDA queue enqueue (integrator_shade_surface)\n", OutOfMemory),
        ("terminate called after throwing an instance of 'std::bad_alloc'\n", OutOfMemory),
        ("Error: Found no Cycles device of the specified type\n", NoGpu),
        ("Failed to create CUDA context (Unknown error)\n", NoGpu),
        ("Error: Cannot render, no camera\n", NoCamera),
        ("00:01.123  reports  | ERROR (render) Cannot render, no camera\n", NoCamera),
        ("Error: Cannot read file '/nope/a.blend': No such file or directory\n", MissingFile),
        ("Error: Cannot read file \"Z:\\farm\\a.blend\": No such file or directory\n", MissingFile),
        ("Error: Cannot read file '/v/a.blend': Permission denied\n", MissingFile),
        ("farm: releases/r1/store/A.blend is not what was planned: it is gone; give the command\n", MissingFile),
        ("Error: Failed to read blend file '/v/a.blend', not a blend file\n", SceneUnreadable),
        ("Error: Failed to read blend file '/v/a.blend': Missing DNA block\n", SceneUnreadable),
        ("Error: engine not found 'NOPE'\n", BlenderUnfit),
        ("Error: Build without OpenImageDenoiser\n", BlenderUnfit),
        (
            "/v/000001.png: Read-only file system\nError: Render error (Invalid argument) cannot save: '/v/000001.png'\n",
            CannotSave,
        ),
        ("2026-11-22T00:49:49Z Task timed out. It was assigned to worker w1\n", TimedOut),
        ("Writing: /tmp/slow_512spp.crash.txt\nFailed: command exited abnormally with code -1\n", Crash),
        ("farm: blender was killed by signal 11\n", Crash),
        ("farm: blender was killed by signal 9\n", Killed),
        ("Fra:2 Mem:10M\nFailed: command exited abnormally with code -1\n", Killed),
        ("Failed: command exited abnormally with code 1\n", Other),
    ];

    #[test]
    fn real_lines_are_told_apart() {
        for (log, kind) in SEEN {
            assert_eq!(FailureKind::classify(log), kind, "{log}");
            let as_flamenco: String = log.lines().map(|line| format!("pid=7 > {line}\n")).collect();
            if !log.contains("farm: ") {
                assert_eq!(FailureKind::classify(&as_flamenco), kind, "{as_flamenco}");
            }
            assert_eq!(kind.evidence(log).is_none(), kind == Other, "{log}");
        }
        assert_eq!(FailureKind::classify(""), Other);
    }

    #[test]
    fn only_the_newest_attempt_counts() {
        for begin in [
            "farm: render-1-3, attempt 2, worker host, 2026-11-22T00:49:49Z\n",
            "2026-11-22T00:49:49Z Task assigned to worker w1 (2498dd22)\n",
        ] {
            let log =
                format!("Error: Cannot render, no camera\n{begin}Failed: command exited abnormally with code 1\n");
            assert_eq!(FailureKind::classify(&log), Other, "{log}");
        }
    }

    #[test]
    fn names_in_orders_and_progress_are_no_signs() {
        let log = "    blender -b '/v/out of memory.blend' --render-output '/v/no camera/######'\n\
                   Fra:1 Mem:1M | Scene, ViewLayer | Synchronizing object | out of memory\nBlender quit\n";
        assert_eq!(FailureKind::classify(log), Other);
    }

    #[test]
    fn every_kind_has_its_words() {
        for kind in FailureKind::ALL {
            assert_eq!(serde_json::to_string(&kind).expect("a word"), format!("{:?}", kind.word()));
            assert!(kind.advice().ends_with('.'), "{kind}");
            assert!(!kind.to_string().is_empty());
        }
        assert!(SIGNS.iter().all(|(_, signs)| !signs.is_empty()));
    }

    proptest::proptest! {
        #[test]
        fn no_log_panics(log in "(farm: |, attempt 1, worker |Error: |Fra:|pid=1 > |\\PC|\n| ){0,80}") {
            let kind = FailureKind::classify(&log);
            proptest::prop_assert_eq!(kind.evidence(&log).is_none(), kind == Other);
        }
    }
}
