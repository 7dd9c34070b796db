//! What the project promises about itself, held by tests. Each rule is also shown to bite.

#[path = "architecture/doors.rs"]
mod doors;
#[path = "architecture/floors.rs"]
mod floors;
#[path = "architecture/project.rs"]
mod project;
#[path = "architecture/shape.rs"]
mod shape;
#[path = "architecture/source.rs"]
mod source;
