/* exif.c - walks the directories of a TIFF structure and picks out what is asked for most. */
#include "provenance/exif.h"

#include <math.h>
#include <string.h>

#include "image/jpeg_header.h"
#include "image/walk.h"
#include "provenance/charset.h"

enum {
    TYPE_BYTE = 1,
    TYPE_ASCII = 2,
    TYPE_SHORT = 3,
    TYPE_LONG = 4,
    TYPE_RATIONAL = 5,
    TYPE_SBYTE = 6,
    TYPE_UNDEFINED = 7,
    TYPE_SSHORT = 8,
    TYPE_SLONG = 9,
    TYPE_SRATIONAL = 10,
    TYPE_FLOAT = 11,
    TYPE_DOUBLE = 12,
    TYPE_IFD = 13,
    TYPE_LONG8 = 16,
    TYPE_SLONG8 = 17,
    TYPE_IFD8 = 18,
    TYPE_UTF8 = 129,
};

/* Bytes of one value of a type; 0: an unknown type. */
static unsigned width_of(unsigned type)
{
    static const uint8_t widths[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
    return type == TYPE_UTF8 ? 1 : type < sizeof widths ? widths[type] : 0;
}

struct reader {
    struct exif *out;
    struct arena *arena;
    struct array tags;
    uint64_t seen[EXIF_MAX_DIRECTORIES];
    unsigned directories;
    size_t texts_left; /* bytes */
    bool big;          /* BigTIFF */
    bool no_memory;
};

static uint64_t number(const struct exif *e, uint64_t at, unsigned width)
{
    return walk_number(e->bytes, e->size, at, width, e->big_endian);
}

static void problem(struct reader *r, const char *text)
{
    if (!r->out->problem)
        r->out->problem = text;
}

/* ---- Directories ------------------------------------------------------------------------------------------------- */

/* False where an entry is of no use: an unknown type, or values outside. */
static bool read_entry(struct reader *r, uint64_t at, struct exif_tag *tag)
{
    const struct exif *e = r->out;
    unsigned word = r->big ? 8 : 4;
    tag->number = (uint16_t)number(e, at, 2);
    tag->type = (uint16_t)number(e, at + 2, 2);
    tag->count = number(e, at + 4, word);
    unsigned width = width_of(tag->type);
    if (width == 0 || tag->count == 0)
        return false;
    if (tag->count > e->size / width) {
        problem(r, "a tag is longer than the file");
        return false;
    }
    uint64_t size = tag->count * width, place = size <= word ? at + 4 + word : number(e, at + 4 + word, word);
    if (place > e->size || size > e->size - place) {
        problem(r, "a tag's value lies outside");
        return false;
    }
    tag->bytes = e->bytes + place;
    return true;
}

static void read_directory(struct reader *r, uint64_t at, enum exif_directory kind);

/* Tags that lead to other directories. */
static void follow(struct reader *r, const struct exif_tag *tag)
{
    static const struct {
        uint16_t number;
        uint8_t from, to;
    } links[] = {{0x8769, EXIF_IFD0, EXIF_EXIF},
                 {0x8825, EXIF_IFD0, EXIF_GPS},
                 {0xA005, EXIF_EXIF, EXIF_INTEROP},
                 {0x014A, EXIF_IFD0, EXIF_SUBIFD}};
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        if (tag->number != links[i].number || tag->directory != (enum exif_directory)links[i].from ||
            (tag->type != TYPE_LONG && tag->type != TYPE_IFD && tag->type != TYPE_LONG8 && tag->type != TYPE_IFD8))
            continue;
        for (uint64_t k = 0; k < tag->count && k < EXIF_MAX_DIRECTORIES; k++) {
            unsigned width = width_of(tag->type);
            read_directory(r, number(r->out, (uint64_t)(tag->bytes - r->out->bytes) + k * width, width),
                           (enum exif_directory)links[i].to);
        }
    }
}

