/* check_text.c - the report of a check for a person: warnings first, then what the pictures are. */
#include <inttypes.h>

#include "data/check/check.h"

struct page {
    const struct check *check;
    FILE *stream;
    check_print_text *print;
    size_t list;
};

static void write_warnings(const struct page *page)
{
    const struct check_warning *warnings = page->check->warnings.data;
    size_t count = page->check->warnings.count;
    if (!count)
        fputs("No warnings: no single fact about the files tells real from generated, and nothing is there twice where "
              "it matters.\n",
              page->stream);
    for (size_t i = 0; i < count; i++)
        fprintf(page->stream, "WARNING: %s.\n", warnings[i].text);
    fputc('\n', page->stream);
}

static void write_counts(const struct page *page)
{
    const struct scan *scan = page->check->scan;
    for (size_t s = 0; s < scan->split_count; s++) {
        const struct dataset *d = &scan->splits[s].dataset;
        size_t sources[LABEL_COUNT] = {0};
        for (size_t i = 0; i < d->source_count; i++)
            sources[d->sources[i].label]++;
        fprintf(page->stream, "%s: %zu real pictures of %zu sources, %zu generated of %zu\n",
                scan->splits[s].name[0] ? scan->splits[s].name : "pictures", d->label_count[LABEL_REAL],
                sources[LABEL_REAL], d->label_count[LABEL_GENERATED], sources[LABEL_GENERATED]);
        if (d->skipped)
            fprintf(page->stream, "  left out: %zu\n", d->skipped);
    }
    fputc('\n', page->stream);
}

static void write_category(const struct page *page, enum feature feature)
{
    const struct scan *scan = page->check->scan;
    char text[FEATURE_TEXT];
    for (int value = 0; value <= CHECK_CATEGORY_MOST; value++) {
        size_t real = check_category_count(scan, feature, value, LABEL_REAL);
        size_t generated = check_category_count(scan, feature, value, LABEL_GENERATED);
        if (real || generated)
            fprintf(page->stream, "  %-18s %-18s %9zu %9zu\n", feature_title(feature),
                    feature_value_text(feature, value, text), real, generated);
    }
}

static void write_facts(const struct page *page)
{
    fputs("What the files are\n  fact               value                   real generated\n", page->stream);
    for (int f = 0; f < FEATURE_COUNT; f++)
        if (feature_is_category((enum feature)f))
            write_category(page, (enum feature)f);
    fputs("\n  fact               class         least      5 %   median     95 %     most\n", page->stream);
    for (int f = 0; f < FEATURE_COUNT; f++)
        for (int label = 0; label < LABEL_COUNT; label++) {
            const struct check_spread *s = &page->check->spread[f][label];
            if (s->count)
                fprintf(page->stream, "  %-18s %-12s %6.6g %8.6g %8.6g %8.6g %8.6g\n", feature_title((enum feature)f),
                        dataset_label_text(label), s->least, s->low, s->median, s->high, s->most);
        }
    size_t jpegs = 0, other = 0;
    for (size_t i = 0; i < page->check->scan->count; i++) {
        const struct scan_picture *p = &page->check->scan->pictures[i];
        jpegs += !p->problem && p->facts.jpeg_quality > 0;
        other += !p->problem && p->facts.jpeg_quality > 0 && !p->facts.jpeg_quality_exact;
    }
    if (other)
        fprintf(page->stream,
                "  (%zu of %zu JPEGs have tables that are not libjpeg's: their quality is the nearest one)\n", other,
                jpegs);
    fputc('\n', page->stream);
}

static void write_result(const struct page *page, const struct rule_result *rule)
{
    if (rule->why)
        fputs("  -                  ", page->stream);
    else
        fprintf(page->stream, "  %.3f (%.3f-%.3f)", rule->accuracy, rule->low, rule->high);
}

