/* attention.c - attention: shapes and gradients. */
#include "ops/attention.h"

#include <math.h>

#include "ops/move.h"

/* q, k and v fit, and so does a bias, if there is one at `bias_at`. */
static bool check_operands(const struct op_infer *c, int bias_at)
{
    const struct shape *q = &c->in[0], *k = &c->in[1], *v = &c->in[2];
    char a[SHAPE_TEXT], b[SHAPE_TEXT], d[SHAPE_TEXT];
    if (q->rank != 4 || k->rank != 4 || !shape_equal(k, v) || q->dim[0] != k->dim[0] || q->dim[2] != k->dim[2] ||
        q->dim[3] != k->dim[3] || q->dim[3] < 1 || k->dim[1] < 1) {
        op_fail(c, "queries %s, keys %s and values %s do not fit as [B, N, heads, D]", shape_text(q, a),
                shape_text(k, b), shape_text(v, d));
        return false;
    }
    if (c->input_count <= bias_at)
        return true;
    const struct shape *bias = &c->in[bias_at];
    struct shape scores = SHAPE(q->dim[0], q->dim[2], q->dim[1], k->dim[1]), fits;
    if (bias->rank != 4 || !shape_broadcast(bias, &scores, &fits) || !shape_equal(&fits, &scores)) {
        op_fail(c, "the bias %s does not broadcast to the scores %s", shape_text(bias, a), shape_text(&scores, b));
        return false;
    }
    return true;
}

static bool infer_attention(const struct op_infer *c)
{
    *c->shape = c->in[0];
    return check_operands(c, 3);
}

static bool infer_attention_grad(const struct op_infer *c)
{
    *c->shape = SHAPE(shape_count(&c->in[0]) + shape_count(&c->in[1]) + shape_count(&c->in[2]));
    return check_operands(c, 5);
}

static bool infer_attention_bias_grad(const struct op_infer *c)
{
    *c->shape = c->in[5];
    return check_operands(c, 5);
}

static void grad_attention(struct graph *g, const struct op_grad *c)
{
    const struct attention_attrs *attrs = c->attrs;
    node inputs[6] = {c->in[0], c->in[1], c->in[2], c->out, c->d_out, c->input_count == 4 ? c->in[3] : NODE_NONE};
    int count = c->input_count == 4 ? 6 : 5;
    if (c->wanted[0] || c->wanted[1] || c->wanted[2]) {
        node all = graph_add(g, &op_attention_grad_def, inputs, count, attrs, sizeof *attrs);
        int64_t at = 0;
        for (int i = 0; i < 3; i++) {
            struct shape shape = graph_shape(g, c->in[i]);
            int64_t size = shape_count(&shape);
            if (c->wanted[i])
                c->d_in[i] = op_reshape(g, op_slice_axis(g, all, 0, at, size), shape);
            at += size;
        }
    }
    if (c->input_count == 4 && c->wanted[3])
        c->d_in[3] = graph_add(g, &op_attention_bias_grad_def, inputs, count, attrs, sizeof *attrs);
}

const struct op op_attention_def = {.name = "attention",
                                    .precision = PRECISION_FOLLOW,
                                    .parts = OP_PARTS_EACH,
                                    .infer = infer_attention,
                                    .grad = grad_attention};
const struct op op_attention_grad_def = {.name = "attention_grad",
                                         .precision = PRECISION_FOLLOW,
                                         .infer = infer_attention_grad};
const struct op op_attention_bias_grad_def = {.name = "attention_bias_grad",
                                              .precision = PRECISION_F32,
                                              .infer = infer_attention_bias_grad};

static bool infer_packed(const struct op_infer *c)
{
    const struct shape *s = &c->in[0];
    char text[SHAPE_TEXT];
    if (s->rank != 5 || s->dim[2] != 3 || s->dim[1] < 1 || s->dim[4] < 1) {
        op_fail(c, "%s is not [B, N, 3, heads, D]", shape_text(s, text));
        return false;
    }
    *c->shape = c->input_count == 1 ? SHAPE(s->dim[0], s->dim[1], s->dim[3], s->dim[4]) : *s;
    return true;
}

static void grad_packed(struct graph *g, const struct op_grad *c)
{
    const struct attention_attrs *attrs = c->attrs;
    c->d_in[0] =
        graph_add(g, &op_attention_packed_grad_def, (node[]){c->in[0], c->out, c->d_out}, 3, attrs, sizeof *attrs);
}

const struct op op_attention_packed_def = {.name = "attention_packed",
                                           .precision = PRECISION_FOLLOW,
                                           .parts = OP_PARTS_FIRST,
                                           .infer = infer_packed,
                                           .grad = grad_packed};
const struct op op_attention_packed_grad_def = {.name = "attention_packed_grad",
                                                .precision = PRECISION_FOLLOW,
                                                .infer = infer_packed};

static node attention(struct graph *g, const struct op *op, const node *inputs, int count,
                      const struct attention_config *c)
{
    struct attention_attrs attrs = {0};
    attrs.scale = c->scale != 0 ? c->scale : (float)(1 / sqrt((double)graph_dim(g, inputs[0], -1)));
    attrs.causal = c->causal;
    if (graph_training(g) && c->dropout > 0) {
        if (c->dropout >= 1)
            graph_fail(g, "attention: dropout of %g; it must be below 1", (double)c->dropout);
        attrs.dropout = c->dropout;
        attrs.key = graph_random_key(g);
    }
    return graph_add(g, op, inputs, count, &attrs, sizeof attrs);
}

node op_attention(struct graph *g, node q, node k, node v, struct attention_config c)
{
    return attention(g, &op_attention_def, (node[]){q, k, v}, 3, &c);
}

node op_attention_packed(struct graph *g, node qkv, struct attention_config c)
{
    return attention(g, &op_attention_packed_def, &qkv, 1, &c);
}

node op_attention_bias(struct graph *g, node q, node k, node v, node bias, struct attention_config c)
{
    return attention(g, &op_attention_def, (node[]){q, k, v, bias}, 4, &c);
}
