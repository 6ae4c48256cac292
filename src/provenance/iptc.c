/* iptc.c - walks data sets: 0x1C, record, number, length, bytes. */
#include "provenance/iptc.h"

#include <string.h>

#include "image/walk.h"
#include "provenance/charset.h"

static const struct {
    uint8_t record, number;
    const char *name;
} names[] = {
    {1, 0, "EnvelopeRecordVersion"},
    {1, 30, "ServiceIdentifier"},
    {1, 40, "EnvelopeNumber"},
    {1, 70, "DateSent"},
    {1, 80, "TimeSent"},
    {1, 90, "CodedCharacterSet"},
    {1, 100, "UniqueObjectName"},
    {2, 0, "ApplicationRecordVersion"},
    {2, 3, "ObjectTypeReference"},
    {2, 4, "ObjectAttributeReference"},
    {2, 5, "ObjectName"},
    {2, 7, "EditStatus"},
    {2, 10, "Urgency"},
    {2, 12, "SubjectReference"},
    {2, 15, "Category"},
    {2, 20, "SupplementalCategories"},
    {2, 22, "FixtureIdentifier"},
    {2, 25, "Keywords"},
    {2, 26, "ContentLocationCode"},
    {2, 27, "ContentLocationName"},
    {2, 30, "ReleaseDate"},
    {2, 35, "ReleaseTime"},
    {2, 37, "ExpirationDate"},
    {2, 38, "ExpirationTime"},
    {2, 40, "SpecialInstructions"},
    {2, 42, "ActionAdvised"},
    {2, 55, "DateCreated"},
    {2, 60, "TimeCreated"},
    {2, 62, "DigitalCreationDate"},
    {2, 63, "DigitalCreationTime"},
    {2, 65, "OriginatingProgram"},
    {2, 70, "ProgramVersion"},
    {2, 75, "ObjectCycle"},
    {2, 80, "By-line"},
    {2, 85, "By-lineTitle"},
    {2, 90, "City"},
    {2, 92, "Sub-location"},
    {2, 95, "Province-State"},
    {2, 100, "Country-PrimaryLocationCode"},
    {2, 101, "Country-PrimaryLocationName"},
    {2, 103, "OriginalTransmissionReference"},
    {2, 105, "Headline"},
    {2, 110, "Credit"},
    {2, 115, "Source"},
    {2, 116, "CopyrightNotice"},
    {2, 118, "Contact"},
    {2, 120, "Caption-Abstract"},
    {2, 121, "LocalCaption"},
    {2, 122, "Writer-Editor"},
    {2, 130, "ImageType"},
    {2, 131, "ImageOrientation"},
    {2, 135, "LanguageIdentifier"},
    {2, 187, "UniqueDocumentID"},
    {2, 188, "OwnerID"},
};

static const char *name_of(const struct iptc_dataset *set)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].record == set->record && names[i].number == set->number)
            return names[i].name;
    return NULL;
}

/* Data sets that are a number of two bytes. */
static bool is_number(const struct iptc_dataset *set)
{
    return set->number == 0 && set->size == 2;
}

/* ISO 2022's escape for UTF-8 in 1:90; without it texts are UTF-8 if they are valid as such, otherwise Latin-1, which
 * is what programs write whatever the standard says. */
static bool read_texts(struct array *sets, struct arena *arena, const char **problem)
{
    struct iptc_dataset *all = sets->data;
    size_t left = IPTC_MAX_TEXTS;
    for (size_t i = 0; i < sets->count; i++) {
        if ((all[i].record != 2 && all[i].record != 1) || is_number(&all[i]) || !name_of(&all[i]))
            continue;
        size_t size = all[i].size < IPTC_MAX_TEXT ? all[i].size : IPTC_MAX_TEXT;
        while (size && (all[i].bytes[size - 1] == 0 || all[i].bytes[size - 1] == ' '))
            size--;
        if (size > left) {
            *problem = "its texts are too long: the rest is left out";
            break;
        }
        left -= size;
        char *text = charset_text(arena, all[i].bytes, size);
        if (!text)
            return false;
        all[i].text = text;
    }
    return true;
}

