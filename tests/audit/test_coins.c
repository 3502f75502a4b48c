/* Canaries in an audit: which scores stand for which coins, a file of them that anybody wrote, and coins that were turned. */
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>

#include "audit/coins.h"
#include "audit/results.h"
#include "base/random.h"
#include "io/json.h"

enum { N = 8, K = 3, CANARIES = 600 };
static const uint64_t SEED = 5;

/* Class 1 is to be forgotten, as every second canary; the models lift the label of what was held in: the original of all, the
 * audited one of the kept. */
static AuditSignals signals_make(double lift, bool original)
{
    AuditSignals s = {.seed = 3, .N = N, .K = K};
    AuditCanaries *c = &s.canaries;
    BaseRandom r = base_random_make(9, "canaries", 0);
    base_param_defaults(audit_params, audit_param_count, &s.options);
    assert_ok(audit_choose("loss", false, NULL, 0, &s.choice, &s.choice_count));
    assert_ok(BASE_ALLOC(N, &s.labels));
    assert_ok(BASE_ALLOC(N, &s.group));
    assert_ok(BASE_ALLOC(N, &s.point));
    assert_ok(BASE_ALLOC(N * K, &s.unlearned));
    for (int64_t i = 0; i < N; i++) {
        s.group[i] = (uint8_t)(i / 2);
        s.labels[i] = i < 4 ? 1 : 2;
        for (int64_t k = 0; k < K; k++) s.unlearned[i * K + k] = base_random_normal(&r);
    }
    SessionCanaries drawn = {.kind = SESSION_CANARY_IMAGE, .seed = SEED, .n = CANARIES};
    int64_t at[CANARIES];
    int32_t label[CANARIES];
    uint8_t coin[CANARIES], in[K] = {0, 1, 0};
    const DataForget forget = {.classes = {K, 1, in}};
    for (int i = 0; i < CANARIES; i++) {
        at[i] = 3 * i;
        label[i] = i % 2 ? 1 : 2;
        coin[i] = session_canaries_coin(SEED, at[i]);
    }
    drawn.at = at;
    drawn.label = label;
    drawn.coin = coin;
    assert_ok(audit_canaries_take(&drawn, &forget, c));
    assert_ok(BASE_ALLOC(CANARIES * K, &c->unlearned));
    if (original) assert_ok(BASE_ALLOC(CANARIES * K, &c->original));
    for (int64_t i = 0; i < CANARIES; i++) {
        for (int64_t k = 0; k < K; k++) c->unlearned[i * K + k] = base_random_normal(&r);
        for (int64_t k = 0; original && k < K; k++) c->original[i * K + k] = base_random_normal(&r);
        if (coin[i] && label[i] != 1) c->unlearned[i * K + label[i]] += lift;
        if (coin[i] && original) c->original[i * K + label[i]] += lift;
    }
    return s;
}

static const AuditCoinsRow *row_of(const AuditCoins *all, bool original, AuditCoinsSet set)
{
    for (int i = 0; i < all->count; i++)
        if (all->row[i].original == original && all->row[i].set == set) return &all->row[i];
    fail_msg("no row");
    return NULL;
}

/* Of 180 guesses right or wrong by chance, 1% have more than 106 right (scipy.stats.binom.ppf(0.99, 180, 0.5)); a lift of 6
 * standard deviations of a logit leaves few coins in doubt. */
