/* test_model.c - model files: made, saved, loaded, and refused by name and reason where anything is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/memory.h"
#include "detector/model.h"
#include "detector/residual.h"

static char folder[] = "/tmp/assay-model-XXXXXX", path[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/model", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails where a temporary file was left behind */
}

/* A small `residual`, calibrated, with a training summary. */
static void make_model(struct model *model)
{
    struct residual_config config;
    struct assay_error error = {0};
    option_defaults(detector_residual.fields, &config);
    config.crop = 32;
    config.width = 4;
    config.dropout = 0.1;
    if (model_create(&detector_residual, &config, 7, model, &error))
        fail_msg("%s", error.message);
    model->calibration = (struct calibration){true, 1.5, -0.25, 0.3, 0.7};
    model->training = json_pack("{s:i, s:s}", "seed", 7, "data", "abc");
}

static void save(const struct model *model)
{
    struct assay_error error = {0};
    if (model_save(model, path, &error))
        fail_msg("%s", error.message);
}

static void expect_same_weights(const struct model *a, const struct model *b)
{
    assert_int_equal(a->store->entries.count, b->store->entries.count);
    for (size_t i = 0; i < a->store->entries.count; i++) {
        const struct store_entry *entry = a->store->entries.entries[i].value, *other = store_get(b->store, entry->name);
        assert_non_null(other);
        assert_memory_equal(entry->data, other->data, (size_t)shape_count(&entry->shape) * sizeof(float));
        assert_int_equal(entry->kind, other->kind);
    }
}

