/* words.h - generators' own words: the settings and names that image generators leave in a picture's texts (PNG text,
 * comments, EXIF, XMP, IPTC, the lowest bits of the alpha channel), read into generator, model, seed, prompt and so on.
 *
 *     struct words_set set = words_set_of(&arena);
 *     words_add(&set, WORDS_PNG, "parameters", bytes, size);      (each text that the file holds)
 *     words_read(&set);
 *     for (const struct words *w = set.first; w; w = w->next)
 *         printf("%s, in the %s\n", w->generator, w->place);
 *
 * Everything here was written by strangers. What is not understood is left out; what is understood in part says so. */
#ifndef ASSAY_PROVENANCE_WORDS_H
#define ASSAY_PROVENANCE_WORDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "provenance/fact.h"

enum {
    WORDS_MAX_TEXTS = 512,          /* texts of one file; further ones are left out */
    WORDS_MAX_TEXT = 2 << 20,       /* bytes of a text; longer ones are left out */
    WORDS_MAX_TOTAL = 4 << 20,      /* of all of them */
    WORDS_MAX_JSON_DEPTH = 64,      /* objects and arrays within each other */
    WORDS_MAX_JSON_VALUES = 200000, /* values of all texts of one file */
    WORDS_MAX_SETTINGS = 256        /* further settings of one generator's words */
};

/* Where a text lies in the file. */
enum words_origin {
    WORDS_PNG,     /* a PNG's text; the key is its keyword */
    WORDS_COMMENT, /* a comment of a JPEG or GIF; the key is "" */
    WORDS_EXIF,    /* the key is the tag's name, as in the EXIF standard: "UserComment" */
    WORDS_XMP,     /* the key is the property's name without its namespace: "CreatorTool" */
    WORDS_IPTC,    /* the key is the data set's name: "Credit" */
    WORDS_PIXELS   /* hidden in the pixels (stealth.h); the key is "parameters", or a keyword of the JSON found there */
};

struct words_text {
    enum words_origin origin;
    const char *key;
    const char *text; /* UTF-8, NUL-terminated */
    size_t size;
    json_t *json;        /* while words_read runs: the object that the text is, or NULL */
    const char *problem; /* why it is none, though it looks like one */
};

/* A setting that has no field of its own in struct words. */
struct words_setting {
    const char *name, *value;
    struct words_setting *next;
};

/* What one generator says. All texts are UTF-8; NULL: it does not say. */
struct words {
    const char *generator; /* "ComfyUI"; never NULL */
    const char *place;     /* "PNG text \"prompt\""; never NULL */
    bool edited;           /* it says that a picture was altered, not that all of it was made */
    const char *version;   /* of the generator */
    const char *model, *model_hash;
    const char *prompt, *negative_prompt;
    const char *seed, *steps, *sampler, *scheduler, *guidance, *size;
    const char *job;     /* the service's number of the request */
    const char *author;  /* the account that asked */
    const char *system;  /* what an IPTC or Chinese label calls the system or company */
    const char *problem; /* what could not be read, as a phrase */
    struct words_setting *settings, *last_setting;
    size_t setting_count;
    struct words *next;
};

/* The texts of one file, and what is understood of them. */
struct words_set {
    struct arena *arena;
    struct words_text *texts; /* [WORDS_MAX_TEXTS] */
    size_t count, total, json_values;
    bool left_out;              /* a text was too long, or there were too many */
    bool no_memory;             /* something is missing */
    struct words *first, *last; /* in the order in which the readers look, not more than one for each text */
};

struct words_set words_set_of(struct arena *arena);

/* Adds a text. Bytes that are not UTF-8 are taken for Latin-1; zero bytes at the end are dropped, others become
 * spaces. */
void words_add(struct words_set *set, enum words_origin origin, const char *key, const void *text, size_t size);

/* Reads the texts that were added. */
void words_read(struct words_set *set);

/* Appends each as a group of "generators" below `parent`, if there are any. */
void words_facts(const struct words_set *set, struct fact_tree *tree, struct fact *parent);

/* The generator that a name of a program or company stands for ("Adobe Firefly 1.0" : "Adobe Firefly"), or NULL.
 * *edited: that it alters pictures. */
const char *words_generator_named(const char *name, bool *edited);

#endif
