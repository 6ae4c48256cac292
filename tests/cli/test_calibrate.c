/* test_calibrate.c - `assay model calibrate` and `assay model limits` as others see them: on pictures, on the
 * judgements of a run, what they refuse, and what they leave in the model file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/file.h"
#include "data/dataset.h"
#include "eval/prediction.h"
#include "scratch.h"

static void make_folder(const char *folder, int from, int count, int size)
{
    char path[256];
    mkdir(folder, 0777);
    for (int i = from; i < from + count; i++) {
        snprintf(path, sizeof path, "%s/%02d.png", folder, i);
        scratch_picture(path, size + i % 3, size, (unsigned)i);
    }
}

/* ---- a run made by hand ------------------------------------------------------------------------------------------ */

/* `count` pictures of a source with logits first, first + 0.1, ... */
static void add(struct array *text, const char *source, int label, bool art, const char *perturbation, double first,
                int count)
{
    for (int i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%03d.jpg", source, i);
        const struct prediction p = {.model = "m",
                                     .set = "tune",
                                     .perturbation = perturbation,
                                     .picture = name,
                                     .source = source,
                                     .label = label,
                                     .art = art,
                                     .readable = true,
                                     .width = 100,
                                     .height = 100,
                                     .bytes = 1000,
                                     .logit = first + 0.1 * i,
                                     .probability = 0.5,
                                     .verdict = ASSAY_UNCERTAIN};
        assert_int_equal(prediction_write(&p, text, NULL), ASSAY_OK);
    }
}

static void write_record(const char *folder, const char *model, int real, int generated, const char *perturbations)
{
    char text[1024], path[64], sha256[SHA256_TEXT];
    assert_int_equal(file_sha256(model, sha256, NULL), ASSAY_OK);
    mkdir(folder, 0777);
    snprintf(path, sizeof path, "%s/run.json", folder);
    int size = snprintf(text, sizeof text,
                        "{\"format\":1,\"settings\":{\"models\":[{\"name\":\"m\",\"detector\":\"residual\",\"sha256\":"
                        "\"%s\"}],\"sets\":[{\"name\":\"tune\",\"digest\":\"d\",\"real\":%d,\"generated\":%d}],"
                        "\"perturbations\":%s,\"seed\":0,\"bf16\":false}}",
                        sha256, real, generated, perturbations);
    scratch_write(path, text, (size_t)size);
}

/* Real logits -2 to 1.9 (camera) and -3 to 0.9 (phone), art -1 to 2.9, generated -1 to 2.9 and 0 to 3.9; all moved by 1
 * where they were perturbed. */
static void write_run(const char *folder, const char *model)
{
    struct array text = array_of(1, 1 << 20);
    char path[64];
    write_record(folder, model, 120, 80, "[\"\",\"jpeg:50\"]");
    for (int p = 0; p < 2; p++) {
        const char *chain = p ? "jpeg:50" : "";
        add(&text, "camera", LABEL_REAL, false, chain, -2 + p, 40);
        add(&text, "phone", LABEL_REAL, false, chain, -3 + p, 40);
        add(&text, "art-prints", LABEL_REAL, true, chain, -1 + p, 40);
        add(&text, "gen-a", LABEL_GENERATED, false, chain, -1 + p, 40);
        add(&text, "gen-b", LABEL_GENERATED, false, chain, 0 + p, 40);
    }
    snprintf(path, sizeof path, "%s/predictions.jsonl", folder);
    scratch_write(path, text.data, text.count);
    array_free(&text);
}

static int setup(void **state)
{
    (void)state;
    scratch_begin();
    unsetenv("ASSAY_MODEL");
    mkdir("set", 0777);
    mkdir("set/real", 0777);
    mkdir("set/ai", 0777);
    make_folder("set/real/camera", 0, 6, 33);
    make_folder("set/real/art-prints", 10, 4, 33);
    make_folder("set/ai/gen-a", 20, 5, 34);
    make_folder("set/ai/gen-b", 40, 4, 40);
    scratch_write("set/real/camera/broken.jpg", "\xFF\xD8\xFF", 3);
    mkdir("half", 0777);
    make_folder("half/real", 0, 3, 32);
    scratch_model("one.safetensors", true);
    scratch_model("two.safetensors", false);
    write_run("run", "two.safetensors");
    return 0;
}

static json_t *told(struct outcome *o)
{
    json_t *object = json_loads(o->out, JSON_REJECT_DUPLICATES, NULL);
    if (o->status != 0 || !object)
        fail_msg("status %d:\n%s%s", o->status, o->out, o->err);
    outcome_free(o);
    return object;
}

