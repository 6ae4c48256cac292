/* shared.c - benchmarks with one folder per generator, whose real pictures lie elsewhere and are compared with several
 * of them: UnivFD, DRCT-2M, Co-Spy-Bench, DiffusionForensics, SynRIS. */
#include "data/layouts/layout.h"

#include <ctype.h>
#include <string.h>

/* What to do with each folder in a folder. */
typedef assay_status each_folder(struct layout_job *job, void *context, const char *path, const char *name,
                                 struct assay_error *error);

static assay_status for_each(struct layout_job *job, const char *base, each_folder *each, void *context,
                             struct assay_error *error)
{
    struct folder folder;
    assay_status status = layout_list(job, base, &folder, error);
    for (size_t i = 0; i < folder.count && !status; i++) {
        if (!folder.entries[i].is_folder)
            continue;
        const char *path = layout_text(job, "%s%s%s", base, base[0] ? "/" : "", folder.entries[i].name);
        status =
            path ? each(job, context, path, folder.entries[i].name, error) : error_memory(error, "finding a dataset");
    }
    folder_free(&folder);
    return status;
}

/* ---- UnivFD: diffusion_datasets/GENERATOR/.../1_fake/, imagenet/.../0_real/, laion/.../0_real/ ------------------- */

static const char *const univfd_names[] = {"guided",      "ldm_200",      "ldm_200_cfg", "ldm_100", "glide_100_27",
                                           "glide_50_27", "glide_100_10", "dalle",       NULL};
static const char *const univfd_reals[] = {"imagenet", "laion", NULL};

static const char *univfd_base(struct layout_job *job)
{
    return layout_has(job, "diffusion_datasets") ? "diffusion_datasets" : "";
}

assay_status univfd_fits(struct layout_job *job, bool *fits, struct assay_error *error)
{
    const char *base = univfd_base(job), *slash = base[0] ? "/" : "";
    bool real = false;
    (void)error;
    for (int i = 0; univfd_reals[i]; i++)
        real = real || layout_has(job, "%s%s%s", base, slash, univfd_reals[i]);
    for (int i = 0; univfd_names[i]; i++) {
        bool there = layout_has(job, "%s%s%s", base, slash, univfd_names[i]),
             fake = layout_has(job, "%s%s%s/1_fake", base, slash, univfd_names[i]);
        *fits = *fits || (there && real) || (fake && base[0]);
    }
    return ASSAY_OK;
}

struct univfd {
    bool need[2]; /* of univfd_reals */
    size_t count;
};

static assay_status univfd_generator(struct layout_job *job, void *context, const char *path, const char *name,
                                     struct assay_error *error)
{
    struct univfd *u = context;
    if (layout_known(univfd_reals, name))
        return ASSAY_OK;
    int real = strcmp(name, "guided") != 0; /* imagenet's for guided, laion's for all others */
    u->need[real] = true;
    u->count++;
    return layout_take(
        job, &(struct layout_take){.folder = path, .label = LABEL_GENERATED, .source = name, .within = "1_fake"},
        error);
}

assay_status univfd_read(struct layout_job *job, struct assay_error *error)
{
    struct univfd u = {{false, false}, 0};
    const char *base = univfd_base(job);
    assay_status status = for_each(job, base, univfd_generator, &u, error);
    if (!status && u.count == 0)
        return layout_missing(job, error, "there is no folder of a generator (guided/, ldm_200/, ...)");
    for (int i = 0; univfd_reals[i] && !status; i++) {
        const char *folder = layout_text(job, "%s%s%s", base, base[0] ? "/" : "", univfd_reals[i]);
        if (!folder)
            return error_memory(error, "finding a dataset");
        if (layout_has(job, "%s", folder))
            status = layout_take(job,
                                 &(struct layout_take){.folder = folder,
                                                       .label = LABEL_REAL,
                                                       .source = univfd_reals[i],
                                                       .within = "0_real"},
                                 error);
        else if (u.need[i])
            status = layout_missing(job, error, "there is no %s/, the real pictures that %s compared with", folder,
                                    i ? "ldm_*, glide_* and dalle are" : "guided is");
    }
    return status;
}

/* ---- DRCT-2M: DRCT-2M/MODEL/{train,val}2017/, MSCOCO/{train,val}2017/ -------------------------------------------- */

