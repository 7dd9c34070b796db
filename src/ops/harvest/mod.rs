//! `farm harvest release`: checked, renamed frames in `dist/`.
//!
//! [`survey::survey`] reads everything and makes a [`HarvestPlan`]; [`apply::harvest`] takes the lock, finishes what a
//! killed harvest left, surveys, and carries the plan out; [`recover::recover`] does the second of these alone.

pub mod apply;
mod carry;
mod folders;
mod listing;
mod look;
pub mod manifest;
mod names;
pub mod plan;
pub mod recover;
pub mod refusal;
pub mod report;
pub mod request;
mod route;
pub mod selection;
pub mod survey;
mod targets;
pub mod undo;
pub mod unfinished;

pub use carry::Left;
pub use plan::HarvestPlan;
pub use report::{HarvestReport, Outcome};
pub use request::{Gaps, HarvestRequest, JobsTaken, Keeping, Suspects};
pub use unfinished::JOURNAL_KIND;
