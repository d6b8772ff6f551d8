/* Memories that are not of the usual kind. */
#include "test.h"

static const uint64_t high = (uint64_t)1 << 32;

static void types_say_what_they_are(void) {
    wasmaot_module_t *module = opened("wide.so");
    size_t count = 0;
    const wasmaot_memorytype_t *memories = wasmaot_module_memories(module, &count);
    const wasmaot_export_t *exports;
    CHECK(count == 2 && memories[0].is_64 && !memories[0].is_shared && memories[0].pages.min == 65537);
    CHECK(!memories[1].is_64 && memories[1].is_shared && memories[1].pages.max == 2);
    exports = wasmaot_module_exports(module, &count);
    CHECK(count == 5 && exports[0].type.of.memory.is_64 && exports[1].type.of.memory.is_shared);
    CHECK(strcmp(exports[2].name, "table") == 0 && exports[2].type.of.table.is_64);
    wasmaot_module_delete(module);
}

static void addresses_may_have_64_bits(wasmaot_instance_t *instance) {
    char bytes[4];
    int64_t unused;
    wasmaot_value_t address = wasmaot_i64((int64_t)high - 2), value;
    CHECK(wasmaot_instance_memory_size(instance) == high + 65536);
    OK(wasmaot_instance_write(instance, high - 2, "wide", 4));
    OK(wasmaot_instance_read(instance, high - 2, bytes, sizeof bytes));
    CHECK(memcmp(bytes, "wide", 4) == 0);
    OK(wasmaot_instance_call(instance, "load", &address, 1, &value, 1));
    CHECK(memcmp(&value.of.i64, "wide\0\0\0", 8) == 0);
    OK(call_next(instance, NEXT_USES_WIDE_MEMORY, &unused));
    OK(wasmaot_instance_read(instance, high + 65532, bytes, sizeof bytes));
    CHECK(memcmp(bytes, "high", 4) == 0);

    FAILS(wasmaot_instance_read(instance, high + 65533, bytes, 4), WASMAOT_ERROR_ACCESS, "4 byte(s) at 0x10000fffd");
    FAILS(wasmaot_instance_write(instance, high + 65536, bytes, 1), WASMAOT_ERROR_ACCESS, "0x100010000");
    FAILS(wasmaot_instance_read(instance, UINT64_MAX, bytes, 4), WASMAOT_ERROR_ACCESS, "outside the memory");
    OK(wasmaot_instance_read(instance, high + 65536, NULL, 0));
}

void test_memories(void) {
    wasmaot_linked_t *wide = linked("wide.so");
    wasmaot_pool_config_t config;
    wasmaot_pool_t *pool = NULL;
    host_t host;
    int i;
    memset(&host, 0, sizeof host);
    memset(&config, 0, sizeof config);
    config.slots = 1;
    config.memory = 2 * high;
    OK(wasmaot_pool_new(&config, &pool));
    types_say_what_they_are();
    for (i = 0; i < 2; i++) {
        wasmaot_instance_t *instance = started(pool, wide, &host);
        char bytes[4];
        /* What the one before wrote there is gone. */
        OK(wasmaot_instance_read(instance, high - 2, bytes, sizeof bytes));
        CHECK(memcmp(bytes, "\0\0\0", 4) == 0);
        addresses_may_have_64_bits(instance);
        OK(wasmaot_instance_finish(instance, NULL));
    }
    wasmaot_pool_delete(pool);
    wasmaot_linked_delete(wide);
}
