/*
 * C API of the wasmaot compiler: WebAssembly in, an artifact out, which the runtime's library (wasmaot.h)
 * loads. Neither library needs the other, so a host that only runs artifacts does not carry a compiler.
 *
 *     wasmaot_compilation_t *compilation = wasmaot_compile(module, length, NULL);
 *     if (wasmaot_compilation_status(compilation) == WASMAOT_COMPILED) {
 *         artifact = wasmaot_compilation_artifact(compilation, &artifact_length);
 *         error = wasmaot_module_from_bytes_trusted(artifact, artifact_length, &module);
 *     } else {
 *         puts(wasmaot_compilation_message(compilation));
 *     }
 *     wasmaot_compilation_delete(compilation);
 *
 * All functions may be called by any thread at any time, but a compilation is deleted by one thread when no
 * other uses it. No failure ends the process or unwinds into C, except that there is no memory left to
 * allocate. Strings are UTF-8 and end with NUL.
 */
#ifndef WASMAOT_COMPILER_H
#define WASMAOT_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A module that was compiled, or why it was not. */
typedef struct wasmaot_compilation wasmaot_compilation_t;

/* How a compilation ended. */
typedef enum {
    WASMAOT_COMPILED = 0,            /* there is an artifact */
    WASMAOT_COMPILE_USAGE = 1,       /* wrong use of this API: a NULL, an option that does not exist */
    WASMAOT_COMPILE_INVALID = 2,     /* the module is malformed or does not validate */
    /* it uses a feature that is not supported, or disabled; or it is a component */
    WASMAOT_COMPILE_UNSUPPORTED = 3,
    WASMAOT_COMPILE_LIMIT = 4,       /* it exceeds a limit of the implementation, or one of the options */
    WASMAOT_COMPILE_SYSTEM = 5,      /* threads could not be started */
    WASMAOT_COMPILE_INTERNAL = 6     /* a mistake in the compiler */
} wasmaot_compile_status_t;

/* How hard to optimise. */
typedef enum {
    WASMAOT_OPT_DEFAULT = 0, /* as WASMAOT_OPT_SPEED */
    WASMAOT_OPT_NONE = 1,    /* not at all: the fastest compilation */
    WASMAOT_OPT_SPEED = 2,   /* for the speed of the code */
    WASMAOT_OPT_FULL = 3     /* with everything that the compiler has */
} wasmaot_opt_t;

/* What a compilation is asked for. A field that is 0 has its default. */
typedef struct {
    wasmaot_opt_t opt;        /* how hard to optimise */
    uint32_t jobs;            /* threads; one per core. The artifact does not depend on it */
    /* minimum CPU: "x86-64", "x86-64-v2" (the default), "x86-64-v3", or "native" for what this machine has */
    const char *target_cpu;
    const char *disabled;     /* features that modules may not use, separated by commas: "threads,memory64" */
    /* bytes that the compilation may take, by an estimate that may be exceeded by half; any number */
    uint64_t max_memory;
    uint64_t timeout;         /* nanoseconds that it may take, looked at between functions; any number */
    /* values, operands and branch targets that a function's intermediate code may have; 1,048,576 */
    uint64_t max_function_size;
    /* generate code that counts the instructions it executes, for fuel and usage records */
    bool meter;
    /* relaxed SIMD gives what the CPU's instructions give, and not the same on every CPU */
    bool native_relaxed_simd;
} wasmaot_compile_options_t;

/*
 * Compiles a module, in binary or in text format: `length` bytes, which are not kept. `options` may be NULL
 * for the defaults; its strings are not kept. Returns a compilation, never NULL, also where it failed: the
 * caller deletes it. Blocks until it is done; other threads may compile meanwhile.
 */
wasmaot_compilation_t *wasmaot_compile(const void *module, size_t length, const wasmaot_compile_options_t *options);
/* Returns how it ended; WASMAOT_COMPILE_USAGE for NULL. */
wasmaot_compile_status_t wasmaot_compilation_status(const wasmaot_compilation_t *compilation);
/* Returns why there is no artifact, or NULL if there is one. The compilation's, valid until it is deleted. */
const char *wasmaot_compilation_message(const wasmaot_compilation_t *compilation);
/*
 * Returns the artifact, or NULL if there is none; `*length`, if `length` is not NULL, gets its bytes, or 0.
 * The compilation's, valid until it is deleted. It can be written to a file, whose name should end in ".so",
 * and loaded by any number of processes.
 */
const void *wasmaot_compilation_artifact(const wasmaot_compilation_t *compilation, size_t *length);
/* Deletes a compilation. Does nothing with NULL. */
void wasmaot_compilation_delete(wasmaot_compilation_t *compilation);
/* Returns the version of the library, which artifacts are made for. The string is static. */
const char *wasmaot_compiler_version(void);

#ifdef __cplusplus
}
#endif

#endif
