/* audit/training.c - the sentence about retrained models. */
#include "audit/training.h"

#include <string.h>

#include "audit/settings.h"
#include "base/memory.h"

static const AuditInput *input_of(const AuditCollected *c, const char *role)
{
    for (size_t i = 0; i < c->input_count; i++)
        if (strcmp(c->input[i].role, role) == 0) return &c->input[i];
    return NULL;
}

BaseStatus audit_training_words(const AuditCollected *c, BaseText *out)
{
    BaseStatus st = BASE_OK;
    const AuditInput *model = input_of(c, "original");
    int64_t alike = 0, known = 0, all = 0;
    BaseText lines = {0}, one = {0}, lacking = {0};
    if (!model) model = input_of(c, "unlearned");
    if (!model) return BASE_OK;
    for (size_t i = 0; i < c->input_count; i++) {
        const AuditInput *retrained = &c->input[i];
        if (strcmp(retrained->role, "retrained") != 0) continue;
        all++;
        if (!audit_of_images(c) && audit_settings_exclude_none(retrained->training))
            base_text_add(&lines, " %s was trained on all classes: it is no retrained model.", retrained->path);
        if (!*retrained->training || !*model->training) continue;
        base_text_free(&one);
        base_text_free(&lacking);
        if (audit_settings_compared(retrained->training, model->training, &lacking) == 0) continue;
        known++;
        audit_settings_differences(retrained->training, model->training, &one);
        BASE_TRY(one.st);
        BASE_TRY(lacking.st);
        if (one.size)
            base_text_add(&lines, " %s was trained otherwise: %s.", retrained->path, one.data);
        else
            alike++;
        if (lacking.size)
            base_text_add(&lines, " Not compared for %s, since only one of the two files says it: %s.", retrained->path,
                          lacking.data);
    }
    BASE_TRY(lines.st);
    if (all == 0) goto out;
    if (known == 0)
        base_text_add(out,
                      "Whether the retrained models were trained as the original was is not known: their files do not "
                      "say how.");
    else
        base_text_add(out, "%lld of %lld retrained models %s trained with the original's settings, as their files say.",
                      (long long)alike, (long long)all, alike == 1 ? "was" : "were");
    if (known && known < all) base_text_add(out, " Of %lld it is not known.", (long long)(all - known));
    if (lines.size) base_text_add(out, "%s", lines.data);
    BASE_TRY(out->st);
out:
    base_text_free(&lines);
    base_text_free(&one);
    base_text_free(&lacking);
    return st;
}
