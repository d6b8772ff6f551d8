/*
 * C API of the wasmaot runtime. It loads the artifacts that `wasmaot compile` writes, and gives every request
 * an instance of its own:
 *
 *     once per program        wasmaot_module_open
 *                             wasmaot_linker_new, wasmaot_linker_func, wasmaot_linker_wasi
 *                             wasmaot_linker_link -> wasmaot_linked_func
 *                             wasmaot_pool_new
 *     once per request        wasmaot_pool_start
 *                             wasmaot_instance_write, wasmaot_func_call, wasmaot_instance_read
 *                             wasmaot_instance_finish
 *
 * Conventions
 *
 * - A function that can fail returns NULL on success, or an error, which the caller deletes. If it fails, it
 *   has not written to its `out`.
 * - What a function gives through `out`, and what a function called `new` returns, is the caller's, to be
 *   deleted by the function of its type (an instance: finished). The order does not matter: what is made from
 *   an object keeps what it needs of it. Deleting NULL does nothing.
 * - Strings are UTF-8 and end with NUL. (Paths may be any bytes.) An array and its count may be NULL and 0.
 * - A NULL where an object is needed, a count that does not fit the function's type and the like are refused:
 *   by an error of kind WASMAOT_ERROR_USAGE, or, from functions that return no error, by NULL or 0.
 * - Modules, linked modules, functions, pools, interrupts and errors may be used by many threads at a time.
 *   So may linkers and WASI contexts while none of the threads changes them. An instance may go from thread
 *   to thread, but is used by one at a time.
 * - No failure of the runtime's own ends the process or unwinds into C: it is an error of kind
 *   WASMAOT_ERROR_INTERNAL. (Only when there is no memory left to allocate does the process end.) Host
 *   functions return: they neither call longjmp past the runtime, nor pthread_exit, nor throw C++ exceptions.
 *   An exception or pthread_exit during a call ends the process, and so does pthread_cancel, unless the
 *   thread disables that around its calls (pthread_setcancelstate). After a longjmp the instance stays in use
 *   for ever: it cannot be called or finished, and its slot is lost. Other instances are not affected.
 * - A program may switch between stacks (fibers) in host functions, in any order, and return from a host
 *   function on another thread than the one that called it. Timeouts interrupt the system calls of the thread
 *   that called. A host function that returns while a call waits that it made itself ends the process. On
 *   stacks other than the thread's own, what a longjmp leaves counts as nested for ever.
 * - The stack of a thread that calls instances has at least 64 KiB; a call on less than 48 is refused. A
 *   destructor of a thread's storage may be refused a call, too, as the thread is ending.
 * - A child made by fork may use all that its parent has. One made by _Fork, vfork or clone calls exec or
 *   _exit; it is refused timeouts and interrupts.
 *
 * Signals
 *
 * The first module that is opened installs handlers of SIGSEGV, SIGBUS, SIGILL and SIGFPE, by which guests
 * trap, and of the interrupt signal, by which they are stopped: SIGURG, or a free real-time signal if the
 * program handles SIGURG. A fault that is not a guest's goes on to the handler that was there before, as the
 * kernel would have called it, or has the default effect. The library is not unloaded by dlclose. System
 * calls of other threads go on: those that the interrupt signal finds are restarted.
 *
 * The handlers of these signals are checked whenever a module is opened, a pool is made or
 * wasmaot_prepare_thread is called, and every 100 ms while there are timeouts: one that has replaced the
 * runtime's gets the runtime's in front of it. A program that installs one later calls wasmaot_prepare_thread
 * after that. Until the next check, it has to pass on what it does not want: it calls the handler that
 * sigaction gave it, with its own arguments, and sets SA_SIGINFO to have those. (Python's faulthandler does
 * not, and so ends the process at a guest's first trap.) Up to eight different handlers of a signal can be
 * passed like that; if there are more, all three fail.
 *
 * Handlers of other signals set SA_ONSTACK. One without may start on the stack of a guest: if it finds no
 * room there, the guest traps with WASMAOT_TRAP_STACK_OVERFLOW and the signal is lost; if it runs out of
 * room, some 180 KiB more are opened for it until it returns, as long as it does not block SIGSEGV.
 *
 * Signal handlers call nothing that is declared here, not even wasmaot_interrupt_kill, and do not fork:
 * either may wait for a lock that the interrupted thread holds. They wake a thread that does, by sem_post or
 * a write to a pipe. A call on the alternate stack is refused.
 *
 * A thread that does not receive the interrupt signal within 20 ms, as it blocks a signal that was chosen
 * later, or the kernel has no room to queue it, is sent SIGILL in its place, which the runtime handles. That
 * ends system calls with EINTR as the interrupt signal does.
 *
 * A thread that calls an instance for the first time unblocks those signals, and gets an alternate signal
 * stack of 256 KiB, unless it has one of at least 64 KiB. A program that changes either later, on a thread
 * that calls instances, calls wasmaot_prepare_thread, or makes its pools with WASMAOT_SIGNALS_CHECKED.
 *
 * Guests compute with the default floating-point environment (MXCSR), host functions with the one that the
 * program had when it called the instance, and it has that one again when the call returns. The x87 control
 * word is kept over a call.
 *
 * Until version 1.0 any version may change what is declared here.
 */
#ifndef WASMAOT_H
#define WASMAOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Version ---- */

/* The version that this header belongs to. */
#define WASMAOT_VERSION "0.1.0"
#define WASMAOT_VERSION_MAJOR 0
#define WASMAOT_VERSION_MINOR 1
#define WASMAOT_VERSION_PATCH 0

/*
 * Returns the version of the library. Before 1.0, a program runs with a library whose major and minor numbers
 * are those of the header that it was compiled with; the name of the shared library holds both. The string is
 * static. Any thread may call this at any time.
 */
const char *wasmaot_version(void);

/* ---- Objects ---- */

/* An artifact that has been checked and mapped. */
typedef struct wasmaot_module wasmaot_module_t;
/* How artifacts are opened by proof and by signature. */
typedef struct wasmaot_loader wasmaot_loader_t;
/* Definitions that modules are linked with. */
typedef struct wasmaot_linker wasmaot_linker_t;
/* A module with its imports resolved. */
typedef struct wasmaot_linked wasmaot_linked_t;
/* An exported function of all instances of a linked module. */
typedef struct wasmaot_func wasmaot_func_t;
/* Slots for instances. */
typedef struct wasmaot_pool wasmaot_pool_t;
/* What instances get of WASI: arguments, environment, streams, directories. */
typedef struct wasmaot_wasi wasmaot_wasi_t;
/* Instances that may import from each other. */
typedef struct wasmaot_store wasmaot_store_t;
/* An instance of a linked module, with a memory and state of its own. */
typedef struct wasmaot_instance wasmaot_instance_t;
/* A memory that several instances use at a time. */
typedef struct wasmaot_sharedmemory wasmaot_sharedmemory_t;
/* A call that a host function has suspended. */
typedef struct wasmaot_suspended wasmaot_suspended_t;
/* The instance that called a host function; valid until that returns. */
typedef struct wasmaot_caller wasmaot_caller_t;
/* The means of stopping an instance. */
typedef struct wasmaot_interrupt wasmaot_interrupt_t;
/* Why something failed. */
typedef struct wasmaot_error wasmaot_error_t;

/* ---- Errors ---- */

/* What kind of failure an error is. */
typedef enum {
    /* wrong use of this API: a NULL, no such export, values that do not fit, a bad configuration */
    WASMAOT_ERROR_USAGE = 1,
    WASMAOT_ERROR_OPEN = 2,      /* the file cannot be opened as a module */
    WASMAOT_ERROR_LINK = 3,      /* an import is missing or of another type, or a name is defined twice */
    WASMAOT_ERROR_EXHAUSTED = 4, /* all slots of the pool are in use */
    WASMAOT_ERROR_LIMIT = 5,     /* the module asks for more than a limit allows, of the linker or the pool */
    WASMAOT_ERROR_SYSTEM = 6,    /* the kernel refused addresses, mappings, a descriptor or a directory */
    WASMAOT_ERROR_TRAP = 7,      /* the program trapped */
    WASMAOT_ERROR_EXIT = 8,      /* the program ended itself with a status */
    WASMAOT_ERROR_HOST = 9,      /* a host function failed */
    /* bytes that are not in the instance's memory; a host function that returns this makes its caller trap */
    WASMAOT_ERROR_ACCESS = 10,
    WASMAOT_ERROR_INTERNAL = 11, /* a mistake in the runtime */
    /* the program threw what nothing caught; a host function that returns this throws it on in its caller */
    WASMAOT_ERROR_EXCEPTION = 12,
    WASMAOT_ERROR_SUSPEND = 13    /* made by wasmaot_error_new_suspend, for a host function to return */
} wasmaot_error_kind_t;