/* Reads one directory and what hangs on it; the next one in line is IFD1, that of the thumbnail. */
static void read_directory(struct reader *r, uint64_t at, enum exif_directory kind)
{
    struct exif *e = r->out;
    unsigned word = r->big ? 8 : 4, entry = r->big ? 20 : 12, head = r->big ? 8 : 2;
    bool again = r->directories == EXIF_MAX_DIRECTORIES;
    for (unsigned i = 0; i < r->directories && !again; i++)
        again = r->seen[i] == at;
    if (again || at < 8 || at > e->size || e->size - at < head) {
        problem(r, again ? "directories are named more than once, or there are too many" : "a directory lies outside");
        return;
    }
    r->seen[r->directories++] = at;
    uint64_t count = number(e, at, head), room = (e->size - at - head) / entry;
    if (count > room)
        problem(r, "a directory is cut off");
    for (uint64_t i = 0; i < count && i < room; i++) {
        struct exif_tag tag = {.directory = kind};
        if (!read_entry(r, at + head + i * entry, &tag))
            continue;
        if (!array_append(&r->tags, &tag, 1)) {
            r->no_memory |= r->tags.count < EXIF_MAX_TAGS;
            problem(r, "there are too many tags: the rest is left out");
            return;
        }
        follow(r, &tag);
    }
    uint64_t next = count <= room ? number(e, at + head + count * entry, word) : 0;
    if (next && kind == EXIF_IFD0)
        read_directory(r, next, EXIF_IFD1);
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */

const struct exif_tag *exif_find(const struct exif *exif, enum exif_directory directory, unsigned wanted)
{
    for (size_t i = 0; i < exif->tag_count; i++)
        if (exif->tags[i].directory == directory && exif->tags[i].number == wanted)
            return &exif->tags[i];
    return NULL;
}

double exif_number(const struct exif *exif, const struct exif_tag *tag, uint64_t index)
{
    if (!tag || index >= tag->count)
        return NAN;
    unsigned width = width_of(tag->type);
    uint64_t at = (uint64_t)(tag->bytes - exif->bytes) + index * width, value = number(exif, at, width);
    switch (tag->type) {
    case TYPE_SBYTE: return (int8_t)value;
    case TYPE_SSHORT: return (int16_t)value;
    case TYPE_SLONG: return (int32_t)value;
    case TYPE_SLONG8: return (double)(int64_t)value;
    case TYPE_RATIONAL:
    case TYPE_SRATIONAL: {
        uint32_t above = (uint32_t)number(exif, at, 4), below = (uint32_t)number(exif, at + 4, 4);
        if (below == 0)
            return NAN;
        return tag->type == TYPE_RATIONAL ? (double)above / below : (double)(int32_t)above / (int32_t)below;
    }
    case TYPE_FLOAT: {
        uint32_t bits = (uint32_t)value;
        float f;
        memcpy(&f, &bits, sizeof f);
        return f;
    }
    case TYPE_DOUBLE: {
        double d;
        memcpy(&d, &value, sizeof d);
        return d;
    }
    case TYPE_ASCII:
    case TYPE_UTF8:
    case TYPE_UNDEFINED: return NAN;
    default: return (double)value;
    }
}

/* Text as it may be kept: no NULs or spaces at the end; NULL where nothing is left. */
static const char *trimmed(char *text)
{
    if (!text)
        return NULL;
    size_t length = strlen(text);
    while (length && text[length - 1] == ' ')
        text[--length] = '\0';
    return length ? text : NULL;
}

/* How many bytes of a tag are read as text. */
static size_t text_size(struct reader *r, const struct exif_tag *tag)
{
    size_t size = tag->count < EXIF_MAX_TEXT ? (size_t)tag->count : EXIF_MAX_TEXT;
    if (size > r->texts_left) {
        problem(r, "its texts are too long: the rest is left out");
        size = r->texts_left;
    }
    const uint8_t *nul = size ? memchr(tag->bytes, 0, size) : NULL;
    r->texts_left -= nul ? (size_t)(nul - tag->bytes) : size;
    return size;
}

static const char *text_of(struct reader *r, enum exif_directory directory, unsigned wanted)
{
    const struct exif_tag *tag = exif_find(r->out, directory, wanted);
    if (!tag ||
        (tag->type != TYPE_ASCII && tag->type != TYPE_BYTE && tag->type != TYPE_UNDEFINED && tag->type != TYPE_UTF8))
        return NULL;
    size_t size = text_size(r, tag);
    const uint8_t *nul = size ? memchr(tag->bytes, 0, size) : NULL;
    char *text = charset_text(r->arena, tag->bytes, nul ? (size_t)(nul - tag->bytes) : size);
    r->no_memory |= !text;
    return trimmed(text);
}

/* Eight bytes name the character set, then the text (DC-008, 4.6.5, UserComment). */
static const char *read_comment(struct reader *r)
{
    const struct exif_tag *tag = exif_find(r->out, EXIF_EXIF, 0x9286);
    if (!tag)
        tag = exif_find(r->out, EXIF_IFD0, 0x9286); /* where Pillow puts it, and Fooocus with it */
    if (!tag || width_of(tag->type) != 1)
        return NULL;
    size_t size = text_size(r, tag);
    const uint8_t *bytes = tag->bytes;
    char *text;
    if (size < 8)
        return NULL;
    if (memcmp(bytes, "UNICODE\0", 8) == 0) {
        size_t rest = size - 8;
        bool big =
            charset_utf16_is_big(bytes + 8, rest, r->out->big_endian); /* many write another order than the tags' */
        text = charset_utf16(r->arena, bytes + 8, rest, big);
    } else if (memcmp(bytes, "JIS\0\0\0\0\0", 8) == 0) {
        text = charset_jis(r->arena, bytes + 8, size - 8 < EXIF_MAX_JIS ? size - 8 : EXIF_MAX_JIS);
    } else {
        bool named = memcmp(bytes, "ASCII\0\0\0", 8) == 0 || memcmp(bytes, "\0\0\0\0\0\0\0\0", 8) == 0;
        const uint8_t *from = named ? bytes + 8 : bytes; /* some leave the name out */
        size_t rest = size - (size_t)(from - bytes);
        const uint8_t *nul = rest ? memchr(from, 0, rest) : NULL;
        text = charset_text(r->arena, from, nul ? (size_t)(nul - from) : rest);
    }
    r->no_memory |= !text;
    return trimmed(text);
}

/* Degrees, minutes, seconds and a letter. */
static double angle(const struct exif *e, unsigned reference, unsigned value, char negative)
{
    const struct exif_tag *letter = exif_find(e, EXIF_GPS, reference), *parts = exif_find(e, EXIF_GPS, value);
    double degrees = exif_number(e, parts, 0), minutes = exif_number(e, parts, 1), seconds = exif_number(e, parts, 2);
    double sum = degrees + (isnan(minutes) ? 0 : minutes / 60) + (isnan(seconds) ? 0 : seconds / 3600);
    return letter && letter->bytes[0] == (uint8_t)negative ? -sum : sum;
}

static const char *maker_of(const uint8_t *bytes, size_t size)
{
    static const struct {
        const char *begin, *maker;
    } makers[] = {{"Apple iOS", "Apple"},     {"Nikon", "Nikon"},       {"OLYMP", "Olympus"},
                  {"OM SYSTEM", "OM System"}, {"FUJIFILM", "Fujifilm"}, {"Panasonic", "Panasonic"},
                  {"SONY", "Sony"},           {"PENTAX", "Pentax"},     {"AOC", "Pentax"},
                  {"LEICA", "Leica"},         {"SIGMA", "Sigma"},       {"FOVEON", "Sigma"},
                  {"KDK", "Kodak"},           {"QVC", "Casio"},         {"Ricoh", "Ricoh"},
                  {"RICOH", "Ricoh"},         {"HDRP", "Google"},       {"DJI", "DJI"},
                  {"SAMSUNG", "Samsung"},     {"EPSON", "Epson"}};
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++)
        if (walk_begins(bytes, size, makers[i].begin, strlen(makers[i].begin)))
            return makers[i].maker;
    return NULL;
}

