/* words_internal.h - what the readers of generators' words share. */
#ifndef ASSAY_PROVENANCE_WORDS_INTERNAL_H
#define ASSAY_PROVENANCE_WORDS_INTERNAL_H

#include <jansson.h>

#include "provenance/words.h"

/* ---- words.c --------------------------------------------------------------------------------------------------- */

/* The first text of that key (case ignored) and origin; WORDS_ANY: of any. */
enum { WORDS_ANY = -1 };
const struct words_text *words_find(const struct words_set *set, int origin, const char *key);

/* New words at the end of the set; NULL: no memory. */
struct words *words_new(struct words_set *set, const char *generator, const struct words_text *where);

/* Keeps one more setting; a NULL or empty value is left out. Both are copied. */
void words_setting(struct words_set *set, struct words *words, const char *name, const char *value);

/* A copy in the set's arena, without spaces and line breaks around it; NULL: no memory, or nothing but spaces. */
const char *words_copy(struct words_set *set, const char *text, size_t size);

/* "WIDTHxHEIGHT" of two texts; NULL where one is NULL. */
const char *words_size(struct words_set *set, const char *width, const char *height);

/* Whether `text` begins with, or contains, `part` (ASCII case ignored). */
bool words_begins(const char *text, const char *part);
const char *words_contains(const char *text, const char *part);

/* ---- words_json.c ---------------------------------------------------------------------------------------------- */

/* Sets json and problem of a text. Behind "prompt:" and "workflow:" too (EXIF). Integers of more than 18 digits become
 * texts, NaN and Infinity (which Python writes) null. */
void words_json_parse(struct words_set *set, struct words_text *text);

/* A text, number or truth value as text; NULL for others, for NULL, and for empty texts. */
const char *words_json_text(struct words_set *set, const json_t *value);
const char *words_json_get(struct words_set *set, const json_t *object, const char *key);

/* The members of an object that are texts, numbers or truth values, but those named in `known` (NULL-terminated). */
void words_json_settings(struct words_set *set, struct words *words, const json_t *object, const char *const *known);

/* ---- The readers: each adds what it understands -------------------------------------------------------------- */

void words_read_infotext(struct words_set *set); /* Stable Diffusion web UI, Forge, Fooocus, Civitai and many others */
void words_read_comfy(struct words_set *set);
void words_read_programs(struct words_set *set); /* InvokeAI, NovelAI, Fooocus, SwarmUI, Easy Diffusion, Draw Things */
void words_read_services(struct words_set *set); /* Midjourney, FLUX, labels of IPTC and TC260 */
void words_read_marks(struct words_set *set);    /* names of programs and services; after the others */

#endif
