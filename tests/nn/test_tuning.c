#include <stdio.h>

#include "io/file.h"
#include "math/threads.h"
#include "nn/onednn/program.h"
#include "tests/nn/twin.h"

/* Strides, 1x1 and even kernels, channels that fill no block. */
static NnNode uneven(NnGraph *g)
{
    NnNode x = nn_relu(g, nn_conv(g, nn_input(g), "a", 5, 5, 2, 2, true));
    x = nn_relu(g, nn_batch_norm(g, nn_conv(g, x, "b", 70, 3, 1, 0, false), "bn"));
    x = nn_conv(g, x, "c", 9, 1, 1, 0, true);
    return nn_linear(g, nn_flatten(g, nn_conv(g, x, "d", 6, 2, 2, 0, false)), "e", 3, true);
}

/* What Winograd's algorithm can run, tiles cut off too, although the fixed rules would not let it. */
static NnNode blocks(NnGraph *g)
{
    NnNode x = nn_relu(g, nn_conv(g, nn_input(g), "a", 16, 3, 1, 1, true));
    NnNode y = nn_relu(g, nn_batch_norm(g, nn_conv(g, x, "b", 16, 3, 1, 1, true), "bn"));
    y = nn_relu(g, nn_add(g, nn_batch_norm(g, nn_conv(g, y, "c", 16, 3, 1, 1, false), "cn"), x));
    y = nn_relu(g, nn_conv(g, nn_avg_pool(g, y, 2, 1), "d", 32, 3, 1, 1, true));
    return nn_linear(g, nn_flatten(g, nn_max_pool(g, y, 2, 2, 0)), "e", 4, true);
}

static const TwinCase CASES[] = {
    {"residual", twin_residual, 4, 8, 8, 12},
    {"uneven", uneven, 3, 11, 9, 4},
    {"blocks", blocks, 3, 8, 8, 6},
};
enum { BLOCKS = 2 };

/* The tolerances of tests/nn/test_engine.c, where the reasons stand: each candidate is a float32 sum of the same terms
 * in another order, Winograd's with its transforms, and bf16 rounds what enters and leaves. */
static void check_forced(const TwinCase *c, NnPrecision precision, const int algorithms[NN_PASSES], NnMode first,
                         NnMode last, char hash[BASE_HASH_HEX])
{
    int forced;
    NnTuning *t = twin_forcing(c, precision, algorithms, &forced);
    bool f32 = precision == NN_F32;
    for (int mode = (int)first; mode <= (int)last; mode++)
        twin_check(c, t, (NnMode)mode, precision, f32 ? 1e-5 : 0.06, f32 ? 2e-5 : 0.2, NULL, hash);
    nn_tuning_free(t);
}

static void test_each_candidate_equals_the_twin(void **state)
{
    (void)state;
    for (int p = NN_F32; p <= NN_BF16; p++) {
        if (nn_precision_available((NnPrecision)p) != (NnPrecision)p) continue;
        for (int i = 0; i < BLOCKS; i++)
            for (int a = 0; a < NN_CONV_ALGORITHMS; a++) {
                const int all[NN_PASSES] = {a, a, a, a};
                if (a == NN_CONV_WINOGRAD) continue; /* fits few of their convolutions, or none */
                check_forced(&CASES[i], (NnPrecision)p, all, NN_MODE_EVAL, NN_MODE_EVAL_INPUT, NULL);
            }
    }
    const int winograd[NN_PASSES] = {NN_CONV_WINOGRAD, NN_CONV_WINOGRAD, NN_CONV_WINOGRAD, NN_CONV_WINOGRAD};
    check_forced(&CASES[BLOCKS], NN_F32, winograd, NN_MODE_EVAL, NN_MODE_EVAL_INPUT, NULL);
}

/* Each pass chooses for itself: a product forward with direct gradients, and the other way round. */
static void test_passes_choose_apart(void **state)
{
    (void)state;
    const int mixes[][NN_PASSES] = {
        {NN_CONV_UNFOLD, NN_CONV_UNFOLD, NN_CONV_DIRECT, NN_CONV_DIRECT},
        {NN_CONV_DIRECT, NN_CONV_DIRECT, NN_CONV_UNFOLD, NN_CONV_DIRECT},
        {NN_CONV_DIRECT, NN_CONV_UNFOLD, NN_CONV_DIRECT, NN_CONV_UNFOLD},
    };
    for (int p = NN_F32; p <= NN_BF16; p++) {
        if (nn_precision_available((NnPrecision)p) != (NnPrecision)p) continue;
        for (size_t m = 0; m < sizeof mixes / sizeof *mixes; m++)
            for (int i = 0; i < BLOCKS; i++)
                check_forced(&CASES[i], (NnPrecision)p, mixes[m], NN_MODE_EVAL, NN_MODE_EVAL_INPUT, NULL);
    }
    const int winograd[NN_PASSES] = {NN_CONV_UNFOLD, NN_CONV_UNFOLD, NN_CONV_WINOGRAD, NN_CONV_WINOGRAD};
    check_forced(&CASES[BLOCKS], NN_F32, winograd, NN_MODE_TRAIN, NN_MODE_TRAIN, NULL);
}

