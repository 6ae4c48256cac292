/* charset.c - character sets of metadata. */
#include "provenance/charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* What Windows' code page 1252 has in the place of Latin-1's control characters; 0: nothing. */
static const uint16_t windows[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178,
};

bool charset_is_utf8(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size;) {
        uint64_t eight; /* most texts are ASCII: eight bytes at a time */
        while (size - i >= sizeof eight &&
               (memcpy(&eight, bytes + i, sizeof eight), eight & UINT64_C(0x8080808080808080)) == 0)
            i += sizeof eight;
        if (i == size)
            break;
        if (bytes[i] < 0x80) {
            i++;
            continue;
        }
        char sequence[5] = {0};
        memcpy(sequence, bytes + i, size - i < 4 ? size - i : 4);
        int length = text_utf8_length(sequence);
        if (length == 0)
            return false;
        i += (size_t)length;
    }
    return true;
}

static size_t put(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

char *charset_text(struct arena *arena, const uint8_t *bytes, size_t size)
{
    if (charset_is_utf8(bytes, size))
        return arena_strndup(arena, size ? (const char *)bytes : "", size);
    char *out = arena_alloc(arena, size + 1, 3);
    size_t used = 0;
    for (size_t i = 0; out && i < size; i++) {
        uint32_t c = bytes[i];
        if (c >= 0x80 && c < 0xA0 && windows[c - 0x80])
            c = windows[c - 0x80];
        used += put(out + used, c);
    }
    return out;
}

bool charset_utf16_is_big(const uint8_t *bytes, size_t size, bool otherwise)
{
    if (size >= 2 && bytes[0] == 0xFE && bytes[1] == 0xFF)
        return true;
    if (size >= 2 && bytes[0] == 0xFF && bytes[1] == 0xFE)
        return false;
    size_t first = 0, second = 0;
    for (size_t i = 0; i + 1 < size && i < 8192; i += 2) {
        first += bytes[i] == 0;
        second += bytes[i + 1] == 0;
    }
    return first == second ? otherwise : first > second;
}

char *charset_utf16(struct arena *arena, const uint8_t *bytes, size_t size, bool big_endian)
{
    char *out = arena_alloc(arena, size / 2 + 1, 4);
    size_t used = 0;
    for (size_t i = 0; out && i + 1 < size; i += 2) {
        uint32_t c = (uint32_t)bytes[i + !big_endian] << 8 | bytes[i + big_endian];
        if (i == 0 && c == 0xFEFF)
            continue;
        if (c >= 0xD800 && c < 0xDC00 && i + 3 < size) {
            uint32_t low = (uint32_t)bytes[i + 2 + !big_endian] << 8 | bytes[i + 2 + big_endian];
            if (low >= 0xDC00 && low < 0xE000) {
                c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
                i += 2;
            }
        }
        used += put(out + used, c >= 0xD800 && c < 0xE000 ? 0xFFFD : c);
    }
    return out;
}

char *charset_jis(struct arena *arena, const uint8_t *bytes, size_t size)
{
    static const char shift[] = "\x1B$B";
    size_t head = size && memchr(bytes, 0x1B, size) ? 0 : sizeof shift - 1, length = head + size;
    iconv_t converter = iconv_open("UTF-8", "ISO-2022-JP");
    if (converter == (iconv_t)-1)
        return charset_text(arena, bytes, size);
    char *in = mem_alloc(length + 1, 1), *out = arena_alloc(arena, length + 1, 4);
    size_t failed = (size_t)-1;
    if (in && out) {
        char *from = in, *to = out;
        size_t left = length, room = 4 * length;
        memcpy(in, shift, head);
        if (size)
            memcpy(in + head, bytes, size);
        failed = iconv(converter, &from, &left, &to, &room);
        *to = '\0';
    }
    bool memory = in && out;
    mem_free(in);
    iconv_close(converter);
    return memory && failed == (size_t)-1 ? charset_text(arena, bytes, size) : memory ? out : NULL;
}
