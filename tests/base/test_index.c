#include "tests/support/support.h"

#include <stdio.h>

#include "base/index.h"

enum { N = 100000 };
static char names[N][12];

static void test_finds(void **state)
{
    (void)state;
    BaseIndex index = {0};
    size_t old;
    assert_int_equal(base_index_find(&index, "none"), SIZE_MAX);
    assert_ok(base_index_add(&index, "a", 7, &old));
    assert_int_equal(old, SIZE_MAX);
    assert_ok(base_index_add(&index, "", 8, &old));
    assert_ok(base_index_add(&index, "a", 9, &old));
    assert_int_equal(old, 7);
    assert_int_equal(base_index_find(&index, "a"), 7);
    assert_int_equal(base_index_find(&index, ""), 8);
    assert_int_equal(base_index_find(&index, "b"), SIZE_MAX);
    base_index_free(&index);
    assert_int_equal(base_index_find(&index, "a"), SIZE_MAX);
}

/* Steps, not seconds: half full at most, a chain is 1.5 long on average (Knuth 6.4, linear probing), and growing looks at
 * each name once more for every doubling: below 8 a name. */
static void test_work(void **state)
{
    (void)state;
    BaseIndex index = {0};
    size_t old;
    for (size_t i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], i % 2 ? "k%zu" : "%zu.w", i);
        assert_ok(base_index_add(&index, names[i], i, &old));
        assert_int_equal(old, SIZE_MAX);
    }
    assert_true(index.steps < 8 * (uint64_t)N);
    for (size_t i = 0; i < N; i++) assert_int_equal(base_index_find(&index, names[i]), i);
    base_index_free(&index);
}

/* The keyed hash of base/index.c. */
static uint64_t hash_under(const uint64_t key[2], const char *name)
{
    uint64_t hash = key[0];
    for (; *name; name++) {
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
        hash ^= (hash >> 29) ^ key[1];
    }
    return hash ^ hash >> 32;
}

/* Names made to fall together: whoever knew the key would have each looked at from the first one on. Under another key
 * they are names like any. */
static void test_colliding(void **state)
{
    (void)state;
    enum { MANY = 1000, ROOM = 2048 };
    BaseIndex known = {0}, other = {0};
    size_t old;
    assert_ok(base_index_add(&known, "first", 0, &old));
    for (size_t n = 0, i = 0; n < MANY; i++) {
        snprintf(names[n], sizeof names[n], "n%zu", i);
        n += hash_under(known.key, names[n]) % ROOM == 0;
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_ok(base_index_add(&known, names[i], i, &old));
        assert_ok(base_index_add(&other, names[i], i, &old));
    }
    assert_true(known.steps > MANY * MANY / 4);
    assert_true(other.steps < 8 * MANY);
    for (size_t i = 0; i < MANY; i++) assert_int_equal(base_index_find(&known, names[i]), i);
    base_index_free(&known);
    base_index_free(&other);
}

static void test_bytes(void **state)
{
    (void)state;
    BaseIndex index = {0};
    size_t old;
    assert_ok(base_index_add_bytes(&index, "a\0b", 3, 1, &old));
    assert_ok(base_index_add_bytes(&index, "a\0c", 3, 2, &old));
    assert_ok(base_index_add(&index, "a", 3, &old));
    assert_int_equal(old, SIZE_MAX);
    assert_int_equal(base_index_find_bytes(&index, "a\0b", 3), 1);
    assert_int_equal(base_index_find_bytes(&index, "a\0c", 3), 2);
    assert_int_equal(base_index_find_bytes(&index, "a\0", 2), SIZE_MAX);
    assert_int_equal(base_index_find(&index, "a"), 3);
    base_index_free(&index);
}

static BaseStatus add_many(void *user)
{
    (void)user;
    BaseStatus st = BASE_OK;
    BaseIndex index = {0};
    size_t old;
    for (size_t i = 0; i < 1000; i++) {
        snprintf(names[i], sizeof names[i], "%zu", i);
        BASE_TRY(base_index_add(&index, names[i], i, &old));
    }
out:
    base_index_free(&index);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    support_fail_allocations(add_many, NULL, 20);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_finds), cmocka_unit_test(test_work),
                                          cmocka_unit_test(test_colliding), cmocka_unit_test(test_bytes),
                                          cmocka_unit_test(test_no_memory)};
SUPPORT_MAIN(tests)
