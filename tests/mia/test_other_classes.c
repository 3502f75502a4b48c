/* The attack on the classes other than the forgotten one. */
#include "tests/mia/pair.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"

enum { CN = 90, CM = 8, CK = 5 };
static struct {
    double z[CN * CK], un[CM * CN * CK], re[CM * CN * CK];
    int32_t labels[CN];
    uint8_t role[CN];
} c;

/* Class 1 is forgotten: its probability is near 0 everywhere. What unlearned models put on class 2 is higher by @p
 * shift. */
static MiaInput classes_make(double shift, uint64_t seed)
{
    BaseRandom r = base_random_make(seed, "classes_test", 0);
    for (int i = 0; i < CN; i++) {
        c.labels[i] = 1;
        c.role[i] = (uint8_t)(i % 3);
        double centre[CK];
        for (int j = 0; j < CK; j++) centre[j] = 2 * base_random_normal(&r);
        for (int m = 0; m < 2 * CM + 1; m++) {
            double *z = m == 2 * CM ? c.z : m < CM ? c.un + m * CN * CK : c.re + (m - CM) * CN * CK;
            for (int j = 0; j < CK; j++) z[i * CK + j] = centre[j] + base_random_normal(&r);
            z[i * CK + 1] = -30;
            if ((m < CM || m == 2 * CM) && i % 3) z[i * CK + 2] += shift;
        }
    }
    return (MiaInput){.N = CN,
                      .K = CK,
                      .logits = c.z,
                      .labels = c.labels,
                      .role = c.role,
                      .U = CM,
                      .R = CM,
                      .unlearned_logits = c.un,
                      .retrained_logits = c.re};
}

static void other_classes_tell(void **state)
{
    (void)state;
    MiaInput in = classes_make(2, 70);
    MiaResult r = pair_attack("other_classes", &in, NULL), loss = pair_attack("loss", &in, NULL);
    MathEstimate cv = pair_number(&r, "cv_balanced_accuracy");
    print_message("cross-validated %.3f [%.3f, %.3f]; AUC %.3f, of the loss %.3f\n", cv.value, cv.lo, cv.hi,
                  r.auc.value, loss.auc.value);
    assert_true(cv.lo > 0.7 && r.auc.value > 0.75 && fabs(loss.auc.value - 0.5) < 0.2);
    MiaResult again;
    for (int i = 0; i < CN; i++) c.z[i * CK + 1] += 50; /* the class's own logit is not looked at */
    again = pair_attack("other_classes", &in, NULL);
    for (int i = 0; i < CN; i++) assert_near(again.score[i], r.score[i], 1e-12, 1e-12);
    mia_result_free(&again);
    mia_result_free(&r);
    mia_result_free(&loss);
    int inside = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        in = classes_make(0, 80 + seed);
        r = pair_attack("other_classes", &in, NULL);
        cv = pair_number(&r, "cv_balanced_accuracy");
        inside += cv.lo <= 0.5 && 0.5 <= cv.hi;
        mia_result_free(&r);
    }
    print_message("1/2 inside: %d of 40\n", inside);
    assert_true(inside >= 32); /* binomial(40, 0.95) is below 32 with probability 0.0002 */
}

/* log q of row @p z over the other classes. */
static void log_q(const double *z, double q[CK - 1])
{
    double sum = 0;
    int n = 0;
    for (int j = 0; j < CK; j++)
        if (j != 1) sum += exp(z[j]);
    for (int j = 0; j < CK; j++)
        if (j != 1) q[n++] = z[j] - log(sum);
}

/* The discriminant written down: features of every model and point, covariance about the groups' means, elimination. */
static void other_classes_as_naive(void **state)
{
    (void)state;
    enum { D = CK - 1 };
    static double f[2 * CM][CN][D], q[2 * CM][CN][D];
    double mean[2][D] = {{0}}, sigma[D][D + 1] = {{0}}, rows = CM * 2.0 / 3 * CN, trace = 0;
    MiaInput in = classes_make(1, 90);
    MiaResult r = pair_attack("other_classes", &in, SET("shrinkage=0.3"));
    for (int m = 0; m < 2 * CM; m++)
        for (int i = 0; i < CN; i++) log_q((m < CM ? c.un + m * CN * CK : c.re + (m - CM) * CN * CK) + i * CK, q[m][i]);
    for (int m = 0; m < 2 * CM; m++)
        for (int i = 0; i < CN; i++)
            for (int j = 0; j < D; j++) {
                double base = 0;
                for (int k = CM; k < 2 * CM; k++) base += k == m ? 0 : q[k][i][j];
                f[m][i][j] = q[m][i][j] - base / (m < CM ? CM : CM - 1);
                if (c.role[i] != MIA_NONMEMBER) mean[m < CM][j] += f[m][i][j] / rows;
            }
    for (int m = 0; m < 2 * CM; m++)
        for (int i = 0; i < CN; i++)
            for (int a = 0; a < D && c.role[i] != MIA_NONMEMBER; a++)
                for (int b = 0; b < D; b++)
                    sigma[a][b] += (f[m][i][a] - mean[m < CM][a]) * (f[m][i][b] - mean[m < CM][b]) / (2 * rows);
    for (int a = 0; a < D; a++) trace += sigma[a][a];
    for (int a = 0; a < D; a++) {
        for (int b = 0; b < D; b++) sigma[a][b] *= 0.7;
        sigma[a][a] += 0.3 * trace / D;
        sigma[a][D] = mean[1][a] - mean[0][a];
    }
    for (int k = 0; k < D; k++)
        for (int a = 0; a < D; a++)
            for (int b = D; a != k && b >= k; b--) sigma[a][b] -= sigma[a][k] / sigma[k][k] * sigma[k][b];
    for (int i = 0; i < CN; i++) {
        double want = 0, target[D];
        log_q(c.z + i * CK, target);
        for (int j = 0; j < D; j++) {
            double base = 0;
            for (int k = CM; k < 2 * CM; k++) base += q[k][i][j] / CM;
            want += sigma[j][D] / sigma[j][j] * (target[j] - base - (mean[1][j] + mean[0][j]) / 2);
        }
        assert_near(r.score[i], want, 1e-10, 1e-9); /* condition about 1e3 */
    }
    mia_result_free(&r);
}

/* Too few models for the jackknife: scores and cross-validation without an interval, or scores alone; a label without
 * trained points still has scores. */
static void few_models_and_lone_labels(void **state)
{
    (void)state;
    MiaInput in = classes_make(2, 91);
    for (int i = 0; i < CN; i += 3) c.labels[i] = i % 2 ? 3 : 1;
    in.R = 2;
    MiaResult r = pair_attack("other_classes", &in, NULL);
    assert_near(pair_number(&r, "cv_balanced_accuracy").value, NAN, 0, 0);
    mia_result_free(&r);
    in.R = 3;
    r = pair_attack("other_classes", &in, NULL);
    assert_true(pair_number(&r, "cv_balanced_accuracy").value > 0.6);
    assert_near(pair_number(&r, "cv_balanced_accuracy").lo, NAN, 0, 0);
    assert_true(r.auc.value > 0.7);
    mia_result_free(&r);
    memset(&c.un, 0, sizeof c.un);
    memset(&c.re, 0, sizeof c.re);
    r = pair_attack("other_classes", &in, NULL);
    for (int i = 0; i < CN; i++) assert_near(r.score[i], 0, 1e-12, 0); /* log q rounds */
    mia_result_free(&r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(other_classes_tell),
    cmocka_unit_test(other_classes_as_naive),
    cmocka_unit_test(few_models_and_lone_labels),
};

SUPPORT_MAIN(tests)
