/* Pools: limits, what instances used, and what happened. */
#include "test.h"

#include <pthread.h>

static host_t host;

static void refuses_configurations(void) {
    wasmaot_pool_config_t config;
    wasmaot_pool_t *pool = NULL;
    memset(&config, 0, sizeof config);
    config.stack = 5000;
    FAILS(wasmaot_pool_new(&config, &pool), WASMAOT_ERROR_USAGE, "the stack is 5000");
    config.stack = 0;
    config.reset = (wasmaot_reset_t)4;
    FAILS(wasmaot_pool_new(&config, &pool), WASMAOT_ERROR_USAGE, "4 is no way of resetting");
    config.reset = WASMAOT_RESET_NONE;
    config.hot_sets = 4;
    FAILS(wasmaot_pool_new(&config, &pool), WASMAOT_ERROR_USAGE, "4 is no choice of hot sets");
    config.hot_sets = 0;
    config.slots = UINT32_MAX;
    FAILS(wasmaot_pool_new(&config, &pool), WASMAOT_ERROR_SYSTEM, "vm.max_map_count");
    CHECK(pool == NULL);
    OK(wasmaot_pool_new(NULL, &pool));
    wasmaot_pool_delete(pool);
}

static void slots_are_prepared(const wasmaot_linked_t *guest) {
    wasmaot_pool_t *pool = pool_of(2);
    wasmaot_pool_stats_t stats;
    OK(wasmaot_pool_prepare(pool, guest, 0, 2));
    OK(wasmaot_instance_finish(started(pool, guest, &host), NULL));
    OK(wasmaot_pool_stats(pool, &stats));
    CHECK(stats.made == 2);
    FAILS(wasmaot_pool_prepare(pool, guest, 0, 3), WASMAOT_ERROR_EXHAUSTED, "all 2 slots");
    FAILS(wasmaot_pool_prepare(pool, NULL, 0, 1), WASMAOT_ERROR_USAGE, "`linked` is NULL");
    wasmaot_pool_delete(pool);
}

static void slots_are_counted(const wasmaot_linked_t *guest) {
    wasmaot_pool_t *pool = pool_of(2);
    wasmaot_instance_t *first = started(pool, guest, &host), *second = started(pool, guest, &host), *third = NULL;
    FAILS(wasmaot_pool_start(pool, guest, NULL, &third), WASMAOT_ERROR_EXHAUSTED, "all 2 slots");
    CHECK(third == NULL);
    OK(wasmaot_instance_finish(first, NULL));
    third = started(pool, guest, &host);
    OK(wasmaot_instance_finish(second, NULL));
    OK(wasmaot_instance_finish(third, NULL));
    wasmaot_pool_delete(pool);
}

static void memory_is_limited(const wasmaot_linked_t *guest) {
    wasmaot_linked_t *large = linked("large.so");
    wasmaot_pool_config_t config;
    wasmaot_pool_t *pool = NULL;
    wasmaot_instance_t *instance = NULL;
    wasmaot_value_t one = wasmaot_i32(1), result;
    memset(&config, 0, sizeof config);
    config.slots = 1;
    config.memory = 65536;
    OK(wasmaot_pool_new(&config, &pool));
    FAILS(wasmaot_pool_start(pool, large, NULL, &instance), WASMAOT_ERROR_LIMIT, "`memory` is 65536, and the module asks for 131072");
    instance = started(pool, guest, &host);
    OK(wasmaot_instance_call(instance, "grow", &one, 1, &result, 1));
    CHECK(result.of.i32 == -1);
    OK(wasmaot_instance_finish(instance, NULL));
    wasmaot_pool_delete(pool);
    wasmaot_linked_delete(large);
}

