/* store/light.h - a run without its heavy arrays, once more at the end of its file, so that a report over thousands of
 * runs reads kilobytes of each and not megabytes. Only store/ includes it. */
#ifndef STORE_LIGHT_H
#define STORE_LIGHT_H

#include "base/text.h"
#include "store/tree.h"

/** Whether what is at @p path, in @p group, is left out: /signals, /spectra, /regions, the arrays below /attacks. */
bool store_light_omits(const char *group, const char *path);
/** Appends the section with its own last line, which holds size and hash. */
void store_light_add(const StoreRun *run, BaseText *out);
/** Reads the section that ends @p behind bytes before the end of the file. *out NULL where there is none or it is not
 *  whole: the HDF5 image then tells what is wrong. BASE_ENOMEM. */
BaseStatus store_light_read(const char *path, size_t behind, StoreRun **out);

#endif
