/* chacha-simd: the ChaCha20 key stream of RFC 8439, four blocks at a time, a
 * word of each in the four lanes of a vector: additions, exclusive ors and
 * rotations of 32-bit integers. Written with the vector types of GCC and Clang,
 * so that it can be compiled natively too.
 *
 * Parameter: argv[1] = N, the length of the key stream in units of 64 KiB.
 * Output: the first block of the key stream, with the key, nonce and counter of
 * the example in section 2.3.2 of the RFC, and the exclusive or of all blocks,
 * both in hexadecimal digits.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint32_t u32x4 __attribute__((vector_size(16)));

#define WORDS 16
#define LANES 4
#define BLOCK (WORDS * sizeof(uint32_t))
#define UNIT (64 << 10)

static u32x4 rotate(u32x4 value, int bits)
{
    return value << bits | value >> (32 - bits);
}

static void quarter_round(u32x4 *x, int a, int b, int c, int d)
{
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 7);
}

/* The key stream of LANES blocks, word by word: lane L of keys[W] is word W of block L. */
static void four_blocks(const uint32_t *state, u32x4 *keys)
{
    const u32x4 lanes = { 0, 1, 2, 3 };
    u32x4 x[WORDS];

    for (int word = 0; word < WORDS; word++)
        keys[word] = (u32x4){ state[word], state[word], state[word], state[word] };
    keys[12] += lanes;
    memcpy(x, keys, sizeof x);
    for (int round = 0; round < 20; round += 2) {
        for (int i = 0; i < 4; i++)
            quarter_round(x, i, 4 + i, 8 + i, 12 + i);
        for (int i = 0; i < 4; i++)
            quarter_round(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    }
    for (int word = 0; word < WORDS; word++)
        keys[word] += x[word];
}

static void print(const uint32_t *words)
{
    for (int word = 0; word < WORDS; word++)
        printf("%08x%s", (unsigned)words[word], word + 1 < WORDS ? " " : "\n");
}

int main(int argc, char **argv)
{
    int units = argc > 1 ? atoi(argv[1]) : 1;
    if (units < 1) {
        fputs("chacha-simd: N must be positive\n", stderr);
        return 1;
    }
    uint32_t state[WORDS] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
    for (uint32_t byte = 0; byte < 32; byte++)
        state[4 + byte / 4] |= byte << byte % 4 * 8;
    state[12] = 1;
    state[13] = 0x09000000;
    state[14] = 0x4a000000;

    uint64_t steps = (uint64_t)units * UNIT / (BLOCK * LANES);
    u32x4 all[WORDS] = { { 0 } }, keys[WORDS];
    for (uint64_t step = 0; step < steps; step++, state[12] += LANES) {
        four_blocks(state, keys);
        if (step == 0) {
            uint32_t first[WORDS];
            for (int word = 0; word < WORDS; word++)
                first[word] = keys[word][0];
            print(first);
        }
        for (int word = 0; word < WORDS; word++)
            all[word] ^= keys[word];
    }
    uint32_t folded[WORDS];
    for (int word = 0; word < WORDS; word++)
        folded[word] = all[word][0] ^ all[word][1] ^ all[word][2] ^ all[word][3];
    print(folded);
    return 0;
}
