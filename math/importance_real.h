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

/* out = W V diag(weight) V^T for W [rows, f] and V's rows basis [count, f]; weight: a function of s and alpha. */
static BaseStatus NAME(filter)(const REAL *basis, int64_t count, int64_t f, const double *spectrum, double alpha,
                               Weight weight, const REAL *w, int64_t rows, REAL *out, Responses *seen)
{
    BaseStatus st = BASE_OK;
    REAL *c = NULL; /* [rows, count] */
    BASE_TRY(BASE_ALLOC_RAW(rows * count, &c));
    BASE_TRY(NAME(math_gemm)(false, true, rows, count, f, 1, w, basis, 0, c));
    for (int64_t i = 0; i < count; i++) {
        REAL factor = (REAL)weight(spectrum[i], alpha);
        double squares = 0;
        for (int64_t r = 0; r < rows; r++) {
            squares += (double)c[r * count + i] * (double)c[r * count + i];
            c[r * count + i] *= factor;
        }
        seen->in += spectrum[i] * squares;
        seen->out += spectrum[i] * squares * (double)factor * (double)factor;
    }
    BASE_TRY(NAME(math_gemm)(false, false, rows, f, count, 1, c, basis, 0, out));
out:
    base_free(c);
    return st;
}

/* Rows b <- b ((alpha - 1) S + I)^-1 by Cholesky; b [rows, side]. */
static BaseStatus NAME(solve)(const REAL *gram, int64_t side, double alpha, REAL *b, int64_t rows)
{
    BaseStatus st = BASE_OK;
    REAL *a = NULL, above = (REAL)(alpha - 1);
    BASE_TRY(BASE_ALLOC_RAW(side * side, &a));
#pragma omp parallel for schedule(static, 16)
    for (int64_t i = 0; i < side; i++) {
        for (int64_t j = 0; j <= i; j++) a[i * side + j] = above * gram[i * side + j];
        a[i * side + i] += 1;
    }
    BASE_TRY(NAME(math_cholesky)(side, a));
    BASE_TRY(NAME(math_cholesky_solve)(side, a, rows, b));
out:
    base_free(a);
    return st;
}

/* out = W P, or W (I - P) = (W - W G) A^-1, which does not cancel where P is near I. @p spectrum: G is decomposed. */
static BaseStatus NAME(primal)(const REAL *gram, int64_t f, const double *spectrum, double alpha, bool complement,
                               const REAL *w, int64_t rows, REAL *out, Responses *seen)
{
    BaseStatus st = BASE_OK;
    REAL *wg = NULL; /* W G */
    int64_t size = rows * f;
    if (spectrum)
        return NAME(filter)(gram, f, f, spectrum, alpha, complement ? rest_of : importance_of, w, rows, out, seen);
    BASE_TRY(BASE_ALLOC_RAW(size, &wg));
    BASE_TRY(NAME(math_symm)(rows, f, w, gram, wg));
    for (int64_t i = 0; i < size; i++) {
        seen->in += (double)w[i] * (double)wg[i];
        out[i] = complement ? w[i] - wg[i] : (REAL)alpha * wg[i];
    }
    BASE_TRY(NAME(solve)(gram, f, alpha, out, rows));
    seen->out = NAN;
    if (complement || !separable(alpha)) goto out;
    seen->out = 0; /* out A = alpha W G, so out G = (alpha W G - out) / (alpha - 1) */
    for (int64_t i = 0; i < size; i++)
        seen->out += (double)out[i] * (alpha * (double)wg[i] - (double)out[i]) / (alpha - 1);
out:
    base_free(wg);
    return st;
}
