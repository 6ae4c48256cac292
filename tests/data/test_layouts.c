/* test_layouts.c - each benchmark's layout in miniature: recognised, read, named, and with something missing. */
#include "layout_support.h"

#include <stdio.h>

static void test_forensynths(void **state)
{
    (void)state;
    FILES("f/test/progan/cat/0_real/a.png", "f/test/progan/cat/1_fake/b.png", "f/test/progan/car/0_real/c.png",
          "f/test/progan/car/1_fake/d.v2.png", "f/test/biggan/0_real/e.png", "f/test/biggan/1_fake/f.png");
    struct dataset d = open_both("f", NULL, "forensynths", 3, 3);
    assert_source_is(&d, "progan/cat", LABEL_REAL, 1);
    assert_source_is(&d, "progan/car", LABEL_GENERATED, 1);
    assert_source_is(&d, "biggan", LABEL_GENERATED, 1);
    picture_named(&d, "test/progan/car/1_fake/d.v2.png"); /* a name with two dots is one of them */
    char digest[SHA256_TEXT];
    memcpy(digest, d.digest, sizeof digest);
    dataset_free(&d);
    d = open_as("f", "folders", NULL, "folders", 3, 3); /* the same pictures, so the same digest */
    assert_string_equal(d.digest, digest);
    assert_source_is(&d, "progan", LABEL_REAL, 2);
    dataset_free(&d);
    d = open_both("f/test", NULL, "forensynths", 3, 3);
    dataset_free(&d);

    tree_text("f/val/progan/cat/0_real/a.png", "1");
    tree_text("f/val/progan/cat/1_fake/a.png", "1");
    refuse_as("f", NULL, NULL, "f: has val/, test/; name the one that is meant");
    refuse_as("f", NULL, "train", "there is no split train/ in it, only val/, test/");
    refuse_as("f", NULL, "dev", "'dev' is no split");
    d = open_both("f", "val", "forensynths", 1, 1);
    dataset_free(&d);
    unsigned splits = 0;
    assert_ok(dataset_open_splits(tree_path("f"), NULL, &splits, &test_error));
    assert_int_equal(splits, SPLIT_VAL | SPLIT_TEST);

    tree_text("half/progan/cat/0_real/a.png", "1");
    refuse_as("half", NULL, NULL, "half/progan/cat: has 0_real/ without its partner (1_fake/)");
    tree_folder("half/progan/cat/1_fake");
    refuse_as("half", NULL, NULL, "cat/1_fake: no pictures for the class 'ai-generated'");
    FILES("other/real/a.png", "other/ai/b.png");
    refuse_as("other", "forensynths", NULL, "has real/, ai/, where there are 0_real/, 1_fake/ in this layout");
    refuse_as("other", "forensynths", NULL,
              "(layout forensynths: [SPLIT/]GENERATOR/[OBJECT/] with 0_real/ and 1_fake/)");
    tree_text("nothing/readme.txt", "1");
    refuse_as("nothing", "forensynths", NULL, "found no class folders");
}

static void test_unknown(void **state)
{
    (void)state;
    FILES("d/mygan/0_real/a.png", "d/mygan/1_fake/b.png", "d/progan/0_real/a.png", "d/progan/1_fake/b.png");
    struct dataset d = open_as("d", NULL, NULL, "folders", 2, 2); /* nobody's benchmark */
    dataset_free(&d);
    refuse_as("d", "forensynth", NULL, "there is no layout 'forensynth'; did you mean \"forensynths\"");
    refuse_as("absent", NULL, NULL, "absent: cannot open the folder");
    refuse_as("d/mygan/0_real/a.png", NULL, NULL, "a.png: cannot open the folder");
    for (size_t i = 0; dataset_layout_at(i); i++)
        if (strcmp(dataset_layout_at(i)->name, "folders") != 0) {
            struct dataset none = {0};
            tree_text("bare/notes.md", "1");
            assert_int_not_equal(dataset_open(tree_path("bare"), dataset_layout_at(i)->name, NULL, &none, &test_error),
                                 ASSAY_OK);
            assert_non_null(strstr(test_error.message, "bare"));
        }
}

