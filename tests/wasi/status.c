/* fd_fdstat_*, fd_filestat_* and fd_prestat_*. */
#include "check.h"

static fdstat stat;
static filestat file;

static void descriptors(void)
{
    int fd = open_with("file", CREAT, R_ALL, APPEND | DSYNC);
    EXPECT(SUCCESS, fd_fdstat_get, fd, &stat);
    ASSERT(stat.type == TYPE_FILE && stat.flags == (APPEND | DSYNC));
    ASSERT((stat.rights & R_READ) && !(stat.rights & R_READDIR) && (stat.inheriting & R_READ));
    EXPECT(SUCCESS, fd_fdstat_get, DIR, &stat);
    ASSERT(stat.type == TYPE_DIRECTORY && (stat.rights & R_READDIR) && !(stat.rights & R_READ));
    EXPECT(SUCCESS, fd_fdstat_get, PIPE_IN, &stat);
    ASSERT(stat.type == TYPE_UNKNOWN && (stat.rights & R_READ) && !(stat.rights & R_WRITE));
    EXPECT(SUCCESS, fd_fdstat_get, IDLE, &stat);
    ASSERT(stat.type == TYPE_STREAM && (stat.rights & R_ACCEPT) && (stat.inheriting & R_SHUTDOWN));
    EXPECT(BADF, fd_fdstat_get, 50, &stat);
    EXPECT(FAULT, fd_fdstat_get, fd, OUTSIDE);
    EXPECT(INVAL, fd_fdstat_get, fd, ODD(&stat));

    EXPECT(SUCCESS, fd_fdstat_set_flags, fd, DSYNC | NONBLOCK);
    ASSERT(fd_fdstat_get(fd, &stat) == SUCCESS && stat.flags == (DSYNC | NONBLOCK));
    EXPECT(NOTSUP, fd_fdstat_set_flags, fd, 0);
    EXPECT(NOTSUP, fd_fdstat_set_flags, fd, DSYNC | SYNC);
    EXPECT(INVAL, fd_fdstat_set_flags, fd, 32);
    EXPECT(INVAL, fd_fdstat_set_flags, fd, 0x10000);
    EXPECT(BADF, fd_fdstat_set_flags, 50, 0);
    EXPECT(SUCCESS, fd_fdstat_set_flags, PIPE_IN, NONBLOCK);
    EXPECT(SUCCESS, fd_fdstat_set_flags, PIPE_IN, 0);
    EXPECT(NOTSUP, fd_fdstat_set_flags, PIPE_IN, APPEND);
    EXPECT(SUCCESS, fd_fdstat_set_flags, DIR, 0);

    EXPECT(SUCCESS, fd_fdstat_set_rights, fd, R_READ, 0);
    ASSERT(fd_fdstat_get(fd, &stat) == SUCCESS && stat.rights == R_READ && stat.inheriting == 0);
    EXPECT(NOTCAPABLE, fd_fdstat_set_rights, fd, R_READ | R_WRITE, 0);
    EXPECT(NOTCAPABLE, fd_fdstat_set_rights, fd, R_READ, R_READ);
    EXPECT(NOTCAPABLE, fd_fdstat_set_rights, fd, RIGHT(63), 0);
    EXPECT(NOTCAPABLE, fd_fdstat_set_flags, fd, DSYNC);
    EXPECT(BADF, fd_fdstat_set_rights, 50, 0, 0);
    fd_close(fd);
}

