/* naming_load.c - a checkpoint's tensors into a store: everything is matched and checked first, then the data
 * follow. */
#include <stdio.h>
#include <string.h>

#include "backbone/naming_internal.h"
#include "base/fault_list.h"
#include "base/memory.h"
#include "nn/lora.h"

enum { CANDIDATES = 2000 }; /* names looked through for one near a missing one */

/* One entry and the tensors that it is made from. */
struct assignment {
    struct store_entry *entry;
    enum naming_how how;
    int count;
    const struct file_tensor *from[3];
};

struct loading {
    const struct weights_file *file;
    const struct naming_request *request;
    struct naming naming;
    struct store *store;
    struct assignment *items;
    size_t count;
    struct string_map used; /* names of tensors that entries are made from */
    struct fault_list missing, misshapen, mistyped, nonfinite, extra;
    bool no_memory;
};

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Whether a list of names, some ending with '*', has this one. */
static bool listed(const char *const *list, const char *name)
{
    for (; list && *list; list++) {
        size_t length = strlen(*list);
        if (length && (*list)[length - 1] == '*' ? strncmp(*list, name, length - 1) == 0 : strcmp(*list, name) == 0)
            return true;
    }
    return false;
}

/* ---- Matching ------------------------------------------------------------------------------------------------- */

/* The shape without its dimensions of 1. */
static struct shape squeezed(const struct shape *s)
{
    struct shape out = {0};
    for (int i = 0; i < s->rank; i++)
        if (s->dim[i] != 1)
            out.dim[out.rank++] = s->dim[i];
    return out;
}

/* The shape that a source must have. */
static struct shape wanted_shape(enum naming_how how, const struct shape *entry)
{
    struct shape s = *entry;
    if (how == NAMING_TRANSPOSE && s.rank == 2)
        s = SHAPE(entry->dim[1], entry->dim[0]);
    else if (how == NAMING_STACK && s.rank > 0)
        s.dim[0] /= 3;
    else if (how == NAMING_AFTER_ZERO && s.rank == 3)
        s.dim[1]--;
    return s;
}

static bool shape_suits(enum naming_how how, const struct shape *entry, const struct shape *source)
{
    if (how == NAMING_RESHAPE) {
        struct shape a = squeezed(entry), b = squeezed(source);
        return shape_equal(&a, &b);
    }
    if ((how == NAMING_TRANSPOSE && entry->rank != 2) || (how == NAMING_AFTER_ZERO && entry->rank != 3) ||
        (how == NAMING_STACK && (entry->rank < 1 || entry->dim[0] % 3 != 0)))
        return false;
    struct shape wanted = wanted_shape(how, entry);
    return shape_equal(&wanted, source);
}

static void note_missing(struct loading *l, const char *name)
{
    char detail[FAULT_DETAIL] = "";
    if (fault_shows(&l->missing)) {
        struct nearest nearest = nearest_to(name);
        for (size_t i = 0; i < l->file->tensors.count && i < CANDIDATES; i++) {
            char canonical[NAMING_NAME];
            const char *known = l->file->tensors.entries[i].key;
            /* not one that another entry takes */
            if (!naming_canonical(&l->naming, known, canonical) || strcmp(canonical, known) != 0 ||
                !store_get(l->store, known))
                nearest_offer(&nearest, known);
        }
        fault_near(&nearest, "is it", detail);
    }
    fault_note(&l->missing, name, detail);
}

/* Notes what is wrong with one source. */
static void check_source(struct loading *l, const struct store_entry *entry, enum naming_how how,
                         const struct file_tensor *tensor)
{
    char detail[2 * SHAPE_TEXT + 32], has[SHAPE_TEXT], needs[SHAPE_TEXT];
    struct shape shape = shape_of(tensor->dim, tensor->rank), wanted = wanted_shape(how, &entry->shape);
    if (!shape_suits(how, &entry->shape, &shape)) {
        snprintf(detail, sizeof detail, " %s, needed as %s", shape_text(&shape, has), shape_text(&wanted, needs));
        fault_note(&l->misshapen, tensor->name, detail);
    } else if (!file_tensor_is_float(tensor)) {
        snprintf(detail, sizeof detail, " %s", tensor_file_dtype_name(tensor->dtype));
        fault_note(&l->mistyped, tensor->name, detail);
    } else if (file_tensor_nonfinite(tensor, NULL)) {
        fault_note(&l->nonfinite, tensor->name, "");
    }
}

