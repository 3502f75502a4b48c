/* run/audit/signals.h - all that an audit's numbers are made of: logits of every model on every point, and the options.
 * It is kept as signals.h5, so that the numbers can be made again without models or images. */
#ifndef RUN_AUDIT_SIGNALS_H
#define RUN_AUDIT_SIGNALS_H

#include "mia/verdict/verdict.h"
#include "run/shadows/shadows.h"

/** What an audit may be told; read from --set and its own options, stored with the result. */
typedef struct {
    double alpha, margin;
    int64_t draws, points, pictures, curve_draws;
    RunQueries queries;
    BaseParamText shadow_method;
} RunAuditOptions;
extern const BaseParam run_audit_params[];
extern const size_t run_audit_param_count;

/** The kinds of points. Population: held-out points set aside for attacks that need some beside those they judge. */
typedef enum {
    RUN_AUDIT_FORGET_TRAIN,
    RUN_AUDIT_FORGET_TEST,
    RUN_AUDIT_RETAIN_TRAIN,
    RUN_AUDIT_RETAIN_TEST,
    RUN_AUDIT_POPULATION,
    RUN_AUDIT_GROUPS
} RunAuditGroup;
const char *run_audit_group_name(RunAuditGroup group); /* "forgotten, trained on", .. */

/** An attack that was asked for, and its parameters. */
typedef struct {
    const MiaAttack *attack;
    void *params; /* owned */
} RunAuditChoice;

/** Owned: run_audit_signals_free. */
typedef struct {
    RunAuditOptions options;
    uint64_t seed;
    RunAuditChoice *choice; /* [choice_count] */
    size_t choice_count;
    int64_t N, K;
    int32_t *labels;              /* [N] */
    uint8_t *group;               /* [N] RunAuditGroup */
    RunPoint *point;              /* [N] where the images are */
    double *unlearned, *original; /* [N, K]; original NULL: not given */
    int64_t R;
    double *retrained;      /* [R, N, K] */
    RunShadowArrays shadow; /* over the same N points; its population arrays are not used */
} RunAuditSignals;
void run_audit_signals_free(RunAuditSignals *signals);

/** The attacks of "loss,lira_online", "all", or "auto": a selection without repetitions, with those on shadow models
 *  where @p shadows; and @p set "attack.key=value" texts. BASE_EUSAGE, BASE_ENOTFOUND. *out owned by the caller. */
BaseStatus run_audit_choose(const char *list, bool shadows, const char *const *set, size_t set_count,
                            RunAuditChoice **out, size_t *count);
void run_audit_choice_free(RunAuditChoice *choice, size_t count);

/** Turns held-out points into the population where an attack of the choice needs one: those that trained no shadow
 *  model. Where others did, all of them (an online attack could not judge them anyway); where it is all, a seeded
 *  quarter. */
void run_audit_set_population_apart(RunAuditSignals *signals);

BaseStatus run_audit_signals_write(const RunAuditSignals *signals, const char *path);
/** Reads what run_audit_signals_write wrote; a foreign or damaged file is one line. */
BaseStatus run_audit_signals_read(const char *path, RunAuditSignals *out);

#endif
