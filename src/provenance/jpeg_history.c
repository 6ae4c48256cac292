/* jpeg_history.c - histograms of quantised coefficients, with and without the pattern of an earlier step. */
#include "provenance/jpeg_history.h"

#include <math.h>

#include "image/jpeg_header.h"
#include "image/jpeg_peek.h"
#include "image/jpeg_quality.h"

enum {
    MODES = 9,         /* frequencies, the lowest in the order of the zigzag without the mean */
    BINS = 32,         /* values 1 to 32, either sign */
    LEAST_MODES = 3,   /* that must be usable, and speak for an earlier step: one alone may be the picture's own */
    LEAST_PERIODS = 2, /* of the pattern */
    LEAST_BINS = 6,    /* a histogram of fewer values says nothing: three are for the curve */
    LEAST_COUNT = 4,   /* in the last value that is looked at */
    TERMS = 3,         /* of the curve: a constant, the value, its logarithm */
    STEPS = 64,        /* earlier steps of 1 to this are tried */
    ITERATIONS = 6
};

static const double stray = 0.01; /* share of coefficients that lie anywhere: clipped pixels, colour */
static const double choice = 3;   /* of one step among many: the logarithm of how many do about as well */
/* What is enough to speak of an earlier compression; docs/provenance.md has what that gives. */
static const double enough_libjpeg = 12, enough_any = 18;
static const double libjpeg_share = 0.8; /* of the best that any tables explain, to name a quality */

struct histogram {
    int step;               /* in the file */
    int bins;               /* values that are looked at, from 1; 0: too few */
    double count[BINS];     /* of 1 and -1, of 2 and -2... */
    double plain;           /* deviance of the smooth curve */
    double gain[STEPS + 1]; /* by an earlier step, see explain */
};

struct histograms {
    struct histogram modes[MODES];
    size_t blocks;
};

static void count_row(void *context, const int16_t (*blocks)[JPEG_PEEK_BLOCK], size_t count)
{
    struct histograms *h = context;
    for (size_t i = 0; i < count; i++) {
        for (int m = 0; m < MODES; m++) {
            int value = blocks[i][jpeg_zigzag[m + 1]];
            value = value < 0 ? -value : value;
            if (value >= 1 && value <= BINS)
                h->modes[m].count[value - 1]++;
        }
    }
    h->blocks += count;
}

/* Values up to the first rare one. */
static int usable_bins(const struct histogram *h)
{
    int bins = 0;
    double behind = 0;
    for (int k = BINS - 1; k >= 0; k--) {
        behind += h->count[k];
        if (behind >= LEAST_COUNT * (BINS - k) && behind >= 4 * LEAST_COUNT) {
            bins = k + 1;
            break;
        }
    }
    return bins >= LEAST_BINS ? bins : 0;
}

/* ---- Curves ------------------------------------------------------------------------------------------------------ */

/* Solves a 3 x 3 system with a symmetric matrix; false where there is no answer. */
static bool solve(double a[TERMS][TERMS], double b[TERMS], double x[TERMS])
{
    for (int i = 0; i < TERMS; i++) {
        if (!(fabs(a[i][i]) > 1e-9))
            return false;
        for (int r = i + 1; r < TERMS; r++) {
            double f = a[r][i] / a[i][i];
            for (int c = i; c < TERMS; c++)
                a[r][c] -= f * a[i][c];
            b[r] -= f * b[i];
        }
    }
    for (int i = TERMS - 1; i >= 0; i--) {
        double sum = b[i];
        for (int c = i + 1; c < TERMS; c++)
            sum -= a[i][c] * x[c];
        x[i] = sum / a[i][i];
    }
    return isfinite(x[0]) && isfinite(x[1]) && isfinite(x[2]);
}

/* How far the counts lie from their best curve exp(x0 + x1 k + x2 log k) times `pattern`: the deviance of Poisson's
 * distribution, by iteratively reweighted least squares from a fit of the logarithms. Where it begins far above
 * `hopeless` it goes no further. */
static double deviance(const struct histogram *h, const double *pattern, const double (*terms)[TERMS], double hopeless)
{
    double x[TERMS] = {0}, best = INFINITY;
    double mean[BINS], target[BINS], fixed = 0; /* fixed: the part of the deviance that no curve changes */
    for (int k = 0; k < h->bins; k++) {
        double n = h->count[k];
        mean[k] = n + 0.5;
        target[k] = log(mean[k] / (pattern[k] + 0.02));
        fixed += n > 0 ? n * log(n / pattern[k]) - n : 0;
    }
    for (int round = 0; round <= ITERATIONS; round++) {
        double a[TERMS][TERMS] = {{0}}, b[TERMS] = {0};
        for (int k = 0; k < h->bins; k++) {
            for (int i = 0; i < TERMS; i++) {
                double weighted = mean[k] * terms[k][i];
                b[i] += weighted * target[k];
                for (int j = i; j < TERMS; j++)
                    a[i][j] += weighted * terms[k][j];
            }
        }
        for (int i = 0; i < TERMS; i++)
            for (int j = 0; j < i; j++)
                a[i][j] = a[j][i];
        if (!solve(a, b, x))
            break;
        double sum = fixed;
        for (int k = 0; k < h->bins; k++) {
            double e = x[0] + x[1] * terms[k][1] + x[2] * terms[k][2];
            e = e < 40 ? e : 40;
            mean[k] = pattern[k] * exp(e) + 1e-6;
            target[k] = e + h->count[k] / mean[k] - 1;
            sum += mean[k] - h->count[k] * e;
        }
        sum *= 2;
        if (sum > 2 * hopeless || (sum < best && best - sum < 0.01 * sum))
            return sum;
        best = fmin(best, sum);
    }
    return best;
}

