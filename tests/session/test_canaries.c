/* Canaries: drawn fairly, kept as metadata, left out of what is trained on; and metadata that are not theirs. */
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "session/canaries.h"

enum { IMAGES = 60, CLASSES = 3 };
static DataSet TRAIN, TEST;
static int32_t LABELS[IMAGES];

static SessionData data_make(void)
{
    for (int i = 0; i < IMAGES; i++) LABELS[i] = i % CLASSES;
    TRAIN = (DataSet){.name = "t", .N = IMAGES, .C = 1, .H = 1, .W = 1, .K = CLASSES, .labels = LABELS};
    TEST = TRAIN;
    SessionData data = {.spec = "toy", .train = &TRAIN, .test = &TEST};
    snprintf(data.hash, sizeof data.hash, "0123456789abcdef");
    return data;
}

static DataClasses classes_of(const char *text)
{
    static uint8_t in[2][CLASSES];
    static int next;
    DataClasses c = {CLASSES, 0, in[next++ % 2]};
    for (int k = 0; k < CLASSES; k++) {
        c.in[k] = strchr(text, '0' + k) != NULL;
        c.count += c.in[k];
    }
    return c;
}

/* Every image is drawn, and held in, as often as chance has it: of 4000 draws of 20 out of 60 a third and half of these, within
 * 5 standard deviations (a chance of 120 x 6e-7 in all). */
static void draws_and_coins_are_fair(void **state)
{
    (void)state;
    SessionData data = data_make();
    DataView all = data_view_all(data.train);
    int drawn[IMAGES] = {0}, in[IMAGES] = {0};
    enum { DRAWS = 4000 };
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        SessionCanaries c;
        assert_ok(session_canaries_draw(&data, &all, 20, SESSION_CANARY_IMAGE, NULL, NULL, seed, &c));
        int64_t held = 0;
        for (int64_t i = 0; i < c.n; i++) {
            assert_true(i == 0 || c.at[i] > c.at[i - 1]);
            assert_int_equal(c.label[i], LABELS[c.at[i]]);
            assert_int_equal(c.coin[i], session_canaries_coin(seed, c.at[i]));
            drawn[c.at[i]]++;
            in[c.at[i]] += c.coin[i];
            held += c.coin[i];
        }
        assert_int_equal(c.n, 20);
        assert_int_equal(c.in, held);
        session_canaries_free(&c);
    }
    for (int i = 0; i < IMAGES; i++) {
        assert_near(drawn[i], DRAWS / 3.0, 5 * 29.8, 0);     /* sqrt(4000 / 3 * 2 / 3) */
        assert_near(in[i], drawn[i] / 2.0, 5 * 0.5 * 38, 0); /* half of sqrt(1443), the most that were drawn */
    }
}

/* Labels are of the classes asked for, and a wrong one is never the image's own. */
static void labels_are_those_asked_for(void **state)
{
    (void)state;
    SessionData data = data_make();
    DataView all = data_view_all(data.train);
    SessionCanaries c;
    DataClasses one = classes_of("1"), two = classes_of("2");
    assert_ok(session_canaries_draw(&data, &all, 20, SESSION_CANARY_IMAGE, &one, NULL, 1, &c));
    for (int64_t i = 0; i < c.n; i++) assert_int_equal(c.label[i], 1);
    session_canaries_free(&c);
    assert_fails(session_canaries_draw(&data, &all, 21, SESSION_CANARY_IMAGE, &one, NULL, 1, &c), BASE_EUSAGE,
                 "only 20 training images can be canaries");
    assert_ok(session_canaries_draw(&data, &all, 40, SESSION_CANARY_LABEL, &one, NULL, 1, &c));
    for (int64_t i = 0; i < c.n; i++) assert_true(c.label[i] == 1 && LABELS[c.at[i]] != 1);
    session_canaries_free(&c);
    assert_fails(session_canaries_draw(&data, &all, 41, SESSION_CANARY_LABEL, &one, NULL, 1, &c), BASE_EUSAGE,
                 "only 40");
    int count[CLASSES][CLASSES] = {{0}};
    for (uint64_t seed = 0; seed < 400; seed++) {
        assert_ok(session_canaries_draw(&data, &all, IMAGES, SESSION_CANARY_LABEL, NULL, NULL, seed, &c));
        for (int64_t i = 0; i < c.n; i++) count[LABELS[c.at[i]]][c.label[i]]++;
        session_canaries_free(&c);
    }
    for (int own = 0; own < CLASSES; own++)
        for (int k = 0; k < CLASSES; k++) /* 400 x 20 images, two labels each: 4000, standard deviation 45 */
            assert_near(count[own][k], own == k ? 0 : 4000, own == k ? 0 : 5 * 45, 0);
    assert_ok(session_canaries_draw(&data, &all, 10, SESSION_CANARY_LABEL, NULL, &two, 1, &c));
    for (int64_t i = 0; i < c.n; i++) assert_int_not_equal(c.label[i], 2);
    session_canaries_free(&c);
    assert_fails(session_canaries_draw(&data, &all, 1, SESSION_CANARY_IMAGE, &two, &two, 1, &c), BASE_EUSAGE,
                 "--canary-classes names class 2, which --exclude leaves out");
    assert_fails(session_canaries_draw(&data, &all, 0, SESSION_CANARY_IMAGE, NULL, NULL, 1, &c), BASE_EUSAGE, "0");
}

