/* cli/attack.c - `expunge attack`: several attacks on one file, and of those that cannot be made the reason. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "cli/commands.h"
#include "io/file.h"
#include "io/hdf5.h"
#include "session/attacks.h"
#include "session/data.h"
#include "session/params.h"

static const SessionAttackWords WORDS = {"--name", "--set"};

typedef struct {
    SessionAttacks attacks;
    SessionSignals signals;
} Work;

static void work_free(Work *w)
{
    session_attacks_free(&w->attacks);
    session_signals_free(&w->signals);
}

static BaseStatus prepare(const CliOptions *o, Work *w)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(session_attacks_choose(o->name, o->set.at, o->set.count, &WORDS, &w->attacks));
    if (o->out) {
        const char *dot = strrchr(o->out, '.');
        BASE_CHECK(dot && (strcmp(dot, ".h5") == 0 || strcmp(dot, ".hdf5") == 0), BASE_EUSAGE,
                   "--out %s: an HDF5 file is written, so its name must end in .h5", o->out);
        BASE_TRY(session_output_check(o->out, "", o->signals));
    }
    BASE_TRY(session_signals_read(o->signals, &w->signals));
    w->signals.input.seed = (uint64_t)o->seed;
    BASE_TRY(mia_input_check(&w->signals.input, MIA_WITHOUT_ROLES));
out:
    return st;
}

static BaseStatus save(const CliOptions *o, const Work *w)
{
    BaseStatus st = BASE_OK;
    IoHdf5 *file = NULL;
    BaseText params = {0};
    char path[96];
    BASE_TRY(io_hdf5_create(&file));
    BASE_TRY(io_hdf5_set_text(file, "/", "command", o->command));
    BASE_TRY(io_hdf5_set_text(file, "/", "signals_sha256", w->signals.hash));
    if (*w->signals.note) BASE_TRY(io_hdf5_set_text(file, "/", "notes", w->signals.note));
    for (size_t i = 0; i < w->attacks.count; i++) {
        const BaseEntry *entry = &w->attacks.row[i].attack->entry;
        const MiaResult *r = &w->attacks.row[i].result;
        if (w->attacks.row[i].reason) continue;
        snprintf(path, sizeof path, "/%s/score", entry->name);
        BASE_TRY(io_hdf5_write(file, path, IO_H5_F64, 1, &w->signals.input.N, r->score));
        snprintf(path, sizeof path, "/%s/fold", entry->name);
        if (r->fold) BASE_TRY(io_hdf5_write(file, path, IO_H5_I32, 1, &w->signals.input.N, r->fold));
        base_text_free(&params);
        session_params_text(entry->params, entry->param_count, w->attacks.row[i].params, &params);
        BASE_TRY(params.st);
        snprintf(path, sizeof path, "/%s", entry->name);
        BASE_TRY(io_hdf5_set_text(file, path, "params", params.data));
        BASE_TRY(io_hdf5_set_text(file, path, "notes", r->notes));
        BASE_TRY(io_hdf5_set_f64(file, path, "threshold", r->threshold));
    }
    io_hdf5_private(file);
    st = io_hdf5_save_take(file, o->out);
    file = NULL;
out:
    base_text_free(&params);
    io_hdf5_close(file);
    return st;
}

static void number_text(double value, char out[32])
{
    if (isnan(value))
        snprintf(out, 32, "-");
    else
        snprintf(out, 32, "%.3f", value);
}

static void interval_text(double value, double lo, double hi, char out[32])
{
    number_text(value, out);
    size_t used = strlen(out);
    if (!isnan(lo) && !isnan(hi)) snprintf(out + used, 32 - used, " [%.3f, %.3f]", lo, hi);
}

/* At most 100 columns. */
static const char TABLE_HEAD[] = "%-17s %-20s %-20s %6s %6s %6s %7s %6s\n";

static void add_row_text(const SessionAttack *row, BaseText *text)
{
    const MiaResult *r = &row->result;
    const MathEstimate *held = &r->holdout.balanced;
    char bal[32], share[32], tpr[MIA_FPRS][32], auc[32], epsilon[32];
    interval_text(r->auc.value, r->auc.lo, r->auc.hi, auc);
    interval_text(held->value, held->lo, held->hi, bal);
    number_text(r->member_share.value, share);
    number_text(r->epsilon.epsilon, epsilon);
    for (int k = 0; k < MIA_FPRS; k++) number_text(r->tpr[k].value, tpr[k]);
    base_text_add(text, TABLE_HEAD, row->attack->entry.name, auc, bal, tpr[0], tpr[1], tpr[2], epsilon, share);
}

