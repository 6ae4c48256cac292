/* move.c - reshape, permute, slice, pad, concat of every kind. */
#include "ops/harness.h"

#include <stdlib.h>
#include <string.h>

static node build_reshape(struct graph *g, const struct op_case *c, const node *in)
{
    return op_reshape(g, in[0], c->shape);
}

static void reference_reshape(const struct op_case *c, const struct ref *in, struct ref *out)
{
    struct shape shape = c->shape;
    int64_t known = 1;
    for (int i = 0; i < shape.rank; i++)
        known *= shape.dim[i] < 0 ? 1 : shape.dim[i];
    for (int i = 0; i < shape.rank; i++)
        if (shape.dim[i] < 0)
            shape.dim[i] = in[0].count / known;
    ref_shape(out, shape);
    memcpy(out->data, in[0].data, (size_t)out->count * sizeof(double));
}

static void test_reshape(void **context)
{
    const struct shape table[][2] = {
        {SHAPE(6), SHAPE(2, 3)},
        {SHAPE(2, 3), SHAPE(-1)},
        {SHAPE(2, 3, 4), SHAPE(4, -1)},
        {SHAPE(2, 3, 4), SHAPE(-1, 2)},
        {SHAPE(1, 1, 1), SHAPE_SCALAR},
        {SHAPE_SCALAR, SHAPE(1, 1)},
        {SHAPE(2, 3), SHAPE(1, 2, 1, 3, 1, -1)},
        {SHAPE(2, 3), SHAPE(2, 3)},
    };
    enum { COUNT = sizeof table / sizeof *table };
    struct op_case cases[COUNT];
    (void)context;
    for (int i = 0; i < COUNT; i++) {
        char a[SHAPE_TEXT], b[SHAPE_TEXT];
        cases[i] =
            (struct op_case){.build = build_reshape, .reference = reference_reshape, .inputs = 1, .any_threads = true};
        cases[i].in[0].shape = table[i][0];
        cases[i].shape = table[i][1];
        case_name(&cases[i], "reshape %s to %s", shape_text(&table[i][0], a), shape_text(&table[i][1], b));
    }
    op_check_all(cases, COUNT);
}

static node build_permute(struct graph *g, const struct op_case *c, const node *in)
{
    return op_permute(g, in[0], c->permute.axis);
}

static void reference_permute(const struct op_case *c, const struct ref *in, struct ref *out)
{
    struct shape shape = {.rank = in[0].shape.rank};
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] = in[0].shape.dim[c->permute.axis[i]];
    ref_shape(out, shape);
    int64_t index[TENSOR_MAX_RANK] = {0}, n = 0;
    do {
        int64_t from[TENSOR_MAX_RANK] = {0};
        for (int i = 0; i < shape.rank; i++)
            from[c->permute.axis[i]] = index[i];
        out->data[n++] = in[0].data[ref_offset(&in[0].shape, from)];
    } while (ref_next(&shape, index));
}

/* Every order of up to four axes, every third of five, every thirty-first of six. */
static void test_permute(void **context)
{
    const struct shape shapes[] = {SHAPE_SCALAR,           SHAPE(5),          SHAPE(3, 5),
                                   SHAPE(2, 3, 5),         SHAPE(2, 3, 4, 5), SHAPE(2, 3, 1, 4, 2),
                                   SHAPE(2, 1, 3, 2, 3, 2)};
    static const int orders[] = {1, 1, 2, 6, 24, 120, 720}, skip[] = {1, 1, 1, 1, 1, 3, 31};
    struct op_case *cases = calloc(128, sizeof *cases);
    int count = 0;
    (void)context;
    for (int rank = 0; rank <= 6; rank++)
        for (int order = 0; order < orders[rank]; order += skip[rank]) {
            struct op_case *c = &cases[count++];
            int left[6] = {0, 1, 2, 3, 4, 5}, code = order;
            *c = (struct op_case){
                .build = build_permute, .reference = reference_permute, .inputs = 1, .any_threads = true, .samples = 4};
            c->in[0].shape = shapes[rank];
            for (int i = 0; i < rank; i++) {
                int pick = code % (rank - i);
                code /= rank - i;
                c->permute.axis[i] = left[pick];
                memmove(left + pick, left + pick + 1, (size_t)(5 - pick) * sizeof *left);
            }
            char text[SHAPE_TEXT];
            case_name(c, "permute %s, order %d", shape_text(&shapes[rank], text), order);
        }
    for (int i = 0; i < 3; i++) { /* long enough for two threads */
        static const int axes[3][4] = {{1, 0, 2, 3}, {0, 2, 1, 3}, {0, 3, 1, 2}};
        struct op_case *c = &cases[count++];
        *c = (struct op_case){
            .build = build_permute, .reference = reference_permute, .inputs = 1, .any_threads = true, .samples = 2};
        c->in[0].shape = SHAPE(3, 41, 40, 17);
        memcpy(c->permute.axis, axes[i], sizeof axes[i]);
        case_name(c, "long permute %d", i);
    }
    assert_true(count <= 128);
    op_check_all(cases, count);
    free(cases);
}

