/* unlearn/gradient/loss.c - cross-entropy is nn_loss's; the distance to a teacher is added to value and gradient. */
#include "unlearn/gradient/loss.h"

#include <math.h>

#include "nn/train.h"

static double log_mass(const float *z, int64_t K, double temperature)
{
    double top = (double)z[0], sum = 0;
    for (int64_t k = 1; k < K; k++) top = fmax(top, (double)z[k]);
    for (int64_t k = 0; k < K; k++) sum += exp(((double)z[k] - top) / temperature);
    return top / temperature + log(sum);
}

/* Adds the distance to the teacher: d/dz = T (softmax(z / T) - softmax(t / T)) / n. */
static double add_kl(const UnlearnLoss *loss, const float *logits, const float *teacher, int64_t n, int64_t K,
                     float *dlogits)
{
    double total = 0, T = loss->temperature;
    for (int64_t i = 0; i < n; i++) {
        const float *z = logits + i * K, *t = teacher + i * K;
        double of_z = log_mass(z, K, T), of_t = log_mass(t, K, T);
        for (int64_t k = 0; k < K; k++) {
            double log_s = (double)z[k] / T - of_z, log_q = (double)t[k] / T - of_t;
            total += exp(log_q) * (log_q - log_s);
            dlogits[i * K + k] += (float)(loss->kl * T * (exp(log_s) - exp(log_q)) / (double)n);
        }
    }
    return loss->kl * T * T * total / (double)n;
}

/* Rows of dlogits [n, K], made of a plain mean, become those of the weighted one: the value of that. */
static double weigh(double power, const float *logits, const int32_t *y, int64_t n, int64_t K, float *dlogits)
{
    double total = 0, mass = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < n; i++) {
            double own = log_mass(logits + i * K, K, 1) - (double)logits[i * K + y[i]];
            if (own < 0) own = 0; /* rounding passes 0; NaN stays, for the caller to see */
            double weight = 1 / (pow(own, power) + 1e-15);
            if (pass == 0) {
                mass += weight;
                total += weight * own;
            } else {
                for (int64_t k = 0; k < K; k++) dlogits[i * K + k] *= (float)((double)n * weight / mass);
            }
        }
    return total / mass;
}

double unlearn_loss(const UnlearnLoss *loss, const float *logits, const int32_t *y, const float *teacher, int64_t n,
                    int64_t K, float *dlogits)
{
    double value = nn_loss_cross_entropy(logits, y, n, K, 0, dlogits);
    if (loss->power != 0) value = weigh(loss->power, logits, y, n, K, dlogits);
    value *= loss->ce;
    for (int64_t i = 0; i < n * K; i++) dlogits[i] *= (float)loss->ce;
    if (loss->kl != 0) value += add_kl(loss, logits, teacher, n, K, dlogits);
    return value;
}
