/* matmul: the product of two matrices of doubles, in blocks that fit into the first cache.
 *
 * Parameter: argv[1] = N; N products of 256 x 256 matrices, each of which is a factor of the next.
 * Output: the trace and the sum of the last product, and a hash of its bits.
 */
#include "kernel.h"

#define SIZE 256
#define BLOCK 64

typedef double matrix[SIZE][SIZE];

static matrix left, right, product;

static void multiply(void)
{
    memset(product, 0, sizeof product);
    for (int row = 0; row < SIZE; row += BLOCK)
        for (int inner = 0; inner < SIZE; inner += BLOCK)
            for (int i = row; i < row + BLOCK; i++)
                for (int k = inner; k < inner + BLOCK; k++) {
                    double factor = left[i][k];
                    for (int j = 0; j < SIZE; j++)
                        product[i][j] += factor * right[k][j];
                }
}

int main(int argc, char **argv)
{
    int count = rounds(argc, argv);
    uint32_t random = 5;
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            left[i][j] = below(&random, 1000) / 1000.0;
            right[i][j] = below(&random, 1000) / 1000.0 - 0.5;
        }
    for (int round = 0; round < count; round++) {
        multiply();
        /* Back to the size of the first factors. */
        for (int i = 0; i < SIZE; i++)
            for (int j = 0; j < SIZE; j++)
                left[i][j] = product[i][j] / (SIZE / 4) + 0.25;
    }
    double trace = 0, sum = 0;
    for (int i = 0; i < SIZE; i++) {
        trace += product[i][i];
        for (int j = 0; j < SIZE; j++)
            sum += product[i][j];
    }
    printf("%.9f %.9f %08x\n", trace, sum, fnv(FNV_START, product, sizeof product));
    return 0;
}
