/* jpeg_quality.c - compares a file's quantisation tables with those that libjpeg would write. */
#include "image/jpeg_quality.h"

#include <stdlib.h>

/* ITU-T T.81, tables K.1 (brightness) and K.2 (colour), row by row. */
static const uint8_t standard[2][JPEG_TABLE_VALUES] = {
    {
        16, 11,  10,  16, 24, 40, 51, 61, 12,  12,  14,  19,  26, 58, 60, 55,  14,  13,  16,  24, 40, 57,
        69, 56,  14,  17, 22, 29, 51, 87, 80,  62,  18,  22,  37, 56, 68, 109, 103, 77,  24,  35, 55, 64,
        81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98,  112, 100, 103, 99,
    },
    {
        17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99,
        99, 99, 47, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    },
};

const uint8_t jpeg_zigzag[JPEG_TABLE_VALUES] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

int jpeg_quality_table(int quality, bool colour, bool baseline, int index)
{
    int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality, most = baseline ? 255 : 32767;
    int value = (standard[colour][jpeg_zigzag[index]] * scale + 50) / 100;
    return value < 1 ? 1 : value > most ? most : value;
}

static long distance(const uint16_t *table, int quality, bool colour, bool baseline)
{
    long sum = 0;
    for (int i = 0; i < JPEG_TABLE_VALUES; i++)
        sum += labs((long)table[i] - jpeg_quality_table(quality, colour, baseline, i));
    return sum;
}

static const uint16_t *table_of(const struct jpeg_header *h, int component)
{
    if (component >= h->components)
        return NULL;
    int number = h->table_of[component];
    return number < JPEG_TABLES && h->has_table[number] ? h->tables[number] : NULL;
}

struct jpeg_quality jpeg_quality_estimate(const struct jpeg_header *header)
{
    const uint16_t *brightness = table_of(header, 0), *colour = table_of(header, 1);
    struct jpeg_quality best = {0};
    bool baseline = true;
    long least = 0;
    if (!brightness)
        return best;
    if (colour == brightness || header->components != 3)
        colour = NULL; /* RGB and CMYK use the first table for all */
    for (int i = 0; i < JPEG_TABLE_VALUES; i++)
        if (brightness[i] > 255 || (colour && colour[i] > 255))
            baseline = false;
    for (int quality = 1; quality <= 100; quality++) {
        long apart = distance(brightness, quality, false, baseline);
        if (colour)
            apart += distance(colour, quality, true, baseline);
        if (best.quality && apart >= least)
            continue;
        least = apart;
        best = (struct jpeg_quality){quality, apart == 0};
    }
    return best;
}
