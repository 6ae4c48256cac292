/* pull_fetch.c - one file over HTTPS (libcurl): resumed, verified, and only then under its own name. */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/progress.h"
#include "cli/pull.h"

enum { BLOCK = 1 << 20 };
#define MAX_BYTES (UINT64_C(64) << 30)

/* Makes every folder of a path. */
static assay_status make_folders(const char *path, struct arena *arena, struct assay_error *error)
{
    char *copy = arena_strdup(arena, path);
    if (!copy)
        return error_memory(error, path);
    for (char *at = copy + 1;; at++) {
        char kept = *at;
        if (kept != '/' && kept != '\0')
            continue;
        *at = '\0';
        if (mkdir(copy, 0755) && errno != EEXIST)
            return error_errno(error, copy, "create");
        *at = kept;
        if (!kept)
            return ASSAY_OK;
    }
}

/* The digest of what lies in an open file. */
static assay_status digest(int fd, const char *path, char text[SHA256_TEXT], struct assay_error *error)
{
    struct sha256 hash;
    uint8_t sum[SHA256_BYTES];
    assay_status status = ASSAY_OK;
    uint8_t *block = mem_alloc(BLOCK, 1);
    ssize_t got;
    if (!block)
        return error_memory(error, path);
    sha256_init(&hash);
    if (lseek(fd, 0, SEEK_SET) < 0)
        status = error_errno(error, path, "read");
    while (!status && (got = read(fd, block, BLOCK)) != 0) {
        if (got < 0 && errno != EINTR)
            status = error_errno(error, path, "read");
        else if (got > 0)
            sha256_update(&hash, block, (size_t)got);
    }
    sha256_final(&hash, sum);
    sha256_text(sum, text);
    mem_free(block);
    return status;
}

static assay_status verify(const struct pull_entry *entry, int fd, const char *path, char text[SHA256_TEXT],
                           struct assay_error *error)
{
    assay_status status = digest(fd, path, text, error);
    if (!status && entry->sha256 && strncmp(text, entry->sha256, strlen(entry->sha256)) != 0)
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: not the %s file: its SHA-256 is %s, expected is %s%s", path,
                           entry->reported ? "known" : "published", text, entry->sha256,
                           strlen(entry->sha256) < SHA256_TEXT - 1 ? "..." : "");
    return status;
}

/* ---- The transfer --------------------------------------------------------------------------------------------- */

struct transfer {
    CURL *curl;
    const struct pull_entry *entry;
    int fd;
    uint64_t from, at; /* bytes there before, and now */
    bool begun, too_large;
    int write_error; /* errno */
    struct progress progress;
};

static size_t receive(char *bytes, size_t one, size_t size, void *context)
{
    struct transfer *t = context;
    (void)one;
    if (!t->begun) {
        long code = 0;
        curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &code);
        if (code != 206) { /* the server sends all of it, whatever was asked */
            t->from = t->at = 0;
            if (ftruncate(t->fd, 0))
                t->write_error = errno;
        }
        if (lseek(t->fd, (off_t)t->at, SEEK_SET) < 0)
            t->write_error = errno;
        t->begun = true;
        curl_off_t length = -1;
        curl_easy_getinfo(t->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
        if (length > 0)
            t->progress.total = t->from + (uint64_t)length;
    }
    t->too_large = t->at + size > (t->entry->bytes ? t->entry->bytes : MAX_BYTES);
    for (size_t done = 0; done < size && !t->write_error && !t->too_large;) {
        ssize_t wrote = write(t->fd, bytes + done, size - done);
        if (wrote < 0 && errno != EINTR)
            t->write_error = errno;
        else if (wrote > 0)
            done += (size_t)wrote;
    }
    if (t->write_error || t->too_large)
        return 0; /* which ends the transfer */
    t->at += size;
    progress_update(&t->progress, t->at, NULL);
    return size;
}

/* Whether an address is on this machine: there plain HTTP will do. */
static bool is_local(const char *address)
{
    static const char *const hosts[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        size_t length = strlen(hosts[i]);
        if (strncmp(address, hosts[i], length) == 0 && strchr(":/", address[length]))
            return true;
    }
    return false;
}

static assay_status explain(const struct transfer *t, CURLcode code, long response, const char *address,
                            const char *detail, const char *path, struct assay_error *error)
{
    if (t->write_error) {
        errno = t->write_error;
        return error_errno(error, path, "write");
    }
    if (t->too_large)
        return error_set(error, ASSAY_ERROR_LIMIT, "%s: sends more than the %" PRIu64 " bytes that are expected",
                         address, t->entry->bytes ? t->entry->bytes : MAX_BYTES);
    if (response >= 400)
        return error_set(error, ASSAY_ERROR_IO, "%s: the server answers %ld", address, response);
    return error_set(error, ASSAY_ERROR_IO, "%s: %s%s%s", address, detail[0] ? detail : curl_easy_strerror(code),
                     t->at ? "; what has come is kept: run the same command again to go on" : "", "");
}

