//! Links and names in directories, and that no path leads out of the directory that was given, also while
//! others change the tree.

use crate::files::{Place, on};
use crate::{flags, show, text};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::slice::from_ref;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use wasmaot_component::Val;

pub(crate) fn all() {
    links_and_names_are_made_and_moved();
    nothing_leads_out();
}

#[test]
fn links_and_names_are_made_and_moved() {
    let mut place = Place::new();
    fs::write(place.path("f"), "content").expect("room");
    place.gives("symlink-at", &[text("f"), text("link")], "ok");
    place.gives("symlink-at", &[text("f"), text("link")], "err(exist)");
    place.gives("readlink-at", &[text("link")], r#"ok("f")"#);
    place.gives("readlink-at", &[text("f")], "err(invalid)");
    place.gives("readlink-at", &[text("missing")], "err(no-entry)");
    let root = place.root.clone();
    let (itself, follow) = (flags(&[]), flags(&["symlink-follow"]));
    place.gives("link-at", &[itself.clone(), text("f"), root.clone(), text("hard")], "ok");
    place.gives("link-at", &[itself.clone(), text("f"), root.clone(), text("hard")], "err(exist)");
    place.gives("link-at", &[itself.clone(), text("missing"), root.clone(), text("n")], "err(no-entry)");
    place.gives("link-at", &[follow, text("link"), root.clone(), text("behind")], "ok");
    assert_eq!(fs::metadata(place.path("behind")).expect("made").nlink(), 3);
    place.gives("link-at", &[itself, text("link"), root.clone(), text("twice")], "ok");
    assert!(fs::symlink_metadata(place.path("twice")).expect("made").is_symlink());
    place.gives("rename-at", &[text("hard"), root.clone(), text("moved")], "ok");
    place.gives("rename-at", &[text("hard"), root.clone(), text("moved")], "err(no-entry)");
    place.gives("create-directory-at", &[text("d")], "ok");
    place.gives("rename-at", &[text("moved"), root.clone(), text("d")], "err(is-directory)");
    place.gives("rename-at", &[text("d"), root.clone(), text("moved")], "err(not-directory)");
    place.gives("rename-at", &[text("d"), root.clone(), text("d/inside")], "err(invalid)");
    let directory = place.open("d", &["directory"], &["read", "mutate-directory"]);
    place.gives("rename-at", &[text("moved"), directory, text("inside")], "ok");
    assert_eq!(fs::read(place.path("d/inside")).expect("moved"), b"content");
    place.gives("rename-at", &[text("d"), root, text(".")], "err(busy)");
}

/// A secret beside the directory that is given, and links that lead there.
fn with_a_secret() -> Place {
    let place = Place::new();
    let outside = place.folder.path().parent().expect("a parent").to_path_buf();
    let name = place.folder.path().file_name().expect("a name").to_str().expect("UTF-8").to_string();
    let secret = outside.join(format!("{name}-secret"));
    fs::write(&secret, "secret").expect("room");
    fs::create_dir_all(place.path("d/deep")).expect("room");
    fs::write(place.path("f"), "file").expect("room");
    let links = [
        (format!("../{name}-secret"), "relative"),
        (secret.to_str().expect("UTF-8").to_string(), "absolute"),
        ("..".to_string(), "up"),
        ("/".to_string(), "root"),
        ("/proc/self/fd".to_string(), "descriptors"),
        (format!("../../{name}-secret"), "d/out"),
        (format!("../{name}-missing"), "dangling"),
    ];
    for (target, name) in links {
        symlink(target, place.path(name)).expect("room");
    }
    place
}

fn secret_of(place: &Place) -> std::path::PathBuf {
    let mut path = place.folder.path().as_os_str().to_owned();
    path.push("-secret");
    path.into()
}

/// Every operation on a path that leads out.
#[test]
fn nothing_leads_out() {
    let mut place = with_a_secret();
    let secret = secret_of(&place);
    let name = secret.file_name().expect("a name").to_str().expect("UTF-8").to_string();
    let absolute = secret.to_str().expect("UTF-8").to_string();
    let root = place.root.clone();
    let (itself, follow) = (|| flags(&[]), || flags(&["symlink-follow"]));
    let keep = || Val::Variant("now".to_string(), None);
    let denied = "err(not-permitted)";
    let beyond = [
        format!("../{name}"),
        format!("d/../../{name}"),
        format!("up/{name}"),
        absolute.clone(),
        format!("root{absolute}"),
    ];
    for path in beyond.iter().map(|path| text(path)) {
        for (function, args) in [
            ("open-at", &[follow(), path.clone(), itself(), flags(&["read"])][..]),
            ("open-at", &[itself(), path.clone(), flags(&["create"]), flags(&["write"])]),
            ("stat-at", &[itself(), path.clone()]),
            ("stat-at", &[follow(), path.clone()]),
            ("metadata-hash-at", &[follow(), path.clone()]),
            ("set-times-at", &[itself(), path.clone(), keep(), keep()]),
            ("readlink-at", from_ref(&path)),
            ("unlink-file-at", from_ref(&path)),
            ("remove-directory-at", from_ref(&path)),
            ("create-directory-at", from_ref(&path)),
            ("symlink-at", &[text("f"), path.clone()]),
            ("rename-at", &[path.clone(), root.clone(), text("n")]),
            ("rename-at", &[text("f"), root.clone(), path.clone()]),
            ("link-at", &[itself(), path.clone(), root.clone(), text("n")]),
            ("link-at", &[itself(), text("f"), root.clone(), path.clone()]),
            ("link-at", &[follow(), path.clone(), root.clone(), text("n")]),
        ] {
            place.gives(function, args, denied);
        }
    }
    // Links at the end are followed, or not.
    for link in ["relative", "absolute", "d/out", "dangling"] {
        for (function, args) in [
            ("open-at", &[follow(), text(link), itself(), flags(&["read"])][..]),
            ("open-at", &[follow(), text(link), flags(&["create"]), flags(&["write"])]),
            ("open-at", &[follow(), text(link), flags(&["truncate"]), flags(&["write"])]),
            ("stat-at", &[follow(), text(link)]),
            ("metadata-hash-at", &[follow(), text(link)]),
            ("set-times-at", &[follow(), text(link), keep(), keep()]),
            ("link-at", &[follow(), text(link), root.clone(), text("n")]),
        ] {
            place.gives(function, args, denied);
        }
        let shown = show(&place.call("stat-at", &[itself(), text(link)]));
        assert!(shown.starts_with("ok({type: symbolic-link"), "{shown}");
    }
    for link in ["up", "root", "descriptors"] {
        place.gives("open-at", &[follow(), text(link), flags(&["directory"]), flags(&["read"])], denied);
    }
    // What leads out of any directory, a guest neither learns nor makes.
    place.gives("readlink-at", &[text("absolute")], denied);
    place.gives("symlink-at", &[text("/etc/passwd"), text("n")], denied);
    // A directory that was opened beneath is as far as its own paths go.
    let deep = place.open("d/deep", &["directory"], &["read", "mutate-directory"]);
    for path in ["..", "../../f", "../deep"] {
        let args = [deep.clone(), follow(), text(path), itself(), flags(&["read"])];
        place.guest.gives(&on("open-at"), &args, denied);
    }
    assert_eq!(fs::read(&secret).expect("it is there"), b"secret");
    fs::remove_file(secret).expect("it is there");
}

/// What is about files and paths once more, where paths are walked a component at a time.
#[test]
fn paths_are_walked_without_openat2() {
    let mut child = std::process::Command::new(std::env::current_exe().expect("this program"));
    // Not this one, which would never end.
    child.args(["links::", "files::", "--skip", "paths_are_walked"]);
    let output = wasmaot_tests::without_openat2(&mut child).output().expect("it starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && !printed.contains(" 0 passed"), "{printed}");
}

/// Exchanges two names over and over while a test runs.
fn while_swapping(one: &Path, other: &Path, test: impl FnOnce()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Relaxed) {
                let (cwd, exchange) = (rustix::fs::CWD, rustix::fs::RenameFlags::EXCHANGE);
                // What was just removed is not there to be exchanged.
                _ = rustix::fs::renameat_with(cwd, one, cwd, other, exchange);
            }
        });
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
        done.store(true, Relaxed);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

