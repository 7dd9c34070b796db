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
}

const fn key(name: &'static str, env: &'static str, default: &'static str, meaning: &'static str) -> Key {
    Key { name, env, default, meaning }
}

/// All keys, in the order in which they are shown.
pub const KEYS: &[Key] = &[
    key("volume", "FARM_VOLUME", "", "the volume's folder, where the working directory lies on none"),
    key(
        "manager",
        "FARM_MANAGER",
        "local",
        "`local`: this machine's own queue (the URL of a Flamenco Manager: in a later version)",
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
    key("wait.tries", "FARM_WAIT_TRIES", "2", "how often --wait submits frames that are missing or broken anew"),
    key("lock.wait", "FARM_LOCK_WAIT", "0s", "how long to wait for a lock without a terminal, e.g. 5m"),
    key("threads", "FARM_THREADS", "0", "threads that read and check files; 0: one per core"),
];
