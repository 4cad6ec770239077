/*
 * The store of persistent reservations: registry and journal
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <windef.h>
#include <winbase.h>
#include <winnls.h>
#include <winreg.h>

#include "journal.h"
#include "log.h"
#include "path.h"
#include "store_value.h"

/*
 * A change is first written to the journal, then to the registry; only then it is answered. The registry also has the number of
 * the last change that went into it, in the same file as the blocks: Wine keeps HKLM\System and HKLM\Software in system.reg,
 * and wineserver, which has one thread, writes the whole file between two requests, under another name first. So whichever state of
 * the registry comes back after a crash, its number tells exactly which records of the journal are missing in it.
 * Records that the registry knows are not carried out again: an administrator may have edited the registry since.
 */

#define NSI_KEY        L"SYSTEM\\CurrentControlSet\\Control\\Nsi\\"
#define STATE_KEY      L"Software\\wine-portres"
#define STATE_VALUE    L"JournalSequence"
/* the same as system.reg spells it */
#define STATE_SECTION  "Software\\\\wine-portres"
#define STATE_NAME     "JournalSequence"

#define JOURNAL_NAME     L"journal"
#define NEW_JOURNAL_NAME L"journal.new"
#define BAD_JOURNAL_NAME L"journal.damaged"

#define CP_UNIXCP 65010  /* Wine's name for the encoding of Unix file names */

#define COMPACT_RECORDS 1024       /* 32 KB: reading so many records at a start takes no time that anybody notices */
#define MAX_JOURNAL     0x4000000  /* no journal of ours is that large */
#define MAX_REGISTRY    0x20000000

/* Where Windows keeps the exclusions of the two protocols; see the BigFix forum's thread 23004. */
static const struct store_table
{
    int          protocol;
    const WCHAR *key;
    const char  *name;
}
tables[] =
{
    { PROTOCOL_TCP, NSI_KEY L"{eb004a03-9b1a-11d4-9123-0050047759bc}\\29", "TCP" },
    { PROTOCOL_UDP, NSI_KEY L"{eb004a02-9b1a-11d4-9123-0050047759bc}\\5", "UDP" },
};

#define TABLE_COUNT (sizeof(tables) / sizeof(tables[0]))

/* blocks of the registry that overlap one that counts */
struct block_list
{
    struct store_block *blocks;
    size_t count;
};

static struct journal *journal;
static HANDLE journal_file = INVALID_HANDLE_VALUE;
static WCHAR journal_path[MAX_PATH], new_journal_path[MAX_PATH], bad_journal_path[MAX_PATH];
static struct block_list overlapping[TABLE_COUNT];
static size_t compact_limit = COMPACT_RECORDS;

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

/* write all of it, and return when it is on the disk: Wine's FlushFileBuffers() is fsync() */
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
    return journal_file == INVALID_HANDLE_VALUE ? last_status() : STATUS_SUCCESS;
}

static void close_journal_file(void)
{
    if (journal_file == INVALID_HANDLE_VALUE) return;
    CloseHandle( journal_file );
    journal_file = INVALID_HANDLE_VALUE;
}

static NTSTATUS journal_load( void *context, unsigned char **data, size_t *size )
{
    NTSTATUS status = open_journal_file();

    (void)context;
    return status ? status : read_file( journal_file, MAX_JOURNAL, data, size );
}

static NTSTATUS journal_write( void *context, uint64_t offset, const void *data, size_t size )
{
    NTSTATUS status = open_journal_file();

    (void)context;
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
        close_journal_file();
        if (!MoveFileExW( new_journal_path, journal_path, MOVEFILE_REPLACE_EXISTING )) status = last_status();
    }
    if (status) DeleteFileW( new_journal_path );
    return status;
}

static const struct journal_storage storage = { NULL, journal_load, journal_write, journal_truncate, journal_replace };

/* ---- registry ---- */

static const struct store_table *find_table( int protocol )
{
    return &tables[protocol == PROTOCOL_UDP];
}

/* The keys are opened anew for each change, since an administrator may delete them meanwhile. A 32-bit server must see
 * the same keys as a 64-bit one. */
static LSTATUS create_key( const WCHAR *path, REGSAM access, HKEY *key )
{
    return RegCreateKeyExW( HKEY_LOCAL_MACHINE, path, 0, NULL, 0, access | KEY_WOW64_64KEY, NULL, key, NULL );
}

