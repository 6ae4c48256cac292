/* store.c - named tensors: declaring, initial values, data in mapped files, packed copies. */
#include "support/support.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

static const struct store_init zeros = {STORE_CONSTANT, 0, 0};

static struct store_entry *declare(struct store *store, const char *name, struct shape shape, struct store_init init)
{
    struct store_entry *entry = store_declare(store, name, &shape, STORE_PARAM, init);
    assert_non_null(entry);
    return entry;
}

static void initialise(struct store *store, uint64_t seed)
{
    struct assay_error error;
    assert_int_equal(store_initialise(store, seed, &error), ASSAY_OK);
}

static void test_declare(void **context)
{
    struct store *store = test_store();
    char name[] = "conv1.weight";
    (void)context;
    struct store_entry *weight = declare(store, name, SHAPE(4, 3), zeros);
    name[0] = 'X'; /* the name was copied */
    assert_string_equal(weight->name, "conv1.weight");
    assert_null(weight->data);
    assert_false(weight->frozen);
    test_shape(&weight->shape, SHAPE(4, 3));
    struct store_entry *bias = declare(store, "conv1.bias", SHAPE(5), zeros);
    assert_ptr_not_equal(weight, bias);
    assert_ptr_equal(declare(store, "conv1.weight", SHAPE(4, 3), zeros), weight);
    assert_ptr_equal(store_get(store, "conv1.weight"), weight);
    assert_ptr_equal(store_get(store, "conv1.bias"), bias);
    assert_null(store_get(store, "conv1"));
    assert_int_equal(store_param_count(store), 17);
    struct shape scalar = SHAPE_SCALAR;
    assert_non_null(store_declare(store, "count", &scalar, STORE_STATE, zeros));
    assert_int_equal(store_param_count(store), 17); /* a state is no parameter */
    store_free(store);
    store_free(NULL);
}

/* Draws depend on (seed, name, index), not on the order of declaration, on neighbours or on the shape. */
static void test_initialise(void **context)
{
    const struct store_init uniform = {STORE_UNIFORM, -0.5, 1.5}, normal = {STORE_NORMAL, 2, 0.5};
    struct store *a = test_store(), *b = test_store();
    (void)context;
    struct store_entry *ua = declare(a, "u", SHAPE(100, 100), uniform), *na = declare(a, "n", SHAPE(10007), normal);
    struct store_entry *ca = declare(a, "c", SHAPE(3), (struct store_init){STORE_CONSTANT, 0.25, 9});
    struct store_entry *nb = declare(b, "n", SHAPE(10007), normal);
    declare(b, "between", SHAPE(77), uniform);
    struct store_entry *ub = declare(b, "u", SHAPE(10000), uniform), *vb = declare(b, "v", SHAPE(10000), uniform);
    struct store_entry *odd = declare(b, "c", SHAPE_SCALAR, uniform);
    initialise(a, 7);
    initialise(b, 7);
    assert_non_null(odd->data);
    test_same("uniform", ua->data, ub->data, 10000);
    test_same("normal", na->data, nb->data, 10007);
    assert_memory_not_equal(ub->data, vb->data, 40000);

    double sum = 0, squares = 0;
    for (int i = 0; i < 10000; i++) {
        assert_true(ua->data[i] >= -0.5f && ua->data[i] <= 1.5f);
        sum += (double)ua->data[i];
        squares += (double)ua->data[i] * (double)ua->data[i];
    }
    assert_true(fabs(sum / 10000 - 0.5) < 0.03 && fabs(squares / 10000 - 0.25 - 1 / 3.0) < 0.03);
    sum = squares = 0;
    for (int i = 0; i < 10007; i++) {
        sum += (double)na->data[i];
        squares += ((double)na->data[i] - 2) * ((double)na->data[i] - 2);
    }
    assert_true(fabs(sum / 10007 - 2) < 0.025 && fabs(squares / 10007 - 0.25) < 0.018);
    for (int i = 0; i < 3; i++)
        assert_true(ca->data[i] == 0.25f);

    /* Only what has no data is given values; another seed draws others. */
    ua->data[0] = 42;
    struct store_entry *late = declare(a, "late", SHAPE(10000), uniform);
    initialise(a, 8);
    assert_true(ua->data[0] == 42 && ua->data[1] == ub->data[1]);
    struct store_entry *late_b = declare(b, "late", SHAPE(10000), uniform);
    initialise(b, 9);
    assert_memory_not_equal(late->data, late_b->data, 40000);
    store_free(a);
    store_free(b);
}

/* Data in a mapped file is left alone until it has to be written. */
static void test_mapped(void **context)
{
    static const float mapped[4] = {1, 2, 3, 4};
    struct assay_error error;
    struct store *store = test_store();
    (void)context;
    struct store_entry *entry = declare(store, "w", SHAPE(4), zeros);
    entry->data = (float *)(uintptr_t)mapped;
    entry->owned = false;
    initialise(store, 1);
    assert_ptr_equal(entry->data, mapped);
    assert_int_equal(store_make_writable(entry, &error), ASSAY_OK);
    assert_ptr_not_equal(entry->data, mapped);
    assert_true(entry->owned);
    test_same("moved", entry->data, mapped, 4);
    float *own = entry->data;
    assert_int_equal(store_make_writable(entry, &error), ASSAY_OK);
    assert_ptr_equal(entry->data, own);

    struct store_entry *other = declare(store, "other", SHAPE(4), zeros); /* freed without touching the mapping */
    other->data = (float *)(uintptr_t)mapped;
    store_free(store);
}

