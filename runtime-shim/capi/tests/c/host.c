/* Host functions of the tests. */
#include "test.h"

static void takes_no_instance_that_runs(host_t *host) {
    const char *in_use = "the instance is in use";
    wasmaot_usage_t usage;
    wasmaot_value_t result;
    size_t length = 7;
    uint8_t byte = 1;
    FAILS(wasmaot_instance_call(host->instance, "count", NULL, 0, &result, 1), WASMAOT_ERROR_USAGE, in_use);
    FAILS(wasmaot_instance_read(host->instance, 0, &byte, 1), WASMAOT_ERROR_USAGE, in_use);
    FAILS(wasmaot_instance_write(host->instance, 0, &byte, 1), WASMAOT_ERROR_USAGE, in_use);
    FAILS(wasmaot_instance_set_deadline(host->instance, 0), WASMAOT_ERROR_USAGE, in_use);
    FAILS(wasmaot_instance_finish(host->instance, &usage), WASMAOT_ERROR_USAGE, in_use);
    FAILS(wasmaot_instance_set_stdin(host->instance, &byte, 1), WASMAOT_ERROR_USAGE, in_use);
    FAILS(wasmaot_instance_discard_captured(host->instance, 1), WASMAOT_ERROR_USAGE, in_use);
    CHECK(wasmaot_instance_captured(host->instance, 1, &length) == NULL && length == 0);
    CHECK(wasmaot_instance_memory_size(host->instance) == 0);
    CHECK(wasmaot_instance_data(host->instance) == host);
}

static void uses_memory(wasmaot_caller_t *caller) {
    char bytes[4];
    uint32_t number = 0x01020304;
    CHECK(wasmaot_caller_memory_size(caller) == 65536);
    OK(wasmaot_caller_read(caller, 8, bytes, sizeof bytes));
    CHECK(memcmp(bytes, "data", 4) == 0);
    OK(wasmaot_caller_write(caller, 100, &number, sizeof number));
    OK(wasmaot_caller_read(caller, 65536, NULL, 0));
    FAILS(wasmaot_caller_read(caller, 65535, bytes, 2), WASMAOT_ERROR_ACCESS, "0xffff");
    FAILS(wasmaot_caller_read(caller, UINT64_MAX, bytes, 2), WASMAOT_ERROR_ACCESS, "outside the memory");
    FAILS(wasmaot_caller_write(caller, (uint64_t)1 << 32, bytes, 1), WASMAOT_ERROR_ACCESS, "0x100000000");
}

static void uses_wide_memory(wasmaot_caller_t *caller) {
    const uint64_t high = (uint64_t)1 << 32;
    char bytes[4];
    CHECK(wasmaot_caller_memory_size(caller) == high + 65536);
    OK(wasmaot_caller_read(caller, high - 2, bytes, sizeof bytes));
    CHECK(memcmp(bytes, "wide", 4) == 0);
    OK(wasmaot_caller_write(caller, high + 65532, "high", 4));
    FAILS(wasmaot_caller_write(caller, high + 65533, "high", 4), WASMAOT_ERROR_ACCESS, "0x10000fffd");
}

