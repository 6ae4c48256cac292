/* pickle.c - the stack machine. Opcodes are those that torch.save and TorchScript write with protocols 2 to 4:
 * https://github.com/python/cpython/blob/main/Lib/pickletools.py documents each. */
#include "format/pickle.h"

#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "format/pickle_call.h"

enum {
    PICKLE_MAX_STACK = 1 << 22,
    PICKLE_MAX_MEMO = 1 << 22,
    PICKLE_MAX_TEXT = 1 << 24 /* bytes of one string */
};

struct machine {
    const uint8_t *at, *end;
    const char *name;
    struct arena *arena;
    struct array stack; /* struct pickle_value *; NULL is a mark */
    struct array memo;  /* struct pickle_value * */
    struct assay_error *error;
    bool done;
};

static assay_status damaged(struct machine *m, const char *what)
{
    return error_set(m->error, ASSAY_ERROR_FORMAT, "%s: damaged pickle: %s", m->name, what);
}

static assay_status no_memory(struct machine *m)
{
    return error_set(m->error, ASSAY_ERROR_MEMORY, "%s: the pickle needs more memory than is allowed or available",
                     m->name);
}

/* ---- Bytes ---------------------------------------------------------------------------------------------------- */

static assay_status take(struct machine *m, size_t size, const uint8_t **out)
{
    *out = NULL;
    if ((size_t)(m->end - m->at) < size)
        return damaged(m, "it ends in the middle");
    *out = m->at;
    m->at += size;
    return ASSAY_OK;
}

/* A little-endian unsigned number of 1 to 8 bytes. */
static assay_status take_number(struct machine *m, size_t size, uint64_t *out)
{
    const uint8_t *bytes = NULL;
    assay_status status = take(m, size, &bytes);
    *out = 0;
    for (size_t i = size; i > 0 && !status; i--)
        *out = *out << 8 | bytes[i - 1];
    return status;
}

/* ---- The stack ------------------------------------------------------------------------------------------------ */

static assay_status push(struct machine *m, struct pickle_value *value)
{
    struct pickle_value **slot = array_push(&m->stack);
    if (!slot)
        return no_memory(m);
    *slot = value;
    return ASSAY_OK;
}

/* A new value of that kind on the stack. */
static assay_status push_new(struct machine *m, enum pickle_kind kind, struct pickle_value **out)
{
    struct pickle_value *value = arena_alloc(m->arena, 1, sizeof *value);
    if (out)
        *out = NULL;
    if (!value)
        return no_memory(m);
    value->kind = kind;
    if (out)
        *out = value;
    return push(m, value);
}

static assay_status pop(struct machine *m, struct pickle_value **out)
{
    struct pickle_value **stack = m->stack.data;
    *out = NULL;
    if (m->stack.count == 0 || !stack[m->stack.count - 1])
        return damaged(m, "an operand is missing");
    *out = stack[--m->stack.count];
    return ASSAY_OK;
}

static struct pickle_value *top(struct machine *m)
{
    return m->stack.count ? ((struct pickle_value **)m->stack.data)[m->stack.count - 1] : NULL;
}

/* Everything above the last mark, which goes too; *items stays valid until the next push. */
static assay_status pop_to_mark(struct machine *m, struct pickle_value ***items, size_t *count)
{
    struct pickle_value **stack = m->stack.data;
    size_t at = m->stack.count;
    while (at > 0 && stack[at - 1])
        at--;
    if (at == 0)
        return damaged(m, "a mark is missing");
    *items = stack + at;
    *count = m->stack.count - at;
    m->stack.count = at - 1;
    return ASSAY_OK;
}

/* Appends to a list, tuple, dictionary or object. */
static assay_status extend(struct machine *m, struct pickle_value *list, struct pickle_value *const *items,
                           size_t count)
{
    if (count > list->capacity - list->count) {
        size_t capacity = list->capacity * 2 > list->count + count ? list->capacity * 2 : list->count + count;
        struct pickle_value **larger = arena_alloc(m->arena, capacity, sizeof *larger);
        if (!larger)
            return no_memory(m);
        if (list->count)
            memcpy(larger, list->items, list->count * sizeof *larger);
        list->items = larger;
        list->capacity = capacity;
    }
    if (count)
        memcpy(list->items + list->count, items, count * sizeof *items);
    list->count += count;
    return ASSAY_OK;
}

static bool is_dict(const struct pickle_value *value)
{
    return value && (value->kind == PICKLE_DICT || value->kind == PICKLE_OBJECT);
}

