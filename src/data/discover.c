/* discover.c - finds the class folders of a dataset, or says why it will not guess. */
#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/discover.h"

#include "base/limits.h"
#include "base/memory.h"
#include "data/walk.h"
#include "image/image.h"

#define CLASS_PAIRS "real/ and ai/, 0_real/ and 1_fake/, nature/ and ai/"
#define BE_EXPLICIT "say which folder holds what with --real DIR --ai DIR"

/* The names of class folders in the order of their bits, and the pairs that go together. */
static const struct {
    const char *name;
    int label;
} class_names[] = {
    {"real", LABEL_REAL},        {"ai", LABEL_GENERATED}, {"0_real", LABEL_REAL},
    {"1_fake", LABEL_GENERATED}, {"nature", LABEL_REAL},
};
static const unsigned class_pairs[] = {CLASS_REAL | CLASS_AI, CLASS_0_REAL | CLASS_1_FAKE, CLASS_NATURE | CLASS_AI};
static const char *const split_names[] = {"train", "val", "test"}; /* in the order of the SPLIT_ bits */

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static unsigned class_bit(const char *name)
{
    for (unsigned i = 0; i < COUNT_OF(class_names); i++)
        if (strcmp(class_names[i].name, name) == 0)
            return 1U << i;
    return 0;
}

unsigned split_bit(const char *name)
{
    for (unsigned i = 0; i < COUNT_OF(split_names); i++)
        if (strcmp(split_names[i], name) == 0)
            return 1U << i;
    return 0;
}

/* "real/, ai/" for messages. */
static const char *list_names(unsigned bits, bool splits, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < (splits ? COUNT_OF(split_names) : COUNT_OF(class_names)); i++)
        if (bits >> i & 1 && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s/", used ? ", " : "",
                                     splits ? split_names[i] : class_names[i].name);
    return text;
}

const char *split_names_text(unsigned splits, char *text, size_t size)
{
    return list_names(splits, true, text, size);
}

/* ---- the pictures of one class folder -------------------------------------------------------------------------- */

struct collect {
    struct dataset_builder *builder;
    int label;
    const char *folder;  /* that is walked */
    const char *above;   /* first part of the source's name, or NULL */
    const char *instead; /* the source's name where there is no other */
    size_t name_at;      /* where relative names begin in the paths */
    bool inside;         /* the first folder inside is part of the source's name */
    bool strict;         /* found by name, so that a class's or split's name further down makes it ambiguous */
    size_t count;
    char source[LIMIT_PATH_BYTES * 2];
};

/* A class or a split below a class folder: whoever made it may have meant something else. */
static assay_status check_below(const struct collect *c, const struct walk_file *file, struct assay_error *error)
{
    for (const char *part = file->name, *slash; (slash = strchr(part, '/')); part = slash + 1) {
        char name[16];
        size_t length = (size_t)(slash - part);
        if (length >= sizeof name)
            continue;
        memcpy(name, part, length);
        name[length] = '\0';
        if (class_bit(name) || split_bit(name))
            return error_set(
                error, ASSAY_ERROR_ARGUMENT,
                "%s: inside this class folder is %.*s/, a name that means something else; rename it, or " BE_EXPLICIT,
                c->folder, (int)(slash - file->name), file->name);
    }
    return ASSAY_OK;
}

static assay_status collect_file(void *context, const struct walk_file *file, struct assay_error *error)
{
    struct collect *c = context;
    assay_status status = c->strict ? check_below(c, file, error) : ASSAY_OK;
    if (status)
        return status;
    const char *slash = c->inside ? strchr(file->name, '/') : NULL;
    if (slash)
        snprintf(c->source, sizeof c->source, "%s%s%.*s", c->above ? c->above : "", c->above ? "/" : "",
                 (int)(slash - file->name), file->name);
    else
        snprintf(c->source, sizeof c->source, "%s", c->above ? c->above : c->instead);
    c->count++;
    return dataset_build_add(c->builder, c->label, c->source, file->path, c->name_at, file->bytes, error);
}

static assay_status collect_class(const struct collect *what, struct assay_error *error)
{
    struct collect *c = mem_alloc(1, sizeof *c);
    if (!c)
        return error_memory(error, "finding a dataset");
    *c = *what;
    struct walk walk = {collect_file, NULL, c};
    assay_status status = walk_pictures(c->folder, &walk, error);
    if (!status && c->count == 0)
        status = error_set(error, ASSAY_ERROR_ARGUMENT,
                           "%s: no pictures for the class '%s' (.jpg, .png, .webp, .tif, .gif, .heic, .avif)",
                           c->folder, dataset_label_text(c->label));
    mem_free(c);
    return status;
}

