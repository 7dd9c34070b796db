//! Plans as files: written for `--plan-out`, read for `--apply`, and never written over anything else.

use crate::base::error::{Class, Failure};
use crate::sys::{files, outside};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// How the schemas of plans begin.
const PLANS: [&str; 5] = ["farm.plan/", "farm.harvest-plan/", "farm.retry/", "farm.replace-plan/", "farm.seed-plan/"];
/// The largest plan file that is read, in bytes.
pub const MAX_PLAN: u64 = 256 << 20;

/// The text of the file at `path`, which must be there.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    let wrong =
        |cause: String| Failure::new(Class::Usage, format!("{}: {cause}", path.display())).with_hint("Check the path.");
    let text = outside::read_text(path, MAX_PLAN)
        .map_err(|error| Failure::new(Class::Usage, error.to_string()).with_hint("Check the path."))?;
    text.ok_or_else(|| wrong("there is no such file".to_owned()))
}

/// The plan of this schema in the file at `path`.
pub fn read<T: DeserializeOwned>(path: &Path, schema: &str) -> Result<T, Failure> {
    let text = read_text(path)?;
    let wrong = |cause: String| {
        Failure::new(Class::Usage, format!("{}: {cause}", path.display()))
            .with_hint("Make the plan with this farm, by the same command with --plan-out FILE.")
    };
    let found = schema_of(&text).ok_or_else(|| wrong("it is not a plan of farm".to_owned()))?;
    if found != schema {
        return Err(wrong(format!("schema {found:?} is not {schema}")));
    }
    serde_json::from_str(&text).map_err(|error| wrong(format!("it is not a plan of farm: {error}")))
}

/// Writes a plan. An existing file is replaced only if it is a plan itself: a slip must not cost a scene.
pub fn write(path: &Path, plan: &impl Serialize) -> Result<(), Failure> {
    let old = outside::read_text(path, MAX_PLAN);
    if !matches!(old, Ok(None)) && !old.is_ok_and(|text| text.as_deref().and_then(schema_of).is_some()) {
        return Err(Failure::new(
            Class::Refused,
            format!("{}: it exists and is not a plan of farm; it was left as it is", path.display()),
        )
        .with_hint("Name a file that is not there yet."));
    }
    let text = serde_json::to_string_pretty(plan).map_err(|error| Failure::new(Class::Failed, error.to_string()))?;
    Ok(files::write(path, text.as_bytes())?)
}

/// The schema of a document that is a plan.
fn schema_of(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Head {
        schema: String,
    }
    let head: Head = serde_json::from_str(text).ok()?;
    let is_plan = PLANS.iter().any(|plan| head.schema.starts_with(plan));
    is_plan.then_some(head.schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plans_are_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plan.json");
        let plan = serde_json::json!({"schema": "farm.plan/1", "n": 1});
        write(&path, &plan).expect("new");
        write(&path, &plan).expect("a plan over a plan");
        assert_eq!(read::<serde_json::Value>(&path, "farm.plan/1").expect("a plan"), plan);
        assert!(read::<serde_json::Value>(&path, "farm.plan/2").is_err());
        for other in ["not a plan", "{\"schema\": \"farm.volume/1\"}", ""] {
            files::write(&path, other.as_bytes()).expect("write");
            let refused = write(&path, &plan).expect_err("something else is there");
            assert_eq!(refused.class(), Class::Refused, "{other:?}");
            assert_eq!(outside::read_text(&path, 99).expect("read").as_deref(), Some(other));
        }
        assert!(write(folder.path(), &plan).is_err());
    }
}
