/* cli/audit.c - `expunge audit`: options sorted into an audit to make or one to verify; audit/ does the work. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "audit/audit.h"
#include "audit/verify.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "report/pdf.h"

typedef struct {
    NnTrainConfig training;
    const char *retrained[CLI_TEXTS_MAX], *set[CLI_TEXTS_MAX]; /* set: of attacks */
    size_t retrained_count, set_count;
    char *list; /* --retrained, cut at its commas */
    AuditTask task;
} Work;

/* One --set: "attack.key=value", a key of the audit, or one of the training of --make-retrained. */
static BaseStatus assign(const CliOptions *o, const char *text, Work *w)
{
    BaseStatus st = BASE_OK;
    const char *equals = strchr(text, '='), *dot = strchr(text, '.');
    char key[64];
    BASE_CHECK(equals && equals > text && equals - text < (ptrdiff_t)sizeof key, BASE_EUSAGE,
               "--set %.100s: must be key=value or attack.key=value", text);
    if (dot && dot < equals) {
        w->set[w->set_count++] = text;
        goto out;
    }
    snprintf(key, sizeof key, "%.*s", (int)(equals - text), text);
    bool trains = base_param_find(nn_train_params, nn_train_param_count, key);
    BASE_CHECK(!trains || o->make_retrained, BASE_EUSAGE,
               "--set %.100s: is a key of the training, and only --make-retrained trains", text);
    if (trains)
        BASE_TRY(
            base_param_set(nn_train_params, nn_train_param_count, &w->training, "train", key, equals + 1, "--set"));
    else
        BASE_TRY(base_param_set(audit_params, audit_param_count, &w->task.options, "audit", key, equals + 1, "--set"));
out:
    return st;
}

static BaseStatus read_retrained(const CliOptions *o, Work *w)
{
    BaseStatus st = BASE_OK;
    if (!o->retrained) return BASE_OK;
    BASE_TRY(base_strdup(o->retrained, &w->list));
    for (char *at = w->list; at;) {
        char *comma = strchr(at, ',');
        if (comma) *comma++ = '\0';
        BASE_CHECK(*at, BASE_EUSAGE, "--retrained '%.100s': a file's name is missing", o->retrained);
        BASE_CHECK(w->retrained_count < CLI_TEXTS_MAX, BASE_EUSAGE, "--retrained: at most %d files", CLI_TEXTS_MAX);
        w->retrained[w->retrained_count++] = at;
        at = comma;
    }
out:
    return st;
}

static BaseStatus number_of(const char *flag, const char *text, AuditOptions *options)
{
    return text ? base_param_set(audit_params, audit_param_count, options, "audit", flag, text, "audit") : BASE_OK;
}

/* A page with pictures is readable by its owner alone, and so is its print. */
static BaseStatus print_page(const char *folder, const char *pdf)
{
    BaseStatus st = BASE_OK;
    char *html = NULL;
    struct stat of;
    BASE_TRY(base_format(&html, "%s/report.html", folder));
    BASE_CHECK(stat(html, &of) == 0, BASE_EIO, "%s: %s", html, strerror(errno));
    BASE_TRY(report_pdf_write(html, pdf, (of.st_mode & 077) == 0));
out:
    base_free(html);
    return st;
}

