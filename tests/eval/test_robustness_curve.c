/* test_robustness_curve.c - curves of made-up predictions whose figures are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eval/robustness_curve.h"
#include "failing_malloc.h"

/* ---- predictions ---------------------------------------------------------------------------------------------- */

/* Two sources of each class, of 10 and 30 pictures; chain c of the sweep "blur" (0: as they are). In the generated
 * source "b" (30 pictures) 5 c pictures are taken for real, elsewhere none: its accuracy falls from 1 to 0 in seven
 * steps of 1/6. */
enum { SMALL = 10, LARGE = 30, PICTURES = 2 * (SMALL + LARGE), CHAINS = 7, COUNT = PICTURES * CHAINS, SPARE = 8 };

struct made {
    struct prediction items[COUNT + SPARE];
    char names[PICTURES][16];
    size_t count;
};

static const struct robustness_sweep *blur_sweep(void)
{
    const struct robustness_sweep *sweep;
    assert_int_equal(robustness_find("blur", &sweep, NULL), ASSAY_OK);
    assert_int_equal(sweep->count, CHAINS - 1);
    return sweep;
}

static struct made *make(void)
{
    const struct robustness_sweep *sweep = blur_sweep();
    struct made *made = calloc(1, sizeof *made);
    assert_non_null(made);
    for (int i = 0; i < PICTURES; i++) {
        int label = i >= SMALL + LARGE, within = i % (SMALL + LARGE), large = within >= SMALL;
        int number = large ? within - SMALL : within;
        snprintf(made->names[i], sizeof made->names[i], "%d.png", within);
        for (int c = 0; c < CHAINS; c++) {
            bool fooled = label && large && number < 5 * c;
            double logit = (label && !fooled ? 1.0 : -1.0) * (1.0 + 0.01 * i);
            made->items[made->count++] = (struct prediction){.model = "model",
                                                             .set = "set",
                                                             .perturbation = c ? sweep->points[c - 1].chain : "",
                                                             .picture = made->names[i],
                                                             .source = large ? "b" : "a",
                                                             .label = label,
                                                             .readable = true,
                                                             .width = 1,
                                                             .height = 1,
                                                             .logit = logit,
                                                             .probability = 1 / (1 + exp(-logit)),
                                                             .verdict = logit > 0 ? ASSAY_GENERATED : ASSAY_REAL};
        }
    }
    return made;
}

static struct robustness_curve curve_of(const struct made *made, const struct robustness_options *options)
{
    struct robustness_curve curve;
    struct assay_error error = {0};
    if (robustness_curve_make(blur_sweep(), "model", "set", made->items, made->count, options, &curve, &error))
        fail_msg("%s", error.message);
    return curve;
}

static const struct robustness_value *value_at(const struct robustness_curve *curve, int point,
                                               enum metrics_figure figure)
{
    for (int f = 0; f < curve->figure_count; f++)
        if (curve->figures[f] == figure)
            return point < 0 ? &curve->untouched[f] : &curve->values[point * curve->figure_count + f];
    fail_msg("no such figure");
    return NULL;
}

