/* cmd_data_balance.c - `assay data balance`: a choice of a data set's pictures, or copies of them, without leaks. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/option_rows.h"
#include "cli/cli.h"
#include "data/check/balance.h"
#include "data/check/manifest.h"
#include "data/check/reencode.h"
#include "data/walk.h"

struct balance_config {
    const char *real, *ai, *layout, *out;
    int64_t size, quality_low, quality_high, seed, threads;
    int fit;
    bool reencode, overwrite, progress;
};

#define AT(field) offsetof(struct balance_config, field)

static const struct option balance_options[] = {
    {"out", OPTION_TEXT, AT(out), NULL, 0, 0, NULL,
     "the list to write, its name ending in .csv; with reencode the folder to write, which must be new or empty"},
    OPTION_ROW_LAYOUT_AUTO(AT(layout)),
    {"real", OPTION_TEXT, AT(real), NULL, 0, 0, NULL, "folder of real pictures, with ai instead of DIR"},
    {"ai", OPTION_TEXT, AT(ai), NULL, 0, 0, NULL, "folder of generated pictures, with real instead of DIR"},
    OPTION_ROW_SEED("seed", AT(seed), "0", "draws the pictures, and the qualities of copies"),
    {"overwrite", OPTION_BOOL, AT(overwrite), "false", 0, 0, NULL, "replace a list that is there"},
    OPTION_ROW_THREADS(AT(threads), "threads that read pictures"),
    OPTION_ROW_PROGRESS(AT(progress)),
    {0}};

static const struct option copy_options[] = {
    {"reencode", OPTION_BOOL, AT(reencode), "false", 0, 0, NULL, "write re-encoded copies"},
    {"size", OPTION_INT, AT(size), "0", 0, LIMIT_PICTURE_SIDE, NULL,
     "pixels of both sides; 0: the multiple of 8 that 95 % of each class reach"},
    {"fit", OPTION_CHOICE, AT(fit), "scale", 0, 0, "scale|crop",
     "bring the shorter side to the size and cut out the middle; or cut out the middle unscaled"},
    {"quality-low", OPTION_INT, AT(quality_low), "80", 1, 100, NULL, "lowest JPEG quality"},
    {"quality-high", OPTION_INT, AT(quality_high), "96", 1, 100, NULL, "highest JPEG quality"},
    {0}};

static const struct cli_group balance_groups[] = {{"Options", balance_options}, {"Copies", copy_options}, {0}};

/* What is worked on. */
struct balance_job {
    struct balance_config config;
    const char *root;
    struct scan scan, made;
    struct duplicates duplicates;
    struct balance_summary summary;
    bool *eligible, *chosen;
    char **copies;
    FILE *stream;
};

static assay_status check_words(const struct balance_config *c, const struct array *words, struct assay_error *error)
{
    size_t length = c->out ? strlen(c->out) : 0;
    if (!c->real != !c->ai)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "--real and --ai go together");
    if (words->count != (c->real ? 0 : 1))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "one data set is needed: DIR, or --real DIR --ai DIR");
    if (!length)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "--out is needed: what to write");
    if (!c->reencode && (length < 5 || strcmp(c->out + length - 4, ".csv") != 0))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: a list's name ends in .csv (a folder of copies: --reencode)",
                         c->out);
    if (c->quality_low > c->quality_high)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "--quality-low %" PRId64 " is above --quality-high %" PRId64,
                         c->quality_low, c->quality_high);
    return ASSAY_OK;
}

/* Before hours of reading: whether there is room for the result. */
static assay_status prepare_output(const struct balance_config *c, struct assay_error *error)
{
    struct folder folder = {0};
    if (!c->reencode) {
        if (file_exists(c->out) && !c->overwrite)
            return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: is there already; --overwrite replaces it", c->out);
        return ASSAY_OK;
    }
    if (mkdir(c->out, 0777) && errno != EEXIST)
        return error_errno(error, c->out, "create");
    assay_status status = folder_read(c->out, &folder, error);
    if (!status && folder.count)
        status = error_set(error, ASSAY_ERROR_ARGUMENT, "%s: the folder is not empty", c->out);
    folder_free(&folder);
    return status;
}

static assay_status read_set(struct balance_job *job, struct assay_error *error)
{
    const struct balance_config *c = &job->config;
    assay_status status = c->real ? scan_open_folders(c->real, c->ai, &job->scan, error)
                                  : scan_open(job->root, c->layout, &job->scan, error);
    job->stream = c->progress && (isatty(STDERR_FILENO) || job->scan.count >= 1000) ? stderr : NULL;
    if (!status)
        status = scan_read(&job->scan, job->stream, error);
    if (!status)
        status = duplicates_find(&job->scan, DUPLICATES_DISTANCE, &job->duplicates, error);
    if (status)
        return status;
    job->eligible = mem_alloc(job->scan.count, sizeof *job->eligible);
    job->chosen = mem_alloc(job->scan.count, sizeof *job->chosen);
    if (!job->eligible || !job->chosen)
        return error_memory(error, "balancing a data set");
    balance_eligible(&job->scan, &job->duplicates, job->eligible, &job->summary);
    return ASSAY_OK;
}

