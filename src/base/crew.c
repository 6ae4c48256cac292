/* crew.c - a ring of results, filled by workers that take the next job nobody has taken, emptied in order. */
#include "base/crew.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"

struct crew_seat {
    struct crew *crew;
    uint64_t held; /* by the job at hand */
};

struct crew {
    struct crew_options options;
    struct crew_seat *seats; /* [workers] */
    pthread_t *threads;      /* [workers] */
    int started;
    bool initialised; /* the mutex and the conditions */
    uint64_t lent;    /* first + how many results were handed out; job j's result is that of slot j % window */

    pthread_mutex_t mutex; /* protects what follows */
    pthread_cond_t room;   /* a worker may go on */
    pthread_cond_t ready;  /* a result is there */
    char *results;         /* [window] of result_bytes */
    bool *done;            /* [window] */
    uint64_t next;         /* the job to begin next */
    uint64_t taken;        /* jobs before this one are done with */
    uint64_t held;         /* bytes, by all */
    bool stopping;
};

static void *result_at(struct crew *crew, uint64_t job)
{
    return crew->results + job % crew->options.window * crew->options.result_bytes;
}

static void *worker(void *context)
{
    struct crew_seat *seat = context;
    struct crew *crew = seat->crew;
    const struct crew_options *o = &crew->options;
    parallel_use_threads(o->threads);
    pthread_mutex_lock(&crew->mutex);
    for (;;) {
        while (!crew->stopping && crew->next < o->end && crew->next - crew->taken >= o->window)
            pthread_cond_wait(&crew->room, &crew->mutex);
        if (crew->stopping || crew->next == o->end)
            break;
        uint64_t job = crew->next++;
        pthread_mutex_unlock(&crew->mutex);

        o->work(o->context, seat, job, result_at(crew, job));

        pthread_mutex_lock(&crew->mutex);
        crew->done[job % o->window] = true;
        if (seat->held) {
            crew->held -= seat->held;
            seat->held = 0;
            pthread_cond_broadcast(&crew->room);
        }
        pthread_cond_signal(&crew->ready);
    }
    pthread_mutex_unlock(&crew->mutex);
    return NULL;
}

void crew_hold(struct crew_seat *seat, uint64_t bytes)
{
    struct crew *crew = seat->crew;
    pthread_mutex_lock(&crew->mutex);
    while (!seat->held && crew->held && crew->held + bytes > crew->options.max_held)
        pthread_cond_wait(&crew->room, &crew->mutex);
    seat->held += bytes;
    crew->held += bytes;
    pthread_mutex_unlock(&crew->mutex);
}

bool crew_stopping(struct crew_seat *seat)
{
    pthread_mutex_lock(&seat->crew->mutex);
    bool stopping = seat->crew->stopping;
    pthread_mutex_unlock(&seat->crew->mutex);
    return stopping;
}

static assay_status start(struct crew *crew, struct assay_error *error)
{
    sigset_t all, before;
    if (pthread_mutex_init(&crew->mutex, NULL) || pthread_cond_init(&crew->room, NULL) ||
        pthread_cond_init(&crew->ready, NULL))
        return error_memory(error, "workers");
    crew->initialised = true;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals go to the program's own threads */
    for (int i = 0; i < crew->options.workers; i++) {
        crew->seats[i].crew = crew;
        if (pthread_create(&crew->threads[i], NULL, worker, &crew->seats[i]) != 0)
            break; /* fewer do the same work */
        crew->started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return crew->started ? ASSAY_OK : error_set(error, ASSAY_ERROR_MEMORY, "cannot start a thread to work on");
}

assay_status crew_create(const struct crew_options *options, struct crew **out, struct assay_error *error)
{
    struct crew *crew = mem_alloc(1, sizeof *crew);
    if (!crew)
        return error_memory(error, "workers");
    uint64_t jobs = options->end - options->first;
    crew->options = *options;
    if (jobs < (uint64_t)options->workers)
        crew->options.workers = jobs ? (int)jobs : 1;
    crew->next = crew->taken = crew->lent = options->first;
    crew->seats = mem_alloc((size_t)crew->options.workers, sizeof *crew->seats);
    crew->threads = mem_alloc((size_t)crew->options.workers, sizeof *crew->threads);
    crew->results = mem_alloc(options->window, options->result_bytes);
    crew->done = mem_alloc(options->window, sizeof *crew->done);
    assay_status status = crew->seats && crew->threads && crew->results && crew->done ? start(crew, error)
                                                                                      : error_memory(error, "workers");
    if (status) {
        crew_free(crew);
        return status;
    }
    *out = crew;
    return ASSAY_OK;
}

void *crew_next(struct crew *crew, uint64_t *job)
{
    void *result = NULL;
    pthread_mutex_lock(&crew->mutex);
    if (crew->taken < crew->lent) { /* the one before is given back */
        memset(result_at(crew, crew->taken), 0, crew->options.result_bytes);
        crew->done[crew->taken % crew->options.window] = false;
        crew->taken++;
        pthread_cond_broadcast(&crew->room);
    }
    if (crew->lent < crew->options.end) {
        while (!crew->done[crew->lent % crew->options.window])
            pthread_cond_wait(&crew->ready, &crew->mutex);
        *job = crew->lent++;
        result = result_at(crew, *job);
    }
    pthread_mutex_unlock(&crew->mutex);
    return result;
}

void crew_free(struct crew *crew)
{
    if (!crew)
        return;
    if (crew->initialised) {
        pthread_mutex_lock(&crew->mutex);
        crew->stopping = true;
        pthread_cond_broadcast(&crew->room);
        pthread_mutex_unlock(&crew->mutex);
        for (int i = 0; i < crew->started; i++)
            pthread_join(crew->threads[i], NULL);
        for (uint64_t job = crew->lent; crew->options.drop && job < crew->next; job++)
            crew->options.drop(crew->options.context, result_at(crew, job));
        pthread_cond_destroy(&crew->ready);
        pthread_cond_destroy(&crew->room);
        pthread_mutex_destroy(&crew->mutex);
    }
    mem_free(crew->done);
    mem_free(crew->results);
    mem_free(crew->threads);
    mem_free(crew->seats);
    mem_free(crew);
}
