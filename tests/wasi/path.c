/* path_*: what each does, and how each refuses paths that are none or lead out.
 *
 * Given in "/" besides: the symbolic links "absolute" (to "/etc"), "outside" (to "../secret") and "up" (to
 * ".."), and the FIFO "fifo".
 */
#include "check.h"

static char buffer[5000];
static filestat file;
static size_t used;
static int opened;

/* Each function as one of a directory and a path. */
static int create_directory(int fd, in path, size_t length) { return path_create_directory(fd, path, length); }
static int remove_directory(int fd, in path, size_t length) { return path_remove_directory(fd, path, length); }
static int unlink_file(int fd, in path, size_t length) { return path_unlink_file(fd, path, length); }
static int filestat_get(int fd, in path, size_t length) { return path_filestat_get(fd, FOLLOW, path, length, &file); }
static int set_times(int fd, in path, size_t length)
{
    return path_filestat_set_times(fd, FOLLOW, path, length, 0, 0, ATIM_NOW);
}
static int open_read(int fd, in path, size_t length)
{
    return path_open(fd, FOLLOW, path, length, 0, R_READ, 0, 0, &opened);
}
static int open_create(int fd, in path, size_t length)
{
    return path_open(fd, FOLLOW, path, length, CREAT, R_WRITE, 0, 0, &opened);
}
static int read_link(int fd, in path, size_t length) { return path_readlink(fd, path, length, buffer, 10, &used); }
static int symlink_at(int fd, in path, size_t length) { return path_symlink(TEXT("file"), fd, path, length); }
static int rename_from(int fd, in path, size_t length) { return path_rename(fd, path, length, DIR, TEXT("renamed")); }
static int rename_to(int fd, in path, size_t length) { return path_rename(DIR, TEXT("file"), fd, path, length); }
static int link_from(int fd, in path, size_t length) { return path_link(fd, 0, path, length, DIR, TEXT("linked")); }
static int link_followed(int fd, in path, size_t length)
{
    return path_link(fd, FOLLOW, path, length, DIR, TEXT("linked"));
}
static int link_to(int fd, in path, size_t length) { return path_link(DIR, 0, TEXT("file"), fd, path, length); }

struct function {
    const char *name;
    int (*call)(int, in, size_t);
    /* Whether it makes the last name, so that one that is missing is right. */
    int makes;
};

static const struct function functions[] = {
    {"path_create_directory", create_directory, 1},
    {"path_remove_directory", remove_directory, 0},
    {"path_unlink_file", unlink_file, 0},
    {"path_filestat_get", filestat_get, 0},
    {"path_filestat_set_times", set_times, 0},
    {"path_open", open_read, 0},
    {"path_open", open_create, 1},
    {"path_readlink", read_link, 0},
    {"path_symlink", symlink_at, 1},
    {"path_rename", rename_from, 0},
    {"path_rename", rename_to, 1},
    {"path_link", link_from, 0},
    {"path_link", link_followed, 0},
    {"path_link", link_to, 1},
};

/* A call of the function at hand with a descriptor, a path and its length. */
#define EACH(error, ...) EXPECT_OF(error, functions[i].name, functions[i].call(__VA_ARGS__))

static void every_function(void)
{
    int plain = make_file("plain", "");
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        EACH(BADF, 50, TEXT("x"));
        EACH(BADF, -1, TEXT("x"));
        EACH(NOTDIR, plain, TEXT("x"));
        EACH(NOTDIR, PIPE_IN, TEXT("x"));
        EACH(NOTDIR, DIR, TEXT("file/x"));
        EACH(NOENT, DIR, TEXT("missing/x"));
        EACH(NOENT, DIR, TEXT(""));
        if (!functions[i].makes)
            EACH(NOENT, DIR, TEXT("missing"));
        EACH(LOOP, DIR, TEXT("loop/x"));

        /* Out of the directory. */
        EACH(PERM, DIR, TEXT("../x"));
        EACH(PERM, DIR, TEXT("dir/../../x"));
        EACH(PERM, DIR, TEXT("/x"));
        EACH(PERM, DIR, TEXT("/"));
        EACH(PERM, DIR, TEXT("up/x"));
        EACH(PERM, DIR, TEXT("absolute/passwd"));
        EACH(PERM, DIR, TEXT("outside/x"));

        /* No paths. */
        EACH(INVAL, DIR, TEXT("a\0b"));
        EACH(ILSEQ, DIR, TEXT("\xc3\x28"));
        EACH(ILSEQ, DIR, TEXT("\xff"));
        EACH(FAULT, DIR, MEMORY_END - 1, 2);
        EACH(FAULT, DIR, "x", ~(size_t)0);
        for (size_t at = 0; at < sizeof buffer; at++)
            buffer[at] = at % 200 == 199 ? '/' : 'n';
        EACH(NAMETOOLONG, DIR, buffer, 4096);
        for (size_t at = 0; at < 256; at++)
            buffer[at] = 'n';
        EACH(NAMETOOLONG, DIR, buffer, 256);
    }
    fd_close(plain);
    ASSERT(path_unlink_file(DIR, TEXT("plain")) == SUCCESS);
}

