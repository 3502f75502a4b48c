/* experiment/read.c - one reader per key, found by table; whatever has no reader is unknown, with the nearest name. */
#include "experiment/read.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "experiment/each.h"
#include "experiment/extend.h"
#include "experiment/forget.h"
#include "experiment/paths.h"
#include "experiment/shadows/config.h"
#include "nn/arch/arch.h"
#include "nn/tuning.h"
#include "session/hub.h"
#include "session/params.h"
#include "unlearn/stored/stored.h"

/* Scalars of the top level that a parameter table can read; the rest have readers below. */
typedef struct {
    BaseParamText name, title, data, arch, tuning;
#define X(field, flag, value, def, help) BaseParamText field;
    DATA_OPTION_LIST(X)
#undef X
    int64_t precision, cache, unlearn_seeds;
    double validation;
} Top;
static const char *const PRECISIONS[] = {"f32", "bf16", NULL}, *const CACHES[] = {"trained", "references", NULL};
static const BaseParam TOP[] = {
    BASE_PARAM_TEXT(Top, name, "", "name of the folder below the results directory"),
    BASE_PARAM_TEXT(Top, title, "", "title of the report, one line"),
    BASE_PARAM_TEXT(Top, data, "", "data set: name[:path]"),
    BASE_PARAM_TEXT(Top, arch, "", "architecture"),
    BASE_PARAM_TEXT(Top, tuning, "", "tuning table from `expunge bench --tune`; empty: the program's own rules"),
#define X(field, flag, value, def, help) BASE_PARAM_TEXT(Top, field, "", help),
    DATA_OPTION_LIST(X)
#undef X
        BASE_PARAM_CHOICE(Top, precision, 0, PRECISIONS, "arithmetic of training and inference"),
    BASE_PARAM_F64(Top, validation, 0.1, 0, 0.9, "share of the training images that is held out from every model"),
    BASE_PARAM_CHOICE(Top, cache, 0, CACHES, "which networks are kept as files"),
    BASE_PARAM_I64(Top, unlearn_seeds, 1, 1, 1000,
                   "number of unlearnings of each trained network, each with draws of its own"),
};
/* The other keys. */
static const char *const READ[] = {"extends", "seeds", "train",    "forget",  "methods",  "attacks",   "search",
                                   "relearn", "probe", "saliency", "shadows", "original", "retrained", "confusion"};

static BaseStatus check_keys(const BaseYaml *root)
{
    const char *keys[BASE_COUNT(TOP) + BASE_COUNT(READ)];
    for (size_t i = 0; i < BASE_COUNT(TOP); i++) keys[i] = TOP[i].name;
    memcpy(keys + BASE_COUNT(TOP), READ, sizeof READ);
    return base_yaml_only(root, "the config", keys, BASE_COUNT(keys));
}

static BaseStatus need_kind(const BaseYaml *node, BaseYamlKind kind, const char *what)
{
    static const char *const NAMES[] = {"one value", "a list", "a map (key: value)"};
    /* "attacks:" with nothing after, each item commented out, is a list or map of nothing */
    if (node->kind == kind || (node->kind == BASE_YAML_SCALAR && !*node->text)) return BASE_OK;
    return base_error_set(BASE_EUSAGE, "%s: %s is %s: must be %s", node->where, what, NAMES[node->kind], NAMES[kind]);
}

/* Each key of a map through a parameter table. */
static BaseStatus read_params(const BaseYaml *map, const BaseParam *table, size_t count, void *values,
                              const char *owner)
{
    BaseStatus st = need_kind(map, BASE_YAML_MAP, owner);
    for (size_t i = 0; i < map->count && st == BASE_OK; i++)
        st = session_param_read(map->items[i], table, count, values, owner, map->items[i]->where);
    return st;
}

