/* session/blas.h - the choice of OpenBLAS's kernels for this CPU: what to ask for with OPENBLAS_CORETYPE before the library
 * is loaded, that is, of a program that starts itself once more, and whether what runs then computes rightly.
 *
 * What a user set stays. Where OpenBLAS chose kernels older than the CPU, or ones that are wrong on it, better ones are
 * asked for. SESSION_BLAS_CHAIN tells a choice of ours from a user's: the core types in turn, OpenBLAS's own first, "!"
 * behind those that computed wrongly, and the last one is what OPENBLAS_CORETYPE now is: "Prescott>SkylakeX!>Haswell".
 */
#ifndef SESSION_BLAS_H
#define SESSION_BLAS_H

#include "base/text.h"
#include "math/blas.h"

#define SESSION_BLAS_CORE  "OPENBLAS_CORETYPE"
#define SESSION_BLAS_CHAIN "EXPUNGE_BLAS_CHAIN"
enum { SESSION_BLAS_NAME = 32, SESSION_BLAS_TRIED = 8 };

typedef enum { SESSION_BLAS_OPENBLAS, SESSION_BLAS_PROGRAM, SESSION_BLAS_USER } SessionBlasChooser;
typedef struct {
    const char *core; /* that runs; static storage */
    SessionBlasChooser chooser;
    bool older; /* than the CPU could run */
    struct {
        char name[SESSION_BLAS_NAME];
        bool wrong;
    } tried[SESSION_BLAS_TRIED];
    int tried_count, running;     /* places in it: of what runs */
    char next[SESSION_BLAS_NAME]; /* to be asked for, by a new start; "": nothing better is known */
    char chain[SESSION_BLAS_TRIED * (SESSION_BLAS_NAME + 2)]; /* the marker that goes with it, or what it is now */
} SessionBlas;

/** What runs, who chose it, and what should run instead. Computes nothing. */
void session_blas_look(SessionBlas *out);
/** Once per machine and version: do the kernels that run compute rightly? The answer is kept in the user's cache folder.
 *  Where not, @p blas->next is what to start again with. BASE_EBACKEND where there is none, or the user chose. */
BaseStatus session_blas_check(SessionBlas *blas);
/** "Haswell (AVX2), chosen by OpenBLAS". */
void session_blas_text(const SessionBlas *blas, BaseText *out);
/** A warning where kernels computed wrongly, a notice where those in use are older than the CPU; else nothing. */
void session_blas_say(const SessionBlas *blas);

#endif
