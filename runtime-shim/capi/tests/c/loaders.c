/* Opening modules by proof and by signature. */
#include "test.h"

static uint8_t host_key[WASMAOT_KEY_BYTES];

/* A file in the folder of the guests, whole. */
static size_t read_guest(const char *name, char *bytes, size_t size) {
    FILE *file = fopen(guest_path(name), "rb");
    size_t length;
    CHECK(file != NULL);
    length = fread(bytes, 1, size, file);
    CHECK(length > 0 && length < size && fclose(file) == 0);
    return length;
}

static wasmaot_loader_t *loader_with_key(const char *name) {
    char pem[1024];
    wasmaot_loader_t *loader = wasmaot_loader_new();
    pem[read_guest(name, pem, sizeof pem)] = 0;
    OK(wasmaot_loader_add_key(loader, pem));
    return loader;
}

static void proves_as_asked(void) {
    static char bytes[1 << 20];
    size_t length = read_guest("plain.so", bytes, sizeof bytes);
    wasmaot_loader_t *loader = wasmaot_loader_new();
    wasmaot_module_t *module = NULL;
    OK(wasmaot_loader_set_jobs(loader, 0));
    OK(wasmaot_loader_set_proofs(loader, guest_path("proofs"), host_key));
    OK(wasmaot_loader_open(loader, guest_path("plain.so"), &module));
    CHECK(wasmaot_module_is_proven(module) && !wasmaot_module_signer(module, host_key));
    wasmaot_module_delete(module);
    OK(wasmaot_loader_from_bytes(loader, bytes, length, &module));
    CHECK(wasmaot_module_is_proven(module));
    wasmaot_module_delete(module);
    module = NULL;
    FAILS(wasmaot_loader_open(loader, "/nowhere.so", &module), WASMAOT_ERROR_OPEN, "No such file");
    FAILS(wasmaot_loader_open_trusted(loader, guest_path("plain.so"), &module), WASMAOT_ERROR_USAGE, "no keys");
    FAILS(wasmaot_loader_from_bytes_trusted(loader, bytes, length, &module), WASMAOT_ERROR_USAGE, "no keys");
    FAILS(wasmaot_loader_set_proofs(loader, guest_path("proofs"), NULL), WASMAOT_ERROR_USAGE, "`key` is NULL");
    FAILS(wasmaot_loader_add_unchanging_folder(loader, "/nowhere"), WASMAOT_ERROR_SYSTEM, "/nowhere");
    CHECK(module == NULL);
    OK(wasmaot_loader_add_unchanging_folder(loader, guest_path("")));
    OK(wasmaot_loader_open(loader, guest_path("plain.so"), &module));
    CHECK(wasmaot_module_is_proven(module));
    wasmaot_module_delete(module);
    wasmaot_loader_delete(loader);
}

/* Starts an instance in a pool that takes signed modules only. */
static wasmaot_error_t *start_signed(const wasmaot_module_t *module) {
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_linked_t *linked = NULL;
    wasmaot_pool_config_t config;
    wasmaot_pool_t *pool = NULL;
    wasmaot_start_t start;
    wasmaot_instance_t *instance = NULL;
    wasmaot_error_t *error;
    memset(&config, 0, sizeof config);
    memset(&start, 0, sizeof start);
    config.slots = 1;
    config.modules = WASMAOT_MODULES_PROVEN_AND_SIGNED;
    OK(wasmaot_linker_link(linker, module, &linked));
    OK(wasmaot_pool_new(&config, &pool));
    error = wasmaot_pool_start(pool, linked, &start, &instance);
    if (error == NULL) {
        OK(wasmaot_instance_finish(instance, NULL));
    }
    wasmaot_pool_delete(pool);
    wasmaot_linked_delete(linked);
    wasmaot_linker_delete(linker);
    return error;
}

static void asks_for_signatures(void) {
    static char bytes[1 << 20];
    uint8_t signer[WASMAOT_KEY_BYTES];
    size_t length = read_guest("signed.so", bytes, sizeof bytes);
    wasmaot_loader_t *loader = loader_with_key("signer.pem"), *others = loader_with_key("other.pem");
    wasmaot_module_t *module = NULL;
    memset(signer, 0, sizeof signer);
    FAILS(wasmaot_loader_open(loader, guest_path("plain.so"), &module), WASMAOT_ERROR_OPEN, "sign");
    FAILS(wasmaot_loader_open(others, guest_path("signed.so"), &module), WASMAOT_ERROR_OPEN, "sign");
    FAILS(wasmaot_loader_open_trusted(others, guest_path("signed.so"), &module), WASMAOT_ERROR_OPEN, "sign");
    CHECK(module == NULL && !wasmaot_module_signer(NULL, signer));
    OK(wasmaot_loader_open(loader, guest_path("signed.so"), &module));
    CHECK(wasmaot_module_is_proven(module) && wasmaot_module_signer(module, NULL));
    CHECK(wasmaot_module_signer(module, signer) && memcmp(signer, host_key, sizeof signer) != 0);
    OK(start_signed(module));
    wasmaot_module_delete(module);
    OK(wasmaot_module_open(guest_path("signed.so"), &module));
    FAILS(start_signed(module), WASMAOT_ERROR_LINK, "signatures");
    wasmaot_module_delete(module);
    OK(wasmaot_loader_open_trusted(loader, guest_path("signed.so"), &module));
    FAILS(start_signed(module), WASMAOT_ERROR_LINK, "trusted");
    CHECK(!wasmaot_module_is_proven(module) && wasmaot_module_signer(module, NULL));
    wasmaot_module_delete(module);
    OK(wasmaot_loader_from_bytes_trusted(loader, bytes, length, &module));
    wasmaot_module_delete(module);
    FAILS(wasmaot_loader_add_key(loader, "no key"), WASMAOT_ERROR_USAGE, "`pem`");
    FAILS(wasmaot_loader_add_key(NULL, "no key"), WASMAOT_ERROR_USAGE, "`loader` is NULL");
    wasmaot_loader_delete(loader);
    wasmaot_loader_delete(others);
    wasmaot_loader_delete(NULL);
}

void test_loaders(void) {
    proves_as_asked();
    asks_for_signatures();
}
