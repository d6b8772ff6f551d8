// A host function that throws, although it must not.
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <wasmaot.h>

static wasmaot_error_t *throws(void *, wasmaot_caller_t *, const wasmaot_value_t *, wasmaot_value_t *) {
    std::puts("throwing");
    std::fflush(stdout);
    throw std::runtime_error("not to be caught");
}

static wasmaot_error_t *never(void *, wasmaot_caller_t *, const wasmaot_value_t *, wasmaot_value_t *) {
    std::abort();
}

int main(int, char **argv) {
    const wasmaot_type_t params[] = {WASMAOT_I32, WASMAOT_I64, WASMAOT_F32, WASMAOT_F64, WASMAOT_EXTERNREF, WASMAOT_V128};
    const wasmaot_type_t reversed[] = {WASMAOT_V128, WASMAOT_EXTERNREF, WASMAOT_F64, WASMAOT_F32, WASMAOT_I64, WASMAOT_I32};
    const wasmaot_functype_t next = {params, 1, params + 1, 1}, mix = {params, 6, reversed, 6};
    const wasmaot_value_t arg = wasmaot_i32(1);
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_module_t *module = nullptr;
    wasmaot_linked_t *linked = nullptr;
    wasmaot_pool_t *pool = nullptr;
    wasmaot_instance_t *instance = nullptr;
    wasmaot_value_t result;
    if (wasmaot_module_open_trusted((std::string(argv[1]) + "/guest.so").c_str(), &module) ||
        wasmaot_linker_func(linker, "host", "next", &next, throws, nullptr, nullptr) ||
        wasmaot_linker_func(linker, "host", "mix", &mix, never, nullptr, nullptr) ||
        wasmaot_linker_link(linker, module, &linked) || wasmaot_pool_new(nullptr, &pool) ||
        wasmaot_pool_start(pool, linked, nullptr, &instance)) {
        return 2;
    }
    try {
        wasmaot_instance_call(instance, "next", &arg, 1, &result, 1);
    } catch (const std::exception &) {
        std::puts("caught");
    }
    return 0;
}