static LSTATUS open_key( const WCHAR *path, HKEY *key )
{
    return RegOpenKeyExW( HKEY_LOCAL_MACHINE, path, 0, KEY_QUERY_VALUE | KEY_WOW64_64KEY, key );
}

/* 0 when there is none yet, or nothing that could be one */
static NTSTATUS read_sequence( uint64_t *sequence )
{
    DWORD type = REG_NONE, size = sizeof(*sequence);
    LSTATUS error;
    HKEY key;

    *sequence = 0;
    if (!(error = open_key( STATE_KEY, &key )))
    {
        error = RegQueryValueExW( key, STATE_VALUE, NULL, &type, (BYTE *)sequence, &size );
        RegCloseKey( key );
    }
    if (error || type != REG_QWORD || size != sizeof(*sequence)) *sequence = 0;
    return error == ERROR_FILE_NOT_FOUND || error == ERROR_MORE_DATA ? STATUS_SUCCESS : status_of_error( error );
}

static NTSTATUS write_sequence( uint64_t sequence )
{
    LSTATUS error;
    HKEY key;

    if (!(error = create_key( STATE_KEY, KEY_SET_VALUE, &key )))
    {
        error = RegSetValueExW( key, STATE_VALUE, 0, REG_QWORD, (const BYTE *)&sequence, sizeof(sequence) );
        RegCloseKey( key );
    }
    return status_of_error( error );
}

