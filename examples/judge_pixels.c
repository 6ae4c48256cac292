/* judge_pixels.c - judges raw RGB pixels on several threads that share one model.
 *
 *     judge_pixels MODEL [THREADS]
 *
 * Pictures are drawn here: a colour gradient, a chessboard, noise and so on, as another program would have them in
 * memory. Each thread judges some of them; the answers are then compared with those of a single call. */
#include <assay/assay.h>

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { PICTURES = 12, MAX_THREADS = 16 };

/* What one thread is asked to do: pictures first, first + step, first + 2 step, ... */
struct job {
    struct assay_model *model;
    struct assay_picture **pictures;
    struct assay_result *results;
    int first, step;
    struct assay_error error; /* each thread has its own */
    int failed;
};

/* Picture number k, of a size of its own. Freed with free(). */
static uint8_t *draw(int k, int *width, int *height)
{
    *width = 90 + 37 * k;
    *height = 300 - 13 * k;
    uint8_t *pixels = malloc((size_t)*width * (size_t)*height * 3);
    if (!pixels)
        return NULL;
    uint32_t noise = 1u + (uint32_t)k;
    for (int y = 0; y < *height; y++)
        for (int x = 0; x < *width; x++) {
            uint8_t *p = pixels + ((size_t)y * (size_t)*width + (size_t)x) * 3;
            noise = noise * 1664525u + 1013904223u;
            p[0] = (uint8_t)(k % 3 == 0   ? 255 * x / *width
                             : k % 3 == 1 ? (x / 8 + y / 8) % 2 * 200
                                          : (int)(noise >> 24));
            p[1] = (uint8_t)(255 * y / *height);
            p[2] = (uint8_t)(noise >> 16 & 31);
        }
    return pixels;
}

static void *work(void *context)
{
    struct job *job = context;
    for (int i = job->first; i < PICTURES && !job->failed; i += job->step) {
        const struct assay_picture *picture = job->pictures[i];
        job->failed = assay_detect(job->model, &picture, 1, NULL, &job->results[i], &job->error) != ASSAY_OK;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct assay_error error = {0};
    struct assay_model *model = NULL;
    struct assay_picture *pictures[PICTURES] = {0};
    struct assay_result together[PICTURES], apart[PICTURES];
    struct job jobs[MAX_THREADS];
    pthread_t threads[MAX_THREADS];
    int started = 0, failed = 1;

    int thread_count = argc == 3 ? (int)strtol(argv[2], NULL, 10) : 4;
    if (argc < 2 || argc > 3 || thread_count < 1 || thread_count > MAX_THREADS) {
        fprintf(stderr, "usage: judge_pixels MODEL [THREADS, 1 to %d]\n", MAX_THREADS);
        return 2;
    }
    if (assay_init(&error) || assay_model_open(argv[1], NULL, &model, &error))
        goto done;
    for (int i = 0; i < PICTURES; i++) {
        int width, height;
        uint8_t *pixels = draw(i, &width, &height);
        if (!pixels)
            goto done;
        assay_status status = assay_picture_from_rgb(pixels, width, height, (size_t)width * 3, &pictures[i], &error);
        free(pixels); /* they were copied */
        if (status)
            goto done;
    }

    /* All in one call ... */
    if (assay_detect(model, (const struct assay_picture *const *)pictures, PICTURES, NULL, together, &error))
        goto done;

    /* ... and one by one, on several threads at once. */
    for (; started < thread_count; started++) {
        jobs[started] = (struct job){model, pictures, apart, started, thread_count, {0}, 0};
        if (pthread_create(&threads[started], NULL, work, &jobs[started]) != 0)
            break;
    }
    int complete = started == thread_count;
    for (int t = 0; t < started; t++) {
        pthread_join(threads[t], NULL);
        if (jobs[t].failed) {
            error = jobs[t].error;
            complete = 0;
        }
    }
    if (!complete)
        goto done;

    failed = 0;
    for (int i = 0; i < PICTURES; i++) {
        /* The same arithmetic in another grouping: equal but for rounding. */
        int same = fabs(together[i].probability - apart[i].probability) < 1e-4;
        printf("picture %2d: %4dx%3d %s %.4f%s\n", i, assay_picture_width(pictures[i]),
               assay_picture_height(pictures[i]), assay_verdict_text(apart[i].verdict), apart[i].probability,
               same ? "" : " DIFFERS");
        failed = failed || !same;
    }

done:
    if (failed)
        fprintf(stderr, "judge_pixels: %s\n", error.message[0] ? error.message : "failed");
    for (int i = 0; i < PICTURES; i++)
        assay_picture_free(pictures[i]);
    assay_model_close(model);
    return failed;
}