/* Why a program trapped. */
typedef enum {
    WASMAOT_TRAP_NONE = 0, /* the error is no trap */
    WASMAOT_TRAP_UNREACHABLE = 1,
    WASMAOT_TRAP_MEMORY_OUT_OF_BOUNDS = 2,
    WASMAOT_TRAP_TABLE_OUT_OF_BOUNDS = 3,
    WASMAOT_TRAP_UNDEFINED_ELEMENT = 4,
    WASMAOT_TRAP_UNINITIALIZED_ELEMENT = 5,
    WASMAOT_TRAP_INDIRECT_CALL_TYPE_MISMATCH = 6,
    WASMAOT_TRAP_INTEGER_OVERFLOW = 7,
    WASMAOT_TRAP_INTEGER_DIVIDE_BY_ZERO = 8,
    WASMAOT_TRAP_INVALID_CONVERSION_TO_INTEGER = 9,
    WASMAOT_TRAP_STACK_OVERFLOW = 10,
    WASMAOT_TRAP_ARTIFACT_CHANGED = 11,
    WASMAOT_TRAP_DEADLINE_EXCEEDED = 12, /* see wasmaot_instance_set_deadline */
    WASMAOT_TRAP_KILLED = 13,            /* see wasmaot_interrupt_kill */
    WASMAOT_TRAP_MEMORY_LIMIT = 14,      /* see wasmaot_resource_limits_t */
    WASMAOT_TRAP_TABLE_LIMIT = 15,       /* see wasmaot_resource_limits_t */
    WASMAOT_TRAP_NULL_REFERENCE = 16,
    WASMAOT_TRAP_NULL_FUNCTION_REFERENCE = 17,
    WASMAOT_TRAP_UNALIGNED_ATOMIC = 18,
    WASMAOT_TRAP_EXPECTED_SHARED_MEMORY = 19,
    WASMAOT_TRAP_NULL_EXCEPTION = 20,
    WASMAOT_TRAP_EXCEPTION_LIMIT = 21, /* more exceptions than the runtime keeps for an instance */
    WASMAOT_TRAP_OUT_OF_FUEL = 22,     /* see wasmaot_resource_limits_t */
    WASMAOT_TRAP_OUT_OF_MEMORY = 23,     /* the kernel refused a page of a memory */
    WASMAOT_TRAP_CPU_TIME_EXCEEDED = 24  /* see wasmaot_resource_limits_t */
} wasmaot_trap_t;

/* The `wasm_offset` of a frame for which none is known. */
#define WASMAOT_NO_OFFSET UINT32_MAX

/* A function that was running when a program trapped. */
typedef struct {
    uint32_t func_index;  /* its index in the Wasm module */
    uint32_t wasm_offset; /* of the operator that trapped or called, in the Wasm file, or WASMAOT_NO_OFFSET */
    const char *name;     /* NULL if the artifact has none */
    const char *file;     /* of its source, NULL if the module has no debug information */
    uint32_t line;        /* in that file, counted from 1; 0 if it is not known */
    uint32_t column;      /* the same */
} wasmaot_frame_t;

/*
 * Makes a host function's failure, with a copy of a message. The caller's, until a host function returns it.
 * Any thread.
 */
wasmaot_error_t *wasmaot_error_new(const char *message);
/*
 * Makes an error for a host function to return: ends the program with a status. The caller's, until it is
 * returned. Any thread.
 */
wasmaot_error_t *wasmaot_error_new_exit(int32_t status);
/*
 * Makes an error for a host function to return: makes its caller trap. One of kind WASMAOT_ERROR_USAGE if
 * there is no such trap. The caller's, until it is returned. Any thread.
 */
wasmaot_error_t *wasmaot_error_new_trap(wasmaot_trap_t trap);
/*
 * Makes an error for a host function to return: suspends the call that it is part of, which
 * wasmaot_func_call_resumable made. `value` is for the caller of the suspended call, see
 * wasmaot_suspended_value; it is not looked at. A call that another function made ends with
 * WASMAOT_ERROR_USAGE. The caller's, until it is returned. Any thread.
 */
wasmaot_error_t *wasmaot_error_new_suspend(void *value);
/* Deletes an error, which no other thread uses any more. Does nothing with NULL. */
void wasmaot_error_delete(wasmaot_error_t *error);

/* Returns its kind; 0 for NULL. Any number of threads at a time. */
wasmaot_error_kind_t wasmaot_error_kind(const wasmaot_error_t *error);
/*
 * Returns what it says on the first line; messages of a trap or an exception go on with the functions that
 * were running, one on each. NULL for NULL. The error's, valid until it is deleted. Any number of threads at
 * a time.
 */
const char *wasmaot_error_message(const wasmaot_error_t *error);
/* Returns the status of an exit; 0 for other errors and NULL. Any number of threads at a time. */
int32_t wasmaot_error_exit_status(const wasmaot_error_t *error);
/*
 * Returns why the program trapped, or would if a host function returned the error; WASMAOT_TRAP_NONE for
 * other errors and NULL. Any number of threads at a time.
 */
wasmaot_trap_t wasmaot_error_trap(const wasmaot_error_t *error);
/*
 * Returns the functions that were running when the program trapped or threw, innermost first, 64 at most;
 * `*count`, if `count` is not NULL, gets their number. NULL and 0 for other errors. The error's, valid until
 * it is deleted. Any number of threads at a time.
 */
const wasmaot_frame_t *wasmaot_error_frames(const wasmaot_error_t *error, size_t *count);

/* ---- Types and values ---- */

/*
 * Types of values. References to functions are all one type here, whatever they are to functions of, and
 * whether or not they may be null.
 */
typedef uint8_t wasmaot_type_t;
enum {
    WASMAOT_I32 = 1,
    WASMAOT_I64 = 2,
    WASMAOT_F32 = 3,
    WASMAOT_F64 = 4,
    WASMAOT_V128 = 5,
    WASMAOT_FUNCREF = 6,
    WASMAOT_EXTERNREF = 7,
    WASMAOT_EXNREF = 8
};

/* The null among the numbers that stand for external references. */
#define WASMAOT_NULL_EXTERNREF UINT32_MAX

/*
 * A function of an instance; all zero is the null reference. It is a number that only its own instance
 * understands, valid until that is finished: used with another instance, or made up, it is refused with
 * WASMAOT_ERROR_USAGE. Nothing has to be deleted.
 */
typedef struct {
    uint64_t instance;
    uint64_t index;
} wasmaot_funcref_t;

/*
 * An exception that an instance has caught; all zero is the null reference. It is a number as that of a
 * function is. It does not keep the exception, which is there as long as the instance's code can reach it:
 * throwing one that is gone is the trap WASMAOT_TRAP_EXCEPTION_LIMIT.
 */
typedef struct {
    uint64_t instance;
    uint64_t index;
} wasmaot_exnref_t;

/* A value. */
typedef struct {
    wasmaot_type_t type;
    union {
        int32_t i32;
        int64_t i64;
        float f32;
        double f64;
        uint8_t v128[16]; /* as it lies in memory: lane 0 first, each in little-endian order */
        /* a number by which the host knows something of its own, or WASMAOT_NULL_EXTERNREF */
        uint32_t externref;
        wasmaot_funcref_t funcref;
        wasmaot_exnref_t exnref;
    } of;
} wasmaot_value_t;

static inline wasmaot_value_t wasmaot_i32(int32_t i32) {
    wasmaot_value_t value;
    value.type = WASMAOT_I32;
    value.of.i32 = i32;
    return value;
}

static inline wasmaot_value_t wasmaot_i64(int64_t i64) {
    wasmaot_value_t value;
    value.type = WASMAOT_I64;
    value.of.i64 = i64;
    return value;
}

