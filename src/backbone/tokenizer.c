/* tokenizer.c - the vocabulary and the merging of pairs.
 *
 * A symbol is a sequence of bytes, perhaps with the end of a word; the file writes each byte as one printable
 * character. Ids: the 256 bytes in the order of those characters, the same at the end of a word, one a merge, and the
 * two marks. */
#include "backbone/tokenizer.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "backbone/tokenizer_internal.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/string_map.h"

enum {
    MAX_FILE = 16 << 20,
    MAX_MERGES = 49152 - 256 - 2,
    BYTES = 256,
    CLIP_START = 49406,
    PAIR_SLOTS = 1 << 17, /* more than twice the merges */
    SYMBOL = 1024         /* bytes of one symbol in the file */
};

/* A pair of symbols and what it becomes; `rank` orders the merges. Symbols are counted as they appear in the file. */
struct pair {
    int32_t left, right, merged; /* left < 0: a free slot */
    int32_t rank;
};

struct tokenizer {
    struct arena arena;
    struct string_map symbols; /* as in the file -> int32_t: its id */
    struct pair *pairs;
    int32_t merges;
};

static size_t pair_slot(const struct pair *pairs, int32_t left, int32_t right)
{
    uint64_t key = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * UINT64_C(0x9e3779b97f4a7c15);
    size_t slot = (size_t)(key >> 47) & (PAIR_SLOTS - 1);
    while (pairs[slot].left >= 0 && (pairs[slot].left != left || pairs[slot].right != right))
        slot = (slot + 1) & (PAIR_SLOTS - 1);
    return slot;
}

/* ---- The vocabulary ------------------------------------------------------------------------------------------- */

/* Whether a byte stands for itself in the file: printable Latin-1 without spaces and the soft hyphen. */
static bool plain_byte(int b)
{
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
}

/* The place of a byte among the characters; the plain ones come first. */
static int32_t byte_id(int byte)
{
    int32_t id = plain_byte(byte) ? 0 : 188;
    for (int b = 0; b < byte; b++)
        id += plain_byte(b) == plain_byte(byte);
    return id;
}

static bool add_symbol(struct tokenizer *t, const char *text, int32_t id)
{
    int32_t *known = string_map_get(&t->symbols, text);
    if (known) { /* the later one counts, as in the reference */
        *known = id;
        return true;
    }
    char *key = arena_strdup(&t->arena, text);
    int32_t *value = arena_memdup(&t->arena, &id, sizeof id);
    return key && value && string_map_add(&t->symbols, key, value);
}

