//! Every declaration of the header beside what it is in Rust: functions by their types, structures by their
//! layout as a C compiler has it, constants by their values.
//!
//! **Invariant: the lists of names come from the header**, so nothing in it stays unchecked.

use crate::header;
use crate::library::{C99, Linked, folder, repository, run};
use crate::parsed::{Header, exported};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::mem::offset_of;
use std::process::Command;
use wasmaot::error::wasmaot_frame_t;
use wasmaot::instance::{self, wasmaot_usage_t};
use wasmaot::limits::{wasmaot_module_limits_t, wasmaot_resource_limits_t};
use wasmaot::module::{
    wasmaot_export_t, wasmaot_externtype_t, wasmaot_globaltype_t, wasmaot_import_t, wasmaot_limits_t,
    wasmaot_memorytype_t, wasmaot_tabletype_t,
};
use wasmaot::numbers::{ERROR_KINDS, HOST_SIGNALS, HOT_SETS, MODULES, RESETS};
use wasmaot::pool::{wasmaot_pool_config_t, wasmaot_pool_stats_t, wasmaot_start_t};
use wasmaot::references::{wasmaot_exnref_t, wasmaot_funcref_t};
use wasmaot::value::{wasmaot_functype_t, wasmaot_value_t};
use wasmaot_compiler_c::wasmaot_compile_options_t;
use wasmaot_runtime::TrapCode;

/// Numbers by what they say something of.
type Figures = BTreeMap<String, Vec<u64>>;

/// Fails unless a folder of sources exports what a header declares.
fn are_defined(header: Header, sources: &str) {
    let mut declared = header.functions;
    declared.extend(header.callbacks);
    let defined = exported(&repository().join(sources));
    let names = |functions: &BTreeMap<String, _>| functions.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&declared), names(&defined));
    for (name, signature) in &declared {
        assert_eq!(signature, &defined[name], "{name}");
    }
}

#[test]
fn functions_have_the_types_that_the_headers_declare() {
    are_defined(Header::parse(&header::text()), "runtime-shim/capi/src");
    are_defined(Header::parse(&header::compilers()), "compiler/capi/src");
}

/// Returns the size of the field that an accessor refers to.
fn size<T, F>(_: fn(&T) -> &F) -> u64 {
    size_of::<F>() as u64
}

/// Size and alignment of structures, and offset and size of their fields.
macro_rules! layouts {
    ($into:expr; $($name:ident { $($field:ident)* })*) => {$(
        $into.insert(stringify!($name).into(), vec![size_of::<$name>() as u64, align_of::<$name>() as u64]);
        $(
            let field = match stringify!($field) {
                "ty" => "type",
                field => field,
            };
            let place = vec![offset_of!($name, $field) as u64, size::<$name, _>(|value| &value.$field)];
            $into.insert(format!("{}.{field}", stringify!($name)), place);
        )*
    )*};
}

fn layouts_in_rust() -> Figures {
    let mut figures = Figures::new();
    layouts! { figures;
        wasmaot_compile_options_t {
            opt jobs target_cpu disabled max_memory timeout max_function_size meter native_relaxed_simd
        }
        wasmaot_frame_t { func_index wasm_offset name file line column }
        wasmaot_funcref_t { instance index }
        wasmaot_exnref_t { instance index }
        wasmaot_value_t { ty of }
        wasmaot_functype_t { params params_count results results_count }
        wasmaot_limits_t { min max }
        wasmaot_memorytype_t { pages page_size is_64 is_shared }
        wasmaot_tabletype_t { elements ty is_64 }
        wasmaot_globaltype_t { ty is_mutable }
        wasmaot_externtype_t { kind of }
        wasmaot_import_t { module module_length name name_length ty }
        wasmaot_export_t { name name_length ty }
        wasmaot_module_limits_t {
            memories tables total_elements globals functions types tags segments written_pages mappings
        }
        wasmaot_resource_limits_t { memory table addresses fuel deadline cpu_time nesting exceptions trap }
        wasmaot_pool_config_t {
            slots stack memory table reset hot_sets nesting host_signals addresses total_addresses exceptions
            modules
        }
        wasmaot_pool_stats_t { slots in_use free started exhausted made copied scanned dropped failed removed moved }
        wasmaot_start_t { data wasi tenant limits }
        wasmaot_usage_t { memory operators fuel host_calls bytes_read bytes_written reset }
    }
    figures
}

