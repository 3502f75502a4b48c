/* experiment/attacks.c - draws the points of each role, copies their logits, and records what every attack finds. */
#include "experiment/attacks.h"

#include <stdio.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "experiment/record.h"
#include "session/params.h"

typedef struct {
    MiaInput input; /* views the three below */
    double *logits;
    int32_t *labels;
    uint8_t *role;
} Points;

static void points_free(Points *points)
{
    base_free(points->logits);
    base_free(points->labels);
    base_free(points->role);
    *points = (Points){0};
}

typedef struct {
    const EvalPredictions *train, *test;
    const DataForget *forget;
} Source;

static const EvalPredictions *side(const Source *source, MiaSet set)
{
    return set == MIA_SET_RETAIN_TRAIN || set == MIA_SET_FORGET_TRAIN ? source->train : source->test;
}

static bool is_in(const Source *source, MiaSet set, const EvalPredictions *p, int64_t i)
{
    return experiment_in_set(p, source->forget, set == MIA_SET_FORGET_TRAIN || set == MIA_SET_FORGET_TEST, i);
}

static int64_t size_of(const Source *source, MiaSet set)
{
    int64_t n = 0;
    if (set == MIA_SET_NONE) return 0;
    const EvalPredictions *p = side(source, set);
    for (int64_t i = 0; i < p->n; i++) n += is_in(source, set, p, i);
    return n;
}

/* @p most of a set's images take their role, each subset equally likely (Knuth 3.4.2 S): the first ones would be of one
 * class where a file is sorted by class. */
static void add_role(const Source *source, MiaSet set, MiaRole role, int64_t most, uint64_t seed, Points *points)
{
    if (set == MIA_SET_NONE) return;
    const EvalPredictions *p = side(source, set);
    BaseRandom random = base_random_make(seed, "attack_points", role);
    int64_t left = size_of(source, set);
    for (int64_t i = 0; i < p->n && most > 0; i++) {
        if (!is_in(source, set, p, i)) continue;
        if ((int64_t)base_random_below(&random, (uint64_t)left--) >= most) continue;
        int64_t at = points->input.N++;
        for (int64_t k = 0; k < p->K; k++) points->logits[at * p->K + k] = (double)p->logits[i * p->K + k];
        points->labels[at] = p->labels[i];
        points->role[at] = (uint8_t)role;
        most--;
    }
}

static BaseStatus gather(const MiaWiring *wiring, const Source *source, uint64_t seed, Points *points)
{
    BaseStatus st = BASE_OK;
    int64_t K = source->train->K, members = size_of(source, wiring->member),
            others = size_of(source, wiring->nonmember), audited = size_of(source, wiring->audited);
    *points = (Points){0};
    if (wiring->balance && members > others) members = others;
    int64_t n = members + others + audited;
    BASE_TRY(BASE_ALLOC_RAW(n * K, &points->logits));
    BASE_TRY(BASE_ALLOC_RAW(n, &points->labels));
    BASE_TRY(BASE_ALLOC_RAW(n, &points->role));
    add_role(source, wiring->member, MIA_MEMBER, members, seed, points);
    add_role(source, wiring->nonmember, MIA_NONMEMBER, others, seed, points);
    add_role(source, wiring->audited, MIA_AUDITED, audited, seed, points);
    points->input.K = K;
    points->input.logits = points->logits;
    points->input.labels = points->labels;
    points->input.role = points->role;
    points->input.seed = seed;
out:
    return st; /* the caller frees, on failure too */
}

static void set_estimate(StoreRun *run, const char *group, const char *name, double value, double lo, double hi)
{
    char key[80];
    store_run_set_f64(run, group, name, value);
    snprintf(key, sizeof key, "%s_lo", name);
    store_run_set_f64(run, group, key, lo);
    snprintf(key, sizeof key, "%s_hi", name);
    store_run_set_f64(run, group, key, hi);
}

