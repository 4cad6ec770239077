/*
 * DLLs that stand before one of Wine's: finding Wine's own
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include <windef.h>
#include <winbase.h>
#include <winuser.h>
#include <winternl.h>

#include "overlay.h"

/* what Wine raises when a program calls a function that is not implemented; wine/exception.h */
#define EXCEPTION_WINE_STUB 0x80000100

/* Head of the loader's entry of a module. <winternl.h> leaves out what is needed here; the layout is that of ntdll's symbols. */
struct loader_entry
{
    LIST_ENTRY     InLoadOrderLinks;
    LIST_ENTRY     InMemoryOrderLinks;
    LIST_ENTRY     InInitializationOrderLinks;
    void          *DllBase;
    void          *EntryPoint;
    ULONG          SizeOfImage;
    UNICODE_STRING FullDllName;
    UNICODE_STRING BaseDllName;
};

extern NTSTATUS NTAPI LdrFindEntryForAddress( const void *address, struct loader_entry **entry );

static HINSTANCE our_instance;
static HMODULE wine_module;

void overlay_message( const char *format, ... )
{
    int (CDECL *output)( const char * );
    char message[512];
    va_list args;
    DWORD written;
    int len;

    len = snprintf( message, sizeof(message), "wine-portres: %s: ", overlay_dll );
    va_start( args, format );
    vsnprintf( message + len, sizeof(message) - len, format, args );
    va_end( args );

    /* Wine's own messages reach the terminal also where the program has no standard error */
    output = (void *)GetProcAddress( GetModuleHandleW( L"ntdll.dll" ), "__wine_dbg_output" );
    if (output) output( message );
    else WriteFile( GetStdHandle( STD_ERROR_HANDLE ), message, strlen( message ), &written, NULL );
    OutputDebugStringA( message );
}

static const struct overlay_spare *get_spares(void)
{
    return (const struct overlay_spare *)((const char *)our_instance + overlay_mark.list);
}

/* the name of an export, or its number, as GetProcAddress() takes both */
static const char *get_export_name( unsigned int index )
{
    unsigned int name;

    if (index < overlay_count) return overlay_exports[index].name;
    name = get_spares()[index - overlay_count].name;
    return name & OVERLAY_BY_NUMBER ? MAKEINTRESOURCEA( name & ~OVERLAY_BY_NUMBER ) : (const char *)our_instance + name;
}

void overlay_missing( unsigned int index )
{
    const char *name = get_export_name( index );
    ULONG_PTR args[2] = { (ULONG_PTR)overlay_dll, (ULONG_PTR)name };

    if (IS_INTRESOURCE( name )) overlay_message( "this Wine has no function number %u, which the program calls\n", (unsigned int)(ULONG_PTR)name );
    else overlay_message( "this Wine has no function %s, which the program calls\n", name );
    for (;;) RaiseException( EXCEPTION_WINE_STUB, EXCEPTION_NONCONTINUABLE, 2, args );
}

int overlay_has( unsigned int index )
{
    return wine_module && GetProcAddress( wine_module, overlay_exports[index].name );
}

/* The loader finds modules by base name, and Wine's has the same as ours. Whoever asks for that name must get ours:
 * GetModuleHandle(), imports of DLLs loaded later, forwards. So Wine's gets its folder into the name, which nobody asks for; both are the end of
 * its path, which the loader frees with the module. */
static BOOL hide_module( HMODULE module )
{
    struct loader_entry *entry;
    UNICODE_STRING *name, *path;
    WCHAR *start;

    if (LdrFindEntryForAddress( (void *)module, &entry ) || entry->DllBase != (void *)module) return FALSE;
    name = &entry->BaseDllName;
    path = &entry->FullDllName;
    start = name->Buffer;
    if (wmemchr( start, '\\', name->Length / sizeof(WCHAR) )) return TRUE;  /* it stayed when this DLL went */
    if (start <= path->Buffer || start >= path->Buffer + path->Length / sizeof(WCHAR)) return FALSE;
    for (start--; start > path->Buffer && start[-1] != '\\'; start--) {}
    name->Length += (name->Buffer - start) * sizeof(WCHAR);
    name->MaximumLength += (name->Buffer - start) * sizeof(WCHAR);
    name->Buffer = start;
    return TRUE;
}

