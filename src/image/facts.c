/* facts.c - the facts of a picture's file: which reader, and those for JPEG, PNG, WebP and GIF. */
#include "image/facts.h"

#include "image/facts_internal.h"
#include "image/jpeg_quality.h"

static void read_jpeg(const uint8_t *bytes, size_t size, struct picture_facts *out)
{
    struct jpeg_header header;
    jpeg_header_read(bytes, size, &header);
    struct jpeg_quality quality = jpeg_quality_estimate(&header);
    out->width = header.width;
    out->height = header.height;
    out->jpeg_quality = quality.quality;
    out->jpeg_quality_exact = quality.exact;
    out->jpeg_progressive = header.progressive;
    out->subsampling = jpeg_header_subsampling(&header);
    out->metadata = (header.exif ? METADATA_EXIF : 0) | (header.xmp ? METADATA_XMP : 0) |
                    (header.icc ? METADATA_ICC : 0) | (header.iptc || header.comment ? METADATA_TEXT : 0) |
                    (header.c2pa ? METADATA_C2PA : 0);
}

/* A text chunk's keyword says what it holds; ImageMagick keeps other formats' metadata in "Raw profile type ...". */
static unsigned png_text(const uint8_t *data, size_t size)
{
    static const struct {
        const char *keyword;
        unsigned kind;
    } known[] = {{"XML:com.adobe.xmp", METADATA_XMP},      {"Raw profile type xmp", METADATA_XMP},
                 {"Raw profile type exif", METADATA_EXIF}, {"Raw profile type APP1", METADATA_EXIF},
                 {"Raw profile type icc", METADATA_ICC},   {"Raw profile type icm", METADATA_ICC}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (walk_begins(data, size, known[i].keyword, strlen(known[i].keyword) + 1))
            return known[i].kind;
    return METADATA_TEXT;
}

static void read_png(const uint8_t *bytes, size_t size, struct picture_facts *out)
{
    struct walk w = {.bytes = bytes, .size = size, .at = 8};
    while (walk_png(&w)) {
        if (walk_is(&w, "IHDR") && w.length >= 8) {
            out->width = walk_be32(w.data);
            out->height = walk_be32(w.data + 4);
        } else if (walk_is(&w, "eXIf")) {
            out->metadata |= METADATA_EXIF;
        } else if (walk_is(&w, "iCCP")) {
            out->metadata |= METADATA_ICC;
        } else if (walk_is(&w, "tEXt") || walk_is(&w, "zTXt") || walk_is(&w, "iTXt")) {
            out->metadata |= png_text(w.data, w.length);
        } else if (walk_is(&w, "caBX")) {
            out->metadata |= METADATA_C2PA;
        }
    }
}

static void read_webp(const uint8_t *bytes, size_t size, struct picture_facts *out)
{
    struct walk w = {.bytes = bytes, .size = size, .at = 12};
    picture_webp_size(bytes, size, &out->width, &out->height);
    while (walk_riff(&w) || (w.state == WALK_CUT && w.whole)) {
        if (walk_is(&w, "EXIF"))
            out->metadata |= METADATA_EXIF;
        else if (walk_is(&w, "XMP "))
            out->metadata |= METADATA_XMP;
        else if (walk_is(&w, "ICCP"))
            out->metadata |= METADATA_ICC;
        else if (walk_is(&w, "C2PA"))
            out->metadata |= METADATA_C2PA;
        if (w.state == WALK_CUT)
            break;
    }
}

/* Past the blocks that begin at `at`: each has its length before it, the last is empty. */
static size_t skip_blocks(const uint8_t *bytes, size_t size, size_t at)
{
    while (at < size && bytes[at])
        at += 1 + (size_t)bytes[at];
    return at + 1;
}

/* Extensions before and between frames. */
static void read_gif(const uint8_t *bytes, size_t size, struct picture_facts *out)
{
    if (size < 13)
        return;
    out->width = walk_le16(bytes + 6);
    out->height = walk_le16(bytes + 8);
    size_t at = 13 + (bytes[10] & 0x80 ? 3 * ((size_t)2 << (bytes[10] & 7)) : 0);
    while (at < size && size - at >= 3) {
        if (bytes[at] == 0x21) {
            const uint8_t *block = bytes + at + 2;
            size_t rest = size - at - 2;
            if (bytes[at + 1] == 0xFE)
                out->metadata |= METADATA_TEXT;
            else if (bytes[at + 1] == 0xFF && walk_begins(block, rest, "\x0BXMP DataXMP", 12))
                out->metadata |= METADATA_XMP;
            else if (bytes[at + 1] == 0xFF && walk_begins(block, rest, "\x0BICCRGBG1012", 12))
                out->metadata |= METADATA_ICC;
            at = skip_blocks(bytes, size, at + 2);
        } else if (bytes[at] == 0x2C && size - at >= 11) {
            at += 10 + (bytes[at + 9] & 0x80 ? 3 * ((size_t)2 << (bytes[at + 9] & 7)) : 0);
            at = skip_blocks(bytes, size, at + 1);
        } else {
            return;
        }
    }
}

void picture_facts_read(const uint8_t *bytes, size_t size, struct picture_facts *out)
{
    const char *other;
    *out = (struct picture_facts){.format = picture_sniff(bytes, size, &other)};
    switch (out->format) {
    case PICTURE_JPEG: read_jpeg(bytes, size, out); break;
    case PICTURE_PNG: read_png(bytes, size, out); break;
    case PICTURE_WEBP: read_webp(bytes, size, out); break;
    case PICTURE_TIFF: facts_read_tiff(bytes, size, out); break;
    case PICTURE_GIF: read_gif(bytes, size, out); break;
    case PICTURE_HEIF: facts_read_heif(bytes, size, out); break;
    case PICTURE_OTHER: break;
    }
}

const char *picture_format_text(enum picture_format format)
{
    static const char *const texts[] = {
        [PICTURE_JPEG] = "JPEG", [PICTURE_PNG] = "PNG",   [PICTURE_WEBP] = "WebP",   [PICTURE_TIFF] = "TIFF",
        [PICTURE_GIF] = "GIF",   [PICTURE_HEIF] = "HEIF", [PICTURE_OTHER] = "other",
    };
    return (unsigned)format <= PICTURE_OTHER ? texts[format] : "other";
}

const char *picture_metadata_text(unsigned metadata, char text[METADATA_TEXT_SIZE])
{
    static const char names[][5] = {"EXIF", "XMP", "ICC", "text", "C2PA"}; /* in the order of the bits */
    size_t used = 0;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (metadata >> i & 1) {
            if (used)
                text[used++] = '+';
            memcpy(text + used, names[i], strlen(names[i]));
            used += strlen(names[i]);
        }
    text[used] = '\0';
    if (!used)
        memcpy(text, "none", 5);
    return text;
}
