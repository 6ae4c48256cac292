/* option.c - reads config structs from text by their table, and checks tables. */
#include <string.h>

#include "base/memory.h"
#include "base/option_value.h"

assay_status option_set_text(const struct option *option, void *config, const char *text, struct arena *arena,
                             struct assay_error *error)
{
    const char *copy = arena ? arena_strdup(arena, text) : text;
    if (!copy)
        return error_memory(error, option->name);
    *option_text_at(option, config) = copy;
    return ASSAY_OK;
}

assay_status option_add_text(const struct option *option, void *config, const char *text, struct arena *arena,
                             struct assay_error *error)
{
    struct option_texts *texts = option_texts_at(option, config);
    const char **items = arena ? arena_alloc(arena, texts->count + 1, sizeof *items) : NULL;
    const char *copy = items ? arena_strdup(arena, text) : NULL;
    if (!copy)
        return error_memory(error, option->name);
    if (texts->count)
        memcpy(items, texts->items, texts->count * sizeof *items);
    items[texts->count] = copy;
    *texts = (struct option_texts){items, texts->count + 1};
    return ASSAY_OK;
}

/* With no arena a text is kept by reference. */
static assay_status set_field(const struct option *option, void *config, const char *text, struct arena *arena,
                              struct assay_error *error)
{
    bool truth;
    int64_t whole;
    double number;
    int choice;
    switch (option->type) {
    case OPTION_BOOL:
        if (!option_parse_bool(text, &truth))
            break;
        *option_bool_at(option, config) = truth;
        return ASSAY_OK;
    case OPTION_INT:
        if (!option_parse_int(text, &whole) || !option_in_range(option, (double)whole))
            break;
        *option_int_at(option, config) = whole;
        return ASSAY_OK;
    case OPTION_FLOAT:
        if (!option_parse_float(text, &number) || !option_in_range(option, number))
            break;
        *option_float_at(option, config) = number;
        return ASSAY_OK;
    case OPTION_TEXT: return option_set_text(option, config, text, arena, error);
    case OPTION_CHOICE:
        choice = option_choice_find(option->choices, text);
        if (choice < 0)
            break;
        *option_choice_at(option, config) = choice;
        return ASSAY_OK;
    case OPTION_TEXTS: return option_add_text(option, config, text, arena, error);
    }
    return option_refuse(option, "", text, error);
}

void option_defaults(const struct option *table, void *config)
{
    for (const struct option *option = table; option->name; option++) {
        if (option->default_text)
            set_field(option, config, option->default_text, NULL, NULL);
        else if (option->type == OPTION_TEXT)
            *option_text_at(option, config) = NULL;
        else if (option->type == OPTION_TEXTS)
            *option_texts_at(option, config) = (struct option_texts){0};
    }
}

assay_status option_set(const struct option *table, void *config, const char *name, const char *text,
                        struct arena *arena, struct assay_error *error)
{
    const struct option *option = option_find(table, name);
    return option ? set_field(option, config, text, arena, error) : option_refuse_unknown(table, "", name, error);
}

const struct option *option_find(const struct option *table, const char *name)
{
    for (const struct option *option = table; option->name; option++)
        if (strcmp(option->name, name) == 0)
            return option;
    return NULL;
}

assay_status option_check(const struct option *table, size_t config_size, struct assay_error *error)
{
    static const struct {
        size_t size, alignment;
    } kinds[] = {
        [OPTION_BOOL] = {sizeof(bool), _Alignof(bool)},
        [OPTION_INT] = {sizeof(int64_t), _Alignof(int64_t)},
        [OPTION_FLOAT] = {sizeof(double), _Alignof(double)},
        [OPTION_TEXT] = {sizeof(char *), _Alignof(char *)},
        [OPTION_CHOICE] = {sizeof(int), _Alignof(int)},
        [OPTION_TEXTS] = {sizeof(struct option_texts), _Alignof(struct option_texts)},
    };
    assay_status status = ASSAY_OK;
    void *config = mem_alloc(1, config_size);
    if (!config)
        return error_memory(error, "checking options");
    for (const struct option *option = table; !status && option->name; option++) {
        size_t size = kinds[option->type].size;
        if (option_find(table, option->name) != option)
            status = error_set(error, ASSAY_ERROR_INTERNAL, "option %s: is there twice", option->name);
        else if (option->offset % kinds[option->type].alignment || size > config_size ||
                 option->offset > config_size - size)
            status = error_set(error, ASSAY_ERROR_INTERNAL, "option %s: lies outside its struct", option->name);
        else if (!option->help || (option->type == OPTION_CHOICE && !option->choices))
            status = error_set(error, ASSAY_ERROR_INTERNAL, "option %s: has no help or no choices", option->name);
        else if (option->type == OPTION_TEXTS ? option->default_text != NULL
                                              : !option->default_text && option->type != OPTION_TEXT)
            status = error_set(error, ASSAY_ERROR_INTERNAL, "option %s: has no default, or one that it cannot have",
                               option->name);
        else if (option->default_text)
            status = set_field(option, config, option->default_text, NULL, error);
    }
    mem_free(config);
    return status;
}
