/*
 * A disk and a registry for the store and the state's file, in memory
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "path.h"
#include "ports.h"
#include "security.h"

#define PORTRES_FOLDER L"C:\\windows\\system32\\portres\\"

struct world *world;

enum kind { KIND_FREE, KIND_FILE, KIND_FOLDER, KIND_EVENT, KIND_KEY };

struct world_key
{
    enum kind kind;
    int       inode;      /* of a file */
    int       prefix;     /* the prefix's folder, not the server's */
    int       writable;
    size_t    pos;
    int       signaled;   /* of an event */
    int       table;      /* of a key; of an event: whose changes signal it, -1: none */
};

static struct world_key handles[64];
static DWORD last_error;

/* ---- the world ---- */

void world_reset(void)
{
    unsigned int i;

    if (!world)
    {
        world = mmap( NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0 );
        assert( world != MAP_FAILED );
    }
    memset( world, 0, sizeof(*world) );
    for (i = 0; i < WORLD_NAMES; i++) world->names[i].inode = world->names[i].synced = -1;
    strcpy( world->prefix, "/home/user/.wine" );
    world->boot_time = 1;
    world->random = 100;
}

#ifdef COVERAGE  /* tools/coverage */
extern void __gcov_dump(void);
#else
static void __gcov_dump(void) {}
#endif

/* the end of a server, which frees nothing */
static void __attribute__((noreturn)) end( int code )
{
    fflush( stdout );
    __gcov_dump();
    _exit( code );
}

int world_run( int (*server)(void) )
{
    pid_t child;
    int status;

    fflush( stdout );
    if (!(child = fork())) end( server() );
    assert( child > 0 );
    if (waitpid( child, &status, 0 ) != child || !WIFEXITED( status )) return -1;
    return WEXITSTATUS( status );
}

static struct world_name *find_name( const WCHAR *name )
{
    unsigned int i;

    for (i = 0; i < WORLD_NAMES; i++) if (!wcscmp( world->names[i].name, name )) return &world->names[i];
    for (i = 0; i < WORLD_NAMES; i++)
    {
        if (*world->names[i].name) continue;
        assert( wcslen( name ) < WORLD_PATH );
        wcscpy( world->names[i].name, name );
        return &world->names[i];
    }
    assert( 0 );
    return NULL;
}

static int is_used( int inode )
{
    unsigned int i;

    for (i = 0; i < WORLD_NAMES; i++) if (world->names[i].inode == inode || world->names[i].synced == inode) return 1;
    for (i = 0; i < sizeof(handles) / sizeof(handles[0]); i++) if (handles[i].kind == KIND_FILE && handles[i].inode == inode) return 1;
    return 0;
}

static int new_inode(void)
{
    int i;

    for (i = 0; i < WORLD_INODES; i++)
    {
        if (is_used( i )) continue;
        memset( &world->inodes[i], 0, sizeof(world->inodes[i]) );
        return i;
    }
    assert( 0 );
    return -1;
}

long world_file_size( const WCHAR *name )
{
    int inode = find_name( name )->inode;

    return inode < 0 ? -1 : (long)world->inodes[inode].size;
}

unsigned char *world_file_data( const WCHAR *name )
{
    int inode = find_name( name )->inode;

    return inode < 0 ? NULL : world->inodes[inode].data;
}

static void sync_inode( struct world_inode *inode )
{
    memcpy( inode->synced, inode->data, inode->size );
    inode->synced_size = inode->size;
}

static const WCHAR registry_name[] = L"system.reg";

void world_save_registry(void)
{
    struct world_name *name = find_name( registry_name );
    int slot = name->synced >= 0 && world->inodes[name->synced].registry == 1 ? 1 : 0, inode = new_inode();
    struct world_value *mark = world_find_value( TABLE_STATE, L"Journal" );
    char *text = (char *)world->inodes[inode].data;
    size_t len;
    DWORD i;

    world->saved[slot] = world->registry;
    world->inodes[inode].registry = slot + 1;
    len = sprintf( text, "WINE REGISTRY Version 2\n\n[Software\\\\wine-portres] 1\n#time=1\n" );
    if (mark && mark->type == REG_SZ)
    {
        len += sprintf( text + len, "\"Journal\"=\"" );
        for (i = 0; i + 1 < mark->size / sizeof(WCHAR); i++) text[len++] = ((WCHAR *)mark->data)[i];
        len += sprintf( text + len, "\"\n" );
    }
    world->inodes[inode].size = len;
    name->inode = inode;
}

