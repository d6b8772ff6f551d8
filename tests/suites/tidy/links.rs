//! The guides and pages: links lead somewhere, and the book has all of them.

use std::path::PathBuf;
use wasmaot_tests::repository;

/// Folders with pages for readers.
const FOLDERS: [&str; 6] = ["", "benchmarks", "deploy", "docs", "fuzz", "runtime-shim/python"];

/// The pages directly in a folder of the repository.
fn pages(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository().join(folder)).expect(folder);
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// The targets of a page's links and pictures that are files, without the part behind `#`.
fn targets(text: &str) -> Vec<&str> {
    let prose = text.split("\n```").step_by(2);
    let links = prose.flat_map(|piece| piece.split("](").skip(1)).filter_map(|rest| rest.split(')').next());
    let pictures = ["src=\"", "srcset=\""].into_iter().flat_map(|attribute| text.split(attribute).skip(1));
    let pictures = pictures.filter_map(|rest| rest.split('"').next());
    let files = links.chain(pictures).map(|target| target.split('#').next().unwrap_or_default());
    files.filter(|target| !target.is_empty() && !target.contains("://") && !target.contains('<')).collect()
}

#[test]
fn every_link_leads_to_a_file() {
    let mut count = 0;
    for page in FOLDERS.into_iter().flat_map(pages) {
        let text = std::fs::read_to_string(&page).expect("UTF-8");
        let folder = page.parent().expect("a page is in a folder");
        for target in targets(&text) {
            count += 1;
            assert!(folder.join(target).exists(), "{}: no such file: {target}", page.display());
        }
    }
    assert!(count > 40, "only {count} links are found");
}

#[test]
fn the_book_has_every_guide() {
    let summary = std::fs::read_to_string(repository().join("docs/SUMMARY.md")).expect("there is a summary");
    for page in pages("docs") {
        let name = page.file_name().and_then(|name| name.to_str()).expect("UTF-8");
        assert!(
            name == "SUMMARY.md" || summary.contains(&format!("]({name})")),
            "docs/SUMMARY.md does not list {name}"
        );
    }
}
