//! `farm`: a command line for Blender's Flamenco render farm.
//!
//! Floors, each may use what lies below it and never what lies above (`tests/architecture.rs` holds this):
//!
//! ```text
//! cli                                          arguments, terminal, configuration, exit codes
//! ops                                          one file per use case: request in, report out
//! volume  manager  query  blend  frames        the share · the queue · questions · scenes · rendered frames
//! sys                                          disk, processes, clock, network: the only doors to the world
//! base                                         words of the trade as types; no I/O
//! ```

pub mod base;
pub mod blend;
pub mod cli;
pub mod frames;
pub mod manager;
pub mod ops;
pub mod query;
pub mod sys;
pub mod volume;
