/* tokenizer.h - CLIP's byte-pair tokenizer (openai/CLIP simple_tokenizer.py): text to the ids that its text tower
 * takes. The vocabulary is the user's file bpe_simple_vocab_16e6.txt, plain or .gz; the words of the prompts that
 * detectors use are built in.
 *
 * Text is lower-cased and its white space collapsed as there; what that code leaves to other packages is not done here:
 * mending of wrongly decoded text (ftfy) and HTML entities. Characters whose lower case is several, and the final
 * sigma, are the only others that differ. */
#ifndef ASSAY_BACKBONE_TOKENIZER_H
#define ASSAY_BACKBONE_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { TOKENIZER_CONTEXT = 77, TOKENIZER_TEXT = 8192 }; /* ids of CLIP's towers; bytes of a text at most */

struct tokenizer;

/* Reads a vocabulary: a line that is passed over, then one merge a line, of which the first 48894 count. Refused by
 * line: what is not two known symbols; files of more than 16 MB unpacked, damaged ones, ones without merges. */
assay_status tokenizer_open(const char *path, struct tokenizer **out, struct assay_error *error);
assay_status tokenizer_open_memory(const void *bytes, size_t size, const char *name, struct tokenizer **out,
                                   struct assay_error *error);
void tokenizer_free(struct tokenizer *tokenizer); /* NULL is fine */

/* How many ids there are; the last two are the marks of start and end. 49408 where `tokenizer` is NULL. */
int32_t tokenizer_size(const struct tokenizer *tokenizer);

/* The text's ids between the marks of start and end, then zeros, `context` in all (at least 2); *end (may be NULL):
 * where the mark of the end is. Text that does not fit is an error, or is cut where `truncate`. Without a tokenizer
 * (NULL) only the words "X", "an", "image", ".", "real", "fake", "a", "photo" and "of" are known, with the ids of
 * CLIP's vocabulary. The text is UTF-8. */
assay_status tokenizer_encode(const struct tokenizer *tokenizer, const char *text, bool truncate, int32_t *ids,
                              int context, int *end, struct assay_error *error);

#endif
