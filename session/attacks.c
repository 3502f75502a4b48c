/* session/attacks.c - choosing, making and telling; what the numbers are is mia/'s. */
#include "session/attacks.h"

#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/log.h"
#include "base/memory.h"
#include "session/json.h"
#include "session/params.h"

void session_attacks_free(SessionAttacks *a)
{
    for (size_t i = 0; i < a->count; i++) {
        base_free(a->row[i].params);
        mia_result_free(&a->row[i].result);
        base_free(a->row[i].reason);
    }
    base_free(a->row);
    *a = (SessionAttacks){0};
}

static BaseStatus add_row(const MiaAttack *attack, const SessionAttackWords *words, SessionAttacks *a)
{
    BaseStatus st = BASE_OK;
    for (size_t i = 0; i < a->count; i++)
        BASE_CHECK(a->row[i].attack != attack, BASE_EUSAGE, "%s: '%s' is given twice", words->names,
                   attack->entry.name);
    BASE_TRY(BASE_GROW(&a->row, a->count, a->count + 1));
    a->row[a->count] = (SessionAttack){.attack = attack};
    BASE_TRY(session_params_defaults(&attack->entry, &a->row[a->count].params));
    a->count++;
out:
    return st;
}

/* "loss,svc", or "all". */
static BaseStatus read_names(const char *list, const SessionAttackWords *words, SessionAttacks *a)
{
    BaseStatus st = BASE_OK;
    bool all = strcmp(list, "all") == 0;
    for (size_t i = 0; all && i < base_registry_count(&mia_registry); i++)
        BASE_TRY(add_row(base_registry_at(&mia_registry, i), words, a)); /* the entry is the first member */
    if (all) goto out;
    for (const char *at = list;; at++) {
        const MiaAttack *attack;
        char name[64];
        size_t length = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", length < sizeof name ? (int)length : (int)sizeof name - 1, at);
        BASE_CHECK(length > 0, BASE_EUSAGE, "%s '%.100s': an attack's name is missing; see `expunge list attacks`",
                   words->names, list);
        BASE_TRY(mia_find(name, &attack));
        BASE_TRY(add_row(attack, words, a));
        at += length;
        if (*at == '\0') break;
    }
out:
    return st;
}

/* "svc.C=10" */
static BaseStatus assign(const char *text, const SessionAttackWords *words, SessionAttacks *a)
{
    BaseStatus st = BASE_OK;
    const char **names = NULL, *dot = strchr(text, '.'), *equals = strchr(text, '=');
    char name[64], key[64], owner[96];
    size_t count = 0;
    SessionAttack *row = NULL;
    bool whole =
        dot && equals && dot < equals && dot > text && equals > dot + 1 && dot - text < 64 && equals - dot < 64;
    BASE_CHECK(whole, BASE_EUSAGE, "%s %.100s: must be attack.key=value", words->set, text);
    BASE_TRY(BASE_ALLOC(a->count, &names));
    snprintf(name, sizeof name, "%.*s", (int)(dot - text), text);
    snprintf(key, sizeof key, "%.*s", (int)(equals - dot - 1), dot + 1);
    for (size_t i = 0; i < a->count; i++) {
        names[count++] = a->row[i].attack->entry.name;
        if (strcmp(names[i], name) == 0) row = &a->row[i];
    }
    const char *near = base_text_nearest(name, names, count);
    BASE_CHECK(row, BASE_EUSAGE, "%s %.100s: %s has no attack '%s'%s%s%s", words->set, text, words->names, name,
               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    const BaseEntry *entry = &row->attack->entry;
    snprintf(owner, sizeof owner, "attack %s", entry->name);
    BASE_TRY(base_param_set(entry->params, entry->param_count, row->params, owner, key, equals + 1, words->set));
out:
    base_free(names);
    return st;
}

BaseStatus session_attacks_choose(const char *list, const char *const *set, size_t set_count,
                                  const SessionAttackWords *words, SessionAttacks *out)
{
    BaseStatus st = BASE_OK;
    *out = (SessionAttacks){0};
    BASE_TRY(read_names(list, words, out));
    for (size_t i = 0; i < set_count; i++) BASE_TRY(assign(set[i], words, out));
out:
    if (st != BASE_OK) session_attacks_free(out);
    return st;
}

BaseStatus session_attacks_make(SessionAttacks *a, const MiaInput *input)
{
    BaseStatus st = BASE_OK;
    size_t made = 0;
    for (SessionAttack *row = a->row; row < a->row + a->count; row++) {
        BASE_TRY(base_cancel_check());
        st = mia_attack(row->attack, input, row->params, &row->result);
        if (st != BASE_OK && (a->count == 1 || (st != BASE_EARG && st != BASE_ENUMERIC))) goto out;
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
    BASE_CHECK(made > 0, BASE_EARG, "no attack could be run: the warnings say why");
out:
    return st;
}

static IoJson *row_json(const SessionAttack *row)
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

void session_attacks_count_roles(const MiaInput *in, int64_t count[3])
{
    count[0] = count[1] = count[2] = 0;
    for (int64_t i = 0; i < in->N; i++) count[in->role[i]]++;
}

IoJson *session_attacks_json(const SessionAttacks *a, const SessionSignals *signals, const char *path)
{
    IoJson *json = io_json_object(), *attacks = io_json_array(), *left = io_json_array();
    int64_t count[3];
    session_attacks_count_roles(&signals->input, count);
    io_json_set_take(json, "signals", io_json_text_value(path));
    io_json_set_take(json, "signals_sha256", io_json_text_value(path ? signals->hash : NULL));
    io_json_set_take(json, "members", io_json_integer(count[MIA_MEMBER]));
    io_json_set_take(json, "non_members", io_json_integer(count[MIA_NONMEMBER]));
    io_json_set_take(json, "audited", io_json_integer(count[MIA_AUDITED]));
    io_json_set_take(json, "classes", io_json_integer(signals->input.K));
    io_json_set_take(json, "seed", io_json_integer((int64_t)signals->input.seed));
    for (const SessionAttack *row = a->row; row < a->row + a->count; row++) {
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
    io_json_set_take(json, "notes", io_json_text_value(signals->note));
    return json;
}