/// A directory on the way becomes a link that leads out while the guest follows it.
#[test]
fn links_that_are_swapped_in_do_not_lead_out() {
    let mut place = with_a_secret();
    let secret = secret_of(&place);
    let before = fs::metadata(&secret).expect("it is there");
    let name = secret.file_name().expect("a name").to_str().expect("UTF-8").to_string();
    let (swap, link) = (place.path("swap"), place.path("swap-link"));
    fs::create_dir(&swap).expect("room");
    fs::write(swap.join(&name), "decoy").expect("room");
    symlink("..", &link).expect("room");
    let path = text(&format!("swap/{name}"));
    let root = place.root.clone();
    while_swapping(&swap, &link, || {
        for _ in 0..300 {
            let args = [flags(&["symlink-follow"]), path.clone(), flags(&[]), flags(&["read", "write"])];
            if let Val::Result(Ok(Some(file))) = place.call("open-at", &args) {
                let read = place.guest.call(&on("read"), &[(*file).clone(), crate::u64(9), crate::u64(0)]);
                assert!(!show(&read).contains("secret"), "{}", show(&read));
                place.guest.drop("wasi:filesystem/types#descriptor", *file);
            }
            place.call("link-at", &[flags(&[]), path.clone(), root.clone(), text("made")]);
            if let Ok(metadata) = fs::metadata(place.folder.path().join("made")) {
                assert_ne!(metadata.ino(), before.ino());
            }
            place.call("unlink-file-at", &[text("made")]);
        }
    });
    let after = fs::metadata(&secret).expect("it is there");
    assert_eq!((before.nlink(), before.mtime(), before.len()), (after.nlink(), after.mtime(), after.len()));
    fs::remove_file(secret).expect("it is there");
}
