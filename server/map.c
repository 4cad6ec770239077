/*
 * Writing the port map
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdlib.h>

#include "map.h"
#include "portmap.h"
#include "security.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <aclapi.h>

static struct port_map *map;
static int published;
/* number of sockets behind each entry of map->sockets, which readers only compare with 0 */
static uint16_t sock_counts[sizeof(map->sockets)];

/* A client may map the section to read. Handles made before the list was set, this server's, keep their rights, and an owner may
 * always set the list anew: so a server that takes over the section of one that was killed lets itself in first. */
static NTSTATUS set_access( HANDLE section, DWORD access )
{
    NTSTATUS status;
    ACL *acl;

    if ((status = user_only_acl( access, &acl ))) return status;
    if (SetSecurityInfo( section, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, acl, NULL ))
        status = STATUS_ACCESS_DENIED;
    LocalFree( acl );
    return status;
}

NTSTATUS map_init(void)
{
    HANDLE section, owner;

    if ((owner = OpenFileMappingW( WRITE_DAC, FALSE, PORT_MAP_NAME )))
    {
        set_access( owner, SECTION_ALL_ACCESS );
        CloseHandle( owner );
    }
    section = CreateFileMappingW( INVALID_HANDLE_VALUE, user_only(), PAGE_READWRITE, 0, sizeof(*map), PORT_MAP_NAME );
    if (!section) return STATUS_INSUFFICIENT_RESOURCES;
    if (!(map = MapViewOfFile( section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, sizeof(*map) )))
        return STATUS_INSUFFICIENT_RESOURCES;
    /* Wine keeps a section in a file with holes, and a write to a hole of a full disk ends the process. So fill them now, by the one
     * function that touches every page and lives. */
    if (IsBadWritePtr( map, sizeof(*map) )) return STATUS_DISK_FULL;
    if (set_access( section, FILE_MAP_READ | SECTION_QUERY )) return STATUS_ACCESS_DENIED;
    return STATUS_SUCCESS;
}

void map_publish( const struct port_pool *pool )
{
    uint32_t associated = 0, foreign = 0, sharing = 0;
    const struct sock *sock = NULL;
    unsigned int i, port;

    for (i = 0; i < 2; i++)
        for (port = 0; port < POOL_PORTS; port++)
            map->ports[i][port] = pool->owners[i][port] ? pool->owners[i][port]->kind : 0;
    map->reservations = pool->runtime + pool->persistent;

    while ((sock = sock_table_next( sock )))
    {
        sharing += sock->shares;
        if (!sock->mapped) continue;
        sock_counts[sock->id % sizeof(map->sockets)]++;
        associated++;
        foreign += sock->foreign;
    }
    /* clients may be looking */
    for (i = 0; i < sizeof(map->sockets); i++) map->sockets[i] = sock_counts[i] != 0;
    map->foreign = foreign;
    map->associated = associated;
    map->sharing = sharing;
    map->version = PORT_MAP_VERSION;
    published = 1;
}

void map_set_ports( int protocol, unsigned int first, unsigned int count, unsigned int kind )
{
    unsigned int i;

    if (!published) return;
    if (kind) map->reservations++;
    for (i = 0; i < count; i++) map->ports[protocol_index( protocol )][first + i] = kind;
    if (!kind) map->reservations--;
}

void map_add_socket( sock_id id )
{
    if (!published) return;
    map->associated++;
    sock_counts[id % sizeof(map->sockets)]++;
    map->sockets[id % sizeof(map->sockets)] = 1;
}

void map_remove_socket( sock_id id )
{
    if (!published) return;
    if (!--sock_counts[id % sizeof(map->sockets)]) map->sockets[id % sizeof(map->sockets)] = 0;
    map->associated--;
}

void map_count_foreign( int change )
{
    if (published) map->foreign += change;
}

void map_count_sharing( int change )
{
    if (published) map->sharing += change;
}

void map_clear(void)
{
    unsigned int i, port;

    published = 0;
    map->reservations = map->associated = map->foreign = map->sharing = 0;
    for (i = 0; i < 2; i++)
        for (port = 0; port < POOL_PORTS; port++) map->ports[i][port] = 0;
    for (i = 0; i < sizeof(map->sockets); i++) map->sockets[i] = 0;
}
