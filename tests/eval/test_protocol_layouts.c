/* From the folders of a benchmark to the rows of its table: that layouts name sources as protocols expect. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../data/support.h"
#include "eval/protocol.h"

/* The names of the rows, and of what stands against them, as "row<real row<real | left out". */
static void rows_are(const char *root, const char *split, const char *protocol, const char *expected)
{
    struct dataset d = {0};
    struct protocol_selection s;
    struct protocol_table table;
    assert_ok(dataset_open(tree_path(root), NULL, split, &d, &test_error));
    const struct protocol *p = protocol_for_layout(d.layout);
    assert_string_equal(p->name, protocol);
    assert_ok(protocol_select(p, &d, 0, &s, &test_error));
    struct prediction *predictions = calloc(s.count, sizeof *predictions);
    for (size_t i = 0; i < s.count; i++) {
        const struct dataset_picture *picture = &d.pictures[s.pictures[i]];
        const struct dataset_source *source = &d.sources[picture->source];
        predictions[i] = (struct prediction){.picture = picture->name,
                                             .source = source->name,
                                             .label = picture->label,
                                             .art = source->art,
                                             .readable = true,
                                             .logit = picture->label == LABEL_GENERATED ? 1 : -1,
                                             .probability = 0.5};
    }
    assert_ok(protocol_summarise(p, predictions, s.count, NULL, &table, &test_error));
    char rows[1000] = "";
    size_t used = 0;
    for (size_t r = 0; r < table.count; r++)
        if (table.rows[r].kind == PROTOCOL_ROW_GENERATED) {
            used += (size_t)snprintf(rows + used, sizeof rows - used, "%s%s<%s %zu:%zu", used ? ", " : "",
                                     table.rows[r].name, table.rows[r].reals, table.rows[r].judged[LABEL_GENERATED],
                                     table.rows[r].judged[LABEL_REAL]);
            if (!isnan(table.rows[r].figures.value[FIGURE_AUROC]))
                assert_true(table.rows[r].figures.value[FIGURE_AUROC] == 1);
        }
    assert_string_equal(rows, expected);
    free(predictions);
    protocol_table_free(&table);
    protocol_selection_free(&s);
    dataset_free(&d);
}

static void files(const char *const *names)
{
    for (; *names; names++)
        tree_text(*names, "1");
}

#define FILES(...) files((const char *const[]){__VA_ARGS__, NULL})

static void test_pairs(void **state)
{
    (void)state;
    FILES("f/progan/cat/0_real/1.png", "f/progan/cat/1_fake/2.png", "f/progan/car/0_real/3.png",
          "f/progan/car/1_fake/4.png", "f/crn/0_real/5.png", "f/crn/1_fake/6.png", "f/crn/1_fake/7.png");
    rows_are("f", NULL, "forensynths", "progan<progan 2:2, crn<crn 2:1");
    FILES("a/progan/cat/0_real/1.png", "a/progan/cat/1_fake/2.png", "a/DALLE2/0_real/5.png", "a/DALLE2/1_fake/6.png");
    rows_are("a", NULL, "aigcdetect", "progan<progan 1:1, DALLE2<DALLE2 1:1");
    FILES("g/Midjourney/imagenet_midjourney/val/ai/1.png", "g/Midjourney/imagenet_midjourney/val/nature/2.JPEG",
          "g/BigGAN/imagenet_ai_0419_biggan/val/ai/3.png", "g/BigGAN/imagenet_ai_0419_biggan/val/nature/4.JPEG");
    rows_are("g", NULL, "genimage", "Midjourney<Midjourney 1:1, BigGAN<BigGAN 1:1");
    FILES("Chameleon/test/0_real/1.jpg", "Chameleon/test/1_fake/2.jpg");
    rows_are("Chameleon", NULL, "chameleon", "all<all real 1:1");
}

static void test_shared(void **state)
{
    (void)state;
    FILES("u/diffusion_datasets/guided/1_fake/a.png", "u/diffusion_datasets/ldm_200/1_fake/b.png",
          "u/diffusion_datasets/dalle/1_fake/c.png", "u/diffusion_datasets/imagenet/0_real/d.png",
          "u/diffusion_datasets/laion/0_real/e.png");
    rows_are("u", NULL, "univfd", "guided<imagenet 1:1, ldm_200<laion 1:1, dalle<laion 1:1");
    FILES("d/DRCT-2M/sd-turbo/val2017/b.png", "d/DRCT-2M/stable-diffusion-v1-4/val2017/c.png", "d/MSCOCO/val2017/e.jpg",
          "d/MSCOCO/val2017/f.jpg");
    rows_are("d", "val", "drct-2m", "stable-diffusion-v1-4<all real 1:2, sd-turbo<all real 1:2");
    FILES("c/synthetic/cc3m/CompVis@stable-diffusion-v1-4/a.png", "c/synthetic/cc3m/black@FLUX.1-dev/b.png",
          "c/synthetic/sbu/CompVis@stable-diffusion-v1-4/c.png", "c/real_image_examples/CC3M/1.jpg",
          "c/real_image_examples/CC3M/3.jpg", "c/real_image_examples/SBU/2.jpg");
    rows_are("c", NULL, "co-spy",
             "CompVis@stable-diffusion-v1-4/cc3m<cc3m 1:1, CompVis@stable-diffusion-v1-4/sbu<sbu 1:1, "
             "black@FLUX.1-dev/cc3m<cc3m 1:1");
    FILES("i/images/test/lsun_bedroom/real/a.png", "i/images/test/lsun_bedroom/adm/b.png",
          "i/images/test/imagenet/real/n01440764/d.png", "i/images/test/imagenet/adm/e.png");
    rows_are("i", NULL, "diffusionforensics", "adm/imagenet<imagenet 1:1, adm/lsun_bedroom<lsun_bedroom 1:1");
    FILES("s/real/a.png", "s/real/b.png", "s/dalle3/c.png", "s/sdxl/d.png");
    rows_are("s", NULL, "synris", "dalle3<all real 1:2, sdxl<all real 1:2");
}

static void test_masks_and_plain(void **state)
{
    (void)state;
    FILES("o/sd15/real/a.png", "o/sd15/fake/b.png", "o/flux/real/c.png", "o/flux/fake/d.png");
    tree_folder("o/sd15/masks");
    tree_folder("o/flux/masks");
    rows_are("o", NULL, "opensdid", "sd15<sd15 1:1, flux<flux 1:1");
    FILES("b/columbia/Tp/a.png", "b/columbia/Gt/a.png", "b/casia/Tp/a.png", "b/casia/Gt/a.png");
    rows_are("b", NULL, "imdlbenco", "casia<casia 1:0, columbia<columbia 1:0");
    FILES("p/real/camera/a.png", "p/real/art-oil/b.png", "p/ai/x/c.png", "p/ai/y/d.png");
    rows_are("p", NULL, "assay", "x<all real 1:1, y<all real 1:1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_pairs, tree_setup, tree_teardown),
                                       cmocka_unit_test_setup_teardown(test_shared, tree_setup, tree_teardown),
                                       cmocka_unit_test_setup_teardown(test_masks_and_plain, tree_setup,
                                                                       tree_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
