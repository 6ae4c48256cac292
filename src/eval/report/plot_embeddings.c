/* plot_embeddings.c - what a model sees alike: its embeddings on a plane by t-SNE, by class and by source. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/dataset.h"
#include "eval/report/plots.h"
#include "eval/report/tsne.h"

enum { SOURCES_TOLD = 14, BOX = 330 };

/* Points on the plane and what they are. */
struct plane {
    double *place; /* [count, 2] */
    const struct prediction **of;
    size_t count;
    double *x, *y;           /* of those that are being drawn, [count] each */
    double divergence, half; /* all coordinates are within -half..half */
};

static void plane_free(struct plane *plane)
{
    mem_free(plane->place);
    mem_free(plane->of);
}

static assay_status plane_make(const struct report_input *input, const struct report_embeddings *e, struct plane *out,
                               struct assay_error *error)
{
    size_t stride = (e->count + TSNE_MAX_POINTS - 1) / TSNE_MAX_POINTS;
    size_t count = (e->count + stride - 1) / stride;
    float *data = mem_alloc(count, e->width * sizeof *data);
    *out = (struct plane){.place = mem_alloc(count, 4 * sizeof *out->place),
                          .of = mem_alloc(count, sizeof *out->of),
                          .count = count};
    assay_status status = data && out->place && out->of ? ASSAY_OK : error_memory(error, "a t-SNE");
    for (size_t i = 0; i < count && !status; i++) {
        memcpy(data + i * e->width, e->data + i * stride * e->width, e->width * sizeof *data);
        out->of[i] = &input->predictions[e->prediction[i * stride]];
    }
    if (!status)
        status = tsne_embed(data, count, e->width, NULL, out->place, &out->divergence, error);
    mem_free(data);
    if (status) {
        plane_free(out);
        return status;
    }
    out->x = out->place + 2 * count;
    out->y = out->x + count;
    for (size_t i = 0; i < 2 * count; i++)
        out->half = fmax(out->half, 1.07 * fabs(out->place[i]));
    return ASSAY_OK;
}

/* Which points are drawn together. */
struct part {
    int label;          /* -1: both */
    const char *source; /* NULL: all */
    bool wrong;         /* only those */
};

static size_t take(struct plane *plane, struct part part)
{
    size_t count = 0;
    for (size_t i = 0; i < plane->count; i++) {
        const struct prediction *p = plane->of[i];
        if ((part.label >= 0 && p->label != part.label) || (part.source && strcmp(p->source, part.source) != 0) ||
            (part.wrong && report_is_right(p)))
            continue;
        plane->x[count] = plane->place[2 * i];
        plane->y[count++] = plane->place[2 * i + 1];
    }
    return count;
}

static struct svg_chart plane_chart(const struct plane *plane, const struct report_viewer *viewer, struct markup *out)
{
    return (struct svg_chart){.out = out,
                              .width = BOX,
                              .height = BOX,
                              .x = {.low = -plane->half, .high = plane->half, .bare = true},
                              .y = {.low = -plane->half, .high = plane->half, .bare = true},
                              .standalone = viewer->standalone};
}

static assay_status plot_by_class(struct report *report, const struct report_embeddings *e, struct plane *plane,
                                  const struct report_viewer *viewer, struct assay_error *error)
{
    size_t real = take(plane, (struct part){.label = LABEL_REAL});
    size_t wrong = take(plane, (struct part){.label = -1, .wrong = true});
    const struct svg_entry legend[] = {{"generated", report_words(report, "%zu", plane->count - real), 1,
                                        SVG_SIGN_MARK},
                                       {"real", report_words(report, "%zu", real), 0, SVG_SIGN_MARK},
                                       {"judged wrong", report_words(report, "%zu", wrong), 0, SVG_SIGN_RING}};
    struct markup out = markup_new();
    struct svg_chart chart = plane_chart(plane, viewer, &out);
    char text[MARKUP_NUMBER];
    chart.title = report_words(report, "Embeddings of %s on %s by class", e->model, e->set);
    chart.description = report_words(report, "A t-SNE of %zu pictures, %zu of them judged wrong", plane->count, wrong);
    chart.legend = legend;
    chart.legend_count = 3;
    svg_open(&chart);
    for (int label = LABEL_REAL; label <= LABEL_GENERATED; label++) {
        size_t count = take(plane, (struct part){.label = label});
        svg_marks(&chart, plane->x, plane->y, count, label);
    }
    wrong = take(plane, (struct part){.label = -1, .wrong = true});
    svg_rings(&chart, plane->x, plane->y, wrong);
    return report_show(
        &chart, "tsne",
        report_words(report,
                     "What %s sees alike on %s, by class: embeddings by exact t-SNE (perplexity 30 where "
                     "there are enough pictures; divergence %s nats). Distances between far groups mean "
                     "nothing.%s",
                     e->model, e->set, markup_number_text(plane->divergence, 3, text),
                     e->count > plane->count ? report_words(report, " %zu of %zu pictures.", plane->count, e->count)
                                             : ""),
        viewer, error);
}

