/* assay.h - the one public header of libassay.
 *
 * Assay tells whether a picture was made by an image generator, how sure it is, and where. A caller opens a model once
 * and asks for verdicts on files, encoded bytes or raw pixels:
 *
 *     struct assay_error error = {0};
 *     struct assay_model *model = NULL;
 *     struct assay_result result;
 *     if (assay_init(&error) || assay_model_open("default.safetensors", NULL, &model, &error) ||
 *         assay_detect_file(model, "photo.jpg", NULL, NULL, &result, &error))
 *         fprintf(stderr, "%s\n", error.message);
 *     else
 *         printf("%s, %.3f\n", assay_verdict_text(result.verdict), result.probability);
 *     assay_model_close(model);
 *
 * Errors. Every fallible call returns an assay_status and, if it is not ASSAY_OK, writes one sentence into the caller's
 * assay_error, which may be NULL: it names the file, tensor or option, what was wrong and what to do. A call that fails
 * leaves its `out` alone and keeps nothing. ASSAY_ERROR_MEMORY and ASSAY_ERROR_INTERNAL may come from any of them and
 * are not listed at each. The library never prints, exits or aborts.
 *
 * Ownership. Handles are opaque; whoever receives one frees it with the matching call. What is passed in stays the
 * caller's and is not kept beyond the call, unless said otherwise.
 *
 * Threads. Any call may be made from any thread. A model and a job may be used by several at once; a picture and a map
 * may be read by several at once. Only freeing must not overlap with use. docs/library.md says more. */
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

/* ---- Versions and errors -------------------------------------------------------------------------------------- */

#define ASSAY_VERSION_MAJOR 0
#define ASSAY_VERSION_MINOR 1
#define ASSAY_VERSION_PATCH 0

/* Counts the changes after which a program must be compiled anew: of a struct below, of a function's parameters, of an
 * enumeration's values. Additions leave it alone. It is also the number at the end of the shared library's name. */
#define ASSAY_ABI_VERSION 1

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

/* What went wrong, in words. Owned by the caller; zero-initialise it. Only a failing call writes to it. Its layout is
 * the same in every ABI version. */
struct assay_error {
    assay_status status;
    char message[1024]; /* one sentence, NUL-terminated; names of files are in it as they are, byte for byte */
};

/* A status as a short English phrase. Never NULL, for any value; static memory. */
ASSAY_API const char *assay_status_text(assay_status status);

/* The version of the library in use, "MAJOR.MINOR.PATCH". Static memory. */
ASSAY_API const char *assay_version(void);

/* The ASSAY_ABI_VERSION of the library in use. */
ASSAY_API int assay_abi_version(void);

/* assay_init for callers that cannot include this header (bindings): `abi_version` is the one that they were written
 * for. Errors: ARGUMENT where the library's is another. */
ASSAY_API assay_status assay_init_abi(int abi_version, struct assay_error *error);

/* Compares the ABI that the program was compiled for with the library's, and sets up what the process must set once:
 * libvips, its cache off, with only the loaders that Assay names. Call it before any other call; further calls do
 * nothing. Errors: ARGUMENT where the ABI versions differ. */
static inline assay_status assay_init(struct assay_error *error)
{
    return assay_init_abi(ASSAY_ABI_VERSION, error);
}

/* ---- Jobs: watching and stopping a call ----------------------------------------------------------------------- */

/* Given to calls that may take long, to hear how far they are and to stop them. One job may serve several calls, one
 * after another or at once. It must outlive them. */
struct assay_job;

/* What a call is doing. */
typedef enum assay_stage {
    ASSAY_STAGE_READ = 0, /* reading and decoding a picture */
    ASSAY_STAGE_JUDGE,    /* running the model */
    ASSAY_STAGE_EXPLAIN   /* running it for a map */
} assay_stage;

