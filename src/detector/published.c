/* published.c - files of weights into a new model. */
#include "detector/published.h"

#include <stdio.h>
#include <string.h>

#include "backbone/naming.h"
#include "base/fault_list.h"
#include "detector/model_internal.h"
#include "nn/lora.h"

enum { HEAD_NAME = 64 };

/* ---- Another model of the same detector ------------------------------------------------------------------------- */

static bool file_has_pairs(const struct weights_file *file)
{
    for (size_t i = 0; i < file->tensors.count; i++)
        if (lora_is_pair(file->tensors.entries[i].key))
            return true;
    return false;
}

/* Every tensor of the file must be one of the model's, and the other way round; all faults at once. `declared`: what
 * the model is, without what only training keeps in its store. */
static assay_status check_model(const struct model *model, const struct store *declared,
                                const struct weights_file *file, bool pairs, const char *path,
                                struct assay_error *error)
{
    struct fault_list missing = {0}, misshapen = {0}, mistyped = {0}, extra = {0};
    for (size_t i = 0; i < declared->entries.count; i++) {
        const struct store_entry *entry = declared->entries.entries[i].value;
        const struct file_tensor *tensor = string_map_get(&file->tensors, entry->name);
        char detail[2 * SHAPE_TEXT + 16], has[SHAPE_TEXT], needs[SHAPE_TEXT];
        if (lora_is_pair(entry->name) && !pairs)
            continue;
        if (!tensor) {
            fault_note(&missing, entry->name, "");
            continue;
        }
        struct shape shape = shape_of(tensor->dim, tensor->rank);
        if (!shape_equal(&shape, &entry->shape)) {
            snprintf(detail, sizeof detail, " %s, needed as %s", shape_text(&shape, has),
                     shape_text(&entry->shape, needs));
            fault_note(&misshapen, entry->name, detail);
        } else if (!file_tensor_is_float(tensor) || file_tensor_nonfinite(tensor, NULL)) {
            fault_note(&mistyped, entry->name, "");
        }
    }
    for (size_t i = 0; i < file->tensors.count; i++)
        if (!store_get(declared, file->tensors.entries[i].key))
            fault_note(&extra, file->tensors.entries[i].key, "");
    char text[FAULT_TEXT] = "", shown[96];
    fault_append(text, &missing, "missing");
    fault_append(text, &misshapen, "of another shape");
    fault_append(text, &mistyped, "without finite numbers");
    fault_append(text, &extra, "not known");
    if (!text[0])
        return ASSAY_OK;
    return error_set(error, ASSAY_ERROR_MODEL, "%s: not a model with these settings of detector %s: %s",
                     text_printable(path, shown, sizeof shown), model->detector->name, text + 2);
}

static assay_status take(struct store_entry *entry, const struct file_tensor *tensor, struct assay_error *error)
{
    assay_status status = store_make_writable(entry, error);
    if (status)
        return status;
    file_tensor_read_f32(tensor, entry->data);
    entry->version++;
    return ASSAY_OK;
}

static assay_status load_model(struct model *model, const struct weights_file *file, const char *path,
                               struct assay_error *error)
{
    const char *name = weights_file_metadata(file, MODEL_KEY_DETECTOR);
    char shown[TEXT_NAME];
    if (!name || strcmp(name, model->detector->name) != 0)
        return error_set(error, ASSAY_ERROR_MODEL, "%s: a model of detector %s, not of %s", path,
                         name ? text_printable(name, shown, sizeof shown) : "unknown", model->detector->name);
    bool pairs = file_has_pairs(file);
    struct store *declared = NULL;
    assay_status status = store_create(&declared, error);
    if (!status)
        status = model_declare(model->detector, model->config, model->preprocess.crop, declared, error);
    if (!status)
        status = check_model(model, declared, file, pairs, path, error);
    for (size_t i = 0; !status && i < declared->entries.count; i++) {
        const char *entry = ((const struct store_entry *)declared->entries.entries[i].value)->name;
        if (!lora_is_pair(entry) || pairs)
            status = take(store_get(model->store, entry), string_map_get(&file->tensors, entry), error);
    }
    store_free(declared);
    return status;
}

/* ---- Heads ------------------------------------------------------------------------------------------------------ */

struct head {
    struct store_entry *weight, *bias;
    const struct file_tensor *from_weight, *from_bias;
};

static const struct file_tensor *tensor_at(const struct weights_file *file, const char *before, const char *name)
{
    char full[HEAD_NAME * 4];
    int length = snprintf(full, sizeof full, "%s%s", before, name);
    return length > 0 && (size_t)length < sizeof full ? string_map_get(&file->tensors, full) : NULL;
}

static bool head_part_fits(const struct store_entry *entry, const struct file_tensor *tensor)
{
    struct shape shape = entry && tensor ? shape_of(tensor->dim, tensor->rank) : SHAPE_SCALAR;
    return entry && tensor && shape_equal(&shape, &entry->shape);
}

