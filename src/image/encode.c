/* encode.c - pixels to bytes, through libvips. */
#include <string.h>
#include <vips/vips.h>

#include "base/memory.h"
#include "image/image.h"

/* libvips's view of our pixels, which are not copied and must outlive it. */
static VipsImage *wrap(const struct image *image)
{
    VipsImage *view = vips_image_new_from_memory(image->pixels, image_bytes(image), image->width, image->height,
                                                 IMAGE_CHANNELS, VIPS_FORMAT_UCHAR);
    if (view)
        view->Type = VIPS_INTERPRETATION_sRGB;
    return view;
}

/* Takes over libvips's bytes: ours come from base/memory. */
static assay_status hand_over(int failed, void *data, size_t length, const char *format, const struct image *image,
                              uint8_t **bytes, size_t *size, struct assay_error *error)
{
    if (failed) {
        vips_error_clear();
        return error_set(error, ASSAY_ERROR_INTERNAL, "a picture of %d x %d pixels cannot be encoded as %s",
                         image->width, image->height, format);
    }
    *bytes = mem_alloc(length, 1);
    if (*bytes) {
        memcpy(*bytes, data, length);
        *size = length;
    }
    g_free(data);
    return *bytes ? ASSAY_OK : error_memory(error, "an encoded picture");
}

assay_status image_encode_jpeg(const struct image *image, int quality, enum image_subsampling subsampling,
                               uint8_t **bytes, size_t *size, struct assay_error *error)
{
    *bytes = NULL;
    *size = 0;
    if (quality < 1 || quality > 100)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "a JPEG quality of %d: must be from 1 to 100", quality);
    assay_status status = image_library_init(error);
    if (status)
        return status;
    void *data = NULL;
    size_t length = 0;
    VipsImage *view = wrap(image);
    int failed =
        !view || vips_jpegsave_buffer(view, &data, &length, "Q", quality, "subsample_mode",
                                      subsampling == IMAGE_420 ? VIPS_FOREIGN_SUBSAMPLE_ON : VIPS_FOREIGN_SUBSAMPLE_OFF,
                                      "strip", TRUE, NULL);
    if (view)
        g_object_unref(view);
    return hand_over(failed, data, length, "JPEG", image, bytes, size, error);
}

assay_status image_encode_png(const struct image *image, uint8_t **bytes, size_t *size, struct assay_error *error)
{
    *bytes = NULL;
    *size = 0;
    assay_status status = image_library_init(error);
    if (status)
        return status;
    void *data = NULL;
    size_t length = 0;
    VipsImage *view = wrap(image);
    int failed = !view || vips_pngsave_buffer(view, &data, &length, "strip", TRUE, NULL);
    if (view)
        g_object_unref(view);
    return hand_over(failed, data, length, "PNG", image, bytes, size, error);
}

assay_status image_encode_webp(const struct image *image, int quality, uint8_t **bytes, size_t *size,
                               struct assay_error *error)
{
    enum { MOST_PIXELS = 16383 }; /* what the format can say */
    *bytes = NULL;
    *size = 0;
    if (quality < 1 || quality > 100)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "a WebP quality of %d: must be from 1 to 100", quality);
    if (image->width > MOST_PIXELS || image->height > MOST_PIXELS)
        return error_set(error, ASSAY_ERROR_LIMIT,
                         "a picture of %d x %d pixels cannot be encoded as WebP: no side may exceed %d", image->width,
                         image->height, (int)MOST_PIXELS);
    assay_status status = image_library_init(error);
    if (status)
        return status;
    void *data = NULL;
    size_t length = 0;
    VipsImage *view = wrap(image);
    int failed = !view || vips_webpsave_buffer(view, &data, &length, "Q", quality, "strip", TRUE, NULL);
    if (view)
        g_object_unref(view);
    return hand_over(failed, data, length, "WebP", image, bytes, size, error);
}
