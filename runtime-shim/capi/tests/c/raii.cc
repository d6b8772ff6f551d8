/* The header for C++: what it owns, throws and converts. */
#include "test.h"

#include <fstream>
#include <iterator>
#include <thread>
#include <type_traits>
#include <wasmaot.hpp>

using wasmaot::Caller;
using wasmaot::Error;

static const char *folder;

static wasmaot::Module opened_here(const char *name) {
    return wasmaot::Module::open_trusted((std::string(folder) + "/" + name).c_str());
}

/* Ends the program unless a piece of code throws an error of this kind. */
template <typename F> static Error thrown(wasmaot_error_kind_t kind, F code) {
    try {
        code();
    } catch (const Error &error) {
        if (error.kind() == kind) {
            return error;
        }
        fprintf(stderr, "expected kind %d, found %d: %s\n", static_cast<int>(kind), static_cast<int>(error.kind()),
                error.what());
        exit(1);
    }
    fprintf(stderr, "expected kind %d, and nothing was thrown\n", static_cast<int>(kind));
    exit(1);
}

/* What "next" does with a number of its guest's. */
struct Host {
    std::int64_t calls = 0;
};

static std::int64_t next(Caller caller, std::int32_t number) {
    caller.data<Host>()->calls += 1;
    switch (number) {
    case -1:
        throw std::runtime_error("no such number");
    case -2:
        throw Error::of_exit(7);
    case -3:
        throw Error::of_trap(WASMAOT_TRAP_OUT_OF_MEMORY);
    case -4:
        caller.call("trap");
        return 0;
    case -5:
        throw 5;
    default:
        caller.write(0, "written");
        return number + std::int64_t{caller.call<std::int32_t>("add", 1, 2)} + static_cast<std::int64_t>(caller.read(0, 7).size());
    }
}

static wasmaot::Linked guest() {
    wasmaot::Linker linker;
    linker.func("host", "next", [](Caller caller, std::int32_t number) { return next(caller, number); });
    linker.wasi();
    const wasmaot_type_t types[] = {WASMAOT_I32, WASMAOT_I64, WASMAOT_F32, WASMAOT_F64, WASMAOT_EXTERNREF, WASMAOT_V128};
    const wasmaot_type_t reversed[] = {WASMAOT_V128, WASMAOT_EXTERNREF, WASMAOT_F64, WASMAOT_F32, WASMAOT_I64, WASMAOT_I32};
    const wasmaot_functype_t type = {types, 6, reversed, 6};
    const auto mix = [](void *, wasmaot_caller_t *, const wasmaot_value_t *, wasmaot_value_t *) -> wasmaot_error_t * {
        return nullptr;
    };
    wasmaot::check(wasmaot_linker_func(linker.get(), "host", "mix", &type, mix, nullptr, nullptr));
    return linker.link(opened_here("guest.so"));
}

static void owners_are_moved() {
    static_assert(!std::is_copy_constructible_v<wasmaot::Pool> && std::is_nothrow_move_constructible_v<wasmaot::Pool>);
    static_assert(!std::is_copy_constructible_v<wasmaot::Instance>);
    const auto linked = guest();
    wasmaot_pool_config_t config{};
    config.slots = 1;
    const wasmaot::Pool pool(config);
    auto one = pool.start(linked);
    thrown(WASMAOT_ERROR_EXHAUSTED, [&] { pool.start(linked); });
    auto moved = std::move(one);
    CHECK(moved.call<std::int32_t>("count") == 1);
    const wasmaot_usage_t usage = std::move(moved).finish();
    CHECK(usage.memory == 65536 && usage.host_calls == 0);
    {
        const auto dropped = pool.start(linked);
        CHECK(dropped.call<std::int32_t>("count") == 1);
    }
    pool.prepare(linked, 1);
    CHECK(pool.start(linked).call<std::int32_t>("count") == 1 && pool.stats().made == 1);
}

static void host_functions_throw() {
    const auto linked = guest();
    const auto func = linked.func("next");
    const wasmaot::Pool pool;
    Host host;
    wasmaot_start_t start{};
    start.data = &host;
    const auto instance = pool.start(linked, start);
    CHECK(func.call<std::int64_t>(instance, 32) == 42 && host.calls == 1);
    CHECK(std::string(thrown(WASMAOT_ERROR_HOST, [&] { func.call<std::int64_t>(instance, -1); }).what()) == "no such number");
    CHECK(thrown(WASMAOT_ERROR_EXIT, [&] { func.call<std::int64_t>(instance, -2); }).exit_status() == 7);
    CHECK(thrown(WASMAOT_ERROR_TRAP, [&] { func.call<std::int64_t>(instance, -3); }).trap() == WASMAOT_TRAP_OUT_OF_MEMORY);
    const auto nested = thrown(WASMAOT_ERROR_TRAP, [&] { func.call<std::int64_t>(instance, -4); });
    CHECK(nested.trap() == WASMAOT_TRAP_UNREACHABLE && nested.frames().second > 0);
    thrown(WASMAOT_ERROR_HOST, [&] { func.call<std::int64_t>(instance, -5); });
    thrown(WASMAOT_ERROR_USAGE, [&] { func.call<std::int64_t>(instance, 1, 2); });
    thrown(WASMAOT_ERROR_USAGE, [&] { func.call<std::int32_t>(instance, std::int64_t{1}); });
}

