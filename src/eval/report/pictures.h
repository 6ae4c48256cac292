/* pictures.h - the pictures that a report lists. */
#ifndef ASSAY_EVAL_REPORT_PICTURES_H
#define ASSAY_EVAL_REPORT_PICTURES_H

#include "eval/report/plots.h"

/* Appends a list for each set, model and kind of choice. */
void report_write_pictures(struct report *report, const struct report_choices *choices, struct markup *out);

#endif
