/* Each protocol on small sets whose figures are worked out by hand. */
#include "protocol_case.h"

#include "image/perturbation.h"

enum { R = LABEL_REAL, G = LABEL_GENERATED };

static struct protocol_case c; /* large; begun anew by each test */

static struct protocol_case *fresh(void)
{
    memset(&c, 0, sizeof c);
    return &c;
}

/* Every entry of the table makes sense, and every layout has its protocol. */
static void test_table(void **state)
{
    (void)state;
    size_t count;
    const struct protocol *list = protocol_list(&count);
    struct assay_error error = {0};
    assert_true(count >= 14);
    assert_string_equal(list[0].name, "assay");
    for (size_t i = 0; i < count; i++) {
        const struct protocol *p = &list[i];
        struct perturbation chain;
        assert_ptr_equal(protocol_find(p->name), p);
        assert_int_equal(perturbation_parse(p->perturbation, &chain, &error), ASSAY_OK);
        assert_string_equal(chain.text, p->perturbation);
        for (int f = 0; f < PROTOCOL_SHOWN; f++)
            assert_true(p->shown[f] >= (f ? -1 : 0) && p->shown[f] < FIGURE_COUNT);
        bool best = p->threshold == PROTOCOL_BEST_LARE || p->threshold == PROTOCOL_BEST_UNIVFD;
        assert_int_equal(metrics_figure_info[protocol_leading(p)].optimistic, best);
        assert_int_equal(strncmp(p->notes, "OPTIMISTIC", 10) == 0, best);
        assert_int_equal(p->reals == PROTOCOL_REALS_PAIRED, p->pairs != NULL);
        assert_int_equal(p->sampling != PROTOCOL_TAKE_ALL, p->max_per_class > 0);
        assert_int_equal(p->mean == PROTOCOL_MEAN_NONE, p->rows == PROTOCOL_ROWS_ONE);
        if (p->mean == PROTOCOL_MEAN_GROUPS)
            assert_int_equal(p->rows, PROTOCOL_ROWS_SOURCE);
        json_t *told = protocol_to_json(p);
        assert_string_equal(json_string_value(json_object_get(told, "name")), p->name);
        assert_true(json_array_size(json_object_get(told, "shown")) >= 1);
        json_decref(told);
    }
}

/* The manual has every protocol and every figure by its name. */
static void test_manual(void **state)
{
    (void)state;
    static char manual[200000];
    FILE *file = fopen(ASSAY_TEST_DIR "/../docs/evaluation.md", "rb");
    assert_non_null(file);
    manual[fread(manual, 1, sizeof manual - 1, file)] = '\0';
    fclose(file);
    size_t count;
    const struct protocol *list = protocol_list(&count);
    for (size_t i = 0; i < count + FIGURE_COUNT; i++) {
        char quoted[64];
        const char *name = i < count ? list[i].name : metrics_figure_info[i - count].name;
        snprintf(quoted, sizeof quoted, "`%s`", name);
        if (!strstr(manual, quoted))
            fail_msg("docs/evaluation.md does not tell of %s", name);
    }
}

static void test_find(void **state)
{
    (void)state;
    struct assay_error error = {0};
    const struct protocol *p;
    assert_string_equal(protocol_find("UnivFD")->name, "univfd");
    assert_string_equal(protocol_find("GenImage LaRE2")->name, "genimage-lare2");
    assert_null(protocol_find("univ"));
    assert_null(protocol_find(""));
    assert_int_equal(protocol_named("cameleon", &p, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "there is no protocol 'cameleon'; did you mean \"chameleon\""));
    assert_int_equal(protocol_named("chameleon", &p, &error), ASSAY_OK);
    assert_string_equal(protocol_for_layout("univfd")->name, "univfd");
    assert_string_equal(protocol_for_layout("DRCT-2M")->name, "drct-2m");
    assert_string_equal(protocol_for_layout("folders")->name, "assay");
    assert_string_equal(protocol_for_layout("never heard of")->name, "assay");
    assert_string_equal(protocol_for_layout(NULL)->name, "assay");
    const struct dataset_layout *layout;
    for (size_t i = 0; (layout = dataset_layout_at(i)) != NULL; i++) {
        const char *of = protocol_for_layout(layout->name)->name;
        bool list = strcmp(layout->name, "folders") == 0 || strcmp(layout->name, "csv") == 0 ||
                    strcmp(layout->name, "json") == 0 || strcmp(layout->name, "text") == 0;
        assert_string_equal(of, list ? "assay" : layout->name);
    }
}

