//! What a Manager says of itself.

use super::or_default;
use serde::Deserialize;
use std::collections::BTreeMap;

/// `FlamencoVersion`; 3.2 has no `git`.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct Version {
    pub(in crate::manager) version: String,
    pub(in crate::manager) name: String,
}

/// `ManagerConfiguration`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::manager) struct Configuration {
    /// With Shaman its checkouts' folder, `jobs/` beneath the shared storage.
    pub(in crate::manager) storage_location: String,
    pub(in crate::manager) shaman_enabled: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::manager) is_first_run: bool,
}

/// `ManagerConfigurationFile`, as far as farm reads it. Until 3.5 the keys are those of the program.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct ConfigurationFile {
    #[serde(default, alias = "SharedStoragePath", deserialize_with = "or_default")]
    shared_storage_path: String,
}

impl ConfigurationFile {
    /// The shared storage as it was configured.
    pub(in crate::manager) fn shared_storage(self) -> Option<String> {
        Some(self.shared_storage_path).filter(|path| !path.is_empty())
    }
}

/// `ManagerVariable`, by its name.
pub(in crate::manager) type Variables = BTreeMap<String, Variable>;

/// `ManagerVariable`.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct Variable {
    pub(in crate::manager) value: String,
}

/// `PathCheckResult`.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct PathCheck {
    pub(in crate::manager) is_usable: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::manager) cause: String,
}

/// `AvailableJobType`.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::manager) struct JobType {
    pub(in crate::manager) etag: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::manager) label: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::manager) settings: Vec<Setting>,
}

/// `AvailableJobSetting`.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::manager) struct Setting {
    pub(in crate::manager) key: String,
}

impl JobType {
    /// Whether it has a setting of this name.
    pub(in crate::manager) fn has(&self, key: &str) -> bool {
        self.settings.iter().any(|setting| setting.key == key)
    }
}

/// The parts of the served OpenAPI file that say what this Manager can.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct Spec {
    components: Components,
}

#[derive(Debug, Deserialize)]
struct Components {
    schemas: BTreeMap<String, Schema>,
}

#[derive(Debug, Deserialize)]
struct Schema {
    #[serde(default, deserialize_with = "or_default")]
    properties: BTreeMap<String, serde::de::IgnoredAny>,
    #[serde(default, deserialize_with = "or_default")]
    r#enum: Vec<serde_json::Value>,
}

impl Spec {
    /// Whether `SubmittedJob` has this property.
    pub(in crate::manager) fn takes(&self, property: &str) -> bool {
        self.components.schemas.get("SubmittedJob").is_some_and(|schema| schema.properties.contains_key(property))
    }

    /// Whether a job may have this status.
    pub(in crate::manager) fn knows_status(&self, word: &str) -> bool {
        self.components.schemas.get("JobStatus").is_some_and(|schema| schema.r#enum.iter().any(|known| known == word))
    }
}