/* Fills the open file up from the address. *again: what was there before is of no use, and is gone. */
static assay_status download(struct transfer *t, const char *address, const char *path, bool *again,
                             struct assay_error *error)
{
    char detail[CURL_ERROR_SIZE] = "", range[32];
    const char *protocols = is_local(address) ? "http,https" : "https";
    long response = 0;
    t->curl = curl_easy_init();
    if (!t->curl)
        return error_memory(error, address);
    snprintf(range, sizeof range, "%" PRIu64 "-", t->from);
    int failed =
        curl_easy_setopt(t->curl, CURLOPT_URL, address) ||
        curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, protocols) ||
        curl_easy_setopt(t->curl, CURLOPT_REDIR_PROTOCOLS_STR, protocols) ||
        curl_easy_setopt(t->curl, CURLOPT_FOLLOWLOCATION, 1L) || curl_easy_setopt(t->curl, CURLOPT_MAXREDIRS, 5L) ||
        curl_easy_setopt(t->curl, CURLOPT_FAILONERROR, 1L) || curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L) ||
        curl_easy_setopt(t->curl, CURLOPT_CONNECTTIMEOUT, 30L) ||
        curl_easy_setopt(t->curl, CURLOPT_LOW_SPEED_LIMIT, 1L) ||
        curl_easy_setopt(t->curl, CURLOPT_LOW_SPEED_TIME, 60L) ||
        curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, detail) ||
        curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, receive) || curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t) ||
        (is_local(address) && curl_easy_setopt(t->curl, CURLOPT_PROXY, "")) ||
        (t->from && curl_easy_setopt(t->curl, CURLOPT_RANGE, range));
    CURLcode code = failed ? CURLE_FAILED_INIT : curl_easy_perform(t->curl);
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &response);
    curl_easy_cleanup(t->curl);
    *again = code && response == 416 && t->from; /* it has no bytes from there on: begin anew */
    if (*again)
        return ftruncate(t->fd, 0) ? error_errno(error, path, "write") : ASSAY_OK;
    return code ? explain(t, code, response, address, detail, path, error) : ASSAY_OK;
}

static const char *address_of(const struct pull_entry *entry, const char *base, struct arena *arena)
{
    const char *host = strstr(entry->address, "://"), *path = host ? strchr(host + 3, '/') : NULL;
    return base && path ? arena_printf(arena, "%s%s", base, path) : entry->address;
}

/* Into PATH.part, which becomes PATH once it is whole and right. */
static assay_status fetch(const struct pull_entry *entry, const char *address, const char *path, FILE *progress,
                          struct arena *arena, char sha256[SHA256_TEXT], struct assay_error *error)
{
    const char *part = arena_printf(arena, "%s.part", path);
    if (!part)
        return error_memory(error, path);
    int fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_errno(error, part, "write");
    assay_status status = ASSAY_OK;
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        status = error_set(error, ASSAY_ERROR_IO, "%s: another process is fetching it", part);
        goto done;
    }
    bool again = true;
    for (int attempt = 0; attempt < 2 && again && !status; attempt++) {
        off_t size = lseek(fd, 0, SEEK_END);
        struct transfer t = {.entry = entry, .fd = fd, .from = size > 0 ? (uint64_t)size : 0};
        t.at = t.from;
        again = false;
        if (entry->bytes && t.from == entry->bytes)
            break; /* all is there: only to be verified */
        progress_begin(&t.progress, progress, entry->name, t.from, entry->bytes);
        status = download(&t, address, part, &again, error);
        progress_end(&t.progress, NULL);
    }
    if (!status && (status = verify(entry, fd, part, sha256, error)))
        unlink(part);
    if (!status && (fsync(fd) || rename(part, path)))
        status = error_errno(error, path, "write");
done:
    close(fd);
    return status;
}

assay_status pull_fetch(const struct pull_entry *entry, const char *base, const char *folder, FILE *progress,
                        struct arena *arena, struct pull_result *out, struct assay_error *error)
{
    *out = (struct pull_result){.path = arena_printf(arena, "%s/%s", folder, entry->file)};
    const char *address = address_of(entry, base, arena);
    if (!out->path || !address)
        return error_memory(error, entry->name);
    int fd = open(out->path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        assay_status status = verify(entry, fd, out->path, out->sha256, error);
        close(fd);
        return status;
    }
    if (errno != ENOENT)
        return error_errno(error, out->path, "open");
    assay_status status = make_folders(folder, arena, error);
    out->fetched = true;
    return status ? status : fetch(entry, address, out->path, progress, arena, out->sha256, error);
}
