/* resize: halves a picture of 1024 x 768 points with four channels of a byte, by a bicubic filter in
 * fixed-point arithmetic, first along its rows, then along its columns.
 *
 * Parameter: argv[1] = the number of pictures.
 * Output: a hash of the last picture, and its mean red, green, blue and alpha.
 */
#include "kernel.h"

#define WIDTH 1024
#define HEIGHT 768
#define TO_WIDTH 500
#define TO_HEIGHT 375
#define CHANNELS 4
#define TAPS 10
#define ONE 14 /* Bits after the point. */

struct taps {
    int first;
    int16_t weights[TAPS];
};

static uint8_t picture[HEIGHT][WIDTH][CHANNELS], narrow[HEIGHT][TO_WIDTH][CHANNELS],
    small[TO_HEIGHT][TO_WIDTH][CHANNELS];
static struct taps columns[TO_WIDTH], rows[TO_HEIGHT];

/* Catmull-Rom. */
static double cubic(double x)
{
    x = x < 0 ? -x : x;
    if (x < 1)
        return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

static void make_taps(struct taps *taps, int from, int to)
{
    double scale = (double)from / to;
    for (int i = 0; i < to; i++) {
        double centre = (i + 0.5) * scale, weights[TAPS], sum = 0;
        int first = (int)(centre - 2 * scale);
        first = first < 0 ? 0 : first > from - TAPS ? from - TAPS : first;
        for (int tap = 0; tap < TAPS; tap++)
            sum += weights[tap] = cubic((first + tap + 0.5 - centre) / scale);
        taps[i].first = first;
        int left = 1 << ONE;
        for (int tap = 0; tap < TAPS; tap++) {
            double weight = weights[tap] / sum * (1 << ONE);
            taps[i].weights[tap] = (int16_t)(weight < 0 ? weight - 0.5 : weight + 0.5);
            left -= taps[i].weights[tap];
        }
        taps[i].weights[TAPS / 2] = (int16_t)(taps[i].weights[TAPS / 2] + left);
    }
}

static uint8_t clamp(int32_t sum)
{
    int32_t value = (sum + (1 << (ONE - 1))) >> ONE;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void along_rows(void)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < TO_WIDTH; x++) {
            const struct taps *taps = &columns[x];
            int32_t sums[CHANNELS] = { 0 };
            for (int tap = 0; tap < TAPS; tap++)
                for (int channel = 0; channel < CHANNELS; channel++)
                    sums[channel] += taps->weights[tap] * picture[y][taps->first + tap][channel];
            for (int channel = 0; channel < CHANNELS; channel++)
                narrow[y][x][channel] = clamp(sums[channel]);
        }
}

static void along_columns(void)
{
    for (int y = 0; y < TO_HEIGHT; y++) {
        const struct taps *taps = &rows[y];
        for (int x = 0; x < TO_WIDTH; x++)
            for (int channel = 0; channel < CHANNELS; channel++) {
                int32_t sum = 0;
                for (int tap = 0; tap < TAPS; tap++)
                    sum += taps->weights[tap] * narrow[taps->first + tap][x][channel];
                small[y][x][channel] = clamp(sum);
            }
    }
}

int main(int argc, char **argv)
{
    int count = rounds(argc, argv);
    uint32_t random = 31;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            uint8_t *point = picture[y][x];
            point[0] = (uint8_t)(x / 4 + below(&random, 16)), point[1] = (uint8_t)(y / 3 ^ x / 8);
            point[2] = (uint8_t)((x * y) >> 11), point[3] = (uint8_t)(255 - below(&random, 8));
        }
    make_taps(columns, WIDTH, TO_WIDTH);
    make_taps(rows, HEIGHT, TO_HEIGHT);
    for (int round = 0; round < count; round++) {
        picture[round % HEIGHT][round % WIDTH][0] ^= 255;
        along_rows();
        along_columns();
    }
    uint64_t means[CHANNELS] = { 0 };
    for (int y = 0; y < TO_HEIGHT; y++)
        for (int x = 0; x < TO_WIDTH; x++)
            for (int channel = 0; channel < CHANNELS; channel++)
                means[channel] += small[y][x][channel];
    printf("%08x", fnv(FNV_START, small, sizeof small));
    for (int channel = 0; channel < CHANNELS; channel++)
        printf(" %u", (unsigned)(means[channel] / (TO_WIDTH * TO_HEIGHT)));
    putchar('\n');
    return 0;
}
