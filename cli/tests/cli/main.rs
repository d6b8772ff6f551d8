//! The command as a user meets it: each module here tests one subcommand or one promise.

mod cache;
mod compile;
mod components;
mod executable;
mod faults;
mod files;
mod grants;
mod image;
mod inspect;
mod limits;
mod linking;
mod manual;
mod preinit;
mod progress;
mod report;
mod run;
mod shells;
mod support;
mod text;
mod threads;
mod usage;
mod verify;
mod version;