static void a_bound_is_of_its_model_and_canaries(void **state)
{
    (void)state;
    AuditSignals s = signals_make(6, true);
    AuditCoins all;
    assert_ok(audit_coins_judge(&s, &all));
    assert_int_equal(all.count, 6);
    assert_true(all.row[0].set == AUDIT_COINS_FORGOTTEN && !all.row[0].original);
    const MiaCoins *clean = &row_of(&all, false, AUDIT_COINS_FORGOTTEN)->coins;
    assert_int_equal(clean->n, CANARIES / 2);
    assert_true(clean->epsilon < 0.3 && clean->largest > 2);
    assert_true(row_of(&all, false, AUDIT_COINS_KEPT)->coins.epsilon > 2);
    assert_true(row_of(&all, true, AUDIT_COINS_FORGOTTEN)->coins.epsilon > 2);
    const MiaCoins *whole = &row_of(&all, true, AUDIT_COINS_ALL)->coins;
    assert_true(whole->epsilon > 2.5 && whole->epsilon <= whole->largest);
    assert_int_equal(whole->n, CANARIES);
    int64_t in = 0;
    for (int i = 0; i < CANARIES; i++) in += session_canaries_coin(SEED, 3 * i);
    assert_int_equal(whole->in, in);
    audit_signals_free(&s);

    s = signals_make(6, false); /* no original, nothing forgotten; then everything */
    for (int forgotten = 0; forgotten < 2; forgotten++) {
        memset(s.canaries.forgotten, forgotten, CANARIES);
        assert_ok(audit_coins_judge(&s, &all));
        assert_int_equal(all.count, 1);
        assert_int_equal(all.row[0].set, forgotten ? AUDIT_COINS_FORGOTTEN : AUDIT_COINS_ALL);
    }
    s.options.canary_guesses = 0.5;
    assert_ok(audit_coins_judge(&s, &all));
    assert_int_equal(all.row[0].coins.guesses, CANARIES / 2);
    audit_canaries_free(&s.canaries);
    assert_ok(audit_coins_judge(&s, &all));
    assert_int_equal(all.count, 0);
    audit_signals_free(&s);
}

/* Loss ranks canaries as phi does, so it guesses as many coins. */
static void the_score_is_the_loss_of_the_label(void **state)
{
    (void)state;
    AuditSignals s = signals_make(2, false);
    AuditCoins all;
    double score[CANARIES];
    MiaCoins want;
    for (int64_t i = 0; i < CANARIES; i++) {
        double sum = 0;
        for (int64_t k = 0; k < K; k++) sum += exp(s.canaries.unlearned[i * K + k]);
        score[i] = s.canaries.unlearned[i * K + s.canaries.label[i]] - log(sum);
    }
    assert_ok(mia_coins(score, s.canaries.coin, CANARIES, 0, MIA_EPSILON_DELTA, MIA_EPSILON_ALPHA, s.seed, &want));
    assert_ok(audit_coins_judge(&s, &all));
    const MiaCoins *got = &row_of(&all, false, AUDIT_COINS_ALL)->coins;
    assert_true(want.right > want.guesses / 2);
    assert_int_equal(got->right, want.right);
    assert_int_equal(got->guesses, want.guesses);
    assert_near(got->epsilon, want.epsilon, 0, 0);
    audit_signals_free(&s);
}

static char *coins_text(const AuditSignals *s)
{
    AuditCoins all;
    char *text;
    assert_ok(audit_coins_judge(s, &all));
    IoJson *json = audit_coins_json(s, &all);
    assert_ok(io_json_text(json, &text));
    io_json_free(json);
    return text;
}

static void canaries_come_back_as_they_went(void **state)
{
    (void)state;
    const char *path = support_at("signals.h5");
    for (int original = 0; original < 2; original++) {
        AuditSignals s = signals_make(3, original), back;
        assert_ok(audit_signals_write(&s, path));
        assert_ok(audit_signals_read(path, &back));
        char *then = coins_text(&s), *now = coins_text(&back);
        assert_string_equal(now, then);
        assert_memory_equal(back.canaries.at, s.canaries.at, CANARIES * sizeof *s.canaries.at);
        base_free(then);
        base_free(now);
        audit_signals_free(&back);
        audit_signals_free(&s);
    }
}

static IoHdf5 *foreign(const AuditSignals *s)
{
    IoHdf5 *file;
    const int64_t n = s->N, flat[2] = {s->N, K}, canaries[2] = {CANARIES, K};
    assert_ok(io_hdf5_create(&file));
    assert_ok(io_hdf5_write(file, "/points/labels", IO_H5_I32, 1, &n, s->labels));
    assert_ok(io_hdf5_write(file, "/points/group", IO_H5_U8, 1, &n, s->group));
    assert_ok(io_hdf5_write(file, "/unlearned/logits", IO_H5_F64, 2, flat, s->unlearned));
    assert_ok(io_hdf5_write(file, "/canaries/labels", IO_H5_I32, 1, canaries, s->canaries.label));
    assert_ok(io_hdf5_write(file, "/canaries/coin", IO_H5_U8, 1, canaries, s->canaries.coin));
    return file;
}

