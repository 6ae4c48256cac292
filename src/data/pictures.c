/* pictures.c - decodes the pictures of a dataset once, keeps what fits, remembers what is damaged. */
#include "data/pictures.h"

#include <pthread.h>

#include "base/memory.h"

struct pictures {
    const struct dataset *dataset;
    struct assay_limits limits;
    pictures_problem *problem;
    void *context;
    uint64_t cache_bytes;

    pthread_mutex_t mutex; /* protects all that follows */
    struct image *kept;    /* [count]; NULL without a cache. Once there, an image stays and does not change */
    uint8_t *unreadable;   /* [count] */
    size_t unreadable_count;
    uint64_t kept_bytes;
};

assay_status pictures_create(const struct dataset *dataset, uint64_t cache_bytes, const struct assay_limits *limits,
                             pictures_problem *problem, void *context, struct pictures **out, struct assay_error *error)
{
    struct pictures *p = mem_alloc(1, sizeof *p);
    if (!p)
        return error_memory(error, "the pictures of a dataset");
    pthread_mutex_init(&p->mutex, NULL);
    p->dataset = dataset;
    p->limits = limits ? *limits : (struct assay_limits){0};
    p->problem = problem;
    p->context = context;
    p->cache_bytes = cache_bytes;
    p->unreadable = mem_alloc(dataset->count, sizeof *p->unreadable);
    p->kept = cache_bytes ? mem_alloc(dataset->count, sizeof *p->kept) : NULL;
    if (!p->unreadable || (cache_bytes && !p->kept)) {
        pictures_free(p);
        return error_memory(error, "the pictures of a dataset");
    }
    *out = p;
    return ASSAY_OK;
}

void pictures_free(struct pictures *p)
{
    if (!p)
        return;
    for (size_t i = 0; p->kept && i < p->dataset->count; i++)
        image_free(&p->kept[i]);
    mem_free(p->kept);
    mem_free(p->unreadable);
    pthread_mutex_destroy(&p->mutex);
    mem_free(p);
}

const struct dataset *pictures_dataset(const struct pictures *p)
{
    return p->dataset;
}

/* A decoded picture goes to the cache if it fits and no other thread was faster. */
static void keep(struct pictures *p, size_t index, struct picture_loan *loan)
{
    uint64_t bytes = image_bytes(&loan->image);
    if (!p->kept)
        return;
    pthread_mutex_lock(&p->mutex);
    if (!p->kept[index].pixels && bytes <= p->cache_bytes - p->kept_bytes) {
        p->kept[index] = loan->image;
        p->kept_bytes += bytes;
        loan->kept = true;
    }
    pthread_mutex_unlock(&p->mutex);
}

static void tell(struct pictures *p, size_t index, const struct assay_error *why)
{
    pthread_mutex_lock(&p->mutex);
    if (!p->unreadable[index]) {
        p->unreadable[index] = 1;
        p->unreadable_count++;
        if (p->problem)
            p->problem(p->context, &p->dataset->pictures[index], why);
    }
    pthread_mutex_unlock(&p->mutex);
}

assay_status pictures_borrow(struct pictures *p, size_t index, struct picture_loan *loan, struct assay_error *error)
{
    *loan = (struct picture_loan){0};
    pthread_mutex_lock(&p->mutex);
    bool unreadable = p->unreadable[index];
    if (p->kept && p->kept[index].pixels)
        *loan = (struct picture_loan){p->kept[index], true};
    pthread_mutex_unlock(&p->mutex);
    if (unreadable || loan->kept)
        return ASSAY_OK;

    struct assay_error why = {0};
    assay_status status = image_decode_file(p->dataset->pictures[index].path, &p->limits, &loan->image, &why);
    if (status) {
        loan->image = (struct image){0};
        /* what is no fault of the picture must not pass for one */
        if (status == ASSAY_ERROR_MEMORY || status == ASSAY_ERROR_INTERNAL)
            return error_set(error, status, "%s", why.message);
        tell(p, index, &why);
        return ASSAY_OK;
    }
    keep(p, index, loan);
    return ASSAY_OK;
}

void pictures_return(struct picture_loan *loan)
{
    if (!loan->kept)
        image_free(&loan->image);
    *loan = (struct picture_loan){0};
}

size_t pictures_unreadable(struct pictures *p)
{
    pthread_mutex_lock(&p->mutex);
    size_t count = p->unreadable_count;
    pthread_mutex_unlock(&p->mutex);
    return count;
}
