/*
 * The store of persistent reservations: registry and journal
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ports.h"
#include "store_host.h"
#include "store_value.h"

/*
 * A change is first written to the journal, then to the registry; only then it is answered. The registry also has the journal's mark,
 * which says which change went into it last, in the same file as the blocks: Wine keeps HKLM\System and HKLM\Software in system.reg,
 * and wineserver, which has one thread, writes the whole file between two requests, under another name first. So whichever state of
 * the registry comes back after a crash, its mark tells exactly which records of the journal are missing in it.
 * Records that the registry knows are not carried out again: an administrator may have edited the registry since.
 */

#define COMPACT_RECORDS 1024       /* 32 KB: reading so many records at a start takes no time that anybody notices */
#define MAX_REPORTS     20         /* of one kind in the log at one start: many would take longer than the start */

static const struct store_table
{
    int         protocol;
    const char *name;
}
tables[] =
{
    { PROTOCOL_TCP, "TCP" },
    { PROTOCOL_UDP, "UDP" },
};

#define TABLE_COUNT (sizeof(tables) / sizeof(tables[0]))

/* blocks of the registry, and of them those that overlap one that counts */
struct block_list
{
    struct store_block *blocks;
    size_t count;
};

/* a key that is being read */
struct reading
{
    const char        *table;
    struct block_list *list;
    size_t             alloc;
    unsigned int       reports;
};

static struct journal *journal;
static struct block_list overlapping[TABLE_COUNT];
static size_t compact_limit = COMPACT_RECORDS;

/* A line of which there may be very many. */
static void __attribute__((format (printf, 2, 3))) report( unsigned int *reports, const char *format, ... )
{
    char line[256];
    va_list args;

    if ((*reports)++ >= MAX_REPORTS) return;
    va_start( args, format );
    vsnprintf( line, sizeof(line), format, args );
    va_end( args );
    store_log( "%s", line );
}

static void report_rest( unsigned int reports, const char *name )
{
    if (reports > MAX_REPORTS) store_log( "%s store: and %u more like these", name, reports - MAX_REPORTS );
}

static int grow_blocks( struct block_list *list, size_t *alloc )
{
    struct store_block *blocks;

    if (list->count < *alloc) return 1;
    if (!(blocks = realloc( list->blocks, (*alloc + 256) * 2 * sizeof(*blocks) ))) return 0;
    list->blocks = blocks;
    *alloc = (*alloc + 256) * 2;
    return 1;
}

static NTSTATUS add_value( void *context, const char *name, size_t name_len, unsigned int type, const void *data, size_t data_len )
{
    struct reading *reading = context;
    struct block_list *list = reading->list;
    enum store_error result;

    if (!name)
    {
        list->count = reading->reports = 0;
        return STATUS_SUCCESS;
    }
    if (!grow_blocks( list, &reading->alloc )) return STATUS_NO_MEMORY;
    result = store_parse_value( name, name_len, type, data, data_len, &list->blocks[list->count] );
    if (result) report( &reading->reports, "%s store: value \"%s\" %s", reading->table, name, store_error_text( result ) );
    if (result == STORE_VALUE_OK || result == STORE_VALUE_OTHER_DATA) list->count++;
    return STATUS_SUCCESS;
}

/* All blocks of one key, in the order of the registry. What is no block is logged. */
static NTSTATUS read_blocks( const struct store_table *table, struct block_list *list )
{
    struct reading reading = { table->name, list, 0, 0 };
    NTSTATUS status;

    memset( list, 0, sizeof(*list) );
    status = store_enum_values( table->protocol, add_value, &reading );
    report_rest( reading.reports, table->name );
    return status;
}

/* Report the blocks of one table that count, and keep in mind the others. Without all of them the server must not run. */
static NTSTATUS load_table( unsigned int index, store_callback callback, void *context )
{
    struct block_list list, *others = &overlapping[index];
    NTSTATUS status = read_blocks( &tables[index], &list );
    unsigned int reports = 0;
    size_t i, count;

    if (status)
    {
        store_log( "%s store: the registry can't be read completely (status %#x)", tables[index].name, (unsigned int)status );
        free( list.blocks );
        return status;
    }
    count = list.count ? store_sort_blocks( list.blocks, list.count ) : 0;
    for (i = count; i < list.count; i++)
        report( &reports, "%s store: block %u-%u is ignored: it overlaps one that comes before it", tables[index].name,
                list.blocks[i].first, list.blocks[i].first + list.blocks[i].count - 1 );
    report_rest( reports, tables[index].name );
    for (i = 0; i < count; i++)
        callback( context, tables[index].protocol, list.blocks[i].first, list.blocks[i].count );

    free( others->blocks );
    others->blocks = NULL;
    others->count = list.count - count;
    if (others->count)
    {
        memmove( list.blocks, list.blocks + count, others->count * sizeof(*list.blocks) );
        others->blocks = list.blocks;
    }
    else free( list.blocks );
    return STATUS_SUCCESS;
}

