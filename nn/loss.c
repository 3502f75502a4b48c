/* nn/loss.c - softmax cross-entropy and its gradient in double, the largest logit taken out first. */
#include <math.h>

#include "nn/train.h"

/* loss_i = logsumexp(z_i) - sum_k t_k z_ik with t = (1 - s) onehot + s / K (arXiv 1512.00567; PyTorch's
 * label_smoothing); d loss / d z_ik = (softmax(z_i)_k - t_k) / n. */
double nn_loss_cross_entropy(const float *logits, const int32_t *labels, int64_t n, int64_t K, double smoothing,
                             float *dlogits)
{
    double total = 0, share = smoothing / (double)K;
    for (int64_t i = 0; i < n; i++) {
        const float *z = logits + i * K;
        double top = (double)z[0], mass = 0, sum = 0;
        for (int64_t k = 1; k < K; k++) top = fmax(top, (double)z[k]);
        for (int64_t k = 0; k < K; k++) {
            mass += exp((double)z[k] - top);
            sum += (double)z[k];
        }
        double norm = top + log(mass);
        total += norm - (1 - smoothing) * (double)z[labels[i]] - share * sum;
        if (!dlogits) continue;
        for (int64_t k = 0; k < K; k++) {
            double target = share + (k == labels[i] ? 1 - smoothing : 0);
            dlogits[i * K + k] = (float)((exp((double)z[k] - norm) - target) / (double)n);
        }
    }
    return total / (double)n;
}
