/* pickle_call.c - the allow-list of globals. Names and arguments as in torch/_utils.py, torch/serialization.py and
 * torch/jit/_pickle.py. */
#include "format/pickle_call.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"

/* What calling a global makes. */
enum effect {
    NOTHING_CALLED, /* a type, only named */
    EMPTY_DICT,
    REBUILD_TENSOR, /* (storage, offset, size, stride, ...) */
    FIRST_ARGUMENT  /* wrappers: torch.Size, parameters, TorchScript's typed lists */
};

static const struct {
    const char *name;
    enum effect effect;
} globals[] = {
    {"collections.OrderedDict", EMPTY_DICT},
    {"torch._utils._rebuild_tensor_v2", REBUILD_TENSOR},
    {"torch._utils._rebuild_tensor", REBUILD_TENSOR},
    {"torch._utils._rebuild_parameter", FIRST_ARGUMENT},
    {"torch.Size", FIRST_ARGUMENT},
    {"torch.jit._pickle.build_tensorlist", FIRST_ARGUMENT},
    {"torch.jit._pickle.build_intlist", FIRST_ARGUMENT},
    {"torch.jit._pickle.build_doublelist", FIRST_ARGUMENT},
    {"torch.jit._pickle.build_boollist", FIRST_ARGUMENT},
    {"torch.jit._pickle.restore_type_tag", FIRST_ARGUMENT},
};

static const struct {
    const char *name;
    enum tensor_file_dtype dtype;
} storages[] = {
    {"torch.FloatStorage", TENSOR_FILE_F32},     {"torch.HalfStorage", TENSOR_FILE_F16},
    {"torch.BFloat16Storage", TENSOR_FILE_BF16}, {"torch.DoubleStorage", TENSOR_FILE_F64},
    {"torch.CharStorage", TENSOR_FILE_I8},       {"torch.ByteStorage", TENSOR_FILE_U8},
    {"torch.ShortStorage", TENSOR_FILE_I16},     {"torch.IntStorage", TENSOR_FILE_I32},
    {"torch.LongStorage", TENSOR_FILE_I64},      {"torch.BoolStorage", TENSOR_FILE_BOOL},
};

/* Classes of a TorchScript archive: data only, their code is never looked at. */
static bool is_script_class(const char *name)
{
    return strncmp(name, "__torch__.", 10) == 0;
}

static bool find_global(const char *name, enum effect *effect)
{
    for (size_t i = 0; i < sizeof globals / sizeof globals[0]; i++)
        if (strcmp(globals[i].name, name) == 0) {
            *effect = globals[i].effect;
            return true;
        }
    return false;
}

static bool find_storage(const char *name, enum tensor_file_dtype *dtype)
{
    for (size_t i = 0; i < sizeof storages / sizeof storages[0]; i++)
        if (strcmp(storages[i].name, name) == 0) {
            *dtype = storages[i].dtype;
            return true;
        }
    return false;
}

bool pickle_global_allowed(const char *name)
{
    enum effect effect;
    enum tensor_file_dtype dtype;
    return is_script_class(name) || find_global(name, &effect) || find_storage(name, &dtype);
}

static struct pickle_value *make(struct arena *arena, enum pickle_kind kind)
{
    struct pickle_value *value = arena_alloc(arena, 1, sizeof *value);
    if (value)
        value->kind = kind;
    return value;
}

/* A tuple of integers, such as a size, into out[8]; -1 where it is none or too long. */
static int read_integers(const struct pickle_value *tuple, int64_t out[LIMIT_TENSOR_RANK])
{
    if ((tuple->kind != PICKLE_TUPLE && tuple->kind != PICKLE_LIST) || tuple->count > LIMIT_TENSOR_RANK)
        return -1;
    for (size_t i = 0; i < tuple->count; i++) {
        if (tuple->items[i]->kind != PICKLE_INT || tuple->items[i]->integer < 0)
            return -1;
        out[i] = tuple->items[i]->integer;
    }
    return (int)tuple->count;
}

static assay_status rebuild_tensor(const struct pickle_value *arguments, const char *name, struct arena *arena,
                                   struct pickle_value **out, struct assay_error *error)
{
    struct pickle_tensor *tensor = arena_alloc(arena, 1, sizeof *tensor);
    struct pickle_value *value = make(arena, PICKLE_TENSOR);
    if (!tensor || !value)
        return error_memory(error, name);
    if (arguments->count < 4 || arguments->items[0]->kind != PICKLE_STORAGE ||
        arguments->items[1]->kind != PICKLE_INT || arguments->items[1]->integer < 0)
        goto unfit;
    tensor->storage = arguments->items[0]->storage;
    tensor->offset = arguments->items[1]->integer;
    tensor->rank = read_integers(arguments->items[2], tensor->dim);
    if (tensor->rank < 0 || read_integers(arguments->items[3], tensor->stride) != tensor->rank)
        goto unfit;
    value->tensor = tensor;
    *out = value;
    return ASSAY_OK;
unfit:
    return error_set(error, ASSAY_ERROR_FORMAT,
                     "%s: damaged pickle: a tensor without storage, offset, size of at most %d axes, or strides", name,
                     LIMIT_TENSOR_RANK);
}

assay_status pickle_call(const char *function, const struct pickle_value *arguments, bool is_new, const char *name,
                         struct arena *arena, struct pickle_value **out, struct assay_error *error)
{
    char shown[TEXT_NAME];
    enum effect effect = NOTHING_CALLED;
    if (is_script_class(function)) {
        *out = make(arena, PICKLE_OBJECT);
        return *out ? ASSAY_OK : error_memory(error, name);
    }
    if (find_global(function, &effect) && effect == REBUILD_TENSOR && !is_new)
        return rebuild_tensor(arguments, name, arena, out, error);
    if (effect == FIRST_ARGUMENT && arguments->count > 0) {
        *out = arguments->items[0];
        return ASSAY_OK;
    }
    if (effect == EMPTY_DICT && arguments->count == 0) {
        *out = make(arena, PICKLE_DICT);
        return *out ? ASSAY_OK : error_memory(error, name);
    }
    return error_set(error, ASSAY_ERROR_FORMAT, "%s: damaged pickle: \"%s\" is called with arguments it does not take",
                     name, text_printable(function, shown, sizeof shown));
}

assay_status pickle_persistent(const struct pickle_value *id, const char *name, struct arena *arena,
                               struct pickle_value **out, struct assay_error *error)
{
    struct pickle_storage *storage = arena_alloc(arena, 1, sizeof *storage);
    struct pickle_value *value = make(arena, PICKLE_STORAGE);
    if (!storage || !value)
        return error_memory(error, name);
    if (id->kind != PICKLE_TUPLE || id->count < 5 || id->items[0]->kind != PICKLE_TEXT ||
        strcmp(id->items[0]->text, "storage") != 0 || id->items[1]->kind != PICKLE_GLOBAL ||
        !find_storage(id->items[1]->text, &storage->dtype) || id->items[2]->kind != PICKLE_TEXT ||
        id->items[4]->kind != PICKLE_INT || id->items[4]->integer < 0)
        return error_set(error, ASSAY_ERROR_FORMAT,
                         "%s: damaged pickle: a reference that is no storage of a known type", name);
    if (id->count > 5 && id->items[5]->kind != PICKLE_NONE)
        return error_set(
            error, ASSAY_ERROR_FORMAT,
            "%s: a storage is a view of another, as only very old files have it; save it again with PyTorch", name);
    storage->key = id->items[2]->text;
    storage->count = (uint64_t)id->items[4]->integer;
    value->storage = storage;
    *out = value;
    return ASSAY_OK;
}