static void record_identity(const ExperimentAttack *attack, const char *group, const char *weights_hash, StoreRun *run)
{
    BaseText params = {0};
    const BaseEntry *entry = &attack->attack->entry;
    session_params_text(entry->params, entry->param_count, attack->params, &params);
    store_run_set_text(run, group, "attack", entry->name);
    store_run_set_text(run, group, "label", attack->label);
    store_run_set_text(run, group, "wiring", attack->wiring->name);
    store_run_set_text(run, group, "question", attack->wiring->question);
    store_run_set_text_of(run, group, "params", &params);
    store_run_set_text(run, group, "weights_hash", weights_hash);
    store_run_set_i64(run, group, "headline", attack->attack->headline && attack->wiring->headline);
    base_text_free(&params);
}

static void record_result(const MiaResult *r, const Points *points, const char *group, StoreRun *run)
{
    int64_t n = points->input.N, audited = 0;
    char name[64];
    for (int64_t i = 0; i < n; i++) audited += points->role[i] == MIA_AUDITED;
    set_estimate(run, group, "auc", r->auc.value, r->auc.lo, r->auc.hi);
    set_estimate(run, group, "efficacy", r->efficacy.value, r->efficacy.lo, r->efficacy.hi);
    set_estimate(run, group, "member_share", r->member_share.value, r->member_share.lo, r->member_share.hi);
    store_run_set_f64(run, group, "balanced_accuracy", r->balanced_accuracy);
    const MathEstimate *held = &r->holdout.balanced;
    set_estimate(run, group, "balanced_accuracy_holdout", held->value, held->lo, held->hi);
    store_run_set_f64(run, group, "threshold", r->threshold);
    store_run_set_i64(run, group, "own_threshold", r->own_threshold);
    store_run_set_i64(run, group, "fitted", (int64_t)r->fitted);
    store_run_set_f64(run, group, "epsilon_lower", r->epsilon.epsilon);
    store_run_set_f64(run, group, "epsilon_largest", r->epsilon.largest);
    for (int i = 0; i < r->number_count; i++) {
        const MathEstimate *e = &r->numbers[i].value;
        snprintf(name, sizeof name, "number_%s", r->numbers[i].name);
        set_estimate(run, group, name, e->value, e->lo, e->hi);
    }
    for (int i = 0; i < MIA_FPRS; i++) {
        snprintf(name, sizeof name, "tpr_%g", mia_fprs[i]);
        set_estimate(run, group, name, r->tpr[i].value, r->tpr[i].lo, r->tpr[i].hi);
    }
    store_run_set_i64(run, group, "P", r->auc.P);
    store_run_set_i64(run, group, "N", r->auc.N);
    store_run_set_i64(run, group, "audited", audited);
    store_run_set_text(run, group, "notes", r->notes);
    store_run_set_f64(run, group, "seconds", r->seconds);
    if (r->roc.count > 0) store_run_set_column(run, group, "fpr", STORE_F64, r->roc.count, r->roc.fpr);
    if (r->roc.count > 0) store_run_set_column(run, group, "tpr", STORE_F64, r->roc.count, r->roc.tpr);
    store_run_set_column(run, group, "score", STORE_F64, n, r->score);
    if (r->fold) store_run_set_column(run, group, "fold", STORE_I32, n, r->fold);
    store_run_set_column(run, group, "role", STORE_U8, n, points->role);
}

BaseStatus experiment_attacks(const ExperimentConfig *e, const EvalPredictions *train, const EvalPredictions *test,
                              const DataForget *forget, const char *weights_hash, uint64_t seed, StoreRun *run)
{
    BaseStatus st = BASE_OK;
    Points points = {0};
    MiaResult result = {0};
    Source source = {train, test, forget};
    for (size_t i = 0; i < e->attack_count; i++) {
        const ExperimentAttack *attack = &e->attacks[i];
        char group[192];
        snprintf(group, sizeof group, "/attacks/%s", attack->label);
        record_identity(attack, group, weights_hash, run);
        BASE_TRY(gather(attack->wiring, &source, seed, &points));
        st = mia_attack(attack->attack, &points.input, attack->params, &result);
        if (st == BASE_ENOMEM) goto out;
        if (st == BASE_OK) {
            record_result(&result, &points, group, run);
        } else {
            base_warning("attack %s left out: %s", attack->label, base_error_text());
            store_run_set_text(run, group, "failed", base_error_text());
            st = BASE_OK;
        }
        mia_result_free(&result);
        points_free(&points);
    }
out:
    mia_result_free(&result);
    points_free(&points);
    return st;
}
