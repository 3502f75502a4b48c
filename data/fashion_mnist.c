/* data/fashion_mnist.c - Fashion-MNIST: 60000 + 10000 grey images of clothes, 28 x 28, ten classes (Xiao, Rasul,
 * Vollgraf 2017). */
#include "data/idx/idx.h"

#define FOLDER "/usr/share/datasets/fashion-mnist"

static const char *const CLASSES[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                      "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
static const DataIdxKind KIND = {
    "fashion-mnist",
    CLASSES,
    0.2860f,
    0.3530f,
    "install the Debian package dataset-fashion-mnist, or give the folder that holds it: fashion-mnist:DIR",
    "FashionMNIST/raw"};

static BaseStatus open_folder(const char *path, const DataRequest *request, DataSet **train, DataSet **test)
{
    (void)request;
    return data_idx_open(&KIND, path ? path : FOLDER, train, test);
}

const DataSource data_fashion_mnist = {
    BASE_ENTRY_PLAIN("fashion-mnist",
                     "clothes, 10 classes, 28 x 28 grey, 60000 + 10000 images; DIR defaults to " FOLDER,
                     "Xiao, Rasul, Vollgraf 2017, arXiv 1708.07747"),
    DATA_PATH_OPTIONAL, open_folder, false};
