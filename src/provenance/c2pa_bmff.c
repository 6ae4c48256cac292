/* c2pa_bmff.c - c2pa.hash.bmff (and .v2, .v3), the binding of HEIC and AVIF: a digest over the file's boxes, those left
 * out that a list of paths names; from version 2 on with the place of every top-level box before its bytes. */
#include <string.h>

#include "provenance/c2pa_internal.h"

enum { MAX_TOP_BOXES = 4096, MAX_BOXES = 20000, MAX_EXCLUSIONS = 64, MAX_DEPTH = 8, MAX_RANGES = 4096 };

struct bmff {
    const uint8_t *bytes;
    uint64_t size;
    struct c2pa_range top[MAX_TOP_BOXES];
    bool whole[MAX_TOP_BOXES]; /* left out altogether */
    size_t top_count;
    struct c2pa_range out[MAX_RANGES]; /* left out */
    size_t out_count;
    size_t boxes; /* looked at, over all paths */
    bool too_much;
};

/* The box at `at`, which ends before `end`: false where there is none. */
static bool read_box(const struct bmff *file, uint64_t at, uint64_t end, uint64_t *box_end, uint64_t *content)
{
    if (end - at < 8)
        return false;
    const uint8_t *p = file->bytes + at;
    uint64_t size = (uint64_t)p[0] << 24 | (uint64_t)p[1] << 16 | (uint64_t)p[2] << 8 | p[3];
    uint64_t header = 8;
    if (size == 1) {
        if (end - at < 16)
            return false;
        size = 0;
        for (int i = 8; i < 16; i++)
            size = size << 8 | p[i];
        header = 16;
    } else if (size == 0) {
        size = end - at;
    }
    if (size < header || size > end - at)
        return false;
    *box_end = at + size;
    *content = at + header;
    return true;
}

static bool list_top(struct bmff *file)
{
    uint64_t content;
    for (uint64_t at = 0; at < file->size;) {
        struct c2pa_range *box = &file->top[file->top_count];
        if (file->top_count >= MAX_TOP_BOXES || !read_box(file, at, file->size, &box->end, &content))
            return false;
        box->begin = at;
        at = box->end;
        file->top_count++;
    }
    return true;
}

/* Do the bytes of the box fit what the exclusion wants of them? False: they do not. */
static bool data_fits(const struct bmff *file, const struct cbor_node *data, uint64_t begin, uint64_t end)
{
    for (const struct cbor_node *item = data && data->kind == CBOR_ARRAY ? data->first : NULL; item;
         item = item->next) {
        uint64_t offset;
        const struct cbor_node *value = cbor_get(item, "value");
        if (!cbor_unsigned(cbor_get(item, "offset"), &offset) || !value || value->kind != CBOR_BYTES ||
            offset > end - begin || value->size > end - begin - offset ||
            (value->size && memcmp(file->bytes + begin + offset, value->bytes, value->size) != 0))
            return false;
    }
    return true;
}

static bool add_range(struct bmff *file, uint64_t begin, uint64_t end)
{
    if (begin >= end)
        return true;
    if (file->out_count >= MAX_RANGES)
        return false;
    file->out[file->out_count++] = (struct c2pa_range){begin, end};
    return true;
}

/* Leaves out what the exclusion says of a box that its path leads to. False: it cannot be followed. */
static bool exclude(struct bmff *file, const struct cbor_node *exclusion, uint64_t begin, uint64_t end)
{
    uint64_t length;
    const struct cbor_node *wanted = cbor_get(exclusion, "length"), *subset = cbor_get(exclusion, "subset");
    if (wanted && cbor_unsigned(wanted, &length) && length != end - begin)
        return true;
    if (!data_fits(file, cbor_get(exclusion, "data"), begin, end))
        return true;
    if (subset && subset->kind == CBOR_ARRAY) {
        uint64_t from, count;
        for (const struct cbor_node *item = subset->first; item; item = item->next) {
            if (!cbor_unsigned(cbor_get(item, "offset"), &from) || !cbor_unsigned(cbor_get(item, "length"), &count))
                return false;
            if (from > end - begin)
                continue;
            if (count == 0 || count > end - begin - from)
                count = end - begin - from;
            if (!add_range(file, begin + from, begin + from + count))
                return false;
        }
        return true;
    }
    for (size_t i = 0; i < file->top_count; i++)
        if (file->top[i].begin == begin)
            file->whole[i] = true;
    return add_range(file, begin, end);
}

