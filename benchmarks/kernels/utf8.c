/* utf8: checks whether texts are well-formed UTF-8 (RFC 3629), by the byte. Texts mix characters of all
 * lengths; every second one has an error in it.
 *
 * Parameter: argv[1] = the number of times that the texts are checked.
 * Output: well-formed texts, characters in them, and the sum of the offsets of the errors, modulo 2^32.
 */
#include "kernel.h"

#define TEXTS 64
#define LENGTH 16384

struct text {
    size_t length;
    uint8_t bytes[LENGTH + 4];
};

static size_t encode(uint8_t *to, uint32_t c)
{
    if (c < 0x80)
        return to[0] = (uint8_t)c, 1;
    if (c < 0x800)
        return to[0] = (uint8_t)(0xc0 | c >> 6), to[1] = (uint8_t)(0x80 | (c & 63)), 2;
    if (c < 0x10000) {
        to[0] = (uint8_t)(0xe0 | c >> 12), to[1] = (uint8_t)(0x80 | (c >> 6 & 63));
        return to[2] = (uint8_t)(0x80 | (c & 63)), 3;
    }
    to[0] = (uint8_t)(0xf0 | c >> 18), to[1] = (uint8_t)(0x80 | (c >> 12 & 63));
    return to[2] = (uint8_t)(0x80 | (c >> 6 & 63)), to[3] = (uint8_t)(0x80 | (c & 63)), 4;
}

/* A character: mostly ASCII, as in web pages of most languages. */
static uint32_t character(uint32_t *random)
{
    uint32_t kind = below(random, 100);
    if (kind < 60)
        return 32 + below(random, 95);
    if (kind < 80)
        return 0x80 + below(random, 0x780);
    if (kind < 95)
        return 0x3000 + below(random, 0x7000);
    return 0x1f300 + below(random, 0x300);
}

static void make(struct text *text, uint32_t *random, int is_broken)
{
    size_t at = 1; /* The first one is written by `main`. */
    while (at < LENGTH - 4)
        at += encode(text->bytes + at, character(random));
    text->length = at;
    if (is_broken) {
        /* Stray continuations, overlong forms, surrogates, values beyond the last, truncated characters. */
        static const uint8_t errors[5][3] = { { 0x80, 0x80, 0x41 }, { 0xc0, 0xaf, 0x41 }, { 0xed, 0xa0, 0x80 },
            { 0xf4, 0x90, 0x80 }, { 0xe2, 0x82, 0x41 } };
        uint32_t offset = below(random, LENGTH / 4), error = below(random, 5);
        memcpy(text->bytes + LENGTH / 2 + offset, errors[error], 3);
    }
}

/* Characters before the first error, whose offset is left in `end`; the length if there is none. */
static size_t check(const uint8_t *text, size_t length, size_t *end)
{
    size_t at = 0, characters = 0;
    while (at < length) {
        uint8_t first = text[at];
        if (first < 0x80) {
            at++, characters++;
            continue;
        }
        size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
        if (first < 0xc2 || first > 0xf4 || length - at <= more)
            break;
        uint8_t second = text[at + 1];
        uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        if (second < low || second > high)
            break;
        size_t i = 2;
        while (i <= more && (text[at + i] & 0xc0) == 0x80)
            i++;
        if (i <= more)
            break;
        at += more + 1, characters++;
    }
    *end = at;
    return characters;
}

int main(int argc, char **argv)
{
    int count = rounds(argc, argv);
    struct text *texts = allocate(TEXTS * sizeof *texts);
    uint32_t random = 7, offsets = 0;
    for (int i = 0; i < TEXTS; i++)
        make(&texts[i], &random, i % 2);
    uint64_t good = 0, characters = 0;
    for (int round = 0; round < count; round++) {
        for (int i = 0; i < TEXTS; i++) {
            /* No two rounds check the same bytes. */
            texts[i].bytes[0] = (uint8_t)('a' + (round + i) % 26);
            size_t end, found = check(texts[i].bytes, texts[i].length, &end);
            if (end == texts[i].length)
                good++, characters += found;
            else
                offsets += (uint32_t)end;
        }
    }
    printf("%llu %llu %u\n", (unsigned long long)good, (unsigned long long)characters, offsets);
    free(texts);
    return 0;
}
