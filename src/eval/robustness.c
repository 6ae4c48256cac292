/* robustness.c - the table of sweeps. */
#include "eval/robustness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* ---- one step, harder and harder ------------------------------------------------------------------------------ */

static const struct robustness_point jpeg_points[] = {
    {10, NULL, "jpeg:10"}, {20, NULL, "jpeg:20"}, {30, NULL, "jpeg:30"},   {40, NULL, "jpeg:40"},
    {50, NULL, "jpeg:50"}, {60, NULL, "jpeg:60"}, {70, NULL, "jpeg:70"},   {80, NULL, "jpeg:80"},
    {90, NULL, "jpeg:90"}, {95, NULL, "jpeg:95"}, {100, NULL, "jpeg:100"},
};

static const struct robustness_point webp_points[] = {
    {10, NULL, "webp:10"}, {20, NULL, "webp:20"}, {30, NULL, "webp:30"},   {40, NULL, "webp:40"},
    {50, NULL, "webp:50"}, {60, NULL, "webp:60"}, {70, NULL, "webp:70"},   {80, NULL, "webp:80"},
    {90, NULL, "webp:90"}, {95, NULL, "webp:95"}, {100, NULL, "webp:100"},
};

static const struct robustness_point blur_points[] = {
    {0.5, NULL, "blur:0.5"}, {1, NULL, "blur:1"}, {1.5, NULL, "blur:1.5"},
    {2, NULL, "blur:2"},     {3, NULL, "blur:3"}, {4, NULL, "blur:4"},
};

static const struct robustness_point noise_points[] = {
    {1, NULL, "noise:1"}, {2, NULL, "noise:2"},   {3, NULL, "noise:3"},   {5, NULL, "noise:5"},
    {8, NULL, "noise:8"}, {12, NULL, "noise:12"}, {16, NULL, "noise:16"}, {20, NULL, "noise:20"},
};

static const struct robustness_point resize_points[] = {
    {0.25, NULL, "resize:0.25"}, {0.35, NULL, "resize:0.35"}, {0.5, NULL, "resize:0.5"},
    {0.75, NULL, "resize:0.75"}, {0.9, NULL, "resize:0.9"},   {1.1, NULL, "resize:1.1"},
    {1.25, NULL, "resize:1.25"}, {1.5, NULL, "resize:1.5"},   {2, NULL, "resize:2"},
};

static const struct robustness_point crop_points[] = {
    {0.3, NULL, "crop:0.3"}, {0.4, NULL, "crop:0.4"}, {0.5, NULL, "crop:0.5"}, {0.6, NULL, "crop:0.6"},
    {0.7, NULL, "crop:0.7"}, {0.8, NULL, "crop:0.8"}, {0.9, NULL, "crop:0.9"},
};

/* ---- what happens to pictures that are passed on -------------------------------------------------------------- */

static const struct robustness_point messenger_points[] = {
    {0.25, NULL, "resize:0.25+jpeg:70"},
    {0.35, NULL, "resize:0.35+jpeg:70"},
    {0.5, NULL, "resize:0.5+jpeg:70"},
    {0.75, NULL, "resize:0.75+jpeg:70"},
    {1, NULL, "jpeg:70"},
};

static const struct robustness_point messenger_fit_points[] = {
    {480, NULL, "fit:480+jpeg:70"},   {640, NULL, "fit:640+jpeg:70"},   {960, NULL, "fit:960+jpeg:70"},
    {1280, NULL, "fit:1280+jpeg:70"}, {1600, NULL, "fit:1600+jpeg:70"}, {2048, NULL, "fit:2048+jpeg:70"},
};

static const struct robustness_point screenshot_points[] = {
    {360, NULL, "width:360"},
    {480, NULL, "width:480"},
    {720, NULL, "width:720"},
    {1080, NULL, "width:1080"},
};

static const struct robustness_point screenshot_jpeg_points[] = {
    {360, NULL, "width:360+jpeg:85"},
    {480, NULL, "width:480+jpeg:85"},
    {720, NULL, "width:720+jpeg:85"},
    {1080, NULL, "width:1080+jpeg:85"},
};

/* ---- the papers' settings ------------------------------------------------------------------------------------- */

#define FRANK_NOISE "noise:5..20"
#define FRANK_BLUR "kernel:3..9"
#define FRANK_JPEG "jpeg:10..75"
#define FRANK_CROP "zoom:0.05..0.2"

/* "combined": one of the four for each picture. (Their code takes them in turn, by the order of the files.) */
static const struct robustness_point frank_points[] = {
    {0, "noise", FRANK_NOISE "@0.5"},
    {1, "blur", FRANK_BLUR "@0.5"},
    {2, "jpeg", FRANK_JPEG "@0.5"},
    {3, "crop", FRANK_CROP "@0.5"},
    {4, "combined", FRANK_NOISE "|" FRANK_BLUR "|" FRANK_JPEG "|" FRANK_CROP "@0.5"},
};

/* create_perturbed_imagedata.py as it runs: the quality never reaches the encoder, whose default is 95, and red and
 * blue are exchanged while it works; a picture that is not square is squeezed to its height and width exchanged. */
