/* cat: copies a file to standard output in pieces as large as those of the cat of GNU coreutils, 128 KiB, so
 * that the two can be compared.
 *
 * Parameter: argv[1], the path of the file.
 * Output: the bytes of the file; on failure, a message on standard error and exit status 1.
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static char buffer[128 * 1024];

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: cat FILE\n", stderr);
        return 1;
    }
    int fd = open(argv[1], O_RDONLY);
    if (fd < 0) {
        perror(argv[1]);
        return 1;
    }
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0) {
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(STDOUT_FILENO, buffer + done, (size_t)(got - done));
            if (put < 0) {
                perror("standard output");
                return 1;
            }
            done += put;
        }
    }
    if (got < 0) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
