/*
 * Faults while the server runs
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* "each call in the server fails, one after another; after each, the pool's invariants hold and nothing leaks": a scenario of all
 * requests is run once for each call that the server makes in it, with that call failing. The request says so or succeeds, has
 * changed nothing when it says so, and succeeds when it is made again. At the end the server has what it had before. */

#include "driver.h"

static struct
{
    SOCKET tcp_owner, tcp_copy, udp_owner, tcp_bound, tcp_dual, udp_bound, persistent_bound, persistent_associated;
    uint64_t tcp_token, udp_token, persistent_token;
    unsigned int tcp_first, ports, port;
    unsigned int runtime, persistent;  /* reservations there should be */
} now;

static unsigned int ports;  /* free ones: two for an explicit block, two for a persistent one */
static unsigned int base_persistent;

static NTSTATUS step_connect(void)
{
    struct get_server_info_reply info;

    drop_connection();
    return get_info( &info );
}

static NTSTATUS step_acquire(void)
{
    return acquire( now.tcp_owner, 0, 3, &now.tcp_token, &now.tcp_first );
}

static NTSTATUS step_acquire_explicit(void)
{
    unsigned int first;

    return acquire( now.udp_owner, ports, 2, &now.udp_token, &first );
}

static NTSTATUS step_associate(void)
{
    return associate( now.tcp_bound, now.tcp_token );
}

static NTSTATUS step_bind(void)
{
    NTSTATUS status = bind_socket( now.tcp_bound, AF_INET, 0, &now.port );

    if (!status) ok( now.port >= now.tcp_first && now.port < now.tcp_first + 3, "bound to %u\n", now.port );
    return status;
}

static NTSTATUS step_associate_dual(void)
{
    return associate( now.tcp_dual, now.tcp_token );
}

static NTSTATUS step_bind_dual(void)
{
    unsigned int port = now.port == now.tcp_first + 2 ? now.tcp_first : now.tcp_first + 2, bound;
    NTSTATUS status = bind_socket( now.tcp_dual, AF_INET6, port, &bound );

    if (!status) ok( bound == port, "bound to %u instead of %u\n", bound, port );
    return status;
}

/* the reservation lives with the last handle of its socket */
static NTSTATUS step_duplicate(void)
{
    struct get_server_info_reply info;
    HANDLE copy;

    if (!now.tcp_copy)
    {
        DuplicateHandle( GetCurrentProcess(), (HANDLE)now.tcp_owner, GetCurrentProcess(), &copy, 0, TRUE, DUPLICATE_SAME_ACCESS );
        now.tcp_copy = (SOCKET)copy;
        closesocket( now.tcp_owner );
    }
    return get_info( &info );
}

static NTSTATUS step_list(void)
{
    struct reservation_info entries[64];
    unsigned int count, i;
    NTSTATUS status = list_reservations( PROTOCOL_TCP, entries, &count );

    if (status) return status;
    for (i = 0; i < count && entries[i].first != now.tcp_first; i++) {}
    ok( i < count && entries[i].count == 3 && entries[i].in_use == 2, "the block is not in the list\n" );
    return status;
}

static NTSTATUS step_list_ports(void)
{
    unsigned int count;
    NTSTATUS status = list_ports( PROTOCOL_TCP, now.tcp_first, now.tcp_first + 2, &count );

    if (!status) ok( count == 2, "%u ports are in use\n", count );
    return status;
}

static NTSTATUS step_associate_udp(void)
{
    return associate( now.udp_bound, now.udp_token );
}

static NTSTATUS step_bind_udp(void)
{
    unsigned int bound;

    return bind_socket( now.udp_bound, AF_INET, ports + 1, &bound );
}

static NTSTATUS step_create(void)
{
    return persistent( REQ_create_persistent_reservation, PROTOCOL_UDP, ports + 2, 2, &now.persistent_token );
}

static NTSTATUS step_lookup(void)
{
    uint64_t token = 0;
    NTSTATUS status = persistent( REQ_lookup_persistent_reservation, PROTOCOL_UDP, ports + 2, 2, &token );

    if (!status) ok( token == now.persistent_token, "another token\n" );
    return status;
}

static NTSTATUS step_bind_persistent(void)
{
    unsigned int bound;

    return bind_socket( now.persistent_bound, AF_INET, ports + 2, &bound );
}

static NTSTATUS step_associate_persistent(void)
{
    return associate( now.persistent_associated, now.persistent_token );
}

static NTSTATUS step_delete(void)
{
    return persistent( REQ_delete_persistent_reservation, PROTOCOL_UDP, ports + 2, 2, NULL );
}

