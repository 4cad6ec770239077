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

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>

#include "journal.h"
#include "log.h"
#include "path.h"
#include "process.h"
#include "store_value.h"

/*
 * A change is first written to the journal, then to the registry; only then it is answered. The registry also has the journal's mark,
 * which says which change went into it last, in the same file as the blocks: Wine keeps HKLM\System and HKLM\Software in system.reg,
 * and wineserver, which has one thread, writes the whole file between two requests, under another name first. So whichever state of
 * the registry comes back after a crash, its mark tells exactly which records of the journal are missing in it.
 * Records that the registry knows are not carried out again: an administrator may have edited the registry since.
 */

#define NSI_KEY        L"SYSTEM\\CurrentControlSet\\Control\\Nsi\\"
#define STATE_KEY      L"Software\\wine-portres"
#define STATE_VALUE    L"Journal"
/* the same as system.reg spells it */
#define STATE_SECTION  "Software\\\\wine-portres"
#define STATE_NAME     "Journal"

#define JOURNAL_NAME     L"journal"
#define NEW_JOURNAL_NAME L"journal.new"
#define BAD_JOURNAL_NAME L"journal.damaged"

#define CP_UNIXCP 65010  /* Wine's name for the encoding of Unix file names */

#define COMPACT_RECORDS 1024       /* 32 KB: reading so many records at a start takes no time that anybody notices */
#define MAX_JOURNAL     0x4000000  /* no journal of ours is that large */
#define MAX_REGISTRY    0x20000000
#define MAX_REPORTS     20         /* of one kind in the log at one start: many would take longer than the start */
#define READ_TRIES      20         /* to read a key that others edit meanwhile */

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
static WCHAR folder_path[MAX_PATH], journal_path[MAX_PATH], new_journal_path[MAX_PATH], bad_journal_path[MAX_PATH];
static struct block_list overlapping[TABLE_COUNT];
static size_t compact_limit = COMPACT_RECORDS;
static BOOL folder_dirty = TRUE;  /* the name of the journal may not be on the disk; nor may it be when the server before was killed */

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
    if (journal_file == INVALID_HANDLE_VALUE) return last_status();
    if (GetLastError() != ERROR_ALREADY_EXISTS) folder_dirty = TRUE;
    return STATUS_SUCCESS;
}

static void close_journal_file(void)
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

    (void)context;
    return status ? status : read_file( journal_file, MAX_JOURNAL, data, size );
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
        close_journal_file();
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

static LSTATUS open_key( const WCHAR *path, REGSAM access, HKEY *key )
{
    return RegOpenKeyExW( HKEY_LOCAL_MACHINE, path, 0, access | KEY_WOW64_64KEY, key );
}

/* an empty one when there is none yet, or nothing that could be one */
static NTSTATUS read_mark( char mark[JOURNAL_MARK_LEN + 1] )
{
    WCHAR text[JOURNAL_MARK_LEN + 1];
    DWORD type = REG_NONE, size = sizeof(text);
    unsigned int i = 0;
    LSTATUS error;
    HKEY key;

    if (!(error = open_key( STATE_KEY, KEY_QUERY_VALUE, &key )))
    {
        error = RegQueryValueExW( key, STATE_VALUE, NULL, &type, (BYTE *)text, &size );
        RegCloseKey( key );
    }
    if (!error && type == REG_SZ)
        for (; i < JOURNAL_MARK_LEN && i < size / sizeof(WCHAR); i++) mark[i] = text[i] < 0x80 ? (char)text[i] : 0;
    mark[i] = 0;
    return error == ERROR_FILE_NOT_FOUND || error == ERROR_MORE_DATA ? STATUS_SUCCESS : status_of_error( error );
}

