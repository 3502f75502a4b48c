/* experiment/plan.c - seeds, then class sets, then methods; a job's id is the hash of its canonical config. */
#include "experiment/plan.h"

#include <ctype.h>
#include <string.h>

#include "base/memory.h"
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
    if (job->has_peer) base_text_add(&text, "peer: %llu\n", (unsigned long long)job->peer);
    BASE_TRY(base_text_take(&text, &job->config));
    base_hash_bytes(job->config, strlen(job->config), job->id);
    add_slug(&text, label);
    base_text_add(&text, "-");
    add_slug(&text, job->forget_text);
    base_text_add(&text, "%ss%llu-%.12s.h5", job->forget ? "-" : "", (unsigned long long)job->seed, job->id);
    BASE_TRY(base_text_take(&text, &job->file));
out:
    return st;
}

BaseStatus experiment_plan_make(const ExperimentConfig *e, const SessionData *data, const DataForget *forget,
                                size_t forget_count, const DataForget *search_sets, ExperimentJob **out, size_t *count)
{
    BaseStatus st = BASE_OK;
    size_t per_seed = 1 + forget_count * e->method_count, n = e->seed_count * per_seed;
    ExperimentJob *jobs = NULL;
    *out = NULL;
    *count = 0;
    BASE_TRY(BASE_ALLOC(n, &jobs));
    for (size_t i = 0; i < n; i++) {
        size_t at = i % per_seed;
        jobs[i].seed = e->seeds[i / per_seed];
        jobs[i].forget_map = "";
        if (at > 0) {
            size_t set = (at - 1) / e->method_count;
            jobs[i].forget = &forget[set];
            if (data_forget_by_image(&forget[set])) jobs[i].forget_map = e->forget[set].text;
            jobs[i].method = &e->methods[(at - 1) % e->method_count];
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
