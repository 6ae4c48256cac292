/* test_dataset.c - each layout in miniature, and trees that nobody should guess about. */
#include "support.h"

#include <stdio.h>

#include "data/dataset.h"

static const struct dataset_source *source_of(const struct dataset *d, const char *name, int label)
{
    for (size_t i = 0; i < d->source_count; i++)
        if (d->sources[i].label == label && strcmp(d->sources[i].name, name) == 0)
            return &d->sources[i];
    fail_msg("no source %s", name);
    return NULL;
}

static void assert_source(const struct dataset *d, const char *name, int label, size_t count)
{
    assert_int_equal(source_of(d, name, label)->count, count);
}

/* Loads what was made, and checks what holds of every dataset. */
static struct dataset load(const char *root, const char *split, size_t real, size_t generated)
{
    struct dataset d = {0};
    assert_ok(dataset_from_folder(tree_path(root), split, &d, &test_error));
    assert_int_equal(d.label_count[LABEL_REAL], real);
    assert_int_equal(d.label_count[LABEL_GENERATED], generated);
    assert_int_equal(d.count, real + generated);
    assert_int_equal(strlen(d.digest), 64);
    for (size_t i = 0; i < d.count; i++) {
        assert_true(d.pictures[i].source < d.source_count);
        assert_int_equal(d.sources[d.pictures[i].source].label, d.pictures[i].label);
        if (i)
            assert_true(strcmp(d.pictures[i - 1].name, d.pictures[i].name) < 0);
    }
    return d;
}

static void refuse(const char *root, const char *split, const char *what)
{
    struct dataset d = {0};
    assert_error(dataset_from_folder(tree_path(root), split, &d, &test_error), what);
    assert_null(d.pictures);
}

static void test_plain(void **state)
{
    (void)state;
    tree_text("real/a.jpg", "123");
    tree_text("real/b.png", "1");
    tree_text("ai/c.jpg", "1");
    tree_text("ai/readme.txt", "1");
    tree_text("notes/readme.txt", "1"); /* no pictures: harmless */
    struct dataset d = load("", NULL, 2, 1);
    assert_int_equal(d.source_count, 2);
    assert_source(&d, "real", LABEL_REAL, 2);
    assert_source(&d, "ai", LABEL_GENERATED, 1);
    assert_string_equal(d.pictures[0].name, "ai/c.jpg");
    assert_string_equal(d.pictures[1].name, "real/a.jpg");
    assert_string_equal(d.pictures[1].path, tree_path("real/a.jpg"));
    assert_int_equal(d.pictures[1].bytes, 3);
    dataset_free(&d);
}

static void test_sources(void **state)
{
    (void)state;
    tree_text("train/real/kodak/a.jpg", "1");
    tree_text("train/real/kodak/deeper/b.jpg", "1");
    tree_text("train/real/art-old/c.jpg", "1");
    tree_text("train/real/loose.jpg", "1");
    tree_text("train/ai/flux/d.jpg", "1");
    tree_text("train/ai/art-bot/e.jpg", "1");
    tree_text("val/real/kodak/f.jpg", "1");
    tree_text("val/ai/flux/g.jpg", "1");
    tree_text("originals/h.jpg", "1"); /* beside the splits, of which one is named */
    struct dataset d = load("", "train", 4, 2);
    assert_source(&d, "kodak", LABEL_REAL, 2);
    assert_source(&d, "art-old", LABEL_REAL, 1);
    assert_source(&d, "real", LABEL_REAL, 1);
    assert_source(&d, "flux", LABEL_GENERATED, 1);
    assert_true(source_of(&d, "art-old", LABEL_REAL)->art);
    assert_false(source_of(&d, "kodak", LABEL_REAL)->art);
    assert_false(source_of(&d, "art-bot", LABEL_GENERATED)->art);
    dataset_free(&d);
    d = load("", "val", 1, 1);
    dataset_free(&d);
    d = load("train", NULL, 4, 2); /* the same by its own folder */
    dataset_free(&d);
    unsigned splits = 0;
    assert_ok(dataset_splits(tree_path(""), &splits, &test_error));
    assert_int_equal(splits, SPLIT_TRAIN | SPLIT_VAL);
    assert_ok(dataset_splits(tree_path("train"), &splits, &test_error));
    assert_int_equal(splits, 0);
    refuse("", NULL, "has train/, val/; name the one that is meant");
    refuse("", "test", "there is no folder test/ in it, only train/, val/");
    refuse("", "dev", "'dev' is no split");
    refuse("train", "train", "not below a folder train/");
}

