/* words_programs.c - programs that write their settings as JSON or as texts of their own: InvokeAI, NovelAI, Fooocus,
 * SwarmUI, Easy Diffusion, Draw Things. Which keys mean what is known from these programs' sources. */
#include <stdint.h>
#include <string.h>

#include "provenance/words_internal.h"

/* Which member of an object is which field. */
struct names {
    const char *model, *prompt, *negative_prompt, *seed, *steps, *sampler, *scheduler, *guidance, *width, *height;
};

static const char *get(struct words_set *set, const json_t *object, const char *key)
{
    return key ? words_json_get(set, object, key) : NULL;
}

static void read_names(struct words_set *set, struct words *w, const json_t *object, const struct names *names)
{
    w->model = get(set, object, names->model);
    w->prompt = get(set, object, names->prompt);
    w->negative_prompt = get(set, object, names->negative_prompt);
    w->seed = get(set, object, names->seed);
    w->steps = get(set, object, names->steps);
    w->sampler = get(set, object, names->sampler);
    w->scheduler = get(set, object, names->scheduler);
    w->guidance = get(set, object, names->guidance);
    w->size = words_size(set, get(set, object, names->width), get(set, object, names->height));
    const char *const known[] = {names->model ? names->model : "",
                                 names->prompt ? names->prompt : "",
                                 names->seed ? names->seed : "",
                                 names->negative_prompt ? names->negative_prompt : "",
                                 names->steps ? names->steps : "",
                                 names->sampler ? names->sampler : "",
                                 names->scheduler ? names->scheduler : "",
                                 names->guidance ? names->guidance : "",
                                 names->width ? names->width : "",
                                 names->height ? names->height : "",
                                 "version",
                                 "app_version",
                                 NULL};
    words_json_settings(set, w, object, known);
}

/* ---- InvokeAI -------------------------------------------------------------------------------------------------- */

/* Since 3.0: one flat object; the model is an object with a name. */
static void read_invoke(struct words_set *set, const struct words_text *text, const json_t *json)
{
    static const struct names names = {NULL, "positive_prompt", "negative_prompt", "seed",  "steps",
                                       NULL, "scheduler",       "cfg_scale",       "width", "height"};
    struct words *w = words_new(set, "InvokeAI", text);
    if (!w)
        return;
    read_names(set, w, json, &names);
    const json_t *model = json_object_get(json, "model");
    w->version = get(set, json, "app_version");
    w->model = get(set, model, "name");
    if (!w->model)
        w->model = get(set, model, "model_name");
    w->model_hash = get(set, model, "hash");
}

/* Where a prompt in InvokeAI's old manner has its first "[", which begins what is not wanted; else its end. */
static void split_brackets(struct words_set *set, struct words *w, const char *prompt, size_t size)
{
    const char *open = memchr(prompt, '[', size), *end = prompt + size;
    w->prompt = words_copy(set, prompt, open ? (size_t)(open - prompt) : size);
    if (!open)
        return;
    const char *close = memchr(open, ']', (size_t)(end - open));
    w->negative_prompt = words_copy(set, open + 1, (size_t)((close ? close : end) - open) - 1);
}

/* Before 3.0: {"model_weights", "model_hash", "app_version", "image": {"prompt": [{"prompt", "weight"}], ...}}. */
static void read_sd_metadata(struct words_set *set, const struct words_text *text, const json_t *json)
{
    static const struct names names = {NULL,      NULL, NULL,        "seed",  "steps",
                                       "sampler", NULL, "cfg_scale", "width", "height"};
    const json_t *image = json_object_get(json, "image"), *prompt = json_object_get(image, "prompt");
    struct words *w = words_new(set, "InvokeAI", text);
    if (!w)
        return;
    read_names(set, w, image, &names);
    w->version = get(set, json, "app_version");
    w->model = get(set, json, "model_weights");
    if (!w->model)
        w->model = get(set, json, "model_id"); /* before 2.0 */
    w->model_hash = get(set, json, "model_hash");
    if (json_is_array(prompt))
        prompt = json_object_get(json_array_get(prompt, 0), "prompt");
    if (json_is_string(prompt))
        split_brackets(set, w, json_string_value(prompt), strlen(json_string_value(prompt)));
}

