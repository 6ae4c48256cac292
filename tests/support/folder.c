/* folder.c - folders of tests. */
#include "support/folder.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

void test_folder_make(char path[TEST_FOLDER])
{
    const char *under = getenv("TMPDIR");
    int length = snprintf(path, TEST_FOLDER, "%s/assay-test-XXXXXX", under && under[0] ? under : "/tmp");
    assert_in_range(length, 1, TEST_FOLDER - 1);
    assert_non_null(mkdtemp(path));
}

static void remove_below(const char *path)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return;
    if (S_ISDIR(info.st_mode)) {
        chmod(path, 0700);
        DIR *stream = opendir(path);
        for (struct dirent *item; stream && (item = readdir(stream));) {
            if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
                continue;
            size_t size = strlen(path) + strlen(item->d_name) + 2;
            char *below = malloc(size);
            assert_non_null(below);
            snprintf(below, size, "%s/%s", path, item->d_name);
            remove_below(below);
            free(below);
        }
        if (stream)
            closedir(stream);
    }
    remove(path);
}

void test_folder_remove(char path[TEST_FOLDER])
{
    if (path[0])
        remove_below(path);
    path[0] = '\0';
}
