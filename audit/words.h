/* audit/words.h - the verdict, what was found and what could not have been, in sentences. */
#ifndef AUDIT_WORDS_H
#define AUDIT_WORDS_H

#include "audit/page.h"

/** the verdict, what was found and what could not have been, in sentences. */
void audit_words(const AuditPage *page, ReportDocument *document);
/** Each word of a verdict, and the terms of the page, for a reader who meets them for the first time. */
void audit_words_meanings(ReportDocument *document);
/** "not run: needs .." for every game, control and attack. */
void audit_words_left_out(const AuditPage *page, ReportDocument *document);
/** One line per game for a terminal, the verdict first. */
void audit_words_terminal(const AuditPage *page, BaseText *out);

#endif
