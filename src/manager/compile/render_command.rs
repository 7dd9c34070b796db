//! The one command that renders frames: Flamenco's `blender-render` with its arguments.

use super::Command;
use crate::base::render_options::RenderOptions;
use crate::manager::RenderWork;
use serde_json::{Value, json};

/// The extension is Blender's to choose; a frame that is there is kept, so that a task run again renders only what it
/// lacks; and no empty file stands for a frame in work.
pub(super) const RENDER_SETTINGS: &str = "import bpy; render = bpy.context.scene.render; \
     render.use_file_extension = True; render.use_overwrite = False; render.use_placeholder = False";

/// Blender's own options know no frame below 0: a minus there counts from the end of the scene's range. Stills do.
const BELOW_ZERO: &str = "\
import bpy, os
scene, render = bpy.context.scene, bpy.context.scene.render
pattern = render.filepath
for item in 'RANGE'.split(','):
    first, _, last = item.partition('..')
    for frame in range(int(first), int(last or first) + 1):
        path = render.frame_path(frame=frame)
        if os.path.exists(path):
            print('skipping existing frame \"%s\"' % path)
            continue
        scene.frame_set(frame)
        print('Fra:%d' % frame)
        render.filepath = path
        bpy.ops.render.render(write_still=True)
        render.filepath = pattern
";

/// One start of Blender for the frames that `range` names as Blender wants them: `1..3,7`, or a token for these.
pub(super) fn command(work: &RenderWork, range: &str) -> Command {
    let (exe, exe_args) = program(&work.options);
    let parameters = [
        ("exe", json!(exe)),
        ("exeArgs", json!(exe_args)),
        ("argsBefore", json!([])),
        ("blendfile", json!(work.blendfile)),
        ("args", Value::from(arguments(work, range))),
    ];
    let parameters = parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Command { name: "blender-render".into(), parameters }
}

/// Blender by its variable. A command has no environment of its own, so `env` gives it one.
fn program(options: &RenderOptions) -> (String, String) {
    let blender = options.blender.as_deref().unwrap_or("blender");
    if options.environment.is_empty() {
        return (format!("{{{blender}}}"), "{blenderArgs}".to_owned());
    }
    let variables = options.environment.iter().map(|(name, value)| quoted(&format!("{name}={value}")));
    let words: Vec<String> = variables.chain([format!("'{{{blender}}}' {{blenderArgs}}")]).collect();
    ("env".to_owned(), words.join(" "))
}

/// For a text that is split as a shell would. What cannot be quoted (a NUL) cannot be in an environment either.
fn quoted(word: &str) -> String {
    shlex::try_quote(word).map(Into::into).unwrap_or_default()
}

/// Blender works its options off from left to right: the scene first, the rendering last, the engine's own behind `--`.
fn arguments(work: &RenderWork, range: &str) -> Vec<String> {
    let mut arguments: Vec<String> = Vec::new();
    let mut say = |words: &[&str]| arguments.extend(words.iter().map(|word| (*word).to_owned()));
    if let Some(scene) = work.scene.as_deref().filter(|scene| !scene.is_empty()) {
        say(&["--scene", scene]);
    }
    say(&["--python-expr", RENDER_SETTINGS]);
    if let Some(samples) = work.options.samples {
        say(&["--python-expr", &sampling(samples)]);
    }
    say(&["--render-output", &work.render_output_path, "--render-format", &work.format]);
    if work.frames.first().is_some_and(|frame| frame < 0) {
        say(&["--python-exit-code", "1", "--python-expr", &BELOW_ZERO.replace("RANGE", range)]);
    } else {
        say(&["--render-frame", range]);
    }
    if let Some(device) = &work.options.device {
        say(&["--", "--cycles-device", device]);
    }
    arguments
}

/// Each engine has its own setting; those of engines that are not there stay alone.
fn sampling(samples: u32) -> String {
    format!(
        "import bpy; scene = bpy.context.scene; \
         [setattr(part, name, {samples}) for part, name in ((getattr(scene, 'cycles', None), 'samples'), \
         (scene.eevee, 'taa_render_samples')) if hasattr(part, name)]"
    )
}
