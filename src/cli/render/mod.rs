//! Reports as people read them: one file per report, each a pure function from report to text.

pub mod ask;
pub mod doctor;
pub mod harvest;
pub mod inspect;
pub mod jobs;
pub mod plan;
pub mod progress;
pub mod recover;
pub mod retry;
pub mod revise;
pub mod status;
pub mod steer;
pub mod table;
pub mod undo;
pub mod why;
