/* NULL where an object is needed, to every function. */
#include "test.h"

#define REFUSED(call, what) FAILS(call, WASMAOT_ERROR_USAGE, "`" what "` is NULL")

static wasmaot_error_t *never(void *environment, wasmaot_caller_t *caller, const wasmaot_value_t *args,
                              wasmaot_value_t *results) {
    (void)environment;
    (void)caller;
    (void)args;
    (void)results;
    abort();
}

static void deleting_nothing_does_nothing(void) {
    wasmaot_error_delete(NULL);
    wasmaot_module_delete(NULL);
    wasmaot_linker_delete(NULL);
    wasmaot_linked_delete(NULL);
    wasmaot_func_delete(NULL);
    wasmaot_wasi_delete(NULL);
    wasmaot_pool_delete(NULL);
    wasmaot_interrupt_delete(NULL);
    wasmaot_interrupt_kill(NULL);
    OK(wasmaot_instance_finish(NULL, NULL));
}

static void looking_at_nothing_gives_nothing(void) {
    size_t count = 7;
    CHECK((int)wasmaot_error_kind(NULL) == 0 && wasmaot_error_message(NULL) == NULL);
    CHECK(wasmaot_error_exit_status(NULL) == 0 && wasmaot_error_trap(NULL) == WASMAOT_TRAP_NONE);
    CHECK(wasmaot_error_frames(NULL, &count) == NULL && count == 0);
    count = 7;
    CHECK(wasmaot_module_imports(NULL, &count) == NULL && count == 0);
    count = 7;
    CHECK(wasmaot_module_exports(NULL, &count) == NULL && count == 0);
    CHECK(wasmaot_module_memories(NULL, NULL) == NULL);
    CHECK(wasmaot_func_type(NULL) == NULL);
    count = 7;
    CHECK(wasmaot_instance_captured(NULL, 1, &count) == NULL && count == 0);
    CHECK(wasmaot_instance_captured(NULL, 1, NULL) == NULL);
    CHECK(wasmaot_instance_data(NULL) == NULL && wasmaot_instance_memory_size(NULL) == 0);
    CHECK(wasmaot_caller_data(NULL) == NULL && wasmaot_caller_memory_size(NULL) == 0);
}

static void before_there_is_an_instance(void) {
    wasmaot_module_t *module = opened("plain.so");
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_wasi_t *wasi = wasmaot_wasi_new();
    wasmaot_linked_t *linked = NULL;
    wasmaot_func_t *func = NULL;
    wasmaot_functype_t type;
    memset(&type, 0, sizeof type);
    REFUSED(wasmaot_module_open_trusted(NULL, &module), "path");
    REFUSED(wasmaot_module_open_trusted("/", NULL), "out");
    REFUSED(wasmaot_module_open_sealed_trusted(NULL, &module), "path");
    REFUSED(wasmaot_module_from_bytes_trusted(NULL, 0, &module), "bytes");
    REFUSED(wasmaot_module_from_bytes_trusted("", 0, NULL), "out");
    REFUSED(wasmaot_linker_func(NULL, "a", "b", &type, never, NULL, NULL), "linker");
    REFUSED(wasmaot_linker_func(linker, NULL, "b", &type, never, NULL, NULL), "module");
    REFUSED(wasmaot_linker_func(linker, "a", NULL, &type, never, NULL, NULL), "name");
    REFUSED(wasmaot_linker_func(linker, "a", "b", NULL, never, NULL, NULL), "type");
    REFUSED(wasmaot_linker_func(linker, "a", "b", &type, NULL, NULL, NULL), "function");
    FAILS(wasmaot_linker_func(linker, "a\xff", "b", &type, never, NULL, NULL), WASMAOT_ERROR_USAGE, "UTF-8");
    type.params_count = 2;
    REFUSED(wasmaot_linker_func(linker, "a", "b", &type, never, NULL, NULL), "params");
    REFUSED(wasmaot_linker_wasi(NULL), "linker");
    REFUSED(wasmaot_linker_link(NULL, module, &linked), "linker");
    REFUSED(wasmaot_linker_link(linker, NULL, &linked), "module");
    REFUSED(wasmaot_linker_link(linker, module, NULL), "out");
    REFUSED(wasmaot_linked_func(NULL, "f", &func), "linked");
    REFUSED(wasmaot_wasi_arg(NULL, "a"), "wasi");
    REFUSED(wasmaot_wasi_arg(wasi, NULL), "arg");
    REFUSED(wasmaot_wasi_env(NULL, "a", "b"), "wasi");
    REFUSED(wasmaot_wasi_env(wasi, NULL, "b"), "name");
    REFUSED(wasmaot_wasi_env(wasi, "a", NULL), "value");
    REFUSED(wasmaot_wasi_inherit_stdio(NULL), "wasi");
    REFUSED(wasmaot_wasi_stream(NULL, 1, 1), "wasi");
    REFUSED(wasmaot_wasi_stdin_bytes(NULL, "a", 1), "wasi");
    REFUSED(wasmaot_wasi_stdin_bytes(wasi, NULL, 1), "bytes");
    FAILS(wasmaot_wasi_stdin_bytes(wasi, "a", SIZE_MAX), WASMAOT_ERROR_USAGE, "`bytes` cannot have");
    REFUSED(wasmaot_wasi_capture(NULL, 1, 1), "wasi");
    REFUSED(wasmaot_wasi_preopen(NULL, "/", "/"), "wasi");
    REFUSED(wasmaot_wasi_preopen(wasi, NULL, "/"), "host_path");
    REFUSED(wasmaot_wasi_preopen(wasi, "/", NULL), "guest_path");
    REFUSED(wasmaot_wasi_listener(NULL, 1), "wasi");
    REFUSED(wasmaot_wasi_listen(NULL, "127.0.0.1:0", NULL), "wasi");
    REFUSED(wasmaot_wasi_listen(wasi, NULL, NULL), "address");
    FAILS(wasmaot_wasi_listen(wasi, "\xff", NULL), WASMAOT_ERROR_USAGE, "`address` is not UTF-8");
    REFUSED(wasmaot_wasi_max_descriptors(NULL, 1), "wasi");
    REFUSED(wasmaot_wasi_max_transfer(NULL, 1), "wasi");
    CHECK(linked == NULL && func == NULL);
    wasmaot_wasi_delete(wasi);
    wasmaot_linker_delete(linker);
    wasmaot_module_delete(module);
}

