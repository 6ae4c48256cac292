/* svg_axis.c - the axes of a chart: where a value lies along one, and the ticks that it bears. */
#include "eval/report/svg_parts.h"

#include <math.h>

void svg_mend_axis(struct svg_axis *axis)
{
    if (axis->names) {
        axis->low = -0.5;
        axis->high = (double)axis->name_count - 0.5;
        axis->logarithmic = false;
    }
    if (!isfinite(axis->low) || !isfinite(axis->high)) {
        axis->low = 0;
        axis->high = 1;
    }
    if (axis->low > axis->high) {
        double low = axis->high;
        axis->high = axis->low;
        axis->low = low;
    }
    if (axis->logarithmic && !(axis->low > 0)) {
        axis->high = axis->high > 0 ? axis->high : 1;
        axis->low = axis->high / 1000;
    }
    if (axis->low == axis->high) {
        double room = axis->low != 0 ? fabs(axis->low) / 2 : 0.5;
        axis->low -= room;
        axis->high += room;
    }
}

/* Where a value lies along its axis, 0 to 1; beyond the ends it is at the end. */
static double share_of(const struct svg_axis *axis, double value)
{
    double share = axis->logarithmic ? (value > 0 ? log(value / axis->low) / log(axis->high / axis->low) : 0)
                                     : (value - axis->low) / (axis->high - axis->low);
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

double svg_at_x(const struct svg_chart *c, double x)
{
    return c->left + share_of(&c->x, x) * c->width;
}

double svg_at_y(const struct svg_chart *c, double y)
{
    return c->top + (1 - share_of(&c->y, y)) * c->height;
}

static int linear_ticks(const struct svg_axis *axis, int most, double *ticks, int *decimals)
{
    static const double steps[] = {1, 2, 5, 10};
    double range = axis->high - axis->low, rough = range / most;
    double power = pow(10, floor(log10(rough)));
    int exponent = (int)floor(log10(rough)), chosen = 0;
    double step = 0;
    for (int i = 0; i < 4; i++) {
        step = steps[i] * power;
        chosen = i;
        if (floor(axis->high / step + 1e-9) - ceil(axis->low / step - 1e-9) + 1 <= most)
            break;
    }
    if (chosen == 3)
        exponent++;
    int places = exponent < 0 ? -exponent : 0;
    if (axis->percent)
        places = places > 2 ? places - 2 : 0;
    *decimals = places > 9 ? 9 : places;
    int count = 0;
    for (double i = ceil(axis->low / step - 1e-9); i <= axis->high / step + 1e-9 && count < most; i++)
        ticks[count++] = i * step + 0.0; /* + 0.0: no "-0" */
    return count;
}

int svg_ticks(const struct svg_axis *given, int most, double ticks[SVG_MAX_TICKS], int *decimals)
{
    struct svg_axis axis = *given;
    svg_mend_axis(&axis);
    most = most < 2 ? 2 : most > SVG_MAX_TICKS ? SVG_MAX_TICKS : most;
    if (!axis.logarithmic)
        return linear_ticks(&axis, most, ticks, decimals);
    /* 1, 2, 5 of every decade; where these are too many, whole decades; where these still are, some of them */
    int first = (int)floor(log10(axis.low)) - 1, last = (int)ceil(log10(axis.high)) + 1;
    *decimals = 9;
    for (int stride = 0;; stride++) {
        int count = 0;
        for (int decade = first; decade <= last && count <= most; decade++)
            for (int digit = 1; digit <= (stride ? 1 : 5) && count <= most; digit += digit == 1 ? 1 : 3) {
                double tick = digit * pow(10, decade);
                if ((stride && decade % stride) || tick < axis.low * (1 - 1e-9) || tick > axis.high * (1 + 1e-9))
                    continue;
                if (count < most)
                    ticks[count] = tick;
                count++;
            }
        if (count <= most)
            return count;
    }
}
