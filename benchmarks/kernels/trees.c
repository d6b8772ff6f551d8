/* trees: a treap whose nodes come from an allocator of the program's own, with free lists by size and blocks
 * that are split. Keys come and go; the payloads of nodes differ in length.
 *
 * Parameter: argv[1] = the number of rounds, each of 100,000 insertions and removals.
 * Output: nodes left, their greatest depth, and a hash of keys and payloads in
 * order.
 */
#include "kernel.h"

#define OPERATIONS 100000
#define KEYS 50000
#define ARENA (24u << 20)
#define GRAIN 16
#define CLASSES 16

struct node {
    uint32_t key, priority, length;
    struct node *left, *right;
    uint8_t payload[];
};

struct block {
    struct block *next;
};

static uint8_t *arena;
static size_t used;
static struct block *vacant[CLASSES];

static size_t class_of(size_t length)
{
    return (length + GRAIN - 1) / GRAIN - 1;
}

/* A block of this class, or the end of a larger one, or memory that was never used. */
static void *take(size_t length)
{
    size_t class = class_of(length);
    for (size_t larger = class; larger < CLASSES; larger++) {
        struct block *block = vacant[larger];
        if (block == NULL || (larger > class && larger - class < 4))
            continue;
        vacant[larger] = block->next;
        if (larger == class)
            return block;
        size_t rest = larger - class - 1;
        struct block *left = (struct block *)((uint8_t *)block + (class + 1) * GRAIN);
        left->next = vacant[rest];
        vacant[rest] = left;
        return block;
    }
    size_t size = (class + 1) * GRAIN;
    if (ARENA - used < size)
        exit(1);
    used += size;
    return arena + used - size;
}

static void give_back(void *memory, size_t length)
{
    struct block *block = memory;
    block->next = vacant[class_of(length)];
    vacant[class_of(length)] = block;
}

/* Splits a tree into the keys below `key` and the others. */
static void split(struct node *tree, uint32_t key, struct node **low, struct node **high)
{
    while (tree) {
        if (tree->key < key) {
            *low = tree;
            low = &tree->right;
            tree = tree->right;
        } else {
            *high = tree;
            high = &tree->left;
            tree = tree->left;
        }
    }
    *low = *high = NULL;
}

static struct node *merge(struct node *low, struct node *high)
{
    struct node *root, **to = &root;
    while (low && high) {
        if (low->priority > high->priority) {
            *to = low;
            to = &low->right;
            low = low->right;
        } else {
            *to = high;
            to = &high->left;
            high = high->left;
        }
    }
    *to = low ? low : high;
    return root;
}

static void insert(struct node **root, uint32_t key, uint32_t *random)
{
    uint32_t priority = next_random(random), length = below(random, 200);
    struct node **at = root;
    while (*at && (*at)->priority >= priority) {
        if ((*at)->key == key)
            return;
        at = key < (*at)->key ? &(*at)->left : &(*at)->right;
    }
    for (const struct node *deeper = *at; deeper;) {
        if (deeper->key == key)
            return;
        deeper = key < deeper->key ? deeper->left : deeper->right;
    }
    struct node *node = take(sizeof *node + length);
    node->key = key, node->priority = priority, node->length = length;
    memset(node->payload, (int)(key & 255), length);
    split(*at, key, &node->left, &node->right);
    *at = node;
}

static void take_out(struct node **root, uint32_t key)
{
    struct node **at = root;
    while (*at && (*at)->key != key)
        at = key < (*at)->key ? &(*at)->left : &(*at)->right;
    struct node *node = *at;
    if (node == NULL)
        return;
    *at = merge(node->left, node->right);
    give_back(node, sizeof *node + node->length);
}

static uint32_t nodes, deepest, hash = FNV_START;

static void walk(const struct node *tree, uint32_t depth)
{
    if (tree == NULL)
        return;
    walk(tree->left, depth + 1);
    nodes++;
    deepest = depth > deepest ? depth : deepest;
    hash = fnv(hash, &tree->key, sizeof tree->key);
    hash = fnv(hash, tree->payload, tree->length);
    walk(tree->right, depth + 1);
}

int main(int argc, char **argv)
{
    int count = rounds(argc, argv);
    arena = allocate(ARENA);
    struct node *root = NULL;
    uint32_t random = 29;
    for (int round = 0; round < count; round++) {
        for (int i = 0; i < OPERATIONS; i++) {
            uint32_t key = below(&random, KEYS);
            if (below(&random, 2))
                insert(&root, key, &random);
            else
                take_out(&root, key);
        }
    }
    walk(root, 1);
    printf("%u %u %08x\n", nodes, deepest, hash);
    free(arena);
    return 0;
}
