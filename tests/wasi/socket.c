/* sock_*.
 *
 * The clients of descriptor 7 come one after the other: the first sends "ping" and expects "pong" and the
 * end; the second waits to be told "reset", and then resets the connection; the third sends nothing, and
 * leaves at the end.
 */
#include "check.h"

static char buffer[64];
static size_t count;
static uint16_t flags;

/* What is no socket, on every function. */
static void no_sockets(void)
{
    iovec piece = {buffer, sizeof buffer};
    int fd = make_file("file", "");
    const int others[] = {fd, DIR, PIPE_IN};
    for (int i = 0; i < 3; i++) {
        EXPECT(NOTSOCK, sock_recv, others[i], &piece, 1, 0, &count, &flags);
        EXPECT(NOTSOCK, sock_send, others[i], &piece, 1, 0, &count);
        EXPECT(NOTSOCK, sock_shutdown, others[i], RD);
    }
    EXPECT(BADF, sock_recv, 50, &piece, 1, 0, &count, &flags);
    EXPECT(BADF, sock_send, 50, &piece, 1, 0, &count);
    EXPECT(BADF, sock_shutdown, 50, RD);
    EXPECT(NOTCAPABLE, sock_send, IDLE, &piece, 1, 0, &count);
    EXPECT(NOTCAPABLE, sock_shutdown, IDLE, RD);
    EXPECT(NOTCONN, sock_recv, IDLE, &piece, 1, 0, &count, &flags);
    fd_close(fd);
}

#ifndef UNSTABLE
static void accept_refusals(void)
{
    int fd = -1;
    EXPECT(NOTSOCK, sock_accept, DIR, 0, &fd);
    EXPECT(NOTSOCK, sock_accept, PIPE_IN, 0, &fd);
    EXPECT(BADF, sock_accept, 50, 0, &fd);
    EXPECT(INVAL, sock_accept, IDLE, APPEND, &fd);
    EXPECT(INVAL, sock_accept, IDLE, 32, &fd);
    EXPECT(FAULT, sock_accept, IDLE, 0, OUTSIDE);
    EXPECT(INVAL, sock_accept, IDLE, 0, ODD(&fd));
    ASSERT(fd_fdstat_set_flags(IDLE, NONBLOCK) == SUCCESS);
    EXPECT(AGAIN, sock_accept, IDLE, 0, &fd);
}

static void first_client(void)
{
    int fd = -1;
    EXPECT(SUCCESS, sock_accept, LISTENER, 0, &fd);
    fdstat stat;
    ASSERT(fd_fdstat_get(fd, &stat) == SUCCESS && stat.type == TYPE_STREAM && stat.flags == 0);
    ASSERT((stat.rights & R_SHUTDOWN) && !(stat.rights & R_ACCEPT));
    EXPECT(NOTCAPABLE, sock_accept, fd, 0, &fd);

    iovec pieces[2] = {{buffer, 2}, {buffer + 10, 2}};
    EXPECT(SUCCESS, sock_recv, fd, pieces, 2, PEEK | WAITALL, &count, &flags);
    ASSERT(count == 4 && flags == 0 && same(buffer, "pi", 2));
    EXPECT(SUCCESS, sock_recv, fd, pieces, 2, WAITALL, &count, &flags);
    ASSERT(count == 4 && same(buffer, "pi", 2) && same(buffer + 10, "ng", 2));
    EXPECT(FAULT, sock_recv, fd, OUTSIDE, 1, 0, &count, &flags);
    EXPECT(FAULT, sock_recv, fd, pieces, 1, 0, OUTSIDE, &flags);
    EXPECT(FAULT, sock_recv, fd, pieces, 1, 0, &count, OUTSIDE);
    EXPECT(INVAL, sock_recv, fd, pieces, 1, 0, ODD(&count), &flags);
    EXPECT(INVAL, sock_recv, fd, pieces, 1, 0, &count, ODD(&flags));
    EXPECT(INVAL, sock_recv, fd, pieces, 1, 4, &count, &flags);

    iovec text[2] = {{"po", 2}, {"ng", 2}};
    EXPECT(FAULT, sock_send, fd, OUTSIDE, 1, 0, &count);
    EXPECT(FAULT, sock_send, fd, text, 2, 0, OUTSIDE);
    EXPECT(INVAL, sock_send, fd, text, 2, 0, ODD(&count));
    EXPECT(INVAL, sock_send, fd, text, 2, 1, &count);
    EXPECT(SUCCESS, sock_send, fd, text, 2, 0, &count);
    ASSERT(count == 4);
    EXPECT(INVAL, sock_shutdown, fd, 0);
    EXPECT(INVAL, sock_shutdown, fd, 4);
    EXPECT(SUCCESS, sock_shutdown, fd, WR);
    EXPECT(PIPE, sock_send, fd, text, 2, 0, &count);
    EXPECT(PIPE, fd_write, fd, text, 2, &count);
    EXPECT(SUCCESS, sock_recv, fd, pieces, 1, 0, &count, &flags);
    ASSERT(count == 0);
    fd_close(fd);
}

static void second_client(void)
{
    int fd = -1;
    EXPECT(SUCCESS, sock_accept, LISTENER, 0, &fd);
    iovec text = {"reset", 5}, into = {buffer, sizeof buffer};
    EXPECT(SUCCESS, sock_send, fd, &text, 1, 0, &count);
    EXPECT(CONNRESET, sock_recv, fd, &into, 1, 0, &count, &flags);
    /* That was all there was to know; now it is not connected. */
    EXPECT(NOTCONN, sock_shutdown, fd, RD | WR);
    fd_close(fd);
}

static void third_client(void)
{
    int fd = -1;
    EXPECT(SUCCESS, sock_accept, LISTENER, NONBLOCK, &fd);
    fdstat stat;
    ASSERT(fd_fdstat_get(fd, &stat) == SUCCESS && stat.flags == NONBLOCK);
    iovec into = {buffer, sizeof buffer};
    EXPECT(AGAIN, sock_recv, fd, &into, 1, 0, &count, &flags);
    EXPECT(AGAIN, fd_read, fd, &into, 1, &count);
    iovec page = {NULL, 0x10000};
    int error;
    while ((error = sock_send(fd, &page, 1, 0, &count)) == SUCCESS)
        ;
    EXPECT_OF(AGAIN, "sock_send", error);
    ASSERT(fd_fdstat_set_rights(fd, 0, 0) == SUCCESS);
    EXPECT(NOTCAPABLE, sock_recv, fd, &into, 1, 0, &count, &flags);
    EXPECT(NOTCAPABLE, sock_send, fd, &into, 1, 0, &count);
    EXPECT(NOTCAPABLE, sock_shutdown, fd, RD);
    int other, last = -1;
    while (path_open(DIR, 0, TEXT("file"), 0, R_READ, 0, 0, &other) == SUCCESS)
        last = other;
    EXPECT(MFILE, sock_accept, LISTENER, 0, &other);
    ASSERT(last > fd);
}
#endif

static void run(void)
{
    no_sockets();
#ifndef UNSTABLE
    accept_refusals();
    first_client();
    second_client();
    third_client();
#endif
}
