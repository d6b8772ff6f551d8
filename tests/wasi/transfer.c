/* fd_* that transfer, position, synchronise, close and renumber. */
#include "check.h"

static char buffer[0x8000];
static size_t count;
static uint64_t offset;

static void reads_and_writes(void)
{
    int fd = open_with("file", CREAT, R_ALL, 0);
    iovec pieces[3] = {{"hello", 5}, {NULL, 0}, {" world", 6}};
    EXPECT(SUCCESS, fd_write, fd, pieces, 3, &count);
    ASSERT(count == 11);
    EXPECT(SUCCESS, fd_seek, fd, -5, END, &offset);
    ASSERT(offset == 6);
    iovec into[2] = {{buffer, 2}, {buffer + 100, 50}};
    EXPECT(SUCCESS, fd_read, fd, into, 2, &count);
    ASSERT(count == 5 && same(buffer, "wo", 2) && same(buffer + 100, "rld", 3));
    EXPECT(SUCCESS, fd_read, fd, into, 2, &count);
    ASSERT(count == 0);
    EXPECT(SUCCESS, fd_read, fd, into, 0, &count);
    EXPECT(SUCCESS, fd_write, fd, pieces, 0, &count);
    ASSERT(count == 0);
    EXPECT(SUCCESS, fd_pwrite, fd, pieces, 1, 6, &count);
    EXPECT(SUCCESS, fd_pread, fd, into, 1, 9, &count);
    ASSERT(count == 2 && same(buffer, "lo", 2));
    EXPECT(SUCCESS, fd_tell, fd, &offset);
    ASSERT(offset == 11);

    /* A list of more ranges than the system takes at once is a short transfer. */
    for (int i = 0; i < 1100; i++)
        ((iovec *)buffer)[i] = (iovec){"x", 1};
    EXPECT(SUCCESS, fd_write, fd, buffer, 1100, &count);
    ASSERT(count == 1024);

    EXPECT(SUCCESS, fd_sync, fd);
    EXPECT(SUCCESS, fd_datasync, fd);
    EXPECT(SUCCESS, fd_sync, DIR);
    EXPECT(SUCCESS, fd_datasync, DIR);
    for (unsigned advice = 0; advice < 6; advice++)
        EXPECT(SUCCESS, fd_advise, fd, 0, 100, advice);
    EXPECT(SUCCESS, fd_advise, fd, 5, 0, 0);
    EXPECT(SUCCESS, fd_allocate, fd, 0, 4096);
    EXPECT(SUCCESS, fd_seek, fd, 0, END, &offset);
    ASSERT(offset == 4096);
    EXPECT(SUCCESS, fd_close, fd);
    EXPECT(BADF, fd_close, fd);
}

static void appends(void)
{
    int fd = open_with("appended", CREAT, R_ALL, APPEND);
    iovec piece = {"ab", 2};
    EXPECT(SUCCESS, fd_write, fd, &piece, 1, &count);
    EXPECT(SUCCESS, fd_seek, fd, 0, SET, &offset);
    EXPECT(SUCCESS, fd_write, fd, &piece, 1, &count);
    iovec into = {buffer, 10};
    EXPECT(SUCCESS, fd_pread, fd, &into, 1, 0, &count);
    ASSERT(count == 4 && same(buffer, "abab", 4));
    fd_close(fd);
}

static void renumbers(void)
{
    int from = make_file("from", "from"), to = make_file("to", "to");
    EXPECT(BADF, fd_renumber, from, 50);
    EXPECT(BADF, fd_renumber, 50, to);
    EXPECT(BADF, fd_renumber, -1, to);
    EXPECT(SUCCESS, fd_renumber, to, to);
    EXPECT(SUCCESS, fd_renumber, from, to);
    EXPECT(BADF, fd_tell, from, &offset);
    iovec into = {buffer, 10};
    EXPECT(SUCCESS, fd_pread, to, &into, 1, 0, &count);
    ASSERT(count == 4 && same(buffer, "from", 4));
    ASSERT(make_file("next", "") == from);
    fd_close(from);
    fd_close(to);
}

