/* Calls that a host function suspends, and what is done with them. */
#include "test.h"

#include <pthread.h>

static int32_t asked;

/* Suspends its caller with what it was asked for; a negative number is answered at once. */
static wasmaot_error_t *fetch(void *environment, wasmaot_caller_t *caller, const wasmaot_value_t *args,
                              wasmaot_value_t *results) {
    (void)environment;
    (void)caller;
    asked = args[0].of.i32;
    results[0].of.i32 = 100;
    return asked < 0 ? NULL : wasmaot_error_new_suspend(&asked);
}

typedef struct {
    wasmaot_pool_t *pool;
    wasmaot_linked_t *linked;
    wasmaot_func_t *sum, *one;
} guest_t;

static guest_t opened_guest(void) {
    static const wasmaot_type_t i32 = WASMAOT_I32;
    guest_t guest = {NULL, NULL, NULL, NULL};
    wasmaot_module_t *module = opened("waits.so");
    wasmaot_linker_t *linker = wasmaot_linker_new();
    wasmaot_functype_t type;
    type.params = type.results = &i32;
    type.params_count = type.results_count = 1;
    guest.pool = pool_of(2);
    OK(wasmaot_linker_func(linker, "host", "fetch", &type, fetch, NULL, NULL));
    OK(wasmaot_linker_link(linker, module, &guest.linked));
    OK(wasmaot_linked_func(guest.linked, "sum", &guest.sum));
    OK(wasmaot_linked_func(guest.linked, "one", &guest.one));
    wasmaot_linker_delete(linker);
    wasmaot_module_delete(module);
    return guest;
}

/* A call of "sum" that waits for the first number. */
static wasmaot_suspended_t *waiting(const guest_t *guest, wasmaot_instance_t *instance) {
    wasmaot_value_t arg = wasmaot_i32(7), result = wasmaot_i32(-1);
    wasmaot_suspended_t *call = NULL;
    OK(wasmaot_func_call_resumable(guest->sum, instance, &arg, 1, &result, 1, &call));
    CHECK(call != NULL && wasmaot_suspended_is_waiting(call) && result.of.i32 == -1);
    CHECK(wasmaot_suspended_value(call) == &asked && asked == 7);
    return call;
}

typedef struct {
    wasmaot_suspended_t *call;
    wasmaot_instance_t *instance;
} resumed_t;

static void *resume_once(void *pointer) {
    resumed_t *resumed = (resumed_t *)pointer;
    wasmaot_value_t value = wasmaot_i32(30), result = wasmaot_i32(-1);
    OK(wasmaot_suspended_resume(resumed->call, resumed->instance, &value, 1, &result, 1));
    CHECK(result.of.i32 == -1);
    return NULL;
}

