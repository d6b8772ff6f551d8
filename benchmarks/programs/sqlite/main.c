/* sqlite: runs a fixed list of SQL statements on a database in memory and
 * prints the rows they give, columns separated by "|".
 *
 * Parameter: argv[1] = the number of rows of the table, 1000 unless given.
 * Output: the SQLite version, then the rows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite3.h"

/* SQLite is built without an operating-system layer. A database in memory needs
 * only the least of one: no files, a fixed clock, and bytes that are not random,
 * so that every run is the same. */
static int none_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
                     int *out_flags)
{
    (void)vfs, (void)name, (void)flags, (void)out_flags;
    file->pMethods = NULL;
    return SQLITE_CANTOPEN;
}

static int none_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs, (void)name, (void)sync;
    return SQLITE_IOERR_DELETE;
}

static int none_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
    (void)vfs, (void)name, (void)flags;
    *result = 0;
    return SQLITE_OK;
}

static int none_full_path(sqlite3_vfs *vfs, const char *name, int size, char *path)
{
    (void)vfs;
    sqlite3_snprintf(size, path, "%s", name);
    return SQLITE_OK;
}

static int none_randomness(sqlite3_vfs *vfs, int size, char *bytes)
{
    (void)vfs;
    memset(bytes, 42, (size_t)size);
    return size;
}

static int none_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds;
}

static int none_time(sqlite3_vfs *vfs, double *julian_day)
{
    (void)vfs;
    *julian_day = 2451545.0;
    return SQLITE_OK;
}

static sqlite3_vfs none = {
    .iVersion = 1,
    .szOsFile = sizeof(sqlite3_file),
    .mxPathname = 255,
    .zName = "none",
    .xOpen = none_open,
    .xDelete = none_delete,
    .xAccess = none_access,
    .xFullPathname = none_full_path,
    .xRandomness = none_randomness,
    .xSleep = none_sleep,
    .xCurrentTime = none_time,
};

int sqlite3_os_init(void)
{
    return sqlite3_vfs_register(&none, 1);
}

int sqlite3_os_end(void)
{
    return SQLITE_OK;
}

static const char *const statements[] = {
    "CREATE TABLE numbers (n INTEGER PRIMARY KEY, square INTEGER, name TEXT)",
    "WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < ?1)"
    " INSERT INTO numbers SELECT n, n * n, printf('number %05d', n) FROM up",
    "CREATE INDEX by_name ON numbers (name DESC)",
    "SELECT count(*), sum(square), min(name), max(name) FROM numbers",
    "SELECT n % 7 AS residue, count(*), avg(square) FROM numbers GROUP BY residue ORDER BY residue",
    "SELECT a.name, b.n FROM numbers a JOIN numbers b ON b.n = a.square"
    " ORDER BY a.name DESC LIMIT 3",
    "UPDATE numbers SET name = upper(name) WHERE n % 10 = 0",
    "DELETE FROM numbers WHERE name GLOB 'number*'",
    "SELECT count(*), total(length(name)), group_concat(n % 3, '') FROM"
    " (SELECT * FROM numbers ORDER BY n LIMIT 20)",
};

static int fail(sqlite3 *db, const char *what)
{
    fprintf(stderr, "sqlite: %s: %s\n", what, sqlite3_errmsg(db));
    sqlite3_close(db);
    return 1;
}

int main(int argc, char **argv)
{
    int rows = argc > 1 ? atoi(argv[1]) : 1000;
    sqlite3 *db = NULL;

    printf("%s\n", sqlite3_libversion());
    if (sqlite3_open(":memory:", &db) != SQLITE_OK)
        return fail(db, "open");

    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        sqlite3_stmt *statement;
        int status;

        if (sqlite3_prepare_v2(db, statements[i], -1, &statement, NULL) != SQLITE_OK)
            return fail(db, statements[i]);
        if (sqlite3_bind_parameter_count(statement) > 0)
            sqlite3_bind_int(statement, 1, rows);
        while ((status = sqlite3_step(statement)) == SQLITE_ROW) {
            for (int c = 0; c < sqlite3_column_count(statement); c++)
                printf("%s%s", c > 0 ? "|" : "", (const char *)sqlite3_column_text(statement, c));
            putchar('\n');
        }
        if (status != SQLITE_DONE)
            return fail(db, statements[i]);
        sqlite3_finalize(statement);
    }
    sqlite3_close(db);
    return 0;
}
