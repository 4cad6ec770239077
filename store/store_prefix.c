/*
 * The store of persistent reservations: the prefix
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "store_host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>

#include "log.h"
#include "path.h"
#include "store_value.h"

/* the same as system.reg spells it */
#define STATE_SECTION  "Software\\\\wine-portres"

#define JOURNAL_NAME     L"journal"
#define NEW_JOURNAL_NAME L"journal.new"
#define BAD_JOURNAL_NAME L"journal.damaged"

const char store_damaged_name[] = "journal.damaged";

#define CP_UNIXCP 65010  /* Wine's name for the encoding of Unix file names */

#define MAX_JOURNAL     0x4000000  /* no journal of ours is that large */
#define MAX_REGISTRY    0x20000000
#define READ_TRIES      20         /* to read a key that others edit meanwhile */

static HANDLE journal_file = INVALID_HANDLE_VALUE;
static WCHAR folder_path[MAX_PATH], journal_path[MAX_PATH], new_journal_path[MAX_PATH], bad_journal_path[MAX_PATH];
static BOOL folder_dirty = TRUE;  /* the name of the journal may not be on the disk; nor may it be when the server before was killed */

void store_log( const char *format, ... )
{
    char line[512];
    va_list args;

    va_start( args, format );
    vsnprintf( line, sizeof(line), format, args );
    va_end( args );
    log_message( "%s", line );
}

static NTSTATUS status_of_error( DWORD error )
{
    switch (error)
    {
    case ERROR_SUCCESS:             return STATUS_SUCCESS;
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:      return STATUS_NOT_FOUND;
    case ERROR_ACCESS_DENIED:       return STATUS_ACCESS_DENIED;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:    return STATUS_DISK_FULL;
    case ERROR_WRITE_PROTECT:       return STATUS_MEDIA_WRITE_PROTECTED;
    case ERROR_OUTOFMEMORY:
    case ERROR_NOT_ENOUGH_MEMORY:   return STATUS_NO_MEMORY;
    case ERROR_TOO_MANY_OPEN_FILES:
    case ERROR_NO_SYSTEM_RESOURCES: return STATUS_INSUFFICIENT_RESOURCES;
    default:                        return STATUS_UNSUCCESSFUL;
    }
}

static NTSTATUS last_status(void)
{
    DWORD error = GetLastError();

    return error ? status_of_error( error ) : STATUS_UNSUCCESSFUL;
}

/* ---- files ---- */

static NTSTATUS read_file( HANDLE file, size_t max_size, unsigned char **data, size_t *size )
{
    LARGE_INTEGER length, start = { .QuadPart = 0 };
    size_t pos = 0;
    DWORD count;

    if (!GetFileSizeEx( file, &length )) return last_status();
    if ((uint64_t)length.QuadPart > max_size) return STATUS_INFO_LENGTH_MISMATCH;
    if (!SetFilePointerEx( file, start, NULL, FILE_BEGIN )) return last_status();
    if (!(*data = malloc( length.QuadPart + 1 ))) return STATUS_NO_MEMORY;
    while (pos < (size_t)length.QuadPart)
    {
        if (!ReadFile( file, *data + pos, length.QuadPart - pos, &count, NULL ))
        {
            NTSTATUS status = last_status();

            free( *data );
            *data = NULL;
            return status;
        }
        if (!count)
        {
            /* what is behind must not be taken for nothing, and written over */
            free( *data );
            *data = NULL;
            return STATUS_UNSUCCESSFUL;
        }
        pos += count;
    }
    *size = pos;
    return STATUS_SUCCESS;
}

/* Return when the names in a folder are on the disk: FlushFileBuffers() is fsync() in Wine, also of a folder (dlls/ntdll/unix/file.c). */
static NTSTATUS flush_folder( const WCHAR *path )
{
    HANDLE folder = CreateFileW( path, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                                 FILE_FLAG_BACKUP_SEMANTICS, NULL );
    NTSTATUS status = STATUS_SUCCESS;

    if (folder == INVALID_HANDLE_VALUE) return last_status();
    /* EINVAL: a file system that has no such thing */
    if (!FlushFileBuffers( folder ) && GetLastError() != ERROR_INVALID_PARAMETER) status = last_status();
    CloseHandle( folder );
    return status;
}

/* write all of it, and return when it is on the disk */
static NTSTATUS write_file( HANDLE file, uint64_t offset, const void *data, size_t size )
{
    LARGE_INTEGER pos;
    DWORD written;

    pos.QuadPart = offset;
    if (!SetFilePointerEx( file, pos, NULL, FILE_BEGIN )) return last_status();
    if (size)
    {
        if (!WriteFile( file, data, size, &written, NULL )) return last_status();
        if (written != size) return STATUS_DISK_FULL;
    }
    if (!FlushFileBuffers( file )) return last_status();
    return STATUS_SUCCESS;
}