static void test_aigcdetect(void **state)
{
    (void)state;
    FILES("progan/cat/0_real/a.png", "progan/cat/1_fake/b.png", "DALLE2/0_real/c.png", "DALLE2/1_fake/d.png",
          "ADM/0_real/e.png", "ADM/1_fake/f.png");
    struct dataset d = open_both("", NULL, "aigcdetect", 3, 3);
    assert_source_is(&d, "progan/cat", LABEL_GENERATED, 1);
    assert_source_is(&d, "DALLE2", LABEL_REAL, 1);
    dataset_free(&d);
}

static void test_genimage(void **state)
{
    (void)state;
    FILES("o/Midjourney/imagenet_midjourney/train/ai/a.png", "o/Midjourney/imagenet_midjourney/train/nature/b.JPEG",
          "o/ADM/train/ai/c.PNG", "o/ADM/train/nature/n01440764/d.JPEG", "o/imagenet_glide/train/ai/e.png",
          "o/imagenet_glide/train/nature/f.JPEG", "o/imagenet_glide/val/ai/g.png",
          "o/imagenet_glide/val/nature/h.JPEG");
    struct dataset d = open_both("o", "train", "genimage", 3, 3);
    assert_source_is(&d, "Midjourney", LABEL_GENERATED, 1);
    assert_source_is(&d, "ADM", LABEL_REAL, 1);
    assert_source_is(&d, "glide", LABEL_REAL, 1);
    dataset_free(&d);
    refuse_as("o", NULL, NULL, "has train/, val/; name the one");
    FILES("r/glide/0_real/a.png", "r/glide/1_fake/b.png", "r/BigGAN/0_real/c.png", "r/BigGAN/1_fake/d.png");
    d = open_both("r", NULL, "genimage", 2, 2);
    assert_source_is(&d, "BigGAN", LABEL_GENERATED, 1);
    dataset_free(&d);
    FILES("x/Midjourney/val/ai/a.png", "x/Midjourney/val/nature/a.png", "x/mine/val/ai/a.png",
          "x/mine/val/nature/a.png");
    d = open_as("x", NULL, NULL, "folders", 2, 2);
    dataset_free(&d);
}

static void test_two_fit(void **state)
{
    (void)state;
    FILES("ADM/0_real/a.png", "ADM/1_fake/b.png", "wukong/0_real/c.png", "wukong/1_fake/d.png");
    refuse_as("", NULL, NULL, "can be read as aigcdetect (AIGCDetectBenchmark) and as genimage (GenImage)");
    refuse_as("", "auto", NULL, "say which with --layout NAME");
    struct dataset d = open_as("", "genimage", NULL, "genimage", 2, 2);
    dataset_free(&d);
    d = open_as("", "folders", NULL, "folders", 2, 2);
    dataset_free(&d);
}

static void test_chameleon(void **state)
{
    (void)state;
    FILES("Chameleon/test/0_real/a.jpg", "Chameleon/test/1_fake/b.jpg", "Chameleon/test/1_fake/c.jpg");
    static const char *const roots[] = {"", "Chameleon", "Chameleon/test"};
    for (int i = 0; i < 3; i++) {
        struct dataset d = open_both(roots[i], NULL, "chameleon", 1, 2);
        assert_source_is(&d, "Chameleon", LABEL_REAL, 1);
        assert_source_is(&d, "Chameleon", LABEL_GENERATED, 2);
        dataset_free(&d);
    }
}

