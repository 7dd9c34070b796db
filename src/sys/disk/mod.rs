//! Files and folders, on descriptors that are opened beneath one root.
//!
//! A [`Dir`] is opened once and carried; below it names are resolved by `openat2` with "beneath, no symbolic link, no
//! other device", so that nothing that lies on the volume can lead farm out of it, however often it is swapped while
//! farm runs. Only the sequences of this module change a volume:
//!
//! * write: temporary name, write, fsync, rename, fsync the folder ([`PartFile`], [`Dir::write`], [`Dir::create`]);
//! * copy in: digest, copy, source unchanged?, then as above ([`Dir::copy_in`]);
//! * move: rename that never replaces; link and unlink where the file system cannot; copy, verify and erase between
//!   devices ([`move_new`]);
//! * erase: [`erase`] alone, and only what is in the trash, farm's own temporary, or the source of a verified copy.
//!
//! Nothing here starts a thread.

mod call;
mod copy;
mod dir;
mod entry;
pub mod erase;
mod error;
mod list;
mod lock_file;
mod move_file;
mod part;
mod read;
mod record;
mod root;
pub mod space;
mod trial;
mod write;

pub use copy::copy_new;
pub use dir::Dir;
pub use entry::{Attributes, Entry, Kind};
pub use error::DiskError;
pub use list::Measure;
pub use lock_file::LockFile;
pub use move_file::{Moved, finish_move, move_known, move_new, rename_new};
pub use part::{PartFile, Target, Written};
pub use read::OpenFile;
pub use record::RecordFile;
pub use root::{home_folders, make_root};