/* A table that changed nothing would still agree with the twin: the bits tell the candidates apart. */
static void test_the_table_decides_the_bits(void **state)
{
    (void)state;
    char hash[NN_CONV_ALGORITHMS][BASE_HASH_HEX], again[BASE_HASH_HEX];
    for (int a = 0; a < NN_CONV_ALGORITHMS; a++) {
        const int all[NN_PASSES] = {a, a, a, a};
        int forced;
        nn_tuning_free(twin_forcing(&CASES[BLOCKS], NN_F32, all, &forced));
        assert_true(forced > 0);
        check_forced(&CASES[BLOCKS], NN_F32, all, NN_MODE_TRAIN, NN_MODE_TRAIN, hash[a]);
        if (a == NN_CONV_DIRECT) {
            check_forced(&CASES[BLOCKS], NN_F32, all, NN_MODE_TRAIN, NN_MODE_TRAIN, again);
            assert_string_equal(hash[a], again);
        }
        for (int b = 0; b < a; b++) assert_string_not_equal(hash[b], hash[a]);
    }
}

static void test_copies_follow_the_table(void **state)
{
    (void)state;
    NnTuning *t = twin_table();
    NnNet *net = twin_net(&CASES[0]), *copy = NULL, *wide = NULL;
    nn_net_set_tuning(net, t);
    assert_ok(nn_net_clone(net, &copy));
    assert_ok(nn_net_widen(net, 5, &wide));
    assert_ptr_equal(nn_net_tuning(copy), t);
    assert_ptr_equal(nn_net_tuning(wide), t);
    nn_net_free(net);
    nn_net_free(copy);
    nn_net_free(wide);
    nn_tuning_free(t);
}

static const NnLayer LAYER = {.C = 32,
                              .H = 8,
                              .W = 8,
                              .K = 64,
                              .kernel_h = 3,
                              .kernel_w = 3,
                              .stride = 1,
                              .pad_h = 1,
                              .pad_w = 1,
                              .dilation = 1,
                              .groups = 1};

static void test_images_are_matched_upwards(void **state)
{
    (void)state;
    NnTuning *t = twin_table();
    NnConvAlgorithm found;
    const int64_t images[] = {64, 16};
    for (int i = 0; i < 2; i++) {
        NnTuningRow row = twin_row(&LAYER, images[i], NN_F32, NN_PASS_DATA, i ? NN_CONV_UNFOLD : NN_CONV_DIRECT);
        assert_ok(nn_tuning_add(t, &row));
    }
    const int64_t asked[] = {1, 16, 17, 64, 65};
    const NnConvAlgorithm want[] = {NN_CONV_UNFOLD, NN_CONV_UNFOLD, NN_CONV_DIRECT, NN_CONV_DIRECT, NN_CONV_DIRECT};
    for (int i = 0; i < 5; i++) {
        NnTuningRow key = twin_row(&LAYER, asked[i], NN_F32, NN_PASS_DATA, NN_CONV_DIRECT);
        assert_true(nn_tuning_find(t, &key, &found));
        assert_int_equal(found, want[i]);
    }
    NnTuningRow other = twin_row(&LAYER, 16, NN_F32, NN_PASS_WEIGHTS, NN_CONV_DIRECT);
    assert_false(nn_tuning_find(t, &other, &found));
    other = twin_row(&LAYER, 16, NN_F32, NN_PASS_DATA, NN_CONV_DIRECT);
    other.threads++;
    assert_false(nn_tuning_find(t, &other, &found));
    nn_tuning_free(t);
}

/* ---- files ---- */

static const char *write_table(const char *text)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/table.txt", support_scratch());
    assert_ok(io_file_write(path, text, strlen(text)));
    return path;
}

