/* models/recipe.c - the recipe as text, hashed; defaults are written out and lines stand in a fixed order. */
#include "models/recipe.h"

#include <string.h>

#include "base/memory.h"
#include "nn/arch/arch.h"
#include "nn/tuning.h"
#include "session/params.h"

void model_recipe_text(const ModelRecipe *r, BaseText *out)
{
    base_text_add(out, "arch: ");
    nn_arch_key(r->arch, out);
    base_text_add(out, "\nprecision: %s\nvalidation: %.17g\n", nn_precision_name(r->precision), r->validation);
    if (r->tuning) base_text_add(out, "tuning: %s\n", nn_tuning_hash(r->tuning));
    base_text_add(out, "train: ");
    session_params_text(nn_train_params, nn_train_param_count, r->training, out);
    base_text_add(out, "\n");
    if (!r->half) return;
    base_text_add(out, "pool: %lld of seed %lld, half ", (long long)r->half->pool, (long long)r->half->seed);
    if (r->half->number == MODEL_HALF_TARGET)
        base_text_add(out, "target\n");
    else
        base_text_add(out, "%lld\n", (long long)r->half->number);
}

BaseStatus model_key(const ModelRecipe *r, const char *what, char key[BASE_HASH_HEX])
{
    BaseStatus st = BASE_OK;
    BaseText text = {0};
    model_recipe_text(r, &text);
    base_text_add(&text, "data: %s\nseed: %llu\nmodel: %s\nversion: %d\n", r->data->hash, (unsigned long long)r->seed,
                  what, MODEL_VERSION);
    if (r->weights) base_text_add(&text, "weights: %s\n", r->weights_hash);
    BASE_TRY(text.st);
    base_hash_bytes(text.data, text.size, key);
out:
    base_text_free(&text);
    return st;
}

BaseStatus model_path(const char *folder, const char *name, const char *key, char **out)
{
    BaseStatus st = base_format(out, "%s/%s-%.12s.safetensors", folder, name, key);
    if (st != BASE_OK) return st;
    for (char *c = *out + strlen(folder); *c; c++) *c = *c == ',' ? '-' : *c;
    return BASE_OK;
}
