/* test_robustness.c - the table of sweeps, by name and as chains to run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "eval/robustness.h"

static const struct robustness_sweep *sweep_called(const char *name)
{
    const struct robustness_sweep *sweep;
    struct assay_error error = {0};
    if (robustness_find(name, &sweep, &error))
        fail_msg("%s", error.message);
    assert_string_equal(sweep->name, name);
    return sweep;
}

static const char *chain_called(const char *sweep_name, const char *label)
{
    const struct robustness_sweep *sweep = sweep_called(sweep_name);
    for (int i = 0; i < sweep->count; i++)
        if (sweep->points[i].label && strcmp(sweep->points[i].label, label) == 0)
            return sweep->points[i].chain;
    fail_msg("%s has no %s", sweep_name, label);
    return NULL;
}

static void every_sweep_is_sound(void **state)
{
    (void)state;
    for (const struct robustness_sweep *sweep = robustness_sweeps(); sweep->name; sweep++) {
        assert_ptr_equal(sweep_called(sweep->name), sweep); /* no name twice */
        assert_true(sweep->count > 0 && sweep->title[0] && sweep->source[0]);
        for (int i = 0; i < sweep->count; i++) {
            const struct robustness_point *point = &sweep->points[i];
            struct perturbation chain;
            struct assay_error error = {0};
            if (perturbation_parse(point->chain, &chain, &error))
                fail_msg("%s: %s", sweep->name, error.message);
            assert_string_equal(chain.text, point->chain); /* canonical, so that results are found by it */
            assert_true(!point->label == !!sweep->axis);
            assert_true(i == 0 || point->x > sweep->points[i - 1].x);
            if (!sweep->axis)
                assert_true(point->x == i);
            for (int k = 0; sweep->axis && k < chain.count; k++) /* x is a value of the chain, or says "not resized" */
                if ((double)chain.steps[k].low / PERTURBATION_UNIT == point->x)
                    break;
                else if (k + 1 == chain.count && !(point->x == 1 && strcmp(sweep->name, "messenger") == 0))
                    fail_msg("%s: %g is not in %s", sweep->name, point->x, point->chain);
            assert_true(isnan(sweep->untouched) || point->x != sweep->untouched);
        }
    }
}

static void papers_have_their_settings(void **state)
{
    (void)state;
    assert_string_equal(chain_called("frank", "noise"), "noise:5..20@0.5");
    assert_string_equal(chain_called("frank", "blur"), "kernel:3..9@0.5");
    assert_string_equal(chain_called("frank", "jpeg"), "jpeg:10..75@0.5");
    assert_string_equal(chain_called("frank", "crop"), "zoom:0.05..0.2@0.5");
    assert_string_equal(chain_called("frank", "combined"), "noise:5..20|kernel:3..9|jpeg:10..75|zoom:0.05..0.2@0.5");
    assert_string_equal(chain_called("frank-released", "jpeg"), "jpeg-bgr:95@0.5");
    assert_string_equal(chain_called("frank-released", "crop"), "zoom-transposed:0.05..0.2@0.5");
    assert_string_equal(chain_called("frank-released", "combined"),
                        "noise:5..20|kernel:3..9|jpeg-bgr:95|zoom-transposed:0.05..0.2@0.5");
    assert_string_equal(chain_called("lol", "jpeg"), "jpeg:10..75");
    assert_string_equal(chain_called("lol", "combined"), "noise:5..20+kernel:3..9+jpeg:10..75+zoom:0.05..0.2");
}

static void an_unknown_name_lists_the_known_ones(void **state)
{
    const struct robustness_sweep *sweep;
    struct assay_error error = {0};
    (void)state;
    assert_int_equal(robustness_find("jpg", &sweep, &error), ASSAY_ERROR_ARGUMENT);
    assert_null(sweep);
    assert_string_equal(error.message,
                        "no robustness sweep is called \"jpg\"; did you mean \"jpeg\"? Known are jpeg, webp, blur, "
                        "noise, resize, crop, messenger, messenger-fit, screenshot, screenshot-jpeg, frank, "
                        "frank-released, lol");
}

static void chains_are_collected_once(void **state)
{
    struct array chains = array_of(sizeof(struct perturbation), ROBUSTNESS_MAX_CHAINS);
    const struct perturbation *held;
    (void)state;
    assert_int_equal(robustness_collect(sweep_called("jpeg"), &chains, NULL), ASSAY_OK);
    assert_int_equal(chains.count, 12);
    assert_int_equal(robustness_collect(sweep_called("messenger"), &chains, NULL), ASSAY_OK); /* jpeg:70 is there */
    assert_int_equal(chains.count, 16);
    assert_int_equal(robustness_collect(sweep_called("jpeg"), &chains, NULL), ASSAY_OK);
    assert_int_equal(chains.count, 16);
    held = chains.data;
    assert_int_equal(held[0].count, 0);
    assert_string_equal(held[0].text, "");
    assert_string_equal(held[1].text, "jpeg:10");
    assert_string_equal(held[12].text, "resize:0.25+jpeg:70");
    array_free(&chains);
}

/* The manual has a row for each step, with its range, and for each sweep, and spells the papers' settings. */
static void the_manual_lists_them(void **state)
{
    char wanted[256], range[64];
    uint8_t *bytes;
    size_t size;
    struct assay_error error = {0};
    (void)state;
    if (file_read(ASSAY_TEST_DIR "/../docs/evaluation.md", 1 << 20, &bytes, &size, &error))
        fail_msg("%s", error.message);
    char *text = mem_alloc(size + 1, 1);
    memcpy(text, bytes, size);
    mem_free(bytes);
    for (const struct perturbation_kind *kind = perturbation_kinds(); kind->name; kind++) {
        snprintf(wanted, sizeof wanted, "\n| `%s` | %s, %s |", kind->name, kind->value,
                 perturbation_range(kind, range, sizeof range));
        if (!strstr(text, wanted))
            fail_msg("docs/evaluation.md lacks \"%s\"", wanted + 1);
    }
    for (const struct robustness_sweep *sweep = robustness_sweeps(); sweep->name; sweep++) {
        snprintf(wanted, sizeof wanted, "\n| `%s` | ", sweep->name);
        if (!strstr(text, wanted))
            fail_msg("docs/evaluation.md lacks \"%s\"", wanted + 1);
        for (int i = 0; !sweep->axis && i < sweep->count - 1; i++) {
            snprintf(wanted, sizeof wanted, " `%s` |", sweep->points[i].chain);
            if (!strstr(text, wanted))
                fail_msg("docs/evaluation.md lacks \"%s\"", wanted);
        }
    }
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sweep_is_sound),
        cmocka_unit_test(papers_have_their_settings),
        cmocka_unit_test(an_unknown_name_lists_the_known_ones),
        cmocka_unit_test(chains_are_collected_once),
        cmocka_unit_test(the_manual_lists_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