static inline wasmaot_value_t wasmaot_f32(float f32) {
    wasmaot_value_t value;
    value.type = WASMAOT_F32;
    value.of.f32 = f32;
    return value;
}

static inline wasmaot_value_t wasmaot_f64(double f64) {
    wasmaot_value_t value;
    value.type = WASMAOT_F64;
    value.of.f64 = f64;
    return value;
}

static inline wasmaot_value_t wasmaot_v128(const uint8_t v128[16]) {
    wasmaot_value_t value;
    int i;
    value.type = WASMAOT_V128;
    for (i = 0; i < 16; i++) {
        value.of.v128[i] = v128[i];
    }
    return value;
}

static inline wasmaot_value_t wasmaot_externref(uint32_t externref) {
    wasmaot_value_t value;
    value.type = WASMAOT_EXTERNREF;
    value.of.externref = externref;
    return value;
}

static inline wasmaot_value_t wasmaot_funcref(wasmaot_funcref_t funcref) {
    wasmaot_value_t value;
    value.type = WASMAOT_FUNCREF;
    value.of.funcref = funcref;
    return value;
}

static inline wasmaot_value_t wasmaot_exnref(wasmaot_exnref_t exnref) {
    wasmaot_value_t value;
    value.type = WASMAOT_EXNREF;
    value.of.exnref = exnref;
    return value;
}

/* A function's type. */
typedef struct {
    const wasmaot_type_t *params;
    size_t params_count;
    const wasmaot_type_t *results;
    size_t results_count;
} wasmaot_functype_t;

/* The `max` of limits that state none. */
#define WASMAOT_NO_MAX UINT64_MAX

/* How large something is in the beginning, and may grow. */
typedef struct {
    uint64_t min;
    uint64_t max; /* or WASMAOT_NO_MAX */
} wasmaot_limits_t;

/* A memory's type. */
typedef struct {
    wasmaot_limits_t pages;
    uint64_t page_size; /* in bytes */
    bool is_64;         /* its addresses have 64 bits, not 32 */
    bool is_shared;     /* several threads may use it at a time */
} wasmaot_memorytype_t;

/* A table's type. */
typedef struct {
    wasmaot_limits_t elements;
    wasmaot_type_t type; /* of an element */
    bool is_64;          /* its indices have 64 bits, not 32 */
} wasmaot_tabletype_t;

/* A global's type. */
typedef struct {
    wasmaot_type_t type;
    bool is_mutable;
} wasmaot_globaltype_t;

/* What can be imported and exported. */
typedef enum {
    WASMAOT_EXTERN_FUNC = 0,
    WASMAOT_EXTERN_TABLE = 1,
    WASMAOT_EXTERN_MEMORY = 2,
    WASMAOT_EXTERN_GLOBAL = 3,
    WASMAOT_EXTERN_TAG = 4 /* `of.func` has the types of its values as parameters */
} wasmaot_extern_t;

/* Type of an import or export. */
typedef struct {
    wasmaot_extern_t kind;
    union {
        wasmaot_functype_t func;
        wasmaot_tabletype_t table;
        wasmaot_memorytype_t memory;
        wasmaot_globaltype_t global;
    } of;
} wasmaot_externtype_t;

/* An import. Names may hold NUL, therefore the lengths, which do not count the NUL at their end. */
typedef struct {
    const char *module;
    size_t module_length;
    const char *name;
    size_t name_length;
    wasmaot_externtype_t type;
} wasmaot_import_t;

/* An export. */
typedef struct {
    const char *name;
    size_t name_length;
    wasmaot_externtype_t type;
} wasmaot_export_t;

/* ---- Modules ---- */

/*
 * Artifacts are native code. wasmaot_module_open and wasmaot_module_from_bytes prove that it obeys the
 * sandbox, regardless of who made the file. Functions whose names say `trusted` check the structure only:
 * give them artifacts that wasmaot's compiler has written, and that others cannot have changed.
 */

/*
 * Opens a private copy of an artifact, which later changes of the file do not reach, if its machine code is
 * proven. That takes about as long as to read the file a hundred times, on this thread; what a process has
 * proven it remembers. `out` gets the module, to be deleted by the caller. WASMAOT_ERROR_OPEN says what is
 * wrong with the file, or where its code is not proven. Any thread.
 */
wasmaot_error_t *wasmaot_module_open(const char *path, wasmaot_module_t **out);
/* Opens a private copy of an artifact that is in memory; otherwise as wasmaot_module_open. */
wasmaot_error_t *wasmaot_module_from_bytes(const void *bytes, size_t length, wasmaot_module_t **out);
/*
 * Whether the module's code was proven when it was opened; false for NULL. Any number of threads at a time.
 */
bool wasmaot_module_is_proven(const wasmaot_module_t *module);

/*
 * Opens an artifact. `out` gets the module, to be deleted by the caller. The file must not change while the
 * module exists. WASMAOT_ERROR_OPEN says what is wrong with it. Any thread.
 */
wasmaot_error_t *wasmaot_module_open_trusted(const char *path, wasmaot_module_t **out);
/*
 * Opens a private copy of an artifact, which later changes of the file do not reach; otherwise as
 * wasmaot_module_open_trusted.
 */
wasmaot_error_t *wasmaot_module_open_sealed_trusted(const char *path, wasmaot_module_t **out);
/* Opens a private copy of an artifact that is in memory; otherwise as wasmaot_module_open_trusted. */
wasmaot_error_t *wasmaot_module_from_bytes_trusted(const void *bytes, size_t length, wasmaot_module_t **out);
/* Bytes of a key. */
#define WASMAOT_KEY_BYTES 32

/*
 * Makes a loader with the options that wasmaot_module_open uses: one thread, no proofs of other processes, no
 * keys, a private copy of each file. The caller's, to be deleted. Any thread. The functions below that change
 * it are called by one thread at a time, while none opens modules with it; any number of threads do that at a
 * time.
 */
wasmaot_loader_t *wasmaot_loader_new(void);
/* Deletes a loader, which no other thread uses any more. Modules stay valid. Does nothing with NULL. */
void wasmaot_loader_delete(wasmaot_loader_t *loader);
/* Sets the number of threads that prove an artifact, 0 being one per core; the calling one is one of them. */
wasmaot_error_t *wasmaot_loader_set_jobs(wasmaot_loader_t *loader, size_t jobs);
/*
 * Keeps proofs in a folder, for other processes that have the same key of WASMAOT_KEY_BYTES random bytes. The
 * folder need not be trusted and is made when it is needed; the key has to be secret. One that cannot be used
 * is none.
 */
wasmaot_error_t *wasmaot_loader_set_proofs(wasmaot_loader_t *loader, const char *folder, const uint8_t *key);
/*
 * Adds an Ed25519 public key in PEM. If there are any, one of them has to have signed each artifact (`wasmaot
 * sign`), in the file itself or in one beside it with `.sig` at the end of its name; others are refused
 * before anything else is looked at (WASMAOT_ERROR_OPEN).
 */
wasmaot_error_t *wasmaot_loader_add_key(wasmaot_loader_t *loader, const char *pem);
/*
 * Declares that no file beneath a folder is written to or truncated from when it is opened until its last
 * module is gone: such files are mapped where they lie, without a copy, so that processes share their pages.
 * They may be made, replaced by others, and deleted. WASMAOT_ERROR_SYSTEM if there is no such folder.
 */
wasmaot_error_t *wasmaot_loader_add_unchanging_folder(wasmaot_loader_t *loader, const char *folder);
/* Opens an artifact as wasmaot_module_open does, with the options of the loader. */
wasmaot_error_t *wasmaot_loader_open(const wasmaot_loader_t *loader, const char *path, wasmaot_module_t **out);
/* Opens an artifact that is in memory as wasmaot_module_from_bytes does, with the options of the loader. */
wasmaot_error_t *wasmaot_loader_from_bytes(const wasmaot_loader_t *loader, const void *bytes, size_t length,
                                           wasmaot_module_t **out);
/*
 * Opens an artifact that is signed, without a proof: what the owners of the keys sign is to be as wasmaot's
 * compiler has written it. WASMAOT_ERROR_USAGE if the loader has no keys. Otherwise as wasmaot_loader_open.
 */
