/* Hosts that block signals, take alternate stacks away, and handle the signals that the runtime uses. */
#define _GNU_SOURCE
#include "hosts.h"

#include <dirent.h>
#include <sched.h>
#include <sys/prctl.h>

static void block_all(void) {
    sigset_t all;
    sigfillset(&all);
    CHECK(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0);
}

static void take_stack_away(void) {
    stack_t none;
    memset(&none, 0, sizeof none);
    none.ss_flags = SS_DISABLE;
    CHECK(sigaltstack(&none, NULL) == 0);
}

/* ---- Masks and alternate stacks ---- */

static void *trap_blocked(void *unused) {
    block_all();
    guests_trap();
    return unused;
}

static void threads_that_block(void) {
    open_guest();
    in_thread(trap_blocked, 0);
    guests_trap();
}

static void guests_only(void) {
    open_guest();
    guests_trap();
}

static void inherited_masks(void) {
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    CHECK(length > 0);
    program[length] = 0;
    block_all();
    execl(program, program, folder, "guests only", (char *)NULL);
    CHECK(!"it starts");
}

static void change_everything(void) {
    block_all();
    take_stack_away();
}

static void changed_and_prepared(void) {
    int i;
    open_guest();
    for (i = 0; i < 3; i++) {
        guests_trap();
        change_everything();
        OK(wasmaot_prepare_thread());
        guests_trap();
    }
}

static int32_t change_in_host(wasmaot_caller_t *caller, int32_t argument) {
    (void)caller;
    (void)argument;
    change_everything();
    return 0;
}

/* The nested call is to an instance that traps, too. */
static int32_t change_and_nest(wasmaot_caller_t *caller, int32_t argument) {
    wasmaot_value_t arg = wasmaot_i32(-4), result;
    wasmaot_error_t *error;
    change_in_host(caller, argument);
    error = wasmaot_caller_call(caller, "load", &arg, 1, &result, 1);
    CHECK(wasmaot_error_trap(error) == WASMAOT_TRAP_MEMORY_OUT_OF_BOUNDS);
    wasmaot_error_delete(error);
    return change_in_host(caller, argument);
}

static void *change_all_the_time(void *unused) {
    int i;
    for (i = 0; i < 3; i++) {
        change_everything();
        CHECK(call("load", -4, 0, UINT64_MAX, NULL) == WASMAOT_TRAP_MEMORY_OUT_OF_BOUNDS);
        change_everything();
        CHECK(call("near", 10000000, 0, UINT64_MAX, NULL) == WASMAOT_TRAP_STACK_OVERFLOW);
        change_everything();
        CHECK(call("divide", 0, 0, UINT64_MAX, NULL) == WASMAOT_TRAP_INTEGER_DIVIDE_BY_ZERO);
        change_everything();
        CHECK(call("forever", 0, 0, 3 * MS, NULL) == WASMAOT_TRAP_DEADLINE_EXCEEDED);
        CHECK(call("host_load", 0, 0, UINT64_MAX, NULL) == WASMAOT_TRAP_MEMORY_OUT_OF_BOUNDS);
        CHECK(call("host_deep", 0, 0, UINT64_MAX, NULL) == WASMAOT_TRAP_STACK_OVERFLOW);
        CHECK(call("host_forever", 0, 0, 3 * MS, NULL) == WASMAOT_TRAP_DEADLINE_EXCEEDED);
    }
    return unused;
}

static void changed_and_checked(void) {
    open_checked_guest();
    on_call = change_in_host;
    change_all_the_time(NULL);
    in_thread(change_all_the_time, 0);
    on_call = change_and_nest;
    change_all_the_time(NULL);
}

/* The host's accessors meet pages that have to be opened, on a thread that has never called a guest. */
static void *write_blocked(void *instance) {
    uint64_t at;
    block_all();
    for (at = 0; at < 65536; at += 4096) {
        OK(wasmaot_instance_write((wasmaot_instance_t *)instance, at, "x", 1));
    }
    OK(wasmaot_instance_finish((wasmaot_instance_t *)instance, NULL));
    return NULL;
}

