/*
 * What the tables of ports list
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* "GetExtendedUdpTable, GetExtendedTcpTable and the like list no reserved port that no socket of a program holds", and what a program saw
 * without the component: who has which port, in which order, and as quickly. */

#include <stdlib.h>
#include <string.h>
#include "persistent_test.h"

#ifndef SIO_CPU_AFFINITY
# define SIO_CPU_AFFINITY _WSAIOW( IOC_VENDOR, 21 )
#endif

#define BLOCK   100
#define MANY    500
#define QUICKLY 1000  /* ms, on a machine with other work; Wine 8.0's own takes 5000 to 7000 with as many ports reserved */

struct row
{
    BYTE         addr[16];  /* network order; IPv4 has 4 bytes of it */
    DWORD        scope;
    unsigned int port;
    DWORD        pid;
};

struct rows
{
    unsigned int count;
    struct row   rows[2048];
};

/* the buffer of a table that was asked for as the reference says: once for the size, again with room for it */
static void *get_table( int protocol, ULONG family, int class, BOOL sort )
{
    DWORD size = 0, ret, tries;
    void *table = NULL;

    for (tries = 0; tries < 10; tries++)
    {
        if (protocol == UDP) ret = GetExtendedUdpTable( table, &size, sort, family, class, 0 );
        else ret = GetExtendedTcpTable( table, &size, sort, family, class, 0 );
        if (ret != ERROR_INSUFFICIENT_BUFFER) break;
        free( table );
        table = malloc( size );
    }
    ok( !ret, "%s, family %lu, class %d: error %lu\n", protocols[protocol].name, family, class, ret );
    return ret ? NULL : table;
}

static void add_row( struct rows *rows, const void *addr, unsigned int addr_size, DWORD scope, DWORD port, DWORD pid )
{
    struct row *row = &rows->rows[rows->count];

    if (!port) return;  /* Wine 10.0 also lists sockets that are not bound */
    rows->count++;
    memset( row, 0, sizeof(*row) );
    memcpy( row->addr, addr, addr_size );
    row->scope = scope;
    row->port = ntohs( port );
    row->pid = pid;
}

static void get_udp_rows( ULONG family, UDP_TABLE_CLASS class, BOOL sort, struct rows *rows )
{
    void *table = get_table( UDP, family, class, sort );
    DWORD i, count;

    rows->count = 0;
    if (!table) return;
    count = min( *(DWORD *)table, ARRAY_SIZE( rows->rows ) );
#define ADD4( type, pid ) add_row( rows, &((type *)table)->table[i].dwLocalAddr, 4, 0, ((type *)table)->table[i].dwLocalPort, pid )
#define ADD6( type, pid ) add_row( rows, &((type *)table)->table[i].ucLocalAddr, 16, ((type *)table)->table[i].dwLocalScopeId, \
                                   ((type *)table)->table[i].dwLocalPort, pid )
#define PID( type ) ((type *)table)->table[i].dwOwningPid
    for (i = 0; i < count; i++)
    {
        if (family == AF_INET)
        {
            if (class == UDP_TABLE_BASIC) ADD4( MIB_UDPTABLE, 0 );
            else if (class == UDP_TABLE_OWNER_PID) ADD4( MIB_UDPTABLE_OWNER_PID, PID( MIB_UDPTABLE_OWNER_PID ) );
            else ADD4( MIB_UDPTABLE_OWNER_MODULE, PID( MIB_UDPTABLE_OWNER_MODULE ) );
        }
        else
        {
            if (class == UDP_TABLE_BASIC)
            {
                const MIB_UDP6ROW *row = &((MIB_UDP6TABLE *)table)->table[i];
                add_row( rows, &row->dwLocalAddr, 16, row->dwLocalScopeId, row->dwLocalPort, 0 );
            }
            else if (class == UDP_TABLE_OWNER_PID) ADD6( MIB_UDP6TABLE_OWNER_PID, PID( MIB_UDP6TABLE_OWNER_PID ) );
            else ADD6( MIB_UDP6TABLE_OWNER_MODULE, PID( MIB_UDP6TABLE_OWNER_MODULE ) );
        }
    }
    free( table );
}

static unsigned int count_ports( const struct rows *rows, unsigned int first, unsigned int count )
{
    unsigned int i, found = 0;

    for (i = 0; i < rows->count; i++) found += rows->rows[i].port >= first && rows->rows[i].port < first + count;
    return found;
}

