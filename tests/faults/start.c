/*
 * Faults at the start of the server
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */


/* "kill -9 of portserver: live runtime reservations are taken up again": each call that the server makes at its start fails, one after
 * another, while a server before it was killed with reservations, associations and ports in use, with a journal that the registry
 * lacks a part of, is damaged, and long enough to be shortened. The server says what went wrong and ends, and the next one finds
 * everything; or it runs, and then nothing is missing either. */

#include "driver.h"
#include "journal.h"

#define RECORDS 1100  /* enough for the journal to be shortened */

static unsigned char journal_data[(RECORDS + 4) * 32];
static size_t journal_size;
static char registry_mark[JOURNAL_MARK_LEN + 1];

static struct
{
    SOCKET tcp_owner, udp_owner, bound, associated;
    uint64_t tcp_token, udp_token;
    unsigned int tcp_first, udp_first;
    struct reservation_info tcp[64], udp[64];
    unsigned int tcp_count, udp_count;
} live;

static unsigned int ports;

/* ---- the journal ---- */

static NTSTATUS load( void *context, unsigned char **data, size_t *size )
{
    (void)context; (void)data; (void)size;
    return STATUS_NOT_FOUND;
}

static NTSTATUS write( void *context, uint64_t offset, const void *data, size_t size )
{
    (void)context;
    memcpy( journal_data + offset, data, size );
    journal_size = offset + size;
    return STATUS_SUCCESS;
}

static NTSTATUS truncate_at( void *context, uint64_t size )
{
    (void)context;
    journal_size = size;
    return STATUS_SUCCESS;
}

static NTSTATUS replace( void *context, const void *data, size_t size )
{
    return write( context, 0, data, size );
}

static void make_journal(void)
{
    static const struct journal_storage storage = { NULL, load, write, truncate_at, replace };
    struct journal_damage damage;
    struct journal *journal = journal_open( &storage, 1, &damage );
    unsigned int i;

    for (i = 0; i < RECORDS; i++) journal_append( journal, JOURNAL_REMOVE, PROTOCOL_UDP, 1, 1 );
    journal_mark( journal, registry_mark );
    journal_append( journal, JOURNAL_ADD, PROTOCOL_UDP, ports + 6, 1 );
    journal_close( journal );
    journal_data[500 * 32 + 20] ^= 1;
    memset( journal_data + journal_size, 'x', 10 );  /* a record that was not complete */
    journal_size += 10;
}

/* Bring journal and registry to where a kill left them. */
static void set_back_store(void)
{
    WCHAR path[MAX_PATH];
    HANDLE file;
    DWORD size;
    char name[16];
    HKEY key;

    GetSystemDirectoryW( path, MAX_PATH );
    wcscat( path, L"\\portres\\journal" );
    file = CreateFileW( path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL );
    ok( file != INVALID_HANDLE_VALUE, "no journal, error %lu\n", GetLastError() );
    WriteFile( file, journal_data, journal_size, &size, NULL );
    CloseHandle( file );

    if (!RegCreateKeyExA( HKEY_LOCAL_MACHINE, "Software\\wine-portres", 0, NULL, 0, KEY_SET_VALUE | KEY_WOW64_64KEY, NULL, &key, NULL ))
    {
        RegSetValueExA( key, "Journal", 0, REG_SZ, (const BYTE *)registry_mark, sizeof(registry_mark) );
        RegCloseKey( key );
    }
    sprintf( name, "%02x%02x0100", (ports + 6) >> 8, (ports + 6) & 0xff );
    if (!RegCreateKeyExA( HKEY_LOCAL_MACHINE, "SYSTEM\\CurrentControlSet\\Control\\Nsi\\{eb004a02-9b1a-11d4-9123-0050047759bc}\\5",
                          0, NULL, 0, KEY_SET_VALUE | KEY_WOW64_64KEY, NULL, &key, NULL ))
    {
        RegDeleteValueA( key, name );
        RegCloseKey( key );
    }
}

/* ---- what the server has to take up ---- */

