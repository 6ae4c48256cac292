/* test_metadata.c - XMP, EXIF, IPTC, ICC and JPEG headers of files of every format: each fact that exiftool reads
 * (fixtures/metadata/expected.txt, by tools/reference/provenance_metadata.py), and what is asked for by name. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "provenance/metadata.h"
#include "support/failing_malloc.h"

#define FOLDER ASSAY_TEST_DIR "/provenance/fixtures/metadata/"

struct loaded {
    uint8_t *bytes;
    size_t size;
    struct container container;
    struct arena arena;
    struct metadata metadata;
    struct fact_tree tree;
};

static void load(struct loaded *l, const char *name)
{
    char path[4096];
    struct assay_error error;
    *l = (struct loaded){0};
    snprintf(path, sizeof path, "%s%s", FOLDER, name);
    assert_int_equal(file_read(path, 1 << 20, &l->bytes, &l->size, &error), ASSAY_OK);
    assert_int_equal(container_read(l->bytes, l->size, &l->container, &error), ASSAY_OK);
    assert_int_equal(metadata_read(&l->container, &l->arena, &l->metadata, &error), ASSAY_OK);
    fact_tree_init(&l->tree, &l->arena);
    metadata_facts(&l->metadata, &l->tree, l->tree.root);
    assert_false(l->tree.no_memory || l->tree.full);
}

static void unload(struct loaded *l)
{
    container_free(&l->container);
    arena_free(&l->arena);
    free(l->bytes);
}

/* ---- The same as exiftool ---------------------------------------------------------------------------------------- */

/* exiftool begins names of XMP with capitals, and leaves the prefixes of fields out. */
static bool same_name(const char *ours, const char *theirs, size_t length, bool field)
{
    const char *colon = field ? strchr(ours, ':') : NULL;
    ours = colon ? colon + 1 : ours;
    return strlen(ours) == length && strncasecmp(ours, theirs, length) == 0;
}

static const struct fact *find(const struct fact *fact, const char *path, bool xmp, int depth)
{
    const char *slash = strchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : strlen(path);
    const struct fact *child = fact->first;
    int index = 0;
    /* what is there several times is a list to exiftool: "Keywords/1" */
    for (; child; child = child->next) {
        if (fact->kind == FACT_LIST ? index++ == atoi(path) : same_name(child->name, path, length, xmp && depth > 1))
            break;
    }
    if (child && slash && child->kind != FACT_GROUP && child->kind != FACT_LIST) {
        int wanted = atoi(slash + 1);
        for (const struct fact *next = child; next; next = next->next)
            if (strcmp(next->name, child->name) == 0 && wanted-- == 0)
                return next;
        return NULL;
    }
    return child && slash ? find(child, slash + 1, xmp, depth + 1) : child;
}

static void value_of(const struct fact *fact, char *out, size_t size)
{
    switch (fact->kind) {
    case FACT_TEXT: snprintf(out, size, "%s", fact->text); break;
    case FACT_INTEGER: snprintf(out, size, "%lld", (long long)fact->integer); break;
    case FACT_REAL: snprintf(out, size, "%.15g", fact->real); break;
    case FACT_BOOL: snprintf(out, size, "%s", fact->truth ? "yes" : "no"); break;
    default: snprintf(out, size, "(group)"); break;
    }
}

static bool same_value(const char *ours, const char *theirs)
{
    char *end1, *end2;
    double a = strtod(ours, &end1), b = strtod(theirs, &end2);
    if (*ours && *theirs && !*end1 && !*end2)
        return fabs(a - b) <= 1e-6 * fabs(b) + 1e-12;
    return strcmp(ours, theirs) == 0;
}

static size_t count_leaves(const struct fact *fact)
{
    size_t count = 0;
    for (const struct fact *child = fact ? fact->first : NULL; child; child = child->next)
        count += child->kind == FACT_GROUP || child->kind == FACT_LIST ? count_leaves(child) : 1;
    return count;
}

