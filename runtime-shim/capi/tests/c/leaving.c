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
    static const case_t cases[] = {{"longjmp", by_longjmp}, {"pthread_exit", by_pthread_exit}};
    return run_case(argc, argv, cases, COUNT(cases));
}
