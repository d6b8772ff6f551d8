//! Nothing leads out while others change the tree: links and directories that are swapped during the call,
//! parents that move, names that are made for links in another place, and the links of `/proc`.
//!
//! The guest's side is every operation of [`super`], by both ways to resolve a path; the other side is a
//! thread of the host, which a guest's own threads or other instances could be. **What must hold**: what lies
//! outside is as before, and no call ever gave it.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink as host_symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rustix::fs::{RenameFlags, Timespec};

use super::tests::{RESOLVERS, Tree, c, each_way};
use super::*;

/// How often each operation meets each swap, by each way.
const ROUNDS: usize = 100;

/// What is outside, to see that it stays as it is.
#[derive(Debug, PartialEq)]
struct Outside {
    names: Vec<String>,
    ino: u64,
    links: u64,
    modified: (i64, i64),
    contents: Vec<u8>,
}

fn outside(tree: &Tree) -> Outside {
    let path = tree.outside.path().join("secret");
    let secret = fs::metadata(&path).expect("there");
    Outside {
        names: tree.outside_names(),
        ino: secret.ino(),
        links: secret.nlink(),
        modified: (secret.mtime(), secret.mtime_nsec()),
        contents: fs::read(path).expect("readable"),
    }
}

/// Exchanges each pair of paths over and over while `test` runs.
fn while_swapping(pairs: &[[&Path; 2]], test: impl FnOnce()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Relaxed) {
                for [a, b] in pairs {
                    // What an operation has just removed is not there to be exchanged.
                    _ = rustix::fs::renameat_with(CWD, *a, CWD, *b, RenameFlags::EXCHANGE);
                }
            }
        });
        // Also when the test fails, so that the other thread ends.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
        done.store(true, Relaxed);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

fn ino(file: Result<OwnedFd, Errno>) -> Option<u64> {
    file.ok().map(|file| rustix::fs::fstat(file).expect("open").st_ino)
}

/// Every operation on `path`. What an operation made or moved inside is cleared away for the next round.
fn every_operation(dir: BorrowedFd<'_>, path: &CStr, secret: u64) {
    for flags in [OFlags::RDONLY, OFlags::PATH, OFlags::WRONLY | OFlags::TRUNC, OFlags::RDWR | OFlags::CREATE]
    {
        let mode = if flags.contains(OFlags::CREATE) { Mode::RUSR | Mode::WUSR } else { Mode::empty() };
        assert_ne!(ino(open(dir, path, flags, mode)), Some(secret), "{path:?} with {flags:?}");
    }
    let long_ago = Timespec { tv_sec: 1000, tv_nsec: 0 };
    let times = Timestamps { last_access: long_ago, last_modification: long_ago };
    for follow in [false, true] {
        assert_ne!(stat(dir, path, follow).map(|stat| stat.st_ino), Ok(secret), "{path:?}");
        _ = set_times(dir, path, follow, &times);
        _ = link(dir, path, follow, dir, c"linked");
        assert_ne!(stat(dir, c"linked", false).map(|stat| stat.st_ino), Ok(secret), "{path:?}");
        _ = unlink_file(dir, c"linked");
    }
    // What a link inside says is no secret; that it never names the host's tree is checked elsewhere.
    _ = read_link(dir, path);
    _ = rename(dir, path, dir, c"moved");
    assert_ne!(stat(dir, c"moved", false).map(|stat| stat.st_ino), Ok(secret), "{path:?}");
    _ = rename(dir, c"moved", dir, path);
    _ = unlink_file(dir, c"moved");
    _ = unlink_file(dir, path);
    _ = create_directory(dir, path);
    _ = remove_directory(dir, path);
    _ = symlink(c"nowhere", dir, path);
    _ = unlink_file(dir, path);
    _ = open(dir, path, OFlags::WRONLY | OFlags::CREATE, Mode::RUSR | Mode::WUSR);
}

/// A directory on the way becomes a link that leads out, and the last name a link to the secret.
#[test]
fn links_that_are_swapped_in_do_not_lead_out() {
    let tree = Tree::new();
    let inside = tree.inside();
    fs::create_dir(inside.join("swap")).expect("made");
    fs::write(inside.join("swap/secret"), "decoy").expect("written");
    host_symlink("..", inside.join("swap_link")).expect("linked");
    fs::write(inside.join("last"), "decoy").expect("written");
    host_symlink("../secret", inside.join("last_link")).expect("linked");
    let before = outside(&tree);
    let (swap, swap_link) = (inside.join("swap"), inside.join("swap_link"));
    let (last, last_link) = (inside.join("last"), inside.join("last_link"));
    while_swapping(&[[&swap, &swap_link], [&last, &last_link]], || {
        each_way(|| {
            for _ in 0..ROUNDS {
                for path in [c"swap/secret", c"last", c"dir/../swap/secret", c"swap/secret/"] {
                    every_operation(tree.dir(), path, before.ino);
                }
                // The links themselves may have been unlinked or replaced.
                _ = host_symlink("..", &swap_link);
                _ = host_symlink("../secret", &last_link);
            }
        });
    });
    assert_eq!(outside(&tree), before);
}

