/* dense.h - the little linear algebra in double precision that training in closed form needs. Matrices lie row by row;
 * of symmetric ones only the lower triangle is read and written. */
#ifndef ASSAY_CPU_DENSE_H
#define ASSAY_CPU_DENSE_H

#include <stdbool.h>
#include <stdint.h>

/* m [n, n] += the sum of x x^T over `count` rows x [n]. */
void dense_add_products(double *m, const double *x, int64_t count, int64_t n);

/* The Cholesky factor of a [n, n], in its place. False: it is not positive definite. */
bool dense_cholesky(double *a, int64_t n);

/* L L^T x = b, in the place of b [n], L [n, n] being that factor. */
void dense_cholesky_solve(const double *l, double *b, int64_t n);

#endif
