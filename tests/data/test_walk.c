/* test_walk.c - folders come sorted, links do not loop, strange names pass, what cannot be read is told. */
#include "support.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "data/walk.h"

struct seen {
    char names[64][256];
    size_t count;
    uint64_t bytes;
    char problems[4096];
    size_t problem_count;
    size_t stop_at; /* 0: never */
};

static assay_status visit(void *context, const struct walk_file *file, struct assay_error *error)
{
    struct seen *seen = context;
    assert_true(seen->count < 64);
    assert_true(strlen(file->path) > strlen(file->name));
    assert_string_equal(file->path + strlen(file->path) - strlen(file->name), file->name);
    snprintf(seen->names[seen->count++], sizeof seen->names[0], "%s", file->name);
    seen->bytes += file->bytes;
    if (seen->stop_at && seen->count == seen->stop_at)
        return error_set(error, ASSAY_ERROR_CANCELLED, "enough");
    return ASSAY_OK;
}

static void problem(void *context, const char *path, const struct assay_error *why)
{
    struct seen *seen = context;
    assert_non_null(path);
    seen->problem_count++;
    strncat(seen->problems, why->message, sizeof seen->problems - strlen(seen->problems) - 1);
}

static struct seen walk_names(const char *root)
{
    struct seen seen = {0};
    struct walk walk = {visit, problem, &seen};
    assert_ok(walk_pictures(root, &walk, &test_error));
    return seen;
}

#define assert_names(seen, ...)                                                                                        \
    do {                                                                                                               \
        const char *const expected[] = {__VA_ARGS__};                                                                  \
        assert_int_equal((seen).count, sizeof expected / sizeof expected[0]);                                          \
        for (size_t at = 0; at < (seen).count; at++)                                                                   \
            assert_string_equal((seen).names[at], expected[at]);                                                       \
    } while (0)

static void test_order(void **state)
{
    (void)state;
    tree_text("b.jpg", "12");
    tree_text("B.PNG", "1");
    tree_text("a/z.webp", "1");
    tree_text("a/y.JPEG", "1");
    tree_text("a.tif", "1");
    tree_text("notes.txt", "1");
    tree_text(".hidden.jpg", "1");
    tree_text(".git/x.jpg", "1");
    tree_folder("empty");
    struct seen seen = walk_names(tree_path(""));
    assert_names(seen, "B.PNG", "a/y.JPEG", "a/z.webp", "a.tif", "b.jpg");
    assert_int_equal(seen.bytes, 6);
    assert_int_equal(seen.problem_count, 0);

    char slashes[1024];
    snprintf(slashes, sizeof slashes, "%s///", tree_path(""));
    seen = walk_names(slashes);
    assert_names(seen, "B.PNG", "a/y.JPEG", "a/z.webp", "a.tif", "b.jpg");
}

static void test_odd_names(void **state)
{
    (void)state;
    tree_text("with space/a b.jpg", "1");
    tree_text("with\nnewline.jpg", "1");
    tree_text("\xff\xfe.jpg", "1"); /* not UTF-8 */
    tree_text("%s%n.jpg", "1");
    tree_text("-.jpg", "1");
    struct seen seen = walk_names(tree_path(""));
    assert_names(seen, "%s%n.jpg", "-.jpg", "with\nnewline.jpg", "with space/a b.jpg", "\xff\xfe.jpg");
}

static void test_links(void **state)
{
    (void)state;
    tree_text("a/x.jpg", "1");
    tree_link("a/up", "..");
    tree_link("a/self", ".");
    tree_link("b", "a");           /* the same folder again */
    tree_link("c.jpg", "a/x.jpg"); /* a file may be linked */
    tree_link("gone.jpg", "nowhere");
    tree_link("ring1.jpg", "ring2.jpg");
    tree_link("ring2.jpg", "ring1.jpg");
    struct seen seen = walk_names(tree_path(""));
    assert_names(seen, "a/x.jpg", "c.jpg");
    assert_int_equal(seen.problem_count, 0);
    seen = walk_names(tree_path("b"));
    /* from here `up` leads to the whole tree, but into a/ and b/, which are the root, no more */
    assert_names(seen, "up/c.jpg", "x.jpg");
}

/* Two folders that link to each other many times over: without memory of where it was, a walk would take 8^60 steps. */
static void test_web_of_links(void **state)
{
    (void)state;
    char name[64];
    tree_text("a/x.jpg", "1");
    tree_text("b/y.jpg", "1");
    for (int i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "a/to%d", i);
        tree_link(name, "../b");
        snprintf(name, sizeof name, "b/to%d", i);
        tree_link(name, "../a");
    }
    struct seen seen = walk_names(tree_path(""));
    assert_names(seen, "a/to0/y.jpg", "a/x.jpg");
}

static void test_depth(void **state)
{
    (void)state;
    char name[1024] = "";
    size_t used = 0;
    for (int i = 0; i < LIMIT_DIRECTORY_DEPTH + 1; i++)
        used += (size_t)snprintf(name + used, sizeof name - used, "d/");
    snprintf(name + used, sizeof name - used, "deep.jpg");
    tree_text(name, "1");
    name[used - 2] = '\0'; /* one folder less */
    strncat(name, "in.jpg", sizeof name - strlen(name) - 1);
    tree_text(name, "1");
    struct seen seen = walk_names(tree_path(""));
    assert_int_equal(seen.count, 1);
    assert_non_null(strstr(seen.names[0], "in.jpg"));
    assert_int_equal(seen.problem_count, 1);
    assert_non_null(strstr(seen.problems, "64 folders deep"));

    /* with nobody to tell, it is an error */
    struct walk walk = {visit, NULL, &seen};
    assert_error(walk_pictures(tree_path(""), &walk, &test_error), "folders deep");
}

static void test_unreadable(void **state)
{
    (void)state;
    if (geteuid() == 0)
        skip(); /* nothing is forbidden to root */
    tree_text("a/x.jpg", "1");
    tree_text("b/y.jpg", "1");
    tree_text("c/z.jpg", "1");
    assert_int_equal(chmod(tree_path("b"), 0), 0);
    assert_int_equal(chmod(tree_path("c"), 0600), 0); /* names, but nothing behind them */
    struct seen seen = walk_names(tree_path(""));
    assert_names(seen, "a/x.jpg");
    assert_int_equal(seen.problem_count, 2);
    assert_non_null(strstr(seen.problems, "/b: cannot open the folder"));
    assert_non_null(strstr(seen.problems, "/c: cannot look into"));
}

static void test_errors(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct walk walk = {visit, problem, &seen};
    tree_text("x.jpg", "1");
    tree_text("y.jpg", "1");
    assert_error(walk_pictures(tree_path("missing"), &walk, &test_error), "missing: cannot open the folder");
    assert_error(walk_pictures(tree_path("x.jpg"), &walk, &test_error), "x.jpg: cannot open the folder");
    seen.stop_at = 1;
    assert_error(walk_pictures(tree_path(""), &walk, &test_error), "enough");
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.problem_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(test_odd_names, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(test_links, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(test_web_of_links, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(test_depth, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(test_unreadable, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(test_errors, tree_setup, tree_teardown),
    };
    return cmocka_run_group_tests_name("data/walk", tests, NULL, NULL);
}
