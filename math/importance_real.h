/* math/importance_real.h - what importance.c does with the symmetric matrix S (G or K, normalised, [side, side]) in one
 * precision: included once with REAL float, once with REAL double. */

/* S is divided (so that one lone feature has s = 1 and not 1 less a rounding), lower triangle; *rank = 1 / ||S||_F^2.
 * The non-zero eigenvalues of G and K are the same, so are the norms. */
static BaseStatus NAME(divide)(REAL *gram, int64_t side, double by, double *rank)
{
    BaseStatus st = BASE_OK;
    double *squares = NULL, sum = 0; /* of each row, so that the order of the sum is one */
    BASE_TRY(BASE_ALLOC_RAW(side, &squares));
#pragma omp parallel for schedule(static, 16)
    for (int64_t i = 0; i < side; i++) {
        REAL *row = gram + i * side;
        double below = 0;
        for (int64_t j = 0; j <= i; j++) row[j] /= (REAL)by;
        for (int64_t j = 0; j < i; j++) below += (double)row[j] * (double)row[j];
        squares[i] = 2 * below + (double)row[i] * (double)row[i];
    }
    for (int64_t i = 0; i < side; i++) sum += squares[i];
    *rank = 1 / sum;
out:
    base_free(squares);
    return st;
}

static BaseStatus NAME(eigen)(int64_t side, REAL *gram, double *spectrum)
{
    BaseStatus st = BASE_OK;
    REAL *s = NULL;
    BASE_TRY(BASE_ALLOC_RAW(side, &s));
    BASE_TRY(NAME(math_eigen)(side, gram, s));
    for (int64_t i = 0; i < side; i++) spectrum[i] = s[i] > 0 ? (double)s[i] : 0; /* rounding leaves some below 0 */
out:
    base_free(s);
    return st;
}
