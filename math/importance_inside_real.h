/* math/importance_inside_real.h - the body of importance_inside.c in one precision: included once with REAL float, once
 * with REAL double. S is G or K, normalised, or its eigenvectors as rows where m->spectrum is there. */
#define IS_FLOAT (sizeof(REAL) == sizeof(float))

/* *out = @p x itself where REAL is float, or a widened copy in *room. */
static BaseStatus NAME(typed)(const float *x, int64_t n, REAL **room, const REAL **out)
{
    BaseStatus st = BASE_OK;
    *room = NULL;
    *out = (const REAL *)(const void *)x;
    if (IS_FLOAT) return BASE_OK;
    BASE_TRY(BASE_ALLOC_RAW(n, room));
    for (int64_t i = 0; i < n; i++) (*room)[i] = (REAL)x[i];
    *out = *room;
out:
    return st;
}

static BaseStatus NAME(enter)(const MathImportance *m, const REAL *s, const float *w, int64_t rows, REAL *inside)
{
    BaseStatus st = BASE_OK;
    float *z = NULL; /* [rows, n] = W X^T */
    REAL *room = NULL;
    const REAL *x;
    bool direct = IS_FLOAT && !m->spectrum;
    if (m->dual) {
        if (!direct) BASE_TRY(BASE_ALLOC_RAW(rows * m->n, &z));
        BASE_TRY(math_rows_respond(m, w, rows, direct ? (float *)(void *)inside : z));
        if (direct) goto out;
        BASE_TRY(NAME(typed)(z, rows * m->n, &room, &x));
        if (m->spectrum)
            BASE_TRY(NAME(math_gemm)(false, true, rows, m->n, m->n, 1, x, s, 0, inside));
        else
            memcpy(inside, x, (size_t)(rows * m->n) * sizeof *inside);
        goto out;
    }
    BASE_TRY(NAME(typed)(w, rows * m->f, &room, &x));
    if (m->spectrum)
        BASE_TRY(NAME(math_gemm)(false, true, rows, m->count, m->f, 1, x, s, 0, inside));
    else
        BASE_TRY(NAME(math_symm)(rows, m->f, x, s, inside));
out:
    base_free(z);
    base_free(room);
    return st;
}

static double NAME(response)(const MathImportance *m, const float *w, const REAL *inside, int64_t rows, int64_t width)
{
    double sum = 0;
    for (int64_t i = 0; i < rows * width; i++) {
        double value = (double)inside[i];
        if (m->dual)
            sum += value * value;
        else
            sum += m->spectrum ? m->spectrum[i % width] * value * value : value * (double)w[i];
    }
    return sum;
}

/* A = (alpha - 1) S + I = L L^T; *out owned by the caller */
static BaseStatus NAME(factorise)(const REAL *s, int64_t side, double alpha, REAL **out)
{
    BaseStatus st = BASE_OK;
    REAL above = (REAL)(alpha - 1);
    BASE_TRY(BASE_ALLOC_RAW(side * side, out));
    REAL *a = *out;
#pragma omp parallel for schedule(static, 16)
    for (int64_t i = 0; i < side; i++) {
        for (int64_t j = 0; j <= i; j++) a[i * side + j] = above * s[i * side + j];
        a[i * side + i] += 1;
    }
    BASE_TRY(NAME(math_cholesky)(side, a));
out:
    if (st != BASE_OK) {
        base_free(*out);
        *out = NULL;
    }
    return st;
}

