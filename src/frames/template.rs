//! Names of harvested files, from a template such as `{job}.{frame:04}.{ext}`.
//!
//! Views and File Output passes never share a name with the frame. Where the template has no `{view}`, the view's suffix goes
//! before the extension (`A.0001_L.png`); where it has no `{pass}`, node and slot go before the frame number
//! (`A.Node.Slot.0001.png`), or before the extension if there is none. A field that is empty takes the separator before it along:
//! `{job}_{view}.{ext}` gives `A_L.png` and `A.png`.

use super::expected::{Role, padded};
use crate::base::error::{Class, Explain};
use crate::base::rel_path::RelPath;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

mod clash;
pub use clash::{Clash, clashes};

/// The template for jobs with several frames.
pub const SEQUENCE: &str = "{job}.{frame:04}.{ext}";
/// The template for jobs with one frame.
pub const STILL: &str = "{job}.{ext}";

const FIELDS: &str = "{release} {job} {frame} {frame:04} {ext} {scene} {layer} {view} {pass}";
/// The longest part of a path on every file system in use, in bytes.
const MAX_PART: usize = 255;
const MAX_DIGITS: usize = 20;
/// What may stand between fields and goes with an empty one.
const SEPARATORS: [char; 3] = ['.', '_', '-'];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Text(String),
    Release,
    Job,
    /// At least so many digits.
    Frame(usize),
    Ext,
    Scene,
    Layer,
    View,
    Pass,
    /// Where the view's suffix goes if the template does not say.
    ViewHere,
    /// Where node and slot go if the template does not say.
    PassHere,
}

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    text: String,
    segments: Vec<Segment>,
}

/// Why a template, or the name it gives, cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The text is no template.
    #[error("name template {text:?}, column {column}: {cause}")]
    Syntax {
        /// The template.
        text: String,
        /// Where it is wrong, in characters, from one.
        column: usize,
        /// What is wrong.
        cause: String,
    },
    /// The template asks for what a job does not have.
    #[error("name template {text:?} asks for {{{field}}}, which job {job} does not have")]
    Absent {
        /// The template.
        text: String,
        /// The field without braces.
        field: &'static str,
        /// The job.
        job: String,
    },
    /// The name is not safe as a file's.
    #[error("name template {text:?} gives the name {name:?} for job {job}: {cause}")]
    Name {
        /// The template.
        text: String,
        /// The name.
        name: String,
        /// The job.
        job: String,
        /// What is wrong with it.
        cause: &'static str,
    },
}

impl Explain for TemplateError {
    fn class(&self) -> Class {
        Class::Usage
    }
    fn hint(&self) -> Option<String> {
        Some(format!("Fields are {FIELDS}; what stands between them is kept as it is."))
    }
}

/// What a name is made of.
#[derive(Debug, Clone, Copy)]
pub struct Naming<'a> {
    /// The release; `quick` for independent jobs.
    pub release: &'a str,
    /// The job's own name.
    pub job: &'a str,
    /// The frame.
    pub frame: i32,
    /// The extension of the file, without the dot.
    pub ext: &'a str,
    /// The scene within the file, if known.
    pub scene: Option<&'a str>,
    /// The view layer, if there is one to name.
    pub layer: Option<&'a str>,
    /// What the file is.
    pub role: &'a Role,
}

impl Template {
    /// The default: [`STILL`] for a job with one frame, else [`SEQUENCE`].
    pub fn default_for(frames: usize) -> Self {
        let (text, segments) = if frames == 1 {
            (STILL, vec![Segment::Job, Segment::PassHere, Segment::ViewHere, Segment::Text(".".into()), Segment::Ext])
        } else {
            let dot = || Segment::Text(".".into());
            let frame = Segment::Frame(4);
            (SEQUENCE, vec![Segment::Job, Segment::PassHere, dot(), frame, Segment::ViewHere, dot(), Segment::Ext])
        };
        Template { text: text.into(), segments }
    }