static void read_thumbnail(struct exif *e)
{
    double at = exif_number(e, exif_find(e, EXIF_IFD1, 0x0201), 0);
    double length = exif_number(e, exif_find(e, EXIF_IFD1, 0x0202), 0);
    struct jpeg_header header;
    if (isnan(at) || isnan(length) || at < 0 || length < 4 || at > (double)e->size || length > (double)e->size - at)
        return;
    e->thumbnail = e->bytes + (size_t)at;
    e->thumbnail_size = (size_t)length;
    if (jpeg_header_read(e->thumbnail, e->thumbnail_size, &header)) {
        e->thumbnail_width = header.width;
        e->thumbnail_height = header.height;
    }
}

static uint32_t whole_number(const struct exif *e, enum exif_directory directory, unsigned wanted)
{
    double value = exif_number(e, exif_find(e, directory, wanted), 0);
    return value >= 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
}

static double positive(const struct exif *e, unsigned wanted)
{
    double value = exif_number(e, exif_find(e, EXIF_EXIF, wanted), 0);
    return value > 0 && isfinite(value) ? value : 0;
}

static void find_known(struct reader *r)
{
    struct exif *e = r->out;
    e->make = text_of(r, EXIF_IFD0, 0x010F);
    e->model = text_of(r, EXIF_IFD0, 0x0110);
    e->software = text_of(r, EXIF_IFD0, 0x0131);
    e->host_computer = text_of(r, EXIF_IFD0, 0x013C);
    e->artist = text_of(r, EXIF_IFD0, 0x013B);
    e->copyright = text_of(r, EXIF_IFD0, 0x8298);
    e->description = text_of(r, EXIF_IFD0, 0x010E);
    e->date_time = text_of(r, EXIF_IFD0, 0x0132);
    e->date_time_original = text_of(r, EXIF_EXIF, 0x9003);
    e->date_time_digitized = text_of(r, EXIF_EXIF, 0x9004);
    e->lens_make = text_of(r, EXIF_EXIF, 0xA433);
    e->lens_model = text_of(r, EXIF_EXIF, 0xA434);
    e->serial_number = text_of(r, EXIF_EXIF, 0xA431);
    e->owner = text_of(r, EXIF_EXIF, 0xA430);
    e->image_unique_id = text_of(r, EXIF_EXIF, 0xA420);
    e->user_comment = read_comment(r);
    uint32_t orientation = whole_number(e, EXIF_IFD0, 0x0112);
    e->orientation = orientation <= 8 ? (int)orientation : 0;
    e->width = whole_number(e, EXIF_EXIF, 0xA002);
    e->height = whole_number(e, EXIF_EXIF, 0xA003);
    e->exposure_time = positive(e, 0x829A);
    e->f_number = positive(e, 0x829D);
    e->focal_length = positive(e, 0x920A);
    e->iso = whole_number(e, EXIF_EXIF, 0x8827);
    for (size_t i = 0; i < e->tag_count; i++)
        e->gps |= e->tags[i].directory == EXIF_GPS && e->tags[i].number != 0; /* 0: the version alone says nothing */
    e->latitude = angle(e, 1, 2, 'S');
    e->longitude = angle(e, 3, 4, 'W');
    e->has_position = isfinite(e->latitude) && isfinite(e->longitude);
    if (!e->has_position)
        e->latitude = e->longitude = 0;
    const struct exif_tag *note = exif_find(e, EXIF_EXIF, 0x927C);
    if (note && width_of(note->type) == 1) {
        e->maker_note_bytes = (size_t)note->count;
        e->maker_note = maker_of(note->bytes, (size_t)note->count);
    }
    read_thumbnail(e);
}

