/* `assay data reconstruct`: the choice of pictures, and the whole way from a folder of pictures to pairs that are read
 * as a set, interrupted and gone on with. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../cli/scratch.h"
#include "base/file.h"
#include "base/memory.h"
#include "image/facts.h"
#include "image/image.h"
#include "support/support.h"
#include "train/reconstruct/reconstruct.h"

/* What every run shares, so that it takes a second. */
#define SMALL                                                                                                          \
    "--no-progress", "--steps", "6", "--batch", "2", "--crop", "32", "--width", "4", "--factor", "4", "--latent", "4"

enum { REAL = 10 };

/* Two sources of photographs, one of art; a set has generated pictures too. Sides are no multiples of anything. */
static int setup(void **state)
{
    (void)state;
    scratch_begin();
    static const char *const folders[] = {
        "data", "data/real", "data/real/camera", "data/real/phone", "data/real/art-oil", "data/ai", "data/ai/gan"};
    char path[64];
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        assert_int_equal(mkdir(folders[i], 0777), 0);
    for (unsigned i = 0; i < REAL; i++) {
        snprintf(path, sizeof path, "%s/%u.%s", folders[2 + i % 3], i, i == 3 ? "png" : "jpg");
        scratch_picture(path, 61, i == 9 ? 90 : 47, i);
    }
    scratch_picture("data/ai/gan/x.jpg", 48, 48, 77);
    return 0;
}

static void expect(const struct outcome *o, int status, const char *out, const char *err)
{
    if (o->status != status || !strstr(o->out, out) || !strstr(o->err, err))
        fail_msg("status %d, expected %d, \"%s\" and \"%s\":\n%s%s", o->status, status, out, err, o->out, o->err);
}

/* ---- choice ----------------------------------------------------------------------------------------------------- */