    /// The name of one file, a path beneath `dist/<release>/`.
    ///
    /// # Errors
    /// If the template asks for something unknown of the job, or the name is not safe on every platform.
    pub fn render(&self, naming: &Naming<'_>) -> Result<RelPath, TemplateError> {
        let mut name = String::new();
        for segment in &self.segments {
            self.render_segment(segment, naming, &mut name)?;
        }
        let refuse = |cause| TemplateError::Name {
            text: self.text.clone(),
            name: name.chars().take(MAX_PART).collect(),
            job: naming.job.to_owned(),
            cause,
        };
        name.split('/').try_for_each(check_part).map_err(refuse)?;
        RelPath::new(&name).map_err(|_| refuse("it is no relative path"))
    }

    fn render_segment(&self, segment: &Segment, naming: &Naming<'_>, name: &mut String) -> Result<(), TemplateError> {
        let absent = |field| TemplateError::Absent { text: self.text.clone(), field, job: naming.job.to_owned() };
        let view = naming.role.view();
        match segment {
            Segment::Text(text) => name.push_str(text),
            Segment::Release => name.push_str(naming.release),
            Segment::Job => name.push_str(naming.job),
            Segment::Frame(digits) => name.push_str(&padded(naming.frame, *digits)),
            Segment::Ext => name.push_str(naming.ext),
            Segment::Scene => name.push_str(&plain(naming.scene.ok_or_else(|| absent("scene"))?)),
            Segment::Layer => name.push_str(&plain(naming.layer.ok_or_else(|| absent("layer"))?)),
            Segment::View => {
                push_field(name, &view.map(|v| plain(v.trim_start_matches(SEPARATORS))).unwrap_or_default())
            }
            Segment::Pass => push_field(name, &pass_name(naming.role).unwrap_or_default()),
            Segment::ViewHere => name.push_str(&plain(view.unwrap_or_default())),
            Segment::PassHere => match pass_name(naming.role) {
                Some(pass) if name.is_empty() || name.ends_with('/') => name.push_str(&format!("{pass}.")),
                Some(pass) => name.push_str(&format!(".{pass}")),
                None => {}
            },
        }
        Ok(())
    }
}

/// Adds a field; an empty one takes the separator before it along.
fn push_field(name: &mut String, field: &str) {
    if field.is_empty() && name.ends_with(SEPARATORS) {
        name.pop();
    }
    name.push_str(field);
}

/// `node.slot`, without the `#` that stands for the frame in a slot's name.
fn pass_name(role: &Role) -> Option<String> {
    match role {
        Role::Pass { node, slot, .. } => Some(format!("{}.{}", plain(node), plain(&slot.replace('#', "")))),
        Role::Frame | Role::View { .. } => None,
    }
}

/// Foreign text as part of a file's name: letters and digits of any script, `.`, `_` and `-`; `_` for the rest.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() || SEPARATORS.contains(&c) { c } else { '_' }).collect()
}

fn check_part(part: &str) -> Result<(), &'static str> {
    if part.is_empty() {
        Err("a part of the path is empty")
    } else if part == "." || part == ".." {
        Err("a part of the path is '.' or '..'")
    } else if part.len() > MAX_PART {
        Err("a part of the path is longer than 255 bytes")
    } else if part.chars().any(|c| c.is_control() || "<>:\"\\|?*".contains(c)) {
        Err("it has characters that some platforms do not allow in names")
    } else if part.ends_with(['.', ' ']) {
        Err("a part of the path ends with a dot or a space, which Windows drops")
    } else {
        Ok(())
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let fail = |at: usize, cause: String| TemplateError::Syntax {
            text: text.chars().take(200).collect(),
            column: text[..at].chars().count() + 1,
            cause,
        };
        let mut segments = Vec::new();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let end = rest.find(['{', '}']).unwrap_or(rest.len());
            if end > 0 {
                segments.push(Segment::Text(rest[..end].to_owned()));
                at += end;
                continue;
            }
            let Some(close) = rest.find('}').filter(|_| rest.starts_with('{')) else {
                return Err(fail(at, "a brace without its other half".into()));
            };
            segments.push(field(&rest[1..close]).map_err(|cause| fail(at, cause))?);
            at += close + 1;
        }
        // What is wrong in every name is said at once, not at the first file.
        let stand_in = |segment: &Segment| if let Segment::Text(text) = segment { text.clone() } else { "x".into() };
        let sample: String = segments.iter().map(stand_in).collect();
        sample.split('/').try_for_each(check_part).map_err(|cause| fail(0, cause.into()))?;
        Ok(Template { text: text.to_owned(), segments: complete(segments) })
    }
}

