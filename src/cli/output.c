/* output.c - messages on standard error, file names as text, and the care that nothing printed is lost silently. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"

void cli_print_text(FILE *stream, const char *text)
{
    while (*text) {
        unsigned char c = (unsigned char)*text;
        int length = text_utf8_length(text);
        /* C0, DEL and the C1 controls U+0080 to U+009F, which a terminal would obey */
        bool control = c < 0x20 || c == 0x7F || (c == 0xC2 && length == 2 && (unsigned char)text[1] < 0xA0);
        if (length == 0 || control) {
            fprintf(stream, "\\x%02X", c);
            text++;
            if (length == 2)
                fprintf(stream, "\\x%02X", (unsigned char)*text++);
        } else {
            fwrite(text, 1, (size_t)length, stream);
            text += length;
        }
    }
}

void cli_complain(const char *format, ...)
{
    char message[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    fputs("assay: ", stderr);
    cli_print_text(stderr, message);
    fputc('\n', stderr);
}

int cli_failure(const struct assay_error *error, bool usage)
{
    cli_complain("%s", error->message);
    return usage ? CLI_USAGE : CLI_FAILED;
}

bool cli_flush(void)
{
    errno = 0;
    bool failed = fflush(stdout) != 0;
    int code = errno;
    if (!failed && !ferror(stdout))
        return true;
    if (code != EPIPE)
        cli_complain("standard output: cannot write%s%s", code ? ": " : "", code ? strerror(code) : "");
    return false;
}
