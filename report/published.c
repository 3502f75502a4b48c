/* report/published.c - published numbers beside ours. Only one block is known here: CIFAR-10 with ResNet-18 of Kodge,
 * Saha, Roy 2024 (arXiv 2312.00761v4, Table 1), and that as a third party transcribed it
 * (github.com/yashvarma47/class-unlearning-, several files that agree), not read from the paper. Everywhere else the
 * tables say that none is available. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/results.h"

/* Mean and standard deviation over the ten classes, in percent; NaN: printed without one. */
typedef struct {
    const char *printed, *method; /* its name there; the method here */
    double value[3], sd[3];       /* ACC_r, ACC_f, MIA */
} Published;
static const Published CIFAR10_RESNET18[] = {
    {"Original", "none", {94.89, 94.89, 0.03}, {0.31, 2.75, 0.03}},
    {"Retraining", "retrain", {94.81, 0, 100}, {0.52, NAN, 0}},
    {"NegGrad", "neggrad", {69.89, 0.02, 0}, {10.23, 0.04, NAN}},
    {"NegGrad+", "neggrad_plus", {89.91, 0.94, 98.68}, {1.41, 1.87, 1.42}},
    {"Tarun et al. 2023", "unsir", {92.20, 10.89, 61.5}, {0.72, 8.79, 25.86}},
    {"Kurmanji et al. 2023", "scrub", {94.79, 0, 0}, {0.63, NAN, NAN}},
    {"Foster et al. 2024", "ssd", {85.76, 4.37, 87.86}, {25.76, 12.79, 31.21}},
    {"Kodge et al. 2024", "svd", {94.19, 0.03, 95.5}, {0.50, 0.09, 14.23}},
};

static bool known(const ReportExperiment *e)
{
    size_t name = strcspn(e->data, ":");
    return name == strlen("cifar10") && strncmp(e->data, "cifar10", name) == 0 && strcmp(e->arch, "resnet18") == 0;
}

bool report_published_none(const ReportExperiment *e) { return !known(e); }

static const ReportLabel *label_of(const ReportExperiment *e, const char *method)
{
    for (size_t l = 0; l < e->label_count; l++) {
        const ReportLabel *label = &e->labels[l];
        if (label->failed < label->count && strcmp(label->runs[0]->method, method) == 0) return label;
    }
    return NULL;
}

static const ReportQuantity *published_mia(const ReportExperiment *e)
{
    for (size_t i = 0; i < e->quantity_count; i++) {
        const ReportQuantity *q = &e->quantities[i];
        if (q->field && strcmp(q->field, "efficacy") == 0 && strncmp(q->name, "svc", 3) == 0 &&
            strstr(q->name, "paper"))
            return q;
    }
    return NULL;
}

ReportTable report_results_published(const ReportExperiment *e)
{
    static const char *const KEYS[] = {"acc_retain", "acc_forget", "mia"}, *const TITLES[] = {"ACC_r", "ACC_f", "MIA"};
    ReportTable t = report_table_make("Published numbers beside those of this report");
    const ReportQuantity *ours[3] = {report_quantity(e, "acc_retain", "test", NULL),
                                     report_quantity(e, "acc_forget", "test", NULL), published_mia(e)};
    report_table_column(&t, "printed", "published as", false, 0, 1000);
    report_table_column(&t, "label", "here", false, 0, 999);
    for (int c = 0; c < 3; c++) {
        char key[64], title[64];
        for (int mine = 0; mine < 2; mine++) {
            snprintf(key, sizeof key, "%s_%s", KEYS[c], mine ? "here" : "published");
            snprintf(title, sizeof title, "%s %s", TITLES[c], mine ? "here" : "published");
            int column = report_table_column(&t, key, title, true, 2, 100);
            report_table_ideal(&t, column, "%", "", "");
        }
    }
    for (size_t i = 0; i < sizeof CIFAR10_RESNET18 / sizeof *CIFAR10_RESNET18 && known(e); i++) {
        const Published *p = &CIFAR10_RESNET18[i];
        const ReportLabel *label = label_of(e, p->method);
        report_table_row(&t, 0);
        report_table_text(&t, 0, p->printed);
        report_table_text(&t, 1, label ? label->label : "not run");
        for (int c = 0; c < 3; c++) {
            MathEstimate value;
            double sd;
            int runs;
            report_table_number(&t, 2 + 2 * c, math_estimate(p->value[c], 10), p->sd[c]);
            if (label && ours[c] && report_summary(label, ours[c], &value, &sd, &runs))
                report_table_number(&t, 3 + 2 * c, value, sd);
        }
    }
    report_table_note(&t,
                      "Published: Kodge, Saha, Roy 2024 (arXiv 2312.00761v4), Table 1, mean ± standard deviation over "
                      "ten classes, as transcribed by a third party (github.com/yashvarma47/class-unlearning-); not "
                      "checked against the paper. Other methods, architectures and data sets: not available.");
    return t;
}
