/* models/make.h - from a recipe to a network: the original, and what a method makes of it; from the cache where it is. */
#ifndef MODELS_MAKE_H
#define MODELS_MAKE_H

#include "models/kept.h"
#include "unlearn/unlearn.h"

/** Key and file of a recipe's original; *path owned. */
BaseStatus model_original_path(const ModelRecipe *recipe, const char *folder, char key[BASE_HASH_HEX], char **path);
/** The recipe's original: from the cache, or trained on @p train and put there. */
BaseStatus model_original(const ModelRecipe *recipe, const DataView *train, const char *folder, NnNet *net,
                          ModelCost *cost, char **path);

/** What makes an unlearned network; borrowed. */
typedef struct {
    ModelRecipe recipe; /* of the original; its seed is the method's unless the context has another */
    const UnlearnMethod *method;
    const void *params;
    const UnlearnContext *context;
    const char *forget; /* data_forget_text: "3,7" */
    const char *folder;
    bool in_turn;      /* the classes of the set one after another */
    bool keep_trained; /* what gradients made is kept as a file */
    bool keep;         /* as a file, whatever made it */
    const char *what,
        *name; /* what is made, for the key, and the file's name; NULL: the method without these classes */
} ModelMaking;
/** Whether its network is kept as a file: retrained ones always. */
bool model_kept(const ModelMaking *making);
/** Its key and file; *path owned. */
BaseStatus model_unlearned_path(const ModelMaking *making, char key[BASE_HASH_HEX], char **path);
/** Runs the method on @p net (a copy of the original), timed, or takes its network from the cache: the report is then
 *  empty. *path is owned, NULL where no file was kept. */
BaseStatus model_unlearned(const ModelMaking *making, NnNet *net, UnlearnReport *report, ModelCost *cost, char **path);

#endif
