/* wellformed.h - a small strict reader of markup: what the report writes is XML in all but its first line, so that no
 * browser has to guess. */
#ifndef ASSAY_TESTS_REPORT_WELLFORMED_H
#define ASSAY_TESTS_REPORT_WELLFORMED_H

#include <stdbool.h>
#include <stddef.h>

/* Fails the test, with the place, where elements are not closed in order, an attribute is not quoted or given twice, an
 * id is given twice, "<" or "&" stand for themselves, or bytes are not UTF-8 or not allowed in XML; and where the
 * markup could ask the network for anything or run anything: scripts, frames, handlers, sources and addresses other
 * than data: and #, imports. */
void assert_wellformed(const char *text, size_t length);

/* How often a text occurs. */
size_t occurrences(const char *text, const char *part);

#endif
