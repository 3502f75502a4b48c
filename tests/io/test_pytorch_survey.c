/* The walk through a pickle: its cost is the pickle's size, whatever names are in it. */
#include "tests/support/support.h"

#include <stdio.h>

#include "base/text.h"
#include "io/pytorch.h"

enum { N = 3000, NAME = 12 };

/* A float tensor [2, 2]; requires_grad is false. */
static const char TENSOR[] = "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n"
                             "X\x01\0\0\0"
                             "0X\x03\0\0\0cpuK\x04tQK\0K\x02K\x02\x86K\x02K\x01\x86\x89"
                             "ccollections\nOrderedDict\n)RtR";

/* FNV-1a, which anybody can compute: names whose low 13 bits are 0. */
static void colliding(char names[N][NAME])
{
    for (size_t n = 0, i = 0; n < N; i++) {
        uint64_t hash = 0xcbf29ce484222325u;
        snprintf(names[n], sizeof names[n], "%09zu", i);
        for (const char *c = names[n]; *c; c++) hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
        n += ((hash ^ hash >> 29) & 8191) == 0;
    }
}

static void add_dict(BaseText *out, char names[N][NAME])
{
    base_text_append(out, "}(", 2);
    for (int i = 0; i < N; i++) {
        const char size[] = {'X', (char)strlen(names[i]), 0, 0, 0};
        base_text_append(out, size, sizeof size);
        base_text_append(out, names[i], strlen(names[i]));
        base_text_append(out, TENSOR, sizeof TENSOR - 1);
    }
    base_text_append(out, "u", 1);
}

static void test_linear(void **state)
{
    (void)state;
    static char names[N][NAME];
    BaseText bytes = {0};
    IoPickle *pickle;
    IoPytorchSurvey survey;
    colliding(names);
    base_text_append(&bytes, "\x80\x02}(X\x05\0\0\0model", 14);
    add_dict(&bytes, names);
    base_text_append(&bytes, "X\x03\0\0\0ema", 8);
    add_dict(&bytes, names);
    base_text_append(&bytes, "u.", 2);
    assert_ok(bytes.st);
    assert_ok(io_pickle_read(bytes.data, bytes.size, &io_pytorch_rules, "a pickle", &pickle));
    assert_ok(io_pytorch_survey(pickle, "a pickle", &survey));
    assert_int_equal(survey.state->count, 2 * N);
    assert_int_equal(survey.copy_count, 1);
    for (size_t i = 0; i < N; i++) assert_int_equal(survey.copies[0].slots[i], 2 * i + 1);
    assert_true(survey.steps < 2 * 8 * N); /* names and shapes; see tests/base/test_index.c */
    io_pytorch_survey_free(&survey);
    io_pickle_free(pickle);
    base_text_free(&bytes);
}

static void add_key(BaseText *out, const char *name)
{
    const char size[] = {'X', (char)strlen(name), 0, 0, 0};
    base_text_append(out, size, sizeof size);
    base_text_append(out, name, strlen(name));
}

/* {'model': {'a.b': tensor, 'c': tensor}, 'other': {first key: tensor, second key: tensor}} */
static IoPickle *with_beside(const char *first, const char *second, BaseText *bytes)
{
    IoPickle *pickle;
    base_text_append(bytes, "\x80\x02}(", 4);
    for (int dict = 0; dict < 2; dict++) {
        add_key(bytes, dict ? "other" : "model");
        base_text_append(bytes, "}(", 2);
        for (int key = 0; key < 2; key++) {
            const char *name = dict == 0 ? (key ? "c" : "a.b") : key ? second : first;
            if (name)
                add_key(bytes, name);
            else
                base_text_append(bytes, key ? "K\x01" : "K\x00", 2); /* a number, as in an optimizer's state */
            base_text_append(bytes, TENSOR, sizeof TENSOR - 1);
        }
        base_text_append(bytes, "u", 1);
    }
    base_text_append(bytes, "u.", 2);
    assert_ok(bytes->st);
    assert_ok(io_pickle_read(bytes->data, bytes->size, &io_pytorch_rules, "a pickle", &pickle));
    return pickle;
}

/* What is a copy of the weights is so by its names, up to seven parts before them; numbers are no names. Whoever asks
 * twice is told the same. */
static void test_names_of_copies(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        size_t copies;
    } CASES[] = {
        {"a.b", "c", 1},
        {"m.a.b", "m.c", 1},
        {"1.2.3.4.5.6.7.a.b", "1.2.3.4.5.6.7.c", 1},
        {"1.2.3.4.5.6.7.8.a.b", "1.2.3.4.5.6.7.8.c", 0},
        {"m.a.b", "n.c", 0},
        {"m.a.b", "c", 0},
        {"ma.b", "mc", 0},
        {"x.y", "z", 0},
        {NULL, NULL, 0},
        {NULL, "c", 0},
        {"c", NULL, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        BaseText bytes = {0}; /* the names stay in it */
        IoPickle *pickle = with_beside(CASES[i].first, CASES[i].second, &bytes);
        for (int again = 0; again < 2; again++) {
            IoPytorchSurvey survey;
            assert_ok(io_pytorch_survey(pickle, "a pickle", &survey));
            assert_int_equal(survey.state->count, 2 * 2);
            assert_int_equal(survey.copy_count, CASES[i].copies);
            if (survey.copy_count) assert_string_equal(survey.copies[0].where, "other");
            for (size_t slot = 0; survey.copy_count && slot < 2; slot++)
                assert_int_equal(survey.copies[0].slots[slot], 2 * slot + 1);
            io_pytorch_survey_free(&survey);
        }
        io_pickle_free(pickle);
        base_text_free(&bytes);
    }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_linear), cmocka_unit_test(test_names_of_copies)};
SUPPORT_MAIN(tests)
