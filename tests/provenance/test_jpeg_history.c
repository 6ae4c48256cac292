/* test_jpeg_history.c - JPEGs that were one before, and such as were not; reading coefficients in part; damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "jpeg_made.h"
#include "provenance/jpeg_history.h"
#include "provenance/provenance.h"

/* Steps of no libjpeg quality, as a camera might have. */
static const unsigned camera[64] = {7,  5,  6,  7,  6,  5,  7,  7,  6,  7,  8,  8,  7,  8,  10, 17,
                                    11, 10, 9,  9,  10, 21, 15, 16, 12, 17, 25, 22, 26, 26, 25, 22,
                                    24, 24, 28, 31, 40, 34, 28, 30, 38, 30, 24, 24, 35, 47, 35, 38,
                                    41, 42, 45, 45, 45, 27, 33, 49, 53, 49, 43, 52, 40, 44, 45, 43};

static struct jpeg_history history_of(const struct jpeg_grey *picture, const struct made *how)
{
    size_t size;
    uint8_t *bytes = made_jpeg(picture, how, &size);
    struct jpeg_history history = jpeg_history_read(bytes, size);
    free(bytes);
    return history;
}

/* The picture, once it has been a JPEG. */
static struct jpeg_grey after(const struct jpeg_grey *picture, const struct made *how)
{
    size_t size;
    uint8_t *bytes = made_jpeg(picture, how, &size);
    struct jpeg_grey grey = made_decoded(bytes, size);
    free(bytes);
    return grey;
}

static void test_once(void **state)
{
    (void)state;
    static const int qualities[] = {50, 75, 90, 95, 98};
    for (unsigned seed = 1; seed <= 4; seed++) {
        struct jpeg_grey picture = made_picture(256, 256, seed);
        for (size_t i = 0; i < sizeof qualities / sizeof qualities[0]; i++) {
            struct jpeg_history h = history_of(&picture, &(struct made){.quality = qualities[i]});
            if (h.twice)
                fail_msg("seed %u, once at %d: score %.1f", seed, qualities[i], h.score);
            assert_int_equal(h.quality, 0);
        }
        assert_false(history_of(&picture, &(struct made){.table = camera}).twice);
        mem_free(picture.pixels);
    }
}

static void test_twice(void **state)
{
    (void)state;
    int shown = 0, all = 0; /* not every picture shows every pair */
    static const int pairs[][2] = {{50, 90}, {60, 85}, {70, 95}, {75, 90}, {80, 98}, {85, 95}};
    for (unsigned seed = 1; seed <= 4; seed++) {
        struct jpeg_grey picture = made_picture(256, 256, seed);
        for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
            struct jpeg_grey once = after(&picture, &(struct made){.quality = pairs[i][0]});
            struct jpeg_history h = history_of(&once, &(struct made){.quality = pairs[i][1], .progressive = seed % 2});
            all++;
            shown += h.twice;
            if (h.quality && abs(h.quality - pairs[i][0]) > 2)
                fail_msg("seed %u, %d then %d: quality %d", seed, pairs[i][0], pairs[i][1], h.quality);
            /* the same tables again leave nothing to see */
            assert_false(history_of(&once, &(struct made){.quality = pairs[i][0]}).twice);
            mem_free(once.pixels);
        }
        struct jpeg_grey once = after(&picture, &(struct made){.table = camera});
        struct jpeg_history h = history_of(&once, &(struct made){.quality = 95});
        assert_true(h.twice);
        assert_int_equal(h.quality, 0); /* not libjpeg's */
        mem_free(once.pixels);
        mem_free(picture.pixels);
    }
    if (shown * 4 < all * 3)
        fail_msg("%d of %d are seen", shown, all);
}

/* Cut out off the grid of blocks, the earlier compression does not show. */
static void test_off_the_grid(void **state)
{
    (void)state;
    struct jpeg_grey picture = made_picture(264, 264, 5);
    struct jpeg_grey once = after(&picture, &(struct made){.quality = 60}), cut = made_picture(256, 256, 1);
    for (uint32_t y = 0; y < 256; y++)
        memcpy(cut.pixels + y * 256, once.pixels + (y + 5) * once.width + 3, 256);
    assert_false(history_of(&cut, &(struct made){.quality = 90}).twice);
    mem_free(picture.pixels);
    mem_free(once.pixels);
    mem_free(cut.pixels);
}

/* Of large pictures the upper part is looked at; of small and flat ones nothing is said. */
static void test_bounds(void **state)
{
    (void)state;
    struct jpeg_grey tall = made_picture(512, 3000, 1), small = made_picture(64, 64, 1);
    struct jpeg_grey flat = {512, 512, mem_alloc(512 * 512, 1)};
    struct jpeg_grey once = after(&tall, &(struct made){.quality = 70});
    struct jpeg_history h = history_of(&once, &(struct made){.quality = 92});
    assert_true(h.looked && h.twice && !h.whole);
    h = history_of(&once, &(struct made){.quality = 92, .progressive = true});
    assert_true(h.looked && h.twice && !h.whole);
    assert_false(history_of(&small, &(struct made){.quality = 90}).looked);
    assert_false(history_of(&flat, &(struct made){.quality = 90}).looked);
    mem_free(tall.pixels);
    mem_free(small.pixels);
    mem_free(flat.pixels);
    mem_free(once.pixels);
}