static node build_slice(struct graph *g, const struct op_case *c, const node *in)
{
    return op_slice(g, in[0], c->slice.begin, c->slice.size);
}

static void reference_slice(const struct op_case *c, const struct ref *in, struct ref *out)
{
    struct shape shape = in[0].shape;
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] = c->slice.size[i] < 0 ? shape.dim[i] - c->slice.begin[i] : c->slice.size[i];
    ref_shape(out, shape);
    int64_t index[TENSOR_MAX_RANK] = {0}, n = 0;
    do {
        int64_t from[TENSOR_MAX_RANK];
        for (int i = 0; i < shape.rank; i++)
            from[i] = index[i] + c->slice.begin[i];
        out->data[n++] = in[0].data[ref_offset(&in[0].shape, from)];
    } while (ref_next(&shape, index));
}

static void test_slice(void **context)
{
    const struct {
        struct shape x;
        int64_t begin[6], size[6];
    } table[] = {
        {SHAPE(7), {0}, {7}},
        {SHAPE(7), {2}, {3}},
        {SHAPE(7), {6}, {-1}},
        {SHAPE(3, 5), {1, 0}, {2, 5}},
        {SHAPE(3, 5), {0, 2}, {-1, -1}},
        {SHAPE(3, 5), {2, 4}, {1, 1}},
        {SHAPE(2, 5, 3), {0, 1, 0}, {2, 3, 3}},
        {SHAPE(2, 5, 3), {1, 1, 1}, {1, 3, 1}},
        {SHAPE(2, 6, 5, 4), {0, 1, 2, 0}, {2, 4, 3, 4}},
        {SHAPE(2, 6, 5, 4), {0, 0, 0, 1}, {-1, -1, -1, 2}},
        {SHAPE(2, 3, 2, 3, 4), {0, 1, 0, 1, 2}, {2, 1, 2, 2, -1}},
        {SHAPE(2, 3, 2, 3, 2, 2), {1, 0, 1, 0, 1, 0}, {1, 3, 1, 2, 1, 2}},
        {SHAPE(1, 1), {0, 0}, {1, 1}},
        {SHAPE(3, 70, 60, 5), {0, 3, 5, 1}, {3, 60, 50, 3}},
    };
    enum { COUNT = sizeof table / sizeof *table };
    struct op_case cases[COUNT];
    (void)context;
    for (int i = 0; i < COUNT; i++) {
        char text[SHAPE_TEXT];
        cases[i] =
            (struct op_case){.build = build_slice, .reference = reference_slice, .inputs = 1, .any_threads = true};
        cases[i].in[0].shape = table[i].x;
        memcpy(cases[i].slice.begin, table[i].begin, sizeof table[i].begin);
        memcpy(cases[i].slice.size, table[i].size, sizeof table[i].size);
        cases[i].samples = i == COUNT - 1 ? 2 : 16;
        case_name(&cases[i], "slice %d of %s", i, shape_text(&table[i].x, text));
    }
    op_check_all(cases, COUNT);
}

static node build_slice_axis(struct graph *g, const struct op_case *c, const node *in)
{
    return op_slice_axis(g, in[0], c->axis, 1, 2);
}

