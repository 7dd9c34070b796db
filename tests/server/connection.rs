//! One connection: requests in, answers out, and what goes wrong in between.

use super::{Answer, Fault, Heard, Shared};
use std::io::{self, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Between two looks whether the server is over.
const TICK: Duration = Duration::from_millis(10);

/// Serves requests until one side hangs up.
pub(super) fn serve(stream: &TcpStream, shared: &Shared) {
    // Without this an answer of two pieces waits for the other side's word on the first.
    let _faster = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream);
    loop {
        let is_reset = |fault: &Fault| matches!(fault, Fault::Reset);
        if shared.strike(&unread(stream), is_reset).is_some() {
            // Closing a connection with something unread resets it.
            return;
        }
        let Ok(Some(heard)) = Heard::read(&mut reader) else { return };
        shared.heard.lock().unwrap().push(heard.clone());
        let done = match shared.strike(&format!("{} HTTP/1.1", heard.line()), |fault| !is_reset(fault)) {
            None => send(stream, &shared.site.answer(&heard)),
            Some(fault) => strike(stream, shared, &heard, &fault),
        };
        if done.is_err() {
            return;
        }
    }
}

/// The beginning of the next request, which stays unread.
fn unread(stream: &TcpStream) -> String {
    let mut bytes = [0; 200];
    let count = stream.peek(&mut bytes).unwrap_or(0);
    let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
    text.lines().next().unwrap_or_default().to_owned()
}

fn send(mut stream: &TcpStream, answer: &Answer) -> io::Result<()> {
    let mut bytes = answer.head(Some(answer.body.len() as u64)).into_bytes();
    bytes.extend_from_slice(&answer.body);
    stream.write_all(&bytes)
}

/// An error ends the connection.
fn strike(mut stream: &TcpStream, shared: &Shared, heard: &Heard, fault: &Fault) -> io::Result<()> {
    let answer = match fault.carries_out() {
        true => shared.site.answer(heard),
        false => Answer::nothing(),
    };
    let half = &answer.body[..answer.body.len() / 2];
    let head = answer.head(Some(answer.body.len() as u64));
    match fault {
        Fault::Reset | Fault::CutBefore | Fault::CutAfter => Err(hang_up()),
        Fault::CutInHead => stream.write_all(&head.as_bytes()[..head.len() / 2]).and(Err(hang_up())),
        Fault::CutInBody => stream.write_all(&[head.as_bytes(), half].concat()).and(Err(hang_up())),
        Fault::CutAfterAnswer => send(stream, &answer).and(Err(hang_up())),
        Fault::Delay(time) => rest(shared, *time).and_then(|()| send(stream, &answer)),
        Fault::Silent | Fault::SilentBefore => rest(shared, Duration::MAX),
        Fault::Stall => {
            stream.write_all(&[head.as_bytes(), half].concat())?;
            rest(shared, Duration::MAX)
        }
        Fault::Drip => repeat(stream, shared, &answer, " ", TICK),
        Fault::Endless(text) => repeat(stream, shared, &answer, &text.repeat(1000), Duration::ZERO),
        Fault::Huge(length) => pour(stream, *length),
        Fault::Instead(other) | Fault::Refuse(other) => send(stream, other),
        Fault::HalfJson => send(stream, &Answer { body: half.to_vec(), ..answer.clone() }),
        Fault::Replace(old, new) => {
            let text = String::from_utf8_lossy(&answer.body).replace(old, new);
            send(stream, &Answer { body: text.into_bytes(), ..answer.clone() })
        }
        Fault::Garbage => stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").and(Err(hang_up())),
    }
}

fn hang_up() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionAborted)
}

/// Waits, at most until the server is over.
fn rest(shared: &Shared, time: Duration) -> io::Result<()> {
    let mut left = time;
    while !left.is_zero() {
        if shared.is_over.load(Ordering::Relaxed) {
            return Err(hang_up());
        }
        std::thread::sleep(TICK.min(left));
        left = left.saturating_sub(TICK);
    }
    Ok(())
}

/// The beginning of the answer's body, then `text` without end.
fn repeat(mut stream: &TcpStream, shared: &Shared, answer: &Answer, text: &str, pause: Duration) -> io::Result<()> {
    let chunk = |text: &[u8]| [format!("{:x}\r\n", text.len()).as_bytes(), text, b"\r\n"].concat();
    let beginning = &answer.body[..answer.body.len().min(10)];
    // Without a body there is nothing that could go on.
    let status = if answer.status == 204 { 200 } else { answer.status };
    stream.write_all(Answer { status, ..answer.clone() }.head(None).as_bytes())?;
    if !beginning.is_empty() {
        stream.write_all(&chunk(beginning))?;
    }
    loop {
        stream.write_all(&chunk(text.as_bytes()))?;
        rest(shared, pause)?;
        if shared.is_over.load(Ordering::Relaxed) {
            return Err(hang_up());
        }
    }
}

/// A body as long as it says.
fn pour(mut stream: &TcpStream, length: u64) -> io::Result<()> {
    let answer = Answer::text(200, "application/json", "");
    stream.write_all(answer.head(Some(length)).as_bytes())?;
    let piece = vec![b' '; 64 << 10];
    let mut left = length;
    while left > 0 {
        let count = left.min(piece.len() as u64);
        stream.write_all(&piece[..count as usize])?;
        left -= count;
    }
    Ok(())
}
