/* data/data.h - the registry of data sets, and opening one by its name and options. */
#ifndef DATA_DATA_H
#define DATA_DATA_H

#include "base/registry.h"
#include "data/prepare/prepare.h"

typedef enum { DATA_PATH_NONE, DATA_PATH_OPTIONAL, DATA_PATH_REQUIRED } DataPathNeed;
typedef struct {
    BaseEntry entry;
    DataPathNeed path;
    /** Both splits, owned by the caller; @p path NULL where not given. Same K, C, H, W in both. */
    BaseStatus (*open)(const char *path, const DataRequest *request, DataSet **train, DataSet **test);
    bool prepares; /* picks by index, resizes and crops while it reads; else that is done to what it read */
} DataSource;
extern const BaseRegistry data_registry;

/** Opens "name[:path]"; @p options NULL: with the data set's own defaults. BASE_ENOTFOUND (name, "did you mean"),
 *  BASE_EUSAGE (path missing or not wanted, a wrong option), or the source's. */
BaseStatus data_open(const char *spec, const DataOptions *options, DataSet **train, DataSet **test);

/** The last part of data_open, for sets that were made elsewhere: carries out the options, then compares the shapes. @p
 *  spec: what messages call them. What is replaced is freed; both sets are the caller's also on failure. */
BaseStatus data_open_sets(const char *spec, const DataOptions *options, DataSet **train, DataSet **test);

#endif
