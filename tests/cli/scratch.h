/* scratch.h - what tests of whole programs share: a scratch folder, pictures and a model in it, and running a
 * program. */
#ifndef ASSAY_TESTS_CLI_SCRATCH_H
#define ASSAY_TESTS_CLI_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A new folder below TMPDIR (or /tmp) becomes the working directory; scratch_end removes it with all that it holds. */
void scratch_begin(void);
void scratch_end(void);

/* The same, as what a group of tests begins and ends with. */
int scratch_begin_group(void **state);
int scratch_end_group(void **state);

/* Both fail the test where the file cannot be written. */
void scratch_write(const char *path, const void *bytes, size_t size);
uint8_t *scratch_read(const char *path, size_t *size); /* NUL-terminated beyond size; freed with free() */

/* A JPEG or PNG (by the name's end) of the given size, drawn from the seed. */
void scratch_picture(const char *path, int width, int height, unsigned seed);

/* The same picture's bytes, freed with mem_free. */
uint8_t *scratch_picture_bytes(bool png, int width, int height, unsigned seed, size_t *size);

/* A tiny `residual` model with random weights; calibrated, so that it gives verdicts, or not. */
void scratch_model(const char *path, bool calibrated);

/* One run of a program. A zero field is the default. */
struct launch {
    const char *program;     /* default: scratch_program */
    const char *const *args; /* NULL-terminated, without the program's name */
    const char *input;       /* a file for standard input, default /dev/null */
    const char *output;      /* a file for standard output, such as /dev/full; default: collected */
    unsigned closed;         /* bit n: descriptor n, 0 to 2, is closed at the start */
    bool terminal;           /* standard output and error are one terminal; both are collected in `out` */
    const char *const *env;  /* NULL-terminated NAME=VALUE pairs that are added; NAME alone is removed */
};

struct outcome {
    int status; /* exit status, or 128 + signal */
    char *out, *err;
};

/* The program that launches run where they name none: argv[1] of the test. */
extern const char *scratch_program;

/* The absolute path of a program, as a test's arguments name it: before scratch_begin changes the folder. Static
 * memory, for up to four programs. */
const char *scratch_find_program(const char *path);

/* scratch_program from argv[1], with which a test's main begins; false: there is none. */
bool scratch_take_program(int argc, char **argv);

/* Whether there are pseudo-terminals here: bare containers have none. */
bool scratch_has_terminal(void);

void run(const struct launch *launch, struct outcome *outcome);
void outcome_free(struct outcome *outcome);

/* run() of scratch_program with these words. */
#define RUN(outcome, ...) run(&(struct launch){.args = (const char *const[]){__VA_ARGS__, NULL}}, outcome)

/* How many times `part` is in `text`. */
int count_of(const char *text, const char *part);

#endif
