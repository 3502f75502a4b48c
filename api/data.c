/* api/data.c - labelled images: a data set of the program by its name, or a host's arrays, copied. */
#include "api/data.h"

#include <string.h>

#include "api/call.h"
#include "api/files.h"
#include "api/options.h"
#include "base/memory.h"
#include "data/set/build.h"

static const char ARRAYS[] = "arrays of the calling program";

void api_data_hold(const expunge_data *data) { ((expunge_data *)data)->holders++; }

void api_data_drop(const expunge_data *data)
{
    expunge_data *own = (expunge_data *)data;
    if (!own || --own->holders > 0) return;
    session_data_free(&own->data);
    base_free(own->mean);
    base_free(own->std);
    base_free(own);
}

void expunge_data_free(expunge_data *data) { api_data_drop(data); }

/* @p memory NULL: nothing will be read. */
static BaseStatus read_options(const char *const *options, size_t count, DataOptions *out, int64_t *memory)
{
    static const char *const KEYS[] = {"memory"};
    BaseStatus st = BASE_OK;
    const char *value;
    BASE_TRY(api_options_check(options, count));
    for (size_t i = 0; i < count; i++)
        if (memory && (value = api_option_value(options[i], KEYS[0])))
            BASE_TRY(api_option_memory(value, memory));
        else if (!api_option_data(options[i], out))
            BASE_TRY(api_option_unknown(options[i], KEYS, memory ? 1 : 0, true));
out:
    return st;
}

/* Takes the contents of @p data. */
static BaseStatus give(SessionData *data, const DataOptions *wishes, expunge_data **out)
{
    BaseStatus st = BASE_OK;
    expunge_data *own = NULL;
    BASE_TRY(BASE_ALLOC(1, &own));
    own->holders = 1;
    if (wishes->mean) BASE_TRY(base_strdup(wishes->mean, &own->mean));
    if (wishes->std) BASE_TRY(base_strdup(wishes->std, &own->std));
    own->data = *data;
    *data = (SessionData){0};
    *out = own;
    own = NULL;
out:
    api_data_drop(own);
    return st;
}

expunge_status expunge_data_open(const char *spec, const char *const *options, size_t option_count, expunge_data **data)
{
    ApiCall call;
    ApiFiles files;
    BaseStatus st = BASE_OK;
    DataOptions wishes = {0};
    SessionData opened = {0};
    int64_t memory = 0;
    api_enter(&call);
    API_GIVEN(data);
    *data = NULL;
    API_GIVEN(spec);
    BASE_TRY(read_options(options, option_count, &wishes, &memory));
    api_files_begin(&files);
    const int64_t before = base_memory_budget();
    if (memory) base_memory_set_budget(memory); /* opening keeps images already */
    st = session_data_open(spec, &wishes, &opened);
    if (st == BASE_OK) st = give(&opened, &wishes, data);
    if (st != BASE_OK && memory) base_memory_set_budget(before);
    api_files_end(&files);
out:
    session_data_free(&opened);
    return api_leave(&call, st);
}

/* One more than the highest label. */
static int64_t count_classes(const expunge_split *const split[2])
{
    int64_t K = 1;
    for (int s = 0; s < 2; s++)
        for (int64_t i = 0; i < split[s]->count; i++)
            if (split[s]->labels[i] >= K) K = (int64_t)split[s]->labels[i] + 1;
    return K;
}

static BaseStatus copy_split(const expunge_split *split, const char *name, expunge_type type, const int64_t shape[3],
                             int64_t K, bool counted, const char *const *class_names, DataSet **out)
{
    BaseStatus st = BASE_OK;
    DataSet *set = NULL;
    const size_t value = type == EXPUNGE_U8 ? 1 : sizeof(float);
    *out = NULL;
    BASE_TRY(data_set_create(name, type == EXPUNGE_U8 ? DATA_U8 : DATA_F32, split->count, shape[0], shape[1], shape[2],
                             K, &set));
    memcpy(set->images, split->images, (size_t)(split->count * shape[0] * shape[1] * shape[2]) * value);
    memcpy(set->labels, split->labels, (size_t)split->count * sizeof *set->labels);
    set->classes_counted = counted;
    BASE_TRY(data_set_name_classes(set, class_names));
    BASE_TRY(data_set_finish(set, name, name));
    *out = set;
    set = NULL;
out:
    data_set_free(set);
    return st;
}

