/* rich.c - the detector `rich`: what is left of a picture when its content is taken away, counted, and one linear
 * layer. It is a small rich model as steganalysis has them (Fridrich and Kodovsky, "Rich models for steganalysis of
 * digital images", IEEE TIFS 2012; planes together as in Goljan et al., "Rich model for steganalysis of color images",
 * WIFS 2014), seen at two scales:
 *
 *   - twelve fixed filters of at most 5 x 5 predict a pixel from those around it, in luma and chroma;
 *   - what they miss is rounded to five levels, and triples of neighbours along rows and columns are counted; so are
 *     pairs of planes at the same place;
 *   - what means the same is counted together: transposed filters, a triple and its reverse, a pattern and its
 *     negative;
 *   - the same once more of the picture at half its size. Logarithms of all shares are the features.
 *
 * Nothing but the linear layer learns, so its best weights are the solution of a linear system (train/least_squares.h).
 * Pixels are whole numbers, and so are all sums up to the levels: each is exact, whatever the order. */
#include "detector/rich.h"

#include "detector/residual.h"
#include "nn/linear.h"
#include "ops/cooccurrence.h"
#include "ops/conv.h"
#include "ops/elementwise.h"
#include "ops/loss.h"
#include "ops/matmul.h"
#include "ops/move.h"
#include "ops/pool.h"
#include "ops/reduce.h"

static const struct option fields[] = {
    {"crop", OPTION_INT, offsetof(struct rich_config, crop), "256", 16, 1024, NULL,
     "side of the square windows whose statistics are taken, pixels"},
    {"crops", OPTION_INT, offsetof(struct rich_config, crops), "16", 1, PREPROCESS_MAX_CROPS, NULL,
     "windows of a picture that are judged and averaged"},
    {"label-smoothing", OPTION_FLOAT, offsetof(struct rich_config, label_smoothing), "0.05", 0, 0.5, NULL,
     "how far targets move from 0 and 1 towards one half, where it is trained by gradients"},
    {0},
};

/* The linear system's penalty, chosen on training sources that were left out (models/README.md). */
static const struct detector_default training[] = {
    {"optimizer", "least-squares"},
    {"weight-decay", "0.08"},
    {"epochs", "1"},
    {0},
};

enum { SIDE = 5, FILTERS = 12, PLANES = 3, CHANNELS = PLANES * FILTERS, RANGE = 2, LEVELS = 2 * RANGE + 1 };
enum { TRIPLES = LEVELS * LEVELS * LEVELS, PAIRS = LEVELS * LEVELS, HISTOGRAMS = 11, FAMILIES = 7 };
#define SHARE_EPS 1e-4f
#define UNITS 256.0f /* of a plane in one grey level */

/* ---- Filters ---------------------------------------------------------------------------------------------------- */

/* In the order of their channels. `across` of a transposed pair comes first. */
static const struct filter {
    int rows, columns, centre;
    int weights[SIDE * SIDE];
    int family;
} filters[FILTERS] = {
    {1, 2, 1, {-1, 1}, 0},
    {2, 1, 1, {-1, 1}, 0},
    {2, 2, 1, {-1, 0, 0, 1}, 1},
    {2, 2, 1, {0, -1, 1, 0}, 1},
    {1, 3, 2, {1, -2, 1}, 2},
    {3, 1, 2, {1, -2, 1}, 2},
    {1, 4, 3, {1, -3, 3, -1}, 3},
    {4, 1, 3, {1, -3, 3, -1}, 3},
    {3, 3, 4, {-1, 2, -1, 2, -4, 2, -1, 2, -1}, 4},
    {2, 3, 4, {-1, 2, -1, 2, -4, 2}, 5},
    {3, 2, 4, {-1, 2, 2, -4, -1, 2}, 5},
    {5, 5, 12, {-1, 2, -2, 2, -1, 2, -6, 8, -6, 2, -2, 8, -12, 8, -2, 2, -6, 8, -6, 2, -1, 2, -2, 2, -1}, 6},
};

