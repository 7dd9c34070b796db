//! The share: how it is laid out, opened and verified, locked, journaled, and what goes to its trash.

pub mod area;
#[cfg(test)]
mod fixture;
pub mod init;
pub mod journal;
mod jsonl;
pub mod layout;
pub mod lock;
pub mod marker;
mod mounts;
pub mod open;
mod refusal;
pub mod release_file;
pub mod survey;
#[cfg(test)]
mod sweep;
pub mod trash;

pub use open::Volume;
pub use refusal::VolumeError;
