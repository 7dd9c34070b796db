//! `.farm/volume.yaml`: what makes a folder a volume, and which one.

use crate::base::ids::VolumeId;
use crate::base::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The schema this farm writes and reads.
pub(super) const SCHEMA: &str = "farm.volume/1";
/// What every version's schema begins with.
const FAMILY: &str = "farm.volume/";
/// The largest marker that is read, in bytes.
pub(super) const MAX_SIZE: u64 = 64 << 10;

/// What a volume is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Work.
    Production,
    /// Trials: there `FARM_NOW` may set the decision clock.
    Testing,
}

/// What the marker says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    schema: String,
    /// The volume's identity, given once.
    pub id: VolumeId,
    /// The volume's name: what is typed to confirm that it is meant.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    testing: bool,
    /// The version of the farm that made it.
    pub farm: String,
}

/// Why a marker cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MarkerFault {
    /// A newer farm made it. Holds its schema.
    Newer(String),
    /// It is no marker.
    Damaged(String),
}

#[derive(Deserialize)]
struct Header {
    schema: String,
}

impl Marker {
    /// A new marker with an identity of its own.
    pub(super) fn new(name: &str, purpose: Purpose, created: Timestamp) -> Marker {
        Marker {
            schema: SCHEMA.to_owned(),
            id: VolumeId::random(),
            name: name.to_owned(),
            created,
            testing: purpose == Purpose::Testing,
            farm: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// What the volume is for.
    pub fn purpose(&self) -> Purpose {
        if self.testing { Purpose::Testing } else { Purpose::Production }
    }

    pub(super) fn to_yaml(&self) -> String {
        serde_yaml::to_string(self).expect("plain fields are YAML")
    }

    /// The version is looked at before the rest, which a newer farm may have changed.
    pub(super) fn parse(bytes: &[u8]) -> Result<Marker, MarkerFault> {
        let damaged = |error: serde_yaml::Error| MarkerFault::Damaged(error.to_string());
        let header: Header = serde_yaml::from_slice(bytes).map_err(damaged)?;
        if header.schema == SCHEMA {
            return serde_yaml::from_slice(bytes).map_err(damaged);
        }
        let version = header.schema.strip_prefix(FAMILY).and_then(|version| version.parse::<u32>().ok());
        Err(match version {
            Some(2..) => MarkerFault::Newer(header.schema),
            _ => MarkerFault::Damaged(format!("its schema is not {SCHEMA}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_prints_and_parses() {
        let marker = Marker::new("big disk", Purpose::Testing, Timestamp::from_unix(0));
        let text = marker.to_yaml();
        assert!(text.starts_with("schema: farm.volume/1\n"), "{text}");
        assert_eq!(Marker::parse(text.as_bytes()), Ok(marker));
    }

    #[test]
    fn versions_are_told_apart_from_damage() {
        assert_eq!(Marker::parse(b"schema: farm.volume/2\nid: 7\n"), Err(MarkerFault::Newer("farm.volume/2".into())));
        for bad in ["", "schema: farm.volume/0", "schema: farm.plan/1", "schema: farm.volume/1", "[", "\0", "schema: 3"]
        {
            assert!(matches!(Marker::parse(bad.as_bytes()), Err(MarkerFault::Damaged(_))), "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            proptest::prop_assert!(Marker::parse(&bytes).is_err());
        }
    }
}
