//! From what each file was found to be to what is true of each frame. Pure.

use crate::base::frame_set::FrameSet;
use crate::base::rel_path::RelPath;
use crate::frames::agreement;
use crate::frames::expected::{Expected, Role};
use crate::frames::verdict::{ImageFacts, Verdict};
use crate::ops::check::job_frames::{FrameFlaw, FrameSuspicion, JobFrames};
use std::collections::BTreeMap;

/// What one expected file was found to be.
#[derive(Debug, Clone, PartialEq)]
pub enum FileState {
    /// It is not there.
    Missing,
    /// It was not looked at, for a worker may still write it.
    Unread,
    /// It is whole as far as it was checked.
    Whole(ImageFacts),
    /// It was whole when it was harvested, and its bytes are the same now.
    Harvested,
    /// Farm cannot tell.
    Unknown,
    /// It is broken, and how: a clause that begins with "it".
    Broken(String),
    /// It could not be read, and why. It may be whole.
    Unreadable(String),
}

impl FileState {
    /// The state that a walk's verdict means.
    pub fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Ok(facts) => FileState::Whole(facts),
            Verdict::Bad(flaw) => FileState::Broken(flaw.to_string()),
            Verdict::Unknown { .. } => FileState::Unknown,
        }
    }

    fn is_fine(&self) -> bool {
        matches!(self, FileState::Whole(_) | FileState::Harvested | FileState::Unknown)
    }
}

/// One file as it was judged.
#[derive(Debug)]
pub struct Judged<'a> {
    /// Which file of which frame.
    pub expected: &'a Expected,
    /// Where it lies or would lie, beneath the volume.
    pub path: &'a RelPath,
    /// What it was found to be.
    pub state: FileState,
    /// Whether it lies in `dist/`.
    pub in_dist: bool,
}

/// What surrounds a job's files.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// The frames that the job must have.
    pub expected: &'a FrameSet,
    /// Those that a worker may still write.
    pub open: &'a FrameSet,
    /// What the logs say.
    pub suspicions: &'a [FrameSuspicion],
}

