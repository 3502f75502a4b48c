/* unlearn/scar.c - forgotten images are pulled to the nearest other class while images that have nothing to do with the
 * task keep the rest (SCAR; Bonato et al., ECCV 2024; formula and defaults read in their public code). f: what comes into
 * the classifier; u = sign(f) |f|^power (Tukey), v = u / ||u||. Of each class c that is not forgotten, of the original's
 * features in eval mode: mu_c the mean of u, divided by its norm; C_c the covariance of u, twice made
 *   C + gamma_diagonal V1 I + gamma_rest V2 (1 1^T - I)      V1, V2: mean of the diagonal, and of the rest but for zeros
 * and then divided by its own standard deviations; P_c its pseudo-inverse. A step is along the gradient of
 *   weight_forget  mean over B in D_f of  (v - mu_c)^T P_c (v - mu_c)
 *     + weight_keep  mean over B' in S of  KL(softmax(t' / T) || softmax(z))
 * c: the class nearest to the image, by this distance and the original's features, which is not its own; S: surrogate
 * images; t' the original's logits, those of forgotten classes set to the lowest number of the batch. A surrogate
 * that the original takes for a forgotten class is left out. Where single images are forgotten, neither is done.
 * Surrogates are a data set's, whose labels nobody looks at, or made here: N(0, 1) for each number that the network takes
 * (the authors' noise), or mixtures of two forgotten images, each moved around by a random distance.
 * Network in train mode, forgotten and surrogate images each with their own batch statistics.
 * mu and C are of retained images, needed this once, or (statistics=surrogates) of the surrogates, each taken for what
 * the original takes it for: then no retained image is needed, but few surrogates look like any class.
 * Data: forgotten images, and retained ones for their statistics; (1 + 1 for the teacher) surrogates beside each forgotten
 * one, with gradients, with a forward pass of the watched images per step. P takes 4 d^2 bytes a class.
 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "math/linalg.h"
#include "unlearn/gradient/learner.h"
#include "unlearn/scar/clouds.h"

typedef struct {
    UnlearnSteps steps;
    BaseParamText surrogates;
    int64_t statistics, surrogate_images, surrogate_steps, least_epochs;
    double power, gamma_diagonal, gamma_rest, weight_forget, weight_keep, temperature;
} Params;
enum { OF_RETAINED, OF_SURROGATES };
static const char *const STATISTICS[] = {"retain", "surrogates", NULL};
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("surrogates=noise epochs=30 batch_size=1024 retain_per_class=0"),
    BASE_PARAM_CHOICE(Params, statistics, OF_RETAINED, STATISTICS,
                      "images whose features say where the classes are: retained ones, once, or the surrogates"),
    BASE_PARAM_TEXT(Params, surrogates, "mixtures",
                    "images that keep what is retained: noise, mixtures (of forgotten images), or a data set as --data "
                    "takes it"),
    BASE_PARAM_I64(Params, surrogate_images, 10000, 2, 1e9,
                   "number of surrogate images, at most those of the data set"),
    BASE_PARAM_I64(Params, surrogate_steps, 6, 1, 100000,
                   "steps, each with other surrogates, per batch of forgotten images"),
    BASE_PARAM_I64(Params, least_epochs, 2, 0, 100000, "number of first epochs that stop does not end"),
    BASE_PARAM_F64(Params, power, 0.5, 1e-3, 10, "power of Tukey's transformation of the features"),
    BASE_PARAM_F64(Params, gamma_diagonal, 3, 0, 1e6, "shrinkage of the diagonal of covariances to its mean"),
    BASE_PARAM_F64(Params, gamma_rest, 3, 0, 1e6, "shrinkage of the other entries of covariances to their mean"),
    BASE_PARAM_F64(Params, weight_forget, 1, 0, 1e9, "weight of the distance to the nearest other class"),
    BASE_PARAM_F64(Params, weight_keep, 5, 0, 1e9, "weight of the distance to the original on surrogate images"),
    BASE_PARAM_F64(Params, temperature, 1, 1e-3, 1e3, "temperature T of the original's softmax"),
    UNLEARN_STEP_ROWS(10, 128, 5e-4, 0.9, 0, NN_ADAM),
    UNLEARN_STOP_ROW,
    UNLEARN_RETAIN_ROW(500),
    UNLEARN_FORGET_ROW,
    UNLEARN_LAYERS_ROW,
};
static const char *const TUNABLE[] = {
    "surrogate_steps", "least_epochs", "weight_forget", "weight_keep", "temperature", "epochs", "batch_size", "lr",
    "momentum",        "weight_decay", "optimizer",     "augment",     "stop",        "layers", NULL};

typedef struct {
    UnlearnClouds clouds;
    int32_t *nearest; /* [images of the training set] number of a cloud */
    DataSet *set;     /* of surrogates; NULL: they are made */
    double passes;
} State;

