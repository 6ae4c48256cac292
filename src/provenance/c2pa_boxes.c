/* c2pa_boxes.c - c2pa.hash.boxes: a list of digests, each over one or several named parts that follow each other in the
 * file: segments of a JPEG, chunks of a PNG. */
#include <stdio.h>
#include <string.h>

#include "image/sniff.h"
#include "provenance/c2pa_internal.h"

enum { MAX_PARTS = 20000, MAX_NAME = 8 };

struct part {
    char name[MAX_NAME];
    uint64_t begin, end;
};

struct parts {
    struct part *list;
    size_t count;
    uint64_t bound; /* where the last one ends */
};

static const char MANIFEST[] = "C2PA";

static bool add(struct parts *parts, const char *name, uint64_t begin, uint64_t end)
{
    if (parts->count >= MAX_PARTS)
        return false;
    struct part *part = &parts->list[parts->count++];
    snprintf(part->name, sizeof part->name, "%s", name);
    part->begin = begin;
    part->end = end;
    parts->bound = end;
    return true;
}

static bool in_manifest(const struct c2pa_input *input, uint64_t at)
{
    /* the blocks of a JPEG's store lie in the order of the file, or not: few have more than a handful */
    for (size_t i = 0; i < input->range_count && i < 4096; i++)
        if (at == input->ranges[i].offset)
            return true;
    return false;
}

/* ---- JPEG -------------------------------------------------------------------------------------------------------- */

static const char *segment_name(int marker, char name[MAX_NAME])
{
    static const struct {
        int marker;
        const char *name;
    } names[] = {{0xFE, "COM"}, {0xC4, "DHT"}, {0xDB, "DQT"}, {0xDD, "DRI"}, {0xD9, "EOI"}, {0xD8, "SOI"},
                 {0xDA, "SOS"}, {0xCC, "DAC"}, {0xDC, "DNL"}, {0xDE, "DHP"}, {0xDF, "EXP"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].marker == marker)
            return names[i].name;
    if (marker >= 0xE0 && marker <= 0xEF)
        snprintf(name, MAX_NAME, "APP%d", marker - 0xE0);
    else if (marker >= 0xC0 && marker <= 0xCF)
        snprintf(name, MAX_NAME, "SOF%d", marker - 0xC0);
    else if (marker >= 0xF0 && marker <= 0xFD)
        snprintf(name, MAX_NAME, "JPG%d", marker - 0xF0);
    else
        return NULL;
    return name;
}

static bool list_jpeg(const struct c2pa_input *input, struct parts *parts)
{
    const uint8_t *p = input->file;
    uint64_t size = input->file_size, at = 0;
    while (at + 2 <= size) {
        char buffer[MAX_NAME];
        int marker = p[at + 1];
        const char *name = segment_name(marker, buffer);
        uint64_t end = at + 2;
        if (p[at] != 0xFF || !name)
            return false;
        if (marker != 0xD8 && marker != 0xD9) {
            if (size - end < 2)
                return false;
            end += (uint64_t)p[end] << 8 | p[end + 1];
            if (end > size || end < at + 4)
                return false;
        }
        if (marker == 0xDA) /* the coded picture belongs to it, up to the next marker that is no restart */
            while (end < size && !(p[end] == 0xFF && end + 1 < size && p[end + 1] != 0 && (p[end + 1] & 0xF8) != 0xD0))
                end++;
        bool manifest = marker == 0xEB && in_manifest(input, at);
        struct part *last = parts->count ? &parts->list[parts->count - 1] : NULL;
        if (manifest && last && strcmp(last->name, MANIFEST) == 0 && last->end == at)
            parts->bound = last->end = end;
        else if (!add(parts, manifest ? MANIFEST : name, at, end))
            return false;
        at = end;
        if (marker == 0xD9)
            return true;
    }
    return false;
}

/* ---- PNG --------------------------------------------------------------------------------------------------------- */

