/* markdown: turns a document in a part of CommonMark into HTML: headings, paragraphs, lists, quotations,
 * rules, fenced code, emphasis, code, links and entities for what HTML reserves.
 *
 * Parameter: argv[1] = the number of times.
 * Output: the length of the document, that of the HTML, and a hash of the HTML.
 */
#include "kernel.h"

struct buffer {
    char *bytes;
    size_t length, capacity;
};

static void put_bytes(struct buffer *to, const char *text, size_t length)
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

static void put(struct buffer *to, const char *text)
{
    put_bytes(to, text, strlen(text));
}

static void put_escaped(struct buffer *to, const char *text, const char *end)
{
    for (; text < end; text++) {
        switch (*text) {
        case '&':
            put(to, "&amp;");
            break;
        case '<':
            put(to, "&lt;");
            break;
        case '>':
            put(to, "&gt;");
            break;
        case '"':
            put(to, "&quot;");
            break;
        default:
            put_bytes(to, text, 1);
        }
    }
}

/* The first place of a mark before the end, or NULL. */
static const char *find(const char *from, const char *end, const char *mark)
{
    size_t length = strlen(mark);
    for (; from + length <= end; from++)
        if (memcmp(from, mark, length) == 0)
            return from;
    return NULL;
}

static void put_text(struct buffer *to, const char *at, const char *end);

/* Text between two marks, in an element; where it ends, or NULL if the mark does not come again. */
static const char *put_marked(
    struct buffer *to, const char *at, const char *end, const char *mark, const char *element)
{
    const char *from = at + strlen(mark), *until = find(from, end, mark);
    if (until == NULL || until == from)
        return NULL;
    put(to, "<"), put(to, element), put(to, ">");
    if (*mark == '`')
        put_escaped(to, from, until);
    else
        put_text(to, from, until);
    put(to, "</"), put(to, element), put(to, ">");
    return until + strlen(mark);
}

static const char *put_link(struct buffer *to, const char *at, const char *end)
{
    const char *middle = find(at, end, "](");
    const char *close = middle ? find(middle, end, ")") : NULL;
    if (close == NULL)
        return NULL;
    put(to, "<a href=\"");
    put_escaped(to, middle + 2, close);
    put(to, "\">");
    put_text(to, at + 1, middle);
    put(to, "</a>");
    return close + 1;
}

static void put_text(struct buffer *to, const char *at, const char *end)
{
    while (at < end) {
        const char *after = NULL;
        if (*at == '\\' && at + 1 < end) {
            put_escaped(to, at + 1, at + 2);
            after = at + 2;
        } else if (*at == '`') {
            after = put_marked(to, at, end, "`", "code");
        } else if (*at == '*') {
            after = at + 1 < end && at[1] == '*' ? put_marked(to, at, end, "**", "strong") : NULL;
            after = after ? after : put_marked(to, at, end, "*", "em");
        } else if (*at == '[') {
            after = put_link(to, at, end);
        }
        if (after == NULL) {
            after = at + 1;
            while (after < end && !strchr("\\`*[", *after))
                after++;
            put_escaped(to, at, after);
        }
        at = after;
    }
}

static const char *end_of_line(const char *at)
{
    const char *end = strchr(at, '\n');
    return end ? end : at + strlen(at);
}

static const char *next_line(const char *end)
{
    return *end ? end + 1 : end;
}

static int starts(const char *at, const char *with)
{
    return strncmp(at, with, strlen(with)) == 0;
}

static int heading_of(const char *at)
{
    int level = 0;
    while (level < 7 && at[level] == '#')
        level++;
    return level >= 1 && level <= 6 && at[level] == ' ' ? level : 0;
}

static int is_block(const char *at)
{
    return *at == '\n' || *at == 0 || heading_of(at) || starts(at, "- ") || starts(at, "> ")
           || starts(at, "```") || starts(at, "---\n");
}

static const char *put_code(struct buffer *to, const char *at)
{
    put(to, "<pre><code>");
    at = next_line(end_of_line(at));
    while (*at && !starts(at, "```")) {
        const char *next = next_line(end_of_line(at));
        put_escaped(to, at, next);
        at = next;
    }
    put(to, "</code></pre>\n");
    return next_line(end_of_line(at));
}

