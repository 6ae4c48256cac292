/* activation_merge.c - from the maps of crops back to the picture that they were cut from, through all that the
 * preprocessing did to it. */
#include "base/memory.h"
#include "detector/activation_internal.h"

/* Where one column (or row) of the canvas reads a crop's map. */
struct tap_place {
    int low, high; /* cells; low < 0: outside the crop */
    float share;   /* of `high` */
};

/* The size that resizing alone leaves, as image_resize_shorter has it. */
static void resized_size(const struct preprocess *p, const struct image *picture, int size[2])
{
    size[0] = picture->width;
    size[1] = picture->height;
    if (p->resize == PREPROCESS_EXACT) {
        size[0] = size[1] = p->resize_to;
    } else if (p->resize == PREPROCESS_SHORTER) {
        int axis = picture->width < picture->height ? 0 : 1; /* the shorter */
        int longer = (int)((int64_t)p->resize_to * size[1 - axis] / size[axis]);
        size[axis] = p->resize_to;
        size[1 - axis] = longer;
    }
}

assay_status canvas_begin(struct activation_canvas *canvas, const struct preprocess *p, const struct image *picture,
                          const struct image *fitted, struct assay_error *error)
{
    const int whole[2] = {fitted->width, fitted->height};
    int longer = picture->width > picture->height ? picture->width : picture->height, size[2];
    *canvas = (struct activation_canvas){.picture = {picture->width, picture->height}, .crop = p->crop};
    resized_size(p, picture, canvas->resized);
    for (int axis = 0; axis < 2; axis++) {
        int from = canvas->resized[axis];
        canvas->copies[axis] = 1;
        if (p->fit == PREPROCESS_TILE)
            canvas->copies[axis] = whole[axis] / from;
        else if (whole[axis] > from)
            canvas->margin[axis] = (whole[axis] - from) / 2;
        size[axis] = canvas->picture[axis];
        if (longer > ACTIVATION_MAX_SIDE)
            size[axis] = (int)((int64_t)size[axis] * ACTIVATION_MAX_SIDE / longer);
        if (size[axis] < 1)
            size[axis] = 1;
    }
    canvas->width = size[0];
    canvas->height = size[1];
    size_t cells = (size_t)size[0] * (size_t)size[1];
    canvas->sum = mem_alloc(cells, sizeof *canvas->sum);
    canvas->count = mem_alloc(cells, sizeof *canvas->count);
    if (canvas->sum && canvas->count)
        return ASSAY_OK;
    canvas_free(canvas);
    return error_memory(error, "a map of a picture");
}

void canvas_free(struct activation_canvas *canvas)
{
    mem_free(canvas->sum);
    mem_free(canvas->count);
    *canvas = (struct activation_canvas){0};
}

/* Fills a place for each of the canvas's columns (axis 0) or rows (axis 1), and gives the range of those inside the
 * crop. */
static void places_along(const struct activation_canvas *canvas, int axis, int copy, int begin, int cells,
                         struct tap_place *places, int *first, int *end)
{
    int count = axis == 0 ? canvas->width : canvas->height;
    *first = count;
    *end = 0;
    for (int i = 0; i < count; i++) {
        double fitted = ((double)i + 0.5) * canvas->resized[axis] / count; /* pixels from the picture's own edge */
        double inside = fitted + (double)copy * canvas->resized[axis] + canvas->margin[axis] - begin;
        places[i].low = -1;
        if (inside < 0 || inside >= canvas->crop)
            continue;
        double at = inside * cells / canvas->crop - 0.5;
        at = at < 0 ? 0 : at > cells - 1 ? cells - 1 : at;
        places[i].low = (int)at;
        places[i].high = places[i].low + 1 < cells ? places[i].low + 1 : places[i].low;
        places[i].share = (float)(at - places[i].low);
        if (i < *first)
            *first = i;
        *end = i + 1;
    }
}

