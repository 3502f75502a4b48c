#include "tests/support/support.h"

#include <stdio.h>

#include "base/hash.h"

/* FIPS 180-2, appendix B. */
#define ABC       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define MILLION_A "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

static void test_known_values(void **state)
{
    (void)state;
    char hex[BASE_HASH_HEX], path[4200];
    base_hash_bytes("abc", 3, hex);
    assert_string_equal(hex, ABC);
    base_hash_bytes("", 0, hex);
    assert_string_equal(hex, EMPTY);
    BaseHash *hash;
    assert_ok(base_hash_create(&hash));
    for (int i = 0; i < 1000000 / 125; i++) {
        char piece[125];
        memset(piece, 'a', sizeof piece);
        base_hash_add(hash, piece, sizeof piece);
    }
    base_hash_finish(hash, hex);
    base_hash_free(hash);
    assert_string_equal(hex, MILLION_A);
    snprintf(path, sizeof path, "%s/million", support_scratch());
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000000; i++) fputc('a', file);
    fclose(file);
    assert_ok(base_hash_file(path, hex));
    assert_string_equal(hex, MILLION_A);
    assert_fails(base_hash_file("/nowhere/x", hex), BASE_EIO, "/nowhere/x");
    assert_fails(base_hash_file(support_scratch(), hex), BASE_EIO, "cannot be read");
    base_hash_free(NULL);
}

static void test_texts_keep_their_borders(void **state)
{
    (void)state;
    char a[BASE_HASH_HEX], b[BASE_HASH_HEX];
    BaseHash *hash;
    assert_ok(base_hash_create(&hash));
    base_hash_add_text(hash, "ab");
    base_hash_add_text(hash, "c");
    base_hash_finish(hash, a);
    base_hash_free(hash);
    assert_ok(base_hash_create(&hash));
    base_hash_add_text(hash, "a");
    base_hash_add_text(hash, "bc");
    base_hash_finish(hash, b);
    base_hash_free(hash);
    assert_string_not_equal(a, b);
}

/* Noll's published FNV-1a test values. */
static void test_fnv(void **state)
{
    (void)state;
    assert_true(base_hash_fnv1a("") == 0xcbf29ce484222325u);
    assert_true(base_hash_fnv1a("a") == 0xaf63dc4c8601ec8cu);
    assert_true(base_hash_fnv1a("foobar") == 0x85944171f73967e8u);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_known_values),
    cmocka_unit_test(test_texts_keep_their_borders),
    cmocka_unit_test(test_fnv),
};
SUPPORT_MAIN(tests)
