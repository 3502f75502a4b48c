/* audit/agree.c - each fact is derived from the signals and compared; a key that nobody reads is a difference. */
#include "audit/agree.h"

#include <stdlib.h>
#include <string.h>

#include "audit/manifest.h"
#include "audit/provenance.h"
#include "base/memory.h"

typedef struct {
    const BaseYaml *manifest;
    const AuditPage *page;
    const AuditSignals *s;
    BaseText *lines;
    int64_t *differences;
} Agree;

static void differ(Agree *a, const char *what, const char *how)
{
    ++*a->differences;
    base_text_add(a->lines, AUDIT_MANIFEST " %s: %s\n", what, how);
}

/* What nobody reads would else be what anybody adds. */
static void check_keys(Agree *a)
{
    static const char *const KEYS[] = {"format", "command", "program", "config",  "config_sha256",
                                       "data",   "inputs",  "page",    "results", "manifest_sha256"};
    for (size_t i = 0; i < a->manifest->count; i++) {
        bool known = false;
        for (size_t k = 0; k < BASE_COUNT(KEYS); k++) known |= strcmp(a->manifest->items[i]->key, KEYS[k]) == 0;
        if (!known) differ(a, a->manifest->items[i]->key, "is not what an audit writes there");
    }
}

static bool names_class(const char *numbers, int64_t class)
{
    for (const char *at = numbers; *at;) {
        size_t length = strcspn(at, ",");
        char number[24] = "";
        int64_t value;
        memcpy(number, at, length < sizeof number ? length : 0);
        if (base_parse_i64(number, &value) && value == class) return true;
        at += length + (at[length] == ',');
    }
    return false;
}

static int64_t inputs_of(const Agree *a, const char *role)
{
    int64_t n = 0;
    for (size_t i = 0; i < a->page->collected->input_count; i++)
        n += strcmp(a->page->collected->input[i].role, role) == 0;
    return n;
}

/* All listed images, in ascending order, have the hash that the pages name; of a sample it is not known. */
static BaseStatus check_images(Agree *a)
{
    BaseStatus st = BASE_OK;
    DataForget forget = {0};
    BaseText id = {0};
    const char *named = a->page->collected->forget_numbers;
    int64_t n = 0;
    for (int64_t i = 0; i < a->s->N; i++) n += a->s->group[i] == AUDIT_FORGET_TRAIN;
    BASE_TRY(BASE_ALLOC_RAW(n, &forget.images.at));
    for (int64_t i = 0; i < a->s->N; i++)
        if (a->s->group[i] == AUDIT_FORGET_TRAIN) forget.images.at[forget.images.n++] = a->s->point[i].at;
    data_forget_text(&forget, &id);
    BASE_TRY(id.st);
    const int64_t listed = strtoll(named + strlen("images-"), NULL, 10);
    const bool all = a->s->options.points == 0 && a->s->canaries.n == 0;
    if (n > listed || ((all || n == listed) && strcmp(id.data, named) != 0) || inputs_of(a, AUDIT_ROLE_IMAGES) != 1)
        differ(a, "page.forget", "names other images than those that were forgotten in signals.h5");
out:
    data_forget_free(&forget);
    base_text_free(&id);
    return st;
}

/* Forgotten images are of the classes that the pages name, and no others are. */
static void check_classes(Agree *a)
{
    const char *numbers = a->page->collected->forget_numbers;
    bool points = inputs_of(a, "signals") == 1; /* anybody's: kept points may be of the same classes */
    for (int64_t i = 0; i < a->s->N; i++) {
        bool forgotten = a->s->group[i] < AUDIT_RETAIN_TRAIN;
        if (a->s->group[i] == AUDIT_POPULATION || (points && !forgotten)) continue;
        if (names_class(numbers, a->s->labels[i]) == forgotten) continue;
        differ(a, "page.forget", "names other classes than those that were forgotten in signals.h5");
        return;
    }
    for (int64_t i = 0; i < a->s->canaries.n && !points; i++) {
        if (names_class(numbers, a->s->canaries.label[i]) == (a->s->canaries.forgotten[i] != 0)) continue;
        differ(a, "page.forget", "names other classes than those of the forgotten canaries in signals.h5");
        return;
    }
}

