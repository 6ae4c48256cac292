/* test_perturbation.c - chains as text, what is drawn for a picture, and every step against Pillow, OpenCV and
 * SciPy. */
#include "pictures.h"

#include <math.h>
#include <stdlib.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "base/random.h"
#include "image/perturb.h"
#include "image/perturbation.h"
#include "image/resample.h"

#include "fixtures/perturbations.h"

static struct perturbation parsed(const char *text)
{
    struct perturbation chain;
    struct assay_error error = {0};
    if (perturbation_parse(text, &chain, &error))
        fail_msg("%s", error.message);
    return chain;
}

static struct image applied(const char *text, uint64_t seed, const char *name, const struct image *from)
{
    struct perturbation chain = parsed(text);
    struct assay_error error = {0};
    struct image out;
    if (perturbation_apply(&chain, seed, name, from, &out, &error))
        fail_msg("%s: %s", text, error.message);
    return out;
}

/* ---- text ----------------------------------------------------------------------------------------------------- */

static void reads_chains_and_writes_them_canonically(void **state)
{
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        {"", ""},
        {"none", ""},
        {"jpeg:75", "jpeg:75"},
        {"jpeg:075.0", "jpeg:75"},
        {"blur:1.0", "blur:1"},
        {"blur:0.50", "blur:0.5"},
        {"noise:0", "noise:0"},
        {"resize:0.5+jpeg:70", "resize:0.5+jpeg:70"},
        {"jpeg:10..75", "jpeg:10..75"},
        {"jpeg:75..75@1", "jpeg:75"},
        {"noise:5.0..20.0@.5", NULL},
        {"noise:5.0..20.0@0.50", "noise:5..20@0.5"},
        {"kernel:3..9", "kernel:3..9"},
        {"blur:1|jpeg:50.0@0.25+crop:0.8", "blur:1|jpeg:50@0.25+crop:0.8"},
        {"zoom:0.0001..0.9", "zoom:0.0001..0.9"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct perturbation chain;
        assay_status status = perturbation_parse(cases[i].text, &chain, NULL);
        if (!cases[i].canonical)
            assert_int_equal(status, ASSAY_ERROR_ARGUMENT);
        else if (status || strcmp(chain.text, cases[i].canonical) != 0)
            fail_msg("\"%s\": status %d, \"%s\"", cases[i].text, (int)status, chain.text);
    }
    struct perturbation chain = parsed("blur:1|jpeg:50..60@0.25+crop:0.8");
    assert_int_equal(chain.count, 3);
    assert_string_equal(chain.steps[1].kind->name, "jpeg");
    assert_int_equal(chain.steps[1].low, 50 * PERTURBATION_UNIT);
    assert_int_equal(chain.steps[1].high, 60 * PERTURBATION_UNIT);
    assert_int_equal(chain.steps[0].probability, PERTURBATION_UNIT / 4);
    assert_int_equal(chain.steps[1].probability, PERTURBATION_UNIT / 4);
    assert_int_equal(chain.steps[2].probability, PERTURBATION_UNIT);
    assert_false(chain.steps[0].alternative);
    assert_true(chain.steps[1].alternative);
    assert_false(chain.steps[2].alternative);
}

