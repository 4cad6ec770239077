/*
 * The stream to portguard
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include "wsock.h"
#include "guard_helper.h"
#include "guard_ring.h"
#include "guard_stream.h"
#include "path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#ifndef WSA_FLAG_NO_HANDLE_INHERIT
# define WSA_FLAG_NO_HANDLE_INHERIT 0x80
#endif

/* how Wine marks a process that uses the console of the Unix shell */
#define WINE_CONSOLE_OF_SHELL ((PVOID)(LONG_PTR)-4)

#define MAX_STRANGERS 100      /* that connect to the listener before this process does */
#define ACCEPT_TIME   2        /* s that the own connection may take */
#define SPIN_TIME     300      /* microseconds that a look into the ring may take; portguard needs 30 to 60 on a host that is not busy */
#define SPIN_PAUSE    8        /* calls without a look after a look that found nothing: on a busy host it keeps portguard itself from running */
#define SEND_TIME     10000    /* ms that a helper may take to read, before the main loop runs */
#define MAX_UNSENT    8000000  /* bytes kept for a helper that does not read */

/* of ntdll, in no header */
extern PEB * WINAPI RtlGetCurrentPeb(void);
extern LONG WINAPI NtYieldExecution(void);

/* bytes on their way */
struct buffer
{
    char  *data;
    size_t len, size;
};

struct operation
{
    OVERLAPPED     overlapped;
    struct stream *stream;
    BOOL           pending;   /* its end has not been seen */
    DWORD          size;      /* that was transferred, when it has ended at once */
    HANDLE         event;     /* that is waited for before the main loop runs */
};

/* Lives until both operations have ended. */
struct stream
{
    struct operation read, write;
    SOCKET           s;
    BOOL             skips;          /* the port hears nothing of operations that end at once */
    struct buffer    sending, next;  /* given to the system, and what comes after it */
    char             received[16384];
    struct ring_memory *memory;      /* NULL: there is no ring */
    HANDLE           wake;           /* the pipe */
    BOOL             ring;           /* it is in use; the socket brings bytes that say nothing but 'look there' */
    struct ring_end  requests, replies;
};

static struct stream *stream;
static unsigned int stream_count;  /* that were opened: the memory of one that was closed may be the next one's */
static HANDLE completion_port;
static ULONG_PTR completion_key;
static BOOL loop_runs;

void stream_init( HANDLE port, ULONG_PTR key )
{
    completion_port = port;
    completion_key = key;
}

static SOCKET create_socket(void)
{
    return winsock.WSASocketW( AF_INET, SOCK_STREAM, 0, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT );
}

/* Accept the connection from addr, and no other: another user of this machine may have been quicker. */
static SOCKET accept_from( SOCKET listener, const struct sockaddr_in *addr )
{
    unsigned int i;

    for (i = 0; i < MAX_STRANGERS; i++)
    {
        struct timeval timeout = { ACCEPT_TIME, 0 };
        struct sockaddr_in peer = { 0 };
        int len = sizeof(peer);
        fd_set readfds;
        SOCKET s;

        FD_ZERO( &readfds );
        FD_SET( listener, &readfds );
        if (winsock.select( 0, &readfds, NULL, NULL, &timeout ) != 1) break;
        if ((s = winsock.accept( listener, (struct sockaddr *)&peer, &len )) == INVALID_SOCKET) break;
        if (peer.sin_port == addr->sin_port && peer.sin_addr.s_addr == addr->sin_addr.s_addr) return s;
        winsock.closesocket( s );
    }
    return INVALID_SOCKET;
}

/* Make two connected sockets; TCP is what a Windows socket and a native program have in common. */
static BOOL connect_pair( SOCKET pair[2] )
{
    struct sockaddr_in addr = { 0 };
    SOCKET listener = create_socket();
    int len = sizeof(addr), on = 1;

    pair[0] = pair[1] = INVALID_SOCKET;
    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = 0x0100007f;  /* 127.0.0.1, network order */
    if (listener == INVALID_SOCKET) return FALSE;
    if (winsock.bind( listener, (struct sockaddr *)&addr, sizeof(addr) ) || winsock.listen( listener, 16 ) ||
        winsock.getsockname( listener, (struct sockaddr *)&addr, &len ))
        goto failed;
    if ((pair[0] = create_socket()) == INVALID_SOCKET) goto failed;
    if (winsock.connect( pair[0], (struct sockaddr *)&addr, sizeof(addr) )) goto failed;
    len = sizeof(addr);
    if (winsock.getsockname( pair[0], (struct sockaddr *)&addr, &len )) goto failed;
    if ((pair[1] = accept_from( listener, &addr )) == INVALID_SOCKET) goto failed;
    winsock.closesocket( listener );
    /* a request without a reply must not hold up the next one */
    winsock.setsockopt( pair[0], IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on) );
    winsock.setsockopt( pair[1], IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof(on) );
    return TRUE;

