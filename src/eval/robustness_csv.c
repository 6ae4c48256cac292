/* robustness_csv.c - curves as CSV. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "eval/robustness_curve.h"

/* At most six decimals, no zeros at the end; printf's own point depends on the locale. */
static const char *decimal(double value, char text[40])
{
    if (!(fabs(value) < 1e12)) {
        text[0] = '\0';
        return text;
    }
    long long millionths = llround(fabs(value) * 1e6);
    int length = snprintf(text, 40, "%s%lld.%06lld", value < 0 && millionths ? "-" : "", millionths / 1000000,
                          millionths % 1000000);
    while (text[length - 1] == '0')
        text[--length] = '\0';
    if (text[length - 1] == '.')
        text[length - 1] = '\0';
    return text;
}

/* A field; names may hold anything. */
static bool put_field(struct array *text, const char *field)
{
    if (!strpbrk(field, ",\"\r\n"))
        return array_printf(text, "%s,", field);
    bool whole = array_append(text, "\"", 1);
    for (const char *c = field; *c && whole; c++)
        whole = *c == '"' ? array_append(text, "\"\"", 2) : array_append(text, c, 1);
    return whole && array_append(text, "\",", 2);
}

static bool put_number(struct array *text, double value, const char *end)
{
    char number[40];
    return array_printf(text, "%s%s", decimal(value, number), end);
}

/* Point -1 is the picture as it is. */
static bool put_line(const struct robustness_curve *curve, int point, int figure, struct array *text)
{
    const struct robustness_sweep *sweep = curve->sweep;
    const struct robustness_value *v =
        point < 0 ? &curve->untouched[figure] : &curve->values[point * curve->figure_count + figure];
    const char *label = point < 0 ? "unperturbed" : sweep->points[point].label ? sweep->points[point].label : "";
    double x = point < 0 ? sweep->untouched : sweep->points[point].x;
    return put_field(text, sweep->name) && put_field(text, curve->model) && put_field(text, curve->set) &&
           put_field(text, point < 0 ? "" : sweep->points[point].chain) && put_field(text, label) &&
           put_number(text, sweep->axis ? x : NAN, ",") &&
           put_field(text, metrics_figure_info[curve->figures[figure]].name) && put_number(text, v->value, ",") &&
           put_number(text, v->interval.low, ",") && put_number(text, v->interval.high, ",") &&
           put_number(text, v->lost, ",") && put_number(text, point < 0 ? NAN : v->lost_interval.low, ",") &&
           put_number(text, point < 0 ? NAN : v->lost_interval.high, ",") &&
           array_printf(text, "%zu,%zu\n", curve->pictures, curve->left_out);
}

assay_status robustness_csv_head(struct array *text, struct assay_error *error)
{
    if (!array_printf(text, "sweep,model,set,perturbation,label,x,figure,value,low,high,lost,lost_low,lost_high,"
                            "pictures,left_out\n"))
        return error_memory(error, "a table");
    return ASSAY_OK;
}

assay_status robustness_csv(const struct robustness_curve *curve, struct array *text, struct assay_error *error)
{
    for (int point = -1; point < curve->sweep->count; point++)
        for (int figure = 0; figure < curve->figure_count; figure++)
            if (!put_line(curve, point, figure, text))
                return error_memory(error, "a table");
    return ASSAY_OK;
}
