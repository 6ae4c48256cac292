/* harness.c - see harness.h. */
#include "ops/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

/* Everything about one case while it is checked. */
struct check {
    const struct op_case *c;
    const struct backend *backend;
    int failures;
    float *value[CASE_INPUTS]; /* what is fed; i32 bits for ARG_INDEX */
    struct ref in[CASE_INPUTS];
    struct ref out, scratch;
    float *projection; /* the loss is the sum of output * projection */
    struct store_entry *entry[CASE_INPUTS];
};

static void report(struct check *k, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void report(struct check *k, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_error("%s (%s): %s\n", k->c->name, k->backend->name, text);
    k->failures++;
}

void case_name(struct op_case *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->name, sizeof c->name, format, args);
    va_end(args);
}

static void *take(int64_t count, size_t size)
{
    void *block = calloc((size_t)count + 1, size);
    assert_non_null(block);
    return block;
}

void ref_shape(struct ref *r, struct shape shape)
{
    int64_t count = shape_count(&shape);
    if (count > r->room || !r->data) {
        free(r->data);
        r->data = take(count, sizeof(double));
        r->room = count;
    }
    memset(r->data, 0, (size_t)count * sizeof(double));
    r->shape = shape;
    r->count = count;
}

bool ref_next(const struct shape *shape, int64_t *index)
{
    for (int i = shape->rank - 1; i >= 0; i--) {
        if (++index[i] < shape->dim[i])
            return true;
        index[i] = 0;
    }
    return false;
}

int64_t ref_offset(const struct shape *shape, const int64_t *index)
{
    int64_t offset = 0;
    for (int i = 0; i < shape->rank; i++)
        offset = offset * shape->dim[i] + index[i];
    return offset;
}

double ref_broadcast_at(const struct ref *r, const int64_t *index, int rank)
{
    int64_t offset = 0;
    for (int i = 0; i < r->shape.rank; i++) {
        int64_t at = index[rank - r->shape.rank + i];
        offset = offset * r->shape.dim[i] + (r->shape.dim[i] == 1 ? 0 : at);
    }
    return r->data[offset];
}

/* Values that bf16 holds exactly, so that comparing precisions compares kernels and not the rounding of inputs. */
static void fill(const struct op_arg *arg, uint64_t seed, float *out, int64_t count)
{
    struct random r = random_open(seed, 17, (uint64_t)count);
    double low = arg->low, high = arg->high;
    if (arg->values == ARG_INDEX) {
        for (int64_t i = 0; i < count; i++) {
            int32_t index = (int32_t)(low + (double)random_below(&r, (uint64_t)(high - low + 1)));
            memcpy(&out[i], &index, sizeof index);
        }
    } else if (arg->values == ARG_TIES) {
        for (int64_t i = 0; i < count; i++)
            out[i] = ((float)random_below(&r, 5) - 2) * 0.5f;
    } else if (arg->values == ARG_DISTINCT) {
        uint32_t *order = take(count, sizeof *order);
        for (int64_t i = 0; i < count; i++)
            order[i] = (uint32_t)i;
        random_shuffle(&r, order, (uint64_t)count);
        for (int64_t i = 0; i < count; i++)
            out[i] = (float)(((double)order[i] - (double)(count / 2)) / 32 + arg->offset);
        free(order);
    } else {
        if (low == 0 && high == 0)
            low = -2, high = 2;
        for (int64_t i = 0; i < count; i++) {
            double x = random_range(&r, low, high);
            for (int j = 0; j < arg->kinks; j++)
                if (fabs(x - arg->kink[j]) < 0.05)
                    x = arg->kink[j] + (x < arg->kink[j] ? -0.09 : 0.09);
            out[i] = bf16_to_float(bf16_from_float((float)x));
        }
    }
}

static bool wants_gradient(const struct op_arg *arg)
{
    return !arg->no_grad && arg->values != ARG_INDEX && arg->values != ARG_TIES;
}

static const char *numbered(char text[16], char letter, int i)
{
    snprintf(text, 16, "%c%d", letter, i);
    return text;
}

/* x as bf16 in a graph that is compiled for it (a product with 1), x itself in f32. */
static node rounded(struct graph *g, node x)
{
    struct shape shape = graph_shape(g, x);
    node flat = op_reshape(g, x, SHAPE(-1, 1));
    node one = constant(g, 1, SHAPE(1, 1));
    return op_reshape(g, op_matmul(g, flat, one, false, false), shape);
}

