/* scratch.c - the scratch folder, what lies in it, and running a program there. */
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "detector/model.h"
#include "detector/residual.h"
#include "image/image.h"
#include "support/folder.h"

const char *scratch_program;

static char folder[TEST_FOLDER];

const char *scratch_find_program(const char *path)
{
    static char paths[4][4096];
    static int count;
    char *absolute = realpath(path, NULL);
    if (!absolute || count == 4)
        abort();
    snprintf(paths[count], sizeof paths[0], "%s", absolute);
    free(absolute);
    return paths[count++];
}

bool scratch_take_program(int argc, char **argv)
{
    if (argc >= 2)
        scratch_program = scratch_find_program(argv[1]);
    return argc >= 2;
}

void scratch_begin(void)
{
    test_folder_make(folder);
    assert_int_equal(chdir(folder), 0);
}

void scratch_end(void)
{
    assert_int_equal(chdir("/"), 0);
    test_folder_remove(folder);
}

int scratch_begin_group(void **state)
{
    (void)state;
    scratch_begin();
    return 0;
}

int scratch_end_group(void **state)
{
    (void)state;
    scratch_end();
    return 0;
}

void scratch_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

uint8_t *scratch_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t capacity = 1 << 16, used = 0, got;
    uint8_t *bytes = malloc(capacity);
    assert_non_null(bytes);
    while ((got = fread(bytes + used, 1, capacity - used - 1, file)) > 0) {
        used += got;
        if (used + 1 == capacity) {
            capacity *= 2;
            bytes = realloc(bytes, capacity);
            assert_non_null(bytes);
        }
    }
    fclose(file);
    bytes[used] = 0;
    if (size)
        *size = used;
    return bytes;
}

uint8_t *scratch_picture_bytes(bool png, int width, int height, unsigned seed, size_t *size)
{
    struct assay_error error = {0};
    struct image image = {0};
    uint8_t *bytes = NULL;
    if (image_library_init(&error) || image_create(width, height, &image, &error))
        fail_msg("%s", error.message);
    uint32_t noise = seed;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint8_t *p = image.pixels + ((size_t)y * (size_t)width + (size_t)x) * 3;
            noise = noise * 1664525u + 1013904223u;
            p[0] = (uint8_t)(255 * x / width);
            p[1] = (uint8_t)(255 * y / height);
            p[2] = (uint8_t)(((x / 8 + y / 8 + (int)seed) % 2) * 160 + (int)(noise >> 27));
        }
    assay_status status = png ? image_encode_png(&image, &bytes, size, &error)
                              : image_encode_jpeg(&image, 90, IMAGE_420, &bytes, size, &error);
    image_free(&image);
    if (status)
        fail_msg("%s", error.message);
    return bytes;
}

void scratch_picture(const char *path, int width, int height, unsigned seed)
{
    size_t size, length = strlen(path);
    uint8_t *bytes =
        scratch_picture_bytes(length > 4 && strcmp(path + length - 4, ".png") == 0, width, height, seed, &size);
    scratch_write(path, bytes, size);
    mem_free(bytes);
}

void scratch_model(const char *path, bool calibrated)
{
    struct assay_error error = {0};
    struct model model = {0};
    struct residual_config config;
    option_defaults(detector_residual.fields, &config);
    config.crop = 32;
    config.crops = 2;
    config.width = 4;
    if (model_create(&detector_residual, &config, 7, &model, &error))
        fail_msg("%s", error.message);
    if (calibrated)
        model.calibration = (struct calibration){
            .present = true, .scale = 1, .shift = 0.1, .real_below = 0.45, .generated_above = 0.55};
    if (model_save(&model, path, &error))
        fail_msg("%s", error.message);
    model_free(&model);
}

/* ---- running a program ----------------------------------------------------------------------------------------- */

static int count_words(const char *const *words)
{
    int count = 0;
    while (words && words[count])
        count++;
    return count;
}

/* In the child: never returns. */
static void become(const struct launch *launch, int terminal)
{
    int in = open(launch->input ? launch->input : "/dev/null", O_RDONLY);
    int out = terminal >= 0 ? terminal
                            : open(launch->output ? launch->output : ".stdout", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int err = terminal >= 0 ? terminal : open(".stderr", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (in < 0 || out < 0 || err < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(125);
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    for (int fd = 0; fd < 3; fd++)
        if (launch->closed >> fd & 1)
            close(fd);
    for (const char *const *entry = launch->env; entry && *entry; entry++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(*entry, "="), *entry);
        if (strchr(*entry, '='))
            setenv(name, strchr(*entry, '=') + 1, 1);
        else
            unsetenv(name);
    }
    int count = count_words(launch->args);
    const char *argv[64] = {launch->program ? launch->program : scratch_program};
    for (int i = 0; i < count && i < 62; i++)
        argv[i + 1] = launch->args[i];
    execv(argv[0], (char *const *)argv);
    _exit(126);
}

/* All that the programs at the other end of the terminal write, until they have gone. */
static char *collect_terminal(int master)
{
    size_t capacity = 1 << 16, used = 0;
    char *text = malloc(capacity);
    assert_non_null(text);
    for (;;) {
        ssize_t got = read(master, text + used, capacity - used - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        used += (size_t)got;
        if (used + 1 == capacity) {
            capacity *= 2;
            text = realloc(text, capacity);
            assert_non_null(text);
        }
    }
    text[used] = '\0';
    return text;
}

bool scratch_has_terminal(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    int terminal =
        master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0 ? open(ptsname(master), O_RDWR | O_NOCTTY) : -1;
    if (terminal >= 0)
        close(terminal);
    if (master >= 0)
        close(master);
    return terminal >= 0;
}

void run(const struct launch *launch, struct outcome *outcome)
{
    int master = -1, terminal = -1;
    *outcome = (struct outcome){0};
    if (launch->terminal) {
        master = posix_openpt(O_RDWR | O_NOCTTY);
        assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
        terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
        assert_true(terminal >= 0);
    }
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        become(launch, terminal);
    if (launch->terminal) {
        close(terminal);
        outcome->out = collect_terminal(master);
        close(master);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    outcome->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (!launch->terminal) {
        outcome->out = launch->output ? calloc(1, 1) : (char *)scratch_read(".stdout", NULL);
        outcome->err = (char *)scratch_read(".stderr", NULL);
    }
}

void outcome_free(struct outcome *outcome)
{
    free(outcome->out);
    free(outcome->err);
    *outcome = (struct outcome){0};
}

int count_of(const char *text, const char *part)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        count++;
    return count;
}
