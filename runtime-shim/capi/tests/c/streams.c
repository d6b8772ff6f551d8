/* Input from memory, output that is collected, and sockets by address. */
#include "test.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

/* Error numbers of WASI. */
enum { SUCCESS = 0, BADF = 8, NOSPC = 51 };

static wasmaot_pool_t *pool;
static wasmaot_linked_t *guest;

/* Lets the guest copy up to 10 bytes of its standard input; gives an error number. */
static int32_t copy_to(wasmaot_instance_t *instance, int32_t stream) {
    wasmaot_value_t args[2], result;
    args[0] = wasmaot_i32(0);
    args[1] = wasmaot_i32(stream);
    OK(wasmaot_instance_call(instance, "copy", args, 2, &result, 1));
    return result.of.i32;
}

/* Whether this is what was collected so far. */
static bool holds(const wasmaot_instance_t *instance, int stream, const char *expected) {
    size_t length = 7;
    const char *bytes = wasmaot_instance_captured(instance, stream, &length);
    return length == strlen(expected) && (length == 0 ? bytes == NULL : memcmp(bytes, expected, length) == 0);
}

static void input_and_output_are_the_instances_own(void) {
    wasmaot_wasi_t *wasi = wasmaot_wasi_new();
    wasmaot_instance_t *one, *other;
    char input[] = "0123456789abc";
    OK(wasmaot_wasi_stdin_bytes(wasi, input, strlen(input)));
    OK(wasmaot_wasi_capture(wasi, 1, 100));
    OK(wasmaot_wasi_capture(wasi, 2, 100));
    /* It has a copy. */
    memset(input, '-', sizeof input);
    one = started_with(pool, guest, wasi);
    other = started_with(pool, guest, wasi);
    wasmaot_wasi_delete(wasi);
    CHECK(holds(one, 1, "") && holds(one, 2, ""));
    CHECK(copy_to(one, 1) == SUCCESS && copy_to(one, 2) == SUCCESS && copy_to(one, 2) == SUCCESS);
    CHECK(holds(one, 1, "0123456789") && holds(one, 2, "abc"));
    CHECK(holds(other, 1, "") && copy_to(other, 1) == SUCCESS && holds(other, 1, "0123456789"));

    strcpy(input, "request");
    OK(wasmaot_instance_set_stdin(one, input, strlen(input)));
    memset(input, '-', sizeof input);
    CHECK(copy_to(one, 1) == SUCCESS && holds(one, 1, "0123456789request"));
    OK(wasmaot_instance_discard_captured(one, 1));
    CHECK(holds(one, 1, "") && holds(one, 2, "abc"));
    OK(wasmaot_instance_set_stdin(one, NULL, 0));
    CHECK(copy_to(one, 1) == SUCCESS && holds(one, 1, ""));
    OK(wasmaot_instance_set_stdin(one, "again", 5));
    CHECK(copy_to(one, 1) == SUCCESS && holds(one, 1, "again"));
    OK(wasmaot_instance_finish(one, NULL));
    OK(wasmaot_instance_finish(other, NULL));
}

static void output_is_there_after_a_trap(void) {
    wasmaot_wasi_t *wasi = wasmaot_wasi_new();
    wasmaot_instance_t *instance;
    wasmaot_value_t stream = wasmaot_i32(2);
    OK(wasmaot_wasi_stdin_bytes(wasi, "last word\n", 10));
    OK(wasmaot_wasi_capture(wasi, 2, SIZE_MAX));
    instance = started_with(pool, guest, wasi);
    FAILS(wasmaot_instance_call(instance, "copy_and_trap", &stream, 1, NULL, 0), WASMAOT_ERROR_TRAP, "unreachable");
    CHECK(holds(instance, 2, "last word\n"));
    OK(wasmaot_instance_finish(instance, NULL));
    wasmaot_wasi_delete(wasi);
}

