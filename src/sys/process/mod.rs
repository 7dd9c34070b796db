//! Processes: who is alive, renderers that cannot outlive their worker, and the killing of those that did.
//!
//! A renderer is started by [`renderer::run`] through farm itself ([`guard`]): the guard asks the kernel to be killed
//! with the thread that started it, waits until its identity is recorded, and becomes the renderer. What a renderer
//! starts in turn (a wrapper script's Blender) bears the renderer's mark in its environment, so that
//! [`stray::kill`] finds it even after its worker was killed.

pub mod environment;
pub mod guard;
pub mod identity;
pub mod probe;
pub mod proc_table;
pub mod renderer;
pub mod scratch;
pub mod stray;
pub mod tag;

pub use guard::{GUARD_ARGUMENT, Guard, exec_guarded};
pub use identity::{HostId, ProcessId, cores};
