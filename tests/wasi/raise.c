/* proc_raise with a signal that ends a process: the status is the one that a shell gives it. */
#include "check.h"

static void run(void)
{
    proc_raise(6);
    print("FAILED: still here\n");
}
