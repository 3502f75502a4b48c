/* cli/audit.c - `expunge audit`: options sorted into an audit to make or one to verify; audit/ does the work. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "audit/audit.h"
#include "audit/request.h"
#include "audit/verify.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "report/pdf.h"

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

/* Before any work: either a file of logits, or all that an audit of models needs. */
static BaseStatus check_given(const CliOptions *o)
{
    BaseStatus st = BASE_OK;
    BASE_CHECK(!o->signals || !(o->arch || o->weights || o->data || o->original || o->retrained || o->shadow ||
                                o->make_retrained || o->pictures || o->tuning || o->forget_index),
               BASE_EUSAGE,
               "audit: --signals FILE holds the logits of all models: no models, data or pictures are given beside it");
    const char *const needed[][2] = {{"--arch A", o->arch},
                                     {"--weights F", o->weights},
                                     {"--data D", o->data},
                                     {"--forget C", o->forget ? o->forget : o->forget_index},
                                     {"-o DIR", o->out}};
    for (size_t i = o->signals ? BASE_COUNT(needed) - 1 : 0; i < BASE_COUNT(needed); i++)
        BASE_CHECK(needed[i][1], BASE_EUSAGE, "audit: %s is missing; see `expunge audit --help`", needed[i][0]);
out:
    return st;
}

static BaseStatus read_request(const CliOptions *o, AuditRequest *r)
{
    BaseStatus st = BASE_OK;
    AuditTask *t = &r->task;
    t->signals = o->signals;
    t->arch = o->arch;
    t->weights = o->weights;
    t->data = o->data;
    t->forget = o->forget;
    t->forget_index = o->forget_index;
    t->prepare = &o->prepare;
    t->original = o->original;
    t->make_retrained = o->make_retrained;
    t->shadow = o->shadow;
    t->attacks = o->attacks;
    t->seed = (uint64_t)o->seed;
    t->out = o->out;
    t->command = o->command;
    BASE_TRY(number_of("alpha", o->alpha, &t->options));
    BASE_TRY(number_of("margin", o->margin, &t->options));
    BASE_TRY(number_of("pictures", o->pictures, &t->options));
    for (size_t i = 0; i < o->set.count; i++) BASE_TRY(audit_request_set(r, o->set.at[i], "--set"));
    if (o->retrained) BASE_TRY(audit_request_retrained(r, o->retrained, "--retrained"));
    t->precision = nn_precision_available(o->use);
    if (o->tuning) BASE_TRY(nn_tuning_read(o->tuning, &t->tuning));
    for (size_t i = 0; i < o->meta.count; i++) BASE_TRY(audit_request_meta(r, o->meta.at[i], "--meta"));
out:
    return st;
}

static BaseStatus audit(const CliOptions *o)
{
    BaseStatus st = BASE_OK;
    AuditRequest request;
    BaseText terminal = {0};
    char *json = NULL;
    MiaVerdict verdict;
    const char *program;
    audit_request_begin(&request);
    BASE_TRY(check_given(o));
    BASE_TRY(read_request(o, &request));
    if (o->pdf) BASE_TRY(report_pdf_program(&program));
    BASE_TRY(audit_run(audit_request_task(&request), &json, &terminal, &verdict));
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
    nn_tuning_free(request.task.tuning);
    audit_request_free(&request);
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
        {"--arch A --weights UNLEARNED --data D --forget 3 | --forget-index FILE [--original F] [--retrained F1,F2..] [--pdf FILE] -o DIR",
         "--signals FILE [--forget 3] -o DIR", "--verify DIR [--signers FILE --identity I] [--pdf FILE] [-o NEW]"},
    .takes =
        "arch weights override data signals forget forget-index original retrained make-retrained shadow attacks alpha margin pictures pdf verify signers identity meta set "
        "precision tuning memory json out",
    .set_table = audit_params,
    .set_count = &audit_param_count,
    .examples = {"expunge audit --arch convnet --weights out.safetensors --original original.safetensors "
                 "--retrained r1.safetensors,r2.safetensors,r3.safetensors --data fashion-mnist --forget 3 -o audit",
                 "expunge audit --verify audit"},
    .run = run,
};