static BaseStatus read_name(const char *name, const char *where)
{
    bool good = *name && *name != '.' && strlen(name) < 128;
    for (const char *c = name; *c; c++) good = good && (isalnum((unsigned char)*c) || strchr("._-", *c));
    if (good) return BASE_OK;
    return base_error_set(
        BASE_EUSAGE, "%s: name = '%.100s': must be letters, digits, '.', '_' and '-' (it names a folder)", where, name);
}

static BaseStatus read_top(const BaseYaml *root, const char *path, ExperimentConfig *e)
{
    BaseStatus st = BASE_OK;
    Top *top = NULL;
    BASE_TRY(BASE_ALLOC(1, &top));
    e->top = top;
    base_param_defaults(TOP, BASE_COUNT(TOP), top);
    for (size_t i = 0; i < BASE_COUNT(TOP); i++) {
        const BaseYaml *node = base_yaml_get(root, TOP[i].name);
        if (!node) continue;
        bool numbers = strcmp(TOP[i].name, "mean") == 0 || strcmp(TOP[i].name, "std") == 0; /* may be lists */
        if (!numbers || node->kind == BASE_YAML_MAP) BASE_TRY(need_kind(node, BASE_YAML_SCALAR, TOP[i].name));
        BASE_TRY(session_param_read(node, TOP, BASE_COUNT(TOP), top, "the config", node->where));
    }
    static const char *const NEEDED[] = {"name", "data", "arch", "train", "forget", "methods"};
    for (size_t i = 0; i < BASE_COUNT(NEEDED); i++)
        BASE_CHECK(base_yaml_get(root, NEEDED[i]), BASE_EUSAGE,
                   "%s: no '%s': a config needs name, data, arch, train, forget and methods", path, NEEDED[i]);
    BASE_TRY(read_name(top->name.s, base_yaml_get(root, "name")->where));
    e->name = top->name.s;
    e->title = top->title.s;
    e->data = top->data.s;
    e->arch = top->arch.s;
#define X(field, flag, value, def, help)                                                                               \
    if (*top->field.s) e->prepare.field = top->field.s;
    DATA_OPTION_LIST(X)
#undef X
    if (strncmp(e->arch, NN_ARCH_GRAPH, strlen(NN_ARCH_GRAPH)) == 0) { /* from here on, the file as it is now */
        const NnArch *arch;
        BASE_TRY(experiment_paths_explain(
            root, base_error_prefix(nn_arch_find(e->arch, &arch), "%s: arch", base_yaml_get(root, "arch")->where)));
        e->arch = arch->entry.name;
        BASE_TRY(session_graph_open(e->arch, true, &e->prepare)); /* the config's own mean and std count */
    }
    e->validation = top->validation;
    e->unlearn_seeds = top->unlearn_seeds;
    e->cache = (ExperimentCache)top->cache;
    e->precision = nn_precision_available(top->precision ? NN_BF16 : NN_F32);
    if (*top->tuning.s)
        BASE_TRY(experiment_paths_explain(root, base_error_prefix(nn_tuning_read(top->tuning.s, &e->tuning),
                                                                  "%s: tuning", base_yaml_get(root, "tuning")->where)));
out:
    return st;
}

/* A list, or one value that stands for a list of one. */
static size_t list_count(const BaseYaml *node) { return node->kind == BASE_YAML_LIST ? node->count : 1; }
static const BaseYaml *list_item(const BaseYaml *node, size_t i)
{
    return node->kind == BASE_YAML_LIST ? node->items[i] : node;
}

