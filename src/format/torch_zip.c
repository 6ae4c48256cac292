/* torch_zip.c - the zip format: NAME/data.pkl, NAME/data/KEY for each storage, NAME/byteorder. PyTorch stores entries
 * plain, so compressed ones are refused, and with them every zip bomb. */
#include <inttypes.h>
#include <string.h>
#include <zip.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/text.h"
#include "format/torch_storages.h"

enum { MAX_PICKLE = 256 << 20 }; /* bytes of data.pkl */

bool torch_zip_recognised(const uint8_t *bytes, size_t size)
{
    return size >= 4 && memcmp(bytes, "PK\3\4", 4) == 0;
}

/* The folder in which data.pkl lies, with its slash. */
static assay_status find_folder(struct torch_storages *s, struct assay_error *error)
{
    static const char pickle[] = "data.pkl";
    zip_int64_t count = zip_get_num_entries(s->archive, 0);
    for (zip_int64_t i = 0; i < count; i++) {
        const char *name = zip_get_name(s->archive, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        const char *slash = name ? strchr(name, '/') : NULL;
        if (!slash || strcmp(slash + 1, pickle) != 0)
            continue;
        s->folder = arena_strndup(&s->arena, name, (size_t)(slash - name) + 1);
        return s->folder ? ASSAY_OK : error_memory(error, s->name);
    }
    return error_set(error, ASSAY_ERROR_FORMAT, "%s: a zip archive, but without the data.pkl of a PyTorch file",
                     s->name);
}

/* Reads one entry whole. An entry that is not there: *bytes NULL. */
static assay_status read_entry(struct torch_storages *s, const char *path, uint64_t limit, struct arena *arena,
                               uint8_t **bytes, uint64_t *size, struct assay_error *error)
{
    char shown[TEXT_NAME];
    zip_stat_t info;
    *bytes = NULL;
    text_printable(path, shown, sizeof shown);
    zip_int64_t index = zip_name_locate(s->archive, path, ZIP_FL_ENC_RAW);
    if (index < 0)
        return ASSAY_OK;
    const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if (zip_stat_index(s->archive, (zip_uint64_t)index, 0, &info) != 0 || (info.valid & needed) != needed)
        return error_set(error, ASSAY_ERROR_FORMAT, "%s: damaged archive: entry \"%s\" cannot be read", s->name, shown);
    if (info.comp_method != ZIP_CM_STORE || info.encryption_method != ZIP_EM_NONE)
        return error_set(
            error, ASSAY_ERROR_FORMAT,
            "%s: entry \"%s\" is compressed or encrypted; PyTorch stores entries plain, so this is refused", s->name,
            shown);
    if (info.size != info.comp_size || info.size > s->size)
        return error_set(error, ASSAY_ERROR_FORMAT, "%s: damaged archive: entry \"%s\" lies about its size", s->name,
                         shown);
    if (info.size > limit)
        return error_set(error, ASSAY_ERROR_LIMIT, "%s: entry \"%s\" has %" PRIu64 " bytes, more than %" PRIu64,
                         s->name, shown, (uint64_t)info.size, limit);
    uint8_t *data = arena_alloc(arena, (size_t)info.size, 1);
    if (!data)
        return error_memory(error, s->name);
    zip_file_t *file = zip_fopen_index(s->archive, (zip_uint64_t)index, 0);
    zip_int64_t got = file ? zip_fread(file, data, info.size) : -1;
    uint8_t beyond; /* reading to the end lets libzip check the CRC */
    bool whole = got == (zip_int64_t)info.size && zip_fread(file, &beyond, 1) == 0;
    if (file)
        zip_fclose(file);
    if (!whole)
        return error_set(error, ASSAY_ERROR_FORMAT,
                         "%s: damaged archive: entry \"%s\" is cut short or fails its checksum", s->name, shown);
    *bytes = data;
    *size = info.size;
    return ASSAY_OK;
}

static assay_status check_byte_order(struct torch_storages *s, struct assay_error *error)
{
    uint8_t *text;
    uint64_t size = 0;
    const char *path = arena_printf(&s->arena, "%sbyteorder", s->folder);
    if (!path)
        return error_memory(error, s->name);
    assay_status status = read_entry(s, path, 64, &s->arena, &text, &size, error);
    if (!status && text && (size != 6 || memcmp(text, "little", 6) != 0))
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: its numbers are not little-endian", s->name);
    return status;
}

assay_status torch_zip_open(struct torch_storages *s, struct assay_error *error)
{
    zip_error_t reason;
    zip_error_init(&reason);
    zip_source_t *source = zip_source_buffer_create(s->bytes, s->size, 0, &reason);
    s->archive = source ? zip_open_from_source(source, ZIP_RDONLY, &reason) : NULL;
    if (!s->archive) {
        assay_status status =
            error_set(error, ASSAY_ERROR_FORMAT, "%s: damaged zip archive: %s", s->name, zip_error_strerror(&reason));
        zip_source_free(source);
        zip_error_fini(&reason);
        return status;
    }
    zip_error_fini(&reason);
    assay_status status = find_folder(s, error);
    return status ? status : check_byte_order(s, error);
}

void torch_zip_close(struct torch_storages *s)
{
    if (s->archive)
        zip_discard(s->archive);
    s->archive = NULL;
}

assay_status torch_zip_pickle(struct torch_storages *s, const uint8_t **pickle, size_t *size, struct assay_error *error)
{
    uint8_t *bytes;
    uint64_t length = 0;
    const char *path = arena_printf(&s->arena, "%sdata.pkl", s->folder);
    if (!path)
        return error_memory(error, s->name);
    assay_status status = read_entry(s, path, MAX_PICKLE, &s->arena, &bytes, &length, error);
    if (!status && !bytes)
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: data.pkl is missing", s->name);
    *pickle = bytes;
    *size = (size_t)length;
    return status;
}

assay_status torch_zip_storage(struct torch_storages *s, const char *key, struct torch_storage *out,
                               struct assay_error *error)
{
    uint8_t *bytes;
    char shown[TEXT_NAME];
    const char *path = arena_printf(&s->arena, "%sdata/%s", s->folder, key);
    if (!path)
        return error_memory(error, s->name);
    assay_status status = read_entry(s, path, UINT64_MAX, s->data, &bytes, &out->size, error);
    if (!status && !bytes)
        status = error_set(error, ASSAY_ERROR_FORMAT, "%s: the storage \"%s\" is missing", s->name,
                           text_printable(key, shown, sizeof shown));
    out->bytes = bytes;
    return status;
}