/* Builds and compiles: tap "y", and with `gradients` taps "d0", "d1", ... */
static struct test_run compile(struct check *k, struct store *store, bool params, bool gradients, bool bf16)
{
    const struct op_case *c = k->c;
    char name[16];
    struct graph *g = test_graph(store, true);
    node leaf[CASE_INPUTS], in[CASE_INPUTS], d[CASE_INPUTS], wrt[CASE_INPUTS];
    int wanted = 0;
    graph_set_layer(g, "layer");
    for (int i = 0; i < c->inputs; i++) {
        const struct op_arg *arg = &c->in[i];
        k->entry[i] = NULL;
        if (params && arg->as_param) {
            k->entry[i] = test_entry(store, numbered(name, 'p', i), arg->shape, STORE_PARAM, k->value[i]);
            leaf[i] = in[i] = param(g, k->entry[i]);
        } else {
            leaf[i] = input(g, numbered(name, 'x', i), arg->shape, arg->values == ARG_INDEX ? DTYPE_I32 : DTYPE_F32);
            in[i] = bf16 && arg->values != ARG_INDEX ? rounded(g, leaf[i]) : leaf[i];
        }
        if (wants_gradient(arg))
            wrt[wanted++] = leaf[i];
    }
    node y = c->build(g, c, in);
    tap(g, "y", y);
    if (gradients && wanted) {
        node r = constant_data(g, k->projection, k->out.shape);
        graph_gradients(g, op_sum(g, op_mul(g, y, r), REDUCE_ALL, false), wrt, wanted, d);
        for (int i = 0, j = 0; i < c->inputs; i++)
            if (wants_gradient(&c->in[i]))
                tap(g, numbered(name, 'd', i), d[j++]);
    }
    struct assay_error error;
    struct plan_options options = {k->backend, bf16 ? PRECISION_MODE_BF16 : PRECISION_MODE_F32};
    struct test_run run = {0};
    if (plan_create(g, &options, &run.plan, &error) != ASSAY_OK)
        report(k, "%s", error.message);
    else if (workspace_create(run.plan, &run.workspace, &error) != ASSAY_OK)
        report(k, "%s", error.message);
    return run;
}

/* The values are fed under every name that the graph kept as an input. */
static bool execute(struct check *k, const struct test_run *run)
{
    struct assay_error error;
    struct feed feeds[CASE_INPUTS];
    char names[CASE_INPUTS][16];
    int count = 0;
    if (!run->workspace)
        return false;
    for (int i = 0; i < k->c->inputs; i++)
        if (!k->entry[i])
            feeds[count++] = (struct feed){numbered(names[i], 'x', i), k->value[i]};
    struct run_options options = {.seed = 1, .step = 2};
    if (plan_run(run->plan, run->workspace, feeds, count, &options, &error) == ASSAY_OK)
        return true;
    report(k, "%s", error.message);
    return false;
}

static double norm(const float *x, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += (double)x[i] * x[i];
    return sqrt(sum);
}

static double rms(const double *x, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += x[i] * x[i];
    return count ? sqrt(sum / (double)count) : 0;
}

static const float *read_tap(struct check *k, const struct test_run *run, const char *name, const struct shape *shape)
{
    struct tensor t = workspace_read(run->workspace, name);
    char have[SHAPE_TEXT], want[SHAPE_TEXT];
    if (!t.data)
        report(k, "no tap %s", name);
    else if (!shape_equal(&t.shape, shape))
        report(k, "%s has shape %s, expected %s", name, shape_text(&t.shape, have), shape_text(shape, want));
    else
        return t.data;
    return NULL;
}

static void compare_output(struct check *k, const struct test_run *run, double tolerance, const char *what)
{
    const float *y = read_tap(k, run, "y", &k->out.shape);
    double scale = rms(k->out.data, k->out.count), worst = 0;
    int64_t at = -1;
    if (!y)
        return;
    for (int64_t i = 0; i < k->out.count; i++) {
        double want = k->out.data[i], off = fabs(y[i] - want);
        if (y[i] == want) /* infinities, too */
            continue;
        off /= fmax(fmax(fabs(want), scale), 0.01);
        if (!(off <= worst)) {
            worst = off;
            at = i;
            if (off != off)
                break;
        }
    }
    if (at >= 0 && !(worst <= tolerance))
        report(k, "%s: y[%lld] = %.9g, expected %.9g (off by %.2g, tolerance %.2g)", what, (long long)at, (double)y[at],
               k->out.data[at], worst, tolerance);
}

static double project(const struct check *k, const struct ref *out)
{
    double sum = 0;
    for (int64_t i = 0; i < out->count; i++)
        sum += out->data[i] * k->projection[i];
    return sum;
}

