/* experiment/config.h - an experiment as its YAML file says it. Every unknown key, wrong type or value out of range is one
 * `file:line: ...` before any work; experiment_config_bind then checks what needs the data and the network. */
#ifndef EXPERIMENT_CONFIG_H
#define EXPERIMENT_CONFIG_H

#include "base/yaml.h"
#include "eval/probe/probe.h"
#include "eval/saliency/saliency.h"
#include "mia/mia.h"
#include "session/setup.h"
#include "unlearn/unlearn.h"

/** One parameter and the values a search tries. */
typedef struct {
    const BaseParam *param;
    char **values; /* [count] texts that base_param_set takes */
    size_t count;
    bool tunable; /* only apply() reads it: one prepare() serves all values */
} ExperimentAxis;

typedef enum { EXPERIMENT_SEARCH_GRID, EXPERIMENT_SEARCH_RANDOM } ExperimentStrategy;
/** What every search of an experiment may cost: the same for each method. */
typedef struct {
    int64_t strategy; /* ExperimentStrategy */
    int64_t trials;   /* at most; 0: no limit */
    int64_t epochs;   /* of each trial, where the method has this parameter; 0: as the method's own */
} ExperimentBudget;
extern const BaseParam experiment_budget_params[];
extern const size_t experiment_budget_param_count;

typedef enum { EXPERIMENT_CACHE_TRAINED, EXPERIMENT_CACHE_REFERENCES } ExperimentCache;

/** One value of a row's `each`. */
typedef struct {
    char *name, *value;
} ExperimentEachValue;

typedef struct {
    const UnlearnMethod *method;
    char *label;  /* unique in the experiment */
    char *family; /* label of the row that `each` made several methods of; NULL: none */
    ExperimentEachValue *each;
    size_t each_count;
    bool in_turn; /* the classes of a set one after another */
    void *params;
    ExperimentAxis *axes; /* [axis_count] those that need a new prepare() first */
    size_t axis_count;
    bool shadows; /* shadow models are unlearned with it too */
    char *where;  /* "file:line" */
} ExperimentMethod;

/** Shadow models of an experiment: networks trained on halves of a pool of images (run/shadows/). */
typedef struct {
    int64_t pairs; /* halves, even: each gives an original, what the methods make of it, and a retrained one; 0: none */
    int64_t pool;  /* images of the training split, stratified; 0: all */
    int64_t seed;  /* of the pool, the halves and the networks */
    int64_t retrained; /* networks retrained on the target's half from seeds of their own */
    int64_t half;      /* which one is trained on: EXPERIMENT_HALF_TARGET (the experiment's own jobs), or a shadow's */
} ExperimentShadows;
enum { EXPERIMENT_HALF_TARGET = -1, EXPERIMENT_HALVES_MAX = 256 };

typedef struct {
    const MiaAttack *attack;
    const MiaWiring *wiring;
    char *label; /* unique in the experiment */
    void *params;
} ExperimentAttack;

typedef struct {
    char *name, *title, *data, *arch;
    DataOptions prepare;   /* its texts are the experiment's */
    NnPrecision precision; /* what this machine will use */
    NnTuning *tuning;      /* NULL: none */
    double validation;
    NnTrainConfig train;
    uint64_t *seeds;
    size_t seed_count;
    bool forget_all;
    char **forget, **forget_where; /* texts and lines as written; unused with forget_all */
    size_t forget_count;
    ExperimentBudget budget;
    char **search_forget, **search_forget_where; /* sets that parameters are chosen on, once for all */
    size_t search_forget_count;                  /* 0: for each forget set on itself */
    EvalRelearnConfig relearn;
    EvalProbeConfig probe;
    EvalSaliencyConfig saliency;
    ExperimentCache cache;
    char *where_data, *where_arch;
    struct {
#define X(field, flag, value, def, help) char *field;
        DATA_OPTION_LIST(X)
#undef X
    } where_prepare; /* lines of the options of data; NULL where not given */
    ExperimentShadows shadows;
    ExperimentMethod *methods;
    size_t method_count;
    ExperimentAttack *attacks;
    size_t attack_count;
} ExperimentConfig;

BaseStatus experiment_config_read(const char *path, const char *const *assignments, size_t assignment_count,
                                  ExperimentConfig **out);
void experiment_config_free(ExperimentConfig *experiment);

/** The experiment's forget sets as classes of @p data, and every method's own check on @p model; *forget is owned:
 *  experiment_forget_free. Wrong: a class that does not exist, a set named twice, a layer that does not exist. */
BaseStatus experiment_config_bind(const ExperimentConfig *experiment, const SessionData *data,
                                  const SessionModel *model, DataClasses **forget, size_t *count);
/** The sets of `search: {forget: ..}`; none where there is no such key. *sets owned: experiment_forget_free. */
BaseStatus experiment_config_bind_search(const ExperimentConfig *experiment, const SessionData *data,
                                         DataClasses **sets, size_t *count);
void experiment_forget_free(DataClasses *forget, size_t count);

/** Reads `shadows: {..}` into e->shadows and marks the methods; those must be there. @p node NULL: no shadows. */
BaseStatus experiment_shadow_config_read(const BaseYaml *node, ExperimentConfig *experiment);
/** Which images of the pool a network is trained on. */
void experiment_shadow_config_canonical(const ExperimentConfig *experiment, BaseText *out);

/** The method whose networks the others are compared with: the first `retrain` without a search. NULL: none. */
const ExperimentMethod *experiment_config_reference(const ExperimentConfig *experiment);

/** The part of it that a search adds: axes, budget, sets. Nothing for a method without a search. */
void experiment_config_canonical_search(const ExperimentConfig *experiment, const ExperimentMethod *method,
                                        BaseText *out);
/** Sets a method's parameter `epochs` where it has one that no axis moves. */
BaseStatus experiment_method_set_epochs(const ExperimentMethod *method, int64_t epochs, void *params);
/** Everything that decides one method's result apart from seed, data and forget set; defaults written out, keys in a
 *  fixed order. @p method NULL: the training of the original alone. */
void experiment_config_canonical(const ExperimentConfig *experiment, const ExperimentMethod *method, BaseText *out);

#endif
