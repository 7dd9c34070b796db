//! What a render may ask for beyond what the scene's file says.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a render may ask for beyond Flamenco's built-in job type.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RenderOptions {
    /// The Manager's variable that names the Blender, without braces: `blender-4.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blender: Option<String>,
    /// Cycles' device: `CPU`, `CUDA`, `OPTIX`, `HIP`, `ONEAPI`, `METAL`, perhaps with `+CPU`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Samples per pixel instead of the scene's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u32>,
    /// Environment variables of the renderer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
}

impl RenderOptions {
    /// Whether nothing is asked for.
    pub fn is_plain(&self) -> bool {
        *self == RenderOptions::default()
    }
}
