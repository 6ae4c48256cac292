/* dnnl_versions.c - what oneDNN 2.6 and 3.x say differently. */
#include "cpu/dnnl_versions.h"

#include "base/hash.h"

static dnnl_data_type_t data_type(enum dtype dtype)
{
    return dtype == DTYPE_BF16 ? dnnl_bf16 : dtype == DTYPE_I32 ? dnnl_s32 : dnnl_f32;
}

#if DNNL_VERSION_MAJOR >= 3

layout_ref layout_of(const layout *l)
{
    return *l;
}

dnnl_status_t layout_create(layout *l, const struct onednn_operand *o, bool any, enum dtype dtype)
{
    dnnl_dims_t dims, strides;
    for (int i = 0; i < o->rank; i++) {
        dims[i] = o->dim[i];
        strides[i] = o->stride[i];
    }
    return any ? dnnl_memory_desc_create_with_tag(l, o->rank, dims, data_type(dtype), dnnl_format_tag_any)
               : dnnl_memory_desc_create_with_strides(l, o->rank, dims, data_type(dtype), strides);
}

void layout_destroy(layout *l)
{
    if (*l)
        dnnl_memory_desc_destroy(*l);
    *l = NULL;
}

static uint64_t hash_query(layout_ref l, dnnl_query_t query, int count, uint64_t hash)
{
    const dnnl_dims_t *values = NULL;
    if (dnnl_memory_desc_query(l, query, &values) != dnnl_success || !values)
        return hash;
    return hash_bytes(*values, (size_t)count * sizeof((*values)[0]), hash);
}

uint64_t layout_hash(layout_ref l)
{
    dnnl_format_kind_t kind = dnnl_format_kind_undef;
    dnnl_data_type_t type = dnnl_data_type_undef;
    int rank = 0, blocks = 0;
    dnnl_memory_desc_query(l, dnnl_query_format_kind, &kind);
    dnnl_memory_desc_query(l, dnnl_query_data_type, &type);
    dnnl_memory_desc_query(l, dnnl_query_ndims_s32, &rank);
    dnnl_memory_desc_query(l, dnnl_query_inner_nblks_s32, &blocks);
    if (kind != dnnl_blocked)
        return 0;
    const int32_t head[3] = {(int32_t)type, rank, blocks};
    uint64_t hash = hash_bytes(head, sizeof(head), HASH_START);
    hash = hash_query(l, dnnl_query_dims, rank, hash);
    hash = hash_query(l, dnnl_query_padded_dims, rank, hash);
    hash = hash_query(l, dnnl_query_strides, rank, hash);
    hash = hash_query(l, dnnl_query_inner_blks, blocks, hash);
    return hash_query(l, dnnl_query_inner_idxs, blocks, hash);
}

dnnl_status_t create_matmul(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const layout md[ONEDNN_ROLES],
                            const bool present[ONEDNN_ROLES], const_dnnl_primitive_attr_t attr)
{
    return dnnl_matmul_primitive_desc_create(pd, engine, md[ONEDNN_SOURCE], md[ONEDNN_WEIGHT],
                                             present[ONEDNN_BIAS] ? md[ONEDNN_BIAS] : NULL, md[ONEDNN_RESULT], attr);
}

dnnl_status_t create_conv(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const layout md[ONEDNN_ROLES],
                          const bool present[ONEDNN_ROLES], const struct conv_geometry *g,
                          const_dnnl_primitive_attr_t attr)
{
    return dnnl_convolution_forward_primitive_desc_create(pd, engine, dnnl_forward_training, dnnl_convolution_direct,
                                                          md[ONEDNN_SOURCE], md[ONEDNN_WEIGHT],
                                                          present[ONEDNN_BIAS] ? md[ONEDNN_BIAS] : NULL,
                                                          md[ONEDNN_RESULT], g->stride, g->dilation, g->before,
                                                          g->after, attr);
}

dnnl_status_t create_conv_input_grad(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const layout md[ONEDNN_ROLES],
                                     const struct conv_geometry *g, const_dnnl_primitive_desc_t forward,
                                     const_dnnl_primitive_attr_t attr)
{
    return dnnl_convolution_backward_data_primitive_desc_create(pd, engine, dnnl_convolution_direct, md[ONEDNN_SOURCE],
                                                                md[ONEDNN_WEIGHT], md[ONEDNN_RESULT], g->stride,
                                                                g->dilation, g->before, g->after, forward, attr);
}

dnnl_status_t create_conv_weight_grad(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const layout md[ONEDNN_ROLES],
                                      const struct conv_geometry *g, const_dnnl_primitive_desc_t forward,
                                      const_dnnl_primitive_attr_t attr)
{
    return dnnl_convolution_backward_weights_primitive_desc_create(pd, engine, dnnl_convolution_direct,
                                                                   md[ONEDNN_SOURCE], md[ONEDNN_WEIGHT], NULL,
                                                                   md[ONEDNN_RESULT], g->stride, g->dilation, g->before,
                                                                   g->after, forward, attr);
}