static void test_choice(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct dataset data = {0};
    struct pairs_options o;
    int seen[REAL + 1] = {0};
    uint32_t *chosen = NULL;
    size_t count = 0;
    option_defaults(pairs_option_table, &o);
    assert_int_equal(option_check(pairs_option_table, sizeof o, &error), ASSAY_OK);
    assert_int_equal(option_check(autoencoder_option_table, sizeof(struct autoencoder_options), &error), ASSAY_OK);
    assert_int_equal(dataset_open("data", NULL, NULL, &data, &error), ASSAY_OK);
    o.parts = 3;
    for (o.part = 1; o.part <= o.parts; o.part++) {
        assert_int_equal(reconstruct_choose(&data, &o, &chosen, &count, &error), ASSAY_OK);
        assert_in_range(count, 3, 4);
        for (size_t i = 0; i < count; i++) {
            assert_true(i == 0 || chosen[i] > chosen[i - 1]);
            assert_int_equal(data.pictures[chosen[i]].label, LABEL_REAL);
            seen[chosen[i]]++;
        }
        mem_free(chosen);
    }
    int total = 0;
    for (int i = 0; i <= REAL; i++) {
        assert_true(seen[i] <= 1);
        total += seen[i];
    }
    assert_int_equal(total, REAL);

    o.parts = o.part = 1;
    o.art = false;
    assert_int_equal(reconstruct_choose(&data, &o, &chosen, &count, &error), ASSAY_OK);
    assert_int_equal(count, REAL - 3);
    mem_free(chosen);
    o.parts = o.part = 99;
    assert_int_equal(reconstruct_choose(&data, &o, &chosen, &count, &error), ASSAY_ERROR_ARGUMENT);
    dataset_free(&data);
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

static void facts_of(const char *folder, const char *name, struct picture_facts *facts)
{
    char path[8192];
    size_t size;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    uint8_t *bytes = scratch_read(path, &size);
    picture_facts_read(bytes, size, facts);
    free(bytes);
}

/* Both pictures of a pair are JPEGs of one size, quality and subsampling. Returns how many pairs there are. */
static int check_pairs(const char *folder, const char *name, unsigned *qualities)
{
    char path[256], line[2][4096];
    int pairs = 0;
    snprintf(path, sizeof path, "%s/%s.csv", folder, name);
    FILE *list = fopen(path, "r");
    assert_non_null(list);
    assert_non_null(fgets(line[0], sizeof line[0], list));
    assert_string_equal(line[0], "path,label,source,original\n");
    *qualities = 0;
    for (; fgets(line[0], sizeof line[0], list); pairs++) {
        struct picture_facts real, made;
        assert_non_null(fgets(line[1], sizeof line[1], list));
        assert_non_null(strstr(line[0], ",real,"));
        assert_non_null(strstr(line[1], ",ai,"));
        assert_string_equal(strrchr(line[0], ','), strrchr(line[1], ','));
        *strchr(line[0], ',') = *strchr(line[1], ',') = '\0';
        facts_of(folder, line[0], &real);
        facts_of(folder, line[1], &made);
        assert_int_equal(real.format, PICTURE_JPEG);
        assert_int_equal(made.format, PICTURE_JPEG);
        assert_int_equal(real.width, made.width);
        assert_int_equal(real.height, made.height);
        assert_int_equal(real.jpeg_quality, made.jpeg_quality);
        assert_int_equal(real.subsampling, made.subsampling);
        assert_in_range(made.jpeg_quality, 88, 96);
        *qualities |= 1u << (made.jpeg_quality - 88);
    }
    fclose(list);
    return pairs;
}

/* The name of the only picture or of the first in a folder. */
static void first_in(const char *folder, char *out, size_t size)
{
    DIR *d = opendir(folder);
    assert_non_null(d);
    out[0] = '\0';
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.' && (!out[0] || strcmp(folder, out) > 0))
            snprintf(out, size, "%s/%s", folder, e->d_name);
    closedir(d);
    assert_true(out[0]);
}

static void test_command(void **state)
{
    (void)state;
    struct outcome o;
    struct assay_error error = {0};
    struct dataset set = {0};
    unsigned qualities;
    char lost[4096];
    RUN(&o, "data", "reconstruct", "--out", "pairs", SMALL, "data");
    expect(&o, 0, "pairs/rec-nearest-4.csv: 10 pictures reconstructed, PSNR ", "");
    outcome_free(&o);
    assert_int_equal(check_pairs("pairs", "rec-nearest-4", &qualities), REAL);
    assert_true((qualities & (qualities - 1)) != 0); /* drawn, not one for all */

    /* Both the folder and the list are sets. */
    assert_int_equal(dataset_open("pairs", NULL, NULL, &set, &error), ASSAY_OK);
    assert_int_equal(set.label_count[LABEL_REAL], REAL);
    assert_int_equal(set.label_count[LABEL_GENERATED], REAL);
    assert_int_equal(set.source_count, 4);
    dataset_free(&set);
    assert_int_equal(dataset_open("pairs/rec-nearest-4.csv", NULL, NULL, &set, &error), ASSAY_OK);
    assert_int_equal(set.count, 2 * REAL);
    dataset_free(&set);

    /* What is missing is written again, to the byte; nothing else is done. */
    first_in("pairs/ai/rec-nearest-4", lost, sizeof lost);
    size_t size, size_again;
    uint8_t *bytes = scratch_read(lost, &size);
    assert_int_equal(unlink(lost), 0);
    RUN(&o, "data", "reconstruct", "--out", "pairs", SMALL, "data");
    expect(&o, 0, "autoencoder: was there", "");
    assert_non_null(strstr(o.out, "1 pictures reconstructed"));
    assert_non_null(strstr(o.out, "9 were there, 0 cannot be read"));
    outcome_free(&o);
    uint8_t *again = scratch_read(lost, &size_again);
    assert_int_equal(size, size_again);
    assert_memory_equal(bytes, again, size);
    free(bytes);
    free(again);

    RUN(&o, "data", "reconstruct", "--out", "pairs", SMALL, "--seed", "5", "data");
    expect(&o, 1, "", "was trained with seed 1, not 5");
    outcome_free(&o);
    RUN(&o, "data", "reconstruct", "--out", "pairs", SMALL, "--quality-low", "80", "data");
    expect(&o, 1, "", "written with another quality-low");
    outcome_free(&o);
    RUN(&o, "data", "reconstruct", "--out", "pairs", SMALL, "--seed", "5", "--overwrite", "--count", "4", "data");
    expect(&o, 0, "4 pictures reconstructed", "");
    outcome_free(&o);
    assert_int_equal(check_pairs("pairs", "rec-nearest-4", &qualities), 4);
    assert_int_equal(dataset_open("pairs", NULL, NULL, &set, &error), ASSAY_OK);
    assert_int_equal(set.label_count[LABEL_GENERATED], 4); /* those of the former autoencoder are gone */
    dataset_free(&set);

    /* Weights that are there, on other pictures. */
    RUN(&o, "data", "reconstruct", "--out", "taken", SMALL, "--seed", "5", "--steps", "0", "--begin",
        "pairs/rec-nearest-4.safetensors", "--real", "data/real/phone");
    expect(&o, 0, "autoencoder: taken as it was", "");
    outcome_free(&o);
    RUN(&o, "data", "reconstruct", "--out", "taken", SMALL, "--steps", "0", "data");
    expect(&o, 2, "", "0 needs --begin");
    outcome_free(&o);
    RUN(&o, "data", "reconstruct", "--out", "lost", SMALL, "--begin", "nothing.safetensors", "data");
    expect(&o, 1, "", "nothing.safetensors");
    outcome_free(&o);

    /* Another kind beside it, of another part. */
    RUN(&o, "data", "reconstruct", "--out", "pairs", SMALL, "--decoder", "shuffle", "--parts", "2", "--part", "2",
        "data");
    expect(&o, 0, "rec-shuffle-4.csv: 5 pictures reconstructed", "");
    outcome_free(&o);
    assert_int_equal(check_pairs("pairs", "rec-shuffle-4", &qualities), 5);
}

/* Without copies, with a window, a shifted first pass, a damaged picture; from one folder of photographs. */
static void test_others(void **state)
{
    (void)state;
    struct outcome o;
    struct assay_error error = {0};
    struct dataset set = {0};
    struct picture_facts facts;
    char made[4096];
    scratch_write("data/real/camera/damaged.jpg", "\xff\xd8 no more", 10);
    RUN(&o, "data", "reconstruct", "--out", "alone", SMALL, "--no-copy-originals", "--window", "32", "--name", "mine",
        "--decoder", "transposed", "--no-art", "--real", "data/real");
    expect(&o, 1, "alone/mine.csv: 7 pictures reconstructed", "left out: data/real/camera/damaged.jpg");
    assert_non_null(strstr(o.out, "1 cannot be read"));
    outcome_free(&o);
    assert_int_equal(unlink("data/real/camera/damaged.jpg"), 0);
    assert_int_equal(access("alone/real", F_OK), -1);
    assert_int_equal(dataset_open("alone/mine.csv", NULL, NULL, &set, &error), ASSAY_OK);
    assert_int_equal(set.label_count[LABEL_REAL], 7);
    assert_int_equal(set.label_count[LABEL_GENERATED], 7);
    dataset_free(&set);
    first_in("alone/ai/mine", made, sizeof made);
    facts_of(".", made, &facts);
    assert_int_equal(facts.width, 32);
    assert_int_equal(facts.height, 32);
}

/* Mean difference of levels, b moved by so many pixels. */
static double difference_moved(const char *a, const char *b, int right, int down)
{
    struct image x = {0}, y = {0};
    struct assay_error error = {0};
    double sum = 0;
    assert_int_equal(image_decode_file(a, NULL, &x, &error), ASSAY_OK);
    assert_int_equal(image_decode_file(b, NULL, &y, &error), ASSAY_OK);
    assert_int_equal(x.width, y.width);
    assert_int_equal(x.height, y.height);
    for (int row = 1; row < x.height - 1; row++)
        for (int i = 3; i < (x.width - 1) * 3; i++)
            sum += abs(x.pixels[row * x.width * 3 + i] - y.pixels[((row - down) * y.width - right) * 3 + i]);
    sum /= (x.height - 2) * (x.width - 2) * 3;
    image_free(&x);
    image_free(&y);
    return sum;
}

static double difference(const char *a, const char *b)
{
    return difference_moved(a, b, 0, 0);
}

/* An earlier pass changes a reconstruction a little and does not move it; there is none where the original is no JPEG;
 * copies of originals have none either way. Enough steps that a shift would show. */
static void test_first_pass(void **state)
{
    (void)state;
    static const char *const kinds[] = {"none", "same", "shifted"};
    struct assay_error error = {0};
    struct dataset data = {0};
    int changed[3] = {0};
    for (int k = 0; k < 3; k++) {
        struct outcome o;
        RUN(&o, "data", "reconstruct", "--out", kinds[k], SMALL, "--steps", "150", "--crop", "48", "--factor", "2",
            "--spectrum-weight", "0", "--first-pass", kinds[k], "data");
        expect(&o, 0, "10 pictures reconstructed", "");
        outcome_free(&o);
    }
    assert_int_equal(dataset_open("data", NULL, NULL, &data, &error), ASSAY_OK);
    for (unsigned i = 0; i < data.count; i++) {
        char made[3][64], copy[2][128];
        if (data.pictures[i].label != LABEL_REAL)
            continue;
        bool jpeg = !strstr(data.pictures[i].path, ".png");
        for (int k = 0; k < 3; k++)
            snprintf(made[k], sizeof made[k], "%s/ai/rec-nearest-2/%07u.jpg", kinds[k], i);
        for (int k = 1; k < 3; k++) {
            double apart = difference(made[0], made[k]);
            changed[k] += apart > 0;
            for (int m = 0; m < 9; m++) {
                double moved = difference_moved(made[0], made[k], m / 3 - 1, m % 3 - 1);
                if (apart >= 5 || moved < apart)
                    fail_msg("%s: %.2f levels apart, %.2f if moved", made[k], apart, moved);
            }
            assert_true(k == 2 || jpeg == (apart > 0));
        }
        for (int k = 0; k < 2; k++)
            snprintf(copy[k], sizeof copy[k], "%s/real/%s/%07u.jpg", kinds[k],
                     data.sources[data.pictures[i].source].name, i);
        assert_true(difference(copy[0], copy[1]) == 0);
        assert_true(difference(copy[0], data.pictures[i].path) < 12);
    }
    assert_int_equal(changed[1], REAL - 1);
    assert_in_range(changed[2], REAL / 2, REAL);
    dataset_free(&data);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *const args[8];
        int status;
        const char *message;
    } cases[] = {
        {{"data"}, 2, "--out is needed"},
        {{"--out", "x"}, 2, "one data set is needed"},
        {{"--out", "x", "--decoder", "unpool", "data"}, 2, "nearest"},
        {{"--out", "x", "--crop", "40", "data"}, 2, "option crop: 40 is no multiple of 16"},
        {{"--out", "x", "--part", "2", "data"}, 2, "option part: there are 1 parts, so no part 2"},
        {{"--out", "x", "--name", "a/b", "data"}, 1, "option name: 'a/b' is no name for a source"},
        {{"--out", "x", "--latent-levels", "1", "data"}, 2, "option latent-levels"},
        {{"--out", "x", "--quality-low", "97", "data"}, 2, "--quality-low 97 is above"},
        {{"--out", "data/real/camera/0.jpg", "data"}, 1, "data/real/camera/0.jpg"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *args[16] = {"data", "reconstruct"};
        struct outcome o;
        for (int k = 0; k < 8 && cases[i].args[k]; k++)
            args[2 + k] = cases[i].args[k];
        run(&(struct launch){.args = args}, &o);
        expect(&o, cases[i].status, "", cases[i].message);
        outcome_free(&o);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice),

        cmocka_unit_test(test_command), cmocka_unit_test(test_others),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_first_pass),
    };
    if (argc < 2)
        return 1;
    scratch_program = scratch_find_program(argv[1]);
    return cmocka_run_group_tests(tests, setup, scratch_end_group);
}
