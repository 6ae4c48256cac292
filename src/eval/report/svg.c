/* svg.c - the frame of a chart and what is drawn inside it. Coordinates are rounded to a tenth of a pixel. */
#include "eval/report/svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FONT = 12, ROW = 19, TICK_ROOM_X = 54, TICK_ROOM_Y = 40 };
#define LETTER 6.7 /* pixels of a character at FONT, more than most have */
#define NEAR 0.3   /* pixels: points of a line nearer than this to the last are left out */

/* Each series: a colour, a dash pattern, a mark; of eight each, combined anew beyond eight series. */
static const char *const dashes[] = {"", "7 3", "2 3", "9 3 2 3", "5 2", "1 2", "12 4", "6 2 1 2 1 2"};

static int colour_of(int series)
{
    return series % SVG_COLOURS;
}

static int shape_of(int series)
{
    return (series + series / SVG_COLOURS) % 8;
}

const char *svg_style(void)
{
    return ".chart{display:block;width:100%;height:auto;font:12px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}"
           ".chart text{fill:var(--ink)}.chart .soft{fill:var(--soft)}"
           ".chart .paper{fill:var(--paper)}.chart .box{fill:none;stroke:var(--line)}"
           ".chart .grid{stroke:var(--grid);fill:none}.chart .guide{stroke:var(--soft);stroke-dasharray:4 4;fill:none}"
           ".chart .l{stroke:var(--c);fill:none;stroke-width:2;stroke-linejoin:round}"
           ".chart .b{fill:var(--c);fill-opacity:.16;stroke:none}"
           ".chart .f{fill:var(--c);fill-opacity:.75;stroke:none}"
           ".chart .f.c5{fill-opacity:.4}.chart .m{fill:var(--c);stroke:var(--paper);stroke-width:.6}"
           ".chart .w{stroke:var(--c);fill:none;stroke-width:1.4}.chart "
           ".ring{stroke:var(--ink);fill:none;stroke-width:1.2}"
           ".c0{--c:var(--c0)}.c1{--c:var(--c1)}.c2{--c:var(--c2)}.c3{--c:var(--c3)}"
           ".c4{--c:var(--c4)}.c5{--c:var(--c5)}.c6{--c:var(--c6)}.c7{--c:var(--c7)}"
           /* every colour at 3:1 or more against the paper, words at 7:1, by the formula of WCAG 2.1 */
           ":root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#4e5661;--line:#7d8590;--grid:#e3e6ea;"
           "--c0:#0067a5;--c1:#c44e00;--c2:#00805a;--c3:#a3488c;--c4:#8a6d00;--c5:#5b5b5b;--c6:#7a4b2a;--c7:#4a3fc0}"
           "@media screen and (prefers-color-scheme:dark){:root{--paper:#15181c;--ink:#e8ebef;--soft:#b3bac4;"
           "--line:#7d8590;--grid:#2d333b;--c0:#5cb3f0;--c1:#ff8f4d;--c2:#3fcf9e;--c3:#e58fca;--c4:#e0bf3a;"
           "--c5:#b8b8b8;--c6:#c99a72;--c7:#a6a0ff}}";
}

/* ---- Scales --------------------------------------------------------------------------------------------------- */

static void mend_axis(struct svg_axis *axis)
{
    if (axis->names) {
        axis->low = -0.5;
        axis->high = (double)axis->name_count - 0.5;
        axis->logarithmic = false;
    }
    if (!isfinite(axis->low) || !isfinite(axis->high)) {
        axis->low = 0;
        axis->high = 1;
    }
    if (axis->low > axis->high) {
        double low = axis->high;
        axis->high = axis->low;
        axis->low = low;
    }
    if (axis->logarithmic && !(axis->low > 0)) {
        axis->high = axis->high > 0 ? axis->high : 1;
        axis->low = axis->high / 1000;
    }
    if (axis->low == axis->high) {
        double room = axis->low != 0 ? fabs(axis->low) / 2 : 0.5;
        axis->low -= room;
        axis->high += room;
    }
}