static void check_inputs(Agree *a)
{
    const ModelShadowArrays *shadow = &a->s->shadow;
    bool shadows = shadow->S || shadow->U || shadow->R;
    if (inputs_of(a, "signals") == 1 && a->page->collected->input_count == 1) return;
    bool right = inputs_of(a, "unlearned") == 1 && inputs_of(a, "original") == (a->s->original != NULL) &&
                 inputs_of(a, "retrained") == a->s->R && inputs_of(a, "shadows") == shadows &&
                 (a->page->collected->shadows > 0) == shadows && a->page->task->make_retrained >= 0 &&
                 a->page->task->make_retrained <= a->s->R;
    if (!right) differ(a, "inputs", "are not the models whose answers are in signals.h5");
    if (!a->s->original || !inputs_of(a, "original")) return;
    bool same = memcmp(a->s->original, a->s->unlearned, (size_t)(a->s->N * a->s->K) * sizeof *a->s->original) == 0;
    if (same != a->page->collected->unlearned_nothing)
        differ(a, "inputs",
               same ? "have an original that differs from the unlearned model, but both give the same answers"
                    : "have the unlearned model as its own original, but their answers differ");
}

/* The config's lines from "seed" to the last attack are made of the signals; what was trained here follows them. */
static BaseStatus check_config(Agree *a)
{
    BaseStatus st = BASE_OK;
    BaseText want = {0}, arch = {0}, after = {0};
    const char *config = audit_manifest_text(a->manifest, "config");
    base_text_add(&arch, "arch: %s\nforget: ", a->page->collected->arch);
    base_text_add(&want, "\n");
    BASE_TRY(audit_config_signals(a->s, &want));
    if (a->page->task->make_retrained)
        base_text_add(&after, "retrained_by_us: %lld\ntrain: ", (long long)a->page->task->make_retrained);
    BASE_TRY(arch.st);
    BASE_TRY(after.st);
    const char *at = strstr(config, want.data), *rest = at ? at + want.size : "";
    bool right = at && strncmp(config, arch.data, arch.size) == 0 &&
                 (after.size ? strncmp(rest, after.data, after.size) == 0 : *rest == '\0');
    if (!right) differ(a, "config", "is not what signals.h5 was judged with");
out:
    base_text_free(&want);
    base_text_free(&arch);
    base_text_free(&after);
    return st;
}

static void check_names(Agree *a, const DataSet *data)
{
    const AuditCollected *c = a->page->collected;
    bool right = data->K == a->s->K;
    const bool images = audit_of_images(c);
    size_t next = images ? c->forget_count : 0;
    for (int64_t k = 0; right && k < data->K; k++) {
        const char *name = data->class_names[k];
        if (a->s->class_name) right = strcmp(a->s->class_name[k], name) == 0;
        if (images || !names_class(c->forget_numbers, k)) continue;
        right = right && next < c->forget_count && strcmp(c->forget_name[next], name) == 0;
        next++;
    }
    if (!right || next != c->forget_count) differ(a, "page", "or signals.h5 names classes differently from the data");
}

BaseStatus audit_agree(const BaseYaml *manifest, const AuditPage *page, const DataSet *data, BaseText *lines,
                       int64_t *differences)
{
    Agree a = {manifest, page, &page->collected->signals, lines, differences};
    check_keys(&a);
    BaseStatus st = BASE_OK;
    if (audit_of_images(page->collected))
        st = check_images(&a);
    else
        check_classes(&a);
    check_inputs(&a);
    if (data) check_names(&a, data);
    return st == BASE_OK ? check_config(&a) : st;
}
