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
    // A volume on which something was rendered before: only its first plan ever asks Blender for its version.
    farm.run("plan release earlier scenes/A.blend --frames 1 --yes --wait").expect(0);
    shell("mv V used");
    let fresh = || shell("rm -rf V bare && cp -a used V");
    let new = || {
        shell("rm -rf V bare");
        farm.room.farm(&["init", "V"]).expect(0);
    };
    let plan = format!("plan release r1 scenes/A.blend --frames 1-{frames} --yes");
    let entries = [
        Entry::new("blender -a", fresh, || {
            let mut blender = Command::new("blender");
            blender.args(["-b", "scenes/A.blend", "-o", "bare/######", "-s", "1", "-e", &frames.to_string(), "-a"]);
            timed(&farm.room, blender);
        }),
        Entry::new("farm plan --wait", fresh, || timed_farm(&farm, &format!("{plan} --wait"))),
        Entry::new("the same, first on its volume", new, || timed_farm(&farm, &format!("{plan} --wait"))),
        Entry::new(
            "farm work",
            || {
                fresh();
                farm.run(&plan).expect(0);
            },
            || timed_farm(&farm, "work"),
        ),
    ];
    let times = measure(&entries, sizes.rounds);
    let title = format!("{frames} light frames, local manager");
    print!(
        "{}",
        table(&title, &times, &times[0], "farm plan --wait and farm work at most 1.05 x blender -a, and 0.2 s")
    );
}
