/* decode_queue.c - a ring of decoded pictures, filled by threads and emptied in order. */
#include "cli/decode_queue.h"

#include <pthread.h>

#include "base/memory.h"

struct slot {
    struct decoded decoded;
    bool ready;
};

struct decode_queue {
    const struct input *inputs;
    size_t count;
    struct decode_options options;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t room;  /* a decoder may go on */
    pthread_cond_t ready; /* a picture became ready */
    struct slot *slots;   /* input i lies in slots[i % window] */
    size_t first;         /* the next input to hand out */
    size_t next;          /* the next input to decode; first <= next <= first + window */
    size_t bytes;         /* of pixels decoded and not released */
    bool stopping;

    pthread_t *threads;
    int started;
};

/* Memory is short: the decoder waits, unless everybody waits for the very picture that it would decode. */
static bool may_decode(const struct decode_queue *queue)
{
    return queue->next < queue->first + queue->options.window &&
           (queue->bytes < queue->options.max_bytes || queue->next == queue->first);
}

static void decode_one(const struct decode_queue *queue, const struct input *input, struct decoded *out)
{
    *out = (struct decoded){.input = input};
    if (input->problem)
        out->status = error_set(&out->error, ASSAY_ERROR_IO, "%s", input->problem);
    else
        out->status = image_decode_file(input->path, &queue->options.limits, &out->image, &out->error);
}

static void *decoder(void *context)
{
    struct decode_queue *queue = context;
    pthread_mutex_lock(&queue->lock);
    for (;;) {
        while (!queue->stopping && queue->next < queue->count && !may_decode(queue))
            pthread_cond_wait(&queue->room, &queue->lock);
        if (queue->stopping || queue->next == queue->count)
            break;
        size_t index = queue->next++;
        struct slot *slot = &queue->slots[index % queue->options.window];
        pthread_mutex_unlock(&queue->lock);

        decode_one(queue, &queue->inputs[index], &slot->decoded);

        pthread_mutex_lock(&queue->lock);
        slot->ready = true;
        queue->bytes += image_bytes(&slot->decoded.image);
        pthread_cond_signal(&queue->ready);
    }
    pthread_mutex_unlock(&queue->lock);
    return NULL;
}

assay_status decode_queue_create(const struct input *inputs, size_t count, const struct decode_options *options,
                                 struct decode_queue **out, struct assay_error *error)
{
    struct decode_queue *queue = mem_alloc(1, sizeof *queue);
    if (!queue)
        return error_memory(error, "the pictures under way");
    queue->inputs = inputs;
    queue->count = count;
    queue->options = *options;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->room, NULL);
    pthread_cond_init(&queue->ready, NULL);
    queue->slots = mem_alloc(options->window, sizeof *queue->slots);
    queue->threads = mem_alloc((size_t)options->threads, sizeof *queue->threads);
    assay_status status = queue->slots && queue->threads ? ASSAY_OK : error_memory(error, "the pictures under way");
    while (!status && queue->started < options->threads &&
           pthread_create(&queue->threads[queue->started], NULL, decoder, queue) == 0)
        queue->started++;
    if (!status && queue->started == 0)
        status = error_set(error, ASSAY_ERROR_MEMORY, "cannot start a thread to decode pictures");
    if (status) {
        decode_queue_free(queue);
        return status;
    }
    *out = queue;
    return ASSAY_OK;
}

size_t decode_queue_take(struct decode_queue *queue, struct decoded *out, size_t max)
{
    size_t taken = 0;
    pthread_mutex_lock(&queue->lock);
    while (queue->first < queue->count && taken < max) {
        struct slot *slot = &queue->slots[queue->first % queue->options.window];
        if (!slot->ready && taken > 0)
            break;
        while (!slot->ready)
            pthread_cond_wait(&queue->ready, &queue->lock);
        out[taken++] = slot->decoded;
        *slot = (struct slot){0};
        queue->first++;
        pthread_cond_broadcast(&queue->room);
    }
    pthread_mutex_unlock(&queue->lock);
    return taken;
}

void decode_queue_release(struct decode_queue *queue, struct decoded *decoded)
{
    size_t bytes = image_bytes(&decoded->image);
    image_free(&decoded->image);
    pthread_mutex_lock(&queue->lock);
    queue->bytes -= bytes;
    pthread_cond_broadcast(&queue->room);
    pthread_mutex_unlock(&queue->lock);
}

void decode_queue_free(struct decode_queue *queue)
{
    if (!queue)
        return;
    pthread_mutex_lock(&queue->lock);
    queue->stopping = true;
    pthread_cond_broadcast(&queue->room);
    pthread_mutex_unlock(&queue->lock);
    for (int i = 0; i < queue->started; i++)
        pthread_join(queue->threads[i], NULL);
    for (size_t i = 0; queue->slots && i < queue->options.window; i++)
        image_free(&queue->slots[i].decoded.image);
    pthread_cond_destroy(&queue->ready);
    pthread_cond_destroy(&queue->room);
    pthread_mutex_destroy(&queue->lock);
    mem_free(queue->threads);
    mem_free(queue->slots);
    mem_free(queue);
}
