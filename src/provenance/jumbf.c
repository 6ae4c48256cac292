/* jumbf.c - JUMBF's boxes: header, description (UUID, label), contents. */
#include "provenance/jumbf.h"

#include <string.h>

enum { HEADER = 8, LONG_HEADER = 16, HAS_LABEL = 2 };

static const uint32_t SUPERBOX = JUMBF_TYPE('j', 'u', 'm', 'b'), DESCRIPTION = JUMBF_TYPE('j', 'u', 'm', 'd');

struct reader {
    const uint8_t *start;
    struct arena *arena;
    size_t boxes;
};

static uint32_t number(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Type, header and whole size of the box at `at`, of which `left` bytes are there. */
static bool read_header(const uint8_t *at, size_t left, uint32_t *type, size_t *header, size_t *whole)
{
    if (left < HEADER)
        return false;
    uint64_t size = number(at);
    *type = number(at + 4);
    *header = HEADER;
    if (size == 1) { /* the size follows in 64 bits */
        if (left < LONG_HEADER)
            return false;
        size = (uint64_t)number(at + 8) << 32 | number(at + 12);
        *header = LONG_HEADER;
    } else if (size == 0) { /* to the end */
        size = left;
    }
    if (size < *header || size > left)
        return false;
    *whole = (size_t)size;
    return true;
}

/* The description box of a superbox. What else it may hold (number, hash, private box) nobody needs here. */
static enum jumbf_outcome read_description(struct reader *in, struct jumbf_box *box, const uint8_t *at, size_t size)
{
    if (size < JUMBF_UUID + 1)
        return JUMBF_DAMAGED;
    memcpy(box->uuid, at, JUMBF_UUID);
    if (at[JUMBF_UUID] & HAS_LABEL) {
        const uint8_t *label = at + JUMBF_UUID + 1;
        size_t most = size - JUMBF_UUID - 1;
        const uint8_t *end = memchr(label, 0, most < JUMBF_MAX_LABEL ? most : JUMBF_MAX_LABEL);
        if (!end)
            return JUMBF_DAMAGED;
        box->label = arena_strndup(in->arena, (const char *)label, (size_t)(end - label));
        if (!box->label)
            return JUMBF_NO_MEMORY;
    }
    return JUMBF_OK;
}

static enum jumbf_outcome read_box(struct reader *in, const uint8_t *at, size_t left, int depth, size_t *whole,
                                   struct jumbf_box **out)
{
    uint32_t type;
    size_t header;
    *out = NULL;
    if (!read_header(at, left, &type, &header, whole))
        return JUMBF_DAMAGED;
    if (in->boxes >= JUMBF_MAX_BOXES || depth > JUMBF_MAX_DEPTH)
        return JUMBF_TOO_MUCH;
    in->boxes++;
    struct jumbf_box *box = arena_alloc(in->arena, 1, sizeof *box);
    if (!box)
        return JUMBF_NO_MEMORY;
    *box = (struct jumbf_box){
        .type = type, .payload = at + header, .size = *whole - header, .begin = (size_t)(at - in->start), .label = ""};
    *out = box;
    if (type != SUPERBOX)
        return JUMBF_OK;

    const uint8_t *inner = box->payload;
    size_t rest = box->size, inner_header, inner_whole;
    if (!read_header(inner, rest, &type, &inner_header, &inner_whole) || type != DESCRIPTION)
        return JUMBF_DAMAGED;
    enum jumbf_outcome outcome = read_description(in, box, inner + inner_header, inner_whole - inner_header);
    inner += inner_whole;
    rest -= inner_whole;
    while (!outcome && rest) {
        struct jumbf_box *child;
        outcome = read_box(in, inner, rest, depth + 1, &inner_whole, &child);
        if (!child)
            break;
        child->parent = box;
        if (box->last)
            box->last->next = child;
        else
            box->first = child;
        box->last = child;
        if (outcome)
            break;
        inner += inner_whole;
        rest -= inner_whole;
    }
    return outcome;
}

enum jumbf_outcome jumbf_read(const uint8_t *bytes, size_t size, struct arena *arena, struct jumbf_box **out)
{
    struct reader in = {.start = bytes, .arena = arena};
    size_t whole;
    *out = NULL;
    if (size < HEADER || number(bytes + 4) != SUPERBOX)
        return JUMBF_NONE;
    return read_box(&in, bytes, size, 0, &whole, out);
}

const char *jumbf_outcome_text(enum jumbf_outcome outcome)
{
    switch (outcome) {
    case JUMBF_OK: return "JUMBF";
    case JUMBF_NONE: return "no JUMBF superbox";
    case JUMBF_DAMAGED: return "a JUMBF box is cut short or ends outside the one that it lies in";
    case JUMBF_TOO_MUCH: return "too many JUMBF boxes, or nested too deep";
    case JUMBF_NO_MEMORY: return "no memory";
    }
    return "";
}

bool jumbf_is(const struct jumbf_box *box, const char type[static 4])
{
    static const uint8_t rest[12] = {0x00, 0x11, 0x00, 0x10, 0x80, 0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71};
    return box && box->type == SUPERBOX && memcmp(box->uuid, type, 4) == 0 &&
           memcmp(box->uuid + 4, rest, sizeof rest) == 0;
}

struct jumbf_box *jumbf_child(const struct jumbf_box *box, const char *label, size_t length)
{
    for (struct jumbf_box *child = box ? box->first : NULL; child; child = child->next)
        if (child->type == SUPERBOX && strlen(child->label) == length && memcmp(child->label, label, length) == 0)
            return child;
    return NULL;
}

const struct jumbf_box *jumbf_content(const struct jumbf_box *box, uint32_t type)
{
    for (const struct jumbf_box *child = box ? box->first : NULL; child; child = child->next)
        if (child->type == type)
            return child;
    return NULL;
}
