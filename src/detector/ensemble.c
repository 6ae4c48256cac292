/* ensemble.c - the detector `ensemble`: networks that differ err on different pictures, so the mean of their logits
 * ranks better than any of them (Lakshminarayanan et al., "Simple and scalable predictive uncertainty estimation using
 * deep ensembles", NeurIPS 2017, who average probabilities; logits keep the calibration a line). Members lie in one
 * file under "members.0.", "members.1." ... and see the same crops, or parts of them side by side. */
#include "detector/ensemble.h"

#include <string.h>

#include "base/text.h"
#include "ops/elementwise.h"
#include "ops/loss.h"
#include "ops/move.h"
#include "ops/reduce.h"

static const struct option fields[] = {
    {"members", OPTION_TEXT, offsetof(struct ensemble_config, members),
     "[{\"detector\": \"residual\"}, {\"detector\": \"residual\"}]", 0, 0, NULL,
     "JSON: [{\"detector\": NAME, \"config\": {OPTION: VALUE...}, \"scale\": S, \"shift\": T}...]; the logit is the "
     "mean of "
     "theirs, each times S plus T"},
    {"crops", OPTION_INT, offsetof(struct ensemble_config, crops), "16", 1, PREPROCESS_MAX_CROPS, NULL,
     "windows of a picture that are judged and averaged"},
    {"label-smoothing", OPTION_FLOAT, offsetof(struct ensemble_config, label_smoothing), "0.05", 0, 0.5, NULL,
     "how far targets move from 0 and 1 towards one half, where the members are trained together"},
    {0},
};

/* ---- What the members are --------------------------------------------------------------------------------------- */

static assay_status read_member(const json_t *object, int index, struct arena *arena, struct ensemble_member *out,
                                struct assay_error *error)
{
    const char *name = NULL;
    json_t *config = NULL;
    json_error_t why;
    char where[32], shown[TEXT_NAME];
    *out = (struct ensemble_member){.scale = 1};
    snprintf(where, sizeof where, "members[%d]", index);
    if (json_unpack_ex((json_t *)object, &why, JSON_STRICT, "{s:s, s?o, s?F, s?F}", ENSEMBLE_DETECTOR, &name,
                       ENSEMBLE_CONFIG, &config, ENSEMBLE_SCALE, &out->scale, ENSEMBLE_SHIFT, &out->shift) != 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: %s", where, text_printable(why.text, shown, sizeof shown));
    out->detector = detector_find(name);
    if (!out->detector)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: unknown detector \"%s\"", where,
                         text_printable(name, shown, sizeof shown));
    if (out->detector == &detector_ensemble) /* as deep as its text is long */
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: an ensemble has no ensembles for members", where);
    out->config = arena_alloc(arena, 1, out->detector->config_size);
    if (!out->config)
        return error_memory(error, where);
    option_defaults(out->detector->fields, out->config);
    return config ? option_from_json(out->detector->fields, out->config, config, where, arena, error) : ASSAY_OK;
}

/* Whether pictures prepared for one, but for the size of crops, are prepared for the other. */
static bool sees_alike(const struct preprocess *a, const struct preprocess *b)
{
    return a->resize == b->resize &&
           (a->resize == PREPROCESS_NATIVE || (a->resize_to == b->resize_to && a->filter == b->filter)) &&
           a->fit == b->fit && memcmp(a->mean, b->mean, sizeof a->mean) == 0 &&
           memcmp(a->std, b->std, sizeof a->std) == 0;
}

/* The member with the largest crops; of several the first. */
static int find_widest(const struct preprocess *wanted, int count)
{
    int widest = 0;
    for (int i = 1; i < count; i++)
        if (wanted[i].crop > wanted[widest].crop)
            widest = i;
    return widest;
}

/* How many of the member's crops lie side by side in the widest one's: the same number in use and in training. */
static assay_status find_parts(const struct preprocess *wanted, int widest, int index, struct ensemble_member *member,
                               struct assay_error *error)
{
    const char *name = member->detector->name;
    if (!sees_alike(&wanted[widest], &wanted[index]))
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "members[%d]: detector %s wants its pictures prepared otherwise than members[%d] (another "
                         "size or normalisation before they are cropped)",
                         index, name, widest);
    int whole = wanted[widest].crop, part = wanted[index].crop;
    if (whole % part != 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "members[%d]: detector %s wants crops of %d pixels, which do not divide the %d of members[%d]",
                         index, name, part, whole, widest);
    int train_whole = preprocess_training(&wanted[widest]).crop, train_part = preprocess_training(&wanted[index]).crop;
    member->across = whole / part;
    if (train_part * member->across != train_whole)
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "members[%d]: detector %s wants crops of %d pixels for members[%d]'s %d, but in training of "
                         "%d for %d, which is another share",
                         index, name, part, widest, whole, train_part, train_whole);
    return ASSAY_OK;
}

