//! Both ways to resolve a path find what is inside, agree on every error, and do not lead out. (What happens
//! while others change the tree is in `escapes.rs`.)

use std::cell::Cell;
use std::ffi::CString;
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, symlink as host_symlink};

use tempfile::TempDir;

use super::*;

thread_local! {
    /// Whether this thread does without what newer kernels have: `openat2`, and times set by descriptor
    /// alone.
    pub(super) static WALKS: Cell<bool> = const { Cell::new(false) };
}

/// Runs a test with the kernel's way to resolve a path and with the walk.
pub(super) fn each_way(test: impl Fn()) {
    for walks in [false, true] {
        WALKS.set(walks);
        test();
    }
    WALKS.set(false);
}

type Resolver = fn(BorrowedFd<'_>, &CStr, OFlags, Mode) -> Result<OwnedFd, Errno>;

/// Both ways to resolve a path.
pub(super) const RESOLVERS: [(&str, Resolver); 2] = [("openat2", open_by_kernel), ("walk", walk::open)];

pub(super) fn c(path: &str) -> CString {
    CString::new(path).expect("no NUL")
}

/// A tree with a secret beside the directory that the guest is given.
///
/// ```text
/// secret            box/
///                     file  dir/inner  dir/deep/
///                     links: to_file to_dir up root_abs secret_rel secret_abs loop_a<->loop_b dangling
///                            dir/back (..)  dir/out (../../secret)
/// ```
pub(super) struct Tree {
    pub(super) outside: TempDir,
    dir: OwnedFd,
}

impl Tree {
    pub(super) fn new() -> Self {
        let outside = tempfile::tempdir().expect("a temporary directory");
        let root = outside.path();
        let inside = root.join("box");
        fs::write(root.join("secret"), "secret").expect("written");
        fs::create_dir_all(inside.join("dir/deep")).expect("made");
        fs::write(inside.join("file"), "file").expect("written");
        fs::write(inside.join("dir/inner"), "inner").expect("written");
        let links = [
            ("file", "to_file"),
            ("dir", "to_dir"),
            ("dir/", "to_dir_slash"),
            ("..", "up"),
            ("/", "root_abs"),
            ("../secret", "secret_rel"),
            ("loop_b", "loop_a"),
            ("loop_a", "loop_b"),
            ("nowhere", "dangling"),
            ("../nowhere", "dangling_out"),
            ("..", "dir/back"),
            ("../../secret", "dir/out"),
            ("dir/./deep/../back/to_file", "winding"),
            ("/proc/self/fd", "fds"),
            ("dir/.", "to_dir_dot"),
            ("file/.", "to_file_dot"),
            ("new/.", "to_new_dot"),
        ];
        for (target, name) in links {
            host_symlink(target, inside.join(name)).expect("linked");
        }
        host_symlink(root.join("secret"), inside.join("secret_abs")).expect("linked");
        let dir = fs::File::open(&inside).expect("opens").into();
        Self { outside, dir }
    }

    pub(super) fn dir(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    pub(super) fn inside(&self) -> std::path::PathBuf {
        self.outside.path().join("box")
    }

    /// Everything outside of the box, to see that nothing was changed there.
    pub(super) fn outside_names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.outside.path()).expect("listed");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("read").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }
}

const ESCAPES: &[&str] = &[
    "..",
    "../",
    "../secret",
    "./../secret",
    "dir/../../secret",
    "dir/deep/../../../secret",
    "/",
    "/etc/passwd",
    "//etc/passwd",
    "up",
    "up/",
    "up/secret",
    "up/box/file",
    "root_abs/",
    "root_abs/etc/passwd",
    "secret_rel",
    "secret_abs",
    "dir/out",
    "to_dir/out",
    "dir/back/up/secret",
    "dir/back/../secret",
    "dangling_out",
    "fds/0",
    "../box/file",
];

