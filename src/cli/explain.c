/* explain.c - drawing, naming and writing activation maps. */
#include "cli/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "image/heatmap.h"

enum {
    NAME_LONGEST = 200, /* bytes of an encoded path; file systems take 255, and a temporary name is longer */
    HASH_DIGITS = 32
};

assay_status explain_png(const struct image *picture, const struct activation *activation, uint8_t **bytes,
                         size_t *size, struct assay_error *error)
{
    struct image drawn = {0};
    *bytes = NULL;
    assay_status status = heatmap_draw(picture, activation->heat, activation->width, activation->height, &drawn, error);
    if (!status)
        status = image_encode_png(&drawn, bytes, size, error);
    image_free(&drawn);
    return status;
}

assay_status explain_write_new(const char *path, const void *bytes, size_t size, struct assay_error *error)
{
    /* the name is taken first, so that nobody else's file can come in between */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: is there already; --force overwrites it", path);
    if (fd < 0)
        return error_errno(error, path, "create");
    close(fd);
    assay_status status = file_write(path, bytes, size, error);
    if (status)
        unlink(path);
    return status;
}

assay_status explain_folder(const char *folder, struct assay_error *error)
{
    struct stat info;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return error_errno(error, folder, "create the folder");
    if (stat(folder, &info) != 0)
        return error_errno(error, folder, "inspect");
    if (!S_ISDIR(info.st_mode))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: is no folder", folder);
    if (access(folder, W_OK | X_OK) != 0)
        return error_errno(error, folder, "write into");
    return ASSAY_OK;
}

/* Encodes into `out`, which takes three bytes for each of the path's. Returns the length. */
static size_t encode(const char *path, char *out)
{
    size_t length = 0;
    for (const char *p = path; *p;) {
        int bytes = text_utf8_length(p);
        unsigned char c = (unsigned char)*p;
        if (bytes > 1) {
            memcpy(out + length, p, (size_t)bytes);
            length += (size_t)bytes;
            p += bytes;
            continue;
        }
        if (bytes < 1 || c < 0x20 || c == 0x7f || c == '/' || c == '%' || c == '~' || (c == '.' && p == path))
            length += (size_t)snprintf(out + length, 4, "%%%02X", c);
        else
            out[length++] = (char)c;
        p++;
    }
    out[length] = '\0';
    return length;
}

/* Whether an encoded path may be cut before this byte: not inside a character or a %XX. */
static bool may_begin(const char *encoded, size_t at)
{
    return ((unsigned char)encoded[at] & 0xc0) != 0x80 && (at < 1 || encoded[at - 1] != '%') &&
           (at < 2 || encoded[at - 2] != '%');
}

const char *explain_path(const char *folder, const char *picture, struct arena *arena)
{
    size_t length = strlen(picture), size = strlen(folder) + 3 * length + HASH_DIGITS + sizeof "/~.png";
    char *encoded = arena_alloc(arena, 3 * length + 1, 1), *path = arena_alloc(arena, size, 1);
    if (!encoded || !path)
        return NULL;
    char mark[1 + HASH_DIGITS + 1] = "";
    const char *tail = encoded;
    length = encode(picture, encoded);
    if (length > NAME_LONGEST) {
        struct sha256 hash;
        uint8_t digest[SHA256_BYTES];
        char digits[SHA256_TEXT];
        sha256_init(&hash);
        sha256_update(&hash, picture, strlen(picture));
        sha256_final(&hash, digest);
        sha256_text(digest, digits);
        snprintf(mark, sizeof mark, "~%.*s", HASH_DIGITS, digits);
        size_t at = length - (NAME_LONGEST - HASH_DIGITS - 1);
        while (at < length && !may_begin(encoded, at))
            at++;
        tail = encoded + at;
    }
    snprintf(path, size, "%s/%s%s.png", folder, mark, tail);
    return path;
}
