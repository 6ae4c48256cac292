/* test_thumbnail.c - thumbnails that show the picture, a part of it altered, something else; turned and between
 * bars. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "jpeg_made.h"
#include "provenance/metadata.h"
#include "provenance/provenance.h"

/* A smaller copy: the means of squares. */
static struct jpeg_grey shrunk(const struct jpeg_grey *from, uint32_t by)
{
    struct jpeg_grey to = {from->width / by, from->height / by, NULL};
    to.pixels = mem_alloc((size_t)to.width * to.height, 1);
    for (uint32_t y = 0; y < to.height; y++) {
        for (uint32_t x = 0; x < to.width; x++) {
            unsigned sum = 0;
            for (uint32_t k = 0; k < by * by; k++)
                sum += from->pixels[(size_t)(y * by + k / by) * from->width + x * by + k % by];
            to.pixels[(size_t)y * to.width + x] = (uint8_t)(sum / (by * by));
        }
    }
    return to;
}

static struct jpeg_grey quarter_turn(const struct jpeg_grey *from)
{
    struct jpeg_grey to = {from->height, from->width, mem_alloc((size_t)from->width * from->height, 1)};
    for (uint32_t y = 0; y < to.height; y++)
        for (uint32_t x = 0; x < to.width; x++)
            to.pixels[(size_t)y * to.width + x] = from->pixels[(size_t)(from->height - 1 - x) * from->width + y];
    return to;
}

/* Black above and below. */
static struct jpeg_grey barred(const struct jpeg_grey *from, uint32_t height)
{
    struct jpeg_grey to = {from->width, height, mem_alloc((size_t)from->width * height, 1)};
    memcpy(to.pixels + (size_t)(height - from->height) / 2 * from->width, from->pixels,
           (size_t)from->width * from->height);
    return to;
}

static struct thumbnail_comparison compare(const struct jpeg_grey *picture, const struct jpeg_grey *thumbnail)
{
    struct container container;
    struct arena arena = {0};
    struct metadata metadata;
    size_t small, size;
    uint8_t *inner = made_jpeg(thumbnail, &(struct made){.quality = 75}, &small);
    uint8_t *bytes =
        made_jpeg(picture, &(struct made){.quality = 85, .thumbnail = inner, .thumbnail_size = small}, &size);
    assert_int_equal(container_read(bytes, size, &container, NULL), ASSAY_OK);
    assert_int_equal(metadata_read(&container, &arena, &metadata, NULL), ASSAY_OK);
    assert_int_equal(metadata.exif.thumbnail_width, thumbnail->width);
    assert_int_equal(metadata.thumbnail.kind, THUMBNAIL_NOT_COMPARED);
    metadata_peek(&container, &metadata);
    container_free(&container);
    arena_free(&arena);
    free(inner);
    free(bytes);
    return metadata.thumbnail;
}

/* Something bright and striped, where it was not. */
static void alter(struct jpeg_grey *picture, uint32_t left, uint32_t top, uint32_t side)
{
    for (uint32_t y = top; y < top + side; y++)
        for (uint32_t x = left; x < left + side; x++)
            picture->pixels[(size_t)y * picture->width + x] = x / 64 % 2 ? 250 : 10;
}

static void test_contents(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 4; seed++) {
        struct jpeg_grey picture = made_picture(640, 480, seed), other = made_picture(640, 480, seed + 50);
        struct jpeg_grey thumbnail = shrunk(&picture, 4), wrong = shrunk(&other, 4);
        struct thumbnail_comparison same = compare(&picture, &thumbnail);
        assert_int_equal(same.kind, THUMBNAIL_SAME);
        assert_true(same.correlation > 0.9 && same.share < 0.02);
        for (size_t i = 0; i < (size_t)thumbnail.width * thumbnail.height; i++)
            thumbnail.pixels[i] = (uint8_t)(thumbnail.pixels[i] * 0.8 + 30); /* toned otherwise: no difference */
        assert_int_equal(compare(&picture, &thumbnail).kind, THUMBNAIL_SAME);
        struct jpeg_grey turned = quarter_turn(&thumbnail);
        assert_int_equal(compare(&picture, &turned).kind, THUMBNAIL_SAME);
        assert_int_equal(compare(&picture, &wrong).kind, THUMBNAIL_ANOTHER);
        alter(&picture, 64 * seed, 30 * seed, 128);
        struct thumbnail_comparison differs = compare(&picture, &thumbnail);
        assert_int_equal(differs.kind, THUMBNAIL_DIFFERS);
        assert_true(differs.share > 0.01 && differs.share < 0.12);
        mem_free(picture.pixels);
        mem_free(other.pixels);
        mem_free(thumbnail.pixels);
        mem_free(wrong.pixels);
        mem_free(turned.pixels);
    }
}

static void test_bars(void **state)
{
    (void)state;
    struct jpeg_grey picture = made_picture(960, 640, 3), small = shrunk(&picture, 6); /* 160 x 106 */
    struct jpeg_grey thumbnail = barred(&small, 120);
    assert_int_equal(compare(&picture, &thumbnail).kind, THUMBNAIL_SAME);
    alter(&picture, 400, 200, 180);
    assert_int_equal(compare(&picture, &thumbnail).kind, THUMBNAIL_DIFFERS);
    mem_free(picture.pixels);
    mem_free(small.pixels);
    mem_free(thumbnail.pixels);
}

/* Of another shape, flat, tiny or broken: nothing is said. */
static void test_not_compared(void **state)
{
    (void)state;
    struct jpeg_grey picture = made_picture(640, 480, 1), square = made_picture(100, 100, 1);
    struct jpeg_grey flat = {160, 120, mem_alloc(160 * 120, 1)}, tiny = made_picture(4, 3, 1);
    assert_int_equal(compare(&picture, &square).kind, THUMBNAIL_NOT_COMPARED);
    assert_int_equal(compare(&picture, &flat).kind, THUMBNAIL_NOT_COMPARED);
    (void)compare(&picture, &tiny);
    (void)compare(&tiny, &tiny);
    struct exif none = {.thumbnail_width = 0};
    assert_int_equal(thumbnail_compare(&none, (const uint8_t *)"", 0).kind, THUMBNAIL_NOT_COMPARED);
    mem_free(picture.pixels);
    mem_free(square.pixels);
    mem_free(flat.pixels);
    mem_free(tiny.pixels);
}

static void test_facts(void **state)
{
    (void)state;
    struct jpeg_grey picture = made_picture(640, 480, 1), thumbnail = shrunk(&picture, 4);
    size_t small, size;
    uint8_t *inner = made_jpeg(&thumbnail, &(struct made){.quality = 75}, &small);
    alter(&picture, 200, 100, 160);
    uint8_t *bytes = made_jpeg(&picture, &(struct made){.thumbnail = inner, .thumbnail_size = small}, &size);
    struct provenance p;
    assert_int_equal(provenance_read(bytes, size, NULL, &p, NULL), ASSAY_OK);
    assert_string_equal(fact_find_text(p.facts.root, "thumbnail_shows"), "differs in part");
    assert_non_null(fact_find(p.facts.root, "thumbnail_differing_share"));
    provenance_free(&p);
    free(inner);
    free(bytes);
    mem_free(picture.pixels);
    mem_free(thumbnail.pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_bars),
        cmocka_unit_test(test_not_compared),
        cmocka_unit_test(test_facts),
    };
    return cmocka_run_group_tests_name("provenance/thumbnail", tests, NULL, NULL);
}