static BaseStatus read_seeds(const BaseYaml *node, ExperimentConfig *e)
{
    BaseStatus st = BASE_OK;
    size_t count = node ? list_count(node) : 1;
    BASE_CHECK(count > 0, BASE_EUSAGE, "%s: seeds: the list is empty", node->where);
    BASE_TRY(BASE_ALLOC(count, &e->seeds));
    e->seed_count = count;
    for (size_t i = 0; node && i < count; i++) {
        const BaseYaml *item = list_item(node, i);
        BASE_TRY(need_kind(item, BASE_YAML_SCALAR, "a seed"));
        int64_t seed; /* stored as int64 with the results */
        BASE_CHECK(base_parse_i64(item->text, &seed) && seed >= 0, BASE_EUSAGE,
                   "%s: seeds: '%.100s': must be a whole number of at least 0", item->where, item->text);
        e->seeds[i] = (uint64_t)seed;
        for (size_t j = 0; j < i; j++)
            BASE_CHECK(e->seeds[j] != e->seeds[i], BASE_EUSAGE, "%s: seeds: %s is given twice", item->where,
                       item->text);
    }
out:
    return st;
}

static BaseStatus read_forget(const BaseYaml *node, ExperimentConfig *e)
{
    e->forget_all = node->kind == BASE_YAML_SCALAR && strcmp(node->text, "all") == 0;
    return e->forget_all ? BASE_OK : experiment_sets_read(node, &e->forget, &e->forget_count);
}

/* The budget of all searches: its table, and `forget`. */
static BaseStatus read_budget(const BaseYaml *node, ExperimentConfig *e)
{
    BaseStatus st = BASE_OK;
    base_param_defaults(experiment_budget_params, experiment_budget_param_count, &e->budget);
    if (!node) return BASE_OK;
    BASE_TRY(need_kind(node, BASE_YAML_MAP, "search"));
    for (size_t i = 0; i < node->count; i++) {
        const BaseYaml *item = node->items[i];
        if (strcmp(item->key, "forget") == 0) {
            BASE_TRY(experiment_sets_read(item, &e->search_forget, &e->search_forget_count));
            continue;
        }
        BASE_TRY(need_kind(item, BASE_YAML_SCALAR, item->key));
        BASE_TRY(base_param_set(experiment_budget_params, experiment_budget_param_count, &e->budget, "search",
                                item->key, item->text, item->where));
    }
    BASE_CHECK(e->budget.strategy == EXPERIMENT_SEARCH_GRID || e->budget.trials > 0, BASE_EUSAGE,
               "%s: search: %s search needs 'trials'", node->where,
               e->budget.strategy == EXPERIMENT_SEARCH_EQUAL ? "an equal" : "a random");
out:
    return st;
}

static bool is_tunable(const UnlearnMethod *method, const char *name)
{
    for (const char *const *t = method->tunable; t && *t; t++)
        if (strcmp(*t, name) == 0) return true;
    return false;
}

static BaseStatus read_axis(const BaseYaml *node, const ExperimentMethod *m, const char *owner, void *scratch,
                            ExperimentAxis *axis)
{
    BaseStatus st = BASE_OK;
    const BaseEntry *entry = &m->method->entry;
    axis->param = base_param_find(entry->params, entry->param_count, node->key);
    if (!axis->param) /* which it says */
        BASE_TRY(base_param_set(entry->params, entry->param_count, NULL, owner, node->key, "", node->where));
    BASE_TRY(need_kind(node, BASE_YAML_LIST, node->key));
    BASE_CHECK(node->count > 0, BASE_EUSAGE, "%s: search: %s: the list is empty", node->where, node->key);
    axis->tunable = is_tunable(m->method, node->key);
    BASE_TRY(BASE_ALLOC(node->count, &axis->values));
    axis->count = node->count;
    for (size_t i = 0; i < node->count; i++) {
        BASE_TRY(base_yaml_flow_text(node->items[i], &axis->values[i]));
        BASE_TRY(base_param_set(entry->params, entry->param_count, scratch, owner, node->key, axis->values[i],
                                node->items[i]->where));
    }
out:
    return st;
}

