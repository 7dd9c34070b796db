//! Submitting, listing and cancelling many jobs against a plain client that keeps its connections.

use super::plain_client::{Connection, post_all, post_paths};
use crate::{Sizes, rounds};
use farm::base::ids::{JobId, RunId};
use farm::base::render_options::RenderOptions;
use farm::base::status::JobStatus;
use farm::manager::compile::simple_blender_render::JOB_TYPE;
use farm::manager::job::META_ID;
use farm::manager::{Manager, Order, RenderWork, Submission, Work};
use rounds::{Entry, measure, median, table};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Submissions, lists, then orders. Each round leaves its jobs, so that the list grows.
pub(crate) fn run(sizes: Sizes) {
    let Some((url, manager)) = super::named("calls") else { return };
    let storage = manager.storage(Path::new("/")).expect("its storage");
    let etag = etag(&url);
    let submissions: Vec<Submission> = (0..sizes.submissions).map(|n| submission(&storage, n)).collect();
    let bodies: Vec<String> = submissions.iter().map(|one| body(one, &etag).to_string()).collect();
    let plain = |connections| {
        let (url, bodies) = (&url, &bodies);
        move || post_all(url, "jobs", bodies, connections)
    };
    let entries = [
        Entry::new("plain, 1 connection", || {}, plain(1)),
        Entry::new("plain, 4 connections", || {}, plain(4)),
        Entry::new("plain, 32 connections", || {}, plain(32)),
        Entry::new("farm's client", || {}, || submit_all(&manager, &submissions)),
    ];
    let times = measure(&entries, sizes.rounds);
    let best = times[..3].iter().min_by(|a, b| median(&a.wall).total_cmp(&median(&b.wall))).expect("three");
    let title = format!("{} submissions, real Manager", sizes.submissions);
    print!("{}", table(&title, &times, best, "farm's client at most 1.1 x the best plain one"));

    let mut jobs = manager.jobs().expect("the jobs").len();
    while jobs < sizes.listed {
        post_all(&url, "jobs", &bodies, 32);
        jobs += bodies.len();
    }
    let entries = [
        Entry::new("plain GET, read to its end", || {}, || drop(Connection::new(&url).ask("GET", "jobs", ""))),
        Entry::new("farm's client, each job read", || {}, || assert!(manager.jobs().expect("jobs").len() >= jobs)),
    ];
    let times = measure(&entries, sizes.rounds);
    let title = format!("list of {jobs} jobs, real Manager");
    print!("{}", table(&title, &times, &times[0], "farm's client at most 1.1 x"));
    cancel(sizes, &url, &manager, &bodies);
}

/// Orders for as many jobs as were submitted, other ones for each entry.
fn cancel(sizes: Sizes, url: &str, manager: &dyn Manager, bodies: &[String]) {
    let queued = RefCell::new(Vec::new());
    let fresh = || {
        post_all(url, "jobs", bodies, 4);
        let mut is_queued = |job: &farm::manager::ManagerJob| job.status == JobStatus::Queued;
        let jobs = manager.jobs_where(&mut is_queued).expect("the jobs");
        *queued.borrow_mut() = jobs.into_iter().rev().take(bodies.len()).map(|job| job.id).collect::<Vec<JobId>>();
    };
    let fresh = &fresh;
    let plain = |connections| {
        let queued = &queued;
        move || {
            post_paths(
                url,
                &queued.borrow().iter().map(|id| format!("jobs/{id}/setstatus")).collect::<Vec<_>>(),
                connections,
            )
        }
    };
    let all = || {
        let order = |id: &JobId| (id.clone(), Order::Status(JobStatus::CancelRequested));
        let orders: Vec<(JobId, Order)> = queued.borrow().iter().map(order).collect();
        manager.order_all(&orders, "x", &mut |_, outcome| {
            outcome.expect("it is taken");
            ControlFlow::Continue(())
        });
    };
    let entries = [
        Entry::new("plain, 1 connection", fresh, plain(1)),
        Entry::new("plain, 4 connections", fresh, plain(4)),
        Entry::new("plain, 32 connections", fresh, plain(32)),
        Entry::new("farm's client", fresh, all),
    ];
    let times = measure(&entries, sizes.rounds);
    let best = times[..3].iter().min_by(|a, b| median(&a.wall).total_cmp(&median(&b.wall))).expect("three");
    let title = format!("{} jobs cancelled, real Manager", bodies.len());
    print!("{}", table(&title, &times, best, "farm's client at most 1.1 x the best plain one"));
}

fn submit_all(manager: &dyn Manager, submissions: &[Submission]) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..manager.requests_at_once() {
            scope.spawn(|| {
                while let Some(one) = submissions.get(next.fetch_add(1, Ordering::Relaxed)) {
                    manager.submit(one).expect("a job");
                }
            });
        }
    });
}

fn submission(storage: &str, n: usize) -> Submission {
    Submission {
        name: format!("bench/{n}"),
        priority: 50,
        metadata: BTreeMap::from([(META_ID.to_owned(), RunId::random().to_string())]),
        tag: None,
        paused: false,
        work: Work::SimpleBlenderRender(RenderWork {
            blendfile: format!("{storage}/bench.blend"),
            scene: None,
            frames: "1-20".parse().expect("frames"),
            chunk_size: 20,
            render_output_path: format!("{storage}/bench/{n}/######"),
            format: "PNG".to_owned(),
            image_file_extension: ".png".to_owned(),
            options: RenderOptions::default(),
        }),
    }
}

/// The same job as farm's client sends.
fn body(submission: &Submission, etag: &str) -> Value {
    let Work::SimpleBlenderRender(work) = &submission.work;
    let root = work.render_output_path.trim_end_matches("/######");
    json!({
        "name": submission.name,
        "type": JOB_TYPE,
        "type_etag": etag,
        "priority": submission.priority,
        "submitter_platform": "manager",
        "metadata": submission.metadata,
        "settings": {
            "frames": "1-20",
            "chunk_size": work.chunk_size,
            "render_output_root": root,
            "add_path_components": 0,
            "render_output_path": work.render_output_path,
            "blendfile": work.blendfile,
            "format": work.format,
            "image_file_extension": work.image_file_extension,
            "has_previews": false,
        },
    })
}

fn etag(url: &str) -> String {
    let told = Connection::new(url).ask("GET", &format!("jobs/type/{JOB_TYPE}"), "");
    let job_type: Value = serde_json::from_slice(&told).expect("a job type");
    job_type["etag"].as_str().expect("its etag").to_owned()
}
