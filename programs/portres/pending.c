/*
 * Files that Wine moves when the prefix starts next
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Wine, as Windows, notes moves of files that are in use in the value PendingFileRenameOperations, a list of pairs: from, to (empty: delete),
 * both with \??\ before them, the second also with a ! (MoveFileEx's documentation). Wine 11 leaves such moves of its own DLLs in a fresh
 * prefix: they would put Wine's DLLs over ours. */

#include <string.h>

#include "portres.h"

static const WCHAR manager_key[] = L"System\\CurrentControlSet\\Control\\Session Manager";
static const WCHAR pending_value[] = L"PendingFileRenameOperations";
static const WCHAR *const folders[] = { L"system32", L"syswow64" };

/* The length of the path of a DLL when the text is one, 0 when not. Also sets its folder, and where the file's name begins. */
static size_t match_path( const WCHAR *text, const char *name, int in_ours, size_t *file )
{
    const WCHAR *path = text;
    WCHAR expected[MAX_PATH];
    unsigned int i;
    int len;

    if (*path == '!') path++;
    if (!wcsncmp( path, L"\\??\\", 4 )) path += 4;
    for (i = 0; i < ARRAYSIZE(folders); i++)
    {
        len = swprintf( expected, ARRAYSIZE(expected), L"C:\\windows\\%ls\\%ls%hs%ls", folders[i], in_ours ? L"portres\\" : L"", name,
                        strchr( name, '.' ) ? L"" : L".dll" );
        if (len < 0 || wcsicmp( path, expected )) continue;
        *file = path - text + wcslen( L"C:\\windows\\" ) + wcslen( folders[i] ) + 1;
        return path - text + len;
    }
    return 0;
}

/* Copy a text, with the path in it changed. Returns how many characters there are behind out, with the 0. */
static size_t redirect( const WCHAR *text, WCHAR *out, char **names, int count, int to_ours )
{
    static const WCHAR portres[] = L"portres\\";
    size_t file;
    int i;

    for (i = 0; i < count; i++)
    {
        if (!match_path( text, names[i], to_ours, &file )) continue;
        memcpy( out, text, file * sizeof(WCHAR) );
        if (to_ours) wcscpy( out + file, text + file + ARRAYSIZE(portres) - 1 );
        else
        {
            wcscpy( out + file, portres );
            wcscat( out, text + file );
        }
        return wcslen( out ) + 1;
    }
    wcscpy( out, text );
    return wcslen( out ) + 1;
}

LONG redirect_pending_renames( char **names, int count, int to_ours )
{
    DWORD size = 0, len, type, pos;
    WCHAR *list = NULL, *changed = NULL;
    size_t end = 0;
    HKEY key;
    LONG ret;

    ret = RegOpenKeyExW( HKEY_LOCAL_MACHINE, manager_key, 0, KEY_READ | KEY_WRITE, &key );
    if (ret == ERROR_FILE_NOT_FOUND) return ERROR_SUCCESS;
    if (ret) return ret;
    ret = RegQueryValueExW( key, pending_value, NULL, &type, NULL, &size );
    if (!ret && type == REG_MULTI_SZ && size >= sizeof(WCHAR))
    {
        len = size / sizeof(WCHAR);
        /* each text may grow; one that has no end gets one */
        list = calloc( len + 1, sizeof(WCHAR) );
        changed = calloc( 10 * (size_t)len + 1, sizeof(WCHAR) );
        if (!list || !changed) ret = ERROR_OUTOFMEMORY;
        else ret = RegQueryValueExW( key, pending_value, NULL, &type, (BYTE *)list, &size );
        for (pos = 0; !ret && pos < len; pos += wcslen( list + pos ) + 1) end += redirect( list + pos, changed + end, names, count, to_ours );
        if (!ret && (end != len || memcmp( list, changed, end * sizeof(WCHAR) )))
            ret = RegSetValueExW( key, pending_value, 0, REG_MULTI_SZ, (const BYTE *)changed, end * sizeof(WCHAR) );
    }
    if (ret == ERROR_FILE_NOT_FOUND) ret = ERROR_SUCCESS;
    free( changed );
    free( list );
    RegCloseKey( key );
    return ret;
}
