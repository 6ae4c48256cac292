/* test_loader.c - batches are the same at any number of threads and from any beginning; damage is told once and stepped
 * over; closing early leaves nothing behind. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"
#include "data/loader.h"

enum { CROP = 16, BATCH = 6, BATCHES = 12 };

static const struct preprocess preprocess = {
    .crop = CROP, .fit = PREPROCESS_TILE, .max_crops = 1, .mean = {0.5F, 0.5F, 0.5F}, .std = {0.25F, 0.25F, 0.25F}};

/* The tree of this test: 9 real and 12 generated pictures of several sizes, of which `damaged` cannot be read. */
static struct dataset make_data(bool damaged)
{
    struct dataset d = {0};
    char name[64];
    tree_make();
    for (uint32_t i = 0; i < 9; i++) {
        snprintf(name, sizeof name, "real/s%u/%u.png", (unsigned)i % 2, (unsigned)i);
        tree_png(name, 20 + (int)i, 24, i);
    }
    for (uint32_t i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "ai/s%u/%u.png", (unsigned)i % 3, (unsigned)i);
        tree_png(name, 12, 17 + (int)i, 100 + i);
    }
    if (damaged) {
        tree_text("real/s0/0.png", "no picture");
        tree_text("real/s1/7.png", ""); /* the last of its class: what replaces it comes from the front */
        tree_text("ai/s1/4.png", "\x89PNG\r\n");
    }
    assert_ok(dataset_from_folder(tree_path(""), NULL, &d, &test_error));
    assert_int_equal(d.count, 21);
    return d;
}

struct problems {
    size_t count;
    char names[512];
};

static void note_problem(void *context, const struct dataset_picture *picture, const struct assay_error *why)
{
    struct problems *problems = context;
    assert_true(strlen(why->message) > 0);
    problems->count++;
    strncat(problems->names, picture->name, sizeof problems->names - strlen(problems->names) - 1);
}

static struct pictures *open_pictures(const struct dataset *d, uint64_t cache, struct problems *problems)
{
    struct pictures *pictures = NULL;
    assert_ok(pictures_create(d, cache, NULL, problems ? note_problem : NULL, problems, &pictures, &test_error));
    return pictures;
}

static struct loader *open_training(struct pictures *pictures, int64_t threads, int64_t ahead, uint64_t first)
{
    struct loader *loader = NULL;
    struct loader_options options;
    struct augment augment;
    option_defaults(loader_option_table, &options);
    option_defaults(augment_option_table, &augment);
    augment.noise = augment.jpeg = augment.blur = augment.resize = augment.turn = 0.5;
    options.threads = threads;
    options.ahead = ahead;
    struct loader_setup setup = {
        .batch = BATCH, .seed = 3, .preprocess = &preprocess, .augment = &augment, .options = &options};
    assert_ok(loader_train(pictures, &setup, first, &loader, &test_error));
    return loader;
}

/* Everything a batch holds, as one number. */
static uint64_t batch_hash(const struct loader_batch *b)
{
    uint64_t hash = hash_bytes(&b->number, sizeof b->number, HASH_START);
    hash = hash_bytes(b->indices, b->count * sizeof *b->indices, hash);
    hash = hash_bytes(b->labels, b->count * sizeof *b->labels, hash);
    if (b->images)
        hash = hash_bytes(b->images, b->count * CROP * CROP * 3 * sizeof(float), hash);
    for (size_t i = 0; b->pictures && i < b->count; i++)
        hash = hash_bytes(b->pictures[i]->pixels, image_bytes(b->pictures[i]), hash);
    return hash;
}

