/* run_report_parts.c - embeddings, activation maps and warnings of the data check. */
#include "eval/run_report_parts.h"

#include <string.h>

#include "base/crew.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "data/check/check.h"
#include "detector/activation.h"
#include "eval/report/tsne.h"
#include "image/heatmap.h"
#include "image/resample.h"

enum { MAP_SIDE = 256 };

/* A picture as the run judged it first. */
static assay_status open_picture(const struct evaluation *e, size_t set, const struct dataset_picture *picture,
                                 struct image *out, struct assay_error *error)
{
    struct image decoded = {0};
    assay_status status = image_decode_file(picture->path, NULL, &decoded, error);
    if (!status)
        status = perturbation_apply(&e->job.sets[set].chains[0], e->job.seed, picture->name, &decoded, out, error);
    image_free(&decoded);
    return status;
}

/* ---- embeddings -------------------------------------------------------------------------------------------------- */

/* The predictions of a model on a set that are judged and not art, in the order of the file. */
static bool is_of(const struct run_report *r, const struct prediction *p, size_t set, size_t model)
{
    const struct evaluation *e = r->summary->evaluation;
    return p->readable && !p->art && strcmp(p->set, e->sets[set].name) == 0 &&
           strcmp(p->model, e->models[model].name) == 0;
}

static const struct dataset_picture *find_picture(const struct dataset *dataset, const char *name, size_t *from)
{
    for (size_t i = 0; i < dataset->count; i++) { /* predictions come in the order of the dataset */
        size_t at = (*from + i) % dataset->count;
        if (strcmp(dataset->pictures[at].name, name) == 0) {
            *from = at + 1;
            return &dataset->pictures[at];
        }
    }
    return NULL;
}

static assay_status write_embeddings(const struct run_report *r, const struct report_embeddings *item,
                                     struct assay_error *error)
{
    struct arena arena = {0};
    const char *path = arena_printf(&arena, "%s/embeddings-%zu.safetensors", r->folder, r->embeddings.count + 1);
    const int64_t dim[2] = {(int64_t)item->count, (int64_t)item->width};
    const struct safetensors_item tensor = {"embeddings", 2, dim, item->data};
    assay_status status = path ? safetensors_write(path, &tensor, 1, NULL, error) : error_memory(error, "embeddings");
    arena_free(&arena);
    return status;
}

/* The chosen predictions, each a job of a crew: row i of `data` is that of chosen[i]. */
struct embedding {
    const struct evaluation *evaluation;
    struct model_scorer *scorer;
    size_t set, width;
    const struct dataset_picture **pictures; /* of each; NULL: there is none */
    float *data;
};

struct embedded {
    bool there;
    assay_status status; /* of what ends it all */
    struct assay_error error;
};

static void embed_picture(void *context, struct crew_seat *seat, uint64_t job, void *result)
{
    const struct embedding *e = context;
    const struct dataset_picture *picture = e->pictures[job];
    struct embedded *out = result;
    struct image image = {0};
    double logit;
    (void)seat;
    if (picture && open_picture(e->evaluation, e->set, picture, &image, NULL) == ASSAY_OK) {
        out->status = model_score_embed(e->scorer, &(const struct image *){&image}, 1, &logit, e->data + job * e->width,
                                        &out->error);
        out->there = !out->status;
    }
    image_free(&image);
}

/* What can no longer be read is left out. */
static assay_status embed_chosen(struct run_report *r, size_t set, size_t model, uint32_t *chosen, size_t *count,
                                 float *data, size_t width, struct assay_error *error)
{
    const struct evaluation *e = r->summary->evaluation;
    struct embedding context = {e, e->models[model].scorer, set, width, mem_alloc(*count, sizeof(void *)), data};
    const struct crew_options options = {.end = *count,
                                         .workers = parallel_threads(),
                                         .threads = 1,
                                         .window = *count,
                                         .result_bytes = sizeof(struct embedded),
                                         .work = embed_picture,
                                         .context = &context};
    struct crew *crew = NULL;
    const struct embedded *one;
    size_t from = 0, kept = 0;
    uint64_t job;
    if (!context.pictures)
        return error_memory(error, "embeddings");
    for (size_t i = 0; i < *count; i++)
        context.pictures[i] = find_picture(&e->sets[set].taken, r->predictions.items[chosen[i]].picture, &from);
    assay_status status = crew_create(&options, &crew, error);
    while (!status && (one = crew_next(crew, &job))) {
        status = one->status ? error_set(error, one->status, "%s", one->error.message) : ASSAY_OK;
        if (one->there) {
            memmove(data + kept * width, data + job * width, width * sizeof *data); /* kept <= job: it is done with */
            chosen[kept++] = chosen[job];
        }
    }
    crew_free(crew);
    mem_free(context.pictures);
    *count = kept;
    return status;
}

