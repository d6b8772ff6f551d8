/* Traps, exits and failures of host functions, and what their errors say. */
#include "test.h"

static host_t host;

static void traps_name_functions(wasmaot_instance_t *instance) {
    wasmaot_error_t *error = wasmaot_instance_call(instance, "trap", NULL, 0, NULL, 0);
    size_t count = 0;
    const wasmaot_frame_t *frames = wasmaot_error_frames(error, &count);
    CHECK(wasmaot_error_kind(error) == WASMAOT_ERROR_TRAP);
    CHECK(wasmaot_error_trap(error) == WASMAOT_TRAP_UNREACHABLE);
    CHECK(wasmaot_error_exit_status(error) == 0);
    CHECK(count == 2 && frames[0].name != NULL && strcmp(frames[0].name, "inner") == 0);
    CHECK(frames[0].func_index + 1 == frames[1].func_index);
    CHECK(frames[0].wasm_offset != WASMAOT_NO_OFFSET && frames[0].wasm_offset < frames[1].wasm_offset);
    CHECK(strcmp(frames[1].name, "trap") == 0);
    CHECK(strstr(wasmaot_error_message(error), "wasm trap: unreachable\n  0: func[9] <inner> at wasm offset 0x") != NULL);
    wasmaot_error_delete(error);

    error = wasmaot_instance_call(instance, "nameless", NULL, 0, NULL, 0);
    frames = wasmaot_error_frames(error, &count);
    CHECK(count == 2 && frames[0].name == NULL && frames[0].func_index == 15);
    CHECK(strstr(wasmaot_error_message(error), "\n  0: func[15] at wasm offset 0x") != NULL);
    wasmaot_error_delete(error);
}

static void traps_have_codes(wasmaot_instance_t *instance) {
    wasmaot_value_t args[2], result;
    wasmaot_error_t *error;
    size_t count = 0;
    args[0] = wasmaot_i32(1);
    args[1] = wasmaot_i32(0);
    error = wasmaot_instance_call(instance, "divide", args, 2, &result, 1);
    CHECK(wasmaot_error_trap(error) == WASMAOT_TRAP_INTEGER_DIVIDE_BY_ZERO);
    wasmaot_error_delete(error);
    args[0] = wasmaot_i32(70000);
    error = wasmaot_instance_call(instance, "store", args, 2, NULL, 0);
    CHECK(wasmaot_error_trap(error) == WASMAOT_TRAP_MEMORY_OUT_OF_BOUNDS);
    wasmaot_error_delete(error);
    error = wasmaot_instance_call(instance, "deep", NULL, 0, NULL, 0);
    CHECK(wasmaot_error_trap(error) == WASMAOT_TRAP_STACK_OVERFLOW);
    CHECK(wasmaot_error_frames(error, &count) != NULL && count == 64);
    CHECK(strstr(wasmaot_error_message(error), "\n  ... and ") != NULL);
    wasmaot_error_delete(error);
}

static void host_functions_end_their_caller(wasmaot_instance_t *instance) {
    int64_t result = 0;
    size_t count = 0;
    const wasmaot_frame_t *frames;
    wasmaot_error_t *error = call_next(instance, NEXT_FAILS, &result);
    CHECK(wasmaot_error_kind(error) == WASMAOT_ERROR_HOST && wasmaot_error_trap(error) == WASMAOT_TRAP_NONE);
    CHECK(strcmp(wasmaot_error_message(error), "it failed") == 0);
    CHECK(wasmaot_error_frames(error, &count) == NULL && count == 0);
    wasmaot_error_delete(error);

    error = call_next(instance, NEXT_EXITS, &result);
    CHECK(wasmaot_error_kind(error) == WASMAOT_ERROR_EXIT && wasmaot_error_exit_status(error) == 42);
    wasmaot_error_delete(error);

    error = call_next(instance, NEXT_WRITES_OUTSIDE, &result);
    CHECK(wasmaot_error_kind(error) == WASMAOT_ERROR_TRAP);
    CHECK(wasmaot_error_trap(error) == WASMAOT_TRAP_MEMORY_OUT_OF_BOUNDS);
    CHECK(wasmaot_error_frames(error, &count) != NULL && count == 1);
    wasmaot_error_delete(error);

    error = call_next(instance, NEXT_TRAPS, &result);
    CHECK(wasmaot_error_trap(error) == WASMAOT_TRAP_INTEGER_OVERFLOW);
    wasmaot_error_delete(error);

    /* The error of a nested call, as it was. */
    error = call_next(instance, NEXT_CALLS_TRAP, &result);
    CHECK(wasmaot_error_trap(error) == WASMAOT_TRAP_UNREACHABLE);
    frames = wasmaot_error_frames(error, &count);
    CHECK(count >= 2 && strcmp(frames[0].name, "inner") == 0);
    wasmaot_error_delete(error);

    OK(call_next(instance, 1, &result));
}

