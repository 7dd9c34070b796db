//! Configuration in layers, each value with its origin: flags, environment, volume, user, built-in defaults.

pub mod keys;
pub mod layers;
pub mod misspelt;

pub use keys::{KEYS, Key};
pub use layers::{Config, ConfigError, Origin, Value};
pub use misspelt::misspelt;
