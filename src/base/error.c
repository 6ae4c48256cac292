/* error.c - writes the one sentence of a failure. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

assay_status error_set(struct assay_error *error, assay_status status, const char *format, ...)
{
    if (error) {
        va_list args;
        va_start(args, format);
        error->status = status;
        vsnprintf(error->message, sizeof error->message, format, args);
        va_end(args);
    }
    return status;
}

assay_status error_memory(struct assay_error *error, const char *what)
{
    return error_set(error, ASSAY_ERROR_MEMORY, "out of memory for %s", what);
}

assay_status error_errno(struct assay_error *error, const char *path, const char *verb)
{
    char text[128];
    int code = errno;
    /* the XSI strerror_r; _POSIX_C_SOURCE is set and _GNU_SOURCE is not */
    if (strerror_r(code, text, sizeof text) != 0)
        snprintf(text, sizeof text, "error %d", code);
    return error_set(error, code == ENOMEM ? ASSAY_ERROR_MEMORY : ASSAY_ERROR_IO, "%s: cannot %s: %s", path, verb,
                     text);
}

const char *assay_status_text(assay_status status)
{
    switch (status) {
    case ASSAY_OK: return "no error";
    case ASSAY_ERROR_ARGUMENT: return "unusable argument";
    case ASSAY_ERROR_IO: return "input or output failed";
    case ASSAY_ERROR_FORMAT: return "damaged or unsupported data";
    case ASSAY_ERROR_LIMIT: return "limit exceeded";
    case ASSAY_ERROR_MEMORY: return "out of memory";
    case ASSAY_ERROR_MODEL: return "unusable model";
    case ASSAY_ERROR_CANCELLED: return "cancelled";
    case ASSAY_ERROR_INTERNAL: return "internal error";
    }
    return "unknown status";
}
