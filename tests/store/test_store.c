/*
 * Tests of the store
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

#include "journal.h"
#include "store.h"
#include "store_value.h"
#include "world.h"

#define PORTS  64
#define BLOCKS 8    /* that the tests create and delete: block i starts at port 100 * (i + 1) */

/* What a server reported at its start, in the memory that both processes have; and what it is to do. */
static struct scenario
{
    int          op, block, protocol;     /* of one change; op 0: none */
    unsigned int first, count;
    NTSTATUS     status;                  /* of it */
    unsigned int fail_at, fail_from, fail_kind, crash_at;  /* as in struct world, once the server has started */
    unsigned int changes;                 /* or: so many random changes */
    unsigned int seed;
    unsigned int acknowledged, shortened;
    int          in_flight;               /* block of a change without an answer, -1: none */
    unsigned char expected[BLOCKS];       /* what was acknowledged */
    unsigned int seen_count;
    struct { int protocol; unsigned int first, count; } seen[PORTS];
} *scenario;

static void add_seen( void *context, int protocol, unsigned int first, unsigned int count )
{
    struct scenario *to = context;

    if (to->seen_count == PORTS) return;
    to->seen[to->seen_count].protocol = protocol;
    to->seen[to->seen_count].first = first;
    to->seen[to->seen_count++].count = count;
}

static int has( int protocol, unsigned int first, unsigned int count )
{
    unsigned int i;

    for (i = 0; i < scenario->seen_count; i++)
        if (scenario->seen[i].protocol == protocol && scenario->seen[i].first == first && scenario->seen[i].count == count) return 1;
    return 0;
}

/* ---- servers; each returns its exit code, 0 when it ran ---- */

static int start(void)
{
    scenario->seen_count = 0;
    return store_open( add_seen, scenario ) ? 1 : 0;
}

static int look(void)
{
    int ret = start();

    store_close();
    return ret;
}

static void arm(void)
{
    world->calls = 0;
    world->fail_at = scenario->fail_at;
    world->fail_from = scenario->fail_from;
    world->fail_kind = scenario->fail_kind;
    world->crash_at = scenario->crash_at;
}

static int change(void)
{
    int ret = start();

    if (ret) return ret;
    arm();
    scenario->status = scenario->op == JOURNAL_ADD ? store_add( scenario->protocol, scenario->first, scenario->count )
                                                   : store_remove( scenario->protocol, scenario->first, scenario->count );
    return 0;  /* killed */
}

/* Changes at random, each of which turns a block on or off. */
static int random_changes(void)
{
    int ret = start(), block;
    NTSTATUS status;
    unsigned int i;
    long size;

    if (ret) return ret;
    arm();
    srand( scenario->seed );
    for (i = 0; i < scenario->changes; i++)
    {
        block = rand() % BLOCKS;
        scenario->in_flight = block;
        if (scenario->expected[block]) status = store_remove( PROTOCOL_TCP, 100 * (block + 1), 10 );
        else status = store_add( PROTOCOL_TCP, 100 * (block + 1), 10 );
        if (!status)
        {
            scenario->expected[block] = !scenario->expected[block];
            scenario->acknowledged++;
        }
        scenario->in_flight = -1;
        if (!(rand() % 8)) world_save_registry();
        size = world_file_size( L"journal" );
        if (!(rand() % 4)) store_tick();
        if (world_file_size( L"journal" ) < size)
        {
            scenario->shortened++;
            if (rand() % 2) break;  /* what is left of it counts most right after that */
        }
    }
    return 0;
}

static NTSTATUS make_change( int op, int protocol, unsigned int first, unsigned int count )
{
    int ret;

    scenario->op = op;
    scenario->protocol = protocol;
    scenario->first = first;
    scenario->count = count;
    scenario->status = STATUS_UNSUCCESSFUL;
    ret = world_run( change );
    ok( !ret, "the server ended with %d", ret );
    return scenario->status;
}

static void reset(void)
{
    static struct scenario memory;

    world_reset();
    scenario = (void *)world->extra;
    *scenario = memory;
    scenario->in_flight = -1;
}

#define check_runs() check_runs_( __LINE__ )
static void check_runs_( int line )
{
    int ret = world_run( look );

    ok( !ret, "line %d: the server ended with %d: %s", line, ret, world->last_line );
}

/* ---- tests ---- */

static void set_block( int table, unsigned int first, unsigned int count )
{
    char name[STORE_NAME_LEN + 1];
    WCHAR nameW[STORE_NAME_LEN + 1];
    int i;

    store_format_name( name, first, count );
    for (i = 0; i <= STORE_NAME_LEN; i++) nameW[i] = (unsigned char)name[i];
    world_set_value( table, nameW, REG_BINARY, store_value_data, STORE_DATA_LEN );
}

