/* cbor.c - CBOR into a bounded tree, on libcbor's reader of single heads. */
#include "provenance/cbor.h"

#include <cbor.h>
#include <stdio.h>
#include <string.h>

/* ---- One head ---------------------------------------------------------------------------------------------------- */

/* What libcbor reported of one head. */
enum event { EVENT_NONE, EVENT_VALUE, EVENT_OPEN, EVENT_TAG, EVENT_BREAK };

struct head {
    enum event event;
    enum cbor_kind kind;
    bool indefinite; /* EVENT_OPEN: ends with a break */
    uint64_t number; /* EVENT_OPEN: claimed items or pairs; EVENT_TAG: the tag */
    double real;
    const uint8_t *bytes;
    size_t size;
};

static void value(void *context, enum cbor_kind kind, uint64_t number)
{
    *(struct head *)context = (struct head){.event = EVENT_VALUE, .kind = kind, .number = number};
}

static void on_uint8(void *context, uint8_t number)
{
    value(context, CBOR_UINT, number);
}

static void on_uint16(void *context, uint16_t number)
{
    value(context, CBOR_UINT, number);
}

static void on_uint32(void *context, uint32_t number)
{
    value(context, CBOR_UINT, number);
}

static void on_uint64(void *context, uint64_t number)
{
    value(context, CBOR_UINT, number);
}

static void on_negative8(void *context, uint8_t number)
{
    value(context, CBOR_NEGATIVE, number);
}

static void on_negative16(void *context, uint16_t number)
{
    value(context, CBOR_NEGATIVE, number);
}

static void on_negative32(void *context, uint32_t number)
{
    value(context, CBOR_NEGATIVE, number);
}

static void on_negative64(void *context, uint64_t number)
{
    value(context, CBOR_NEGATIVE, number);
}

static void on_bytes(void *context, cbor_data bytes, size_t size)
{
    *(struct head *)context = (struct head){.event = EVENT_VALUE, .kind = CBOR_BYTES, .bytes = bytes, .size = size};
}

static void on_text(void *context, cbor_data bytes, size_t size)
{
    *(struct head *)context = (struct head){.event = EVENT_VALUE, .kind = CBOR_TEXT, .bytes = bytes, .size = size};
}

static void on_bytes_start(void *context)
{
    *(struct head *)context = (struct head){.event = EVENT_OPEN, .kind = CBOR_BYTES, .indefinite = true};
}

static void on_text_start(void *context)
{
    *(struct head *)context = (struct head){.event = EVENT_OPEN, .kind = CBOR_TEXT, .indefinite = true};
}

static void on_array_start(void *context)
{
    *(struct head *)context = (struct head){.event = EVENT_OPEN, .kind = CBOR_ARRAY, .indefinite = true};
}

static void on_map_start(void *context)
{
    *(struct head *)context = (struct head){.event = EVENT_OPEN, .kind = CBOR_MAP, .indefinite = true};
}

/* libcbor 0.8 has size_t here, later ones uint64_t; both are unsigned long where we build. */
static void on_array_size(void *context, size_t count)
{
    *(struct head *)context = (struct head){.event = EVENT_OPEN, .kind = CBOR_ARRAY, .number = count};
}

static void on_map_size(void *context, size_t count)
{
    *(struct head *)context = (struct head){.event = EVENT_OPEN, .kind = CBOR_MAP, .number = count};
}

static void on_float(void *context, float real)
{
    *(struct head *)context = (struct head){.event = EVENT_VALUE, .kind = CBOR_REAL, .real = (double)real};
}

static void on_double(void *context, double real)
{
    *(struct head *)context = (struct head){.event = EVENT_VALUE, .kind = CBOR_REAL, .real = real};
}

static void on_undefined(void *context)
{
    value(context, CBOR_SIMPLE, CBOR_UNDEFINED);
}

static void on_null(void *context)
{
    value(context, CBOR_SIMPLE, CBOR_NULL);
}

