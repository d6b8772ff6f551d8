/* Hosts that switch between stacks while guests wait on them, in any order and on any thread. */
#include "hosts.h"

#include <sys/mman.h>
#include <ucontext.h>

static const size_t STACK = 1 << 20;

enum { FIBERS = 3 };

/* A stack on which a guest is called, whose host function lets the host go on. */
typedef struct {
    ucontext_t context;
    void *stack;
    const char *name;
    uint64_t timeout;
    uint64_t cpu_time;
    wasmaot_interrupt_t *interrupt;
    wasmaot_trap_t trap;
    int is_over;
} fiber_t;

static ucontext_t host;
static fiber_t fibers[FIBERS];
static int running;

static void leave_fiber(void) {
    CHECK(swapcontext(&fibers[running].context, &host) == 0);
}

static int32_t let_the_host_go_on(wasmaot_caller_t *caller, int32_t argument) {
    (void)caller;
    (void)argument;
    leave_fiber();
    return 0;
}

static void body(int number) {
    fiber_t *fiber = &fibers[number];
    wasmaot_instance_t *instance = start();
    wasmaot_value_t arg = wasmaot_i32(0), value;
    wasmaot_error_t *error;
    OK(wasmaot_instance_interrupt(instance, &fiber->interrupt));
    if (fiber->timeout != UINT64_MAX) {
        OK(wasmaot_instance_set_deadline(instance, fiber->timeout));
    }
    if (fiber->cpu_time != 0) {
        OK(wasmaot_instance_set_cpu_time(instance, fiber->cpu_time));
    }
    error = wasmaot_instance_call(instance, fiber->name, &arg, 1, &value, 1);
    fiber->trap = wasmaot_error_trap(error);
    CHECK(error == NULL || fiber->trap != WASMAOT_TRAP_NONE);
    wasmaot_error_delete(error);
    OK(wasmaot_instance_finish(instance, NULL));
    fiber->is_over = 1;
    leave_fiber();
}

static void make_fiber(int number, const char *name, uint64_t timeout) {
    fiber_t *fiber = &fibers[number];
    memset(fiber, 0, sizeof *fiber);
    fiber->name = name;
    fiber->timeout = timeout;
    fiber->stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(fiber->stack != MAP_FAILED);
    CHECK(getcontext(&fiber->context) == 0);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = STACK;
    makecontext(&fiber->context, (void (*)(void))body, 1, number);
}

static void go_on(int number) {
    CHECK(!fibers[number].is_over);
    running = number;
    CHECK(swapcontext(&host, &fibers[number].context) == 0);
}

/* The fiber is over, and its guest has ended like this. Its stack goes. */
static void check_over(int number, wasmaot_trap_t trap) {
    CHECK(fibers[number].is_over && fibers[number].trap == trap);
    CHECK(munmap(fibers[number].stack, STACK) == 0);
    wasmaot_interrupt_delete(fibers[number].interrupt);
}

static void open_fibers(void) {
    open_guest();
    on_call = let_the_host_go_on;
    alarm(60);
}

/* The deadline is that of the guest that runs, whichever was entered last. */
static void deadlines(void) {
    open_fibers();
    make_fiber(0, "host_forever", 30 * MS);
    make_fiber(1, "host", UINT64_MAX);
    make_fiber(2, "host_forever", 30 * MS);
    go_on(0);
    go_on(1);
    go_on(0);
    check_over(0, WASMAOT_TRAP_DEADLINE_EXCEEDED);
    go_on(2);
    go_on(1);
    check_over(1, WASMAOT_TRAP_NONE);
    go_on(2);
    check_over(2, WASMAOT_TRAP_DEADLINE_EXCEEDED);
    on_call = NULL;
    guests_trap();
}

/* Only the guest that is killed is stopped: `host.f` asks for the one that called it. */
static void kills(void) {
    open_fibers();
    make_fiber(0, "host", UINT64_MAX);
    make_fiber(1, "host", UINT64_MAX);
    make_fiber(2, "host", UINT64_MAX);
    go_on(0);
    go_on(1);
    go_on(2);
    wasmaot_interrupt_kill(fibers[1].interrupt);
    go_on(0);
    check_over(0, WASMAOT_TRAP_NONE);
    go_on(1);
    check_over(1, WASMAOT_TRAP_KILLED);
    go_on(2);
    check_over(2, WASMAOT_TRAP_NONE);
    on_call = NULL;
    guests_trap();
}

/* No record of a guest that has ended is looked at, whose stack is gone. */
static void ends(void) {
    open_fibers();
    make_fiber(0, "host", UINT64_MAX);
    make_fiber(1, "host", UINT64_MAX);
    make_fiber(2, "host_forever", UINT64_MAX);
    go_on(0);
    go_on(1);
    go_on(0);
    check_over(0, WASMAOT_TRAP_NONE);
    go_on(2);
    go_on(1);
    check_over(1, WASMAOT_TRAP_NONE);
    wasmaot_interrupt_kill(fibers[2].interrupt);
    go_on(2);
    check_over(2, WASMAOT_TRAP_KILLED);
    on_call = NULL;
    guests_trap();
}

