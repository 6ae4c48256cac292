/* perturbation.c - the steps that there are, chains of them as text, and what is drawn for a picture. */
#include "image/perturbation.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/text.h"
#include "image/geometry.h"
#include "image/perturb.h"
#include "image/resample.h"

/* ---- the steps ------------------------------------------------------------------------------------------------ */

#define UNIT ((int64_t)PERTURBATION_UNIT)

static assay_status apply_jpeg(const struct image *from, double value, uint64_t seed, struct image *out,
                               struct assay_error *error)
{
    (void)seed;
    return image_jpeg(from, (int)value, out, error);
}

static assay_status apply_jpeg_bgr(const struct image *from, double value, uint64_t seed, struct image *out,
                                   struct assay_error *error)
{
    (void)seed;
    return image_jpeg_bgr(from, (int)value, out, error);
}

static assay_status apply_webp(const struct image *from, double value, uint64_t seed, struct image *out,
                               struct assay_error *error)
{
    (void)seed;
    return image_webp(from, (int)value, out, error);
}

static assay_status apply_blur(const struct image *from, double value, uint64_t seed, struct image *out,
                               struct assay_error *error)
{
    (void)seed;
    return image_blur(from, value, out, error);
}

/* Frank et al. set sigma to 4 for every size, by way of a constant meant for the border. */
static assay_status apply_kernel(const struct image *from, double value, uint64_t seed, struct image *out,
                                 struct assay_error *error)
{
    (void)seed;
    return image_blur_kernel(from, (int)value, 4.0, out, error);
}

static assay_status apply_noise(const struct image *from, double value, uint64_t seed, struct image *out,
                                struct assay_error *error)
{
    return image_noise(from, value, seed, out, error);
}

/* A side of `side` pixels times a factor, rounded, at least 1. */
static double scaled(int side, double factor)
{
    double size = floor(side * factor + 0.5);
    return size < 1 ? 1 : size;
}

/* Pillow's bicubic, antialiased. Sizes are checked here because a factor may make anything of them. */
static assay_status resize_to(const struct image *from, double width, double height, struct image *out,
                              struct assay_error *error)
{
    if (width > LIMIT_PICTURE_SIDE || height > LIMIT_PICTURE_SIDE || width * height > (double)LIMIT_PICTURE_PIXELS)
        return error_set(error, ASSAY_ERROR_LIMIT,
                         "a picture of %d x %d pixels cannot be resized to %.0f x %.0f: that is more than %.0f pixels, "
                         "or a side over %d",
                         from->width, from->height, width, height, (double)LIMIT_PICTURE_PIXELS, LIMIT_PICTURE_SIDE);
    return image_resize(from, (int)width, (int)height, IMAGE_BICUBIC, out, error);
}

static assay_status apply_resize(const struct image *from, double value, uint64_t seed, struct image *out,
                                 struct assay_error *error)
{
    (void)seed;
    return resize_to(from, scaled(from->width, value), scaled(from->height, value), out, error);
}

static assay_status apply_width(const struct image *from, double value, uint64_t seed, struct image *out,
                                struct assay_error *error)
{
    (void)seed;
    return resize_to(from, value, scaled(from->height, value / from->width), out, error);
}

static assay_status apply_fit(const struct image *from, double value, uint64_t seed, struct image *out,
                              struct assay_error *error)
{
    int longer = from->width > from->height ? from->width : from->height;
    (void)seed;
    if (longer <= value)
        return image_copy(from, out, error);
    return resize_to(from, scaled(from->width, value / longer), scaled(from->height, value / longer), out, error);
}

static assay_status apply_crop(const struct image *from, double value, uint64_t seed, struct image *out,
                               struct assay_error *error)
{
    (void)seed;
    return image_crop_center(from, (int)scaled(from->width, value), (int)scaled(from->height, value), out, error);
}

static assay_status apply_crop_random(const struct image *from, double value, uint64_t seed, struct image *out,
                                      struct assay_error *error)
{
    struct random place = random_open(seed, 0, 0);
    return image_crop_random(from, (int)scaled(from->width, value), (int)scaled(from->height, value), &place, out,
                             error);
}

static assay_status apply_zoom(const struct image *from, double value, uint64_t seed, struct image *out,
                               struct assay_error *error)
{
    (void)seed;
    return image_zoom(from, value, 0, out, error);
}

