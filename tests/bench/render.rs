//! The local manager against Blender alone.

use crate::support::Farm;
use crate::{Sizes, rounds, timed, timed_farm};
use rounds::{Entry, measure, table};
use std::process::Command;

/// Light frames of a real scene, in one process of Blender each way.
pub(crate) fn run(sizes: Sizes) {
    let farm = Farm::with_real_blender();
    let frames = sizes.light_frames;
    let shell = |script: &str| {
        let mut command = Command::new("/bin/sh");
        command.args(["-ec", script]);
        farm.room.start_command(command, script.to_owned()).wait().expect(0);
    };
    let queued = || {
        shell("rm -rf V bare");
        farm.room.farm(&["init", "V"]).expect(0);
        farm.run(&format!("plan release r1 scenes/A.blend --frames 1-{frames} --yes")).expect(0);
    };
    let entries = [
        Entry::new("blender -a", queued, || {
            let mut blender = Command::new("blender");
            blender.args(["-b", "scenes/A.blend", "-o", "bare/######", "-s", "1", "-e", &frames.to_string(), "-a"]);
            timed(&farm.room, blender);
        }),
        Entry::new("farm work", queued, || {
            timed_farm(&farm, "work");
        }),
    ];
    let times = measure(&entries, sizes.rounds.min(3));
    let title = format!("{frames} light frames, local manager");
    print!("{}", table(&title, &times, &times[0], "farm work at most 1.05 x blender -a, and 0.2 s"));
}