static void close_to(double a, double b)
{
    if (!(fabs(a - b) < 1e-12))
        fail_msg("%.15g is not %.15g", a, b);
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

static void values_are_those_of_the_chains(void **state)
{
    struct made *made = make();
    struct robustness_options options = {.bootstrap = {.replicates = 200}};
    struct robustness_curve curve = curve_of(made, &options);
    (void)state;
    assert_int_equal(curve.pictures, PICTURES);
    assert_int_equal(curve.left_out, 0);
    assert_int_equal(curve.sources[0], 2);
    assert_int_equal(curve.sources[1], 2);
    close_to(value_at(&curve, -1, FIGURE_GENERATED_ACCURACY)->value, 1);
    close_to(value_at(&curve, -1, FIGURE_AVERAGE_PRECISION)->value, 1);
    close_to(value_at(&curve, -1, FIGURE_BALANCED_ACCURACY)->lost, 0);
    for (int i = 0; i < CHAINS - 1; i++) {
        double b = 1 - (i + 1) / 6.0; /* of the source; both sources of the class count the same */
        close_to(value_at(&curve, i, FIGURE_REAL_ACCURACY)->value, 1);
        close_to(value_at(&curve, i, FIGURE_GENERATED_ACCURACY)->value, (1 + b) / 2);
        close_to(value_at(&curve, i, FIGURE_BALANCED_ACCURACY)->value, (1 + (1 + b) / 2) / 2);
        close_to(value_at(&curve, i, FIGURE_GENERATED_ACCURACY)->lost, (1 - b) / 2);
        close_to(value_at(&curve, i, FIGURE_BALANCED_ACCURACY)->lost, (1 - b) / 4);
    }
    /* generated pictures that are taken for real lie below every real one: (1 + b) / 2 of the pairs are in order */
    close_to(value_at(&curve, 2, FIGURE_AUROC)->value, 0.75);
    robustness_curve_free(&curve);

    options.by_picture = true;
    curve = curve_of(made, &options);
    close_to(value_at(&curve, 2, FIGURE_GENERATED_ACCURACY)->value, (10 + 15) / 40.0);
    robustness_curve_free(&curve);
    free(made);
}

static void figures_can_be_chosen(void **state)
{
    static const enum metrics_figure figures[] = {FIGURE_LOSS, FIGURE_MISSED, FIGURE_AUROC, FIGURE_ACCURACY};
    struct made *made = make();
    struct robustness_options options = {.figures = figures, .figure_count = 4, .bootstrap = {.replicates = 20}};
    struct robustness_curve curve = curve_of(made, &options);
    (void)state;
    assert_int_equal(curve.figure_count, 4);
    close_to(value_at(&curve, 2, FIGURE_MISSED)->value, 0.25);
    close_to(value_at(&curve, 2, FIGURE_MISSED)->lost, 0.25); /* an error: more of it is lost too */
    close_to(value_at(&curve, 2, FIGURE_AUROC)->value, 0.75); /* by way of all figures */
    close_to(value_at(&curve, 2, FIGURE_ACCURACY)->value, 1 - 0.25 / 2);
    double more = value_at(&curve, 2, FIGURE_LOSS)->value - value_at(&curve, -1, FIGURE_LOSS)->value;
    assert_true(more > 0);
    close_to(value_at(&curve, 2, FIGURE_LOSS)->lost, more);
    robustness_curve_free(&curve);
    options.figure_count = 0;
    assert_int_equal(robustness_curve_make(blur_sweep(), "model", "set", made->items, made->count, &options, &curve,
                                           NULL),
                     ASSAY_ERROR_ARGUMENT);
    free(made);
}

/* What is lost is measured on the same draws: exact where nothing changes, however unsure the values are. */
static void losses_are_paired(void **state)
{
    struct made *made = make();
    struct robustness_options options = {.bootstrap = {.replicates = 500, .seed = 3}};
    (void)state;
    for (size_t i = 0; i < made->count; i++) { /* every third picture is misjudged, under all chains */
        int picture = (int)(i / CHAINS);
        struct prediction *p = &made->items[i];
        double right = p->label ? 1 : -1;
        p->logit = (picture % 3 == 0 ? -right : right) * (1 + 0.001 * picture);
    }
    struct robustness_curve curve = curve_of(made, &options);
    for (int i = 0; i < CHAINS - 1; i++)
        for (int f = 0; f < curve.figure_count; f++) {
            const struct robustness_value *v = &curve.values[i * curve.figure_count + f];
            close_to(v->lost, 0);
            close_to(v->lost_interval.low, 0);
            close_to(v->lost_interval.high, 0);
            assert_true(v->interval.high - v->interval.low > 0.05);
            assert_true(v->interval.low < v->value && v->value < v->interval.high);
            close_to(v->interval.low, curve.untouched[f].interval.low);
        }
    robustness_curve_free(&curve);
    free(made);

    /* one lost picture in four of the class: the interval holds the loss, and 0 only if sources are drawn */
    made = make();
    curve = curve_of(made, &options);
    const struct robustness_value *v = value_at(&curve, 2, FIGURE_GENERATED_ACCURACY);
    assert_true(v->lost_interval.low >= 0 && v->lost_interval.low < 0.01);   /* source "a" twice: nothing is lost */
    assert_true(v->lost_interval.high > 0.4 && v->lost_interval.high < 0.8); /* source "b" twice */
    assert_true(v->lost_interval.low < v->lost && v->lost < v->lost_interval.high);
    robustness_curve_free(&curve);
    free(made);
}

/* The bootstrap's own interval of the same measure, so that index and weight of each sample come back right. */
static void intervals_are_the_bootstraps(void **state)
{
    struct made *made = make();
    struct robustness_options options = {.bootstrap = {.replicates = 100, .seed = 9}};
    struct metrics_sample samples[PICTURES];
    struct metrics_interval expected[FIGURE_COUNT];
    (void)state;
    for (size_t i = 0; i < made->count; i++) /* right or wrong by a rule that knows no order */
        made->items[i].logit *= (i * 7919 / CHAINS) % 5 < 2 ? -1 : 1;
    struct robustness_curve curve = curve_of(made, &options);
    for (int i = 0; i < PICTURES; i++) {
        const struct prediction *p = &made->items[i * CHAINS];
        bool large = strcmp(p->source, "b") == 0;
        samples[i] = (struct metrics_sample){.logit = p->logit,
                                             .weight = 0.25 / (large ? LARGE : SMALL),
                                             .generated = p->label,
                                             .source = p->label * 2 + large,
                                             .probability = p->probability};
    }
    assert_int_equal(metrics_bootstrap(samples, PICTURES, &options.bootstrap, metrics_measure_figures, NULL,
                                       FIGURE_COUNT, expected, NULL, NULL),
                     ASSAY_OK);
    for (int f = 0; f < curve.figure_count; f++) {
        close_to(curve.untouched[f].interval.low, expected[curve.figures[f]].low);
        close_to(curve.untouched[f].interval.high, expected[curve.figures[f]].high);
    }
    robustness_curve_free(&curve);
    free(made);
}

static void only_pictures_judged_everywhere_count(void **state)
{
    struct made *made = make();
    struct robustness_options options = {.bootstrap = {.replicates = 10}};
    (void)state;
    made->items[3].readable = false; /* picture 0 at one point */
    made->items[3].problem = "too large";
    made->items[3].logit = NAN;
    for (int c = 0; c < CHAINS; c++)
        made->items[CHAINS + c].art = true; /* picture 1 */
    made->items[made->count++] = (struct prediction){.model = "other", .set = "set", .perturbation = ""};
    made->items[made->count++] = (struct prediction){.model = "model", .set = "other", .perturbation = ""};
    made->items[made->count++] = (struct prediction){.model = "model", .set = "set", .perturbation = "jpeg:50"};
    memmove(&made->items[5 * CHAINS], &made->items[5 * CHAINS + 1], /* picture 5 lacks its first line */
            (made->count - 5 * CHAINS - 1) * sizeof made->items[0]);
    made->count--;
    struct robustness_curve curve = curve_of(made, &options);
    assert_int_equal(curve.pictures, PICTURES - 3);
    assert_int_equal(curve.left_out, 2);
    close_to(value_at(&curve, 2, FIGURE_GENERATED_ACCURACY)->value, 0.75);
    robustness_curve_free(&curve);
    free(made);
}

static void one_class_leaves_figures_undefined(void **state)
{
    struct made *made = make();
    struct robustness_options options = {.bootstrap = {.replicates = 10}};
    (void)state;
    made->count = (SMALL + LARGE) * CHAINS; /* the real pictures */
    struct robustness_curve curve = curve_of(made, &options);
    close_to(value_at(&curve, 0, FIGURE_REAL_ACCURACY)->value, 1);
    assert_true(isnan(value_at(&curve, 0, FIGURE_AUROC)->value));
    assert_true(isnan(value_at(&curve, 0, FIGURE_AUROC)->interval.low));
    robustness_curve_free(&curve);
    free(made);
}

static void says_what_is_missing(void **state)
{
    struct made *made = make();
    struct robustness_curve curve;
    struct assay_error error = {0};
    const struct robustness_sweep *sweep = blur_sweep(), *jpeg;
    (void)state;
    assert_true(robustness_covered(sweep, "model", "set", made->items, made->count));
    assert_false(robustness_covered(sweep, "other", "set", made->items, made->count));
    assert_int_equal(robustness_find("jpeg", &jpeg, NULL), ASSAY_OK);
    assert_false(robustness_covered(jpeg, "model", "set", made->items, made->count));
    assert_int_equal(robustness_curve_make(jpeg, "model", "set", made->items, made->count, NULL, &curve, &error),
                     ASSAY_ERROR_ARGUMENT);
    assert_string_equal(error.message,
                        "sweep \"jpeg\": there are no predictions of model on set under the perturbation \"jpeg:10\"");
    assert_int_equal(robustness_curve_make(sweep, "model", "x", made->items, made->count, NULL, &curve, &error),
                     ASSAY_ERROR_ARGUMENT);
    assert_string_equal(error.message,
                        "sweep \"blur\": there are no predictions of model on x under the perturbation \"none\"");

    made->items[made->count++] = made->items[2 * CHAINS + 3];
    assert_int_equal(robustness_curve_make(sweep, "model", "set", made->items, made->count, NULL, &curve, &error),
                     ASSAY_ERROR_ARGUMENT);
    assert_string_equal(error.message, "2.png was judged twice under the perturbation \"blur:1.5\", so that no curve "
                                       "can be made");
    made->count--;
    for (size_t i = 0; i < made->count; i++)
        made->items[i].readable = i % CHAINS != 4;
    assert_int_equal(robustness_curve_make(sweep, "model", "set", made->items, made->count, NULL, &curve, &error),
                     ASSAY_ERROR_ARGUMENT);
    assert_string_equal(error.message,
                        "sweep \"blur\": of the pictures of set, 0 were judged by model under all its perturbations");
    assert_null(curve.values);
    free(made);
}

static void is_written_as_csv(void **state)
{
    static const enum metrics_figure figures[] = {FIGURE_GENERATED_ACCURACY};
    struct made *made = make();
    struct robustness_options options = {.figures = figures, .figure_count = 1, .bootstrap = {.replicates = 10}};
    struct array text = array_of(1, 1 << 20);
    struct robustness_curve curve;
    (void)state;
    for (size_t i = 0; i < made->count; i++)
        made->items[i].set = "a \"set\", quoted";
    assert_int_equal(robustness_curve_make(blur_sweep(), "model", "a \"set\", quoted", made->items, made->count,
                                           &options, &curve, NULL),
                     ASSAY_OK);
    curve.values[0].interval = (struct metrics_interval){0.5, 0.987654321};
    curve.values[0].lost_interval = (struct metrics_interval){-0.25, 1e-9};
    curve.values[1].interval = curve.values[1].lost_interval = (struct metrics_interval){NAN, NAN};
    assert_int_equal(robustness_csv_head(&text, NULL), ASSAY_OK);
    assert_int_equal(robustness_csv(&curve, &text, NULL), ASSAY_OK);
    static const char expected[] =
        "sweep,model,set,perturbation,label,x,figure,value,low,high,lost,lost_low,lost_high,pictures,left_out\n"
        "blur,model,\"a \"\"set\"\", quoted\",,unperturbed,0,generated_accuracy,1,1,1,0,,,80,0\n"
        "blur,model,\"a \"\"set\"\", quoted\",blur:0.5,,0.5,generated_accuracy,0.916667,0.5,0.987654,0.083333,-0.25,0,"
        "80,0\n"
        "blur,model,\"a \"\"set\"\", quoted\",blur:1,,1,generated_accuracy,0.833333,,,0.166667,,,80,0\n";
    if (strncmp(text.data, expected, sizeof expected - 1) != 0)
        fail_msg("%s", (const char *)text.data);
    size_t lines = 0;
    for (const char *c = text.data; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 1 + CHAINS);
    array_free(&text);
    robustness_curve_free(&curve);
    free(made);
}

static bool attempt(void *context)
{
    struct robustness_options options = {.bootstrap = {.replicates = 2}};
    struct assay_error error = {0};
    struct robustness_curve curve;
    const struct made *made = context;
    assay_status status =
        robustness_curve_make(blur_sweep(), "model", "set", made->items, made->count, &options, &curve, &error);
    if (status && (status != ASSAY_ERROR_MEMORY || !error.message[0]))
        fail_msg("status %d: %s", (int)status, error.message);
    robustness_curve_free(&curve);
    return !status;
}

static void each_allocation_may_fail(void **state)
{
    struct made *made = make();
    size_t survived;
    (void)state;
    assert_true(failing_malloc_each(attempt, made, &survived) > 20);
    assert_int_equal(survived, 0);
    free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_the_chains),
        cmocka_unit_test(figures_can_be_chosen),
        cmocka_unit_test(losses_are_paired),
        cmocka_unit_test(intervals_are_the_bootstraps),
        cmocka_unit_test(only_pictures_judged_everywhere_count),
        cmocka_unit_test(one_class_leaves_figures_undefined),
        cmocka_unit_test(says_what_is_missing),
        cmocka_unit_test(is_written_as_csv),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