/* Spectral routes: c = inside diag(weight(s)), then out = c V, or in the dual combined with X. */
static BaseStatus NAME(leave_spectral)(const MathImportance *m, const REAL *v, double alpha, bool rest,
                                       const REAL *inside, int64_t rows, float *out, double *response)
{
    BaseStatus st = BASE_OK;
    int64_t count = m->count, width = m->dual ? m->n : m->f;
    REAL *c = NULL, *room = NULL;
    float *y = NULL; /* dual: [rows, n] */
    Weight weight = m->dual ? inverse_of : rest ? rest_of : importance_of;
    BASE_TRY(BASE_ALLOC_RAW(rows * count, &c));
    *response = 0;
    for (int64_t i = 0; i < rows * count; i++) {
        double s = m->spectrum[i % count], value = (double)inside[i];
        c[i] = (REAL)(weight(s, alpha) * value);
        /* through V (dual: through Q, where out X^T = alpha y K) everything is diagonal */
        double left = m->dual ? alpha * s * (double)c[i] : (double)c[i];
        *response += m->dual ? left * left : s * left * left;
    }
    if (m->dual) BASE_TRY(BASE_ALLOC_RAW(rows * width, &y));
    float *to = m->dual ? y : out;
    if (!IS_FLOAT) BASE_TRY(BASE_ALLOC_RAW(rows * width, &room));
    BASE_TRY(NAME(math_gemm)(false, false, rows, width, count, 1, c, v, 0, IS_FLOAT ? (REAL *)(void *)to : room));
    for (int64_t i = 0; room && i < rows * width; i++) to[i] = (float)room[i];
    if (m->dual) BASE_TRY(math_rows_combine(m, alpha, y, rows, out));
out:
    base_free(c);
    base_free(room);
    base_free(y);
    return st;
}

/* Closed: (alpha inside) A^-1, or with @p rest (W - inside) A^-1, which does not cancel where P is near I; dual: inside
 * B^-1, combined with X. */
static BaseStatus NAME(leave_closed)(const MathImportance *m, const REAL *l, double alpha, bool rest, const float *w,
                                     const REAL *inside, int64_t rows, float *out, double *response)
{
    BaseStatus st = BASE_OK;
    int64_t size = rows * m->side;
    REAL *room = NULL;
    float *y = NULL; /* dual: [rows, n] */
    if (m->dual) BASE_TRY(BASE_ALLOC_RAW(size, &y));
    float *to = m->dual ? y : out;
    if (!IS_FLOAT) BASE_TRY(BASE_ALLOC_RAW(size, &room));
    REAL *b = IS_FLOAT ? (REAL *)(void *)to : room, factor = m->dual ? 1 : (REAL)alpha;
    for (int64_t i = 0; i < size; i++) b[i] = rest ? (REAL)w[i] - inside[i] : factor * inside[i];
    BASE_TRY(NAME(math_cholesky_solve)(m->side, l, rows, b));
    *response = rest || !separable(alpha) ? NAN : 0;
    for (int64_t i = 0; !isnan(*response) && i < size; i++) {
        double after = (double)b[i], before = (double)inside[i];
        if (m->dual) { /* out X^T = alpha y K = alpha (z - y) / (alpha - 1) */
            double left = alpha * (before - after) / (alpha - 1);
            *response += left * left;
        } else { /* out A = alpha W G, so out G = (alpha W G - out) / (alpha - 1) */
            *response += after * (alpha * before - after) / (alpha - 1);
        }
    }
    for (int64_t i = 0; room && i < size; i++) to[i] = (float)room[i];
    if (m->dual) BASE_TRY(math_rows_combine(m, alpha, y, rows, out));
out:
    base_free(room);
    base_free(y);
    return st;
}

/* tr(W G W^T) from the lower triangles of W^T W and G, BLOCK columns at a time: half the work of W G. */
static BaseStatus NAME(quadratic)(const REAL *g, int64_t f, const float *w, int64_t rows, double *out)
{
    BaseStatus st = BASE_OK;
    REAL *room = NULL, *block = NULL;
    double *sums = NULL;
    const REAL *x;
    BASE_TRY(NAME(typed)(w, rows * f, &room, &x));
    BASE_TRY(BASE_ALLOC_RAW(BLOCK * f, &block));
    BASE_TRY(BASE_ALLOC_RAW(BLOCK, &sums));
    *out = 0;
    for (int64_t at = 0; at < f; at += BLOCK) {
        int64_t wide = f - at < BLOCK ? f - at : BLOCK, end = at + wide;
        BASE_TRY(NAME(math_gemm_block)(true, false, wide, end, rows, 1, x + at, f, x, f, 0, block, f));
#pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < wide; i++) {
            const REAL *a = block + i * f, *b = g + (at + i) * f;
            double below = 0;
            for (int64_t j = 0; j < at + i; j++) below += (double)(a[j] * b[j]);
            sums[i] = 2 * below + (double)(a[at + i] * b[at + i]);
        }
        for (int64_t i = 0; i < wide; i++) *out += sums[i]; /* in one order, whatever the threads */
    }
out:
    base_free(room);
    base_free(block);
    base_free(sums);
    return st;
}

#undef IS_FLOAT
