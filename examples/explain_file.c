/* explain_file.c - writes where a picture speaks for its verdict, as a PNG; tells how far it is, and Ctrl-C stops it.
 *
 *     explain_file MODEL PICTURE OUT.png                                                                            */
#include <assay/assay.h>

#include <signal.h>
#include <stdio.h>

/* What the signal handler reaches; set before the handler. */
static struct assay_job *job;

static void interrupt(int number)
{
    (void)number;
    assay_job_cancel(job);
}

static int tell(void *context, assay_stage stage, double share)
{
    static const char *const words[] = {"reading", "judging", "explaining"};
    fprintf(context, "\r%s: %3.0f %%  ", words[stage], 100 * share);
    return 0; /* other than 0 would stop the call */
}

static int write_file(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return 1;
    int failed = fwrite(bytes, 1, size, file) != size;
    return fclose(file) != 0 || failed;
}

int main(int argc, char **argv)
{
    struct assay_error error = {0};
    struct assay_model *model = NULL;
    struct assay_picture *picture = NULL, *drawn = NULL;
    struct assay_map *map = NULL;
    uint8_t *png = NULL;
    size_t size;
    int failed = 1;

    if (argc != 4) {
        fprintf(stderr, "usage: explain_file MODEL PICTURE OUT.png\n");
        return 2;
    }
    if (assay_init(&error) || assay_job_create(tell, stderr, &job, &error))
        goto done;
    signal(SIGINT, interrupt);
    if (assay_model_open(argv[1], NULL, &model, &error) ||
        assay_picture_read_file(argv[2], NULL, job, &picture, &error) ||
        assay_explain(model, picture, NULL, job, &map, &error) || assay_map_draw(map, picture, &drawn, &error) ||
        assay_picture_encode_png(drawn, &png, &size, &error))
        goto done;
    if (write_file(argv[3], png, size)) {
        snprintf(error.message, sizeof error.message, "%s: cannot be written", argv[3]);
        goto done;
    }
    printf("%s, probability %.3f that it was generated; the map shows what speaks for \"%s\"\n",
           assay_verdict_text(map->result.verdict), map->result.probability,
           map->side == ASSAY_SIDE_GENERATED ? "generated" : "real");
    failed = 0;

done:
    fprintf(stderr, "\n");
    if (failed)
        fprintf(stderr, "explain_file: %s\n", error.message);
    assay_bytes_free(png);
    assay_picture_free(drawn);
    assay_map_free(map);
    assay_picture_free(picture);
    assay_model_close(model);
    signal(SIGINT, SIG_IGN); /* the job is about to go */
    assay_job_free(job);
    return failed;
}