/* d loss / d in[input][at] of the reference loop. */
static double reference_slope(struct check *k, int input, int64_t at)
{
    double *x = &k->in[input].data[at], kept = *x, h = 1e-5 * fmax(1, fabs(kept));
    *x = kept + h;
    k->c->reference(k->c, k->in, &k->scratch);
    double up = project(k, &k->scratch);
    *x = kept - h;
    k->c->reference(k->c, k->in, &k->scratch);
    double down = project(k, &k->scratch);
    *x = kept;
    return (up - down) / (2 * h);
}

static void compare_gradients(struct check *k, const struct test_run *run, const char *what)
{
    const struct op_case *c = k->c;
    double tolerance = c->gradient_tolerance != 0 ? c->gradient_tolerance : 5e-5;
    int64_t most = c->samples ? c->samples : 24;
    for (int i = 0; i < c->inputs; i++) {
        char name[16];
        if (!wants_gradient(&c->in[i]))
            continue;
        const float *d = read_tap(k, run, numbered(name, 'd', i), &c->in[i].shape);
        int64_t count = k->in[i].count;
        if (!d)
            continue;
        double scale = norm(d, count) / sqrt((double)(count ? count : 1));
        struct random r = random_open(99, (uint64_t)i, 0);
        for (int64_t s = 0; s < count && s < most; s++) {
            int64_t at = count <= most ? s : (int64_t)random_below(&r, (uint64_t)count);
            double want = reference_slope(k, i, at), off = fabs(d[at] - want) / fmax(fmax(fabs(want), scale), 0.01);
            if (!(off <= tolerance)) {
                report(k, "%s: gradient %s[%lld] = %.9g, expected %.9g (off by %.2g)", what, name, (long long)at,
                       (double)d[at], want, off);
                break;
            }
        }
    }
}

/* sum(y * projection) of the compiled forward graph. */
static double forward_loss(struct check *k, const struct test_run *forward)
{
    const float *y = execute(k, forward) ? read_tap(k, forward, "y", &k->out.shape) : NULL;
    double sum = 0;
    for (int64_t i = 0; y && i < k->out.count; i++)
        sum += (double)y[i] * k->projection[i];
    return y ? sum : NAN;
}

static void set_values(struct check *k, int i, const float *value)
{
    memcpy(k->value[i], value, (size_t)k->in[i].count * sizeof(float));
    if (k->entry[i]) {
        memcpy(k->entry[i]->data, value, (size_t)k->in[i].count * sizeof(float));
        k->entry[i]->version++;
    }
}

/* The compiled forward graph moved along a random direction of signs must change as the gradient says. */
static void compare_slope(struct check *k, const struct test_run *forward, const struct test_run *backward)
{
    const struct op_case *c = k->c;
    double h = c->step != 0 ? c->step : 1.0 / 128;
    for (int i = 0; i < c->inputs; i++) {
        char name[16];
        int64_t count = k->in[i].count;
        if (!wants_gradient(&c->in[i]) || count == 0)
            continue;
        const float *d = read_tap(k, backward, numbered(name, 'd', i), &c->in[i].shape);
        if (!d)
            continue;
        float *kept = take(count, sizeof(float)), *moved = take(count, sizeof(float));
        double want = 0, loss[2];
        memcpy(kept, k->value[i], (size_t)count * sizeof(float));
        for (int side = 0; side < 2; side++) {
            struct random r = random_open(5, (uint64_t)i, 1);
            for (int64_t j = 0; j < count; j++) {
                double sign = random_u32(&r) & 1 ? 1 : -1;
                moved[j] = (float)(kept[j] + (side ? h : -h) * sign);
                want += side ? d[j] * sign : 0;
            }
            set_values(k, i, moved);
            loss[side] = forward_loss(k, forward);
        }
        set_values(k, i, kept);
        double have = (loss[1] - loss[0]) / (2 * h), scale = norm(d, count);
        if (!(fabs(have - want) <= 2e-2 * scale + 1e-2))
            report(k, "compiled graph along a direction of input %d: slope %.6g, gradient says %.6g", i, have, want);
        free(kept);
        free(moved);
    }
}