static assay_status read_members(const json_t *list, struct arena *arena, struct ensemble_member *members, int *count,
                                 struct assay_error *error)
{
    struct preprocess wanted[ENSEMBLE_MAX_MEMBERS] = {0};
    size_t said = json_array_size(list); /* 0 of what is no array */
    if (said < 1 || said > ENSEMBLE_MAX_MEMBERS)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "members: a list of 1 to %d is needed, this has %zu",
                         ENSEMBLE_MAX_MEMBERS, said);
    for (int i = 0; i < (int)said; i++) {
        assay_status status = read_member(json_array_get(list, (size_t)i), i, arena, &members[i], error);
        if (status)
            return status;
        members[i].detector->preprocess(members[i].config, &wanted[i]);
    }
    int widest = find_widest(wanted, (int)said);
    for (int i = 0; i < (int)said; i++) {
        assay_status status = find_parts(wanted, widest, i, &members[i], error);
        if (status)
            return status;
    }
    *count = (int)said;
    return ASSAY_OK;
}

int ensemble_widest(const struct ensemble_member *members, int count)
{
    int widest = 0;
    while (widest < count - 1 && members[widest].across > 1)
        widest++;
    return widest;
}

assay_status ensemble_read(const char *text, struct arena *arena, struct ensemble_member *members, int *count,
                           struct assay_error *error)
{
    json_error_t why;
    char shown[TEXT_NAME];
    json_t *list = json_loads(text ? text : "", JSON_REJECT_DUPLICATES, &why);
    if (!list)
        return json_error_code(&why) == json_error_out_of_memory
                   ? error_memory(error, "members")
                   : error_set(error, ASSAY_ERROR_ARGUMENT, "members: not valid JSON: %s",
                               text_printable(why.text, shown, sizeof shown));
    assay_status status = read_members(list, arena, members, count, error);
    json_decref(list);
    return status;
}

/* ---- The detector ------------------------------------------------------------------------------------------------ */

/* As that of the member with the largest crops. A text that says nothing of use, or no memory to read it, leaves crops
 * of no size: the forward pass will tell. */
static void ensemble_preprocess(const void *config, struct preprocess *out)
{
    const struct ensemble_config *c = config;
    struct ensemble_member members[ENSEMBLE_MAX_MEMBERS];
    struct arena arena = {0};
    struct assay_error ignored;
    int count = 0;
    if (ensemble_read(c->members, &arena, members, &count, &ignored) == ASSAY_OK) {
        const struct ensemble_member *widest = &members[ensemble_widest(members, count)];
        widest->detector->preprocess(widest->config, out);
    } else {
        *out = (struct preprocess){.std = {1, 1, 1}};
    }
    out->max_crops = (int)c->crops;
    arena_free(&arena);
}

/* ---- Members with smaller crops ---- */

/* Axes 1 and 2 of a value of rank 4 change places. */
static node swap_middle(struct graph *g, node x)
{
    return op_permute(g, x, (const int[]){0, 2, 1, 3});
}

/* [B, S, S, C] to [B x across x across, S / across, S / across, C]: the parts of a picture, row by row, before those of
 * the next. */
static node cut(struct graph *g, node image, int across)
{
    int64_t side = graph_dim(g, image, 1) / across, channels = graph_dim(g, image, 3);
    node strips = op_reshape(g, image, SHAPE(-1, side, across, side * channels)); /* a row of parts for each */
    return op_reshape(g, swap_middle(g, strips), SHAPE(-1, side, side, channels));
}

/* The reverse, of maps [B x across x across, h, w, C], or nothing. */
static node put_together(struct graph *g, node maps, int across)
{
    if (maps.id < 0)
        return NODE_NONE;
    int64_t height = graph_dim(g, maps, 1), width = graph_dim(g, maps, 2), channels = graph_dim(g, maps, 3);
    node strips = swap_middle(g, op_reshape(g, maps, SHAPE(-1, across, height, width * channels)));
    return op_reshape(g, strips, SHAPE(-1, across * height, across * width, channels));
}

/* [B x across x across, D] to [B, D], or nothing. */
static node mean_of_parts(struct graph *g, node x, int across)
{
    if (x.id < 0)
        return NODE_NONE;
    return op_mean(g, op_reshape(g, x, SHAPE(-1, (int64_t)across * across, graph_dim(g, x, 1))), REDUCE_AXIS(1), false);
}

/* What a member says of the whole crop: of its parts side by side, where it wants smaller ones. */
static void forward_parts(struct graph *g, struct params p, const struct ensemble_member *m, struct detector_io *own)
{
    int across = m->across;
    int64_t side = graph_dim(g, own->image, 1);
    if (side % across != 0) { /* a file may say any crop beside its members */
        graph_fail(g, "crops of %lld pixels cannot be cut into %d by %d parts", (long long)side, across, across);
        return;
    }
    if (across > 1)
        own->image = cut(g, own->image, across);
    m->detector->forward(g, p, m->config, own);
    if (across == 1 || graph_failed(g))
        return;
    own->logit = mean_of_parts(g, own->logit, across);
    own->embedding = mean_of_parts(g, own->embedding, across);
    own->mask = put_together(g, own->mask, across);
    own->evidence = put_together(g, own->evidence, across); /* its mean is still the logit */
    own->rollout = put_together(g, own->rollout, across);
    if (own->rollout.id >= 0) /* shares of a part, of which each has its own part in the logit */
        own->rollout = op_scale(g, own->rollout, 1 / (float)(across * across));
}

