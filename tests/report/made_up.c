/* made_up.c - drawing the scores, and a table for each model, set and perturbation. */
#include "made_up.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "data/dataset.h"

static const struct protocol protocol = {
    .name = "assay",
    .title = "Assay",
    .follows = "nobody <but itself>",
    .notes = "Art is told apart & counted in no mean.",
    .perturbation = "",
    .rows = PROTOCOL_ROWS_SOURCE,
    .mean = PROTOCOL_MEAN_SOURCES,
    .art_apart = true,
    .balanced = true,
    .shown = {FIGURE_BALANCED_ACCURACY, FIGURE_AVERAGE_PRECISION, FIGURE_AUROC, -1, -1, -1},
};

static const char *const chains[MADE_CHAINS] = {"",        "jpeg:30",    "jpeg:50", "jpeg:70",    "jpeg:90",
                                                "jpeg:95", "resize:0.5", "crop:a",  "noise:5@0.5"};
static const struct robustness_point jpeg_points[] = {
    {30, NULL, "jpeg:30"}, {50, NULL, "jpeg:50"}, {70, NULL, "jpeg:70"}, {90, NULL, "jpeg:90"}, {95, NULL, "jpeg:95"}};
static const struct robustness_point side_points[] = {{0, "half size", "resize:0.5"},
                                                      {1, "crop", "crop:a"},
                                                      {2, "noise, sometimes", "noise:5@0.5"}};
static const struct robustness_point resize_points[] = {{0.5, NULL, "resize:0.5"}};
static const struct robustness_sweep sweeps[] = {
    {"jpeg", "JPEG", "quality", NAN, "Assay", jpeg_points, 5},
    {"resize", "Resize", "factor", 1, "Assay", resize_points, 1},
    {"mixed", "Side by side", NULL, NAN, "a paper", side_points, 3},
};
static const struct robustness_sweep *const sweep_list[] = {&sweeps[0], &sweeps[1], &sweeps[2]};

static const char *const models[2][MADE_MODELS] = {{"residual", "npr", "univfd"},
                                                   {"<script>alert(1)</script>", "a\xff\xfe\" onload=\"x",
                                                    "a very long name of a model, such as the path of a file, "
                                                    "which nobody would want to read to its end/model.safetensors"}};
static const char *const sets[2][MADE_SETS] = {{"val", "GenImage"},
                                               {"</title><img src=x>", "\xe2\x80\xae"
                                                                       "evil&amp;"}};
static const char *const sources[2][MADE_SOURCES] = {{"kodak", "phone", "art-paintings", "stylegan2", "midjourney",
                                                      "sdxl", "flux"},
                                                     {"<b>", "'\"", "art-\xc3\x28", "]]>", "--><!--", "a\nb\tc",
                                                      "\x01\x02"}};

static double logit_of(struct random *r, int model, int source, int chain)
{
    bool generated = source >= 3;
    double apart = 1.2 + 0.9 * model - 0.25 * (source % 3) - 0.12 * chain;
    return 2.2 * ((generated ? apart : -apart) / 1.6 + random_normal(r));
}

/* A table as protocol_summarise would make it: only what a report reads. */
static const struct protocol_table *table_of(struct arena *arena, const struct prediction *items, size_t count,
                                             int hostile)
{
    struct protocol_table *table = arena_alloc(arena, 1, sizeof *table);
    assert_non_null(table);
    table->protocol = &protocol;
    table->count = MADE_SOURCES + 1;
    table->rows = arena_alloc(arena, table->count, sizeof *table->rows);
    struct metrics_sample *samples = arena_alloc(arena, count, sizeof *samples);
    assert_true(table->rows && samples);
    for (int s = 0; s <= MADE_SOURCES; s++) {
        struct protocol_row *row = &table->rows[s];
        size_t used = 0;
        for (size_t i = 0; i < count; i++) {
            if (!items[i].readable || (s < MADE_SOURCES && strcmp(items[i].source, sources[hostile][s]) != 0) ||
                (s == MADE_SOURCES && items[i].art))
                continue;
            samples[used++] = (struct metrics_sample){
                items[i].logit, 1, items[i].label == LABEL_GENERATED, 0, items[i].probability, (int)items[i].verdict};
        }
        row->kind = s == MADE_SOURCES ? PROTOCOL_ROW_MEAN
                    : s == 2          ? PROTOCOL_ROW_ART
                    : s < 2           ? PROTOCOL_ROW_REAL
                                      : PROTOCOL_ROW_GENERATED;
        row->name = s == MADE_SOURCES ? "mean" : sources[hostile][s];
        assert_int_equal(metrics_figures(samples, used, &row->figures, NULL), ASSAY_OK);
        row->judged[0] = row->figures.count[0];
        row->judged[1] = row->figures.count[1];
        for (int f = 0; f < FIGURE_COUNT; f++) {
            double value = row->figures.value[f];
            row->interval[f] = s == MADE_SOURCES ? (struct metrics_interval){value - 0.04, fmin(value + 0.03, 1)}
                                                 : (struct metrics_interval){NAN, NAN};
        }
    }
    return table;
}

