/* xmp.c - RDF as XMP uses it: elements become a tree of properties. */
#include "provenance/xmp.h"

#include <expat.h>
#include <string.h>

#include "image/walk.h"

#define RDF "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
#define XML "http://www.w3.org/XML/1998/namespace"
enum { SEPARATOR = '\n' }; /* between an address, a name and a prefix */

/* What an element is. */
enum role {
    ROLE_OUTSIDE,     /* around the RDF */
    ROLE_RDF,         /* rdf:RDF */
    ROLE_DESCRIPTION, /* whose children are fields of `node` */
    ROLE_PROPERTY,    /* whose content is the value of `node` */
    ROLE_LIST,        /* rdf:Bag, Seq, Alt: children are items of `node` */
};

struct frame {
    enum role role;
    struct xmp_node *node;
    bool filled; /* a property that has a value by other means than text */
};

struct reader {
    XML_Parser parser;
    struct arena *arena;
    struct xmp *out;
    struct frame frames[XMP_MAX_DEPTH];
    int depth;
    size_t count; /* of nodes, over all packets */
    struct array text;
    bool no_memory;
};

static const struct {
    const char *uri, *prefix;
} namespaces[] = {
    {RDF, "rdf"},
    {"http://purl.org/dc/elements/1.1/", "dc"},
    {"http://purl.org/dc/terms/", "dcterms"},
    {"http://ns.adobe.com/xap/1.0/", "xmp"},
    {"http://ns.adobe.com/xap/1.0/mm/", "xmpMM"},
    {"http://ns.adobe.com/xap/1.0/rights/", "xmpRights"},
    {"http://ns.adobe.com/xap/1.0/bj/", "xmpBJ"},
    {"http://ns.adobe.com/xap/1.0/t/pg/", "xmpTPg"},
    {"http://ns.adobe.com/xap/1.0/sType/ResourceEvent#", "stEvt"},
    {"http://ns.adobe.com/xap/1.0/sType/ResourceRef#", "stRef"},
    {"http://ns.adobe.com/xap/1.0/sType/Version#", "stVer"},
    {"http://ns.adobe.com/xap/1.0/sType/Dimensions#", "stDim"},
    {"http://ns.adobe.com/xap/1.0/sType/ManifestItem#", "stMfs"},
    {"http://ns.adobe.com/xap/1.0/g/", "xmpG"},
    {"http://ns.adobe.com/xap/1.0/g/img/", "xmpGImg"},
    {"http://ns.adobe.com/xmp/note/", "xmpNote"},
    {"http://ns.adobe.com/xmp/1.0/DynamicMedia/", "xmpDM"},
    {"http://ns.adobe.com/photoshop/1.0/", "photoshop"},
    {"http://ns.adobe.com/camera-raw-settings/1.0/", "crs"},
    {"http://ns.adobe.com/lightroom/1.0/", "lr"},
    {"http://ns.adobe.com/exif/1.0/", "exif"},
    {"http://ns.adobe.com/exif/1.0/aux/", "aux"},
    {"http://cipa.jp/exif/1.0/", "exifEX"},
    {"http://ns.adobe.com/tiff/1.0/", "tiff"},
    {"http://ns.adobe.com/pdf/1.3/", "pdf"},
    {"http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/", "Iptc4xmpCore"},
    {"http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "Iptc4xmpExt"},
    {"http://ns.useplus.org/ldf/xmp/1.0/", "plus"},
    {"http://ns.google.com/photos/1.0/camera/", "GCamera"},
    {"http://ns.google.com/photos/1.0/container/", "Container"},
    {"http://ns.google.com/photos/1.0/container/item/", "Item"},
    {"http://ns.google.com/photos/1.0/image/", "GImage"},
    {"http://ns.google.com/photos/1.0/depthmap/", "GDepth"},
    {"http://ns.google.com/photos/1.0/creations/", "GCreations"},
    {"http://ns.google.com/photos/1.0/panorama/", "GPano"},
    {"http://ns.apple.com/faceinfo/1.0/", "apple-fi"},
    {"http://ns.apple.com/HDRGainMap/1.0/", "HDRGainMap"},
    {"http://www.metadataworkinggroup.com/schemas/regions/", "mwg-rs"},
    {"http://creativecommons.org/ns#", "cc"},
    {"http://ns.microsoft.com/photo/1.0/", "MicrosoftPhoto"},
    {"http://www.digikam.org/ns/1.0/", "digiKam"},
    {"http://www.gimp.org/xmp/", "GIMP"},
};

static void stop(struct reader *r, const char *problem)
{
    if (!r->out->problem)
        r->out->problem = problem;
    XML_StopParser(r->parser, XML_FALSE);
}

static void stop_memory(struct reader *r)
{
    r->no_memory = true;
    XML_StopParser(r->parser, XML_FALSE);
}

/* ---- Names ------------------------------------------------------------------------------------------------------ */

/* expat's "ADDRESS\nname\nprefix", taken apart. */
struct qname {
    const char *uri, *local, *prefix; /* not terminated */
    size_t uri_size, local_size, prefix_size;
};

static struct qname split(const char *text)
{
    struct qname q = {.uri = "", .local = text, .prefix = ""};
    const char *first = strchr(text, SEPARATOR);
    if (!first) {
        q.local_size = strlen(text);
        return q;
    }
    const char *second = strchr(first + 1, SEPARATOR);
    q.uri = text;
    q.uri_size = (size_t)(first - text);
    q.local = first + 1;
    q.local_size = second ? (size_t)(second - q.local) : strlen(q.local);
    if (second) {
        q.prefix = second + 1;
        q.prefix_size = strlen(q.prefix);
    }
    return q;
}

static bool is(const struct qname *q, const char *uri, const char *local)
{
    return q->uri_size == strlen(uri) && memcmp(q->uri, uri, q->uri_size) == 0 &&
           (!local || (q->local_size == strlen(local) && memcmp(q->local, local, q->local_size) == 0));
}

/* ---- The tree --------------------------------------------------------------------------------------------------- */

static struct xmp_node *add(struct reader *r, struct xmp_node *parent, const struct qname *q)
{
    if (r->count >= XMP_MAX_PROPERTIES) {
        stop(r, "the XMP has too many properties: the rest is left out");
        return NULL;
    }
    struct xmp_node *node = arena_alloc(r->arena, 1, sizeof *node);
    if (!node) {
        stop_memory(r);
        return NULL;
    }
    *node = (struct xmp_node){.name = "", .uri = "", .language = "", .value = ""};
    if (q) {
        const char *prefix = NULL;
        for (size_t i = 0; i < sizeof namespaces / sizeof namespaces[0]; i++)
            if (is(q, namespaces[i].uri, NULL)) {
                prefix = namespaces[i].prefix;
                node->uri = namespaces[i].uri;
            }
        if (!prefix)
            node->uri = arena_strndup(r->arena, q->uri, q->uri_size < 200 ? q->uri_size : 200);
        int local = q->local_size < 100 ? (int)q->local_size : 100,
            own = q->prefix_size < 40 ? (int)q->prefix_size : 40;
        node->name = prefix ? arena_printf(r->arena, "%s:%.*s", prefix, local, q->local)
                     : own  ? arena_printf(r->arena, "%.*s:%.*s", own, q->prefix, local, q->local)
                            : arena_printf(r->arena, "%.*s", local, q->local);
        if (!node->name || !node->uri) {
            stop_memory(r);
            return NULL;
        }
    }
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    r->count++;
    return node;
}

static void set_value(struct reader *r, struct xmp_node *node, const char *text, size_t size)
{
    if (size > XMP_MAX_VALUE_BYTES) {
        size = XMP_MAX_VALUE_BYTES;
        while (size && ((unsigned char)text[size] & 0xC0) == 0x80) /* not within a character */
            size--;
    }
    node->kind = XMP_SIMPLE;
    node->value = arena_strndup(r->arena, text, size);
    if (!node->value) {
        node->value = "";
        stop_memory(r);
    }
}

/* Attributes that are properties or fields. True if there was one. */
static bool add_attributes(struct reader *r, struct xmp_node *node, const char **attributes)
{
    bool any = false;
    for (; attributes[0]; attributes += 2) {
        struct qname q = split(attributes[0]);
        if (q.uri_size == 0 || is(&q, RDF, NULL) || is(&q, XML, NULL))
            continue;
        struct xmp_node *child = add(r, node, &q);
        if (!child)
            return any;
        set_value(r, child, attributes[1], strlen(attributes[1]));
        any = true;
    }
    return any;
}

static const char *attribute(const char **attributes, const char *uri, const char *local)
{
    for (; attributes[0]; attributes += 2) {
        struct qname q = split(attributes[0]);
        if (is(&q, uri, local))
            return attributes[1];
    }
    return NULL;
}

/* ---- What expat calls ------------------------------------------------------------------------------------------- */

/* An element that is a property, a field or an item. */
static void begin_property(struct reader *r, struct frame *frame, const char **attributes)
{
    struct xmp_node *node = frame->node;
    const char *resource = attribute(attributes, RDF, "resource"), *type = attribute(attributes, RDF, "parseType");
    const char *language = attribute(attributes, XML, "lang");
    frame->role = ROLE_PROPERTY;
    if (language) {
        node->language = arena_strndup(r->arena, language, strnlen(language, 64));
        if (!node->language) {
            node->language = "";
            stop_memory(r);
            return;
        }
    }
    if (add_attributes(r, node, attributes) || (type && strcmp(type, "Resource") == 0)) {
        node->kind = XMP_STRUCT;
        frame->role = ROLE_DESCRIPTION;
        frame->filled = true;
    } else if (resource) {
        set_value(r, node, resource, strlen(resource));
        frame->filled = true;
    }
}

static void XMLCALL on_start(void *data, const char *name, const char **attributes)
{
    struct reader *r = data;
    if (r->depth == XMP_MAX_DEPTH) {
        stop(r, "the XMP's elements lie too deep within each other");
        return;
    }
    struct frame *outer = r->depth ? &r->frames[r->depth - 1] : NULL, *frame = &r->frames[r->depth++];
    struct qname q = split(name);
    *frame = (struct frame){.role = ROLE_OUTSIDE};
    if (r->no_memory)
        return;
    r->text.count = 0;
    switch (outer ? outer->role : ROLE_OUTSIDE) {
    case ROLE_OUTSIDE:
        if (is(&q, RDF, "RDF"))
            *frame = (struct frame){ROLE_RDF, &r->out->root, true};
        break;
    case ROLE_RDF:
        if (is(&q, RDF, "Description")) {
            *frame = (struct frame){ROLE_DESCRIPTION, outer->node, true};
            add_attributes(r, frame->node, attributes);
        }
        break;
    case ROLE_DESCRIPTION:
        frame->node = add(r, outer->node, &q);
        if (frame->node)
            begin_property(r, frame, attributes);
        break;
    case ROLE_LIST:
        if (is(&q, RDF, "li")) {
            frame->node = add(r, outer->node, NULL);
            if (frame->node)
                begin_property(r, frame, attributes);
        }
        break;
    case ROLE_PROPERTY:
        outer->filled = true;
        if (is(&q, RDF, "Bag") || is(&q, RDF, "Seq") || is(&q, RDF, "Alt")) {
            outer->node->kind = XMP_ARRAY; /* an Alt of texts: see on_end */
            *frame = (struct frame){ROLE_LIST, outer->node, true};
        } else if (is(&q, RDF, "Description")) {
            outer->node->kind = XMP_STRUCT;
            *frame = (struct frame){ROLE_DESCRIPTION, outer->node, true};
            add_attributes(r, frame->node, attributes);
        }
        break;
    }
}

static void XMLCALL on_end(void *data, const char *name)
{
    struct reader *r = data;
    if (!r->depth)
        return;
    struct frame *frame = &r->frames[--r->depth];
    struct qname q = split(name);
    if (frame->role == ROLE_PROPERTY && frame->node && !frame->filled)
        set_value(r, frame->node, r->text.data ? r->text.data : "", r->text.count);
    if (frame->role == ROLE_LIST && is(&q, RDF, "Alt") && frame->node->first && frame->node->first->language[0])
        frame->node->kind = XMP_ALT;
    r->text.count = 0;
}

static void XMLCALL on_text(void *data, const char *text, int size)
{
    struct reader *r = data;
    struct frame *frame = r->depth ? &r->frames[r->depth - 1] : NULL;
    if (!frame || frame->role != ROLE_PROPERTY || frame->filled)
        return;
    size_t room = r->text.max_count - r->text.count; /* set_value cuts what is too long */
    if (!array_append(&r->text, text, (size_t)size < room ? (size_t)size : room))
        stop_memory(r);
}

static void XMLCALL on_doctype(void *data, const char *name, const char *system, const char *public, int internal)
{
    (void)name, (void)system, (void)public, (void)internal;
    stop(data, "the XMP declares a document type, which is refused");
}

/* ---- Files ------------------------------------------------------------------------------------------------------ */

static size_t count_nodes(const struct xmp_node *node)
{
    size_t count = 1;
    for (const struct xmp_node *child = node->first; child; child = child->next)
        count += count_nodes(child); /* no deeper than elements may be */
    return count;
}

static void find_known(struct xmp *x)
{
    const struct xmp_node *root = &x->root;
    x->digital_source_type = xmp_text(xmp_child(root, "Iptc4xmpExt:DigitalSourceType"));
    x->creator_tool = xmp_text(xmp_child(root, "xmp:CreatorTool"));
    x->credit = xmp_text(xmp_child(root, "photoshop:Credit"));
    x->ai_system = xmp_text(xmp_child(root, "Iptc4xmpExt:AISystemUsed"));
    x->ai_system_version = xmp_text(xmp_child(root, "Iptc4xmpExt:AISystemVersionUsed"));
    x->ai_prompt = xmp_text(xmp_child(root, "Iptc4xmpExt:AIPromptInformation"));
    x->ai_prompt_writer = xmp_text(xmp_child(root, "Iptc4xmpExt:AIPromptWriterName"));
    x->make = xmp_text(xmp_child(root, "tiff:Make"));
    x->model = xmp_text(xmp_child(root, "tiff:Model"));
    x->create_date = xmp_text(xmp_child(root, "xmp:CreateDate"));
    x->modify_date = xmp_text(xmp_child(root, "xmp:ModifyDate"));
    x->provenance = xmp_text(xmp_child(root, "dcterms:provenance"));
}

assay_status xmp_read_packet(const uint8_t *bytes, size_t size, struct arena *arena, struct xmp *out,
                             struct assay_error *error)
{
    struct reader r = {.arena = arena, .out = out};
    if (!out->present)
        out->root = (struct xmp_node){.kind = XMP_STRUCT, .name = "", .uri = "", .language = "", .value = ""};
    out->present = true;
    r.count = count_nodes(&out->root);
    r.text = array_of(1, XMP_MAX_VALUE_BYTES + 1);
    while (size && bytes[size - 1] == 0) /* some writers pad with these */
        size--;
    if (size > XMP_MAX_BYTES) {
        size = XMP_MAX_BYTES;
        out->problem = out->problem ? out->problem : "the XMP is too long: the rest is left out";
    }
    r.parser = XML_ParserCreateNS(NULL, SEPARATOR);
    if (!r.parser)
        return error_memory(error, "a picture's XMP");
    XML_SetReturnNSTriplet(r.parser, 1);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    XML_SetParamEntityParsing(r.parser, XML_PARAM_ENTITY_PARSING_NEVER);
    if (XML_Parse(r.parser, (const char *)bytes, (int)size, XML_TRUE) == XML_STATUS_ERROR) {
        enum XML_Error code = XML_GetErrorCode(r.parser);
        if (code == XML_ERROR_NO_MEMORY)
            r.no_memory = true;
        else if (code != XML_ERROR_ABORTED && !out->problem) {
            out->problem = arena_printf(arena, "the XMP is damaged at byte %ld: %s",
                                        (long)XML_GetCurrentByteIndex(r.parser), XML_ErrorString(code));
            r.no_memory |= !out->problem;
        }
    }
    XML_ParserFree(r.parser);
    array_free(&r.text);
    find_known(out);
    return r.no_memory ? error_memory(error, "a picture's XMP") : ASSAY_OK;
}

assay_status xmp_read(const struct container *container, struct arena *arena, struct xmp *out,
                      struct assay_error *error)
{
    *out = (struct xmp){.root = {.kind = XMP_STRUCT, .name = "", .uri = "", .language = "", .value = ""}};
    assay_status status = ASSAY_OK;
    const struct container_block *block = NULL;
    while (status == ASSAY_OK && (block = container_next(container, block, BLOCK_XMP)))
        status = xmp_read_packet(block->bytes, block->size, arena, out, error);
    while (status == ASSAY_OK && (block = container_next(container, block, BLOCK_XMP_EXTENDED))) {
        const char *guid = xmp_text(xmp_child(&out->root, "xmpNote:HasExtendedXMP"));
        if (guid && strcmp(guid, block->keyword) == 0)
            status = xmp_read_packet(block->bytes, block->size, arena, out, error);
        else if (!out->problem)
            out->problem = "there is an extended XMP that the main one does not name";
        out->present = true;
    }
    return status;
}

const struct xmp_node *xmp_child(const struct xmp_node *node, const char *name)
{
    for (const struct xmp_node *child = node ? node->first : NULL; child; child = child->next)
        if (strcmp(child->name, name) == 0)
            return child;
    return NULL;
}

const char *xmp_text(const struct xmp_node *node)
{
    if (!node)
        return NULL;
    if (node->kind == XMP_SIMPLE)
        return node->value;
    if (node->kind == XMP_ARRAY && node->first && !node->first->next && node->first->kind == XMP_SIMPLE)
        return node->first->value;
    if (node->kind == XMP_STRUCT) /* a value with qualifiers */
        return xmp_text(xmp_child(node, "rdf:value"));
    if (node->kind != XMP_ALT)
        return NULL;
    for (const struct xmp_node *child = node->first; child; child = child->next)
        if (strcmp(child->language, "x-default") == 0)
            return child->value;
    return node->first ? node->first->value : NULL;
}

static void add_fact(const struct xmp_node *node, struct fact_tree *tree, struct fact *parent)
{
    const char *name = node->name[0] ? node->name : node->language;
    struct fact *below = parent;
    switch (node->kind) {
    case XMP_SIMPLE: fact_text(tree, parent, name, node->value); return;
    case XMP_STRUCT: below = fact_group(tree, parent, name); break;
    case XMP_ARRAY: below = fact_list(tree, parent, name); break;
    case XMP_ALT:
        if (node->first && !node->first->next && strcmp(node->first->language, "x-default") == 0) {
            fact_text(tree, parent, name, node->first->value);
            return;
        }
        below = fact_group(tree, parent, name);
        break;
    }
    for (const struct xmp_node *child = node->first; child; child = child->next)
        add_fact(child, tree, below);
}

void xmp_facts(const struct xmp *xmp, struct fact_tree *tree, struct fact *parent)
{
    if (!xmp->present)
        return;
    struct fact *group = fact_group(tree, parent, "xmp");
    for (const struct xmp_node *child = xmp->root.first; child; child = child->next)
        add_fact(child, tree, group);
    if (xmp->problem)
        fact_problem(tree, group, "%s", xmp->problem);
}