/* ---- what the journal is kept in ---- */

static NTSTATUS open_journal_file(void)
{
    if (journal_file != INVALID_HANDLE_VALUE) return STATUS_SUCCESS;
    journal_file = CreateFileW( journal_path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ, NULL, OPEN_ALWAYS,
                                FILE_ATTRIBUTE_NORMAL, NULL );
    if (journal_file == INVALID_HANDLE_VALUE)
    {
        NTSTATUS status = last_status();

        /* Wine's answer for a file system that is mounted read-only, too */
        return status == STATUS_ACCESS_DENIED ? STATUS_MEDIA_WRITE_PROTECTED : status;
    }
    if (GetLastError() != ERROR_ALREADY_EXISTS) folder_dirty = TRUE;
    return STATUS_SUCCESS;
}

void store_storage_close(void)
{
    if (journal_file == INVALID_HANDLE_VALUE) return;
    CloseHandle( journal_file );
    journal_file = INVALID_HANDLE_VALUE;
}

/* What is written to a file counts for nothing while the folder may lead to another one after a crash. */
static NTSTATUS flush_journal_folder(void)
{
    NTSTATUS status;

    if (!folder_dirty) return STATUS_SUCCESS;
    if (!(status = flush_folder( folder_path ))) folder_dirty = FALSE;
    return status;
}

static NTSTATUS journal_load( void *context, unsigned char **data, size_t *size )
{
    NTSTATUS status = open_journal_file();
    HANDLE file;

    (void)context;
    if (!status) return read_file( journal_file, MAX_JOURNAL, data, size );
    if (status != STATUS_MEDIA_WRITE_PROTECTED) return status;
    /* what it has is carried out all the same */
    file = CreateFileW( journal_path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL );
    if (file == INVALID_HANDLE_VALUE) return last_status();
    status = read_file( file, MAX_JOURNAL, data, size );
    CloseHandle( file );
    return status;
}

static NTSTATUS journal_write( void *context, uint64_t offset, const void *data, size_t size )
{
    NTSTATUS status = open_journal_file();

    (void)context;
    if (!status) status = flush_journal_folder();
    return status ? status : write_file( journal_file, offset, data, size );
}

static NTSTATUS journal_truncate( void *context, uint64_t size )
{
    NTSTATUS status = open_journal_file();
    LARGE_INTEGER pos;

    (void)context;
    if (status) return status;
    pos.QuadPart = size;
    if (!SetFilePointerEx( journal_file, pos, NULL, FILE_BEGIN ) || !SetEndOfFile( journal_file ) ||
        !FlushFileBuffers( journal_file )) return last_status();
    return STATUS_SUCCESS;
}

static NTSTATUS journal_replace( void *context, const void *data, size_t size )
{
    HANDLE file = CreateFileW( new_journal_path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL );
    NTSTATUS status;

    (void)context;
    if (file == INVALID_HANDLE_VALUE) return last_status();
    status = write_file( file, 0, data, size );
    CloseHandle( file );
    if (!status)
    {
        /* a file that is open without FILE_SHARE_DELETE can't be replaced */
        store_storage_close();
        if (!MoveFileExW( new_journal_path, journal_path, MOVEFILE_REPLACE_EXISTING )) status = last_status();
    }
    if (status)
    {
        DeleteFileW( new_journal_path );
        return status;
    }
    /* should that fail, it is done before the next write; until then the old file is as good as the new one */
    folder_dirty = TRUE;
    flush_journal_folder();
    return STATUS_SUCCESS;
}

const struct journal_storage store_storage = { NULL, journal_load, journal_write, journal_truncate, journal_replace };

NTSTATUS store_storage_open(void)
{
    if (!path_beside_program( folder_path, L"." ) || !path_beside_program( journal_path, JOURNAL_NAME ) ||
        !path_beside_program( new_journal_path, NEW_JOURNAL_NAME ) || !path_beside_program( bad_journal_path, BAD_JOURNAL_NAME ))
        return STATUS_UNSUCCESSFUL;
    DeleteFileW( new_journal_path );  /* left behind by a crash, perhaps incomplete */
    return STATUS_SUCCESS;
}

int store_keep_damaged(void)
{
    return CopyFileW( journal_path, bad_journal_path, FALSE );
}

/* ---- registry ---- */

/* L"" before a macro of several strings makes all of them wide ones */
#define WIDE( text ) (L"" text)