/* ---- Opcodes that build values -------------------------------------------------------------------------------- */

static assay_status read_text(struct machine *m, size_t length_bytes)
{
    uint64_t length;
    const uint8_t *bytes = NULL;
    struct pickle_value *value = NULL;
    assay_status status = take_number(m, length_bytes, &length);
    if (status)
        return status;
    if (length > PICKLE_MAX_TEXT)
        return damaged(m, "a string is too long");
    if ((status = take(m, (size_t)length, &bytes)) || (status = push_new(m, PICKLE_TEXT, &value)))
        return status;
    value->text = arena_strndup(m->arena, (const char *)bytes, (size_t)length);
    value->length = (size_t)length;
    return value->text ? ASSAY_OK : no_memory(m);
}

static assay_status read_integer(struct machine *m, size_t size, bool with_sign)
{
    uint64_t number;
    struct pickle_value *value = NULL;
    assay_status status = take_number(m, size, &number);
    if (!status)
        status = push_new(m, PICKLE_INT, &value);
    if (!status)
        value->integer = with_sign ? (int64_t)(int32_t)(uint32_t)number : (int64_t)number;
    return status;
}

/* LONG1: two's complement of any length. */
static assay_status read_long(struct machine *m)
{
    uint64_t size;
    const uint8_t *bytes = NULL;
    struct pickle_value *value = NULL;
    assay_status status = take_number(m, 1, &size);
    if (status || (status = take(m, (size_t)size, &bytes)))
        return status;
    if ((status = push_new(m, size > 8 ? PICKLE_BIG : PICKLE_INT, &value)))
        return status;
    if (size > 8) {
        value->text = arena_strndup(m->arena, (const char *)bytes, (size_t)size);
        value->length = (size_t)size;
        return value->text ? ASSAY_OK : no_memory(m);
    }
    uint64_t number = size && bytes[size - 1] & 0x80 ? UINT64_MAX : 0;
    for (uint64_t i = size; i > 0; i--)
        number = number << 8 | bytes[i - 1];
    value->integer = (int64_t)number;
    return ASSAY_OK;
}

static assay_status read_float(struct machine *m)
{
    const uint8_t *bytes = NULL;
    struct pickle_value *value = NULL;
    assay_status status = take(m, 8, &bytes);
    if (status || (status = push_new(m, PICKLE_FLOAT, &value)))
        return status;
    uint64_t bits = 0; /* big-endian */
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | bytes[i];
    memcpy(&value->number, &bits, sizeof bits);
    return ASSAY_OK;
}

static assay_status push_simple(struct machine *m, enum pickle_kind kind, int64_t integer)
{
    struct pickle_value *value = NULL;
    assay_status status = push_new(m, kind, &value);
    if (!status && kind != PICKLE_NONE)
        value->integer = integer;
    return status;
}

/* A tuple of what is above the mark, or of the topmost `count` values. */
static assay_status build_tuple(struct machine *m, int fixed)
{
    struct pickle_value *items[3] = {0}, **found = items, *value;
    size_t count = (size_t)(fixed < 0 ? 0 : fixed);
    assay_status status = ASSAY_OK;
    if (fixed < 0)
        status = pop_to_mark(m, &found, &count);
    for (int i = fixed; i > 0 && !status; i--)
        status = pop(m, &items[i - 1]);
    if (status)
        return status;
    /* the items lie where the tuple will be pushed: copy them first */
    value = arena_alloc(m->arena, 1, sizeof *value);
    if (!value)
        return no_memory(m);
    value->kind = PICKLE_TUPLE;
    if ((status = extend(m, value, found, count)))
        return status;
    return push(m, value);
}

static assay_status append(struct machine *m, bool many)
{
    struct pickle_value *one = NULL, **items = &one;
    size_t count = 1;
    assay_status status = many ? pop_to_mark(m, &items, &count) : pop(m, &one);
    if (status)
        return status;
    if (!top(m) || top(m)->kind != PICKLE_LIST)
        return damaged(m, "something is appended to what is no list");
    return extend(m, top(m), items, count);
}

static assay_status set_items(struct machine *m, bool many)
{
    struct pickle_value *pair[2] = {0}, **items = pair;
    size_t count = 2;
    assay_status status = ASSAY_OK;
    if (many) {
        status = pop_to_mark(m, &items, &count);
    } else {
        status = pop(m, &pair[1]);
        if (!status)
            status = pop(m, &pair[0]);
    }
    if (status)
        return status;
    if (!is_dict(top(m)) || count % 2 != 0)
        return damaged(m, "items are set in what is no dictionary");
    return extend(m, top(m), items, count);
}

