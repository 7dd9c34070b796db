//! What farm was built for.

/// The operating system, as Rust and Go name it alike: `linux`, `windows`; a Mac's is `macos` here.
pub const SYSTEM: &str = std::env::consts::OS;
/// The kind of processor: `x86_64`, `aarch64`.
pub const PROCESSOR: &str = std::env::consts::ARCH;
