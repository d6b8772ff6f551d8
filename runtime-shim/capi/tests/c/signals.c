/*
 * A host with signal handlers of its own: `signals FOLDER CASE`. Says "all is well", unless its case is to
 * die by a signal.
 */
#include "test.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

static const char *folder;

const char *guest_path(const char *name) {
    static char path[4096];
    CHECK((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) < sizeof path);
    return path;
}

/* ---- The guest ---- */

static wasmaot_pool_t *pool;
static wasmaot_linked_t *guest;

static wasmaot_error_t *crash(void *environment, wasmaot_caller_t *caller, const wasmaot_value_t *args,
                              wasmaot_value_t *results) {
    (void)environment;
    (void)caller;
    (void)args;
    (void)results;
    *(volatile int *)8 = 1;
    return NULL;
}

static void open_guest(void) {
    static const wasmaot_type_t types[] = {WASMAOT_I32, WASMAOT_I64, WASMAOT_F32,
                                           WASMAOT_F64, WASMAOT_EXTERNREF, WASMAOT_V128};
    static const wasmaot_type_t reversed[] = {WASMAOT_V128, WASMAOT_EXTERNREF, WASMAOT_F64,
                                              WASMAOT_F32, WASMAOT_I64, WASMAOT_I32};
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_module_t *module = NULL;
    wasmaot_functype_t next, mix;
    next.params = types;
    next.results = types + 1;
    next.params_count = next.results_count = 1;
    mix.params = types;
    mix.results = reversed;
    mix.params_count = mix.results_count = 6;
    OK(wasmaot_linker_func(linker, "host", "next", &next, crash, NULL, NULL));
    OK(wasmaot_linker_func(linker, "host", "mix", &mix, crash, NULL, NULL));
    OK(wasmaot_module_open_trusted(guest_path("guest.so"), &module));
    OK(wasmaot_linker_link(linker, module, &guest));
    OK(wasmaot_pool_new(NULL, &pool));
    wasmaot_linker_delete(linker);
    wasmaot_module_delete(module);
}

static wasmaot_instance_t *start(void) {
    wasmaot_instance_t *instance = NULL;
    OK(wasmaot_pool_start(pool, guest, NULL, &instance));
    return instance;
}

static void traps(const char *name, int32_t first, size_t params, size_t results, wasmaot_trap_t trap) {
    wasmaot_instance_t *instance = start();
    wasmaot_value_t args[2], result;
    wasmaot_error_t *error;
    args[0] = wasmaot_i32(first);
    args[1] = wasmaot_i32(0);
    OK(wasmaot_instance_set_deadline(instance, trap == WASMAOT_TRAP_DEADLINE_EXCEEDED ? 3000000 : UINT64_MAX));
    error = wasmaot_instance_call(instance, name, args, params, &result, results);
    if (wasmaot_error_trap(error) != trap) {
        fprintf(stderr, "%s: %s\n", name, error == NULL ? "no trap" : wasmaot_error_message(error));
        exit(1);
    }
    wasmaot_error_delete(error);
    OK(wasmaot_instance_finish(instance, NULL));
}

/* Every signal that the runtime handles. */
static void guests_trap(void) {
    wasmaot_instance_t *instance = start();
    wasmaot_value_t result;
    traps("store", 70000, 2, 0, WASMAOT_TRAP_MEMORY_OUT_OF_BOUNDS);
    traps("deep", 0, 0, 0, WASMAOT_TRAP_STACK_OVERFLOW);
    traps("divide", 1, 2, 1, WASMAOT_TRAP_INTEGER_DIVIDE_BY_ZERO);
    traps("trap", 0, 0, 0, WASMAOT_TRAP_UNREACHABLE);
    traps("forever", 0, 0, 0, WASMAOT_TRAP_DEADLINE_EXCEEDED);
    OK(wasmaot_instance_call(instance, "count", NULL, 0, &result, 1));
    CHECK(result.of.i32 == 1);
    OK(wasmaot_instance_finish(instance, NULL));
}

/* ---- The host's own handler, which opens its own page, and passes on what is not its own ---- */

static const size_t PAGE = 4096;
static char *own_page;
static volatile sig_atomic_t own_faults;
static struct sigaction before[NSIG];

static void open_page(int number, siginfo_t *info, void *context) {
    char *address = (char *)info->si_addr;
    if (number == SIGSEGV && address >= own_page && address < own_page + PAGE) {
        own_faults += 1;
        if (mprotect(own_page, PAGE, PROT_READ | PROT_WRITE) != 0) {
            _exit(3);
        }
        return;
    }
    /* The runtime's has SA_SIGINFO. */
    before[number].sa_sigaction(number, info, context);
}