/* The value that the published recipe has of the axis is among those tried; of a method without presets its default is. */
static BaseStatus add_published(const BaseYaml *node, const ExperimentMethod *m, ExperimentAxis *axis)
{
    BaseStatus st = BASE_OK;
    const BaseEntry *entry = &m->method->entry;
    const BaseParam *preset = base_param_preset(entry->params, entry->param_count);
    void *params = NULL;
    BaseText want = {0}, have = {0};
    BASE_TRY(session_params_defaults(entry, &params));
    if (preset)
        BASE_TRY(base_param_set(entry->params, entry->param_count, params, entry->name, preset->name,
                                base_param_presets[BASE_PRESET_PUBLISHED], node->where));
    base_param_format(axis->param, params, &want);
    BASE_TRY(want.st);
    for (axis->published = 0; axis->published < axis->count; axis->published++) {
        BASE_TRY(base_param_set(entry->params, entry->param_count, params, entry->name, axis->param->name,
                                axis->values[axis->published], node->where));
        base_text_free(&have);
        base_param_format(axis->param, params, &have);
        BASE_TRY(have.st);
        if (strcmp(want.data, have.data) == 0) goto out;
    }
    BASE_TRY(BASE_GROW_BY_ONE(&axis->values, axis->count));
    BASE_TRY(base_text_take(&want, &axis->values[axis->count]));
    axis->count++;
out:
    base_text_free(&want);
    base_text_free(&have);
    base_free(params);
    return st;
}

static BaseStatus read_search(const BaseYaml *node, const char *owner, const ExperimentBudget *budget,
                              ExperimentMethod *m)
{
    BaseStatus st = BASE_OK;
    void *scratch = NULL;
    BASE_TRY(need_kind(node, BASE_YAML_MAP, "search"));
    BASE_TRY(session_params_defaults(&m->method->entry, &scratch));
    BASE_TRY(BASE_ALLOC(node->count, &m->axes));
    for (int tunable = 0; tunable < 2; tunable++) { /* what needs a new prepare() is the outer loop */
        for (size_t i = 0; i < node->count; i++) {
            if (is_tunable(m->method, node->items[i]->key) != tunable) continue;
            BASE_TRY(read_axis(node->items[i], m, owner, scratch, &m->axes[m->axis_count++]));
            if (budget->strategy == EXPERIMENT_SEARCH_EQUAL)
                BASE_TRY(add_published(node->items[i], m, &m->axes[m->axis_count - 1]));
        }
    }
    double points = 1;
    for (size_t i = 0; i < m->axis_count; i++) points *= (double)m->axes[i].count;
    bool drawn = budget->strategy != EXPERIMENT_SEARCH_GRID;
    BASE_CHECK(points <= (drawn ? 1e9 : 10000), BASE_ELIMIT, "%s: search: a grid of %.0f points: at most %d",
               node->where, points, drawn ? 1000000000 : 10000);
    BASE_CHECK(drawn || budget->trials == 0 || points <= (double)budget->trials, BASE_EUSAGE,
               "%s: search: a grid of %.0f points exceeds the budget of %lld trials: shorten the lists, or set "
               "search.strategy to random",
               node->where, points, (long long)budget->trials);
    BASE_CHECK(
        budget->strategy != EXPERIMENT_SEARCH_EQUAL || points >= (double)budget->trials, BASE_EUSAGE,
        "%s: search: a grid of %.0f points, published values among them, is less than the %lld evaluations that every "
        "method has: lengthen the lists",
        node->where, points, (long long)budget->trials);
    if (budget->epochs > 0) BASE_TRY(experiment_method_set_epochs(m, budget->epochs, scratch));
out:
    base_free(scratch);
    return st;
}

