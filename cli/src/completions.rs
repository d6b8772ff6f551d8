//! `wasmaot completions`: scripts that complete the command line in a shell.

use crate::error::CliError;
use crate::output;
use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Opts {
    /// Shell that reads the script
    #[arg(value_name = "SHELL", value_enum)]
    shell: Supported,
}

const EXAMPLES: &str = "\
Examples:
  wasmaot completions bash > ~/.local/share/bash-completion/completions/wasmaot
  wasmaot completions zsh > ~/.zfunc/_wasmaot    with ~/.zfunc in $fpath before compinit
  wasmaot completions fish > ~/.config/fish/completions/wasmaot.fish

The folders have to exist: mkdir -p makes them.";

/// Shells whose scripts are tested.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Supported {
    /// Version 4.4 and later
    Bash,
    /// Version 5 and later
    Zsh,
    /// Version 3 and later
    Fish,
}

impl Opts {
    /// Prints the script for the command line of `C` and returns the exit status.
    pub(crate) fn run<C: CommandFactory>(&self) -> Result<i32, CliError> {
        let shell = match self.shell {
            Supported::Bash => Shell::Bash,
            Supported::Zsh => Shell::Zsh,
            Supported::Fish => Shell::Fish,
        };
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut C::command(), "wasmaot", &mut script);
        output::print(&script)?;
        Ok(0)
    }
}
