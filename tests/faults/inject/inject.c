/*
 * Making the server's calls fail
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Every call of the server that goes out of its own code does so through the import table, memory included, or through the table of
 * Winsock's functions. Both are led through the functions below, each of which counts, and fails when it is told to, with an error
 * that the real one gives when the system has no more of what it needs.
 *
 * Left out is what has no way to fail for a caller that passes what it was given: CloseHandle, closesocket, RegCloseKey, LocalFree,
 * FreeSid, HeapFree, GetCurrentProcess and its like, the clock. */

#include "wsock.h"

#include <windows.h>
#include <aclapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "pool.h"
#include "portmap.h"
#include "portserver.h"
#include "reservation.h"
#include "status.h"
#include "task.h"
#include "../faults.h"

/* of main.c */
#define KEY_PIPE  1
#define KEY_GUARD 3

static char *image;  /* the program, where it was loaded */
static struct faults *faults;

static int hit( int function, int kinds, void *site )
{
    ULONG offset = (char *)site - image;
    LONG call, step;

    if (!faults || !faults->armed) return 0;
    call = InterlockedIncrement( &faults->calls );
    step = faults->step;
    if (call <= MAX_FAULT_CALLS)
    {
        struct fault_call *entry = &faults->call[call - 1];

        entry->site = offset;
        entry->function = function;
        entry->step = step;
        entry->kinds = kinds;
    }
    if (function != faults->function)
    {
        if (!faults->fail_at || offset != faults->fail.site || step != faults->fail.step) return 0;
        if (InterlockedIncrement( &faults->seen ) != faults->fail_at) return 0;
    }
    if (faults->kind >= kinds) return 0;
    InterlockedIncrement( &faults->fired );
    return 1;
}

/* ---- the functions ---- */

/* F( type, convention, name, parameters, arguments, what the caller gets instead )
 * G: with a second way to fail, written out below */
#define GIVE( error, value ) SetLastError( error ); return value
#define FUNCTIONS \
F( HANDLE, WINAPI, CreateIoCompletionPort, (HANDLE a, HANDLE b, ULONG_PTR c, DWORD d), (a, b, c, d), GIVE( ERROR_NO_SYSTEM_RESOURCES, NULL ) ) \
F( HANDLE, WINAPI, CreateNamedPipeW, (LPCWSTR a, DWORD b, DWORD c, DWORD d, DWORD e, DWORD f, DWORD g, LPSECURITY_ATTRIBUTES h), \
   (a, b, c, d, e, f, g, h), GIVE( ERROR_NO_SYSTEM_RESOURCES, INVALID_HANDLE_VALUE ) ) \
F( BOOL, WINAPI, PostQueuedCompletionStatus, (HANDLE a, DWORD b, ULONG_PTR c, LPOVERLAPPED d), (a, b, c, d), GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ) ) \
F( BOOL, WINAPI, GetNamedPipeClientProcessId, (HANDLE a, PULONG b), (a, b), GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ) ) \
F( HANDLE, WINAPI, CreateMutexW, (LPSECURITY_ATTRIBUTES a, BOOL b, LPCWSTR c), (a, b, c), GIVE( ERROR_NO_SYSTEM_RESOURCES, NULL ) ) \
F( HANDLE, WINAPI, CreateEventW, (LPSECURITY_ATTRIBUTES a, BOOL b, BOOL c, LPCWSTR d), (a, b, c, d), GIVE( ERROR_NO_SYSTEM_RESOURCES, NULL ) ) \
F( BOOL, WINAPI, SetKernelObjectSecurity, (HANDLE a, SECURITY_INFORMATION b, PSECURITY_DESCRIPTOR c), (a, b, c), GIVE( ERROR_ACCESS_DENIED, FALSE ) ) \
F( HANDLE, WINAPI, OpenProcess, (DWORD a, BOOL b, DWORD c), (a, b, c), GIVE( ERROR_NOT_ENOUGH_MEMORY, NULL ) ) \
F( BOOL, WINAPI, GetProcessTimes, (HANDLE a, LPFILETIME b, LPFILETIME c, LPFILETIME d, LPFILETIME e), (a, b, c, d, e), GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ) ) \
F( BOOL, WINAPI, OpenProcessToken, (HANDLE a, DWORD b, PHANDLE c), (a, b, c), GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ) ) \
F( BOOL, WINAPI, GetTokenInformation, (HANDLE a, TOKEN_INFORMATION_CLASS b, LPVOID c, DWORD d, PDWORD e), (a, b, c, d, e), GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ) ) \
F( BOOL, WINAPI, AllocateAndInitializeSid, (PSID_IDENTIFIER_AUTHORITY a, BYTE b, DWORD c, DWORD d, DWORD e, DWORD f, DWORD g, DWORD h, DWORD i, DWORD j, PSID *k), \
   (a, b, c, d, e, f, g, h, i, j, k), GIVE( ERROR_NOT_ENOUGH_MEMORY, FALSE ) ) \
