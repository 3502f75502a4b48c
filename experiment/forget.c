/* experiment/forget.c - classes stay text until the data are there; a map is read through a table. */
#include "experiment/forget.h"

#include "base/memory.h"
#include "session/params.h"

static const BaseParam MAP[] = {
    BASE_PARAM_TEXT(ExperimentDraw, index, "", "file of positions in the training split, as for train_index"),
    BASE_PARAM_TEXT(ExperimentDraw, class, "", "class, or classes, of which images are drawn; empty: all"),
    BASE_PARAM_F64(ExperimentDraw, random, 0, 0, 1, "share of the training images of each class that is drawn"),
    BASE_PARAM_I64(ExperimentDraw, seed, 0, 0, 9e15, "seed of the draw"),
};

static BaseStatus read_map(const BaseYaml *node, ExperimentSet *set)
{
    BaseStatus st = BASE_OK;
    bool drawn;
    BASE_TRY(BASE_ALLOC(1, &set->draw));
    ExperimentDraw *d = set->draw;
    base_param_defaults(MAP, BASE_COUNT(MAP), d);
    for (size_t i = 0; i < node->count; i++)
        BASE_TRY(session_param_read(node->items[i], MAP, BASE_COUNT(MAP), d, "forget", node->items[i]->where));
    drawn = base_yaml_get(node, "random") || base_yaml_get(node, "class") || base_yaml_get(node, "seed");
    BASE_CHECK(!*d->index.s || !drawn, BASE_EUSAGE,
               "%s: forget: 'index' names the images, so that class, random and seed have no meaning beside it",
               node->where);
    BASE_CHECK(*d->index.s || (d->random > 0 && d->random < 1), BASE_EUSAGE,
               "%s: forget: a map needs 'index', a file of images, or 'random', a share above 0 and below 1; whole "
               "classes are written [3, 7]",
               node->where);
out:
    return st;
}

BaseStatus experiment_sets_read(const BaseYaml *node, ExperimentSet **sets, size_t *set_count)
{
    BaseStatus st = BASE_OK;
    bool list = node->kind == BASE_YAML_LIST;
    size_t count = list ? node->count : 1;
    BASE_CHECK(count > 0, BASE_EUSAGE, "%s: forget: the list is empty", node->where);
    BASE_TRY(BASE_ALLOC(count, sets));
    *set_count = count;
    for (size_t i = 0; i < count; i++) {
        const BaseYaml *item = list ? node->items[i] : node;
        ExperimentSet *set = &(*sets)[i];
        set->where = item->where;
        BASE_TRY(base_yaml_flow_text(item, &set->text));
        if (item->kind == BASE_YAML_MAP) BASE_TRY(read_map(item, set));
    }
out:
    return st;
}

BaseStatus experiment_set_open(const ExperimentSet *set, const SessionData *data, const DataOptions *options,
                               DataForget *out)
{
    const ExperimentDraw *d = set->draw;
    BaseStatus st;
    if (!d)
        st = data_forget_classes(data->train, set->text, out);
    else if (*d->index.s)
        st = data_forget_open(data->train, &(DataForgetWish){.index = d->index.s}, options, out);
    else
        st = data_forget_draw(data->train, *d->class.s ? d->class.s : NULL, d->random, (uint64_t)d->seed, out);
    return base_error_prefix(st, "%s: forget", set->where);
}
