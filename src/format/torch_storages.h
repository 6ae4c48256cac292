/* torch_storages.h - the two containers of PyTorch files seen as one: a pickle, and storages by key. */
#ifndef ASSAY_FORMAT_TORCH_STORAGES_H
#define ASSAY_FORMAT_TORCH_STORAGES_H

#include "format/pickle.h"

struct zip;

/* A container that is being read. Zero-initialise it. */
struct torch_storages {
    const uint8_t *bytes;
    size_t size;
    const char *name;
    struct arena *data; /* takes copies of storages */
    struct assay_error *error;
    struct string_map known; /* key -> struct torch_storage, those read so far */
    struct arena arena;
    /* torch_zip.c */
    struct zip *archive;
    const char *folder; /* "archive/" */
    uint8_t *pickle;    /* read from the archive, freed at the end */
    /* torch_legacy.c */
    size_t pickle_at; /* where the main pickle begins */
};

struct torch_storage {
    const uint8_t *bytes;
    uint64_t size;
};

bool torch_zip_recognised(const uint8_t *bytes, size_t size);
bool torch_legacy_recognised(const uint8_t *bytes, size_t size);

/* Finds out which container it is. */
assay_status torch_storages_open(struct torch_storages *s, const void *bytes, size_t size, const char *name,
                                 struct arena *data, struct assay_error *error);
void torch_storages_close(struct torch_storages *s);

/* The main pickle. */
assay_status torch_storages_pickle(struct torch_storages *s, const uint8_t **pickle, size_t *size,
                                   struct assay_error *error);

/* Tells that the main pickle took `used` bytes: in the older format the storages follow it. */
assay_status torch_storages_begin(struct torch_storages *s, struct arena *values, size_t used,
                                  struct assay_error *error);

/* The bytes of a storage, at least count elements; they live as long as the arena `data`. */
assay_status torch_storages_get(struct torch_storages *s, const struct pickle_storage *storage, const uint8_t **bytes,
                                struct assay_error *error);

const char *torch_storages_kind(const struct torch_storages *s, bool script);

/* The containers' own parts. */
assay_status torch_zip_open(struct torch_storages *s, struct assay_error *error);
void torch_zip_close(struct torch_storages *s);
assay_status torch_zip_pickle(struct torch_storages *s, const uint8_t **pickle, size_t *size,
                              struct assay_error *error);
assay_status torch_zip_storage(struct torch_storages *s, const char *key, struct torch_storage *out,
                               struct assay_error *error);
assay_status torch_legacy_open(struct torch_storages *s, struct assay_error *error);
assay_status torch_legacy_begin(struct torch_storages *s, struct arena *values, size_t used, struct assay_error *error);

#endif
