/* loader.c - a ring of batches that threads fill sample by sample, in order.
 *
 * The consumer's thread alone decides what goes into a batch (plan_slot) and when a slot of the ring is used again; the
 * others take the next sample that nobody has taken. So the content depends on no thread. */
#include "data/loader.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/parallel.h"

enum { BATCH_MAX = 65536, THREADS_MAX = 256, AHEAD_MAX = 256, MIB_SHIFT = 20 };

const struct option loader_option_table[] = {
    {"loader-threads", OPTION_INT, offsetof(struct loader_options, threads), "0", 0, THREADS_MAX, NULL,
     "threads that decode pictures; 0: one for each processor"},
    {"loader-ahead", OPTION_INT, offsetof(struct loader_options, ahead), "4", 1, AHEAD_MAX, NULL,
     "batches prepared ahead"},
    {"loader-waiting", OPTION_INT, offsetof(struct loader_options, waiting_mb), "512", 0, 1 << 20, NULL,
     "MiB of whole decoded pictures that may wait to be judged"},
    {"loader-cache", OPTION_INT, offsetof(struct loader_options, cache_mb), "1024", 0, 1 << 24, NULL,
     "MiB of decoded pictures kept for later epochs"},
    {0},
};

/* One batch of the ring. The arrays have room for a whole batch. */
struct slot {
    uint64_t number;
    size_t size;             /* samples it asks for */
    size_t taken, done;      /* samples given to threads, and finished by them */
    uint32_t *wanted, *used; /* dataset indices: planned, and read in the end */
    int32_t *labels;
    float *images;              /* training */
    struct picture_loan *loans; /* sequence */
    const struct image **pictures;
    uint64_t bytes; /* of the loans that no cache holds */
    assay_status status;
    size_t failed; /* the sample that `error` is about: the first, whichever thread was faster */
    struct assay_error error;
};

struct loader {
    struct pictures *pictures;
    const struct dataset *dataset;
    struct sampler *sampler; /* training; NULL: a sequence */
    struct preprocess preprocess;
    struct augment augment;
    uint64_t seed;
    size_t batch, window; /* window: floats of one sample */
    struct arena arena;
    struct slot *slots;
    size_t slot_count;
    struct loader_batch out;
    uint64_t end;     /* number after the last batch */
    bool lent;        /* the consumer holds batch `next` - 1 */
    bool initialised; /* the mutex and the conditions */

    pthread_mutex_t mutex; /* protects what follows, and in the slots taken, done, bytes, status, failed, error */
    pthread_cond_t work, ready;
    uint64_t next;    /* the batch that the consumer waits for */
    uint64_t filling; /* the batch whose samples are being given out */
    uint64_t planned; /* batches before this one have a slot */
    uint64_t waiting_bytes, waiting_max;
    bool stop;

    pthread_t threads[THREADS_MAX];
    size_t thread_count;
};

/* ---- the threads ------------------------------------------------------------------------------------------------ */

/* The next readable picture of the same class, from `index` on and round again. */
static assay_status borrow_readable(struct loader *l, uint32_t *index, struct picture_loan *loan,
                                    struct assay_error *error)
{
    int label = l->dataset->pictures[*index].label;
    for (size_t tried = 0, at = *index; tried < l->dataset->count; tried++, at = (at + 1) % l->dataset->count) {
        if (l->dataset->pictures[at].label != label)
            continue;
        assay_status status = pictures_borrow(l->pictures, at, loan, error);
        if (status)
            return status;
        if (loan->image.pixels) {
            *index = (uint32_t)at;
            return ASSAY_OK;
        }
    }
    return error_set(error, ASSAY_ERROR_FORMAT, "none of the %zu %s pictures can be read",
                     l->dataset->label_count[label], dataset_label_text(label));
}

static assay_status make_training_sample(struct loader *l, struct slot *slot, size_t i, struct assay_error *error)
{
    struct picture_loan loan = {0};
    uint32_t index = slot->wanted[i];
    assay_status status = borrow_readable(l, &index, &loan, error);
    if (status)
        return status;
    struct random random = random_open(l->seed, slot->number * l->batch + i, index);
    status = augment_write(&l->augment, &l->preprocess, &loan.image, &random, slot->images + i * l->window, error);
    pictures_return(&loan);
    slot->used[i] = index;
    slot->labels[i] = l->dataset->pictures[index].label;
    return status;
}

static assay_status make_sample(struct loader *l, struct slot *slot, size_t i, struct assay_error *error)
{
    if (l->sampler)
        return make_training_sample(l, slot, i, error);
    return pictures_borrow(l->pictures, slot->wanted[i], &slot->loans[i], error);
}

/* Whether there is a sample to take now. */
static bool may_take(const struct loader *l)
{
    return l->filling < l->planned && (l->waiting_bytes < l->waiting_max || l->filling == l->next);
}

