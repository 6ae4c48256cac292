/* words_infotext.c - the text that Stable Diffusion web UI writes below its pictures, and Forge, Fooocus, SD.Next,
 * Civitai and many others after it:
 *
 *     PROMPT (any number of lines)
 *     Negative prompt: TEXT (any number of lines)
 *     Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 512x512, Model: "a, b", Version: v1.9.3
 *
 * Read as its modules/infotext_utils.py does: the last line is a list of settings if it has at least three of the
 * form `name: value`, values being quoted as in JSON where they hold a comma, a colon or a line break. */
#include <string.h>

#include "provenance/words_internal.h"

enum { LEAST_SETTINGS = 3 };

/* One `name: value` of the last line. */
struct pair {
    const char *name, *value;
    size_t name_size, value_size;
    bool quoted;
};

static bool is_name_start(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool is_name(char c)
{
    return is_name_start(c) || c == ' ' || c == '-' || c == '/';
}

/* The end of a quoted value that begins at `at`, behind its quote, if a comma or the end follows; else `at`. */
static const char *quoted_end(const char *at, const char *end)
{
    const char *p = at + 1;
    while (p < end && *p != '"')
        p += *p == '\\' && p + 1 < end ? 2 : 1;
    if (p >= end || p == at + 1)
        return at;
    p++;
    return p == end || *p == ',' ? p : at;
}

/* The next pair from *at on; false: there is none. */
static bool next_pair(const char **at, const char *end, struct pair *out)
{
    const char *p = *at;
    while (p < end) {
        if (!is_name_start(*p)) {
            p++;
            continue;
        }
        const char *name = p;
        while (p < end && is_name(*p))
            p++;
        if (p == end || *p != ':' || p - name < 2)
            continue; /* no start within this run can do better */
        *out = (struct pair){.name = name, .name_size = (size_t)(p - name)};
        p++;
        while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
            p++;
        out->value = p;
        const char *behind = p < end && *p == '"' ? quoted_end(p, end) : p;
        out->quoted = behind != p;
        if (!out->quoted)
            while (behind < end && *behind != ',')
                behind++;
        out->value_size = (size_t)(behind - p);
        *at = behind < end ? behind + 1 : end;
        return true;
    }
    return false;
}

static const char *value_of(struct words_set *set, const struct pair *pair)
{
    if (pair->quoted) {
        json_t *json = json_loadb(pair->value, pair->value_size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        const char *text = words_json_text(set, json);
        json_decref(json);
        if (text)
            return text;
    }
    return words_copy(set, pair->value, pair->value_size);
}

static bool is_named(const struct pair *pair, const char *name)
{
    return strlen(name) == pair->name_size && memcmp(pair->name, name, pair->name_size) == 0;
}

static const char **field_of(struct words *w, const struct pair *pair)
{
    const struct {
        const char *name;
        const char **field;
    } fields[] = {{"Steps", &w->steps},         {"Sampler", &w->sampler},    {"Schedule type", &w->scheduler},
                  {"Scheduler", &w->scheduler}, {"CFG scale", &w->guidance}, {"Seed", &w->seed},
                  {"Size", &w->size},           {"Model", &w->model},        {"Model hash", &w->model_hash},
                  {"Version", &w->version}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (is_named(pair, fields[i].name) && !*fields[i].field)
            return fields[i].field;
    return NULL;
}

/* How many pairs a line has; *steps: one of them is "Steps". */
static size_t count_pairs(const char *at, const char *end, bool *steps)
{
    struct pair pair;
    size_t count = 0;
    *steps = false;
    while (next_pair(&at, end, &pair)) {
        count++;
        *steps = *steps || is_named(&pair, "Steps");
    }
    return count;
}

/* Forge's versions are those of its own with a "v" and the web UI's behind: "f2.0.1v1.10.1-previous-633-ge07be6a4". */
static const char *generator_of(const struct words *w, const char *app, bool civitai)
{
    const char *version = w->version ? w->version : "";
    if (app && words_begins(app, "SD.Next"))
        return "SD.Next";
    if (words_begins(version, "Fooocus") || words_begins(version, "RuinedFooocus"))
        return "Fooocus";
    if (words_begins(version, "ComfyUI"))
        return "ComfyUI";
    if (words_begins(version, "InvokeAI"))
        return "InvokeAI";
    if (words_begins(version, "f") || words_begins(version, "neo") || words_contains(version, "forge"))
        return "Stable Diffusion web UI Forge";
    if (words_begins(version, "v1.") || words_begins(version, "1."))
        return "Stable Diffusion web UI";
    return civitai ? "Civitai" : "Stable Diffusion web UI";
}

/* Everything before the settings: prompt, then what follows "Negative prompt:" at the beginning of a line. */
static void read_prompts(struct words_set *set, struct words *w, const char *text, const char *end)
{
    static const char negative[] = "Negative prompt:";
    size_t length = sizeof negative - 1;
    for (const char *line = text; line < end;) {
        const char *p = line;
        while (p < end && (*p == ' ' || *p == '\t'))
            p++;
        if ((size_t)(end - p) >= length && memcmp(p, negative, length) == 0) {
            w->prompt = words_copy(set, text, (size_t)(line - text));
            w->negative_prompt = words_copy(set, p + length, (size_t)(end - p) - length);
            return;
        }
        const char *next = memchr(line, '\n', (size_t)(end - line));
        line = next ? next + 1 : end;
    }
    w->prompt = words_copy(set, text, (size_t)(end - text));
}

static void read_text(struct words_set *set, const struct words_text *text)
{
    const char *begin = text->text, *end = begin + text->size;
    while (end > begin && (end[-1] == ' ' || (end[-1] >= '\t' && end[-1] <= '\r')))
        end--;
    const char *last = end;
    while (last > begin && last[-1] != '\n')
        last--;
    bool steps;
    if (count_pairs(last, end, &steps) < LEAST_SETTINGS || !steps)
        return;
    struct words *w = words_new(set, "", text);
    if (!w)
        return;
    read_prompts(set, w, begin, last);
    struct pair pair;
    const char *app = NULL;
    bool civitai = false;
    for (const char *at = last; next_pair(&at, end, &pair);) {
        const char **field = field_of(w, &pair), *value = value_of(set, &pair);
        if (is_named(&pair, "App"))
            app = value;
        civitai = civitai || is_named(&pair, "Civitai resources");
        if (field) {
            *field = value;
        } else {
            const char *name = words_copy(set, pair.name, pair.name_size);
            if (name)
                words_setting(set, w, name, value);
        }
    }
    w->generator = generator_of(w, app, civitai);
}

void words_read_infotext(struct words_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->texts[i].text[0] != '{')
            read_text(set, &set->texts[i]);
}
