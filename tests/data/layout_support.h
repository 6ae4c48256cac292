/* layout_support.h - opening a dataset of a test's tree and saying what must be in it. */
#ifndef ASSAY_TESTS_DATA_LAYOUT_SUPPORT_H
#define ASSAY_TESTS_DATA_LAYOUT_SUPPORT_H

#include "support.h"

/* One-line files "1", up to a NULL. */
static inline void tree_files(const char *const *names)
{
    for (; *names; names++)
        tree_text(*names, "1");
}

#define FILES(...) tree_files((const char *const[]){__VA_ARGS__, NULL})

static inline struct dataset open_as(const char *root, const char *layout, const char *split, const char *is,
                                     size_t real, size_t generated)
{
    struct dataset d = {0};
    assert_ok(dataset_open(tree_path(root), layout, split, &d, &test_error));
    assert_string_equal(d.layout, is);
    assert_int_equal(d.label_count[LABEL_REAL], real);
    assert_int_equal(d.label_count[LABEL_GENERATED], generated);
    assert_int_equal(d.count, real + generated);
    for (size_t i = 0; i < d.count; i++) {
        assert_int_equal(d.sources[d.pictures[i].source].label, d.pictures[i].label);
        assert_string_equal(d.pictures[i].path + strlen(d.pictures[i].path) - strlen(d.pictures[i].name),
                            d.pictures[i].name);
        if (i)
            assert_true(strcmp(d.pictures[i - 1].name, d.pictures[i].name) < 0);
    }
    return d;
}

/* Recognised, and the same when it is named. */
static inline struct dataset open_both(const char *root, const char *split, const char *is, size_t real,
                                       size_t generated)
{
    struct dataset found = open_as(root, NULL, split, is, real, generated),
                   named = open_as(root, is, split, is, real, generated);
    assert_string_equal(found.digest, named.digest);
    dataset_free(&found);
    return named;
}

static inline void refuse_as(const char *root, const char *layout, const char *split, const char *what)
{
    struct dataset d = {0};
    assert_error(dataset_open(tree_path(root), layout, split, &d, &test_error), what);
    assert_null(d.pictures);
}

static inline void assert_source_is(const struct dataset *d, const char *name, int label, size_t count)
{
    for (size_t i = 0; i < d->source_count; i++)
        if (d->sources[i].label == label && strcmp(d->sources[i].name, name) == 0) {
            assert_int_equal(d->sources[i].count, count);
            return;
        }
    fail_msg("no source %s", name);
}

static inline const struct dataset_picture *picture_named(const struct dataset *d, const char *name)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->pictures[i].name, name) == 0)
            return &d->pictures[i];
    fail_msg("no picture %s", name);
    return NULL;
}

#endif
