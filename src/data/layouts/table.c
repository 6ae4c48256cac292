/* table.c - the table of layouts: how one is chosen, and how it is read. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/text.h"
#include "data/layouts/layout.h"

/* Read by the folders' names alone, where no benchmark fits. */
#define FOLDERS "folders"

static const struct layout layouts[] = {
    {{FOLDERS, "folders of each class", "real/ and ai/, 0_real/ and 1_fake/, or nature/ and ai/, at any depth"},
     TAKES_FOLDER,
     NULL,
     NULL},
    {{"forensynths", "ForenSynths (CNNDetection)", "[SPLIT/]GENERATOR/[OBJECT/] with 0_real/ and 1_fake/"},
     TAKES_FOLDER,
     forensynths_fits,
     forensynths_read},
    {{"aigcdetect", "AIGCDetectBenchmark", "[SPLIT/]GENERATOR/[OBJECT/] with 0_real/ and 1_fake/"},
     TAKES_FOLDER,
     aigcdetect_fits,
     aigcdetect_read},
    {{"genimage", "GenImage",
      "GENERATOR/[ARCHIVE/] with train/ and val/, in each nature/ and ai/; or GENERATOR/ with 0_real/ and 1_fake/"},
     TAKES_FOLDER,
     genimage_fits,
     genimage_read},
    {{"chameleon", "Chameleon", "[test/] with 0_real/ and 1_fake/, in a folder named Chameleon"},
     TAKES_FOLDER,
     chameleon_fits,
     chameleon_read},
    {{"univfd", "UnivFD's diffusion sets",
      "[diffusion_datasets/] with GENERATOR/.../1_fake/, imagenet/.../0_real/ and laion/.../0_real/"},
     TAKES_FOLDER,
     univfd_fits,
     univfd_read},
    {{"drct-2m", "DRCT-2M", "[DRCT-2M/]GENERATOR/ with train2017/ and val2017/, and MSCOCO/ with the same"},
     TAKES_FOLDER,
     drct_fits,
     drct_read},
    {{"co-spy", "Co-Spy-Bench", "synthetic/SET/GENERATOR/, and the real pictures of each SET beside synthetic/"},
     TAKES_FOLDER,
     cospy_fits,
     cospy_read},
    {{"diffusionforensics", "DiffusionForensics",
      "[images/][SPLIT/] with lsun_bedroom/, imagenet/, celebahq/, in each real/ and GENERATOR/"},
     TAKES_FOLDER,
     diffusionforensics_fits,
     diffusionforensics_read},
    {{"synris", "SynRIS", "real/, and beside it a folder for each generator"}, TAKES_FOLDER, synris_fits, synris_read},
    {{"opensdid", "OpenSDID, exported to folders", "[SPLIT/]GENERATOR/ with real/, fake/ and masks/"},
     TAKES_FOLDER,
     opensdid_fits,
     opensdid_read},
    {{"imdlbenco", "IMDLBenCo", "[SET/] with Tp/ and Gt/; or a JSON list of [picture, mask]"},
     TAKES_BOTH,
     imdlbenco_fits,
     imdlbenco_read},
    {{"csv", "list in CSV", "a file with a heading: path,label and perhaps source, mask, split; or filename,typ"},
     TAKES_FILE,
     csv_fits,
     csv_read},
    {{"json", "list in JSON", "a file with an array of objects: path, label and perhaps source, mask, split"},
     TAKES_FILE,
     json_fits,
     json_read},
    {{"text", "list in plain text", "a file with \"path label\" in each line"}, TAKES_FILE, text_fits, text_read},
};
enum { LAYOUT_COUNT = sizeof layouts / sizeof layouts[0] };

const struct dataset_layout *dataset_layout_at(size_t index)
{
    return index < LAYOUT_COUNT ? &layouts[index].about : NULL;
}

/* ---- choosing -------------------------------------------------------------------------------------------------- */

static assay_status find_named(const char *name, const struct layout **layout, struct assay_error *error)
{
    struct nearest near = nearest_to(name);
    char text[TEXT_NEAREST];
    for (size_t i = 0; i < LAYOUT_COUNT; i++) {
        if (strcmp(layouts[i].about.name, name) == 0) {
            *layout = &layouts[i];
            return ASSAY_OK;
        }
        nearest_offer(&near, layouts[i].about.name);
    }
    return error_set(error, ASSAY_ERROR_ARGUMENT, "there is no layout '%s'%s", name, nearest_text(&near, text));
}

/* The one that fits; plain folders where none does. */
static assay_status recognise(struct layout_job *job, const struct layout **layout, struct assay_error *error)
{
    char names[256] = "";
    size_t used = 0, count = 0;
    *layout = &layouts[0];
    for (size_t i = 1; i < LAYOUT_COUNT; i++) {
        bool fits = false;
        if (layouts[i].takes != TAKES_BOTH && job->is_file != (layouts[i].takes == TAKES_FILE))
            continue;
        assay_status status = layouts[i].fits(job, &fits, error);
        if (status)
            return status;
        if (!fits)
            continue;
        *layout = &layouts[i];
        count++;
        if (used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s (%s)", used ? " and as " : "",
                                     layouts[i].about.name, layouts[i].about.title);
    }
    if (count < 2)
        return ASSAY_OK;
    return error_set(error, ASSAY_ERROR_ARGUMENT,
                     "%s: can be read as %s; say which with --layout NAME (--layout %s goes by the names of the class "
                     "folders alone)",
                     job->root, names, layouts[0].about.name);
}

