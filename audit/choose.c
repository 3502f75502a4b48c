/* audit/choose.c - which attacks an audit makes, and with which parameters. */
#include "audit/choose.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "session/params.h"

const BaseParam audit_params[] = {
    BASE_PARAM_F64(
        AuditOptions, alpha, 0.05, 1e-6, 0.4999,
        "probability of a false 'leaks', 'over-forgotten' or 'suspicion' over all attacks, games and statistics"),
    BASE_PARAM_F64(AuditOptions, margin, 0.05, 1e-6, 0.4999,
                   "difference of AUC below which two models count as equal: what 'indistinguishable' means"),
    BASE_PARAM_F64(AuditOptions, margin_tpr, 0.02, 1e-6, 0.9999,
                   "difference of true-positive rates at FPR 1% and 0.1% below which two models count as equal"),
    BASE_PARAM_I64(AuditOptions, draws, 1000, 100, 100000,
                   "draws with which the smallest leak that would be found is worked out"),
    BASE_PARAM_I64(AuditOptions, points, 5000, 0, 1000000000,
                   "largest number of images of each kind, drawn by the seed; 0: all"),
    BASE_PARAM_I64(AuditOptions, pictures, 0, 0, 100,
                   "number of most exposed images that are shown, and named in report.json; 0: none"),
    BASE_PARAM_I64(AuditOptions, curve_draws, 10, 1, 1000,
                   "number of selections of shadow models that the learning curve averages over"),
    BASE_PARAM_F64(
        AuditOptions, canary_guesses, 0, 0, 1,
        "share of the canaries whose coins are guessed, half of them as held in; 0: six fixed choices at once"),
    BASE_PARAM_TEXT(AuditOptions, shadow_method, "auto",
                    "method of the unlearned shadow models that are used; auto: the only one there is"),
    {"flip", BASE_KIND_BOOL, offsetof(AuditOptions, queries.flip), 0, 0, 1, NULL, NULL,
     "query each image mirrored, too; phi is the mean over all forms of an image"},
    {"shift", BASE_KIND_I64, offsetof(AuditOptions, queries.shift), 0, 0, 16, NULL, NULL,
     "number of pixels by which each image is also moved in eight directions; 0: not moved"},
};
const size_t audit_param_count = BASE_COUNT(audit_params);

void audit_choice_free(AuditChoice *choice, size_t count)
{
    for (size_t i = 0; choice && i < count; i++) base_free(choice[i].params);
    base_free(choice);
}

static BaseStatus add(const MiaAttack *attack, AuditChoice **choice, size_t *count)
{
    BaseStatus st = BASE_OK;
    for (size_t i = 0; i < *count; i++)
        BASE_CHECK((*choice)[i].attack != attack, BASE_EUSAGE, "--attacks: '%s' is given twice", attack->entry.name);
    BASE_TRY(BASE_GROW(choice, *count, *count + 1));
    (*choice)[*count] = (AuditChoice){attack, NULL};
    BASE_TRY(session_params_defaults(&attack->entry, &(*choice)[*count].params));
    ++*count;
out:
    return st;
}

/* All, or the automatic choice from what there is beside the target's own logits. */
static BaseStatus add_registered(bool all, bool shadows, AuditChoice **choice, size_t *count)
{
    BaseStatus st = BASE_OK;
    for (size_t i = 0; i < base_registry_count(&mia_registry); i++) {
        const MiaAttack *attack = base_registry_at(&mia_registry, i);
        bool there = shadows || !(attack->needs & MIA_NEEDS_OTHERS);
        if (all || (attack->in_auto && there)) BASE_TRY(add(attack, choice, count));
    }
out:
    return st;
}

static BaseStatus add_list(const char *list, AuditChoice **choice, size_t *count)
{
    BaseStatus st = BASE_OK;
    for (const char *at = list;; at++) {
        char name[64];
        const MiaAttack *attack;
        size_t length = strcspn(at, ",");
        BASE_CHECK(length > 0, BASE_EUSAGE, "--attacks '%.100s': a name is missing; see `expunge list attacks`", list);
        snprintf(name, sizeof name, "%.*s", length < sizeof name ? (int)length : (int)sizeof name - 1, at);
        BASE_TRY(mia_find(name, &attack));
        BASE_TRY(add(attack, choice, count));
        at += length;
        if (*at == '\0') break;
    }
out:
    return st;
}

/* "lira_online.variance=pooled_within" */
static BaseStatus assign(const char *text, AuditChoice *choice, size_t count)
{
    BaseStatus st = BASE_OK;
    const char *dot = strchr(text, '.'), *equals = strchr(text, '=');
    char name[64], key[64], owner[96];
    AuditChoice *row = NULL;
    bool whole = dot && equals && dot < equals && dot - text < 64 && equals - dot < 64;
    BASE_CHECK(whole, BASE_EUSAGE, "--set %.100s: must be attack.key=value", text);
    snprintf(name, sizeof name, "%.*s", (int)(dot - text), text);
    snprintf(key, sizeof key, "%.*s", (int)(equals - dot - 1), dot + 1);
    for (size_t i = 0; i < count; i++)
        if (strcmp(choice[i].attack->entry.name, name) == 0) row = &choice[i];
    BASE_CHECK(row, BASE_EUSAGE, "--set %.100s: attack '%s' is not run; --attacks names those that are", text, name);
    const BaseEntry *entry = &row->attack->entry;
    snprintf(owner, sizeof owner, "attack %s", name);
    st = base_param_set(entry->params, entry->param_count, row->params, owner, key, equals + 1, "--set");
out:
    return st;
}

BaseStatus audit_choose(const char *list, bool shadows, const char *const *set, size_t set_count, AuditChoice **out,
                        size_t *count)
{
    BaseStatus st = BASE_OK;
    *out = NULL;
    *count = 0;
    bool all = list && strcmp(list, "all") == 0;
    if (all || !list || strcmp(list, "auto") == 0) {
        BASE_TRY(add_registered(all, shadows, out, count));
    } else {
        BASE_TRY(add_list(list, out, count));
    }
    for (size_t i = 0; i < set_count; i++) BASE_TRY(assign(set[i], *out, *count));
out:
    if (st != BASE_OK) {
        audit_choice_free(*out, *count);
        *out = NULL;
        *count = 0;
    }
    return st;
}
