/* unlearn/influence.c - a Newton step towards the optimum without the forgotten images ("IU" in
 * Unlearn-Sparse), the Hessian replaced by an empirical Fisher matrix (WoodFisher):
 *   v = 1/n [ sum over D_f of grad CE  -  n_f / n_r sum over D_r of grad CE ],  n = n_f + n_r
 *   w <- w + alpha (F + damping I)^-1 v,     F = 1/m sum of g_j g_j^T,  g_j the mean gradient of fisher_batch retained
 *                                            images, drawn without repetition; original, eval mode
 * F + damping I is inverted exactly by Woodbury's identity, with the m gradients G [m, P] in memory (4 m P bytes):
 *   (damping I + G^T G / m)^-1 v = (v - G^T (m damping I + G G^T)^-1 G v) / damping
 * inverse = recursion is what the authors' code computes in its place, over single retained images in the set's order, at
 * most 1002, with N = 1000 and o = g of the first image:
 *   k <- k - (k.g) / (N + o.g) o       o <- o - (o.g) / (N + o.g) o       from k = v;   w <- w + alpha k
 * o stays parallel to the first gradient, so that k is v but for one direction.
 *
 * alpha is the length of the step. How long it must be differs with class and network by more than a network survives
 * (papers search alpha from 0.2 to 20). With alpha = 0, `parts` lengths are tried, each 2^(1/4) times the one before and
 * the last `longest`, until the accuracy on forgotten images is at or below `stop` (below 0: the last one is taken).
 *
 * Data: both; one pass with gradients, m * fisher_batch images more, and a forward pass of the watched ones per length.
 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "math/linalg.h"
#include "unlearn/gradient/gradients.h"
#include "unlearn/gradient/steps.h"
#include "unlearn/gradient/watch.h"

typedef struct {
    UnlearnSteps steps;
    int64_t gradients, fisher_batch, parts, inverse;
    double alpha, longest, damping;
} Params;
enum { WOODBURY, RECURSION };
static const char *const INVERSES[] = {"woodbury", "recursion", NULL};
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("alpha=0.2 inverse=recursion"),
    BASE_PARAM_F64(Params, alpha, 0, 0, 1e9, "length of the step, in Newton steps; 0: the shortest that meets `stop`"),
    BASE_PARAM_F64(Params, longest, 10, 0, 1e9, "alpha 0: the largest length tried"),
    BASE_PARAM_CHOICE(Params, inverse, WOODBURY, INVERSES,
                      "inverse of the Fisher matrix: exact, or the authors' recursion over single images"),
    BASE_PARAM_F64(Params, damping, 0.1, 1e-12, 1e9, "constant added to the diagonal of the Fisher matrix"),
    BASE_PARAM_I64(Params, gradients, 32, 1, 30000, "number of gradients in the Fisher matrix, all in memory"),
    BASE_PARAM_I64(Params, fisher_batch, 8, 1, 65536, "images per gradient of the Fisher matrix"),
    BASE_PARAM_I64(Params, parts, 40, 1, 100000,
                   "alpha 0: largest number of lengths tried until `stop` is met, each 2^(1/4) times the one before"),
    UNLEARN_STOP_ROW,
    BASE_PARAM_I64(UnlearnSteps, batch_size, 256, 1, 65536, "images per batch"),
    UNLEARN_RETAIN_ROW(0),
    UNLEARN_FORGET_ROW,
};
enum { RECURSION_N = 1000, RECURSION_IMAGES = 1002 }; /* its loop ends after image number N + 1, from 0 */
static const char *const TUNABLE[] = {"alpha", "longest", "damping", "parts", "stop", NULL};

typedef struct {
    float *v;     /* [P]; recursion: k, the whole direction */
    float *first; /* [P] recursion: o */
    float *g;     /* [m, P] */
    double *gram; /* [m, m] G G^T, lower */
    double *gv;   /* [m] G v */
    int64_t P, m, room;
    double passes;
    UnlearnSides sides;
} State;