static void output_is_there_after_an_exit(void) {
    wasmaot_wasi_t *wasi = wasmaot_wasi_new();
    wasmaot_instance_t *instance;
    wasmaot_error_t *error;
    size_t length;
    OK(wasmaot_wasi_arg(wasi, "program"));
    OK(wasmaot_wasi_preopen(wasi, guest_path("."), "/"));
    OK(wasmaot_wasi_capture(wasi, 1, 1000));
    instance = started_with(pool, guest, wasi);
    error = wasmaot_instance_call(instance, "_start", NULL, 0, NULL, 0);
    CHECK(wasmaot_error_exit_status(error) == 7);
    wasmaot_error_delete(error);
    CHECK(memcmp(wasmaot_instance_captured(instance, 1, &length), "program\0hello from a file\n", 26) == 0);
    CHECK(length == 26);
    OK(wasmaot_instance_finish(instance, NULL));
    wasmaot_wasi_delete(wasi);
}

static void collecting_ends_at_the_limit(void) {
    wasmaot_wasi_t *wasi = wasmaot_wasi_new();
    wasmaot_instance_t *instance;
    wasmaot_usage_t usage;
    OK(wasmaot_wasi_stdin_bytes(wasi, "0123456789abcdef", 16));
    OK(wasmaot_wasi_capture(wasi, 1, 12));
    OK(wasmaot_wasi_capture(wasi, 2, 0));
    instance = started_with(pool, guest, wasi);
    CHECK(copy_to(instance, 1) == SUCCESS && !wasmaot_instance_capture_overflowed(instance, 1));
    CHECK(copy_to(instance, 1) == SUCCESS && wasmaot_instance_capture_overflowed(instance, 1));
    CHECK(holds(instance, 1, "0123456789ab") && !wasmaot_instance_capture_overflowed(instance, 2));
    OK(wasmaot_instance_set_stdin(instance, "more", 4));
    CHECK(copy_to(instance, 1) == NOSPC && holds(instance, 1, "0123456789ab"));
    OK(wasmaot_instance_set_stdin(instance, "more", 4));
    CHECK(copy_to(instance, 2) == NOSPC && holds(instance, 2, ""));
    CHECK(wasmaot_instance_capture_overflowed(instance, 2));
    OK(wasmaot_instance_discard_captured(instance, 1));
    CHECK(!wasmaot_instance_capture_overflowed(instance, 1) && wasmaot_instance_capture_overflowed(instance, 2));
    CHECK(!wasmaot_instance_capture_overflowed(NULL, 1) && !wasmaot_instance_capture_overflowed(instance, 3));
    OK(wasmaot_instance_set_stdin(instance, "more", 4));
    CHECK(copy_to(instance, 1) == SUCCESS && holds(instance, 1, "more"));
    OK(wasmaot_instance_finish(instance, &usage));
    /* What was discarded was written all the same, and what found no room was not. */
    CHECK(usage.bytes_read == 10 + 6 + 4 + 4 + 4 && usage.bytes_written == 10 + 2 + 4);
    wasmaot_wasi_delete(wasi);
}

/* Neither without a context nor with one that gives other streams. */
static void what_is_not_in_memory_is_refused(void) {
    const char *not_in_memory = "was not given a standard input in memory";
    wasmaot_wasi_t *wasi = wasmaot_wasi_new();
    wasmaot_instance_t *instances[2];
    size_t i;
    OK(wasmaot_wasi_inherit_stdio(wasi));
    instances[0] = started_with(pool, guest, NULL);
    instances[1] = started_with(pool, guest, wasi);
    for (i = 0; i < COUNT(instances); i++) {
        size_t length = 7;
        FAILS(wasmaot_instance_set_stdin(instances[i], "a", 1), WASMAOT_ERROR_USAGE, not_in_memory);
        CHECK(holds(instances[i], 1, "") && holds(instances[i], 2, ""));
        CHECK(wasmaot_instance_captured(instances[i], 0, &length) == NULL && length == 0);
        CHECK(wasmaot_instance_captured(instances[i], -1, NULL) == NULL);
        OK(wasmaot_instance_discard_captured(instances[i], 1));
        FAILS(wasmaot_instance_discard_captured(instances[i], 0), WASMAOT_ERROR_USAGE, "0 is no standard output");
        OK(wasmaot_instance_finish(instances[i], NULL));
    }
    FAILS(wasmaot_wasi_capture(wasi, 0, 1), WASMAOT_ERROR_USAGE, "0 is no standard output");
    FAILS(wasmaot_wasi_capture(wasi, 3, 1), WASMAOT_ERROR_USAGE, "3 is no standard output");
    FAILS(wasmaot_wasi_stdin_bytes(wasi, NULL, 1), WASMAOT_ERROR_USAGE, "`bytes` is NULL");
    OK(wasmaot_wasi_stdin_bytes(wasi, NULL, 0));
    wasmaot_wasi_delete(wasi);
}