/* The same crop over one of the picture's copies. */
static void add_copy(struct activation_canvas *canvas, const struct tap_place *across, const int x_range[2],
                     const struct tap_place *down, const int y_range[2], const float *cells, int columns)
{
    for (int y = y_range[0]; y < y_range[1]; y++) {
        const float *top = cells + (size_t)down[y].low * (size_t)columns;
        const float *bottom = cells + (size_t)down[y].high * (size_t)columns;
        size_t row = (size_t)y * (size_t)canvas->width;
        for (int x = x_range[0]; x < x_range[1]; x++) {
            const struct tap_place *a = &across[x];
            float above = top[a->low] + (top[a->high] - top[a->low]) * a->share;
            float below = bottom[a->low] + (bottom[a->high] - bottom[a->low]) * a->share;
            canvas->sum[row + (size_t)x] += above + (below - above) * down[y].share;
            canvas->count[row + (size_t)x] += 1;
        }
    }
}

/* Whether the crop that begins there can reach that copy at all. */
static bool reaches(const struct activation_canvas *canvas, int axis, int copy, int begin)
{
    int from = copy * canvas->resized[axis] + canvas->margin[axis];
    return from < begin + canvas->crop && from + canvas->resized[axis] > begin;
}

assay_status canvas_add(struct activation_canvas *canvas, int left, int top, const float *cells, int rows, int columns,
                        struct assay_error *error)
{
    struct tap_place *across = mem_alloc((size_t)canvas->width, sizeof *across);
    struct tap_place *down = mem_alloc((size_t)canvas->height, sizeof *down);
    assay_status status = ASSAY_OK;
    if (!across || !down)
        status = error_memory(error, "a map of a picture");
    for (int copy_y = 0; !status && copy_y < canvas->copies[1]; copy_y++) {
        int y_range[2];
        if (!reaches(canvas, 1, copy_y, top))
            continue;
        places_along(canvas, 1, copy_y, top, rows, down, &y_range[0], &y_range[1]);
        for (int copy_x = 0; copy_x < canvas->copies[0]; copy_x++) {
            int x_range[2];
            if (!reaches(canvas, 0, copy_x, left))
                continue;
            places_along(canvas, 0, copy_x, left, columns, across, &x_range[0], &x_range[1]);
            add_copy(canvas, across, x_range, down, y_range, cells, columns);
        }
    }
    mem_free(across);
    mem_free(down);
    return status;
}

void canvas_finish(struct activation_canvas *canvas, double *low, double *high, double *seen)
{
    size_t cells = (size_t)canvas->width * (size_t)canvas->height, looked = 0;
    *low = *high = 0;
    for (size_t i = 0; i < cells; i++) {
        if (canvas->count[i] == 0) {
            canvas->sum[i] = ACTIVATION_UNSEEN;
            continue;
        }
        double value = (double)(canvas->sum[i] /= canvas->count[i]);
        *low = looked == 0 || value < *low ? value : *low;
        *high = looked == 0 || value > *high ? value : *high;
        looked++;
    }
    *seen = (double)looked / (double)cells;
}

double canvas_strong(const struct activation_canvas *canvas, double low, double high)
{
    enum { BINS = 4096, ABOVE = 100 };
    size_t cells = (size_t)canvas->width * (size_t)canvas->height, bins[BINS] = {0}, seen = 0, above = 0;
    if (!(high > low))
        return high;
    for (size_t i = 0; i < cells; i++) {
        if (canvas->count[i] == 0)
            continue;
        double place = ((double)canvas->sum[i] - low) / (high - low) * BINS;
        bins[place >= BINS - 1 ? BINS - 1 : place > 0 ? (int)place : 0]++;
        seen++;
    }
    for (int bin = BINS - 1; bin > 0; bin--) {
        above += bins[bin];
        if (above > seen / ABOVE)
            return low + (high - low) * (bin + 1) / BINS;
    }
    return high;
}
