/* fd_readdir: entries through any buffer, with cookies that stay good over 100,000 entries. */
#include "check.h"

enum { MANY = 100000 };

static char buffer[4096];
static unsigned char seen[MANY];
static size_t used;

/* The name of a file by number: 'f' and its digits. */
static size_t name_of(unsigned number, char *name)
{
    char digits[8];
    size_t count = 0, length = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    name[length++] = 'f';
    while (count)
        name[length++] = digits[--count];
    return length;
}

static int number_of(const char *name, size_t length)
{
    int number = 0;
    if (length < 2 || name[0] != 'f')
        return -1;
    for (size_t i = 1; i < length; i++)
        number = number * 10 + (name[i] - '0');
    return number < MANY ? number : -1;
}

/* Counts each file that a listing from the start shows in "seen". Entries are 24 bytes and a name; the
 * last in a full buffer may be cut. Removes every other file as it goes, if that is asked for. Gives the
 * entries that are no files. */
static int list(int dir, size_t length, int remove)
{
    uint64_t cookie = 0;
    int others = 0;
    for (;;) {
        if (fd_readdir(dir, buffer, length, cookie, &used) != SUCCESS)
            return -1;
        size_t at = 0;
        while (used - at >= sizeof(dirent)) {
            dirent entry;
            __builtin_memcpy(&entry, buffer + at, sizeof entry);
            char *name = buffer + at + sizeof entry;
            if (used - at - sizeof entry < entry.length)
                break;
            int number = number_of(name, entry.length);
            if (number < 0)
                others++;
            else {
                seen[number]++;
                if (remove && number % 2 == 0 && path_unlink_file(dir, name, entry.length) != SUCCESS)
                    return -1;
            }
            cookie = entry.next;
            at += sizeof entry + entry.length;
        }
        if (used < length)
            return others;
    }
}

static void many(int dir)
{
    char name[16];
    for (unsigned number = 0; number < MANY; number++) {
        int fd;
        if (path_open(dir, 0, name, name_of(number, name), CREAT | EXCL, R_WRITE, 0, 0, &fd) != SUCCESS ||
            fd_close(fd) != SUCCESS) {
            ASSERT(!"the files can be made");
            return;
        }
    }
    ASSERT(list(dir, sizeof buffer, 0) == 2);
    for (int number = 0; number < MANY; number++)
        if (seen[number] != 1) {
            ASSERT(!"each file was listed once");
            return;
        }
    /* What is removed on the way does not hide or repeat what stays. */
    ASSERT(list(dir, 1000, 1) == 2);
    for (int number = 1; number < MANY; number += 2)
        if (seen[number] != 2) {
            ASSERT(!"each file that stays was listed once more");
            return;
        }
}

static void run(void)
{
    EXPECT(SUCCESS, path_create_directory, DIR, TEXT("many"));
    int dir = open_with("many", DIRECTORY, R_ALL & ~R_WRITES, 0);
    EXPECT(SUCCESS, fd_readdir, dir, buffer, sizeof buffer, 0, &used);
    ASSERT(used == 2 * sizeof(dirent) + 3);
    EXPECT(SUCCESS, fd_readdir, dir, buffer, 0, 0, &used);
    ASSERT(used == 0);
    EXPECT(SUCCESS, fd_readdir, dir, buffer, 5, 0, &used);
    ASSERT(used == 5);
    many(dir);
    EXPECT(SUCCESS, fd_readdir, READ_ONLY, buffer, sizeof buffer, 0, &used);
    ASSERT(used == 4 * sizeof(dirent) + 3 + 4 + 3);

    EXPECT(FAULT, fd_readdir, dir, MEMORY_END - 10, 11, 0, &used);
    EXPECT(FAULT, fd_readdir, dir, buffer, sizeof buffer, 0, OUTSIDE);
    EXPECT(INVAL, fd_readdir, dir, buffer, sizeof buffer, 0, ODD(&used));
    EXPECT(INVAL, fd_readdir, dir, buffer, sizeof buffer, ~(uint64_t)0, &used);
    EXPECT(BADF, fd_readdir, 50, buffer, sizeof buffer, 0, &used);
    EXPECT(NOTDIR, fd_readdir, PIPE_IN, buffer, sizeof buffer, 0, &used);
    int blind = open_with("many", DIRECTORY, 0, 0);
    EXPECT(NOTCAPABLE, fd_readdir, blind, buffer, sizeof buffer, 0, &used);
    fd_close(blind);

    ASSERT(path_create_directory(DIR, TEXT("gone")) == SUCCESS);
    int gone = open_with("gone", DIRECTORY, R_ALL & ~R_WRITES, 0);
    ASSERT(path_remove_directory(DIR, TEXT("gone")) == SUCCESS);
    EXPECT(NOENT, fd_readdir, gone, buffer, sizeof buffer, 0, &used);
}
