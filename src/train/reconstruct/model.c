/* model.c - an autoencoder's weights: declared, saved, loaded, compared with what is asked for. */
#include "train/reconstruct/model.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "format/safetensors.h"
#include "train/reconstruct/autoencoder.h"
#include "train/settings.h"

static const char metadata_key[] = "assay.reconstruct";

double autoencoder_psnr(double mean_square)
{
    return mean_square > 4e-10 ? 10 * log10(4 / mean_square) : 100;
}

bool autoencoder_owns(const struct store_entry *entry)
{
    return entry->kind == STORE_PARAM && strncmp(entry->name, CRITIC_PREFIX, strlen(CRITIC_PREFIX)) != 0;
}

assay_status autoencoder_declare(struct store *store, const struct autoencoder_options *options,
                                 struct assay_error *error)
{
    int64_t side = autoencoder_factor(options) * 2;
    struct graph *g = graph_create(store, (struct graph_options){0});
    if (!g)
        return error_memory(error, "an autoencoder");
    autoencoder(g, params_root(store), input(g, "picture", SHAPE(1, side, side, 3), DTYPE_F32), options);
    assay_status status = graph_status(g, error);
    graph_free(g);
    return status;
}

void autoencoder_free(struct autoencoder_model *m)
{
    program_free(m->program);
    store_free(m->store);
    *m = (struct autoencoder_model){0};
}

/* ---- file -------------------------------------------------------------------------------------------------------- */

/* {"options", "data", "psnr", "environment"} as text within an object, as safetensors has its metadata. */
static json_t *describe(const struct autoencoder_model *m)
{
    json_t *object =
        json_pack("{s:o*, s:s, s:f, s:o*}", "options", option_to_json(autoencoder_option_table, &m->options), "data",
                  m->data, "psnr", m->psnr, "environment", settings_environment());
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_t *metadata = text ? json_pack("{s:s}", metadata_key, text) : NULL;
    free(text);
    json_decref(object);
    return metadata;
}

assay_status autoencoder_save(const struct autoencoder_model *m, const char *path, struct assay_error *error)
{
    const struct string_map *entries = &m->store->entries;
    struct safetensors_item *items = mem_alloc(entries->count + 1, sizeof *items);
    json_t *metadata = describe(m);
    size_t count = 0;
    assay_status status = items && metadata ? ASSAY_OK : error_memory(error, path);
    for (size_t i = 0; i < entries->count && !status; i++) {
        const struct store_entry *e = entries->entries[i].value;
        if (autoencoder_owns(e))
            items[count++] = (struct safetensors_item){e->name, e->shape.rank, e->shape.dim, e->data};
    }
    if (!status)
        status = safetensors_write(path, items, count, metadata, error);
    json_decref(metadata);
    mem_free(items);
    return status;
}

/* Options and what else the metadata hold. */
static assay_status read_description(const struct safetensors *file, const char *path, struct autoencoder_model *m,
                                     struct assay_error *error)
{
    struct arena arena = {0};
    const char *text = string_map_get(&file->metadata, metadata_key);
    json_t *object = text ? json_loads(text, 0, NULL) : NULL;
    const char *data = json_string_value(json_object_get(object, "data"));
    const json_t *options = json_object_get(object, "options");
    assay_status status = ASSAY_OK;
    option_defaults(autoencoder_option_table, &m->options);
    if (!data || strlen(data) >= sizeof m->data || !json_is_object(options))
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: no autoencoder of 'assay data reconstruct'", path);
    else
        status = option_from_json(autoencoder_option_table, &m->options, options, path, &arena, error);
    if (!status) {
        memcpy(m->data, data, strlen(data) + 1);
        m->psnr = json_number_value(json_object_get(object, "psnr"));
    }
    json_decref(object);
    arena_free(&arena);
    return status;
}

static assay_status read_weights(const struct safetensors *file, const char *path, struct store *store,
                                 struct assay_error *error)
{
    for (size_t i = 0; i < store->entries.count; i++) {
        struct store_entry *e = store->entries.entries[i].value;
        const struct file_tensor *t = string_map_get(&file->tensors, e->name);
        struct shape shape = t ? shape_of(t->dim, t->rank) : SHAPE_SCALAR;
        assay_status status = ASSAY_OK;
        if (!t || !shape_equal(&shape, &e->shape) || !file_tensor_is_float(t))
            return error_set(error, ASSAY_ERROR_FORMAT, "%s: tensor %s is missing or of another shape", path, e->name);
        if ((status = store_make_writable(e, error)))
            return status;
        file_tensor_read_f32(t, e->data);
        e->version++;
    }
    return ASSAY_OK;
}

assay_status autoencoder_load(const char *path, struct autoencoder_model *out, struct assay_error *error)
{
    struct safetensors file = {0};
    struct autoencoder_model m = {0};
    assay_status status = safetensors_open(path, &file, error);
    if (!status)
        status = read_description(&file, path, &m, error);
    if (!status)
        status = store_create(&m.store, error);
    if (!status)
        status = autoencoder_declare(m.store, &m.options, error);
    if (!status)
        status = read_weights(&file, path, m.store, error);
    safetensors_close(&file);
    if (status)
        autoencoder_free(&m);
    else
        *out = m;
    return status;
}

assay_status autoencoder_compare(const struct autoencoder_model *m, const struct autoencoder_options *options,
                                 const char *data, const char *path, struct assay_error *error)
{
    static const char advice[] = "name another with --name, or train anew with --overwrite";
    for (const struct option *o = autoencoder_option_table; o->name; o++) {
        char then[64], now[64];
        option_format(o, &m->options, then, sizeof then);
        option_format(o, options, now, sizeof now);
        if (strcmp(then, now) != 0)
            return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: was trained with %s %s, not %s; %s", path, o->name, then,
                             now, advice);
    }
    if (strcmp(m->data, data) != 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: was trained on other pictures; %s", path, advice);
    return ASSAY_OK;
}
