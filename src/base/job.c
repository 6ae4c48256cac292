/* job.c - watching and stopping calls: the public functions on a job, and what the library asks it. */
#include "base/job.h"

#include "base/memory.h"

assay_status assay_job_create(assay_progress *progress, void *context, struct assay_job **out,
                              struct assay_error *error)
{
    if (!out)
        return error_set(error, ASSAY_ERROR_ARGUMENT, "assay_job_create: out must not be NULL");
    struct assay_job *job = mem_alloc(1, sizeof *job);
    if (!job)
        return error_memory(error, "a job");
    atomic_init(&job->cancelled, false);
    job->progress = progress;
    job->context = context;
    *out = job;
    return ASSAY_OK;
}

void assay_job_cancel(struct assay_job *job)
{
    if (job)
        atomic_store(&job->cancelled, true);
}

int assay_job_cancelled(const struct assay_job *job)
{
    return job && atomic_load(&job->cancelled);
}

void assay_job_free(struct assay_job *job)
{
    mem_free(job);
}

assay_status watch_step(const struct watch *watch, double share, const char *what, struct assay_error *error)
{
    struct assay_job *job = watch ? watch->job : NULL;
    if (!job)
        return ASSAY_OK;
    if (!atomic_load(&job->cancelled) && job->progress &&
        job->progress(job->context, watch->stage, watch->from + (watch->to - watch->from) * share))
        atomic_store(&job->cancelled, true);
    if (atomic_load(&job->cancelled))
        return error_set(error, ASSAY_ERROR_CANCELLED, "%s: stopped, as the caller asked", what);
    return ASSAY_OK;
}