static const WCHAR *find_key( int protocol )
{
    return protocol == PROTOCOL_UDP ? WIDE( STORE_UDP_KEY ) : WIDE( STORE_TCP_KEY );
}

/* The keys are opened anew for each change, since an administrator may delete them meanwhile. A 32-bit server must see
 * the same keys as a 64-bit one. */
static LSTATUS create_key( const WCHAR *path, REGSAM access, HKEY *key )
{
    return RegCreateKeyExW( HKEY_LOCAL_MACHINE, path, 0, NULL, 0, access | KEY_WOW64_64KEY, NULL, key, NULL );
}

static LSTATUS open_key( const WCHAR *path, REGSAM access, HKEY *key )
{
    return RegOpenKeyExW( HKEY_LOCAL_MACHINE, path, 0, access | KEY_WOW64_64KEY, key );
}

NTSTATUS store_read_mark( char mark[JOURNAL_MARK_LEN + 1] )
{
    WCHAR text[JOURNAL_MARK_LEN + 1];
    DWORD type = REG_NONE, size = sizeof(text);
    unsigned int i = 0;
    LSTATUS error;
    HKEY key;

    if (!(error = open_key( WIDE( STORE_STATE_KEY ), KEY_QUERY_VALUE, &key )))
    {
        error = RegQueryValueExW( key, WIDE( STORE_STATE_NAME ), NULL, &type, (BYTE *)text, &size );
        RegCloseKey( key );
    }
    if (!error && type == REG_SZ)
        for (; i < JOURNAL_MARK_LEN && i < size / sizeof(WCHAR); i++) mark[i] = text[i] < 0x80 ? (char)text[i] : 0;
    mark[i] = 0;
    return error == ERROR_FILE_NOT_FOUND || error == ERROR_MORE_DATA ? STATUS_SUCCESS : status_of_error( error );
}

NTSTATUS store_write_mark( const char mark[JOURNAL_MARK_LEN + 1] )
{
    WCHAR text[JOURNAL_MARK_LEN + 1];
    unsigned int i;
    LSTATUS error;
    HKEY key;

    for (i = 0; i <= JOURNAL_MARK_LEN; i++) text[i] = (unsigned char)mark[i];
    if (!(error = create_key( WIDE( STORE_STATE_KEY ), KEY_SET_VALUE, &key )))
    {
        error = RegSetValueExW( key, WIDE( STORE_STATE_NAME ), 0, REG_SZ, (const BYTE *)text, sizeof(text) );
        RegCloseKey( key );
    }
    return status_of_error( error );
}

NTSTATUS store_change( int op, int protocol, unsigned int first, unsigned int count )
{
    char name[STORE_NAME_LEN + 1];
    WCHAR nameW[STORE_NAME_LEN + 1];
    LSTATUS error;
    unsigned int i;
    HKEY key;

    store_format_name( name, first, count );
    for (i = 0; i <= STORE_NAME_LEN; i++) nameW[i] = (unsigned char)name[i];

    if ((error = create_key( find_key( protocol ), KEY_SET_VALUE, &key ))) return status_of_error( error );
    if (op == JOURNAL_ADD)
        error = RegSetValueExW( key, nameW, 0, REG_BINARY, store_value_data, STORE_DATA_LEN );
    else if ((error = RegDeleteValueW( key, nameW )) == ERROR_FILE_NOT_FOUND)
        error = ERROR_SUCCESS;
    RegCloseKey( key );
    return status_of_error( error );
}

/* the name of a value for the log and the parser; what is not ASCII can't be a block anyway */
static void narrow_name( char *dst, size_t size, const WCHAR *src, size_t len )
{
    size_t i;

    for (i = 0; i < len && i < size - 1; i++) dst[i] = src[i] >= 0x20 && src[i] < 0x7f ? src[i] : '?';
    dst[i] = 0;
}

/* Values have no other handle than their index. */
static NTSTATUS read_values( HKEY key, store_value_callback callback, void *context )
{
    WCHAR name[16384];  /* longer than any name of a value */
    NTSTATUS status = STATUS_SUCCESS;
    DWORD index;

    for (index = 0; !status; index++)
    {
        char text[64];
        BYTE data[STORE_DATA_LEN];
        DWORD name_len = sizeof(name) / sizeof(name[0]), data_len = sizeof(data), type;
        LSTATUS error = RegEnumValueW( key, index, name, &name_len, NULL, &type, data, &data_len );

        if (error == ERROR_NO_MORE_ITEMS) return STATUS_SUCCESS;
        if (error == ERROR_KEY_DELETED) return STATUS_KEY_DELETED;
        if (error && error != ERROR_MORE_DATA) return status_of_error( error );  /* data_len says how long it is */
        narrow_name( text, sizeof(text), name, name_len );
        status = callback( context, text, name_len, type, data, data_len );
    }
    return status;
}

