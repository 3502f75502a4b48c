/* data/idx/idx.h - the IDX files of MNIST and its relatives: grey images, ten classes, gzipped or plain. */
#ifndef DATA_IDX_IDX_H
#define DATA_IDX_IDX_H

#include "data/data.h"

typedef struct {
    const char *name;           /* "mnist" */
    const char *const *classes; /* [10] */
    float mean, std;            /* of the training pixels scaled to 0..1 */
    const char *cure;           /* what to do where a file is missing, after "; " */
    const char *inside;         /* where torchvision keeps the files below the folder that it was given */
} DataIdxKind;

/** Reads {train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz] of a folder ("images.idx3" too), or of
 * torchvision's folder inside it. BASE_EIO where one is
 * missing, BASE_EFORMAT for a wrong magic number, size, count or label, naming the file. */
BaseStatus data_idx_open(const DataIdxKind *kind, const char *folder, DataSet **train, DataSet **test);

#endif
