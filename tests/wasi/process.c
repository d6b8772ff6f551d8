/* random_get, sched_yield, and the signals that do nothing. */
#include "check.h"

static unsigned char bytes[256];

static void run(void)
{
    EXPECT(SUCCESS, random_get, bytes, 200);
    int set = 0;
    for (int i = 0; i < 256; i++)
        set += i < 200 ? bytes[i] != 0 : bytes[i] == 0;
    ASSERT(set > 240);
    EXPECT(SUCCESS, random_get, MEMORY_END, 0);
    EXPECT(FAULT, random_get, MEMORY_END - 7, 8);
    EXPECT(FAULT, random_get, bytes, ~(size_t)0);

    EXPECT(SUCCESS, sched_yield);

    EXPECT(SUCCESS, proc_raise, 0);
    EXPECT(SUCCESS, proc_raise, 13); /* pipe */
    EXPECT(SUCCESS, proc_raise, 17); /* cont */
    EXPECT(NOTSUP, proc_raise, 18);  /* stop */
    EXPECT(INVAL, proc_raise, 31);
    EXPECT(INVAL, proc_raise, ~0u);
}