/* Without rights, each function is refused before it looks at anything. */
static void no_rights(void)
{
    int blind = open_with("dir", DIRECTORY, 0, 0);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        EACH(NOTCAPABLE, blind, TEXT("x"));
    fd_close(blind);
}

static void read_only(void)
{
    EXPECT(ROFS, path_create_directory, READ_ONLY, TEXT("new"));
    EXPECT(ROFS, path_remove_directory, READ_ONLY, TEXT("dir"));
    EXPECT(ROFS, path_unlink_file, READ_ONLY, TEXT("file"));
    EXPECT(ROFS, path_filestat_set_times, READ_ONLY, 0, TEXT("file"), 0, 0, ATIM_NOW);
    EXPECT(ROFS, path_symlink, TEXT("file"), READ_ONLY, TEXT("new"));
    EXPECT(ROFS, path_rename, READ_ONLY, TEXT("file"), DIR, TEXT("new"));
    EXPECT(ROFS, path_rename, DIR, TEXT("file"), READ_ONLY, TEXT("new"));
    EXPECT(ROFS, path_link, READ_ONLY, 0, TEXT("file"), DIR, TEXT("new"));
    EXPECT(ROFS, path_link, DIR, 0, TEXT("file"), READ_ONLY, TEXT("new"));
    EXPECT(ROFS, path_open, READ_ONLY, 0, TEXT("file"), 0, R_WRITE, 0, 0, &opened);
    EXPECT(ROFS, path_open, READ_ONLY, 0, TEXT("file"), TRUNC, R_READ, 0, 0, &opened);
    EXPECT(ROFS, path_open, READ_ONLY, 0, TEXT("new"), CREAT, R_READ, 0, 0, &opened);
    EXPECT(ROFS, path_open, READ_ONLY, 0, TEXT("new"), CREAT | EXCL, R_READ, 0, 0, &opened);
    EXPECT(EXIST, path_open, READ_ONLY, 0, TEXT("file"), CREAT | EXCL, R_READ, 0, 0, &opened);
    EXPECT(NOENT, path_open, READ_ONLY, 0, TEXT("new"), 0, R_READ, 0, 0, &opened);

    /* What may be read is read, also what lies deeper; what is opened there takes the restriction on. */
    EXPECT(SUCCESS, path_filestat_get, READ_ONLY, 0, TEXT("file"), &file);
    int fd = -1;
    EXPECT(SUCCESS, path_open, READ_ONLY, 0, TEXT("file"), CREAT, R_READ | R_SET_TIMES, 0, 0, &fd);
    iovec into = {buffer, 10};
    ASSERT(fd_read(fd, &into, 1, &used) == SUCCESS && used == 4 && same(buffer, "text", 4));
    EXPECT(ROFS, fd_filestat_set_times, fd, 0, 0, ATIM_NOW);
    fd_close(fd);
    EXPECT(SUCCESS, path_open, READ_ONLY, 0, TEXT("dir"), DIRECTORY, R_ALL & ~R_WRITES, R_ALL, 0, &fd);
    EXPECT(ROFS, path_create_directory, fd, TEXT("new"));
    EXPECT(ROFS, path_open, fd, 0, TEXT("new"), CREAT, R_READ, 0, 0, &opened);
    fd_close(fd);
}

