/* test_map.c - maps and pictures that leave the library: pixels, PNG, drawings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "assay/assay.h"
#include "scratch.h"

static struct assay_model *model;
static struct assay_picture *picture;
static struct assay_error error;

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        if (call)                                                                                                      \
            fail_msg("%s: %s", #call, error.message);                                                                  \
    } while (0)

static int setup(void **state)
{
    (void)state;
    scratch_begin();
    scratch_model("model.safetensors", true);
    scratch_picture("a.jpg", 90, 50, 1);
    OK(assay_init(&error));
    OK(assay_model_open("model.safetensors", NULL, &model, &error));
    OK(assay_picture_read_file("a.jpg", NULL, NULL, &picture, &error));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assay_picture_free(picture);
    assay_model_close(model);
    scratch_end();
    return 0;
}

static void test_arguments(void **state)
{
    (void)state;
    struct assay_map *map = NULL;
    struct assay_picture *drawn = NULL;
    struct assay_map_options options = {.method = (assay_map_method)9};
    uint8_t *bytes = NULL;
    size_t size = 5;
    assert_int_equal(assay_explain(NULL, picture, NULL, NULL, &map, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_explain(model, NULL, NULL, NULL, &map, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_explain(model, picture, NULL, NULL, NULL, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_explain(model, picture, &options, NULL, &map, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "method 9"));
    options = (struct assay_map_options){.side = (assay_map_side)3};
    assert_int_equal(assay_explain(model, picture, &options, NULL, &map, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "side 3"));
    /* this detector has no attention to roll out */
    options = (struct assay_map_options){.method = ASSAY_MAP_ROLLOUT};
    assert_int_equal(assay_explain(model, picture, &options, NULL, &map, &error), ASSAY_ERROR_MODEL);
    assert_null(map);
    assert_int_equal(assay_map_draw(NULL, picture, &drawn, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_picture_encode_png(NULL, &bytes, &size, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_picture_encode_png(picture, NULL, &size, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(assay_picture_encode_png(picture, &bytes, NULL, &error), ASSAY_ERROR_ARGUMENT);
    assert_true(!drawn && !bytes && size == 5);
    assert_null(assay_picture_pixels(NULL));
    assay_map_free(NULL);
    assay_bytes_free(NULL);
}

static void test_map(void **state)
{
    (void)state;
    struct assay_result result;
    struct assay_map *map = NULL;
    OK(assay_detect(model, (const struct assay_picture *const *)&picture, 1, NULL, &result, &error));
    OK(assay_explain(model, picture, NULL, NULL, &map, &error));
    assert_true(map->width == 90 && map->height == 50);
    assert_true(fabs(map->result.logit - result.logit) <= 1e-4 * fmax(1, fabs(result.logit)));
    assert_int_equal(map->result.verdict, result.verdict);
    assert_int_equal(map->side, result.probability >= 0.5 ? ASSAY_SIDE_GENERATED : ASSAY_SIDE_REAL);
    assert_int_equal(map->method, ASSAY_MAP_CAM);
    assert_true(map->crops >= 1 && map->crops <= 2);
    int seen = 0;
    float most = 0;
    for (int i = 0; i < map->width * map->height; i++) {
        seen += map->heat[i] >= 0;
        most = fmaxf(most, map->heat[i]);
        assert_true(map->heat[i] <= 1);
    }
    assert_true(fabs(map->seen - (double)seen / (90 * 50)) < 1e-9 && map->seen > 0 && map->seen < 1);
    assert_true(map->high >= map->low && (map->high == map->low || most == 1));
    assay_map_free(map);

    /* for either side, as asked */
    for (int side = ASSAY_SIDE_GENERATED; side <= ASSAY_SIDE_REAL; side++) {
        const struct assay_map_options options = {ASSAY_MAP_GRAD_CAM, (assay_map_side)side};
        OK(assay_explain(model, picture, &options, NULL, &map, &error));
        assert_int_equal(map->side, side);
        assert_int_equal(map->method, ASSAY_MAP_GRAD_CAM);
        assay_map_free(map);
    }
}

static void test_draw(void **state)
{
    (void)state;
    struct assay_map *map = NULL;
    struct assay_picture *drawn = NULL, *back = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;
    OK(assay_explain(model, picture, NULL, NULL, &map, &error));
    OK(assay_map_draw(map, picture, &drawn, &error));
    assay_map_free(map);
    int width = assay_picture_width(drawn), height = assay_picture_height(drawn);
    assert_true(width > 2 * height); /* two pictures of 90 x 50 side by side */
    OK(assay_picture_encode_png(drawn, &bytes, &size, &error));
    assert_true(size > 8 && memcmp(bytes, "\x89PNG", 4) == 0);
    OK(assay_picture_read_memory(bytes, size, "drawn", NULL, NULL, &back, &error));
    assert_true(assay_picture_width(back) == width && assay_picture_height(back) == height);
    assert_memory_equal(assay_picture_pixels(back), assay_picture_pixels(drawn), (size_t)width * (size_t)height * 3);
    assay_bytes_free(bytes);
    assay_picture_free(back);
    assay_picture_free(drawn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_draw),
    };
    return cmocka_run_group_tests_name("api/map", tests, setup, teardown);
}