static BaseStatus audit(const CliOptions *o)
{
    BaseStatus st = BASE_OK;
    Work w = {.task = {.arch = o->arch, .weights = o->weights, .data = o->data}};
    BaseText terminal = {0};
    char *json = NULL;
    NnTuning *tuning = NULL;
    MiaVerdict verdict;
    char date[40];
    const char *program;
    w.task.signals = o->signals;
    BASE_CHECK(!o->signals || !(o->arch || o->weights || o->data || o->original || o->retrained || o->shadow ||
                                o->make_retrained || o->pictures || o->tuning),
               BASE_EUSAGE,
               "audit: --signals FILE holds the logits of all models: no models, data or pictures are given beside it");
    const char *const needed[][2] = {{"--arch A", o->arch},
                                     {"--weights F", o->weights},
                                     {"--data D", o->data},
                                     {"--forget C", o->forget},
                                     {"-o DIR", o->out}};
    for (size_t i = o->signals ? BASE_COUNT(needed) - 1 : 0; i < BASE_COUNT(needed); i++)
        BASE_CHECK(needed[i][1], BASE_EUSAGE, "audit: %s is missing; see `expunge audit --help`", needed[i][0]);
    base_param_defaults(nn_train_params, nn_train_param_count, &w.training);
    base_param_defaults(audit_params, audit_param_count, &w.task.options);
    BASE_TRY(number_of("alpha", o->alpha, &w.task.options));
    BASE_TRY(number_of("margin", o->margin, &w.task.options));
    BASE_TRY(number_of("pictures", o->pictures, &w.task.options));
    for (size_t i = 0; i < o->set.count; i++) BASE_TRY(assign(o, o->set.at[i], &w));
    BASE_TRY(read_retrained(o, &w));
    w.task.forget = o->forget;
    w.task.prepare = &o->prepare;
    w.task.original = o->original;
    w.task.retrained = w.retrained;
    w.task.retrained_count = w.retrained_count;
    w.task.make_retrained = o->make_retrained;
    w.task.training = &w.training;
    w.task.shadow = o->shadow;
    w.task.attacks = o->attacks;
    w.task.set = w.set;
    w.task.set_count = w.set_count;
    w.task.precision = nn_precision_available(o->use);
    if (o->tuning) BASE_TRY(nn_tuning_read(o->tuning, &tuning));
    w.task.tuning = tuning;
    w.task.seed = (uint64_t)o->seed;
    for (size_t i = 0; i < o->meta.count; i++) {
        const char *equals = strchr(o->meta.at[i], '=');
        BASE_CHECK(equals && equals > o->meta.at[i] && equals - o->meta.at[i] < 64, BASE_EUSAGE,
                   "--meta %.100s: must be key=value, as in --meta purpose='erasure request 17'", o->meta.at[i]);
    }
    w.task.meta = o->meta.at;
    w.task.meta_count = o->meta.count;
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &utc);
    w.task.date = date;
    w.task.out = o->out;
    w.task.command = o->command;
    if (o->pdf) BASE_TRY(report_pdf_program(&program));
    BASE_TRY(audit_run(&w.task, &json, &terminal, &verdict));
    if (o->pdf) BASE_TRY(print_page(o->out, o->pdf));
    if (o->json) {
        base_text_free(&terminal);
        base_text_add(&terminal, "%s\n", json);
    }
    BASE_TRY(cli_print_text_take(&terminal));
    BASE_CHECK(verdict != MIA_INVALID, BASE_EARG, "%s: the audit is invalid: a control failed, as its first line says",
               o->out);
out:
    base_text_free(&terminal);
    base_free(json);
    base_free(w.list);
    nn_tuning_free(tuning);
    return st;
}

static BaseStatus verify(const CliOptions *o)
{
    BaseStatus st = BASE_OK;
    BaseText lines = {0};
    AuditVerdict verdict;
    BASE_CHECK(!o->weights && !o->data && !o->pictures, BASE_EUSAGE,
               "audit: --verify DIR checks what an audit wrote and takes no other options");
    BASE_CHECK(!o->signers == !o->identity, BASE_EUSAGE,
               "audit: --signers FILE and --identity I go together: whose keys, and which of them signed");
    const AuditSigner signer = {o->signers, o->identity};
    BASE_TRY(audit_verify(o->verify, &signer, o->out, &lines, &verdict));
    BASE_TRY(cli_print_text_take(&lines));
    BASE_CHECK(verdict.differences == 0, BASE_EFORMAT, "%s: %lld difference%s from what the audit wrote", o->verify,
               (long long)verdict.differences, verdict.differences == 1 ? "" : "s");
    BASE_CHECK(verdict.pictures == 0 || o->out, BASE_EFORMAT,
               "%s: %lld picture%s cannot be checked here; -o NEW makes the pages again with pictures drawn on this "
               "machine",
               o->verify, (long long)verdict.pictures, verdict.pictures == 1 ? "" : "s");
    if (o->pdf) BASE_TRY(print_page(o->out ? o->out : o->verify, o->pdf));
out:
    base_text_free(&lines);
    return st;
}

static BaseStatus run(const CliOptions *o)
{
    if (o->verify) return verify(o);
    if (o->signers || o->identity)
        return base_error_set(BASE_EUSAGE, "audit: --signers and --identity go with --verify DIR");
    return audit(o);
}

const CliCommand cli_audit = {
    .name = "audit",
    .summary = "report, with a verdict, what an unlearned model still gives away",
    .purpose =
        {
#include "cli/help/audit.txt.inc"
        },
    .usage =
        {"--arch A --weights UNLEARNED --data D --forget 3 [--original F] [--retrained F1,F2..] [--pdf FILE] -o DIR",
         "--signals FILE [--forget 3] -o DIR", "--verify DIR [--signers FILE --identity I] [--pdf FILE] [-o NEW]"},
    .takes =
        "arch weights data signals forget original retrained make-retrained shadow attacks alpha margin pictures pdf verify signers identity meta set "
        "precision tuning json out",
    .set_table = audit_params,
    .set_count = &audit_param_count,
    .examples = {"expunge audit --arch convnet --weights out.safetensors --original original.safetensors "
                 "--retrained r1.safetensors,r2.safetensors,r3.safetensors --data fashion-mnist --forget 3 -o audit",
                 "expunge audit --verify audit"},
    .run = run,
};
