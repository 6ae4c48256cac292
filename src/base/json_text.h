/* json_text.h - names of any bytes in JSON, which holds UTF-8 alone: nothing is lost on the way there and back. */
#ifndef ASSAY_BASE_JSON_TEXT_H
#define ASSAY_BASE_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

/* Text as JSON can hold it: each byte that is not part of valid UTF-8 becomes U+FFFD. The caller's reference; NULL: no
 * memory. */
json_t *json_lossy_text(const char *text);

/* Sets `key` to the text; where it is not valid UTF-8, also "KEY_hex" to its bytes in hexadecimal. False: no memory. */
bool json_set_text(json_t *object, const char *key, const char *text);

/* The text that json_set_text wrote, copied into the arena. Errors name `where` and the key: missing, not a string, a
 * zero byte in it, or a "KEY_hex" that is not what json_set_text would write. */
assay_status json_get_text(const json_t *object, const char *key, const char *where, struct arena *arena,
                           const char **out, struct assay_error *error);

#endif