F( BOOLEAN, WINAPI, SystemFunction036, (void *a, ULONG b), (a, b), GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ) ) \
F( DWORD, WINAPI, SetEntriesInAclW, (ULONG a, PEXPLICIT_ACCESSW b, PACL c, PACL *d), (a, b, c, d), return ERROR_NOT_ENOUGH_MEMORY ) \
F( DWORD, WINAPI, SetSecurityInfo, (HANDLE a, SE_OBJECT_TYPE b, SECURITY_INFORMATION c, PSID d, PSID e, PACL f, PACL g), (a, b, c, d, e, f, g), return ERROR_NOT_ENOUGH_MEMORY ) \
F( BOOL, WINAPI, InitializeSecurityDescriptor, (PSECURITY_DESCRIPTOR a, DWORD b), (a, b), GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ) ) \
F( BOOL, WINAPI, SetSecurityDescriptorDacl, (PSECURITY_DESCRIPTOR a, BOOL b, PACL c, BOOL d), (a, b, c, d), GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ) ) \
F( HANDLE, WINAPI, OpenFileMappingW, (DWORD a, BOOL b, LPCWSTR c), (a, b, c), GIVE( ERROR_NO_SYSTEM_RESOURCES, NULL ) ) \
F( HANDLE, WINAPI, CreateFileMappingW, (HANDLE a, LPSECURITY_ATTRIBUTES b, DWORD c, DWORD d, DWORD e, LPCWSTR f), (a, b, c, d, e, f), GIVE( ERROR_DISK_FULL, NULL ) ) \
F( HANDLE, WINAPI, CreateFileW, (LPCWSTR a, DWORD b, DWORD c, LPSECURITY_ATTRIBUTES d, DWORD e, DWORD f, HANDLE g), (a, b, c, d, e, f, g), \
   GIVE( ERROR_TOO_MANY_OPEN_FILES, INVALID_HANDLE_VALUE ) ) \
F( DWORD, WINAPI, GetFileSize, (HANDLE a, LPDWORD b), (a, b), GIVE( ERROR_NO_SYSTEM_RESOURCES, INVALID_FILE_SIZE ) ) \
F( BOOL, WINAPI, GetFileSizeEx, (HANDLE a, PLARGE_INTEGER b), (a, b), GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ) ) \
F( DWORD, WINAPI, SetFilePointer, (HANDLE a, LONG b, PLONG c, DWORD d), (a, b, c, d), GIVE( ERROR_NO_SYSTEM_RESOURCES, INVALID_SET_FILE_POINTER ) ) \
F( BOOL, WINAPI, SetFilePointerEx, (HANDLE a, LARGE_INTEGER b, PLARGE_INTEGER c, DWORD d), (a, b, c, d), GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ) ) \
F( BOOL, WINAPI, SetEndOfFile, (HANDLE a), (a), GIVE( ERROR_DISK_FULL, FALSE ) ) \
F( BOOL, WINAPI, FlushFileBuffers, (HANDLE a), (a), GIVE( ERROR_DISK_FULL, FALSE ) ) \
F( BOOL, WINAPI, MoveFileExW, (LPCWSTR a, LPCWSTR b, DWORD c), (a, b, c), GIVE( ERROR_DISK_FULL, FALSE ) ) \
F( BOOL, WINAPI, CopyFileW, (LPCWSTR a, LPCWSTR b, BOOL c), (a, b, c), GIVE( ERROR_DISK_FULL, FALSE ) ) \
F( BOOL, WINAPI, DeleteFileW, (LPCWSTR a), (a), GIVE( ERROR_ACCESS_DENIED, FALSE ) ) \
F( DWORD, WINAPI, GetFileAttributesW, (LPCWSTR a), (a), GIVE( ERROR_NO_SYSTEM_RESOURCES, INVALID_FILE_ATTRIBUTES ) ) \
F( DWORD, WINAPI, GetModuleFileNameW, (HMODULE a, LPWSTR b, DWORD c), (a, b, c), GIVE( ERROR_NOT_ENOUGH_MEMORY, 0 ) ) \
F( UINT, WINAPI, GetSystemDirectoryW, (LPWSTR a, UINT b), (a, b), GIVE( ERROR_NOT_ENOUGH_MEMORY, 0 ) ) \
F( UINT, WINAPI, GetWindowsDirectoryW, (LPWSTR a, UINT b), (a, b), GIVE( ERROR_NOT_ENOUGH_MEMORY, 0 ) ) \
F( int, WINAPI, MultiByteToWideChar, (UINT a, DWORD b, LPCCH c, int d, LPWSTR e, int f), (a, b, c, d, e, f), GIVE( ERROR_INSUFFICIENT_BUFFER, 0 ) ) \
F( HMODULE, WINAPI, LoadLibraryW, (LPCWSTR a), (a), GIVE( ERROR_NOT_ENOUGH_MEMORY, NULL ) ) \
F( HMODULE, WINAPI, GetModuleHandleW, (LPCWSTR a), (a), GIVE( ERROR_MOD_NOT_FOUND, NULL ) ) \
F( LSTATUS, WINAPI, RegCreateKeyExW, (HKEY a, LPCWSTR b, DWORD c, LPWSTR d, DWORD e, REGSAM f, LPSECURITY_ATTRIBUTES g, PHKEY h, LPDWORD i), \
   (a, b, c, d, e, f, g, h, i), return ERROR_NO_SYSTEM_RESOURCES ) \
