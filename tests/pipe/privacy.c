/*
 * Who may reach the server
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Pipe and section are reachable by the prefix's user only. The shared section is read-only for clients. */

#include <string.h>
#include <windows.h>
#include <aclapi.h>

#include "portmap.h"
#include "portserver.h"
#include "wine/test.h"

static void check_access( HANDLE object, const char *what )
{
    union { TOKEN_USER user; char buffer[256]; } info;
    SECURITY_DESCRIPTOR *descriptor = NULL;
    ACCESS_ALLOWED_ACE *ace;
    ACL *acl = NULL;
    HANDLE token;
    DWORD size, ret;

    OpenProcessToken( GetCurrentProcess(), TOKEN_QUERY, &token );
    GetTokenInformation( token, TokenUser, &info, sizeof(info), &size );
    CloseHandle( token );
    ret = GetSecurityInfo( object, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, &acl, NULL, (void **)&descriptor );
    ok( !ret && acl, "%s: no access list, error %lu\n", what, ret );
    if (ret || !acl) return;
    ok( acl->AceCount == 1, "%s: %u entries\n", what, acl->AceCount );
    ret = GetAce( acl, 0, (void **)&ace );
    ok( ret && ace->Header.AceType == ACCESS_ALLOWED_ACE_TYPE && EqualSid( &ace->SidStart, info.user.User.Sid ),
        "%s: somebody else may open it\n", what );
    LocalFree( descriptor );
}

START_TEST(privacy)
{
    const struct port_map *map;
    void *writable;
    HANDLE pipe, section;
    DWORD start = GetTickCount();

    while ((pipe = CreateFileW( PORTSERVER_PIPE, GENERIC_READ | GENERIC_WRITE | READ_CONTROL, 0, NULL, OPEN_EXISTING, 0, NULL ))
           == INVALID_HANDLE_VALUE && GetLastError() == ERROR_PIPE_BUSY && GetTickCount() - start < 10000)
        WaitNamedPipeW( PORTSERVER_PIPE, 100 );
    ok( pipe != INVALID_HANDLE_VALUE, "could not connect: error %lu\n", GetLastError() );
    check_access( pipe, "pipe" );
    CloseHandle( pipe );

    section = OpenFileMappingW( FILE_MAP_READ | READ_CONTROL, FALSE, PORT_MAP_NAME );
    ok( section != NULL, "could not open the section: error %lu\n", GetLastError() );
    map = MapViewOfFile( section, FILE_MAP_READ, 0, 0, sizeof(*map) );
    ok( map && map->version == PORT_MAP_VERSION, "could not read it: error %lu\n", GetLastError() );
    writable = MapViewOfFile( section, FILE_MAP_WRITE, 0, 0, sizeof(*map) );
    ok( !writable, "a handle for reading can write\n" );
    if (writable) UnmapViewOfFile( writable );
    if (map) UnmapViewOfFile( map );
    check_access( section, "section" );
    CloseHandle( section );
    SetLastError( 0 );
    section = OpenFileMappingW( FILE_MAP_WRITE, FALSE, PORT_MAP_NAME );
    ok( !section && GetLastError() == ERROR_ACCESS_DENIED, "open for writing: error %lu\n", GetLastError() );
}
