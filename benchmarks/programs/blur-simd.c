/* blur-simd: blurs a grey picture of 1024 x 1024 points again and again with
 * the 3 x 3 binomial filter, eight points at a time: 8-bit points widened to
 * 16-bit sums and narrowed again. Written with the vector types of GCC and
 * Clang, so that it can be compiled natively too.
 *
 * Parameter: argv[1] = N, how often it is blurred.
 * Output: the picture's sum and its FNV-1a hash.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8x8 __attribute__((vector_size(8)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));

#define SIZE 1024
#define LANES 8
/* A frame of points around the picture, which stay as they are. */
#define STRIDE (SIZE + 2)
#define POINTS (STRIDE * STRIDE)

static u16x8 widen(const uint8_t *at)
{
    u8x8 narrow;
    memcpy(&narrow, at, sizeof narrow);
    return __builtin_convertvector(narrow, u16x8);
}

/* The sum of a point's column, weighted 1 2 1, for eight points. */
static u16x8 column(const uint8_t *at)
{
    return widen(at - STRIDE) + (widen(at) << 1) + widen(at + STRIDE);
}

/* `rounding` is what is added before a sum of sixteenths is cut off. */
static void blur(const uint8_t *from, uint8_t *to, uint16_t rounding)
{
    for (int y = 1; y <= SIZE; y++)
        for (int x = 1; x <= SIZE; x += LANES) {
            const uint8_t *at = from + y * STRIDE + x;
            u16x8 sum = column(at - 1) + (column(at) << 1) + column(at + 1);
            u8x8 mean = __builtin_convertvector((sum + rounding) >> 4, u8x8);
            memcpy(to + y * STRIDE + x, &mean, sizeof mean);
        }
}

int main(int argc, char **argv)
{
    int times = argc > 1 ? atoi(argv[1]) : 1;
    uint8_t *from = malloc(POINTS), *to = malloc(POINTS);
    if (times < 1 || from == NULL || to == NULL) {
        fputs(times < 1 ? "blur-simd: N must be positive\n" : "blur-simd: out of memory\n", stderr);
        return 1;
    }
    uint32_t random = 1;
    for (int at = 0; at < POINTS; at++) {
        random = random * 1664525 + 1013904223;
        from[at] = to[at] = (uint8_t)(random >> 24);
    }
    for (int time = 0; time < times; time++) {
        /* Another rounding each time keeps the picture from settling. */
        blur(from, to, (uint16_t)(time % 16));
        uint8_t *other = from;
        from = to;
        to = other;
    }
    uint32_t hash = 2166136261, sum = 0;
    for (int at = 0; at < POINTS; at++) {
        sum += from[at];
        hash = (hash ^ from[at]) * 16777619;
    }
    printf("%u %08x\n", (unsigned)sum, (unsigned)hash);
    free(from);
    free(to);
    return 0;
}
