/*
 * Embeds an artifact from C: a host function, guest memory, a call, a trap.
 *
 *     wasmaot compile runtime-shim/examples/orders.wat -o orders.so
 *     runtime-shim/capi/install.sh
 *     cc runtime-shim/examples/orders.c $(pkg-config --cflags --libs wasmaot) -o orders
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
    const wasmaot_value_t argument = wasmaot_i32(items);
    wasmaot_value_t sum;
    if (failed(wasmaot_instance_call(instance, "total", &argument, 1, &sum, 1))) {
        return 1;
    }
    printf("total %d\n", sum.of.i32);
    return 0;
}

int main(int argc, char **argv) {
    const wasmaot_type_t i32[] = {WASMAOT_I32};
    const wasmaot_functype_t type = {.params = i32, .params_count = 1};
    const wasmaot_pool_config_t config = {.slots = 1};
    const int32_t order[] = {250, 4, 99, 3};
    int32_t logged = 0;
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_module_t *module = NULL;
    wasmaot_linked_t *linked = NULL;
    wasmaot_pool_t *pool = NULL;
    wasmaot_instance_t *instance = NULL;
    int status = argc != 2;
    if (status != 0) {
        fprintf(stderr, "usage: orders ARTIFACT\n");
    } else {
        status = failed(wasmaot_module_open(argv[1], &module)) ||
                 failed(wasmaot_linker_func(linker, "shop", "log", &type, log_sum, &logged, NULL)) ||
                 failed(wasmaot_linker_link(linker, module, &linked)) || failed(wasmaot_pool_new(&config, &pool)) ||
                 failed(wasmaot_pool_start(pool, linked, NULL, &instance)) ||
                 failed(wasmaot_instance_write(instance, 0, order, sizeof order)) || total(instance, 2);
    }
    if (status == 0) {
        printf("logged %d\n", logged);
        /* A guest that reads beyond its memory gets a trap, not ours. */
        status = total(instance, INT32_MAX) == 0;
    }
    status |= failed(wasmaot_instance_finish(instance, NULL));
    wasmaot_pool_delete(pool);
    wasmaot_linked_delete(linked);
    wasmaot_module_delete(module);
    wasmaot_linker_delete(linker);
    return status;
}
