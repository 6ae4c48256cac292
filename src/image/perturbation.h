/* perturbation.h - perturbations named by text, so that a command line, a table of sweeps and a line of results mean
 * the same by the same words:
 *
 *     jpeg:75                     one step with its value
 *     resize:0.5+jpeg:70          steps one after the other
 *     jpeg:10..75                 a value drawn for each picture, evenly between both, which are included
 *     noise:5..20@0.5             taken with that probability
 *     blur:1|jpeg:50@0.5          one of these, all equally likely; the probability is that of any being taken
 *
 * The empty text, or "none", changes nothing. perturbation_kinds lists the steps. What is drawn for a picture depends
 * on the seed, the chain and the picture's name alone, so neither threads nor order nor machine matter. */
#ifndef ASSAY_IMAGE_PERTURBATION_H
#define ASSAY_IMAGE_PERTURBATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/image.h"

enum {
    PERTURBATION_STEPS = 16,  /* in one chain, alternatives counted */
    PERTURBATION_TEXT = 512,  /* bytes of a chain's text, its NUL included */
    PERTURBATION_UNIT = 10000 /* values are kept as whole ten-thousandths: four decimals, read and written exactly */
};

/* What a step can be. */
struct perturbation_kind {
    const char *name;  /* "jpeg" */
    int64_t min, max;  /* the value, in units */
    int64_t grid;      /* the value less `min` is a multiple of it, in units */
    const char *value; /* what the value is: "quality" */
    const char *help;  /* one line */
    assay_status (*apply)(const struct image *from, double value, uint64_t seed, struct image *out,
                          struct assay_error *error);
};

/* All of them; ends with an entry whose name is NULL. */
const struct perturbation_kind *perturbation_kinds(void);

struct perturbation_step {
    const struct perturbation_kind *kind;
    int64_t low, high;   /* the value, in units; drawn where they differ */
    int64_t probability; /* in units; the same in all alternatives */
    bool alternative;    /* instead of the step before it */
};

struct perturbation {
    struct perturbation_step steps[PERTURBATION_STEPS];
    int count;
    char text[PERTURBATION_TEXT]; /* canonical: "" where there are no steps; the same text for the same meaning */
};

/* Reads a chain. Errors name the chain, the part of it that is wrong and why; an unknown step lists the known ones with
 * their ranges. */
assay_status perturbation_parse(const char *text, struct perturbation *out, struct assay_error *error);

/* Applies a chain to a picture known by `name` (its path relative to its set, so that it is the same everywhere). */
assay_status perturbation_apply(const struct perturbation *chain, uint64_t seed, const char *name,
                                const struct image *from, struct image *out, struct assay_error *error);

/* The same for one picture, with everything drawn: what perturbation_apply does to it. */
void perturbation_draw(const struct perturbation *chain, uint64_t seed, const char *name, struct perturbation *drawn);

/* A kind's range as text, "1..100" or "3..31 (odd)"; returns `text`. */
const char *perturbation_range(const struct perturbation_kind *kind, char *text, size_t size);

#endif
