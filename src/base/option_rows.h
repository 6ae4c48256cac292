/* option_rows.h - rows that tables of several commands and methods have alike: one wording, one default, one range. */
#ifndef ASSAY_BASE_OPTION_ROWS_H
#define ASSAY_BASE_OPTION_ROWS_H

#include "base/option.h"

/* `at`: the field's offset; `help`: what differs between the tables. */
#define OPTION_ROW_JSON(at, help)                                                                                      \
    {                                                                                                                  \
        "json", OPTION_BOOL, at, "false", 0, 0, NULL, help                                                             \
    }
#define OPTION_ROW_JSON_OBJECT(at) OPTION_ROW_JSON(at, "print one JSON object")
#define OPTION_ROW_JSON_LINES(at) OPTION_ROW_JSON(at, "print one JSON object a line")
#define OPTION_ROW_BF16(at)                                                                                            \
    {                                                                                                                  \
        "bf16", OPTION_BOOL, at, "false", 0, 0, NULL, "compute in bfloat16 where the processor has it"                 \
    }
#define OPTION_ROW_PRECISION(at)                                                                                       \
    {                                                                                                                  \
        "precision", OPTION_CHOICE, at, "f32", 0, 0, "f32|bf16", "of convolutions and products"                        \
    }
#define OPTION_ROW_SEED(name, at, given, help)                                                                         \
    {                                                                                                                  \
        name, OPTION_INT, at, given, 0, 9007199254740992.0, NULL, help                                                 \
    } /* 2^53: JSON's numbers are doubles */
#define OPTION_ROW_THREADS(at, help)                                                                                   \
    {                                                                                                                  \
        "threads", OPTION_INT, at, "0", 0, 1024, NULL, help "; 0: one a processor"                                     \
    }
#define OPTION_ROW_PROGRESS(at) OPTION_ROW_PROGRESS_AND(at, "")
#define OPTION_ROW_PROGRESS_AND(at, more)                                                                              \
    {                                                                                                                  \
        "progress", OPTION_BOOL, at, "true", 0, 0, NULL, "show on standard error how far the work is" more             \
    }
/* of folders or lists that stand for a data set */
#define OPTION_ROW_LAYOUT(at, help)                                                                                    \
    {                                                                                                                  \
        "layout", OPTION_TEXT, at, NULL, 0, 0, NULL, help                                                              \
    }
#define OPTION_ROW_LAYOUT_AUTO(at)                                                                                     \
    {                                                                                                                  \
        "layout", OPTION_TEXT, at, "auto", 0, 0, NULL,                                                                 \
            "how the folders or the list are to be read (see below); auto: the one that fits"                          \
    }

#endif