static void state_free(void *state)
{
    State *s = state;
    if (!s) return;
    unlearn_clouds_free(&s->clouds);
    base_free(s->nearest);
    data_set_free(s->set);
    base_free(s);
}

static int64_t retained(const Params *p)
{
    return p->statistics == OF_RETAINED ? p->steps.retain_per_class : UNLEARN_NO_IMAGES;
}

static BaseStatus surrogates(const UnlearnContext *context, const Params *p, const DataSet *set, const DataView *forget,
                             UnlearnImages *out)
{
    return unlearn_images_surrogates(context, p->surrogates.s, set, forget, p->surrogate_images, out);
}

static BaseStatus prepare(const UnlearnContext *context, const void *values, void **state)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    const UnlearnCloudShape cloud = {p->power, p->gamma_diagonal, p->gamma_rest};
    UnlearnSides sides = {0};
    State *s = NULL;
    UnlearnImages shown = {0}, forgotten = {0};
    float *features = NULL;
    int32_t *labels = NULL;
    int layers;
    *state = NULL;
    BASE_TRY(BASE_ALLOC(1, &s));
    s->clouds.d = nn_net_layers(context->original, &layers)[layers - 1].features;
    if (!unlearn_surrogates_made(p->surrogates.s))
        BASE_TRY(unlearn_surrogates_alike(context, p->surrogates.s, &s->set));
    BASE_TRY(unlearn_sides_open(context, retained(p), p->steps.forget_samples, &sides));
    const bool by_answer = p->statistics == OF_SURROGATES;
    if (by_answer)
        BASE_TRY(surrogates(context, p, s->set, &sides.forget, &shown));
    else
        BASE_TRY(unlearn_images_open(context, &sides.retain, &shown));
    BASE_TRY(unlearn_images_open(context, &sides.forget, &forgotten));
    int64_t most = shown.n > forgotten.n ? shown.n : forgotten.n;
    BASE_TRY(BASE_ALLOC(most * s->clouds.d, &features));
    BASE_TRY(BASE_ALLOC(shown.n, &labels));
    BASE_TRY(unlearn_clouds_look(&shown, s->clouds.d, features, labels));
    for (int64_t i = 0; !by_answer && i < shown.n; i++) labels[i] = data_view_label(&sides.retain, i);
    BASE_TRY(unlearn_clouds_make(context, &cloud, features, labels, shown.n, &s->clouds));
    BASE_TRY(unlearn_clouds_look(&forgotten, s->clouds.d, features, NULL));
    BASE_TRY(BASE_ALLOC(context->train.set->N, &s->nearest));
    BASE_TRY(unlearn_clouds_nearest(&cloud, &sides.forget, features, &s->clouds, s->nearest));
    s->passes = (double)(shown.n + forgotten.n);
    *state = s;
    s = NULL;
out:
    state_free(s);
    unlearn_sides_free(&sides);
    unlearn_images_close(&shown);
    unlearn_images_close(&forgotten);
    base_free(features);
    base_free(labels);
    return st;
}

/* ---- steps ---- */

/* The network with its features as further outputs, [K + d] of them, through an identity that does not move: so
 * losses may ask for gradients of both. */
typedef struct {
    const UnlearnContext *context;
    const Params *p;
    const State *state;
    int64_t K, d;
    NnNet *wide;
    uint8_t *mask; /* [parameters of wide] */
    UnlearnTeacher teacher;
    UnlearnImages surrogates;
    int64_t *order, at, round;          /* [surrogates] */
    float *x;                           /* [batch, pixels] */
    int32_t *y;                         /* [batch] 0: surrogates have no labels */
    float *v, *diff, *product, *logits; /* [d] each; [batch, K] */
    double passes;
} Pulling;

