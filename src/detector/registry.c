/* registry.c - every detector there is. A new one is a file of its own and one line here. */
#include <string.h>

#include "detector/cnnspot.h"
#include "detector/detector.h"
#include "detector/ensemble.h"
#include "detector/lol.h"
#include "detector/npr.h"
#include "detector/residual.h"
#include "detector/rich.h"
#include "detector/sdid.h"
#include "detector/univfd.h"

static const struct detector *const detectors[] = {
    &detector_residual, &detector_lol,       &detector_cnnspot, &detector_npr,      &detector_univfd,
    &detector_sdid,     &detector_sdid_mini, &detector_rich,    &detector_ensemble, NULL,
};

const struct detector *const *detector_all(void)
{
    return detectors;
}

const struct detector *detector_find(const char *name)
{
    for (int i = 0; detectors[i]; i++)
        if (strcmp(detectors[i]->name, name) == 0)
            return detectors[i];
    return NULL;
}
