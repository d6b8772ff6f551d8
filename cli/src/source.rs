//! Modules in the text format: their binary form, and the place in the text that an error is about.
//!
//! The compiler knows the binary form only and reports offsets in it, which say nothing to the author of a
//! text. So where it fails, the text is parsed again, this time with the places of its parts, and the part is
//! looked up whose binary form contains the offset.
//!
//! **Invariant: a message shows a line's surroundings, never all of a long line**: a text may be one line of
//! a gigabyte.

use crate::kind::{self, Cut, WASM_MAGIC};
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use wasmaot_compiler::CompileError;
use wasmaot_program::report::Name;
use wasmparser::{FromReader, FunctionBody, Parser, Payload, SectionLimited};
use wast::Wat;
use wast::core::{EncodeOptions, Func, FuncKind, Module, ModuleField, ModuleKind};
use wast::parser::{self, ParseBuffer};
use wast::token::{Index, Span};

/// Why a text is no module.
#[derive(Debug, thiserror::Error)]
#[error("{message}{place}")]
pub(crate) struct SyntaxError {
    message: String,
    place: Place,
    /// Whether the text begins as modules do.
    pub(crate) is_module: bool,
}

/// Why a module cannot be compiled, and where in its text that is.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: CompileError,
    /// Where a binary module is cut off.
    pub(crate) cut: Option<Cut>,
    place: Option<Place>,
}

impl std::error::Error for Failure {}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, self.error.offset()) {
            (Some(place), Some(offset)) => {
                let message = self.error.to_string().replacen(&format!(" at offset {offset:#x}"), "", 1);
                write!(f, "{message}{place}")
            }
            _ => self.error.fmt(f),
        }
    }
}

impl Failure {
    /// Adds the place to an error about the module that was read from `path` as `source`, binary or text.
    pub(crate) fn new(path: &Path, source: &[u8], error: CompileError) -> Self {
        let place = || {
            let (text, offset) = (text(source)?, error.offset()?);
            Some(Place::new(path, text, span_at(text, offset)?))
        };
        let cut = || kind::cut(source).filter(|_| error.offset().is_some());
        Self { place: place(), cut: cut(), error }
    }
}

/// Returns the text of a module that is not in binary form. A byte order mark, as some editors write, is no
/// part of it.
fn text(source: &[u8]) -> Option<&str> {
    let source = source.strip_prefix("\u{feff}".as_bytes()).unwrap_or(source);
    str::from_utf8(source).ok().filter(|_| !source.starts_with(&WASM_MAGIC))
}

/// Returns the binary form of a module in the text format, or `None` if the source is not even UTF-8.
pub(crate) fn encode(path: &Path, source: &[u8]) -> Option<Result<Vec<u8>, SyntaxError>> {
    let text = text(source)?;
    let encode = || {
        let buffer = ParseBuffer::new(text)?;
        EncodeOptions::default().encode_wat(&mut parser::parse::<Wat<'_>>(&buffer)?)
    };
    Some(encode().map_err(|error| SyntaxError {
        message: error.message(),
        place: Place::new(path, text, error.span()),
        is_module: text.trim_start().starts_with(['(', ';']),
    }))
}

/// A place in a text, displayed as the lines of a message that show it.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// Counted from one.
    line: usize,
    /// Characters, counted from one.
    column: usize,
    excerpt: String,
    /// Characters of the excerpt in front of the place.
    before: usize,
}

/// Characters of a line that a message shows.
const EXCERPT: usize = 100;

impl Place {
    fn new(path: &Path, text: &str, span: Span) -> Self {
        let (line, byte) = span.linecol_in(text);
        let content = text.lines().nth(line).unwrap_or("");
        let column = content.get(..byte).map_or(byte, |before| before.chars().count());
        let (excerpt, before) = excerpt(content, column);
        Self { path: path.into(), line: line + 1, column: column + 1, excerpt, before }
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, column, excerpt, before } = self;
        let (path, margin) = (path.to_string_lossy(), line.to_string().len());
        writeln!(f, "\n{:margin$}--> {}:{line}:{column}", "", Name(&path))?;
        writeln!(f, "{:margin$} |", "")?;
        writeln!(f, "{line} | {}", Name(excerpt))?;
        write!(f, "{:margin$} | {:before$}^", "", "")
    }
}

/// Returns the part of a line around a column, and how many of its characters are in front of that.
fn excerpt(line: &str, column: usize) -> (String, usize) {
    const CUT: &str = "...";
    let start = if column < EXCERPT { 0 } else { column - EXCERPT / 2 };
    let mut rest = line.chars().skip(start);
    let part: String = rest.by_ref().take(EXCERPT).map(|c| if c == '\t' { ' ' } else { c }).collect();
    let front = if start > 0 { CUT } else { "" };
    let back = if rest.next().is_some() { CUT } else { "" };
    (format!("{front}{part}{back}"), front.len() + column - start)
}

/// Returns the place of what the binary form of a text has at an offset.
fn span_at(text: &str, offset: usize) -> Option<Span> {
    let mut buffer = ParseBuffer::new(text).ok()?;
    buffer.track_instr_spans(true);
    let Wat::Module(mut module) = parser::parse::<Wat<'_>>(&buffer).ok()? else { return None };
    let binary = module.encode().ok()?;
    // Encoding has turned each shorthand into fields of its own, so those of a kind are the items of its
    // section.
    field_at(&module, &binary, offset)
}

