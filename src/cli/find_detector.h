/* find_detector.h - the detector that an option names. */
#ifndef ASSAY_CLI_FIND_DETECTOR_H
#define ASSAY_CLI_FIND_DETECTOR_H

#include "detector/detector.h"

/* By name; an unknown one is an error that lists all. */
assay_status cli_find_detector(const char *name, const struct detector **out, struct assay_error *error);

#endif
