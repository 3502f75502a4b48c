/* nn/tuning.c - rows kept in the order of their keys and written in it; a file is checked word by word. */
#include "nn/tuning.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/order.h"
#include "io/file.h"
#include "math/threads.h"

struct NnTuning {
    NnTuningRow *rows; /* [count], ascending by key */
    int count;
    char hash[BASE_HASH_HEX];
};

static const char FIRST_LINE[] = "expunge-tuning 1";
static const char *const PASSES[] = {"infer", "forward", "data", "weights"};
static const char *const ALGORITHMS[] = {"direct", "winograd", "unfold"};
static const char *const ISAS[] = {
    "generic",          "sse41",          "avx", "avx2", "avx2_vnni", "avx512_core", "avx512_core_vnni",
    "avx512_core_bf16", "avx512_core_amx"};
enum { COLUMNS = 13, BYTES_MAX = 16 << 20 };

const char *nn_pass_name(NnPass pass) { return PASSES[pass]; }
const char *nn_conv_algorithm_name(NnConvAlgorithm algorithm) { return ALGORITHMS[algorithm]; }

/* The whole numbers of a row in the order of its columns. */
enum { THREADS, IMAGES, CHANNELS, HEIGHT, WIDTH, FILTERS, KERNEL, STRIDE, PAD, NUMBERS };
static const char *const NUMBER_NAMES[NUMBERS] = {"threads", "images", "channels", "height", "width",
                                                  "filters", "kernel", "stride",   "pad"};
static int64_t *number(NnTuningRow *row, int which)
{
    int64_t *const at[NUMBERS] = {&row->threads, &row->n,      &row->C,      &row->H,  &row->W,
                                  &row->K,       &row->kernel, &row->stride, &row->pad};
    return at[which];
}

static int64_t value(const NnTuningRow *row, int which)
{
    NnTuningRow copy = *row;
    return *number(&copy, which);
}

/* Order of keys; images last, so that rows of one shape stand together. */
static int compare(const NnTuningRow *a, const NnTuningRow *b, bool with_images)
{
    int order = strcmp(a->isa, b->isa);
    if (order == 0) order = (int)a->precision - (int)b->precision;
    if (order == 0) order = (int)a->pass - (int)b->pass;
    for (int i = 0; i < NUMBERS && order == 0; i++)
        if (i != IMAGES) order = (value(a, i) > value(b, i)) - (value(a, i) < value(b, i));
    if (order == 0 && with_images) order = (a->n > b->n) - (a->n < b->n);
    return order;
}

static int name_index(const char *word, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, names[i]) == 0) return (int)i;
    return -1;
}

static BaseStatus check(const NnTuningRow *row)
{
    BaseStatus st = BASE_OK;
    for (int i = 0; i < NUMBERS; i++) {
        int64_t least = i == PAD ? 0 : 1, most = i == THREADS ? MATH_THREADS_MAX : 1 << 20, v = value(row, i);
        BASE_CHECK(v >= least && v <= most, BASE_EFORMAT, "%s = %lld: must be from %lld to %lld", NUMBER_NAMES[i],
                   (long long)v, (long long)least, (long long)most);
    }
    int64_t side = base_smaller(row->H, row->W);
    BASE_CHECK(row->kernel <= side + 2 * row->pad && row->pad < row->kernel, BASE_EFORMAT,
               "a kernel of %lld with padding %lld on %lldx%lld: the kernel must fit and exceed the padding",
               (long long)row->kernel, (long long)row->pad, (long long)row->H, (long long)row->W);
    BASE_CHECK(nn_backend_possible(row), BASE_EFORMAT,
               "%s cannot run the pass %s of %lldx%lldx%lldx%lld by %lld filters of %lldx%lld, stride %lld, padding "
               "%lld, in %s on %s",
               ALGORITHMS[row->algorithm], PASSES[row->pass], (long long)row->n, (long long)row->C, (long long)row->H,
               (long long)row->W, (long long)row->K, (long long)row->kernel, (long long)row->kernel,
               (long long)row->stride, (long long)row->pad, nn_precision_name(row->precision), row->isa);
out:
    return st;
}