static void exceptions_reach_the_host(wasmaot_instance_t *instance) {
    size_t count = 0, i;
    wasmaot_value_t arg = wasmaot_i32(NEXT_CALLS_THROW), result;
    wasmaot_error_t *errors[2];
    int64_t unused;
    /* Thrown to it, and thrown on by a host function to its caller, where nothing catches it either. */
    errors[0] = wasmaot_instance_call(instance, "throw", NULL, 0, NULL, 0);
    errors[1] = call_next(instance, NEXT_CALLS_THROW, &unused);
    for (i = 0; i < COUNT(errors); i++) {
        const wasmaot_frame_t *frames = wasmaot_error_frames(errors[i], &count);
        CHECK(wasmaot_error_kind(errors[i]) == WASMAOT_ERROR_EXCEPTION);
        CHECK(wasmaot_error_trap(errors[i]) == WASMAOT_TRAP_NONE && wasmaot_error_exit_status(errors[i]) == 0);
        CHECK(strstr(wasmaot_error_message(errors[i]), "uncaught exception with 40, 2\n  0: func[") != NULL);
        CHECK(count >= 2 && strcmp(frames[0].name, "thrower") == 0 && strcmp(frames[1].name, "throw") == 0);
        wasmaot_error_delete(errors[i]);
    }
    OK(wasmaot_instance_call(instance, "catch", &arg, 1, &result, 1));
    CHECK(result.of.i64 == 40);
}

/*
 * Its tag and values mean nothing in the instance, whether the other one is still there or its slot has a
 * new one.
 */
static void exceptions_of_other_instances_are_refused(wasmaot_pool_t *pool, const wasmaot_linked_t *guest) {
    int finished;
    for (finished = 0; finished < 2; finished++) {
        wasmaot_pool_t *own = pool_of(1);
        wasmaot_instance_t *other = started(own, guest, &host), *instance;
        int64_t unused;
        host.anothers = wasmaot_instance_call(other, "throw", NULL, 0, NULL, 0);
        CHECK(wasmaot_error_kind(host.anothers) == WASMAOT_ERROR_EXCEPTION);
        if (finished) {
            OK(wasmaot_instance_finish(other, NULL));
        }
        instance = started(finished ? own : pool, guest, &host);
        FAILS(call_next(instance, NEXT_THROWS_ANOTHERS, &unused), WASMAOT_ERROR_USAGE, "another store");
        OK(wasmaot_instance_finish(instance, NULL));
        if (!finished) {
            OK(wasmaot_instance_finish(other, NULL));
        }
        wasmaot_pool_delete(own);
    }
}

static void errors_can_be_made(void) {
    wasmaot_error_t *error = wasmaot_error_new("100 %s");
    CHECK(strcmp(wasmaot_error_message(error), "100 %s") == 0);
    CHECK(wasmaot_error_kind(error) == WASMAOT_ERROR_HOST);
    wasmaot_error_delete(error);
    error = wasmaot_error_new_exit(-1);
    CHECK(wasmaot_error_kind(error) == WASMAOT_ERROR_EXIT && wasmaot_error_exit_status(error) == -1);
    wasmaot_error_delete(error);
    error = wasmaot_error_new_trap(WASMAOT_TRAP_UNREACHABLE);
    CHECK(wasmaot_error_kind(error) == WASMAOT_ERROR_TRAP);
    CHECK(wasmaot_error_trap(error) == WASMAOT_TRAP_UNREACHABLE);
    CHECK(wasmaot_error_frames(error, NULL) == NULL);
    wasmaot_error_delete(error);
    FAILS(wasmaot_error_new_trap(WASMAOT_TRAP_NONE), WASMAOT_ERROR_USAGE, "0 is no trap");
    FAILS(wasmaot_error_new_trap((wasmaot_trap_t)255), WASMAOT_ERROR_USAGE, "255 is no trap");
    FAILS(wasmaot_error_new("\xff"), WASMAOT_ERROR_USAGE, "`message` is not UTF-8");
    FAILS(wasmaot_error_new(NULL), WASMAOT_ERROR_USAGE, "`message` is NULL");
}

void test_errors(void) {
    wasmaot_linked_t *guest = linked("guest.so");
    wasmaot_pool_t *pool = pool_of(1);
    wasmaot_instance_t *instance = started(pool, guest, &host);
    traps_name_functions(instance);
    traps_have_codes(instance);
    host_functions_end_their_caller(instance);
    exceptions_reach_the_host(instance);
    OK(wasmaot_instance_finish(instance, NULL));
    exceptions_of_other_instances_are_refused(pool, guest);
    errors_can_be_made();
    wasmaot_pool_delete(pool);
    wasmaot_linked_delete(guest);
}