static void *go_on_with_first(void *unused) {
    go_on(0);
    return unused;
}

static void *use_guests(void *unused) {
    int32_t (*before)(wasmaot_caller_t *, int32_t) = on_call;
    on_call = NULL;
    guests_trap();
    on_call = before;
    return unused;
}

static void *begin_two(void *unused) {
    go_on(0);
    go_on(1);
    return unused;
}

static pthread_barrier_t barrier;

static void *begin_and_stay(void *unused) {
    go_on(0);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return use_guests(unused);
}

/* Begins a fiber on a thread, which ends or stays, and goes on with it on another one. */
static void go_elsewhere(const char *name, uint64_t timeout, wasmaot_trap_t trap) {
    pthread_t thread;
    make_fiber(0, name, timeout);
    in_thread(go_on_with_first, 0);
    in_thread(go_on_with_first, 0);
    check_over(0, trap);

    make_fiber(0, name, timeout);
    CHECK(pthread_create(&thread, NULL, begin_and_stay, NULL) == 0);
    pthread_barrier_wait(&barrier);
    go_on(0);
    check_over(0, trap);
    pthread_barrier_wait(&barrier);
    CHECK(pthread_join(thread, NULL) == 0);

    make_fiber(0, name, timeout);
    make_fiber(1, "host", UINT64_MAX);
    in_thread(begin_two, 0);
    in_thread(use_guests, 0);
    in_thread(go_on_with_first, 0);
    check_over(0, trap);
    go_on(1);
    check_over(1, WASMAOT_TRAP_NONE);
}

static void threads(void) {
    open_fibers();
    CHECK(pthread_barrier_init(&barrier, NULL, 2) == 0);
    go_elsewhere("host", UINT64_MAX, WASMAOT_TRAP_NONE);
    go_elsewhere("host_forever", 30 * MS, WASMAOT_TRAP_DEADLINE_EXCEEDED);
    go_elsewhere("host_load", UINT64_MAX, WASMAOT_TRAP_MEMORY_OUT_OF_BOUNDS);
    go_elsewhere("host_deep", UINT64_MAX, WASMAOT_TRAP_STACK_OVERFLOW);
    use_guests(NULL);
}

/* Uses as much CPU time on the calling thread. */
static void use_cpu_time(uint64_t nanoseconds) {
    struct timespec used;
    do {
        CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) == 0);
    } while ((uint64_t)used.tv_sec * 1000 * MS + (uint64_t)used.tv_nsec < nanoseconds);
}

static void *go_on_after_work(void *unused) {
    use_cpu_time(700 * MS);
    go_on(0);
    return unused;
}

static void *begin_after_work(void *unused) {
    use_cpu_time(700 * MS);
    go_on(0);
    return unused;
}

/*
 * What a thread has used before a run comes to it is not the run's, and what the run has used before it
 * comes there is.
 */
static void cpu_time(void) {
    open_fibers();
    make_fiber(0, "host", UINT64_MAX);
    fibers[0].cpu_time = 400 * MS;
    in_thread(go_on_with_first, 0);
    in_thread(go_on_after_work, 0);
    check_over(0, WASMAOT_TRAP_NONE);

    make_fiber(0, "host_forever", UINT64_MAX);
    fibers[0].cpu_time = 400 * MS;
    in_thread(begin_after_work, 0);
    in_thread(go_on_with_first, 0);
    check_over(0, WASMAOT_TRAP_CPU_TIME_EXCEEDED);
}

static wasmaot_caller_t *first_caller;

/*
 * The first fiber's host function lends its caller to the second fiber, which waits in a call that it
 * makes.
 */
static int32_t lend_caller(wasmaot_caller_t *caller, int32_t argument) {
    if (argument == 0) {
        first_caller = caller;
    }
    leave_fiber();
    return 0;
}

static void call_by_first(int unused) {
    wasmaot_value_t arg = wasmaot_i32(1), value;
    (void)unused;
    wasmaot_error_delete(wasmaot_caller_call(first_caller, "host", &arg, 1, &value, 1));
    CHECK(!"it does not come back");
}

/* A host function that returns while a call waits that it made would take the stack away from under that. */
static void returns_too_early(void) {
    open_fibers();
    on_call = lend_caller;
    make_fiber(0, "host", UINT64_MAX);
    make_fiber(1, "host", UINT64_MAX);
    makecontext(&fibers[1].context, (void (*)(void))call_by_first, 1, 1);
    go_on(0);
    go_on(1);
    go_on(0);
    CHECK(!"the process ends");
}

int main(int argc, char **argv) {
    static const case_t cases[] = {
        {"deadlines", deadlines},
        {"kills", kills},
        {"ends", ends},
        {"threads", threads},
        {"cpu time", cpu_time},
        {"returns too early", returns_too_early},
    };
    return run_case(argc, argv, cases, COUNT(cases));
}
