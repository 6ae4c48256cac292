/* runner_file.c - the file of a run, and how much of it an earlier run has done. */
#include "eval/runner_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/progress.h"

#define SYNC_SECONDS 10.0

/* ---- what is there already --------------------------------------------------------------------------------------- */

/* A walk through the lines that the job gives, in order. */
struct walk {
    const struct runner_job *job;
    struct runner_place place;        /* of the line that comes next */
    struct predictions_extent extent; /* before it */
    runner_visit *visit;
    void *context;
};

/* Sets without pictures have no lines. */
static void skip_empty_sets(struct walk *w)
{
    while (w->place.set < w->job->set_count && w->job->sets[w->place.set].dataset->count == 0)
        w->place.set++;
}

static void step(struct walk *w)
{
    struct runner_place *p = &w->place;
    if (++p->model < w->job->model_count)
        return;
    p->model = 0;
    if (++p->perturbation < w->job->perturbation_count)
        return;
    p->perturbation = 0;
    if (++p->picture < w->job->sets[p->set].dataset->count)
        return;
    p->picture = 0;
    p->set++;
    skip_empty_sets(w);
}

static assay_status check_line(void *context, const struct prediction *p, struct assay_error *error)
{
    struct walk *w = context;
    const struct runner_job *job = w->job;
    uint64_t line = w->extent.count + 1;
    if (w->place.set == job->set_count)
        return error_set(error, ASSAY_ERROR_FORMAT, "%s, line %" PRIu64 ": more than the run has predictions",
                         job->path, line);
    const struct runner_set *set = &job->sets[w->place.set];
    const struct dataset_picture *picture = &set->dataset->pictures[w->place.picture];
    const struct dataset_source *source = &set->dataset->sources[picture->source];
    if (strcmp(p->model, job->models[w->place.model].name) != 0 || strcmp(p->set, set->name) != 0 ||
        strcmp(p->perturbation, job->perturbations[w->place.perturbation]) != 0 ||
        strcmp(p->picture, picture->name) != 0 || strcmp(p->source, source->name) != 0 || p->label != picture->label)
        return error_set(error, ASSAY_ERROR_FORMAT,
                         "%s, line %" PRIu64 ": not what this run has there (%s of %s, judged by %s)", job->path, line,
                         picture->name, set->name, job->models[w->place.model].name);
    assay_status status = w->visit(w->context, &w->place, &w->extent, p, error);
    step(w);
    return status;
}

assay_status runner_file_scan(const struct runner_job *job, runner_visit *visit, void *context,
                              struct runner_place *end, struct predictions_extent *extent, struct assay_error *error)
{
    struct walk w = {.job = job, .visit = visit, .context = context};
    skip_empty_sets(&w);
    assay_status status = predictions_scan(job->path, check_line, &w, &w.extent, error);
    *end = w.place;
    *extent = w.extent;
    return status;
}

/* The last beginning of a picture that was passed. */
struct beginning {
    const struct runner_job *job;
    uint64_t pictures, bytes; /* before it */
};

static void note_beginning(struct beginning *b, const struct runner_place *place, uint64_t bytes)
{
    if (place->model || place->perturbation)
        return;
    uint64_t before = 0;
    for (size_t s = 0; s < place->set; s++)
        before += b->job->sets[s].dataset->count;
    b->pictures = before + place->picture;
    b->bytes = bytes;
}

static assay_status pass_line(void *context, const struct runner_place *place, const struct predictions_extent *before,
                              const struct prediction *prediction, struct assay_error *error)
{
    (void)prediction;
    (void)error;
    note_beginning(context, place, before->bytes);
    return ASSAY_OK;
}

/* Checks the lines that are there and cuts the file back to the last whole picture. */
static assay_status take_up(const struct runner_job *job, int fd, uint64_t *done, struct assay_error *error)
{
    struct beginning b = {.job = job};
    struct runner_place end;
    struct predictions_extent extent;
    assay_status status = runner_file_scan(job, pass_line, &b, &end, &extent, error);
    if (status)
        return status;
    note_beginning(&b, &end, extent.bytes);
    *done = b.pictures;
    if (ftruncate(fd, (off_t)b.bytes) != 0 || lseek(fd, 0, SEEK_END) < 0)
        return error_errno(error, job->path, "cut back");
    return ASSAY_OK;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

assay_status runner_file_open(const struct runner_job *job, struct runner_file *out, uint64_t *done,
                              struct assay_error *error)
{
    int fd = open(job->path, O_RDWR | O_CREAT | O_CLOEXEC | (job->resume ? 0 : O_EXCL), 0666);
    if (fd < 0 && errno == EEXIST)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "%s: is there already, from another run", job->path);
    if (fd < 0)
        return error_errno(error, job->path, "open");
    assay_status status = ASSAY_OK;
    *done = 0;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        status = errno == EWOULDBLOCK ? error_set(error, ASSAY_ERROR_IO, "%s: another process is writing it", job->path)
                                      : error_errno(error, job->path, "lock");
    else
        status = take_up(job, fd, done, error);
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
