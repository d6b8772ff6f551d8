/* poll_oneoff: clocks, descriptors, and what of each cannot be waited for. */
#include "check.h"

enum { MILLISECOND = 1000000 };

static subscription waits[4];
static event events[4];
static size_t count;
static char buffer[64];

static subscription on_clock(uint64_t userdata, uint32_t clock, uint64_t timeout, uint16_t flags)
{
    return (subscription){.userdata = userdata, .tag = EVENT_CLOCK, .clock = {.id = clock, .timeout = timeout, .flags = flags}};
}

static subscription on(uint8_t tag, uint64_t userdata, uint32_t fd)
{
    return (subscription){.userdata = userdata, .tag = tag, .fd = fd};
}

static void clocks(void)
{
    uint64_t start = now();
    waits[0] = on_clock(1, MONOTONIC, 5 * MILLISECOND, 0);
    waits[1] = on_clock(2, MONOTONIC, 3600 * (uint64_t)1000 * MILLISECOND, 0);
    EXPECT(SUCCESS, poll_oneoff, waits, events, 2, &count);
    ASSERT(count == 1 && events[0].userdata == 1 && events[0].error == SUCCESS && events[0].type == EVENT_CLOCK);
    ASSERT(now() - start >= 5 * MILLISECOND);

    start = now();
    waits[0] = on_clock(3, MONOTONIC, start + 5 * MILLISECOND, ABSTIME);
    EXPECT(SUCCESS, poll_oneoff, waits, events, 1, &count);
    ASSERT(count == 1 && events[0].userdata == 3 && now() >= start + 5 * MILLISECOND);

    uint64_t time;
    ASSERT(clock_time_get(REALTIME, 0, &time) == SUCCESS);
    waits[0] = on_clock(4, REALTIME, time, ABSTIME);
    waits[1] = on_clock(5, REALTIME, 0, 0);
    EXPECT(SUCCESS, poll_oneoff, waits, events, 2, &count);
    ASSERT(count == 2 && events[0].userdata == 4 && events[1].userdata == 5);
    waits[0] = on_clock(6, REALTIME, MILLISECOND, 0);
    EXPECT(SUCCESS, poll_oneoff, waits, events, 1, &count);
    ASSERT(count == 1);
}

static void descriptors(void)
{
    int fd = make_file("file", "12345");
    uint64_t offset;
    ASSERT(fd_seek(fd, 2, SET, &offset) == SUCCESS);
    waits[0] = on(EVENT_READ, 1, PIPE_IN);
    waits[1] = on_clock(2, MONOTONIC, MILLISECOND, 0);
    EXPECT(SUCCESS, poll_oneoff, waits, events, 2, &count);
    ASSERT(count == 1 && events[0].userdata == 2);

    iovec piece = {"abc", 3};
    ASSERT(fd_write(PIPE_OUT, &piece, 1, &count) == SUCCESS);
    waits[1] = on(EVENT_WRITE, 2, PIPE_OUT);
    waits[2] = on(EVENT_READ, 3, fd);
    waits[3] = on(EVENT_WRITE, 4, fd);
    EXPECT(SUCCESS, poll_oneoff, waits, events, 4, &count);
    ASSERT(count == 4);
    ASSERT(events[0].bytes == 3 && events[0].flags == 0 && events[0].type == EVENT_READ);
    ASSERT(events[2].bytes == 3 && events[2].userdata == 3 && events[3].type == EVENT_WRITE);

    /* All that is left after the other end has gone. */
    EXPECT(SUCCESS, fd_close, PIPE_OUT);
    piece = (iovec){buffer, sizeof buffer};
    ASSERT(fd_read(PIPE_IN, &piece, 1, &count) == SUCCESS && count == 3);
    fd_close(fd);
}

/* A wait that cannot be is an event with its error. */
static void errors(void)
{
    int blind = open_with("file", 0, 0, 0);
    waits[0] = on(EVENT_READ, 1, 50);
    waits[1] = on(EVENT_WRITE, 2, blind);
    waits[2] = on_clock(3, PROCESS_CPUTIME, 0, 0);
    waits[3] = on_clock(4, 4, 0, 0);
    EXPECT(SUCCESS, poll_oneoff, waits, events, 4, &count);
    ASSERT(count == 4);
    EXPECT_OF(BADF, "poll_oneoff:event", events[0].error);
    EXPECT_OF(NOTCAPABLE, "poll_oneoff:event", events[1].error);
    EXPECT_OF(NOTSUP, "poll_oneoff:event", events[2].error);
    EXPECT_OF(INVAL, "poll_oneoff:event", events[3].error);
    fd_close(blind);
}

static void refusals(void)
{
    waits[0] = on_clock(1, MONOTONIC, 0, 0);
    EXPECT(INVAL, poll_oneoff, waits, events, 0, &count);
    EXPECT(INVAL, poll_oneoff, waits, events, ~(size_t)0, &count);
    EXPECT(FAULT, poll_oneoff, OUTSIDE, events, 1, &count);
    EXPECT(FAULT, poll_oneoff, waits, OUTSIDE, 1, &count);
    EXPECT(FAULT, poll_oneoff, waits, events, 1, OUTSIDE);
    EXPECT(FAULT, poll_oneoff, waits, events, 16000, &count);
    EXPECT(INVAL, poll_oneoff, ODD(waits), events, 1, &count);
    EXPECT(INVAL, poll_oneoff, waits, ODD(events), 1, &count);
    EXPECT(INVAL, poll_oneoff, waits, events, 1, ODD(&count));
    waits[0].tag = 3;
    EXPECT(INVAL, poll_oneoff, waits, events, 1, &count);
    waits[0] = on_clock(1, MONOTONIC, 0, 2);
    EXPECT(INVAL, poll_oneoff, waits, events, 1, &count);
}

static void run(void)
{
    clocks();
    descriptors();
    errors();
    refusals();
}