static void make_live(void)
{
    unsigned int port;
    NTSTATUS status;

    live.tcp_owner = make_socket( AF_INET, SOCK_STREAM );
    live.udp_owner = make_socket( AF_INET6, SOCK_DGRAM );
    live.bound = make_socket( AF_INET, SOCK_STREAM );
    live.associated = make_socket( AF_INET, SOCK_DGRAM );
    status = acquire( live.tcp_owner, 0, 3, &live.tcp_token, &live.tcp_first );
    ok( !status, "acquire: status %#lx\n", (long)status );
    status = acquire( live.udp_owner, ports, 2, &live.udp_token, &live.udp_first );
    ok( !status, "acquire explicitly: status %#lx\n", (long)status );
    status = associate( live.bound, live.tcp_token );
    ok( !status, "associate: status %#lx\n", (long)status );
    status = bind_socket( live.bound, AF_INET, live.tcp_first, &port );
    ok( !status, "bind: status %#lx\n", (long)status );
    status = associate( live.associated, live.udp_token );
    ok( !status, "associate UDP: status %#lx\n", (long)status );
    status = persistent( REQ_create_persistent_reservation, PROTOCOL_TCP, ports + 4, 2, NULL );
    ok( !status, "create: status %#lx\n", (long)status );
    /* what the journal will bring back */
    status = persistent( REQ_create_persistent_reservation, PROTOCOL_UDP, ports + 6, 1, NULL );
    ok( !status, "create UDP: status %#lx\n", (long)status );
    status = list_reservations( PROTOCOL_TCP, live.tcp, &live.tcp_count );
    ok( !status && live.tcp_count >= 2, "list: status %#lx, %u\n", (long)status, live.tcp_count );
    status = list_reservations( PROTOCOL_UDP, live.udp, &live.udp_count );
    ok( !status && live.udp_count >= 2, "list UDP: status %#lx, %u\n", (long)status, live.udp_count );
}

static void end_live(void)
{
    struct get_server_info_reply info = { .sockets = 1 };
    NTSTATUS status;
    unsigned int i;

    closesocket( live.tcp_owner );
    closesocket( live.udp_owner );
    closesocket( live.bound );
    closesocket( live.associated );
    status = persistent( REQ_delete_persistent_reservation, PROTOCOL_TCP, ports + 4, 2, NULL );
    ok( !status, "delete: status %#lx\n", (long)status );
    status = persistent( REQ_delete_persistent_reservation, PROTOCOL_UDP, ports + 6, 1, NULL );
    ok( !status, "delete UDP: status %#lx\n", (long)status );
    for (i = 0; i < 20000 && !get_info( &info ) && (info.sockets || info.runtime); i++) Sleep( 1 );
    ok( !info.sockets && !info.runtime, "%u sockets and %u reservations are left\n", info.sockets, info.runtime );
}

static void check_list( const char *what, int protocol, const struct reservation_info *expected, unsigned int expected_count )
{
    struct reservation_info entries[64];
    unsigned int i, count = 0;
    NTSTATUS status = list_reservations( protocol, entries, &count );

    ok( !status && count == expected_count, "%s: status %#lx, %u reservations of protocol %d instead of %u\n", what, (long)status,
        count, protocol, expected_count );
    for (i = 0; i < count && i < expected_count; i++)
        ok( !memcmp( &entries[i], &expected[i], sizeof(*entries) ), "%s: %u ports from %u, kind %u, owner %#x, %u in use, expected "
            "%u from %u, kind %u, owner %#x, %u in use\n", what, entries[i].count, entries[i].first, entries[i].kind, entries[i].owner,
            entries[i].in_use, expected[i].count, expected[i].first, expected[i].kind, expected[i].owner, expected[i].in_use );
}

static void check_live( const char *what )
{
    SOCKET s = make_socket( AF_INET, SOCK_STREAM ), other = make_socket( AF_INET, SOCK_STREAM );
    unsigned int port, count = 0, i;
    uint64_t token;
    NTSTATUS status;

    check_list( what, PROTOCOL_TCP, live.tcp, live.tcp_count );
    check_list( what, PROTOCOL_UDP, live.udp, live.udp_count );
    ok( stored( PROTOCOL_UDP, ports + 6, 1 ), "%s: the registry lacks what only the journal had\n", what );
    /* the token is good, and the guards let its sockets in */
    status = associate( s, live.tcp_token );
    ok( !status, "%s: associate: status %#lx\n", what, (long)status );
    status = bind_socket( s, AF_INET, live.tcp_first, &port );
    ok( status == STATUS_SHARING_VIOLATION, "%s: bind to a port in use: status %#lx\n", what, (long)status );
    for (i = 1; i < 3; i++)
    {
        status = bind_socket( s, AF_INET, live.tcp_first + i, &port );
        ok( !status, "%s: bind to port %u of the block: status %#lx\n", what, i, (long)status );
        closesocket( s );
        s = make_socket( AF_INET, SOCK_STREAM );
        if (i < 2) associate( s, live.tcp_token );
    }
    status = bind_socket( live.associated, AF_INET, ports + 2, &port );
    ok( status == STATUS_INVALID_ADDRESS_COMPONENT, "%s: bind outside: status %#lx\n", what, (long)status );
    status = acquire( other, live.tcp_first + 1, 1, &token, &port );
    ok( status == STATUS_SHARING_VIOLATION, "%s: acquire over the block: status %#lx\n", what, (long)status );
    status = acquire( other, ports + 4, 1, &token, &port );
    ok( status == STATUS_SHARING_VIOLATION, "%s: acquire over the persistent block: status %#lx\n", what, (long)status );
    closesocket( s );
    closesocket( other );
    for (i = 0; i < 2000; i++)
    {
        if (!list_ports( PROTOCOL_TCP, live.tcp_first, live.tcp_first + 2, &count ) && count == 1) break;
        Sleep( 1 );
    }
    ok( count == 1, "%s: %u ports are in use\n", what, count );
}

