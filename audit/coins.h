/* audit/coins.h - what the canaries prove: bounds on epsilon that need no assumption about images, since a coin decided
 * which of them were trained on. */
#ifndef AUDIT_COINS_H
#define AUDIT_COINS_H

#include "audit/signals.h"
#include "io/json.h"
#include "mia/coins/coins.h"
#include "report/document.h"

/** Which canaries: of the classes that are to be forgotten, of the kept ones, all. */
typedef enum { AUDIT_COINS_FORGOTTEN, AUDIT_COINS_KEPT, AUDIT_COINS_ALL, AUDIT_COINS_SETS } AuditCoinsSet;

/** One bound, at its own level. Rows of the original come last. */
typedef struct {
    bool original; /* else the audited model */
    AuditCoinsSet set;
    MiaCoins coins;
} AuditCoinsRow;

/** Row 0 is what the audit says first: of the audited model, the forgotten canaries, or all where none is forgotten. */
typedef struct {
    AuditCoinsRow row[2 * AUDIT_COINS_SETS];
    int count; /* 0: no canaries */
} AuditCoins;

/** The score of a canary is phi of the label that it is trained with, which ranks canaries as their losses do. */
BaseStatus audit_coins_judge(const AuditSignals *signals, AuditCoins *out);

/** "of the forgotten classes", .. */
const char *audit_coins_set_name(AuditCoinsSet set);
/** "coins" of report.json; a sentence for people; the section of the pages. */
IoJson *audit_coins_json(const AuditSignals *signals, const AuditCoins *coins);
void audit_coins_sentence(const AuditCoinsRow *row, BaseText *out);
void audit_coins_page(const AuditSignals *signals, const AuditCoins *coins, ReportDocument *document);

#endif