static const struct row *find_port( const struct rows *rows, unsigned int port )
{
    unsigned int i;

    for (i = 0; i < rows->count; i++) if (rows->rows[i].port == port) return &rows->rows[i];
    return NULL;
}

static int compare_rows( const void *a, const void *b )
{
    const struct row *row_a = a, *row_b = b;
    int ret = memcmp( row_a->addr, row_b->addr, sizeof(row_a->addr) );

    return ret ? ret : (int)row_a->port - (int)row_b->port;
}

/* Wine 8.0 does not always know whose a socket is: a process has its descriptor only once it has used it. */
static BOOL same_rows( struct rows *before, struct rows *after )
{
    unsigned int i;

    qsort( before->rows, before->count, sizeof(struct row), compare_rows );
    qsort( after->rows, after->count, sizeof(struct row), compare_rows );
    if (before->count != after->count) return FALSE;
    for (i = 0; i < before->count; i++)
    {
        const struct row *a = &before->rows[i], *b = &after->rows[i];

        if (compare_rows( a, b ) || a->scope != b->scope) return FALSE;
        if (a->pid != b->pid && (a->pid || !winetest_is_wine())) return FALSE;
    }
    return TRUE;
}

static const struct
{
    ULONG           family;
    UDP_TABLE_CLASS class;
    const char     *name;
} udp_tables[] =
{
    { AF_INET,  UDP_TABLE_BASIC,        "IPv4, basic" },
    { AF_INET,  UDP_TABLE_OWNER_PID,    "IPv4, owner's process" },
    { AF_INET,  UDP_TABLE_OWNER_MODULE, "IPv4, owner's module" },
    { AF_INET6, UDP_TABLE_BASIC,        "IPv6, basic" },
    { AF_INET6, UDP_TABLE_OWNER_PID,    "IPv6, owner's process" },
    { AF_INET6, UDP_TABLE_OWNER_MODULE, "IPv6, owner's module" },
};

static BOOL is_ipv6( unsigned int kind )
{
    return socket_kinds[kind].family == AF_INET6;
}

/* a row of a socket, with its address and its process; kind is not UDP_DUAL in the table of IPv4 */
static void check_socket( unsigned int i, const struct rows *rows, unsigned int kind, unsigned int port, DWORD pid )
{
    const struct row *row = find_port( rows, port );
    static const BYTE any[16];

    if ((udp_tables[i].family == AF_INET6) != is_ipv6( kind ))
    {
        ok( !row, "%s: port %u of %s is listed\n", udp_tables[i].name, port, socket_kinds[kind].name );
        return;
    }
    ok( row != NULL, "%s: port %u of %s is missing\n", udp_tables[i].name, port, socket_kinds[kind].name );
    if (!row) return;
    ok( !memcmp( row->addr, any, sizeof(any) ), "%s: port %u has another address\n", udp_tables[i].name, port );
    ok( !row->scope, "%s: port %u has scope %lu\n", udp_tables[i].name, port, row->scope );
    if (udp_tables[i].class != UDP_TABLE_BASIC)
        ok( row->pid == pid, "%s: port %u is of process %04lx, not %04lx\n", udp_tables[i].name, port, row->pid, pid );
}

