#include "tests/support/support.h"

#include <errno.h>
#include <math.h>

#include "base/param.h"
#include "base/registry.h"

typedef struct {
    double alpha;
    int64_t epochs;
    bool nesterov;
    int64_t route;
    BaseParamText layers;
} Params;

static const char *const ROUTES[] = {"auto", "svd", "eigen", NULL};
static const BaseParam TABLE[] = {
    BASE_PARAM_F64(Params, alpha, 100, 0, 1e9, "scaling"),
    BASE_PARAM_I64(Params, epochs, 5, 1, 1000, "passes over the data"),
    BASE_PARAM_BOOL(Params, nesterov, true, "Nesterov momentum"),
    BASE_PARAM_CHOICE(Params, route, 1, ROUTES, "how"),
    BASE_PARAM_TEXT(Params, layers, "all", "which layers"),
};
enum { ROWS = BASE_COUNT(TABLE) };

static BaseStatus set(Params *p, const char *key, const char *text)
{
    return base_param_set(TABLE, ROWS, p, "method svd", key, text, "c.yaml:7");
}

static void test_defaults_and_values(void **state)
{
    (void)state;
    Params p;
    base_param_defaults(TABLE, ROWS, &p);
    assert_true(p.alpha == 100 && p.epochs == 5 && p.nesterov && p.route == 1);
    assert_string_equal(p.layers.s, "all");
    assert_ok(set(&p, "alpha", "1e-3"));
    assert_ok(set(&p, "epochs", "1000"));
    assert_ok(set(&p, "nesterov", "no"));
    assert_ok(set(&p, "route", "eigen"));
    assert_ok(set(&p, "layers", "[a, b]"));
    assert_true(p.alpha == 1e-3 && p.epochs == 1000 && !p.nesterov && p.route == 2);
    assert_string_equal(p.layers.s, "[a, b]");
}

static void test_refused(void **state)
{
    (void)state;
    Params p;
    base_param_defaults(TABLE, ROWS, &p);
    assert_fails(set(&p, "alpa", "1"), BASE_EUSAGE,
                 "c.yaml:7: method svd has no parameter 'alpa'; did you mean 'alpha'?; it has: alpha, epochs");
    assert_fails(set(&p, "completely_else", "1"), BASE_EUSAGE, "has no parameter 'completely_else'; it has:");
    static const char *const BAD[][2] = {
        {"alpha", ""},         {"alpha", "1x"},   {"alpha", "nan"},  {"alpha", "inf"},
        {"alpha", "-1"},       {"alpha", "1e10"}, {"alpha", " 1"},   {"epochs", "0"},
        {"epochs", "1001"},    {"epochs", "1.5"}, {"epochs", "1e2"}, {"epochs", "99999999999999999999"},
        {"nesterov", "maybe"}, {"nesterov", ""},  {"route", "SVD"},  {"route", "2"},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        assert_fails(set(&p, BAD[i][0], BAD[i][1]), BASE_EUSAGE, "must be");
    assert_fails(set(&p, "epochs", "0"), BASE_EUSAGE, "epochs = '0': must be a whole number from 1 to 1000");
    assert_fails(set(&p, "route", "x"), BASE_EUSAGE, "must be one of auto, svd, eigen");
    char text[BASE_PARAM_TEXT_SIZE + 1];
    memset(text, 'x', sizeof text);
    text[BASE_PARAM_TEXT_SIZE] = '\0';
    assert_fails(set(&p, "layers", text), BASE_EUSAGE, "at most 1023 bytes");
    text[BASE_PARAM_TEXT_SIZE - 1] = '\0';
    assert_ok(set(&p, "layers", text));
    assert_true(p.alpha == 100 && p.epochs == 5 && p.nesterov && p.route == 1); /* nothing half set */
}

static void test_formats_back_to_the_same_bits(void **state)
{
    (void)state;
    static const double VALUES[] = {0.1, 1.0 / 3, 100, 1e-300, 123456789.123456789, 0x1.fffffffffffffp-3, 5e-324, 0};
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        Params p, q;
        BaseText text = {0};
        base_param_defaults(TABLE, ROWS, &p);
        base_param_defaults(TABLE, ROWS, &q);
        p.alpha = VALUES[i];
        base_param_format(&TABLE[0], &p, &text);
        assert_ok(set(&q, "alpha", text.data));
        assert_memory_equal(&p.alpha, &q.alpha, sizeof p.alpha);
        base_text_free(&text);
    }
    Params p;
    BaseText text = {0};
    base_param_defaults(TABLE, ROWS, &p);
    for (size_t i = 0; i < ROWS; i++) {
        base_param_format(&TABLE[i], &p, &text);
        base_text_add(&text, ";");
    }
    assert_string_equal(text.data, "100;5;true;svd;all;");
    base_text_free(&text);
}

