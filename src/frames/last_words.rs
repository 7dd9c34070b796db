//! What a failed task's log says about its failure, in one line.

use super::render_log::as_written;

/// The longest tail of a log's line in a failure.
const LINE: usize = 200;

/// The line of a failed task's log that says most: the last one, or what the renderer called an error where that only
/// tells that it ended.
pub fn last_line(tail: &str) -> String {
    let lines = || tail.lines().rev().map(|line| as_written(line).trim()).filter(|line| !line.is_empty());
    let last = lines().find(|line| !is_of_the_queue(line));
    let error = || lines().find(|line| line.starts_with("Error"));
    let line = match last {
        Some(last) if tells_only_the_end(last) => error().or(Some(last)),
        last => last.or_else(|| lines().next()),
    };
    line.unwrap_or("its log is empty").chars().take(LINE).collect()
}

/// Flamenco's Manager writes into each log too: `2026-11-22T00:49:49Z task changed status active -> failed`.
pub(super) fn is_of_the_queue(line: &str) -> bool {
    let words = line.split_once("Z ").filter(|(time, _)| time.starts_with(|c: char| c.is_ascii_digit()));
    words.is_some_and(|(_, words)| words.starts_with("task changed status ") || words.starts_with("Task "))
}

fn tells_only_the_end(line: &str) -> bool {
    line == "Blender quit" || line.starts_with("Failed: command exited abnormally")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_renderers_error_counts_more_than_the_queues_last_word() {
        let of_flamenco = "2026-11-22T00:49:47Z task changed status queued -> active\npid=9469 > Blender 3.4.1\n\
            pid=9469 > Error: Cannot read file '/a.blend'\npid=9469 > \npid=9469 > Blender quit\n\
            Failed: command exited abnormally with code 1\n2026-11-22T00:49:49Z Task failed by worker w2 (34bab696)\n\
            2026-11-22T00:49:49Z task changed status active -> failed\n";
        assert_eq!(last_line(of_flamenco), "Error: Cannot read file '/a.blend'");
        let without = of_flamenco.replace("Error", "Oops");
        assert_eq!(last_line(&without), "Failed: command exited abnormally with code 1");
        assert_eq!(last_line("Fra:1\nkilled by signal 11\n"), "killed by signal 11");
        assert_eq!(last_line("2026-11-22T00:49:49Z Task timed out\n"), "2026-11-22T00:49:49Z Task timed out");
        assert_eq!(last_line(" \n"), "its log is empty");
    }
}
