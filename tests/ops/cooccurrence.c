/* cooccurrence.c - counts of tuples, of every order and direction, against counting one by one. */
#include <math.h>

#include "ops/harness.h"

static node build_counts(struct graph *g, const struct op_case *c, const node *in)
{
    return op_cooccurrence(g, in[0], c->cooccurrence);
}

static void reference_counts(const struct op_case *c, const struct ref *in, struct ref *out)
{
    const struct cooccurrence_attrs *a = &c->cooccurrence;
    const struct shape *s = &in->shape;
    int64_t levels = 2 * a->range + 1, bins = 1, reach = a->order - 1;
    for (int i = 0; i < a->order; i++)
        bins *= levels;
    ref_shape(out, SHAPE(s->dim[0], s->dim[3], bins));
    for (int64_t b = 0; b < s->dim[0]; b++)
        for (int64_t y = 0; y + reach * a->rows < s->dim[1]; y++)
            for (int64_t x = 0; x + reach * a->columns < s->dim[2]; x++)
                for (int64_t channel = 0; channel < s->dim[3]; channel++) {
                    int64_t tuple = 0;
                    for (int64_t i = 0; i < a->order; i++) {
                        int64_t row = (b * s->dim[1] + y + i * a->rows) * s->dim[2] + x + i * a->columns;
                        double value = in->data[row * s->dim[3] + (channel + i * a->channels) % s->dim[3]];
                        value = isnan(value) ? 0 : value;
                        tuple = tuple * levels + (int64_t)nearbyint(fmin(fmax(value, -a->range), a->range)) + a->range;
                    }
                    out->data[(b * s->dim[3] + channel) * bins + tuple]++;
                }
}

static void test_counts(void **context)
{
    static const struct {
        struct shape shape;
        struct cooccurrence_attrs attrs;
        bool ties;
    } shapes[] = {
        {{4, {1, 1, 1, 1}}, {1, 1, 0, 0, 0}, false},   {{4, {2, 5, 7, 3}}, {2, 3, 0, 1, 0}, false},
        {{4, {2, 5, 7, 3}}, {2, 3, 1, 0, 0}, true},    {{4, {1, 33, 9, 6}}, {2, 2, 0, 0, 2}, true},
        {{4, {3, 40, 37, 5}}, {2, 4, 0, 2, 0}, false}, {{4, {1, 19, 20, 4}}, {3, 2, 4, 1, 3}, false},
        {{4, {1, 3, 2, 36}}, {2, 3, 1, 0, 12}, false},
    };
    enum { COUNT = sizeof shapes / sizeof *shapes };
    struct op_case cases[COUNT];
    (void)context;
    for (int i = 0; i < COUNT; i++) {
        const struct cooccurrence_attrs *a = &shapes[i].attrs;
        char text[SHAPE_TEXT];
        cases[i] = (struct op_case){.build = build_counts,
                                    .reference = reference_counts,
                                    .inputs = 1,
                                    .cooccurrence = *a,
                                    .any_threads = true,
                                    .no_bf16 = true};
        cases[i].in[0] = (struct op_arg){.shape = shapes[i].shape,
                                         .values = shapes[i].ties ? ARG_TIES : ARG_UNIFORM,
                                         .low = -4,
                                         .high = 4,
                                         .no_grad = true};
        case_name(&cases[i], "cooccurrence of %d, +-%d, %d %d %d apart, of %s", a->order, a->range, a->rows, a->columns,
                  a->channels, shape_text(&shapes[i].shape, text));
    }
    op_check_all(cases, COUNT);
}

/* Halves go to the even level, what is beyond the last to it, and what is no number to the middle. */
static void test_levels(void **context)
{
    (void)context;
    const float x[] = {-0.5f, 0.5f, 1.5f, -1.5f, 2.5f, -INFINITY, 1e30f, NAN, 0.49f, -2.6f};
    const float expected[5] = {3, 0, 4, 0, 3}; /* of levels -2 to 2 */
    const float *const values[] = {x};
    struct op_case c = {.build = build_counts,
                        .reference = reference_counts,
                        .inputs = 1,
                        .cooccurrence = {2, 1, 0, 0, 0},
                        .no_bf16 = true};
    c.in[0] = (struct op_arg){.shape = SHAPE(1, 2, 5, 1), .no_grad = true};
    case_name(&c, "levels");
    op_expect(&c, values, expected, NULL, NULL);
}

static node too_far(struct graph *g)
{
    return op_cooccurrence(g, constant(g, 0, SHAPE(1, 4, 4, 1)), (struct cooccurrence_attrs){2, 3, 2, 0, 0});
}

static node too_many(struct graph *g)
{
    return op_cooccurrence(g, constant(g, 0, SHAPE(1, 4, 4, 1)), (struct cooccurrence_attrs){4, 4, 0, 0, 0});
}

static node backwards(struct graph *g)
{
    return op_cooccurrence(g, constant(g, 0, SHAPE(1, 4, 4, 1)), (struct cooccurrence_attrs){2, 2, 0, -1, 0});
}

static node no_map(struct graph *g)
{
    return op_cooccurrence(g, constant(g, 0, SHAPE(4, 4)), (struct cooccurrence_attrs){2, 2, 0, 1, 0});
}

static void test_errors(void **context)
{
    (void)context;
    EXPECT_FAILURE(too_far, "cooccurrence", "2 rows", "[1, 4, 4, 1]");
    EXPECT_FAILURE(too_many, "cooccurrence", "4096");
    EXPECT_FAILURE(backwards, "cooccurrence", "-1 columns");
    EXPECT_FAILURE(no_map, "cooccurrence", "[4, 4]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts), cmocka_unit_test(test_levels),
                                       cmocka_unit_test(test_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