static void starts_have_limits_of_their_own(const wasmaot_linked_t *guest) {
    wasmaot_pool_t *pool = pool_of(1);
    int trap;
    for (trap = 0; trap < 2; trap++) {
        wasmaot_start_t start;
        wasmaot_instance_t *instance = NULL;
        wasmaot_value_t one = wasmaot_i32(1), result;
        wasmaot_error_t *error;
        memset(&start, 0, sizeof start);
        start.data = &host;
        start.limits.memory = 2 * 65536;
        start.limits.trap = trap == 1;
        OK(wasmaot_pool_start(pool, guest, &start, &instance));
        OK(wasmaot_instance_call(instance, "grow", &one, 1, &result, 1));
        CHECK(result.of.i32 == 1);
        error = wasmaot_instance_call(instance, "grow", &one, 1, &result, 1);
        CHECK(trap == 1 ? wasmaot_error_trap(error) == WASMAOT_TRAP_MEMORY_LIMIT : result.of.i32 == -1);
        wasmaot_error_delete(error);
        OK(wasmaot_instance_finish(instance, NULL));
        start.limits.memory = 0;
        start.limits.table = 1;
        FAILS(wasmaot_pool_start(pool, guest, &start, &instance), WASMAOT_ERROR_LIMIT, "`table` is 1, and the module asks for 2");
    }
    wasmaot_pool_delete(pool);
}

static void stacks_are_limited(const wasmaot_linked_t *guest) {
    size_t depths[2];
    int i;
    for (i = 0; i < 2; i++) {
        wasmaot_pool_config_t config;
        wasmaot_pool_t *pool = NULL;
        wasmaot_instance_t *instance;
        wasmaot_error_t *error;
        static const char more[] = "\n  ... and ";
        const char *omitted;
        memset(&config, 0, sizeof config);
        config.slots = 1;
        config.stack = i == 0 ? 64 << 10 : 1 << 20;
        OK(wasmaot_pool_new(&config, &pool));
        instance = started(pool, guest, &host);
        error = wasmaot_instance_call(instance, "deep", NULL, 0, NULL, 0);
        omitted = strstr(wasmaot_error_message(error), more);
        CHECK(omitted != NULL);
        depths[i] = strtoul(omitted + sizeof more - 1, NULL, 10);
        wasmaot_error_delete(error);
        OK(wasmaot_instance_finish(instance, NULL));
        wasmaot_pool_delete(pool);
    }
    CHECK(depths[0] > 500 && depths[1] > 10 * depths[0]);
}

static void says_what_was_used(const wasmaot_linked_t *guest) {
    wasmaot_reset_t ways[] = {WASMAOT_RESET_COPY, WASMAOT_RESET_DROP};
    size_t i;
    for (i = 0; i < COUNT(ways); i++) {
        wasmaot_pool_config_t config;
        wasmaot_pool_stats_t stats;
        wasmaot_usage_t usage;
        wasmaot_pool_t *pool = NULL;
        wasmaot_instance_t *instance;
        wasmaot_value_t two = wasmaot_i32(2), result;
        memset(&config, 0, sizeof config);
        config.slots = 1;
        config.reset = ways[i];
        OK(wasmaot_pool_new(&config, &pool));
        OK(wasmaot_instance_finish(started(pool, guest, &host), &usage));
        CHECK(usage.memory == 65536 && usage.reset == ways[i]);
        instance = started(pool, guest, &host);
        OK(wasmaot_instance_call(instance, "grow", &two, 1, &result, 1));
        CHECK(result.of.i32 == 1 && wasmaot_instance_memory_size(instance) == 3 * 65536);
        OK(wasmaot_instance_finish(instance, &usage));
        CHECK(usage.memory == 3 * 65536);
        instance = started(pool, guest, &host);
        CHECK(wasmaot_instance_memory_size(instance) == 65536);
        OK(wasmaot_pool_stats(pool, &stats));
        CHECK(stats.slots == 1 && stats.in_use == 1 && stats.free == 0);
        OK(wasmaot_instance_finish(instance, NULL));
        OK(wasmaot_pool_stats(pool, &stats));
        CHECK(stats.in_use == 0 && stats.free == 1 && stats.started == 3 && stats.exhausted == 0);
        CHECK(stats.made == 1 && stats.failed == 0);
        CHECK(stats.copied + stats.scanned + stats.dropped == 3);
        CHECK(ways[i] == WASMAOT_RESET_COPY ? stats.copied > 0 : stats.dropped == 3);
        wasmaot_pool_delete(pool);
    }
}

/* How the slot is reset after a request of a tenant that writes to its memory. */
static wasmaot_reset_t writes(const wasmaot_pool_t *pool, const wasmaot_linked_t *guest, uint64_t tenant) {
    wasmaot_start_t start;
    wasmaot_instance_t *instance = NULL;
    wasmaot_usage_t usage;
    wasmaot_value_t args[2];
    args[0] = wasmaot_i32(40000);
    args[1] = wasmaot_i32(1);
    memset(&start, 0, sizeof start);
    start.data = &host;
    start.tenant = tenant;
    OK(wasmaot_pool_start(pool, guest, &start, &instance));
    OK(wasmaot_instance_call(instance, "store", args, 2, NULL, 0));
    OK(wasmaot_instance_finish(instance, &usage));
    return usage.reset;
}