F( LSTATUS, WINAPI, RegOpenKeyExW, (HKEY a, LPCWSTR b, DWORD c, REGSAM d, PHKEY e), (a, b, c, d, e), return ERROR_NO_SYSTEM_RESOURCES ) \
F( LSTATUS, WINAPI, RegNotifyChangeKeyValue, (HKEY a, BOOL b, DWORD c, HANDLE d, BOOL e), (a, b, c, d, e), return ERROR_NO_SYSTEM_RESOURCES ) \
F( LSTATUS, WINAPI, RegEnumValueW, (HKEY a, DWORD b, LPWSTR c, LPDWORD d, LPDWORD e, LPDWORD f, LPBYTE g, LPDWORD h), (a, b, c, d, e, f, g, h), return ERROR_NOT_ENOUGH_MEMORY ) \
F( LSTATUS, WINAPI, RegQueryValueExW, (HKEY a, LPCWSTR b, LPDWORD c, LPDWORD d, LPBYTE e, LPDWORD f), (a, b, c, d, e, f), return ERROR_NOT_ENOUGH_MEMORY ) \
F( LSTATUS, WINAPI, RegSetValueExW, (HKEY a, LPCWSTR b, DWORD c, DWORD d, const BYTE *e, DWORD f), (a, b, c, d, e, f), return ERROR_NOT_ENOUGH_MEMORY ) \
F( LSTATUS, WINAPI, RegDeleteValueW, (HKEY a, LPCWSTR b), (a, b), return ERROR_NOT_ENOUGH_MEMORY ) \
F( BOOL, WINAPI, DuplicateHandle, (HANDLE a, HANDLE b, HANDLE c, LPHANDLE d, DWORD e, BOOL f, DWORD g), (a, b, c, d, e, f, g), GIVE( ERROR_TOO_MANY_OPEN_FILES, FALSE ) ) \
F( NTSTATUS, NTAPI, NtQueryInformationFile, (HANDLE a, PIO_STATUS_BLOCK b, void *c, ULONG d, FILE_INFORMATION_CLASS e), (a, b, c, d, e), return STATUS_INSUFFICIENT_RESOURCES ) \
F( NTSTATUS, NTAPI, NtQuerySystemInformation, (SYSTEM_INFORMATION_CLASS a, PVOID b, ULONG c, PULONG d), (a, b, c, d), return STATUS_NO_MEMORY ) \
F( BOOL, WINAPI, CreateProcessW, (LPCWSTR a, LPWSTR b, LPSECURITY_ATTRIBUTES c, LPSECURITY_ATTRIBUTES d, BOOL e, DWORD f, LPVOID g, LPCWSTR h, LPSTARTUPINFOW i, LPPROCESS_INFORMATION j), \
   (a, b, c, d, e, f, g, h, i, j), GIVE( ERROR_NOT_ENOUGH_MEMORY, FALSE ) ) \