/* An address of this machine that no other test listens at. */
static const char *own_address(void) {
    static char address[16];
    sprintf(address, "127.1.%d.%d", (int)getpid() >> 8 & 255, (int)getpid() & 255);
    return address;
}

/* A connection to a port of that address. */
static int connected(uint16_t port) {
    struct sockaddr_in address;
    int client = socket(AF_INET, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    CHECK(inet_pton(AF_INET, own_address(), &address.sin_addr) == 1);
    if (connect(client, (struct sockaddr *)&address, sizeof address) != 0) {
        close(client);
        return -1;
    }
    return client;
}

static void addresses_are_listened_at(void) {
    wasmaot_wasi_t *wasi = wasmaot_wasi_new();
    wasmaot_instance_t *instance;
    wasmaot_value_t result;
    uint16_t port = 0;
    char taken[32], answer[5];
    int client;
    sprintf(taken, "%s:0", own_address());
    OK(wasmaot_wasi_listen(wasi, taken, &port));
    CHECK(port != 0);
    sprintf(taken, "%s:%d", own_address(), (int)port);
    client = connected(port);
    CHECK(client >= 0 && write(client, "hello", 5) == 5);
    instance = started_with(pool, guest, wasi);
    OK(wasmaot_instance_call(instance, "answer", NULL, 0, &result, 1));
    CHECK(result.of.i32 == SUCCESS && read(client, answer, 5) == 5 && memcmp(answer, "hello", 5) == 0);
    CHECK(close(client) == 0);

    FAILS(wasmaot_wasi_listen(wasi, taken, &port), WASMAOT_ERROR_SYSTEM, "Address already in use");
    wasmaot_wasi_delete(wasi);
    CHECK((client = connected(port)) >= 0 && close(client) == 0);
    OK(wasmaot_instance_finish(instance, NULL));
    CHECK(connected(port) < 0);
}

static void what_is_no_address_is_refused(void) {
    static const char *const wrong[] = {"", "127.0.0.1", "8080", "localhost:0", "127.0.0.1:65536", "::1:0", "127.0.0.1:0 "};
    wasmaot_wasi_t *wasi = wasmaot_wasi_new();
    wasmaot_instance_t *instance;
    wasmaot_value_t result;
    uint16_t port = 7;
    size_t i;
    for (i = 0; i < COUNT(wrong); i++) {
        FAILS(wasmaot_wasi_listen(wasi, wrong[i], &port), WASMAOT_ERROR_USAGE, "is no address");
    }
    /* Set aside for documentation: no machine has it. */
    FAILS(wasmaot_wasi_listen(wasi, "192.0.2.1:0", &port), WASMAOT_ERROR_SYSTEM, "cannot listen at `192.0.2.1:0`");
    CHECK(port == 7);
    instance = started_with(pool, guest, wasi);
    OK(wasmaot_instance_call(instance, "answer", NULL, 0, &result, 1));
    CHECK(result.of.i32 == BADF);
    OK(wasmaot_instance_finish(instance, NULL));
    wasmaot_wasi_delete(wasi);
}

void test_streams(void) {
    guest = linked("wasi.so");
    pool = pool_of(2);
    input_and_output_are_the_instances_own();
    output_is_there_after_a_trap();
    output_is_there_after_an_exit();
    collecting_ends_at_the_limit();
    what_is_not_in_memory_is_refused();
    addresses_are_listened_at();
    what_is_no_address_is_refused();
    wasmaot_pool_delete(pool);
    wasmaot_linked_delete(guest);
}
