/* layouts.c - the layouts of datasets, for help. */
#include "cli/cli.h"
#include "data/dataset.h"

void cli_layouts(struct cli_sink *sink)
{
    const struct dataset_layout *layout;
    cli_heading(sink, "Layouts, recognised where exactly one fits");
    for (size_t i = 0; (layout = dataset_layout_at(i)); i++) {
        cli_entry(sink, layout->name, "%s: %s", layout->title, layout->expects);
        cli_value(sink, "layout", layout->name);
    }
}
