/* find_detector.c - the detector that an option names. */
#include "cli/find_detector.h"

#include <stdio.h>

assay_status cli_find_detector(const char *name, const struct detector **out, struct assay_error *error)
{
    char known[256] = "";
    *out = detector_find(name);
    if (*out)
        return ASSAY_OK;
    size_t used = 0;
    for (const struct detector *const *d = detector_all(); *d && used < sizeof known; d++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", (*d)->name);
    return error_set(error, ASSAY_ERROR_ARGUMENT, "option detector: there is no \"%s\"; there is %s", name, known);
}

void cli_tell_detectors(struct cli_sink *sink)
{
    for (const struct detector *const *d = detector_all(); *d; d++) {
        cli_unlisted(sink, (*d)->fields);
        cli_value(sink, "detector", (*d)->name);
    }
}
