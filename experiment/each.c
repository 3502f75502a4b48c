/* experiment/each.c - the number of a point is taken apart into one index per key, the last key running fastest. */
#include "experiment/each.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { POINTS = 10000 };

BaseStatus experiment_each_points(const BaseYaml *row, size_t *points)
{
    BaseStatus st = BASE_OK;
    const BaseYaml *each = row->kind == BASE_YAML_MAP ? base_yaml_get(row, "each") : NULL;
    *points = 1;
    if (!each) return BASE_OK;
    BASE_CHECK(each->kind == BASE_YAML_MAP && each->count > 0, BASE_EUSAGE,
               "%s: each: must be a map of parameters to lists of values", each->where);
    for (size_t i = 0; i < each->count; i++) {
        const BaseYaml *list = each->items[i];
        BASE_CHECK(list->kind == BASE_YAML_LIST && list->count > 0, BASE_EUSAGE,
                   "%s: each: %s: must be a list of values", list->where, list->key);
        *points *= list->count;
        BASE_CHECK(*points <= POINTS, BASE_ELIMIT, "%s: each: more than %d combinations", each->where, POINTS);
    }
out:
    return st;
}

static BaseStatus apply_one(const BaseYaml *row, const BaseYaml *list, size_t at, ExperimentMethod *m, BaseText *label)
{
    BaseStatus st = BASE_OK;
    const BaseEntry *entry = &m->method->entry;
    static const char *const OTHERS[] = {"set", "search"};
    char owner[160];
    ExperimentEachValue *to = &m->each[m->each_count];
    for (size_t i = 0; i < BASE_COUNT(OTHERS); i++) {
        const BaseYaml *other = base_yaml_get(row, OTHERS[i]);
        BASE_CHECK(!other || other->kind != BASE_YAML_MAP || !base_yaml_get(other, list->key), BASE_EUSAGE,
                   "%s: '%s' is in both %s and each: keep it in one of them", list->where, list->key, OTHERS[i]);
    }
    m->each_count++;
    to->name = list->key;
    BASE_TRY(base_yaml_flow_text(list->items[at], &to->value));
    snprintf(owner, sizeof owner, "method %s", entry->name);
    BASE_TRY(base_param_set(entry->params, entry->param_count, m->params, owner, list->key, to->value,
                            list->items[at]->where));
    base_text_add(label, ", %s=%s", list->key, *to->value ? to->value : "none");
out:
    return st;
}

BaseStatus experiment_each_apply(const BaseYaml *row, size_t point, ExperimentMethod *m)
{
    BaseStatus st = BASE_OK;
    const BaseYaml *each = row->kind == BASE_YAML_MAP ? base_yaml_get(row, "each") : NULL;
    BaseText label = {0};
    size_t rest = 1;
    if (!each) return BASE_OK;
    for (size_t i = 0; i < each->count; i++) rest *= each->items[i]->count;
    BASE_TRY(BASE_ALLOC(each->count, &m->each));
    base_text_add(&label, "%s", m->label);
    for (size_t i = 0; i < each->count; i++) {
        rest /= each->items[i]->count;
        BASE_TRY(apply_one(row, each->items[i], point / rest % each->items[i]->count, m, &label));
    }
    BASE_TRY(label.st);
    BASE_CHECK(label.size <= 100, BASE_EUSAGE, "%s: label '%s': must be 1 to 100 bytes with the values of each",
               each->where, label.data);
    m->family = m->label;
    m->label = NULL;
    BASE_TRY(base_strdup(label.data, &m->label));
out:
    base_text_free(&label);
    return st;
}
