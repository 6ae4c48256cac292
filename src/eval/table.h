/* table.h - figures as the papers print them: a row a method, a column a generator, their mean last. As text, as CSV
 * and as LaTeX. */
#ifndef ASSAY_EVAL_TABLE_H
#define ASSAY_EVAL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/array.h"

struct table {
    const char *title;          /* of the whole; any bytes, as all names here */
    const char *corner;         /* what rows are: "method" */
    const char *const *rows;    /* [row_count] */
    const char *const *columns; /* [column_count] */
    size_t row_count, column_count;
    const double *values;       /* [row_count, column_count]; NaN: there is none */
    bool percent;               /* shares, printed times 100 with one decimal; else four decimals */
    const bool *column_percent; /* [column_count] where columns differ in that, else NULL */
    bool smaller_is_better; /* for what LaTeX prints in bold: the best of each column, where there are several rows */
    bool last_apart;        /* the last column is a mean: a rule before it */
};

/* Each appends to an array of char; false: no memory, or the array's maximum is reached. */

/* Aligned columns below the title, with rows and columns changed over where it would otherwise be wider than `width`
 * characters and that makes it narrower. Control characters and bytes that are not UTF-8 are shown as \xNN. */
bool table_text(const struct table *table, size_t width, struct array *out);

/* A heading and a line a row (RFC 4180, but lines end in a line feed), with all digits of the shares; an empty field
 * where there is no value. `prefix` fields (names and values, may be none) come first in the heading and in every
 * line. */
bool table_csv(const struct table *table, const char *const *prefix_names, const char *const *prefix_values,
               size_t prefix_count, bool heading, struct array *out);

/* A `table` with a caption, for the package booktabs. */
bool table_latex(const struct table *table, struct array *out);

/* One CSV field, quoted where it has to be; and text with what LaTeX takes for itself escaped. */
bool table_csv_field(const char *text, struct array *out);
bool table_latex_text(const char *text, struct array *out);

/* The shortest decimals that read back as the value, "" for NaN, whatever the locale is. Returns `text`. */
enum { TABLE_NUMBER = 32 };
const char *table_number(double value, char text[TABLE_NUMBER]);

#endif