F( BOOL, WINAPI, SetFileCompletionNotificationModes, (HANDLE a, UCHAR b), (a, b), GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ) ) \
F( BOOL, WINAPI, SetHandleInformation, (HANDLE a, DWORD b, DWORD c), (a, b, c), GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ) ) \
F( HANDLE, WINAPI, GetStdHandle, (DWORD a), (a), return INVALID_HANDLE_VALUE ) \
F( SERVICE_STATUS_HANDLE, WINAPI, RegisterServiceCtrlHandlerExW, (LPCWSTR a, LPHANDLER_FUNCTION_EX b, LPVOID c), (a, b, c), GIVE( ERROR_NOT_ENOUGH_MEMORY, NULL ) ) \
F( BOOL, WINAPI, SetServiceStatus, (SERVICE_STATUS_HANDLE a, LPSERVICE_STATUS b), (a, b), GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ) ) \
F( BOOL, WINAPI, StartServiceCtrlDispatcherW, (const SERVICE_TABLE_ENTRYW *a), (a), GIVE( ERROR_NOT_ENOUGH_MEMORY, FALSE ) ) \
F( LPVOID, WINAPI, ConvertThreadToFiber, (LPVOID a), (a), GIVE( ERROR_NOT_ENOUGH_MEMORY, NULL ) ) \
F( LPVOID, WINAPI, CreateFiberEx, (SIZE_T a, SIZE_T b, DWORD c, LPFIBER_START_ROUTINE d, LPVOID e), (a, b, c, d, e), GIVE( ERROR_NOT_ENOUGH_MEMORY, NULL ) ) \
G( NTSTATUS, NTAPI, NtDeviceIoControlFile, (HANDLE a, HANDLE b, PIO_APC_ROUTINE c, PVOID d, PIO_STATUS_BLOCK e, ULONG f, PVOID g, ULONG h, PVOID i, ULONG j) ) \
G( BOOL, WINAPI, GetOverlappedResult, (HANDLE a, LPOVERLAPPED b, LPDWORD c, BOOL d) ) \
G( void *, __cdecl, malloc, (size_t a) ) \
G( void *, __cdecl, calloc, (size_t a, size_t b) ) \
G( void *, __cdecl, realloc, (void *a, size_t b) ) \
G( void, __cdecl, free, (void *a) ) \
G( BOOL, WINAPI, GetQueuedCompletionStatus, (HANDLE a, LPDWORD b, PULONG_PTR c, LPOVERLAPPED *d, DWORD e) ) \
G( BOOL, WINAPI, ReadFile, (HANDLE a, LPVOID b, DWORD c, LPDWORD d, LPOVERLAPPED e) ) \
G( BOOL, WINAPI, WriteFile, (HANDLE a, LPCVOID b, DWORD c, LPDWORD d, LPOVERLAPPED e) ) \
G( BOOL, WINAPI, ConnectNamedPipe, (HANDLE a, LPOVERLAPPED b) ) \
G( LPVOID, WINAPI, MapViewOfFile, (HANDLE a, DWORD b, DWORD c, DWORD d, SIZE_T e) ) \
G( FARPROC, WINAPI, GetProcAddress, (HMODULE a, LPCSTR b) )

/* the functions of Winsock that the server uses, reached by GetProcAddress */
#define SOCKET_FUNCTIONS \
F( int, WSAAPI, WSAStartup, (WORD a, WSADATA *b), (a, b), return WSASYSNOTREADY ) \
F( SOCKET, WSAAPI, WSASocketW, (int a, int b, int c, WSAPROTOCOL_INFOW *d, GROUP e, DWORD f), (a, b, c, d, e, f), GIVE( WSAEMFILE, INVALID_SOCKET ) ) \
F( int, WSAAPI, bind, (SOCKET a, const struct sockaddr *b, int c), (a, b, c), GIVE( WSAENOBUFS, SOCKET_ERROR ) ) \
F( int, WSAAPI, listen, (SOCKET a, int b), (a, b), GIVE( WSAENOBUFS, SOCKET_ERROR ) ) \
F( SOCKET, WSAAPI, accept, (SOCKET a, struct sockaddr *b, int *c), (a, b, c), GIVE( WSAEMFILE, INVALID_SOCKET ) ) \
F( int, WSAAPI, connect, (SOCKET a, const struct sockaddr *b, int c), (a, b, c), GIVE( WSAENOBUFS, SOCKET_ERROR ) ) \
F( int, WSAAPI, getsockname, (SOCKET a, struct sockaddr *b, int *c), (a, b, c), GIVE( WSAENOBUFS, SOCKET_ERROR ) ) \
F( int, WSAAPI, setsockopt, (SOCKET a, int b, int c, const char *d, int e), (a, b, c, d, e), GIVE( WSAENOBUFS, SOCKET_ERROR ) ) \
F( int, WSAAPI, select, (int a, fd_set *b, fd_set *c, fd_set *d, const struct timeval *e), (a, b, c, d, e), GIVE( WSAENOBUFS, SOCKET_ERROR ) )