static const char *const drct_names[] = {"ldm-text2im-large-256",
                                         "stable-diffusion-v1-4",
                                         "stable-diffusion-v1-5",
                                         "stable-diffusion-2-1",
                                         "stable-diffusion-xl-base-1.0",
                                         "stable-diffusion-xl-refiner-1.0",
                                         "sd-turbo",
                                         "sdxl-turbo",
                                         "lcm-lora-sdv1-5",
                                         "lcm-lora-sdxl",
                                         "sd-controlnet-canny",
                                         "sd21-controlnet-canny",
                                         "controlnet-canny-sdxl-1.0",
                                         "stable-diffusion-inpainting",
                                         "stable-diffusion-2-inpainting",
                                         "stable-diffusion-xl-1.0-inpainting-0.1",
                                         NULL};
static const struct {
    const char *folder;
    unsigned split;
} coco_splits[] = {{"train2017", SPLIT_TRAIN}, {"val2017", SPLIT_VAL}};

static const char *drct_base(struct layout_job *job)
{
    return layout_has(job, "DRCT-2M") ? "DRCT-2M" : "";
}

assay_status drct_fits(struct layout_job *job, bool *fits, struct assay_error *error)
{
    const char *base = drct_base(job), *slash = base[0] ? "/" : "";
    (void)error;
    for (int i = 0; drct_names[i]; i++)
        for (int s = 0; s < 2; s++)
            *fits = *fits || layout_has(job, "%s%s%s/%s", base, slash, drct_names[i], coco_splits[s].folder);
    return ASSAY_OK;
}

struct drct {
    unsigned generated; /* splits that generators have and that are read */
    size_t count;
};

/* The train2017/ and val2017/ of one generator, or of MSCOCO. *splits: those that are there and wanted. */
static assay_status coco_folder(struct layout_job *job, const char *path, struct layout_take take, unsigned *splits,
                                struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (int s = 0; s < 2 && !status; s++) {
        if (!layout_has(job, "%s/%s", path, coco_splits[s].folder) || !layout_wants(job, coco_splits[s].split))
            continue;
        *splits |= coco_splits[s].split;
        take.folder = layout_text(job, "%s/%s", path, coco_splits[s].folder);
        status = layout_take(job, &take, error);
    }
    return status;
}

static assay_status drct_model(struct layout_job *job, void *context, const char *path, const char *name,
                               struct assay_error *error)
{
    struct drct *d = context;
    unsigned splits = 0;
    if (strcmp(path, "MSCOCO") == 0 || strcmp(path, "DR") == 0)
        return ASSAY_OK;
    d->count += layout_has(job, "%s/train2017", path) || layout_has(job, "%s/val2017", path);
    assay_status status =
        coco_folder(job, path, (struct layout_take){.label = LABEL_GENERATED, .source = name}, &splits, error);
    d->generated |= splits;
    return status;
}

assay_status drct_read(struct layout_job *job, struct assay_error *error)
{
    struct drct d = {0, 0};
    unsigned real = 0;
    assay_status status = for_each(job, drct_base(job), drct_model, &d, error);
    if (!status && d.count == 0)
        return layout_missing(job, error, "there is no folder of a generator with train2017/ or val2017/ in it");
    if (!status && !layout_has(job, "MSCOCO"))
        return layout_missing(job, error, "there is no MSCOCO/, its real pictures");
    if (!status)
        status =
            coco_folder(job, "MSCOCO", (struct layout_take){.label = LABEL_REAL, .source = "MSCOCO"}, &real, error);
    for (int s = 0; s < 2 && !status; s++)
        if (d.generated & ~real & coco_splits[s].split)
            status = layout_missing(job, error, "there is no MSCOCO/%s/, the real pictures of that split",
                                    coco_splits[s].folder);
    return status;
}

/* ---- Co-Spy-Bench: synthetic/SET/MODEL/, and the real pictures of each set --------------------------------------- */

/* Where the real pictures of each set may lie. The release has those of the last three alone. */
static const struct {
    const char *set, *folders[3];
} cospy_sets[] = {
    {"mscoco", {"mscoco2017/val2017", "real/mscoco", NULL}},
    {"flickr", {"flickr30k", "real/flickr", NULL}},
    {"cc3m", {"real_image_examples/CC3M", "real/cc3m", NULL}},
    {"textcaps", {"real_image_examples/TextCaps", "real/textcaps", NULL}},
    {"sbu", {"real_image_examples/SBU", "real/sbu", NULL}},
};
enum { COSPY_SETS = sizeof cospy_sets / sizeof cospy_sets[0] };

