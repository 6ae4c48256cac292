/* tsne.c - affinities with a perplexity search, the exact gradient, and momentum with gains, as van der Maaten and
 * Hinton give them. Rows are divided among threads; each row's sums have one order, so that threads change nothing. */
#include "eval/report/tsne.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "eval/report/tsne_start.h"

enum { SEARCH_STEPS = 200, LANES = 8, ROW_GRAIN = 16 };

/* ---- Affinities ----------------------------------------------------------------------------------------------- */

struct affinities {
    const float *data;
    size_t points, dimensions;
    double entropy; /* log of the perplexity */
    double *joint;  /* squared distances, then conditional probabilities, one row a point */
};

static void distance_rows(void *context, int64_t begin, int64_t end, int thread)
{
    const struct affinities *a = context;
    (void)thread;
    for (size_t i = (size_t)begin; i < (size_t)end; i++)
        for (size_t j = 0; j < i; j++) {
            const float *left = a->data + i * a->dimensions, *right = a->data + j * a->dimensions;
            double sums[LANES] = {0};
            size_t d = 0;
            for (; d + LANES <= a->dimensions; d += LANES)
                for (size_t lane = 0; lane < LANES; lane++) {
                    double difference = (double)left[d + lane] - (double)right[d + lane];
                    sums[lane] += difference * difference;
                }
            for (; d < a->dimensions; d++) {
                double difference = (double)left[d] - (double)right[d];
                sums[0] += difference * difference;
            }
            double sum = 0;
            for (size_t lane = 0; lane < LANES; lane++)
                sum += sums[lane];
            a->joint[i * a->points + j] = a->joint[j * a->points + i] = sum;
        }
}

/* Entropy of a row of distances under a precision, nats; `row` has the nearest distance taken off. */
static double row_entropy(const double *row, size_t points, size_t self, double precision, double *total)
{
    double sum = 0, weighted = 0;
    for (size_t j = 0; j < points; j++) {
        if (j == self)
            continue;
        double p = exp(-precision * row[j]);
        sum += p;
        weighted += p * row[j];
    }
    *total = sum; /* at least 1: the nearest counts 1 */
    return log(sum) + precision * weighted / sum;
}

/* Turns squared distances into p(j | i): the precision whose entropy is the wanted one, by doubling and halving. */
static void conditional_rows(void *context, int64_t begin, int64_t end, int thread)
{
    const struct affinities *a = context;
    (void)thread;
    for (size_t i = (size_t)begin; i < (size_t)end; i++) {
        double *row = a->joint + i * a->points, nearest = DBL_MAX, mean = 0, total = 1;
        for (size_t j = 0; j < a->points; j++)
            if (j != i && row[j] < nearest)
                nearest = row[j];
        for (size_t j = 0; j < a->points; j++)
            if (j != i) {
                row[j] -= nearest;
                mean += row[j] / (double)(a->points - 1);
            }
        double low = 0, high = 0, precision = mean > 0 ? 1 / mean : 1; /* high 0: not known yet */
        for (int step = 0; step < SEARCH_STEPS; step++) {
            double difference = row_entropy(row, a->points, i, precision, &total) - a->entropy;
            if (fabs(difference) < 1e-12)
                break;
            if (difference > 0) {
                low = precision;
                precision = high > 0 ? (low + high) / 2 : precision * 2;
            } else {
                high = precision;
                precision = (low + high) / 2;
            }
            if (precision == low || precision == high || !(precision < 1e200)) /* as near as it gets */
                break;
        }
        row_entropy(row, a->points, i, precision, &total);
        for (size_t j = 0; j < a->points; j++)
            row[j] = j == i ? 0 : exp(-precision * row[j]) / total;
    }
}