/* Nothing is transferred whose count or part cannot be told. */
static void bad_pointers(int fd)
{
    iovec good = {"data", 4}, outside[2] = {{"data", 4}, {MEMORY_END - 1, 2}};
    iovec huge = {buffer, ~(size_t)0};
    EXPECT(FAULT, fd_write, fd, OUTSIDE, 1, &count);
    EXPECT(FAULT, fd_write, fd, &good, 0x20000000, &count);
    EXPECT(FAULT, fd_write, fd, &good, ~(size_t)0, &count);
    EXPECT(FAULT, fd_write, fd, outside, 2, &count);
    EXPECT(FAULT, fd_write, fd, &huge, 1, &count);
    EXPECT(FAULT, fd_write, fd, &good, 1, OUTSIDE);
    EXPECT(INVAL, fd_write, fd, &good, 1, ODD(&count));
    EXPECT(INVAL, fd_write, fd, ODD(&good), 1, &count);
    EXPECT(FAULT, fd_pwrite, fd, outside, 2, 0, &count);
    EXPECT(INVAL, fd_pwrite, fd, &good, 1, 0, ODD(&count));
    EXPECT(FAULT, fd_read, fd, outside, 2, &count);
    EXPECT(FAULT, fd_read, fd, &good, 1, OUTSIDE);
    EXPECT(INVAL, fd_read, fd, &good, 1, ODD(&count));
    EXPECT(FAULT, fd_pread, fd, &huge, 1, 0, &count);
    EXPECT(INVAL, fd_pread, fd, ODD(&good), 1, 0, &count);
    EXPECT(FAULT, fd_seek, fd, 1, SET, OUTSIDE);
    EXPECT(INVAL, fd_seek, fd, 1, SET, ODD(&offset));
    EXPECT(FAULT, fd_tell, fd, OUTSIDE);
    EXPECT(INVAL, fd_tell, fd, ODD(&offset));
    EXPECT(SUCCESS, fd_tell, fd, &offset);
    ASSERT(offset == 4);
    EXPECT(SUCCESS, fd_seek, fd, 0, END, &offset);
    ASSERT(offset == 4);
}

static void bad_arguments(int fd)
{
    iovec piece = {buffer, 1};
    EXPECT(INVAL, fd_seek, fd, 0, 3, &offset);
    EXPECT(INVAL, fd_seek, fd, -1, SET, &offset);
    EXPECT(INVAL, fd_seek, fd, -5, CUR, &offset);
    EXPECT(INVAL, fd_pread, fd, &piece, 1, ~(uint64_t)0, &count);
    EXPECT(INVAL, fd_pwrite, fd, &piece, 1, ~(uint64_t)0, &count);
    EXPECT(FBIG, fd_pwrite, fd, &piece, 1, INT64_MAX - 1, &count);
    EXPECT(INVAL, fd_advise, fd, 0, 0, 6);
    EXPECT(INVAL, fd_advise, fd, ~(uint64_t)0, 0, 0);
    EXPECT(INVAL, fd_advise, fd, 0, ~(uint64_t)0, 0);
    EXPECT(INVAL, fd_allocate, fd, 0, 0);
    EXPECT(INVAL, fd_allocate, fd, ~(uint64_t)0, 1);
    EXPECT(FBIG, fd_allocate, fd, INT64_MAX - 1, 1);
}

/* What is too far for a position to say is too far to write at. */
static void the_far_end(int fd)
{
    iovec piece = {"x", 1};
    if (fd_seek(fd, INT64_MAX - 1, SET, &offset) == SUCCESS)
        EXPECT(FBIG, fd_write, fd, &piece, 1, &count);
    else
        EXPECT(INVAL, fd_seek, fd, INT64_MAX - 1, SET, &offset);
    EXPECT(SUCCESS, fd_seek, fd, 4, SET, &offset);
}

static void bad_descriptors(void)
{
    iovec piece = {buffer, 1};
    const int none[] = {8, 50, -1};
    for (int i = 0; i < 3; i++) {
        EXPECT(BADF, fd_read, none[i], &piece, 1, &count);
        EXPECT(BADF, fd_write, none[i], &piece, 1, &count);
        EXPECT(BADF, fd_pread, none[i], &piece, 1, 0, &count);
        EXPECT(BADF, fd_pwrite, none[i], &piece, 1, 0, &count);
        EXPECT(BADF, fd_seek, none[i], 0, SET, &offset);
        EXPECT(BADF, fd_tell, none[i], &offset);
        EXPECT(BADF, fd_sync, none[i]);
        EXPECT(BADF, fd_datasync, none[i]);
        EXPECT(BADF, fd_advise, none[i], 0, 0, 0);
        EXPECT(BADF, fd_allocate, none[i], 0, 1);
        EXPECT(BADF, fd_close, none[i]);
    }
    EXPECT(ISDIR, fd_read, DIR, &piece, 1, &count);
    EXPECT(ISDIR, fd_write, DIR, &piece, 1, &count);
    EXPECT(ISDIR, fd_pread, DIR, &piece, 1, 0, &count);
    EXPECT(ISDIR, fd_pwrite, DIR, &piece, 1, 0, &count);
    EXPECT(ISDIR, fd_seek, DIR, 0, SET, &offset);
    EXPECT(ISDIR, fd_tell, DIR, &offset);
    EXPECT(ISDIR, fd_allocate, DIR, 0, 1);
}

