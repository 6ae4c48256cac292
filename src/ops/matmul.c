/* matmul.c - the matrix product: shape and gradients. */
#include "ops/matmul.h"

#include "ops/move.h"
#include "ops/reduce.h"

/* Rows and columns of one operand as the product sees them. */
static void sides(const struct shape *s, bool transposed, int64_t *rows, int64_t *columns)
{
    *rows = s->dim[s->rank - (transposed ? 1 : 2)];
    *columns = s->dim[s->rank - (transposed ? 2 : 1)];
}

static struct shape leading(const struct shape *s)
{
    struct shape lead = *s;
    lead.rank -= 2;
    return lead;
}

static bool infer_matmul(const struct op_infer *c)
{
    const struct matmul_attrs *attrs = c->attrs;
    const struct shape *a = &c->in[0], *b = &c->in[1];
    char ta[SHAPE_TEXT], tb[SHAPE_TEXT];
    int64_t m, k, k2, n;
    struct shape out;
    if (a->rank < 2 || b->rank < 2)
        goto unfit;
    sides(a, attrs->transpose_a, &m, &k);
    sides(b, attrs->transpose_b, &k2, &n);
    struct shape lead_a = leading(a), lead_b = leading(b);
    if (k != k2 || !shape_broadcast(&lead_a, &lead_b, &out))
        goto unfit;
    if (c->input_count == 3 && (c->in[2].rank != 1 || c->in[2].dim[0] != n)) {
        op_fail(c, "the bias %s does not fit %lld columns", shape_text(&c->in[2], ta), (long long)n);
        return false;
    }
    out.dim[out.rank] = m;
    out.dim[out.rank + 1] = n;
    out.rank += 2;
    *c->shape = out;
    return true;
unfit:
    op_fail(c, "%s%s times %s%s do not fit", shape_text(a, ta), attrs->transpose_a ? " transposed" : "",
            shape_text(b, tb), attrs->transpose_b ? " transposed" : "");
    return false;
}

/* x as one matrix: all axes but the last become rows. */
static node flatten_rows(struct graph *g, node x)
{
    return op_reshape(g, x, SHAPE(-1, graph_dim(g, x, -1)));
}

static node product(struct graph *g, node a, node b, struct matmul_attrs attrs)
{
    return graph_add(g, attrs.f32 ? &op_matmul_f32_def : &op_matmul_def, (node[]){a, b}, 2, &attrs, sizeof attrs);
}

/* With C = A B: dA = dC B^T, dB = A^T dC, each turned by the transposes of its operand. */
static void grad_matmul(struct graph *g, const struct op_grad *c)
{
    const struct matmul_attrs *attrs = c->attrs;
    node a = c->in[0], b = c->in[1], d = c->d_out;
    bool ta = attrs->transpose_a, tb = attrs->transpose_b, f32 = attrs->f32;
    if (c->wanted[0]) {
        node da = ta ? product(g, b, d, (struct matmul_attrs){tb, true, f32})
                     : product(g, d, b, (struct matmul_attrs){false, !tb, f32});
        c->d_in[0] = op_sum_to(g, da, graph_shape(g, a));
    }
    if (c->wanted[1]) {
        /* a shared matrix (a weight): one product over all rows instead of a sum of many */
        if (graph_rank(g, b) == 2 && !ta && graph_rank(g, a) > 2) {
            a = flatten_rows(g, a);
            d = flatten_rows(g, d);
        }
        node db = tb ? product(g, d, a, (struct matmul_attrs){true, ta, f32})
                     : product(g, a, d, (struct matmul_attrs){!ta, false, f32});
        c->d_in[1] = op_sum_to(g, db, graph_shape(g, b));
    }
    if (c->input_count == 3 && c->wanted[2])
        c->d_in[2] = op_sum_to(g, c->d_out, graph_shape(g, c->in[2]));
}

const struct op op_matmul_def = {
    .name = "matmul", .whole_attrs = true, .precision = PRECISION_COMPUTE, .infer = infer_matmul, .grad = grad_matmul};

const struct op op_matmul_f32_def = {.name = "matmul_f32",
                                     .precision = PRECISION_F32,
                                     .infer = infer_matmul,
                                     .grad = grad_matmul};

node op_matmul(struct graph *g, node a, node b, bool transpose_a, bool transpose_b)
{
    return product(g, a, b, (struct matmul_attrs){transpose_a, transpose_b, false});
}

node op_matmul_f32(struct graph *g, node a, node b, bool transpose_a, bool transpose_b)
{
    return product(g, a, b, (struct matmul_attrs){transpose_a, transpose_b, true});
}

node op_matmul_bias(struct graph *g, node a, node b, node bias, bool transpose_a, bool transpose_b)
{
    struct matmul_attrs attrs = {transpose_a, transpose_b, false};
    return graph_add(g, &op_matmul_def, (node[]){a, b, bias}, 3, &attrs, sizeof attrs);
}