const char *iptc_find(const struct iptc *iptc, unsigned record, unsigned number)
{
    for (size_t i = 0; i < iptc->count; i++)
        if (iptc->datasets[i].record == record && iptc->datasets[i].number == number && iptc->datasets[i].text)
            return iptc->datasets[i].text;
    return NULL;
}

assay_status iptc_read_block(const uint8_t *bytes, size_t size, struct arena *arena, struct iptc *out,
                             struct assay_error *error)
{
    struct array sets = array_of(sizeof(struct iptc_dataset), IPTC_MAX_DATASETS);
    size_t at = 0;
    bool memory = true;
    *out = (struct iptc){.present = true};
    while (size - at >= 5 && bytes[at] == 0x1C) {
        struct iptc_dataset set = {.record = bytes[at + 1], .number = bytes[at + 2]};
        size_t length = walk_be16(bytes + at + 3);
        at += 5;
        if (length & 0x8000) { /* so many bytes hold the length */
            size_t wide = length & 0x7FFF;
            length = 0;
            if (wide > 4 || wide > size - at) {
                out->problem = "a length cannot be";
                break;
            }
            for (size_t i = 0; i < wide; i++)
                length = length << 8 | bytes[at++];
        }
        bool cut = length > size - at;
        if (cut)
            out->problem = "a text is cut off";
        set.size = cut ? size - at : length;
        set.bytes = bytes + at;
        if (!array_append(&sets, &set, 1)) {
            memory = sets.count == IPTC_MAX_DATASETS;
            out->problem = "there are too many texts: the rest is left out";
            break;
        }
        at += set.size;
    }
    for (; at < size && bytes[at] == 0; at++) /* padding */
        ;
    if (at < size && !out->problem)
        out->problem = "it goes on with something else";
    memory = memory && read_texts(&sets, arena, &out->problem);
    if (memory && sets.count) {
        out->datasets = arena_memdup(arena, sets.data, sets.count * sizeof(struct iptc_dataset));
        out->count = out->datasets ? sets.count : 0;
        memory = out->datasets != NULL;
    }
    array_free(&sets);
    out->program = iptc_find(out, 2, 65);
    out->program_version = iptc_find(out, 2, 70);
    out->byline = iptc_find(out, 2, 80);
    out->credit = iptc_find(out, 2, 110);
    out->source = iptc_find(out, 2, 115);
    out->copyright = iptc_find(out, 2, 116);
    out->headline = iptc_find(out, 2, 105);
    out->caption = iptc_find(out, 2, 120);
    out->date_created = iptc_find(out, 2, 55);
    return memory ? ASSAY_OK : error_memory(error, "a picture's IPTC texts");
}

assay_status iptc_read(const struct container *container, struct arena *arena, struct iptc *out,
                       struct assay_error *error)
{
    const struct container_block *block = NULL;
    *out = (struct iptc){0};
    while ((block = container_next(container, block, BLOCK_IPTC))) {
        assay_status status = iptc_read_block(block->bytes, block->size, arena, out, error);
        if (status || out->count)
            return status;
    }
    return ASSAY_OK;
}

void iptc_facts(const struct iptc *iptc, struct fact_tree *tree, struct fact *parent)
{
    if (!iptc->present)
        return;
    struct fact *group = fact_group(tree, parent, "iptc");
    for (size_t i = 0; i < iptc->count; i++) {
        const struct iptc_dataset *set = &iptc->datasets[i];
        const char *name = name_of(set);
        if (!name)
            continue;
        if (is_number(set))
            fact_integer(tree, group, name, walk_be16(set->bytes));
        else if (set->record == 1 && set->number == 90)
            fact_text(tree, group, name, set->size == 3 && memcmp(set->bytes, "\x1B%G", 3) == 0 ? "UTF-8" : set->text);
        else if (set->text)
            fact_text(tree, group, name, set->text);
    }
    if (iptc->problem)
        fact_problem(tree, group, "%s", iptc->problem);
}
