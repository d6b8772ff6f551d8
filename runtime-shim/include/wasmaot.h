/*
 * C API of the wasmaot runtime: open artifacts, instantiate them with host functions, call exports.
 *
 * Conventions. A function that can fail returns NULL on success, or an error that the caller deletes. What a
 * function gives through a pointer named `out` is the caller's, to be deleted by the function of its type; nothing is
 * given if the function fails. Strings are UTF-8 and end with NUL. An instance is used by one thread at a time; modules may
 * be shared. Deleting NULL does nothing.
 */
#ifndef WASMAOT_H
#define WASMAOT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An artifact that has been checked and mapped. */
typedef struct wasmaot_module wasmaot_module_t;
/* An instance of a module, with its own memory. */
typedef struct wasmaot_instance wasmaot_instance_t;
/* The instance that called a host function; valid until that returns. */
typedef struct wasmaot_caller wasmaot_caller_t;
/* Why something failed. */
typedef struct wasmaot_error wasmaot_error_t;

/* What kind of failure an error is. */
typedef enum {
    WASMAOT_ERROR_OPEN = 1,        /* the file cannot be opened as a module */
    WASMAOT_ERROR_INSTANTIATE = 2, /* an import is missing or of another type, or memory cannot be mapped */
    WASMAOT_ERROR_CALL = 3,        /* no such export, or wrong arguments */
    WASMAOT_ERROR_TRAP = 4,        /* the program trapped */
    WASMAOT_ERROR_EXIT = 5,        /* a host function ended the program with a status */
    WASMAOT_ERROR_HOST = 6         /* a host function failed */
} wasmaot_error_kind_t;

/* Types of values. */
typedef enum { WASMAOT_I32 = 1, WASMAOT_I64 = 2, WASMAOT_F32 = 3, WASMAOT_F64 = 4 } wasmaot_type_t;

/* A value. */
typedef struct {
    uint8_t type; /* a wasmaot_type_t */
    union {
        int32_t i32;
        int64_t i64;
        float f32;
        double f64;
    } of;
} wasmaot_value_t;

/*
 * A host function. It sets all of `results`, whose types are filled in. Returning an error ends the caller; the error
 * is then the runtime's.
 */
typedef wasmaot_error_t *(*wasmaot_function_t)(void *environment, wasmaot_caller_t *caller,
                                               const wasmaot_value_t *args, wasmaot_value_t *results);

/* A definition for an import. */
typedef struct {
    const char *module;
    const char *name;
    const uint8_t *params; /* wasmaot_type_t each */
    size_t params_count;
    const uint8_t *results; /* wasmaot_type_t each */
    size_t results_count;
    wasmaot_function_t function;
    void *environment; /* passed to the function */
} wasmaot_import_t;

/* Opens an artifact. The file must not change while the module exists. */
wasmaot_error_t *wasmaot_module_open(const char *path, wasmaot_module_t **out);
/* Opens a copy of an artifact that is in memory. */
wasmaot_error_t *wasmaot_module_from_bytes(const uint8_t *bytes, size_t length, wasmaot_module_t **out);
/* Deletes a module. Its instances stay valid. */
void wasmaot_module_delete(wasmaot_module_t *module);

/* Makes an instance and runs its start function. */
wasmaot_error_t *wasmaot_instance_new(const wasmaot_module_t *module, const wasmaot_import_t *imports,
                                      size_t imports_count, wasmaot_instance_t **out);
/* Deletes an instance. */
void wasmaot_instance_delete(wasmaot_instance_t *instance);
/* Calls an exported function. `results_count` is the number of its results. */
wasmaot_error_t *wasmaot_instance_call(wasmaot_instance_t *instance, const char *name, const wasmaot_value_t *args,
                                       size_t args_count, wasmaot_value_t *results, size_t results_count);
/* Copies out of the instance's memory (the export "memory", or else its first one). */
wasmaot_error_t *wasmaot_instance_read(const wasmaot_instance_t *instance, uint32_t address, void *into,
                                       size_t length);
/* Copies into the instance's memory. */
wasmaot_error_t *wasmaot_instance_write(wasmaot_instance_t *instance, uint32_t address, const void *bytes,
                                        size_t length);

/* Copies out of the caller's memory. */
wasmaot_error_t *wasmaot_caller_read(const wasmaot_caller_t *caller, uint32_t address, void *into, size_t length);
/* Copies into the caller's memory. */
wasmaot_error_t *wasmaot_caller_write(wasmaot_caller_t *caller, uint32_t address, const void *bytes, size_t length);
/* Bytes of the caller's memory, 0 if it has none. */
uint64_t wasmaot_caller_memory_size(const wasmaot_caller_t *caller);

/* A host function's failure, with a message. */
wasmaot_error_t *wasmaot_error_new(const char *message);
/* Ends the program with a status. */
wasmaot_error_t *wasmaot_error_new_exit(int32_t status);
/* Its kind. */
wasmaot_error_kind_t wasmaot_error_kind(const wasmaot_error_t *error);
/* What it says; valid until the error is deleted. For a trap this includes the Wasm backtrace, a line per function. */
const char *wasmaot_error_message(const wasmaot_error_t *error);
/* The status of an exit; 0 for other errors. */
int32_t wasmaot_error_exit_status(const wasmaot_error_t *error);
/* The number of a trap's code; 0 for other errors. */
uint8_t wasmaot_error_trap_code(const wasmaot_error_t *error);
/* Deletes an error. */
void wasmaot_error_delete(wasmaot_error_t *error);

#ifdef __cplusplus
}
#endif

#endif