static NTSTATUS step_release(void)
{
    return release( now.udp_token );
}

/* longer than any request, so that the rest has to be read */
static NTSTATUS step_malformed(void)
{
    NTSTATUS status = call_raw( REQ_get_server_info, 3 * sizeof(union generic_request) );

    return status == STATUS_INFO_LENGTH_MISMATCH ? STATUS_SUCCESS : status;
}

/* Everything ends with its last handle; this is no request but many, until the server says that it is so. */
static NTSTATUS step_close(void)
{
    SOCKET *sockets[] = { &now.tcp_owner, &now.tcp_copy, &now.udp_owner, &now.tcp_bound, &now.tcp_dual, &now.udp_bound,
                          &now.persistent_bound, &now.persistent_associated };
    struct get_server_info_reply info = { .sockets = 1 };
    NTSTATUS status = STATUS_SUCCESS;
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE( sockets ); i++)
    {
        if (*sockets[i] && sockets[i] == &now.tcp_copy) CloseHandle( (HANDLE)now.tcp_copy );
        else if (*sockets[i]) closesocket( *sockets[i] );
        *sockets[i] = 0;
    }
    /* A helper that can't be asked which sockets live is given up in time. A server that is out of memory looks again when it has some. */
    for (i = 0; i < 20000; i++)
    {
        if ((status = get_info( &info )) || (!info.sockets && !info.runtime)) break;
        if (i == 15000) faults->function = -1;
        Sleep( 1 );
    }
    if (!status) ok( !info.sockets && !info.runtime, "%u sockets and %u reservations are left\n", info.sockets, info.runtime );
    return status;
}

static const struct
{
    const char *name;
    NTSTATUS  (*func)(void);
    int         runtime, persistent;  /* reservations that come or go */
} steps[] =
{
    { "connect", step_connect, 0, 0 },
    { "acquire", step_acquire, 1, 0 },
    { "acquire explicitly", step_acquire_explicit, 1, 0 },
    { "associate", step_associate, 0, 0 },
    { "bind", step_bind, 0, 0 },
    { "associate IPv6", step_associate_dual, 0, 0 },
    { "bind IPv6", step_bind_dual, 0, 0 },
    { "duplicate", step_duplicate, 0, 0 },
    { "list", step_list, 0, 0 },
    { "list ports", step_list_ports, 0, 0 },
    { "associate UDP", step_associate_udp, 0, 0 },
    { "bind UDP", step_bind_udp, 0, 0 },
    { "create", step_create, 0, 1 },
    { "lookup", step_lookup, 0, 0 },
    { "bind to persistent", step_bind_persistent, 0, 0 },
    { "associate with persistent", step_associate_persistent, 0, 0 },
    { "delete", step_delete, 0, -1 },
    { "release", step_release, -1, 0 },
    { "malformed", step_malformed, 0, 0 },
    { "close", step_close, -1, 0 },
};

/* a request that failed has changed nothing; one that succeeded has done what it said */
static void check_step( const char *what, const char *name )
{
    struct get_server_info_reply info;
    BOOL is_stored = stored( PROTOCOL_UDP, ports + 2, 2 );
    LONG armed = faults->function;
    NTSTATUS status;

    faults->function = -1;
    status = get_info( &info );
    faults->function = armed;

    ok( !status, "%s: %s: no answer after it, status %#lx\n", what, name, (long)status );
    if (status) return;
    ok( info.runtime == now.runtime && info.persistent == base_persistent + now.persistent,
        "%s: %s: %u runtime and %u persistent reservations instead of %u and %u\n", what, name, info.runtime, info.persistent,
        now.runtime, base_persistent + now.persistent );
    ok( is_stored == (now.persistent == 1), "%s: %s: the store has%s the block\n", what, name, is_stored ? "" : " not" );
}

