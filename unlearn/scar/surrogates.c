/* unlearn/scar/surrogates.c - images that have nothing to do with the task, opened or made one by one. */
#include "unlearn/scar/surrogates.h"

#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "data/set/build.h"
#include "unlearn/stored/stored.h"

bool unlearn_surrogates_made(const char *text) { return strcmp(text, "noise") == 0 || strcmp(text, "mixtures") == 0; }

BaseStatus unlearn_surrogates_open(const UnlearnContext *context, const char *text, const DataOptions *options,
                                   DataSet **out)
{
    BaseStatus st = BASE_OK;
    const char *colon = strchr(text, ':');
    char *path = NULL, *spec = NULL;
    DataSet *test = NULL;
    *out = NULL;
    if (colon) BASE_TRY(unlearn_beside(context, colon + 1, &path));
    BASE_TRY(base_format(&spec, "%.*s%s%s", (int)(colon ? colon - text : BASE_PARAM_TEXT_SIZE), text, path ? ":" : "",
                         path ? path : ""));
    BASE_TRY(data_open(spec, options, out, &test));
out:
    if (st != BASE_OK) base_error_prefix(st, "surrogates");
    data_set_free(test);
    base_free(spec);
    base_free(path);
    return st;
}

BaseStatus unlearn_surrogates_alike(const UnlearnContext *context, const char *text, DataSet **out)
{
    BaseStatus st = BASE_OK;
    const DataSet *own = context->train.set;
    const bool alike = own->type == DATA_U8; /* float32 images are taken as they are */
    BaseText size = {0};
    base_text_add(&size, "%lldx%lld", (long long)own->H, (long long)own->W);
    BASE_TRY(size.st);
    const DataOptions options = {.resize = size.data, .crop = "none"};
    BASE_TRY(unlearn_surrogates_open(context, text, alike ? &options : NULL, out));
    if (alike && own->normalise && (*out)->type == DATA_U8) data_set_normalise(*out, own->mean, own->std);
out:
    base_text_free(&size);
    return st;
}

BaseStatus unlearn_images_open(const UnlearnContext *context, const DataView *view, UnlearnImages *out)
{
    *out = (UnlearnImages){.context = context, .set = view->set, .view = view, .n = view->n};
    nn_net_input_shape(context->original, out->shape);
    return BASE_ALLOC(out->shape[0] * out->shape[1] * out->shape[2], &out->room);
}

BaseStatus unlearn_images_surrogates(const UnlearnContext *context, const char *text, const DataSet *set,
                                     const DataView *forget, int64_t n, UnlearnImages *out)
{
    *out = (UnlearnImages){.context = context,
                           .set = set,
                           .forget = forget,
                           .mixtures = strcmp(text, "mixtures") == 0,
                           .n = set && set->N < n ? set->N : n};
    nn_net_input_shape(context->original, out->shape);
    return BASE_ALLOC(out->shape[0] * out->shape[1] * out->shape[2], &out->room);
}

void unlearn_images_close(UnlearnImages *images) { base_free(images->room); }

/* A forgotten image, moved around; @p share of it is added to @p out. */
static BaseStatus add_moved(const UnlearnImages *a, BaseRandom *random, double share, float *out)
{
    const int64_t *s = a->shape;
    const int64_t i = (int64_t)base_random_below(random, (uint64_t)a->forget->n);
    const int64_t down = (int64_t)base_random_below(random, (uint64_t)s[1]),
                  right = (int64_t)base_random_below(random, (uint64_t)s[2]);
    BaseStatus st = data_image(a->forget->set, data_view_at(a->forget, i), s[0], s[1], s[2], a->room);
    for (int64_t c = 0; st == BASE_OK && c < s[0]; c++)
        for (int64_t h = 0; h < s[1]; h++)
            for (int64_t w = 0; w < s[2]; w++)
                out[(c * s[1] + (h + down) % s[1]) * s[2] + (w + right) % s[2]] +=
                    (float)share * a->room[(c * s[1] + h) * s[2] + w];
    return st;
}

BaseStatus unlearn_images_get(const UnlearnImages *a, int64_t i, float *out)
{
    BaseStatus st = BASE_OK;
    const int64_t *s = a->shape, pixels = s[0] * s[1] * s[2];
    if (a->set) return data_image(a->set, a->view ? data_view_at(a->view, i) : i, s[0], s[1], s[2], out);
    BaseRandom random = base_random_make(a->context->seed, "scar_surrogate", (uint64_t)i);
    for (int64_t j = 0; !a->mixtures && j < pixels; j++) out[j] = (float)base_random_normal(&random);
    if (!a->mixtures) return BASE_OK;
    const double share = base_random_uniform(&random);
    memset(out, 0, (size_t)pixels * sizeof *out);
    BASE_TRY(add_moved(a, &random, share, out));
    BASE_TRY(add_moved(a, &random, 1 - share, out));
out:
    return st;
}
