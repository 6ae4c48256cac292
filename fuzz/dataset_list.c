/* dataset_list.c - fuzz target: the first byte chooses the kind of list ('t': plain text, 'j': JSON, else CSV), its
 * bytes follow. Whatever they are, rows make sense and errors are told. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "data/layouts/list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

static assay_status check_row(void *context, const struct list_row *row, struct assay_error *error)
{
    uint64_t *last = context;
    (void)error;
    require(row->path[0] && strlen(row->path) < LIMIT_PATH_BYTES && row->where[0]);
    require(row->label == LABEL_REAL || row->label == LABEL_GENERATED);
    require(!row->source || row->source[0]);
    require((row->mask_kind == MASK_FILE) == (row->mask != NULL) &&
            (!row->mask || strlen(row->mask) < LIMIT_PATH_BYTES));
    require(row->split == 0 || row->split == SPLIT_TRAIN || row->split == SPLIT_VAL || row->split == SPLIT_TEST);
    require(row->number > *last);
    *last = row->number;
    return ASSAY_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_error error = {0};
    uint64_t last = 0;
    if (!size)
        return 0;
    enum list_kind kind = data[0] == 't' ? LIST_TEXT : data[0] == 'j' ? LIST_JSON : LIST_CSV;
    if (list_parse(kind, data + 1, size - 1, "fuzz", check_row, &last, &error))
        require(error.message[0] != '\0');
    return 0;
}
