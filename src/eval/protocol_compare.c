/* protocol_compare.c - predictions of two detectors, picture by picture. */
#include "base/memory.h"
#include "base/string_map.h"
#include "eval/protocol_internal.h"

assay_status division_of_predictions(const struct prediction *predictions, size_t count,
                                     struct division_picture *pictures, struct division_source *sources,
                                     size_t *source_count, struct assay_error *error)
{
    struct string_map known[LABEL_COUNT] = {{0}};
    assay_status status = ASSAY_OK;
    *source_count = 0;
    for (size_t i = 0; i < count && !status; i++) {
        const struct prediction *p = &predictions[i];
        if (p->label != LABEL_REAL && p->label != LABEL_GENERATED) {
            status = error_set(error, ASSAY_ERROR_ARGUMENT, "%.300s: a prediction of no class", p->picture);
            break;
        }
        struct division_source *source = string_map_get(&known[p->label], p->source);
        if (!source) {
            source = &sources[(*source_count)++];
            *source = (struct division_source){.name = p->source, .label = p->label, .art = p->art};
            if (!string_map_add(&known[p->label], p->source, source))
                status = error_memory(error, "the sources of predictions");
        }
        pictures[i] = (struct division_picture){p->picture, (uint32_t)(source - sources)};
    }
    string_map_free(&known[0]);
    string_map_free(&known[1]);
    return status;
}

static bool is_right(const struct protocol *protocol, const struct prediction *p)
{
    bool generated = p->label == LABEL_GENERATED;
    if (protocol->threshold == PROTOCOL_BY_VERDICT && p->verdict != ASSAY_UNCALIBRATED)
        return p->verdict == (generated ? ASSAY_GENERATED : ASSAY_REAL);
    return (p->logit > 0) == generated;
}

/* The second detector's predictions by class and name. */
static assay_status index_second(const struct prediction *second, size_t count, struct string_map by_name[LABEL_COUNT],
                                 struct assay_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct prediction *p = &second[i];
        if (p->label != LABEL_REAL && p->label != LABEL_GENERATED)
            return error_set(error, ASSAY_ERROR_ARGUMENT, "%.300s: a prediction of no class", p->picture);
        if (string_map_get(&by_name[p->label], p->picture))
            return error_set(error, ASSAY_ERROR_ARGUMENT, "%.300s: predicted twice", p->picture);
        if (!string_map_add(&by_name[p->label], p->picture, (void *)p))
            return error_memory(error, "comparing two detectors");
    }
    return ASSAY_OK;
}

/* Which pictures stand in a row: not those that have but a row of their own, such as art. */
static void mark_members(const struct division *division, bool *member)
{
    for (size_t r = 0; r < division->row_count; r++)
        for (int label = 0; label < LABEL_COUNT; label++)
            for (size_t i = 0; i < division->rows[r].count[label]; i++)
                member[division->rows[r].members[label][i]] = true;
}

assay_status protocol_compare(const struct protocol *protocol, const struct prediction *first, size_t first_count,
                              const struct prediction *second, size_t second_count, uint64_t seed,
                              struct protocol_comparison *out, struct assay_error *error)
{
    size_t some = first_count ? first_count : 1, source_count = 0;
    uint64_t cases[2][2] = {{0, 0}, {0, 0}}; /* [first right][second right] */
    struct string_map by_name[LABEL_COUNT] = {{0}};
    struct division division = {0};
    struct division_picture *pictures = mem_alloc(some, sizeof *pictures);
    struct division_source *sources = mem_alloc(some, sizeof *sources);
    bool *member = mem_alloc(some, sizeof *member);
    assay_status status = ASSAY_OK;
    *out = (struct protocol_comparison){0};
    if (!pictures || !sources || !member) {
        status = error_memory(error, "comparing two detectors");
        goto done;
    }
    status = division_of_predictions(first, first_count, pictures, sources, &source_count, error);
    if (!status)
        status = division_make(protocol, seed, pictures, first_count, sources, source_count, &division, error);
    if (!status)
        status = index_second(second, second_count, by_name, error);
    if (status)
        goto done;
    mark_members(&division, member);
    for (size_t i = 0; i < first_count; i++) {
        if (!member[i])
            continue;
        const struct prediction *other = string_map_get(&by_name[first[i].label], first[i].picture);
        if (!other || !other->readable || !first[i].readable) {
            out->left_out++;
            continue;
        }
        cases[is_right(protocol, &first[i])][is_right(protocol, other)]++;
        out->pictures++;
    }
    out->test = metrics_mcnemar_of(cases[1][1], cases[1][0], cases[0][1], cases[0][0]);
done:
    string_map_free(&by_name[0]);
    string_map_free(&by_name[1]);
    division_free(&division);
    mem_free(member);
    mem_free(sources);
    mem_free(pictures);
    return status;
}