fn field_at(module: &Module<'_>, binary: &[u8], offset: usize) -> Option<Span> {
    let ModuleKind::Text(fields) = &module.kind else { return None };
    let nth = |position: Option<usize>, of: fn(&ModuleField<'_>) -> Option<Span>| {
        fields.iter().filter_map(of).nth(position?)
    };
    let mut functions = fields.iter().filter_map(|field| match field {
        ModuleField::Func(function) => Some(function),
        _ => None,
    });
    macro_rules! item {
        ($section:expr, $($kind:ident)|+) => {
            nth(item_at($section, offset), |field| match field {
                $(ModuleField::$kind(field) => Some(field.span),)+
                _ => None,
            })
        };
    }
    Parser::new(0).parse_all(binary).map_while(Result::ok).find_map(|payload| match payload {
        Payload::TypeSection(section) => {
            let groups = item_at(section.clone(), offset);
            let span = item!(section, Type | Rec)?;
            if span.offset() > 0 { Some(span) } else { first_of_type(fields, groups?) }
        }
        Payload::ImportSection(section) => item!(section, Import),
        Payload::FunctionSection(section) => item!(section, Func),
        Payload::TableSection(section) => item!(section, Table),
        Payload::MemorySection(section) => item!(section, Memory),
        Payload::TagSection(section) => item!(section, Tag),
        Payload::GlobalSection(section) => item!(section, Global),
        Payload::ExportSection(section) => item!(section, Export),
        Payload::ElementSection(section) => item!(section, Elem),
        Payload::DataSection(section) => item!(section, Data),
        Payload::StartSection { range, .. } if range.contains(&offset) => {
            fields.iter().find_map(|field| match field {
                ModuleField::Start(index) => Some(index.span()),
                _ => None,
            })
        }
        Payload::CodeSectionEntry(body) => {
            let function = functions.next()?;
            instruction_at(function, &body, offset)
        }
        _ => None,
    })
}

/// Returns the place of the first function whose type is the one in this position among the groups of types.
/// A type that no field of the text defines has no place of its own.
fn first_of_type(fields: &[ModuleField<'_>], group: usize) -> Option<Span> {
    let sizes = fields.iter().filter_map(|field| match field {
        ModuleField::Type(_) => Some(1),
        ModuleField::Rec(group) => Some(group.types.len()),
        _ => None,
    });
    let ty = sizes.take(group).sum::<usize>();
    fields.iter().find_map(|field| match field {
        ModuleField::Func(function) => match function.ty.index {
            Some(Index::Num(index, _)) if index as usize == ty => Some(function.span),
            _ => None,
        },
        _ => None,
    })
}

/// Returns the position of the item of a section that an offset is in.
fn item_at<'a, T: FromReader<'a>>(section: SectionLimited<'a, T>, offset: usize) -> Option<usize> {
    let range = section.range();
    let inside = range.start <= offset && offset <= range.end;
    let items = section.into_iter_with_offsets().map_while(Result::ok);
    inside.then(|| items.take_while(|&(start, _)| start <= offset).count().saturating_sub(1))
}

/// Returns the place of the instruction of a function at an offset, or of the function itself where it has
/// none there.
fn instruction_at(function: &Func<'_>, body: &FunctionBody<'_>, offset: usize) -> Option<Span> {
    let range = body.range();
    if offset < range.start || range.end < offset {
        return None;
    }
    let FuncKind::Inline { expression, .. } = &function.kind else { return None };
    let operators = body.get_operators_reader().ok()?.into_iter_with_offsets().map_while(Result::ok);
    let begun = operators.take_while(|&(_, start)| start <= offset).count();
    let spans = expression.instr_spans.as_deref().unwrap_or_default();
    // The last operator, which ends the function, is none of the text's.
    let last = begun.min(spans.len()).checked_sub(1);
    Some(last.map_or(function.span, |position| spans[position]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line and the column of what the binary form has at an offset.
    fn place(text: &str, offset: usize) -> Option<(usize, usize)> {
        span_at(text, offset).map(|span| span.linecol_in(text))
    }

    #[test]
    fn every_instruction_is_found() {
        let text = "(module
  (import \"m\" \"f\" (func (param i32)))
  (func (param i32) (result i32)
    (block (br_if 0 (local.get 0)))
    i32.const 1
    drop
    (i32.add (i32.const 2)
      (i32.const 3)))
  (func unreachable))";
        let binary = encode(Path::new("a"), text.as_bytes()).expect("UTF-8").expect("a module");
        let bodies = Parser::new(0).parse_all(&binary).filter_map(|payload| match payload.expect("valid") {
            Payload::CodeSectionEntry(body) => Some(body),
            _ => None,
        });
        let operators =
            bodies.flat_map(|body| body.get_operators_reader().expect("valid").into_iter_with_offsets());
        let places: Vec<_> =
            operators.map(|operator| place(text, operator.expect("valid").1).expect("a place")).collect();
        // The block ends at its parenthesis.
        let expected = [
            (3, 5),
            (3, 21),
            (3, 12),
            (3, 34),
            (4, 4),
            (5, 4),
            (6, 14),
            (7, 7),
            (6, 5),
            (6, 5),
            (8, 8),
            (8, 8),
        ];
        assert_eq!(places, expected);
    }

    #[test]
    fn long_lines_are_cut() {
        assert_eq!(excerpt("\t(x)", 1), (" (x)".into(), 1));
        let line = format!("{}!{}", "a".repeat(1000), "b".repeat(1000));
        let (part, before) = excerpt(&line, 1000);
        assert_eq!(part.chars().nth(before), Some('!'));
        assert!(part.len() < 120 && part.starts_with("...a") && part.ends_with("b..."), "{part}");
        let (part, before) = excerpt(&line, 5);
        assert!(
            part.len() < 120 && part.starts_with("aaa") && part.ends_with("a...") && before == 5,
            "{part}"
        );
        assert_eq!(excerpt("short", 5), ("short".into(), 5));
    }
}
