/* nn/optimizer.c - element by element over the flat parameter block, in PyTorch's order of operations and in float32,
 * so that a step gives PyTorch's bits up to rounding. Every element is computed alone: the number of threads changes no
 * bit. */
#include <math.h>

#include "base/memory.h"
#include "nn/train.h"

static const double BETA1 = 0.9, BETA2 = 0.999, EPSILON = 1e-8;

struct NnOptimizer {
    NnOptimizerKind kind;
    int64_t count, steps;
    double momentum, weight_decay;
    bool nesterov;
    float *first;  /* [count] SGD: momentum buffer (NULL without momentum); Adam: mean of gradients */
    float *second; /* [count] Adam: mean of squared gradients */
};

BaseStatus nn_optimizer_create(NnOptimizerKind kind, int64_t count, double momentum, double weight_decay, bool nesterov,
                               NnOptimizer **out)
{
    BaseStatus st = BASE_OK;
    NnOptimizer *o = NULL;
    *out = NULL;
    BASE_CHECK(kind == NN_SGD || kind == NN_ADAM, BASE_EARG, "optimizer %d: must be sgd or adam", (int)kind);
    BASE_CHECK(count >= 0, BASE_EARG, "optimizer over %lld parameters", (long long)count);
    BASE_CHECK(momentum >= 0 && momentum < 1, BASE_EARG, "momentum %g: must be in [0, 1)", momentum);
    BASE_TRY(BASE_ALLOC(1, &o));
    *o = (NnOptimizer){kind, count, 0, momentum, weight_decay, nesterov, NULL, NULL};
    if (kind == NN_ADAM || momentum > 0) BASE_TRY(BASE_ALLOC(count, &o->first));
    if (kind == NN_ADAM) BASE_TRY(BASE_ALLOC(count, &o->second));
    *out = o;
    o = NULL;
out:
    nn_optimizer_free(o);
    return st;
}

void nn_optimizer_memory(NnOptimizer *optimizer, float **first, float **second, int64_t **steps)
{
    *first = optimizer->first;
    *second = optimizer->second;
    *steps = &optimizer->steps;
}

void nn_optimizer_free(NnOptimizer *optimizer)
{
    if (!optimizer) return;
    base_free(optimizer->first);
    base_free(optimizer->second);
    base_free(optimizer);
}

/* A masked element keeps its value and its momentum: it must not drift through either, nor through weight decay. */
static void sgd_plain(const NnOptimizer *o, float *w, const float *g, const uint8_t *mask, float lr)
{
    const float decay = (float)o->weight_decay;
    const int64_t n = o->count;
    if (mask) {
#pragma omp parallel for simd schedule(static)
        for (int64_t i = 0; i < n; i++) {
            float next = w[i] - lr * (g[i] + decay * w[i]);
            w[i] = mask[i] ? next : w[i];
        }
        return;
    }
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < n; i++) w[i] -= lr * (g[i] + decay * w[i]);
}

static void sgd_momentum(const NnOptimizer *o, float *w, const float *g, const uint8_t *mask, float lr)
{
    const float decay = (float)o->weight_decay, momentum = (float)o->momentum;
    const float look = o->nesterov ? momentum : 1, own = o->nesterov ? 1 : 0; /* direction = own g + look v */
    const int64_t n = o->count;
    float *v = o->first;
    if (mask) {
#pragma omp parallel for simd schedule(static)
        for (int64_t i = 0; i < n; i++) {
            float d = g[i] + decay * w[i], next = momentum * v[i] + d;
            v[i] = mask[i] ? next : v[i];
            w[i] = mask[i] ? w[i] - lr * (own * d + look * next) : w[i];
        }
        return;
    }
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < n; i++) {
        float d = g[i] + decay * w[i];
        v[i] = momentum * v[i] + d;
        w[i] -= lr * (own * d + look * v[i]);
    }
}

/* Adam (Kingma & Ba 2014): m, v running means; w -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps). */
static void adam(const NnOptimizer *o, float *w, const float *g, const uint8_t *mask, double lr)
{
    const float decay = (float)o->weight_decay, b1 = (float)BETA1, b2 = (float)BETA2, eps = (float)EPSILON;
    const float c1 = (float)(1 - BETA1), c2 = (float)(1 - BETA2);
    const float step = (float)(lr / (1 - pow(BETA1, (double)o->steps)));
    const float root = (float)sqrt(1 - pow(BETA2, (double)o->steps));
    const int64_t n = o->count;
    float *m = o->first, *v = o->second;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) {
        float d = g[i] + decay * w[i];
        float mean = b1 * m[i] + c1 * d, square = b2 * v[i] + c2 * d * d;
        float next = w[i] - step * mean / (sqrtf(square) / root + eps);
        bool moves = !mask || mask[i];
        m[i] = moves ? mean : m[i];
        v[i] = moves ? square : v[i];
        w[i] = moves ? next : w[i];
    }
}

void nn_optimizer_step(NnOptimizer *optimizer, float *params, const float *grads, const uint8_t *mask, double lr)
{
    optimizer->steps++;
    if (optimizer->kind == NN_ADAM)
        adam(optimizer, params, grads, mask, lr);
    else if (optimizer->first)
        sgd_momentum(optimizer, params, grads, mask, (float)lr);
    else
        sgd_plain(optimizer, params, grads, mask, (float)lr);
}
