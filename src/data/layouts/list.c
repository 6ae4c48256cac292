/* list.c - lists as CSV and as lines of "path label": bytes to rows. */
#include "data/layouts/list.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/limits.h"
#include "base/text.h"

enum { MAX_COLUMNS = 256, MAX_RECORD_BYTES = 1 << 16 };

/* ---- what fields say ------------------------------------------------------------------------------------------- */

enum list_field list_field_of(const char *name)
{
    static const struct {
        const char *name;
        enum list_field field;
    } names[] = {
        {"path", FIELD_PATH},     {"filename", FIELD_PATH},    {"file", FIELD_PATH}, {"image", FIELD_PATH},
        {"label", FIELD_LABEL},   {"class", FIELD_LABEL},      {"typ", FIELD_TYPE},  {"type", FIELD_TYPE},
        {"source", FIELD_SOURCE}, {"generator", FIELD_SOURCE}, {"mask", FIELD_MASK}, {"split", FIELD_SPLIT},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(names[i].name, name) == 0)
            return names[i].field;
    return FIELD_COUNT;
}

/* A word's number in a table, or -1. */
struct word {
    const char *text;
    int value;
};

static int value_of(const struct word *words, const char *text)
{
    for (; words->text; words++)
        if (strcasecmp(words->text, text) == 0)
            return words->value;
    return -1;
}

static const struct word labels[] = {{"0", LABEL_REAL},
                                     {"real", LABEL_REAL},
                                     {"nature", LABEL_REAL},
                                     {"0_real", LABEL_REAL},
                                     {"1", LABEL_GENERATED},
                                     {"fake", LABEL_GENERATED},
                                     {"ai", LABEL_GENERATED},
                                     {"generated", LABEL_GENERATED},
                                     {"ai-generated", LABEL_GENERATED},
                                     {"synthetic", LABEL_GENERATED},
                                     {"1_fake", LABEL_GENERATED},
                                     {NULL, 0}};
static const struct word splits[] = {{"train", SPLIT_TRAIN},    {"training", SPLIT_TRAIN},
                                     {"val", SPLIT_VAL},        {"valid", SPLIT_VAL},
                                     {"validation", SPLIT_VAL}, {"test", SPLIT_TEST},
                                     {"testing", SPLIT_TEST},   {NULL, 0}};
static const struct word masks[] = {{"Negative", MASK_ZERO}, {"Positive", MASK_ONE}, {NULL, 0}};

static assay_status bad_value(const struct list_parser *p, const char *where, const char *what, const char *value,
                              const char *known)
{
    char shown[TEXT_NAME];
    return error_set(p->error, ASSAY_ERROR_FORMAT, "%s: '%s' is no %s; %s", where,
                     text_printable(value, shown, sizeof shown), what, known);
}

assay_status list_emit(const struct list_parser *p, const char *unit, uint64_t number,
                       const char *const field[FIELD_COUNT])
{
    char where[512];
    snprintf(where, sizeof where, "%.440s, %s %llu", p->name, unit, (unsigned long long)number);
    struct list_row row = {.number = number, .where = where, .path = field[FIELD_PATH]};
    const char *label = field[FIELD_LABEL], *type = field[FIELD_TYPE], *source = field[FIELD_SOURCE],
               *mask = field[FIELD_MASK], *split = field[FIELD_SPLIT];
    if (!row.path || !row.path[0])
        return error_set(p->error, ASSAY_ERROR_FORMAT, "%s: no path", where);
    if (strlen(row.path) >= LIMIT_PATH_BYTES || (mask && strlen(mask) >= LIMIT_PATH_BYTES))
        return error_set(p->error, ASSAY_ERROR_LIMIT, "%s: a path of more than %d bytes", where, LIMIT_PATH_BYTES - 1);
    if (label && label[0]) {
        row.label = value_of(labels, label);
        if (row.label < 0)
            return bad_value(p, where, "label", label, "real pictures have 0 or real, generated ones 1, fake or ai");
    } else if (type && type[0]) {
        row.label = value_of(labels, type);
        if (row.label < 0) { /* the generator */
            row.label = LABEL_GENERATED;
            row.source = type;
        }
    } else {
        return error_set(p->error, ASSAY_ERROR_FORMAT, "%s: no label", where);
    }
    if (source && source[0])
        row.source = source;
    if (split && split[0]) {
        int bit = value_of(splits, split);
        if (bit < 0)
            return bad_value(p, where, "split", split, "there are train, val and test");
        row.split = (unsigned)bit;
    }
    if (mask && mask[0]) {
        int kind = value_of(masks, mask);
        row.mask_kind = kind < 0 ? MASK_FILE : (enum dataset_mask)kind;
        row.mask = kind < 0 ? mask : NULL;
    }
    if (row.mask_kind == (row.label == LABEL_REAL ? MASK_ONE : MASK_ZERO))
        return error_set(p->error, ASSAY_ERROR_FORMAT, "%s: its label is '%s' and its mask '%s'", where,
                         dataset_label_text(row.label), mask);
    return p->visit(p->context, &row, p->error);
}

