/*
 * Tests of the file with the runtime state
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

#include "world.h"
#include "state.h"

#define RECORDS 40

/* in memory that the tests and their servers share */
static struct scenario
{
    NTSTATUS            status;                /* of state_open() */
    unsigned int        count;
    struct state_record records[RECORDS + 1];  /* what it gave */
    struct state_record now[RECORDS];          /* what the server of before has, by token; type 0: nothing */
    int                 unsaved;
    unsigned int        rounds, seed;
    int                 end;                   /* by itself */
    unsigned int        fail_from;
} *scenario;

static void reset(void)
{
    static const struct scenario empty;

    world_reset();
    scenario = (void *)world->extra;
    *scenario = empty;
}

static void open_state(void)
{
    struct state_record *records;

    scenario->status = state_open( &records, &scenario->count );
    if (scenario->count > RECORDS + 1) scenario->count = RECORDS + 1;
    if (records) memcpy( scenario->records, records, scenario->count * sizeof(*records) );
    else scenario->count = 0;
    free( records );
}

static struct state_record make_record( unsigned int token )
{
    struct state_record record = { .type = STATE_RESERVATION, .protocol = PROTOCOL_TCP, .sock = 1000 + token, .token = token,
                                   .pid = 32, .first = 100 + rand() % 1000, .count = 3 };

    return record;
}

/* A server takes up what it finds, adds, changes and erases records at random, and is killed. */
static int work(void)
{
    unsigned int slots[RECORDS] = { 0 }, i, token;

    open_state();
    if (scenario->status) return 1;
    for (i = 0; i < scenario->count; i++) if (scenario->records[i].type) slots[scenario->records[i].token] = i + 1;
    for (i = 0; i < scenario->count; i++)
    {
        unsigned int slot = i + 1;

        if (!scenario->records[i].type) state_erase( &slot );
    }
    srand( scenario->seed );
    world->fail_kind = 1;
    world->calls = 0;
    for (i = 0; i < scenario->rounds; i++)
    {
        world->fail_from = i >= scenario->fail_from && scenario->fail_from ? 1 : 0;
        token = 1 + rand() % (RECORDS - 1);
        if (rand() % 3)
        {
            scenario->now[token] = make_record( token );
            state_save( &slots[token], &scenario->now[token] );
        }
        else
        {
            scenario->now[token].type = STATE_FREE;
            state_erase( &slots[token] );
            if (slots[token]) return 2;
        }
        if (!(rand() % 4)) state_tick();
    }
    world->fail_from = 0;
    scenario->unsaved = state_unsaved();
    if (scenario->end) state_close();
    return 0;
}

static int work_and_mend(void)
{
    int ret = work();

    state_tick();
    scenario->unsaved = state_unsaved();
    return ret;
}

static int look(void)
{
    open_state();
    scenario->unsaved = state_unsaved();
    return 0;
}

/* Does the next server find what the one of before had? */
#define check_found( what ) check_found_( __LINE__, what )
static void check_found_( int line, const char *what )
{
    unsigned int i, found = 0, had = 0;
    int ret = world_run( look );

    ok( !ret && !scenario->status, "line %d, %s: got %d, %#x", line, what, ret, (unsigned int)scenario->status );
    for (i = 0; i < RECORDS; i++) had += scenario->now[i].type != STATE_FREE;
    for (i = 0; i < scenario->count; i++)
    {
        const struct state_record *record = &scenario->records[i];

        if (!record->type) continue;
        found++;
        ok( record->token < RECORDS && !memcmp( record, &scenario->now[record->token], sizeof(*record) ),
            "line %d, %s: record %u is another", line, what, i );
    }
    ok( found == had, "line %d, %s: found %u of %u records", line, what, found, had );
}

/* "kill -9 of portserver: live runtime reservations are taken up again", again and again */
static void test_kills(void)
{
    unsigned int i;
    int ret;

    reset();
    check_found( "a first start" );
    for (i = 0; i < 100; i++)
    {
        scenario->rounds = i % 50;
        scenario->seed = i;
        ret = world_run( work );
        ok( !ret, "got %d", ret );
        ok( !scenario->unsaved, "records are not saved" );
        check_found( "a kill" );
    }
    /* places are used again */
    ok( world_file_size( L"state" ) <= (RECORDS + 1) * (long)sizeof(struct state_record), "%ld bytes", world_file_size( L"state" ) );
    ok( world->private_files > 100, "others may read it" );
}

/* What is of another wineserver's sockets counts for nothing, nor does what a server forgot that ended by itself, nor anything else. */
static void test_forgotten(void)
{
    unsigned char *data;
    unsigned int i;

    reset();
    scenario->rounds = 30;
    world_run( work );
    world->boot_time++;
    memset( scenario->now, 0, sizeof(scenario->now) );
    check_found( "another wineserver" );

    world_run( work );
    scenario->end = 1;
    scenario->rounds = 0;
    world_run( work );
    memset( scenario->now, 0, sizeof(scenario->now) );
    check_found( "the end" );
    scenario->end = 0;

    for (i = 0; i < 2 * sizeof(uint32_t); i++)
    {
        scenario->rounds = 30;
        world_run( work );
        data = world_file_data( L"state" );
        data[i] ^= 0x10;  /* another layout */
        memset( scenario->now, 0, sizeof(scenario->now) );
        check_found( "another layout" );
    }
}

/* "full disk and a killed server": the server says that it could not save; once it can, nothing is missing */
static void test_full_disk(void)
{
    int ret;

    reset();
    world_run( work );  /* the header */
    scenario->rounds = 50;
    scenario->seed = 1;
    world->disk_full = 1;
    ret = world_run( work );
    ok( !ret, "got %d", ret );
    ok( scenario->unsaved, "nobody is told" );
    ok( world->log_lines == 1 && strstr( world->last_line, "can't write" ), "%u lines, the last: %s", world->log_lines, world->last_line );

    reset();
    scenario->rounds = 50;
    scenario->fail_from = 10;
    ret = world_run( work_and_mend );
    ok( !ret, "got %d", ret );
    ok( !scenario->unsaved, "it was not written when that was possible again" );
    check_found( "a disk with room again" );

    /* no file can be made, or only read */
    reset();
    world->read_only = 1;
    scenario->rounds = 10;
    ret = world_run( work );
    ok( !ret && scenario->unsaved, "got %d, %d", ret, scenario->unsaved );
    memset( scenario->now, 0, sizeof(scenario->now) );
    world->read_only = 0;
    scenario->rounds = 20;
    world_run( work );
    world->read_only = 1;
    check_found( "a file that can only be read" );
    ok( scenario->unsaved, "nobody is told" );
}

/* What can't be read is an error, and stays as it is; or nothing is missing. */
static void test_faults(void)
{
    struct state_record before[RECORDS];
    unsigned int at;
    int ret;

    for (at = 1; at < 30; at++)
    {
        reset();
        scenario->rounds = 30;
        world_run( work );
        memcpy( before, scenario->now, sizeof(before) );
        world->calls = 0;
        world->fail_at = at;
        world->failed = NULL;
        ret = world_run( look );
        world->fail_at = 0;
        if (!world->failed) break;
        ok( !ret && (scenario->status || scenario->count), "%s: taken for nothing", world->failed );
        check_found( world->failed );
    }
    ok( at > 4 && at < 30, "only %u calls", at );
}

int main(void)
{
    test_kills();
    test_forgotten();
    test_full_disk();
    test_faults();
    return test_summary( "test_state" );
}
