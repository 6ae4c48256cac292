/* test_damaged.c - safetensors files with every fault, each refused by name and reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/memory.h"
#include "format/safetensors.h"

/* A file with this header and so many data bytes, in a block of its exact size so that over-reads show. */
static uint8_t *build(const char *header, size_t header_size, size_t data, size_t *size)
{
    uint64_t length = header_size;
    *size = 8 + header_size + data;
    uint8_t *bytes = malloc(*size);
    assert_non_null(bytes);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, header_size);
    memset(bytes + 8 + header_size, 0x3f, data);
    return bytes;
}

static void refused_bytes(const void *bytes, size_t size, assay_status expected, const char *message)
{
    struct safetensors file, zero = {0};
    struct assay_error error = {0};
    assay_status status = safetensors_open_memory(bytes, size, "f", &file, &error);
    if (status == ASSAY_OK)
        fail_msg("accepted, not refused with: %s", message);
    size_t length = strlen(message);
    if (length && message[length - 1] == '*') /* what follows is the JSON parser's */
        assert_memory_equal(error.message, message, length - 1);
    else
        assert_string_equal(error.message, message);
    assert_int_equal(status, expected);
    assert_memory_equal(&file, &zero, sizeof file);
}

static void refused(const char *header, size_t data, const char *message)
{
    size_t size;
    uint8_t *bytes = build(header, strlen(header), data, &size);
    refused_bytes(bytes, size, ASSAY_ERROR_FORMAT, message);
    free(bytes);
}

static void accepted(const char *header, size_t data)
{
    struct safetensors file;
    struct assay_error error = {0};
    size_t size;
    uint8_t *bytes = build(header, strlen(header), data, &size);
    if (safetensors_open_memory(bytes, size, "f", &file, &error))
        fail_msg("%s", error.message);
    safetensors_close(&file);
    free(bytes);
}

#define F32(name, shape, begin, end)                                                                                   \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

static void test_sound(void **state)
{
    (void)state;
    accepted("{}", 0);
    accepted("{}      ", 0);
    accepted("{\"__metadata__\":{}}", 0);
    accepted("{" F32("a", "[2,3]", 0, 24) "}", 24);
    accepted("{" F32("a", "[]", 0, 4) "}", 4);
    accepted("{" F32("b", "[1]", 4, 8) "," F32("a", "[1]", 0, 4) "}", 8);                           /* any order */
    accepted("{" F32("a", "[1]", 0, 4) "," F32("e", "[0]", 4, 4) "," F32("b", "[1]", 4, 8) "}", 8); /* empty */
    accepted("{" F32("b", "[1]", 4, 8) "," F32("e", "[0]", 4, 4) "," F32("a", "[1,1,1,1,1,1,1,1]", 0, 4) "}", 8);
    accepted("{" F32("a\\\"{[,\\\\", "[1]", 0, 4) "}", 4); /* brackets within a name */
}

static void test_short(void **state)
{
    (void)state;
    refused_bytes("", 0, ASSAY_ERROR_FORMAT, "f: not a safetensors file: empty");
    refused_bytes("\x02\0\0\0\0\0\0", 7, ASSAY_ERROR_FORMAT, "f: not a safetensors file: shorter than 8 bytes");
    refused_bytes("\x02\0\0\0\0\0\0\0{", 9, ASSAY_ERROR_FORMAT, "f: truncated: the header has 2 bytes, 1 are there");
    refused_bytes("\0\0\0\0\0\0\0\0{}", 10, ASSAY_ERROR_FORMAT,
                  "f: not a safetensors file: the header is not a JSON object");
    refused_bytes("just a text, renamed", 20, ASSAY_ERROR_LIMIT,
                  "f: not a safetensors file: a header of 8367794899674953066 bytes, the limit is 33554432");
}

/* Cut at every length, a sound file is never accepted. */
static void test_truncated(void **state)
{
    (void)state;
    static const char header[] = "{" F32("a", "[2,3]", 0, 24) "," F32("b", "[2]", 24, 32) "}";
    size_t size;
    uint8_t *whole = build(header, strlen(header), 32, &size);
    for (size_t cut = 0; cut < size; cut++) {
        struct safetensors file;
        struct assay_error error = {0};
        uint8_t *bytes = malloc(cut ? cut : 1);
        assert_non_null(bytes);
        memcpy(bytes, whole, cut);
        assert_int_equal(safetensors_open_memory(bytes, cut, "f", &file, &error), ASSAY_ERROR_FORMAT);
        free(bytes);
    }
    refused_bytes(whole, size - 1, ASSAY_ERROR_FORMAT,
                  "f: tensor \"b\": its data end at byte 32 of 31: truncated file, or offsets out of range");
    free(whole);
}

