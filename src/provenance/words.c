/* words.c - the texts of a file for the readers of generators' words, and what these found as facts. */
#include "provenance/words.h"

#include <stdint.h>
#include <string.h>

#include "provenance/charset.h"
#include "provenance/words_internal.h"

enum { MAX_KEY = 128, MAX_SETTING_NAME = 128 };

/* ---- Texts ----------------------------------------------------------------------------------------------------- */

struct words_set words_set_of(struct arena *arena)
{
    return (struct words_set){.arena = arena};
}

/* The bytes as UTF-8 with a NUL behind; *size: of the result. NULL: no memory. */
static char *to_utf8(struct arena *arena, const char *bytes, size_t *size)
{
    char *copy = arena_alloc(arena, *size + 1, 1);
    if (!copy)
        return NULL;
    if (*size)
        memcpy(copy, bytes, *size);
    if (charset_is_utf8((const uint8_t *)copy, *size))
        return copy;
    char *wide = arena_alloc(arena, 2 * *size + 1, 1); /* sizes are below WORDS_MAX_TEXT */
    if (!wide)
        return NULL;
    size_t length = 0;
    for (size_t i = 0; i < *size; i++) {
        unsigned char c = (unsigned char)copy[i];
        if (c >= 0x80) {
            wide[length++] = (char)(0xC0 | c >> 6);
            wide[length++] = (char)(0x80 | (c & 0x3F));
        } else {
            wide[length++] = (char)c;
        }
    }
    *size = length;
    return wide;
}

void words_add(struct words_set *set, enum words_origin origin, const char *key, const void *text, size_t size)
{
    const char *bytes = text;
    while (size && bytes[size - 1] == '\0')
        size--;
    if (!size)
        return;
    if (set->count == WORDS_MAX_TEXTS || size > WORDS_MAX_TEXT || size > WORDS_MAX_TOTAL - set->total) {
        set->left_out = true;
        return;
    }
    if (!set->texts)
        set->texts = arena_alloc(set->arena, WORDS_MAX_TEXTS, sizeof *set->texts);
    char *copy = set->texts ? to_utf8(set->arena, bytes, &size) : NULL;
    const char *name = arena_strndup(set->arena, key, strnlen(key, MAX_KEY));
    if (!copy || !name) {
        set->no_memory = true;
        return;
    }
    for (char *nul = copy; (nul = memchr(nul, '\0', size - (size_t)(nul - copy)));)
        *nul = ' ';
    set->texts[set->count++] = (struct words_text){.origin = origin, .key = name, .text = copy, .size = size};
    set->total += size;
}

/* ---- What the readers share ------------------------------------------------------------------------------------ */

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool words_begins(const char *text, const char *part)
{
    for (; *part; text++, part++)
        if (lower(*text) != lower(*part))
            return false;
    return true;
}

const char *words_contains(const char *text, const char *part)
{
    for (; *text; text++)
        if (words_begins(text, part))
            return text;
    return NULL;
}

const struct words_text *words_find(const struct words_set *set, int origin, const char *key)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct words_text *text = &set->texts[i];
        if ((origin == WORDS_ANY || (int)text->origin == origin) && words_begins(text->key, key) &&
            strlen(text->key) == strlen(key))
            return text;
    }
    return NULL;
}

static const char *place_of(struct words_set *set, const struct words_text *where)
{
    switch (where->origin) {
    case WORDS_PNG: return arena_printf(set->arena, "PNG text \"%s\"", where->key);
    case WORDS_COMMENT: return "comment";
    case WORDS_EXIF: return arena_printf(set->arena, "EXIF %s", where->key);
    case WORDS_XMP: return arena_printf(set->arena, "XMP %s", where->key);
    case WORDS_IPTC: return arena_printf(set->arena, "IPTC %s", where->key);
    case WORDS_PIXELS: return "lowest bits of the pixels";
    }
    return "file";
}