static void opens(void)
{
    int fd = -1;
    EXPECT(SUCCESS, path_open, DIR, FOLLOW, TEXT("new"), CREAT | EXCL, R_ALL, R_ALL, 0, &fd);
    EXPECT(SUCCESS, fd_close, fd);
    EXPECT(EXIST, path_open, DIR, FOLLOW, TEXT("new"), CREAT | EXCL, R_ALL, R_ALL, 0, &fd);
    EXPECT(SUCCESS, path_open, DIR, FOLLOW, TEXT("new"), TRUNC, R_WRITE, 0, 0, &fd);
    EXPECT(SUCCESS, fd_close, fd);
    EXPECT(NOTDIR, path_open, DIR, FOLLOW, TEXT("new"), DIRECTORY, R_READ, 0, 0, &fd);
    EXPECT(ISDIR, path_open, DIR, FOLLOW, TEXT("dir"), 0, R_WRITE, 0, 0, &fd);
    EXPECT(ISDIR, path_open, DIR, FOLLOW, TEXT("dir"), DIRECTORY, R_WRITE, 0, 0, &fd);
    EXPECT(ISDIR, path_open, DIR, FOLLOW, TEXT("made/"), CREAT, R_WRITE, 0, 0, &fd);
    EXPECT(NOENT, path_open, DIR, FOLLOW, TEXT("unmade/."), CREAT, R_WRITE, 0, 0, &fd);
    EXPECT(NOTDIR, path_open, DIR, FOLLOW, TEXT("file/."), CREAT, R_WRITE, 0, 0, &fd);
    EXPECT(ISDIR, path_open, DIR, FOLLOW, TEXT("dir/."), CREAT, R_WRITE, 0, 0, &fd);
    EXPECT(LOOP, path_open, DIR, 0, TEXT("to_file"), 0, R_READ, 0, 0, &fd);
    EXPECT(LOOP, path_open, DIR, FOLLOW, TEXT("loop"), 0, R_READ, 0, 0, &fd);
    EXPECT(PERM, path_open, DIR, FOLLOW, TEXT("outside"), CREAT, R_WRITE, 0, 0, &fd);
    EXPECT(PERM, path_open, DIR, FOLLOW, TEXT("absolute"), 0, R_READ, 0, 0, &fd);
    EXPECT(NXIO, path_open, DIR, 0, TEXT("fifo"), 0, R_WRITE, 0, NONBLOCK, &fd);
    EXPECT(INVAL, path_open, DIR, 2, TEXT("file"), 0, R_READ, 0, 0, &fd);
    EXPECT(INVAL, path_open, DIR, 0, TEXT("file"), 16, R_READ, 0, 0, &fd);
    EXPECT(INVAL, path_open, DIR, 0, TEXT("file"), 0, R_READ, 0, 32, &fd);
    EXPECT(NOTCAPABLE, path_open, DIR, 0, TEXT("file"), 0, RIGHT(28), 0, 0, &fd);
    EXPECT(NOTCAPABLE, path_open, DIR, 0, TEXT("file"), 0, 0, RIGHT(63), 0, &fd);
    EXPECT(FAULT, path_open, DIR, 0, TEXT("unmade"), CREAT, R_READ, 0, 0, OUTSIDE);
    EXPECT(INVAL, path_open, DIR, 0, TEXT("unmade"), CREAT, R_READ, 0, 0, ODD(&fd));
    EXPECT(NOENT, path_filestat_get, DIR, 0, TEXT("unmade"), &file);

    /* Rights that come from the directory, and those that writing at once takes. */
    int narrow = -1;
    EXPECT(SUCCESS, path_open, DIR, 0, TEXT("dir"), DIRECTORY, RIGHT(13), R_READ, 0, &narrow);
    EXPECT(NOTCAPABLE, path_open, narrow, 0, TEXT("x"), 0, R_WRITE, 0, 0, &fd);
    EXPECT(NOTCAPABLE, path_open, narrow, 0, TEXT("x"), CREAT, R_READ, 0, 0, &fd);
    EXPECT(NOTCAPABLE, path_open, narrow, 0, TEXT("x"), TRUNC, R_READ, 0, 0, &fd);
    EXPECT(NOTCAPABLE, path_open, narrow, 0, TEXT("x"), 0, R_READ, 0, SYNC, &fd);
    EXPECT(NOTCAPABLE, path_open, narrow, 0, TEXT("x"), 0, R_READ, 0, DSYNC, &fd);
    fd_close(narrow);

    /* To the last descriptor there is. */
    int last = -1, error;
    while ((error = path_open(DIR, 0, TEXT("new"), 0, R_READ, 0, 0, &fd)) == SUCCESS)
        last = fd;
    EXPECT_OF(MFILE, "path_open", error);
    for (; last > LISTENER; last--)
        fd_close(last);
    EXPECT(SUCCESS, path_unlink_file, DIR, TEXT("new"));
}

