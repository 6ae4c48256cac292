/* protocol.h - how a benchmark is evaluated: which pictures count, what is done to them first, which real pictures
 * stand against which generated ones, at which threshold, and over what the mean is taken. One protocol for each
 * public benchmark as its authors evaluate it, and ours, "assay", for everything else. They are data:
 * protocol_table.c.
 *
 *     protocol_select       before a run: which pictures of a dataset to judge
 *     protocol_summarise    after it: predictions to a table of rows (one per generator) and means
 *     protocol_compare      two detectors on the same pictures
 *
 * All divide pictures into rows, and sub-sample within each, by the same pure function of (protocol, seed, source,
 * name, label); so the table can be made from a file of predictions alone. */
#ifndef ASSAY_EVAL_PROTOCOL_H
#define ASSAY_EVAL_PROTOCOL_H

#include <jansson.h>

#include "base/arena.h"
#include "data/dataset.h"
#include "eval/metrics_bootstrap.h"
#include "eval/metrics_mcnemar.h"
#include "eval/prediction.h"

/* What makes a row of the table. A source's name is "generator" or "generator/detail" (dataset.h), where the detail
 * is an object class ("progan/airplane") or the set of real pictures that it is compared with ("some-model/mscoco"). */
enum protocol_rows {
    PROTOCOL_ROWS_ONE,       /* everything is one row, "all" */
    PROTOCOL_ROWS_GENERATOR, /* generated sources of one generator */
    PROTOCOL_ROWS_SOURCE     /* each generated source */
};

/* Which real pictures stand in a row. */
enum protocol_reals {
    PROTOCOL_REALS_OWN,    /* those named as the row is: of a row of sources by the whole name, else by the generator */
    PROTOCOL_REALS_DETAIL, /* those whose source is named as the row's detail, or begins with that and '/' */
    PROTOCOL_REALS_SHARED, /* all real pictures, in every row */
    PROTOCOL_REALS_PAIRED  /* by the protocol's table of pairs; generators that are not in it have their own */
};

struct protocol_pair {
    const char *generated, *real; /* first parts of the sources' names */
};

/* Sub-sampling within a row, n real and m generated pictures. */
enum protocol_sampling {
    PROTOCOL_TAKE_ALL,
    PROTOCOL_TAKE_UNIVFD, /* max_per_class drawn by the seed of each class; if n or m is less: `fallback` of each. Where
                             the classes then still differ in number, the authors' script stops, and so does this */
    PROTOCOL_TAKE_FIRST   /* the first min(max_per_class, n, m) of each class by name */
};

/* Which files count by their names. */
enum protocol_names {
    PROTOCOL_NAMES_ANY,
    PROTOCOL_NAMES_UNIVFD, /* what follows the first dot, up to the next, is one of png jpg JPEG jpeg bmp: a name with
                              two dots is dropped, and so is .PNG or .webp */
    PROTOCOL_NAMES_COSPY   /* generated pictures end in .png */
};

enum protocol_threshold {
    PROTOCOL_AT_HALF,     /* probability strictly above 1/2, uncalibrated */
    PROTOCOL_BEST_UNIVFD, /* chosen on the test set, optimistic: see metrics_threshold.h */
    PROTOCOL_BEST_LARE,
    PROTOCOL_BY_VERDICT /* the calibrated verdict; uncertain is not right */
};

enum protocol_mean {
    PROTOCOL_MEAN_ROWS,    /* every row counts the same */
    PROTOCOL_MEAN_GROUPS,  /* first over the rows of a generator, then over the generators */
    PROTOCOL_MEAN_SOURCES, /* one pool, in which both classes weigh one half and the sources of a class the same */
    PROTOCOL_MEAN_NONE     /* there is but one row */
};

enum { PROTOCOL_SHOWN = 6 };

struct protocol {
    const char *name;         /* "univfd" */
    const char *title;        /* "UnivFD (Ojha, Li and Lee, 2023)" */
    const char *layouts;      /* names of the dataset layouts whose protocol this is, with blanks between; "" */
    const char *follows;      /* what the rules were taken from */
    const char *notes;        /* where it departs from that, and what else to know; "" */
    const char *perturbation; /* chain that both classes go through before the model's preprocessing: "jpeg:95"; "" */
    enum protocol_rows rows;
    enum protocol_reals reals;
    const struct protocol_pair *pairs; /* ends with a NULL name; or NULL */
    enum protocol_sampling sampling;
    uint32_t max_per_class, fallback;
    enum protocol_names names;
    enum protocol_threshold threshold;
    enum protocol_mean mean;
    bool art_apart;    /* art has rows of its own and stands in no other, unless there are no other real pictures; else
                       it is real like any */
    bool balanced;     /* within a row both classes weigh one half, sources of a class the same; else pictures count
                       the same */
    bool real_rows;    /* real sources have rows of their own */
    bool any_class;    /* a row may lack a class; else that is an error */
    const char *order; /* generators as the authors list them, with blanks between; others follow, sorted */
    int shown[PROTOCOL_SHOWN]; /* the figures that the authors give, of enum metrics_figure, the first one leading; the
                                  rest are -1 */
};