static void install(int number, void (*handler)(int, siginfo_t *, void *), int flags) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | flags;
    CHECK(sigaction(number, &action, &before[number]) == 0);
}

static void recovers_from_own_faults(int times) {
    int i;
    for (i = 0; i < times; i++) {
        CHECK(mprotect(own_page, PAGE, PROT_NONE) == 0);
        own_faults = 0;
        *(volatile char *)own_page = 1;
        CHECK(own_faults == 1);
        guests_trap();
    }
}

static void map_own_page(void) {
    own_page = (char *)mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(own_page != (char *)MAP_FAILED);
}

static void chain_after(int flags) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGURG};
    size_t i;
    map_own_page();
    open_guest();
    guests_trap();
    for (i = 0; i < COUNT(numbers); i++) {
        install(numbers[i], open_page, SA_ONSTACK | flags);
    }
    recovers_from_own_faults(3);
}

/* ---- Handlers that leave by a jump ---- */

static sigjmp_buf out;

static void jump(int number) {
    siglongjmp(out, number);
}

/*
 * The signal mask is not restored by the jump, so the handler has to have run with that of the interrupted
 * code.
 */
static void jump_out_of(int number, void (*fault)(void)) {
    sigset_t mask;
    int landed = sigsetjmp(out, 0);
    if (landed == 0) {
        fault();
        CHECK(!"the fault is one");
    }
    CHECK(landed == number);
    CHECK(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
    CHECK(sigismember(&mask, number) == 0 && sigismember(&mask, SIGURG) == 0 && sigismember(&mask, SIGUSR1) == 1);
    guests_trap();
}

static void segv(void) {
    *(volatile int *)8 = 1;
}

static void fpe(void) {
    /* Compilers turn the quotient of a constant one into a comparison. */
    volatile int dividend = 7, zero = 0;
    dividend = dividend / zero;
}

static void ill(void) {
    __asm__ volatile("ud2");
}

static void bus(void) {
    char name[] = "/tmp/wasmaot-signals-XXXXXX";
    int file = mkstemp(name);
    char *page;
    CHECK(file >= 0 && unlink(name) == 0);
    page = (char *)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
    CHECK(page != (char *)MAP_FAILED && close(file) == 0);
    (void)*(volatile char *)page;
}

static void handlers_before_jump(void) {
    static const int numbers[] = {SIGSEGV, SIGFPE, SIGILL, SIGBUS};
    static void (*const faults[])(void) = {segv, fpe, ill, bus};
    struct sigaction action;
    sigset_t usr1;
    size_t i;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = jump;
    action.sa_flags = SA_NODEFER;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, &usr1, NULL) == 0);
    for (i = 0; i < COUNT(numbers); i++) {
        CHECK(sigaction(numbers[i], &action, NULL) == 0);
    }
    open_guest();
    guests_trap();
    for (i = 0; i < 3 * COUNT(numbers); i++) {
        jump_out_of(numbers[i % COUNT(numbers)], faults[i % COUNT(numbers)]);
    }
}

/* ---- A handler that is to be called once ---- */

static void once(int number) {
    static volatile sig_atomic_t calls;
    (void)number;
    calls += 1;
    if (calls > 1) {
        _exit(3);
    }
}

static void crash_with_handler_once(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = once;
    action.sa_flags = (int)SA_RESETHAND;
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    open_guest();
    guests_trap();
    segv();
}

/* ---- Handlers that pass nothing on ---- */

static void keep(int number) {
    (void)number;
    _exit(3);
}

static void replace_segv(int blocked) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, blocked);
    action.sa_handler = keep;
    action.sa_flags = SA_ONSTACK;
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
}

static void same_handlers_again(void) {
    int i;
    open_guest();
    for (i = 0; i < 30; i++) {
        replace_segv(i % 2 == 0 ? SIGUSR1 : SIGUSR2);
        OK(wasmaot_prepare_thread());
        guests_trap();
    }
}