static void test_univfd(void **state)
{
    (void)state;
    FILES("u/diffusion_datasets/guided/1_fake/a.png", "u/diffusion_datasets/ldm_200/1_fake/b.png",
          "u/diffusion_datasets/dalle/x/1_fake/c.png", "u/diffusion_datasets/imagenet/0_real/d.png",
          "u/diffusion_datasets/laion/0_real/e.png", "u/diffusion_datasets/laion/samples/f.png");
    struct dataset d = open_both("u", NULL, "univfd", 2, 3);
    assert_source_is(&d, "guided", LABEL_GENERATED, 1);
    assert_source_is(&d, "ldm_200", LABEL_GENERATED, 1);
    assert_source_is(&d, "laion", LABEL_REAL, 1);
    assert_int_equal(d.skipped, 1);
    assert_non_null(strstr(d.skipped_first, "laion/samples/f.png: lies outside the folders of its class"));
    dataset_free(&d);
    d = open_both("u/diffusion_datasets", NULL, "univfd", 2, 3);
    dataset_free(&d);
    FILES("half/ldm_100/1_fake/a.png", "half/imagenet/0_real/b.png");
    refuse_as("half", NULL, NULL, "there is no laion/, the real pictures that ldm_*, glide_* and dalle are compared");
    tree_text("plain/a.txt", "1");
    refuse_as("plain", "univfd", NULL, "plain: not laid out as univfd: there is no folder of a generator");
    FILES("none/ldm_100/fakes/a.png", "none/laion/0_real/b.png");
    refuse_as("none", NULL, NULL, "no pictures for the class 'ai-generated' below 1_fake");
}

static void test_drct(void **state)
{
    (void)state;
    FILES("d/DRCT-2M/sd-turbo/train2017/a.png", "d/DRCT-2M/sd-turbo/val2017/b.png",
          "d/DRCT-2M/stable-diffusion-v1-4/val2017/c.png", "d/MSCOCO/train2017/d.jpg", "d/MSCOCO/val2017/e.jpg",
          "d/MSCOCO/val2017/f.jpg", "d/DR/DRCT-2M/sd-turbo/full_inpainting/val2017/g.png");
    struct dataset d = open_both("d", "val", "drct-2m", 2, 2);
    assert_source_is(&d, "sd-turbo", LABEL_GENERATED, 1);
    assert_source_is(&d, "MSCOCO", LABEL_REAL, 2);
    dataset_free(&d);
    d = open_both("d", "train", "drct-2m", 1, 1);
    dataset_free(&d);
    refuse_as("d", NULL, NULL, "has train/, val/; name the one that is meant");
    refuse_as("d", NULL, "test", "there is no split test/ in it, only train/, val/");
    unsigned splits = 0;
    assert_ok(dataset_open_splits(tree_path("d"), NULL, &splits, &test_error));
    assert_int_equal(splits, SPLIT_TRAIN | SPLIT_VAL);
    tree_text("lone/DRCT-2M/sd-turbo/val2017/b.png", "1");
    refuse_as("lone", NULL, NULL, "lone: not laid out as drct-2m: there is no MSCOCO/");
    tree_text("lone/MSCOCO/train2017/a.jpg", "1");
    refuse_as("lone", NULL, "val", "there is no MSCOCO/val2017/");
    tree_text("empty/x.txt", "1");
    refuse_as("empty", "drct-2m", NULL, "there is no folder of a generator with train2017/ or val2017/");
}