static void release(void *state)
{
    State *s = state;
    if (!s) return;
    base_free(s->v);
    base_free(s->first);
    base_free(s->g);
    base_free(s->gram);
    base_free(s->gv);
    unlearn_sides_free(&s->sides);
    base_free(s);
}

typedef struct {
    float *v;
    int64_t P;
    double factor; /* of an image's gradient */
} Sum;

static BaseStatus take_sum(void *user, const float *grad, int64_t n)
{
    const Sum *s = user;
    float factor = (float)(s->factor * (double)n);
    for (int64_t i = 0; i < s->P; i++) s->v[i] += factor * grad[i];
    return BASE_OK;
}

static BaseStatus take_gradient(void *user, const float *grad, int64_t n)
{
    State *s = user;
    (void)n;
    if (s->m < s->room) memcpy(s->g + s->m++ * s->P, grad, (size_t)s->P * sizeof *grad);
    return BASE_OK;
}

static void take_away(float *x, const float *o, double factor, int64_t n)
{
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < n; i++) x[i] = (float)((double)x[i] - factor * (double)o[i]);
}

static BaseStatus take_recursion(void *user, const float *grad, int64_t n)
{
    State *s = user;
    (void)n;
    if (s->m++ == 0) {
        memcpy(s->first, grad, (size_t)s->P * sizeof *grad);
        return BASE_OK;
    }
    double own = math_dot(s->first, grad, s->P), below = RECURSION_N + own;
    take_away(s->v, s->first, math_dot(s->v, grad, s->P) / below, s->P);
    take_away(s->first, s->first, own / below, s->P);
    return BASE_OK;
}

/* v, and the gradients of F from a sample of the retained images. */
static BaseStatus gather(const UnlearnContext *context, const Params *p, State *s)
{
    BaseStatus st = BASE_OK;
    int64_t *chosen = NULL, retained = s->sides.retain.n;
    double n_f = (double)s->sides.forget.n, n_r = (double)retained, n = n_f + n_r;
    Sum sum = {s->v, s->P, 1 / n};
    BASE_TRY(unlearn_gradients(context, &s->sides.forget, p->steps.batch_size, UNLEARN_LABELS_TRUE,
                               "gradients of the forgotten", take_sum, &sum));
    sum.factor = -n_f / (n_r * n);
    BASE_TRY(unlearn_gradients(context, &s->sides.retain, p->steps.batch_size, UNLEARN_LABELS_TRUE,
                               "gradients of the retained", take_sum, &sum));
    if (p->inverse == RECURSION) {
        DataView first = s->sides.retain;
        if (first.n > RECURSION_IMAGES) first.n = RECURSION_IMAGES;
        BASE_TRY(BASE_ALLOC(s->P, &s->first));
        BASE_TRY(unlearn_gradients(context, &first, 1, UNLEARN_LABELS_TRUE, "recursion", take_recursion, s));
        s->passes = n + (double)first.n;
        s->m = 0;
        goto out;
    }
    int64_t wanted = s->room * p->fisher_batch;
    if (wanted > retained) wanted = retained;
    BaseRandom random = base_random_make(context->seed, "influence", 0);
    BASE_TRY(BASE_ALLOC(wanted, &chosen));
    base_random_choose(&random, retained, wanted, chosen);
    base_random_shuffle(&random, chosen, wanted); /* a batch must not be one class where the set is sorted */
    for (int64_t i = 0; i < wanted; i++) chosen[i] = data_view_at(&s->sides.retain, chosen[i]);
    DataView view = {context->train.set, chosen, wanted};
    BASE_TRY(unlearn_gradients(context, &view, p->fisher_batch, UNLEARN_LABELS_TRUE, "gradients of the Fisher matrix",
                               take_gradient, s));
    s->passes = n + (double)wanted;
out:
    base_free(chosen);
    return st;
}

