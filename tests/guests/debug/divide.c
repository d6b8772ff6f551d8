#include "helper.h"

__attribute__((noinline)) static int inner(int a, int b) {
    int sum = 0;
    for (int i = 0; i < 3; i++) sum += quotient(a + i, b);
    return sum;
}

__attribute__((noinline)) static int outer(int a, int b) {
    return 1 + inner(a, b);
}

__attribute__((export_name("main"))) int entry(int b) {
    return 2 + outer(40, b);
}