static assay_status apply_zoom_transposed(const struct image *from, double value, uint64_t seed, struct image *out,
                                          struct assay_error *error)
{
    (void)seed;
    return image_zoom(from, value, 1, out, error);
}

static const struct perturbation_kind kinds[] = {
    {"jpeg", UNIT, 100 * UNIT, UNIT, "quality", "encoded as JPEG (4:2:0) and decoded", apply_jpeg},
    {"webp", UNIT, 100 * UNIT, UNIT, "quality", "encoded as lossy WebP and decoded", apply_webp},
    {"blur", 0, 20 * UNIT, 1, "sigma in pixels", "Gaussian blur as SciPy's, cut at 4 sigma", apply_blur},
    {"kernel", 3 * UNIT, 31 * UNIT, 2 * UNIT, "size in pixels", "Gaussian blur as OpenCV's, sigma 4", apply_kernel},
    {"noise", 0, 100 * UNIT, 1, "sigma in grey levels", "Gaussian noise", apply_noise},
    {"resize", UNIT / 20, 4 * UNIT, 1, "factor", "both sides by a factor (bicubic, antialiased)", apply_resize},
    {"width", 16 * UNIT, 8192 * UNIT, UNIT, "pixels", "to a width, aspect kept (bicubic, antialiased)", apply_width},
    {"fit", 16 * UNIT, 8192 * UNIT, UNIT, "pixels", "larger ones shrunk to that longer side", apply_fit},
    {"crop", UNIT / 20, UNIT, 1, "share of each side", "the centre is kept", apply_crop},
    {"crop-random", UNIT / 20, UNIT, 1, "share of each side", "a window is kept, drawn for each", apply_crop_random},
    {"zoom", 0, UNIT * 9 / 10, 1, "share of each side", "cut from the edges, then enlarged again (OpenCV's cubic)",
     apply_zoom},
    {"jpeg-bgr", UNIT, 100 * UNIT, UNIT, "quality", "JPEG with red and blue exchanged (Frank et al. as released)",
     apply_jpeg_bgr},
    {"zoom-transposed", 0, UNIT * 9 / 10, 1, "share of each side",
     "zoom to width and height exchanged (Frank et al. as released)", apply_zoom_transposed},
    {0},
};

const struct perturbation_kind *perturbation_kinds(void)
{
    return kinds;
}

/* ---- numbers -------------------------------------------------------------------------------------------------- */

/* Ten-thousandths as the shortest decimal. */
static const char *unit_text(int64_t value, char text[24])
{
    int length = snprintf(text, 24, "%lld.%04lld", (long long)(value / UNIT), (long long)(value % UNIT));
    while (text[length - 1] == '0')
        text[--length] = '\0';
    if (text[length - 1] == '.')
        text[length - 1] = '\0';
    return text;
}

/* Digits, then at most four decimals; a point that no digit follows is left for "..". False where there is no number,
 * or a longer one. */
static bool read_unit(const char **at, int64_t *out)
{
    enum { MOST_DIGITS = 6, MOST_DECIMALS = 4 };
    const char *p = *at;
    int64_t value = 0;
    int digits = 0, decimals = 0;
    for (; *p >= '0' && *p <= '9'; p++, digits++)
        if (digits < MOST_DIGITS)
            value = value * 10 + (*p - '0');
    if (digits == 0 || digits > MOST_DIGITS)
        return false;
    if (p[0] == '.' && p[1] >= '0' && p[1] <= '9')
        for (p++; *p >= '0' && *p <= '9'; p++, decimals++)
            if (decimals < MOST_DECIMALS)
                value = value * 10 + (*p - '0');
    if (decimals > MOST_DECIMALS)
        return false;
    for (; decimals < MOST_DECIMALS; decimals++)
        value *= 10;
    *out = value;
    *at = p;
    return true;
}

