/* xmp.h - what XMP says (ISO 16684-1), read with expat: a tree of properties. Document types and entities are refused,
 * size, depth and number are limited; what was read before a fault is kept. */
#ifndef ASSAY_PROVENANCE_XMP_H
#define ASSAY_PROVENANCE_XMP_H

#include "base/arena.h"
#include "base/error.h"
#include "provenance/container.h"
#include "provenance/fact.h"

enum {
    XMP_MAX_BYTES = 8 << 20,       /* of a packet; longer ones are read so far */
    XMP_MAX_PROPERTIES = 4096,     /* of a file: values, fields, items */
    XMP_MAX_DEPTH = 40,            /* XML elements within each other */
    XMP_MAX_VALUE_BYTES = 1 << 20, /* of one value; longer ones are cut */
};

enum xmp_kind {
    XMP_SIMPLE,
    XMP_STRUCT, /* children are fields */
    XMP_ARRAY,  /* children are items */
    XMP_ALT     /* children are one text in several languages */
};

struct xmp_node {
    enum xmp_kind kind;
    const char *name;     /* "photoshop:Credit": with the customary prefix of its namespace; items: "" */
    const char *uri;      /* the namespace */
    const char *language; /* of a text in an XMP_ALT: "x-default"; otherwise "" */
    const char *value;    /* of an XMP_SIMPLE: UTF-8 with a NUL behind it; otherwise "" */
    struct xmp_node *first, *last, *next;
};

struct xmp {
    bool present;         /* there is XMP, readable or not */
    struct xmp_node root; /* an XMP_STRUCT of all properties, those of extended XMP and of further packets among them */
    const char *problem;  /* NULL, or what is wrong: "the XMP declares entities, which are refused" */
    /* What is asked for most; NULL where it is missing. */
    const char
        *digital_source_type;      /* Iptc4xmpExt:DigitalSourceType, as in the file: mostly an address of IPTC's list */
    const char *creator_tool;      /* xmp:CreatorTool */
    const char *credit;            /* photoshop:Credit */
    const char *ai_system;         /* Iptc4xmpExt:AISystemUsed */
    const char *ai_system_version; /* Iptc4xmpExt:AISystemVersionUsed */
    const char *ai_prompt;         /* Iptc4xmpExt:AIPromptInformation */
    const char *ai_prompt_writer;  /* Iptc4xmpExt:AIPromptWriterName */
    const char *make, *model;      /* tiff:Make, tiff:Model */
    const char *create_date, *modify_date; /* xmp:CreateDate, xmp:ModifyDate */
    const char *provenance;                /* dcterms:provenance: where a C2PA manifest lies that is not in the file */
};

/* Reads one packet into *out, which is zeroed before the first one. ASSAY_ERROR_MEMORY is the only error. */
assay_status xmp_read_packet(const uint8_t *bytes, size_t size, struct arena *arena, struct xmp *out,
                             struct assay_error *error);

/* All of a file's packets; of extended XMP those that the main packet names. Zeroes *out first. */
assay_status xmp_read(const struct container *container, struct arena *arena, struct xmp *out,
                      struct assay_error *error);

/* The child of a name: a property or a field. NULL: none, or `node` is NULL. */
const struct xmp_node *xmp_child(const struct xmp_node *node, const char *name);

/* The text of a node: its value, of an XMP_ALT the default text, of an array its only item. NULL otherwise. */
const char *xmp_text(const struct xmp_node *node);

/* All properties, below `parent`. */
void xmp_facts(const struct xmp *xmp, struct fact_tree *tree, struct fact *parent);

#endif