static void match_entry(struct loading *l, struct store_entry *entry)
{
    char canonical[NAMING_NAME];
    const char *rest = entry->name + strlen(or_empty(l->request->store_prefix));
    int length = snprintf(canonical, sizeof canonical, "%s%s", or_empty(l->request->canonical_prefix), rest);
    struct naming_source source = {0};
    if (lora_is_pair(entry->name) || listed(l->request->skip, canonical))
        return;
    if (length >= 0 && (size_t)length < sizeof canonical)
        source = naming_find_source(&l->naming, l->file, canonical);
    bool optional = listed(l->request->optional, canonical) || strcmp(canonical, "mask_token") == 0;
    if (!source.count) {
        if (!optional)
            note_missing(l, canonical);
        return;
    }
    struct assignment item = {.entry = entry, .how = source.how, .count = source.count};
    int found = 0;
    for (int i = 0; i < source.count; i++) {
        struct file_tensor *tensor = string_map_get(&l->file->tensors, source.name[i]);
        item.from[i] = tensor;
        found += tensor != NULL;
        if (tensor && !string_map_get(&l->used, tensor->name) && !string_map_add(&l->used, tensor->name, tensor))
            l->no_memory = true;
    }
    if (!found && optional)
        return;
    for (int i = 0; i < source.count; i++) {
        if (item.from[i])
            check_source(l, entry, item.how, item.from[i]);
        else
            note_missing(l, source.name[i]);
    }
    l->items[l->count++] = item;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static bool all_zero(const struct file_tensor *tensor)
{
    const uint8_t *bytes = tensor->data;
    for (size_t i = 0; i < tensor->bytes; i++)
        if (bytes[i])
            return false;
    return true;
}

/* Buffers without weights (spec A.2, A.3, A.8); and timm gives CLIP's projection a bias of zeros. */
static bool ignorable(const struct loading *l, const struct file_tensor *tensor)
{
    static const char *const exact[] = {"input_resolution", "context_length", "vocab_size", "logit_bias"};
    const char *name = tensor->name + strlen(l->naming.prefix);
    for (size_t i = 0; i < sizeof exact / sizeof exact[0]; i++)
        if (strcmp(name, exact[i]) == 0)
            return true;
    if (l->naming.rules == naming_clip_timm && strcmp(name, "head.bias") == 0)
        return all_zero(tensor);
    return ends_with(name, "position_ids") || ends_with(name, "num_batches_tracked") ||
           (ends_with(name, "attn_mask") && tensor->rank == 2);
}

/* A tensor that no entry takes: another part of the model, allowed, or extra. */
static void match_extra(struct loading *l, const struct file_tensor *tensor)
{
    char canonical[NAMING_NAME], detail[FAULT_DETAIL] = "";
    if (string_map_get(&l->used, tensor->name) || !begins(tensor->name, l->naming.prefix) || ignorable(l, tensor))
        return;
    bool known = naming_canonical(&l->naming, tensor->name, canonical);
    const char *part = or_empty(l->request->canonical_prefix);
    /* of neither tower; and used by no network here, so that some publish it and others don't */
    if (known && (strcmp(canonical, "logit_scale") == 0 || strcmp(canonical, "mask_token") == 0))
        return;
    if (known &&
        (!begins(canonical, part) || listed(l->request->spare, canonical) || listed(l->request->skip, canonical) ||
         (l->request->model == NAMING_CLIP_TEXT && begins(canonical, "visual."))))
        return;
    if (fault_shows(&l->extra)) {
        struct nearest nearest = nearest_to(known ? canonical : tensor->name);
        const char *store_prefix = or_empty(l->request->store_prefix);
        for (size_t i = 0; i < l->store->entries.count && i < CANDIDATES; i++) {
            const char *name = l->store->entries.entries[i].key;
            if (begins(name, store_prefix) && !string_map_get(&l->file->tensors, name))
                nearest_offer(&nearest, name + strlen(store_prefix));
        }
        fault_near(&nearest, "for", detail);
    }
    fault_note(&l->extra, tensor->name, detail);
}

static assay_status match_all(struct loading *l, const char *path, struct assay_error *error)
{
    const struct string_map *entries = &l->store->entries, *tensors = &l->file->tensors;
    for (size_t i = 0; i < entries->count; i++)
        if (begins(entries->entries[i].key, or_empty(l->request->store_prefix)))
            match_entry(l, entries->entries[i].value);
    for (size_t i = 0; i < tensors->count; i++)
        match_extra(l, tensors->entries[i].value);
    if (l->no_memory)
        return error_memory(error, path);
    char text[FAULT_TEXT] = "", shown[96];
    fault_append(text, &l->missing, "missing");
    fault_append(text, &l->misshapen, "of another shape");
    fault_append(text, &l->mistyped, "of a type that holds no weights");
    fault_append(text, &l->nonfinite, "with values that are NaN or infinite");
    fault_append(text, &l->extra, "not known");
    if (!text[0])
        return ASSAY_OK;
    return error_set(error, ASSAY_ERROR_MODEL, "%s: %s: %s", text_printable(path, shown, sizeof shown), l->naming.text,
                     text + 2);
}

/* ---- Data ----------------------------------------------------------------------------------------------------- */

static assay_status transpose(const struct file_tensor *from, float *out, struct assay_error *error)
{
    size_t rows = (size_t)from->dim[0], columns = (size_t)from->dim[1];
    float *values = mem_alloc(from->count ? from->count : 1, sizeof *values);
    if (!values)
        return error_memory(error, from->name);
    file_tensor_read_f32(from, values);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            out[c * rows + r] = values[r * columns + c];
    mem_free(values);
    return ASSAY_OK;
}

static assay_status fill(const struct assignment *item, bool borrow, struct assay_error *error)
{
    struct store_entry *entry = item->entry;
    const struct file_tensor *from = item->from[0];
    bool plain = item->how == NAMING_COPY || item->how == NAMING_RESHAPE;
    if (borrow && plain && from->dtype == TENSOR_FILE_F32 && (uintptr_t)from->data % _Alignof(float) == 0 &&
        !(entry->data && entry->owned)) {
        entry->data = (float *)from->data; /* not owned: never written to */
        entry->owned = false;
        entry->mapped = from->mapped;
        entry->version++;
        return ASSAY_OK;
    }
    assay_status status = store_make_writable(entry, error);
    if (status)
        return status;
    float *out = entry->data;
    if (item->how == NAMING_TRANSPOSE) {
        status = transpose(from, out, error);
    } else if (item->how == NAMING_AFTER_ZERO) {
        size_t row = (size_t)entry->shape.dim[2];
        memset(out, 0, row * sizeof *out);
        file_tensor_read_f32(from, out + row);
    } else {
        for (int i = 0; i < item->count; i++) {
            file_tensor_read_f32(item->from[i], out);
            out += item->from[i]->count;
        }
    }
    for (int i = 0; i < item->count; i++)
        if (item->from[i]->mapped)
            file_map_rest(item->from[i]->data, item->from[i]->bytes);
    entry->version++;
    return status;
}

static const char *model_text(enum naming_model model)
{
    switch (model) {
    case NAMING_CLIP_VIT: return "CLIP with a ViT";
    case NAMING_CLIP_RESNET: return "CLIP with a ResNet";
    case NAMING_CLIP_TEXT: return "CLIP with its text tower";
    case NAMING_DINOV2: return "DINOv2";
    case NAMING_MAE: return "MAE";
    case NAMING_RESNET: return "ResNet";
    case NAMING_UNKNOWN: break;
    }
    return "a model";
}

static bool is_wanted(enum naming_model wanted, enum naming_model model)
{
    return wanted == model || (wanted == NAMING_CLIP_TEXT && (model == NAMING_CLIP_VIT || model == NAMING_CLIP_RESNET));
}

assay_status naming_load(const struct weights_file *file, const char *path, struct store *store,
                         const struct naming_request *request, struct assay_error *error)
{
    struct loading l = {.file = file, .request = request, .naming = naming_recognise(file), .store = store};
    char shown[96];
    if (!l.naming.rules || !is_wanted(request->model, l.naming.model))
        return error_set(error, ASSAY_ERROR_MODEL, "%s: not a checkpoint of %s: it looks like %s",
                         text_printable(path, shown, sizeof shown), model_text(request->model), l.naming.text);
    l.items = mem_alloc(store->entries.count + 1, sizeof *l.items);
    assay_status status = l.items ? match_all(&l, path, error) : error_memory(error, path);
    for (size_t i = 0; i < l.count && !status; i++)
        status = fill(&l.items[i], request->borrow, error);
    mem_free(l.items);
    string_map_free(&l.used);
    return status;
}
