/* jpeg_peek.c - libjpeg on a buffer, with errors that come back here. To read the upper rows alone it is told of a
 * picture that ends there: the two bytes of the header that state the height are exchanged on the way. */
#include "image/jpeg_peek.h"

#include <setjmp.h>
#include <stdio.h> /* jpeglib.h wants it */
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

#include "base/memory.h"
#include "image/walk.h"

enum { SPANS = 3, BLOCK_SIDE = 8 };

_Static_assert(sizeof(JCOEF) == sizeof(int16_t) && DCTSIZE2 == JPEG_PEEK_BLOCK, "libjpeg's coefficients are ours");

struct span {
    const uint8_t *bytes;
    size_t size;
};

struct session {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    struct span spans[SPANS];
    unsigned next; /* span */
    uint8_t height[2];
    struct jpeg_grey grey; /* here, since a jump leaves what is changed in registers undefined */
};

/* ---- What libjpeg calls ------------------------------------------------------------------------------------------ */

static void fail(j_common_ptr info)
{
    longjmp(((struct session *)info->client_data)->jump, 1);
}

/* Warnings are damage, but for what lies between a scan's end and the next marker: that is where we stop it. */
static void hear(j_common_ptr info, int level)
{
    if (level < 0 && info->err->msg_code != JWRN_EXTRANEOUS_DATA && info->err->msg_code != JWRN_ADOBE_XFORM)
        fail(info);
}

static void say_nothing(j_common_ptr info)
{
    (void)info;
}

static void begin_source(j_decompress_ptr info)
{
    (void)info;
}

static boolean fill(j_decompress_ptr info)
{
    static const JOCTET end[] = {0xFF, JPEG_EOI};
    struct session *s = info->client_data;
    while (s->next < SPANS && s->spans[s->next].size == 0)
        s->next++;
    if (s->next < SPANS) {
        s->source.next_input_byte = s->spans[s->next].bytes;
        s->source.bytes_in_buffer = s->spans[s->next++].size;
    } else {
        s->source.next_input_byte = end;
        s->source.bytes_in_buffer = sizeof end;
    }
    return TRUE;
}

static void skip(j_decompress_ptr info, long count)
{
    struct session *s = info->client_data;
    size_t left = count > 0 ? (size_t)count : 0;
    while (left > s->source.bytes_in_buffer && s->next < SPANS) {
        left -= s->source.bytes_in_buffer;
        fill(info);
    }
    if (left >= s->source.bytes_in_buffer) {
        fill(info); /* the end mark, or just behind a span */
        return;
    }
    s->source.next_input_byte += left;
    s->source.bytes_in_buffer -= left;
}

/* Steps over what is left of a scan of which we want no more; libjpeg would do so byte by byte. */
static void skip_scan(struct session *s)
{
    const uint8_t *at = s->source.next_input_byte, *end = at + s->source.bytes_in_buffer;
    while (at < end && (at = memchr(at, 0xFF, (size_t)(end - at)))) {
        bool inside = end - at < 2 || at[1] == 0 || at[1] == 0xFF || (at[1] >= JPEG_RST0 && at[1] <= JPEG_RST0 + 7);
        if (!inside)
            break;
        at++;
    }
    if (!at)
        at = end;
    s->source.next_input_byte = at;
    s->source.bytes_in_buffer = (size_t)(end - at);
}

static void watch(j_common_ptr common)
{
    struct session *s = common->client_data;
    if (s->info.input_scan_number > JPEG_PEEK_SCANS)
        fail(common);
    if (s->info.input_iMCU_row >= s->info.total_iMCU_rows && s->info.unread_marker == 0)
        skip_scan(s);
}

/* ---- Beginning and end ------------------------------------------------------------------------------------------- */

/* The caller has set the jump. */
static void begin(struct session *s)
{
    s->info.err = jpeg_std_error(&s->errors);
    s->errors.error_exit = fail;
    s->errors.emit_message = hear;
    s->errors.output_message = say_nothing;
    s->info.client_data = s;
    jpeg_create_decompress(&s->info);
    s->source.init_source = begin_source;
    s->source.fill_input_buffer = fill;
    s->source.skip_input_data = skip;
    s->source.resync_to_restart = jpeg_resync_to_restart;
    s->source.term_source = begin_source; /* nothing either */
    s->info.src = &s->source;
    s->progress.progress_monitor = watch;
    s->info.progress = &s->progress;
}

