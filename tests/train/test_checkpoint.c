/* Checkpoints and the best weights: to a file and back bit for bit, refused where they do not fit, each allocation
 * failing in turn; and failing allocations of metrics and of the optimiser's graph. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "eval/metrics.h"
#include "failing_malloc.h"
#include "train/checkpoint.h"
#include "train/optimizer.h"

static char folder[64], path[96];

/* Two parameters, one of them frozen, a running statistic and a moment, with values that only their bits describe. */
static bool make_store(struct store **out, float first)
{
    const struct shape shapes[] = {SHAPE(2, 3), SHAPE(4), SHAPE(0), SHAPE_SCALAR};
    static const char *const names[] = {"w", "frozen", "bn.running_mean", "optimizer.adamw.w.mean"};
    struct store_init init = {STORE_NORMAL, 0, 1};
    *out = NULL;
    if (store_create(out, NULL))
        return false;
    for (int i = 0; i < 4; i++) {
        struct store_entry *entry = store_declare(*out, names[i], &shapes[i], i < 2 ? STORE_PARAM : STORE_STATE, init);
        if (!entry)
            goto failed;
        entry->frozen = i == 1;
    }
    if (best_declare(*out, 3, NULL) || store_initialise(*out, 5, NULL))
        goto failed;
    store_get(*out, "w")->data[0] = first;
    return true;
failed:
    store_free(*out);
    *out = NULL;
    return false;
}

static bool save_and_restore(void *context)
{
    struct store *from = NULL, *to = NULL;
    struct checkpoint checkpoint = {0};
    struct assay_error error = {0};
    bool done = false;
    (void)context;
    json_t *state = json_pack("{s:i, s:f}", "step", 7, "loss", 0.1);
    if (!make_store(&from, -0.0f) || !make_store(&to, 1))
        goto done;
    if (checkpoint_save(path, from, state, &error) || checkpoint_open(path, &checkpoint, &error) ||
        checkpoint_restore(&checkpoint, path, to, &error)) {
        assert_true(error.message[0] != '\0');
        goto done;
    }
    done = json_equal(checkpoint.state, state);
    for (size_t i = 0; i < from->entries.count; i++) {
        const struct store_entry *a = from->entries.entries[i].value, *b = store_get(to, a->name);
        done &= memcmp(a->data, b->data, (size_t)shape_count(&a->shape) * sizeof(float)) == 0 && b->version > 0;
    }
done:
    checkpoint_close(&checkpoint);
    store_free(from);
    store_free(to);
    json_decref(state);
    return done;
}

static void test_round_trip(void **state)
{
    (void)state;
    assert_true(save_and_restore(NULL));
    assert_true(failing_malloc_each(save_and_restore, NULL, NULL) >= 20);
}

/* What was not in the checkpoint, or is of another shape, is named; the store stays as it was. */
static void test_misfits(void **state)
{
    (void)state;
    struct store *from = NULL, *to = NULL;
    struct checkpoint checkpoint;
    struct assay_error error = {0};
    const struct shape one = SHAPE(1);
    json_t *object = json_object();
    assert_true(make_store(&from, 3) && make_store(&to, 4));
    assert_int_equal(checkpoint_save(path, from, object, &error), ASSAY_OK);
    assert_int_equal(checkpoint_open(path, &checkpoint, &error), ASSAY_OK);

    assert_non_null(store_declare(to, "more", &one, STORE_STATE, (struct store_init){0}));
    assert_int_equal(store_initialise(to, 1, NULL), ASSAY_OK);
    assert_int_equal(checkpoint_restore(&checkpoint, path, to, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "tensor more is missing"));
    assert_true(store_get(to, "w")->data[0] == 4);
    checkpoint_close(&checkpoint);

    /* The other way: the file holds one that the store lacks. */
    assert_int_equal(checkpoint_save(path, to, object, &error), ASSAY_OK);
    assert_int_equal(checkpoint_open(path, &checkpoint, &error), ASSAY_OK);
    assert_int_equal(checkpoint_restore(&checkpoint, path, from, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "tensor more belongs to nothing"));
    store_get(from, "w")->shape = SHAPE(3, 2);
    assert_int_equal(checkpoint_restore(&checkpoint, path, from, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, "tensor w has another shape"));
    checkpoint_close(&checkpoint);
    store_free(from);
    store_free(to);
    json_decref(object);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *format, *state, *message;
    } cases[] = {
        {"1", NULL, "not a checkpoint"}, {NULL, "{}", "not a checkpoint"}, {"2", "{}", "checkpoint format 2"},
        {"1", "{", "damaged"},           {"1", "[]", "not an object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct checkpoint checkpoint;
        struct assay_error error = {0};
        json_t *metadata =
            json_pack("{s:s*, s:s*}", "assay.checkpoint", cases[i].format, "assay.checkpoint.state", cases[i].state);
        assert_int_equal(safetensors_write(path, NULL, 0, metadata, &error), ASSAY_OK);
        assert_int_equal(checkpoint_open(path, &checkpoint, &error), ASSAY_ERROR_FORMAT);
        assert_non_null(strstr(error.message, cases[i].message));
        json_decref(metadata);
    }
}

