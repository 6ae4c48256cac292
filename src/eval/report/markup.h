/* markup.h - text for HTML and SVG: a growing page that keeps its first failure, names from outside made harmless, and
 * numbers that look the same under every locale. */
#ifndef ASSAY_EVAL_REPORT_MARKUP_H
#define ASSAY_EVAL_REPORT_MARKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/array.h"

enum { MARKUP_MAX_BYTES = 256 << 20, MARKUP_NUMBER = 40 };

/* Zero-initialise it with markup_new. Writers need no checks: once there is no memory, later calls do nothing. */
struct markup {
    struct array bytes; /* of char; what markup_finish ends with a NUL that is not counted */
    bool failed;
};

struct markup markup_new(void);
void markup_free(struct markup *m);

/* Markup as it is. The format may hold %s for our own words and %d for integers, never a name from outside and never a
 * %f, whose point depends on the locale. */
void markup_printf(struct markup *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
void markup_raw(struct markup *m, const char *text);

/* Text of any bytes, for an element's content or a quoted attribute: the five characters that mean something to XML
 * become entities; bytes that are not UTF-8, control characters, and the marks that turn the direction of writing
 * become U+FFFD. Newlines and tabs stay. */
void markup_text(struct markup *m, const char *text);
void markup_text_n(struct markup *m, const char *text, size_t length);

/* The same with at most `characters` characters, the middle left out ("abc...xyz"): the end of a path says most. */
void markup_short(struct markup *m, const char *text, size_t characters);
size_t markup_characters(const char *text); /* as markup_text shows them */

/* A number with exactly `decimals` digits (0 to 9) behind its point; never "-0"; what is not finite is "-". */
void markup_number(struct markup *m, double value, int decimals);
const char *markup_number_text(double value, int decimals, char text[MARKUP_NUMBER]);

/* The same without zeros at the end: coordinates, ticks. */
const char *markup_brief(double value, int decimals, char text[MARKUP_NUMBER]);

/* A whole number with narrow spaces between thousands. */
void markup_count(struct markup *m, size_t count);

#endif
