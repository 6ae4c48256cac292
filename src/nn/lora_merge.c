/* lora_merge.c - adaptations multiplied into the weights, and taken out again by putting the old weights back: what is
 * subtracted from a float is not what was added to it. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "nn/lora.h"

/* A weight that was replaced. */
struct replaced {
    struct store_entry *entry;
    float *data;
    bool owned;
};

struct lora_merged {
    struct replaced *weights;
    size_t count;
};

static const char suffix_a[] = ".lora_A.weight", suffix_b[] = ".lora_B.weight";
enum { NAME = 512 };

/* "LAYER" of "LAYER.lora_A.weight"; false: not such a name. */
static bool layer_of(const char *name, char layer[NAME])
{
    size_t length = strlen(name), suffix = sizeof suffix_a - 1;
    if (length <= suffix || length - suffix >= NAME || strcmp(name + length - suffix, suffix_a) != 0)
        return false;
    memcpy(layer, name, length - suffix);
    layer[length - suffix] = '\0';
    return true;
}

static struct store_entry *entry_of(const struct store *store, const char *layer, const char *suffix)
{
    char name[NAME + 32];
    snprintf(name, sizeof name, "%s%s", layer, suffix);
    return store_get(store, name);
}

/* The weight that a layer's pair goes into, and from which of its rows on. "attn.qkv.k" goes into the second third of
 * "attn.qkv.weight"; "attn.in_proj.k" into that of "attn.in_proj_weight". */
static struct store_entry *find_weight(const struct store *store, const char *layer, int64_t *first_row)
{
    char outer[NAME];
    *first_row = 0;
    struct store_entry *weight = entry_of(store, layer, ".weight");
    if (!weight)
        weight = entry_of(store, layer, "_weight");
    if (weight)
        return weight;
    const char *dot = strrchr(layer, '.');
    static const char parts[] = "qkv";
    const char *part = dot && dot[1] && !dot[2] ? strchr(parts, dot[1]) : NULL;
    if (!part)
        return NULL;
    snprintf(outer, sizeof outer, "%.*s", (int)(dot - layer), layer);
    weight = entry_of(store, outer, ".weight");
    if (!weight)
        weight = entry_of(store, outer, "_weight");
    if (weight)
        *first_row = (part - parts) * (weight->shape.dim[0] / 3);
    return weight;
}

/* rows [O, I] += scale B [O, R] A [R, I], sums in double precision. */
static void add_product(float *rows, const float *b, const float *a, int64_t out, int64_t in, int64_t rank,
                        double scale)
{
    for (int64_t o = 0; o < out; o++)
        for (int64_t i = 0; i < in; i++) {
            double sum = 0;
            for (int64_t r = 0; r < rank; r++)
                sum += (double)b[o * rank + r] * (double)a[r * in + i];
            rows[o * in + i] = (float)((double)rows[o * in + i] + scale * sum);
        }
}

/* Replaces a weight's data by a copy, once. */
static assay_status replace(struct lora_merged *merged, struct store_entry *weight, struct assay_error *error)
{
    for (size_t i = 0; i < merged->count; i++)
        if (merged->weights[i].entry == weight)
            return ASSAY_OK;
    size_t bytes = (size_t)shape_count(&weight->shape) * sizeof(float);
    float *copy = mem_alloc_aligned(bytes);
    if (!copy)
        return error_memory(error, weight->name);
    memcpy(copy, weight->data, bytes);
    merged->weights[merged->count++] = (struct replaced){weight, weight->data, weight->owned};
    weight->data = copy;
    weight->owned = true;
    return ASSAY_OK;
}

static assay_status merge_pair(struct store *store, const struct lora_config *config, struct lora_merged *merged,
                               const struct store_entry *a, const char *layer, struct assay_error *error)
{
    char shown[TEXT_NAME];
    int64_t first;
    const struct store_entry *b = entry_of(store, layer, suffix_b);
    struct store_entry *weight = find_weight(store, layer, &first);
    text_printable(layer, shown, sizeof shown);
    if (!b || !weight || weight->shape.rank != 2 || a->shape.rank != 2 || b->shape.rank != 2 ||
        a->shape.dim[0] != b->shape.dim[1] || a->shape.dim[1] != weight->shape.dim[1] ||
        b->shape.dim[0] > weight->shape.dim[0] - first || !a->data || !b->data || !weight->data)
        return error_set(error, ASSAY_ERROR_MODEL,
                         "the LoRA pair of \"%s\" has no weight of a fitting shape to go into", shown);
    assay_status status = replace(merged, weight, error);
    if (status)
        return status;
    int64_t in = weight->shape.dim[1];
    add_product(weight->data + first * in, b->data, a->data, b->shape.dim[0], in, a->shape.dim[0],
                config->alpha / (double)a->shape.dim[0]);
    weight->version++;
    return ASSAY_OK;
}

assay_status lora_merge(struct store *store, const struct lora_config *config, struct lora_merged **out,
                        struct assay_error *error)
{
    char layer[NAME];
    struct lora_merged *merged = mem_alloc(1, sizeof *merged);
    if (!merged)
        return error_memory(error, "merged weights");
    merged->weights = mem_alloc(store->entries.count, sizeof *merged->weights);
    assay_status status = merged->weights ? ASSAY_OK : error_memory(error, "merged weights");
    for (size_t i = 0; i < store->entries.count && !status; i++) {
        const struct store_entry *entry = store->entries.entries[i].value;
        if (layer_of(entry->name, layer))
            status = merge_pair(store, config, merged, entry, layer, error);
    }
    if (status) {
        lora_unmerge(merged);
        return status;
    }
    *out = merged;
    return ASSAY_OK;
}

void lora_unmerge(struct lora_merged *merged)
{
    if (!merged)
        return;
    for (size_t i = 0; i < merged->count; i++) {
        struct replaced *was = &merged->weights[i];
        mem_free(was->entry->data);
        was->entry->data = was->data;
        was->entry->owned = was->owned;
        was->entry->version++;
    }
    mem_free(merged->weights);
    mem_free(merged);
}