static void too_many_handlers(void) {
    wasmaot_error_t *error = NULL;
    wasmaot_module_t *module = NULL;
    wasmaot_pool_t *other = NULL;
    int i;
    open_guest();
    for (i = 0; error == NULL; i++) {
        CHECK(i < 20);
        replace_segv(SIGRTMIN + i);
        error = wasmaot_prepare_thread();
    }
    CHECK(i == 8);
    CHECK(strstr(wasmaot_error_message(error), "more handlers of faults") != NULL);
    wasmaot_error_delete(error);
    FAILS(wasmaot_module_open_trusted(guest_path("guest.so"), &module), WASMAOT_ERROR_OPEN, "more handlers of faults");
    FAILS(wasmaot_pool_new(NULL, &other), WASMAOT_ERROR_SYSTEM, "more handlers of faults");
    CHECK(signal(SIGSEGV, SIG_DFL) != SIG_ERR);
    OK(wasmaot_prepare_thread());
    guests_trap();
}

static void *run_for_an_hour(void *instance) {
    OK(wasmaot_instance_call((wasmaot_instance_t *)instance, "forever", NULL, 0, NULL, 0));
    return NULL;
}

static void checked_during_long_runs(void) {
    struct sigaction current;
    wasmaot_instance_t *instance;
    pthread_t thread;
    int i;
    open_guest();
    instance = start();
    OK(wasmaot_instance_set_deadline(instance, (uint64_t)3600 * 1000000000));
    CHECK(pthread_create(&thread, NULL, run_for_an_hour, instance) == 0);
    /* By then nothing is new to the watchdog. */
    sleep(2);
    replace_segv(SIGUSR1);
    for (i = 0; i < 6000; i++) {
        CHECK(sigaction(SIGSEGV, NULL, &current) == 0);
        if (current.sa_handler != keep) {
            guests_trap();
            return;
        }
        usleep(10000);
    }
    CHECK(!"the handlers are checked");
}

/* ---- A handler on the stack of a guest ---- */

static volatile sig_atomic_t ticks;

static void tick(int number) {
    volatile char room[24 << 10];
    size_t i;
    (void)number;
    for (i = 0; i < sizeof room; i += 1024) {
        room[i] = 1;
    }
    ticks += 1;
}

static void handlers_on_guests_stacks(void) {
    static const struct itimerval every = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    wasmaot_pool_config_t config;
    struct sigaction action;
    int i;
    open_guest();
    memset(&config, 0, sizeof config);
    config.slots = 2;
    config.stack = 64 << 10;
    OK(wasmaot_pool_new(&config, &pool));
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = tick;
    action.sa_flags = SA_RESTART;
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &every, NULL) == 0);
    for (i = 0; i < 100; i++) {
        wasmaot_instance_t *instance = start();
        wasmaot_error_t *error = wasmaot_instance_call(instance, "walk", NULL, 0, NULL, 0);
        CHECK(wasmaot_error_trap(error) == WASMAOT_TRAP_STACK_OVERFLOW);
        wasmaot_error_delete(error);
        OK(wasmaot_instance_finish(instance, NULL));
    }
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    CHECK(ticks > 0);
    guests_trap();
}

/* ---- Cases ---- */

static void set_default(int number) {
    signal(number, SIG_DFL);
}

int main(int argc, char **argv) {
    static const struct rlimit no_core = {0, 0};
    const char *name;
    CHECK(argc == 3);
    folder = argv[1];
    name = argv[2];
    CHECK(setrlimit(RLIMIT_CORE, &no_core) == 0);
    /* Whatever hangs fails. */
    alarm(600);
    set_default(SIGSEGV);
    if (strcmp(name, "handlers before jump") == 0) {
        handlers_before_jump();
    } else if (strcmp(name, "chain after") == 0) {
        chain_after(0);
    } else if (strcmp(name, "chain after, nodefer") == 0) {
        chain_after(SA_NODEFER | SA_RESTART);
    } else if (strcmp(name, "crash with a chain after") == 0) {
        chain_after(0);
        segv();
    } else if (strcmp(name, "crash with a handler once") == 0) {
        crash_with_handler_once();
    } else if (strcmp(name, "same handlers again") == 0) {
        same_handlers_again();
    } else if (strcmp(name, "too many handlers") == 0) {
        too_many_handlers();
    } else if (strcmp(name, "checked during long runs") == 0) {
        checked_during_long_runs();
    } else if (strcmp(name, "handlers on guests' stacks") == 0) {
        handlers_on_guests_stacks();
    } else if (strcmp(name, "crash in a host function") == 0) {
        wasmaot_value_t arg = wasmaot_i32(1), result;
        chain_after(0);
        OK(wasmaot_instance_call(start(), "next", &arg, 1, &result, 1));
    } else if (strcmp(name, "sent with a chain after") == 0) {
        chain_after(0);
        CHECK(kill(getpid(), SIGSEGV) == 0);
        pause();
    } else {
        CHECK(!"there is such a case");
    }
    puts("all is well");
    return 0;
}
