/* report.c - writes verdicts as a table, as JSON lines or as CSV. */
#include "cli/report.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json_text.h"
#include "cli/cli.h"

enum { JSON_DIGITS = 6 };

void report_begin(struct report *report, enum report_format format, const char *detector)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    *report = (struct report){.format = format, .detector = detector};
    report->colour = isatty(STDOUT_FILENO) && !(no_color && no_color[0]) && !(term && strcmp(term, "dumb") == 0);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

/* An object that begins with "file", and has "file_hex" where the name is not UTF-8. */
static json_t *json_line(const char *file)
{
    json_t *object = json_object();
    json_set_text(object, "file", file);
    return object;
}

static void json_print(struct report *report, json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(JSON_DIGITS)) : NULL;
    if (text) {
        fputs(text, stdout);
        fputc('\n', stdout);
    } else {
        report->lost = true;
    }
    free(text);
    json_decref(object);
}

/* ---- CSV (RFC 4180) -------------------------------------------------------------------------------------------- */

static void csv_field(const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, stdout);
        return;
    }
    fputc('"', stdout);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', stdout);
        fputc(*text, stdout);
    }
    fputc('"', stdout);
}

/* ---- all three ------------------------------------------------------------------------------------------------- */

static const char *colour_of(assay_verdict verdict)
{
    switch (verdict) {
    case ASSAY_REAL: return "\033[32m";
    case ASSAY_GENERATED: return "\033[31m";
    case ASSAY_UNCERTAIN: return "\033[33m";
    case ASSAY_UNCALIBRATED: break;
    }
    return "";
}

static void heading(struct report *report)
{
    if (!report->headed && report->format == REPORT_TABLE)
        fputs("verdict       probability  file\n", stdout);
    if (!report->headed && report->format == REPORT_CSV)
        fputs("file,verdict,probability,detector,error\n", stdout);
    report->headed = true;
}

void report_verdict(struct report *report, const char *file, assay_verdict verdict, double probability)
{
    heading(report);
    const char *words = assay_verdict_text(verdict);
    if (report->format == REPORT_JSON) {
        json_t *object = json_line(file);
        json_object_set_new(object, "verdict", json_string(words));
        json_object_set_new(object, "probability", json_real(probability));
        json_object_set_new(object, "detector", json_string(report->detector));
        json_print(report, object);
    } else if (report->format == REPORT_CSV) {
        csv_field(file);
        printf(",%s,%.*g,%s,\n", words, JSON_DIGITS, probability, report->detector);
    } else {
        const char *colour = report->colour ? colour_of(verdict) : "";
        printf("%s%-12s%s  %11.3f  ", colour, words, colour[0] ? "\033[0m" : "", probability);
        cli_print_text(stdout, file);
        fputc('\n', stdout);
    }
}

void report_failure(struct report *report, const char *file, const char *message)
{
    if (report->format == REPORT_TABLE)
        return;
    heading(report);
    if (report->format == REPORT_JSON) {
        json_t *object = json_line(file);
        json_object_set_new(object, "error", json_lossy_text(message));
        json_print(report, object);
    } else {
        csv_field(file);
        fputs(",,,,", stdout);
        csv_field(message);
        fputc('\n', stdout);
    }
}
