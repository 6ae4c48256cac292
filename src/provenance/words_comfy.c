/* words_comfy.c - the graphs that ComfyUI writes: "prompt", what was run (an object of nodes, each with a class_type
 * and inputs, where [NODE, SLOT] is another node's output), and "workflow", what the editor showed. PNGs have them
 * as text, WebPs and others in EXIF as "prompt:JSON" and "workflow:JSON".
 *
 * From the node that saves the picture we go back to the sampler nearest to it, and from there to the model and to
 * the texts. Nodes are not known by name but by their inputs, since anybody may add some. */
#include <string.h>

#include "provenance/words_internal.h"

enum {
    MAX_STEPS = 4000, /* nodes that are looked at for one graph */
    MAX_HOPS = 40,    /* links in a row */
    MAX_NODES = 20000
};

struct graph {
    struct words_set *set;
    const json_t *nodes; /* object: id to node */
    int steps;
};

static const json_t *inputs_of(const json_t *node)
{
    const json_t *inputs = json_object_get(node, "inputs");
    return json_is_object(inputs) ? inputs : NULL;
}

/* The node that an input is linked to, or NULL. */
static const json_t *linked(struct graph *g, const json_t *input)
{
    if (!json_is_array(input) || json_array_size(input) < 2 || g->steps >= MAX_STEPS)
        return NULL;
    g->steps++;
    const char *id = words_json_text(g->set, json_array_get(input, 0));
    const json_t *node = id ? json_object_get(g->nodes, id) : NULL;
    return json_is_object(node) ? node : NULL;
}

/* An input's value, through nodes that only hand on a value. */
static const char *value_of(struct graph *g, const json_t *input, int hops)
{
    static const char *const names[] = {"value",  "seed", "noise_seed", "int", "float",
                                        "number", "text", "string",     NULL};
    if (!json_is_array(input))
        return words_json_text(g->set, input);
    const json_t *inputs = hops < MAX_HOPS ? inputs_of(linked(g, input)) : NULL;
    for (const char *const *name = names; *name && inputs; name++) {
        const json_t *next = json_object_get(inputs, *name);
        if (next)
            return value_of(g, next, hops + 1);
    }
    return NULL;
}

/* The value of the first of these inputs that a node has. */
static const char *first_value(struct graph *g, const json_t *inputs, const char *const *names)
{
    for (; *names; names++) {
        const json_t *input = json_object_get(inputs, *names);
        const char *value = input ? value_of(g, input, 0) : NULL;
        if (value)
            return value;
    }
    return NULL;
}

/* ---- Texts and models ------------------------------------------------------------------------------------------ */

/* The text that a conditioning (or a text) comes from, back over nodes that change it. */
static const char *text_behind(struct graph *g, const json_t *input, int hops)
{
    static const char *const texts[] = {"text",           "text_g", "t5xxl", "clip_l", "prompt", "positive_prompt",
                                        "populated_text", "string", "value", NULL};
    static const char *const further[] = {"conditioning", "conditioning_1", "conditioning_to",
                                          "positive",     "samples",        NULL};
    if (json_is_string(input))
        return words_json_text(g->set, input);
    const json_t *inputs = hops < MAX_HOPS ? inputs_of(linked(g, input)) : NULL;
    const char *text = NULL;
    for (const char *const *name = texts; *name && inputs && !text; name++)
        text = text_behind(g, json_object_get(inputs, *name), hops + 1);
    for (const char *const *name = further; *name && inputs && !text; name++)
        text = text_behind(g, json_object_get(inputs, *name), hops + 1);
    return text;
}

static const char *const model_files[] = {"ckpt_name", "unet_name", "model_name", "base_ckpt_name", "gguf_name", NULL};

static const char *model_behind(struct graph *g, const json_t *input)
{
    static const char *const further[] = {"model", "model1", "guider", "pipe", "basic_pipe", NULL};
    const char *file = NULL;
    for (int hops = 0; hops < MAX_HOPS && input && !file; hops++) {
        const json_t *inputs = inputs_of(linked(g, input));
        file = first_value(g, inputs, model_files);
        input = NULL;
        for (const char *const *name = further; *name && inputs && !input; name++)
            input = json_object_get(inputs, *name);
    }
    return file;
}

/* ---- The sampler ----------------------------------------------------------------------------------------------- */

static bool is_sampler(const json_t *node)
{
    const json_t *inputs = inputs_of(node);
    bool seeded =
        json_object_get(inputs, "seed") || json_object_get(inputs, "noise_seed") || json_object_get(inputs, "noise");
    return seeded && (json_object_get(inputs, "sampler_name") || json_object_get(inputs, "sampler") ||
                      json_object_get(inputs, "latent_image") || json_object_get(inputs, "steps"));
}

