/* mia/fit/features.c - modified_entropy_published is what the code of Unlearn-Sparse (and, copied, of SalUn) computed
 * until it was mended in 2026: for each of the three sets (members, non-members, audited) with L its labels,
 *     sum_{j in L} -(1 - p_j) log p_j + sum_{j not in L} -p_j log p_j,    log p_j = log 1e-30 where float32 p_j = 0:
 * whole columns are overwritten for every label that occurs, and log p stands where log(1 - p) belongs. Under class
 * unlearning L differs between the sets, and so does the formula. */
#include "mia/fit/features.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "mia/fit/classes.h"
#include "mia/signal/signal.h"
#include "mia/signal/sum.h"

const char *const mia_features_names[] = {
    "correctness", "confidence", "entropy", "modified_entropy", "probabilities", "modified_entropy_published",
    "loss",        "signals",    NULL};
static const MiaSignalKind TOGETHER[] = {MIA_SIGNAL_LOSS,    MIA_SIGNAL_PHI,
                                         MIA_SIGNAL_ENTROPY, MIA_SIGNAL_MODIFIED_ENTROPY,
                                         MIA_SIGNAL_HINGE,   MIA_SIGNAL_CORRECT};

int64_t mia_features_width(MiaFeatures features, int64_t K)
{
    if (features == MIA_FEATURES_PROBABILITIES) return K;
    return features == MIA_FEATURES_SIGNALS ? (int64_t)BASE_COUNT(TOGETHER) : 1;
}

static BaseStatus fill_published(const MiaInput *input, double *x)
{
    BaseStatus st = BASE_OK;
    int64_t K = input->K;
    uint8_t *occurs = NULL; /* [3, K] */
    double *p = NULL;       /* [K] probabilities, then terms of the sum: >= 0 */
    BASE_TRY(BASE_ALLOC(3 * K, &occurs));
    BASE_TRY(BASE_ALLOC_RAW(K, &p));
    for (int64_t i = 0; i < input->N; i++) occurs[input->role[i] * K + input->labels[i]] = 1;
    for (int64_t i = 0; i < input->N; i++) {
        const uint8_t *in = occurs + input->role[i] * K;
        mia_signal_softmax(input->logits + i * K, K, p);
        double most = 0;
        for (int64_t j = 0; j < K; j++) {
            double q = (double)(float)p[j], log_q = q > 0 ? log(q) : log(1e-30);
            p[j] = -(in[j] ? 1 - q : q) * log_q;
            most = fmax(most, p[j]);
        }
        MiaSum sum = mia_sum_start(most, K);
        for (int64_t j = 0; j < K; j++) mia_sum_add(&sum, p[j]);
        x[i] = mia_sum_value(&sum);
    }
out:
    base_free(occurs);
    base_free(p);
    return st;
}

static BaseStatus fill_probabilities(const MiaInput *input, double *x)
{
    BaseStatus st = BASE_OK;
    int64_t K = input->K, *order = NULL;
    double *p = NULL;
    BASE_TRY(BASE_ALLOC_RAW(K, &order));
    BASE_TRY(BASE_ALLOC_RAW(K, &p));
    BASE_TRY(mia_classes_order(input, order));
    for (int64_t i = 0; i < input->N; i++) {
        mia_signal_softmax(input->logits + i * K, K, p);
        for (int64_t k = 0; k < K; k++) x[i * K + k] = p[order[k]];
    }
out:
    base_free(order);
    base_free(p);
    return st;
}

BaseStatus mia_features_fill(const MiaInput *input, MiaFeatures features, double *x)
{
    static const MiaSignalKind SINGLE[] = {
        [MIA_FEATURES_CORRECTNESS] = MIA_SIGNAL_CORRECT, [MIA_FEATURES_CONFIDENCE] = MIA_SIGNAL_CONFIDENCE,
        [MIA_FEATURES_ENTROPY] = MIA_SIGNAL_ENTROPY,     [MIA_FEATURES_MODIFIED_ENTROPY] = MIA_SIGNAL_MODIFIED_ENTROPY,
        [MIA_FEATURES_LOSS] = MIA_SIGNAL_LOSS,
    };
    int64_t N = input->N, K = input->K, width = mia_features_width(features, K);
    if (features == MIA_FEATURES_MODIFIED_ENTROPY_PUBLISHED) return fill_published(input, x);
    if (features == MIA_FEATURES_PROBABILITIES) return fill_probabilities(input, x);
    if (features != MIA_FEATURES_SIGNALS) {
        mia_signal_fill(input->logits, 1, input->labels, N, K, SINGLE[features], MIA_SIGNAL_EXACT, x);
        return BASE_OK;
    }
    for (int64_t i = 0; i < N; i++) {
        MiaSignals s = mia_signal_row(input->logits + i * K, K, input->labels[i]);
        for (int64_t j = 0; j < width; j++) x[i * width + j] = mia_signal_pick(&s, TOGETHER[j]);
    }
    return BASE_OK;
}
