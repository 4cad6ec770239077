/*
 * What reservations cost: the part of tools/bench that is a Windows program
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* "bench serve" reads commands, one a line, and answers each with a line. Whoever asks can have several of these in several prefixes, and
 * let them take turns: machines differ, and are noisy, so it is the ratio of what is measured side by side that counts.
 *
 *   begin OPERATION             "ready", or "unsupported", which is then the answer to all the others as well; see operation.c
 *   run COUNT                   "times MEDIAN LEAST MOST": of so many runs, in microseconds each
 *   run-for MILLISECONDS        "runs COUNT LONGEST": as often as it goes, the longest in microseconds
 *   batches BATCHES COUNT       "done": so many batches of so many runs, each between two marks in what `wineserver -d` prints
 *   mark begin|end NAME COUNT   "done": such a mark by itself
 *   sleep MILLISECONDS          "done"
 *   stop                        "done": the operation ends
 *   end                         (no answer)
 */

#include <winsock2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "child.h"
#include "operation.h"

double now(void)
{
    LARGE_INTEGER counter, frequency;

    QueryPerformanceCounter( &counter );
    QueryPerformanceFrequency( &frequency );
    return counter.QuadPart * 1e6 / frequency.QuadPart;
}

static int compare( const void *a, const void *b )
{
    const double *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static void run( unsigned int count )
{
    double *samples = malloc( count * sizeof(*samples) ), start;
    unsigned int i;

    if (!count || !samples) fail( "making room for the times", 0 );
    for (i = 0; i < count; i++)
    {
        start = now();
        operation_run();
        samples[i] = now() - start;
        operation_after();
    }
    qsort( samples, count, sizeof(*samples), compare );
    say( "times %.2f %.2f %.2f", samples[count / 2], samples[0], samples[count - 1] );
    free( samples );
}

static void run_for( unsigned int milliseconds )
{
    double end = now() + milliseconds * 1000.0, start, time, longest = 0;
    unsigned int count;

    for (count = 0; (start = now()) < end; count++)
    {
        operation_run();
        time = now() - start;
        if (time > longest) longest = time;
        operation_after();
    }
    say( "runs %u %.2f", count, longest );
}

/* an event that nobody has: one request, with a name in it */
static void set_mark( const char *what, const char *operation, unsigned int count )
{
    char mark[100];
    HANDLE event;

    snprintf( mark, sizeof(mark), "bench-%s %s %u", what, operation, count );
    if (!(event = OpenEventA( SYNCHRONIZE, FALSE, mark ))) return;
    CloseHandle( event );
    fail( mark, 0 );
}

static void run_batches( const char *operation, unsigned int batches, unsigned int count )
{
    unsigned int i;

    while (batches--)
    {
        Sleep( 20 );  /* what the last one left to do is not this one's */
        set_mark( "begin", operation, count );
        for (i = 0; i < count; i++)
        {
            operation_run();
            operation_after();
        }
        set_mark( "end", operation, count );
    }
    say( "done" );
}

static void serve(void)
{
    char line[100], operation[80] = "", what[8], name[80];
    unsigned int count, batches;
    int supported = 0;

    while (listen_to_parent( line, sizeof(line) ))
    {
        if (sscanf( line, "begin %79s", operation ) == 1)
        {
            supported = operation_begin( operation );
            say( supported ? "ready" : "unsupported" );
        }
        else if (sscanf( line, "sleep %u", &count ) == 1)
        {
            Sleep( count );
            say( "done" );
        }
        else if (!supported) say( "unsupported" );
        else if (sscanf( line, "run %u", &count ) == 1) run( count );
        else if (sscanf( line, "run-for %u", &count ) == 1) run_for( count );
        else if (sscanf( line, "batches %u %u", &batches, &count ) == 2) run_batches( operation, batches, count );
        else if (sscanf( line, "mark %7s %79s %u", what, name, &count ) == 3)
        {
            set_mark( what, name, count );
            say( "done" );
        }
        else if (!strcmp( line, "stop" ))
        {
            operation_end();
            say( "done" );
        }
        else fail( line, 0 );
    }
}

static void wait_for_end(void)
{
    char line[100];

    say( "ready" );
    while (listen_to_parent( line, sizeof(line) )) {}
}

int main( int argc, char **argv )
{
    const char *what = argc > 1 ? argv[1] : "";
    WSADATA data;

    WSAStartup( MAKEWORD( 2, 2 ), &data );
    if (!strcmp( what, "serve" )) serve();
    else if (!strcmp( what, "started" )) wait_for_end();
    else if (!strcmp( what, "hold" ) && argc > 2)
    {
        hold( argv[2] );
        wait_for_end();
        let_go();
    }
    else if (!strcmp( what, "stall" ) && argc > 2)
    {
        bench_stall( strtoul( argv[2], NULL, 10 ) * 1000, 0 );
        bench_stall( strtoul( argv[2], NULL, 10 ) * 1000, 1 );
    }
    else
    {
        fprintf( stderr, "Usage: bench serve | hold WHAT | stall SECONDS; tools/bench starts it\n" );
        return 2;
    }
    return 0;
}