static void test_create(void **state)
{
    (void)state;
    struct model a, b;
    make_model(&a);
    make_model(&b);
    expect_same_weights(&a, &b);
    assert_true(a.store->entries.count > 20);
    assert_int_equal(a.preprocess.crop, 32);
    assert_non_null(store_get(a.store, "head.linear.weight"));
    model_free(&b);
    model_free(&b); /* a freed one is zeroed */
    model_free(&a);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct model model, back;
    struct assay_error error = {0};
    make_model(&model);
    save(&model);
    if (model_load(path, &back, &error))
        fail_msg("%s", error.message);
    assert_ptr_equal(back.detector, &detector_residual);
    const struct residual_config *config = back.config;
    assert_int_equal(config->crop, 32);
    assert_int_equal(config->width, 4);
    assert_true(config->dropout == 0.1);
    assert_int_equal(back.preprocess.crop, model.preprocess.crop);
    assert_int_equal(back.preprocess.max_crops, model.preprocess.max_crops);
    assert_memory_equal(&back.calibration.scale, &model.calibration.scale, 4 * sizeof(double));
    assert_true(back.calibration.present);
    assert_true(json_equal(back.training, model.training));
    expect_same_weights(&model, &back);
    for (size_t i = 0; i < back.store->entries.count; i++) { /* used as they lie in the mapping */
        const struct store_entry *entry = back.store->entries.entries[i].value;
        assert_false(entry->owned);
        assert_in_range((uintptr_t)entry->data, (uintptr_t)back.file.map.bytes,
                        (uintptr_t)back.file.map.bytes + back.file.map.size);
    }
    static const char *const keys[] = {"assay.format",     "assay.detector",    "assay.config",
                                       "assay.preprocess", "assay.calibration", "assay.training"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_non_null(string_map_get(&back.file.metadata, keys[i]));
    assert_string_equal(string_map_get(&back.file.metadata, "assay.format"), "1");

    save(&back); /* over the very file that it is mapped from */
    expect_same_weights(&model, &back);
    model_free(&back);
    assert_int_equal(model_load(path, &back, &error), ASSAY_OK);
    expect_same_weights(&model, &back);
    model_free(&back);
    model_free(&model);
}

/* What only training keeps in the store stays out of the file. */
static void test_training_states(void **state)
{
    (void)state;
    struct model model, back;
    struct assay_error error = {0};
    struct shape shape = SHAPE(3);
    make_model(&model);
    json_decref(model.training);
    model.training = NULL;
    model.calibration.present = false;
    assert_non_null(store_declare(model.store, "optimizer.m.stem", &shape, STORE_STATE, (struct store_init){0}));
    assert_non_null(store_declare(model.store, "train.step", &shape, STORE_STATE, (struct store_init){0}));
    assert_non_null(store_declare(model.store, "queue", &shape, STORE_STATE, (struct store_init){0}));
    assert_int_equal(store_initialise(model.store, 1, &error), ASSAY_OK);
    save(&model);
    assert_int_equal(model_load(path, &back, &error), ASSAY_OK);
    assert_int_equal(back.store->entries.count, model.store->entries.count - 3);
    assert_null(back.training);
    assert_false(back.calibration.present);
    model_free(&back);
    model_free(&model);
}

/* ---- Files with a fault ---------------------------------------------------------------------------------------- */

static void expect_refused(const char *reason)
{
    struct model model, zero = {0};
    struct assay_error error = {0};
    char expected[1024];
    assay_status status = model_load(path, &model, &error);
    if (status == ASSAY_OK)
        fail_msg("accepted, not refused with: %s", reason);
    snprintf(expected, sizeof expected, "%s: %s", path, reason);
    size_t length = strlen(expected);
    if (expected[length - 1] == '*')
        error.message[length - 1] = expected[length - 1] = '\0';
    assert_string_equal(error.message, expected);
    assert_memory_equal(&model, &zero, sizeof model);
}

/* The file of make_model with some metadata changed: `value` NULL removes the key. */
static void expect_metadata_refused(const char *key, const char *value, const char *reason)
{
    struct model model;
    struct safetensors file;
    struct assay_error error = {0};
    make_model(&model);
    save(&model);
    model_free(&model);
    assert_int_equal(safetensors_open(path, &file, &error), ASSAY_OK);
    json_t *metadata = json_object();
    for (size_t i = 0; i < file.metadata.count; i++)
        json_object_set_new(metadata, file.metadata.entries[i].key, json_string(file.metadata.entries[i].value));
    json_object_del(metadata, key);
    if (value)
        json_object_set_new(metadata, key, json_string(value));
    struct safetensors_item items[200];
    assert_true(file.tensors.count <= 200);
    for (size_t i = 0; i < file.tensors.count; i++) {
        const struct file_tensor *tensor = file.tensors.entries[i].value;
        items[i] = (struct safetensors_item){tensor->name, tensor->rank, tensor->dim, tensor->data};
    }
    assert_int_equal(safetensors_write(path, items, file.tensors.count, metadata, &error), ASSAY_OK);
    json_decref(metadata);
    safetensors_close(&file);
    expect_refused(reason);
}

static void test_metadata(void **state)
{
    (void)state;
    expect_metadata_refused("assay.format", NULL,
                            "a safetensors file, but not a model of Assay's: it has no metadata \"assay.format\"");
    expect_metadata_refused("assay.format", "2",
                            "format version 2 is newer than this program, which reads up to 1: update Assay");
    expect_metadata_refused("assay.format", "99999999999999999999999999",
                            "format version 99999999999999999999999999 is newer than this program, which reads up to "
                            "1: update Assay");
    expect_metadata_refused("assay.format", "one", "unknown format version \"one\"");
    expect_metadata_refused("assay.format", "0", "unknown format version \"0\"");
    expect_metadata_refused("assay.format", "", "unknown format version \"\"");
    expect_metadata_refused("assay.detector", NULL, "damaged model: no metadata \"assay.detector\"");
    expect_metadata_refused("assay.detector", "residul", "unknown detector \"residul\"; did you mean \"residual\"?");
    expect_metadata_refused("assay.detector", "\033[2J", "unknown detector \"?[2J\"");
    expect_metadata_refused("assay.config", NULL, "damaged model: no metadata \"assay.config\"");
    expect_metadata_refused("assay.config", "{", "damaged model: \"assay.config\" is not valid JSON: *");
    expect_metadata_refused("assay.config", "{\"width\":4,\"width\":4}",
                            "damaged model: \"assay.config\" is not valid JSON: duplicate object key*");
    expect_metadata_refused("assay.config", "[]", "damaged model: \"assay.config\" is not an object");
    expect_metadata_refused("assay.config", "{\"widht\":4}", "unknown option \"widht\"; did you mean \"width\"?");
    expect_metadata_refused("assay.config", "{\"width\":1000000}",
                            "option width: \"1000000\" is not a whole number from 4 to 64");
    expect_metadata_refused("assay.preprocess", NULL, "damaged model: no metadata \"assay.preprocess\"");
    expect_metadata_refused("assay.preprocess", "{\"crop\":-1}", "preprocessing's *");
    expect_metadata_refused("assay.calibration", "{}",
                            "calibration: must be an object that says whether it is present");
    expect_metadata_refused("assay.calibration", "7", "damaged model: \"assay.calibration\" is not *");
    expect_metadata_refused("assay.training", "\"text\"", "damaged model: \"assay.training\" is not *");
    char *big = mem_alloc((1 << 20) + 2, 1);
    memset(big, '[', (1 << 20) + 1);
    expect_metadata_refused("assay.training", big,
                            "metadata \"assay.training\" has 1048577 bytes, the limit is 1048576");
    mem_free(big);
}

/* Writes the tensors of a store that may have been tampered with; the metadata are make_model's. */
static void write_tensors(const struct model *model, const struct safetensors_item *items, size_t count)
{
    struct safetensors file;
    struct assay_error error = {0};
    save(model);
    assert_int_equal(safetensors_open(path, &file, &error), ASSAY_OK);
    json_t *metadata = json_object();
    for (size_t i = 0; i < file.metadata.count; i++)
        json_object_set_new(metadata, file.metadata.entries[i].key, json_string(file.metadata.entries[i].value));
    safetensors_close(&file);
    assert_int_equal(safetensors_write(path, items, count, metadata, &error), ASSAY_OK);
    json_decref(metadata);
}

static size_t list_tensors(const struct model *model, struct safetensors_item *items, size_t most)
{
    size_t count = model->store->entries.count;
    assert_true(count <= most);
    for (size_t i = 0; i < count; i++) {
        const struct store_entry *entry = model->store->entries.entries[i].value;
        items[i] = (struct safetensors_item){entry->name, entry->shape.rank, entry->shape.dim, entry->data};
    }
    return count;
}

static struct safetensors_item *find_item(struct safetensors_item *items, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(items[i].name, name) == 0)
            return &items[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

/* Everything that does not fit, in one message. */
static void test_tensors(void **state)
{
    (void)state;
    enum { MOST = 200 };
    struct model model;
    struct safetensors_item items[MOST];
    const int64_t other[] = {1, 2};
    const float values[2] = {0};
    make_model(&model);
    size_t count = list_tensors(&model, items, MOST);
    find_item(items, count, "head.linear.weight")->name = "head.linear.wieght";
    find_item(items, count, "stem.conv.weight")->name = "unheard-of";
    struct safetensors_item *bias = find_item(items, count, "head.linear.bias");
    *bias = (struct safetensors_item){bias->name, 2, other, values};
    write_tensors(&model, items, count);
    expect_refused("its tensors are not those of detector residual: "
                   "2 missing: \"stem.conv.weight\", \"head.linear.weight\" (is it \"head.linear.wieght\"?); "
                   "1 of another shape: \"head.linear.bias\" [1, 2], needed as [1]; "
                   "2 not known: \"unheard-of\", \"head.linear.wieght\" (for \"head.linear.weight\"?)");
    write_tensors(&model, items, 0);
    expect_refused("its tensors are not those of detector residual: *");

    /* another config needs other tensors */
    count = list_tensors(&model, items, MOST);
    struct safetensors_item extra[MOST];
    char names[MOST][32];
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "zz%zu", i);
        extra[i] = (struct safetensors_item){names[i], 1, other, values};
    }
    write_tensors(&model, extra, count);
    struct model loaded;
    struct assay_error error = {0};
    assert_int_equal(model_load(path, &loaded, &error), ASSAY_ERROR_MODEL);
    assert_non_null(strstr(error.message, " more; ")); /* too many to name: the rest are counted */
    assert_non_null(strstr(error.message, " not known: \"zz0\", \"zz1\""));
    assert_true(strlen(error.message) < sizeof error.message - 1);
    model_free(&model);
}

