/* fasta: writes three DNA sequences in the FASTA format: one that repeats a
 * given sequence, and two drawn at random with given frequencies from a linear
 * congruential generator.
 *
 * Parameter: argv[1] = N; the sequences have 2N, 3N and 5N symbols.
 * Output: as the Computer Language Benchmarks Game specifies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE 60

#define RANDOM_MODULUS 139968
#define RANDOM_FACTOR 3877
#define RANDOM_INCREMENT 29573

struct symbol {
    char code;
    double probability;
};

static const char alu[] =
    "GGCCGGGCGCGGTGGCTCACGCCTGTAATCCCAGCACTTTGG"
    "GAGGCCGAGGCGGGCGGATCACCTGAGGTCAGGAGTTCGAGA"
    "CCAGCCTGGCCAACATGGTGAAACCCCGTCTCTACTAAAAAT"
    "ACAAAAATTAGCCGGGCGTGGTGGCGCGCGCCTGTAATCCCA"
    "GCTACTCGGGAGGCTGAGGCAGGAGAATCGCTTGAACCCGGG"
    "AGGCGGAGGTTGCAGTGAGCCGAGATCGCGCCACTGCACTCC"
    "AGCCTGGGCGACAGAGCGAGACTCCGTCTCAAAAA";

static struct symbol iub[] = {
    { 'a', 0.27 }, { 'c', 0.12 }, { 'g', 0.12 }, { 't', 0.27 },
    { 'B', 0.02 }, { 'D', 0.02 }, { 'H', 0.02 }, { 'K', 0.02 },
    { 'M', 0.02 }, { 'N', 0.02 }, { 'R', 0.02 }, { 'S', 0.02 },
    { 'V', 0.02 }, { 'W', 0.02 }, { 'Y', 0.02 },
};

static struct symbol homo_sapiens[] = {
    { 'a', 0.3029549426680 },
    { 'c', 0.1979883004921 },
    { 'g', 0.1975473066391 },
    { 't', 0.3015094502008 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The next number of the generator, at least 0 and below 1. */
static double next_random(void)
{
    static unsigned seed = 42;
    seed = (seed * RANDOM_FACTOR + RANDOM_INCREMENT) % RANDOM_MODULUS;
    return (double)seed / RANDOM_MODULUS;
}

/* Replaces each probability by the sum of those up to it. */
static void accumulate(struct symbol *table, size_t symbols)
{
    for (size_t i = 1; i < symbols; i++)
        table[i].probability += table[i - 1].probability;
}

static void repeat_sequence(const char *header, const char *sequence, long length)
{
    char line[LINE + 1];
    size_t sequence_length = strlen(sequence), at = 0;

    fputs(header, stdout);
    while (length > 0) {
        size_t width = length < LINE ? (size_t)length : LINE;
        for (size_t i = 0; i < width; i++) {
            line[i] = sequence[at];
            if (++at == sequence_length)
                at = 0;
        }
        line[width] = '\n';
        fwrite(line, 1, width + 1, stdout);
        length -= (long)width;
    }
}

static void random_sequence(const char *header, const struct symbol *table, size_t symbols,
                            long length)
{
    char line[LINE + 1];

    fputs(header, stdout);
    while (length > 0) {
        size_t width = length < LINE ? (size_t)length : LINE;
        for (size_t i = 0; i < width; i++) {
            double r = next_random();
            size_t s = 0;
            while (s + 1 < symbols && table[s].probability <= r)
                s++;
            line[i] = table[s].code;
        }
        line[width] = '\n';
        fwrite(line, 1, width + 1, stdout);
        length -= (long)width;
    }
}

int main(int argc, char **argv)
{
    long n = argc > 1 ? atol(argv[1]) : 1000;

    accumulate(iub, COUNT(iub));
    accumulate(homo_sapiens, COUNT(homo_sapiens));
    repeat_sequence(">ONE Homo sapiens alu\n", alu, 2 * n);
    random_sequence(">TWO IUB ambiguity codes\n", iub, COUNT(iub), 3 * n);
    random_sequence(">THREE Homo sapiens frequency\n", homo_sapiens, COUNT(homo_sapiens), 5 * n);
    return 0;
}
