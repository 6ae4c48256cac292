/* The page: whole, well-formed, alone, the same bytes again; hostile names harmless; what belongs in it is in it; what
 * cannot be used is refused. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "made_up.h"
#include "wellformed.h"

/* A folder of the test's own. */
static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/assay-report-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.') {
            char path[512];
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            unlink(path);
        }
    if (dir)
        closedir(dir);
    return rmdir(folder);
}

/* The page of an input, ended by NUL; freed with mem_free. */
static char *page_of(const struct report_input *input, size_t *size)
{
    char path[128];
    struct assay_error error = {0};
    uint8_t *bytes;
    snprintf(path, sizeof path, "%s/report.html", folder);
    if (report_write(input, path, &error))
        fail_msg("%s", error.message);
    assert_int_equal(file_read(path, UINT64_C(1) << 30, &bytes, size, NULL), ASSAY_OK);
    char *text = mem_resize(bytes, *size + 1, 1);
    assert_non_null(text);
    text[*size] = '\0';
    return text;
}

static void expect(const char *page, const char *part)
{
    if (!strstr(page, part))
        fail_msg("the page lacks \"%s\"", part);
}

static void test_whole(void **state)
{
    (void)state;
    struct made_up made = made_up_run(false, 1);
    size_t size, again_size;
    char *page = page_of(&made.input, &size), *again = page_of(&made.input, &again_size);
    assert_int_equal(size, again_size);
    assert_memory_equal(page, again, size);
    assert_wellformed(page, size);
    assert_null(strstr(page, "http://"));
    assert_null(strstr(page, "https://"));
    assert_null(strstr(page, "nan"));

    expect(page, "<title>Three models on two sets</title>");
    expect(page, "<strong>Data check:</strong> a rule on bytes per pixel");
    expect(page, "ROC curves on val");
    expect(page, "Precision-recall curves on GenImage");
    expect(page, "Reliability of univfd on val");
    expect(page, "The model is not calibrated");
    expect(page, "Scores of npr on val by source");
    expect(page, "JPEG on val:");
    expect(page, "half size");
    expect(page, "McNemar&#39;s test on val");
    expect(page, "Embeddings of residual on val by class");
    expect(page, "damaged: no end of picture");
    expect(page, "&quot;seed&quot;: 1");
    expect(page, "assay eval --data val");
    expect(page, "Follows nobody &lt;but itself&gt;.");
    expect(page,
           "<img loading=\"lazy\" alt=\"the picture and where the model looked\" src=\"data:image/png;base64,iVBOR");
    /* warnings at the top, what repeats the run at the bottom */
    const char *const order[] = {"Data check", "id=\"figures\"", "id=\"curves\"", "id=\"pictures\"", "run.json"};
    for (size_t i = 1; i < sizeof order / sizeof *order; i++)
        assert_true(strstr(page, order[i - 1]) < strstr(page, order[i]));
    /* every plot and table says what it is; wrong pictures come before right ones */
    size_t plots = occurrences(page, "<svg ");
    /* two sets of 2 curves, 3 reliability diagrams, 6 histograms; 3 sweeps; 2 planes */
    assert_int_equal(plots, 2 * 11 + 3 + 2);
    assert_int_equal(occurrences(page, "role=\"img\""), plots);
    assert_int_equal(occurrences(page, "<figcaption>"), plots);
    assert_int_equal(occurrences(page, "<caption>"), occurrences(page, "<table>"));
    assert_true(strstr(page, "Judged wrong") < strstr(page, "the least certain"));
    mem_free(page);
    mem_free(again);
    made_up_free(&made);
}

static void test_hostile(void **state)
{
    (void)state;
    struct made_up made = made_up_run(true, 2);
    size_t size;
    char *page = page_of(&made.input, &size);
    assert_wellformed(page, size);
    assert_null(strstr(page, "<b>"));
    assert_null(strstr(page, "\xe2\x80\xae"));
    expect(page, "&lt;script&gt;alert(1)&lt;/script&gt;");
    mem_free(page);
    made_up_free(&made);
}

/* Nothing at all, one class, one picture, the same score everywhere: still a page. */
static void test_little(void **state)
{
    (void)state;
    struct made_up made = made_up_run(false, 3);
    size_t size;
    struct report_input input = {0};
    char *page = page_of(&input, &size);
    assert_wellformed(page, size);
    expect(page, "No picture was judged.");
    mem_free(page);

    struct prediction few[6];
    for (int i = 0; i < 6; i++) {
        few[i] = made.input.predictions[i];
        few[i].logit = 0.25;
        few[i].probability = 0.5;
    }
    for (int count = 1; count <= 6; count += 5)
        for (int label = 0; label < 3; label++) { /* real, generated, both */
            for (int i = 0; i < 6; i++)
                few[i].label = label < 2 ? label : i % 2;
            input = (struct report_input){.predictions = few,
                                          .prediction_count = (size_t)count,
                                          .sets = made.input.sets,
                                          .set_count = 1};
            page = page_of(&input, &size);
            assert_wellformed(page, size);
            assert_null(strstr(page, "nan"));
            mem_free(page);
        }
    /* everything perturbed: the first perturbation stands for the set */
    for (int i = 0; i < 6; i++)
        few[i].perturbation = "jpeg:50";
    page = page_of(&input, &size);
    expect(page, "jpeg:50");
    expect(page, "Judged wrong");
    mem_free(page);
    made_up_free(&made);
}

