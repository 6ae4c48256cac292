/* jpeg_header.c - picks facts out of the marker segments of a JPEG (ITU-T T.81, annex B). */
#include "image/jpeg_header.h"

#include "image/walk.h"

enum {
    MARKER_SOF0 = 0xC0,
    MARKER_DHT = 0xC4,
    MARKER_JPG = 0xC8,
    MARKER_DAC = 0xCC,
    MARKER_SOF15 = 0xCF,
    MARKER_SOI = 0xD8,
    MARKER_DQT = 0xDB,
    MARKER_APP0 = 0xE0,
    MARKER_COM = 0xFE,
};

/* With the NUL of the text. */
#define BEGINS(segment, size, text) walk_begins(segment, size, text, sizeof(text))

static void read_application(struct jpeg_header *out, int number, const uint8_t *segment, size_t size)
{
    if (number == 1 && BEGINS(segment, size, "Exif\0"))
        out->exif = true;
    else if (number == 1 && (BEGINS(segment, size, "http://ns.adobe.com/xap/1.0/") ||
                             BEGINS(segment, size, "http://ns.adobe.com/xmp/extension/")))
        out->xmp = true;
    else if (number == 2 && BEGINS(segment, size, "ICC_PROFILE"))
        out->icc = true;
    else if (number == 11 && walk_begins(segment, size, "JP", 2))
        out->c2pa = true;
    else if (number == 13 && BEGINS(segment, size, "Photoshop 3.0"))
        out->iptc = true;
}

/* One segment may define several tables. One that is cut short is left out, and so is what follows it. */
static void read_tables(struct jpeg_header *out, const uint8_t *segment, size_t size)
{
    while (size >= 1) {
        size_t wide = segment[0] >> 4, number = segment[0] & 15;
        size_t length = 1 + JPEG_TABLE_VALUES * (wide ? 2 : 1);
        if (wide > 1 || number >= JPEG_TABLES || size < length)
            return;
        for (size_t i = 0; i < JPEG_TABLE_VALUES; i++)
            out->tables[number][i] = wide ? (uint16_t)(segment[1 + 2 * i] << 8 | segment[2 + 2 * i]) : segment[1 + i];
        out->has_table[number] = true;
        segment += length;
        size -= length;
    }
}

static bool read_frame(struct jpeg_header *out, int marker, const uint8_t *segment, size_t size)
{
    if (size < 6 || segment[5] < 1 || segment[5] > JPEG_MAX_COMPONENTS || size < 6 + 3 * (size_t)segment[5])
        return false;
    out->height = (uint32_t)(segment[1] << 8 | segment[2]);
    out->width = (uint32_t)(segment[3] << 8 | segment[4]);
    out->components = segment[5];
    out->progressive = (marker & 3) == 2;
    for (int i = 0; i < out->components; i++) {
        const uint8_t *component = segment + 6 + 3 * i;
        out->horizontal[i] = component[1] >> 4;
        out->vertical[i] = component[1] & 15;
        out->table_of[i] = component[2];
    }
    return true;
}

bool jpeg_header_read(const uint8_t *bytes, size_t size, struct jpeg_header *out)
{
    bool framed = false;
    struct walk w = {.bytes = bytes, .size = size, .at = 2};
    *out = (struct jpeg_header){0};
    if (size < 4 || bytes[0] != 0xFF || bytes[1] != MARKER_SOI)
        return false;
    while (walk_jpeg(&w)) {
        if (w.marker == MARKER_DQT)
            read_tables(out, w.data, w.length);
        else if (w.marker >= MARKER_SOF0 && w.marker <= MARKER_SOF15 && w.marker != MARKER_DHT &&
                 w.marker != MARKER_JPG && w.marker != MARKER_DAC)
            framed = read_frame(out, w.marker, w.data, w.length) || framed;
        else if (w.marker >= MARKER_APP0 && w.marker < MARKER_APP0 + 16)
            read_application(out, w.marker - MARKER_APP0, w.data, w.length);
        else if (w.marker == MARKER_COM)
            out->comment = true;
    }
    return framed;
}

enum jpeg_subsampling jpeg_header_subsampling(const struct jpeg_header *h)
{
    static const struct {
        uint8_t horizontal, vertical; /* of brightness for one of colour */
        enum jpeg_subsampling kind;
    } known[] = {{1, 1, JPEG_444}, {1, 2, JPEG_440}, {2, 1, JPEG_422},
                 {2, 2, JPEG_420}, {4, 1, JPEG_411}, {4, 2, JPEG_410}};
    if (h->components == 0)
        return JPEG_SAMPLING_NONE;
    if (h->components == 1)
        return JPEG_GREY;
    int across = h->horizontal[1], down = h->vertical[1];
    if (h->components < 3 || across == 0 || down == 0 || across != h->horizontal[2] || down != h->vertical[2])
        return JPEG_SAMPLING_OTHER;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (h->horizontal[0] == known[i].horizontal * across && h->vertical[0] == known[i].vertical * down)
            return known[i].kind;
    return JPEG_SAMPLING_OTHER;
}

const char *jpeg_subsampling_text(enum jpeg_subsampling subsampling)
{
    static const char *const texts[JPEG_SAMPLING_COUNT] = {
        [JPEG_SAMPLING_NONE] = "", [JPEG_GREY] = "grey", [JPEG_444] = "4:4:4",
        [JPEG_440] = "4:4:0",      [JPEG_422] = "4:2:2", [JPEG_420] = "4:2:0",
        [JPEG_411] = "4:1:1",      [JPEG_410] = "4:1:0", [JPEG_SAMPLING_OTHER] = "other",
    };
    return (unsigned)subsampling < JPEG_SAMPLING_COUNT ? texts[subsampling] : "";
}