/* Called by the thread that made the call, between strips of 16 rows while a picture is decoded, and between batches of
 * crops. `share` of the stage is done, 0 to 1; it never falls within a stage of a call, and is 1 at a stage's end
 * unless the call fails. Other than 0 stops the call, like assay_job_cancel. It must not throw, jump out, or free what
 * the call uses; other calls may be made in it. */
typedef int assay_progress(void *context, assay_stage stage, double share);

/* Makes a job. `progress` may be NULL; `context` is passed on to it. On success *out is the caller's, to be freed with
 * assay_job_free. Errors: ARGUMENT (out is NULL). */
ASSAY_API assay_status assay_job_create(assay_progress *progress, void *context, struct assay_job **out,
                                        struct assay_error *error);

/* Makes every call that has this job, now or later, end with ASSAY_ERROR_CANCELLED: at the next place where progress
 * would be told. For good: work that goes on takes a new job. From any thread, and from a signal handler. NULL is fine.
 */
ASSAY_API void assay_job_cancel(struct assay_job *job);

/* 1 where the job was cancelled, by either way, else 0. From any thread. NULL: 0. */
ASSAY_API int assay_job_cancelled(const struct assay_job *job);

/* No call may be using it. NULL is fine. */
ASSAY_API void assay_job_free(struct assay_job *job);

/* ---- Pictures ------------------------------------------------------------------------------------------------- */

/* A decoded picture: 8-bit RGB, upright (EXIF orientation applied). Never changes. */
struct assay_picture;

/* Bounds on what is decoded; a zero field means its default. No side may have more than 65,535 pixels in any case. */
struct assay_limits {
    uint64_t max_pixels; /* width x height, default 100,000,000 */
    uint64_t max_bytes;  /* size of the encoded file, default 1 GiB */
};

/* Reads and decodes a picture file (JPEG, PNG, WebP, TIFF, GIF, HEIC, AVIF). Alpha is dropped, 16 bits become 8 by
 * >> 8, grey and CMYK become RGB by Pillow's formulas, the first frame of an animation is used, ICC profiles are
 * ignored. A truncated or damaged file is an error. The path "-" is standard input. `limits` and `job` may be NULL. On
 * success *out is the caller's, to be freed with assay_picture_free. Errors: ARGUMENT (path or out is NULL, a
 * directory), IO, FORMAT, LIMIT, CANCELLED. */
ASSAY_API assay_status assay_picture_read_file(const char *path, const struct assay_limits *limits,
                                               struct assay_job *job, struct assay_picture **out,
                                               struct assay_error *error);

/* The same from `size` encoded bytes in memory. `name` stands for the file in messages; NULL: "picture in memory".
 * Errors: ARGUMENT (out is NULL, or bytes is and size is not 0), FORMAT, LIMIT, CANCELLED. */
ASSAY_API assay_status assay_picture_read_memory(const void *bytes, size_t size, const char *name,
                                                 const struct assay_limits *limits, struct assay_job *job,
                                                 struct assay_picture **out, struct assay_error *error);

/* A picture from raw pixels [height, width, 3], 8-bit RGB (sRGB), which are copied. Row y begins at pixels + y *
 * stride; stride >= 3 * width, in bytes. Errors: ARGUMENT (NULL, a side below 1, a stride too short), LIMIT (a side
 * above 65,535). */
ASSAY_API assay_status assay_picture_from_rgb(const uint8_t *pixels, int width, int height, size_t stride,
                                              struct assay_picture **out, struct assay_error *error);

ASSAY_API int assay_picture_width(const struct assay_picture *picture);  /* pixels, upright; 0 for NULL */
ASSAY_API int assay_picture_height(const struct assay_picture *picture); /* pixels, upright; 0 for NULL */

/* Its pixels [height, width, 3], 8-bit RGB, rows without padding. Live as long as the picture. NULL for NULL. */
ASSAY_API const uint8_t *assay_picture_pixels(const struct assay_picture *picture);