static BaseStatus check_split(const expunge_split *split, const char *name)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(split->images && split->labels, BASE_EARG, "%s: images or labels are NULL", name);
    BASE_CHECK(split->count >= 1, BASE_EARG, "%s: count = %lld: must be 1 or more", name, (long long)split->count);
out:
    return st;
}

static BaseStatus create(const expunge_split *const split[2], expunge_type type, const int64_t shape[3],
                         int64_t classes, const char *const *class_names, const DataOptions *wishes, expunge_data **out)
{
    static const char *const NAMES[] = {"train", "test"};
    BaseStatus st = BASE_OK;
    DataSet *set[2] = {NULL, NULL};
    SessionData data = {0};
    BASE_CHECK(type == EXPUNGE_F32 || type == EXPUNGE_U8, BASE_EARG, "type %d: must be EXPUNGE_F32 or EXPUNGE_U8",
               (int)type);
    BASE_CHECK(classes >= 0 && (classes > 0 || !class_names), BASE_EARG,
               "classes = %lld: must be their number; 0, without names: they are counted", (long long)classes);
    for (int64_t k = 0; class_names && k < classes; k++)
        BASE_CHECK(class_names[k], BASE_EARG, "class_names[%lld] is NULL", (long long)k);
    for (int s = 0; s < 2; s++) BASE_TRY(check_split(split[s], NAMES[s]));
    const int64_t K = classes ? classes : count_classes(split);
    for (int s = 0; s < 2; s++)
        BASE_TRY(copy_split(split[s], NAMES[s], type, shape, K, classes == 0, class_names, &set[s]));
    st = session_data_open_take(ARRAYS, wishes, set[0], set[1], &data);
    set[0] = set[1] = NULL;
    if (st == BASE_OK) st = give(&data, wishes, out);
out:
    data_set_free(set[0]);
    data_set_free(set[1]);
    session_data_free(&data);
    return st;
}

expunge_status expunge_data_create(const expunge_split *train, const expunge_split *test, expunge_type type,
                                   const int64_t *shape, int64_t classes, const char *const *class_names,
                                   const char *const *options, size_t option_count, expunge_data **data)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    DataOptions wishes = {0};
    const expunge_split *const split[2] = {train, test};
    api_enter(&call);
    API_GIVEN(data);
    *data = NULL;
    API_GIVEN(train);
    API_GIVEN(test);
    API_GIVEN(shape);
    BASE_TRY(read_options(options, option_count, &wishes, NULL));
    BASE_TRY(create(split, type, shape, classes, class_names, &wishes, data));
out:
    return api_leave(&call, st);
}

int64_t expunge_data_count(const expunge_data *data, const char *split)
{
    if (!data || !split) return 0;
    if (strcmp(split, "train") == 0) return data->data.train->N;
    return strcmp(split, "test") == 0 ? data->data.test->N : 0;
}

int64_t expunge_data_classes(const expunge_data *data) { return data ? data->data.train->K : 0; }

expunge_status expunge_data_labels(const expunge_data *data, const char *split, int32_t *labels, int64_t count)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    DataView view;
    const char *name;
    api_enter(&call);
    API_GIVEN(data);
    API_GIVEN(split);
    API_GIVEN(labels);
    BASE_TRY(session_data_view(&data->data, split, &view, &name));
    BASE_CHECK(count == view.n, BASE_ESHAPE, "count = %lld: the split %s has %lld images", (long long)count, name,
               (long long)view.n);
    for (int64_t i = 0; i < view.n; i++) labels[i] = data_view_label(&view, i);
out:
    return api_leave(&call, st);
}
