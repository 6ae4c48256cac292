/* assay.h - the one public header of libassay.
 *
 * Assay tells whether a picture was made or altered by an image generator, how sure it is, and where. A caller opens
 * a model once, reads pictures from files, memory or raw pixels, and asks for verdicts:
 *
 *     struct assay_error error = {0};
 *     struct assay_model *model = NULL;
 *     struct assay_picture *picture = NULL;
 *     struct assay_result result;
 *     if (assay_init(&error) || assay_model_open("residual.safetensors", NULL, &model, &error) ||
 *         assay_picture_read_file("photo.jpg", NULL, &picture, &error) ||
 *         assay_detect(model, (const struct assay_picture *const *)&picture, 1, &result, &error))
 *         fprintf(stderr, "%s\n", error.message);
 *
 * Every fallible call returns an assay_status and, if it is not ASSAY_OK, writes one sentence into the caller's
 * assay_error: it names the file, tensor or option, what was wrong and what to do. The library never prints, exits or
 * aborts. Handles are opaque; whoever receives one frees it with the matching call. */
#ifndef ASSAY_ASSAY_H
#define ASSAY_ASSAY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ASSAY_API __attribute__((visibility("default")))
#else
#define ASSAY_API
#endif

#define ASSAY_VERSION_MAJOR 0
#define ASSAY_VERSION_MINOR 1
#define ASSAY_VERSION_PATCH 0

/* The outcome of a call. ASSAY_OK is 0, every error is positive. */
typedef enum assay_status {
    ASSAY_OK = 0,
    ASSAY_ERROR_ARGUMENT,  /* the caller passed something that cannot be used */
    ASSAY_ERROR_IO,        /* the operating system refused to open, read or write */
    ASSAY_ERROR_FORMAT,    /* the bytes are damaged, or of a kind that is not supported */
    ASSAY_ERROR_LIMIT,     /* a stated limit would be exceeded */
    ASSAY_ERROR_MEMORY,    /* an allocation failed */
    ASSAY_ERROR_MODEL,     /* a model file does not fit what it is used for */
    ASSAY_ERROR_CANCELLED, /* the caller asked to stop */
    ASSAY_ERROR_INTERNAL   /* a defect of the library: please report it */
} assay_status;

/* What went wrong, in words. Owned by the caller; zero-initialise it. Only a failing call writes to it. */
struct assay_error {
    assay_status status;
    char message[1024]; /* one sentence, NUL-terminated, UTF-8 where the names in it are */
};

/* A status as a short English phrase, never NULL. */
ASSAY_API const char *assay_status_text(assay_status status);

/* The version of the library in use, "MAJOR.MINOR.PATCH". */
ASSAY_API const char *assay_version(void);

/* Sets up what the process must set once: libvips with its cache off and only the loaders that Assay names, and the
 * pool of compute threads (OpenMP; OMP_NUM_THREADS is respected). Call it before any other call, from one thread;
 * further calls do nothing. A program that judges on several threads of its own has one such pool in each: it had
 * better start with OMP_NUM_THREADS=1 and OMP_WAIT_POLICY=PASSIVE. */
ASSAY_API assay_status assay_init(struct assay_error *error);

/* ---- Pictures ------------------------------------------------------------------------------------------------- */

/* A decoded picture: 8-bit RGB, upright (EXIF orientation applied). */
struct assay_picture;

/* Bounds on what is decoded; a zero field means its default. */
struct assay_limits {
    uint64_t max_pixels; /* width x height, default 100,000,000 */
    uint64_t max_bytes;  /* size of the encoded file, default 1 GiB */
};

/* Reads and decodes a picture file (JPEG, PNG, WebP, TIFF, GIF, HEIC, AVIF). Alpha is dropped, 16 bits become 8 by
 * >> 8, grey and CMYK become RGB by Pillow's formulas, the first frame of an animation is used. A truncated or damaged
 * file is an error. The path "-" is standard input. `limits` may be NULL. On success *out is the caller's, to be freed with assay_picture_free. */
ASSAY_API assay_status assay_picture_read_file(const char *path, const struct assay_limits *limits,
                                               struct assay_picture **out, struct assay_error *error);

/* The same from `size` bytes in memory, which are not kept. `name` stands for the file in messages. */
ASSAY_API assay_status assay_picture_read_memory(const void *bytes, size_t size, const char *name,
                                                 const struct assay_limits *limits, struct assay_picture **out,
                                                 struct assay_error *error);

/* A picture from raw 8-bit RGB pixels, copied. Row y begins at pixels + y * stride; stride >= 3 * width, in bytes. */
ASSAY_API assay_status assay_picture_from_rgb(const uint8_t *pixels, int width, int height, size_t stride,
                                              struct assay_picture **out, struct assay_error *error);

ASSAY_API int assay_picture_width(const struct assay_picture *picture);  /* pixels, upright */
ASSAY_API int assay_picture_height(const struct assay_picture *picture); /* pixels, upright */
ASSAY_API void assay_picture_free(struct assay_picture *picture);        /* NULL is fine */

/* ---- Models and verdicts -------------------------------------------------------------------------------------- */

/* A detector with its weights, preprocessing and calibration. Immutable once open: several threads may use one. */
struct assay_model;

/* How a model computes; a zero field means its default. */
struct assay_model_options {
    int bf16; /* 1: compute in bfloat16 where the processor has it; 0: float32 */
};

/* Opens a model file (safetensors with Assay's metadata). `options` may be NULL. Free it with assay_model_close. */
ASSAY_API assay_status assay_model_open(const char *path, const struct assay_model_options *options,
                                        struct assay_model **out, struct assay_error *error);
ASSAY_API void assay_model_close(struct assay_model *model); /* NULL is fine; no call may be running on it */

/* The detector's name in the registry, such as "residual". Lives as long as the model. */
ASSAY_API const char *assay_model_detector(const struct assay_model *model);

/* What is said of a picture. ASSAY_UNCERTAIN lies between the two thresholds that calibration data set. */
typedef enum assay_verdict { ASSAY_REAL = 0, ASSAY_GENERATED, ASSAY_UNCERTAIN, ASSAY_UNCALIBRATED } assay_verdict;

/* The verdict as it is printed: "real", "ai-generated", "uncertain", "uncalibrated". Never NULL. */
ASSAY_API const char *assay_verdict_text(assay_verdict verdict);

struct assay_result {
    assay_verdict verdict;
    double probability; /* that the picture was generated, 0 to 1, calibrated for a prior of one half */
    double logit;       /* the detector's raw score before calibration; positive leans to generated */
};

/* Judges `count` pictures; results[i] belongs to pictures[i]. Pictures of any size may be mixed. Thread-safe. */
ASSAY_API assay_status assay_detect(struct assay_model *model, const struct assay_picture *const *pictures,
                                    size_t count, struct assay_result *results, struct assay_error *error);

#ifdef __cplusplus
}
#endif

#endif
