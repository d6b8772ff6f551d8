/* inflate: decompresses a DEFLATE stream (RFC 1951) with blocks of all three kinds, which the program makes
 * first.
 *
 * Parameter: argv[1] = the number of times. Output: the length of the text, that of the stream, and the
 * CRC-32 of what is decompressed, which must be the text.
 */
#include "kernel.h"

#define TEXT (1 << 20)
#define BLOCK 40000
#define MAX_BITS 15
#define LITERALS 286
#define DISTANCES 30

static const uint16_t length_base[29] = { 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51,
    59, 67, 83, 99, 115, 131, 163, 195, 227, 258 };
static const uint8_t length_extra[29] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4,
    4, 5, 5, 5, 5, 0 };
static const uint16_t distance_base[DISTANCES] = { 1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193,
    257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577 };
static const uint8_t distance_extra[DISTANCES] = { 0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8,
    9, 9, 10, 10, 11, 11, 12, 12, 13, 13 };
static const uint8_t order_of_lengths[19] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1,
    15 };

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/* Decompressing. */

struct input {
    const uint8_t *at, *end;
    uint64_t bits;
    int count;
};

struct code {
    uint16_t counts[MAX_BITS + 1], symbols[LITERALS + 2];
    /* By the next nine bits: a symbol and, above it, its length; 0 where the code is longer. */
    uint16_t quick[512];
};

static void fill(struct input *in)
{
    while (in->count <= 56 && in->at < in->end) {
        in->bits |= (uint64_t)*in->at++ << in->count;
        in->count += 8;
    }
}

static uint32_t bits(struct input *in, int count)
{
    if (in->count < count) {
        fill(in);
        if (in->count < count)
            fail("the stream ends early");
    }
    uint32_t value = (uint32_t)(in->bits & ((1u << count) - 1));
    in->bits >>= count;
    in->count -= count;
    return value;
}

static uint32_t reversed(uint32_t code, int length)
{
    uint32_t result = 0;
    for (int i = 0; i < length; i++)
        result |= (code >> i & 1) << (length - 1 - i);
    return result;
}

static void make_code(struct code *code, const uint8_t *lengths, int count)
{
    uint16_t offsets[MAX_BITS + 2] = { 0 }, next = 0;
    memset(code, 0, sizeof *code);
    for (int i = 0; i < count; i++)
        code->counts[lengths[i]]++;
    code->counts[0] = 0;
    for (int length = 1; length <= MAX_BITS; length++)
        offsets[length + 1] = (uint16_t)(offsets[length] + code->counts[length]);
    for (int i = 0; i < count; i++)
        if (lengths[i])
            code->symbols[offsets[lengths[i]]++] = (uint16_t)i;
    for (int length = 1, at = 0; length <= 9; length++, next <<= 1)
        for (int i = 0; i < code->counts[length]; i++, at++, next++)
            for (uint32_t word = reversed(next, length); word < 512; word += 1u << length)
                code->quick[word] = (uint16_t)(code->symbols[at] | length << 9);
}

static int symbol(struct input *in, const struct code *code)
{
    if (in->count < MAX_BITS)
        fill(in);
    uint16_t quick = code->quick[in->bits & 511];
    if (quick) {
        int length = quick >> 9;
        if (length > in->count)
            fail("the stream ends early");
        in->bits >>= length;
        in->count -= length;
        return quick & 511;
    }
    int word = 0, first = 0, index = 0;
    for (int length = 1; length <= MAX_BITS; length++) {
        word |= (int)bits(in, 1);
        int count = code->counts[length];
        if (word - count < first)
            return code->symbols[index + word - first];
        index += count;
        first = (first + count) << 1;
        word <<= 1;
    }
    fail("no such code");
    return 0;
}

static void read_codes(struct input *in, struct code *literals, struct code *distances)
{
    uint8_t lengths[LITERALS + 2 + 32] = { 0 };
    int of_literals = (int)bits(in, 5) + 257, of_distances = (int)bits(in, 5) + 1;
    int of_lengths = (int)bits(in, 4) + 4, at = 0;
    for (int i = 0; i < of_lengths; i++)
        lengths[order_of_lengths[i]] = (uint8_t)bits(in, 3);
    make_code(literals, lengths, 19);
    memset(lengths, 0, 19);
    while (at < of_literals + of_distances) {
        int next = symbol(in, literals), times = 1;
        uint8_t length = (uint8_t)next;
        if (next == 16) {
            if (at == 0)
                fail("nothing to repeat");
            length = lengths[at - 1], times = 3 + (int)bits(in, 2);
        } else if (next == 17) {
            length = 0, times = 3 + (int)bits(in, 3);
        } else if (next == 18) {
            length = 0, times = 11 + (int)bits(in, 7);
        }
        if (at + times > of_literals + of_distances)
            fail("more lengths than there are symbols");
        memset(lengths + at, length, (size_t)times);
        at += times;
    }
    make_code(literals, lengths, of_literals);
    make_code(distances, lengths + of_literals, of_distances);
}

static void fixed_lengths(uint8_t lengths[288])
{
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
}