static void test_best(void **state)
{
    (void)state;
    struct store *store;
    assert_true(make_store(&store, 3));
    assert_null(store_get(store, "train.best.frozen")); /* never changes, so needs no copy */
    assert_null(store_get(store, "train.best.optimizer.adamw.w.mean"));
    struct store_entry *w = store_get(store, "w"), *moment = store_get(store, "optimizer.adamw.w.mean");
    best_keep(store);
    w->data[0] = 9;
    moment->data[0] = 8;
    uint64_t version = w->version;
    best_restore(store);
    assert_true(w->data[0] == 3 && moment->data[0] == 8 && w->version > version);
    store_free(store);
}

static bool summarise(void *context)
{
    struct metrics_sample samples[] = {{.logit = 1, .generated = true, .source = 1}, {.logit = -1}, {.logit = 2}};
    struct metrics_source sources[] = {{.name = "a"}, {.name = "b", .generated = true}};
    struct metrics_summary summary;
    (void)context;
    return metrics_summarise(samples, 3, sources, 2, &summary, NULL) == ASSAY_OK;
}

/* A failure while the update is built is kept in the graph. */
static bool build_update(void *context)
{
    const struct optimizer_options options = {.kind = OPTIMIZER_ADAMW,
                                              .weight_decay = 0.1,
                                              .beta1 = 0.9,
                                              .beta2 = 0.9,
                                              .epsilon = 1e-8,
                                              .clip_norm = 1,
                                              .average_decay = 0.9};
    const struct shape shape = SHAPE(2, 2);
    struct store *store = NULL;
    struct graph *g = NULL;
    bool done = false;
    (void)context;
    if (store_create(&store, NULL))
        return false;
    struct store_entry *entry = store_declare(store, "w", &shape, STORE_PARAM, (struct store_init){0});
    if (entry)
        g = graph_create(store, (struct graph_options){.training = true});
    if (g) {
        node w = param(g, entry), d = input(g, "d", shape, DTYPE_F32);
        optimizer_update(g, &options, &w, &d, 1, input(g, "scalars", SHAPE(OPTIMIZER_SCALARS), DTYPE_F32), NULL);
        done = graph_status(g, NULL) == ASSAY_OK && store->entries.count == 4;
    }
    graph_free(g);
    store_free(store);
    return done;
}

static void test_failing(void **state)
{
    (void)state;
    size_t survived;
    failing_malloc_each(summarise, NULL, &survived);
    assert_int_equal(survived, 0);
    failing_malloc_each(build_update, NULL, &survived);
    assert_int_equal(survived, 0);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/assay-checkpoint-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/run.checkpoint", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_misfits),
                                       cmocka_unit_test(test_refused), cmocka_unit_test(test_best),
                                       cmocka_unit_test(test_failing)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
