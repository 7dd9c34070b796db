//! Taking jobs in.

use super::{Answer, Release, StandIn};
use farm::base::frame_set::FrameSet;
use farm::base::render_options::RenderOptions;
use farm::manager::compile::{self, CompileError, Compiled, CompiledTask, Outline};
use farm::manager::{RenderWork, Submission, Work};
use serde_json::{Value, json};

impl StandIn {
    /// Compiles, and looks at nothing else.
    pub(super) fn check_job(&self, body: &Value) -> Answer {
        match self.compile(body) {
            Ok(_) => Answer::nothing(),
            Err(answer) => answer,
        }
    }

    pub(super) fn take_job(&self, body: &Value) -> Answer {
        let (submission, compiled) = match self.compile(body) {
            Ok(compiled) => compiled,
            Err(answer) => return answer,
        };
        let tag = body.get("worker_tag").filter(|_| self.release >= Release::V3_5);
        if tag.is_some_and(|tag| !self.tags.iter().any(|(id, _)| tag == id)) {
            return self.coded(500, "error persisting job in database");
        }
        let job = self.engine.submit_compiled(&submission, &compiled).unwrap();
        self.submitted.lock().unwrap().insert(job.id.0.clone(), body.clone());
        self.json(&self.job(&job))
    }

    fn compile(&self, body: &Value) -> Result<(Submission, Compiled), Answer> {
        for key in ["name", "type", "submitter_platform"] {
            if !body[key].is_string() {
                let words = format!("doesn't match schema: Error at \"/{key}\": property \"{key}\" is missing");
                return Err(self.plain(400, &format!("request body has an error: {words}")));
            }
        }
        let is_other = |etag: &Value| etag != "" && *etag != self.etag(&body["type"]);
        if body.get("type_etag").is_some_and(is_other) {
            return Err(self.coded(412, "rejecting job because its settings are outdated, refresh the job type"));
        }
        if body["type"] == "farm" {
            return Ok((self.submission(body, FrameSet::default()), self.compile_plan(body)?));
        }
        let frames = body["settings"]["frames"].as_str().unwrap_or_default();
        let frames =
            frames.parse().map_err(|_| self.coded(400, &format!("GoError: invalid range {frames:?}: empty range")))?;
        let submission = self.submission(body, frames);
        let refuse = |error: CompileError| self.coded(400, &format!("GoError: {error}"));
        let mut compiled = compiled(&submission.work).map_err(refuse)?;
        if self.release < Release::V3_5 {
            compiled.tasks.iter_mut().for_each(as_up_to_3_2);
        }
        Ok((submission, compiled))
    }

    fn submission(&self, body: &Value, frames: FrameSet) -> Submission {
        let settings = &body["settings"];
        let text = |key: &str| settings[key].as_str().unwrap_or_default().to_owned();
        let work = RenderWork {
            blendfile: text("blendfile"),
            scene: settings["scene"].as_str().map(Into::into),
            frames,
            chunk_size: settings["chunk_size"].as_u64().unwrap_or(0) as u32,
            render_output_path: text("render_output_path"),
            format: text("format"),
            image_file_extension: text("image_file_extension"),
            options: RenderOptions::default(),
        };
        Submission {
            name: body["name"].as_str().unwrap_or_default().to_owned(),
            priority: body["priority"].as_u64().unwrap_or(50) as u8,
            metadata: serde_json::from_value(body["metadata"].clone()).unwrap_or_default(),
            tag: None,
            paused: self.release.can_pause() && body["initial_status"] == "paused",
            work: Work::SimpleBlenderRender(work),
        }
    }
}

fn compiled(work: &Work) -> Result<Compiled, CompileError> {
    compile::check(work)?;
    let Work::SimpleBlenderRender(render) = work;
    let task = |Outline { name, task_type, frames }: Outline| {
        let part = Work::SimpleBlenderRender(RenderWork { frames: frames.clone(), ..render.clone() });
        CompiledTask { name, task_type, frames, commands: compile::commands(&part) }
    };
    let tasks = compile::outlines(work).map(task).collect();
    Ok(Compiled { job_type: compile::job_type(work).to_owned(), tasks })
}

/// Up to 3.2 only the first dash became Blender's two dots.
fn as_up_to_3_2(task: &mut CompiledTask) {
    let chunk = task.name.trim_start_matches("render-").replacen('-', "..", 1);
    let arguments = task.commands[0].parameters.get_mut("args").and_then(Value::as_array_mut).unwrap();
    *arguments.last_mut().unwrap() = json!(chunk);
}
