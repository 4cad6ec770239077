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

#include <stdlib.h>
#include <string.h>

#include "task.h"

#ifdef _WIN32
# define WIN32_LEAN_AND_MEAN
# include <windows.h>
#else
# include <time.h>
# include <ucontext.h>
#endif

#define MAX_FIBERS   1024    /* more tasks than these wait for one of them to end */
#define IDLE_FIBERS  16      /* kept for the next tasks */
#define STACK_COMMIT 65536
#define STACK_SIZE   262144

/* a stack, and what was on it when it was left */
struct fiber
{
    struct fiber *next;  /* idle */
    struct task  *task;  /* NULL: it is done */
#ifdef _WIN32
    void         *handle;
#else
    ucontext_t    context;
    void         *stack;
#endif
};

static struct fiber main_fiber;
static struct fiber *running = &main_fiber;
static struct fiber *idle;
static unsigned int fiber_count, idle_count;
static unsigned int direct_count;  /* tasks that run without a stack of their own */

static struct port_list ready = { &ready, &ready };      /* woken, or not begun */
static struct port_list waiting = { &waiting, &waiting };

static struct
{
    void        *variable;
    unsigned int size;
} locals[4];
static unsigned int local_count;

#ifdef _WIN32

uint64_t task_now(void)
{
    return GetTickCount64();
}

static void switch_to( struct fiber *fiber )
{
    running = fiber;
    SwitchToFiber( fiber->handle );
}

static void run_fiber( struct fiber *fiber );

static void WINAPI fiber_main( void *arg )
{
    run_fiber( arg );
}

static int create_context( struct fiber *fiber )
{
    return !!(fiber->handle = CreateFiberEx( STACK_COMMIT, STACK_SIZE, 0, fiber_main, fiber ));
}

static void delete_context( struct fiber *fiber )
{
    DeleteFiber( fiber->handle );
}

int task_init(void)
{
    return !!(main_fiber.handle = ConvertThreadToFiber( NULL ));
}

#else

uint64_t task_now(void)
{
    struct timespec now;

    clock_gettime( CLOCK_MONOTONIC, &now );
    return (uint64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void switch_to( struct fiber *fiber )
{
    struct fiber *from = running;

    running = fiber;
    swapcontext( &from->context, &fiber->context );
}

static void run_fiber( struct fiber *fiber );

/* makecontext() passes integers */
static void fiber_main( unsigned int high, unsigned int low )
{
    run_fiber( (struct fiber *)(uintptr_t)((uint64_t)high << 32 | low) );
}

static int create_context( struct fiber *fiber )
{
    uint64_t arg = (uintptr_t)fiber;

    if (!(fiber->stack = malloc( STACK_SIZE ))) return 0;
    getcontext( &fiber->context );
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = STACK_SIZE;
    makecontext( &fiber->context, (void (*)(void))fiber_main, 2, (unsigned int)(arg >> 32), (unsigned int)arg );
    return 1;
}

static void delete_context( struct fiber *fiber )
{
    free( fiber->stack );
}

int task_init(void)
{
    return 1;
}

#endif

void task_local( void *variable, unsigned int size )
{
    locals[local_count].variable = variable;
    locals[local_count++].size = size;
}

static void save_locals( uint64_t *values )
{
    unsigned int i;

    for (i = 0; i < local_count; i++)
    {
        memcpy( &values[i], locals[i].variable, locals[i].size );
        memset( locals[i].variable, 0, locals[i].size );
    }
}

static void restore_locals( const uint64_t *values )
{
    unsigned int i;

    for (i = 0; i < local_count; i++) memcpy( locals[i].variable, &values[i], locals[i].size );
}

static void run_fiber( struct fiber *fiber )
{
    for (;;)
    {
        if (fiber->task) fiber->task->func( fiber->task->arg );
        fiber->task = NULL;  /* it may be freed by now */
        switch_to( &main_fiber );
    }
}

static struct fiber *get_fiber(void)
{
    struct fiber *fiber = idle;

    if (fiber)
    {
        idle = fiber->next;
        idle_count--;
        return fiber;
    }
    if (fiber_count >= MAX_FIBERS || !(fiber = calloc( 1, sizeof(*fiber) ))) return NULL;
    if (create_context( fiber ))
    {
        fiber_count++;
        return fiber;
    }
    free( fiber );
    return NULL;
}

static void put_fiber( struct fiber *fiber )
{
    if (idle_count < IDLE_FIBERS)
    {
        fiber->next = idle;
        idle = fiber;
        idle_count++;
        return;
    }
    delete_context( fiber );
    free( fiber );
    fiber_count--;
}

/* Run a task until it waits or ends. Returns 0 when it has to be tried again later. */
static int run_task( struct task *task )
{
    static const uint64_t zero[4];
    struct fiber *fiber = task->fiber;

    if (!fiber && !(fiber = get_fiber()))
    {
        if (fiber_count) return 0;  /* one of them ends some time */
        /* where it waits it is told that it can't */
        direct_count++;
        task->func( task->arg );
        direct_count--;
        return 1;
    }
    if (task->fiber) restore_locals( task->locals );
    else restore_locals( zero );
    task->fiber = fiber;
    fiber->task = task;
    switch_to( fiber );
    if (!fiber->task)
    {
        uint64_t unused[4];

        save_locals( unused );
        put_fiber( fiber );
    }
    return 1;
}

void task_start( struct task *task, void (*func)( void *arg ), void *arg, unsigned int time )
{
    memset( task, 0, sizeof(*task) );
    port_list_init( &task->entry );
    task->func = func;
    task->arg = arg;
    task->end = task_now() + time;
    if (running != &main_fiber || !port_list_empty( &ready ) || !run_task( task )) port_list_add_tail( &ready, &task->entry );
}

struct task *task_current(void)
{
    return running->task;
}

int task_wait(void)
{
    struct task *task = running->task;

    if (!task) return 0;
    if (!task->woken && task_now() < task->end)
    {
        port_list_add_tail( &waiting, &task->entry );
        save_locals( task->locals );
        switch_to( &main_fiber );
    }
    if (!task->woken) return 0;
    task->woken = 0;
    return 1;
}

void task_wake( struct task *task )
{
    if (task->woken) return;
    task->woken = 1;
    if (port_list_empty( &task->entry )) return;  /* it runs */
    port_list_remove( &task->entry );
    port_list_add_tail( &ready, &task->entry );
}

unsigned int task_count(void)
{
    return fiber_count - idle_count + direct_count;
}

unsigned int task_run(void)
{
    struct port_list *cursor, *after;
    struct task *task;
    uint64_t now = task_now(), next = UINT64_MAX;

    PORT_LIST_FOR_EACH_SAFE( cursor, after, &waiting )
    {
        task = PORT_LIST_ENTRY( cursor, struct task, entry );
        if (task->end > now) continue;
        port_list_remove( &task->entry );
        port_list_add_tail( &ready, &task->entry );
    }
    while (!port_list_empty( &ready ))
    {
        task = PORT_LIST_ENTRY( ready.next, struct task, entry );
        port_list_remove( &task->entry );
        if (run_task( task )) continue;
        /* before the others again */
        task->entry.next = ready.next;
        task->entry.prev = &ready;
        ready.next->prev = &task->entry;
        ready.next = &task->entry;
        break;
    }
    PORT_LIST_FOR_EACH_SAFE( cursor, after, &waiting )
    {
        task = PORT_LIST_ENTRY( cursor, struct task, entry );
        if (task->end < next) next = task->end;
    }
    if (next == UINT64_MAX) return -1;
    now = task_now();
    return next > now ? next - now : 0;
}