/* "svd", or {name: svd, label: .., <keys>}: the name's node and the label. */
static BaseStatus read_row(const BaseYaml *node, const char *what, const char *const *keys, size_t key_count,
                           const char **name, const char **label)
{
    BaseStatus st = BASE_OK;
    *name = *label = node->text;
    if (node->kind == BASE_YAML_SCALAR) return BASE_OK;
    BASE_TRY(need_kind(node, BASE_YAML_MAP, what));
    BASE_TRY(base_yaml_only(node, what, keys, key_count));
    const BaseYaml *n = base_yaml_get(node, "name"), *l = base_yaml_get(node, "label");
    BASE_CHECK(n, BASE_EUSAGE, "%s: %s without a 'name'", node->where, what);
    BASE_TRY(need_kind(n, BASE_YAML_SCALAR, "name"));
    if (l) BASE_TRY(need_kind(l, BASE_YAML_SCALAR, "label"));
    *name = n->text;
    *label = l ? l->text : n->text;
    BASE_CHECK(**label && strlen(*label) <= 100, BASE_EUSAGE, "%s: label: must be 1 to 100 bytes",
               l ? l->where : n->where);
out:
    return st;
}

/* Classes one after another: not for what starts from scratch, nor with a search, which judges a set at once. */
static BaseStatus read_turn(const BaseYaml *node, ExperimentMethod *m)
{
    BaseStatus st = BASE_OK;
    const BaseYaml *turn = base_yaml_get(node, "in_turn");
    if (!turn) return BASE_OK;
    BASE_TRY(need_kind(turn, BASE_YAML_SCALAR, "in_turn"));
    BASE_CHECK(base_parse_bool(turn->text, &m->in_turn), BASE_EUSAGE, "%s: in_turn = '%.40s': must be true or false",
               turn->where, turn->text);
    BASE_CHECK(!m->in_turn || (m->axis_count == 0 && strcmp(m->method->entry.name, "retrain") != 0), BASE_EUSAGE,
               "%s: in_turn: not with a search, which judges a set at once, or with retrain, which starts from scratch",
               turn->where);
    BASE_CHECK(!m->in_turn || !(m->method->needs & UNLEARN_ELSEWHERE), BASE_EUSAGE,
               "%s: in_turn: not with weights or logits that are there already", turn->where);
out:
    return st;
}

static const char *const METHOD_ROW[] = {"name", "label", "set", "search", "each", "in_turn"};

/* Parameters that stand in the row itself: {name: external, weights: mine.pt}. */
static BaseStatus read_own(const BaseYaml *node, const ExperimentMethod *m, const char *owner)
{
    BaseStatus st = BASE_OK;
    const BaseEntry *entry = &m->method->entry;
    static const char *const OTHERS[] = {"set", "search", "each"};
    for (size_t i = 0; node->kind == BASE_YAML_MAP && i < node->count; i++) {
        const BaseYaml *item = node->items[i];
        bool own = true;
        for (size_t k = 0; k < BASE_COUNT(METHOD_ROW); k++) own = own && strcmp(item->key, METHOD_ROW[k]) != 0;
        if (!own) continue;
        for (size_t k = 0; k < BASE_COUNT(OTHERS); k++) {
            const BaseYaml *other = base_yaml_get(node, OTHERS[k]);
            BASE_CHECK(!other || other->kind != BASE_YAML_MAP || !base_yaml_get(other, item->key), BASE_EUSAGE,
                       "%s: '%s' is in the row and in its '%s': keep it in one of them", item->where, item->key,
                       OTHERS[k]);
        }
        BASE_TRY(session_param_read(item, entry->params, entry->param_count, m->params, owner, item->where));
    }
out:
    return st;
}

/* The keys of a method's row: METHOD_ROW and its parameters. *keys owned. */
static BaseStatus row_keys(const BaseYaml *node, const char ***keys, size_t *count)
{
    BaseStatus st = BASE_OK;
    const BaseYaml *name = node->kind == BASE_YAML_MAP ? base_yaml_get(node, "name") : NULL;
    const BaseEntry *entry = NULL;
    if (name && name->kind == BASE_YAML_SCALAR && base_registry_find(&unlearn_registry, name->text, &entry) != BASE_OK)
        entry = NULL; /* which is said when the row is read */
    *count = BASE_COUNT(METHOD_ROW) + (entry ? entry->param_count : 0);
    BASE_TRY(BASE_ALLOC(*count, keys));
    for (size_t i = 0; i < *count; i++)
        (*keys)[i] = i < BASE_COUNT(METHOD_ROW) ? METHOD_ROW[i] : entry->params[i - BASE_COUNT(METHOD_ROW)].name;
out:
    return st;
}

