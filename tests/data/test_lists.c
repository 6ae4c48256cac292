/* test_lists.c - lists of pictures in CSV, JSON and plain text: rows, what is wrong with them, the files they name. */
#include "layout_support.h"

#include <stdio.h>
#include <stdlib.h>

#include "data/layouts/list.h"

/* ---- rows ------------------------------------------------------------------------------------------------------ */

/* Each row as "number:path:label:source:split:mask;" */
static char rows[2048];

static assay_status write_row(void *context, const struct list_row *row, struct assay_error *error)
{
    (void)context;
    (void)error;
    size_t used = strlen(rows);
    snprintf(rows + used, sizeof rows - used, "%d:%s:%d:%s:%u:%s%d;", (int)row->number, row->path, row->label,
             row->source ? row->source : "-", row->split, row->mask ? row->mask : "-", (int)row->mask_kind);
    return ASSAY_OK;
}

static assay_status parse(enum list_kind kind, const char *text, size_t size)
{
    char *exact = malloc(size ? size : 1); /* so that a sanitiser sees a read beyond it */
    assert_non_null(exact);
    memcpy(exact, text, size);
    rows[0] = '\0';
    test_error = (struct assay_error){0};
    assay_status status = list_parse(kind, exact, size, "L", write_row, NULL, &test_error);
    free(exact);
    return status;
}

#define assert_rows(kind, text, wanted)                                                                                \
    do {                                                                                                               \
        if (parse(kind, text, strlen(text)))                                                                           \
            fail_msg("%s", test_error.message);                                                                        \
        assert_string_equal(rows, wanted);                                                                             \
    } while (0)

#define assert_refused(kind, text, what)                                                                               \
    do {                                                                                                               \
        assert_int_not_equal(parse(kind, text, sizeof text - 1), ASSAY_OK);                                            \
        if (!strstr(test_error.message, what))                                                                         \
            fail_msg("'%s' is not in: %s", what, test_error.message);                                                  \
    } while (0)

static void test_csv(void **state)
{
    (void)state;
    assert_rows(LIST_CSV, "path,label\na.png,0\nb.png,1\n", "2:a.png:0:-:0:-0;3:b.png:1:-:0:-0;");
    assert_rows(LIST_CSV,
                "\xef\xbb\xbfLabel,Path,Source,Split,Mask,Note\r\nreal,a.png,kodak,train,,x\r\n\r\n"
                "fake,\"b,\"\"c\"\".png\",flux,val,m.png,\"two\nlines\"\r\nai,d.png,,test,Positive,",
                "2:a.png:0:kodak:1:-0;4:b,\"c\".png:1:flux:2:m.png1;6:d.png:1:-:4:-3;");
    assert_rows(LIST_CSV, "filename,typ\na/1.png,dalle2\na/2.png,real\n",
                "2:a/1.png:1:dalle2:0:-0;3:a/2.png:0:-:0:-0;");
    assert_rows(LIST_CSV, "path,label", "");
    assert_refused(LIST_CSV, "", "L, line 1: no column path");
    assert_refused(LIST_CSV, "filename\na.png\n", "L, line 1: no column label (or typ)");
    assert_refused(LIST_CSV, "path,file,label\n", "two columns that say the same");
    assert_refused(LIST_CSV, "path,label\na.png\n", "L, line 2: 1 fields, where the heading has 2");
    assert_refused(LIST_CSV, "path,label\na.png,2\n", "L, line 2: '2' is no label");
    assert_refused(LIST_CSV, "path,label\na.png,\n", "L, line 2: no label");
    assert_refused(LIST_CSV, "path,label\n,1\n", "L, line 2: no path");
    assert_refused(LIST_CSV, "path,label\n\"a.png,1\n", "L, line 2: a quote that does not end");
    assert_refused(LIST_CSV, "path,label\n\"a\"b,1\n", "L, line 2: text behind a quote");
    assert_refused(LIST_CSV, "path,label\na\0b,1\n", "L, line 2: a NUL byte");
    assert_refused(LIST_CSV, "path,label,split\na,1,dev\n", "'dev' is no split");
    assert_refused(LIST_CSV, "path,label,mask\na,1,Negative\n", "its label is 'ai-generated' and its mask 'Negative'");
    assert_refused(LIST_CSV, "path,label,mask\na,0,Positive\n", "its label is 'real'");
    char *line = malloc(100000);
    memset(line, 'x', 100000);
    memcpy(line, "path,label\n", 11);
    assert_int_not_equal(parse(LIST_CSV, line, 100000), ASSAY_OK);
    assert_non_null(strstr(test_error.message, "L, line 2: a line that long"));
    memcpy(line + 20000, ",1\n", 3);
    assert_int_equal(parse(LIST_CSV, line, 20003), ASSAY_ERROR_LIMIT);
    memset(line, ',', 1000);
    assert_int_not_equal(parse(LIST_CSV, line, 1000), ASSAY_OK);
    assert_non_null(strstr(test_error.message, "too many columns"));
    free(line);
}