static const BaseEntry A = BASE_ENTRY("svd", "a", "", Params, TABLE), B = BASE_ENTRY_PLAIN("neggrad", "b", "");
static const BaseEntry FAMILY[] = {BASE_ENTRY_PLAIN("wide", "c", ""), BASE_ENTRY_PLAIN("deep", "d", "")};
static const BaseRows PAIR = BASE_ROWS(FAMILY);
static const BaseRows *const FILES[] = {BASE_ROW(A), &PAIR, BASE_ROW(B)};
static const BaseRegistry REGISTRY = {"method", FILES, 3, sizeof(BaseEntry)};

static void test_registry(void **state)
{
    (void)state;
    const BaseEntry *entry;
    assert_ok(base_registry_find(&REGISTRY, "neggrad", &entry));
    assert_ptr_equal(entry, &B);
    assert_ok(base_registry_find(&REGISTRY, "deep", &entry));
    assert_ptr_equal(entry, FAMILY + 1);
    assert_int_equal(base_registry_count(&REGISTRY), 4);
    assert_ptr_equal(base_registry_at(&REGISTRY, 0), &A);
    assert_ptr_equal(base_registry_at(&REGISTRY, 3), &B);
    assert_ok(base_registry_find(&REGISTRY, "svd", &entry));
    assert_true(entry->param_count == ROWS && entry->params_size == sizeof(Params));
    assert_fails(base_registry_find(&REGISTRY, "negrad", &entry), BASE_ENOTFOUND,
                 "no method named 'negrad'; did you mean 'neggrad'?; there are: svd, wide, deep, neggrad");
    assert_null(entry);
    assert_fails(base_registry_find(&REGISTRY, "", &entry), BASE_ENOTFOUND, "there are: svd, wide, deep, neggrad");
    const BaseRegistry none = {"method", NULL, 0, sizeof(BaseEntry)};
    assert_fails(base_registry_find(&none, "svd", &entry), BASE_ENOTFOUND, "there are: none");
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"retain_per_class", "forget_samples", "alpha_r", "alpha_f", "route"};
    assert_string_equal(base_text_nearest("alpha_t", NAMES, 5), "alpha_r"); /* the first of equals */
    assert_string_equal(base_text_nearest("retain_pr_clas", NAMES, 5), "retain_per_class");
    assert_string_equal(base_text_nearest("ROUTE", NAMES, 5), "route");
    assert_null(base_text_nearest("x", NAMES, 5));
    assert_null(base_text_nearest("something_else", NAMES, 5));
    char long_word[300];
    memset(long_word, 'a', sizeof long_word - 1);
    long_word[299] = '\0';
    assert_null(base_text_nearest(long_word, NAMES, 0));
}