static void run_training(const struct dataset *d, uint64_t cache, int64_t threads, int64_t ahead, uint64_t first,
                         uint64_t hashes[BATCHES])
{
    struct pictures *pictures = open_pictures(d, cache, NULL);
    struct loader *loader = open_training(pictures, threads, ahead, first);
    for (uint64_t b = first; b < BATCHES; b++) {
        const struct loader_batch *batch;
        assert_ok(loader_next(loader, &batch, &test_error));
        assert_non_null(batch);
        assert_int_equal(batch->number, b);
        assert_int_equal(batch->count, BATCH);
        assert_int_equal((uintptr_t)batch->images % MEMORY_ALIGNMENT, 0);
        for (size_t i = 0; i < BATCH; i++) {
            assert_int_equal(batch->labels[i], (int)(i % 2));
            assert_int_equal(batch->labels[i], d->pictures[batch->indices[i]].label);
        }
        for (size_t i = 0; i < BATCH * CROP * CROP * 3; i++)
            assert_true(batch->images[i] >= -2.0F && batch->images[i] <= 2.0F);
        hashes[b] = batch_hash(batch);
    }
    loader_free(loader);
    pictures_free(pictures);
}

static void test_same_at_any_threads(void **state)
{
    (void)state;
    for (int damaged = 0; damaged < 2; damaged++) {
        struct dataset d = make_data(damaged);
        uint64_t one[BATCHES], four[BATCHES], many[BATCHES];
        run_training(&d, 0, 1, 1, 0, one);
        run_training(&d, 1 << 20, 4, 3, 0, four);
        run_training(&d, 5000, 16, 20, 0, many); /* a cache for a few, more threads than there is work */
        assert_memory_equal(one, four, sizeof one);
        assert_memory_equal(one, many, sizeof one);
        for (int i = 1; i < BATCHES; i++)
            assert_true(one[i] != one[0]);
        dataset_free(&d);
        tree_remove();
    }
}

static void test_resume(void **state)
{
    (void)state;
    struct dataset d = make_data(true);
    uint64_t whole[BATCHES], resumed[BATCHES];
    run_training(&d, 1 << 20, 2, 3, 0, whole);
    for (uint64_t first = 1; first < BATCHES; first += 5) {
        run_training(&d, 1 << 20, 3, 2, first, resumed);
        assert_memory_equal(resumed + first, whole + first, (BATCHES - first) * sizeof *whole);
    }
    dataset_free(&d);
    tree_remove();
}

/* A picture that comes again is varied anew. */
static void test_variety(void **state)
{
    (void)state;
    struct dataset d = {0};
    const struct loader_batch *batch;
    uint64_t seen[4 * BATCH];
    tree_make();
    tree_png("real/a.png", 64, 64, 1);
    tree_png("ai/b.png", 64, 64, 2);
    assert_ok(dataset_from_folder(tree_path(""), NULL, &d, &test_error));
    struct pictures *pictures = open_pictures(&d, 1 << 20, NULL);
    struct loader *loader = open_training(pictures, 2, 3, 0);
    for (size_t b = 0; b < 4; b++) {
        assert_ok(loader_next(loader, &batch, &test_error));
        for (size_t i = 0; i < BATCH; i++) {
            size_t at = b * BATCH + i, floats = CROP * CROP * 3;
            seen[at] = hash_bytes(batch->images + i * floats, floats * sizeof(float), HASH_START);
            for (size_t before = 0; before < at; before++)
                assert_true(seen[before] != seen[at]);
        }
    }
    loader_free(loader);
    pictures_free(pictures);
    dataset_free(&d);
    tree_remove();
}

static void test_damage_in_training(void **state)
{
    (void)state;
    struct dataset d = make_data(true);
    struct problems problems = {0};
    struct pictures *pictures = open_pictures(&d, 1 << 20, &problems);
    struct loader *loader = open_training(pictures, 4, 3, 0);
    for (int b = 0; b < 40; b++) {
        const struct loader_batch *batch;
        assert_ok(loader_next(loader, &batch, &test_error));
        for (size_t i = 0; i < BATCH; i++) {
            const char *name = d.pictures[batch->indices[i]].name;
            assert_string_not_equal(name, "real/s0/0.png");
            assert_string_not_equal(name, "real/s1/7.png");
            assert_string_not_equal(name, "ai/s1/4.png");
        }
    }
    loader_free(loader);
    assert_int_equal(problems.count, 3); /* each once */
    assert_int_equal(pictures_unreadable(pictures), 3);
    assert_non_null(strstr(problems.names, "real/s0/0.png"));
    assert_non_null(strstr(problems.names, "real/s1/7.png"));
    assert_non_null(strstr(problems.names, "ai/s1/4.png"));
    pictures_free(pictures);
    dataset_free(&d);
    tree_remove();
}