/* Luma and the two chroma planes as JPEG has them, in whole 256ths. */
static const int planes[PLANES][3] = {{77, 150, 29}, {-43, -85, 128}, {128, -107, -21}};

/* Every filter of every plane as one convolution of red, green and blue: [plane, filter], 3, 5, 5. */
static node filter_weights(struct graph *g)
{
    float weights[CHANNELS][3][SIDE][SIDE] = {0};
    for (int plane = 0; plane < PLANES; plane++)
        for (int i = 0; i < FILTERS; i++) {
            const struct filter *f = &filters[i];
            int top = (SIDE - f->rows) / 2, left = (SIDE - f->columns) / 2;
            for (int colour = 0; colour < 3; colour++)
                for (int row = 0; row < f->rows; row++)
                    for (int column = 0; column < f->columns; column++)
                        weights[plane * FILTERS + i][colour][top + row][left + column] =
                            (float)(planes[plane][colour] * f->weights[row * f->columns + column]);
        }
    return constant_data(g, &weights[0][0][0][0], SHAPE(CHANNELS, 3, SIDE, SIDE));
}

/* What a level is of each channel: half the filter's centre, grey levels. */
static node level_sizes(struct graph *g)
{
    float sizes[CHANNELS];
    for (int i = 0; i < CHANNELS; i++)
        sizes[i] = (float)filters[i % FILTERS].centre * UNITS / 2;
    return constant_data(g, sizes, SHAPE(CHANNELS));
}

/* ---- What is counted together ------------------------------------------------------------------------------------ */

/* The least of the tuples that mean the same as `tuple` of so many digits: its negative and, for neighbours, its
 * reverse. */
static int least_alike(int tuple, int digits, bool reversible)
{
    int forward = tuple, least = tuple;
    for (int way = 0; way < 4; way++) {
        int alike = 0, rest = forward;
        for (int i = 0, unit = 1; i < digits; i++, unit *= LEVELS, rest /= LEVELS) {
            int digit = rest % LEVELS;
            if (way & 1)
                digit = LEVELS - 1 - digit;
            alike = way & 2 ? alike * LEVELS + digit : alike + digit * unit;
        }
        if ((reversible || !(way & 2)) && alike < least)
            least = alike;
    }
    return least;
}

struct kinds {
    int tuples, count;
    int of[TRIPLES]; /* the kind of each tuple */
};

static struct kinds find_kinds(int digits, bool reversible)
{
    struct kinds k = {.tuples = digits == 3 ? TRIPLES : PAIRS};
    for (int tuple = 0; tuple < k.tuples; tuple++) {
        int least = least_alike(tuple, digits, reversible);
        k.of[tuple] = least == tuple ? k.count++ : k.of[least];
    }
    return k;
}

/* Row: tuple; column: kind. */
static double kind_entry(int64_t row, int64_t column, const void *context)
{
    return ((const struct kinds *)context)->of[row] == column;
}

/* Which filters' triples along rows (`across`) and along columns (`down`) make up each histogram of a plane: those of a
 * filter and its transpose count as one where each goes along its own direction, and where each goes across it. */
static const struct histogram {
    unsigned across, down; /* a bit for each filter */
} histograms[HISTOGRAMS] = {{1 << 0, 1 << 1},  {1 << 1, 1 << 0},  {1 << 2 | 1 << 3, 1 << 2 | 1 << 3},
                            {1 << 4, 1 << 5},  {1 << 5, 1 << 4},  {1 << 6, 1 << 7},
                            {1 << 7, 1 << 6},  {1 << 8, 1 << 8},  {1 << 9, 1 << 10},
                            {1 << 10, 1 << 9}, {1 << 11, 1 << 11}};

/* Row: plane, histogram; column: direction, channel. */
static double histogram_entry(int64_t row, int64_t column, const void *context)
{
    (void)context;
    int64_t direction = column / CHANNELS, plane = column % CHANNELS / FILTERS, filter = column % FILTERS;
    const struct histogram *h = &histograms[row % HISTOGRAMS];
    return plane == row / HISTOGRAMS && ((direction ? h->down : h->across) >> filter & 1);
}

