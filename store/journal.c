/*
 * The journal: changes of the store that the registry file may not hold yet
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_value.h"

/* A record, numbers in little-endian order:
 *    0  magic, with the version of the layout in it
 *    4  CRC-32 of the bytes from 8 to the end
 *    8  sequence number
 *   16  operation
 *   17  protocol
 *   18  first port
 *   20  number of ports
 *   24  id of the journal (0 in those of a first version, which had none)
 */
static const unsigned char magic[4] = { 'P', 'R', 'J', '1' };

#define JOURNAL_VOID 3  /* the operation of a record that was taken back, and could not be cut off */

/* No journal has come so far. What is read above it is no number of ours, and none is given out that would not be read again. */
#define MAX_SEQUENCE ((uint64_t)1 << 62)

struct journal
{
    struct journal_storage storage;
    struct journal_record *records;
    size_t   count;
    size_t   alloc;
    uint64_t id;
    uint64_t sequence;   /* highest number that is taken, also by a record that was taken back */
    uint64_t end;        /* offset of the next record */
    struct journal_record taken_back;  /* what may be behind the end */
    int      dirty;      /* it could not be made void: nothing can be added */
    NTSTATUS failed;     /* why the storage could not be read: what it holds must not be lost */
};

static void put_le( unsigned char *data, uint64_t value, unsigned int bytes )
{
    while (bytes--)
    {
        *data++ = value & 0xff;
        value >>= 8;
    }
}

static uint64_t get_le( const unsigned char *data, unsigned int bytes )
{
    uint64_t ret = 0;

    while (bytes--) ret = ret << 8 | data[bytes];
    return ret;
}

