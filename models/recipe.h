/* models/recipe.h - everything that decides which network a training gives, and the key and name it is kept under. */
#ifndef MODELS_RECIPE_H
#define MODELS_RECIPE_H

#include "nn/train.h"
#include "session/data.h"

/** Grows whenever the same recipe would give another network or another file: part of every key. */
enum { MODEL_VERSION = 3 };

/** One half of a pool of images, as shadow models are trained on it (models/shadows/shadows.h). */
typedef struct {
    int64_t pool, seed; /* images of the pool, 0: all of the training split; what it and its halves were drawn with */
    int64_t number;     /* MODEL_HALF_TARGET, or a shadow's */
} ModelHalf;
enum { MODEL_HALF_TARGET = -1 };

/** Borrowed. */
typedef struct {
    const char *arch;
    const SessionData *data;
    const NnTrainConfig *training;
    NnPrecision precision;
    NnTuning *tuning;      /* NULL: none */
    double validation;     /* share of the training split that is held out */
    const ModelHalf *half; /* what is trained on; NULL: all that is not held out */
    uint64_t seed;
    const char *
        weights; /* file of an original that was trained elsewhere, with the hash of its contents; NULL: it is trained */
    const char *weights_hash;
} ModelRecipe;

/** As lines of text, without data and seed: what experiments hash for their ids too. */
void model_recipe_text(const ModelRecipe *recipe, BaseText *out);
/** SHA-256 of the recipe's text, the data's hash, the seed, @p what is made of it, and MODEL_VERSION. */
BaseStatus model_key(const ModelRecipe *recipe, const char *what, char key[BASE_HASH_HEX]);
/** "<folder>/<name>-<first 12 of key>.safetensors", with hyphens for the commas of @p name; *out owned. */
BaseStatus model_path(const char *folder, const char *name, const char *key, char **out);

#endif
