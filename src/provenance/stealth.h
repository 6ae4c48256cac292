/* stealth.h - text hidden in the lowest bits of a PNG's pixels ("stealth PNG info": NovelAI's pictures have it, and
 * an extension of Stable Diffusion web UI writes it). The bits run down the columns: of the alpha channel, one a
 * pixel, or of red, green and blue, three a pixel. They are "stealth_png" or "stealth_rgb", "info" or "comp"
 * (compressed by gzip), the number of bits that follow (32 bits, high ones first), and the text: JSON of PNG texts,
 * or settings.
 *
 * Reading stops at the first row that contradicts the signature, which in a picture without such a text is the first
 * or second: the whole picture is inflated only where there is one. */
#ifndef ASSAY_PROVENANCE_STEALTH_H
#define ASSAY_PROVENANCE_STEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "provenance/words.h"

enum { STEALTH_MAX_PIXELS = 64 << 20 };

/* Adds what is hidden in a PNG to the set (origin WORDS_PIXELS), if there is something: the members of a JSON object
 * under their names, other text as "parameters". Any bytes may be given. *problem: NULL, or what is damaged about
 * it. */
void stealth_read(const uint8_t *bytes, size_t size, struct words_set *set, const char **problem);

#endif