/* ---- All together ---- */

/* What the members give of one kind; some may not. */
struct gathered {
    node parts[ENSEMBLE_MAX_MEMBERS];
    int count;
};

static void gather(struct gathered *all, node part)
{
    if (part.id >= 0)
        all->parts[all->count++] = part;
}

/* Whether at least so many members have it, all of the same size but for channels. */
static bool agree(struct graph *g, const struct gathered *all, int least)
{
    if (all->count < least)
        return false;
    struct shape first = graph_shape(g, all->parts[0]);
    for (int i = 1; i < all->count; i++) {
        struct shape s = graph_shape(g, all->parts[i]);
        if (s.rank != first.rank || memcmp(s.dim, first.dim, (size_t)(s.rank - 1) * sizeof s.dim[0]) != 0)
            return false;
    }
    return true;
}

/* Side by side along the channels, or nothing. */
static node beside(struct graph *g, const struct gathered *all, int least)
{
    return agree(g, all, least) ? op_concat(g, all->parts, all->count, -1) : NODE_NONE;
}

/* The mean of those that have it, maps of one channel, or nothing. */
static node mean(struct graph *g, const struct gathered *all, int least)
{
    if (!agree(g, all, least))
        return NODE_NONE;
    node sum = all->parts[0];
    for (int i = 1; i < all->count; i++)
        sum = op_add(g, sum, all->parts[i]);
    return op_scale(g, sum, 1 / (float)all->count);
}

static void forward_members(struct graph *g, struct params p, const struct ensemble_member *members, int count,
                            struct detector_io *io)
{
    struct gathered logits = {.count = 0}, masks = {.count = 0}, embeddings = {.count = 0}, evidence = {.count = 0},
                    rollouts = {.count = 0};
    for (int i = 0; i < count; i++) {
        const struct ensemble_member *m = &members[i];
        struct detector_io own = detector_io(io->image);
        own.explain = io->explain;
        forward_parts(g, params_scope_index(p, "members", i), m, &own);
        if (graph_failed(g))
            return;
        if (own.mixed.id >= 0) {
            graph_fail(g, "members[%d]: members that are trained together cannot mix pictures, each its own way", i);
            return;
        }
        float scale = (float)m->scale, shift = (float)m->shift;
        gather(&logits, op_affine(g, own.logit, scale, shift));
        if (own.evidence.id >= 0) /* its mean is the logit */
            gather(&evidence, op_affine(g, own.evidence, scale, shift));
        gather(&masks, own.mask);
        gather(&embeddings, own.embedding);
        gather(&rollouts, own.rollout);
    }
    io->logit = mean(g, &logits, count);
    io->branches = beside(g, &logits, count);
    io->mask = mean(g, &masks, count);
    io->embedding = beside(g, &embeddings, count);
    /* Where only some have maps, theirs are better than none: the evidence's mean is then the mean logit of those.
     * There are no features of all together that the logit would be made of, and so no gradients of it by them. */
    io->evidence = mean(g, &evidence, 1);
    io->rollout = mean(g, &rollouts, 1);
}

static void ensemble_forward(struct graph *g, struct params p, const void *config, struct detector_io *io)
{
    struct ensemble_member members[ENSEMBLE_MAX_MEMBERS];
    struct arena arena = {0};
    struct assay_error error = {0};
    int count = 0;
    if (ensemble_read(((const struct ensemble_config *)config)->members, &arena, members, &count, &error))
        graph_fail(g, "%s", error.message);
    else
        forward_members(g, p, members, count, io);
    arena_free(&arena);
}

/* The cross-entropy of each member for itself, so that they stay different; further losses of theirs have no part. */
static node ensemble_loss(struct graph *g, struct params p, const void *config, const struct detector_io *io,
                          node labels)
{
    (void)p;
    node target = detector_targets(g, labels, ((const struct ensemble_config *)config)->label_smoothing);
    return op_bce_with_logits(g, io->branches, op_broadcast(g, target, graph_shape(g, io->branches)));
}

const struct detector detector_ensemble = {
    .name = "ensemble",
    .title = "several networks that judge together",
    .paper =
        "after Lakshminarayanan et al., \"Simple and scalable predictive uncertainty estimation using deep ensembles\" "
        "(NeurIPS 2017)",
    .fields = fields,
    .config_size = sizeof(struct ensemble_config),
    .preprocess = ensemble_preprocess,
    .forward = ensemble_forward,
    .loss = ensemble_loss,
};
