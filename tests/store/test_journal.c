/*
 * Tests of the journal
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "test.h"

#include <stdlib.h>

#include "../../store/journal.h"

/* A journal in memory that fails on demand. */
struct memory
{
    unsigned char data[65536];
    size_t       size;
    int          exists;
    int          fail_load;      /* the next calls fail */
    int          fail_write;     /* 1: nothing is written; 2: half a record is; 3: all of it is, and the flush fails */
    int          fail_truncate;
    int          fail_replace;
    unsigned int writes;
};

static NTSTATUS memory_load( void *context, unsigned char **data, size_t *size )
{
    struct memory *memory = context;

    if (memory->fail_load) return STATUS_ACCESS_DENIED;
    if (!memory->exists) return STATUS_NOT_FOUND;
    *data = malloc( memory->size + 1 );
    memcpy( *data, memory->data, memory->size );
    *size = memory->size;
    return STATUS_SUCCESS;
}

static NTSTATUS memory_write( void *context, uint64_t offset, const void *data, size_t size )
{
    struct memory *memory = context;
    size_t written = size;

    if (memory->fail_write == 1) written = 0;
    if (memory->fail_write == 2) written = size / 2;
    memory->exists = 1;
    memory->writes++;
    memcpy( memory->data + offset, data, written );
    if (offset + written > memory->size) memory->size = offset + written;
    return memory->fail_write ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}

static NTSTATUS memory_truncate( void *context, uint64_t size )
{
    struct memory *memory = context;

    if (memory->fail_truncate) return STATUS_UNSUCCESSFUL;
    memory->size = size;
    return STATUS_SUCCESS;
}

static NTSTATUS memory_replace( void *context, const void *data, size_t size )
{
    struct memory *memory = context;

    if (memory->fail_replace) return STATUS_UNSUCCESSFUL;
    memory->exists = 1;
    memcpy( memory->data, data, size );
    memory->size = size;
    return STATUS_SUCCESS;
}

static struct memory memory;
static const struct journal_storage storage = { &memory, memory_load, memory_write, memory_truncate, memory_replace };
static struct journal_damage damage;

static struct journal *open_journal(void)
{
    static uint64_t fresh_id = 0x123456789abcdef0;
    struct journal *journal = journal_open( &storage, fresh_id++, &damage );

    ok( journal != NULL, "no journal" );
    return journal;
}

static void reset_memory(void)
{
    memset( &memory, 0, sizeof(memory) );
}

static void append( struct journal *journal, int op, int protocol, unsigned int first, unsigned int count )
{
    NTSTATUS status = journal_append( journal, op, protocol, first, count );

    ok( !status, "append failed, %#x", (unsigned int)status );
}

static uint64_t last_sequence( const struct journal *journal )
{
    size_t count = journal_count( journal );

    return count ? journal_get( journal, count - 1 )->sequence : 0;
}

/* the mark of a registry that holds what this journal has */
static const char *mark_of( const struct journal *journal )
{
    static char mark[JOURNAL_MARK_LEN + 1];

    ok( journal_mark( journal, mark ), "no mark" );
    ok( strlen( mark ) == JOURNAL_MARK_LEN, "got '%s'", mark );
    return mark;
}

