//! Functions that are made to take the verifier long, or much memory: huge frames, many blocks, deep loops.
//! Each is examined within the bounds that its size sets, in a process of its own, whose peak of memory is
//! measured.

use crate::broken::{Broken, EPILOGUE, PROLOGUE};
use std::process::Command;
use wasmaot_tests::report;
use wasmaot_verifier::{Property, verify};

/// Bytes of memory for each byte of code, as the verifier's documentation promises, and beside that.
const BYTES: u64 = 64;
const BESIDE: u64 = 8 << 20;

/// The variable that tells the child which case it is.
const CASE: &str = "WASMAOT_VERIFY_HOSTILE";

/// Code of at most a length.
type Case = (&'static str, fn(usize) -> Vec<u8>);

const CASES: &[Case] = &[
    ("words", |length| [vec![0x53; length / 2], vec![0x90; length / 2]].concat()),
    ("blocks", |length| [0x74, 0].repeat(length / 2)),
    ("words and blocks", |length| [vec![0x53; length / 4], [0x74, 0].repeat(length * 3 / 8)].concat()),
    ("words and jumps", |length| [vec![0x53; length / 4], [0xeb, 0].repeat(length * 3 / 8)].concat()),
    ("words that change", |length| {
        // A loop that counts in every word: mov [rsp + at], rax; mov rax, [rsp + at + 8]
        let words = (0..(length / 20) as i32).flat_map(|word| {
            let (at, next) = ((word * 8).to_le_bytes(), (word * 8 + 8).to_le_bytes());
            [&[0x48, 0x89, 0x84, 0x24][..], &at, &[0x48, 0x8b, 0x84, 0x24], &next].concat()
        });
        let frame = (length / 20 * 8 + 32) / 16 * 16;
        let pushes = vec![0x53; frame / 8];
        let mut code: Vec<u8> = pushes.into_iter().chain(words).collect();
        code.extend_from_slice(&[0x0f, 0x84]);
        let back = -((code.len() - frame / 8 + 4) as i32);
        code.extend_from_slice(&back.to_le_bytes());
        code
    }),
    ("deep loops", |length| {
        // One in another: all begin at the start, one after the other, and end at the end.
        let depth = length / 8;
        let mut code = vec![0x90; depth * 2];
        for level in 0..depth {
            let back = (depth - 1 - level) as i64 * 2 - (code.len() as i64 + 6);
            code.extend_from_slice(&[0x0f, 0x84]);
            code.extend_from_slice(&(back as i32).to_le_bytes());
        }
        code
    }),
];

fn module() -> Broken {
    let long = "(i64.xor (i64.mul (i64.const 0x123456789abcdef)) (local.get 0))".repeat(30_000);
    Broken::of(&format!(r#"(module (func $f (export "f") (param i64) (result i64) (local.get 0) {long}))"#))
}

fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

/// Examines a case and says what became of it: peak before, peak behind, and the verdict.
fn examine(number: usize) {
    let broken = module();
    let range = broken.function(0);
    let (_, code) = CASES[number];
    let room = range.length as usize - PROLOGUE.len() - EPILOGUE.len();
    let code = code(room - 64);
    assert!(code.len() <= room, "{} bytes are too many for {room}", code.len());
    let file = broken.artifact.with_code(&range, &[PROLOGUE, &code, EPILOGUE].concat());
    drop(broken);
    // From here on, the peak is counted anew.
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux has it");
    let before = peak();
    let verdict = match verify(&file) {
        Ok(_) => "proven".to_string(),
        Err(refused) => refused.rejections[0].property.name().to_string(),
    };
    println!("result: {before} {} {} {verdict}", peak(), range.length);
}

#[test]
fn sizes_are_bounded() {
    if let Ok(number) = std::env::var(CASE) {
        return examine(number.parse().expect("a number"));
    }
    for (number, (name, _)) in CASES.iter().enumerate() {
        let mut child = Command::new(std::env::current_exe().expect("this program"));
        child.args(["--exact", "hostile::sizes_are_bounded", "--nocapture"]).env(CASE, number.to_string());
        let output = child.output().expect("it starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let result = text.lines().find_map(|line| line.split("result: ").nth(1));
        let result =
            result.unwrap_or_else(|| panic!("{name}: {text}{}", String::from_utf8_lossy(&output.stderr)));
        let fields: Vec<&str> = result.split(' ').collect();
        let [before, behind, length] = [0, 1, 2].map(|field| fields[field].parse::<u64>().expect("a number"));
        report(format_args!(
            "{name}: {} bytes of code, {} bytes more, {}",
            length,
            behind - before,
            fields[3]
        ));
        assert!(behind - before <= BYTES * length + BESIDE, "{name} takes {} bytes", behind - before);
        assert!(["proven", Property::Limits.name()].contains(&fields[3]), "{name}: {}", fields[3]);
    }
}
