/* svg.c - the frame of a chart: style, axes, legend; and the pieces that it and svg_draw.c are made of. */
#include "eval/report/svg_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FONT = 12, ROW = 19, TICK_ROOM_X = 54, TICK_ROOM_Y = 40 };
#define LETTER 6.7 /* pixels of a character at FONT, more than most have */

/* Each series: a colour, a dash pattern, a mark; of eight each, combined anew beyond eight series. */
static const char *const dashes[] = {"", "7 3", "2 3", "9 3 2 3", "5 2", "1 2", "12 4", "6 2 1 2 1 2"};

int svg_colour(int series)
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

/* ---- Pieces --------------------------------------------------------------------------------------------------- */

void svg_number(struct markup *m, const char *before, double value)
{
    char text[MARKUP_NUMBER];
    markup_raw(m, before);
    markup_raw(m, markup_brief(value, 1, text));
}

void svg_label(struct markup *m, double x, double y, const char *anchor, const char *class, const char *words,
               size_t characters)
{
    svg_number(m, "<text x=\"", x);
    svg_number(m, "\" y=\"", y);
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

void svg_line_between(struct markup *m, const char *class, double x0, double y0, double x1, double y1)
{
    markup_printf(m, "<path class=\"%s\" d=\"M", class);
    svg_number(m, "", x0);
    svg_number(m, " ", y0);
    svg_number(m, "L", x1);
    svg_number(m, " ", y1);
    markup_raw(m, "\"/>");
}

void svg_shape(struct markup *m, double x, double y, int series, double r)
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
        svg_number(m, "M", x - r);
        svg_number(m, " ", y);
        svg_number(m, "a", r);
        svg_number(m, " ", r);
        svg_number(m, " 0 1 0 ", 2 * r);
        svg_number(m, " 0a", r);
        svg_number(m, " ", r);
        svg_number(m, " 0 1 0 ", -2 * r);
        markup_raw(m, " 0z");
        return;
    }
    for (int i = 0; i < outlines[which].count; i++) {
        svg_number(m, i ? "L" : "M", x + outlines[which].at[2 * i] * r / 8);
        svg_number(m, " ", y + outlines[which].at[2 * i + 1] * r / 8);
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
            svg_label(m, svg_at_x(c, (double)i), base + 16, "middle", "", c->x.names[i],
                      (size_t)(c->width / (double)c->x.name_count / LETTER));
    else if (!c->x.bare)
        count = svg_ticks(&c->x, (int)(c->width / 48), ticks, &decimals);
    for (int i = 0; i < count; i++) {
        double x = svg_at_x(c, ticks[i]);
        svg_line_between(m, "grid", x, c->top, x, base);
        svg_label(m, x, base + 16, "middle", " class=\"soft\"", tick_text(&c->x, ticks[i], decimals, text), 40);
    }
    if (c->x.label)
        svg_label(m, c->left + c->width / 2, base + (c->x.bare ? 18 : 34), "middle", "", c->x.label,
                  (size_t)((c->width + c->left) / LETTER));
}

static void draw_y_axis(struct svg_chart *c)
{
    struct markup *m = c->out;
    double ticks[SVG_MAX_TICKS];
    int decimals = 0, count = 0;
    char text[MARKUP_NUMBER + 8];
    for (size_t i = 0; c->y.names && i < c->y.name_count; i++)
        svg_label(m, c->left - 7, svg_at_y(c, (double)i) + 4, "end", "", c->y.names[i], (size_t)(c->left / LETTER));
    for (size_t i = 1; c->y.names && i < c->y.name_count; i++)
        svg_line_between(m, "grid", c->left, svg_at_y(c, (double)i - 0.5), c->left + c->width,
                         svg_at_y(c, (double)i - 0.5));
    if (!c->y.names && !c->y.bare)
        count = svg_ticks(&c->y, (int)(c->height / 36), ticks, &decimals);
    for (int i = 0; i < count; i++) {
        double y = svg_at_y(c, ticks[i]);
        svg_line_between(m, "grid", c->left, y, c->left + c->width, y);
        svg_label(m, c->left - 7, y + 4, "end", " class=\"soft\"", tick_text(&c->y, ticks[i], decimals, text), 40);
    }
    if (c->y.label) { /* above the axis, level: nobody turns his head */
        svg_label(m, c->y.names ? 4 : 2, 14, "start", "", c->y.label, (size_t)((c->left + c->width) / LETTER));
    }
}