static void what_a_coin_left_out_is_not_trained_on(void **state)
{
    (void)state;
    SessionData data = data_make();
    DataView all = data_view_all(data.train);
    SessionCanaries c, none = {0};
    assert_ok(session_canaries_draw(&data, &all, 30, SESSION_CANARY_LABEL, NULL, NULL, 4, &c));
    int64_t at[IMAGES];
    DataIndex index = {at, IMAGES};
    for (int i = 0; i < IMAGES; i++) at[i] = i;
    session_canaries_leave_out(&none, &index);
    assert_int_equal(index.n, IMAGES);
    session_canaries_leave_out(&c, &index);
    assert_int_equal(index.n, IMAGES - (c.n - c.in));
    for (int64_t i = 0, next = 0; i < IMAGES; i++) { /* the naive twin */
        bool out = false;
        for (int64_t k = 0; k < c.n; k++) out |= c.at[k] == i && !c.coin[k];
        assert_int_equal(session_canaries_left_out(&c, i), out);
        if (!out) assert_int_equal(at[next++], i);
    }
    assert_ok(session_canaries_apply(&none, &data));
    assert_ok(session_canaries_apply(&c, &data));
    for (int64_t i = 0; i < c.n; i++) assert_int_equal(LABELS[c.at[i]], c.label[i]);
    int changed = 0;
    for (int i = 0; i < IMAGES; i++) changed += LABELS[i] != i % CLASSES;
    assert_int_equal(changed, c.n);
    data.hash[0] = 'f';
    assert_fails(session_canaries_apply(&c, &data), BASE_EARG, "drawn from other images");
    data.hash[0] = '0';
    TRAIN.N = c.at[c.n - 1];
    assert_fails(session_canaries_apply(&c, &data), BASE_EFORMAT, "has no training image");
    session_canaries_free(&c);
}

static IoTensors *tensors_with(const char *list, const char *kind, const char *seed)
{
    IoTensors *tensors;
    assert_ok(io_tensors_create(&tensors));
    assert_ok(io_tensors_set_meta(tensors, "expunge.data_hash", "0123456789abcdef"));
    if (list) assert_ok(io_tensors_set_meta(tensors, SESSION_META_CANARIES, list));
    if (kind) assert_ok(io_tensors_set_meta(tensors, SESSION_META_CANARY_KIND, kind));
    if (seed) assert_ok(io_tensors_set_meta(tensors, "expunge.seed", seed));
    return tensors;
}

