/* api/attack.c - attacks on a host's signals, by the code that `expunge attack` runs. */
#include <string.h>

#include "api/call.h"
#include "api/files.h"
#include "api/signals.h"
#include "base/memory.h"
#include "session/attacks.h"

static const SessionAttackWords WORDS = {"names", "parameter"};

struct expunge_attacks {
    SessionAttacks attacks;
    int64_t points;
    char *json;
};

void expunge_attacks_free(expunge_attacks *attacks)
{
    if (!attacks) return;
    session_attacks_free(&attacks->attacks);
    base_free(attacks->json);
    base_free(attacks);
}

static BaseStatus read_signals(const expunge_signals *from, SessionSignals *out)
{
    ApiFiles files;
    if (!from->path) return session_signals_of(&from->arrays, api_signals_name(from), out);
    api_files_begin(&files);
    BaseStatus st = session_signals_read(from->path, out);
    api_files_end(&files);
    return st;
}

static BaseStatus attack(const expunge_signals *from, const char *names, const char *const *parameters,
                         size_t parameter_count, uint64_t seed, expunge_attacks **out)
{
    BaseStatus st = BASE_OK;
    SessionSignals signals = {0};
    expunge_attacks *a = NULL;
    IoJson *json = NULL;
    BASE_TRY(BASE_ALLOC(1, &a));
    BASE_TRY(session_attacks_choose(names, parameters, parameter_count, &WORDS, &a->attacks));
    BASE_TRY(read_signals(from, &signals));
    signals.input.seed = seed;
    BASE_TRY(mia_input_check(&signals.input, MIA_WITHOUT_ROLES));
    BASE_TRY(session_attacks_make(&a->attacks, &signals.input));
    a->points = signals.input.N;
    json = session_attacks_json(&a->attacks, &signals, from->path);
    BASE_TRY(io_json_text(json, &a->json));
    *out = a;
    a = NULL;
out:
    io_json_free(json);
    session_signals_free(&signals);
    expunge_attacks_free(a);
    return st;
}

expunge_status expunge_attack(const expunge_signals *signals, const char *names, const char *const *parameters,
                              size_t parameter_count, uint64_t seed, expunge_attacks **attacks)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    api_enter(&call);
    API_GIVEN(attacks);
    *attacks = NULL;
    API_GIVEN(signals);
    API_GIVEN(names);
    if (parameter_count) API_GIVEN(parameters);
    for (size_t i = 0; i < parameter_count; i++) BASE_CHECK(parameters[i], BASE_EARG, "parameters[%zu] is NULL", i);
    BASE_CHECK(seed <= INT64_MAX, BASE_EARG, "seed = %llu: must be at most %lld", (unsigned long long)seed,
               (long long)INT64_MAX);
    BASE_TRY(attack(signals, names, parameters, parameter_count, seed, attacks));
out:
    return api_leave(&call, st);
}

const char *expunge_attacks_json(const expunge_attacks *attacks) { return attacks ? attacks->json : NULL; }

expunge_status expunge_attacks_scores(const expunge_attacks *attacks, const char *name, double *scores, int64_t count)
{
    ApiCall call;
    BaseStatus st = BASE_OK;
    const SessionAttack *row = NULL;
    api_enter(&call);
    API_GIVEN(attacks);
    API_GIVEN(name);
    API_GIVEN(scores);
    for (size_t i = 0; i < attacks->attacks.count; i++)
        if (strcmp(attacks->attacks.row[i].attack->entry.name, name) == 0) row = &attacks->attacks.row[i];
    BASE_CHECK(row, BASE_ENOTFOUND, "attack '%.60s' is none of those that were made", name);
    BASE_CHECK(!row->reason, BASE_ENOTFOUND, "attack %s could not be made: %s", name, row->reason);
    BASE_CHECK(count == attacks->points, BASE_ESHAPE, "count = %lld: there are %lld points", (long long)count,
               (long long)attacks->points);
    memcpy(scores, row->result.score, (size_t)count * sizeof *scores);
out:
    return api_leave(&call, st);
}
