/* dnnl.c - pieces of work for oneDNN, versions 2.6 and 3.x. */
#include "cpu/dnnl.h"

#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "cpu/loops.h"

/* --- what the versions differ in -------------------------------------------------------------------------------------- */

/* A memory descriptor is a plain struct in 2.x and an opaque object in 3.x. */
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t layout_ref;
typedef dnnl_memory_desc_t layout;
#else
typedef const dnnl_memory_desc_t *layout_ref;
typedef dnnl_memory_desc_t layout;
#endif

static dnnl_data_type_t data_type(enum dtype dtype)
{
    return dtype == DTYPE_BF16 ? dnnl_bf16 : dtype == DTYPE_I32 ? dnnl_s32 : dnnl_f32;
}

struct conv_geometry {
    dnnl_dims_t stride, dilation, before, after;
};

#if DNNL_VERSION_MAJOR >= 3

static layout_ref layout_of(const layout *l)
{
    return *l;
}

static dnnl_status_t layout_create(layout *l, const struct onednn_operand *o, bool any, enum dtype dtype)
{
    dnnl_dims_t dims, strides;
    for (int i = 0; i < o->rank; i++) {
        dims[i] = o->dim[i];
        strides[i] = o->stride[i];
    }
    return any ? dnnl_memory_desc_create_with_tag(l, o->rank, dims, data_type(dtype), dnnl_format_tag_any)
               : dnnl_memory_desc_create_with_strides(l, o->rank, dims, data_type(dtype), strides);
}

static void layout_destroy(layout *l)
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

/* Differs between layouts that differ; 0 where it can't tell. */
static uint64_t layout_hash(layout_ref l)
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

static dnnl_status_t create_matmul(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const layout md[ONEDNN_ROLES],
                                   const bool present[ONEDNN_ROLES], const_dnnl_primitive_attr_t attr)
{
    return dnnl_matmul_primitive_desc_create(pd, engine, md[ONEDNN_SOURCE], md[ONEDNN_WEIGHT],
                                             present[ONEDNN_BIAS] ? md[ONEDNN_BIAS] : NULL, md[ONEDNN_RESULT], attr);
}

static dnnl_status_t create_conv(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const layout md[ONEDNN_ROLES],
                                 const bool present[ONEDNN_ROLES], const struct conv_geometry *g,
                                 const_dnnl_primitive_attr_t attr)
{
    return dnnl_convolution_forward_primitive_desc_create(pd, engine, dnnl_forward_training, dnnl_convolution_direct,
                                                          md[ONEDNN_SOURCE], md[ONEDNN_WEIGHT],
                                                          present[ONEDNN_BIAS] ? md[ONEDNN_BIAS] : NULL,
                                                          md[ONEDNN_RESULT], g->stride, g->dilation, g->before,
                                                          g->after, attr);
}

static dnnl_status_t create_conv_input_grad(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                            const layout md[ONEDNN_ROLES], const struct conv_geometry *g,
                                            const_dnnl_primitive_desc_t forward, const_dnnl_primitive_attr_t attr)
{
    return dnnl_convolution_backward_data_primitive_desc_create(pd, engine, dnnl_convolution_direct, md[ONEDNN_SOURCE],
                                                                md[ONEDNN_WEIGHT], md[ONEDNN_RESULT], g->stride,
                                                                g->dilation, g->before, g->after, forward, attr);
}

static dnnl_status_t create_conv_weight_grad(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                             const layout md[ONEDNN_ROLES], const struct conv_geometry *g,
                                             const_dnnl_primitive_desc_t forward, const_dnnl_primitive_attr_t attr)
{
    return dnnl_convolution_backward_weights_primitive_desc_create(pd, engine, dnnl_convolution_direct,
                                                                   md[ONEDNN_SOURCE], md[ONEDNN_WEIGHT], NULL,
                                                                   md[ONEDNN_RESULT], g->stride, g->dilation, g->before,
                                                                   g->after, forward, attr);
}

#else

static layout_ref layout_of(const layout *l)
{
    return l;
}

static dnnl_status_t layout_create(layout *l, const struct onednn_operand *o, bool any, enum dtype dtype)
{
    dnnl_dims_t dims, strides;
    for (int i = 0; i < o->rank; i++) {
        dims[i] = o->dim[i];
        strides[i] = o->stride[i];
    }
    return any ? dnnl_memory_desc_init_by_tag(l, o->rank, dims, data_type(dtype), dnnl_format_tag_any)
               : dnnl_memory_desc_init_by_strides(l, o->rank, dims, data_type(dtype), strides);
}

