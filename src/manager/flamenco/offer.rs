//! What this Manager offers. Each fact is asked for when it is needed, and remembered.

use super::api::Api;
use crate::manager::{ManagerError, wire};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How jobs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    /// `GET /jobs`, since 3.6.
    Get,
    /// `POST /jobs/query`, until 3.5.
    Query,
}

/// What is known so far.
#[derive(Default)]
pub(super) struct Offer {
    pub(super) listing: OnceLock<Listing>,
    spec: OnceLock<wire::meta::Spec>,
    configuration: OnceLock<wire::meta::Configuration>,
    tags: OnceLock<Vec<wire::worker::Tag>>,
    types: Mutex<HashMap<String, Arc<wire::meta::JobType>>>,
}

impl Offer {
    /// Whether a submission may have this property.
    pub(super) fn takes(&self, api: &Api, property: &str) -> Result<bool, ManagerError> {
        Ok(self.spec(api)?.takes(property))
    }

    /// Whether a job may have this status: pauses came with 3.6.
    pub(super) fn knows_status(&self, api: &Api, word: &str) -> Result<bool, ManagerError> {
        Ok(self.spec(api)?.knows_status(word))
    }

    fn spec(&self, api: &Api) -> Result<&wire::meta::Spec, ManagerError> {
        remembered(&self.spec, || api.read("openapi3.json"))
    }

    /// The shared storage's root, as the Manager itself sees it. Asked once: the Manager reads its configuration from
    /// disk anew for each answer.
    pub(super) fn storage(&self, api: &Api) -> Result<String, ManagerError> {
        let configuration = self.configuration(api)?;
        if configuration.is_first_run || configuration.storage_location.is_empty() {
            return Err(ManagerError::Unusable {
                address: api.address().to_owned(),
                message: "it was not set up yet: it has no shared storage".to_owned(),
                next: None,
            });
        }
        let location = configuration.storage_location.trim_end_matches(['/', '\\']);
        // With Shaman the location is that of its checkouts.
        let root = match configuration.shaman_enabled {
            true => location.strip_suffix("/jobs").or(location.strip_suffix("\\jobs")).unwrap_or(location),
            false => location,
        };
        Ok(root.trim_end_matches(['/', '\\']).to_owned())
    }

    /// How the Manager is set up.
    pub(super) fn configuration(&self, api: &Api) -> Result<&wire::meta::Configuration, ManagerError> {
        remembered(&self.configuration, || api.read("configuration"))
    }

    /// The job type of this name; `None` where it is not served.
    pub(super) fn job_type(&self, api: &Api, name: &str) -> Result<Option<Arc<wire::meta::JobType>>, ManagerError> {
        if let Some(known) = self.types().get(name) {
            return Ok(Some(Arc::clone(known)));
        }
        let found: Option<wire::meta::JobType> =
            api.read_if_there(&format!("jobs/type/{name}"), &format!("job type {name}"))?;
        let Some(found) = found.map(Arc::new) else { return Ok(None) };
        self.types().insert(name.to_owned(), Arc::clone(&found));
        Ok(Some(found))
    }

    /// Forgets a job type that the Manager says is another by now.
    pub(super) fn forget_type(&self, name: &str) {
        self.types().remove(name);
    }

    /// The id of the tag of this name.
    pub(super) fn tag(&self, api: &Api, name: &str) -> Result<String, ManagerError> {
        let address = || api.address().to_owned();
        let read = || match api.read::<wire::worker::Tags>("worker-mgt/tags") {
            Err(ManagerError::Incapable { .. }) => Err(ManagerError::Incapable {
                address: address(),
                what: "give a job to workers of one tag".to_owned(),
                next: "Leave --tag out, or use Flamenco 3.3 or newer.".to_owned(),
            }),
            outcome => outcome.map(|tags| tags.tags),
        };
        let tags = remembered(&self.tags, read)?;
        if let Some(tag) = tags.iter().find(|tag| tag.name == name) {
            return Ok(tag.id.clone());
        }
        let known = tags.iter().map(|tag| tag.name.clone()).collect();
        Err(ManagerError::NoTag { address: address(), tag: name.to_owned(), known })
    }

    fn types(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<wire::meta::JobType>>> {
        // A panic in between leaves whole values.
        self.types.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is in the cell, or what `ask` says, from then on.
fn remembered<T>(cell: &OnceLock<T>, ask: impl FnOnce() -> Result<T, ManagerError>) -> Result<&T, ManagerError> {
    match cell.get() {
        Some(known) => Ok(known),
        None => {
            let told = ask()?;
            Ok(cell.get_or_init(|| told))
        }
    }
}
