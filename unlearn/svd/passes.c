/* unlearn/svd/passes.c - what each layer costs in memory, by the files that will take it, and groups of layers that fit. */
#include "unlearn/svd/passes.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/order.h"
#include "unlearn/svd/agree.h"
#include "unlearn/svd/collect.h"
#include "unlearn/svd/edit.h"

/* A sixteenth of the budget is left to what nobody counts: what primitives need while they run, stacks, fragments. */
enum { SIDES = 2, SPARE = 16 };

/* Of one layer, in bytes. */
typedef struct {
    int64_t spaces; /* of both sides, as many as there are at once */
    int64_t held;   /* windows, while one side is streamed */
    int64_t work;   /* for one layer at a time: factors, and its edit */
    int64_t kept;   /* between the points of a grid */
} Cost;

typedef struct {
    const UnlearnContext *context;
    const UnlearnSpaceParams *params;
    const uint8_t *selected;
    const NnLayer *layers;
    int count;
    UnlearnHolding holding;
    int64_t left;  /* of the budget, without what is spared */
    int64_t rough; /* a storage of the network estimated up to here is not asked for exactly */
    int64_t fixed; /* whatever the layers: the network's storage, the loader's */
    Cost *cost;    /* [count] */
} Plan;

void unlearn_passes_free(UnlearnPasses *passes)
{
    base_free(passes->of);
    *passes = (UnlearnPasses){0};
}

/* Sums of blocks that exist at once (stream_shared): one for each level of the tree, and the block that is being made. */
static int64_t sums_at_once(const UnlearnContext *context)
{
    int64_t sums = 1;
    for (int blocks = context->block_count; context->reduce && blocks > 1; blocks /= 2) sums++;
    return sums;
}

/* Adds one side: its spaces, and what its stream holds. */
static BaseStatus add_side(Plan *p, int64_t images, const char *name)
{
    BaseStatus st = BASE_OK;
    const UnlearnContext *c = p->context;
    const UnlearnRouteChoice route = unlearn_collect_route(p->params);
    const bool shared = c->reduce != NULL;
    UnlearnPatches *plans = NULL;
    uint8_t *bf16 = NULL;
    int64_t *held = NULL, fixed;
    BASE_TRY(BASE_ALLOC(p->count, &plans));
    BASE_TRY(BASE_ALLOC(p->count, &bf16));
    BASE_TRY(BASE_ALLOC(p->count, &held));
    BASE_TRY(unlearn_collect_plans(c, p->params, p->selected, images, name, plans));
    for (int i = 0; i < p->count; i++) {
        const NnLayer *l = p->layers + i;
        bool narrow;
        if (!p->selected[i]) continue;
        int64_t f = l->features, bytes = l->groups * unlearn_space_bytes(plans[i].rows, f, route, shared, &narrow);
        bf16[i] = narrow && c->precision == NN_BF16;
        p->cost[i].spaces += sums_at_once(c) * bytes;
        p->cost[i].work = base_larger(p->cost[i].work, unlearn_space_work_bytes(plans[i].rows, f, route, shared) +
                                                           unlearn_edit_work_bytes(l->K / l->groups, f));
        p->cost[i].kept += l->groups * (unlearn_edit_kept_bytes(l->K / l->groups, f) / SIDES + bytes / l->groups);
    }
    const UnlearnInputs inputs = {.net = c->original,
                                  .selected = p->selected,
                                  .bf16 = bf16,
                                  .plans = plans,
                                  .precision = c->precision,
                                  .holding = p->holding};
    if (shared) images = (images + UNLEARN_BLOCKS - 1) / UNLEARN_BLOCKS;
    BASE_TRY(unlearn_inputs_sizes(&inputs, images, p->rough, held, &fixed));
    p->fixed = base_larger(p->fixed, fixed);
    for (int i = 0; i < p->count; i++) p->cost[i].held = base_larger(p->cost[i].held, held[i]);
out:
    unlearn_collect_plans_free(plans, p->count);
    base_free(bf16);
    base_free(held);
    return st;
}

static BaseStatus add_sides(Plan *p, int64_t retain, int64_t forget)
{
    memset(p->cost, 0, (size_t)p->count * sizeof *p->cost);
    p->fixed = 0;
    BaseStatus st = add_side(p, retain, "retain");
    return st == BASE_OK ? add_side(p, forget, "forget") : st;
}

/* What a pass holds at most: streams and spaces, then spaces and the work on one layer. */
static int64_t need_of(const Plan *p, const Cost *all)
{
    return all->spaces + base_larger(p->fixed + all->held, all->work);
}

static Cost together(const Cost *a, const Cost *b)
{
    return (Cost){a->spaces + b->spaces, a->held + b->held, base_larger(a->work, b->work), a->kept + b->kept};
}