static void layout_destroy(layout *l)
{
    (void)l;
}

/* Differs between layouts that differ; 0 where it can't tell. */
static uint64_t layout_hash(layout_ref l)
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

static dnnl_status_t create_matmul(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const layout md[ONEDNN_ROLES],
                                   const bool present[ONEDNN_ROLES], const_dnnl_primitive_attr_t attr)
{
    dnnl_matmul_desc_t desc;
    dnnl_status_t status = dnnl_matmul_desc_init(&desc, &md[ONEDNN_SOURCE], &md[ONEDNN_WEIGHT],
                                                 present[ONEDNN_BIAS] ? &md[ONEDNN_BIAS] : NULL, &md[ONEDNN_RESULT]);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &desc, attr, engine, NULL);
}

static dnnl_status_t create_conv(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, const layout md[ONEDNN_ROLES],
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

static dnnl_status_t create_conv_input_grad(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                            const layout md[ONEDNN_ROLES], const struct conv_geometry *g,
                                            const_dnnl_primitive_desc_t forward, const_dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t desc;
    dnnl_status_t status =
        dnnl_dilated_convolution_backward_data_desc_init(&desc, dnnl_convolution_direct, &md[ONEDNN_SOURCE],
                                                         &md[ONEDNN_WEIGHT], &md[ONEDNN_RESULT], g->stride, g->dilation,
                                                         g->before, g->after);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &desc, attr, engine, forward);
}

static dnnl_status_t create_conv_weight_grad(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                             const layout md[ONEDNN_ROLES], const struct conv_geometry *g,
                                             const_dnnl_primitive_desc_t forward, const_dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t desc;
    dnnl_status_t status =
        dnnl_dilated_convolution_backward_weights_desc_init(&desc, dnnl_convolution_direct, &md[ONEDNN_SOURCE],
                                                            &md[ONEDNN_WEIGHT], NULL, &md[ONEDNN_RESULT], g->stride,
                                                            g->dilation, g->before, g->after);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &desc, attr, engine, forward);
}

#endif

/* --- the process's engine --------------------------------------------------------------------------------------------- */

/* oneDNN wants one engine and one stream for the processor. Neither holds state on a CPU; they live as long as the
 * process. */
static struct {
    pthread_once_t once;
    dnnl_status_t status;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
} machine = {.once = PTHREAD_ONCE_INIT};

static void machine_open(void)
{
    machine.status = dnnl_engine_create(&machine.engine, dnnl_cpu, 0);
    if (machine.status == dnnl_success)
        machine.status = dnnl_stream_create(&machine.stream, machine.engine, dnnl_stream_default_flags);
}

static dnnl_status_t machine_ready(void)
{
    pthread_once(&machine.once, machine_open);
    return machine.status;
}

bool onednn_has_bf16(void)
{
    /* the names are sets of instruction sets, one bit each */
    const unsigned wanted = (unsigned)dnnl_cpu_isa_avx512_core_bf16;
    return ((unsigned)dnnl_get_effective_cpu_isa() & wanted) == wanted;
}

/* --- work ------------------------------------------------------------------------------------------------------------- */

struct primitive {
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t primitive;
    size_t scratchpad; /* bytes */
};

struct operand {
    int index, argument; /* ONEDNN_ABSENT: not there */
    bool reordered, packed;
    layout plain;      /* owned */
    layout_ref chosen; /* belongs to the work's primitive descriptor */
    struct primitive reorder;
    size_t at; /* where the reordered copy lies in the scratch memory, or the reorder's scratchpad in the packed one */
};

struct work {
    struct primitive main;
    struct operand operands[ONEDNN_ROLES];
    size_t scratchpad_at;
};

/* How oneDNN names the roles: by direction. */
struct naming {
    int argument;
    dnnl_query_t query;
    int query_index;
};

