/* exif.h - what EXIF says (CIPA DC-008): a TIFF structure of directories and tags. Everything is read as its type says;
 * maker notes are noticed, not read. */
#ifndef ASSAY_PROVENANCE_EXIF_H
#define ASSAY_PROVENANCE_EXIF_H

#include "base/arena.h"
#include "base/error.h"
#include "provenance/container.h"
#include "provenance/fact.h"

enum {
    EXIF_MAX_TAGS = 1024, /* of all directories */
    EXIF_MAX_DIRECTORIES = 32,
    EXIF_MAX_TEXT = 1 << 20,  /* bytes of a text */
    EXIF_MAX_TEXTS = 1 << 20, /* of all texts: tags may share their bytes */
    EXIF_MAX_JIS = 64 << 10,  /* of a text in JIS, which takes longer to convert */
    EXIF_SHOWN_NUMBERS = 16   /* numbers of one tag that exif_facts shows */
};

enum exif_directory { EXIF_IFD0, EXIF_EXIF, EXIF_GPS, EXIF_INTEROP, EXIF_IFD1, EXIF_SUBIFD, EXIF_DIRECTORY_COUNT };

struct exif_tag {
    enum exif_directory directory;
    uint16_t number, type;
    uint64_t count;
    const uint8_t *bytes; /* count * the type's width, inside the block */
};

struct exif {
    bool present;        /* there is EXIF, readable or not */
    const char *problem; /* NULL, or what is wrong: "a directory lies outside" */
    /* Texts: UTF-8, trailing spaces and NULs taken off; NULL where they are missing or empty. */
    const char *make, *model, *lens_make, *lens_model, *software, *host_computer, *artist, *copyright, *description;
    const char *date_time, *date_time_original, *date_time_digitized; /* "2024:05:01 10:20:30", as they are */
    const char *user_comment;                                         /* of whichever character set it declares */
    const char *serial_number, *owner, *image_unique_id;
    int orientation;                              /* 1 to 8; 0: not stated */
    uint32_t width, height;                       /* of the picture, as EXIF states it; 0: not stated */
    double exposure_time, f_number, focal_length; /* seconds, -, mm; 0: not stated */
    uint32_t iso;
    bool gps; /* there are GPS tags */
    bool has_position;
    double latitude, longitude; /* degrees, north and east positive */
    size_t maker_note_bytes;    /* 0: none */
    const char *maker_note;     /* whose, by how it begins: "Apple"; NULL: unknown */
    const uint8_t *thumbnail;   /* a JPEG; NULL: none */
    size_t thumbnail_size;
    uint32_t thumbnail_width, thumbnail_height; /* by the thumbnail's own header; 0: unreadable */
    /* inside */
    const uint8_t *bytes;
    size_t size;
    bool big_endian;
    struct exif_tag *tags;
    size_t tag_count;
};

/* Reads a TIFF structure: the bytes of a BLOCK_EXIF, which must live as long as *out. ASSAY_ERROR_MEMORY is the only
 * error. */
assay_status exif_read_block(const uint8_t *bytes, size_t size, struct arena *arena, struct exif *out,
                             struct assay_error *error);

/* The file's EXIF: the first block of it that can be read. */
assay_status exif_read(const struct container *container, struct arena *arena, struct exif *out,
                       struct assay_error *error);

/* The first tag of a number in a directory, or NULL. */
const struct exif_tag *exif_find(const struct exif *exif, enum exif_directory directory, unsigned number);

/* One number of a tag, rationals as quotients; NAN where there is none. */
double exif_number(const struct exif *exif, const struct exif_tag *tag, uint64_t index);

/* Whether the thumbnail's shape cannot be the picture's, which is so if the picture was cropped or replaced after the
 * camera made both. `width` and `height` of the picture as stored. Cameras pad thumbnails to 4:3 with black bars: that
 * is no difference. False where anything is unknown. */
bool exif_thumbnail_shape_differs(const struct exif *exif, uint32_t width, uint32_t height);

/* All tags of known name, below `parent`. */
void exif_facts(const struct exif *exif, struct fact_tree *tree, struct fact *parent);

#endif