/* What any program writes: labels, coins, logits. */
static void a_file_of_others_needs_no_more(void **state)
{
    (void)state;
    const char *path = support_at("foreign.h5");
    AuditSignals s = signals_make(3, false), back;
    const int64_t canaries[2] = {CANARIES, K}, fewer[2] = {CANARIES - 1, K};
    IoHdf5 *file = foreign(&s);
    assert_ok(io_hdf5_write(file, "/canaries/unlearned_logits", IO_H5_F64, 2, canaries, s.canaries.unlearned));
    assert_ok(io_hdf5_save_take(file, path));
    assert_ok(audit_signals_open(path, &back));
    assert_memory_equal(back.canaries.forgotten, s.canaries.forgotten, CANARIES); /* by class */
    char *text = coins_text(&back);
    assert_non_null(strstr(text, "on the word of whoever wrote the file"));
    base_free(text);
    audit_signals_free(&back);

    assert_ok(io_hdf5_save_take(foreign(&s), path));
    assert_fails(audit_signals_open(path, &back), BASE_EFORMAT, "/canaries/unlearned_logits");
    file = foreign(&s);
    assert_ok(io_hdf5_write(file, "/canaries/unlearned_logits", IO_H5_F64, 2, fewer, s.canaries.unlearned));
    assert_ok(io_hdf5_save_take(file, path));
    assert_fails(audit_signals_open(path, &back), BASE_EFORMAT, "the shape of /canaries/unlearned_logits does not fit");
    s.canaries.unlearned[4 * K] = NAN;
    file = foreign(&s);
    assert_ok(io_hdf5_write(file, "/canaries/unlearned_logits", IO_H5_F64, 2, canaries, s.canaries.unlearned));
    assert_ok(io_hdf5_save_take(file, path));
    assert_fails(audit_signals_open(path, &back), BASE_EFORMAT, "of canary 4 is nan");
    s.canaries.coin[2] = 2;
    assert_ok(io_hdf5_save_take(foreign(&s), path));
    assert_fails(audit_signals_open(path, &back), BASE_EFORMAT, "/canaries/coin holds 2 at place 2; it must be 0 or 1");
    s.canaries.label[1] = K;
    assert_ok(io_hdf5_save_take(foreign(&s), path));
    assert_fails(audit_signals_open(path, &back), BASE_EFORMAT, "/canaries/labels holds 3 at place 1");
    audit_signals_free(&s);
}

/* The seed knows every coin. */
static void a_coin_that_was_turned_is_noticed(void **state)
{
    (void)state;
    const char *path = support_at("turned.h5");
    AuditSignals s = signals_make(3, true), back;
    s.canaries.coin[17] ^= 1;
    assert_ok(audit_signals_write(&s, path));
    assert_fails(audit_signals_read(path, &back), BASE_EFORMAT,
                 "the coin of canary 17 is not the one that seed 5 gives to image 51");
    audit_signals_free(&s);
}

static BaseStatus judge_once(void *user)
{
    AuditCoins all;
    BaseStatus st = audit_coins_judge(user, &all);
    IoJson *json = st == BASE_OK ? audit_coins_json(user, &all) : NULL;
    char *text = NULL;
    if (st == BASE_OK) st = io_json_text(json, &text);
    io_json_free(json);
    base_free(text);
    return st;
}

static BaseStatus page_once(void *user)
{
    AuditCoins all;
    ReportDocument document = report_document_make("t");
    BaseStatus st = audit_coins_judge(user, &all);
    if (st == BASE_OK) audit_coins_page(user, &all, &document);
    if (st == BASE_OK) st = document.st;
    report_document_free(&document);
    return st;
}

static BaseStatus file_once(void *user)
{
    AuditSignals back;
    const char *path = support_at("memory.h5");
    BaseStatus st = audit_signals_write(user, path);
    if (st == BASE_OK) st = audit_signals_read(path, &back);
    if (st == BASE_OK) audit_signals_free(&back);
    return st;
}

static void running_out_of_memory_leaves_nothing(void **state)
{
    (void)state;
    AuditSignals s = signals_make(3, true);
    support_fail_allocations(judge_once, &s, 2000);
    support_fail_allocations(page_once, &s, 2000);
    support_fail_some_allocations(file_once, &s, 9, 2000);
    audit_signals_free(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_bound_is_of_its_model_and_canaries), cmocka_unit_test(the_score_is_the_loss_of_the_label),
    cmocka_unit_test(canaries_come_back_as_they_went),      cmocka_unit_test(a_file_of_others_needs_no_more),
    cmocka_unit_test(a_coin_that_was_turned_is_noticed),    cmocka_unit_test(running_out_of_memory_leaves_nothing),
};
SUPPORT_MAIN(tests)
