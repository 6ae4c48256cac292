/* near.h - numbers that must agree with a reference's. */
#ifndef ASSAY_TESTS_EVAL_NEAR_H
#define ASSAY_TESTS_EVAL_NEAR_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Within 1e-9, relatively where they are above 1; NaN equals NaN alone, infinity infinity. */
static inline void near_to(const char *what, const char *where, double a, double b)
{
    if (isnan(a) != isnan(b) || isinf(a) != isinf(b) || fabs(a - b) > 1e-9 * fmax(1, fabs(b)))
        fail_msg("%s of %s: %.17g is not %.17g", what, where, a, b);
}

#endif