static bool list_png(const struct c2pa_input *input, struct parts *parts)
{
    const uint8_t *p = input->file;
    uint64_t size = input->file_size, at = 8;
    if (size < 8 || !add(parts, "PNGh", 0, 8))
        return false;
    while (size - at >= 12) {
        uint64_t length = (uint64_t)p[at] << 24 | (uint64_t)p[at + 1] << 16 | (uint64_t)p[at + 2] << 8 | p[at + 3];
        char name[5] = {(char)p[at + 4], (char)p[at + 5], (char)p[at + 6], (char)p[at + 7], 0};
        if (length > size - at - 12 || !add(parts, strcmp(name, "caBX") == 0 ? MANIFEST : name, at, at + 12 + length))
            return false;
        at += 12 + length;
        if (strcmp(name, "IEND") == 0)
            return true;
    }
    return false;
}

/* ---- The list in the assertion ----------------------------------------------------------------------------------- */

/* The parts that an entry names, from *next on. False: they are not what follows in the file. */
static bool match_names(const struct parts *parts, const struct cbor_node *names, size_t *next,
                        struct c2pa_range *range)
{
    if (!names || names->kind != CBOR_ARRAY || !names->first)
        return false;
    for (const struct cbor_node *name = names->first; name; name = name->next) {
        if (*next >= parts->count || !cbor_text_is(name, parts->list[*next].name))
            return false;
        if (name == names->first)
            range->begin = parts->list[*next].begin;
        range->end = parts->list[(*next)++].end;
    }
    return true;
}

static bool check_entry(const struct c2pa_input *input, const struct cbor_node *entry, const char *algorithm,
                        const struct c2pa_range *range, struct arena *arena)
{
    const struct cbor_node *own = cbor_get(entry, "alg");
    const char *name = own ? cbor_text(own, arena) : *algorithm ? algorithm : "sha256";
    int which = name ? c2pa_hash_find(name) : -1;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    return which >= 0 &&
           EVP_Digest(input->file + range->begin, (size_t)(range->end - range->begin), digest, &size, c2pa_hash(which),
                      NULL) &&
           c2pa_digest_is(cbor_get(entry, "hash"), digest, size);
}

void c2pa_bind_boxes(const struct c2pa_input *input, const struct cbor_node *hash, const char *algorithm,
                     struct arena *arena, struct c2pa_bound *out)
{
    const struct cbor_node *list = cbor_get(hash, "boxes");
    struct parts parts = {.list = NULL};
    const char *other;
    enum picture_format format = picture_sniff(input->file, input->file_size, &other);
    *out =
        (struct c2pa_bound){.outcome = C2PA_BINDING_MISMATCH, .problem = "the binding of the file's bytes is damaged"};
    if (format != PICTURE_JPEG && format != PICTURE_PNG) {
        out->outcome = C2PA_BINDING_UNCHECKED;
        out->problem = "it binds the parts of a format whose parts are not checked here";
        return;
    }
    parts.list = arena_alloc(arena, MAX_PARTS, sizeof *parts.list);
    if (!list || list->kind != CBOR_ARRAY || !list->first || !parts.list)
        return;
    out->problem = "the file was changed after it was signed";
    if (!(format == PICTURE_JPEG ? list_jpeg(input, &parts) : list_png(input, &parts)))
        return;
    size_t next = 0;
    /* older claims leave a PNG's first eight bytes out of the list */
    if (format == PICTURE_PNG && cbor_get(list->first, "names") && cbor_get(list->first, "names")->first &&
        !cbor_text_is(cbor_get(list->first, "names")->first, "PNGh")) {
        out->unbound += 8;
        next = 1;
    }
    for (const struct cbor_node *entry = list->first; entry; entry = entry->next) {
        struct c2pa_range range = {0, 0};
        const struct cbor_node *names = cbor_get(entry, "names"), *excluded = cbor_get(entry, "excluded");
        if (!match_names(&parts, names, &next, &range))
            return;
        if (cbor_text_is(names->first, MANIFEST)) {
            if (names->size != 1)
                return;
        } else if (excluded && excluded->kind == CBOR_SIMPLE && excluded->number == CBOR_TRUE) {
            out->unbound += range.end - range.begin;
            out->additional = true;
        } else if (!check_entry(input, entry, algorithm, &range, arena)) {
            return;
        }
    }
    if (next != parts.count) /* parts that nobody signed for */
        return;
    out->unbound += input->file_size - parts.bound;
    out->outcome = C2PA_BINDING_MATCH;
}
