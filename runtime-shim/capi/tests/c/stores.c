/* Instances of one store, which import from each other and from the host. */
#include "test.h"

static wasmaot_store_t *store_of(void *data, uint64_t deadline) {
    wasmaot_store_t *store = NULL;
    wasmaot_start_t start;
    memset(&start, 0, sizeof start);
    start.data = data;
    start.limits.deadline = deadline;
    OK(wasmaot_store_new(&start, &store));
    return store;
}

static wasmaot_instance_t *made(const wasmaot_linker_t *linker, wasmaot_store_t *store, const char *name) {
    wasmaot_module_t *module = opened(name);
    wasmaot_instance_t *instance = NULL;
    OK(wasmaot_linker_instantiate(linker, store, module, &instance));
    wasmaot_module_delete(module);
    return instance;
}

static int32_t number_of(wasmaot_instance_t *instance, const char *name) {
    wasmaot_value_t result;
    OK(wasmaot_instance_call(instance, name, NULL, 0, &result, 1));
    return result.of.i32;
}

static void proven_and_trusted_modules_are_kept_apart(void) {
    wasmaot_store_t *store = store_of(NULL, 0);
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_instance_t *trusted = made(linker, store, "defines.so"), *other = NULL;
    wasmaot_module_t *module = NULL;
    wasmaot_linked_t *linked = NULL;
    wasmaot_pool_config_t config;
    wasmaot_pool_t *pool = NULL;
    OK(wasmaot_module_open(guest_path("defines.so"), &module));
    FAILS(wasmaot_linker_instantiate(linker, store, module, &other), WASMAOT_ERROR_LINK, "opened as trusted");
    FAILS(wasmaot_store_set_modules(store, WASMAOT_MODULES_PROVEN), WASMAOT_ERROR_LINK, "trusted");
    FAILS(wasmaot_store_set_modules(store, (wasmaot_modules_t)99), WASMAOT_ERROR_USAGE, "99");
    OK(wasmaot_store_set_modules(store, WASMAOT_MODULES_MIXED));
    OK(wasmaot_linker_instantiate(linker, store, module, &other));
    OK(wasmaot_instance_finish(other, NULL));
    OK(wasmaot_instance_finish(trusted, NULL));
    wasmaot_store_delete(store);
    memset(&config, 0, sizeof config);
    config.slots = 1;
    config.modules = WASMAOT_MODULES_PROVEN;
    OK(wasmaot_pool_new(&config, &pool));
    OK(wasmaot_linker_link(linker, module, &linked));
    OK(wasmaot_pool_start(pool, linked, NULL, &other));
    OK(wasmaot_instance_finish(other, NULL));
    wasmaot_linked_delete(linked);
    wasmaot_module_delete(module);
    module = opened("defines.so");
    OK(wasmaot_linker_link(linker, module, &linked));
    FAILS(wasmaot_pool_start(pool, linked, NULL, &other), WASMAOT_ERROR_LINK, "proven");
    wasmaot_linked_delete(linked);
    wasmaot_module_delete(module);
    wasmaot_pool_delete(pool);
    wasmaot_linker_delete(linker);
}

static void instances_import_from_each_other(void) {
    int data = 0;
    wasmaot_store_t *store = store_of(&data, 0), *other = store_of(NULL, 0);
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_instance_t *defines = made(linker, store, "defines.so"), *uses, *none = NULL;
    wasmaot_module_t *module = opened("uses.so");
    wasmaot_linked_t *linked = NULL;
    wasmaot_value_t address = wasmaot_i32(3), value;
    wasmaot_usage_t usage;
    void *bytes = NULL;
    FAILS(wasmaot_linker_instantiate(linker, store, module, &none), WASMAOT_ERROR_LINK, "\"defines\" \"memory\"");
    OK(wasmaot_linker_instance(linker, "defines", defines));
    FAILS(wasmaot_linker_instance(linker, "defines", defines), WASMAOT_ERROR_LINK, "twice");
    uses = made(linker, store, "uses.so");
    CHECK(number_of(uses, "run") == 7 && number_of(defines, "get") == 6);
    OK(wasmaot_instance_call(defines, "load", &address, 1, &value, 1));
    CHECK(value.of.i32 == 42);
    OK(wasmaot_instance_global_get(defines, "count", &value));
    CHECK(value.of.i32 == 6 && wasmaot_instance_data(uses) == &data);
    /* A function of one is one of the other, and of no other store. */
    OK(wasmaot_instance_table_get(defines, "table", 1, &value));
    OK(wasmaot_instance_table_set(uses, "table", 0, &value));
    OK(wasmaot_instance_memory_data(uses, "memory", 3, 1, true, &bytes));
    CHECK(*(unsigned char *)bytes == 42);
    FAILS(wasmaot_linker_instantiate(linker, other, module, &none), WASMAOT_ERROR_LINK, "another store");
    FAILS(wasmaot_linker_link(linker, module, &linked), WASMAOT_ERROR_LINK, "another store");
    CHECK(none == NULL && linked == NULL);
    OK(wasmaot_instance_finish(defines, &usage));
    CHECK(usage.memory == 65536 && usage.operators == WASMAOT_NOT_COUNTED && usage.reset == WASMAOT_RESET_NONE);
    /* What a handle led to stays as long as its store. */
    CHECK(number_of(uses, "run") == 7);
    wasmaot_store_delete(store);
    CHECK(number_of(uses, "run") == 7);
    OK(wasmaot_instance_finish(uses, NULL));
    wasmaot_store_delete(other);
    wasmaot_store_delete(NULL);
    wasmaot_linker_delete(linker);
    wasmaot_module_delete(module);
}

