/* hello: one line of output through printf and the buffer of standard output, as a
 * small request handler would write it. The handler is exported as well, so that its
 * own time can be told from that of starting the program.
 *
 * Parameter: none.
 * Output: hello, request 7
 */
#include <stdio.h>

__attribute__((export_name("handle"))) int handle(int number)
{
    printf("hello, request %d\n", number);
    return fflush(stdout);
}

int main(void)
{
    return handle(7);
}
