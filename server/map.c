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
#include <string.h>

#include "map.h"
#include "portmap.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <aclapi.h>

static struct port_map *map;
/* number of sockets behind each entry of map->sockets, which readers only compare with 0 */
static uint16_t sock_counts[sizeof(map->sockets)];

/* A client may map the section to read. Handles made before the list was set, this server's, keep their rights, and an owner may
 * always set the list anew: so a server that takes over the section of one that was killed lets itself in first. */
static DWORD set_access( HANDLE section, DWORD access )
{
    SID_IDENTIFIER_AUTHORITY authority = { SECURITY_WORLD_SID_AUTHORITY };
    EXPLICIT_ACCESSW entry = { 0 };
    ACL *acl = NULL;
    PSID everyone;
    DWORD ret;

    if (!AllocateAndInitializeSid( &authority, 1, SECURITY_WORLD_RID, 0, 0, 0, 0, 0, 0, 0, &everyone ))
        return GetLastError();
    entry.grfAccessPermissions = access;
    entry.grfAccessMode = SET_ACCESS;
    entry.grfInheritance = NO_INHERITANCE;
    entry.Trustee.TrusteeForm = TRUSTEE_IS_SID;
    entry.Trustee.ptstrName = everyone;
    if (!(ret = SetEntriesInAclW( 1, &entry, NULL, &acl )))
    {
        ret = SetSecurityInfo( section, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, acl, NULL );
        LocalFree( acl );
    }
    FreeSid( everyone );
    return ret;
}

NTSTATUS map_init(void)
{
    HANDLE section, owner;

    if ((owner = OpenFileMappingW( WRITE_DAC, FALSE, PORT_MAP_NAME )))
    {
        set_access( owner, FILE_MAP_READ | FILE_MAP_WRITE );
        CloseHandle( owner );
    }
    section = CreateFileMappingW( INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, sizeof(*map), PORT_MAP_NAME );
    if (!section) return STATUS_INSUFFICIENT_RESOURCES;
    if (!(map = MapViewOfFile( section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, sizeof(*map) )))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (set_access( section, FILE_MAP_READ | SECTION_QUERY )) return STATUS_ACCESS_DENIED;

    map->associated = 0;
    map->reservations = 0;
    memset( (void *)map->ports, 0, sizeof(map->ports) );
    memset( (void *)map->sockets, 0, sizeof(map->sockets) );
    map->version = PORT_MAP_VERSION;
    return STATUS_SUCCESS;
}

void map_set_ports( int protocol, unsigned int first, unsigned int count, unsigned int kind )
{
    unsigned int i;

    if (kind) map->reservations++;
    for (i = 0; i < count; i++) map->ports[protocol_index( protocol )][first + i] = kind;
    if (!kind) map->reservations--;
}

void map_add_socket( sock_id id )
{
    map->associated++;
    sock_counts[id % sizeof(map->sockets)]++;
    map->sockets[id % sizeof(map->sockets)] = 1;
}

void map_remove_socket( sock_id id )
{
    if (!--sock_counts[id % sizeof(map->sockets)]) map->sockets[id % sizeof(map->sockets)] = 0;
    map->associated--;
}
