/* prediction.h - what one model says of one picture under one perturbation, and the file that holds them: a JSON object
 * a line, in the order in which they were made. Everything that is told of a run (tables, curves, the report) can be
 * made from this file. */
#ifndef ASSAY_EVAL_PREDICTION_H
#define ASSAY_EVAL_PREDICTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/error.h"

struct prediction {
    const char *model;        /* name of the model in this run */
    const char *set;          /* name of the data set in this run */
    const char *perturbation; /* text of the chain, "" for none */
    const char *picture;      /* path relative to the set's root; any bytes, as all names here */
    const char *source;       /* the generator, the camera: as struct dataset_source.name */
    int label;                /* LABEL_REAL, LABEL_GENERATED */
    bool art;                 /* reported apart, as struct dataset_source.art */
    bool readable;            /* it was judged */
    const char *problem;      /* where it was not: why; then nothing below holds. Else NULL */
    int width, height;        /* pixels, as decoded, before any perturbation */
    uint64_t bytes;           /* of the file */
    double logit;             /* finite */
    double probability;       /* 0 to 1 */
    assay_verdict verdict;
};

/* Appends the line of a prediction and its newline to `text`, an array of char. Numbers have all their digits: reading
 * gives the same bits. Fails for lack of memory alone, or (ARGUMENT) where the prediction is not one. */
assay_status prediction_write(const struct prediction *prediction, struct array *text, struct assay_error *error);

/* Reads a line (without its newline, `length` bytes). Texts are copied into the arena. Refused, with `where` ("FILE,
 * line 7") before the reason: what is not JSON, unknown, missing or repeated keys, values of another type or out of
 * range. */
assay_status prediction_read(const char *line, size_t length, const char *where, struct arena *arena,
                             struct prediction *out, struct assay_error *error);

/* How much of a file was read. */
struct predictions_extent {
    uint64_t count; /* of whole lines */
    uint64_t bytes; /* that they take; what lies behind them is a torn last line */
    bool torn;      /* there is one: text without a newline at the end, as an interrupted run may leave it */
};

/* Called for each line in turn; what `prediction` points to is gone when it returns. A failure ends the reading. */
typedef assay_status prediction_visit(void *context, const struct prediction *prediction, struct assay_error *error);

/* Reads a file line by line, in constant memory. A torn last line is passed over and told; damage anywhere else is an
 * error. `extent` may be NULL. */
assay_status predictions_scan(const char *path, prediction_visit *visit, void *context,
                              struct predictions_extent *extent, struct assay_error *error);

/* A whole file. Names that occur again are held once. Free it with predictions_free (a zeroed one is fine). */
struct predictions {
    struct arena arena;
    struct prediction *items; /* in the order of the file */
    size_t count;
    struct predictions_extent extent;
};

assay_status predictions_load(const char *path, struct predictions *out, struct assay_error *error);

/* Those of a file that are to be kept. */
typedef bool prediction_wanted(void *context, const struct prediction *prediction);
assay_status predictions_load_where(const char *path, prediction_wanted *wanted, void *context, struct predictions *out,
                                    struct assay_error *error);
void predictions_free(struct predictions *predictions);

#endif
