/* audit/figures.c - the figures of an audit: of each game the ROC of the attack that told most and histograms of
 * its scores, and the learning curve over shadow models. */
#include "audit/figures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/order.h"
#include "math/clusters.h"
#include "report/escape.h"

enum { BINS = 40 };

/* The attack that the game's verdict rests on; NULL: none was judged. */
static const AuditAttack *shown(const AuditResult *r, MiaGame g)
{
    const MiaFinding *f = mia_audit_headline(&r->audit, g);
    for (size_t i = 0; f && i < r->count; i++)
        if (strcmp(r->attack[i].choice->attack->entry.name, f->attack) == 0) return &r->attack[i];
    return NULL;
}

/* Scores of one curve: those of the kind "positive" and the others. */
typedef struct {
    char label[80];
    double *score;
    uint8_t *member;
    uint8_t *drawn; /* [n] one point of each cluster; NULL: every point */
    int64_t n;
} Curve;
enum { CURVES = 3 };

static BaseStatus curve_make(const char *label, int64_t n, Curve *c)
{
    BaseStatus st = BASE_OK;
    snprintf(c->label, sizeof c->label, "%s", label);
    BASE_TRY(BASE_ALLOC_RAW(n, &c->score));
    BASE_TRY(BASE_ALLOC_RAW(n, &c->member));
out:
    return st;
}

/* Leaves the points that are compared, on the scale on which they are: the ROC is then that of MiaResult. */
static BaseStatus curve_within(Curve *c, const int32_t *fold)
{
    BaseStatus st = BASE_OK;
    int32_t *of = NULL;
    int64_t n = 0;
    BASE_TRY(BASE_ALLOC_RAW(c->n, &of));
    for (int64_t i = 0; i < c->n; i++) {
        if (fold[i] < 0) continue;
        c->score[n] = c->score[i];
        c->member[n] = c->member[i];
        if (c->drawn) c->drawn[n] = c->drawn[i];
        of[n++] = fold[i];
    }
    c->n = n;
    BASE_TRY(math_roc_within(c->score, c->member, of, n, c->score));
out:
    base_free(of);
    return st;
}

/* "forget", "retain": members against others under each model, of the retrained ones the first. "models": the points
 * under the unlearned (the original) model against the same under the retrained ones. */
static BaseStatus curves_make(const AuditPage *page, const AuditAttack *a, MiaGame g, Curve curve[CURVES], int *count)
{
    BaseStatus st = BASE_OK;
    const AuditResult *r = page->result;
    const AuditGame *game = &r->game[g];
    int64_t M, R;
    const double *retrained = audit_scores(r, a, g, AUDIT_RETRAINED, &R);
    for (int k = 0; k < (g == MIA_GAME_MODELS ? 2 : AUDIT_MODELS); k++) {
        const double *own = audit_scores(r, a, g, (AuditModel)k, &M);
        Curve *c = &curve[*count];
        if (!own) continue;
        int64_t others = g == MIA_GAME_MODELS ? R * game->n : 0;
        BASE_TRY(curve_make(audit_model_name((AuditModel)k), game->n + others, c));
        c->n = game->n + others;
        ++*count;
        memcpy(c->score, own, (size_t)game->n * sizeof *own);
        for (int64_t i = 0; i < game->n; i++) c->member[i] = g == MIA_GAME_MODELS ? 1 : game->member[i];
        if (others) memcpy(c->score + game->n, retrained, (size_t)others * sizeof *own);
        memset(c->member + game->n, 0, (size_t)others);
        if (game->cluster) {
            BASE_TRY(BASE_ALLOC_RAW(c->n, &c->drawn));
            BASE_TRY(math_clusters_draw(game->cluster, game->n, page->collected->signals.seed, c->drawn));
            for (int64_t i = game->n; i < c->n; i++) c->drawn[i] = c->drawn[i - game->n];
        }
        if (a->result[g].fold) BASE_TRY(curve_within(c, a->result[g].fold));
    }
out:
    return st;
}

