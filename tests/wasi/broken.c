/* Writing to a pipe without readers. Given: the writing end of a pipe without the other as 2. */
#include "check.h"

static void run(void)
{
    size_t count;
    iovec piece = {"x", 1};
    EXPECT(PIPE, fd_write, PIPE_OUT, &piece, 1, &count);
}
