/*
 * Handles that stay open between calls
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "kept.h"

/* not in mingw-w64's <winternl.h>; ntdll's symbols have the structure, and SemaphoreBasicInformation as 0 */
struct semaphore_info
{
    LONG count, maximum;
};

extern LONG NTAPI NtQuerySemaphore( HANDLE handle, int class, void *info, ULONG size, ULONG *ret_size );

/* The canary is a semaphore, and its maximum is its number, which no other one of the process is likely to have. */
static kept_handle canary;

/* handles have 32 bits, also in 64-bit programs */
static kept_handle pack( HANDLE handle, ULONG number )
{
    return (LONG64)(ULONG)(ULONG_PTR)handle << 32 | number;
}

static HANDLE get_handle( kept_handle kept )
{
    return (HANDLE)(ULONG_PTR)(ULONG)(kept >> 32);
}

/* in one piece, also in 32-bit programs */
static kept_handle load( const kept_handle *kept )
{
    return InterlockedCompareExchange64( (LONG64 *)kept, 0, 0 );
}

static BOOL lives( kept_handle kept )
{
    struct semaphore_info info;

    return kept && !NtQuerySemaphore( get_handle( kept ), 0, &info, sizeof(info), NULL ) && info.maximum == (LONG)kept;
}

void protect_handle( HANDLE handle )
{
    SetHandleInformation( handle, HANDLE_FLAG_PROTECT_FROM_CLOSE, HANDLE_FLAG_PROTECT_FROM_CLOSE );
}

static void unprotect_and_close( HANDLE handle )
{
    SetHandleInformation( handle, HANDLE_FLAG_PROTECT_FROM_CLOSE, 0 );
    CloseHandle( handle );
}

static kept_handle make_canary(void)
{
    static LONG last;
    LARGE_INTEGER now;
    ULONG number;
    HANDLE handle;

    QueryPerformanceCounter( &now );
    number = ((now.LowPart ^ GetCurrentProcessId() << 16) + InterlockedIncrement( &last )) & 0x7fffffff;
    if (!number) number = 1;
    if (!(handle = CreateSemaphoreW( NULL, 0, number, NULL ))) return 0;
    protect_handle( handle );
    return pack( handle, number );
}

ULONG kept_canary(void)
{
    DWORD error = GetLastError();
    kept_handle old = load( &canary ), made;

    if (!lives( old ))
    {
        if (!(made = make_canary())) return 0;
        /* another thread may have been first */
        if (InterlockedCompareExchange64( &canary, made, old ) != old) unprotect_and_close( get_handle( made ) );
        old = load( &canary );
    }
    SetLastError( error );
    return (ULONG)old;
}

void close_protected( HANDLE handle, ULONG number )
{
    kept_handle now = load( &canary );

    if (handle && (ULONG)now == number && lives( now )) unprotect_and_close( handle );
}

HANDLE kept_get( const kept_handle *kept )
{
    kept_handle now = load( kept );

    return now && kept_canary() == (ULONG)now ? get_handle( now ) : NULL;
}

HANDLE kept_put( kept_handle *kept, HANDLE handle, ULONG number )
{
    kept_handle old = load( kept ), made = pack( handle, number );

    protect_handle( handle );
    if ((ULONG)old != number && InterlockedCompareExchange64( kept, made, old ) == old) return handle;
    unprotect_and_close( handle );
    return get_handle( load( kept ) );
}

void kept_close( kept_handle *kept )
{
    kept_handle now = load( kept );

    if (now) close_protected( get_handle( now ), (ULONG)now );
    *kept = 0;
}

HANDLE kept_event( kept_handle *kept )
{
    HANDLE event = kept_get( kept );
    ULONG number;

    if (event || !(number = kept_canary()) || !(event = CreateEventW( NULL, FALSE, FALSE, NULL ))) return event;
    return kept_put( kept, event, number );
}

void kept_unload(void)
{
    kept_handle now = load( &canary );

    if (lives( now )) unprotect_and_close( get_handle( now ) );
    canary = 0;
}
