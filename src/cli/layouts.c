/* layouts.c - the layouts of datasets, for help. */
#include "cli/cli.h"
#include "data/dataset.h"

void cli_print_layouts(FILE *stream)
{
    const struct dataset_layout *layout;
    fputs("\nLayouts, recognised where exactly one fits:\n", stream);
    for (size_t i = 0; (layout = dataset_layout_at(i)); i++)
        fprintf(stream, "  %-20s %s: %s\n", layout->name, layout->title, layout->expects);
}
