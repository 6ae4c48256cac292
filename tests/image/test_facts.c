/* test_facts.c - facts of files against what was put into them; JPEG qualities read back; the perceptual hash against
 * imagehash's. */
#include "pictures.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "image/facts.h"
#include "image/jpeg_quality.h"
#include "image/phash.h"
#include "image/perturb.h"
#include "image/resample.h"

static const struct expected {
    const char *name;
    enum picture_format format;
    uint32_t width, height;
    unsigned metadata;
    uint64_t phash;
    bool flat;
} expected[] = {
#include "fixtures/facts.h"
};

static uint8_t *load(const char *name, size_t *size)
{
    char path[1024];
    struct assay_error error = {0};
    uint8_t *bytes;
    snprintf(path, sizeof path, FIXTURE("%s"), name);
    if (file_read(path, 1 << 20, &bytes, size, &error))
        fail_msg("%s", error.message);
    return bytes;
}

static struct picture_facts facts_of(const char *name)
{
    struct picture_facts facts;
    size_t size;
    uint8_t *bytes = load(name, &size);
    picture_facts_read(bytes, size, &facts);
    mem_free(bytes);
    return facts;
}

static void test_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(expected); i++) {
        const struct expected *e = &expected[i];
        char name[128], have[METADATA_TEXT_SIZE], want[METADATA_TEXT_SIZE];
        snprintf(name, sizeof name, "facts/%s", e->name);
        struct picture_facts f = facts_of(name);
        if (f.format != e->format || f.width != e->width || f.height != e->height || f.metadata != e->metadata)
            fail_msg("%s: %s %u x %u %s, expected %s %u x %u %s", e->name, picture_format_text(f.format), f.width,
                     f.height, picture_metadata_text(f.metadata, have), picture_format_text(e->format), e->width,
                     e->height, picture_metadata_text(e->metadata, want));
    }
}

static void test_jpegs(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int quality; /* 0: any, and not exact */
        bool progressive;
        const char *subsampling;
    } cases[] = {
        {"facts/plain.jpg", 80, false, "4:2:0"},
        {"facts/exif-icc.jpg", 91, false, "4:4:4"},
        {"facts/xmp.jpg", 75, true, "4:2:2"},
        {"facts/comment.jpg", 60, false, "4:2:0"},
        {"facts/own-tables.jpg", 0, false, "4:2:0"},
        {"422.jpg", -1, false, "4:2:2"},
        {"444.jpg", -1, false, "4:4:4"},
        {"grey.jpg", -1, false, "grey"},
        {"progressive.jpg", -1, true, "4:2:0"},
        {"cmyk.jpg", 90, false, "4:4:4"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct picture_facts f = facts_of(cases[i].name);
        if (f.jpeg_progressive != cases[i].progressive ||
            strcmp(jpeg_subsampling_text(f.subsampling), cases[i].subsampling) != 0 || f.jpeg_quality < 1 ||
            (cases[i].quality >= 0 && f.jpeg_quality_exact != (cases[i].quality > 0)) ||
            (cases[i].quality > 0 && f.jpeg_quality != cases[i].quality))
            fail_msg("%s: quality %d (%d), %s, progressive %d", cases[i].name, f.jpeg_quality, f.jpeg_quality_exact,
                     jpeg_subsampling_text(f.subsampling), f.jpeg_progressive);
    }
    assert_in_range(facts_of("facts/own-tables.jpg").jpeg_quality, 90, 97); /* values from 3 to 13 */
}