enum
{
#define F( type, conv, name, params, args, failure ) FN_##name,
#define G( type, conv, name, params ) FN_##name,
    FUNCTIONS
    FN_SOCKETS,
    FN_BEFORE_SOCKETS = FN_SOCKETS - 1,
    SOCKET_FUNCTIONS
    FN_COUNT,
    FN_portguard = FN_COUNT  /* its end, which is no call: GetQueuedCompletionStatus tells of it */
#undef F
#undef G
};

/* NOLINTBEGIN(bugprone-macro-parentheses): a type and a list of parameters can't have any */
#define F( type, conv, name, params, args, failure ) static type (conv *real_##name) params;
#define G( type, conv, name, params ) static type (conv *real_##name) params; static type conv fault_##name params;
FUNCTIONS
SOCKET_FUNCTIONS
#undef F
#undef G
/* NOLINTEND(bugprone-macro-parentheses) */

#define F( type, conv, name, params, args, failure ) \
static type conv fault_##name params \
{ \
    if (hit( FN_##name, 1, __builtin_return_address( 0 ))) { failure; } \
    return real_##name args; \
}
#define G( type, conv, name, params )
FUNCTIONS
SOCKET_FUNCTIONS
#undef F
#undef G

#define HIT( name, kinds ) hit( FN_##name, kinds, __builtin_return_address( 0 ) )

static void violate( const char *what, unsigned int a, unsigned int b )
{
    if (!faults->violation[0]) snprintf( faults->violation, sizeof(faults->violation), "%s (%u, %u)", what, a, b );
}

/* ---- transfers ---- */

/* The system writes to an OVERLAPPED until its operation has ended: it belongs to one, and stays where it is. */
static const OVERLAPPED *transfers[256];
static unsigned int transfer_count;

static unsigned int find_transfer( const OVERLAPPED *overlapped )
{
    unsigned int i;

    for (i = 0; i < transfer_count && transfers[i] != overlapped; i++) ;
    return i;
}

static void check_transfer( const OVERLAPPED *overlapped )
{
    if (faults && overlapped && find_transfer( overlapped ) < transfer_count) violate( "an OVERLAPPED in two operations", 0, 0 );
}

static void transfer_begun( const OVERLAPPED *overlapped )
{
    if (faults && transfer_count < sizeof(transfers) / sizeof(transfers[0])) transfers[transfer_count++] = overlapped;
}

static void transfer_ended( const OVERLAPPED *overlapped )
{
    unsigned int i = find_transfer( overlapped );

    if (i < transfer_count) transfers[i] = transfers[--transfer_count];
}

static void check_free( const char *block )
{
    unsigned int i;

    for (i = 0; faults && block && i < transfer_count; i++)
        if ((const char *)transfers[i] >= block && (const char *)transfers[i] < block + _msize( (void *)block ))
            violate( "memory of an operation is freed", 0, 0 );
}

static BOOL WINAPI fault_GetOverlappedResult( HANDLE a, LPOVERLAPPED b, LPDWORD c, BOOL d )
{
    BOOL ret = real_GetOverlappedResult( a, b, c, d );

    if (ret || GetLastError() != ERROR_IO_INCOMPLETE) transfer_ended( b );
    if (HIT( GetOverlappedResult, 1 )) { GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ); }
    return ret;
}

/* The polls' completion comes from the port, and finds them by what is their context; others are waited for. */
static NTSTATUS NTAPI fault_NtDeviceIoControlFile( HANDLE a, HANDLE b, PIO_APC_ROUTINE c, PVOID d, PIO_STATUS_BLOCK e, ULONG f, PVOID g,
                                                   ULONG h, PVOID i, ULONG j )
{
    NTSTATUS status;

    if (HIT( NtDeviceIoControlFile, 1 )) return STATUS_INSUFFICIENT_RESOURCES;
    check_transfer( d );
    status = real_NtDeviceIoControlFile( a, b, c, d, e, f, g, h, i, j );
    if (d && status == STATUS_PENDING) transfer_begun( d );
    return status;
}

/* ---- memory ---- */

static void *fault_malloc( size_t a )
{
    void *ret = HIT( malloc, 1 ) ? NULL : real_malloc( a );

    if (ret && faults) InterlockedIncrement( &faults->blocks );
    return ret;
}

/* The big block that was freed last. The next one of its size gets it: who compares pointers takes the new one for the old one. */
static void *last_freed;

static void *reuse( size_t size )
{
    void *ret = last_freed;

    if (!ret || _msize( ret ) != size) return NULL;
    last_freed = NULL;
    return memset( ret, 0, size );
}

static void keep( void *block )
{
    if (block && _msize( block ) >= 4096)
    {
        void *older = last_freed;

        last_freed = block;
        block = older;
    }
    real_free( block );
}

static void *fault_calloc( size_t a, size_t b )
{
    void *ret = NULL;

    if (!HIT( calloc, 1 ) && !(ret = reuse( a * b ))) ret = real_calloc( a, b );
    if (ret && faults) InterlockedIncrement( &faults->blocks );
    return ret;
}

static void *fault_realloc( void *a, size_t b )
{
    void *ret = HIT( realloc, 1 ) ? NULL : real_realloc( a, b );

    if (ret && !a && faults) InterlockedIncrement( &faults->blocks );
    return ret;
}

static void fault_free( void *a )
{
    check_free( a );
    if (a && faults) InterlockedDecrement( &faults->blocks );
    keep( a );
}

/* ---- files and pipes ---- */

static BOOL note_transfer( BOOL ret, const OVERLAPPED *overlapped )
{
    if (overlapped && !ret && GetLastError() == ERROR_IO_PENDING) transfer_begun( overlapped );
    return ret;
}

/* A pipe's calls are overlapped, and say there what was transferred; a file may also be full in the middle of a write, or end before
 * the size that it had. */
static BOOL WINAPI fault_ReadFile( HANDLE a, LPVOID b, DWORD c, LPDWORD d, LPOVERLAPPED e )
{
    if (HIT( ReadFile, d ? 2 : 1 ))
    {
        if (!faults->kind) { GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ); }
        *d = 0;
        return TRUE;
    }
    check_transfer( e );
    return note_transfer( real_ReadFile( a, b, c, d, e ), e );
}

