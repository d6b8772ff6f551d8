/* nop: does nothing. Measures start-up and shut-down alone.
 *
 * Parameter: none.
 * Output: none; the exit status is 0.
 */
int main(void)
{
    return 0;
}
