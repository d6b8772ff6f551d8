//! The tests of `pulldown-cmark`, all of the CommonMark specification's examples among them, as one program.
//! Its own frame for them takes an HTML parser and many crates; here markup is compared after white space
//! that means nothing is taken out. Two of its modules are left out: what they expect is the same only to
//! such a parser.

use pulldown_cmark::{Options, Parser, html};

#[path = "pulldown-cmark/tests/suite/footnotes.rs"]
mod footnotes;
#[path = "pulldown-cmark/tests/suite/gfm_strikethrough.rs"]
mod gfm_strikethrough;
#[path = "pulldown-cmark/tests/suite/gfm_table.rs"]
mod gfm_table;
#[path = "pulldown-cmark/tests/suite/heading_attrs.rs"]
mod heading_attrs;
#[path = "pulldown-cmark/tests/suite/smart_punct.rs"]
mod smart_punct;
#[path = "pulldown-cmark/tests/suite/spec.rs"]
mod spec;
#[path = "pulldown-cmark/tests/suite/table.rs"]
mod table;

fn test_markdown_html(input: &str, output: &str, smart_punct: bool) {
    let mut options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES;
    if smart_punct {
        options |= Options::ENABLE_SMART_PUNCTUATION;
    }
    let mut markup = String::new();
    html::push_html(&mut markup, Parser::new_ext(input, options));
    assert_eq!(normal(&markup), normal(output));
}

/// Without white space next to tags, and with empty elements written in one way.
fn normal(markup: &str) -> String {
    let mut lines = String::new();
    let replaced = [(" />", ">"), ("<tbody>", ""), ("</tbody>", ""), ("<", " <"), (">", "> ")];
    let markup = replaced.iter().fold(markup.to_owned(), |markup, (from, to)| markup.replace(from, to));
    for word in markup.split_whitespace() {
        lines.push_str(word);
        lines.push('\n');
    }
    lines
}