/* sockets without a reservation, of this process and another one, with many ports reserved and without */
static void test_udp(void)
{
    unsigned int i, j, tries, first = 0, ports[KIND_COUNT] = { 0 }, other_port, bound;
    static struct rows before[ARRAY_SIZE( udp_tables )], rows;
    SOCKET owner, user, sockets[KIND_COUNT] = { 0 }, loopback[KIND_COUNT] = { 0 };
    struct instance inst;
    struct puppet puppet;
    ULONG64 token;
    int ret;

    if (!puppet_start( &puppet, FALSE )) return;
    puppet_socket( &puppet, 0, UDP4 );
    puppet_bind( &puppet, 0, 0 );
    other_port = puppet_local_port( &puppet, 0 );
    for (i = UDP4; i <= UDP_DUAL; i++)
    {
        if (is_ipv6( i ) && !have_ipv6()) continue;
        sockets[i] = make_socket( i );
        bind_port( sockets[i], 0 );
        ports[i] = local_port( sockets[i] );
        loopback[i] = make_socket( i );
        bind_loopback( loopback[i], 0 );
    }
    for (i = 0; i < ARRAY_SIZE( udp_tables ); i++) get_udp_rows( udp_tables[i].family, udp_tables[i].class, TRUE, &before[i] );

    owner = make_socket( UDP4 );
    must_acquire( owner, BLOCK, &inst );
    first = create_somewhere( UDP, BLOCK, &token );
    user = associated_socket( have_ipv6() ? UDP_DUAL : UDP4, &inst );
    for (j = 0; j < 3; j++)
    {
        /* nobody has a port of the block, somebody has, nobody has any more */
        if (j == 1)
        {
            ret = bind_port( user, 0 );
            ok( !ret, "bind failed, error %d\n", ret );
        }
        bound = j == 1 ? local_port( user ) : 0;
        if (j == 2)
        {
            closesocket( user );
            Sleep( GIVE_BACK_TIMEOUT );
        }
        for (i = 0; i < ARRAY_SIZE( udp_tables ); i++)
        {
            unsigned int listed = bound && (udp_tables[i].family == AF_INET6) == have_ipv6();

            get_udp_rows( udp_tables[i].family, udp_tables[i].class, TRUE, &rows );
            ok( count_ports( &rows, first_port( &inst ), BLOCK ) == listed, "%s, step %u: %u ports of the block are listed\n",
                udp_tables[i].name, j, count_ports( &rows, first_port( &inst ), BLOCK ) );
            ok( !count_ports( &rows, first, BLOCK ), "%s, step %u: %u ports of the exclusion are listed\n", udp_tables[i].name, j,
                count_ports( &rows, first, BLOCK ) );
            if (listed) check_socket( i, &rows, have_ipv6() ? UDP_DUAL : UDP4, bound, GetCurrentProcessId() );
            check_socket( i, &rows, UDP4, ports[UDP4], GetCurrentProcessId() );
            check_socket( i, &rows, UDP4, other_port, puppet.pid );
            if (have_ipv6()) check_socket( i, &rows, UDP6, ports[UDP6], GetCurrentProcessId() );
            if (have_ipv6()) check_socket( i, &rows, UDP_DUAL, ports[UDP_DUAL], GetCurrentProcessId() );
            if (listed) continue;
            for (tries = 0; tries < 10 && !same_rows( &before[i], &rows ); tries++)
            {
                Sleep( 100 );  /* another program may come or go */
                get_udp_rows( udp_tables[i].family, udp_tables[i].class, TRUE, &rows );
            }
            ok( tries < 10, "%s, step %u: %u other rows than %u before\n", udp_tables[i].name, j, rows.count, before[i].count );
        }
    }
    if (first && (ret = delete_block( UDP, first, BLOCK ))) ok( 0, "delete failed, error %d\n", ret );
    closesocket( owner );
    for (i = UDP4; i <= UDP_DUAL; i++)
    {
        if (!sockets[i]) continue;
        closesocket( sockets[i] );
        closesocket( loopback[i] );
    }
    puppet_stop( &puppet );
}

/* a port that is shared by processor keeps its guard */
static void test_shared(void)
{
    static struct rows rows;
    struct instance inst;
    SOCKET owner = make_socket( UDP4 ), users[2];
    unsigned int i, j, kind, port = 0, expect, count;
    USHORT processor = 0;
    DWORD size;
    int ret;

    must_acquire( owner, 4, &inst );
    for (kind = UDP4; kind <= UDP_DUAL; kind += UDP_DUAL - UDP4)
    {
        if (is_ipv6( kind ) && !have_ipv6()) break;
        for (i = 0; i < 2; i++)
        {
            users[i] = make_socket( kind );
            ret = WSAIoctl( users[i], SIO_CPU_AFFINITY, &processor, sizeof(processor), NULL, 0, &size, NULL, NULL );
            ok( !ret, "SIO_CPU_AFFINITY: error %d\n", WSAGetLastError() );
            must_associate( users[i], inst.Token );
            ret = bind_port( users[i], i ? port : 0 );
            ok( !ret, "%s, socket %u: bind: error %d\n", socket_kinds[kind].name, i, ret );
            port = local_port( users[i] );
        }
        for (i = 0; i < ARRAY_SIZE( udp_tables ); i++)
        {
            expect = (udp_tables[i].family == AF_INET6) == is_ipv6( kind ) ? 2 : 0;
            get_udp_rows( udp_tables[i].family, udp_tables[i].class, TRUE, &rows );
            count = count_ports( &rows, first_port( &inst ), 4 );
            ok( count == expect, "%s, %s: %u rows, not %u\n", udp_tables[i].name, socket_kinds[kind].name, count, expect );
            if (!expect) continue;
            check_socket( i, &rows, kind, port, GetCurrentProcessId() );
            if (udp_tables[i].class == UDP_TABLE_BASIC) continue;
            for (j = 0; j < rows.count; j++)
                ok( rows.rows[j].port != port || rows.rows[j].pid == GetCurrentProcessId(), "%s, %s: a socket of process %04lx\n",
                    udp_tables[i].name, socket_kinds[kind].name, rows.rows[j].pid );
        }
        for (i = 0; i < 2; i++) closesocket( users[i] );
    }
    closesocket( owner );
}

