/* interpreter: a loop over the instructions of a small machine with registers, as language runtimes have,
 * running a program that counts the steps of Collatz sequences and keeps the longest.
 *
 * Parameter: argv[1] = the number of times that 1 to 20,000 are tried, each time from another start.
 * Output: the number with the most steps of the last time, its steps, and the instructions executed.
 */
#include "kernel.h"

enum op {
    LOAD, MOVE, ADD, SUB, MUL, SHIFT_RIGHT, AND, STORE, FETCH, JUMP, JUMP_ZERO, JUMP_LESS, CALL, RETURN, STOP
};

struct instruction {
    uint8_t op, a, b, c;
    int32_t operand;
};

enum { N, STEPS, BEST, BEST_STEPS, END, ONE, THREE, BIT, LOWER, SLOT, CACHE_SIZE, KNOWN };

/* SLOT is where the steps of small numbers are kept, so that there are loads and stores. */
static const struct instruction program[] = {
    /*  0 */ { LOAD, ONE, 0, 0, 1 },
    /*  1 */ { LOAD, THREE, 0, 0, 3 },
    /*  2 */ { LOAD, BEST, 0, 0, 0 },
    /*  3 */ { LOAD, BEST_STEPS, 0, 0, 0 },
    /*  4 */ { LOAD, CACHE_SIZE, 0, 0, 4096 },
    /*  5 */ { JUMP_LESS, LOWER, END, 0, 7 },
    /*  6 */ { STOP, 0, 0, 0, 0 },
    /*  7 */ { MOVE, N, LOWER, 0, 0 },
    /*  8 */ { LOAD, STEPS, 0, 0, 0 },
    /*  9 */ { CALL, 0, 0, 0, 18 },
    /* 10 */ { JUMP_LESS, LOWER, CACHE_SIZE, 0, 12 },
    /* 11 */ { JUMP, 0, 0, 0, 13 },
    /* 12 */ { STORE, STEPS, LOWER, 0, 0 },
    /* 13 */ { JUMP_LESS, BEST_STEPS, STEPS, 0, 15 },
    /* 14 */ { JUMP, 0, 0, 0, 17 },
    /* 15 */ { MOVE, BEST, LOWER, 0, 0 },
    /* 16 */ { MOVE, BEST_STEPS, STEPS, 0, 0 },
    /* 17 */ { JUMP, 0, 0, 0, 31 },
    /* 18 */ { SUB, BIT, N, ONE, 0 },
    /* 19 */ { JUMP_ZERO, BIT, 0, 0, 30 },
    /* 20 */ { ADD, STEPS, STEPS, ONE, 0 },
    /* 21 */ { AND, BIT, N, ONE, 0 },
    /* 22 */ { JUMP_ZERO, BIT, 0, 0, 26 },
    /* 23 */ { MUL, N, N, THREE, 0 },
    /* 24 */ { ADD, N, N, ONE, 0 },
    /* 25 */ { JUMP, 0, 0, 0, 18 },
    /* 26 */ { SHIFT_RIGHT, N, N, ONE, 0 },
    /* 27 */ { JUMP_LESS, N, CACHE_SIZE, 0, 33 },
    /* 28 */ { JUMP, 0, 0, 0, 18 },
    /* 29 */ { JUMP, 0, 0, 0, 18 },
    /* 30 */ { RETURN, 0, 0, 0, 0 },
    /* 31 */ { ADD, LOWER, LOWER, ONE, 0 },
    /* 32 */ { JUMP, 0, 0, 0, 5 },
    /* 33 */ { FETCH, KNOWN, N, 0, 0 },
    /* 34 */ { JUMP_ZERO, KNOWN, 0, 0, 18 },
    /* 35 */ { ADD, STEPS, STEPS, KNOWN, 0 },
    /* 36 */ { RETURN, 0, 0, 0, 0 },
};

static uint64_t run(uint64_t r[16], uint64_t *memory)
{
    const struct instruction *at = program, *stack[16];
    int depth = 0;
    for (uint64_t executed = 1;; executed++) {
        const struct instruction *now = at++;
        switch ((enum op)now->op) {
        case LOAD:
            r[now->a] = (uint64_t)now->operand;
            break;
        case MOVE:
            r[now->a] = r[now->b];
            break;
        case ADD:
            r[now->a] = r[now->b] + r[now->c];
            break;
        case SUB:
            r[now->a] = r[now->b] - r[now->c];
            break;
        case MUL:
            r[now->a] = r[now->b] * r[now->c];
            break;
        case SHIFT_RIGHT:
            r[now->a] = r[now->b] >> r[now->c];
            break;
        case AND:
            r[now->a] = r[now->b] & r[now->c];
            break;
        case STORE:
            memory[r[now->b]] = r[now->a];
            break;
        case FETCH:
            r[now->a] = memory[r[now->b]];
            break;
        case JUMP:
            at = program + now->operand;
            break;
        case JUMP_ZERO:
            if (r[now->a] == 0)
                at = program + now->operand;
            break;
        case JUMP_LESS:
            if (r[now->a] < r[now->b])
                at = program + now->operand;
            break;
        case CALL:
            stack[depth++ & 15] = at;
            at = program + now->operand;
            break;
        case RETURN:
            at = stack[--depth & 15];
            break;
        case STOP:
            return executed;
        }
    }
}

int main(int argc, char **argv)
{
    int count = rounds(argc, argv);
    static uint64_t memory[4096];
    uint64_t executed = 0, r[16] = { 0 };
    for (int round = 0; round < count; round++) {
        memset(memory, 0, sizeof memory);
        r[LOWER] = 1 + (uint64_t)round;
        r[END] = r[LOWER] + 20000;
        executed += run(r, memory);
    }
    printf("%llu %llu %llu\n", (unsigned long long)r[BEST], (unsigned long long)r[BEST_STEPS],
        (unsigned long long)executed);
    return 0;
}