#[test]
fn no_path_leads_out() {
    let tree = Tree::new();
    for (name, open) in RESOLVERS {
        for path in ESCAPES {
            for flags in [OFlags::RDONLY, OFlags::PATH, OFlags::RDWR | OFlags::CREATE] {
                let mode = if flags.contains(OFlags::CREATE) { Mode::RUSR } else { Mode::empty() };
                let result = open(tree.dir(), &c(path), flags | OFlags::CLOEXEC, mode).map(drop);
                // No file is made whose name ends in a slash, wherever it may lie.
                let no_file = path.ends_with('/') && flags.contains(OFlags::CREATE);
                let refused = result == Err(Errno::Perm) || no_file && result == Err(Errno::IsDir);
                assert!(refused, "{path} by {name} with {flags:?}: {result:?}");
            }
        }
    }
    assert_eq!(tree.outside_names(), ["box", "secret"]);
}

#[test]
fn loops_end() {
    let tree = Tree::new();
    for (name, open) in RESOLVERS {
        let result = open(tree.dir(), c"loop_a", OFlags::RDONLY, Mode::empty());
        assert_eq!(result.map(drop), Err(Errno::Loop), "{name}");
    }
}

#[test]
fn paths_inside_are_found() {
    let tree = Tree::new();
    let file = fs::metadata(tree.inside().join("file")).expect("there").ino();
    let inner = fs::metadata(tree.inside().join("dir/inner")).expect("there").ino();
    let cases = [
        ("file", file),
        ("./file", file),
        ("dir/../file", file),
        ("to_file", file),
        ("dir/back/file", file),
        ("winding", file),
        ("dir//inner", inner),
        ("to_dir/inner", inner),
        ("to_dir_slash/inner", inner),
        ("dir/deep/../inner", inner),
    ];
    for (name, open) in RESOLVERS {
        for (path, ino) in cases {
            let fd = open(tree.dir(), &c(path), OFlags::RDONLY, Mode::empty())
                .unwrap_or_else(|error| panic!("{path} by {name}: {error:?}"));
            assert_eq!(rustix::fs::fstat(fd).expect("stat").st_ino, ino, "{path} by {name}");
        }
    }
}

/// The walk is held to the kernel's answers, errors included.
#[test]
fn both_resolvers_agree() {
    let tree = Tree::new();
    let parts = ["", ".", "..", "dir", "deep", "inner", "file", "to_file", "to_dir", "up", "nowhere", "back"];
    let tails = ["", "/", "/."];
    let flags = [
        OFlags::RDONLY,
        OFlags::RDONLY | OFlags::NOFOLLOW,
        OFlags::RDONLY | OFlags::DIRECTORY,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW,
        OFlags::PATH,
        OFlags::PATH | OFlags::NOFOLLOW,
        OFlags::PATH | OFlags::DIRECTORY,
        OFlags::WRONLY,
    ];
    let mut compared = 0;
    for first in parts {
        for second in parts {
            for third in parts {
                for tail in tails {
                    let path = c(&format!("{first}/{second}/{third}{tail}"));
                    let relative = c(path.to_str().expect("text").trim_start_matches('/'));
                    for flags in flags {
                        agree(&tree, &relative, flags);
                        compared += 1;
                    }
                }
            }
        }
    }
    assert_eq!(compared, 12 * 12 * 12 * 3 * 8);
}

fn agree(tree: &Tree, path: &CStr, flags: OFlags) {
    let [kernel, walk] = RESOLVERS.map(|(_, open)| {
        let fd = open(tree.dir(), path, flags, Mode::empty())?;
        Ok::<_, Errno>(rustix::fs::fstat(fd)?.st_ino)
    });
    assert_eq!(walk, kernel, "{path:?} with {flags:?}");
}