/* Follows "/meta/iloc" below a box's content; "[2]" after a name means the second of them. */
static bool follow(struct bmff *file, const struct cbor_node *exclusion, const char *path, size_t path_length,
                   uint64_t at, uint64_t end, int depth)
{
    if (path_length < 5 || path[0] != '/' || depth > MAX_DEPTH)
        return false;
    const char *name = path + 1, *rest = name + 4;
    size_t rest_length = path_length - 5;
    uint64_t index = 0, found = 0, box_end, content;
    if (rest_length && *rest == '[') {
        for (rest++, rest_length--; rest_length && *rest >= '0' && *rest <= '9' && index < 100000;
             rest++, rest_length--)
            index = 10 * index + (uint64_t)(*rest - '0');
        if (!rest_length || *rest != ']' || index == 0)
            return false;
        rest++;
        rest_length--;
    }
    for (; at < end && read_box(file, at, end, &box_end, &content); at = box_end) {
        if (++file->boxes > MAX_BOXES) {
            file->too_much = true;
            return false;
        }
        if (memcmp(file->bytes + at + 4, name, 4) != 0 || (++found, index && found != index))
            continue;
        if (rest_length == 0) {
            if (!exclude(file, exclusion, at, box_end))
                return false;
        } else {
            /* `meta` begins with version and flags */
            uint64_t inner = memcmp(name, "meta", 4) == 0 && box_end - content >= 4 ? content + 4 : content;
            if (!follow(file, exclusion, rest, rest_length, inner, box_end, depth + 1))
                return false;
        }
    }
    return true;
}

/* NULL, or why the exclusions cannot be followed. */
static const char *read_exclusions(struct bmff *file, const struct cbor_node *list)
{
    if (!list || list->kind != CBOR_ARRAY || list->size == 0 || list->size > MAX_EXCLUSIONS)
        return "the binding of the file's bytes is damaged";
    for (const struct cbor_node *item = list->first; item; item = item->next) {
        const struct cbor_node *path = cbor_get(item, "xpath"), *version = cbor_get(item, "version"),
                               *flags = cbor_get(item, "flags");
        if ((version && version->kind != CBOR_SIMPLE) || (flags && flags->kind != CBOR_SIMPLE))
            return "its binding chooses boxes by version and flags, which is not checked here";
        if (!path || path->kind != CBOR_TEXT ||
            !follow(file, item, (const char *)path->bytes, path->size, 0, file->size, 0))
            return "the binding of the file's bytes cannot be followed";
    }
    return NULL;
}

static bool hash_range(EVP_MD_CTX *context, const struct bmff *file, uint64_t begin, uint64_t end)
{
    return begin >= end || EVP_DigestUpdate(context, file->bytes + begin, (size_t)(end - begin));
}

static bool digest_file(struct bmff *file, int which, bool places, uint8_t *digest)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool fine = context && EVP_DigestInit_ex(context, c2pa_hash(which), NULL);
    size_t next = 0;
    for (size_t i = 0; i < file->top_count && fine; i++) {
        uint64_t at = file->top[i].begin, end = file->top[i].end;
        if (places && !file->whole[i]) {
            uint8_t place[8];
            for (int k = 0; k < 8; k++)
                place[k] = (uint8_t)(at >> (56 - 8 * k));
            fine = EVP_DigestUpdate(context, place, sizeof place);
        }
        while (fine && at < end) {
            while (next < file->out_count && file->out[next].end <= at)
                next++;
            uint64_t stop = next < file->out_count && file->out[next].begin < end ? file->out[next].begin : end;
            fine = hash_range(context, file, at, stop);
            at = stop > at ? stop : at;
            if (next < file->out_count && at >= file->out[next].begin && at < end)
                at = file->out[next].end < end ? file->out[next].end : end;
        }
    }
    fine = fine && EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
    return fine;
}

void c2pa_bind_bmff(const struct c2pa_input *input, const struct cbor_node *hash, const char *algorithm, int version,
                    struct arena *arena, struct c2pa_bound *out)
{
    const struct cbor_node *own = cbor_get(hash, "alg"), *wanted = cbor_get(hash, "hash"),
                           *tree = cbor_get(hash, "merkle");
    const char *name = own ? cbor_text(own, arena) : *algorithm ? algorithm : "sha256";
    int which = name ? c2pa_hash_find(name) : -1;
    uint8_t digest[EVP_MAX_MD_SIZE];
    *out =
        (struct c2pa_bound){.outcome = C2PA_BINDING_MISMATCH, .problem = "the binding of the file's bytes is damaged"};
    struct bmff *file = hash && which >= 0 ? arena_alloc(arena, 1, sizeof *file) : NULL;
    if (!file)
        return;
    file->bytes = input->file;
    file->size = input->file_size;
    if (!list_top(file)) {
        out->problem = "the file was changed after it was signed: its boxes do not follow each other";
        return;
    }
    const char *problem = read_exclusions(file, cbor_get(hash, "exclusions"));
    if (problem) {
        out->problem = problem;
        if (file->too_much || strstr(problem, "not checked"))
            out->outcome = C2PA_BINDING_UNCHECKED;
        return;
    }
    file->out_count = c2pa_ranges_merge(file->out, file->out_count);
    out->unbound = c2pa_ranges_outside(input, file->out, file->out_count, arena);
    if (wanted && wanted->kind == CBOR_BYTES &&
        !(digest_file(file, which, version > 1, digest) &&
          c2pa_digest_is(wanted, digest, (size_t)EVP_MD_get_size(c2pa_hash(which))))) {
        out->problem = "the file was changed after it was signed";
    } else if (tree && tree->kind == CBOR_ARRAY) {
        out->outcome = C2PA_BINDING_UNCHECKED;
        out->problem = "it binds parts of the file by a tree of digests, which is not checked here";
    } else if (wanted && wanted->kind == CBOR_BYTES) {
        out->outcome = C2PA_BINDING_MATCH;
    }
}
