/* stealth.c - rows of a PNG, inflated one by one, their lowest bits, and the text that these spell. */
#include "provenance/stealth.h"

#include <string.h>
#include <zlib.h>

#include "base/memory.h"
#include "provenance/words_internal.h"

enum {
    SIGNATURE_SIZE = 15,
    SIGNATURE_BITS = 8 * SIGNATURE_SIZE,
    COMMON_SIZE = 11, /* "stealth_png" */
    HEADER_SIZE = SIGNATURE_SIZE + 4,
    PNG_HEADER = 8 + 8 + 13 + 4
};

/* ---- Rows ------------------------------------------------------------------------------------------------------ */

struct rows {
    const uint8_t *bytes;
    size_t size, at; /* of the next chunk */
    uint32_t width, height, y;
    int channels;
    size_t stride;
    uint8_t *now, *before; /* [1 + stride], the filter's number first */
    z_stream stream;
    bool open;
};

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* 8-bit RGB or RGBA that is not interlaced; false: something else. */
static bool rows_begin(struct rows *r, const uint8_t *bytes, size_t size, bool *no_memory)
{
    static const uint8_t magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    *r = (struct rows){.bytes = bytes, .size = size, .at = PNG_HEADER};
    if (size < PNG_HEADER || memcmp(bytes, magic, 8) != 0 || memcmp(bytes + 12, "IHDR", 4) != 0 ||
        get_u32(bytes + 8) != 13)
        return false;
    r->width = get_u32(bytes + 16);
    r->height = get_u32(bytes + 20);
    r->channels = bytes[25] == 6 ? 4 : bytes[25] == 2 ? 3 : 0;
    if (bytes[24] != 8 || !r->channels || bytes[28] != 0 || !r->width || !r->height || r->width > 65535 ||
        (uint64_t)r->width * r->height > STEALTH_MAX_PIXELS)
        return false;
    r->stride = (size_t)r->width * (size_t)r->channels;
    r->now = mem_alloc(r->stride + 1, 1);
    r->before = mem_alloc(r->stride + 1, 1);
    r->open = r->now && r->before && inflateInit(&r->stream) == Z_OK;
    if (!r->open)
        *no_memory = true;
    return r->open;
}

static void rows_end(struct rows *r)
{
    if (r->open)
        inflateEnd(&r->stream);
    mem_free(r->now);
    mem_free(r->before);
    *r = (struct rows){0};
}

/* Gives the stream the next IDAT chunk; false: there is none. */
static bool feed(struct rows *r)
{
    while (r->size - r->at >= 12) {
        size_t length = get_u32(r->bytes + r->at), left = r->size - r->at - 12;
        const uint8_t *chunk = r->bytes + r->at;
        if (length > left)
            return false;
        r->at += length + 12;
        if (memcmp(chunk + 4, "IDAT", 4) == 0 && length > 0) {
            r->stream.next_in = (Bytef *)(chunk + 8);
            r->stream.avail_in = (uInt)length;
            return true;
        }
        if (memcmp(chunk + 4, "IEND", 4) == 0)
            return false;
    }
    return false;
}

static uint8_t paeth(int left, int above, int corner)
{
    int p = left + above - corner;
    int a = p > left ? p - left : left - p, b = p > above ? p - above : above - p,
        c = p > corner ? p - corner : corner - p;
    return (uint8_t)(a <= b && a <= c ? left : b <= c ? above : corner);
}

/* Undoes a row's filter (PNG specification, section 9). */
static bool unfilter(struct rows *r)
{
    uint8_t *row = r->now + 1;
    const uint8_t *above = r->before + 1;
    size_t step = (size_t)r->channels;
    for (size_t i = 0; i < r->stride; i++) {
        int left = i >= step ? row[i - step] : 0, corner = i >= step ? above[i - step] : 0;
        switch (r->now[0]) {
        case 0: return true;
        case 1: row[i] = (uint8_t)(row[i] + left); break;
        case 2: row[i] = (uint8_t)(row[i] + above[i]); break;
        case 3: row[i] = (uint8_t)(row[i] + (left + above[i]) / 2); break;
        case 4: row[i] = (uint8_t)(row[i] + paeth(left, above[i], corner)); break;
        default: return false;
        }
    }
    return true;
}

/* The next row's pixels, or NULL: the last was it, or the file is damaged. */
static const uint8_t *rows_next(struct rows *r)
{
    if (r->y == r->height)
        return NULL;
    uint8_t *row = r->before;
    r->before = r->now;
    r->now = row;
    if (r->y == 0)
        memset(r->before, 0, r->stride + 1);
    r->stream.next_out = row;
    r->stream.avail_out = (uInt)(r->stride + 1);
    while (r->stream.avail_out) {
        if (!r->stream.avail_in && !feed(r))
            return NULL;
        int result = inflate(&r->stream, Z_NO_FLUSH);
        if (result != Z_OK && !(result == Z_STREAM_END && !r->stream.avail_out))
            return NULL;
    }
    r->y++;
    return unfilter(r) ? row + 1 : NULL;
}

/* ---- Bits ------------------------------------------------------------------------------------------------------ */

/* The two ways in which the bits lie in the pixels. */
struct way {
    const char *common;
    int channels[3], count;
};

static const struct way ways[2] = {{"stealth_png", {3}, 1}, {"stealth_rgb", {0, 1, 2}, 3}};

