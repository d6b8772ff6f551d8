/*
 * A host that loads the library at run time: `loading FOLDER CASE LIBRARY...`. Says "all is well".
 */
#include "test.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct {
    void *handle;
    wasmaot_error_t *(*open)(const char *, wasmaot_module_t **);
    void (*delete_module)(wasmaot_module_t *);
    wasmaot_linker_t *(*new_linker)(void);
    wasmaot_error_t *(*define)(wasmaot_linker_t *, const char *, const char *, const wasmaot_functype_t *,
                               wasmaot_function_t, void *, void (*)(void *));
    wasmaot_error_t *(*link)(const wasmaot_linker_t *, const wasmaot_module_t *, wasmaot_linked_t **);
    wasmaot_error_t *(*new_pool)(const wasmaot_pool_config_t *, wasmaot_pool_t **);
    wasmaot_error_t *(*start)(const wasmaot_pool_t *, const wasmaot_linked_t *, const wasmaot_start_t *,
                              wasmaot_instance_t **);
    wasmaot_error_t *(*call)(wasmaot_instance_t *, const char *, const wasmaot_value_t *, size_t, wasmaot_value_t *,
                             size_t);
    wasmaot_error_t *(*finish)(wasmaot_instance_t *, wasmaot_usage_t *);
    wasmaot_error_t *(*set_deadline)(wasmaot_instance_t *, uint64_t);
    wasmaot_error_t *(*prepare)(void);
    wasmaot_trap_t (*trap)(const wasmaot_error_t *);
    void (*delete_error)(wasmaot_error_t *);
    wasmaot_module_t *module;
    wasmaot_pool_t *pool;
    wasmaot_linked_t *linked;
} library_t;

static char guest[4096];

/* ISO C knows no conversion from an object's address to a function's. */
static void find(void *handle, const char *name, void *function) {
    void *address = dlsym(handle, name);
    CHECK(address != NULL);
    memcpy(function, &address, sizeof address);
}

static wasmaot_error_t *f(void *environment, wasmaot_caller_t *caller, const wasmaot_value_t *args,
                          wasmaot_value_t *results) {
    (void)environment;
    (void)caller;
    results[0] = wasmaot_i32(args[0].of.i32);
    return NULL;
}

static void load(library_t *library, const char *path) {
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CHECK(handle != NULL);
    library->handle = handle;
    find(handle, "wasmaot_module_open_trusted", &library->open);
    find(handle, "wasmaot_module_delete", &library->delete_module);
    find(handle, "wasmaot_linker_new", &library->new_linker);
    find(handle, "wasmaot_linker_func", &library->define);
    find(handle, "wasmaot_linker_link", &library->link);
    find(handle, "wasmaot_pool_new", &library->new_pool);
    find(handle, "wasmaot_pool_start", &library->start);
    find(handle, "wasmaot_instance_call", &library->call);
    find(handle, "wasmaot_instance_finish", &library->finish);
    find(handle, "wasmaot_instance_set_deadline", &library->set_deadline);
    find(handle, "wasmaot_prepare_thread", &library->prepare);
    find(handle, "wasmaot_error_trap", &library->trap);
    find(handle, "wasmaot_error_delete", &library->delete_error);
}

static void open_guest(library_t *library) {
    static const wasmaot_type_t i32 = WASMAOT_I32;
    wasmaot_functype_t type;
    wasmaot_linker_t *linker = library->new_linker();
    type.params = type.results = &i32;
    type.params_count = type.results_count = 1;
    CHECK(library->open(guest, &library->module) == NULL);
    CHECK(library->define(linker, "host", "f", &type, f, NULL, NULL) == NULL);
    CHECK(library->link(linker, library->module, &library->linked) == NULL);
    CHECK(library->new_pool(NULL, &library->pool) == NULL);
}

static void traps(library_t *library, const char *name, int32_t argument, wasmaot_trap_t trap) {
    wasmaot_instance_t *instance = NULL;
    wasmaot_value_t arg = wasmaot_i32(argument), result;
    wasmaot_error_t *error;
    CHECK(library->start(library->pool, library->linked, NULL, &instance) == NULL);
    CHECK(trap != WASMAOT_TRAP_DEADLINE_EXCEEDED || library->set_deadline(instance, 3000000) == NULL);
    error = library->call(instance, name, &arg, 1, &result, 1);
    CHECK(library->trap(error) == trap);
    library->delete_error(error);
    CHECK(library->finish(instance, NULL) == NULL);
}

static void guests_trap(library_t *library) {
    traps(library, "host", 1, WASMAOT_TRAP_NONE);
    traps(library, "load", -4, WASMAOT_TRAP_MEMORY_OUT_OF_BOUNDS);
    traps(library, "divide", 0, WASMAOT_TRAP_INTEGER_DIVIDE_BY_ZERO);
    traps(library, "trap", 0, WASMAOT_TRAP_UNREACHABLE);
    traps(library, "host_deep", 0, WASMAOT_TRAP_STACK_OVERFLOW);
    traps(library, "forever", 0, WASMAOT_TRAP_DEADLINE_EXCEEDED);
}

/* On a thread that ends, so that nothing of the thread's keeps the library. */
static void *use_once(void *path) {
    library_t library;
    load(&library, (const char *)path);
    open_guest(&library);
    guests_trap(&library);
    CHECK(dlclose(library.handle) == 0);
    return NULL;
}

static void unloaded(char **paths) {
    int round;
    pthread_t thread;
    for (round = 0; round < 2; round++) {
        CHECK(pthread_create(&thread, NULL, use_once, paths[0]) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        /* Its handler is still there. */
        CHECK(raise(SIGURG) == 0);
    }
}

static void two_copies(char **paths) {
    library_t libraries[2];
    int round, i;
    for (i = 0; i < 2; i++) {
        load(&libraries[i], paths[i]);
        open_guest(&libraries[i]);
    }
    CHECK(libraries[0].open != libraries[1].open);
    for (round = 0; round < 20; round++) {
        guests_trap(&libraries[round & 1]);
        guests_trap(&libraries[(round >> 1) & 1]);
        CHECK(libraries[(round >> 2) & 1].prepare() == NULL);
    }
}

int main(int argc, char **argv) {
    static const struct rlimit no_core = {0, 0};
    CHECK(argc >= 4 && (size_t)snprintf(guest, sizeof guest, "%s/near.so", argv[1]) < sizeof guest);
    CHECK(setrlimit(RLIMIT_CORE, &no_core) == 0);
    /* Whatever hangs fails. */
    alarm(600);
    if (strcmp(argv[2], "unloaded") == 0) {
        unloaded(argv + 3);
    } else {
        CHECK(strcmp(argv[2], "two copies") == 0 && argc >= 5);
        two_copies(argv + 3);
    }
    puts("all is well");
    return 0;
}