/* Combination @p point of the row's `each`. */
static BaseStatus read_method(const BaseYaml *node, size_t point, ExperimentConfig *e, ExperimentMethod *m)
{
    BaseStatus st = BASE_OK;
    const char *name = NULL, *label = NULL, **keys = NULL;
    size_t key_count;
    char owner[160];
    BASE_TRY(row_keys(node, &keys, &key_count));
    BASE_TRY(read_row(node, "a method", keys, key_count, &name, &label));
    BASE_TRY(base_error_prefix(unlearn_find(name, &m->method), "%s", node->where));
    snprintf(owner, sizeof owner, "method %s", name);
    m->where = node->where;
    BASE_TRY(base_strdup(label, &m->label));
    BASE_TRY(session_params_defaults(&m->method->entry, &m->params));
    const BaseYaml *set = base_yaml_get(node, "set"), *search = base_yaml_get(node, "search");
    if (set) BASE_TRY(read_params(set, m->method->entry.params, m->method->entry.param_count, m->params, owner));
    BASE_TRY(read_own(node, m, owner));
    if (search) {
        BASE_CHECK(e->validation > 0, BASE_EUSAGE,
                   "%s: a search needs images the model has not seen: set validation above 0", search->where);
        BASE_TRY(read_search(search, owner, &e->budget, m));
        for (size_t i = 0; set && i < search->count; i++)
            BASE_CHECK(!base_yaml_get(set, search->items[i]->key), BASE_EUSAGE,
                       "%s: '%s' is in both set and search: keep it in one of them", search->items[i]->where,
                       search->items[i]->key);
    }
    if (node->kind == BASE_YAML_MAP) BASE_TRY(read_turn(node, m));
    BASE_TRY(experiment_each_apply(node, point, m));
    for (const ExperimentMethod *other = e->methods; other < m; other++)
        BASE_CHECK(strcmp(other->label, m->label) != 0, BASE_EUSAGE,
                   "%s: the label '%s' is used twice (%s): give one of them another 'label'", node->where, m->label,
                   other->where);
    BASE_CHECK(strcmp(m->label, "original") != 0, BASE_EUSAGE,
               "%s: the label 'original' belongs to the untouched model", node->where);
out:
    base_free(keys);
    return st;
}

static BaseStatus read_attack(const BaseYaml *node, ExperimentConfig *e, ExperimentAttack *a)
{
    static const char *const ROW[] = {"name", "label", "wiring", "set"};
    BaseStatus st = BASE_OK;
    const char *name = NULL, *label = NULL;
    char owner[160];
    BaseText full = {0};
    BASE_TRY(read_row(node, "an attack", ROW, BASE_COUNT(ROW), &name, &label));
    BASE_TRY(base_error_prefix(mia_find(name, &a->attack), "%s", node->where));
    const BaseYaml *wiring = base_yaml_get(node, "wiring");
    if (wiring) BASE_TRY(need_kind(wiring, BASE_YAML_SCALAR, "wiring"));
    BASE_TRY(base_error_prefix(mia_wiring_find(wiring ? wiring->text : "forget", &a->wiring), "%s", node->where));
    BASE_CHECK(a->attack->needs == 0, BASE_EUSAGE, "%s: attack %s needs models that `run` does not train", node->where,
               name);
    if (strcmp(label, name) == 0)
        base_text_add(&full, "%s %s", name, a->wiring->name);
    else
        base_text_add(&full, "%s", label);
    BASE_TRY(base_text_take(&full, &a->label));
    BASE_CHECK(!strchr(a->label, '/'), BASE_EUSAGE,
               "%s: label: '%s': must not contain '/' (it names a group of the result file)", node->where, a->label);
    BASE_TRY(session_params_defaults(&a->attack->entry, &a->params));
    snprintf(owner, sizeof owner, "attack %s", name);
    const BaseYaml *set = base_yaml_get(node, "set");
    if (set) BASE_TRY(read_params(set, a->attack->entry.params, a->attack->entry.param_count, a->params, owner));
    for (const ExperimentAttack *other = e->attacks; other < a; other++)
        BASE_CHECK(strcmp(other->label, a->label) != 0, BASE_EUSAGE,
                   "%s: the attack '%s' is used twice: give one of them another 'label'", node->where, a->label);
out:
    return st;
}

