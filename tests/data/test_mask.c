/* test_mask.c - the masks of pictures, as files and as words. */
#include "support.h"

#include <stdio.h>

#include "base/memory.h"
#include "data/mask.h"
#include "image/image.h"

static void test_words(void **state)
{
    (void)state;
    struct dataset_picture picture = {.path = "p.png", .name = "p.png", .mask_kind = MASK_ONE};
    uint8_t *mask = NULL;
    assert_ok(dataset_mask_read(&picture, 3, 2, NULL, &mask, &test_error));
    for (int i = 0; i < 6; i++)
        assert_int_equal(mask[i], 1);
    mem_free(mask);
    picture.mask_kind = MASK_ZERO;
    assert_ok(dataset_mask_read(&picture, 3, 2, NULL, &mask, &test_error));
    for (int i = 0; i < 6; i++)
        assert_int_equal(mask[i], 0);
    mem_free(mask);
    picture.mask_kind = MASK_NONE;
    assert_error(dataset_mask_read(&picture, 3, 2, NULL, &mask, &test_error), "p.png: no mask is known");
    assert_null(mask);
}

static void test_file(void **state)
{
    (void)state;
    static const uint8_t pixels[] = {0,   0, 0, 127, 127, 127, 128, 128, 128, 255, 255, 255,
                                     255, 0, 0, 0,   255, 0,   0,   0,   255, 255, 255, 0};
    static const uint8_t wanted[] = {0, 0, 1, 1, 0, 1, 0, 1}; /* Pillow: L = 76, 150, 29, 226 in the second row */
    struct image image = {.width = 4, .height = 2, .pixels = (uint8_t *)pixels};
    uint8_t *bytes = NULL, *mask = NULL;
    size_t size = 0;
    char path[512];
    assert_ok(image_encode_png(&image, &bytes, &size, &test_error));
    tree_text("m.png", "");
    snprintf(path, sizeof path, "%s", tree_path("m.png"));
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, size, stream), size);
    fclose(stream);
    mem_free(bytes);
    struct dataset_picture picture = {
        .path = "p.png", .name = "p.png", .mask_kind = MASK_FILE, .mask = path, .mask_name = "m.png"};
    assert_ok(dataset_mask_read(&picture, 4, 2, NULL, &mask, &test_error));
    assert_memory_equal(mask, wanted, sizeof wanted);
    mem_free(mask);
    assert_error(dataset_mask_read(&picture, 2, 4, NULL, &mask, &test_error),
                 "m.png: the mask has 4 x 2 pixels, its picture p.png 2 x 4");
    assert_null(mask);
    tree_text("m.png", "not a picture");
    assert_error(dataset_mask_read(&picture, 4, 2, NULL, &mask, &test_error), "m.png: ");
    assert_null(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test_setup_teardown(test_file, tree_setup, tree_teardown),
    };
    assay_status ready = image_library_init(&test_error);
    return ready ? 1 : cmocka_run_group_tests_name("data/mask", tests, NULL, NULL);
}
