#include "tests/support/support.h"

#include <math.h>

#include "base/random.h"
#include "mia/signal/signal.h"
#include "mia/signal/sum.h"

static void as_in_the_fixture(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        MiaSignalKind kind;
    } SIGNALS[] = {
        {"signals/loss", MIA_SIGNAL_LOSS},
        {"signals/confidence", MIA_SIGNAL_CONFIDENCE},
        {"signals/entropy", MIA_SIGNAL_ENTROPY},
        {"signals/modified_entropy", MIA_SIGNAL_MODIFIED_ENTROPY},
        {"signals/correct", MIA_SIGNAL_CORRECT},
        {"signals/hinge", MIA_SIGNAL_HINGE},
        {"signals/logit_scaled_confidence", MIA_SIGNAL_PHI},
    };
    IoHdf5 *file = NULL;
    int64_t N = 0, count = 0;
    assert_ok(io_hdf5_open(support_fixture("attacks.h5"), &file));
    double *logits = support_read_f64(file, "signals/logits", &count), got[1024];
    int32_t *y = support_read_i32(file, "signals/y", &N);
    assert_true(N > 0 && N <= 1024);
    for (size_t s = 0; s < sizeof SIGNALS / sizeof *SIGNALS; s++) {
        double *want = support_read_f64(file, SIGNALS[s].path, NULL);
        mia_signal_fill(logits, 1, y, N, count / N, SIGNALS[s].kind, MIA_SIGNAL_EXACT, got);
        for (int64_t i = 0; i < N; i++) assert_near(got[i], want[i], 0, 1e-9);
        base_free(want);
    }
    base_free(logits);
    base_free(y);
    io_hdf5_close(file);
}

/* The definitions in long double, logits mild enough that no tail rounds away there. */
static void as_by_definition(void **state)
{
    (void)state;
    enum { MOST = 9 };
    for (uint64_t round = 0; round < 500; round++) {
        BaseRandom r = base_random_make(5, "signal_test", round);
        int64_t K = 2 + (int64_t)base_random_below(&r, MOST - 1);
        int32_t y = (int32_t)base_random_below(&r, (uint64_t)K);
        double z[MOST], rival = -INFINITY;
        long double sum = 0, others = 0, p[MOST], entropy = 0, modified = 0;
        for (int64_t j = 0; j < K; j++) {
            z[j] = 4 * base_random_normal(&r);
            sum += expl(z[j]);
            if (j == y) continue;
            others += expl(z[j]);
            if (z[j] > rival) rival = z[j];
        }
        for (int64_t j = 0; j < K; j++) {
            long double rest = 0;
            for (int64_t i = 0; i < K; i++) rest += i == j ? 0 : expl(z[i]);
            p[j] = expl(z[j]) / sum;
            entropy -= p[j] * logl(p[j]);
            modified -= j == y ? (others / sum) * logl(p[j]) : p[j] * logl(rest / sum);
        }
        MiaSignals s = mia_signal_row(z, K, y);
        /* log(sum) for a sum near 1 keeps its absolute digits only, in the twin too: 1e-18 * a few */
        assert_near(s.loss, (double)-logl(p[y]), 1e-17, 1e-13);
        assert_near(s.confidence, (double)p[y], 0, 1e-13);
        assert_near(s.entropy, (double)entropy, 1e-17, 1e-12);
        assert_near(s.modified_entropy, (double)modified, 1e-17, 1e-12);
        assert_near(s.hinge, z[y] - rival, 0, 0);
        assert_near(s.phi, (double)(z[y] - logl(others)), 1e-14, 1e-13);
        assert_near(s.correct, z[y] > rival, 0, 0);
        double soft[MOST], total = 0;
        mia_signal_softmax(z, K, soft);
        for (int64_t j = 0; j < K; j++) {
            assert_near(soft[j], (double)p[j], 0, 1e-13);
            total += soft[j];
        }
        assert_near(total, 1, 0, 1e-14);
    }
}

