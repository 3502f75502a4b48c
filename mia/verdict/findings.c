/* mia/verdict/findings.c - the words of a verdict, and which finding stands for others. */
#include "mia/verdict/findings.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

const char *mia_verdict_name(MiaVerdict verdict)
{
    static const char *const NAMES[] = {"leaks",        "over-forgotten", "suspicion", "indistinguishable",
                                        "underpowered", "invalid"};
    return NAMES[verdict];
}

const char *mia_verdict_meaning(MiaVerdict verdict)
{
    static const char *const MEANINGS[] = {
        "The forgotten or the kept training images are more recognisable than retraining would have left them.",
        "The images look less familiar to the model than to retrained ones, which gives them away as well.",
        "Trained-on and held-out images differ under this model; whether that is a leak, only retrained models can show.",
        "Every difference to retrained models is shown to lie within the margins, by attacks that find the original.",
        "Neither a leak nor its absence could be shown with these images and models.",
        "A control failed: nothing can be concluded from this audit."};
    return MEANINGS[verdict];
}

void mia_audit_free(MiaAudit *audit)
{
    if (!audit) return;
    base_free(audit->finding);
    base_free(audit->exposed.p);
    *audit = (MiaAudit){0};
}

bool mia_is_played(const MiaGameScores *g, MiaGame game)
{
    return g->n > 0 && g->unlearned.M > 0 && (game == MIA_GAME_FORGET || g->retrained.M >= 2);
}

BaseStatus mia_table_against(const MiaGameScores *g, MiaGame game, const double *judged, MiaTable *out)
{
    BaseStatus st = BASE_OK;
    const double **model = NULL;
    int64_t R = g->retrained.M, M = 0;
    *out = (MiaTable){0};
    BASE_TRY(BASE_ALLOC(R + 1, &model));
    if (judged) model[M++] = judged;
    for (int64_t r = 0; r < R; r++) model[M++] = g->retrained.score + r * g->n;
    BASE_TRY(mia_statistics(g, game, model, M, judged != NULL, out));
out:
    base_free(model);
    return st;
}

const MiaAuditScores *mia_scores_of(const MiaAuditScores *scores, int64_t attacks, const MiaFinding *f)
{
    for (int64_t i = 0; i < attacks; i++)
        if (strcmp(scores[i].attack, f->attack) == 0) return &scores[i];
    return &scores[0];
}

const MiaJudgement *mia_finding_first(const MiaFinding *f, MiaStatistic *which)
{
    const MiaJudgement *first = NULL;
    bool first_agrees = false;
    for (int s = 0; s < MIA_STATISTICS; s++) {
        const MiaJudgement *j = &f->at[s];
        bool agrees = j->verdict == f->verdict; /* those that make the verdict come first */
        if (!j->judged || (first && (agrees != first_agrees ? first_agrees : !(j->p < first->p)))) continue;
        first = j;
        first_agrees = agrees;
        if (which) *which = (MiaStatistic)s;
    }
    return first;
}

const MiaFinding *mia_audit_headline(const MiaAudit *audit, MiaGame game)
{
    const MiaFinding *best = NULL;
    int best_counts = 0;
    double least = INFINITY;
    for (int64_t i = 0; i < audit->count; i++) {
        const MiaFinding *f = &audit->finding[i];
        const MiaJudgement *j = mia_finding_first(f, NULL);
        int counts = (audit->game[f->game] == audit->verdict) + (f->verdict == audit->game[f->game]);
        if (!j || (game != MIA_GAMES && f->game != game)) continue;
        if (game == MIA_GAMES && audit->game[f->game] != audit->verdict) counts = 0;
        if (best && (best_counts != counts ? best_counts > counts : !(j->p < least))) continue;
        best = f;
        best_counts = counts;
        least = j->p;
    }
    return best;
}
