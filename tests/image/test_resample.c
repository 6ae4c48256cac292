/* test_resample.c - resizing against digests of Pillow's results. */
#include "pictures.h"

#include "image/resample.h"

#include "fixtures/expected.h"

static void resizes_as_pillow_does(void **state)
{
    int wrong = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(expected_resize); i++) {
        struct image from = picture_load(expected_resize[i].file), out;
        struct assay_error error = {0};
        assert_int_equal(image_resize(&from, expected_resize[i].width, expected_resize[i].height,
                                      expected_resize[i].filter, &out, &error),
                         ASSAY_OK);
        assert_int_equal(out.width, expected_resize[i].width);
        assert_int_equal(out.height, expected_resize[i].height);
        if (picture_digest(&out) != expected_resize[i].digest) {
            print_error("%s, filter %d, to %d x %d differs\n", expected_resize[i].file, (int)expected_resize[i].filter,
                        expected_resize[i].width, expected_resize[i].height);
            wrong++;
        }
        image_free(&from);
        image_free(&out);
    }
    assert_int_equal(wrong, 0);
}

static void shorter_side_as_torchvision_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(expected_shorter); i++) {
        struct image whole = picture_load("rgb.png"), from, out;
        struct assay_error error = {0};
        /* the source is the top-left corner of the picture */
        assert_int_equal(image_from_rgb(whole.pixels, expected_shorter[i].from_width, expected_shorter[i].from_height,
                                        (size_t)whole.width * 3, &from, &error),
                         ASSAY_OK);
        assert_int_equal(image_resize_shorter(&from, expected_shorter[i].side, IMAGE_BILINEAR, &out, &error), ASSAY_OK);
        assert_int_equal(out.width, expected_shorter[i].width);
        assert_int_equal(out.height, expected_shorter[i].height);
        assert_true(picture_digest(&out) == expected_shorter[i].digest);
        image_free(&whole);
        image_free(&from);
        image_free(&out);
    }
}

/* Many taps: the partial sums wrap around, their total must not. */
static void huge_reductions_keep_the_level(void **state)
{
    static const int sizes[][2] = {{20000, 3}, {3, 20000}};
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (int filter = IMAGE_BOX; filter <= IMAGE_LANCZOS; filter++) {
            struct image from, out;
            assert_int_equal(image_create(sizes[i][0], sizes[i][1], &from, NULL), ASSAY_OK);
            memset(from.pixels, 255, image_bytes(&from));
            assert_int_equal(image_resize(&from, 1, 1, (enum image_filter)filter, &out, NULL), ASSAY_OK);
            assert_in_range(out.pixels[0], 254, 255);
            assert_in_range(out.pixels[2], 254, 255);
            image_free(&from);
            image_free(&out);
        }
}

static void refuses_impossible_sizes(void **state)
{
    struct image from = picture_pattern(4, 3), out;
    struct assay_error error = {0};
    (void)state;
    assert_int_equal(image_resize(&from, 0, 3, IMAGE_BOX, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(image_resize(&from, 3, -1, IMAGE_BOX, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(image_resize(&from, 70000, 3, IMAGE_BOX, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(image_resize(&from, 3, 3, (enum image_filter)9, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(image_resize_shorter(&from, 0, IMAGE_BOX, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(image_resize_shorter(&from, INT32_MAX, IMAGE_BOX, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_null(out.pixels);
    image_free(&from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resizes_as_pillow_does),
        cmocka_unit_test(shorter_side_as_torchvision_does),
        cmocka_unit_test(huge_reductions_keep_the_level),
        cmocka_unit_test(refuses_impossible_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
