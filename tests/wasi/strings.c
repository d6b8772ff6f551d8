/* args_* and environ_*. Given: the arguments "program", "two words" and "", the variables "A=1" and
 * "OTHER=..." */
#include "check.h"

static char *pointers[8];
static char bytes[256];

static void run(void)
{
    size_t count = 0, size = 0;
    EXPECT(SUCCESS, args_sizes_get, &count, &size);
    ASSERT(count == 3 && size == sizeof "program" + sizeof "two words" + sizeof "");
    EXPECT(SUCCESS, args_get, pointers, bytes);
    ASSERT(pointers[0] == bytes && same(bytes, "program\0two words\0", size));
    ASSERT(pointers[1] == bytes + 8 && pointers[2] == bytes + 18 && pointers[3] == NULL);
    EXPECT(FAULT, args_sizes_get, OUTSIDE, &size);
    EXPECT(FAULT, args_sizes_get, &count, OUTSIDE);
    EXPECT(INVAL, args_sizes_get, ODD(&count), &size);
    EXPECT(INVAL, args_sizes_get, &count, ODD(&size));
    bytes[0] = '?';
    EXPECT(FAULT, args_get, pointers, MEMORY_END - 10);
    EXPECT(FAULT, args_get, MEMORY_END - 8, bytes);
    EXPECT(INVAL, args_get, ODD(pointers), bytes);
    ASSERT(bytes[0] == '?');

    EXPECT(SUCCESS, environ_sizes_get, &count, &size);
    ASSERT(count == 2 && size == sizeof "A=1" + sizeof "OTHER=1");
    EXPECT(SUCCESS, environ_get, pointers, bytes);
    ASSERT(pointers[0] == bytes && pointers[1] == bytes + 4 && same(bytes, "A=1\0OTHER=", 10));
    EXPECT(FAULT, environ_sizes_get, OUTSIDE, &size);
    EXPECT(INVAL, environ_sizes_get, &count, ODD(&size));
    EXPECT(FAULT, environ_get, pointers, MEMORY_END - 1);
    EXPECT(INVAL, environ_get, ODD(pointers), bytes);
}
