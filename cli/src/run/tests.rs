//! Command lines of `run`: both parsers agree, and nothing behind the file is an option.

use super::Opts;
use crate::Command;
use clap::CommandFactory;
use std::ffi::OsString;

fn line<'a>(arguments: &[&'a str]) -> impl Iterator<Item = OsString> + use<'a> {
    let arguments: Vec<_> = ["wasmaot"].iter().chain(arguments).map(OsString::from).collect();
    arguments.into_iter()
}

fn parsed(arguments: &[&str]) -> Opts {
    match crate::parse(line(arguments)) {
        Ok(Command::Run(opts)) => *opts,
        Ok(other) => panic!("{other:?}"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn frequent_options_are_what_the_parser_returns() {
    let lines: [&[&str]; 25] = [
        &["run", "a.so"],
        &["run", "a.so", "one", "two"],
        &["run", "a.so", ""],
        &["run", "-", "one"],
        &["run", "a.so", "--"],
        &["run", "a.so", "--", "one", "--dir", "-x", "--"],
        &["run", "a.so", "--", "--", "one"],
        &["run", "a.so", "one", "--", "two"],
        &["run", "a.so", "one", "-2", "--three"],
        &["run", "a.so", "-O0", "one"],
        &["run", "a.so", "--help"],
        &["run", "--", "a.so", "one"],
        &["run", "-O0", "a.so"],
        &["run"],
        &["run", "--dir", ".::.", "a.so", "--dir", "/"],
        &["run", "--dir", "a", "--env", "K=V", "--env", "L=", "--dir", "b:ro", "a.so"],
        &["run", "--env", "K=-", "-", "x"],
        &["run", "--dir", "-", "a.so"],
        &["run", "--dir", "-1", "a.so"],
        &["run", "--dir=a", "a.so"],
        &["run", "--dir", "a", "--", "a.so"],
        &["run", "--dir", "a", "--meter", "a.so"],
        &["run", "--env", "K", "a.so"],
        &["run", "--dir", "a"],
        &["run", "--dir"],
    ];
    let mut taken = 0;
    for arguments in lines {
        if let Some(opts) = Opts::of_frequent_options(line(arguments)) {
            taken += 1;
            assert_eq!(opts, parsed(arguments));
        }
    }
    assert_eq!(taken, 15);
}

#[test]
fn a_first_separator_is_dropped() {
    let arguments = |line: &[&str]| parsed(line).arguments().to_vec();
    assert_eq!(arguments(&["run", "a.so", "--", "--dir=/"]), ["--dir=/"]);
    assert_eq!(arguments(&["run", "a.so", "--", "--", "x"]), ["--", "x"]);
    assert_eq!(arguments(&["run", "a.so", "x", "--", "y"]), ["x", "--", "y"]);
    assert_eq!(arguments(&["run", "--invoke", "f", "--", "a.so", "-1"]), ["-1"]);
}

/// Pseudo-random numbers (xorshift), the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// Words that options are made of: all options of `run`, values for them, and what may confuse a parser.
fn words() -> Vec<String> {
    let command = Command::command();
    let run = command.find_subcommand("run").expect("it is there");
    let mut words: Vec<String> =
        ["--", "-", "", "-h", "-V", "--help", "--version", "a.so", "\u{1b}", "-=", "--=", "=", "@file"]
            .map(String::from)
            .into();
    for option in run.get_arguments().filter(|option| !option.is_positional()) {
        if let Some(long) = option.get_long() {
            words.push(format!("--{long}"));
            for value in ["/", "/::/:ro", "K=V", "json", "/dev/null", "1", "127.0.0.1:80", ""] {
                words.push(format!("--{long}={value}"));
            }
        }
        if let Some(short) = option.get_short() {
            words.extend([format!("-{short}"), format!("-{short}2"), format!("-{short}=2")]);
        }
    }
    assert!(words.iter().any(|word| word == "--dir=/") && words.len() > 100, "{words:?}");
    words
}

#[test]
fn no_argument_behind_the_file_is_an_option() {
    let words = words();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let prefixes: [&[&str]; 5] = [
        &["run"],
        &["run", "--dir", "data:ro", "--env", "K=V"],
        &["run", "--dir", "data:ro", "--fuel", "9"],
        &["run", "--env=K=V", "-O2", "--"],
        &["run", "--report", "json"],
    ];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..20_000 {
        let prefix = prefixes[round % prefixes.len()];
        let plain = parsed(&[prefix, &["tool.so"]].concat());
        let hostile: Vec<&str> = (0..random.below(6)).map(|_| random.pick(&words)).collect();
        let all = [prefix, &["tool.so"], &hostile].concat();
        let mut opts = match Opts::of_frequent_options(line(&all)) {
            Some(opts) => opts,
            None => parsed(&all),
        };
        assert_eq!(opts.command_line[1..], hostile.iter().map(OsString::from).collect::<Vec<_>>(), "{all:?}");
        opts.command_line.truncate(1);
        assert_eq!(opts, plain, "{all:?}");
    }
}

#[test]
fn the_help_states_by_how_much_counts_may_be_short() {
    use wasmaot_abi::meter::MAX_ROW;
    let help = Command::command().find_subcommand("run").expect("it is there").clone().render_long_help();
    let help = help.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains(&format!("instructions may be up to {MAX_ROW} short")), "{help}");
}