static void wrong_rights(void)
{
    iovec piece = {buffer, 1};
    int reader = open_with("file", 0, R_READ, 0), writer = open_with("file", 0, R_WRITE, 0);
    EXPECT(SUCCESS, fd_read, reader, &piece, 1, &count);
    EXPECT(SUCCESS, fd_write, writer, &piece, 1, &count);
    EXPECT(NOTCAPABLE, fd_write, reader, &piece, 1, &count);
    EXPECT(NOTCAPABLE, fd_read, writer, &piece, 1, &count);
    EXPECT(NOTCAPABLE, fd_pread, reader, &piece, 1, 0, &count);
    EXPECT(NOTCAPABLE, fd_pwrite, writer, &piece, 1, 0, &count);
    EXPECT(NOTCAPABLE, fd_seek, reader, 1, SET, &offset);
    EXPECT(NOTCAPABLE, fd_tell, reader, &offset);
    EXPECT(NOTCAPABLE, fd_sync, reader);
    EXPECT(NOTCAPABLE, fd_datasync, reader);
    EXPECT(NOTCAPABLE, fd_advise, reader, 0, 0, 0);
    EXPECT(NOTCAPABLE, fd_allocate, reader, 0, 1);
    fd_close(reader);
    fd_close(writer);
    EXPECT(NOTCAPABLE, fd_write, PIPE_IN, &piece, 1, &count);
    EXPECT(NOTCAPABLE, fd_read, PIPE_OUT, &piece, 1, &count);
    int teller = open_with("file", 0, R_TELL, 0);
    EXPECT(SUCCESS, fd_tell, teller, &offset);
    EXPECT(SUCCESS, fd_seek, teller, 0, CUR, &offset);
    EXPECT(NOTCAPABLE, fd_seek, teller, 0, SET, &offset);
    fd_close(teller);
    int seeker = open_with("file", 0, R_SEEK, 0);
    EXPECT(SUCCESS, fd_tell, seeker, &offset);
    fd_close(seeker);
}

/* Descriptors 0 and 2 are two ends of one pipe, which holds 64 KiB. */
static void pipes(void)
{
    iovec piece = {buffer, sizeof buffer};
    EXPECT(SPIPE, fd_seek, PIPE_IN, 0, SET, &offset);
    EXPECT(SPIPE, fd_tell, PIPE_OUT, &offset);
    EXPECT(SPIPE, fd_pread, PIPE_IN, &piece, 1, 0, &count);
    EXPECT(SPIPE, fd_pwrite, PIPE_OUT, &piece, 1, 0, &count);
    EXPECT(SPIPE, fd_advise, PIPE_IN, 0, 0, 0);
    EXPECT(SPIPE, fd_allocate, PIPE_OUT, 0, 1);
    EXPECT(INVAL, fd_sync, PIPE_OUT);
    EXPECT(INVAL, fd_datasync, PIPE_OUT);
    ASSERT(fd_fdstat_set_flags(PIPE_IN, NONBLOCK) == SUCCESS && fd_fdstat_set_flags(PIPE_OUT, NONBLOCK) == SUCCESS);
    EXPECT(AGAIN, fd_read, PIPE_IN, &piece, 1, &count);
    int error;
    size_t total = 0;
    while ((error = fd_write(PIPE_OUT, &piece, 1, &count)) == SUCCESS)
        total += count;
    EXPECT_OF(AGAIN, "fd_write", error);
    ASSERT(total >= 4096);
    while (fd_read(PIPE_IN, &piece, 1, &count) == SUCCESS)
        total -= count;
    ASSERT(total == 0);
}

static void run(void)
{
    reads_and_writes();
    appends();
    renumbers();
    int fd = make_file("file", "data");
    bad_pointers(fd);
    bad_arguments(fd);
    the_far_end(fd);
    fd_close(fd);
    bad_descriptors();
    wrong_rights();
    pipes();
}