/* Ours: g1 against real a (half right) and b (right), each counting the same; art apart. */
static void test_assay(void **state)
{
    (void)state;
    fresh();
    case_add(&c, R, "a", "1.png", -2);
    case_add(&c, R, "a", "2.png", 0.5);
    case_add(&c, R, "b", "1.png", -3);
    case_add(&c, R, "art-x", "1.png", 2);
    case_add(&c, G, "g1", "1.png", 2);
    case_add(&c, G, "g1", "2.png", 3);
    case_add(&c, G, "g2", "1.png", 4);
    case_add(&c, G, "g2", "2.png", -4);
    struct protocol_table table = case_table(&c, "assay", NULL);
    assert_int_equal(table.count, 6);
    case_is(&table, PROTOCOL_ROW_GENERATED, "g1", FIGURE_REAL_ACCURACY, 0.75);
    case_is(&table, PROTOCOL_ROW_GENERATED, "g1", FIGURE_ACCURACY, 0.875);
    case_is(&table, PROTOCOL_ROW_GENERATED, "g2", FIGURE_BALANCED_ACCURACY, 0.625);
    case_is(&table, PROTOCOL_ROW_GENERATED, "g1", FIGURE_AUROC, 1);
    case_is(&table, PROTOCOL_ROW_GENERATED, "g2", FIGURE_AUROC, 0.5);
    case_is(&table, PROTOCOL_ROW_REAL, "a", FIGURE_REAL_ACCURACY, 0.5);
    case_is(&table, PROTOCOL_ROW_REAL, "b", FIGURE_REAL_ACCURACY, 1);
    case_is(&table, PROTOCOL_ROW_ART, "art-x", FIGURE_REAL_ACCURACY, 0);
    case_is(&table, PROTOCOL_ROW_MEAN, "mean", FIGURE_BALANCED_ACCURACY, 0.75);
    case_is(&table, PROTOCOL_ROW_MEAN, "mean", FIGURE_AUROC, 0.75);
    assert_int_equal(table.rows[5].kind, PROTOCOL_ROW_MEAN);
    assert_int_equal(table.rows[5].judged[R], 3);
    assert_int_equal(table.rows[0].judged[R], 3);
    assert_true(isnan(case_row(&table, PROTOCOL_ROW_REAL, "a")->figures.value[FIGURE_AUROC]));
    assert_true(isnan(table.rows[0].interval[FIGURE_ACCURACY].low));
    protocol_table_free(&table);

    /* By the verdict: a is real and uncertain, g2's second is called real. */
    table = case_table(&c, "assay-verdict", NULL);
    case_is(&table, PROTOCOL_ROW_MEAN, "mean", FIGURE_VERDICT_ACCURACY, 0.75);
    case_is(&table, PROTOCOL_ROW_MEAN, "mean", FIGURE_VERDICT_UNCERTAIN, 0.125);
    case_is(&table, PROTOCOL_ROW_MEAN, "mean", FIGURE_MISSED, 0.25);
    case_is(&table, PROTOCOL_ROW_MEAN, "mean", FIGURE_FALSE_ALARMS, 0);
    case_is(&table, PROTOCOL_ROW_ART, "art-x", FIGURE_FALSE_ALARMS, 1);
    protocol_table_free(&table);
}