/* The picture as a PNG file in memory: on success *bytes is the caller's, to be freed with assay_bytes_free.
 * Errors: ARGUMENT (NULL). */
ASSAY_API assay_status assay_picture_encode_png(const struct assay_picture *picture, uint8_t **bytes, size_t *size,
                                                struct assay_error *error);

ASSAY_API void assay_bytes_free(uint8_t *bytes);                  /* NULL is fine */
ASSAY_API void assay_picture_free(struct assay_picture *picture); /* NULL is fine */

/* What its file told, for pictures that were read from one: "JPEG", "PNG", "WebP", "TIFF", "GIF", "HEIF"; NULL where it
 * is not known, and for NULL. Static memory. */
ASSAY_API const char *assay_picture_format(const struct assay_picture *picture);

/* The quality at which a JPEG was written, 1 to 100, told from its tables (for writers other than libjpeg: the
 * nearest); 0: no JPEG, or not known. 0 for NULL. */
ASSAY_API int assay_picture_jpeg_quality(const struct assay_picture *picture);

/* ---- Models --------------------------------------------------------------------------------------------------- */

/* A detector with its weights, preprocessing and calibration. Immutable once open. */
struct assay_model;

/* How a model computes; a zero field means its default, and so does a NULL pointer to all. */
struct assay_model_options {
    int bf16;    /* 1: compute in bfloat16 where the processor has it; 0: float32 */
    int threads; /* that compute within one call, 1 to 1024; 0: as many as OpenMP would use in the thread that opens it
                    (OMP_NUM_THREADS, or one a processor). A program that judges on several threads of its own sets 1:
                    each of its threads has a pool of its own otherwise */
};

/* Opens a model file (safetensors with Assay's metadata). Its weights are mapped: the file must not be changed in place
 * while the model is open (replacing it by renaming is fine). On success *out is the caller's, to be freed with
 * assay_model_close. Errors: ARGUMENT (NULL, options out of range, a directory), IO, FORMAT (damaged, or no
 * safetensors), LIMIT, MODEL (not Assay's, an unknown detector or newer format, weights missing or misshapen, all
 * named). */
ASSAY_API assay_status assay_model_open(const char *path, const struct assay_model_options *options,
                                        struct assay_model **out, struct assay_error *error);

/* The same from the bytes of such a file, which must stay as they are until the model is closed. `name` stands for the
 * file in messages; NULL: "model in memory". Errors: as assay_model_open, without IO. */
ASSAY_API assay_status assay_model_open_memory(const void *bytes, size_t size, const char *name,
                                               const struct assay_model_options *options, struct assay_model **out,
                                               struct assay_error *error);

ASSAY_API void assay_model_close(struct assay_model *model); /* NULL is fine; no call may be running on it */

/* The detector's name in the registry, such as "residual". Lives as long as the model. "" for NULL. */
ASSAY_API const char *assay_model_detector(const struct assay_model *model);

/* What a model says about itself. */
struct assay_model_info {
    const char *detector;   /* as assay_model_detector */
    int calibrated;         /* 0: every verdict is ASSAY_UNCALIBRATED, and probabilities are rough */
    double real_below;      /* probability <= this: ASSAY_REAL. 0 to 1/2, or negative: no picture is called real */
    double generated_above; /* probability >= this: ASSAY_GENERATED. 1/2 to 1, or above: none is called generated */
    int crop;               /* side of the squares that the network looks at, pixels, after any resizing */
    int max_crops;          /* how many of them at most in one picture */
};

/* Fills *info; where the model is NULL, with zeros and "". */
ASSAY_API void assay_model_describe(const struct assay_model *model, struct assay_model_info *info);

/* The limits beyond which a model was found to do no better than chance, and says "uncertain": the fewest pixels of the
 * shorter side, and the lowest quality of a JPEG; 0: no limit. Either pointer may be NULL; 0 where the model is. */
ASSAY_API void assay_model_limits(const struct assay_model *model, int *smallest_side, int *lowest_jpeg_quality);