/* `probe: false`, or a map of its keys, which asks for it; the table's first row is `enabled`. */
static BaseStatus read_switch(const BaseYaml *node, const BaseParam *table, size_t count, void *values)
{
    base_param_defaults(table, count, values);
    if (!node) return BASE_OK;
    *(bool *)((char *)values + table->offset) = true;
    if (node->kind != BASE_YAML_SCALAR) return read_params(node, table, count, values, node->key);
    return base_param_set(table, count, values, node->key, table->name, node->text, node->where);
}

/* The text of `KEY: {weights: ..}`, owned; NULL where the key is not there. */
static BaseStatus read_weights(const BaseYaml *root, const char *key, const ExperimentConfig *e, char **out)
{
    static const char *const KEYS[] = {"weights"};
    BaseStatus st = BASE_OK;
    const BaseYaml *node = base_yaml_get(root, key);
    *out = NULL;
    if (!node) return BASE_OK;
    BASE_TRY(base_yaml_only(node, key, KEYS, BASE_COUNT(KEYS)));
    const BaseYaml *weights = base_yaml_get(node, "weights");
    BASE_CHECK(weights && weights->kind != BASE_YAML_MAP, BASE_EUSAGE,
               "%s: %s: has no 'weights': FILE, or a list of them", node->where, key);
    BASE_CHECK(e->shadows.pairs == 0, BASE_EUSAGE, "%s: %s: not with shadow models, which train all networks on halves",
               node->where, key);
    BASE_TRY(base_yaml_flow_text(weights, out));
out:
    return st;
}

static BaseStatus read_originals(const BaseYaml *root, ExperimentConfig *e)
{
    BaseStatus st = BASE_OK;
    char *text = NULL;
    BASE_TRY(read_weights(root, "original", e, &text));
    if (!text) goto out;
    BASE_TRY(BASE_ALLOC(e->seed_count, &e->originals));
    for (size_t i = 0; i < e->seed_count; i++) {
        const UnlearnContext context = {.seed = e->seeds[i], .number = (int64_t)i, .beside = e->beside};
        BASE_TRY(unlearn_stored_path(&context, "weights", text, &e->originals[i].path));
        BASE_TRY(base_hash_file(e->originals[i].path, e->originals[i].hash));
    }
out:
    base_free(text);
    return base_error_prefix(st, "original");
}

/* It is a parameter of the method that the others are compared with. */
static BaseStatus read_retrained(const BaseYaml *root, ExperimentConfig *e)
{
    BaseStatus st = BASE_OK;
    char *text = NULL;
    const ExperimentMethod *reference = experiment_config_reference(e);
    BASE_TRY(read_weights(root, "retrained", e, &text));
    if (!text) goto out;
    const BaseEntry *entry = reference ? &reference->method->entry : NULL;
    BASE_CHECK(entry, BASE_EUSAGE, "%s: retrained: the methods have no 'retrain', whose networks these are",
               base_yaml_get(root, "retrained")->where);
    BASE_TRY(base_param_set(entry->params, entry->param_count, reference->params, "retrained", "weights", text,
                            base_yaml_get(root, "retrained")->where));
out:
    base_free(text);
    return st;
}

