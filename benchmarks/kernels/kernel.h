/* What the kernels share: their argument, numbers that look random, and a hash of what they compute. */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* argv[1], a number of rounds, at least 1. */
static inline int rounds(int argc, char **argv)
{
    int count = argc == 2 ? atoi(argv[1]) : 0;
    if (count < 1) {
        fprintf(stderr, "usage: %s ROUNDS\n", argv[0]);
        exit(2);
    }
    return count;
}

/* The next number of Marsaglia's xorshift with 32 bits. */
static inline uint32_t next_random(uint32_t *state)
{
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

/* A number below `limit`. */
static inline uint32_t below(uint32_t *state, uint32_t limit)
{
    return (uint32_t)(((uint64_t)next_random(state) * limit) >> 32);
}

/* Continues an FNV-1a hash; the first `hash` is FNV_START. */
#define FNV_START 0x811c9dc5u
static inline uint32_t fnv(uint32_t hash, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * 0x01000193u;
    return hash;
}

/* Memory that must be there. */
static inline void *allocate(size_t length)
{
    void *memory = malloc(length);
    if (memory == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    return memory;
}

#endif
