/* test_failing.c - each allocation of finding, sampling and loading in turn fails: an error, no crash, no leak. */
#include "support.h"

#include <stdio.h>

#include "data/loader.h"
#include "data/walk.h"
#include "failing_malloc.h"

static struct dataset dataset;

static int setup(void **state)
{
    (void)state;
    char name[64];
    tree_make();
    for (uint32_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "real/s%u/%u.png", (unsigned)i % 2, (unsigned)i);
        tree_png(name, 20, 20, i);
        snprintf(name, sizeof name, "ai/%u.png", (unsigned)i);
        tree_png(name, 20, 20, 10 + i);
    }
    assert_ok(dataset_from_folder(tree_path(""), NULL, &dataset, &test_error));
    return 0;
}

static int teardown(void **state)
{
    dataset_free(&dataset);
    return tree_teardown(state);
}

static assay_status count_file(void *context, const struct walk_file *file, struct assay_error *error)
{
    (void)file;
    (void)error;
    ++*(size_t *)context;
    return ASSAY_OK;
}

static void no_problem(void *context, const char *path, const struct assay_error *why)
{
    (void)context;
    fail_msg("%s: %s", path, why->message); /* what is no fault of a folder must not be told as one */
}

static bool use_walk(void *context)
{
    (void)context;
    size_t count = 0;
    struct walk walk = {count_file, no_problem, &count};
    bool done = walk_pictures(tree_path(""), &walk, &test_error) == ASSAY_OK;
    assert_true(!done || count == 8);
    return done;
}

static bool use_folder(void *context)
{
    (void)context;
    struct dataset d = {0};
    unsigned splits;
    bool done = dataset_splits(tree_path(""), &splits, &test_error) == ASSAY_OK &&
                dataset_from_folder(tree_path(""), NULL, &d, &test_error) == ASSAY_OK;
    assert_true(!done || d.count == 8);
    dataset_free(&d);
    return done;
}

static bool use_folders(void *context)
{
    (void)context;
    struct dataset d = {0}, kept = {0}, held = {0};
    bool done = dataset_from_folders(tree_path("real"), tree_path("ai"), &d, &test_error) == ASSAY_OK &&
                dataset_hold_out(&d, 0.5, 1, &kept, &held, &test_error) == ASSAY_OK;
    assert_true(!done || kept.count == 4);
    dataset_free(&d);
    dataset_free(&kept);
    dataset_free(&held);
    return done;
}

/* Three families of layouts: real pictures shared, masks paired, a list. */
static bool use_layouts(void *context)
{
    static const char *const roots[] = {"univfd", "opensdid", "list.csv"};
    bool done = true;
    (void)context;
    for (int i = 0; i < 3 && done; i++) {
        struct dataset d = {0};
        unsigned splits = 0;
        done = dataset_open_splits(tree_path(roots[i]), NULL, &splits, &test_error) == ASSAY_OK &&
               dataset_open(tree_path(roots[i]), NULL, NULL, &d, &test_error) == ASSAY_OK;
        assert_true(!done || (d.count == 3 && strcmp(d.layout, "folders") != 0));
        assert_true(done || test_error.status == ASSAY_ERROR_MEMORY);
        dataset_free(&d);
    }
    return done;
}

static const struct preprocess preprocess = {.crop = 32, .fit = PREPROCESS_TILE, .max_crops = 1, .std = {1, 1, 1}};

/* With one thread, so that the same allocation fails each time; `context`: whether to train. */
static bool use_loader(void *context)
{
    bool train = *(bool *)context, done = false;
    struct pictures *pictures = NULL;
    struct loader *loader = NULL;
    struct augment augment;
    struct loader_options options = {.threads = 1, .ahead = 1, .waiting_mb = 1};
    struct loader_setup batches = {.batch = 4, .preprocess = &preprocess, .augment = &augment, .options = &options};
    const struct loader_batch *batch;
    option_defaults(augment_option_table, &augment);
    augment.turn = augment.resize = augment.blur = augment.noise = augment.jpeg = 1;
    if (pictures_create(&dataset, 1 << 20, NULL, NULL, NULL, &pictures, &test_error))
        return false;
    if ((train ? loader_train(pictures, &batches, 0, &loader, &test_error)
               : loader_sequence(pictures, 4, &options, 0, &loader, &test_error)) == ASSAY_OK) {
        done = true;
        for (int i = 0; i < 2 && done; i++)
            done = loader_next(loader, &batch, &test_error) == ASSAY_OK;
    }
    assert_int_equal(pictures_unreadable(pictures), 0); /* nor must a picture be blamed */
    loader_free(loader);
    pictures_free(pictures);
    return done;
}

static void test_walk(void **state)
{
    (void)state;
    assert_true(failing_malloc_each(use_walk, NULL, NULL) > 10);
}

static void test_folder(void **state)
{
    (void)state;
    assert_true(failing_malloc_each(use_folder, NULL, NULL) > 10);
}

static void test_layouts(void **state)
{
    (void)state;
    static const char *const names[] = {
        "univfd/guided/1_fake/a.png", "univfd/guided/1_fake/b.png", "univfd/imagenet/0_real/c.png",
        "opensdid/sd15/fake/a.png",   "opensdid/sd15/fake/b.png",   "opensdid/sd15/masks/b.png",
        "opensdid/sd15/real/c.png",
    };
    tree_remove();
    tree_make();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        tree_text(names[i], "1");
    tree_text("list.csv", "path,label,mask\nunivfd/imagenet/0_real/c.png,0,\nopensdid/sd15/fake/a.png,1,\n"
                          "opensdid/sd15/fake/b.png,1,opensdid/sd15/masks/b.png\n");
    assert_true(failing_malloc_each(use_layouts, NULL, NULL) > 30);
}

static void test_folders(void **state)
{
    (void)state;
    assert_true(failing_malloc_each(use_folders, NULL, NULL) > 10);
}

static void test_training(void **state)
{
    (void)state;
    bool train = true;
    assert_true(failing_malloc_each(use_loader, &train, NULL) > 50);
}

static void test_sequence(void **state)
{
    (void)state;
    bool train = false;
    assert_true(failing_malloc_each(use_loader, &train, NULL) > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk),     cmocka_unit_test(test_folder),
        cmocka_unit_test(test_folders),  cmocka_unit_test(test_training),
        cmocka_unit_test(test_sequence), cmocka_unit_test(test_layouts), /* last: its own tree */
    };
    assay_status ready = image_library_init(&test_error);
    return ready ? 1 : cmocka_run_group_tests_name("data/failing", tests, setup, teardown);
}
