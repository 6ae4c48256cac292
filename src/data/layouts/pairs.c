/* pairs.c - benchmarks that are class folders: ForenSynths, AIGCDetectBenchmark, GenImage, Chameleon. Discovery
 * (discover.c) reads them all; here is what tells them apart, which is the names of their generators, and how their
 * sources are named. */
#include "data/layouts/layout.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/memory.h"

static const char *const forensynths_names[] = {"progan",          "stylegan", "biggan",   "cyclegan",
                                                "stargan",         "gaugan",   "crn",      "imle",
                                                "seeingdark",      "san",      "deepfake", "stylegan2",
                                                "whichfaceisreal", NULL};
static const char *const aigcdetect_names[] = {"progan",
                                               "stylegan",
                                               "biggan",
                                               "cyclegan",
                                               "stargan",
                                               "gaugan",
                                               "stylegan2",
                                               "whichfaceisreal",
                                               "ADM",
                                               "Glide",
                                               "Midjourney",
                                               "stable_diffusion_v_1_4",
                                               "stable_diffusion_v_1_5",
                                               "VQDM",
                                               "wukong",
                                               "DALLE2",
                                               NULL};

/* GenImage's generators, and the folder that each of its archives unpacks to. */
static const struct {
    const char *generator, *archive;
} genimage_names[] = {
    {"stable_diffusion_v_1_4", "imagenet_ai_0419_sdv4"},
    {"stable_diffusion_v_1_5", "imagenet_ai_0424_sdv5"},
    {"Midjourney", "imagenet_midjourney"},
    {"ADM", "imagenet_ai_0508_adm"},
    {"wukong", "imagenet_ai_0424_wukong"},
    {"glide", "imagenet_glide"},
    {"VQDM", "imagenet_ai_0419_vqdm"},
    {"BigGAN", "imagenet_ai_0419_biggan"},
};
enum { GENIMAGE_COUNT = sizeof genimage_names / sizeof genimage_names[0] };

static const char *genimage_generator(const char *folder)
{
    for (int i = 0; i < GENIMAGE_COUNT; i++)
        if (strcmp(genimage_names[i].archive, folder) == 0 || strcmp(genimage_names[i].generator, folder) == 0)
            return genimage_names[i].generator;
    return folder;
}

static bool genimage_knows(const char *folder)
{
    const char *generator = genimage_generator(folder);
    for (int i = 0; i < GENIMAGE_COUNT; i++)
        if (genimage_names[i].generator == generator)
            return true;
    return false;
}

/* ---- recognising ----------------------------------------------------------------------------------------------- */

static bool has_classes(struct layout_job *job, const char *folder, const char *real, const char *generated)
{
    return layout_has(job, "%s/%s", folder, real) || layout_has(job, "%s/%s", folder, generated);
}

/* Whether class folders lie in a folder or in one of those in it (the object classes). */
static assay_status has_pairs(struct layout_job *job, const char *folder, bool *has, struct assay_error *error)
{
    *has = has_classes(job, folder, "0_real", "1_fake");
    if (*has)
        return ASSAY_OK;
    struct folder below;
    assay_status status = layout_list(job, folder, &below, error);
    for (size_t i = 0; i < below.count && !status && !*has; i++)
        if (below.entries[i].is_folder) {
            const char *path = layout_text(job, "%s/%s", folder, below.entries[i].name);
            if (!path)
                status = error_memory(error, "finding a dataset");
            else
                *has = has_classes(job, path, "0_real", "1_fake");
        }
    folder_free(&below);
    return status;
}

/* What the names of the folders with 0_real/ and 1_fake/ say. */
struct generators {
    bool forensynths, aigcdetect, genimage; /* all are known there */
    size_t count, only_aigcdetect;          /* found; of them those that ForenSynths has not */
};

static assay_status look_at(struct layout_job *job, const char *base, const char *name, struct generators *g,
                            struct assay_error *error)
{
    const char *folder = layout_text(job, "%s%s%s", base, base[0] ? "/" : "", name);
    if (!folder)
        return error_memory(error, "finding a dataset");
    bool in_forensynths = layout_known(forensynths_names, name), in_aigcdetect = layout_known(aigcdetect_names, name),
         in_genimage = genimage_knows(name), pairs = false;
    assay_status status = ASSAY_OK;
    if (in_forensynths || in_aigcdetect || in_genimage)
        status = has_pairs(job, folder, &pairs, error);
    else
        pairs = has_classes(job, folder, "0_real", "1_fake");
    if (status || !pairs)
        return status;
    g->count++;
    g->only_aigcdetect += in_aigcdetect && !in_forensynths;
    g->forensynths = g->forensynths && in_forensynths;
    g->aigcdetect = g->aigcdetect && in_aigcdetect;
    g->genimage = g->genimage && in_genimage;
    return ASSAY_OK;
}

