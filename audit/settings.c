/* audit/settings.c - out of metadata, held against each other key by key. */
#include "audit/settings.h"

#include <string.h>

#include "base/memory.h"
#include "base/param.h"

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

BaseStatus audit_settings_of(const IoTensors *tensors, BaseText *out)
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
void audit_settings_differences(const char *own, const char *other, BaseText *out)
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

/* The settings of @p text that @p other says too; the rest are appended to @p lacking. */
static int64_t said_too(const char *text, const char *other, BaseText *lacking)
{
    int64_t both = 0;
    for (const char *at = text; *at;) {
        const char *colon = strstr(at, ": "), *next = strstr(at, ", ");
        size_t length;
        if (colon && (!next || colon < next) && strncmp(at, EXCLUDED, strlen(EXCLUDED)) != 0) {
            if (setting(other, at, (size_t)(colon - at), &length))
                both++;
            else
                base_text_add(lacking, "%s%.*s", lacking->size ? ", " : "", (int)(colon - at), at);
        }
        if (!next) break;
        at = next + 2;
    }
    return both;
}

int64_t audit_settings_compared(const char *own, const char *other, BaseText *lacking)
{
    said_too(own, other, lacking);
    return said_too(other, own, lacking);
}

bool audit_settings_exclude_none(const char *settings)
{
    size_t length;
    const char *excluded = setting(settings, EXCLUDED, strlen(EXCLUDED) - 2, &length);
    return excluded && length == strlen(NONE) && strncmp(excluded, NONE, length) == 0;
}
