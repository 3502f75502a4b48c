#include "tests/support/support.h"

#include <jansson.h>
#include <math.h>

#include "io/json.h"

static IoJson *build(void)
{
    IoJson *root = io_json_object(), *list = io_json_array();
    io_json_set_take(root, "z", io_json_number(0.1));
    io_json_add_take(list, io_json_integer(INT64_MIN));
    io_json_add_take(list, io_json_number(NAN));
    io_json_add_take(list, io_json_number(-INFINITY));
    io_json_add_take(list, io_json_bool(true));
    io_json_add_take(list, io_json_null());
    io_json_add_take(list, io_json_text_value(NULL));
    io_json_set_take(root, "a", list);
    io_json_set_take(root, "text", io_json_text_value("q\" b\\ n\n t\t é \x01"));
    io_json_set_take(root, "bad", io_json_text_value("\xff\xc0\x80|\xed\xa0\x80|\xe2\x82"));
    io_json_set_take(root, "z", io_json_number(1e300));
    io_json_set_take(root, "empty", io_json_object());
    return root;
}

/* jansson, which refuses what is no JSON or no UTF-8, reads it back. */
static void test_text(void **state)
{
    (void)state;
    char *text;
    IoJson *root = build();
    assert_ok(io_json_text(root, &text));
    json_error_t error;
    json_t *back = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!back) fail_msg("%s in %s", error.text, text);
    assert_string_equal(json_object_iter_key(json_object_iter(back)), "z"); /* the order of setting */
    assert_near(json_real_value(json_object_get(back, "z")), 1e300, 0, 0);
    json_t *list = json_object_get(back, "a");
    assert_int_equal(json_array_size(list), 6);
    assert_true(json_integer_value(json_array_get(list, 0)) == INT64_MIN);
    assert_true(json_is_null(json_array_get(list, 1)) && json_is_null(json_array_get(list, 2)));
    assert_true(json_is_true(json_array_get(list, 3)) && json_is_null(json_array_get(list, 5)));
    assert_string_equal(json_string_value(json_object_get(back, "text")), "q\" b\\ n\n t\t é \x01");
    assert_string_equal(
        json_string_value(json_object_get(back, "bad")),
        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd");
    assert_int_equal(json_object_size(json_object_get(back, "empty")), 0);
    json_decref(back);
    base_free(text);
    io_json_free(root);
    io_json_free(NULL);
    root = io_json_number(0.1);
    assert_ok(io_json_text(root, &text));
    assert_string_equal(text, "0.10000000000000001");
    base_free(text);
    io_json_free(root);
}

static BaseStatus print(void *user)
{
    (void)user;
    char *text;
    IoJson *root = build();
    BaseStatus st = io_json_text(root, &text);
    base_free(text);
    io_json_free(root);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    support_fail_allocations(print, NULL, 100);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_no_memory)};
SUPPORT_MAIN(tests)
