/* jpeg_tables.c - compares a file's tables with known ones, to the number. */
#include "provenance/jpeg_tables.h"

#include "image/jpeg_quality.h"

/* Photoshop's: the values in Pillow's PIL/JpegPresets.py, which were read from files that Photoshop wrote. */
static const struct {
    const char *setting;
    uint8_t tables[2][JPEG_TABLE_VALUES];
} photoshop[] = {
#include "provenance/jpeg_tables_photoshop.h"
};

/* What mozjpeg scales by the quality in place of T.81's tables (`cjpeg -quant-table N`; its jcparam.c names the
 * sources). Row by row; where `colour` is missing brightness' are used for it too. */
static const struct {
    const char *setting;
    uint16_t brightness[JPEG_TABLE_VALUES], colour[JPEG_TABLE_VALUES];
} mozjpeg[] = {
    {"flat",
     {16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
      16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
      16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16},
     {0}},
    {"tuned for MS-SSIM",
     {12, 17,  20,  21, 30, 34, 56, 63, 18,  20,  20,  26,  28, 51, 61, 55, 19,  20,  21,  26, 33, 58,
      69, 55,  26,  26, 26, 30, 46, 87, 86,  66,  31,  33,  36, 40, 46, 96, 100, 73,  40,  35, 46, 62,
      81, 100, 111, 91, 46, 66, 76, 86, 102, 121, 120, 101, 68, 90, 90, 96, 113, 102, 105, 103},
     {8,  12, 15, 15, 86, 96, 96, 98, 13, 13, 15, 26, 90, 96, 99, 98, 12, 15, 18, 96, 99, 99,
      99, 99, 17, 16, 90, 96, 99, 99, 99, 99, 96, 96, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
      99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99}},
    {"Robidoux", /* its default; ImageMagick's quantization-table.xml */
     {16, 16,  16,  18,  25, 37, 56, 85,  16,  17,  20,  27,  34, 40, 53,  75,  16,  20,  24,  31, 43, 62,
      91, 135, 18,  27,  31, 40, 53, 74,  106, 156, 25,  34,  43, 53, 69,  94,  131, 189, 37,  40, 62, 74,
      94, 124, 169, 238, 56, 53, 91, 106, 131, 169, 226, 311, 85, 75, 135, 156, 189, 238, 311, 418},
     {0}},
    {"tuned for PSNR-HVS",
     {9,  10,  12,  14,  27, 32, 51, 62, 11,  12,  14,  19, 27, 44, 59,  73,  12,  14,  18,  25, 42, 59,
      79, 78,  17,  18,  25, 42, 61, 92, 87,  92,  23,  28, 42, 75, 79,  112, 112, 99,  40,  42, 59, 84,
      88, 124, 132, 111, 42, 64, 78, 95, 105, 126, 125, 99, 70, 75, 100, 102, 116, 100, 107, 98},
     {9,  10, 17, 19, 62, 89, 91, 97, 12, 13, 18, 29, 84, 91, 88, 98, 14, 19, 29, 93,  95, 95,
      98, 97, 20, 26, 84, 88, 95, 95, 98, 94, 26, 86, 91, 93, 97, 99, 98, 99, 99, 100, 98, 99,
      99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 97, 97, 99, 99, 99, 99, 97, 99}},
    {"Klein, Silverstein, Carney",
     {10, 12,  14,  19,  26, 38, 57, 86,  12,  18,  21,  28,  35, 41, 54,  76,  14,  21,  25,  32, 44, 63,
      92, 136, 19,  28,  32, 41, 54, 75,  107, 157, 26,  35,  44, 54, 70,  95,  132, 190, 38,  41, 63, 75,
      95, 125, 170, 239, 57, 54, 92, 107, 132, 170, 227, 312, 86, 76, 136, 157, 190, 239, 312, 419},
     {0}},
    {"Watson, Taylor, Borthwick",
     {7,   8,   10,  14,  23, 44,  95,  241, 8,   8,   11,  15,  25,  47,  102, 255, 10,  11,  13,  19, 31, 58,
      127, 255, 14,  15,  19, 27,  44,  83,  181, 255, 23,  25,  31,  44,  72,  136, 255, 255, 44,  47, 58, 83,
      136, 255, 255, 255, 95, 102, 127, 181, 255, 255, 255, 255, 241, 255, 255, 255, 255, 255, 255, 255},
     {0}},
    {"Ahumada, Watson, Peterson",
     {15, 11, 11, 12, 15, 19, 25, 32, 11, 13, 10, 10, 12, 15, 19, 24, 11, 10, 14, 14, 16, 18,
      22, 27, 12, 10, 14, 18, 21, 24, 28, 33, 15, 12, 16, 21, 26, 31, 36, 42, 19, 15, 18, 24,
      31, 38, 45, 53, 25, 19, 22, 28, 36, 45, 55, 65, 32, 24, 27, 33, 42, 53, 65, 77},
     {0}},
    {"Peterson, Ahumada, Watson",
     {14, 10, 11, 14, 19, 25, 34, 45, 10, 11, 11, 12, 15, 20, 26, 33, 11, 11, 15, 18, 21, 25,
      31, 38, 14, 12, 18, 24, 28, 33, 39, 47, 19, 15, 21, 28, 36, 43, 51, 59, 25, 20, 25, 33,
      43, 54, 64, 74, 34, 26, 31, 39, 51, 64, 77, 91, 45, 33, 38, 47, 59, 74, 91, 108},
     {0}},
};

