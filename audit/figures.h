/* audit/figures.h - the figures of an audit. */
#ifndef AUDIT_FIGURES_H
#define AUDIT_FIGURES_H

#include "audit/page.h"

/** Draws into figures->folder; index of a game's ROC, histogram, and of the learning curve in figures->items, or -1. */
typedef struct {
    int roc[MIA_GAMES], histogram[MIA_GAMES], curve;
} AuditFigures;
BaseStatus audit_draw(const AuditPage *page, ReportFigures *figures, AuditFigures *out);

#endif
