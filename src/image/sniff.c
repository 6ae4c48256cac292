/* sniff.c - signatures of picture formats, and of other things that are handed in as pictures; and the few facts about
 * a file that libvips does not tell, or too late. */
#include "image/sniff.h"

#include <stdbool.h>
#include <string.h>

#include "image/walk.h"

struct signature {
    const char *magic, *what;
    uint8_t offset, length;
};

#define SIGNATURE(offset, magic, what)                                                                                 \
    {                                                                                                                  \
        magic, what, offset, sizeof(magic) - 1                                                                         \
    }

/* Not decoded, but worth naming in the message. The more specific ones come first. */
static const struct signature others[] = {
    SIGNATURE(0, "BM", "a BMP picture"),
    SIGNATURE(0, "8BPS", "a Photoshop (PSD) picture"),
    SIGNATURE(0, "%PDF", "a PDF document"),
    SIGNATURE(0, "%!PS", "a PostScript document"),
    SIGNATURE(0, "\xFF\x0A", "a JPEG XL picture"),
    SIGNATURE(0, "\0\0\0\x0CJXL ", "a JPEG XL picture"),
    SIGNATURE(0, "\0\0\0\x0CjP  ", "a JPEG 2000 picture"),
    SIGNATURE(0, "\xFF\x4F\xFF\x51", "a JPEG 2000 picture"),
    SIGNATURE(0, "II\xBC\x01", "a JPEG XR picture"),
    SIGNATURE(0, "v/1\x01", "an OpenEXR picture"),
    SIGNATURE(0, "#?RADIANCE", "a Radiance (HDR) picture"),
    SIGNATURE(0, "P3\n", "a PPM picture"),
    SIGNATURE(0, "P5\n", "a PGM picture"),
    SIGNATURE(0, "P6\n", "a PPM picture"),
    SIGNATURE(0, "DDS ", "a DDS picture"),
    SIGNATURE(0, "qoif", "a QOI picture"),
    SIGNATURE(0, "SIMPLE  =", "a FITS picture"),
    SIGNATURE(0, "\0\0\x01\0", "an icon (ICO)"),
    SIGNATURE(0, "gimp xcf", "a GIMP (XCF) picture"),
    SIGNATURE(8, "AVI ", "a video (AVI)"),
    SIGNATURE(8, "WAVE", "a sound file (WAV)"),
    SIGNATURE(0, "\x1A\x45\xDF\xA3", "a video (Matroska or WebM)"),
    SIGNATURE(4, "ftyp", "a video (MP4 or QuickTime)"),
    SIGNATURE(0, "PK\x03\x04", "a ZIP archive"),
    SIGNATURE(0, "\x1F\x8B", "a gzip archive"),
    SIGNATURE(0,
              "\x7F"
              "ELF",
              "a program"),
};

static bool has(const uint8_t *bytes, size_t size, size_t offset, const char *magic, size_t length)
{
    return size >= offset + length && memcmp(bytes + offset, magic, length) == 0;
}

static bool is_heif_brand(const uint8_t *brand)
{
    static const char brands[][5] = {"heic", "heix", "heim", "heis", "hevc", "hevx", "hevm",
                                     "hevs", "mif1", "msf1", "avif", "avis", "mif2"};
    for (size_t i = 0; i < sizeof brands / sizeof brands[0]; i++)
        if (memcmp(brand, brands[i], 4) == 0)
            return true;
    return false;
}

/* An ISO media file is a picture if its major brand or one of the compatible ones says so. */
static bool is_heif(const uint8_t *bytes, size_t size)
{
    if (!has(bytes, size, 4, "ftyp", 4) || size < 12)
        return false;
    if (is_heif_brand(bytes + 8))
        return true;
    size_t end = walk_be32(bytes);
    if (end > size)
        end = size;
    for (size_t at = 16; at + 4 <= end && at < 512; at += 4)
        if (is_heif_brand(bytes + at))
            return true;
    return false;
}

