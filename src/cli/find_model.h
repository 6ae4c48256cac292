/* find_model.h - which model a command uses when none is named. */
#ifndef ASSAY_CLI_FIND_MODEL_H
#define ASSAY_CLI_FIND_MODEL_H

#include "base/arena.h"
#include "base/error.h"

/* `named` where it is not NULL (the value of --model); else the first of these that there is: the file that the
 * environment variable ASSAY_MODEL names; default.safetensors in ../share/assay/models/ seen from the program's
 * folder; the same in models/ of the source tree, for a program that lies in its build folder. */
assay_status cli_find_model(const char *named, struct arena *arena, const char **path, struct assay_error *error);

#endif