/* Breadth first from a node back over all links, to the nearest sampler. */
static const json_t *nearest_sampler(struct graph *g, const char *start)
{
    json_t *queue = json_array(), *seen = json_object();
    const json_t *found = NULL;
    bool room = queue && seen && json_array_append_new(queue, json_string(start)) == 0;
    for (size_t at = 0; room && at < json_array_size(queue) && at < MAX_STEPS && !found; at++) {
        const json_t *node = json_object_get(g->nodes, json_string_value(json_array_get(queue, at)));
        if (is_sampler(node))
            found = node;
        const char *name;
        json_t *input;
        json_object_foreach((json_t *)inputs_of(node), name, input)
        {
            const char *id = json_is_array(input) && json_array_size(input) == 2
                                 ? words_json_text(g->set, json_array_get(input, 0))
                                 : NULL;
            if (!id || json_object_get(seen, id) || json_array_size(queue) >= MAX_STEPS)
                continue;
            room =
                json_object_set_new(seen, id, json_true()) == 0 && json_array_append_new(queue, json_string(id)) == 0;
            if (!room)
                break;
        }
    }
    if (!room)
        g->set->no_memory = true;
    json_decref(queue);
    json_decref(seen);
    return found;
}

/* The sampler of the picture: nearest to a node that saves pictures, else to one that shows them, else any. */
static const json_t *find_sampler(struct graph *g)
{
    static const char *const ends[] = {"Save", "Preview", ""};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        const char *id;
        json_t *node;
        json_object_foreach((json_t *)g->nodes, id, node)
        {
            const char *type = json_string_value(json_object_get(node, "class_type"));
            if (!type ||
                (ends[i][0] && (!words_contains(type, ends[i]) || !json_object_get(inputs_of(node), "images"))))
                continue;
            const json_t *sampler = ends[i][0] ? nearest_sampler(g, id) : is_sampler(node) ? node : NULL;
            if (sampler)
                return sampler;
        }
    }
    return NULL;
}

/* The inputs of the node that one of a sampler's inputs is linked to ("SamplerCustomAdvanced" keeps all in such
 * nodes). */
static const json_t *behind(struct graph *g, const json_t *inputs, const char *name)
{
    return inputs_of(linked(g, json_object_get(inputs, name)));
}

static void keep(const char **field, const char *value)
{
    if (!*field)
        *field = value;
}

static void read_sampler(struct graph *g, struct words *w, const json_t *sampler)
{
    static const char *const seeds[] = {"seed", "noise_seed", NULL}, *const steps[] = {"steps", NULL},
                             *const names[] = {"sampler_name", NULL}, *const schedulers[] = {"scheduler", NULL},
                             *const guidances[] = {"cfg", "guidance", NULL};
    const json_t *inputs = inputs_of(sampler), *guider = behind(g, inputs, "guider"),
                 *sigmas = behind(g, inputs, "sigmas");
    w->seed = first_value(g, inputs, seeds);
    keep(&w->seed, first_value(g, behind(g, inputs, "noise"), seeds));
    w->steps = first_value(g, inputs, steps);
    keep(&w->steps, first_value(g, sigmas, steps));
    w->sampler = first_value(g, inputs, names);
    keep(&w->sampler, first_value(g, behind(g, inputs, "sampler"), names));
    w->scheduler = first_value(g, inputs, schedulers);
    keep(&w->scheduler, first_value(g, sigmas, schedulers));
    w->guidance = first_value(g, inputs, guidances);
    keep(&w->guidance, first_value(g, guider, guidances));
    w->prompt = text_behind(g, json_object_get(inputs, "positive"), 0);
    keep(&w->prompt, text_behind(g, json_object_get(guider, "positive"), 0));
    keep(&w->prompt, text_behind(g, json_object_get(guider, "conditioning"), 0));
    w->negative_prompt = text_behind(g, json_object_get(inputs, "negative"), 0);
    keep(&w->negative_prompt, text_behind(g, json_object_get(guider, "negative"), 0));
    w->model = model_behind(g, json_object_get(inputs, "model"));
    keep(&w->model, model_behind(g, json_object_get(guider, "model")));
    const json_t *latent = behind(g, inputs, "latent_image");
    static const char *const widths[] = {"width", NULL}, *const heights[] = {"height", NULL};
    w->size = words_size(g->set, first_value(g, latent, widths), first_value(g, latent, heights));
}

/* ---- What was run ---------------------------------------------------------------------------------------------- */

/* Whether most of an object's members look like nodes. */
static bool is_prompt(const json_t *json)
{
    const char *id;
    json_t *node;
    size_t nodes = 0;
    json_object_foreach((json_t *)json, id, node) nodes +=
        json_is_string(json_object_get(node, "class_type")) && json_is_object(json_object_get(node, "inputs"));
    return nodes > 0 && nodes * 2 > json_object_size(json) && json_object_size(json) <= MAX_NODES;
}

