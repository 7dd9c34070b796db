//! The whole program, command by command, in a sealed room.

#[allow(dead_code, reason = "three test programs share it, and none of them needs all of it")]
mod support;

mod ask;
mod cli;
mod concurrency;
mod config;
mod dependencies;
mod doctor;
mod dry_run;
mod examples;
mod flamenco;
mod harvest;
mod harvest_again;
mod harvest_damage;
mod hostile;
mod init;
mod inspect;
mod interrupt;
mod kill;
mod logs;
mod path;
mod plan;
mod plan_begun;
mod plan_file;
mod plan_pack;
mod plan_repair;
mod plan_scenes;
mod queries_page;
mod real_blender;
mod recover;
mod reference;
mod replace;
mod rerender;
mod retry;
mod seed;
mod status;
mod undo;
mod undo_resubmit;
mod why;
mod work;
