/* svg_draw.c - what is drawn inside a chart: lines, bands, marks, bars, whiskers, histograms, words. */
#include "eval/report/svg_parts.h"

#include <math.h>

#define NEAR 0.3 /* pixels: points of a line nearer than this to the last are left out */

/* Points of a line in pixels, without those that nobody could tell from their neighbours. */
static void path_points(struct svg_chart *c, const double *x, const double *y, size_t count, bool backwards, bool begun)
{
    double last_x = 0, last_y = 0;
    for (size_t n = 0; n < count; n++) {
        size_t i = backwards ? count - 1 - n : n;
        if (!isfinite(x[i]) || !isfinite(y[i]))
            continue;
        double px = svg_at_x(c, x[i]), py = svg_at_y(c, y[i]);
        if (begun && n + 1 < count && fabs(px - last_x) < NEAR && fabs(py - last_y) < NEAR)
            continue;
        svg_number(c->out, begun ? "L" : "M", px);
        svg_number(c->out, " ", py);
        begun = true;
        last_x = px;
        last_y = py;
    }
}

void svg_line(struct svg_chart *c, const double *x, const double *y, size_t count, int series)
{
    svg_path_begin(c->out, "l", series, true);
    path_points(c, x, y, count, false, false);
    markup_raw(c->out, "\"/>");
}

void svg_band(struct svg_chart *c, const double *x, const double *low, const double *high, size_t count, int series)
{
    svg_path_begin(c->out, "b", series, false);
    path_points(c, x, high, count, false, false);
    path_points(c, x, low, count, true, true);
    markup_raw(c->out, "z\"/>");
}

void svg_marks(struct svg_chart *c, const double *x, const double *y, size_t count, int series)
{
    svg_path_begin(c->out, "m", series, false);
    for (size_t i = 0; i < count; i++)
        if (isfinite(x[i]) && isfinite(y[i]))
            svg_shape(c->out, svg_at_x(c, x[i]), svg_at_y(c, y[i]), series, 4);
    markup_raw(c->out, "\"/>");
}

void svg_rings(struct svg_chart *c, const double *x, const double *y, size_t count)
{
    markup_raw(c->out, "<path class=\"ring\" d=\"");
    for (size_t i = 0; i < count; i++)
        if (isfinite(x[i]) && isfinite(y[i]))
            svg_shape(c->out, svg_at_x(c, x[i]), svg_at_y(c, y[i]), 0, 6.5);
    markup_raw(c->out, "\"/>");
}

void svg_mark(struct svg_chart *c, double x, double y, int series, const char *words)
{
    if (!isfinite(x) || !isfinite(y))
        return;
    svg_path_begin(c->out, "m", series, false);
    svg_shape(c->out, svg_at_x(c, x), svg_at_y(c, y), series, 4);
    markup_raw(c->out, "\"><title>");
    markup_text(c->out, words);
    markup_raw(c->out, "</title></path>");
}

void svg_bar(struct svg_chart *c, double x0, double x1, double y0, double y1, int series)
{
    if (!isfinite(x0) || !isfinite(x1) || !isfinite(y0) || !isfinite(y1))
        return;
    double left = svg_at_x(c, x0), right = svg_at_x(c, x1), top = svg_at_y(c, y1), bottom = svg_at_y(c, y0);
    markup_printf(c->out, "<rect class=\"f c%d\"", svg_colour(series));
    svg_number(c->out, " x=\"", left < right ? left : right);
    svg_number(c->out, "\" y=\"", top < bottom ? top : bottom);
    svg_number(c->out, "\" width=\"", fabs(right - left));
    svg_number(c->out, "\" height=\"", fabs(bottom - top));
    markup_raw(c->out, "\"/>");
}

void svg_whisker(struct svg_chart *c, double x, double low, double high, int series)
{
    if (!isfinite(x) || !isfinite(low) || !isfinite(high))
        return;
    double px = svg_at_x(c, x), from = svg_at_y(c, low), to = svg_at_y(c, high);
    svg_path_begin(c->out, "w", series, false);
    svg_number(c->out, "M", px);
    svg_number(c->out, " ", from);
    svg_number(c->out, "V", to);
    svg_number(c->out, "M", px - 3);
    svg_number(c->out, " ", from);
    svg_number(c->out, "h6M", px - 3);
    svg_number(c->out, " ", to);
    markup_raw(c->out, "h6\"/>");
}

void svg_whisker_across(struct svg_chart *c, double y, double low, double high, int series)
{
    if (!isfinite(y) || !isfinite(low) || !isfinite(high))
        return;
    double py = svg_at_y(c, y), from = svg_at_x(c, low), to = svg_at_x(c, high);
    svg_path_begin(c->out, "w", series, false);
    svg_number(c->out, "M", from);
    svg_number(c->out, " ", py);
    svg_number(c->out, "H", to);
    svg_number(c->out, "M", from);
    svg_number(c->out, " ", py - 3);
    svg_number(c->out, "v6M", to);
    svg_number(c->out, " ", py - 3);
    markup_raw(c->out, "v6\"/>");
}

void svg_histogram(struct svg_chart *c, double low, double high, const double *share, size_t bins, double base,
                   double scale, int series)
{
    double ground = svg_at_y(c, base);
    svg_path_begin(c->out, "f", series, false);
    for (size_t b = 0; b < bins; b++) {
        if (!(share[b] > 0))
            continue;
        double left = svg_at_x(c, low + (high - low) * (double)b / (double)bins);
        double right = svg_at_x(c, low + (high - low) * (double)(b + 1) / (double)bins);
        svg_number(c->out, "M", left);
        svg_number(c->out, " ", ground);
        svg_number(c->out, "V", svg_at_y(c, base + scale * share[b]));
        svg_number(c->out, "H", right - 0.5); /* bars that are told apart */
        svg_number(c->out, "V", ground);
        markup_raw(c->out, "z");
    }
    markup_raw(c->out, "\"/>");
}

void svg_guide(struct svg_chart *c, double x0, double y0, double x1, double y1)
{
    svg_line_between(c->out, "guide", svg_at_x(c, x0), svg_at_y(c, y0), svg_at_x(c, x1), svg_at_y(c, y1));
}

void svg_words(struct svg_chart *c, double x, double y, double right, double below, const char *anchor,
               const char *words)
{
    svg_label(c->out, svg_at_x(c, x) + right, svg_at_y(c, y) + below, anchor, " class=\"soft\"", words, 80);
}
