/*
 * Embeds an artifact from C: a host function, guest memory, a call, a trap.
 *
 *     wasmaot compile examples/orders.wat -o orders.so
 *     RUSTFLAGS= cargo rustc --release -p wasmaot-capi --crate-type staticlib,cdylib
 *     cc -Iruntime-shim/include examples/orders.c target/x86_64-unknown-linux-gnu/release/libwasmaot.a -lm -o orders
 *     ./orders orders.so
 */
#include <stdio.h>
#include <wasmaot.h>

static wasmaot_error_t *log_sum(void *environment, wasmaot_caller_t *caller, const wasmaot_value_t *args,
                                wasmaot_value_t *results) {
    (void)caller;
    (void)results;
    *(int32_t *)environment = args[0].of.i32;
    return NULL;
}

/* Prints an error, if there is one. */
static int failed(wasmaot_error_t *error) {
    if (error == NULL) {
        return 0;
    }
    printf("%s\n", wasmaot_error_message(error));
    wasmaot_error_delete(error);
    return 1;
}

static int total(wasmaot_instance_t *instance, int32_t items) {
    wasmaot_value_t argument = {.type = WASMAOT_I32, .of.i32 = items};
    wasmaot_value_t sum;
    if (failed(wasmaot_instance_call(instance, "total", &argument, 1, &sum, 1))) {
        return 1;
    }
    printf("total %d\n", sum.of.i32);
    return 0;
}

int main(int argc, char **argv) {
    const uint8_t i32[] = {WASMAOT_I32};
    const int32_t order[] = {250, 4, 99, 3};
    int32_t logged = 0;
    const wasmaot_import_t log = {.module = "shop", .name = "log", .params = i32, .params_count = 1,
                                  .function = log_sum, .environment = &logged};
    wasmaot_module_t *module = NULL;
    wasmaot_instance_t *instance = NULL;
    if (argc != 2) {
        fprintf(stderr, "usage: orders ARTIFACT\n");
        return 2;
    }
    int status = failed(wasmaot_module_open(argv[1], &module)) ||
                 failed(wasmaot_instance_new(module, &log, 1, &instance)) ||
                 failed(wasmaot_instance_write(instance, 0, order, sizeof order)) || total(instance, 2);
    if (status == 0) {
        printf("logged %d\n", logged);
        /* A guest that reads beyond its memory gets a trap, not ours. */
        status = total(instance, INT32_MAX) == 0;
    }
    wasmaot_instance_delete(instance);
    wasmaot_module_delete(module);
    return status;
}