static void test_changes(void)
{
    struct world_value *value;

    reset();
    check_runs();
    ok( !scenario->seen_count, "a new prefix has %u blocks", scenario->seen_count );
    ok( !make_change( JOURNAL_ADD, PROTOCOL_TCP, 52311, 1 ), "got %#x", (unsigned int)scenario->status );
    ok( !make_change( JOURNAL_ADD, PROTOCOL_UDP, 50000, 60 ), "got %#x", (unsigned int)scenario->status );
    value = world_find_value( TABLE_TCP, L"cc570100" );
    ok( value && value->type == REG_BINARY && value->size == 4 && !memcmp( value->data, store_value_data, 4 ), "no value" );
    check_runs();
    ok( scenario->seen_count == 2 && has( PROTOCOL_TCP, 52311, 1 ) && has( PROTOCOL_UDP, 50000, 60 ), "got %u", scenario->seen_count );
    ok( !make_change( JOURNAL_REMOVE, PROTOCOL_TCP, 52311, 1 ), "got %#x", (unsigned int)scenario->status );
    ok( !world_find_value( TABLE_TCP, L"cc570100" ), "the value is still there" );
    ok( make_change( JOURNAL_ADD, PROTOCOL_TCP, 0, 1 ) == STATUS_INVALID_PARAMETER, "got %#x", (unsigned int)scenario->status );
    ok( make_change( JOURNAL_REMOVE, PROTOCOL_TCP, 1, 65536 ) == STATUS_INVALID_PARAMETER, "got %#x", (unsigned int)scenario->status );

    /* "A Create that returned NO_ERROR survives kill -9 of everything": the registry was never saved */
    world_lose_registry();
    check_runs();
    ok( scenario->seen_count == 1 && has( PROTOCOL_UDP, 50000, 60 ), "got %u", scenario->seen_count );
}

/* "An unreadable value is left alone and logged"; "20,000 garbage values": in few lines */
static void test_garbage(void)
{
    WCHAR name[24];
    unsigned int i;

    reset();
    for (i = 0; i < 2000; i++)
    {
        swprintf( name, 24, L"garbage %u", i );
        world_set_value( TABLE_UDP, name, REG_BINARY, store_value_data, STORE_DATA_LEN );
    }
    set_block( TABLE_UDP, 1000, 10 );
    for (i = 0; i < 500; i++) set_block( TABLE_UDP, 1001 + i % 9, 1 + i / 9 );
    check_runs();
    ok( scenario->seen_count == 1 && has( PROTOCOL_UDP, 1000, 10 ), "got %u", scenario->seen_count );
    ok( world->log_lines == 2 * 21, "got %u lines", world->log_lines );
    ok( world->registry.tables[TABLE_UDP].count == 2501, "got %u values", world->registry.tables[TABLE_UDP].count );
    /* "A new block is also refused over a block that does not count" */
    ok( make_change( JOURNAL_ADD, PROTOCOL_UDP, 1050, 1 ) == STATUS_SHARING_VIOLATION, "got %#x", (unsigned int)scenario->status );
}

/* "enumeration of values by index while others edit skips one" */
static void test_edited_meanwhile(void)
{
    unsigned int i, at;
    WCHAR name[24];

    for (at = 1; at <= 30; at++)
    {
        reset();
        for (i = 0; i < 5; i++)
        {
            swprintf( name, 24, L"!%u", i );
            world_set_value( TABLE_TCP, name, REG_BINARY, store_value_data, STORE_DATA_LEN );
        }
        for (i = 0; i < 20; i++) set_block( TABLE_TCP, 1000 + 2 * i, 1 );
        world->edit_at = at;
        check_runs();
        ok( scenario->seen_count == 20, "edited before value %u: %u of 20 blocks", at, scenario->seen_count );
    }
    /* by somebody who does not stop: the server starts all the same */
    world->edit_at = 3;
    world->edit_always = 1;
    check_runs();
    ok( scenario->seen_count >= 19, "got %u", scenario->seen_count );
}

