/* audit/coins.c - a bound for each model and kind of canaries, as numbers and in words. */
#include "audit/coins.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "mia/signal/signal.h"

/* ------------------------------------------------------------ judging */

static bool in_set(const AuditCanaries *c, int64_t i, AuditCoinsSet set)
{
    return set == AUDIT_COINS_ALL || (c->forgotten[i] != 0) == (set == AUDIT_COINS_FORGOTTEN);
}

static BaseStatus judge_row(const AuditSignals *s, AuditCoinsSet set, bool original, AuditCoins *out)
{
    BaseStatus st = BASE_OK;
    const AuditCanaries *c = &s->canaries;
    const double *logits = original ? c->original : c->unlearned;
    double *score = NULL;
    uint8_t *coin = NULL;
    int64_t n = 0;
    BASE_TRY(BASE_ALLOC_RAW(c->n, &score));
    BASE_TRY(BASE_ALLOC_RAW(c->n, &coin));
    for (int64_t i = 0; i < c->n; i++) {
        if (!in_set(c, i, set)) continue;
        score[n] = mia_signal_value(logits + i * s->K, s->K, c->label[i], MIA_SIGNAL_PHI, MIA_SIGNAL_EXACT);
        coin[n++] = c->coin[i];
    }
    AuditCoinsRow *row = &out->row[out->count++];
    *row = (AuditCoinsRow){.original = original, .set = set};
    BASE_TRY(mia_coins(score, coin, n, s->options.canary_guesses, MIA_EPSILON_DELTA, MIA_EPSILON_ALPHA, s->seed,
                       &row->coins));
out:
    base_free(score);
    base_free(coin);
    return st;
}

BaseStatus audit_coins_judge(const AuditSignals *s, AuditCoins *out)
{
    BaseStatus st = BASE_OK;
    const AuditCanaries *c = &s->canaries;
    int64_t forgotten = 0;
    *out = (AuditCoins){0};
    for (int64_t i = 0; i < c->n; i++) forgotten += c->forgotten[i];
    for (int original = 0; original < 1 + (c->original != NULL) && c->n > 0; original++) {
        if (forgotten > 0) BASE_TRY(judge_row(s, AUDIT_COINS_FORGOTTEN, original, out));
        if (forgotten > 0 && forgotten < c->n) BASE_TRY(judge_row(s, AUDIT_COINS_KEPT, original, out));
        if (forgotten < c->n) BASE_TRY(judge_row(s, AUDIT_COINS_ALL, original, out));
    }
out:
    return st;
}

/* ------------------------------------------------------------ numbers and words */

static const char *const SET_KEYS[] = {"forgotten", "kept", "all"};

const char *audit_coins_set_name(AuditCoinsSet set)
{
    static const char *const NAMES[] = {"of the forgotten classes", "of the kept classes", "of all classes"};
    return NAMES[set];
}

/* What the bound rests on. */
static void assumes(const AuditSignals *s, BaseText *out)
{
    base_text_add(
        out,
        "each canary was held in the training or left out of it by its own fair coin, which depended on nothing "
        "else and which nothing but this training saw (%s%s); no assumption is made about the images",
        s->canaries.seed ? "drawn by expunge train with seed " : "on the word of whoever wrote the file",
        s->canaries.seed ? s->canaries.seed : "");
}

IoJson *audit_coins_json(const AuditSignals *s, const AuditCoins *all)
{
    IoJson *json = io_json_object(), *rows = io_json_array();
    BaseText text = {0};
    assumes(s, &text);
    io_json_set_take(json, "kind", io_json_text_value(s->canaries.kind));
    io_json_set_take(json, "seed", io_json_text_value(s->canaries.seed));
    io_json_set_take(json, "signal", io_json_text_value("phi"));
    io_json_set_take(json, "assumes", io_json_text_of(&text));
    for (int i = 0; i < all->count; i++) {
        const AuditCoinsRow *r = &all->row[i];
        const MiaCoins *c = &r->coins;
        IoJson *row = io_json_object();
        io_json_set_take(row, "model", io_json_text_value(r->original ? "original" : "unlearned"));
        io_json_set_take(row, "canaries", io_json_text_value(SET_KEYS[r->set]));
        io_json_set_take(row, "n", io_json_integer(c->n));
        io_json_set_take(row, "held_in", io_json_integer(c->in));
        io_json_set_take(row, "guesses", io_json_integer(c->guesses));
        io_json_set_take(row, "guessed_in", io_json_integer(c->guessed_in));
        io_json_set_take(row, "right", io_json_integer(c->right));
        io_json_set_take(row, "choices", io_json_integer(c->choices));
        io_json_set_take(row, "epsilon_lower", io_json_number(c->epsilon));
        io_json_set_take(row, "largest_provable", io_json_number(c->largest));
        io_json_set_take(row, "delta", io_json_number(c->delta));
        io_json_set_take(row, "alpha", io_json_number(c->alpha));
        io_json_add_take(rows, row);
    }
    io_json_set_take(json, "bounds", rows);
    base_text_free(&text);
    return json;
}

