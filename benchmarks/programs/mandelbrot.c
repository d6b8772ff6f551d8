/* mandelbrot: draws the Mandelbrot set over [-1.5, 0.5] x [-1, 1] with 50
 * iterations a point, one point at a time in scalar arithmetic.
 *
 * Parameter: argv[1] = N, the width and height of the picture.
 * Output: a portable bitmap (PBM, format P4), as the Computer Language
 * Benchmarks Game specifies.
 */
#include <stdio.h>
#include <stdlib.h>

#define ITERATIONS 50
#define LIMIT_SQUARED 4.0

static int in_set(double cr, double ci)
{
    double zr = 0, zi = 0, tr = 0, ti = 0;
    for (int i = 0; i < ITERATIONS && tr + ti <= LIMIT_SQUARED; i++) {
        zi = 2.0 * zr * zi + ci;
        zr = tr - ti + cr;
        tr = zr * zr;
        ti = zi * zi;
    }
    return tr + ti <= LIMIT_SQUARED;
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 200;
    if (n < 1) {
        fputs("mandelbrot: N must be positive\n", stderr);
        return 1;
    }
    size_t row_bytes = ((size_t)n + 7) / 8;
    unsigned char *row = malloc(row_bytes);
    if (row == NULL) {
        fputs("mandelbrot: out of memory\n", stderr);
        return 1;
    }

    printf("P4\n%d %d\n", n, n);
    for (int y = 0; y < n; y++) {
        double ci = 2.0 * y / n - 1.0;
        for (size_t b = 0; b < row_bytes; b++) {
            unsigned bits = 0;
            for (int k = 0; k < 8; k++) {
                int x = (int)(b * 8) + k;
                bits <<= 1;
                if (x < n && in_set(2.0 * x / n - 1.5, ci))
                    bits |= 1;
            }
            row[b] = (unsigned char)bits;
        }
        fwrite(row, 1, row_bytes, stdout);
    }
    free(row);
    return 0;
}
