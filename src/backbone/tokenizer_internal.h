/* tokenizer_internal.h - how text is cut into words, apart from any vocabulary. */
#ifndef ASSAY_BACKBONE_TOKENIZER_INTERNAL_H
#define ASSAY_BACKBONE_TOKENIZER_INTERNAL_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Lower case, in UTF-8, into `out` of `size` bytes. Refuses what is not UTF-8 or too long. */
assay_status text_lower(const char *text, char *out, size_t size, struct assay_error *error);

/* The next word at *at, which moves behind it; false: none is left. Words are the marks <|startoftext|> and
 * <|endoftext|>, the endings 's 't 're 've 'm 'll 'd, runs of letters, single numbers, and runs of anything else but
 * white space. */
bool text_next_word(const char **at, const char **word, size_t *length);

#endif
