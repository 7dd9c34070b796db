//! What rendering frames again takes: which of a job's frames it can mend, and which files have to go before.
//!
//! A frame goes as a whole, its views and the passes of File Output nodes with it. Blender skips a frame of which the file
//! is there, whatever its passes lack, and writes over passes that are there: what is whole of them would be lost.

use super::{Left, Suspects, Trashed};
use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::name::Home;
use crate::base::rel_path::RelPath;
use crate::ops::check::job_files;
use crate::ops::check::{self, FrameFlaw, JobFrames};
use crate::ops::ports::Ports;
use crate::volume::release_file::JobRecord;
use std::collections::HashMap;

/// What is done about a job's frames, and what is not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mending {
    /// The frames to be rendered again.
    pub frames: FrameSet,
    /// What lies in the job's folder for them.
    pub trash: Vec<Trashed>,
    /// Files that rendering again would not mend. One that cannot be read may be whole, and one in `dist/` was delivered:
    /// what is wrong with those is a person's to see.
    pub left: Vec<Left>,
}

/// What mends the job, by what was `found` of its frames. What is found broken is read once more.
pub fn of(
    ports: &Ports<'_>,
    home: &Home,
    record: &JobRecord,
    found: &JobFrames,
    suspects: Suspects,
) -> Result<Mending, Failure> {
    let broken = check::broken_files(ports, home, record, &found.bad)?;
    let is_broken = |flaw: &&FrameFlaw| broken.iter().any(|(path, _)| *path == flaw.path);
    let left: Vec<Left> = found.flaws.iter().filter(|flaw| !is_broken(flaw)).map(Left::from).collect();
    let suspect = match suspects {
        Suspects::Render => found.suspect.minus(&found.harvested),
        Suspects::Leave => FrameSet::default(),
    };
    let lost: FrameSet = left.iter().map(|left| left.frame).collect();
    let frames = found.to_render().union(&suspect).minus(&lost);
    let broken: HashMap<RelPath, String> = broken.into_iter().collect();
    let trash = files_of(ports, home, record, &frames, |path, frame| match broken.get(path) {
        Some(cause) => cause.clone(),
        None => why_it_goes(frame, found),
    })?;
    Ok(Mending { frames, trash, left })
}

/// Why a file goes that is not broken itself.
fn why_it_goes(frame: i32, found: &JobFrames) -> String {
    let told = found.suspicions.iter().find(|one| found.suspect.contains(frame) && one.frames.contains(frame));
    match told {
        Some(told) => format!("frame {frame} is suspect: its log says: {}", told.cause),
        None if found.bad.contains(frame) => format!("it belongs to frame {frame}, of which another file is broken"),
        None => format!("it belongs to frame {frame}, of which another file is missing"),
    }
}

/// What lies in the job's folder for these frames, whatever it is, each with why it goes.
pub(super) fn files_of(
    ports: &Ports<'_>,
    home: &Home,
    record: &JobRecord,
    frames: &FrameSet,
    why: impl Fn(&RelPath, i32) -> String,
) -> Result<Vec<Trashed>, Failure> {
    if frames.is_empty() {
        return Ok(Vec::new());
    }
    let files = job_files::in_out(ports.volume, home, record, frames)?;
    Ok(files.into_iter().map(|(frame, path)| Trashed { reason: why(&path, frame), path }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::room::{Room, picture};
    use crate::ops::check::{Effort, OpenWork, check_job};
    use crate::volume::release_file::Pass;

    fn mending(room: &Room, suspects: Suspects) -> Mending {
        let ports = room.ports();
        let work = OpenWork::of(&ports, &room.file).expect("work");
        let record = &room.file.jobs[0];
        let found = check_job(&ports, room.release(), record, &work, Effort::Trust).expect("looked");
        of(&ports, room.release(), record, &found, suspects).expect("looked")
    }

    fn paths(mending: &Mending) -> Vec<&str> {
        mending.trash.iter().map(|trashed| trashed.path.as_str()).collect()
    }

    #[test]
    fn a_broken_frame_goes_with_its_passes_and_a_whole_one_stays() {
        let mut room = Room::rendered(&[("A", "1-4")]);
        let pass = Pass {
            node: "Depth".into(),
            slot: "Image".into(),
            view: String::new(),
            pattern: "Depth/Image####.png".into(),
        };
        room.file.jobs[0].revisions[0].output.passes.push(pass);
        room.save();
        for frame in 1..=4 {
            room.put(&format!("releases/r1/out/A/Depth/Image{frame:04}.png"), &picture(4, "A", frame, 1));
        }
        assert_eq!(mending(&room, Suspects::Render), Mending::default());
        room.put("releases/r1/out/A/000002.png", b"half");
        room.lose("releases/r1/out/A/Depth/Image0004.png");
        let mending = mending(&room, Suspects::Render);
        assert_eq!(mending.frames.to_string(), "2,4");
        assert_eq!(
            paths(&mending),
            ["releases/r1/out/A/000002.png", "releases/r1/out/A/Depth/Image0002.png", "releases/r1/out/A/000004.png"],
            "Blender would skip frame 4, whose picture is there"
        );
        assert!(mending.trash[1].reason.contains("another file is broken"), "{:?}", mending.trash);
        assert!(mending.trash[2].reason.contains("another file is missing"), "{:?}", mending.trash);
    }

    #[test]
    fn what_is_no_file_goes_too() {
        let room = Room::rendered(&[("A", "1-3")]);
        room.lose("releases/r1/out/A/000001.png");
        room.put("releases/r1/out/A/000001.png/inside", b"x");
        let mending = mending(&room, Suspects::Render);
        assert_eq!((mending.frames.to_string().as_str(), paths(&mending).len()), ("1", 1));
        assert!(mending.trash[0].reason.contains("not a file"), "{:?}", mending.trash);
    }
}