static void calls_go_on_on_any_thread(const guest_t *guest) {
    wasmaot_instance_t *instance = started(guest->pool, guest->linked, NULL);
    wasmaot_value_t value = wasmaot_i32(10), result;
    resumed_t resumed;
    pthread_t thread;
    int32_t sent = 2;
    resumed.call = waiting(guest, instance);
    resumed.instance = instance;
    CHECK(pthread_create(&thread, NULL, resume_once, &resumed) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(wasmaot_suspended_is_waiting(resumed.call) && asked == 8);
    OK(wasmaot_instance_write(instance, 16, &sent, sizeof sent));
    OK(wasmaot_suspended_resume(resumed.call, instance, &value, 1, &result, 1));
    CHECK(result.of.i32 == 42 && !wasmaot_suspended_is_waiting(resumed.call));
    CHECK(wasmaot_suspended_value(resumed.call) == NULL);
    FAILS(wasmaot_suspended_resume(resumed.call, instance, &value, 1, &result, 1), WASMAOT_ERROR_USAGE, "does not wait");
    wasmaot_suspended_delete(resumed.call);
    OK(wasmaot_instance_finish(instance, NULL));
}

static void calls_that_do_not_wait_are_over(const guest_t *guest) {
    wasmaot_instance_t *instance = started(guest->pool, guest->linked, NULL);
    wasmaot_value_t arg = wasmaot_i32(-10), result;
    wasmaot_suspended_t *call = (wasmaot_suspended_t *)&asked;
    OK(wasmaot_func_call_resumable(guest->sum, instance, &arg, 1, &result, 1, &call));
    CHECK(call == NULL && result.of.i32 == 200);
    FAILS(wasmaot_func_call_resumable(guest->sum, instance, NULL, 0, &result, 1, &call), WASMAOT_ERROR_USAGE, "argument");
    arg.of.i32 = 7;
    FAILS(wasmaot_func_call(guest->sum, instance, &arg, 1, &result, 1), WASMAOT_ERROR_USAGE, "suspend");
    OK(wasmaot_instance_finish(instance, NULL));
}

static void calls_are_given_up(const guest_t *guest) {
    wasmaot_instance_t *instance = started(guest->pool, guest->linked, NULL);
    wasmaot_suspended_t *call = waiting(guest, instance);
    wasmaot_value_t result;
    FAILS(wasmaot_func_call(guest->one, instance, NULL, 0, &result, 1), WASMAOT_ERROR_USAGE, "suspended");
    OK(wasmaot_suspended_abandon(call, instance));
    CHECK(!wasmaot_suspended_is_waiting(call));
    FAILS(wasmaot_suspended_abandon(call, instance), WASMAOT_ERROR_USAGE, "does not wait");
    wasmaot_suspended_delete(call);
    OK(wasmaot_func_call(guest->one, instance, NULL, 0, &result, 1));
    CHECK(result.of.i32 == 1);
    wasmaot_suspended_delete(waiting(guest, instance));
    FAILS(wasmaot_func_call(guest->one, instance, NULL, 0, &result, 1), WASMAOT_ERROR_USAGE, "suspended");
    OK(wasmaot_instance_finish(instance, NULL));
    wasmaot_suspended_delete(NULL);
}

static void calls_fail(const guest_t *guest) {
    wasmaot_instance_t *instance = started(guest->pool, guest->linked, NULL);
    wasmaot_suspended_t *call = waiting(guest, instance);
    FAILS(wasmaot_suspended_fail(call, instance, NULL), WASMAOT_ERROR_USAGE, "`error` is NULL");
    FAILS(wasmaot_suspended_fail(call, instance, wasmaot_error_new("no such number")), WASMAOT_ERROR_HOST, "no such");
    CHECK(!wasmaot_suspended_is_waiting(call));
    wasmaot_suspended_delete(call);
    OK(wasmaot_instance_finish(instance, NULL));
}

static void calls_stay_in_their_instance(const guest_t *guest) {
    wasmaot_instance_t *instance = started(guest->pool, guest->linked, NULL);
    wasmaot_instance_t *other = started(guest->pool, guest->linked, NULL);
    wasmaot_suspended_t *call = waiting(guest, instance);
    wasmaot_value_t value = wasmaot_i32(1), wide = wasmaot_i64(1), result;
    FAILS(wasmaot_suspended_resume(call, other, &value, 1, &result, 1), WASMAOT_ERROR_USAGE, "another instance");
    FAILS(wasmaot_suspended_abandon(call, other), WASMAOT_ERROR_USAGE, "another instance");
    FAILS(wasmaot_suspended_fail(call, other, wasmaot_error_new("lost")), WASMAOT_ERROR_USAGE, "another instance");
    CHECK(wasmaot_suspended_is_waiting(call));
    FAILS(wasmaot_suspended_resume(call, instance, &wide, 1, &result, 1), WASMAOT_ERROR_USAGE, "i32");
    CHECK(!wasmaot_suspended_is_waiting(call) && !wasmaot_suspended_is_waiting(NULL));
    wasmaot_suspended_delete(call);
    OK(wasmaot_instance_finish(instance, NULL));
    OK(wasmaot_instance_finish(other, NULL));
}

void test_suspended(void) {
    guest_t guest = opened_guest();
    calls_go_on_on_any_thread(&guest);
    calls_that_do_not_wait_are_over(&guest);
    calls_are_given_up(&guest);
    calls_fail(&guest);
    calls_stay_in_their_instance(&guest);
    wasmaot_func_delete(guest.sum);
    wasmaot_func_delete(guest.one);
    wasmaot_linked_delete(guest.linked);
    wasmaot_pool_delete(guest.pool);
}
