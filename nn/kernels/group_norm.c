/* nn/kernels/group_norm.c - sums in double, one group of one image at a time, in parallel. */
#include "nn/kernels/group_norm.h"

#include <math.h>

#include "nn/kernels/element.h"

/* Element of pixel @p pixel of channel @p c of image @p i. */
static int64_t at(const NnChannels *s, int64_t i, int64_t c, int64_t pixel)
{
    return ((i * (s->C / s->block) + c / s->block) * s->area + pixel) * s->block + c % s->block;
}

void nn_group_norm_forward(const NnChannels *s, int64_t groups, double epsilon, const float *gamma, const float *beta,
                           const void *x, void *y, float *statistics)
{
    int64_t each = s->C / groups;
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < s->n * groups; k++) {
        int64_t i = k / groups, first = k % groups * each;
        double mean = 0, var = 0, count = (double)(each * s->area);
        for (int64_t c = first; c < first + each; c++)
            for (int64_t p = 0; p < s->area; p++) mean += (double)nn_element_get(x, at(s, i, c, p), s->element) / count;
        for (int64_t c = first; c < first + each; c++)
            for (int64_t p = 0; p < s->area; p++) {
                double off = (double)nn_element_get(x, at(s, i, c, p), s->element) - mean;
                var += off * off / count;
            }
        double scale = 1 / sqrt(var + epsilon);
        statistics[2 * k] = (float)mean;
        statistics[2 * k + 1] = (float)scale;
        for (int64_t c = first; c < first + each; c++)
            for (int64_t p = 0; p < s->area; p++) {
                double hat = ((double)nn_element_get(x, at(s, i, c, p), s->element) - mean) * scale;
                nn_element_set(y, at(s, i, c, p), s->element, (float)(gamma[c] * hat + beta[c]));
            }
    }
}

void nn_group_norm_backward(const NnChannels *s, int64_t groups, const float *gamma, const void *x,
                            const float *statistics, const void *g, void *dx, float *dgamma, float *dbeta)
{
    int64_t each = s->C / groups;
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < s->n * groups; k++) {
        int64_t i = k / groups, first = k % groups * each;
        double mean = statistics[2 * k], scale = statistics[2 * k + 1], count = (double)(each * s->area);
        double sum = 0, dot = 0; /* of gamma dy, and of gamma dy hat */
        for (int64_t c = first; c < first + each; c++) {
            double of_gamma = 0, of_beta = 0;
            for (int64_t p = 0; p < s->area; p++) {
                double dy = nn_element_get(g, at(s, i, c, p), s->element);
                of_beta += dy;
                of_gamma += dy * (nn_element_get(x, at(s, i, c, p), s->element) - mean) * scale;
            }
            dgamma[i * s->C + c] = (float)of_gamma;
            dbeta[i * s->C + c] = (float)of_beta;
            sum += gamma[c] * of_beta / count;
            dot += gamma[c] * of_gamma / count;
        }
        for (int64_t c = first; c < first + each; c++)
            for (int64_t p = 0; p < s->area; p++) {
                double hat = (nn_element_get(x, at(s, i, c, p), s->element) - mean) * scale;
                double dy = nn_element_get(g, at(s, i, c, p), s->element);
                nn_element_set(dx, at(s, i, c, p), s->element, (float)(scale * (gamma[c] * dy - sum - dot * hat)));
            }
    }
}
