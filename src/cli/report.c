/* report.c - writes verdicts as a table, as JSON lines or as CSV. */
#include "cli/report.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json_text.h"
#include "cli/cli.h"

enum { JSON_DIGITS = 6, TABLE_INDENT = 27 };

void report_begin(struct report *report, enum report_format format, const char *detector, bool provenance)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    *report = (struct report){.format = format, .detector = detector, .provenance = provenance};
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

/* Where what the file says and the verdict cannot both be true; `told` NULL: there is no verdict. NULL: they can. */
static const char *disagreement_of(const struct finding *finding, const struct model_verdict *told)
{
    return finding && told ? finding_disagreement(finding->kind, told->verdict) : NULL;
}

/* "provenance": the finding, and where it and the verdict disagree. False: no memory. */
static bool json_finding(json_t *object, const struct finding *finding, const struct model_verdict *told)
{
    const char *disagreement = disagreement_of(finding, told);
    json_t *said = finding ? finding_json(finding) : json_null();
    bool fits = said && (!disagreement || json_object_set_new(said, "disagreement", json_string(disagreement)) == 0);
    return json_object_set_new(object, "provenance", said) == 0 && fits;
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

/* Kind, strength, what it rests on, disagreement. */
static void csv_finding(struct report *report, const struct finding *finding, const struct model_verdict *told)
{
    struct array basis = array_of(1, 1 << 20);
    const char *disagreement = disagreement_of(finding, told);
    if (!finding) {
        fputs(",,,,", stdout);
        return;
    }
    printf(",%s,%s,", finding_kind_text(finding->kind), finding_strength_text(finding->strength));
    if (finding_basis(finding, &basis) && array_append(&basis, "", 1))
        csv_field(basis.data);
    else
        report->lost = true;
    printf(",%s", disagreement ? disagreement : "");
    array_free(&basis);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

/* "generated (unsigned)": short enough for a column. */
static void table_finding(const struct finding *finding)
{
    static const char *const kinds[] = {"-", "camera's data", "captured", "edited", "generated"},
                             *const strengths[] = {"", " (unsigned)", " (broken)", " (unchecked)", " (signed)"};
    char text[40];
    bool camera = finding && finding->kind == FINDING_CAMERA_METADATA; /* never signed */
    snprintf(text, sizeof text, "%s%s", finding ? kinds[finding->kind] : "?",
             finding && !camera ? strengths[finding->strength] : "");
    printf("%-21s  ", text);
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
        fputs(report->provenance ? "verdict       probability  file says              file\n"
                                 : "verdict       probability  file\n",
              stdout);
    if (!report->headed && report->format == REPORT_CSV)
        printf("file,verdict,probability,detector,error%s,crops,crops_generated,lowest,highest,deviation,width,height,"
               "format,jpeg_quality,limit\n",
               report->provenance ? ",provenance,strength,basis,disagreement" : "");
    report->headed = true;
}

static json_t *reasons_to_json(const struct verdict_reasons *r)
{
    const struct crop_agreement *a = &r->agreement;
    return json_pack("{s:i, s:i, s:f, s:f, s:f, s:i, s:i, s:s?, s:o, s:o}", "crops", a->crops, "crops_generated",
                     a->generated, "lowest", a->lowest, "highest", a->highest, "deviation", a->deviation, "width",
                     r->width, "height", r->height, "format", r->format, "jpeg_quality",
                     r->jpeg_quality ? json_integer(r->jpeg_quality) : json_null(), "limit",
                     r->limit ? json_string(verdict_limit_text(r->limit)) : json_null());
}

static void csv_reasons(const struct verdict_reasons *r)
{
    const struct crop_agreement *a = &r->agreement;
    printf(",%d,%d,%.*g,%.*g,%.*g,%d,%d,%s,", a->crops, a->generated, JSON_DIGITS, a->lowest, JSON_DIGITS, a->highest,
           JSON_DIGITS, a->deviation, r->width, r->height, r->format ? r->format : "");
    if (r->jpeg_quality)
        printf("%d", r->jpeg_quality);
    printf(",%s\n", r->limit ? verdict_limit_text(r->limit) : "");
}

void report_verdict(struct report *report, const char *file, const struct model_verdict *told,
                    const struct finding *finding)
{
    heading(report);
    assay_verdict verdict = told->verdict;
    double probability = told->probability;
    const char *words = assay_verdict_text(verdict);
    if (report->format == REPORT_JSON) {
        json_t *object = json_line(file);
        json_object_set_new(object, "verdict", json_string(words));
        json_object_set_new(object, "probability", json_real(probability));
        json_object_set_new(object, "detector", json_string(report->detector));
        json_t *reasons = reasons_to_json(&told->reasons);
        report->lost |= !reasons;
        json_object_set_new(object, "reasons", reasons);
        if (report->provenance && !json_finding(object, finding, told))
            report->lost = true;
        json_print(report, object);
    } else if (report->format == REPORT_CSV) {
        csv_field(file);
        printf(",%s,%.*g,%s,", words, JSON_DIGITS, probability, report->detector);
        if (report->provenance)
            csv_finding(report, finding, told);
        csv_reasons(&told->reasons);
    } else {
        const char *colour = report->colour ? colour_of(verdict) : "";
        printf("%s%-12s%s  %11.3f  ", colour, words, colour[0] ? "\033[0m" : "", probability);
        if (report->provenance)
            table_finding(finding);
        cli_print_text(stdout, file);
        fputc('\n', stdout);
        const char *disagreement = disagreement_of(finding, told);
        if (disagreement)
            printf("              they disagree: %s\n", disagreement);
        char text[VERDICT_REASONS_TEXT];
        if (report->reasons)
            printf("%*s%s\n", TABLE_INDENT, "", verdict_reasons_text(&told->reasons, text));
    }
}

void report_failure(struct report *report, const char *file, const char *message, const struct finding *finding)
{
    if (report->format == REPORT_TABLE && !finding)
        return;
    heading(report);
    if (report->format == REPORT_JSON) {
        json_t *object = json_line(file);
        json_object_set_new(object, "error", json_lossy_text(message));
        if (finding && !json_finding(object, finding, NULL))
            report->lost = true;
        json_print(report, object);
    } else if (report->format == REPORT_CSV) {
        csv_field(file);
        fputs(",,,,", stdout);
        csv_field(message);
        if (report->provenance)
            csv_finding(report, finding, NULL);
        fputs(",,,,,,,,,,\n", stdout);
    } else {
        printf("%-12s  %11s  ", "not judged", "");
        table_finding(finding);
        cli_print_text(stdout, file);
        fputc('\n', stdout);
    }
}
