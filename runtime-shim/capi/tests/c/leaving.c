/* Hosts that leave a host function other than by returning, although they must not. */
#include "hosts.h"

#include <setjmp.h>

static jmp_buf out;

static int32_t jump(wasmaot_caller_t *caller, int32_t argument) {
    (void)caller;
    if (argument != 0) {
        longjmp(out, 1);
    }
    return 0;
}

/* The instance that was left stays in use, and nothing else is affected. */
static void check_left(wasmaot_instance_t *instance) {
    wasmaot_value_t arg = wasmaot_i32(0), result;
    FAILS(wasmaot_instance_call(instance, "host", &arg, 1, &result, 1), WASMAOT_ERROR_USAGE, "the instance is in use");
    FAILS(wasmaot_instance_finish(instance, NULL), WASMAOT_ERROR_USAGE, "the instance is in use");
    guests_trap();
    CHECK(call("host", 0, 0, UINT64_MAX, NULL) == WASMAOT_TRAP_NONE);
}

static void by_longjmp(void) {
    int i;
    open_guest();
    on_call = jump;
    for (i = 0; i < 3; i++) {
        wasmaot_instance_t *volatile instance = start();
        if (setjmp(out) == 0) {
            wasmaot_value_t arg = wasmaot_i32(1), result;
            OK(wasmaot_instance_call(instance, "host", &arg, 1, &result, 1));
            CHECK(!"it jumps");
        }
        check_left(instance);
    }
}

/* More often than calls may be nested, with deadlines: each jump is forgotten. */
static void by_longjmp_often(void) {
    const struct timespec nap = {0, 1000000}, until_due = {0, 400000000};
    wasmaot_pool_config_t config;
    volatile int i;
    memset(&config, 0, sizeof config);
    config.slots = 20;
    config.nesting = 3;
    open_guest_with(&config);
    on_call = jump;
    for (i = 0; i < 10; i++) {
        wasmaot_instance_t *instance = start();
        OK(wasmaot_instance_set_deadline(instance, 1000 * MS));
        if (setjmp(out) == 0) {
            wasmaot_value_t arg = wasmaot_i32(1), result;
            OK(wasmaot_instance_call(instance, "host", &arg, 1, &result, 1));
            CHECK(!"it jumps");
        }
        CHECK(call("host", 0, 0, UINT64_MAX, NULL) == WASMAOT_TRAP_NONE);
    }
    guests_trap();
    /* Also the last one, after which no other guest is called. */
    if (setjmp(out) == 0) {
        call("host", 1, 0, 300 * MS, NULL);
        CHECK(!"it jumps");
    }
    nanosleep(&until_due, NULL);
    for (i = 0; i < 100; i++) {
        CHECK(nanosleep(&nap, NULL) == 0);
    }
}

static jmp_buf inner;

static int32_t jump_over_a_call(wasmaot_caller_t *caller, int32_t argument) {
    wasmaot_value_t arg = wasmaot_i32(2), result;
    if (argument == 2) {
        longjmp(inner, 1);
    }
    if (setjmp(inner) == 0) {
        wasmaot_error_delete(wasmaot_caller_call(caller, "host", &arg, 1, &result, 1));
        CHECK(!"it jumps");
    }
    return 7;
}

/* Over a call of the same instance, which goes on. Only its caller is lost. */
static void by_longjmp_over_a_call(void) {
    int i;
    open_guest();
    for (i = 0; i < 3; i++) {
        wasmaot_instance_t *volatile instance = start();
        wasmaot_value_t arg = wasmaot_i32(1), result;
        wasmaot_error_t *error;
        on_call = jump_over_a_call;
        error = wasmaot_instance_call(instance, "host", &arg, 1, &result, 1);
        CHECK(wasmaot_error_kind(error) == WASMAOT_ERROR_USAGE);
        wasmaot_error_delete(error);
        on_call = NULL;
        OK(wasmaot_instance_call(instance, "host", &arg, 1, &result, 1));
        CHECK(result.of.i32 == 0);
        OK(wasmaot_instance_finish(instance, NULL));
        guests_trap();
    }
}

static int32_t exit_thread(wasmaot_caller_t *caller, int32_t argument) {
    (void)caller;
    if (argument != 0) {
        pthread_exit(NULL);
    }
    return 0;
}

static void *leave_thread(void *unused) {
    wasmaot_value_t arg = wasmaot_i32(1), result;
    OK(wasmaot_instance_call(start(), "host", &arg, 1, &result, 1));
    CHECK(!"the process ends");
    return unused;
}

static void by_pthread_exit(void) {
    open_guest();
    on_call = exit_thread;
    in_thread(leave_thread, 0);
    CHECK(!"the process ends");
}

int main(int argc, char **argv) {
    static const case_t cases[] = {
        {"longjmp", by_longjmp},
        {"longjmp again and again", by_longjmp_often},
        {"longjmp within a host function", by_longjmp_over_a_call},
        {"pthread_exit", by_pthread_exit},
    };
    return run_case(argc, argv, cases, COUNT(cases));
}