/* Art alone is what there is: it counts. One class alone is no error. */
static void test_assay_odd(void **state)
{
    (void)state;
    fresh();
    case_add(&c, R, "art-x", "1.png", -1);
    case_add(&c, G, "g", "1.png", 1);
    struct protocol_table table = case_table(&c, "assay", NULL);
    case_is(&table, PROTOCOL_ROW_GENERATED, "g", FIGURE_ACCURACY, 1);
    case_is(&table, PROTOCOL_ROW_MEAN, "mean", FIGURE_AUROC, 1);
    protocol_table_free(&table);
    fresh();
    case_add(&c, G, "g", "1.png", 1);
    case_add(&c, G, "g", "2.png", -1);
    table = case_table(&c, "assay", NULL);
    case_is(&table, PROTOCOL_ROW_GENERATED, "g", FIGURE_GENERATED_ACCURACY, 0.5);
    assert_true(isnan(table.rows[0].figures.value[FIGURE_AUROC]));
    protocol_table_free(&table);
    fresh();
    table = case_table(&c, "assay", NULL);
    assert_int_equal(table.count, 1);
    assert_true(isnan(table.rows[0].figures.value[FIGURE_ACCURACY]));
    protocol_table_free(&table);
}

static void add_forensynths(void)
{
    fresh();
    case_fill(&c, R, "progan/cat", 2, -1, 0);
    case_fill(&c, G, "progan/cat", 2, 1, 0);
    case_fill(&c, R, "progan/car", 6, 1, 0); /* all wrong */
    case_fill(&c, G, "progan/car", 6, 2, 0);
    case_fill(&c, R, "biggan", 4, -1, 0);
    case_fill(&c, G, "biggan", 4, 1, -3); /* half of them */
    case_fill(&c, R, "aaa", 1, -1, 0);
    case_fill(&c, G, "aaa", 1, -2, 0);
}

static void test_forensynths(void **state)
{
    (void)state;
    add_forensynths();
    struct protocol_table table = case_table(&c, "forensynths", NULL);
    assert_int_equal(table.count, 4); /* in the authors' order, then others */
    assert_string_equal(table.rows[0].name, "progan");
    assert_string_equal(table.rows[1].name, "biggan");
    assert_string_equal(table.rows[2].name, "aaa");
    case_is(&table, PROTOCOL_ROW_GENERATED, "progan", FIGURE_ACCURACY, 10.0 / 16);
    case_is(&table, PROTOCOL_ROW_GENERATED, "progan", FIGURE_REAL_ACCURACY, 0.25);
    /* progan: 2 (6 generated), then 1 (2 generated, 6 real), then -1: 6/8 * 1 + 2/8 * 8/14 */
    case_is(&table, PROTOCOL_ROW_GENERATED, "progan", FIGURE_AVERAGE_PRECISION, 0.75 + 0.25 * 8 / 14);
    case_is(&table, PROTOCOL_ROW_GENERATED, "biggan", FIGURE_ACCURACY, 0.75);
    case_is(&table, PROTOCOL_ROW_MEAN, "mean", FIGURE_ACCURACY, (10.0 / 16 + 0.75 + 0.5) / 3);
    assert_int_equal(table.rows[3].judged[R], 13);
    protocol_table_free(&table);
}

static void test_forensynths_objects(void **state)
{
    (void)state;
    add_forensynths();
    struct protocol_table table = case_table(&c, "forensynths-objects", NULL);
    assert_string_equal(table.rows[0].name, "progan/car");
    assert_string_equal(table.rows[0].group, "progan");
    case_is(&table, PROTOCOL_ROW_GENERATED, "progan/car", FIGURE_ACCURACY, 0.5);
    case_is(&table, PROTOCOL_ROW_GENERATED, "progan/car", FIGURE_AVERAGE_PRECISION, 1);
    case_is(&table, PROTOCOL_ROW_GENERATED, "progan/cat", FIGURE_ACCURACY, 1);
    case_is(&table, PROTOCOL_ROW_GROUP, "progan", FIGURE_ACCURACY, 0.75);
    case_is(&table, PROTOCOL_ROW_GROUP, "biggan", FIGURE_ACCURACY, 0.75);
    case_is(&table, PROTOCOL_ROW_MEAN, "mean", FIGURE_ACCURACY, (0.75 + 0.75 + 0.5) / 3);
    assert_int_equal(case_row(&table, PROTOCOL_ROW_GROUP, "progan")->judged[G], 8);
    protocol_table_free(&table);
}

