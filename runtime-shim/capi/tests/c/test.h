/* What the tests of the C API share. They are C99 and C++11 alike. */
#ifndef TEST_H
#define TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasmaot.h>

/* Ends the program unless a condition holds. */
#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

/* Ends the program if a call fails. */
#define OK(call) succeeded(__FILE__, __LINE__, call)

/* Ends the program unless a call fails with this kind of error, whose message holds a text. */
#define FAILS(call, kind, text) failed_with(__FILE__, __LINE__, call, kind, text)

static inline void succeeded(const char *file, int line, wasmaot_error_t *error) {
    if (error != NULL) {
        fprintf(stderr, "%s:%d: %s\n", file, line, wasmaot_error_message(error));
        exit(1);
    }
}

static inline void failed_with(const char *file, int line, wasmaot_error_t *error, wasmaot_error_kind_t kind,
                               const char *text) {
    if (error == NULL || wasmaot_error_kind(error) != kind || strstr(wasmaot_error_message(error), text) == NULL) {
        fprintf(stderr, "%s:%d: expected kind %d with \"%s\", found kind %d: %s\n", file, line, (int)kind, text,
                (int)wasmaot_error_kind(error), error == NULL ? "(no error)" : wasmaot_error_message(error));
        exit(1);
    }
    wasmaot_error_delete(error);
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Path of a file in the folder of the guests. Valid until the next call. */
const char *guest_path(const char *name);

/* A guest, opened. */
wasmaot_module_t *opened(const char *name);

/* A guest, linked with the host functions of host.c and with WASI. */
wasmaot_linked_t *linked(const char *name);

/* A pool with this number of slots. */
wasmaot_pool_t *pool_of(uint32_t slots);

/* What the host functions of host.c work on, given to instances as their data. */
typedef struct {
    int64_t calls;
    wasmaot_instance_t *instance;
    wasmaot_linked_t *linked;
    wasmaot_caller_t *outer;
    wasmaot_error_t *anothers; /* an exception of another instance */
} host_t;

/* An instance with this data in a pool. */
wasmaot_instance_t *started(wasmaot_pool_t *pool, const wasmaot_linked_t *linked, host_t *host);

/* An instance that is given this of WASI. */
wasmaot_instance_t *started_with(wasmaot_pool_t *pool, const wasmaot_linked_t *linked, const wasmaot_wasi_t *wasi);

/* Defines the functions that guests import from "host". */
void define_host(wasmaot_linker_t *linker);

/* Calls of an export of type (i32) -> i64. */
wasmaot_error_t *call_next(wasmaot_instance_t *instance, int32_t number, int64_t *result);

/* What "next" does for these numbers; for all others it gives the number plus the calls so far. */
enum {
    NEXT_FAILS = -1,
    NEXT_EXITS = -2,
    NEXT_WRITES_OUTSIDE = -3,
    NEXT_TRAPS = -4,
    NEXT_CALLS_TRAP = -5,
    NEXT_CALLS_NEXT = -6,
    NEXT_USES_INSTANCE = -7,
    NEXT_GIVES_WRONG_TYPE = -8,
    NEXT_WAITS = -9,
    NEXT_USES_MEMORY = -10,
    NEXT_USES_WIDE_MEMORY = -11,
    NEXT_CALLS_THROW = -12,
    NEXT_THROWS_ANOTHERS = -13
};

/* The tests. */
void test_calls(void);
void test_errors(void);
void test_exports(void);
void test_linking(void);
void test_loaders(void);
void test_memories(void);
void test_misuse(void);
void test_modules(void);
void test_pools(void);
void test_shared(void);
void test_stopping(void);
void test_stores(void);
void test_suspended(void);
void test_metering(void);
void test_streams(void);
void test_wasi(void);

#endif