static void names_what_is_wrong(void **state)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"jpg:75", "no step is called \"jpg\"; did you mean \"jpeg\"? Known are jpeg:1..100 (whole), webp:1..100"},
        {"sepia:1", "no step is called \"sepia\". Known are jpeg:1..100 (whole)"},
        {"sepia:1", "kernel:3..31 (odd), noise:0..100, resize:0.05..4, width:16..8192 (whole)"},
        {"sepia:1", "zoom-transposed:0..0.9"},
        {"blur:1+jpeg", "\"blur:1+jpeg\": in \"jpeg\", the value is missing: jpeg:VALUE, the quality from 1..100"},
        {"jpeg:", "the value is missing"},
        {"jpeg@0.5", "the value is missing"},
        {"jpeg:0", "the quality must be from 1..100"},
        {"jpeg:101", "the quality must be from 1..100"},
        {"jpeg:70.5", "the quality must be from 1..100 (whole)"},
        {"jpeg:1234567", "must be a number"},
        {"kernel:4", "must be from 3..31 (odd)"},
        {"kernel:3..8", "must be from 3..31 (odd)"},
        {"resize:0.04", "the factor must be from 0.05..4"},
        {"blur:1.00001", "at most four decimals"},
        {"blur:-1", "must be a number"},
        {"blur:1e1", "must be a number"},
        {"blur:nan", "must be a number"},
        {"blur: 1", "must be a number"},
        {"blur:1..", "two with \"..\" between"},
        {"blur:1.5.2", "must be a number"},
        {"jpeg:75..10", "75 is above 10"},
        {"blur:1@0", "the probability after \"@\" must be above 0"},
        {"blur:1@1.5", "the probability after \"@\" must be above 0"},
        {"blur:1@", "the probability after \"@\" must be above 0"},
        {"blur:1@0.5x", "the probability after \"@\" must be above 0"},
        {"blur:1@0.5|jpeg:50", "follows the last of several alternatives"},
        {"+jpeg:50", "a step is missing"},
        {"jpeg:50+", "a step is missing"},
        {"jpeg:50++jpeg:50", "a step is missing"},
        {"jpeg:50|", "a step is missing"},
        {"JPEG:50", "did you mean \"jpeg\"?"},
        {"je:50", "no step is called \"je\""},
        {"none+jpeg:50", "no step is called \"none\""},
        {"j\033peg:50", "no step is called \"j?peg\""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct perturbation chain;
        struct assay_error error = {0};
        assert_int_equal(perturbation_parse(cases[i].text, &chain, &error), ASSAY_ERROR_ARGUMENT);
        if (strncmp(error.message, "perturbation \"", 14) != 0 || !strstr(error.message, cases[i].part))
            fail_msg("\"%s\": %s", cases[i].text, error.message);
        assert_null(strchr(error.message, '\033'));
    }
}

