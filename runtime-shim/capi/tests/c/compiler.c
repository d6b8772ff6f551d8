/* Compiles modules and runs what came out, with both libraries in one program. */
#include "test.h"

#include <wasmaot-compiler.h>

static const char ADDS[] = "(module (func (export \"add\") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))";

/* Ends the program unless a compilation ends like this, with a message that holds a text. */
#define ENDS(text, options, status, message) ends(__LINE__, text, options, status, message)

static void ends(int line, const char *text, const wasmaot_compile_options_t *options, wasmaot_compile_status_t status,
                 const char *message) {
    wasmaot_compilation_t *compilation = wasmaot_compile(text, text == NULL ? 0 : strlen(text), options);
    const char *found = wasmaot_compilation_message(compilation);
    size_t length = 1;
    if (wasmaot_compilation_status(compilation) != status || found == NULL || strstr(found, message) == NULL) {
        fprintf(stderr, "line %d: expected %d with \"%s\", found %d: %s\n", line, (int)status, message,
                (int)wasmaot_compilation_status(compilation), found == NULL ? "(no message)" : found);
        exit(1);
    }
    CHECK(wasmaot_compilation_artifact(compilation, &length) == NULL && length == 0);
    wasmaot_compilation_delete(compilation);
}

static wasmaot_compile_options_t options_of(wasmaot_opt_t opt) {
    wasmaot_compile_options_t options;
    memset(&options, 0, sizeof options);
    options.opt = opt;
    return options;
}

/* An instance of a module that a compilation has made. */
static wasmaot_instance_t *instance_of(const wasmaot_compilation_t *compilation, uint64_t fuel) {
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_module_t *module = NULL;
    wasmaot_linked_t *linked = NULL;
    wasmaot_pool_t *pool = NULL;
    wasmaot_instance_t *instance = NULL;
    wasmaot_start_t start;
    size_t length = 0;
    const void *artifact = wasmaot_compilation_artifact(compilation, &length);
    CHECK(wasmaot_compilation_status(compilation) == WASMAOT_COMPILED);
    CHECK(wasmaot_compilation_message(compilation) == NULL);
    OK(wasmaot_module_from_bytes_trusted(artifact, length, &module));
    OK(wasmaot_linker_link(linker, module, &linked));
    OK(wasmaot_pool_new(NULL, &pool));
    memset(&start, 0, sizeof start);
    start.limits.fuel = fuel;
    OK(wasmaot_pool_start(pool, linked, &start, &instance));
    wasmaot_pool_delete(pool);
    wasmaot_linked_delete(linked);
    wasmaot_module_delete(module);
    wasmaot_linker_delete(linker);
    return instance;
}

static void compiles_and_runs(void) {
    static const wasmaot_opt_t levels[] = {WASMAOT_OPT_DEFAULT, WASMAOT_OPT_NONE, WASMAOT_OPT_SPEED, WASMAOT_OPT_FULL};
    size_t i;
    for (i = 0; i < COUNT(levels); i++) {
        wasmaot_compile_options_t options = options_of(levels[i]);
        wasmaot_compilation_t *compilation;
        wasmaot_instance_t *instance;
        wasmaot_value_t args[2], result;
        options.meter = true;
        options.target_cpu = "x86-64-v2";
        options.jobs = 1;
        compilation = wasmaot_compile(ADDS, strlen(ADDS), &options);
        instance = instance_of(compilation, 1000);
        args[0] = wasmaot_i32(40);
        args[1] = wasmaot_i32(2);
        OK(wasmaot_instance_call(instance, "add", args, 2, &result, 1));
        CHECK(result.of.i32 == 42);
        CHECK(wasmaot_instance_operators(instance) == 3);
        OK(wasmaot_instance_finish(instance, NULL));
        wasmaot_compilation_delete(compilation);
    }
}

static void says_why_it_failed(void) {
    wasmaot_compile_options_t options = options_of(WASMAOT_OPT_DEFAULT);
    ENDS("(module (func (result i32)))", NULL, WASMAOT_COMPILE_INVALID, "type mismatch");
    ENDS("(module", NULL, WASMAOT_COMPILE_INVALID, "expected `)`");
    ENDS("", NULL, WASMAOT_COMPILE_INVALID, "");
    ENDS("(component (core module (func (result i32))))", NULL, WASMAOT_COMPILE_INVALID, "type mismatch");
    ENDS(NULL, NULL, WASMAOT_COMPILE_USAGE, "`module` is NULL");
    options.disabled = "tail-call";
    ENDS("(module (func return_call 0))", &options, WASMAOT_COMPILE_UNSUPPORTED, "tail-call");
    options.disabled = "threads, nothing";
    ENDS(ADDS, &options, WASMAOT_COMPILE_USAGE, "nothing");
    options = options_of((wasmaot_opt_t)9);
    ENDS(ADDS, &options, WASMAOT_COMPILE_USAGE, "9 is no level");
    options = options_of(WASMAOT_OPT_DEFAULT);
    options.target_cpu = "6502";
    ENDS(ADDS, &options, WASMAOT_COMPILE_USAGE, "x86-64-v3, native");
    options = options_of(WASMAOT_OPT_DEFAULT);
    options.max_memory = 1;
    ENDS(ADDS, &options, WASMAOT_COMPILE_LIMIT, "limit exceeded");
    options = options_of(WASMAOT_OPT_DEFAULT);
    options.max_function_size = 2;
    ENDS(ADDS, &options, WASMAOT_COMPILE_LIMIT, "at most 2");
    options = options_of(WASMAOT_OPT_DEFAULT);
    options.timeout = 1;
    ENDS(ADDS, &options, WASMAOT_COMPILE_LIMIT, "longer than 1ns");
}

static void takes_null(void) {
    size_t length = 1;
    CHECK(wasmaot_compilation_status(NULL) == WASMAOT_COMPILE_USAGE);
    CHECK(wasmaot_compilation_message(NULL) == NULL);
    CHECK(wasmaot_compilation_artifact(NULL, &length) == NULL && length == 0);
    CHECK(wasmaot_compilation_artifact(NULL, NULL) == NULL);
    wasmaot_compilation_delete(NULL);
}

int main(void) {
    compiles_and_runs();
    says_why_it_failed();
    takes_null();
    CHECK(strcmp(wasmaot_compiler_version(), wasmaot_version()) == 0);
    puts("all is well");
    return 0;
}
