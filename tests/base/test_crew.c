/* test_crew.c - every job once, taken in order, several at once; large ones wait for each other; stopping frees all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/crew.h"
#include "base/parallel.h"

struct result {
    uint64_t job;
    int threads;
    char *text; /* owned */
    bool dirty; /* it was not zeroed */
};

struct scene {
    struct crew_options options;
    uint64_t bytes[64]; /* that a job holds, by its number modulo 64 */
    atomic_llong held, most_held;
    atomic_int begun, at_work, most_at_work, dropped;
    atomic_bool slow; /* jobs wait until two are at work, or for long */
    atomic_bool stopping_seen;
};

static struct assay_error error;

static void pause_for(long microseconds)
{
    nanosleep(&(struct timespec){0, microseconds * 1000}, NULL);
}

static void raise_to(atomic_int *most, int value)
{
    int now = atomic_load(most);
    while (value > now && !atomic_compare_exchange_weak(most, &now, value))
        ;
}

static void work(void *context, struct crew_seat *seat, uint64_t job, void *out)
{
    struct scene *s = context;
    struct result *r = out;
    long long bytes = (long long)s->bytes[job % 64];
    atomic_fetch_add(&s->begun, 1);
    if (bytes) {
        crew_hold(seat, (uint64_t)bytes);
        long long held = atomic_fetch_add(&s->held, bytes) + bytes, most = atomic_load(&s->most_held);
        while (held > most && !atomic_compare_exchange_weak(&s->most_held, &most, held))
            ;
    }
    raise_to(&s->most_at_work, atomic_fetch_add(&s->at_work, 1) + 1);
    for (int i = 0; i < 2000 && atomic_load(&s->slow) && atomic_load(&s->most_at_work) < 2; i++)
        pause_for(1000);
    if (job % 3 == 0)
        pause_for(300); /* out of order */
    r->dirty = r->job || r->threads || r->text || r->dirty;
    r->job = job;
    r->threads = parallel_threads();
    r->text = malloc(8);
    if (crew_stopping(seat))
        atomic_store(&s->stopping_seen, true);
    atomic_fetch_sub(&s->at_work, 1);
    atomic_fetch_sub(&s->held, bytes);
}

static void drop(void *context, void *out)
{
    struct scene *s = context;
    struct result *r = out;
    atomic_fetch_add(&s->dropped, r->text != NULL);
    free(r->text);
}

static struct crew *crew_of(struct scene *s, uint64_t first, uint64_t end, int workers, size_t window)
{
    struct crew *crew = NULL;
    s->options.first = first;
    s->options.end = end;
    s->options.workers = workers;
    s->options.threads = s->options.threads ? s->options.threads : 1;
    s->options.window = window;
    s->options.result_bytes = sizeof(struct result);
    s->options.work = work;
    s->options.drop = drop;
    s->options.context = s;
    assert_int_equal(crew_create(&s->options, &crew, &error), ASSAY_OK);
    return crew;
}

static uint64_t take(struct crew *crew, struct scene *s, uint64_t expected)
{
    uint64_t job;
    struct result *r = crew_next(crew, &job);
    if (!r)
        return 0;
    assert_int_equal(job, expected);
    assert_int_equal(r->job, expected);
    assert_false(r->dirty);
    assert_int_equal(r->threads, s->options.threads);
    free(r->text);
    return 1;
}

static void test_order(void **state)
{
    (void)state;
    static const int workers[] = {1, 2, 5}, windows[] = {1, 2, 7, 100};
    for (int w = 0; w < 3; w++)
        for (int i = 0; i < 4; i++) {
            struct scene s = {0};
            struct crew *crew = crew_of(&s, 5, 45, workers[w], (size_t)windows[i]);
            uint64_t at = 5;
            while (take(crew, &s, at))
                at++;
            uint64_t job;
            assert_int_equal(at, 45);
            assert_null(crew_next(crew, &job)); /* and stays at the end */
            crew_free(crew);
            assert_int_equal(atomic_load(&s.begun), 40);
            assert_int_equal(atomic_load(&s.dropped), 0);
        }
}