/* The protocols that differ in nothing but names and what they show. */
static void test_own_folders(void **state)
{
    (void)state;
    const char *const names[] = {"aigcdetect", "genimage", "opensdid"};
    for (int i = 0; i < 3; i++) {
        fresh();
        case_fill(&c, R, "ADM", 2, -1, 0);
        case_fill(&c, G, "ADM", 2, 1, -2); /* the second at -1: wrong */
        case_fill(&c, R, "sd15", 2, -1, 3);
        case_fill(&c, G, "sd15", 2, 3, 0);
        struct protocol_table table = case_table(&c, names[i], NULL);
        assert_int_equal(table.count, 3);
        assert_string_equal(table.rows[0].name, i == 2 ? "sd15" : "ADM");
        case_is(&table, PROTOCOL_ROW_GENERATED, "ADM", FIGURE_ACCURACY, 0.75);
        case_is(&table, PROTOCOL_ROW_GENERATED, "ADM", FIGURE_F1, 2.0 / 3);
        case_is(&table, PROTOCOL_ROW_GENERATED, "sd15", FIGURE_F1, 0.8);
        case_is(&table, PROTOCOL_ROW_MEAN, "mean", FIGURE_F1, (2.0 / 3 + 0.8) / 2);
        assert_int_equal(protocol_leading(table.protocol), i == 2 ? FIGURE_F1 : FIGURE_ACCURACY);
        protocol_table_free(&table);
    }
}

/* The threshold that is best on the test set: 2 for the first generator, where 0 gives 5 of 8. */
static void test_lare(void **state)
{
    (void)state;
    fresh();
    const double real[] = {-1, 1, 2, 1.5}, generated[] = {3, 4, 0.5, 5};
    for (int i = 0; i < 4; i++) {
        char file[8];
        snprintf(file, sizeof file, "%d.png", i);
        case_add(&c, R, "glide", file, real[i]);
        case_add(&c, G, "glide", file, generated[i]);
    }
    struct protocol_table table = case_table(&c, "genimage-lare2", NULL);
    assert_int_equal(protocol_leading(table.protocol), FIGURE_BEST_LARE);
    case_is(&table, PROTOCOL_ROW_GENERATED, "glide", FIGURE_ACCURACY, 5.0 / 8);
    case_is(&table, PROTOCOL_ROW_GENERATED, "glide", FIGURE_BEST_LARE, 7.0 / 8);
    protocol_table_free(&table);
    /* UnivFD's own: t = 3 is best with "at least", then "above" loses the picture that has it. */
    table = case_table(&c, "univfd-best", NULL);
    assert_int_equal(protocol_leading(table.protocol), FIGURE_BEST_UNIVFD);
    case_is(&table, PROTOCOL_ROW_GENERATED, "glide", FIGURE_BEST_UNIVFD, 6.0 / 8);
    protocol_table_free(&table);
}

static void test_drct(void **state)
{
    (void)state;
    fresh();
    case_fill(&c, R, "MSCOCO", 4, -1, 0);
    case_fill(&c, G, "sd-turbo", 2, -1, 2); /* one right */
    case_fill(&c, G, "stable-diffusion-v1-4", 2, 1, 0);
    struct protocol_table table = case_table(&c, "drct-2m", NULL);
    assert_string_equal(table.rows[0].name, "stable-diffusion-v1-4");
    assert_string_equal(table.rows[0].reals, "all real");
    case_is(&table, PROTOCOL_ROW_GENERATED, "sd-turbo", FIGURE_ACCURACY, 5.0 / 6);
    case_is(&table, PROTOCOL_ROW_MEAN, "mean", FIGURE_ACCURACY, (5.0 / 6 + 1) / 2);
    assert_int_equal(table.rows[2].judged[R], 4); /* each once */
    protocol_table_free(&table);
}

