/* Memories that several instances use. */
#include "test.h"

static wasmaot_memorytype_t type_of(uint64_t min, uint64_t max) {
    wasmaot_memorytype_t type;
    memset(&type, 0, sizeof type);
    type.pages.min = min;
    type.pages.max = max;
    type.page_size = 65536;
    type.is_shared = true;
    return type;
}

static void refuses_types(void) {
    wasmaot_memorytype_t type = type_of(1, 3);
    wasmaot_sharedmemory_t *memory = NULL;
    type.is_shared = false;
    FAILS(wasmaot_sharedmemory_new(&type, &memory), WASMAOT_ERROR_USAGE, "`is_shared` is false");
    type = type_of(1, 3);
    type.page_size = 3;
    FAILS(wasmaot_sharedmemory_new(&type, &memory), WASMAOT_ERROR_USAGE, "no power of two");
    type.page_size = 0;
    FAILS(wasmaot_sharedmemory_new(&type, &memory), WASMAOT_ERROR_USAGE, "no power of two");
    FAILS(wasmaot_sharedmemory_new(NULL, &memory), WASMAOT_ERROR_USAGE, "`type` is NULL");
    CHECK(memory == NULL);
}

static int32_t add(wasmaot_instance_t *instance, int32_t number) {
    wasmaot_value_t arg = wasmaot_i32(number), result;
    OK(wasmaot_instance_call(instance, "add", &arg, 1, &result, 1));
    return result.of.i32;
}

static void instances_share_it(void) {
    wasmaot_memorytype_t type = type_of(1, 3);
    wasmaot_module_t *module = opened("shares.so");
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_sharedmemory_t *memory = NULL;
    wasmaot_linked_t *linked = NULL;
    wasmaot_pool_t *pool = pool_of(2);
    wasmaot_instance_t *one, *other;
    wasmaot_value_t pages;
    uint64_t number = 0;
    int32_t sum = 0;
    OK(wasmaot_sharedmemory_new(&type, &memory));
    FAILS(wasmaot_linker_link(linker, module, &linked), WASMAOT_ERROR_LINK, "\"memory\"");
    OK(wasmaot_linker_sharedmemory(linker, "host", "memory", memory));
    FAILS(wasmaot_linker_sharedmemory(linker, "host", "memory", memory), WASMAOT_ERROR_LINK, "twice");
    OK(wasmaot_linker_link(linker, module, &linked));
    one = started(pool, linked, NULL);
    other = started(pool, linked, NULL);
    CHECK(add(one, 3) == 0 && add(other, 4) == 3 && add(one, 0) == 7);
    OK(wasmaot_sharedmemory_read(memory, 8, &sum, sizeof sum));
    CHECK(sum == 7);
    sum = 40;
    OK(wasmaot_sharedmemory_write(memory, 8, &sum, sizeof sum));
    CHECK(add(other, 2) == 40);
    OK(wasmaot_sharedmemory_grow(memory, 1, &number));
    CHECK(number == 1 && wasmaot_sharedmemory_size(memory) == 2 * 65536);
    OK(wasmaot_instance_call(other, "pages", NULL, 0, &pages, 1));
    CHECK(pages.of.i32 == 2);
    OK(wasmaot_sharedmemory_grow(memory, 9, &number));
    CHECK(number == WASMAOT_NOT_GROWN && wasmaot_sharedmemory_size(NULL) == 0);
    FAILS(wasmaot_sharedmemory_read(memory, 3 * 65536, &sum, 4), WASMAOT_ERROR_ACCESS, "outside");
    FAILS(wasmaot_sharedmemory_write(memory, 3 * 65536, &sum, 4), WASMAOT_ERROR_ACCESS, "outside");
    wasmaot_sharedmemory_delete(memory);
    wasmaot_sharedmemory_delete(NULL);
    wasmaot_linker_delete(linker);
    CHECK(add(one, 0) == 42);
    OK(wasmaot_instance_finish(one, NULL));
    OK(wasmaot_instance_finish(other, NULL));
    wasmaot_linked_delete(linked);
    wasmaot_pool_delete(pool);
    wasmaot_module_delete(module);
}

void test_shared(void) {
    refuses_types();
    instances_share_it();
}
