/* fault_list.h - many faults of one kind in one sentence: as many names as fit, the others counted. For a message that
 * tells everything that is wrong with a file at once.
 *
 *     struct fault_list missing = {0}, extra = {0};
 *     fault_note(&missing, "fc.bias", "");
 *     char text[FAULT_TEXT] = "";
 *     fault_append(text, &missing, "missing");         "; 1 missing: \"fc.bias\""
 *     fault_append(text, &extra, "not known");         nothing: there is none                                    */
#ifndef ASSAY_BASE_FAULT_LIST_H
#define ASSAY_BASE_FAULT_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum { FAULT_TEXT = 860, FAULT_LIST = 190, FAULT_DETAIL = 96 };

/* Zero-initialise it. */
struct fault_list {
    char text[FAULT_LIST];
    size_t used, count, named;
};

/* Notes one name; `detail` is printed behind it, as it is. */
void fault_note(struct fault_list *list, const char *name, const char *detail);

/* Whether the next name may still be shown: looking for names near it is not lost work. */
bool fault_shows(const struct fault_list *list);

/* " (WHAT \"x\"?)" where `n` found a name, else "". Returns `detail`. */
const char *fault_near(const struct nearest *n, const char *what, char detail[FAULT_DETAIL]);

/* Appends "; N WHAT: \"a\", \"b\" and M more", or nothing where the list is empty. */
void fault_append(char text[FAULT_TEXT], const struct fault_list *list, const char *what);

#endif