void audit_coins_sentence(const AuditCoinsRow *r, BaseText *out)
{
    const MiaCoins *c = &r->coins;
    if (c->choices == 0) {
        base_text_add(out, "%lld canaries are too few for any guess", (long long)c->n);
        return;
    }
    base_text_add(out,
                  "of %lld guesses about coins of %lld canaries %lld were right, where blind guesses get about %lld: ",
                  (long long)c->guesses, (long long)c->n, (long long)c->right, (long long)(c->guesses / 2));
    if (c->epsilon > 0)
        base_text_add(out, "epsilon is at least %.2f (a faultless attack would prove %.2f)", c->epsilon, c->largest);
    else
        base_text_add(out, "no bound on epsilon (a faultless attack would prove %.2f)", c->largest);
}

/* For a reader who knows neither canaries nor epsilon. */
static void lead(const AuditCoinsRow *r, ReportDocument *d)
{
    const MiaCoins *c = &r->coins;
    report_document_text(
        d, REPORT_BLOCK_TEXT,
        "For each of %lld images (canaries %s) a coin decided whether a model was trained on it: %lld were "
        "held in, %lld left out. Whoever sees only the model's answers may guess some of the coins.",
        (long long)c->n, audit_coins_set_name(r->set), (long long)c->in, (long long)(c->n - c->in));
    if (c->choices == 0) {
        report_document_text(d, REPORT_BLOCK_TEXT, "They are too few for any guess.");
        return;
    }
    char guesses[120];
    snprintf(guesses, sizeof guesses, "%lld of %lld such guesses were right; blind guesses would get about %lld.",
             (long long)c->right, (long long)c->guesses, (long long)(c->guesses / 2));
    if (c->epsilon > 0)
        report_document_text(
            d, REPORT_BLOCK_TEXT,
            "%s So what made this model (training, and unlearning where there was any) did not protect "
            "each image with an epsilon below %.2f (delta %g): what does protect it so lets so many "
            "guesses be right at most once in %.0f times.",
            guesses, c->epsilon, c->delta, 1 / c->alpha);
    else
        report_document_text(d, REPORT_BLOCK_TEXT,
                             "%s That proves no bound on epsilon. It is no proof of privacy either: another attack may "
                             "guess better.",
                             guesses);
}

void audit_coins_page(const AuditSignals *s, const AuditCoins *all, ReportDocument *d)
{
    if (all->count == 0) return;
    BaseText text = {0};
    ReportTable t = report_table_make("Guesses about coins");
    int model = report_table_column(&t, "model", "model", false, 0, 3),
        which = report_table_column(&t, "canaries", "canaries", false, 0, 3),
        counts = report_table_column(&t, "n", "held in + left out", false, 0, 2),
        guesses = report_table_column(&t, "guesses", "right guesses", false, 0, 3),
        epsilon = report_table_column(&t, "epsilon", "epsilon, lower bound", true, 2, 3),
        largest = report_table_column(&t, "largest", "faultless attack", true, 2, 3);
    char cell[64];
    report_document_text(d, REPORT_BLOCK_HEADING, "Coins: what one training gives away");
    lead(&all->row[0], d);
    for (int i = 0; i < all->count; i++) {
        const MiaCoins *c = &all->row[i].coins;
        report_table_row(&t, 0);
        report_table_text(&t, model, all->row[i].original ? "original" : "audited");
        report_table_text(&t, which, audit_coins_set_name(all->row[i].set));
        snprintf(cell, sizeof cell, "%lld + %lld", (long long)c->in, (long long)(c->n - c->in));
        report_table_text(&t, counts, cell);
        snprintf(cell, sizeof cell, "%lld of %lld", (long long)c->right, (long long)c->guesses);
        report_table_text(&t, guesses, c->choices ? cell : "too few");
        report_table_number(&t, epsilon, math_estimate(c->epsilon, c->n), NAN);
        report_table_number(&t, largest, math_estimate(c->largest, c->n), NAN);
    }
    const MiaCoins *c = &all->row[0].coins;
    report_table_note(
        &t,
        "Epsilon: of differential privacy when one image is added or removed, of the procedure that made the "
        "model and not of its weights alone; delta %g, confidence %g%% for each row (%s). 0: no evidence. "
        "Faultless attack: the bound if every guess were right.",
        c->delta, 100 * (1 - c->alpha), math_epsilon_method_text(MATH_EPSILON_ONE_RUN));
    report_table_note(&t, "Guesses: by phi of the label. %s", mia_coins_text(s->options.canary_guesses));
    report_document_table_take(d, &t);
    assumes(s, &text);
    report_document_text(d, REPORT_BLOCK_NOTE, "What this assumes: %s.%s", base_text_of(&text, &d->st),
                         s->canaries.kind && s->canaries.kind[0] == 'l' ? " The canaries have wrong labels." : "");
    base_text_free(&text);
}
