/* check.h - everything that is to be said about a data set before one trusts figures from it: what its files are, what
 * is there twice, and whether the files' own properties give the classes away. */
#ifndef ASSAY_DATA_CHECK_CHECK_H
#define ASSAY_DATA_CHECK_CHECK_H

#include <jansson.h>

#include "base/array.h"
#include "data/check/duplicates.h"
#include "data/check/rule.h"

struct check_warning {
    const char *code; /* "leak", "equal-other-class", "equal-other-split", "near-other-split", "unreadable" */
    char text[320];   /* a sentence with the figure */
};

/* What the values of a feature are in one class. */
struct check_spread {
    size_t count;
    double least, low, median, high, most; /* low and high: 5 and 95 % */
};

struct check {
    const struct scan *scan;
    struct duplicates duplicates;
    struct feature_result features[FEATURE_COUNT];
    struct check_spread spread[FEATURE_COUNT][LABEL_COUNT]; /* not of categories */
    struct array warnings;                                  /* of struct check_warning */
};

/* Of a scan that was read. `distance`: see duplicates_find. Free it with check_free (a zeroed one is fine). */
assay_status check_run(const struct scan *scan, int distance, struct check *out, struct assay_error *error);
void check_free(struct check *check);

/* Whether a feature's best rule deserves a warning. */
bool check_feature_leaks(const struct feature_result *result);

/* ---- check_text.c, check_json.c ---------------------------------------------------------------------------------- */

/* Writes text as it may be shown on a terminal (the command has such a function). */
typedef void check_print_text(FILE *stream, const char *text);

/* The report for a person; at most `list` pictures of each kind of finding are named. */
void check_write_text(const struct check *check, size_t list, check_print_text *print, FILE *stream);

/* All facts, as one object; each picture's facts last, one a line. Errors: no memory. */
assay_status check_write_json(const struct check *check, FILE *stream, struct assay_error *error);

/* How many pictures of a class have a value of a category. */
size_t check_category_count(const struct scan *scan, enum feature feature, double value, int label);

/* The highest value that a category has: values are 0 up to it. */
enum { CHECK_CATEGORY_MOST = METADATA_ALL };

#endif