static void write_rules(const struct page *page)
{
    const char *first_why = NULL;
    fprintf(
        page->stream,
        "What one fact alone tells: balanced accuracy on held-out pictures (95 %% interval); 0.5 is chance, a "
        "warning is\ngiven where an interval lies above %.1f. By a table of values, by a threshold; learnt from the "
        "same sources,\nfrom other sources.\n"
        "  fact               table, same sources  threshold, same      table, other         threshold, other\n",
        RULE_LEAK);
    for (int f = 0; f < FEATURE_COUNT; f++) {
        const struct feature_result *result = &page->check->features[f];
        fprintf(page->stream, "  %-17s", feature_title((enum feature)f));
        for (int folding = 0; folding < FOLDING_COUNT; folding++)
            for (int kind = 0; kind < RULE_COUNT; kind++)
                write_result(page, &result->rules[kind][folding]);
        fputs(check_feature_leaks(result) ? "  LEAK\n" : "\n", page->stream);
        if (!first_why && f == FEATURE_WIDTH)
            first_why = result->rules[RULE_TABLE][FOLDING_SOURCE].why;
    }
    if (first_why)
        fprintf(page->stream, "  (other sources cannot be tried: %s)\n", first_why);
    fputc('\n', page->stream);
}

static void write_set(const struct page *page, const char *title, const struct duplicate_set *set)
{
    fprintf(page->stream,
            "  %-16s %zu pictures in %zu groups; %zu have one in the other class, %zu in another split, %zu in their "
            "own class and split\n",
            title, set->pictures, set->group_count, set->other_class, set->other_split, set->alike);
}

/* Groups across classes or splits come first: they matter most. */
static void list_groups(const struct page *page, const char *title, const struct duplicate_set *set)
{
    const struct scan *scan = page->check->scan;
    size_t listed = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t g = 0; g < set->group_count && listed < page->list; g++) {
            const struct duplicate_group *group = &set->groups[g];
            uint8_t partners = 0;
            for (size_t i = 0; i < group->count; i++)
                partners |= set->partners[set->members[group->first + i]];
            if (((partners & ~PARTNER_ALIKE) != 0) != (pass == 0))
                continue;
            fprintf(page->stream, "  %s\n", title);
            for (size_t i = 0; i < group->count && listed < page->list; i++, listed++) {
                const struct scan_picture *p = &scan->pictures[set->members[group->first + i]];
                fprintf(page->stream, "    %-12s  ", dataset_label_text(p->picture->label));
                page->print(page->stream, p->picture->name);
                fputc('\n', page->stream);
            }
        }
    if (listed < set->pictures && page->list)
        fprintf(page->stream, "    and %zu more (--list)\n", set->pictures - listed);
}

static void write_duplicates(const struct page *page)
{
    const struct duplicates *d = &page->check->duplicates;
    fprintf(page->stream, "Duplicates (near: perceptual hashes that differ in at most %d of 64 bits)\n", d->distance);
    write_set(page, "equal files", &d->equal);
    write_set(page, "near-duplicates", &d->near);
    if (d->flat)
        fprintf(page->stream, "  %zu pictures have too little structure to be compared by hash\n", d->flat);
    list_groups(page, "equal:", &d->equal);
    list_groups(page, "near:", &d->near);
}

static void write_unreadable(const struct page *page)
{
    const struct scan *scan = page->check->scan;
    size_t listed = 0;
    if (!scan->unreadable)
        return;
    fprintf(page->stream, "\nUnreadable: %zu pictures\n", scan->unreadable);
    for (size_t i = 0; i < scan->count && listed < page->list; i++)
        if (scan->pictures[i].problem) {
            fputs("  ", page->stream);
            page->print(page->stream, scan->pictures[i].problem);
            fputc('\n', page->stream);
            listed++;
        }
    if (listed < scan->unreadable && page->list)
        fprintf(page->stream, "  and %zu more (--list)\n", scan->unreadable - listed);
}

void check_write_text(const struct check *check, size_t list, check_print_text *print, FILE *stream)
{
    const struct page page = {check, stream, print, list};
    write_warnings(&page);
    write_counts(&page);
    write_rules(&page);
    write_facts(&page);
    write_duplicates(&page);
    write_unreadable(&page);
}
