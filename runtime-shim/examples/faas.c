/*
 * A host that serves every request, a line of its input, from a fresh instance.
 *
 *     wasmaot compile runtime-shim/examples/faas.wat -o faas.so
 *     runtime-shim/capi/install.sh
 *     cc runtime-shim/examples/faas.c $(pkg-config --cflags --libs wasmaot) -o faas
 *     printf '27\nx\n0\n97\n' | ./faas faas.so
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <wasmaot.h>

/* What host functions know of the request. */
typedef struct {
    int64_t peak;
} request_t;

/* What all requests share. */
typedef struct {
    wasmaot_pool_t *pool;
    wasmaot_linked_t *linked;
    wasmaot_func_t *handle;
} service_t;

static wasmaot_error_t *peak(void *environment, wasmaot_caller_t *caller, const wasmaot_value_t *args,
                             wasmaot_value_t *results) {
    request_t *request = wasmaot_caller_data(caller);
    (void)environment;
    (void)results;
    request->peak = args[0].of.i64;
    return NULL;
}

/* Prints an error, if there is one: what it is, and where it happened. */
static int failed(wasmaot_error_t *error) {
    size_t count;
    const wasmaot_frame_t *frames = wasmaot_error_frames(error, &count);
    const char *message = wasmaot_error_message(error);
    if (error == NULL) {
        return 0;
    }
    printf("%.*s", (int)strcspn(message, "\n"), message);
    if (count > 0 && frames[0].name != NULL) {
        printf(" in %s", frames[0].name);
    }
    printf("\n");
    wasmaot_error_delete(error);
    return 1;
}

/* Loads the module and prepares all that requests do not need anew. */
static wasmaot_error_t *open_service(const char *path, service_t *service) {
    const wasmaot_type_t i64 = WASMAOT_I64;
    const wasmaot_functype_t type = {.params = &i64, .params_count = 1};
    const wasmaot_pool_config_t config = {.slots = 16, .stack = 256 << 10, .memory = 1 << 20};
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_module_t *module = NULL;
    wasmaot_error_t *error = wasmaot_linker_func(linker, "faas", "peak", &type, peak, NULL, NULL);
    if (error == NULL) error = wasmaot_module_open(path, &module);
    if (error == NULL) error = wasmaot_linker_link(linker, module, &service->linked);
    if (error == NULL) error = wasmaot_linked_func(service->linked, "handle", &service->handle);
    if (error == NULL) error = wasmaot_pool_new(&config, &service->pool);
    wasmaot_module_delete(module);
    wasmaot_linker_delete(linker);
    return error;
}

/* Writes the request into the guest, lets it work, and reads its answer. */
static wasmaot_error_t *answer(const service_t *service, wasmaot_instance_t *instance, const char *line, char *text,
                               size_t size) {
    const wasmaot_value_t length = wasmaot_i32((int32_t)strlen(line));
    wasmaot_value_t found[2]; /* address and length */
    size_t bytes;
    wasmaot_error_t *error = wasmaot_instance_write(instance, 0, line, strlen(line));
    if (error == NULL) error = wasmaot_func_call(service->handle, instance, &length, 1, found, 2);
    if (error != NULL) {
        return error;
    }
    bytes = (uint32_t)found[1].of.i32 < size ? (uint32_t)found[1].of.i32 : size - 1;
    text[bytes] = 0;
    return wasmaot_instance_read(instance, (uint32_t)found[0].of.i32, text, bytes);
}

static void serve(const service_t *service, const char *line) {
    request_t request = {0};
    const wasmaot_start_t start = {.data = &request, .limits = {.deadline = 1000000000}}; /* one second */
    wasmaot_instance_t *instance = NULL;
    wasmaot_usage_t usage = {0};
    char text[64];
    printf("%s: ", line);
    if (failed(wasmaot_pool_start(service->pool, service->linked, &start, &instance))) {
        return;
    }
    if (!failed(answer(service, instance, line, text, sizeof text))) {
        printf("%s, peak %" PRId64 "\n", text, request.peak);
    }
    if (!failed(wasmaot_instance_finish(instance, &usage))) {
        printf("  used %" PRIu64 " bytes of memory\n", usage.memory);
    }
}

int main(int argc, char **argv) {
    service_t service = {0};
    char line[256];
    int status = argc != 2;
    if (status != 0) {
        fprintf(stderr, "usage: faas ARTIFACT\n");
    } else if ((status = failed(open_service(argv[1], &service))) == 0) {
        while (fgets(line, sizeof line, stdin) != NULL) {
            line[strcspn(line, "\n")] = 0;
            serve(&service, line);
        }
    }
    wasmaot_pool_delete(service.pool);
    wasmaot_func_delete(service.handle);
    wasmaot_linked_delete(service.linked);
    return status;
}
