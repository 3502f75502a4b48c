/* audit/page.h - the report of an audit: its words, tables, figures and pictures. */
#ifndef AUDIT_PAGE_H
#define AUDIT_PAGE_H

#include "audit/audit.h"
#include "io/json.h"
#include "report/document.h"

typedef struct {
    const AuditTask *task;
    const AuditCollected *collected;
    const AuditResult *result;
    const char *version, *program; /* of the program that audited, and its SHA-256; NULL: this one */
    /* of a page that is made again: */
    const char *drawn;        /* folder whose drawings it shows, since another gnuplot draws otherwise; else NULL */
    const char **class_names; /* [K] where it has pictures; else NULL */
} AuditPage;

/** Words: the verdict, what was found and what could not have been, in sentences. */
void audit_words(const AuditPage *page, ReportDocument *document);
/** "not run: needs .." for every game, control and attack. */
void audit_words_left_out(const AuditPage *page, ReportDocument *document);
/** A line a game for a terminal, the verdict first. */
void audit_words_terminal(const AuditPage *page, BaseText *out);

/** Draws into figures->folder; index of a game's ROC, histogram, and of the learning curve in figures->items, or -1. */
typedef struct {
    int roc[MIA_GAMES], histogram[MIA_GAMES], curve;
} AuditFigures;
BaseStatus audit_draw(const AuditPage *page, ReportFigures *figures, AuditFigures *out);

/** The forgotten classes' names. NULL where memory failed, as all of io/json.h. */
IoJson *audit_forget_names(const AuditCollected *collected);
/** report.json: the verdict, who made it, and the numbers. *out owned. */
BaseStatus audit_page_json(const AuditPage *page, char **out);
/** Writes report.html, report.md and figures/ below @p folder, which holds figures/ already. */
BaseStatus audit_page(const AuditPage *page, const char *folder);

#endif