fn field(name: &str) -> Result<Segment, String> {
    match name {
        "release" => Ok(Segment::Release),
        "job" => Ok(Segment::Job),
        "frame" => Ok(Segment::Frame(1)),
        "ext" => Ok(Segment::Ext),
        "scene" => Ok(Segment::Scene),
        "layer" => Ok(Segment::Layer),
        "view" => Ok(Segment::View),
        "pass" => Ok(Segment::Pass),
        _ => {
            let digits = name.strip_prefix("frame:0").and_then(|digits| digits.parse().ok());
            match digits {
                Some(digits @ 1..=MAX_DIGITS) => Ok(Segment::Frame(digits)),
                _ => Err(format!("{{{name}}} is none of the fields {FIELDS}")),
            }
        }
    }
}

/// Adds the places for views and passes where the template has none.
fn complete(mut segments: Vec<Segment>) -> Vec<Segment> {
    if !segments.contains(&Segment::View) {
        let ext = segments.iter().rposition(|segment| *segment == Segment::Ext);
        insert_before_separator(&mut segments, ext, Segment::ViewHere);
    }
    if !segments.contains(&Segment::Pass) {
        let frame = segments.iter().rposition(|segment| matches!(segment, Segment::Frame(_)));
        match (frame, segments.iter().position(|segment| *segment == Segment::ViewHere)) {
            (Some(_), _) => insert_before_separator(&mut segments, frame, Segment::PassHere),
            (None, Some(view)) => segments.insert(view, Segment::PassHere),
            (None, None) => {
                let ext = segments.iter().rposition(|segment| *segment == Segment::Ext);
                insert_before_separator(&mut segments, ext, Segment::PassHere);
            }
        }
    }
    segments
}

