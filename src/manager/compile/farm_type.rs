//! Farm's own job type: what Flamenco's built-in one cannot say. The Manager's part of it is `farm.js`, which cuts the
//! frames and fills templates that are compiled here.

use super::render_command;
use super::simple_blender_render::ranges;
use crate::manager::RenderWork;
use serde_json::{Map, Value, json};

/// The job type's name: that of its file.
pub const JOB_TYPE: &str = "farm";
/// Its label, with the number of the agreement between script and farm.
pub const LABEL: &str = "farm 1";
/// The file's name in the Manager's `scripts/` folder.
pub const FILE: &str = "farm.js";
/// The script.
pub const SCRIPT: &str = include_str!("farm.js");

/// What the label says before its number.
const LABEL_WORD: &str = "farm ";

/// The number in a label of farm's job type, such as 1 in `farm 1`; `None` where it is not one.
pub fn edition(label: &str) -> Option<u32> {
    label.strip_prefix(LABEL_WORD)?.parse().ok()
}

/// The number in the label that a copy of the script bears.
pub fn edition_of_script(script: &str) -> Option<u32> {
    let labels = script.lines().filter_map(|line| line.trim_start().strip_prefix("label:"));
    labels.filter_map(|label| label.trim().trim_end_matches(',').strip_prefix('"')?.strip_suffix('"')).find_map(edition)
}

/// What stands for a chunk's frames in a template, as Blender wants them.
const RANGE: &str = "{range}";

/// The settings of a job that renders: small, for the Manager tells them with every list of jobs.
pub fn settings(work: &RenderWork) -> Map<String, Value> {
    let command = render_command::command(work, RANGE);
    let each = json!({
        "name": "render-{frames}",
        "type": "blender",
        "commands": [[command.name, command.parameters]],
    });
    let mut settings = Map::new();
    settings.insert("plan".to_owned(), json!(json!({ "each": [each] }).to_string()));
    settings.insert("frames".to_owned(), json!(ranges(&work.frames, "..")));
    settings.insert("chunk_size".to_owned(), json!(work.chunk_size));
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::render_options::RenderOptions;

    #[test]
    fn a_template_says_what_the_task_would() {
        let work = RenderWork {
            blendfile: "/v/a.blend".into(),
            scene: None,
            frames: "-5--3,7".parse().unwrap(),
            chunk_size: 2,
            render_output_path: "/v/out/######".into(),
            format: "PNG".into(),
            image_file_extension: ".png".into(),
            options: RenderOptions { device: Some("OPTIX".into()), ..RenderOptions::default() },
        };
        let settings = settings(&work);
        assert_eq!((&settings["frames"], &settings["chunk_size"]), (&json!("-5..-3,7"), &json!(2)));
        let plan: Value = serde_json::from_str(settings["plan"].as_str().unwrap()).unwrap();
        let [name, parameters] = plan["each"][0]["commands"][0].as_array().unwrap().as_slice() else { panic!() };
        assert_eq!(name, "blender-render");
        let made = render_command::command(&work, "1..2");
        let filled = parameters.to_string().replace("{range}", "1..2");
        assert_eq!(filled, Value::from(made.parameters).to_string());
    }

    #[test]
    fn the_script_bears_the_label() {
        assert!(SCRIPT.contains(&format!("label: {LABEL:?}")));
        assert!(edition(LABEL).is_some());
        assert_eq!(edition_of_script(SCRIPT), edition(LABEL));
        for other in ["", "label: farm 7", "label: \"farm\",", "    label: \"farm 7b\",", "label: \"Barn 7\","] {
            assert_eq!(edition_of_script(other), None, "{other}");
        }
        assert_eq!(edition_of_script("// x\nconst JOB_TYPE = {\n  label: \"farm 12\",\n"), Some(12));
    }
}
