/* The budget of memory and the passes that it makes of a network: no bit of an edit depends on them. */
#include "tests/unlearn/small_data.h"

#include "unlearn/svd/passes.h"

enum { DROP = 1 << 30 }; /* parts of the default budget, of which one holds nothing */

static void check_same(const NnNet *a, const NnNet *b)
{
    assert_memory_equal(nn_net_params(a), nn_net_params(b), (size_t)nn_net_param_count(a) * sizeof(float));
}

static BaseStatus sum_nothing(void *user, void *x, int64_t n, bool wide)
{
    (void)user, (void)x, (void)n, (void)wide;
    return BASE_OK;
}

/* Each method that works on spaces: all layers at once, and each in a pass of its own. */
static void test_bits(void **state)
{
    (void)state;
    static const char *const METHODS[] = {"svd", "random_projection", "last_layer"};
    static const char *const ROUTES[] = {"route=auto", "route=eigen", "route=svd"};
    Small *s = small_open("2");
    for (size_t m = 0; m < BASE_COUNT(METHODS); m++)
        for (size_t r = 0; r < BASE_COUNT(ROUTES) + 1; r++) {
            const bool shared = r == BASE_COUNT(ROUTES);
            const char *const settings[] = {shared ? "patches=all" : ROUTES[r], NULL};
            NnNet *once = NULL, *often = NULL;
            UnlearnReport first = {0}, second = {0};
            s->context.reduce = shared ? sum_nothing : NULL;
            s->context.block_count = shared ? UNLEARN_BLOCKS : 0;
            assert_ok(small_run(s, METHODS[m], settings, &once, &first));
            base_memory_divide_budget(DROP);
            assert_ok(small_run(s, METHODS[m], settings, &often, &second));
            base_memory_set_budget(0);
            check_same(once, often);
            assert_int_equal(first.layer_count, second.layer_count);
            assert_near(second.passes, first.passes * first.layer_count, 0, 0);
            for (int i = 0; i < first.layer_count; i++) {
                assert_memory_equal(&first.layers[i].trace_retain, &second.layers[i].trace_retain, sizeof(double));
                assert_memory_equal(&first.layers[i].forget_removed, &second.layers[i].forget_removed, sizeof(double));
            }
            unlearn_report_free(&first);
            unlearn_report_free(&second);
            nn_net_free(once);
            nn_net_free(often);
        }
    small_close(s);
}

/* A grid's points, each of which goes through all passes again. */
static void test_grid(void **state)
{
    (void)state;
    static const char *const ALPHAS[] = {"alpha_r=100", "alpha_r=10", "alpha_r=100"};
    Small *s = small_open("2");
    UnlearnContext grid = s->context;
    NnNet *work = NULL, *single = NULL;
    UnlearnReport report = {0};
    const UnlearnMethod *svd;
    void *kept = NULL;
    assert_ok(unlearn_find("svd", &svd));
    assert_ok(nn_net_clone(s->net, &work));
    grid.grid = true;
    for (size_t i = 0; i < BASE_COUNT(ALPHAS); i++) {
        const char *const settings[] = {ALPHAS[i], NULL};
        void *params = small_params_of(svd, settings);
        base_memory_divide_budget(DROP);
        if (!kept) assert_ok(svd->prepare(&grid, params, &kept));
        nn_net_copy(work, s->net);
        assert_ok(svd->apply(&grid, kept, params, work, &report));
        base_memory_set_budget(0);
        unlearn_report_free(&report);
        assert_ok(small_run(s, "svd", settings, &single, NULL));
        check_same(work, single);
        nn_net_free(single);
        base_free(params);
    }
    svd->release(kept);
    nn_net_free(work);
    small_close(s);
}

/* A budget that was set is kept: what does not fit is refused, with a budget that would do for every layer: conv2 needs
 * most, and is not the first. */
static void test_refused(void **state)
{
    (void)state;
    Small *s = small_open("2");
    NnNet *net = NULL;
    long long enough = 0;
    base_memory_set_budget(1);
    assert_fails(small_run(s, "svd", NULL, &net, NULL), BASE_ELIMIT, "method svd: layer conv2 needs");
    const char *at = strstr(base_error_text(), "--memory ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "--memory %lldM would do", &enough), 1);
    nn_net_free(net);
    base_memory_set_budget(enough << 20);
    assert_ok(small_run(s, "svd", NULL, &net, NULL));
    nn_net_free(net);
    base_memory_set_budget(0);
    small_close(s);
}

/* What a space is said to hold is what it takes of the budget, where its blocks are large enough to be counted; freed
 * blocks that wait for the next would count, too. */
static void test_space_bytes(void **state)
{
    (void)state;
    static const struct {
        int64_t n, f;
        UnlearnRouteChoice route;
        bool shared;
    } SPACES[] = {{3000, 2000, UNLEARN_ROUTE_AUTO, false},
                  {1800, 4000, UNLEARN_ROUTE_AUTO, false},
                  {1800, 4000, UNLEARN_ROUTE_EIGEN, false},
                  {300, 2000, UNLEARN_ROUTE_CLOSED, true}};
    for (size_t i = 0; i < BASE_COUNT(SPACES); i++) {
        UnlearnSpace *space = NULL;
        bool bf16;
        int64_t want = unlearn_space_bytes(SPACES[i].n, SPACES[i].f, SPACES[i].route, SPACES[i].shared, &bf16);
        assert_true(bf16);
        base_memory_trim();
        int64_t before = base_memory_budget_left();
        assert_ok(unlearn_space_create(SPACES[i].n, SPACES[i].f, SPACES[i].route, SPACES[i].shared, &space));
        int64_t got = before - base_memory_budget_left();
        assert_in_range(got, want, want + (6 << 20)); /* two blocks, each rounded up to 2 MiB, and a page table */
        unlearn_space_free(space);
    }
}

static BaseStatus plan_once(void *user)
{
    const Small *s = user;
    UnlearnSpaceParams params;
    UnlearnPasses passes = {0};
    const UnlearnMethod *svd;
    BaseStatus st = unlearn_find("svd", &svd);
    if (st != BASE_OK) return st;
    base_param_defaults(svd->entry.params, svd->entry.param_count, &params);
    st = unlearn_passes_plan(&s->context, &params, (const uint8_t[]){1, 1, 1, 1}, 29, 10, &passes);
    if (st == BASE_OK) assert_int_equal(passes.count, 4);
    unlearn_passes_free(&passes);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    Small *s = small_open("2");
    base_memory_divide_budget(DROP);
    support_fail_allocations(plan_once, s, 3000);
    base_memory_set_budget(0);
    small_close(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_bits),        cmocka_unit_test(test_grid),      cmocka_unit_test(test_refused),
    cmocka_unit_test(test_space_bytes), cmocka_unit_test(test_no_memory),
};
SUPPORT_MAIN(tests)