static void reference_slice_axis(const struct op_case *c, const struct ref *in, struct ref *out)
{
    struct op_case full = {0};
    int axis = c->axis < 0 ? c->axis + in[0].shape.rank : c->axis;
    for (int i = 0; i < in[0].shape.rank; i++)
        full.slice.size[i] = in[0].shape.dim[i];
    full.slice.begin[axis] = 1;
    full.slice.size[axis] = 2;
    reference_slice(&full, in, out);
}

static void test_slice_axis(void **context)
{
    struct op_case cases[3];
    (void)context;
    for (int i = 0; i < 3; i++) {
        cases[i] = (struct op_case){.build = build_slice_axis, .reference = reference_slice_axis, .inputs = 1};
        cases[i].in[0].shape = SHAPE(3, 4, 5);
        cases[i].axis = i;
        case_name(&cases[i], "slice of axis %d", i);
    }
    op_check_all(cases, 3);
}

static node build_pad(struct graph *g, const struct op_case *c, const node *in)
{
    return op_pad(g, in[0], c->pad.before, c->pad.after);
}

static void reference_pad(const struct op_case *c, const struct ref *in, struct ref *out)
{
    struct shape shape = in[0].shape;
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] += c->pad.before[i] + c->pad.after[i];
    ref_shape(out, shape);
    int64_t index[TENSOR_MAX_RANK] = {0}, n = 0;
    do {
        int64_t to[TENSOR_MAX_RANK];
        for (int i = 0; i < shape.rank; i++)
            to[i] = index[i] + c->pad.before[i];
        out->data[ref_offset(&shape, to)] = in[0].data[n++];
    } while (ref_next(&in[0].shape, index));
}

static void test_pad(void **context)
{
    const struct {
        struct shape x;
        int64_t before[6], after[6];
    } table[] = {
        {SHAPE(5), {0}, {0}},
        {SHAPE(5), {2}, {3}},
        {SHAPE(3, 4), {1, 0}, {0, 2}},
        {SHAPE(3, 4), {0, 0}, {0, 1}},
        {SHAPE(2, 3, 4), {0, 2, 0}, {0, 1, 0}},
        {SHAPE(2, 3, 4, 3), {0, 1, 2, 0}, {0, 3, 0, 0}},
        {SHAPE(2, 3, 4, 3), {1, 0, 0, 2}, {0, 0, 1, 1}},
        {SHAPE(1, 2, 1, 2, 3), {1, 0, 1, 0, 0}, {0, 1, 0, 0, 1}},
        {SHAPE(1, 2, 1, 2, 1, 2), {0, 0, 2, 0, 1, 0}, {1, 0, 0, 1, 0, 1}},
        {SHAPE(3, 60, 50, 3), {0, 3, 5, 1}, {0, 2, 1, 0}},
    };
    enum { COUNT = sizeof table / sizeof *table };
    struct op_case cases[COUNT];
    (void)context;
    for (int i = 0; i < COUNT; i++) {
        char text[SHAPE_TEXT];
        cases[i] = (struct op_case){.build = build_pad, .reference = reference_pad, .inputs = 1, .any_threads = true};
        cases[i].in[0].shape = table[i].x;
        memcpy(cases[i].pad.before, table[i].before, sizeof table[i].before);
        memcpy(cases[i].pad.after, table[i].after, sizeof table[i].after);
        cases[i].samples = i == COUNT - 1 ? 2 : 16;
        case_name(&cases[i], "pad %d of %s", i, shape_text(&table[i].x, text));
    }
    op_check_all(cases, COUNT);
}

static node build_concat(struct graph *g, const struct op_case *c, const node *in)
{
    return op_concat(g, in, c->inputs, c->axis);
}

static void reference_concat(const struct op_case *c, const struct ref *in, struct ref *out)
{
    struct shape shape = in[0].shape;
    int64_t at = 0;
    for (int i = 1; i < c->inputs; i++)
        shape.dim[c->axis] += in[i].shape.dim[c->axis];
    ref_shape(out, shape);
    for (int i = 0; i < c->inputs; i++) {
        int64_t index[TENSOR_MAX_RANK] = {0}, n = 0;
        do {
            int64_t to[TENSOR_MAX_RANK];
            memcpy(to, index, sizeof to);
            to[c->axis] += at;
            out->data[ref_offset(&shape, to)] = in[i].data[n++];
        } while (ref_next(&in[i].shape, index));
        at += in[i].shape.dim[c->axis];
    }
}