wasmaot_error_t *wasmaot_loader_open_trusted(const wasmaot_loader_t *loader, const char *path, wasmaot_module_t **out);
/* Opens an artifact that is in memory; otherwise as wasmaot_loader_open_trusted. */
wasmaot_error_t *wasmaot_loader_from_bytes_trusted(const wasmaot_loader_t *loader, const void *bytes, size_t length,
                                                   wasmaot_module_t **out);
/*
 * Whether a loader's key has signed the module. If so, `key`, if it is not NULL, gets the WASMAOT_KEY_BYTES
 * of that key. Any number of threads at a time.
 */
bool wasmaot_module_signer(const wasmaot_module_t *module, uint8_t *key);

/*
 * Deletes a module, which no other thread uses any more. What was linked with it stays valid. Does nothing
 * with NULL.
 */
void wasmaot_module_delete(wasmaot_module_t *module);

/*
 * Returns what the module asks for, in its order; `*count`, if `count` is not NULL, gets the number. NULL and
 * 0 if there is nothing. The module's, valid until it is deleted. Any number of threads at a time.
 */
const wasmaot_import_t *wasmaot_module_imports(const wasmaot_module_t *module, size_t *count);
/* Returns what the module offers, in its order, on the terms of wasmaot_module_imports. */
const wasmaot_export_t *wasmaot_module_exports(const wasmaot_module_t *module, size_t *count);
/*
 * Returns its memories by index, exported or not, the imported ones first, on the terms of
 * wasmaot_module_imports.
 */
const wasmaot_memorytype_t *wasmaot_module_memories(const wasmaot_module_t *module, size_t *count);

/* ---- Linking ---- */

/*
 * A host function. `results` are zero or null until it sets them; their types are filled in. Returning an
 * error ends the program that called it, and the error is then the runtime's.
 */
typedef wasmaot_error_t *(*wasmaot_function_t)(void *environment, wasmaot_caller_t *caller,
                                               const wasmaot_value_t *args, wasmaot_value_t *results);

/* Makes a linker without definitions. The caller's, to be deleted. Any thread. */
wasmaot_linker_t *wasmaot_linker_new(void);
/*
 * Deletes a linker, which no other thread uses any more. What was linked with it stays valid. Does nothing
 * with NULL.
 */
void wasmaot_linker_delete(wasmaot_linker_t *linker);
/*
 * Defines a host function; the names and the type are copied. `environment` is passed to it, by any thread
 * that calls an instance, and by several at a time. If `drop` is not NULL, it is called once with the
 * environment, by any thread, when the linker and all that was linked with it are gone, and also if this
 * function fails. WASMAOT_ERROR_LINK if the name is defined already. One thread at a time changes a linker,
 * and none uses it meanwhile.
 */
wasmaot_error_t *wasmaot_linker_func(wasmaot_linker_t *linker, const char *module, const char *name,
                                     const wasmaot_functype_t *type, wasmaot_function_t function, void *environment,
                                     void (*drop)(void *environment));
/*
 * Defines a shared memory, which instances of any pool import. The linker and what is linked with it keep the
 * memory, also after wasmaot_sharedmemory_delete. WASMAOT_ERROR_LINK if the name is defined already. One
 * thread at a time changes a linker, and none uses it meanwhile.
 */
wasmaot_error_t *wasmaot_linker_sharedmemory(wasmaot_linker_t *linker, const char *module, const char *name,
                                             const wasmaot_sharedmemory_t *memory);
/*
 * Defines the functions of WASI preview 1. What they give to an instance is said when it is started.
 * WASMAOT_ERROR_LINK if one is defined already. One thread at a time changes a linker, and none uses it
 * meanwhile.
 */
wasmaot_error_t *wasmaot_linker_wasi(wasmaot_linker_t *linker);
/* Limits on what one module asks for, imports included. A field that is 0 has its default. */
typedef struct {
    /* memories; 9: the one in the slot, and eight more, which may take 64 GiB of addresses */
    uint32_t memories;
    uint32_t tables;         /* tables; 32 */
    /* elements that its tables have together, also after growth, and that active segments write; 100,000 */
    uint64_t total_elements;
    uint32_t globals;        /* globals; 10,000 */
    uint32_t functions;      /* imported functions, and those that references can be taken of; 20,000 */
    uint32_t types;          /* types of functions; 10,000 */
    uint32_t tags;           /* tags of exceptions; 1,000 */
    /* data and element segments that are not in an image or a constant table; 10,000 */
    uint32_t segments;
    uint64_t written_pages;  /* pages of 4 KiB that active data segments write at a start; 256 */
    uint32_t mappings;       /* mappings of the kernel's that an instance takes at most; 200 */
} wasmaot_module_limits_t;

/*
 * Sets what modules may ask for that are linked from now on. One thread at a time changes a linker, and none
 * uses it meanwhile.
 */
wasmaot_error_t *wasmaot_linker_set_module_limits(wasmaot_linker_t *linker, const wasmaot_module_limits_t *limits);
/*
 * Resolves the imports of a module, which must all be functions or shared memories. `out` gets a linked
 * module, to be deleted by the caller; later definitions do not reach it. WASMAOT_ERROR_LINK names all
 * imports that are missing, WASMAOT_ERROR_LIMIT a limit that the module exceeds. Any number of threads at a
 * time, while none changes the linker.
 */
wasmaot_error_t *wasmaot_linker_link(const wasmaot_linker_t *linker, const wasmaot_module_t *module,
                                     wasmaot_linked_t **out);
/*
 * Deletes a linked module, which no other thread uses any more. Functions and instances of it stay valid.
 * Does nothing with NULL.
 */
void wasmaot_linked_delete(wasmaot_linked_t *linked);

/*
 * Stores the pages that are hot now in pools with WASMAOT_HOT_SETS_SHARED as those that are hot in pools with
 * WASMAOT_HOT_SETS_FROZEN, and in requests without a tenant: run some requests that hold no secrets in a pool
 * of the first kind, call this, and serve from another pool. Any number of threads at a time.
 */
wasmaot_error_t *wasmaot_linked_freeze_hot_set(const wasmaot_linked_t *linked);
/*
 * Looks up an exported function, to be called in any instance of the linked module. `out` gets it, to be
 * deleted by the caller. WASMAOT_ERROR_USAGE if no function is exported by this name. Any number of threads
 * at a time.
 */
wasmaot_error_t *wasmaot_linked_func(const wasmaot_linked_t *linked, const char *name, wasmaot_func_t **out);
/*
 * Returns its type; NULL for NULL. The function's, valid until it is deleted. Any number of threads at a
 * time.
 */
const wasmaot_functype_t *wasmaot_func_type(const wasmaot_func_t *func);
/* Deletes a function, which no other thread uses any more. Does nothing with NULL. */
void wasmaot_func_delete(wasmaot_func_t *func);

/* ---- Shared memories ---- */

/* What wasmaot_sharedmemory_grow and the like give if there is no room. */
#define WASMAOT_NOT_GROWN UINT64_MAX

/*
 * Makes a memory of zeros, whose type has `is_shared` set. Instances and threads use it at the same time:
 * reads and writes of the host are plain copies, so a host that needs more agrees with the guests on when to
 * access what. All functions may be called by many threads at a time.
 */
wasmaot_error_t *wasmaot_sharedmemory_new(const wasmaot_memorytype_t *type, wasmaot_sharedmemory_t **out);
/* Deletes a handle. The memory lives as long as anything uses it. */
void wasmaot_sharedmemory_delete(wasmaot_sharedmemory_t *memory);
/* Its bytes now; 0 for NULL. */
uint64_t wasmaot_sharedmemory_size(const wasmaot_sharedmemory_t *memory);
/* Adds pages. `out` gets the number of pages before, or WASMAOT_NOT_GROWN if there is no room. */
wasmaot_error_t *wasmaot_sharedmemory_grow(const wasmaot_sharedmemory_t *memory, uint64_t pages, uint64_t *out);
/* Copies out of the memory. WASMAOT_ERROR_ACCESS if the bytes are not in it. */
wasmaot_error_t *wasmaot_sharedmemory_read(const wasmaot_sharedmemory_t *memory, uint64_t address, void *into,
                                           size_t length);
/* Copies into the memory. WASMAOT_ERROR_ACCESS if the bytes are not in it. */
wasmaot_error_t *wasmaot_sharedmemory_write(const wasmaot_sharedmemory_t *memory, uint64_t address, const void *bytes,
                                            size_t length);

