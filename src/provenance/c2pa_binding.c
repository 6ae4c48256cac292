/* c2pa_binding.c - c2pa.hash.data: one digest over the file, ranges left out; and what the kinds of binding share. */
#include <stdlib.h>
#include <string.h>

#include "provenance/c2pa_internal.h"

enum { MAX_EXCLUSIONS = 4096 };

static int compare(const void *a, const void *b)
{
    const struct c2pa_range *x = a, *y = b;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

size_t c2pa_ranges_merge(struct c2pa_range *ranges, size_t count)
{
    size_t kept = 0;
    if (count)
        qsort(ranges, count, sizeof *ranges, compare);
    for (size_t i = 0; i < count; i++) {
        if (kept && ranges[i].begin <= ranges[kept - 1].end) {
            if (ranges[i].end > ranges[kept - 1].end)
                ranges[kept - 1].end = ranges[i].end;
        } else {
            ranges[kept++] = ranges[i];
        }
    }
    return kept;
}

uint64_t c2pa_ranges_outside(const struct c2pa_input *input, const struct c2pa_range *ranges, size_t count,
                             struct arena *arena)
{
    uint64_t bytes = 0;
    struct c2pa_range *blocks = arena_alloc(arena, input->range_count + 1, sizeof *blocks);
    if (!blocks)
        return 0;
    for (size_t i = 0; i < input->range_count; i++)
        blocks[i] = (struct c2pa_range){input->ranges[i].offset, input->ranges[i].offset + input->ranges[i].size};
    size_t block_count = c2pa_ranges_merge(blocks, input->range_count), first = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += ranges[i].end - ranges[i].begin;
        while (first < block_count && blocks[first].end <= ranges[i].begin)
            first++;
        for (size_t k = first; k < block_count && blocks[k].begin < ranges[i].end; k++) {
            uint64_t begin = blocks[k].begin > ranges[i].begin ? blocks[k].begin : ranges[i].begin;
            bytes -= (blocks[k].end < ranges[i].end ? blocks[k].end : ranges[i].end) - begin;
        }
    }
    return bytes;
}

/* The exclusions within the file. NULL in *out: there is no memory. False: they cannot be. */
static bool read_exclusions(const struct c2pa_input *input, const struct cbor_node *list, bool update,
                            struct arena *arena, struct c2pa_range **out, size_t *count)
{
    uint64_t shift_from = 0, shift = 0;
    *count = 0;
    size_t room = list ? list->size : 0;
    *out = NULL;
    if (list && (list->kind != CBOR_ARRAY || room > MAX_EXCLUSIONS))
        return list->kind == CBOR_SIMPLE && list->number == CBOR_NULL;
    *out = arena_alloc(arena, room + 1, sizeof **out);
    if (!*out)
        return true;
    for (const struct cbor_node *item = list ? list->first : NULL; item; item = item->next) {
        uint64_t start, length;
        if (!cbor_unsigned(cbor_get(item, "start"), &start) || !cbor_unsigned(cbor_get(item, "length"), &length) ||
            start > UINT64_MAX - length)
            return false;
        /* A later manifest made the store larger: its range begins where it did, what lies behind it has moved. */
        if (update && input->range_count && start == input->ranges[0].offset) {
            const struct container_range *last = &input->ranges[input->range_count - 1];
            uint64_t now = last->offset + last->size - start;
            shift_from = start;
            shift = now > length ? now - length : 0;
            length = now;
        }
        if (length)
            (*out)[(*count)++] = (struct c2pa_range){start, start + length};
    }
    for (size_t i = 0; i < *count; i++) {
        if (shift && (*out)[i].begin > shift_from) {
            if ((*out)[i].end > UINT64_MAX - shift)
                return false;
            (*out)[i].begin += shift;
            (*out)[i].end += shift;
        }
        if ((*out)[i].end > input->file_size)
            return false;
    }
    return true;
}

void c2pa_bind_data(const struct c2pa_input *input, const struct cbor_node *hash, const char *algorithm, bool update,
                    struct arena *arena, struct c2pa_bound *out)
{
    const struct cbor_node *own = cbor_get(hash, "alg"), *list = cbor_get(hash, "exclusions");
    const char *name = own ? cbor_text(own, arena) : *algorithm ? algorithm : "sha256";
    int which = name ? c2pa_hash_find(name) : -1;
    struct c2pa_range *ranges;
    size_t count;
    uint8_t digest[EVP_MAX_MD_SIZE];
    *out =
        (struct c2pa_bound){.outcome = C2PA_BINDING_MISMATCH, .problem = "the binding of the file's bytes is damaged"};
    if (!hash || which < 0 || !read_exclusions(input, list, update, arena, &ranges, &count) || !ranges)
        return;
    out->additional = list && list->kind == CBOR_ARRAY && list->size > 1;
    count = c2pa_ranges_merge(ranges, count);
    out->unbound = c2pa_ranges_outside(input, ranges, count, arena);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool fine = context && EVP_DigestInit_ex(context, c2pa_hash(which), NULL);
    uint64_t at = 0;
    for (size_t i = 0; i <= count && fine; i++) {
        uint64_t end = i < count ? ranges[i].begin : input->file_size;
        if (end > at)
            fine = EVP_DigestUpdate(context, input->file + at, (size_t)(end - at));
        at = i < count ? ranges[i].end : at;
    }
    fine = fine && EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
    if (fine && c2pa_digest_is(cbor_get(hash, "hash"), digest, (size_t)EVP_MD_get_size(c2pa_hash(which))))
        out->outcome = C2PA_BINDING_MATCH;
    else
        out->problem = "the file was changed after it was signed";
}