/* Older still: "PROMPT" -s 50 -S 1234 -W 512 -H 512 -C 7.5 -A k_lms (also written without the spaces). */
static void read_dream(struct words_set *set, const struct words_text *text)
{
    const char *p = text->text, *end = p + text->size, *close = NULL;
    if (*p != '"')
        return;
    for (const char *q = p + 1; (q = memchr(q, '"', (size_t)(end - q))); q++)
        if (q + 1 == end || (q[1] == ' ' && q + 2 < end && q[2] == '-'))
            close = q;
    if (!close)
        return;
    struct words *w = words_new(set, "InvokeAI", text);
    if (!w)
        return;
    split_brackets(set, w, p + 1, (size_t)(close - p) - 1);
    const char *width = NULL, *height = NULL;
    for (p = close + 1; p < end;) {
        while (p < end && *p == ' ')
            p++;
        if (end - p < 3 || *p != '-' || p[1] == '-') {
            while (p < end && *p != ' ')
                p++;
            continue;
        }
        char option = p[1];
        p += 2;
        while (p < end && *p == ' ')
            p++;
        const char *value = p;
        while (p < end && *p != ' ')
            p++;
        const char *copy = words_copy(set, value, (size_t)(p - value));
        switch (option) {
        case 's': w->steps = copy; break;
        case 'S': w->seed = copy; break;
        case 'C': w->guidance = copy; break;
        case 'A': w->sampler = copy; break;
        case 'W': width = copy; break;
        case 'H': height = copy; break;
        default: break;
        }
    }
    w->size = words_size(set, width, height);
}

static void read_all_of_invoke(struct words_set *set)
{
    const struct words_text *now = words_find(set, WORDS_ANY, "invokeai_metadata"),
                            *before = words_find(set, WORDS_ANY, "sd-metadata"),
                            *oldest = words_find(set, WORDS_ANY, "Dream");
    if (now && now->json)
        read_invoke(set, now, now->json);
    else if (before && before->json)
        read_sd_metadata(set, before, before->json);
    else if (oldest)
        read_dream(set, oldest);
}

/* ---- NovelAI --------------------------------------------------------------------------------------------------- */

/* Software "NovelAI", Source (the model), Description (the prompt), Comment (JSON); as texts and hidden in the
 * pixels. */
static void read_novel(struct words_set *set, int origin)
{
    static const struct names names = {NULL,      "prompt",         "uc",    "seed",  "steps",
                                       "sampler", "noise_schedule", "scale", "width", "height"};
    const struct words_text *software = words_find(set, origin, "Software");
    if (!software || !words_begins(software->text, "NovelAI"))
        return;
    const struct words_text *source = words_find(set, origin, "Source"),
                            *description = words_find(set, origin, "Description"),
                            *comment = words_find(set, origin, "Comment");
    struct words *w = words_new(set, "NovelAI", software);
    if (!w)
        return;
    if (comment && comment->json)
        read_names(set, w, comment->json, &names);
    if (comment)
        w->problem = comment->problem;
    if (source) { /* "NovelAI Diffusion V4.5 4BDE2A90": the last word is a hash */
        size_t size = source->size;
        while (size && source->text[size - 1] != ' ')
            size--;
        bool hash = size && source->size - size == 8 && strspn(source->text + size, "0123456789ABCDEF") == 8;
        w->model = words_copy(set, source->text, hash ? size : source->size);
        w->model_hash = hash ? words_copy(set, source->text + size, 8) : NULL;
    }
    if (description && !w->prompt)
        w->prompt = words_copy(set, description->text, description->size);
}

/* ---- Those that write one JSON object -------------------------------------------------------------------------- */