static void fixed_codes(struct code *literals, struct code *distances)
{
    uint8_t lengths[288];
    fixed_lengths(lengths);
    make_code(literals, lengths, 288);
    memset(lengths, 5, DISTANCES);
    make_code(distances, lengths, DISTANCES);
}

static size_t stored_block(struct input *in, uint8_t *to, size_t at)
{
    bits(in, in->count % 8);
    uint32_t length = bits(in, 16), complement = bits(in, 16);
    if (length != (~complement & 0xffff) || at + length > TEXT)
        fail("a stored block is damaged");
    for (uint32_t i = 0; i < length; i++)
        to[at++] = (uint8_t)bits(in, 8);
    return at;
}

static size_t coded_block(
    struct input *in, const struct code *literals, const struct code *distances, uint8_t *to, size_t at)
{
    for (;;) {
        int next = symbol(in, literals);
        if (next < 256) {
            if (at == TEXT)
                fail("longer than the text");
            to[at++] = (uint8_t)next;
            continue;
        }
        if (next == 256)
            return at;
        next -= 257;
        size_t length = length_base[next] + bits(in, length_extra[next]);
        int of_distance = symbol(in, distances);
        size_t distance = distance_base[of_distance] + bits(in, distance_extra[of_distance]);
        if (distance > at || length > TEXT - at)
            fail("a copy from outside of the text");
        for (const uint8_t *from = to + at - distance; length > 0; length--)
            to[at++] = *from++;
    }
}

static size_t inflate(const uint8_t *stream, size_t length, uint8_t *to)
{
    static struct code literals, distances;
    struct input in = { stream, stream + length, 0, 0 };
    size_t at = 0;
    for (uint32_t is_last = 0; !is_last;) {
        is_last = bits(&in, 1);
        switch (bits(&in, 2)) {
        case 0:
            at = stored_block(&in, to, at);
            continue;
        case 1:
            fixed_codes(&literals, &distances);
            break;
        case 2:
            read_codes(&in, &literals, &distances);
            break;
        default:
            fail("no such kind of block");
        }
        at = coded_block(&in, &literals, &distances, to, at);
    }
    return at;
}

/* Compressing: as simple as it can be, since it is not what is measured. */

static uint8_t *out;
static size_t out_length;
static uint64_t out_bits;
static int out_count;

static void put(uint32_t value, int count)
{
    out_bits |= (uint64_t)value << out_count;
    for (out_count += count; out_count >= 8; out_count -= 8, out_bits >>= 8)
        out[out_length++] = (uint8_t)out_bits;
}

struct token {
    uint16_t length, value; /* A literal has length 0. */
};

static size_t tokens_of(const uint8_t *text, size_t from, size_t to, struct token *tokens)
{
    static int32_t last[1 << 15];
    size_t count = 0;
    memset(last, -1, sizeof last);
    for (size_t at = from; at < to;) {
        size_t length = 0;
        int32_t before = -1;
        if (to - at >= 3) {
            uint32_t hash =
                (text[at] | (uint32_t)text[at + 1] << 8 | (uint32_t)text[at + 2] << 16) * 0x9e3779b1u >> 17;
            before = last[hash];
            last[hash] = (int32_t)at;
            if (before >= 0 && at - (size_t)before <= 32768)
                while (length < 258 && at + length < to && text[(size_t)before + length] == text[at + length])
                    length++;
        }
        if (length >= 3) {
            tokens[count++] = (struct token){ (uint16_t)length, (uint16_t)(at - (size_t)before) };
            at += length;
        } else {
            tokens[count++] = (struct token){ 0, text[at++] };
        }
    }
    return count;
}

static int index_of(const uint16_t *bases, int count, unsigned value)
{
    int at = count - 1;
    while (bases[at] > value)
        at--;
    return at;
}

/* Lengths of a Huffman code: the two rarest trees are joined until one is left. Rare ones count for more
 * if it gets too deep. */
static void huffman(const uint32_t *counts, int symbols, uint8_t *lengths)
{
    static uint64_t weights[2 * LITERALS];
    static int parents[2 * LITERALS];
    for (uint64_t floor = 1;; floor *= 2) {
        int trees = symbols, deepest = 0;
        for (int i = 0; i < symbols; i++)
            weights[i] = counts[i] == 0 ? 0 : counts[i] < floor ? floor : counts[i], parents[i] = -1;
        for (;;) {
            int a = -1, b = -1;
            for (int i = 0; i < trees; i++) {
                if (weights[i] == 0 || parents[i] != -1)
                    continue;
                if (a == -1 || weights[i] < weights[a])
                    b = a, a = i;
                else if (b == -1 || weights[i] < weights[b])
                    b = i;
            }
            if (b == -1)
                break;
            weights[trees] = weights[a] + weights[b], parents[trees] = -1;
            parents[a] = parents[b] = trees++;
        }
        for (int i = 0; i < symbols; i++) {
            lengths[i] = 0;
            for (int at = i; weights[i] && parents[at] != -1; at = parents[at])
                lengths[i]++;
            deepest = lengths[i] > deepest ? lengths[i] : deepest;
        }
        if (deepest <= MAX_BITS)
            return;
    }
}

