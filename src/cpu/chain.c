/* chain.c - elementwise ops at the end of other kernels. */
#include "cpu/chain.h"

bool chain_absorbs_cast(const struct kernel_node *n, const struct kernel_node *next, int through)
{
    (void)n, (void)through;
    return next->op == &op_cast;
}

bool chain_absorbs(const struct kernel_node *n, const struct kernel_node *next, int through, bool whole)
{
    const struct shape *shape = &n->out.shape;
    if (!shape_equal(shape, &next->out.shape) || shape_count(shape) == 0)
        return false;
    if (next->op == &op_unary_def || next->op == &op_cast)
        return true;
    if (next->op != &op_binary_def)
        return false;
    const struct tensor *other = &next->in[1 - through];
    return other->dtype != DTYPE_I32 && (!whole || shape_equal(&other->shape, shape));
}

struct chain chain_of(const struct kernel_call *call)
{
    struct chain chain = {.count = 0};
    for (int i = 0; i < call->absorbed_count; i++) {
        const struct kernel_absorbed *a = &call->absorbed[i];
        if (a->op == &op_cast)
            continue;
        struct chain_step *step = &chain.steps[chain.count++];
        if (a->op == &op_unary_def) {
            const struct unary_attrs *attrs = a->attrs;
            *step = (struct chain_step){.unary = chain_unary(attrs), .a = attrs->a, .b = attrs->b};
        } else {
            const struct binary_attrs *attrs = a->attrs;
            bool left = a->in[0] == KERNEL_RESULT;
            *step = (struct chain_step){.binary = chain_binary(attrs->kind), .input = a->in[left], .left = left};
        }
    }
    return chain;
}

void chain_run(const struct chain *chain, float *y, float *to, const float *const *inputs, int64_t count)
{
    for (int i = 0; i < chain->count; i++) {
        const struct chain_step *step = &chain->steps[i];
        float *target = i + 1 < chain->count ? y : to;
        if (step->unary)
            step->unary(target, y, count, step->a, step->b);
        else if (step->left)
            step->binary(target, y, inputs[step->input], count);
        else
            step->binary(target, inputs[step->input], y, count);
    }
}