assay_status exif_read_block(const uint8_t *bytes, size_t size, struct arena *arena, struct exif *out,
                             struct assay_error *error)
{
    struct reader r = {.out = out,
                       .arena = arena,
                       .tags = array_of(sizeof(struct exif_tag), EXIF_MAX_TAGS),
                       .texts_left = EXIF_MAX_TEXTS};
    *out = (struct exif){.present = true, .bytes = bytes, .size = size};
    if (size < 8 || !(walk_begins(bytes, size, "II", 2) || walk_begins(bytes, size, "MM", 2))) {
        out->problem = "it does not begin as EXIF does";
        return ASSAY_OK;
    }
    out->big_endian = bytes[0] == 'M';
    uint64_t version = number(out, 2, 2);
    r.big = version == 43;
    if (version != 42 && version != 43)
        problem(&r, "it does not begin as EXIF does");
    else
        read_directory(&r, number(out, r.big ? 8 : 4, r.big ? 8 : 4), EXIF_IFD0);
    if (r.tags.count) {
        out->tags = arena_memdup(arena, r.tags.data, r.tags.count * sizeof(struct exif_tag));
        out->tag_count = out->tags ? r.tags.count : 0;
        r.no_memory |= !out->tags;
    }
    array_free(&r.tags);
    find_known(&r);
    return r.no_memory ? error_memory(error, "a picture's EXIF") : ASSAY_OK;
}

assay_status exif_read(const struct container *container, struct arena *arena, struct exif *out,
                       struct assay_error *error)
{
    const struct container_block *block = NULL;
    *out = (struct exif){0};
    while ((block = container_next(container, block, BLOCK_EXIF))) {
        assay_status status = exif_read_block(block->bytes, block->size, arena, out, error);
        if (status || out->tag_count)
            return status;
    }
    return ASSAY_OK;
}

bool exif_thumbnail_shape_differs(const struct exif *exif, uint32_t width, uint32_t height)
{
    double w = exif->thumbnail_width, h = exif->thumbnail_height;
    if (!w || !h || !width || !height)
        return false;
    if ((w < h) != (width < height) && w != h &&
        width != height) { /* one stands, the other lies: a turned copy is none */
        double swap = w;
        w = h;
        h = swap;
    }
    double picture = (double)width / height, own = w / h;
    /* a thumbnail's sides are rounded to whole pixels, by some to multiples of 8 */
    double slack = 0.02 + 4 / (w < h ? w : h);
    bool same = fabs(picture / own - 1) <= slack;
    double long_side = w > h ? w : h, short_side = w > h ? h : w;
    bool padded = fabs(long_side / short_side - 4.0 / 3) < 0.01 && long_side <= 320;
    return !same && !padded;
}