static const struct robustness_point frank_released_points[] = {
    {0, "noise", FRANK_NOISE "@0.5"},
    {1, "blur", FRANK_BLUR "@0.5"},
    {2, "jpeg", "jpeg-bgr:95@0.5"},
    {3, "crop", "zoom-transposed:0.05..0.2@0.5"},
    {4, "combined", FRANK_NOISE "|" FRANK_BLUR "|jpeg-bgr:95|zoom-transposed:0.05..0.2@0.5"},
};

/* Every picture is changed; "combined" is all four one after the other. */
static const struct robustness_point lol_points[] = {
    {0, "noise", FRANK_NOISE},
    {1, "blur", FRANK_BLUR},
    {2, "jpeg", FRANK_JPEG},
    {3, "crop", FRANK_CROP},
    {4, "combined", FRANK_NOISE "+" FRANK_BLUR "+" FRANK_JPEG "+" FRANK_CROP},
};

/* ---- the table ------------------------------------------------------------------------------------------------ */

#define POINTS(points) points, (int)(sizeof(points) / sizeof((points)[0]))
#define OURS "Assay"
#define FRANK "Frank et al., Leveraging Frequency Analysis for Deep Fake Image Recognition, ICML 2020"

static const struct robustness_sweep sweeps[] = {
    {"jpeg", "JPEG", "quality", NAN, OURS, POINTS(jpeg_points)},
    {"webp", "WebP", "quality", NAN, OURS, POINTS(webp_points)},
    {"blur", "Gaussian blur", "sigma in pixels", 0, OURS, POINTS(blur_points)},
    {"noise", "Gaussian noise", "sigma in grey levels", 0, OURS, POINTS(noise_points)},
    {"resize", "Resized", "factor", 1, OURS, POINTS(resize_points)},
    {"crop", "Cropped to the centre", "share of each side", 1, OURS, POINTS(crop_points)},
    {"messenger", "Messenger: resized, then JPEG 70", "factor", NAN, OURS, POINTS(messenger_points)},
    {"messenger-fit", "Messenger: shrunk to a longest side, then JPEG 70", "pixels", NAN, OURS,
     POINTS(messenger_fit_points)},
    {"screenshot", "Screenshot: resized to the width of a display", "pixels", NAN, OURS, POINTS(screenshot_points)},
    {"screenshot-jpeg", "Screenshot, then JPEG 85", "pixels", NAN, OURS, POINTS(screenshot_jpeg_points)},
    {"frank", "Frank et al., as intended", NULL, NAN, FRANK, POINTS(frank_points)},
    {"frank-released", "Frank et al., as released", NULL, NAN,
     "create_perturbed_imagedata.py of RUB-SysSec/GANDCTAnalysis", POINTS(frank_released_points)},
    {"lol", "LoL's settings", NULL, NAN, "LoL, supplementary material A.1 and A.3", POINTS(lol_points)},
    {0},
};

const struct robustness_sweep *robustness_sweeps(void)
{
    return sweeps;
}

assay_status robustness_find(const char *name, const struct robustness_sweep **out, struct assay_error *error)
{
    char shown[TEXT_NAME], hint[TEXT_NEAREST], list[512] = "";
    struct nearest near = nearest_to(name);
    size_t used = 0;
    *out = NULL;
    for (const struct robustness_sweep *sweep = sweeps; sweep->name; sweep++) {
        if (strcmp(sweep->name, name) == 0) {
            *out = sweep;
            return ASSAY_OK;
        }
        nearest_offer(&near, sweep->name);
        int length = snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", sweep->name);
        if (length > 0 && (size_t)length < sizeof list - used)
            used += (size_t)length;
    }
    return error_set(error, ASSAY_ERROR_ARGUMENT, "no robustness sweep is called \"%s\"%s Known are %s",
                     text_printable(name, shown, sizeof shown), near.count ? nearest_text(&near, hint) : ".", list);
}

static assay_status add_chain(const char *text, struct array *chains, struct assay_error *error)
{
    struct perturbation chain, *held = chains->data;
    assay_status status = perturbation_parse(text, &chain, error);
    if (status)
        return status;
    for (size_t i = 0; i < chains->count; i++)
        if (strcmp(held[i].text, chain.text) == 0)
            return ASSAY_OK;
    if (chains->count >= ROBUSTNESS_MAX_CHAINS)
        return error_set(error, ASSAY_ERROR_LIMIT, "more than %d perturbations", (int)ROBUSTNESS_MAX_CHAINS);
    struct perturbation *slot = array_push(chains);
    if (!slot)
        return error_memory(error, "perturbations");
    *slot = chain;
    return ASSAY_OK;
}

assay_status robustness_collect(const struct robustness_sweep *sweep, struct array *chains, struct assay_error *error)
{
    assay_status status = chains->count ? ASSAY_OK : add_chain("", chains, error);
    for (int i = 0; i < sweep->count && !status; i++)
        status = add_chain(sweep->points[i].chain, chains, error);
    return status;
}