static void test_cnndetection(void **state)
{
    (void)state;
    tree_text("test/progan/airplane/0_real/a.png", "1");
    tree_text("test/progan/airplane/1_fake/b.png", "1");
    tree_text("test/progan/car/0_real/c.png", "1");
    tree_text("test/progan/car/1_fake/d.png", "1");
    tree_text("test/biggan/0_real/e.png", "1");
    tree_text("test/biggan/1_fake/f.png", "1");
    tree_text("test/biggan/1_fake/g.png", "1");
    struct dataset d = load("", NULL, 3, 4); /* a single split needs no name */
    assert_int_equal(d.source_count, 4);
    assert_source(&d, "progan", LABEL_REAL, 2);
    assert_source(&d, "progan", LABEL_GENERATED, 2);
    assert_source(&d, "biggan", LABEL_GENERATED, 2);
    dataset_free(&d);
    d = load("test/progan", NULL, 2, 2);
    assert_source(&d, "airplane", LABEL_REAL, 1);
    dataset_free(&d);
}

static void test_genimage(void **state)
{
    (void)state;
    tree_text("Midjourney/imagenet_midjourney/train/ai/a.png", "1");
    tree_text("Midjourney/imagenet_midjourney/train/nature/b.JPEG", "1");
    tree_text("Midjourney/imagenet_midjourney/val/ai/c.png", "1");
    tree_text("Midjourney/imagenet_midjourney/val/nature/d.JPEG", "1");
    tree_text("ADM/train/ai/e.PNG", "1");
    tree_text("ADM/train/nature/n01440764/f.JPEG", "1");
    tree_text("ADM/val/ai/g.PNG", "1");
    tree_text("ADM/val/nature/h.JPEG", "1");
    struct dataset d = load("", "train", 2, 2);
    assert_source(&d, "Midjourney", LABEL_GENERATED, 1);
    assert_source(&d, "Midjourney", LABEL_REAL, 1);
    assert_source(&d, "ADM/n01440764", LABEL_REAL, 1);
    dataset_free(&d);
    unsigned splits = 0;
    assert_ok(dataset_splits(tree_path(""), &splits, &test_error));
    assert_int_equal(splits, SPLIT_TRAIN | SPLIT_VAL);
    refuse("", NULL, "train/, val/");
}

