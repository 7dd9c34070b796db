//! A line to a server that can be made slow: all that passes takes its time, and some writes stand still for a while.

use super::Server;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How slow a line is. Which writes stand still is counted and not drawn, so that each run has as many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// From one end to the other, each way.
    pub(crate) delay: Duration,
    /// Of all writes, whichever way they go, the first that stands still.
    pub(crate) first: usize,
    /// From one that stands still to the next.
    pub(crate) every: usize,
    /// For how long.
    pub(crate) stall: Duration,
}

impl Pace {
    /// How many of so many writes stand still.
    fn stalls(&self, writes: usize) -> usize {
        (writes + self.every).saturating_sub(self.first) / self.every
    }
}

/// What the line's threads share.
#[derive(Default)]
struct Shared {
    /// Once it is slow: how slow, and how many writes there were since.
    slow: Mutex<Option<(Pace, usize)>>,
    is_over: AtomicBool,
}

impl Shared {
    /// How long the next write has to wait from when it came.
    fn wait(&self) -> Duration {
        let mut slow = self.slow.lock().unwrap();
        let Some((pace, writes)) = slow.as_mut() else { return Duration::ZERO };
        let before = pace.stalls(*writes);
        *writes += 1;
        pace.delay + if pace.stalls(*writes) > before { pace.stall } else { Duration::ZERO }
    }
}

/// A line that lives as long as this value.
pub(crate) struct Link {
    shared: Arc<Shared>,
    port: u16,
    door: Option<JoinHandle<()>>,
}

impl Link {
    /// A line to this server, as fast as this machine.
    pub(crate) fn to(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let shared: Arc<Shared> = Arc::default();
        let (theirs, behind) = (Arc::clone(&shared), server.port);
        let door = std::thread::spawn(move || keep_door(&listener, behind, &theirs));
        Link { shared, port, door: Some(door) }
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on.
    pub(crate) fn slow_down(&self, pace: Pace) {
        *self.shared.slow.lock().unwrap() = Some((pace, 0));
    }

    /// As fast as it was.
    pub(crate) fn speed_up(&self) {
        *self.shared.slow.lock().unwrap() = None;
    }

    /// How many writes stood still since it became slow.
    pub(crate) fn stalls(&self) -> usize {
        self.shared.slow.lock().unwrap().map_or(0, |(pace, writes)| pace.stalls(writes))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes whoever waits at the door.
        let _knock = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(door) = self.door.take() {
            let _ended = door.join();
        }
    }
}

fn keep_door(listener: &TcpListener, behind: u16, shared: &Arc<Shared>) {
    for near in listener.incoming() {
        if shared.is_over.load(Ordering::SeqCst) {
            return;
        }
        let (Ok(near), Ok(far)) = (near, TcpStream::connect(("127.0.0.1", behind))) else { continue };
        for (from, to) in [(&near, &far), (&far, &near)] {
            let (from, to) = (from.try_clone().expect("a stream"), to.try_clone().expect("a stream"));
            let _faster = to.set_nodelay(true);
            let (sender, receiver) = channel();
            let theirs = Arc::clone(shared);
            std::thread::spawn(move || take_in(from, &sender));
            std::thread::spawn(move || let_out(to, &receiver, &theirs));
        }
    }
}

/// What came in, and when.
type Piece = (Instant, Vec<u8>);

fn take_in(mut from: TcpStream, pieces: &Sender<Piece>) {
    let mut bytes = [0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if pieces.send((Instant::now(), bytes[..count].to_vec())).is_err() {
            return;
        }
    }
}

fn let_out(mut to: TcpStream, pieces: &Receiver<Piece>, shared: &Shared) {
    for (came, bytes) in pieces {
        std::thread::sleep((came + shared.wait()).saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
    let _gone = to.shutdown(Shutdown::Write);
}