static void pulling_close(Pulling *a)
{
    nn_net_free(a->wide);
    unlearn_teacher_free(&a->teacher);
    base_free(a->mask);
    unlearn_images_close(&a->surrogates);
    base_free(a->order);
    base_free(a->x);
    base_free(a->y);
    base_free(a->v);
    base_free(a->diff);
    base_free(a->product);
    base_free(a->logits);
}

static BaseStatus pulling_open(const UnlearnContext *context, const Params *p, const State *state, const NnNet *net,
                               const DataView *forget, Pulling *a)
{
    BaseStatus st = BASE_OK;
    const int64_t K = nn_net_classes(net), d = state->clouds.d, batch = p->steps.batch_size;
    int layers;
    *a = (Pulling){.context = context, .p = p, .state = state, .K = K, .d = d};
    BASE_TRY(nn_net_widen(net, K + d, &a->wide));
    const NnSlice *slices = nn_net_param_slices(a->wide, &(int){0});
    const NnLayer *last = nn_net_layers(a->wide, &layers) + layers - 1;
    int64_t first = slices[last->weight].offset + K * d;
    BASE_TRY(BASE_ALLOC(nn_net_param_count(a->wide), &a->mask));
    memset(a->mask, 1, (size_t)nn_net_param_count(a->wide));
    memset(a->mask + first, 0, (size_t)(d * d));
    if (last->bias >= 0) memset(a->mask + slices[last->bias].offset + K, 0, (size_t)d);
    float *w = nn_net_edit_params(a->wide) + first;
    for (int64_t j = 0; j < d; j++) w[j * d + j] = 1;
    BASE_TRY(unlearn_teacher_create(context, context->original, batch, &a->teacher));
    BASE_TRY(surrogates(context, p, state->set, forget, &a->surrogates));
    const int64_t *s = a->surrogates.shape;
    BASE_TRY(BASE_ALLOC(a->surrogates.n, &a->order));
    BASE_TRY(BASE_ALLOC(batch * s[0] * s[1] * s[2], &a->x));
    BASE_TRY(BASE_ALLOC(batch, &a->y));
    BASE_TRY(BASE_ALLOC(d, &a->v));
    BASE_TRY(BASE_ALLOC(d, &a->diff));
    BASE_TRY(BASE_ALLOC(d, &a->product));
    BASE_TRY(BASE_ALLOC(batch * K, &a->logits));
    a->at = a->surrogates.n;
out:
    return st;
}

/* What the wide network has learnt, to @p net. */
static void hand_over(Pulling *a, NnNet *net)
{
    int count;
    const NnSlice *to = nn_net_param_slices(net, &count), *from = nn_net_param_slices(a->wide, &count);
    float *params = nn_net_edit_params(net);
    for (int i = 0; i < count; i++)
        memcpy(params + to[i].offset, nn_net_params(a->wide) + from[i].offset, (size_t)to[i].count * sizeof *params);
    memcpy(nn_net_edit_buffers(net), nn_net_buffers(a->wide), (size_t)nn_net_buffer_count(net) * sizeof *params);
    *nn_net_batches_tracked(net) = *nn_net_batches_tracked(a->wide);
}

/* dv = 2 w/n P (v - mu); du = (dv - v v^T dv) / ||u||; df = power |f|^(power - 1) du, where a root is steepest, at 0, taken
 * for 0: behind a ReLU nothing comes through there. */
static BaseStatus loss_pull(void *user, const DataBatch *batch, const float *logits, float *dlogits, double *value)
{
    BaseStatus st = BASE_OK;
    Pulling *a = user;
    const int64_t d = a->d, width = a->K + d;
    const double weight = a->p->weight_forget / (double)batch->n;
    *value = 0;
    memset(dlogits, 0, (size_t)(batch->n * width) * sizeof *dlogits);
    for (int64_t i = 0; i < batch->n; i++) {
        const float *f = logits + i * width + a->K;
        float *df = dlogits + i * width + a->K;
        double distance, norm = unlearn_clouds_direction(a->p->power, f, d, a->v);
        BASE_TRY(unlearn_clouds_distances(&a->state->clouds, a->state->nearest[batch->index[i]], 1, a->v, a->diff,
                                          a->product, &distance));
        *value += weight * distance;
        const double along = math_dot(a->v, a->product, d);
        for (int64_t j = 0; norm > 0 && j < d; j++) {
            const double size = fmax(fabs((double)f[j]), 1e-8),
                         slope = f[j] == 0 ? 0 : a->p->power * pow(size, a->p->power - 1);
            df[j] = (float)(2 * weight * slope * ((double)a->product[j] - along * (double)a->v[j]) / norm);
        }
    }
out:
    return st;
}

