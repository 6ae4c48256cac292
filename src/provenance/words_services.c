/* words_services.c - what services write: Midjourney's description, FLUX's EXIF, IPTC's fields for AI (2025.1),
 * China's label (GB 45438-2025); and the names of programs and companies in the fields that say what made a file. */
#include <string.h>

#include "provenance/words_internal.h"

enum {
    MAX_SYSTEM = 200, /* bytes of a field that names a generator */
    MAX_NAMING = 1000 /* bytes of a field in which one is looked for */
};

/* ---- Midjourney: "PROMPT --ar 2:1 --v 6 Job ID: a7421d2f-b262-44f9-977c-ac23e9c7d3e3" -------------------------- */

static bool is_uuid(const char *text)
{
    for (int i = 0; i < 36; i++) {
        char c = text[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (i == 8 || i == 13 || i == 18 || i == 23 ? c != '-' : !hex)
            return false; /* a NUL ends it here too */
    }
    return true;
}

/* The value of " --NAME VALUE" in a prompt, or NULL. */
static const char *parameter(struct words_set *set, const char *prompt, const char *name)
{
    const char *at = strstr(prompt, name);
    if (!at)
        return NULL;
    at += strlen(name);
    size_t size = strcspn(at, " ");
    return words_copy(set, at, size);
}

static void read_midjourney(struct words_set *set)
{
    static const char mark[] = "Job ID: ";
    for (size_t i = 0; i < set->count; i++) {
        const struct words_text *text = &set->texts[i];
        const char *job = strstr(text->text, mark);
        if (!job || !is_uuid(job + sizeof mark - 1))
            continue;
        struct words *w = words_new(set, "Midjourney", text);
        if (!w)
            return;
        w->prompt = words_copy(set, text->text, (size_t)(job - text->text));
        w->job = words_copy(set, job + sizeof mark - 1, 36);
        if (w->prompt) {
            w->model = parameter(set, w->prompt, "--niji ");
            w->model = w->model ? arena_printf(set->arena, "niji %s", w->model) : parameter(set, w->prompt, "--v ");
            w->seed = parameter(set, w->prompt, "--seed ");
        }
        const struct words_text *author = words_find(set, (int)text->origin, "Author");
        if (author)
            w->author = words_copy(set, author->text, author->size);
        return;
    }
}

/* ---- Black Forest Labs' own programs: EXIF Software "AI generated;txt2img;flux", Model, ImageDescription
 * ---------- */

static void read_flux(struct words_set *set)
{
    const struct words_text *software = words_find(set, WORDS_EXIF, "Software");
    if (!software || !words_begins(software->text, "AI generated"))
        return;
    const struct words_text *make = words_find(set, WORDS_EXIF, "Make"), *model = words_find(set, WORDS_EXIF, "Model"),
                            *prompt = words_find(set, WORDS_EXIF, "ImageDescription");
    bool flux = words_contains(software->text, "flux") != NULL;
    struct words *w = words_new(set, flux ? "FLUX" : "unnamed generator", software);
    if (!w)
        return;
    w->version = words_copy(set, software->text, software->size);
    w->model = model ? words_copy(set, model->text, model->size) : NULL;
    w->system = make ? words_copy(set, make->text, make->size) : NULL;
    w->prompt = prompt ? words_copy(set, prompt->text, prompt->size) : NULL;
}

/* ---- IPTC Photo Metadata 2025.1 ---------------------------------------------------------------------------------- */

static void read_iptc(struct words_set *set)
{
    const struct words_text *system = words_find(set, WORDS_XMP, "AISystemUsed"),
                            *version = words_find(set, WORDS_XMP, "AISystemVersionUsed"),
                            *prompt = words_find(set, WORDS_XMP, "AIPromptInformation"),
                            *writer = words_find(set, WORDS_XMP, "AIPromptWriterName");
    const struct words_text *where = system ? system : prompt;
    if (!where)
        return;
    bool edited = false;
    const char *known = system ? words_generator_named(system->text, &edited) : NULL;
    struct words *w = words_new(set, known ? known : "AI system", where);
    if (!w)
        return;
    w->edited = edited;
    w->system = system ? words_copy(set, system->text, system->size) : NULL;
    w->version = version ? words_copy(set, version->text, version->size) : NULL;
    w->prompt = prompt ? words_copy(set, prompt->text, prompt->size) : NULL;
    w->author = writer ? words_copy(set, writer->text, writer->size) : NULL;
}

/* ---- GB 45438-2025: {"Label": "1", "ContentProducer": ...}, or {"AIGC": {...}}; 1 generated, 2 possibly, 3
 * suspected */

static void read_tc260(struct words_set *set)
{
    const struct words_text *text = words_find(set, WORDS_ANY, "AIGC");
    const json_t *json = text ? text->json : NULL;
    const json_t *label = json_object_get(json, "AIGC");
    label = json_is_object(label) ? label : json;
    const char *value = words_json_get(set, label, "Label");
    struct words *w = value && (value[0] == '1' || value[0] == '2' || value[0] == '3') && !value[1]
                          ? words_new(set, "AI label (GB 45438-2025)", text)
                          : NULL;
    if (w) {
        static const char *const known[] = {"Label", NULL};
        words_setting(set, w, "label",
                      value[0] == '1'   ? "generated"
                      : value[0] == '2' ? "possibly generated"
                                        : "suspected of being generated");
        words_json_settings(set, w, label, known);
        w->system = words_json_get(set, label, "ContentProducer");
    }
}

void words_read_services(struct words_set *set)
{
    read_midjourney(set);
    read_flux(set);
    read_iptc(set);
    read_tc260(set);
}

/* ---- Names ------------------------------------------------------------------------------------------------------- */

/* What stands in fields that name a program, company or credit. Words that are also those of something else (Imagen,
 * Gemini, Leonardo, Flux) only in their whole form. */
static const struct mark {
    const char *part, *generator;
    bool edited;
} marks[] = {
    {"Edited with Google AI", "Google AI", true},
    {"Made with Google AI", "Google AI", false},
    {"Made by Google AI", "Google AI", false},
    {"Google Imagen", "Google AI", false},
    {"Google Gemini", "Google AI", false},
    {"Adobe Firefly", "Adobe Firefly", false},
    {"Adobe_Firefly", "Adobe Firefly", false},
    {"Midjourney", "Midjourney", false},
    {"DALL-E", "DALL-E", false},
    {"DALL\xC2\xB7"
     "E",
     "DALL-E", false},
    {"DALLE", "DALL-E", false},
    {"gpt-image", "OpenAI", false},
    {"ChatGPT", "OpenAI", false},
    {"OpenAI", "OpenAI", false},
    {"Bing Image Creator", "Bing Image Creator", false},
    {"Image Creator from Designer", "Bing Image Creator", false},
    {"Microsoft Responsible AI", "Microsoft", false},
    {"DreamStudio", "Stability AI", false},
    {"Stability AI", "Stability AI", false},
    {"stability.ai", "Stability AI", false},
    {"Stable Diffusion", "Stable Diffusion", false},
    {"Stable Cascade", "Stability AI", false},
    {"ComfyUI", "ComfyUI", false},
    {"InvokeAI", "InvokeAI", false},
    {"NovelAI", "NovelAI", false},
    {"Fooocus", "Fooocus", false},
    {"Draw Things", "Draw Things", false},
    {"Black Forest Labs", "FLUX", false},
    {"Meta AI", "Meta AI", false},
    {"Imagined with AI", "Meta AI", false},
    {"Ideogram", "Ideogram", false},
    {"Leonardo.Ai", "Leonardo.Ai", false},
    {"Craiyon", "Craiyon", false},
    {"NightCafe", "NightCafe", false},
    {"Recraft", "Recraft", false},
};

static bool is_word_character(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

const char *words_generator_named(const char *name, bool *edited)
{
    char begin[MAX_NAMING + 1]; /* who names a generator does so at once */
    size_t length = strnlen(name, MAX_NAMING);
    memcpy(begin, name, length);
    begin[length] = '\0';
    name = begin;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        const char *at = words_contains(name, marks[i].part);
        if (!at || (at > name && is_word_character(at[-1])) || is_word_character(at[strlen(marks[i].part)]))
            continue;
        *edited = marks[i].edited;
        return marks[i].generator;
    }
    return NULL;
}

/* Fields that say what a file was made with. Descriptions and titles do not: people write there about generators. */
static bool names_the_maker(const struct words_text *text)
{
    static const char *const keys[] = {"Software",     "CreatorTool",   "Credit",    "Make", "ProcessingSoftware",
                                       "HostComputer", "softwareAgent", "Generator", NULL};
    for (const char *const *key = keys; *key; key++)
        if (words_begins(text->key, *key) && strlen(text->key) == strlen(*key))
            return true;
    return false;
}

void words_read_marks(struct words_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct words_text *text = &set->texts[i];
        bool edited = false, known = false;
        const char *generator = names_the_maker(text) ? words_generator_named(text->text, &edited) : NULL;
        for (const struct words *w = set->first; w && generator && !known; w = w->next)
            known = strcmp(w->generator, generator) == 0 && w->edited == edited;
        struct words *w = generator && !known ? words_new(set, generator, text) : NULL;
        if (w) {
            size_t size = text->size < MAX_SYSTEM ? text->size : MAX_SYSTEM;
            while (size < text->size && size > 0 && ((unsigned char)text->text[size] & 0xC0) == 0x80)
                size--; /* not within a character */
            w->edited = edited;
            w->system = words_copy(set, text->text, size);
        }
    }
}