/* A number below keys "a.b.c". */
static double number(const json_t *object, const char *path)
{
    char key[64];
    while (*path) {
        size_t length = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)length, path);
        object = json_object_get(object, key);
        path += length + (path[length] == '.');
    }
    if (!json_is_number(object))
        fail_msg("no number %s", path);
    return json_number_value(object);
}

static void near(double value, double expected)
{
    if (!(fabs(value - expected) < 1e-6))
        fail_msg("%.9g, not %.9g", value, expected);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

/* Counted by hand: two of the 40 of "camera" make a share of 0.025 over both real sources. */
static void test_run(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "model", "calibrate", "--json", "--run", "run", "--guard", "0", "--max-uncertain", "1",
        "--max-false-generated", "0.025", "--max-false-art", "0.5", "--max-false-real", "0.05", "two.safetensors");
    json_t *j = told(&o);
    near(number(j, "verdicts.real.ai-generated"), 0.025);
    near(number(j, "verdicts.ai-generated.real"), 0.05);
    assert_true(number(j, "verdicts.real.pictures") == 80 && number(j, "verdicts.real.sources") == 2);
    assert_true(number(j, "verdicts.art.pictures") == 40 && number(j, "verdicts.ai-generated.sources") == 2);
    double scale = number(j, "calibration.scale"), shift = number(j, "calibration.shift");
    double above = number(j, "calibration.generated_above"), below = number(j, "calibration.real_below");
    near(above, 1 / (1 + exp(-(scale * 1.7 + shift)))); /* just above the third of the highest */
    near(below, 1 / (1 + exp(-(scale * -0.6 + shift))));
    near(number(j, "options.max_false_art"), 0.5);
    json_decref(j);

    /* art asks for more: at most 4 of its 40 */
    RUN(&o, "model", "calibrate", "--json", "--run", "run", "--guard", "0", "--max-uncertain", "1", "--max-false-art",
        "0.1", "two.safetensors");
    j = told(&o);
    near(number(j, "verdicts.art.ai-generated"), 0.1);
    near(number(j, "verdicts.real.ai-generated"), 0);
    double uncertain = number(j, "uncertain");
    assert_true(uncertain > 0.5);
    json_decref(j);

    /* so many may not be uncertain: more are called real */
    RUN(&o, "model", "calibrate", "--json", "--run", "run", "--guard", "0", "two.safetensors", "--max-uncertain",
        "0.5");
    j = told(&o);
    assert_true(number(j, "uncertain") <= 0.5 && number(j, "uncertain") > 0.45);
    assert_true(number(j, "verdicts.ai-generated.real") > 0.05);
    near(number(j, "verdicts.art.ai-generated"), 0.1);
    json_decref(j);

    /* room for how the sources differ */
    RUN(&o, "model", "calibrate", "--json", "--run", "run", "--max-false-art", "0.9", "--max-uncertain", "1",
        "two.safetensors");
    j = told(&o);
    near(number(j, "verdicts.real.ai-generated"), 0.025); /* 0.05 in one, 0 in the other: 0.025 + 0.025 */
    json_decref(j);

    RUN(&o, "model", "calibrate", "--json", "--run", "run", "--perturbed", "two.safetensors");
    j = told(&o);
    assert_true(number(j, "verdicts.real.pictures") == 160 && number(j, "verdicts.real.sources") == 2);
    json_decref(j);
}