static double log_mass(const float *z, int64_t K, double temperature)
{
    double top = (double)z[0], sum = 0;
    for (int64_t k = 1; k < K; k++) top = fmax(top, (double)z[k]);
    for (int64_t k = 0; k < K; k++) sum += exp(((double)z[k] - top) / temperature);
    return top / temperature + log(sum);
}

/* Marks what the original takes for a forgotten class by NaN in its first logit; elsewhere these become the lowest. How many
 * stay. */
static int64_t forget_answers(const Pulling *a, int64_t n)
{
    const DataForget *forget = a->context->forget;
    int64_t kept = 0;
    float low = INFINITY;
    if (data_forget_by_image(forget)) return n;
    for (int64_t i = 0; i < n; i++) {
        float *t = a->logits + i * a->K;
        int64_t best = 0;
        for (int64_t k = 1; k < a->K; k++)
            if (t[k] > t[best]) best = k;
        const bool gone = best < forget->classes.K && forget->classes.in[best];
        for (int64_t k = 0; !gone && k < a->K; k++) low = fminf(low, t[k]);
        if (gone) t[0] = NAN;
        kept += !gone;
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; !isnan(a->logits[i * a->K]) && k < a->K && k < forget->classes.K; k++)
            if (forget->classes.in[k]) a->logits[i * a->K + k] = low;
    return kept;
}

static BaseStatus loss_keep(void *user, const DataBatch *batch, const float *logits, float *dlogits, double *value)
{
    BaseStatus st = BASE_OK;
    Pulling *a = user;
    const int64_t K = a->K, width = K + a->d;
    *value = 0;
    memset(dlogits, 0, (size_t)(batch->n * width) * sizeof *dlogits);
    BASE_TRY(nn_engine_forward(a->teacher.engine, batch->x, batch->n, 0, a->logits));
    a->passes += (double)batch->n;
    const int64_t kept = forget_answers(a, batch->n);
    const double weight = a->p->weight_keep / (double)(kept ? kept : 1);
    for (int64_t i = 0; i < batch->n; i++) {
        const float *z = logits + i * width, *t = a->logits + i * K;
        if (isnan(t[0])) continue;
        const double of_z = log_mass(z, K, 1), of_t = log_mass(t, K, a->p->temperature);
        for (int64_t k = 0; k < K; k++) {
            const double log_s = (double)z[k] - of_z, log_q = (double)t[k] / a->p->temperature - of_t;
            *value += weight * exp(log_q) * (log_q - log_s);
            dlogits[i * width + k] = (float)(weight * (exp(log_s) - exp(log_q)));
        }
    }
out:
    return st;
}

/* The next surrogates, in an order drawn anew for each round. */
static BaseStatus next_surrogates(Pulling *a, DataBatch *out)
{
    BaseStatus st = BASE_OK;
    const int64_t *s = a->surrogates.shape, n = a->surrogates.n,
                  size = n < a->p->steps.batch_size ? n : a->p->steps.batch_size;
    if (a->at + size > n) {
        BaseRandom random = base_random_make(a->context->seed, "scar_order", (uint64_t)a->round++);
        for (int64_t i = 0; i < n; i++) a->order[i] = i;
        base_random_shuffle(&random, a->order, n);
        a->at = 0;
    }
    *out = (DataBatch){.x = a->x, .y = a->y, .index = a->order + a->at, .n = size};
    for (int64_t i = 0; i < size; i++)
        BASE_TRY(unlearn_images_get(&a->surrogates, out->index[i], a->x + i * s[0] * s[1] * s[2]));
    a->at += size;
out:
    return st;
}