/* realpath into a buffer of our own. */
static_assert(PATH_MAX <= LIMIT_PATH_BYTES, "realpath writes up to PATH_MAX bytes");
static assay_status real_path(const char *folder, char **path, struct assay_error *error)
{
    *path = mem_alloc(LIMIT_PATH_BYTES, 1);
    if (!*path)
        return error_memory(error, folder);
    return realpath(folder, *path) ? ASSAY_OK : error_errno(error, folder, "open the folder");
}

assay_status discover_apart(const char *real, const char *generated, struct assay_error *error)
{
    char *a = NULL, *b = NULL;
    assay_status status = real_path(real, &a, error);
    if (!status)
        status = real_path(generated, &b, error);
    if (!status) {
        size_t shorter = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
        const char *longer = strlen(a) < strlen(b) ? b : a;
        if (strncmp(a, b, shorter) == 0 && (longer[shorter] == '\0' || longer[shorter] == '/' || shorter == 1))
            status = error_set(error, ASSAY_ERROR_ARGUMENT,
                               "%s and %s: the real and the generated pictures are in one place (%s); "
                               "each class needs a folder of its own",
                               real, generated, a);
    }
    mem_free(a);
    mem_free(b);
    return status;
}

/* ---- looking for class folders --------------------------------------------------------------------------------- */

struct finder {
    struct dataset_builder *builder; /* NULL: only splits are asked for */
    const struct discover_style *style;
    unsigned wanted; /* the split's bit; 0: none named */
    struct folder_set seen;
    struct arena arena;
    size_t name_at;
    unsigned splits; /* met so far */
    size_t pairs;    /* class folders collected */
};

struct place {
    const char *path;
    const char *above; /* folders below the root that are no split's, as the style takes them; or NULL */
    unsigned split;    /* the split that it lies in; 0: none */
    int depth;
};

/* What a folder holds, as far as names tell. */
struct content {
    struct folder folder;
    unsigned classes, splits;
    const char *picture; /* the first picture that lies in it */
};

static assay_status content_read(const char *path, struct content *out, struct assay_error *error)
{
    *out = (struct content){0};
    assay_status status = folder_read(path, &out->folder, error);
    for (size_t i = 0; i < out->folder.count; i++) {
        const struct folder_entry *entry = &out->folder.entries[i];
        if (entry->is_folder) {
            out->classes |= class_bit(entry->name);
            out->splits |= split_bit(entry->name);
        } else if (!out->picture && image_has_known_extension(entry->name)) {
            out->picture = entry->name;
        }
    }
    return status;
}

static const char *join(struct finder *f, const char *path, const char *name)
{
    return arena_printf(&f->arena, "%s/%s", path, name);
}

struct first_picture {
    char name[256]; /* of the first picture found, cut where it is longer */
};

static assay_status stop_at_first(void *context, const struct walk_file *file, struct assay_error *error)
{
    struct first_picture *first = context;
    (void)error;
    snprintf(first->name, sizeof first->name, "%s", file->name);
    return ASSAY_ERROR_CANCELLED;
}

static void ignore_problem(void *context, const char *path, const struct assay_error *why)
{
    (void)context;
    (void)path;
    (void)why;
}

/* Folders that are neither classes nor splits, beside some that are: an error if there are pictures in them. */
static assay_status check_beside(struct finder *f, const struct place *place, const struct content *content,
                                 const char *what, struct assay_error *error)
{
    for (size_t i = 0; i < content->folder.count; i++) {
        const struct folder_entry *entry = &content->folder.entries[i];
        if (!entry->is_folder || class_bit(entry->name) || (!content->classes && split_bit(entry->name)))
            continue;
        const char *path = join(f, place->path, entry->name);
        if (!path)
            return error_memory(error, "finding a dataset");
        struct first_picture first = {{0}};
        struct walk walk = {stop_at_first, ignore_problem, &first};
        assay_status status = walk_pictures(path, &walk, error);
        if (status && status != ASSAY_ERROR_CANCELLED)
            return status;
        if (first.name[0])
            return error_set(
                error, ASSAY_ERROR_ARGUMENT,
                "%s: has %s, and beside them %s/ with pictures (%s) of unknown class; move it away, or " BE_EXPLICIT,
                place->path, what, entry->name, first.name);
    }
    return ASSAY_OK;
}

