/* replay.c - runs files, and the files in folders, through a fuzz target: the corpus as a test, without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 1, or -1 where the file cannot be read. */
static int replay_file(const char *path)
{
    struct assay_error error = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    if (file_read(path, LIMIT_PICTURE_BYTES, &bytes, &size, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return -1;
    }
    /* a block of exactly that size, so that a sanitiser sees a read beyond it */
    uint8_t *exact = mem_alloc(size ? size : 1, 1);
    if (exact) {
        memcpy(exact, bytes, size);
        LLVMFuzzerTestOneInput(exact, size);
    }
    mem_free(bytes);
    mem_free(exact);
    return exact ? 1 : -1;
}

/* How many files were run, or -1. */
static int replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) {
        perror(path);
        return -1;
    }
    int count = 0;
    struct dirent *entry;
    while (count >= 0 && (entry = readdir(folder))) {
        char file[LIMIT_PATH_BYTES];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        int one = replay_file(file);
        count = one < 0 ? -1 : count + one;
    }
    closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        struct stat info;
        int count = stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode) ? replay_folder(argv[i]) : replay_file(argv[i]);
        if (count < 0)
            return 1;
        total += count;
    }
    if (total == 0) {
        fprintf(stderr, "no inputs\n");
        return 1;
    }
    printf("%d inputs\n", total);
    return 0;
}