/* ---- WASI ---- */

/*
 * Makes what instances get of WASI: nothing until it is given here. One context serves any number of
 * instances, which share the host's files behind it but no state of their own. The caller's, to be deleted.
 * Any thread. The functions below copy what they are given, and change the context: one thread at a time
 * calls them, and none starts instances with it meanwhile. Instances that were started before do not change.
 */
wasmaot_wasi_t *wasmaot_wasi_new(void);
/*
 * Deletes a context, which no other thread uses any more. Instances that were started with it stay valid.
 * Does nothing with NULL.
 */
void wasmaot_wasi_delete(wasmaot_wasi_t *wasi);
/* Adds an argument. The first one is the program's name. */
wasmaot_error_t *wasmaot_wasi_arg(wasmaot_wasi_t *wasi, const char *arg);
/* Adds a variable to the environment. */
wasmaot_error_t *wasmaot_wasi_env(wasmaot_wasi_t *wasi, const char *name, const char *value);
/* Adds all variables of this process's environment as it is now. */
wasmaot_error_t *wasmaot_wasi_inherit_env(wasmaot_wasi_t *wasi);
/* Gives the standard streams of this process. */
wasmaot_error_t *wasmaot_wasi_inherit_stdio(wasmaot_wasi_t *wasi);
/*
 * Gives a duplicate of a descriptor of this process (a file, a pipe, a socket) as standard stream 0, 1 or
 * 2.
 */
wasmaot_error_t *wasmaot_wasi_stream(wasmaot_wasi_t *wasi, int stream, int fd);
/*
 * Gives a copy of these bytes as standard input. Every instance reads them from the start, or those of
 * wasmaot_instance_set_stdin.
 */
wasmaot_error_t *wasmaot_wasi_stdin_bytes(wasmaot_wasi_t *wasi, const void *bytes, size_t length);
/*
 * Collects what an instance writes to standard stream 1 or 2, for wasmaot_instance_captured. Beyond `limit`
 * bytes, the program learns that no space is left, and the host by wasmaot_instance_capture_overflowed.
 */
wasmaot_error_t *wasmaot_wasi_capture(wasmaot_wasi_t *wasi, int stream, size_t limit);
/* Gives the directory `host_path` and all beneath it under the name `guest_path`. */
wasmaot_error_t *wasmaot_wasi_preopen(wasmaot_wasi_t *wasi, const char *host_path, const char *guest_path);
/* The same, to be read only: whatever would change something there is refused. */
wasmaot_error_t *wasmaot_wasi_preopen_read_only(wasmaot_wasi_t *wasi, const char *host_path, const char *guest_path);
/* Gives a duplicate of a listening socket of this process. Sockets come after the directories. */
wasmaot_error_t *wasmaot_wasi_listener(wasmaot_wasi_t *wasi, int fd);
/*
 * Listens at a TCP address, "127.0.0.1:8080" or "[::1]:8080", and gives the socket. Names are not looked up.
 * For port 0 the system chooses one; `port`, if not NULL, gets the port. The socket is closed when the
 * context and the instances that were started with it are gone.
 */
wasmaot_error_t *wasmaot_wasi_listen(wasmaot_wasi_t *wasi, const char *address, uint16_t *port);
/* How many descriptors an instance may have open, the given ones included: 128 if not set. */
wasmaot_error_t *wasmaot_wasi_max_descriptors(wasmaot_wasi_t *wasi, size_t count);
/*
 * How many bytes one call of an instance transfers, in all of the ranges that it lists: 2,147,479,552 (the
 * kernel's limit) if not set, and at most. The rest is left for the instance's next call, as POSIX allows; of
 * a message it is lost.
 */
wasmaot_error_t *wasmaot_wasi_max_transfer(wasmaot_wasi_t *wasi, uint64_t bytes);

/* ---- Pools ---- */

/* How an instance's memory is reset. */
typedef enum {
    /* the slot was emptied: that failed, or others still use a shared memory that the instance defines */
    WASMAOT_RESET_NONE = 0,
    WASMAOT_RESET_COPY = 1, /* by copying the pages that the module usually writes; no system call */
    WASMAOT_RESET_SCAN = 2, /* by asking the kernel which pages were written, and copying those */
    WASMAOT_RESET_DROP = 3  /* by dropping all pages, so that the next run faults them in again */
} wasmaot_reset_t;

/*
 * Which requests of a module share a hot set: the pages that the module usually writes, which can be written
 * without a fault and are restored by a copy. A guest can tell them from other pages by the time that a write
 * takes. So requests that share a set which is learned from their writes can learn which pages of 4 KiB the
 * others wrote, though never what. That matters where one module serves requests of different tenants and the
 * addresses that it writes depend on secrets. No choice covers what the processor's caches show, nor, for
 * requests without a tenant, which pages earlier requests read.
 */
typedef enum {
    /*
     * One set for all requests, learned from all of them: the fastest, where they may learn which pages the
     * others wrote.
     */
    WASMAOT_HOT_SETS_SHARED = 1,
    /*
     * A set for each tenant (wasmaot_start_t), learned from that tenant's requests; a slot that changes
     * tenants drops all its pages. Requests without a tenant are treated as by WASMAOT_HOT_SETS_FROZEN. The
     * default.
     */
    WASMAOT_HOT_SETS_PER_TENANT = 2,
    /*
     * One set that no request changes: the pages that wasmaot_linked_freeze_hot_set stored, none before that.
     * Written pages outside of it are dropped after each run. A slot that changes tenants drops all its
     * pages.
     */
    WASMAOT_HOT_SETS_FROZEN = 3
} wasmaot_hot_sets_t;

/*
 * What a program does with the signal masks and alternate signal stacks of threads that have called
 * instances.
 */
typedef enum {
    /* it leaves them, or calls wasmaot_prepare_thread; no system call is made to check that */
    WASMAOT_SIGNALS_UNCHANGED = 0,
    /* anything: two system calls at each call of an instance and each return of a host function */
    WASMAOT_SIGNALS_CHECKED = 1
} wasmaot_host_signals_t;

/*
 * Which modules a store has instances of; each instance of a pool is in a store of its own. Code that is only
 * trusted can break what was proven of others in its store.
 */
typedef enum {
    /* all are proven (wasmaot_module_is_proven), or all are trusted: what the first one is */
    WASMAOT_MODULES_UNIFORM = 0,
    /* all are proven */
    WASMAOT_MODULES_PROVEN = 1,
    /* both together */
    WASMAOT_MODULES_MIXED = 2,
    /* all are signed by a key of the loader that opened them (wasmaot_module_signer), proven or not */
    WASMAOT_MODULES_SIGNED = 3,
    /* all are proven and signed */
    WASMAOT_MODULES_PROVEN_AND_SIGNED = 4
} wasmaot_modules_t;

/* What a pool is to offer. A field that is 0 has its default. */
typedef struct {
    uint32_t slots;        /* instances that can exist at a time, each taking some 8 GiB of addresses; 64 */
    uint64_t stack;        /* bytes of stack of each, whole pages of 4 KiB, 64 KiB to 7 MiB; 1 MiB */
    uint64_t memory;       /* bytes that each memory of an instance may have; 4 GiB */
    uint64_t table;        /* elements that each table of an instance may have; 10,000,000 */
    wasmaot_reset_t reset; /* the cheapest way of resetting that may be taken; WASMAOT_RESET_COPY */
    uint32_t hot_sets;     /* a wasmaot_hot_sets_t; WASMAOT_HOT_SETS_PER_TENANT */
    /* calls of instances that a thread may have begun at a time, by host functions of each other; 1,000 */
    uint32_t nesting;
    wasmaot_host_signals_t host_signals; /* WASMAOT_SIGNALS_UNCHANGED */
    /* bytes of addresses that an instance may reserve: its slot, memories and tables; 80 GiB */
    uint64_t addresses;
    /* bytes of addresses that all instances may reserve together outside of their slots; 8 TiB */
    uint64_t total_addresses;
    /* exceptions that an instance keeps because its code can still reach them; 65,536, at least 256 */
    uint32_t exceptions;
    wasmaot_modules_t modules; /* WASMAOT_MODULES_UNIFORM; instances of others are refused (WASMAOT_ERROR_LINK) */
} wasmaot_pool_config_t;