static const struct naming names[][ONEDNN_ROLES] = {
    [ONEDNN_MATMUL] = {[ONEDNN_SOURCE] = {DNNL_ARG_SRC, dnnl_query_src_md, 0},
                       [ONEDNN_WEIGHT] = {DNNL_ARG_WEIGHTS, dnnl_query_weights_md, 0},
                       [ONEDNN_RESULT] = {DNNL_ARG_DST, dnnl_query_dst_md, 0},
                       [ONEDNN_BIAS] = {DNNL_ARG_BIAS, dnnl_query_weights_md, 1}},
    [ONEDNN_CONV] = {[ONEDNN_SOURCE] = {DNNL_ARG_SRC, dnnl_query_src_md, 0},
                     [ONEDNN_WEIGHT] = {DNNL_ARG_WEIGHTS, dnnl_query_weights_md, 0},
                     [ONEDNN_RESULT] = {DNNL_ARG_DST, dnnl_query_dst_md, 0},
                     [ONEDNN_BIAS] = {DNNL_ARG_BIAS, dnnl_query_weights_md, 1}},
    [ONEDNN_CONV_INPUT_GRAD] = {[ONEDNN_SOURCE] = {DNNL_ARG_DIFF_SRC, dnnl_query_diff_src_md, 0},
                                [ONEDNN_WEIGHT] = {DNNL_ARG_WEIGHTS, dnnl_query_weights_md, 0},
                                [ONEDNN_RESULT] = {DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md, 0}},
    [ONEDNN_CONV_WEIGHT_GRAD] = {[ONEDNN_SOURCE] = {DNNL_ARG_SRC, dnnl_query_src_md, 0},
                                 [ONEDNN_WEIGHT] = {DNNL_ARG_DIFF_WEIGHTS, dnnl_query_diff_weights_md, 0},
                                 [ONEDNN_RESULT] = {DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md, 0}}};

static size_t aligned(size_t bytes)
{
    return (bytes + MEMORY_ALIGNMENT - 1) / MEMORY_ALIGNMENT * MEMORY_ALIGNMENT;
}

static size_t scratchpad_bytes(const_dnnl_primitive_desc_t pd)
{
    layout_ref md = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    return md ? dnnl_memory_desc_get_size(md) : 0;
}

static dnnl_status_t finish_primitive(struct primitive *p)
{
    p->scratchpad = scratchpad_bytes(p->pd);
    return dnnl_primitive_create(&p->primitive, p->pd);
}

static void free_primitive(struct primitive *p)
{
    if (p->primitive)
        dnnl_primitive_destroy(p->primitive);
    if (p->pd)
        dnnl_primitive_desc_destroy(p->pd);
}

void onednn_release(void *state)
{
    struct work *work = state;
    if (!work)
        return;
    for (int role = 0; role < ONEDNN_ROLES; role++) {
        free_primitive(&work->operands[role].reorder);
        layout_destroy(&work->operands[role].plain);
    }
    free_primitive(&work->main);
    mem_free(work);
}

/* The primitive itself. In 2.x and 3.x alike the gradients of convolutions want the forward one as a hint. */
static dnnl_status_t create_main(struct work *work, const struct onednn_spec *spec, const_dnnl_primitive_attr_t attr)
{
    layout md[ONEDNN_ROLES];
    bool present[ONEDNN_ROLES];
    struct conv_geometry g;
    dnnl_primitive_desc_t forward = NULL;
    dnnl_status_t status = dnnl_success;
    memset(md, 0, sizeof(md));
    for (int role = 0; role < ONEDNN_ROLES; role++) {
        const struct onednn_operand *o = &spec->operands[role];
        present[role] = o->index != ONEDNN_ABSENT;
        if (present[role] && status == dnnl_success)
            status = layout_create(&md[role], o, o->any, o->computed);
    }
    for (int i = 0; i < 2; i++) {
        g.stride[i] = spec->stride[i];
        g.dilation[i] = spec->dilation[i] - 1;
        g.before[i] = spec->pad_before[i];
        g.after[i] = spec->pad_after[i];
    }
    if (status == dnnl_success && (spec->kind == ONEDNN_CONV_INPUT_GRAD || spec->kind == ONEDNN_CONV_WEIGHT_GRAD)) {
        /* The hint computes in one type throughout: that of the gradient that comes in. */
        layout hint[ONEDNN_ROLES];
        memset(hint, 0, sizeof(hint));
        for (int role = 0; role < ONEDNN_BIAS && status == dnnl_success; role++)
            status = layout_create(&hint[role], &spec->operands[role], spec->operands[role].any,
                                   spec->operands[ONEDNN_RESULT].computed);
        if (status == dnnl_success)
            status = create_conv(&forward, machine.engine, hint, present, &g, attr);
        for (int role = 0; role < ONEDNN_ROLES; role++)
            layout_destroy(&hint[role]);
    }
    if (status == dnnl_success) {
        switch (spec->kind) {
        case ONEDNN_MATMUL: status = create_matmul(&work->main.pd, machine.engine, md, present, attr); break;
        case ONEDNN_CONV: status = create_conv(&work->main.pd, machine.engine, md, present, &g, attr); break;
        case ONEDNN_CONV_INPUT_GRAD:
            status = create_conv_input_grad(&work->main.pd, machine.engine, md, &g, forward, attr);
            break;
        case ONEDNN_CONV_WEIGHT_GRAD:
            status = create_conv_weight_grad(&work->main.pd, machine.engine, md, &g, forward, attr);
            break;
        }
    }
    if (status == dnnl_success)
        status = finish_primitive(&work->main);
    if (forward)
        dnnl_primitive_desc_destroy(forward);
    for (int role = 0; role < ONEDNN_ROLES; role++)
        layout_destroy(&md[role]);
    return status;
}