/// Marks as broken what differs from the other files of its series: the frames, one view, one pass.
///
/// `size` is what the scene asks for, in pixels, where that can be told.
pub fn compare(files: &mut [Judged<'_>], size: Option<(u32, u32)>) {
    let mut series: BTreeMap<&Role, Vec<usize>> = BTreeMap::new();
    for (at, file) in files.iter().enumerate() {
        if matches!(file.state, FileState::Whole(_)) {
            series.entry(&file.expected.role).or_default().push(at);
        }
    }
    for (role, members) in series {
        let facts: Vec<&ImageFacts> = members.iter().filter_map(|at| facts(&files[*at].state)).collect();
        // File Output nodes may write any size.
        let size = size.filter(|_| !matches!(role, Role::Pass { .. }));
        for (member, flaw) in agreement::differing(&facts, size) {
            files[members[member]].state = FileState::Broken(flaw.to_string());
        }
    }
}

fn facts(state: &FileState) -> Option<&ImageFacts> {
    match state {
        FileState::Whole(facts) => Some(facts),
        _ => None,
    }
}

/// Sums the files up to frames. A frame is as good as the worst of its files.
pub fn frames(files: &[Judged<'_>], around: &Surroundings<'_>) -> JobFrames {
    let mut by_frame: BTreeMap<i32, Vec<&Judged<'_>>> = BTreeMap::new();
    files.iter().for_each(|file| by_frame.entry(file.expected.frame).or_default().push(file));
    let suspects = FrameSet::union_of(around.suspicions.iter().map(|one| &one.frames));
    let mut sets: BTreeMap<Standing, Vec<i32>> = BTreeMap::new();
    let (mut harvested, mut unchecked) = (Vec::new(), Vec::new());
    for (frame, files) in &by_frame {
        let standing = standing(files, around.open.contains(*frame), suspects.contains(*frame));
        sets.entry(standing).or_default().push(*frame);
        if matches!(standing, Standing::Ok | Standing::Suspect) {
            harvested.extend(files.iter().all(|file| file.in_dist).then_some(*frame));
            unchecked.extend(files.iter().any(|file| file.state == FileState::Unknown).then_some(*frame));
        }
    }
    let mut set = |standing| sets.remove(&standing).unwrap_or_default().into_iter().collect::<FrameSet>();
    let rendering = set(Standing::Rendering);
    let mut frames = JobFrames {
        expected: around.expected.clone(),
        ok: set(Standing::Ok),
        missing: set(Standing::Missing).union(&rendering),
        bad: set(Standing::Bad),
        suspect: set(Standing::Suspect),
        rendering,
        harvested: harvested.into_iter().collect(),
        unchecked: unchecked.into_iter().collect(),
        unknown: files.iter().filter(|file| file.state == FileState::Unknown).count() as u64,
        ..JobFrames::default()
    };
    frames.flaws = flaws(files, &frames.bad);
    frames.suspicions =
        around.suspicions.iter().filter(|one| !one.frames.common(&frames.suspect).is_empty()).cloned().collect();
    frames
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Ok,
    Suspect,
    Missing,
    Rendering,
    Bad,
}

fn standing(files: &[&Judged<'_>], open: bool, suspect: bool) -> Standing {
    let fine = files.iter().all(|file| file.state.is_fine());
    let broken = files.iter().any(|file| matches!(file.state, FileState::Broken(_) | FileState::Unreadable(_)));
    match () {
        () if fine && suspect => Standing::Suspect,
        () if fine => Standing::Ok,
        // A worker is still at it: what looks broken is most often half written.
        () if open => Standing::Rendering,
        () if broken => Standing::Bad,
        () => Standing::Missing,
    }
}

fn flaws(files: &[Judged<'_>], bad: &FrameSet) -> Vec<FrameFlaw> {
    let flaw = |file: &Judged<'_>| match &file.state {
        FileState::Broken(cause) | FileState::Unreadable(cause) if bad.contains(file.expected.frame) => {
            Some(FrameFlaw { frame: file.expected.frame, path: file.path.clone(), cause: cause.clone() })
        }
        _ => None,
    };
    files.iter().filter_map(flaw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::verdict::{Format, Sample};

    fn file(frame: i32, role: Role) -> Expected {
        Expected { frame, path: RelPath::new(&format!("{frame:06}.png")).expect("path"), role }
    }

    fn facts(width: u32) -> FileState {
        let channels = vec!["R".to_owned()];
        FileState::Whole(ImageFacts { format: Format::Png, width, height: 9, channels, sample: Sample::U8 })
    }

    fn judged<'a>(expected: &'a Expected, state: FileState) -> Judged<'a> {
        Judged { expected, path: &expected.path, in_dist: state == FileState::Harvested, state }
    }

    fn set(text: &str) -> FrameSet {
        FrameSet::try_from(text.to_owned()).expect("frames")
    }

    #[test]
    fn each_frame_stands_in_exactly_one_set() {
        let left = Role::View { view: "_L".into() };
        let right = Role::View { view: "_R".into() };
        let expected: Vec<Expected> =
            (1..=8).flat_map(|frame| [file(frame, left.clone()), file(frame, right.clone())]).collect();
        let broken = || FileState::Broken("it is empty (0 bytes)".into());
        let mut states = vec![
            (facts(16), facts(16)),
            (facts(16), FileState::Missing),
            (facts(16), broken()),
            (FileState::Missing, broken()),
            (FileState::Unread, FileState::Unread),
            (facts(16), facts(16)),
            (FileState::Harvested, FileState::Harvested),
            (FileState::Unknown, facts(17)),
        ];
        let mut files = Vec::new();
        for pair in expected.chunks(2) {
            let (left, right) = states.remove(0);
            files.extend([judged(&pair[0], left), judged(&pair[1], right)]);
        }
        compare(&mut files, Some((16, 9)));
        let suspicions = [FrameSuspicion { frames: set("6-8"), cause: "a driver failed".into() }];
        let around = Surroundings { expected: &set("1-8"), open: &set("4,5"), suspicions: &suspicions };
        let frames = frames(&files, &around);
        assert_eq!(frames.ok, set("1"));
        assert_eq!(frames.missing, set("2,4,5"));
        assert_eq!(frames.rendering, set("4,5"));
        assert_eq!(frames.bad, set("3,8"));
        assert_eq!(frames.suspect, set("6,7"));
        assert_eq!(frames.harvested, set("7"));
        assert_eq!((frames.unknown, frames.unchecked.len()), (1, 0), "frame 8 is bad");
        assert_eq!(frames.to_render(), set("2,3,8"));
        let counts = frames.counts();
        assert_eq!(counts.expected, counts.ok + counts.missing + counts.bad + counts.suspect);
        assert_eq!(frames.flaws.iter().map(|flaw| flaw.frame).collect::<Vec<_>>(), [3, 8]);
        assert!(frames.flaws[1].cause.contains("17x9"), "{:?}", frames.flaws);
    }

    #[test]
    fn passes_may_have_another_size_than_the_scene() {
        let pass = Role::Pass { node: "n".into(), slot: "s".into(), view: None };
        let expected = [file(1, pass.clone()), file(2, pass)];
        let mut files = vec![judged(&expected[0], facts(4)), judged(&expected[1], facts(4))];
        compare(&mut files, Some((16, 9)));
        assert!(files.iter().all(|file| file.state.is_fine()));
    }
}
