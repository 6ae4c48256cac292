/* jpeg_tables.h - which program's quantisation tables a JPEG has. Tables are a hint, not a proof: whoever wants to can
 * write any. Known are libjpeg's (T.81's, scaled), those that mozjpeg offers, and Photoshop's as far as they are
 * published. Cameras have tables of their own by the thousand, of which there is no list that could be used here: they
 * are "unknown". */
#ifndef ASSAY_PROVENANCE_JPEG_TABLES_H
#define ASSAY_PROVENANCE_JPEG_TABLES_H

#include "image/jpeg_header.h"

struct jpeg_tables {
    const char *writer;  /* "libjpeg", "Adobe Photoshop", "mozjpeg"; NULL: unknown, or there are none */
    const char *setting; /* "Save for Web, high", "Robidoux"; "" where there is only a quality */
    int quality;         /* of libjpeg and mozjpeg, 1 to 100; 0 otherwise */
    int colour_quality;  /* the same, unless brightness and colour were given two qualities */
};

struct jpeg_tables jpeg_tables_identify(const struct jpeg_header *header);

#endif