static assay_status embed_one(struct run_report *r, size_t set, size_t model, struct assay_error *error)
{
    const struct evaluation *e = r->summary->evaluation;
    size_t width = model_embedding_width(e->models[model].scorer), all = 0, seen = 0, count = 0, floats = 0;
    for (size_t i = 0; i < r->predictions.count; i++)
        all += is_of(r, &r->predictions.items[i], set, model);
    size_t wanted = all < (size_t)r->options->embeddings ? all : (size_t)r->options->embeddings;
    if (width == 0 || wanted < TSNE_MIN_POINTS)
        return ASSAY_OK;
    uint32_t *chosen = arena_alloc(&r->arena, wanted, sizeof *chosen);
    float *data = size_mul(wanted, width, &floats) ? arena_alloc(&r->arena, floats, sizeof *data) : NULL;
    if (!chosen || !data)
        return error_memory(error, "embeddings");
    for (size_t i = 0; i < r->predictions.count; i++)
        if (is_of(r, &r->predictions.items[i], set, model) && seen++ * wanted / all == count && count < wanted)
            chosen[count++] = (uint32_t)i;
    assay_status status = embed_chosen(r, set, model, chosen, &count, data, width, error);
    const struct report_embeddings item = {e->models[model].name, e->sets[set].name, data, count, width, chosen};
    if (status || count < TSNE_MIN_POINTS)
        return status;
    status = write_embeddings(r, &item, error);
    if (!status && !array_append(&r->embeddings, &item, 1))
        status = error_memory(error, "embeddings");
    return status;
}

assay_status run_report_embed(struct run_report *r, struct assay_error *error)
{
    const struct evaluation *e = r->summary->evaluation;
    assay_status status = ASSAY_OK;
    for (size_t m = 0; m < e->model_count && r->options->embeddings > 0; m++)
        for (size_t s = 0; s < e->set_count && !status; s++)
            status = embed_one(r, s, m, error);
    return status;
}

/* ---- activation maps --------------------------------------------------------------------------------------------- */

static const char *data_uri(const uint8_t *bytes, size_t size, struct arena *arena)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char prefix[] = "data:image/png;base64,";
    char *text = size < SIZE_MAX / 2 ? arena_alloc(arena, sizeof prefix + (size + 2) / 3 * 4, 1) : NULL;
    if (!text)
        return NULL;
    memcpy(text, prefix, sizeof prefix);
    char *at = text + sizeof prefix - 1;
    for (size_t i = 0; i < size; i += 3) {
        unsigned b = i + 1 < size ? bytes[i + 1] : 0, c = i + 2 < size ? bytes[i + 2] : 0;
        unsigned word = (unsigned)bytes[i] << 16 | b << 8 | c;
        *at++ = digits[word >> 18];
        *at++ = digits[word >> 12 & 63];
        *at++ = i + 1 < size ? digits[word >> 6 & 63] : '=';
        *at++ = i + 2 < size ? digits[word & 63] : '=';
    }
    *at = '\0';
    return text;
}

/* The picture small enough for a page. */
static assay_status shrink(const struct image *from, struct image *out, struct assay_error *error)
{
    int longer = from->width > from->height ? from->width : from->height;
    if (longer <= MAP_SIDE)
        return image_copy(from, out, error);
    int width = (int)((double)from->width * MAP_SIDE / longer + 0.5);
    int height = (int)((double)from->height * MAP_SIDE / longer + 0.5);
    return image_resize(from, width > 0 ? width : 1, height > 0 ? height : 1, IMAGE_BICUBIC, out, error);
}

