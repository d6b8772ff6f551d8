/* What instances execute is counted and limited. */
#include "test.h"

/* Operators of a number of rounds of the guest's loop. */
static uint64_t operators_of(int32_t rounds) {
    return 1 + 5 * (uint64_t)rounds;
}

static wasmaot_error_t *run(wasmaot_instance_t *instance, int32_t rounds) {
    wasmaot_value_t arg = wasmaot_i32(rounds), result;
    return wasmaot_instance_call(instance, "rounds", &arg, 1, &result, 1);
}

static void exhausted(wasmaot_error_t *error) {
    CHECK(wasmaot_error_kind(error) == WASMAOT_ERROR_TRAP && wasmaot_error_trap(error) == WASMAOT_TRAP_OUT_OF_FUEL);
    wasmaot_error_delete(error);
}

static void operators_are_counted(wasmaot_pool_t *pool, const wasmaot_linked_t *guest) {
    wasmaot_instance_t *instance = started(pool, guest, NULL);
    wasmaot_usage_t usage;
    CHECK(wasmaot_instance_operators(instance) == 0);
    OK(run(instance, 1000));
    CHECK(wasmaot_instance_operators(instance) == operators_of(1000));
    FAILS(wasmaot_instance_call(instance, "fail", NULL, 0, NULL, 0), WASMAOT_ERROR_TRAP, "unreachable");
    CHECK(wasmaot_instance_operators(instance) == operators_of(1000) + 3);
    OK(wasmaot_instance_usage(instance, &usage));
    CHECK(usage.operators == operators_of(1000) + 3 && usage.reset == WASMAOT_RESET_NONE);
    FAILS(wasmaot_instance_usage(instance, NULL), WASMAOT_ERROR_USAGE, "`out` is NULL");
    FAILS(wasmaot_instance_usage(NULL, &usage), WASMAOT_ERROR_USAGE, "`instance` is NULL");
    OK(wasmaot_instance_finish(instance, &usage));
    CHECK(usage.operators == operators_of(1000) + 3 && usage.fuel == usage.operators);
    CHECK(usage.host_calls == 0 && usage.bytes_read == 0 && usage.bytes_written == 0);
}

static void fuel_is_used_up(wasmaot_pool_t *pool, const wasmaot_linked_t *guest) {
    wasmaot_start_t start;
    wasmaot_instance_t *instance = NULL;
    wasmaot_usage_t usage;
    memset(&start, 0, sizeof start);
    start.limits.fuel = operators_of(1000);
    OK(wasmaot_pool_start(pool, guest, &start, &instance));
    OK(run(instance, 1000));
    exhausted(run(instance, 1));
    OK(wasmaot_instance_set_fuel(instance, operators_of(10)));
    OK(run(instance, 10));
    exhausted(run(instance, 100));
    OK(wasmaot_instance_finish(instance, &usage));
    CHECK(usage.operators > operators_of(1000) + operators_of(10));
    /* The next one in the slot has as much as it likes. */
    instance = started(pool, guest, NULL);
    OK(run(instance, 2000));
    OK(wasmaot_instance_finish(instance, &usage));
    CHECK(usage.operators == operators_of(2000));
}

static void other_code_does_not_count(wasmaot_pool_t *pool) {
    wasmaot_linked_t *plain = linked("plain.so");
    wasmaot_instance_t *instance = started(pool, plain, NULL), *none = NULL;
    wasmaot_usage_t usage;
    wasmaot_start_t start;
    CHECK(wasmaot_instance_operators(instance) == WASMAOT_NOT_COUNTED);
    CHECK(wasmaot_instance_operators(NULL) == WASMAOT_NOT_COUNTED);
    FAILS(wasmaot_instance_set_fuel(instance, 1), WASMAOT_ERROR_USAGE, "to be compiled with a meter");
    OK(wasmaot_instance_finish(instance, &usage));
    CHECK(usage.operators == WASMAOT_NOT_COUNTED && usage.fuel == WASMAOT_NOT_COUNTED);
    memset(&start, 0, sizeof start);
    start.limits.fuel = 1;
    FAILS(wasmaot_pool_start(pool, plain, &start, &none), WASMAOT_ERROR_USAGE, "to be compiled with a meter");
    CHECK(none == NULL);
    wasmaot_linked_delete(plain);
}

void test_metering(void) {
    wasmaot_linked_t *guest = linked("metered.so");
    wasmaot_pool_t *pool = pool_of(1);
    operators_are_counted(pool, guest);
    fuel_is_used_up(pool, guest);
    other_code_does_not_count(pool);
    wasmaot_pool_delete(pool);
    wasmaot_linked_delete(guest);
}