static BaseStatus epoch(UnlearnTraining *t, Pulling *a, NnNet *net, int64_t number, bool *gone)
{
    BaseStatus st = BASE_OK;
    const UnlearnLoss pull = {.own = loss_pull, .user = a}, keep = {.own = loss_keep, .user = a};
    const UnlearnUpdate update = {.lr = a->p->steps.lr};
    BASE_TRY(data_loader_start(t->forget, number));
    for (int64_t b = 0; b < data_loader_batches(t->forget); b++) {
        DataBatch forget, surrogates;
        BASE_TRY(data_loader_next(t->forget, &forget));
        if (forget.n == 1 && b > 0) break; /* a batch norm has no variance to divide by */
        for (int64_t i = 0; i < a->p->surrogate_steps; i++) {
            if (number >= a->p->least_epochs && t->watch) {
                hand_over(a, net);
                BASE_TRY(unlearn_watch_done(t->watch, gone));
                if (*gone) goto out;
            }
            BASE_TRY(next_surrogates(a, &surrogates));
            BASE_TRY(unlearn_learner_add(t->learner, &forget, &pull));
            BASE_TRY(unlearn_learner_add(t->learner, &surrogates, &keep));
            BASE_TRY(unlearn_learner_update(t->learner, &update));
        }
    }
out:
    return st;
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    const State *s = state;
    UnlearnTraining t = {0};
    Pulling a = {0};
    bool gone = false;
    BASE_TRY(unlearn_sides_open(context, retained(p), p->steps.forget_samples, &t.sides));
    BASE_TRY(pulling_open(context, p, s, net, &t.sides.forget, &a));
    BASE_TRY(unlearn_loader(context, net, &p->steps, &t.sides.forget, p->steps.batch_size, &t.forget));
    const UnlearnLearnerConfig config = {
        .label = "scar",
        .batch = p->steps.batch_size,
        .mask = a.mask,
        .total = (double)(p->steps.epochs * p->surrogate_steps *
                          (t.sides.forget.n + data_loader_batches(t.forget) * p->steps.batch_size))};
    BASE_TRY(unlearn_learner_create(context, a.wide, &p->steps, &config, &t.learner));
    BASE_TRY(unlearn_watch_create(context, net, &t.sides.forget, p->steps.stop, &t.watch));
    for (int64_t e = 0; e < p->steps.epochs && !gone; e++) BASE_TRY(epoch(&t, &a, net, e, &gone));
    hand_over(&a, net);
    t.passes = s->passes + a.passes;
    unlearn_training_report(&t, report);
out:
    unlearn_training_close(&t);
    pulling_close(&a);
    return st;
}

static BaseStatus check(const UnlearnContext *context, const void *values)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    char *name = NULL;
    const BaseEntry *entry;
    BASE_TRY(unlearn_steps_check(context, values));
    BASE_CHECK(nn_net_ends_linear(context->original), BASE_EUSAGE,
               "the logits are not outputs of a linear classifier but made of them: no features come into it that "
               "could be pulled anywhere");
    if (unlearn_surrogates_made(p->surrogates.s)) goto out;
    BASE_TRY(base_format(&name, "%.*s", (int)strcspn(p->surrogates.s, ":"), p->surrogates.s));
    if (base_registry_find(&data_registry, name, &entry) != BASE_OK)
        st = base_error_set(BASE_EUSAGE, "surrogates: noise, mixtures or a data set is needed, not '%s'",
                            p->surrogates.s);
out:
    base_free(name);
    return st;
}

/* The images of a data set. */
static BaseStatus identify(const UnlearnContext *context, const void *values, BaseText *out)
{
    const Params *p = values;
    DataSet *set = NULL;
    if (unlearn_surrogates_made(p->surrogates.s)) return BASE_OK;
    BaseStatus st = unlearn_surrogates_open(context, p->surrogates.s, NULL, &set);
    if (st == BASE_OK) base_text_add(out, "surrogates: %s\n", set->hash);
    data_set_free(set);
    return st == BASE_OK ? out->st : st;
}

const UnlearnMethod unlearn_scar = {
    .entry = BASE_ENTRY("scar", "pulls the forgotten images to other classes and keeps the rest by foreign images",
                        "Bonato et al. 2024, SCAR", Params, PARAMS),
    .needs = UNLEARN_NEEDS_RETAIN | UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT,
    .tunable = TUNABLE,
    .prepare = prepare,
    .apply = apply,
    .release = state_free,
    .check = check,
    .identify = identify,
};