static assay_status find_generators(struct layout_job *job, struct generators *g, struct assay_error *error)
{
    *g = (struct generators){.forensynths = true, .aigcdetect = true, .genimage = true};
    struct layout_bases bases = layout_bases(job, "");
    assay_status status = ASSAY_OK;
    for (size_t b = 0; b < bases.count && !status; b++) {
        struct folder folder;
        status = layout_list(job, bases.folder[b], &folder, error);
        for (size_t i = 0; i < folder.count && !status; i++)
            if (folder.entries[i].is_folder)
                status = look_at(job, bases.folder[b], folder.entries[i].name, g, error);
        folder_free(&folder);
    }
    return status;
}

assay_status forensynths_fits(struct layout_job *job, bool *fits, struct assay_error *error)
{
    struct generators g;
    assay_status status = find_generators(job, &g, error);
    *fits = g.count && g.forensynths;
    return status;
}

assay_status aigcdetect_fits(struct layout_job *job, bool *fits, struct assay_error *error)
{
    struct generators g;
    assay_status status = find_generators(job, &g, error);
    *fits = g.only_aigcdetect && g.aigcdetect; /* what ForenSynths has too is taken for that */
    return status;
}

/* As it is unpacked: GENERATOR/, ARCHIVE/ or GENERATOR/ARCHIVE/ with train/ and val/, in them nature/ and ai/. */
static bool is_original(struct layout_job *job, const char *name)
{
    static const char *const splits[] = {"train", "val"};
    bool found = false;
    for (int i = 0; i < 2 && !found; i++) {
        found = layout_has(job, "%s/%s/nature", name, splits[i]) || layout_has(job, "%s/%s/ai", name, splits[i]);
        for (int j = 0; j < GENIMAGE_COUNT && !found; j++)
            found = strcmp(genimage_names[j].generator, name) == 0 &&
                    (layout_has(job, "%s/%s/%s/nature", name, genimage_names[j].archive, splits[i]) ||
                     layout_has(job, "%s/%s/%s/ai", name, genimage_names[j].archive, splits[i]));
    }
    return found;
}

assay_status genimage_fits(struct layout_job *job, bool *fits, struct assay_error *error)
{
    struct generators g;
    struct folder folder;
    size_t known = 0, other = 0;
    assay_status status = find_generators(job, &g, error);
    if (status)
        return status;
    status = layout_list(job, "", &folder, error);
    for (size_t i = 0; i < folder.count; i++)
        if (folder.entries[i].is_folder && is_original(job, folder.entries[i].name))
            *(genimage_knows(folder.entries[i].name) ? &known : &other) += 1;
    folder_free(&folder);
    *fits = g.genimage && other == 0 && (g.count || known);
    return status;
}

/* Chameleon has nothing but its name: Chameleon/ or Chameleon/test/ with 0_real/ and 1_fake/. */
assay_status chameleon_fits(struct layout_job *job, bool *fits, struct assay_error *error)
{
    if (!layout_has(job, "0_real") && !layout_has(job, "test/0_real") && !layout_has(job, "Chameleon/test/0_real"))
        return ASSAY_OK;
    if (layout_has(job, "Chameleon/test/0_real")) {
        *fits = true;
        return ASSAY_OK;
    }
    char *path = mem_alloc(LIMIT_PATH_BYTES, 1);
    if (!path)
        return error_memory(error, "finding a dataset");
    if (realpath(job->root, path)) {
        char *last = strrchr(path, '/');
        if (last && last > path && strcmp(last, "/test") == 0) {
            *last = '\0';
            last = strrchr(path, '/');
        }
        *fits = last && strcasecmp(last + 1, "Chameleon") == 0;
    }
    mem_free(path);
    return ASSAY_OK;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static assay_status read_style(struct layout_job *job, const struct discover_style *style, struct assay_error *error)
{
    unsigned splits = 0;
    assay_status status =
        discover_classes(job->root, job->builder ? job->wanted : 0, style, job->builder, &splits, error);
    job->splits |= splits;
    return status;
}

/* "progan/airplane" for progan/airplane/1_fake/x.png */
static const struct discover_style by_object = {.classes = CLASS_0_REAL | CLASS_1_FAKE, .levels = true};

assay_status forensynths_read(struct layout_job *job, struct assay_error *error)
{
    return read_style(job, &by_object, error);
}

assay_status aigcdetect_read(struct layout_job *job, struct assay_error *error)
{
    return read_style(job, &by_object, error);
}

assay_status genimage_read(struct layout_job *job, struct assay_error *error)
{
    static const struct discover_style style = {.classes = CLASS_NATURE | CLASS_AI | CLASS_0_REAL | CLASS_1_FAKE,
                                                .generator = genimage_generator};
    return read_style(job, &style, error);
}

static const char *chameleon_generator(const char *folder)
{
    (void)folder;
    return "Chameleon";
}

assay_status chameleon_read(struct layout_job *job, struct assay_error *error)
{
    static const struct discover_style style = {.classes = CLASS_0_REAL | CLASS_1_FAKE,
                                                .generator = chameleon_generator,
                                                .instead = "Chameleon"};
    return read_style(job, &style, error);
}