static void refuses_what_is_too_long(void **state)
{
    char text[1024] = "";
    struct perturbation chain;
    struct assay_error error = {0};
    (void)state;
    for (int i = 0; i < PERTURBATION_STEPS; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%sjpeg:50", i ? "+" : "");
    assert_int_equal(perturbation_parse(text, &chain, &error), ASSAY_OK);
    assert_int_equal(chain.count, PERTURBATION_STEPS);
    snprintf(text + strlen(text), sizeof text - strlen(text), "+jpeg:50");
    assert_int_equal(perturbation_parse(text, &chain, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "more than 16 steps"));
    memset(text, '1', 200);
    text[200] = '\0';
    assert_int_equal(perturbation_parse(text, &chain, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "longer than 95 characters"));
    text[0] = '\0';
    for (int i = 0; i < PERTURBATION_STEPS; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%szoom-transposed:0.1234..0.5678@0.1234",
                 i ? "+" : "");
    assert_int_equal(perturbation_parse(text, &chain, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "longer than 511 characters"));
}

/* Chains made at random read back as the same text and the same steps; random bytes never do harm. */
static void any_chain_survives_its_text(void **state)
{
    static const char letters[] = "jpegwbblurnois:.+|@0123456789";
    struct random random = random_open(11, 0, 0);
    int kind_count = 0, whole = 0;
    (void)state;
    while (perturbation_kinds()[kind_count].name)
        kind_count++;
    for (int round = 0; round < 3000; round++) {
        char text[PERTURBATION_TEXT * 2] = "";
        int steps = 1 + (int)random_below(&random, 6);
        for (int i = 0; i < steps; i++) {
            const struct perturbation_kind *kind = &perturbation_kinds()[random_below(&random, (uint64_t)kind_count)];
            uint64_t places = (uint64_t)((kind->max - kind->min) / kind->grid) + 1;
            int64_t low = kind->min + (int64_t)random_below(&random, places) * kind->grid;
            int64_t high =
                low + (int64_t)random_below(&random, (uint64_t)((kind->max - low) / kind->grid) + 1) * kind->grid;
            bool or_else = i + 1 < steps && random_below(&random, 3) == 0;
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s:%d.%04d..%d.%04d%s%s", kind->name,
                     (int)(low / PERTURBATION_UNIT), (int)(low % PERTURBATION_UNIT), (int)(high / PERTURBATION_UNIT),
                     (int)(high % PERTURBATION_UNIT), !or_else && random_below(&random, 2) ? "@0.3" : "",
                     i + 1 == steps ? ""
                     : or_else      ? "|"
                                    : "+");
        }
        struct perturbation chain = parsed(text), again = parsed(chain.text), drawn;
        assert_string_equal(again.text, chain.text);
        assert_int_equal(again.count, steps);
        for (int i = 0; i < steps; i++) {
            assert_ptr_equal(again.steps[i].kind, chain.steps[i].kind);
            assert_int_equal(again.steps[i].low, chain.steps[i].low);
            assert_int_equal(again.steps[i].high, chain.steps[i].high);
            assert_int_equal(again.steps[i].probability, chain.steps[i].probability);
            assert_int_equal(again.steps[i].alternative, chain.steps[i].alternative);
        }
        perturbation_draw(&chain, 1, "x", &drawn);
        again = parsed(drawn.text); /* every value lies where it may */
        assert_int_equal(again.count, drawn.count);

        size_t length = (size_t)random_below(&random, 24);
        for (size_t i = 0; i < length; i++)
            text[i] = letters[random_below(&random, sizeof letters - 1)];
        text[length] = '\0';
        if (perturbation_parse(text, &chain, NULL) == ASSAY_OK) {
            whole++;
            again = parsed(chain.text);
            assert_string_equal(again.text, chain.text);
        }
    }
    assert_true(whole > 0); /* the empty one at least */
}

/* ---- draws ---------------------------------------------------------------------------------------------------- */

static void draws_by_seed_chain_and_name(void **state)
{
    struct perturbation chain = parsed("noise:5..20"), other = parsed("noise:5..21"), a, b;
    (void)state;
    perturbation_draw(&chain, 0, "set/a.png", &a);
    perturbation_draw(&chain, 0, "set/a.png", &b);
    assert_string_equal(a.text, b.text);
    perturbation_draw(&chain, 0, "set/b.png", &b);
    assert_string_not_equal(a.text, b.text);
    perturbation_draw(&chain, 1, "set/a.png", &b);
    assert_string_not_equal(a.text, b.text);
    perturbation_draw(&other, 0, "set/a.png", &b);
    assert_string_not_equal(a.text, b.text);
    /* what was drawn when this was written: results published under a chain stay what they are */
    assert_string_equal(a.text, "noise:19.1399");

    struct image from = picture_pattern(40, 30);
    struct image one = applied("noise:8", 0, "a", &from), two = applied("noise:8", 0, "a", &from);
    assert_same_picture(&one, &two);
    image_free(&two);
    two = applied("noise:8", 0, "b", &from); /* the same sigma, other noise */
    assert_true(picture_distance(&one, &two) > 0);
    image_free(&two);
    two = applied("noise:8+noise:8", 0, "a", &from);
    assert_true(picture_distance(&one, &two) > 0);
    image_free(&one);
    image_free(&two);
    image_free(&from);
}