struct collected {
    size_t rows, blocks;
    long mean; /* sum of the blocks' means, as quantised */
};

static void collect(void *context, const int16_t (*blocks)[JPEG_PEEK_BLOCK], size_t count)
{
    struct collected *c = context;
    c->rows++;
    for (size_t i = 0; i < count; i++, c->blocks++)
        c->mean += blocks[i][0];
}

/* The upper rows have the coefficients that they have in the whole. */
static void test_upper_rows(void **state)
{
    (void)state;
    struct jpeg_grey picture = made_picture(100, 90, 7);
    for (int progressive = 0; progressive < 2; progressive++) {
        size_t size;
        uint8_t *bytes = made_jpeg(&picture, &(struct made){.quality = 80, .progressive = progressive}, &size);
        struct jpeg_blocks all, some;
        struct collected whole = {0}, part = {0}, none = {0};
        assert_true(jpeg_peek_blocks(bytes, size, 1 << 20, collect, &whole, &all));
        assert_true(all.whole && all.columns == 13 && all.rows == 12 && whole.blocks == 156);
        assert_int_equal(all.quantisation[0], 6); /* 16 at quality 80 */
        assert_true(jpeg_peek_blocks(bytes, size, 13 * 4, collect, &part, &some));
        assert_true(!some.whole && some.columns == 13 && some.rows == 4 && part.rows == 4 && part.blocks == 52);
        double brightness = 0;
        for (int i = 0; i < 100 * 32; i++)
            brightness += picture.pixels[i];
        double expected = brightness / (100 * 32) - 128, got = part.mean * 6.0 / 8 / 52;
        assert_true(expected - got < 2 && got - expected < 2);
        /* what is damaged below them does not matter, in them it does */
        memset(bytes + size - size / 8, 0xFF, size / 8);
        if (!progressive)
            assert_true(jpeg_peek_blocks(bytes, size, 13 * 4, collect, &none, &some));
        none = (struct collected){0};
        assert_false(jpeg_peek_blocks(bytes, size / 2, 1 << 20, collect, &none, &some));
        assert_false(jpeg_peek_blocks(bytes, 20, 1 << 20, collect, &none, &some));
        assert_int_equal(none.blocks, 0);
        free(bytes);
    }
    mem_free(picture.pixels);
}

/* Many scans are no way to keep us busy. */
static void test_many_scans(void **state)
{
    (void)state;
    struct jpeg_grey picture = made_picture(256, 256, 1), grey;
    for (int scans = JPEG_PEEK_SCANS; scans <= JPEG_PEEK_SCANS + 1; scans++) {
        size_t size;
        uint8_t *bytes = made_jpeg(&picture, &(struct made){.quality = 80, .scans = scans}, &size);
        struct collected c = {0};
        struct jpeg_blocks blocks;
        bool few = scans == JPEG_PEEK_SCANS;
        assert_int_equal(jpeg_peek_blocks(bytes, size, 1 << 20, collect, &c, &blocks), few);
        assert_int_equal(jpeg_peek_blocks(bytes, size, 32 * 4, collect, &c, &blocks), few);
        assert_int_equal(jpeg_peek_grey(bytes, size, 8, 1 << 20, &grey), few);
        if (few)
            mem_free(grey.pixels);
        free(bytes);
    }
    mem_free(picture.pixels);
}

/* Among the facts, and not where the finding alone is asked for. */
static void test_facts(void **state)
{
    (void)state;
    struct jpeg_grey picture = made_picture(256, 256, 2);
    struct jpeg_grey once = after(&picture, &(struct made){.quality = 60});
    size_t size;
    uint8_t *bytes = made_jpeg(&once, &(struct made){.quality = 90}, &size);
    struct provenance p;
    assert_int_equal(provenance_read(bytes, size, NULL, &p, NULL), ASSAY_OK);
    assert_string_equal(fact_find_text(p.facts.root, "jpeg_history/compressed_before"), "likely");
    const struct fact *quality = fact_find(p.facts.root, "jpeg_history/earlier_quality");
    assert_non_null(quality);
    assert_true(quality->integer >= 58 && quality->integer <= 62);
    assert_int_equal(p.finding.kind, FINDING_NONE); /* it is a hint, and no statement */
    provenance_free(&p);
    assert_int_equal(provenance_read(bytes, size, &(struct provenance_options){.finding_alone = true}, &p, NULL),
                     ASSAY_OK);
    assert_null(fact_find(p.facts.root, "jpeg_history"));
    provenance_free(&p);
    free(bytes);
    bytes = made_jpeg(&picture, &(struct made){.quality = 90}, &size);
    assert_int_equal(provenance_read(bytes, size, NULL, &p, NULL), ASSAY_OK);
    assert_string_equal(fact_find_text(p.facts.root, "jpeg_history/compressed_before"), "no sign of it");
    provenance_free(&p);
    free(bytes);
    mem_free(picture.pixels);
    mem_free(once.pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once),       cmocka_unit_test(test_twice),      cmocka_unit_test(test_off_the_grid),
        cmocka_unit_test(test_bounds),     cmocka_unit_test(test_upper_rows), cmocka_unit_test(test_facts),
        cmocka_unit_test(test_many_scans),
    };
    return cmocka_run_group_tests_name("provenance/jpeg_history", tests, NULL, NULL);
}
