/*
 * Hosts whose handlers, threads and fibers meet the end of a stack, and whose floating-point state is not
 * the default.
 */
#include "hosts.h"

#include <fenv.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <xmmintrin.h>

/* ---- Handlers that the kernel starts on the guest's stack ---- */

static volatile sig_atomic_t entered, left;
static size_t handler_bytes;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void use_stack(int number) {
    volatile char *bytes = (volatile char *)__builtin_alloca(handler_bytes);
    size_t i;
    (void)number;
    entered += 1;
    pthread_mutex_lock(&mutex);
    for (i = 1; i <= handler_bytes; i += 512) {
        bytes[handler_bytes - i] = 1;
    }
    pthread_mutex_unlock(&mutex);
    left += 1;
}

/* The handler has run to its end as often as it began. */
static void nothing_is_abandoned(int number) {
    sigset_t mask;
    CHECK(entered == left);
    CHECK(pthread_mutex_trylock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0 && sigismember(&mask, number) == 0);
}

static void tick_every(int microseconds) {
    struct itimerval timer;
    timer.it_interval.tv_sec = timer.it_value.tv_sec = 0;
    timer.it_interval.tv_usec = timer.it_value.tv_usec = microseconds;
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

/*
 * From the end of the stack upwards, by a few hundred bytes a step, with a handler that the runtime has
 * not seen yet.
 */
static void near_the_end(size_t bytes) {
    int32_t end, back;
    open_guest();
    end = deepest();
    handler_bytes = bytes;
    for (back = 0; back < 1200; back += 24) {
        wasmaot_trap_t trap;
        handle(SIGALRM, use_stack, SA_RESTART);
        tick_every(1000);
        trap = call("near", end - back, 8000000, UINT64_MAX, NULL);
        tick_every(0);
        CHECK(trap == WASMAOT_TRAP_NONE || trap == WASMAOT_TRAP_STACK_OVERFLOW);
        nothing_is_abandoned(SIGALRM);
    }
    CHECK(entered > 0);
    CHECK(deepest() == end);
    guests_trap();
}

static void small_handler(void) {
    near_the_end(16);
}

static void large_handler(void) {
    near_the_end(64 << 10);
}

/* Handlers of all kinds, installed before and after: each runs to its end, or the guest traps. */
static void handlers_of_all_kinds(void) {
    static const int numbers[] = {SIGALRM, SIGCHLD, SIGPROF, SIGUSR1, SIGIO};
    int32_t end;
    size_t i;
    handler_bytes = 100 << 10;
    for (i = 0; i < 3; i++) {
        signal(numbers[i], use_stack);
    }
    open_guest();
    for (i = 3; i < COUNT(numbers); i++) {
        signal(numbers[i], use_stack);
    }
    end = deepest();
    for (i = 0; i < COUNT(numbers); i++) {
        int before = entered;
        while (entered == before) {
            struct itimerval timer = {{0, 0}, {0, 3000}};
            pid_t child = 0;
            if (numbers[i] == SIGPROF) {
                CHECK(setitimer(ITIMER_PROF, &timer, NULL) == 0);
            } else if (numbers[i] == SIGCHLD && (child = fork()) == 0) {
                usleep(3000);
                _exit(0);
            } else if (numbers[i] == SIGALRM) {
                tick_every(3000);
            } else {
                CHECK(kill(getpid(), numbers[i]) == 0);
            }
            wasmaot_trap_t trap = call("near", end, 20000000, UINT64_MAX, NULL);
            CHECK(trap == WASMAOT_TRAP_NONE || trap == WASMAOT_TRAP_STACK_OVERFLOW);
            end -= 40;
            if (child != 0) {
                waitpid(child, NULL, 0);
            }
        }
        tick_every(0);
        nothing_is_abandoned(numbers[i]);
    }
}

/* ---- Nested calls on stacks of all kinds ---- */

static int32_t levels;

static int32_t nest(wasmaot_caller_t *caller, int32_t level) {
    wasmaot_value_t value = wasmaot_i32(level + 1), result;
    wasmaot_error_t *error;
    levels = level + 1;
    error = wasmaot_caller_call(caller, "host", &value, 1, &result, 1);
    /* Whatever is above it gets the same error. */
    CHECK(error == NULL || wasmaot_error_trap(error) == WASMAOT_TRAP_STACK_OVERFLOW);
    result.of.i32 = error == NULL ? result.of.i32 : -1;
    wasmaot_error_delete(error);
    return result.of.i32;
}

static void nest_until_full(int32_t least, int32_t most) {
    int32_t result = 0;
    on_call = nest;
    levels = 0;
    CHECK(call("host", 0, 0, UINT64_MAX, &result) == WASMAOT_TRAP_NONE && result == -1);
    if (levels < least || levels > most) {
        fprintf(stderr, "%d levels\n", (int)levels);
        exit(1);
    }
    on_call = NULL;
    guests_trap();
}

static void *nest_in_thread(void *unused) {
    nest_until_full(10, 1000000);
    return unused;
}

static void in_child(void (*body)(void)) {
    int status = 0;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        body();
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void nest_here(void) {
    nest_until_full(10, 1000000);
}

/* No limit of nested calls but the stack. */
static void open_nesting_guest(void) {
    wasmaot_pool_config_t config;
    memset(&config, 0, sizeof config);
    config.nesting = 1000000;
    open_guest_with(&config);
}

static void *fork_and_nest(void *unused) {
    in_child(nest_here);
    return unused;
}

static void nest_everywhere(void) {
    open_nesting_guest();
    in_thread(nest_in_thread, 1 << 20);
    in_thread(fork_and_nest, 1 << 20);
    in_child(nest_here);
}

static void *nest_to_the_default(void *unused) {
    nest_until_full(1000, 1000);
    return unused;
}

static void nest_to_the_limit(void) {
    wasmaot_pool_config_t config;
    memset(&config, 0, sizeof config);
    open_guest();
    in_thread(nest_to_the_default, 128 << 20);
    config.nesting = 7;
    open_guest_with(&config);
    nest_until_full(7, 7);
}

static ucontext_t outside, fiber;

static void run_fiber(void) {
    nest_until_full(4, 1000000);
    swapcontext(&fiber, &outside);
}

static void on_fiber(size_t size, int32_t with_guard) {
    const size_t page = 4096;
    char *stack = (char *)mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stack != (char *)MAP_FAILED);
    CHECK(!with_guard || mprotect(stack, page, PROT_NONE) == 0);
    CHECK(getcontext(&fiber) == 0);
    fiber.uc_stack.ss_sp = stack + page;
    fiber.uc_stack.ss_size = size;
    makecontext(&fiber, run_fiber, 0);
    CHECK(swapcontext(&outside, &fiber) == 0);
    CHECK(munmap(stack, size + page) == 0);
}

static void *fibers(void *unused) {
    on_fiber(1 << 20, 1);
    on_fiber(256 << 10, 1);
    on_fiber(4 << 20, 1);
    return unused;
}

static void nest_on_fibers(void) {
    open_nesting_guest();
    fibers(NULL);
    in_thread(fibers, 0);
    in_child(nest_here);
}

/* ---- Floating point ---- */

static const unsigned TO_ZERO_AND_FLUSHED = _MM_ROUND_TOWARD_ZERO | _MM_FLUSH_ZERO_ON | 0x0040;
static const unsigned CONTROLS = 0xffc0;

static unsigned controls(void) {
    return _mm_getcsr() & CONTROLS;
}

static unsigned short x87_controls(void) {
    unsigned short word;
    __asm__ volatile("fnstcw %0" : "=m"(word));
    return word;
}

static void set_x87_controls(unsigned short word) {
    __asm__ volatile("fldcw %0" : : "m"(word));
}

static unsigned expected_in_host;

static int32_t change_controls(wasmaot_caller_t *caller, int32_t change) {
    (void)caller;
    CHECK(controls() == expected_in_host);
    if (change) {
        _mm_setcsr((_mm_getcsr() & ~CONTROLS) | 0x1f80 | _MM_ROUND_UP | 0x0040);
        set_x87_controls(0x007f);
    }
    return 0;
}

static void floats_are_the_same(unsigned host_controls, unsigned short host_x87) {
    unsigned before = _mm_getcsr();
    int32_t change, result = -1;
    on_call = change_controls;
    for (change = 0; change < 2; change++) {
        _mm_setcsr((before & ~CONTROLS) | host_controls);
        set_x87_controls(host_x87);
        expected_in_host = host_controls;
        CHECK(call("floats", change, 0, UINT64_MAX, &result) == WASMAOT_TRAP_NONE);
        CHECK(result == 0);
        CHECK(controls() == host_controls && x87_controls() == host_x87);
        /* Also when it traps. */
        CHECK(call("divide", 0, 0, UINT64_MAX, NULL) == WASMAOT_TRAP_INTEGER_DIVIDE_BY_ZERO);
        CHECK(call("trap", 0, 0, UINT64_MAX, NULL) == WASMAOT_TRAP_UNREACHABLE);
        CHECK(call("floats, then trap", change, 0, UINT64_MAX, NULL) == WASMAOT_TRAP_UNREACHABLE);
        CHECK(controls() == host_controls && x87_controls() == host_x87);
    }
    _mm_setcsr(before);
}

static void floats(void) {
    open_guest();
    floats_are_the_same(0x1f80, 0x037f);
    floats_are_the_same(0x1f80 | TO_ZERO_AND_FLUSHED, 0x027f);
    /* With the exceptions that divide by zero, which the guest's must not become. */
    floats_are_the_same(0x1f80 & ~(unsigned)0x0200, 0x0f7f);
}

int main(int argc, char **argv) {
    static const case_t cases[] = {
        {"small handler", small_handler},
        {"large handler", large_handler},
        {"all kinds of handlers", handlers_of_all_kinds},
        {"nested calls", nest_everywhere},
        {"limit of nested calls", nest_to_the_limit},
        {"fibers", nest_on_fibers},
        {"floats", floats},
    };
    return run_case(argc, argv, cases, COUNT(cases));
}