static BaseStatus read_tree(const BaseYaml *root, const char *path, ExperimentConfig *e)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(need_kind(root, BASE_YAML_MAP, "the config"));
    BASE_TRY(check_keys(root));
    BASE_TRY(read_top(root, path, e));
    BASE_TRY(read_seeds(base_yaml_get(root, "seeds"), e));
    BASE_TRY(read_forget(base_yaml_get(root, "forget"), e));
    base_param_defaults(nn_train_params, nn_train_param_count, &e->train);
    BASE_TRY(read_params(base_yaml_get(root, "train"), nn_train_params, nn_train_param_count, &e->train, "train"));
    BASE_TRY(read_budget(base_yaml_get(root, "search"), e));
    BASE_TRY(read_switch(base_yaml_get(root, "relearn"), eval_relearn_params, eval_relearn_param_count, &e->relearn));
    BASE_TRY(read_switch(base_yaml_get(root, "probe"), eval_probe_params, eval_probe_param_count, &e->probe));
    BASE_TRY(
        read_switch(base_yaml_get(root, "saliency"), eval_saliency_params, eval_saliency_param_count, &e->saliency));
    base_param_defaults(experiment_confusion_params, experiment_confusion_param_count, &e->confusion);
    const BaseYaml *confusion = base_yaml_get(root, "confusion");
    if (confusion)
        BASE_TRY(read_params(confusion, experiment_confusion_params, experiment_confusion_param_count, &e->confusion,
                             "confusion"));
    const BaseYaml *methods = base_yaml_get(root, "methods"), *attacks = base_yaml_get(root, "attacks");
    BASE_TRY(need_kind(methods, BASE_YAML_LIST, "methods"));
    BASE_CHECK(methods->count > 0, BASE_EUSAGE, "%s: methods: the list is empty", methods->where);
    size_t rows = 0, points;
    for (size_t i = 0; i < methods->count; i++, rows += points)
        BASE_TRY(experiment_each_points(methods->items[i], &points));
    BASE_TRY(BASE_ALLOC(rows, &e->methods));
    for (size_t i = 0; i < methods->count; i++) {
        BASE_TRY(experiment_each_points(methods->items[i], &points));
        for (size_t k = 0; k < points; k++)
            BASE_TRY(read_method(methods->items[i], k, e, &e->methods[e->method_count++]));
    }
    BASE_TRY(experiment_shadow_config_read(base_yaml_get(root, "shadows"), e));
    BASE_TRY(read_originals(root, e));
    BASE_TRY(read_retrained(root, e));
    if (!attacks) goto out;
    BASE_TRY(need_kind(attacks, BASE_YAML_LIST, "attacks"));
    BASE_TRY(BASE_ALLOC(attacks->count, &e->attacks));
    for (size_t i = 0; i < attacks->count; i++) {
        e->attack_count = i + 1;
        BASE_TRY(read_attack(attacks->items[i], e, &e->attacks[i]));
    }
out:
    return st;
}

BaseStatus experiment_config_read(const char *path, const char *const *assignments, size_t assignment_count,
                                  ExperimentConfig **out)
{
    BaseStatus st = BASE_OK;
    BaseYaml *root = NULL;
    ExperimentConfig *e = NULL;
    *out = NULL;
    BASE_TRY(base_yaml_read(path, &root));
    BASE_TRY(experiment_extend(root, path));
    for (size_t i = 0; i < assignment_count; i++) BASE_TRY(base_yaml_set(root, assignments[i]));
    const BaseYaml *extends = base_yaml_get(root, "extends");
    BASE_CHECK(!extends || strcmp(extends->where, "--set") != 0, BASE_EUSAGE, "--set extends: only a file can extend");
    BASE_TRY(BASE_ALLOC(1, &e));
    e->root = root;
    root = NULL;
    BASE_TRY(base_strdup(path, &e->beside));
    BASE_TRY(read_tree(e->root, path, e));
    *out = e;
    e = NULL;
out:
    experiment_config_free(e);
    base_yaml_free(root);
    return st;
}