/// Directories on the way move up, and out, so that a `..` would lead elsewhere than when the walk came by.
#[test]
fn parents_that_move_do_not_lead_out() {
    let tree = Tree::new();
    let inside = tree.inside();
    for directory in ["a/b/c", "other/b/c"] {
        fs::create_dir_all(inside.join(directory)).expect("made");
    }
    fs::create_dir_all(inside.join("high/c")).expect("made");
    fs::create_dir_all(tree.outside.path().join("parked/c")).expect("made");
    let before = outside(&tree);
    let (deep, high, parked) = (inside.join("a/b"), inside.join("high"), tree.outside.path().join("parked"));
    let paths = [
        c"a/b/../secret",
        c"a/b/../../secret",
        c"a/b/c/../../secret",
        c"a/b/c/../../../secret",
        c"a/b/c/../../../../secret",
        c"high/c/../../secret",
        c"a/b/c/../../../dir/../../secret",
    ];
    while_swapping(&[[&deep, &high], [&deep, &parked]], || {
        each_way(|| {
            for _ in 0..ROUNDS {
                for path in paths {
                    every_operation(tree.dir(), path, before.ino);
                }
            }
        });
    });
    assert_eq!(outside(&tree), before);
}

/// A link that stays inside where it lies is given a name where it would lead out.
#[test]
fn links_with_new_names_do_not_lead_out() {
    each_way(|| {
        let tree = Tree::new();
        let (dir, before) = (tree.dir(), outside(&tree));
        symlink(c"../../secret", dir, c"dir/deep/link").expect("it stays inside");
        link(dir, c"dir/deep/link", false, dir, c"dir/linked").expect("the link itself");
        rename(dir, c"dir/deep/link", dir, c"dir/moved").expect("the link itself");
        for path in [c"dir/linked", c"dir/moved", c"secret_rel", c"dir/out"] {
            leads_nowhere(dir, path);
            assert_eq!(link(dir, path, true, dir, c"new"), Err(Errno::Perm), "{path:?}");
            link(dir, path, false, dir, c"new").expect("the link itself");
            leads_nowhere(dir, c"new");
            unlink_file(dir, c"new").expect("the link itself");
        }
        // A directory has one name, so that what is above it is certain.
        for follow in [false, true] {
            assert_eq!(link(dir, c"dir", follow, dir, c"new"), Err(Errno::Perm));
            assert_eq!(link(dir, c"../secret", follow, dir, c"new"), Err(Errno::Perm));
        }
        assert_eq!(outside(&tree), before);
    });
}

/// Nothing is found through a link that leads out.
fn leads_nowhere(dir: BorrowedFd<'_>, path: &CStr) {
    for flags in [OFlags::RDONLY, OFlags::PATH, OFlags::WRONLY | OFlags::TRUNC] {
        assert_eq!(open(dir, path, flags, Mode::empty()).map(drop), Err(Errno::Perm), "{path:?}");
    }
    let below = c(&format!("{}/x", path.to_str().expect("text")));
    for path in [path, &*below] {
        assert!(matches!(stat(dir, path, true), Err(Errno::Perm | Errno::NotDir)), "{path:?}");
    }
}

/// The links of `/proc` lead to what a descriptor or a process has, whatever their text says. Even with
/// `/proc` itself none is followed.
#[test]
fn links_of_proc_are_not_followed() {
    let tree = Tree::new();
    let proc: OwnedFd = fs::File::open("/proc").expect("opens").into();
    let pipe = std::io::pipe().expect("a pipe");
    let magic = ["root", "cwd", "exe"].map(str::to_owned);
    let descriptors = [tree.dir().as_raw_fd(), pipe.0.as_raw_fd()].map(|fd| format!("fd/{fd}"));
    let mut tried = 0;
    for process in ["self", "thread-self", "self/task/../../self"] {
        for link in magic.iter().chain(&descriptors) {
            for tail in ["", "/", "/.", "/..", "/etc/passwd", "/secret"] {
                let path = c(&format!("{process}/{link}{tail}"));
                for (name, open) in RESOLVERS {
                    for flags in [OFlags::RDONLY, OFlags::PATH, OFlags::PATH | OFlags::DIRECTORY] {
                        let result = open(proc.as_fd(), &path, flags, Mode::empty()).map(drop);
                        assert!(result.is_err(), "{path:?} by {name} with {flags:?}");
                        tried += 1;
                    }
                }
            }
        }
    }
    assert_eq!(tried, 3 * 5 * 6 * 2 * 3);
    each_way(|| {
        assert!(open(proc.as_fd(), c"self/stat", OFlags::RDONLY, Mode::empty()).is_ok(), "an ordinary link");
        assert!(link(proc.as_fd(), c"self/exe", true, tree.dir(), c"new").is_err());
        let kept = c(&format!("self/{}", descriptors[0]));
        assert!(link(proc.as_fd(), &kept, true, tree.dir(), c"new").is_err());
        assert!(read_link(proc.as_fd(), c"self/cwd").is_err(), "where the host works is not told");
    });
    assert_eq!(tree.outside_names(), ["box", "secret"]);
}
