/* session/evaluation.h - right answers of a network on one split, and the confusion between its classes. */
#ifndef SESSION_EVALUATION_H
#define SESSION_EVALUATION_H

#include "io/json.h"
#include "session/answers.h"
#include "session/model.h"

/** Owned: session_evaluation_free. */
typedef struct {
    const char *split; /* "train" or "test"; static storage */
    bool forgets;      /* something was named */
    DataForget forget;
    SessionTally tally;
    int64_t K, *confusion; /* [K, K]: rows are true classes, columns are predicted ones */
} SessionEvaluation;
void session_evaluation_free(SessionEvaluation *evaluation);

/** What is evaluated; borrowed. */
typedef struct {
    const char *split;          /* "train" or "test"; NULL: test, or train where an index file names images */
    DataForgetWish forget;      /* or nothing */
    const DataOptions *options; /* that the data were opened with, or NULL */
    NnPrecision precision;
} SessionQuestion;
/** One pass over the split; warns where the answers are hardly better than guessing. BASE_EUSAGE (split, what is to be
 *  forgotten; images of an index file on the test split), or nn_predict's. */
BaseStatus session_evaluate(const SessionData *data, const SessionModel *model, const SessionQuestion *question,
                            SessionEvaluation *out);
/** Images of class @p c, and the right ones in percent: NaN where there are none. */
int64_t session_evaluation_count(const SessionEvaluation *evaluation, int64_t c);
double session_evaluation_percent(const SessionEvaluation *evaluation, int64_t c);
/** What `expunge eval --json` prints. */
IoJson *session_evaluation_json(const SessionEvaluation *evaluation, const SessionData *data,
                                const SessionModel *model);

#endif