static void metadata_come_back_as_they_went(void **state)
{
    (void)state;
    SessionData data = data_make();
    DataView all = data_view_all(data.train);
    for (int kind = 0; kind < 2; kind++) {
        SessionCanaries c, back;
        BaseText text = {0};
        assert_ok(session_canaries_draw(&data, &all, 30, (SessionCanaryKind)kind, NULL, NULL, 7, &c));
        IoTensors *tensors = tensors_with(NULL, NULL, "7");
        assert_ok(session_canaries_read(tensors, "w", &back));
        assert_int_equal(back.n, 0);
        assert_ok(session_canaries_write(&c, tensors));
        assert_ok(session_canaries_read(tensors, "w", &back));
        assert_true(session_canaries_same(&c, &back));
        assert_int_equal(back.kind, kind);
        assert_int_equal(back.seed, 7);
        assert_int_equal(back.in, c.in);
        back.coin[3] ^= 1;
        assert_false(session_canaries_same(&c, &back));
        session_canaries_text(&c, &text);
        assert_non_null(
            strstr(text.data, kind ? "30 images with wrong labels: " : "30 images with their own labels: "));
        base_text_free(&text);
        io_tensors_free(tensors);
        session_canaries_free(&c);
        session_canaries_free(&back);
    }
}

static void damaged_metadata_are_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *list, *kind, *seed, *part;
    } CASES[] = {{"1:2+", NULL, "1", "not their expunge.canary_kind"},
                 {"1:2+", "images", "1", "not their expunge.canary_kind"},
                 {"1:2+", "image", NULL, "expunge.seed"},
                 {"1:2+", "image", "x", "expunge.seed"},
                 {"", "image", "1", "canary 1 "},
                 {"1:2", "image", "1", "canary 1 "},
                 {"1:2+ ", "image", "1", "canary 1 "},
                 {"-1:2+", "image", "1", "canary 1 "},
                 {"1:-2+", "image", "1", "canary 1 "},
                 {"1:2+ 1:2-", "image", "1", "canary 2 "},
                 {"3:2+ 1:2-", "image", "1", "canary 2 "},
                 {"1:2+x2:2-", "image", "1", "canary 1 "},
                 {"1:9999999999+", "image", "1", "canary 1 "},
                 {"99999999999999999999:1+", "image", "1", "canary 1 "},
                 {"1:2+ 2:2?", "image", "1", "canary 2 "},
                 {"1:2+ ::", "image", "1", "canary 2 "}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        SessionCanaries c;
        IoTensors *tensors = tensors_with(CASES[i].list, CASES[i].kind, CASES[i].seed);
        assert_fails(session_canaries_read(tensors, "w.pt", &c), BASE_EFORMAT, CASES[i].part);
        assert_int_equal(c.n, 0);
        io_tensors_free(tensors);
    }
}

/* Draws, writes and reads. */
static BaseStatus once(void *user)
{
    BaseStatus st = BASE_OK;
    SessionData *data = user;
    DataView all = data_view_all(data->train);
    SessionCanaries c = {0}, back = {0};
    IoTensors *tensors = NULL;
    BASE_TRY(session_canaries_draw(data, &all, 30, SESSION_CANARY_LABEL, NULL, NULL, 7, &c));
    BASE_TRY(io_tensors_create(&tensors));
    BASE_TRY(io_tensors_set_meta(tensors, "expunge.seed", "7"));
    BASE_TRY(io_tensors_set_meta(tensors, "expunge.data_hash", data->hash));
    BASE_TRY(session_canaries_write(&c, tensors));
    BASE_TRY(session_canaries_read(tensors, "w", &back));
    assert_true(session_canaries_same(&c, &back));
out:
    session_canaries_free(&c);
    session_canaries_free(&back);
    io_tensors_free(tensors);
    return st;
}

static void running_out_of_memory_leaves_nothing(void **state)
{
    (void)state;
    SessionData data = data_make();
    support_fail_allocations(once, &data, 500);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(draws_and_coins_are_fair),
    cmocka_unit_test(labels_are_those_asked_for),
    cmocka_unit_test(what_a_coin_left_out_is_not_trained_on),
    cmocka_unit_test(metadata_come_back_as_they_went),
    cmocka_unit_test(damaged_metadata_are_one_line),
    cmocka_unit_test(running_out_of_memory_leaves_nothing),
};
SUPPORT_MAIN(tests)