/* The ROC that bands rest on: of one point of each cluster, without clusters that of all. */
static BaseStatus independent_roc(const Curve *c, MathRoc *out)
{
    BaseStatus st = BASE_OK;
    double *score = NULL;
    uint8_t *member = NULL;
    int64_t n = 0, members = 0;
    BASE_TRY(BASE_ALLOC_RAW(c->n, &score));
    BASE_TRY(BASE_ALLOC_RAW(c->n, &member));
    for (int64_t i = 0; i < c->n; i++) {
        if (c->drawn && !c->drawn[i]) continue;
        score[n] = c->score[i];
        member[n] = c->member[i];
        members += member[n++];
    }
    if (members > 0 && members < n) BASE_TRY(math_roc(score, member, n, out)); /* else empty: no band */
out:
    base_free(score);
    base_free(member);
    return st;
}

/* Rows of a curve with the 95% interval of each true-positive rate, widened to the curve where its points are not those that
 * the interval rests on. */
static BaseStatus roc_rows(const Curve *c, int number, BaseText *csv, double *auc, int64_t *N)
{
    BaseStatus st = BASE_OK;
    MathRoc roc = {0}, independent = {0};
    double last_x = -1, last_y = -1;
    MathAuc area;
    BASE_TRY(math_roc(c->score, c->member, c->n, &roc));
    BASE_TRY(independent_roc(c, &independent));
    BASE_TRY(math_auc(c->score, c->member, c->n, &area));
    *auc = area.value;
    *N = roc.N;
    for (int64_t i = 0; i < roc.count; i++) {
        double x = roc.fpr[i], y = roc.tpr[i];
        if (i > 0 && i + 1 < roc.count && !report_figure_visible(x, y, last_x, last_y)) continue;
        MathTprAtFpr e = {.lo = NAN, .hi = NAN};
        if (independent.count) e = math_roc_tpr_at_fpr(&independent, x);
        if (c->drawn && !isnan(e.lo)) { /* NaN where no threshold is known: a gap in the band */
            e.lo = fmin(e.lo, y);
            e.hi = fmax(e.hi, y);
        }
        base_text_add(csv, "%d,", number);
        report_escape_csv(csv, c->label);
        base_text_add(csv, ",%.9g,%.9g,%.9g,%.9g\n", x, y, e.lo, e.hi);
        last_x = x;
        last_y = y;
    }
out:
    math_roc_free(&roc);
    math_roc_free(&independent);
    return st;
}

static void roc_plot(ReportFigures *f, const Curve *curve, const double *auc, int count, double least, bool legend)
{
    BaseText *gp = &f->gp;
    base_text_add(gp, "plot ");
    for (int k = 0; k < count; k++) {
        report_figure_data(f, false);
        base_text_add(gp,
                      " skip 1 using ($1 == %d ? ($3 < %g ? %g : $3) : NaN):($5 < %g ? %g : $5):6 with filledcurves lt "
                      "%d fs transparent solid 0.15 noborder notitle, \\\n  ",
                      k, least, least, least, least, k + 1);
    }
    for (int k = 0; k < count; k++) {
        BaseText title = {0};
        if (legend) base_text_add(&title, "%.3f  %s", auc[k], curve[k].label);
        report_figure_data(f, false);
        base_text_add(gp, " skip 1 using ($1 == %d ? $3 : NaN):4 with lines lt %d lw 2 %s", k, k + 1,
                      legend ? "title " : "notitle");
        if (legend) report_escape_gnuplot(gp, base_text_of(&title, &gp->st));
        base_text_add(gp, ", \\\n  ");
        base_text_free(&title);
    }
    base_text_add(gp, "x with lines lc rgb '#999999' dt 2 lw 1.2 %s\n", legend ? "title 'chance'" : "notitle");
}