/* see fault_ConnectNamedPipe() */
static BOOL client_left( const struct fault_call *call, LONG kind )
{
    return call && kind == 1 && !strcmp( faults->names[call->function], "ConnectNamedPipe" );
}

/* One start with a fault. Returns whether there was one. */
static BOOL run_start( const char *what, const struct fault_call *call, LONG kind, LONG *ended )
{
    enum start_result result;
    DWORD code = 0;
    LONG fired;

    server_kill();
    set_back_store();
    faults_arm( call, -1, kind );
    result = server_start( &code );
    fired = faults->fired;
    faults_disarm();
    ok( result != SERVER_HANGS, "%s: neither runs nor ends: %s\n", what, server_messages() );
    /* one journal that can not be read is left alone, and the next start carries it out */
    if (result == SERVER_RUNS && !strstr( server_messages(), "the journal can't be read" )) check_live( what );
    else
    {
        if (result == SERVER_ENDED)
        {
            (*ended)++;
            ok( !client_left( call, kind ), "%s: ended because of it: %s\n", what, server_messages() );
            ok( code == 1, "%s: ended with code %#lx\n", what, code );
            ok( strstr( server_messages(), "portserver" ) != NULL, "%s: ended without a word: %s\n", what, server_messages() );
        }
        server_kill();
        result = server_start( &code );
        ok( result == SERVER_RUNS, "%s: does not run after it: %s\n", what, server_messages() );
        if (result == SERVER_RUNS) check_live( what );
    }
    return fired != 0;
}

/* What could not be written of the state is written later: after a second or two the server may be killed. */
START_TEST(kept)
{
    SOCKET released, owner, s;
    struct reservation_info entries[64];
    unsigned int first, port, count = 0, i, found = 0;
    uint64_t released_token, token;
    NTSTATUS status;
    LONG function;
    DWORD code;

    if (!driver_init()) return;
    ports = find_free_ports( 6 );
    ok( server_start( &code ) == SERVER_RUNS, "the server does not run: %s\n", server_messages() );
    released = make_socket( AF_INET, SOCK_STREAM );
    owner = make_socket( AF_INET, SOCK_STREAM );
    s = make_socket( AF_INET, SOCK_STREAM );
    status = acquire( released, ports, 2, &released_token, &first );
    ok( !status, "acquire: status %#lx\n", (long)status );

    for (function = 0; function < faults->function_count && strcmp( faults->names[function], "WriteFile" ); function++) {}
    faults_arm( NULL, function, 1 );
    status = acquire( owner, ports + 3, 3, &token, &first );
    ok( !status, "acquire: status %#lx\n", (long)status );
    status = associate( s, token );
    ok( !status, "associate: status %#lx\n", (long)status );
    status = bind_socket( s, AF_INET, ports + 4, &port );
    ok( !status, "bind: status %#lx\n", (long)status );
    status = release( released_token );
    ok( !status, "release: status %#lx\n", (long)status );
    ok( faults->fired >= 4, "%ld writes failed\n", faults->fired );
    faults_disarm();
    Sleep( 2200 );
    server_kill();
    ok( server_start( &code ) == SERVER_RUNS, "the server does not run: %s\n", server_messages() );

    status = list_reservations( PROTOCOL_TCP, entries, &count );
    ok( !status, "list: status %#lx\n", (long)status );
    for (i = 0; i < count; i++)
    {
        ok( entries[i].first != ports, "a reservation that was released is back\n" );
        if (entries[i].first != ports + 3) continue;
        found++;
        ok( entries[i].in_use == 1, "%u ports are in use\n", entries[i].in_use );
    }
    ok( found == 1, "the reservation is forgotten\n" );
    status = release( token );
    ok( !status, "release: status %#lx\n", (long)status );
    closesocket( released );
    closesocket( owner );
    closesocket( s );
    server_kill();
    remove_traces();
}