static void test_nothing_readable(void **state)
{
    (void)state;
    struct dataset d = {0};
    const struct loader_batch *batch;
    tree_make();
    tree_png("real/a.png", 20, 20, 1);
    tree_text("ai/b.png", "x");
    tree_text("ai/c.png", "y");
    assert_ok(dataset_from_folder(tree_path(""), NULL, &d, &test_error));
    struct pictures *pictures = open_pictures(&d, 0, NULL);
    struct loader *loader = open_training(pictures, 2, 3, 0);
    for (int again = 0; again < 3; again++)
        assert_error(loader_next(loader, &batch, &test_error), "none of the 2 ai-generated pictures can be read");
    loader_free(loader);
    pictures_free(pictures);
    dataset_free(&d);
    tree_remove();
}

/* Returns how many pictures came. */
static size_t run_sequence(const struct dataset *d, struct pictures *pictures, int64_t threads, int64_t waiting_mb,
                           size_t batch_size, uint64_t first, uint64_t *hash)
{
    struct loader *loader = NULL;
    struct loader_options options = {.threads = threads, .ahead = 3, .waiting_mb = waiting_mb};
    size_t seen = 0;
    uint32_t last = 0;
    *hash = HASH_START;
    assert_ok(loader_sequence(pictures, batch_size, &options, first, &loader, &test_error));
    for (;;) {
        const struct loader_batch *batch;
        assert_ok(loader_next(loader, &batch, &test_error));
        if (!batch)
            break;
        assert_null(batch->images);
        assert_true(batch->count >= 1 && batch->count <= batch_size);
        for (size_t i = 0; i < batch->count; i++) {
            assert_true(seen == 0 || batch->indices[i] > last);
            assert_int_equal(batch->indices[i] / batch_size, batch->number);
            assert_int_equal(batch->labels[i], d->pictures[batch->indices[i]].label);
            assert_in_range(batch->pictures[i]->width, 12, 28);
            last = batch->indices[i];
            seen++;
        }
        uint64_t content = batch_hash(batch);
        *hash = hash_bytes(&content, sizeof content, *hash);
    }
    const struct loader_batch *after;
    assert_ok(loader_next(loader, &after, &test_error)); /* still the end */
    assert_null(after);
    loader_free(loader);
    return seen;
}

static void test_sequence(void **state)
{
    (void)state;
    struct dataset d = make_data(true);
    struct problems problems = {0};
    struct pictures *cached = open_pictures(&d, 1 << 20, &problems), *plain = open_pictures(&d, 0, NULL);
    uint64_t one, four, tight, singles, rest;
    assert_int_equal(run_sequence(&d, plain, 1, 64, 4, 0, &one), 18);
    assert_int_equal(run_sequence(&d, cached, 4, 64, 4, 0, &four), 18);
    assert_int_equal(run_sequence(&d, cached, 4, 64, 4, 0, &rest), 18); /* now from the cache */
    assert_int_equal(run_sequence(&d, plain, 4, 0, 4, 0, &tight), 18);  /* no more than one batch at a time */
    assert_true(one == four && one == rest && one == tight);
    assert_int_equal(run_sequence(&d, plain, 4, 64, 1, 0, &singles), 18); /* batches without a picture are left out */
    assert_int_equal(run_sequence(&d, plain, 2, 64, 4, 4, &rest), 4);     /* the last but one, the last is damaged */
    assert_int_equal(run_sequence(&d, plain, 2, 64, 4, 99, &rest), 0);
    assert_int_equal(run_sequence(&d, plain, 2, 64, 100, 0, &rest), 18);
    assert_int_equal(problems.count, 3);
    pictures_free(cached);
    pictures_free(plain);
    dataset_free(&d);
    tree_remove();
}