static void test_synris(void **state)
{
    (void)state;
    fresh();
    case_fill(&c, R, "real", 2, -1, 2); /* -1 and 1 */
    case_fill(&c, G, "SDXL", 2, 0, 2);  /* 0 and 2: 3 of 4 pairs */
    case_fill(&c, G, "DALLE3", 1, 5, 0);
    struct protocol_table table = case_table(&c, "synris", NULL);
    case_is(&table, PROTOCOL_ROW_GENERATED, "SDXL", FIGURE_AUROC, 0.75);
    case_is(&table, PROTOCOL_ROW_MEAN, "mean", FIGURE_AUROC, 0.875);
    assert_int_equal(protocol_leading(table.protocol), FIGURE_AUROC);
    protocol_table_free(&table);
}

static void test_one_row(void **state)
{
    (void)state;
    fresh();
    case_fill(&c, R, "x", 3, -1, 2);
    case_fill(&c, R, "art-y", 1, 1, 0); /* these count it like any */
    case_fill(&c, G, "z", 4, 1, 0);
    struct protocol_table table = case_table(&c, "chameleon", NULL);
    assert_int_equal(table.count, 1);
    case_is(&table, PROTOCOL_ROW_GENERATED, "all", FIGURE_ACCURACY, 6.0 / 8);
    case_is(&table, PROTOCOL_ROW_GENERATED, "all", FIGURE_REAL_ACCURACY, 0.5);
    protocol_table_free(&table);
    fresh();
    case_fill(&c, G, "columbia", 4, 1, -2);
    struct assay_error error = {0};
    assert_int_equal(protocol_summarise(protocol_find("chameleon"), c.predictions, c.count, NULL, &table, &error),
                     ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "protocol chameleon: there are no real pictures to compare 'all' with"));
}

/* Sets of altered pictures alone, and one with authentic ones. */
static void test_imdlbenco(void **state)
{
    (void)state;
    fresh();
    case_fill(&c, G, "columbia", 4, 1, -2);
    case_fill(&c, G, "casia", 2, 1, 0);
    case_fill(&c, R, "casia", 2, -1, 2);
    struct protocol_table table = case_table(&c, "imdlbenco", NULL);
    case_is(&table, PROTOCOL_ROW_GENERATED, "columbia", FIGURE_GENERATED_ACCURACY, 0.5);
    assert_true(isnan(case_row(&table, PROTOCOL_ROW_GENERATED, "columbia")->figures.value[FIGURE_AUROC]));
    case_is(&table, PROTOCOL_ROW_GENERATED, "casia", FIGURE_F1, 0.8);
    case_is(&table, PROTOCOL_ROW_MEAN, "mean", FIGURE_GENERATED_ACCURACY, 0.75);
    protocol_table_free(&table);
}

/* Two detectors on the same pictures: art is in no row, one picture was not judged by the second. */
static void test_compare(void **state)
{
    (void)state;
    fresh();
    case_fill(&c, R, "a", 4, -1, 2); /* 2 right */
    case_fill(&c, R, "art-b", 5, 1, 0);
    case_fill(&c, G, "g", 6, 2, 0); /* all right */
    size_t last = case_add(&c, G, "g", "only", 1);
    static struct prediction other[32];
    for (size_t i = 0; i < c.count; i++) {
        other[i] = c.predictions[c.count - 1 - i];
        other[i].logit = -other[i].logit; /* right where the first is wrong */
        other[i].verdict = other[i].label == G ? ASSAY_GENERATED : ASSAY_UNCERTAIN;
    }
    other[c.count - 1 - last].readable = false;
    struct protocol_comparison comparison;
    struct assay_error error = {0};
    const struct protocol *assay = protocol_find("assay");
    assert_int_equal(protocol_compare(assay, c.predictions, c.count, other, c.count, 0, &comparison, &error), ASSAY_OK);
    assert_int_equal(comparison.pictures, 10);
    assert_int_equal(comparison.left_out, 1);
    assert_int_equal(comparison.test.only_first, 8);
    assert_int_equal(comparison.test.only_second, 2);
    assert_int_equal(comparison.test.both_right + comparison.test.both_wrong, 0);
    near_to("p", "8 to 2", comparison.test.exact_p, 2 * (1 + 10 + 45) / 1024.0);
    /* By verdict the first is sure of g (logit 2) and of no real one, and so is the second. */
    assert_int_equal(protocol_compare(protocol_find("assay-verdict"), c.predictions, c.count, other, c.count, 0,
                                      &comparison, &error),
                     ASSAY_OK);
    assert_int_equal(comparison.test.both_right, 6);
    assert_int_equal(comparison.test.both_wrong, 4);
    near_to("p", "none differ", comparison.test.exact_p, 1);
    for (size_t i = 0; i < c.count; i++)
        other[i].verdict = ASSAY_UNCALIBRATED; /* then its logits count: right of the two at 1 alone */
    assert_int_equal(protocol_compare(protocol_find("assay-verdict"), c.predictions, c.count, other, c.count, 0,
                                      &comparison, &error),
                     ASSAY_OK);
    assert_int_equal(comparison.test.only_first, 6);
    assert_int_equal(comparison.test.only_second, 2);
    other[0] = other[1];
    assert_int_equal(protocol_compare(assay, c.predictions, c.count, other, c.count, 0, &comparison, &error),
                     ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "predicted twice"));
}

