/* dnnl.c - pieces of work for oneDNN, versions 2.6 and 3.x. */
#include "cpu/dnnl.h"

#include <pthread.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "cpu/dnnl_fold.h"
#include "cpu/dnnl_posts.h"
#include "cpu/loops.h"

/* --- the process's engine ----------------------------------------------------------------------------------------- */

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

/* --- work --------------------------------------------------------------------------------------------------------- */

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
    struct fold fold;
    struct primitive main;
    struct operand operands[ONEDNN_ROLES];
    size_t scratchpad_at;
    struct posts posts;
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
    posts_free(&work->posts);
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
    bool folded = work->fold.present && role == ONEDNN_WEIGHT;
    o->reordered = !dnnl_memory_desc_equal(plain, o->chosen) || folded;
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
    if (folded && hash == 0)
        return dnnl_unimplemented; /* cannot be kept packed: scaled weights would be needed at each run */
    if (!output && n->in_is_param[o->index] && hash != 0) {
        o->packed = true;
        o->at = bytes;
        out->pack[o->index].bytes = bytes + o->reorder.scratchpad;
        out->pack[o->index].key = hash_bytes(&hash, sizeof(hash), layout_hash(plain));
        if (folded) {
            out->pack[o->index].with = fold_with(&work->fold);
            out->pack[o->index].key = hash_bytes(&work->fold.eps, sizeof(work->fold.eps), out->pack[o->index].key);
        }
    } else {
        o->at = out->scratch_bytes;
        out->scratch_bytes += bytes;
        if (o->reorder.scratchpad > *reorder_scratchpad)
            *reorder_scratchpad = o->reorder.scratchpad;
    }
    return dnnl_success;
}

/* What the node absorbed, as post-ops. */
static dnnl_status_t set_posts(struct work *work, const struct onednn_spec *spec, const struct kernel_node *n,
                               dnnl_primitive_attr_t attr, struct kernel_prepared *out)
{
    const struct onednn_operand *result = &spec->operands[ONEDNN_RESULT];
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = dnnl_post_ops_create(&ops);
    if (status == dnnl_success)
        status = posts_create(&work->posts, n, result, spec->kind == ONEDNN_CONV ? 1 : result->rank - 1,
                              work->fold.present, ops, &out->scratch_bytes);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_post_ops(attr, ops);
    if (ops)
        dnnl_post_ops_destroy(ops);
    return status;
}

/* Everything into *out, or nothing; an absorbed norm folded into the weights where `may_fold` and possible. */
static dnnl_status_t prepare(const struct onednn_spec *spec, const struct kernel_node *n, bool may_fold,
                             struct kernel_prepared *out)
{
    dnnl_primitive_attr_t attr = NULL, reorders = NULL;
    size_t scratchpad = 0;
    struct onednn_spec folded;
    struct work *work = mem_alloc(1, sizeof(*work));
    dnnl_status_t status = work ? machine_ready() : dnnl_out_of_memory;
    for (int role = 0; work && role < ONEDNN_ROLES; role++)
        work->operands[role].index = ONEDNN_ABSENT;
    if (status == dnnl_success)
        status = dnnl_primitive_attr_create(&attr);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_create(&reorders);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(reorders, dnnl_scratchpad_mode_user);
    if (status == dnnl_success && may_fold && fold_create(&work->fold, spec, n, &folded)) {
        spec = &folded;
        work->fold.at = out->scratch_bytes;
        out->scratch_bytes += aligned((size_t)work->fold.channels * sizeof(float));
    }
    if (status == dnnl_success && n->absorbed_count > 0)
        status = set_posts(work, spec, n, attr, out);
    if (status == dnnl_success)
        status = create_main(work, spec, attr);
    if (status == dnnl_success)
        scratchpad = work->main.scratchpad;
    for (int role = 0; role < ONEDNN_ROLES && status == dnnl_success; role++)
        status = create_reorder(work, (enum onednn_role)role, spec, n, out, &scratchpad, reorders);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    if (reorders)
        dnnl_primitive_attr_destroy(reorders);
    if (status == dnnl_success) {
        work->scratchpad_at = out->scratch_bytes;
        out->scratch_bytes += aligned(scratchpad);
        out->state = work;
    } else {
        onednn_release(work);
        memset(out, 0, sizeof(*out));
    }
    return status;
}

assay_status onednn_prepare(const struct onednn_spec *spec, const struct kernel_node *n, struct kernel_prepared *out,
                            struct assay_error *error)
{
    dnnl_status_t status = prepare(spec, n, true, out);
    if (status == dnnl_unimplemented && n->absorbed_count > 0)
        status = prepare(spec, n, false, out);
    if (status == dnnl_success)
        return ASSAY_OK;
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

/* --- running ------------------------------------------------------------------------------------------------------ */

/* Executes with the given arguments; layouts and memory of arguments by position, the last one the scratchpad. */
enum { MAX_ARGUMENTS = ONEDNN_ROLES + POSTS_MAX + 1 };

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

bool onednn_pack(void *state, int input, const float *const *stored, void *packed)
{
    const struct work *work = state;
    float *scaled = NULL;
    const float *data = stored[input];
    if (work->fold.present && work->fold.weight == input) {
        data = scaled = fold_weights(&work->fold, stored);
        if (!scaled)
            return false;
    }
    for (int role = 0; role < ONEDNN_ROLES; role++) {
        const struct operand *o = &work->operands[role];
        if (o->index == input && o->packed && !reorder(o, data, packed, (char *)packed + o->at))
            spoil(packed, o->at);
    }
    mem_free(scaled);
    return true;
}

void onednn_run(const struct kernel_call *call)
{
    const struct work *work = call->state;
    char *scratch = call->scratch, *scratchpad = scratch + work->scratchpad_at;
    struct argument arguments[MAX_ARGUMENTS];
    int count = 0;
    bool good = true;
    posts_compute(&work->posts, call);
    for (int role = 0; role < ONEDNN_ROLES; role++) {
        const struct operand *o = &work->operands[role];
        if (o->index == ONEDNN_ABSENT)
            continue;
        const void *data = o->index == ONEDNN_OUTPUT ? call->out.data : call->in[o->index].data;
        if (role == ONEDNN_BIAS && work->fold.present)
            data = fold_bias(&work->fold, call);
        if (o->packed) {
            data = call->packed[o->index];
        } else if (o->reordered) {
            if (o->index != ONEDNN_OUTPUT)
                good = good && reorder(o, data, scratch + o->at, scratchpad);
            data = scratch + o->at;
        }
        arguments[count++] = (struct argument){o->argument, o->chosen, data};
    }
    for (int i = 0; i < work->posts.count; i++)
        arguments[count++] = (struct argument){work->posts.list[i].argument, layout_of(&work->posts.list[i].md),
                                               posts_data(&work->posts, i, call)};
    good = good && execute(&work->main, arguments, count, scratchpad);
    for (int role = 0; role < ONEDNN_ROLES; role++) {
        const struct operand *o = &work->operands[role];
        if (o->index == ONEDNN_OUTPUT && o->reordered)
            good = good && reorder(o, scratch + o->at, call->out.data, scratchpad);
    }
    if (!good)
        spoil(call->out.data, (size_t)shape_count(&call->out.shape) * dtype_size(call->out.dtype));
}