/* Reads the file of make_model, to be changed byte by byte. */
static uint8_t *read_saved(size_t *size)
{
    struct model model;
    struct assay_error error = {0};
    uint8_t *bytes;
    make_model(&model);
    save(&model);
    model_free(&model);
    assert_int_equal(file_read(path, 1 << 24, &bytes, size, &error), ASSAY_OK);
    return bytes;
}

static void test_types(void **state)
{
    (void)state;
    size_t size, at = 0;
    struct assay_error error = {0};
    uint8_t *bytes = read_saved(&size);
    static const char name[] = "\"head.linear.bias\":{\"dtype\":\"F32\"";
    while (at + sizeof name <= size && memcmp(bytes + at, name, sizeof name - 1) != 0)
        at++;
    assert_true(at + sizeof name <= size);
    bytes[at + strlen(name) - 4] = 'I';
    assert_int_equal(file_write(path, bytes, size, &error), ASSAY_OK);
    expect_refused("its tensors are not those of detector residual: "
                   "1 of a type that holds no weights: \"head.linear.bias\" I32");
    bytes[at + strlen(name) - 4] = 'Q';
    assert_int_equal(file_write(path, bytes, size, &error), ASSAY_OK);
    expect_refused("tensor \"head.linear.bias\": its dtype \"Q32\" is not supported");
    mem_free(bytes);
}