static BOOL WINAPI fault_WriteFile( HANDLE a, LPCVOID b, DWORD c, LPDWORD d, LPOVERLAPPED e )
{
    if (HIT( WriteFile, d ? 2 : 1 ))
    {
        if (!faults->kind) { GIVE( d ? ERROR_DISK_FULL : ERROR_NO_SYSTEM_RESOURCES, FALSE ); }
        return real_WriteFile( a, b, c / 2, d, e );
    }
    check_transfer( e );
    return note_transfer( real_WriteFile( a, b, c, d, e ), e );
}

/* The second way is a client that has come and gone before anybody waited for it, which is no failure of the server's. */
static BOOL WINAPI fault_ConnectNamedPipe( HANDLE a, LPOVERLAPPED b )
{
    if (HIT( ConnectNamedPipe, 2 ))
    {
        HANDLE client;

        if (!faults->kind) { GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ); }
        client = real_CreateFileW( PORTSERVER_PIPE, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, 0 );
        if (client != INVALID_HANDLE_VALUE) CloseHandle( client );
    }
    check_transfer( b );
    return note_transfer( real_ConnectNamedPipe( a, b ), b );
}

/* A section has no pages before they are touched. When there are none to be had then, a touch ends the process. */
static LPVOID WINAPI fault_MapViewOfFile( HANDLE a, DWORD b, DWORD c, DWORD d, SIZE_T e )
{
    if (HIT( MapViewOfFile, 2 ))
    {
        if (!faults->kind) { GIVE( ERROR_NOT_ENOUGH_MEMORY, NULL ); }
        return VirtualAlloc( NULL, e, MEM_RESERVE, PAGE_NOACCESS );
    }
    return real_MapViewOfFile( a, b, c, d, e );
}

