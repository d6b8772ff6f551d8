/* Calls in both directions, values, and memory. */
#include "test.h"

static wasmaot_linked_t *guest;
static wasmaot_pool_t *pool;
static host_t host;

static wasmaot_func_t *func(const char *name) {
    wasmaot_func_t *found = NULL;
    OK(wasmaot_linked_func(guest, name, &found));
    return found;
}

static void looks_functions_up(wasmaot_instance_t *instance) {
    wasmaot_func_t *add = func("add"), *none = NULL;
    const wasmaot_functype_t *type = wasmaot_func_type(add);
    wasmaot_value_t args[2], result;
    CHECK(type->params_count == 2 && type->params[1] == WASMAOT_I32);
    CHECK(type->results_count == 1 && type->results[0] == WASMAOT_I32);
    args[0] = wasmaot_i32(40);
    args[1] = wasmaot_i32(2);
    OK(wasmaot_func_call(add, instance, args, 2, &result, 1));
    CHECK(result.type == WASMAOT_I32 && result.of.i32 == 42);
    result = wasmaot_i32(0);
    OK(wasmaot_instance_call(instance, "add", args, 2, &result, 1));
    CHECK(result.of.i32 == 42);
    FAILS(wasmaot_linked_func(guest, "nothing", &none), WASMAOT_ERROR_USAGE, "no export is called \"nothing\"");
    FAILS(wasmaot_linked_func(guest, "memory", &none), WASMAOT_ERROR_USAGE, "not a function");
    CHECK(none == NULL);
    wasmaot_func_delete(add);
}

static void refuses_what_does_not_fit(wasmaot_instance_t *instance) {
    wasmaot_func_t *add = func("add"), *null = func("null");
    wasmaot_value_t args[3], result[2];
    args[0] = args[1] = args[2] = wasmaot_i32(1);
    FAILS(wasmaot_func_call(add, instance, args, 1, result, 1), WASMAOT_ERROR_USAGE, "expected 2 argument(s), found 1");
    FAILS(wasmaot_func_call(add, instance, args, 3, result, 1), WASMAOT_ERROR_USAGE, "expected 2 argument(s)");
    FAILS(wasmaot_func_call(add, instance, args, 2, result, 0), WASMAOT_ERROR_USAGE, "expected room for 1");
    FAILS(wasmaot_func_call(add, instance, args, 2, result, 2), WASMAOT_ERROR_USAGE, "found 2");
    FAILS(wasmaot_instance_call(instance, "add", args, 1, result, 1), WASMAOT_ERROR_USAGE, "argument(s)");
    FAILS(wasmaot_instance_call(instance, "add", args, 2, result, 2), WASMAOT_ERROR_USAGE, "expected room for 1");
    FAILS(wasmaot_instance_call(instance, "nothing", args, 2, result, 2), WASMAOT_ERROR_USAGE, "nothing");
    args[1] = wasmaot_i64(1);
    FAILS(wasmaot_func_call(add, instance, args, 2, result, 1), WASMAOT_ERROR_USAGE, "value 1: expected a value of type i32");
    args[1].type = 9;
    FAILS(wasmaot_func_call(add, instance, args, 2, result, 1), WASMAOT_ERROR_USAGE, "argument 1: 9 is no type");
    OK(wasmaot_func_call(null, instance, NULL, 0, result, 1));
    CHECK(result[0].type == WASMAOT_FUNCREF && result[0].of.funcref.instance == 0);
    wasmaot_func_delete(add);
    wasmaot_func_delete(null);
}

static void refuses_functions_of_others(void) {
    wasmaot_linked_t *plain = linked("plain.so");
    wasmaot_instance_t *instance = started(pool, plain, NULL);
    wasmaot_func_t *add = func("add"), *empty = NULL;
    wasmaot_value_t args[2], result;
    args[0] = args[1] = wasmaot_i32(1);
    FAILS(wasmaot_func_call(add, instance, args, 2, &result, 1), WASMAOT_ERROR_USAGE, "another store");
    OK(wasmaot_instance_call(instance, "f", NULL, 0, &result, 1));
    CHECK(result.of.i32 == 7);
    OK(wasmaot_linked_func(plain, "", &empty));
    OK(wasmaot_func_call(empty, instance, NULL, 0, NULL, 0));
    CHECK(wasmaot_instance_data(instance) == NULL && wasmaot_instance_memory_size(instance) == 0);
    OK(wasmaot_instance_finish(instance, NULL));
    wasmaot_func_delete(add);
    wasmaot_func_delete(empty);
    wasmaot_linked_delete(plain);
}

