/* fannkuch-redux: over all permutations of 1..N, counts the prefix reversals
 * ("pancake flips") that bring 1 to the front; prints a checksum and the
 * largest count.
 *
 * Parameter: argv[1] = N, from 1 to 12.
 * Output: as the Computer Language Benchmarks Game specifies; N = 7 gives
 * 228 and "Pfannkuchen(7) = 16".
 */
#include <stdio.h>
#include <stdlib.h>

#define MAX_N 12

static int count_flips(const int *perm, int n)
{
    int work[MAX_N];
    int flips = 0;

    for (int i = 0; i < n; i++)
        work[i] = perm[i];
    for (int first = work[0]; first != 0; first = work[0]) {
        for (int lo = 0, hi = first; lo < hi; lo++, hi--) {
            int t = work[lo];
            work[lo] = work[hi];
            work[hi] = t;
        }
        flips++;
    }
    return flips;
}

/* Steps to the next permutation in the order the checksum assumes: rotates
 * ever longer prefixes left by one until one has not come full circle.
 * Returns 0 after the last permutation. */
static int next_permutation(int *perm, int *turns, int n)
{
    for (int r = 1; r < n; r++) {
        int first = perm[0];
        for (int i = 0; i < r; i++)
            perm[i] = perm[i + 1];
        perm[r] = first;
        if (++turns[r] <= r)
            return 1;
        turns[r] = 0;
    }
    return 0;
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 7;
    int perm[MAX_N], turns[MAX_N];
    int checksum = 0, max_flips = 0, sign = 1;

    if (n < 1 || n > MAX_N) {
        fprintf(stderr, "fannkuch-redux: N must be from 1 to %d\n", MAX_N);
        return 1;
    }
    for (int i = 0; i < n; i++) {
        perm[i] = i;
        turns[i] = 0;
    }
    do {
        int flips = perm[0] != 0 ? count_flips(perm, n) : 0;
        if (flips > max_flips)
            max_flips = flips;
        checksum += sign * flips;
        sign = -sign;
    } while (next_permutation(perm, turns, n));

    printf("%d\nPfannkuchen(%d) = %d\n", checksum, n, max_flips);
    return 0;
}