/* Say in the registry that all records of the journal are carried out. Without it they are only carried out once more at the next start. */
static NTSTATUS write_mark(void)
{
    char mark[JOURNAL_MARK_LEN + 1];
    WCHAR text[JOURNAL_MARK_LEN + 1];
    unsigned int i;
    LSTATUS error;
    HKEY key;

    if (!journal_mark( journal, mark )) return STATUS_SUCCESS;
    for (i = 0; i <= JOURNAL_MARK_LEN; i++) text[i] = (unsigned char)mark[i];
    if (!(error = create_key( STATE_KEY, KEY_SET_VALUE, &key )))
    {
        error = RegSetValueExW( key, STATE_VALUE, 0, REG_SZ, (const BYTE *)text, sizeof(text) );
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

/* A line of which there may be very many. */
static void __attribute__((format (printf, 2, 3))) report( unsigned int *reports, const char *format, ... )
{
    char line[256];
    va_list args;

    if ((*reports)++ >= MAX_REPORTS) return;
    va_start( args, format );
    vsnprintf( line, sizeof(line), format, args );
    va_end( args );
    log_message( "%s", line );
}

static void report_rest( unsigned int reports, const char *name )
{
    if (reports > MAX_REPORTS) log_message( "%s store: and %u more like these", name, reports - MAX_REPORTS );
}

static BOOL grow_blocks( struct block_list *list, size_t *alloc )
{
    struct store_block *blocks;

    if (list->count < *alloc) return TRUE;
    if (!(blocks = realloc( list->blocks, (*alloc + 256) * 2 * sizeof(*blocks) ))) return FALSE;
    list->blocks = blocks;
    *alloc = (*alloc + 256) * 2;
    return TRUE;
}

/* all blocks of one key, in the order of the registry */
static LSTATUS read_values( const struct store_table *table, HKEY key, struct block_list *list, unsigned int *reports )
{
    WCHAR name[16384];  /* longer than any name of a value */
    size_t alloc = 0;
    DWORD index;

    for (index = 0;; index++)
    {
        char text[64];
        BYTE data[STORE_DATA_LEN];
        DWORD name_len = sizeof(name) / sizeof(name[0]), data_len = sizeof(data), type;
        enum store_error result;
        LSTATUS error;

        if (!grow_blocks( list, &alloc )) return ERROR_OUTOFMEMORY;
        error = RegEnumValueW( key, index, name, &name_len, NULL, &type, data, &data_len );
        if (error == ERROR_NO_MORE_ITEMS) return ERROR_SUCCESS;
        if (error && error != ERROR_MORE_DATA) return error;  /* data_len says how long it is */
        narrow_name( text, sizeof(text), name, name_len );
        result = store_parse_value( text, name_len, type, data, data_len, &list->blocks[list->count] );
        if (result) report( reports, "%s store: value \"%s\" %s", table->name, text, store_error_text( result ) );
        if (result == STORE_VALUE_OK || result == STORE_VALUE_OTHER_DATA) list->count++;
    }
}

/* Values have no other handle than their index, and an edit meanwhile shifts it: then all is read once more. What is no block is logged. */
static NTSTATUS read_blocks( const struct store_table *table, struct block_list *list )
{
    HANDLE event = CreateEventW( NULL, TRUE, FALSE, NULL );
    unsigned int tries, reports = 0;
    BOOL edited = TRUE;
    LSTATUS error = event ? ERROR_SUCCESS : ERROR_NO_SYSTEM_RESOURCES;
    HKEY key;

    list->blocks = NULL;
    list->count = 0;
    for (tries = 0; edited && !error && tries < READ_TRIES; tries++)
    {
        free( list->blocks );
        list->blocks = NULL;
        list->count = reports = 0;
        ResetEvent( event );
        if ((error = open_key( table->key, KEY_QUERY_VALUE | KEY_NOTIFY, &key ))) break;
        error = RegNotifyChangeKeyValue( key, FALSE, REG_NOTIFY_CHANGE_LAST_SET | REG_NOTIFY_CHANGE_NAME, event, TRUE );
        if (!error) error = read_values( table, key, list, &reports );
        if (error == ERROR_KEY_DELETED) error = ERROR_SUCCESS;
        else edited = !error && !WaitForSingleObject( event, 0 );
        RegCloseKey( key );
    }
    if (event) CloseHandle( event );
    if (!error && edited && tries == READ_TRIES)
        log_message( "%s store: the registry was edited all the time while it was read; what changed counts from the next start", table->name );
    report_rest( reports, table->name );
    return error == ERROR_FILE_NOT_FOUND ? STATUS_SUCCESS : status_of_error( error );
}

/* Report the blocks of one table that count, and keep in mind the others. Without all of them the server must not run. */
static NTSTATUS load_table( unsigned int index, store_callback callback, void *context )
{
    struct block_list list, *others = &overlapping[index];
    NTSTATUS status = read_blocks( &tables[index], &list );
    unsigned int reports = 0;
    size_t i, count;

    if (status)
    {
        log_message( "%s store: the registry can't be read completely (status %#x)", tables[index].name, (unsigned int)status );
        free( list.blocks );
        return status;
    }
    count = list.count ? store_sort_blocks( list.blocks, list.count ) : 0;
    for (i = count; i < list.count; i++)
        report( &reports, "%s store: block %u-%u is ignored: it overlaps one that comes before it", tables[index].name,
                list.blocks[i].first, list.blocks[i].first + list.blocks[i].count - 1 );
    report_rest( reports, tables[index].name );
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
        wcscpy( path, start );
        len = MultiByteToWideChar( CP_UNIXCP, 0, name, end - name, path + start_len, len );
        for (i = 0; i < len; i++) if (path[start_len + i] == '/') path[start_len + i] = '\\';
        path[start_len + len] = 0;
    }
    HeapFree( GetProcessHeap(), 0, name );
    return path;
}

/* The mark of the registry file on the disk; an empty one when it is not known. */
static void read_saved_mark( char mark[JOURNAL_MARK_LEN + 1] )
{
    static const WCHAR file_name[] = L"\\system.reg";
    WCHAR *path = get_prefix_path( sizeof(file_name) / sizeof(WCHAR) );
    unsigned char *data = NULL;
    HANDLE file;
    size_t size = 0, folder_len;

    *mark = 0;
    if (!path) return;
    folder_len = wcslen( path );
    wcscpy( path + folder_len, file_name );
    file = CreateFileW( path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                        OPEN_EXISTING, 0, NULL );
    path[folder_len] = 0;
    if (file != INVALID_HANDLE_VALUE)
    {
        /* wineserver leaves it to the system when what it writes reaches the disk, and when the name does */
        if (FlushFileBuffers( file ) && !flush_folder( path ) && !read_file( file, MAX_REGISTRY, &data, &size ) &&
            !store_find_string( (const char *)data, size, STATE_SECTION, STATE_NAME, mark, JOURNAL_MARK_LEN ))
            *mark = 0;
        free( data );
        CloseHandle( file );
    }
    free( path );
}

/* ---- what the server calls ---- */

static void compact_journal(void)
{
    char mark[JOURNAL_MARK_LEN + 1];
    NTSTATUS status;

    read_saved_mark( mark );
    if ((status = journal_compact( journal, mark )))
        log_message( "the journal can't be shortened (status %#x); is the disk full?", (unsigned int)status );
    /* What is left now is not on the disk otherwise. Try again when there is as much more. */
    compact_limit = journal_count( journal ) * 2;
    if (compact_limit < COMPACT_RECORDS) compact_limit = COMPACT_RECORDS;
}

static NTSTATUS open_journal(void)
{
    struct journal_damage damage;
    uint64_t fresh_id;
    NTSTATUS status;

    if (!path_beside_program( folder_path, L"." ) || !path_beside_program( journal_path, JOURNAL_NAME ) ||
        !path_beside_program( new_journal_path, NEW_JOURNAL_NAME ) || !path_beside_program( bad_journal_path, BAD_JOURNAL_NAME ))
        return STATUS_UNSUCCESSFUL;
    if ((status = random_token( &fresh_id ))) return status;
    DeleteFileW( new_journal_path );  /* left behind by a crash, perhaps incomplete */

    if (!(journal = journal_open( &storage, fresh_id, &damage ))) return STATUS_NO_MEMORY;
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
    size_t i, first, count = journal_count( journal );
    char mark[JOURNAL_MARK_LEN + 1];
    NTSTATUS status;

    if ((status = read_mark( mark )))
    {
        log_message( "the mark of the last change can't be read from the registry (status %#x)", (unsigned int)status );
        return status;
    }
    first = journal_news( journal, mark );
    for (i = first; i < count && !status; i++)
    {
        const struct journal_record *record = journal_get( journal, i );

        status = apply_change( record->op, record->protocol, record->first, record->count );
    }
    if (first < count && !status) status = write_mark();
    if (status) log_message( "the registry can't be brought up to date with the journal (status %#x)", (unsigned int)status );
    else if (first < count) log_message( "%u changes that the registry had lost were restored", (unsigned int)(count - first) );
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
    if (!journal) return;
    journal_mend( journal );
    if (journal_count( journal ) >= compact_limit) compact_journal();
}

static NTSTATUS make_change( int op, int protocol, unsigned int first, unsigned int count )
{
    NTSTATUS status;

    if (!journal) return STATUS_UNSUCCESSFUL;
    if ((status = journal_append( journal, op, protocol, first, count )))
        log_message( "the journal can't be written (status %#x); is the disk full, or write-protected?", (unsigned int)status );
    else if ((status = apply_change( op, protocol, first, count )))
    {
        log_message( "the registry can't be written (status %#x)", (unsigned int)status );
        journal_undo( journal );
    }
    /* also of a change that was refused: nobody is to carry it out later */
    if (write_mark()) log_message( "the mark of the last change can't be written to the registry" );
    return status;
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