dnnl_status_t append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t algorithm, float alpha, float beta)
{
    return dnnl_post_ops_append_eltwise(ops, algorithm, alpha, beta);
}

dnnl_status_t append_binary(dnnl_post_ops_t ops, dnnl_alg_kind_t algorithm, const layout *operand)
{
    return dnnl_post_ops_append_binary(ops, algorithm, *operand);
}

#else

layout_ref layout_of(const layout *l)
{
    return l;
}

dnnl_status_t layout_create(layout *l, const struct onednn_operand *o, bool any, enum dtype dtype)
{
    dnnl_dims_t dims, strides;
    for (int i = 0; i < o->rank; i++) {
        dims[i] = o->dim[i];
        strides[i] = o->stride[i];
    }
    return any ? dnnl_memory_desc_init_by_tag(l, o->rank, dims, data_type(dtype), dnnl_format_tag_any)
               : dnnl_memory_desc_init_by_strides(l, o->rank, dims, data_type(dtype), strides);
}

void layout_destroy(layout *l)
{
    (void)l;
}

uint64_t layout_hash(layout_ref l)
{
    if (l->format_kind != dnnl_blocked || l->extra.flags != dnnl_memory_extra_flag_none)
        return 0;
    const dnnl_blocking_desc_t *b = &l->format_desc.blocking;
    const int32_t head[3] = {(int32_t)l->data_type, l->ndims, b->inner_nblks};
    size_t rank = (size_t)l->ndims, blocks = (size_t)b->inner_nblks;
    uint64_t hash = hash_bytes(head, sizeof(head), HASH_START);
    hash = hash_bytes(l->dims, rank * sizeof(l->dims[0]), hash);
    hash = hash_bytes(l->padded_dims, rank * sizeof(l->padded_dims[0]), hash);
    hash = hash_bytes(b->strides, rank * sizeof(b->strides[0]), hash);
    hash = hash_bytes(b->inner_blks, blocks * sizeof(b->inner_blks[0]), hash);
    return hash_bytes(b->inner_idxs, blocks * sizeof(b->inner_idxs[0]), hash);
}

dnnl_status_t create_matmul(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const layout md[ONEDNN_ROLES],
                            const bool present[ONEDNN_ROLES], const_dnnl_primitive_attr_t attr)
{
    dnnl_matmul_desc_t desc;
    dnnl_status_t status = dnnl_matmul_desc_init(&desc, &md[ONEDNN_SOURCE], &md[ONEDNN_WEIGHT],
                                                 present[ONEDNN_BIAS] ? &md[ONEDNN_BIAS] : NULL, &md[ONEDNN_RESULT]);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &desc, attr, engine, NULL);
}

dnnl_status_t create_conv(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const layout md[ONEDNN_ROLES],
                          const bool present[ONEDNN_ROLES], const struct conv_geometry *g,
                          const_dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t desc;
    dnnl_status_t status =
        dnnl_dilated_convolution_forward_desc_init(&desc, dnnl_forward_training, dnnl_convolution_direct,
                                                   &md[ONEDNN_SOURCE], &md[ONEDNN_WEIGHT],
                                                   present[ONEDNN_BIAS] ? &md[ONEDNN_BIAS] : NULL, &md[ONEDNN_RESULT],
                                                   g->stride, g->dilation, g->before, g->after);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &desc, attr, engine, NULL);
}

dnnl_status_t create_conv_input_grad(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const layout md[ONEDNN_ROLES],
                                     const struct conv_geometry *g, const_dnnl_primitive_desc_t forward,
                                     const_dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t desc;
    dnnl_status_t status =
        dnnl_dilated_convolution_backward_data_desc_init(&desc, dnnl_convolution_direct, &md[ONEDNN_SOURCE],
                                                         &md[ONEDNN_WEIGHT], &md[ONEDNN_RESULT], g->stride, g->dilation,
                                                         g->before, g->after);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &desc, attr, engine, forward);
}

dnnl_status_t create_conv_weight_grad(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const layout md[ONEDNN_ROLES],
                                      const struct conv_geometry *g, const_dnnl_primitive_desc_t forward,
                                      const_dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t desc;
    dnnl_status_t status =
        dnnl_dilated_convolution_backward_weights_desc_init(&desc, dnnl_convolution_direct, &md[ONEDNN_SOURCE],
                                                            &md[ONEDNN_WEIGHT], NULL, &md[ONEDNN_RESULT], g->stride,
                                                            g->dilation, g->before, g->after);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &desc, attr, engine, forward);
}

dnnl_status_t append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t algorithm, float alpha, float beta)
{
    return dnnl_post_ops_append_eltwise(ops, 1.0f, algorithm, alpha, beta);
}

dnnl_status_t append_binary(dnnl_post_ops_t ops, dnnl_alg_kind_t algorithm, const layout *operand)
{
    return dnnl_post_ops_append_binary(ops, algorithm, operand);
}

#endif
