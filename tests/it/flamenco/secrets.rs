//! Credentials reach the Manager, and nothing else: no output, no file but the one that the user wrote.

use super::Studio;
use super::server::Fault;
use super::server::flamenco::Release;
use crate::support::fake_blender::Fake;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const USER: &str = "ann-canary";
const SECRET: &str = "SECRET-canary-2718";
/// base64 of `ann-canary:SECRET-canary-2718`, as a header has it.
const BASIC: &str = "YW5uLWNhbmFyeTpTRUNSRVQtY2FuYXJ5LTI3MTg=";

/// Fails if the secret is in a file of the room, other than `known`: the outputs of all commands are in it too.
#[track_caller]
fn is_kept(studio: &Studio, known: &Path) {
    let mut folders = vec![studio.farm.room.path("")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the room").flatten() {
            let path = entry.path();
            let kind = entry.file_type().expect("a kind");
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && path != known {
                let bytes = fs::read(&path).unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes);
                for secret in [SECRET, BASIC] {
                    assert!(!text.contains(secret), "{} has the secret:\n{text}", path.display());
                }
                files += 1;
            }
        }
    }
    assert!(files > 20, "{files} files were looked at");
}

/// A good run of every command that speaks to a Manager, then a run for each of several faults.
fn speaks(studio: &Studio, flags: &str) {
    let run = |words: &str| studio.farm.run(&format!("{flags} {words}"));
    run("plan release r1 scenes/A.blend --frames 1-2 --dry-run").expect(0);
    run("plan release r1 scenes/A.blend --frames 1-2 --dry-run --json").expect(0);
    run("plan release r1 scenes/A.blend --frames 1-2 --plan-out plan.json").expect(0);
    run("plan release --apply plan.json --yes --json").expect(0);
    studio.work();
    for words in ["status", "status --json", "doctor", "doctor --json", "config show", "config show --json", "recover"]
    {
        run(words).check_manners();
    }
    run("plan release r1 scenes/A.blend --frames 1-2 --yes --wait").expect(0);
    run("setup manager").expect(7);
    run("harvest release r1").expect(0);
    let elsewhere = format!("http://{USER}:{SECRET}@elsewhere.invalid/");
    for fault in [Fault::page(401), Fault::plain(403, "no"), Fault::redirect(&elsewhere), Fault::page(200)] {
        studio.server.trap(fault, "", usize::MAX);
        for words in ["status", "doctor", "plan release r2 scenes/B.blend --frames 1-2 --yes", "status --json"] {
            let outcome = run(words);
            assert!([6, 7].contains(&outcome.code), "{outcome}");
        }
        studio.server.mend();
    }
    studio.server.trap(Fault::page(502).after_success(), "POST /api/v3/jobs ", 1);
    run("plan release r3 scenes/B.blend --frames 1-2 --yes").check_manners();
    run("recover").check_manners();
}

/// Fails unless each request that was heard has this header.
#[track_caller]
fn heard_with(studio: &Studio, name: &str, value: &str) {
    let heard = studio.server.take_heard();
    assert!(heard.len() > 10);
    // `farm doctor` also looks what somebody without credentials may do, but only at a public address.
    let bare = heard.iter().find(|request| request.header(name) != Some(value));
    assert!(bare.is_none(), "{:?}", bare.map(super::server::Heard::line));
}

fn studio() -> Studio {
    let mut studio = Studio::with(Release::V3_9, &Fake::default());
    studio.farm.room.set("RUST_LOG", "trace");
    studio.farm.room.set("RUST_BACKTRACE", "full");
    studio
}

fn with_credentials(url: &str) -> String {
    url.replace("http://", &format!("http://{USER}:{SECRET}@"))
}

#[test]
fn in_the_url_of_the_environment() {
    let mut studio = studio();
    studio.farm.room.set("FARM_MANAGER", with_credentials(&studio.server.url()));
    speaks(&studio, "");
    heard_with(&studio, "authorization", &format!("Basic {BASIC}"));
    is_kept(&studio, Path::new(""));
}

#[test]
fn not_in_the_url_and_in_variables_of_their_own() {
    let mut studio = studio();
    studio.farm.room.set("FARM_MANAGER", with_credentials(&studio.server.url()));
    studio.farm.room.set("FARM_ACCESS_TOKEN", SECRET);
    studio.run("status").expect(2).says(&["access.user or a token is set too", "next:"]);
    assert!(studio.server.take_heard().is_empty());
    is_kept(&studio, Path::new(""));
}

#[test]
fn in_the_url_of_the_command_line() {
    let studio = studio();
    speaks(&studio, &format!("--manager {}", with_credentials(&studio.server.url())));
    speaks_of_an_unfinished_run(&studio);
    is_kept(&studio, Path::new(""));
}

/// A run that another address was meant for is told of without what stands before the @.
fn speaks_of_an_unfinished_run(studio: &Studio) {
    let words =
        format!("--manager={} plan release r9 scenes/A.blend --frames 1 --yes", with_credentials("http://127.0.0.1:1"));
    studio.run(&words).expect(6).says(&["127.0.0.1:1"]);
}

#[test]
fn not_in_a_config_file() {
    let mut studio = studio();
    let folder = studio.farm.room.path("home/.config/farm");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("config.yaml"), format!("manager: {}\n", with_credentials(&studio.server.url())))
        .expect("a config");
    studio.farm.room.unset("FARM_MANAGER");
    let words = ["the URL of manager holds a name or a password", "access.password_file"];
    studio.run("status").expect(2).says(&words);
    let outcome = studio.run("config show").says(&words);
    for text in [&outcome.stdout, &outcome.stderr] {
        assert!(!text.contains(SECRET), "{outcome}");
    }
}

#[test]
fn in_variables_of_their_own() {
    let mut studio = studio();
    studio.farm.room.set("FARM_ACCESS_USER", USER);
    studio.farm.room.set("FARM_ACCESS_PASSWORD", SECRET);
    studio.farm.room.set("FARM_ACCESS_HEADERS", format!("X-Studio-Key: {SECRET}\nX-Other: 1"));
    speaks(&studio, "");
    heard_with(&studio, "authorization", &format!("Basic {BASIC}"));
    is_kept(&studio, Path::new(""));
}

#[test]
fn in_files_that_are_the_users_own() {
    let mut studio = studio();
    let token = studio.farm.room.path("home/token");
    fs::write(&token, format!("{SECRET}\n")).expect("a token");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).expect("its mode");
    studio.farm.room.set("FARM_ACCESS_TOKEN_FILE", &token);
    speaks(&studio, "");
    heard_with(&studio, "authorization", &format!("Bearer {SECRET}"));
    is_kept(&studio, &token);
}