static void test_cospy(void **state)
{
    (void)state;
    FILES("c/synthetic/cc3m/CompVis@stable-diffusion-v1-4/a.png", "c/synthetic/cc3m/black@FLUX.1-dev/b.png",
          "c/synthetic/sbu/CompVis@stable-diffusion-v1-4/c.png", "c/synthetic/flickr/CompVis@sd/d.png",
          "c/synthetic/flickr/CompVis@sd/e.png", "c/real_image_examples/CC3M/1.jpg",
          "c/real_image_examples/CC3M/1.json", "c/real_image_examples/SBU/2.jpg");
    struct dataset d = open_both("c", NULL, "co-spy", 2, 3);
    assert_source_is(&d, "CompVis@stable-diffusion-v1-4/cc3m", LABEL_GENERATED, 1);
    assert_source_is(&d, "black@FLUX.1-dev/cc3m", LABEL_GENERATED, 1);
    assert_source_is(&d, "sbu", LABEL_REAL, 1);
    assert_int_equal(d.skipped, 2); /* a set without its real pictures */
    assert_string_equal(d.skipped_first, "synthetic/flickr: the real pictures of flickr, flickr30k/, are not there");
    dataset_free(&d);
    tree_text("c/real/flickr/3.jpg", "1");
    d = open_both("c", NULL, "co-spy", 3, 5);
    assert_int_equal(d.skipped, 0);
    dataset_free(&d);
    tree_text("only/synthetic/mscoco/a@b/a.png", "1");
    refuse_as("only", NULL, NULL, "left out: synthetic/mscoco: the real pictures of mscoco, mscoco2017/val2017/");
    tree_text("empty/x.txt", "1");
    refuse_as("empty", "co-spy", NULL, "there is no synthetic/");
}

static void test_diffusionforensics(void **state)
{
    (void)state;
    FILES("d/images/test/lsun_bedroom/real/a.png", "d/images/test/lsun_bedroom/adm/b.png",
          "d/images/test/lsun_bedroom/ldm/c.png", "d/images/test/imagenet/real/n01440764/d.png",
          "d/images/test/imagenet/adm/e.png", "d/recons/test/imagenet/adm/e.png", "d/dire/test/imagenet/adm/e.png");
    struct dataset d = open_both("d", NULL, "diffusionforensics", 2, 3);
    assert_source_is(&d, "adm/lsun_bedroom", LABEL_GENERATED, 1);
    assert_source_is(&d, "adm/imagenet", LABEL_GENERATED, 1);
    assert_source_is(&d, "imagenet", LABEL_REAL, 1);
    dataset_free(&d);
    d = open_both("d/images/test", NULL, "diffusionforensics", 2, 3);
    dataset_free(&d);
    FILES("d/images/train/celebahq/real/a.png", "d/images/train/celebahq/if/b.png");
    refuse_as("d", NULL, NULL, "has train/, test/; name the one that is meant");
    d = open_both("d", "train", "diffusionforensics", 1, 1);
    dataset_free(&d);
    refuse_as("d", NULL, "val", "there is no split val/ in it");
    FILES("m/imagenet/adm/a.png", "m/celebahq/real/b.png", "m/celebahq/if/b.png");
    refuse_as("m", NULL, NULL, "there is no imagenet/real/");
    tree_text("empty/x.txt", "1");
    refuse_as("empty", "diffusionforensics", NULL, "there is no lsun_bedroom/, imagenet/ or celebahq/");
}

static void test_synris(void **state)
{
    (void)state;
    FILES("s/real/a.jpg", "s/real/laion/b.jpg", "s/PixArt-alpha/c.png", "s/dalle-3/d.png", "s/SSD-1B/e.png");
    struct dataset d = open_both("s", NULL, "synris", 2, 3);
    assert_source_is(&d, "PixArt-alpha", LABEL_GENERATED, 1);
    assert_source_is(&d, "real", LABEL_REAL, 2);
    dataset_free(&d);
    FILES("n/real/a.jpg", "n/mine/b.png", "n/dalle3/c.png", "n/sdxl/c.png");
    refuse_as("n", NULL, NULL, "n: has real/ without its partner (ai/)"); /* mine/ may be anything */
    d = open_as("n", "synris", NULL, "synris", 1, 3);
    dataset_free(&d);
    tree_text("g/dalle3/a.png", "1");
    refuse_as("g", "synris", NULL, "g: not laid out as synris: there is no real/");
    tree_text("r/real/a.png", "1");
    refuse_as("r", "synris", NULL, "there is no folder of a generator beside real/");
    tree_folder("r/dalle3");
    refuse_as("r", "synris", NULL, "r/dalle3: no pictures for the class 'ai-generated'");
}

