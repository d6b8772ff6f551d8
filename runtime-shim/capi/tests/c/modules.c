/* Opening modules, and what they import and export. */
#include "test.h"

static void refuses_other_files(void) {
    wasmaot_module_t *module = NULL;
    FAILS(wasmaot_module_open_trusted("/nowhere.so", &module), WASMAOT_ERROR_OPEN, "No such file");
    FAILS(wasmaot_module_open_sealed_trusted(guest_path("hello.txt"), &module), WASMAOT_ERROR_OPEN, "");
    FAILS(wasmaot_module_from_bytes_trusted("not ELF", 7, &module), WASMAOT_ERROR_OPEN, "");
    FAILS(wasmaot_module_from_bytes_trusted("", 0, &module), WASMAOT_ERROR_OPEN, "");
    FAILS(wasmaot_module_open("/nowhere.so", &module), WASMAOT_ERROR_OPEN, "No such file");
    FAILS(wasmaot_module_from_bytes("not ELF", 7, &module), WASMAOT_ERROR_OPEN, "");
    FAILS(wasmaot_module_from_bytes(NULL, 7, &module), WASMAOT_ERROR_USAGE, "`bytes` is NULL");
    FAILS(wasmaot_module_open(NULL, &module), WASMAOT_ERROR_USAGE, "path");
    CHECK(module == NULL && !wasmaot_module_is_proven(NULL));
}

static void opens_copies(void) {
    static char bytes[1 << 20];
    FILE *file = fopen(guest_path("plain.so"), "rb");
    size_t length;
    wasmaot_module_t *module = NULL;
    CHECK(file != NULL);
    length = fread(bytes, 1, sizeof bytes, file);
    CHECK(length > 0 && length < sizeof bytes && fclose(file) == 0);
    OK(wasmaot_module_from_bytes_trusted(bytes, length, &module));
    wasmaot_module_delete(module);
    FAILS(wasmaot_module_from_bytes_trusted(bytes, length - 1, &module), WASMAOT_ERROR_OPEN, "");
    OK(wasmaot_module_open_sealed_trusted(guest_path("plain.so"), &module));
    CHECK(!wasmaot_module_is_proven(module));
    wasmaot_module_delete(module);
    OK(wasmaot_module_from_bytes(bytes, length, &module));
    CHECK(wasmaot_module_is_proven(module));
    wasmaot_module_delete(module);
    OK(wasmaot_module_open(guest_path("plain.so"), &module));
    CHECK(wasmaot_module_is_proven(module));
    wasmaot_module_delete(module);
}

static void lists_imports(void) {
    wasmaot_module_t *module = opened("memory.so");
    size_t count = 0;
    const wasmaot_import_t *imports = wasmaot_module_imports(module, &count);
    const wasmaot_memorytype_t *memories;
    CHECK(count == 3);
    CHECK(strcmp(imports[0].module, "host") == 0 && imports[0].module_length == 4);
    CHECK(strcmp(imports[0].name, "memory") == 0 && imports[0].name_length == 6);
    CHECK(imports[0].type.kind == WASMAOT_EXTERN_MEMORY && imports[0].type.of.memory.page_size == 65536);
    CHECK(imports[0].type.of.memory.pages.min == 1 && imports[0].type.of.memory.pages.max == 2);
    CHECK(!imports[0].type.of.memory.is_64 && !imports[0].type.of.memory.is_shared);
    CHECK(imports[1].type.kind == WASMAOT_EXTERN_TABLE && imports[1].type.of.table.type == WASMAOT_EXTERNREF);
    CHECK(imports[1].type.of.table.elements.min == 3 && !imports[1].type.of.table.is_64);
    CHECK(imports[1].type.of.table.elements.max == WASMAOT_NO_MAX);
    CHECK(imports[2].type.kind == WASMAOT_EXTERN_GLOBAL && imports[2].type.of.global.type == WASMAOT_F32);
    CHECK(imports[2].type.of.global.is_mutable);
    memories = wasmaot_module_memories(module, &count);
    CHECK(count == 1 && memories[0].pages.min == 1);
    CHECK(wasmaot_module_exports(module, &count) == NULL && count == 0);
    wasmaot_module_delete(module);
}

static const wasmaot_export_t *find(const wasmaot_export_t *exports, size_t count, const char *name) {
    size_t i;
    for (i = 0; i < count; i++) {
        if (strcmp(exports[i].name, name) == 0) {
            return &exports[i];
        }
    }
    CHECK(!"there is such an export");
    return NULL;
}

static void lists_exports(void) {
    wasmaot_module_t *module = opened("guest.so");
    size_t count = 0;
    const wasmaot_export_t *exports = wasmaot_module_exports(module, &count);
    const wasmaot_functype_t *mix = &find(exports, count, "mix")->type.of.func;
    const wasmaot_import_t *imports;
    CHECK(strcmp(exports[0].name, "memory") == 0 && exports[0].type.kind == WASMAOT_EXTERN_MEMORY);
    CHECK(exports[0].type.of.memory.pages.max == 4);
    CHECK(find(exports, count, "table")->type.of.table.type == WASMAOT_FUNCREF);
    CHECK(find(exports, count, "table")->type.of.table.elements.max == 10);
    CHECK(find(exports, count, "counter")->type.of.global.is_mutable);
    CHECK(!find(exports, count, "answer")->type.of.global.is_mutable);
    CHECK(find(exports, count, "answer")->type.of.global.type == WASMAOT_I64);
    CHECK(find(exports, count, "mix")->type.kind == WASMAOT_EXTERN_FUNC);
    CHECK(mix->params_count == 6 && mix->params[3] == WASMAOT_F64 && mix->params[5] == WASMAOT_V128);
    CHECK(mix->results_count == 6 && mix->results[1] == WASMAOT_EXTERNREF && mix->results[5] == WASMAOT_I32);
    CHECK(find(exports, count, "trap")->type.of.func.params_count == 0);
    /* The lists are made once, and a count is optional. */
    CHECK(wasmaot_module_exports(module, NULL) == exports);
    imports = wasmaot_module_imports(module, &count);
    CHECK(count == 2 && imports[0].type.kind == WASMAOT_EXTERN_FUNC);
    CHECK(imports[0].type.of.func.params_count == 1 && imports[0].type.of.func.results[0] == WASMAOT_I64);
    wasmaot_module_delete(module);
}

static void names_may_be_empty_or_hold_nul(void) {
    wasmaot_module_t *module = opened("plain.so");
    size_t count = 0;
    const wasmaot_export_t *exports = wasmaot_module_exports(module, &count);
    CHECK(count == 3 && exports[1].name_length == 0 && exports[1].name[0] == 0);
    CHECK(exports[2].name_length == 3 && memcmp(exports[2].name, "a\0b", 4) == 0);
    CHECK(wasmaot_module_imports(module, &count) == NULL && count == 0);
    CHECK(wasmaot_module_memories(module, &count) == NULL && count == 0);
    wasmaot_module_delete(module);
}

static void has_the_version_of_its_header(void) {
    char version[64];
    snprintf(version, sizeof version, "%d.%d.%d", WASMAOT_VERSION_MAJOR, WASMAOT_VERSION_MINOR, WASMAOT_VERSION_PATCH);
    CHECK(strcmp(wasmaot_version(), WASMAOT_VERSION) == 0);
    CHECK(strcmp(version, WASMAOT_VERSION) == 0);
}

void test_modules(void) {
    has_the_version_of_its_header();
    refuses_other_files();
    opens_copies();
    lists_imports();
    lists_exports();
    names_may_be_empty_or_hold_nul();
}