/* The model that is written: the same scores, other verdicts, a record, and the run still counts as its own. */
static void test_written(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "model", "calibrate", "--run", "run", "--out", "new.safetensors", "two.safetensors");
    assert_int_equal(o.status, 0);
    assert_string_equal(o.err, "");
    assert_non_null(strstr(o.out, "real                80        2"));
    assert_non_null(strstr(o.out, "ai-generated at most 0.05\n"));
    assert_non_null(strstr(o.out, "real and ai-generated, at most 0.4"));
    outcome_free(&o);

    RUN(&o, "model", "info", "--json", "new.safetensors");
    json_t *info = told(&o);
    double scale = number(info, "calibration.scale"), shift = number(info, "calibration.shift");
    assert_int_equal(json_array_size(json_object_get(json_object_get(info, "verdicts"), "before")), 1);
    near(number(info, "verdicts.calibrated.options.guard"), 1);
    near(number(info, "verdicts.calibrated.from.run.seed"), 0);
    json_decref(info);
    RUN(&o, "model", "info", "new.safetensors");
    assert_non_null(strstr(o.out, "calibrated"));
    outcome_free(&o);

    RUN(&o, "detect", "--json", "--model", "two.safetensors", "set/ai/gen-a/20.png");
    json_t *plain = told(&o);
    RUN(&o, "detect", "--json", "--model", "new.safetensors", "set/ai/gen-a/20.png");
    json_t *new = told(&o);
    assert_string_equal(json_string_value(json_object_get(plain, "verdict")), "uncalibrated");
    assert_string_not_equal(json_string_value(json_object_get(new, "verdict")), "uncalibrated");
    double p = number(plain, "probability"), logit = log(p / (1 - p));
    assert_true(fabs(number(new, "probability") - 1 / (1 + exp(-(scale * logit + shift)))) < 1e-4);
    json_decref(plain);
    json_decref(new);

    /* once more, over itself, and again */
    for (int i = 0; i < 2; i++) {
        RUN(&o, "model", "calibrate", "--run", "run", "--out", "new.safetensors", "--guard", i ? "0" : "2",
            "new.safetensors");
        assert_int_equal(o.status, 0);
        outcome_free(&o);
    }
    RUN(&o, "model", "info", "--json", "new.safetensors");
    info = told(&o);
    assert_int_equal(json_array_size(json_object_get(json_object_get(info, "verdicts"), "before")), 3);
    near(number(info, "verdicts.calibrated.options.guard"), 0);
    json_decref(info);

    /* another model with other weights does not take it */
    RUN(&o, "model", "calibrate", "--run", "run", "one.safetensors");
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "run/run.json: the run is not of this model (SHA-256 "));
    assert_non_null(strstr(o.err, "but of m (SHA-256 "));
    outcome_free(&o);
}

/* Judging the pictures gives what an evaluation of them gives. */
static void test_data(void **state)
{
    (void)state;
    struct outcome o;
    RUN(&o, "eval", "--model", "one.safetensors", "--data", "set", "--out", "own", "--no-report", "--intervals", "0",
        "--no-progress");
    assert_int_equal(o.status, 1); /* one picture is broken */
    outcome_free(&o);
    RUN(&o, "model", "calibrate", "--json", "--run", "own", "one.safetensors");
    assert_non_null(strstr(o.err, "note: 1 pictures could not be judged"));
    json_t *run_told = told(&o);
    RUN(&o, "model", "calibrate", "--json", "--data", "set", "one.safetensors");
    assert_non_null(strstr(o.err, "broken.jpg"));
    json_t *data_told = told(&o);
    static const char *const paths[] = {"calibration.scale",           "calibration.shift", "calibration.real_below",
                                        "calibration.generated_above", "calibration_error", "verdicts.art.uncertain",
                                        "verdicts.real.pictures",      "left_out"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        double a = number(run_told, paths[i]), b = number(data_told, paths[i]);
        if (!(fabs(a - b) <= 1e-3 * fmax(1, fabs(a))))
            fail_msg("%s: %g and %g", paths[i], a, b);
    }
    assert_true(number(data_told, "verdicts.real.pictures") == 6 && number(data_told, "verdicts.art.pictures") == 4);
    assert_int_equal(strlen(json_string_value(json_object_get(json_object_get(data_told, "from"), "digest"))), 64);
    json_decref(run_told);
    json_decref(data_told);
}

static void refused(const char *const *args, int status, const char *message)
{
    struct outcome o;
    run(&(struct launch){.args = args}, &o);
    if (o.status != status || o.out[0] || !strstr(o.err, message))
        fail_msg("status %d, expected %d and \"%s\":\n%s%s", o.status, status, message, o.out, o.err);
    outcome_free(&o);
}

#define REFUSED(status, message, ...)                                                                                  \
    refused((const char *const[]){"model", "calibrate", __VA_ARGS__, NULL}, status, message)

/* ---- limits ------------------------------------------------------------------------------------------------------ */

/* Two real and two generated sources of 20 pictures each, `width` x 200 pixels, under a chain; logits of the generated
 * are higher by `apart`, by no whole tenth, so that the area under the curve is known. */
static void add_set(struct array *text, const char *chain, int width, double apart)
{
    static const char *const sources[] = {"camera", "phone", "gen-a", "gen-b"};
    for (int s = 0; s < 4; s++)
        for (int i = 0; i < 20; i++) {
            char name[64];
            snprintf(name, sizeof name, "%s/%03d.jpg", sources[s], i);
            const struct prediction p = {.model = "m",
                                         .set = "tune",
                                         .perturbation = chain,
                                         .picture = name,
                                         .source = sources[s],
                                         .label = s < 2 ? LABEL_REAL : LABEL_GENERATED,
                                         .readable = true,
                                         .width = width,
                                         .height = 200,
                                         .bytes = 1000,
                                         .logit = (i * 7 % 20) * 0.1 + (s < 2 ? 0 : apart),
                                         .probability = 0.5,
                                         .verdict = ASSAY_UNCERTAIN};
            assert_int_equal(prediction_write(&p, text, NULL), ASSAY_OK);
        }
}

