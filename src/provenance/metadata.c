/* metadata.c - calls the parsers in turn. */
#include "provenance/metadata.h"

#include "image/facts.h"

assay_status metadata_read(const struct container *container, struct arena *arena, struct metadata *out,
                           struct assay_error *error)
{
    struct picture_facts facts;
    *out = (struct metadata){0};
    assay_status status = xmp_read(container, arena, &out->xmp, error);
    if (status == ASSAY_OK)
        status = exif_read(container, arena, &out->exif, error);
    if (status == ASSAY_OK)
        status = iptc_read(container, arena, &out->iptc, error);
    if (status == ASSAY_OK)
        status = icc_read(container, arena, &out->icc, error);
    jpeg_traits_read(container, &out->jpeg);
    if (out->jpeg.present) {
        out->width = out->jpeg.header.width;
        out->height = out->jpeg.header.height;
    } else if (container->format != PICTURE_JPEG) {
        picture_facts_read(container->bytes, container->size, &facts);
        out->width = facts.width;
        out->height = facts.height;
    }
    out->thumbnail_shape_differs = exif_thumbnail_shape_differs(&out->exif, out->width, out->height);
    return status;
}

void metadata_facts(const struct metadata *metadata, struct fact_tree *tree, struct fact *parent)
{
    exif_facts(&metadata->exif, tree, parent);
    if (metadata->thumbnail_shape_differs)
        fact_bool(tree, parent, "thumbnail_shape_differs", true);
    xmp_facts(&metadata->xmp, tree, parent);
    iptc_facts(&metadata->iptc, tree, parent);
    icc_facts(&metadata->icc, tree, parent);
    jpeg_traits_facts(&metadata->jpeg, tree, parent);
}