static void test_opensdid(void **state)
{
    (void)state;
    FILES("o/test/sd15/real/r1.png", "o/test/sd15/real/r2.png", "o/test/sd15/fake/fake_1.png",
          "o/test/sd15/fake/partial.2.png", "o/test/sd15/fake/partial.3.png", "o/test/sd15/masks/partial.3.png",
          "o/test/sd15/masks/partial.2.png", "o/test/flux/real/r1.png", "o/test/flux/fake/fake_1.jpg",
          "o/test/flux/masks/fake_1.png");
    struct dataset d = open_both("o", NULL, "opensdid", 3, 4);
    assert_source_is(&d, "sd15", LABEL_GENERATED, 3);
    assert_source_is(&d, "flux", LABEL_REAL, 1);
    assert_int_equal(picture_named(&d, "test/sd15/real/r1.png")->mask_kind, MASK_ZERO);
    assert_int_equal(picture_named(&d, "test/sd15/fake/fake_1.png")->mask_kind, MASK_ONE);
    const struct dataset_picture *partial = picture_named(&d, "test/sd15/fake/partial.2.png");
    assert_int_equal(partial->mask_kind, MASK_FILE);
    assert_string_equal(partial->mask, tree_path("o/test/sd15/masks/partial.2.png"));
    assert_string_equal(partial->mask_name, "test/sd15/masks/partial.2.png");
    char digest[SHA256_TEXT];
    memcpy(digest, d.digest, sizeof digest);
    struct dataset kept = {0}, held = {0};
    assert_ok(dataset_hold_out(&d, 0.5, 1, &kept, &held, &test_error));
    for (size_t i = 0; i < held.count; i++)
        assert_int_equal(held.pictures[i].mask_kind, picture_named(&d, held.pictures[i].name)->mask_kind);
    dataset_free(&kept);
    dataset_free(&held);
    dataset_free(&d);
    assert_int_equal(remove(tree_path("o/test/flux/masks/fake_1.png")), 0);
    d = open_both("o/test", NULL, "opensdid", 3, 4);
    dataset_free(&d);
    d = open_both("o", "test", "opensdid", 3, 4);
    assert_string_not_equal(d.digest, digest); /* another mask is another dataset */
    dataset_free(&d);

    tree_text("o/test/flux/masks/odd.png", "1");
    refuse_as("o", NULL, NULL, "flux/masks/odd.png: a mask without a picture in fake/");
    assert_int_equal(remove(tree_path("o/test/flux/masks/odd.png")), 0);
    tree_text("o/test/flux/fake/partial_3.png", "1");
    refuse_as("o", NULL, NULL, "flux/fake/partial_3.png: partly generated by its name, and there is no mask");
    FILES("o/test/flux/masks/partial_3.png", "o/test/flux/fake/partial_3.jpg");
    refuse_as("o", NULL, NULL, "its mask is another picture's too");
    assert_int_equal(remove(tree_path("o/test/flux/fake/partial_3.jpg")), 0);
    tree_text("o/test/flux/masks/partial_3.jpg", "1");
    refuse_as("o", NULL, NULL, "two masks for one picture: partial_3.jpg and partial_3.png");
    tree_text("lone/sd2/fake/a.png", "1");
    refuse_as("lone", NULL, NULL, "there is no sd2/real/");
    tree_text("empty/x.txt", "1");
    refuse_as("empty", "opensdid", NULL, "there is no folder of a generator");
}

