/* quicksort: sorts records by a comparison that is given as a function, as `qsort` does, and numbers by their
 * own.
 *
 * Parameter: argv[1] = the number of times that 100,000 of each are sorted.
 * Output: a hash of the order of the records, and one of the numbers.
 */
#include "kernel.h"

#define COUNT 100000

struct record {
    char name[12];
    uint32_t key;
};

typedef int compare_fn(const struct record *, const struct record *);

static int by_name(const struct record *a, const struct record *b)
{
    int order = memcmp(a->name, b->name, sizeof a->name);
    return order ? order : (a->key > b->key) - (a->key < b->key);
}

static int by_key(const struct record *a, const struct record *b)
{
    return a->key == b->key ? memcmp(a->name, b->name, sizeof a->name) : a->key < b->key ? -1 : 1;
}

static void sort_records(struct record *low, struct record *high, compare_fn *compare)
{
    while (high - low > 16) {
        struct record pivot = low[(high - low) / 2], *i = low, *j = high - 1;
        while (i <= j) {
            while (compare(i, &pivot) < 0)
                i++;
            while (compare(j, &pivot) > 0)
                j--;
            if (i <= j) {
                struct record kept = *i;
                *i++ = *j;
                *j-- = kept;
            }
        }
        if (j - low < high - i) {
            sort_records(low, j + 1, compare);
            low = i;
        } else {
            sort_records(i, high, compare);
            high = j + 1;
        }
    }
    for (struct record *i = low; i < high; i++) {
        struct record moved = *i, *to = i;
        for (; to > low && compare(&moved, to - 1) < 0; to--)
            *to = to[-1];
        *to = moved;
    }
}

static void sort_numbers(uint32_t *low, uint32_t *high)
{
    while (high - low > 16) {
        uint32_t pivot = low[(high - low) / 2], *i = low, *j = high - 1;
        while (i <= j) {
            while (*i < pivot)
                i++;
            while (*j > pivot)
                j--;
            if (i <= j) {
                uint32_t kept = *i;
                *i++ = *j;
                *j-- = kept;
            }
        }
        if (j - low < high - i) {
            sort_numbers(low, j + 1);
            low = i;
        } else {
            sort_numbers(i, high);
            high = j + 1;
        }
    }
    for (uint32_t *i = low; i < high; i++) {
        uint32_t moved = *i, *to = i;
        for (; to > low && moved < to[-1]; to--)
            *to = to[-1];
        *to = moved;
    }
}

int main(int argc, char **argv)
{
    static compare_fn *const orders[2] = { by_name, by_key };
    int count = rounds(argc, argv);
    struct record *records = allocate(COUNT * sizeof *records);
    uint32_t *numbers = allocate(COUNT * sizeof *numbers);
    uint32_t random = 3, of_records = FNV_START, of_numbers = FNV_START;
    for (int round = 0; round < count; round++) {
        for (int i = 0; i < COUNT; i++) {
            for (size_t at = 0; at < sizeof records->name; at++)
                records[i].name[at] = (char)('a' + below(&random, at < 4 ? 4 : 26));
            records[i].key = below(&random, COUNT / 4);
            numbers[i] = next_random(&random);
        }
        sort_records(records, records + COUNT, orders[round % 2]);
        sort_numbers(numbers, numbers + COUNT);
        for (int i = 0; i < COUNT; i += 97) {
            of_records = fnv(of_records, &records[i], sizeof *records);
            of_numbers = fnv(of_numbers, &numbers[i], sizeof *numbers);
        }
    }
    printf("%08x %08x\n", of_records, of_numbers);
    free(records);
    free(numbers);
    return 0;
}
