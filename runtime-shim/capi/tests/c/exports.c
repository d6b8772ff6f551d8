/*
 * Globals, tables, memories and references to functions of an instance, from outside and in a host
 * function.
 */
#include "test.h"

static wasmaot_value_t nothing(void) {
    wasmaot_funcref_t null;
    memset(&null, 0, sizeof null);
    return wasmaot_funcref(null);
}

/*
 * Changes what its caller exports, calls the function that it gets, and returns the second element of the
 * table.
 */
static wasmaot_error_t *visit(void *environment, wasmaot_caller_t *caller, const wasmaot_value_t *args,
                              wasmaot_value_t *results) {
    wasmaot_value_t value, result, one = wasmaot_i32(1), none = nothing();
    uint64_t number = 0;
    void *data = NULL;
    CHECK(args[0].type == WASMAOT_FUNCREF && results[0].type == WASMAOT_FUNCREF && results[0].of.funcref.instance == 0);
    OK(wasmaot_caller_call_ref(caller, &args[0], NULL, 0, &result, 1));
    *(int32_t *)environment = result.of.i32;
    OK(wasmaot_caller_global_get(caller, "count", &value));
    value.of.i32 += 1;
    OK(wasmaot_caller_global_set(caller, "count", &value));
    FAILS(wasmaot_caller_global_set(caller, "pi", &one), WASMAOT_ERROR_USAGE, "immutable");
    OK(wasmaot_caller_table_size(caller, "table", &number));
    CHECK(number == 3);
    OK(wasmaot_caller_table_grow(caller, "table", 1, &args[0], &number));
    CHECK(number == 3);
    OK(wasmaot_caller_table_set(caller, "table", 2, &none));
    OK(wasmaot_caller_memory_grow(caller, "memory", 1, &number));
    CHECK(number == 1);
    OK(wasmaot_caller_memory_data(caller, "memory", 65536, 4, true, &data));
    memcpy(data, "data", 4);
    return wasmaot_caller_table_get(caller, "table", 1, &results[0]);
}

static wasmaot_linked_t *linked_exports(int32_t *environment) {
    static const wasmaot_type_t funcref = WASMAOT_FUNCREF;
    wasmaot_module_t *module = opened("exports.so");
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_linked_t *linked = NULL;
    wasmaot_functype_t type;
    type.params = type.results = &funcref;
    type.params_count = type.results_count = 1;
    OK(wasmaot_linker_func(linker, "host", "visit", &type, visit, environment, NULL));
    OK(wasmaot_linker_link(linker, module, &linked));
    wasmaot_linker_delete(linker);
    wasmaot_module_delete(module);
    return linked;
}

static int32_t number_at(wasmaot_instance_t *instance, int32_t index) {
    wasmaot_value_t arg = wasmaot_i32(index), result;
    OK(wasmaot_instance_call(instance, "at", &arg, 1, &result, 1));
    return result.of.i32;
}

static void globals(wasmaot_instance_t *instance) {
    wasmaot_value_t value, wide = wasmaot_i64(1);
    OK(wasmaot_instance_global_get(instance, "pi", &value));
    CHECK(value.type == WASMAOT_F64 && value.of.f64 == 3.25);
    FAILS(wasmaot_instance_global_set(instance, "pi", &value), WASMAOT_ERROR_USAGE, "immutable");
    OK(wasmaot_instance_global_get(instance, "count", &value));
    CHECK(value.of.i32 == 7);
    value.of.i32 = -8;
    OK(wasmaot_instance_global_set(instance, "count", &value));
    FAILS(wasmaot_instance_global_set(instance, "count", &wide), WASMAOT_ERROR_USAGE, "expected a value of type i32");
    OK(wasmaot_instance_global_get(instance, "count", &value));
    CHECK(value.of.i32 == -8);
    FAILS(wasmaot_instance_global_get(instance, "memory", &value), WASMAOT_ERROR_USAGE, "not a global");
    FAILS(wasmaot_instance_global_get(instance, "none of it", &value), WASMAOT_ERROR_USAGE, "no export");
    FAILS(wasmaot_instance_global_get(NULL, "pi", &value), WASMAOT_ERROR_USAGE, "`instance` is NULL");
    FAILS(wasmaot_instance_global_get(instance, "pi", NULL), WASMAOT_ERROR_USAGE, "`out` is NULL");
    FAILS(wasmaot_instance_global_set(instance, "count", NULL), WASMAOT_ERROR_USAGE, "`value` is NULL");
}

