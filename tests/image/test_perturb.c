/* test_perturb.c - noise by its statistics; blur and JPEG against SciPy's, OpenCV's and Pillow's results. */
#include "pictures.h"

#include <math.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "image/perturb.h"

#include "image/resample.h"

#include "fixtures/expected.h"

static void blurs_as_scipy_does(void **state)
{
    int wrong = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(expected_blur); i++) {
        struct image from = picture_load(expected_blur[i].file), out;
        assert_int_equal(image_blur(&from, expected_blur[i].sigma, &out, NULL), ASSAY_OK);
        if (picture_digest(&out) != expected_blur[i].digest) {
            print_error("%s blurred with sigma %g differs\n", expected_blur[i].file, expected_blur[i].sigma);
            wrong++;
        }
        image_free(&from);
        image_free(&out);
    }
    assert_int_equal(wrong, 0);
}

static void blurs_as_opencv_does(void **state)
{
    int wrong = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(expected_kernel); i++) {
        struct image from = picture_load(expected_kernel[i].file), out;
        assert_int_equal(image_blur_kernel(&from, expected_kernel[i].size, expected_kernel[i].sigma, &out, NULL),
                         ASSAY_OK);
        if (picture_digest(&out) != expected_kernel[i].digest) {
            print_error("%s blurred with kernel %d, sigma %g differs\n", expected_kernel[i].file,
                        expected_kernel[i].size, expected_kernel[i].sigma);
            wrong++;
        }
        image_free(&from);
        image_free(&out);
    }
    assert_int_equal(wrong, 0);
}

static void jpeg_as_pillow_does(void **state)
{
    int wrong = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(expected_jpeg); i++) {
        struct image from = picture_load(expected_jpeg[i].file), out;
        assert_int_equal(image_jpeg(&from, expected_jpeg[i].quality, &out, NULL), ASSAY_OK);
        if (picture_digest(&out) != expected_jpeg[i].digest) {
            print_error("%s as JPEG of quality %d differs\n", expected_jpeg[i].file, expected_jpeg[i].quality);
            wrong++;
        }
        image_free(&from);
        image_free(&out);
    }
    assert_int_equal(wrong, 0);
}

/* On mid-grey nothing is clipped; truncation takes half a level off the mean. */
static void noise_has_its_mean_and_spread(void **state)
{
    struct image from, out;
    double sum = 0, squares = 0, neighbours = 0;
    (void)state;
    assert_int_equal(image_create(300, 200, &from, NULL), ASSAY_OK);
    memset(from.pixels, 128, image_bytes(&from));
    assert_int_equal(image_noise(&from, 12.0, 99, &out, NULL), ASSAY_OK);
    size_t count = image_bytes(&out);
    for (size_t i = 0; i < count; i++) {
        double value = out.pixels[i] - 127.5;
        sum += value;
        squares += value * value;
        if (i + 1 < count)
            neighbours += value * (out.pixels[i + 1] - 127.5);
    }
    assert_true(fabs(sum / (double)count) < 0.15);
    assert_true(fabs(sqrt(squares / (double)count) - 12.0) < 0.15);
    assert_true(fabs(neighbours / squares) < 0.01);
    image_free(&from);
    image_free(&out);
}

static void noise_clips_and_truncates(void **state)
{
    struct image from, out;
    int blacks = 0, whites = 0;
    (void)state;
    assert_int_equal(image_create(100, 10, &from, NULL), ASSAY_OK);
    memset(from.pixels, 255, image_bytes(&from));
    assert_int_equal(image_noise(&from, 1000.0, 1, &out, NULL), ASSAY_OK);
    for (size_t i = 0; i < image_bytes(&out); i++) {
        blacks += out.pixels[i] == 0;
        whites += out.pixels[i] == 255;
    }
    assert_in_range(whites, 1350, 1650); /* half of them rise */
    assert_in_range(blacks, 1050, 1350); /* P(N < -0.255) = 0.40 */
    image_free(&out);
    assert_int_equal(image_noise(&from, 0.0, 1, &out, NULL), ASSAY_OK);
    assert_same_picture(&from, &out);
    image_free(&from);
    image_free(&out);
}

static void noise_depends_on_seed_and_place_alone(void **state)
{
    struct image tall = picture_pattern(60, 500), short_one, a, b;
    (void)state;
    assert_int_equal(image_noise(&tall, 7.0, 5, &a, NULL), ASSAY_OK);
    assert_int_equal(image_noise(&tall, 7.0, 6, &b, NULL), ASSAY_OK);
    assert_true(picture_distance(&a, &b) > 0);
    image_free(&b);
#ifdef _OPENMP
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    assert_int_equal(image_noise(&tall, 7.0, 5, &b, NULL), ASSAY_OK);
    omp_set_num_threads(threads);
    assert_same_picture(&a, &b);
    image_free(&b);
#endif
    /* the first 33 rows alone get the same noise as within the whole */
    assert_int_equal(image_from_rgb(tall.pixels, 60, 33, 180, &short_one, NULL), ASSAY_OK);
    assert_int_equal(image_noise(&short_one, 7.0, 5, &b, NULL), ASSAY_OK);
    assert_memory_equal(a.pixels, b.pixels, image_bytes(&b));
    image_free(&a);
    image_free(&b);
    image_free(&tall);
    image_free(&short_one);
}

static void refuses_what_makes_no_sense(void **state)
{
    struct image from = picture_pattern(8, 8), out;
    struct assay_error error = {0};
    (void)state;
    assert_int_equal(image_noise(&from, -1.0, 0, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(image_noise(&from, NAN, 0, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(image_blur(&from, -0.1, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(image_blur(&from, INFINITY, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(image_blur_kernel(&from, 4, 1.0, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(image_blur_kernel(&from, -3, 1.0, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(image_blur_kernel(&from, 257, 1.0, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(image_blur_kernel(&from, 3, 0.0, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(image_jpeg(&from, 0, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(image_jpeg(&from, 101, &out, &error), ASSAY_ERROR_ARGUMENT);
    assert_null(out.pixels);
    assert_string_equal(error.message, "a JPEG quality of 101: must be from 1 to 100");
    assert_int_equal(image_blur(&from, 0.0, &out, &error), ASSAY_OK);
    assert_same_picture(&from, &out);
    image_free(&from);
    image_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blurs_as_scipy_does),         cmocka_unit_test(blurs_as_opencv_does),
        cmocka_unit_test(jpeg_as_pillow_does),         cmocka_unit_test(noise_has_its_mean_and_spread),
        cmocka_unit_test(noise_clips_and_truncates),   cmocka_unit_test(noise_depends_on_seed_and_place_alone),
        cmocka_unit_test(refuses_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