/* "a prefix path of exactly 1005 characters overruns by one": the journal is shortened by what the registry file has, wherever that is */
static void test_long_paths(void)
{
    unsigned int len, i;

    for (len = 20; len < sizeof(world->prefix); len += len < 950 || len > 1050 ? 90 : 1)
    {
        reset();
        memset( world->prefix, 'p', len );
        world->prefix[0] = world->prefix[len / 2] = '/';
        world->prefix[len] = 0;
        for (i = 0; i < 3; i++) make_change( JOURNAL_ADD, PROTOCOL_TCP, 1000 + i, 1 );
        world_save_registry();
        world_file_data( L"journal" )[20] ^= 1;  /* damage makes it be shortened at once */
        check_runs();
        ok( world_file_size( L"journal" ) == 0, "%u characters: %ld bytes are left", len, world_file_size( L"journal" ) );
        ok( scenario->seen_count == 3, "%u characters: got %u", len, scenario->seen_count );
    }
}

/* "JournalSequence of all ones loses acknowledged changes" */
static void test_damaged_mark(void)
{
    static const uint64_t ones = ~(uint64_t)0;
    static const WCHAR texts[][50] = { L"", L"x", L"ffffffffffffffff-ffffffffffffffff-ffffffff", L"0-0-0",
                                       L"ffffffffffffffff-ffffffffffffffff-ffffffff0", L"\x2603" };
    unsigned int i;

    for (i = 0; i <= sizeof(texts) / sizeof(texts[0]); i++)
    {
        reset();
        make_change( JOURNAL_ADD, PROTOCOL_TCP, 1000, 1 );
        world_save_registry();
        make_change( JOURNAL_ADD, PROTOCOL_TCP, 2000, 1 );
        make_change( JOURNAL_REMOVE, PROTOCOL_TCP, 1000, 1 );
        world_lose_registry();
        if (i == sizeof(texts) / sizeof(texts[0])) world_set_value( TABLE_STATE, L"Journal", 11 /* REG_QWORD */, &ones, sizeof(ones) );
        else world_set_value( TABLE_STATE, L"Journal", REG_SZ, texts[i], (wcslen( texts[i] ) + 1) * sizeof(WCHAR) );
        check_runs();
        ok( scenario->seen_count == 1 && has( PROTOCOL_TCP, 2000, 1 ), "%u: got %u", i, scenario->seen_count );
    }
}

/* An edit by hand of a registry that was saved is not undone. */
static void test_edits_by_hand(void)
{
    reset();
    make_change( JOURNAL_ADD, PROTOCOL_TCP, 1000, 1 );
    make_change( JOURNAL_ADD, PROTOCOL_TCP, 2000, 1 );
    world_delete_value( TABLE_TCP, L"03e80100" );
    check_runs();
    ok( scenario->seen_count == 1 && has( PROTOCOL_TCP, 2000, 1 ), "got %u", scenario->seen_count );
    world_save_registry();
    world_lose_registry();
    check_runs();
    ok( scenario->seen_count == 1 && has( PROTOCOL_TCP, 2000, 1 ), "got %u", scenario->seen_count );
}

/* what is not to be read must not be lost */
static void test_unreadable(void)
{
    int ret;

    reset();
    make_change( JOURNAL_ADD, PROTOCOL_TCP, 1000, 1 );
    world->read_only = 1;
    check_runs();
    ok( has( PROTOCOL_TCP, 1000, 1 ), "the block is gone" );
    ok( make_change( JOURNAL_ADD, PROTOCOL_TCP, 2000, 1 ) == STATUS_MEDIA_WRITE_PROTECTED, "got %#x", (unsigned int)scenario->status );
    world_lose_registry();
    check_runs();
    ok( scenario->seen_count == 1 && has( PROTOCOL_TCP, 1000, 1 ), "got %u", scenario->seen_count );
    world->read_only = 0;

    world->disk_full = 1;
    ok( make_change( JOURNAL_ADD, PROTOCOL_TCP, 2000, 1 ) == STATUS_DISK_FULL, "got %#x", (unsigned int)scenario->status );
    check_runs();
    ok( scenario->seen_count == 1, "got %u", scenario->seen_count );
    world->disk_full = 0;

    /* each call of a start fails: the server does not run, or lacks nothing */
    for (world->fail_at = 1; world->fail_at < 200; world->fail_at++)
    {
        world->calls = 0;
        world->failed = NULL;
        world_lose_registry();
        if (!(ret = world_run( look )))
            ok( has( PROTOCOL_TCP, 1000, 1 ), "%s, call %u: the block is gone", world->failed, world->fail_at );
        if (!world->failed) break;
        ok( ret == 0 || ret == 1, "%s, call %u: the server ended with %d", world->failed, world->fail_at, ret );
    }
    ok( world->fail_at > 15 && world->fail_at < 200, "only %u calls", world->fail_at );
}

/* "On failure nothing has changed", nor does it later: one call of a change fails, or from there on all that change a file, or the
 * registry. */
