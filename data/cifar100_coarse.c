/* data/cifar100_coarse.c - CIFAR-100 by its 20 coarse labels, five fine ones each. */
#include "data/cifar/cifar.h"

static const char *const CLASSES[] = {"aquatic_mammals",
                                      "fish",
                                      "flowers",
                                      "food_containers",
                                      "fruit_and_vegetables",
                                      "household_electrical_devices",
                                      "household_furniture",
                                      "insects",
                                      "large_carnivores",
                                      "large_man-made_outdoor_things",
                                      "large_natural_outdoor_scenes",
                                      "large_omnivores_and_herbivores",
                                      "medium_mammals",
                                      "non-insect_invertebrates",
                                      "people",
                                      "reptiles",
                                      "small_mammals",
                                      "trees",
                                      "vehicles_1",
                                      "vehicles_2"};
static const DataCifarKind KIND = {
    .name = "cifar100-coarse",
    .classes = CLASSES,
    .K = 20,
    .binary = {"cifar-100-binary", {"train.bin"}, {"test.bin"}},
    .python = {"cifar-100-python", {"train"}, {"test"}},
    .labels = 2,
    .label = 0,
    .key = "coarse_labels",
    .mean = {0.5071f, 0.4865f, 0.4409f},
    .std = {0.2673f, 0.2564f, 0.2762f},
};

static BaseStatus open_folder(const char *path, const DataRequest *request, DataSet **train, DataSet **test)
{
    (void)request;
    return data_cifar_open(&KIND, path, train, test);
}

const DataSource data_cifar100_coarse = {
    BASE_ENTRY_PLAIN("cifar100-coarse", "cifar100 with its 20 coarse labels, each of which covers five fine ones",
                     "www.cs.toronto.edu/~kriz/cifar.html"),
    DATA_PATH_REQUIRED, open_folder, false};
