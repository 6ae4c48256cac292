/* cmd_data_check.c - `assay data check`: whether figures from a data set can be trusted. */
#include <unistd.h>

#include "base/option_rows.h"
#include "cli/cli.h"
#include "data/check/check.h"

/* Warnings have a status of their own, so that scripts can stop at them. */
enum { CHECK_WARNED = 3 };

struct check_config {
    const char *real, *ai, *layout;
    int64_t distance, list, threads;
    bool json, progress;
};

#define AT(field) offsetof(struct check_config, field)

static const struct option check_options[] = {
    OPTION_ROW_LAYOUT_AUTO(AT(layout)),
    {"real", OPTION_TEXT, AT(real), NULL, 0, 0, NULL, "folder of real pictures, with ai instead of DIR"},
    {"ai", OPTION_TEXT, AT(ai), NULL, 0, 0, NULL, "folder of generated pictures, with real instead of DIR"},
    {"distance", OPTION_INT, AT(distance), "6", 0, DUPLICATES_MAX_DISTANCE, NULL,
     "bits of 64 in which the perceptual hashes of near-duplicates may differ"},
    {"list", OPTION_INT, AT(list), "20", 0, 1e9, NULL, "how many duplicates and unreadable pictures are named"},
    OPTION_ROW_JSON(AT(json), "print one JSON object with all facts of all pictures"),
    OPTION_ROW_THREADS(AT(threads), "threads that read pictures"),
    OPTION_ROW_PROGRESS(AT(progress)),
    {0}};

static const struct cli_group check_groups[] = {{"Options", check_options}, {0}};

static assay_status find_pictures(const struct check_config *config, const struct array *words, struct scan *scan,
                                  struct assay_error *error)
{
    if (config->real)
        return scan_open_folders(config->real, config->ai, scan, error);
    return scan_open(((const char **)words->data)[0], config->layout, scan, error);
}

static assay_status read_words(const struct check_config *config, const struct array *words, struct assay_error *error)
{
    if (!config->real != !config->ai)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "--real and --ai go together");
    if (words->count != (config->real ? 0 : 1))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "one data set is needed: DIR, or --real DIR --ai DIR");
    return ASSAY_OK;
}

static int check_run_command(int argc, char **argv)
{
    struct check_config config;
    struct arena arena = {0};
    struct array words = array_of(sizeof(char *), (size_t)argc + 1);
    struct assay_error error = {0};
    struct scan scan = {0};
    struct check check = {0};
    const struct cli_target target = {check_options, &config};
    int result;

    option_defaults(check_options, &config);
    assay_status status = cli_parse(argc, argv, &target, 1, &arena, &words, &error);
    if (!status)
        status = read_words(&config, &words, &error);
    if (status) {
        result = cli_failure(&error, true);
        goto done;
    }
    cli_use_threads(config.threads);
    status = find_pictures(&config, &words, &scan, &error);
    FILE *stream = config.progress && (isatty(STDERR_FILENO) || scan.count >= 1000) ? stderr : NULL;
    if (!status)
        status = scan_read(&scan, stream, &error);
    if (!status)
        status = check_run(&scan, (int)config.distance, &check, &error);
    if (!status && config.json)
        status = check_write_json(&check, stdout, &error);
    else if (!status)
        check_write_text(&check, (size_t)config.list, cli_print_text, stdout);
    if (status)
        result = cli_failure(&error, false);
    else if (!cli_flush())
        result = CLI_FAILED;
    else
        result = check.warnings.count > (scan.unreadable > 0) ? CHECK_WARNED : scan.unreadable ? CLI_FAILED : CLI_OK;

done:
    check_free(&check);
    scan_free(&scan);
    array_free(&words);
    arena_free(&arena);
    return result;
}

const struct command command_data_check = {
    "data check",
    "tell whether a data set gives its classes away, and what is in it twice",
    "[OPTION]... DIR|LIST",
    "Reads every picture and reports what the files are (format, size, JPEG quality, metadata), which are there twice "
    "or\n"
    "nearly so, across classes and splits, and how well one such fact alone tells real from generated pictures on\n"
    "held-out folds. Exit status 3 where it warns.\n",
    check_groups,
    cli_layouts,
    check_run_command,
};
