/*
 * Hosts that call guests where threads are not as usual: in signal handlers, on small stacks, while they
 * end or are cancelled.
 */
#include "hosts.h"

static wasmaot_instance_t *instance;
static int calls;

/* The call fails, as the thread cannot be prepared for it. */
static void cannot_be_called(const char *name, const char *why) {
    wasmaot_value_t arg = wasmaot_i32(-4), result;
    wasmaot_error_t *error = wasmaot_instance_call(instance, name, &arg, 1, &result, 1);
    CHECK(error != NULL && wasmaot_error_trap(error) == WASMAOT_TRAP_NONE);
    if (strstr(wasmaot_error_message(error), why) == NULL) {
        fprintf(stderr, "%s\n", wasmaot_error_message(error));
        exit(1);
    }
    wasmaot_error_delete(error);
    calls += 1;
}

static void call_in_handler(int number) {
    volatile char frame[3000];
    size_t i;
    (void)number;
    memset((void *)frame, 7, sizeof frame);
    cannot_be_called("load", "a signal handler on the alternate stack");
    for (i = 0; i < sizeof frame; i++) {
        CHECK(frame[i] == 7);
    }
}

static void *call_in_first_handler(void *unused) {
    /* The thread has made no call before, but has a stack for the handler. */
    static char bytes[128 << 10];
    stack_t stack;
    memset(&stack, 0, sizeof stack);
    stack.ss_sp = bytes;
    stack.ss_size = sizeof bytes;
    CHECK(sigaltstack(&stack, NULL) == 0);
    CHECK(raise(SIGUSR1) == 0);
    stack.ss_flags = SS_DISABLE;
    CHECK(sigaltstack(&stack, NULL) == 0);
    return unused;
}

static void calls_in_handlers(const wasmaot_pool_config_t *config) {
    calls = 0;
    open_guest_with(config);
    guests_trap();
    instance = start();
    handle(SIGUSR1, call_in_handler, SA_ONSTACK);
    CHECK(raise(SIGUSR1) == 0);
    in_thread(call_in_first_handler, 0);
    CHECK(calls == 2);
    guests_trap();
}

static void handlers(void) {
    wasmaot_pool_config_t config;
    calls_in_handlers(NULL);
    memset(&config, 0, sizeof config);
    config.host_signals = WASMAOT_SIGNALS_CHECKED;
    calls_in_handlers(&config);
}

static void *call_on_small_stack(void *unused) {
    cannot_be_called("load", "a thread that calls guests needs 64 KiB");
    return unused;
}

static void *trap_on_small_stack(void *unused) {
    guests_trap();
    return unused;
}

static void small_stacks(void) {
    open_guest();
    instance = start();
    in_thread(call_on_small_stack, 24 << 10);
    in_thread(call_on_small_stack, 32 << 10);
    CHECK(calls == 2);
    in_thread(trap_on_small_stack, 64 << 10);
    in_thread(trap_on_small_stack, 0);
}

static pthread_key_t key;

/* Runs when the thread's storage is gone in which the runtime kept its record. */
static void call_at_the_end(void *unused) {
    (void)unused;
    cannot_be_called("load", "the thread is ending");
}

static void *trap_and_end(void *unused) {
    guests_trap();
    CHECK(pthread_setspecific(key, &key) == 0);
    return unused;
}

static void destructors(void) {
    open_guest();
    instance = start();
    CHECK(pthread_key_create(&key, call_at_the_end) == 0);
    in_thread(trap_and_end, 0);
    in_thread(trap_and_end, 0);
    CHECK(calls == 2);
    guests_trap();
}

static pthread_barrier_t runs;

/* A point of cancellation. */
static int32_t be_cancelled(wasmaot_caller_t *caller, int32_t argument) {
    const struct timespec nap = {0, 1000000};
    (void)caller;
    pthread_barrier_wait(&runs);
    pthread_barrier_wait(&runs);
    nanosleep(&nap, NULL);
    return argument;
}

static int returned;

/* As the header says: cancellation is disabled while a guest is called. */
static void *call_and_test(void *unused) {
    int before, ignored;
    int32_t result = 0;
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before) == 0);
    CHECK(call("host", 7, 0, 60000 * MS, &result) == WASMAOT_TRAP_NONE && result == 7);
    on_call = NULL;
    guests_trap();
    returned = 1;
    CHECK(pthread_setcancelstate(before, &ignored) == 0);
    pthread_testcancel();
    CHECK(!"it is cancelled");
    return unused;
}

static void cancelled(void) {
    pthread_t thread;
    void *how = NULL;
    open_guest();
    on_call = be_cancelled;
    CHECK(pthread_barrier_init(&runs, NULL, 2) == 0);
    CHECK(pthread_create(&thread, NULL, call_and_test, NULL) == 0);
    pthread_barrier_wait(&runs);
    CHECK(pthread_cancel(thread) == 0);
    pthread_barrier_wait(&runs);
    CHECK(pthread_join(thread, &how) == 0 && how == PTHREAD_CANCELED && returned);
    guests_trap();
}

int main(int argc, char **argv) {
    static const case_t cases[] = {
        {"handlers", handlers},
        {"small stacks", small_stacks},
        {"destructors", destructors},
        {"cancelled", cancelled},
    };
    return run_case(argc, argv, cases, COUNT(cases));
}
