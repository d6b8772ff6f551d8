/*
 * C++ API of the wasmaot runtime: wasmaot.h with owners, exceptions and the types of C++. A header alone, for
 * C++17 and later.
 *
 *     auto module = wasmaot::Module::open("gcd.so");
 *     auto linked = wasmaot::Linker().link(module);
 *     auto gcd = linked.func("gcd");
 *     wasmaot::Pool pool;
 *     auto instance = pool.start(linked);
 *     std::int32_t divisor = gcd.call<std::int32_t>(instance, 48, 36);
 *
 * - Objects are moved, not copied, and delete what they own; an instance is finished. What is made from an
 *   object keeps what it needs of it, so the order does not matter. `get()` lends the object to functions of
 *   C, for what is missing here.
 * - Failures are exceptions of type wasmaot::Error. A host function may throw: an Error ends its caller as
 *   what it is, any other exception as a failure of the host with its message. No exception passes the frames
 *   of a guest.
 * - Rules on threads, on values of another instance and on signals are those of wasmaot.h, function by
 *   function.
 */
#ifndef WASMAOT_HPP
#define WASMAOT_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <wasmaot.h>

namespace wasmaot {

/* A failure. Copies share it. */
class Error : public std::runtime_error {
public:
    /* Takes an error of C's over. */
    explicit Error(wasmaot_error_t *error) : runtime_error(wasmaot_error_message(error)), error_(error, Delete()) {}
    /* A failure that a host function throws. */
    explicit Error(const std::string &message) : Error(wasmaot_error_new(message.c_str())) {}

    /* To be thrown by a host function: makes its caller trap. */
    static Error of_trap(wasmaot_trap_t trap) { return Error(wasmaot_error_new_trap(trap)); }
    /* To be thrown by a host function: ends the program with a status. */
    static Error of_exit(std::int32_t status) { return Error(wasmaot_error_new_exit(status)); }