/* Every axis of every rank, one to eight parts of different lengths. */
static void test_concat(void **context)
{
    struct op_case cases[24];
    int count = 0;
    (void)context;
    for (int rank = 1; rank <= 6; rank++)
        for (int axis = 0; axis < rank; axis++) {
            struct op_case *c = &cases[count];
            *c = (struct op_case){.build = build_concat,
                                  .reference = reference_concat,
                                  .any_threads = true,
                                  .samples = 4};
            c->inputs = count % CASE_INPUTS + 1;
            c->axis = axis;
            for (int i = 0; i < c->inputs; i++) {
                c->in[i].shape.rank = rank;
                for (int j = 0; j < rank; j++)
                    c->in[i].shape.dim[j] = j == axis ? 1 + (i * 2 + rank) % 4 : 1 + (j + rank) % 3;
            }
            case_name(c, "concat of %d parts, axis %d of %d", c->inputs, axis, rank);
            count++;
        }
    struct op_case *c = &cases[count++];
    *c = (struct op_case){.name = "concat of long parts",
                          .build = build_concat,
                          .reference = reference_concat,
                          .inputs = 2,
                          .axis = 2,
                          .any_threads = true,
                          .samples = 2};
    c->in[0].shape = SHAPE(60, 41, 7);
    c->in[1].shape = SHAPE(60, 41, 9);
    op_check_all(cases, count);
}

static node build_twice(struct graph *g, const struct op_case *c, const node *in)
{
    return op_concat(g, (const node[]){in[0], in[0]}, 2, c->axis);
}

static void reference_twice(const struct op_case *c, const struct ref *in, struct ref *out)
{
    struct op_case two = *c;
    two.inputs = 2;
    reference_concat(&two, (const struct ref[]){in[0], in[0]}, out);
}

static void test_concat_twice(void **context)
{
    struct op_case c = {
        .name = "concat of x and x", .build = build_twice, .reference = reference_twice, .inputs = 1, .axis = 1};
    (void)context;
    c.in[0].shape = SHAPE(3, 5);
    op_check_all(&c, 1);
}

/* Integers move, too. */
static void test_integers(void **context)
{
    const int32_t x[6] = {1, -2, 3, 4, 5, (1 << 30) + 1};
    struct store *store = test_store();
    struct graph *g = test_graph(store, false);
    (void)context;
    node in = input(g, "x", SHAPE(2, 3), DTYPE_I32);
    tap(g, "reshaped", op_reshape(g, in, SHAPE(3, 2)));
    node turned = op_permute(g, in, (const int[]){1, 0}); /* 1 4, -2 5, 3 big */
    tap(g, "sliced", op_slice_axis(g, turned, 0, 1, 2));
    tap(g, "padded", op_pad(g, turned, (const int64_t[]){0, 1}, (const int64_t[]){0, 0}));
    tap(g, "joined", op_concat(g, (const node[]){in, in}, 2, 0));
    struct test_run run = test_compile(g, test_backend(0), PRECISION_MODE_F32);
    test_execute(&run, &(struct feed){"x", x}, 1, 0, 0);
    struct tensor t = workspace_read(run.workspace, "reshaped");
    assert_int_equal(t.dtype, DTYPE_I32);
    assert_memory_equal(t.data, x, sizeof x);
    const int32_t sliced[4] = {-2, 5, 3, x[5]}, padded[9] = {0, 1, 4, 0, -2, 5, 0, 3, x[5]};
    assert_memory_equal(workspace_read(run.workspace, "sliced").data, sliced, sizeof sliced);
    assert_memory_equal(workspace_read(run.workspace, "padded").data, padded, sizeof padded);
    for (int i = 0; i < 2; i++)
        assert_memory_equal((const int32_t *)workspace_read(run.workspace, "joined").data + 6 * i, x, sizeof x);
    test_release(&run);
    store_free(store);
}

static node bad_reshape(struct graph *g)
{
    return op_reshape(g, constant(g, 1, SHAPE(2, 3)), SHAPE(4, 2));
}

