/* data/folder/scan.h - the image files below a folder of class folders, in torchvision's order. */
#ifndef DATA_FOLDER_SCAN_H
#define DATA_FOLDER_SCAN_H

#include "data/stream/files.h"

/** Names of the folders in @p path, sorted by byte order; hidden ones are left out. Owned: io_names_free. */
BaseStatus data_folder_classes(const char *path, char ***names, size_t *count);
/** Appends the .jpg, .jpeg, .png and .webp files (in any case) of one class folder and of the folders below it, at most
 * 16 deep: folder by folder, sorted by path, as torchvision's make_dataset. */
BaseStatus data_folder_files(const char *path, int32_t class, DataFiles *files);

#endif
