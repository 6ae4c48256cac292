/* jpeg_traits.h - how a JPEG was written, by its headers: quality, tables, sampling, and the words of the programs that
 * leave some. No pixel is decoded. */
#ifndef ASSAY_PROVENANCE_JPEG_TRAITS_H
#define ASSAY_PROVENANCE_JPEG_TRAITS_H

#include "image/jpeg_header.h"
#include "image/jpeg_quality.h"
#include "provenance/container.h"
#include "provenance/fact.h"
#include "provenance/jpeg_tables.h"

struct jpeg_traits {
    bool present; /* it is a JPEG with a frame header */
    struct jpeg_header header;
    struct jpeg_quality quality; /* of libjpeg's scale, exact or the nearest */
    struct jpeg_tables tables;
    enum jpeg_subsampling subsampling;
    bool
        standard_huffman; /* T.81's own codes, as fast writers and most cameras use them; false: made for the picture */
    bool jfif, adobe;     /* APP0 JFIF, APP14 Adobe */
    int adobe_transform;  /* of APP14: 0: RGB or CMYK, 1: YCbCr, 2: YCCK */
    /* What Photoshop says: -1 where it does not. */
    int photoshop_quality; /* resource 0x0406, "Save As": 0 to 12 */
    int ducky_quality;     /* APP12, "Save for Web": 0 to 100 */
};

void jpeg_traits_read(const struct container *container, struct jpeg_traits *out);

void jpeg_traits_facts(const struct jpeg_traits *traits, struct fact_tree *tree, struct fact *parent);

#endif