static void test_imdlbenco(void **state)
{
    (void)state;
    FILES("CASIA/Tp/a.jpg", "CASIA/Tp/b.c.jpg", "CASIA/Gt/a_gt.png", "CASIA/Gt/b_gt.png", "CASIA/Gt/notes.txt");
    struct dataset d = open_both("CASIA", NULL, "imdlbenco", 0, 2);
    assert_source_is(&d, "CASIA", LABEL_GENERATED, 2);
    assert_string_equal(picture_named(&d, "Tp/b.c.jpg")->mask_name, "Gt/b_gt.png");
    dataset_free(&d);
    FILES("all/Columbia/Tp/x.tif", "all/Columbia/Gt/x.png", "all/NIST/Tp/y.jpg", "all/NIST/Gt/y.png");
    d = open_both("all", NULL, "imdlbenco", 0, 2);
    assert_source_is(&d, "NIST", LABEL_GENERATED, 1);
    dataset_free(&d);
    FILES("one/Tp/a.jpg", "one/Gt/a.png");
    d = open_both("one", NULL, "imdlbenco", 0, 1); /* SHA-256 of what dataset.h says, by Python's hashlib */
    assert_string_equal(d.digest, "290d9659696b8de312b34b4cb13168a5a2959d9cd637f0e9b8a67ca07368b802");
    dataset_free(&d);
    tree_text("CASIA/Tp/z.jpg", "1");
    refuse_as("CASIA", NULL, NULL, "CASIA/Tp: 3 pictures, and 2 masks in Gt/");
    tree_text("half/Tp/z.jpg", "1");
    refuse_as("half", "imdlbenco", NULL, "there is Tp/ and no Gt/ beside it");
    tree_folder("none/Tp");
    tree_folder("none/Gt");
    refuse_as("none", NULL, NULL, "none/Tp: no pictures");
    tree_text("empty/x.txt", "1");
    refuse_as("empty", "imdlbenco", NULL, "there are no Tp/ and Gt/");
    tree_text("list.json", "[[\"all/NIST/Tp/y.jpg\", \"all/NIST/Gt/y.png\"],\n [\"CASIA/Tp/a.jpg\", \"Negative\"]]");
    d = open_both("list.json", NULL, "imdlbenco", 1, 1);
    assert_int_equal(picture_named(&d, "CASIA/Tp/a.jpg")->mask_kind, MASK_ZERO);
    assert_string_equal(picture_named(&d, "all/NIST/Tp/y.jpg")->mask, tree_path("all/NIST/Gt/y.png"));
    dataset_free(&d);
}

static void test_links(void **state)
{
    (void)state;
    FILES("s/real/a.jpg", "s/dalle3/c.png", "s/sdxl/d.png");
    tree_link("s/sdxl/self", ".");
    struct dataset d = open_as("s", NULL, NULL, "synris", 1, 2); /* a loop is entered once */
    dataset_free(&d);
    tree_link("s/sdxl/loop", "..");
    refuse_as("s", NULL, NULL, "the real and the generated pictures are in one place");
    FILES("t/real/a.jpg", "t/dalle3/c.png", "t/elsewhere/d.png");
    tree_link("t/real/more", "../../lot");
    tree_link("t/sdxl", "../lot");
    tree_text("lot/x.jpg", "1");
    refuse_as("t", "synris", NULL, "in one place");
    /* elsewhere, though its path begins with that of the folder it is linked from */
    FILES("u/DRCT-2M/sd-turbo/val2017/a.png", "u/DRCT-2M/sd-turbo/val2017-photos/b.png");
    tree_link("u/DRCT-2M/sd-turbo/val2017/more", "../val2017-photos");
    tree_link("u/MSCOCO/val2017", "../DRCT-2M/sd-turbo/val2017-photos");
    refuse_as("u", NULL, NULL, "in one place");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_setup, tree_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_forensynths), TEST(test_unknown),
        TEST(test_aigcdetect),  TEST(test_genimage),
        TEST(test_two_fit),     TEST(test_chameleon),
        TEST(test_univfd),      TEST(test_drct),
        TEST(test_cospy),       TEST(test_diffusionforensics),
        TEST(test_synris),      TEST(test_opensdid),
        TEST(test_imdlbenco),   TEST(test_links),
    };
    return cmocka_run_group_tests_name("data/layouts", tests, NULL, NULL);
}