/* What an attack reports beside its row. */
static void add_remarks(const SessionAttack *row, BaseText *text)
{
    const char *name = row->attack->entry.name;
    for (int k = 0; k < row->result.number_count; k++) {
        const MiaNumber *number = &row->result.numbers[k];
        const MathEstimate *e = &number->value;
        if (isnan(e->value))
            base_text_add(text, "%s: %s is not defined here\n", name, number->name);
        else if (isnan(e->lo))
            base_text_add(text, "%s: %s %.6g (n = %lld)\n", name, number->name, e->value, (long long)e->n);
        else
            base_text_add(text, "%s: %s %.6g [%.6g, %.6g] (n = %lld)\n", name, number->name, e->value, e->lo, e->hi,
                          (long long)e->n);
    }
    if (*row->result.notes) base_text_add(text, "%s: %s\n", name, row->result.notes);
}

static BaseStatus print_table(const Work *w)
{
    BaseText text = {0};
    int64_t count[3];
    bool unresolved = false, fitted = false;
    double largest = NAN;
    int64_t fewest = INT64_MAX;
    session_attacks_count_roles(&w->signals.input, count);
    base_text_add(&text, "%lld members, %lld non-members, %lld audited points\n\n", (long long)count[MIA_MEMBER],
                  (long long)count[MIA_NONMEMBER], (long long)count[MIA_AUDITED]);
    base_text_add(&text, TABLE_HEAD, "", "", "", "TPR at", "FPR", "", "", "called");
    base_text_add(&text, TABLE_HEAD, "attack", "AUC [95%]", "bal. acc. [95%]", "0.1%", "1%", "10%", "epsilon",
                  "member");
    for (size_t i = 0; i < w->attacks.count; i++) {
        const MiaResult *r = &w->attacks.row[i].result;
        if (w->attacks.row[i].reason) continue;
        add_row_text(&w->attacks.row[i], &text);
        for (int k = 0; k < MIA_FPRS; k++) {
            if (!isnan(r->tpr[k].value) || r->unranked) continue;
            unresolved = true;
            fewest = base_smaller(fewest, r->tpr[k].n);
        }
        fitted |= r->fitted != MIA_UNFITTED;
        if (!isnan(r->epsilon.largest)) largest = r->epsilon.largest;
    }
    base_text_add(&text, "\n");
    for (size_t i = 0; i < w->attacks.count; i++)
        if (!w->attacks.row[i].reason) add_remarks(&w->attacks.row[i], &text);
    base_text_add(&text, "bal. acc.: the threshold is chosen on a random half of the points and judged on the other; "
                         "an attack's\nown threshold is judged on all; -: fitted to these points. called member: share "
                         "of the audited points.\n");
    if (!isnan(largest))
        base_text_add(&text, "epsilon: lower bound, delta %g, confidence %g%%; a faultless attack would show %.4f\n",
                      MIA_EPSILON_DELTA, 100 * (1 - MIA_EPSILON_ALPHA), largest);
    if (fitted) base_text_add(&text, "epsilon -: scores fitted to these members and non-members give no bound\n");
    if (unresolved) base_text_add(&text, "TPR -: not resolvable with %lld non-members\n", (long long)fewest);
    return cli_print_text_take(&text);
}

static BaseStatus run(const CliOptions *o)
{
    BaseStatus st = BASE_OK;
    Work w = {0};
    BASE_TRY(prepare(o, &w));
    BASE_TRY(session_attacks_make(&w.attacks, &w.signals.input));
    if (o->out) BASE_TRY(save(o, &w));
    BASE_TRY(o->json ? cli_print_json_take(session_attacks_json(&w.attacks, &w.signals, o->signals)) : print_table(&w));
out:
    if ((st == BASE_EARG || st == BASE_ESHAPE || st == BASE_ENUMERIC) && !strstr(base_error_text(), o->signals))
        base_error_prefix(st, "%s", o->signals);
    work_free(&w);
    return st;
}

const CliCommand cli_attack = {
    .name = "attack",
    .summary = "run membership-inference attacks on logits from any framework",
    .purpose =
        {
#include "cli/help/attack.txt.inc"
        },
    .usage = {"--name LIST --signals FILE.h5 [--set name.k=v]... [-o OUT.h5] [--json]"},
    .takes = "name! signals! set out json",
    .examples = {"expunge attack --name loss,svc --signals signals.h5 --set svc.features=entropy --json",
                 "expunge attack --name all --signals signals.h5 -o scores.h5"},
    .run = run,
};