static void test_oversized(void **state)
{
    (void)state;
    uint64_t length = LIMIT_MODEL_HEADER_BYTES + 1;
    size_t size = 8 + (size_t)length;
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, ' ', size);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, "{}", 2);
    refused_bytes(bytes, size, ASSAY_ERROR_LIMIT,
                  "f: not a safetensors file: a header of 33554433 bytes, the limit is 33554432");
    length--; /* just the limit: only the byte behind it is wrong */
    memcpy(bytes, &length, 8);
    refused_bytes(bytes, size, ASSAY_ERROR_FORMAT, "f: 1 bytes follow the last tensor");
    length = UINT64_MAX;
    memcpy(bytes, &length, 8);
    refused_bytes(bytes, 20, ASSAY_ERROR_LIMIT,
                  "f: not a safetensors file: a header of 18446744073709551615 bytes, the limit is 33554432");

    /* a header that would cost the JSON parser gigabytes is refused before it is parsed */
    length = LIMIT_MODEL_HEADER_BYTES;
    memcpy(bytes, &length, 8);
    for (size_t i = 8; i < size; i += 2)
        bytes[i] = ',';
    memcpy(bytes + 8, "{\"a\":[0", 7);
    refused_bytes(bytes, size, ASSAY_ERROR_LIMIT, "f: the header has more than 65536 tensors");
    memset(bytes + 8, '[', size - 8);
    bytes[8] = '{';
    refused_bytes(bytes, size, ASSAY_ERROR_FORMAT, "f: damaged header: its JSON is nested too deeply");
    free(bytes);
}

static void test_too_many(void **state)
{
    (void)state;
    size_t size, capacity = (LIMIT_MODEL_TENSORS + 1) * 64, used = 1;
    char *header = malloc(capacity);
    assert_non_null(header);
    header[0] = '{';
    for (int i = 0; i <= LIMIT_MODEL_TENSORS; i++)
        used += (size_t)snprintf(header + used, capacity - used,
                                 "%s\"%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", i ? "," : "", i);
    header[used++] = '}';
    uint8_t *bytes = build(header, used, 0, &size);
    refused_bytes(bytes, size, ASSAY_ERROR_LIMIT, "f: more than 65536 tensors");
    free(bytes);
    free(header);
}

static void test_header(void **state)
{
    (void)state;
    refused("[]", 0, "f: not a safetensors file: the header is not a JSON object");
    refused(" {}", 0, "f: not a safetensors file: the header is not a JSON object");
    refused("{} {}", 0, "f: damaged header: not valid JSON at byte 4: end of file expected*");
    refused("{\"a\":}", 0, "f: damaged header: not valid JSON at byte 6: unexpected token*");
    refused("{\"\xff\":{}}", 0, "f: damaged header: not valid JSON at byte 2: unable to decode byte 0xff*");
    refused("{" F32("a", "[1]", 0, 4) "," F32("a", "[1]", 4, 8) "}", 8,
            "f: damaged header: duplicate object key near*");
    refused("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4,
            "f: damaged header: duplicate object key near*");
    refused("{\"a\":[[[[0]]]]}", 0, "f: damaged header: its JSON is nested too deeply");
    refused("{\"__metadata__\":{\"a\":1}}", 0, "f: damaged header: metadata \"a\" is not a string");
    refused("{\"__metadata__\":[\"a\"]}", 0, "f: damaged header: __metadata__ is not an object");
    refused("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "f: damaged header: duplicate object key near*");
}

static void test_tensor(void **state)
{
    (void)state;
    refused("{\"a\":1}", 0, "f: tensor \"a\": is not described by an object");
    refused("{\"a\":{}}", 0, "f: tensor \"a\": has no dtype");
    refused("{\"a\":{\"dtype\":\"F32\"}}", 0, "f: tensor \"a\": has no shape");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4,
            "f: tensor \"a\": its data_offsets are not two whole numbers, the first not above the second");
    refused("{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4,
            "f: tensor \"a\": its dtype \"F8_E4M3\" is not supported");
    refused("{\"a\":{\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
            "f: tensor \"a\": its dtype \"f32\" is not supported");
    refused("{\"a\\u001b[1m\":{\"dtype\":4,\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
            "f: tensor \"a?[1m\": has no dtype");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"strides\":[1]}}", 4,
            "f: tensor \"a\": has fields other than dtype, shape and data_offsets");
}