/// The same where files are created: the name before a final `.` must be a directory, and a final
/// slash is refused.
#[test]
fn both_resolvers_agree_on_creation() {
    let tree = Tree::new();
    let parts = [
        "",
        ".",
        "..",
        "dir",
        "deep",
        "file",
        "new",
        "to_file",
        "to_dir",
        "to_dir_slash",
        "dangling",
        "to_dir_dot",
        "to_file_dot",
        "to_new_dot",
    ];
    let flags = [
        OFlags::WRONLY | OFlags::CREATE,
        OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL,
        OFlags::RDONLY | OFlags::CREATE | OFlags::NOFOLLOW,
    ];
    let create = |open: Resolver, path: &CStr, flags| {
        let fd = open(tree.dir(), path, flags, Mode::RUSR | Mode::WUSR)?;
        let stat = rustix::fs::fstat(&fd)?;
        // The tree's own files have contents.
        if stat.st_size == 0 {
            fs::remove_file(fs::read_link(by_descriptor(&fd)?.to_str().expect("text")).expect("a path"))
                .expect("new");
        }
        Ok::<_, Errno>(stat.st_size)
    };
    let mut created = 0;
    for first in parts {
        for second in parts {
            for tail in ["", "/", "/.", "/./", "//.", "/.."] {
                let path = c(&format!("{first}/{second}{tail}"));
                let path = c(path.to_str().expect("text").trim_start_matches('/'));
                for flags in flags {
                    let [kernel, walk] = RESOLVERS.map(|(_, open)| create(open, &path, flags));
                    assert_eq!(walk, kernel, "{path:?} with {flags:?}");
                    created += usize::from(walk == Ok(0));
                }
            }
        }
    }
    assert!(created > 10, "{created}");
    for (_, open) in RESOLVERS {
        for (path, error) in [("new/.", Errno::NoEnt), ("file/.", Errno::NotDir), ("dir/.", Errno::IsDir)] {
            assert_eq!(create(open, &c(path), flags[0]), Err(error), "{path}");
        }
    }
}

#[test]
fn changes_stay_inside() {
    each_way(|| {
        let tree = Tree::new();
        let dir = tree.dir();
        let outside = [
            "../new",
            "up/new",
            "dir/../../new",
            "/new",
            "to_dir/../../new",
            "dir/back/up/new",
            "root_abs/new",
        ];
        for path in outside {
            let path = &*c(path);
            assert_eq!(create_directory(dir, path), Err(Errno::Perm), "{path:?}");
            assert_eq!(remove_directory(dir, path), Err(Errno::Perm), "{path:?}");
            assert_eq!(unlink_file(dir, path), Err(Errno::Perm), "{path:?}");
            assert_eq!(symlink(c"file", dir, path), Err(Errno::Perm), "{path:?}");
            assert_eq!(rename(dir, c"file", dir, path), Err(Errno::Perm), "{path:?}");
            assert_eq!(rename(dir, path, dir, c"new"), Err(Errno::Perm), "{path:?}");
            assert_eq!(link(dir, c"file", false, dir, path), Err(Errno::Perm), "{path:?}");
            assert_eq!(link(dir, path, false, dir, c"new"), Err(Errno::Perm), "{path:?}");
            assert_eq!(read_link(dir, path), Err(Errno::Perm), "{path:?}");
            for follow in [false, true] {
                assert_eq!(stat(dir, path, follow).map(drop), Err(Errno::Perm), "{path:?}");
            }
        }
        assert_eq!(tree.outside_names(), ["box", "secret"]);
    });
}

/// The final name is a link that leads out: the link itself is meant, or nothing.
#[test]
fn final_links_are_not_followed() {
    each_way(|| {
        let tree = Tree::new();
        let dir = tree.dir();
        let outside = |path: &CStr| stat(dir, path, true).map(drop);
        for path in [c"up", c"secret_rel", c"secret_abs", c"root_abs"] {
            assert_eq!(outside(path), Err(Errno::Perm), "{path:?}");
            assert!(stat(dir, path, false).is_ok(), "the link itself is there: {path:?}");
            assert_eq!(create_directory(dir, path), Err(Errno::Exist));
            assert_eq!(symlink(c"file", dir, path), Err(Errno::Exist));
            assert_eq!(link(dir, c"file", false, dir, path), Err(Errno::Exist));
            assert_eq!(remove_directory(dir, path), Err(Errno::NotDir));
            link(dir, path, false, dir, c"linked").expect("the link itself is linked");
            assert_eq!(outside(c"linked"), Err(Errno::Perm));
            rename(dir, c"linked", dir, c"moved").expect("the link itself moves");
            unlink_file(dir, c"moved").expect("the link itself goes");
        }
        for path in [c"up/", c"root_abs/"] {
            assert_eq!(outside(path), Err(Errno::Perm));
            assert_eq!(stat(dir, path, false).map(drop), Err(Errno::Perm));
            assert_eq!(link(dir, path, false, dir, c"linked"), Err(Errno::Perm));
            assert_eq!(remove_directory(dir, path), Err(Errno::NotDir));
            assert_eq!(unlink_file(dir, path), Err(Errno::NotDir));
            assert_eq!(rename(dir, path, dir, c"moved"), Err(Errno::NotDir));
        }
        assert_eq!(tree.outside_names(), ["box", "secret"]);
    });
}

