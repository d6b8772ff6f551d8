/* Deadlines, and stopping from another thread. */
#include "test.h"

#include <pthread.h>
#include <unistd.h>

static host_t host;

static const uint64_t MILLISECOND = 1000000;

static void stopped(wasmaot_error_t *error, wasmaot_trap_t trap) {
    CHECK(wasmaot_error_kind(error) == WASMAOT_ERROR_TRAP && wasmaot_error_trap(error) == trap);
    wasmaot_error_delete(error);
}

static void deadlines_stop(wasmaot_pool_t *pool, const wasmaot_linked_t *guest) {
    wasmaot_instance_t *instance = started(pool, guest, &host);
    wasmaot_error_t *error;
    wasmaot_value_t result;
    size_t count = 0;
    int64_t number = 0;
    uint64_t timeout = MILLISECOND;
    /* On a busy machine the deadline may pass before the loop is reached. */
    do {
        timeout *= 4;
        OK(wasmaot_instance_set_deadline(instance, timeout));
        error = wasmaot_instance_call(instance, "forever", NULL, 0, NULL, 0);
        CHECK(wasmaot_error_frames(error, &count) == NULL || count == 1);
        stopped(error, WASMAOT_TRAP_DEADLINE_EXCEEDED);
    } while (count == 0);
    /* It has passed. */
    stopped(wasmaot_instance_call(instance, "count", NULL, 0, &result, 1), WASMAOT_TRAP_DEADLINE_EXCEEDED);
    OK(wasmaot_instance_set_deadline(instance, UINT64_MAX));
    OK(wasmaot_instance_call(instance, "count", NULL, 0, &result, 1));
    CHECK(result.of.i32 == 1);
    OK(wasmaot_instance_set_deadline(instance, 5 * MILLISECOND));
    stopped(call_next(instance, NEXT_WAITS, &number), WASMAOT_TRAP_DEADLINE_EXCEEDED);
    OK(wasmaot_instance_set_deadline(instance, UINT64_MAX - 1));
    OK(call_next(instance, 1, &number));
    OK(wasmaot_instance_set_cpu_time(instance, 5 * MILLISECOND));
    stopped(wasmaot_instance_call(instance, "forever", NULL, 0, NULL, 0), WASMAOT_TRAP_CPU_TIME_EXCEEDED);
    OK(wasmaot_instance_set_cpu_time(instance, UINT64_MAX));
    OK(wasmaot_instance_call(instance, "count", NULL, 0, &result, 1));
    OK(wasmaot_instance_finish(instance, NULL));
    /* The next one in the slot has none. */
    instance = started(pool, guest, &host);
    OK(call_next(instance, 1, &number));
    OK(wasmaot_instance_finish(instance, NULL));
}

static void deadlines_hold_for_start_functions(wasmaot_pool_t *pool) {
    wasmaot_linked_t *starts = linked("starts.so");
    wasmaot_start_t start;
    wasmaot_instance_t *instance = NULL;
    memset(&start, 0, sizeof start);
    start.limits.deadline = 5 * MILLISECOND;
    stopped(wasmaot_pool_start(pool, starts, &start, &instance), WASMAOT_TRAP_DEADLINE_EXCEEDED);
    CHECK(instance == NULL);
    wasmaot_linked_delete(starts);
}

static void *kill_later(void *interrupt) {
    usleep(5000);
    wasmaot_interrupt_kill((const wasmaot_interrupt_t *)interrupt);
    return NULL;
}

static void other_threads_stop(wasmaot_pool_t *pool, const wasmaot_linked_t *guest) {
    wasmaot_instance_t *instance = started(pool, guest, &host);
    wasmaot_interrupt_t *interrupt = NULL;
    wasmaot_value_t result;
    pthread_t thread;
    int64_t number = 0;
    OK(wasmaot_instance_interrupt(instance, &interrupt));
    CHECK(pthread_create(&thread, NULL, kill_later, interrupt) == 0);
    stopped(wasmaot_instance_call(instance, "forever", NULL, 0, NULL, 0), WASMAOT_TRAP_KILLED);
    CHECK(pthread_join(thread, NULL) == 0);
    /* For good. */
    stopped(wasmaot_instance_call(instance, "count", NULL, 0, &result, 1), WASMAOT_TRAP_KILLED);
    OK(wasmaot_instance_finish(instance, NULL));
    /* Nothing is left to be stopped. */
    instance = started(pool, guest, &host);
    wasmaot_interrupt_kill(interrupt);
    OK(call_next(instance, 1, &number));
    OK(wasmaot_instance_finish(instance, NULL));
    wasmaot_interrupt_delete(interrupt);
}

static void *run_forever(void *instance) {
    wasmaot_error_t *error;
    /* Until it gets its turn: a check whether it is in use uses it for that moment. */
    while (wasmaot_error_kind(error = wasmaot_instance_call((wasmaot_instance_t *)instance, "forever", NULL, 0, NULL, 0)) ==
           WASMAOT_ERROR_USAGE) {
        wasmaot_error_delete(error);
    }
    return error;
}

static void one_thread_at_a_time(wasmaot_pool_t *pool, const wasmaot_linked_t *guest) {
    wasmaot_instance_t *instance = started(pool, guest, &host);
    wasmaot_interrupt_t *interrupt = NULL;
    wasmaot_error_t *error;
    void *ended = NULL;
    pthread_t thread;
    char byte;
    OK(wasmaot_instance_interrupt(instance, &interrupt));
    CHECK(pthread_create(&thread, NULL, run_forever, instance) == 0);
    while ((error = wasmaot_instance_read(instance, 0, &byte, 1)) == NULL) {
        usleep(1000);
    }
    FAILS(error, WASMAOT_ERROR_USAGE, "the instance is in use");
    FAILS(wasmaot_instance_finish(instance, NULL), WASMAOT_ERROR_USAGE, "the instance is in use");
    wasmaot_interrupt_kill(interrupt);
    CHECK(pthread_join(thread, &ended) == 0);
    stopped((wasmaot_error_t *)ended, WASMAOT_TRAP_KILLED);
    OK(wasmaot_instance_finish(instance, NULL));
    wasmaot_interrupt_delete(interrupt);
}

void test_stopping(void) {
    wasmaot_linked_t *guest = linked("guest.so");
    wasmaot_pool_t *pool = pool_of(1);
    deadlines_stop(pool, guest);
    deadlines_hold_for_start_functions(pool);
    other_threads_stop(pool, guest);
    one_thread_at_a_time(pool, guest);
    wasmaot_pool_delete(pool);
    wasmaot_linked_delete(guest);
}
