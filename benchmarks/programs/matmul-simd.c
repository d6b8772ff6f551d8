/* matmul-simd: multiplies two N x N matrices of 32-bit floats, 4 x 8 elements
 * of the product at a time in eight vectors. Written with the vector types of
 * GCC and Clang, so that it can be compiled natively too.
 *
 * Parameter: argv[1] = N, rounded up to a multiple of 8.
 * Output: N, the trace of the product and the sum of its elements. Each element
 * is a sum in a fixed order, so the digits are the same everywhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef float f32x4 __attribute__((vector_size(16)));

#define ROWS 4
#define COLUMNS 8

static f32x4 load(const float *at)
{
    f32x4 vector;
    memcpy(&vector, at, sizeof vector);
    return vector;
}

static void store(float *at, f32x4 vector)
{
    memcpy(at, &vector, sizeof vector);
}

/* Computes ROWS x COLUMNS elements of the product: `a` is where their first row
 * begins, `b` their first column, `c` the first of them. */
static void multiply_block(size_t n, const float *a, const float *b, float *c)
{
    f32x4 sum[ROWS][2];

    memset(sum, 0, sizeof sum);
    for (size_t k = 0; k < n; k++) {
        f32x4 left = load(b + k * n), right = load(b + k * n + 4);
        for (int row = 0; row < ROWS; row++) {
            float x = a[row * n + k];
            f32x4 factor = { x, x, x, x };
            sum[row][0] += factor * left;
            sum[row][1] += factor * right;
        }
    }
    for (int row = 0; row < ROWS; row++) {
        store(c + row * n, sum[row][0]);
        store(c + row * n + 4, sum[row][1]);
    }
}

int main(int argc, char **argv)
{
    int wanted = argc > 1 ? atoi(argv[1]) : 64;
    if (wanted < 1 || wanted > 8192) {
        fputs("matmul-simd: N must be from 1 to 8192\n", stderr);
        return 1;
    }
    size_t n = ((size_t)wanted + COLUMNS - 1) / COLUMNS * COLUMNS;
    float *a = malloc(n * n * sizeof *a), *b = malloc(n * n * sizeof *b);
    float *c = malloc(n * n * sizeof *c);
    if (a == NULL || b == NULL || c == NULL) {
        fputs("matmul-simd: out of memory\n", stderr);
        return 1;
    }
    for (size_t at = 0; at < n * n; at++) {
        a[at] = (float)(at % 7) - 2.75f;
        b[at] = (float)(at % 11) / 8.0f - 0.5f;
    }
    for (size_t row = 0; row < n; row += ROWS)
        for (size_t column = 0; column < n; column += COLUMNS)
            multiply_block(n, a + row * n, b + column, c + row * n + column);

    double trace = 0, sum = 0;
    for (size_t at = 0; at < n; at++)
        trace += c[at * n + at];
    for (size_t at = 0; at < n * n; at++)
        sum += c[at];
    printf("%zu %.6f %.6f\n", n, trace, sum);
    free(a);
    free(b);
    free(c);
    return 0;
}
