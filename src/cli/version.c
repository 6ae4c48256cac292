/* version.c - the versions of Assay, oneDNN and libvips, as they run. */
#include "cli/version.h"

#include <oneapi/dnnl/dnnl.h>
#include <vips/vips.h>

#include "assay/assay.h"

void cli_print_version(FILE *stream)
{
    const dnnl_version_t *dnnl = dnnl_version();
    fprintf(stream, "assay %s\noneDNN %d.%d.%d\nlibvips %d.%d.%d\n", assay_version(), dnnl->major, dnnl->minor,
            dnnl->patch, vips_version(0), vips_version(1), vips_version(2));
}
