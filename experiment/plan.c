/* experiment/plan.c - seeds, then class sets, then methods, then unlearnings; a job's id is the hash of its canonical config. */
#include "experiment/plan.h"

#include <ctype.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "experiment/canonical.h"
#include "session/forget.h"

/* Letters and digits stay, in lower case; runs of anything else become one '-'. */
static void add_slug(BaseText *out, const char *text)
{
    bool gap = false, any = false;
    for (const char *c = text; *c; c++) {
        unsigned char u = (unsigned char)*c;
        if (u < 128 && (isalnum(u) || u == '_')) {
            base_text_add(out, "%s%c", gap && any ? "-" : "", tolower(u));
            gap = false, any = true;
        } else {
            gap = true;
        }
    }
}

/* What the row's method and the retrained networks, with which it is compared, read from files; with a search, for its sets
 * too. */
static BaseStatus identify(const ExperimentConfig *e, const ExperimentJob *job, const DataForget *search_sets,
                           BaseText *text)
{
    BaseStatus st = BASE_OK;
    const ExperimentMethod *reference = experiment_config_reference(e), *both[] = {job->method, reference};
    for (size_t i = 0; job->method && i < BASE_COUNT(both) && (i == 0 || both[i] != both[0]); i++)
        if (both[i]) BASE_TRY(experiment_method_identify(e, both[i], job->forget, job->seed, text));
    if (job->has_peer) BASE_TRY(experiment_method_identify(e, reference, job->forget, job->peer, text));
    for (size_t i = 0; job->method && job->method->axis_count > 0 && search_sets && i < e->search_forget_count; i++)
        BASE_TRY(experiment_method_identify(e, job->method, &search_sets[i], job->seed, text));
out:
    return st;
}

static BaseStatus fill(const ExperimentConfig *e, const SessionData *data, const DataForget *search_sets,
                       ExperimentJob *job)
{
    BaseStatus st = BASE_OK;
    BaseText text = {0};
    const char *label = job->method ? job->method->label : "original";
    if (job->forget) data_forget_text(job->forget, &text);
    BASE_TRY(base_text_take(&text, &job->forget_text));
    if (job->forget) session_forget_both(job->forget, data->train, &text);
    BASE_TRY(base_text_take(&text, &job->forget_both));
    experiment_config_canonical(e, job->method, search_sets, &text);
    base_text_add(&text, "label: %s\ndata: %s\nforget: [%s]\nseed: %llu\nversion: %d\n", label, data->hash,
                  job->forget_text, (unsigned long long)job->seed, EXPERIMENT_FORMAT_VERSION);
    if (e->originals) base_text_add(&text, "original: %s\n", e->originals[experiment_config_number(e, job->seed)].hash);
    BASE_TRY(identify(e, job, search_sets, &text));
    if (job->unlearn > 0) base_text_add(&text, "unlearn_seed: %lld\n", (long long)job->unlearn);
    if (job->has_peer) base_text_add(&text, "peer: %llu\n", (unsigned long long)job->peer);
    BASE_TRY(base_text_take(&text, &job->config));
    base_hash_bytes(job->config, strlen(job->config), job->id);
    add_slug(&text, label);
    base_text_add(&text, "-");
    add_slug(&text, job->forget_text);
    base_text_add(&text, "%ss%llu-", job->forget ? "-" : "", (unsigned long long)job->seed);
    if (job->unlearn > 0) base_text_add(&text, "u%lld-", (long long)job->unlearn);
    base_text_add(&text, "%.12s.h5", job->id);
    BASE_TRY(base_text_take(&text, &job->file));
out:
    return st;
}

static size_t unlearnings(const ExperimentConfig *e, const ExperimentMethod *m)
{
    return m->method->needs & (UNLEARN_ORIGINAL | UNLEARN_RETRAINED | UNLEARN_ELSEWHERE) ? 1 : (size_t)e->unlearn_seeds;
}

size_t experiment_plan_place(const ExperimentConfig *e, size_t number)
{
    size_t before = 0;
    for (size_t m = 0; m < number; m++) before += unlearnings(e, &e->methods[m]);
    return before;
}

/* The @p at-th job of a set: its method and its unlearning. */
static void choose(const ExperimentConfig *e, size_t at, ExperimentJob *job)
{
    const ExperimentMethod *m = e->methods;
    for (; at >= unlearnings(e, m); m++) at -= unlearnings(e, m);
    BaseRandom random = base_random_make(job->seed, "unlearning", at);
    job->method = m;
    job->unlearn = (int64_t)at;
    if (at > 0) job->draw = base_random_below(&random, (uint64_t)1 << 31);
}

BaseStatus experiment_plan_make(const ExperimentConfig *e, const SessionData *data, const DataForget *forget,
                                size_t forget_count, const DataForget *search_sets, ExperimentJob **out, size_t *count)
{
    BaseStatus st = BASE_OK;
    size_t per_set = experiment_plan_place(e, e->method_count), per_seed = 1 + forget_count * per_set,
           n = e->seed_count * per_seed;
    ExperimentJob *jobs = NULL;
    *out = NULL;
    *count = 0;
    BASE_TRY(BASE_ALLOC(n, &jobs));
    for (size_t i = 0; i < n; i++) {
        size_t at = i % per_seed;
        jobs[i].seed = jobs[i].draw = e->seeds[i / per_seed];
        jobs[i].forget_map = "";
        if (at > 0) {
            size_t set = (at - 1) / per_set;
            jobs[i].forget = &forget[set];
            if (data_forget_by_image(&forget[set])) jobs[i].forget_map = e->forget[set].text;
            choose(e, (at - 1) % per_set, &jobs[i]);
            jobs[i].peer = e->seeds[(i / per_seed + 1) % e->seed_count];
            jobs[i].has_peer = jobs[i].method == experiment_config_reference(e) && jobs[i].peer != jobs[i].seed;
        }
        BASE_TRY(fill(e, data, search_sets, &jobs[i]));
    }
    *out = jobs;
    *count = n;
    jobs = NULL;
out:
    experiment_plan_free(jobs, n);
    return st;
}

void experiment_plan_free(ExperimentJob *jobs, size_t count)
{
    for (size_t i = 0; jobs && i < count; i++) {
        base_free(jobs[i].forget_text);
        base_free(jobs[i].forget_both);
        base_free(jobs[i].config);
        base_free(jobs[i].file);
    }
    base_free(jobs);
}