/* ---- The memo ------------------------------------------------------------------------------------------------- */

static assay_status memo_put(struct machine *m, uint64_t index)
{
    if (!top(m))
        return damaged(m, "nothing to remember");
    /* torch numbers its memo without gaps; a gap of any size would be memory for nothing */
    while (m->memo.count <= index) {
        if (index > m->memo.count + 4096 || !array_push(&m->memo))
            return damaged(m, "its memo has gaps or is too long");
    }
    ((struct pickle_value **)m->memo.data)[index] = top(m);
    return ASSAY_OK;
}

static assay_status memo_get(struct machine *m, uint64_t index)
{
    if (index >= m->memo.count || !((struct pickle_value **)m->memo.data)[index])
        return damaged(m, "it recalls what it never remembered");
    return push(m, ((struct pickle_value **)m->memo.data)[index]);
}

/* ---- Globals and calls ---------------------------------------------------------------------------------------- */

static assay_status push_global(struct machine *m, const char *module, size_t module_length, const char *name,
                                size_t name_length)
{
    struct pickle_value *value = NULL;
    char *full = arena_alloc(m->arena, module_length + name_length + 2, 1), shown[TEXT_NAME];
    if (!full)
        return no_memory(m);
    memcpy(full, module, module_length);
    full[module_length] = '.';
    memcpy(full + module_length + 1, name, name_length);
    if (!pickle_global_allowed(full))
        return error_set(
            m->error, ASSAY_ERROR_FORMAT,
            "%s: the pickle asks for \"%s\", which is not on the list of what a checkpoint may hold; refused", m->name,
            text_printable(full, shown, sizeof shown));
    assay_status status = push_new(m, PICKLE_GLOBAL, &value);
    if (status)
        return status;
    value->text = full;
    value->length = strlen(full);
    return ASSAY_OK;
}

/* GLOBAL: two lines of text. */
static assay_status read_global(struct machine *m)
{
    const char *part[2];
    size_t length[2];
    for (int i = 0; i < 2; i++) {
        const uint8_t *newline = memchr(m->at, '\n', (size_t)(m->end - m->at));
        if (!newline)
            return damaged(m, "it ends in the name of a global");
        part[i] = (const char *)m->at;
        length[i] = (size_t)(newline - m->at);
        if (length[i] > LIMIT_PATH_BYTES)
            return damaged(m, "the name of a global is too long");
        m->at = newline + 1;
    }
    return push_global(m, part[0], length[0], part[1], length[1]);
}

static assay_status read_stack_global(struct machine *m)
{
    struct pickle_value *module = NULL, *name = NULL;
    assay_status status = pop(m, &name);
    if (status || (status = pop(m, &module)))
        return status;
    if (module->kind != PICKLE_TEXT || name->kind != PICKLE_TEXT || module->length > LIMIT_PATH_BYTES ||
        name->length > LIMIT_PATH_BYTES)
        return damaged(m, "a global is not named by text");
    return push_global(m, module->text, module->length, name->text, name->length);
}

static assay_status call(struct machine *m, bool is_new)
{
    struct pickle_value *function = NULL, *arguments = NULL, *result = NULL;
    assay_status status = pop(m, &arguments);
    if (status || (status = pop(m, &function)))
        return status;
    if (function->kind != PICKLE_GLOBAL || arguments->kind != PICKLE_TUPLE)
        return damaged(m, "a call has no function or no arguments");
    status = pickle_call(function->text, arguments, is_new, m->name, m->arena, &result, m->error);
    return status ? status : push(m, result);
}

/* BUILD: attributes for an object; what a dictionary gets (torch's _metadata) tells nothing about tensors. */
static assay_status build(struct machine *m)
{
    struct pickle_value *with = NULL;
    assay_status status = pop(m, &with);
    if (status)
        return status;
    if (!is_dict(top(m)))
        return damaged(m, "attributes are set on what has none");
    if (top(m)->kind == PICKLE_DICT)
        return ASSAY_OK;
    if (!is_dict(with))
        return damaged(m, "an object's attributes are no dictionary");
    return extend(m, top(m), with->items, with->count);
}