/* Bring a block into the registry or out of it; doing it twice does no harm. */
static NTSTATUS apply_change( int op, int protocol, unsigned int first, unsigned int count )
{
    char name[STORE_NAME_LEN + 1];
    WCHAR nameW[STORE_NAME_LEN + 1];
    LSTATUS error;
    unsigned int i;
    HKEY key;

    store_format_name( name, first, count );
    for (i = 0; i <= STORE_NAME_LEN; i++) nameW[i] = (unsigned char)name[i];

    if ((error = create_key( find_table( protocol )->key, KEY_SET_VALUE, &key ))) return status_of_error( error );
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

/* All blocks of one key, in the order of the registry. What is no block is logged. */
static NTSTATUS read_blocks( const struct store_table *table, struct block_list *list )
{
    WCHAR name[16384];  /* longer than any name of a value */
    DWORD index, values = 0;
    HKEY key;
    LSTATUS error;

    list->blocks = NULL;
    list->count = 0;
    if ((error = open_key( table->key, &key ))) return error == ERROR_FILE_NOT_FOUND ? STATUS_SUCCESS : status_of_error( error );
    if ((error = RegQueryInfoKeyW( key, NULL, NULL, NULL, NULL, NULL, NULL, &values, NULL, NULL, NULL, NULL ))) values = 0;
    if (values && !(list->blocks = malloc( values * sizeof(*list->blocks) ))) error = ERROR_OUTOFMEMORY;

    for (index = 0; !error && index < values; index++)
    {
        char text[64];
        BYTE data[STORE_DATA_LEN];
        DWORD name_len = sizeof(name) / sizeof(name[0]), data_len = sizeof(data), type;
        enum store_error result;

        error = RegEnumValueW( key, index, name, &name_len, NULL, &type, data, &data_len );
        if (error == ERROR_NO_MORE_ITEMS) break;
        if (error == ERROR_MORE_DATA) error = ERROR_SUCCESS;  /* data_len says how long it is */
        if (error) break;
        narrow_name( text, sizeof(text), name, name_len );
        result = store_parse_value( text, name_len, type, data, data_len, &list->blocks[list->count] );
        if (result) log_message( "%s store: value \"%s\" %s", table->name, text, store_error_text( result ) );
        if (result == STORE_VALUE_OK || result == STORE_VALUE_OTHER_DATA) list->count++;
    }
    RegCloseKey( key );
    return error == ERROR_NO_MORE_ITEMS ? STATUS_SUCCESS : status_of_error( error );
}

/* Report the blocks of one table that count, and keep in mind the others. Without all of them the server must not run. */
static NTSTATUS load_table( unsigned int index, store_callback callback, void *context )
{
    struct block_list list, *others = &overlapping[index];
    NTSTATUS status = read_blocks( &tables[index], &list );
    size_t i, count;

    if (status)
    {
        log_message( "%s store: the registry can't be read completely (status %#x)", tables[index].name, (unsigned int)status );
        free( list.blocks );
        return status;
    }
    count = list.count ? store_sort_blocks( list.blocks, list.count ) : 0;
    for (i = count; i < list.count; i++)
        log_message( "%s store: block %u-%u is ignored: it overlaps one that comes before it", tables[index].name,
                     list.blocks[i].first, list.blocks[i].first + list.blocks[i].count - 1 );
    for (i = 0; i < count; i++)
        callback( context, tables[index].protocol, list.blocks[i].first, list.blocks[i].count );

    free( others->blocks );
    others->blocks = NULL;
    others->count = list.count - count;
    if (others->count)
    {
        memmove( list.blocks, list.blocks + count, others->count * sizeof(*list.blocks) );
        others->blocks = list.blocks;
    }
    else free( list.blocks );
    return STATUS_SUCCESS;
}

/* ---- the registry file ---- */

/* Wine's registry file, reached past the drives: there need not be one for it. */
static int get_registry_path( WCHAR *path, size_t size )
{
    static const char devices[] = "/dosdevices/";
    static const WCHAR start[] = L"\\\\?\\unix", file[] = L"\\system.reg";
    const size_t start_len = sizeof(start) / sizeof(WCHAR) - 1, file_len = sizeof(file) / sizeof(WCHAR) - 1;
    FARPROC proc = GetProcAddress( GetModuleHandleW( L"kernel32.dll" ), "wine_get_unix_file_name" );
    char *(CDECL *get_unix_name)( const WCHAR * );
    char *name, *pos, *end = NULL;
    WCHAR dir[MAX_PATH];
    size_t len = 0, i;

    if (!proc || !GetWindowsDirectoryW( dir, MAX_PATH )) return 0;
    memcpy( &get_unix_name, &proc, sizeof(proc) );
    if (!(name = get_unix_name( dir ))) return 0;
    /* PREFIX/dosdevices/c:/windows */
    for (pos = strstr( name, devices ); pos; pos = strstr( pos + 1, devices )) end = pos;
    if (end && size > start_len + file_len)
    {
        wcscpy( path, start );
        len = MultiByteToWideChar( CP_UNIXCP, 0, name, end - name, path + start_len, size - start_len - file_len );
        for (i = start_len; i < start_len + len; i++) if (path[i] == '/') path[i] = '\\';
        wcscpy( path + start_len + len, file );
    }
    HeapFree( GetProcessHeap(), 0, name );
    return len != 0;
}

/* Number of the last change that the registry file holds; 0 when that is not known. */
static uint64_t read_saved_sequence(void)
{
    WCHAR path[1024];
    unsigned char *data = NULL;
    uint64_t sequence = 0;
    HANDLE file;
    size_t size = 0;

    if (!get_registry_path( path, sizeof(path) / sizeof(path[0]) )) return 0;
    file = CreateFileW( path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL );
    if (file == INVALID_HANDLE_VALUE) return 0;
    if (!read_file( file, MAX_REGISTRY, &data, &size ))
    {
        if (!store_find_qword( (const char *)data, size, STATE_SECTION, STATE_NAME, &sequence )) sequence = 0;
        free( data );
    }
    CloseHandle( file );
    return sequence;
}

/* ---- what the server calls ---- */

static void compact_journal(void)
{
    NTSTATUS status = journal_compact( journal, read_saved_sequence() );

    if (status) log_message( "the journal can't be shortened (status %#x); is the disk full?", (unsigned int)status );
    /* What is left now is not on the disk otherwise. Try again when there is as much more. */
    compact_limit = journal_count( journal ) * 2;
    if (compact_limit < COMPACT_RECORDS) compact_limit = COMPACT_RECORDS;
}

static NTSTATUS open_journal(void)
{
    struct journal_damage damage;

    if (!path_beside_program( journal_path, JOURNAL_NAME ) || !path_beside_program( new_journal_path, NEW_JOURNAL_NAME ) ||
        !path_beside_program( bad_journal_path, BAD_JOURNAL_NAME ))
        return STATUS_UNSUCCESSFUL;
    DeleteFileW( new_journal_path );  /* left behind by a crash, perhaps incomplete */

    if (!(journal = journal_open( &storage, &damage ))) return STATUS_NO_MEMORY;
    /* that passes; the client's next request starts the server again */
    if (damage.status == STATUS_NO_MEMORY || damage.status == STATUS_INSUFFICIENT_RESOURCES) return damage.status;
    if (damage.status)
        log_message( "the journal can't be read (status %#x): persistent reservations can't be created or deleted until that is "
                     "mended and the server started again", (unsigned int)damage.status );
    if (damage.records)
    {
        log_message( "the journal is damaged: %u records were left out; see journal.damaged", (unsigned int)damage.records );
        if (CopyFileW( journal_path, bad_journal_path, FALSE )) compact_limit = 0;
    }
    if (damage.tail)
        log_message( "the journal ends with a change that was not complete, and so was never acknowledged" );
    return STATUS_SUCCESS;
}

/* Carry out what the journal has and the registry has not. While that fails the server must not run: what was acknowledged is
 * missing. */
static NTSTATUS replay_journal(void)
{
    size_t i, count = journal_count( journal ), replayed = 0;
    uint64_t sequence;
    NTSTATUS status;

    if ((status = read_sequence( &sequence )))
    {
        log_message( "the number of the last change can't be read from the registry (status %#x)", (unsigned int)status );
        return status;
    }
    journal_advance( journal, sequence );
    for (i = 0; i < count && !status; i++)
    {
        const struct journal_record *record = journal_get( journal, i );

        if (record->sequence <= sequence) continue;
        if ((status = apply_change( record->op, record->protocol, record->first, record->count ))) break;
        sequence = record->sequence;
        replayed++;
    }
    if (replayed && !status) status = write_sequence( sequence );
    if (status) log_message( "the registry can't be brought up to date with the journal (status %#x)", (unsigned int)status );
    else if (replayed) log_message( "%u changes that the registry had lost were restored", (unsigned int)replayed );
    return status;
}

NTSTATUS store_open( store_callback callback, void *context )
{
    NTSTATUS status = open_journal();
    unsigned int i;

    if (!status) status = replay_journal();
    for (i = 0; i < TABLE_COUNT && !status; i++) status = load_table( i, callback, context );
    if (!status) store_tick();
    return status;
}

void store_close(void)
{
    unsigned int i;

    journal_close( journal );
    journal = NULL;
    close_journal_file();
    for (i = 0; i < TABLE_COUNT; i++)
    {
        free( overlapping[i].blocks );
        overlapping[i].blocks = NULL;
        overlapping[i].count = 0;
    }
}

void store_tick(void)
{
    if (journal && journal_count( journal ) >= compact_limit) compact_journal();
}

static NTSTATUS make_change( int op, int protocol, unsigned int first, unsigned int count )
{
    uint64_t sequence;
    NTSTATUS status;

    if (!journal) return STATUS_UNSUCCESSFUL;
    if ((status = journal_append( journal, op, protocol, first, count, &sequence )))
    {
        log_message( "the journal can't be written (status %#x); is the disk full?", (unsigned int)status );
        return status;
    }
    if ((status = apply_change( op, protocol, first, count )))
    {
        log_message( "the registry can't be written (status %#x)", (unsigned int)status );
        journal_undo( journal );
        return status;
    }
    /* Without the number the change is only carried out once more at the next start. */
    if (write_sequence( sequence ))
        log_message( "the number of the last change can't be written to the registry" );
    return STATUS_SUCCESS;
}

NTSTATUS store_add( int protocol, unsigned int first, unsigned int count )
{
    const struct block_list *others = &overlapping[find_table( protocol ) - tables];
    size_t i;

    if (!store_block_is_valid( first, count )) return STATUS_INVALID_PARAMETER;
    /* A block of the registry that does not count today may count after the next start, and would push the new one out. */
    for (i = 0; i < others->count; i++)
        if (first < others->blocks[i].first + others->blocks[i].count && others->blocks[i].first < first + count)
            return STATUS_SHARING_VIOLATION;
    return make_change( JOURNAL_ADD, protocol, first, count );
}

NTSTATUS store_remove( int protocol, unsigned int first, unsigned int count )
{
    if (!store_block_is_valid( first, count )) return STATUS_INVALID_PARAMETER;
    return make_change( JOURNAL_REMOVE, protocol, first, count );
}