/* All of them; "assay" is the first. */
const struct protocol *protocol_list(size_t *count);

/* By name, whatever the case and whether '-', '_' or ' '; NULL: there is none. */
const struct protocol *protocol_find(const char *name);

/* The same, with an error that names the nearest ones. */
assay_status protocol_named(const char *name, const struct protocol **out, struct assay_error *error);

/* The protocol of a dataset layout (compared likewise); "assay" where none claims it. Never NULL. */
const struct protocol *protocol_for_layout(const char *layout);

/* The figure that leads a table under this protocol: that of its threshold rule, or the first shown. */
enum metrics_figure protocol_leading(const struct protocol *protocol);

/* All of its rules, for a run's record; NULL: no memory. The caller's reference. */
json_t *protocol_to_json(const struct protocol *protocol);

/* Why a picture of a dataset is judged or not. */
enum protocol_choice {
    PROTOCOL_TAKEN,
    PROTOCOL_LEFT_BY_NAME,     /* the names rule */
    PROTOCOL_LEFT_BY_SAMPLING, /* not drawn, in any row */
    PROTOCOL_LEFT_WITHOUT_ROW, /* it stands against nothing: a real folder without a generator, say */
    PROTOCOL_CHOICES
};

struct protocol_selection {
    uint32_t *pictures; /* indices into the dataset, rising */
    size_t count;
    uint8_t *choice;               /* of each picture of the dataset */
    size_t left[PROTOCOL_CHOICES]; /* how many of each choice, for the run's record: nothing is dropped silently */
};

/* Which pictures count. Fails where a row has no picture of a class that its protocol needs, or (UnivFD) unequal
 * numbers: the message names the row, and the counts. "assay" takes whatever there is. */
assay_status protocol_select(const struct protocol *protocol, const struct dataset *dataset, uint64_t seed,
                             struct protocol_selection *out, struct assay_error *error);
void protocol_selection_free(struct protocol_selection *selection); /* a zeroed one is fine */

enum protocol_row_kind {
    PROTOCOL_ROW_GENERATED, /* a generator, or one of its sources, or everything, against real pictures */
    PROTOCOL_ROW_REAL,      /* a real source by itself */
    PROTOCOL_ROW_ART,       /* likewise, of art */
    PROTOCOL_ROW_GROUP,     /* mean over the rows of one generator */
    PROTOCOL_ROW_MEAN       /* the last: over all */
};

struct protocol_row {
    enum protocol_row_kind kind;
    const char *name;                /* "stylegan2", "some-model/mscoco", "progan/airplane"; "mean" */
    const char *group;               /* its generator, where rows are sources; else "" */
    const char *reals;               /* what stands against it, for a person: "laion", "all real" */
    size_t judged[2], unreadable[2]; /* real and generated pictures that count; those that could not be read besides */
    struct metrics_figures figures;  /* NaN where the row does not define one; a mean is NaN where one of its rows is */
    struct metrics_interval interval[FIGURE_COUNT]; /* NaN where not asked for or undefined */
};

struct protocol_table {
    struct arena arena;
    const struct protocol *protocol;
    struct protocol_row *rows; /* generated, real, art, groups, mean: in this order */
    size_t count;
    size_t unreadable;  /* pictures that count but could not be read, each once */
    size_t passed_over; /* predictions that do not count under this protocol */
};

struct protocol_options {
    uint64_t seed;       /* of protocol_select, for the same rows */
    uint32_t replicates; /* of the bootstrap; 0: no intervals */
    uint64_t bootstrap_seed;
};

/* The table of one model on one set under one perturbation: `predictions` are all of these, in any order. A picture
 * that was not readable counts in `unreadable` and in no figure. NULL options: zeroes. */
assay_status protocol_summarise(const struct protocol *protocol, const struct prediction *predictions, size_t count,
                                const struct protocol_options *options, struct protocol_table *out,
                                struct assay_error *error);
void protocol_table_free(struct protocol_table *table); /* a zeroed one is fine */

/* Two detectors on the same pictures. */
struct protocol_comparison {
    struct metrics_mcnemar test;
    size_t pictures; /* that count and that both judged */
    size_t left_out; /* that count for the first, but that one of the two did not judge */
};

/* McNemar's test on the pictures that stand in some row of the protocol, each once, whatever rows it is in. Right is
 * what the verdict says where the protocol goes by verdicts and the model has any, else what the logit says at 0: a
 * threshold chosen on the test set has no place in a test. Pictures are the same if class and name are. */
assay_status protocol_compare(const struct protocol *protocol, const struct prediction *first, size_t first_count,
                              const struct prediction *second, size_t second_count, uint64_t seed,
                              struct protocol_comparison *out, struct assay_error *error);

#endif
