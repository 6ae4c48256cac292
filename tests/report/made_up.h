/* made_up.h - a run that never was: models, sets and perturbations with scores drawn by a seed, names of all kinds. */
#ifndef ASSAY_TESTS_REPORT_MADE_UP_H
#define ASSAY_TESTS_REPORT_MADE_UP_H

#include "eval/report/report.h"

enum { MADE_MODELS = 3, MADE_SETS = 2, MADE_SOURCES = 7, MADE_PICTURES = 24, MADE_CHAINS = 9 };

/* Everything a report takes; `input` points into it. */
struct made_up {
    struct arena arena;
    struct report_input input;
};

/* `hostile`: names are markup, no UTF-8, and very long. `seed`: of the scores. */
struct made_up made_up_run(bool hostile, unsigned seed);
void made_up_free(struct made_up *made);

#endif
