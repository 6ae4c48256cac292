/* decode.c - bytes to pixels. libvips decodes; what comes out is made 8-bit RGB here by design rule 1, so that a
 * picture gives the same numbers as Pillow's Image.open().convert("RGB").
 *
 * libvips keeps one buffer of messages for all threads, in which the failures of several pictures mix. Messages are
 * therefore our own: they say the format, and how far decoding came. */
#include <ctype.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <vips/vips.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "image/geometry.h"
#include "image/image.h"
#include "image/facts.h"
#include "image/jpeg_quality.h"
#include "image/sniff.h"

/* ---- the library ---------------------------------------------------------------------------------------------- */

static void drop_log(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data)
{
    (void)domain;
    (void)level;
    (void)message;
    (void)data;
}

static int init_failed;

static void init_once(void)
{
    if (VIPS_INIT("assay")) {
        init_failed = 1;
        vips_error_clear();
        return;
    }
    vips_cache_set_max(0);
    vips_cache_set_max_mem(0);
    vips_cache_set_max_files(0);
    vips_concurrency_set(1);
    /* Warnings about metadata and the like would go to standard error. */
    g_log_set_handler("VIPS", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG,
                      drop_log, NULL);
#if VIPS_MAJOR_VERSION > 8 || VIPS_MINOR_VERSION >= 13
    /* Loaders are called by name below, so none of the others could run anyway: this makes sure. (8.12 cannot.) */
    static const char *const allowed[] = {"VipsForeignLoadJpeg", "VipsForeignLoadPng",   "VipsForeignLoadWebp",
                                          "VipsForeignLoadTiff", "VipsForeignLoadNsgif", "VipsForeignLoadHeif"};
    vips_operation_block_set("VipsForeignLoad", TRUE);
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        vips_operation_block_set(allowed[i], FALSE);
#endif
}

assay_status image_library_init(struct assay_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_once);
    if (init_failed)
        return error_set(error, ASSAY_ERROR_INTERNAL, "libvips cannot be set up");
    return ASSAY_OK;
}

/* ---- pixels --------------------------------------------------------------------------------------------------- */

static const char *const format_names[] = {
    [PICTURE_JPEG] = "JPEG", [PICTURE_PNG] = "PNG", [PICTURE_WEBP] = "WebP",
    [PICTURE_TIFF] = "TIFF", [PICTURE_GIF] = "GIF", [PICTURE_HEIF] = "HEIC or AVIF",
};

/* How a row of libvips's pixels becomes RGB. */
struct layout {
    int bands; /* values per pixel */
    int shift; /* 8 where they have 16 bits */
    int step;  /* 1: the first three bands are R, G, B; 0: the first is grey */
    int is_cmyk;
};

/* Pillow's MULDIV255: a * b / 255, rounded. */
static inline int muldiv255(int a, int b)
{
    int product = a * b + 128;
    return ((product >> 8) + product) >> 8;
}

static void convert_row(const void *row, int width, const struct layout *layout, uint8_t *out)
{
    const uint8_t *bytes = row;
    const uint16_t *words = row;
    int bands = layout->bands, step = layout->step;
    if (layout->is_cmyk) {
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) {
                int ink = layout->shift ? words[x * bands + c] >> 8 : bytes[x * bands + c];
                int light = 255 - (layout->shift ? words[x * bands + 3] >> 8 : bytes[x * bands + 3]);
                out[x * 3 + c] = (uint8_t)(light - muldiv255(ink, light));
            }
    } else if (layout->shift) {
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++)
                out[x * 3 + c] = (uint8_t)(words[x * bands + c * step] >> 8);
    } else if (bands == 3) {
        memcpy(out, bytes, (size_t)width * 3);
    } else {
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++)
                out[x * 3 + c] = bytes[x * bands + c * step];
    }
}

static assay_status find_layout(const VipsImage *picture, const char *name, const char *format, struct layout *layout,
                                struct assay_error *error)
{
    VipsBandFormat kind = vips_image_get_format(picture);
    VipsInterpretation space = vips_image_get_interpretation(picture);
    int bands = vips_image_get_bands(picture);
    if ((kind != VIPS_FORMAT_UCHAR && kind != VIPS_FORMAT_USHORT) || vips_image_get_coding(picture) != VIPS_CODING_NONE)
        return error_set(error, ASSAY_ERROR_FORMAT,
                         "%s: this %s stores pixels as %s; only integers of 8 and 16 bits are supported", name, format,
                         vips_image_get_coding(picture) != VIPS_CODING_NONE
                             ? "packed values"
                             : vips_enum_nick(VIPS_TYPE_BAND_FORMAT, kind));
    *layout = (struct layout){.bands = bands, .shift = kind == VIPS_FORMAT_USHORT ? 8 : 0};
    switch (space) {
    case VIPS_INTERPRETATION_B_W:
    case VIPS_INTERPRETATION_GREY16: return ASSAY_OK;
    case VIPS_INTERPRETATION_sRGB:
    case VIPS_INTERPRETATION_RGB:
    case VIPS_INTERPRETATION_RGB16: layout->step = bands >= 3; return ASSAY_OK;
    case VIPS_INTERPRETATION_CMYK:
        layout->is_cmyk = 1;
        if (bands >= 4)
            return ASSAY_OK;
        break;
    default: break;
    }
    return error_set(
        error, ASSAY_ERROR_FORMAT,
        "%s: this %s has %d channels of a colour space that is not supported (%s); convert it to RGB first", name,
        format, bands, vips_enum_nick(VIPS_TYPE_INTERPRETATION, space));
}