static wasmaot_error_t *next(void *environment, wasmaot_caller_t *caller, const wasmaot_value_t *args,
                             wasmaot_value_t *results) {
    host_t *host = (host_t *)wasmaot_caller_data(caller);
    int32_t number = args[0].of.i32;
    wasmaot_value_t inner;
    wasmaot_error_t *error;
    CHECK(strcmp((const char *)environment, "environment") == 0);
    CHECK(args[0].type == WASMAOT_I32 && results[0].type == WASMAOT_I64 && results[0].of.i64 == 0);
    host->calls += 1;
    switch (number) {
    case NEXT_FAILS:
        return wasmaot_error_new("it failed");
    case NEXT_EXITS:
        return wasmaot_error_new_exit(42);
    case NEXT_WRITES_OUTSIDE:
        return wasmaot_caller_write(caller, 65533, "four", 4);
    case NEXT_TRAPS:
        return wasmaot_error_new_trap(WASMAOT_TRAP_INTEGER_OVERFLOW);
    case NEXT_CALLS_TRAP:
        error = wasmaot_caller_call(caller, "trap", NULL, 0, NULL, 0);
        CHECK(error != NULL);
        return error;
    case NEXT_CALLS_NEXT:
        inner = wasmaot_i32(5);
        host->outer = caller;
        error = wasmaot_caller_call(caller, "next", &inner, 1, results, 1);
        host->outer = NULL;
        return error;
    case NEXT_USES_INSTANCE:
        takes_no_instance_that_runs(host);
        break;
    case NEXT_GIVES_WRONG_TYPE:
        results[0] = wasmaot_i32(1);
        return NULL;
    case NEXT_WAITS:
        do {
            error = wasmaot_caller_check_interrupt(caller);
        } while (error == NULL);
        return error;
    case NEXT_USES_MEMORY:
        uses_memory(caller);
        break;
    case NEXT_USES_WIDE_MEMORY:
        uses_wide_memory(caller);
        break;
    case NEXT_THROWS_ANOTHERS:
        return host->anothers;
    case NEXT_CALLS_THROW:
        error = wasmaot_caller_call(caller, "throw", NULL, 0, NULL, 0);
        CHECK(wasmaot_error_kind(error) == WASMAOT_ERROR_EXCEPTION);
        return error;
    default:
        break;
    }
    if (host->outer != NULL) {
        /* The caller of the function that waits for this one. */
        FAILS(wasmaot_caller_write(host->outer, 0, "a", 1), WASMAOT_ERROR_USAGE, "waits for a call");
        CHECK(wasmaot_caller_memory_size(host->outer) == 0);
    }
    OK(wasmaot_caller_check_interrupt(caller));
    results[0].of.i64 = number + host->calls;
    return NULL;
}

/* Gives its arguments in reverse. */
static wasmaot_error_t *mix(void *environment, wasmaot_caller_t *caller, const wasmaot_value_t *args,
                            wasmaot_value_t *results) {
    int i;
    CHECK(environment == NULL && wasmaot_caller_data(caller) != NULL);
    for (i = 0; i < 6; i++) {
        CHECK(results[5 - i].type == args[i].type);
        results[5 - i] = args[i];
    }
    return NULL;
}

void define_host(wasmaot_linker_t *linker) {
    static char environment[] = "environment";
    static const wasmaot_type_t types[] = {WASMAOT_I32, WASMAOT_I64, WASMAOT_F32,
                                           WASMAOT_F64, WASMAOT_EXTERNREF, WASMAOT_V128};
    static const wasmaot_type_t reversed[] = {WASMAOT_V128, WASMAOT_EXTERNREF, WASMAOT_F64,
                                              WASMAOT_F32, WASMAOT_I64, WASMAOT_I32};
    wasmaot_functype_t next_type, mix_type;
    next_type.params = &types[0];
    next_type.results = &types[1];
    next_type.params_count = next_type.results_count = 1;
    mix_type.params = types;
    mix_type.results = reversed;
    mix_type.params_count = mix_type.results_count = 6;
    OK(wasmaot_linker_func(linker, "host", "next", &next_type, next, environment, NULL));
    OK(wasmaot_linker_func(linker, "host", "mix", &mix_type, mix, NULL, NULL));
}

wasmaot_error_t *call_next(wasmaot_instance_t *instance, int32_t number, int64_t *result) {
    wasmaot_value_t arg = wasmaot_i32(number), value;
    wasmaot_error_t *error = wasmaot_instance_call(instance, "next", &arg, 1, &value, 1);
    if (error == NULL) {
        CHECK(value.type == WASMAOT_I64);
        *result = value.of.i64;
    }
    return error;
}
