// SQLite with an opened database in memory: the tables are filled and the statements prepared at
// initialisation.
#include "guest.h"
#include "sqlite3.h"
#include <stdio.h>

static sqlite3 *database;
static sqlite3_stmt *query;

static void run(const char *sql) {
    if (sqlite3_exec(database, sql, 0, 0, 0) != SQLITE_OK) {
        printf("%s: %s\n", sql, sqlite3_errmsg(database));
        abort();
    }
}

void initialise(void) {
    if (sqlite3_open(":memory:", &database) != SQLITE_OK) {
        abort();
    }
    run("CREATE TABLE parts (id INTEGER PRIMARY KEY, name TEXT, weight REAL)");
    run("CREATE INDEX by_weight ON parts (weight)");
    run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
        "INSERT INTO parts SELECT i, printf('part-%05d', i * 7919 % 100000), i * 37 % 1009 / 10.0 FROM n");
    const char *sql = "SELECT count(*), min(name), sum(weight) FROM parts WHERE weight BETWEEN ?1 AND ?1 + 5";
    if (sqlite3_prepare_v2(database, sql, -1, &query, 0) != SQLITE_OK) {
        abort();
    }
}

static char answer[256];

unsigned request(unsigned number) {
    sqlite3_reset(query);
    sqlite3_bind_double(query, 1, number % 100);
    sqlite3_step(query);
    int count = sqlite3_column_int(query, 0);
    snprintf(answer, sizeof answer, "%d %s %.1f", count, sqlite3_column_text(query, 1), sqlite3_column_double(query, 2));
    return (unsigned)count;
}

void serve(void) {
    for (unsigned number = 0; number < 5; number++) {
        unsigned count = request(number * 17);
        printf("%s %u\n", answer, count);
    }
    run("INSERT INTO parts (name, weight) VALUES ('late', 1e6)");
    printf("%d rows changed\n", sqlite3_total_changes(database));
}

GUEST
