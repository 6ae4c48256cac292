/* charset.h - texts of files in whatever character set they are, as UTF-8. */
#ifndef ASSAY_PROVENANCE_CHARSET_H
#define ASSAY_PROVENANCE_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

bool charset_is_utf8(const uint8_t *bytes, size_t size);

/* Each gives UTF-8 in the arena with a NUL behind it, or NULL where there is no memory. */

/* UTF-8 where the bytes are valid as such, otherwise Latin-1 (as Windows has it: 0x80 to 0x9F are letters and
 * quotes). */
char *charset_text(struct arena *arena, const uint8_t *bytes, size_t size);

/* UTF-16; a lone surrogate becomes U+FFFD. */
char *charset_utf16(struct arena *arena, const uint8_t *bytes, size_t size, bool big_endian);

/* Which byte order makes sense of UTF-16: by its mark, or by where the zero bytes lie; `otherwise` where that does not
 * tell. */
bool charset_utf16_is_big(const uint8_t *bytes, size_t size, bool otherwise);

/* JIS X 0208 (as EXIF has it, without shifts) or ISO-2022-JP; as charset_text where the system cannot convert it. */
char *charset_jis(struct arena *arena, const uint8_t *bytes, size_t size);

#endif
