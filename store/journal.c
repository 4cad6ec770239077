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
 *   24  zero
 */
static const unsigned char magic[4] = { 'P', 'R', 'J', '1' };

/* No journal has come so far; what is read is no number of ours, and those that follow it might not rise any more. */
#define MAX_READ_SEQUENCE INT64_MAX

struct journal
{
    struct journal_storage storage;
    struct journal_record *records;
    size_t   count;
    size_t   alloc;
    uint64_t sequence;   /* highest number that is taken */
    uint64_t end;        /* offset of the next record */
    int      dirty;      /* bytes after the end that could not be cut off */
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

static void encode_record( unsigned char *data, const struct journal_record *record )
{
    memset( data, 0, JOURNAL_RECORD_SIZE );
    memcpy( data, magic, sizeof(magic) );
    put_le( data + 8, record->sequence, 8 );
    data[16] = record->op;
    data[17] = record->protocol;
    put_le( data + 18, record->first, 2 );
    put_le( data + 20, record->count, 4 );
    put_le( data + 4, get_crc( data + 8, JOURNAL_RECORD_SIZE - 8 ), 4 );
}

static int decode_record( const unsigned char *data, struct journal_record *record )
{
    if (memcmp( data, magic, sizeof(magic) )) return 0;
    if (get_le( data + 4, 4 ) != get_crc( data + 8, JOURNAL_RECORD_SIZE - 8 )) return 0;
    record->sequence = get_le( data + 8, 8 );
    record->op = data[16];
    record->protocol = data[17];
    record->first = get_le( data + 18, 2 );
    record->count = get_le( data + 20, 4 );
    if (!record->sequence || record->sequence > MAX_READ_SEQUENCE) return 0;
    if (record->op != JOURNAL_ADD && record->op != JOURNAL_REMOVE) return 0;
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
    size_t offset;

    for (offset = 0; size - offset >= JOURNAL_RECORD_SIZE; offset += JOURNAL_RECORD_SIZE)
    {
        struct journal_record record;

        if (!decode_record( data + offset, &record ) || record.sequence <= journal->sequence)
        {
            damage->records++;
            continue;
        }
        if (!grow_records( journal )) return 0;
        journal->records[journal->count++] = record;
        journal->sequence = record.sequence;
    }
    /* The next record overwrites the rest of one that never was complete. */
    journal->end = offset;
    damage->tail = size - offset;
    return 1;
}

struct journal *journal_open( const struct journal_storage *storage, struct journal_damage *damage )
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
    if (journal) journal->failed = damage->status;
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

void journal_advance( struct journal *journal, uint64_t sequence )
{
    if (sequence > journal->sequence && sequence <= MAX_READ_SEQUENCE) journal->sequence = sequence;
}

/* Cut off what is behind the last record. While that fails nothing can be added: after a crash it might be taken for a record. */
static NTSTATUS cut_tail( struct journal *journal )
{
    NTSTATUS status = journal->storage.truncate( journal->storage.context, journal->end );

    journal->dirty = status != STATUS_SUCCESS;
    return status;
}

NTSTATUS journal_append( struct journal *journal, int op, int protocol, unsigned int first, unsigned int count,
                         uint64_t *sequence )
{
    struct journal_record record = { journal->sequence + 1, op, protocol, first, count };
    unsigned char data[JOURNAL_RECORD_SIZE];
    NTSTATUS status;

    if (journal->failed) return journal->failed;
    if (journal->dirty && (status = cut_tail( journal ))) return status;
    if (!grow_records( journal )) return STATUS_NO_MEMORY;
    encode_record( data, &record );
    if ((status = journal->storage.write( journal->storage.context, journal->end, data, sizeof(data) )))
    {
        cut_tail( journal );
        return status;
    }
    journal->records[journal->count++] = record;
    journal->sequence = record.sequence;
    journal->end += sizeof(data);
    *sequence = record.sequence;
    return STATUS_SUCCESS;
}

NTSTATUS journal_undo( struct journal *journal )
{
    if (!journal->count || !journal->end) return STATUS_INVALID_PARAMETER;
    journal->count--;
    journal->end -= JOURNAL_RECORD_SIZE;
    return cut_tail( journal );
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

NTSTATUS journal_compact( struct journal *journal, uint64_t saved )
{
    struct journal_record *records = malloc( (journal->count + 1) * sizeof(*records) );
    unsigned char *data = malloc( (journal->count + 1) * JOURNAL_RECORD_SIZE );
    NTSTATUS status = STATUS_NO_MEMORY;
    size_t i, count;

    if (journal->failed) status = journal->failed;
    else if (records && data)
    {
        count = select_records( records, journal->records, journal->count, saved );
        for (i = 0; i < count; i++) encode_record( data + i * JOURNAL_RECORD_SIZE, &records[i] );
        status = journal->storage.replace( journal->storage.context, data, count * JOURNAL_RECORD_SIZE );
        if (!status)
        {
            if (count) memcpy( journal->records, records, count * sizeof(*records) );
            journal->count = count;
            journal->end = (uint64_t)count * JOURNAL_RECORD_SIZE;
            journal->dirty = 0;
        }
    }
    free( records );
    free( data );
    return status;
}