failed:
    if (pair[0] != INVALID_SOCKET) winsock.closesocket( pair[0] );
    winsock.closesocket( listener );
    return FALSE;
}

/* Wine's CreateProcess runs a file that is not a Windows program natively, with standard handles as descriptors. */
static BOOL start_process( SOCKET s )
{
    WCHAR path[MAX_PATH], command[] = L"" PORTGUARD_FILE;
    STARTUPINFOW startup = { 0 };
    PROCESS_INFORMATION info = { 0 };
    PVOID *console = &RtlGetCurrentPeb()->ProcessParameters->Reserved2[0];
    PVOID saved = *console;
    BOOL ret;

    if (!path_beside_program( path, L"" PORTGUARD_FILE )) return FALSE;
    startup.cb = sizeof(startup);
    startup.dwFlags = STARTF_USESTDHANDLES;
    startup.hStdInput = (HANDLE)s;
    startup.hStdOutput = (HANDLE)s;
    startup.hStdError = GetStdHandle( STD_ERROR_HANDLE );
    SetHandleInformation( (HANDLE)s, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT );
    /* A service has no console. Wine would make one for the child, or leave it without, and in both cases not give it the
     * standard handles (8.0 and 10.0; 8.0 does give them to a detached one). So pretend that there is one: its handle comes
     * right after the four sizes and flags, and a native child has no use for it. */
    if (!saved) *console = WINE_CONSOLE_OF_SHELL;
    ret = CreateProcessW( path, command, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &info );
    *console = saved;
    /* What is in info now are no handles. A native program has none, and Wine 8.0 and 10.0 fill in what happens to be on its stack. */
    return ret;
}

static BOOL init_operation( struct operation *op, struct stream *of )
{
    op->stream = of;
    return loop_runs || (op->event = CreateEventW( NULL, TRUE, FALSE, NULL ));
}

/* Begin an operation. Before the main loop runs its end is to be waited for: an event with its lowest bit set keeps it off the port. */
static BOOL begin( struct operation *op, BOOL is_read, void *data, DWORD size )
{
    HANDLE handle = (HANDLE)op->stream->s;
    BOOL ret;

    memset( &op->overlapped, 0, sizeof(op->overlapped) );
    if (!loop_runs)
    {
        ResetEvent( op->event );
        op->overlapped.hEvent = (HANDLE)((ULONG_PTR)op->event | 1);
    }
    if (is_read) ret = ReadFile( handle, data, size, NULL, &op->overlapped );
    else ret = WriteFile( handle, data, size, NULL, &op->overlapped );
    op->pending = TRUE;
    if (!ret) return GetLastError() == ERROR_IO_PENDING || (op->pending = FALSE);
    if (loop_runs && op->stream->skips)
    {
        op->pending = FALSE;
        op->size = op->overlapped.InternalHigh;
    }
    return TRUE;
}

static BOOL start_read( struct stream *s )
{
    return begin( &s->read, TRUE, s->received, sizeof(s->received) );
}

/* Wait for an operation that the port hears nothing of. Returns FALSE when it has not ended. */
static BOOL wait_for( struct operation *op, DWORD timeout, DWORD *size )
{
    *size = 0;
    if (WaitForSingleObject( op->event, timeout )) return FALSE;
    op->pending = FALSE;
    if (!GetOverlappedResult( (HANDLE)op->stream->s, &op->overlapped, size, FALSE )) *size = 0;
    return TRUE;
}

static void cancel( struct operation *op )
{
    DWORD size;

    if (!op->pending) return;
    CancelIoEx( (HANDLE)op->stream->s, &op->overlapped );
    if (op->overlapped.hEvent) wait_for( op, 1000, &size );
}

static void free_if_done( struct stream *old )
{
    if (old->read.pending || old->write.pending) return;
    if (old->read.event) CloseHandle( old->read.event );
    if (old->write.event) CloseHandle( old->write.event );
    free( old->sending.data );
    free( old->next.data );
    free( old );
}

static void close_ring( struct stream *old )
{
    if (old->memory) UnmapViewOfFile( old->memory );
    if (old->wake) CloseHandle( old->wake );
    old->memory = NULL;
    old->wake = NULL;
    old->ring = FALSE;
}

static void close_stream( struct stream *old )
{
    cancel( &old->read );
    cancel( &old->write );
    winsock.closesocket( old->s );
    close_ring( old );
    free_if_done( old );
}

void stream_close(void)
{
    struct stream *old = stream;

    stream = NULL;
    if (old) close_stream( old );
}

