/* dataset.h - a list of pictures with what is known of each: its class, its source, which of its pixels were made.
 * dataset_open finds them in any of the layouts of the public benchmarks (dataset_layout_at, docs/datasets.md) and in
 * lists. Where no benchmark is recognised, the names of folders tell:
 *
 *     real/ and ai/          0_real/ and 1_fake/ (CNNDetection)          nature/ and ai/ (GenImage)
 *
 * Each class folder holds pictures, or one folder per source (a generator, a camera, a set), at any depth. Such a pair
 * may lie at the root, or below any levels of folders (generator, object class), one of which may be train/, val/,
 * test/. Where the folders can be understood in more than one way nothing is guessed: the error lists what was
 * found. */
#ifndef ASSAY_DATA_DATASET_H
#define ASSAY_DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"

enum { LABEL_REAL = 0, LABEL_GENERATED = 1, LABEL_COUNT = 2 };

/* What is known of the pixels that were generated or altered. */
enum dataset_mask {
    MASK_NONE = 0, /* nothing */
    MASK_FILE = 1, /* a picture says: above 127 is altered */
    MASK_ZERO = 2, /* none of them was: a real picture */
    MASK_ONE = 3   /* all of them were: a wholly generated picture */
};

/* Where pictures of one class come from. In every layout the name begins with the generator (or, of real pictures, the
 * set they were taken from, or the generator that they are paired with), and where there is more to say goes on behind
 * a '/': the object class ("progan/airplane"), or the source of the real pictures that a benchmark compares it with
 * ("adm/lsun_bedroom" with "lsun_bedroom").
 *
 * Without a layout of its own the name is made of the first folder between the root and the class folder (but not
 * train/, val/, test/) and of the first folder inside the class folder, with a '/' between where there are both:
 * "Midjourney" for Midjourney/train/ai/x.png, "stylegan2/horse" for stylegan2/1_fake/horse/x.png, "kodak" for
 * val/real/kodak/x.png. Where there is neither: the name of the class folder. The same name in both classes makes two
 * sources. */
struct dataset_source {
    const char *name;
    int label;
    bool art;     /* real, and a folder in its name begins with "art-": made by people, but no photograph. Trained on
                     like any real source; figures that are balanced over sources leave it out */
    size_t count; /* pictures */
};

struct dataset_picture {
    const char *path; /* to open it */
    const char *name; /* relative to the root, points into path; any bytes but NUL */
    uint64_t bytes;   /* size of the file when it was found */
    uint32_t source;  /* index into sources */
    int label;        /* LABEL_REAL or LABEL_GENERATED */
    enum dataset_mask mask_kind;
    const char *mask;      /* MASK_FILE: to open it; else NULL */
    const char *mask_name; /* its name as `name` is one, points into mask; or NULL */
};

/* Everything is owned by the arena; immutable once made, so threads may share it. Picture indices stay below 2^32. */
struct dataset {
    struct arena arena;
    struct dataset_picture *pictures; /* sorted by the bytes of what the digest has as their path */
    size_t count;
    struct dataset_source *sources; /* sorted by label, then by the bytes of the name */
    size_t source_count;
    size_t label_count[LABEL_COUNT]; /* pictures of each class */
    const char *prefix[LABEL_COUNT]; /* what the digest puts before the names of each class: "", or "real/" and "ai/" */
    char digest[SHA256_TEXT];        /* see dataset_digest */
    const char *layout;              /* the name of the layout that it was read as; NULL from dataset_from_... */
    size_t skipped;                  /* pictures or rows that were found and left out */
    const char *skipped_first;       /* "NAME: why" of the first of them, or NULL */
};

/* ---- layouts --------------------------------------------------------------------------------------------------- */

struct dataset_layout {
    const char *name;    /* "forensynths", as --layout takes it */
    const char *title;   /* "ForenSynths (CNNDetection)" */
    const char *expects; /* the folders or the list that it is, in one line */
};

/* The index-th of them; NULL behind the last. */
const struct dataset_layout *dataset_layout_at(size_t index);

/* Reads the folder or list `root`. `layout` is a name from the table; NULL or "auto": the one that fits. Where none of
 * the benchmarks fits it is "folders", where two do that is an error that names them.
 * `split` ("train", "val" or "test") takes only what belongs to it, and is an error where nothing does; NULL takes
 * everything, and is an error where there is more than one split. A layout that is named but does not fit is an error
 * that says what is missing. */
assay_status dataset_open(const char *root, const char *layout, const char *split, struct dataset *out,
                          struct assay_error *error);

/* Which splits there are, for the same arguments: a combination of SPLIT_ bits, 0 where pictures belong to none. */
assay_status dataset_open_splits(const char *root, const char *layout, unsigned *splits, struct assay_error *error);

/* ---- folders, by their names alone ------------------------------------------------------------------------------ */

/* Finds the class folders below `root`. `split` ("train", "val" or "test") takes only what lies below folders of that
 * name, and is an error where there are none; NULL takes everything, and is an error where there is more than one
 * split. Errors: a class folder without its partner; two namings at one level; pictures outside class folders, beside
 * or above them; class folders inside class folders; both classes in one place; a class without pictures; an unreadable
 * folder. Each lists the folders concerned and says how to be explicit (--real DIR --ai DIR). */
assay_status dataset_from_folder(const char *root, const char *split, struct dataset *out, struct assay_error *error);

/* Explicitly: everything below `real` is real and everything below `generated` is generated. A source is the first
 * folder below, or the folder's own name. Either may be NULL, for a dataset of one class. */
assay_status dataset_from_folders(const char *real, const char *generated, struct dataset *out,
                                  struct assay_error *error);

/* Which splits `root` has, without reading its pictures: a combination of these bits (0: none). */
enum { SPLIT_TRAIN = 1, SPLIT_VAL = 2, SPLIT_TEST = 4 };
assay_status dataset_splits(const char *root, unsigned *splits, struct assay_error *error);

/* Divides a dataset that has no splits of its own: of each source round(share * count) pictures, drawn by the seed, go
 * to `held` and the others to `kept`; each gets a digest of its own. 0 < share < 1. Generators are then the same on
 * both sides, and so are pictures cut from one original: figures from `held` say nothing about unseen generators. A
 * class of which one side would get no picture is an error. */
assay_status dataset_hold_out(const struct dataset *from, double share, uint64_t seed, struct dataset *kept,
                              struct dataset *held, struct assay_error *error);

void dataset_free(struct dataset *dataset); /* a zeroed one is fine; zeroes it */

/* "real" or "ai-generated", as verdicts say it. */
const char *dataset_label_text(int label);

/* The digest is SHA-256, in hexadecimal, over the pictures in order: the label as one byte, the file's size as 8 bytes
 * (little-endian), the relative path and its NUL. dataset_from_folders puts "real/" or "ai/" before the path. Of a
 * picture with a mask (any but MASK_NONE) there follow the bytes 2 and mask_kind, and of a MASK_FILE the mask's
 * relative path and its NUL. Contents are left out: reading them all takes too long for what it tells. Computed
 * whenever a dataset is made. */

#endif