static void tables(wasmaot_instance_t *instance) {
    wasmaot_value_t one, two, result, name = wasmaot_externref(9);
    uint64_t number = 0;
    OK(wasmaot_instance_table_size(instance, "table", &number));
    CHECK(number == 3);
    OK(wasmaot_instance_table_get(instance, "table", 0, &one));
    OK(wasmaot_instance_table_get(instance, "table", 1, &two));
    CHECK(one.type == WASMAOT_FUNCREF && one.of.funcref.instance != 0);
    CHECK(one.of.funcref.instance == two.of.funcref.instance && one.of.funcref.index != two.of.funcref.index);
    OK(wasmaot_instance_table_get(instance, "table", 0, &result));
    CHECK(result.of.funcref.index == one.of.funcref.index);
    OK(wasmaot_instance_call_ref(instance, &two, NULL, 0, &result, 1));
    CHECK(result.of.i32 == 2);
    OK(wasmaot_instance_table_set(instance, "table", 2, &two));
    CHECK(number_at(instance, 2) == 2);
    OK(wasmaot_instance_table_grow(instance, "table", 1, &one, &number));
    CHECK(number == 3 && number_at(instance, 3) == 1);
    OK(wasmaot_instance_table_grow(instance, "table", 1, &one, &number));
    CHECK(number == WASMAOT_NOT_GROWN);
    FAILS(wasmaot_instance_table_get(instance, "table", 4, &result), WASMAOT_ERROR_ACCESS, "element 4 is outside");
    FAILS(wasmaot_instance_table_set(instance, "table", 0, &name), WASMAOT_ERROR_USAGE, "expected a value of type");
    OK(wasmaot_instance_table_get(instance, "names", 1, &result));
    CHECK(result.type == WASMAOT_EXTERNREF && result.of.externref == WASMAOT_NULL_EXTERNREF);
    OK(wasmaot_instance_table_set(instance, "names", 1, &name));
    OK(wasmaot_instance_table_get(instance, "names", 1, &result));
    CHECK(result.of.externref == 9);
}

static void memories(wasmaot_instance_t *instance) {
    uint64_t number = 0;
    void *data = NULL;
    char copy[4];
    OK(wasmaot_instance_memory_data(instance, "memory", 100, 4, true, &data));
    memcpy(data, "abcd", 4);
    OK(wasmaot_instance_read(instance, 100, copy, 4));
    CHECK(memcmp(copy, "abcd", 4) == 0);
    OK(wasmaot_instance_write(instance, 100, "efgh", 4));
    OK(wasmaot_instance_memory_data(instance, "memory", 0, 65536, false, &data));
    CHECK(memcmp((char *)data + 100, "efgh", 4) == 0);
    OK(wasmaot_instance_memory_grow(instance, "memory", 1, &number));
    CHECK(number == 1 && memcmp((char *)data + 100, "efgh", 4) == 0);
    OK(wasmaot_instance_memory_grow(instance, "memory", 9, &number));
    CHECK(number == WASMAOT_NOT_GROWN && wasmaot_instance_memory_size(instance) == 2 * 65536);
    FAILS(wasmaot_instance_memory_data(instance, "memory", 65536, 65537, false, &data), WASMAOT_ERROR_ACCESS, "outside");
    FAILS(wasmaot_instance_memory_data(instance, "memory", UINT64_MAX, 2, true, &data), WASMAOT_ERROR_ACCESS, "outside");
    FAILS(wasmaot_instance_memory_data(instance, "table", 0, 1, true, &data), WASMAOT_ERROR_USAGE, "not a memory");
}

/* References to exceptions pass both ways, and are of use in their own instance only. */
static void exceptions(const wasmaot_linked_t *linked, wasmaot_instance_t *instance) {
    wasmaot_pool_t *pool = pool_of(1);
    wasmaot_instance_t *other = started(pool, linked, NULL);
    wasmaot_value_t caught, again, result, seven = wasmaot_i32(7), func = nothing();
    OK(wasmaot_instance_call(instance, "none", NULL, 0, &result, 1));
    CHECK(result.type == WASMAOT_EXNREF && result.of.exnref.instance == 0 && result.of.exnref.index == 0);
    FAILS(wasmaot_instance_call(instance, "number", &result, 1, &again, 1), WASMAOT_ERROR_TRAP, "null exception");
    OK(wasmaot_instance_call(instance, "catch", &seven, 1, &caught, 1));
    CHECK(caught.type == WASMAOT_EXNREF && caught.of.exnref.instance != 0);
    OK(wasmaot_instance_table_set(instance, "caught", 0, &caught));
    OK(wasmaot_instance_table_get(instance, "caught", 0, &again));
    CHECK(memcmp(&again.of.exnref, &caught.of.exnref, sizeof caught.of.exnref) == 0);
    OK(wasmaot_instance_call(instance, "number", &again, 1, &result, 1));
    CHECK(result.of.i32 == 7);
    FAILS(wasmaot_instance_call(other, "number", &caught, 1, &result, 1), WASMAOT_ERROR_USAGE, "another instance");
    /* The number of an exception is none of a function. */
    func.of.funcref.instance = caught.of.exnref.instance;
    func.of.funcref.index = caught.of.exnref.index;
    FAILS(wasmaot_instance_call(instance, "same", &func, 1, &result, 1), WASMAOT_ERROR_USAGE, "another instance");
    OK(wasmaot_instance_finish(other, NULL));
    wasmaot_pool_delete(pool);
}

