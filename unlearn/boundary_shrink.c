/* unlearn/boundary_shrink.c - the forgotten classes' decision regions go to their neighbours (Boundary unlearning):
 *   y'(x) = argmax over k of  f_0(x + bound sign(dCE(f_0(x), y)/dx))_k        f_0: the original, eval mode
 *   min over w   1/|D_f| sum over D_f of CE(f_w(x), y')
 * classes = retained: the maximum is over retained classes, so that y' is never the true one, nor another that must go;
 * all: over all of them. bound counts in pixels of 0..1; round: those of the moved image are rounded to 1/255. Data: forgotten images; one pass for the labels (two forward, one gradient), then epochs passes with
 * gradients. Defaults: bound 0.1, 10 epochs, lr 1e-5 as in the authors' code for an All-CNN; another network may need
 * more.
 */
#include "base/memory.h"
#include "unlearn/gradient/relabel.h"

typedef struct {
    UnlearnSteps steps;
    double bound;
    int64_t classes;
    bool round;
} Params;
enum { RETAINED, ALL };
static const char *const CLASSES[] = {"retained", "all", NULL};
static const BaseParam PARAMS[] = {
    UNLEARN_PRESET_ROW("classes=all round=true weight_decay=0"),
    BASE_PARAM_CHOICE(Params, classes, RETAINED, CLASSES, "classes among which the nearest is looked for"),
    BASE_PARAM_BOOL(Params, round, false, "rounding of the moved image's pixels to 1/255"),
    BASE_PARAM_F64(Params, bound, 0.1, 0, 1e6, "change of each pixel (of 0..1) towards the nearest other class"),
    UNLEARN_STEP_ROWS(10, 64, 1e-5, 0.9, 5e-4, NN_SGD),
    UNLEARN_FORGET_ROW,
    UNLEARN_LAYERS_ROW,
};
static const char *const TUNABLE[] = {"epochs",       "batch_size", "lr",     "momentum",
                                      "weight_decay", "optimizer",  "layers", NULL};

static BaseStatus open_side(const UnlearnContext *context, const Params *p, UnlearnSides *sides)
{
    return unlearn_sides_open(context, UNLEARN_NO_IMAGES, p->steps.forget_samples, sides);
}

static BaseStatus prepare(const UnlearnContext *context, const void *values, void **state)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    UnlearnSides sides = {0};
    int32_t *labels = NULL;
    *state = NULL;
    BASE_TRY(open_side(context, p, &sides));
    const UnlearnNearest nearest = {p->bound, p->classes == ALL, p->round};
    BASE_TRY(unlearn_nearest_labels(context, &sides.forget, &nearest, &labels));
    *state = labels;
out:
    unlearn_sides_free(&sides);
    return st;
}

static BaseStatus apply(const UnlearnContext *context, void *state, const void *values, NnNet *net,
                        UnlearnReport *report)
{
    BaseStatus st = BASE_OK;
    const Params *p = values;
    UnlearnTraining t = {0};
    BASE_TRY(open_side(context, p, &t.sides));
    t.passes = 2 * (double)t.sides.forget.n; /* the labels' */
    const UnlearnRelabel relabel = {.labels = state, .label = "boundary_shrink"};
    BASE_TRY(unlearn_relabel(context, &p->steps, &relabel, net, &t));
    unlearn_training_report(&t, report);
out:
    unlearn_training_close(&t);
    return st;
}

const UnlearnMethod unlearn_boundary_shrink = {
    .entry = BASE_ENTRY("boundary_shrink", "trains the forgotten images towards their nearest other class",
                        "Boundary Shrink, code of its authors", Params, PARAMS),
    .needs = UNLEARN_NEEDS_FORGET | UNLEARN_NEEDS_GRADIENT | UNLEARN_ONLY_CLASSES,
    .tunable = TUNABLE,
    .prepare = prepare,
    .apply = apply,
    .release = base_free,
    .check = unlearn_steps_check,
};
