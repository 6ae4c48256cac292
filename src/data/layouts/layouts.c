/* layouts.c - the table of layouts, and how one is chosen. */
#include <string.h>

#include "data/dataset.h"

static const struct dataset_layout table[] = {
    {"folders", "folders of each class", "real/ and ai/, 0_real/ and 1_fake/, or nature/ and ai/, at any depth"},
    {0},
};

const struct dataset_layout *dataset_layouts(void)
{
    return table;
}

static assay_status check_name(const char *layout, struct assay_error *error)
{
    if (!layout || strcmp(layout, "auto") == 0 || strcmp(layout, table[0].name) == 0)
        return ASSAY_OK;
    return error_set(error, ASSAY_ERROR_ARGUMENT, "there is no layout '%s'", layout);
}

assay_status dataset_open(const char *root, const char *layout, const char *split, struct dataset *out,
                          struct assay_error *error)
{
    assay_status status = check_name(layout, error);
    if (!status)
        status = dataset_from_folder(root, split, out, error);
    if (!status)
        out->layout = table[0].name;
    return status;
}

assay_status dataset_open_splits(const char *root, const char *layout, unsigned *splits, struct assay_error *error)
{
    assay_status status = check_name(layout, error);
    return status ? status : dataset_splits(root, splits, error);
}