static void test_cache(void **state)
{
    (void)state;
    struct dataset d = make_data(false);
    struct pictures *pictures = open_pictures(&d, 1 << 20, NULL);
    struct picture_loan first = {0}, second = {0};
    assert_ok(pictures_borrow(pictures, 0, &first, &test_error));
    assert_true(first.kept);
    assert_int_equal(remove(d.pictures[0].path), 0);
    assert_ok(pictures_borrow(pictures, 0, &second, &test_error)); /* the file is gone, its pixels are not */
    assert_ptr_equal(first.image.pixels, second.image.pixels);
    pictures_return(&first);
    pictures_return(&second);
    pictures_free(pictures);

    /* room for one picture and not for two */
    pictures = open_pictures(&d, 12 * 29 * 3 + 10, NULL);
    assert_ok(pictures_borrow(pictures, 1, &first, &test_error));
    assert_ok(pictures_borrow(pictures, 2, &second, &test_error));
    assert_true(first.kept);
    assert_false(second.kept);
    pictures_return(&first);
    pictures_return(&second);
    pictures_free(pictures);
    dataset_free(&d);
    tree_remove();
}

static void test_early_close(void **state)
{
    (void)state;
    struct dataset d = make_data(true);
    for (int taken = 0; taken < 30; taken++) {
        const struct loader_batch *batch;
        struct pictures *pictures = open_pictures(&d, taken % 2 ? 1 << 20 : 0, NULL);
        struct loader *training = open_training(pictures, 1 + taken % 5, 1 + taken % 4, 0), *sequence = NULL;
        assert_ok(loader_sequence(pictures, 3, NULL, 0, &sequence, &test_error));
        for (int b = 0; b < taken % 7; b++) {
            assert_ok(loader_next(training, &batch, &test_error));
            assert_ok(loader_next(sequence, &batch, &test_error));
        }
        loader_free(training);
        loader_free(sequence);
        pictures_free(pictures);
    }
    loader_free(NULL);
    pictures_free(NULL);
    dataset_free(&d);
    tree_remove();
}

static void test_refusals(void **state)
{
    (void)state;
    struct dataset d = make_data(false);
    struct pictures *pictures = open_pictures(&d, 0, NULL);
    struct loader *loader = NULL;
    struct augment augment;
    struct loader_options options;
    struct loader_setup setup = {.batch = 0, .preprocess = &preprocess};
    assert_error(loader_train(pictures, &setup, 0, &loader, &test_error), "batch of 0");
    setup.batch = 4;
    assert_error(loader_train(pictures, &setup, UINT64_MAX / 2, &loader, &test_error), "too large");
    option_defaults(augment_option_table, &augment);
    augment.jpeg_min = 99;
    setup.augment = &augment;
    assert_error(loader_train(pictures, &setup, 0, &loader, &test_error), "augment-jpeg-min");
    option_defaults(loader_option_table, &options);
    options.ahead = 0;
    assert_error(loader_sequence(pictures, 4, &options, 0, &loader, &test_error), "out of range");
    assert_null(loader);
    pictures_free(pictures);
    dataset_free(&d);
    tree_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_at_any_threads),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_variety),
        cmocka_unit_test(test_damage_in_training),
        cmocka_unit_test(test_nothing_readable),
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_early_close),
        cmocka_unit_test(test_refusals),
    };
    assay_status ready = image_library_init(&test_error);
    return ready ? 1 : cmocka_run_group_tests_name("data/loader", tests, NULL, NULL);
}
