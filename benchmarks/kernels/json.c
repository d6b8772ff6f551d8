/* json: parses a document (RFC 8259) into a tree and prints the tree again.
 *
 * Parameter: argv[1] = the number of times.
 * Output: the length of the document, the number of values, and a hash of what is printed, which must be the
 * document.
 */
#include "kernel.h"

enum kind { NIL, FALSE, TRUE, NUMBER, STRING, ARRAY, OBJECT };

struct value {
    enum kind kind;
    double number;
    char *text; /* of a string */
    char *name; /* of a member of an object */
    struct value *first, *next;
};

struct buffer {
    char *bytes;
    size_t length, capacity;
};

static size_t values;

static void put(struct buffer *to, const char *text, size_t length)
{
    if (to->capacity - to->length < length) {
        to->capacity = (to->capacity + length) * 2;
        to->bytes = realloc(to->bytes, to->capacity);
        if (to->bytes == NULL)
            exit(1);
    }
    memcpy(to->bytes + to->length, text, length);
    to->length += length;
}

static void put_string(struct buffer *to, const char *text)
{
    put(to, "\"", 1);
    for (; *text; text++) {
        char escaped[8];
        switch (*text) {
        case '"':
        case '\\':
            escaped[0] = '\\', escaped[1] = *text;
            put(to, escaped, 2);
            break;
        case '\n':
            put(to, "\\n", 2);
            break;
        default:
            if ((unsigned char)*text < 0x20)
                put(to, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", *text));
            else
                put(to, text, 1);
        }
    }
    put(to, "\"", 1);
}

/* Whole numbers as they are, others with up to four decimals and no zeros at the end. */
static void put_number(struct buffer *to, double number)
{
    char digits[32];
    int at = sizeof digits, is_negative = number < 0, decimals = 4;
    uint64_t scaled = (uint64_t)((is_negative ? -number : number) * 10000 + 0.5);
    while (decimals > 0 && scaled % 10 == 0)
        scaled /= 10, decimals--;
    int left = decimals;
    do {
        digits[--at] = (char)('0' + scaled % 10);
        scaled /= 10;
        if (--left == 0)
            digits[--at] = '.';
    } while (scaled > 0 || left >= 0);
    if (is_negative)
        digits[--at] = '-';
    put(to, digits + at, sizeof digits - (size_t)at);
}

static void print(struct buffer *to, const struct value *value)
{
    char open = value->kind == ARRAY ? '[' : '{', close = value->kind == ARRAY ? ']' : '}';
    switch (value->kind) {
    case NIL:
        put(to, "null", 4);
        break;
    case FALSE:
        put(to, "false", 5);
        break;
    case TRUE:
        put(to, "true", 4);
        break;
    case NUMBER:
        put_number(to, value->number);
        break;
    case STRING:
        put_string(to, value->text);
        break;
    case ARRAY:
    case OBJECT:
        put(to, &open, 1);
        for (const struct value *each = value->first; each; each = each->next) {
            if (each->name) {
                put_string(to, each->name);
                put(to, ":", 1);
            }
            print(to, each);
            if (each->next)
                put(to, ",", 1);
        }
        put(to, &close, 1);
    }
}

static void fail(const char *at)
{
    fprintf(stderr, "not JSON: %.20s\n", at);
    exit(1);
}

static const char *skip(const char *at)
{
    while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')
        at++;
    return at;
}

static const char *expect(const char *at, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(at, word, length) != 0)
        fail(at);
    return at + length;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Escapes below 0x80 only: that is what the document has. */
static const char *parse_string(const char *at, char **text)
{
    const char *end = expect(at, "\"");
    size_t length = 0;
    for (; *end && *end != '"'; end++, length++)
        end += *end == '\\';
    char *to = *text = allocate(length + 1);
    for (at++; *at != '"'; at++) {
        if (*at == 0)
            fail(at);
        if (*at != '\\') {
            *to++ = *at;
            continue;
        }
        switch (*++at) {
        case 'n':
            *to++ = '\n';
            break;
        case 'u': {
            int code = 0;
            for (int i = 1; i <= 4; i++) {
                int digit = digit_of(at[i]);
                if (digit < 0)
                    fail(at);
                code = code * 16 + digit;
            }
            *to++ = (char)code;
            at += 4;
            break;
        }
        default:
            *to++ = *at;
        }
    }
    *to = 0;
    return at + 1;
}

static const char *parse_number(const char *at, double *number)
{
    const char *start = at;
    int is_negative = *at == '-';
    uint64_t digits = 0, scale = 1;
    for (at += is_negative; *at >= '0' && *at <= '9'; at++)
        digits = digits * 10 + (uint64_t)(*at - '0');
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9'; at++, scale *= 10)
            digits = digits * 10 + (uint64_t)(*at - '0');
    if (at == start + is_negative)
        fail(start);
    *number = (double)digits / (double)scale * (is_negative ? -1 : 1);
    return at;
}

static const char *parse(const char *at, struct value **into);

static const char *parse_items(const char *at, struct value *parent, char close)
{
    struct value **last = &parent->first;
    at = skip(at + 1);
    if (*at == close)
        return at + 1;
    for (;;) {
        char *name = NULL;
        if (parent->kind == OBJECT)
            at = expect(skip(parse_string(skip(at), &name)), ":");
        at = skip(parse(at, last));
        (*last)->name = name;
        last = &(*last)->next;
        if (*at == close)
            return at + 1;
        at = expect(at, ",");
    }
}

static const char *parse(const char *at, struct value **into)
{
    struct value *value = *into = allocate(sizeof *value);
    *value = (struct value){ .kind = NIL };
    values++;
    at = skip(at);
    switch (*at) {
    case '{':
        value->kind = OBJECT;
        return parse_items(at, value, '}');
    case '[':
        value->kind = ARRAY;
        return parse_items(at, value, ']');
    case '"':
        value->kind = STRING;
        return parse_string(at, &value->text);
    case 'n':
        return expect(at, "null");
    case 't':
        value->kind = TRUE;
        return expect(at, "true");
    case 'f':
        value->kind = FALSE;
        return expect(at, "false");
    default:
        value->kind = NUMBER;
        return parse_number(at, &value->number);
    }
}

static void drop(struct value *value)
{
    while (value) {
        struct value *next = value->next;
        drop(value->first);
        free(value->text);
        free(value->name);
        free(value);
        value = next;
    }
}

static void put_words(struct buffer *to, uint32_t *random, int count)
{
    static const char *const words[] = { "order", "customer", "shipped", "pending", "caf\xc3\xa9",
        "\xe6\x9d\xb1\xe4\xba\xac", "line\\nbreak", "\\\"quoted\\\"", "total", "invoice", "warehouse",
        "\\u0007bell", "returned", "address", "priority", "note" };
    for (int i = 0; i < count; i++) {
        const char *word = words[below(random, 16)];
        put(to, word, strlen(word));
        if (i + 1 < count)
            put(to, " ", 1);
    }
}

/* A list of orders, as printed by `print`. */
static struct buffer document(int orders)
{
    struct buffer text = { NULL, 0, 0 };
    uint32_t random = 17;
    char line[160];
    put(&text, "[", 1);
    for (int i = 0; i < orders; i++) {
        /* One after the other: the order of arguments is the compiler's. */
        const char *paid = below(&random, 2) ? "true" : "false";
        const char *discount = below(&random, 3) ? "null" : "0.125";
        int north = (int)below(&random, 90), west = 1 + (int)below(&random, 180);
        int length = snprintf(line, sizeof line,
            "%s{\"id\":%d,\"paid\":%s,\"discount\":%s,\"at\":[%d.5,-%d.25],\"name\":\"", i ? "," : "", i, paid,
            discount, north, west);
        put(&text, line, (size_t)length);
        put_words(&text, &random, 2);
        put(&text, "\",\"items\":[", 11);
        for (int items = (int)below(&random, 5), item = 0; item < items; item++) {
            uint32_t sku = below(&random, 1000000), count = 1 + below(&random, 9), price = below(&random, 500);
            length = snprintf(line, sizeof line, "%s{\"sku\":\"%06u\",\"count\":%u,\"price\":%u.75,\"text\":\"",
                item ? "," : "", sku, count, price);
            put(&text, line, (size_t)length);
            put_words(&text, &random, 6);
            put(&text, "\"}", 2);
        }
        put(&text, "]}", 2);
    }
    put(&text, "]", 2);
    text.length--;
    return text;
}

int main(int argc, char **argv)
{
    int count = rounds(argc, argv);
    struct buffer text = document(2000), printed = { NULL, 0, 0 };
    for (int round = 0; round < count; round++) {
        struct value *value;
        if (*skip(parse(text.bytes, &value)) != 0)
            fail("more after its end");
        printed.length = 0;
        print(&printed, value);
        drop(value);
        if (printed.length != text.length || memcmp(printed.bytes, text.bytes, text.length) != 0)
            fail(printed.bytes);
    }
    printf("%zu %zu %08x\n", text.length, values, fnv(FNV_START, printed.bytes, printed.length));
    free(text.bytes);
    free(printed.bytes);
    return 0;
}