assay_status tsne_affinities(const float *data, size_t points, size_t dimensions, double perplexity, double *joint,
                             struct assay_error *error)
{
    if (points < TSNE_MIN_POINTS || points > TSNE_MAX_POINTS || dimensions == 0)
        return error_set(error, ASSAY_ERROR_ARGUMENT,
                         "t-SNE: %zu points in %zu dimensions; it takes from %d to %d points", points, dimensions,
                         TSNE_MIN_POINTS, TSNE_MAX_POINTS);
    if (!(perplexity >= 1 && perplexity <= (double)(points - 1)))
        return error_set(error, ASSAY_ERROR_ARGUMENT, "t-SNE: perplexity %g is not from 1 to %zu, the other points",
                         perplexity, points - 1);
    for (size_t i = 0; i < points * dimensions; i++)
        if (!isfinite(data[i]))
            return error_set(error, ASSAY_ERROR_ARGUMENT, "t-SNE: value %zu of point %zu is not finite", i % dimensions,
                             i / dimensions);
    struct affinities a = {data, points, dimensions, log(perplexity), joint};
    memset(joint, 0, points * points * sizeof *joint);
    parallel_for((int64_t)points, ROW_GRAIN, distance_rows, &a);
    parallel_for((int64_t)points, ROW_GRAIN, conditional_rows, &a);
    for (size_t i = 0; i < points; i++)
        for (size_t j = 0; j < i; j++) {
            double both = (joint[i * points + j] + joint[j * points + i]) / (2 * (double)points);
            joint[i * points + j] = joint[j * points + i] = both > DBL_EPSILON ? both : DBL_EPSILON;
        }
    return ASSAY_OK;
}

/* ---- The gradient --------------------------------------------------------------------------------------------- */

/* With w_ij = 1 / (1 + |y_i - y_j|^2) and Z the sum of all w:
 *     d KL / d y_i = 4 (sum_j p_ij w_ij (y_i - y_j) - sum_j w_ij^2 (y_i - y_j) / Z)
 *     KL = sum p_ij log(p_ij / w_ij) + log Z */
struct forces {
    const double *joint;
    double *x, *y; /* [points], the places taken apart */
    size_t points;
    double *rows; /* [points, 6]: attraction x, y; repulsion x, y; sum of w; divergence without log Z */
    bool divergence;
};

static void force_rows(void *context, int64_t begin, int64_t end, int thread)
{
    const struct forces *f = context;
    (void)thread;
    for (size_t i = (size_t)begin; i < (size_t)end; i++) {
        const double *joint = f->joint + i * f->points;
        double sums[5][LANES] = {{0}};
        double xi = f->x[i], yi = f->y[i];
        for (size_t first = 0; first < f->points; first += LANES) {
            size_t lanes = f->points - first < LANES ? f->points - first : LANES;
            double x[LANES], y[LANES], p[LANES] = {0}, on[LANES] = {0};
            if (lanes == LANES) {
                memcpy(x, f->x + first, sizeof x);
                memcpy(y, f->y + first, sizeof y);
                memcpy(p, joint + first, sizeof p);
                for (size_t l = 0; l < LANES; l++)
                    on[l] = 1;
            } else
                for (size_t l = 0; l < LANES; l++) {
                    x[l] = l < lanes ? f->x[first + l] : xi;
                    y[l] = l < lanes ? f->y[first + l] : yi;
                    p[l] = l < lanes ? joint[first + l] : 0;
                    on[l] = l < lanes ? 1 : 0;
                }
            for (size_t l = 0; l < LANES; l++) {
                double dx = xi - x[l], dy = yi - y[l];
                double w = on[l] / (1 + dx * dx + dy * dy), pw = p[l] * w, ww = w * w;
                sums[0][l] += pw * dx;
                sums[1][l] += pw * dy;
                sums[2][l] += ww * dx;
                sums[3][l] += ww * dy;
                sums[4][l] += w;
            }
        }
        double *row = f->rows + 6 * i;
        for (int k = 0; k < 5; k++) {
            row[k] = 0;
            for (size_t l = 0; l < LANES; l++)
                row[k] += sums[k][l];
        }
        row[4] -= 1; /* the point itself */
        row[5] = 0;
        for (size_t j = 0; f->divergence && j < f->points; j++) {
            double dx = xi - f->x[j], dy = yi - f->y[j];
            if (j != i && joint[j] > 0)
                row[5] += joint[j] * log(joint[j] * (1 + dx * dx + dy * dy));
        }
    }
}

/* The gradient with the joint probabilities taken `exaggeration` times; returns the divergence if it is asked for. */
static double gradient_of(struct forces *f, double exaggeration, double *gradient)
{
    parallel_for((int64_t)f->points, ROW_GRAIN, force_rows, f);
    double total = 0, divergence = 0;
    for (size_t i = 0; i < f->points; i++) {
        total += f->rows[6 * i + 4];
        divergence += f->rows[6 * i + 5];
    }
    for (size_t i = 0; i < f->points; i++)
        for (size_t k = 0; k < 2; k++)
            gradient[2 * i + k] = 4 * (exaggeration * f->rows[6 * i + k] - f->rows[6 * i + 2 + k] / total);
    return divergence + log(total);
}

