/*
 * Tasks: handlers that wait, while the main loop goes on
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_SERVER_TASK_H
#define PORTRES_SERVER_TASK_H

#include <stdint.h>

#include "port_list.h"

/* A task is a function with a stack of its own. It runs until it ends or waits; nothing else runs meanwhile, so what is to change
 * together is changed between two waits. All calls are for the thread of the main loop. */

struct task
{
    struct port_list entry;
    void        (*func)( void *arg );
    void         *arg;
    struct fiber *fiber;     /* that it has begun to run on */
    uint64_t      end;       /* ms of task_now(), when its time is over */
    int           woken;
    uint64_t      locals[4];
};

/* The calling thread is that of the main loop. Returns 0 when there is no memory. */
extern int task_init(void);

/* A variable that each task has a copy of, up to 8 bytes long. In the main loop and when a task starts it is zero. */
extern void task_local( void *variable, unsigned int size );

/* Run func in a task, at once if that can be: when this is the main loop, and there is memory for another stack. Else it waits for task_run(). task
 * belongs to the caller, and may be freed by func at its end. time: ms that it may spend in waits. */
extern void task_start( struct task *task, void (*func)( void *arg ), void *arg, unsigned int time );

/* The task that runs; NULL in the main loop. */
extern struct task *task_current(void);

/* Wait until task_wake(). Returns 0 when the time of the task is over. */
extern int task_wait(void);
/* End the wait of a task, or the next one when it does not wait. It runs in the next task_run(). */
extern void task_wake( struct task *task );

/* For the main loop: run those that can. Returns the ms after which it has to be called again, whatever else happens; -1: no such time. */
extern unsigned int task_run(void);

/* Tasks that have begun and not ended: while there are some, what they change together may be half changed. */
extern unsigned int task_count(void);

/* ms of a clock that does not jump */
extern uint64_t task_now(void);

#endif /* PORTRES_SERVER_TASK_H */