static void check_udp_table( const char *name, DWORD error, const MIB_UDPTABLE *table )
{
    static struct rows rows, expect;
    DWORD i;

    ok( !error && table, "%s: error %lu\n", name, error );
    if (error || !table) return;
    rows.count = 0;
    for (i = 0; i < table->dwNumEntries; i++) add_row( &rows, &table->table[i].dwLocalAddr, 4, 0, table->table[i].dwLocalPort, 0 );
    get_udp_rows( AF_INET, UDP_TABLE_BASIC, TRUE, &expect );
    ok( same_rows( &expect, &rows ), "%s: %u rows, not those %u\n", name, rows.count, expect.count );
}

/* the other functions list what GetExtendedUdpTable does */
static void test_udp_functions(void)
{
    SOCKET owner = make_socket( UDP4 ), user;
    MIB_UDPTABLE *udp, *allocated = NULL;
    static struct rows rows, expect;
    struct instance inst;
    MIB_UDP6TABLE *udp6;
    DWORD size, needed, ret, i;

    must_acquire( owner, BLOCK, &inst );
    user = associated_socket( UDP4, &inst );
    ok( !bind_port( user, 0 ), "bind failed\n" );

    size = 0x10000;
    udp = malloc( size );
    ret = GetUdpTable( udp, &size, TRUE );
    check_udp_table( "GetUdpTable", ret, udp );
    needed = FIELD_OFFSET( MIB_UDPTABLE, table[udp->dwNumEntries] );
    ok( size == needed || broken( size > needed ), "GetUdpTable: %lu bytes, not %lu\n", size, needed );
    free( udp );

    size = 0x10000;
    udp6 = malloc( size );
    ret = GetUdp6Table( udp6, &size, TRUE );
    ok( !ret, "GetUdp6Table: error %lu\n", ret );
    rows.count = 0;
    for (i = 0; i < udp6->dwNumEntries; i++)
        add_row( &rows, &udp6->table[i].dwLocalAddr, 16, udp6->table[i].dwLocalScopeId, udp6->table[i].dwLocalPort, 0 );
    get_udp_rows( AF_INET6, UDP_TABLE_BASIC, TRUE, &expect );
    ok( same_rows( &expect, &rows ), "GetUdp6Table: %u rows, not those %u\n", rows.count, expect.count );
    free( udp6 );

    if (winetest_is_wine())  /* Windows has it no more */
    {
        DWORD (WINAPI *allocate)( MIB_UDPTABLE **, BOOL, HANDLE, DWORD ) =
            (void *)GetProcAddress( GetModuleHandleA( "iphlpapi.dll" ), "AllocateAndGetUdpTableFromStack" );

        ret = allocate( &allocated, TRUE, GetProcessHeap(), 0 );
        check_udp_table( "AllocateAndGetUdpTableFromStack", ret, allocated );
        if (allocated) HeapFree( GetProcessHeap(), 0, allocated );
        ret = allocate( NULL, TRUE, GetProcessHeap(), 0 );
        ok( ret == ERROR_INVALID_PARAMETER, "got %lu\n", ret );
    }
    closesocket( user );
    closesocket( owner );
}