static void passes_values(wasmaot_instance_t *instance) {
    wasmaot_func_t *mix = func("mix"), *many = func("many");
    static const uint8_t bytes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255};
    wasmaot_value_t args[18], results[6];
    int i;
    args[0] = wasmaot_i32(INT32_MIN);
    args[1] = wasmaot_i64(INT64_MIN);
    args[2] = wasmaot_f32(-0.5f);
    args[3] = wasmaot_f64(1e300);
    args[4] = wasmaot_externref(3000000000u);
    args[5] = wasmaot_v128(bytes);
    OK(wasmaot_func_call(mix, instance, args, 6, results, 6));
    CHECK(results[5].of.i32 == INT32_MIN && results[4].of.i64 == INT64_MIN);
    CHECK(results[3].of.f32 == -0.5f && results[2].of.f64 == 1e300);
    CHECK(results[1].type == WASMAOT_EXTERNREF && results[1].of.externref == 3000000000u);
    CHECK(results[0].type == WASMAOT_V128 && memcmp(results[0].of.v128, bytes, sizeof bytes) == 0);
    args[4] = wasmaot_externref(WASMAOT_NULL_EXTERNREF);
    OK(wasmaot_func_call(mix, instance, args, 6, results, 6));
    CHECK(results[1].of.externref == WASMAOT_NULL_EXTERNREF);
    for (i = 0; i < 18; i++) {
        args[i] = wasmaot_i32(i * i);
    }
    OK(wasmaot_func_call(many, instance, args, 18, results, 1));
    CHECK(results[0].of.i32 == 17 * 17);
    wasmaot_func_delete(mix);
    wasmaot_func_delete(many);
}

static void host_functions_see_their_caller(wasmaot_instance_t *instance) {
    int64_t result = 0;
    uint32_t number = 0;
    host.calls = 0;
    OK(call_next(instance, 10, &result));
    CHECK(result == 11 && host.calls == 1);
    OK(call_next(instance, NEXT_USES_MEMORY, &result));
    OK(wasmaot_instance_read(instance, 100, &number, sizeof number));
    CHECK(number == 0x01020304);
    OK(call_next(instance, NEXT_USES_INSTANCE, &result));
    /* 3 calls before, 2 in this one. */
    OK(call_next(instance, NEXT_CALLS_NEXT, &result));
    CHECK(result == 5 + 5 && host.calls == 5);
    FAILS(call_next(instance, NEXT_GIVES_WRONG_TYPE, &result), WASMAOT_ERROR_USAGE, "expected a value of type i64");
}

static void copies_memory(wasmaot_instance_t *instance) {
    static char whole[65536];
    CHECK(wasmaot_instance_memory_size(instance) == 65536);
    OK(wasmaot_instance_write(instance, 65532, "abcd", 4));
    OK(wasmaot_instance_read(instance, 0, whole, sizeof whole));
    CHECK(memcmp(whole + 65532, "abcd", 4) == 0 && memcmp(whole + 8, "data", 4) == 0);
    FAILS(wasmaot_instance_write(instance, 65533, "abcd", 4), WASMAOT_ERROR_ACCESS, "4 byte(s) at 0xfffd");
    FAILS(wasmaot_instance_read(instance, (uint64_t)1 << 32, whole, 1), WASMAOT_ERROR_ACCESS, "0x10000 bytes");
    FAILS(wasmaot_instance_read(instance, UINT64_MAX, whole, 2), WASMAOT_ERROR_ACCESS, "outside");
    OK(wasmaot_instance_write(instance, 65536, NULL, 0));
    CHECK(wasmaot_instance_data(instance) == &host);
}

static void every_instance_is_fresh(void) {
    int i;
    for (i = 0; i < 20; i++) {
        wasmaot_instance_t *instance = started(pool, guest, &host);
        wasmaot_value_t result, args[2];
        char bytes[4];
        OK(wasmaot_instance_read(instance, 8, bytes, sizeof bytes));
        CHECK(memcmp(bytes, "data", 4) == 0);
        OK(wasmaot_instance_call(instance, "count", NULL, 0, &result, 1));
        CHECK(result.of.i32 == 1);
        args[0] = wasmaot_i32(8);
        args[1] = wasmaot_i32(i);
        OK(wasmaot_instance_call(instance, "store", args, 2, NULL, 0));
        OK(wasmaot_instance_finish(instance, NULL));
    }
}

static void calls_of_the_host_are_counted(void) {
    wasmaot_instance_t *instance = started(pool, guest, &host);
    wasmaot_usage_t usage;
    int64_t result = 0;
    OK(call_next(instance, 10, &result));
    OK(call_next(instance, NEXT_CALLS_NEXT, &result));
    wasmaot_error_delete(call_next(instance, NEXT_FAILS, &result));
    OK(wasmaot_instance_finish(instance, &usage));
    CHECK(usage.host_calls == 1 + 2 + 1 && usage.bytes_read == 0 && usage.bytes_written == 0);
}

void test_calls(void) {
    wasmaot_instance_t *instance;
    guest = linked("guest.so");
    pool = pool_of(2);
    instance = started(pool, guest, &host);
    looks_functions_up(instance);
    refuses_what_does_not_fit(instance);
    refuses_functions_of_others();
    passes_values(instance);
    host_functions_see_their_caller(instance);
    copies_memory(instance);
    OK(wasmaot_instance_finish(instance, NULL));
    every_instance_is_fresh();
    calls_of_the_host_are_counted();
    wasmaot_pool_delete(pool);
    wasmaot_linked_delete(guest);
}