static assay_status persistent(struct machine *m)
{
    struct pickle_value *id = NULL, *result = NULL;
    assay_status status = pop(m, &id);
    if (status || (status = pickle_persistent(id, m->name, m->arena, &result, m->error)))
        return status;
    return push(m, result);
}

/* ---- The machine ---------------------------------------------------------------------------------------------- */

static assay_status step(struct machine *m)
{
    const uint8_t *opcode = NULL;
    uint64_t number;
    struct pickle_value *dropped;
    assay_status status = take(m, 1, &opcode);
    if (status)
        return status;
    switch (*opcode) {
    case 0x80: /* PROTO */
        status = take_number(m, 1, &number);
        if (!status && (number < 2 || number > 5))
            return damaged(m, "its protocol is unknown");
        return status;
    case 0x95: return take_number(m, 8, &number); /* FRAME */
    case '.': /* STOP */ m->done = true; return ASSAY_OK;
    case '(': return push(m, NULL); /* MARK */
    case '0': return pop(m, &dropped);
    case 'N': return push_simple(m, PICKLE_NONE, 0);
    case 0x88: return push_simple(m, PICKLE_BOOL, 1);
    case 0x89: return push_simple(m, PICKLE_BOOL, 0);
    case 'J': return read_integer(m, 4, true);
    case 'K': return read_integer(m, 1, false);
    case 'M': return read_integer(m, 2, false);
    case 0x8a: return read_long(m);
    case 'G': return read_float(m);
    case 'X':                         /* BINUNICODE */
    case 'T':                         /* BINSTRING */
    case 'B': return read_text(m, 4); /* BINBYTES */
    case 0x8c:                        /* SHORT_BINUNICODE */
    case 'U':                         /* SHORT_BINSTRING */
    case 'C': return read_text(m, 1); /* SHORT_BINBYTES */
    case ')': return push_new(m, PICKLE_TUPLE, NULL);
    case ']': return push_new(m, PICKLE_LIST, NULL);
    case '}': return push_new(m, PICKLE_DICT, NULL);
    case 't': return build_tuple(m, -1);
    case 0x85: return build_tuple(m, 1);
    case 0x86: return build_tuple(m, 2);
    case 0x87: return build_tuple(m, 3);
    case 'a': return append(m, false);
    case 'e': return append(m, true);
    case 's': return set_items(m, false);
    case 'u': return set_items(m, true);
    case 'q': /* BINPUT */
    case 'r': /* LONG_BINPUT */
        status = take_number(m, *opcode == 'q' ? 1 : 4, &number);
        return status ? status : memo_put(m, number);
    case 0x94: return memo_put(m, m->memo.count); /* MEMOIZE */
    case 'h':                                     /* BINGET */
    case 'j':                                     /* LONG_BINGET */
        status = take_number(m, *opcode == 'h' ? 1 : 4, &number);
        return status ? status : memo_get(m, number);
    case 'c': return read_global(m);
    case 0x93: return read_stack_global(m);
    case 'R': return call(m, false);
    case 0x81: return call(m, true); /* NEWOBJ */
    case 'b': return build(m);
    case 'Q': return persistent(m); /* BINPERSID */
    default: break;
    }
    return error_set(
        m->error, ASSAY_ERROR_FORMAT,
        "%s: the pickle has the opcode 0x%02x, which is not on the list of what a checkpoint needs; refused", m->name,
        *opcode);
}

assay_status pickle_read(const uint8_t *bytes, size_t size, const char *name, struct arena *arena,
                         struct pickle_value **out, size_t *used, struct assay_error *error)
{
    struct machine m = {.at = bytes,
                        .end = bytes + size,
                        .name = name,
                        .arena = arena,
                        .error = error,
                        .stack = array_of(sizeof(struct pickle_value *), PICKLE_MAX_STACK),
                        .memo = array_of(sizeof(struct pickle_value *), PICKLE_MAX_MEMO)};
    assay_status status = ASSAY_OK;
    while (!m.done && !status)
        status = step(&m);
    if (!status)
        status = pop(&m, out);
    if (!status)
        *used = (size_t)(m.at - bytes);
    array_free(&m.stack);
    array_free(&m.memo);
    return status;
}

struct pickle_value *pickle_get(const struct pickle_value *dict, const char *key)
{
    for (size_t i = 0; is_dict(dict) && i + 1 < dict->count; i += 2)
        if (dict->items[i]->kind == PICKLE_TEXT && strcmp(dict->items[i]->text, key) == 0)
            return dict->items[i + 1];
    return NULL;
}
