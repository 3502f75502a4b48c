/* audit/training.c - settings out of metadata, held against each other key by key. */
#include "audit/training.h"

#include <string.h>

#include "base/memory.h"

static const char EXCLUDED[] = "excluded: ", NONE[] = "none";

/* The rest of the line behind @p key in @p text; NULL: no line begins so. */
static const char *line_of(const char *text, const char *key, size_t *length)
{
    size_t n = strlen(key);
    for (const char *at = text; at && *at; at = strchr(at, '\n'), at += at != NULL)
        if (strncmp(at, key, n) == 0) {
            *length = strcspn(at + n, "\n");
            return at + n;
        }
    return NULL;
}

static void add(BaseText *out, const char *key, const char *value, size_t length)
{
    bool braces = length >= 2 && value[0] == '{' && value[length - 1] == '}';
    if (braces) {
        value++;
        length -= 2;
    }
    base_text_add(out, "%s%s%.*s", out->size ? ", " : "", key, (int)length, value);
}

BaseStatus audit_training_of(const IoTensors *tensors, BaseText *out)
{
    static const char *const META[][2] = {
        {"expunge.arch", "arch: "}, {"expunge.precision", "precision: "}, {"expunge.train", ""}};
    static const char *const LINES[][2] = {
        {"arch: ", "arch: "}, {"precision: ", "precision: "}, {"train: ", ""}, {"pool: ", "pool: "}};
    const char *made = io_tensors_meta(tensors, "expunge.made_by");
    bool known = io_tensors_meta(tensors, "expunge.train") != NULL;
    size_t length;
    for (size_t i = 0; known && i < BASE_COUNT(META); i++) {
        const char *value = io_tensors_meta(tensors, META[i][0]);
        if (value) add(out, META[i][1], value, strlen(value));
    }
    const char *excluded = io_tensors_meta(tensors, "expunge.exclude");
    if (known && excluded) base_text_add(out, ", %s%s", EXCLUDED, *excluded ? excluded : NONE);
    for (size_t i = 0; !known && made && i < BASE_COUNT(LINES); i++) {
        const char *value = line_of(made, LINES[i][0], &length);
        if (value) add(out, LINES[i][1], value, length);
    }
    return out->st;
}

/* The value of a setting in such a text: behind "key: ", up to ", " before another key. */
static const char *setting(const char *text, const char *key, size_t n, size_t *length)
{
    for (const char *at = text; *at;) {
        const char *next = strstr(at, ", ");
        if (strncmp(at, key, n) == 0 && strncmp(at + n, ": ", 2) == 0) {
            at += n + 2;
            *length = next ? (size_t)(next - at) : strlen(at);
            return at;
        }
        if (!next) break;
        at = next + 2;
    }
    return NULL;
}

/* "lr 0.1, not 0.05; epochs 3, not 20"; nothing where they agree on all that both say. */
static void differences(const char *own, const char *other, BaseText *out)
{
    for (const char *at = other; *at;) {
        const char *colon = strstr(at, ": "), *next = strstr(at, ", ");
        size_t have = 0, want = 0;
        if (colon && (!next || colon < next)) {
            size_t key = (size_t)(colon - at);
            const char *mine = setting(own, at, key, &have), *theirs = setting(other, at, key, &want);
            bool classes = key == strlen(EXCLUDED) - 2 && strncmp(at, EXCLUDED, key) == 0;
            if (!classes && mine && theirs && (have != want || strncmp(mine, theirs, have) != 0))
                base_text_add(out, "%s%.*s %.*s, not %.*s", out->size ? "; " : "", (int)key, at, (int)have, mine,
                              (int)want, theirs);
        }
        if (!next) break;
        at = next + 2;
    }
}

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
    BaseText lines = {0}, one = {0};
    if (!model) model = input_of(c, "unlearned");
    if (!model) return BASE_OK;
    for (size_t i = 0; i < c->input_count; i++) {
        const AuditInput *retrained = &c->input[i];
        if (strcmp(retrained->role, "retrained") != 0) continue;
        all++;
        size_t length;
        const char *excluded = setting(retrained->training, EXCLUDED, strlen(EXCLUDED) - 2, &length);
        if (excluded && length == strlen(NONE) && strncmp(excluded, NONE, length) == 0)
            base_text_add(&lines, " %s was trained on all classes: it is no retrained model.", retrained->path);
        if (!*retrained->training || !*model->training) continue;
        known++;
        base_text_free(&one);
        differences(retrained->training, model->training, &one);
        BASE_TRY(one.st);
        if (one.size)
            base_text_add(&lines, " %s was trained otherwise: %s.", retrained->path, one.data);
        else
            alike++;
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
    return st;
}
