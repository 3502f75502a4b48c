/* io/pickle_machine.h - the state of the interpreter, shared by its files. */
#ifndef IO_PICKLE_MACHINE_H
#define IO_PICKLE_MACHINE_H

#include "io/pickle.h"

typedef struct {
    const unsigned char *start, *at, *end;
    const IoPickleRules *rules;
    const char *where;
    IoPickle *pickle;
    IoPickleValue **stack, **memo;
    size_t *marks; /* heights of the stack, ascending */
    size_t count, stack_room, memo_count, memo_room, mark_count, mark_room, operations;
    bool stopped;
} IoPickleMachine;

BaseStatus io_pickle_refuse(const IoPickleMachine *m, const char *what);

/* ---- the stack ---- */
BaseStatus io_pickle_push(IoPickleMachine *m, IoPickleValue *value);
BaseStatus io_pickle_push_new(IoPickleMachine *m, IoPickleKind kind, IoPickleValue **out);
size_t io_pickle_within_reach(const IoPickleMachine *m); /* values above the last mark */
BaseStatus io_pickle_pop(IoPickleMachine *m, IoPickleValue **out);
BaseStatus io_pickle_top(const IoPickleMachine *m, IoPickleValue **out);
BaseStatus io_pickle_push_mark(IoPickleMachine *m);
/** The values above the last mark leave the stack; borrowed until the next push. */
BaseStatus io_pickle_pop_mark(IoPickleMachine *m, IoPickleValue ***items, size_t *n);

/* ---- what is made by calls, none of which is made ---- */
BaseStatus io_pickle_new_pair(IoPickleMachine *m, IoPickleValue *one, IoPickleValue *two, IoPickleValue **out);
BaseStatus io_pickle_push_call(IoPickleMachine *m, const IoPickleValue *callable, IoPickleValue *args, IoPickleHow how);
BaseStatus io_pickle_new_object(IoPickleMachine *m, bool keywords); /* NEWOBJ, NEWOBJ_EX */
BaseStatus io_pickle_fill_set(IoPickleMachine *m, bool frozen);     /* ADDITEMS, FROZENSET */

#endif
