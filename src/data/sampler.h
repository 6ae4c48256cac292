/* sampler.h - which picture comes k-th in training: a pure function of (dataset, options, seed, k), so that resuming
 * needs nothing but the position.
 *
 * Even positions are real, odd ones generated: every batch of even size is half and half. Within a class time is cut
 * into rounds. In a round each source has a fixed number of turns, in proportion to (its pictures)^power and at least
 * one, in an order shuffled anew for each round. A source hands out all its pictures once, in shuffled order, before
 * any of them comes again. */
#ifndef ASSAY_DATA_SAMPLER_H
#define ASSAY_DATA_SAMPLER_H

#include "base/option.h"
#include "data/dataset.h"

struct sampler_options {
    double source_power; /* "source-power": 0: all sources equally often; 1: all pictures equally often */
};

extern const struct option sampler_option_table[];

struct sampler; /* caches the present round and shuffles: not for several threads at once */

/* The dataset must outlive the sampler and have pictures of both classes. `options` may be NULL (defaults). */
assay_status sampler_create(const struct dataset *dataset, const struct sampler_options *options, uint64_t seed,
                            struct sampler **out, struct assay_error *error);
void sampler_free(struct sampler *sampler); /* NULL is fine */

/* The picture at a position: an index into dataset->pictures. Any order is allowed; steps forward are cheap (constant
 * time on average). Never fails. */
uint32_t sampler_at(struct sampler *sampler, uint64_t position);

/* How often source `index` of the dataset comes up among pictures of its class, on average: 0 to 1. */
double sampler_share(const struct sampler *sampler, size_t index);

#endif
