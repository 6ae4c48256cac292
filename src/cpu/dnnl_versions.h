/* dnnl_versions.h - what oneDNN 2.6 and 3.x say differently: memory descriptors, the making of primitive descriptors
 * and of post-ops. For the files dnnl*.c alone. */
#ifndef ASSAY_CPU_DNNL_VERSIONS_H
#define ASSAY_CPU_DNNL_VERSIONS_H

#include <oneapi/dnnl/dnnl.h>

#include "cpu/dnnl.h"

/* A memory descriptor is a plain struct in 2.x and an opaque object in 3.x. */
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t layout_ref;
typedef dnnl_memory_desc_t layout;
#else
typedef const dnnl_memory_desc_t *layout_ref;
typedef dnnl_memory_desc_t layout;
#endif

layout_ref layout_of(const layout *l);

/* `any`: the primitive chooses. */
dnnl_status_t layout_create(layout *l, const struct onednn_operand *o, bool any, enum dtype dtype);
void layout_destroy(layout *l); /* a zeroed one is fine */

/* Differs between layouts that differ; 0 where it can't tell. */
uint64_t layout_hash(layout_ref l);

struct conv_geometry {
    dnnl_dims_t stride, dilation, before, after;
};

dnnl_status_t create_matmul(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const layout md[ONEDNN_ROLES],
                            const bool present[ONEDNN_ROLES], const_dnnl_primitive_attr_t attr);
dnnl_status_t create_conv(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const layout md[ONEDNN_ROLES],
                          const bool present[ONEDNN_ROLES], const struct conv_geometry *g,
                          const_dnnl_primitive_attr_t attr);
/* The gradients want the forward convolution as a hint. */
dnnl_status_t create_conv_input_grad(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const layout md[ONEDNN_ROLES],
                                     const struct conv_geometry *g, const_dnnl_primitive_desc_t forward,
                                     const_dnnl_primitive_attr_t attr);
dnnl_status_t create_conv_weight_grad(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const layout md[ONEDNN_ROLES],
                                      const struct conv_geometry *g, const_dnnl_primitive_desc_t forward,
                                      const_dnnl_primitive_attr_t attr);

dnnl_status_t append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t algorithm, float alpha, float beta);
dnnl_status_t append_binary(dnnl_post_ops_t ops, dnnl_alg_kind_t algorithm, const layout *operand);

#endif