static BaseStatus make_hash(NnTuning *t)
{
    BaseText text = {0};
    BaseStatus st = nn_tuning_text(t, &text);
    if (st == BASE_OK) base_hash_bytes(text.data, text.size, t->hash);
    base_text_free(&text);
    return st;
}

/* Adds without renewing the hash. */
static BaseStatus insert(NnTuning *t, const NnTuningRow *given)
{
    BaseStatus st = BASE_OK;
    NnTuningRow row = *given;
    int isa = name_index(row.isa, ISAS, BASE_COUNT(ISAS)), at = 0;
    BASE_CHECK(isa >= 0, BASE_EFORMAT, "instruction set '%.40s': is not one that oneDNN names", row.isa);
    row.isa = ISAS[isa];
    BASE_TRY(check(&row));
    while (at < t->count && compare(&t->rows[at], &row, true) < 0) at++;
    BASE_CHECK(at == t->count || compare(&t->rows[at], &row, true) != 0, BASE_EFORMAT,
               "this shape and pass are listed twice");
    BASE_TRY(BASE_GROW_BY_ONE(&t->rows, t->count));
    memmove(&t->rows[at + 1], &t->rows[at], (size_t)(t->count - at) * sizeof row);
    t->rows[at] = row;
    t->count++;
out:
    return st;
}

BaseStatus nn_tuning_create(NnTuning **out)
{
    BaseStatus st = BASE_ALLOC(1, out);
    if (st == BASE_OK) st = make_hash(*out);
    if (st != BASE_OK) {
        nn_tuning_free(*out);
        *out = NULL;
    }
    return st;
}

void nn_tuning_free(NnTuning *tuning)
{
    if (!tuning) return;
    base_free(tuning->rows);
    base_free(tuning);
}

BaseStatus nn_tuning_copy(const NnTuning *tuning, NnTuning **out)
{
    BaseStatus st = BASE_OK;
    NnTuning *copy = NULL;
    *out = NULL;
    BASE_TRY(BASE_ALLOC(1, &copy));
    *copy = *tuning;
    copy->rows = NULL;
    BASE_TRY(BASE_ALLOC(tuning->count, &copy->rows));
    if (tuning->count) memcpy(copy->rows, tuning->rows, (size_t)tuning->count * sizeof *copy->rows);
    *out = copy;
    copy = NULL;
out:
    nn_tuning_free(copy);
    return st;
}

BaseStatus nn_tuning_add(NnTuning *tuning, const NnTuningRow *row)
{
    BaseStatus st = insert(tuning, row);
    return st == BASE_OK ? make_hash(tuning) : st;
}

BaseStatus nn_tuning_text(const NnTuning *t, BaseText *out)
{
    base_text_add(out, "%s\n", FIRST_LINE);
    for (int i = 0; i < t->count; i++) {
        const NnTuningRow *r = &t->rows[i];
        base_text_add(out, "%s %lld %s %s %lld %lld %lld %lld %lld %lld %lld %lld %s\n", r->isa, (long long)r->threads,
                      nn_precision_name(r->precision), PASSES[r->pass], (long long)r->n, (long long)r->C,
                      (long long)r->H, (long long)r->W, (long long)r->K, (long long)r->kernel, (long long)r->stride,
                      (long long)r->pad, ALGORITHMS[r->algorithm]);
    }
    return out->st;
}

const char *nn_tuning_hash(const NnTuning *tuning) { return tuning->hash; }

bool nn_tuning_find(const NnTuning *t, const NnTuningRow *key, NnConvAlgorithm *out)
{
    bool found = false;
    for (int i = 0; i < t->count; i++) {
        if (compare(&t->rows[i], key, false) != 0) continue;
        *out = t->rows[i].algorithm;
        found = true;
        if (t->rows[i].n >= key->n) break;
    }
    return found;
}

/* ---- reading ---- */

static BaseStatus read_word(const char *word, const char *what, const char *const *names, size_t count, int *out)
{
    *out = name_index(word, names, count);
    if (*out >= 0) return BASE_OK;
    const char *near = base_text_nearest(word, names, count);
    return base_error_set(BASE_EFORMAT, "%s '%.40s' is unknown%s%s%s", what, word, near ? "; did you mean '" : "",
                          near ? near : "", near ? "'?" : "");
}