#define FIRST "expunge-tuning 1\n"
static void test_what_is_written_is_read(void **state)
{
    (void)state;
    BaseText text = {0}, loose = {0}, again = {0};
    NnTuning *t = twin_table(), *read = NULL, *copy;
    for (int pass = NN_PASSES - 1; pass >= 0; pass--) {
        NnTuningRow row = twin_row(&LAYER, 16, NN_F32, pass, NN_CONV_UNFOLD);
        assert_ok(nn_tuning_add(t, &row));
    }
    assert_ok(nn_tuning_text(t, &text));
    base_text_add(&loose, "%s\n# a comment\n\n   \n", text.data);
    assert_ok(nn_tuning_read(write_table(loose.data), &read));
    assert_string_equal(nn_tuning_hash(read), nn_tuning_hash(t));
    assert_ok(nn_tuning_text(read, &again));
    assert_string_equal(again.data, text.data);
    char hash[BASE_HASH_HEX];
    base_hash_bytes(text.data, text.size, hash);
    assert_string_equal(hash, nn_tuning_hash(t));
    assert_ok(nn_tuning_copy(t, &copy));
    nn_tuning_free(read);
    NnTuningRow row = twin_row(&LAYER, 32, NN_F32, NN_PASS_DATA, NN_CONV_UNFOLD);
    assert_ok(nn_tuning_add(t, &row));
    assert_string_not_equal(hash, nn_tuning_hash(t));
    nn_tuning_free(t);
    assert_string_equal(hash, nn_tuning_hash(copy));
    base_text_free(&again);
    assert_ok(nn_tuning_text(copy, &again));
    assert_string_equal(again.data, text.data);
    nn_tuning_free(copy);
    base_text_free(&text);
    base_text_free(&loose);
    base_text_free(&again);
}

static void test_each_fault_is_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } FAULTS[] = {
        {"", "table.txt:1: '': a tuning table starts with the line 'expunge-tuning 1'"},
        {"expunge-tuning 2\n", "table.txt:1: 'expunge-tuning 2'"},
        {FIRST "avx2 1 f32 data 8 3 8 8 4 3 1 1\n", "table.txt:2: too few words"},
        {FIRST "avx2 1 f32 data 8 3 8 8 4 3 1 1 direct direct\n", "table.txt:2: too many words"},
        {FIRST "\navx3 1 f32 data 8 3 8 8 4 3 1 1 direct\n", "table.txt:3: instruction set 'avx3' is unknown"},
        {FIRST "avx2 1 f16 data 8 3 8 8 4 3 1 1 direct\n", "precision 'f16' is unknown; did you mean 'bf16'?"},
        {FIRST "avx2 1 f32 date 8 3 8 8 4 3 1 1 direct\n", "pass 'date' is unknown; did you mean 'data'?"},
        {FIRST "avx2 1 f32 data 8 3 8 8 4 3 1 1 winogrd\n", "algorithm 'winogrd' is unknown; did you mean 'winograd'?"},
        {FIRST "avx2 x f32 data 8 3 8 8 4 3 1 1 direct\n", "threads = 'x': must be a whole number"},
        {FIRST "avx2 0 f32 data 8 3 8 8 4 3 1 1 direct\n", "threads = 0: must be from 1 to"},
        {FIRST "avx2 1 f32 data 8 3 8 -8 4 3 1 1 direct\n", "width = -8: must be from 1 to"},
        {FIRST "avx2 1 f32 data 8 3 8 8 4 3 1 9999999999999 direct\n", "pad = 9999999999999: must be from 0 to"},
        {FIRST "avx2 1 f32 data 8 3 8 8 4 11 1 1 direct\n", "a kernel of 11 with padding 1 on 8x8"},
        {FIRST "avx2 1 f32 data 8 3 8 8 4 3 1 3 direct\n", "must fit and exceed the padding"},
        {FIRST "avx2 1 f32 data 8 12 8 8 32 3 1 1 winograd\n", "winograd cannot run the pass data"},
        {FIRST "avx2 1 f32 data 8 32 8 8 32 3 2 1 winograd\n", "stride 2, padding 1, in f32"},
        {FIRST "avx512_core 1 bf16 data 8 32 8 8 32 3 1 1 direct\n", "in bf16 on avx512_core"},
        {FIRST "avx512_core_bf16 1 f32 data 8 32 8 8 32 3 2 1 winograd\n", "stride 2, padding 1, in f32"},
        {FIRST "avx512_core_bf16 1 f32 data 8 3 8 8 32 3 1 1 winograd\n", "winograd cannot run"},
        {FIRST "avx512_core_bf16 1 bf16 data 8 32 8 8 32 3 1 1 winograd\n", "winograd cannot run"},
        {FIRST "avx2 1 f32 data 4096 512 64 64 32 3 1 1 unfold\n", "unfold cannot run"},
        {FIRST "avx2 1 f32 data 8 3 8 8 4 3 1 1 direct\navx2 1 f32 data 8 3 8 8 4 3 1 1 unfold\n",
         "table.txt:3: this shape and pass are listed twice"},
    };
    for (size_t i = 0; i < sizeof FAULTS / sizeof *FAULTS; i++) {
        NnTuning *t = NULL;
        assert_fails(nn_tuning_read(write_table(FAULTS[i].text), &t), BASE_EFORMAT, FAULTS[i].part);
        assert_null(t);
    }
    NnTuning *t = NULL;
    const char zero[] = FIRST "avx2\0 1";
    char path[512];
    snprintf(path, sizeof path, "%s/zero.txt", support_scratch());
    assert_ok(io_file_write(path, zero, sizeof zero - 1));
    assert_fails(nn_tuning_read(path, &t), BASE_EFORMAT, "NUL byte");
    assert_fails(nn_tuning_read("/nowhere/table.txt", &t), BASE_EIO, "/nowhere/table.txt");
}