/* A copy of the file whose tensors are of another floating type, `convert`ed value by value. */
static void expect_converted(const struct model *model, const char *dtype, size_t item_size,
                             void (*convert)(float value, uint8_t *out), float tolerance)
{
    struct safetensors file;
    struct assay_error error = {0};
    struct array data = array_of(1, 1 << 24);
    save(model);
    assert_int_equal(safetensors_open(path, &file, &error), ASSAY_OK);
    json_t *header = json_object(), *metadata = json_object();
    for (size_t i = 0; i < file.metadata.count; i++)
        json_object_set_new(metadata, file.metadata.entries[i].key, json_string(file.metadata.entries[i].value));
    json_object_set_new(header, "__metadata__", metadata);
    for (size_t i = 0; i < file.tensors.count; i++) {
        const struct file_tensor *tensor = file.tensors.entries[i].value;
        const float *values = tensor->data;
        json_t *shape = json_array();
        for (int d = 0; d < tensor->rank; d++)
            json_array_append_new(shape, json_integer(tensor->dim[d]));
        size_t begin = data.count;
        for (uint64_t k = 0; k < tensor->count; k++) {
            uint8_t item[8];
            convert(values[k], item);
            assert_true(array_append(&data, item, item_size));
        }
        json_object_set_new(header, tensor->name,
                            json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype, "shape", shape, "data_offsets",
                                      (json_int_t)begin, (json_int_t)data.count));
    }
    safetensors_close(&file);
    char *text = json_dumps(header, JSON_COMPACT);
    json_decref(header);
    uint64_t length = strlen(text);
    size_t size = 8 + (size_t)length + data.count;
    uint8_t *bytes = mem_alloc(size, 1);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, text, (size_t)length);
    memcpy(bytes + 8 + length, data.data, data.count);
    free(text);
    array_free(&data);

    struct model loaded;
    if (model_load_memory(bytes, size, "converted", &loaded, &error))
        fail_msg("%s", error.message);
    for (size_t i = 0; i < model->store->entries.count; i++) {
        const struct store_entry *entry = model->store->entries.entries[i].value,
                                 *other = store_get(loaded.store, entry->name);
        assert_true(other->owned);
        for (int64_t k = 0; k < shape_count(&entry->shape); k++) {
            float difference = entry->data[k] - other->data[k];
            assert_true((difference < 0 ? -difference : difference) <= tolerance);
        }
    }
    model_free(&loaded);
    mem_free(bytes);
}

static void to_bf16(float value, uint8_t *out)
{
    uint16_t half = bf16_from_float(value);
    memcpy(out, &half, 2);
}

static void to_double(float value, uint8_t *out)
{
    double wide = value;
    memcpy(out, &wide, 8);
}

static void test_converted(void **state)
{
    (void)state;
    struct model model;
    make_model(&model);
    expect_converted(&model, "BF16", 2, to_bf16, 0.01f);
    expect_converted(&model, "F64", 8, to_double, 0);
    model_free(&model);
}

/* F32 that does not lie aligned is copied. */
static void test_unaligned(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = read_saved(&size), *moved = mem_alloc(size + 8, 1);
    struct model model, back;
    struct assay_error error = {0};
    make_model(&model);
    for (size_t shift = 0; shift < 8; shift++) {
        memcpy(moved + shift, bytes, size);
        assert_int_equal(model_load_memory(moved + shift, size, "memory", &back, &error), ASSAY_OK);
        expect_same_weights(&model, &back);
        const struct store_entry *entry = store_get(back.store, "head.linear.weight");
        assert_int_equal(entry->owned, shift % 4 != 0);
        model_free(&back);
    }
    model_free(&model);
    mem_free(moved);
    mem_free(bytes);
}