static void *thread_main(void *context)
{
    struct loader *l = context;
    parallel_serial_thread();
    pthread_mutex_lock(&l->mutex);
    for (;;) {
        while (!l->stop && !may_take(l))
            pthread_cond_wait(&l->work, &l->mutex);
        if (l->stop)
            break;
        struct slot *slot = &l->slots[l->filling % l->slot_count];
        size_t i = slot->taken++;
        if (slot->taken == slot->size)
            l->filling++;
        pthread_mutex_unlock(&l->mutex);

        struct assay_error error = {0};
        assay_status status = make_sample(l, slot, i, &error);

        pthread_mutex_lock(&l->mutex);
        if (status && (!slot->status || i < slot->failed)) {
            slot->status = status;
            slot->failed = i;
            slot->error = error;
        }
        if (!l->sampler && slot->loans[i].image.pixels && !slot->loans[i].kept) {
            slot->bytes += image_bytes(&slot->loans[i].image);
            l->waiting_bytes += image_bytes(&slot->loans[i].image);
        }
        if (++slot->done == slot->size)
            pthread_cond_signal(&l->ready);
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

/* ---- the consumer's side ----------------------------------------------------------------------------------------- */

/* Says what batch l->planned shall hold. Called without the mutex: no thread looks at a slot that is not planned. */
static void plan_slot(struct loader *l)
{
    struct slot *slot = &l->slots[l->planned % l->slot_count];
    uint64_t first = l->planned * l->batch;
    slot->number = l->planned;
    slot->size = l->batch;
    if (!l->sampler && l->dataset->count - first < l->batch)
        slot->size = (size_t)(l->dataset->count - first);
    for (size_t i = 0; i < slot->size; i++)
        slot->wanted[i] = l->sampler ? sampler_at(l->sampler, first + i) : (uint32_t)(first + i);
    slot->taken = slot->done = 0;
    slot->status = ASSAY_OK;
}

/* Gives back what a slot has borrowed. */
static void empty_slot(struct loader *l, struct slot *slot)
{
    for (size_t i = 0; slot->loans && i < slot->size; i++)
        pictures_return(&slot->loans[i]);
    pthread_mutex_lock(&l->mutex);
    l->waiting_bytes -= slot->bytes;
    slot->bytes = 0;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->mutex);
}

/* Plans batches for all slots that are free, and wakes the threads. */
static void plan_ahead(struct loader *l, uint64_t first_held)
{
    while (l->planned < l->end && l->planned - first_held < l->slot_count) {
        plan_slot(l);
        pthread_mutex_lock(&l->mutex);
        l->planned++;
        pthread_cond_broadcast(&l->work);
        pthread_mutex_unlock(&l->mutex);
    }
}

/* Shows what a finished slot holds; of a sequence only what could be read. */
static void show_slot(struct loader *l, struct slot *slot)
{
    size_t count = slot->size;
    if (!l->sampler) {
        count = 0;
        for (size_t i = 0; i < slot->size; i++) {
            if (!slot->loans[i].image.pixels)
                continue;
            slot->pictures[count] = &slot->loans[i].image;
            slot->used[count] = slot->wanted[i];
            slot->labels[count] = l->dataset->pictures[slot->wanted[i]].label;
            count++;
        }
    }
    l->out = (struct loader_batch){slot->number, count, slot->used, slot->labels, slot->images, slot->pictures};
}

assay_status loader_next(struct loader *l, const struct loader_batch **batch, struct assay_error *error)
{
    *batch = NULL;
    for (;;) {
        if (l->lent) {
            empty_slot(l, &l->slots[(l->next - 1) % l->slot_count]);
            l->lent = false;
            plan_ahead(l, l->next);
        }
        if (l->next >= l->end)
            return ASSAY_OK;
        struct slot *slot = &l->slots[l->next % l->slot_count];
        pthread_mutex_lock(&l->mutex);
        while (slot->done < slot->size)
            pthread_cond_wait(&l->ready, &l->mutex);
        assay_status status = slot->status;
        if (!status) {
            l->next++; /* may allow threads more memory */
            pthread_cond_broadcast(&l->work);
        }
        pthread_mutex_unlock(&l->mutex);
        if (status)
            return error_set(error, status, "%s", slot->error.message);
        show_slot(l, slot);
        l->lent = true;
        if (l->out.count) {
            *batch = &l->out;
            return ASSAY_OK;
        }
    }
}

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

static assay_status make_slots(struct loader *l, size_t count, struct assay_error *error)
{
    size_t floats, bytes;
    l->slots = arena_alloc(&l->arena, count, sizeof *l->slots);
    if (!l->slots)
        return error_memory(error, "the loader");
    l->slot_count = count;
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = &l->slots[i];
        slot->wanted = arena_alloc(&l->arena, l->batch, sizeof *slot->wanted);
        slot->used = arena_alloc(&l->arena, l->batch, sizeof *slot->used);
        slot->labels = arena_alloc(&l->arena, l->batch, sizeof *slot->labels);
        if (!slot->wanted || !slot->used || !slot->labels)
            return error_memory(error, "the loader");
        if (l->sampler) {
            if (size_mul(l->batch, l->window, &floats) && size_mul(floats, sizeof(float), &bytes))
                slot->images = mem_alloc_aligned(bytes);
            if (!slot->images)
                return error_set(error, ASSAY_ERROR_MEMORY, "out of memory for %zu batches of %zu windows of %d pixels",
                                 count, l->batch, l->preprocess.crop);
        } else {
            slot->loans = arena_alloc(&l->arena, l->batch, sizeof *slot->loans);
            slot->pictures = arena_alloc(&l->arena, l->batch, sizeof *slot->pictures);
            if (!slot->loans || !slot->pictures)
                return error_memory(error, "the loader");
        }
    }
    return ASSAY_OK;
}

