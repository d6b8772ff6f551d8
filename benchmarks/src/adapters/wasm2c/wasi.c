/* A host for a WASI program that wasm2c has made C of: the functions that the programs here import, and
 * `main`.
 *
 * The program's arguments are those of the process. A directory that WASI_DIRECTORY names is its current one.
 */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUCCESS = 0, EBADF_WASI = 8, EFAULT_WASI = 21, EINVAL_WASI = 28, EIO_WASI = 29, ENOENT_WASI = 44, DIRECTORY = 3 };

struct w2c_wasi__snapshot__preview1 {
    w2c_guest *guest;
    uint32_t argc;
    char **argv;
    int directory;
};

typedef struct w2c_wasi__snapshot__preview1 host;

/* Where `length` bytes of the program's memory are, or NULL if they are not all in it. */
static uint8_t *bytes(host *host, uint32_t at, uint64_t length)
{
    wasm_rt_memory_t *memory = w2c_guest_memory(host->guest);
    return at + length <= memory->size ? memory->data + at : NULL;
}

static uint32_t put(host *host, uint32_t at, const void *value, uint32_t length)
{
    uint8_t *to = bytes(host, at, length);
    if (to == NULL)
        return EFAULT_WASI;
    memcpy(to, value, length);
    return SUCCESS;
}

u32 w2c_wasi__snapshot__preview1_args_sizes_get(host *host, u32 count, u32 size)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < host->argc; i++)
        total += (uint32_t)strlen(host->argv[i]) + 1;
    uint32_t error = put(host, count, &host->argc, 4);
    return error ? error : put(host, size, &total, 4);
}

u32 w2c_wasi__snapshot__preview1_args_get(host *host, u32 pointers, u32 buffer)
{
    for (uint32_t i = 0; i < host->argc; i++) {
        uint32_t length = (uint32_t)strlen(host->argv[i]) + 1;
        if (put(host, pointers + 4 * i, &buffer, 4) || put(host, buffer, host->argv[i], length))
            return EFAULT_WASI;
        buffer += length;
    }
    return SUCCESS;
}

u32 w2c_wasi__snapshot__preview1_fd_close(host *host, u32 fd)
{
    (void)host;
    return close((int)fd) == 0 ? SUCCESS : EBADF_WASI;
}

u32 w2c_wasi__snapshot__preview1_fd_fdstat_get(host *host, u32 fd, u32 to)
{
    struct stat status;
    if (fstat((int)fd, &status) != 0)
        return EBADF_WASI;
    uint8_t answer[24] = { S_ISDIR(status.st_mode) ? DIRECTORY : S_ISCHR(status.st_mode) ? 2 : 4 };
    memset(answer + 8, 0xff, 16); /* All rights. */
    return put(host, to, answer, sizeof answer);
}

u32 w2c_wasi__snapshot__preview1_fd_prestat_get(host *host, u32 fd, u32 to)
{
    uint32_t answer[2] = { 0, 1 };
    return host->directory < 0 || fd != (u32)host->directory ? EBADF_WASI : put(host, to, answer, sizeof answer);
}

u32 w2c_wasi__snapshot__preview1_fd_prestat_dir_name(host *host, u32 fd, u32 to, u32 length)
{
    if (host->directory < 0 || fd != (u32)host->directory)
        return EBADF_WASI;
    return length < 1 ? EINVAL_WASI : put(host, to, ".", 1);
}

/* Reads or writes each of the pieces of a list. */
static u32 transfer(host *host, u32 fd, u32 list, u32 count, u32 to, int writes)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t piece[2];
        const uint8_t *entry = bytes(host, list + 8 * i, 8);
        if (entry == NULL)
            return EFAULT_WASI;
        memcpy(piece, entry, 8);
        uint8_t *data = bytes(host, piece[0], piece[1]);
        if (data == NULL)
            return EFAULT_WASI;
        ssize_t done = writes ? write((int)fd, data, piece[1]) : read((int)fd, data, piece[1]);
        if (done < 0)
            return errno == EBADF ? EBADF_WASI : EIO_WASI;
        total += (uint32_t)done;
        if ((uint32_t)done < piece[1])
            break;
    }
    return put(host, to, &total, 4);
}

u32 w2c_wasi__snapshot__preview1_fd_read(host *host, u32 fd, u32 list, u32 count, u32 to)
{
    return transfer(host, fd, list, count, to, 0);
}

u32 w2c_wasi__snapshot__preview1_fd_write(host *host, u32 fd, u32 list, u32 count, u32 to)
{
    return transfer(host, fd, list, count, to, 1);
}

u32 w2c_wasi__snapshot__preview1_fd_seek(host *host, u32 fd, u64 offset, u32 whence, u32 to)
{
    off_t at = lseek((int)fd, (off_t)offset, (int)whence);
    return at < 0 ? EINVAL_WASI : put(host, to, &at, 8);
}

/* Files are opened for reading only, which is all that the programs do. */
u32 w2c_wasi__snapshot__preview1_path_open(host *host, u32 directory, u32 flags, u32 path, u32 length, u32 open_flags,
    u64 rights, u64 inherited, u32 descriptor_flags, u32 to)
{
    (void)flags, (void)rights, (void)inherited;
    char name[256];
    const uint8_t *from = bytes(host, path, length);
    if (from == NULL || length >= sizeof name || open_flags != 0 || descriptor_flags != 0)
        return EINVAL_WASI;
    memcpy(name, from, length);
    name[length] = 0;
    if (name[0] == '/' || strstr(name, ".."))
        return ENOENT_WASI;
    int fd = openat((int)directory, name, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? ENOENT_WASI : put(host, to, &fd, 4);
}

void w2c_wasi__snapshot__preview1_proc_exit(host *host, u32 code)
{
    (void)host;
    exit((int)code);
}

int main(int argc, char **argv)
{
    w2c_guest guest;
    const char *directory = getenv("WASI_DIRECTORY");
    host host = { &guest, (uint32_t)argc, argv, directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1 };
    wasm_rt_init();
    wasm2c_guest_instantiate(&guest, &host);
    w2c_guest_0x5Fstart(&guest);
    return 0;
}