static void draws_evenly(void **state)
{
    enum { PICTURES = 20000 };
    struct perturbation chain = parsed("noise:5..20|kernel:3..9|jpeg:10..75@0.5+crop:0.5@0.25"), drawn;
    int taken = 0, cropped = 0, both = 0, kinds[3] = {0}, sizes[4] = {0}, lowest = 100, highest = 0;
    double sigma = 0;
    (void)state;
    for (int i = 0; i < PICTURES; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.png", i);
        perturbation_draw(&chain, 7, name, &drawn);
        bool crop = drawn.count && strcmp(drawn.steps[drawn.count - 1].kind->name, "crop") == 0;
        cropped += crop;
        both += drawn.count == 2;
        if (drawn.count == (crop ? 1 : 0))
            continue;
        taken++;
        const struct perturbation_step *step = &drawn.steps[0];
        int value = (int)(step->low / PERTURBATION_UNIT);
        assert_int_equal(step->low, step->high);
        if (strcmp(step->kind->name, "noise") == 0) {
            kinds[0]++;
            sigma += (double)step->low / PERTURBATION_UNIT;
        } else if (strcmp(step->kind->name, "kernel") == 0) {
            kinds[1]++;
            assert_true(value >= 3 && value <= 9 && value % 2 == 1);
            sizes[value / 2 - 1]++;
        } else {
            kinds[2]++;
            lowest = value < lowest ? value : lowest;
            highest = value > highest ? value : highest;
        }
    }
    assert_in_range(taken, PICTURES / 2 - 300, PICTURES / 2 + 300); /* four standard deviations */
    assert_in_range(cropped, PICTURES / 4 - 250, PICTURES / 4 + 250);
    assert_in_range(both, PICTURES / 8 - 200, PICTURES / 8 + 200); /* independently */
    for (int i = 0; i < 3; i++)
        assert_in_range(kinds[i], taken / 3 - 200, taken / 3 + 200);
    for (int i = 0; i < 4; i++)
        assert_in_range(sizes[i], kinds[1] / 4 - 110, kinds[1] / 4 + 110);
    assert_int_equal(lowest, 10);
    assert_int_equal(highest, 75);
    assert_true(fabs(sigma / kinds[0] - 12.5) < 0.3);
}

/* ---- pictures ------------------------------------------------------------------------------------------------- */

static void equals_the_references(void **state)
{
    struct image from = picture_load("rgb.png");
    int wrong = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(expected_equal); i++) {
        struct image out = applied(expected_equal[i].chain, 0, "rgb.png", &from);
        if (picture_digest(&out) != expected_equal[i].digest) {
            print_error("%s (%d x %d) differs\n", expected_equal[i].chain, out.width, out.height);
            wrong++;
        }
        image_free(&out);
    }
    assert_int_equal(wrong, 0);
    image_free(&from);
}

/* OpenCV's cubic resize within one level; WebP as another version of libwebp writes it, within a level on average. */
static void comes_close_to_the_references(void **state)
{
    struct image from = picture_load("rgb.png");
    int wrong = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(expected_close); i++) {
        struct image wanted = picture_load(expected_close[i].file), out;
        bool is_webp = strncmp(expected_close[i].chain, "webp", 4) == 0;
        double sum = 0;
        out = applied(expected_close[i].chain, 0, "rgb.png", &from);
        int most = picture_distance(&out, &wanted);
        for (size_t k = 0; most > 0 && k < image_bytes(&out); k++)
            sum += abs(out.pixels[k] - wanted.pixels[k]);
        double mean = sum / (double)image_bytes(&wanted);
        if (most < 0 || (is_webp ? mean > 1.0 : most > 1)) {
            print_error("%s: at most %d, %g on average\n", expected_close[i].chain, most, mean);
            wrong++;
        }
        image_free(&wanted);
        image_free(&out);
    }
    assert_int_equal(wrong, 0);
    image_free(&from);
}

