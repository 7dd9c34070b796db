//! Locks: one command at a time per scope, on every host that shares the volume.
//!
//! A lock is a file that at most one process can make. Its owner writes a heartbeat into it every minute from a thread
//! that the [`Lock`] owns, so that no operation, however long, needs to think of it. A lock is dead when its process is
//! gone (on this host), or 30 minutes after its last heartbeat. Each acquisition bears a number one higher than the
//! last of its scope, the fence, which journals repeat. Whoever slept through its own death finds out by
//! [`Lock::check`], before each step that cannot be taken back.

mod acquire;
mod error;
mod holder;
mod standing;

pub use acquire::{LockWait, Waiting};
pub use error::LockError;
pub use holder::{Holder, Requester, Scope};
pub use standing::{Standing, clear, standing};

use super::Volume;
use crate::sys::clock;
use crate::sys::disk::{Dir, LockFile};
use std::ops::ControlFlow;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the owner says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// The right to change what its scope covers. Dropping it gives it back.
#[derive(Debug)]
pub struct Lock {
    scope: Scope,
    folder: Dir,
    shared: Arc<Mutex<Owned>>,
    /// Dropped to end the heartbeat.
    stop: Option<Sender<()>>,
    heart: Option<JoinHandle<()>>,
}

/// The lock's file and what it says: written by the heartbeat, compared by `check`.
#[derive(Debug)]
struct Owned {
    file: LockFile,
    holder: Holder,
}

impl Lock {
    /// Takes the lock of `scope`, waiting as `wait` says; `on_wait` is told who holds it, once per look, and may
    /// give up.
    pub fn acquire(
        volume: &Volume,
        scope: Scope,
        requester: &Requester,
        wait: LockWait,
        on_wait: &mut dyn FnMut(&Waiting) -> ControlFlow<()>,
    ) -> Result<Lock, LockError> {
        let folder = volume.make_dir(&super::layout::lock_dir())?;
        let (file, holder) = acquire::acquire(&folder, &scope, requester, wait, on_wait)?;
        Ok(Lock::with_heartbeat(scope, folder, Owned { file, holder }))
    }

    fn with_heartbeat(scope: Scope, folder: Dir, owned: Owned) -> Lock {
        let shared = Arc::new(Mutex::new(owned));
        let (stop, stopped) = channel::<()>();
        let theirs = Arc::clone(&shared);
        let beat = move || {
            while stopped.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
                lock(&theirs).beat();
            }
        };
        // Without a thread the lock holds for 30 minutes, and on this host for as long as the process lives.
        let heart = std::thread::Builder::new().name("lock heartbeat".to_owned()).spawn(beat).ok();
        Lock { scope, folder, shared, stop: Some(stop), heart }
    }

    /// What it covers.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The number of this acquisition: higher than that of every earlier one of the scope.
    pub fn fence(&self) -> u64 {
        lock(&self.shared).holder.fence
    }

    /// Reads the lock anew and fails if it is no longer ours. To be called before each step that cannot be taken back.
    pub fn check(&self) -> Result<(), LockError> {
        let mut owned = lock(&self.shared);
        if clock::now().since(owned.holder.heartbeat) > HEARTBEAT {
            // This process stood still: say that it lives before anybody finds it dead.
            owned.beat();
        }
        let found = LockFile::read(&self.folder, &self.scope.file_name())?;
        let holder = found.as_deref().and_then(Holder::parse);
        match holder {
            Some(holder) if holder.token == owned.holder.token => Ok(()),
            holder => Err(LockError::Lost { scope: self.scope.clone(), by: holder.map(Box::new) }),
        }
    }
}

