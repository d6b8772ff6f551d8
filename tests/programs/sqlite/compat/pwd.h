/* WASI knows no users: nobody has a home folder, and files have no permissions to change. */
struct passwd {
    char *pw_dir;
};
#define getuid() 0
#define getpwuid(uid) ((struct passwd *)0)
#define chmod(path, mode) 0