struct words *words_new(struct words_set *set, const char *generator, const struct words_text *where)
{
    struct words *words = arena_alloc(set->arena, 1, sizeof *words);
    const char *place = place_of(set, where);
    if (!words || !place) {
        set->no_memory = true;
        return NULL;
    }
    *words = (struct words){.generator = generator, .place = place};
    if (set->last)
        set->last->next = words;
    else
        set->first = words;
    set->last = words;
    return words;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

const char *words_copy(struct words_set *set, const char *text, size_t size)
{
    while (size && is_space(*text)) {
        text++;
        size--;
    }
    while (size && is_space(text[size - 1]))
        size--;
    if (!size)
        return NULL;
    const char *copy = arena_strndup(set->arena, text, size);
    if (!copy)
        set->no_memory = true;
    return copy;
}

void words_setting(struct words_set *set, struct words *words, const char *name, const char *value)
{
    if (!value || !value[0] || !name[0] || words->setting_count == WORDS_MAX_SETTINGS)
        return;
    struct words_setting *setting = arena_alloc(set->arena, 1, sizeof *setting);
    const char *name_copy = arena_strndup(set->arena, name, strnlen(name, MAX_SETTING_NAME));
    const char *value_copy = arena_strdup(set->arena, value);
    if (!setting || !name_copy || !value_copy) {
        set->no_memory = true;
        return;
    }
    *setting = (struct words_setting){name_copy, value_copy, NULL};
    if (words->last_setting)
        words->last_setting->next = setting;
    else
        words->settings = setting;
    words->last_setting = setting;
    words->setting_count++;
}

const char *words_size(struct words_set *set, const char *width, const char *height)
{
    if (!width || !height)
        return NULL;
    const char *text = arena_printf(set->arena, "%.20sx%.20s", width, height);
    if (!text)
        set->no_memory = true;
    return text;
}

/* ---- All of it ------------------------------------------------------------------------------------------------- */

void words_read(struct words_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        words_json_parse(set, &set->texts[i]);
    words_read_infotext(set);
    words_read_comfy(set);
    words_read_programs(set);
    words_read_services(set);
    words_read_marks(set);
    for (size_t i = 0; i < set->count; i++) {
        json_decref(set->texts[i].json);
        set->texts[i].json = NULL;
    }
}

static void add_text(struct fact_tree *tree, struct fact *group, const char *name, const char *value)
{
    if (value)
        fact_text(tree, group, name, value);
}

void words_facts(const struct words_set *set, struct fact_tree *tree, struct fact *parent)
{
    struct fact *list = set->first ? fact_list(tree, parent, "generators") : NULL;
    for (const struct words *w = set->first; w; w = w->next) {
        struct fact *group = fact_group(tree, list, NULL);
        fact_text(tree, group, "generator", w->generator);
        fact_text(tree, group, "says", w->edited ? "edited" : "generated");
        fact_text(tree, group, "found_in", w->place);
        add_text(tree, group, "version", w->version);
        add_text(tree, group, "system", w->system);
        add_text(tree, group, "model", w->model);
        add_text(tree, group, "model_hash", w->model_hash);
        add_text(tree, group, "prompt", w->prompt);
        add_text(tree, group, "negative_prompt", w->negative_prompt);
        add_text(tree, group, "seed", w->seed);
        add_text(tree, group, "steps", w->steps);
        add_text(tree, group, "sampler", w->sampler);
        add_text(tree, group, "scheduler", w->scheduler);
        add_text(tree, group, "guidance", w->guidance);
        add_text(tree, group, "size", w->size);
        add_text(tree, group, "job", w->job);
        add_text(tree, group, "author", w->author);
        struct fact *settings = w->settings ? fact_group(tree, group, "settings") : NULL;
        for (const struct words_setting *s = w->settings; s; s = s->next)
            fact_text(tree, settings, s->name, s->value);
        if (w->problem)
            fact_problem(tree, group, "%s", w->problem);
    }
    if (set->left_out)
        fact_problem(tree, parent, "texts were left out: more than %d, or of more than %d MiB", WORDS_MAX_TEXTS,
                     WORDS_MAX_TEXT >> 20);
}
