/* report/words.c - sentences are put together from means over runs; what was not measured is not mentioned. */
#include "report/words.h"

#include <math.h>
#include <string.h>

static bool mean_of(const ReportLabel *label, const ReportQuantity *q, MathEstimate *out)
{
    return label && q && report_summary(label, q, out, NULL);
}

/* " (retrained from scratch: 0.00%; mask, a control: 0.00%)": what a number must be seen beside. */
static void beside(const ReportExperiment *e, const ReportLabel *label, const ReportQuantity *q, const char *open,
                   const char *retrained, BaseText *out)
{
    const ReportLabel *reference = report_label_of(e, REPORT_RANK_RETRAINED), *control = report_control(e);
    MathEstimate value;
    bool any = mean_of(reference, q, &value);
    if (any) base_text_add(out, "%s%s: %.2f%%", open, retrained, value.value);
    if (control == label || !mean_of(control, q, &value)) return;
    base_text_add(out, "%s%s, a control: %.2f%%", any ? "; " : open, control->label, value.value);
}

/* "went from 84.10% to 0.30% (retrained from scratch: 0.00%; mask, a control: 0.00%)" */
static bool course(const ReportExperiment *e, const ReportLabel *label, const char *role, const char *what,
                   BaseText *out)
{
    const ReportQuantity *q = report_quantity_with(e, role);
    const ReportLabel *original = report_label_of(e, REPORT_RANK_ORIGINAL);
    MathEstimate before, after;
    if (!mean_of(label, q, &after)) return false;
    base_text_add(out, "%s ", what);
    if (mean_of(original, q, &before))
        base_text_add(out, "went from %.2f%% to %.2f%%", before.value, after.value);
    else
        base_text_add(out, "is %.2f%%", after.value);
    const size_t size = out->size;
    beside(e, label, q, " (", "retrained from scratch", out);
    if (out->size > size) base_text_add(out, ")");
    return true;
}

static void attacks(const ReportExperiment *e, const ReportLabel *label, BaseText *out)
{
    int told = 0;
    for (size_t i = 0; i < e->quantity_count && told < 2; i++) {
        const ReportQuantity *q = &e->quantities[i];
        MathEstimate value;
        if (!q->field || strcmp(q->field, "efficacy") != 0 || !mean_of(label, q, &value)) continue;
        const ReportQuantity audited = {
            .name = q->name, .field = "audited", .scale = 1, .least = -INFINITY, .most = INFINITY};
        MathEstimate n;
        base_text_add(out, " The attack %s called %.2f%%", q->name, value.value);
        if (!isnan(value.lo) && !isnan(value.hi)) base_text_add(out, " [%.2f, %.2f]", value.lo, value.hi);
        base_text_add(out, " of the audited forgotten images non-members");
        if (mean_of(label, &audited, &n))
            base_text_add(out, " (n = %.0f%s", n.value, label->count > 1 ? " a run" : "");
        else
            base_text_add(out, " (n not recorded");
        beside(e, label, q, "; ", "retrained", out);
        base_text_add(out, ").");
        told++;
    }
    if (told)
        base_text_add(out, " That is what these attacks found with this many images; other attacks may find more.");
}

void report_words_headline(const ReportExperiment *e, BaseText *out)
{
    const ReportLabel *label = report_featured(e);
    const ReportRun *run = report_first_ok(label);
    if (!run) {
        base_text_add(out, "%s: no unlearning run succeeded (%zu of %zu runs failed).", e->name, e->failed_count,
                      e->run_count);
        return;
    }
    base_text_add(out, "%s was asked to forget ", label->label);
    if (e->forget_count > 1)
        base_text_add(out, "each of %zu %s in turn", e->forget_count,
                      report_run_images(run) ? "forget sets" : "class sets");
    else if (!report_run_images(run))
        base_text_add(out, "the class%s ", strchr(run->forget, ',') ? "es" : "");
    if (e->forget_count <= 1) report_run_classes(run, out);
    if (e->seed_count > 1) base_text_add(out, ", with %zu seeds", e->seed_count);
    if (e->unlearn_count > 1) base_text_add(out, ", each network unlearned %zu times", e->unlearn_count);
    base_text_add(out, " (%s, %s). ", e->arch, e->data);
    BaseText second = {0};
    bool first_told = course(
        e, label, "forgotten",
        report_run_images(run) ? "Accuracy on the forgotten images" : "Test accuracy on what was forgotten", out);
    if (course(e, label, "retained",
               first_told ? report_run_images(run) ? "on the test set it" : "on what was kept it"
                          : "Test accuracy on what was kept",
               &second)) {
        base_text_add(out, "%s%s", first_told ? "; " : "", base_text_of(&second, &out->st));
        first_told = true;
    }
    if (first_told) base_text_add(out, ".");
    base_text_free(&second);
    attacks(e, label, out);
    if (e->failed_count)
        base_text_add(out, " %zu of %zu runs failed; the table names the reasons.", e->failed_count, e->run_count);
}
