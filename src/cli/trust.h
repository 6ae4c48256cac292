/* trust.h - the option --trust: a file of certificates whose signers are believed. */
#ifndef ASSAY_CLI_TRUST_H
#define ASSAY_CLI_TRUST_H

#include "provenance/cose.h"

/* Reads the file; NULL: no list, *out is NULL. On success *out is freed with cose_trust_free. */
assay_status cli_trust(const char *path, struct cose_trust **out, struct assay_error *error);

#endif
