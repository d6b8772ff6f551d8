/* regex: matches lines of a log against regular expressions, by following all states of an automaton at once
 * (Thompson). Known: characters, ., [classes], groups, |, *, +, ?, \d, \w, \s and escaped characters; ^ and $
 * at the ends.
 *
 * Parameter: argv[1] = the number of times that 2,000 lines are searched for eight expressions.
 * Output: the number of matching lines by expression, and the sum of their shortest matches' ends.
 */
#include "kernel.h"

#define LINES 2000
#define MAX_STATES 256

enum op { CLASS, SPLIT, MATCH };

struct state {
    enum op op;
    int next, other;
    uint8_t set[32];
};

struct regex {
    struct state states[MAX_STATES];
    int count, start, is_anchored, is_to_end;
};

/* Where a part of an automaton begins, and the states whose next one is yet to be said: a list through
 * `next`.
 */
struct part {
    int start, open;
};

static struct regex *building;
static const char *pattern;

static int add(enum op op, int next, int other)
{
    if (building->count == MAX_STATES)
        exit(1);
    struct state *state = &building->states[building->count];
    *state = (struct state){ .op = op, .next = next, .other = other };
    return building->count++;
}

/* Open ends are numbered by state, times two, plus one for `other`; they are linked by what they will
 * hold, and -1 ends the list. */
static int *end_of(int open)
{
    struct state *state = &building->states[open / 2];
    return open % 2 ? &state->other : &state->next;
}

static void connect(int open, int to)
{
    while (open != -1) {
        int *end = end_of(open), next = *end;
        *end = to;
        open = next;
    }
}

static int joined(int first, int second)
{
    int at = first;
    while (*end_of(at) != -1)
        at = *end_of(at);
    *end_of(at) = second;
    return first;
}

static void include(uint8_t set[32], int from, int to)
{
    for (int c = from; c <= to; c++)
        set[c / 8] |= (uint8_t)(1 << c % 8);
}

static void include_escape(uint8_t set[32], char c)
{
    if (c == 'w')
        include(set, 'a', 'z'), include(set, 'A', 'Z'), include(set, '_', '_');
    if (c == 'd' || c == 'w')
        include(set, '0', '9');
    else if (c == 's')
        include(set, ' ', ' '), include(set, '\t', '\t');
    else
        include(set, c, c);
}

static void include_class(uint8_t set[32])
{
    int is_negated = *pattern == '^';
    for (pattern += is_negated; *pattern != ']'; pattern++) {
        if (*pattern == '\\')
            include_escape(set, *++pattern);
        else if (pattern[1] == '-' && pattern[2] != ']')
            include(set, pattern[0], pattern[2]), pattern += 2;
        else
            include(set, *pattern, *pattern);
    }
    pattern++;
    for (int i = 0; is_negated && i < 32; i++)
        set[i] = (uint8_t)~set[i];
}

static struct part alternatives(void);

static struct part atom(void)
{
    char c = *pattern++;
    if (c == '(') {
        struct part inner = alternatives();
        pattern++;
        return inner;
    }
    int state = add(CLASS, -1, -1);
    uint8_t *set = building->states[state].set;
    if (c == '.')
        include(set, 1, 255);
    else if (c == '[')
        include_class(set);
    else if (c == '\\')
        include_escape(set, *pattern++);
    else
        include(set, c, c);
    return (struct part){ state, state * 2 };
}

static struct part repeated(void)
{
    struct part part = atom();
    for (; *pattern == '*' || *pattern == '+' || *pattern == '?'; pattern++) {
        int split = add(SPLIT, part.start, -1);
        if (*pattern == '?') {
            part = (struct part){ split, joined(part.open, split * 2 + 1) };
            continue;
        }
        connect(part.open, split);
        part = (struct part){ *pattern == '*' ? split : part.start, split * 2 + 1 };
    }
    return part;
}

static struct part sequence(void)
{
    struct part part = repeated();
    while (*pattern && *pattern != '|' && *pattern != ')' && !(*pattern == '$' && pattern[1] == 0)) {
        struct part next = repeated();
        connect(part.open, next.start);
        part.open = next.open;
    }
    return part;
}

static struct part alternatives(void)
{
    struct part part = sequence();
    while (*pattern == '|') {
        pattern++;
        struct part other = sequence();
        int split = add(SPLIT, part.start, other.start);
        part = (struct part){ split, joined(part.open, other.open) };
    }
    return part;
}