/// Values of constants.
macro_rules! constants {
    ($into:expr; $prefix:literal, $module:path: $($name:ident)*) => {{
        use $module as numbers;
        $($into.insert(concat!("WASMAOT_", $prefix, stringify!($name)).into(), vec![u64::from(numbers::$name)]);)*
    }};
}

/// `StackOverflow` as C has it.
fn constant(variant: &str) -> String {
    let mut name = String::new();
    for (at, c) in variant.char_indices() {
        if at > 0 && c.is_uppercase() {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    name
}

fn constants_in_rust() -> Figures {
    let mut figures = Figures::new();
    let enumerations: [(&str, Vec<_>); 5] = [
        ("ERROR", ERROR_KINDS.names().collect()),
        ("RESET", RESETS.names().collect()),
        ("HOT_SETS", HOT_SETS.names().collect()),
        ("SIGNALS", HOST_SIGNALS.names().collect()),
        ("MODULES", MODULES.names().collect()),
    ];
    for (prefix, (name, number)) in
        enumerations.into_iter().flat_map(|(prefix, names)| names.into_iter().map(move |name| (prefix, name)))
    {
        figures.insert(format!("WASMAOT_{prefix}_{name}"), vec![number.into()]);
    }
    constants!(figures; "EXTERN_", wasmaot::module::kind: FUNC TABLE MEMORY GLOBAL TAG);
    constants!(figures; "", wasmaot_compiler_c::status: COMPILED);
    constants!(figures; "COMPILE_", wasmaot_compiler_c::status: USAGE INVALID UNSUPPORTED LIMIT SYSTEM INTERNAL);
    constants!(figures; "OPT_", wasmaot_compiler_c::opt: DEFAULT NONE SPEED FULL);
    constants!(figures; "", wasmaot::value::kind: I32 I64 F32 F64 V128 FUNCREF EXTERNREF EXNREF);
    let traps = TrapCode::ALL.iter().map(|code| (constant(&format!("{code:?}")), *code as u64));
    for (name, number) in traps.chain([("NONE".into(), 0)]) {
        figures.insert(format!("WASMAOT_TRAP_{name}"), vec![number]);
    }
    let mut version = env!("CARGO_PKG_VERSION").split('.').map(|part| part.parse().expect("a number"));
    for part in ["MAJOR", "MINOR", "PATCH"] {
        let number = version.next().expect("three numbers");
        figures.insert(format!("WASMAOT_VERSION_{part}"), vec![number]);
    }
    let others = [
        ("KEY_BYTES", wasmaot::loader::KEY_BYTES as u64),
        ("NO_OFFSET", u64::from(wasmaot::error::NO_OFFSET)),
        ("NULL_EXTERNREF", wasmaot::value::NULL.into()),
        ("NO_MAX", wasmaot::module::NO_MAX),
        ("NOT_COUNTED", instance::NOT_COUNTED),
        ("NOT_GROWN", wasmaot::exports::NOT_GROWN),
    ];
    figures.extend(others.map(|(name, number)| (format!("WASMAOT_{name}"), vec![number])));
    figures
}

/// The names that the headers define by the preprocessor, but for their guards and the version in words.
fn defined(text: &str) -> Vec<&str> {
    let names = text.lines().filter_map(|line| line.strip_prefix("#define ")?.split(' ').next());
    names.filter(|name| !["WASMAOT_H", "WASMAOT_COMPILER_H", "WASMAOT_VERSION"].contains(name)).collect()
}

/// A program that prints the layouts and constants which headers declare.
fn program(text: &str) -> String {
    let header = Header::parse(text);
    let mut lines = String::from(
        "#include <stdio.h>\n#include <wasmaot.h>\n#include <wasmaot-compiler.h>\n\
        #define PRINT(what, one, other) printf(\"%s %llu %llu\\n\", what, (unsigned long long)(one), (unsigned long long)(other))\n\
        #define NUMBER(name) printf(\"%s %llu\\n\", #name, (unsigned long long)(name))\n\
        #define FIELD(type, field) PRINT(#type \".\" #field, offsetof(type, field), sizeof ((type *)0)->field)\n\
        #define TYPE(type) do { struct aligned { char first; type second; }; \
        PRINT(#type, sizeof(type), offsetof(struct aligned, second)); } while (0)\n\
        int main(void) {\n",
    );
    for (structure, fields) in &header.structures {
        writeln!(lines, "    TYPE({structure});").expect("text");
        for field in fields {
            writeln!(lines, "    FIELD({structure}, {field});").expect("text");
        }
    }
    let enumerators = header.enumerations.values().flatten().map(String::as_str);
    for name in enumerators.chain(defined(text)) {
        writeln!(lines, "    NUMBER({name});").expect("text");
    }
    lines + "    return 0;\n}\n"
}

#[test]
fn layouts_and_constants_are_those_of_rust() {
    let source = folder("programs").join("layouts.c");
    std::fs::write(&source, program(&(header::text() + &header::compilers()))).expect("a file");
    let include = repository().join("compiler/capi/include");
    let program = C99.build_with("layouts", &[source], Linked::AtRunTime, |c| c.arg("-I").arg(include));
    let program = program.expect("there is a C compiler");
    let printed = run(&mut Command::new(program));
    let in_c = printed.lines().map(|line| {
        let mut words = line.split(' ');
        let name = words.next().expect("a name").to_string();
        (name, words.map(|word| word.parse().expect("a number")).collect())
    });
    let in_c: Figures = in_c.collect();
    let mut in_rust = layouts_in_rust();
    in_rust.extend(constants_in_rust());
    let differs = |name: &&String| in_c.get(*name) != in_rust.get(*name);
    let differing: Vec<_> = in_c.keys().chain(in_rust.keys()).filter(differs).collect();
    assert!(differing.is_empty(), "{differing:?}: in C {in_c:?}, in Rust {in_rust:?}");
    assert!(header::text().contains(&format!("#define WASMAOT_VERSION \"{}\"\n", env!("CARGO_PKG_VERSION"))));
}

/// The fields of a structure in a source of Rust's.
fn fields_in_rust(file: &str, structure: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository().join("runtime-shim/src").join(file)).expect("a source");
    let (_, rest) = text.split_once(&format!("pub struct {structure} {{")).expect("the structure");
    let (body, _) = rest.split_once("\n}").expect("its end");
    let names = body.lines().filter_map(|line| Some(line.trim().strip_prefix("pub ")?.split_once(':')?.0));
    let mut names: Vec<String> = names.map(String::from).collect();
    names.sort();
    names
}

#[test]
fn limits_have_their_names_in_rust() {
    let header = Header::parse(&header::text());
    let pairs = [
        ("state/limits.rs", "ResourceLimits", "wasmaot_resource_limits_t"),
        ("state/demand.rs", "ModuleLimits", "wasmaot_module_limits_t"),
        ("pool/config.rs", "PoolConfig", "wasmaot_pool_config_t"),
        ("pool/mod.rs", "PoolStats", "wasmaot_pool_stats_t"),
    ];
    for (file, rust, c) in pairs {
        let mut fields = header.structures[c].clone();
        fields.sort();
        assert_eq!(fields, fields_in_rust(file, rust), "{rust}");
    }
}