/* Whether no row contradicts the beginning of the signature. */
static bool is_signed(const uint8_t *bytes, size_t size, const struct way *way, bool *no_memory)
{
    struct rows rows;
    bool agrees = rows_begin(&rows, bytes, size, no_memory) && (way->count == 3 || rows.channels == 4) &&
                  (uint64_t)rows.width * rows.height * (uint64_t)way->count >= 8 * HEADER_SIZE;
    uint64_t seen = 0, bits = 8 * COMMON_SIZE;
    while (agrees && seen < bits) {
        const uint8_t *row = rows_next(&rows);
        if (!row) {
            agrees = false;
            break;
        }
        for (uint64_t x = 0; x < rows.width && agrees; x++) {
            uint64_t first = (x * rows.height + rows.y - 1) * (uint64_t)way->count;
            if (first >= bits)
                break;
            for (int i = 0; i < way->count && agrees && first + (uint64_t)i < bits; i++, seen++) {
                uint64_t bit = first + (uint64_t)i;
                int expected = way->common[bit / 8] >> (7 - bit % 8) & 1;
                agrees = (row[x * (uint64_t)rows.channels + (uint64_t)way->channels[i]] & 1) == expected;
            }
        }
    }
    rows_end(&rows);
    return agrees;
}

/* All lowest bits in their order, as bytes: *count of them. mem_free; NULL: damaged, or no memory. */
static uint8_t *gather(const uint8_t *bytes, size_t size, const struct way *way, size_t *count, bool *no_memory)
{
    struct rows rows;
    uint8_t *out = NULL;
    if (rows_begin(&rows, bytes, size, no_memory)) {
        *count = (size_t)((uint64_t)rows.width * rows.height * (uint64_t)way->count / 8);
        out = mem_alloc(*count + 1, 1);
        *no_memory = *no_memory || !out;
    }
    while (out && rows.y < rows.height) {
        const uint8_t *row = rows_next(&rows);
        if (!row) {
            mem_free(out);
            out = NULL;
            break;
        }
        for (size_t x = 0; x < rows.width; x++) {
            for (int i = 0; i < way->count; i++) {
                size_t bit = (x * rows.height + rows.y - 1) * (size_t)way->count + (size_t)i;
                int value = row[x * (size_t)rows.channels + (size_t)way->channels[i]] & 1;
                out[bit / 8] = (uint8_t)(out[bit / 8] | value << (7 - bit % 8));
            }
        }
    }
    rows_end(&rows);
    return out;
}

/* ---- Text ------------------------------------------------------------------------------------------------------ */

static uint8_t *gunzip(const uint8_t *packed, size_t size, size_t *out_size, bool *no_memory)
{
    z_stream stream = {.next_in = (Bytef *)packed, .avail_in = (uInt)size};
    uint8_t *out = mem_alloc(WORDS_MAX_TEXT, 1);
    if (!out || inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) {
        mem_free(out);
        *no_memory = true;
        return NULL;
    }
    stream.next_out = out;
    stream.avail_out = WORDS_MAX_TEXT;
    int result = inflate(&stream, Z_FINISH);
    *out_size = WORDS_MAX_TEXT - stream.avail_out;
    inflateEnd(&stream);
    if (result == Z_STREAM_END)
        return out;
    mem_free(out);
    return NULL;
}

static void add_text(struct words_set *set, const char *text, size_t size)
{
    struct words_text whole = {.text = arena_strndup(set->arena, text, size), .size = size};
    if (!whole.text) {
        set->no_memory = true;
        return;
    }
    whole.size = strlen(whole.text);
    words_json_parse(set, &whole);
    if (!whole.json)
        words_add(set, WORDS_PIXELS, "parameters", text, size);
    const char *key;
    json_t *value;
    json_object_foreach(whole.json, key, value) if (json_is_string(value))
        words_add(set, WORDS_PIXELS, key, json_string_value(value), json_string_length(value));
    json_decref(whole.json);
}

static const char *read_bits(const uint8_t *bits, size_t count, struct words_set *set)
{
    bool packed = memcmp(bits + COMMON_SIZE, "comp", 4) == 0;
    if (!packed && memcmp(bits + COMMON_SIZE, "info", 4) != 0)
        return NULL; /* an accident after all, or a kind that we do not know */
    size_t length = get_u32(bits + SIGNATURE_SIZE) / 8, text_size = 0;
    if (length > count - HEADER_SIZE || length > WORDS_MAX_TEXT)
        return "the text in the pixels is longer than the picture";
    if (!packed) {
        add_text(set, (const char *)bits + HEADER_SIZE, length);
        return NULL;
    }
    uint8_t *text = gunzip(bits + HEADER_SIZE, length, &text_size, &set->no_memory);
    if (!text)
        return set->no_memory ? NULL : "the text in the pixels is damaged";
    add_text(set, (const char *)text, text_size);
    mem_free(text);
    return NULL;
}

void stealth_read(const uint8_t *bytes, size_t size, struct words_set *set, const char **problem)
{
    *problem = NULL;
    for (size_t i = 0; i < 2; i++) {
        size_t count = 0;
        if (!is_signed(bytes, size, &ways[i], &set->no_memory))
            continue;
        uint8_t *bits = gather(bytes, size, &ways[i], &count, &set->no_memory);
        if (bits)
            *problem = read_bits(bits, count, set);
        else if (!set->no_memory)
            *problem = "the picture around the text in its pixels is damaged";
        mem_free(bits);
    }
}