static void test_faults(void)
{
    unsigned int at, lasting, op, before, refused = 0;

    for (op = JOURNAL_ADD; op <= JOURNAL_REMOVE; op++)
    {
        for (lasting = 0; lasting <= 2; lasting++)
        {
            for (at = 1; at < 100; at++)
            {
                reset();
                make_change( JOURNAL_ADD, PROTOCOL_TCP, 1000, 1 );
                if (op == JOURNAL_REMOVE) make_change( JOURNAL_ADD, PROTOCOL_TCP, 2000, 1 );
                world_save_registry();
                before = op == JOURNAL_REMOVE;
                if (lasting) scenario->fail_from = at;
                else scenario->fail_at = at;
                scenario->fail_kind = lasting;
                make_change( op, PROTOCOL_TCP, 2000, 1 );
                world->fail_at = world->fail_from = 0;
                if (!world->failed) break;
                if (scenario->status) refused++;
                else before = op == JOURNAL_ADD;

                check_runs();
                ok( has( PROTOCOL_TCP, 2000, 1 ) == (int)before && has( PROTOCOL_TCP, 1000, 1 ),
                    "%s, call %u%s, status %#x: after a kill of the server the block is%s there", world->failed, at,
                    lasting ? " and on" : "", (unsigned int)scenario->status, before ? " not" : "" );
                /* No file could be written any more, the journal has it, and the registry that knew better is gone: see docs/store.md */
                if (lasting == 1 && scenario->status && world_file_size( L"journal" ) > 32 * (1 + (long)(op == JOURNAL_REMOVE))) continue;
                world_lose_registry();
                check_runs();
                ok( has( PROTOCOL_TCP, 2000, 1 ) == (int)before && has( PROTOCOL_TCP, 1000, 1 ),
                    "%s, call %u%s, status %#x: after a kill of wineserver the block is%s there", world->failed, at,
                    lasting ? " and on" : "", (unsigned int)scenario->status, before ? " not" : "" );
                world_lose_power();
                check_runs();
                ok( scenario->status || has( PROTOCOL_TCP, 2000, 1 ) == (int)before, "%s, call %u: lost with the power", world->failed, at );
                ok( has( PROTOCOL_TCP, 1000, 1 ), "%s, call %u: the other one is lost with the power", world->failed, at );
            }
            ok( at > 5 && at < 100, "only %u calls", at );
        }
    }
    ok( refused > 10, "only %u were refused", refused );
}

/* "A Create that returned NO_ERROR survives kill -9 of everything, wineserver included; so does a Delete": killed at any call, the power
 * gone, again and again. The journal is renamed meanwhile, and its folder not always on the disk. */
static void test_random_crashes(void)
{
    unsigned int round, life, i, acknowledged = 0, shortened = 0;
    int ret, kind;

    srand( 1 );
    for (round = 0; round < 60; round++)
    {
        reset();
        for (life = 0; life < 20; life++)
        {
            scenario->seed = rand();
            scenario->changes = round % 3 ? rand() % 20 : 1200;
            scenario->crash_at = rand() % 3 ? 1 + rand() % (30 * scenario->changes + 20) : 0;
            scenario->fail_at = rand() % 3 ? 0 : 1 + rand() % (20 * scenario->changes + 20);
            ret = world_run( random_changes );
            ok( ret == 0 || ret == 1 || ret == CRASHED, "round %u: the server ended with %d", round, ret );
            world->crash_at = world->fail_at = 0;
            kind = rand() % 4;
            if (kind == 1) world_lose_registry();
            if (kind >= 2) world_lose_power();
            check_runs();
            for (i = 0; i < BLOCKS; i++)
            {
                int there = has( PROTOCOL_TCP, 100 * (i + 1), 10 );

                ok( there == scenario->expected[i] || scenario->in_flight == (int)i, "round %u: block %u is %s after %s", round, i,
                    there ? "back" : "lost", kind >= 2 ? "the power went" : kind ? "wineserver was killed" : "the server was killed" );
                scenario->expected[i] = there;
            }
            scenario->in_flight = -1;
        }
        acknowledged += scenario->acknowledged;
        shortened += scenario->shortened;
    }
    ok( acknowledged > 1000, "only %u changes were acknowledged", acknowledged );
    ok( shortened > 10, "only %u journals were shortened", shortened );
}

int main(void)
{
    reset();
    test_changes();
    test_garbage();
    test_edited_meanwhile();
    test_long_paths();
    test_damaged_mark();
    test_edits_by_hand();
    test_unreadable();
    test_faults();
    test_random_crashes();
    return test_summary( "test_store" );
}
