/* test_failing.c - each allocation of reading a checkpoint into a store, of adapters' files and of the tokenizer in
 * turn fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "backbone/naming_adapter.h"
#include "backbone/tokenizer.h"
#include "backbone/vit.h"
#include "failing_malloc.h"
#include "nn/lora.h"

#define FIXTURES ASSAY_TEST_DIR "/backbone/fixtures/"

static const struct lora_config lora = {.rank = 2, .alpha = 3, .targets = "q,k,v,out_proj,c_fc,c_proj"};

/* The tiny tower of adapter.py with its pairs, declared in a store. */
static assay_status declare(struct store **store, struct assay_error *error)
{
    struct vit_config config;
    *store = NULL;
    vit_preset("clip-vit-l-14", &config);
    config.image = 4;
    config.patch = 2;
    config.width = 8;
    config.depth = 2;
    config.heads = 2;
    config.output = 4;
    assay_status status = store_create(store, error);
    if (status)
        return status;
    struct graph *g = graph_create(*store, (struct graph_options){0});
    if (!g)
        return error_memory(error, "a graph");
    struct params p = params_scope(params_with_lora(params_root(*store), &lora), "visual");
    vit(g, p, &config, input(g, "x", SHAPE(1, 4, 4, 3), DTYPE_F32));
    status = graph_status(g, error);
    graph_free(g);
    return status;
}

static const struct naming_request request = {.model = NAMING_CLIP_VIT,
                                              .store_prefix = "visual.",
                                              .canonical_prefix = "visual."};

/* Hugging Face's names: tensors are copied, stacked and transposed. */
static bool load(void *context)
{
    struct store *store;
    struct weights_file file = {0};
    struct assay_error error = {0};
    struct naming_request own = request;
    own.borrow = context != NULL;
    assay_status status = declare(&store, &error);
    if (!status)
        status = weights_file_open(FIXTURES "adapter_clip_backbone.safetensors", &file, &error);
    if (!status)
        status = naming_load(&file, "clip", store, &own, &error);
    if (status)
        assert_true(error.message[0] != '\0' && error.status == status);
    weights_file_close(&file);
    store_free(store);
    return !status;
}

static void test_naming(void **state)
{
    (void)state;
    size_t survived;
    for (int borrow = 0; borrow < 2; borrow++) {
        assert_true(failing_malloc_each(load, borrow ? &survived : NULL, &survived) > 20);
        assert_int_equal(survived, 0);
    }
}

/* A checkpoint that does not fit: it is refused as such, or for want of memory, and by nothing else. */
static bool refuse(void *context)
{
    struct store *store;
    struct weights_file file = {0};
    struct assay_error error = {0};
    struct naming_request own = request;
    bool other = context != NULL, told = false;
    own.model = other ? NAMING_DINOV2 : NAMING_CLIP_VIT;
    assay_status status = declare(&store, &error);
    const struct shape bias = SHAPE(8);
    if (!status && !other && !store_declare(store, "visual.conv1.bias", &bias, STORE_PARAM, init_zeros()))
        status = error_memory(&error, "a store");
    if (!status)
        status = weights_file_open(FIXTURES "adapter_clip_backbone.safetensors", &file, &error);
    if (!status) {
        status = naming_load(&file, "clip", store, &own, &error);
        assert_int_not_equal(status, ASSAY_OK);
        told = strstr(error.message, other ? "not a checkpoint of DINOv2" : "1 missing: \"visual.conv1.bias\"");
        assert_true(told || status == ASSAY_ERROR_MEMORY);
        for (size_t i = 0; i < store->entries.count; i++)
            assert_null(((struct store_entry *)store->entries.entries[i].value)->data);
    }
    weights_file_close(&file);
    store_free(store);
    return told;
}

static void test_refused(void **state)
{
    (void)state;
    size_t survived;
    for (int other = 0; other < 2; other++) {
        assert_true(failing_malloc_each(refuse, other ? &survived : NULL, &survived) > 20);
        assert_int_equal(survived, 0);
    }
}

static bool adapter(void *context)
{
    struct store *store;
    struct assay_error error = {0};
    const struct naming_adapter theirs = {NAMING_CLIP_VIT, "visual.", "visual.", true};
    const struct lora_file file = {.backbone_sha256 = "ab", .rename = naming_adapter_name, .context = &theirs};
    assay_status status = declare(&store, &error);
    if (!status)
        status = lora_load(store, &file, FIXTURES "adapter_clip_peft.safetensors", &error);
    if (!status)
        status = lora_save(store, &lora, &file, context, &error);
    if (status)
        assert_true(error.message[0] != '\0' && error.status == status);
    store_free(store);
    if (status)
        return false;
    /* What was written although something failed is whole: the same names. */
    struct safetensors written;
    if (safetensors_open(context, &written, NULL))
        return false;
    bool named = string_map_get(&written.tensors,
                                "base_model.model.vision_model.encoder.layers.0.self_attn.k_proj.lora_A.weight") &&
                 written.tensors.count == 24;
    safetensors_close(&written);
    if (!named)
        fail_msg("other names were written");
    return true;
}

static void test_adapter(void **state)
{
    (void)state;
    char path[] = "/tmp/assay-failing-XXXXXX";
    size_t survived;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_true(failing_malloc_each(adapter, path, &survived) > 20);
    assert_in_range(survived, 0, 1); /* only the sync of the folder can do without */
    unlink(path);
}

static bool tokenize(void *context)
{
    static const char merges[] = "#version: 0.2\nt h\nth e</w>\na n\nn a\n' s</w>\nan an\n";
    struct tokenizer *t = NULL;
    struct assay_error error = {0};
    int32_t ids[TOKENIZER_CONTEXT];
    int end = 0;
    assay_status status = context ? tokenizer_open(context, &t, &error)
                                  : tokenizer_open_memory(merges, sizeof merges - 1, "tiny", &t, &error);
    if (!status)
        status = tokenizer_encode(t, "the banana's", false, ids, TOKENIZER_CONTEXT, &end, &error);
    if (status)
        assert_true(error.message[0] != '\0' && error.status == status);
    tokenizer_free(t);
    return !status && end > 3 && ids[0] == 512 + 6;
}

static void test_tokenizer(void **state)
{
    (void)state;
    static const char merges[] = "#version: 0.2\nt h\nth e</w>\na n\nn a\n' s</w>\nan an\n";
    char path[] = "/tmp/assay-failing-XXXXXX";
    size_t survived;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, merges, sizeof merges - 1), sizeof merges - 1);
    close(fd);
    assert_true(failing_malloc_each(tokenize, NULL, &survived) > 3);
    assert_int_equal(survived, 0);
    assert_true(failing_malloc_each(tokenize, path, &survived) > 4);
    assert_int_equal(survived, 0);
    gzFile file = gzopen(path, "wb");
    assert_int_equal(gzwrite(file, merges, sizeof merges - 1), (int)sizeof merges - 1);
    gzclose(file);
    assert_true(failing_malloc_each(tokenize, path, &survived) > 5);
    assert_int_equal(survived, 0);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_naming),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_adapter),
        cmocka_unit_test(test_tokenizer),
    };
    return cmocka_run_group_tests_name("backbone/failing", tests, NULL, NULL);
}
