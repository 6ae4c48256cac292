/* table.c - tables of figures. */
#include "eval/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { TABLE_GAP = 2 };

static bool put(struct array *out, const char *text)
{
    return array_append(out, text, strlen(text));
}

/* Numbers in tables are the same whatever the program's locale is: a comma as decimal point is set right. */
static void point(char *text)
{
    for (; *text; text++)
        if (*text == ',')
            *text = '.';
}

const char *table_number(double value, char text[TABLE_NUMBER])
{
    text[0] = '\0';
    for (int digits = 1; digits <= 17 && !isnan(value); digits++) {
        snprintf(text, TABLE_NUMBER, "%.*g", digits, value);
        if (strtod(text, NULL) == value) /* both by the locale */
            break;
    }
    point(text);
    return text;
}

/* As a person reads it. */
static const char *cell_text(const struct table *table, size_t row, size_t column, const char *none,
                             char text[TABLE_NUMBER])
{
    double value = table->values[row * table->column_count + column];
    bool percent = table->column_percent ? table->column_percent[column] : table->percent;
    if (isnan(value))
        return none;
    snprintf(text, TABLE_NUMBER, "%.*f", percent ? 1 : 4, percent ? 100 * value : value);
    point(text);
    return text;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* Appends a name as a terminal may show it; returns how many columns it takes, -1: no memory. */
static int put_name(struct array *out, const char *text)
{
    int width = 0;
    while (*text) {
        unsigned char c = (unsigned char)*text;
        int length = text_utf8_length(text);
        /* C0, DEL and the C1 controls U+0080 to U+009F */
        bool control = c < 0x20 || c == 0x7F || (c == 0xC2 && length == 2 && (unsigned char)text[1] < 0xA0);
        if (length == 0 || control) {
            for (int i = 0; i < (length ? length : 1); i++, width += 4)
                if (!array_printf(out, "\\x%02X", (unsigned char)*text++))
                    return -1;
        } else {
            if (!array_append(out, text, (size_t)length))
                return -1;
            text += length;
            width++;
        }
    }
    return width;
}

static int name_width(const char *text)
{
    struct array scratch = array_of(1, 1 << 20);
    int width = put_name(&scratch, text);
    array_free(&scratch);
    return width;
}

/* A table, or the same with rows and columns changed over. */
struct view {
    const struct table *table;
    bool turned;
    size_t row_count, column_count;
};

static struct view view_of(const struct table *t, bool turned)
{
    return (struct view){t, turned, turned ? t->column_count : t->row_count, turned ? t->row_count : t->column_count};
}

static const char *row_name(const struct view *v, size_t row)
{
    return v->turned ? v->table->columns[row] : v->table->rows[row];
}

static const char *column_name(const struct view *v, size_t column)
{
    return v->turned ? v->table->rows[column] : v->table->columns[column];
}

static const char *view_cell(const struct view *v, size_t row, size_t column, char text[TABLE_NUMBER])
{
    return cell_text(v->table, v->turned ? column : row, v->turned ? row : column, "-", text);
}

static int names_width(const struct view *v)
{
    int width = v->turned ? 0 : name_width(v->table->corner);
    for (size_t r = 0; r < v->row_count; r++) {
        int name = name_width(row_name(v, r));
        width = name > width ? name : width;
    }
    return width;
}

static int column_width(const struct view *v, size_t column)
{
    char text[TABLE_NUMBER];
    int width = name_width(column_name(v, column));
    for (size_t r = 0; r < v->row_count; r++) {
        int cell = (int)strlen(view_cell(v, r, column, text));
        width = cell > width ? cell : width;
    }
    return width;
}

static size_t view_width(const struct view *v)
{
    size_t width = (size_t)names_width(v);
    for (size_t c = 0; c < v->column_count; c++)
        width += TABLE_GAP + (size_t)column_width(v, c);
    return width;
}

/* A name or number filled up with blanks. */
static bool put_padded(struct array *out, const char *text, int width, bool right)
{
    int own = name_width(text);
    int blanks = own < 0 || own > width ? 0 : width - own;
    return own >= 0 && (!right || array_printf(out, "%*s", blanks, "")) && put_name(out, text) >= 0 &&
           (right || array_printf(out, "%*s", blanks, ""));
}

bool table_text(const struct table *table, size_t width, struct array *out)
{
    char text[TABLE_NUMBER];
    struct view upright = view_of(table, false), turned = view_of(table, true);
    size_t upright_width = view_width(&upright);
    const struct view *v = upright_width > width && view_width(&turned) < upright_width ? &turned : &upright;
    int names = names_width(v);
    bool fits = put_name(out, table->title) >= 0 && put(out, "\n") &&
                put_padded(out, v->turned ? "" : table->corner, names, false);
    for (size_t c = 0; c < v->column_count && fits; c++)
        fits = put(out, "  ") && put_padded(out, column_name(v, c), column_width(v, c), true);
    fits = fits && put(out, "\n");
    for (size_t r = 0; r < v->row_count && fits; r++) {
        fits = put_padded(out, row_name(v, r), names, false);
        for (size_t c = 0; c < v->column_count && fits; c++)
            fits = put(out, "  ") && put_padded(out, view_cell(v, r, c, text), column_width(v, c), true);
        fits = fits && put(out, "\n");
    }
    return fits;
}

/* ---- CSV --------------------------------------------------------------------------------------------------------- */

bool table_csv_field(const char *text, struct array *out)
{
    if (!strpbrk(text, ",\"\r\n"))
        return put(out, text);
    bool fits = put(out, "\"");
    for (; *text && fits; text++)
        fits = (*text != '"' || put(out, "\"")) && array_append(out, text, 1);
    return fits && put(out, "\"");
}

bool table_csv(const struct table *table, const char *const *prefix_names, const char *const *prefix_values,
               size_t prefix_count, bool heading, struct array *out)
{
    char text[TABLE_NUMBER];
    bool fits = true;
    if (heading) {
        for (size_t i = 0; i < prefix_count && fits; i++)
            fits = table_csv_field(prefix_names[i], out) && put(out, ",");
        fits = fits && table_csv_field(table->corner, out);
        for (size_t c = 0; c < table->column_count && fits; c++)
            fits = put(out, ",") && table_csv_field(table->columns[c], out);
        fits = fits && put(out, "\n");
    }
    for (size_t r = 0; r < table->row_count && fits; r++) {
        for (size_t i = 0; i < prefix_count && fits; i++)
            fits = table_csv_field(prefix_values[i], out) && put(out, ",");
        fits = fits && table_csv_field(table->rows[r], out);
        for (size_t c = 0; c < table->column_count && fits; c++)
            fits = put(out, ",") && put(out, table_number(table->values[r * table->column_count + c], text));
        fits = fits && put(out, "\n");
    }
    return fits;
}

/* ---- LaTeX ------------------------------------------------------------------------------------------------------- */

bool table_latex_text(const char *text, struct array *out)
{
    static const struct {
        char byte;
        const char *escaped;
    } special[] = {{'\\', "\\textbackslash{}"},
                   {'{', "\\{"},
                   {'}', "\\}"},
                   {'$', "\\$"},
                   {'&', "\\&"},
                   {'#', "\\#"},
                   {'%', "\\%"},
                   {'_', "\\_"},
                   {'^', "\\textasciicircum{}"},
                   {'~', "\\textasciitilde{}"},
                   {'<', "\\textless{}"},
                   {'>', "\\textgreater{}"},
                   {'|', "\\textbar{}"},
                   {'"', "\\textquotedbl{}"}};
    bool fits = true;
    while (*text && fits) {
        const char *escaped = NULL;
        for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
            if (special[i].byte == *text)
                escaped = special[i].escaped;
        int length = text_utf8_length(text);
        if (length == 0 || (unsigned char)*text < 0x20 || *text == 0x7F)
            escaped = "?";
        fits = escaped ? put(out, escaped) : array_append(out, text, (size_t)length);
        text += length ? length : 1;
    }
    return fits;
}

/* The best value of a column as it is printed; NaN where there is but one row. */
static bool is_best(const struct table *t, size_t row, size_t column)
{
    char own[TABLE_NUMBER], other[TABLE_NUMBER];
    double value = t->values[row * t->column_count + column];
    if (isnan(value) || t->row_count < 2)
        return false;
    for (size_t r = 0; r < t->row_count; r++) {
        double rival = t->values[r * t->column_count + column];
        bool better = t->smaller_is_better ? rival < value : rival > value;
        /* what looks the same is as good */
        if (better && strcmp(cell_text(t, row, column, "", own), cell_text(t, r, column, "", other)) != 0)
            return false;
    }
    return true;
}

bool table_latex(const struct table *table, struct array *out)
{
    char text[TABLE_NUMBER];
    bool fits = put(out, "\\begin{table}\n\\centering\n\\caption{") && table_latex_text(table->title, out) &&
                put(out, "}\n\\begin{tabular}{l");
    for (size_t c = 0; c < table->column_count && fits; c++)
        fits = put(out, table->last_apart && c > 0 && c + 1 == table->column_count ? "|r" : "r");
    fits = fits && put(out, "}\n\\toprule\n") && table_latex_text(table->corner, out);
    for (size_t c = 0; c < table->column_count && fits; c++)
        fits = put(out, " & ") && table_latex_text(table->columns[c], out);
    fits = fits && put(out, " \\\\\n\\midrule\n");
    for (size_t r = 0; r < table->row_count && fits; r++) {
        fits = table_latex_text(table->rows[r], out);
        for (size_t c = 0; c < table->column_count && fits; c++) {
            const char *cell = cell_text(table, r, c, "--", text);
            fits = array_printf(out, is_best(table, r, c) ? " & \\textbf{%s}" : " & %s", cell);
        }
        fits = fits && put(out, " \\\\\n");
    }
    return fits && put(out, "\\bottomrule\n\\end{tabular}\n\\end{table}\n");
}
