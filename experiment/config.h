/* experiment/config.h - an experiment as its YAML file says it: data, network, methods, attacks, budgets. read.h makes it,
 * bind.h checks what needs the data and the network, canonical.h writes down what decides its results. */
#ifndef EXPERIMENT_CONFIG_H
#define EXPERIMENT_CONFIG_H

#include "base/yaml.h"
#include "eval/probe/probe.h"
#include "eval/saliency/saliency.h"
#include "mia/mia.h"
#include "models/recipe.h"
#include "unlearn/unlearn.h"

/** One parameter and the values a search tries. */
typedef struct {
    const BaseParam *param;
    char **values; /* [count] texts that base_param_set takes */
    size_t count;
    bool tunable;     /* only apply() reads it: one prepare() serves all values */
    size_t published; /* of an equal search: which of the values the published recipe has */
} ExperimentAxis;

typedef enum { EXPERIMENT_SEARCH_GRID, EXPERIMENT_SEARCH_RANDOM, EXPERIMENT_SEARCH_EQUAL } ExperimentStrategy;
/** What every search of an experiment may cost: the same for each method. */
typedef struct {
    int64_t strategy; /* ExperimentStrategy */
    int64_t trials;   /* at most; 0: no limit; of an equal search: evaluations */
    int64_t epochs;   /* of each trial, where the method has this parameter; 0: as the method's own */
} ExperimentBudget;
extern const BaseParam experiment_budget_params[];
extern const size_t experiment_budget_param_count;

typedef enum { EXPERIMENT_CACHE_TRAINED, EXPERIMENT_CACHE_REFERENCES } ExperimentCache;

/** One value of a row's `each`. */
typedef struct {
    const char *name;
    char *value;
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
    bool shadows;      /* shadow models are unlearned with it too */
    const char *where; /* "file:line" */
} ExperimentMethod;

/** Shadow models of an experiment: networks trained on halves of a pool of images (experiment/shadows/). */
typedef struct {
    int64_t pairs; /* halves, even: each gives an original, what the methods make of it, and a retrained one; 0: none */
    int64_t pool;  /* images of the training split, stratified; 0: all */
    int64_t seed;  /* of the pool, the halves and the networks */
    int64_t retrained; /* networks retrained on the target's half from seeds of their own */
} ExperimentShadows;
enum { EXPERIMENT_HALVES_MAX = 256 };

typedef struct {
    const MiaAttack *attack;
    const MiaWiring *wiring;
    char *label; /* unique in the experiment */
    void *params;
} ExperimentAttack;

/** Classes that what is said of confusions keeps to, by number; last -1: all. */
typedef struct {
    int64_t first, last;
} ExperimentConfusion;
extern const BaseParam experiment_confusion_params[];
extern const size_t experiment_confusion_param_count;

/** The original of a seed that was trained elsewhere. */
typedef struct {
    char *path, hash[BASE_HASH_HEX];
} ExperimentOriginal;

/** Images of a forget set, as a map of the config lists them. */
typedef struct {
    BaseParamText index, class; /* a file of positions; else the classes that are drawn from, empty: all */
    double random;              /* share of each class */
    int64_t seed;
} ExperimentDraw;
/** A forget set as written, and its line. */
typedef struct {
    char *text; /* classes, or the map on one line */
    const char *where;
    ExperimentDraw *draw; /* NULL: classes */
} ExperimentSet;

typedef struct {
    BaseYaml *root; /* what it was read from: lines, and names of `each`, are borrowed from it */
    void *top;      /* and the next texts from here */
    const char *name, *title, *data, *arch;
    char *beside; /* the config's own file: relative paths of methods are of its folder */
    DataOptions prepare;
    NnPrecision precision; /* what this machine will use */
    NnTuning *tuning;      /* NULL: none */
    double validation;
    NnTrainConfig train;
    uint64_t *seeds;
    size_t seed_count;
    int64_t unlearn_seeds;         /* unlearnings of each trained network, each with draws of its own */
    ExperimentOriginal *originals; /* [seed_count]; NULL: they are trained */
    bool forget_all;
    ExperimentSet *forget; /* unused with forget_all */
    size_t forget_count;
    ExperimentBudget budget;
    ExperimentSet *search_forget; /* that parameters are chosen on, once for all */
    size_t search_forget_count;   /* 0: for each forget set on itself */
    EvalRelearnConfig relearn;
    EvalProbeConfig probe;
    EvalSaliencyConfig saliency;
    ExperimentConfusion confusion;
    ExperimentCache cache;
    ExperimentShadows shadows;
    ModelHalf target; /* of the experiment's own networks, where there are shadow models */
    ExperimentMethod *methods;
    size_t method_count;
    ExperimentAttack *attacks;
    size_t attack_count;
} ExperimentConfig;

void experiment_config_free(ExperimentConfig *experiment);

/** The method whose networks the others are compared with: the first `retrain` without a search. NULL: none. */
const ExperimentMethod *experiment_config_reference(const ExperimentConfig *experiment);
/** The place of a seed among the experiment's; 0 of another one. */
size_t experiment_config_number(const ExperimentConfig *experiment, uint64_t seed);
/** The original of a seed; with shadow models, of the target's half. Borrows its arguments. */
ModelRecipe experiment_config_recipe(const ExperimentConfig *experiment, const SessionData *data, uint64_t seed);
/** A copy of the method's parameters; *params owned (base_free). */
BaseStatus experiment_method_params(const ExperimentMethod *method, void **params);
/** Its parameter `epochs`, where 0 stands for the training's; 0 where it has none. */
int64_t experiment_method_epochs(const ExperimentMethod *method, const NnTrainConfig *training);
/** Sets a method's parameter `epochs` where it has one that no axis moves. */
BaseStatus experiment_method_set_epochs(const ExperimentMethod *method, int64_t epochs, void *params);

#endif
