/* evidence.h - what the readers found, as evidence for the finding: inside provenance.c. */
#ifndef ASSAY_PROVENANCE_EVIDENCE_H
#define ASSAY_PROVENANCE_EVIDENCE_H

#include "provenance/c2pa.h"
#include "provenance/finding.h"

/* Adds what the active manifest, its parents and its parts declare. Texts are kept by reference, or in the arena. */
void evidence_of_c2pa(const struct c2pa_report *report, struct finding_list *list, struct arena *arena);

#endif