void world_lose_registry(void)
{
    int inode = find_name( registry_name )->inode;

    if (inode < 0) memset( &world->registry, 0, sizeof(world->registry) );
    else world->registry = world->saved[world->inodes[inode].registry - 1];
    world->boot_time++;
}

void world_lose_power(void)
{
    unsigned int i;

    for (i = 0; i < WORLD_NAMES; i++)
    {
        if (rand() % 2) world->names[i].inode = world->names[i].synced;
        world->names[i].synced = world->names[i].inode;
    }
    for (i = 0; i < WORLD_INODES; i++)
    {
        struct world_inode *inode = &world->inodes[i];

        if (inode->registry) continue;
        if (inode->size > inode->synced_size && rand() % 3)
            inode->size = inode->synced_size + rand() % (inode->size - inode->synced_size + 1);
        else if (rand() % 2)
        {
            memcpy( inode->data, inode->synced, inode->synced_size );
            inode->size = inode->synced_size;
        }
        sync_inode( inode );
    }
    world_lose_registry();
}

/* ---- calls ---- */

/* Is this call to fail? */
enum change { NO_CHANGE, FILE_CHANGE, REGISTRY_CHANGE };

static int fails( const char *name, enum change change )
{
    world->calls++;
    if (world->crash_at && world->calls == world->crash_at) end( CRASHED );
    if (world->calls != world->fail_at && (!world->fail_from || world->calls < world->fail_from || change != world->fail_kind)) return 0;
    world->failed = name;
    return 1;
}

DWORD GetLastError(void)
{
    return last_error;
}

static BOOL fail( DWORD error )
{
    last_error = error;
    return FALSE;
}

static struct world_key *new_handle( enum kind kind )
{
    unsigned int i;

    for (i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
    {
        if (handles[i].kind) continue;
        memset( &handles[i], 0, sizeof(handles[i]) );
        handles[i].kind = kind;
        handles[i].table = -1;
        return &handles[i];
    }
    assert( 0 );
    return NULL;
}

BOOL CloseHandle( HANDLE handle )
{
    struct world_key *key = handle;

    assert( key >= handles && key < handles + sizeof(handles) / sizeof(handles[0]) && key->kind );
    key->kind = KIND_FREE;
    return TRUE;
}

/* ---- files ---- */

static const WCHAR *base_name( const WCHAR *path )
{
    return wcsrchr( path, '\\' ) + 1;
}

static int is_prefix_path( const WCHAR *path, const WCHAR *file )
{
    WCHAR expected[2100];
    size_t i, len = swprintf( expected, sizeof(expected) / sizeof(expected[0]), L"\\\\?\\unix%s%ls", world->prefix, file );

    for (i = 0; i < len; i++) if (expected[i] == '/') expected[i] = '\\';
    return !wcscmp( path, expected );
}

HANDLE CreateFileW( const WCHAR *path, DWORD access, DWORD share, SECURITY_ATTRIBUTES *security, DWORD disposition, DWORD flags,
                    HANDLE template )
{
    int creates = disposition != OPEN_EXISTING, prefix = is_prefix_path( path, L"\\system.reg" );
    struct world_name *name;
    struct world_key *file;

    (void)share; (void)security; (void)template;
    if (fails( "CreateFileW", creates ? FILE_CHANGE : NO_CHANGE ))
    {
        fail( ERROR_TOO_MANY_OPEN_FILES );
        return INVALID_HANDLE_VALUE;
    }
    if (flags & FILE_FLAG_BACKUP_SEMANTICS)
    {
        file = new_handle( KIND_FOLDER );
        file->prefix = is_prefix_path( path, L"" );
        assert( file->prefix || !wcscmp( path, PORTRES_FOLDER L"." ) );
        return file;
    }
    if (!prefix && wcsncmp( path, PORTRES_FOLDER, wcslen( PORTRES_FOLDER ) ))
    {
        fail( ERROR_PATH_NOT_FOUND );
        return INVALID_HANDLE_VALUE;
    }
    name = find_name( base_name( path ) );
    if (name->inode < 0 && disposition == OPEN_EXISTING)
    {
        fail( ERROR_FILE_NOT_FOUND );
        return INVALID_HANDLE_VALUE;
    }
    if (name->inode >= 0 && disposition == CREATE_NEW)
    {
        fail( ERROR_FILE_EXISTS );
        return INVALID_HANDLE_VALUE;
    }
    if (world->read_only && access & GENERIC_WRITE)
    {
        fail( ERROR_ACCESS_DENIED );
        return INVALID_HANDLE_VALUE;
    }
    last_error = name->inode >= 0 && creates ? ERROR_ALREADY_EXISTS : 0;
    if (name->inode < 0) name->inode = new_inode();
    if (disposition == CREATE_ALWAYS) world->inodes[name->inode].size = 0;
    file = new_handle( KIND_FILE );
    file->inode = name->inode;
    file->writable = !!(access & GENERIC_WRITE);
    return file;
}

HANDLE create_private_file( const WCHAR *path, DWORD access, DWORD share, DWORD disposition )
{
    HANDLE file = CreateFileW( path, access, share, NULL, disposition, 0, NULL );

    if (file != INVALID_HANDLE_VALUE) world->private_files++;
    return file;
}

static struct world_inode *inode_of( HANDLE handle )
{
    struct world_key *file = handle;

