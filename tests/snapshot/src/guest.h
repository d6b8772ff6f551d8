// What the programs have in common: each is initialised by `initialise`, and then answers requests.
//
// As a command it does both. Initialised at compile time, it does only the second.
#pragma once
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

// Prepares everything that does not depend on a request.
void initialise(void);

// Answers a request, and returns a checksum of the answer.
unsigned request(unsigned number);

// Prints answers to some requests.
void serve(void);

void __wasm_call_ctors(void);

#ifdef __cplusplus
}
#endif

// Some linkers let `_start` call the constructors only if nothing else does.
#define GUEST                                                                                              \
    static volatile int is_constructed;                                                                    \
    __attribute__((constructor)) static void construct(void) { is_constructed = 1; }                       \
    __attribute__((export_name("wizer.initialize"))) void preinit(void) {                                  \
        __wasm_call_ctors();                                                                               \
        initialise();                                                                                      \
    }                                                                                                      \
    __attribute__((export_name("wizer.resume"))) void resume(void) {                                       \
        serve();                                                                                           \
        exit(0);                                                                                           \
    }                                                                                                      \
    __attribute__((export_name("request"))) unsigned request_export(unsigned number) {                     \
        return request(number);                                                                            \
    }                                                                                                      \
    int main(void) {                                                                                       \
        if (!is_constructed) {                                                                             \
            __wasm_call_ctors();                                                                           \
        }                                                                                                  \
        initialise();                                                                                      \
        serve();                                                                                           \
        exit(0);                                                                                           \
    }