const char *stream_open(void)
{
    const char *error = NULL;
    struct stream *new;
    SOCKET pair[2];

    if (winsock_init()) return "Wine's ws2_32.dll can't be loaded";
    if (!(new = calloc( 1, sizeof(*new) ))) return "there is no memory for portguard";
    if (!connect_pair( pair ))
    {
        free( new );
        return "can't connect to portguard: no sockets";
    }
    new->s = pair[0];
    new->skips = SetFileCompletionNotificationModes( (HANDLE)new->s, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS );
    if (!init_operation( &new->read, new ) || !init_operation( &new->write, new ) ||
        !CreateIoCompletionPort( (HANDLE)new->s, completion_port, completion_key, 0 ))
        error = "can't connect to portguard: no handles";
    else if (!start_process( pair[1] )) error = "can't start portguard beside portserver.exe (install again to get it back)";
    else if (loop_runs && (!start_read( new ) || !new->read.pending)) error = "can't read from portguard";
    winsock.closesocket( pair[1] );
    if (error) close_stream( new );
    else
    {
        stream = new;
        stream_count++;
    }
    return error;
}

static int append( struct buffer *buffer, const void *data, size_t size )
{
    if (buffer->size - buffer->len < size)
    {
        size_t new_size = 2 * (buffer->len + size) + 4096;
        char *new_data;

        if (new_size > MAX_UNSENT || !(new_data = realloc( buffer->data, new_size ))) return 0;
        buffer->data = new_data;
        buffer->size = new_size;
    }
    memcpy( buffer->data + buffer->len, data, size );
    buffer->len += size;
    return 1;
}

/* Some of the bytes are sent. Returns FALSE when that can't be. */
static BOOL note_sent( DWORD size )
{
    struct buffer sent = stream->sending;

    if (!size || size > sent.len) return FALSE;
    if (size < sent.len)
    {
        memmove( sent.data, sent.data + size, sent.len - size );
        stream->sending.len -= size;
        return TRUE;
    }
    stream->sending = stream->next;
    stream->next = sent;
    stream->next.len = 0;
    return TRUE;
}

/* Send what is to be sent, as long as that needs no wait in the main loop. Returns FALSE when the stream is broken. */
static BOOL flush_socket(void)
{
    struct operation *op = &stream->write;

    while (stream->sending.len && !op->pending)
    {
        if (!begin( op, FALSE, stream->sending.data, stream->sending.len )) return FALSE;
        if (op->pending && loop_runs) break;
        if (op->pending && !wait_for( op, SEND_TIME, &op->size )) return FALSE;
        if (!note_sent( op->size )) return FALSE;
    }
    return TRUE;
}

/* Wake portguard: at most one byte each time that it sleeps, so the pipe has room. A byte through the socket is as good. */
static BOOL wake_reader(void)
{
    DWORD size;

    if (!ring_must_wake( &stream->requests ) || (WriteFile( stream->wake, "", 1, &size, NULL ) && size == 1)) return TRUE;
    if (!stream->write.pending && !begin( &stream->write, FALSE, (void *)"", 1 )) return FALSE;
    return loop_runs || wait_for( &stream->write, SEND_TIME, &size );
}

/* What there is no room for is sent later; before the main loop runs nobody would, so it waits for room. */
static BOOL flush_ring(void)
{
    struct buffer *buffer = &stream->sending;
    DWORD start = GetTickCount();
    int ret;

    while (buffer->len)
    {
        if ((ret = ring_write( &stream->requests, buffer->data, buffer->len )) < 0) return FALSE;
        memmove( buffer->data, buffer->data + ret, buffer->len -= ret );
        if (!wake_reader()) return FALSE;
        if (loop_runs || !buffer->len) break;
        if (GetTickCount() - start >= SEND_TIME) return FALSE;
        Sleep( 1 );
    }
    return TRUE;
}

static BOOL flush(void)
{
    return stream->ring ? flush_ring() : flush_socket();
}

int stream_send( const void *data, size_t size )
{
    if (!stream) return 0;
    return append( stream->write.pending && !stream->ring ? &stream->next : &stream->sending, data, size ) && flush();
}

/* Is it still the stream that was the latest then? */
static BOOL is_stream( unsigned int count )
{
    return stream && stream_count == count;
}

/* Read what the ring has. Returns FALSE when there was nothing. */
static BOOL read_ring(void)
{
    unsigned int count = stream_count;
    char received[sizeof(stream->received)];
    BOOL any = FALSE;
    int ret;

    while (is_stream( count ) && stream->ring && (ret = ring_read( &stream->replies, received, sizeof(received) )))
    {
        any = TRUE;
        if (ret < 0) helper_ended();
        else helper_received( received, ret );
    }
    return any;
}