static assay_status start_threads(struct loader *l, int64_t wanted, struct assay_error *error)
{
    sigset_t all, before;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (wanted == 0)
        wanted = processors > 0 ? processors : 1;
    if (wanted > THREADS_MAX)
        wanted = THREADS_MAX;
    if (pthread_mutex_init(&l->mutex, NULL) || pthread_cond_init(&l->work, NULL) || pthread_cond_init(&l->ready, NULL))
        return error_memory(error, "the loader");
    l->initialised = true;
    plan_ahead(l, l->next);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals go to the program's own threads */
    while ((int64_t)l->thread_count < wanted && pthread_create(&l->threads[l->thread_count], NULL, thread_main, l) == 0)
        l->thread_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    /* fewer threads than asked for do the same work */
    if (l->thread_count == 0)
        return error_set(error, ASSAY_ERROR_MEMORY, "cannot start a thread to decode pictures");
    return ASSAY_OK;
}

static assay_status check_options(const struct loader_options *o, size_t batch, uint64_t first,
                                  struct assay_error *error)
{
    if (batch < 1 || batch > BATCH_MAX)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "a batch of %zu pictures: it may be 1 to %d", batch, BATCH_MAX);
    if (o->threads < 0 || o->threads > THREADS_MAX || o->ahead < 1 || o->ahead > AHEAD_MAX || o->waiting_mb < 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "the loader's options are out of range");
    if (first > UINT64_MAX / 4 / batch)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "batch number %llu is too large", (unsigned long long)first);
    return ASSAY_OK;
}

/* `setup` is NULL for a sequence. */
static assay_status loader_open(struct pictures *pictures, size_t batch, const struct loader_options *options,
                                const struct loader_setup *setup, uint64_t first, struct loader **out,
                                struct assay_error *error)
{
    struct loader_options defaults;
    option_defaults(loader_option_table, &defaults);
    if (!options)
        options = &defaults;
    assay_status status = check_options(options, batch, first, error);
    if (status)
        return status;
    struct loader *l = mem_alloc(1, sizeof *l);
    if (!l)
        return error_memory(error, "the loader");
    l->pictures = pictures;
    l->dataset = pictures_dataset(pictures);
    l->batch = batch;
    l->next = l->filling = l->planned = first;
    l->end = UINT64_MAX / 2 / batch;
    l->waiting_max = UINT64_MAX;
    if (setup) {
        l->seed = setup->seed;
        l->preprocess = *setup->preprocess;
        l->window = (size_t)l->preprocess.crop * (size_t)l->preprocess.crop * IMAGE_CHANNELS;
        option_defaults(augment_option_table, &l->augment);
        if (setup->augment)
            l->augment = *setup->augment;
        status = augment_check(&l->augment, error);
        if (!status)
            status = sampler_create(l->dataset, setup->sampler, setup->seed, &l->sampler, error);
    } else {
        l->end = (l->dataset->count + batch - 1) / batch;
        l->waiting_max = (uint64_t)options->waiting_mb << MIB_SHIFT;
    }
    if (!status)
        status = make_slots(l, (size_t)options->ahead + 1, error); /* one is with the consumer */
    if (!status)
        status = start_threads(l, options->threads, error);
    if (status) {
        loader_free(l);
        return status;
    }
    *out = l;
    return ASSAY_OK;
}

assay_status loader_train(struct pictures *pictures, const struct loader_setup *setup, uint64_t first,
                          struct loader **out, struct assay_error *error)
{
    return loader_open(pictures, setup->batch, setup->options, setup, first, out, error);
}

assay_status loader_sequence(struct pictures *pictures, size_t batch, const struct loader_options *options,
                             uint64_t first, struct loader **out, struct assay_error *error)
{
    return loader_open(pictures, batch, options, NULL, first, out, error);
}

void loader_free(struct loader *l)
{
    if (!l)
        return;
    if (l->initialised) {
        pthread_mutex_lock(&l->mutex);
        l->stop = true;
        pthread_cond_broadcast(&l->work);
        pthread_mutex_unlock(&l->mutex);
        for (size_t i = 0; i < l->thread_count; i++)
            pthread_join(l->threads[i], NULL);
        pthread_cond_destroy(&l->work);
        pthread_cond_destroy(&l->ready);
        pthread_mutex_destroy(&l->mutex);
    }
    for (size_t i = 0; i < l->slot_count; i++) {
        struct slot *slot = &l->slots[i];
        for (size_t sample = 0; slot->loans && sample < l->batch; sample++)
            pictures_return(&slot->loans[sample]);
        mem_free(slot->images);
    }
    sampler_free(l->sampler);
    arena_free(&l->arena);
    mem_free(l);
}