static struct words *read_prompt(struct words_set *set, const struct words_text *where, const json_t *json)
{
    struct words *w = words_new(set, "ComfyUI", where);
    if (!w)
        return NULL;
    struct graph g = {set, json, 0};
    const json_t *sampler = find_sampler(&g);
    w->edited = !sampler; /* nothing in it draws a picture: it takes one and changes it */
    if (sampler)
        read_sampler(&g, w, sampler);
    const char *id;
    json_t *node;
    if (sampler && !w->model)
        json_object_foreach((json_t *)json, id, node) keep(&w->model, first_value(&g, inputs_of(node), model_files));
    return w;
}

/* ---- What the editor showed ------------------------------------------------------------------------------------ */

/* The node of the workflow that the input `name` of `node` is linked to. */
static const json_t *workflow_linked(const json_t *workflow, const json_t *node, const char *name)
{
    const json_t *inputs = json_object_get(node, "inputs"), *links = json_object_get(workflow, "links");
    const json_t *nodes = json_object_get(workflow, "nodes"), *input, *link, *other;
    json_int_t number = -1, from = -1;
    size_t i;
    json_array_foreach(inputs, i, input)
    {
        const char *text = json_string_value(json_object_get(input, "name"));
        if (text && strcmp(text, name) == 0 && json_is_integer(json_object_get(input, "link")))
            number = json_integer_value(json_object_get(input, "link"));
    }
    json_array_foreach(links, i, link) if (number >= 0 && json_is_integer(json_array_get(link, 0)) &&
                                           json_integer_value(json_array_get(link, 0)) == number &&
                                           json_is_integer(json_array_get(link, 1))) from =
        json_integer_value(json_array_get(link, 1));
    json_array_foreach(nodes, i, other) if (from >= 0 && json_is_integer(json_object_get(other, "id")) &&
                                            json_integer_value(json_object_get(other, "id")) == from) return other;
    return NULL;
}

static const char *widget(struct words_set *set, const json_t *node, size_t index)
{
    return words_json_text(set, json_array_get(json_object_get(node, "widgets_values"), index));
}

static const char *type_of(const json_t *node)
{
    const char *type = json_string_value(json_object_get(node, "type"));
    return type ? type : "";
}

/* Of the built-in KSampler: seed, what becomes of it, steps, cfg, sampler, scheduler, denoise. Others only by name. */
static void read_workflow(struct words_set *set, const struct words_text *where, const json_t *workflow)
{
    const json_t *nodes = json_object_get(workflow, "nodes"), *node;
    struct words *w = words_new(set, "ComfyUI", where);
    if (!w)
        return;
    bool draws = false;
    size_t i;
    json_array_foreach(nodes, i, node)
    {
        const char *type = type_of(node);
        draws = draws || words_contains(type, "sampler");
        if (strcmp(type, "KSampler") == 0 && !w->seed) {
            const json_t *positive = workflow_linked(workflow, node, "positive"),
                         *negative = workflow_linked(workflow, node, "negative");
            w->seed = widget(set, node, 0);
            w->steps = widget(set, node, 2);
            w->guidance = widget(set, node, 3);
            w->sampler = widget(set, node, 4);
            w->scheduler = widget(set, node, 5);
            if (strcmp(type_of(positive), "CLIPTextEncode") == 0)
                w->prompt = widget(set, positive, 0);
            if (strcmp(type_of(negative), "CLIPTextEncode") == 0)
                w->negative_prompt = widget(set, negative, 0);
        }
        if (words_begins(type, "CheckpointLoader") || strcmp(type, "UNETLoader") == 0)
            keep(&w->model, widget(set, node, 0));
    }
    w->edited = !draws;
}

static bool is_workflow(const json_t *json)
{
    return json_is_array(json_object_get(json, "nodes")) &&
           json_is_string(json_object_get(json_array_get(json_object_get(json, "nodes"), 0), "type"));
}

void words_read_comfy(struct words_set *set)
{
    struct words *run = NULL;
    for (size_t i = 0; i < set->count && !run; i++) {
        const struct words_text *text = &set->texts[i];
        if (text->json && is_prompt(text->json))
            run = read_prompt(set, text, text->json);
        if (text->problem && strcmp(text->key, "prompt") == 0 && words_contains(text->text, "class_type")) {
            run = words_new(set, "ComfyUI", text);
            if (run)
                run->problem = text->problem;
        }
    }
    for (size_t i = 0; i < set->count && !run; i++) {
        if (set->texts[i].json && is_workflow(set->texts[i].json)) {
            read_workflow(set, &set->texts[i], set->texts[i].json);
            return;
        }
    }
}
