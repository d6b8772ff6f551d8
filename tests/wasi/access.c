/* What the system's own permissions refuse. Run for a user that is not privileged, with a file of another
 * user in "/": "owned", which no other user may write to, and a directory "closed" that no other user may
 * use, with "file" and "link" in it.
 */
#include "check.h"

static void run(void)
{
    filestat file;
    char buffer[10];
    size_t used;
    int fd;
    EXPECT(ACCES, path_open, DIR, 0, TEXT("owned"), 0, R_WRITE, 0, 0, &fd);
    EXPECT(ACCES, path_open, DIR, 0, TEXT("closed/file"), 0, R_READ, 0, 0, &fd);
    EXPECT(ACCES, path_filestat_get, DIR, 0, TEXT("closed/file"), &file);
    EXPECT(ACCES, path_filestat_set_times, DIR, 0, TEXT("closed/file"), 0, 0, ATIM_NOW);
    EXPECT(PERM, path_filestat_set_times, DIR, 0, TEXT("owned"), 0, 0, ATIM | MTIM);
    EXPECT(ACCES, path_filestat_set_times, DIR, 0, TEXT("owned"), 0, 0, ATIM_NOW | MTIM_NOW);
    EXPECT(ACCES, path_readlink, DIR, TEXT("closed/link"), buffer, sizeof buffer, &used);
    EXPECT(ACCES, path_create_directory, DIR, TEXT("new"));
    EXPECT(ACCES, path_remove_directory, DIR, TEXT("closed"));
    EXPECT(ACCES, path_unlink_file, DIR, TEXT("owned"));
    EXPECT(ACCES, path_symlink, TEXT("owned"), DIR, TEXT("new"));
    EXPECT(ACCES, path_rename, DIR, TEXT("owned"), DIR, TEXT("new"));
    EXPECT(ACCES, path_link, DIR, 0, TEXT("closed/file"), DIR, TEXT("new"));
    ASSERT(path_open(DIR, 0, TEXT("owned"), 0, R_READ | R_SET_TIMES, 0, 0, &fd) == SUCCESS);
    EXPECT(PERM, fd_filestat_set_times, fd, 0, 0, ATIM | MTIM);
    EXPECT(ACCES, fd_filestat_set_times, fd, 0, 0, ATIM_NOW | MTIM_NOW);
    fd_close(fd);
}
