/* report.h - verdicts on standard output: a table for people, JSON lines and CSV for programs. */
#ifndef ASSAY_CLI_REPORT_H
#define ASSAY_CLI_REPORT_H

#include <stdbool.h>

#include "detector/model.h"
#include "provenance/finding.h"

enum report_format { REPORT_TABLE, REPORT_JSON, REPORT_CSV };

/* `detector` must outlive the report. */
struct report {
    enum report_format format;
    const char *detector;
    bool provenance; /* there are columns for what the files say */
    bool colour;
    bool reasons; /* the table has a line more for each verdict, with what it stands on */
    bool headed;  /* the heading was written */
    bool lost;    /* there was no memory for a line */
};

/* Colours only on a terminal, and not where NO_COLOR is set or TERM is "dumb". */
void report_begin(struct report *report, enum report_format format, const char *detector, bool provenance);

/* `finding`: what the file says of itself; NULL: it is not known. */
void report_verdict(struct report *report, const char *file, const struct model_verdict *told,
                    const struct finding *finding);

/* What could not be judged: in JSON and CSV a line of its own; in the table one where the file says something of itself
 * (`finding`, which may be NULL), otherwise nothing: standard error has it. */
void report_failure(struct report *report, const char *file, const char *message, const struct finding *finding);

#endif
