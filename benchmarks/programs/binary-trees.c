/* binary-trees: builds, walks and frees many perfect binary trees, one malloc
 * and one free a node. Measures allocation and recursive calls.
 *
 * Parameter: argv[1] = N, the depth of the long-lived tree.
 * Output: the number of nodes of each group of trees, as the Computer Language
 * Benchmarks Game specifies.
 */
#include <stdio.h>
#include <stdlib.h>

#define MIN_DEPTH 4

struct node {
    struct node *left, *right;
};

static struct node *build(int depth)
{
    struct node *node = malloc(sizeof *node);
    if (node == NULL) {
        fputs("binary-trees: out of memory\n", stderr);
        exit(1);
    }
    if (depth > 0) {
        node->left = build(depth - 1);
        node->right = build(depth - 1);
    } else {
        node->left = node->right = NULL;
    }
    return node;
}

static int count(const struct node *node)
{
    if (node->left == NULL)
        return 1;
    return 1 + count(node->left) + count(node->right);
}

static void release(struct node *node)
{
    if (node->left != NULL) {
        release(node->left);
        release(node->right);
    }
    free(node);
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 10;
    int max_depth = n > MIN_DEPTH + 2 ? n : MIN_DEPTH + 2;
    int stretch_depth = max_depth + 1;

    struct node *stretch = build(stretch_depth);
    printf("stretch tree of depth %d\t check: %d\n", stretch_depth, count(stretch));
    release(stretch);

    struct node *long_lived = build(max_depth);
    for (int depth = MIN_DEPTH; depth <= max_depth; depth += 2) {
        int trees = 1 << (max_depth - depth + MIN_DEPTH);
        int check = 0;
        for (int i = 0; i < trees; i++) {
            struct node *tree = build(depth);
            check += count(tree);
            release(tree);
        }
        printf("%d\t trees of depth %d\t check: %d\n", trees, depth, check);
    }
    printf("long lived tree of depth %d\t check: %d\n", max_depth, count(long_lived));
    release(long_lived);
    return 0;
}
