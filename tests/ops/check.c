/* check.c - see check.h; and the helpers that reference loops use. */
#include "ops/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

void check_report(struct check *k, const char *format, ...)
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

void *check_take(int64_t count, size_t size)
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
        r->data = check_take(count, sizeof(double));
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
void check_fill(const struct op_arg *arg, uint64_t seed, float *out, int64_t count)
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
        uint32_t *order = check_take(count, sizeof *order);
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

bool check_wants_gradient(const struct op_arg *arg)
{
    return !arg->no_grad && arg->values != ARG_INDEX && arg->values != ARG_TIES;
}

const char *check_numbered(char text[16], char letter, int i)
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
struct test_run check_compile(struct check *k, struct store *store, bool params, bool gradients, bool bf16)
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
            k->entry[i] = test_entry(store, check_numbered(name, 'p', i), arg->shape, STORE_PARAM, k->value[i]);
            leaf[i] = in[i] = param(g, k->entry[i]);
        } else {
            leaf[i] =
                input(g, check_numbered(name, 'x', i), arg->shape, arg->values == ARG_INDEX ? DTYPE_I32 : DTYPE_F32);
            in[i] = bf16 && arg->values != ARG_INDEX ? rounded(g, leaf[i]) : leaf[i];
        }
        if (check_wants_gradient(arg))
            wrt[wanted++] = leaf[i];
    }
    node y = c->build(g, c, in);
    tap(g, "y", y);
    if (gradients && wanted) {
        node r = constant_data(g, k->projection, k->out.shape);
        graph_gradients(g, op_sum(g, op_mul(g, y, r), REDUCE_ALL, false), wrt, wanted, d);
        for (int i = 0, j = 0; i < c->inputs; i++)
            if (check_wants_gradient(&c->in[i]))
                tap(g, check_numbered(name, 'd', i), d[j++]);
    }
    struct assay_error error;
    struct plan_options options = {.backend = k->backend, .precision = bf16 ? PRECISION_MODE_BF16 : PRECISION_MODE_F32};
    struct test_run run = {0};
    if (plan_create(g, &options, &run.plan, &error) != ASSAY_OK)
        check_report(k, "%s", error.message);
    else if (workspace_create(run.plan, &run.workspace, &error) != ASSAY_OK)
        check_report(k, "%s", error.message);
    return run;
}

/* The values are fed under every name that the graph kept as an input. */
bool check_execute(struct check *k, const struct test_run *run)
{
    struct assay_error error;
    struct feed feeds[CASE_INPUTS];
    char names[CASE_INPUTS][16];
    int count = 0;
    if (!run->workspace)
        return false;
    for (int i = 0; i < k->c->inputs; i++)
        if (!k->entry[i])
            feeds[count++] = (struct feed){check_numbered(names[i], 'x', i), k->value[i]};
    struct run_options options = {.seed = 1, .step = 2};
    if (plan_run(run->plan, run->workspace, feeds, count, &options, &error) == ASSAY_OK)
        return true;
    check_report(k, "%s", error.message);
    return false;
}

const float *check_read(struct check *k, const struct test_run *run, const char *name, const struct shape *shape)
{
    struct tensor t = workspace_read(run->workspace, name);
    char have[SHAPE_TEXT], want[SHAPE_TEXT];
    if (!t.data)
        check_report(k, "no tap %s", name);
    else if (!shape_equal(&t.shape, shape))
        check_report(k, "%s has shape %s, expected %s", name, shape_text(&t.shape, have), shape_text(shape, want));
    else
        return t.data;
    return NULL;
}