/* Gauges and event counters of a pool at one moment. */
typedef struct {
    uint64_t slots;     /* slots of the pool */
    uint64_t in_use;    /* slots whose instance is in use now */
    uint64_t free;      /* slots that a start can take now */
    uint64_t started;   /* instances that were started */
    uint64_t exhausted; /* starts that failed because all slots were in use */
    uint64_t made;    /* instances that were made in a slot that held none of their module */
    uint64_t copied;  /* resets by WASMAOT_RESET_COPY */
    uint64_t scanned; /* resets by WASMAOT_RESET_SCAN */
    uint64_t dropped; /* resets by WASMAOT_RESET_DROP */
    uint64_t failed;  /* resets that failed, so that the slot was emptied */
    /* slots that were emptied because others still used a shared memory that the instance defines */
    uint64_t removed;
    uint64_t moved;   /* slots whose instance was handed over from one tenant to another, all pages dropped */
} wasmaot_pool_stats_t;

/*
 * Limits of an instance, by the names that they have in Rust (ResourceLimits). A field that is 0 sets none:
 * what the pool allows holds then. A limit that is larger than the pool's has no effect.
 */
typedef struct {
    uint64_t memory;    /* bytes that each of its memories may have */
    uint64_t table;     /* elements that each of its tables may have */
    uint64_t addresses; /* bytes of addresses that it may reserve; in a pool those of its configuration hold */
    uint64_t fuel;      /* as for wasmaot_instance_set_fuel, if its code counts (wasmaot compile --meter) */
    /* nanoseconds from now, as for wasmaot_instance_set_deadline, for its start function, too */
    uint64_t deadline;
    uint64_t cpu_time;  /* nanoseconds, as for wasmaot_instance_set_cpu_time, for its start function, too */
    /* calls of instances that a thread may have begun at a time, by host functions of each other */
    uint32_t nesting;
    uint32_t exceptions; /* exceptions that it keeps because its code can still reach them; at least 256 */
    bool trap;          /* growth beyond a limit traps, instead of giving the program -1 */
} wasmaot_resource_limits_t;

/* What a new instance is given. A field that is 0 gives nothing. */
typedef struct {
    void *data;                 /* the host's own, for wasmaot_instance_data and wasmaot_caller_data */
    const wasmaot_wasi_t *wasi; /* NULL: nothing */
    /* whose request it is, see wasmaot_hot_sets_t: a number of the host's choice; 0: that of no tenant */
    uint64_t tenant;
    wasmaot_resource_limits_t limits;
} wasmaot_start_t;

/*
 * Reserves slots. `config` may be NULL for the defaults. `out` gets the pool, to be deleted by the caller.
 * WASMAOT_ERROR_USAGE names a field that is out of range; WASMAOT_ERROR_SYSTEM if the kernel has not as many
 * addresses or mappings. Any thread.
 */
wasmaot_error_t *wasmaot_pool_new(const wasmaot_pool_config_t *config, wasmaot_pool_t **out);
/*
 * Deletes a pool, which no other thread uses any more. Instances that run stay valid until they are finished.
 * Does nothing with NULL.
 */
void wasmaot_pool_delete(wasmaot_pool_t *pool);
/* Copies the gauges and event counters of a pool to `out`. Any number of threads at a time. */
wasmaot_error_t *wasmaot_pool_stats(const wasmaot_pool_t *pool, wasmaot_pool_stats_t *out);
/*
 * Makes slots ready for a module and a tenant (0 for none), so that this many starts at the same time are as
 * fast as later ones: otherwise the first start in a slot makes it. Slots that are ready already count, and
 * no start function runs. WASMAOT_ERROR_EXHAUSTED if fewer slots are free, WASMAOT_ERROR_SYSTEM if the kernel
 * refuses one; those that were made stay ready. Any number of threads at a time.
 */
wasmaot_error_t *wasmaot_pool_prepare(const wasmaot_pool_t *pool, const wasmaot_linked_t *linked, uint64_t tenant,
                                      uint32_t slots);
/*
 * Makes a fresh instance and runs its start function, on this thread. `start` may be NULL for an instance
 * that is given nothing; it is copied. `out` gets the instance, to be finished by the caller, on any thread.
 * WASMAOT_ERROR_EXHAUSTED if all slots are in use, WASMAOT_ERROR_LIMIT if the module exceeds a limit, and
 * whatever the start function ends with. Any number of threads at a time.
 */
wasmaot_error_t *wasmaot_pool_start(const wasmaot_pool_t *pool, const wasmaot_linked_t *linked,
                                    const wasmaot_start_t *start, wasmaot_instance_t **out);

/* ---- Stores ---- */

/*
 * Makes a store, for instances that import memories, tables, globals, functions and tags from each other.
 * Each is made anew, which takes longer than to start one in a pool, and is not reset: for requests there are
 * pools. `start` may be NULL for a store that is given nothing; it is copied. Its limits hold for each
 * instance, those of fuel and time for all together; `tenant` is not looked at. `out` gets the store, to be
 * deleted by the caller. Any thread. One thread at a time uses a store and its instances: they are in use
 * together, so that a host function reaches none of them but by its caller.
 */
wasmaot_error_t *wasmaot_store_new(const wasmaot_start_t *start, wasmaot_store_t **out);
/*
 * Sets which modules the store makes instances of from now on; WASMAOT_MODULES_UNIFORM at first.
 * WASMAOT_ERROR_LINK if one that it has is of another module; nothing has changed then. One thread at a time.
 */
wasmaot_error_t *wasmaot_store_set_modules(wasmaot_store_t *store, wasmaot_modules_t modules);
/*
 * Deletes a handle. The store lives as long as one of its instances has not been finished. Does nothing
 * with NULL.
 */
void wasmaot_store_delete(wasmaot_store_t *store);
/*
 * Makes an instance in a store and runs its start function, on this thread. `out` gets the instance, to be
 * finished by the caller; all functions of instances take it. To finish it gives only the handle back, and
 * says what all instances of the store have used. WASMAOT_ERROR_LINK if an import is missing, of another
 * type, or was defined in another store.
 */
wasmaot_error_t *wasmaot_linker_instantiate(const wasmaot_linker_t *linker, wasmaot_store_t *store,
                                            const wasmaot_module_t *module, wasmaot_instance_t **out);
/*
 * Defines all exports of an instance, under `name` and their own names, for modules that are instantiated in
 * its store. WASMAOT_ERROR_LINK if one is defined already. One thread at a time changes a linker, and none
 * uses it meanwhile.
 */
wasmaot_error_t *wasmaot_linker_instance(wasmaot_linker_t *linker, const char *name,
                                         const wasmaot_instance_t *instance);
/* Defines a new memory of zeros in a store, otherwise as wasmaot_linker_instance. */
wasmaot_error_t *wasmaot_linker_memory(wasmaot_linker_t *linker, wasmaot_store_t *store, const char *module,
                                       const char *name, const wasmaot_memorytype_t *type);
/*
 * Defines a new table in a store, whose elements are all `init`, otherwise as wasmaot_linker_instance.
 * WASMAOT_ERROR_USAGE if the value is not of its type, or is a function of another store.
 */
wasmaot_error_t *wasmaot_linker_table(wasmaot_linker_t *linker, wasmaot_store_t *store, const char *module,
                                      const char *name, const wasmaot_tabletype_t *type,
                                      const wasmaot_value_t *init);
/* Defines a new global in a store with this value, on the terms of wasmaot_linker_table. */
wasmaot_error_t *wasmaot_linker_global(wasmaot_linker_t *linker, wasmaot_store_t *store, const char *module,
                                       const char *name, const wasmaot_globaltype_t *type,
                                       const wasmaot_value_t *init);

/* ---- Instances ---- */

/* The number of executed operators where nothing counts them. */
#define WASMAOT_NOT_COUNTED UINT64_MAX

/* What an instance used. */
typedef struct {
    /*
     * bytes of all its memories in the end, imported ones included, which is their peak: memories never
     * shrink
     */
    uint64_t memory;
    uint64_t operators;     /* see wasmaot_instance_operators */
    uint64_t fuel;          /* fuel that it used, see wasmaot_instance_set_fuel; or WASMAOT_NOT_COUNTED */
    uint64_t host_calls;    /* its calls of host functions, those of WASI included, however they ended */
    /* by functions of WASI, from files, pipes, sockets and input in memory, as reported to the program */
    uint64_t bytes_read;
    uint64_t bytes_written; /* by functions of WASI, likewise, output that is collected included */
    wasmaot_reset_t reset;  /* how its slot was reset */
} wasmaot_usage_t;

