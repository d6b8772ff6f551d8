/* Checks for programs that call WASI. Each prints a line to standard output: the function and the error
 * number that was expected and came, or FAILED with what came instead. The test suite compares the lines with
 * errnos.txt.
 *
 * What a program is given, by descriptor:
 *
 *   0, 2   reading and writing end of one pipe
 *   1      a file, for the lines
 *   3      "/", an empty directory at first but for what the suite says
 *   4      "/ro", a directory that may only be read, with "file" ("text") and "dir" in it
 *   5      "/other", a directory of another file system, if the variable OTHER is 1
 *   6      a listening socket without connections
 *   7      a listening socket with clients, see socket.c
 */
#pragma once

#include "wasi.h"

enum { PIPE_IN = 0, LINES = 1, PIPE_OUT = 2, DIR = 3, READ_ONLY = 4, OTHER = 5, IDLE = 6, LISTENER = 7 };

/* Memory is two pages, see build.sh. */
#define MEMORY_END ((char *)0x20000)
/* Aligned, and outside. */
#define OUTSIDE ((void *)MEMORY_END)
/* Aligned to 1 only. */
#define ODD(pointer) ((void *)((char *)(pointer) + 1))

static int failures;

static size_t length_of(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

static void print(const char *text)
{
    iovec line = {text, length_of(text)};
    size_t written;
    if (fd_write(LINES, &line, 1, &written) != SUCCESS)
        proc_exit(99);
}

static void print_number(unsigned number)
{
    char digits[12];
    char *at = digits + sizeof digits - 1;
    *at = 0;
    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    print(at);
}

static void fail(const char *file, int line, const char *what)
{
    failures++;
    print("FAILED ");
    print(file);
    print(":");
    print_number((unsigned)line);
    print(": ");
    print(what);
}

static void expect(const char *file, int line, const char *function, const char *name, int expected, int found)
{
    if (found == expected) {
        print(function);
        print(" ");
        print(name);
    } else {
        fail(file, line, function);
        print(" gave ");
        print_number((unsigned)found);
        print(", not ");
        print(name);
    }
    print("\n");
}

static void assert_that(const char *file, int line, int holds, const char *what)
{
    if (!holds) {
        fail(file, line, what);
        print("\n");
    }
}

/* A call and the error number that it must give. */
#define EXPECT(error, function, ...) \
    expect(__FILE__, __LINE__, #function, #error, error, function(__VA_ARGS__))
/* The same for an expression that makes the call. */
#define EXPECT_OF(error, function, call) expect(__FILE__, __LINE__, function, #error, error, call)
#define ASSERT(condition) assert_that(__FILE__, __LINE__, condition, #condition)
/* A text and its length, as two arguments. */
#define TEXT(text) text, sizeof(text) - 1

static int same(const void *left, const void *right, size_t length)
{
    const char *a = left, *b = right;
    for (size_t i = 0; i < length; i++)
        if (a[i] != b[i])
            return 0;
    return 1;
}

/* Opens or makes something in DIR; -1 and a failure if that does not work. */
static int open_with(const char *path, unsigned flags, uint64_t rights, unsigned fd_flags)
{
    int fd = -1;
    int error = path_open(DIR, FOLLOW, path, length_of(path), flags, rights, R_ALL, fd_flags, &fd);
    if (error != SUCCESS) {
        fail(__FILE__, __LINE__, path);
        print(" does not open: ");
        print_number((unsigned)error);
        print("\n");
        return -1;
    }
    return fd;
}

static int make_file(const char *path, const char *text)
{
    int fd = open_with(path, CREAT | TRUNC, R_ALL, 0);
    iovec data = {text, length_of(text)};
    size_t written = 0;
    ASSERT(fd_write(fd, &data, 1, &written) == SUCCESS && written == data.length);
    return fd;
}

static uint64_t now(void)
{
    uint64_t time = 0;
    ASSERT(clock_time_get(MONOTONIC, 0, &time) == SUCCESS);
    return time;
}

static void run(void);

__attribute__((export_name("_start"))) void start(void)
{
    run();
    if (failures)
        proc_exit(1);
}
