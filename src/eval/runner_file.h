/* runner_file.h - the file that a run writes: opened, locked, checked against the job and cut back to whole pictures
 * when the run is resumed. For runner.c and results.c alone. */
#ifndef ASSAY_EVAL_RUNNER_FILE_H
#define ASSAY_EVAL_RUNNER_FILE_H

#include "base/array.h"
#include "eval/prediction.h"
#include "eval/runner.h"

struct runner_file {
    int fd; /* -1: not open */
    const char *path;
    double synced; /* when it was last brought to the disk */
};

/* `done`: pictures, of all sets, that are in the file. It is left open (and locked) only on success. */
assay_status runner_file_open(const struct runner_job *job, struct runner_file *out, uint64_t *done,
                              struct assay_error *error);

/* Appends whole lines. What was written more than some seconds ago is on the disk, not only with the system. */
assay_status runner_file_append(struct runner_file *file, const struct array *text, struct assay_error *error);

/* Brings everything to the disk and closes; nothing where it is not open. */
assay_status runner_file_close(struct runner_file *file, struct assay_error *error);

/* Which prediction a line is. */
struct runner_place {
    size_t set, picture, perturbation, model;
};

/* `before`: what lies before the line. */
typedef assay_status runner_visit(void *context, const struct runner_place *place,
                                  const struct predictions_extent *before, const struct prediction *prediction,
                                  struct assay_error *error);

/* Reads the job's file. Each line must be the one that the job has in that place; `end` is the place behind the last
 * (set == set_count: the file is whole). */
assay_status runner_file_scan(const struct runner_job *job, runner_visit *visit, void *context,
                              struct runner_place *end, struct predictions_extent *extent, struct assay_error *error);

#endif
