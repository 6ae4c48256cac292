/* protocol_table.c - the protocols, as data. Each names the code or paper that its rules were read from. */
#include "eval/metrics_figures.h"
#include "eval/protocol_internal.h"

#define NOTHING_MORE -1

static const struct protocol_pair univfd_pairs[] = {
    {"guided", "imagenet"},    {"ldm_200", "laion"},      {"ldm_200_cfg", "laion"},
    {"ldm_100", "laion"},      {"glide_100_27", "laion"}, {"glide_50_27", "laion"},
    {"glide_100_10", "laion"}, {"dalle", "laion"},        {NULL, NULL},
};

static const char forensynths_order[] = "progan stylegan biggan cyclegan stargan gaugan crn imle seeingdark san "
                                        "deepfake stylegan2 whichfaceisreal";

static const char genimage_order[] =
    "Midjourney stable_diffusion_v_1_4 stable_diffusion_v_1_5 ADM glide wukong VQDM BigGAN";

const struct protocol protocol_table[] = {
    {
        .name = "assay",
        .title = "Assay",
        .layouts = "folders csv json text",
        .follows = "docs/evaluation.md",
        .notes =
            "Every generated source against all real pictures but art; both classes weigh one half and the sources "
            "of a class the same. Real sources and art have rows of their own.",
        .perturbation = "",
        .rows = PROTOCOL_ROWS_SOURCE,
        .reals = PROTOCOL_REALS_SHARED,
        .mean = PROTOCOL_MEAN_SOURCES,
        .art_apart = true,
        .balanced = true,
        .real_rows = true,
        .any_class = true,
        .order = "",
        .shown = {FIGURE_BALANCED_ACCURACY, FIGURE_REAL_ACCURACY, FIGURE_GENERATED_ACCURACY, FIGURE_AVERAGE_PRECISION,
                  FIGURE_AUROC, FIGURE_CALIBRATION_ERROR},
    },
    {
        .name = "assay-verdict",
        .title = "Assay, by calibrated verdict",
        .layouts = "",
        .follows = "docs/evaluation.md",
        .notes = "As assay, but what counts is the verdict that a user would see: an uncertain one is not right.",
        .perturbation = "",
        .rows = PROTOCOL_ROWS_SOURCE,
        .reals = PROTOCOL_REALS_SHARED,
        .threshold = PROTOCOL_BY_VERDICT,
        .mean = PROTOCOL_MEAN_SOURCES,
        .art_apart = true,
        .balanced = true,
        .real_rows = true,
        .any_class = true,
        .order = "",
        .shown = {FIGURE_VERDICT_ACCURACY, FIGURE_VERDICT_UNCERTAIN, FIGURE_FALSE_ALARMS, FIGURE_MISSED,
                  FIGURE_CALIBRATION_ERROR, FIGURE_BRIER},
    },
    {
        .name = "forensynths",
        .title = "ForenSynths (Wang et al., 2020)",
        .layouts = "forensynths cnndetection",
        .follows = "PeterWang512/CNNDetection eval.py, validate.py, data/__init__.py",
        .notes = "The object classes of a generator are pooled into one list.",
        .perturbation = "",
        .rows = PROTOCOL_ROWS_GENERATOR,
        .reals = PROTOCOL_REALS_OWN,
        .mean = PROTOCOL_MEAN_ROWS,
        .order = forensynths_order,
        .shown = {FIGURE_AVERAGE_PRECISION, FIGURE_ACCURACY, FIGURE_REAL_ACCURACY, FIGURE_GENERATED_ACCURACY,
                  NOTHING_MORE, NOTHING_MORE},
    },
    {
        .name = "forensynths-objects",
        .title = "ForenSynths, by object class",
        .layouts = "",
        .follows = "as forensynths, but for the mean",
        .notes = "Figures are taken for each object class and averaged within the generator. Not the authors' way: "
                 "pooling hides a threshold that differs from class to class.",
        .perturbation = "",
        .rows = PROTOCOL_ROWS_SOURCE,
        .reals = PROTOCOL_REALS_OWN,
        .mean = PROTOCOL_MEAN_GROUPS,
        .order = forensynths_order,
        .shown = {FIGURE_AVERAGE_PRECISION, FIGURE_ACCURACY, FIGURE_REAL_ACCURACY, FIGURE_GENERATED_ACCURACY,
                  NOTHING_MORE, NOTHING_MORE},
    },
    {
        .name = "univfd",
        .title = "UnivFD (Ojha, Li and Lee, 2023)",
        .layouts = "univfd",
        .follows = "WisconsinAIVision/UniversalFakeDetect validate.py, dataset_paths.py",
        .notes =
            "1000 pictures of each class are drawn, or 100 if either class has fewer; the authors draw with Python's "
            "generator from a list in the order of the file system, so the pictures are not theirs. A file name "
            "counts by what is between its first and second dot.",
        .perturbation = "",
        .rows = PROTOCOL_ROWS_GENERATOR,
        .reals = PROTOCOL_REALS_PAIRED,
        .pairs = univfd_pairs,
        .sampling = PROTOCOL_TAKE_UNIVFD,
        .max_per_class = 1000,
        .fallback = 100,
        .names = PROTOCOL_NAMES_UNIVFD,
        .mean = PROTOCOL_MEAN_ROWS,
        .order = "progan cyclegan biggan stylegan gaugan stargan deepfake seeingdark san crn imle guided ldm_200 "
                 "ldm_200_cfg ldm_100 glide_100_27 glide_50_27 glide_100_10 dalle",
        .shown = {FIGURE_AVERAGE_PRECISION, FIGURE_ACCURACY, FIGURE_REAL_ACCURACY, FIGURE_GENERATED_ACCURACY,
                  FIGURE_BEST_UNIVFD, NOTHING_MORE},
    },
    {
        .name = "aigcdetect",
        .title = "AIGCDetectBenchmark (Zhong et al., 2023)",
        .layouts = "aigcdetect aigcdetectbenchmark",
        .follows = "Ekko-zn/AIGCDetectBenchmark eval_all.py, validate.py, eval_config.py",
        .notes = "The object classes of a generator are pooled.",
        .perturbation = "",
        .rows = PROTOCOL_ROWS_GENERATOR,
        .reals = PROTOCOL_REALS_OWN,
        .mean = PROTOCOL_MEAN_ROWS,
        .order = "progan stylegan biggan cyclegan stargan gaugan stylegan2 whichfaceisreal ADM Glide Midjourney "
                 "stable_diffusion_v_1_4 stable_diffusion_v_1_5 VQDM wukong DALLE2 SDXL",
        .shown = {FIGURE_ACCURACY, FIGURE_AVERAGE_PRECISION, FIGURE_REAL_ACCURACY, FIGURE_GENERATED_ACCURACY,
                  NOTHING_MORE, NOTHING_MORE},
    },
    {
        .name = "genimage",
        .title = "GenImage (Zhu et al., 2023)",
        .layouts = "genimage",
        .follows = "the accuracy of the paper at 1/2, as shilinyan99/AIDE engine_finetune.py computes it",
        .notes = "",
        .perturbation = "",
        .rows = PROTOCOL_ROWS_GENERATOR,
        .reals = PROTOCOL_REALS_OWN,
        .mean = PROTOCOL_MEAN_ROWS,
        .order = genimage_order,
        .shown = {FIGURE_ACCURACY, FIGURE_AVERAGE_PRECISION, FIGURE_REAL_ACCURACY, FIGURE_GENERATED_ACCURACY,
                  NOTHING_MORE, NOTHING_MORE},
    },
    {
        .name = "genimage-lare2",
        .title = "GenImage, as LaRE2 (Luo et al., 2024)",
        .layouts = "",
        .follows = "luo3300612/LaRE test.py",
        .notes = "OPTIMISTIC: the threshold is chosen on the test set of each generator.",
        .perturbation = "",
        .rows = PROTOCOL_ROWS_GENERATOR,
        .reals = PROTOCOL_REALS_OWN,
        .threshold = PROTOCOL_BEST_LARE,
        .mean = PROTOCOL_MEAN_ROWS,
        .order = genimage_order,
        .shown = {FIGURE_BEST_LARE, FIGURE_AVERAGE_PRECISION, FIGURE_AUROC, FIGURE_ACCURACY, FIGURE_REAL_ACCURACY,
                  FIGURE_GENERATED_ACCURACY},
    },
    {
        .name = "univfd-best",
        .title = "UnivFD, at its best threshold",
        .layouts = "",
        .follows = "WisconsinAIVision/UniversalFakeDetect validate.py, find_best_threshold",
        .notes = "OPTIMISTIC: as univfd, with the threshold chosen on the test set of each generator.",
        .perturbation = "",
        .rows = PROTOCOL_ROWS_GENERATOR,
        .reals = PROTOCOL_REALS_PAIRED,
        .pairs = univfd_pairs,
        .sampling = PROTOCOL_TAKE_UNIVFD,
        .max_per_class = 1000,
        .fallback = 100,
        .names = PROTOCOL_NAMES_UNIVFD,
        .threshold = PROTOCOL_BEST_UNIVFD,
        .mean = PROTOCOL_MEAN_ROWS,
        .order = "progan cyclegan biggan stylegan gaugan stargan deepfake seeingdark san crn imle guided ldm_200 "
                 "ldm_200_cfg ldm_100 glide_100_27 glide_50_27 glide_100_10 dalle",
        .shown = {FIGURE_BEST_UNIVFD, FIGURE_AVERAGE_PRECISION, FIGURE_ACCURACY, FIGURE_REAL_ACCURACY,
                  FIGURE_GENERATED_ACCURACY, NOTHING_MORE},
    },
    {
        .name = "drct-2m",
        .title = "DRCT-2M (Chen et al., 2024)",
        .layouts = "drct-2m drct",
        .follows = "beibuwandeluori/DRCT scripts/train.py --is_test, scripts/test_DRCT-2M.sh, data/dataset.py",
        .notes =
            "Each generator against all of MSCOCO's val2017. The authors pad and crop to 224 (--is_crop): that is the "
            "detector's preprocessing here.",
        .perturbation = "",
        .rows = PROTOCOL_ROWS_GENERATOR,
        .reals = PROTOCOL_REALS_SHARED,
        .mean = PROTOCOL_MEAN_ROWS,
        .order = "ldm-text2im-large-256 stable-diffusion-v1-4 stable-diffusion-v1-5 stable-diffusion-2-1 "
                 "stable-diffusion-xl-base-1.0 stable-diffusion-xl-refiner-1.0 sd-turbo sdxl-turbo lcm-lora-sdv1-5 "
                 "lcm-lora-sdxl sd-controlnet-canny sd21-controlnet-canny controlnet-canny-sdxl-1.0 "
                 "stable-diffusion-inpainting stable-diffusion-2-inpainting stable-diffusion-xl-1.0-inpainting-0.1",
        .shown = {FIGURE_ACCURACY, FIGURE_AUROC, FIGURE_F1, FIGURE_PRECISION, FIGURE_GENERATED_ACCURACY, NOTHING_MORE},
    },
    {
        .name = "co-spy",
        .title = "Co-Spy-Bench (Cheng et al., 2025)",
        .layouts = "co-spy co-spy-bench",
        .follows = "Megum1/CO-SPY dataSets/dataset.py, dataSets/cospy_real.py, evaluate.py",
        .notes =
            "Both classes are encoded as JPEG at quality 95 (Pillow's, 4:2:0) before anything else. Of each model and "
            "set the first min(2000, real, generated) by name; the real pictures of flickr are a data set of "
            "Hugging Face there, whose order their names need not have.",
        .perturbation = "jpeg:95",
        .rows = PROTOCOL_ROWS_SOURCE,
        .reals = PROTOCOL_REALS_DETAIL,
        .sampling = PROTOCOL_TAKE_FIRST,
        .max_per_class = 2000,
        .names = PROTOCOL_NAMES_COSPY,
        .mean = PROTOCOL_MEAN_GROUPS,
        .order = "CompVis@ldm-text2im-large-256 CompVis@stable-diffusion-v1-4 runwayml@stable-diffusion-v1-5 "
                 "segmind@SSD-1B segmind@tiny-sd segmind@SegMoE-SD-4x2-v0 segmind@small-sd "
                 "stabilityai@stable-diffusion-2-1 stabilityai@stable-diffusion-3-medium-diffusers "
                 "stabilityai@sdxl-turbo stabilityai@stable-diffusion-2 stabilityai@stable-diffusion-xl-base-1.0 "
                 "playgroundai@playground-v2.5-1024px-aesthetic playgroundai@playground-v2-1024px-aesthetic "
                 "playgroundai@playground-v2-512px-base playgroundai@playground-v2-256px-base "
                 "PixArt-alpha@PixArt-XL-2-1024-MS PixArt-alpha@PixArt-XL-2-512x512 latent-consistency@lcm-lora-sdxl "
                 "latent-consistency@lcm-lora-sdv1-5 black-forest-labs@FLUX.1-schnell black-forest-labs@FLUX.1-dev",
        .shown = {FIGURE_ACCURACY, FIGURE_AVERAGE_PRECISION, NOTHING_MORE, NOTHING_MORE, NOTHING_MORE, NOTHING_MORE},
    },
    {
        .name = "chameleon",
        .title = "Chameleon (Yan et al., 2024)",
        .layouts = "chameleon",
        .follows = "shilinyan99/AIDE engine_finetune.py",
        .notes = "The paper gives the accuracy of each class beside that of all pictures.",
        .perturbation = "",
        .rows = PROTOCOL_ROWS_ONE,
        .reals = PROTOCOL_REALS_SHARED,
        .mean = PROTOCOL_MEAN_NONE,
        .order = "",
        .shown = {FIGURE_ACCURACY, FIGURE_GENERATED_ACCURACY, FIGURE_REAL_ACCURACY, FIGURE_AVERAGE_PRECISION,
                  NOTHING_MORE, NOTHING_MORE},
    },
    {
        .name = "synris",
        .title = "SynRIS (Cazenavette et al., 2024)",
        .layouts = "synris",
        .follows = "the AUROC of the tables of FakeInversion and SDD",
        .notes = "No code was published: that each generator stands against all real pictures is ours.",
        .perturbation = "",
        .rows = PROTOCOL_ROWS_GENERATOR,
        .reals = PROTOCOL_REALS_SHARED,
        .mean = PROTOCOL_MEAN_ROWS,
        .order = "",
        .shown = {FIGURE_AUROC, FIGURE_AVERAGE_PRECISION, FIGURE_ACCURACY, NOTHING_MORE, NOTHING_MORE, NOTHING_MORE},
    },
    {
        .name = "diffusionforensics",
        .title = "DiffusionForensics (Wang et al., 2023)",
        .layouts = "diffusionforensics",
        .follows = "ZhendongWang6/DIRE test.py, utils/eval.py",
        .notes = "A row is a generator on a set (lsun_bedroom, imagenet, celebahq), against that set's real pictures.",
        .perturbation = "",
        .rows = PROTOCOL_ROWS_SOURCE,
        .reals = PROTOCOL_REALS_DETAIL,
        .mean = PROTOCOL_MEAN_ROWS,
        .order = "",
        .shown = {FIGURE_ACCURACY, FIGURE_AVERAGE_PRECISION, FIGURE_REAL_ACCURACY, FIGURE_GENERATED_ACCURACY,
                  NOTHING_MORE, NOTHING_MORE},
    },
    {
        .name = "opensdid",
        .title = "OpenSDID (Wang et al., 2025)",
        .layouts = "opensdid opensdi",
        .follows = "iamwangyabin/OpenSDI with the image-level evaluators of IMDLBenCo v0.1.22",
        .notes =
            "IMDLBenCo adds 1e-9 to each denominator of the F1: less than 1e-9 of difference. Pixel figures are over "
            "pictures whose name holds \"partial\" and \"fake\".",
        .perturbation = "",
        .rows = PROTOCOL_ROWS_GENERATOR,
        .reals = PROTOCOL_REALS_OWN,
        .mean = PROTOCOL_MEAN_ROWS,
        .order = "sd15 sd2 sdxl sd3 flux",
        .shown = {FIGURE_F1, FIGURE_ACCURACY, NOTHING_MORE, NOTHING_MORE, NOTHING_MORE, NOTHING_MORE},
    },
    {
        .name = "imdlbenco",
        .title = "IMDLBenCo (Ma et al., 2024)",
        .layouts = "imdlbenco",
        .follows = "scu-zjz/IMDLBenCo v0.1.22, IMDLBenCo/evaluation",
        .notes = "A row is a set, its authentic pictures against its altered ones; a set may have altered ones alone.",
        .perturbation = "",
        .rows = PROTOCOL_ROWS_GENERATOR,
        .reals = PROTOCOL_REALS_OWN,
        .mean = PROTOCOL_MEAN_ROWS,
        .any_class = true,
        .order = "",
        .shown = {FIGURE_F1, FIGURE_AUROC, FIGURE_ACCURACY, NOTHING_MORE, NOTHING_MORE, NOTHING_MORE},
    },
};

const size_t protocol_table_count = sizeof protocol_table / sizeof protocol_table[0];