static void test_at_once(void **state)
{
    (void)state;
    struct scene s = {.slow = true};
    struct crew *crew = crew_of(&s, 0, 8, 2, 4);
    uint64_t at = 0;
    while (take(crew, &s, at))
        at++;
    crew_free(crew);
    assert_int_equal(atomic_load(&s.most_at_work), 2);
}

static void test_threads(void **state)
{
    (void)state;
    struct scene s = {.options = {.threads = 3}};
#ifndef _OPENMP
    s.options.threads = 1;
#endif
    int mine = parallel_threads();
    struct crew *crew = crew_of(&s, 0, 4, 2, 4);
    for (uint64_t at = 0; at < 4; at++)
        assert_int_equal(take(crew, &s, at), 1);
    crew_free(crew);
    assert_int_equal(parallel_threads(), mine); /* the taker's own are as before */
}

static void test_window(void **state)
{
    (void)state;
    struct scene s = {0};
    struct crew *crew = crew_of(&s, 0, 50, 3, 4);
    pause_for(20000);
    assert_int_equal(atomic_load(&s.begun), 4); /* nobody has taken anything */
    assert_int_equal(take(crew, &s, 0), 1);     /* it is still with the taker */
    pause_for(20000);
    assert_int_equal(atomic_load(&s.begun), 4);
    assert_int_equal(take(crew, &s, 1), 1);
    pause_for(20000);
    assert_int_equal(atomic_load(&s.begun), 5);
    crew_free(crew);
    assert_int_equal(atomic_load(&s.dropped), 3);
}

/* Together they stay below the limit; one above it goes on alone. */
static void test_held(void **state)
{
    (void)state;
    struct scene s = {.options = {.max_held = 100}};
    for (int i = 0; i < 64; i++)
        s.bytes[i] = i % 8 == 5 ? 250 : i % 8 == 2 ? 0 : 30 + (uint64_t)i % 8;
    struct crew *crew = crew_of(&s, 0, 200, 6, 32);
    uint64_t at = 0;
    while (take(crew, &s, at))
        at++;
    crew_free(crew);
    assert_int_equal(at, 200);
    assert_int_equal(atomic_load(&s.most_held), 250);

    struct scene small = {.options = {.max_held = 100}};
    for (int i = 0; i < 64; i++)
        small.bytes[i] = 26 + (uint64_t)i % 8;
    crew = crew_of(&small, 0, 100, 6, 32);
    for (at = 0; take(crew, &small, at); at++)
        ;
    crew_free(crew);
    assert_true(atomic_load(&small.most_held) <= 100);
    assert_true(atomic_load(&small.most_held) > 33);
}

static void test_stopped(void **state)
{
    (void)state;
    for (uint64_t taken = 0; taken < 6; taken++) {
        struct scene s = {0};
        struct crew *crew = crew_of(&s, 0, 1000, 3, 8);
        for (uint64_t at = 0; at < taken; at++)
            assert_int_equal(take(crew, &s, at), 1);
        crew_free(crew);
        assert_true(atomic_load(&s.begun) < 1000);
        assert_int_equal((uint64_t)atomic_load(&s.dropped) + taken, (uint64_t)atomic_load(&s.begun));
    }
    struct scene s = {0};
    uint64_t job;
    struct crew *none = crew_of(&s, 7, 7, 4, 8);
    assert_null(crew_next(none, &job));
    crew_free(none);
    crew_free(NULL);
    assert_int_equal(atomic_load(&s.begun), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order),   cmocka_unit_test(test_at_once),
                                       cmocka_unit_test(test_threads), cmocka_unit_test(test_window),
                                       cmocka_unit_test(test_held),    cmocka_unit_test(test_stopped)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