struct told {
    const char *source;
    int label;
    size_t count;
};

static int by_name(const void *left, const void *right)
{
    const struct told *a = left, *b = right;
    return a->label != b->label ? b->label - a->label : strcmp(a->source, b->source);
}

static int by_count(const void *left, const void *right)
{
    const struct told *a = left, *b = right;
    return a->count != b->count ? (a->count > b->count ? -1 : 1) : by_name(a, b);
}

/* Every class and source once, the largest first. */
static size_t tell_sources(const struct plane *plane, struct told *told)
{
    size_t kept = 0;
    for (size_t i = 0; i < plane->count; i++)
        told[i] = (struct told){plane->of[i]->source, plane->of[i]->label, 1};
    qsort(told, plane->count, sizeof *told, by_name);
    for (size_t i = 0; i < plane->count; i++) {
        if (kept && by_name(&told[kept - 1], &told[i]) == 0)
            told[kept - 1].count++;
        else
            told[kept++] = told[i];
    }
    qsort(told, kept, sizeof *told, by_count);
    return kept;
}

static assay_status plot_by_source(struct report *report, const struct report_embeddings *e, struct plane *plane,
                                   const struct report_viewer *viewer, struct assay_error *error)
{
    struct told *told = mem_alloc(plane->count, sizeof *told);
    if (!told)
        return error_memory(error, "a t-SNE");
    size_t sources = tell_sources(plane, told), shown = sources < SOURCES_TOLD ? sources : SOURCES_TOLD, others = 0;
    qsort(told, shown, sizeof *told, by_name);
    struct svg_entry legend[SOURCES_TOLD + 1];
    for (size_t s = 0; s < shown; s++)
        legend[s] = (struct svg_entry){told[s].source,
                                       report_words(report, "%s, %zu", told[s].label == LABEL_GENERATED ? "ai" : "real",
                                                    told[s].count),
                                       (int)s, SVG_SIGN_MARK};
    for (size_t s = shown; s < sources; s++)
        others += told[s].count;
    struct markup out = markup_new();
    struct svg_chart chart = plane_chart(plane, viewer, &out);
    chart.title = report_words(report, "Embeddings of %s on %s by source", e->model, e->set);
    chart.description = report_words(report, "The same t-SNE, %zu sources told apart", shown);
    chart.legend = legend;
    chart.legend_count = shown;
    svg_open(&chart);
    for (size_t s = 0; s < shown; s++) {
        size_t count = take(plane, (struct part){.label = told[s].label, .source = told[s].source});
        svg_marks(&chart, plane->x, plane->y, count, (int)s);
    }
    assay_status status =
        report_show(&chart, "tsne-sources",
                    report_words(report, "The same by source: where sources fall apart, so does what the model sees.%s",
                                 others ? report_words(report, " %zu pictures of %zu smaller sources are left out.",
                                                       others, sources - shown)
                                        : ""),
                    viewer, error);
    mem_free(told);
    return status;
}

assay_status report_plot_embeddings(struct report *report, size_t set, const struct report_viewer *viewer,
                                    struct assay_error *error)
{
    const struct report_input *input = report->input;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < input->embeddings_count && !status; i++) {
        const struct report_embeddings *e = &input->embeddings[i];
        struct plane plane;
        if (strcmp(e->set, report_name(&report->index.sets, set)) != 0 || e->count < TSNE_MIN_POINTS || e->width == 0)
            continue;
        status = plane_make(input, e, &plane, error);
        if (status)
            break;
        status = plot_by_class(report, e, &plane, viewer, error);
        if (!status)
            status = plot_by_source(report, e, &plane, viewer, error);
        plane_free(&plane);
    }
    return status;
}