static assay_status add_map(struct run_report *r, size_t set, size_t model, const struct prediction *p,
                            struct assay_error *error)
{
    const struct evaluation *e = r->summary->evaluation;
    struct image image = {0}, small = {0}, drawn = {0};
    struct activation map = {0};
    uint8_t *png = NULL;
    size_t size = 0, from = 0;
    const struct dataset_picture *picture = find_picture(&e->sets[set].taken, p->picture, &from);
    assay_status status = ASSAY_OK;
    if (!picture || open_picture(e, set, picture, &image, NULL) ||
        model_activation(e->models[model].scorer, &image, NULL, &map, NULL))
        goto done; /* the report does without */
    status = shrink(&image, &small, error);
    if (!status)
        status = heatmap_draw(&small, map.heat, map.width, map.height, &drawn, error);
    if (!status)
        status = image_encode_png(&drawn, &png, &size, error);
    if (status)
        goto done;
    const struct report_map item = {e->models[model].name, e->sets[set].name, p->picture,
                                    data_uri(png, size, &r->arena), NULL};
    if (!item.data_uri || !array_append(&r->maps, &item, 1))
        status = error_memory(error, "a map");
done:
    mem_free(png);
    activation_free(&map);
    image_free(&image);
    image_free(&small);
    image_free(&drawn);
    return status;
}

static size_t set_of(const struct evaluation *e, const char *name)
{
    size_t s = 0;
    while (strcmp(e->sets[s].name, name) != 0)
        s++;
    return s;
}

static size_t model_of(const struct evaluation *e, const char *name)
{
    size_t m = 0;
    while (strcmp(e->models[m].name, name) != 0)
        m++;
    return m;
}

assay_status run_report_map(struct run_report *r, struct assay_error *error)
{
    const struct evaluation *e = r->summary->evaluation;
    struct report_choices choices = {0};
    if (r->options->maps == 0)
        return ASSAY_OK;
    assay_status status = report_choose(r->predictions.items, r->predictions.count, &choices, error);
    int64_t of_kind = 0;
    for (size_t i = 0; i < choices.count && !status; i++) {
        const struct report_choice *c = &choices.items[i], *before = i ? c - 1 : NULL;
        bool same = before && before->kind == c->kind && strcmp(before->prediction->set, c->prediction->set) == 0 &&
                    strcmp(before->prediction->model, c->prediction->model) == 0;
        of_kind = same ? of_kind + 1 : 1;
        if (of_kind <= r->options->maps)
            status = add_map(r, set_of(e, c->prediction->set), model_of(e, c->prediction->model), c->prediction, error);
    }
    report_choices_free(&choices);
    return status;
}

/* ---- the data check ---------------------------------------------------------------------------------------------- */

static assay_status add_warning(struct run_report *r, const char *set, const char *text, struct assay_error *error)
{
    const char *warning = arena_printf(&r->arena, "%s: %s", set, text);
    return warning && array_append(&r->warnings, &warning, 1) ? ASSAY_OK : error_memory(error, "warnings");
}

static assay_status check_set(struct run_report *r, const struct evaluation_set *s, const char *layout,
                              struct assay_error *error)
{
    enum { DISTANCE = 6 };
    struct scan scan = {0};
    struct check check = {0};
    struct assay_error why = {0};
    if (!s->all.label_count[LABEL_REAL] || !s->all.label_count[LABEL_GENERATED])
        return add_warning(r, s->name, "one class alone: there is nothing that a file's properties could tell apart",
                           error);
    assay_status status = scan_open(s->path, layout, &scan, &why);
    if (!status)
        status = scan_read(&scan, r->options->stream, &why);
    if (!status)
        status = check_run(&scan, DISTANCE, &check, &why);
    if (status)
        error_set(error, status, "%s", why.message);
    for (size_t i = 0; i < check.warnings.count && !status; i++)
        status = add_warning(r, s->name, ((const struct check_warning *)check.warnings.data)[i].text, error);
    check_free(&check);
    scan_free(&scan);
    return status;
}

assay_status run_report_check(struct run_report *r, struct assay_error *error)
{
    const struct evaluation *e = r->summary->evaluation;
    assay_status status = ASSAY_OK;
    for (size_t s = 0; s < e->set_count && !status; s++)
        status = r->options->check
                     ? check_set(r, &e->sets[s], e->options.layout, error)
                     : add_warning(r, e->sets[s].name,
                                   "not checked for what tells the classes apart without looking at the pictures, such "
                                   "as file formats (--check, or assay data check)",
                                   error);
    return status;
}
