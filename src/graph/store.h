/* store.h - named tensors that outlive a run: parameters (trained or frozen) and states (running statistics, queues,
 * optimiser moments, moving averages). Several graphs of one program share a store.
 *
 * Building a graph declares entries, each with its shape and initial value; data comes later, all at once: from
 * store_initialise (a new model) or from a model file (format/, detector/model_file.c). */
#ifndef ASSAY_GRAPH_STORE_H
#define ASSAY_GRAPH_STORE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/string_map.h"
#include "graph/tensor.h"

enum store_kind { STORE_PARAM, STORE_STATE };

/* How an entry begins: `a` everywhere; uniform in [a, b); normal with mean a and deviation b. */
enum store_init_kind { STORE_CONSTANT, STORE_UNIFORM, STORE_NORMAL };
struct store_init {
    enum store_init_kind kind;
    double a, b;
};

struct store_packed;
struct graph;
struct node;

struct store_entry {
    const char *name; /* as in the published checkpoint, such as "layer1.0.conv1.weight" */
    struct shape shape;
    enum store_kind kind;
    bool frozen; /* a parameter that training leaves alone: no gradient is computed for it */
    struct store_init init;
    /* What of a value may be assigned, where not every value may be (constrained_conv.h). NULL: all of it. */
    struct node (*project)(struct graph *g, struct node value);
    float *data;                 /* shape_count floats; NULL until initialised or loaded */
    bool owned;                  /* data was allocated here (else it lies in a mapped file and must not be written) */
    bool mapped;                 /* not owned, and in a mapped file: memory for it is given back once it is packed */
    uint64_t version;            /* counts changes of data, so that packed copies know when they are stale */
    struct store_packed *packed; /* copies in a kernel's own layout, guarded by the store's lock */
};

struct store {
    struct arena arena;
    struct string_map entries; /* name -> struct store_entry, in the order of declaration */
    pthread_mutex_t lock;      /* guards `packed` of every entry */
};

assay_status store_create(struct store **out, struct assay_error *error);
void store_free(struct store *store); /* NULL is fine */

/* The entry, or NULL. */
struct store_entry *store_get(const struct store *store, const char *name);

/* The entry of that name, declared now if it is new. NULL: no memory. The caller compares the shape. */
struct store_entry *store_declare(struct store *store, const char *name, const struct shape *shape,
                                  enum store_kind kind, struct store_init init);

/* Gives every entry without data its initial value. Draws depend on (seed, name, index) alone. */
assay_status store_initialise(struct store *store, uint64_t seed, struct assay_error *error);

/* Allocates the data of one entry (uninitialised) if it has none, or moves mapped data to memory of its own. */
assay_status store_make_writable(struct store_entry *entry, struct assay_error *error);

/* Sum of elements over the parameters. */
uint64_t store_param_count(const struct store *store);

/* The copy of an entry in the layout `key` (unique to one way of packing), made by `pack` when there is none or when
 * the `version` (of the entry, and of whatever else it depends on) has changed since. Valid until it changes again. */
typedef bool store_pack(const void *context, void *packed); /* false: no memory */
assay_status store_get_packed(struct store *store, struct store_entry *entry, uint64_t key, uint64_t version,
                              size_t bytes, store_pack *pack, const void *context, const void **out,
                              struct assay_error *error);

#endif