/* Lines that begin alike, each in an element, all of them in another. */
static const char *put_lines(
    struct buffer *to, const char *at, const char *mark, const char *outer, const char *inner)
{
    put(to, "<"), put(to, outer), put(to, ">\n");
    while (starts(at, mark)) {
        const char *end = end_of_line(at);
        put(to, "<"), put(to, inner), put(to, ">");
        put_text(to, at + strlen(mark), end);
        put(to, "</"), put(to, inner), put(to, ">\n");
        at = next_line(end);
    }
    put(to, "</"), put(to, outer), put(to, ">\n");
    return at;
}

static const char *put_paragraph(struct buffer *to, const char *at)
{
    const char *end = end_of_line(at);
    while (!is_block(next_line(end)))
        end = end_of_line(next_line(end));
    put(to, "<p>");
    put_text(to, at, end);
    put(to, "</p>\n");
    return next_line(end);
}

static const char *put_heading(struct buffer *to, const char *at, int level)
{
    char tag[8];
    const char *end = end_of_line(at);
    snprintf(tag, sizeof tag, "h%d>", level);
    put(to, "<"), put(to, tag);
    put_text(to, at + level + 1, end);
    put(to, "</"), put(to, tag), put(to, "\n");
    return next_line(end);
}

static void put_document(struct buffer *to, const char *at)
{
    while (*at) {
        int level = heading_of(at);
        if (*at == '\n')
            at++;
        else if (level)
            at = put_heading(to, at, level);
        else if (starts(at, "```"))
            at = put_code(to, at);
        else if (starts(at, "- "))
            at = put_lines(to, at, "- ", "ul", "li");
        else if (starts(at, "> "))
            at = put_lines(to, at, "> ", "blockquote", "p");
        else if (starts(at, "---\n"))
            put(to, "<hr>\n"), at = next_line(end_of_line(at));
        else
            at = put_paragraph(to, at);
    }
}

static void add_words(struct buffer *to, uint32_t *random, int count)
{
    static const char *const words[] = { "a", "function", "**starts quickly**", "in", "*every* request",
        "`memory.grow(1)`", "with", "[a link](https://example.org/?a=1&b=2)", "less < more", "than", "the host",
        "\\*not emphasis\\*", "and", "returns", "AT&T", "\"quoted\"", "**bold and *nested* text**", "module",
        "isolated", "1 * 2" };
    for (int i = 0; i < count; i++) {
        put(to, words[below(random, 20)]);
        put(to, i + 1 == count ? "" : i % 11 == 10 ? "\n" : " ");
    }
}

static struct buffer document(int sections)
{
    struct buffer to = { NULL, 0, 0 };
    uint32_t random = 41;
    for (int section = 0; section < sections; section++) {
        put(&to, section % 4 == 0 ? "# " : section % 4 == 1 ? "## " : "### ");
        add_words(&to, &random, 4);
        put(&to, "\n\n");
        for (int paragraph = 0; paragraph < 3; paragraph++) {
            add_words(&to, &random, 20 + (int)below(&random, 40));
            put(&to, "\n\n");
        }
        for (int item = 0; item < (int)below(&random, 6); item++) {
            put(&to, section % 3 ? "- " : "> ");
            add_words(&to, &random, 8);
            put(&to, "\n");
        }
        put(&to, section % 5 ? "\n" : "\n```c\nif (a < b && c > d)\n    return \"x\";\n```\n\n---\n\n");
    }
    put_bytes(&to, "", 1);
    return to;
}

int main(int argc, char **argv)
{
    int count = rounds(argc, argv);
    struct buffer text = document(400), html = { NULL, 0, 0 };
    for (int round = 0; round < count; round++) {
        html.length = 0;
        text.bytes[2] = (char)('a' + round % 26);
        put_document(&html, text.bytes);
    }
    printf("%zu %zu %08x\n", text.length - 1, html.length, fnv(FNV_START, html.bytes, html.length));
    free(text.bytes);
    free(html.bytes);
    return 0;
}
