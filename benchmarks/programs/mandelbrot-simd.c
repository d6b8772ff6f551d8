/* mandelbrot-simd: draws the Mandelbrot set over [-1.5, 0.5] x [-1, 1] with 50
 * iterations a point, eight points (one output byte) at a time in four vectors
 * of two doubles. Written with the vector types of GCC and Clang, so that it
 * can be compiled natively too.
 *
 * Parameter: argv[1] = N, the width and height of the picture.
 * Output: a portable bitmap (PBM, format P4), byte for byte that of
 * mandelbrot.c, as the Computer Language Benchmarks Game specifies.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef double f64x2 __attribute__((vector_size(16)));
typedef int64_t i64x2 __attribute__((vector_size(16)));

#define ITERATIONS 50
#define ITERATIONS_PER_TEST 5
#define LIMIT_SQUARED 4.0
#define VECTORS 4

/* The eight points from cr on, leftmost in the highest bit. A point that has
 * left the circle of radius 2 never returns, so testing every few iterations
 * gives the same answer as testing at each. */
static unsigned in_set8(const f64x2 *cr, double ci_scalar)
{
    const f64x2 limit = { LIMIT_SQUARED, LIMIT_SQUARED }, ci = { ci_scalar, ci_scalar };
    f64x2 zr[VECTORS], zi[VECTORS], tr[VECTORS], ti[VECTORS];
    unsigned bits = 0;

    for (int v = 0; v < VECTORS; v++)
        zr[v] = zi[v] = tr[v] = ti[v] = (f64x2){ 0.0, 0.0 };

    for (int i = 0; i < ITERATIONS; i += ITERATIONS_PER_TEST) {
        /* Unrolled, Clang does one vector's iterations after the other's, each
         * of which waits for the one before. */
#pragma GCC unroll 1
        for (int j = 0; j < ITERATIONS_PER_TEST; j++) {
            for (int v = 0; v < VECTORS; v++) {
                f64x2 cross = (zr[v] + zr[v]) * zi[v];
                zi[v] = cross + ci;
                zr[v] = tr[v] - ti[v] + cr[v];
                tr[v] = zr[v] * zr[v];
                ti[v] = zi[v] * zi[v];
            }
        }
        i64x2 inside = { 0, 0 };
        for (int v = 0; v < VECTORS; v++) {
            i64x2 places = { 2 << (6 - 2 * v), 1 << (6 - 2 * v) };
            inside |= (tr[v] + ti[v] <= limit) & places;
        }
        bits = (unsigned)(inside[0] | inside[1]);
        if (bits == 0)
            break;
    }
    return bits;
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 200;
    if (n < 1) {
        fputs("mandelbrot-simd: N must be positive\n", stderr);
        return 1;
    }
    size_t row_bytes = ((size_t)n + 7) / 8;
    unsigned char *row = malloc(row_bytes);
    f64x2 *cr = malloc(row_bytes * VECTORS * sizeof *cr);
    if (row == NULL || cr == NULL) {
        fputs("mandelbrot-simd: out of memory\n", stderr);
        return 1;
    }
    for (size_t v = 0; v < row_bytes * VECTORS; v++) {
        double x = (double)(2 * v);
        cr[v] = (f64x2){ 2.0 * x / n - 1.5, 2.0 * (x + 1.0) / n - 1.5 };
    }
    /* The last byte of a row has zeros where the picture has no points. */
    unsigned last_mask = 0xffu << (row_bytes * 8 - (size_t)n) & 0xffu;

    printf("P4\n%d %d\n", n, n);
    for (int y = 0; y < n; y++) {
        double ci = 2.0 * y / n - 1.0;
        for (size_t b = 0; b < row_bytes; b++)
            row[b] = (unsigned char)in_set8(cr + b * VECTORS, ci);
        row[row_bytes - 1] &= (unsigned char)last_mask;
        fwrite(row, 1, row_bytes, stdout);
    }
    free(cr);
    free(row);
    return 0;
}
