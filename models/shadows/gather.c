/* models/shadows/gather.c - from a folder of shadow models to the arrays of an attack. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "data/prepare/prepare.h"
#include "models/shadows/shadows.h"
#include "nn/arch/arch.h"

/* The networks of one role, in the order of their pairs. */
typedef struct {
    const ModelShadow **model; /* [count] borrowed */
    int64_t count;
    double *logits;     /* [count, N, K] */
    double *population; /* [count, Z, K]; originals only */
    uint8_t *keep;      /* [count, N] */
    int64_t *pair;      /* [count] */
} Group;

static void group_free(Group *g)
{
    base_free(g->model);
    base_free(g->logits);
    base_free(g->population);
    base_free(g->keep);
    base_free(g->pair);
}

static int by_pair(const void *a, const void *b)
{
    const ModelShadow *x = *(const ModelShadow *const *)a, *y = *(const ModelShadow *const *)b;
    if (x->pair != y->pair) return x->pair < y->pair ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* ------------------------------------------------------------ which networks */

/* Whether the audit's training images that the network was to forget are those that the audit names. @p trained: where these
 * images are in the source. */
static bool same_images(const SessionData *data, const ModelPoint *trained, const ModelShadow *m,
                        const DataForget *forget)
{
    for (int64_t i = 0; i < data->train->N; i++) {
        bool listed = bsearch(&trained[i], m->listed, (size_t)m->listed_count, sizeof *trained, model_point_order);
        if (listed != data_forget_holds(forget, data->train->labels[i], i)) return false;
    }
    return true;
}

static BaseStatus same_set(const ModelShadowTask *t, const ModelPoint *trained, const ModelShadow *m, bool *same)
{
    DataForget own = {0};
    if (m->forget_index || data_forget_by_image(t->forget)) {
        *same = m->forget_index && data_forget_by_image(t->forget) && same_images(t->data, trained, m, t->forget);
        return BASE_OK;
    }
    BaseStatus st = data_forget_classes(t->data->train, m->forget, &own);
    if (st != BASE_OK) return base_error_prefix(st, "%s: forget", m->where);
    *same = data_forget_same(&own, t->forget);
    data_forget_free(&own);
    return BASE_OK;
}

static BaseStatus choose(const ModelShadowTask *t, ModelRole role, const ModelPoint *trained, Group *g)
{
    BaseStatus st = BASE_OK;
    const ModelShadows *s = t->shadows;
    BASE_TRY(BASE_ALLOC(s->count, &g->model));
    for (size_t i = 0; i < s->count; i++) {
        const ModelShadow *m = &s->model[i];
        bool wanted = m->role == role && (role == MODEL_ROLE_ORIGINAL || t->forget);
        if (wanted && role != MODEL_ROLE_ORIGINAL) BASE_TRY(same_set(t, trained, m, &wanted));
        if (!wanted || (role == MODEL_ROLE_UNLEARNED && t->method && strcmp(t->method, m->method) != 0)) continue;
        BASE_CHECK(role != MODEL_ROLE_UNLEARNED || g->count == 0 || strcmp(g->model[0]->method, m->method) == 0,
                   BASE_EUSAGE, "%s: unlearned with '%s', but '%s' was used too (%s): say which one is meant", m->where,
                   m->method, g->model[0]->method, g->model[0]->where);
        g->model[g->count++] = m;
    }
    qsort(g->model, (size_t)g->count, sizeof *g->model, by_pair);
out:
    return st;
}

/* ------------------------------------------------------------ which images */

/* Where @p points (of the audit's splits) are in the source: the coordinates that index files use. *out [n] owned. */
static BaseStatus find_sources(const ModelShadowTask *t, const ModelPoints *points, ModelPoint **out)
{
    BaseStatus st = BASE_OK;
    DataRequest request = {0};
    const DataOptions none = {0};
    BASE_TRY(data_request_read(t->options ? t->options : &none, &request));
    BASE_CHECK(!request.skip_broken, BASE_EUSAGE,
               "shadow models name images by position, and --broken skip shifts the positions: leave the broken images "
               "out with --train-index and --test-index");
    BASE_TRY(BASE_ALLOC_RAW(points->n, out));
    for (int64_t i = 0; i < points->n; i++) {
        const ModelPoint *p = &points->item[i];
        const DataPicks *picks = &request.picks[p->test ? DATA_TEST : DATA_TRAIN];
        (*out)[i] = *p;
        if (picks->file) (*out)[i].at = data_picks_at(picks, p->at, &(*out)[i].test);
    }
out:
    data_request_free(&request);
    return st;
}

/* An index file made for another data set names images that this one does not have. */
static BaseStatus check_range(const ModelShadowTask *t, const ModelShadow *m)
{
    for (int64_t i = 0; i < m->member_count; i++) {
        bool test = m->member[i].test;
        bool all = !t->options || !(test ? t->options->test_index : t->options->train_index);
        int64_t n = (test ? t->data->test : t->data->train)->N;
        if (all && m->member[i].at >= n)
            return base_error_set(BASE_EUSAGE, "%s: %s names image %lld of the %s split; %s has %lld there", m->where,
                                  m->members, (long long)m->member[i].at, test ? "test" : "training", t->data->spec,
                                  (long long)n);
    }
    return BASE_OK;
}

static void fill_keep(const ModelShadow *m, const ModelPoint *source, int64_t n, uint8_t *keep)
{
    for (int64_t i = 0; i < n; i++)
        keep[i] = bsearch(&source[i], m->member, (size_t)m->member_count, sizeof *m->member, model_point_order) != NULL;
}

/* ------------------------------------------------------------ logits */

static BaseStatus refuse_targets(const ModelShadowTask *t, const ModelShadow *m, const char *hash)
{
    for (size_t i = 0; i < t->target_count; i++)
        if (strcmp(t->targets[i], hash) == 0)
            return base_error_set(BASE_EARG,
                                  "%s: %s holds the weights of a network under audit: a network that is its own "
                                  "reference says nothing",
                                  m->where, m->file);
    return BASE_OK;
}

static BaseStatus take_logits(const ModelShadowTask *t, const ModelPoint *source, Group *g, int64_t row)
{
    BaseStatus st = BASE_OK;
    const ModelShadow *m = g->model[row];
    SessionModel model = {0};
    char hash[BASE_HASH_HEX];
    int64_t n = t->points->n, K = t->data->train->K;
    const char *role = model_role_names[m->role];
    ModelLogitsTask task = {t->data, t->points, t->queries, t->precision, t->tuning, t->cache};
    BASE_TRY(check_range(t, m));
    BASE_TRY(session_model_open(t->arch ? t->arch : t->shadows->arch, m->file, t->data, &model));
    BASE_TRY(nn_net_hash(model.net, hash));
    BASE_TRY(refuse_targets(t, m, hash));
    BASE_TRY(model_logits(&task, &model, role, g->logits + row * n * K, NULL));
    if (g->population) {
        task.points = t->population;
        BASE_TRY(model_logits(&task, &model, role, g->population + row * t->population->n * K, NULL));
    }
    fill_keep(m, source, n, g->keep + row * n);
    g->pair[row] = m->pair;
out:
    session_model_free(&model);
    return st;
}

/* Where all training images of the audit are in the source; nothing where no images are listed. */
static BaseStatus find_trained(const ModelShadowTask *t, ModelPoint **out)
{
    ModelPoints all = {0};
    if (!t->forget || !data_forget_by_image(t->forget)) return BASE_OK;
    BaseStatus st = model_points_add(&all, t->data, false, NULL, true, 0, 0);
    if (st == BASE_OK) st = find_sources(t, &all, out);
    model_points_free(&all);
    return st;
}

static BaseStatus gather_group(const ModelShadowTask *t, ModelRole role, const ModelPoint *source,
                               const ModelPoint *trained, Group *g)
{
    BaseStatus st = BASE_OK;
    int64_t n = t->points->n, K = t->data->train->K;
    BASE_TRY(choose(t, role, trained, g));
    if (g->count == 0) goto out;
    BASE_TRY(BASE_ALLOC_RAW(g->count * n * K, &g->logits));
    BASE_TRY(BASE_ALLOC_RAW(g->count * n, &g->keep));
    BASE_TRY(BASE_ALLOC_RAW(g->count, &g->pair));
    if (role == MODEL_ROLE_ORIGINAL && t->population)
        BASE_TRY(BASE_ALLOC_RAW(g->count * t->population->n * K, &g->population));
    for (int64_t row = 0; row < g->count; row++) BASE_TRY(take_logits(t, source, g, row));
out:
    return st;
}

/* ------------------------------------------------------------ all of it */

static BaseStatus check_fit(const ModelShadowTask *t)
{
    BaseStatus st = BASE_OK;
    const ModelShadows *s = t->shadows;
    BASE_CHECK(!t->arch || nn_arch_same(t->arch, s->arch), BASE_EUSAGE,
               "%s: the shadow models are %s, the network under audit is %s", s->path, s->arch, t->arch);
    BASE_CHECK(!*s->prep || strcmp(s->prep, t->data->prep) == 0, BASE_EUSAGE,
               "%s: the images of the shadow models were prepared with %s, those of %s with %s", s->path, s->prep,
               t->data->spec, t->data->prep);
    if (*s->data && strcmp(s->data, t->data->spec) != 0)
        base_warning("%s: the shadow models were trained on %s, the audit is on %s: positions must mean the same "
                     "images in both",
                     s->path, s->data, t->data->spec);
    if (s->precision != t->precision)
        base_notice("%s: the shadow models were trained in %s and are asked in %s", s->path,
                    nn_precision_name(s->precision), nn_precision_name(t->precision));
out:
    return st;
}

BaseStatus model_shadows_gather(const ModelShadowTask *t, ModelShadowArrays *out)
{
    BaseStatus st = BASE_OK;
    Group group[MODEL_ROLES] = {{0}};
    ModelPoint *source = NULL, *trained = NULL;
    double started = base_clock_wall();
    *out = (ModelShadowArrays){0};
    BASE_TRY(check_fit(t));
    BASE_TRY(find_sources(t, t->points, &source));
    BASE_TRY(find_trained(t, &trained));
    for (int role = 0; role < MODEL_ROLES; role++)
        BASE_TRY(gather_group(t, (ModelRole)role, source, trained, &group[role]));
    Group *o = &group[MODEL_ROLE_ORIGINAL], *u = &group[MODEL_ROLE_UNLEARNED], *r = &group[MODEL_ROLE_RETRAINED];
    out->S = o->count, out->U = u->count, out->R = r->count;
    out->shadow_logits = o->logits, out->shadow_keep = o->keep, out->shadow_pair = o->pair;
    out->shadow_population_logits = o->population;
    out->unlearned_logits = u->logits, out->unlearned_keep = u->keep, out->unlearned_pair = u->pair;
    out->retrained_logits = r->logits, out->retrained_pair = r->pair;
    o->logits = o->population = u->logits = r->logits = NULL;
    o->keep = u->keep = NULL;
    o->pair = u->pair = r->pair = NULL;
    out->seconds = base_clock_wall() - started;
out:
    for (int role = 0; role < MODEL_ROLES; role++) group_free(&group[role]);
    base_free(source);
    base_free(trained);
    return st;
}

void model_shadow_arrays_free(ModelShadowArrays *a)
{
    base_free(a->shadow_logits);
    base_free(a->shadow_keep);
    base_free(a->shadow_population_logits);
    base_free(a->unlearned_logits);
    base_free(a->unlearned_keep);
    base_free(a->retrained_logits);
    base_free(a->shadow_pair);
    base_free(a->unlearned_pair);
    base_free(a->retrained_pair);
    *a = (ModelShadowArrays){0};
}