static void of_instances(void) {
    wasmaot_linked_t *plain = linked("plain.so");
    wasmaot_pool_t *pool = pool_of(1);
    wasmaot_instance_t *instance = started(pool, plain, NULL), *none = NULL;
    wasmaot_interrupt_t *interrupt = NULL;
    wasmaot_func_t *f = NULL;
    wasmaot_pool_stats_t stats;
    wasmaot_value_t value = wasmaot_i32(1);
    OK(wasmaot_linked_func(plain, "f", &f));
    REFUSED(wasmaot_linked_func(plain, NULL, &f), "name");
    REFUSED(wasmaot_linked_func(plain, "f", NULL), "out");
    REFUSED(wasmaot_pool_new(NULL, NULL), "out");
    REFUSED(wasmaot_pool_stats(NULL, &stats), "pool");
    REFUSED(wasmaot_pool_stats(pool, NULL), "out");
    REFUSED(wasmaot_pool_start(NULL, plain, NULL, &none), "pool");
    REFUSED(wasmaot_pool_start(pool, NULL, NULL, &none), "linked");
    REFUSED(wasmaot_pool_start(pool, plain, NULL, NULL), "out");
    REFUSED(wasmaot_func_call(NULL, instance, NULL, 0, NULL, 0), "func");
    REFUSED(wasmaot_func_call(f, NULL, NULL, 0, &value, 1), "instance");
    REFUSED(wasmaot_func_call(f, instance, NULL, 1, &value, 1), "args");
    REFUSED(wasmaot_func_call(f, instance, NULL, 0, NULL, 1), "results");
    FAILS(wasmaot_func_call(f, instance, &value, SIZE_MAX, &value, 1), WASMAOT_ERROR_USAGE, "`args` cannot have");
    REFUSED(wasmaot_instance_call(NULL, "f", NULL, 0, &value, 1), "instance");
    REFUSED(wasmaot_instance_call(instance, NULL, NULL, 0, &value, 1), "name");
    FAILS(wasmaot_instance_call(instance, "\xff", NULL, 0, &value, 1), WASMAOT_ERROR_USAGE, "`name` is not UTF-8");
    REFUSED(wasmaot_instance_set_deadline(NULL, 1), "instance");
    REFUSED(wasmaot_instance_set_fuel(NULL, 1), "instance");
    REFUSED(wasmaot_instance_set_stdin(NULL, "a", 1), "instance");
    REFUSED(wasmaot_instance_set_stdin(instance, NULL, 1), "bytes");
    REFUSED(wasmaot_instance_discard_captured(NULL, 1), "instance");
    REFUSED(wasmaot_instance_interrupt(NULL, &interrupt), "instance");
    REFUSED(wasmaot_instance_interrupt(instance, NULL), "out");
    REFUSED(wasmaot_instance_read(NULL, 0, &value, 1), "instance");
    REFUSED(wasmaot_instance_read(instance, 0, NULL, 1), "into");
    REFUSED(wasmaot_instance_write(NULL, 0, &value, 1), "instance");
    REFUSED(wasmaot_instance_write(instance, 0, NULL, 1), "bytes");
    FAILS(wasmaot_instance_read(instance, 0, &value, 1), WASMAOT_ERROR_ACCESS, "outside the memory of 0x0 bytes");
    REFUSED(wasmaot_caller_call(NULL, "f", NULL, 0, NULL, 0), "caller");
    REFUSED(wasmaot_caller_read(NULL, 0, &value, 1), "caller");
    REFUSED(wasmaot_caller_write(NULL, 0, &value, 1), "caller");
    REFUSED(wasmaot_caller_check_interrupt(NULL), "caller");
    CHECK(none == NULL && interrupt == NULL);
    OK(wasmaot_instance_finish(instance, NULL));
    wasmaot_func_delete(f);
    wasmaot_pool_delete(pool);
    wasmaot_linked_delete(plain);
}

void test_misuse(void) {
    deleting_nothing_does_nothing();
    looking_at_nothing_gives_nothing();
    before_there_is_an_instance();
    of_instances();
}