static FARPROC WINAPI fault_GetProcAddress( HMODULE a, LPCSTR b )
{
    static const struct { const char *name; void **real; void *fault; } sockets[] =
    {
#define F( type, conv, name, params, args, failure ) { #name, (void **)&real_##name, (void *)fault_##name },
        SOCKET_FUNCTIONS
#undef F
    };
    FARPROC ret;
    unsigned int i;

    if (HIT( GetProcAddress, 1 )) { GIVE( ERROR_PROC_NOT_FOUND, NULL ); }
    ret = real_GetProcAddress( a, b );
    for (i = 0; ret && i < sizeof(sockets) / sizeof(sockets[0]); i++)
    {
        if (strcmp( b, sockets[i].name )) continue;
        memcpy( sockets[i].real, &ret, sizeof(ret) );
        memcpy( &ret, &sockets[i].fault, sizeof(ret) );
    }
    return ret;
}

/* ---- the pool's invariants ---- */

static unsigned int list_length( const struct port_list *list )
{
    const struct port_list *entry;
    unsigned int count = 0;

    for (entry = list->next; entry != list; entry = entry->next) count++;
    return count;
}

/* Everything that the pool and the map say twice is the same both times. */
static void check_pool( const struct port_pool *pool )
{
    static const struct port_reservation *owners[2][POOL_PORTS];
    static uint16_t holders[2][POOL_PORTS];
    static const struct port_map *map;
    unsigned int i, port, runtime = 0, persistent = 0, live = 0, acquired = 0, linked = 0, associated = 0, foreign = 0, with = 0, sockets = 0;
    const struct port_reservation *reservation;
    const struct port_socket *holder;
    const struct sock *sock = NULL;

    memset( owners, 0, sizeof(owners) );
    memset( holders, 0, sizeof(holders) );
    for (i = 0; i < POOL_HASH_SIZE; i++)
    {
        for (reservation = pool->tokens[i]; reservation; reservation = reservation->hash_next)
        {
            int index = protocol_index( reservation->protocol );

            if (pool_find_token( pool, reservation->token ) != reservation) violate( "a token that is not found", i, 0 );
            if (reservation->kind == RESERVATION_RUNTIME) runtime++;
            else persistent++;
            /* one that ends until its reply is read is in the pool, and not in the map any more */
            if (reservation->state == RESERVATION_LIVE) live++;
            if ((reservation->kind == RESERVATION_RUNTIME) != !!reservation->sock)
                violate( "a reservation with the wrong socket", reservation->first, reservation->kind );
            if (reservation->sock && &sock_table_find( sock_from_ports( reservation->sock )->id )->ports != reservation->sock)
                violate( "a reservation of a socket that is not there", reservation->first, 0 );
            if (!block_is_valid( reservation->first, reservation->count ))
            {
                violate( "a block that can't be", reservation->first, reservation->count );
                continue;
            }
            for (port = reservation->first; port < reservation->first + reservation->count; port++)
            {
                if (owners[index][port]) violate( "a port in two reservations", index, port );
                owners[index][port] = reservation;
            }
            linked += list_length( &reservation->associated );
        }
    }
    while ((sock = sock_table_next( sock )))
    {
        const struct port_socket *ports = &sock->ports;

        if (sock_table_find( sock->id ) != sock) violate( "a socket that is not found", 0, 0 );
        sockets++;
        acquired += list_length( &ports->acquired );
        if (ports->associated) associated++;
        foreign += sock->foreign;
        if (ports->reservation && ports->associated) with++;
        if (ports->associated && ports->port) violate( "a socket that is associated and bound", ports->port, 0 );
        if (ports->port) holders[protocol_index( ports->protocol )][ports->port]++;
    }
    if (runtime != pool->runtime) violate( "number of runtime reservations", runtime, pool->runtime );
    if (persistent != pool->persistent) violate( "number of persistent reservations", persistent, pool->persistent );
    if (sockets != sock_table_count()) violate( "number of sockets", sockets, sock_table_count() );
    if (acquired != runtime) violate( "reservations of sockets", acquired, runtime );
    if (linked != with) violate( "sockets associated", linked, with );
    if (memcmp( owners, pool->owners, sizeof(owners) )) violate( "owners of ports", 0, 0 );
    for (i = 0; i < 2; i++)
    {
        for (port = 0; port < POOL_PORTS; port++)
        {
            for (holder = pool->holders[i][port]; holder; holder = holder->port_next) holders[i][port]--;
            if (holders[i][port]) violate( "holders of a port", i, port );
        }
    }

    if (!map)
    {
        HANDLE section = real_OpenFileMappingW( FILE_MAP_READ, FALSE, PORT_MAP_NAME );

        if (section) map = real_MapViewOfFile( section, FILE_MAP_READ, 0, 0, sizeof(*map) );
        if (section) CloseHandle( section );
    }
    if (!map) violate( "no port map", 0, 0 );
    else
    {
        if (map->reservations != live) violate( "reservations in the map", map->reservations, live );
        if (map->associated != associated) violate( "associated sockets in the map", map->associated, associated );
        if (map->foreign != foreign) violate( "sockets of others in the map", map->foreign, foreign );
        for (i = 0; i < 2; i++)
        {
            for (port = 0; port < POOL_PORTS; port++)
            {
                const struct port_reservation *owner = owners[i][port];

                if (map->ports[i][port] != (owner && owner->state == RESERVATION_LIVE ? owner->kind : 0))
                    violate( "a port in the map", i, port );
            }
        }
    }
    faults->checks++;
}

