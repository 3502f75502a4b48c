/* What is to be known of listed images, and the watch, where classes differ in how many of theirs are listed and kept. */
#include "tests/unlearn/small_data.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "unlearn/gradient/watch.h"

/* What is to be known of a list: each class weighs as often as it is listed, and one of which nothing is kept is to be
 * as unknown as one that is forgotten whole. */
static void test_watch_by_class(void **state)
{
    (void)state;
    enum { OF_A = 12, OF_B = 4 };
    Small *s = small_open("2");
    float logits[48 * 5];
    int64_t at[OF_A + OF_B];
    int32_t labels[8];
    int a = 0;
    uint8_t in[5] = {0};
    DataView all = data_view_all(&s->set);
    DataSet held = s->set;
    assert_ok(nn_predict(s->net, &all, NN_F32, "test", logits));
    for (int c = 1; c < 5; c++) a = logits[c] > logits[a] ? c : a; /* what the first image looks like */
    int b = (a + 1) % 5;
    in[a] = in[b] = 1;
    for (int i = 0; i < 48; i++) s->set.labels[i] = i < OF_A || i >= 32 ? a : b; /* 12 + 4 are listed */
    for (int i = 0; i < OF_A + OF_B; i++) at[i] = i;
    DataForget list = {.classes = {.K = 5, .count = 2, .in = in}, .images = {.at = at, .n = OF_A + OF_B}};
    /* held out: the first image eight times, six of class b, two of class a. The network knows all of class a. */
    for (int i = 0; i < 8; i++) labels[i] = i < 6 ? b : a;
    float *images = NULL;
    assert_ok(BASE_ALLOC(8 * 3 * 12 * 12, &images));
    for (int i = 0; i < 8; i++) memcpy(images + i * 3 * 12 * 12, s->set.images, 3 * 12 * 12 * sizeof *images);
    held.images = images;
    held.labels = labels;
    held.N = 8;
    UnlearnContext context = s->context;
    context.forget = &list;
    context.validation = data_view_all(&held);
    const struct {
        int64_t trained; /* images trained on: 48, some of both classes are kept; 32, of b alone; 16, none */
        double share, passes;
    } CASES[] = {{48, 0.75, 8}, {32, 0, 8}, {16, 0, 0}};
    for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
        double share, passes = 0;
        bool none;
        context.train = (DataView){&s->set, NULL, CASES[i].trained};
        assert_ok(unlearn_unseen_share(&context, s->net, &share, &passes));
        assert_near(share, CASES[i].share, 0, 1e-12);
        assert_near(passes, CASES[i].passes, 0, 0);
        assert_ok(unlearn_keeps_none(&context, &none));
        assert_int_equal(none, CASES[i].trained == 16);
    }
    context.validation.n = 0; /* none is needed where nothing is kept */
    double share, passes = 0;
    assert_ok(unlearn_unseen_share(&context, s->net, &share, &passes));
    assert_near(share, 0, 0, 0);
    context.train.n = 48;
    assert_ok(unlearn_unseen_share(&context, s->net, &share, &passes));
    assert_true(isnan(share));
    /* 150 known images of a, of which 64 are watched, and 50 unknown ones of b: three quarters are known */
    int64_t many[200];
    memcpy((float *)s->set.images + OF_A * 3 * 12 * 12, s->set.images, 3 * 12 * 12 * sizeof *images);
    for (int i = 0; i < 200; i++) many[i] = i < 150 ? 0 : OF_A;
    for (int i = 0; i < 2; i++) {
        UnlearnWatch *watch = NULL;
        bool done;
        assert_ok(unlearn_watch_create(&context, s->net, &(DataView){&s->set, many, 200}, i ? 0.75 : 0.74, &watch));
        assert_ok(unlearn_watch_done(watch, &done));
        assert_near(unlearn_watch_passes(watch), 64 + 50, 0, 0);
        assert_int_equal(done, i);
        unlearn_watch_free(watch);
    }
    base_free(images);
    small_close(s);
}

/* A list of all images of a class is that class: the same network to the bit, also where others of it are held out. */
static void test_list_of_a_class(void **state)
{
    (void)state;
    static const char *const METHODS[] = {"neggrad", "lotus", "negmerge"};
    Small *s = small_open("2");
    DataIndex kept = {0}, held = {0}, gone = {0}, rest = {0};
    DataForget list = {0};
    const DataForget *class = s->context.forget;
    float logits[48 * 5];
    DataView all = data_view_all(&s->set);
    char known[8];
    small_two_answers(s);
    assert_ok(nn_predict(s->net, &all, NN_F32, "test", logits));
    for (int i = 0; i < 48; i++) s->set.labels[i] = (int32_t)base_largest_at(logits + (ptrdiff_t)i * 5, 5);
    snprintf(known, sizeof known, "%d", s->set.labels[0]); /* or nothing would have to be forgotten */
    small_forget(s, known);
    assert_ok(data_split(&s->context.train, 0.3, 5, &kept, &held));
    s->context.train = data_view_of(&s->set, &kept);
    s->context.validation = data_view_of(&s->set, &held);
    assert_ok(data_forget_partition(&s->context.train, class, &gone, &rest));
    assert_ok(data_forget_images_take(&s->set, &gone, &list));
    for (size_t i = 0; i < BASE_COUNT(METHODS); i++) {
        NnNet *net[2] = {NULL, NULL};
        for (int listed = 0; listed < 2; listed++) {
            s->context.forget = listed ? &list : class;
            assert_ok(small_run(s, METHODS[i], SETTINGS("epochs=2", "lr=0.01"), &net[listed], NULL));
        }
        size_t bytes = (size_t)nn_net_param_count(s->net) * sizeof(float);
        assert_memory_equal(nn_net_params(net[0]), nn_net_params(net[1]), bytes);
        assert_memory_not_equal(nn_net_params(net[0]), nn_net_params(s->net), bytes);
        nn_net_free(net[0]);
        nn_net_free(net[1]);
    }
    data_forget_free(&list);
    data_index_free(&kept);
    data_index_free(&held);
    data_index_free(&rest);
    small_close(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_watch_by_class),
    cmocka_unit_test(test_list_of_a_class),
};
SUPPORT_MAIN(tests)
