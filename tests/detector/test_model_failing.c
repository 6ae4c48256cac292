/* test_model_failing.c - each allocation of making, saving, loading and joining models in turn fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "detector/model_join.h"
#include "detector/residual.h"
#include "failing_malloc.h"

static bool make_and_save(void *context)
{
    struct residual_config config;
    struct model model = {0};
    struct assay_error error = {0};
    option_defaults(detector_residual.fields, &config);
    config.crop = 32;
    config.width = 4;
    bool done = model_create(&detector_residual, &config, 7, &model, &error) == ASSAY_OK &&
                model_save(&model, context, &error) == ASSAY_OK;
    if (!done)
        assert_true(error.message[0] != '\0');
    model_free(&model);
    return done;
}

static bool load(void *context)
{
    struct model model;
    struct assay_error error = {0};
    bool done = model_load(context, &model, &error) == ASSAY_OK;
    if (!done)
        assert_true(error.message[0] != '\0');
    model_free(&model);
    return done;
}

/* The context is a model; it is joined with itself. */
static bool join(void *context)
{
    const struct model *const members[] = {context, context};
    struct model joined;
    struct assay_error error = {0};
    bool done = model_join(members, 2, NULL, &joined, &error) == ASSAY_OK;
    if (!done)
        assert_true(error.message[0] != '\0');
    model_free(&joined);
    return done;
}

static void test_model(void **state)
{
    (void)state;
    char folder[] = "/tmp/assay-failing-XXXXXX", path[64];
    size_t survived;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/model", folder);
    assert_true(failing_malloc_each(make_and_save, path, &survived) > 15);
    assert_in_range(survived, 0, 1); /* only the sync of the folder can do without */
    assert_true(failing_malloc_each(load, path, &survived) > 15);
    assert_int_equal(survived, 0);
    struct model model;
    assert_int_equal(model_load(path, &model, &(struct assay_error){0}), ASSAY_OK);
    assert_true(failing_malloc_each(join, &model, &survived) > 30);
    assert_int_equal(survived, 0);
    model_free(&model);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