/* Returns whether a fault was met. With lasting faults a step fails first, and works when the fault is over. */
static BOOL run_scenario( const char *what, const struct fault_call *call, LONG function, LONG kind )
{
    unsigned int i, failed = 0;
    LONG fired;
    NTSTATUS status;

    memset( &now, 0, sizeof(now) );
    now.tcp_owner = make_socket( AF_INET, SOCK_STREAM );
    now.udp_owner = make_socket( AF_INET, SOCK_DGRAM );
    now.tcp_bound = make_socket( AF_INET, SOCK_STREAM );
    now.tcp_dual = make_socket( AF_INET6, SOCK_STREAM );
    now.udp_bound = make_socket( AF_INET, SOCK_DGRAM );
    now.persistent_bound = make_socket( AF_INET, SOCK_DGRAM );
    now.persistent_associated = make_socket( AF_INET, SOCK_DGRAM );

    faults->step = 0;
    faults_arm( call, function, kind );
    for (i = 0; i < ARRAY_SIZE( steps ); i++)
    {
        faults->step = i;
        fired = faults->fired;
        status = steps[i].func();
        if (!server_alive())
        {
            ok( 0, "%s: %s: the server died\n", what, steps[i].name );
            return TRUE;
        }
        if (status)
        {
            LONG armed = faults->function;

            failed++;
            faults->function = -1;
            ok( faults->fired > fired, "%s: %s: status %#lx without a fault\n", what, steps[i].name, (long)status );
            ok( status < 0, "%s: %s: status %#lx is no error\n", what, steps[i].name, (long)status );
            /* nothing is wrong with what the client asked for */
            ok( status != STATUS_ACCESS_DENIED && status != STATUS_INVALID_PARAMETER && status != STATUS_OBJECT_TYPE_MISMATCH &&
                status != STATUS_SHARING_VIOLATION && status != STATUS_NOT_FOUND && status != STATUS_NOT_SUPPORTED,
                "%s: %s: status %#lx is another error\n", what, steps[i].name, (long)status );
            /* one fault breaks one connection only, and the request comes again over another */
            if (armed == -1) ok( status != STATUS_HOST_UNREACHABLE, "%s: %s: no answer\n", what, steps[i].name );
            if (status == STATUS_HOST_UNREACHABLE)
            {
                /* nobody knows whether it was carried out; but the server must still be there for others */
                step_delete();
                status = step_close();
                ok( !status, "%s: %s: status %#lx after it\n", what, steps[i].name, (long)status );
                break;
            }
            check_step( what, steps[i].name );
            status = steps[i].func();
            ok( !status, "%s: %s: status %#lx when it is made again\n", what, steps[i].name, (long)status );
            if (failed < 5) faults->function = armed;
        }
        now.runtime += steps[i].runtime;
        now.persistent += steps[i].persistent;
        if (faults->fired > fired) check_step( what, steps[i].name );
    }
    fired = faults->fired;
    faults_disarm();
    if (fired)
    {
        ok( !faults->violation[0], "%s: %s\n", what, faults->violation );
    }
    return fired != 0;
}

static struct
{
    DWORD handles;
    LONG  blocks;
    unsigned int guard;
} baseline;

static void restart_server(void)
{
    struct get_server_info_reply info;
    DWORD code;
    int i;

    server_kill();
    ok( server_start( &code ) == SERVER_RUNS, "the server does not run: %s\n", server_messages() );
    /* tables grow, once */
    for (i = 0; i < 3; i++) run_scenario( "without a fault", NULL, -1, 0 );
    get_info( &info );
    baseline.handles = server_handles();
    baseline.blocks = faults->blocks;
    baseline.guard = info.guard;
    base_persistent = info.persistent;
    ok( baseline.handles != 0, "handles can't be counted\n" );
}

/* Stacks of tasks are kept, each a block: there is one more after the first time that a task more has to wait for portguard. */
#define STACKS 2

/* nothing leaks; what is less, as a listener, comes back within a second or two */
static void check_leaks( const char *what )
{
    struct get_server_info_reply info;
    DWORD start = GetTickCount(), handles;
    LONG blocks;

    if (!server_alive())
    {
        restart_server();
        return;
    }
    for (;;)
    {
        if (get_info( &info ))
        {
            ok( 0, "%s: no answer at the end\n", what );
            restart_server();
            return;
        }
        if (info.guard != baseline.guard)
        {
            trace( "%s: the helper is lost, guards are %#x\n", what, info.guard );
            restart_server();
            return;
        }
        handles = server_handles();
        blocks = faults->blocks;
        if (handles <= baseline.handles && blocks >= baseline.blocks && blocks <= baseline.blocks + STACKS) break;
        /* Wine opens the file of a native program that it starts, and leaves it open (8.0). */
        if (blocks >= baseline.blocks && blocks <= baseline.blocks + STACKS && strstr( server_messages(), "starting another one" ))
        {
            restart_server();
            break;
        }
        if (GetTickCount() - start > 3000)
        {
            ok( 0, "%s: %lu handles and %ld blocks of memory, before it were %lu and %ld\n", what, handles, blocks,
                baseline.handles, baseline.blocks );
            restart_server();
            return;
        }
        Sleep( 20 );
    }
    ok( 1, "nothing leaks\n" );
}