impl Owned {
    fn beat(&mut self) {
        let next = Holder { heartbeat: clock::now(), ..self.holder.clone() };
        // A share that is away for a moment is met again by the next beat, or by `check`.
        if self.file.rewrite(&next.content()).is_ok() {
            self.holder = next;
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(heart) = self.heart.take() {
            let _ = heart.join();
        }
        let owned = lock(&self.shared);
        // Known by its token: where a beat failed half-way the heartbeat may be another than was thought.
        let is_ours = |said: &Vec<u8>| Holder::parse(said).is_some_and(|found| found.token == owned.holder.token);
        let said = LockFile::read(&self.folder, &self.scope.file_name()).ok().flatten().filter(is_ours);
        // What cannot be given back is found dead as soon as this process is gone.
        let _ = said.map(|said| owned.file.release(&said));
    }
}

/// A panic in between leaves whole values: both fields are replaced, never half.
fn lock(shared: &Mutex<Owned>) -> MutexGuard<'_, Owned> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::{Class, Explain};
    use crate::volume::fixture::{ann, locked, release, volume};
    use crate::volume::layout;
    use std::io::{BufRead, BufReader};
    use std::path::Path;
    use std::process::{Child, Command, Stdio};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Where the child of a test finds its volume.
    const CHILD_VOLUME: &str = "FARM_TEST_LOCK_VOLUME";

    fn take(volume: &Volume, wait: LockWait) -> Result<Lock, LockError> {
        Lock::acquire(volume, release("r1"), &ann(), wait, &mut |_| ControlFlow::Continue(()))
    }

    /// Not a test of its own: what [`child`] runs in another process. Holds the lock until it is killed.
    #[test]
    fn child_process() {
        let Some(path) = std::env::var_os(CHILD_VOLUME) else { return };
        let volume = Volume::open(Path::new(&path), None).expect("open");
        let lock = take(&volume, LockWait::For(Duration::from_secs(20))).expect("lock");
        println!("\nfence {}", lock.fence());
        std::thread::sleep(Duration::from_secs(60));
    }