/* the same when only the first records are in it: a record's number stands in the place of the last one's */
static const char *mark_at( const struct journal *journal, uint64_t sequence )
{
    static char mark[JOURNAL_MARK_LEN + 1];
    unsigned char data[16];
    unsigned long long id;
    uint32_t crc = 0xffffffff;
    unsigned int i, bit;

    sscanf( mark_of( journal ), "%16llx", &id );
    for (i = 0; i < 8; i++) data[i] = id >> 8 * i, data[8 + i] = sequence >> 8 * i;
    for (i = 0; i < 16; i++)
        for (crc ^= data[i], bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    snprintf( mark, sizeof(mark), "%016llx-%016llx-%08x", id, (unsigned long long)sequence, (unsigned int)~crc );
    return mark;
}

/* Is the record with that index the one expected? */
#define check_record( journal, index, sequence, op, protocol, first, count ) \
    check_record_( __LINE__, journal, index, sequence, op, protocol, first, count )
static void check_record_( int line, struct journal *journal, size_t index, uint64_t sequence, int op, int protocol,
                           unsigned int first, unsigned int count )
{
    const struct journal_record *record;

    ok( index < journal_count( journal ), "line %d: only %u records", line, (unsigned int)journal_count( journal ) );
    if (index >= journal_count( journal )) return;
    record = journal_get( journal, index );
    ok( record->sequence == sequence && record->op == op && record->protocol == protocol && record->first == first &&
        record->count == count, "line %d: got %u: %d %d %u %u", line, (unsigned int)record->sequence, record->op,
        record->protocol, record->first, record->count );
}

/* "A Create that returned NO_ERROR survives [...]; so does a Delete" */
static void test_records_survive(void)
{
    struct journal *journal;

    reset_memory();
    journal = open_journal();
    ok( !damage.status && !damage.records && !damage.tail, "a new journal is damaged" );
    ok( !journal_count( journal ), "got %u", (unsigned int)journal_count( journal ) );
    append( journal, JOURNAL_ADD, PROTOCOL_TCP, 50000, 60 );
    ok( last_sequence( journal ) == 1, "got %u", (unsigned int)last_sequence( journal ) );
    ok( memory.writes == 1 && memory.size == JOURNAL_RECORD_SIZE, "got %u writes, %u bytes", memory.writes, (unsigned int)memory.size );
    append( journal, JOURNAL_REMOVE, PROTOCOL_UDP, 65535, 1 );
    ok( last_sequence( journal ) == 2, "got %u", (unsigned int)last_sequence( journal ) );
    append( journal, JOURNAL_ADD, PROTOCOL_TCP, 1, 65535 );
    journal_close( journal );

    journal = open_journal();
    ok( !damage.status && !damage.records && !damage.tail, "the journal is damaged" );
    ok( journal_count( journal ) == 3, "got %u", (unsigned int)journal_count( journal ) );
    check_record( journal, 0, 1, JOURNAL_ADD, PROTOCOL_TCP, 50000, 60 );
    check_record( journal, 1, 2, JOURNAL_REMOVE, PROTOCOL_UDP, 65535, 1 );
    check_record( journal, 2, 3, JOURNAL_ADD, PROTOCOL_TCP, 1, 65535 );
    append( journal, JOURNAL_REMOVE, PROTOCOL_TCP, 1, 65535 );
    ok( last_sequence( journal ) == 4, "got %u", (unsigned int)last_sequence( journal ) );
    journal_close( journal );
}

/* What is news to a registry with a mark; a mark that is none, or another journal's, hides nothing. */
static void test_marks(void)
{
    struct journal *journal, *other;
    char mark[JOURNAL_MARK_LEN + 1];
    unsigned int i, n;

    reset_memory();
    journal = open_journal();
    ok( !journal_news( journal, NULL ), "an empty journal has news" );
    ok( !journal_news( journal, mark_of( journal ) ), "an empty journal has news" );
    for (i = 0; i < 5; i++) append( journal, JOURNAL_ADD, PROTOCOL_TCP, 1000 + i, 1 );
    ok( journal_news( journal, NULL ) == 0, "got %u", (unsigned int)journal_news( journal, NULL ) );
    ok( !strcmp( mark_at( journal, 5 ), mark_of( journal ) ), "got %s", mark_of( journal ) );
    for (i = 0; i <= 5; i++)
    {
        size_t news = journal_news( journal, mark_at( journal, i ) );

        ok( news == i, "%u: got %u", i, (unsigned int)news );
    }

    /* "JournalSequence of all ones loses acknowledged changes": a damaged mark in whatever way */
    for (i = 0; i < JOURNAL_MARK_LEN; i++)
    {
        for (n = 1; n < 256; n++)
        {
            journal_mark( journal, mark );
            mark[i] ^= n;
            if (!mark[i]) continue;
            ok( !journal_news( journal, mark ), "byte %u, %u: not all is news", i, n );
        }
        journal_mark( journal, mark );
        mark[i] = 0;
        ok( !journal_news( journal, mark ), "%u bytes: not all is news", i );
    }
    ok( !journal_news( journal, "ffffffffffffffff-ffffffffffffffff-ffffffff" ), "not all is news" );
    ok( !journal_news( journal, mark_at( journal, UINT64_MAX ) ), "not all is news" );
    ok( !journal_news( journal, mark_at( journal, (uint64_t)1 << 63 ) ), "not all is news" );
    append( journal, JOURNAL_ADD, PROTOCOL_TCP, 2000, 1 );
    ok( last_sequence( journal ) == 6, "got %u", (unsigned int)last_sequence( journal ) );

    /* a journal that began anew: the registry of before comes back with its mark, which is of other records */
    journal_mark( journal, mark );
    reset_memory();
    other = open_journal();
    append( other, JOURNAL_ADD, PROTOCOL_TCP, 3000, 1 );
    ok( !journal_news( other, mark ), "not all is news" );
    journal_close( other );
    journal_close( journal );
}

/* The end of the journal was lost, and the registry has it: nothing is carried out again, and what comes has higher numbers. */
static void test_lost_end(void)
{
    struct journal *journal;
    char mark[JOURNAL_MARK_LEN + 1];
    unsigned int i;

    reset_memory();
    journal = open_journal();
    for (i = 0; i < 5; i++) append( journal, JOURNAL_ADD, PROTOCOL_TCP, 1000 + i, 1 );
    journal_mark( journal, mark );
    journal_close( journal );
    memory.size = (size_t)2 * JOURNAL_RECORD_SIZE;
    journal = open_journal();
    ok( journal_news( journal, mark ) == 2, "got %u", (unsigned int)journal_news( journal, mark ) );
    append( journal, JOURNAL_ADD, PROTOCOL_TCP, 2000, 1 );
    ok( last_sequence( journal ) == 6, "got %u", (unsigned int)last_sequence( journal ) );
    ok( journal_news( journal, mark ) == 2, "got %u", (unsigned int)journal_news( journal, mark ) );
    journal_close( journal );
}

/* Numbers that no journal of ours has: they are left out, or no number after them is given out that would not be read again. */
static void test_high_numbers(void)
{
    static const uint64_t numbers[] = { (uint64_t)1 << 62, ((uint64_t)1 << 62) - 1, ((uint64_t)1 << 62) + 1, INT64_MAX, UINT64_MAX };
    struct journal *journal;
    unsigned int i, j, k, bit, added;
    uint32_t crc;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
    {
        reset_memory();
        journal = open_journal();
        append( journal, JOURNAL_ADD, PROTOCOL_TCP, 1000, 1 );
        append( journal, JOURNAL_ADD, PROTOCOL_TCP, 1001, 1 );
        journal_close( journal );
        for (j = 0; j < 8; j++) memory.data[JOURNAL_RECORD_SIZE + 8 + j] = numbers[i] >> 8 * j;
        for (crc = 0xffffffff, j = 8; j < JOURNAL_RECORD_SIZE; j++)
            for (crc ^= memory.data[JOURNAL_RECORD_SIZE + j], bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        for (j = 0; j < 4; j++) memory.data[JOURNAL_RECORD_SIZE + 4 + j] = ~crc >> 8 * j;

        journal = open_journal();
        ok( journal_count( journal ) == (numbers[i] > (uint64_t)1 << 62 ? 1 : 2), "%u: got %u", i, (unsigned int)journal_count( journal ) );
        journal_news( journal, mark_of( journal ) );
        for (added = k = 0; k < 3; k++) added += !journal_append( journal, JOURNAL_ADD, PROTOCOL_TCP, 2000 + k, 1 );
        added += journal_count( journal ) - added;
        journal_close( journal );
        journal = open_journal();
        ok( journal_count( journal ) == added, "%u: %u were acknowledged, got %u", i, added, (unsigned int)journal_count( journal ) );
        journal_close( journal );
    }
}

/* "a damaged or truncated journal never stops the server": cut at every byte, the records before the cut are there */
static void test_truncated_journal(void)
{
    struct memory whole;
    struct journal *journal;
    size_t size;
    unsigned int i;

    reset_memory();
    journal = open_journal();
    for (i = 0; i < 5; i++) append( journal, JOURNAL_ADD, PROTOCOL_TCP, 1000 + i, 1 );
    journal_close( journal );
    whole = memory;

    for (size = 0; size <= whole.size; size++)
    {
        memory = whole;
        memory.size = size;
        journal = open_journal();
        ok( journal_count( journal ) == size / JOURNAL_RECORD_SIZE, "%u bytes: got %u", (unsigned int)size,
            (unsigned int)journal_count( journal ) );
        ok( !damage.records && damage.tail == size % JOURNAL_RECORD_SIZE, "%u bytes: got %u, %u", (unsigned int)size,
            (unsigned int)damage.records, (unsigned int)damage.tail );
        /* and it goes on from there */
        append( journal, JOURNAL_ADD, PROTOCOL_UDP, 2000, 2 );
        journal_close( journal );
        journal = open_journal();
        ok( journal_count( journal ) == size / JOURNAL_RECORD_SIZE + 1, "%u bytes: got %u", (unsigned int)size,
            (unsigned int)journal_count( journal ) );
        ok( !damage.records && !damage.tail, "%u bytes: still damaged", (unsigned int)size );
        journal_close( journal );
    }
}

/* one byte changed anywhere: that record is left out, the others are there, and nothing is read that was not written */
static void test_damaged_journal(void)
{
    struct memory whole;
    struct journal *journal;
    size_t pos, i, j;
    unsigned int bit;

    reset_memory();
    journal = open_journal();
    for (i = 0; i < 3; i++) append( journal, JOURNAL_ADD, PROTOCOL_TCP, 1000 + i, 1 );
    journal_close( journal );
    whole = memory;

    for (pos = 0; pos < whole.size; pos++)
    {
        for (bit = 0; bit < 8; bit++)
        {
            memory = whole;
            memory.data[pos] ^= 1 << bit;
            journal = open_journal();
            ok( journal_count( journal ) == 2, "byte %u: got %u", (unsigned int)pos, (unsigned int)journal_count( journal ) );
            ok( damage.records == 1 && !damage.tail, "byte %u: got %u", (unsigned int)pos, (unsigned int)damage.records );
            for (i = j = 0; i < 3; i++)
            {
                if (i == pos / JOURNAL_RECORD_SIZE) continue;
                check_record( journal, j++, i + 1, JOURNAL_ADD, PROTOCOL_TCP, 1000 + i, 1 );
            }
            ok( !journal_compact( journal, NULL ), "compact failed" );
            ok( memory.size == (size_t)2 * JOURNAL_RECORD_SIZE, "got %u", (unsigned int)memory.size );
            journal_close( journal );
        }
    }

    /* something else altogether */
    srand( 1 );
    for (i = 0; i < 100; i++)
    {
        reset_memory();
        memory.exists = 1;
        memory.size = rand() % 5000;
        for (pos = 0; pos < memory.size; pos++) memory.data[pos] = rand();
        journal = open_journal();
        ok( !journal_count( journal ), "got %u", (unsigned int)journal_count( journal ) );
        append( journal, JOURNAL_ADD, PROTOCOL_TCP, 1000, 1 );
        journal_close( journal );
        journal = open_journal();
        ok( journal_count( journal ) == 1, "got %u", (unsigned int)journal_count( journal ) );
        journal_close( journal );
    }

    /* a record twice, as after a copy gone wrong */
    memory = whole;
    memcpy( memory.data + memory.size, memory.data, memory.size );
    memory.size *= 2;
    journal = open_journal();
    ok( journal_count( journal ) == 3 && damage.records == 3, "got %u, %u", (unsigned int)journal_count( journal ),
        (unsigned int)damage.records );
    journal_close( journal );
}

/* a journal that can't be read must not be written over */
static void test_unreadable_journal(void)
{
    struct journal *journal;
    char mark[JOURNAL_MARK_LEN + 1];
    NTSTATUS status;

    reset_memory();
    journal = open_journal();
    append( journal, JOURNAL_ADD, PROTOCOL_TCP, 1000, 1 );
    journal_close( journal );
    memory.fail_load = 1;
    journal = open_journal();
    ok( damage.status == STATUS_ACCESS_DENIED, "got %#x", (unsigned int)damage.status );
    ok( !journal_count( journal ), "got %u", (unsigned int)journal_count( journal ) );
    status = journal_append( journal, JOURNAL_ADD, PROTOCOL_TCP, 2000, 1 );
    ok( status == STATUS_ACCESS_DENIED, "got %#x", (unsigned int)status );
    ok( !journal_mark( journal, mark ), "a mark of what was not read" );
    status = journal_compact( journal, NULL );
    ok( status == STATUS_ACCESS_DENIED, "got %#x", (unsigned int)status );
    journal_close( journal );
    memory.fail_load = 0;
    journal = open_journal();
    ok( journal_count( journal ) == 1, "got %u", (unsigned int)journal_count( journal ) );
    journal_close( journal );
}

/* "what was not acknowledged after a refusal is never carried out": is the block news to the next server? mark is what the registry
 * has, NULL: nothing, as when wineserver was killed, too */
static int is_news( unsigned int first, const char *mark )
{
    struct journal *journal = open_journal();
    size_t i;
    int ret = 0;

    for (i = journal_news( journal, mark ); i < journal_count( journal ); i++)
        if (journal_get( journal, i )->first == first) ret = 1;
    journal_close( journal );
    return ret;
}

/* "On failure nothing has changed": a full disk, a short write, a flush that fails; and what would take the record back fails, too */
static void test_write_failures(void)
{
    char mark[JOURNAL_MARK_LEN + 1];
    struct journal *journal;
    NTSTATUS status;
    int mode, cut;

    for (mode = 1; mode <= 3; mode++)
    {
        for (cut = 0; cut <= 2; cut++)
        {
            reset_memory();
            journal = open_journal();
            append( journal, JOURNAL_ADD, PROTOCOL_TCP, 1000, 1 );

            memory.fail_write = mode;
            memory.fail_truncate = cut >= 1;
            memory.fail_replace = cut >= 2;
            status = journal_append( journal, JOURNAL_ADD, PROTOCOL_TCP, 2000, 1 );
            ok( status == STATUS_UNSUCCESSFUL, "%d: got %#x", mode, (unsigned int)status );
            ok( journal_count( journal ) == 1, "%d: got %u", mode, (unsigned int)journal_count( journal ) );
            if (cut < 2) ok( memory.size == JOURNAL_RECORD_SIZE, "%d: got %u bytes", mode, (unsigned int)memory.size );
            journal_mark( journal, mark );
            ok( !is_news( 2000, mark ), "%d, %d: the next server would carry it out", mode, cut );
            ok( is_news( 1000, NULL ), "%d, %d: what was acknowledged is gone", mode, cut );
            if (cut < 2 || mode != 3)
                ok( !is_news( 2000, NULL ), "%d, %d: the next server would carry it out", mode, cut );
            if (cut == 2)
            {
                /* nothing goes behind what may be half a record */
                status = journal_append( journal, JOURNAL_ADD, PROTOCOL_TCP, 3000, 1 );
                ok( status == STATUS_UNSUCCESSFUL, "%d: got %#x", mode, (unsigned int)status );
                ok( journal_mend( journal ) == STATUS_UNSUCCESSFUL, "%d: mended by what fails", mode );
                memory.fail_replace = 0;
                ok( !journal_mend( journal ), "%d: not mended", mode );
                ok( !is_news( 2000, NULL ), "%d, %d: the next server would carry it out", mode, cut );
            }

            memory.fail_write = memory.fail_truncate = memory.fail_replace = 0;
            append( journal, JOURNAL_REMOVE, PROTOCOL_TCP, 1000, 1 );
            ok( last_sequence( journal ) > 2, "a number is used twice" );
            ok( strcmp( mark, mark_of( journal ) ), "a mark is used twice" );
            journal_close( journal );

            journal = open_journal();
            ok( !damage.records && !damage.tail, "%d: damaged", mode );
            ok( journal_count( journal ) == 2, "%d: got %u", mode, (unsigned int)journal_count( journal ) );
            check_record( journal, 0, 1, JOURNAL_ADD, PROTOCOL_TCP, 1000, 1 );
            ok( journal_get( journal, 1 )->op == JOURNAL_REMOVE, "another record" );
            ok( journal_news( journal, mark ) == 1, "got %u", (unsigned int)journal_news( journal, mark ) );
            journal_close( journal );
        }
    }
}

/* A change that the registry refused is taken back, by whatever still works. */
static void test_undo(void)
{
    struct journal *journal;
    char mark[JOURNAL_MARK_LEN + 1];
    NTSTATUS status;

    reset_memory();
    journal = open_journal();
    append( journal, JOURNAL_ADD, PROTOCOL_TCP, 1000, 1 );
    append( journal, JOURNAL_ADD, PROTOCOL_TCP, 2000, 1 );
    status = journal_undo( journal );
    ok( !status, "got %#x", (unsigned int)status );
    ok( memory.size == JOURNAL_RECORD_SIZE, "got %u", (unsigned int)memory.size );
    ok( !is_news( 2000, NULL ), "the next server would carry it out" );

    /* it can't be cut off: it is made void */
    append( journal, JOURNAL_ADD, PROTOCOL_TCP, 3000, 1 );
    memory.fail_truncate = memory.fail_replace = 1;
    status = journal_undo( journal );
    ok( !status, "got %#x", (unsigned int)status );
    ok( !is_news( 3000, NULL ), "the next server would carry it out" );
    ok( !damage.records && !damage.tail, "it looks like damage" );
    append( journal, JOURNAL_ADD, PROTOCOL_TCP, 4000, 1 );
    ok( is_news( 4000, NULL ), "what came after it is lost" );
    status = journal_undo( journal );
    ok( !status, "got %#x", (unsigned int)status );

    /* nor that: the journal is replaced */
    memory.fail_truncate = memory.fail_replace = 0;
    append( journal, JOURNAL_ADD, PROTOCOL_TCP, 5000, 1 );
    memory.fail_truncate = memory.fail_write = 1;
    status = journal_undo( journal );
    ok( !status, "got %#x", (unsigned int)status );
    ok( !is_news( 5000, NULL ), "the next server would carry it out" );

    /* nothing works: the mark keeps it from being carried out */
    memory.fail_truncate = memory.fail_write = 0;
    append( journal, JOURNAL_ADD, PROTOCOL_TCP, 6000, 1 );
    memory.fail_truncate = memory.fail_write = memory.fail_replace = 1;
    status = journal_undo( journal );
    ok( status == STATUS_UNSUCCESSFUL, "got %#x", (unsigned int)status );
    journal_mark( journal, mark );
    ok( !is_news( 6000, mark ), "the next server would carry it out" );
    ok( journal_append( journal, JOURNAL_ADD, PROTOCOL_TCP, 7000, 1 ) == STATUS_UNSUCCESSFUL, "something goes behind it" );
    memory.fail_truncate = memory.fail_write = memory.fail_replace = 0;
    ok( !journal_mend( journal ), "not mended" );
    ok( !is_news( 6000, NULL ), "the next server would carry it out" );
    append( journal, JOURNAL_ADD, PROTOCOL_TCP, 8000, 1 );
    ok( is_news( 8000, mark ), "what was acknowledged is no news" );
    journal_close( journal );

    journal = open_journal();
    ok( journal_count( journal ) == 2, "got %u", (unsigned int)journal_count( journal ) );
    ok( journal_get( journal, 0 )->first == 1000, "got %u", journal_get( journal, 0 )->first );
    ok( journal_get( journal, 1 )->first == 8000, "got %u", journal_get( journal, 1 )->first );
    journal_close( journal );
}

/* "The journal does not grow without bound" */
static void test_compact(void)
{
    struct journal *journal;
    NTSTATUS status;
    unsigned int i;

    /* what the registry file holds is dropped */
    reset_memory();
    journal = open_journal();
    for (i = 0; i < 10; i++) append( journal, JOURNAL_ADD, PROTOCOL_TCP, 1000 + i, 1 );
    status = journal_compact( journal, mark_at( journal, 7 ) );
    ok( !status, "got %#x", (unsigned int)status );
    ok( journal_count( journal ) == 3 && memory.size == (size_t)3 * JOURNAL_RECORD_SIZE, "got %u", (unsigned int)journal_count( journal ) );
    check_record( journal, 0, 8, JOURNAL_ADD, PROTOCOL_TCP, 1007, 1 );

    /* of several records of one block the last one stays */
    for (i = 0; i < 100; i++)
    {
        append( journal, JOURNAL_ADD, PROTOCOL_UDP, 5000, 10 );
        append( journal, JOURNAL_REMOVE, PROTOCOL_UDP, 5000, 10 );
    }
    append( journal, JOURNAL_ADD, PROTOCOL_TCP, 5000, 10 );
    append( journal, JOURNAL_ADD, PROTOCOL_UDP, 5000, 9 );
    status = journal_compact( journal, NULL );
    ok( !status, "got %#x", (unsigned int)status );
    ok( journal_count( journal ) == 6, "got %u", (unsigned int)journal_count( journal ) );
    check_record( journal, 2, 10, JOURNAL_ADD, PROTOCOL_TCP, 1009, 1 );
    check_record( journal, 3, 210, JOURNAL_REMOVE, PROTOCOL_UDP, 5000, 10 );
    check_record( journal, 4, 211, JOURNAL_ADD, PROTOCOL_TCP, 5000, 10 );
    check_record( journal, 5, 212, JOURNAL_ADD, PROTOCOL_UDP, 5000, 9 );

    /* a failure changes nothing */
    memory.fail_replace = 1;
    status = journal_compact( journal, mark_at( journal, 1000 ) );
    ok( status == STATUS_UNSUCCESSFUL, "got %#x", (unsigned int)status );
    ok( journal_count( journal ) == 6 && memory.size == (size_t)6 * JOURNAL_RECORD_SIZE, "got %u", (unsigned int)journal_count( journal ) );
    append( journal, JOURNAL_REMOVE, PROTOCOL_UDP, 5000, 9 );
    memory.fail_replace = 0;
    journal_close( journal );

    journal = open_journal();
    ok( journal_count( journal ) == 7 && !damage.records, "got %u", (unsigned int)journal_count( journal ) );
    status = journal_compact( journal, mark_at( journal, 1000 ) );
    ok( !status && !journal_count( journal ) && !memory.size, "got %#x, %u", (unsigned int)status, (unsigned int)memory.size );
    status = journal_compact( journal, mark_at( journal, 1000 ) );
    ok( !status, "got %#x", (unsigned int)status );
    ok( journal_undo( journal ) == STATUS_INVALID_PARAMETER, "took back a record that is not there" );
    journal_close( journal );
}

/* What a registry that comes back with any number makes of the journal is the acknowledged state, shortened or not. */
static void test_replay_equals_history(void)
{
    static unsigned char state[400][8], registry[8];
    struct journal *journal;
    unsigned int round, i, n, block, saved;
    size_t j;

    srand( 2 );
    for (round = 0; round < 200; round++)
    {
        reset_memory();
        journal = open_journal();
        memset( state, 0, sizeof(state) );
        n = 1 + rand() % 200;
        saved = 0;
        for (i = 1; i <= n; i++)
        {
            block = rand() % 8;
            memcpy( state[i], state[i - 1], sizeof(state[i]) );
            state[i][block] = !state[i][block];
            append( journal, state[i][block] ? JOURNAL_ADD : JOURNAL_REMOVE, PROTOCOL_TCP, 100 * (block + 1), 10 );
            if (!(rand() % 10)) saved = i;
            if (!(rand() % 20)) ok( !journal_compact( journal, mark_at( journal, saved ) ), "compact failed" );
        }
        journal_close( journal );

        /* wineserver was killed: the registry is the one of the last save, or newer */
        saved += rand() % (n - saved + 1);
        memcpy( registry, state[saved], sizeof(registry) );
        journal = open_journal();
        for (j = journal_news( journal, mark_at( journal, saved ) ); j < journal_count( journal ); j++)
        {
            const struct journal_record *record = journal_get( journal, j );

            registry[record->first / 100 - 1] = record->op == JOURNAL_ADD;
        }
        ok( !memcmp( registry, state[n], sizeof(registry) ), "%u: the state is not the acknowledged one", round );
        journal_close( journal );
    }
}

int main(void)
{
    test_records_survive();
    test_marks();
    test_lost_end();
    test_high_numbers();
    test_truncated_journal();
    test_damaged_journal();
    test_unreadable_journal();
    test_write_failures();
    test_undo();
    test_compact();
    test_replay_equals_history();
    return test_summary( "test_journal" );
}