static BaseStatus prepare(const UnlearnContext *context, const void *values, void **state)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    State *s = NULL;
    *state = NULL;
    BASE_TRY(BASE_ALLOC(1, &s));
    BASE_TRY(unlearn_sides_open(context, p->steps.retain_per_class, p->steps.forget_samples, &s->sides));
    s->P = nn_net_param_count(context->original);
    s->room = (s->sides.retain.n + p->fisher_batch - 1) / p->fisher_batch;
    if (s->room > p->gradients) s->room = p->gradients;
    BASE_TRY(BASE_ALLOC(s->P, &s->v));
    BASE_TRY(BASE_ALLOC_RAW(s->room * s->P, &s->g));
    BASE_TRY(BASE_ALLOC(s->room * s->room, &s->gram));
    BASE_TRY(BASE_ALLOC(s->room, &s->gv));
    BASE_TRY(gather(context, p, s));
    for (int64_t i = 0; i < s->m; i++) {
        s->gv[i] = math_dot(s->g + i * s->P, s->v, s->P);
        for (int64_t j = 0; j <= i; j++) s->gram[i * s->m + j] = math_dot(s->g + i * s->P, s->g + j * s->P, s->P);
    }
    *state = s;
    s = NULL;
out:
    release(s);
    return st;
}

/* out [P] = length (F + damping I)^-1 v, or length k */
static BaseStatus direction(const State *s, const Params *p, double length, double *out)
{
    BaseStatus st = BASE_OK;
    double *a = NULL, *c = NULL; /* [m, m] m damping I + G G^T, [m] its inverse times G v */
    if (p->inverse == RECURSION) {
        for (int64_t i = 0; i < s->P; i++) out[i] = length * (double)s->v[i];
        return BASE_OK;
    }
    BASE_TRY(BASE_ALLOC(s->m * s->m, &a));
    BASE_TRY(BASE_ALLOC(s->m, &c));
    memcpy(a, s->gram, (size_t)(s->m * s->m) * sizeof *a);
    memcpy(c, s->gv, (size_t)s->m * sizeof *c);
    for (int64_t i = 0; i < s->m; i++) a[i * s->m + i] += (double)s->m * p->damping;
    BASE_TRY(math_cholesky_f64(s->m, a));
    BASE_TRY(math_cholesky_solve_f64(s->m, a, 1, c));
    for (int64_t i = 0; i < s->P; i++) {
        double x = (double)s->v[i];
        for (int64_t j = 0; j < s->m; j++) x -= c[j] * (double)s->g[j * s->P + i];
        out[i] = length * x / p->damping;
    }
out:
    base_free(a);
    base_free(c);
    return st;
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    const State *s = state;
    double *step = NULL; /* [P] */
    float *start = NULL; /* [P] */
    UnlearnWatch *watch = NULL;
    bool done = false;
    BASE_TRY(BASE_ALLOC_RAW(s->P, &step));
    BASE_TRY(BASE_ALLOC_RAW(s->P, &start));
    BASE_TRY(direction(s, p, p->alpha > 0 ? p->alpha : p->longest, step));
    memcpy(start, nn_net_params(net), (size_t)s->P * sizeof *start);
    if (p->alpha == 0) BASE_TRY(unlearn_watch_create(context, net, &s->sides.forget, p->steps.stop, &watch));
    int64_t parts = watch ? p->parts : 1;
    for (int64_t k = 1; k <= parts && !done; k++) {
        float *w = nn_net_edit_params(net);
        double share = exp2((double)(k - parts) / 4);
        for (int64_t i = 0; i < s->P; i++) w[i] = (float)((double)start[i] + share * step[i]);
        BASE_TRY(unlearn_watch_done(watch, &done));
    }
    unlearn_sides_report(&s->sides, s->passes + unlearn_watch_passes(watch), report);
    report->judged = unlearn_watch_passes(watch);
out:
    unlearn_watch_free(watch);
    base_free(step);
    base_free(start);
    return st;
}

const UnlearnMethod unlearn_influence = {
    .entry = BASE_ENTRY("influence", "one Newton step away from the forgotten images, with an empirical Fisher matrix",
                        "IU with WoodFisher, as in Unlearn-Sparse", Params, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT,
    .tunable = TUNABLE,
    .prepare = prepare,
    .apply = apply,
    .release = release,
};