static void accessors_on_other_threads(void) {
    int i;
    open_guest();
    for (i = 0; i < 3; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, write_blocked, start()) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
}

/* ---- The interrupt signal ---- */

static volatile sig_atomic_t urgent;

static void count_urgent(int number) {
    (void)number;
    urgent += 1;
}

static int ends[2];
static volatile pid_t reader;
static volatile int interrupted;

static void *send_urgent(void *unused) {
    int i;
    for (i = 0; i < 50; i++) {
        usleep(1000);
        syscall(SYS_tgkill, getpid(), reader, SIGURG);
    }
    usleep(5000);
    CHECK(write(ends[1], "x", 1) == 1);
    return unused;
}

static void *read_a_byte(void *unused) {
    char byte;
    reader = (pid_t)syscall(SYS_gettid);
    while (read(ends[0], &byte, 1) != 1) {
        CHECK(errno == EINTR);
        interrupted += 1;
    }
    return unused;
}

/* How often a read fails with EINTR while the thread is sent SIGURG. */
static int interruptions(void) {
    pthread_t reading, sending;
    interrupted = 0;
    reader = 0;
    CHECK(pthread_create(&reading, NULL, read_a_byte, NULL) == 0);
    while (reader == 0) {
        usleep(100);
    }
    CHECK(pthread_create(&sending, NULL, send_urgent, NULL) == 0);
    CHECK(pthread_join(reading, NULL) == 0 && pthread_join(sending, NULL) == 0);
    return interrupted;
}

static void others_are_not_interrupted(void) {
    CHECK(pipe(ends) == 0);
    handle(SIGURG, count_urgent, SA_ONSTACK | SA_RESTART);
    CHECK(interruptions() == 0 && urgent > 0);
    open_guest();
    CHECK(wasmaot_interrupt_signal() != SIGURG);
    guests_trap();
    urgent = 0;
    CHECK(interruptions() == 0 && urgent > 0);
    guests_trap();
}

static void others_are_not_interrupted_by_default(void) {
    CHECK(pipe(ends) == 0);
    CHECK(interruptions() == 0);
    open_guest();
    CHECK(wasmaot_interrupt_signal() == SIGURG);
    guests_trap();
    CHECK(interruptions() == 0);
}

/*
 * Waits for a byte that never comes, in calls that the kernel restarts after a signal unless it is told
 * not to.
 */
static int32_t wait_in_read(wasmaot_caller_t *caller, int32_t argument) {
    char byte;
    (void)caller;
    (void)argument;
    CHECK(read(ends[0], &byte, 1) == -1 && errno == EINTR);
    /* And every later one, too. */
    CHECK(read(ends[0], &byte, 1) == -1 && errno == EINTR);
    return 0;
}

static int32_t wait_for_child(wasmaot_caller_t *caller, int32_t child) {
    (void)caller;
    CHECK(waitpid((pid_t)child, NULL, 0) == -1 && errno == EINTR);
    return 0;
}

static void waits_end(void) {
    pid_t child;
    CHECK(pipe(ends) == 0);
    on_call = wait_in_read;
    CHECK(call("host", 0, 0, 20 * MS, NULL) == WASMAOT_TRAP_DEADLINE_EXCEEDED);
    on_call = wait_for_child;
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        for (;;) {
            pause();
        }
    }
    CHECK(call("host", (int32_t)child, 0, 20 * MS, NULL) == WASMAOT_TRAP_DEADLINE_EXCEEDED);
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
    on_call = NULL;
    guests_trap();
}

static void waits_end_by_urgent(void) {
    open_guest();
    CHECK(wasmaot_interrupt_signal() == SIGURG);
    waits_end();
}

static void waits_end_by_real_time(void) {
    handle(SIGURG, count_urgent, SA_RESTART);
    open_guest();
    CHECK(wasmaot_interrupt_signal() >= SIGRTMIN);
    waits_end();
}