static BaseStatus draw_roc(const AuditPage *p, MiaGame g, ReportFigures *f, int *index)
{
    BaseStatus st = BASE_OK;
    const AuditAttack *a = shown(p->result, g);
    Curve curve[CURVES] = {{{0}, NULL, NULL, NULL, 0}};
    BaseText *csv = &f->csv, *gp = &f->gp, *caption = &f->caption;
    double auc[CURVES], least = 0.1;
    int count = 0;
    *index = -1;
    if (!a) return BASE_OK;
    report_figure_begin(f, "roc", mia_game_name(g), "curve,label,fpr,tpr,tpr_lo,tpr_hi\n");
    BASE_TRY(curves_make(p, a, g, curve, &count));
    for (int k = 0; k < count; k++) {
        int64_t N;
        BASE_TRY(roc_rows(&curve[k], k, csv, &auc[k], &N));
        least = fmin(least, pow(10, floor(log10(1 / (double)N) + 1e-9)));
    }
    base_text_add(&f->title, "ROC of attack %s, game \"%s\"", a->choice->attack->entry.name, mia_game_name(g));
    report_figure_preamble(gp);
    base_text_add(gp,
                  "set multiplot\nset xlabel 'false-positive rate'\nset ylabel 'true-positive rate'\nset size square\n"
                  "set lmargin at screen 0.07\nset rmargin at screen 0.36\nset bmargin at screen 0.15\n"
                  "set tmargin at screen 0.88\nset xrange [0:1]\nset yrange [0:1]\nset samples 200\nset title '%s'\n",
                  a->choice->attack->entry.name);
    roc_plot(f, curve, auc, count, 0, false);
    base_text_add(gp,
                  "set lmargin at screen 0.44\nset rmargin at screen 0.73\nset logscale xy\nset xrange [%g:1]\n"
                  "set yrange [%g:1]\nset format xy '%%g'\nset title 'the same, logarithmic'\n"
                  "set key at screen 0.745,0.88 left top Left reverse samplen 1.6 spacing 1.3 title '%s' left\n",
                  least, least, g == MIA_GAME_MODELS ? "AUC against retrained" : "AUC");
    roc_plot(f, curve, auc, count, least, true);
    base_text_add(gp, "unset multiplot\n");
    base_text_add(
        caption,
        "The attack that the verdict of this game rests on. Bands: 95%% intervals of the true-positive rate at "
        "each true false-positive rate, pointwise%s. On the diagonal the attack does no better than guessing.",
        g == MIA_GAME_MODELS ? "; they do not account for which models were trained" : "");
    BASE_TRY(report_figure_add(f, base_text_of(&f->title, &gp->st), 1160, 470));
    *index = (int)f->count - 1;
out:
    for (int k = 0; k < CURVES; k++) {
        base_free(curve[k].score);
        base_free(curve[k].member);
        base_free(curve[k].drawn);
    }
    return st;
}

/* Where 99% of the scores lie, under all models together, about. */
static BaseStatus range_of(const double *score, int64_t n, double *lo, double *hi)
{
    BaseStatus st = BASE_OK;
    double *sorted = NULL;
    BASE_TRY(BASE_ALLOC_RAW(n, &sorted));
    memcpy(sorted, score, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, base_ascending_f64);
    *lo = math_stats_quantile(sorted, n, 0.005);
    *hi = math_stats_quantile(sorted, n, 0.995);
    if (!(*hi > *lo)) {
        *lo -= 0.5;
        *hi += 0.5;
    }
    /* to a thousandth of the width: scores of a fit differ in their tenth digit from one CPU's kernels to another's, and the
     * drawing must not, or --verify would call it forged */
    double step = pow(10, floor(log10(*hi - *lo)) - 3);
    if (step > 0 && isfinite(step)) {
        *lo = step * round(*lo / step);
        *hi = step * round(*hi / step);
    }
out:
    base_free(sorted);
    return st;
}

/* Shares in percent of each bin, of members (1) and others (0). */
static void histogram(const double *score, const AuditGame *game, double lo, double hi, double share[2][BINS])
{
    int64_t n[2] = {game->n - game->members, game->members};
    memset(share, 0, 2 * sizeof *share);
    for (int64_t i = 0; i < game->n; i++) {
        double at = (score[i] - lo) / (hi - lo);
        int bin = at <= 0 ? 0 : at >= 1 ? BINS - 1 : (int)(at * BINS);
        share[game->member[i]][bin] += 100.0 / (double)n[game->member[i]];
    }
}