/* ---- tuning itself ---- */

/* The linker puts it in front of nn_program_run (Makefile, WRAP). While it follows, a program's steps must come one by
 * one and in their order: weights are loaded, then forward, then backward, then the next round. */
static struct {
    bool on;
    const NnProgram *program;
    int next, rounds;
} follow;
BaseStatus __real_nn_program_run(NnProgram *p, const NnSteps *steps, dnnl_stream_t stream);
BaseStatus __wrap_nn_program_run(NnProgram *p, const NnSteps *steps, dnnl_stream_t stream);
BaseStatus __wrap_nn_program_run(NnProgram *p, const NnSteps *steps, dnnl_stream_t stream)
{
    const NnSteps *const lists[] = {&p->load, &p->forward, &p->backward};
    int at = -1, all = 0;
    for (int l = 0; follow.on && l < 3; l++) {
        for (int i = 0; i < lists[l]->count; i++)
            if (steps->items == &lists[l]->items[i]) at = all + i;
        all += lists[l]->count;
    }
    if (follow.on) {
        if (p != follow.program) assert_int_equal(follow.next, 0);
        follow.program = p;
        assert_int_equal(steps->count, 1);
        assert_int_equal(at, follow.next);
        follow.next = (at + 1) % all;
        follow.rounds += follow.next == 0;
    }
    return __real_nn_program_run(p, steps, stream);
}

static void test_tune_times_every_candidate(void **state)
{
    (void)state;
    enum { REPEATS = 2 };
    const TwinCase *c = &CASES[BLOCKS];
    NnNet *net = twin_net(c);
    NnTuning *t = twin_table();
    NnTuned *rows = NULL;
    int count = 0, passes[NN_PASSES] = {0}, layers = 0;
    follow.on = true;
    assert_ok(nn_tune(net, NN_F32, c->n, 2 * c->n, REPEATS, t, &rows, &count));
    follow.on = false;
    /* training and inference, with each algorithm: once to warm up and then as often as was asked */
    assert_int_equal(follow.rounds, 2 * NN_CONV_ALGORITHMS * (1 + REPEATS));
    assert_int_equal(follow.next, 0);
    for (int i = 0; i < count; i++) {
        const NnTuningRow *r = &rows[i].row;
        NnConvAlgorithm found;
        assert_true(nn_tuning_find(t, r, &found));
        assert_int_equal(found, r->algorithm);
        assert_int_equal(r->n, r->pass == NN_PASS_INFER ? 2 * c->n : c->n);
        for (int a = 0; a < NN_CONV_ALGORITHMS; a++) {
            NnTuningRow asked = *r;
            asked.algorithm = (NnConvAlgorithm)a;
            assert_int_equal(rows[i].seconds[a] > 0, nn_backend_possible(&asked));
        }
        passes[r->pass]++;
        if (r->pass == NN_PASS_WEIGHTS) layers += rows[i].layers;
    }
    /* a, b and c of one shape, d: of the input there is no gradient */
    assert_int_equal(passes[NN_PASS_INFER], 3);
    assert_int_equal(passes[NN_PASS_FORWARD], 3);
    assert_int_equal(passes[NN_PASS_WEIGHTS], 3);
    assert_int_equal(passes[NN_PASS_DATA], 2);
    assert_int_equal(layers, 4);
    assert_null(nn_net_tuning(net));
    base_free(rows);
    nn_tuning_free(t);
    nn_net_free(net);
}

static BaseStatus read_once(void *path)
{
    NnTuning *t = NULL;
    BaseStatus st = nn_tuning_read(path, &t);
    nn_tuning_free(t);
    return st;
}

static void test_failed_allocations(void **state)
{
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s", write_table(FIRST "avx2 1 f32 data 8 3 8 8 4 3 1 1 direct\n"));
    support_fail_allocations(read_once, path, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_candidate_equals_the_twin),
        cmocka_unit_test(test_passes_choose_apart),
        cmocka_unit_test(test_the_table_decides_the_bits),
        cmocka_unit_test(test_copies_follow_the_table),
        cmocka_unit_test(test_images_are_matched_upwards),
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_each_fault_is_one_line),
        cmocka_unit_test(test_tune_times_every_candidate),
        cmocka_unit_test(test_failed_allocations),
    };
    return support_end(cmocka_run_group_tests(tests, NULL, NULL));
}
