//! Farm's own job type, once its script is there: the plan in the settings, cut and filled as `farm.js` does.

use super::{Answer, StandIn};
use farm::base::frame_set::FrameSet;
use farm::manager::compile::farm_type::{JOB_TYPE, LABEL};
use farm::manager::compile::{Command, Compiled, CompiledTask};
use serde_json::{Value, json};

impl StandIn {
    /// The same with farm's job type of this edition.
    pub(crate) fn with_farm_type(self) -> Self {
        let mut job_type = super::Release::V3_9.recorded("job_type_farm");
        job_type["label"] = json!(LABEL);
        StandIn { farm_type: Some(job_type), ..self }
    }

    pub(super) fn tell_farm_type(&self) -> Answer {
        match &self.farm_type {
            Some(job_type) => self.json(job_type),
            None => self.coded(404, "no such job type known"),
        }
    }

    /// The tasks of a job of farm's type.
    pub(super) fn compile_plan(&self, body: &Value) -> Result<Compiled, Answer> {
        let settings = &body["settings"];
        let refuse = |words: &str| self.coded(400, &format!("Error: {words}"));
        let text = |key: &str| settings[key].as_str().ok_or_else(|| refuse(key));
        let plan: Value = serde_json::from_str(text("plan")?).map_err(|error| refuse(&error.to_string()))?;
        let frames: FrameSet = text("frames")?.replace("..", "-").parse().map_err(|_| refuse("these are no frames"))?;
        let size = settings["chunk_size"].as_u64().filter(|size| *size >= 1).ok_or_else(|| refuse("chunk_size"))?;
        let frames: Vec<i32> = frames.iter().collect();
        let mut tasks = Vec::new();
        for chunk in frames.chunks(size as usize) {
            for template in plan["each"].as_array().into_iter().flatten() {
                tasks.push(task(template, &chunk.iter().copied().collect()));
            }
        }
        Ok(Compiled { job_type: JOB_TYPE.to_owned(), tasks })
    }
}

fn task(template: &Value, frames: &FrameSet) -> CompiledTask {
    let range = print(frames);
    let filled = fill(template, &range);
    let command = |pair: &Value| Command {
        name: pair[0].as_str().unwrap_or_default().to_owned(),
        parameters: pair[1].as_object().cloned().unwrap_or_default(),
    };
    CompiledTask {
        name: filled["name"].as_str().unwrap_or_default().to_owned(),
        task_type: filled["type"].as_str().unwrap_or_default().to_owned(),
        frames: frames.clone(),
        commands: filled["commands"].as_array().into_iter().flatten().map(command).collect(),
    }
}

fn fill(value: &Value, range: &str) -> Value {
    match value {
        Value::String(text) => json!(text.replace("{range}", range).replace("{frames}", &range.replace("..", "-"))),
        Value::Array(items) => items.iter().map(|item| fill(item, range)).collect(),
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), fill(value, range))).collect(),
        other => other.clone(),
    }
}

/// `-5..-3,7`.
fn print(frames: &FrameSet) -> String {
    let mut runs: Vec<(i32, i32)> = Vec::new();
    for frame in frames.iter() {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == frame => *last = frame,
            _ => runs.push((frame, frame)),
        }
    }
    let words = |(first, last)| if first == last { format!("{first}") } else { format!("{first}..{last}") };
    runs.into_iter().map(words).collect::<Vec<_>>().join(",")
}
