/* protocol.c - finding a protocol, and telling it. */
#include "eval/protocol.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "eval/protocol_internal.h"

const struct protocol *protocol_list(size_t *count)
{
    *count = protocol_table_count;
    return protocol_table;
}

/* Letters and digits of both agree, whatever the case, over the first `length` bytes of b. */
static bool same_name(const char *a, const char *b, size_t length)
{
    const char *end = b + length;
    for (;;) {
        while (*a && !isalnum((unsigned char)*a))
            a++;
        while (b < end && !isalnum((unsigned char)*b))
            b++;
        if (!*a || b == end)
            return !*a && b == end;
        if (tolower((unsigned char)*a++) != tolower((unsigned char)*b++))
            return false;
    }
}

const struct protocol *protocol_find(const char *name)
{
    for (size_t i = 0; i < protocol_table_count; i++)
        if (same_name(name, protocol_table[i].name, strlen(protocol_table[i].name)))
            return &protocol_table[i];
    return NULL;
}

assay_status protocol_named(const char *name, const struct protocol **out, struct assay_error *error)
{
    *out = protocol_find(name);
    if (*out)
        return ASSAY_OK;
    char shown[TEXT_NAME], text[TEXT_NEAREST];
    struct nearest near = nearest_to(name);
    for (size_t i = 0; i < protocol_table_count; i++)
        nearest_offer(&near, protocol_table[i].name);
    return error_set(error, ASSAY_ERROR_ARGUMENT, "there is no protocol '%s'%s",
                     text_printable(name, shown, sizeof shown), nearest_text(&near, text));
}

const struct protocol *protocol_for_layout(const char *layout)
{
    for (size_t i = 0; layout && i < protocol_table_count; i++)
        for (const char *word = protocol_table[i].layouts; *word;) {
            size_t length = strcspn(word, " ");
            if (length && same_name(layout, word, length))
                return &protocol_table[i];
            word += length + (word[length] == ' ');
        }
    return &protocol_table[0];
}

enum metrics_figure protocol_leading(const struct protocol *protocol)
{
    return (enum metrics_figure)protocol->shown[0];
}

json_t *protocol_to_json(const struct protocol *p)
{
    static const char *const rows[] = {"one", "generator", "source"};
    static const char *const reals[] = {"own", "detail", "shared", "paired"};
    static const char *const sampling[] = {"all", "univfd", "first"};
    static const char *const names[] = {"any", "univfd", "cospy"};
    static const char *const thresholds[] = {"half", "best-univfd", "best-lare2", "verdict"};
    static const char *const means[] = {"rows", "groups", "sources", "none"};
    json_t *shown = json_array();
    for (int i = 0; i < PROTOCOL_SHOWN && p->shown[i] >= 0; i++)
        json_array_append_new(shown, json_string(metrics_figure_info[p->shown[i]].name));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:s, s:b, s:b, s:o}", "name",
                     p->name, "title", p->title, "follows", p->follows, "notes", p->notes, "perturbation",
                     p->perturbation, "rows", rows[p->rows], "reals", reals[p->reals], "sampling",
                     sampling[p->sampling], "max_per_class", (int)p->max_per_class, "fallback", (int)p->fallback,
                     "file_names", names[p->names], "threshold", thresholds[p->threshold], "mean", means[p->mean],
                     "art_apart", p->art_apart, "balanced", p->balanced, "shown", shown);
}