static void test_text(void **state)
{
    (void)state;
    assert_rows(LIST_TEXT, "a.png 0\n\n  \nb c.png\t 1 \r\nd.png 1",
                "1:a.png:0:-:0:-0;4:b c.png:1:-:0:-0;5:d.png:1:-:0:-0;");
    assert_rows(LIST_TEXT, "", "");
    assert_refused(LIST_TEXT, "a.png\n", "L, line 1: no path and label");
    assert_refused(LIST_TEXT, "a.png 0\nb.png x\n", "L, line 2: 'x' is no label");
    assert_refused(LIST_TEXT, "a\0.png 0\n", "a NUL byte");
}

static void test_json(void **state)
{
    (void)state;
    assert_rows(LIST_JSON,
                "[{\"path\":\"a.png\",\"label\":0},{\"label\":true,\"path\":\"b.png\",\"x\":[1]},"
                "{\"path\":\"c.png\",\"label\":1.0,\"generator\":\"flux\",\"split\":\"test\",\"mask\":null}]",
                "1:a.png:0:-:0:-0;2:b.png:1:-:0:-0;3:c.png:1:flux:4:-0;");
    assert_rows(LIST_JSON, " [[\"a.png\",\"m.png\"],[\"b.png\",\"Negative\"]]",
                "1:a.png:1:-:0:m.png1;2:b.png:0:-:0:-2;");
    assert_rows(LIST_JSON, "[]", "");
    assert_refused(LIST_JSON, "", "L, line ");
    assert_refused(LIST_JSON, "[{\"path\":\"a.png\"", "L, line 1: ");
    assert_refused(LIST_JSON, "{\"path\":\"a.png\"}", "L: no array of pictures");
    assert_refused(LIST_JSON, "[1]", "L, item 1: neither an object");
    assert_refused(LIST_JSON, "[{\"path\":\"a.png\"}]", "L, item 1: no label");
    assert_refused(LIST_JSON, "[{\"label\":1}]", "L, item 1: no path");
    assert_refused(LIST_JSON, "[{\"label\":7,\"path\":\"a\"}]", "L, item 1: a label that is neither 0 nor 1");
    assert_refused(LIST_JSON, "[{\"label\":1,\"path\":3}]", "L, item 1: a value that is no text");
    assert_refused(LIST_JSON, "[{\"label\":1,\"path\":\"a\",\"file\":\"b\"}]", "two keys that say the same");
    assert_refused(LIST_JSON, "[[\"a\"]]", "L, item 1: no pair");
    assert_refused(LIST_JSON, "[[\"a\",\"\"]]", "L, item 1: no pair");
}

/* ---- files ----------------------------------------------------------------------------------------------------- */

