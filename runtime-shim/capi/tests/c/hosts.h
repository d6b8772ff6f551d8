/*
 * What hosts of near.wat share, each of which is a process: `PROGRAM FOLDER CASE`. It says "all is well",
 * unless its case is to die.
 */
#ifndef HOSTS_H
#define HOSTS_H

#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const uint64_t MS = 1000000;

static const char *folder;
static wasmaot_pool_t *pool;
static wasmaot_linked_t *guest;

/* What the guest's "f" does. */
static int32_t (*on_call)(wasmaot_caller_t *caller, int32_t argument);

static wasmaot_error_t *f(void *environment, wasmaot_caller_t *caller, const wasmaot_value_t *args,
                          wasmaot_value_t *results) {
    (void)environment;
    results[0] = wasmaot_i32(on_call == NULL ? 0 : on_call(caller, args[0].of.i32));
    return wasmaot_caller_check_interrupt(caller);
}

static inline void open_guest_with(const wasmaot_pool_config_t *config) {
    static const wasmaot_type_t i32 = WASMAOT_I32;
    char path[4096];
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_module_t *module = NULL;
    wasmaot_functype_t type;
    type.params = type.results = &i32;
    type.params_count = type.results_count = 1;
    CHECK((size_t)snprintf(path, sizeof path, "%s/near.so", folder) < sizeof path);
    OK(wasmaot_linker_func(linker, "host", "f", &type, f, NULL, NULL));
    OK(wasmaot_module_open_trusted(path, &module));
    OK(wasmaot_linker_link(linker, module, &guest));
    OK(wasmaot_pool_new(config, &pool));
    wasmaot_linker_delete(linker);
    wasmaot_module_delete(module);
}

static inline void open_guest(void) {
    open_guest_with(NULL);
}

static inline void open_checked_guest(void) {
    wasmaot_pool_config_t config;
    memset(&config, 0, sizeof config);
    config.host_signals = WASMAOT_SIGNALS_CHECKED;
    open_guest_with(&config);
}

static inline wasmaot_instance_t *start(void) {
    wasmaot_instance_t *instance = NULL;
    OK(wasmaot_pool_start(pool, guest, NULL, &instance));
    return instance;
}

/* Calls a function of a new instance, with a timeout (UINT64_MAX: none). Returns how it trapped. */
static inline wasmaot_trap_t call(const char *name, int32_t first, int32_t second, uint64_t timeout, int32_t *result) {
    wasmaot_instance_t *instance = start();
    wasmaot_value_t args[2], value;
    wasmaot_error_t *error;
    wasmaot_trap_t trap;
    args[0] = wasmaot_i32(first);
    args[1] = wasmaot_i32(second);
    value = wasmaot_i32(0);
    if (timeout != UINT64_MAX) {
        OK(wasmaot_instance_set_deadline(instance, timeout));
    }
    error = wasmaot_instance_call(instance, name, args, strcmp(name, "near") == 0 ? 2 : 1, &value, 1);
    trap = wasmaot_error_trap(error);
    if (error != NULL && trap == WASMAOT_TRAP_NONE) {
        fprintf(stderr, "%s: %s\n", name, wasmaot_error_message(error));
        exit(1);
    }
    wasmaot_error_delete(error);
    OK(wasmaot_instance_finish(instance, NULL));
    if (result != NULL) {
        *result = value.of.i32;
    }
    return trap;
}

/* Every way in which the runtime uses signals. */
static inline void guests_trap(void) {
    CHECK(call("load", -4, 0, UINT64_MAX, NULL) == WASMAOT_TRAP_MEMORY_OUT_OF_BOUNDS);
    CHECK(call("divide", 0, 0, UINT64_MAX, NULL) == WASMAOT_TRAP_INTEGER_DIVIDE_BY_ZERO);
    CHECK(call("trap", 0, 0, UINT64_MAX, NULL) == WASMAOT_TRAP_UNREACHABLE);
    CHECK(call("near", 10000000, 0, UINT64_MAX, NULL) == WASMAOT_TRAP_STACK_OVERFLOW);
    CHECK(call("forever", 0, 0, 3 * MS, NULL) == WASMAOT_TRAP_DEADLINE_EXCEEDED);
}

/* The most levels that "near" goes down. */
static inline int32_t deepest(void) {
    int32_t fits = 1, fails = 10000000;
    while (fails - fits > 1) {
        int32_t middle = fits + (fails - fits) / 2;
        if (call("near", middle, 1, UINT64_MAX, NULL) == WASMAOT_TRAP_NONE) {
            fits = middle;
        } else {
            fails = middle;
        }
    }
    return fits;
}

static inline void handle(int number, void (*handler)(int), int flags) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = handler;
    action.sa_flags = flags;
    CHECK(sigaction(number, &action, NULL) == 0);
}

static inline void in_thread(void *(*body)(void *), size_t stack) {
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(stack == 0 || pthread_attr_setstacksize(&attributes, stack) == 0);
    CHECK(pthread_create(&thread, &attributes, body, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(pthread_attr_destroy(&attributes) == 0);
}

/* A case of a program. */
typedef struct {
    const char *name;
    void (*run)(void);
} case_t;

static inline int run_case(int argc, char **argv, const case_t *cases, size_t count) {
    static const struct rlimit no_core = {0, 0};
    size_t i;
    CHECK(argc == 3);
    folder = argv[1];
    CHECK(setrlimit(RLIMIT_CORE, &no_core) == 0);
    /* Whatever hangs fails. */
    alarm(600);
    for (i = 0; i < count; i++) {
        if (strcmp(cases[i].name, argv[2]) == 0) {
            cases[i].run();
            puts("all is well");
            return 0;
        }
    }
    CHECK(!"there is such a case");
    return 1;
}

#endif