/* The model's head and the file's, if it has one of the right shape below `before`. */
static bool find_head(const struct model *model, const char *head, const struct weights_file *file, const char *before,
                      struct head *out)
{
    char name[HEAD_NAME];
    snprintf(name, sizeof name, "%sweight", head);
    out->weight = store_get(model->store, name);
    snprintf(name, sizeof name, "%sbias", head);
    out->bias = store_get(model->store, name);
    out->from_weight = tensor_at(file, before, "weight");
    out->from_bias = tensor_at(file, before, "bias");
    return head_part_fits(out->weight, out->from_weight) && head_part_fits(out->bias, out->from_bias);
}

static assay_status load_head(const struct head *head, const char *path, struct assay_error *error)
{
    const struct file_tensor *parts[] = {head->from_weight, head->from_bias};
    for (int i = 0; i < 2; i++)
        if (!file_tensor_is_float(parts[i]) || file_tensor_nonfinite(parts[i], NULL))
            return error_set(error, ASSAY_ERROR_MODEL, "%s: tensor \"%s\" holds no finite numbers", path,
                             parts[i]->name);
    assay_status status = take(head->weight, head->from_weight, error);
    return status ? status : take(head->bias, head->from_bias, error);
}

static bool is_head_alone(const struct weights_file *file)
{
    return file->tensors.count == 2 && string_map_get(&file->tensors, "weight") &&
           string_map_get(&file->tensors, "bias");
}

/* ---- Backbones -------------------------------------------------------------------------------------------------- */

static assay_status load_backbone(struct model *model, const struct detector_published *p,
                                  const struct weights_file *file, const char *path, struct assay_error *error)
{
    struct naming naming = naming_recognise(file);
    char inside[HEAD_NAME * 2] = "", all[HEAD_NAME] = "";
    struct head head = {0};
    if (p->head) {
        snprintf(inside, sizeof inside, "%s%s", naming.prefix, p->head);
        snprintf(all, sizeof all, "%s*", p->head);
    }
    /* The head may lie beside the backbone, or with it below a common prefix. */
    bool with_head =
        p->head && (find_head(model, p->head, file, inside, &head) || find_head(model, p->head, file, p->head, &head));
    const char *const skip[] = {all, NULL};
    const struct naming_request request = {.model = (enum naming_model)p->model,
                                           .store_prefix = p->prefix,
                                           .canonical_prefix = p->canonical ? p->canonical : p->prefix,
                                           .spare = p->spare,
                                           .skip = p->head ? skip : NULL};
    assay_status status = naming_load(file, path, model->store, &request, error);
    return status || !with_head ? status : load_head(&head, path, error);
}

/* Into each backbone of the file's kind that it fits: two may be of one kind. */
static assay_status load_backbones(struct model *model, const struct detector_published *parts,
                                   const struct weights_file *file, const char *path, struct assay_error *error)
{
    int model_of_file = naming_recognise(file).model, fits = 0;
    assay_status status = ASSAY_OK;
    for (int i = 0; i < DETECTOR_MAX_PUBLISHED && parts[i].prefix; i++) {
        if (parts[i].model != model_of_file)
            continue;
        struct assay_error ignored;
        status = load_backbone(model, &parts[i], file, path, fits > 0 ? &ignored : error);
        fits += status == ASSAY_OK;
        if (status == ASSAY_ERROR_MEMORY)
            return status;
    }
    if (fits > 0)
        return ASSAY_OK;
    return status ? status : load_backbone(model, &parts[0], file, path, error); /* which says what was expected */
}

assay_status model_load_published(struct model *model, const char *path, const char **kind, struct assay_error *error)
{
    struct weights_file file = {0};
    struct detector_published parts[DETECTOR_MAX_PUBLISHED] = {0}, *p = parts;
    struct head head;
    const char *what = "model of Assay's";
    assay_status status = weights_file_open(path, &file, error);
    if (status)
        return status;
    if (model->detector->published)
        model->detector->published(model->config, parts);
    if (weights_file_metadata(&file, MODEL_KEY_FORMAT)) {
        status = load_model(model, &file, path, error);
    } else if (!model->detector->published) {
        status = error_set(error, ASSAY_ERROR_MODEL,
                           "%s: not a model of Assay's, and nobody else publishes weights of detector %s", path,
                           model->detector->name);
    } else if (is_head_alone(&file) && p->head) {
        what = "head";
        status = find_head(model, p->head, &file, "", &head)
                     ? load_head(&head, path, error)
                     : error_set(error, ASSAY_ERROR_MODEL, "%s: its head is not of the shape that detector %s needs",
                                 path, model->detector->name);
    } else {
        what = naming_recognise(&file).text;
        status = load_backbones(model, parts, &file, path, error);
    }
    weights_file_close(&file);
    if (!status && kind)
        *kind = what;
    return status;
}

assay_status model_describe_published(const char *path, const char *kind, json_t **out, struct assay_error *error)
{
    char sha256[SHA256_TEXT];
    const char *slash = strrchr(path, '/');
    assay_status status = file_sha256(path, sha256, error);
    if (status)
        return status;
    json_t *name = json_string(slash ? slash + 1 : path); /* JSON holds UTF-8 only */
    *out = json_pack("{s:o, s:s, s:s}", "file", name ? name : json_string("?"), "sha256", sha256, "kind", kind);
    return *out ? ASSAY_OK : error_memory(error, path);
}