    wasmaot_error_kind_t kind() const noexcept { return wasmaot_error_kind(error_.get()); }
    /* Why the program trapped; WASMAOT_TRAP_NONE if it did not. */
    wasmaot_trap_t trap() const noexcept { return wasmaot_error_trap(error_.get()); }
    /* The status of an exit; 0 for other errors. */
    std::int32_t exit_status() const noexcept { return wasmaot_error_exit_status(error_.get()); }
    /* The functions that were running, innermost first. They live as long as the error. */
    std::pair<const wasmaot_frame_t *, std::size_t> frames() const noexcept {
        std::size_t count = 0;
        const wasmaot_frame_t *frames = wasmaot_error_frames(error_.get(), &count);
        return {frames, count};
    }

private:
    struct Delete {
        void operator()(wasmaot_error_t *error) const noexcept { wasmaot_error_delete(error); }
    };
    std::shared_ptr<wasmaot_error_t> error_;
};

/*
 * To be thrown by a host function: suspends the call that it is part of. The value is for the caller of
 * that call.
 */
struct Suspend {
    void *value = nullptr;
};

/* Throws an error of C's, if there is one. */
inline void check(wasmaot_error_t *error) {
    if (error != nullptr) {
        throw Error(error);
    }
}

namespace detail {

template <typename T, void (*Delete)(T *)> struct Deleter {
    void operator()(T *object) const noexcept { Delete(object); }
};

/* The only owner of an object of C's. */
template <typename T, void (*Delete)(T *)> class Owner {
public:
    explicit Owner(T *object) noexcept : object_(object) {}
    T *get() const noexcept { return object_.get(); }

protected:
    T *release() noexcept { return object_.release(); }

private:
    std::unique_ptr<T, Deleter<T, Delete>> object_;
};

/* What a type of C++ is to WebAssembly. */
template <typename T> struct Of;

#define WASMAOT_TYPE(CPP, TYPE, FIELD, C) \
    template <> struct Of<CPP> { \
        static constexpr wasmaot_type_t type = TYPE; \
        static wasmaot_value_t to(CPP value) noexcept { \
            wasmaot_value_t made{}; \
            made.type = TYPE; \
            made.of.FIELD = static_cast<C>(value); \
            return made; \
        } \
        static CPP from(const wasmaot_value_t &value) noexcept { return static_cast<CPP>(value.of.FIELD); } \
    };
WASMAOT_TYPE(std::int32_t, WASMAOT_I32, i32, std::int32_t)
WASMAOT_TYPE(std::uint32_t, WASMAOT_I32, i32, std::int32_t)
WASMAOT_TYPE(std::int64_t, WASMAOT_I64, i64, std::int64_t)
WASMAOT_TYPE(std::uint64_t, WASMAOT_I64, i64, std::int64_t)
WASMAOT_TYPE(float, WASMAOT_F32, f32, float)
WASMAOT_TYPE(double, WASMAOT_F64, f64, double)
WASMAOT_TYPE(wasmaot_funcref_t, WASMAOT_FUNCREF, funcref, wasmaot_funcref_t)
WASMAOT_TYPE(wasmaot_exnref_t, WASMAOT_EXNREF, exnref, wasmaot_exnref_t)
#undef WASMAOT_TYPE

/* Results as a type of C++: none, one or a tuple. */
template <typename R> struct Results {
    static constexpr std::size_t count = 1;
    static constexpr wasmaot_type_t types[] = {Of<R>::type};
    static R read(const wasmaot_value_t *values) noexcept { return Of<R>::from(values[0]); }
    static void write(wasmaot_value_t *values, R result) noexcept { values[0] = Of<R>::to(result); }
};

template <> struct Results<void> {
    static constexpr std::size_t count = 0;
    static constexpr const wasmaot_type_t *types = nullptr;
    static void read(const wasmaot_value_t *) noexcept {}
};

template <typename... R> struct Results<std::tuple<R...>> {
    static constexpr std::size_t count = sizeof...(R);
    static constexpr wasmaot_type_t types[] = {Of<R>::type...};
    static std::tuple<R...> read(const wasmaot_value_t *values) noexcept {
        return read(values, std::index_sequence_for<R...>());
    }
    static void write(wasmaot_value_t *values, const std::tuple<R...> &results) noexcept {
        write(values, results, std::index_sequence_for<R...>());
    }

private:
    template <std::size_t... I>
    static std::tuple<R...> read(const wasmaot_value_t *values, std::index_sequence<I...>) noexcept {
        return {Of<R>::from(values[I])...};
    }
    template <std::size_t... I>
    static void write(wasmaot_value_t *values, const std::tuple<R...> &results, std::index_sequence<I...>) noexcept {
        ((values[I] = Of<R>::to(std::get<I>(results))), ...);
    }
};

/* Calls a function of C's that takes arguments and room for results. */
template <typename R, typename Call, typename... Args> R call(Call with, Args... args) {
    constexpr std::size_t count = Results<R>::count;
    const wasmaot_value_t given[sizeof...(Args) + 1] = {Of<Args>::to(args)..., {}};
    wasmaot_value_t results[count + 1] = {};
    check(with(given, sizeof...(Args), results, count));
    return Results<R>::read(results);
}

/* A type without the qualifiers that a parameter may have. */
template <typename T> using Plain = std::remove_cv_t<std::remove_reference_t<T>>;

} // namespace detail

/* Bytes that a native address leads to. */
struct Bytes {
    std::uint8_t *data;
    std::size_t size;
};

namespace detail {

/* What instances and callers have in common. */
#define WASMAOT_EXPORTS(PREFIX) \
    /* Calls an exported function: call<std::int32_t>("add", 1, 2). */ \
    template <typename R = void, typename... Args> R call(const char *name, Args... args) const { \
        auto with = [&](const wasmaot_value_t *given, std::size_t args_count, wasmaot_value_t *results, \
                        std::size_t results_count) { \
            return PREFIX##_call(get(), name, given, args_count, results, results_count); \
        }; \
        return detail::call<R>(with, args...); \
    } \
    /* Calls a function by a reference, such as an element of a table. */ \
    template <typename R = void, typename... Args> R call_ref(wasmaot_funcref_t func, Args... args) const { \
        const wasmaot_value_t value = wasmaot_funcref(func); \
        auto with = [&](const wasmaot_value_t *given, std::size_t args_count, wasmaot_value_t *results, \
                        std::size_t results_count) { \
            return PREFIX##_call_ref(get(), &value, given, args_count, results, results_count); \
        }; \
        return detail::call<R>(with, args...); \
    } \
    /* Bytes of the memory that is exported as "memory", or else of the first one. */ \
    std::uint64_t memory_size() const noexcept { return PREFIX##_memory_size(get()); } \
    /* Copies out of that memory. */ \
    void read(std::uint64_t address, void *into, std::size_t length) const { \
        check(PREFIX##_read(get(), address, into, length)); \
    } \
    std::string read(std::uint64_t address, std::size_t length) const { \
        std::string bytes(length, '\0'); \
        read(address, bytes.data(), length); \
        return bytes; \
    } \
    /* Copies into that memory. */ \
    void write(std::uint64_t address, const void *bytes, std::size_t length) const { \
        check(PREFIX##_write(get(), address, bytes, length)); \
    } \
    void write(std::uint64_t address, std::string_view bytes) const { write(address, bytes.data(), bytes.size()); } \
    /* Direct access to bytes of an exported memory, until the instance is finished. */ \
    Bytes memory(std::uint64_t address, std::size_t length, bool writable, const char *name = "memory") const { \
        void *data = nullptr; \
        check(PREFIX##_memory_data(get(), name, address, length, writable, &data)); \
        return {static_cast<std::uint8_t *>(data), length}; \
    } \
    /* Adds pages to an exported memory. Their number before, or nothing if there is no room. */ \
    std::optional<std::uint64_t> grow(std::uint64_t pages, const char *name = "memory") const { \
        std::uint64_t before = 0; \
        check(PREFIX##_memory_grow(get(), name, pages, &before)); \
        return before == WASMAOT_NOT_GROWN ? std::nullopt : std::optional<std::uint64_t>(before); \
    } \
    /* The value of an exported global. */ \
    wasmaot_value_t global(const char *name) const { \
        wasmaot_value_t value{}; \
        check(PREFIX##_global_get(get(), name, &value)); \
        return value; \
    } \
    void set_global(const char *name, const wasmaot_value_t &value) const { \
        check(PREFIX##_global_set(get(), name, &value)); \
    } \
    /* The number of elements of an exported table. */ \
    std::uint64_t table_size(const char *name) const { \
        std::uint64_t size = 0; \
        check(PREFIX##_table_size(get(), name, &size)); \
        return size; \
    } \
    wasmaot_value_t element(const char *name, std::uint64_t index) const { \
        wasmaot_value_t value{}; \
        check(PREFIX##_table_get(get(), name, index, &value)); \
        return value; \
    } \
    void set_element(const char *name, std::uint64_t index, const wasmaot_value_t &value) const { \
        check(PREFIX##_table_set(get(), name, index, &value)); \
    } \
    /* Adds elements to an exported table. Their number before, or nothing if there is no room. */ \
    std::optional<std::uint64_t> grow_table(const char *name, std::uint64_t count, const wasmaot_value_t &init) const { \
        std::uint64_t before = 0; \
        check(PREFIX##_table_grow(get(), name, count, &init, &before)); \
        return before == WASMAOT_NOT_GROWN ? std::nullopt : std::optional<std::uint64_t>(before); \
    }

} // namespace detail

/* An artifact that has been checked and mapped. */
class Module : public detail::Owner<wasmaot_module_t, wasmaot_module_delete> {
public:
    using Owner::Owner;
    static Module open(const char *path) { return opened(wasmaot_module_open, path); }
    static Module from_bytes(const void *bytes, std::size_t length) {
        return opened(wasmaot_module_from_bytes, bytes, length);
    }
    bool is_proven() const { return wasmaot_module_is_proven(get()); }
    /* Whether a loader's key has signed it; `key`, if it is given, gets the WASMAOT_KEY_BYTES of that key. */
    bool signer(std::uint8_t *key = nullptr) const { return wasmaot_module_signer(get(), key); }
    static Module open_trusted(const char *path) { return opened(wasmaot_module_open_trusted, path); }
    static Module open_sealed_trusted(const char *path) { return opened(wasmaot_module_open_sealed_trusted, path); }
    static Module from_bytes_trusted(const void *bytes, std::size_t length) {
        return opened(wasmaot_module_from_bytes_trusted, bytes, length);
    }

private:
    template <typename Open, typename... Source> static Module opened(Open open, Source... source) {
        wasmaot_module_t *module = nullptr;
        check(open(source..., &module));
        return Module(module);
    }
};

/* How artifacts are opened by proof and by signature. */
class Loader : public detail::Owner<wasmaot_loader_t, wasmaot_loader_delete> {
public:
    Loader() : Owner(wasmaot_loader_new()) {}
    Loader &set_jobs(std::size_t jobs) { return checked(wasmaot_loader_set_jobs(get(), jobs)); }
    Loader &set_proofs(const char *folder, const std::uint8_t *key) {
        return checked(wasmaot_loader_set_proofs(get(), folder, key));
    }
    Loader &add_key(const char *pem) { return checked(wasmaot_loader_add_key(get(), pem)); }
    Loader &add_unchanging_folder(const char *folder) {
        return checked(wasmaot_loader_add_unchanging_folder(get(), folder));
    }
    Module open(const char *path) const { return opened(wasmaot_loader_open, path); }
    Module from_bytes(const void *bytes, std::size_t length) const {
        return opened(wasmaot_loader_from_bytes, bytes, length);
    }
    Module open_trusted(const char *path) const { return opened(wasmaot_loader_open_trusted, path); }
    Module from_bytes_trusted(const void *bytes, std::size_t length) const {
        return opened(wasmaot_loader_from_bytes_trusted, bytes, length);
    }

private:
    Loader &checked(wasmaot_error_t *error) {
        check(error);
        return *this;
    }
    template <typename Load, typename... Source> Module opened(Load load, Source... source) const {
        wasmaot_module_t *module = nullptr;
        check(load(get(), source..., &module));
        return Module(module);
    }
};

/* The instance that called a host function; valid until that returns. */
class Caller {
public:
    explicit Caller(wasmaot_caller_t *caller) noexcept : caller_(caller) {}
    wasmaot_caller_t *get() const noexcept { return caller_; }
    /* The host's data that the instance was started with. */
    template <typename T> T *data() const noexcept { return static_cast<T *>(wasmaot_caller_data(caller_)); }
    /* Throws if the instance is to be stopped. */
    void check_interrupt() const { check(wasmaot_caller_check_interrupt(caller_)); }
    WASMAOT_EXPORTS(wasmaot_caller)

private:
    wasmaot_caller_t *caller_;
};

/* What instances get of WASI. */
class Wasi : public detail::Owner<wasmaot_wasi_t, wasmaot_wasi_delete> {
public:
    Wasi() : Owner(wasmaot_wasi_new()) {}
    Wasi &arg(const char *arg) { return checked(wasmaot_wasi_arg(get(), arg)); }
    Wasi &env(const char *name, const char *value) { return checked(wasmaot_wasi_env(get(), name, value)); }
    Wasi &inherit_env() { return checked(wasmaot_wasi_inherit_env(get())); }
    Wasi &inherit_stdio() { return checked(wasmaot_wasi_inherit_stdio(get())); }
    Wasi &stream(int stream, int fd) { return checked(wasmaot_wasi_stream(get(), stream, fd)); }
    Wasi &stdin_bytes(std::string_view bytes) {
        return checked(wasmaot_wasi_stdin_bytes(get(), bytes.data(), bytes.size()));
    }
    Wasi &capture(int stream, std::size_t limit) { return checked(wasmaot_wasi_capture(get(), stream, limit)); }
    Wasi &preopen(const char *host_path, const char *guest_path) {
        return checked(wasmaot_wasi_preopen(get(), host_path, guest_path));
    }
    Wasi &preopen_read_only(const char *host_path, const char *guest_path) {
        return checked(wasmaot_wasi_preopen_read_only(get(), host_path, guest_path));
    }

private:
    Wasi &checked(wasmaot_error_t *error) {
        check(error);
        return *this;
    }
};

/* A memory that instances use at a time, whose type has `is_shared` set. */
class SharedMemory : public detail::Owner<wasmaot_sharedmemory_t, wasmaot_sharedmemory_delete> {
public:
    explicit SharedMemory(const wasmaot_memorytype_t &type) : Owner(made(type)) {}
    std::uint64_t size() const noexcept { return wasmaot_sharedmemory_size(get()); }
    /* Adds pages. Their number before, or nothing if there is no room. */
    std::optional<std::uint64_t> grow(std::uint64_t pages) const {
        std::uint64_t before = 0;
        check(wasmaot_sharedmemory_grow(get(), pages, &before));
        return before == WASMAOT_NOT_GROWN ? std::nullopt : std::optional<std::uint64_t>(before);
    }
    void read(std::uint64_t address, void *into, std::size_t length) const {
        check(wasmaot_sharedmemory_read(get(), address, into, length));
    }
    void write(std::uint64_t address, const void *bytes, std::size_t length) const {
        check(wasmaot_sharedmemory_write(get(), address, bytes, length));
    }

private:
    static wasmaot_sharedmemory_t *made(const wasmaot_memorytype_t &type) {
        wasmaot_sharedmemory_t *memory = nullptr;
        check(wasmaot_sharedmemory_new(&type, &memory));
        return memory;
    }
};

class Instance;
template <typename R> class Resumable;

/* An exported function of all instances of a linked module. */
class Func : public detail::Owner<wasmaot_func_t, wasmaot_func_delete> {
public:
    using Owner::Owner;
    const wasmaot_functype_t &type() const noexcept { return *wasmaot_func_type(get()); }
    /* Calls it: call<std::int32_t>(instance, 48, 36). Several results are a std::tuple. */
    template <typename R = void, typename... Args> R call(const Instance &instance, Args... args) const;
    /* Calls it so that host functions can suspend it, by throwing a Suspend. */
    template <typename R = void, typename... Args>
    Resumable<R> call_resumable(const Instance &instance, Args... args) const;
};

/* A module with its imports resolved. */
class Linked : public detail::Owner<wasmaot_linked_t, wasmaot_linked_delete> {
public:
    using Owner::Owner;
    Func func(const char *name) const {
        wasmaot_func_t *func = nullptr;
        check(wasmaot_linked_func(get(), name, &func));
        return Func(func);
    }
    void freeze_hot_set() const { check(wasmaot_linked_freeze_hot_set(get())); }
};

/* Instances that import from each other. */
class Store : public detail::Owner<wasmaot_store_t, wasmaot_store_delete> {
public:
    explicit Store(const wasmaot_start_t &start = {}) : Owner(made(start)) {}
    void set_modules(wasmaot_modules_t modules) { check(wasmaot_store_set_modules(get(), modules)); }

private:
    static wasmaot_store_t *made(const wasmaot_start_t &start) {
        wasmaot_store_t *store = nullptr;
        check(wasmaot_store_new(&start, &store));
        return store;
    }
};

/* Definitions that modules are linked with. */
class Linker : public detail::Owner<wasmaot_linker_t, wasmaot_linker_delete> {
public:
    Linker() : Owner(wasmaot_linker_new()) {}

    /*
     * Defines a host function by a closure, such as [](wasmaot::Caller caller, std::int32_t a) { return a +
     * 1; }. Any thread may call it, and several at a time.
     */
    template <typename F> Linker &func(const char *module, const char *name, F function) {
        define(module, name, std::move(function), &F::operator());
        return *this;
    }
    /* Defines the functions of WASI preview 1. */
    Linker &wasi() {
        check(wasmaot_linker_wasi(get()));
        return *this;
    }
    /* Defines a shared memory. */
    Linker &memory(const char *module, const char *name, const SharedMemory &memory) {
        check(wasmaot_linker_sharedmemory(get(), module, name, memory.get()));
        return *this;
    }
    Linker &set_module_limits(const wasmaot_module_limits_t &limits) {
        check(wasmaot_linker_set_module_limits(get(), &limits));
        return *this;
    }
    Linked link(const Module &module) const {
        wasmaot_linked_t *linked = nullptr;
        check(wasmaot_linker_link(get(), module.get(), &linked));
        return Linked(linked);
    }
    /* Makes an instance in a store. */
    Instance instantiate(const Store &store, const Module &module) const;
    /* Defines all exports of an instance, for others of its store. */
    Linker &instance(const char *name, const Instance &instance);
    /* Define what is made in a store. */
    Linker &memory(const Store &store, const char *module, const char *name, const wasmaot_memorytype_t &type) {
        check(wasmaot_linker_memory(get(), store.get(), module, name, &type));
        return *this;
    }
    Linker &table(const Store &store, const char *module, const char *name, const wasmaot_tabletype_t &type,
                  const wasmaot_value_t &init) {
        check(wasmaot_linker_table(get(), store.get(), module, name, &type, &init));
        return *this;
    }
    Linker &global(const Store &store, const char *module, const char *name, const wasmaot_globaltype_t &type,
                   const wasmaot_value_t &init) {
        check(wasmaot_linker_global(get(), store.get(), module, name, &type, &init));
        return *this;
    }

private:
    template <typename F, typename R, typename... Args>
    void define(const char *module, const char *name, F function, R (F::*)(Caller, Args...) const) {
        static constexpr wasmaot_type_t params[] = {detail::Of<detail::Plain<Args>>::type..., 0};
        wasmaot_functype_t type{};
        type.params = params;
        type.params_count = sizeof...(Args);
        type.results = detail::Results<R>::types;
        type.results_count = detail::Results<R>::count;
        auto kept = std::make_unique<F>(std::move(function));
        auto drop = [](void *environment) { delete static_cast<F *>(environment); };
        /* From here on the library deletes it, also if it fails. */
        check(wasmaot_linker_func(get(), module, name, &type, enter<F, R, Args...>, kept.release(), drop));
    }

    template <typename F, typename R, typename... Args>
    static wasmaot_error_t *enter(void *environment, wasmaot_caller_t *caller, const wasmaot_value_t *args,
                                  wasmaot_value_t *results) noexcept {
        try {
            run<F, R, Args...>(*static_cast<const F *>(environment), Caller(caller), args, results,
                               std::index_sequence_for<Args...>());
            return nullptr;
        } catch (const Suspend &suspend) {
            return wasmaot_error_new_suspend(suspend.value);
        } catch (const Error &error) {
            return again(error);
        } catch (const std::exception &exception) {
            return wasmaot_error_new(exception.what());
        } catch (...) {
            return wasmaot_error_new("a host function threw what is no std::exception");
        }
    }

    template <typename F, typename R, typename... Args, std::size_t... I>
    static void run(const F &function, Caller caller, const wasmaot_value_t *args, wasmaot_value_t *results,
                    std::index_sequence<I...>) {
        (void)args;
        (void)results;
        if constexpr (std::is_void_v<R>) {
            function(caller, detail::Of<detail::Plain<Args>>::from(args[I])...);
        } else {
            detail::Results<R>::write(results, function(caller, detail::Of<detail::Plain<Args>>::from(args[I])...));
        }
    }

    /* An error for the library that says the same: copies of the exception keep theirs. */
    static wasmaot_error_t *again(const Error &error) noexcept {
        if (error.trap() != WASMAOT_TRAP_NONE) {
            return wasmaot_error_new_trap(error.trap());
        }
        return error.kind() == WASMAOT_ERROR_EXIT ? wasmaot_error_new_exit(error.exit_status())
                                                  : wasmaot_error_new(error.what());
    }
};

/* Stops an instance, from any thread. */
class Interrupt : public detail::Owner<wasmaot_interrupt_t, wasmaot_interrupt_delete> {
public:
    using Owner::Owner;
    void kill() const noexcept { wasmaot_interrupt_kill(get()); }
};

namespace detail {

/*
 * An instance that is not in use can be finished; one in use is the library's mistake to report, and not
 * here.
 */
inline void finish(wasmaot_instance_t *instance) noexcept {
    wasmaot_error_delete(wasmaot_instance_finish(instance, nullptr));
}

} // namespace detail

/* An instance of a linked module. One thread uses it at a time. */
class Instance : private detail::Owner<wasmaot_instance_t, detail::finish> {
public:
    using Owner::get;
    using Owner::Owner;
    WASMAOT_EXPORTS(wasmaot_instance)

    /* Ends it, and says what it used. */
    wasmaot_usage_t finish() && {
        wasmaot_usage_t usage{};
        Instance ended(std::move(*this));
        check(wasmaot_instance_finish(ended.get(), &usage));
        ended.release();
        return usage;
    }
    /* What it has used so far. */
    wasmaot_usage_t usage() const {
        wasmaot_usage_t usage{};
        check(wasmaot_instance_usage(get(), &usage));
        return usage;
    }
    /* What it runs ends this long from now. */
    void set_deadline(std::chrono::nanoseconds from_now) const {
        check(wasmaot_instance_set_deadline(get(), static_cast<std::uint64_t>(from_now.count())));
    }
    void set_cpu_time(std::chrono::nanoseconds time) const {
        check(wasmaot_instance_set_cpu_time(get(), static_cast<std::uint64_t>(time.count())));
    }
    void set_fuel(std::uint64_t fuel) const { check(wasmaot_instance_set_fuel(get(), fuel)); }
    /* The instructions that it has executed, if its code counts them. */
    std::optional<std::uint64_t> operators() const noexcept {
        const std::uint64_t count = wasmaot_instance_operators(get());
        return count == WASMAOT_NOT_COUNTED ? std::nullopt : std::optional<std::uint64_t>(count);
    }
    Interrupt interrupt() const {
        wasmaot_interrupt_t *interrupt = nullptr;
        check(wasmaot_instance_interrupt(get(), &interrupt));
        return Interrupt(interrupt);
    }
    /* What it has written to standard stream 1 or 2, until it is called or finished. */
    std::string_view captured(int stream) const noexcept {
        std::size_t length = 0;
        const char *start = wasmaot_instance_captured(get(), stream, &length);
        return {start == nullptr ? "" : start, length};
    }
};

template <typename R, typename... Args> R Func::call(const Instance &instance, Args... args) const {
    auto with = [&](const wasmaot_value_t *given, std::size_t args_count, wasmaot_value_t *results,
                    std::size_t results_count) {
        return wasmaot_func_call(get(), instance.get(), given, args_count, results, results_count);
    };
    return detail::call<R>(with, args...);
}

inline Instance Linker::instantiate(const Store &store, const Module &module) const {
    wasmaot_instance_t *instance = nullptr;
    check(wasmaot_linker_instantiate(get(), store.get(), module.get(), &instance));
    return Instance(instance);
}

inline Linker &Linker::instance(const char *name, const Instance &instance) {
    check(wasmaot_linker_instance(get(), name, instance.get()));
    return *this;
}

/* A call that host functions may suspend: it waits, or is over and has results. */
template <typename R> class Resumable : private detail::Owner<wasmaot_suspended_t, wasmaot_suspended_delete> {
public:
    using Owner::get;
    bool is_waiting() const noexcept { return wasmaot_suspended_is_waiting(get()); }
    /* What the host function threw. */
    void *value() const noexcept { return wasmaot_suspended_value(get()); }
    /* What the call returned, once it is over. */
    R result() const { return detail::Results<R>::read(results_); }
    /* Goes on, on this thread, as if the host function returned these values. */
    template <typename... Values> void resume(const Instance &instance, Values... values) {
        const wasmaot_value_t given[sizeof...(Values) + 1] = {detail::Of<Values>::to(values)..., {}};
        check(wasmaot_suspended_resume(get(), instance.get(), given, sizeof...(Values), results_, count));
    }
    /* Goes on as if the host function threw this. Throws how the call ends. */
    void fail(const Instance &instance, const std::string &message) {
        check(wasmaot_suspended_fail(get(), instance.get(), wasmaot_error_new(message.c_str())));
    }
    /* Gives it up, so that the instance can be called again. */
    void abandon(const Instance &instance) { check(wasmaot_suspended_abandon(get(), instance.get())); }

private:
    friend class Func;
    static constexpr std::size_t count = detail::Results<R>::count;
    Resumable() noexcept : Owner(nullptr) {}
    void began(wasmaot_suspended_t *call) noexcept { static_cast<Owner &>(*this) = Owner(call); }
    wasmaot_value_t results_[count + 1] = {};
};

template <typename R, typename... Args>
Resumable<R> Func::call_resumable(const Instance &instance, Args... args) const {
    const wasmaot_value_t given[sizeof...(Args) + 1] = {detail::Of<Args>::to(args)..., {}};
    Resumable<R> call;
    wasmaot_suspended_t *suspended = nullptr;
    check(wasmaot_func_call_resumable(get(), instance.get(), given, sizeof...(Args), call.results_, call.count,
                                      &suspended));
    call.began(suspended);
    return call;
}

/* Slots for instances. */
class Pool : public detail::Owner<wasmaot_pool_t, wasmaot_pool_delete> {
public:
    explicit Pool(const wasmaot_pool_config_t &config = {}) : Owner(made(config)) {}
    /* Makes slots ready for a module and a tenant, so that their first starts are as fast as later ones. */
    void prepare(const Linked &linked, std::uint32_t slots, std::uint64_t tenant = 0) const {
        check(wasmaot_pool_prepare(get(), linked.get(), tenant, slots));
    }
    /* A fresh instance, its start function run. */
    Instance start(const Linked &linked, const wasmaot_start_t &start = {}) const {
        wasmaot_instance_t *instance = nullptr;
        check(wasmaot_pool_start(get(), linked.get(), &start, &instance));
        return Instance(instance);
    }
    wasmaot_pool_stats_t stats() const {
        wasmaot_pool_stats_t stats{};
        check(wasmaot_pool_stats(get(), &stats));
        return stats;
    }

private:
    static wasmaot_pool_t *made(const wasmaot_pool_config_t &config) {
        wasmaot_pool_t *pool = nullptr;
        check(wasmaot_pool_new(&config, &pool));
        return pool;
    }
};

} // namespace wasmaot

#undef WASMAOT_EXPORTS

#endif
