//! Jobs that a query matches, for people.

use super::table::Table;
use crate::base::time::Timestamp;
use crate::ops::listing::{ListedJob, Listing};
use std::fmt::Write;

/// A line for each job, then what could not be looked at.
pub fn text(listing: &Listing) -> String {
    let mut text = match listing.jobs.is_empty() {
        true => "No jobs yet. Make some with `farm plan release NAME SCENE…`.\n".to_owned(),
        false => table(&listing.jobs).to_string(),
    };
    for line in &listing.unreadable {
        let _infallible = writeln!(text, "unreadable: {line}");
    }
    text
}

fn table(jobs: &[ListedJob]) -> Table {
    let mut table = Table::new(&["JOB", "STATUS", "FRAMES", "PRIORITY", "USER", "CHANGED", ""]);
    for job in jobs {
        match job {
            ListedJob::Recorded(job) => {
                let (state, counts) = (&job.state, &job.state.frames);
                let wrong = counts.bad + counts.suspect;
                table.row(&[
                    &state.reference.to_string(),
                    &state.status,
                    &format!("{}/{}", counts.ok, counts.expected),
                    &state.priority.to_string(),
                    job.user.as_deref().unwrap_or_default(),
                    &when(state.updated),
                    &if wrong > 0 { format!("{wrong} bad or suspect") } else { String::new() },
                ]);
            }
            ListedJob::Other(job) => table.row(&[
                job.state.reference.as_deref().unwrap_or(&job.name),
                &job.state.status,
                "",
                &job.state.priority.to_string(),
                job.user.as_deref().unwrap_or_default(),
                &when(job.state.updated),
                if job.foreign { "not made by farm" } else { "not known to this volume" },
            ]),
        }
    }
    table
}

fn when(time: Option<Timestamp>) -> String {
    time.map(|time| time.to_string()).unwrap_or_default()
}