/* Class folders were met: they must be one whole pair, with no other pictures around. */
static assay_status take_classes(struct finder *f, const struct place *place, const struct content *content,
                                 struct assay_error *error)
{
    char found[64], missing[64];
    unsigned pair = 0, partner = 0;
    for (unsigned i = 0; i < COUNT_OF(class_pairs); i++) {
        if (content->classes == class_pairs[i])
            pair = class_pairs[i];
        else if ((content->classes & class_pairs[i]) == content->classes)
            partner |= class_pairs[i] & ~content->classes;
    }
    list_names(content->classes, false, found, sizeof found);
    if (content->classes & ~f->style->classes)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: has %s, where there are %s in this layout", place->path,
                         found, list_names(f->style->classes, false, missing, sizeof missing));
    if (!pair && partner)
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "%s: has %s without its partner (%s); add the missing class, or " BE_EXPLICIT, place->path,
                         found, list_names(partner, false, missing, sizeof missing));
    if (!pair)
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "%s: has %s, which do not go together (" CLASS_PAIRS " do); " BE_EXPLICIT, place->path, found);
    if (content->picture)
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "%s: has %s, and beside them pictures (%s) of unknown class; move them away, or " BE_EXPLICIT,
                         place->path, found, content->picture);
    if (f->wanted && !place->split)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: has %s, which are not below a folder %s", place->path, found,
                         list_names(f->wanted, true, missing, sizeof missing));
    assay_status status = check_beside(f, place, content, found, error);
    const char *folder[LABEL_COUNT] = {0}, *name[LABEL_COUNT] = {0};
    for (unsigned i = 0; i < COUNT_OF(class_names) && !status; i++)
        if (pair >> i & 1) {
            name[class_names[i].label] = class_names[i].name;
            folder[class_names[i].label] = join(f, place->path, class_names[i].name);
            if (!folder[class_names[i].label])
                status = error_memory(error, "finding a dataset");
        }
    if (!status)
        status = discover_apart(folder[LABEL_REAL], folder[LABEL_GENERATED], error);
    for (int label = 0; label < LABEL_COUNT && !status; label++)
        status = collect_class(&(struct collect){.builder = f->builder,
                                                 .label = label,
                                                 .folder = folder[label],
                                                 .above = place->above,
                                                 .instead = f->style->instead ? f->style->instead : name[label],
                                                 .name_at = f->name_at,
                                                 .inside = f->style->inside,
                                                 .strict = true},
                               error);
    f->pairs++;
    return status;
}

static assay_status look(struct finder *f, const struct place *place, struct assay_error *error);

static assay_status take_splits(struct finder *f, const struct place *place, const struct content *content,
                                struct assay_error *error)
{
    char found[64];
    assay_status status = ASSAY_OK;
    f->splits |= content->splits;
    if (!f->builder)
        return ASSAY_OK;
    list_names(content->splits, true, found, sizeof found);
    if (place->split)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: has %s inside another split; " BE_EXPLICIT, place->path,
                         found);
    /* Whoever names a split has said what to take; otherwise nothing may be left over. */
    if (!f->wanted && (f->splits & (f->splits - 1)))
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "%s: has %s; name the one that is meant, or give its folder instead", place->path,
                         list_names(f->splits, true, found, sizeof found));
    if (!f->wanted && content->picture)
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "%s: has %s, and beside it pictures (%s) of unknown class; move them away, or " BE_EXPLICIT,
                         place->path, found, content->picture);
    if (!f->wanted && (status = check_beside(f, place, content, found, error)))
        return status;
    for (unsigned i = 0; i < COUNT_OF(split_names) && !status; i++) {
        unsigned bit = 1U << i;
        if (!(content->splits & bit) || (f->wanted && f->wanted != bit))
            continue;
        struct place below = {join(f, place->path, split_names[i]), place->above, bit, place->depth + 1};
        status = below.path ? look(f, &below, error) : error_memory(error, "finding a dataset");
    }
    return status;
}

/* The folders that name a source, one level further down; NULL without memory. */
static const char *name_above(struct finder *f, const struct place *place, const char *folder)
{
    if (!place->above)
        return arena_strdup(&f->arena, f->style->generator ? f->style->generator(folder) : folder);
    return f->style->levels ? join(f, place->above, folder) : place->above;
}

static assay_status look_below(struct finder *f, const struct place *place, const struct content *content,
                               struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    if (content->picture && f->builder && (!f->wanted || place->split))
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "%s: has pictures (%s) outside class folders (" CLASS_PAIRS "); " BE_EXPLICIT, place->path,
                         content->picture);
    for (size_t i = 0; i < content->folder.count && !status; i++) {
        const struct folder_entry *entry = &content->folder.entries[i];
        if (!entry->is_folder)
            continue;
        struct place below = {join(f, place->path, entry->name), name_above(f, place, entry->name), place->split,
                              place->depth + 1};
        bool added = false;
        if (!below.path || !below.above)
            status = error_memory(error, "finding a dataset");
        else
            status = folder_set_add(&f->seen, entry->device, entry->inode, &added, error);
        if (!status && added)
            status = look(f, &below, error);
    }
    return status;
}

