/* mia/models/models.c - one signal under many models; medians by selection, so that the cost stays linear in them. */
#include "mia/models/models.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

BaseStatus mia_models_signal(const MiaInput *in, const double *logits, int64_t M, MiaSignalKind kind,
                             MiaSignalMode mode, double **out)
{
    BaseStatus st = BASE_ALLOC_RAW(M * in->N, out);
    if (st == BASE_OK) mia_signal_fill(logits, M, in->labels, in->N, in->K, kind, mode, *out);
    return st;
}

BaseStatus mia_models_check_target(const MiaInput *in, const double *logits, int64_t M, const char *what)
{
    int64_t size = in->N * in->K;
    bool constant = true;
    for (int64_t i = 1; i < size && constant; i++) constant = in->logits[i] == in->logits[0];
    for (int64_t m = 0; !constant && m < M; m++)
        if (memcmp(in->logits, logits + m * size, (size_t)size * sizeof *logits) == 0)
            return base_error_set(
                BASE_EARG,
                "the target's logits are those of %s model %lld; the model that is judged must not be "
                "among those it is compared with",
                what, (long long)m);
    return BASE_OK;
}

/* Hoare's selection: afterwards x[k] is the k-th smallest, nothing before it is larger, nothing after it smaller. */
static double select_kth(double *x, int64_t n, int64_t k)
{
    int64_t lo = 0, hi = n - 1;
    while (lo < hi) {
        double pivot = x[lo + (hi - lo) / 2];
        int64_t i = lo, j = hi;
        while (i <= j) {
            while (x[i] < pivot) i++;
            while (pivot < x[j]) j--;
            if (i > j) break;
            double swap = x[i];
            x[i++] = x[j];
            x[j--] = swap;
        }
        if (k <= j)
            hi = j;
        else if (k >= i)
            lo = i;
        else
            break;
    }
    return x[k];
}

MiaMoments mia_models_moments(double *x, int64_t n)
{
    MiaMoments m = {n, NAN, NAN, NAN};
    if (n == 0) return m;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    m.mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++) squares += (x[i] - m.mean) * (x[i] - m.mean);
    m.sd = sqrt(squares / (double)n);
    m.median = select_kth(x, n, n / 2);
    if (n % 2 == 0) {
        double below = x[0];
        for (int64_t i = 1; i < n / 2; i++)
            if (x[i] > below) below = x[i];
        m.median = below + (m.median - below) / 2;
    }
    return m;
}

MiaRole mia_models_asked(const MiaInput *in, int64_t *count)
{
    int64_t of[3] = {0, 0, 0};
    for (int64_t i = 0; i < in->N; i++) of[in->role[i]]++;
    MiaRole role = of[MIA_AUDITED] ? MIA_AUDITED : of[MIA_MEMBER] ? MIA_MEMBER : MIA_NONMEMBER;
    *count = of[role];
    return role;
}
