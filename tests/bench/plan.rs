//! Planning large scenes against hashing and copying them.

use crate::support::Farm;
use crate::{Sizes, floor, rounds, timed_farm};
use rounds::{Entry, measure, sum, table};
use std::cell::Cell;
use std::fs;
use std::process::Command;

/// Makes `big.blend`, about 20 MB, and `count` copies of it.
fn make_scenes(farm: &Farm, count: u32) {
    let script = "import os, bpy, bmesh; mesh = bpy.data.meshes.new('Big'); shape = bmesh.new(); \
                  bmesh.ops.create_grid(shape, x_segments=470, y_segments=470, size=1); shape.to_mesh(mesh); \
                  bpy.context.scene.collection.objects.link(bpy.data.objects.new('Big', mesh)); \
                  bpy.context.preferences.filepaths.save_version = 0; \
                  bpy.ops.wm.save_as_mainfile(filepath=os.path.abspath('big.blend'), compress=False)";
    let mut command = Command::new("blender");
    command.args(["-b", "scenes/A.blend", "--python-exit-code", "1", "--python-expr", script]);
    farm.room.start_command(command, "make big.blend".to_owned()).wait().expect(0);
    fs::create_dir(farm.room.path("big")).expect("a folder");
    for n in 1..=count {
        fs::copy(farm.room.path("big.blend"), farm.room.path(format!("big/scene{n:02}.blend"))).expect("a copy");
    }
}

/// 50 scenes of 20 MB: hash, copy, submit. Blender said its version when an earlier release was planned.
pub(crate) fn run(sizes: Sizes) {
    let farm = Farm::with_real_blender();
    make_scenes(&farm, sizes.scenes);
    farm.run("plan release r0 scenes/A.blend --frames 1 --yes").expect(0);
    let pairs: Vec<(String, String)> = (1..=sizes.scenes)
        .map(|n| {
            let (from, to) =
                (farm.room.path(format!("big/scene{n:02}.blend")), farm.room.path(format!("copy/{n:02}.blend")));
            (from.display().to_string(), to.display().to_string())
        })
        .collect();
    let list = farm.room.path("list");
    floor::write_list(&list, &pairs);
    let bytes = fs::metadata(&pairs[0].0).expect("a scene").len() * u64::from(sizes.scenes);
    let restore = || {
        let mut command = Command::new("/bin/sh");
        command.args(["-ec", "rm -rf copy V/releases/n*; mkdir copy; sync; cat big/*.blend >/dev/null"]);
        farm.room.start_command(command, "restore".to_owned()).wait().expect(0);
    };
    let planned = Cell::new(0);
    let entries = [
        Entry::new("floor_sha256_t2", restore, || floor::run("sha256", &list, 2)),
        Entry::new("floor_copy_t2", restore, || floor::run("copy", &list, 2)),
        Entry::new("floor_copy_sync_t2", restore, || floor::run("copy-sync", &list, 2)),
        Entry::new("farm plan", restore, || {
            planned.set(planned.get() + 1);
            timed_farm(&farm, &format!("plan release n{} big --frames 1 --yes", planned.get()));
        }),
    ];
    let mut times = measure(&entries, sizes.rounds);
    let both = sum("floor_both", &[&times[0], &times[1]]);
    let durable = sum("floor_both_sync", &[&times[0], &times[2]]);
    times.extend([both, durable.clone()]);
    let title = format!("plan of {} scenes, {:.0} MB", sizes.scenes, bytes as f64 / 1e6);
    let goal = "farm plan at most 1.15 x floor_both_sync (sha256_t2, then copy_sync_t2: farm's copies are on disk when it ends)";
    print!("{}", table(&title, &times, &durable, goal));
}
