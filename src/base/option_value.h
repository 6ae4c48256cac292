/* option_value.h - what the files of option.h share: single values. */
#ifndef ASSAY_BASE_OPTION_VALUE_H
#define ASSAY_BASE_OPTION_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/option.h"

enum { OPTION_NUMBER = 40 }; /* room for a number as text */

/* The field in a config, of an option of that type. */
bool *option_bool_at(const struct option *option, const void *config);
int64_t *option_int_at(const struct option *option, const void *config);
double *option_float_at(const struct option *option, const void *config);
const char **option_text_at(const struct option *option, const void *config);
int *option_choice_at(const struct option *option, const void *config);
struct option_texts *option_texts_at(const struct option *option, const void *config);

/* The whole text must be one; numbers read the same whatever the program's locale is. */
bool option_parse_bool(const char *text, bool *out);
bool option_parse_int(const char *text, int64_t *out);
bool option_parse_float(const char *text, double *out); /* neither hexadecimal nor infinite */

/* The shortest decimal that reads back as the same double; whole numbers without an exponent. */
void option_format_float(double value, char *text, size_t size);

/* The i-th of "a|b|c"; NULL behind the last. */
const char *option_choice_name(const char *choices, int index, size_t *length);
int option_choice_find(const char *choices, const char *text); /* -1: none of them */

bool option_has_range(const struct option *option);
bool option_in_range(const struct option *option, double value);

/* Texts are copied into the arena. With none a text is kept by reference, and nothing can be added. */
assay_status option_set_text(const struct option *option, void *config, const char *text, struct arena *arena,
                             struct assay_error *error);
assay_status option_add_text(const struct option *option, void *config, const char *text, struct arena *arena,
                             struct assay_error *error);

/* The errors for a text that is not allowed, and for a name that is not in the table. `where`: "PATH: " or "". */
assay_status option_refuse(const struct option *option, const char *where, const char *text, struct assay_error *error);
assay_status option_refuse_unknown(const struct option *table, const char *where, const char *name,
                                   struct assay_error *error);

#endif