static void test_as_exiftool(void **state)
{
    (void)state;
    char *lines;
    size_t size, checked = 0, files = 0, xmp = 0, iptc = 0;
    char name[64] = "";
    struct loaded l = {0};
    struct assay_error error;
    assert_int_equal(file_read(FOLDER "expected.txt", 1 << 20, (uint8_t **)&lines, &size, &error), ASSAY_OK);
    for (char *line = lines, *end; line < lines + size; line = end + 1) {
        end = memchr(line, '\n', (size_t)(lines + size - line));
        assert_non_null(end);
        *end = '\0';
        char *path = strchr(line, '\t'), *value = path ? strchr(path + 1, '\t') : NULL, ours[1024];
        assert_non_null(value);
        *path++ = *value++ = '\0';
        if (strcmp(line, name) != 0) {
            if (files++) { /* nothing more than exiftool has either */
                assert_int_equal(count_leaves(fact_find(l.tree.root, "xmp")), xmp);
                assert_int_equal(count_leaves(fact_find(l.tree.root, "iptc")), iptc);
                unload(&l);
            }
            snprintf(name, sizeof name, "%s", line);
            load(&l, name);
            xmp = xmp_child(&l.metadata.xmp.root, "xmpNote:HasExtendedXMP") ? 1 : 0; /* left out of the list */
            iptc = 0;
        }
        const struct fact *fact = find(l.tree.root, path, strncmp(path, "xmp/", 4) == 0, 0);
        if (!fact)
            fail_msg("%s: %s is missing", name, path);
        value_of(fact, ours, sizeof ours);
        if (!same_value(ours, value))
            fail_msg("%s: %s is \"%s\", not \"%s\"", name, path, ours, value);
        xmp += strncmp(path, "xmp/", 4) == 0;
        iptc += strncmp(path, "iptc/", 5) == 0;
        checked++;
    }
    unload(&l);
    free(lines);
    assert_true(checked > 500 && files > 15);
}

/* ---- What is asked for by name ----------------------------------------------------------------------------------- */

static void test_declared(void **state)
{
    (void)state;
    const char *names[] = {"declared.jpg", "declared.png", "xmp.gif"};
    for (int i = 0; i < 3; i++) {
        struct loaded l;
        load(&l, names[i]);
        const struct xmp *x = &l.metadata.xmp;
        assert_string_equal(x->digital_source_type,
                            "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia");
        assert_string_equal(x->credit, "Made with Google AI");
        assert_string_equal(x->creator_tool, "Some Tool 1.0");
        assert_string_equal(x->ai_system, "Imagen");
        assert_string_equal(x->ai_system_version, "3");
        assert_string_equal(x->ai_prompt, "a cat & a hat, caf\xc3\xa9");
        assert_string_equal(x->ai_prompt_writer, "N. N.");
        assert_string_equal(x->create_date, "2024-05-01T10:20:30Z");
        assert_null(x->problem);
        assert_null(x->make);
        unload(&l);
    }
}

static void test_camera(void **state)
{
    (void)state;
    const char *names[] = {"camera.jpg", "camera.png", "camera.tif", "camera.webp", "camera.avif"};
    for (int i = 0; i < 5; i++) {
        struct loaded l;
        load(&l, names[i]);
        const struct exif *e = &l.metadata.exif;
        assert_string_equal(e->make, "Canon");
        assert_string_equal(e->model, "Canon EOS R5");
        assert_string_equal(e->lens_model, "RF24-105mm F4 L IS USM");
        assert_string_equal(e->software, "Firmware 1.8");
        assert_string_equal(e->date_time_original, "2024:05:01 10:20:30");
        assert_string_equal(e->artist, "J\xc3\xbcrgen");
        assert_string_equal(e->user_comment, "A comment");
        assert_true(e->gps && e->has_position);
        assert_true(fabs(e->latitude + 48.5) < 1e-9 && fabs(e->longitude + 11.25) < 1e-9);
        assert_int_equal(e->iso, 400);
        assert_true(fabs(e->exposure_time - 1 / 250.) < 1e-9);
        assert_null(e->problem);
        assert_int_equal(l.metadata.width, 48);
        assert_int_equal(l.metadata.height, 32);
        assert_false(l.metadata.thumbnail_shape_differs);
        if (i != 4)
            assert_string_equal(l.metadata.icc.description, "Test profile");
        unload(&l);
    }
}

