/*
 * As much of Windows as the store and the state's file need, for native tests
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_TESTS_WIN32_WINDOWS_H
#define PORTRES_TESTS_WIN32_WINDOWS_H

/* Functions and types have the names of Windows; what they do is in tests/store/world.c. The values are those of Microsoft's reference. */

#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

#include "status.h"

#define WINAPI
#define CDECL
#define MAX_PATH 260
#define TRUE  1
#define FALSE 0

typedef int      BOOL;
typedef uint8_t  BYTE;
typedef uint32_t DWORD;
typedef uint32_t UINT;
typedef uint32_t ULONG;
typedef uint32_t REGSAM;
typedef int32_t  LONG;
typedef int32_t  LSTATUS;
typedef wchar_t  WCHAR;
typedef void    *HANDLE;
typedef struct world_key *HKEY;
typedef void    *HMODULE;
typedef void   (*FARPROC)(void);

typedef union { int64_t QuadPart; } LARGE_INTEGER;
typedef struct { uint64_t Internal; DWORD Offset; } OVERLAPPED;
typedef struct { LARGE_INTEGER BootTime; } SYSTEM_TIMEOFDAY_INFORMATION;
typedef struct { int unused; } SECURITY_ATTRIBUTES, ACL;
typedef enum { SystemTimeOfDayInformation = 3 } SYSTEM_INFORMATION_CLASS;

#define INVALID_HANDLE_VALUE     ((HANDLE)-1)
#define INVALID_FILE_SIZE        0xffffffffu
#define INVALID_SET_FILE_POINTER 0xffffffffu

#define GENERIC_READ  0x80000000u
#define GENERIC_WRITE 0x40000000u
#define FILE_SHARE_READ   1
#define FILE_SHARE_WRITE  2
#define FILE_SHARE_DELETE 4
#define CREATE_NEW    1
#define CREATE_ALWAYS 2
#define OPEN_EXISTING 3
#define OPEN_ALWAYS   4
#define FILE_ATTRIBUTE_NORMAL      0x80
#define FILE_FLAG_BACKUP_SEMANTICS 0x02000000
#define FILE_BEGIN 0
#define MOVEFILE_REPLACE_EXISTING 1

#define ERROR_SUCCESS             0
#define ERROR_FILE_NOT_FOUND      2
#define ERROR_PATH_NOT_FOUND      3
#define ERROR_TOO_MANY_OPEN_FILES 4
#define ERROR_ACCESS_DENIED       5
#define ERROR_NOT_ENOUGH_MEMORY   8
#define ERROR_OUTOFMEMORY         14
#define ERROR_WRITE_PROTECT       19
#define ERROR_HANDLE_DISK_FULL    39
#define ERROR_FILE_EXISTS         80
#define ERROR_INVALID_PARAMETER   87
#define ERROR_DISK_FULL           112
#define ERROR_ALREADY_EXISTS      183
#define ERROR_MORE_DATA           234
#define ERROR_NO_MORE_ITEMS       259
#define ERROR_KEY_DELETED         1018
#define ERROR_NO_SYSTEM_RESOURCES 1450

#define STATUS_KEY_DELETED ((NTSTATUS)0xc000017c)

#define HKEY_LOCAL_MACHINE ((HKEY)(uintptr_t)0x80000002)
#define KEY_QUERY_VALUE  1
#define KEY_SET_VALUE    2
#define KEY_NOTIFY       16
#define KEY_WOW64_64KEY  0x100
#define REG_NONE   0
#define REG_SZ     1
#define REG_BINARY 3
#define REG_NOTIFY_CHANGE_NAME     1
#define REG_NOTIFY_CHANGE_LAST_SET 4

extern DWORD GetLastError(void);
extern HANDLE CreateFileW( const WCHAR *path, DWORD access, DWORD share, SECURITY_ATTRIBUTES *security, DWORD disposition, DWORD flags,
                           HANDLE template );
extern BOOL CloseHandle( HANDLE handle );
extern BOOL ReadFile( HANDLE file, void *data, DWORD size, DWORD *count, OVERLAPPED *overlapped );
extern BOOL WriteFile( HANDLE file, const void *data, DWORD size, DWORD *count, OVERLAPPED *overlapped );
extern BOOL GetFileSizeEx( HANDLE file, LARGE_INTEGER *size );
extern DWORD GetFileSize( HANDLE file, DWORD *high );
extern BOOL SetFilePointerEx( HANDLE file, LARGE_INTEGER pos, LARGE_INTEGER *ret, DWORD method );
extern DWORD SetFilePointer( HANDLE file, LONG pos, LONG *high, DWORD method );
extern BOOL SetEndOfFile( HANDLE file );
extern BOOL FlushFileBuffers( HANDLE file );
extern BOOL MoveFileExW( const WCHAR *from, const WCHAR *to, DWORD flags );
extern BOOL CopyFileW( const WCHAR *from, const WCHAR *to, BOOL fail_if_exists );
extern BOOL DeleteFileW( const WCHAR *path );

extern HANDLE CreateEventW( SECURITY_ATTRIBUTES *security, BOOL manual, BOOL state, const WCHAR *name );
extern BOOL ResetEvent( HANDLE event );
extern DWORD WaitForSingleObject( HANDLE handle, DWORD timeout );

extern LSTATUS RegCreateKeyExW( HKEY parent, const WCHAR *path, DWORD reserved, WCHAR *class, DWORD options, REGSAM access,
                                SECURITY_ATTRIBUTES *security, HKEY *key, DWORD *disposition );
extern LSTATUS RegOpenKeyExW( HKEY parent, const WCHAR *path, DWORD options, REGSAM access, HKEY *key );
extern LSTATUS RegCloseKey( HKEY key );
extern LSTATUS RegQueryValueExW( HKEY key, const WCHAR *name, DWORD *reserved, DWORD *type, BYTE *data, DWORD *size );
extern LSTATUS RegSetValueExW( HKEY key, const WCHAR *name, DWORD reserved, DWORD type, const BYTE *data, DWORD size );
extern LSTATUS RegDeleteValueW( HKEY key, const WCHAR *name );
extern LSTATUS RegEnumValueW( HKEY key, DWORD index, WCHAR *name, DWORD *name_len, DWORD *reserved, DWORD *type, BYTE *data, DWORD *size );
extern LSTATUS RegNotifyChangeKeyValue( HKEY key, BOOL subtree, DWORD filter, HANDLE event, BOOL asynchronous );

extern HMODULE GetModuleHandleW( const WCHAR *name );
extern FARPROC GetProcAddress( HMODULE module, const char *name );
extern UINT GetWindowsDirectoryW( WCHAR *path, UINT size );
extern int MultiByteToWideChar( UINT code_page, DWORD flags, const char *src, int src_len, WCHAR *dst, int dst_len );
extern HANDLE GetProcessHeap(void);
extern BOOL HeapFree( HANDLE heap, DWORD flags, void *memory );

extern NTSTATUS NtQuerySystemInformation( SYSTEM_INFORMATION_CLASS class, void *info, ULONG size, ULONG *ret_size );

#endif /* PORTRES_TESTS_WIN32_WINDOWS_H */
