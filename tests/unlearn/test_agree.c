/* Processes that share one unlearning fail together: whichever step one of them fails at, the others are told before they would
 * wait for it in a sum. A stub stands for the others. */
#include "tests/unlearn/small_data.h"

enum { DROP = 1 << 30, SUMS = 256 }; /* a part of the budget that holds nothing: each layer has a pass of its own */

typedef struct {
    Small *s;
    const UnlearnMethod *svd;
    void *params;
    NnNet *net;
    int fail_at; /* number of the agreement at which another process has failed; -1: none does */
    int agreements, calls, last_agreement;
    BaseStatus told;     /* what this process has said of itself */
    int64_t sizes[SUMS]; /* of every sum, below 0 where it is one of floats */
} Others;

static BaseStatus sum(void *user, void *x, int64_t n, bool wide)
{
    Others *o = user;
    double *count = x;
    assert_true(o->calls < SUMS);
    o->sizes[o->calls++] = wide ? n : -n;
    if (!wide || n != BASE_STATUS_COUNT) return BASE_OK;
    double all = 0;
    for (int i = 0; i < BASE_STATUS_COUNT; i++) {
        all += count[i];
        if (count[i] > 0) o->told = (BaseStatus)i;
    }
    assert_true(all == 1);
    o->last_agreement = o->calls;
    count[o->agreements++ == o->fail_at ? BASE_EIO : BASE_OK]++;
    return BASE_OK;
}

static Others open_others(void)
{
    Others o = {.s = small_open("2")};
    assert_ok(unlearn_find("svd", &o.svd));
    o.params = small_params_of(o.svd, NULL);
    assert_ok(nn_net_clone(o.s->net, &o.net));
    o.s->context.reduce = sum;
    o.s->context.block_count = UNLEARN_BLOCKS / 2; /* the first of two processes */
    return o;
}

static void close_others(Others *o)
{
    base_memory_set_budget(0);
    base_free(o->params);
    nn_net_free(o->net);
    small_close(o->s);
}

/* From the first step that can fail on. */
static BaseStatus work(Others *o, int fail_at)
{
    UnlearnReport report = {0};
    void *state = NULL;
    *o = (Others){.s = o->s, .svd = o->svd, .params = o->params, .net = o->net, .fail_at = fail_at};
    o->s->context.user = o;
    BaseStatus st = o->svd->prepare(&o->s->context, o->params, &state);
    if (st == BASE_OK) st = o->svd->apply(&o->s->context, state, o->params, o->net, &report);
    o->svd->release(state);
    unlearn_report_free(&report);
    return st;
}

static void test_others_fail(void **state)
{
    (void)state;
    Others one = open_others();
    for (int passes = 1; passes <= 4; passes += 3) {
        if (passes > 1) base_memory_divide_budget(DROP);
        assert_ok(work(&one, -1));
        const Others whole = one;
        assert_int_equal(whole.agreements, 1 + 1 + passes * (1 + 2 * 2) + passes - 1);
        for (int i = 0; i < whole.agreements; i++) {
            assert_fails(work(&one, i), BASE_EIO, "another of the processes that share the work has failed (EIO)");
            assert_int_equal(one.told, BASE_OK);
            assert_int_equal(one.agreements, i + 1);
            assert_int_equal(one.last_agreement, one.calls); /* it waits for nobody any more */
            assert_memory_equal(one.sizes, whole.sizes, (size_t)one.calls * sizeof *one.sizes);
        }
    }
    close_others(&one);
}

static void test_refusal_is_told(void **state)
{
    (void)state;
    Others o = open_others();
    for (int others = -1; others <= 1; others += 2) { /* another one fails, too: the own sentence stays */
        base_memory_set_budget(1);
        assert_fails(work(&o, others), BASE_ELIMIT, "layer fc1 needs");
        assert_int_equal(o.told, BASE_ELIMIT);
        assert_int_equal(o.last_agreement, o.calls);
    }
    close_others(&o);
}

/* Without memory somewhere: the sums so far are those of a process that has it, and the last one tells the others, unless all
 * were done. */
static Others whole;
static BaseStatus work_once(void *user)
{
    Others *o = user;
    BaseStatus st = work(o, -1);
    assert_true(o->calls <= whole.calls);
    assert_memory_equal(o->sizes, whole.sizes, (size_t)o->calls * sizeof *o->sizes);
    if (st != BASE_OK && o->calls < whole.calls) {
        assert_int_equal(o->told, st);
        assert_int_equal(o->last_agreement, o->calls);
    }
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    Others o = open_others();
    base_memory_divide_budget(DROP);
    assert_ok(work(&o, -1));
    whole = o;
    support_fail_some_allocations(work_once, &o, 5, 20000);
    close_others(&o);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_others_fail),
    cmocka_unit_test(test_refusal_is_told),
    cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
