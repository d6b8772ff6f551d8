/* proc_exit, with 42. */
#include "check.h"

static void run(void)
{
    print("proc_exit SUCCESS\n");
    proc_exit(42);
}
