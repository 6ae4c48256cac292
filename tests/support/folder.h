/* folder.h - a folder of a test's own, below TMPDIR or /tmp, and its removal with all that it holds. */
#ifndef ASSAY_TESTS_FOLDER_H
#define ASSAY_TESTS_FOLDER_H

enum { TEST_FOLDER = 512 };

/* Makes one; fails the test where that cannot be. */
void test_folder_make(char path[TEST_FOLDER]);

/* Removes it, also what is below folders that may not be read; links are not followed. "" is fine; the path becomes
 * "". */
void test_folder_remove(char path[TEST_FOLDER]);

#endif