/* ---- bytes to fields ------------------------------------------------------------------------------------------- */

struct reader {
    const char *bytes;
    size_t size, at;
    uint64_t line;       /* of what is read next */
    struct array text;   /* of char: the fields of a record, each with its NUL */
    struct array fields; /* of size_t: where each begins */
};

static void skip_mark(struct reader *r)
{
    if (r->size >= 3 && memcmp(r->bytes, "\xef\xbb\xbf", 3) == 0)
        r->at = 3;
}

static bool at_line_end(const struct reader *r)
{
    return r->at == r->size || r->bytes[r->at] == '\n' ||
           (r->bytes[r->at] == '\r' && r->at + 1 < r->size && r->bytes[r->at + 1] == '\n');
}

static void skip_line_end(struct reader *r)
{
    if (r->at < r->size && r->bytes[r->at] == '\r')
        r->at++;
    if (r->at < r->size)
        r->at++;
    r->line++;
}

static assay_status complain(const struct list_parser *p, uint64_t line, const char *what)
{
    return error_set(p->error, ASSAY_ERROR_FORMAT, "%s, line %llu: %s", p->name, (unsigned long long)line, what);
}

/* One byte of a field. */
static assay_status put(const struct list_parser *p, struct reader *r, uint64_t line, char byte)
{
    if (array_append(&r->text, &byte, 1))
        return ASSAY_OK;
    return r->text.count == r->text.max_count ? complain(p, line, "a line that long is none of a list")
                                              : error_memory(p->error, p->name);
}

/* The bytes of one field, up to the comma or the end of the line. */
static assay_status read_field(const struct list_parser *p, struct reader *r, uint64_t line)
{
    assay_status status = ASSAY_OK;
    bool quoted = r->at < r->size && r->bytes[r->at] == '"';
    if (quoted)
        r->at++;
    while (!status) {
        if (quoted && r->at == r->size)
            return complain(p, line, "a quote that does not end");
        if (!quoted && (at_line_end(r) || r->bytes[r->at] == ','))
            return ASSAY_OK;
        char byte = r->bytes[r->at++];
        if (!byte)
            return complain(p, r->line, "a NUL byte");
        if (quoted && byte == '"') {
            if (r->at == r->size || r->bytes[r->at] != '"')
                break;
            r->at++;
        }
        if (byte == '\n')
            r->line++;
        status = put(p, r, line, byte);
    }
    if (!status && !at_line_end(r) && r->bytes[r->at] != ',')
        return complain(p, r->line, "text behind a quote that has ended");
    return status;
}

static assay_status read_record(const struct list_parser *p, struct reader *r)
{
    uint64_t line = r->line;
    assay_status status = ASSAY_OK;
    r->text.count = r->fields.count = 0;
    for (;;) {
        size_t start = r->text.count;
        if (!array_append(&r->fields, &start, 1))
            return r->fields.count == r->fields.max_count ? complain(p, line, "too many columns")
                                                          : error_memory(p->error, p->name);
        status = read_field(p, r, line);
        if (!status)
            status = put(p, r, line, '\0');
        if (status || at_line_end(r))
            break;
        r->at++; /* the comma */
    }
    if (!status)
        skip_line_end(r);
    return status;
}

