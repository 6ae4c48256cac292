/* svg_parts.h - what the files of svg.h share. Places are in pixels of the chart, rounded to a tenth when written. */
#ifndef ASSAY_EVAL_REPORT_SVG_PARTS_H
#define ASSAY_EVAL_REPORT_SVG_PARTS_H

#include "eval/report/svg.h"

/* Makes ends of an axis that cannot be drawn into some that can: finite, apart, above 0 on a logarithmic one. */
void svg_mend_axis(struct svg_axis *axis);

/* Where a value lies; beyond the ends of its axis, at the end. */
double svg_at_x(const struct svg_chart *c, double x);
double svg_at_y(const struct svg_chart *c, double y);

int svg_colour(int series); /* the number of its class: "c3" */

/* Raw text, then a number. */
void svg_number(struct markup *m, const char *before, double value);

/* <text>, anchored; `class`: as an attribute with a blank before it, or "". */
void svg_label(struct markup *m, double x, double y, const char *anchor, const char *class, const char *words,
               size_t characters);

void svg_line_between(struct markup *m, const char *class, double x0, double y0, double x1, double y1);

/* <path ... d=", to be ended by "/>. */
void svg_path_begin(struct markup *m, const char *class, int series, bool dashed);

/* The mark of a series around a place, as a closed path. */
void svg_shape(struct markup *m, double x, double y, int series, double r);

#endif
