/* conv.c - the convolution layer. */
#include "nn/conv.h"

#include "ops/conv.h"

node conv2d(struct graph *g, struct params p, node x, struct conv_config c)
{
    int64_t in = graph_dim(g, x, -1);
    int groups = c.groups ? c.groups : 1;
    if (c.out < 1 || c.kernel < 1 || groups < 1 || in % groups != 0 || c.out % groups != 0) {
        graph_fail(g, "conv2d %s: %lld channels to %lld with kernel %d in %d groups", p.prefix, (long long)in,
                   (long long)c.out, c.kernel, groups);
        return NODE_NONE;
    }
    struct shape shape = SHAPE(c.out, in / groups, c.kernel, c.kernel);
    struct store_init init =
        c.init == CONV_INIT_FAN_OUT ? init_kaiming_normal_fan_out(&shape) : init_linear_weight(&shape);
    node weight = params_get(g, &p, "weight", shape, init);
    struct conv_attrs attrs = conv_square(c.stride ? c.stride : 1, c.padding);
    attrs.groups = groups;
    if (!c.bias)
        return op_conv2d(g, x, weight, attrs);
    node bias = params_get(g, &p, "bias", SHAPE(c.out), init_linear_bias(&shape));
    return op_conv2d_bias(g, x, weight, bias, attrs);
}