static bool add_bytes(struct tokenizer *t)
{
    int other = 0;
    for (int b = 0; b < BYTES; b++) {
        char text[8];
        int c = plain_byte(b) ? b : 256 + other++;
        if (c < 0x80)
            snprintf(text, sizeof text, "%c", c);
        else
            snprintf(text, sizeof text, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
        char last[12];
        snprintf(last, sizeof last, "%s</w>", text);
        if (!add_symbol(t, text, byte_id(b)) || !add_symbol(t, last, BYTES + byte_id(b)))
            return false;
    }
    return true;
}

/* The next line's two symbols, copied; false: it is not two. *end: behind the line. */
static bool split_line(const char *at, const char *end, char left[SYMBOL], char right[SYMBOL])
{
    char *const to[2] = {left, right};
    for (int i = 0; i < 2; i++) {
        while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
            at++;
        size_t length = 0;
        while (at < end && *at != ' ' && *at != '\t' && *at != '\r' && *at) {
            if (length + 1 >= SYMBOL)
                return false;
            to[i][length++] = *at++;
        }
        to[i][length] = '\0';
        if (!length)
            return false;
    }
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
        at++;
    return at == end;
}

static assay_status add_merges(struct tokenizer *t, const char *text, size_t size, const char *name,
                               struct assay_error *error)
{
    const char *at = text, *const stop = text + size;
    char left[SYMBOL], right[SYMBOL], both[2 * SYMBOL];
    for (int line = 1; at < stop && t->merges < MAX_MERGES; line++) {
        const char *end = memchr(at, '\n', (size_t)(stop - at));
        const char *from = at;
        if (!end)
            end = stop;
        at = end < stop ? end + 1 : stop;
        if (line == 1)
            continue;
        if (!split_line(from, end, left, right))
            return error_set(error, ASSAY_ERROR_FORMAT, "%s: line %d is not a merge: two symbols are expected", name,
                             line);
        const int32_t *a = string_map_get(&t->symbols, left), *b = string_map_get(&t->symbols, right);
        if (!a || !b)
            return error_set(error, ASSAY_ERROR_FORMAT, "%s: line %d merges a symbol that no line before it made", name,
                             line);
        struct pair pair = {*a, *b, 2 * BYTES + t->merges, t->merges};
        size_t slot = pair_slot(t->pairs, pair.left, pair.right);
        if (t->pairs[slot].left >= 0)
            return error_set(error, ASSAY_ERROR_FORMAT, "%s: line %d repeats a merge", name, line);
        t->pairs[slot] = pair;
        t->merges++;
        snprintf(both, sizeof both, "%s%s", left, right);
        if (!add_symbol(t, both, pair.merged))
            return error_memory(error, name);
    }
    if (!t->merges)
        return error_set(
            error, ASSAY_ERROR_FORMAT,
            "%s: not a vocabulary of CLIP: it has no merges (expected is bpe_simple_vocab_16e6.txt or .gz)", name);
    return ASSAY_OK;
}

/* Unpacks what gzip made. *out is freed with mem_free. */
static assay_status unpack(const void *bytes, size_t size, const char *name, char **out, size_t *out_size,
                           struct assay_error *error)
{
    z_stream z = {.next_in = (Bytef *)bytes, .avail_in = (uInt)size};
    *out = NULL;
    if (size > MAX_FILE)
        return error_set(error, ASSAY_ERROR_LIMIT, "%s: %zu bytes, the limit is %d", name, size, MAX_FILE);
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        return error_memory(error, name);
    assay_status status = ASSAY_OK;
    size_t capacity = 0;
    int result = Z_OK;
    while (result == Z_OK && !status) {
        if (z.total_out == capacity) {
            size_t grown = capacity ? capacity * 2 : 1 << 16;
            char *block = grown <= MAX_FILE ? mem_resize(*out, grown, 1) : NULL;
            if (grown > MAX_FILE)
                status = error_set(error, ASSAY_ERROR_LIMIT, "%s: more than %d bytes unpacked", name, MAX_FILE);
            else if (!block)
                status = error_memory(error, name);
            if (status)
                break;
            *out = block;
            capacity = grown;
        }
        z.next_out = (Bytef *)*out + z.total_out;
        z.avail_out = (uInt)(capacity - z.total_out);
        result = inflate(&z, Z_NO_FLUSH);
    }
    if (!status && result != Z_STREAM_END)
        status = result == Z_MEM_ERROR ? error_memory(error, name)
                                       : error_set(error, ASSAY_ERROR_FORMAT, "%s: damaged gzip file", name);
    *out_size = z.total_out;
    inflateEnd(&z);
    if (status) {
        mem_free(*out);
        *out = NULL;
    }
    return status;
}

assay_status tokenizer_open_memory(const void *bytes, size_t size, const char *name, struct tokenizer **out,
                                   struct assay_error *error)
{
    static const uint8_t gzip[] = {0x1f, 0x8b};
    char *unpacked = NULL;
    const char *text = bytes;
    assay_status status = ASSAY_OK;
    struct tokenizer *t = *out = NULL;
    if (size >= sizeof gzip && memcmp(bytes, gzip, sizeof gzip) == 0) {
        status = unpack(bytes, size, name, &unpacked, &size, error);
        text = unpacked;
    } else if (size > MAX_FILE) {
        status = error_set(error, ASSAY_ERROR_LIMIT, "%s: %zu bytes, the limit is %d", name, size, MAX_FILE);
    }
    if (status)
        goto done;
    t = mem_alloc(1, sizeof *t);
    if (!t || !(t->pairs = mem_alloc(PAIR_SLOTS, sizeof *t->pairs))) {
        status = error_memory(error, name);
        goto done;
    }
    for (size_t i = 0; i < PAIR_SLOTS; i++)
        t->pairs[i].left = -1;
    status = add_bytes(t) ? add_merges(t, text, size, name, error) : error_memory(error, name);
done:
    mem_free(unpacked);
    if (status)
        tokenizer_free(t);
    else
        *out = t;
    return status;
}

assay_status tokenizer_open(const char *path, struct tokenizer **out, struct assay_error *error)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    *out = NULL;
    assay_status status = file_read(path, MAX_FILE, &bytes, &size, error);
    if (!status)
        status = tokenizer_open_memory(bytes, size, path, out, error);
    mem_free(bytes);
    return status;
}

void tokenizer_free(struct tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    string_map_free(&tokenizer->symbols);
    arena_free(&tokenizer->arena);
    mem_free(tokenizer->pairs);
    mem_free(tokenizer);
}