static assay_status check_size(const char *name, uint64_t width, uint64_t height, uint64_t max_pixels,
                               struct assay_error *error)
{
    if (width > LIMIT_PICTURE_SIDE || height > LIMIT_PICTURE_SIDE)
        return error_set(error, ASSAY_ERROR_LIMIT, "%s: %" PRIu64 " x %" PRIu64 " pixels, and no side may exceed %d",
                         name, width, height, LIMIT_PICTURE_SIDE);
    if (width * height > max_pixels)
        return error_set(error, ASSAY_ERROR_LIMIT,
                         "%s: %" PRIu64 " x %" PRIu64 " pixels, more than the limit of %" PRIu64 " pixels", name, width,
                         height, max_pixels);
    return ASSAY_OK;
}

/* Opens the header. On failure NULL. */
static VipsImage *open_picture(enum picture_format format, const void *bytes, size_t size)
{
    VipsImage *picture = NULL;
    void *data = (void *)bytes; /* libvips does not write to it */
    int failed = 1;
    switch (format) {
#define OPEN(load) load(data, size, &picture, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL)
    case PICTURE_JPEG: failed = OPEN(vips_jpegload_buffer); break;
    case PICTURE_PNG: failed = OPEN(vips_pngload_buffer); break;
    case PICTURE_WEBP: failed = OPEN(vips_webpload_buffer); break;
    case PICTURE_TIFF: failed = OPEN(vips_tiffload_buffer); break;
    case PICTURE_GIF: failed = OPEN(vips_gifload_buffer); break;
    case PICTURE_HEIF: failed = OPEN(vips_heifload_buffer); break;
    case PICTURE_OTHER: break;
#undef OPEN
    }
    return failed ? NULL : picture;
}

/* Pulls the pixels from top to bottom, a strip at a time, in this thread. */
static assay_status read_pixels(VipsImage *picture, const char *name, const char *format, const struct watch *watch,
                                struct image *out, struct assay_error *error)
{
    enum { STRIP = 16 };
    int width = vips_image_get_width(picture), height = vips_image_get_height(picture);
    struct layout layout = {0};
    assay_status status = find_layout(picture, name, format, &layout, error);
    if (status || (status = image_create(width, height, out, error)))
        return status;
    VipsRegion *region = vips_region_new(picture);
    for (int top = 0; top < height && !status; top += STRIP) {
        VipsRect strip = {0, top, width, height - top < STRIP ? height - top : STRIP};
        if ((status = watch_step(watch, (double)top / height, name, error)))
            break;
        if (!region || vips_region_prepare(region, &strip)) {
            status = error_set(error, ASSAY_ERROR_FORMAT,
                               "%s: this %s of %d x %d pixels is damaged or cut short (decoding stopped at row %d)",
                               name, format, width, height, top);
            break;
        }
        for (int y = top; y < top + strip.height; y++)
            convert_row(VIPS_REGION_ADDR(region, 0, y), width, &layout,
                        out->pixels + (size_t)y * (size_t)width * IMAGE_CHANNELS);
    }
    if (region)
        g_object_unref(region);
    return status ? status : watch_step(watch, 1, name, error);
}