/* Taps y, d0, d1, ... of two runs: the same bits, or within `tolerance` of the 2-norm (gradients three times that). */
static void compare_runs(struct check *k, const struct test_run *a, const struct test_run *b, double tolerance,
                         const char *what)
{
    for (int i = -1; i < k->c->inputs; i++) {
        char name[16] = "y";
        if (i >= 0 && !wants_gradient(&k->c->in[i]))
            continue;
        const struct shape *shape = i < 0 ? &k->out.shape : &k->c->in[i].shape;
        const float *va = read_tap(k, a, i < 0 ? name : numbered(name, 'd', i), shape);
        const float *vb = read_tap(k, b, name, shape);
        int64_t count = shape_count(shape);
        if (!va || !vb)
            continue;
        double apart = 0;
        for (int64_t j = 0; j < count; j++)
            apart += ((double)va[j] - vb[j]) * ((double)va[j] - vb[j]);
        if (tolerance == 0) {
            if (memcmp(va, vb, (size_t)count * sizeof(float)) != 0)
                report(k, "%s: %s differs", what, name);
        } else if (!(sqrt(apart) <= (i < 0 ? 1 : 3) * tolerance * fmax(norm(vb, count), 0.01 * sqrt((double)count)))) {
            report(k, "%s: %s is off by %.2g of its norm, tolerance %.2g", what, name, sqrt(apart) / norm(vb, count),
                   (i < 0 ? 1 : 3) * tolerance);
        }
    }
}

/* The case with its inputs fed, or with those that may be parameters stored. */
static void check_f32(struct check *k, bool params)
{
    const struct op_case *c = k->c;
    const char *what = params ? "parameters" : "fed";
    double tolerance = c->tolerance != 0 ? c->tolerance : 1e-5;
    struct store *store = test_store(), *second_store = test_store();
    struct test_run forward = compile(k, store, params, false, false);
    struct test_run backward = compile(k, store, params, true, false);
    struct test_run second = {0};
    if (!execute(k, &forward) || !execute(k, &backward))
        goto done;
    int before = k->failures;
    compare_output(k, &forward, tolerance, what);
    compare_output(k, &backward, tolerance, what);
    if (k->failures > before)
        goto done;
    compare_gradients(k, &backward, what);
    compare_slope(k, &forward, &backward);
    execute(k, &forward); /* parameters were changed and put back: packed copies must have followed */
    compare_output(k, &forward, tolerance, "changed back");

    second = compile(k, second_store, params, true, false);
    if (execute(k, &second))
        compare_runs(k, &second, &backward, 0, "compiled and run again");
    if (!params) {
        test_release(&second);
        test_set_threads(1);
        second = compile(k, second_store, params, true, false);
        if (execute(k, &second))
            compare_runs(k, &second, &backward, c->any_threads ? 0 : 1e-5, "one thread and two");
        test_set_threads(2);
    }
done:
    test_release(&second);
    test_release(&forward);
    test_release(&backward);
    store_free(store);
    store_free(second_store);
}

static void check_bf16(struct check *k)
{
    double tolerance = k->c->bf16_tolerance != 0 ? k->c->bf16_tolerance : 1e-2;
    struct store *store = test_store();
    struct test_run exact = compile(k, store, true, true, false), run = compile(k, store, true, true, true);
    if (execute(k, &exact) && execute(k, &run)) {
        if (plan_precision(run.plan) != PRECISION_MODE_BF16)
            report(k, "the plan is not bf16");
        compare_output(k, &run, tolerance, "bf16");
        compare_runs(k, &run, &exact, tolerance, "bf16");
    }
    test_release(&exact);
    test_release(&run);
    store_free(store);
}

static void check_backend(struct check *k)
{
    const struct op_case *c = k->c;
    bool params = false;
    for (int i = 0; i < c->inputs; i++) {
        int64_t count = shape_count(&c->in[i].shape);
        k->value[i] = take(count, sizeof(float));
        fill(&c->in[i], (uint64_t)i + 1, k->value[i], count);
        ref_shape(&k->in[i], c->in[i].shape);
        for (int64_t j = 0; j < count; j++) {
            int32_t index;
            memcpy(&index, &k->value[i][j], sizeof index);
            k->in[i].data[j] = c->in[i].values == ARG_INDEX ? (double)index : (double)k->value[i][j];
        }
        params |= c->in[i].as_param;
    }
    c->reference(c, k->in, &k->out);
    k->projection = take(k->out.count, sizeof(float));
    test_fill(k->projection, k->out.count, 77, -1, 1);
    check_f32(k, false);
    if (params && !k->failures)
        check_f32(k, true);
    if (!k->failures && !c->no_bf16 && k->backend->has_bf16 && k->backend->has_bf16())
        check_bf16(k);
    free(k->projection);
    free(k->out.data);
    free(k->scratch.data);
    for (int i = 0; i < c->inputs; i++) {
        free(k->value[i]);
        free(k->in[i].data);
    }
}

