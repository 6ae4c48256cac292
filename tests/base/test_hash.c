/* test_hash.c - FIPS 180-4 examples of SHA-256, published values of FNV-1a. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"

static void expect(const char *text, size_t repeat, size_t step, const char *digest)
{
    struct sha256 hash;
    uint8_t bytes[SHA256_BYTES];
    char hex[SHA256_TEXT];
    size_t length = strlen(text);
    sha256_init(&hash);
    for (size_t r = 0; r < repeat; r++)
        for (size_t i = 0; i < length; i += step)
            sha256_update(&hash, text + i, length - i < step ? length - i : step);
    sha256_final(&hash, bytes);
    sha256_text(bytes, hex);
    assert_string_equal(hex, digest);
}

static void test_sha256(void **state)
{
    (void)state;
    static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    static const char long_two[] = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                                   "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
    expect("", 1, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect("abc", 1, 64, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    for (size_t step = 1; step <= 70; step++) { /* fed in pieces of every size */
        expect(two, 1, step, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
        expect(long_two, 1, step, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    }
    expect("aaaaaaaaaa", 100000, 10, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_fnv(void **state)
{
    (void)state;
    assert_true(hash_text("") == UINT64_C(0xcbf29ce484222325));
    assert_true(hash_text("a") == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(hash_text("foobar") == UINT64_C(0x85944171f73967e8));
    assert_true(hash_bytes("bar", 3, hash_bytes("foo", 3, HASH_START)) == hash_text("foobar"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_fnv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
