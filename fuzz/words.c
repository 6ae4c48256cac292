/* words.c - fuzz target: texts of a file for the readers of generators' words. Bytes that begin as a PNG does go to the
 * reader of the pixels' lowest bits; others are texts, separated by the byte 0x1E, each "PKEY\nTEXT" with a letter for
 * the place: P (PNG), C (comment), E (EXIF), X (XMP), I (IPTC), B (the pixels). What is found is printed both ways. */
#include <stdlib.h>
#include <string.h>

#include "provenance/finding.h"
#include "provenance/stealth.h"
#include "provenance/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_texts(struct words_set *set, const uint8_t *data, size_t size)
{
    static const char places[] = "PCEXIB";
    while (size) {
        const uint8_t *end = memchr(data, 0x1E, size);
        size_t length = end ? (size_t)(end - data) : size;
        const char *place = length ? memchr(places, data[0], sizeof places - 1) : NULL;
        const uint8_t *line = length ? memchr(data, '\n', length) : NULL;
        if (place && line) {
            char key[64] = {0};
            size_t key_size = (size_t)(line - data) - 1;
            memcpy(key, data + 1, key_size < sizeof key ? key_size : sizeof key - 1);
            words_add(set, (enum words_origin)(place - places), key, line + 1, length - key_size - 2);
        }
        data += length + (end ? 1 : 0);
        size -= length + (end ? 1 : 0);
    }
}

static void show(const struct words_set *set, struct arena *arena)
{
    struct fact_tree tree;
    struct array text = array_of(1, 64 << 20);
    fact_tree_init(&tree, arena);
    words_facts(set, &tree, tree.root);
    json_t *json = fact_json(tree.root);
    if (!fact_print(tree.root, 2, &text) || (tree.root && !json))
        abort();
    for (size_t i = 0; i < text.count; i++) {
        unsigned char c = ((const unsigned char *)text.data)[i];
        if ((c < 0x20 && c != '\n') || c == 0x7f)
            abort(); /* nothing that a terminal obeys */
    }
    json_decref(json);
    array_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {.max_bytes = 512 << 20};
    struct words_set set = words_set_of(&arena);
    struct finding_list list = {0};
    struct finding finding;
    const char *problem;
    if (size && data[0] == 0x89)
        stealth_read(data, size, &set, &problem);
    else
        add_texts(&set, data, size);
    words_read(&set);
    for (const struct words *w = set.first; w; w = w->next) {
        if (!w->generator[0] || !w->place[0] || w->setting_count > WORDS_MAX_SETTINGS)
            abort();
        finding_add(&list, &(struct finding_evidence){.kind = FINDING_DECLARED_GENERATED,
                                                      .strength = STRENGTH_UNSIGNED,
                                                      .place = w->place,
                                                      .says = w->prompt,
                                                      .who = w->system ? w->system : w->generator});
    }
    show(&set, &arena);
    if (finding_decide(&list, &finding, NULL) == ASSAY_OK) {
        if (strpbrk(finding.sentence, "\n\r\x1b"))
            abort();
        json_decref(finding_json(&finding));
        finding_free(&finding);
    }
    arena_free(&arena);
    return 0;
}
