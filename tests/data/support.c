/* support.c - small trees of files for the tests of src/data. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "data/dataset_build.h"
#include "image/image.h"
#include "support/folder.h"

struct assay_error test_error;
static char tree[TEST_FOLDER];

void tree_make(void)
{
    test_folder_make(tree);
}

void tree_remove(void)
{
    test_folder_remove(tree);
}

int tree_setup(void **state)
{
    (void)state;
    tree_make();
    return 0;
}

int tree_teardown(void **state)
{
    (void)state;
    tree_remove();
    return 0;
}

const char *tree_path(const char *name)
{
    static char paths[8][8192];
    static int turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s%s%s", tree, *name ? "/" : "", name);
    return path;
}

static void make_folders(char *path)
{
    for (char *slash = path + strlen(tree); (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
}

static void write_file(const char *name, const void *bytes, size_t size)
{
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", tree, name);
    make_folders(path);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, size, stream), size);
    assert_int_equal(fclose(stream), 0);
}

void tree_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

void tree_png(const char *name, int width, int height, uint32_t key)
{
    struct image image = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    struct random random = random_open(key, 0, 0);
    assert_ok(image_create(width, height, &image, &test_error));
    for (size_t i = 0; i < image_bytes(&image); i++)
        image.pixels[i] = (uint8_t)random_u32(&random);
    assert_ok(image_encode_png(&image, &bytes, &size, &test_error));
    write_file(name, bytes, size);
    mem_free(bytes);
    image_free(&image);
}

void tree_folder(const char *name)
{
    char path[8192];
    snprintf(path, sizeof path, "%s/%s/", tree, name);
    make_folders(path);
}

void tree_link(const char *name, const char *target)
{
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", tree, name);
    make_folders(path);
    assert_int_equal(symlink(target, path), 0);
}

void dataset_make(const struct made_source *sources, size_t count, struct dataset *out)
{
    struct dataset_builder builder = dataset_build_begin("", "");
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < sources[s].count; i++) {
            char path[256];
            snprintf(path, sizeof path, "%d/%s/%06zu.png", sources[s].label, sources[s].name, i);
            assert_ok(dataset_build_add(&builder, sources[s].label, sources[s].name, path, 0, i, &test_error));
        }
    assert_ok(dataset_build_finish(&builder, out, &test_error));
}