#[test]
fn dots_are_no_entries() {
    each_way(|| {
        let tree = Tree::new();
        let dir = tree.dir();
        for path in [c".", c"..", c"dir/.", c"dir/..", c"./", c"dir/../"] {
            assert_eq!(create_directory(dir, path), Err(Errno::Exist));
            assert_eq!(remove_directory(dir, path), Err(Errno::Inval));
            assert_eq!(unlink_file(dir, path), Err(Errno::IsDir));
            assert_eq!(rename(dir, path, dir, c"new"), Err(Errno::Busy));
            assert_eq!(rename(dir, c"dir", dir, path), Err(Errno::Busy));
            assert_eq!(link(dir, path, false, dir, c"new"), Err(Errno::Perm));
            assert_eq!(symlink(c"file", dir, path), Err(Errno::Exist));
        }
        assert_eq!(create_directory(dir, c""), Err(Errno::NoEnt));
        assert_eq!(open(dir, c"", OFlags::RDONLY, Mode::empty()).map(drop), Err(Errno::NoEnt));
        assert_eq!(create_directory(dir, c"///"), Err(Errno::Perm));
    });
}

#[test]
fn trailing_slashes_insist_on_directories() {
    each_way(|| {
        let tree = Tree::new();
        let dir = tree.dir();
        create_directory(dir, c"made//").expect("directories may end in slashes");
        rename(dir, c"made/", dir, c"moved/").expect("directories may end in slashes");
        remove_directory(dir, c"moved/").expect("directories may end in slashes");
        assert_eq!(unlink_file(dir, c"file/"), Err(Errno::NotDir));
        assert_eq!(unlink_file(dir, c"dir/"), Err(Errno::IsDir));
        assert_eq!(remove_directory(dir, c"file/"), Err(Errno::NotDir));
        assert_eq!(symlink(c"file", dir, c"new/"), Err(Errno::NoEnt));
        assert_eq!(link(dir, c"file", false, dir, c"new/"), Err(Errno::NoEnt));
        assert_eq!(link(dir, c"file/", false, dir, c"new"), Err(Errno::NotDir));
        assert_eq!(link(dir, c"dir/", false, dir, c"new"), Err(Errno::Perm));
        assert_eq!(stat(dir, c"file/", false).map(drop), Err(Errno::NotDir));
        assert!(
            stat(dir, c"to_dir/", false).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir())
        );
    });
}

#[test]
fn links_are_made_and_read() {
    each_way(|| {
        let tree = Tree::new();
        let dir = tree.dir();
        assert_eq!(symlink(c"/etc/passwd", dir, c"new"), Err(Errno::Perm));
        symlink(c"../secret", dir, c"new").expect("judged when it is followed");
        assert_eq!(read_link(dir, c"new").as_deref(), Ok(c"../secret"));
        assert_eq!(open(dir, c"new", OFlags::RDONLY, Mode::empty()).map(drop), Err(Errno::Perm));
        assert_eq!(read_link(dir, c"secret_abs"), Err(Errno::Perm));
        assert_eq!(read_link(dir, c"file"), Err(Errno::Inval));
        assert_eq!(read_link(dir, c"dir"), Err(Errno::Inval));
        assert_eq!(read_link(dir, c"missing"), Err(Errno::NoEnt));
    });
}

#[test]
fn times_are_set_on_the_link_or_its_target() {
    each_way(|| {
        let tree = Tree::new();
        let dir = tree.dir();
        let time = rustix::fs::Timespec { tv_sec: 1000, tv_nsec: 5 };
        let times = Timestamps { last_access: time, last_modification: time };
        set_times(dir, c"to_file", false, &times).expect("the link");
        assert_eq!(stat(dir, c"to_file", false).expect("there").st_mtime, 1000);
        assert_ne!(stat(dir, c"file", false).expect("there").st_mtime, 1000);
        set_times(dir, c"to_file", true, &times).expect("the file");
        assert_eq!(stat(dir, c"file", false).expect("there").st_mtime, 1000);
        assert_eq!(set_times(dir, c"secret_rel", true, &times), Err(Errno::Perm));
    });
}
