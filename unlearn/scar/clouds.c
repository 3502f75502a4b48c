/* unlearn/scar/clouds.c - mean and shrunken covariance of each class's transformed features, and the distances to them. The
 * formulas stand in scar.c. */
#include "unlearn/scar/clouds.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "math/linalg.h"
#include "unlearn/gradient/learner.h"

/* v of @p f [d]; the norm of u, 0 where there is no direction. */
double unlearn_clouds_direction(double power, const float *f, int64_t d, float *v)
{
    double squares = 0;
    for (int64_t j = 0; j < d; j++) {
        double u = copysign(pow(fabs((double)f[j]), power), (double)f[j]);
        v[j] = (float)u;
        squares += u * u;
    }
    const double norm = sqrt(squares);
    for (int64_t j = 0; norm > 0 && j < d; j++) v[j] = (float)((double)v[j] / norm);
    return norm;
}

/* The original's features [n, d] of all images, and the class that it takes each for; either NULL. */
BaseStatus unlearn_clouds_look(const UnlearnImages *a, int64_t d, float *features, int32_t *answers)
{
    BaseStatus st = BASE_OK;
    const int64_t K = nn_net_classes(a->context->original), pixels = a->shape[0] * a->shape[1] * a->shape[2];
    UnlearnTeacher net = {0};
    float *x = NULL, *logits = NULL;
    int layers;
    nn_net_layers(a->context->original, &layers);
    BASE_TRY(BASE_ALLOC(UNLEARN_CLOUD_BLOCK * pixels, &x));
    BASE_TRY(BASE_ALLOC(UNLEARN_CLOUD_BLOCK * K, &logits));
    BASE_TRY(unlearn_teacher_create(a->context, a->context->original, UNLEARN_CLOUD_BLOCK, &net));
    for (int64_t first = 0, n; first < a->n; first += n) {
        n = a->n - first < UNLEARN_CLOUD_BLOCK ? a->n - first : UNLEARN_CLOUD_BLOCK;
        for (int64_t i = 0; i < n; i++) BASE_TRY(unlearn_images_get(a, first + i, x + i * pixels));
        BASE_TRY(nn_engine_forward(net.engine, x, n, 0, logits));
        BASE_TRY(nn_engine_tap(net.engine, layers - 1, features + first * d));
        for (int64_t i = 0; answers && i < n; i++) {
            int64_t best = 0;
            for (int64_t k = 1; k < K; k++)
                if (logits[i * K + k] > logits[i * K + best]) best = k;
            answers[first + i] = (int32_t)best;
        }
    }
out:
    unlearn_teacher_free(&net);
    base_free(x);
    base_free(logits);
    return st;
}

static void shrink(const UnlearnCloudShape *shape, int64_t d, double *cov)
{
    double diagonal = 0, rest = 0;
    int64_t count = 0;
    for (int64_t i = 0; i < d * d; i++) {
        const bool on = i / d == i % d;
        diagonal += on ? cov[i] : 0;
        rest += on ? 0 : cov[i];
        count += !on && cov[i] != 0;
    }
    for (int64_t i = 0; i < d * d; i++)
        cov[i] +=
            i / d == i % d ? shape->diagonal * diagonal / (double)d : shape->rest * rest / (double)(count ? count : 1);
}

/* @p cov [d, d] of a class, from here on P; @p s [d] and @p scaled [d, d] are room. Eigenvalues below float32's rounding
 * count as 0, as in torch.linalg.pinv. */
static BaseStatus invert(const UnlearnCloudShape *shape, int64_t d, double *cov, double *s, double *scaled)
{
    BaseStatus st = BASE_OK;
    double top = 0;
    shrink(shape, d, cov);
    shrink(shape, d, cov);
    for (int64_t i = 0; i < d; i++) s[i] = cov[i * d + i] > 0 ? sqrt(cov[i * d + i]) : 1;
    for (int64_t i = 0; i < d * d; i++) cov[i] = cov[i] / (s[i / d] * s[i % d]);
    BASE_TRY(math_eigen_f64(d, cov, s));
    for (int64_t k = 0; k < d; k++) top = fmax(top, fabs(s[k]));
    for (int64_t i = 0; i < d * d; i++) scaled[i] = fabs(s[i / d]) > (double)d * 0x1p-23 * top ? cov[i] / s[i / d] : 0;
    double *both = NULL;
    BASE_TRY(BASE_ALLOC(d * d, &both));
    st = math_gemm_f64(true, false, d, d, d, 1, cov, scaled, 0, both);
    memcpy(cov, both, (size_t)(d * d) * sizeof *cov);
    base_free(both);
out:
    return st;
}