static void write_sweep(const char *folder, double at_chance, double at_quality)
{
    struct array text = array_of(1, 1 << 20);
    char path[64];
    write_record(folder, "two.safetensors", 40, 40,
                 "[\"\",\"resize:0.5\",\"crop:0.3\",\"resize:0.1\",\"resize:2\",\"blur:1\",\"jpeg:10\","
                 "\"jpeg:30\",\"jpeg:90\",\"jpeg:10..30\"]");
    add_set(&text, "", 150, 2);                   /* 128 to 191 */
    add_set(&text, "resize:0.5", 150, 1.05);      /* 64 to 95 */
    add_set(&text, "crop:0.3", 150, at_chance);   /* 45: 32 to 47 */
    add_set(&text, "resize:0.1", 150, at_chance); /* 15: 1 to 15 */
    add_set(&text, "resize:2", 150, 0);           /* enlarged: says nothing of size */
    add_set(&text, "blur:1", 150, 0);
    add_set(&text, "jpeg:10", 150, 0);
    add_set(&text, "jpeg:30", 150, at_quality);
    add_set(&text, "jpeg:90", 150, at_quality);
    add_set(&text, "jpeg:10..30", 150, 2); /* which quality is not known */
    snprintf(path, sizeof path, "%s/predictions.jsonl", folder);
    scratch_write(path, text.data, text.count);
    array_free(&text);
}

static void test_limits(void **state)
{
    (void)state;
    struct outcome o;
    write_sweep("sweep", 0, 1.05);
    RUN(&o, "model", "limits", "--json", "--run", "sweep", "two.safetensors");
    json_t *j = told(&o);
    assert_true(number(j, "limits.smallest_side") == 64 && number(j, "limits.lowest_jpeg_quality") == 30);
    const json_t *points = json_object_get(j, "points");
    static const double from[] = {1, 32, 64, 128, 10, 30, 90}, to[] = {15, 47, 95, 191, 10, 30, 90};
    static const double auroc[] = {0.5, 0.5, 0.8875, 1, 0.5, 0.8875, 0.8875};
    assert_int_equal(json_array_size(points), 7);
    for (size_t i = 0; i < 7; i++) {
        const json_t *p = json_array_get(points, i);
        assert_true(number(p, "from") == from[i] && number(p, "to") == to[i]);
        assert_true(number(p, "real") == 40 && number(p, "generated") == 40);
        near(number(p, "auroc"), auroc[i]);
        assert_true(number(p, "low") <= auroc[i] && number(p, "high") >= auroc[i]);
        assert_int_equal(json_is_true(json_object_get(p, "better")), auroc[i] > 0.6);
    }
    json_decref(j);

    /* the same again, byte for byte; written, and obeyed */
    struct outcome first, second;
    RUN(&first, "model", "limits", "--run", "sweep", "two.safetensors");
    RUN(&second, "model", "limits", "--run", "sweep", "--out", "limited.safetensors", "two.safetensors");
    assert_int_equal(second.status, 0);
    assert_string_equal(first.out, second.out);
    assert_non_null(strstr(first.out, "0.500  "));
    assert_int_equal(count_of(first.out, "no better than chance"), 3);
    assert_non_null(strstr(first.out, "smallest side        64 pixels\nlowest JPEG quality  30\n"));
    outcome_free(&first);
    outcome_free(&second);
    RUN(&o, "model", "calibrate", "--run", "run", "--out", "limited.safetensors", "limited.safetensors");
    assert_int_equal(o.status, 0); /* the run is of the file before */
    outcome_free(&o);
    RUN(&o, "model", "info", "--json", "limited.safetensors");
    j = told(&o);
    near(number(j, "limits.smallest_side"), 64);
    near(number(j, "verdicts.limited.options.margin"), 0.05);
    near(number(j, "verdicts.calibrated.options.guard"), 1);
    json_decref(j);
    RUN(&o, "detect", "--json", "--model", "limited.safetensors", "set/ai/gen-a/20.png");
    j = told(&o);
    assert_string_equal(json_string_value(json_object_get(j, "verdict")), "uncertain");
    assert_string_equal(json_string_value(json_object_get(json_object_get(j, "reasons"), "limit")), "too small");
    json_decref(j);

    /* evaluation counts what detect says */
    RUN(&o, "eval", "--model", "limited.safetensors", "--data", "set", "--out", "limited-run", "--no-report",
        "--intervals", "0", "--no-progress");
    outcome_free(&o);
    char *text = (char *)scratch_read("limited-run/predictions.jsonl", NULL);
    assert_int_equal(count_of(text, "\"verdict\":\"uncertain\""), 19);
    assert_int_equal(count_of(text, "\"verdict\""), 19);
    free(text);

    /* all sizes that were measured are better than chance: none below them was */
    write_sweep("fine", 1.05, 1.05);
    RUN(&o, "model", "limits", "--json", "--run", "fine", "two.safetensors");
    j = told(&o);
    assert_true(number(j, "limits.smallest_side") == 1);
    json_decref(j);
    /* a wider margin than what was found */
    RUN(&o, "model", "limits", "--json", "--run", "sweep", "--margin", "0.49", "two.safetensors");
    assert_int_equal(o.status, 1);
    outcome_free(&o);
    /* no sweep: one size, no quality */
    RUN(&o, "model", "limits", "--json", "--run", "run", "two.safetensors");
    j = told(&o);
    assert_true(number(j, "limits.smallest_side") == 96 && number(j, "limits.lowest_jpeg_quality") == 50);
    json_decref(j);
}