/* Every quality of libjpeg is told, by a colour and by a grey picture. */
static void test_quality(void **state)
{
    (void)state;
    struct image image = picture_pattern(24, 16);
    for (int quality = 1; quality <= 100; quality++)
        for (int sampling = 0; sampling < 2; sampling++) {
            uint8_t *bytes;
            size_t size;
            struct picture_facts facts;
            struct jpeg_header header;
            assert_int_equal(image_encode_jpeg(&image, quality, sampling ? IMAGE_444 : IMAGE_420, &bytes, &size, NULL),
                             ASSAY_OK);
            picture_facts_read(bytes, size, &facts);
            assert_int_equal(facts.jpeg_quality, quality);
            assert_true(facts.jpeg_quality_exact);
            assert_int_equal(facts.subsampling, sampling ? JPEG_444 : JPEG_420);
            assert_int_equal(facts.metadata, 0);
            assert_true(jpeg_header_read(bytes, size, &header));
            header.components = 1; /* by brightness alone */
            assert_int_equal(jpeg_quality_estimate(&header).quality, quality);
            mem_free(bytes);
        }
    image_free(&image);
}

/* Cut anywhere, a file gives what its beginning says, and no read goes beyond its end (for the sanitiser to see). */
static void test_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(expected); i++) {
        char name[128];
        size_t size;
        struct picture_facts facts;
        snprintf(name, sizeof name, "facts/%s", expected[i].name);
        uint8_t *bytes = load(name, &size);
        for (size_t length = 0; length < size && length < 1200; length++) {
            uint8_t *exact = malloc(length ? length : 1);
            assert_non_null(exact);
            memcpy(exact, bytes, length);
            picture_facts_read(exact, length, &facts);
            assert_true((facts.metadata & ~expected[i].metadata) == 0);
            free(exact);
        }
        mem_free(bytes);
    }
}

static struct phash hash_of(const struct image *image)
{
    struct phash hash;
    assert_int_equal(image_phash(image, &hash, NULL), ASSAY_OK);
    return hash;
}

static void test_phash(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(expected); i++) {
        char name[128];
        if (expected[i].format == PICTURE_HEIF) /* decoders enlarge its chroma in different ways */
            continue;
        snprintf(name, sizeof name, "facts/%s", expected[i].name);
        struct image image = picture_load(name);
        struct phash hash = hash_of(&image);
        if (hash.bits != expected[i].phash || hash.flat != expected[i].flat)
            fail_msg("%s: %016llx, flat %d; imagehash has %016llx", expected[i].name, (unsigned long long)hash.bits,
                     hash.flat, (unsigned long long)expected[i].phash);
        image_free(&image);
    }
}

static void test_phash_is_stable(void **state)
{
    (void)state;
    struct image image = picture_load("facts/large.png"), other = picture_load("facts/wide.png"), changed = {0};
    uint64_t hash = hash_of(&image).bits;
    assert_int_equal(image_resize(&image, 90, 101, IMAGE_BICUBIC, &changed, NULL), ASSAY_OK);
    assert_true(phash_distance(hash, hash_of(&changed).bits) <= 4);
    image_free(&changed);
    assert_int_equal(image_jpeg(&image, 50, &changed, NULL), ASSAY_OK);
    assert_true(phash_distance(hash, hash_of(&changed).bits) <= 4);
    image_free(&changed);
    assert_true(phash_distance(hash, hash_of(&other).bits) > 12);
    image_free(&image);
    image_free(&other);
    assert_int_equal(image_create(40, 40, &image, NULL), ASSAY_OK);
    memset(image.pixels, 90, image_bytes(&image));
    assert_true(hash_of(&image).flat);
    image_free(&image);
}

static void test_texts(void **state)
{
    (void)state;
    char text[METADATA_TEXT_SIZE];
    assert_string_equal(picture_metadata_text(0, text), "none");
    assert_string_equal(picture_metadata_text(METADATA_ALL, text), "EXIF+XMP+ICC+text+C2PA");
    assert_string_equal(picture_metadata_text(METADATA_XMP | METADATA_TEXT, text), "XMP+text");
    assert_string_equal(picture_format_text(PICTURE_WEBP), "WebP");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files), cmocka_unit_test(test_jpegs), cmocka_unit_test(test_quality),
        cmocka_unit_test(test_cut),   cmocka_unit_test(test_phash), cmocka_unit_test(test_phash_is_stable),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
