/* api/files.h - what calls that read or write HDF5 files stand between: one of them at a time, with a helper to read foreign
 * files, and libhdf5 left as the host had it. */
#ifndef API_FILES_H
#define API_FILES_H

#include "io/hdf5.h"

typedef struct {
    IoHdf5Manners manners;
} ApiFiles;
void api_files_begin(ApiFiles *files);
void api_files_end(const ApiFiles *files);

#endif