int32_t tokenizer_size(const struct tokenizer *tokenizer)
{
    return tokenizer ? 2 * BYTES + tokenizer->merges + 2 : CLIP_START + 2;
}

/* ---- Text ----------------------------------------------------------------------------------------------------- */

/* Merges the pairs of one word in the order of their ranks, each wherever it is, in place; returns how many are
 * left. */
static int merge_word(const struct tokenizer *t, int32_t *ids, int count)
{
    while (count > 1) {
        const struct pair *best = NULL;
        for (int i = 0; i + 1 < count; i++) {
            const struct pair *pair = &t->pairs[pair_slot(t->pairs, ids[i], ids[i + 1])];
            if (pair->left >= 0 && (!best || pair->rank < best->rank))
                best = pair;
        }
        if (!best)
            break;
        int to = 0;
        for (int i = 0; i < count; to++) {
            bool here = i + 1 < count && ids[i] == best->left && ids[i + 1] == best->right;
            ids[to] = here ? best->merged : ids[i];
            i += here ? 2 : 1;
        }
        count = to;
    }
    return count;
}

/* The id of a whole word in CLIP's vocabulary, or -1. */
static int32_t known_word(const char *word, size_t length)
{
    static const struct {
        const char *word;
        int32_t id;
    } known[] = {{"x", 343},     {"an", 550}, {"image", 2867}, {".", 269}, {"real", 1532},
                 {"fake", 5777}, {"a", 320},  {"photo", 1125}, {"of", 539}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i].word) == length && memcmp(known[i].word, word, length) == 0)
            return known[i].id;
    return -1;
}

/* The ids of one word into `ids`, which has room for one a byte; 0: not known (only without a vocabulary). */
static int word_ids(const struct tokenizer *t, const char *word, size_t length, int32_t *ids)
{
    static const char *const marks[] = {"<|startoftext|>", "<|endoftext|>"};
    for (int i = 0; i < 2; i++)
        if (strlen(marks[i]) == length && memcmp(marks[i], word, length) == 0) {
            ids[0] = tokenizer_size(t) - 2 + i;
            return 1;
        }
    if (!t) {
        ids[0] = known_word(word, length);
        return ids[0] >= 0;
    }
    for (size_t i = 0; i < length; i++)
        ids[i] = byte_id((unsigned char)word[i]);
    ids[length - 1] += BYTES;
    return merge_word(t, ids, (int)length);
}

assay_status tokenizer_encode(const struct tokenizer *tokenizer, const char *text, bool truncate, int32_t *ids,
                              int context, int *end, struct assay_error *error)
{
    char *lowered = mem_alloc(TOKENIZER_TEXT + 1, 1);
    int32_t *word_buffer = mem_alloc(TOKENIZER_TEXT + 1, sizeof *word_buffer);
    const char *at = lowered, *word;
    size_t length, total = 1;
    assay_status status = ASSAY_OK;
    if (!lowered || !word_buffer || context < 2) {
        status = context < 2 ? error_set(error, ASSAY_ERROR_ARGUMENT, "a context of %d ids: at least 2", context)
                             : error_memory(error, "a text");
        goto done;
    }
    status = text_lower(text, lowered, TOKENIZER_TEXT + 1, error);
    if (status)
        goto done;
    memset(ids, 0, (size_t)context * sizeof *ids);
    ids[0] = tokenizer_size(tokenizer) - 2;
    while (text_next_word(&at, &word, &length)) {
        int count = word_ids(tokenizer, word, length, word_buffer);
        if (!count) {
            status = error_set(error, ASSAY_ERROR_ARGUMENT,
                               "\"%.*s\": not one of the words that are built in: name the vocabulary file "
                               "bpe_simple_vocab_16e6.txt",
                               length > 64 ? 64 : (int)length, word);
            goto done;
        }
        for (int i = 0; i < count; i++, total++)
            if (total + 1 < (size_t)context)
                ids[total] = word_buffer[i];
    }
    if (total + 1 > (size_t)context && !truncate) {
        status = error_set(error, ASSAY_ERROR_LIMIT, "a text of %zu ids with its marks, the limit is %d", total + 1,
                           context);
        goto done;
    }
    int last = total + 1 > (size_t)context ? context - 1 : (int)total;
    ids[last] = tokenizer_size(tokenizer) - 1;
    if (end)
        *end = last;
done:
    mem_free(lowered);
    mem_free(word_buffer);
    return status;
}
