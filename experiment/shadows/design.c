/* experiment/shadows/design.c - halves drawn class by class in complementary pairs: each image trains half of the networks. */
#include "experiment/shadows/design.h"

#include <string.h>

#include "base/memory.h"
#include "base/random.h"

void experiment_design_free(ExperimentDesign *design)
{
    data_index_free(&design->pool);
    base_free(design->keep);
    base_free(design->target);
    *design = (ExperimentDesign){0};
}

/* Half of each class, rounded down and up in turn, so that the whole differs by one at most. */
static void draw_half(const DataSet *set, const DataIndex *pool, BaseRandom random, int64_t *place, uint8_t *in)
{
    bool up = false;
    memset(in, 0, (size_t)pool->n);
    for (int32_t k = 0; k < set->K; k++) {
        int64_t n = 0;
        for (int64_t i = 0; i < pool->n; i++)
            if (set->labels[pool->at[i]] == k) place[n++] = i;
        base_random_shuffle(&random, place, n);
        int64_t take = (n + up) / 2;
        if (n % 2) up = !up;
        for (int64_t i = 0; i < take; i++) in[place[i]] = 1;
    }
}

static BaseStatus draw_pool(const SessionData *data, const ExperimentShadows *config, DataIndex *pool)
{
    BaseStatus st = BASE_OK;
    const DataSet *set = data->train;
    DataIndex rest = {0};
    DataView all = data_view_all(set);
    int64_t *count = NULL;
    BASE_CHECK(config->pool <= set->N, BASE_EUSAGE, "shadows: pool = %lld: the training split of %s has %lld images",
               (long long)config->pool, data->spec, (long long)set->N);
    if (config->pool == 0 || config->pool == set->N)
        BASE_TRY(data_split(&all, 0, 0, pool, &rest));
    else
        BASE_TRY(data_split(&all, (double)config->pool / (double)set->N, (uint64_t)config->seed, &rest, pool));
    BASE_TRY(BASE_ALLOC(set->K, &count));
    for (int64_t i = 0; i < pool->n; i++) count[set->labels[pool->at[i]]]++;
    for (int64_t k = 0; k < set->K; k++)
        BASE_CHECK(count[k] >= 2, BASE_EUSAGE,
                   "shadows: the pool holds %lld images of class %lld (%s): halves need 2 or more", (long long)count[k],
                   (long long)k, set->class_names[k]);
out:
    base_free(count);
    data_index_free(&rest);
    return st;
}

BaseStatus experiment_design_make(const SessionData *data, const ExperimentShadows *config, ExperimentDesign *out)
{
    BaseStatus st = BASE_OK;
    int64_t *place = NULL;
    uint64_t seed = (uint64_t)config->seed;
    *out = (ExperimentDesign){.pairs = config->pairs};
    BASE_TRY(draw_pool(data, config, &out->pool));
    int64_t n = out->pool.n;
    BASE_TRY(BASE_ALLOC_RAW(n, &place));
    BASE_TRY(BASE_ALLOC(config->pairs * n, &out->keep));
    BASE_TRY(BASE_ALLOC(n, &out->target));
    for (int64_t j = 0; j + 1 < config->pairs; j += 2) {
        uint8_t *in = out->keep + j * n;
        draw_half(data->train, &out->pool, base_random_make(seed, "shadow_halves", (uint64_t)j / 2), place, in);
        for (int64_t i = 0; i < n; i++) in[n + i] = !in[i];
    }
    draw_half(data->train, &out->pool, base_random_make(seed, "target_half", 0), place, out->target);
out:
    base_free(place);
    if (st != BASE_OK) experiment_design_free(out);
    return st;
}

uint64_t experiment_design_seed(const ExperimentShadows *config, int64_t half)
{
    BaseRandom random = base_random_make((uint64_t)config->seed, "shadow_network", (uint64_t)half);
    return base_random_u64(&random) >> 1; /* stored as int64 */
}

/* Those of the training split that no network of the design is trained on. */
static BaseStatus outside(const ExperimentDesign *design, const DataSet *set, DataIndex *out)
{
    BaseStatus st = BASE_ALLOC_RAW(set->N - design->pool.n, &out->at);
    if (st != BASE_OK) return st;
    for (int64_t i = 0, next = 0; i < set->N; i++) {
        if (next < design->pool.n && design->pool.at[next] == i)
            next++;
        else
            out->at[out->n++] = i;
    }
    return BASE_OK;
}

static BaseStatus hold_out(const ExperimentDesign *design, const DataSet *set, double wanted, uint64_t seed,
                           DataIndex *held)
{
    BaseStatus st = BASE_OK;
    DataIndex rest = {0}, unused = {0};
    BASE_TRY(outside(design, set, &rest));
    BASE_CHECK(wanted < (double)rest.n, BASE_EUSAGE,
               "shadows: validation asks for %.0f images outside the pool of %lld, where there are only %lld: make the "
               "pool smaller, or set validation to 0",
               wanted, (long long)design->pool.n, (long long)rest.n);
    DataView view = data_view_of(set, &rest);
    BASE_TRY(data_split(&view, wanted / (double)rest.n, seed, &unused, held));
out:
    data_index_free(&unused);
    data_index_free(&rest);
    return st;
}

BaseStatus experiment_design_split(const ExperimentDesign *design, const SessionData *data, int64_t half,
                                   double fraction, uint64_t seed, SessionSplit *out)
{
    BaseStatus st = BASE_OK;
    bool target = half == MODEL_HALF_TARGET;
    const uint8_t *in = target ? design->target : design->keep + half * design->pool.n;
    *out = (SessionSplit){0};
    BASE_TRY(BASE_ALLOC_RAW(design->pool.n, &out->kept.at));
    for (int64_t i = 0; i < design->pool.n; i++)
        if (in[i]) out->kept.at[out->kept.n++] = design->pool.at[i];
    if (target && fraction > 0)
        BASE_TRY(hold_out(design, data->train, fraction * (double)out->kept.n, seed, &out->held));
    session_split_view(data, out);
out:
    if (st != BASE_OK) session_split_free(out);
    return st;
}