const char *perturbation_range(const struct perturbation_kind *kind, char *text, size_t size)
{
    char low[24], high[24];
    snprintf(text, size, "%s..%s%s", unit_text(kind->min, low), unit_text(kind->max, high),
             kind->grid == 2 * UNIT ? " (odd)"
             : kind->grid == UNIT   ? " (whole)"
                                    : "");
    return text;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

enum { PART_TEXT = 96 }; /* "NAME:LOW..HIGH@PROBABILITY", its NUL included */

/* One step while it is read. Errors show the whole chain, then the part. */
struct part {
    const char *chain;
    char text[PART_TEXT];
    struct assay_error *error;
};

#define REFUSE(part, ...) refuse(part, error_set((part)->error, ASSAY_ERROR_ARGUMENT, __VA_ARGS__))

/* Puts the chain and the part before the reason that was just written. */
static assay_status refuse(const struct part *part, assay_status status)
{
    char reason[sizeof part->error->message], chain[TEXT_NAME], text[PART_TEXT];
    if (!part->error)
        return status;
    memcpy(reason, part->error->message, sizeof reason);
    text_printable(part->chain, chain, sizeof chain);
    text_printable(part->text, text, sizeof text);
    if (strcmp(chain, text) == 0)
        return error_set(part->error, status, "perturbation \"%s\": %s", chain, reason);
    return error_set(part->error, status, "perturbation \"%s\": in \"%s\", %s", chain, text, reason);
}

static assay_status unknown_kind(const struct part *part, const char *name)
{
    char shown[TEXT_NAME], hint[TEXT_NEAREST], list[640] = "", range[64];
    struct nearest near = nearest_to(name);
    size_t used = 0;
    for (const struct perturbation_kind *kind = kinds; kind->name; kind++) {
        nearest_offer(&near, kind->name);
        int length = snprintf(list + used, sizeof list - used, "%s%s:%s", used ? ", " : "", kind->name,
                              perturbation_range(kind, range, sizeof range));
        if (length < 0 || (size_t)length >= sizeof list - used)
            break;
        used += (size_t)length;
    }
    return REFUSE(part, "no step is called \"%s\"%s Known are %s", text_printable(name, shown, sizeof shown),
                  near.count ? nearest_text(&near, hint) : ".", list);
}

static assay_status read_value(const struct part *part, const char **at, struct perturbation_step *step)
{
    char range[64], low[24], high[24];
    const struct perturbation_kind *kind = step->kind;
    perturbation_range(kind, range, sizeof range);
    if (**at != ':' || !(*at)[1])
        return REFUSE(part, "the value is missing: %s:VALUE, the %s from %s", kind->name, kind->value, range);
    (*at)++;
    bool number = read_unit(at, &step->low);
    step->high = step->low;
    if (number && strncmp(*at, "..", 2) == 0) {
        *at += 2;
        number = read_unit(at, &step->high);
    }
    if (!number || (**at && **at != '@'))
        return REFUSE(part,
                      "the value must be a number of at most four decimals, or two with \"..\" between: the %s "
                      "from %s",
                      kind->value, range);
    if (step->low > step->high)
        return REFUSE(part, "%s is above %s", unit_text(step->low, low), unit_text(step->high, high));
    if (step->low < kind->min || step->high > kind->max || (step->low - kind->min) % kind->grid ||
        (step->high - kind->min) % kind->grid)
        return REFUSE(part, "the %s must be from %s", kind->value, range);
    return ASSAY_OK;
}

/* `last`: no alternative follows, so that a probability may. */
static assay_status read_part(struct part *part, bool last, struct perturbation_step *step)
{
    const char *at = part->text + strcspn(part->text, ":@");
    size_t length = (size_t)(at - part->text);
    *step = (struct perturbation_step){.probability = UNIT};
    if (!part->text[0])
        return REFUSE(part, "a step is missing beside \"+\" or \"|\"");
    for (const struct perturbation_kind *kind = kinds; kind->name && !step->kind; kind++)
        if (strncmp(kind->name, part->text, length) == 0 && !kind->name[length])
            step->kind = kind;
    if (!step->kind) {
        char name[PART_TEXT];
        memcpy(name, part->text, length);
        name[length] = '\0';
        return unknown_kind(part, name);
    }
    assay_status status = read_value(part, &at, step);
    if (status || !*at)
        return status;
    at++; /* @ */
    if (!last)
        return REFUSE(part, "a probability follows the last of several alternatives, for all of them");
    if (!read_unit(&at, &step->probability) || *at || step->probability < 1 || step->probability > UNIT)
        return REFUSE(part, "the probability after \"@\" must be above 0 and at most 1");
    return ASSAY_OK;
}

/* The canonical text of the steps; false where it does not fit. */
static bool write_text(struct perturbation *chain)
{
    size_t used = 0;
    chain->text[0] = '\0';
    for (int i = 0; i < chain->count; i++) {
        const struct perturbation_step *step = &chain->steps[i];
        bool last = i + 1 == chain->count || !chain->steps[i + 1].alternative, drawn = step->low != step->high;
        bool uncertain = last && step->probability != UNIT;
        char low[24], high[24], probability[24];
        int length = snprintf(chain->text + used, sizeof chain->text - used, "%s%s:%s%s%s%s%s",
                              step->alternative ? "|"
                              : i               ? "+"
                                                : "",
                              step->kind->name, unit_text(step->low, low), drawn ? ".." : "",
                              drawn ? unit_text(step->high, high) : "", uncertain ? "@" : "",
                              uncertain ? unit_text(step->probability, probability) : "");
        if (length < 0 || (size_t)length >= sizeof chain->text - used)
            return false;
        used += (size_t)length;
    }
    return true;
}

assay_status perturbation_parse(const char *text, struct perturbation *out, struct assay_error *error)
{
    *out = (struct perturbation){0};
    if (!text[0] || strcmp(text, "none") == 0)
        return ASSAY_OK;
    struct part part = {.chain = text, .error = error};
    bool alternative = false;
    int stage = 0; /* where the alternatives began */
    for (const char *at = text;;) {
        size_t length = strcspn(at, "+|");
        char end = at[length];
        if (length >= sizeof part.text) {
            snprintf(part.text, sizeof part.text, "%s", at);
            return REFUSE(&part, "a step is longer than %d characters", PART_TEXT - 1);
        }
        memcpy(part.text, at, length);
        part.text[length] = '\0';
        if (out->count == PERTURBATION_STEPS)
            return REFUSE(&part, "there are more than %d steps", PERTURBATION_STEPS);
        struct perturbation_step *step = &out->steps[out->count];
        assay_status status = read_part(&part, end != '|', step);
        if (status)
            return status;
        step->alternative = alternative;
        out->count++;
        if (end != '|') {
            for (int i = stage; i < out->count; i++)
                out->steps[i].probability = step->probability;
            stage = out->count;
        }
        alternative = end == '|';
        if (!end)
            break;
        at += length + 1;
    }
    if (!write_text(out))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "a perturbation is longer than %d characters",
                         PERTURBATION_TEXT - 1);
    return ASSAY_OK;
}