static void test_diffusionforensics(void **state)
{
    (void)state;
    fresh();
    case_fill(&c, R, "imagenet", 2, 1, 0); /* wrong */
    case_fill(&c, R, "lsun_bedroom", 2, -1, 0);
    case_fill(&c, G, "adm/imagenet", 2, 1, 0);
    case_fill(&c, G, "adm/lsun_bedroom", 2, 1, 0);
    case_fill(&c, G, "ddpm/lsun_bedroom", 2, -1, 0);
    struct protocol_table table = case_table(&c, "diffusionforensics", NULL);
    assert_int_equal(table.count, 4);
    case_is(&table, PROTOCOL_ROW_GENERATED, "adm/imagenet", FIGURE_ACCURACY, 0.5);
    case_is(&table, PROTOCOL_ROW_GENERATED, "adm/lsun_bedroom", FIGURE_ACCURACY, 1);
    case_is(&table, PROTOCOL_ROW_GENERATED, "ddpm/lsun_bedroom", FIGURE_ACCURACY, 0.5);
    case_is(&table, PROTOCOL_ROW_MEAN, "mean", FIGURE_ACCURACY, 2.0 / 3);
    assert_string_equal(table.rows[0].reals, "imagenet");
    protocol_table_free(&table);
}

/* Pictures that could not be read are counted, and in no figure. */
static void test_unreadable(void **state)
{
    (void)state;
    fresh();
    case_fill(&c, R, "MSCOCO", 3, -1, 0);
    case_fill(&c, G, "a", 2, 1, 0);
    case_fill(&c, G, "b", 2, -1, 0);
    c.predictions[2].readable = c.predictions[5].readable = c.predictions[6].readable = false;
    c.predictions[2].logit = NAN;
    struct protocol_table table = case_table(&c, "drct-2m", NULL);
    assert_int_equal(table.unreadable, 3);
    assert_int_equal(table.rows[0].unreadable[R], 1);
    assert_int_equal(table.rows[0].judged[R], 2);
    assert_int_equal(table.rows[1].unreadable[G], 2);
    assert_int_equal(table.rows[2].unreadable[R], 1);
    case_is(&table, PROTOCOL_ROW_GENERATED, "a", FIGURE_ACCURACY, 1);
    assert_true(isnan(table.rows[1].figures.value[FIGURE_AUROC]));
    assert_true(isnan(table.rows[2].figures.value[FIGURE_AUROC])); /* a row that lacks it: so does the mean */
    protocol_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_manual),
        cmocka_unit_test(test_assay),
        cmocka_unit_test(test_assay_odd),
        cmocka_unit_test(test_forensynths),
        cmocka_unit_test(test_forensynths_objects),
        cmocka_unit_test(test_own_folders),
        cmocka_unit_test(test_lare),
        cmocka_unit_test(test_drct),
        cmocka_unit_test(test_synris),
        cmocka_unit_test(test_one_row),
        cmocka_unit_test(test_diffusionforensics),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_imdlbenco),
        cmocka_unit_test(test_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
