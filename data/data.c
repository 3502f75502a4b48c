/* data/data.c - the list of data sets, and opening by name and option. */
#include "data/data.h"

#include <string.h>

#include "base/memory.h"

#define X(name) extern const DataSource data_##name;
#define F(name) extern const BaseRows data_##name;
#include "data/list.h"
static const BaseRows *const FILES[] = {
#define X(name) BASE_ROW(data_##name),
#define F(name) &data_##name,
#include "data/list.h"
};
const BaseRegistry data_registry = {"data set", FILES, BASE_COUNT(FILES), sizeof(DataSource)};

static BaseStatus finish(const char *spec, const DataRequest *request, bool prepared, DataSet **train, DataSet **test)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(data_prepare(request, prepared, train, test));
    const DataSet *a = *train, *b = *test;
    BASE_CHECK(a->K == b->K && a->C == b->C && a->H == b->H && a->W == b->W, BASE_EFORMAT,
               "%s: training images are %lld x %lld x %lld with %lld classes, test images %lld x %lld x %lld with %lld",
               spec, (long long)a->C, (long long)a->H, (long long)a->W, (long long)a->K, (long long)b->C,
               (long long)b->H, (long long)b->W, (long long)b->K);
out:
    return st;
}

BaseStatus data_open_sets(const char *spec, const DataOptions *options, DataSet **train, DataSet **test)
{
    DataRequest request = {0};
    BaseStatus st = data_request_read(options, &request);
    if (st == BASE_OK) st = finish(spec, &request, false, train, test);
    data_request_free(&request);
    return st;
}

BaseStatus data_open(const char *spec, const DataOptions *options, DataSet **train, DataSet **test)
{
    BaseStatus st = BASE_OK;
    char *name = NULL;
    DataRequest request = {0};
    *train = *test = NULL;
    BASE_TRY(base_strdup(spec, &name));
    char *colon = strchr(name, ':'), *path = colon ? colon + 1 : NULL;
    if (colon) *colon = '\0';
    const DataSource *source;
    BASE_TRY(base_registry_find(&data_registry, name, (const BaseEntry **)&source)); /* the entry is its first member */
    BASE_CHECK(!path || source->path != DATA_PATH_NONE, BASE_EUSAGE, "data set '%s' takes no path; write just '%s'",
               spec, name);
    BASE_CHECK(!path || *path, BASE_EUSAGE, "data set '%s' ends at the colon; a path must follow it", spec);
    BASE_CHECK(path || source->path != DATA_PATH_REQUIRED, BASE_EUSAGE, "data set '%s' needs a path: %s:PATH", name,
               name);
    BASE_TRY(data_request_read(options, &request));
    BASE_TRY(source->open(path, &request, train, test));
    BASE_TRY(finish(spec, &request, source->prepares, train, test));
out:
    if (st != BASE_OK) {
        data_set_free(*train);
        data_set_free(*test);
        *train = *test = NULL;
    }
    data_request_free(&request);
    base_free(name);
    return st;
}
