//! Cancelling and listing many jobs: farm's client and the whole command against `curl` and a plain client, on a server that
//! answers at once or after a while and does nothing else.

use crate::manager::plain_client::{Connection, post_paths};
use crate::rounds::{Entry, measure, table};
use crate::support::Farm;
use crate::{Sizes, timed, timed_farm};
use farm::base::ids::JobId;
use farm::base::status::JobStatus;
use farm::manager::{Flamenco, Manager, Order};
use farm::sys::http::Access;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// How long the slow server takes for an order.
const SLOW: Duration = Duration::from_millis(5);

/// Orders to a server without and with latency, then lists.
pub(crate) fn run(sizes: Sizes) {
    let jobs = sizes.listed.min(10_000);
    for (latency, goal) in [(Duration::ZERO, "at most 0.6 x curl"), (SLOW, "at most 1.1 x curl")] {
        kill(sizes, jobs, latency, goal);
    }
    for count in [jobs, 5 * jobs] {
        list(sizes, count);
    }
}

fn kill(sizes: Sizes, jobs: usize, latency: Duration, goal: &str) {
    let farm = Farm::new();
    let url = serve(list_of(jobs), latency);
    let ids: Vec<JobId> = (0..jobs).map(|n| JobId(id(n))).collect();
    let config = curl_config(&url, &ids);
    std::fs::write(farm.room.path("curl.cfg"), config).expect("a file");
    let manager = Flamenco::new(&url, &Access::default()).expect("a client");
    let orders: Vec<(JobId, Order)> =
        ids.iter().map(|id| (id.clone(), Order::Status(JobStatus::CancelRequested))).collect();
    let paths: Vec<String> = ids.iter().map(|id| format!("jobs/{id}/setstatus")).collect();
    let (url, paths) = (&url, &paths);
    let plain = |connections| move || post_paths(url, paths, connections);
    let curl = || {
        let mut curl = Command::new("curl");
        curl.args(["-s", "-Z", "--parallel-max", "64", "-K", "curl.cfg"]);
        timed(&farm.room, curl);
    };
    let open = jobs - jobs.div_ceil(20);
    let whole = format!("--manager {url} kill jobs is:open --yes --include-foreign {open} --quiet");
    let entries = [
        Entry::new("curl -Z 64", || {}, curl),
        Entry::new("plain, 1 connection", || {}, plain(1)),
        Entry::new("plain, 64 connections", || {}, plain(64)),
        Entry::new("farm's client", || {}, || give(&manager, &orders)),
        Entry::new("farm kill, with two lists", || {}, || timed_farm(&farm, &whole)),
    ];
    // One connection with latency takes a minute.
    let times = measure(&entries, if latency.is_zero() { sizes.rounds } else { 1 });
    let title = format!("{jobs} jobs cancelled, {} ms an order", latency.as_millis());
    print!("{}", table(&title, &times, &times[0], goal));
}

fn list(sizes: Sizes, jobs: usize) {
    let farm = Farm::new();
    let list = list_of(jobs);
    let bytes = list.len();
    let url = serve(list, Duration::ZERO);
    let command = format!("--manager {url} jobs status:failed --json");
    let entries = [
        Entry::new(
            "curl, read to its end",
            || {},
            || {
                let mut curl = Command::new("curl");
                curl.args(["-s", "-o", "/dev/null", &format!("{url}/api/v3/jobs")]);
                timed(&farm.room, curl);
            },
        ),
        Entry::new("plain, read to its end", || {}, || drop(Connection::new(&url).ask("GET", "jobs", ""))),
        Entry::new("farm jobs status:failed", || {}, || timed_farm(&farm, &command)),
    ];
    let times = measure(&entries, sizes.rounds);
    let title = format!("{jobs} jobs listed, {} MB", bytes >> 20);
    print!("{}", table(&title, &times, &times[0], "farm at most 3 x the download"));
}

fn give(manager: &dyn Manager, orders: &[(JobId, Order)]) {
    let mut done = 0;
    manager.order_all(orders, "x", &mut |_, outcome| {
        outcome.expect("it is taken");
        done += 1;
        ControlFlow::Continue(())
    });
    assert_eq!(done, orders.len());
}

fn curl_config(url: &str, ids: &[JobId]) -> String {
    let one = |id: &JobId| {
        format!(
            "url = \"{url}/api/v3/jobs/{id}/setstatus\"\nrequest = POST\ndata = \"{{}}\"\noutput = /dev/null\nsilent\n"
        )
    };
    ids.iter().map(one).collect::<Vec<_>>().join("next\n")
}

fn id(n: usize) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

/// As large as real ones: nine hundred bytes each, every twentieth failed.
fn list_of(jobs: usize) -> Vec<u8> {
    let mut text = "{\"jobs\":[".to_owned();
    for n in 0..jobs {
        let status = if n % 20 == 0 { "failed" } else { "queued" };
        let comma = if n == 0 { "" } else { "," };
        let _infallible = write!(
            text,
            "{comma}{{\"activity\":\"\",\"created\":\"2026-11-22T10:00:00.123456Z\",\"id\":\"{}\",\"metadata\":{{\"project\":\
             \"film\",\"user.email\":\"ann@studio\",\"user.name\":\"ann\"}},\"name\":\"job{n}\",\"priority\":50,\"settings\":\
             {{\"add_path_components\":0,\"blendfile\":\"/mnt/farm/jobs/job{n}/scene.flamenco.blend\",\"chunk_size\":1,\
             \"format\":\"PNG\",\"fps\":24,\"frames\":\"1-250\",\"has_previews\":false,\"image_file_extension\":\".png\",\
             \"images_or_video\":\"images\",\"render_output_path\":\"/mnt/farm/render/job{n}/{}/######\",\"scene\":\"\",\
             \"use_timestamp\":false}},\"status\":\"{status}\",\"steps_completed\":0,\"steps_total\":250,\
             \"submitter_platform\":\"linux\",\"type\":\"simple-blender-render\",\"updated\":\"2026-11-22T10:00:00.123456Z\"}}",
            id(n),
            "x".repeat(200)
        );
    }
    (text + "]}").into_bytes()
}

/// A server that answers: the list to whoever asks for it, nothing to any order. It lives as long as the program.
fn serve(list: Vec<u8>, latency: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let list = Arc::new(list);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let list = Arc::clone(&list);
            std::thread::spawn(move || answer(&stream, &list, latency));
        }
    });
    url
}

fn answer(stream: &TcpStream, list: &[u8], latency: Duration) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    let mut line = String::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let is_list = line.starts_with("GET /api/v3/jobs ");
        let mut length = 0;
        loop {
            line.clear();
            reader.read_line(&mut line).ok()?;
            if line.trim_end().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok()?;
            }
        }
        reader.by_ref().take(length).read_to_end(&mut Vec::new()).ok()?;
        if is_list {
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", list.len());
            writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(list)).ok()?;
        } else {
            std::thread::sleep(latency);
            writer.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").ok()?;
        }
    }
}
