//! A server for tests: speaks HTTP/1.1 on this machine alone, byte by byte as a test wants it, and remembers what it was
//! asked. `flamenco` stands in for a Manager on it.

mod connection;
mod fault;
pub(crate) mod flamenco;
pub(crate) mod link;
mod message;
pub(crate) mod tls;

pub(crate) use fault::Fault;
pub(crate) use message::{Answer, Heard};

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What answers requests.
pub(crate) trait Site: Send + Sync + 'static {
    /// The answer.
    fn answer(&self, request: &Heard) -> Answer;
}

impl<F: Fn(&Heard) -> Answer + Send + Sync + 'static> Site for F {
    fn answer(&self, request: &Heard) -> Answer {
        self(request)
    }
}

/// A fault that waits for the requests that it strikes.
struct Trap {
    fault: Fault,
    /// A request is struck if its first line, `GET /api/v3/version HTTP/1.1`, has this in it.
    at: String,
    /// So many of them pass before it strikes.
    spared: usize,
    left: usize,
}

/// What the server's threads share.
struct Shared {
    site: Box<dyn Site>,
    traps: Mutex<Vec<Trap>>,
    heard: Mutex<Vec<Heard>>,
    is_over: AtomicBool,
}

impl Shared {
    /// The fault that strikes a request that begins with this text, if one does.
    fn strike(&self, begins: &str, strikes: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut traps = self.traps.lock().unwrap();
        let fits = |trap: &&mut Trap| trap.left > 0 && begins.contains(&trap.at) && strikes(&trap.fault);
        for trap in traps.iter_mut().filter(fits) {
            if trap.spared == 0 {
                trap.left -= 1;
                return Some(trap.fault.clone());
            }
            trap.spared -= 1;
        }
        None
    }
}

/// A server that lives as long as this value.
pub(crate) struct Server {
    shared: Arc<Shared>,
    port: u16,
    door: Option<JoinHandle<()>>,
}

impl Server {
    /// Opens the door on a free port.
    pub(crate) fn new(site: impl Site) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let shared = Arc::new(Shared {
            site: Box::new(site),
            traps: Mutex::default(),
            heard: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let theirs = Arc::clone(&shared);
        let door = std::thread::spawn(move || keep_door(&listener, &theirs));
        Server { shared, port, door: Some(door) }
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Strikes the next `times` requests whose first line, `GET /api/v3/version HTTP/1.1`, has `at` in it.
    pub(crate) fn trap(&self, fault: Fault, at: &str, times: usize) {
        self.set_trap(Trap { fault, at: at.to_owned(), spared: 0, left: times });
    }

    /// The same for all such requests from the `nth` on, the first being 1.
    pub(crate) fn trap_from(&self, nth: usize, fault: Fault, at: &str) {
        self.set_trap(Trap { fault, at: at.to_owned(), spared: nth - 1, left: usize::MAX });
    }

    fn set_trap(&self, trap: Trap) {
        self.shared.traps.lock().unwrap().push(trap);
    }

    /// Takes all traps away.
    pub(crate) fn mend(&self) {
        self.shared.traps.lock().unwrap().clear();
    }

    /// The requests so far, and forgets them.
    pub(crate) fn take_heard(&self) -> Vec<Heard> {
        std::mem::take(&mut self.shared.heard.lock().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // Wakes whoever waits at the door.
        let _knock = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(door) = self.door.take() {
            let _ended = door.join();
        }
    }
}

fn keep_door(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.is_over.load(Ordering::Relaxed) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let theirs = Arc::clone(shared);
        std::thread::spawn(move || connection::serve(&stream, &theirs));
    }
}

/// The URL of a port at which nobody listens.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("bound"))
}
