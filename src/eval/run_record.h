/* run_record.h - run.json: what was run on what, and with what. It is written when a run begins, and compared when the
 * run is taken up again or another is about to be written into its folder. */
#ifndef ASSAY_EVAL_RUN_RECORD_H
#define ASSAY_EVAL_RUN_RECORD_H

#include <jansson.h>

#include "eval/evaluation.h"

/* {"format", "settings", "where", "environment", "command"}; NULL: no memory. The caller's reference.
 * "settings" decides the results: models by SHA-256, sets by digest with layout and protocol, perturbations, options.
 * "where" are the paths as they were given. "environment": versions, instruction set, threads. */
json_t *run_record_of(const struct evaluation *evaluation, const char *command);

/* A record from a file; NULL in *out where there is none. */
assay_status run_record_read(const char *path, json_t **out, struct assay_error *error);
assay_status run_record_write(const json_t *record, const char *path, struct assay_error *error);

/* Refuses other settings, naming the first that differs and both values. Another environment is no error: results are
 * then no longer the same bit for bit. The first that differs is told in `note` (empty: none). */
enum { RUN_RECORD_NOTE = 256 };
assay_status run_record_compare(const json_t *then, const json_t *now, const char *path, char note[RUN_RECORD_NOTE],
                                struct assay_error *error);

#endif