static node bad_two_unknown(struct graph *g)
{
    return op_reshape(g, constant(g, 1, SHAPE(2, 3)), SHAPE(-1, -1));
}

static node bad_remainder(struct graph *g)
{
    return op_reshape(g, constant(g, 1, SHAPE(2, 3)), SHAPE(4, -1));
}

static node bad_permute(struct graph *g)
{
    return op_permute(g, constant(g, 1, SHAPE(2, 3)), (const int[]){0, 0});
}

static node bad_permute_range(struct graph *g)
{
    return op_permute(g, constant(g, 1, SHAPE(2, 3)), (const int[]){0, 2});
}

/* Slices in steps, and pads with gaps: each the other's gradient. */
static node build_slice_step(struct graph *g, const struct op_case *c, const node *in)
{
    return op_slice_step(g, in[0], c->slice.begin, c->slice.size, c->slice.step);
}

static void reference_slice_step(const struct op_case *c, const struct ref *in, struct ref *out)
{
    struct shape shape = in[0].shape;
    for (int i = 0; i < shape.rank; i++)
        for (shape.dim[i] = 0; c->slice.begin[i] + shape.dim[i] * c->slice.step[i] < in[0].shape.dim[i] &&
                               (c->slice.size[i] < 0 || shape.dim[i] < c->slice.size[i]);)
            shape.dim[i]++;
    ref_shape(out, shape);
    int64_t index[TENSOR_MAX_RANK] = {0}, n = 0;
    do {
        int64_t from[TENSOR_MAX_RANK] = {0};
        for (int i = 0; i < shape.rank; i++)
            from[i] = c->slice.begin[i] + index[i] * c->slice.step[i];
        out->data[n++] = in[0].data[ref_offset(&in[0].shape, from)];
    } while (ref_next(&shape, index));
}

static node build_pad_gap(struct graph *g, const struct op_case *c, const node *in)
{
    return op_pad_gap(g, in[0], c->pad.before, c->pad.after, c->pad.gap);
}

static void reference_pad_gap(const struct op_case *c, const struct ref *in, struct ref *out)
{
    struct shape shape = in[0].shape;
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] += c->pad.before[i] + c->pad.after[i] + (shape.dim[i] - 1) * c->pad.gap[i];
    ref_shape(out, shape);
    int64_t index[TENSOR_MAX_RANK] = {0}, n = 0;
    do {
        int64_t to[TENSOR_MAX_RANK] = {0};
        for (int i = 0; i < shape.rank; i++)
            to[i] = c->pad.before[i] + index[i] * (c->pad.gap[i] + 1);
        out->data[ref_offset(&shape, to)] = in[0].data[n++];
    } while (ref_next(&in[0].shape, index));
}

static void test_steps(void **context)
{
    static const struct {
        struct shape x;
        int64_t begin[4], size[4], step[4], after[4];
    } table[] = {
        {{1, {7}}, {0}, {-1}, {2}, {0}},
        {{1, {7}}, {1}, {2}, {3}, {4}},
        {{2, {5, 3}}, {1, 0}, {-1, -1}, {2, 1}, {0, 2}},
        {{2, {5, 6}}, {0, 1}, {-1, 2}, {1, 3}, {1, 0}},
        {{4, {2, 7, 8, 3}}, {0, 0, 0, 0}, {-1, -1, -1, -1}, {1, 2, 2, 1}, {0, 1, 0, 0}},
        {{4, {2, 9, 7, 40}}, {0, 1, 2, 3}, {-1, -1, 1, 20}, {1, 3, 4, 1}, {0, 0, 3, 0}},
        {{4, {3, 1, 5, 1}}, {0, 0, 0, 0}, {-1, -1, -1, -1}, {2, 2, 2, 2}, {0, 0, 0, 0}},
    };
    enum { TABLE = sizeof table / sizeof *table, COUNT = 2 * TABLE };
    static struct op_case cases[COUNT];
    (void)context;
    for (int i = 0; i < COUNT; i++) {
        int k = i / 2, is_pad = i % 2;
        char text[SHAPE_TEXT];
        cases[i] = (struct op_case){.build = is_pad ? build_pad_gap : build_slice_step,
                                    .reference = is_pad ? reference_pad_gap : reference_slice_step,
                                    .inputs = 1,
                                    .any_threads = true};
        cases[i].in[0].shape = table[k].x;
        if (is_pad) {
            memcpy(cases[i].pad.before, table[k].begin, sizeof table[k].begin);
            memcpy(cases[i].pad.after, table[k].after, sizeof table[k].after);
            for (int a = 0; a < 4; a++)
                cases[i].pad.gap[a] = table[k].step[a] > 0 ? table[k].step[a] - 1 : 0;
        } else {
            memcpy(cases[i].slice.begin, table[k].begin, sizeof table[k].begin);
            memcpy(cases[i].slice.size, table[k].size, sizeof table[k].size);
            memcpy(cases[i].slice.step, table[k].step, sizeof table[k].step);
        }
        case_name(&cases[i], "%s %d of %s", is_pad ? "pad with gaps" : "slice in steps", k,
                  shape_text(&table[k].x, text));
    }
    op_check_all(cases, COUNT);
}