/* Copies that were not chosen go again. */
static assay_status remove_others(const struct balance_job *job, struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < job->scan.count && !status; i++) {
        if (!job->copies[i] || job->chosen[i])
            continue;
        struct array path = array_of(1, LIMIT_PATH_BYTES);
        if (!array_printf(&path, "%s/%s", job->config.out, job->copies[i]))
            status = error_memory(error, "the names of copies");
        else if (remove(path.data))
            status = error_errno(error, path.data, "remove");
        array_free(&path);
    }
    return status;
}

static assay_status write_copies(struct balance_job *job, struct assay_error *error)
{
    const struct balance_config *c = &job->config;
    struct reencode_options options = {c->size, c->fit, c->quality_low, c->quality_high, (uint64_t)c->seed};
    struct array list = array_of(1, LIMIT_PATH_BYTES);
    assay_status status = ASSAY_OK;
    if (!options.size)
        status = reencode_common_size(&job->scan, job->eligible, &options.size, error);
    if (!status)
        status = reencode_pictures(&job->scan, job->eligible, &options, c->out, job->stream, &job->made, &job->copies,
                                   error);
    if (!status) {
        status = balance_choose(&job->made, job->eligible, (uint64_t)c->seed, job->chosen, &job->summary, error);
        if (status) /* nothing is left behind */
            memset(job->chosen, 0, job->scan.count * sizeof *job->chosen);
        assay_status removed = remove_others(job, status ? NULL : error);
        status = status ? status : removed;
    }
    if (!status && !array_printf(&list, "%s/manifest.csv", c->out))
        status = error_set(error, ASSAY_ERROR_LIMIT, "%.200s...: a path that is too long", c->out);
    if (!status)
        status = manifest_write(list.data, &job->scan, job->chosen, job->copies, error);
    if (!status) {
        size_t small = 0;
        for (size_t i = 0; i < job->scan.count; i++)
            small += job->eligible[i] && !job->copies[i];
        printf("%" PRId64 " x %" PRId64 " pixels, quality %" PRId64 " to %" PRId64 "; %zu pictures are smaller\n",
               options.size, options.size, c->quality_low, c->quality_high, small);
    }
    array_free(&list);
    return status;
}

static assay_status write_list(struct balance_job *job, struct assay_error *error)
{
    assay_status status =
        balance_choose(&job->scan, job->eligible, (uint64_t)job->config.seed, job->chosen, &job->summary, error);
    if (!status)
        status = manifest_write(job->config.out, &job->scan, job->chosen, NULL, error);
    return status;
}

static void print_summary(const struct balance_job *job)
{
    const struct balance_summary *s = &job->summary;
    const char *before = "matched by ";
    cli_print_text(stdout, job->config.out);
    printf(": %zu real and %zu generated pictures of %zu; left out: %zu unreadable, %zu duplicates, %zu without a "
           "counterpart in the other class\n",
           s->kept[LABEL_REAL], s->kept[LABEL_GENERATED], job->scan.count, s->unreadable, s->duplicates, s->unmatched);
    for (int f = 0; f < FEATURE_COUNT; f++) {
        if (!s->bins[f])
            continue;
        printf("%s%s (", before, feature_title((enum feature)f));
        if (s->bins[f] > 0)
            printf("%d bins)", s->bins[f]);
        else
            fputs("every value)", stdout);
        before = ", ";
    }
    if (before[0] == ',')
        putchar('\n');
}

static void list_unreadable(const struct scan *scan)
{
    for (size_t i = 0; i < scan->count; i++)
        if (scan->pictures[i].problem)
            cli_complain("%s", scan->pictures[i].problem);
}

static int balance_run(int argc, char **argv)
{
    struct balance_job job = {0};
    struct arena arena = {0};
    struct array words = array_of(sizeof(char *), (size_t)argc + 1);
    struct assay_error error = {0};
    const struct cli_target targets[] = {{balance_options, &job.config}, {copy_options, &job.config}};
    int result;

    option_defaults(balance_options, &job.config);
    option_defaults(copy_options, &job.config);
    assay_status status = cli_parse(argc, argv, targets, 2, &arena, &words, &error);
    if (!status)
        status = check_words(&job.config, &words, &error);
    if (status) {
        result = cli_failure(&error, true);
        goto done;
    }
    job.root = words.count ? ((const char **)words.data)[0] : NULL;
    cli_use_threads(job.config.threads);
    status = prepare_output(&job.config, &error);
    if (!status)
        status = read_set(&job, &error);
    if (!status)
        list_unreadable(&job.scan);
    if (!status)
        status = job.config.reencode ? write_copies(&job, &error) : write_list(&job, &error);
    if (status) {
        result = cli_failure(&error, false);
        goto done;
    }
    print_summary(&job);
    result = !cli_flush() || job.summary.unreadable ? CLI_FAILED : CLI_OK;

done:
    reencode_free(&job.made, job.copies);
    duplicates_free(&job.duplicates);
    scan_free(&job.scan);
    mem_free(job.eligible);
    mem_free(job.chosen);
    array_free(&words);
    arena_free(&arena);
    return result;
}

const struct command command_data_balance = {
    "data balance",
    "choose pictures of a data set, or re-encode them, so that nothing gives the classes away",
    "[OPTION]... --out LIST.csv|FOLDER DIR|LIST",
    "Writes a list of as many pictures as can be kept such that no fact about the files (format, size, JPEG quality,\n"
    "metadata; see 'assay data check') tells real from generated; or, with --reencode, JPEG copies of one size, with\n"
    "qualities drawn from one distribution, and the list manifest.csv beside them.\n",
    balance_groups,
    cli_layouts,
    balance_run,
};
