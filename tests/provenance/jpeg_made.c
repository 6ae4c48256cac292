/* jpeg_made.c - see jpeg_made.h. */
#include "jpeg_made.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>

#include "base/memory.h"
#include "base/random.h"

enum { WAVES = 24, LARGE = 5 /* of them are large */ };

static double drawn(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) / 16777216.0;
}

struct jpeg_grey made_picture(uint32_t width, uint32_t height, unsigned seed)
{
    struct jpeg_grey grey = {width, height, mem_alloc((size_t)width * height, 1)};
    double *across = mem_alloc((size_t)width * WAVES * 3, sizeof *across), weight[WAVES], step[WAVES][2], begin[WAVES];
    assert_true(grey.pixels && across);
    uint32_t state = seed * 2654435761u + 12345;
    for (int i = 0; i < WAVES; i++) {
        double angle = 6.2832 * drawn(&state), length = drawn(&state);
        length = i < LARGE ? 0.005 + 0.02 * length : 0.02 + 0.6 * length * length;
        step[i][0] = length * cos(angle);
        step[i][1] = length * sin(angle);
        begin[i] = 6.2832 * drawn(&state);
        weight[i] = i < LARGE ? 25 : 13 * drawn(&state);
        for (uint32_t x = 0; x < width; x++) {
            double *at = across + ((size_t)x * WAVES + (size_t)i) * 3;
            at[0] = sin(step[i][0] * x + begin[i]);
            at[1] = cos(step[i][0] * x + begin[i]);
            at[2] = weight[i] * (0.4 + 0.6 * sin(0.013 * (i + 3) * x));
        }
    }
    for (uint32_t y = 0; y < height; y++) {
        double sine[WAVES], cosine[WAVES];
        for (int i = 0; i < WAVES; i++) {
            sine[i] = sin(step[i][1] * y);
            cosine[i] = cos(step[i][1] * y);
        }
        for (uint32_t x = 0; x < width; x++) {
            const double *at = across + (size_t)x * WAVES * 3;
            double value = 128 + (drawn(&state) - 0.5) * 12;
            for (int i = 0; i < WAVES; i++, at += 3) {
                double local = at[0] * cosine[i] + at[1] * sine[i];
                value += at[2] * (i >= LARGE && i % 3 == 0 ? local > 0 : local);
            }
            grey.pixels[(size_t)y * width + x] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
    }
    mem_free(across);
    return grey;
}

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, size_t value)
{
    put16(at, (unsigned)value & 0xFFFF);
    put16(at + 2, (unsigned)(value >> 16));
}

/* An APP1 whose second directory holds the thumbnail. */
static void write_exif(struct jpeg_compress_struct *info, const struct made *how)
{
    enum { DATA = 6 + 68 };
    static const uint8_t head[] = {'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0};
    uint8_t *exif = mem_alloc(DATA + how->thumbnail_size, 1);
    assert_non_null(exif);
    memcpy(exif, head, sizeof head);
    uint8_t *tiff = exif + 6;
    put16(tiff + 8, 1); /* one entry: Make */
    put16(tiff + 10, 0x010F), put16(tiff + 12, 2), put32(tiff + 14, 4);
    memcpy(tiff + 18, "Cam", 4);
    put32(tiff + 22, 26);
    put16(tiff + 26, 3); /* three: compression, where, how long */
    put16(tiff + 28, 0x0103), put16(tiff + 30, 3), put32(tiff + 32, 1), put32(tiff + 36, 6);
    put16(tiff + 40, 0x0201), put16(tiff + 42, 4), put32(tiff + 44, 1), put32(tiff + 48, DATA - 6);
    put16(tiff + 52, 0x0202), put16(tiff + 54, 4), put32(tiff + 56, 1), put32(tiff + 60, how->thumbnail_size);
    memcpy(exif + DATA, how->thumbnail, how->thumbnail_size);
    jpeg_write_marker(info, JPEG_APP0 + 1, exif, (unsigned)(DATA + how->thumbnail_size));
    mem_free(exif);
}

uint8_t *made_jpeg(const struct jpeg_grey *picture, const struct made *how, size_t *size)
{
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long length = 0;
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &bytes, &length);
    info.image_width = picture->width;
    info.image_height = picture->height;
    info.input_components = 1;
    info.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, how->quality ? how->quality : 90, TRUE);
    if (how->table)
        jpeg_add_quant_table(&info, 0, how->table, 100, TRUE);
    jpeg_scan_info scans[64] = {{.comps_in_scan = 1}}; /* the first: the blocks' means */
    for (int i = 1; i < how->scans; i++)
        scans[i] = (jpeg_scan_info){.comps_in_scan = 1, .Ss = i, .Se = i < how->scans - 1 ? i : 63};
    if (how->scans) {
        info.scan_info = scans;
        info.num_scans = how->scans;
    } else if (how->progressive)
        jpeg_simple_progression(&info);
    jpeg_start_compress(&info, TRUE);
    if (how->thumbnail)
        write_exif(&info, how);
    while (info.next_scanline < info.image_height) {
        JSAMPROW line = picture->pixels + (size_t)info.next_scanline * picture->width;
        jpeg_write_scanlines(&info, &line, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    *size = length;
    return bytes;
}

struct jpeg_grey made_decoded(const uint8_t *bytes, size_t size)
{
    struct jpeg_grey grey;
    assert_true(jpeg_peek_grey(bytes, size, 1, 1 << 26, &grey));
    return grey;
}
