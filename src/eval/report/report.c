/* report.c - the page: its sections in order, from what to beware of to how to repeat it. */
#include "eval/report/report.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "eval/report/pictures.h"
#include "eval/report/style.h"
#include "eval/report/tables.h"

/* ---- What is refused ------------------------------------------------------------------------------------------ */

static const char png_prefix[] = "data:image/png;base64,";

/* Nothing but a PNG inside the page, and nothing that could end the attribute. */
static bool is_png_uri(const char *uri)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    size_t prefix = sizeof png_prefix - 1;
    return uri && strncmp(uri, png_prefix, prefix) == 0 && uri[prefix + strspn(uri + prefix, letters)] == '\0';
}

static assay_status check_input(const struct report *report, struct assay_error *error)
{
    const struct report_input *input = report->input;
    for (size_t set = 0; set < report_names_count(&report->index.sets); set++)
        if (!report_protocol(report, set))
            return error_set(error, ASSAY_ERROR_ARGUMENT, "report: the set \"%.200s\" has no protocol",
                             report_name(&report->index.sets, set));
    for (size_t i = 0; i < input->map_count; i++)
        if (!is_png_uri(input->maps[i].data_uri))
            return error_set(error, ASSAY_ERROR_ARGUMENT,
                             "report: the map of \"%.200s\" is not a PNG as a data URI (%s...)", input->maps[i].picture,
                             png_prefix);
    for (size_t i = 0; i < input->embeddings_count; i++)
        for (size_t k = 0; k < input->embeddings[i].count; k++) {
            uint32_t at = input->embeddings[i].prediction[k];
            if (at >= input->prediction_count || !input->predictions[at].readable)
                return error_set(error, ASSAY_ERROR_ARGUMENT,
                                 "report: embedding %zu of %.200s on %.200s is of prediction %" PRIu32
                                 ", which was not judged or does not exist",
                                 k, input->embeddings[i].model, input->embeddings[i].set, at);
        }
    return ASSAY_OK;
}

static assay_status report_begin(const struct report_input *input, struct report *report, struct assay_error *error)
{
    *report = (struct report){.input = input};
    assay_status status = report_index_make(input->predictions, input->prediction_count, input->tables,
                                            input->table_count, &report->index, error);
    return status ? status : check_input(report, error);
}

static void report_end(struct report *report)
{
    report_index_free(&report->index);
    arena_free(&report->arena);
}

/* ---- Sections ------------------------------------------------------------------------------------------------- */

static assay_status show_in_page(void *context, const struct report_plot *plot, struct assay_error *error)
{
    struct markup *out = context;
    (void)error;
    markup_raw(out, "<figure>");
    markup_raw(out, plot->svg);
    markup_raw(out, "<figcaption>");
    markup_text(out, plot->caption);
    markup_raw(out, "</figcaption></figure>\n");
    return ASSAY_OK;
}

static void counted(struct markup *out, size_t count, const char *what)
{
    markup_count(out, count);
    markup_printf(out, " %s%s", what, count == 1 ? "" : "s");
}

static size_t judgements(const struct report_input *input)
{
    return input->judgement_count ? input->judgement_count : input->prediction_count;
}

static void write_head(const struct report *report, struct markup *out)
{
    const char *title = report->input->title ? report->input->title : "Evaluation";
    markup_raw(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; style-src "
                    "&#39;unsafe-inline&#39;; img-src data:\"/>\n"
                    "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                    "<link rel=\"icon\" href=\"data:,\"/>\n<title>");
    markup_text(out, title);
    markup_raw(out, "</title>\n<style>");
    markup_raw(out, svg_style());
    markup_raw(out, report_style());
    markup_raw(out, "</style></head>\n<body>\n<header><h1>");
    markup_text(out, title);
    markup_raw(out, "</h1>\n<p>");
    counted(out, report_names_count(&report->index.models), "model");
    markup_raw(out, " on ");
    counted(out, report_names_count(&report->index.sets), "set");
    markup_raw(out, " of pictures, under ");
    counted(out, report_names_count(&report->index.perturbations), "condition");
    markup_raw(out, ": ");
    counted(out, judgements(report->input), "judgement");
    markup_raw(out, ".</p>\n<nav aria-label=\"Sections\"><ul>");
    static const char *const sections[][2] = {{"figures", "Figures"},       {"rows", "By generator"},
                                              {"curves", "Curves"},         {"scores", "Scores"},
                                              {"robustness", "Robustness"}, {"differences", "Differences"},
                                              {"pictures", "Pictures"},     {"embeddings", "Embeddings"},
                                              {"problems", "Problems"},     {"repeat", "Repeat it"}};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        markup_printf(out, "<li><a href=\"#%s\">%s</a></li>", sections[i][0], sections[i][1]);
    markup_raw(out, "</ul></nav></header>\n<main>\n");
}