static void test_refused(void **state)
{
    (void)state;
    struct made_up made = made_up_run(false, 4);
    struct assay_error error = {0};
    char path[128];
    snprintf(path, sizeof path, "%s/refused.html", folder);
    struct report_input input = made.input;
    input.set_count = 1;
    assert_int_equal(report_write(&input, path, &error), ASSAY_ERROR_ARGUMENT);
    assert_string_equal(error.message, "report: the set \"GenImage\" has no protocol");

    static const char *const uris[] = {NULL,
                                       "",
                                       "https://example.org/x.png",
                                       "data:text/html;base64,AAAA",
                                       "data:image/png;base64,AA\"onerror=\"x",
                                       "data:image/svg+xml;base64,AAAA"};
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        struct report_map map = made.input.maps[0];
        map.data_uri = uris[i];
        input = made.input;
        input.maps = &map;
        assert_int_equal(report_write(&input, path, &error), ASSAY_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, "not a PNG as a data URI"));
    }
    struct report_embeddings e = made.input.embeddings[0];
    const uint32_t beyond[] = {0, 1, 2, UINT32_MAX};
    e.count = 4;
    e.prediction = beyond;
    input = made.input;
    input.embeddings = &e;
    assert_int_equal(report_write(&input, path, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "embedding 3 of residual on val"));

    assert_int_equal(report_write(&made.input, "/nonexistent/report.html", &error), ASSAY_ERROR_IO);
    assert_non_null(strstr(error.message, "/nonexistent/report.html"));
    assert_false(file_exists(path));
    made_up_free(&made);
}

/* Wrong ones by falling certainty, then right ones from the least certain, then from the most certain; none twice. */
static void test_choices(void **state)
{
    (void)state;
    struct made_up made = made_up_run(false, 5);
    struct report_choices choices;
    assert_int_equal(report_choose(made.input.predictions, made.input.prediction_count, &choices, NULL), ASSAY_OK);
    size_t of_first = 0;
    for (size_t i = 0; i < choices.count; i++) {
        const struct prediction *p = choices.items[i].prediction;
        enum report_choice_kind kind = choices.items[i].kind;
        assert_true(p->readable && p->perturbation[0] == '\0');
        assert_int_equal((p->logit > 0) != (p->label == LABEL_GENERATED), kind == REPORT_WRONG);
        of_first += p->model == made.input.predictions[0].model && p->set == made.input.predictions[0].set;
        if (i == 0 || strcmp(choices.items[i - 1].prediction->model, p->model) != 0)
            continue;
        const struct prediction *before = choices.items[i - 1].prediction;
        assert_true(kind >= choices.items[i - 1].kind || strcmp(before->set, p->set) != 0);
        if (kind == choices.items[i - 1].kind && strcmp(before->set, p->set) == 0) {
            if (kind == REPORT_LEAST_CERTAIN)
                assert_true(fabs(before->logit) <= fabs(p->logit));
            else
                assert_true(fabs(before->logit) >= fabs(p->logit));
        }
    }
    assert_true(of_first > 2 * REPORT_OTHERS_SHOWN && of_first <= REPORT_WRONG_SHOWN + 2 * REPORT_OTHERS_SHOWN);
    for (size_t i = 0; i < choices.count; i++)
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(choices.items[i].prediction, choices.items[j].prediction);
    report_choices_free(&choices);
    made_up_free(&made);
}

static void test_plots(void **state)
{
    (void)state;
    static const char *const names[] = {"roc-1",    "precision-recall-2", "reliability-1", "reliability-1-3",
                                        "scores-2", "sources-1-2",        "jpeg-1",        "mixed-1",
                                        "tsne-1",   "tsne-sources-1"};
    struct made_up made = made_up_run(true, 6);
    struct assay_error error = {0};
    if (report_write_plots(&made.input, folder, &error))
        fail_msg("%s", error.message);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        uint8_t *bytes;
        size_t size;
        snprintf(path, sizeof path, "%s/%s.svg", folder, names[i]);
        if (file_read(path, 1 << 24, &bytes, &size, &error))
            fail_msg("%s", error.message);
        char *text = mem_resize(bytes, size + 1, 1);
        assert_non_null(text);
        text[size] = '\0';
        assert_wellformed(text, size);
        expect(text, "xmlns=\"http://www.w3.org/2000/svg\"");
        mem_free(text);
    }
    assert_int_equal(report_write_plots(&made.input, "/nonexistent", &error), ASSAY_ERROR_IO);
    made_up_free(&made);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole),   cmocka_unit_test(test_hostile),
                                       cmocka_unit_test(test_little),  cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_choices), cmocka_unit_test(test_plots)};
    if (argc == 3) { /* test_report calm|hostile FILE: writes the page to look at */
        struct made_up made = made_up_run(strcmp(argv[1], "hostile") == 0, 1);
        struct assay_error error = {0};
        if (report_write(&made.input, argv[2], &error))
            fprintf(stderr, "%s\n", error.message);
        made_up_free(&made);
        return error.status;
    }
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
