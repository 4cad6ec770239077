/*
 * Tables of UDP ports
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* "Programs that only look must see what they saw without the component": the guards of reserved UDP ports are sockets as well, and none of
 * a program's. Wine 8.0 lists every socket of the host, 10.0 those of the prefix, which a guard is where there is no portguard. Guards
 * of TCP ports neither listen nor are connected, and are in no table. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "portclient.h"
#include "udp_host.h"

#include <iphlpapi.h>

#include "wine_iphlpapi.h"

/* where a row of a table has what */
struct layout
{
    unsigned int start;           /* of the first row */
    unsigned int size;            /* of a row */
    unsigned int addr, addr_size;
    unsigned int scope, port;     /* DWORDs, the port in network order; IPv4 has no scope */
    unsigned int pid;             /* 0: there is none */
};

#define IPV4_LAYOUT( table_type, row_type, pid ) \
    { offsetof( table_type, table ), sizeof(row_type), offsetof( row_type, dwLocalAddr ), 4, 0, offsetof( row_type, dwLocalPort ), pid }
#define IPV6_LAYOUT( table_type, row_type, addr, pid ) \
    { offsetof( table_type, table ), sizeof(row_type), offsetof( row_type, addr ), 16, offsetof( row_type, dwLocalScopeId ), \
      offsetof( row_type, dwLocalPort ), pid }

static const struct layout *get_layout( ULONG family, int class )
{
    static const struct layout layouts[2][3] =
    {
        {
            [UDP_TABLE_BASIC] = IPV4_LAYOUT( MIB_UDPTABLE, MIB_UDPROW, 0 ),
            [UDP_TABLE_OWNER_PID] = IPV4_LAYOUT( MIB_UDPTABLE_OWNER_PID, MIB_UDPROW_OWNER_PID,
                                                 offsetof( MIB_UDPROW_OWNER_PID, dwOwningPid ) ),
            [UDP_TABLE_OWNER_MODULE] = IPV4_LAYOUT( MIB_UDPTABLE_OWNER_MODULE, MIB_UDPROW_OWNER_MODULE,
                                                    offsetof( MIB_UDPROW_OWNER_MODULE, dwOwningPid ) ),
        },
        {
            [UDP_TABLE_BASIC] = IPV6_LAYOUT( MIB_UDP6TABLE, MIB_UDP6ROW, dwLocalAddr, 0 ),
            [UDP_TABLE_OWNER_PID] = IPV6_LAYOUT( MIB_UDP6TABLE_OWNER_PID, MIB_UDP6ROW_OWNER_PID, ucLocalAddr,
                                                 offsetof( MIB_UDP6ROW_OWNER_PID, dwOwningPid ) ),
            [UDP_TABLE_OWNER_MODULE] = IPV6_LAYOUT( MIB_UDP6TABLE_OWNER_MODULE, MIB_UDP6ROW_OWNER_MODULE, ucLocalAddr,
                                                    offsetof( MIB_UDP6ROW_OWNER_MODULE, dwOwningPid ) ),
        },
    };

    if (class < UDP_TABLE_BASIC || class > UDP_TABLE_OWNER_MODULE) return NULL;
    if (family == AF_INET) return &layouts[0][class];
    if (family == AF_INET6) return &layouts[1][class];
    return NULL;
}

static DWORD get_dword( const unsigned char *row, unsigned int offset )
{
    DWORD value;

    memcpy( &value, row + offset, sizeof(value) );
    return value;
}

static void put_dword( unsigned char *row, unsigned int offset, DWORD value )
{
    memcpy( row + offset, &value, sizeof(value) );
}

static DWORD swap_port( DWORD port )
{
    return (port & 0xff) << 8 | (port >> 8 & 0xff);
}

/* Where there is no guard Wine's own functions do it all. */
static BOOL may_be_guards( const struct port_map *map )
{
    const volatile ULONG64 *ports;
    unsigned int i;

    if (!map) return FALSE;
    if (map->sharing) return TRUE;
    if (!map->reservations) return FALSE;
    ports = (const volatile ULONG64 *)map->ports[1];
    for (i = 0; i < sizeof(map->ports[1]) / sizeof(*ports); i++) if (ports[i]) return TRUE;
    return FALSE;
}

/* the ports with a guard whose row has not been taken out yet, a bit each */
struct guards
{
    unsigned char ports[65536 / 8];
};