static void taken_signals_are_replaced(void) {
    int i, before = 0;
    open_guest();
    guests_trap();
    signal(SIGURG, SIG_IGN);
    guests_trap();
    signal(SIGURG, SIG_DFL);
    guests_trap();
    CHECK(wasmaot_interrupt_signal() == SIGURG);
    for (i = 0; i < 5; i++) {
        CHECK(wasmaot_interrupt_signal() != before);
        before = wasmaot_interrupt_signal();
        handle(before, count_urgent, SA_RESTART);
        guests_trap();
        CHECK(urgent == 0);
    }
    /* The default action of a real-time signal ends the process. */
    before = wasmaot_interrupt_signal();
    CHECK(before >= SIGRTMIN);
    signal(before, SIG_DFL);
    guests_trap();
}

static void *trap_in_thread(void *unused) {
    guests_trap();
    return unused;
}

static void chosen_signals(void) {
    OK(wasmaot_set_interrupt_signal(SIGUSR2));
    block_all();
    open_guest();
    CHECK(wasmaot_interrupt_signal() == SIGUSR2);
    guests_trap();
    OK(wasmaot_set_interrupt_signal(SIGRTMIN + 3));
    guests_trap();
    in_thread(trap_in_thread, 0);
    handle(SIGUSR1, count_urgent, 0);
    FAILS(wasmaot_set_interrupt_signal(SIGUSR1), WASMAOT_ERROR_USAGE, "signal 10 cannot be used");
    FAILS(wasmaot_set_interrupt_signal(SIGSEGV), WASMAOT_ERROR_USAGE, "signal 11 cannot be used");
    FAILS(wasmaot_set_interrupt_signal(SIGKILL), WASMAOT_ERROR_USAGE, "signal 9 cannot be used");
    FAILS(wasmaot_set_interrupt_signal(0), WASMAOT_ERROR_USAGE, "signal 0 cannot be used");
    FAILS(wasmaot_set_interrupt_signal(1000), WASMAOT_ERROR_USAGE, "signal 1000 cannot be used");
    CHECK(wasmaot_interrupt_signal() == SIGRTMIN + 3);
    guests_trap();
}

/* A poke that waits is not sent again, as real-time signals are queued. */
static int32_t wait_blocked(wasmaot_caller_t *caller, int32_t argument) {
    sigset_t all, waiting;
    struct timespec no_time = {0, 0};
    int i, queued = 0;
    (void)caller;
    (void)argument;
    sigfillset(&all);
    CHECK(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0);
    for (i = 0; i < 50; i++) {
        usleep(1000);
    }
    sigemptyset(&waiting);
    sigaddset(&waiting, wasmaot_interrupt_signal());
    while (sigtimedwait(&waiting, NULL, &no_time) > 0) {
        queued += 1;
    }
    CHECK(queued == 1);
    return 0;
}

static void one_poke_is_queued(void) {
    handle(SIGURG, count_urgent, SA_RESTART);
    open_checked_guest();
    on_call = wait_blocked;
    CHECK(call("host", 0, 0, 1 * MS, NULL) == WASMAOT_TRAP_DEADLINE_EXCEEDED);
}