static void directories(void)
{
    EXPECT(SUCCESS, path_create_directory, DIR, TEXT("made/"));
    EXPECT(EXIST, path_create_directory, DIR, TEXT("made"));
    EXPECT(EXIST, path_create_directory, DIR, TEXT("."));
    EXPECT(EXIST, path_create_directory, DIR, TEXT("outside"));
    EXPECT(SUCCESS, path_create_directory, DIR, TEXT("made/deeper"));
    EXPECT(NOTEMPTY, path_remove_directory, DIR, TEXT("made"));
    EXPECT(SUCCESS, path_remove_directory, DIR, TEXT("made/./deeper"));
    EXPECT(INVAL, path_remove_directory, DIR, TEXT("made/."));
    EXPECT(NOTDIR, path_remove_directory, DIR, TEXT("file"));
    EXPECT(NOTDIR, path_remove_directory, DIR, TEXT("up"));
    EXPECT(ISDIR, path_unlink_file, DIR, TEXT("made"));
    EXPECT(ISDIR, path_unlink_file, DIR, TEXT("made/"));
    EXPECT(ISDIR, path_unlink_file, DIR, TEXT(".."));
    EXPECT(NOTDIR, path_unlink_file, DIR, TEXT("file/"));
    EXPECT(SUCCESS, path_remove_directory, DIR, TEXT("made"));
}

static void links(void)
{
    EXPECT(SUCCESS, path_symlink, TEXT("file"), DIR, TEXT("link"));
    EXPECT(EXIST, path_symlink, TEXT("file"), DIR, TEXT("link"));
    EXPECT(NOENT, path_symlink, TEXT(""), DIR, TEXT("empty"));
    EXPECT(PERM, path_symlink, TEXT("/etc"), DIR, TEXT("etc"));
    EXPECT(FAULT, path_symlink, MEMORY_END - 1, 2, DIR, TEXT("far"));
    EXPECT(SUCCESS, path_symlink, TEXT("../secret"), DIR, TEXT("judged_later"));
    EXPECT(PERM, path_filestat_get, DIR, FOLLOW, TEXT("judged_later"), &file);
    EXPECT(SUCCESS, path_unlink_file, DIR, TEXT("judged_later"));
    EXPECT(SUCCESS, path_readlink, DIR, TEXT("link"), buffer, sizeof buffer, &used);
    ASSERT(used == 4 && same(buffer, "file", 4));
    EXPECT(SUCCESS, path_readlink, DIR, TEXT("link"), buffer, 2, &used);
    ASSERT(used == 2);
    EXPECT(INVAL, path_readlink, DIR, TEXT("file"), buffer, 10, &used);
    EXPECT(PERM, path_readlink, DIR, TEXT("absolute"), buffer, 10, &used);
    EXPECT(FAULT, path_readlink, DIR, TEXT("link"), MEMORY_END - 1, 2, &used);
    EXPECT(FAULT, path_readlink, DIR, TEXT("link"), buffer, 10, OUTSIDE);
    EXPECT(INVAL, path_readlink, DIR, TEXT("link"), buffer, 10, ODD(&used));

    EXPECT(SUCCESS, path_link, DIR, 0, TEXT("file"), DIR, TEXT("second"));
    EXPECT(SUCCESS, path_filestat_get, DIR, 0, TEXT("second"), &file);
    ASSERT(file.nlink == 2);
    EXPECT(SUCCESS, path_link, DIR, FOLLOW, TEXT("link"), DIR, TEXT("third"));
    EXPECT(SUCCESS, path_filestat_get, DIR, 0, TEXT("third"), &file);
    ASSERT(file.nlink == 3 && file.type == TYPE_FILE);
    EXPECT(SUCCESS, path_link, DIR, 0, TEXT("link"), DIR, TEXT("fourth"));
    EXPECT(SUCCESS, path_filestat_get, DIR, 0, TEXT("fourth"), &file);
    ASSERT(file.type == TYPE_LINK);
    EXPECT(EXIST, path_link, DIR, 0, TEXT("file"), DIR, TEXT("second"));
    EXPECT(PERM, path_link, DIR, 0, TEXT("dir"), DIR, TEXT("another"));
    EXPECT(PERM, path_link, DIR, FOLLOW, TEXT("dir"), DIR, TEXT("another"));
    EXPECT(PERM, path_link, DIR, FOLLOW, TEXT("outside"), DIR, TEXT("another"));
    EXPECT(PERM, path_link, DIR, FOLLOW, TEXT("absolute"), DIR, TEXT("another"));
    EXPECT(INVAL, path_link, DIR, 2, TEXT("file"), DIR, TEXT("another"));
    EXPECT(SUCCESS, path_unlink_file, DIR, TEXT("second"));
    EXPECT(SUCCESS, path_unlink_file, DIR, TEXT("third"));
    EXPECT(SUCCESS, path_unlink_file, DIR, TEXT("fourth"));
}