static void test_files(void **state)
{
    (void)state;
    FILES("set/a.png", "set/sub/b.tar.png", "set/m.png", "out/c.png");
    char list[512];
    snprintf(list, sizeof list,
             "path,label,source,mask\n./a.png,0,kodak,Negative\nsub/b.tar.png,1,flux,m.png\n%s,1,,\n"
             "gone.png,1,flux,\na.png,real,kodak,\n",
             tree_path("out/c.png"));
    tree_text("set/list.csv", list);
    struct dataset d = open_both("set/list.csv", NULL, "csv", 1, 3);
    assert_source_is(&d, "kodak", LABEL_REAL, 1);
    assert_source_is(&d, "flux", LABEL_GENERATED, 2);
    assert_source_is(&d, "list", LABEL_GENERATED, 1); /* the list's own name where there is no other */
    assert_string_equal(picture_named(&d, "a.png")->path, tree_path("set/a.png"));
    assert_int_equal(picture_named(&d, "a.png")->bytes, 1);
    assert_int_equal(picture_named(&d, "a.png")->mask_kind, MASK_ZERO);
    assert_string_equal(picture_named(&d, "sub/b.tar.png")->mask, tree_path("set/m.png"));
    assert_string_equal(picture_named(&d, tree_path("out/c.png"))->path, tree_path("out/c.png"));
    assert_int_equal(picture_named(&d, "gone.png")->bytes, 0); /* kept: whoever opens it will tell */
    assert_int_equal(d.skipped, 1);
    assert_non_null(strstr(d.skipped_first, "line 6: is listed before"));
    dataset_free(&d);

    tree_text("set/bad.csv", "path,label\na.png,0\n./a.png,1\n");
    refuse_as("set/bad.csv", NULL, NULL, "bad.csv, line 3: 'a.png' is listed as real and as generated");
    tree_text("set/none.csv", "path,label\nx.png,0\ny.png,1\n");
    refuse_as("set/none.csv", NULL, NULL, "none of its 2 pictures is there");
    tree_text("set/empty.csv", "path,label\n");
    refuse_as("set/empty.csv", NULL, NULL, "empty.csv: lists no pictures (layout csv: ");
    tree_text("set/mask.csv", "path,label,mask\na.png,1,gone.png\n");
    refuse_as("set/mask.csv", NULL, NULL, "mask.csv, line 2: there is no mask ");
    tree_text("set/odd.dat", "path,label\na.png,1\n");
    refuse_as("set/odd.dat", NULL, NULL, "odd.dat: cannot open the folder");
    d = open_as("set/odd.dat", "csv", NULL, "csv", 0, 1);
    dataset_free(&d);
    refuse_as("set/list.csv", "drct-2m", NULL, "list.csv: cannot open the folder");
    refuse_as("set", "csv", NULL, "set");
}

static void test_kinds(void **state)
{
    (void)state;
    FILES("a.png", "b.png");
    tree_text("l.JSON", "[{\"path\":\"a.png\",\"label\":0},{\"path\":\"b.png\",\"label\":1}]");
    struct dataset d = open_both("l.JSON", NULL, "json", 1, 1);
    dataset_free(&d);
    tree_text("l.txt", "a.png 0\nb.png 1\n");
    d = open_both("l.txt", NULL, "text", 1, 1);
    assert_source_is(&d, "l", LABEL_REAL, 1);
    dataset_free(&d);
    tree_text("pairs.json", "[[\"a.png\",\"b.png\"]]");
    d = open_both("pairs.json", NULL, "imdlbenco", 0, 1);
    dataset_free(&d);
}

static void test_splits(void **state)
{
    (void)state;
    FILES("a.png", "b.png", "c.png", "d.png");
    tree_text("l.csv", "path,label,split\na.png,0,train\nb.png,1,train\nc.png,1,val\nd.png,0,\n");
    unsigned splits = 0;
    assert_ok(dataset_open_splits(tree_path("l.csv"), NULL, &splits, &test_error));
    assert_int_equal(splits, SPLIT_TRAIN | SPLIT_VAL);
    refuse_as("l.csv", NULL, NULL, "has train/, val/; name the one that is meant");
    refuse_as("l.csv", NULL, "test", "there is no split test/ in it, only train/, val/");
    struct dataset d = open_both("l.csv", "train", "csv", 1, 1);
    assert_int_equal(d.skipped, 1);
    assert_non_null(strstr(d.skipped_first, "line 5: belongs to no split"));
    dataset_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
        cmocka_unit_test_setup_teardown(test_files, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(test_kinds, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(test_splits, tree_setup, tree_teardown),
    };
    return cmocka_run_group_tests_name("data/lists", tests, NULL, NULL);
}