static node bad_step(struct graph *g)
{
    return op_slice_step(g, constant(g, 1, SHAPE(7)), (const int64_t[]){1}, (const int64_t[]){3}, (const int64_t[]){3});
}

static node bad_no_step(struct graph *g)
{
    return op_slice_step(g, constant(g, 1, SHAPE(7)), (const int64_t[]){1}, (const int64_t[]){-1},
                         (const int64_t[]){0});
}

static node bad_slice(struct graph *g)
{
    return op_slice_axis(g, constant(g, 1, SHAPE(2, 3)), 1, 2, 2);
}

static node bad_slice_begin(struct graph *g)
{
    return op_slice_axis(g, constant(g, 1, SHAPE(2, 3)), 1, -1, 2);
}

static node bad_slice_axis(struct graph *g)
{
    return op_slice_axis(g, constant(g, 1, SHAPE(2, 3)), 2, 0, 1);
}

static node bad_pad(struct graph *g)
{
    return op_pad(g, constant(g, 1, SHAPE(2, 3)), (const int64_t[]){0, -1}, (const int64_t[]){0, 0});
}

static node bad_concat(struct graph *g)
{
    return op_concat(g, (const node[]){constant(g, 1, SHAPE(2, 3)), constant(g, 1, SHAPE(3, 4))}, 2, 1);
}

static node bad_concat_rank(struct graph *g)
{
    return op_concat(g, (const node[]){constant(g, 1, SHAPE(2, 3)), constant(g, 1, SHAPE(2, 3, 1))}, 2, 1);
}

static node bad_concat_axis(struct graph *g)
{
    return op_concat(g, (const node[]){constant(g, 1, SHAPE(2, 3)), constant(g, 1, SHAPE(2, 3))}, 2, 2);
}

static void test_errors(void **context)
{
    (void)context;
    EXPECT_FAILURE(bad_reshape, "[2, 3]", "[4, 2]");
    EXPECT_FAILURE(bad_two_unknown, "[2, 3]");
    EXPECT_FAILURE(bad_remainder, "[2, 3]");
    EXPECT_FAILURE(bad_permute, "[2, 3]");
    EXPECT_FAILURE(bad_permute_range, "[2, 3]");
    EXPECT_FAILURE(bad_step, "[7]", "steps of 3");
    EXPECT_FAILURE(bad_no_step, "[7]");
    EXPECT_FAILURE(bad_slice, "[2, 3]");
    EXPECT_FAILURE(bad_slice_begin, "[2, 3]");
    EXPECT_FAILURE(bad_slice_axis, "[2, 3]");
    EXPECT_FAILURE(bad_pad, "[2, 3]");
    EXPECT_FAILURE(bad_concat, "[2, 3]", "[3, 4]");
    EXPECT_FAILURE(bad_concat_rank, "[2, 3]", "[2, 3, 1]");
    EXPECT_FAILURE(bad_concat_axis, "[2, 3]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reshape),    cmocka_unit_test(test_permute),      cmocka_unit_test(test_slice),
        cmocka_unit_test(test_slice_axis), cmocka_unit_test(test_steps),        cmocka_unit_test(test_pad),
        cmocka_unit_test(test_concat),     cmocka_unit_test(test_concat_twice), cmocka_unit_test(test_integers),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
