/* mia/rmia/rmia.h - the attack RMIA (the authors' code: ml_privacy_meter, research/2024_rmia), shared by its online and
 * offline forms.
 *
 *     ratio(x) = p(x | target) / p(x)
 *     score(x) = share of population points z with ratio(x) / ratio(z) >= gamma
 *
 * p(x | model) is the probability of the true label. p(x) is its mean over reference (shadow) models:
 *
 *     online   1/2 (mean over models trained on x + mean over models that were not)
 *     offline  (1 + a)/2 mean over models not trained on x + (1 - a)/2, for a mean over the others of a * mean + 1 - a
 *
 * The population trained no reference model: p(z) is the mean over all of them, offline with the same a.
 * All in logarithms, so that no probability underflows. ratio(z) is sorted once and searched: no n x Z matrix.
 */
#ifndef MIA_RMIA_RMIA_H
#define MIA_RMIA_RMIA_H

#include "mia/mia.h"

/** Parameter settings of published code, laid over those given. */
typedef enum {
    MIA_RMIA_AS_SET,
    MIA_RMIA_PRIVACY_METER, /* ml_privacy_meter 2: gamma 1, ratio strictly above; offline, p(x) from the S/2 largest
                               p(x | model) of the models not trained on x, p(z) from the S/2 largest of all models: it
                               sorts p(x | model), 0 where x was trained on, and takes the first half as those without
                               x, for a population that trained no model too */
    MIA_RMIA_RESEARCH,      /* its research/2024_rmia: gamma 2, strictly, a = 0.3, soft-margin Taylor probability at
                               temperature 2, one fifth of the reference models cut off at either end */
    MIA_RMIA_LEAKPRO,       /* LeakPro: gamma 2, strictly, a = 0.33, temperature 2 (it also halves the population at
                               random, which is not repeated) */
} MiaRmiaCompat;
typedef enum { MIA_RMIA_SOFTMAX, MIA_RMIA_SM_TAYLOR } MiaRmiaSignal;
extern const char *const mia_rmia_compats[], *const mia_rmia_signals[];

typedef struct {
    double gamma, offline_a, temperature, trim;
    bool strict, correct_population;
    MiaRmiaSignal signal;
    MiaRmiaCompat compat;
    bool online;
} MiaRmia;

/** BASE_EARG where a point lacks reference models of a kind that is needed. O((S + 1) (N + Z) K + (N + Z) log Z). */
BaseStatus mia_rmia_score(const MiaInput *input, MiaRmia how, MiaScores *out);

/** Share of @p z [Z] (ascending) with x - z >= log_gamma, or > where @p strict. */
double mia_rmia_share(const double *z, int64_t Z, double x, double log_gamma, bool strict);

#endif
