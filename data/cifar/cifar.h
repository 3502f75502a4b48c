/* data/cifar/cifar.h - the CIFAR data sets (www.cs.toronto.edu/~kriz/cifar.html): 32 x 32 RGB, in the binary or the
 * Python distribution. */
#ifndef DATA_CIFAR_CIFAR_H
#define DATA_CIFAR_CIFAR_H

#include "data/data.h"

enum { DATA_CIFAR_FILES = 5 };

/** One distribution: file names, NULL-ended. */
typedef struct {
    const char *folder; /* as its archive unpacks */
    const char *train[DATA_CIFAR_FILES + 1], *test[2];
} DataCifarFiles;

typedef struct {
    const char *name;           /* "cifar10" */
    const char *const *classes; /* [K] */
    int64_t K;
    DataCifarFiles binary, python;
    int labels, label;     /* binary: label bytes before each image; which of them counts */
    const char *key;       /* python: of the list of labels */
    float mean[3], std[3]; /* of the training pixels scaled to 0..1 */
} DataCifarKind;

/** Looks for the files in @p folder and in the archive's own folder inside it, binary ones first. BASE_EIO where one is
 *  missing, BASE_EFORMAT for a wrong size, content or label, naming the file. No code of a pickle runs. */
BaseStatus data_cifar_open(const DataCifarKind *kind, const char *folder, DataSet **train, DataSet **test);

#endif
