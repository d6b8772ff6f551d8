//! Wizer's example of a parser of user agents whose table is built at initialisation.
#[macro_use]
#[path = "guest.rs"]
mod guest;

use woothee::parser::Parser;

const AGENTS: [&str; 3] = [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 10_2 like Mac OS X) AppleWebKit/602.3.12 (KHTML, like Gecko) Version/10.0 Mobile/14C92 Safari/602.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:124.0) Gecko/20100101 Firefox/124.0",
    "Googlebot/2.1 (+http://www.google.com/bot.html)",
];

fn initialise() -> Parser {
    let parser = Parser::new();
    // What it makes lazily is made now.
    AGENTS.iter().for_each(|agent| _ = parser.parse(agent));
    parser
}

fn request(parser: &Parser, number: u32) -> String {
    match parser.parse(AGENTS[number as usize % AGENTS.len()]) {
        Some(found) => format!("{} {} {} {}", found.name, found.version, found.os, found.category),
        None => "unknown".into(),
    }
}

guest!(Parser);