/* A program that asks for a function at run time must learn that this Wine has none, so the export gets the address 0. Programs
 * that import it were linked to the stub before. */
static void hide_function( DWORD *function )
{
    DWORD prot;

    if (!VirtualProtect( function, sizeof(*function), PAGE_READWRITE, &prot )) return;
    *function = 0;
    VirtualProtect( function, sizeof(*function), prot, &prot );
}

static void hide_export( HINSTANCE instance, const char *name )
{
    char *base = (char *)instance;
    const IMAGE_NT_HEADERS *nt = (const IMAGE_NT_HEADERS *)(base + ((const IMAGE_DOS_HEADER *)base)->e_lfanew);
    const IMAGE_DATA_DIRECTORY *dir = &nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXPORT];
    const IMAGE_EXPORT_DIRECTORY *exports = (const IMAGE_EXPORT_DIRECTORY *)(base + dir->VirtualAddress);
    DWORD *functions = (DWORD *)(base + exports->AddressOfFunctions);
    const DWORD *names = (const DWORD *)(base + exports->AddressOfNames);
    const WORD *ordinals = (const WORD *)(base + exports->AddressOfNameOrdinals);
    DWORD i;

    for (i = 0; i < exports->NumberOfNames; i++)
    {
        if (strcmp( base + names[i], name )) continue;
        hide_function( &functions[ordinals[i]] );
        return;
    }
}

static BOOL load_wine_module( HINSTANCE instance )
{
    WCHAR path[MAX_PATH + 32];
    UINT len = GetSystemDirectoryW( path, MAX_PATH );
    unsigned int i;
    FARPROC proc;

    our_instance = instance;
    /* In a 32-bit program on a 64-bit system this is syswow64: the file system redirects. */
    swprintf( path + len, ARRAYSIZE( path ) - len, L"\\portres\\%hs", overlay_dll );
    if (!(wine_module = LoadLibraryW( path )))
    {
        overlay_message( "cannot load Wine's own DLL from %ls (error %lu); run 'wine-portres install' again on this prefix\n",
                         path, GetLastError() );
        return FALSE;
    }
    if (wine_module == instance)
    {
        overlay_message( "%ls is not Wine's own DLL; run 'wine-portres install' again on this prefix\n", path );
        return FALSE;
    }
    if (!hide_module( wine_module ))
    {
        overlay_message( "cannot tell the loader which DLL of that name to use\n" );
        return FALSE;
    }
    for (i = 0; i < overlay_count; i++)
    {
        if ((proc = GetProcAddress( wine_module, overlay_exports[i].name ))) overlay_table[i] = (overlay_function)proc;
        else if (!overlay_exports[i].ours) hide_export( instance, overlay_exports[i].name );
    }
    for (i = 0; i < overlay_mark.count; i++)
    {
        if ((proc = GetProcAddress( wine_module, get_export_name( overlay_count + i ) ))) overlay_table[overlay_count + i] = (overlay_function)proc;
        else hide_function( (DWORD *)((char *)instance + get_spares()[i].function) );
    }
    return TRUE;
}

BOOL WINAPI DllMain( HINSTANCE instance, DWORD reason, void *reserved )
{
    switch (reason)
    {
    case DLL_PROCESS_ATTACH:
        DisableThreadLibraryCalls( instance );
        if (load_wine_module( instance )) return TRUE;
        if (wine_module && wine_module != instance) FreeLibrary( wine_module );
        return FALSE;

    case DLL_PROCESS_DETACH:
        if (reserved) break;  /* the process ends, perhaps in the middle of a call */
        overlay_unload();
        if (wine_module && wine_module != instance) FreeLibrary( wine_module );
        break;
    }
    return TRUE;
}