/* What the data check found, and what this run itself gives reason to beware of. */
static void write_warnings(const struct report *report, struct markup *out)
{
    const struct report_input *input = report->input;
    size_t problems = report_count_problems(report), uncalibrated = 0, art = 0;
    for (size_t i = 0; i < input->prediction_count; i++) {
        uncalibrated += input->predictions[i].readable && input->predictions[i].verdict == ASSAY_UNCALIBRATED;
        art += input->predictions[i].art;
    }
    if (!input->warning_count && !problems && !uncalibrated && !art)
        return;
    markup_raw(out,
               "<section class=\"warnings\" aria-labelledby=\"beware\"><h2 id=\"beware\">Read this first</h2><ul>\n");
    for (size_t i = 0; i < input->warning_count; i++) {
        markup_raw(out, "<li><strong>Data check:</strong> ");
        markup_text(out, input->warnings[i]);
        markup_raw(out, "</li>\n");
    }
    if (problems) {
        markup_raw(out, "<li>");
        markup_count(out, problems);
        markup_raw(out, " of ");
        markup_count(out, judgements(input));
        markup_raw(out, " judgements could not be made: they count in no figure and are <a href=\"#problems\">listed "
                        "below</a>.</li>\n");
    }
    if (uncalibrated)
        markup_raw(out, "<li>Not every model is calibrated: where the verdict is &quot;uncalibrated&quot;, the "
                        "probability is the plain sigmoid of the score, and may mean little.</li>\n");
    if (art)
        markup_raw(out, "<li>There is art made by people among the real pictures. Where a protocol says so, it is told "
                        "apart and counts in no mean.</li>\n");
    markup_raw(out, "</ul></section>\n");
}

static void section(struct markup *out, const char *id, const char *title)
{
    markup_printf(out, "<section id=\"%s\"><h2>%s</h2>\n", id, title);
}

static void set_heading(const struct report *report, struct markup *out, size_t set)
{
    if (report_names_count(&report->index.sets) < 2)
        return;
    markup_raw(out, "<h3><bdi>");
    markup_text(out, report_name(&report->index.sets, set));
    markup_raw(out, "</bdi></h3>\n");
}

static void write_figures(struct report *report, struct markup *out)
{
    size_t sets = report_names_count(&report->index.sets);
    section(out, "figures", "Figures");
    markup_raw(
        out, "<p>Accuracies and other shares are per cent; below a figure stands its 95\xe2\x80\xaf% interval where it "
             "was asked for. * marks the best of several models, \xe2\x86\x93 figures of which less is "
             "better.</p>\n");
    if (sets > 1 && report_names_count(&report->index.models) > 0)
        report_table_matrix(report, out);
    for (size_t set = 0; set < sets; set++) {
        set_heading(report, out, set);
        report_table_set(report, out, set);
    }
    markup_raw(out, "</section>\n");
    section(out, "rows", "By generator");
    for (size_t set = 0; set < sets; set++) {
        set_heading(report, out, set);
        report_table_rows(report, out, set);
    }
    markup_raw(out, "</section>\n");
}

typedef assay_status plot_set(struct report *report, size_t set, const struct report_viewer *viewer,
                              struct assay_error *error);

/* Plots of each set, side by side where there is room. */
static assay_status write_plots(struct report *report, struct markup *out, size_t set, plot_set *const *plots,
                                size_t count, struct assay_error *error)
{
    const struct report_viewer viewer = {show_in_page, out, false};
    assay_status status = ASSAY_OK;
    markup_raw(out, "<div class=\"plots\">\n");
    for (size_t i = 0; i < count && !status; i++)
        status = plots[i](report, set, &viewer, error);
    markup_raw(out, "</div>\n");
    return status;
}

