/* runner_file.c - the file of a run, and how much of it an earlier run has done. */
#include "eval/runner_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/progress.h"
#include "eval/prediction.h"

#define SYNC_SECONDS 10.0

/* ---- what is there already --------------------------------------------------------------------------------------- */

/* A walk through the lines that the job gives, in order. */
struct checked {
    const struct runner_job *job;
    const char *path;
    struct predictions_extent extent;         /* before the line at hand */
    size_t set, picture, perturbation, model; /* of that line; set == set_count: behind the last */
    struct runner_start start;                /* the last beginning of a batch that was passed */
    uint64_t start_bytes;
};

/* Sets without pictures have no lines. */
static void skip_empty_sets(struct checked *c)
{
    while (c->set < c->job->set_count && c->job->sets[c->set].dataset->count == 0)
        c->set++;
}

static bool at_batch(const struct checked *c)
{
    return c->model == 0 && c->perturbation == 0 && c->picture % c->job->batch == 0;
}

static void note_start(struct checked *c)
{
    uint64_t before = 0;
    for (size_t s = 0; s < c->set; s++)
        before += c->job->sets[s].dataset->count;
    c->start = (struct runner_start){c->set, c->picture / c->job->batch, before + c->picture};
    c->start_bytes = c->extent.bytes;
}

static void step(struct checked *c)
{
    if (++c->model < c->job->model_count)
        return;
    c->model = 0;
    if (++c->perturbation < c->job->perturbation_count)
        return;
    c->perturbation = 0;
    if (++c->picture < c->job->sets[c->set].dataset->count)
        return;
    c->picture = 0;
    c->set++;
    skip_empty_sets(c);
}

static assay_status check_line(void *context, const struct prediction *p, struct assay_error *error)
{
    struct checked *c = context;
    const struct runner_job *job = c->job;
    uint64_t line = c->extent.count + 1;
    if (c->set == job->set_count)
        return error_set(error, ASSAY_ERROR_FORMAT, "%s, line %" PRIu64 ": more than the run has predictions", c->path,
                         line);
    if (at_batch(c))
        note_start(c);
    const struct dataset *dataset = job->sets[c->set].dataset;
    const struct dataset_picture *picture = &dataset->pictures[c->picture];
    const struct dataset_source *source = &dataset->sources[picture->source];
    if (strcmp(p->model, job->models[c->model].name) != 0 || strcmp(p->set, job->sets[c->set].name) != 0 ||
        strcmp(p->perturbation, job->perturbations[c->perturbation]) != 0 || strcmp(p->picture, picture->name) != 0 ||
        strcmp(p->source, source->name) != 0 || p->label != picture->label)
        return error_set(error, ASSAY_ERROR_FORMAT,
                         "%s, line %" PRIu64 ": not what this run has there (%s of %s, judged by %s)", c->path, line,
                         picture->name, job->sets[c->set].name, job->models[c->model].name);
    step(c);
    return ASSAY_OK;
}

/* Checks the lines that are there and cuts the file back to the last whole batch. */
static assay_status take_up(const struct runner_job *job, int fd, struct runner_start *start, struct assay_error *error)
{
    struct checked c = {.job = job, .path = job->path};
    skip_empty_sets(&c);
    assay_status status = predictions_scan(job->path, check_line, &c, &c.extent, error);
    if (status)
        return status;
    if (at_batch(&c)) /* also behind the last set */
        note_start(&c);
    *start = c.start;
    if (ftruncate(fd, (off_t)c.start_bytes) != 0 || lseek(fd, 0, SEEK_END) < 0)
        return error_errno(error, job->path, "cut back");
    return ASSAY_OK;
}

/* ---- the file ------------------------------------------------------------------------------------------------------ */

assay_status runner_file_open(const struct runner_job *job, struct runner_file *out, struct runner_start *start,
                              struct assay_error *error)
{
    int fd = open(job->path, O_RDWR | O_CREAT | O_CLOEXEC | (job->resume ? 0 : O_EXCL), 0666);
    if (fd < 0 && errno == EEXIST)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: is there already, from another run", job->path);
    if (fd < 0)
        return error_errno(error, job->path, "open");
    assay_status status = ASSAY_OK;
    *start = (struct runner_start){0};
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        status = errno == EWOULDBLOCK ? error_set(error, ASSAY_ERROR_IO, "%s: another process is writing it", job->path)
                                      : error_errno(error, job->path, "lock");
    else
        status = take_up(job, fd, start, error);
    if (status) {
        close(fd);
        return status;
    }
    *out = (struct runner_file){fd, job->path, clock_seconds()};
    return ASSAY_OK;
}

assay_status runner_file_append(struct runner_file *file, const struct array *text, struct assay_error *error)
{
    const char *at = text->data;
    for (size_t left = text->count; left > 0;) {
        ssize_t written = write(file->fd, at, left);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_errno(error, file->path, "write");
        at += written;
        left -= (size_t)written;
    }
    if (clock_seconds() - file->synced < SYNC_SECONDS)
        return ASSAY_OK;
    if (fdatasync(file->fd) != 0)
        return error_errno(error, file->path, "write");
    file->synced = clock_seconds();
    return ASSAY_OK;
}

assay_status runner_file_close(struct runner_file *file, struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    if (file->fd < 0)
        return status;
    if (fsync(file->fd) != 0)
        status = error_errno(error, file->path, "write");
    if (close(file->fd) != 0 && !status)
        status = error_errno(error, file->path, "write");
    file->fd = -1;
    return status;
}