/* ---- Verdicts ------------------------------------------------------------------------------------------------- */

/* What is said of a picture. ASSAY_UNCERTAIN lies between the two thresholds that calibration data set, or beyond one
 * of the model's limits. */
typedef enum assay_verdict { ASSAY_REAL = 0, ASSAY_GENERATED, ASSAY_UNCERTAIN, ASSAY_UNCALIBRATED } assay_verdict;

/* The verdict as it is printed: "real", "ai-generated", "uncertain", "uncalibrated". Never NULL; static memory. */
ASSAY_API const char *assay_verdict_text(assay_verdict verdict);

struct assay_result {
    assay_verdict verdict;
    double probability; /* that the picture was generated, 0 to 1, calibrated for a prior of one half */
    double logit;       /* the detector's raw score before calibration; positive leans to generated */
};

/* Judges `count` pictures; results[i] belongs to pictures[i]. Pictures of any size may be mixed; together they are
 * judged faster than one by one, with the same results but for rounding. The first call for a number of crops also
 * compiles the network for it. `job` may be NULL. Where the call fails, results are unspecified. Errors: ARGUMENT
 * (NULL), MODEL (no finite score: damaged weights), CANCELLED. */
ASSAY_API assay_status assay_detect(struct assay_model *model, const struct assay_picture *const *pictures,
                                    size_t count, struct assay_job *job, struct assay_result *results,
                                    struct assay_error *error);

/* What kept a model from a verdict. */
typedef enum assay_limit {
    ASSAY_LIMIT_NONE = 0,
    ASSAY_LIMIT_TOO_SMALL,     /* the shorter side has too few pixels */
    ASSAY_LIMIT_TOO_COMPRESSED /* the JPEG's quality is too low */
} assay_limit;

/* What a verdict stands on. */
struct assay_reasons {
    int crops;              /* squares of the picture that the model looked at */
    int crops_generated;    /* of them speak for "generated": their own probability is one half or more */
    double lowest, highest; /* of the crops' probabilities */
    double deviation;       /* of them, standard deviation (of all, with n) */
    int width, height;      /* of the picture, pixels, upright */
    int jpeg_quality;       /* as assay_picture_jpeg_quality */
    assay_limit limit;      /* other than NONE: the verdict is ASSAY_UNCERTAIN whatever the probability says (or
                                  ASSAY_UNCALIBRATED) */
};

/* assay_detect that also says what each verdict stands on: reasons[count]. Errors: as assay_detect. */
ASSAY_API assay_status assay_detect_reasons(struct assay_model *model, const struct assay_picture *const *pictures,
                                            size_t count, struct assay_job *job, struct assay_result *results,
                                            struct assay_reasons *reasons, struct assay_error *error);

/* Reasons in plain words, one line without a newline, as the command prints them: written into `text`, cut at `size`
 * bytes and NUL-terminated; 320 bytes hold any. Returns `text`. NULL reasons: "". `model` is the one that judged, for
 * its limits; NULL: they are not told by number. */
ASSAY_API const char *assay_reasons_text(const struct assay_model *model, const struct assay_reasons *reasons,
                                         char *text, size_t size);

/* Reads and judges one picture file: as assay_picture_read_file, then assay_detect. */
ASSAY_API assay_status assay_detect_file(struct assay_model *model, const char *path, const struct assay_limits *limits,
                                         struct assay_job *job, struct assay_result *result, struct assay_error *error);

/* The same for encoded bytes, as assay_picture_read_memory. */
ASSAY_API assay_status assay_detect_memory(struct assay_model *model, const void *bytes, size_t size, const char *name,
                                           const struct assay_limits *limits, struct assay_job *job,
                                           struct assay_result *result, struct assay_error *error);