static BaseStatus draw_histogram(const AuditPage *p, MiaGame g, ReportFigures *f, int *index)
{
    static const char *const TITLES[][2] = {{"forgotten, held out", "forgotten, trained on"},
                                            {"", "forgotten images"},
                                            {"kept, held out", "kept, trained on"}};
    BaseStatus st = BASE_OK;
    const AuditResult *r = p->result;
    const AuditAttack *a = shown(r, g);
    BaseText *csv = &f->csv, *gp = &f->gp;
    double lo, hi, share[2][BINS];
    int panels = 0, sides = g == MIA_GAME_MODELS ? 1 : 2;
    const char *panel_name[AUDIT_MODELS];
    *index = -1;
    if (!a) return BASE_OK;
    report_figure_begin(f, "scores", mia_game_name(g), "panel,model,score,members_percent,others_percent\n");
    BASE_TRY(range_of(a->score[g], r->M * r->game[g].n, &lo, &hi));
    for (int k = 0; k < AUDIT_MODELS; k++) {
        int64_t M;
        const double *score = audit_scores(r, a, g, (AuditModel)k, &M);
        if (!score) continue;
        histogram(score, &r->game[g], lo, hi, share);
        for (int b = 0; b < BINS; b++) {
            base_text_add(csv, "%d,%s,%.9g,%.6g,", panels, audit_model_name((AuditModel)k),
                          lo + (b + 0.5) / BINS * (hi - lo), share[1][b]);
            base_text_add(csv, sides == 2 ? "%.6g\n" : "\n", share[0][b]);
        }
        panel_name[panels++] = audit_model_name((AuditModel)k);
    }
    report_figure_preamble(gp);
    base_text_add(gp,
                  "set multiplot\nset logscale y\nset yrange [0.05:100]\nset ytics ('0.1' 0.1, '1' 1, '10' 10, "
                  "'100' 100)\nset ylabel 'share of set (%%)'\nset xlabel 'score of %s'\nset xrange [%.9g:%.9g]\n"
                  "set tmargin at screen 0.82\nset bmargin at screen 0.22\n",
                  a->choice->attack->entry.name, lo, hi);
    if (hi - lo < 1e-3 * fmax(fabs(lo), fabs(hi))) /* numbers of so many digits stand on each other otherwise */
        base_text_add(gp, "set xtics ('%.7g' %.9g, '%.7g' %.9g)\n", lo, lo, hi, hi);
    double width = panels == 1 ? 520 : 65 + 365 * panels; /* pixels, of which a panel has 300 */
    for (int k = 0; k < panels; k++) {
        base_text_add(gp, "set lmargin at screen %.3f\nset rmargin at screen %.3f\nset title '%s' offset 0,-0.6\n",
                      (75 + 365 * k) / width, (376 + 365 * k) / width, panel_name[k]);
        if (k == 1) base_text_add(gp, "unset ylabel\n");
        base_text_add(gp, "plot ");
        for (int side = 0; side < sides; side++) {
            report_figure_data(f, false);
            base_text_add(gp, " skip 1 every ::%d::%d using 3:%d with histeps lt %d lw 2 notitle%s", k * BINS,
                          k * BINS + BINS - 1, 4 + side, side + 1, side + 1 < sides ? ", " : "\n");
        }
    }
    const char *const legend[] = {TITLES[g][1], TITLES[g][0]}, *const styles[] = {"lt 1 lw 2", "lt 2 lw 2"};
    report_figure_legend(gp, legend, styles, sides, 0.1);
    base_text_add(gp, "unset multiplot\n");
    base_text_add(&f->title, "Scores of attack %s, game \"%s\"", a->choice->attack->entry.name, mia_game_name(g));
    base_text_add(
        &f->caption,
        "A higher score: more as if trained on. The outermost bins include what lies beyond them%s. After good "
        "forgetting the unlearned panel looks like the retrained one.",
        r->M > 1 + (p->collected->signals.original != NULL) + 1 ? "; the first of the retrained models is shown" : "");
    BASE_TRY(report_figure_add(f, base_text_of(&f->title, &gp->st), (int)width, 350));
    *index = (int)f->count - 1;
out:
    return st;
}

