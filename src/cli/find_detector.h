/* find_detector.h - the detector that an option names, and all that there are. */
#ifndef ASSAY_CLI_FIND_DETECTOR_H
#define ASSAY_CLI_FIND_DETECTOR_H

#include "cli/cli.h"
#include "detector/detector.h"

/* By name; an unknown one is an error that lists all. */
assay_status cli_find_detector(const char *name, const struct detector **out, struct assay_error *error);

/* For a command whose --detector makes that detector's settings options: to completion alone, since `assay help train`
 * lists them. */
void cli_tell_detectors(struct cli_sink *sink);

#endif