/* The same for raw pixels, as assay_picture_from_rgb. */
ASSAY_API assay_status assay_detect_rgb(struct assay_model *model, const uint8_t *pixels, int width, int height,
                                        size_t stride, struct assay_job *job, struct assay_result *result,
                                        struct assay_error *error);

/* ---- Provenance: what the file itself says ----------------------------------------------------------------------- */

/* What a file says of how its picture was made. It stands beside a verdict and never changes one: metadata can be
 * stripped and forged. docs/provenance.md says what is read and how it is weighed. */
typedef enum assay_provenance_kind {
    ASSAY_PROVENANCE_NONE = 0,          /* nothing of the kind */
    ASSAY_PROVENANCE_CAMERA_METADATA,   /* EXIF names a camera */
    ASSAY_PROVENANCE_DECLARED_CAPTURE,  /* that a camera took it */
    ASSAY_PROVENANCE_DECLARED_EDITED,   /* that it was altered, by a generator or by hand */
    ASSAY_PROVENANCE_DECLARED_GENERATED /* that a generator made it */
} assay_provenance_kind;

/* How strong that is. */
typedef enum assay_provenance_strength {
    ASSAY_STRENGTH_NONE = 0,         /* of ASSAY_PROVENANCE_NONE */
    ASSAY_STRENGTH_UNSIGNED,         /* anybody could have written it */
    ASSAY_STRENGTH_SIGNED_BROKEN,    /* signed, but the signature or the picture's hash does not hold */
    ASSAY_STRENGTH_SIGNED_UNCHECKED, /* signed; nothing is wrong, but something could not be checked */
    ASSAY_STRENGTH_SIGNED_INTACT     /* signed, and everything holds. Whom to trust is another question */
} assay_provenance_strength;

/* What is asked; a zero field means its default, and so does a NULL pointer to all. */
struct assay_provenance_options {
    const char *trust; /* a file of certificates (PEM) that signers must lead to; NULL: trust is not asked */
};

/* All that was read from one file. Never changes. */
struct assay_provenance;

/* Reads what a picture's file says of itself; no pixel is judged, no network asked. Of `limits` max_bytes holds; it and
 * `options` may be NULL. The path "-" is standard input. On success *out is the caller's, to be freed with
 * assay_provenance_free. Damaged metadata is no error. Errors: ARGUMENT (path or out is NULL, a directory), IO (the
 * file, or the list of certificates), FORMAT (no picture of the formats of assay_picture_read_file; a list without
 * certificates), LIMIT. */
ASSAY_API assay_status assay_provenance_read_file(const char *path, const struct assay_limits *limits,
                                                  const struct assay_provenance_options *options,
                                                  struct assay_provenance **out, struct assay_error *error);

/* The same from `size` encoded bytes in memory, which are not kept. `name` stands for the file in messages; NULL:
 * "picture in memory". */
ASSAY_API assay_status assay_provenance_read_memory(const void *bytes, size_t size, const char *name,
                                                    const struct assay_provenance_options *options,
                                                    struct assay_provenance **out, struct assay_error *error);

ASSAY_API assay_provenance_kind assay_provenance_kind_of(const struct assay_provenance *provenance); /* NULL: NONE */
ASSAY_API assay_provenance_strength assay_provenance_strength_of(const struct assay_provenance *provenance);

/* In plain words, several sentences in one line; it says how strong the finding is, and that metadata can be forged.
 * Lives as long as the provenance. "" for NULL. */
ASSAY_API const char *assay_provenance_sentence(const struct assay_provenance *provenance);

/* The generator, editor or camera that is named; NULL: none, or the provenance is NULL. A stranger wrote it: any UTF-8.
 * Lives as long as the provenance. */
ASSAY_API const char *assay_provenance_who(const struct assay_provenance *provenance);

/* The same of who signed, from the certificate. */
ASSAY_API const char *assay_provenance_signer(const struct assay_provenance *provenance);

/* Everything that was found, as one JSON object: what `assay inspect --json` prints of a file, without its name. On
 * success *text is the caller's, NUL-terminated, to be freed with assay_text_free. Errors: ARGUMENT (NULL). */