/* Where a value lies along its axis, 0 to 1; beyond the ends it is at the end. */
static double share_of(const struct svg_axis *axis, double value)
{
    double share = axis->logarithmic ? (value > 0 ? log(value / axis->low) / log(axis->high / axis->low) : 0)
                                     : (value - axis->low) / (axis->high - axis->low);
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

static double at_x(const struct svg_chart *c, double x)
{
    return c->left + share_of(&c->x, x) * c->width;
}

static double at_y(const struct svg_chart *c, double y)
{
    return c->top + (1 - share_of(&c->y, y)) * c->height;
}

static int linear_ticks(const struct svg_axis *axis, int most, double *ticks, int *decimals)
{
    static const double steps[] = {1, 2, 5, 10};
    double range = axis->high - axis->low, rough = range / most;
    double power = pow(10, floor(log10(rough)));
    int exponent = (int)floor(log10(rough)), chosen = 0;
    double step = 0;
    for (int i = 0; i < 4; i++) {
        step = steps[i] * power;
        chosen = i;
        if (floor(axis->high / step + 1e-9) - ceil(axis->low / step - 1e-9) + 1 <= most)
            break;
    }
    if (chosen == 3)
        exponent++;
    int places = exponent < 0 ? -exponent : 0;
    if (axis->percent)
        places = places > 2 ? places - 2 : 0;
    *decimals = places > 9 ? 9 : places;
    int count = 0;
    for (double i = ceil(axis->low / step - 1e-9); i <= axis->high / step + 1e-9 && count < most; i++)
        ticks[count++] = i * step + 0.0; /* + 0.0: no "-0" */
    return count;
}

int svg_ticks(const struct svg_axis *given, int most, double ticks[SVG_MAX_TICKS], int *decimals)
{
    struct svg_axis axis = *given;
    mend_axis(&axis);
    most = most < 2 ? 2 : most > SVG_MAX_TICKS ? SVG_MAX_TICKS : most;
    if (!axis.logarithmic)
        return linear_ticks(&axis, most, ticks, decimals);
    /* 1, 2, 5 of every decade; where these are too many, whole decades; where these still are, some of them */
    int first = (int)floor(log10(axis.low)) - 1, last = (int)ceil(log10(axis.high)) + 1;
    *decimals = 9;
    for (int stride = 0;; stride++) {
        int count = 0;
        for (int decade = first; decade <= last && count <= most; decade++)
            for (int digit = 1; digit <= (stride ? 1 : 5) && count <= most; digit += digit == 1 ? 1 : 3) {
                double tick = digit * pow(10, decade);
                if ((stride && decade % stride) || tick < axis.low * (1 - 1e-9) || tick > axis.high * (1 + 1e-9))
                    continue;
                if (count < most)
                    ticks[count] = tick;
                count++;
            }
        if (count <= most)
            return count;
    }
}

/* ---- Pieces --------------------------------------------------------------------------------------------------- */

static void number(struct markup *m, const char *before, double value)
{
    char text[MARKUP_NUMBER];
    markup_raw(m, before);
    markup_raw(m, markup_brief(value, 1, text));
}

/* <text>, anchored, at a place given in pixels. */
static void label(struct markup *m, double x, double y, const char *anchor, const char *class, const char *words,
                  size_t characters)
{
    number(m, "<text x=\"", x);
    number(m, "\" y=\"", y);
    markup_printf(m, "\" text-anchor=\"%s\"%s>", anchor, class);
    markup_short(m, words, characters);
    markup_raw(m, "</text>");
}

static const char *tick_text(const struct svg_axis *axis, double value, int decimals, char text[MARKUP_NUMBER + 8])
{
    char digits[MARKUP_NUMBER];
    double shown = axis->mirrored ? fabs(value) : value;
    if (axis->percent)
        shown *= 100;
    if (axis->logarithmic)
        markup_brief(shown, decimals, digits);
    else
        markup_number_text(shown, decimals, digits);
    snprintf(text, MARKUP_NUMBER + 8, "%s%s", digits, axis->percent ? "\xe2\x80\xaf%" : "");
    return text;
}

static void line_between(struct markup *m, const char *class, double x0, double y0, double x1, double y1)
{
    markup_printf(m, "<path class=\"%s\" d=\"M", class);
    number(m, "", x0);
    number(m, " ", y0);
    number(m, "L", x1);
    number(m, " ", y1);
    markup_raw(m, "\"/>");
}

/* A mark around a place, as a closed path. */
static void shape(struct markup *m, double x, double y, int series, double r)
{
    /* corners in units of r, ended by the count */
    static const struct {
        int count;
        signed char at[24]; /* eighths */
    } outlines[] = {{0, {0}},
                    {4, {-7, -7, 7, -7, 7, 7, -7, 7}},
                    {3, {0, -9, 9, 7, -9, 7}},
                    {4, {0, -10, 10, 0, 0, 10, -10, 0}},
                    {3, {0, 9, 9, -7, -9, -7}},
                    {12, {-3, -9, 3, -9, 3, -3, 9, -3, 9, 3, 3, 3, 3, 9, -3, 9, -3, 3, -9, 3, -9, -3, -3, -3}},
                    {12, {-5, -9, 0, -4, 5, -9, 9, -5, 4, 0, 9, 5, 5, 9, 0, 4, -5, 9, -9, 5, -4, 0, -9, -5}},
                    {6, {-5, -9, 5, -9, 10, 0, 5, 9, -5, 9, -10, 0}}};
    int which = shape_of(series);
    if (which == 0) {
        number(m, "M", x - r);
        number(m, " ", y);
        number(m, "a", r);
        number(m, " ", r);
        number(m, " 0 1 0 ", 2 * r);
        number(m, " 0a", r);
        number(m, " ", r);
        number(m, " 0 1 0 ", -2 * r);
        markup_raw(m, " 0z");
        return;
    }
    for (int i = 0; i < outlines[which].count; i++) {
        number(m, i ? "L" : "M", x + outlines[which].at[2 * i] * r / 8);
        number(m, " ", y + outlines[which].at[2 * i + 1] * r / 8);
    }
    markup_raw(m, "z");
}

static void draw_x_axis(struct svg_chart *c)
{
    struct markup *m = c->out;
    double ticks[SVG_MAX_TICKS], base = c->top + c->height;
    int decimals = 0, count = 0;
    char text[MARKUP_NUMBER + 8];
    if (c->x.names)
        for (size_t i = 0; i < c->x.name_count; i++)
            label(m, at_x(c, (double)i), base + 16, "middle", "", c->x.names[i],
                  (size_t)(c->width / (double)c->x.name_count / LETTER));
    else if (!c->x.bare)
        count = svg_ticks(&c->x, (int)(c->width / 48), ticks, &decimals);
    for (int i = 0; i < count; i++) {
        double x = at_x(c, ticks[i]);
        line_between(m, "grid", x, c->top, x, base);
        label(m, x, base + 16, "middle", " class=\"soft\"", tick_text(&c->x, ticks[i], decimals, text), 40);
    }
    if (c->x.label)
        label(m, c->left + c->width / 2, base + (c->x.bare ? 18 : 34), "middle", "", c->x.label,
              (size_t)((c->width + c->left) / LETTER));
}

static void draw_y_axis(struct svg_chart *c)
{
    struct markup *m = c->out;
    double ticks[SVG_MAX_TICKS];
    int decimals = 0, count = 0;
    char text[MARKUP_NUMBER + 8];
    for (size_t i = 0; c->y.names && i < c->y.name_count; i++)
        label(m, c->left - 7, at_y(c, (double)i) + 4, "end", "", c->y.names[i], (size_t)(c->left / LETTER));
    for (size_t i = 1; c->y.names && i < c->y.name_count; i++)
        line_between(m, "grid", c->left, at_y(c, (double)i - 0.5), c->left + c->width, at_y(c, (double)i - 0.5));
    if (!c->y.names && !c->y.bare)
        count = svg_ticks(&c->y, (int)(c->height / 36), ticks, &decimals);
    for (int i = 0; i < count; i++) {
        double y = at_y(c, ticks[i]);
        line_between(m, "grid", c->left, y, c->left + c->width, y);
        label(m, c->left - 7, y + 4, "end", " class=\"soft\"", tick_text(&c->y, ticks[i], decimals, text), 40);
    }
    if (c->y.label) { /* above the axis, level: nobody turns his head */
        label(m, c->y.names ? 4 : 2, 14, "start", "", c->y.label, (size_t)((c->left + c->width) / LETTER));
    }
}

/* ---- The frame ------------------------------------------------------------------------------------------------ */

void svg_open(struct svg_chart *c)
{
    struct markup *m = c->out;
    mend_axis(&c->x);
    mend_axis(&c->y);
    c->top = c->y.label ? 24 : 8;
    c->left = c->y.bare ? 10 : TICK_ROOM_X;
    if (c->y.names) { /* as much as the longest name, within reason */
        size_t longest = 4;
        for (size_t i = 0; i < c->y.name_count; i++) {
            size_t length = markup_characters(c->y.names[i]);
            longest = length > longest ? length : longest;
        }
        c->left = (double)(longest > 18 ? 18 : longest) * LETTER + 12;
    }
    c->right = 22 + c->margin;
    if (!(c->width > 0))
        c->width = SVG_WIDTH - c->left - c->right;
    c->bottom = (c->x.label ? TICK_ROOM_Y : 22) - (c->x.bare ? 14 : 0);
    c->total_height = c->top + c->height + c->bottom + 6 + (double)c->legend_count * ROW;
    double total_width = c->left + c->width + c->right;
    markup_printf(m, "<svg class=\"chart\"%s role=\"img\"",
                  c->standalone ? " xmlns=\"http://www.w3.org/2000/svg\"" : "");
    number(m, " viewBox=\"0 0 ", total_width);
    number(m, " ", c->total_height);
    number(m, "\" width=\"", total_width);
    number(m, "\" height=\"", c->total_height);
    markup_raw(m, "\"><title>");
    markup_text(m, c->title);
    markup_raw(m, "</title><desc>");
    markup_text(m, c->description);
    markup_raw(m, "</desc>");
    if (c->standalone) {
        markup_printf(m, "<style>%s</style>", svg_style());
        number(m, "<rect class=\"paper\" width=\"", total_width);
        number(m, "\" height=\"", c->total_height);
        markup_raw(m, "\"/>");
    }
    draw_x_axis(c);
    draw_y_axis(c);
    number(m, "<rect class=\"box\" x=\"", c->left);
    number(m, "\" y=\"", c->top);
    number(m, "\" width=\"", c->width);
    number(m, "\" height=\"", c->height);
    markup_raw(m, "\"/>");
}

static void line_attributes(struct markup *m, const char *class, int series, bool dashed)
{
    const char *dash = dashes[shape_of(series)];
    markup_printf(m, "<path class=\"%s c%d\"", class, colour_of(series));
    if (dashed && dash[0])
        markup_printf(m, " stroke-dasharray=\"%s\"", dash);
    markup_raw(m, " d=\"");
}

static void draw_entry(struct svg_chart *c, const struct svg_entry *entry, double y)
{
    struct markup *m = c->out;
    double left = 10, middle = y - 4, words = left + 36;
    if (entry->sign == SVG_SIGN_GUIDE)
        line_between(m, "guide", left, middle, left + 28, middle);
    if (entry->sign == SVG_SIGN_RING) {
        markup_raw(m, "<path class=\"ring\" d=\"");
        shape(m, left + 14, middle, 0, 6.5);
        markup_raw(m, "\"/>");
    }
    if (entry->sign == SVG_SIGN_LINE || entry->sign == SVG_SIGN_BOTH) {
        line_attributes(m, "l", entry->series, true);
        number(m, "M", left);
        number(m, " ", middle);
        markup_raw(m, "h28\"/>");
    }
    if (entry->sign == SVG_SIGN_MARK || entry->sign == SVG_SIGN_BOTH) {
        line_attributes(m, "m", entry->series, false);
        shape(m, left + 14, middle, entry->series, 4.5);
        markup_raw(m, "\"/>");
    }
    if (entry->sign == SVG_SIGN_FILL) {
        line_attributes(m, "f", entry->series, false);
        number(m, "M", left);
        number(m, " ", middle - 5);
        markup_raw(m, "h28v10h-28z\"/>");
    }
    size_t room = (size_t)((c->left + c->width + c->right - words) / LETTER);
    size_t note = entry->note ? markup_characters(entry->note) + 2 : 0;
    number(m, "<text x=\"", words);
    number(m, "\" y=\"", y);
    markup_raw(m, "\">");
    markup_short(m, entry->name, room > note + 6 ? room - note : 6);
    if (entry->note) {
        markup_raw(m, "<tspan class=\"soft\" dx=\"8\">");
        markup_text(m, entry->note);
        markup_raw(m, "</tspan>");
    }
    markup_raw(m, "</text>");
}

void svg_close(struct svg_chart *c)
{
    for (size_t i = 0; i < c->legend_count; i++)
        draw_entry(c, &c->legend[i], c->top + c->height + c->bottom + (double)(i + 1) * ROW - 4);
    markup_raw(c->out, "</svg>\n");
}

/* ---- What is drawn inside ------------------------------------------------------------------------------------- */

/* Points of a line in pixels, without those that nobody could tell from their neighbours. */
static void path_points(struct svg_chart *c, const double *x, const double *y, size_t count, bool backwards, bool begun)
{
    double last_x = 0, last_y = 0;
    for (size_t n = 0; n < count; n++) {
        size_t i = backwards ? count - 1 - n : n;
        if (!isfinite(x[i]) || !isfinite(y[i]))
            continue;
        double px = at_x(c, x[i]), py = at_y(c, y[i]);
        if (begun && n + 1 < count && fabs(px - last_x) < NEAR && fabs(py - last_y) < NEAR)
            continue;
        number(c->out, begun ? "L" : "M", px);
        number(c->out, " ", py);
        begun = true;
        last_x = px;
        last_y = py;
    }
}

void svg_line(struct svg_chart *c, const double *x, const double *y, size_t count, int series)
{
    line_attributes(c->out, "l", series, true);
    path_points(c, x, y, count, false, false);
    markup_raw(c->out, "\"/>");
}

void svg_band(struct svg_chart *c, const double *x, const double *low, const double *high, size_t count, int series)
{
    line_attributes(c->out, "b", series, false);
    path_points(c, x, high, count, false, false);
    path_points(c, x, low, count, true, true);
    markup_raw(c->out, "z\"/>");
}

void svg_marks(struct svg_chart *c, const double *x, const double *y, size_t count, int series)
{
    line_attributes(c->out, "m", series, false);
    for (size_t i = 0; i < count; i++)
        if (isfinite(x[i]) && isfinite(y[i]))
            shape(c->out, at_x(c, x[i]), at_y(c, y[i]), series, 4);
    markup_raw(c->out, "\"/>");
}

void svg_rings(struct svg_chart *c, const double *x, const double *y, size_t count)
{
    markup_raw(c->out, "<path class=\"ring\" d=\"");
    for (size_t i = 0; i < count; i++)
        if (isfinite(x[i]) && isfinite(y[i]))
            shape(c->out, at_x(c, x[i]), at_y(c, y[i]), 0, 6.5);
    markup_raw(c->out, "\"/>");
}

void svg_mark(struct svg_chart *c, double x, double y, int series, const char *words)
{
    if (!isfinite(x) || !isfinite(y))
        return;
    line_attributes(c->out, "m", series, false);
    shape(c->out, at_x(c, x), at_y(c, y), series, 4);
    markup_raw(c->out, "\"><title>");
    markup_text(c->out, words);
    markup_raw(c->out, "</title></path>");
}

void svg_bar(struct svg_chart *c, double x0, double x1, double y0, double y1, int series)
{
    if (!isfinite(x0) || !isfinite(x1) || !isfinite(y0) || !isfinite(y1))
        return;
    double left = at_x(c, x0), right = at_x(c, x1), top = at_y(c, y1), bottom = at_y(c, y0);
    markup_printf(c->out, "<rect class=\"f c%d\"", colour_of(series));
    number(c->out, " x=\"", left < right ? left : right);
    number(c->out, "\" y=\"", top < bottom ? top : bottom);
    number(c->out, "\" width=\"", fabs(right - left));
    number(c->out, "\" height=\"", fabs(bottom - top));
    markup_raw(c->out, "\"/>");
}

void svg_whisker(struct svg_chart *c, double x, double low, double high, int series)
{
    if (!isfinite(x) || !isfinite(low) || !isfinite(high))
        return;
    double px = at_x(c, x), from = at_y(c, low), to = at_y(c, high);
    line_attributes(c->out, "w", series, false);
    number(c->out, "M", px);
    number(c->out, " ", from);
    number(c->out, "V", to);
    number(c->out, "M", px - 3);
    number(c->out, " ", from);
    number(c->out, "h6M", px - 3);
    number(c->out, " ", to);
    markup_raw(c->out, "h6\"/>");
}

void svg_whisker_across(struct svg_chart *c, double y, double low, double high, int series)
{
    if (!isfinite(y) || !isfinite(low) || !isfinite(high))
        return;
    double py = at_y(c, y), from = at_x(c, low), to = at_x(c, high);
    line_attributes(c->out, "w", series, false);
    number(c->out, "M", from);
    number(c->out, " ", py);
    number(c->out, "H", to);
    number(c->out, "M", from);
    number(c->out, " ", py - 3);
    number(c->out, "v6M", to);
    number(c->out, " ", py - 3);
    markup_raw(c->out, "v6\"/>");
}

void svg_histogram(struct svg_chart *c, double low, double high, const double *share, size_t bins, double base,
                   double scale, int series)
{
    double ground = at_y(c, base);
    line_attributes(c->out, "f", series, false);
    for (size_t b = 0; b < bins; b++) {
        if (!(share[b] > 0))
            continue;
        double left = at_x(c, low + (high - low) * (double)b / (double)bins);
        double right = at_x(c, low + (high - low) * (double)(b + 1) / (double)bins);
        number(c->out, "M", left);
        number(c->out, " ", ground);
        number(c->out, "V", at_y(c, base + scale * share[b]));
        number(c->out, "H", right - 0.5); /* bars that are told apart */
        number(c->out, "V", ground);
        markup_raw(c->out, "z");
    }
    markup_raw(c->out, "\"/>");
}

void svg_guide(struct svg_chart *c, double x0, double y0, double x1, double y1)
{
    line_between(c->out, "guide", at_x(c, x0), at_y(c, y0), at_x(c, x1), at_y(c, y1));
}

void svg_words(struct svg_chart *c, double x, double y, double right, double below, const char *anchor,
               const char *words)
{
    label(c->out, at_x(c, x) + right, at_y(c, y) + below, anchor, " class=\"soft\"", words, 80);
}
