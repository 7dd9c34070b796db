//! What a render may ask for beyond what the scene's file says.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a render may ask for beyond Flamenco's built-in job type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
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

    /// The same, with what `over` says in place of it.
    #[must_use]
    pub fn with(&self, over: &RenderOptions) -> RenderOptions {
        let mut environment = self.environment.clone();
        environment.extend(over.environment.clone());
        RenderOptions {
            blender: over.blender.clone().or_else(|| self.blender.clone()),
            device: over.device.clone().or_else(|| self.device.clone()),
            samples: over.samples.or(self.samples),
            environment,
        }
    }
}

/// Cycles' words for its devices.
const DEVICES: [&str; 6] = ["CPU", "CUDA", "OPTIX", "HIP", "ONEAPI", "METAL"];

/// The Manager's variable for a Blender: `blender-4.2` for `4.2`. An error is what is wrong, and what to write.
pub fn blender_variable(version: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    match !version.is_empty() && version.chars().all(plain) {
        true => Ok(format!("blender-{version}")),
        false => Err(format!("{version:?} is no version of Blender; write it as 4.2")),
    }
}

/// Cycles' word for a device.
pub fn device(word: &str) -> Result<String, String> {
    let upper = word.to_ascii_uppercase();
    match DEVICES.contains(&upper.strip_suffix("+CPU").unwrap_or(&upper)) {
        true => Ok(upper),
        false => Err(format!(
            "{word:?} is no device of Cycles; write one of {}, with +CPU to use the processor too",
            DEVICES.join(", ")
        )),
    }
}

/// A variable of the renderer's environment. Braces would be taken for the Manager's own variables.
pub fn variable(name: &str, value: &str) -> Result<(String, String), String> {
    let is_name = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    // Never the value: it may be a secret, and where there is none it is not what was written.
    match () {
        () if !is_name || value == "\n" => Err(format!("{name:?} is no environment variable; write NAME=VALUE")),
        () if value.contains(['{', '}']) => {
            Err(format!("the value of {name} has a brace, which is for the Manager's own variables; write it without"))
        }
        () if value.contains(['\0', '\n']) => Err(format!("the value of {name} is not on one line; write it on one")),
        () => Ok((name.to_owned(), value.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_checked() {
        assert_eq!(blender_variable("4.2").as_deref(), Ok("blender-4.2"));
        assert_eq!(device("optix+cpu").as_deref(), Ok("OPTIX+CPU"));
        assert_eq!(variable("OCIO", "/a b=c"), Ok(("OCIO".to_owned(), "/a b=c".to_owned())));
        assert!(blender_variable("{x}").is_err() && blender_variable("").is_err());
        assert!(device("GPU").is_err() && device("+CPU").is_err());
        for (value, word) in [("x\ny", "one line"), ("x\0y", "one line"), ("{blender}", "brace"), ("x}", "brace")] {
            let words = variable("A", value).expect_err("no value");
            assert!(words.starts_with("the value of A ") && words.contains(word) && !words.contains(value), "{words}");
        }
        for (name, value) in [("", "x"), ("1A", "x"), ("A B", "x"), ("A", "\n")] {
            let words = variable(name, value).expect_err("no variable");
            assert!(words.starts_with(&format!("{name:?} is no")) && words.contains("NAME=VALUE"), "{words}");
        }
    }
}