static void memory_globals_and_tables() {
    wasmaot::Linker linker;
    linker.func("host", "visit", [](Caller caller, wasmaot_funcref_t func) {
        caller.set_global("count", wasmaot_i32(caller.call_ref<std::int32_t>(func)));
        return func;
    });
    const auto linked = linker.link(opened_here("exports.so"));
    const wasmaot::Pool pool;
    const auto instance = pool.start(linked);
    instance.write(100, "abcd");
    const auto bytes = instance.memory(100, 4, true);
    CHECK(bytes.size == 4 && std::memcmp(bytes.data, "abcd", 4) == 0);
    bytes.data[0] = 'A';
    CHECK(instance.read(100, 4) == "Abcd" && instance.memory_size() == 65536);
    CHECK(instance.grow(1) == 1 && !instance.grow(9).has_value());
    thrown(WASMAOT_ERROR_ACCESS, [&] { instance.read(1 << 20, 1); });
    CHECK(instance.global("pi").of.f64 == 3.25);
    const auto two = instance.element("table", 1);
    CHECK(instance.call_ref<std::int32_t>(two.of.funcref) == 2);
    const auto same = instance.call<wasmaot_funcref_t>("visit", two.of.funcref);
    CHECK(same.index == two.of.funcref.index && instance.global("count").of.i32 == 2);
    instance.set_element("table", 2, two);
    CHECK(instance.call<std::int32_t>("at", 2) == 2 && instance.table_size("table") == 3);
    CHECK(instance.grow_table("table", 1, two) == 3 && !instance.grow_table("table", 1, two).has_value());
    instance.set_global("count", wasmaot_i32(5));
    CHECK(instance.global("count").of.i32 == 5);
}

static void instances_are_stopped() {
    const auto linked = guest();
    const wasmaot::Pool pool;
    const auto instance = pool.start(linked);
    instance.set_deadline(std::chrono::milliseconds(5));
    CHECK(thrown(WASMAOT_ERROR_TRAP, [&] { instance.call("forever"); }).trap() == WASMAOT_TRAP_DEADLINE_EXCEEDED);
    const auto other = pool.start(linked);
    other.set_cpu_time(std::chrono::milliseconds(5));
    CHECK(thrown(WASMAOT_ERROR_TRAP, [&] { other.call("forever"); }).trap() == WASMAOT_TRAP_CPU_TIME_EXCEEDED);
    const auto third = pool.start(linked);
    const auto interrupt = third.interrupt();
    std::thread killer([&] { interrupt.kill(); });
    CHECK(thrown(WASMAOT_ERROR_TRAP, [&] { third.call("forever"); }).trap() == WASMAOT_TRAP_KILLED);
    killer.join();
    CHECK(!third.operators().has_value());
    thrown(WASMAOT_ERROR_USAGE, [&] { third.set_fuel(1); });
}

static void meters_count() {
    const auto linked = wasmaot::Linker().link(opened_here("metered.so"));
    const wasmaot::Pool pool;
    wasmaot_start_t start{};
    start.limits.fuel = 100;
    const auto instance = pool.start(linked, start);
    CHECK(instance.call<std::int32_t>("rounds", 10) == 0 && instance.operators() == 51);
    CHECK(thrown(WASMAOT_ERROR_TRAP, [&] { instance.call("rounds", 100); }).trap() == WASMAOT_TRAP_OUT_OF_FUEL);
}

static void calls_are_suspended() {
    wasmaot::Linker linker;
    linker.func("host", "fetch", [](Caller, std::int32_t number) -> std::int32_t {
        static std::int32_t asked;
        asked = number;
        if (number >= 0) {
            throw wasmaot::Suspend{&asked};
        }
        return 100;
    });
    const auto linked = linker.link(opened_here("waits.so"));
    const auto sum = linked.func("sum");
    const wasmaot::Pool pool;
    const auto instance = pool.start(linked);
    auto call = sum.call_resumable<std::int32_t>(instance, 7);
    CHECK(call.is_waiting() && *static_cast<std::int32_t *>(call.value()) == 7);
    call.resume(instance, 30);
    CHECK(call.is_waiting() && *static_cast<std::int32_t *>(call.value()) == 8);
    call.resume(instance, 12);
    CHECK(!call.is_waiting() && call.value() == nullptr && call.result() == 42);
    const auto over = sum.call_resumable<std::int32_t>(instance, -10);
    CHECK(!over.is_waiting() && over.result() == 200);
    auto failing = sum.call_resumable<std::int32_t>(instance, 1);
    CHECK(std::string(thrown(WASMAOT_ERROR_HOST, [&] { failing.fail(instance, "lost"); }).what()) == "lost");
    auto left = sum.call_resumable<std::int32_t>(instance, 1);
    left.abandon(instance);
    CHECK(instance.call<std::int32_t>("one") == 1);
    thrown(WASMAOT_ERROR_USAGE, [&] { sum.call<std::int32_t>(instance, 1); });
}