static void test_numbers(void **state)
{
    (void)state;
    int64_t i;
    uint64_t u;
    double f;
    bool b;
    assert_true(base_parse_i64("-9223372036854775808", &i) && i == INT64_MIN);
    assert_false(base_parse_i64("9223372036854775808", &i) || base_parse_i64("", &i) || base_parse_i64("1 ", &i));
    assert_true(base_parse_u64("18446744073709551615", &u) && u == UINT64_MAX);
    assert_false(base_parse_u64("-1", &u) || base_parse_u64("18446744073709551616", &u));
    assert_true(base_parse_f64("-1.5e3", &f) && f == -1500);
    assert_false(base_parse_f64("1e999", &f) || base_parse_f64("NaN", &f) || base_parse_f64("1,5", &f));
    errno = ERANGE; /* of something before */
    assert_true(base_parse_i64("7", &i) && i == 7);
    errno = ERANGE;
    assert_true(base_parse_u64("7", &u) && u == 7);
    assert_true(base_parse_bool("on", &b) && b);
    assert_true(base_parse_bool("false", &b) && !b);
    static const char *const YES[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"},
                             *const NO[] = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"},
                             *const NEITHER[] = {"1", "", "tRue", "TRue", "nO", "oN", "truee", "tru", "FALS", "yE"};
    for (size_t k = 0; k < 11; k++) {
        assert_true(base_parse_bool(YES[k], &b) && b);
        assert_true(base_parse_bool(NO[k], &b) && !b);
    }
    for (size_t k = 0; k < 10; k++) assert_false(base_parse_bool(NEITHER[k], &b));
}

typedef struct {
    double alpha;
    int64_t epochs, route;
    BaseParamPreset preset;
} Preset;
static const BaseParam PRESET[] = {
    BASE_PARAM_F64(Preset, alpha, 100, 0, 1e9, "scaling"),
    BASE_PARAM_PRESET(Preset, preset, "epochs=62 route=eigen"),
    BASE_PARAM_I64(Preset, epochs, 5, 1, 1000, "passes over the data"),
    BASE_PARAM_CHOICE(Preset, route, 1, ROUTES, "how"),
};
enum { PRESET_ROWS = BASE_COUNT(PRESET) };

static BaseStatus preset(Preset *p, const char *key, const char *text)
{
    return base_param_set(PRESET, PRESET_ROWS, p, "method svd", key, text, "c.yaml:7");
}

/* What is explicit wins, before the preset and after it; what is not follows the preset there and back. */
static void test_preset(void **state)
{
    (void)state;
    Preset p = {.preset.given = 7}, copy;
    BaseText text = {0};
    assert_null(base_param_preset(TABLE, ROWS));
    assert_ptr_equal(base_param_preset(PRESET, PRESET_ROWS), PRESET + 1);
    base_param_defaults(PRESET, PRESET_ROWS, &p);
    assert_true(p.preset.chosen == BASE_PRESET_HERE && p.preset.given == 0 && p.epochs == 5 && p.route == 1);
    assert_ok(preset(&p, "preset", "published"));
    assert_true(p.epochs == 62 && p.route == 2 && p.alpha == 100);
    assert_ok(preset(&p, "epochs", "7"));
    copy = p; /* the struct carries what was given */
    assert_ok(preset(&copy, "preset", "here"));
    assert_true(copy.epochs == 7 && copy.route == 1);
    assert_ok(preset(&copy, "preset", "published"));
    assert_true(copy.epochs == 7 && copy.route == 2);
    base_param_defaults(PRESET, PRESET_ROWS, &p);
    assert_ok(preset(&p, "route", "auto"));
    assert_ok(preset(&p, "epochs", "5")); /* the default, but said */
    assert_ok(preset(&p, "preset", "published"));
    assert_true(p.epochs == 5 && p.route == 0);
    assert_fails(preset(&p, "preset", "theirs"), BASE_EUSAGE, "preset = 'theirs': must be one of here, published");
    assert_fails(preset(&p, "epochs", "0"), BASE_EUSAGE, "epochs = '0'");
    base_param_describe(PRESET + 1, &text);
    assert_string_equal(text.data, "one of here, published; published sets epochs=62 route=eigen");
    base_text_free(&text);
    base_param_format(PRESET + 1, &p, &text);
    assert_string_equal(text.data, "published");
    base_text_free(&text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_defaults_and_values),
    cmocka_unit_test(test_refused),
    cmocka_unit_test(test_formats_back_to_the_same_bits),
    cmocka_unit_test(test_registry),
    cmocka_unit_test(test_nearest),
    cmocka_unit_test(test_numbers),
    cmocka_unit_test(test_preset),
};
SUPPORT_MAIN(tests)