/* Places [points, 2] to x and y, one behind the other. */
static void split_places(const double *place, size_t points, double *x)
{
    for (size_t i = 0; i < points; i++) {
        x[i] = place[2 * i];
        x[points + i] = place[2 * i + 1];
    }
}

assay_status tsne_gradient(const double *joint, const double *place, size_t points, double *gradient,
                           double *divergence, struct assay_error *error)
{
    double *work = mem_alloc(points, 8 * sizeof *work);
    if (!work)
        return error_memory(error, "t-SNE");
    split_places(place, points, work);
    struct forces f = {joint, work, work + points, points, work + 2 * points, true};
    *divergence = gradient_of(&f, 1, gradient);
    mem_free(work);
    return ASSAY_OK;
}

/* ---- The descent ---------------------------------------------------------------------------------------------- */

/* `steps` of gradient descent with momentum and a gain for each coordinate (Jacobs 1988). */
static void descend(struct forces *f, double *place, double *gradient, double *update, double *gain, int steps,
                    double momentum, double rate, double exaggeration)
{
    for (size_t i = 0; i < 2 * f->points; i++) {
        update[i] = 0;
        gain[i] = 1;
    }
    for (int step = 0; step < steps; step++) {
        split_places(place, f->points, f->x);
        gradient_of(f, exaggeration, gradient);
        for (size_t i = 0; i < 2 * f->points; i++) {
            gain[i] = update[i] * gradient[i] < 0 ? gain[i] + 0.2 : gain[i] * 0.8;
            if (gain[i] < 0.01)
                gain[i] = 0.01;
            update[i] = momentum * update[i] - rate * gain[i] * gradient[i];
            place[i] += update[i];
        }
    }
}

assay_status tsne_embed(const float *data, size_t points, size_t dimensions, const struct tsne_options *options,
                        double *place, double *divergence, struct assay_error *error)
{
    struct tsne_options o = options ? *options : (struct tsne_options){0};
    if (o.perplexity == 0)
        o.perplexity = (double)(points ? points - 1 : 0) / 3 < 30 ? (double)(points ? points - 1 : 0) / 3 : 30;
    o.iterations = o.iterations ? o.iterations : 750;
    o.exaggerated = o.exaggerated ? o.exaggerated : 250;
    o.exaggerated = o.exaggerated < o.iterations ? o.exaggerated : o.iterations;
    o.exaggeration = o.exaggeration != 0 ? o.exaggeration : 12;
    if (o.learning_rate == 0)
        o.learning_rate = (double)points / o.exaggeration / 4 > 50 ? (double)points / o.exaggeration / 4 : 50;
    size_t safe = points <= TSNE_MAX_POINTS ? points : 0; /* what is refused below needs no memory */
    double *joint = mem_alloc(safe * safe + 1, sizeof *joint);
    double *work = mem_alloc(safe + 1, 14 * sizeof *work);
    assay_status status = joint && work ? ASSAY_OK : error_memory(error, "t-SNE");
    if (!status)
        status = tsne_affinities(data, points, dimensions, o.perplexity, joint, error);
    if (!status && o.first_place)
        memcpy(place, o.first_place, 2 * points * sizeof *place);
    else if (!status)
        status = tsne_start(data, points, dimensions, place, error);
    if (status)
        goto done;

    double *gradient = work + 8 * points, *update = gradient + 2 * points, *gain = update + 2 * points;
    struct forces f = {joint, work, work + points, points, work + 2 * points, false};
    descend(&f, place, gradient, update, gain, o.exaggerated, 0.5, o.learning_rate, o.exaggeration);
    descend(&f, place, gradient, update, gain, o.iterations - o.exaggerated, 0.8, o.learning_rate, 1);

    double centre[2] = {0, 0};
    for (size_t i = 0; i < 2 * points; i++)
        centre[i % 2] += place[i] / (double)points;
    for (size_t i = 0; i < 2 * points; i++)
        place[i] -= centre[i % 2];
    if (divergence) {
        split_places(place, points, work);
        f.divergence = true;
        *divergence = gradient_of(&f, 1, gradient);
    }
done:
    mem_free(joint);
    mem_free(work);
    return status;
}
