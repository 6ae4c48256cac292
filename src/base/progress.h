/* progress.h - how far a long piece of work is: a bar on a terminal, a plain line now and then elsewhere.
 * The library only counts and formats; the command passes the stream that it writes to (NULL: silent). */
#ifndef ASSAY_BASE_PROGRESS_H
#define ASSAY_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    FILE *stream;         /* NULL: silent */
    bool terminal;        /* redraw one line, or write further lines */
    const char *what;     /* such as "epoch 3/20" */
    uint64_t done, total; /* items; total 0: unknown */
    uint64_t from;        /* done at the start, for the rate after a resume */
    double started, drawn;
    int width; /* columns last drawn, to wipe them */
};

/* `what` must outlive the progress. */
void progress_begin(struct progress *p, FILE *stream, const char *what, uint64_t done, uint64_t total);

/* Sets how many items are done; `note` (may be NULL) is shown at the end of the line. Draws at most ten times a second
 * on a terminal, every ten seconds elsewhere. */
void progress_update(struct progress *p, uint64_t done, const char *note);

/* Wipes the bar, or writes the last line. */
void progress_end(struct progress *p, const char *note);

double progress_rate(const struct progress *p); /* items a second since the beginning */
int progress_digits(double rate); /* that a rate is printed with behind the point: below one a second more */
double clock_seconds(void);       /* monotonic */

#endif
