/*
 * Showing who takes and gives back which port, as it happens
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

#include "portres.h"
#include "portclient.h"

/* A look costs the server two requests and one for each 256 ports in use. */
#define WATCH_INTERVAL 500  /* ms */

#define KINDS 2
static const unsigned int protocols[KINDS] = { PROTOCOL_TCP, PROTOCOL_UDP };
static const char *const protocol_names[KINDS] = { "tcp", "udp" };

/* what was there at one time, of each protocol */
struct look
{
    struct reservation_info *list[KINDS];   /* in the order of ports */
    unsigned int             count[KINDS];
    BYTE                     used[KINDS][0x10000];
};

static void free_look( struct look *look )
{
    unsigned int i;

    if (!look) return;
    for (i = 0; i < KINDS; i++) free( look->list[i] );
    free( look );
}

static NTSTATUS look_at_reservations( struct look *look, unsigned int kind )
{
    union generic_reply reply;
    const struct get_reservations_reply *got = &reply.get_reservations_reply;
    struct reservation_info *list;
    unsigned int from = 0, count;
    NTSTATUS status;

    do
    {
        if ((status = get_reservations( protocols[kind], from, &reply ))) return status;
        count = min( got->count, ARRAYSIZE(got->entries) );
        if (!count) break;
        list = realloc( look->list[kind], (look->count[kind] + count) * sizeof(*list) );
        if (!list) return STATUS_NO_MEMORY;
        look->list[kind] = list;
        memcpy( list + look->count[kind], got->entries, count * sizeof(*list) );
        look->count[kind] += count;
        from = got->entries[count - 1].first + 1u;
    } while (got->count >= ARRAYSIZE(got->entries));
    return STATUS_SUCCESS;
}

static NTSTATUS look_at_ports( struct look *look, unsigned int kind )
{
    union generic_reply reply;
    const struct get_ports_in_use_reply *got = &reply.get_ports_in_use_reply;
    unsigned int first = 1, i;
    NTSTATUS status;

    do
    {
        if ((status = get_ports_in_use( protocols[kind], first, 0xffff, &reply ))) return status;
        for (i = 0; i < got->count && i < ARRAYSIZE(got->ports); i++)
        {
            look->used[kind][got->ports[i]] = 1;
            first = got->ports[i] + 1u;
        }
    } while (got->count >= ARRAYSIZE(got->ports) && first <= 0xffff);
    return STATUS_SUCCESS;
}

/* NULL: the host did not answer */
static struct look *take_look( NTSTATUS *status )
{
    struct look *look = calloc( 1, sizeof(*look) );
    unsigned int i;

    *status = look ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    for (i = 0; i < KINDS && !*status; i++)
    {
        *status = look_at_reservations( look, i );
        /* only those of blocks are listed */
        if (!*status && look->count[i]) *status = look_at_ports( look, i );
    }
    if (!*status) return look;
    free_look( look );
    return NULL;
}

static void print_time(void)
{
    SYSTEMTIME now;

    GetLocalTime( &now );
    printf( "%02u:%02u:%02u.%u  ", now.wHour, now.wMinute, now.wSecond, now.wMilliseconds / 100 );
}

static void print_block( unsigned int kind, const struct reservation_info *entry, const char *what )
{
    char owner[3 * MAX_PATH];

    print_time();
    printf( "%s %u-%u  %s", protocol_names[kind], entry->first, entry->first + entry->count - 1, what );
    if (entry->owner)
    {
        get_process_name( entry->owner, owner, sizeof(owner) );
        printf( "  %s (%u)", owner, entry->owner );
    }
    printf( "\n" );
}

/* The blocks of one list that the other lacks */
static void print_missing( unsigned int kind, const struct look *from, const struct look *in, const char *runtime, const char *persistent )
{
    const struct reservation_info *a, *b = in->list[kind], *end = b + in->count[kind];
    unsigned int i;

    for (i = 0; i < from->count[kind]; i++)
    {
        a = &from->list[kind][i];
        while (b < end && b->first < a->first) b++;
        if (b < end && b->first == a->first && b->count == a->count && b->kind == a->kind && b->owner == a->owner) continue;
        print_block( kind, a, a->kind == RESERVATION_PERSISTENT ? persistent : runtime );
    }
}

static const struct reservation_info *find_block( const struct look *look, unsigned int kind, unsigned int port )
{
    unsigned int i;

    for (i = 0; i < look->count[kind]; i++)
    {
        const struct reservation_info *entry = &look->list[kind][i];

        if (port >= entry->first && port - entry->first < entry->count) return entry;
    }
    return NULL;
}

static void print_ports( unsigned int kind, const struct look *before, const struct look *now )
{
    const struct reservation_info *entry;
    char owner[3 * MAX_PATH];
    unsigned int port;

    for (port = 1; port <= 0xffff; port++)
    {
        if (before->used[kind][port] == now->used[kind][port]) continue;
        print_time();
        printf( "%s %u  %s", protocol_names[kind], port, now->used[kind][port] ? "taken" : "given back" );
        entry = find_block( now->used[kind][port] ? now : before, kind, port );
        if (entry && entry->owner)
        {
            get_process_name( entry->owner, owner, sizeof(owner) );
            printf( "  %s (%u)", owner, entry->owner );
        }
        printf( "\n" );
    }
}

int watch_reservations(void)
{
    struct look *before, *now;
    NTSTATUS status;
    unsigned int i;
    int ret;

    if ((ret = list_reservations( 0 ))) return ret;
    fflush( stdout );
    if (!(before = take_look( &status ))) return fail( "the reservation server did not answer (%#lx); run 'wine-portres status'", (unsigned long)status );
    for (;;)
    {
        Sleep( WATCH_INTERVAL );
        if (!(now = take_look( &status ))) break;
        for (i = 0; i < KINDS; i++)
        {
            print_missing( i, before, now, "released", "deleted" );
            print_missing( i, now, before, "reserved", "reserved for good" );
            print_ports( i, before, now );
        }
        free_look( before );
        before = now;
        /* the reader has gone */
        if (fflush( stdout )) break;
    }
    free_look( before );
    if (status) return fail( "the reservation server answers no more (%#lx); run 'wine-portres status'", (unsigned long)status );
    return EXIT_OK;
}
