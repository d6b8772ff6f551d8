/* Runs the tests of the C API: `api FOLDER`, where the guests are. */
#include "test.h"

#include <unistd.h>

static const char *folder;

const char *guest_path(const char *name) {
    static char path[4096];
    CHECK((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) < sizeof path);
    return path;
}

wasmaot_module_t *opened(const char *name) {
    wasmaot_module_t *module = NULL;
    OK(wasmaot_module_open_trusted(guest_path(name), &module));
    CHECK(module != NULL);
    return module;
}

wasmaot_linked_t *linked(const char *name) {
    wasmaot_module_t *module = opened(name);
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_linked_t *linked = NULL;
    define_host(linker);
    OK(wasmaot_linker_wasi(linker));
    OK(wasmaot_linker_link(linker, module, &linked));
    wasmaot_linker_delete(linker);
    wasmaot_module_delete(module);
    return linked;
}

wasmaot_pool_t *pool_of(uint32_t slots) {
    wasmaot_pool_config_t config;
    wasmaot_pool_t *pool = NULL;
    memset(&config, 0, sizeof config);
    config.slots = slots;
    OK(wasmaot_pool_new(&config, &pool));
    return pool;
}

wasmaot_instance_t *started(wasmaot_pool_t *pool, const wasmaot_linked_t *linked, host_t *host) {
    wasmaot_start_t start;
    wasmaot_instance_t *instance = NULL;
    memset(&start, 0, sizeof start);
    start.data = host;
    OK(wasmaot_pool_start(pool, linked, &start, &instance));
    if (host != NULL) {
        host->instance = instance;
    }
    return instance;
}

wasmaot_instance_t *started_with(wasmaot_pool_t *pool, const wasmaot_linked_t *linked, const wasmaot_wasi_t *wasi) {
    wasmaot_start_t start;
    wasmaot_instance_t *instance = NULL;
    memset(&start, 0, sizeof start);
    start.wasi = wasi;
    OK(wasmaot_pool_start(pool, linked, &start, &instance));
    return instance;
}

/* Runs a test. Its name is the last thing that is printed if it fails or hangs. */
#define RUN(test) (fputs(#test "\n", stderr), test())

int main(int argc, char **argv) {
    CHECK(argc == 2);
    folder = argv[1];
    /* Whatever hangs fails. */
    alarm(600);
    RUN(test_modules);
    RUN(test_loaders);
    RUN(test_linking);
    RUN(test_calls);
    RUN(test_errors);
    RUN(test_exports);
    RUN(test_memories);
    RUN(test_shared);
    RUN(test_stores);
    RUN(test_suspended);
    RUN(test_pools);
    RUN(test_stopping);
    RUN(test_metering);
    RUN(test_streams);
    RUN(test_wasi);
    RUN(test_misuse);
    puts("all is well");
    return 0;
}
