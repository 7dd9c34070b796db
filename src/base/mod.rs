//! The words of the trade as types. No I/O, no clock, no environment.

pub mod consent;
pub mod counted;
pub mod digest;
pub mod error;
pub mod frame_set;
pub mod ids;
pub mod name;
pub mod nearest;
pub mod rel_path;
pub mod render_options;
pub mod secret;
pub mod size;
pub mod status;
pub mod time;