/* The kernel drops what is queued when the signal is ignored. */
static int32_t drop_queued(wasmaot_caller_t *caller, int32_t argument) {
    int number = wasmaot_interrupt_signal();
    struct sigaction before;
    sigset_t all, old, waiting;
    (void)caller;
    (void)argument;
    sigfillset(&all);
    CHECK(pthread_sigmask(SIG_SETMASK, &all, &old) == 0);
    do {
        usleep(1000);
        CHECK(sigpending(&waiting) == 0);
    } while (sigismember(&waiting, number) == 0);
    CHECK(sigaction(number, NULL, &before) == 0);
    signal(number, SIG_IGN);
    CHECK(sigaction(number, &before, NULL) == 0);
    CHECK(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
    return 0;
}

static void dropped_pokes_are_sent_again(void) {
    handle(SIGURG, count_urgent, SA_RESTART);
    open_guest();
    on_call = drop_queued;
    CHECK(call("host", 0, 0, 1 * MS, NULL) == WASMAOT_TRAP_DEADLINE_EXCEEDED);
    CHECK(call("forever", 0, 0, 1 * MS, NULL) == WASMAOT_TRAP_DEADLINE_EXCEEDED);
}

/* ---- The thread that enforces deadlines ---- */

/* The thread of this process with this name. */
static pid_t named(const char *name) {
    DIR *threads = opendir("/proc/self/task");
    struct dirent *thread;
    pid_t found = 0;
    CHECK(threads != NULL);
    while ((thread = readdir(threads)) != NULL) {
        char path[300], line[64] = "";
        FILE *file;
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", thread->d_name);
        file = fopen(path, "r");
        if (file != NULL) {
            if (fgets(line, sizeof line, file) != NULL && strncmp(line, name, strlen(name)) == 0) {
                found = (pid_t)atoi(thread->d_name);
            }
            fclose(file);
        }
    }
    closedir(threads);
    CHECK(found != 0);
    return found;
}

static void *trap_as_batch(void *unused) {
    struct sched_param parameters;
    cpu_set_t all, one;
    int processor = 0;
    memset(&parameters, 0, sizeof parameters);
    CHECK(pthread_setschedparam(pthread_self(), SCHED_BATCH, &parameters) == 0);
    CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
    while (!CPU_ISSET(processor, &all)) {
        processor += 1;
    }
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
    CHECK(prctl(PR_SET_TIMERSLACK, 1000000000000, 0, 0, 0) == 0);
    CHECK(call("forever", 0, 0, 100 * MS, NULL) == WASMAOT_TRAP_DEADLINE_EXCEEDED);
    return unused;
}

static void watchdog_is_scheduled_as_usual(void) {
    cpu_set_t main_thread, watchdog;
    pid_t id;
    open_guest();
    in_thread(trap_as_batch, 0);
    id = named("wasmaot-watchdo");
    CHECK(sched_getscheduler(id) == SCHED_OTHER);
    CHECK(sched_getaffinity(0, sizeof main_thread, &main_thread) == 0);
    CHECK(sched_getaffinity(id, sizeof watchdog, &watchdog) == 0);
    CHECK(CPU_EQUAL(&main_thread, &watchdog));
}

/* ---- Handlers of faults that replace the runtime's ---- */

static void exit_77(int number) {
    (void)number;
    _exit(77);
}

static void replaced_and_checked(void) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    int round;
    size_t i;
    open_guest();
    guests_trap();
    for (round = 0; round < 3; round++) {
        for (i = 0; i < COUNT(numbers); i++) {
            handle(numbers[i], round == 1 ? SIG_DFL : exit_77, 0);
        }
        OK(wasmaot_prepare_thread());
        guests_trap();
    }
    /* Its own faults are still its own. */
    *(volatile int *)8 = 1;
    CHECK(!"it exits with 77");
}

int main(int argc, char **argv) {
    static const case_t cases[] = {
        {"threads that block", threads_that_block},
        {"guests only", guests_only},
        {"inherited masks", inherited_masks},
        {"changed and prepared", changed_and_prepared},
        {"changed and checked", changed_and_checked},
        {"accessors", accessors_on_other_threads},
        {"others are not interrupted", others_are_not_interrupted},
        {"others are not interrupted by default", others_are_not_interrupted_by_default},
        {"waits end by SIGURG", waits_end_by_urgent},
        {"waits end by a real-time signal", waits_end_by_real_time},
        {"taken signals", taken_signals_are_replaced},
        {"chosen signals", chosen_signals},
        {"one poke is queued", one_poke_is_queued},
        {"dropped pokes", dropped_pokes_are_sent_again},
        {"watchdog", watchdog_is_scheduled_as_usual},
        {"replaced and checked", replaced_and_checked},
    };
    return run_case(argc, argv, cases, COUNT(cases));
}