static void on_boolean(void *context, bool truth)
{
    value(context, CBOR_SIMPLE, truth ? CBOR_TRUE : CBOR_FALSE);
}

static void on_break(void *context)
{
    *(struct head *)context = (struct head){.event = EVENT_BREAK};
}

static const struct cbor_callbacks callbacks = {.uint8 = on_uint8,
                                                .uint16 = on_uint16,
                                                .uint32 = on_uint32,
                                                .uint64 = on_uint64,
                                                .negint8 = on_negative8,
                                                .negint16 = on_negative16,
                                                .negint32 = on_negative32,
                                                .negint64 = on_negative64,
                                                .byte_string_start = on_bytes_start,
                                                .byte_string = on_bytes,
                                                .string = on_text,
                                                .string_start = on_text_start,
                                                .indef_array_start = on_array_start,
                                                .array_start = on_array_size,
                                                .indef_map_start = on_map_start,
                                                .map_start = on_map_size,
                                                .float2 = on_float,
                                                .float4 = on_float,
                                                .float8 = on_double,
                                                .undefined = on_undefined,
                                                .null = on_null,
                                                .boolean = on_boolean,
                                                .indef_break = on_break};

/* A tag: libcbor 0.8 refuses those of one byte that its list has not, COSE's among them. */
static size_t read_tag(const uint8_t *bytes, size_t size, struct head *head)
{
    unsigned info = bytes[0] & 31u;
    size_t extra = info < 24 ? 0 : info < 28 ? (size_t)1 << (info - 24) : SIZE_MAX;
    if (extra > size - 1)
        return 0;
    *head = (struct head){.event = EVENT_TAG, .number = extra ? 0 : info};
    for (size_t i = 1; i <= extra; i++)
        head->number = head->number << 8 | bytes[i];
    return 1 + extra;
}

/* Reads one head; how many bytes it has, or 0. */
static size_t read_head(const uint8_t *bytes, size_t size, struct head *head)
{
    *head = (struct head){.event = EVENT_NONE};
    if (size == 0)
        return 0;
    if (bytes[0] >> 5 == 6)
        return read_tag(bytes, size, head);
    struct cbor_decoder_result result = cbor_stream_decode(bytes, size, &callbacks, head);
    return result.status == CBOR_DECODER_FINISHED && head->event != EVENT_NONE && result.read <= size ? result.read : 0;
}

/* ---- The tree ---------------------------------------------------------------------------------------------------- */

struct reader {
    const uint8_t *bytes;
    size_t size, at;
    size_t items;
    struct arena *arena;
};

static enum cbor_outcome read_item(struct reader *in, int depth, struct cbor_node **out, bool *broke);

/* The pieces of a string of indefinite length, put together. */
static enum cbor_outcome read_pieces(struct reader *in, struct cbor_node *node)
{
    size_t total = 0, start = in->at;
    for (int pass = 0; pass < 2; pass++) {
        uint8_t *to = NULL;
        if (pass == 1) {
            to = arena_alloc(in->arena, total ? total : 1, 1);
            if (!to)
                return CBOR_NO_MEMORY;
            node->bytes = to;
            node->size = total;
            in->at = start;
        }
        for (;;) {
            struct head head;
            size_t length = read_head(in->bytes + in->at, in->size - in->at, &head);
            if (length == 0)
                return CBOR_DAMAGED;
            in->at += length;
            if (head.event == EVENT_BREAK)
                break;
            if (head.event != EVENT_VALUE || head.kind != node->kind)
                return CBOR_DAMAGED;
            if (to && head.size) {
                memcpy(to, head.bytes, head.size);
                to += head.size;
            }
            total += pass == 0 ? head.size : 0; /* all of it lies in the input */
        }
    }
    return CBOR_OK;
}

