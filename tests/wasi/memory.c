/* Streams in memory. Given: "input" as 0, and at most 10 bytes collected of 2. */
#include "check.h"

static char buffer[64];

static void run(void)
{
    size_t count;
    uint64_t offset;
    fdstat stat;
    filestat file;
    ASSERT(fd_fdstat_get(0, &stat) == SUCCESS && stat.type == TYPE_UNKNOWN && stat.flags == 0);
    ASSERT(fd_filestat_get(0, &file) == SUCCESS && file.type == TYPE_UNKNOWN && file.size == 0);
    iovec two[2] = {{buffer, 3}, {buffer + 32, 32}};
    EXPECT(SUCCESS, fd_read, 0, two, 1, &count);
    ASSERT(count == 3);
    subscription wait[2] = {{.userdata = 1, .tag = EVENT_READ, .fd = 0}, {.userdata = 2, .tag = EVENT_WRITE, .fd = 2}};
    event events[2];
    ASSERT(poll_oneoff(wait, events, 2, &count) == SUCCESS && count == 2);
    ASSERT(events[0].bytes == 2 && events[0].userdata == 1 && events[1].userdata == 2);
    EXPECT(SUCCESS, fd_read, 0, two + 1, 1, &count);
    ASSERT(count == 2 && same(buffer, "inp", 3) && same(buffer + 32, "ut", 2));
    EXPECT(SUCCESS, fd_read, 0, two, 2, &count);
    ASSERT(count == 0);

    iovec text[2] = {{"seven..", 7}, {"eleven.....", 11}};
    EXPECT(SUCCESS, fd_write, 2, text, 1, &count);
    ASSERT(count == 7);
    EXPECT(SUCCESS, fd_write, 2, text + 1, 1, &count);
    ASSERT(count == 3);
    EXPECT(NOSPC, fd_write, 2, text, 2, &count);
    EXPECT(SUCCESS, fd_write, 2, text, 0, &count);
    iovec outside[2] = {{buffer, 1}, {MEMORY_END - 1, 2}};
    EXPECT(FAULT, fd_write, 2, outside, 2, &count);
    EXPECT(FAULT, fd_read, 0, outside, 2, &count);

    EXPECT(SPIPE, fd_seek, 0, 0, SET, &offset);
    EXPECT(SPIPE, fd_tell, 2, &offset);
    EXPECT(SPIPE, fd_pread, 0, two, 1, 0, &count);
    EXPECT(SPIPE, fd_pwrite, 2, two, 1, 0, &count);
    EXPECT(SPIPE, fd_advise, 0, 0, 0, 0);
    EXPECT(SPIPE, fd_allocate, 2, 0, 1);
    EXPECT(INVAL, fd_sync, 2);
    EXPECT(INVAL, fd_datasync, 2);
    EXPECT(INVAL, fd_filestat_set_size, 2, 0);
    EXPECT(NOTCAPABLE, fd_filestat_set_times, 2, 0, 0, 0);
    EXPECT(NOTSOCK, sock_shutdown, 2, WR);
    EXPECT(SUCCESS, fd_fdstat_set_flags, 0, NONBLOCK);
    EXPECT(NOTSUP, fd_fdstat_set_flags, 0, SYNC);

    /* What was collected stays when the descriptor goes. */
    EXPECT(SUCCESS, fd_close, 2);
    EXPECT(BADF, fd_write, 2, text, 1, &count);
}
