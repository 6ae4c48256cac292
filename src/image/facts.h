/* facts.h - what a picture's file tells without decoding a pixel: format, size, JPEG quality, which metadata is there.
 * Facts of this kind must not tell real from generated pictures in a set; `assay data check` tests whether they do. */
#ifndef ASSAY_IMAGE_FACTS_H
#define ASSAY_IMAGE_FACTS_H

#include "image/jpeg_header.h"
#include "image/sniff.h"

/* Kinds of metadata. */
enum {
    METADATA_EXIF = 1,
    METADATA_XMP = 2,
    METADATA_ICC = 4,
    METADATA_TEXT = 8,  /* comments, PNG text (where generators leave their prompts), IPTC */
    METADATA_C2PA = 16, /* a JUMBF box, which holds C2PA's statement of origin */
    METADATA_ALL = 31
};

struct picture_facts {
    enum picture_format format;
    uint32_t width, height; /* as stored, before any turning; 0: the header does not tell */
    unsigned metadata;      /* METADATA_ bits */
    /* of JPEGs alone: */
    int jpeg_quality;        /* 1 to 100; 0: unknown */
    bool jpeg_quality_exact; /* see jpeg_quality.h */
    bool jpeg_progressive;
    enum jpeg_subsampling subsampling;
};

/* Whatever the bytes are: what cannot be told stays 0. For HEIC, AVIF and TIFF metadata is found where it usually lies
 * (item information and properties; the first directory). */
void picture_facts_read(const uint8_t *bytes, size_t size, struct picture_facts *out);

/* "JPEG", "PNG", "WebP", "TIFF", "GIF", "HEIF" (HEIC and AVIF), "other". */
const char *picture_format_text(enum picture_format format);

/* "EXIF+ICC", "none". */
enum { METADATA_TEXT_SIZE = 32 };
const char *picture_metadata_text(unsigned metadata, char text[METADATA_TEXT_SIZE]);

#endif