/* Markup is told from other text by its first tag; text from binary data by having no control characters. */
static const char *sniff_text(const uint8_t *bytes, size_t size)
{
    size_t start = has(bytes, size, 0, "\xEF\xBB\xBF", 3) ? 3 : 0, end = size < 1024 ? size : 1024;
    for (size_t i = start; i < end; i++)
        if (bytes[i] == 0x7F || (bytes[i] < 0x20 && !(bytes[i] >= '\t' && bytes[i] <= '\r') && bytes[i] != 0x1B))
            return NULL;
    size_t high = 0;
    for (size_t i = start; i < end; i++)
        high += bytes[i] >= 0x80;
    for (size_t i = start; i + 4 <= end; i++)
        if (memcmp(bytes + i, "<svg", 4) == 0)
            return "an SVG drawing";
    while (start < end && (bytes[start] == ' ' || (bytes[start] >= '\t' && bytes[start] <= '\r')))
        start++;
    if (has(bytes, size, start, "<!DOCTYPE html", 14) || has(bytes, size, start, "<!doctype html", 14) ||
        has(bytes, size, start, "<html", 5))
        return "a web page (HTML)";
    return high * 2 < end + 1 ? "text" : NULL;
}

enum picture_format picture_sniff(const uint8_t *bytes, size_t size, const char **other)
{
    static const char png[] = "\x89PNG\r\n\x1A\n";
    *other = NULL;
    if (has(bytes, size, 0, "\xFF\xD8", 2) && (size == 2 || bytes[2] == 0xFF))
        return PICTURE_JPEG;
    if (size >= 4 && memcmp(bytes, png, size < 8 ? size : 8) == 0)
        return PICTURE_PNG;
    if (has(bytes, size, 0, "RIFF", 4) && has(bytes, size, 8, "WEBP", 4))
        return PICTURE_WEBP;
    if (has(bytes, size, 0, "II*\0", 4) || has(bytes, size, 0, "MM\0*", 4) || has(bytes, size, 0, "II+\0", 4) ||
        has(bytes, size, 0, "MM\0+", 4))
        return PICTURE_TIFF;
    if (has(bytes, size, 0, "GIF87a", 6) || has(bytes, size, 0, "GIF89a", 6))
        return PICTURE_GIF;
    if (is_heif(bytes, size))
        return PICTURE_HEIF;
    for (size_t i = 0; i < sizeof others / sizeof others[0] && !*other; i++)
        if (has(bytes, size, others[i].offset, others[i].magic, others[i].length))
            *other = others[i].what;
    if (!*other)
        *other = sniff_text(bytes, size);
    return PICTURE_OTHER;
}

void picture_webp_size(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height)
{
    *width = *height = 0;
    if (size < 30)
        return;
    const uint8_t *p = bytes + 20; /* the first chunk's payload */
    if (memcmp(bytes + 12, "VP8X", 4) == 0) {
        *width = ((uint32_t)p[4] | (uint32_t)p[5] << 8 | (uint32_t)p[6] << 16) + 1;
        *height = ((uint32_t)p[7] | (uint32_t)p[8] << 8 | (uint32_t)p[9] << 16) + 1;
    } else if (memcmp(bytes + 12, "VP8L", 4) == 0) {
        uint32_t bits = (uint32_t)p[1] | (uint32_t)p[2] << 8 | (uint32_t)p[3] << 16 | (uint32_t)p[4] << 24;
        *width = (bits & 0x3FFF) + 1;
        *height = (bits >> 14 & 0x3FFF) + 1;
    } else if (memcmp(bytes + 12, "VP8 ", 4) == 0) {
        *width = ((uint32_t)p[6] | (uint32_t)p[7] << 8) & 0x3FFF;
        *height = ((uint32_t)p[8] | (uint32_t)p[9] << 8) & 0x3FFF;
    }
}

int picture_png_is_whole(const uint8_t *bytes, size_t size)
{
    size_t at = 8;
    while (size >= at + 12) { /* length, type, data, checksum */
        uint32_t length = walk_be32(bytes + at);
        if (memcmp(bytes + at + 4, "IEND", 4) == 0)
            return 1;
        at += 12 + (size_t)length;
    }
    return 0;
}

size_t picture_gif_transparency(const uint8_t *bytes, size_t size)
{
    size_t at = 13, found = 0;
    if (size > at && bytes[10] & 0x80)
        at += 3 * ((size_t)2 << (bytes[10] & 7)); /* the global colour table */
    /* Extensions before the first frame: a label and blocks with their lengths, the last one empty. */
    while (at + 8 <= size && bytes[at] == 0x21) {
        if (bytes[at + 1] == 0xF9 && bytes[at + 2] == 4)
            found = bytes[at + 3] & 1 ? at + 3 : 0;
        at += 2;
        while (at < size && bytes[at])
            at += 1 + (size_t)bytes[at];
        at++;
    }
    return at < size && bytes[at] == 0x2C ? found : 0;
}
