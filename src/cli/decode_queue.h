/* decode_queue.h - threads that decode pictures ahead of whoever judges them, and hand them out in the order of the
 * input. Memory is bounded: at most `window` pictures wait, and no further one is begun while those decoded and not yet
 * released take more than `max_bytes` (one a thread may go beyond it). */
#ifndef ASSAY_CLI_DECODE_QUEUE_H
#define ASSAY_CLI_DECODE_QUEUE_H

#include "cli/inputs.h"
#include "image/image.h"

struct decode_options {
    struct assay_limits limits;
    int threads;      /* at least 1 */
    size_t window;    /* pictures */
    size_t max_bytes; /* of pixels */
};

/* One input, decoded or not. */
struct decoded {
    const struct input *input;
    struct image image; /* empty where status is not ASSAY_OK */
    assay_status status;
    struct assay_error error;
};

struct decode_queue;

/* Starts the threads. The inputs must outlive the queue. */
assay_status decode_queue_create(const struct input *inputs, size_t count, const struct decode_options *options,
                                 struct decode_queue **out, struct assay_error *error);

/* The next inputs in order: waits for the first, takes those behind it that are ready, at most `max`. 0: the end.
 * Each is given back with decode_queue_release. */
size_t decode_queue_take(struct decode_queue *queue, struct decoded *out, size_t max);
void decode_queue_release(struct decode_queue *queue, struct decoded *decoded);

/* Stops the threads, whatever is left, and frees everything. NULL is fine. */
void decode_queue_free(struct decode_queue *queue);

#endif
