/* discover.h - finding class folders by their names, for layouts that consist of them. */
#ifndef ASSAY_DATA_DISCOVER_H
#define ASSAY_DATA_DISCOVER_H

#include <stdbool.h>

#include "data/dataset_build.h"

/* Names of class folders, as bits. */
enum { CLASS_REAL = 1, CLASS_AI = 2, CLASS_0_REAL = 4, CLASS_1_FAKE = 8, CLASS_NATURE = 16, CLASS_ALL = 31 };

/* How a layout differs from plain class folders. */
struct discover_style {
    unsigned classes;                             /* the names that it has; others are an error */
    const char *(*generator)(const char *folder); /* renames a source's first folder; NULL: its name is kept */
    bool levels;                                  /* sources bear all folders above the class folder, not the first */
    bool inside;                                  /* ... and the first folder inside it */
    const char *instead;                          /* the source where there is none; NULL: the class folder's name */
};

/* Adds what lies below `root` to the builder, as dataset_from_folder does; NULL: only finds out which splits there are
 * (SPLIT_ bits), and checks nothing. `wanted`: the bit of a split, or 0. */
assay_status discover_classes(const char *root, unsigned wanted, const struct discover_style *style,
                              struct dataset_builder *builder, unsigned *splits, struct assay_error *error);

/* The bit of "train", "val" or "test"; 0 for any other name. */
unsigned split_bit(const char *name);

/* "train/, val/" for messages. Returns `text`. */
const char *split_names_text(unsigned splits, char *text, size_t size);

/* One class must not lie in the other: its pictures would be both. An error if it does. */
assay_status discover_apart(const char *real, const char *generated, struct assay_error *error);

#endif