/// Puts `new` before the segment at `at` and the separator before that; at the end if there is none.
fn insert_before_separator(segments: &mut Vec<Segment>, at: Option<usize>, new: Segment) {
    let Some(at) = at else { return segments.push(new) };
    let separator = match at.checked_sub(1).and_then(|before| segments.get_mut(before)) {
        Some(Segment::Text(text)) if text.ends_with(SEPARATORS) => text.pop(),
        _ => None,
    };
    segments.insert(at, new);
    if let Some(separator) = separator {
        segments.insert(at + 1, Segment::Text(separator.to_string()));
    }
    segments.retain(|segment| *segment != Segment::Text(String::new()));
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}
impl TryFrom<String> for Template {
    type Error = TemplateError;
    fn try_from(text: String) -> Result<Self, TemplateError> {
        text.parse()
    }
}
impl From<Template> for String {
    fn from(template: Template) -> String {
        template.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn view(suffix: &str) -> Role {
        Role::View { view: suffix.into() }
    }

    fn pass(view: Option<&str>) -> Role {
        Role::Pass { node: "File Output".into(), slot: "x/dep_##".into(), view: view.map(Into::into) }
    }

    fn name(template: &str, frame: i32, role: &Role) -> String {
        let naming = Naming { release: "r1", job: "A", frame, ext: "png", scene: Some("Main: 1"), layer: None, role };
        let template: Template = template.parse().expect(template);
        template.render(&naming).expect("a safe name").to_string()
    }

    #[test]
    fn templates_give_names() {
        let frame = &Role::Frame;
        for (template, number, role, expected) in [
            (SEQUENCE, 1, frame, "A.0001.png"),
            (SEQUENCE, -5, frame, "A.-0005.png"),
            (SEQUENCE, 123_456, frame, "A.123456.png"),
            (SEQUENCE, 1, &view("_L"), "A.0001_L.png"),
            (SEQUENCE, 1, &pass(None), "A.File_Output.x_dep_.0001.png"),
            (SEQUENCE, 1, &pass(Some("_R")), "A.File_Output.x_dep_.0001_R.png"),
            (STILL, 7, frame, "A.png"),
            (STILL, 7, &view("_L"), "A_L.png"),
            (STILL, 7, &pass(Some("_R")), "A.File_Output.x_dep__R.png"),
            ("{release}/{scene}/{job}-{frame}.{ext}", 7, frame, "r1/Main__1/A-7.png"),
            ("{job}_{view}.{frame:03}.{ext}", 7, &view("_L"), "A_L.007.png"),
            ("{job}_{view}.{frame:03}.{ext}", 7, frame, "A.007.png"),
            ("{job}/{pass}/{frame:06}.{ext}", 7, &pass(Some("_L")), "A/File_Output.x_dep_/000007_L.png"),
            ("{frame:04}.{ext}", 7, &pass(None), "File_Output.x_dep_.0007.png"),
            ("{job}{frame:04}", 7, &view("_L"), "A0007_L"),
        ] {
            assert_eq!(name(template, number, role), expected, "{template}");
        }
    }

    #[test]
    fn the_defaults_are_what_they_say() {
        for (frames, text) in [(1, STILL), (2, SEQUENCE), (0, SEQUENCE)] {
            assert_eq!(Ok(Template::default_for(frames)), text.parse(), "{text}");
        }
    }

    #[test]
    fn wrong_templates_name_the_column_and_the_fields() {
        for (text, column) in [
            ("{job}.{fram}.{ext}", 7),
            ("ä{job", 2),
            ("a}b", 2),
            ("{job}.{frame:4}", 7),
            ("{frame:099}", 1),
            ("", 1),
            ("/abs/{job}", 1),
            ("../{job}", 1),
            ("a//{job}", 1),
            ("a:{job}", 1),
            ("{job}.", 1),
        ] {
            match text.parse::<Template>() {
                Err(ref error @ TemplateError::Syntax { column: found, .. }) => {
                    assert_eq!(found, column, "{error}");
                    assert!(error.hint().is_some_and(|hint| hint.contains("{frame:04}")));
                }
                other => panic!("{text:?} gave {other:?}"),
            }
        }
    }

    #[test]
    fn unsafe_or_impossible_names_are_refused() {
        let long = "x".repeat(300);
        let naming =
            |job, scene| Naming { release: "r1", job, frame: 1, ext: "png", scene, layer: None, role: &Role::Frame };
        let render = |text: &str, naming: Naming<'_>| text.parse::<Template>().expect(text).render(&naming);
        assert!(matches!(
            render("{layer}.{ext}", naming("A", None)),
            Err(TemplateError::Absent { field: "layer", .. })
        ));
        assert!(matches!(
            render("{scene}.{ext}", naming("A", None)),
            Err(TemplateError::Absent { field: "scene", .. })
        ));
        for (text, job, scene) in
            [("{job}.{ext}", long.as_str(), None), ("{scene}/{job}", "A", Some("..")), ("{job}{scene}", "A", Some("."))]
        {
            assert!(matches!(render(text, naming(job, scene)), Err(TemplateError::Name { .. })), "{text}");
        }
        assert_eq!(
            render("{scene}/a", naming("A", Some("../../etc"))).map(|n| n.to_string()).as_deref(),
            Ok(".._.._etc/a")
        );
    }

    proptest! {
        #[test]
        fn no_template_panics_and_every_name_is_safe(text in "(\\{(job|frame|frame:04|ext|view|pass|scene)\\}|[./_{}a-z-]){0,12}", scene in ".*") {
            let naming = Naming { release: "r", job: "A", frame: 1, ext: "png", scene: Some(&scene), layer: None, role: &pass(Some("_L")) };
            if let Ok(template) = text.parse::<Template>() {
                prop_assert_eq!(Ok(template.clone()), String::from(template.clone()).parse());
                if let Ok(name) = template.render(&naming) {
                    prop_assert!(name.parts().all(|part| part.len() <= 255 && part != ".."));
                }
            }
        }
    }
}