/* What was read; nothing is the end. */
static void hand_on( DWORD size )
{
    char received[sizeof(stream->received)];
    unsigned int count = stream_count;

    if (!size) helper_ended();
    else if (stream->ring)
    {
        /* it was woken, and is to be woken again */
        do
        {
            read_ring();
            if (!is_stream( count )) return;
            ring_sleep( &stream->replies );
        } while (!ring_is_empty( &stream->replies ));
        if (!flush()) helper_ended();
    }
    else
    {
        /* the stream may be closed over what it brought */
        memcpy( received, stream->received, size );
        helper_received( received, size );
    }
}

static HANDLE open_descriptor( unsigned int pid, unsigned int fd, DWORD access )
{
    WCHAR path[64];
    HANDLE handle;

    swprintf( path, sizeof(path) / sizeof(path[0]), L"\\\\?\\unix\\proc\\%u\\fd\\%u", pid, fd );
    handle = CreateFileW( path, access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL );
    if (handle == INVALID_HANDLE_VALUE) return NULL;
    return handle;
}

int stream_open_ring( const struct portguard_ring *place )
{
    HANDLE file, section = NULL;
    struct ring_memory *memory = NULL;

    if (!stream->skips || stream->write.pending || stream->sending.len) return 0;
    if ((file = open_descriptor( place->pid, place->memory_fd, GENERIC_READ | GENERIC_WRITE )) &&
        GetFileSize( file, NULL ) == sizeof(*memory) && (section = CreateFileMappingW( file, NULL, PAGE_READWRITE, 0, 0, NULL )))
        memory = MapViewOfFile( section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, sizeof(*memory) );
    if (section) CloseHandle( section );
    if (file) CloseHandle( file );
    stream->memory = memory;
    if (memory && !IsBadReadPtr( &memory->nonce, sizeof(memory->nonce) ) && memory->nonce == place->nonce &&
        (stream->wake = open_descriptor( place->pid, place->wake_fd, GENERIC_WRITE )))
        return 1;
    close_ring( stream );
    return 0;
}

int stream_start_ring(void)
{
    struct ring_memory *memory = stream->memory;

    stream->requests = (struct ring_end){ &memory->requests, memory->request_bytes, RING_REQUESTS_SIZE, 0 };
    stream->replies = (struct ring_end){ &memory->replies, memory->reply_bytes, RING_REPLIES_SIZE, 0 };
    stream->ring = !stream->write.pending && !stream->sending.len;
    return stream->ring;
}

int stream_spin(void)
{
    static unsigned int pause;
    unsigned int count = stream_count;
    LARGE_INTEGER start, now, frequency;
    BOOL found;

    if (!stream || !stream->ring) return 0;
    if (pause)
    {
        pause--;
        return 0;
    }
    QueryPerformanceFrequency( &frequency );
    QueryPerformanceCounter( &start );
    ring_stay_awake( &stream->replies );
    while (!(found = read_ring()))
    {
        NtYieldExecution();
        QueryPerformanceCounter( &now );
        if ((now.QuadPart - start.QuadPart) * 1000000 >= frequency.QuadPart * SPIN_TIME) break;
    }
    if (!is_stream( count )) return 1;
    ring_sleep( &stream->replies );
    if (!read_ring() && !found) pause = SPIN_PAUSE;
    if (is_stream( count ) && !flush()) helper_ended();
    return !pause;
}

/* Read on until there is nothing to be read. */
static void read_on(void)
{
    unsigned int count = stream_count;

    while (is_stream( count ))
    {
        if (!start_read( stream ))
        {
            helper_ended();
            break;
        }
        if (stream->read.pending) break;
        hand_on( stream->read.size );
    }
}

int stream_wait( unsigned int timeout )
{
    DWORD size;

    if (!stream || loop_runs) return 0;
    if (stream_spin()) return 1;
    if (!stream->read.pending && !start_read( stream ))
    {
        helper_ended();
        return 1;
    }
    if (!wait_for( &stream->read, timeout, &size )) return 0;
    hand_on( size );
    return 1;
}

void stream_run(void)
{
    unsigned int count;

    loop_runs = TRUE;
    if (!stream) return;
    count = stream_count;
    /* one that waits now, since the helper did not answer in time, would say nothing to the port */
    cancel( &stream->read );
    if (stream->read.pending) helper_ended();
    /* it may have brought the byte that wakes */
    else if (stream->ring) hand_on( 1 );
    if (is_stream( count )) read_on();
}

void stream_completed( OVERLAPPED *overlapped, DWORD error, DWORD size )
{
    struct operation *op = CONTAINING_RECORD( overlapped, struct operation, overlapped );
    struct stream *from = op->stream;

    op->pending = FALSE;
    if (error) size = 0;
    if (from != stream) free_if_done( from );
    else if (op == &from->read)
    {
        unsigned int count = stream_count;

        hand_on( size );
        if (is_stream( count )) read_on();
    }
    else if (!(from->ring ? size > 0 : note_sent( size )) || !flush()) helper_ended();
}
