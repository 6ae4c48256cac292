/* judge_file.c - judges one picture file with libassay.
 *
 *     judge_file MODEL PICTURE                                                                                     */
#include <assay/assay.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    struct assay_error error = {0};
    struct assay_model *model = NULL;
    struct assay_picture *picture = NULL;
    struct assay_result result;
    int failed = 1;

    if (argc != 3) {
        fprintf(stderr, "usage: judge_file MODEL PICTURE\n");
        return 2;
    }
    if (assay_init(&error) || assay_model_open(argv[1], NULL, &model, &error) ||
        assay_picture_read_file(argv[2], NULL, NULL, &picture, &error))
        goto done;

    const struct assay_picture *pictures[] = {picture};
    if (assay_detect(model, pictures, 1, NULL, &result, &error))
        goto done;
    printf("%s, probability %.3f that it was generated (%dx%d pixels, detector %s)\n",
           assay_verdict_text(result.verdict), result.probability, assay_picture_width(picture),
           assay_picture_height(picture), assay_model_detector(model));
    failed = 0;

done:
    if (failed)
        fprintf(stderr, "judge_file: %s\n", error.message);
    assay_picture_free(picture);
    assay_model_close(model);
    return failed;
}