static assay_status look(struct finder *f, const struct place *place, struct assay_error *error)
{
    struct content content;
    if (place->depth > LIMIT_DIRECTORY_DEPTH)
        return error_set(error, ASSAY_ERROR_LIMIT, "%s: more than %d folders deep", place->path, LIMIT_DIRECTORY_DEPTH);
    assay_status status = content_read(place->path[0] ? place->path : "/", &content, error);
    if (status)
        return status;
    if (content.classes)
        status = f->builder ? take_classes(f, place, &content, error) : ASSAY_OK;
    else if (content.splits)
        status = take_splits(f, place, &content, error);
    else
        status = look_below(f, place, &content, error);
    folder_free(&content.folder);
    return status;
}

static assay_status find_all(struct finder *f, const char *root, struct assay_error *error)
{
    struct stat info;
    if (stat(root, &info) != 0)
        return error_errno(error, root, "open the folder");
    size_t length = strlen(root);
    while (length && root[length - 1] == '/')
        length--;
    f->name_at = length + 1;
    struct place place = {.path = arena_strndup(&f->arena, root, length)};
    if (!place.path)
        return error_memory(error, "finding a dataset");
    bool added;
    assay_status status = folder_set_add(&f->seen, (uint64_t)info.st_dev, (uint64_t)info.st_ino, &added, error);
    return status ? status : look(f, &place, error);
}

assay_status discover_classes(const char *root, unsigned wanted, const struct discover_style *style,
                              struct dataset_builder *builder, unsigned *splits, struct assay_error *error)
{
    struct finder f = {.builder = builder, .style = style, .wanted = wanted};
    char missing[64], found[64];
    assay_status status = find_all(&f, root, error);
    if (!status && wanted && !(f.splits & wanted))
        status = error_set(error, ASSAY_ERROR_ARGUMENT, "%s: there is no folder %s in it%s%s", root,
                           list_names(wanted, true, missing, sizeof missing), f.splits ? ", only " : "",
                           list_names(f.splits, true, found, sizeof found));
    else if (!status && builder && f.pairs == 0)
        status = error_set(error, ASSAY_ERROR_ARGUMENT,
                           "%s: found no class folders (" CLASS_PAIRS ") in it; " BE_EXPLICIT, root);
    *splits = f.splits;
    folder_set_free(&f.seen);
    arena_free(&f.arena);
    return status;
}

static const struct discover_style plain = {.classes = CLASS_ALL, .inside = true};

assay_status dataset_from_folder(const char *root, const char *split, struct dataset *out, struct assay_error *error)
{
    struct dataset_builder builder = dataset_build_begin("", "");
    unsigned wanted = split ? split_bit(split) : 0, splits;
    assay_status status;
    if (split && !wanted)
        status = error_set(error, ASSAY_ERROR_ARGUMENT, "'%s' is no split; there are train, val and test", split);
    else
        status = discover_classes(root, wanted, &plain, &builder, &splits, error);
    if (status) {
        dataset_build_discard(&builder);
        return status;
    }
    return dataset_build_finish(&builder, out, error);
}

assay_status dataset_from_folders(const char *real, const char *generated, struct dataset *out,
                                  struct assay_error *error)
{
    const char *folder[LABEL_COUNT] = {real, generated};
    struct dataset_builder builder = dataset_build_begin("real/", "ai/");
    assay_status status = ASSAY_OK;
    if (!real && !generated)
        status = error_set(error, ASSAY_ERROR_ARGUMENT, "no folder of pictures was given");
    else if (real && generated)
        status = discover_apart(real, generated, error);
    for (int label = 0; label < LABEL_COUNT && !status; label++) {
        if (!folder[label])
            continue;
        char *path = NULL;
        size_t length = strlen(folder[label]);
        while (length && folder[label][length - 1] == '/')
            length--;
        status = real_path(folder[label], &path, error);
        if (!status) /* its own name is the last part of where it really is */
            status = collect_class(&(struct collect){.builder = &builder,
                                                     .label = label,
                                                     .folder = folder[label],
                                                     .instead = strrchr(path, '/') + 1,
                                                     .name_at = length + 1,
                                                     .inside = true},
                                   error);
        mem_free(path);
    }
    if (status) {
        dataset_build_discard(&builder);
        return status;
    }
    return dataset_build_finish(&builder, out, error);
}

assay_status dataset_splits(const char *root, unsigned *splits, struct assay_error *error)
{
    return discover_classes(root, 0, &plain, NULL, splits, error);
}