static const char *field_text(const struct reader *r, size_t i)
{
    return (const char *)r->text.data + ((const size_t *)r->fields.data)[i];
}

static assay_status read_heading(const struct list_parser *p, struct reader *r, size_t column[FIELD_COUNT])
{
    assay_status status = read_record(p, r);
    for (int f = 0; f < FIELD_COUNT; f++)
        column[f] = SIZE_MAX;
    for (size_t i = 0; i < r->fields.count && !status; i++) {
        enum list_field field = list_field_of(field_text(r, i));
        if (field == FIELD_COUNT)
            continue;
        if (column[field] != SIZE_MAX)
            status = complain(p, 1, "two columns that say the same");
        column[field] = i;
    }
    if (!status && column[FIELD_PATH] == SIZE_MAX)
        status = complain(p, 1, "no column path (or filename) in the heading");
    if (!status && column[FIELD_LABEL] == SIZE_MAX && column[FIELD_TYPE] == SIZE_MAX)
        status = complain(p, 1, "no column label (or typ) in the heading");
    return status;
}

static assay_status parse_csv(const struct list_parser *p, struct reader *r)
{
    size_t column[FIELD_COUNT];
    assay_status status = read_heading(p, r, column);
    size_t columns = r->fields.count;
    while (!status && r->at < r->size) {
        uint64_t line = r->line;
        if ((status = read_record(p, r)))
            break;
        if (r->fields.count == 1 && !field_text(r, 0)[0])
            continue; /* an empty line */
        if (r->fields.count != columns) {
            status = error_set(p->error, ASSAY_ERROR_FORMAT, "%s, line %llu: %zu fields, where the heading has %zu",
                               p->name, (unsigned long long)line, r->fields.count, columns);
            break;
        }
        const char *field[FIELD_COUNT] = {NULL};
        for (int f = 0; f < FIELD_COUNT; f++)
            if (column[f] != SIZE_MAX)
                field[f] = field_text(r, column[f]);
        status = list_emit(p, "line", line, field);
    }
    return status;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* Splits a line in place into path and label; false: it has no label. */
static bool split_line(char *text, size_t length, const char *field[FIELD_COUNT])
{
    while (length && is_blank(text[length - 1]))
        text[--length] = '\0';
    size_t label = length;
    while (label && !is_blank(text[label - 1]))
        label--;
    size_t end = label;
    while (end && is_blank(text[end - 1]))
        end--;
    field[FIELD_PATH] = text;
    field[FIELD_LABEL] = text + label;
    if (end == 0)
        return false;
    text[end] = '\0';
    return true;
}

static assay_status parse_text(const struct list_parser *p, struct reader *r)
{
    assay_status status = ASSAY_OK;
    while (!status && r->at < r->size) {
        uint64_t line = r->line;
        r->text.count = 0;
        while (!status && !at_line_end(r))
            status = r->bytes[r->at] ? put(p, r, line, r->bytes[r->at]) : complain(p, line, "a NUL byte"), r->at++;
        size_t length = r->text.count;
        if (!status)
            status = put(p, r, line, '\0');
        if (status)
            break;
        skip_line_end(r);
        const char *field[FIELD_COUNT] = {NULL};
        char *text = r->text.data;
        if (strspn(text, " \t") == length)
            continue;
        status = split_line(text, length, field) ? list_emit(p, "line", line, field)
                                                 : complain(p, line, "no path and label with a blank between them");
    }
    return status;
}

assay_status list_parse(enum list_kind kind, const void *bytes, size_t size, const char *name, list_visit *visit,
                        void *context, struct assay_error *error)
{
    struct list_parser parser = {name, visit, context, error};
    struct reader reader = {.bytes = bytes,
                            .size = size,
                            .line = 1,
                            .text = array_of(1, MAX_RECORD_BYTES),
                            .fields = array_of(sizeof(size_t), MAX_COLUMNS)};
    if (kind == LIST_JSON)
        return list_parse_json(&parser, bytes, size);
    skip_mark(&reader);
    assay_status status = kind == LIST_CSV ? parse_csv(&parser, &reader) : parse_text(&parser, &reader);
    array_free(&reader.text);
    array_free(&reader.fields);
    return status;
}
