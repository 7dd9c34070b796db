//! The contact sheet of a job.

use super::{Series, Unmade};
use crate::base::error::Failure;
use crate::frames::decode;
use crate::frames::picture::Picture;
use crate::frames::sheet::{self, SheetStyle, Thumb};
use crate::frames::verdict::Format;
use crate::ops::check::in_parallel::try_in_parallel;
use crate::ops::check::read_files::extension;
use crate::ops::harvest::manifest::ManifestFile;
use crate::ops::ports::Ports;
use crate::sys::disk::Dir;
use std::collections::BTreeMap;

/// More pictures than this tell nothing more about a job, and each has to be decoded.
const MOST: usize = 100;
/// The largest frame that is drawn, in bytes.
const MAX_FRAME: u64 = 1 << 30;

/// Draws the sheet of a job's frames as `name` in `folder`; `clear` makes room for it. Frames that were not harvested are
/// crossed out.
pub(super) fn make(
    ports: &Ports<'_>,
    dist: &Dir,
    folder: &Dir,
    name: &str,
    series: &Series<'_>,
    clear: impl Fn(&str) -> Result<(), Unmade>,
) -> Result<(), Unmade> {
    let format = series.files.first().and_then(|file| Format::of_extension(extension(file.path.as_str())));
    let Some(format) = format else {
        return Err(Unmade::Impossible("no contact sheet: farm cannot show files of this format".to_owned()));
    };
    let harvested: BTreeMap<i32, &ManifestFile> = series.files.iter().map(|file| (file.frame, *file)).collect();
    let frames: Vec<i32> = series.record.current().frames.iter().collect();
    let chosen: Vec<i32> = sheet::pick(frames.len(), MOST).into_iter().map(|at| frames[at]).collect();
    let output = &series.record.current().output;
    let style = SheetStyle::for_series(chosen.len(), output.width.max(1), output.height.max(1));
    let draw = |frame: &i32| {
        let file = harvested.get(frame);
        let picture =
            file.and_then(|file| picture(dist, file, format)).map(|whole| whole.fit(style.cell.0, style.cell.1));
        Ok::<_, Failure>(Thumb { frame: *frame, picture })
    };
    let thumbs = try_in_parallel(ports, &chosen, draw).map_err(|end| Unmade::Impossible(end.message()))?;
    if thumbs.iter().all(|thumb| thumb.picture.is_none()) {
        return Err(Unmade::Impossible("no contact sheet: none of the frames can be shown".to_owned()));
    }
    let bytes =
        sheet::draw(&thumbs, style).ok_or_else(|| Unmade::Failed("the contact sheet could not be drawn".to_owned()))?;
    clear(name)?;
    folder.write(name, &bytes)?;
    Ok(())
}

fn picture(dist: &Dir, file: &ManifestFile, format: Format) -> Option<Picture> {
    let mut open = dist.open_read_at(&file.path).ok()??;
    let bytes = open.read_all(MAX_FRAME).ok()?;
    decode::decode(&bytes, format).ok()
}
