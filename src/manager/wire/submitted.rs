//! A job as `POST /jobs` and `POST /jobs/check` take it.

use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// `SubmittedJob`. What is not wanted is left out: the Manager takes no `null`.
#[derive(Debug, Clone, Serialize)]
pub(in crate::manager) struct SubmittedJob<'a> {
    pub(in crate::manager) name: &'a str,
    #[serde(rename = "type")]
    pub(in crate::manager) job_type: &'a str,
    pub(in crate::manager) type_etag: String,
    pub(in crate::manager) priority: u8,
    pub(in crate::manager) settings: Map<String, Value>,
    pub(in crate::manager) metadata: &'a BTreeMap<String, String>,
    /// Whose two-way variables its paths may begin with.
    pub(in crate::manager) submitter_platform: &'static str,
    /// A tag's id, since 3.3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::manager) worker_tag: Option<String>,
    /// Since 3.6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::manager) initial_status: Option<&'static str>,
}

/// `JobPriorityChange`.
#[derive(Debug, Serialize)]
pub(in crate::manager) struct PriorityChange {
    pub(in crate::manager) priority: u8,
}

/// `JobStatusChange`.
#[derive(Debug, Serialize)]
pub(in crate::manager) struct StatusChange<'a> {
    pub(in crate::manager) status: &'a str,
    pub(in crate::manager) reason: &'a str,
}