static void test_shape(void **state)
{
    (void)state;
    static const char whole[] = "f: tensor \"a\": its shape holds something else than whole numbers from 0 on";
    static const char larger[] = "f: tensor \"a\": its shape is larger than memory can be";
    refused("{" F32("a", "[-1]", 0, 4) "}", 4, whole);
    refused("{" F32("a", "[-2,-2]", 0, 16) "}", 16, whole);
    refused("{" F32("a", "[1.0]", 0, 4) "}", 4, whole);
    refused("{" F32("a", "[\"1\"]", 0, 4) "}", 4, whole);
    refused("{" F32("a", "[4611686018427387904]", 0, 0) "}", 0, larger);   /* 2^62 * 4 wraps to 0 */
    refused("{" F32("a", "[4294967296,4294967296]", 0, 0) "}", 0, larger); /* 2^64 wraps to 0 */
    refused("{" F32("a", "[4294967297,4294967297]", 0, 4) "}", 4, larger);
    refused("{" F32("a", "[2305843009213693952]", 0, 0) "}", 0, larger); /* 2^63 bytes */
    refused("{" F32("a", "[9223372036854775808]", 0, 0) "}", 0,
            "f: damaged header: not valid JSON at byte 48: too big integer*");
    refused("{" F32("a", "[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, "f: tensor \"a\": has more than 8 dimensions");
    refused("{" F32("a", "[2]", 0, 4) "}", 4,
            "f: tensor \"a\": its shape and dtype need 8 bytes, its data_offsets span 4");
    refused("{" F32("a", "[1]", 0, 8) "}", 8,
            "f: tensor \"a\": its shape and dtype need 4 bytes, its data_offsets span 8");
    refused("{" F32("a", "[0]", 0, 4) "}", 4,
            "f: tensor \"a\": its shape and dtype need 0 bytes, its data_offsets span 4");
}

static void test_offsets(void **state)
{
    (void)state;
    static const char two[] =
        "f: tensor \"a\": its data_offsets are not two whole numbers, the first not above the second";
    refused("{" F32("a", "[1]", -4, 0) "}", 4, two);
    refused("{" F32("a", "[1]", 4, 0) "}", 4, two);
    refused("{" F32("a", "[1]", 0.0, 4.0) "}", 4, two);
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4]}}", 4, two);
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,2,4]}}", 4, two);
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":\"0,4\"}}", 4, two);
    refused("{" F32("a", "[1]", 4, 8) "}", 4,
            "f: tensor \"a\": its data end at byte 8 of 4: truncated file, or offsets out of range");
    refused("{" F32("a", "[1]", 0, 9223372036854775807) "}", 4,
            "f: tensor \"a\": its data end at byte 9223372036854775807 of 4: truncated file, or offsets out of range");
    refused("{" F32("a", "[1]", 0, 4) "," F32("b", "[1]", 0, 4) "}", 4,
            "f: tensor \"b\": its data overlap those of \"a\"");
    refused("{" F32("a", "[2]", 0, 8) "," F32("b", "[2]", 4, 12) "}", 12,
            "f: tensor \"b\": its data overlap those of \"a\"");
    refused("{" F32("a", "[3]", 0, 12) "," F32("b", "[1]", 4, 8) "}", 12,
            "f: tensor \"b\": its data overlap those of \"a\"");
    refused("{" F32("a", "[3]", 0, 12) "," F32("e", "[0]", 4, 4) "}", 12,
            "f: tensor \"e\": its data overlap those of \"a\"");
    refused("{" F32("a", "[1]", 4, 8) "}", 8, "f: tensor \"a\": a gap of 4 bytes lies before its data");
    refused("{" F32("a", "[1]", 0, 4) "," F32("b", "[1]", 8, 12) "}", 12,
            "f: tensor \"b\": a gap of 4 bytes lies before its data");
    refused("{" F32("a", "[1]", 0, 4) "}", 7, "f: 3 bytes follow the last tensor");
    refused("{}", 1, "f: 1 bytes follow the last tensor");
}

static void test_path(void **state)
{
    (void)state;
    struct safetensors file;
    struct assay_error error = {0};
    assert_int_equal(safetensors_open("/nonexistent/model", &file, &error), ASSAY_ERROR_IO);
    assert_string_equal(error.message, "/nonexistent/model: cannot open: No such file or directory");
    assert_int_equal(safetensors_open("/", &file, &error), ASSAY_ERROR_ARGUMENT);
    assert_int_equal(safetensors_open("/dev/null", &file, &error), ASSAY_ERROR_FORMAT);
    assert_string_equal(error.message, "/dev/null: not a safetensors file: empty");
    safetensors_close(&file); /* a refused file leaves nothing to close, and closing it is fine */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),     cmocka_unit_test(test_short),    cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_oversized), cmocka_unit_test(test_too_many), cmocka_unit_test(test_header),
        cmocka_unit_test(test_tensor),    cmocka_unit_test(test_shape),    cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
