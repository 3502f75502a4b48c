/* mia/svc.c - a support vector classifier on signals of the logits, the "MIA" of the unlearning papers (Kodge et al.
 * 2024; Unlearn-Sparse; SalUn): C-SVC with kernel exp(-gamma |x - x'|^2), gamma = 1 / features, C = 3, fitted to
 * members (1) against non-members (0); efficacy = share of the audited points called non-member. The score is the
 * decision value, positive on the member side, so the threshold is 0.
 * One number per point is fitted by mia/line, within a proven 1e-3 of the exact decision values (libsvm stops at a KKT
 * violation of 1e-3 itself); several numbers per point, and what mia/line gives back as too hard, by libsvm.
 * Where one kind is much rarer than the other, the exact decision value may be nearly the same for all points (the many
 * balance every moment of the few). Decision values that span less than they are accurate to say which side all points
 * are on, but their order is the solver's rounding: no ROC then. A tighter solution does not help: libsvm's kernel is
 * float32, and of 2000 + 200 points mia/line's span falls to 3e-15 as its gap does.
 * modified_entropy is Song & Mittal's; what the published code computes is features=modified_entropy_published. */
#include "mia/mia.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#if __has_include(<libsvm/svm.h>)
#include <libsvm/svm.h>
#else
#include <svm.h>
#endif

#include "base/memory.h"
#include "base/random.h"
#include "mia/fit/features.h"
#include "mia/line/line.h"

typedef struct {
    double C, gamma;
    int64_t features, max_points, solver;
} Params;

/* How far libsvm's decision values may be off: measured, 8e-3 on 1000 + 100 points, as its violation of 1e-3 is no
 * bound. */
static const double LIBSVM_ERROR = 0.02;

typedef enum { AUTO, LIBSVM } SolverChoice;
static const char *const SOLVERS[] = {"auto", "libsvm", NULL};

static const BaseParam PARAMS[] = {
    BASE_PARAM_F64(Params, C, 3, 1e-9, 1e9, "cost C of a point on the wrong side"),
    BASE_PARAM_F64(Params, gamma, 0, 0, 1e9, "width of the kernel exp(-gamma d^2); 0: 1 / number of features"),
    BASE_PARAM_CHOICE(Params, features, MIA_FEATURES_CONFIDENCE, mia_features_names,
                      "features taken from a prediction"),
    BASE_PARAM_I64(Params, max_points, 0, 0, 1e9,
                   "largest number of members, and of non-members, to fit to, drawn by the seed; 0: all"),
    BASE_PARAM_CHOICE(Params, solver, AUTO, SOLVERS, "auto: exact for points of one number; or always libsvm"),
};

static void silent(const char *text) { (void)text; }
static void silence(void) { svm_set_print_string_function(silent); }

/* Indices of one role, at most @p most (0: all), ascending. @p at has room for all of them; *all = how many there are.
 */
static BaseStatus draw(const MiaInput *input, MiaRole role, int64_t most, int64_t *at, int64_t *count, int64_t *all)
{
    BaseStatus st = BASE_OK;
    int64_t *pick = NULL;
    int64_t n = 0;
    for (int64_t i = 0; i < input->N; i++)
        if (input->role[i] == role) at[n++] = i;
    *all = *count = n;
    if (most == 0 || n <= most) return BASE_OK;
    BASE_TRY(BASE_ALLOC(most, &pick));
    BaseRandom r = base_random_make(input->seed, "svc_points", (uint64_t)role);
    base_random_choose(&r, n, most, pick);
    for (int64_t i = 0; i < most; i++) at[i] = at[pick[i]]; /* pick[i] >= i: nothing is overwritten before it is read */
    *count = most;
out:
    base_free(pick);
    return st;
}

/* Sparse rows of libsvm over dense features; every row ends with index -1. */
static void rows_fill(const double *x, int64_t N, int64_t width, struct svm_node *nodes)
{
    for (int64_t i = 0; i < N; i++) {
        struct svm_node *row = nodes + i * (width + 1);
        for (int64_t j = 0; j < width; j++) row[j] = (struct svm_node){(int)(j + 1), x[i * width + j]};
        row[width].index = -1;
    }
}

/* C-SVC by libsvm on the rows @p at, non-members first; decision values of all N rows of @p x to @p value. */
static BaseStatus fit_libsvm(const double *x, int64_t N, int64_t width, const int64_t *at, int64_t non, int64_t mem,
                             double C, double gamma, double *value)
{
    BaseStatus st = BASE_OK;
    double *y = NULL;
    struct svm_node *nodes = NULL, **rows = NULL;
    struct svm_model *model = NULL;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, silence);
    BASE_CHECK(N <= INT32_MAX / 2 && width < INT32_MAX, BASE_ELIMIT,
               "svc: %lld points of %lld features are more than libsvm counts", (long long)N, (long long)width);
    BASE_TRY(BASE_ALLOC_RAW(N * (width + 1), &nodes));
    BASE_TRY(BASE_ALLOC(N, &y));
    BASE_TRY(BASE_ALLOC(N, &rows));
    rows_fill(x, N, width, nodes);
    for (int64_t i = 0; i < non + mem; i++) {
        rows[i] = nodes + at[i] * (width + 1);
        y[i] = i < non ? 0 : 1;
    }
    struct svm_problem problem = {.l = (int)(non + mem), .y = y, .x = rows};
    struct svm_parameter how = {.svm_type = C_SVC, .kernel_type = RBF, .cache_size = 200, .eps = 1e-3, .shrinking = 1};
    how.C = C;
    how.gamma = gamma;
    const char *wrong = svm_check_parameter(&problem, &how);
    BASE_CHECK(!wrong, BASE_EBACKEND, "svc: libsvm refuses the parameters: %s", wrong);
    model = svm_train(&problem, &how); /* keeps pointers into nodes */
    BASE_CHECK(model && svm_get_nr_class(model) == 2, BASE_EBACKEND,
               "svc: libsvm fitted no classifier to %lld + %lld points", (long long)mem, (long long)non);
    int label[2];
    svm_get_labels(model, label);
    double side = label[0] == 1 ? 1 : -1;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < N; i++) {
        double seen;
        svm_predict_values(model, nodes + i * (width + 1), &seen);
        value[i] = side * seen;
    }
