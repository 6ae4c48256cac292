/* harness.c - what is compared for each description: see harness.h. */
#include "ops/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

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

static void compare_output(struct check *k, const struct test_run *run, double tolerance, const char *what)
{
    const float *y = check_read(k, run, "y", &k->out.shape);
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
        check_report(k, "%s: y[%lld] = %.9g, expected %.9g (off by %.2g, tolerance %.2g)", what, (long long)at,
                     (double)y[at], k->out.data[at], worst, tolerance);
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
        if (!check_wants_gradient(&c->in[i]))
            continue;
        const float *d = check_read(k, run, check_numbered(name, 'd', i), &c->in[i].shape);
        int64_t count = k->in[i].count;
        if (!d)
            continue;
        double scale = norm(d, count) / sqrt((double)(count ? count : 1));
        struct random r = random_open(99, (uint64_t)i, 0);
        for (int64_t s = 0; s < count && s < most; s++) {
            int64_t at = count <= most ? s : (int64_t)random_below(&r, (uint64_t)count);
            double want = reference_slope(k, i, at), off = fabs(d[at] - want) / fmax(fmax(fabs(want), scale), 0.01);
            if (!(off <= tolerance)) {
                check_report(k, "%s: gradient %s[%lld] = %.9g, expected %.9g (off by %.2g)", what, name, (long long)at,
                             (double)d[at], want, off);
                break;
            }
        }
    }
}

/* sum(y * projection) of the compiled forward graph. */
static double forward_loss(struct check *k, const struct test_run *forward)
{
    const float *y = check_execute(k, forward) ? check_read(k, forward, "y", &k->out.shape) : NULL;
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
        if (!check_wants_gradient(&c->in[i]) || count == 0)
            continue;
        const float *d = check_read(k, backward, check_numbered(name, 'd', i), &c->in[i].shape);
        if (!d)
            continue;
        float *kept = check_take(count, sizeof(float)), *moved = check_take(count, sizeof(float));
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
            check_report(k, "compiled graph along a direction of input %d: slope %.6g, gradient says %.6g", i, have,
                         want);
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
        if (i >= 0 && !check_wants_gradient(&k->c->in[i]))
            continue;
        const struct shape *shape = i < 0 ? &k->out.shape : &k->c->in[i].shape;
        const float *va = check_read(k, a, i < 0 ? name : check_numbered(name, 'd', i), shape);
        const float *vb = check_read(k, b, name, shape);
        int64_t count = shape_count(shape);
        if (!va || !vb)
            continue;
        double apart = 0;
        for (int64_t j = 0; j < count; j++)
            apart += ((double)va[j] - vb[j]) * ((double)va[j] - vb[j]);
        if (tolerance == 0) {
            if (memcmp(va, vb, (size_t)count * sizeof(float)) != 0)
                check_report(k, "%s: %s differs", what, name);
        } else if (!(sqrt(apart) <= (i < 0 ? 1 : 3) * tolerance * fmax(norm(vb, count), 0.01 * sqrt((double)count)))) {
            check_report(k, "%s: %s is off by %.2g of its norm, tolerance %.2g", what, name,
                         sqrt(apart) / norm(vb, count), (i < 0 ? 1 : 3) * tolerance);
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
    struct test_run forward = check_compile(k, store, params, false, false);
    struct test_run backward = check_compile(k, store, params, true, false);
    struct test_run second = {0};
    if (!check_execute(k, &forward) || !check_execute(k, &backward))
        goto done;
    int before = k->failures;
    compare_output(k, &forward, tolerance, what);
    compare_output(k, &backward, tolerance, what);
    if (k->failures > before)
        goto done;
    compare_gradients(k, &backward, what);
    compare_slope(k, &forward, &backward);
    check_execute(k, &forward); /* parameters were changed and put back: packed copies must have followed */
    compare_output(k, &forward, tolerance, "changed back");

    second = check_compile(k, second_store, params, true, false);
    if (check_execute(k, &second))
        compare_runs(k, &second, &backward, 0, "compiled and run again");
    if (!params) {
        test_release(&second);
        test_set_threads(1);
        second = check_compile(k, second_store, params, true, false);
        if (check_execute(k, &second))
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
    struct test_run exact = check_compile(k, store, true, true, false), run = check_compile(k, store, true, true, true);
    if (check_execute(k, &exact) && check_execute(k, &run)) {
        if (plan_precision(run.plan) != PRECISION_MODE_BF16)
            check_report(k, "the plan is not bf16");
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
        k->value[i] = check_take(count, sizeof(float));
        check_fill(&c->in[i], (uint64_t)i + 1, k->value[i], count);
        ref_shape(&k->in[i], c->in[i].shape);
        for (int64_t j = 0; j < count; j++) {
            int32_t index;
            memcpy(&index, &k->value[i][j], sizeof index);
            k->in[i].data[j] = c->in[i].values == ARG_INDEX ? (double)index : (double)k->value[i][j];
        }
        params |= c->in[i].as_param;
    }
    c->reference(c, k->in, &k->out);
    k->projection = check_take(k->out.count, sizeof(float));
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
