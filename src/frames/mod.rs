//! Rendered frames: which files a job must have, which of them are whole, and what they will be called.
//!
//! Nothing here opens a file. Bytes, listings and logs come in, verdicts, names and pictures go out, so that each rule can be
//! tested without a disk and one read loop can feed the [`walk`] and the digest together.
//!
//! * [`expected`] names the files of a job as Blender writes them, [`inventory`] compares them with a listing;
//! * [`walk`] checks the structure of one file in one pass, [`sampling`] picks the files that [`decode`] proves in full,
//!   [`agreement`] finds frames that differ from the rest of their job;
//! * [`template`] gives harvested files their names, [`sheet`] draws the contact sheet;
//! * [`render_log`], [`suspicion`], [`failure_kind`] and [`hopeless`] read what Blender said while it rendered.

pub mod agreement;
pub mod decode;
pub mod expected;
pub mod failure_kind;
pub mod hopeless;
pub mod inventory;
pub mod last_words;
pub mod picture;
pub mod render_log;
pub mod sampling;
pub mod sheet;
pub mod suspicion;
pub mod template;
pub mod verdict;
pub mod walk;

#[cfg(test)]
mod fixtures;
