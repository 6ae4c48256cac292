/* cmd_pull.c - `assay pull`: published checkpoints by name, into the user's cache. */
#include <curl/curl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/pull.h"

struct pull_config {
    bool list;
};

static const struct option pull_options[] = {{"list", OPTION_BOOL, offsetof(struct pull_config, list), "false", 0, 0,
                                              NULL, "print the names and fetch nothing"},
                                             {0}};
static const struct cli_group pull_groups[] = {{"Options", pull_options}, {0}};

static void print_list(const char *folder, struct arena *arena)
{
    for (const struct pull_entry *entry = pull_table; entry->name; entry++) {
        const char *path = arena_printf(arena, "%s/%s", folder, entry->file);
        printf("%-20s  %-15s  SHA-256 %-9.8s  %-4s  %s\n", entry->name, entry->licence,
               entry->sha256 ? entry->sha256 : "unknown", path && file_exists(path) ? "here" : "", entry->address);
    }
}

static assay_status pull_one(const char *name, const char *folder, struct arena *arena, struct assay_error *error)
{
    const struct pull_entry *entry = pull_find(name);
    char shown[TEXT_NAME], hint[TEXT_NEAREST];
    if (!entry) {
        struct nearest nearest = nearest_to(name);
        for (entry = pull_table; entry->name; entry++)
            nearest_offer(&nearest, entry->name);
        return error_set(error, ASSAY_ERROR_ARGUMENT, "no checkpoint \"%s\"%s ('assay pull --list' prints all)",
                         text_printable(name, shown, sizeof shown), nearest_text(&nearest, hint));
    }
    struct pull_result result;
    assay_status status = pull_fetch(entry, getenv("ASSAY_PULL_BASE"), folder, stderr, arena, &result, error);
    if (status)
        return status;
    cli_print_text(stdout, result.path);
    printf("  %s, licence %s, SHA-256 %s%s\n", result.fetched ? "fetched" : "there already", entry->licence,
           result.sha256,
           !entry->sha256    ? " (nothing known to compare with)"
           : entry->reported ? ", as others report it"
                             : ", as published");
    return ASSAY_OK;
}

static int pull_run(int argc, char **argv)
{
    struct pull_config config;
    struct arena arena = {0};
    struct array words = array_of(sizeof(char *), (size_t)argc + 1);
    struct assay_error error = {0};
    const struct cli_target target = {pull_options, &config};
    const char *folder;
    bool usage = true;
    option_defaults(pull_options, &config);
    assay_status status = cli_parse(argc, argv, &target, 1, &arena, &words, &error);
    if (!status && !config.list && !words.count)
        status =
            error_set(&error, ASSAY_ERROR_ARGUMENT, "name what to fetch; 'assay pull --list' prints what there is");
    if (!status) {
        usage = false;
        status = pull_folder(&arena, &folder, &error);
    }
    if (!status && config.list) {
        print_list(folder, &arena);
    } else if (!status) {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        for (size_t i = 0; i < words.count && !status; i++)
            status = pull_one(((const char **)words.data)[i], folder, &arena, &error);
        curl_global_cleanup();
    }
    int result = status ? cli_failure(&error, usage) : cli_flush() ? CLI_OK : CLI_FAILED;
    array_free(&words);
    arena_free(&arena);
    return result;
}

static void tell_names(struct cli_sink *sink)
{
    for (const struct pull_entry *entry = pull_table; entry->name; entry++)
        cli_value(sink, NULL, entry->name);
}

const struct command command_pull = {
    "pull",
    "fetch published checkpoints",
    "[OPTION]... NAME...",
    "Fetches each checkpoint from its authors over HTTPS, unless it is there already, into $XDG_CACHE_HOME/assay or\n"
    "~/.cache/assay; verifies it by its SHA-256 where one is published, and prints where it lies. A transfer that was "
    "cut\n"
    "goes on where it was. ASSAY_PULL_BASE, such as https://mirror.example, replaces the servers' names.\n",
    pull_groups,
    tell_names,
    pull_run,
};