/*
 * Ends an instance and gives its slot back; its handle is not used any more. `out`, if not NULL, gets what
 * the instance used. Does nothing with NULL. WASMAOT_ERROR_USAGE while the instance is in use, as inside a
 * host function that it called: it stays valid then. Suspended calls of it are given up.
 */
wasmaot_error_t *wasmaot_instance_finish(wasmaot_instance_t *instance, wasmaot_usage_t *out);
/*
 * Copies to `out` what the instance has used so far, or what all instances of its store have; `reset` is
 * WASMAOT_RESET_NONE. WASMAOT_ERROR_USAGE while it is in use.
 */
wasmaot_error_t *wasmaot_instance_usage(const wasmaot_instance_t *instance, wasmaot_usage_t *out);
/*
 * Returns the host's data that it was started with, also while it is in use; NULL for NULL. Any number of
 * threads at a time.
 */
void *wasmaot_instance_data(const wasmaot_instance_t *instance);
/*
 * Stops what the instance runs when these nanoseconds have passed, with WASMAOT_TRAP_DEADLINE_EXCEEDED; calls
 * that begin later than that do not run at all. UINT64_MAX: never. Compiled code does not pay for it. A host
 * function is not stopped, but its caller when it returns; if it waits in a system call then, or calls one
 * later, that fails with EINTR. An error of kind WASMAOT_ERROR_SYSTEM if the thread that enforces timeouts
 * cannot be made; the next call tries again.
 */
wasmaot_error_t *wasmaot_instance_set_deadline(wasmaot_instance_t *instance, uint64_t nanoseconds);
/*
 * Stops what the instance runs with WASMAOT_TRAP_CPU_TIME_EXCEEDED when it has used these nanoseconds of CPU
 * time from now on, in its code, in host functions and in the kernel, all calls together. UINT64_MAX: never.
 * A call costs two system calls more where this is set. Errors as for wasmaot_instance_set_deadline.
 */
wasmaot_error_t *wasmaot_instance_set_cpu_time(wasmaot_instance_t *instance, uint64_t nanoseconds);
/*
 * The WebAssembly operators that the instance has executed so far, or WASMAOT_NOT_COUNTED: also if `instance`
 * is NULL, and while a call runs. The count is exact, but for a run that was stopped by its timeout or from
 * another thread, of which up to 180 may be missing.
 */
uint64_t wasmaot_instance_operators(const wasmaot_instance_t *instance);
/*
 * Sets the fuel that the instance may use from now on. Each operator takes a unit, and bulk work more before
 * it is done: memory.fill, copy, init and grow one for each 64 bytes that begin behind the first 64,
 * table.fill, copy, init and grow one for each element. It stops with WASMAOT_TRAP_OUT_OF_FUEL when it would
 * use more, at most 180 operators later. Host functions, those of WASI included, take none. Refused if its
 * code does not count operators.
 */
wasmaot_error_t *wasmaot_instance_set_fuel(wasmaot_instance_t *instance, uint64_t fuel);
/*
 * Gives a copy of these bytes as standard input to this instance alone, to be read from the start. Refused
 * unless its context has standard input in memory (wasmaot_wasi_stdin_bytes).
 */
wasmaot_error_t *wasmaot_instance_set_stdin(wasmaot_instance_t *instance, const void *bytes, size_t length);
/*
 * What the instance has written so far to standard stream 1 or 2, if that is collected
 * (wasmaot_wasi_capture), also after a trap or an exit: `*length` bytes, without a NUL at their end. NULL and
 * 0 if there is nothing, or while a call runs. They are the instance's, valid until it is called, discards
 * them or is finished. (With an instance whose start function failed, they are gone.)
 */
const char *wasmaot_instance_captured(const wasmaot_instance_t *instance, int stream, size_t *length);
/*
 * Whether what was collected of standard stream 1 or 2 is incomplete: the instance tried to write more than
 * the limit since it was started, or since what was collected was last discarded. False where
 * wasmaot_instance_captured returns NULL for another reason.
 */
bool wasmaot_instance_capture_overflowed(const wasmaot_instance_t *instance, int stream);
/* Forgets what was collected of standard stream 1 or 2; what is written afterwards is collected anew. */
wasmaot_error_t *wasmaot_instance_discard_captured(wasmaot_instance_t *instance, int stream);
/*
 * Gives a handle by which any thread can stop the instance, to be deleted by the caller. It may outlive the
 * instance. WASMAOT_ERROR_USAGE while the instance is in use, WASMAOT_ERROR_SYSTEM if no signal or thread is
 * left to stop it by.
 */
wasmaot_error_t *wasmaot_instance_interrupt(wasmaot_instance_t *instance, wasmaot_interrupt_t **out);
/*
 * Calls a function, with as many arguments and as much room for results as its type says: `results` get all
 * of them, or none if the call fails. After a trap or another error the instance can still be called, and is
 * in the state that it was left in. WASMAOT_ERROR_USAGE if the instance is of another linked module, if a
 * value is not of its type or is a function of another instance, and while the instance is in use. One thread
 * at a time uses an instance; the function may be shared.
 */
wasmaot_error_t *wasmaot_func_call(const wasmaot_func_t *func, wasmaot_instance_t *instance,
                                   const wasmaot_value_t *args, size_t args_count, wasmaot_value_t *results,
                                   size_t results_count);
/*
 * Looks up an exported function and calls it, as wasmaot_func_call does. WASMAOT_ERROR_USAGE if no function
 * is exported by this name.
 */
wasmaot_error_t *wasmaot_instance_call(wasmaot_instance_t *instance, const char *name, const wasmaot_value_t *args,
                                       size_t args_count, wasmaot_value_t *results, size_t results_count);
/*
 * Returns the bytes of its memory (the export "memory", or else the first one); 0 if it has none, for NULL,
 * and while it is in use.
 */
uint64_t wasmaot_instance_memory_size(const wasmaot_instance_t *instance);
/*
 * Copies `length` bytes out of that memory. WASMAOT_ERROR_ACCESS if they are not in it, WASMAOT_ERROR_USAGE
 * while the instance is in use.
 */
wasmaot_error_t *wasmaot_instance_read(const wasmaot_instance_t *instance, uint64_t address, void *into,
                                       size_t length);
/*
 * Copies `length` bytes into that memory. WASMAOT_ERROR_ACCESS if they are not in it, WASMAOT_ERROR_USAGE
 * while the instance is in use.
 */
wasmaot_error_t *wasmaot_instance_write(wasmaot_instance_t *instance, uint64_t address, const void *bytes,
                                        size_t length);

/* ---- Exports of an instance ---- */

/*
 * Globals, tables and memories by the names that the module exports them by. Each is an error of kind
 * WASMAOT_ERROR_USAGE if there is no such export, if a value is not of the type that is needed or is a
 * function of another instance, or while the instance is in use; and of kind WASMAOT_ERROR_ACCESS if an index
 * or an address is outside. What is given through `out` is a copy; nothing has to be deleted.
 */

/* The value of a global. */
wasmaot_error_t *wasmaot_instance_global_get(const wasmaot_instance_t *instance, const char *name,
                                             wasmaot_value_t *out);
/* Sets a global, which must be mutable. */
wasmaot_error_t *wasmaot_instance_global_set(wasmaot_instance_t *instance, const char *name,
                                             const wasmaot_value_t *value);
/* The number of a table's elements. */
wasmaot_error_t *wasmaot_instance_table_size(const wasmaot_instance_t *instance, const char *name, uint64_t *out);
/* An element of a table. */
wasmaot_error_t *wasmaot_instance_table_get(const wasmaot_instance_t *instance, const char *name, uint64_t index,
                                            wasmaot_value_t *out);
/* Sets an element of a table. */
wasmaot_error_t *wasmaot_instance_table_set(wasmaot_instance_t *instance, const char *name, uint64_t index,
                                            const wasmaot_value_t *value);