/* Packing: the sum of the data, and how often it was called. */
struct packing {
    pthread_mutex_t lock;
    const struct store_entry *entry;
    int calls;
};

static bool pack_sum(const void *context, void *packed)
{
    struct packing *p = (struct packing *)(uintptr_t)context;
    float sum = p->entry->data[0] + p->entry->data[1];
    pthread_mutex_lock(&p->lock);
    p->calls++;
    pthread_mutex_unlock(&p->lock);
    memcpy(packed, &sum, sizeof sum);
    return true;
}

static float packed_sum(struct store *store, struct store_entry *entry, uint64_t key, struct packing *p)
{
    struct assay_error error;
    const void *packed = NULL;
    p->entry = entry;
    assert_int_equal(store_get_packed(store, entry, key, entry->version, sizeof(float), pack_sum, p, &packed, &error),
                     ASSAY_OK);
    float sum;
    memcpy(&sum, packed, sizeof sum);
    assert_int_equal((uintptr_t)packed % 64, 0);
    return sum;
}

static void test_packed(void **context)
{
    struct store *store = test_store();
    struct packing p = {PTHREAD_MUTEX_INITIALIZER, NULL, 0};
    (void)context;
    struct store_entry *entry = test_entry(store, "w", SHAPE(2), STORE_PARAM, (const float[]){1, 2});
    struct store_entry *other = test_entry(store, "v", SHAPE(2), STORE_PARAM, (const float[]){10, 20});
    assert_true(packed_sum(store, entry, 1, &p) == 3 && p.calls == 1);
    assert_true(packed_sum(store, entry, 1, &p) == 3 && p.calls == 1);
    assert_true(packed_sum(store, entry, 2, &p) == 3 && p.calls == 2); /* another layout */
    assert_true(packed_sum(store, other, 1, &p) == 30 && p.calls == 3);
    entry->data[0] = 5;
    entry->version++;
    assert_true(packed_sum(store, entry, 1, &p) == 7 && p.calls == 4);
    assert_true(packed_sum(store, entry, 2, &p) == 7 && p.calls == 5);
    assert_true(packed_sum(store, other, 1, &p) == 30 && p.calls == 5);
    store_free(store);
}

struct packer {
    struct store *store;
    struct store_entry *entry;
    struct packing *p;
    bool right;
};

static void *pack_often(void *context)
{
    struct packer *w = context;
    w->right = true;
    for (uint64_t i = 0; i < 400; i++) {
        struct assay_error error;
        const void *packed = NULL;
        float sum = 0;
        if (store_get_packed(w->store, w->entry, i % 20, w->entry->version, sizeof sum, pack_sum, w->p, &packed,
                             &error) == ASSAY_OK)
            memcpy(&sum, packed, sizeof sum);
        w->right &= sum == 3;
    }
    return NULL;
}

static void test_packed_by_threads(void **context)
{
    struct store *store = test_store();
    struct packing p = {PTHREAD_MUTEX_INITIALIZER, NULL, 0};
    struct packer workers[4];
    pthread_t threads[4];
    (void)context;
    struct store_entry *entry = test_entry(store, "w", SHAPE(2), STORE_PARAM, (const float[]){1, 2});
    p.entry = entry;
    for (int i = 0; i < 4; i++) {
        workers[i] = (struct packer){store, entry, &p, false};
        assert_int_equal(pthread_create(&threads[i], NULL, pack_often, &workers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_true(workers[i].right);
    }
    assert_int_equal(p.calls, 20);
    store_free(store);
}

/* A parameter that the graph itself updates, or that is changed from outside, is used with its new value. */
static void test_packed_follows(void **context)
{
    const float w[4] = {1, 2, 3, 4}, x[2] = {1, 1};
    struct store *store = test_store();
    (void)context;
    for (int precision = PRECISION_MODE_F32; precision <= PRECISION_MODE_BF16; precision++) {
        struct graph *g = test_graph(store, true);
        node p = test_param(g, store, "w", SHAPE(2, 2), w);
        tap(g, "y", op_matmul(g, input(g, "x", SHAPE(1, 2), DTYPE_F32), p, false, false));
        assign(g, p, op_affine(g, p, 1, 1));
        struct test_run run = test_compile(g, test_backend(0), precision);
        for (int i = 0; i < 3; i++) {
            test_execute(&run, &(struct feed){"x", x}, 1, 0, 0);
            test_close("y", test_read(&run, "y"), (const float[]){(float)(4 + 2 * i), (float)(6 + 2 * i)}, 2, 0);
        }
        struct store_entry *entry = store_get(store, "w");
        test_close("w", entry->data, (const float[]){4, 5, 6, 7}, 4, 0);
        entry->data[0] = -4;
        entry->version++;
        test_execute(&run, &(struct feed){"x", x}, 1, 0, 0);
        test_close("y", test_read(&run, "y"), (const float[]){2, 12}, 2, 0);
        test_release(&run);
    }
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_declare), cmocka_unit_test(test_initialise),        cmocka_unit_test(test_mapped),
        cmocka_unit_test(test_packed),  cmocka_unit_test(test_packed_by_threads), cmocka_unit_test(test_packed_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