static const uint16_t *table_of(const struct jpeg_header *h, int component)
{
    int number = component < h->components ? h->table_of[component] : JPEG_TABLES;
    return number < JPEG_TABLES && h->has_table[number] ? h->tables[number] : NULL;
}

static bool is_baseline(const uint16_t *table)
{
    for (int i = 0; i < JPEG_TABLE_VALUES; i++)
        if (table[i] > 255)
            return false;
    return true;
}

/* The quality at which libjpeg gives this table; 0: none. */
static int libjpeg_quality(const uint16_t *table, bool colour)
{
    bool baseline = is_baseline(table);
    for (int quality = 100; quality >= 1; quality--) {
        int i = 0;
        while (i < JPEG_TABLE_VALUES && table[i] == jpeg_quality_table(quality, colour, baseline, i))
            i++;
        if (i == JPEG_TABLE_VALUES)
            return quality;
    }
    return 0;
}

static bool is_scaled(const uint16_t *table, const uint16_t *rows, int quality)
{
    int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality, most = is_baseline(table) ? 255 : 32767;
    for (int i = 0; i < JPEG_TABLE_VALUES; i++) {
        int value = (rows[jpeg_zigzag[i]] * scale + 50) / 100;
        if (table[i] != (value < 1 ? 1 : value > most ? most : value))
            return false;
    }
    return true;
}

static bool is_table(const uint16_t *table, const uint8_t *rows)
{
    for (int i = 0; i < JPEG_TABLE_VALUES; i++)
        if (table[i] != rows[jpeg_zigzag[i]])
            return false;
    return true;
}

struct jpeg_tables jpeg_tables_identify(const struct jpeg_header *header)
{
    const uint16_t *brightness = table_of(header, 0), *colour = table_of(header, 1);
    struct jpeg_tables none = {NULL, "", 0, 0};
    if (!brightness)
        return none;
    bool one = !colour || colour == brightness; /* grey, or RGB and CMYK, of which every plane has the first table */
    int quality = libjpeg_quality(brightness, false);
    int second = one ? quality : quality ? libjpeg_quality(colour, true) : 0;
    if (quality && second)
        return (struct jpeg_tables){"libjpeg", "", quality, second};
    for (size_t i = 0; i < sizeof photoshop / sizeof photoshop[0]; i++)
        if (is_table(brightness, photoshop[i].tables[0]) && (one || is_table(colour, photoshop[i].tables[1])))
            return (struct jpeg_tables){"Adobe Photoshop", photoshop[i].setting, 0, 0};
    for (size_t i = 0; i < sizeof mozjpeg / sizeof mozjpeg[0]; i++)
        for (quality = 99; quality >= 1; quality--)
            if (is_scaled(brightness, mozjpeg[i].brightness, quality) &&
                (one || is_scaled(colour, mozjpeg[i].colour[0] ? mozjpeg[i].colour : mozjpeg[i].brightness, quality)))
                return (struct jpeg_tables){"mozjpeg", mozjpeg[i].setting, quality, quality};
    return none;
}