static void hot_pages_are_the_tenants_own(void) {
    wasmaot_hot_sets_t choices[] = {WASMAOT_HOT_SETS_SHARED, WASMAOT_HOT_SETS_PER_TENANT, WASMAOT_HOT_SETS_FROZEN};
    wasmaot_linked_t *guest = linked("guest.so");
    size_t i;
    for (i = 0; i < COUNT(choices); i++) {
        wasmaot_pool_config_t config;
        wasmaot_pool_stats_t stats;
        wasmaot_pool_t *pool = NULL;
        int round;
        bool shared = choices[i] == WASMAOT_HOT_SETS_SHARED, frozen = choices[i] == WASMAOT_HOT_SETS_FROZEN;
        memset(&config, 0, sizeof config);
        config.slots = 1;
        /* The second choice is the default. */
        config.hot_sets = choices[i] == WASMAOT_HOT_SETS_PER_TENANT ? 0 : choices[i];
        OK(wasmaot_pool_new(&config, &pool));
        for (round = 0; round < 4; round++) {
            writes(pool, guest, 1);
        }
        CHECK((writes(pool, guest, 1) == WASMAOT_RESET_COPY) == !frozen);
        CHECK((writes(pool, guest, 2) == WASMAOT_RESET_COPY) == shared);
        CHECK((writes(pool, guest, 0) == WASMAOT_RESET_COPY) == shared);
        OK(wasmaot_pool_stats(pool, &stats));
        CHECK(stats.made == 1 && stats.failed == 0 && stats.removed == 0 && stats.moved == (shared ? 0 : 2));
        wasmaot_pool_delete(pool);
    }
    /* What the first pool taught. */
    OK(wasmaot_linked_freeze_hot_set(guest));
    FAILS(wasmaot_linked_freeze_hot_set(NULL), WASMAOT_ERROR_USAGE, "`linked` is NULL");
    {
        wasmaot_pool_t *pool = pool_of(1);
        CHECK(writes(pool, guest, 0) == WASMAOT_RESET_COPY);
        wasmaot_pool_delete(pool);
    }
    wasmaot_linked_delete(guest);
}

typedef struct {
    wasmaot_pool_t *pool;
    const wasmaot_linked_t *guest;
    const wasmaot_func_t *next;
} shared_t;

static void *serve(void *argument) {
    shared_t *shared = (shared_t *)argument;
    int i;
    for (i = 0; i < 1000; i++) {
        host_t own;
        wasmaot_instance_t *instance;
        wasmaot_value_t arg = wasmaot_i32(i), result;
        memset(&own, 0, sizeof own);
        instance = started(shared->pool, shared->guest, &own);
        OK(wasmaot_func_call(shared->next, instance, &arg, 1, &result, 1));
        CHECK(result.of.i64 == i + 1 && own.calls == 1);
        OK(wasmaot_instance_finish(instance, NULL));
    }
    return NULL;
}

static void threads_share_pools(const wasmaot_linked_t *guest) {
    pthread_t threads[4];
    wasmaot_func_t *next = NULL;
    shared_t shared;
    size_t i;
    OK(wasmaot_linked_func(guest, "next", &next));
    shared.pool = pool_of(4);
    shared.guest = guest;
    shared.next = next;
    for (i = 0; i < COUNT(threads); i++) {
        CHECK(pthread_create(&threads[i], NULL, serve, &shared) == 0);
    }
    for (i = 0; i < COUNT(threads); i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    wasmaot_pool_delete(shared.pool);
    wasmaot_func_delete(next);
}

void test_pools(void) {
    wasmaot_linked_t *guest = linked("guest.so");
    refuses_configurations();
    slots_are_prepared(guest);
    slots_are_counted(guest);
    memory_is_limited(guest);
    starts_have_limits_of_their_own(guest);
    stacks_are_limited(guest);
    says_what_was_used(guest);
    hot_pages_are_the_tenants_own();
    threads_share_pools(guest);
    wasmaot_linked_delete(guest);
}