    /// Another process that holds the lock, and its fence.
    fn child(volume: &Volume) -> (Child, u64) {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "volume::lock::tests::child_process", "--nocapture"])
            .env(CHILD_VOLUME, volume.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("spawn");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let fence = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("fence ")?.parse().ok());
        (child, fence.expect("the child has the lock"))
    }

    #[test]
    fn a_lock_excludes_and_is_given_back() {
        let (_temp, volume) = volume();
        let lock = take(&volume, LockWait::No).expect("free");
        assert_eq!(lock.fence(), 1);
        lock.check().expect("ours");
        let held = take(&volume, LockWait::No).expect_err("held");
        assert_eq!(held.class(), Class::Locked);
        let words = held.to_string();
        for word in ["release r1", "ann", "farm harvest release r1", &std::process::id().to_string()] {
            assert!(words.contains(word), "{words}");
        }
        Lock::acquire(&volume, Scope::Quick, &ann(), LockWait::No, &mut |_| ControlFlow::Continue(()))
            .expect("another scope");
        drop(lock);
        assert_eq!(take(&volume, LockWait::No).expect("free again").fence(), 2);
        let left = volume.dir(&layout::lock_dir()).expect("open").expect("there").list().expect("list");
        assert!(left.iter().all(|entry| entry.name.to_string_lossy().ends_with(".fence")), "{left:?}");
    }

    #[test]
    fn a_lock_whose_beat_failed_half_way_is_given_back_all_the_same() {
        let (_temp, volume) = volume();
        let lock = locked(&volume);
        let other = Holder { heartbeat: clock::now().plus_seconds(-40), ..super::lock(&lock.shared).holder.clone() };
        let folder = volume.dir(&layout::lock_dir()).expect("open").expect("there");
        folder.write("release-r1.lock", &other.content()).expect("a former heartbeat");
        drop(lock);
        assert!(folder.stat("release-r1.lock").expect("stat").is_none());
    }

    #[test]
    fn waiting_ends_with_the_lock_or_the_patience() {
        let (_temp, volume) = volume();
        let lock = locked(&volume);
        let mut seen = Vec::new();
        let wait = LockWait::For(Duration::from_millis(600));
        let error = Lock::acquire(&volume, release("r1"), &ann(), wait, &mut |waiting| {
            seen.push(waiting.clone());
            ControlFlow::Continue(())
        });
        assert!(matches!(error, Err(LockError::Held { .. })));
        assert!(seen.len() >= 2 && seen.iter().all(|w| w.holder.as_ref().is_some_and(|h| h.user == "ann")));
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| take(&volume, LockWait::Forever).map(|lock| lock.fence()));
            std::thread::sleep(Duration::from_millis(100));
            drop(lock);
            assert_eq!(waiter.join().expect("no panic").expect("lock"), 2);
        });
    }

    #[test]
    fn the_lock_of_a_killed_process_is_taken_and_that_of_a_living_is_not() {
        let (_temp, volume) = volume();
        let (mut child, fence) = child(&volume);
        assert!(matches!(take(&volume, LockWait::No), Err(LockError::Held { .. })));
        child.kill().expect("ours");
        child.wait().expect("ours");
        let lock = take(&volume, LockWait::No).expect("its owner is gone");
        assert_eq!(lock.fence(), fence + 1);
        lock.check().expect("ours");
    }

    /// As a process on another host that stood still for more than half an hour.
    #[test]
    fn who_lost_the_lock_learns_it_before_the_next_step() {
        let (_temp, volume) = volume();
        let lock = locked(&volume);
        {
            let mut owned = super::lock(&lock.shared);
            let mut old = owned.holder.clone();
            old.process.host = "elsewhere".into();
            old.heartbeat = old.heartbeat.plus_seconds(-31 * 60);
            owned.file.rewrite(&old.content()).expect("rewrite");
            owned.holder.heartbeat = clock::now();
        }
        let heir = take(&volume, LockWait::No).expect("dead by silence");
        assert_eq!(heir.fence(), 2);
        assert!(matches!(lock.check(), Err(LockError::Lost { by: Some(_), .. })));
        drop(lock);
        heir.check().expect("the loser's end does not touch it");
    }

    #[test]
    fn what_cannot_be_read_counts_as_held() {
        let (_temp, volume) = volume();
        let folder = volume.make_dir(&layout::lock_dir()).expect("make");
        for content in [&b""[..], b"{", b"null", b"{\"pid\": 1}"] {
            folder.write("release-r1.lock", content).expect("plant");
            let error = take(&volume, LockWait::No).expect_err("held");
            assert!(matches!(error, LockError::Unreadable { .. }));
            assert_eq!(error.class(), Class::Locked);
            assert!(error.to_string().contains("release-r1.lock"));
        }
    }

    #[test]
    fn a_damaged_fence_refuses_and_leaves_no_lock() {
        let (_temp, volume) = volume();
        let folder = volume.make_dir(&layout::lock_dir()).expect("make");
        for content in ["x", "", "18446744073709551615", "-1"] {
            folder.write("release-r1.fence", content.as_bytes()).expect("plant");
            assert!(matches!(take(&volume, LockWait::No), Err(LockError::Fence { .. })), "{content}");
            assert!(folder.stat("release-r1.lock").expect("stat").is_none());
        }
    }

    /// Many threads, each with the lock again and again: never two at once, and the fence counts them all.
    #[test]
    fn of_many_only_one_is_inside() {
        const THREADS: usize = 8;
        const TURNS: usize = 10;
        let (_temp, volume) = volume();
        let inside = AtomicUsize::new(0);
        let highest = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..TURNS {
                        let lock = loop {
                            match take(&volume, LockWait::No) {
                                Ok(lock) => break lock,
                                Err(LockError::Held { .. } | LockError::Unreadable { .. }) => {
                                    std::thread::sleep(Duration::from_millis(1));
                                }
                                Err(error) => panic!("{error}"),
                            }
                        };
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        lock.check().expect("ours");
                        highest.fetch_max(lock.fence() as usize, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(highest.load(Ordering::SeqCst), THREADS * TURNS);
    }

    /// Several processes find the lock of a dead one; they get it one after another.
    #[test]
    fn heirs_of_other_processes_take_turns() {
        let (_temp, volume) = volume();
        let mut last = 0;
        for _ in 0..3 {
            let (mut child, fence) = child(&volume);
            assert!(fence > last);
            last = fence;
            child.kill().expect("ours");
            child.wait().expect("ours");
        }
        assert_eq!(take(&volume, LockWait::No).expect("free").fence(), last + 1);
    }
}
