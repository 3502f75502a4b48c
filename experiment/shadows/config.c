/* experiment/shadows/config.c - the key `shadows` of an experiment. */
#include "experiment/shadows/config.h"

#include <string.h>

#include "base/memory.h"

static const BaseParam TABLE[] = {
    BASE_PARAM_I64(ExperimentShadows, pairs, 16, 2, EXPERIMENT_HALVES_MAX,
                   "number of halves of the pool, even; each half gives an original and the networks made from it"),
    BASE_PARAM_I64(ExperimentShadows, pool, 0, 0, 1000000000, "images of the training split, stratified; 0: all"),
    BASE_PARAM_I64(ExperimentShadows, seed, 0, 0, 1000000000, "seed of the pool, the halves and the networks"),
    BASE_PARAM_I64(ExperimentShadows, retrained, 4, 0, 256,
                   "number of networks retrained on the target's half from other seeds, with which an audit compares"),
};

static ExperimentMethod *find_method(const ExperimentConfig *e, const char *label)
{
    for (size_t i = 0; i < e->method_count; i++)
        if (strcmp(e->methods[i].label, label) == 0) return &e->methods[i];
    return NULL;
}

/* `methods`: labels of the experiment's own methods. */
static BaseStatus read_methods(const BaseYaml *node, ExperimentConfig *e)
{
    BaseStatus st = BASE_OK;
    size_t count = node->kind == BASE_YAML_LIST ? node->count : 1;
    BASE_CHECK(node->kind != BASE_YAML_MAP && count > 0, BASE_EUSAGE,
               "%s: shadows: methods: must be a list of labels of the experiment's methods", node->where);
    for (size_t i = 0; i < count; i++) {
        const BaseYaml *item = node->kind == BASE_YAML_LIST ? node->items[i] : node;
        BASE_CHECK(item->kind == BASE_YAML_SCALAR, BASE_EUSAGE, "%s: shadows: methods: must be labels", item->where);
        ExperimentMethod *m = find_method(e, item->text);
        BASE_CHECK(m, BASE_EUSAGE, "%s: shadows: methods: '%.100s': no method of this experiment has that label",
                   item->where, item->text);
        BASE_CHECK(m != experiment_config_reference(e), BASE_EUSAGE,
                   "%s: shadows: methods: '%.100s' is the reference, of which every shadow has a network anyway",
                   item->where, item->text);
        BASE_CHECK(m->axis_count == 0, BASE_EUSAGE,
                   "%s: shadows: methods: '%.100s' has a search (%s): every shadow is unlearned with the same "
                   "parameters, so give them with 'set'",
                   item->where, item->text, m->where);
        BASE_CHECK(!(m->method->needs & UNLEARN_ELSEWHERE), BASE_EUSAGE,
                   "%s: shadows: methods: '%.100s' gives the same network for every shadow: its program can be a row "
                   "'command'",
                   item->where, item->text);
        m->shadows = true;
    }
out:
    return st;
}

/* Every method that could be under audit. */
static void mark_all(ExperimentConfig *e)
{
    for (ExperimentMethod *m = e->methods; m < e->methods + e->method_count; m++)
        m->shadows = m->axis_count == 0 && m != experiment_config_reference(e) &&
                     !(m->method->needs & (UNLEARN_CONTROL | UNLEARN_ELSEWHERE));
}

BaseStatus experiment_shadow_config_read(const BaseYaml *node, ExperimentConfig *e)
{
    static const char *const KEYS[] = {"pairs", "pool", "seed", "retrained", "methods"};
    BaseStatus st = BASE_OK;
    if (!node) return BASE_OK;
    BASE_CHECK(node->kind == BASE_YAML_MAP, BASE_EUSAGE, "%s: shadows: must be a map (key: value)", node->where);
    BASE_TRY(base_yaml_only(node, "shadows", KEYS, BASE_COUNT(KEYS)));
    base_param_defaults(TABLE, BASE_COUNT(TABLE), &e->shadows);
    for (size_t i = 0; i < node->count; i++) {
        const BaseYaml *item = node->items[i];
        if (strcmp(item->key, "methods") == 0) continue;
        BASE_CHECK(item->kind == BASE_YAML_SCALAR, BASE_EUSAGE, "%s: shadows: %s: must be one value", item->where,
                   item->key);
        BASE_TRY(base_param_set(TABLE, BASE_COUNT(TABLE), &e->shadows, "shadows", item->key, item->text, item->where));
    }
    BASE_CHECK(e->shadows.pairs % 2 == 0, BASE_EUSAGE,
               "%s: shadows: pairs = %lld: must be even, so that each image is in exactly half of them", node->where,
               (long long)e->shadows.pairs);
    BASE_CHECK(experiment_config_reference(e), BASE_EUSAGE,
               "%s: shadows: every shadow has a retrained network: put 'retrain' among the methods, without a search",
               node->where);
    BASE_CHECK(!e->prepare.broken || strcmp(e->prepare.broken, "skip") != 0, BASE_EUSAGE,
               "%s: shadows: 'broken: skip' shifts the positions by which the halves name images: leave the broken "
               "images out with train_index",
               node->where);
    e->target = (ModelHalf){.pool = e->shadows.pool, .seed = e->shadows.seed, .number = MODEL_HALF_TARGET};
    const BaseYaml *methods = base_yaml_get(node, "methods");
    if (methods)
        BASE_TRY(read_methods(methods, e));
    else
        mark_all(e);
out:
    return st;
}
