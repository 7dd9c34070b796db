//! The doors to the world: disk, processes, clock and network, and nothing else anywhere in farm.

pub mod clock;
pub mod disk;
pub mod files;
pub mod http;
pub mod interrupt;
pub mod outside;
pub mod platform;
pub mod process;
pub mod scan;
pub mod ssdp;
