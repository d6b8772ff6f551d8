//! The conformance programs that are about paths once more, in a process whose kernel has no `openat2`: paths
//! are walked a component at a time there.

use std::process::Command;

use crate::conformance::PART;
use wasmaot_tests::without_openat2;

#[test]
fn conformance_programs_pass_without_openat2() {
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args(["--exact", "conformance::conformance_programs_pass", "--nocapture"]).env(PART, "path");
    let status = without_openat2(&mut child).status().expect("it starts");
    assert!(status.success(), "{status}");
}