    assert( file->kind == KIND_FILE );
    return &world->inodes[file->inode];
}

BOOL ReadFile( HANDLE handle, void *data, DWORD size, DWORD *count, OVERLAPPED *overlapped )
{
    struct world_inode *inode = inode_of( handle );
    struct world_key *file = handle;

    (void)overlapped;
    if (fails( "ReadFile", NO_CHANGE )) return fail( ERROR_NO_SYSTEM_RESOURCES );
    *count = inode->size - file->pos < size ? inode->size - file->pos : size;
    memcpy( data, inode->data + file->pos, *count );
    file->pos += *count;
    return TRUE;
}

BOOL WriteFile( HANDLE handle, const void *data, DWORD size, DWORD *count, OVERLAPPED *overlapped )
{
    struct world_inode *inode = inode_of( handle );
    struct world_key *file = handle;
    size_t pos = overlapped ? overlapped->Offset : file->pos;
    int crash = world->crash_at && world->calls + 1 == world->crash_at, failed = !crash && fails( "WriteFile", FILE_CHANGE );

    assert( file->writable && pos + size <= WORLD_FILE );
    if (failed) return fail( ERROR_NO_SYSTEM_RESOURCES );
    if (world->disk_full && pos + size > inode->size) return fail( ERROR_DISK_FULL );
    if (crash) size = rand() % (size + 1);
    if (pos > inode->size) memset( inode->data + inode->size, 0, pos - inode->size );
    memcpy( inode->data + pos, data, size );
    if (pos + size > inode->size) inode->size = pos + size;
    if (crash) end( CRASHED );
    file->pos = pos + size;
    *count = size;
    return TRUE;
}

BOOL GetFileSizeEx( HANDLE handle, LARGE_INTEGER *size )
{
    if (fails( "GetFileSizeEx", NO_CHANGE )) return fail( ERROR_NO_SYSTEM_RESOURCES );
    size->QuadPart = inode_of( handle )->size;
    return TRUE;
}

DWORD GetFileSize( HANDLE handle, DWORD *high )
{
    assert( !high );
    if (fails( "GetFileSize", NO_CHANGE ))
    {
        fail( ERROR_NO_SYSTEM_RESOURCES );
        return INVALID_FILE_SIZE;
    }
    return inode_of( handle )->size;
}

BOOL SetFilePointerEx( HANDLE handle, LARGE_INTEGER pos, LARGE_INTEGER *ret, DWORD method )
{
    assert( !ret && method == FILE_BEGIN );
    if (fails( "SetFilePointerEx", NO_CHANGE )) return fail( ERROR_NO_SYSTEM_RESOURCES );
    ((struct world_key *)handle)->pos = pos.QuadPart;
    return TRUE;
}

DWORD SetFilePointer( HANDLE handle, LONG pos, LONG *high, DWORD method )
{
    assert( !high && method == FILE_BEGIN );
    if (fails( "SetFilePointer", NO_CHANGE ))
    {
        fail( ERROR_NO_SYSTEM_RESOURCES );
        return INVALID_SET_FILE_POINTER;
    }
    ((struct world_key *)handle)->pos = pos;
    return pos;
}

BOOL SetEndOfFile( HANDLE handle )
{
    if (fails( "SetEndOfFile", FILE_CHANGE )) return fail( ERROR_DISK_FULL );
    assert( ((struct world_key *)handle)->writable );
    inode_of( handle )->size = ((struct world_key *)handle)->pos;
    return TRUE;
}

BOOL FlushFileBuffers( HANDLE handle )
{
    struct world_key *file = handle;
    unsigned int i;

    if (fails( "FlushFileBuffers", FILE_CHANGE )) return fail( ERROR_DISK_FULL );
    if (file->kind == KIND_FILE)
    {
        sync_inode( inode_of( handle ) );
        return TRUE;
    }
    assert( file->kind == KIND_FOLDER );
    for (i = 0; i < WORLD_NAMES; i++)
        if (*world->names[i].name && (wcscmp( world->names[i].name, registry_name ) == 0) == file->prefix)
            world->names[i].synced = world->names[i].inode;
    return TRUE;
}

BOOL MoveFileExW( const WCHAR *from, const WCHAR *to, DWORD flags )
{
    struct world_name *src = find_name( base_name( from ) ), *dst = find_name( base_name( to ) );
    unsigned int i;

    assert( flags == MOVEFILE_REPLACE_EXISTING );
    if (fails( "MoveFileExW", FILE_CHANGE )) return fail( ERROR_DISK_FULL );
    if (src->inode < 0) return fail( ERROR_FILE_NOT_FOUND );
    for (i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
        assert( handles[i].kind != KIND_FILE || (handles[i].inode != src->inode && handles[i].inode != dst->inode) );
    dst->inode = src->inode;
    src->inode = -1;
    return TRUE;
}

BOOL CopyFileW( const WCHAR *from, const WCHAR *to, BOOL fail_if_exists )
{
    struct world_name *src = find_name( base_name( from ) ), *dst = find_name( base_name( to ) );

    assert( !fail_if_exists );
    if (fails( "CopyFileW", FILE_CHANGE )) return fail( ERROR_DISK_FULL );
    if (src->inode < 0) return fail( ERROR_FILE_NOT_FOUND );
    if (dst->inode < 0) dst->inode = new_inode();
    world->inodes[dst->inode] = world->inodes[src->inode];
    return TRUE;
}

BOOL DeleteFileW( const WCHAR *path )
{
    struct world_name *name = find_name( base_name( path ) );

    if (fails( "DeleteFileW", FILE_CHANGE )) return fail( ERROR_ACCESS_DENIED );
    if (name->inode < 0) return fail( ERROR_FILE_NOT_FOUND );
    name->inode = -1;
    return TRUE;
}

/* ---- events ---- */

HANDLE CreateEventW( SECURITY_ATTRIBUTES *security, BOOL manual, BOOL state, const WCHAR *name )
{
    assert( !security && manual && !state && !name );
    if (fails( "CreateEventW", NO_CHANGE ))
    {
        fail( ERROR_NO_SYSTEM_RESOURCES );
        return NULL;
    }
    return new_handle( KIND_EVENT );
}

BOOL ResetEvent( HANDLE event )
{
    ((struct world_key *)event)->signaled = 0;
    return TRUE;
}

DWORD WaitForSingleObject( HANDLE handle, DWORD timeout )
{
    struct world_key *event = handle;

    assert( event->kind == KIND_EVENT && !timeout );
    return event->signaled ? 0 : 258;
}

/* ---- registry ---- */

static void notify( int table )
{
    unsigned int i;

    for (i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
    {
        if (handles[i].kind != KIND_EVENT || handles[i].table != table) continue;
        handles[i].signaled = 1;
        handles[i].table = -1;
    }
}

struct world_value *world_find_value( int table, const WCHAR *name )
{
    struct world_table *values = &world->registry.tables[table];
    unsigned int i;

    for (i = 0; i < values->count; i++) if (!wcscasecmp( values->values[i].name, name )) return &values->values[i];
    return NULL;
}

void world_set_value( int table, const WCHAR *name, DWORD type, const void *data, DWORD size )
{
    struct world_table *values = &world->registry.tables[table];
    struct world_value *value = world_find_value( table, name );
    unsigned int i;

    assert( size <= sizeof(value->data) && wcslen( name ) < sizeof(value->name) / sizeof(value->name[0]) );
    world->registry.exists[table] = 1;
    if (!value)
    {
        assert( values->count < WORLD_VALUES );
        /* in the order of the names, as in Wine */
        for (i = values->count++; i && wcscasecmp( values->values[i - 1].name, name ) > 0; i--) values->values[i] = values->values[i - 1];
        value = &values->values[i];
        wcscpy( value->name, name );
    }
    value->type = type;
    value->size = size;
    memcpy( value->data, data, size );
    notify( table );
}

int world_delete_value( int table, const WCHAR *name )
{
    struct world_table *values = &world->registry.tables[table];
    struct world_value *value = world_find_value( table, name );

    if (!value) return 0;
    memmove( value, value + 1, (values->values + values->count - value - 1) * sizeof(*value) );
    values->count--;
    notify( table );
    return 1;
}

static int find_table( const WCHAR *path )
{
    if (!wcscmp( path, L"Software\\wine-portres" )) return TABLE_STATE;
    if (!wcscmp( path, L"SYSTEM\\CurrentControlSet\\Control\\Nsi\\{eb004a03-9b1a-11d4-9123-0050047759bc}\\29" )) return TABLE_TCP;
    assert( !wcscmp( path, L"SYSTEM\\CurrentControlSet\\Control\\Nsi\\{eb004a02-9b1a-11d4-9123-0050047759bc}\\5" ) );
    return TABLE_UDP;
}

LSTATUS RegOpenKeyExW( HKEY parent, const WCHAR *path, DWORD options, REGSAM access, HKEY *key )
{
    int table = find_table( path );

    assert( parent == HKEY_LOCAL_MACHINE && !options && access & KEY_WOW64_64KEY );
    if (fails( "RegOpenKeyExW", NO_CHANGE )) return ERROR_NO_SYSTEM_RESOURCES;
    if (!world->registry.exists[table]) return ERROR_FILE_NOT_FOUND;
    *key = new_handle( KIND_KEY );
    (*key)->table = table;
    return ERROR_SUCCESS;
}

LSTATUS RegCreateKeyExW( HKEY parent, const WCHAR *path, DWORD reserved, WCHAR *class, DWORD options, REGSAM access,
                         SECURITY_ATTRIBUTES *security, HKEY *key, DWORD *disposition )
{
    (void)reserved; (void)class; (void)security; (void)disposition;
    if (fails( "RegCreateKeyExW", REGISTRY_CHANGE )) return ERROR_NO_SYSTEM_RESOURCES;
    world->registry.exists[find_table( path )] = 1;
    return RegOpenKeyExW( parent, path, options, access, key );
}

LSTATUS RegCloseKey( HKEY key )
{
    assert( key->kind == KIND_KEY );
    return !CloseHandle( key );
}

static LSTATUS read_value( const struct world_value *value, DWORD *type, BYTE *data, DWORD *size )
{
    DWORD room = *size;

    *type = value->type;
    *size = value->size;
    if (value->size > room) return ERROR_MORE_DATA;
    memcpy( data, value->data, value->size );
    return ERROR_SUCCESS;
}

LSTATUS RegQueryValueExW( HKEY key, const WCHAR *name, DWORD *reserved, DWORD *type, BYTE *data, DWORD *size )
{
    struct world_value *value = world_find_value( key->table, name );

    (void)reserved;
    if (fails( "RegQueryValueExW", NO_CHANGE )) return ERROR_NOT_ENOUGH_MEMORY;
    return value ? read_value( value, type, data, size ) : ERROR_FILE_NOT_FOUND;
}

LSTATUS RegSetValueExW( HKEY key, const WCHAR *name, DWORD reserved, DWORD type, const BYTE *data, DWORD size )
{
    assert( !reserved );
    if (fails( "RegSetValueExW", REGISTRY_CHANGE )) return ERROR_NOT_ENOUGH_MEMORY;
    world_set_value( key->table, name, type, data, size );
    return ERROR_SUCCESS;
}

LSTATUS RegDeleteValueW( HKEY key, const WCHAR *name )
{
    if (fails( "RegDeleteValueW", REGISTRY_CHANGE )) return ERROR_NOT_ENOUGH_MEMORY;
    return world_delete_value( key->table, name ) ? ERROR_SUCCESS : ERROR_FILE_NOT_FOUND;
}

/* somebody else's edit: of the values that begin with '!' the first goes, or one comes */
static void edit( int table )
{
    struct world_table *values = &world->registry.tables[table];

    if (values->count && *values->values[0].name == '!') world_delete_value( table, values->values[0].name );
    else world_set_value( table, L"!new", REG_SZ, L"", sizeof(WCHAR) );
}

LSTATUS RegEnumValueW( HKEY key, DWORD index, WCHAR *name, DWORD *name_len, DWORD *reserved, DWORD *type, BYTE *data, DWORD *size )
{
    struct world_table *values = &world->registry.tables[key->table];

    (void)reserved;
    if (fails( "RegEnumValueW", NO_CHANGE )) return ERROR_NOT_ENOUGH_MEMORY;
    if (world->edit_at && index + 1 == world->edit_at)
    {
        edit( key->table );
        if (!world->edit_always) world->edit_at = 0;
    }
    if (index >= values->count) return ERROR_NO_MORE_ITEMS;
    assert( *name_len > wcslen( values->values[index].name ) );
    wcscpy( name, values->values[index].name );
    *name_len = wcslen( name );
    return read_value( &values->values[index], type, data, size );
}

LSTATUS RegNotifyChangeKeyValue( HKEY key, BOOL subtree, DWORD filter, HANDLE event, BOOL asynchronous )
{
    assert( !subtree && asynchronous && filter == (REG_NOTIFY_CHANGE_LAST_SET | REG_NOTIFY_CHANGE_NAME) );
    if (fails( "RegNotifyChangeKeyValue", NO_CHANGE )) return ERROR_NO_SYSTEM_RESOURCES;
    ((struct world_key *)event)->table = key->table;
    return ERROR_SUCCESS;
}

/* ---- Wine ---- */

/* PREFIX/dosdevices/c:/windows */
static char *get_unix_file_name( const WCHAR *path )
{
    char *ret = malloc( strlen( world->prefix ) + 40 );

    assert( ret && !wcscmp( path, L"C:\\windows" ) );
    sprintf( ret, "%s/dosdevices/c:/windows", world->prefix );
    return ret;
}

HMODULE GetModuleHandleW( const WCHAR *name )
{
    (void)name;
    return NULL;
}

FARPROC GetProcAddress( HMODULE module, const char *name )
{
    (void)module;
    assert( !strcmp( name, "wine_get_unix_file_name" ) );
    return fails( "GetProcAddress", NO_CHANGE ) ? NULL : (FARPROC)get_unix_file_name;
}

UINT GetWindowsDirectoryW( WCHAR *path, UINT size )
{
    (void)size;
    wcscpy( path, L"C:\\windows" );
    return wcslen( path );
}

int MultiByteToWideChar( UINT code_page, DWORD flags, const char *src, int src_len, WCHAR *dst, int dst_len )
{
    int i;

    (void)code_page; (void)flags;
    for (i = 0; i < src_len && i < dst_len; i++) dst[i] = (unsigned char)src[i];
    return src_len;
}

HANDLE GetProcessHeap(void)
{
    return NULL;
}

BOOL HeapFree( HANDLE heap, DWORD flags, void *memory )
{
    (void)heap; (void)flags;
    free( memory );
    return TRUE;
}

NTSTATUS NtQuerySystemInformation( SYSTEM_INFORMATION_CLASS class, void *info, ULONG size, ULONG *ret_size )
{
    (void)ret_size;
    assert( class == SystemTimeOfDayInformation && size == sizeof(SYSTEM_TIMEOFDAY_INFORMATION) );
    if (fails( "NtQuerySystemInformation", NO_CHANGE )) return STATUS_NO_MEMORY;
    ((SYSTEM_TIMEOFDAY_INFORMATION *)info)->BootTime.QuadPart = world->boot_time;
    return STATUS_SUCCESS;
}

/* ---- the rest of the server ---- */

BOOL path_beside_program( WCHAR *path, const WCHAR *name )
{
    wcscpy( path, PORTRES_FOLDER );
    wcscat( path, name );
    return TRUE;
}

void log_message( const char *format, ... )
{
    va_list args;

    va_start( args, format );
    vsnprintf( world->last_line, sizeof(world->last_line), format, args );
    va_end( args );
    world->log_lines++;
}

NTSTATUS host_random( uint64_t *random )
{
    *random = world->random++ * 0x9e3779b97f4a7c15;
    return STATUS_SUCCESS;
}
