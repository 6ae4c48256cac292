/* provenance.c - every reader on one file, in an order; what they find becomes facts and evidence. */
#include "provenance/provenance.h"

#include <string.h>
#include <time.h>

#include "image/facts.h"
#include "provenance/c2pa.h"
#include "provenance/container.h"
#include "provenance/evidence.h"
#include "provenance/metadata.h"
#include "provenance/stealth.h"
#include "provenance/words.h"

enum { LONGEST_CAMERA_NAME = 64 };

/* What the readers found in one file. */
struct reading {
    struct container container;
    struct c2pa_report c2pa;
    struct metadata metadata;
    struct words_set words;
    const char *stealth_problem;
};

/* ---- Texts for the readers of generators' words ------------------------------------------------------------------ */

static void add_text(struct words_set *set, enum words_origin origin, const char *key, const char *text)
{
    if (text)
        words_add(set, origin, key, text, strlen(text));
}

static void collect_texts(struct reading *r, const uint8_t *bytes, size_t size)
{
    struct words_set *set = &r->words;
    const struct exif *exif = &r->metadata.exif;
    const struct iptc *iptc = &r->metadata.iptc;
    for (const struct container_block *b = NULL; (b = container_next(&r->container, b, BLOCK_TEXT));)
        words_add(set, WORDS_PNG, b->keyword, b->bytes, b->size);
    for (const struct container_block *b = NULL; (b = container_next(&r->container, b, BLOCK_COMMENT));)
        words_add(set, WORDS_COMMENT, "", b->bytes, b->size);
    add_text(set, WORDS_EXIF, "UserComment", exif->user_comment);
    add_text(set, WORDS_EXIF, "ImageDescription", exif->description);
    add_text(set, WORDS_EXIF, "Software", exif->software);
    add_text(set, WORDS_EXIF, "Make", exif->make);
    add_text(set, WORDS_EXIF, "Model", exif->model);
    add_text(set, WORDS_EXIF, "Artist", exif->artist);
    add_text(set, WORDS_EXIF, "HostComputer", exif->host_computer);
    for (const struct xmp_node *node = r->metadata.xmp.root.first; node; node = node->next) {
        const char *colon = strchr(node->name, ':');
        add_text(set, WORDS_XMP, colon ? colon + 1 : node->name, xmp_text(node));
    }
    add_text(set, WORDS_IPTC, "Credit", iptc->credit);
    add_text(set, WORDS_IPTC, "Source", iptc->source);
    add_text(set, WORDS_IPTC, "Software", iptc->program);
    add_text(set, WORDS_IPTC, "Caption", iptc->caption);
    if (r->container.format == PICTURE_PNG)
        stealth_read(bytes, size, set, &r->stealth_problem);
    words_read(set);
}

/* ---- Evidence ---------------------------------------------------------------------------------------------------- */

static void weigh_xmp(const struct xmp *xmp, struct finding_list *list, struct arena *arena)
{
    struct finding_evidence e = {.strength = STRENGTH_UNSIGNED, .place = "XMP DigitalSourceType"};
    bool edits = false;
    if (xmp->digital_source_type) {
        e.kind = finding_of_source_type(xmp->digital_source_type, &e.says);
        e.who = xmp->credit ? words_generator_named(xmp->credit, &edits) : NULL;
        if (!e.who && xmp->creator_tool)
            e.who = words_generator_named(xmp->creator_tool, &edits);
        finding_add(list, &e);
    }
    if (xmp->problem && !list->problem)
        list->problem = arena_printf(arena, "damaged XMP: %s", xmp->problem);
}

static void weigh_words(const struct words_set *set, struct finding_list *list)
{
    for (const struct words *w = set->first; w; w = w->next)
        finding_add(list,
                    &(struct finding_evidence){.kind = w->edited ? FINDING_DECLARED_EDITED : FINDING_DECLARED_GENERATED,
                                               .strength = STRENGTH_UNSIGNED,
                                               .place = w->place,
                                               .says = w->prompt ? "prompt" : w->system,
                                               .who = w->generator});
}

static bool is_camera_name(const char *name)
{
    bool edits;
    return name && strlen(name) <= LONGEST_CAMERA_NAME && !strchr(name, '{') && !words_generator_named(name, &edits);
}

/* EXIF names a camera, and says something that only a camera knows. */
static void weigh_exif(const struct exif *exif, struct finding_list *list, struct arena *arena)
{
    bool taken = exif->exposure_time > 0 || exif->f_number > 0 || exif->focal_length > 0 || exif->iso > 0 ||
                 exif->lens_model || exif->maker_note_bytes > 0 || exif->date_time_original;
    bool edits;
    if (!taken || !is_camera_name(exif->make) || !is_camera_name(exif->model) ||
        (exif->software && words_generator_named(exif->software, &edits)))
        return;
    bool named = strncmp(exif->model, exif->make, strlen(exif->make)) == 0; /* "Canon", "Canon EOS R5" */
    finding_add(list, &(struct finding_evidence){.kind = FINDING_CAMERA_METADATA,
                                                 .strength = STRENGTH_UNSIGNED,
                                                 .place = "EXIF",
                                                 .says = "Make, Model",
                                                 .who = named ? exif->model
                                                              : arena_printf(arena, "%s %s", exif->make, exif->model)});
}

/* ---- Facts ------------------------------------------------------------------------------------------------------- */