static void hosts_define_them(void) {
    wasmaot_store_t *store = store_of(NULL, 0), *other = store_of(NULL, 0);
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_instance_t *uses, *defines = made(linker, other, "defines.so");
    wasmaot_memorytype_t memory;
    wasmaot_tabletype_t table;
    wasmaot_globaltype_t global;
    wasmaot_value_t five = wasmaot_i32(5), null, func, result;
    uint64_t before = 0;
    memset(&memory, 0, sizeof memory);
    memory.pages.min = 1;
    memory.pages.max = 4;
    memory.page_size = 65536;
    memset(&table, 0, sizeof table);
    table.elements.min = 2;
    table.elements.max = 4;
    table.type = WASMAOT_FUNCREF;
    global.type = WASMAOT_I32;
    global.is_mutable = true;
    memset(&null, 0, sizeof null);
    null.type = WASMAOT_FUNCREF;
    OK(wasmaot_linker_memory(linker, store, "defines", "memory", &memory));
    OK(wasmaot_linker_table(linker, store, "defines", "table", &table, &null));
    FAILS(wasmaot_linker_table(linker, store, "defines", "other", &table, &five), WASMAOT_ERROR_USAGE, "type");
    FAILS(wasmaot_linker_global(linker, store, "defines", "other", &global, &null), WASMAOT_ERROR_USAGE, "type");
    FAILS(wasmaot_linker_memory(linker, store, "defines", "memory", &memory), WASMAOT_ERROR_LINK, "twice");
    OK(wasmaot_linker_global(linker, store, "defines", "count", &global, &five));
    OK(wasmaot_instance_table_get(defines, "table", 1, &func));
    FAILS(wasmaot_linker_table(linker, store, "defines", "other", &table, &func), WASMAOT_ERROR_USAGE, "another");
    uses = made(linker, store, "uses.so");
    FAILS(wasmaot_instance_call(uses, "run", NULL, 0, &result, 1), WASMAOT_ERROR_TRAP, "uninitialized element");
    OK(wasmaot_instance_global_get(uses, "count", &result));
    CHECK(result.of.i32 == 6);
    OK(wasmaot_instance_memory_grow(uses, "memory", 1, &before));
    CHECK(before == 1 && wasmaot_instance_memory_size(uses) == 131072);
    FAILS(wasmaot_instance_call_ref(uses, &func, NULL, 0, &result, 1), WASMAOT_ERROR_USAGE, "another");
    OK(wasmaot_instance_finish(uses, NULL));
    OK(wasmaot_instance_finish(defines, NULL));
    wasmaot_store_delete(store);
    wasmaot_store_delete(other);
    wasmaot_linker_delete(linker);
}

static void stores_are_limited(void) {
    wasmaot_store_t *store = store_of(NULL, 3000000);
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_instance_t *defines = made(linker, store, "defines.so"), *uses;
    wasmaot_interrupt_t *interrupt = NULL;
    wasmaot_value_t result;
    wasmaot_error_t *error;
    OK(wasmaot_linker_instance(linker, "defines", defines));
    uses = made(linker, store, "uses.so");
    error = wasmaot_instance_call(uses, "forever", NULL, 0, NULL, 0);
    CHECK(wasmaot_error_trap(error) == WASMAOT_TRAP_DEADLINE_EXCEEDED);
    wasmaot_error_delete(error);
    OK(wasmaot_instance_set_deadline(defines, UINT64_MAX));
    CHECK(number_of(uses, "run") == 7);
    FAILS(wasmaot_instance_set_fuel(uses, 1), WASMAOT_ERROR_USAGE, "count");
    OK(wasmaot_instance_interrupt(uses, &interrupt));
    wasmaot_interrupt_kill(interrupt);
    FAILS(wasmaot_instance_call(defines, "get", NULL, 0, &result, 1), WASMAOT_ERROR_TRAP, "killed");
    wasmaot_interrupt_delete(interrupt);
    OK(wasmaot_instance_finish(uses, NULL));
    OK(wasmaot_instance_finish(defines, NULL));
    wasmaot_store_delete(store);
    wasmaot_linker_delete(linker);
}

void test_stores(void) {
    instances_import_from_each_other();
    proven_and_trusted_modules_are_kept_apart();
    hosts_define_them();
    stores_are_limited();
}
