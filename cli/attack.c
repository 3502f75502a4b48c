/* cli/attack.c - `expunge attack`: several attacks on one file, and of those that cannot be made the reason. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/order.h"
#include "cli/commands.h"
#include "io/file.h"
#include "io/hdf5.h"
#include "session/data.h"
#include "session/json.h"
#include "session/params.h"
#include "session/signals.h"

/* One attack of --name with its parameters, and what it found. */
typedef struct {
    const MiaAttack *attack;
    void *params;
    MiaResult result;
    char *reason; /* why it could not be made; NULL: it was */
} Row;

typedef struct {
    Row *rows;
    size_t count;
    SessionSignals signals;
} Work;

static void work_free(Work *w)
{
    for (size_t i = 0; i < w->count; i++) {
        base_free(w->rows[i].params);
        mia_result_free(&w->rows[i].result);
        base_free(w->rows[i].reason);
    }
    base_free(w->rows);
    session_signals_free(&w->signals);
}

static BaseStatus add_row(Work *w, const MiaAttack *attack)
{
    BaseStatus st = BASE_OK;
    for (size_t i = 0; i < w->count; i++)
        BASE_CHECK(w->rows[i].attack != attack, BASE_EUSAGE, "--name: '%s' is given twice", attack->entry.name);
    BASE_TRY(BASE_GROW(&w->rows, w->count, w->count + 1));
    w->rows[w->count] = (Row){.attack = attack};
    BASE_TRY(session_params_defaults(&attack->entry, &w->rows[w->count].params));
    w->count++;
out:
    return st;
}

/* "loss,svc", or "all". */
static BaseStatus read_names(const char *list, Work *w)
{
    BaseStatus st = BASE_OK;
    bool all = strcmp(list, "all") == 0;
    for (size_t i = 0; all && i < base_registry_count(&mia_registry); i++)
        BASE_TRY(add_row(w, base_registry_at(&mia_registry, i))); /* the entry is the first member */
    if (all) goto out;
    for (const char *at = list;; at++) {
        const MiaAttack *attack;
        char name[64];
        size_t length = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", length < sizeof name ? (int)length : (int)sizeof name - 1, at);
        BASE_CHECK(length > 0, BASE_EUSAGE, "--name '%.100s': an attack's name is missing; see `expunge list attacks`",
                   list);
        BASE_TRY(mia_find(name, &attack));
        BASE_TRY(add_row(w, attack));
        at += length;
        if (*at == '\0') break;
    }
out:
    return st;
}

