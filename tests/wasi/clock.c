/* clock_*. */
#include "check.h"

static void run(void)
{
    uint64_t time;
    for (unsigned clock = REALTIME; clock <= THREAD_CPUTIME; clock++) {
        time = 0;
        EXPECT(SUCCESS, clock_res_get, clock, &time);
        ASSERT(time > 0);
        time = 0;
        EXPECT(SUCCESS, clock_time_get, clock, 0, &time);
        ASSERT(time > 0);
        uint64_t later = 0;
        EXPECT(SUCCESS, clock_time_get, clock, ~(uint64_t)0, &later);
        ASSERT(clock == REALTIME || later >= time);
    }
    /* 2020-01-01, in nanoseconds. */
    ASSERT(clock_time_get(REALTIME, 0, &time) == SUCCESS && time > 1577836800000000000);
    EXPECT(INVAL, clock_res_get, 4, &time);
    EXPECT(INVAL, clock_time_get, ~0u, 0, &time);
    EXPECT(FAULT, clock_res_get, MONOTONIC, OUTSIDE);
    EXPECT(FAULT, clock_time_get, MONOTONIC, 0, OUTSIDE);
    EXPECT(INVAL, clock_res_get, MONOTONIC, ODD(&time));
    EXPECT(INVAL, clock_time_get, MONOTONIC, 0, ODD(&time));
}
