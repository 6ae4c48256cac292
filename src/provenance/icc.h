/* icc.h - what an ICC profile (ICC.1:2010) says of itself: its name above all. The colours are not looked at. */
#ifndef ASSAY_PROVENANCE_ICC_H
#define ASSAY_PROVENANCE_ICC_H

#include "base/arena.h"
#include "base/error.h"
#include "provenance/container.h"
#include "provenance/fact.h"

enum { ICC_MAX_TEXT = 4096 };

struct icc {
    bool present;
    const char *problem;              /* NULL, or what is wrong */
    int version_major, version_minor; /* 0: not readable, then nothing of the header holds */
    char program[5], device_class[5], space[5], connection[5],
        platform[5]; /* signatures, spaces at the end taken off */
    char manufacturer[5], model[5], creator[5];
    char date[20];                       /* "2009:03:27 21:36:31", as EXIF writes dates; "" */
    const char *description, *copyright; /* UTF-8, NULL where they are missing */
};

/* Reads a profile into *out. ASSAY_ERROR_MEMORY is the only error. */
assay_status icc_read_block(const uint8_t *bytes, size_t size, struct arena *arena, struct icc *out,
                            struct assay_error *error);

/* The file's first profile. */
assay_status icc_read(const struct container *container, struct arena *arena, struct icc *out,
                      struct assay_error *error);

void icc_facts(const struct icc *icc, struct fact_tree *tree, struct fact *parent);

#endif
