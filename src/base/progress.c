/* progress.c - draws a bar or writes a line. */
#include "base/progress.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void progress_begin(struct progress *p, FILE *stream, const char *what, uint64_t done, uint64_t total)
{
    *p = (struct progress){.stream = stream, .what = what, .done = done, .from = done, .total = total};
    p->terminal = stream && isatty(fileno(stream));
    p->started = p->drawn = clock_seconds();
}

double progress_rate(const struct progress *p)
{
    double elapsed = clock_seconds() - p->started;
    return elapsed > 0 ? (double)(p->done - p->from) / elapsed : 0;
}

int progress_digits(double rate)
{
    return rate < 1 ? 2 : 1;
}

static void format_duration(double seconds, char *text, size_t size)
{
    uint64_t s = seconds > 0 && seconds < 1e9 ? (uint64_t)seconds : 0;
    if (s >= 3600)
        snprintf(text, size, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
    else
        snprintf(text, size, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
}

static void progress_draw(struct progress *p, const char *note)
{
    char line[256], left[32] = "?";
    double rate = progress_rate(p);
    int length;
    if (p->total) {
        double share = p->done < p->total ? (double)p->done / (double)p->total : 1;
        char bar[21];
        for (int i = 0; i < 20; i++)
            bar[i] = i < (int)(share * 20) ? '#' : '.';
        bar[20] = '\0';
        if (rate > 0)
            format_duration((double)(p->total - p->done) / rate, left, sizeof left);
        length = snprintf(line, sizeof line, "%s [%s] %" PRIu64 "/%" PRIu64 ", %.*f/s, %s left%s%s", p->what, bar,
                          p->done, p->total, progress_digits(rate), rate, left, note ? ", " : "", note ? note : "");
    } else {
        length = snprintf(line, sizeof line, "%s %" PRIu64 ", %.*f/s%s%s", p->what, p->done, progress_digits(rate),
                          rate, note ? ", " : "", note ? note : "");
    }
    if (length >= (int)sizeof line)
        length = (int)sizeof line - 1;
    if (p->terminal)
        fprintf(p->stream, "\r%-*s", p->width > length ? p->width : length, line);
    else
        fprintf(p->stream, "%s\n", line);
    fflush(p->stream);
    p->width = length;
    p->drawn = clock_seconds();
}

void progress_update(struct progress *p, uint64_t done, const char *note)
{
    p->done = done;
    if (p->stream && clock_seconds() - p->drawn >= (p->terminal ? 0.1 : 10.0))
        progress_draw(p, note);
}

void progress_end(struct progress *p, const char *note)
{
    if (!p->stream)
        return;
    if (p->terminal) {
        fprintf(p->stream, "\r%*s\r", p->width, "");
        fflush(p->stream);
        p->width = 0;
    } else {
        progress_draw(p, note);
    }
}