/* What the server can't tell stays in the table. Wine's own has only guards that are in the prefix. */
static void get_guards( struct guards *guards, BOOL in_prefix )
{
    union generic_request req = { .__header.req = REQ_get_guarded_ports };
    union generic_reply reply;
    const struct get_guarded_ports_reply *list = &reply.get_guarded_ports_reply;
    unsigned int i, first;

    memset( guards, 0, sizeof(*guards) );
    for (first = 1; first < 65536; first = list->ports[list->count - 1] + 1)
    {
        req.get_guarded_ports_request.protocol = PROTOCOL_UDP;
        req.get_guarded_ports_request.first = first;
        req.get_guarded_ports_request.last = 65535;
        if (portclient_call( &req, &reply ) || (in_prefix && !list->in_prefix)) return;
        for (i = 0; i < list->count; i++) guards->ports[list->ports[i] / 8] |= 1 << list->ports[i] % 8;
        if (list->count < ARRAYSIZE( list->ports )) return;
    }
}

/* Guards of persistent reservations are only where the kernel chooses ports (docs/guards.md). Elsewhere a native program may have one. */
static void forget_unguarded( struct guards *guards, const struct port_map *map )
{
    unsigned int port, first, last;

    udp_host_get_ephemeral( &first, &last );
    for (port = 1; port < 65536; port++)
        if (map->ports[1][port] == RESERVATION_PERSISTENT && (port < first || port > last)) guards->ports[port / 8] &= ~(1 << port % 8);
}

/* Is this the row of a guard? It has every address of both families, or of IPv4 where there is no other. A guard may stand beside sockets that
 * share the port, so of the rows that look the same only one is. */
static BOOL take_guard( struct guards *guards, ULONG family, const unsigned char *addr, unsigned int port )
{
    static const unsigned char any[16];
    unsigned char bit = 1 << port % 8;

    if (!(guards->ports[port / 8] & bit)) return FALSE;
    if (family == AF_INET ? memcmp( addr, any, 4 ) || udp_host_has_ipv6() : memcmp( addr, any, 16 )) return FALSE;
    guards->ports[port / 8] &= ~bit;
    return TRUE;
}

/* a table as its caller gets it */
struct table
{
    const struct layout *layout;
    unsigned int         count;
    unsigned char       *bytes;
};

static unsigned char *get_row( const struct table *table, unsigned int index )
{
    return table->bytes + table->layout->start + (size_t)index * table->layout->size;
}

/* the last ones first, as in remove_guards() */
static void remove_rows( struct table *table, ULONG family, struct guards *guards )
{
    const struct layout *layout = table->layout;
    unsigned int i;

    for (i = table->count; i-- > 0;)
    {
        const unsigned char *row = get_row( table, i );

        if (!take_guard( guards, family, row + layout->addr, swap_port( get_dword( row, layout->port ) ) )) continue;
        memmove( get_row( table, i ), get_row( table, i + 1 ), (size_t)(--table->count - i) * layout->size );
    }
}

/* Wine's table, without the guards */
static DWORD get_wine_table( ULONG family, UDP_TABLE_CLASS class, BOOL sort, struct table *table )
{
    DWORD size = table->layout->start + 64 * table->layout->size, error;
    struct guards guards;

    if (!(table->bytes = malloc( size ))) return ERROR_NOT_ENOUGH_MEMORY;
    while ((error = wine_GetExtendedUdpTable( table->bytes, &size, sort, family, class, 0 )) == ERROR_INSUFFICIENT_BUFFER)
    {
        free( table->bytes );
        size += 16 * table->layout->size;  /* more may come meanwhile */
        if (!(table->bytes = malloc( size ))) return ERROR_NOT_ENOUGH_MEMORY;
    }
    if (error) return error;
    table->count = get_dword( table->bytes, 0 );
    get_guards( &guards, TRUE );
    remove_rows( table, family, &guards );
    return NO_ERROR;
}

/* The kernel lists the oldest socket of a port last, and the guard is that. */
static void remove_guards( struct udp_rows *rows, ULONG family, struct guards *guards )
{
    unsigned int i;

    for (i = rows->count; i-- > 0;)
        if (take_guard( guards, family, rows->rows[i].addr, rows->rows[i].port ))
            memmove( &rows->rows[i], &rows->rows[i + 1], (--rows->count - i) * sizeof(rows->rows[0]) );
}

static DWORD list_host( ULONG family, const struct port_map *map, struct udp_rows *rows )
{
    struct guards guards;
    DWORD error;

    if ((error = udp_host_list( family, rows ))) return error;
    get_guards( &guards, FALSE );
    forget_unguarded( &guards, map );
    remove_guards( rows, family, &guards );
    return NO_ERROR;
}

static int compare_rows( const void *a, const void *b )
{
    const struct udp_row *row_a = a, *row_b = b;
    int ret = memcmp( row_a->addr, row_b->addr, sizeof(row_a->addr) );

    if (ret) return ret;
    if (row_a->scope != row_b->scope) return row_a->scope < row_b->scope ? -1 : 1;
    return (int)row_a->port - (int)row_b->port;
}