static enum cbor_outcome read_children(struct reader *in, int depth, struct cbor_node *node, const struct head *head)
{
    uint64_t per = node->kind == CBOR_MAP ? 2 : 1;
    /* each item has a byte at least: a claim of more is a lie */
    if (!head->indefinite && head->number > (in->size - in->at) / per)
        return CBOR_DAMAGED;
    uint64_t count = 0, wanted = head->number * per;
    while (head->indefinite || count < wanted) {
        struct cbor_node *child = NULL;
        bool broke = false;
        enum cbor_outcome outcome = read_item(in, depth + 1, &child, &broke);
        if (outcome)
            return outcome;
        if (broke) {
            if (!head->indefinite || count % per)
                return CBOR_DAMAGED;
            break;
        }
        if (node->last)
            node->last->next = child;
        else
            node->first = child;
        node->last = child;
        count++;
    }
    node->size = (size_t)(count / per);
    return CBOR_OK;
}

static enum cbor_outcome read_item(struct reader *in, int depth, struct cbor_node **out, bool *broke)
{
    if (depth > CBOR_MAX_DEPTH || in->items >= CBOR_MAX_ITEMS)
        return CBOR_TOO_MUCH;
    in->items++;
    struct cbor_node *node = arena_alloc(in->arena, 1, sizeof *node);
    if (!node)
        return CBOR_NO_MEMORY;
    node->begin = in->at;
    struct head head;
    for (int tags = 0;; tags++) {
        size_t length = read_head(in->bytes + in->at, in->size - in->at, &head);
        if (length == 0)
            return CBOR_DAMAGED;
        in->at += length;
        if (head.event != EVENT_TAG)
            break;
        if (tags >= CBOR_MAX_DEPTH)
            return CBOR_TOO_MUCH;
        node->tag = head.number;
        node->tagged = true;
    }
    enum cbor_outcome outcome = CBOR_OK;
    if (head.event == EVENT_BREAK) {
        if (node->tagged || !broke)
            return CBOR_DAMAGED;
        *broke = true;
        return CBOR_OK;
    }
    node->kind = head.kind;
    if (head.event == EVENT_VALUE) {
        node->number = head.number;
        node->real = head.real;
        node->bytes = head.bytes;
        node->size = head.size;
    } else if (head.kind == CBOR_BYTES || head.kind == CBOR_TEXT) {
        outcome = read_pieces(in, node);
    } else {
        outcome = read_children(in, depth, node, &head);
    }
    node->end = in->at;
    *out = node;
    return outcome;
}

enum cbor_outcome cbor_read(const uint8_t *bytes, size_t size, struct arena *arena, struct cbor_node **out)
{
    struct reader in = {.bytes = bytes, .size = size, .arena = arena};
    *out = NULL;
    enum cbor_outcome outcome = read_item(&in, 0, out, NULL);
    if (outcome)
        *out = NULL;
    return outcome;
}

const char *cbor_outcome_text(enum cbor_outcome outcome)
{
    switch (outcome) {
    case CBOR_OK: return "is CBOR";
    case CBOR_DAMAGED: return "is not CBOR, or cut short";
    case CBOR_TOO_MUCH: return "is CBOR of too many items, or nested too deep";
    case CBOR_NO_MEMORY: return "was not read: no memory";
    }
    return "";
}

/* ---- Looking into it --------------------------------------------------------------------------------------------- */

bool cbor_text_is(const struct cbor_node *node, const char *text)
{
    return node && node->kind == CBOR_TEXT && node->size == strlen(text) &&
           (node->size == 0 || memcmp(node->bytes, text, node->size) == 0);
}

/* The value of the first key that `is` takes for the wanted one. */
static const struct cbor_node *value_of(const struct cbor_node *map,
                                        bool (*is)(const struct cbor_node *key, const void *wanted), const void *wanted)
{
    if (!map || map->kind != CBOR_MAP)
        return NULL;
    for (const struct cbor_node *key = map->first; key; key = key->next->next)
        if (is(key, wanted))
            return key->next;
    return NULL;
}

static bool is_text(const struct cbor_node *key, const void *wanted)
{
    return cbor_text_is(key, wanted);
}

