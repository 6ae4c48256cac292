/* features.c - the table of features. */
#include "data/check/features.h"

static const struct {
    const char *name, *title;
    bool category;
} table[FEATURE_COUNT] = {
    [FEATURE_FORMAT] = {"format", "format", true},
    [FEATURE_WIDTH] = {"width", "width", false},
    [FEATURE_HEIGHT] = {"height", "height", false},
    [FEATURE_ASPECT] = {"aspect", "aspect ratio", false},
    [FEATURE_MEGAPIXELS] = {"megapixels", "megapixels", false},
    [FEATURE_BYTES_PER_PIXEL] = {"bytes_per_pixel", "bytes per pixel", false},
    [FEATURE_JPEG_QUALITY] = {"jpeg_quality", "JPEG quality", false},
    [FEATURE_SUBSAMPLING] = {"subsampling", "JPEG subsampling", true},
    [FEATURE_PROGRESSIVE] = {"progressive", "JPEG coding", true},
    [FEATURE_METADATA] = {"metadata", "metadata", true},
};

const char *feature_name(enum feature feature)
{
    return table[feature].name;
}

const char *feature_title(enum feature feature)
{
    return table[feature].title;
}

bool feature_is_category(enum feature feature)
{
    return table[feature].category;
}

bool feature_value(const struct scan_picture *p, enum feature feature, double *value)
{
    double pixels = (double)p->width * p->height;
    *value = 0;
    if (p->problem)
        return false;
    switch (feature) {
    case FEATURE_FORMAT: *value = p->facts.format; return true;
    case FEATURE_WIDTH: *value = p->width; return true;
    case FEATURE_HEIGHT: *value = p->height; return true;
    case FEATURE_ASPECT: *value = (double)p->width / p->height; return true;
    case FEATURE_MEGAPIXELS: *value = pixels / 1e6; return true;
    case FEATURE_BYTES_PER_PIXEL: *value = (double)p->bytes / pixels; return true;
    case FEATURE_JPEG_QUALITY: *value = p->facts.jpeg_quality; return p->facts.jpeg_quality > 0;
    case FEATURE_SUBSAMPLING: *value = p->facts.subsampling; return p->facts.format == PICTURE_JPEG;
    case FEATURE_PROGRESSIVE: *value = p->facts.jpeg_progressive; return p->facts.format == PICTURE_JPEG;
    case FEATURE_METADATA: *value = p->facts.metadata; return true;
    case FEATURE_COUNT: break;
    }
    return false;
}

const char *feature_value_text(enum feature feature, double value, char text[FEATURE_TEXT])
{
    switch (feature) {
    case FEATURE_FORMAT: snprintf(text, FEATURE_TEXT, "%s", picture_format_text((enum picture_format)value)); break;
    case FEATURE_SUBSAMPLING:
        snprintf(text, FEATURE_TEXT, "%s", jpeg_subsampling_text((enum jpeg_subsampling)value));
        break;
    case FEATURE_PROGRESSIVE: snprintf(text, FEATURE_TEXT, "%s", value != 0 ? "progressive" : "baseline"); break;
    case FEATURE_METADATA: picture_metadata_text((unsigned)value, text); break;
    default: snprintf(text, FEATURE_TEXT, "%g", value); break;
    }
    return text;
}