/* Say in the registry that all records of the journal are carried out. Without it they are only carried out once more at the next start. */
static NTSTATUS write_mark(void)
{
    char mark[JOURNAL_MARK_LEN + 1];

    return journal_mark( journal, mark ) ? store_write_mark( mark ) : STATUS_SUCCESS;
}

static void compact_journal(void)
{
    char mark[JOURNAL_MARK_LEN + 1];
    NTSTATUS status;

    store_read_saved_mark( mark );
    if ((status = journal_compact( journal, mark )))
        store_log( "the journal can't be shortened (status %#x); is the disk full?", (unsigned int)status );
    /* What is left now is not on the disk otherwise. Try again when there is as much more. */
    compact_limit = journal_count( journal ) * 2;
    if (compact_limit < COMPACT_RECORDS) compact_limit = COMPACT_RECORDS;
}

static NTSTATUS open_journal(void)
{
    struct journal_damage damage;
    uint64_t fresh_id;
    NTSTATUS status;

    if ((status = store_storage_open())) return status;
    if ((status = host_random( &fresh_id ))) return status;
    if (!(journal = journal_open( &store_storage, fresh_id, &damage ))) return STATUS_NO_MEMORY;
    /* that passes; the client's next request starts the server again */
    if (damage.status == STATUS_NO_MEMORY || damage.status == STATUS_INSUFFICIENT_RESOURCES) return damage.status;
    if (damage.status)
        store_log( "the journal can't be read (status %#x): persistent reservations can't be created or deleted until that is "
                     "mended and the server started again", (unsigned int)damage.status );
    if (damage.records)
    {
        store_log( "the journal is damaged: %u records were left out; see %s", (unsigned int)damage.records,
                   store_damaged_name );
        if (store_keep_damaged()) compact_limit = 0;
    }
    if (damage.tail)
        store_log( "the journal ends with a change that was not complete, and so was never acknowledged" );
    return STATUS_SUCCESS;
}

/* Carry out what the journal has and the registry has not. While that fails the server must not run: what was acknowledged is
 * missing. */
static NTSTATUS replay_journal(void)
{
    size_t i, first, count = journal_count( journal );
    char mark[JOURNAL_MARK_LEN + 1];
    NTSTATUS status;

    if ((status = store_read_mark( mark )))
    {
        store_log( "the mark of the last change can't be read from the registry (status %#x)", (unsigned int)status );
        return status;
    }
    first = journal_news( journal, mark );
    for (i = first; i < count && !status; i++)
    {
        const struct journal_record *record = journal_get( journal, i );

        status = store_change( record->op, record->protocol, record->first, record->count );
    }
    if (first < count && !status) status = write_mark();
    if (status) store_log( "the registry can't be brought up to date with the journal (status %#x)", (unsigned int)status );
    else if (first < count) store_log( "%u changes that the registry had lost were restored", (unsigned int)(count - first) );
    return status;
}

NTSTATUS store_open( store_callback callback, void *context )
{
    NTSTATUS status = open_journal();
    unsigned int i;

    if (!status) status = replay_journal();
    for (i = 0; i < TABLE_COUNT && !status; i++) status = load_table( i, callback, context );
    if (!status) store_tick();
    return status;
}

void store_close(void)
{
    unsigned int i;

    journal_close( journal );
    journal = NULL;
    store_storage_close();
    for (i = 0; i < TABLE_COUNT; i++)
    {
        free( overlapping[i].blocks );
        overlapping[i].blocks = NULL;
        overlapping[i].count = 0;
    }
}

void store_tick(void)
{
    if (!journal) return;
    journal_mend( journal );
    if (journal_count( journal ) >= compact_limit) compact_journal();
}

static NTSTATUS make_change( int op, int protocol, unsigned int first, unsigned int count )
{
    NTSTATUS status;

    if (!journal) return STATUS_UNSUCCESSFUL;
    if ((status = journal_append( journal, op, protocol, first, count )))
        store_log( "the journal can't be written (status %#x); is the disk full, or write-protected?", (unsigned int)status );
    else if ((status = store_change( op, protocol, first, count )))
    {
        store_log( "the registry can't be written (status %#x)", (unsigned int)status );
        journal_undo( journal );
    }
    /* also of a change that was refused: nobody is to carry it out later */
    if (write_mark()) store_log( "the mark of the last change can't be written to the registry" );
    return status;
}

NTSTATUS store_add( int protocol, unsigned int first, unsigned int count )
{
    const struct block_list *others = &overlapping[protocol == PROTOCOL_UDP];
    size_t i;

    if (!store_block_is_valid( first, count )) return STATUS_INVALID_PARAMETER;
    /* A block of the registry that does not count today may count after the next start, and would push the new one out. */
    for (i = 0; i < others->count; i++)
        if (first < others->blocks[i].first + others->blocks[i].count && others->blocks[i].first < first + count)
            return STATUS_SHARING_VIOLATION;
    return make_change( JOURNAL_ADD, protocol, first, count );
}

NTSTATUS store_remove( int protocol, unsigned int first, unsigned int count )
{
    if (!store_block_is_valid( first, count )) return STATUS_INVALID_PARAMETER;
    return make_change( JOURNAL_REMOVE, protocol, first, count );
}
