//! One file or folder per use case: a request comes in, a report goes out.

pub mod addresses;
pub mod change;
pub mod check;
pub mod doctor;
pub mod ending;
pub mod follow;
pub mod harvest;
pub mod init;
pub mod inspect;
pub mod locking;
pub mod path;
pub mod plan;
pub mod ports;
pub mod preview;
pub mod quiet;
pub mod recover;
pub mod release;
pub mod renderer;
pub mod setup;
pub mod space;
pub mod status;
pub mod storage;
pub mod submit;
pub mod trash;
pub mod undo;
pub mod work;