static void files(void)
{
    int fd = make_file("file", "12345");
    EXPECT(SUCCESS, fd_filestat_get, fd, &file);
    ASSERT(file.type == TYPE_FILE && file.size == 5 && file.nlink == 1 && file.ino != 0 && file.mtim != 0);
    EXPECT(SUCCESS, fd_filestat_get, DIR, &file);
    ASSERT(file.type == TYPE_DIRECTORY);
    EXPECT(SUCCESS, fd_filestat_get, PIPE_OUT, &file);
    ASSERT(file.type == TYPE_UNKNOWN);
    EXPECT(SUCCESS, fd_filestat_get, LISTENER, &file);
    ASSERT(file.type == TYPE_STREAM);
    EXPECT(BADF, fd_filestat_get, 50, &file);
    EXPECT(FAULT, fd_filestat_get, fd, OUTSIDE);
    EXPECT(INVAL, fd_filestat_get, fd, ODD(&file));

    EXPECT(SUCCESS, fd_filestat_set_size, fd, 100);
    ASSERT(fd_filestat_get(fd, &file) == SUCCESS && file.size == 100);
    EXPECT(SUCCESS, fd_filestat_set_size, fd, 0);
    EXPECT(INVAL, fd_filestat_set_size, fd, ~(uint64_t)0);
    EXPECT(INVAL, fd_filestat_set_size, PIPE_OUT, 0);
    EXPECT(ISDIR, fd_filestat_set_size, DIR, 0);
    EXPECT(BADF, fd_filestat_set_size, 50, 0);

    EXPECT(SUCCESS, fd_filestat_set_times, fd, 1000000001, 2000000002, ATIM | MTIM);
    ASSERT(fd_filestat_get(fd, &file) == SUCCESS && file.atim == 1000000001 && file.mtim == 2000000002);
    EXPECT(SUCCESS, fd_filestat_set_times, fd, 5, 5, MTIM_NOW);
    ASSERT(fd_filestat_get(fd, &file) == SUCCESS && file.atim == 1000000001 && file.mtim > 1577836800000000000);
    EXPECT(SUCCESS, fd_filestat_set_times, DIR, 0, 0, ATIM_NOW);
    EXPECT(INVAL, fd_filestat_set_times, fd, 0, 0, ATIM | ATIM_NOW);
    EXPECT(INVAL, fd_filestat_set_times, fd, 0, 0, MTIM | MTIM_NOW);
    EXPECT(INVAL, fd_filestat_set_times, fd, 0, 0, 16);
    EXPECT(BADF, fd_filestat_set_times, 50, 0, 0, 0);
    EXPECT(ROFS, fd_filestat_set_times, READ_ONLY, 0, 0, ATIM_NOW);
    fd_close(fd);

    fd = open_with("file", 0, R_READ, 0);
    EXPECT(NOTCAPABLE, fd_filestat_get, fd, &file);
    EXPECT(NOTCAPABLE, fd_filestat_set_size, fd, 0);
    EXPECT(NOTCAPABLE, fd_filestat_set_times, fd, 0, 0, ATIM_NOW);
    fd_close(fd);
}

static void preopens(void)
{
    char name[8] = {0};
    prestat given;
    EXPECT(SUCCESS, fd_prestat_get, DIR, &given);
    ASSERT(given.tag == 0 && given.length == 1);
    EXPECT(SUCCESS, fd_prestat_dir_name, DIR, name, 1);
    ASSERT(same(name, "/", 2));
    EXPECT(SUCCESS, fd_prestat_get, READ_ONLY, &given);
    ASSERT(given.length == 3);
    EXPECT(SUCCESS, fd_prestat_dir_name, READ_ONLY, name, sizeof name);
    ASSERT(same(name, "/ro", 4));
    EXPECT(NAMETOOLONG, fd_prestat_dir_name, READ_ONLY, name, 2);
    EXPECT(FAULT, fd_prestat_dir_name, READ_ONLY, MEMORY_END - 2, 3);
    EXPECT(FAULT, fd_prestat_get, DIR, OUTSIDE);
    EXPECT(INVAL, fd_prestat_get, DIR, ODD(&given));
    /* A program looks for directories until this comes, so it comes from all that is none. */
    const int others[] = {PIPE_IN, IDLE, 50, -1};
    for (int i = 0; i < 4; i++) {
        EXPECT(BADF, fd_prestat_get, others[i], &given);
        EXPECT(BADF, fd_prestat_dir_name, others[i], name, sizeof name);
    }
}

static void run(void)
{
    descriptors();
    files();
    preopens();
}