/* CRC-32 as in ISO 3309, bit by bit: a record is 24 bytes, a table would not pay */
static uint32_t get_crc( const unsigned char *data, size_t size )
{
    uint32_t crc = 0xffffffff;
    unsigned int i;

    while (size--)
    {
        crc ^= *data++;
        for (i = 0; i < 8; i++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    return ~crc;
}

static void encode_record( unsigned char *data, const struct journal_record *record, uint64_t id )
{
    memset( data, 0, JOURNAL_RECORD_SIZE );
    memcpy( data, magic, sizeof(magic) );
    put_le( data + 8, record->sequence, 8 );
    data[16] = record->op;
    data[17] = record->protocol;
    put_le( data + 18, record->first, 2 );
    put_le( data + 20, record->count, 4 );
    put_le( data + 24, id, 8 );
    put_le( data + 4, get_crc( data + 8, JOURNAL_RECORD_SIZE - 8 ), 4 );
}

static int decode_record( const unsigned char *data, struct journal_record *record, uint64_t *id )
{
    if (memcmp( data, magic, sizeof(magic) )) return 0;
    if (get_le( data + 4, 4 ) != get_crc( data + 8, JOURNAL_RECORD_SIZE - 8 )) return 0;
    record->sequence = get_le( data + 8, 8 );
    record->op = data[16];
    record->protocol = data[17];
    record->first = get_le( data + 18, 2 );
    record->count = get_le( data + 20, 4 );
    *id = get_le( data + 24, 8 );
    if (!record->sequence || record->sequence > MAX_SEQUENCE) return 0;
    if (record->op != JOURNAL_ADD && record->op != JOURNAL_REMOVE && record->op != JOURNAL_VOID) return 0;
    if (record->protocol != PROTOCOL_TCP && record->protocol != PROTOCOL_UDP) return 0;
    return store_block_is_valid( record->first, record->count );
}

/* make room for one record more */
static int grow_records( struct journal *journal )
{
    struct journal_record *records;
    size_t alloc = journal->alloc ? journal->alloc * 2 : 64;

    if (journal->count < journal->alloc) return 1;
    if (!(records = realloc( journal->records, alloc * sizeof(*records) ))) return 0;
    journal->records = records;
    journal->alloc = alloc;
    return 1;
}

static int read_records( struct journal *journal, const unsigned char *data, size_t size, struct journal_damage *damage )
{
    struct journal_record record;
    size_t offset;
    uint64_t id;

    for (offset = 0; size - offset >= JOURNAL_RECORD_SIZE; offset += JOURNAL_RECORD_SIZE)
    {
        if (!decode_record( data + offset, &record, &id ) || record.sequence <= journal->sequence ||
            (journal->sequence && id != journal->id))
        {
            damage->records++;
            continue;
        }
        journal->id = id;
        journal->sequence = record.sequence;
        if (record.op == JOURNAL_VOID) continue;
        if (!grow_records( journal )) return 0;
        journal->records[journal->count++] = record;
    }
    /* The next record overwrites the rest of one that never was complete. */
    journal->end = offset;
    damage->tail = size - offset;
    return 1;
}

struct journal *journal_open( const struct journal_storage *storage, uint64_t fresh_id, struct journal_damage *damage )
{
    struct journal *journal = calloc( 1, sizeof(*journal) );
    unsigned char *data = NULL;
    size_t size = 0;

    memset( damage, 0, sizeof(*damage) );
    if (!journal) return NULL;
    journal->storage = *storage;
    damage->status = storage->load( storage->context, &data, &size );
    if (damage->status == STATUS_NOT_FOUND) damage->status = STATUS_SUCCESS;
    else if (!damage->status && !read_records( journal, data, size, damage ))
    {
        journal_close( journal );
        journal = NULL;
    }
    if (journal)
    {
        journal->failed = damage->status;
        if (!journal->sequence) journal->id = fresh_id;
    }
    free( data );
    return journal;
}

void journal_close( struct journal *journal )
{
    if (!journal) return;
    free( journal->records );
    free( journal );
}

size_t journal_count( const struct journal *journal )
{
    return journal->count;
}

const struct journal_record *journal_get( const struct journal *journal, size_t index )
{
    return &journal->records[index];
}

/* ID-SEQUENCE-CHECKSUM, in hexadecimal */
static void format_mark( char mark[JOURNAL_MARK_LEN + 1], uint64_t id, uint64_t sequence )
{
    unsigned char data[16];

    put_le( data, id, 8 );
    put_le( data + 8, sequence, 8 );
    snprintf( mark, JOURNAL_MARK_LEN + 1, "%08x%08x-%08x%08x-%08x", (unsigned int)(id >> 32), (unsigned int)id,
              (unsigned int)(sequence >> 32), (unsigned int)sequence, (unsigned int)get_crc( data, sizeof(data) ) );
}

/* The number in a mark of this journal, 0 when it is none. */
static uint64_t parse_mark( const struct journal *journal, const char *mark )
{
    char expected[JOURNAL_MARK_LEN + 1];
    uint64_t sequence = 0;
    unsigned int i;

    if (!mark || strlen( mark ) != JOURNAL_MARK_LEN) return 0;
    for (i = 17; i < 33; i++)
    {
        if (mark[i] >= '0' && mark[i] <= '9') sequence = sequence << 4 | (mark[i] - '0');
        else if (mark[i] >= 'a' && mark[i] <= 'f') sequence = sequence << 4 | (mark[i] - 'a' + 10);
        else return 0;
    }
    format_mark( expected, journal->id, sequence );
    return strcmp( mark, expected ) || sequence > MAX_SEQUENCE ? 0 : sequence;
}

int journal_mark( const struct journal *journal, char mark[JOURNAL_MARK_LEN + 1] )
{
    format_mark( mark, journal->id, journal->sequence );
    return !journal->failed;
}

size_t journal_news( struct journal *journal, const char *mark )
{
    uint64_t sequence = parse_mark( journal, mark );
    size_t i;

    for (i = 0; i < journal->count && journal->records[i].sequence <= sequence; i++) ;
    /* the end of the journal was lost: what its numbers stood for is in the registry */
    if (sequence > journal->sequence) journal->sequence = sequence;
    return i;
}

static NTSTATUS replace_all( struct journal *journal, const struct journal_record *records, size_t count )
{
    unsigned char *data = malloc( (count + 1) * JOURNAL_RECORD_SIZE );
    NTSTATUS status;
    size_t i;

    if (!data) return STATUS_NO_MEMORY;
    for (i = 0; i < count; i++) encode_record( data + i * JOURNAL_RECORD_SIZE, &records[i], journal->id );
    status = journal->storage.replace( journal->storage.context, data, count * JOURNAL_RECORD_SIZE );
    free( data );
    if (status) return status;
    journal->end = (uint64_t)count * JOURNAL_RECORD_SIZE;
    journal->dirty = 0;
    return STATUS_SUCCESS;
}

/* A record was refused: see that nobody reads it after a crash. It is cut off; or else what is behind the end is made void; or else a
 * journal without it takes the place of this one. */
static NTSTATUS take_back( struct journal *journal )
{
    struct journal_record record = journal->taken_back;
    unsigned char data[JOURNAL_RECORD_SIZE];
    NTSTATUS status;

    journal->dirty = 1;
    if ((status = journal->storage.truncate( journal->storage.context, journal->end )))
    {
        record.op = JOURNAL_VOID;
        encode_record( data, &record, journal->id );
        if (journal->storage.write( journal->storage.context, journal->end, data, sizeof(data) ) &&
            replace_all( journal, journal->records, journal->count ))
            return status;
    }
    journal->dirty = 0;
    return STATUS_SUCCESS;
}

NTSTATUS journal_mend( struct journal *journal )
{
    return journal->dirty ? take_back( journal ) : STATUS_SUCCESS;
}

NTSTATUS journal_append( struct journal *journal, int op, int protocol, unsigned int first, unsigned int count )
{
    struct journal_record record = { journal->sequence + 1, op, protocol, first, count };
    unsigned char data[JOURNAL_RECORD_SIZE];
    NTSTATUS status;

    if (journal->failed) return journal->failed;
    if ((status = journal_mend( journal ))) return status;
    if (record.sequence > MAX_SEQUENCE) return STATUS_INSUFFICIENT_RESOURCES;  /* only a forged journal has come near it */
    if (!grow_records( journal )) return STATUS_NO_MEMORY;
    encode_record( data, &record, journal->id );
    journal->sequence = record.sequence;
    if ((status = journal->storage.write( journal->storage.context, journal->end, data, sizeof(data) )))
    {
        journal->taken_back = record;
        take_back( journal );
        return status;
    }
    journal->records[journal->count++] = record;
    journal->end += sizeof(data);
    return STATUS_SUCCESS;
}

NTSTATUS journal_undo( struct journal *journal )
{
    if (!journal->count || !journal->end) return STATUS_INVALID_PARAMETER;
    journal->taken_back = journal->records[--journal->count];
    journal->end -= JOURNAL_RECORD_SIZE;
    return take_back( journal );
}

/* records of one block together, the latest of them last */
static int compare_by_block( const void *left, const void *right )
{
    const struct journal_record *a = left, *b = right;

    if (a->protocol != b->protocol) return a->protocol < b->protocol ? -1 : 1;
    if (a->first != b->first) return a->first < b->first ? -1 : 1;
    if (a->count != b->count) return a->count < b->count ? -1 : 1;
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

static int compare_by_sequence( const void *left, const void *right )
{
    const struct journal_record *a = left, *b = right;

    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

static int is_same_block( const struct journal_record *a, const struct journal_record *b )
{
    return a->protocol == b->protocol && a->first == b->first && a->count == b->count;
}

/* Copy the records that still matter; returns their number. */
static size_t select_records( struct journal_record *dst, const struct journal_record *src, size_t count, uint64_t saved )
{
    size_t i, kept = 0, ret = 0;

    for (i = 0; i < count; i++) if (src[i].sequence > saved) dst[kept++] = src[i];
    if (!kept) return 0;
    qsort( dst, kept, sizeof(*dst), compare_by_block );
    for (i = 0; i < kept; i++)
        if (i + 1 == kept || !is_same_block( &dst[i], &dst[i + 1] )) dst[ret++] = dst[i];
    qsort( dst, ret, sizeof(*dst), compare_by_sequence );
    return ret;
}

NTSTATUS journal_compact( struct journal *journal, const char *mark )
{
    struct journal_record *records;
    NTSTATUS status;
    size_t count;

    if (journal->failed) return journal->failed;
    if (!(records = malloc( (journal->count + 1) * sizeof(*records) ))) return STATUS_NO_MEMORY;
    count = select_records( records, journal->records, journal->count, parse_mark( journal, mark ) );
    if (!(status = replace_all( journal, records, count )))
    {
        if (count) memcpy( journal->records, records, count * sizeof(*records) );
        journal->count = count;
    }
    free( records );
    return status;
}