/* Row: plane, family; column: channel. */
static double family_entry(int64_t row, int64_t column, const void *context)
{
    (void)context;
    return column / FILTERS == row / FAMILIES && filters[column % FILTERS].family == row % FAMILIES;
}

/* ---- Features ---------------------------------------------------------------------------------------------------- */

/* Counts [B, channels, tuples], merged over channels and tuples, as logarithms of shares: [B, merged rows x kinds]. */
static node log_shares(struct graph *g, node counts, node merge, const struct kinds *kinds)
{
    node kind = residual_matrix(g, kinds->tuples, kinds->count, kind_entry, kinds);
    node merged = op_matmul_f32(g, op_matmul_f32(g, merge, counts, false, false), kind, false, false);
    node all = op_sum(g, merged, REDUCE_AXIS(2), true);
    node logs = op_log(g, op_affine(g, op_div(g, merged, all), 1, SHARE_EPS));
    return graph_failed(g) ? NODE_NONE : op_reshape(g, logs, SHAPE(graph_dim(g, counts, 0), -1));
}

/* Grey levels [B, H, W, 3] to features [B, RICH_FEATURES / 2]. */
static node features(struct graph *g, node x)
{
    static const struct cooccurrence_attrs across = {RANGE, 3, 0, 1, 0}, down = {RANGE, 3, 1, 0, 0},
                                           between = {RANGE, 2, 0, 0, FILTERS};
    struct kinds triples = find_kinds(3, true), pairs = find_kinds(2, false);
    struct conv_attrs conv = conv_square(1, 0);
    conv.f32 = true;
    node residuals = op_div(g, op_conv2d(g, x, filter_weights(g), conv), level_sizes(g));
    node both[2] = {op_cooccurrence(g, residuals, across), op_cooccurrence(g, residuals, down)};
    node parts[2] = {
        log_shares(g, op_concat(g, both, 2, 1),
                   residual_matrix(g, PLANES * HISTOGRAMS, 2 * CHANNELS, histogram_entry, NULL), &triples),
        log_shares(g, op_cooccurrence(g, residuals, between),
                   residual_matrix(g, PLANES * FAMILIES, CHANNELS, family_entry, NULL), &pairs),
    };
    return op_concat(g, parts, 2, 1);
}

static void rich_preprocess(const void *config, struct preprocess *out)
{
    const struct rich_config *c = config;
    *out = residual_crops(c->crop, c->crops);
}

static void rich_forward(struct graph *g, struct params p, const void *config, struct detector_io *io)
{
    (void)config;
    node levels = op_floor(g, op_affine(g, io->image, RESIDUAL_LEVELS, 255.0f * RESIDUAL_MEAN + 0.5f));
    node scales[2] = {features(g, levels), features(g, op_avg_pool2d(g, levels, 2, 2, 0))};
    io->embedding = op_concat(g, scales, 2, 1); /* [B, RICH_FEATURES] */
    io->logit = linear_f32(g, params_scope(p, "head"), io->embedding, 1);
}

static node rich_loss(struct graph *g, struct params p, const void *config, const struct detector_io *io, node labels)
{
    (void)p;
    double smoothing = ((const struct rich_config *)config)->label_smoothing;
    return op_bce_with_logits(g, io->logit, detector_targets(g, labels, smoothing));
}

const struct detector detector_rich = {
    .name = "rich",
    .title = "a rich model: counts of residuals' levels at two scales, and a linear layer",
    .paper =
        "of this project; after Fridrich and Kodovsky, \"Rich models for steganalysis of digital images\" (IEEE TIFS "
        "2012)",
    .fields = fields,
    .config_size = sizeof(struct rich_config),
    .training = training,
    .preprocess = rich_preprocess,
    .forward = rich_forward,
    .loss = rich_loss,
    .head = "head.",
};