/* Here the server has done with a request. The second way to fail is a transfer that ends with an error. */
static BOOL WINAPI fault_GetQueuedCompletionStatus( HANDLE a, LPDWORD b, PULONG_PTR c, LPOVERLAPPED *d, DWORD e )
{
    BOOL ret;
    int fail;

    if (faults && faults->armed && faults->fired && reservations_pool() && !task_count()) check_pool( reservations_pool() );
    fail = HIT( GetQueuedCompletionStatus, 2 );
    if (fail && !faults->kind) { GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ); }
    ret = real_GetQueuedCompletionStatus( a, b, c, d, e );
    if (*d) transfer_ended( *d );
    if (ret && *d && *c == KEY_GUARD && hit( FN_portguard, 1, (char *)__builtin_return_address( 0 ) + 1 )) { GIVE( ERROR_NETNAME_DELETED, FALSE ); }
    if (fail && ret && *d && *c == KEY_PIPE) { GIVE( ERROR_NO_SYSTEM_RESOURCES, FALSE ); }
    return ret;
}

/* ---- the import table ---- */

static void replace_imports(void)
{
    static const struct { const char *name; void **real; void *fault; } functions[] =
    {
#define F( type, conv, name, params, args, failure ) { #name, (void **)&real_##name, (void *)fault_##name },
#define G( type, conv, name, params ) { #name, (void **)&real_##name, (void *)fault_##name },
        FUNCTIONS
#undef F
#undef G
    };
    const IMAGE_NT_HEADERS *nt = (IMAGE_NT_HEADERS *)(image + ((IMAGE_DOS_HEADER *)image)->e_lfanew);
    const IMAGE_IMPORT_DESCRIPTOR *import =
        (IMAGE_IMPORT_DESCRIPTOR *)(image + nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress);
    unsigned int i;
    DWORD old;

    for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        strncpy( faults->names[i], functions[i].name, sizeof(faults->names[i]) - 1 );
    i = FN_SOCKETS;
#define F( type, conv, name, params, args, failure ) strncpy( faults->names[i++], #name, sizeof(faults->names[0]) - 1 );
    SOCKET_FUNCTIONS
#undef F
    strcpy( faults->names[FN_portguard], "portguard" );
    faults->function_count = FN_COUNT;

    for (; import->Name; import++)
    {
        const IMAGE_THUNK_DATA *name = (IMAGE_THUNK_DATA *)(image + import->OriginalFirstThunk);
        IMAGE_THUNK_DATA *thunk = (IMAGE_THUNK_DATA *)(image + import->FirstThunk);

        for (; name->u1.AddressOfData; name++, thunk++)
        {
            if (IMAGE_SNAP_BY_ORDINAL( name->u1.Ordinal )) continue;
            for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
            {
                if (strcmp( (char *)((IMAGE_IMPORT_BY_NAME *)(image + name->u1.AddressOfData))->Name, functions[i].name )) continue;
                *functions[i].real = (void *)thunk->u1.Function;
                VirtualProtect( thunk, sizeof(*thunk), PAGE_READWRITE, &old );
                thunk->u1.Function = (ULONG_PTR)functions[i].fault;
                VirtualProtect( thunk, sizeof(*thunk), old, &old );
            }
        }
    }
}

static __attribute__((constructor)) void inject_init(void)
{
    HANDLE section = OpenFileMappingW( FILE_MAP_WRITE, FALSE, FAULTS_NAME );

    if (!section || !(faults = MapViewOfFile( section, FILE_MAP_WRITE, 0, 0, sizeof(*faults) )))
    {
        fprintf( stderr, "portserver_faults: runs under the driver of the fault tests only\n" );
        ExitProcess( 2 );
    }
    CloseHandle( section );
    faults->blocks = 0;
    image = (char *)GetModuleHandleW( NULL );
    replace_imports();
}