int op_check(const struct op_case *c)
{
    int failures = 0;
    test_set_threads(2);
    for (int b = 0; b < TEST_BACKENDS; b++) {
        struct check k = {.c = c, .backend = test_backend(b)};
        check_backend(&k);
        failures += k.failures;
    }
    return failures;
}

void op_check_all(const struct op_case *cases, int count)
{
    int bad = 0;
    for (int i = 0; i < count; i++)
        bad += op_check(&cases[i]) > 0;
    if (bad)
        fail_msg("%d of %d cases failed", bad, count);
}

static void expect_close(struct check *k, const struct test_run *run, const char *name, const struct shape *shape,
                         const float *want, double tolerance)
{
    const float *have = read_tap(k, run, name, shape);
    for (int64_t i = 0; have && i < shape_count(shape); i++)
        if (have[i] != want[i] && !(fabs((double)have[i] - want[i]) <= tolerance * fmax(1, fabs((double)want[i])))) {
            report(k, "%s[%lld] = %.9g, expected %.9g", name, (long long)i, (double)have[i], (double)want[i]);
            return;
        }
}

void op_expect(const struct op_case *c, const float *const *values, const float *y, const float *dy,
               const float *const *gradients)
{
    int failures = 0;
    for (int b = 0; b < TEST_BACKENDS; b++)
        for (int bf16 = 0; bf16 < 2; bf16++) {
            struct check k = {.c = c, .backend = test_backend(b)};
            if (bf16 && (c->no_bf16 || !k.backend->has_bf16 || !k.backend->has_bf16()))
                continue;
            for (int i = 0; i < c->inputs; i++) {
                ref_shape(&k.in[i], c->in[i].shape);
                k.value[i] = take(k.in[i].count, sizeof(float));
                memcpy(k.value[i], values[i], (size_t)k.in[i].count * sizeof(float));
                for (int64_t j = 0; j < k.in[i].count; j++)
                    k.in[i].data[j] = (double)values[i][j];
            }
            c->reference(c, k.in, &k.out);
            k.projection = take(k.out.count, sizeof(float));
            if (dy)
                memcpy(k.projection, dy, (size_t)k.out.count * sizeof(float));
            struct store *store = test_store();
            struct test_run run = compile(&k, store, false, dy != NULL, bf16);
            if (execute(&k, &run)) {
                if (y)
                    expect_close(&k, &run, "y", &k.out.shape, y, bf16 ? 1e-2 : 1e-6);
                for (int i = 0; dy && i < c->inputs; i++) {
                    char name[16];
                    if (gradients[i])
                        expect_close(&k, &run, numbered(name, 'd', i), &c->in[i].shape, gradients[i],
                                     bf16 ? 1e-2 : 1e-6);
                }
            }
            test_release(&run);
            store_free(store);
            free(k.projection);
            free(k.out.data);
            for (int i = 0; i < c->inputs; i++) {
                free(k.value[i]);
                free(k.in[i].data);
            }
            failures += k.failures;
        }
    if (failures)
        fail_msg("%s failed", c->name);
}

void op_expect_failure(const char *what, bad_build *build, const char *const *expected)
{
    struct store *store = test_store();
    struct graph *g = test_graph(store, true);
    struct assay_error error = {0}, later = {0};
    graph_set_layer(g, "stage3.proj");
    node y = build(g);
    if (!graph_failed(g) || y.id != NODE_NONE.id)
        fail_msg("%s: no failure", what);
    assert_int_not_equal(graph_status(g, &error), ASSAY_OK);
    if (!strstr(error.message, "stage3.proj"))
        fail_msg("%s: \"%s\" does not name the layer", what, error.message);
    for (; *expected; expected++)
        if (!strstr(error.message, *expected))
            fail_msg("%s: \"%s\" does not say \"%s\"", what, error.message, *expected);

    /* What follows is quiet, and compiling reports the first failure. */
    graph_set_layer(g, "later");
    node z = op_relu(g, op_matmul(g, y, constant(g, 1, SHAPE(7, 5)), false, false));
    tap(g, "y", op_conv2d(g, z, z, conv_square(1, 0)));
    graph_gradients(g, op_sum(g, z, REDUCE_ALL, false), &y, 1, &z);
    assert_int_equal(z.id, NODE_NONE.id);
    struct plan_options options = {.backend = test_backend(0)};
    struct plan *plan = NULL;
    assert_int_not_equal(plan_create(g, &options, &plan, &later), ASSAY_OK);
    assert_null(plan);
    assert_string_equal(later.message, error.message);
    store_free(store);
}