static void test_comments(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
    } cases[] = {{"comment-le.jpg", "Gr\xc3\xbc\xc3\x9f"
                                    "e \xe6\x9d\xb1\xe4\xba\xac \xf0\x9f\x98\x80"},
                 {"comment-be.jpg", "parameters, Steps: 20"},
                 {"comment-ascii.jpg", "hello"},
                 {"comment-none.jpg", "no name"},
                 {"raw.png", "raw profile"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct loaded l;
        load(&l, cases[i].name);
        assert_string_equal(l.metadata.exif.user_comment, cases[i].text);
        unload(&l);
    }
    /* JIS X 0208: two characters of Tokyo */
    static const uint8_t jis[] = "II\x2a\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x1a\0\0\0\0\0\0\0"
                                 "\x01\0\x86\x92\x07\0\x0c\0\0\0\x2c\0\0\0\0\0\0\0JIS\0\0\0\0\0\x45\x6c\x35\x7e";
    struct arena arena = {0};
    struct exif exif;
    assert_int_equal(exif_read_block(jis, sizeof jis - 1, &arena, &exif, NULL), ASSAY_OK);
    assert_string_equal(exif.user_comment, "\xe6\x9d\xb1\xe4\xba\xac");
    arena_free(&arena);
}

static void test_thumbnail(void **state)
{
    (void)state;
    struct loaded l;
    load(&l, "cropped.jpg");
    assert_true(l.metadata.thumbnail_shape_differs);
    struct exif e = {.thumbnail_width = 160, .thumbnail_height = 120};
    assert_false(exif_thumbnail_shape_differs(&e, 6000, 4000)); /* padded, as cameras do */
    assert_false(exif_thumbnail_shape_differs(&e, 3000, 4000)); /* turned */
    assert_false(exif_thumbnail_shape_differs(&e, 0, 0));
    e.thumbnail_height = 106;
    assert_false(exif_thumbnail_shape_differs(&e, 6000, 4000));
    assert_true(exif_thumbnail_shape_differs(&e, 4000, 4000));
    assert_true(exif_thumbnail_shape_differs(&e, 6000, 2000));
    unload(&l);
}

static void test_jpeg(void **state)
{
    (void)state;
    struct loaded l;
    load(&l, "photoshop.jpg");
    assert_string_equal(l.metadata.jpeg.tables.writer, "Adobe Photoshop");
    assert_string_equal(l.metadata.jpeg.tables.setting, "Save for Web, high");
    assert_int_equal(l.metadata.jpeg.photoshop_quality, 10);
    assert_int_equal(l.metadata.jpeg.ducky_quality, 60);
    assert_true(l.metadata.jpeg.adobe && l.metadata.jpeg.standard_huffman);
    unload(&l);
    load(&l, "camera.jpg");
    assert_string_equal(l.metadata.jpeg.tables.writer, "libjpeg");
    assert_int_equal(l.metadata.jpeg.tables.quality, 60);
    assert_true(l.metadata.jpeg.header.progressive);
    unload(&l);
    struct jpeg_header h = {.components = 3, .table_of = {0, 1, 1}, .has_table = {true, true}};
    for (int i = 0; i < 64; i++)
        h.tables[0][i] = h.tables[1][i] = (uint16_t)(i + 3);
    assert_null(jpeg_tables_identify(&h).writer);
    for (int i = 0; i < 64; i++) {
        h.tables[0][i] = (uint16_t)jpeg_quality_table(90, false, true, i);
        h.tables[1][i] = (uint16_t)jpeg_quality_table(80, true, true, i);
    }
    struct jpeg_tables tables = jpeg_tables_identify(&h);
    assert_string_equal(tables.writer, "libjpeg");
    assert_int_equal(tables.quality, 90);
    assert_int_equal(tables.colour_quality, 80);
    for (int i = 0; i < 64; i++)
        h.tables[0][i] = h.tables[1][i] = 6;
    tables = jpeg_tables_identify(&h);
    assert_string_equal(tables.writer, "mozjpeg");
    assert_string_equal(tables.setting, "flat");
    assert_int_equal(tables.quality, 82); /* the best at which (16 * (200 - 2 * quality) + 50) / 100 is 6 */
}