static void status(void)
{
    EXPECT(SUCCESS, path_filestat_get, DIR, FOLLOW, TEXT("link"), &file);
    ASSERT(file.type == TYPE_FILE && file.size == 4);
    EXPECT(SUCCESS, path_filestat_get, DIR, 0, TEXT("link"), &file);
    ASSERT(file.type == TYPE_LINK);
    EXPECT(SUCCESS, path_filestat_get, DIR, 0, TEXT("."), &file);
    ASSERT(file.type == TYPE_DIRECTORY);
    EXPECT(LOOP, path_filestat_get, DIR, FOLLOW, TEXT("loop"), &file);
    EXPECT(INVAL, path_filestat_get, DIR, 2, TEXT("file"), &file);
    EXPECT(FAULT, path_filestat_get, DIR, 0, TEXT("file"), OUTSIDE);
    EXPECT(INVAL, path_filestat_get, DIR, 0, TEXT("file"), ODD(&file));

    EXPECT(SUCCESS, path_filestat_set_times, DIR, FOLLOW, TEXT("link"), 1000, 2000, ATIM | MTIM);
    EXPECT(SUCCESS, path_filestat_get, DIR, 0, TEXT("file"), &file);
    ASSERT(file.atim == 1000 && file.mtim == 2000);
    EXPECT(SUCCESS, path_filestat_set_times, DIR, 0, TEXT("link"), 3000, 4000, ATIM | MTIM);
    EXPECT(SUCCESS, path_filestat_get, DIR, 0, TEXT("file"), &file);
    ASSERT(file.mtim == 2000);
    EXPECT(INVAL, path_filestat_set_times, DIR, 0, TEXT("file"), 0, 0, ATIM | ATIM_NOW);
    EXPECT(INVAL, path_filestat_set_times, DIR, 0, TEXT("file"), 0, 0, 16);
    EXPECT(INVAL, path_filestat_set_times, DIR, 2, TEXT("file"), 0, 0, 0);
}

static void renames(void)
{
    EXPECT(SUCCESS, path_create_directory, DIR, TEXT("a"));
    EXPECT(SUCCESS, path_create_directory, DIR, TEXT("a/b"));
    EXPECT(SUCCESS, path_create_directory, DIR, TEXT("c"));
    EXPECT(NOTEMPTY, path_rename, DIR, TEXT("c"), DIR, TEXT("a"));
    EXPECT(INVAL, path_rename, DIR, TEXT("a"), DIR, TEXT("a/b/d"));
    EXPECT(ISDIR, path_rename, DIR, TEXT("file"), DIR, TEXT("c"));
    EXPECT(NOTDIR, path_rename, DIR, TEXT("c"), DIR, TEXT("file"));
    EXPECT(NOTDIR, path_rename, DIR, TEXT("file"), DIR, TEXT("new/"));
    EXPECT(BUSY, path_rename, DIR, TEXT("a/."), DIR, TEXT("d"));
    EXPECT(BUSY, path_rename, DIR, TEXT("a"), DIR, TEXT(".."));
    EXPECT(SUCCESS, path_rename, DIR, TEXT("a/b"), DIR, TEXT("c"));
    EXPECT(SUCCESS, path_rename, DIR, TEXT("a/"), DIR, TEXT("c/"));
    EXPECT(SUCCESS, path_remove_directory, DIR, TEXT("c"));
    EXPECT(SUCCESS, path_rename, DIR, TEXT("file"), DIR, TEXT("dir/file"));
    int dir = open_with("dir", DIRECTORY, R_ALL & ~R_WRITES, 0);
    EXPECT(SUCCESS, path_rename, dir, TEXT("file"), DIR, TEXT("file"));
    fd_close(dir);
}

/* Whether there is a second file system. */
static int there_is_another(void)
{
    char *pointers[4], bytes[64];
    return environ_get(pointers, bytes) == SUCCESS && same(pointers[1], "OTHER=1", 8);
}

static void across_file_systems(void)
{
    if (!there_is_another())
        return;
    EXPECT(XDEV, path_rename, DIR, TEXT("file"), OTHER, TEXT("file"));
    EXPECT(XDEV, path_link, DIR, 0, TEXT("file"), OTHER, TEXT("file"));
    EXPECT(XDEV, path_link, DIR, FOLLOW, TEXT("link"), OTHER, TEXT("file"));
}

static void run(void)
{
    fd_close(make_file("file", "text"));
    ASSERT(path_create_directory(DIR, TEXT("dir")) == SUCCESS);
    ASSERT(path_symlink(TEXT("loop"), DIR, TEXT("loop")) == SUCCESS);
    ASSERT(path_symlink(TEXT("file"), DIR, TEXT("to_file")) == SUCCESS);
    every_function();
    no_rights();
    read_only();
    opens();
    directories();
    links();
    status();
    renames();
    across_file_systems();
}