/* Where the frame header states the height, and what it states of the sampling; 0: nowhere. */
static size_t find_height(const uint8_t *bytes, size_t size, uint32_t *width, uint32_t *height, unsigned *most_h,
                          unsigned *most_v)
{
    struct walk w = {.bytes = bytes, .size = size, .at = 2};
    while (walk_jpeg(&w)) {
        bool frame = (w.marker & 0xF0) == 0xC0 && w.marker != 0xC4 && w.marker != 0xC8 && w.marker != 0xCC;
        if (!frame)
            continue;
        if (w.length < 6 || w.length < 6 + 3 * (size_t)w.data[5])
            return 0;
        *height = walk_be16(w.data + 1);
        *width = walk_be16(w.data + 3);
        *most_h = *most_v = 1;
        for (size_t i = 0; i < w.data[5]; i++) {
            unsigned factors = w.data[6 + 3 * i + 1], h = factors >> 4, v = factors & 15;
            *most_h = h > *most_h ? h : *most_h;
            *most_v = v > *most_v ? v : *most_v;
        }
        return (size_t)(w.data - bytes) + 1;
    }
    return 0;
}

/* ---- Coefficients ------------------------------------------------------------------------------------------------ */

static void give_rows(struct session *s, jvirt_barray_ptr *arrays, jpeg_block_row *row, void *context,
                      struct jpeg_blocks *out)
{
    const jpeg_component_info *component = &s->info.comp_info[0];
    if (!component->quant_table)
        fail((j_common_ptr)&s->info);
    for (int i = 0; i < DCTSIZE2; i++)
        out->quantisation[i] = component->quant_table->quantval[i];
    out->columns = component->width_in_blocks;
    out->rows = component->height_in_blocks;
    for (JDIMENSION y = 0; y < component->height_in_blocks; y++) {
        JBLOCKARRAY blocks = s->info.mem->access_virt_barray((j_common_ptr)&s->info, arrays[0], y, 1, FALSE);
        row(context, (const int16_t(*)[JPEG_PEEK_BLOCK])blocks[0], component->width_in_blocks);
    }
}

bool jpeg_peek_blocks(const uint8_t *bytes, size_t size, uint64_t max_blocks, jpeg_block_row *row, void *context,
                      struct jpeg_blocks *out)
{
    struct session s = {0};
    struct jpeg_blocks got = {0};
    uint32_t width, height;
    unsigned most_h, most_v;
    size_t place = find_height(bytes, size, &width, &height, &most_h, &most_v);
    if (place == 0 || width == 0 || height == 0)
        return false;

    uint32_t mcu_rows = (height + BLOCK_SIDE * most_v - 1) / (BLOCK_SIDE * most_v);
    uint64_t mcu_columns = (width + BLOCK_SIDE * most_h - 1) / (BLOCK_SIDE * most_h);
    uint64_t wanted = max_blocks / (mcu_columns * most_h * most_v);
    wanted = wanted ? wanted : 1;
    got.whole = wanted >= mcu_rows;
    uint32_t given = got.whole ? height : (uint32_t)wanted * BLOCK_SIDE * most_v; /* less than the height */
    s.height[0] = (uint8_t)(given >> 8);
    s.height[1] = (uint8_t)given;
    s.spans[0] = (struct span){bytes, place};
    s.spans[1] = (struct span){s.height, 2};
    s.spans[2] = (struct span){bytes + place + 2, size - place - 2};

    bool well = false;
    if (setjmp(s.jump) == 0) {
        begin(&s);
        jpeg_read_header(&s.info, TRUE);
        jvirt_barray_ptr *arrays = jpeg_read_coefficients(&s.info);
        if (arrays) {
            give_rows(&s, arrays, row, context, &got);
            *out = got;
            well = true;
        }
    }
    jpeg_destroy_decompress(&s.info);
    return well;
}

/* ---- A small grey picture ---------------------------------------------------------------------------------------- */

bool jpeg_peek_grey(const uint8_t *bytes, size_t size, unsigned denominator, uint64_t max_pixels, struct jpeg_grey *out)
{
    struct session s = {.spans = {{bytes, size}}};
    volatile bool well = false; /* over a jump */
    if (setjmp(s.jump) == 0) {
        begin(&s);
        jpeg_read_header(&s.info, TRUE);
        uint64_t pixels = (uint64_t)s.info.image_width * s.info.image_height;
        if (pixels > max_pixels || (jpeg_has_multiple_scans(&s.info) && pixels > JPEG_PEEK_MAX_KEPT))
            fail((j_common_ptr)&s.info);
        s.info.scale_num = 1;
        s.info.scale_denom = denominator;
        s.info.out_color_space = JCS_GRAYSCALE;
        s.info.do_fancy_upsampling = FALSE;
        jpeg_start_decompress(&s.info);
        s.grey.width = s.info.output_width;
        s.grey.height = s.info.output_height;
        s.grey.pixels = mem_alloc((size_t)s.grey.width * s.grey.height, 1);
        while (s.grey.pixels && s.info.output_scanline < s.info.output_height) {
            JSAMPROW line = s.grey.pixels + (size_t)s.info.output_scanline * s.grey.width;
            jpeg_read_scanlines(&s.info, &line, 1);
        }
        well = s.grey.pixels;
    }
    jpeg_destroy_decompress(&s.info);
    if (well)
        *out = s.grey;
    else
        mem_free(s.grey.pixels);
    return well;
}
