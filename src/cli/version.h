/* version.h - what `assay --version` prints: this program and the libraries that its results depend on. */
#ifndef ASSAY_CLI_VERSION_H
#define ASSAY_CLI_VERSION_H

#include <stdio.h>

void cli_print_version(FILE *stream);

#endif