static void references_stay_in_their_instance(const wasmaot_linked_t *linked, wasmaot_instance_t *instance) {
    wasmaot_pool_t *pool = pool_of(1);
    wasmaot_instance_t *other = started(pool, linked, NULL);
    wasmaot_value_t one, result, made_up = nothing(), null = nothing(), number = wasmaot_i32(1);
    OK(wasmaot_instance_table_get(instance, "table", 0, &one));
    FAILS(wasmaot_instance_call_ref(other, &one, NULL, 0, &result, 1), WASMAOT_ERROR_USAGE, "another instance");
    FAILS(wasmaot_instance_call(other, "same", &one, 1, &result, 1), WASMAOT_ERROR_USAGE, "another instance");
    FAILS(wasmaot_instance_table_set(other, "table", 0, &one), WASMAOT_ERROR_USAGE, "another instance");
    FAILS(wasmaot_instance_global_set(other, "chosen", &one), WASMAOT_ERROR_USAGE, "another instance");
    made_up.of.funcref.instance = one.of.funcref.instance;
    made_up.of.funcref.index = 1000;
    FAILS(wasmaot_instance_call_ref(instance, &made_up, NULL, 0, &result, 1), WASMAOT_ERROR_USAGE, "another instance");
    FAILS(wasmaot_instance_call_ref(instance, &null, NULL, 0, &result, 1), WASMAOT_ERROR_USAGE, "null");
    FAILS(wasmaot_instance_call_ref(instance, &number, NULL, 0, &result, 1), WASMAOT_ERROR_USAGE, "no function");
    FAILS(wasmaot_instance_call_ref(instance, &one, &number, 1, &result, 1), WASMAOT_ERROR_USAGE, "argument");
    OK(wasmaot_instance_call(instance, "same", &one, 1, &result, 1));
    CHECK(memcmp(&result.of.funcref, &one.of.funcref, sizeof one.of.funcref) == 0);
    OK(wasmaot_instance_call(instance, "same", &null, 1, &result, 1));
    CHECK(result.type == WASMAOT_FUNCREF && result.of.funcref.instance == 0 && result.of.funcref.index == 0);
    OK(wasmaot_instance_global_set(instance, "chosen", &one));
    OK(wasmaot_instance_finish(other, NULL));
    /* The slot is used again, by an instance with another number. */
    other = started(pool, linked, NULL);
    FAILS(wasmaot_instance_call_ref(other, &one, NULL, 0, &result, 1), WASMAOT_ERROR_USAGE, "another instance");
    OK(wasmaot_instance_finish(other, NULL));
    wasmaot_pool_delete(pool);
}

static void host_functions_reach_them(const wasmaot_linked_t *linked, const int32_t *called) {
    wasmaot_pool_t *pool = pool_of(1);
    wasmaot_instance_t *instance = started(pool, linked, NULL);
    wasmaot_value_t one, result;
    char copy[4];
    OK(wasmaot_instance_table_get(instance, "table", 0, &one));
    OK(wasmaot_instance_call(instance, "visit", &one, 1, &result, 1));
    CHECK(*called == 1);
    OK(wasmaot_instance_call_ref(instance, &result, NULL, 0, &result, 1));
    CHECK(result.of.i32 == 2);
    OK(wasmaot_instance_global_get(instance, "count", &result));
    CHECK(result.of.i32 == 8 && number_at(instance, 3) == 1);
    OK(wasmaot_instance_read(instance, 65536, copy, 4));
    CHECK(memcmp(copy, "data", 4) == 0);
    OK(wasmaot_instance_finish(instance, NULL));
    /* What was changed is as it was. */
    instance = started(pool, linked, NULL);
    OK(wasmaot_instance_global_get(instance, "count", &result));
    CHECK(result.of.i32 == 7 && wasmaot_instance_memory_size(instance) == 65536);
    OK(wasmaot_instance_finish(instance, NULL));
    wasmaot_pool_delete(pool);
}

void test_exports(void) {
    int32_t called = 0;
    wasmaot_linked_t *linked = linked_exports(&called);
    wasmaot_pool_t *pool = pool_of(1);
    wasmaot_instance_t *instance = started(pool, linked, NULL);
    globals(instance);
    tables(instance);
    memories(instance);
    exceptions(linked, instance);
    references_stay_in_their_instance(linked, instance);
    host_functions_reach_them(linked, &called);
    OK(wasmaot_instance_finish(instance, NULL));
    wasmaot_pool_delete(pool);
    wasmaot_linked_delete(linked);
}