/* Of the @p n rows [n, d] of a class, which become room: its mean and P. */
static BaseStatus measure(const UnlearnCloudShape *shape, int64_t n, int64_t d, double *rows, float *mean,
                          float *inverse)
{
    BaseStatus st = BASE_OK;
    double *centre = NULL, *cov = NULL, *s = NULL, *scaled = NULL, squares = 0;
    BASE_TRY(BASE_ALLOC(d, &centre));
    BASE_TRY(BASE_ALLOC(d, &s));
    BASE_TRY(BASE_ALLOC(d * d, &cov));
    BASE_TRY(BASE_ALLOC(d * d, &scaled));
    for (int64_t i = 0; i < n * d; i++) centre[i % d] += rows[i] / (double)n;
    for (int64_t i = 0; i < n * d; i++) rows[i] -= centre[i % d];
    BASE_TRY(math_gram_block_f64(false, n, d, rows, d, cov, d));
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j <= i; j++) cov[j * d + i] = cov[i * d + j] = cov[i * d + j] / (double)(n - 1);
    BASE_TRY(invert(shape, d, cov, s, scaled));
    for (int64_t j = 0; j < d; j++) squares += centre[j] * centre[j];
    for (int64_t j = 0; j < d; j++) mean[j] = (float)(centre[j] / fmax(sqrt(squares), 1e-12));
    for (int64_t i = 0; i < d * d; i++) inverse[i] = (float)cov[i];
out:
    base_free(centre);
    base_free(cov);
    base_free(s);
    base_free(scaled);
    return st;
}

/* A cloud for each class of two images or more that is not forgotten whole. */
BaseStatus unlearn_clouds_make(const UnlearnContext *context, const UnlearnCloudShape *shape, const float *features,
                               const int32_t *labels, int64_t n, UnlearnClouds *c)
{
    BaseStatus st = BASE_OK;
    const int64_t K = nn_net_classes(context->original), d = c->d;
    const bool whole = !data_forget_by_image(context->forget);
    double *rows = NULL;
    BASE_TRY(BASE_ALLOC(K, &c->class));
    BASE_TRY(BASE_ALLOC(K * d, &c->mean));
    BASE_TRY(BASE_ALLOC(K * d * d, &c->inverse));
    BASE_TRY(BASE_ALLOC(n * d, &rows));
    for (int64_t k = 0; k < K; k++) {
        int64_t count = 0;
        if (whole && k < context->forget->classes.K && context->forget->classes.in[k]) continue;
        for (int64_t i = 0; i < n; i++) {
            if (labels[i] != k) continue;
            for (int64_t j = 0; j < d; j++) {
                const double f = (double)features[i * d + j];
                rows[count * d + j] = copysign(pow(fabs(f), shape->power), f);
            }
            count++;
        }
        if (count < 2) continue;
        BASE_TRY(measure(shape, count, d, rows, c->mean + c->count * d, c->inverse + c->count * d * d));
        c->class[c->count++] = (int32_t)k;
    }
out:
    base_free(rows);
    return st;
}

/* (v - mu)^T P (v - mu) of the rows of @p v [n, d] to cloud @p m. @p product [n, d] out: (v - mu)^T P. */
BaseStatus unlearn_clouds_distances(const UnlearnClouds *c, int64_t m, int64_t n, const float *v, float *diff,
                                    float *product, double *out)
{
    const int64_t d = c->d;
    for (int64_t i = 0; i < n * d; i++) diff[i] = v[i] - c->mean[m * d + i % d];
    BaseStatus st = math_gemm(false, false, n, d, d, 1, diff, c->inverse + m * d * d, 0, product);
    for (int64_t i = 0; st == BASE_OK && i < n; i++) out[i] = math_dot(diff + i * d, product + i * d, d);
    return st;
}

/* The nearest cloud of each forgotten image that is not of its own class. */
BaseStatus unlearn_clouds_nearest(const UnlearnCloudShape *shape, const DataView *forget, float *features,
                                  const UnlearnClouds *clouds, int32_t *nearest)
{
    BaseStatus st = BASE_OK;
    const int64_t d = clouds->d;
    float *diff = NULL, *product = NULL;
    double now[UNLEARN_CLOUD_BLOCK], best[UNLEARN_CLOUD_BLOCK];
    BASE_TRY(BASE_ALLOC(UNLEARN_CLOUD_BLOCK * d, &diff));
    BASE_TRY(BASE_ALLOC(UNLEARN_CLOUD_BLOCK * d, &product));
    for (int64_t i = 0; i < forget->n; i++)
        unlearn_clouds_direction(shape->power, features + i * d, d, features + i * d);
    for (int64_t first = 0, n; first < forget->n; first += n) {
        n = forget->n - first < UNLEARN_CLOUD_BLOCK ? forget->n - first : UNLEARN_CLOUD_BLOCK;
        for (int64_t i = 0; i < n; i++) best[i] = INFINITY;
        for (int64_t m = 0; m < clouds->count; m++) {
            BASE_TRY(unlearn_clouds_distances(clouds, m, n, features + first * d, diff, product, now));
            for (int64_t i = 0; i < n; i++) {
                if (data_view_label(forget, first + i) == clouds->class[m] || !(now[i] < best[i])) continue;
                best[i] = now[i];
                nearest[data_view_at(forget, first + i)] = (int32_t)m;
            }
        }
        for (int64_t i = 0; i < n; i++)
            BASE_CHECK(
                best[i] < INFINITY, BASE_EUSAGE,
                "no class is left that a forgotten image could be pulled to: the images that statistics looks at show too few");
    }
out:
    base_free(diff);
    base_free(product);
    return st;
}

void unlearn_clouds_free(UnlearnClouds *c)
{
    base_free(c->class);
    base_free(c->mean);
    base_free(c->inverse);
}
