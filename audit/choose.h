/* audit/choose.h - what an audit may be told, and which attacks it makes. */
#ifndef AUDIT_CHOOSE_H
#define AUDIT_CHOOSE_H

#include "mia/mia.h"
#include "models/logits.h"

/** The options of an audit; read from --set and its own options, stored with the result. */
typedef struct {
    double alpha, margin, margin_tpr, canary_guesses;
    int64_t draws, points, pictures, curve_draws;
    ModelQueries queries;
    BaseParamText shadow_method;
} AuditOptions;
extern const BaseParam audit_params[];
extern const size_t audit_param_count;

/** An attack that was asked for, and its parameters. */
typedef struct {
    const MiaAttack *attack;
    void *params; /* owned */
} AuditChoice;

/** The attacks of "loss,lira_online", "all", or "auto": a selection without repetitions, with those on shadow models
 *  where @p shadows; and @p set "attack.key=value" texts. BASE_EUSAGE, BASE_ENOTFOUND. *out owned by the caller. */
BaseStatus audit_choose(const char *list, bool shadows, const char *const *set, size_t set_count, AuditChoice **out,
                        size_t *count);
void audit_choice_free(AuditChoice *choice, size_t count);

#endif