/* ---- Failing memory ---------------------------------------------------------------------------------------------- */

static bool attempt(void *context)
{
    const struct loaded *l = context;
    struct container container;
    struct arena arena = {0};
    struct metadata metadata;
    struct fact_tree tree = {0};
    struct assay_error error;
    if (container_read(l->bytes, l->size, &container, &error))
        return false;
    assay_status status = metadata_read(&container, &arena, &metadata, &error);
    if (status == ASSAY_OK) {
        fact_tree_init(&tree, &arena);
        metadata_facts(&metadata, &tree, tree.root);
    }
    arena_free(&arena);
    container_free(&container);
    return status == ASSAY_OK && !tree.no_memory;
}

static void test_memory(void **state)
{
    (void)state;
    const char *names[] = {"camera.jpg", "camera.tif", "camera.avif", "extended.jpg", "photoshop.jpg",
                           "raw.png",    "xmp.gif",    "camera.webp", "text.png"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct loaded l;
        size_t survived;
        load(&l, names[i]);
        assert_true(failing_malloc_each(attempt, &l, &survived) > 3);
        assert_int_equal(survived, 0);
        unload(&l);
    }
}

/* Tags that share the same bytes are no way to fill the memory: texts are kept up to a limit, which is told. */
static void test_exif_shared_texts(void **state)
{
    (void)state;
    enum { TAGS = 900, TEXT = 1 << 20, AT = 10 + 12 * TAGS + 4 };
    uint8_t *bytes = mem_alloc(AT + TEXT, 1);
    memcpy(bytes, "MM\0\x2a\0\0\0\10", 8);
    bytes[8] = TAGS >> 8;
    bytes[9] = TAGS & 255;
    for (int i = 0; i < TAGS; i++) {
        const uint8_t tag[12] = {1,        i % 2 ? 0x0E : 0x0F, 0,       2, 0, TEXT >> 16, 0, 0, 0,
                                 AT >> 16, (AT >> 8) & 255,     AT & 255};
        memcpy(bytes + 10 + 12 * i, tag, sizeof tag);
    }
    memset(bytes + AT, 'x', TEXT);
    struct arena arena = {.max_bytes = 16 << 20};
    struct exif exif;
    struct fact_tree tree;
    assert_int_equal(exif_read_block(bytes, AT + TEXT, &arena, &exif, NULL), ASSAY_OK);
    assert_int_equal(strlen(exif.make), EXIF_MAX_TEXT);
    assert_int_equal(exif.tag_count, TAGS);
    fact_tree_init(&tree, &arena);
    exif_facts(&exif, &tree, tree.root);
    assert_false(tree.no_memory);
    assert_true(tree.text_bytes <= EXIF_MAX_TEXTS + 4096);
    assert_non_null(fact_find(tree.root, "exif/problems"));
    arena_free(&arena);
    mem_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_exiftool),       cmocka_unit_test(test_declared),  cmocka_unit_test(test_camera),
        cmocka_unit_test(test_comments),          cmocka_unit_test(test_thumbnail), cmocka_unit_test(test_jpeg),
        cmocka_unit_test(test_exif_shared_texts), cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