static void words_of(const uint8_t *lengths, int count, uint16_t *words)
{
    uint32_t word = 0;
    for (int length = 1; length <= MAX_BITS; length++, word <<= 1)
        for (int i = 0; i < count; i++)
            if (lengths[i] == length)
                words[i] = (uint16_t)reversed(word++, length);
}

static void put_block(const struct token *tokens, size_t count, int is_last, int is_dynamic)
{
    uint8_t lengths[LITERALS + 2 + DISTANCES] = { 0 }, *of_distances = lengths + LITERALS;
    uint16_t words[LITERALS + 2], distance_words[DISTANCES];
    put((uint32_t)is_last | (is_dynamic ? 4 : 2), 3);
    if (is_dynamic) {
        uint32_t counts[LITERALS] = { 0 }, distances[DISTANCES] = { 1, 1 };
        counts[256] = 1;
        for (size_t i = 0; i < count; i++) {
            counts[tokens[i].length ? 257 + index_of(length_base, 29, tokens[i].length) : tokens[i].value]++;
            if (tokens[i].length)
                distances[index_of(distance_base, DISTANCES, tokens[i].value)]++;
        }
        huffman(counts, LITERALS, lengths);
        huffman(distances, DISTANCES, of_distances);
        put(LITERALS - 257, 5), put(DISTANCES - 1, 5), put(19 - 4, 4);
        /* All lengths from 0 to 15 take four bits, except that nothing is repeated. */
        for (int i = 0; i < 19; i++)
            put(order_of_lengths[i] < 16 ? 4 : 0, 3);
        for (int i = 0; i < LITERALS + DISTANCES; i++)
            put(reversed(lengths[i], 4), 4);
        words_of(lengths, LITERALS, words);
        words_of(of_distances, DISTANCES, distance_words);
    } else {
        uint8_t fixed[288];
        fixed_lengths(fixed);
        words_of(fixed, 288, words);
        memcpy(lengths, fixed, LITERALS);
        memset(of_distances, 5, DISTANCES);
        words_of(of_distances, DISTANCES, distance_words);
    }
    for (size_t i = 0; i < count; i++) {
        if (tokens[i].length == 0) {
            put(words[tokens[i].value], lengths[tokens[i].value]);
            continue;
        }
        int length = index_of(length_base, 29, tokens[i].length),
            distance = index_of(distance_base, DISTANCES, tokens[i].value);
        put(words[257 + length], lengths[257 + length]);
        put((uint32_t)(tokens[i].length - length_base[length]), length_extra[length]);
        put(distance_words[distance], of_distances[distance]);
        put((uint32_t)(tokens[i].value - distance_base[distance]), distance_extra[distance]);
    }
    put(words[256], lengths[256]);
}

static void put_stored(const uint8_t *text, size_t length, int is_last)
{
    put((uint32_t)is_last, 3);
    put(0, (8 - out_count) & 7);
    put((uint32_t)length, 16), put(~(uint32_t)length & 0xffff, 16);
    for (size_t i = 0; i < length; i++)
        put(text[i], 8);
}

static void deflate(const uint8_t *text)
{
    struct token *tokens = allocate(BLOCK * sizeof *tokens);
    for (size_t from = 0, number = 0; from < TEXT; number++) {
        size_t to = TEXT - from < BLOCK ? TEXT : from + BLOCK;
        if (number % 8 == 3)
            put_stored(text + from, to - from, to == TEXT);
        else
            put_block(tokens, tokens_of(text, from, to, tokens), to == TEXT, number % 8 != 5);
        from = to;
    }
    put(0, 7);
    free(tokens);
}

static uint32_t crc32(const uint8_t *bytes, size_t length)
{
    uint32_t table[256], crc = ~0u;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] & 1 ? table[i] >> 1 ^ 0xedb88320u : table[i] >> 1;
    }
    for (size_t i = 0; i < length; i++)
        crc = table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
    return ~crc;
}

int main(int argc, char **argv)
{
    static const char *const words[] = { "the", "request", "of", "function", "and", "instance", "to", "memory",
        "is", "module", "in", "started", "from", "cold", "a", "runtime" };
    int count = rounds(argc, argv);
    uint8_t *text = allocate(TEXT + 16), *result = allocate(TEXT);
    uint32_t random = 37;
    for (size_t at = 0; at < TEXT;) {
        int kind = (int)below(&random, 20);
        at += kind == 0 ? (size_t)sprintf((char *)text + at, "%u\n", next_random(&random))
                        : (size_t)sprintf((char *)text + at, "%s ", words[below(&random, 16)]);
    }
    out = allocate(2 * TEXT);
    deflate(text);
    for (int round = 0; round < count; round++) {
        memset(result, round, TEXT);
        if (inflate(out, out_length, result) != TEXT || memcmp(result, text, TEXT) != 0)
            fail("what comes out is not what went in");
    }
    printf("%d %zu %08x\n", TEXT, out_length, crc32(result, TEXT));
    free(out), free(result), free(text);
    return 0;
}