/* Far beyond where p_y rounds to 1 or 0: float32 code saturates at 16.6, clipped code at 13.8. */
static void nothing_saturates(void **state)
{
    (void)state;
    const double GAPS[] = {20, 40, 300, 700, 2000, 1e6};
    for (size_t g = 0; g < sizeof GAPS / sizeof *GAPS; g++) {
        const double z[] = {GAPS[g], 0, 0};
        MiaSignals sure = mia_signal_row(z, 3, 0), wrong = mia_signal_row(z, 3, 1);
        assert_near(sure.phi, GAPS[g] - log(2), 0, 1e-15);
        assert_near(sure.loss, log1p(2 * exp(-GAPS[g])), 1e-300, 1e-12); /* exp turns a rounding of 700 into 1e-13 */
        assert_near(sure.hinge, GAPS[g], 0, 0);
        assert_near(wrong.loss, GAPS[g] + log1p(2 * exp(-GAPS[g])), 0, 1e-15);
        assert_near(wrong.phi, -(GAPS[g] + log1p(exp(-GAPS[g]))), 0, 1e-15);
        /* y = 1: (1 - p_y) * loss + p_0 * -log(1 - p_0) + tiny */
        assert_near(wrong.modified_entropy, 2 * GAPS[g], 2, 1e-3);
        assert_true(isfinite(sure.entropy) && isfinite(sure.modified_entropy) && sure.entropy >= 0);
        if (GAPS[g] < 700) assert_true(sure.entropy > 0 && sure.modified_entropy > 0 && sure.loss > 0);
    }
}

/* Two classes: M = -(1 - p) log p - (1 - p) log p = 2 (1 - p) loss. */
static void modified_entropy_of_two_classes(void **state)
{
    (void)state;
    for (double gap = -50; gap <= 50; gap += 0.7) {
        const double z[] = {gap, 0};
        MiaSignals s = mia_signal_row(z, 2, 0);
        double doubt = 1 / (1 + exp(gap));
        assert_near(s.modified_entropy, 2 * doubt * s.loss, 0, 1e-13);
        assert_near(s.phi, gap, 0, 1e-15);
    }
}

static void ties_and_shifts(void **state)
{
    (void)state;
    const double flat[] = {3, 3, 3, 3};
    MiaSignals first = mia_signal_row(flat, 4, 0), last = mia_signal_row(flat, 4, 3);
    assert_near(first.correct, 0.25, 0, 0); /* whichever of four equals is the class */
    assert_near(last.correct, 0.25, 0, 0);
    assert_near(first.entropy, log(4), 0, 1e-15);
    assert_near(first.loss, log(4), 0, 1e-15);
    const double z[] = {1, -2, 0.5}, shifted[] = {1 + 1024, -2 + 1024, 0.5 + 1024};
    MiaSignals a = mia_signal_row(z, 3, 2), b = mia_signal_row(shifted, 3, 2);
    for (int kind = MIA_SIGNAL_LOSS; kind <= MIA_SIGNAL_PHI; kind++)
        assert_near(mia_signal_pick(&a, (MiaSignalKind)kind), mia_signal_pick(&b, (MiaSignalKind)kind), 0, 1e-12);
}