out:
    if (model) svm_free_and_destroy_model(&model);
    base_free(y);
    base_free(nodes);
    base_free(rows);
    return st;
}

/* The same where a point is one number. *solved false: nothing was written. */
static BaseStatus fit_line(const double *x, int64_t N, const int64_t *at, int64_t non, int64_t mem, double C,
                           double gamma, double *value, bool *solved)
{
    BaseStatus st = BASE_OK;
    double *fitted = NULL;
    uint8_t *member = NULL;
    MiaLine line;
    BASE_TRY(BASE_ALLOC_RAW(non + mem, &fitted));
    BASE_TRY(BASE_ALLOC_RAW(non + mem, &member));
    for (int64_t i = 0; i < non + mem; i++) {
        fitted[i] = x[at[i]];
        member[i] = i >= non;
    }
    BASE_TRY(mia_line_fit(fitted, member, non + mem, C, gamma, &line));
    *solved = line.solved;
    for (int64_t i = 0; line.solved && i < N; i++) value[i] = mia_line_decide(&line, x[i]);
out:
    base_free(fitted);
    base_free(member);
    return st;
}

/* Of the scores that a ROC would order. */
static double span_of(const MiaInput *in, const double *value)
{
    double least = INFINITY, most = -INFINITY;
    for (int64_t i = 0; i < in->N; i++) {
        if (in->role[i] == MIA_AUDITED) continue;
        least = fmin(least, value[i]);
        most = fmax(most, value[i]);
    }
    return most - least;
}

static void describe(const MiaInput *in, bool solved, const char *fitted, MiaScores *out)
{
    double span = span_of(in, out->score), accuracy = solved ? MIA_LINE_ERROR : LIBSVM_ERROR;
    out->unranked = span > 0 && span <= accuracy; /* all the same: an AUC of 1/2 */
    if (out->unranked)
        snprintf(out->notes, sizeof out->notes,
                 "%s; decision values span %.2g and are accurate to %g: their order is rounding, so there is no AUC",
                 fitted, span, accuracy);
    else
        snprintf(out->notes, sizeof out->notes, "%s; the AUC is over the points it was fitted to", fitted);
}

static BaseStatus score(const MiaInput *input, const void *params, MiaScores *out)
{
    BaseStatus st = BASE_OK;
    const Params *p = params;
    int64_t N = input->N, width = mia_features_width((MiaFeatures)p->features, input->K);
    int64_t non = 0, mem = 0, all_non = 0, all_mem = 0;
    double *x = NULL, gamma = p->gamma > 0 ? p->gamma : 1 / (double)width;
    int64_t *at = NULL;
    bool solved = false;
    char fitted[256];
    BASE_TRY(BASE_ALLOC_RAW(N * width, &x));
    BASE_TRY(BASE_ALLOC(N, &at));
    BASE_TRY(mia_features_fill(input, (MiaFeatures)p->features, x));
    /* non-members first: libsvm's first-seen label is the positive side, and scikit-learn sorts the labels */
    BASE_TRY(draw(input, MIA_NONMEMBER, p->max_points, at, &non, &all_non));
    BASE_TRY(draw(input, MIA_MEMBER, p->max_points, at + non, &mem, &all_mem));
    if (width == 1 && p->solver == AUTO) BASE_TRY(fit_line(x, N, at, non, mem, p->C, gamma, out->score, &solved));
    if (!solved) BASE_TRY(fit_libsvm(x, N, width, at, non, mem, p->C, gamma, out->score));
    out->threshold = 0;
    out->fitted = MIA_FITTED;
    snprintf(fitted, sizeof fitted, "fitted to %lld + %lld of %lld + %lld points (members + non-members), %s",
             (long long)mem, (long long)non, (long long)all_mem, (long long)all_non, mia_features_names[p->features]);
    describe(input, solved, fitted, out);
out:
    base_free(x);
    base_free(at);
    return st;
}

const MiaAttack mia_svc = {
    .entry = BASE_ENTRY("svc", "support vector classifier on the confidence, as used in unlearning papers",
                        "Kodge et al. 2024, arXiv 2312.00761; Unlearn-Sparse; SalUn", Params, PARAMS),
    .headline = true,
    .sets = "member and non-member: the points the classifier is fitted to; audited: those it then judges",
    .score = score,
};
