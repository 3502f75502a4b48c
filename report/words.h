/* report/words.h - what the numbers say, in sentences. */
#ifndef REPORT_WORDS_H
#define REPORT_WORDS_H

#include "base/text.h"
#include "report/load.h"

/** What was forgotten, what was kept, beside retraining, and what the attacks found with which n. Plain text. */
void report_words_headline(const ReportExperiment *e, BaseText *out);

#endif