/* Each published computation written out on softmax(z) in double (float32 where theirs is), and where it saturates. */
static void as_others_compute_it(void **state)
{
    (void)state;
    enum { K = 4 };
    for (uint64_t round = 0; round < 200; round++) {
        BaseRandom r = base_random_make(5, "signal_modes", round);
        double z[K], p[K], scale = round % 2 ? 3 : 60;
        int32_t y = (int32_t)base_random_below(&r, K);
        for (int j = 0; j < K; j++) z[j] = scale * base_random_normal(&r);
        mia_signal_softmax(z, K, p);
        double others = 0, entropy = 0, modified = 0, most = -INFINITY, own32 = 0, others32 = 0;
        for (int j = 0; j < K; j++) {
            if (j != y) others += p[j];
            entropy += p[j] * -log(p[j] > 1e-30 ? p[j] : 1e-30);
            double q = j == y ? 1 - p[j] : p[j], in = j == y ? p[j] : 1 - p[j];
            modified += q * -log(in > 1e-30 ? in : 1e-30);
            if ((float)z[j] > most) most = (float)z[j];
        }
        for (int j = 0; j < K; j++) {
            double e = (double)expf((float)z[j] - (float)most);
            if (j == y)
                own32 += e;
            else
                others32 += e;
        }
        double clip = p[y] < 1e-6 ? 1e-6 : p[y] > 1 - 1e-6 ? 1 - 1e-6 : p[y];
        double want = log(clip) - log(others < 1e-6 ? 1e-6 : others);
        assert_near(mia_signal_value(z, K, y, MIA_SIGNAL_PHI, MIA_SIGNAL_RULI), want, 1e-12, 1e-12);
        want = log(own32 / (own32 + others32) + 1e-45) - log(others32 / (own32 + others32) + 1e-45);
        assert_near(mia_signal_value(z, K, y, MIA_SIGNAL_PHI, MIA_SIGNAL_MI_LIRA), want, 1e-12, 1e-12);
        want = -log(p[y] > 1e-8 ? p[y] : 1e-8);
        assert_near(mia_signal_value(z, K, y, MIA_SIGNAL_LOSS, MIA_SIGNAL_TF_PRIVACY), want, 1e-12, 1e-12);
        assert_near(mia_signal_value(z, K, y, MIA_SIGNAL_ENTROPY, MIA_SIGNAL_TF_PRIVACY), entropy, 1e-12, 1e-12);
        assert_near(mia_signal_value(z, K, y, MIA_SIGNAL_MODIFIED_ENTROPY, MIA_SIGNAL_TF_PRIVACY), modified, 1e-12,
                    1e-12);
        for (int kind = MIA_SIGNAL_LOSS; kind <= MIA_SIGNAL_PHI; kind++) { /* a mode touches its own kinds only */
            bool loss = kind == MIA_SIGNAL_LOSS || kind == MIA_SIGNAL_ENTROPY || kind == MIA_SIGNAL_MODIFIED_ENTROPY;
            MiaSignals exact = mia_signal_row(z, K, y);
            MiaSignalMode other = loss ? MIA_SIGNAL_KODGE : MIA_SIGNAL_TF_PRIVACY;
            assert_near(mia_signal_value(z, K, y, (MiaSignalKind)kind, other),
                        mia_signal_pick(&exact, (MiaSignalKind)kind), 0, 0);
        }
    }
    const double sure[] = {800, 0}; /* softmax rounds to 1 and 0 */
    assert_near(mia_signal_value(sure, 2, 0, MIA_SIGNAL_PHI, MIA_SIGNAL_EXACT), 800, 0, 0);
    assert_near(mia_signal_value(sure, 2, 0, MIA_SIGNAL_PHI, MIA_SIGNAL_MI_LIRA), 45 * log(10), 0, 1e-12);
    assert_near(mia_signal_value(sure, 2, 1, MIA_SIGNAL_PHI, MIA_SIGNAL_MI_LIRA), -45 * log(10), 0, 1e-12);
    assert_near(mia_signal_value(sure, 2, 0, MIA_SIGNAL_PHI, MIA_SIGNAL_RULI), 6 * log(10), 1e-5, 0);
    assert_near(mia_signal_value(sure, 2, 0, MIA_SIGNAL_PHI, MIA_SIGNAL_KODGE), 32 * log(10), 0, 1e-7); /* float32 */
    assert_near(mia_signal_value(sure, 2, 1, MIA_SIGNAL_LOSS, MIA_SIGNAL_TF_PRIVACY), 8 * log(10), 0, 1e-12);
}

static void several_models_at_once(void **state)
{
    (void)state;
    enum { M = 3, N = 50, K = 5 };
    double z[M * N * K], got[M * N];
    int32_t y[N];
    BaseRandom r = base_random_make(5, "signal_models", 0);
    for (int i = 0; i < M * N * K; i++) z[i] = base_random_normal(&r);
    for (int i = 0; i < N; i++) y[i] = (int32_t)base_random_below(&r, K);
    mia_signal_fill(z, M, y, N, K, MIA_SIGNAL_HINGE, MIA_SIGNAL_EXACT, got);
    for (int m = 0; m < M; m++)
        for (int i = 0; i < N; i++)
            assert_near(got[m * N + i], mia_signal_row(z + (m * N + i) * K, K, y[i]).hinge, 0, 0);
}

static double any_of(const double *z, int64_t K, int32_t y, int kind, int mode)
{
    return mia_signal_value(z, K, y, (MiaSignalKind)kind, (MiaSignalMode)mode);
}

/* Classes in another order, the true one with them: the same bits of every signal in every mode, of smooth, coarse and
 * one-hot logits. And of the entropy whichever class is the true one. */
