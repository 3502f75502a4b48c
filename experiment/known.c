/* experiment/known.c - what papers print, for reports: which of our numbers each would call its own, under which name, and the
 * published numbers that are known. A test holds every name to its registry. */
#include "experiment/known.h"

#include <math.h>

#include "experiment/record.h"

static const ReportPaper PAPERS[] = {
    {"Kodge et al. 2024", "ACC_r", "acc_retain", "test", NULL, NULL, "as here"},
    {"Kodge et al. 2024", "ACC_f", "acc_forget", "test", NULL, NULL, "as here"},
    {"Kodge et al. 2024", "MIA", NULL, NULL, "svc", "paper", "as here"},
    {"Unlearn-Sparse; SalUn", "UA", "acc_forget", "train", NULL, NULL, "100 - this"},
    {"Unlearn-Sparse; SalUn", "RA", "acc_retain", "train", NULL, NULL, "as here"},
    {"Unlearn-Sparse; SalUn", "TA", "acc_retain", "test", NULL, NULL, "as here, classes forgotten"},
    {"Unlearn-Sparse; SalUn", "MIA", NULL, NULL, "svc", "salun", "as here, confidence"},
    {"Kurmanji et al. 2023 (SCRUB)", "forget error", "acc_forget", "train", NULL, NULL, "100 - this"},
    {"Kurmanji et al. 2023 (SCRUB)", "retain error", "acc_retain", "train", NULL, NULL, "100 - this"},
    {"Kurmanji et al. 2023 (SCRUB)", "test error", "accuracy", "test", NULL, NULL, "100 - this"},
    {"Bad Teaching", "ZRF", "zrf_repository", "train", NULL, NULL, "as here"},
    {"Bad Teaching", "activation distance", "activation_distance", "train", NULL, NULL, "as here"},
    {"zero-shot-unlearning", "AIN", "anamnesis", "test", NULL, NULL, "as here, on samples"},
    {"DUCK", "AUS", "aus", "test", NULL, NULL, "as here"},
    {"RUM", "ToW", "tow", "test", NULL, NULL, "as here"},
};

/* Of Kodge, Saha, Roy 2024 as a third party transcribed it (several files that agree), not read from the paper. */
static const ReportPublishedRow CIFAR10_RESNET18[] = {
    {"Original", "none", {94.89, 94.89, 0.03}, {0.31, 2.75, 0.03}},
    {"Retraining", "retrain", {94.81, 0, 100}, {0.52, NAN, 0}},
    {"NegGrad", "neggrad", {69.89, 0.02, 0}, {10.23, 0.04, NAN}},
    {"NegGrad+", "neggrad_plus", {89.91, 0.94, 98.68}, {1.41, 1.87, 1.42}},
    {"Tarun et al. 2023", "unsir", {92.20, 10.89, 61.5}, {0.72, 8.79, 25.86}},
    {"Kurmanji et al. 2023", "scrub", {94.79, 0, 0}, {0.63, NAN, NAN}},
    {"Foster et al. 2024", "ssd", {85.76, 4.37, 87.86}, {25.76, 12.79, 31.21}},
    {"Kodge et al. 2024", "svd", {94.19, 0.03, 95.5}, {0.50, 0.09, 14.23}},
};

static const ReportPublished PUBLISHED = {
    .data = "cifar10",
    .arch = "resnet18",
    .note =
        "Published: Kodge, Saha, Roy 2024 (arXiv 2312.00761v4), Table 1, mean ± standard deviation over ten classes, "
        "as transcribed by a third party (github.com/yashvarma47/class-unlearning-); not checked against the paper. "
        "Other methods, architectures and data sets: not available.",
    .columns = {{"acc_retain", "ACC_r", "retained"}, {"acc_forget", "ACC_f", "forgotten"}, {"mia", "MIA", "attack"}},
    .rows = CIFAR10_RESNET18,
    .row_count = BASE_COUNT(CIFAR10_RESNET18),
};

const ReportKnown experiment_known = {.complete = experiment_record_complete,
                                      .papers = PAPERS,
                                      .paper_count = BASE_COUNT(PAPERS),
                                      .published = &PUBLISHED,
                                      .unchanged = "none"};
