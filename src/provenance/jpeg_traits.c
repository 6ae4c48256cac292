/* jpeg_traits.c - the headers of a JPEG as a handful of facts. */
#include "provenance/jpeg_traits.h"

#include <string.h>

#include "image/walk.h"

enum { DHT = 0xC4, MAX_CODES = 4 };

/* T.81, tables K.3 to K.6: how many codes there are of each length, by class (DC, AC) and number. */
static const uint8_t standard_counts[2][2][16] = {
    {{0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0}, {0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0}},
    {{0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D}, {0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77}},
};

/* Whether all codes defined before the first scan are the standard's. */
static bool has_standard_codes(const struct container *c)
{
    struct walk w = {.bytes = c->bytes, .size = c->size, .at = 2};
    int seen = 0;
    while (walk_jpeg(&w)) {
        if (w.marker != DHT)
            continue;
        for (size_t at = 0; w.length - at >= 17;) {
            const uint8_t *table = w.data + at;
            unsigned kind = table[0] >> 4, number = table[0] & 15;
            size_t values = 0;
            if (kind > 1 || number > 1 || memcmp(table + 1, standard_counts[kind][number], 16) != 0)
                return false;
            for (int i = 0; i < 16; i++)
                values += table[1 + i];
            if (values > w.length - at - 17)
                return false;
            at += 17 + values;
            seen++;
        }
    }
    return seen >= 2 && seen <= MAX_CODES;
}

/* "Ducky": tags of 2 bytes, lengths of 2, values; 1 is the quality. */
static int read_ducky(const uint8_t *bytes, size_t size)
{
    size_t at = 5;
    while (size - at >= 4) {
        unsigned tag = walk_be16(bytes + at), length = walk_be16(bytes + at + 2);
        if (tag == 0 || length > size - at - 4)
            break;
        if (tag == 1 && length == 4 && walk_be32(bytes + at + 4) <= 100)
            return (int)walk_be32(bytes + at + 4);
        at += 4 + length;
    }
    return -1;
}

void jpeg_traits_read(const struct container *container, struct jpeg_traits *out)
{
    const struct container_block *block = NULL;
    *out = (struct jpeg_traits){.photoshop_quality = -1, .ducky_quality = -1};
    if (container->format != PICTURE_JPEG || !jpeg_header_read(container->bytes, container->size, &out->header))
        return;
    out->present = true;
    out->quality = jpeg_quality_estimate(&out->header);
    out->tables = jpeg_tables_identify(&out->header);
    out->subsampling = jpeg_header_subsampling(&out->header);
    out->standard_huffman = !out->header.progressive && has_standard_codes(container);
    while ((block = container_next(container, block, BLOCK_OTHER))) {
        if (strcmp(block->name, "APP0") == 0 && walk_begins(block->bytes, block->size, "JFIF", 5)) {
            out->jfif = true;
        } else if (strcmp(block->name, "APP14") == 0 && walk_begins(block->bytes, block->size, "Adobe", 5) &&
                   block->size >= 12) {
            out->adobe = true;
            out->adobe_transform = block->bytes[11];
        } else if (strcmp(block->name, "APP12") == 0 && walk_begins(block->bytes, block->size, "Ducky", 5)) {
            out->ducky_quality = read_ducky(block->bytes, block->size);
        }
    }
    while ((block = container_next(container, block, BLOCK_PHOTOSHOP))) {
        size_t size;
        const uint8_t *bytes = container_photoshop_find(block, 0x0406, &size);
        int level = bytes && size >= 2 ? (int16_t)walk_be16(bytes) + 4 : -1; /* -4 to 8 */
        if (level >= 0 && level <= 12)
            out->photoshop_quality = level;
    }
}

void jpeg_traits_facts(const struct jpeg_traits *t, struct fact_tree *tree, struct fact *parent)
{
    if (!t->present)
        return;
    struct fact *group = fact_group(tree, parent, "jpeg");
    if (t->quality.quality) {
        fact_integer(tree, group, "quality", t->quality.quality);
        fact_bool(tree, group, "quality_exact", t->quality.exact);
    }
    if (t->tables.writer) {
        fact_text(tree, group, "tables_of", t->tables.writer);
        if (t->tables.setting[0])
            fact_text(tree, group, "tables_setting", t->tables.setting);
        if (t->tables.quality && t->tables.colour_quality != t->tables.quality)
            fact_integer(tree, group, "quality_of_colour", t->tables.colour_quality);
        if (t->tables.quality && strcmp(t->tables.writer, "libjpeg") != 0)
            fact_integer(tree, group, "quality_there", t->tables.quality);
    } else {
        fact_text(tree, group, "tables_of", "unknown");
    }
    fact_text(tree, group, "subsampling", jpeg_subsampling_text(t->subsampling));
    fact_bool(tree, group, "progressive", t->header.progressive);
    if (!t->header.progressive)
        fact_text(tree, group, "huffman_codes", t->standard_huffman ? "standard" : "made for the picture");
    if (t->adobe)
        fact_text(tree, group, "adobe_transform",
                  t->adobe_transform == 1   ? "YCbCr"
                  : t->adobe_transform == 2 ? "YCCK"
                                            : "RGB or CMYK");
    if (t->photoshop_quality >= 0)
        fact_integer(tree, group, "photoshop_quality", t->photoshop_quality);
    if (t->ducky_quality >= 0)
        fact_integer(tree, group, "save_for_web_quality", t->ducky_quality);
}