/* An edit meanwhile shifts the index: then all is read once more. */
NTSTATUS store_enum_values( int protocol, store_value_callback callback, void *context )
{
    HANDLE event = CreateEventW( NULL, TRUE, FALSE, NULL );
    NTSTATUS status = event ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    unsigned int tries;
    BOOL edited = TRUE;
    LSTATUS error;
    HKEY key;

    for (tries = 0; edited && !status && tries < READ_TRIES; tries++)
    {
        if ((status = callback( context, NULL, 0, 0, NULL, 0 ))) break;
        ResetEvent( event );
        if ((error = open_key( find_key( protocol ), KEY_QUERY_VALUE | KEY_NOTIFY, &key )))
        {
            status = status_of_error( error );
            break;
        }
        error = RegNotifyChangeKeyValue( key, FALSE, REG_NOTIFY_CHANGE_LAST_SET | REG_NOTIFY_CHANGE_NAME, event, TRUE );
        if (error && error != ERROR_KEY_DELETED) status = status_of_error( error );
        else if (error || (status = read_values( key, callback, context )) == STATUS_KEY_DELETED) status = STATUS_SUCCESS;
        else edited = !status && !WaitForSingleObject( event, 0 );
        RegCloseKey( key );
    }
    if (event) CloseHandle( event );
    if (!status && edited && tries == READ_TRIES)
        log_message( "%s store: the registry was edited all the time while it was read; what changed counts from the next start",
                     protocol == PROTOCOL_UDP ? "UDP" : "TCP" );
    return status == STATUS_NOT_FOUND ? STATUS_SUCCESS : status;
}

/* ---- the registry file ---- */

/* The folder of Wine's registry files, reached past the drives: there need not be one for it. For free(), with room for a name of
 * extra characters; NULL when it is not known. */
static WCHAR *get_prefix_path( size_t extra )
{
    static const char devices[] = "/dosdevices/";
    static const WCHAR start[] = L"\\\\?\\unix";
    const size_t start_len = sizeof(start) / sizeof(WCHAR) - 1;
    FARPROC proc = GetProcAddress( GetModuleHandleW( L"kernel32.dll" ), "wine_get_unix_file_name" );
    char *(CDECL *get_unix_name)( const WCHAR * );
    char *name, *pos, *end = NULL;
    WCHAR dir[MAX_PATH], *path = NULL;
    int len, i;

    if (!proc || !GetWindowsDirectoryW( dir, MAX_PATH )) return NULL;
    memcpy( &get_unix_name, &proc, sizeof(proc) );
    if (!(name = get_unix_name( dir ))) return NULL;
    /* PREFIX/dosdevices/c:/windows */
    for (pos = strstr( name, devices ); pos; pos = strstr( pos + 1, devices )) end = pos;
    if (end && (len = MultiByteToWideChar( CP_UNIXCP, 0, name, end - name, NULL, 0 )) > 0 &&
        (path = malloc( (start_len + len + extra + 1) * sizeof(*path) )))
    {
        memcpy( path, start, start_len * sizeof(*path) );
        len = MultiByteToWideChar( CP_UNIXCP, 0, name, end - name, path + start_len, len );
        for (i = 0; i < len; i++) if (path[start_len + i] == '/') path[start_len + i] = '\\';
        path[start_len + len] = 0;
    }
    HeapFree( GetProcessHeap(), 0, name );
    return path;
}

void store_read_saved_mark( char mark[JOURNAL_MARK_LEN + 1] )
{
    static const WCHAR file_name[] = L"\\system.reg";
    WCHAR *path = get_prefix_path( sizeof(file_name) / sizeof(WCHAR) );
    unsigned char *data = NULL;
    HANDLE file;
    size_t size = 0, folder_len;

    *mark = 0;
    if (!path) return;
    folder_len = wcslen( path );
    memcpy( path + folder_len, file_name, sizeof(file_name) );
    file = CreateFileW( path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                        OPEN_EXISTING, 0, NULL );
    path[folder_len] = 0;
    if (file != INVALID_HANDLE_VALUE)
    {
        /* wineserver leaves it to the system when what it writes reaches the disk, and when the name does */
        if (FlushFileBuffers( file ) && !flush_folder( path ) && !read_file( file, MAX_REGISTRY, &data, &size ) &&
            !store_find_string( (const char *)data, size, STATE_SECTION, STORE_STATE_NAME, mark, JOURNAL_MARK_LEN ))
            *mark = 0;
        free( data );
        CloseHandle( file );
    }
    free( path );
}