static void block_facts(const struct container *container, struct fact_tree *tree)
{
    struct fact *list = container->blocks.count ? fact_list(tree, tree->root, "blocks") : NULL;
    const struct container_block *blocks = container->blocks.data;
    for (size_t i = 0; i < container->blocks.count; i++) {
        struct fact *group = fact_group(tree, list, NULL);
        fact_text(tree, group, "kind", block_kind_text(blocks[i].kind));
        fact_text(tree, group, "name", blocks[i].name);
        if (blocks[i].keyword[0])
            fact_text(tree, group, "keyword", blocks[i].keyword);
        fact_integer(tree, group, "bytes", (int64_t)blocks[i].size);
        if (blocks[i].range_count)
            fact_integer(tree, group, "offset", (int64_t)blocks[i].ranges[0].offset);
        if (!blocks[i].whole)
            fact_bool(tree, group, "whole", false);
    }
    const struct container_note *notes = container->notes.data;
    for (size_t i = 0; i < container->notes.count; i++)
        fact_problem(tree, tree->root, "%s (at byte %llu)", notes[i].text, (unsigned long long)notes[i].offset);
}

static void text_facts(const struct words_set *set, struct fact_tree *tree)
{
    struct fact *group = NULL;
    for (size_t i = 0; i < set->count; i++) {
        const struct words_text *text = &set->texts[i];
        if (text->origin != WORDS_PNG && text->origin != WORDS_COMMENT && text->origin != WORDS_PIXELS)
            continue; /* EXIF, XMP and IPTC have groups of their own */
        if (!group)
            group = fact_group(tree, tree->root, "texts");
        const char *name = text->origin == WORDS_COMMENT ? "comment" : text->key;
        if (text->origin == WORDS_PIXELS)
            fact_text_n(tree, fact_group(tree, group, "in_the_pixels"), name, text->text, text->size);
        else
            fact_text_n(tree, group, name, text->text, text->size);
    }
}

static void all_facts(struct reading *r, size_t size, struct fact_tree *tree)
{
    struct fact *picture = fact_group(tree, tree->root, "picture");
    fact_text(tree, picture, "format", picture_format_text(r->container.format));
    fact_integer(tree, picture, "bytes", (int64_t)size);
    if (r->metadata.width && r->metadata.height)
        fact_printf(tree, picture, "size", "%ux%u", r->metadata.width, r->metadata.height);
    words_facts(&r->words, tree, tree->root);
    if (r->stealth_problem)
        fact_problem(tree, tree->root, "%s", r->stealth_problem);
    c2pa_facts(tree, tree->root, &r->c2pa);
    metadata_facts(&r->metadata, tree, tree->root);
    text_facts(&r->words, tree);
    block_facts(&r->container, tree);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static assay_status read_all(const uint8_t *bytes, size_t size, const struct provenance_options *options,
                             struct arena *arena, struct reading *r, struct assay_error *error)
{
    int64_t now = options && options->now ? options->now : (int64_t)time(NULL);
    assay_status status = container_read(bytes, size, &r->container, error);
    if (!status)
        status = c2pa_read(&r->container, options ? options->trust : NULL, now, &r->c2pa, error);
    if (!status)
        status = metadata_read(&r->container, arena, &r->metadata, error);
    if (!status && !(options && options->finding_alone))
        metadata_peek(&r->container, &r->metadata);
    if (!status) {
        r->words = words_set_of(arena);
        collect_texts(r, bytes, size);
    }
    return status;
}

assay_status provenance_read(const uint8_t *bytes, size_t size, const struct provenance_options *options,
                             struct provenance *out, struct assay_error *error)
{
    struct provenance p = {.arena = {.max_bytes = PROVENANCE_MAX_MEMORY}};
    struct reading r = {0};
    struct arena scratch = {.max_bytes = PROVENANCE_MAX_MEMORY};
    struct finding_list list = {0};
    assay_status status = read_all(bytes, size, options, &scratch, &r, error);
    if (!status) {
        p.format = r.container.format;
        evidence_of_c2pa(&r.c2pa, &list, &scratch);
        weigh_xmp(&r.metadata.xmp, &list, &scratch);
        weigh_words(&r.words, &list);
        weigh_exif(&r.metadata.exif, &list, &scratch);
        if (r.stealth_problem && !list.problem)
            list.problem = r.stealth_problem;
        status = finding_decide(&list, &p.finding, error);
    }
    if (!status) {
        fact_tree_init(&p.facts, &p.arena);
        if (!options || !options->finding_alone)
            all_facts(&r, size, &p.facts);
        if (p.facts.no_memory || r.words.no_memory)
            status = error_memory(error, "what a file says of itself");
    }
    c2pa_free(&r.c2pa);
    container_free(&r.container);
    arena_free(&scratch);
    if (status)
        provenance_free(&p);
    else
        *out = p;
    return status;
}

json_t *provenance_json(const struct provenance *p)
{
    json_t *object = json_object(), *facts = fact_json(p->facts.root);
    bool fits = object && facts && json_object_set_new(object, "finding", finding_json(&p->finding)) == 0 &&
                json_object_update_missing(object, facts) == 0;
    json_decref(facts);
    if (fits)
        return object;
    json_decref(object);
    return NULL;
}

void provenance_free(struct provenance *provenance)
{
    finding_free(&provenance->finding);
    arena_free(&provenance->arena);
    *provenance = (struct provenance){0};
}
