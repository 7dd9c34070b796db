//! What a Manager is asked to render, in the same words where a plan asks whether they would be taken and where they are
//! submitted.

use crate::base::frame_set::FrameSet;
use crate::base::name::JobRef;
use crate::base::rel_path::RelPath;
use crate::base::render_options::RenderOptions;
use crate::manager::{RenderWork, Work};
use crate::volume::layout;
use crate::volume::release_file::Output;

/// Frames of a job, and how they are rendered.
pub struct Rendering<'a> {
    /// The job.
    pub reference: &'a JobRef,
    /// The copy of the scene in the store.
    pub store: &'a RelPath,
    /// The scene within the file; `None` is the active one.
    pub scene: Option<&'a str>,
    /// The frames.
    pub frames: FrameSet,
    /// Frames per task.
    pub chunk: u32,
    /// What a frame looks like on disk.
    pub output: &'a Output,
    /// What is asked of the renderer beyond what the scene says.
    pub options: &'a RenderOptions,
}

impl Rendering<'_> {
    /// The request; `storage` is how workers call the volume's root.
    pub fn work(self, storage: &str) -> Work {
        Work::SimpleBlenderRender(RenderWork {
            blendfile: format!("{storage}/{}", self.store),
            scene: self.scene.map(str::to_owned),
            frames: self.frames,
            chunk_size: self.chunk,
            // The Manager's view of the volume, and the number's six digits.
            render_output_path: format!("{storage}/{}/######", layout::out_dir(self.reference)),
            format: self.output.format.clone(),
            image_file_extension: format!(".{}", self.output.extension),
            options: self.options.clone(),
        })
    }
}
