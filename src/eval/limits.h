/* limits.h - from which size and JPEG quality on a model does better than chance, by the sweeps of a finished run. */
#ifndef ASSAY_EVAL_LIMITS_H
#define ASSAY_EVAL_LIMITS_H

#include "eval/metrics_bootstrap.h"
#include "eval/run_folder.h"

struct limits_options {
    double margin;       /* the lower end of the 95 % interval of the AUROC must be above 1/2 by more than this */
    uint64_t seed;       /* of the bootstrap */
    uint32_t replicates; /* of it */
};

enum limits_axis { LIMITS_SIDE, LIMITS_QUALITY, LIMITS_AXES };

/* Pictures alike in one respect. */
struct limits_point {
    enum limits_axis axis;
    int from, to;       /* shorter side, pixels, both included; or twice the quality */
    size_t pictures[2]; /* real, generated */
    size_t sources[2];
    bool judged; /* enough of both classes; else nothing below is known */
    double auroc;
    struct metrics_interval interval;
    bool better; /* than chance */
};

struct limits_found {
    struct limits_point *points; /* by axis, then rising */
    size_t count;
    struct verdict_limits limits;
};

/* At least so many pictures of at least so many sources of each class make a point that is judged. */
enum { LIMITS_MIN_PICTURES = 20, LIMITS_MIN_SOURCES = 2 };

/* Sides: pictures as they are, and those that `resize` or `crop` alone has made smaller, in bins that begin at 1, 16,
 * 24, 32, 48, 64, 96, ... pixels. Qualities: pictures under `jpeg` alone. Art is left out; both classes weigh the same,
 * and within them every source. The limit of an axis is the lowest point that is better than chance: what lies below
 * was found no better, or was not measured. No point of an axis judged: no limit. Errors: no point was judged at all,
 * or an axis has none that is better than chance. */
assay_status limits_find(const struct run_folder *run, const struct limits_options *options, struct limits_found *out,
                         struct assay_error *error);
void limits_found_free(struct limits_found *found); /* a zeroed one is fine */

#endif
