//! How a Manager is set up: what `farm doctor` and `farm setup` look at.

use super::Flamenco;
use crate::manager::compile::farm_type;
use crate::manager::{ManagerError, wire};
use std::collections::BTreeMap;

/// How a Manager is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrangement {
    /// Whether it was set up at all.
    pub is_set_up: bool,
    /// The shared storage as it was configured, before links are followed; `None` where the Manager does not say.
    pub configured_storage: Option<String>,
    /// Whether Shaman stores what the add-on submits.
    pub shaman: bool,
}

/// Whether farm's own job type is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FarmType {
    /// It is not.
    Absent,
    /// Another edition of it, by its label.
    Other(String),
    /// That of this farm.
    Current,
}

impl Flamenco {
    /// How the Manager is set up.
    pub fn arrangement(&self) -> Result<Arrangement, ManagerError> {
        let configuration = self.offer.configuration(&self.api)?;
        let file: wire::meta::ConfigurationFile = self.api.read("configuration/file")?;
        Ok(Arrangement {
            is_set_up: !configuration.is_first_run,
            configured_storage: file.shared_storage(),
            shaman: configuration.shaman_enabled,
        })
    }

    /// What the Manager's variables are for workers on `platform`, as Go names it: `linux`, `windows`, `darwin`.
    pub fn variables(&self, platform: &str) -> Result<BTreeMap<String, String>, ManagerError> {
        let told: wire::meta::Variables = self.api.read(&format!("configuration/variables/workers/{platform}"))?;
        Ok(told.into_iter().map(|(name, variable)| (name, variable.value)).collect())
    }

    /// Whether farm's own job type is served.
    pub fn farm_type(&self) -> Result<FarmType, ManagerError> {
        Ok(match self.offer.job_type(&self.api, farm_type::JOB_TYPE)? {
            None => FarmType::Absent,
            Some(found) if found.label == farm_type::LABEL => FarmType::Current,
            Some(found) => FarmType::Other(found.label.clone()),
        })
    }

    /// Whether Flamenco's own job type is served: a script of the same name may have taken its place.
    pub fn has_built_in_type(&self) -> Result<bool, ManagerError> {
        let found = self.offer.job_type(&self.api, crate::manager::compile::simple_blender_render::JOB_TYPE)?;
        Ok(found.is_some())
    }
}
