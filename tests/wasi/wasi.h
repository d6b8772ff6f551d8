/* The functions of WASI as a module imports them, with their numbers and records: no C library stands in
 * between, so that pointers and lengths can be wrong in every way.
 *
 * Built for wasi_unstable instead if UNSTABLE is defined; the two differ where it is mentioned below.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef UNSTABLE
#define MODULE "wasi_unstable"
#else
#define MODULE "wasi_snapshot_preview1"
#endif

#define IMPORT(name) __attribute__((import_module(MODULE), import_name(#name)))

typedef const void *in;
typedef void *out;

IMPORT(args_get) int args_get(out, out);
IMPORT(args_sizes_get) int args_sizes_get(out, out);
IMPORT(environ_get) int environ_get(out, out);
IMPORT(environ_sizes_get) int environ_sizes_get(out, out);
IMPORT(clock_res_get) int clock_res_get(unsigned, out);
IMPORT(clock_time_get) int clock_time_get(unsigned, uint64_t, out);
IMPORT(fd_advise) int fd_advise(int, uint64_t, uint64_t, unsigned);
IMPORT(fd_allocate) int fd_allocate(int, uint64_t, uint64_t);
IMPORT(fd_close) int fd_close(int);
IMPORT(fd_datasync) int fd_datasync(int);
IMPORT(fd_fdstat_get) int fd_fdstat_get(int, out);
IMPORT(fd_fdstat_set_flags) int fd_fdstat_set_flags(int, unsigned);
IMPORT(fd_fdstat_set_rights) int fd_fdstat_set_rights(int, uint64_t, uint64_t);
IMPORT(fd_filestat_get) int fd_filestat_get(int, out);
IMPORT(fd_filestat_set_size) int fd_filestat_set_size(int, uint64_t);
IMPORT(fd_filestat_set_times) int fd_filestat_set_times(int, uint64_t, uint64_t, unsigned);
IMPORT(fd_pread) int fd_pread(int, in, size_t, uint64_t, out);
IMPORT(fd_prestat_get) int fd_prestat_get(int, out);
IMPORT(fd_prestat_dir_name) int fd_prestat_dir_name(int, out, size_t);
IMPORT(fd_pwrite) int fd_pwrite(int, in, size_t, uint64_t, out);
IMPORT(fd_read) int fd_read(int, in, size_t, out);
IMPORT(fd_readdir) int fd_readdir(int, out, size_t, uint64_t, out);
IMPORT(fd_renumber) int fd_renumber(int, int);
IMPORT(fd_seek) int fd_seek(int, int64_t, unsigned, out);
IMPORT(fd_sync) int fd_sync(int);
IMPORT(fd_tell) int fd_tell(int, out);
IMPORT(fd_write) int fd_write(int, in, size_t, out);
IMPORT(path_create_directory) int path_create_directory(int, in, size_t);
IMPORT(path_filestat_get) int path_filestat_get(int, unsigned, in, size_t, out);
IMPORT(path_filestat_set_times)
int path_filestat_set_times(int, unsigned, in, size_t, uint64_t, uint64_t, unsigned);
IMPORT(path_link) int path_link(int, unsigned, in, size_t, int, in, size_t);
IMPORT(path_open) int path_open(int, unsigned, in, size_t, unsigned, uint64_t, uint64_t, unsigned, out);
IMPORT(path_readlink) int path_readlink(int, in, size_t, out, size_t, out);
IMPORT(path_remove_directory) int path_remove_directory(int, in, size_t);
IMPORT(path_rename) int path_rename(int, in, size_t, int, in, size_t);
IMPORT(path_symlink) int path_symlink(in, size_t, int, in, size_t);
IMPORT(path_unlink_file) int path_unlink_file(int, in, size_t);
IMPORT(poll_oneoff) int poll_oneoff(in, out, size_t, out);
IMPORT(proc_exit) _Noreturn void proc_exit(int);
IMPORT(proc_raise) int proc_raise(unsigned);
IMPORT(random_get) int random_get(out, size_t);
IMPORT(sched_yield) int sched_yield(void);
#ifndef UNSTABLE
IMPORT(sock_accept) int sock_accept(int, unsigned, out);
#endif
IMPORT(sock_recv) int sock_recv(int, in, size_t, unsigned, out, out);
IMPORT(sock_send) int sock_send(int, in, size_t, unsigned, out);
IMPORT(sock_shutdown) int sock_shutdown(int, unsigned);

enum errno {
    SUCCESS = 0, ACCES = 2, AGAIN = 6, BADF = 8, BUSY = 10, CONNRESET = 15, EXIST = 20, FAULT = 21, FBIG = 22, ILSEQ = 25,
    INVAL = 28, ISDIR = 31, LOOP = 32, MFILE = 33, NAMETOOLONG = 37, NODEV = 43, NOENT = 44, NOSPC = 51, NOTCONN = 53,
    NOTDIR = 54, NOTEMPTY = 55, NOTSOCK = 57, NOTSUP = 58, NXIO = 60, PERM = 63, PIPE = 64, ROFS = 69, SPIPE = 70,
    XDEV = 75, NOTCAPABLE = 76
};

enum { REALTIME, MONOTONIC, PROCESS_CPUTIME, THREAD_CPUTIME };

#ifdef UNSTABLE
enum { CUR, END, SET };
#else
enum { SET, CUR, END };
#endif

enum { APPEND = 1, DSYNC = 2, NONBLOCK = 4, RSYNC = 8, SYNC = 16 };
enum { CREAT = 1, DIRECTORY = 2, EXCL = 4, TRUNC = 8 };
enum { FOLLOW = 1 };
enum { ATIM = 1, ATIM_NOW = 2, MTIM = 4, MTIM_NOW = 8 };
enum { TYPE_UNKNOWN, TYPE_BLOCK, TYPE_CHARACTER, TYPE_DIRECTORY, TYPE_FILE, TYPE_DGRAM, TYPE_STREAM, TYPE_LINK };
enum { PEEK = 1, WAITALL = 2, TRUNCATED = 1 };
enum { RD = 1, WR = 2 };
enum { EVENT_CLOCK, EVENT_READ, EVENT_WRITE };
enum { ABSTIME = 1, HANGUP = 1 };

#define RIGHT(bit) ((uint64_t)1 << (bit))
#define R_DATASYNC RIGHT(0)
#define R_READ RIGHT(1)
#define R_SEEK RIGHT(2)
#define R_SET_FLAGS RIGHT(3)
#define R_SYNC RIGHT(4)
#define R_TELL RIGHT(5)
#define R_WRITE RIGHT(6)
/* Those that open a file for writing: to write, allocate and set the size. */
#define R_WRITES (R_WRITE | RIGHT(8) | RIGHT(22))
#define R_READDIR RIGHT(14)
#define R_SET_TIMES RIGHT(23)
#define R_SHUTDOWN RIGHT(28)
#define R_ACCEPT RIGHT(29)
/* All that a preopened directory hands on to files and directories. */
#define R_ALL (RIGHT(28) - 1)