static BaseStatus read_row(char *line, NnTuningRow *row)
{
    static const char *const PRECISIONS[] = {"f32", "bf16"};
    BaseStatus st = BASE_OK;
    char *words[COLUMNS + 1], *rest = NULL;
    int count = 0, isa, precision, pass, algorithm;
    for (char *word = strtok_r(line, " \t\r", &rest); word && count <= COLUMNS; word = strtok_r(NULL, " \t\r", &rest))
        words[count++] = word;
    BASE_CHECK(count == COLUMNS, BASE_EFORMAT,
               "%s words: must be %d: instruction set, threads, precision, pass, images, channels, height, width, "
               "filters, kernel, stride, pad, algorithm",
               count < COLUMNS ? "too few" : "too many", COLUMNS);
    BASE_TRY(read_word(words[0], "instruction set", ISAS, BASE_COUNT(ISAS), &isa));
    BASE_TRY(read_word(words[2], "precision", PRECISIONS, BASE_COUNT(PRECISIONS), &precision));
    BASE_TRY(read_word(words[3], "pass", PASSES, BASE_COUNT(PASSES), &pass));
    BASE_TRY(read_word(words[COLUMNS - 1], "algorithm", ALGORITHMS, BASE_COUNT(ALGORITHMS), &algorithm));
    *row = (NnTuningRow){.isa = ISAS[isa],
                         .precision = (NnPrecision)precision,
                         .pass = (NnPass)pass,
                         .algorithm = (NnConvAlgorithm)algorithm};
    for (int i = 0; i < NUMBERS; i++) {
        const char *word = words[i == THREADS ? 1 : 3 + i];
        BASE_CHECK(base_parse_i64(word, number(row, i)), BASE_EFORMAT, "%s = '%.40s': must be a whole number",
                   NUMBER_NAMES[i], word);
    }
out:
    return st;
}

static BaseStatus read_lines(char *text, size_t size, const char *path, NnTuning *t)
{
    BaseStatus st = BASE_OK;
    int line_number = 0;
    BASE_CHECK(strlen(text) == size, BASE_EFORMAT, "%s: contains a NUL byte: it is not a tuning table", path);
    for (char *line = text, *next; line; line = next) {
        NnTuningRow row;
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        if (++line_number == 1) {
            line[strcspn(line, "\r")] = '\0';
            BASE_CHECK(strcmp(line, FIRST_LINE) == 0, BASE_EFORMAT,
                       "%s:1: '%.40s': a tuning table starts with the line '%s'", path, line, FIRST_LINE);
            continue;
        }
        line[strcspn(line, "#")] = '\0';
        if (!line[strspn(line, " \t\r")]) continue;
        st = read_row(line, &row);
        if (st == BASE_OK) st = insert(t, &row);
        if (st != BASE_OK) {
            base_error_prefix(st, "%s:%d", path, line_number);
            goto out;
        }
    }
out:
    return st;
}

static void warn_if_foreign(const NnTuning *t, const char *path)
{
    const char *isa = nn_backend_isa();
    int threads = math_threads_get();
    for (int i = 0; i < t->count; i++)
        if (strcmp(t->rows[i].isa, isa) == 0 && t->rows[i].threads == threads) return;
    base_notice("%s: no row for %s with %d thread%s: the program's own rules decide", path, isa, threads,
                threads == 1 ? "" : "s");
}

BaseStatus nn_tuning_read(const char *path, NnTuning **out)
{
    BaseStatus st = BASE_OK;
    NnTuning *t = NULL;
    char *text = NULL;
    size_t size = 0;
    *out = NULL;
    BASE_TRY(io_file_read(path, BYTES_MAX, &text, &size));
    BASE_TRY(BASE_ALLOC(1, &t));
    BASE_TRY(read_lines(text, size, path, t));
    BASE_TRY(make_hash(t));
    warn_if_foreign(t, path);
    *out = t;
    t = NULL;
out:
    nn_tuning_free(t);
    base_free(text);
    return st;
}