static bool read_fooocus(struct words_set *set, const struct words_text *text, const json_t *json)
{
    static const struct names names = {"base_model", "prompt",    "negative_prompt", "seed", "steps",
                                       "sampler",    "scheduler", "guidance_scale",  NULL,   NULL};
    const char *version = get(set, json, "version"), *software = get(set, json, "software");
    if (!json_object_get(json, "base_model") && !json_object_get(json, "base_model_name"))
        return false;
    if (!words_find(set, WORDS_ANY, "fooocus_scheme") && !(version && words_contains(version, "fooocus")) &&
        !(software && words_contains(software, "fooocus")))
        return false;
    struct words *w = words_new(set, "Fooocus", text);
    if (!w)
        return true;
    read_names(set, w, json, &names);
    w->version = version;
    w->model_hash = get(set, json, "base_model_hash");
    unsigned width = 0, height = 0; /* "(1152, 896)" */
    const char *size = get(set, json, "resolution");
    for (; size && *size && *size != ','; size++)
        if (*size >= '0' && *size <= '9' && width < 100000)
            width = width * 10 + (unsigned)(*size - '0');
    for (; size && *size; size++)
        if (*size >= '0' && *size <= '9' && height < 100000)
            height = height * 10 + (unsigned)(*size - '0');
    if (width && height)
        w->size = arena_printf(set->arena, "%ux%u", width, height);
    return true;
}

static bool read_swarm(struct words_set *set, const struct words_text *text, const json_t *json)
{
    static const struct names names = {"model",   "prompt",    "negativeprompt", "seed",  "steps",
                                       "sampler", "scheduler", "cfgscale",       "width", "height"};
    const json_t *settings = json_object_get(json, "sui_image_params");
    if (!json_is_object(settings))
        return false;
    struct words *w = words_new(set, "SwarmUI", text);
    if (!w)
        return true;
    read_names(set, w, settings, &names);
    w->version = get(set, settings, "swarm_version");
    if (!w->sampler)
        w->sampler = get(set, settings, "comfyuisampler");
    if (!w->sampler)
        w->sampler = get(set, settings, "autowebuisampler");
    return true;
}

static bool read_easy(struct words_set *set, const struct words_text *text, const json_t *json)
{
    static const struct names names[2] = {{"use_stable_diffusion_model", "prompt", "negative_prompt", "seed",
                                           "num_inference_steps", "sampler_name", "scheduler_name", "guidance_scale",
                                           "width", "height"},
                                          {"Stable Diffusion model", "Prompt", "Negative Prompt", "Seed", "Steps",
                                           "Sampler", "Scheduler", "Guidance Scale", "Width", "Height"}};
    bool spoken = json_object_get(json, names[1].model) != NULL;
    if (!spoken && !json_object_get(json, names[0].model))
        return false;
    struct words *w = words_new(set, "Easy Diffusion", text);
    if (w)
        read_names(set, w, json, &names[spoken ? 1 : 0]);
    return true;
}

static bool read_draw_things(struct words_set *set, const struct words_text *text, const json_t *json)
{
    static const struct names names = {"model", "c", "uc", "seed", "steps", "sampler", NULL, "scale", NULL, NULL};
    if (!json_is_string(json_object_get(json, "c")) || !json_object_get(json, "sampler") ||
        !json_object_get(json, "seed"))
        return false;
    struct words *w = words_new(set, "Draw Things", text);
    if (!w)
        return true;
    read_names(set, w, json, &names);
    w->size = get(set, json, "size");
    return true;
}

/* ---- Easy Diffusion's texts, one a setting --------------------------------------------------------------------- */

static void read_easy_texts(struct words_set *set)
{
    const struct words_text *model = words_find(set, WORDS_PNG, "use_stable_diffusion_model");
    if (!model)
        model = words_find(set, WORDS_PNG, "Stable Diffusion model");
    if (!model)
        return;
    json_t *json = json_object();
    for (size_t i = 0; i < set->count && json; i++)
        if (set->texts[i].origin == WORDS_PNG)
            json_object_set_new(json, set->texts[i].key, json_string(set->texts[i].text));
    if (json)
        read_easy(set, model, json);
    else
        set->no_memory = true;
    json_decref(json);
}

void words_read_programs(struct words_set *set)
{
    read_all_of_invoke(set);
    const int origins[] = {WORDS_PNG, WORDS_EXIF, WORDS_PIXELS};
    for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++)
        read_novel(set, origins[i]);
    for (size_t i = 0; i < set->count; i++) {
        const struct words_text *text = &set->texts[i];
        const json_t *json = text->json;
        if (json && !read_swarm(set, text, json) && !read_fooocus(set, text, json) && !read_easy(set, text, json))
            read_draw_things(set, text, json);
    }
    read_easy_texts(set);
}