/* The reorder of one operand, where it needs one, and where its copy goes. */
static dnnl_status_t create_reorder(struct work *work, enum onednn_role role, const struct onednn_spec *spec,
                                    const struct kernel_node *n, struct kernel_prepared *out,
                                    size_t *reorder_scratchpad, const_dnnl_primitive_attr_t attr)
{
    const struct onednn_operand *described = &spec->operands[role];
    const struct naming *name = &names[spec->kind][role];
    struct operand *o = &work->operands[role];
    o->index = described->index;
    o->argument = name->argument;
    if (o->index == ONEDNN_ABSENT)
        return dnnl_success;
    dnnl_status_t status = layout_create(&o->plain, described, false, described->stored);
    if (status != dnnl_success)
        return status;
    o->chosen = dnnl_primitive_desc_query_md(work->main.pd, name->query, name->query_index);
    if (!o->chosen)
        return dnnl_runtime_error;
    layout_ref plain = layout_of(&o->plain);
    o->reordered = !dnnl_memory_desc_equal(plain, o->chosen);
    if (!o->reordered)
        return dnnl_success;
    bool output = o->index == ONEDNN_OUTPUT;
    status = dnnl_reorder_primitive_desc_create(&o->reorder.pd, output ? o->chosen : plain, machine.engine,
                                                output ? plain : o->chosen, machine.engine, attr);
    if (status == dnnl_success)
        status = finish_primitive(&o->reorder);
    if (status != dnnl_success)
        return status;
    size_t bytes = aligned(dnnl_memory_desc_get_size(o->chosen));
    uint64_t hash = layout_hash(o->chosen);
    if (!output && n->in_is_param[o->index] && hash != 0) {
        o->packed = true;
        o->at = bytes;
        out->pack[o->index].bytes = bytes + o->reorder.scratchpad;
        out->pack[o->index].key = hash_bytes(&hash, sizeof(hash), layout_hash(plain));
    } else {
        o->at = out->scratch_bytes;
        out->scratch_bytes += bytes;
        if (o->reorder.scratchpad > *reorder_scratchpad)
            *reorder_scratchpad = o->reorder.scratchpad;
    }
    return dnnl_success;
}

assay_status onednn_prepare(const struct onednn_spec *spec, const struct kernel_node *n, struct kernel_prepared *out,
                            struct assay_error *error)
{
    dnnl_primitive_attr_t attr = NULL;
    size_t scratchpad;
    struct work *work = mem_alloc(1, sizeof(*work));
    dnnl_status_t status = work ? machine_ready() : dnnl_out_of_memory;
    for (int role = 0; work && role < ONEDNN_ROLES; role++)
        work->operands[role].index = ONEDNN_ABSENT;
    if (status == dnnl_success)
        status = dnnl_primitive_attr_create(&attr);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    if (status == dnnl_success)
        status = create_main(work, spec, attr);
    scratchpad = status == dnnl_success ? work->main.scratchpad : 0;
    for (int role = 0; role < ONEDNN_ROLES && status == dnnl_success; role++)
        status = create_reorder(work, (enum onednn_role)role, spec, n, out, &scratchpad, attr);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    if (status == dnnl_success) {
        work->scratchpad_at = out->scratch_bytes;
        out->scratch_bytes += aligned(scratchpad);
        out->state = work;
        return ASSAY_OK;
    }
    onednn_release(work);
    memset(out, 0, sizeof(*out));
    if (status == dnnl_out_of_memory)
        return error_memory(error, n->name);
    return error_set(error, ASSAY_ERROR_INTERNAL, "%s: oneDNN %d.%d has no way to compute it (its status %d)", n->name,
                     dnnl_version()->major, dnnl_version()->minor, (int)status);
}