static void test_not_finite(void **state)
{
    (void)state;
    static const uint32_t bad[] = {0x7fc00000, 0x7f800000, 0xff800000, 0xffffffff};
    struct model model, loaded;
    struct assay_error error = {0};
    make_model(&model);
    struct store_entry *entry = store_get(model.store, "head.linear.weight");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t size;
        uint8_t *bytes = read_saved(&size), *found = NULL;
        for (size_t at = 0; at + 16 <= size && !found; at++)
            if (memcmp(bytes + at, entry->data, 16) == 0)
                found = bytes + at;
        assert_non_null(found);
        memcpy(found + 8, &bad[i], 4);
        assert_int_equal(model_load_memory(bytes, size, "f", &loaded, &error), ASSAY_ERROR_MODEL);
        assert_string_equal(error.message, "f: tensor \"head.linear.weight\" holds NaN or infinity at element 2");
        mem_free(bytes);
    }
    save(&model);
    memcpy(&entry->data[1], &bad[0], 4);
    assert_int_equal(model_save(&model, path, &error), ASSAY_ERROR_MODEL); /* and the file before stays */
    assert_non_null(strstr(error.message, ": not saved: tensor \"head.linear.weight\" holds NaN or infinity"));
    assert_int_equal(model_load(path, &loaded, &error), ASSAY_OK);
    model_free(&loaded);
    model_free(&model);
}

/* Cut anywhere, a model is refused. */
static void test_truncated(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = read_saved(&size);
    for (size_t tenth = 0; tenth < 10; tenth++) {
        struct model model;
        struct assay_error error = {0};
        assert_int_equal(file_write(path, bytes, size * tenth / 10, &error), ASSAY_OK);
        assert_int_equal(model_load(path, &model, &error), ASSAY_ERROR_FORMAT);
        assert_memory_equal(error.message, path, strlen(path));
    }
    mem_free(bytes);
    expect_refused("*");
}

static void test_paths(void **state)
{
    (void)state;
    struct model model;
    struct assay_error error = {0};
    assert_int_equal(model_load("/nonexistent/model", &model, &error), ASSAY_ERROR_IO);
    assert_int_equal(model_load(folder, &model, &error), ASSAY_ERROR_ARGUMENT);
    make_model(&model);
    assert_int_equal(model_save(&model, "/nonexistent/model", &error), ASSAY_ERROR_IO);
    assert_string_equal(error.message, "/nonexistent/model: cannot create: No such file or directory");
    model_free(&model);
}

/* A full disk: the model that was there stays. */
static void test_full(void **state)
{
    (void)state;
    struct model model, back;
    struct assay_error error = {0};
    struct rlimit before, limit;
    make_model(&model);
    save(&model);
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = 30000; /* behind the header */
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    assay_status status = model_save(&model, path, &error);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(status, ASSAY_ERROR_IO);
    assert_non_null(strstr(error.message, ": cannot write: File too large"));
    assert_int_equal(model_load(path, &back, &error), ASSAY_OK);
    expect_same_weights(&model, &back);
    model_free(&back);
    model_free(&model);
}

static void test_read_only(void **state)
{
    (void)state;
    struct model model, back;
    struct assay_error error = {0};
    make_model(&model);
    save(&model);
    bool root = geteuid() == 0; /* who may write everywhere: be somebody else */
    chmod(folder, 0555);
    if (root && seteuid(65534) != 0) {
        chmod(folder, 0755);
        model_free(&model);
        skip();
    }
    assay_status status = model_save(&model, path, &error);
    if (root)
        assert_int_equal(seteuid(0), 0);
    chmod(folder, 0755);
    assert_int_equal(status, ASSAY_ERROR_IO);
    assert_non_null(strstr(error.message, ": cannot create: Permission denied"));
    assert_int_equal(model_load(path, &back, &error), ASSAY_OK);
    model_free(&back);
    model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),    cmocka_unit_test(test_round_trip), cmocka_unit_test(test_training_states),
        cmocka_unit_test(test_metadata),  cmocka_unit_test(test_tensors),    cmocka_unit_test(test_types),
        cmocka_unit_test(test_converted), cmocka_unit_test(test_unaligned),  cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_truncated), cmocka_unit_test(test_paths),      cmocka_unit_test(test_full),
        cmocka_unit_test(test_read_only),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
