/* support.h - small trees of files for the tests of src/data. Every name is relative to a folder made for the test. */
#ifndef ASSAY_TESTS_DATA_SUPPORT_H
#define ASSAY_TESTS_DATA_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "data/dataset.h"

/* A new folder under TMPDIR; tree_remove deletes all of it. One at a time. */
void tree_make(void);
void tree_remove(void);

/* The full path of a name; good until the eighth call after this one. */
const char *tree_path(const char *name);

/* Files with their folders: a few bytes of text, or a PNG of the given size whose pixels depend on the key. */
void tree_text(const char *name, const char *text);
void tree_png(const char *name, int width, int height, uint32_t key);
void tree_folder(const char *name);
void tree_link(const char *name, const char *target); /* the target as it is written into the link */

/* cmocka's setup and teardown around a test. */
int tree_setup(void **state);
int tree_teardown(void **state);

/* Whether a call succeeded, with its message if not. */
#define assert_ok(call)                                                                                                \
    do {                                                                                                               \
        struct assay_error *reported = &test_error;                                                                    \
        *reported = (struct assay_error){0};                                                                           \
        if ((call) != ASSAY_OK)                                                                                        \
            fail_msg("%s", reported->message);                                                                         \
    } while (0)

/* That a call failed, with a message that holds a text. */
#define assert_error(call, text)                                                                                       \
    do {                                                                                                               \
        test_error = (struct assay_error){0};                                                                          \
        assert_int_not_equal((call), ASSAY_OK);                                                                        \
        assert_int_not_equal(test_error.status, ASSAY_OK);                                                             \
        if (!strstr(test_error.message, (text)))                                                                       \
            fail_msg("'%s' is not in: %s", (text), test_error.message);                                                \
    } while (0)

extern struct assay_error test_error; /* pass &test_error to the calls above */

/* A dataset without files: `count` pictures for each source, named by label and number. */
struct made_source {
    const char *name;
    int label;
    size_t count;
};
void dataset_make(const struct made_source *sources, size_t count, struct dataset *out);

#endif