/* ---- drawing and applying ------------------------------------------------------------------------------------- */

/* The step to take of each group of alternatives, with its value, and a seed for each. Every group draws the same
 * numbers, whether it is taken or not. */
static void draw(const struct perturbation *chain, uint64_t seed, const char *name, struct perturbation *drawn,
                 uint64_t seeds[PERTURBATION_STEPS])
{
    struct random random = random_open(seed, hash_text(chain->text), hash_text(name));
    *drawn = (struct perturbation){0};
    for (int first = 0, next; first < chain->count; first = next) {
        for (next = first + 1; next < chain->count && chain->steps[next].alternative;)
            next++;
        bool taken = (int64_t)random_below(&random, PERTURBATION_UNIT) < chain->steps[first].probability;
        struct perturbation_step step = chain->steps[first + (int)random_below(&random, (uint64_t)(next - first))];
        uint64_t places = (uint64_t)((step.high - step.low) / step.kind->grid) + 1;
        step.low = step.high = step.low + (int64_t)random_below(&random, places) * step.kind->grid;
        step.probability = UNIT;
        step.alternative = false;
        uint64_t high = random_u32(&random), low = random_u32(&random);
        if (taken) {
            seeds[drawn->count] = high << 32 | low;
            drawn->steps[drawn->count++] = step;
        }
    }
}

void perturbation_draw(const struct perturbation *chain, uint64_t seed, const char *name, struct perturbation *drawn)
{
    uint64_t seeds[PERTURBATION_STEPS];
    draw(chain, seed, name, drawn, seeds);
    write_text(drawn);
}

assay_status perturbation_apply(const struct perturbation *chain, uint64_t seed, const char *name,
                                const struct image *from, struct image *out, struct assay_error *error)
{
    struct perturbation drawn;
    uint64_t seeds[PERTURBATION_STEPS];
    *out = (struct image){0};
    draw(chain, seed, name, &drawn, seeds);
    if (drawn.count == 0)
        return image_copy(from, out, error);
    for (int i = 0; i < drawn.count; i++) {
        const struct perturbation_step *step = &drawn.steps[i];
        struct image next;
        assay_status status =
            step->kind->apply(i ? out : from, (double)step->low / PERTURBATION_UNIT, seeds[i], &next, error);
        image_free(out);
        if (status)
            return status;
        *out = next;
    }
    return ASSAY_OK;
}
