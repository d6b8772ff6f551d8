/* Hosts that keep the interrupt signal from a thread whose guest is to be stopped. */
#include "hosts.h"

static int ends[2];

static int32_t wait_in_read(wasmaot_caller_t *caller, int32_t argument) {
    char byte;
    (void)argument;
    while (read(ends[0], &byte, 1) < 0) {
        wasmaot_error_t *error = wasmaot_caller_check_interrupt(caller);
        CHECK(errno == EINTR);
        if (error != NULL) {
            wasmaot_error_delete(error);
            return 0;
        }
    }
    return 1;
}

static void ignore(int number) {
    (void)number;
}

/* The kernel queues no signals any more. */
static void stops_without_room(void) {
    static const struct rlimit none = {0, 0};
    CHECK(pipe(ends) == 0);
    CHECK(setrlimit(RLIMIT_SIGPENDING, &none) == 0);
    CHECK(call("forever", 0, 0, 20 * MS, NULL) == WASMAOT_TRAP_DEADLINE_EXCEEDED);
    on_call = wait_in_read;
    CHECK(call("host", 0, 0, 20 * MS, NULL) == WASMAOT_TRAP_DEADLINE_EXCEEDED);
    on_call = NULL;
    guests_trap();
}

static void no_room_for_urgent(void) {
    open_guest();
    CHECK(wasmaot_interrupt_signal() == SIGURG);
    stops_without_room();
}

static void no_room_for_real_time(void) {
    handle(SIGURG, ignore, SA_RESTART | SA_ONSTACK);
    open_guest();
    CHECK(wasmaot_interrupt_signal() >= SIGRTMIN);
    stops_without_room();
}

static pthread_barrier_t runs;

static int32_t say_that_it_runs(wasmaot_caller_t *caller, int32_t argument) {
    (void)caller;
    (void)argument;
    pthread_barrier_wait(&runs);
    return 0;
}

static void *run_with_all_blocked(void *name) {
    sigset_t all;
    sigfillset(&all);
    CHECK(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0);
    CHECK(call((const char *)name, 0, 0, 200 * MS, NULL) == WASMAOT_TRAP_DEADLINE_EXCEEDED);
    return NULL;
}

static int32_t say_that_it_runs_and_wait(wasmaot_caller_t *caller, int32_t argument) {
    pthread_barrier_wait(&runs);
    return wait_in_read(caller, argument);
}

/* A thread that blocks all signals but those that its first call has unblocked. */
static void changes_while(const char *name, int32_t (*on_thread)(wasmaot_caller_t *, int32_t)) {
    pthread_t thread;
    open_guest();
    CHECK(wasmaot_interrupt_signal() == SIGURG);
    CHECK(pipe(ends) == 0 && pthread_barrier_init(&runs, NULL, 2) == 0);
    on_call = on_thread;
    CHECK(pthread_create(&thread, NULL, run_with_all_blocked, (void *)name) == 0);
    pthread_barrier_wait(&runs);
    handle(SIGURG, ignore, SA_RESTART | SA_ONSTACK);
    OK(wasmaot_prepare_thread());
    CHECK(wasmaot_interrupt_signal() >= SIGRTMIN);
    CHECK(pthread_join(thread, NULL) == 0);
    on_call = NULL;
    guests_trap();
}

static void changes_while_a_guest_runs(void) {
    changes_while("host_forever", say_that_it_runs);
}

static void changes_while_a_host_function_waits(void) {
    changes_while("host", say_that_it_runs_and_wait);
}

int main(int argc, char **argv) {
    static const case_t cases[] = {
        {"no room for SIGURG", no_room_for_urgent},
        {"no room for a real-time signal", no_room_for_real_time},
        {"changes while a guest runs", changes_while_a_guest_runs},
        {"changes while a host function waits", changes_while_a_host_function_waits},
    };
    return run_case(argc, argv, cases, COUNT(cases));
}
