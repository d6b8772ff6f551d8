//! `wasmaot man`: manual pages, one for the command and one for each subcommand.
//!
//! **Invariant: a page is the `--help` text in another form.** Nothing is written twice; the text behind the
//! options is divided at its headings, so `Examples:` becomes a section with its lines as they are.

use crate::error::CliError;
use crate::output::{self, Kind};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, roman};
use std::io;
use std::path::PathBuf;

/// Write manual pages
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Opts {
    /// Directory for the pages, created if it does not exist, such as man1 below a directory of $MANPATH
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    directory: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  wasmaot man ~/.local/share/man/man1    for `man wasmaot` and `man wasmaot-compile`
  wasmaot man /usr/local/share/man/man1  for all users";

/// Section of the manual: user commands.
const SECTION: &str = "1";

impl Opts {
    /// Writes the pages for the command line of `C` and returns the exit status.
    pub(crate) fn run<C: CommandFactory>(&self) -> Result<i32, CliError> {
        std::fs::create_dir_all(&self.directory)
            .map_err(|source| CliError::Write { path: self.directory.clone(), source })?;
        // Without the commit: a page is the same from a checkout and from an archive.
        let mut command = C::command().version(env!("CARGO_PKG_VERSION"));
        command.build();
        for (name, text) in pages(&command).map_err(CliError::Stdout)? {
            output::write_file(&self.directory.join(name), &text, Kind::Data)?;
        }
        Ok(0)
    }
}

/// Returns the names of the pages, with their texts.
fn pages(command: &Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    let subcommands = command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help");
    let mut pages = vec![(format!("wasmaot.{SECTION}"), page(command, "wasmaot")?)];
    for subcommand in subcommands {
        let name = format!("wasmaot-{}", subcommand.get_name());
        pages.push((format!("{name}.{SECTION}"), page(subcommand, &name)?));
    }
    Ok(pages)
}

/// Returns the text of one page.
fn page(command: &Command, name: &str) -> io::Result<Vec<u8>> {
    let rest = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut bare = command.clone().after_help("");
    // Short, as in `--help`: all options follow.
    let usage = bare.render_usage().to_string();
    let bare = bare.override_usage(usage.trim_start_matches("Usage: ").to_owned());
    let man = Man::new(bare)
        .title(name)
        .section(SECTION)
        // A date would be that of the build.
        .date("")
        .source(concat!("wasmaot ", env!("CARGO_PKG_VERSION")))
        .manual("wasmaot manual");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    prose(&rest).to_writer(&mut text)?;
    see_also(command, name).to_writer(&mut text)?;
    Ok(text)
}

/// Renders the text behind the options: paragraphs, and lists below a heading that ends with a colon.
fn prose(text: &str) -> Roff {
    let mut roff = Roff::new();
    let mut listed = false;
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        let (first, rest) = paragraph.split_once('\n').unwrap_or((paragraph, ""));
        match first.strip_suffix(':') {
            Some(heading) if rest.lines().all(|line| line.starts_with("  ")) && !rest.is_empty() => {
                roff.control("SH", [heading.to_uppercase().as_str()]);
                roff.control("nf", []);
                for line in rest.lines() {
                    roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
                }
                roff.control("fi", []);
                listed = true;
            }
            _ => {
                if std::mem::take(&mut listed) {
                    roff.control("SH", ["NOTES"]);
                }
                roff.control("PP", []);
                for line in paragraph.lines() {
                    roff.text([roman(line)]);
                }
            }
        }
    }
    roff
}

/// Refers from the command's page to those of its subcommands, and back.
fn see_also(command: &Command, name: &str) -> Roff {
    let mut others: Vec<String> = match command.has_subcommands() {
        true => command.get_subcommands().map(|other| format!("wasmaot-{}", other.get_name())).collect(),
        false => vec!["wasmaot".to_owned()],
    };
    others.retain(|other| other != name && other != "wasmaot-help");
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    let pages: Vec<Inline> = others
        .iter()
        .enumerate()
        .map(|(index, other)| {
            let comma = if index + 1 < others.len() { ", " } else { "" };
            roman(format!("{other}({SECTION}){comma}"))
        })
        .collect();
    roff.text(pages);
    roff
}
