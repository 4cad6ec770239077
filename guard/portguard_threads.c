/*
 * Work of portguard that several threads do at once
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "portguard_threads.h"

#define MAX_THREADS 4   /* the kernel's locks leave nothing for more */
#define PART        32  /* works that a thread takes at a time */
#define STACK_SIZE  65536
#define LATE        500 /* us that one may end after the caller's own: more of them, and it does not get a processor */
#define PAUSE       100 /* calls without threads after that: each could take a few milliseconds, as long as the kernel gives others a turn */

struct job
{
    int        (*work)( unsigned int i );
    unsigned int count;
    unsigned int next;  /* that nobody has taken */
    int          stop;
};

static void *run( void *arg )
{
    struct job *job = arg;
    unsigned int i, end;

    while (!__atomic_load_n( &job->stop, __ATOMIC_RELAXED ))
    {
        if ((i = __atomic_fetch_add( &job->next, PART, __ATOMIC_RELAXED )) >= job->count) break;
        for (end = job->count - i < PART ? job->count : i + PART; i < end; i++)
        {
            if (job->work( i )) continue;
            __atomic_store_n( &job->stop, 1, __ATOMIC_RELAXED );
            break;
        }
    }
    return NULL;
}

static unsigned int count_processors(void)
{
    cpu_set_t set;

    /* so many that the set has no room for them */
    if (sched_getaffinity( 0, sizeof(set), &set )) return MAX_THREADS;
    return CPU_COUNT( &set ) < MAX_THREADS ? CPU_COUNT( &set ) : MAX_THREADS;
}

/* Where threads share a table of descriptors, the kernel takes some ten milliseconds to make it larger (it waits for whoever still looks into
 * the old one). Let it do so before there are any. */
static void make_room( unsigned int count )
{
    int lowest = fcntl( 0, F_DUPFD_CLOEXEC, 0 ), highest = lowest < 0 ? -1 : fcntl( 0, F_DUPFD_CLOEXEC, lowest + count );

    if (lowest >= 0) close( lowest );
    if (highest >= 0) close( highest );
}

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime( CLOCK_MONOTONIC, &now );
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void threads_run( int (*work)( unsigned int i ), unsigned int count )
{
    static unsigned int pause;
    struct job job = { work, count, 0, 0 };
    pthread_t threads[MAX_THREADS];
    unsigned int i, started = 0, max = count_processors();
    pthread_attr_t attr;
    int64_t end;

    if (pause) pause--, max = 1;
    make_room( count );
    if (!pthread_attr_init( &attr ))
    {
        pthread_attr_setstacksize( &attr, STACK_SIZE );
        while (started + 1 < max && !pthread_create( &threads[started], &attr, run, &job )) started++;
        pthread_attr_destroy( &attr );
    }
    run( &job );
    end = now_us();
    for (i = 0; i < started; i++) pthread_join( threads[i], NULL );
    if (now_us() - end > LATE) pause = PAUSE;
}
