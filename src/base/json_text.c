/* json_text.c - text with foreign bytes to JSON and back. */
#include "base/json_text.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

enum { KEY_MAX = 64 };

static bool is_utf8(const char *text)
{
    int length = 1;
    for (; *text && length; text += length)
        length = text_utf8_length(text);
    return length != 0;
}

/* Appends the text with U+FFFD in place of foreign bytes. */
static bool append_lossy(struct array *copy, const char *text)
{
    bool fits = array_append(copy, "", 0);
    while (fits && *text) {
        int length = text_utf8_length(text);
        fits = length ? array_append(copy, text, (size_t)length) : array_append(copy, REPLACEMENT, 3);
        text += length ? length : 1;
    }
    return fits;
}

json_t *json_lossy_text(const char *text)
{
    struct array copy = array_of(1, SIZE_MAX / 2);
    json_t *result = append_lossy(&copy, text) ? json_stringn(copy.data ? copy.data : "", copy.count) : NULL;
    array_free(&copy);
    return result;
}

static json_t *hex_text(const char *text)
{
    static const char digits[] = "0123456789abcdef";
    struct array hex = array_of(1, SIZE_MAX / 2);
    bool fits = true;
    for (; fits && *text; text++) {
        unsigned char c = (unsigned char)*text;
        fits = array_append(&hex, (const char[2]){digits[c >> 4], digits[c & 15]}, 2);
    }
    json_t *result = fits && hex.count ? json_stringn(hex.data, hex.count) : NULL;
    array_free(&hex);
    return result;
}

bool json_set_text(json_t *object, const char *key, const char *text)
{
    char hex_key[KEY_MAX];
    snprintf(hex_key, sizeof hex_key, "%s_hex", key);
    if (is_utf8(text))
        return json_object_set_new(object, key, json_string(text)) == 0;
    return json_object_set_new(object, key, json_lossy_text(text)) == 0 &&
           json_object_set_new(object, hex_key, hex_text(text)) == 0;
}

/* The bytes of lower-case hexadecimal digits, in the arena; NULL: no memory, or *valid is false. */
static char *parse_hex(const char *hex, struct arena *arena, bool *valid)
{
    size_t length = strlen(hex);
    *valid = length > 0 && length % 2 == 0 && strspn(hex, "0123456789abcdef") == length;
    char *bytes = *valid ? arena_alloc(arena, length / 2 + 1, 1) : NULL;
    for (size_t i = 0; bytes && i < length; i++) {
        int digit = hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10;
        bytes[i / 2] = (char)(i % 2 ? (unsigned char)bytes[i / 2] | digit : digit << 4);
    }
    return bytes;
}

/* Whether `lossy` is what json_lossy_text makes of the bytes; *matches false or no memory otherwise. */
static assay_status compare_lossy(const char *bytes, const char *lossy, bool *matches, struct assay_error *error)
{
    struct array copy = array_of(1, SIZE_MAX / 2);
    bool fits = append_lossy(&copy, bytes);
    *matches = fits && copy.count == strlen(lossy) && (!copy.count || memcmp(copy.data, lossy, copy.count) == 0);
    array_free(&copy);
    return fits ? ASSAY_OK : error_memory(error, "a name");
}

assay_status json_get_text(const json_t *object, const char *key, const char *where, struct arena *arena,
                           const char **out, struct assay_error *error)
{
    char hex_key[KEY_MAX];
    snprintf(hex_key, sizeof hex_key, "%s_hex", key);
    const json_t *value = json_object_get(object, key), *hex = json_object_get(object, hex_key);
    if (!json_is_string(value))
        return error_set(error, ASSAY_ERROR_FORMAT, "%s: \"%s\" is %s", where, key, value ? "not a text" : "missing");
    const char *text = json_string_value(value);
    if (strlen(text) != json_string_length(value))
        return error_set(error, ASSAY_ERROR_FORMAT, "%s: \"%s\" has a zero byte", where, key);
    if (!hex) {
        *out = arena_strdup(arena, text);
        return *out ? ASSAY_OK : error_memory(error, where);
    }
    bool valid = false, matches = false;
    char *bytes = json_is_string(hex) ? parse_hex(json_string_value(hex), arena, &valid) : NULL;
    if (valid && !bytes)
        return error_memory(error, where);
    if (valid && strlen(bytes) * 2 == json_string_length(hex) && !is_utf8(bytes)) {
        assay_status status = compare_lossy(bytes, text, &matches, error);
        if (status)
            return status;
    }
    if (!matches)
        return error_set(error, ASSAY_ERROR_FORMAT, "%s: \"%s\" is not the bytes of \"%s\" in hexadecimal", where,
                         hex_key, key);
    *out = bytes;
    return ASSAY_OK;
}