/* The layer that needs most; -1: none is selected. */
static int largest(const Plan *p)
{
    int at = -1;
    for (int i = 0; i < p->count; i++)
        if (p->selected[i] && (at < 0 || need_of(p, &p->cost[i]) > need_of(p, &p->cost[at]))) at = i;
    return at;
}

static bool fits_one_by_one(const Plan *p)
{
    const int most = largest(p);
    return most < 0 || need_of(p, &p->cost[most]) <= p->left;
}

BaseStatus unlearn_passes_refuse(const char *what, int64_t need, int64_t held)
{
    const int64_t enough = held + need; /* with the spare part, and a fiftieth more, as no two runs hold the same */
    return base_error_set(
        BASE_ELIMIT,
        "%s needs %lld MiB beside the %lld MiB that the process holds already, more than the budget of %lld MiB: "
        "--memory %lldM would do",
        what, (long long)(need >> 20), (long long)(held >> 20), (long long)(base_memory_budget() >> 20),
        (long long)((enough + enough / (SPARE - 1) + enough / 50) >> 20) + 1);
}

static BaseStatus refuse(const Plan *p, int layer)
{
    const int64_t budget = base_memory_budget();
    char what[160];
    snprintf(what, sizeof what, "layer %s", p->layers[layer].name);
    return unlearn_passes_refuse(what, need_of(p, &p->cost[layer]), budget - budget / SPARE - p->left);
}

/* @p starts [layers]: where a new pass begins. */
static BaseStatus cut(const Plan *p, double *starts)
{
    Cost all = {0};
    bool begun = false;
    if (!fits_one_by_one(p) && base_memory_budget_is_set()) return refuse(p, largest(p));
    for (int i = 0; i < p->count; i++) {
        if (!p->selected[i]) continue;
        Cost with = together(&all, &p->cost[i]);
        starts[i] = begun && need_of(p, &with) > p->left;
        all = starts[i] > 0 ? p->cost[i] : with;
        begun = true;
    }
    return BASE_OK;
}

/* All layers at once; a grid's points keep what they share. */
static Cost sum(const Plan *p)
{
    Cost all = {0};
    for (int i = 0; i < p->count; i++)
        if (p->selected[i]) all = together(&all, &p->cost[i]);
    return all;
}

static void tell(const Plan *p, int passes)
{
    const Cost all = sum(p);
    base_notice(
        "memory: the spaces of all layers take %lld MiB, with what the network needs %lld MiB, and %lld MiB of the "
        "budget are left (--memory): the images go through the network %d times, for some of the layers each time",
        (long long)(all.spaces >> 20), (long long)(need_of(p, &all) >> 20), (long long)(p->left >> 20), passes);
}

/* This process's own passes. @p starts [layers]. */
static BaseStatus plan_own(Plan *p, int64_t retain, int64_t forget, double *starts)
{
    BaseStatus st = BASE_OK;
    p->left = base_memory_budget_left();
    p->rough = p->left / 4;
    BASE_TRY(add_sides(p, retain, forget));
    const Cost all = sum(p);
    const int64_t spare = base_memory_budget() / SPARE;
    p->left = base_memory_make_room(need_of(p, &all) + spare) - spare;
    if (!fits_one_by_one(p)) { /* what is refused, and the budget that is named, must not hang on an estimate */
        p->rough = 0;
        BASE_TRY(add_sides(p, retain, forget));
    }
    BASE_TRY(cut(p, starts));
out:
    return st;
}

BaseStatus unlearn_passes_plan(const UnlearnContext *context, const UnlearnSpaceParams *params, const uint8_t *selected,
                               int64_t retain, int64_t forget, UnlearnPasses *out)
{
    BaseStatus st = BASE_OK;
    Plan p = {.context = context, .params = params, .selected = selected};
    double *starts = NULL;
    *out = (UnlearnPasses){.holding = unlearn_inputs_holding(context->original, selected)};
    p.holding = out->holding;
    p.layers = nn_net_layers(context->original, &p.count);
    st = BASE_ALLOC(p.count, &p.cost);
    if (st == BASE_OK) st = BASE_ALLOC(p.count, &starts);
    if (st == BASE_OK) st = BASE_ALLOC(p.count, &out->of);
    if (st == BASE_OK) st = plan_own(&p, retain, forget, starts);
    BASE_TRY(unlearn_agree(context, st));
    const Cost all = sum(&p);
    if (context->reduce) BASE_TRY(context->reduce(context->user, starts, p.count, true)); /* where any process cuts */
    for (int i = 0, begun = 0; i < p.count; i++) {
        out->of[i] = -1;
        if (!selected[i]) continue;
        out->count += !begun || starts[i] > 0;
        out->of[i] = out->count - 1;
        begun = 1;
    }
    out->keeps = out->count <= 1 && need_of(&p, &all) + all.kept <= p.left;
    if (out->count > 1) tell(&p, out->count);
out:
    if (st != BASE_OK) unlearn_passes_free(out);
    base_free(p.cost);
    base_free(starts);
    return st;
}
