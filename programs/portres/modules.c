/*
 * Wine's own DLLs, as this Wine has them now, and which ones a new program gets
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <string.h>

#include "portres.h"

/* What Wine's builtin DLLs have behind the DOS header (Wine, tools/winebuild) */
static const char builtin_mark[] = "Wine builtin DLL";
#define BUILTIN_MARK_OFFSET sizeof(IMAGE_DOS_HEADER)

/* of "PE Format": where a section of the file begins and how long it is there. In memory it begins at its address. */
static void fix_sections( IMAGE_NT_HEADERS *nt )
{
    IMAGE_SECTION_HEADER *section = IMAGE_FIRST_SECTION( nt );
    unsigned int i;

    for (i = 0; i < nt->FileHeader.NumberOfSections; i++, section++)
    {
        section->PointerToRawData = section->VirtualAddress;
        section->SizeOfRawData = section->Misc.VirtualSize;
    }
}

/* Write a page; one that can't be read is empty. */
static BOOL write_page( HANDLE file, const BYTE *page, DWORD size )
{
    static BYTE buffer[0x1000];
    MEMORY_BASIC_INFORMATION info;
    DWORD written;

    memset( buffer, 0, sizeof(buffer) );
    if (VirtualQuery( page, &info, sizeof(info) ) && info.State == MEM_COMMIT && !(info.Protect & (PAGE_NOACCESS | PAGE_GUARD)))
        memcpy( buffer, page, size );
    return WriteFile( file, buffer, size, &written, NULL ) && written == size;
}

static int write_module( const BYTE *base, const WCHAR *path )
{
    static BYTE headers[0x1000];
    IMAGE_NT_HEADERS *nt;
    DWORD size, offset;
    HANDLE file;
    BOOL ok;

    memcpy( headers, base, sizeof(headers) );
    nt = (IMAGE_NT_HEADERS *)(headers + ((IMAGE_DOS_HEADER *)headers)->e_lfanew);
    size = nt->OptionalHeader.SizeOfImage;
    if (nt->OptionalHeader.SizeOfHeaders > sizeof(headers)) return fail( "%ls has larger headers than expected", path );
    fix_sections( nt );
    if ((file = CreateFileW( path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL )) == INVALID_HANDLE_VALUE)
        return fail( "cannot make %ls: %s (%lu)", path, error_text( GetLastError() ), GetLastError() );
    ok = write_page( file, headers, sizeof(headers) );
    for (offset = sizeof(headers); ok && offset < size; offset += 0x1000)
        ok = write_page( file, base + offset, min( size - offset, 0x1000 ) );
    CloseHandle( file );
    return ok ? EXIT_OK : fail( "cannot write %ls", path );
}

/* The DLL that Wine loads in place of the one in the prefix, which may be of an older Wine: only the loader knows where that is. Neither it
 * nor what it imports is started. */
static const BYTE *load_own( const WCHAR *name )
{
    WCHAR path[MAX_PATH + 64];
    UINT len = GetSystemDirectoryW( path, MAX_PATH );
    const BYTE *base;

    swprintf( path + len, ARRAYSIZE(path) - len, L"\\portres\\%ls", name );
    if (GetFileAttributesW( path ) == INVALID_FILE_ATTRIBUTES) swprintf( path + len, ARRAYSIZE(path) - len, L"\\%ls", name );
    if (!(base = (const BYTE *)LoadLibraryExW( path, NULL, DONT_RESOLVE_DLL_REFERENCES ))) return NULL;
    return memcmp( base + BUILTIN_MARK_OFFSET, builtin_mark, sizeof(builtin_mark) - 1 ) ? NULL : base;
}

/* The file of it, where Wine's loader looks for its own: what wineboot puts into a prefix is a copy of that. There may be none, as in a tree
 * in which Wine was built. */
static void copy_own_file( const WCHAR *name, const WCHAR *to )
{
    WCHAR variable[] = L"WINEDLLDIR0", path[2 * MAX_PATH];
    DWORD len;

    for (; variable[10] <= '9'; variable[10]++)
    {
        len = GetEnvironmentVariableW( variable, path, MAX_PATH );
        if (!len || len >= MAX_PATH) return;
        if (!wcsncmp( path, L"\\??\\", 4 )) path[1] = '\\';  /* as the kernel says it */
        swprintf( path + len, ARRAYSIZE(path) - len, L"\\%hs-windows\\%ls", sizeof(void *) == 8 ? "x86_64" : "i386", name );
        if (CopyFileW( path, to, FALSE )) return;
    }
}

int write_own_modules( char **args, int count )
{
    WCHAR name[MAX_PATH], path[2 * MAX_PATH];
    const BYTE *base;
    int i, ret;

    for (i = 1; i < count; i++)
    {
        if (!MultiByteToWideChar( CP_ACP, 0, args[i], -1, name, ARRAYSIZE(name) )) return EXIT_FAILED;
        if (!(base = load_own( name ))) continue;
        if (swprintf( path, ARRAYSIZE(path) - 8, L"%hs\\%ls", args[0], name ) < 0) return EXIT_FAILED;
        if ((ret = write_module( base, path ))) return ret;
        wcscat( path, L".file" );
        copy_own_file( name, path );
    }
    return EXIT_OK;
}

int check_modules( char **names, int count )
{
    HMODULE module;
    int i, ret = EXIT_OK;

    for (i = 0; i < count; i++)
    {
        /* a program of Wine's own is started by its path, and an override decides then */
        if (strchr( names[i], '.' )) continue;
        /* no path, as programs ask for it; but Wine's own may stand beside this program */
        if ((module = LoadLibraryExA( names[i], NULL, LOAD_LIBRARY_SEARCH_SYSTEM32 )) && FindResourceA( module, "MARK", (const char *)RT_RCDATA )) continue;
        printf( "%s\n", names[i] );
        ret = EXIT_OTHER_DLL;
    }
    return ret;
}