static void order_of_classes(void **state)
{
    (void)state;
    enum { MOST = 1000 };
    static double z[MOST], moved[MOST];
    static int64_t to[MOST];
    for (uint64_t round = 0; round < 600; round++) {
        BaseRandom r = base_random_make(5, "signal_order", round);
        int64_t K = round % 50 == 0 ? MOST : 2 + (int64_t)base_random_below(&r, 20);
        int32_t y = (int32_t)base_random_below(&r, (uint64_t)K);
        double spread = pow(10, (double)(round % 7) - 3);
        for (int64_t j = 0; j < K; j++) {
            z[j] = spread * base_random_normal(&r);
            if (round % 3 == 1) z[j] = round % 2 ? (double)base_random_below(&r, 3) * 2 : j == y ? 5 : 0;
            to[j] = j;
        }
        base_random_shuffle(&r, to, K);
        for (int64_t j = 0; j < K; j++) moved[to[j]] = z[j];
        for (int kind = MIA_SIGNAL_LOSS; kind <= MIA_SIGNAL_PHI; kind++)
            for (int mode = MIA_SIGNAL_EXACT; mode <= MIA_SIGNAL_TF_PRIVACY; mode++)
                assert_near(any_of(moved, K, (int32_t)to[y], kind, mode), any_of(z, K, y, kind, mode), 0, 0);
        MiaSignals a = mia_signal_row(z, K, y), b = mia_signal_row(moved, K, (int32_t)to[y]);
        assert_memory_equal(&a, &b, sizeof a);
        for (int kind = MIA_SIGNAL_LOSS; kind <= MIA_SIGNAL_PHI; kind++) /* alone and together: the same */
            assert_near(any_of(z, K, y, kind, MIA_SIGNAL_EXACT), mia_signal_pick(&a, (MiaSignalKind)kind), 0, 0);
        assert_near(mia_signal_row(z, K, (y + 1) % (int32_t)K).entropy, a.entropy, 0, 0);
        assert_near(mia_signal_log_sum_exp(moved, K, to[y]), mia_signal_log_sum_exp(z, K, y), 0, 0);
    }
}

/* Terms of every size against long double: what is cut off is far below the last bit of the sum. */
static void sums_of_any_order(void **state)
{
    (void)state;
    enum { MOST = 3000 };
    static double x[MOST];
    for (uint64_t round = 0; round < 300; round++) {
        BaseRandom r = base_random_make(5, "signal_sum", round);
        int64_t n = 1 + (int64_t)base_random_below(&r, MOST);
        double most = 0, size = pow(10, (double)(round % 13) * 50 - 300);
        long double want = 0;
        for (int64_t i = 0; i < n; i++) {
            x[i] = size * exp(-30 * base_random_uniform(&r));
            if (x[i] > most) most = x[i];
            want += x[i];
        }
        MiaSum forth = mia_sum_start(most, n), back = forth;
        for (int64_t i = 0; i < n; i++) {
            mia_sum_add(&forth, x[i]);
            mia_sum_add(&back, x[n - 1 - i]);
        }
        assert_near(mia_sum_value(&forth), mia_sum_value(&back), 0, 0);
        assert_near(mia_sum_value(&forth), (double)want, 0, 2.3e-16); /* one rounding each */
    }
    MiaSum tiny = mia_sum_start(3e-320, 2);
    mia_sum_add(&tiny, 3e-320);
    mia_sum_add(&tiny, 1e-320);
    assert_near(mia_sum_value(&tiny), 3e-320 + 1e-320, 0, 0);
    MiaSum none = mia_sum_start(0, 5);
    mia_sum_add(&none, 0);
    assert_near(mia_sum_value(&none), 0, 0, 0);
}

/* A left-out logit of any size changes nothing. */
static void without_a_class(void **state)
{
    (void)state;
    const double z[] = {1, 700, -2, 0.5, 3}, other[] = {1, -700, -2, 0.5, 3}, rest[] = {3, 1, 0.5, -2};
    double want = mia_signal_log_sum_exp(rest, 4, -1);
    assert_near(mia_signal_log_sum_exp(z, 5, 1), want, 0, 0);
    assert_near(mia_signal_log_sum_exp(other, 5, 1), want, 0, 0);
    assert_near(want, log(exp(3) + exp(1) + exp(0.5) + exp(-2)), 0, 1e-15);
    for (int j = 0; j < 5; j++)
        assert_near(mia_signal_log_sum_exp(other, 5, -1) - other[j], mia_signal_row(other, 5, j).loss, 0, 1e-14);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(as_in_the_fixture),      cmocka_unit_test(as_by_definition),
    cmocka_unit_test(nothing_saturates),      cmocka_unit_test(modified_entropy_of_two_classes),
    cmocka_unit_test(ties_and_shifts),        cmocka_unit_test(as_others_compute_it),
    cmocka_unit_test(several_models_at_once), cmocka_unit_test(without_a_class),
    cmocka_unit_test(order_of_classes),       cmocka_unit_test(sums_of_any_order),
};

SUPPORT_MAIN(tests)
