/* dense.c - symmetric sums of products and Cholesky's factor (Golub and Van Loan, "Matrix computations", section 4.2).
 * The factor is made by blocks of columns: each takes away what the columns before it explain, in products of rows that
 * lie one after another in memory, and then factors what is left of itself. */
#include "cpu/dense.h"

#include <math.h>

#include "base/parallel.h"
#include "cpu/loops.h"

enum { BLOCK = 32, AT_ONCE = 4 };

struct products {
    double *m;
    const double *x;
    int64_t count, n;
};

HOT static void add_row(double *restrict row, const double *x, int64_t count, int64_t n, int64_t i)
{
    int64_t k = 0;
    for (; k + AT_ONCE <= count; k += AT_ONCE) {
        const double *a = x + k * n, *b = a + n, *c = b + n, *d = c + n;
        double p = a[i], q = b[i], r = c[i], s = d[i];
        for (int64_t j = 0; j <= i; j++)
            row[j] += (p * a[j] + q * b[j]) + (r * c[j] + s * d[j]);
    }
    for (; k < count; k++)
        for (int64_t j = 0; j <= i; j++)
            row[j] += x[k * n + i] * x[k * n + j];
}

/* A long row with a short one, so that every range is as much work. */
static void add_rows(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct products *p = context;
    for (int64_t i = begin; i < end; i++) {
        int64_t other = p->n - 1 - i;
        add_row(p->m + i * p->n, p->x, p->count, p->n, i);
        if (other != i)
            add_row(p->m + other * p->n, p->x, p->count, p->n, other);
    }
}

void dense_add_products(double *m, const double *x, int64_t count, int64_t n)
{
    struct products p = {m, x, count, n};
    parallel_for((n + 1) / 2, 8, add_rows, &p);
}

HOT static double dot(const double *a, const double *b, int64_t count)
{
    double sum = 0;
    SUMMING(sum)
    for (int64_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Columns first to first + width - 1, whose own factor stands in their upper rows already. */
struct panel {
    double *a;
    int64_t n, first, width;
};

static void explain_rows(void *context, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const struct panel *p = context;
    int64_t after = p->first + p->width;
    for (int64_t i = after + begin; i < after + end; i++) {
        double *row = p->a + i * p->n;
        for (int64_t j = p->first; j < after; j++) {
            const double *other = p->a + j * p->n;
            row[j] = (row[j] - dot(row, other, j)) / other[j];
        }
    }
}

bool dense_cholesky(double *a, int64_t n)
{
    for (int64_t first = 0; first < n; first += BLOCK) {
        struct panel p = {a, n, first, int64_min(BLOCK, n - first)};
        for (int64_t i = first; i < first + p.width; i++) {
            double *row = a + i * n;
            for (int64_t j = first; j < i; j++)
                row[j] = (row[j] - dot(row, a + j * n, j)) / a[j * n + j];
            double left = row[i] - dot(row, row, i);
            if (!(left > 0))
                return false;
            row[i] = sqrt(left);
        }
        parallel_for(n - first - p.width, 8, explain_rows, &p);
    }
    return true;
}

void dense_cholesky_solve(const double *l, double *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        b[i] = (b[i] - dot(l + i * n, b, i)) / l[i * n + i];
    for (int64_t i = n - 1; i >= 0; i--) {
        b[i] /= l[i * n + i];
        for (int64_t j = 0; j < i; j++)
            b[j] -= l[i * n + j] * b[i];
    }
}