/* EXIF orientation, or 1. (HEIC says how it is turned in its own way, which libheif has applied.) */
static int orientation_of(VipsImage *picture, enum picture_format format)
{
    int orientation = format == PICTURE_HEIF ? 1 : vips_image_get_orientation(picture);
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

/* A GIF whose first frame has no transparent colour: libnsgif leaves transparent pixels out, but dropping alpha means
 * to show the colour that the palette has for them. NULL in *copy where there is nothing to change. */
static assay_status make_gif_opaque(const uint8_t *bytes, size_t size, uint8_t **copy, struct assay_error *error)
{
    size_t flags = picture_gif_transparency(bytes, size);
    *copy = NULL;
    if (!flags)
        return ASSAY_OK;
    *copy = mem_alloc(size, 1);
    if (!*copy)
        return error_memory(error, "a GIF picture");
    memcpy(*copy, bytes, size);
    (*copy)[flags] &= 0xFE;
    return ASSAY_OK;
}

static assay_status not_a_picture(const char *name, const char *what, struct assay_error *error)
{
    static const char supported[] = "supported are JPEG, PNG, WebP, TIFF, GIF, HEIC and AVIF";
    if (what && strcmp(what, "text") == 0)
        return error_set(error, ASSAY_ERROR_FORMAT, "%s: not a picture but text", name);
    if (what)
        return error_set(error, ASSAY_ERROR_FORMAT, "%s: %s is unsupported; %s", name, what, supported);
    return error_set(error, ASSAY_ERROR_FORMAT, "%s: not a picture, or of an unknown format; %s", name, supported);
}

static void note_file(const uint8_t *bytes, size_t size, enum picture_format format, struct image *image)
{
    struct jpeg_header header;
    image->format = picture_format_text(format);
    if (format != PICTURE_JPEG || !jpeg_header_read(bytes, size, &header))
        return;
    struct jpeg_quality quality = jpeg_quality_estimate(&header);
    image->jpeg_quality = quality.quality;
    image->jpeg_quality_exact = quality.exact;
}

assay_status image_decode_memory_watched(const void *bytes, size_t size, const char *name,
                                         const struct assay_limits *limits, const struct watch *watch,
                                         struct image *out, struct assay_error *error)
{
    uint64_t max_pixels = limits && limits->max_pixels ? limits->max_pixels : LIMIT_PICTURE_PIXELS;
    uint64_t max_bytes = limits && limits->max_bytes ? limits->max_bytes : LIMIT_PICTURE_BYTES;
    struct image stored = {0};
    uint8_t *opaque = NULL;
    VipsImage *picture = NULL;
    const char *what;
    assay_status status;

    *out = (struct image){0};
    if ((status = image_library_init(error)) || (status = watch_step(watch, 0, name, error)))
        return status;
    if (size == 0)
        return error_set(error, ASSAY_ERROR_FORMAT, "%s: the file is empty", name);
    if (size > max_bytes)
        return error_set(error, ASSAY_ERROR_LIMIT, "%s: %zu bytes, larger than the limit of %" PRIu64, name, size,
                         max_bytes);
    enum picture_format format = picture_sniff(bytes, size, &what);
    if (format == PICTURE_OTHER)
        return not_a_picture(name, what, error);
    if (format == PICTURE_WEBP) {
        uint32_t width, height;
        picture_webp_size(bytes, size, &width, &height);
        if ((status = check_size(name, width, height, max_pixels, error)))
            return status;
    }
    if (format == PICTURE_GIF && (status = make_gif_opaque(bytes, size, &opaque, error)))
        return status;
    picture = open_picture(format, opaque ? opaque : bytes, size);
    if (!picture) {
        status =
            error_set(error, ASSAY_ERROR_FORMAT, "%s: this %s is damaged, cut short or of a kind that is not supported",
                      name, format_names[format]);
        goto done;
    }
    if ((status = check_size(name, (uint64_t)vips_image_get_width(picture), (uint64_t)vips_image_get_height(picture),
                             max_pixels, error)))
        goto done;
    if (format == PICTURE_PNG && !picture_png_is_whole(bytes, size)) {
        status =
            error_set(error, ASSAY_ERROR_FORMAT, "%s: this PNG is damaged or cut short (its end is missing)", name);
        goto done;
    }
    if ((status = read_pixels(picture, name, format_names[format], watch, &stored, error)))
        goto done;
    int orientation = orientation_of(picture, format);
    if (orientation == 1) {
        *out = stored;
        stored = (struct image){0};
    } else {
        status = image_orient(&stored, orientation, out, error);
    }
    if (!status)
        note_file(bytes, size, format, out);

done:
    if (picture)
        g_object_unref(picture);
    vips_error_clear(); /* warnings leave messages too */
    mem_free(opaque);
    image_free(&stored);
    return status;
}

assay_status image_decode_memory(const void *bytes, size_t size, const char *name, const struct assay_limits *limits,
                                 struct image *out, struct assay_error *error)
{
    return image_decode_memory_watched(bytes, size, name, limits, NULL, out, error);
}

assay_status image_decode_file_watched(const char *path, const struct assay_limits *limits, const struct watch *watch,
                                       struct image *out, struct assay_error *error)
{
    uint64_t max_bytes = limits && limits->max_bytes ? limits->max_bytes : LIMIT_PICTURE_BYTES;
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    uint8_t *bytes = NULL;
    size_t size = 0;
    *out = (struct image){0};
    assay_status status = watch_step(watch, 0, name, error); /* before what may block or take long */
    if (!status)
        status = file_read(path, max_bytes, &bytes, &size, error);
    if (!status)
        status = image_decode_memory_watched(bytes, size, name, limits, watch, out, error);
    mem_free(bytes);
    return status;
}

assay_status image_decode_file(const char *path, const struct assay_limits *limits, struct image *out,
                               struct assay_error *error)
{
    return image_decode_file_watched(path, limits, NULL, out, error);
}

int image_has_known_extension(const char *path)
{
    static const char extensions[][5] = {"jpg", "jpeg", "png", "webp", "tif", "tiff", "gif", "heic", "heif", "avif"};
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    if (!dot || (slash && dot < slash) || dot == path || dot[-1] == '/')
        return 0;
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
        size_t j = 0;
        while (extensions[i][j] && tolower((unsigned char)dot[1 + j]) == extensions[i][j])
            j++;
        if (!extensions[i][j] && !dot[1 + j])
            return 1;
    }
    return 0;
}