static void instances_import_from_each_other() {
    const wasmaot::Store store;
    wasmaot::Linker linker;
    const auto defines = linker.instantiate(store, opened_here("defines.so"));
    linker.instance("defines", defines);
    const auto uses = linker.instantiate(store, opened_here("uses.so"));
    CHECK(uses.call<std::int32_t>("run") == 7 && defines.call<std::int32_t>("get") == 6);
    CHECK(uses.usage().memory == 65536);
    wasmaot_memorytype_t memory{};
    memory.pages = {1, 4};
    memory.page_size = 65536;
    wasmaot_tabletype_t table{};
    table.elements = {2, 4};
    table.type = WASMAOT_FUNCREF;
    wasmaot::Linker made;
    made.memory(store, "defines", "memory", memory).table(store, "defines", "table", table, wasmaot_funcref({}));
    made.global(store, "defines", "count", {WASMAOT_I32, true}, wasmaot_i32(1));
    const auto other = made.instantiate(store, opened_here("uses.so"));
    CHECK(other.global("count").of.i32 == 1 && defines.usage().memory == 131072);
    thrown(WASMAOT_ERROR_LINK, [&] { made.instantiate(wasmaot::Store(), opened_here("uses.so")); });
}

static void memories_are_shared() {
    wasmaot_memorytype_t type{};
    type.pages = {1, 3};
    type.page_size = 65536;
    type.is_shared = true;
    const wasmaot::SharedMemory memory(type);
    const auto linked = wasmaot::Linker().memory("host", "memory", memory).link(opened_here("shares.so"));
    const wasmaot::Pool pool;
    const auto one = pool.start(linked);
    const auto other = pool.start(linked);
    CHECK(one.call<std::int32_t>("add", 3) == 0 && other.call<std::int32_t>("add", 4) == 3);
    std::int32_t total = 0;
    memory.read(8, &total, sizeof total);
    CHECK(total == 7 && memory.grow(1) == 1 && memory.size() == 131072 && !memory.grow(9).has_value());
    memory.write(8, "\x28\0\0", 4);
    CHECK(one.call<std::int32_t>("add", 0) == 40);
    type.is_shared = false;
    thrown(WASMAOT_ERROR_USAGE, [&] { wasmaot::SharedMemory refused(type); });
}

static void wasi_is_granted() {
    wasmaot::Linker linker;
    linker.wasi();
    const auto linked = linker.link(opened_here("wasi.so"));
    wasmaot::Wasi wasi;
    wasi.arg("wasi").env("NAME", "value").stdin_bytes("input").capture(1, 100).preopen_read_only(folder, "/guests");
    const wasmaot::Pool pool;
    wasmaot_start_t start{};
    start.wasi = wasi.get();
    const auto instance = pool.start(linked, start);
    CHECK(instance.call<std::int32_t>("copy", 0, 1) == 0);
    CHECK(instance.captured(1) == "input" && instance.captured(2).empty());
}

static void loaders() {
    const std::string signed_guest = std::string(folder) + "/signed.so";
    const std::uint8_t key[WASMAOT_KEY_BYTES] = {0};
    std::uint8_t signer[WASMAOT_KEY_BYTES] = {0};
    wasmaot::Loader loader;
    loader.set_jobs(0).set_proofs((std::string(folder) + "/proofs").c_str(), key).add_unchanging_folder(folder);
    CHECK(loader.open(signed_guest.c_str()).is_proven() && !loader.open(signed_guest.c_str()).signer(signer));
    thrown(WASMAOT_ERROR_USAGE, [&] { loader.open_trusted(signed_guest.c_str()); });
    thrown(WASMAOT_ERROR_USAGE, [&] { loader.add_key("no key"); });
    std::ifstream file(std::string(folder) + "/signer.pem");
    const std::string pem{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    loader.add_key(pem.c_str());
    CHECK(loader.open_trusted(signed_guest.c_str()).signer(signer) && memcmp(signer, key, sizeof key) != 0);
    thrown(WASMAOT_ERROR_OPEN, [&] { loader.open((std::string(folder) + "/plain.so").c_str()); });
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    folder = argv[1];
    owners_are_moved();
    host_functions_throw();
    memory_globals_and_tables();
    instances_are_stopped();
    meters_count();
    calls_are_suspended();
    instances_import_from_each_other();
    memories_are_shared();
    wasi_is_granted();
    loaders();
    puts("all is well");
    return 0;
}