/* How many multiples of an earlier step, from the first on, lie below an edge between two values: `edge` in halves,
 * each multiple being spread by the rounding of pixels in between, whose deviation is half a step of 1. */
static double multiples_below(int edge, int earlier)
{
    /* the normal distribution's integral at -4 to 4 deviations */
    static const double integral[9] = {3.167e-5, 0.00135, 0.02275, 0.15866, 0.5, 0.84134, 0.97725, 0.99865, 0.99997};
    int period = 2 * earlier, sure = edge > 4 ? (edge - 5) / period : 0; /* multiples more than 4 halves below */
    double sum = sure;
    for (int m = sure + 1; m * period <= edge + 4; m++)
        sum += integral[4 + edge - m * period];
    return sum;
}

/* How many multiples of an earlier step fall to the values 1, 2... of this one, as a share of what would on the
 * average. */
static void earlier_pattern(int earlier, int step, int bins, double *pattern)
{
    double below = multiples_below(step, earlier);
    for (int k = 0; k < bins; k++) {
        double with = multiples_below((2 * k + 3) * step, earlier);
        pattern[k] = (1 - stray) * (with - below) * earlier / step + stray;
        below = with;
    }
}

/* What an earlier step explains of a histogram that the smooth curve alone does not: half the number of values times
 * the logarithm of the deviances' ratio, each with what chance adds. */
static double explain(const struct histogram *h, int earlier, const double (*terms)[TERMS])
{
    double pattern[BINS];
    if (earlier == h->step || LEAST_PERIODS * earlier > h->bins * h->step)
        return 0;
    earlier_pattern(earlier, h->step, h->bins, pattern);
    double with = deviance(h, pattern, terms, h->plain + h->bins);
    return h->bins / 2.0 * log((h->plain + h->bins) / (with + h->bins));
}

/* ---- Over all frequencies ---------------------------------------------------------------------------------------- */

/* What speaks for tables of libjpeg's: their steps belong together. The best of its qualities, and its sum. */
static double weigh_libjpeg(const struct histogram *modes, int *best_quality)
{
    double best = 0;
    for (int quality = 1; quality <= 100; quality++) {
        double sum = 0;
        int speak = 0;
        for (int m = 0; m < MODES; m++) {
            int step = jpeg_quality_table(quality, false, true, m + 1);
            double gain = step <= STEPS ? modes[m].gain[step] : 0;
            sum += gain;
            speak += gain >= 1;
        }
        if (speak >= LEAST_MODES && sum > best) {
            best = sum;
            *best_quality = quality;
        }
    }
    return best;
}

/* What speaks for tables of any kind: each frequency has the step that fits it best, at a price for having the
 * choice. */
static double weigh_any(const struct histogram *modes, double *all)
{
    double sum = 0;
    int speak = 0;
    *all = 0;
    for (int m = 0; m < MODES; m++) {
        double most = 0;
        for (int step = 1; step <= STEPS; step++)
            most = fmax(most, modes[m].gain[step]);
        *all += most;
        sum += fmax(0, most - choice);
        speak += most > choice;
    }
    return speak >= LEAST_MODES ? sum : 0;
}

struct jpeg_history jpeg_history_read(const uint8_t *bytes, size_t size)
{
    struct jpeg_history history = {0};
    struct histograms h = {0};
    struct jpeg_blocks blocks;
    struct jpeg_header header;
    double terms[BINS][TERMS], flat[BINS];
    if (!jpeg_header_read(bytes, size, &header))
        return history;
    uint64_t most = header.progressive ? JPEG_HISTORY_BLOCKS / 2 : JPEG_HISTORY_BLOCKS;
    if (!jpeg_peek_blocks(bytes, size, most, count_row, &h, &blocks) || h.blocks < JPEG_HISTORY_LEAST)
        return history;
    for (int k = 0; k < BINS; k++) {
        terms[k][0] = flat[k] = 1;
        terms[k][1] = (k + 1) / 8.0;
        terms[k][2] = log(k + 1);
    }
    int modes = 0;
    for (int m = 0; m < MODES; m++) {
        struct histogram *mode = &h.modes[m];
        mode->step = blocks.quantisation[jpeg_zigzag[m + 1]];
        mode->bins = mode->step ? usable_bins(mode) : 0;
        if (mode->bins == 0)
            continue;
        modes++;
        mode->plain = deviance(mode, flat, terms, INFINITY);
        for (int earlier = 2; earlier <= STEPS; earlier++)
            mode->gain[earlier] = explain(mode, earlier, terms);
    }
    history.looked = modes >= LEAST_MODES;
    history.whole = blocks.whole;
    if (!history.looked)
        return history;
    int quality = 0;
    double all, libjpeg = weigh_libjpeg(h.modes, &quality), any = weigh_any(h.modes, &all);
    history.score = fmax(libjpeg, any);
    history.twice = libjpeg > enough_libjpeg || any > enough_any;
    if (libjpeg > enough_libjpeg && libjpeg > libjpeg_share * all)
        history.quality = quality;
    return history;
}