ASSAY_API assay_status assay_provenance_json(const struct assay_provenance *provenance, char **text,
                                             struct assay_error *error);

/* "none", "camera-metadata", "declared-capture", "declared-edited", "declared-generated". Never NULL; static memory. */
ASSAY_API const char *assay_provenance_kind_text(assay_provenance_kind kind);

/* "none", "unsigned", "signed-broken", "signed-unchecked", "signed-intact". Never NULL; static memory. */
ASSAY_API const char *assay_provenance_strength_text(assay_provenance_strength strength);

/* Where what a file declares and what a model judges cannot both be true: a phrase that names both. NULL: they can.
 * Static memory. */
ASSAY_API const char *assay_disagreement(assay_provenance_kind kind, assay_verdict verdict);

ASSAY_API void assay_text_free(char *text);                                /* NULL is fine */
ASSAY_API void assay_provenance_free(struct assay_provenance *provenance); /* NULL is fine */

/* ---- Maps: where a picture speaks for a verdict ----------------------------------------------------------------- */

/* How a map is made; see docs/evaluation.md. */
typedef enum assay_map_method {
    ASSAY_MAP_AUTO = 0, /* the first of those below that the detector has */
    ASSAY_MAP_CAM,      /* what the head makes of each place, in logits */
    ASSAY_MAP_ROLLOUT,  /* of attention, in multiples of the even share; the same for both sides */
    ASSAY_MAP_GRAD_CAM  /* last feature maps weighted by the logit's gradients, in logits */
} assay_map_method;

/* What a map shows evidence for. */
typedef enum assay_map_side {
    ASSAY_SIDE_LEANING = 0, /* "generated" where the probability is at least one half, else "real" */
    ASSAY_SIDE_GENERATED,
    ASSAY_SIDE_REAL
} assay_map_side;

/* A zero field means its default, and so does a NULL pointer to all. */
struct assay_map_options {
    assay_map_method method;
    assay_map_side side;
};

/* Such a map says what moved the model, not what is wrong with the picture: it is no mask of what was altered. Made by
 * assay_explain, read by the caller, freed with assay_map_free. */
struct assay_map {
    int width, height; /* the picture's sides, or fewer places in proportion: no side has more than 1024 */
    const float *heat; /* [height, width] over the whole picture: 0 nothing to 1 much, negative where no crop looked */
    double low, high;  /* the values behind 0 and 1, in the method's unit; where they are equal all heat is 0 */
    assay_map_method method;    /* the one that was used, never AUTO */
    assay_map_side side;        /* the one that is shown, never LEANING */
    double seen;                /* share of the map that some crop has looked at, 0 to 1 */
    int crops;                  /* how many looked */
    struct assay_result result; /* the verdict on the picture, as assay_detect gives it but for rounding */
};

/* Judges one picture and maps where it speaks for the verdict. `options` and `job` may be NULL. On success *out is the
 * caller's. Errors: ARGUMENT (NULL, an option that is not in its enumeration), MODEL (a method that the detector does
 * not have, or damaged weights), CANCELLED. */
ASSAY_API assay_status assay_explain(struct assay_model *model, const struct assay_picture *picture,
                                     const struct assay_map_options *options, struct assay_job *job,
                                     struct assay_map **out, struct assay_error *error);

/* The picture, beside it the same in grey with the map's colours over it (dark violet 0, pale yellow 1, hatched: not
 * looked at), and a bar of the colours: as a new picture, longer side of each at most 1024 pixels. On success *out is
 * the caller's, to be freed with assay_picture_free. Errors: ARGUMENT (NULL). */
ASSAY_API assay_status assay_map_draw(const struct assay_map *map, const struct assay_picture *picture,
                                      struct assay_picture **out, struct assay_error *error);

ASSAY_API void assay_map_free(struct assay_map *map); /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif
