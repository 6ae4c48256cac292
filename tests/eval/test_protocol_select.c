/* Which pictures count: UnivFD's drawing and its rule of names, Co-Spy's cap, that what was drawn is drawn again, and
 * what is refused. Intervals, and failing allocations. */
#include "protocol_case.h"

#include "failing_malloc.h"

enum { R = LABEL_REAL, G = LABEL_GENERATED };

static struct protocol_case c, taken;

static struct protocol_selection select_by(const char *protocol, uint64_t seed)
{
    struct protocol_selection selection;
    struct assay_error error = {0};
    struct dataset dataset = case_dataset(&c);
    if (protocol_select(protocol_find(protocol), &dataset, seed, &selection, &error))
        fail_msg("%s: %s", protocol, error.message);
    return selection;
}

static void refused(const char *protocol, const char *why)
{
    struct protocol_selection selection;
    struct protocol_table table;
    struct assay_error error = {0};
    struct dataset dataset = case_dataset(&c);
    assert_int_equal(protocol_select(protocol_find(protocol), &dataset, 0, &selection, &error), ASSAY_ERROR_ARGUMENT);
    if (!strstr(error.message, why))
        fail_msg("%s", error.message);
    assert_int_equal(protocol_summarise(protocol_find(protocol), c.predictions, c.count, NULL, &table, &error),
                     ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, why));
}

static size_t count_of(const struct protocol_selection *s, int label, const char *source)
{
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++)
        count +=
            c.predictions[s->pictures[i]].label == label && strcmp(c.predictions[s->pictures[i]].source, source) == 0;
    return count;
}

/* What is left of the predictions when only the chosen pictures were judged. */
static void keep_taken(const struct protocol_selection *s)
{
    memset(&taken, 0, sizeof taken);
    for (size_t i = 0; i < s->count; i++)
        taken.predictions[taken.count++] = c.predictions[s->pictures[i]];
}

static void same_tables(const struct protocol_table *a, const struct protocol_table *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t r = 0; r < a->count; r++) {
        assert_string_equal(a->rows[r].name, b->rows[r].name);
        assert_memory_equal(a->rows[r].judged, b->rows[r].judged, sizeof a->rows[r].judged);
        for (int f = 0; f < FIGURE_COUNT; f++) {
            near_to("figure", a->rows[r].name, a->rows[r].figures.value[f], b->rows[r].figures.value[f]);
            near_to("low", a->rows[r].name, a->rows[r].interval[f].low, b->rows[r].interval[f].low);
            near_to("high", a->rows[r].name, a->rows[r].interval[f].high, b->rows[r].interval[f].high);
        }
    }
}

static void add_univfd(void)
{
    memset(&c, 0, sizeof c);
    case_fill(&c, R, "laion", 1200, -2, 3);
    case_fill(&c, G, "ldm_200", 1100, 2, -3);
    case_fill(&c, G, "dalle", 1000, 2, 0);
    case_fill(&c, G, "glide_50_27", 500, -1, 3); /* fewer than 1000: 100 of each */
    case_fill(&c, R, "imagenet", 130, -2, 0);
    case_fill(&c, G, "guided", 150, 2, -3);
    case_fill(&c, R, "biggan", 60, -2, 0);
    case_fill(&c, G, "biggan", 60, 2, 0); /* fewer than 100, but as many: all of them, as there */
}

static void test_univfd(void **state)
{
    (void)state;
    add_univfd();
    struct protocol_selection s = select_by("univfd", 7);
    assert_int_equal(count_of(&s, R, "laion"), 1000); /* the same ones against each */
    assert_int_equal(count_of(&s, G, "ldm_200"), 1000);
    assert_int_equal(count_of(&s, G, "dalle"), 1000);
    assert_int_equal(count_of(&s, G, "glide_50_27"), 100);
    assert_int_equal(count_of(&s, R, "imagenet"), 100);
    assert_int_equal(count_of(&s, G, "guided"), 100);
    assert_int_equal(count_of(&s, R, "biggan"), 60);
    assert_int_equal(s.left[PROTOCOL_TAKEN], s.count);
    assert_int_equal(s.left[PROTOCOL_LEFT_BY_SAMPLING], c.count - s.count);
    for (size_t i = 1; i < s.count; i++)
        assert_true(s.pictures[i - 1] < s.pictures[i]);
    keep_taken(&s);

    struct protocol_options options = {.seed = 7};
    struct protocol_table all = case_table(&c, "univfd", &options), some = case_table(&taken, "univfd", &options);
    same_tables(&all, &some);
    assert_string_equal(all.rows[0].name, "biggan");
    assert_string_equal(all.rows[1].name, "guided");
    assert_string_equal(all.rows[1].reals, "imagenet");
    assert_string_equal(all.rows[2].reals, "laion");
    const struct protocol_row *glide = case_row(&all, PROTOCOL_ROW_GENERATED, "glide_50_27");
    assert_int_equal(glide->judged[R], 100);
    assert_int_equal(glide->judged[G], 100);
    assert_int_equal(all.passed_over, c.count - s.count);
    assert_int_equal(some.passed_over, 0);
    protocol_table_free(&all);
    protocol_table_free(&some);

    struct protocol_selection other = select_by("univfd", 8), again = select_by("univfd", 7);
    assert_int_equal(again.count, s.count);
    assert_memory_equal(again.pictures, s.pictures, s.count * sizeof *s.pictures);
    assert_memory_not_equal(other.pictures, s.pictures, s.count * sizeof *s.pictures);
    protocol_selection_free(&s);
    protocol_selection_free(&other);
    protocol_selection_free(&again);
}

/* split(".")[1] of the file name. */
static void test_univfd_names(void **state)
{
    (void)state;
    memset(&c, 0, sizeof c);
    const struct {
        const char *file;
        bool counts;
    } files[] = {{"a.png", true},    {"b.jpg", true},   {"c.JPEG", true}, {"d.jpeg", true}, {"e.bmp", true},
                 {"f.x.png", false}, {"g.png.x", true}, {"h.PNG", false}, {"i.JPG", false}, {"j.webp", false},
                 {"k", false},       {"l.", false},     {"m.pn", false},  {"n.pngx", false}};
    size_t counting = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        case_add(&c, R, "san", files[i].file, -1);
        case_add(&c, G, "san", files[i].file, 1);
        counting += files[i].counts;
    }
    struct protocol_selection s = select_by("univfd", 0);
    assert_int_equal(s.count, 2 * counting);
    for (size_t i = 0; i < c.count; i++)
        assert_int_equal(s.choice[i], files[i / 2].counts ? PROTOCOL_TAKEN : PROTOCOL_LEFT_BY_NAME);
    assert_int_equal(s.left[PROTOCOL_LEFT_BY_NAME], c.count - 2 * counting);
    protocol_selection_free(&s);
}

/* The first min(2000, real, generated) by name; PNG alone; the reals of the own set. */
static void test_cospy(void **state)
{
    (void)state;
    memset(&c, 0, sizeof c);
    case_fill(&c, R, "mscoco", 2300, -1, 0);
    case_fill(&c, G, "x@m/mscoco", 2100, 1, -2);
    case_fill(&c, G, "x@n/mscoco", 50, 1, 0);
    case_fill(&c, R, "sbu", 40, 1, -2);
    case_fill(&c, R, "unused", 5, 1, 0);
    case_fill(&c, G, "x@m/sbu", 60, 1, 0);
    case_add(&c, G, "x@m/sbu", "0000.jpg", 1);
    struct protocol_selection s = select_by("cospy", 0);
    assert_int_equal(count_of(&s, R, "mscoco"), 2000);
    assert_int_equal(count_of(&s, G, "x@m/mscoco"), 2000);
    assert_int_equal(count_of(&s, G, "x@n/mscoco"), 50);
    assert_int_equal(count_of(&s, R, "sbu"), 40);
    assert_int_equal(count_of(&s, G, "x@m/sbu"), 40);
    assert_int_equal(s.left[PROTOCOL_LEFT_BY_NAME], 1);
    assert_int_equal(s.left[PROTOCOL_LEFT_WITHOUT_ROW], 5);
    for (size_t i = 0; i < s.count; i++) { /* the first ones */
        unsigned number = 0;
        const char *name = strrchr(c.names[s.pictures[i]], '/') + 1;
        for (int digit = 0; digit < 4; digit++)
            number = 10 * number + (unsigned)(name[digit] - '0');
        assert_true(number < 2000);
    }
    keep_taken(&s);
    struct protocol_table all = case_table(&c, "cospy", NULL), some = case_table(&taken, "cospy", NULL);
    same_tables(&all, &some);
    assert_string_equal(all.protocol->perturbation, "jpeg:95");
    case_is(&all, PROTOCOL_ROW_GENERATED, "x@m/mscoco", FIGURE_ACCURACY, 0.75);
    case_is(&all, PROTOCOL_ROW_GENERATED, "x@m/sbu", FIGURE_ACCURACY, 0.75);
    case_is(&all, PROTOCOL_ROW_GENERATED, "x@n/mscoco", FIGURE_ACCURACY, 1);
    assert_int_equal(case_row(&all, PROTOCOL_ROW_GENERATED, "x@n/mscoco")->judged[R], 50);
    case_is(&all, PROTOCOL_ROW_GROUP, "x@m", FIGURE_ACCURACY, 0.75);
    case_is(&all, PROTOCOL_ROW_MEAN, "mean", FIGURE_ACCURACY, 0.875);
    protocol_table_free(&all);
    protocol_table_free(&some);
    protocol_selection_free(&s);
}

static void test_refused(void **state)
{
    (void)state;
    memset(&c, 0, sizeof c);
    case_fill(&c, R, "imagenet", 60, -1, 0);
    case_fill(&c, G, "guided", 40, 1, 0);
    refused("univfd", "protocol univfd: 'guided' has 60 real and 40 generated pictures, but it needs as many");
    case_fill(&c, G, "guided", 20, 1, 0);
    case_fill(&c, G, "dalle", 60, 1, 0);
    refused("univfd", "no real pictures to compare 'dalle' with; it takes those of 'laion'");
    refused("genimage", "no real pictures to compare 'dalle' with; it takes those of 'dalle'");
    memset(&c, 0, sizeof c);
    case_fill(&c, R, "imagenet", 3, -1, 0);
    refused("genimage", "protocol genimage: there are no generated pictures");
    refused("chameleon", "there are no generated pictures of 'all'");
    case_add(&c, G, "adm/imagenet", "a.jpg", 1);
    refused("cospy", "there are no generated pictures of 'adm/imagenet' that count");
    c.predictions[0].label = 2;
    struct protocol_table table;
    struct assay_error error = {0};
    assert_int_equal(protocol_summarise(protocol_find("assay"), c.predictions, c.count, NULL, &table, &error),
                     ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "imagenet/0000.png: a prediction of no class"));
}

/* The order of the predictions does not matter, and intervals hold the figures. */
static void test_intervals(void **state)
{
    (void)state;
    memset(&c, 0, sizeof c);
    case_fill(&c, R, "a", 30, -1, 1.5);
    case_fill(&c, R, "b", 20, -2, 0);
    case_fill(&c, R, "art-z", 10, 1, -3);
    for (int i = 0; i < 12; i++) {
        char file[16];
        snprintf(file, sizeof file, "%d.png", i);
        case_add(&c, G, "g/a", file, i * 0.3 - 1);
        case_add(&c, G, "h/a", file, i * 0.2 - 1.1);
        case_add(&c, G, "g/b", file, i * 0.1 - 0.3);
        case_add(&c, G, "h/b", file, i * 0.4 - 3);
    }
    memset(&taken, 0, sizeof taken);
    for (size_t i = 0; i < c.count; i++)
        taken.predictions[taken.count++] = c.predictions[(i * 7 + 3) % c.count];
    const char *const names[] = {"assay", "diffusionforensics", "drct-2m", "cospy"};
    for (int p = 0; p < 4; p++) {
        struct protocol_options options = {.seed = 1, .replicates = 200, .bootstrap_seed = 5};
        struct protocol_table table = case_table(&c, names[p], &options),
                              turned = case_table(&taken, names[p], &options);
        same_tables(&table, &turned);
        for (size_t r = 0; r < table.count; r++) {
            const struct protocol_row *row = &table.rows[r];
            double at = row->figures.value[FIGURE_ACCURACY];
            assert_true(row->interval[FIGURE_ACCURACY].low <= at && at <= row->interval[FIGURE_ACCURACY].high);
            if (row->kind == PROTOCOL_ROW_MEAN)
                assert_true(row->interval[FIGURE_AUROC].low < row->interval[FIGURE_AUROC].high);
        }
        protocol_table_free(&table);
        protocol_table_free(&turned);
    }
}

static bool attempt(void *context)
{
    struct protocol_table table;
    struct protocol_selection selection;
    struct protocol_options options = {.replicates = 3};
    struct dataset dataset = case_dataset(&c);
    const struct protocol *p = protocol_find(context);
    bool selected = protocol_select(p, &dataset, 0, &selection, NULL) == ASSAY_OK;
    bool told = selected && protocol_summarise(p, c.predictions, c.count, &options, &table, NULL) == ASSAY_OK;
    struct protocol_comparison comparison;
    bool compared =
        told && protocol_compare(p, c.predictions, c.count, c.predictions, c.count, 0, &comparison, NULL) == ASSAY_OK;
    if (selected)
        protocol_selection_free(&selection);
    if (told)
        protocol_table_free(&table);
    return compared;
}

static void test_failing(void **state)
{
    (void)state;
    memset(&c, 0, sizeof c);
    case_fill(&c, R, "s", 4, -1, 1.5);
    case_fill(&c, G, "m/s", 3, 1, -3);
    case_fill(&c, G, "n/s", 2, 1, -3);
    assert_true(failing_malloc_each(attempt, "cospy", NULL) > 40);
    assert_true(failing_malloc_each(attempt, "assay", NULL) > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_univfd),    cmocka_unit_test(test_univfd_names),
                                       cmocka_unit_test(test_cospy),     cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_intervals), cmocka_unit_test(test_failing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
