//! ID properties: the dictionaries in which add-ons, Cycles among them, keep the settings of a scene.
//!
//! Only what was changed from its default is stored. Layout: `DNA_ID.h`; types `IDP_*` there.

use super::heap::Part;

/// How deep groups within groups are followed.
const DEPTH: usize = 8;

/// A stored setting.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Setting {
    /// A whole number, an enum's number or a truth value.
    Int(i64),
    /// A text.
    Text(String),
}

/// The setting at `path` (`cycles`, `samples`) among the properties of a data-block, if it was ever changed.
///
/// Up to 4.5 they hang from `id.properties`, since 5.0 from `id.system_properties`.
pub(super) fn setting(data_block: &Part<'_>, path: &[&str]) -> Option<Setting> {
    ["id.system_properties", "id.properties"]
        .into_iter()
        .find_map(|root| value(&descend(data_block.follow(root)?, path)?))
}

fn descend<'a>(root: Part<'a>, path: &[&str]) -> Option<Part<'a>> {
    let mut here = root;
    for name in path.iter().take(DEPTH) {
        let members = here.list("data.group");
        here = members.into_iter().find(|member| member.record.text("name") == Some(name.as_bytes()))?;
    }
    Some(here)
}

fn value(property: &Part<'_>) -> Option<Setting> {
    const STRING: i64 = 0;
    const INT: i64 = 1;
    const BOOLEAN: i64 = 10;
    match property.record.int("type")? {
        STRING => {
            let text = property.far_text("data.pointer")?.0;
            Some(Setting::Text(String::from_utf8_lossy(text).into_owned()))
        }
        INT => property.record.int("data.val").map(Setting::Int),
        BOOLEAN => property.record.int("data.val").map(|value| Setting::Int(value & 0xFF)),
        _ => None,
    }
}

impl Setting {
    /// The number, where it is one.
    pub(super) fn int(&self) -> Option<i64> {
        match self {
            Setting::Int(value) => Some(*value),
            Setting::Text(_) => None,
        }
    }
}