typedef struct { in data; size_t length; } iovec;
typedef struct { uint8_t type; uint16_t flags; uint64_t rights, inheriting; } fdstat;
#ifdef UNSTABLE
typedef struct { uint64_t dev, ino; uint8_t type; uint32_t nlink; uint64_t size, atim, mtim, ctim; } filestat;
_Static_assert(sizeof(filestat) == 56, "layout");
#else
typedef struct { uint64_t dev, ino; uint8_t type; uint64_t nlink, size, atim, mtim, ctim; } filestat;
_Static_assert(sizeof(filestat) == 64, "layout");
#endif
typedef struct { uint64_t next, ino; uint32_t length; uint8_t type; } dirent;
typedef struct { uint8_t tag; size_t length; } prestat;
typedef struct {
    uint64_t userdata;
    uint8_t tag;
    union {
        struct {
#ifdef UNSTABLE
            uint64_t identifier;
#endif
            uint32_t id;
            uint64_t timeout, precision;
            uint16_t flags;
        } clock;
        uint32_t fd;
    };
} subscription;
typedef struct { uint64_t userdata; uint16_t error; uint8_t type; uint64_t bytes; uint16_t flags; } event;
_Static_assert(sizeof(fdstat) == 24 && sizeof(dirent) == 24 && sizeof(prestat) == 8 && sizeof(event) == 32, "layout");