/* what is refused, and how, with ports reserved and without */
static void test_udp_errors( const char *when )
{
    DWORD size, needed, ret;
    void *table;

    ret = GetExtendedUdpTable( NULL, NULL, FALSE, AF_INET, UDP_TABLE_BASIC, 0 );
    ok( ret == ERROR_INVALID_PARAMETER, "%s: no size: error %lu\n", when, ret );
    ret = GetUdpTable( NULL, NULL, FALSE );
    ok( ret == ERROR_INVALID_PARAMETER, "%s: no size: error %lu\n", when, ret );
    size = 0;
    ret = GetExtendedUdpTable( NULL, &size, FALSE, 99, UDP_TABLE_BASIC, 0 );
    ok( ret == ERROR_INVALID_PARAMETER || broken( ret == ERROR_NOT_SUPPORTED ), "%s: a bad family: error %lu\n", when, ret );
    size = 0xdead;
    ret = GetExtendedUdpTable( NULL, &size, FALSE, AF_INET, UDP_TABLE_OWNER_PID, 0 );
    ok( ret == ERROR_INSUFFICIENT_BUFFER || broken( ret == ERROR_INVALID_PARAMETER ), "%s: no table: error %lu\n", when, ret );
    needed = 0;
    ret = GetExtendedUdpTable( NULL, &needed, FALSE, AF_INET, UDP_TABLE_OWNER_PID, 0 );
    ok( ret == ERROR_INSUFFICIENT_BUFFER, "%s: no room: error %lu\n", when, ret );
    ok( needed != 0, "%s: no size\n", when );
    table = malloc( needed );
    size = needed - 1;
    *(DWORD *)table = 0xdead;
    ret = GetExtendedUdpTable( table, &size, FALSE, AF_INET, UDP_TABLE_OWNER_PID, 0 );
    ok( ret == ERROR_INSUFFICIENT_BUFFER || broken( !ret ), "%s: a byte too small: error %lu\n", when, ret );
    ok( *(DWORD *)table == 0xdead || broken( !ret ), "%s: the table was written to\n", when );
    ok( size == needed || broken( size ), "%s: %lu bytes needed, then %lu\n", when, needed, size );
    free( table );
}

static void test_time(void)
{
    SOCKET owner = make_socket( UDP4 );
    struct instance inst;
    static struct rows rows;
    MIB_UDPSTATS stats;
    unsigned int i;
    DWORD start, time, ret;

    must_acquire( owner, MANY, &inst );
    for (i = 0; i < ARRAY_SIZE( udp_tables ); i++)
    {
        start = GetTickCount();
        get_udp_rows( udp_tables[i].family, udp_tables[i].class, FALSE, &rows );
        time = GetTickCount() - start;
        trace( "%s: %lu ms for two calls with %u ports reserved, %u rows\n", udp_tables[i].name, time, MANY, rows.count );
        ok( time < 2 * QUICKLY, "%s: two calls took %lu ms\n", udp_tables[i].name, time );
    }
    for (i = 0; i < 2; i++)
    {
        start = GetTickCount();
        memset( &stats, 0xcc, sizeof(stats) );
        ret = GetUdpStatisticsEx( &stats, i ? AF_INET6 : AF_INET );
        time = GetTickCount() - start;
        ok( !ret, "GetUdpStatisticsEx: error %lu\n", ret );
        ok( time < QUICKLY, "GetUdpStatisticsEx took %lu ms\n", time );
        ok( stats.dwNumAddrs < MANY, "GetUdpStatisticsEx: %lu ports\n", stats.dwNumAddrs );
        ok( stats.dwOutDatagrams != 0xcccccccc && stats.dwInErrors != 0xcccccccc, "GetUdpStatisticsEx: no numbers\n" );
    }
    closesocket( owner );
}

static unsigned int count_tcp_ports( ULONG family, TCP_TABLE_CLASS class, unsigned int first, unsigned int count )
{
    void *table = get_table( TCP, family, class, FALSE );
    unsigned int i, port, found = 0;

    for (i = 0; table && i < *(DWORD *)table; i++)
    {
        if (family == AF_INET)
            port = class == TCP_TABLE_BASIC_ALL ? ((MIB_TCPTABLE *)table)->table[i].dwLocalPort
                                                : ((MIB_TCPTABLE_OWNER_PID *)table)->table[i].dwLocalPort;
        else port = ((MIB_TCP6TABLE_OWNER_PID *)table)->table[i].dwLocalPort;
        port = ntohs( port );
        found += port >= first && port < first + count;
    }
    free( table );
    return found;
}