static bool is_integer(const struct cbor_node *key, const void *wanted)
{
    int64_t number;
    return cbor_integer(key, &number) && number == *(const int64_t *)wanted;
}

const struct cbor_node *cbor_get(const struct cbor_node *map, const char *key)
{
    return value_of(map, is_text, key);
}

const struct cbor_node *cbor_get_integer(const struct cbor_node *map, int64_t key)
{
    return value_of(map, is_integer, &key);
}

const char *cbor_text(const struct cbor_node *node, struct arena *arena)
{
    if (!node || node->kind != CBOR_TEXT)
        return NULL;
    return node->size ? arena_strndup(arena, (const char *)node->bytes, node->size) : "";
}

bool cbor_unsigned(const struct cbor_node *node, uint64_t *out)
{
    if (!node || node->kind != CBOR_UINT)
        return false;
    *out = node->number;
    return true;
}

bool cbor_integer(const struct cbor_node *node, int64_t *out)
{
    if (!node || (node->kind != CBOR_UINT && node->kind != CBOR_NEGATIVE) || node->number > INT64_MAX)
        return false;
    *out = node->kind == CBOR_UINT ? (int64_t)node->number : -1 - (int64_t)node->number;
    return true;
}

/* ---- As facts ---------------------------------------------------------------------------------------------------- */

/* A key as a name: texts as they are, numbers in digits; names are cut at FACT_MAX_NAME anyway. */
static const char *key_name(const struct cbor_node *key, char *name, size_t size)
{
    int64_t number;
    if (key->kind == CBOR_TEXT)
        snprintf(name, size, "%.*s", (int)(key->size < size ? key->size : size - 1), (const char *)key->bytes);
    else if (cbor_integer(key, &number))
        snprintf(name, size, "%lld", (long long)number);
    else
        snprintf(name, size, "?");
    return name;
}

static void append(struct fact_tree *tree, struct fact *parent, const char *name, const struct cbor_node *node,
                   size_t *left)
{
    if (*left == 0 || !parent)
        return;
    --*left;
    int64_t number;
    switch (node->kind) {
    case CBOR_TEXT: fact_text_n(tree, parent, name, node->size ? (const char *)node->bytes : "", node->size); break;
    case CBOR_BYTES: fact_hex(tree, parent, name, node->bytes, node->size); break;
    case CBOR_UINT:
    case CBOR_NEGATIVE:
        if (cbor_integer(node, &number))
            fact_integer(tree, parent, name, number);
        else
            fact_real(tree, parent, name, node->kind == CBOR_UINT ? (double)node->number : -1.0 - (double)node->number);
        break;
    case CBOR_REAL: fact_real(tree, parent, name, node->real); break;
    case CBOR_SIMPLE:
        if (node->number == CBOR_TRUE || node->number == CBOR_FALSE)
            fact_bool(tree, parent, name, node->number == CBOR_TRUE);
        else
            fact_text(tree, parent, name, "null");
        break;
    case CBOR_ARRAY:
    case CBOR_MAP: {
        bool pairs = node->kind == CBOR_MAP;
        struct fact *into = pairs ? fact_group(tree, parent, name) : fact_list(tree, parent, name);
        char text[FACT_MAX_NAME + 1];
        for (const struct cbor_node *item = node->first; item; item = item->next) {
            const char *key = NULL;
            if (pairs) {
                key = key_name(item, text, sizeof text);
                item = item->next; /* a map has its keys and values in turn, and whole pairs alone */
            }
            append(tree, into, key, item, left);
        }
        break;
    }
    }
}

void cbor_facts(struct fact_tree *tree, struct fact *parent, const char *name, const struct cbor_node *node)
{
    size_t left = CBOR_MAX_SHOWN;
    if (!node)
        return;
    append(tree, parent, name, node, &left);
    if (left == 0)
        fact_problem(tree, parent, "%s: more than %d items, of which the first are shown", name ? name : "a list",
                     CBOR_MAX_SHOWN);
}
