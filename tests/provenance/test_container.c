/* test_container.c - blocks of files of every format: put together, inflated, with their places in the file; and files
 * that lie about lengths, overlap, repeat, stop short or hold too much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "provenance/exif.h"
#include "provenance/icc.h"
#include "provenance/iptc.h"
#include "provenance/xmp.h"

#define FOLDER ASSAY_TEST_DIR "/provenance/fixtures/metadata/"

static struct array bytes; /* the file that a test puts together */
static struct container container;

static int set_up(void **state)
{
    (void)state;
    bytes = array_of(1, (size_t)1 << 30);
    container = (struct container){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    container_free(&container);
    array_free(&bytes);
    return 0;
}

static void put(const void *data, size_t size)
{
    assert_true(array_append(&bytes, data, size));
}

static void put_number(uint64_t value, unsigned width, bool big_endian)
{
    for (unsigned i = 0; i < width; i++) {
        uint8_t byte = (uint8_t)(value >> 8 * (big_endian ? width - 1 - i : i));
        put(&byte, 1);
    }
}

static const struct container_block *read_all(enum block_kind kind)
{
    container_free(&container);
    assert_int_equal(container_read(bytes.data, bytes.count, &container, NULL), ASSAY_OK);
    /* whatever it is: inside of the file, in order */
    const struct container_block *blocks = container.blocks.data;
    for (size_t i = 0; i < container.blocks.count; i++) {
        assert_true(blocks[i].size == 0 || blocks[i].bytes);
        for (size_t k = 0; k < blocks[i].range_count; k++) {
            const struct container_range *r = &blocks[i].ranges[k];
            assert_true(r->offset <= bytes.count && r->size <= bytes.count - r->offset);
            assert_true(r->data_offset >= r->offset && r->data_size <= r->offset + r->size - r->data_offset);
        }
        assert_true(i == 0 || blocks[i - 1].place <= blocks[i].place);
    }
    return container_next(&container, NULL, kind);
}

static void load(const char *name)
{
    char path[4096];
    uint8_t *data;
    size_t size;
    struct assay_error error;
    snprintf(path, sizeof path, "%s%s", FOLDER, name);
    assert_int_equal(file_read(path, 1 << 20, &data, &size, &error), ASSAY_OK);
    bytes.count = 0;
    put(data, size);
    free(data);
}

static bool noted(const char *part)
{
    const struct container_note *notes = container.notes.data;
    for (size_t i = 0; i < container.notes.count; i++)
        if (strstr(notes[i].text, part))
            return true;
    return false;
}

static void start_jpeg(void)
{
    bytes.count = 0;
    put("\xFF\xD8", 2);
}

static void put_segment(int marker, const void *head, size_t head_size, const void *data, size_t size)
{
    put_number(0xFF00 | (unsigned)marker, 2, true);
    put_number(2 + head_size + size, 2, true);
    put(head, head_size);
    put(data, size);
}

static void put_chunk(const char *type, const void *data, size_t size)
{
    put_number(size, 4, true);
    size_t at = bytes.count;
    put(type, 4);
    put(data, size);
    put_number(crc32(0, (uint8_t *)bytes.data + at, (uInt)(size + 4)), 4, true);
}

static void start_png(void)
{
    bytes.count = 0;
    put("\x89PNG\r\n\x1A\n", 8);
    put_chunk("IHDR", "\0\0\0\1\0\0\0\1\x08\0\0\0\0", 13);
}

/* ---- What is sound ----------------------------------------------------------------------------------------------- */

static void test_texts(void **state)
{
    (void)state;
    load("text.png");
    const struct container_block *block = read_all(BLOCK_TEXT);
    assert_string_equal(block->name, "tEXt");
    assert_string_equal(block->keyword, "Software");
    assert_int_equal(block->charset, CHARSET_LATIN1);
    assert_memory_equal(block->bytes, "A program", block->size);
    block = container_next(&container, block, BLOCK_TEXT);
    assert_string_equal(block->keyword, "Title");
    assert_string_equal(block->language, "de");
    assert_string_equal(block->translated, "Titel");
    assert_int_equal(block->charset, CHARSET_UTF8);
    assert_memory_equal(block->bytes,
                        "\xc3\x9c"
                        "ber",
                        block->size);
    block = container_next(&container, block, BLOCK_TEXT);
    assert_string_equal(block->name, "zTXt");
    assert_int_equal(block->size, 3000);
    assert_true(block->bytes[0] == 'x' && block->bytes[2999] == 'x' && block->whole);
    assert_null(container_next(&container, block, BLOCK_TEXT));
    assert_int_equal(container.notes.count, 0);
    load("xmp.gif");
    block = read_all(BLOCK_COMMENT);
    assert_memory_equal(block->bytes, "a comment", 9);
    load("camera.jpg");
    block = read_all(BLOCK_COMMENT);
    assert_memory_equal(block->bytes, "a comment", 9);
}

/* A box cut into segments, whose order in the file is not theirs; the box's head is repeated in each. */
static void test_jumbf(void **state)
{
    (void)state;
    uint8_t box[3000];
    for (size_t i = 0; i < sizeof box; i++)
        box[i] = (uint8_t)(i * 7);
    memcpy(box, "\0\0\x0b\xb8jumb", 8);
    static const int order[] = {2, 1, 3};
    start_jpeg();
    put_segment(0xE0, "JFIF\0", 5, "", 0);
    for (int i = 0; i < 3; i++) {
        uint8_t head[16] = {'J', 'P', 0, 7, 0, 0, 0, (uint8_t)order[i]};
        memcpy(head + 8, box, 8);
        size_t at = (size_t)(order[i] - 1) * 1000;
        put_segment(0xEB, head, order[i] == 1 ? 8 : 16, box + at, 1000);
    }
    put_segment(0xEB, "JP\0\x08\0\0\0\1\0\0\0\x0Cjumbabcd", 20, "", 0); /* another instance */
    put("\xFF\xDA", 2);
    const struct container_block *block = read_all(BLOCK_C2PA);
    assert_int_equal(block->size, sizeof box);
    assert_memory_equal(block->bytes, box, sizeof box);
    assert_true(block->whole);
    assert_int_equal(block->range_count, 3);
    assert_int_equal(((uint8_t *)bytes.data)[block->ranges[0].offset + 1], 0xEB);
    block = container_next(&container, block, BLOCK_C2PA);
    assert_int_equal(block->size, 12);
    assert_true(block->whole && block->bytes > (uint8_t *)bytes.data);
    assert_int_equal(container.notes.count, 0);
    /* without the second piece */
    uint8_t head[16] = {'J', 'P', 0, 7, 0, 0, 0, 1};
    start_jpeg();
    put_segment(0xEB, head, 8, box, 1000);
    head[7] = 3;
    memcpy(head + 8, box, 8);
    put_segment(0xEB, head, 16, box + 2000, 1000);
    block = read_all(BLOCK_C2PA);
    assert_false(block->whole);
    assert_int_equal(block->size, 1000);
    assert_true(noted("pieces of it are missing"));
    /* the first one twice */
    head[7] = 1;
    put_segment(0xEB, head, 16, box + 2000, 1000);
    block = read_all(BLOCK_C2PA);
    assert_false(block->whole);
    assert_true(noted("twice or overlap"));
}

static void test_extended_xmp(void **state)
{
    (void)state;
    load("extended.jpg");
    const struct container_block *block = read_all(BLOCK_XMP_EXTENDED);
    assert_string_equal(block->keyword, "0123456789ABCDEF0123456789ABCDEF");
    assert_true(block->whole && block->range_count > 1);
    assert_memory_equal(block->bytes, "<?xpacket", 9);
    assert_memory_equal(block->bytes + block->size - 2, "?>", 2);
    /* a gap, an overlap, a wrong total */
    static const struct {
        uint32_t offset, total;
        const char *note;
        size_t kept;
    } cases[] = {{101, 200, "missing", 100},
                 {99, 200, "overlap", 100},
                 {100, 0xFFFFFFFF, "not the one", 200},
                 {100, 200, NULL, 200}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t head[75] = "http://ns.adobe.com/xmp/extension/", data[100] = {0};
        memset(head + 35, 'A', 32);
        start_jpeg();
        for (int k = 0; k < 2; k++) {
            uint32_t numbers[2] = {cases[i].total, k ? cases[i].offset : 0};
            for (int n = 0; n < 8; n++)
                head[67 + n] = (uint8_t)(numbers[n / 4] >> (24 - 8 * (n % 4)));
            put_segment(0xE1, head, sizeof head, data, sizeof data);
        }
        block = read_all(BLOCK_XMP_EXTENDED);
        assert_int_equal(block->size, cases[i].kept);
        assert_int_equal(block->whole, cases[i].note == NULL);
        assert_true(!cases[i].note || noted(cases[i].note));
    }
}

static void test_profile(void **state)
{
    (void)state;
    load("photoshop.jpg");
    const struct container_block *block = read_all(BLOCK_ICC);
    assert_true(block->whole && block->range_count > 1);
    assert_memory_equal(block->bytes + 36, "acsp", 4);
    block = container_next(&container, NULL, BLOCK_PHOTOSHOP);
    assert_true(block->whole && block->range_count == 2);
    assert_memory_equal(block->bytes, "8BIM", 4);
    block = container_next(&container, NULL, BLOCK_IPTC); /* over the cut between two segments */
    assert_int_equal(block->bytes[0], 0x1C);
    uint64_t sum = 0;
    for (size_t i = 0; i < block->range_count; i++) {
        assert_memory_equal((uint8_t *)bytes.data + block->ranges[i].data_offset, block->bytes + sum,
                            (size_t)block->ranges[i].data_size);
        sum += block->ranges[i].data_size;
    }
    assert_int_equal(sum, block->size);
    load("camera.png");
    block = read_all(BLOCK_ICC);
    assert_memory_equal(block->bytes + 36, "acsp", 4);
    assert_true(block->whole);
}

static void test_uuid(void **state)
{
    (void)state;
    static const uint8_t uuid[] = {0xD8, 0xFE, 0xC3, 0xD6, 0x1B, 0x0E, 0x48, 0x3C,
                                   0x92, 0x97, 0x58, 0x28, 0x87, 0x7E, 0xC4, 0x81};
    put("\0\0\0\x14"
        "ftypavif\0\0\0\0avif",
        20);
    put_number(8 + 16 + 4 + 9 + 8 + 12, 4, true);
    put("uuid", 4);
    put(uuid, 16);
    put("\0\0\0\0manifest\0\0\0\0\0\0\0\0\0", 21);
    put("\0\0\0\x0Cjumbabcd", 12);
    const struct container_block *block = read_all(BLOCK_C2PA);
    assert_int_equal(block->size, 12);
    assert_memory_equal(block->bytes + 4, "jumb", 4);
    assert_int_equal(block->ranges[0].offset, 20);
    assert_int_equal(block->ranges[0].size, 57);
    bytes.count -= 16; /* no manifest is left */
    ((uint8_t *)bytes.data)[23] = 41;
    assert_null(read_all(BLOCK_C2PA));
    assert_true(noted("no manifest"));
}

/* HEIC is made as AVIF is; GIF's extensions are in blocks of up to 255 bytes. */
static void test_heic_and_gif(void **state)
{
    (void)state;
    uint8_t *data, profile[400];
    size_t size;
    struct assay_error error;
    assert_int_equal(file_read(ASSAY_TEST_DIR "/image/fixtures/lossless.heic", 1 << 20, &data, &size, &error),
                     ASSAY_OK);
    put(data, size);
    free(data);
    const struct container_block *block = read_all(BLOCK_EXIF);
    assert_true(block->whole && block->size > 100);
    assert_memory_equal(block->bytes, "II*\0", 4);
    for (size_t i = 0; i < sizeof profile; i++)
        profile[i] = (uint8_t)(i * 3);
    static const struct {
        const char *name;
        enum block_kind kind;
    } cases[] = {{"\x21\xFF\x0BICCRGBG1012", BLOCK_ICC},
                 {"\x21\xFF\x0B"
                  "C2PA_GIF\1\0\0",
                  BLOCK_C2PA}};
    for (int i = 0; i < 2; i++) {
        bytes.count = 0;
        put("GIF89a\1\0\1\0\0\0\0", 13);
        put(cases[i].name, 14);
        put("\xFF", 1);
        put(profile, 255);
        put_number(sizeof profile - 255, 1, true);
        put(profile + 255, sizeof profile - 255);
        put("\0\x3B", 2);
        block = read_all(cases[i].kind);
        assert_int_equal(block->size, sizeof profile);
        assert_memory_equal(block->bytes, profile, sizeof profile);
        assert_true(block->whole && block->range_count == 2);
    }
}

/* ---- Bad input --------------------------------------------------------------------------------------------------- */

/* Every file cut at every byte, and with every byte changed: nothing is read outside, all can be freed. */
static void test_cut_and_changed(void **state)
{
    (void)state;
    static const char *names[] = {"photoshop.jpg", "extended.jpg", "raw.png",    "text.png",   "declared.png",
                                  "xmp.gif",       "camera.avif",  "camera.tif", "shapes.webp"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        load(names[i]);
        size_t size = bytes.count, step = size / 250 + 1;
        uint8_t *data = bytes.data;
        for (size_t at = 0; at < size; at += step) {
            bytes.count = at;
            read_all(BLOCK_OTHER);
        }
        bytes.count = size;
        for (size_t at = 0; at < size; at += step) {
            uint8_t before = data[at];
            static const uint8_t changed[] = {0, 0xFF, 0x80, 1};
            for (size_t k = 0; k < 4; k++) {
                data[at] = changed[k];
                read_all(BLOCK_OTHER);
            }
            data[at] = before;
        }
    }
}

static void test_lengths(void **state)
{
    (void)state;
    start_jpeg();
    put("\xFF\xE1\xFF\xFF"
        "Exif\0\0II*\0\x08\0\0\0",
        18); /* claims 64 KB */
    const struct container_block *block = read_all(BLOCK_EXIF);
    assert_false(block->whole);
    assert_true(noted("cut off"));
    start_jpeg();
    put("\xFF\xE1\0\1", 4);
    read_all(BLOCK_EXIF);
    assert_true(noted("less than 2"));
    start_png();
    put("\x7F\xFF\xFF\xFFiTXtXML:com.adobe.xmp\0\0\0\0\0<a/>", 34); /* claims 2 GB */
    block = read_all(BLOCK_XMP);
    assert_false(block->whole);
    assert_memory_equal(block->bytes, "<a/>", block->size);
    start_png();
    put_chunk("tEXt", "key\0value", 9);
    ((uint8_t *)bytes.data)[bytes.count - 5]++;
    block = read_all(BLOCK_TEXT);
    assert_false(block->whole);
    assert_true(noted("checksum"));
    bytes.count = 0;
    put("RIFF\xFF\xFF\xFF\xFFWEBPXMP \xFF\xFF\xFF\xFF<a/>", 24);
    block = read_all(BLOCK_XMP);
    assert_true(!block->whole && block->size == 4);
    assert_true(noted("not as long as it says"));
}

/* A few KB that inflate to as much as all together may: the first is kept, of the others nothing, and that is said. */
static void test_bomb(void **state)
{
    (void)state;
    size_t size = (size_t)CONTAINER_MAX_INFLATED - 100;
    uint8_t *plain = calloc(size, 1), *packed = malloc(compressBound(size) + 5);
    uLongf packed_size = compressBound(size);
    memcpy(packed, "key\0\0", 5);
    assert_int_equal(compress2(packed + 5, &packed_size, plain, size, 9), Z_OK);
    start_png();
    for (int i = 0; i < 8; i++)
        put_chunk("zTXt", packed, packed_size + 5);
    const struct container_block *block = read_all(BLOCK_TEXT);
    assert_true(block->whole && block->size == size);
    block = container_next(&container, block, BLOCK_TEXT);
    assert_true(block && !block->whole && block->size < 16384 + 100);
    assert_true(noted("when inflated"));
    assert_true(container.arena.total <= 3 * CONTAINER_MAX_INFLATED);
    free(plain);
    free(packed);
}

static void test_many(void **state)
{
    (void)state;
    start_jpeg();
    for (int i = 0; i < 70000; i++)
        put_segment(0xEB, "JP\0\1\0\0\0\1\0\0\0\x10jumb", 16, "12345678", 8);
    for (int i = 0; i < 10000; i++)
        put_segment(0xFE, "", 0, "x", 1);
    read_all(BLOCK_C2PA);
    assert_true(container.blocks.count <= CONTAINER_MAX_BLOCKS);
    start_png();
    for (int i = 0; i < 10000; i++)
        put_chunk("tEXt", "a\0b", 3);
    read_all(BLOCK_TEXT);
    assert_int_equal(container.blocks.count, CONTAINER_MAX_BLOCKS);
    assert_true(noted("more than 4096 blocks"));
    /* boxes a thousand deep, then ten thousand side by side; items that overlap are in the corpus */
    bytes.count = 0;
    put("\0\0\0\x14"
        "ftypavif\0\0\0\0avif",
        20);
    for (uint32_t i = 0; i < 1000; i++) {
        put_number((i ? 8000 : 8004) - 8 * i, 4, true);
        put(i ? "ipco" : "meta", 4);
        if (i == 0)
            put("\0\0\0\0", 4);
    }
    for (int i = 0; i < 10000; i++)
        put("\0\0\0\x08"
            "free",
            8);
    read_all(BLOCK_OTHER);
    assert_true(noted("more than 4096 boxes") || noted("more than 4096 blocks"));
    /* GIF comments, one byte each */
    bytes.count = 0;
    put("GIF89a\1\0\1\0\0\0\0", 13);
    put("\x21\xFE", 2);
    for (int i = 0; i < 70000; i++)
        put("\1x", 2);
    put("\0\x3B", 2);
    const struct container_block *block = read_all(BLOCK_COMMENT);
    assert_int_equal(block->size, 8192);
    /* a TIFF whose directory follows itself */
    bytes.count = 0;
    put("II*\0\x08\0\0\0\0\0\x08\0\0\0", 14);
    read_all(BLOCK_EXIF);
    assert_true(noted("circle"));
}

static const char *xmp_problem(const char *text, struct xmp *xmp, struct arena *arena)
{
    *xmp = (struct xmp){0};
    assert_int_equal(xmp_read_packet((const uint8_t *)text, strlen(text), arena, xmp, NULL), ASSAY_OK);
    return xmp->problem ? xmp->problem : "";
}

#define RDF_OPEN                                                                                                       \
    "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:xmp='http://ns.adobe.com/xap/1.0/'>"

static void test_xmp(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct xmp xmp;
    assert_string_equal(xmp_problem("<!DOCTYPE a [<!ENTITY b 'c'><!ENTITY d '&b;&b;&b;&b;'>]><a>&d;</a>", &xmp, &arena),
                        "the XMP declares a document type, which is refused");
    assert_non_null(strstr(xmp_problem(RDF_OPEN "<rdf:Description xmp:CreatorTool='a'>&b;</rdf:Description></rdf:RDF>",
                                       &xmp, &arena),
                           "undefined entity"));
    assert_string_equal(xmp.creator_tool, "a"); /* what came before is kept */
    assert_non_null(strstr(xmp_problem(RDF_OPEN "<rdf:Description xmp:CreatorTool='a'>", &xmp, &arena), "damaged"));
    assert_string_equal(xmp.creator_tool, "a");
    assert_non_null(strstr(xmp_problem("", &xmp, &arena), "damaged"));
    /* a thousand elements deep, ten thousand properties, a value of 4 MB, 20 MB in all */
    struct array text = array_of(1, 64 << 20);
    array_printf(&text, RDF_OPEN "<rdf:Description>");
    for (int i = 0; i < 1000; i++)
        array_printf(&text, "<xmp:a rdf:parseType='Resource'>");
    assert_non_null(strstr(xmp_problem(text.data, &xmp, &arena), "too deep"));
    text.count = 0;
    array_printf(&text, RDF_OPEN "<rdf:Description>");
    for (int i = 0; i < 10000; i++)
        array_printf(&text, "<xmp:p%d>x</xmp:p%d>", i, i);
    array_printf(&text, "</rdf:Description></rdf:RDF>");
    assert_non_null(strstr(xmp_problem(text.data, &xmp, &arena), "too many"));
    text.count = 0;
    array_printf(&text,
                 RDF_OPEN "<rdf:Description><xmp:CreatorTool>%04000000d</xmp:CreatorTool></rdf:Description></rdf:RDF>",
                 1);
    assert_string_equal(xmp_problem(text.data, &xmp, &arena), "");
    assert_int_equal(strlen(xmp.creator_tool), XMP_MAX_VALUE_BYTES);
    text.count = 0;
    array_printf(&text, RDF_OPEN "<rdf:Description xmp:CreatorTool='a'/>%20000000s</rdf:RDF>", "");
    assert_non_null(strstr(xmp_problem(text.data, &xmp, &arena), "too long"));
    assert_string_equal(xmp.creator_tool, "a");
    array_free(&text);
    arena_free(&arena);
}

static void test_others(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct exif exif;
    struct iptc iptc;
    struct icc icc;
    /* directories that name themselves, tags of 4 GB, values outside */
    static const uint8_t self[] =
        "II*\0\x08\0\0\0\2\0\x69\x87\4\0\1\0\0\0\x08\0\0\0\x0F\1\2\0\xFF\xFF\xFF\xFF\0\0\0\0\x08\0\0\0";
    assert_int_equal(exif_read_block(self, sizeof self - 1, &arena, &exif, NULL), ASSAY_OK);
    assert_non_null(exif.problem);
    assert_null(exif.make);
    static const uint8_t outside[] = "MM\0*\0\0\0\x08\0\1\1\x0F\0\2\0\0\0\x08\0\0\xFF\xFF\0\0\0\0";
    assert_int_equal(exif_read_block(outside, sizeof outside - 1, &arena, &exif, NULL), ASSAY_OK);
    assert_string_equal(exif.problem, "a tag's value lies outside");
    assert_int_equal(exif_read_block((const uint8_t *)"II", 2, &arena, &exif, NULL), ASSAY_OK);
    assert_non_null(exif.problem);
    static const uint8_t sets[] = "\x1C\2\x6E\0\6Agency\x1C\2\x73\x7F\xFFrest";
    assert_int_equal(iptc_read_block(sets, sizeof sets - 1, &arena, &iptc, NULL), ASSAY_OK);
    assert_string_equal(iptc.credit, "Agency");
    assert_string_equal(iptc.source, "rest");
    assert_string_equal(iptc.problem, "a text is cut off");
    static const uint8_t wide[] = "\x1C\2\x6E\x80\4\xFF\xFF\xFF\xFF";
    assert_int_equal(iptc_read_block(wide, sizeof wide - 1, &arena, &iptc, NULL), ASSAY_OK);
    assert_non_null(iptc.problem);
    uint8_t profile[200] = {0};
    memcpy(profile + 36, "acsp", 4);
    profile[8] = 4;
    profile[131] = 1;
    memcpy(profile + 132, "desc\xFF\xFF\xFF\xF0\0\0\0\x20", 12);
    assert_int_equal(icc_read_block(profile, sizeof profile, &arena, &icc, NULL), ASSAY_OK);
    assert_string_equal(icc.problem, "a tag lies outside of the profile");
    assert_null(icc.description);
    assert_int_equal(icc_read_block(profile, 100, &arena, &icc, NULL), ASSAY_OK);
    assert_non_null(icc.problem);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_jumbf, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_extended_xmp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_profile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_uuid, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_heic_and_gif, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut_and_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lengths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bomb, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_xmp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_others, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