/* Rows of one attack's curve. */
static void curve_rows(const AuditAttack *a, int number, BaseText *csv)
{
    for (int k = 0; k < a->curve_count; k++) {
        const MiaCurvePoint *c = &a->curve[k];
        base_text_add(csv, "%d,%s,%s,%lld,%lld,%.9g", number, a->choice->attack->entry.name, a->curve_what,
                      (long long)c->models, (long long)c->draws, c->value.value);
        if (isnan(c->value.lo))
            base_text_add(csv, ",%.9g,%.9g\n", c->value.value, c->value.value);
        else
            base_text_add(csv, ",%.9g,%.9g\n", c->value.lo, c->value.hi);
    }
}

/* Two panels: attacks point by point, by their AUC; attacks on groups of models, by their balanced accuracy. */
static void curve_panel(const AuditResult *r, ReportFigures *f, bool groups, int *curves)
{
    BaseText *gp = &f->gp;
    int first = *curves;
    for (size_t i = 0; i < r->count; i++) {
        const AuditAttack *a = &r->attack[i];
        if (a->curve_count == 0 || !a->curve_what) continue;
        if (groups != (a->choice->attack->curve != NULL)) continue;
        curve_rows(a, *curves, &f->csv);
        if (*curves == first)
            base_text_add(gp, "set title '%s'\nset ylabel '%s'\nplot ",
                          groups ? "on groups of models" : "point by point, game \"forget\"",
                          groups ? "balanced accuracy" : "AUC");
        report_figure_data(f, *curves > first);
        base_text_add(gp, " skip 1 using ($1 == %d ? $4 * 1.03**%d : NaN):6:7:8 with yerrorlines lt %d lw 2 title '%s'",
                      *curves, *curves - first, (*curves - first) % 8 + 1, a->choice->attack->entry.name);
        ++*curves;
    }
    base_text_add(gp, *curves > first ? "\n" : "");
}

static BaseStatus draw_curve(const AuditPage *p, ReportFigures *f, int *index)
{
    BaseStatus st = BASE_OK;
    BaseText *gp = &f->gp;
    int curves = 0;
    *index = -1;
    report_figure_begin(f, "shadows", NULL, "curve,attack,what,models,selections,value,lo,hi\n");
    report_figure_preamble(gp);
    base_text_add(
        gp, "set multiplot layout 1,2\nset logscale x 2\nset xlabel 'shadow models'\n"
            "set key bottom right Left reverse samplen 2\nset offsets graph 0.05,graph 0.08,graph 0.05,graph 0.05\n");
    curve_panel(p->result, f, false, &curves);
    curve_panel(p->result, f, true, &curves);
    base_text_add(gp, "unset multiplot\n");
    BASE_TRY(f->csv.st);
    BASE_TRY(gp->st);
    if (curves == 0) goto out;
    base_text_add(&f->caption,
                  "What the attacks on shadow models find under the unlearned model, by the number of shadow "
                  "models; 95%% intervals over images or models and, if several selections were drawn, over the "
                  "models used. Once a curve is flat, more models would not find more.");
    BASE_TRY(report_figure_add(f, "Number of shadow models needed", 1160, 420));
    *index = (int)f->count - 1;
out:
    return st;
}

BaseStatus audit_draw(const AuditPage *p, ReportFigures *figures, AuditFigures *out)
{
    BaseStatus st = BASE_OK;
    for (int g = 0; g < MIA_GAMES; g++) {
        BASE_TRY(draw_roc(p, (MiaGame)g, figures, &out->roc[g]));
        BASE_TRY(draw_histogram(p, (MiaGame)g, figures, &out->histogram[g]));
    }
    BASE_TRY(draw_curve(p, figures, &out->curve));
out:
    return st;
}
