//! Every key of the configuration: name, environment variable, default, meaning. `docs/config.md` is made from this.

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The dotted name, as in `config.yaml`.
    pub name: &'static str,
    /// The environment variable that sets it.
    pub env: &'static str,
    /// The compiled-in value; empty for none.
    pub default: &'static str,
    /// What it means, with its unit.
    pub meaning: &'static str,
    /// Whether its value may be seen.
    pub shown: Shown,
}

/// Whether a value may be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// By everybody.
    Yes,
    /// It is a secret: it is never printed, and no configuration file may hold it.
    Never,
}

/// What the keys of queries with a name begin with: `queries.nightly` is `@nightly` in a query. Files alone have them.
pub const QUERIES: &str = "queries.";

const fn key(name: &'static str, env: &'static str, default: &'static str, meaning: &'static str) -> Key {
    Key { name, env, default, meaning, shown: Shown::Yes }
}

const fn secret(name: &'static str, env: &'static str, meaning: &'static str) -> Key {
    Key { name, env, default: "", meaning, shown: Shown::Never }
}

/// All keys, in the order in which they are shown.
pub const KEYS: &[Key] = &[
    key("volume", "FARM_VOLUME", "", "the volume's folder, where the working directory lies on none"),
    key(
        "manager",
        "FARM_MANAGER",
        "local",
        "who hands out the work: `local`, this machine's own queue, or the URL of a Flamenco Manager",
    ),
    key("access.user", "FARM_ACCESS_USER", "", "the name that a proxy before the Manager asks for"),
    secret("access.password", "FARM_ACCESS_PASSWORD", "the password to it; from the environment only"),
    key("access.password_file", "FARM_ACCESS_PASSWORD_FILE", "", "a file that holds it, readable by its owner alone"),
    secret("access.token", "FARM_ACCESS_TOKEN", "a bearer token instead; from the environment only"),
    key("access.token_file", "FARM_ACCESS_TOKEN_FILE", "", "a file that holds it, readable by its owner alone"),
    secret(
        "access.headers",
        "FARM_ACCESS_HEADERS",
        "further headers of each request, `Name: value` a line; from the environment only",
    ),
    key("access.headers_file", "FARM_ACCESS_HEADERS_FILE", "", "a file that holds them, readable by its owner alone"),
    key("access.ca", "FARM_ACCESS_CA", "", "a PEM file of certificate authorities to trust beside the system's"),
    key(
        "access.client_certificate",
        "FARM_ACCESS_CLIENT_CERTIFICATE",
        "",
        "a PEM file with this machine's certificate and key",
    ),
    key(
        "access.proxy",
        "FARM_ACCESS_PROXY",
        "",
        "the URL of the proxy to the Manager; default: what the environment says",
    ),
    key(
        "access.timeout",
        "FARM_ACCESS_TIMEOUT",
        "30s",
        "how long the Manager may take for a short answer; four times that for a list or a submission",
    ),
    key("user", "FARM_USER", "", "the name written into jobs; default: the login name"),
    key(
        "blender.executable",
        "FARM_BLENDER",
        "blender",
        "the Blender that renders on this machine: a name on PATH or a path",
    ),
    key("blender.autoexec", "FARM_BLENDER_AUTOEXEC", "true", "whether scripts inside scenes may run (true, false)"),
    key("ffmpeg.executable", "FARM_FFMPEG", "ffmpeg", "the ffmpeg that makes preview videos"),
    key("plan.priority", "FARM_PLAN_PRIORITY", "50", "priority of new jobs, 0 to 100"),
    key("plan.chunk", "FARM_PLAN_CHUNK", "auto", "frames per task: a number, or auto"),
    key(
        "plan.job_name_template",
        "FARM_PLAN_JOB_NAME_TEMPLATE",
        "{file}",
        "names of jobs, with {file} {folder} {scene} {number}",
    ),
    key(
        "harvest.template",
        "FARM_HARVEST_TEMPLATE",
        "",
        "names in dist/; default: {job}.{frame:04}.{ext}, {job}.{ext} for stills",
    ),
    key("wait.patience", "FARM_WAIT_PATIENCE", "10m", "how long --wait bears with a Manager that is away"),
    key("wait.tries", "FARM_WAIT_TRIES", "2", "how often --wait submits frames that are missing or broken anew"),
    key(
        "lock.wait",
        "FARM_LOCK_WAIT",
        "0s",
        "how long to wait for a lock, e.g. 5m; 0s: without end on a terminal, elsewhere not at all",
    ),
    key("threads", "FARM_THREADS", "0", "threads that read and check files, at most 64; 0: one per core"),
];