const char *onednn_implementation(const void *state)
{
    const struct work *work = state;
    const char *text = NULL;
    if (!work || dnnl_primitive_desc_query(work->main.pd, dnnl_query_impl_info_str, 0, (void *)&text) != dnnl_success)
        return "none";
    return text;
}

/* --- running ---------------------------------------------------------------------------------------------------------- */

/* Executes with the given arguments; layouts and memory of arguments by position, the last one the scratchpad. */
enum { MAX_ARGUMENTS = ONEDNN_ROLES + 1 };

struct argument {
    int name;
    layout_ref layout;
    const void *data;
};

static bool execute(const struct primitive *p, const struct argument *arguments, int count, void *scratchpad)
{
    dnnl_exec_arg_t args[MAX_ARGUMENTS];
    struct argument all[MAX_ARGUMENTS];
    int made = 0;
    memcpy(all, arguments, (size_t)count * sizeof(all[0]));
    if (p->scratchpad > 0)
        all[count++] = (struct argument){DNNL_ARG_SCRATCHPAD,
                                         dnnl_primitive_desc_query_md(p->pd, dnnl_query_scratchpad_md, 0), scratchpad};
    bool good = true;
    for (; made < count && good; made++) {
        args[made].arg = all[made].name;
        good = dnnl_memory_create(&args[made].memory, all[made].layout, machine.engine, (void *)all[made].data) ==
               dnnl_success;
    }
    if (!good)
        made--;
    good = good && dnnl_primitive_execute(p->primitive, machine.stream, count, args) == dnnl_success;
    for (int i = 0; i < made; i++)
        dnnl_memory_destroy(args[i].memory);
    return good;
}

static bool reorder(const struct operand *o, const void *from, void *to, void *scratchpad)
{
    bool output = o->index == ONEDNN_OUTPUT;
    layout_ref plain = layout_of(&o->plain);
    const struct argument arguments[2] = {{DNNL_ARG_FROM, output ? o->chosen : plain, from},
                                          {DNNL_ARG_TO, output ? plain : o->chosen, to}};
    return execute(&o->reorder, arguments, 2, scratchpad);
}

/* A failure shows: as NaN. */
static void spoil(void *data, size_t bytes)
{
    memset(data, 0xFF, bytes);
}

void onednn_pack(void *state, int input, const float *data, void *packed)
{
    const struct work *work = state;
    for (int role = 0; role < ONEDNN_ROLES; role++) {
        const struct operand *o = &work->operands[role];
        if (o->index == input && o->packed && !reorder(o, data, packed, (char *)packed + o->at))
            spoil(packed, o->at);
    }
}

void onednn_run(const struct kernel_call *call)
{
    const struct work *work = call->state;
    char *scratch = call->scratch, *scratchpad = scratch + work->scratchpad_at;
    struct argument arguments[ONEDNN_ROLES];
    int count = 0;
    bool good = true;
    for (int role = 0; role < ONEDNN_ROLES; role++) {
        const struct operand *o = &work->operands[role];
        if (o->index == ONEDNN_ABSENT)
            continue;
        const void *data = o->index == ONEDNN_OUTPUT ? call->out.data : call->in[o->index].data;
        if (o->packed) {
            data = call->packed[o->index];
        } else if (o->reordered) {
            if (o->index != ONEDNN_OUTPUT)
                good = good && reorder(o, data, scratch + o->at, scratchpad);
            data = scratch + o->at;
        }
        arguments[count++] = (struct argument){o->argument, o->chosen, data};
    }
    good = good && execute(&work->main, arguments, count, scratchpad);
    for (int role = 0; role < ONEDNN_ROLES; role++) {
        const struct operand *o = &work->operands[role];
        if (o->index == ONEDNN_OUTPUT && o->reordered)
            good = good && reorder(o, scratch + o->at, call->out.data, scratchpad);
    }
    if (!good)
        spoil(call->out.data, (size_t)shape_count(&call->out.shape) * dtype_size(call->out.dtype));
}