static void compile(struct regex *regex, const char *text)
{
    *regex = (struct regex){ .is_anchored = *text == '^' };
    building = regex;
    pattern = text + regex->is_anchored;
    struct part all = alternatives();
    regex->is_to_end = *pattern == '$';
    regex->start = all.start;
    connect(all.open, add(MATCH, -1, -1));
}

struct set {
    int count, generation;
    int states[MAX_STATES], seen[MAX_STATES];
};

static int reach(const struct regex *regex, struct set *set, int state)
{
    if (set->seen[state] == set->generation)
        return 0;
    set->seen[state] = set->generation;
    const struct state *at = &regex->states[state];
    if (at->op == SPLIT)
        return reach(regex, set, at->next) | reach(regex, set, at->other);
    if (at->op == MATCH)
        return 1;
    set->states[set->count++] = state;
    return 0;
}

/* The end of the shortest match, or -1. */
static int search(const struct regex *regex, const char *line, int length)
{
    static struct set sets[2];
    struct set *now = &sets[0], *then = &sets[1];
    now->count = 0, now->generation++;
    for (int at = 0; at <= length; at++) {
        int has_matched = 0;
        if (at == 0 || !regex->is_anchored)
            has_matched = reach(regex, now, regex->start);
        for (int i = 0; i < regex->count && !has_matched; i++)
            has_matched = regex->states[i].op == MATCH && now->seen[i] == now->generation;
        if (has_matched && (!regex->is_to_end || at == length))
            return at;
        if (at == length)
            break;
        then->count = 0, then->generation++;
        unsigned char c = (unsigned char)line[at];
        for (int i = 0; i < now->count; i++) {
            const struct state *state = &regex->states[now->states[i]];
            if (state->set[c / 8] >> c % 8 & 1)
                reach(regex, then, state->next);
        }
        struct set *kept = now;
        now = then;
        then = kept;
    }
    return -1;
}

static int make_line(char *line, size_t size, uint32_t *random)
{
    static const char *const methods[] = { "GET", "POST", "PUT", "DELETE" };
    static const char *const paths[] = { "/api/v1/users", "/static/app.js", "/index.html",
        "/api/v2/orders/item", "/health" };
    static const char *const levels[] = { "INFO", "WARN", "ERROR", "DEBUG" };
    static const uint32_t limits[] = { 12, 28, 24, 60, 60, 4, 256, 256, 256, 4, 5, 100000, 4, 5, 5000, 1000, 10 };
    uint32_t r[sizeof limits / sizeof limits[0]];
    for (size_t i = 0; i < sizeof r / sizeof r[0]; i++)
        r[i] = below(random, limits[i]);
    return snprintf(line, size,
        "2026-%02u-%02uT%02u:%02u:%02uZ %s 10.%u.%u.%u \"%s %s/%u\" %u %ums user%u@mail%u.example.org", 1 + r[0],
        1 + r[1], r[2], r[3], r[4], levels[r[5]], r[6], r[7], r[8], methods[r[9]], paths[r[10]], r[11],
        200 + 100 * r[12] + r[13], r[14], r[15], r[16]);
}

int main(int argc, char **argv)
{
    static const char *const patterns[] = { "ERROR|WARN", "^2026-0[1-6]-\\d\\dT",
        "\"(GET|POST) /api/v\\d+/(users|orders/\\w+)/\\d+\"", "[a-z0-9]+@[a-z0-9]+(\\.[a-z]+)+$", " 5\\d\\d ",
        "\\d+\\.\\d+\\.\\d+\\.(1|2)\\d\\d ", "(9+)ms",
        "[^ ]+ (INFO|DEBUG) [^ ]+ \"DELETE .*html.*\" (200|204) " };
    enum { PATTERNS = sizeof patterns / sizeof patterns[0] };
    static struct regex regexes[PATTERNS];
    static char lines[LINES][160];
    int count = rounds(argc, argv), lengths[LINES];
    uint32_t random = 23, ends = 0, found[PATTERNS] = { 0 };
    for (int i = 0; i < LINES; i++)
        lengths[i] = make_line(lines[i], sizeof lines[i], &random);
    for (int round = 0; round < count; round++) {
        for (int p = 0; p < PATTERNS; p++) {
            compile(&regexes[p], patterns[p]);
            for (int i = 0; i < LINES; i++) {
                int end = search(&regexes[p], lines[i], lengths[i]);
                found[p] += end >= 0;
                ends += end >= 0 ? (uint32_t)end : 0;
            }
        }
    }
    for (int p = 0; p < PATTERNS; p++)
        printf("%u ", found[p]);
    printf("%u\n", ends);
    return 0;
}