/*
 * Adds elements with this value to a table. `out` gets their number before, or WASMAOT_NOT_GROWN if there is
 * no room.
 */
wasmaot_error_t *wasmaot_instance_table_grow(wasmaot_instance_t *instance, const char *name, uint64_t count,
                                             const wasmaot_value_t *init, uint64_t *out);
/* Adds pages to a memory. `out` gets their number before, or WASMAOT_NOT_GROWN if there is no room. */
wasmaot_error_t *wasmaot_instance_memory_grow(wasmaot_instance_t *instance, const char *name, uint64_t pages,
                                              uint64_t *out);
/*
 * The address of `length` bytes of a memory in this process, for direct access without copies. It is valid
 * until the instance is finished: a memory never moves. With `writable` the bytes may be written, also while
 * the instance runs; without, they may only be read, as their pages may be protected. (To write elsewhere in
 * the memory ends the process, or is lost.) If the artifact's file is truncated meanwhile, an access ends the
 * process: where that can happen, open it with wasmaot_module_open_sealed_trusted.
 */
wasmaot_error_t *wasmaot_instance_memory_data(wasmaot_instance_t *instance, const char *name, uint64_t address,
                                              size_t length, bool writable, void **out);
/*
 * Calls a function by a value of type WASMAOT_FUNCREF, such as an element of a table, as
 * wasmaot_instance_call calls one by its name.
 */
wasmaot_error_t *wasmaot_instance_call_ref(wasmaot_instance_t *instance, const wasmaot_value_t *func,
                                           const wasmaot_value_t *args, size_t args_count, wasmaot_value_t *results,
                                           size_t results_count);

/* ---- Host functions ---- */

/*
 * Returns the host's data that the instance was started with. The functions of a caller are for the host
 * function that got it, on its thread until it returns; while a call that it makes runs, they are refused
 * with WASMAOT_ERROR_USAGE.
 */
void *wasmaot_caller_data(const wasmaot_caller_t *caller);
/*
 * Calls an exported function of the instance, as wasmaot_instance_call does. A host function that returns its
 * error ends as the called one did, with the same frames.
 */
wasmaot_error_t *wasmaot_caller_call(wasmaot_caller_t *caller, const char *name, const wasmaot_value_t *args,
                                     size_t args_count, wasmaot_value_t *results, size_t results_count);
/*
 * For host functions that wait or compute for long: returns an error to return if the instance is to be
 * stopped.
 */
wasmaot_error_t *wasmaot_caller_check_interrupt(const wasmaot_caller_t *caller);
/* As wasmaot_instance_memory_size. */
uint64_t wasmaot_caller_memory_size(const wasmaot_caller_t *caller);
/* As wasmaot_instance_read. */
wasmaot_error_t *wasmaot_caller_read(const wasmaot_caller_t *caller, uint64_t address, void *into, size_t length);
/* As wasmaot_instance_write. */
wasmaot_error_t *wasmaot_caller_write(wasmaot_caller_t *caller, uint64_t address, const void *bytes, size_t length);

/* As wasmaot_instance_global_get. */
wasmaot_error_t *wasmaot_caller_global_get(const wasmaot_caller_t *caller, const char *name,
                                           wasmaot_value_t *out);
/* As wasmaot_instance_global_set. */
wasmaot_error_t *wasmaot_caller_global_set(wasmaot_caller_t *caller, const char *name,
                                           const wasmaot_value_t *value);
/* As wasmaot_instance_table_size. */
wasmaot_error_t *wasmaot_caller_table_size(const wasmaot_caller_t *caller, const char *name, uint64_t *out);
/* As wasmaot_instance_table_get. */
wasmaot_error_t *wasmaot_caller_table_get(const wasmaot_caller_t *caller, const char *name, uint64_t index,
                                          wasmaot_value_t *out);
/* As wasmaot_instance_table_set. */
wasmaot_error_t *wasmaot_caller_table_set(wasmaot_caller_t *caller, const char *name, uint64_t index,
                                          const wasmaot_value_t *value);
/* As wasmaot_instance_table_grow. */
wasmaot_error_t *wasmaot_caller_table_grow(wasmaot_caller_t *caller, const char *name, uint64_t count,
                                           const wasmaot_value_t *init, uint64_t *out);
/* As wasmaot_instance_memory_grow. */
wasmaot_error_t *wasmaot_caller_memory_grow(wasmaot_caller_t *caller, const char *name, uint64_t pages,
                                            uint64_t *out);
/* As wasmaot_instance_memory_data. */
wasmaot_error_t *wasmaot_caller_memory_data(wasmaot_caller_t *caller, const char *name, uint64_t address,
                                            size_t length, bool writable, void **out);
/* As wasmaot_instance_call_ref. */
wasmaot_error_t *wasmaot_caller_call_ref(wasmaot_caller_t *caller, const wasmaot_value_t *func,
                                         const wasmaot_value_t *args, size_t args_count, wasmaot_value_t *results,
                                         size_t results_count);

/* ---- Suspended calls ---- */

/*
 * Calls a function as wasmaot_func_call does, so that a host function can suspend it by returning
 * wasmaot_error_new_suspend. Then `out` gets the call, which the caller deletes, and no result is written;
 * NULL if the call is over. No thread is needed while a call waits: the instance may be read and written by
 * any thread meanwhile, for example to put into its memory what the host function waits for, but calls
 * nothing else. A call that a host function makes itself cannot be suspended.
 */
wasmaot_error_t *wasmaot_func_call_resumable(const wasmaot_func_t *func, wasmaot_instance_t *instance,
                                             const wasmaot_value_t *args, size_t args_count, wasmaot_value_t *results,
                                             size_t results_count, wasmaot_suspended_t **out);
/* Whether the call waits; false once it is over, and for NULL. */
bool wasmaot_suspended_is_waiting(const wasmaot_suspended_t *suspended);
/* What the host function gave to wasmaot_error_new_suspend; NULL if the call does not wait. */
void *wasmaot_suspended_value(const wasmaot_suspended_t *suspended);
/*
 * Goes on with the call, on this thread, as if the host function returned these values. If it is suspended
 * again, it waits again and `results` are not written. Fails, and the call goes on waiting, if the instance
 * is another one or in use, or `values` are of the wrong kind for C; all other errors end the call.
 */
wasmaot_error_t *wasmaot_suspended_resume(wasmaot_suspended_t *suspended, wasmaot_instance_t *instance,
                                          const wasmaot_value_t *values, size_t values_count,
                                          wasmaot_value_t *results, size_t results_count);
/*
 * Goes on with the call as if the host function returned this error, which is the runtime's from then on.
 * Returns how the call ends.
 */
wasmaot_error_t *wasmaot_suspended_fail(wasmaot_suspended_t *suspended, wasmaot_instance_t *instance,
                                        wasmaot_error_t *error);
/* Gives the call up: nothing of it runs any more, and the instance can be called again. */
wasmaot_error_t *wasmaot_suspended_abandon(wasmaot_suspended_t *suspended, wasmaot_instance_t *instance);
/*
 * Deletes a call, which no other thread uses any more. If it still waits, all that is left to do with its
 * instance is to finish it. Does nothing with NULL.
 */
void wasmaot_suspended_delete(wasmaot_suspended_t *suspended);

/* ---- Stopping ---- */

/*
 * Stops what the instance runs, with WASMAOT_TRAP_KILLED, and all that it would run later. May be called by
 * any thread, outside of signal handlers, and does not wait. An instance that is finished, and the one that
 * has its slot now, are not affected.
 */
void wasmaot_interrupt_kill(const wasmaot_interrupt_t *interrupt);
/* Deletes a handle, which no other thread uses any more. Does nothing with NULL. */
void wasmaot_interrupt_delete(wasmaot_interrupt_t *interrupt);

/* ---- Signals, see above ---- */

/*
 * Prepares the calling thread for calling instances, and checks the handlers of the process. Fails if one of
 * the host's stays in front.
 */
wasmaot_error_t *wasmaot_prepare_thread(void);
/* Uses this signal as the interrupt signal. Refused if the program has a handler of it. */
wasmaot_error_t *wasmaot_set_interrupt_signal(int number);
/* The interrupt signal; 0 before the first module is opened, or if none is free. */
int wasmaot_interrupt_signal(void);

#ifdef __cplusplus
}
#endif

#endif