static void test_ambiguous(void **state)
{
    (void)state;
    tree_text("two/real/a.jpg", "1");
    tree_text("two/ai/a.jpg", "1");
    tree_text("two/1_fake/a.jpg", "1");
    refuse("two", NULL, "two: has real/, ai/, 1_fake/, which do not go together");
    refuse("two", NULL, "--real DIR --ai DIR");
    tree_text("three/real/a.jpg", "1");
    tree_text("three/ai/a.jpg", "1");
    tree_text("three/nature/a.jpg", "1");
    refuse("three", NULL, "three: has real/, ai/, nature/, which do not go together");

    tree_text("missing/gan/real/a.jpg", "1");
    tree_text("missing/gan/other/a.jpg", "1");
    refuse("missing", NULL, "missing/gan: has real/ without its partner (ai/)");
    tree_text("lone/ai/a.jpg", "1");
    refuse("lone", NULL, "lone: has ai/ without its partner (real/, nature/)");
    tree_text("empty/0_real/a.jpg", "1");
    tree_folder("empty/1_fake");
    refuse("empty", NULL, "empty/1_fake: no pictures for the class 'ai-generated'");

    tree_text("beside/real/a.jpg", "1");
    tree_text("beside/ai/a.jpg", "1");
    tree_text("beside/c.jpg", "1");
    refuse("beside", NULL, "beside them pictures (c.jpg)");
    tree_text("folder/real/a.jpg", "1");
    tree_text("folder/ai/a.jpg", "1");
    tree_text("folder/more/deep/c.jpg", "1");
    refuse("folder", NULL, "beside them more/ with pictures (deep/c.jpg)");
    tree_text("above/c.jpg", "1");
    tree_text("above/gan/real/a.jpg", "1");
    tree_text("above/gan/ai/a.jpg", "1");
    refuse("above", NULL, "above: has pictures (c.jpg) outside class folders");
    tree_text("part/gan/real/a.jpg", "1");
    tree_text("part/gan/ai/a.jpg", "1");
    tree_text("part/other/c.jpg", "1");
    refuse("part", NULL, "part/other: has pictures (c.jpg) outside class folders");

    tree_text("inside/real/x/ai/a.jpg", "1");
    tree_text("inside/ai/a.jpg", "1");
    refuse("inside", NULL, "inside this class folder is x/ai/");
    tree_text("late/real/train/a.jpg", "1");
    tree_text("late/ai/train/a.jpg", "1");
    refuse("late", NULL, "inside this class folder is train/");
    tree_text("twice/train/x/val/real/a.jpg", "1");
    tree_text("twice/train/x/val/ai/a.jpg", "1");
    refuse("twice", "train", "inside another split");

    tree_text("flat/a.jpg", "1");
    refuse("flat", NULL, "flat: has pictures (a.jpg) outside class folders");
    tree_folder("nothing/real-ones");
    refuse("nothing", NULL, "found no class folders");
    refuse("absent", NULL, "absent: cannot open the folder");
    refuse("flat/a.jpg", NULL, "a.jpg: cannot open the folder");
    tree_text("leftover/train/real/a.jpg", "1");
    tree_text("leftover/train/ai/a.jpg", "1");
    tree_text("leftover/more/a.jpg", "1");
    refuse("leftover", NULL, "beside them more/ with pictures");
    struct dataset d = load("leftover", "train", 1, 1);
    dataset_free(&d);
}

static void test_links(void **state)
{
    (void)state;
    tree_text("shared/a.jpg", "1");
    tree_text("x/1_fake/b.jpg", "1");
    tree_text("y/1_fake/c.jpg", "1");
    tree_link("tree/x/0_real", "../../shared"); /* several generators, the same photographs */
    tree_link("tree/x/1_fake", "../../x/1_fake");
    tree_link("tree/y/0_real", "../../shared");
    tree_link("tree/y/1_fake", "../../y/1_fake");
    tree_link("tree/x/loop", "..");
    tree_link("tree/z", "x");
    tree_link("tree/loop", ".");
    struct dataset d = {0};
    refuse("tree", NULL, "beside them loop/");
    assert_int_equal(remove(tree_path("tree/x/loop")), 0);
    d = load("tree", NULL, 2, 2);
    assert_source(&d, "x", LABEL_REAL, 1);
    assert_source(&d, "y", LABEL_REAL, 1);
    dataset_free(&d);

    tree_text("same/real/a.jpg", "1");
    tree_link("same/ai", "real");
    refuse("same", NULL, "in one place");
    tree_text("nested/real/a.jpg", "1");
    tree_text("nested/real/fakes/b.jpg", "1");
    tree_link("nested/ai", "real/fakes");
    refuse("nested", NULL, "in one place");
}

