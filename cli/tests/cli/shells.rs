//! Completions: each script is read by its shell, which completes a command line with it.

use crate::support::{Place, finish};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A shell, unless it is not installed.
fn shell(name: &str) -> Option<Command> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.exists());
    if found.is_none() {
        println!("skipped: {name} is not installed");
    }
    let mut command = Command::new(found?);
    command.env("PATH", path);
    Some(command)
}

/// Writes a shell's script to a file.
fn script(place: &Place, shell: &str, file: &str) -> PathBuf {
    let run = place.run(&["completions", shell]).status(0).silent();
    place.file(file, run.stdout)
}

/// Has a shell run a text in a place, and returns what it prints.
fn output(mut shell: Command, options: &[&str], text: &str, place: &Path) -> String {
    shell.args(options).arg("-c").arg(text).current_dir(place);
    finish(shell).status(0).stdout
}

#[test]
fn bash_completes() {
    let Some(bash) = shell("bash") else { return };
    let place = Place::new();
    script(&place, "bash", "wasmaot.bash");
    // What bash does when the key is pressed.
    let text = r#"
        source ./wasmaot.bash
        completed() {
            COMP_WORDS=("$@")
            COMP_CWORD=$(($# - 1))
            COMPREPLY=()
            _wasmaot wasmaot "${@: -1}" "${@: -2:1}"
            echo "${COMPREPLY[*]}"
        }
        complete -p wasmaot
        completed wasmaot insp
        completed wasmaot compile --target
        completed wasmaot compile --emit ex"#;
    let output = output(bash, &["--norc"], text, &place.path("."));
    let lines: Vec<_> = output.lines().collect();
    let [registered, command, option, value] = lines[..] else { panic!("{output}") };
    assert!(registered.contains("-F _wasmaot"), "{output}");
    assert_eq!([command, option, value], ["inspect", "--target-cpu", "exe"]);
}

#[test]
fn fish_completes() {
    let Some(fish) = shell("fish") else { return };
    let place = Place::new();
    script(&place, "fish", "wasmaot.fish");
    let text = "source ./wasmaot.fish
        complete --do-complete 'wasmaot insp'
        complete --do-complete 'wasmaot compile --target'
        complete --do-complete 'wasmaot compile --emit ex'";
    let output = output(fish, &["--no-config"], text, &place.path("."));
    let words: Vec<_> = output.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(words, ["inspect", "--target-cpu", "exe"], "{output}");
}

#[test]
fn zsh_completes() {
    let Some(zsh) = shell("zsh") else { return };
    let place = Place::new();
    script(&place, "zsh", "_wasmaot");
    // An interactive shell on a terminal of its own, which is typed to. It says what it has on its line when
    // the key that is bound to that is pressed.
    let text = r#"
        zmodload zsh/zpty
        zpty typed 'zsh -f -i'
        tell() { zpty -w typed "$1" }
        tell 'PS1= PS2= RPS1=; unsetopt zle_bracketed_paste prompt_cr prompt_sp; fpath=($PWD $fpath)'
        tell 'autoload -Uz compinit; compinit -u -D; show() { print -r -- "<$BUFFER>"; BUFFER=; }; zle -N show; bindkey "^X" show'
        tell 'print rea''dy'
        zpty -r -m typed seen '*ready*'
        for line in 'wasmaot insp' 'wasmaot compile --target' 'wasmaot compile --emit ex'; do
            zpty -n -w typed "$line"$'\t\x18'
            zpty -r -m typed seen '*<*>*'
            print -r -- "${${seen##*<}%%>*}"
        done
        zpty -d typed"#;
    let output = output(zsh, &["-f"], text, &place.path("."));
    let lines: Vec<_> = output.lines().map(str::trim_end).collect();
    assert_eq!(
        lines,
        ["wasmaot inspect", "wasmaot compile --target-cpu=", "wasmaot compile --emit exe"],
        "{output}"
    );
}

#[test]
fn other_shells_are_refused() {
    Place::new().run(&["completions", "tcsh"]).status(2).stderr_has(&["bash, zsh, fish"]);
}
