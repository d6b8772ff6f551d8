/* What instances get of WASI. */
#include "test.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

/* Error numbers of WASI. */
enum { SUCCESS = 0, BADF = 8, MFILE = 33, ROFS = 69 };

static int32_t stat_of(wasmaot_instance_t *instance, int32_t fd) {
    wasmaot_value_t arg = wasmaot_i32(fd), result;
    OK(wasmaot_instance_call(instance, "stat", &arg, 1, &result, 1));
    return result.of.i32;
}

static int32_t answer_of(wasmaot_instance_t *instance, const char *name) {
    wasmaot_value_t result;
    OK(wasmaot_instance_call(instance, name, NULL, 0, &result, 1));
    return result.of.i32;
}

static int32_t open_file(wasmaot_instance_t *instance) {
    return answer_of(instance, "open");
}

static void nothing_is_given_by_default(wasmaot_pool_t *pool, const wasmaot_linked_t *guest) {
    wasmaot_wasi_t *empty = wasmaot_wasi_new();
    const wasmaot_wasi_t *contexts[2];
    wasmaot_usage_t usage;
    size_t i;
    contexts[0] = NULL;
    contexts[1] = empty;
    for (i = 0; i < COUNT(contexts); i++) {
        wasmaot_instance_t *instance = started_with(pool, guest, contexts[i]);
        int32_t fd;
        for (fd = 0; fd < 5; fd++) {
            CHECK(stat_of(instance, fd) == BADF);
        }
        CHECK(open_file(instance) == BADF);
        OK(wasmaot_instance_finish(instance, &usage));
        CHECK(usage.host_calls == 6 && usage.bytes_read == 0 && usage.bytes_written == 0);
    }
    wasmaot_wasi_delete(empty);
}

static void instances_get_what_is_said(wasmaot_pool_t *pool, const wasmaot_linked_t *guest) {
    static const char expected[] = "program\0-v\0LANG=C\0hello from a file\n";
    wasmaot_wasi_t *wasi = wasmaot_wasi_new();
    wasmaot_usage_t usage;
    int i, ends[2];
    CHECK(pipe(ends) == 0);
    OK(wasmaot_wasi_arg(wasi, "program"));
    OK(wasmaot_wasi_arg(wasi, "-v"));
    OK(wasmaot_wasi_env(wasi, "LANG", "C"));
    OK(wasmaot_wasi_preopen(wasi, guest_path("."), "/data"));
    OK(wasmaot_wasi_stream(wasi, 1, ends[1]));
    /* It is a duplicate, and any number of instances get the same. */
    CHECK(close(ends[1]) == 0);
    for (i = 0; i < 3; i++) {
        wasmaot_instance_t *instance = started_with(pool, guest, wasi);
        wasmaot_error_t *error = wasmaot_instance_call(instance, "_start", NULL, 0, NULL, 0);
        char printed[100];
        CHECK(wasmaot_error_kind(error) == WASMAOT_ERROR_EXIT && wasmaot_error_exit_status(error) == 7);
        wasmaot_error_delete(error);
        CHECK(read(ends[0], printed, sizeof printed) == (ssize_t)sizeof expected - 1);
        CHECK(memcmp(printed, expected, sizeof expected - 1) == 0);
        CHECK(stat_of(instance, 0) == BADF && stat_of(instance, 1) == SUCCESS && stat_of(instance, 2) == BADF);
        OK(wasmaot_instance_finish(instance, &usage));
        /* Ten of the program, and three. */
        CHECK(usage.host_calls == 13);
        CHECK(usage.bytes_read == strlen("hello from a file\n") && usage.bytes_written == sizeof expected - 1);
    }
    wasmaot_wasi_delete(wasi);
    CHECK(close(ends[0]) == 0);
}

static void descriptors_are_limited(wasmaot_pool_t *pool, const wasmaot_linked_t *guest) {
    wasmaot_wasi_t *wasi = wasmaot_wasi_new();
    wasmaot_instance_t *instance;
    OK(wasmaot_wasi_preopen(wasi, guest_path("."), "/"));
    OK(wasmaot_wasi_max_descriptors(wasi, 5));
    instance = started_with(pool, guest, wasi);
    CHECK(open_file(instance) == SUCCESS && open_file(instance) == MFILE);
    OK(wasmaot_instance_finish(instance, NULL));
    wasmaot_wasi_delete(wasi);
}

