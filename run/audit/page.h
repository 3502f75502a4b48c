/* run/audit/page.h - the report of an audit: its words, tables, figures and pictures. */
#ifndef RUN_AUDIT_PAGE_H
#define RUN_AUDIT_PAGE_H

#include "io/json.h"
#include "report/document.h"
#include "run/audit/audit.h"

typedef struct {
    const RunAuditTask *task;
    const RunAuditCollected *collected;
    const RunAuditResult *result;
    const char *version, *program; /* of the program that audited, and its SHA-256; NULL: this one */
    /* of a page that is made again: */
    const char *drawn;        /* folder whose drawings it shows, since another gnuplot draws otherwise; else NULL */
    const char **class_names; /* [K] where it has pictures; else NULL */
} RunAuditPage;

/** Words: the verdict, what was found and what could not have been, in sentences. */
void run_audit_words(const RunAuditPage *page, ReportDocument *document);
/** "not run: needs .." for every game, control and attack. */
void run_audit_words_left_out(const RunAuditPage *page, ReportDocument *document);
/** A line a game for a terminal, the verdict first. */
void run_audit_words_terminal(const RunAuditPage *page, BaseText *out);

/** Draws into figures->folder; index of a game's ROC, histogram, and of the learning curve in figures->items, or -1. */
typedef struct {
    int roc[MIA_GAMES], histogram[MIA_GAMES], curve;
} RunAuditFigures;
BaseStatus run_audit_draw(const RunAuditPage *page, ReportFigures *figures, RunAuditFigures *out);

/** The forgotten classes' names. NULL where memory failed, as all of io/json.h. */
IoJson *run_audit_forget_names(const RunAuditCollected *collected);
/** report.json: the verdict, who made it, and the numbers. *out owned. */
BaseStatus run_audit_page_json(const RunAuditPage *page, char **out);
/** Writes report.html, report.md and figures/ below @p folder, which holds figures/ already. */
BaseStatus run_audit_page(const RunAuditPage *page, const char *folder);

#endif
