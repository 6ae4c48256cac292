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

void metadata_peek(const struct container *container, struct metadata *metadata)
{
    if (container->format != PICTURE_JPEG)
        return;
    metadata->history = jpeg_history_read(container->bytes, container->size);
    if (!metadata->thumbnail_shape_differs)
        metadata->thumbnail = thumbnail_compare(&metadata->exif, container->bytes, container->size);
}

static void history_facts(const struct metadata *metadata, struct fact_tree *tree, struct fact *parent)
{
    const struct jpeg_history *history = &metadata->history;
    if (!history->looked)
        return;
    struct fact *group = fact_group(tree, parent, "jpeg_history");
    fact_text(tree, group, "compressed_before", history->twice ? "likely" : "no sign of it");
    if (history->quality)
        fact_integer(tree, group, "earlier_quality", history->quality);
    fact_real(tree, group, "score", history->score);
    fact_bool(tree, group, "whole_picture", history->whole);
}

void metadata_facts(const struct metadata *metadata, struct fact_tree *tree, struct fact *parent)
{
    exif_facts(&metadata->exif, tree, parent);
    if (metadata->thumbnail_shape_differs)
        fact_bool(tree, parent, "thumbnail_shape_differs", true);
    const char *thumbnail = thumbnail_text(metadata->thumbnail.kind);
    if (thumbnail)
        fact_text(tree, parent, "thumbnail_shows", thumbnail);
    if (metadata->thumbnail.kind == THUMBNAIL_DIFFERS)
        fact_real(tree, parent, "thumbnail_differing_share", metadata->thumbnail.share);
    xmp_facts(&metadata->xmp, tree, parent);
    iptc_facts(&metadata->iptc, tree, parent);
    icc_facts(&metadata->icc, tree, parent);
    jpeg_traits_facts(&metadata->jpeg, tree, parent);
    history_facts(metadata, tree, parent);
}