static const char *cospy_base(struct layout_job *job)
{
    return layout_has(job, "Co-Spy-Bench/synthetic") ? "Co-Spy-Bench/" : "";
}

assay_status cospy_fits(struct layout_job *job, bool *fits, struct assay_error *error)
{
    (void)error;
    for (int i = 0; i < COSPY_SETS; i++)
        *fits = *fits || layout_has(job, "%ssynthetic/%s", cospy_base(job), cospy_sets[i].set);
    return ASSAY_OK;
}

static assay_status cospy_model(struct layout_job *job, void *context, const char *path, const char *name,
                                struct assay_error *error)
{
    const char *set = context, *source = layout_text(job, "%s/%s", name, set);
    return layout_take(job, &(struct layout_take){.folder = path, .label = LABEL_GENERATED, .source = source}, error);
}

static assay_status count_file(void *context, const struct walk_file *file, struct assay_error *error)
{
    (void)file;
    (void)error;
    ++*(size_t *)context;
    return ASSAY_OK;
}

/* A set whose real pictures are not there cannot be judged: it is left out, and counted. */
static assay_status cospy_leave_out(struct layout_job *job, const char *folder, const char *set, const char *where,
                                    struct assay_error *error)
{
    size_t count = 0;
    struct walk walk = {count_file, NULL, &count};
    const char *path = layout_text(job, "%s/%s", job->root, folder),
               *why = layout_text(job, "the real pictures of %s, %s/, are not there", set, where);
    if (!path || !why)
        return error_memory(error, "finding a dataset");
    assay_status status = job->builder ? walk_pictures(path, &walk, error) : ASSAY_OK;
    layout_skip(job, count, folder, why);
    return status;
}

assay_status cospy_read(struct layout_job *job, struct assay_error *error)
{
    const char *base = cospy_base(job);
    size_t found = 0;
    assay_status status = ASSAY_OK;
    for (int i = 0; i < COSPY_SETS && !status; i++) {
        const char *set = cospy_sets[i].set, *folder = layout_text(job, "%ssynthetic/%s", base, set), *real = NULL;
        for (int j = 0; cospy_sets[i].folders[j] && !real; j++)
            if (layout_has(job, "%s%s", base, cospy_sets[i].folders[j]))
                real = layout_text(job, "%s%s", base, cospy_sets[i].folders[j]);
        if (!folder)
            return error_memory(error, "finding a dataset");
        if (!layout_has(job, "%s", folder))
            continue;
        found++;
        if (!real) {
            status = cospy_leave_out(job, folder, set, cospy_sets[i].folders[0], error);
            continue;
        }
        status = for_each(job, folder, cospy_model, (void *)set, error);
        if (!status)
            status = layout_take(job, &(struct layout_take){.folder = real, .label = LABEL_REAL, .source = set}, error);
    }
    if (!status && !found)
        status = layout_missing(job, error, "there is no synthetic/ with mscoco/, flickr/, cc3m/, textcaps/ or sbu/");
    return status;
}

/* ---- DiffusionForensics: [images/][SPLIT/]SET/{real,GENERATOR}/ -------------------------------------------------- */

static const char *const forensics_sets[] = {"lsun_bedroom", "imagenet", "celebahq", NULL};

static const char *forensics_base(struct layout_job *job)
{
    return layout_has(job, "images") ? "images" : ""; /* beside recons/ and dire/, which are made from them */
}

assay_status diffusionforensics_fits(struct layout_job *job, bool *fits, struct assay_error *error)
{
    struct layout_bases bases = layout_bases(job, forensics_base(job));
    (void)error;
    for (size_t b = 0; b < bases.count; b++)
        for (int i = 0; forensics_sets[i]; i++)
            *fits = *fits ||
                    layout_has(job, "%s%s%s/real", bases.folder[b], bases.folder[b][0] ? "/" : "", forensics_sets[i]);
    return ASSAY_OK;
}

struct forensics {
    const char *set;
    size_t generators, sets;
    bool real;
};

