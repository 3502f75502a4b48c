/* tests/nn/winograd.h - Winograd's algorithm (nn/onednn/ops/conv/winograd.c) in networks: the tests for blocks of WIDTH
 * channels, which the includer names, 8 or 16. */
#include <dnnl.h>

#include "tests/nn/twin.h"

/* Tiles of 4 and of 2, cut off at both edges, without padding, channels in one block and in several, bias, batch
 * norm, addition and ReLU behind them, gradients that meet; the input's too, through the one block of channels of the
 * first. */
static NnNode tiles(NnGraph *g)
{
    NnNode x = nn_relu(g, nn_batch_norm(g, nn_conv(g, nn_input(g), "a", 3 * WIDTH, 3, 1, 1, true), "an"));
    NnNode y = nn_relu(g, nn_conv(g, x, "b", 3 * WIDTH, 3, 1, 1, true));
    y = nn_relu(g, nn_add(g, nn_batch_norm(g, nn_conv(g, y, "c", 3 * WIDTH, 3, 1, 1, false), "cn"), x));
    y = nn_relu(g, nn_conv(g, y, "d", 2 * WIDTH, 3, 1, 0, true));
    y = nn_max_pool(g, y, 2, 2, 0);
    y = nn_conv(g, y, "e", 5 * WIDTH, 3, 1, 1, true);
    return nn_linear(g, nn_flatten(g, nn_relu(g, y)), "f", 4, true);
}

/* Many tiles without a kink: among 10^5 values some lie so near a ReLU's that the last digits decide. */
static NnNode smooth(NnGraph *g)
{
    NnNode x = nn_batch_norm(g, nn_conv(g, nn_input(g), "a", 2 * WIDTH, 3, 1, 1, true), "an");
    x = nn_conv(g, x, "b", 3 * WIDTH, 3, 1, 1, false);
    x = nn_conv(g, nn_avg_pool(g, nn_conv(g, x, "c", 2 * WIDTH, 3, 1, 0, true), 2, 2), "d", WIDTH, 3, 1, 1, true);
    return nn_linear(g, nn_flatten(g, x), "e", 4, true);
}

static const TwinCase CASES[] = {
    {"even", tiles, WIDTH, 12, 8, 3},
    {"cut off", tiles, WIDTH, 7, 13, 2},
    {"small", tiles, WIDTH, 6, 4, 5},      /* e: 2 x 1 */
    {"chunks", smooth, WIDTH, 21, 14, 14}, /* 336 tiles: more than a chunk */
};

/* One rounding is 6e-8. Outputs sum 3 * WIDTH * 9 terms whose errors add up like a walk, some 15 roundings, and the
 * transforms multiply them by their norm, below 10: 1e-5. Weight gradients sum up to 14 * 294 positions: twice that. */
static const double FORWARD = 1e-5, GRADIENTS = 2e-5;
static const int WINOGRAD[NN_PASSES] = {NN_CONV_WINOGRAD, NN_CONV_WINOGRAD, NN_CONV_WINOGRAD, NN_CONV_WINOGRAD};

static void test_every_pass_equals_the_twin(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char hash[BASE_HASH_HEX], direct[BASE_HASH_HEX];
        int forced;
        NnTuning *t = twin_forcing(&CASES[i], NN_F32, WINOGRAD, &forced);
        assert_in_range(forced, 4 * NN_PASSES, 5 * NN_PASSES); /* b and c are of one shape */
        for (int mode = NN_MODE_EVAL; mode <= NN_MODE_EVAL_INPUT; mode++) {
            twin_check(&CASES[i], t, (NnMode)mode, NN_F32, FORWARD, GRADIENTS, NULL, hash);
            twin_check(&CASES[i], NULL, (NnMode)mode, NN_F32, FORWARD, GRADIENTS, NULL, direct);
            assert_string_not_equal(hash, direct); /* else the table decided nothing */
        }
        nn_tuning_free(t);
    }
}

/* Which thread computes a tile changes nothing. */
static void test_same_bits_with_any_thread_count(void **state)
{
    (void)state;
    int threads = math_threads_get();
    char hash[2][BASE_HASH_HEX];
    for (int i = 0; i < 2; i++) {
        int forced;
        assert_ok(math_threads_set(1 + 2 * i));
        NnTuning *t = twin_forcing(&CASES[0], NN_F32, WINOGRAD, &forced);
        twin_check(&CASES[0], t, NN_MODE_EVAL, NN_F32, FORWARD, GRADIENTS, NULL, hash[i]);
        nn_tuning_free(t);
    }
    assert_string_equal(hash[0], hash[1]);
    assert_ok(math_threads_set(threads));
}

/* Wide layers on many tiles: the fixed rules take it without a table. */
static NnNode wide(NnGraph *g)
{
    NnNode x = nn_conv(g, nn_input(g), "a", 32, 3, 1, 1, true);
    return nn_linear(g, nn_flatten(g, nn_max_pool(g, nn_relu(g, nn_conv(g, x, "b", 32, 3, 1, 1, true)), 4, 4, 0)), "c",
                     3, true);
}

static void test_the_rules_take_it(void **state)
{
    (void)state;
    const TwinCase c = {"wide", wide, 32, 8, 8, 8};
    char hash[2][BASE_HASH_HEX];
    int forced;
    NnTuning *t = twin_forcing(&c, NN_F32, WINOGRAD, &forced);
    twin_check(&c, t, NN_MODE_TRAIN, NN_F32, FORWARD, GRADIENTS, NULL, hash[0]);
    twin_check(&c, NULL, NN_MODE_TRAIN, NN_F32, FORWARD, GRADIENTS, NULL, hash[1]);
    assert_string_equal(hash[0], hash[1]);
    nn_tuning_free(t);
}
