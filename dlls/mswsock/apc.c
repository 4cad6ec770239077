/*
 * Completion routines of the service provider interface
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Winsock runs a completion routine on the thread that started the operation. Nearly always that is the thread that a caller of the
 * provider means as well. Where it is not, a thread of this DLL starts the operation, and hands the end of it on. */

#include "mswsock_private.h"

struct relayed
{
    struct relayed *next;
    WSAOVERLAPPED *overlapped;
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine;
    WSATHREADID thread;
    DWORD error, size, flags;
};

/* what the relay thread is asked to do, while somebody waits for it */
struct request
{
    const struct io_call *call;
    struct relayed *relayed;
    HANDLE done;
    int ret, error;
};

LPWPUQUEUEAPC upcall_queue_apc;

static INIT_ONCE relay_once = INIT_ONCE_STATIC_INIT;
static DWORD relay_thread_id;
static struct relayed *relayed_list;  /* the relay thread's own */

static int do_call( const struct io_call *call, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    switch (call->op)
    {
    case IO_IOCTL:
        return WSAIoctl( call->s, call->code, call->in, call->in_size, call->out, call->out_size, call->size,
                         call->overlapped, routine );
    case IO_RECV:
        return WSARecv( call->s, call->buffers, call->count, call->size, call->recv_flags, call->overlapped, routine );
    case IO_RECV_FROM:
        return WSARecvFrom( call->s, call->buffers, call->count, call->size, call->recv_flags, call->from, call->from_len,
                            call->overlapped, routine );
    case IO_SEND:
        return WSASend( call->s, call->buffers, call->count, call->size, call->send_flags, call->overlapped, routine );
    case IO_SEND_TO:
        return WSASendTo( call->s, call->buffers, call->count, call->size, call->send_flags, call->to, call->to_len,
                          call->overlapped, routine );
    }
    WSASetLastError( WSAEOPNOTSUPP );
    return SOCKET_ERROR;
}

static void unlink_relayed( struct relayed *relayed )
{
    struct relayed **ptr = &relayed_list;

    while (*ptr != relayed) ptr = &(*ptr)->next;
    *ptr = relayed->next;
}

/* on the thread that the routine is for */
static void CALLBACK call_routine( DWORD_PTR context )
{
    struct relayed relayed = *(struct relayed *)context;

    HeapFree( GetProcessHeap(), 0, (void *)context );
    relayed.routine( relayed.error, relayed.size, relayed.overlapped, relayed.flags );
}

/* on the relay thread, as all that follows until relay_proc() */
static void CALLBACK relay_routine( DWORD error, DWORD size, WSAOVERLAPPED *overlapped, DWORD flags )
{
    struct relayed *relayed = relayed_list;
    int queue_error;
    BOOL queued;

    while (relayed->overlapped != overlapped) relayed = relayed->next;
    unlink_relayed( relayed );
    relayed->error = error;
    relayed->size = size;
    relayed->flags = flags;
    if (upcall_queue_apc) queued = !upcall_queue_apc( &relayed->thread, call_routine, (DWORD_PTR)relayed, &queue_error );
    else queued = QueueUserAPC( call_routine, relayed->thread.ThreadHandle, (ULONG_PTR)relayed );
    if (!queued) HeapFree( GetProcessHeap(), 0, relayed );  /* the thread has ended */
}

static void CALLBACK relay_call( ULONG_PTR context )
{
    struct request *request = (struct request *)context;
    struct relayed *relayed = request->relayed;

    relayed->next = relayed_list;
    relayed_list = relayed;
    request->ret = do_call( request->call, relay_routine );
    request->error = request->ret ? WSAGetLastError() : 0;
    if (request->error && request->error != WSA_IO_PENDING)
    {
        unlink_relayed( relayed );
        HeapFree( GetProcessHeap(), 0, relayed );
    }
    SetEvent( request->done );
}

static DWORD CALLBACK relay_proc( void *arg )
{
    (void)arg;
    while (SleepEx( INFINITE, TRUE ) == WAIT_IO_COMPLETION) ;
    return 0;
}

static BOOL CALLBACK start_relay( INIT_ONCE *once, void *param, void **context )
{
    HMODULE module;
    HANDLE thread;

    (void)once;
    (void)param;
    (void)context;
    /* the thread stays, so its code has to */
    if (!GetModuleHandleExW( GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, (const WCHAR *)relay_proc,
                             &module )) return FALSE;
    if (!(thread = CreateThread( NULL, 0, relay_proc, NULL, 0, &relay_thread_id ))) return FALSE;
    CloseHandle( thread );
    return TRUE;
}

static int relay( const struct io_call *call, const WSATHREADID *thread, int *error )
{
    struct request request = { call, NULL, NULL, SOCKET_ERROR, WSAENOBUFS };
    HANDLE relay_thread;

    if (!InitOnceExecuteOnce( &relay_once, start_relay, NULL, NULL ) ||
        !(request.done = CreateEventW( NULL, TRUE, FALSE, NULL )))
    {
        *error = WSAENOBUFS;
        return SOCKET_ERROR;
    }
    /* no handle is kept, since programs close those that they do not know */
    relay_thread = OpenThread( THREAD_SET_CONTEXT, FALSE, relay_thread_id );
    if (relay_thread && (request.relayed = HeapAlloc( GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof(*request.relayed) )))
    {
        request.relayed->overlapped = call->overlapped;
        request.relayed->routine = call->routine;
        request.relayed->thread = *thread;
        if (QueueUserAPC( relay_call, relay_thread, (ULONG_PTR)&request )) WaitForSingleObject( request.done, INFINITE );
        else HeapFree( GetProcessHeap(), 0, request.relayed );
    }
    if (relay_thread) CloseHandle( relay_thread );
    CloseHandle( request.done );
    if (request.ret) *error = request.error;
    return request.ret;
}

static BOOL is_other_thread( const WSATHREADID *thread )
{
    DWORD id;

    if (!thread || !thread->ThreadHandle) return FALSE;
    id = GetThreadId( thread->ThreadHandle );
    return id && id != GetCurrentThreadId();
}

int io_do_call( const struct io_call *call, const WSATHREADID *thread, int *error )
{
    int ret;

    if (call->overlapped && call->routine && is_other_thread( thread )) return relay( call, thread, error );
    if ((ret = do_call( call, call->routine ))) *error = WSAGetLastError();
    return ret;
}
