/* pictures.c - the pictures that were judged wrong, and the least and most certain ones, with their maps. */
#include "eval/report/pictures.h"

#include <string.h>

#include "data/dataset.h"

static const struct report_map *find_map(const struct report_input *input, const struct prediction *p)
{
    for (size_t i = 0; i < input->map_count; i++) {
        const struct report_map *map = &input->maps[i];
        if (strcmp(map->picture, p->picture) == 0 && strcmp(map->model, p->model) == 0 && strcmp(map->set, p->set) == 0)
            return map;
    }
    return NULL;
}

static void write_card(const struct report_input *input, struct markup *out, const struct prediction *p)
{
    const struct report_map *map = find_map(input, p);
    markup_raw(out, "<li>");
    if (map) {
        markup_raw(out, "<img loading=\"lazy\" alt=\"");
        markup_text(out, map->words ? map->words : "the picture and where the model looked");
        markup_raw(out, "\" src=\"");
        markup_raw(out, map->data_uri); /* letters, digits and + / = alone: report_write has looked */
        markup_raw(out, "\"/>");
    }
    markup_raw(out, "<p class=\"path\"><bdi>");
    markup_text(out, p->picture);
    markup_raw(out, "</bdi></p><p>");
    markup_raw(out, p->label == LABEL_GENERATED ? "Is <strong>ai-generated</strong>" : "Is <strong>real</strong>");
    markup_raw(out, p->art ? " (art), from <bdi>" : ", from <bdi>");
    markup_text(out, p->source);
    markup_raw(out, "</bdi>.</p><p>Probability ");
    markup_number(out, 100 * p->probability, 1);
    markup_raw(out, "\xe2\x80\xaf%, score ");
    markup_number(out, p->logit, 2);
    markup_printf(out, "; verdict: %s.</p><p class=\"soft\">%d\xe2\x80\xaf\xc3\x97\xe2\x80\xaf%d pixels, ",
                  assay_verdict_text(p->verdict), p->width, p->height);
    markup_count(out, (size_t)((p->bytes + 999) / 1000));
    markup_raw(out, "\xe2\x80\xafkB</p></li>\n");
}

static const char *const headings[REPORT_CHOICE_KINDS] = {"Judged wrong, the surest first",
                                                          "Judged right, the least certain",
                                                          "Judged right, the most certain"};

void report_write_pictures(struct report *report, const struct report_choices *choices, struct markup *out)
{
    const struct prediction *before = NULL;
    enum report_choice_kind kind = REPORT_WRONG;
    for (size_t i = 0; i < choices->count; i++) {
        const struct prediction *p = choices->items[i].prediction;
        bool other = !before || strcmp(before->set, p->set) != 0 || strcmp(before->model, p->model) != 0;
        if (before && (other || kind != choices->items[i].kind))
            markup_raw(out, "</ol>\n");
        if (other) {
            markup_raw(out, "<h3><bdi>");
            markup_text(out, p->model);
            markup_raw(out, "</bdi> on <bdi>");
            markup_text(out, p->set);
            markup_raw(out, "</bdi></h3>\n");
            if (choices->items[i].kind != REPORT_WRONG)
                markup_raw(out, "<p>No picture was judged wrong.</p>\n");
        }
        if (other || kind != choices->items[i].kind)
            markup_printf(out, "<h4>%s</h4>\n<ol class=\"cards\">\n", headings[choices->items[i].kind]);
        write_card(report->input, out, p);
        before = p;
        kind = choices->items[i].kind;
    }
    markup_raw(out, before ? "</ol>\n" : "<p>No picture was judged.</p>\n");
}