static void test_refused(void **state)
{
    (void)state;
    REFUSED(2, "name what to choose on", "two.safetensors");
    REFUSED(2, "name what to choose on", "--run", "run", "--data", "set", "two.safetensors");
    REFUSED(2, "--perturbed is for --run", "--data", "set", "--perturbed", "two.safetensors");
    REFUSED(2, "--layout and --split are for --data", "--run", "run", "--split", "val", "two.safetensors");
    REFUSED(2, "one model file at a time", "--run", "run", "one.safetensors", "two.safetensors");
    REFUSED(2, "max-false-art", "--run", "run", "--max-false-art", "1", "two.safetensors");
    REFUSED(2, "guard", "--run", "run", "--guard", "-1", "two.safetensors");
    REFUSED(1, "set: no run of 'assay eval' is there: it has no run.json", "--run", "set", "two.safetensors");
    REFUSED(1, "nowhere", "--run", "nowhere", "two.safetensors");
    REFUSED(1, "nothing.safetensors", "--run", "run", "nothing.safetensors");
    REFUSED(1, "half", "--data", "half", "two.safetensors");

    write_run("short", "two.safetensors");
    size_t size;
    uint8_t *bytes = scratch_read("short/predictions.jsonl", &size);
    scratch_write("short/predictions.jsonl", bytes, size - 1);
    REFUSED(1, "short/predictions.jsonl: the run is not finished: 399 of 400 judgements", "--run", "short",
            "two.safetensors");
    bytes[0] = '[';
    scratch_write("short/predictions.jsonl", bytes, size);
    REFUSED(1, "short/predictions.jsonl, line 1", "--run", "short", "two.safetensors");
    free(bytes);

    struct array text = array_of(1, 1 << 20);
    write_record("real", "two.safetensors", 3, 0, "[\"jpeg:50\"]");
    add(&text, "camera", LABEL_REAL, false, "jpeg:50", 0, 3);
    scratch_write("real/predictions.jsonl", text.data, text.count);
    array_free(&text);
    REFUSED(1, "real/predictions.jsonl: no picture was judged as it is", "--run", "real", "two.safetensors");
    REFUSED(1, "calibration needs pictures of both classes: there are no generated ones", "--run", "real",
            "--perturbed", "two.safetensors");
    const char *const few[] = {"model", "limits", "--run", "real", "two.safetensors", NULL};
    refused(few, 1, "nothing to find limits by");
    write_sweep("useless", 0, 0);
    const char *const useless[] = {"model", "limits", "--run", "useless", "two.safetensors", NULL};
    refused(useless, 1, "at no JPEG quality is the model better than chance");
    const char *const unnamed[] = {"model", "limits", "two.safetensors", NULL};
    refused(unnamed, 2, "name the evaluation to go by: --run DIR");
    const char *const other[] = {"model", "limits", "--run", "run", "one.safetensors", NULL};
    refused(other, 1, "the run is not of this model");
    scratch_write("real/run.json", "{}", 2);
    REFUSED(1, "real/run.json: not the record of an evaluation", "--run", "real", "two.safetensors");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run),    cmocka_unit_test(test_written), cmocka_unit_test(test_data),
        cmocka_unit_test(test_limits), cmocka_unit_test(test_refused),
    };
    if (!scratch_take_program(argc, argv))
        return 2;
    return cmocka_run_group_tests(tests, setup, scratch_end_group);
}
