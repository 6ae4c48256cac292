/* svg.h - charts as SVG text: a box with axes and sensible ticks, and lines, bands, bars, whiskers and marks in it, a
 * legend below. Colours are CSS variables, light and dark; nothing is told by colour alone: every series has a dash
 * pattern and a mark of its own too.
 *
 *     struct svg_chart chart = {.out = page, .title = "ROC", .width = 300, .height = 300, .x = {...}, .y = {...},
 *                               .legend = entries, .legend_count = n};
 *     svg_open(&chart);
 *     svg_line(&chart, xs, ys, count, 0);
 *     svg_close(&chart);                                                                                            */
#ifndef ASSAY_EVAL_REPORT_SVG_H
#define ASSAY_EVAL_REPORT_SVG_H

#include "eval/report/markup.h"

enum { SVG_COLOURS = 8, SVG_MAX_TICKS = 32, SVG_WIDTH = 376 /* of a whole chart whose box is 300 wide */ };

/* One direction of a chart: from `low` to `high`, which are finite; where they are equal or reversed, or a logarithmic
 * axis does not begin above 0, the axis is widened. */
struct svg_axis {
    const char *label; /* any bytes; NULL: none */
    double low, high;
    bool logarithmic;
    bool percent;             /* 0.25 reads "25 %" */
    bool mirrored;            /* negative values read as positive ones: what hangs below a base line */
    bool bare;                /* no ticks, no grid: positions that mean nothing */
    const char *const *names; /* instead of ticks: names at 0, 1, 2, ... */
    size_t name_count;
};

enum svg_sign { SVG_SIGN_LINE, SVG_SIGN_MARK, SVG_SIGN_BOTH, SVG_SIGN_FILL, SVG_SIGN_GUIDE, SVG_SIGN_RING };

/* A row of the legend. */
struct svg_entry {
    const char *name; /* any bytes; shortened to the chart's width */
    const char *note; /* behind the name, whole: "AUROC 0.912". NULL: none */
    int series;
    enum svg_sign sign;
};

struct svg_chart {
    struct markup *out;
    const char *title, *description; /* for those who do not see it; any bytes */
    double width, height; /* of the box inside the axes, in CSS pixels; width 0: SVG_WIDTH less the margins */
    struct svg_axis x, y;
    const struct svg_entry *legend;
    size_t legend_count;
    double margin;                                 /* more room to the right of the box, for svg_words */
    bool standalone;                               /* a file of its own: with namespace, style and background */
    double left, top, right, bottom, total_height; /* margins and the whole, filled by svg_open */
};

/* The style sheet that charts need, once a page: classes, and the variables under light and dark. */
const char *svg_style(void);

void svg_open(struct svg_chart *chart);
void svg_close(struct svg_chart *chart);

/* Values outside the axes are drawn on the border. `series` >= 0; values that are not finite are passed over. */
void svg_line(struct svg_chart *chart, const double *x, const double *y, size_t count, int series);
void svg_band(struct svg_chart *chart, const double *x, const double *low, const double *high, size_t count,
              int series);
void svg_marks(struct svg_chart *chart, const double *x, const double *y, size_t count, int series);
/* A histogram: bin b, of `bins` equal ones from `low` to `high`, is as high as base + scale * share[b]. */
void svg_histogram(struct svg_chart *chart, double low, double high, const double *share, size_t bins, double base,
                   double scale, int series);
void svg_bar(struct svg_chart *chart, double x0, double x1, double y0, double y1, int series);
void svg_whisker(struct svg_chart *chart, double x, double low, double high, int series);
void svg_whisker_across(struct svg_chart *chart, double y, double low, double high, int series);
void svg_guide(struct svg_chart *chart, double x0, double y0, double x1, double y1);     /* a thin dashed line */
void svg_rings(struct svg_chart *chart, const double *x, const double *y, size_t count); /* around marks */

/* One mark with words that show when it is pointed at; any bytes. */
void svg_mark(struct svg_chart *chart, double x, double y, int series, const char *words);

/* Words at a place in the chart, that many pixels to the right and below it; anchor "start", "middle" or "end". */
void svg_words(struct svg_chart *chart, double x, double y, double right, double below, const char *anchor,
               const char *words);

/* Ticks: up to `most` (2 to SVG_MAX_TICKS) round values within the axis; *decimals is what they need. */
int svg_ticks(const struct svg_axis *axis, int most, double ticks[SVG_MAX_TICKS], int *decimals);

#endif