static void test_explicit(void **state)
{
    (void)state;
    tree_text("plain/real/camera/a.jpg", "1");
    tree_text("plain/ai/b.jpg", "12");
    tree_text("photos/camera/a.jpg", "1");
    tree_text("made/b.jpg", "12");
    struct dataset d = {0}, plain = load("plain", NULL, 1, 1);
    assert_ok(dataset_from_folders(tree_path("photos/"), tree_path("made"), &d, &test_error));
    assert_int_equal(d.count, 2);
    assert_string_equal(d.pictures[0].name, "b.jpg");
    assert_int_equal(d.pictures[0].label, LABEL_GENERATED);
    assert_source(&d, "camera", LABEL_REAL, 1);
    assert_source(&d, "made", LABEL_GENERATED, 1);
    assert_string_equal(d.digest, plain.digest); /* the same pictures, so the same digest */
    dataset_free(&d);
    dataset_free(&plain);
    assert_ok(dataset_from_folders(tree_path("photos"), NULL, &d, &test_error));
    assert_int_equal(d.count, 1);
    dataset_free(&d);
    assert_error(dataset_from_folders(NULL, NULL, &d, &test_error), "no folder");
    const char *photos = tree_path("photos");
    assert_error(dataset_from_folders(photos, tree_path("photos/camera"), &d, &test_error), "in one place");
    assert_error(dataset_from_folders(tree_path("photos"), tree_path("absent"), &d, &test_error), "absent");
    tree_folder("hollow");
    assert_error(dataset_from_folders(tree_path("photos"), tree_path("hollow"), &d, &test_error), "no pictures");
}

/* SHA-256 of what dataset.h says, computed apart with Python's hashlib. */
static void test_digest(void **state)
{
    (void)state;
    tree_text("real/a b.jpg", "123");
    tree_text("ai/\xff.png", "");
    struct dataset d = load("", NULL, 1, 1);
    assert_string_equal(d.digest, "7de807a38814df1c076e19c52cc7e840490fc263a506a9bd4421d356f4a133a2");
    char first[SHA256_TEXT];
    memcpy(first, d.digest, sizeof first);
    dataset_free(&d);
    tree_text("real/a b.jpg", "1234"); /* another size */
    d = load("", NULL, 1, 1);
    assert_string_not_equal(d.digest, first);
    dataset_free(&d);
}

static void test_hold_out(void **state)
{
    (void)state;
    const struct made_source sources[] = {{"a", LABEL_REAL, 100},
                                          {"b", LABEL_REAL, 10},
                                          {"c", LABEL_GENERATED, 51},
                                          {"d", LABEL_GENERATED, 1}};
    struct dataset all = {0}, kept = {0}, held = {0}, again[2] = {0};
    dataset_make(sources, 4, &all);
    assert_ok(dataset_hold_out(&all, 0.1, 7, &kept, &held, &test_error));
    assert_int_equal(kept.count + held.count, all.count);
    assert_source(&held, "a", LABEL_REAL, 10);
    assert_source(&held, "b", LABEL_REAL, 1);
    assert_source(&held, "c", LABEL_GENERATED, 5);
    assert_source(&kept, "d", LABEL_GENERATED, 1);
    assert_string_not_equal(kept.digest, held.digest);
    for (size_t i = 0; i < held.count; i++)
        for (size_t j = 0; j < kept.count; j++)
            assert_string_not_equal(held.pictures[i].name, kept.pictures[j].name);
    assert_ok(dataset_hold_out(&all, 0.1, 7, &again[0], &again[1], &test_error));
    assert_string_equal(again[1].digest, held.digest);
    dataset_free(&again[0]);
    dataset_free(&again[1]);
    assert_ok(dataset_hold_out(&all, 0.1, 8, &again[0], &again[1], &test_error));
    assert_string_not_equal(again[1].digest, held.digest);
    dataset_free(&again[0]);
    dataset_free(&again[1]);
    assert_error(dataset_hold_out(&all, 0.005, 7, &again[0], &again[1], &test_error), "too few");
    assert_error(dataset_hold_out(&all, 1, 7, &again[0], &again[1], &test_error), "between 0 and 1");
    dataset_free(&all);
    dataset_free(&kept);
    dataset_free(&held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(test_sources, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(test_cnndetection, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(test_genimage, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(test_ambiguous, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(test_links, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(test_explicit, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(test_digest, tree_setup, tree_teardown),
        cmocka_unit_test(test_hold_out),
    };
    return cmocka_run_group_tests_name("data/dataset", tests, NULL, NULL);
}
