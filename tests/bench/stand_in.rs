//! A stand-in for Blender in this same program: thousands of ready-made frames in the time that a shell starts.

use crate::support::Room;
use crate::support::png::{Filling, picture};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Frames that differ; beyond them they repeat.
const DIFFERENT: u32 = 16;

/// Makes a program in the room that stands for Blender and renders frames of `size`.
pub(crate) fn install(room: &Room, size: (u32, u32), filling: Filling) -> PathBuf {
    let pool = room.path("pool");
    fs::create_dir_all(&pool).expect("a folder for frames");
    for n in 0..DIFFERENT {
        fs::write(pool.join(n.to_string()), picture(size.0, size.1, filling, u64::from(n) + 1)).expect("a frame");
    }
    let program = room.path("stand-in");
    let this = std::env::current_exe().expect("this program");
    let script = format!("#!/bin/sh\nexec '{}' --as-blender '{}' \"$@\"\n", this.display(), pool.display());
    fs::write(&program, script).expect("the stand-in");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it may be run");
    program
}

/// Acts as Blender: `POOL`, then Blender's own arguments.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let after = |names: [&str; 2]| {
        let at = arguments.iter().position(|word| names.contains(&word.as_str()))?;
        arguments.get(at + 1)
    };
    println!("Blender 3.4.1");
    let (Some(pattern), Some(frames)) = (after(["-o", "--render-output"]), after(["-f", "--render-frame"])) else {
        return ExitCode::SUCCESS;
    };
    let folder = pattern.trim_end_matches('#');
    fs::create_dir_all(folder).expect("the folder for frames");
    for item in frames.split(',') {
        let (first, last) = item.split_once("..").unwrap_or((item, item));
        let number = |text: &str| text.parse::<u32>().expect("a frame number");
        for frame in number(first)..=number(last) {
            let file = format!("{folder}{frame:06}.png");
            fs::copy(Path::new(&arguments[0]).join((frame % DIFFERENT).to_string()), &file).expect("a frame");
            println!("Fra:{frame} Mem:8.00M (Peak 8.00M)\nSaved: '{file}'\n Time: 00:00.01 (Saving: 00:00.00)\n");
        }
    }
    println!("Blender quit");
    ExitCode::SUCCESS
}