static assay_status forensics_generator(struct layout_job *job, void *context, const char *path, const char *name,
                                        struct assay_error *error)
{
    struct forensics *f = context;
    if (strcmp(name, "real") == 0) {
        f->real = true;
        return layout_take(job, &(struct layout_take){.folder = path, .label = LABEL_REAL, .source = f->set}, error);
    }
    f->generators++;
    return layout_take(job,
                       &(struct layout_take){.folder = path,
                                             .label = LABEL_GENERATED,
                                             .source = layout_text(job, "%s/%s", name, f->set)},
                       error);
}

static assay_status forensics_set(struct layout_job *job, void *context, const char *path, const char *name,
                                  struct assay_error *error)
{
    struct forensics *f = context;
    if (!layout_known(forensics_sets, name))
        return ASSAY_OK;
    *f = (struct forensics){.set = name, .sets = f->sets + 1};
    assay_status status = for_each(job, path, forensics_generator, f, error);
    if (!status && !f->real)
        status = layout_missing(job, error, "there is no %s/real/", path);
    if (!status && !f->generators)
        status = layout_missing(job, error, "there is no folder of a generator beside %s/real/", path);
    return status;
}

assay_status diffusionforensics_read(struct layout_job *job, struct assay_error *error)
{
    struct layout_bases bases = layout_bases(job, forensics_base(job));
    struct forensics f = {0};
    assay_status status = ASSAY_OK;
    for (size_t b = 0; b < bases.count && !status; b++)
        if (!bases.split[b] || layout_wants(job, bases.split[b]))
            status = for_each(job, bases.folder[b], forensics_set, &f, error);
    if (!status && f.sets == 0 && !(job->wanted && !(job->splits & job->wanted)))
        status = layout_missing(job, error, "there is no lsun_bedroom/, imagenet/ or celebahq/");
    return status;
}

/* ---- SynRIS: real/ beside one folder per generator --------------------------------------------------------------- */

/* The generators of the benchmark; a folder's name may go on with a version. Letters and digits count alone. */
static const char *const synris_names[] = {"kandinsky", "pixart",        "sdxl",       "segmoe",     "ssd1b",
                                           "segmind",   "stablecascade", "wurstchen",  "midjourney", "dalle3",
                                           "dalle",     "playground",    "lavibridge", NULL};

static bool synris_knows(const char *folder)
{
    char plain[64];
    size_t length = 0;
    for (; *folder && length < sizeof plain - 1; folder++)
        if (isalnum((unsigned char)*folder))
            plain[length++] = (char)tolower((unsigned char)*folder);
    plain[length] = '\0';
    for (int i = 0; synris_names[i]; i++)
        if (strncmp(plain, synris_names[i], strlen(synris_names[i])) == 0)
            return true;
    return false;
}

struct synris {
    size_t known, other;
};

static assay_status synris_look(struct layout_job *job, void *context, const char *path, const char *name,
                                struct assay_error *error)
{
    struct synris *s = context;
    (void)job;
    (void)path;
    (void)error;
    if (strcmp(name, "real") != 0)
        *(synris_knows(name) ? &s->known : &s->other) += 1;
    return ASSAY_OK;
}

/* With a folder of unknown name nobody should guess that what is in it was generated. */
assay_status synris_fits(struct layout_job *job, bool *fits, struct assay_error *error)
{
    struct synris s = {0, 0};
    if (!layout_has(job, "real"))
        return ASSAY_OK;
    assay_status status = for_each(job, "", synris_look, &s, error);
    *fits = s.known >= 2 && s.other == 0;
    return status;
}

static assay_status synris_generator(struct layout_job *job, void *context, const char *path, const char *name,
                                     struct assay_error *error)
{
    if (strcmp(name, "real") == 0)
        return ASSAY_OK;
    ++*(size_t *)context;
    return layout_take(job, &(struct layout_take){.folder = path, .label = LABEL_GENERATED, .source = name}, error);
}

assay_status synris_read(struct layout_job *job, struct assay_error *error)
{
    size_t generators = 0;
    if (!layout_has(job, "real"))
        return layout_missing(job, error, "there is no real/");
    assay_status status = for_each(job, "", synris_generator, &generators, error);
    if (!status && generators == 0)
        return layout_missing(job, error, "there is no folder of a generator beside real/");
    return status ? status
                  : layout_take(job, &(struct layout_take){.folder = "real", .label = LABEL_REAL, .source = "real"},
                                error);
}