static void windows_lie_where_they_should(void **state)
{
    struct image from = picture_pattern(60, 40), out;
    bool seen[31] = {false};
    int different = 0;
    (void)state;
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d", i);
        out = applied("crop-random:0.5", 0, name, &from);
        assert_int_equal(out.width, 30);
        assert_int_equal(out.height, 20);
        int left = -1;
        for (int x = 0; x <= 30 && left < 0; x++) /* red is 4 x + y: the top row is one of its rows */
            for (int y = 0; y <= 20 && left < 0; y++)
                if (memcmp(picture_at(&from, x, y), out.pixels, 90) == 0)
                    left = x;
        assert_true(left >= 0);
        different += !seen[left];
        seen[left] = true;
        image_free(&out);
    }
    assert_true(different > 25);

    out = applied("zoom:0.2", 0, "x", &from);
    assert_true(out.width == 60 && out.height == 40);
    image_free(&out);
    out = applied("zoom-transposed:0.2", 0, "x", &from);
    assert_true(out.width == 40 && out.height == 60);
    image_free(&out);
    out = applied("zoom:0.01", 0, "x", &from); /* int(60 * 0.005) = 0: nothing to cut, nothing to enlarge */
    assert_same_picture(&out, &from);
    image_free(&out);
    out = applied("resize:0.05", 0, "x", &from);
    assert_true(out.width == 3 && out.height == 2);
    image_free(&out);
    image_free(&from);

    from = picture_pattern(1, 1);
    for (const struct perturbation_kind *kind = perturbation_kinds(); kind->name; kind++)
        for (int end = 0; end < 2; end++) { /* the smallest picture, both ends of every range */
            struct perturbation chain = {.count = 1};
            chain.steps[0] = (struct perturbation_step){.kind = kind, .probability = PERTURBATION_UNIT};
            chain.steps[0].low = chain.steps[0].high = end ? kind->max : kind->min;
            struct assay_error error = {0};
            if (perturbation_apply(&chain, 0, "x", &from, &out, &error))
                fail_msg("%s: %s", kind->name, error.message);
            assert_true(out.width >= 1 && out.height >= 1);
            image_free(&out);
        }
    image_free(&from);
}

/* A picture large enough to be shared out, by every step. */
static void threads_do_not_matter(void **state)
{
    (void)state;
#ifdef _OPENMP
    static const char *const chains[] = {"zoom:0.1", "zoom-transposed:0.3", "resize:0.6+noise:4", "blur:1+jpeg:60",
                                         "kernel:9", "width:700+webp:50"};
    struct image from = picture_pattern(1300, 900);
    int threads = omp_get_max_threads();
    for (size_t i = 0; i < COUNT(chains); i++) {
        omp_set_num_threads(4);
        struct image many = applied(chains[i], 0, "x", &from);
        omp_set_num_threads(1);
        struct image one = applied(chains[i], 0, "x", &from);
        assert_same_picture(&many, &one);
        image_free(&many);
        image_free(&one);
    }
    omp_set_num_threads(threads);
    image_free(&from);
#endif
}

static void refuses_sizes_beyond_the_limit(void **state)
{
    struct image from = picture_pattern(1, 30000), out;
    struct perturbation chain = parsed("width:8192");
    struct assay_error error = {0};
    (void)state;
    assert_int_equal(perturbation_apply(&chain, 0, "x", &from, &out, &error), ASSAY_ERROR_LIMIT);
    assert_non_null(strstr(error.message, "a picture of 1 x 30000 pixels cannot be resized to 8192 x 245760000"));
    assert_null(out.pixels);
    chain = parsed("blur:0.5+webp:50");
    assert_int_equal(perturbation_apply(&chain, 0, "x", &from, &out, &error), ASSAY_ERROR_LIMIT);
    assert_non_null(strstr(error.message, "cannot be encoded as WebP: no side may exceed 16383"));
    assert_null(out.pixels);
    image_free(&from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_chains_and_writes_them_canonically),
        cmocka_unit_test(names_what_is_wrong),
        cmocka_unit_test(refuses_what_is_too_long),
        cmocka_unit_test(any_chain_survives_its_text),
        cmocka_unit_test(draws_by_seed_chain_and_name),
        cmocka_unit_test(draws_evenly),
        cmocka_unit_test(equals_the_references),
        cmocka_unit_test(comes_close_to_the_references),
        cmocka_unit_test(windows_lie_where_they_should),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(refuses_sizes_beyond_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