/* "svc.C=10" */
static BaseStatus assign(const char *text, Work *w)
{
    BaseStatus st = BASE_OK;
    const char *names[CLI_TEXTS_MAX], *dot = strchr(text, '.'), *equals = strchr(text, '=');
    char name[64], key[64], owner[96];
    size_t count = 0;
    Row *row = NULL;
    bool whole =
        dot && equals && dot < equals && dot > text && equals > dot + 1 && dot - text < 64 && equals - dot < 64;
    BASE_CHECK(whole, BASE_EUSAGE, "--set %.100s: must be attack.key=value", text);
    snprintf(name, sizeof name, "%.*s", (int)(dot - text), text);
    snprintf(key, sizeof key, "%.*s", (int)(equals - dot - 1), dot + 1);
    for (size_t i = 0; i < w->count && count < CLI_TEXTS_MAX; i++) {
        names[count++] = w->rows[i].attack->entry.name;
        if (strcmp(names[i], name) == 0) row = &w->rows[i];
    }
    const char *near = base_text_nearest(name, names, count);
    BASE_CHECK(row, BASE_EUSAGE, "--set %.100s: --name has no attack '%s'%s%s%s", text, name,
               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    const BaseEntry *entry = &row->attack->entry;
    snprintf(owner, sizeof owner, "attack %s", entry->name);
    BASE_TRY(base_param_set(entry->params, entry->param_count, row->params, owner, key, equals + 1, "--set"));
out:
    return st;
}

static BaseStatus prepare(const CliOptions *o, Work *w)
{
    BaseStatus st = BASE_OK;
    BASE_TRY(read_names(o->name, w));
    for (size_t i = 0; i < o->set.count; i++) BASE_TRY(assign(o->set.at[i], w));
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

/* One alone fails with its reason; of several those that the file has no arrays for are left out. */
static BaseStatus attack_all(Work *w)
{
    BaseStatus st = BASE_OK;
    size_t made = 0;
    for (Row *row = w->rows; row < w->rows + w->count; row++) {
        st = mia_attack(row->attack, &w->signals.input, row->params, &row->result);
        if (st != BASE_OK && (w->count == 1 || (st != BASE_EARG && st != BASE_ENUMERIC))) goto out;
        if (st != BASE_OK) {
            BASE_TRY(base_strdup(base_error_text(), &row->reason));
            base_warning("left out: %s", row->reason);
            base_error_clear();
            continue;
        }
        if (row->result.roc.count == 2)
            base_warning("attack %s: every member and non-member has the same score: it distinguishes none of them",
                         row->attack->entry.name);
        made++;
    }
    BASE_CHECK(made > 0, BASE_EARG, "no attack could be run on this file: see the warnings above");
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
    for (size_t i = 0; i < w->count; i++) {
        const BaseEntry *entry = &w->rows[i].attack->entry;
        const MiaResult *r = &w->rows[i].result;
        if (w->rows[i].reason) continue;
        snprintf(path, sizeof path, "/%s/score", entry->name);
        BASE_TRY(io_hdf5_write(file, path, IO_H5_F64, 1, &w->signals.input.N, r->score));
        snprintf(path, sizeof path, "/%s/fold", entry->name);
        if (r->fold) BASE_TRY(io_hdf5_write(file, path, IO_H5_I32, 1, &w->signals.input.N, r->fold));
        base_text_free(&params);
        session_params_text(entry->params, entry->param_count, w->rows[i].params, &params);
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

static IoJson *row_json(const Row *row)
{
    const MiaResult *r = &row->result;
    IoJson *json = io_json_object();
    io_json_set_take(json, "name", io_json_text_value(row->attack->entry.name));
    io_json_set_take(json, "auc", io_json_number(r->auc.value));
    io_json_set_take(json, "auc_ci", session_json_interval(r->auc.lo, r->auc.hi));
    io_json_set_take(json, "balanced_accuracy", io_json_number(r->balanced_accuracy));
    io_json_set_take(json, "tpr_at_fpr", session_json_tpr(r));
    io_json_set_take(json, "balanced_accuracy_holdout", session_json_estimate(&r->holdout.balanced));
    io_json_set_take(json, "epsilon_lower", io_json_number(r->epsilon.epsilon));
    io_json_set_take(json, "epsilon", session_json_epsilon(r));
    io_json_set_take(json, "member_share", io_json_number(r->member_share.value));
    io_json_set_take(json, "member_share_ci", session_json_interval(r->member_share.lo, r->member_share.hi));
    io_json_set_take(json, "efficacy", io_json_number(r->efficacy.value));
    io_json_set_take(json, "efficacy_ci", session_json_interval(r->efficacy.lo, r->efficacy.hi));
    io_json_set_take(json, "threshold", io_json_number(r->threshold));
    io_json_set_take(json, "own_threshold", io_json_bool(r->own_threshold));
    io_json_set_take(json, "fitted", io_json_text_value(session_json_fitted(r->fitted)));
    io_json_set_take(json, "numbers", session_json_numbers(r));
    io_json_set_take(json, "params", session_json_params(&row->attack->entry, row->params));
    io_json_set_take(json, "sets", io_json_text_value(row->attack->sets));
    io_json_set_take(json, "notes", io_json_text_value(r->notes));
    io_json_set_take(json, "seconds", io_json_number(r->seconds));
    return json;
}

static void count_roles(const MiaInput *in, int64_t count[3])
{
    count[0] = count[1] = count[2] = 0;
    for (int64_t i = 0; i < in->N; i++) count[in->role[i]]++;
}

static BaseStatus print_json(const CliOptions *o, const Work *w)
{
    IoJson *json = io_json_object(), *attacks = io_json_array(), *left = io_json_array();
    int64_t count[3];
    count_roles(&w->signals.input, count);
    io_json_set_take(json, "signals", io_json_text_value(o->signals));
    io_json_set_take(json, "signals_sha256", io_json_text_value(w->signals.hash));
    io_json_set_take(json, "members", io_json_integer(count[MIA_MEMBER]));
    io_json_set_take(json, "non_members", io_json_integer(count[MIA_NONMEMBER]));
    io_json_set_take(json, "audited", io_json_integer(count[MIA_AUDITED]));
    io_json_set_take(json, "classes", io_json_integer(w->signals.input.K));
    io_json_set_take(json, "seed", io_json_integer(o->seed));
    for (const Row *row = w->rows; row < w->rows + w->count; row++) {
        if (!row->reason) {
            io_json_add_take(attacks, row_json(row));
            continue;
        }
        IoJson *one = io_json_object();
        io_json_set_take(one, "name", io_json_text_value(row->attack->entry.name));
        io_json_set_take(one, "reason", io_json_text_value(row->reason));
        io_json_add_take(left, one);
    }
    io_json_set_take(json, "attacks", attacks);
    io_json_set_take(json, "left_out", left);
    io_json_set_take(json, "notes", io_json_text_value(w->signals.note));
    return cli_print_json_take(json);
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

static void add_row_text(const Row *row, BaseText *text)
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
static void add_remarks(const Row *row, BaseText *text)
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
    count_roles(&w->signals.input, count);
    base_text_add(&text, "%lld members, %lld non-members, %lld audited points\n\n", (long long)count[MIA_MEMBER],
                  (long long)count[MIA_NONMEMBER], (long long)count[MIA_AUDITED]);
    base_text_add(&text, TABLE_HEAD, "", "", "", "TPR at", "FPR", "", "", "called");
    base_text_add(&text, TABLE_HEAD, "attack", "AUC [95%]", "bal. acc. [95%]", "0.1%", "1%", "10%", "epsilon",
                  "member");
    for (size_t i = 0; i < w->count; i++) {
        const MiaResult *r = &w->rows[i].result;
        if (w->rows[i].reason) continue;
        add_row_text(&w->rows[i], &text);
        for (int k = 0; k < MIA_FPRS; k++) {
            if (!isnan(r->tpr[k].value) || r->unranked) continue;
            unresolved = true;
            fewest = base_smaller(fewest, r->tpr[k].n);
        }
        fitted |= r->fitted != MIA_UNFITTED;
        if (!isnan(r->epsilon.largest)) largest = r->epsilon.largest;
    }
    base_text_add(&text, "\n");
    for (size_t i = 0; i < w->count; i++)
        if (!w->rows[i].reason) add_remarks(&w->rows[i], &text);
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
    BASE_TRY(attack_all(&w));
    if (o->out) BASE_TRY(save(o, &w));
    BASE_TRY(o->json ? print_json(o, &w) : print_table(&w));
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
