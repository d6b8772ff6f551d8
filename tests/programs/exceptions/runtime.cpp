// What a C++ program with WebAssembly exceptions needs and wasi-libc's libc++abi lacks, which is built without them: throwing, catching, and
// the search of a handler in the compiler's tables.
//
// An exception is one `throw` of the tag `__cpp_exception` with the address of its header. Each landing pad stores its index
// and its function's table in `__wasm_lpad_context`, calls `_Unwind_CallPersonality`, and finds in the context which of the handlers to
// run: the position of a type in the table's list, or 0 if it only cleans up. Objects are thrown here, no pointers.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <typeinfo>

namespace __cxxabiv1 {
// libc++abi's own, as far as it is called here.
class __shim_type_info : public std::type_info {
public:
    virtual ~__shim_type_info();
    virtual void noop1() const;
    virtual void noop2() const;
    virtual bool can_catch(const __shim_type_info *thrown, void *&object) const = 0;
};
} // namespace __cxxabiv1

namespace {
using Type = __cxxabiv1::__shim_type_info;

struct Header {
    const Type *type;
    // WebAssembly's return their argument.
    void *(*destructor)(void *);
    // What the handler that was found last sees: a base of the object may lie elsewhere.
    void *adjusted;
    Header *next_caught;
    int handlers;
    bool rethrown;
};

constexpr std::size_t header_size = (sizeof(Header) + 15) / 16 * 16;

void *object_of(Header *header) { return reinterpret_cast<char *>(header) + header_size; }
Header *header_of(void *object) { return reinterpret_cast<Header *>(static_cast<char *>(object) - header_size); }

Header *caught;

std::uintptr_t leb128(const unsigned char *&at) {
    std::uintptr_t value = 0;
    for (int shift = 0;; shift += 7) {
        unsigned char byte = *at++;
        value |= static_cast<std::uintptr_t>(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
}

std::intptr_t signed_leb128(const unsigned char *&at) {
    std::intptr_t value = 0;
    for (int shift = 0;;) {
        unsigned char byte = *at++;
        value |= static_cast<std::intptr_t>(byte & 0x7f) << shift;
        shift += 7;
        if (!(byte & 0x80))
            return byte & 0x40 && shift < 32 ? value | -(static_cast<std::intptr_t>(1) << shift) : value;
    }
}

// The list of types lies in front of `end`, the first one last; WebAssembly has them as absolute addresses.
const Type *type_at(const unsigned char *end, std::intptr_t position) {
    const Type *type;
    std::memcpy(&type, end - position * sizeof type, sizeof type);
    return type;
}

[[noreturn]] void raise(Header *header) { __builtin_wasm_throw(0, header); }
} // namespace

extern "C" {
struct Context {
    std::uintptr_t index;
    const unsigned char *table;
    std::uintptr_t selector;
};
Context __wasm_lpad_context;

// Compiled code names it, and never calls it.
void __gxx_wasm_personality_v0() { std::abort(); }

int _Unwind_CallPersonality(void *exception) {
    constexpr unsigned char omitted = 0xff;
    Context &context = __wasm_lpad_context;
    Header *header = static_cast<Header *>(exception);
    context.selector = 0;
    const unsigned char *at = context.table;
    if (*at++ != omitted)
        std::abort();
    const unsigned char *types = nullptr;
    if (*at++ != omitted) {
        std::uintptr_t length = leb128(at);
        types = at + length;
    }
    at += 1;
    std::uintptr_t sites = leb128(at);
    const unsigned char *actions = at + sites;
    // The call sites of WebAssembly are a landing pad's index and an action each.
    std::uintptr_t action = 0;
    for (bool found = false; !found && at < actions;) {
        found = leb128(at) == context.index;
        action = leb128(at);
        if (!found)
            action = 0;
    }
    while (action) {
        at = actions + action - 1;
        std::intptr_t position = signed_leb128(at);
        const unsigned char *next_from = at;
        std::intptr_t next = signed_leb128(at);
        if (position < 0)
            std::abort(); // An exception specification, which C++17 has no more.
        if (position > 0) {
            const Type *type = type_at(types, position);
            void *object = object_of(header);
            if (!type || type->can_catch(header->type, object)) {
                header->adjusted = object;
                context.selector = position;
                return 0;
            }
        }
        action = next ? next_from + next - actions + 1 : 0;
    }
    return 0;
}

void _Unwind_Resume(void *exception) { __builtin_wasm_throw(0, exception); }

void *__cxa_allocate_exception(std::size_t size) noexcept {
    char *block = static_cast<char *>(std::calloc(1, header_size + size));
    if (!block)
        std::terminate();
    return block + header_size;
}

void __cxa_free_exception(void *object) noexcept { std::free(header_of(object)); }

void __cxa_throw(void *object, std::type_info *type, void *(*destructor)(void *)) {
    Header *header = header_of(object);
    header->type = static_cast<const Type *>(type);
    header->destructor = destructor;
    raise(header);
}

void *__cxa_get_exception_ptr(void *exception) noexcept { return static_cast<Header *>(exception)->adjusted; }

void *__cxa_begin_catch(void *exception) noexcept {
    Header *header = static_cast<Header *>(exception);
    header->rethrown = false;
    header->handlers += 1;
    if (caught != header) {
        header->next_caught = caught;
        caught = header;
    }
    return header->adjusted;
}

void __cxa_end_catch() {
    Header *header = caught;
    if (--header->handlers != 0)
        return;
    caught = header->next_caught;
    if (header->rethrown)
        return;
    if (header->destructor)
        header->destructor(object_of(header));
    std::free(header);
}

void __cxa_rethrow() {
    if (!caught)
        std::terminate();
    caught->rethrown = true;
    raise(caught);
}
}
