/* cat-sync: copies a file to standard output with synchronous open, read and
 * write calls, without stdio. Measures the cost of system calls.
 *
 * Parameter: argv[1], the path of the file.
 * Output: the bytes of the file; on failure, a message on standard error and
 * exit status 1.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char buffer[8 * 1024];

static int fail(const char *what, const char *path)
{
    fprintf(stderr, "cat-sync: cannot %s %s: %s\n", what, path, strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: cat-sync FILE\n", stderr);
        return 1;
    }
    const char *path = argv[1];
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return fail("open", path);

    for (;;) {
        ssize_t got = read(fd, buffer, sizeof buffer);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return fail("read", path);
        }
        if (got == 0)
            break;
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(STDOUT_FILENO, buffer + done, (size_t)(got - done));
            if (put < 0) {
                if (errno == EINTR)
                    continue;
                return fail("write", "standard output");
            }
            done += put;
        }
    }
    if (close(fd) != 0)
        return fail("close", path);
    return 0;
}