static assay_status write_curves(struct report *report, struct markup *out, struct assay_error *error)
{
    size_t sets = report_names_count(&report->index.sets);
    assay_status status = ASSAY_OK;
    static plot_set *const curves[] = {report_plot_curves, report_plot_reliability};
    static plot_set *const scores[] = {report_plot_scores};
    section(out, "curves", "Curves");
    for (size_t set = 0; set < sets && !status; set++) {
        set_heading(report, out, set);
        status = write_plots(report, out, set, curves, 2, error);
    }
    markup_raw(out, "</section>\n");
    section(out, "scores", "Scores");
    for (size_t set = 0; set < sets && !status; set++) {
        set_heading(report, out, set);
        status = write_plots(report, out, set, scores, 1, error);
    }
    markup_raw(out, "</section>\n");
    return status;
}

static assay_status write_robustness(struct report *report, struct markup *out, struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    static plot_set *const sweeps[] = {report_plot_sweeps};
    bool any = false;
    section(out, "robustness", "Robustness");
    for (size_t set = 0; set < report_names_count(&report->index.sets) && !status; set++) {
        if (report_perturbed(report, set) < 2)
            continue;
        any = true;
        set_heading(report, out, set);
        status = write_plots(report, out, set, sweeps, 1, error);
        report_table_perturbations(report, out, set);
    }
    if (!any)
        markup_raw(out, "<p>The pictures were judged under one condition only.</p>\n");
    markup_raw(out, "</section>\n");
    return status;
}

static void write_differences(struct report *report, struct markup *out)
{
    section(out, "differences", "Differences between models");
    if (report_names_count(&report->index.models) < 2)
        markup_raw(out, "<p>There is one model only.</p>\n");
    else
        markup_raw(
            out, "<p>Whether two models differ by more than chance on the same pictures, at probability one half. The "
                 "p-values are of single tests: among twenty, one below 0.05 is to be expected.</p>\n");
    for (size_t set = 0; set < report_names_count(&report->index.sets); set++)
        report_table_mcnemar(report, out, set);
    markup_raw(out, "</section>\n");
}

static assay_status write_pictures(struct report *report, struct markup *out, struct assay_error *error)
{
    struct report_choices choices = {0};
    assay_status status = report_choose(report->input->predictions, report->input->prediction_count, &choices, error);
    section(out, "pictures", "Pictures");
    markup_printf(out,
                  "<p>Of each model on each set up to %d that it judged wrong, and up to %d each of the least and "
                  "the most certain that it judged right, at probability one half before calibration.</p>\n",
                  REPORT_WRONG_SHOWN, REPORT_OTHERS_SHOWN);
    if (!status)
        report_write_pictures(report, &choices, out);
    markup_raw(out, "</section>\n");
    report_choices_free(&choices);
    return status;
}

static bool has_embeddings(const struct report *report, size_t set)
{
    const char *name = report_name(&report->index.sets, set);
    for (size_t i = 0; i < report->input->embeddings_count; i++)
        if (strcmp(report->input->embeddings[i].set, name) == 0)
            return true;
    return false;
}

static assay_status write_embeddings(struct report *report, struct markup *out, struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    static plot_set *const embeddings[] = {report_plot_embeddings};
    section(out, "embeddings", "Embeddings");
    if (!report->input->embeddings_count)
        markup_raw(out, "<p>Embeddings were not kept in this run.</p>\n");
    for (size_t set = 0; set < report_names_count(&report->index.sets) && !status; set++) {
        if (!has_embeddings(report, set))
            continue;
        set_heading(report, out, set);
        status = write_plots(report, out, set, embeddings, 1, error);
    }
    markup_raw(out, "</section>\n");
    return status;
}

static void definition(struct markup *out, const char *text)
{
    if (!text || !text[0])
        return;
    markup_raw(out, "<dd>");
    markup_text(out, text);
    markup_raw(out, "</dd>\n");
}

