/* unary.c - one value from one value. */
#include "cpu/chain.h"
#include "cpu/elementary.h"
#include "cpu/kernels.h"
#include "cpu/operand.h"
#include "ops/elementwise.h"

#define UNARY(name, expression)                                                                                        \
    HOT static void name(float *y, const float *values, int64_t count, float a, float b)                               \
    {                                                                                                                  \
        (void)a, (void)b;                                                                                              \
        INDEPENDENT                                                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            float x = values[i];                                                                                       \
            y[i] = (expression);                                                                                       \
        }                                                                                                              \
    }

UNARY(loop_affine, a *x + b)
UNARY(loop_exp, math_exp(x))
UNARY(loop_log, math_log(x))
UNARY(loop_sqrt, sqrtf(x))
UNARY(loop_abs, fabsf(x))
UNARY(loop_sign, (float)((x > 0.0f) - (x < 0.0f)))
UNARY(loop_floor, floorf(x))
UNARY(loop_clamp, x<a ? a : x> b ? b : x) /* a NaN stays */
UNARY(loop_relu, x < 0.0f ? 0.0f : x)
UNARY(loop_gelu, math_gelu(x))
UNARY(loop_gelu_grad, math_gelu_grad(x))
UNARY(loop_quick_gelu, x *math_sigmoid(1.702f * x))
UNARY(loop_quick_gelu_grad, math_sigmoid(1.702f * x) * (1.0f + 1.702f * x * math_sigmoid(-1.702f * x)))
UNARY(loop_silu, x *math_sigmoid(x))
UNARY(loop_silu_grad, math_sigmoid(x) * (1.0f + x * math_sigmoid(-x)))
UNARY(loop_sigmoid, math_sigmoid(x))
UNARY(loop_tanh, math_tanh(x))
UNARY(loop_softplus, math_softplus(x))

UNARY(loop_copy_of, x)
UNARY(loop_square, x *x)
UNARY(loop_cube, x *x *x)
UNARY(loop_reciprocal, 1.0f / x)
UNARY(loop_reciprocal_sqrt, 1.0f / sqrtf(x))
UNARY(loop_power, powf(x, a))

/* The usual exponents do without a call of powf. */
static unary_loop *power_loop(float exponent)
{
    static const struct {
        float exponent;
        unary_loop *loop;
    } easy[] = {{1.0f, loop_copy_of}, {2.0f, loop_square},      {3.0f, loop_cube},
                {0.5f, loop_sqrt},    {-1.0f, loop_reciprocal}, {-0.5f, loop_reciprocal_sqrt}};
    for (size_t i = 0; i < sizeof(easy) / sizeof(easy[0]); i++) {
        if (easy[i].exponent == exponent)
            return easy[i].loop;
    }
    return loop_power;
}

static unary_loop *const loops[UNARY_COUNT] = {[UNARY_AFFINE] = loop_affine,
                                               [UNARY_EXP] = loop_exp,
                                               [UNARY_LOG] = loop_log,
                                               [UNARY_SQRT] = loop_sqrt,
                                               [UNARY_ABS] = loop_abs,
                                               [UNARY_SIGN] = loop_sign,
                                               [UNARY_FLOOR] = loop_floor,
                                               [UNARY_POW] = loop_power,
                                               [UNARY_CLAMP] = loop_clamp,
                                               [UNARY_RELU] = loop_relu,
                                               [UNARY_GELU] = loop_gelu,
                                               [UNARY_GELU_GRAD] = loop_gelu_grad,
                                               [UNARY_QUICK_GELU] = loop_quick_gelu,
                                               [UNARY_QUICK_GELU_GRAD] = loop_quick_gelu_grad,
                                               [UNARY_SILU] = loop_silu,
                                               [UNARY_SILU_GRAD] = loop_silu_grad,
                                               [UNARY_SIGMOID] = loop_sigmoid,
                                               [UNARY_TANH] = loop_tanh,
                                               [UNARY_SOFTPLUS] = loop_softplus};

unary_loop *chain_unary(const struct unary_attrs *attrs)
{
    return attrs->kind == UNARY_POW ? power_loop(attrs->a) : loops[attrs->kind];
}

struct unary_job {
    unary_loop *loop;
    float a, b;
};

static void unary_body(const void *context, float *y, const float *const *inputs, int64_t count)
{
    const struct unary_job *job = context;
    job->loop(y, inputs[0], count, job->a, job->b);
}

static void unary_run(const struct kernel_call *call)
{
    const struct unary_attrs *attrs = call->attrs;
    struct unary_job job = {chain_unary(attrs), attrs->a, attrs->b};
    operand_run(call, unary_body, &job);
}

const struct kernel cpu_unary = {.op = &op_unary_def, .bf16 = true, .absorbs = operand_absorbs, .run = unary_run};