static void test_tcp(void)
{
    SOCKET owner = make_socket( TCP4 ), listener;
    struct instance inst;
    unsigned int count;
    DWORD start;
    int ret;

    must_acquire( owner, BLOCK, &inst );
    listener = associated_socket( TCP4, &inst );
    start = GetTickCount();
    count = count_tcp_ports( AF_INET, TCP_TABLE_BASIC_ALL, first_port( &inst ), BLOCK );
    ok( !count, "IPv4, basic: %u ports are listed\n", count );
    count = count_tcp_ports( AF_INET, TCP_TABLE_OWNER_PID_ALL, first_port( &inst ), BLOCK );
    ok( !count, "IPv4: %u ports are listed\n", count );
    count = count_tcp_ports( AF_INET6, TCP_TABLE_OWNER_PID_ALL, first_port( &inst ), BLOCK );
    ok( !count, "IPv6: %u ports are listed\n", count );
    trace( "%lu ms for six calls\n", GetTickCount() - start );
    ret = bind_port( listener, 0 );
    ok( !ret, "bind failed, error %d\n", ret );
    ok( !listen( listener, 1 ), "listen: error %d\n", WSAGetLastError() );
    count = count_tcp_ports( AF_INET, TCP_TABLE_OWNER_PID_ALL, first_port( &inst ), BLOCK );
    ok( count == 1, "a listener, but %u ports are listed\n", count );
    closesocket( listener );
    closesocket( owner );
}

static volatile LONG starting;

static DWORD WINAPI start_processes( void *arg )
{
    STARTUPINFOA startup = { .cb = sizeof(startup) };
    PROCESS_INFORMATION info;
    char path[MAX_PATH], cmd[MAX_PATH + 32];
    unsigned int i;
    BOOL ret;

    (void)arg;
    GetModuleFileNameA( NULL, path, sizeof(path) );
    sprintf( cmd, "\"%s\" list_udp", path );
    for (i = 0; i < 20; i++)
    {
        ret = CreateProcessA( path, cmd, NULL, NULL, FALSE, DETACHED_PROCESS, NULL, NULL, &startup, &info );
        ok( ret, "CreateProcess: error %lu\n", GetLastError() );
        if (!ret) break;
        WaitForSingleObject( info.hProcess, 30000 );
        CloseHandle( info.hThread );
        CloseHandle( info.hProcess );
    }
    starting = 0;
    return 0;
}

/* The owners of sockets are looked for among all processes, also those that have nothing yet. */
static void test_starting(void)
{
    SOCKET owner = make_socket( UDP4 ), s = make_socket( UDP4 );
    unsigned int i, port, looks = 0, found = 0;
    static struct rows rows;
    struct instance inst;
    HANDLE thread;

    must_acquire( owner, BLOCK, &inst );
    ok( !bind_port( s, 0 ), "bind: error %d\n", WSAGetLastError() );
    port = local_port( s );
    starting = 1;
    thread = CreateThread( NULL, 0, start_processes, NULL, 0, NULL );
    for (; starting; looks++)
    {
        get_udp_rows( AF_INET, UDP_TABLE_OWNER_PID, FALSE, &rows );
        for (i = 0; i < rows.count; i++) found += rows.rows[i].port == port && rows.rows[i].pid == GetCurrentProcessId();
    }
    WaitForSingleObject( thread, INFINITE );
    CloseHandle( thread );
    ok( looks && found == looks, "%u looks, %u of them found the socket\n", looks, found );
    closesocket( s );
    closesocket( owner );
}

/* list_udp: print "udp4|udp6 PORT PROCESS" of each row */
START_TEST(list_udp)
{
    static struct rows rows;
    unsigned int i, j;

    for (i = 0; i < 2; i++)
    {
        get_udp_rows( i ? AF_INET6 : AF_INET, UDP_TABLE_OWNER_PID, TRUE, &rows );
        for (j = 0; j < rows.count; j++) printf( "udp%s %u %lu\n", i ? "6" : "4", rows.rows[j].port, rows.rows[j].pid );
    }
}

START_TEST(tables)
{
    SOCKET owner;
    struct instance inst;

    if (!start_persistent_test() || !start_test()) return;
    test_udp_errors( "without ports reserved" );
    owner = make_socket( UDP4 );
    must_acquire( owner, BLOCK, &inst );
    test_udp_errors( "with ports reserved" );
    closesocket( owner );
    test_udp();
    test_udp_functions();
    test_shared();
    test_tcp();
    test_time();
    test_starting();
}
