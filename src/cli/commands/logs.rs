//! `farm logs`

use crate::base::error::{Class, Failure};
use crate::base::name::JobRef;
use crate::cli::args::logs::LogsArgs;
use crate::cli::escape::Stream;
use crate::cli::exit;
use crate::cli::needs::{Context, catch_interrupts};
use crate::cli::output::{Form, Output};
use crate::ops::logs::{self, Extent, LogsRequest, Of, Reader, TaskLog};
use crate::ops::ports::{Ports, Progress};
use crate::sys::interrupt::Interrupt;
use serde::Serialize;
use std::ops::ControlFlow;
use std::sync::Arc;

/// So much of each log of a release is printed where nobody says how much: it may have many thousands.
const OF_A_RELEASE: usize = 10;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    tasks: Vec<TaskView>,
}

#[derive(Serialize)]
struct TaskView {
    #[serde(rename = "ref")]
    reference: Option<JobRef>,
    name: String,
    run: u32,
    task: String,
    id: String,
    status: String,
    worker: Option<String>,
    log: String,
    truncated: bool,
}

/// Prints the logs, and with `--follow` what comes to them.
pub fn run(args: LogsArgs, context: &Context) -> Result<u8, Failure> {
    refuse(&args, &context.output)?;
    let (volume, settings) = context.volume()?;
    let manager = context.manager_to_look(&volume, &settings)?;
    let actor = context.actor(&settings);
    let hears = Hears(catch_interrupts()?);
    let ports = Ports { volume: &volume, manager: manager.as_ref(), progress: &hears, actor: &actor };
    let of = if args.failed { Of::Failed } else { Of::All };
    let request = LogsRequest { name: args.name, task: args.task, of };
    let extent = args.lines.map_or(Extent::Whole, Extent::Lines);
    let printed = match context.output.form() {
        Form::Json => document(&ports, &request, args.lines, context),
        Form::Human if args.follow => {
            let mut page = Page::new(&context.output, args.raw);
            logs::follow(&ports, &request, extent, &mut page).inspect(|_| page.end())
        }
        Form::Human => text(&ports, &request, args.lines, Page::new(&context.output, args.raw)),
    };
    match printed {
        Ok(0) => Err(logs::was_not_begun(&request.name)),
        Ok(_) => Ok(exit::DONE),
        // Whoever leaves a log that grows has seen enough: no words, and nothing to put in order.
        Err(failure) if args.follow && matches!(failure.class(), Class::Interrupted(_)) => {
            Ok(exit::code(failure.class()))
        }
        Err(failure) => Err(failure),
    }
}

/// What these options cannot be together.
fn refuse(args: &LogsArgs, output: &Output) -> Result<(), Failure> {
    let usage = |words: &str, next: &str| Err(Failure::new(Class::Usage, words).with_hint(next));
    match output.form() {
        Form::Json if args.follow => {
            usage("--follow prints text as it comes, and --json is one document", "Leave one of them out.")
        }
        Form::Json if args.raw => usage("--raw prints bytes, and --json is a document", "Leave one of them out."),
        Form::Human if args.raw && output.is_screen() => usage(
            "--raw prints what a renderer wrote as it is, which could take over this terminal; nothing was printed",
            "Leave --raw out, or send the output into a file or another program.",
        ),
        _ => Ok(()),
    }
}

fn extent(lines: Option<usize>, found: &logs::Found) -> Extent {
    match lines {
        Some(lines) => Extent::Lines(lines),
        None if found.is_release => Extent::Lines(OF_A_RELEASE),
        None => Extent::Whole,
    }
}

fn text(ports: &Ports<'_>, request: &LogsRequest, lines: Option<usize>, mut page: Page<'_>) -> Result<usize, Failure> {
    let found = logs::survey(ports, request)?;
    logs::print(ports, &found.tasks, extent(lines, &found), &mut page).inspect(|_| page.end())
}

fn document(
    ports: &Ports<'_>,
    request: &LogsRequest,
    lines: Option<usize>,
    context: &Context,
) -> Result<usize, Failure> {
    let found = logs::survey(ports, request)?;
    let kept = logs::keep(ports, &found.tasks, extent(lines, &found))?;
    let view = |(log, kept): (TaskLog, Option<logs::Kept>)| {
        let kept = kept?;
        Some(TaskView {
            reference: log.reference,
            name: log.job,
            run: log.run,
            task: log.task,
            id: log.id.0,
            status: log.status.to_string(),
            worker: log.worker,
            log: String::from_utf8_lossy(&kept.bytes).into_owned(),
            truncated: kept.is_cut,
        })
    };
    let tasks: Vec<TaskView> = found.tasks.into_iter().zip(kept).filter_map(view).collect();
    let count = tasks.len();
    if count > 0 {
        context.output.document(&Document { schema: "farm.logs/1", tasks });
    }
    Ok(count)
}

/// Hears when somebody wants to leave.
struct Hears(Arc<Interrupt>);

impl Progress for Hears {
    fn interrupted(&self) -> Option<i32> {
        self.0.signal()
    }
}

/// Prints logs as they come.
struct Page<'a> {
    output: &'a Output,
    is_raw: bool,
    stream: Stream,
    /// Whether the last byte was the end of a line, or there was none.
    at_begin: bool,
    is_first: bool,
}

impl<'a> Page<'a> {
    fn new(output: &'a Output, is_raw: bool) -> Self {
        Page { output, is_raw, stream: Stream::default(), at_begin: true, is_first: true }
    }

    fn put(&mut self, text: &str) -> ControlFlow<()> {
        if text.is_empty() {
            return ControlFlow::Continue(());
        }
        self.at_begin = text.ends_with('\n');
        self.output.piece(text.as_bytes())
    }

    /// Ends the log that was begun, with an end of line.
    fn end(&mut self) {
        let left = self.stream.end();
        let end = if self.at_begin && left.is_empty() || left.ends_with('\n') { "" } else { "\n" };
        let _closed = self.put(&format!("{left}{end}"));
    }
}

impl Reader for Page<'_> {
    fn begins(&mut self, log: &TaskLog) -> ControlFlow<()> {
        if self.is_raw {
            return ControlFlow::Continue(());
        }
        self.end();
        let gap = if std::mem::replace(&mut self.is_first, false) { "" } else { "\n" };
        let worker = log.worker.as_ref().map(|name| format!(", worker {name}")).unwrap_or_default();
        let line = format!("==> {} run {}, task {}, {}{worker} <==", log.job, log.run, log.task, log.status);
        self.put(&format!("{gap}{}\n", crate::cli::escape::line(&line)))
    }

    fn bytes(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        if self.is_raw {
            return self.output.piece(bytes);
        }
        let text = self.stream.push(bytes);
        self.put(&text)
    }
}
