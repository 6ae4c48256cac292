/* test_file.c - reading within limits, mapping, and files that appear whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"

static char folder[] = "/tmp/assay-file-XXXXXX", path[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails where a temporary file was left behind */
}

static int count_files(void)
{
    int count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void expect_content(const char *text)
{
    uint8_t *bytes;
    size_t size;
    struct assay_error error = {0};
    assert_int_equal(file_read(path, 1 << 20, &bytes, &size, &error), ASSAY_OK);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
    mem_free(bytes);
    assert_int_equal(count_files(), 1);
}

static void test_write(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct stat info;
    mode_t mask = umask(027);
    assert_int_equal(file_write(path, "hello", 5, &error), ASSAY_OK);
    umask(mask);
    expect_content("hello");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    char digest[SHA256_TEXT]; /* of "hello", as sha256sum prints it */
    assert_int_equal(file_sha256(path, digest, &error), ASSAY_OK);
    assert_string_equal(digest, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_int_equal(file_write(path, "", 0, &error), ASSAY_OK); /* replaced */
    expect_content("");
    assert_true(file_exists(path));
}

static void test_read(void **state)
{
    (void)state;
    struct assay_error error = {0};
    uint8_t *bytes;
    size_t size;
    assert_int_equal(file_write(path, "0123456789", 10, &error), ASSAY_OK);
    assert_int_equal(file_read(path, 10, &bytes, &size, &error), ASSAY_OK);
    mem_free(bytes);
    assert_int_equal(file_read(path, 9, &bytes, &size, &error), ASSAY_ERROR_LIMIT);
    assert_non_null(strstr(error.message, ": 10 bytes, larger than the limit of 9"));
    assert_int_equal(file_read(folder, 9, &bytes, &size, &error), ASSAY_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "is a directory"));
    assert_int_equal(file_read("/nonexistent/x", 9, &bytes, &size, &error), ASSAY_ERROR_IO);
    assert_string_equal(error.message, "/nonexistent/x: cannot open: No such file or directory");
    assert_int_equal(file_read("/dev/zero", 100000, &bytes, &size, &error), ASSAY_ERROR_LIMIT); /* endless */
}

static void test_stdin(void **state)
{
    (void)state;
    struct assay_error error = {0};
    uint8_t *bytes, *big = mem_alloc(300000, 1);
    size_t size;
    memset(big, 'x', 300000);
    assert_int_equal(file_write(path, big, 300000, &error), ASSAY_OK); /* more than the first guess */
    int kept = dup(STDIN_FILENO), fd = open(path, O_RDONLY);
    dup2(fd, STDIN_FILENO);
    assert_int_equal(file_read("-", 1 << 20, &bytes, &size, &error), ASSAY_OK);
    assert_int_equal(size, 300000);
    assert_memory_equal(bytes, big, size);
    mem_free(bytes);
    mem_free(big);
    lseek(STDIN_FILENO, 0, SEEK_SET);
    assert_int_equal(file_read("-", 1000, &bytes, &size, &error), ASSAY_ERROR_LIMIT);
    close(fd);
    if (kept >= 0) {
        dup2(kept, STDIN_FILENO);
        close(kept);
    }
}

static void test_map(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct file_map map = {0};
    file_unmap(&map);
    assert_int_equal(file_write(path, "mapped", 6, &error), ASSAY_OK);
    assert_int_equal(file_map(path, &map, &error), ASSAY_OK);
    assert_int_equal(file_write(path, "other", 5, &error), ASSAY_OK); /* the mapping keeps the old file */
    assert_int_equal(map.size, 6);
    assert_memory_equal(map.bytes, "mapped", 6);
    file_unmap(&map);
    assert_null(map.bytes);
    assert_int_equal(file_write(path, "", 0, &error), ASSAY_OK);
    assert_int_equal(file_map(path, &map, &error), ASSAY_OK);
    assert_int_equal(map.size, 0);
    file_unmap(&map);
    assert_int_equal(file_map(folder, &map, &error), ASSAY_ERROR_ARGUMENT);
}

/* Pages of mapped files that the process holds. */
static long held(void)
{
    long size = 0, all = 0, shared = 0;
    FILE *stream = fopen("/proc/self/statm", "r");
    assert_non_null(stream);
    assert_int_equal(fscanf(stream, "%ld %ld %ld", &size, &all, &shared), 3);
    fclose(stream);
    return shared;
}

/* What rests is read again as it was, byte for byte, and what lies outside whole pages is left alone. */
static void test_rest(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct file_map map = {0};
    enum { PAGES = 600 };
    size_t size = PAGES * (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *bytes = malloc(size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 4096);
    assert_int_equal(file_write(path, bytes, size, &error), ASSAY_OK);
    assert_int_equal(file_map(path, &map, &error), ASSAY_OK);
    assert_memory_equal(map.bytes, bytes, size);
    long before = held();
    file_map_rest(map.bytes + 1, size - 2);
    assert_true(before - held() >= PAGES - 50);
    file_map_rest(map.bytes + 5, 7);
    assert_memory_equal(map.bytes, bytes, size);
    file_unmap(&map);
    free(bytes);
}

static void test_discard(void **state)
{
    (void)state;
    struct assay_error error = {0};
    struct file_writer writer;
    assert_int_equal(file_write(path, "old", 3, &error), ASSAY_OK);
    assert_int_equal(file_create(path, &writer, &error), ASSAY_OK);
    fputs("new", writer.stream);
    fflush(writer.stream);
    assert_int_equal(count_files(), 2);
    file_discard(&writer);
    expect_content("old");
    file_discard(&writer); /* twice is fine */
    assert_int_equal(file_create(path, &writer, &error), ASSAY_OK);
    fputs("newer", writer.stream);
    assert_int_equal(file_commit(&writer, &error), ASSAY_OK);
    file_discard(&writer); /* after committing, too */
    expect_content("newer");
}

/* A disk that is full after 64 KiB: the old file stays, nothing is left behind. */
static void test_full(void **state)
{
    (void)state;
    struct assay_error error = {0};
    size_t size = 1 << 18;
    char *big = mem_alloc(size, 1);
    assert_int_equal(file_write(path, "old", 3, &error), ASSAY_OK);
    struct rlimit before, limit;
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = 1 << 16;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    assay_status status = file_write(path, big, size, &error);
    assay_status small = file_write(path, "old", 3, NULL); /* what fits is written */
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    mem_free(big);
    assert_int_equal(status, ASSAY_ERROR_IO);
    assert_non_null(strstr(error.message, ": cannot write: File too large"));
    assert_int_equal(small, ASSAY_OK);
    expect_content("old");
}

static void test_read_only(void **state)
{
    (void)state;
    struct assay_error error = {0};
    assert_int_equal(file_write(path, "old", 3, &error), ASSAY_OK);
    /* root may write everywhere: be somebody else */
    bool root = geteuid() == 0;
    chmod(folder, 0555);
    if (root && seteuid(65534) != 0) {
        chmod(folder, 0755);
        skip();
    }
    assay_status status = file_write(path, "new", 3, &error);
    if (root)
        assert_int_equal(seteuid(0), 0);
    chmod(folder, 0755);
    assert_int_equal(status, ASSAY_ERROR_IO);
    assert_non_null(strstr(error.message, "/file: cannot create: Permission denied"));
    expect_content("old");
}

static void test_unusable_target(void **state)
{
    (void)state;
    struct assay_error error = {0};
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0); /* a folder of that name: the rename fails, at the very end */
    assert_int_equal(file_write(path, "new", 3, &error), ASSAY_ERROR_IO);
    assert_non_null(strstr(error.message, "/file: cannot put in place: Is a directory"));
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(count_files(), 0);
    assert_int_equal(file_write("/nonexistent/x", "new", 3, &error), ASSAY_ERROR_IO);
    assert_string_equal(error.message, "/nonexistent/x: cannot create: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write), cmocka_unit_test(test_read),      cmocka_unit_test(test_stdin),
        cmocka_unit_test(test_map),   cmocka_unit_test(test_rest),      cmocka_unit_test(test_discard),
        cmocka_unit_test(test_full),  cmocka_unit_test(test_read_only), cmocka_unit_test(test_unusable_target),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