static void transfers_are_limited(wasmaot_pool_t *pool, const wasmaot_linked_t *guest) {
    wasmaot_wasi_t *wasi = wasmaot_wasi_new();
    wasmaot_value_t streams[2], result;
    wasmaot_usage_t usage;
    wasmaot_instance_t *instance;
    streams[0] = wasmaot_i32(0);
    streams[1] = wasmaot_i32(1);
    OK(wasmaot_wasi_stdin_bytes(wasi, "abcdefgh", 8));
    OK(wasmaot_wasi_capture(wasi, 1, 100));
    OK(wasmaot_wasi_max_transfer(wasi, 3));
    instance = started_with(pool, guest, wasi);
    OK(wasmaot_instance_call(instance, "copy", streams, 2, &result, 1));
    CHECK(result.of.i32 == SUCCESS);
    OK(wasmaot_instance_finish(instance, &usage));
    CHECK(usage.bytes_read == 3 && usage.bytes_written == 3);
    wasmaot_wasi_delete(wasi);
}

static void directories_may_be_read_only(wasmaot_pool_t *pool, const wasmaot_linked_t *guest) {
    int read_only;
    for (read_only = 0; read_only < 2; read_only++) {
        wasmaot_wasi_t *wasi = wasmaot_wasi_new();
        wasmaot_instance_t *instance;
        if (read_only) {
            OK(wasmaot_wasi_preopen_read_only(wasi, guest_path("."), "/"));
        } else {
            OK(wasmaot_wasi_preopen(wasi, guest_path("."), "/"));
        }
        instance = started_with(pool, guest, wasi);
        CHECK(open_file(instance) == SUCCESS);
        CHECK(answer_of(instance, "open_to_write") == (read_only ? ROFS : SUCCESS));
        OK(wasmaot_instance_finish(instance, NULL));
        wasmaot_wasi_delete(wasi);
    }
}

static void environments_are_inherited(wasmaot_pool_t *pool, const wasmaot_linked_t *guest) {
    extern char **environ;
    wasmaot_wasi_t *wasi = wasmaot_wasi_new();
    wasmaot_instance_t *instance;
    int32_t count = 0;
    CHECK(setenv("WASMAOT_C_TEST", "1", 1) == 0);
    while (environ[count] != NULL) {
        count++;
    }
    OK(wasmaot_wasi_inherit_env(wasi));
    CHECK(unsetenv("WASMAOT_C_TEST") == 0);
    instance = started_with(pool, guest, wasi);
    CHECK(answer_of(instance, "variables") == count);
    OK(wasmaot_instance_finish(instance, NULL));
    wasmaot_wasi_delete(wasi);
}

static void streams_and_listeners(wasmaot_pool_t *pool, const wasmaot_linked_t *guest) {
    wasmaot_wasi_t *wasi = wasmaot_wasi_new();
    wasmaot_instance_t *instance;
    int32_t fd;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(listener >= 0 && listen(listener, 1) == 0);
    OK(wasmaot_wasi_inherit_stdio(wasi));
    OK(wasmaot_wasi_listener(wasi, listener));
    CHECK(close(listener) == 0);
    instance = started_with(pool, guest, wasi);
    for (fd = 0; fd < 4; fd++) {
        CHECK(stat_of(instance, fd) == SUCCESS);
    }
    CHECK(stat_of(instance, 4) == BADF);
    OK(wasmaot_instance_finish(instance, NULL));
    wasmaot_wasi_delete(wasi);
}

static void what_is_not_there_is_refused(void) {
    wasmaot_wasi_t *wasi = wasmaot_wasi_new();
    FAILS(wasmaot_wasi_preopen(wasi, "/nowhere", "/"), WASMAOT_ERROR_SYSTEM, "No such file");
    FAILS(wasmaot_wasi_preopen(wasi, guest_path("hello.txt"), "/"), WASMAOT_ERROR_SYSTEM, "Not a directory");
    FAILS(wasmaot_wasi_stream(wasi, 3, 1), WASMAOT_ERROR_USAGE, "3 is no standard stream");
    FAILS(wasmaot_wasi_stream(wasi, -1, 1), WASMAOT_ERROR_USAGE, "-1 is no standard stream");
    FAILS(wasmaot_wasi_stream(wasi, 1, -1), WASMAOT_ERROR_USAGE, "-1 is no descriptor");
    FAILS(wasmaot_wasi_stream(wasi, 1, 1000000), WASMAOT_ERROR_SYSTEM, "descriptor 1000000");
    FAILS(wasmaot_wasi_listener(wasi, -1), WASMAOT_ERROR_USAGE, "-1 is no descriptor");
    wasmaot_wasi_delete(wasi);
}

void test_wasi(void) {
    wasmaot_linked_t *guest = linked("wasi.so");
    wasmaot_pool_t *pool = pool_of(1);
    nothing_is_given_by_default(pool, guest);
    instances_get_what_is_said(pool, guest);
    descriptors_are_limited(pool, guest);
    transfers_are_limited(pool, guest);
    directories_may_be_read_only(pool, guest);
    environments_are_inherited(pool, guest);
    streams_and_listeners(pool, guest);
    what_is_not_there_is_refused();
    wasmaot_pool_delete(pool);
    wasmaot_linked_delete(guest);
}