static void stop(void)
{
    drop_connection();
    server_kill();
}

/* Run the scenario for each call, or for those of the functions named. */
static void sweep( const char *name, const char *const *functions )
{
    static struct fault_call calls[MAX_FAULT_CALLS];
    BOOL full = driver_is_full();
    LONG count, i, kind, runs = 0, fired = 0;
    const char *const *function;
    char what[200];

    run_scenario( "without a fault", NULL, -1, 0 );
    count = get_calls( calls );
    print_sites( name, count );

    for (i = 0; i < count; i++)
    {
        if (calls[i].nth > 1 && !full) continue;  /* the first one from each place, in each step */
        for (function = functions; function && *function && strcmp( *function, faults->names[calls[i].function] ); function++) {}
        if (function && !*function) continue;
        for (kind = 0; kind < calls[i].kinds; kind++)
        {
            sprintf( what, "%s, call %ld (%s), kind %ld", steps[calls[i].step].name, i + 1, call_name( &calls[i] ), kind );
            fired += run_scenario( what, &calls[i], -1, kind );
            check_leaks( what );
            runs++;
        }
    }
    trace( "%ld calls in the scenario, %ld runs, %ld of them with a fault, %ld looks at the pool\n", count, runs, fired, faults->checks );
    ok( fired && faults->checks > fired, "the pool was looked at %ld times\n", faults->checks );
}

START_TEST(steady)
{
    if (!driver_init()) return;
    ports = find_free_ports( 4 );
    restart_server();
    sweep( "steady", NULL );
    stop();
}

/* a port that could not be guarded again is tried again */
static void test_guard_retried( const char *what, LONG function )
{
    SOCKET owner = make_socket( AF_INET, SOCK_DGRAM ), s = make_socket( AF_INET, SOCK_DGRAM );
    DWORD handles, start, with_guards;
    unsigned int first, port;
    uint64_t token;
    NTSTATUS status;

    status = acquire( owner, ports, 2, &token, &first );
    ok( !status, "%s: acquire: status %#lx\n", what, (long)status );
    with_guards = server_handles();
    status = associate( s, token );
    ok( !status, "%s: associate: status %#lx\n", what, (long)status );
    status = bind_socket( s, AF_INET, ports, &port );
    ok( !status, "%s: bind: status %#lx\n", what, (long)status );
    faults_arm( NULL, function, 0 );
    closesocket( s );
    for (start = GetTickCount(); !faults->fired && GetTickCount() - start < 2000; ) Sleep( 1 );
    ok( faults->fired, "%s: no guard is taken back\n", what );
    faults_disarm();
    for (start = GetTickCount(); (handles = server_handles()) != with_guards && GetTickCount() - start < 3500; ) Sleep( 50 );
    ok( handles == with_guards, "%s: %lu handles instead of %lu: the port is not guarded\n", what, handles, with_guards );
    closesocket( owner );
    memset( &now, 0, sizeof(now) );
    step_close();
}

static LONG find_function( const char *name )
{
    LONG i;

    for (i = 0; i < faults->function_count && strcmp( faults->names[i], name ); i++) {}
    return i;
}

/* without the native helper the guards are sockets of the server */
START_TEST(local)
{
    static const char *const functions[] = { "WSASocketW", "bind", "setsockopt", "SetHandleInformation", NULL };

    if (!driver_init()) return;
    ports = find_free_ports( 4 );
    remove_traces();
    hide_helper( TRUE );
    restart_server();
    ok( baseline.guard == 3, "guards are %#x\n", baseline.guard );
    sweep( "local", functions );
    test_guard_retried( "no socket", find_function( "WSASocketW" ) );
    test_guard_retried( "no bind", find_function( "bind" ) );
    stop();
    hide_helper( FALSE );
}

/* A resource that is used up: all calls of one function fail until a request was refused for it. */
START_TEST(lasting)
{
    LONG function, kind, runs = 0, fired = 0;
    char what[200];

    if (!driver_init()) return;
    ports = find_free_ports( 4 );
    restart_server();
    call_timeout( 1000 );
    for (function = 0; function < faults->function_count; function++)
    {
        for (kind = 0; kind < 2; kind++)
        {
            sprintf( what, "every %s, kind %ld", faults->names[function], kind );
            if (!run_scenario( what, NULL, function, kind )) continue;
            fired++;
            check_leaks( what );
        }
        runs++;
    }
    trace( "%ld functions, %ld with faults\n", runs, fired );
    stop();
}
