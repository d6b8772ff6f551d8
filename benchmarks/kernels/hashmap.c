/* hashmap: a map from words to counts with open addressing, robin-hood order and deletion by shifting back.
 *
 * Parameter: argv[1] = the number of rounds, each of 200,000 insertions, look-ups and removals.
 * Output: entries left, look-ups that found something, and a hash of all that is left.
 */
#include "kernel.h"

#define OPERATIONS 200000
#define WORDS 60000
#define WORD 12
#define CAPACITY (1 << 17)

struct entry {
    uint32_t hash; /* 0: nothing here */
    uint32_t count;
    const char *word;
};

static struct entry table[CAPACITY];
static char words[WORDS][WORD];

static uint32_t hash_of(const char *word)
{
    uint32_t hash = fnv(FNV_START, word, strlen(word));
    return hash ? hash : 1;
}

static size_t distance(size_t at)
{
    return (at - table[at].hash) & (CAPACITY - 1);
}

static size_t find(const char *word, uint32_t hash)
{
    size_t at = hash & (CAPACITY - 1);
    for (size_t far = 0; table[at].hash && distance(at) >= far; far++) {
        if (table[at].hash == hash && strcmp(table[at].word, word) == 0)
            return at;
        at = (at + 1) & (CAPACITY - 1);
    }
    return CAPACITY;
}

static void insert(const char *word)
{
    uint32_t hash = hash_of(word);
    size_t at = find(word, hash);
    if (at != CAPACITY) {
        table[at].count++;
        return;
    }
    struct entry entry = { hash, 1, word };
    at = hash & (CAPACITY - 1);
    for (size_t far = 0; table[at].hash; far++) {
        if (distance(at) < far) {
            struct entry other = table[at];
            far = distance(at);
            table[at] = entry;
            entry = other;
        }
        at = (at + 1) & (CAPACITY - 1);
    }
    table[at] = entry;
}

static void drop(const char *word)
{
    size_t at = find(word, hash_of(word));
    if (at == CAPACITY)
        return;
    for (;;) {
        size_t next = (at + 1) & (CAPACITY - 1);
        if (table[next].hash == 0 || distance(next) == 0)
            break;
        table[at] = table[next];
        at = next;
    }
    table[at].hash = 0;
}

int main(int argc, char **argv)
{
    int count = rounds(argc, argv);
    uint32_t random = 11, hash = FNV_START;
    for (int i = 0; i < WORDS; i++) {
        size_t length = 3 + below(&random, WORD - 4);
        for (size_t at = 0; at < length; at++)
            words[i][at] = (char)('a' + below(&random, 26));
    }
    uint64_t found = 0, left = 0;
    for (int round = 0; round < count; round++) {
        for (int i = 0; i < OPERATIONS; i++) {
            const char *word = words[below(&random, WORDS)];
            switch (below(&random, 4)) {
            case 0:
            case 1:
                insert(word);
                break;
            case 2:
                found += find(word, hash_of(word)) != CAPACITY;
                break;
            default:
                drop(word);
            }
        }
    }
    for (size_t at = 0; at < CAPACITY; at++) {
        if (table[at].hash) {
            left++;
            hash = fnv(hash, table[at].word, strlen(table[at].word));
            hash = fnv(hash, &table[at].count, sizeof table[at].count);
        }
    }
    printf("%llu %llu %08x\n", (unsigned long long)left, (unsigned long long)found, hash);
    return 0;
}
