/* cmd_data_reconstruct.c - `assay data reconstruct`: generated pictures that show what real ones show. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/option_rows.h"
#include "cli/cli.h"
#include "train/reconstruct/reconstruct.h"

struct reconstruct_config {
    const char *out, *name, *begin, *real, *layout, *split;
    int64_t cache_mb, threads;
    bool overwrite, progress;
};

#define AT(field) offsetof(struct reconstruct_config, field)

static const struct option command_options[] = {
    {"out", OPTION_TEXT, AT(out), NULL, 0, 0, NULL, "the folder to write"},
    {"name", OPTION_TEXT, AT(name), NULL, 0, 0, NULL,
     "the source that the reconstructions make up; rec-DECODER-FACTOR unless told otherwise"},
    OPTION_ROW_LAYOUT_AUTO(AT(layout)),
    {"split", OPTION_TEXT, AT(split), NULL, 0, 0, NULL, "train, val or test, where there are several"},
    {"real", OPTION_TEXT, AT(real), NULL, 0, 0, NULL, "folder of real pictures, instead of DIR"},
    {"begin", OPTION_TEXT, AT(begin), NULL, 0, 0, NULL,
     "an autoencoder (.safetensors) whose weights are the first ones wherever they fit"},
    {"overwrite", OPTION_BOOL, AT(overwrite), "false", 0, 0, NULL,
     "train and write anew what is there under this name"},
    {"cache", OPTION_INT, AT(cache_mb), "1024", 0, 1e9, NULL, "MiB of decoded pictures kept while training"},
    OPTION_ROW_THREADS(AT(threads), "compute threads"),
    OPTION_ROW_PROGRESS(AT(progress)),
    {0}};

static const struct cli_group reconstruct_groups[] = {{"Options", command_options},
                                                      {"Pairs", pairs_option_table},
                                                      {"Autoencoder", autoencoder_option_table},
                                                      {0}};

static assay_status check_words(const struct reconstruct_config *c, const struct array *words,
                                struct assay_error *error)
{
    if (words->count != (c->real ? 0 : 1))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "one data set is needed: DIR, or --real DIR");
    if (c->real && c->split)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "option split: is for DIR; all below --real is taken");
    if (!c->out || !c->out[0])
        return error_set(error, ASSAY_ERROR_ARGUMENT, "--out is needed: the folder to write");
    return ASSAY_OK;
}

static assay_status check_begin(const struct reconstruct_config *c, const struct reconstruct_job *job,
                                struct assay_error *error)
{
    if (!job->network.steps && !c->begin)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "option steps: 0 needs --begin, or there are no weights");
    return ASSAY_OK;
}

static void complain(const char *message)
{
    cli_complain("left out: %s", message);
}

static assay_status work(const struct reconstruct_config *c, const char *root, struct dataset *dataset,
                         struct reconstruct_job *job, struct reconstruct_result *result, struct assay_error *error)
{
    cli_use_threads(c->threads);
    assay_status status = c->real ? dataset_from_folders(c->real, NULL, dataset, error)
                                  : dataset_open(root, c->layout, c->split, dataset, error);
    if (!status && mkdir(c->out, 0777) && errno != EEXIST)
        status = error_errno(error, c->out, "create");
    job->dataset = dataset;
    job->folder = c->out;
    job->name = c->name;
    job->begin = c->begin;
    job->overwrite = c->overwrite;
    job->cache_mb = c->cache_mb;
    job->stream = c->progress ? stderr : NULL;
    job->complain = complain;
    return status ? status : reconstruct_run(job, result, error);
}

static void print_summary(const struct reconstruct_config *c, const struct reconstruct_job *job,
                          const struct reconstruct_result *r)
{
    const struct autoencoder_options *o = &job->network;
    if (r->trained && !o->steps)
        printf("autoencoder: taken as it was; PSNR %.2f dB at the end of its training\n", r->training_psnr);
    else if (r->trained)
        printf("autoencoder: %" PRId64 " steps of %" PRId64 " crops, %.1f crops/s; PSNR %.2f dB at the end\n", o->steps,
               o->batch, r->crops_per_second, r->training_psnr);
    else
        printf("autoencoder: was there; PSNR %.2f dB at the end of its training\n", r->training_psnr);
    cli_print_text(stdout, c->out);
    printf("/%s.csv: %zu pictures reconstructed", r->name, r->written);
    if (r->written)
        printf(", PSNR %.2f dB before JPEG, %.1f pictures/s", r->psnr, r->pictures_per_second);
    printf("; %zu were there, %zu cannot be read\n", r->present, r->unreadable);
}

static int reconstruct_main(int argc, char **argv)
{
    struct reconstruct_config config;
    struct reconstruct_job job = {0};
    struct reconstruct_result result = {0};
    struct dataset dataset = {0};
    struct arena arena = {0};
    struct array words = array_of(sizeof(char *), (size_t)argc + 1);
    struct assay_error error = {0};
    const struct cli_target targets[] = {{command_options, &config},
                                         {pairs_option_table, &job.pairs},
                                         {autoencoder_option_table, &job.network}};
    int status;

    option_defaults(command_options, &config);
    option_defaults(pairs_option_table, &job.pairs);
    option_defaults(autoencoder_option_table, &job.network);
    if (cli_parse(argc, argv, targets, 3, &arena, &words, &error) || check_words(&config, &words, &error) ||
        reconstruct_options_check(&job.network, &job.pairs, &error) || check_begin(&config, &job, &error)) {
        status = cli_failure(&error, true);
    } else if (work(&config, words.count ? ((const char **)words.data)[0] : NULL, &dataset, &job, &result, &error)) {
        status = cli_failure(&error, false);
    } else {
        print_summary(&config, &job, &result);
        status = !cli_flush() || result.unreadable ? CLI_FAILED : CLI_OK;
    }
    dataset_free(&dataset);
    array_free(&words);
    arena_free(&arena);
    return status;
}

const struct command command_data_reconstruct = {
    "data reconstruct",
    "pair the real pictures of a data set with what small autoencoders make of them",
    "[OPTION]... --out FOLDER DIR|LIST",
    "Trains a small autoencoder on the real pictures and writes its reconstructions as generated pictures, each "
    "beside\n"
    "its original: only the traces of the decoder tell them apart. Given again, the same command goes on where it "
    "was.\n",
    reconstruct_groups,
    cli_layouts,
    reconstruct_main,
};
