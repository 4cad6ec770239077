/*
 * Fuzzing the journal
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"

/* The first bytes of the input are operations, the rest is what the file holds. What was said to be on the disk must be there after
 * it is read again, whatever else the file held and whatever failed. */

#define OPERATIONS 6
#define MAX_FILE   4096

static unsigned char file[MAX_FILE];
static size_t file_size;
static unsigned int faults;   /* a bit for each call to come */

static int fails(void)
{
    int ret = faults & 1;

    faults >>= 1;
    return ret;
}

static NTSTATUS load( void *context, unsigned char **data, size_t *size )
{
    (void)context;
    if (!file_size) return STATUS_NOT_FOUND;
    if (!(*data = malloc( file_size ))) return STATUS_NO_MEMORY;
    memcpy( *data, file, file_size );
    *size = file_size;
    return STATUS_SUCCESS;
}

static NTSTATUS write_file( void *context, uint64_t offset, const void *data, size_t size )
{
    int failed = fails();

    (void)context;
    if (offset > file_size || offset + size > MAX_FILE) abort();
    if (failed) size = size / 2 + 3;  /* a part of it is there */
    memcpy( file + offset, data, size );
    if (offset + size > file_size) file_size = offset + size;
    return failed ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}

static NTSTATUS truncate_file( void *context, uint64_t size )
{
    (void)context;
    if (fails()) return STATUS_UNSUCCESSFUL;
    if (size < file_size) file_size = size;
    return STATUS_SUCCESS;
}

static NTSTATUS replace_file( void *context, const void *data, size_t size )
{
    (void)context;
    if (size > MAX_FILE) abort();
    if (fails()) return STATUS_UNSUCCESSFUL;
    memcpy( file, data, size );
    file_size = size;
    return STATUS_SUCCESS;
}

static const struct journal_storage storage = { NULL, load, write_file, truncate_file, replace_file };

static void check( int cond, const char *what )
{
    if (cond) return;
    fprintf( stderr, "fuzz_journal: %s\n", what );
    abort();
}

static void check_records( const struct journal *journal )
{
    uint64_t last = 0;
    size_t i;

    for (i = 0; i < journal_count( journal ); i++)
    {
        const struct journal_record *record = journal_get( journal, i );

        check( record->sequence > last, "sequence numbers don't rise" );
        check( record->op == JOURNAL_ADD || record->op == JOURNAL_REMOVE, "no operation" );
        check( record->protocol == PROTOCOL_TCP || record->protocol == PROTOCOL_UDP, "no protocol" );
        check( record->first && record->count && record->first + record->count <= 65536, "no block" );
        last = record->sequence;
    }
}

/* What is read from the file are these records; a registry with the mark of now has no news. Behind what could not be taken back there
 * is one record more, which that mark hides. */
static void check_file( struct journal *journal )
{
    int mended = !journal_mend( journal );
    struct journal_damage damage;
    struct journal *again = journal_open( &storage, 2, &damage );
    char mark[JOURNAL_MARK_LEN + 1];
    size_t i;

    check( again && !damage.status, "can't be read again" );
    check( journal_count( again ) == journal_count( journal ) || (!mended && journal_count( again ) == journal_count( journal ) + 1),
           "another number of records" );
    for (i = 0; i < journal_count( journal ); i++)
    {
        const struct journal_record *a = journal_get( again, i ), *b = journal_get( journal, i );

        check( a->sequence == b->sequence && a->op == b->op && a->protocol == b->protocol && a->first == b->first &&
               a->count == b->count, "another record" );
    }
    journal_mark( journal, mark );
    if (journal_count( again )) check( journal_news( again, mark ) == journal_count( again ), "what was refused is news" );
    journal_close( again );
}

/* No mutation finds a checksum: give the records theirs, unless one is to be wrong. */
static void add_checksums( unsigned int wrong )
{
    unsigned char *record;
    uint32_t crc;
    size_t i, bit;

    for (record = file; record + JOURNAL_RECORD_SIZE <= file + file_size; record += JOURNAL_RECORD_SIZE, wrong >>= 1)
    {
        if (wrong & 1) continue;
        memcpy( record, "PRJ1", 4 );
        memset( record + 25, 0, 7 );
        record[16] &= 3;
        record[17] = record[17] & 1 ? PROTOCOL_TCP : PROTOCOL_UDP;
        for (crc = 0xffffffff, i = 8; i < JOURNAL_RECORD_SIZE; i++)
            for (crc ^= record[i], bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        for (i = 0; i < 4; i++) record[4 + i] = ~crc >> 8 * i;
    }
}

extern int LLVMFuzzerTestOneInput( const uint8_t *data, size_t size );

int LLVMFuzzerTestOneInput( const uint8_t *data, size_t size )
{
    struct journal_damage damage;
    struct journal *journal;
    char mark[JOURNAL_MARK_LEN + 1] = "";
    size_t i, count, void_or_damaged;
    NTSTATUS status;
    int last = 0;

    if (size < 2 + OPERATIONS || size > MAX_FILE / 2) return 0;
    faults = 0;
    file_size = size - 2 - OPERATIONS;
    memcpy( file, data + 2 + OPERATIONS, file_size );
    if (data[0] & 1) add_checksums( data[0] >> 1 );

    if (!(journal = journal_open( &storage, 1, &damage ))) return 0;
    check_records( journal );
    void_or_damaged = file_size / JOURNAL_RECORD_SIZE - journal_count( journal );
    check( damage.records <= void_or_damaged, "more is damaged than there is" );
    check( damage.tail == file_size % JOURNAL_RECORD_SIZE, "a wrong tail" );
    check_file( journal );

    faults = data[1];
    for (i = 0; i < OPERATIONS; i++)
    {
        unsigned int op = data[2 + i];

        count = journal_count( journal );
        switch (op % 4)
        {
        case 0: case 1:
            status = journal_append( journal, op & 4 ? JOURNAL_ADD : JOURNAL_REMOVE, op & 8 ? PROTOCOL_TCP : PROTOCOL_UDP,
                                     1 + op / 16, 1 + op / 64 );
            check( journal_count( journal ) == count + !status, "append: a wrong number of records" );
            last = !status;
            break;
        case 2:
            if (!last) break;  /* only what was added right before is taken back */
            journal_undo( journal );
            check( journal_count( journal ) == count - 1, "undo: a wrong number of records" );
            last = 0;
            break;
        case 3:
            last = 0;
            if (op & 4) journal_mark( journal, mark );  /* the registry is saved */
            else journal_compact( journal, mark );
            check( journal_count( journal ) <= count, "compact: more records" );
            break;
        }
        check_records( journal );
    }
    check_file( journal );
    journal_close( journal );
    return 0;
}