static void add_predictions(struct made_up *made, struct prediction *items, struct report_table *tables, int hostile,
                            unsigned seed)
{
    size_t at = 0, table = 0;
    for (int set = 0; set < MADE_SETS; set++)
        for (int chain = 0; chain < (set == 0 ? MADE_CHAINS : 1); chain++)
            for (int model = 0; model < MADE_MODELS; model++) {
                size_t first = at;
                for (int source = 0; source < MADE_SOURCES; source++)
                    for (int i = 0; i < MADE_PICTURES; i++) {
                        struct random r = random_open(seed + (unsigned)set, (uint64_t)(source * 1000 + i),
                                                      (uint64_t)(model * 100 + chain));
                        double logit = logit_of(&r, model, source, chain);
                        struct prediction *p = &items[at++];
                        *p = (struct prediction){.model = models[hostile][model],
                                                 .set = sets[hostile][set],
                                                 .perturbation = chains[chain],
                                                 .picture = arena_printf(&made->arena, "%s/%s/%04d.jpg",
                                                                         source < 3 ? "real" : "ai",
                                                                         sources[hostile][source], i),
                                                 .source = sources[hostile][source],
                                                 .label = source >= 3,
                                                 .art = source == 2,
                                                 .readable = true,
                                                 .width = 1024 + i,
                                                 .height = 768,
                                                 .bytes = 123456,
                                                 .logit = logit,
                                                 .probability = 1 / (1 + exp(-0.8 * logit))};
                        p->verdict = model == 2            ? ASSAY_UNCALIBRATED
                                     : p->probability > .7 ? ASSAY_GENERATED
                                     : p->probability < .3 ? ASSAY_REAL
                                                           : ASSAY_UNCERTAIN;
                        if (source == 1 && i == 7) {
                            p->readable = false;
                            p->problem = hostile ? "</table><script>" : "damaged: no end of picture";
                        }
                    }
                tables[table++] = (struct report_table){models[hostile][model], sets[hostile][set], chains[chain],
                                                        table_of(&made->arena, items + first, at - first, hostile)};
            }
    made->input.prediction_count = at;
    made->input.table_count = table;
}

static void add_embeddings(struct made_up *made, struct report_embeddings *e, unsigned seed)
{
    enum { WIDTH = 12, COUNT = MADE_SOURCES * MADE_PICTURES };
    float *data = arena_alloc(&made->arena, COUNT * WIDTH, sizeof *data);
    uint32_t *prediction = arena_alloc(&made->arena, COUNT, sizeof *prediction);
    assert_true(data && prediction);
    size_t count = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        const struct prediction *p = &made->input.predictions[i];
        if (!p->readable)
            continue;
        struct random r = random_open(seed, i, 5);
        for (int d = 0; d < WIDTH; d++)
            data[count * WIDTH + (size_t)d] =
                (float)(random_normal(&r) + (d == (int)(i / MADE_PICTURES) ? 3 : 0) + (d > 8 ? p->logit : 0));
        prediction[count++] = i;
    }
    *e = (struct report_embeddings){
        made->input.predictions[0].model, made->input.predictions[0].set, data, count, WIDTH, prediction};
}

static const char *const warnings[2][2] = {
    {"a rule on bytes per pixel alone tells the classes apart in 93 % of held-out pictures",
     "7 pictures are in both classes"},
    {"<script>alert('warning')</script>", "\xff"}};

/* A grey pixel. */
static const char pixel[] =
    "data:image/"
    "png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==";

struct made_up made_up_run(bool hostile, unsigned seed)
{
    struct made_up made = {0};
    size_t most = (size_t)MADE_SETS * MADE_CHAINS * MADE_MODELS;
    struct prediction *items = arena_alloc(&made.arena, most * MADE_SOURCES * MADE_PICTURES, sizeof *items);
    struct report_table *tables = arena_alloc(&made.arena, most, sizeof *tables);
    struct report_set *report_sets = arena_alloc(&made.arena, MADE_SETS, sizeof *report_sets);
    struct report_embeddings *e = arena_alloc(&made.arena, 1, sizeof *e);
    struct report_map *map = arena_alloc(&made.arena, 1, sizeof *map);
    assert_true(items && tables && report_sets && e && map);
    add_predictions(&made, items, tables, hostile, seed);
    for (int i = 0; i < MADE_SETS; i++)
        report_sets[i] = (struct report_set){sets[hostile][i], &protocol};
    made.input = (struct report_input){.title = hostile ? "<script>x</script>" : "Three models on two sets",
                                       .predictions = items,
                                       .prediction_count = made.input.prediction_count,
                                       .sets = report_sets,
                                       .set_count = MADE_SETS,
                                       .tables = tables,
                                       .table_count = made.input.table_count,
                                       .sweeps = sweep_list,
                                       .sweep_count = 3,
                                       .embeddings = e,
                                       .embeddings_count = 1,
                                       .maps = map,
                                       .map_count = 1,
                                       .warnings = warnings[hostile],
                                       .warning_count = 2,
                                       .command = hostile ? "assay eval --data '<script>'" : "assay eval --data val",
                                       .run_json = hostile ? "{\"</pre>\": \"\xff\"}" : "{\n  \"seed\": 1\n}\n"};
    struct report_choices choices;
    assert_int_equal(report_choose(items, made.input.prediction_count, &choices, NULL), ASSAY_OK);
    assert_true(choices.count > 0);
    const struct prediction *chosen = choices.items[0].prediction;
    *map = (struct report_map){chosen->model, chosen->set, chosen->picture, pixel, hostile ? "\"><script>" : NULL};
    report_choices_free(&choices);
    add_embeddings(&made, e, seed);
    return made;
}

void made_up_free(struct made_up *made)
{
    arena_free(&made->arena);
}