static assay_status job_begin(struct layout_job *job, const char *root, const char *split, struct assay_error *error)
{
    struct stat info;
    size_t length = strlen(root);
    *job = (struct layout_job){.wanted = split ? split_bit(split) : 0};
    if (split && !job->wanted)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "'%s' is no split; there are train, val and test", split);
    while (length && root[length - 1] == '/')
        length--;
    if (length >= LIMIT_PATH_BYTES)
        return error_set(error, ASSAY_ERROR_LIMIT, "%.200s...: a path of more than %d bytes", root,
                         LIMIT_PATH_BYTES - 1);
    if (stat(root, &info) != 0)
        return error_errno(error, root, "open the folder");
    job->is_file = S_ISREG(info.st_mode);
    job->root = arena_strndup(&job->arena, root, length);
    return job->root ? ASSAY_OK : error_memory(error, "finding a dataset");
}

static void job_end(struct layout_job *job)
{
    array_free(&job->taken);
    arena_free(&job->arena);
}

static assay_status choose(struct layout_job *job, const char *name, const struct layout **layout,
                           struct assay_error *error)
{
    bool named = name && strcmp(name, "auto") != 0;
    assay_status status = named ? find_named(name, layout, error) : recognise(job, layout, error);
    if (!status)
        job->name = (*layout)->about.name;
    return status;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

/* An error of a reader, with what the layout would be. */
static assay_status explain(const struct layout *layout, assay_status status, struct assay_error *error)
{
    char message[sizeof error->message];
    if (status != ASSAY_ERROR_ARGUMENT || !error)
        return status;
    snprintf(message, sizeof message, "%s", error->message);
    return error_set(error, status, "%s (layout %s: %s)", message, layout->about.name, layout->about.expects);
}

static assay_status check_splits(const struct layout_job *job, struct assay_error *error)
{
    char found[64], wanted[64];
    split_names_text(job->splits, found, sizeof found);
    if (job->wanted && !(job->splits & job->wanted))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: there is no split %s in it%s%s", job->root,
                         split_names_text(job->wanted, wanted, sizeof wanted), job->splits ? ", only " : "", found);
    if (!job->wanted && (job->splits & (job->splits - 1)))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: has %s; name the one that is meant", job->root, found);
    return ASSAY_OK;
}

static assay_status check_classes(const struct layout_job *job, const struct dataset *made, struct assay_error *error)
{
    for (int label = 0; label < LABEL_COUNT; label++)
        if (!made->label_count[label] && (!job->any_class || made->count == 0))
            return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: no pictures for the class '%s'%s%s", job->root,
                             dataset_label_text(label), job->skipped ? "; left out: " : "", job->skipped_first);
    return ASSAY_OK;
}

static assay_status read_all(struct layout_job *job, const struct layout *layout, struct dataset *out,
                             struct assay_error *error)
{
    struct dataset_builder builder = dataset_build_begin("", "");
    struct dataset made = {0};
    assay_status status = layout->read(job, error);
    if (!status)
        status = check_splits(job, error);
    job->builder = &builder;
    if (!status)
        status = layout->read(job, error);
    if (!status)
        status = layout_check_apart(job, error);
    if (status) {
        dataset_build_discard(&builder);
        return explain(layout, status, error);
    }
    status = dataset_build_finish(&builder, &made, error);
    if (!status && (status = check_classes(job, &made, error)))
        status = explain(layout, status, error);
    made.skipped = job->skipped;
    if (!status && job->skipped && !(made.skipped_first = arena_strdup(&made.arena, job->skipped_first)))
        status = error_memory(error, "the pictures of a dataset");
    if (status) {
        dataset_free(&made);
        return status;
    }
    *out = made;
    return ASSAY_OK;
}

assay_status dataset_open(const char *root, const char *name, const char *split, struct dataset *out,
                          struct assay_error *error)
{
    struct layout_job job;
    const struct layout *layout = NULL;
    assay_status status = job_begin(&job, root, split, error);
    if (!status)
        status = choose(&job, name, &layout, error);
    if (!status && layout->read)
        status = read_all(&job, layout, out, error);
    else if (!status)
        status = dataset_from_folder(root, split, out, error);
    if (!status)
        out->layout = layout->about.name;
    job_end(&job);
    return status;
}

assay_status dataset_open_splits(const char *root, const char *name, unsigned *splits, struct assay_error *error)
{
    struct layout_job job;
    const struct layout *layout = NULL;
    assay_status status = job_begin(&job, root, NULL, error);
    *splits = 0;
    if (!status)
        status = choose(&job, name, &layout, error);
    if (!status && layout->read) {
        status = layout->read(&job, error);
        *splits = job.splits;
        status = explain(layout, status, error);
    } else if (!status) {
        status = dataset_splits(root, splits, error);
    }
    job_end(&job);
    return status;
}