/* ---- The frame ------------------------------------------------------------------------------------------------ */

void svg_open(struct svg_chart *c)
{
    struct markup *m = c->out;
    svg_mend_axis(&c->x);
    svg_mend_axis(&c->y);
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
    svg_number(m, " viewBox=\"0 0 ", total_width);
    svg_number(m, " ", c->total_height);
    svg_number(m, "\" width=\"", total_width);
    svg_number(m, "\" height=\"", c->total_height);
    markup_raw(m, "\"><title>");
    markup_text(m, c->title);
    markup_raw(m, "</title><desc>");
    markup_text(m, c->description);
    markup_raw(m, "</desc>");
    if (c->standalone) {
        markup_printf(m, "<style>%s</style>", svg_style());
        svg_number(m, "<rect class=\"paper\" width=\"", total_width);
        svg_number(m, "\" height=\"", c->total_height);
        markup_raw(m, "\"/>");
    }
    draw_x_axis(c);
    draw_y_axis(c);
    svg_number(m, "<rect class=\"box\" x=\"", c->left);
    svg_number(m, "\" y=\"", c->top);
    svg_number(m, "\" width=\"", c->width);
    svg_number(m, "\" height=\"", c->height);
    markup_raw(m, "\"/>");
}

void svg_path_begin(struct markup *m, const char *class, int series, bool dashed)
{
    const char *dash = dashes[shape_of(series)];
    markup_printf(m, "<path class=\"%s c%d\"", class, svg_colour(series));
    if (dashed && dash[0])
        markup_printf(m, " stroke-dasharray=\"%s\"", dash);
    markup_raw(m, " d=\"");
}

static void draw_entry(struct svg_chart *c, const struct svg_entry *entry, double y)
{
    struct markup *m = c->out;
    double left = 10, middle = y - 4, words = left + 36;
    if (entry->sign == SVG_SIGN_GUIDE)
        svg_line_between(m, "guide", left, middle, left + 28, middle);
    if (entry->sign == SVG_SIGN_RING) {
        markup_raw(m, "<path class=\"ring\" d=\"");
        svg_shape(m, left + 14, middle, 0, 6.5);
        markup_raw(m, "\"/>");
    }
    if (entry->sign == SVG_SIGN_LINE || entry->sign == SVG_SIGN_BOTH) {
        svg_path_begin(m, "l", entry->series, true);
        svg_number(m, "M", left);
        svg_number(m, " ", middle);
        markup_raw(m, "h28\"/>");
    }
    if (entry->sign == SVG_SIGN_MARK || entry->sign == SVG_SIGN_BOTH) {
        svg_path_begin(m, "m", entry->series, false);
        svg_shape(m, left + 14, middle, entry->series, 4.5);
        markup_raw(m, "\"/>");
    }
    if (entry->sign == SVG_SIGN_FILL) {
        svg_path_begin(m, "f", entry->series, false);
        svg_number(m, "M", left);
        svg_number(m, " ", middle - 5);
        markup_raw(m, "h28v10h-28z\"/>");
    }
    size_t room = (size_t)((c->left + c->width + c->right - words) / LETTER);
    size_t note = entry->note ? markup_characters(entry->note) + 2 : 0;
    svg_number(m, "<text x=\"", words);
    svg_number(m, "\" y=\"", y);
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
