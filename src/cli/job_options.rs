//! The flags of a job, turned into a request.

use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::render_options::{self, RenderOptions};
use crate::cli::args::job_options::JobOptionsArgs;
use crate::cli::config::{ConfigError, Origin};
use crate::cli::settings::{self, ChunkChoice, Settings};
use crate::ops::plan::from_yaml;
use crate::ops::plan::request::{Asked, Chunk, JobRequest, Missing, Packing, SceneChoice};
use crate::sys::outside;
use std::path::{Path, PathBuf};

/// What these flags ask for, of a file that is not named yet.
pub fn job_request(
    args: &JobOptionsArgs,
    frames: Option<FrameSet>,
    settings: &Settings,
) -> Result<JobRequest, Failure> {
    let choice = match &args.chunk {
        Some(text) => settings::parse_chunk(text).map_err(|cause| wrong_flag("--chunk", text, cause))?,
        None => settings.chunk,
    };
    Ok(JobRequest {
        file: PathBuf::new(),
        name: None,
        frames,
        chunk: match choice {
            ChunkChoice::Auto => Chunk::Auto,
            ChunkChoice::Frames(n) => Chunk::Frames(n),
        },
        priority: args.priority.unwrap_or(settings.priority),
        tag: args.tag.clone(),
        format: args.format.clone(),
        scene: args.scene.as_deref().map_or(SceneChoice::Active, from_yaml::scene),
        missing: if args.allow_missing { Missing::Allow } else { Missing::Refuse },
        packing: if args.pack { Packing::WhereNeeded } else { Packing::Never },
        options: render_options(args)?,
        paused: args.paused,
        asked: Asked { chunk: args.chunk.is_some(), priority: args.priority.is_some() },
        found: false,
    })
}

/// What is asked of the renderer beyond what the scene says.
fn render_options(args: &JobOptionsArgs) -> Result<RenderOptions, Failure> {
    let wrong = |flag: &str, cause: String| Failure::new(Class::Usage, format!("{flag}: {cause}"));
    let blender = args.blender.as_deref().map(render_options::blender_variable).transpose();
    let device = args.device.as_deref().map(render_options::device).transpose();
    let variables = args.env.iter().map(|text| {
        let (name, value) = text.split_once('=').unwrap_or((text, "\n"));
        render_options::variable(name, value)
    });
    Ok(RenderOptions {
        blender: blender.map_err(|cause| wrong("--blender", cause))?,
        device: device.map_err(|cause| wrong("--device", cause))?,
        samples: args.samples,
        environment: variables.collect::<Result<_, _>>().map_err(|cause| wrong("--env", cause))?,
    })
}

fn wrong_flag(flag: &'static str, text: &str, cause: String) -> Failure {
    let origin = Origin::Flag(flag);
    ConfigError::BadValue { key: "plan.chunk", text: text.to_owned(), origin, cause }.into()
}

/// The file's own name in its folder, whose links are resolved. A link to a scene stays one: the job is named after it.
pub fn place(file: &Path) -> Result<PathBuf, String> {
    let absolute = outside::absolute(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let folder = absolute.parent().and_then(|folder| outside::resolve(folder).ok());
    Ok(match (folder, absolute.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => absolute,
    })
}
