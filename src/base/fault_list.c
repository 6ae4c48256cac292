/* fault_list.c - lists of names for messages. */
#include "base/fault_list.h"

#include <stdio.h>
#include <string.h>

void fault_note(struct fault_list *list, const char *name, const char *detail)
{
    char shown[72];
    bool shows = fault_shows(list);
    list->count++;
    if (!shows)
        return;
    int length = snprintf(list->text + list->used, sizeof list->text - list->used, "%s\"%s\"%s",
                          list->named ? ", " : "", text_printable(name, shown, sizeof shown), detail);
    if (length > 0 && (size_t)length < sizeof list->text - list->used) {
        list->used += (size_t)length;
        list->named++;
    } else {
        list->text[list->used] = '\0';
    }
}

bool fault_shows(const struct fault_list *list)
{
    return list->named == list->count;
}

const char *fault_near(const struct nearest *n, const char *what, char detail[FAULT_DETAIL])
{
    char shown[64];
    detail[0] = '\0';
    if (n->count)
        snprintf(detail, FAULT_DETAIL, " (%s \"%s\"?)", what, text_printable(n->name[0], shown, sizeof shown));
    return detail;
}

void fault_append(char text[FAULT_TEXT], const struct fault_list *list, const char *what)
{
    size_t used = strlen(text);
    if (!list->count)
        return;
    char more[48] = "";
    if (list->named < list->count)
        snprintf(more, sizeof more, "%s%zu more", list->named ? " and " : "", list->count - list->named);
    snprintf(text + used, FAULT_TEXT - used, "; %zu %s: %s%s", list->count, what, list->text, more);
}