static void write_repeat(struct report *report, struct markup *out)
{
    const struct report_input *input = report->input;
    section(out, "problems", "What could not be judged");
    if (report_count_problems(report))
        report_table_problems(report, out);
    else
        markup_raw(out, "<p>Nothing: every picture could be judged.</p>\n");
    markup_raw(out, "</section>\n");
    section(out, "repeat", "Everything needed to repeat it");
    markup_raw(out, "<h3>Protocols</h3>\n<dl>\n");
    for (size_t set = 0; set < report_names_count(&report->index.sets); set++) {
        const struct protocol *protocol = report_protocol(report, set);
        markup_raw(out, "<dt><bdi>");
        markup_text(out, report_name(&report->index.sets, set));
        markup_raw(out, "</bdi>: ");
        markup_text(out, protocol->title);
        markup_raw(out, " (<code>--protocol ");
        markup_text(out, protocol->name);
        markup_raw(out, "</code>)</dt>\n");
        definition(out, protocol->follows ? report_words(report, "Follows %s.", protocol->follows) : NULL);
        definition(out, protocol->notes);
        if (protocol->perturbation && protocol->perturbation[0])
            definition(out, report_words(report, "Every picture goes through %s first.", protocol->perturbation));
    }
    markup_raw(out, "</dl>\n");
    if (input->command) {
        markup_raw(out, "<h3>Command</h3>\n<pre tabindex=\"0\">");
        markup_text(out, input->command);
        markup_raw(out, "</pre>\n");
    }
    if (input->run_json) {
        markup_raw(out, "<h3>run.json</h3>\n<pre tabindex=\"0\">");
        markup_text(out, input->run_json);
        markup_raw(out, "</pre>\n");
    }
    markup_raw(out,
               "</section>\n</main>\n<footer>Written by <code>assay eval</code>. The figures can be made again from "
               "predictions.jsonl beside this file.</footer>\n</body></html>\n");
}

assay_status report_write(const struct report_input *input, const char *path, struct assay_error *error)
{
    struct report report;
    struct markup out = markup_new();
    assay_status status = report_begin(input, &report, error);
    if (status)
        goto done;
    write_head(&report, &out);
    write_warnings(&report, &out);
    write_figures(&report, &out);
    status = write_curves(&report, &out, error);
    if (!status)
        status = write_robustness(&report, &out, error);
    if (status)
        goto done;
    write_differences(&report, &out);
    status = write_pictures(&report, &out, error);
    if (!status)
        status = write_embeddings(&report, &out, error);
    if (status)
        goto done;
    write_repeat(&report, &out);
    status = out.failed || report.failed ? error_memory(error, "the report")
                                         : file_write(path, out.bytes.data, out.bytes.count, error);
done:
    markup_free(&out);
    report_end(&report);
    return status;
}

/* ---- Plots as files ------------------------------------------------------------------------------------------- */

struct plot_folder {
    const char *path;
    size_t set;
    struct array kinds; /* of const char *: how often each was seen in this set */
};

static assay_status show_in_file(void *context, const struct report_plot *plot, struct assay_error *error)
{
    struct plot_folder *folder = context;
    size_t number = 1; /* of its kind in this set: reliability-1.svg, reliability-1-2.svg */
    for (size_t i = 0; i < folder->kinds.count; i++)
        number += strcmp(((const char **)folder->kinds.data)[i], plot->kind) == 0;
    const char **kind = array_push(&folder->kinds);
    struct array path = array_of(1, 4096);
    assay_status status = ASSAY_OK;
    bool fits = kind && array_printf(&path, "%s/%s-%zu", folder->path, plot->kind, folder->set + 1) &&
                (number == 1 || array_printf(&path, "-%zu", number)) && array_printf(&path, ".svg");
    if (kind)
        *kind = plot->kind;
    if (fits)
        status = file_write(path.data, plot->svg, strlen(plot->svg), error);
    else
        status = error_set(error, ASSAY_ERROR_LIMIT, "%.200s: no memory for a plot, or too long a path", folder->path);
    array_free(&path);
    return status;
}

assay_status report_write_plots(const struct report_input *input, const char *folder, struct assay_error *error)
{
    static plot_set *const plots[] = {report_plot_curves, report_plot_reliability, report_plot_scores,
                                      report_plot_sweeps, report_plot_embeddings};
    struct report report;
    assay_status status = report_begin(input, &report, error);
    for (size_t set = 0; !status && set < report_names_count(&report.index.sets); set++) {
        struct plot_folder to = {folder, set, array_of(sizeof(const char *), 1 << 20)};
        const struct report_viewer viewer = {show_in_file, &to, true};
        for (size_t i = 0; i < sizeof plots / sizeof *plots && !status; i++)
            status = plots[i](&report, set, &viewer, error);
        array_free(&to.kinds);
    }
    if (!status && report.failed)
        status = error_memory(error, "the plots");
    report_end(&report);
    return status;
}
