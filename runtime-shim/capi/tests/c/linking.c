/* Definitions, and linking with them. */
#include "test.h"

static wasmaot_error_t *nothing(void *environment, wasmaot_caller_t *caller, const wasmaot_value_t *args,
                                wasmaot_value_t *results) {
    (void)environment;
    (void)caller;
    (void)args;
    (void)results;
    return NULL;
}

static void count_drop(void *environment) {
    *(int *)environment += 1;
}

static wasmaot_functype_t type_of(const wasmaot_type_t *params, size_t count) {
    wasmaot_functype_t type;
    memset(&type, 0, sizeof type);
    type.params = params;
    type.params_count = count;
    return type;
}

static void reports_imports(void) {
    wasmaot_module_t *guest = opened("guest.so"), *memory = opened("memory.so");
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_linked_t *linked = NULL;
    wasmaot_functype_t type = type_of(NULL, 0);
    const char *all = "2 unresolved imports:\n  \"host\" \"next\": function (i32) -> (i64)\n  \"host\" \"mix\"";
    FAILS(wasmaot_linker_link(linker, guest, &linked), WASMAOT_ERROR_LINK, all);
    FAILS(wasmaot_linker_link(linker, memory, &linked), WASMAOT_ERROR_LINK, "\"memory\": memory of pages 1 to 2");
    OK(wasmaot_linker_func(linker, "host", "next", &type, nothing, NULL, NULL));
    FAILS(wasmaot_linker_link(linker, guest, &linked), WASMAOT_ERROR_LINK, "incompatible import type");
    FAILS(wasmaot_linker_func(linker, "host", "next", &type, nothing, NULL, NULL), WASMAOT_ERROR_LINK, "twice");
    OK(wasmaot_linker_wasi(linker));
    FAILS(wasmaot_linker_wasi(linker), WASMAOT_ERROR_LINK, "twice");
    CHECK(linked == NULL);
    wasmaot_linker_delete(linker);
    wasmaot_module_delete(guest);
    wasmaot_module_delete(memory);
}

static void refuses_types(void) {
    static const wasmaot_type_t types[] = {0, 9, 255};
    wasmaot_linker_t *linker = wasmaot_linker_new();
    size_t i;
    for (i = 0; i < COUNT(types); i++) {
        wasmaot_functype_t type = type_of(&types[i], 1);
        FAILS(wasmaot_linker_func(linker, "host", "f", &type, nothing, NULL, NULL), WASMAOT_ERROR_USAGE, "type");
        type.results = type.params;
        type.results_count = 1;
        type.params_count = 0;
        FAILS(wasmaot_linker_func(linker, "host", "f", &type, nothing, NULL, NULL), WASMAOT_ERROR_USAGE, "type");
    }
    wasmaot_linker_delete(linker);
}

static void drops_environments(void) {
    wasmaot_module_t *module = opened("plain.so");
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_linked_t *linked = NULL;
    wasmaot_functype_t type = type_of(NULL, 0);
    wasmaot_error_t *error;
    int dropped = 0;
    OK(wasmaot_linker_func(linker, "host", "f", &type, nothing, &dropped, count_drop));
    CHECK(dropped == 0);
    error = wasmaot_linker_func(linker, "host", "f", &type, nothing, &dropped, count_drop);
    FAILS(error, WASMAOT_ERROR_LINK, "twice");
    CHECK(dropped == 1);
    error = wasmaot_linker_func(linker, NULL, "f", &type, nothing, &dropped, count_drop);
    FAILS(error, WASMAOT_ERROR_USAGE, "`module` is NULL");
    CHECK(dropped == 2);
    OK(wasmaot_linker_link(linker, module, &linked));
    wasmaot_linker_delete(linker);
    /* The module does not import the function, so nothing needs it now. */
    CHECK(dropped == 3);
    wasmaot_linked_delete(linked);
    wasmaot_module_delete(module);
}

static void linked_modules_keep_what_they_need(void) {
    wasmaot_linked_t *guest = linked("guest.so");
    wasmaot_pool_t *pool = pool_of(1);
    host_t host;
    wasmaot_instance_t *instance;
    int64_t result = 0;
    memset(&host, 0, sizeof host);
    instance = started(pool, guest, &host);
    wasmaot_linked_delete(guest);
    wasmaot_pool_delete(pool);
    OK(call_next(instance, 5, &result));
    CHECK(result == 6);
    OK(wasmaot_instance_finish(instance, NULL));
}

static void limits_modules(void) {
    wasmaot_module_t *module = opened("plain.so");
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_linked_t *linked = NULL;
    wasmaot_module_limits_t limits;
    memset(&limits, 0, sizeof limits);
    limits.functions = 1;
    OK(wasmaot_linker_set_module_limits(linker, &limits));
    FAILS(wasmaot_linker_link(linker, module, &linked), WASMAOT_ERROR_LIMIT, "`functions` is 1, and the module asks");
    limits.functions = 0;
    OK(wasmaot_linker_set_module_limits(linker, &limits));
    OK(wasmaot_linker_link(linker, module, &linked));
    FAILS(wasmaot_linker_set_module_limits(linker, NULL), WASMAOT_ERROR_USAGE, "`limits` is NULL");
    wasmaot_linked_delete(linked);
    wasmaot_linker_delete(linker);
    wasmaot_module_delete(module);
}

void test_linking(void) {
    limits_modules();
    reports_imports();
    refuses_types();
    drops_environments();
    linked_modules_keep_what_they_need();
}