static void fill_row( const struct layout *layout, unsigned char *bytes, const struct udp_row *row )
{
    memset( bytes, 0, layout->size );
    memcpy( bytes + layout->addr, row->addr, layout->addr_size );
    if (layout->scope) put_dword( bytes, layout->scope, row->scope );
    put_dword( bytes, layout->port, swap_port( row->port ) );
    if (layout->pid) put_dword( bytes, layout->pid, row->pid );
}

/* the host's table, in the form of Wine's */
static DWORD get_host_table( ULONG family, BOOL sort, const struct port_map *map, struct table *table )
{
    struct udp_rows rows = { 0 };
    unsigned int i;
    DWORD error;

    if (!(error = list_host( family, map, &rows )))
    {
        if (table->layout->pid) udp_host_find_owners( &rows );
        if (sort) qsort( rows.rows, rows.count, sizeof(rows.rows[0]), compare_rows );
        table->count = rows.count;
        if (!(table->bytes = malloc( table->layout->start + (size_t)rows.count * table->layout->size ))) error = ERROR_NOT_ENOUGH_MEMORY;
        for (i = 0; i < rows.count && !error; i++) fill_row( table->layout, get_row( table, i ), &rows.rows[i] );
    }
    udp_host_free( &rows );
    return error;
}

/* What the reference leaves open is as in Wine: *size is set also on success, and a table that is too small is not written to. */
DWORD WINAPI GetExtendedUdpTable( void *buffer, DWORD *size, BOOL sort, ULONG family, UDP_TABLE_CLASS class, ULONG reserved )
{
    const struct layout *layout = get_layout( family, class );
    const struct port_map *map = portclient_map();
    struct table table = { layout, 0, NULL };
    DWORD error, needed;

    if (!size || !layout || !may_be_guards( map )) return wine_GetExtendedUdpTable( buffer, size, sort, family, class, reserved );
    if (udp_host_is_wines()) error = get_host_table( family, sort, map, &table );
    else error = get_wine_table( family, class, sort, &table );
    if (!error)
    {
        needed = layout->start + table.count * layout->size;
        if (!buffer || *size < needed) error = ERROR_INSUFFICIENT_BUFFER;
        else
        {
            put_dword( table.bytes, 0, table.count );
            memcpy( buffer, table.bytes, needed );
        }
        *size = needed;
    }
    free( table.bytes );
    return error;
}

DWORD WINAPI GetUdpTable( MIB_UDPTABLE *table, DWORD *size, BOOL sort )
{
    return GetExtendedUdpTable( table, size, sort, AF_INET, UDP_TABLE_BASIC, 0 );
}

DWORD WINAPI GetUdp6Table( MIB_UDP6TABLE *table, DWORD *size, BOOL sort )
{
    return GetExtendedUdpTable( table, size, sort, AF_INET6, UDP_TABLE_BASIC, 0 );
}

/* The caller frees the table. */
DWORD WINAPI AllocateAndGetUdpTableFromStack( MIB_UDPTABLE **table, BOOL sort, HANDLE heap, DWORD flags )
{
    DWORD size = 0, error;

    if (!table) return ERROR_INVALID_PARAMETER;
    *table = NULL;
    while ((error = GetUdpTable( *table, &size, sort )) == ERROR_INSUFFICIENT_BUFFER)
    {
        if (*table) HeapFree( heap, flags, *table );
        if (!(*table = HeapAlloc( heap, flags, size ))) return ERROR_NOT_ENOUGH_MEMORY;
    }
    if (error && *table)
    {
        HeapFree( heap, flags, *table );
        *table = NULL;
    }
    return error;
}

/* A Wine that lists the host counts the sockets of both families by making the table. */
DWORD WINAPI GetUdpStatisticsEx( MIB_UDPSTATS *stats, DWORD family )
{
    const struct port_map *map = portclient_map();
    struct udp_rows rows = { 0 }, rows6 = { 0 };
    DWORD numbers[5], error;

    if (!stats || !get_layout( family, UDP_TABLE_BASIC ) || !udp_host_is_wines() || !may_be_guards( map ))
        return wine_GetUdpStatisticsEx( stats, family );
    if ((error = udp_host_get_numbers( family, numbers ))) return error;
    if (family == AF_INET6 && !(error = list_host( AF_INET, map, &rows )) && !(error = list_host( AF_INET6, map, &rows6 )))
        numbers[4] = rows.count + rows6.count;
    udp_host_free( &rows );
    udp_host_free( &rows6 );
    stats->dwInDatagrams = numbers[0];
    stats->dwNoPorts = numbers[1];
    stats->dwInErrors = numbers[2];
    stats->dwOutDatagrams = numbers[3];
    stats->dwNumAddrs = numbers[4];
    return error;
}

DWORD WINAPI GetUdpStatistics( MIB_UDPSTATS *stats )
{
    return GetUdpStatisticsEx( stats, AF_INET );
}
