/* layout.h - what a reader of a layout gets and must do. Inside src/data/layouts/ alone.
 *
 * A layout is two functions. One looks at a few names of folders and says whether this is it. The other is called
 * twice: first without a builder, only to say which splits there are, then to add the pictures. */
#ifndef ASSAY_DATA_LAYOUTS_LAYOUT_H
#define ASSAY_DATA_LAYOUTS_LAYOUT_H

#include "base/array.h"
#include "data/dataset_build.h"
#include "data/discover.h"
#include "data/walk.h"

struct layout_job {
    const char *root;                /* as it was given, without slashes at its end */
    bool is_file;                    /* it is a list */
    const char *name;                /* of the layout that reads it; NULL while none is chosen */
    unsigned wanted;                 /* SPLIT_ bit, or 0 */
    unsigned splits;                 /* met so far */
    bool any_class;                  /* a reader sets it: one class may be missing */
    struct dataset_builder *builder; /* NULL: only splits are asked for */
    struct arena arena;
    struct array taken; /* of struct taken_folder */
    size_t skipped;
    char skipped_first[512]; /* "NAME: why" */
};

typedef assay_status layout_fits(struct layout_job *job, bool *fits, struct assay_error *error); /* *fits is false */
typedef assay_status layout_read(struct layout_job *job, struct assay_error *error);

struct layout {
    struct dataset_layout about;
    enum { TAKES_FOLDER, TAKES_FILE, TAKES_BOTH } takes; /* what may be recognised as this */
    layout_fits *fits;
    layout_read *read;
};

/* ---- the families ---------------------------------------------------------------------------------------------- */

/* pairs.c: class folders, whose benchmark is told by the generators' names */
layout_fits forensynths_fits, aigcdetect_fits, genimage_fits, chameleon_fits;
layout_read forensynths_read, aigcdetect_read, genimage_read, chameleon_read;

/* shared.c: one folder per generator, real pictures that several are compared with */
layout_fits univfd_fits, drct_fits, cospy_fits, diffusionforensics_fits, synris_fits;
layout_read univfd_read, drct_read, cospy_read, diffusionforensics_read, synris_read;

/* masks.c: pictures with masks beside them */
layout_fits opensdid_fits, imdlbenco_fits;
layout_read opensdid_read, imdlbenco_read;

/* lists.c */
layout_fits csv_fits, json_fits, text_fits;
layout_read csv_read, json_read, text_read, list_pairs_read;
bool lists_has_pairs(const struct layout_job *job); /* a JSON list of [picture, mask] */

/* ---- common.c: tools for readers ------------------------------------------------------------------------------- */

/* Folders are named relative to the root, "" being the root itself. */

/* printf into the job's arena; NULL without memory. */
char *layout_text(struct layout_job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether there is such a folder. */
bool layout_has(struct layout_job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "ROOT: not laid out as NAME: ..." Returns the status. */
assay_status layout_missing(struct layout_job *job, struct assay_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Counts what was found and left out. */
void layout_skip(struct layout_job *job, size_t count, const char *name, const char *why);

/* Notes a split, and says whether it is to be read. */
bool layout_wants(struct layout_job *job, unsigned split);

/* The entries of a folder. Pictures that lie in it directly are skipped: they are of unknown class there. */
assay_status layout_list(struct layout_job *job, const char *folder, struct folder *out, struct assay_error *error);

/* Where a benchmark may begin: at the root, or in each of its split folders. */
struct layout_bases {
    char folder[3][80]; /* relative: "", or "train", ... */
    unsigned split[3];  /* its bit, or 0 */
    size_t count;
};
struct layout_bases layout_bases(struct layout_job *job, const char *below); /* below: "" or a folder of the root */

/* All pictures below a folder. */
struct layout_take {
    const char *folder;
    int label;
    const char *source;
    const char *within;          /* only what lies in a folder of that name, below `folder`; the rest is skipped */
    enum dataset_mask mask_kind; /* but MASK_FILE */
};

/* Adds them; without a builder does nothing. None at all is an error. */
assay_status layout_take(struct layout_job *job, const struct layout_take *take, struct assay_error *error);

/* Notes a folder of a class, that layout_check_apart will compare with those of the other class. */
assay_status layout_taken(struct layout_job *job, int label, const char *folder, struct assay_error *error);
assay_status layout_check_apart(struct layout_job *job, struct assay_error *error);

/* Whether a name is in a list that ends with NULL. */
bool layout_known(const char *const *names, const char *name);

#endif