/* A first start, without a server before it. Returns whether there was a fault. */
static BOOL run_fresh( const char *what, const struct fault_call *call, LONG kind, LONG *ended )
{
    SOCKET owner = make_socket( AF_INET, SOCK_STREAM ), s = make_socket( AF_INET, SOCK_STREAM );
    struct get_server_info_reply info = { .sockets = 1 };
    enum start_result result;
    unsigned int first, port, i;
    BOOL survives = TRUE;
    uint64_t token;
    DWORD code = 0;
    NTSTATUS status;
    LONG fired;

    server_kill();
    remove_traces();
    faults_arm( call, -1, kind );
    result = server_start( &code );
    fired = faults->fired;
    faults_disarm();
    ok( result != SERVER_HANGS, "%s: neither runs nor ends: %s\n", what, server_messages() );
    if (result != SERVER_RUNS)
    {
        (*ended)++;
        ok( !client_left( call, kind ), "%s: ended because of it: %s\n", what, server_messages() );
        ok( code == 1, "%s: ended with code %#lx\n", what, code );
        ok( strstr( server_messages(), "portserver" ) != NULL, "%s: ended without a word: %s\n", what, server_messages() );
        server_kill();
        result = server_start( &code );
        ok( result == SERVER_RUNS, "%s: does not run after it: %s\n", what, server_messages() );
    }
    /* what it does without is said */
    get_info( &info );
    ok( (info.guard & 4) || strstr( server_messages(), "portguard" ), "%s: guards are %#x: %s\n", what, info.guard, server_messages() );
    if (strstr( server_messages(), "will not survive" )) survives = FALSE;

    /* its guards and its state are what the next one finds, if it left any */
    status = acquire( owner, ports, 3, &token, &first );
    ok( !status, "%s: acquire: status %#lx\n", what, (long)status );
    server_kill();
    result = server_start( &code );
    ok( result == SERVER_RUNS, "%s: does not run after a kill: %s\n", what, server_messages() );
    status = associate( s, token );
    if (survives) ok( !status, "%s: associate: status %#lx\n", what, (long)status );
    if (!status)
    {
        status = bind_socket( s, AF_INET, ports + 1, &port );
        ok( !status, "%s: bind: status %#lx\n", what, (long)status );
    }
    closesocket( s );
    closesocket( owner );
    for (i = 0; i < 20000 && !get_info( &info ) && (info.sockets || info.runtime); i++) Sleep( 1 );
    owner = make_socket( AF_INET, SOCK_STREAM );
    for (i = 0; i < 30 && (status = acquire( owner, ports, 3, &token, &first )); i++) Sleep( 100 );
    ok( !status, "%s: acquire again: status %#lx\n", what, (long)status );
    closesocket( owner );
    for (i = 0; i < 20000 && !get_info( &info ) && (info.sockets || info.runtime); i++) Sleep( 1 );
    return fired != 0;
}

/* Make each of the calls fail in each of its ways, one by one; of those from one place the first only, unless the driver is to leave
 * none out. Returns the number of runs. */
static LONG run_calls( BOOL (*run)( const char *what, const struct fault_call *call, LONG kind, LONG *ended ),
                       const struct fault_call *calls, LONG first, LONG count, LONG *fired, LONG *ended )
{
    BOOL full = driver_is_full();
    LONG i, kind, runs = 0;
    char what[200];

    for (i = first; i < count; i++)
    {
        if (calls[i].nth > 1 && !full) continue;
        for (kind = 0; kind < calls[i].kinds; kind++)
        {
            sprintf( what, "call %ld (%s), kind %ld", i + 1, call_name( &calls[i] ), kind );
            *fired += run( what, &calls[i], kind, ended );
            runs++;
        }
    }
    return runs;
}

/* Only what comes after the port map: all before it is the same in the test above. */
START_TEST(fresh)
{
    static struct fault_call calls[MAX_FAULT_CALLS];
    BOOL full = driver_is_full();
    LONG first = 0, count, runs, fired = 0, ended = 0;

    if (!driver_init()) return;
    ports = find_free_ports( 3 );
    run_fresh( "without a fault", NULL, 0, &ended );
    ok( !ended, "ended without a fault: %s\n", server_messages() );
    count = get_calls( calls );
    print_sites( "fresh", count );
    if (!full) while (first < count && strcmp( faults->names[calls[first].function], "MapViewOfFile" )) first++;
    runs = run_calls( run_fresh, calls, first, count, &fired, &ended );
    trace( "%ld calls at a first start, %ld runs, %ld of them with a fault; %ld times the server ended\n", count, runs, fired, ended );
    server_kill();
    remove_traces();
}

START_TEST(start)
{
    static struct fault_call calls[MAX_FAULT_CALLS];
    LONG count, runs, fired = 0, ended = 0;
    DWORD code;

    if (!driver_init()) return;
    ports = find_free_ports( 7 );
    make_journal();
    ok( server_start( &code ) == SERVER_RUNS, "the server does not run: %s\n", server_messages() );
    make_live();
    server_kill();
    run_start( "without a fault", NULL, 0, &ended );
    ok( !ended, "ended without a fault: %s\n", server_messages() );
    count = get_calls( calls );
    print_sites( "start", count );
    runs = run_calls( run_start, calls, 0, count, &fired, &ended );
    trace( "%ld calls at a start, %ld runs, %ld of them with a fault; %ld times the server ended\n", count, runs, fired, ended );
    end_live();
    server_kill();
}
