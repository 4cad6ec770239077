/*
 * How the control codes of port reservations report their end
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* Section 8 of the specification, whose sentences stand over the tests. Sockets wait here on nobody else, so "soon" is long. */

#include <string.h>
#include "port_test.h"

#define SOON 5000
#define KEY  0x1234567

/* What a test needs to call a control code: an unbound socket, and a second one that owns a block of two ports. */
struct subject
{
    SOCKET s, owner;
    struct instance block;
    INET_PORT_RANGE range;
    INET_PORT_RESERVATION_TOKEN token;
    USHORT processor;
    struct instance out;
    DWORD code, in_size, out_size;
    void *in;
};

struct operation
{
    const char *name;
    int error;          /* what the operation ends in */
    void (*prepare)( struct subject *subject );
};

static void set_acquire( struct subject *subject, unsigned int first, unsigned int count )
{
    subject->code = SIO_ACQUIRE_PORT_RESERVATION;
    subject->range.StartPort = htons( first );
    subject->range.NumberOfPorts = count;
    subject->in = &subject->range;
    subject->in_size = sizeof(subject->range);
    subject->out_size = sizeof(subject->out);
}

static void set_token( struct subject *subject, DWORD code, ULONG64 token )
{
    subject->code = code;
    subject->token.Token = token;
    subject->in = &subject->token;
    subject->in_size = sizeof(subject->token);
    subject->out_size = 0;
}

static void prepare_acquire( struct subject *subject )
{
    set_acquire( subject, 0, 2 );
}

static void prepare_release( struct subject *subject )
{
    set_token( subject, SIO_RELEASE_PORT_RESERVATION, subject->block.Token );
}

static void prepare_associate( struct subject *subject )
{
    set_token( subject, SIO_ASSOCIATE_PORT_RESERVATION, subject->block.Token );
}

static void prepare_no_ports( struct subject *subject )
{
    set_acquire( subject, 0, 0 );
}

static void prepare_past_the_end( struct subject *subject )
{
    set_acquire( subject, 65535, 2 );
}

static void prepare_reserved( struct subject *subject )
{
    set_acquire( subject, last_port( &subject->block ), 1 );
}

static void prepare_short_input( struct subject *subject )
{
    set_acquire( subject, 0, 2 );
    subject->in_size--;
}

static void prepare_short_output( struct subject *subject )
{
    set_acquire( subject, 0, 2 );
    subject->out_size--;
}

static void prepare_no_input( struct subject *subject )
{
    set_acquire( subject, 0, 2 );
    subject->in = NULL;
}

static void prepare_release_unknown( struct subject *subject )
{
    set_token( subject, SIO_RELEASE_PORT_RESERVATION, ~subject->block.Token );
}

static void prepare_associate_unknown( struct subject *subject )
{
    set_token( subject, SIO_ASSOCIATE_PORT_RESERVATION, ~subject->block.Token );
}

static void prepare_associate_zero( struct subject *subject )
{
    set_token( subject, SIO_ASSOCIATE_PORT_RESERVATION, 0 );
}

static void prepare_associate_bound( struct subject *subject )
{
    set_token( subject, SIO_ASSOCIATE_PORT_RESERVATION, subject->block.Token );
    bind_loopback( subject->s, 0 );
}

/* section 10: "what section 2 says of arguments, order and completion holds here, too" */
static void prepare_processor( struct subject *subject )
{
    subject->code = SIO_CPU_AFFINITY;
    subject->in = &subject->processor;
    subject->in_size = sizeof(subject->processor);
}

static void prepare_no_processor( struct subject *subject )
{
    prepare_processor( subject );
    subject->processor = 0xffff;
}

static void prepare_processor_bound( struct subject *subject )
{
    prepare_processor( subject );
    bind_loopback( subject->s, 0 );
}

static const struct operation operations[] =
{
    { "acquire",                     0,             prepare_acquire },
    { "release",                     0,             prepare_release },
    { "associate",                   0,             prepare_associate },
    { "acquire of no ports",         WSAEINVAL,     prepare_no_ports },
    { "acquire past port 65535",     WSAEINVAL,     prepare_past_the_end },
    { "acquire of a reserved port",  WSAEADDRINUSE, prepare_reserved },
    { "acquire, short input",        WSAEINVAL,     prepare_short_input },
    { "acquire, short output",       WSAEINVAL,     prepare_short_output },
    { "acquire, no input",           WSAEFAULT,     prepare_no_input },
    { "release of an unknown token", WSAEINVAL,     prepare_release_unknown },
    { "associate, unknown token",    WSAEINVAL,     prepare_associate_unknown },
    { "associate, token 0",          WSAEINVAL,     prepare_associate_zero },
    { "associate of a bound socket", WSAEINVAL,     prepare_associate_bound },
    { "a processor",                 0,             prepare_processor },
    { "a processor there is not",    WSAEINVAL,     prepare_no_processor },
    { "a processor, bound socket",   WSAEINVAL,     prepare_processor_bound },
};

/* only UDP sockets have processors */
static BOOL is_for_udp( const struct operation *operation )
{
    return operation->prepare == prepare_processor || operation->prepare == prepare_no_processor ||
           operation->prepare == prepare_processor_bound;
}

static void subject_init( struct subject *subject, int kind, DWORD flags, const struct operation *operation )
{
    const struct socket_kind *k;
    int ret;

    if (is_for_udp( operation )) kind = UDP4;
    k = &socket_kinds[kind];
    memset( subject, 0, sizeof(*subject) );
    subject->s = WSASocketW( k->family, k->type, k->protocol, NULL, 0, flags );
    ok( subject->s != INVALID_SOCKET, "no socket, error %d\n", WSAGetLastError() );
    subject->owner = make_socket( kind );
    ret = acquire( subject->owner, 0, 2, &subject->block );
    ok( !ret, "acquire failed, error %d\n", ret );
    memset( &subject->out, 0xcc, sizeof(subject->out) );
    operation->prepare( subject );
}

static void subject_free( struct subject *subject )
{
    closesocket( subject->s );
    closesocket( subject->owner );
}

/* Returns 0 or a Winsock error. */
static int subject_call( struct subject *subject, DWORD *size, OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    BOOL acquire = subject->code == SIO_ACQUIRE_PORT_RESERVATION;

    WSASetLastError( 0xdead );
    if (!WSAIoctl( subject->s, subject->code, subject->in, subject->in_size, acquire ? &subject->out : NULL, subject->out_size,
                   size, overlapped, routine ))
        return 0;
    return WSAGetLastError();
}

/* what the operation did, or did not */
static void check_outcome( struct subject *subject, const struct operation *operation, const char *how )
{
    const unsigned char *out = (const unsigned char *)&subject->out;
    SOCKET other = make_socket( socket_kind_of( subject->owner ) );
    struct instance inst;
    unsigned int i;
    int ret;

    if (operation->prepare == prepare_acquire)
    {
        ok( subject->out.Reservation.NumberOfPorts == 2 && first_port( &subject->out ) && subject->out.Token,
            "%s, %s: got %u ports from %u, token %llx\n", operation->name, how, subject->out.Reservation.NumberOfPorts,
            first_port( &subject->out ), (unsigned long long)subject->out.Token );
        ret = acquire( other, first_port( &subject->out ), 1, &inst );
        ok( ret == WSAEADDRINUSE, "%s, %s: the block is not reserved, error %d\n", operation->name, how, ret );
    }
    else
    {
        for (i = 0; i < sizeof(subject->out); i++) if (out[i] != 0xcc) break;
        ok( i == sizeof(subject->out), "%s, %s: the output was touched\n", operation->name, how );
    }
    ret = associate( other, subject->block.Token );
    if (operation->prepare == prepare_release)
        ok( ret == WSAEINVAL || broken( ret ), "%s, %s: after it: error %d\n", operation->name, how, ret );
    else
        ok( !ret, "%s, %s: the block is gone, error %d\n", operation->name, how, ret );
    if (operation->prepare == prepare_associate)
    {
        ret = bind_port( subject->s, 0 );
        ok( !ret && in_block( &subject->block, local_port( subject->s ) ), "%s, %s: bind gave %u, error %d\n",
            operation->name, how, local_port( subject->s ), ret );
    }
    if (operation->prepare == prepare_processor)
    {
        closesocket( other );
        other = make_socket( UDP4 );
        set_processor( other, 0 );
        ret = bind_port( subject->s, 0 );
        ok( !ret, "%s, %s: bind, error %d\n", operation->name, how, ret );
        ret = bind_port( other, local_port( subject->s ) );
        ok( !ret, "%s, %s: the port is not shared, error %d\n", operation->name, how, ret );
    }
    closesocket( other );
}

static int routine_calls;
static DWORD routine_error, routine_size, routine_flags;
static OVERLAPPED *routine_overlapped;
static DWORD routine_thread;

static void CALLBACK routine( DWORD error, DWORD size, OVERLAPPED *overlapped, DWORD flags )
{
    routine_calls++;
    routine_error = error;
    routine_size = size;
    routine_overlapped = overlapped;
    routine_flags = flags;
    routine_thread = GetCurrentThreadId();
}

/* The ways a program asks to be told. */
enum
{
    BY_EVENT    = 1,
    BY_PORT     = 2,
    BY_ROUTINE  = 4,
    SKIP_PORT   = 8,    /* SetFileCompletionNotificationModes: not where the call itself reports success */
    LOW_BIT     = 16,   /* of hEvent: not the completion port */
    NONBLOCKING = 32,
};

static const struct { const char *name; int flags; } ways[] =
{
    { "nothing",                          0 },
    { "event",                            BY_EVENT },
    { "event, non-blocking",              BY_EVENT | NONBLOCKING },
    { "routine",                          BY_ROUTINE },
    { "routine, non-blocking",            BY_ROUTINE | NONBLOCKING },
    { "port",                             BY_PORT },
    { "port, non-blocking",               BY_PORT | NONBLOCKING },
    { "port and event",                   BY_PORT | BY_EVENT },
    { "port and event with the low bit",  BY_PORT | BY_EVENT | LOW_BIT },
    { "event with the low bit",           BY_EVENT | LOW_BIT },
    { "port, skipped on success",         BY_PORT | SKIP_PORT },
    { "port, skipped on success, event",  BY_PORT | BY_EVENT | SKIP_PORT },
};

/* a routine's hEvent is the program's own */
#define CONTEXT ((HANDLE)(ULONG_PTR)0xdeadbef0)

static void wait_for_end( OVERLAPPED *overlapped )
{
    DWORD start = GetTickCount();

    while (!HasOverlappedIoCompleted( overlapped ) && GetTickCount() - start < SOON) Sleep( 1 );
}

/* "Otherwise completion is reported the way the program asked for: event, completion routine (run in an alertable wait),
 * completion port, WSAGetOverlappedResult; either at once (return 0) or after WSA_IO_PENDING, success and failure alike,
 * exactly once." An error that the call itself returns is its report: nothing else follows. */
static void test_way( int kind, const struct operation *operation, const char *how, int flags )
{
    HANDLE port = NULL, event = CreateEventW( NULL, TRUE, TRUE, NULL );
    OVERLAPPED overlapped, *posted;
    DWORD size, expect_size, result_size, result_flags, ret;
    struct subject subject;
    BOOL reported, by_port;
    ULONG_PTR key;
    u_long on = 1;
    int error, end;

    subject_init( &subject, kind, WSA_FLAG_OVERLAPPED, operation );
    expect_size = operation->prepare == prepare_acquire ? sizeof(struct instance) : 0;
    if (flags & NONBLOCKING) ioctlsocket( subject.s, FIONBIO, &on );
    if (flags & BY_PORT)
    {
        port = CreateIoCompletionPort( (HANDLE)subject.s, NULL, KEY, 0 );
        ok( port != NULL, "no completion port, error %lu\n", GetLastError() );
    }
    if (flags & SKIP_PORT)
    {
        ret = SetFileCompletionNotificationModes( (HANDLE)subject.s, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS );
        ok( ret, "SetFileCompletionNotificationModes failed, error %lu\n", GetLastError() );
    }
    memset( &overlapped, 0x55, sizeof(overlapped) );
    overlapped.hEvent = NULL;
    if (flags & BY_EVENT) overlapped.hEvent = (HANDLE)((ULONG_PTR)event | !!(flags & LOW_BIT));
    if (flags & BY_ROUTINE) overlapped.hEvent = CONTEXT;
    routine_calls = 0;
    size = 0xdeadbeef;

    error = subject_call( &subject, &size, &overlapped, flags & BY_ROUTINE ? routine : NULL );
    reported = !error || error == WSA_IO_PENDING;
    end = error;
    if (!error) ok( size == expect_size || broken( TRUE ), "%s, %s: got %lu bytes\n", operation->name, how, size );
    else ok( !size || broken( TRUE ), "%s, %s: got %lu bytes\n", operation->name, how, size );

    if (reported)
    {
        if (flags & BY_EVENT)
        {
            ret = WaitForSingleObject( event, SOON );
            ok( !ret, "%s, %s: the event was not set (%lu)\n", operation->name, how, ret );
        }
        if (flags & BY_ROUTINE)
        {
            ok( !routine_calls, "%s, %s: the routine was called in no alertable wait\n", operation->name, how );
            ret = SleepEx( SOON, TRUE );
            ok( ret == WAIT_IO_COMPLETION, "%s, %s: SleepEx gave %lu\n", operation->name, how, ret );
            ok( routine_calls == 1, "%s, %s: the routine was called %d times\n", operation->name, how, routine_calls );
            ok( routine_overlapped == &overlapped, "%s, %s: got %p, not %p\n", operation->name, how, routine_overlapped, &overlapped );
            ok( !routine_flags, "%s, %s: got flags %lx\n", operation->name, how, routine_flags );
            ok( routine_thread == GetCurrentThreadId(), "%s, %s: on thread %lx\n", operation->name, how, routine_thread );
            ok( overlapped.hEvent == CONTEXT, "%s, %s: hEvent was changed to %p\n", operation->name, how, overlapped.hEvent );
        }
        by_port = (flags & BY_PORT) && !(flags & LOW_BIT) && !((flags & SKIP_PORT) && !error);
        if (flags & BY_PORT)
        {
            posted = NULL;
            key = size = 0xdeadbeef;
            ret = GetQueuedCompletionStatus( port, &size, &key, &posted, by_port ? SOON : 50 );
            if (by_port)
            {
                ok( posted == &overlapped, "%s, %s: nothing posted (%lu, error %lu)\n", operation->name, how, ret, GetLastError() );
                ok( key == KEY, "%s, %s: got key %lx\n", operation->name, how, (DWORD)key );
                ok( size == expect_size, "%s, %s: posted %lu bytes\n", operation->name, how, size );
                ok( ret == !operation->error, "%s, %s: posted %lu, error %lu\n", operation->name, how, ret, GetLastError() );
            }
            else ok( !posted, "%s, %s: posted %p\n", operation->name, how, posted );
        }

        wait_for_end( &overlapped );
        ok( HasOverlappedIoCompleted( &overlapped ), "%s, %s: still pending\n", operation->name, how );
        result_size = result_flags = 0xdeadbeef;
        ret = WSAGetOverlappedResult( subject.s, &overlapped, &result_size, FALSE, &result_flags );
        end = ret ? 0 : WSAGetLastError();
        ok( result_size == (end ? 0 : expect_size), "%s, %s: result of %lu bytes\n", operation->name, how, result_size );
        ok( !result_flags, "%s, %s: result with flags %lx\n", operation->name, how, result_flags );
        if (!(flags & BY_ROUTINE))
        {
            ret = WSAGetOverlappedResult( subject.s, &overlapped, &result_size, TRUE, &result_flags );
            ok( end == (ret ? 0 : WSAGetLastError()), "%s, %s: waiting, result %lu, error %d\n", operation->name, how, ret,
                WSAGetLastError() );
            ret = GetOverlappedResult( (HANDLE)subject.s, &overlapped, &result_size, FALSE );
            ok( ret == !end, "%s, %s: GetOverlappedResult gave %lu, error %lu\n", operation->name, how, ret, GetLastError() );
            ret = GetOverlappedResult( (HANDLE)subject.s, &overlapped, &result_size, TRUE );
            ok( ret == !end, "%s, %s: GetOverlappedResult gave %lu, error %lu\n", operation->name, how, ret, GetLastError() );
        }
        if (flags & BY_ROUTINE) ok( routine_error == (DWORD)end, "%s, %s: routine got error %lu, not %d\n", operation->name, how,
                                    routine_error, end );
        if (!end)
        {
            ok( !overlapped.Internal, "%s, %s: Internal is %lx\n", operation->name, how, (DWORD)overlapped.Internal );
            ok( overlapped.InternalHigh == expect_size, "%s, %s: InternalHigh is %lx\n", operation->name, how, (DWORD)overlapped.InternalHigh );
        }
    }
    else
    {
        /* so that nobody waits for what has failed */
        ok( HasOverlappedIoCompleted( &overlapped ), "%s, %s: failed with %d, and is pending\n", operation->name, how, error );
        if (flags & BY_ROUTINE) ok( overlapped.hEvent == CONTEXT, "%s, %s: hEvent was changed to %p\n", operation->name, how, overlapped.hEvent );
    }
    if (!reported && (flags & BY_EVENT))
    {
        /* an event is reset where the operation was started */
        ret = WaitForSingleObject( event, 0 );
        ok( ret == WAIT_TIMEOUT || ret == WAIT_OBJECT_0, "%s, %s: got %lu\n", operation->name, how, ret );
    }
    ok( end == operation->error || broken( end && operation->error ), "%s, %s: ended in error %d\n", operation->name, how, end );

    /* and no second time */
    if (flags & BY_ROUTINE)
    {
        ret = SleepEx( 0, TRUE );
        ok( !ret, "%s, %s: another alertable call\n", operation->name, how );
        ok( routine_calls == reported, "%s, %s: the routine was called %d times\n", operation->name, how, routine_calls );
    }
    if (flags & BY_PORT)
    {
        ret = GetQueuedCompletionStatus( port, &size, &key, &posted, 0 );
        ok( !ret && !posted, "%s, %s: posted %p again\n", operation->name, how, posted );
    }
    if (reported && (flags & BY_EVENT))
    {
        ResetEvent( event );
        ret = WaitForSingleObject( event, 20 );
        ok( ret == WAIT_TIMEOUT, "%s, %s: the event was set again\n", operation->name, how );
    }
    check_outcome( &subject, operation, how );
    subject_free( &subject );
    if (port) CloseHandle( port );
    CloseHandle( event );
}

/* "completion routines on a thread that never waits alertably": the result is there all the same */
struct routine_test
{
    const struct operation *operation;
    OVERLAPPED overlapped;
    int error, end, early;
    DWORD size;
};

static DWORD CALLBACK routine_thread_proc( void *arg )
{
    struct routine_test *test = arg;
    struct subject subject;
    DWORD flags;

    subject_init( &subject, UDP4, WSA_FLAG_OVERLAPPED, test->operation );
    test->error = subject_call( &subject, &test->size, &test->overlapped, routine );
    if (test->error && test->error != WSA_IO_PENDING) test->end = test->error;
    else
    {
        wait_for_end( &test->overlapped );
        if (!WSAGetOverlappedResult( subject.s, &test->overlapped, &test->size, FALSE, &flags )) test->end = WSAGetLastError();
    }
    test->early = routine_calls;
    check_outcome( &subject, test->operation, "no alertable wait" );
    subject_free( &subject );
    return 0;
}

static void test_no_alertable_wait( const struct operation *operation )
{
    struct routine_test test = { .operation = operation };
    HANDLE thread;
    DWORD ret;

    routine_calls = 0;
    thread = CreateThread( NULL, 0, routine_thread_proc, &test, 0, NULL );
    ret = WaitForSingleObject( thread, 2 * SOON );
    ok( !ret, "%s: the thread still runs\n", operation->name );
    CloseHandle( thread );
    ok( test.end == operation->error || broken( test.end && operation->error ), "%s: ended in error %d\n", operation->name, test.end );
    if (!test.end) ok( test.size == (operation->prepare == prepare_acquire ? sizeof(struct instance) : 0), "%s: %lu bytes\n",
                       operation->name, test.size );
    ok( !test.early && !routine_calls, "%s: the routine was called\n", operation->name );
}

/* the routine is called on the thread that asked, whichever that is, and in its own alertable wait */
static DWORD CALLBACK alertable_thread_proc( void *arg )
{
    struct subject subject;
    OVERLAPPED overlapped;
    DWORD ret;
    int error;

    (void)arg;
    memset( &overlapped, 0, sizeof(overlapped) );
    subject_init( &subject, TCP4, WSA_FLAG_OVERLAPPED, &operations[0] );
    error = subject_call( &subject, NULL, &overlapped, routine );
    ok( !error || error == WSA_IO_PENDING, "error %d\n", error );
    ret = SleepEx( SOON, TRUE );
    ok( ret == WAIT_IO_COMPLETION, "got %lu\n", ret );
    ok( routine_calls == 1 && routine_thread == GetCurrentThreadId(), "%d calls on thread %lx\n", routine_calls, routine_thread );
    subject_free( &subject );
    return 0;
}

static void test_other_thread(void)
{
    HANDLE thread;
    DWORD ret;

    routine_calls = 0;
    thread = CreateThread( NULL, 0, alertable_thread_proc, NULL, 0, NULL );
    do ret = WaitForSingleObjectEx( thread, 2 * SOON, TRUE ); while (ret == WAIT_IO_COMPLETION);
    ok( !ret && routine_calls == 1, "got %lu and %d calls\n", ret, routine_calls );
    CloseHandle( thread );
}

/* "lpOverlapped NULL, or a socket without the overlapped attribute: the call finishes before it returns, also on a
 * non-blocking socket" */
static void test_without_overlapped( const struct operation *operation )
{
    struct subject subject;
    OVERLAPPED overlapped;
    DWORD size, expect_size = operation->prepare == prepare_acquire ? sizeof(struct instance) : 0;
    HANDLE event = CreateEventW( NULL, TRUE, FALSE, NULL );
    u_long on = 1;
    int i, error;

    for (i = 0; i < 8; i++)
    {
        static const char *const names[] =
        {
            "no lpOverlapped", "no lpOverlapped, non-blocking", "no attribute, no lpOverlapped",
            "no attribute, no lpOverlapped, non-blocking", "no attribute", "no attribute, non-blocking",
            "no attribute, routine", "no attribute, routine, non-blocking",
        };

        subject_init( &subject, TCP4, i < 2 ? WSA_FLAG_OVERLAPPED : 0, operation );
        if (i & 1) ioctlsocket( subject.s, FIONBIO, &on );
        memset( &overlapped, 0, sizeof(overlapped) );
        if (i < 6) overlapped.hEvent = event;
        routine_calls = 0;
        size = 0xdeadbeef;
        error = subject_call( &subject, &size, i < 4 ? NULL : &overlapped, i < 6 ? NULL : routine );
        ok( error == operation->error || broken( error && operation->error && error != WSA_IO_PENDING ), "%s, %s: error %d\n",
            operation->name, names[i], error );
        ok( size == (error ? 0 : expect_size) || broken( TRUE ), "%s, %s: got %lu bytes\n", operation->name, names[i], size );
        if (i >= 4) ok( HasOverlappedIoCompleted( &overlapped ), "%s, %s: pending\n", operation->name, names[i] );
        ok( !routine_calls, "%s, %s: the routine was called\n", operation->name, names[i] );
        SleepEx( 0, TRUE );
        ok( routine_calls == (i >= 6 && !error) || broken( !routine_calls ), "%s, %s: the routine was called %d times\n",
            operation->name, names[i], routine_calls );
        check_outcome( &subject, operation, names[i] );
        subject_free( &subject );
    }

    /* without lpOverlapped there is nobody to tell, whatever the socket belongs to */
    if (!operation->error)
    {
        OVERLAPPED *posted;
        ULONG_PTR key;
        HANDLE port;

        subject_init( &subject, TCP4, WSA_FLAG_OVERLAPPED, operation );
        port = CreateIoCompletionPort( (HANDLE)subject.s, NULL, KEY, 0 );
        error = subject_call( &subject, &size, NULL, NULL );
        ok( !error, "%s: error %d\n", operation->name, error );
        ok( !GetQueuedCompletionStatus( port, &size, &key, &posted, 20 ) && !posted, "%s: posted %p\n", operation->name, posted );
        subject_call( &subject, &size, NULL, routine );
        routine_calls = 0;
        SleepEx( 0, TRUE );
        ok( !routine_calls, "%s: a routine without lpOverlapped was called\n", operation->name );
        subject_free( &subject );
        CloseHandle( port );
    }
    CloseHandle( event );
}

/* "The socket closed, or the I/O cancelled, while pending: WSA_OPERATION_ABORTED." Where the operation was done before, it stays done. */
static void test_cancel( const struct operation *operation )
{
    HANDLE event = CreateEventW( NULL, TRUE, FALSE, NULL );
    struct subject subject;
    OVERLAPPED overlapped;
    DWORD ret, status;
    int i, error;

    for (i = 0; i < 3; i++)
    {
        static const char *const names[] = { "CancelIoEx", "CancelIo", "closesocket" };

        memset( &overlapped, 0, sizeof(overlapped) );
        overlapped.hEvent = event;
        subject_init( &subject, UDP4, WSA_FLAG_OVERLAPPED, operation );
        error = subject_call( &subject, NULL, &overlapped, NULL );
        ok( !error || error == WSA_IO_PENDING, "%s, %s: error %d\n", operation->name, names[i], error );
        switch (i)
        {
        case 0:
            ret = CancelIoEx( (HANDLE)subject.s, &overlapped );
            ok( ret || GetLastError() == ERROR_NOT_FOUND, "%s: CancelIoEx failed, error %lu\n", operation->name, GetLastError() );
            break;
        case 1:
            ret = CancelIo( (HANDLE)subject.s );
            ok( ret, "%s: CancelIo failed, error %lu\n", operation->name, GetLastError() );
            break;
        case 2:
            closesocket( subject.s );
            break;
        }
        ret = WaitForSingleObject( event, SOON );
        ok( !ret, "%s, %s: no completion\n", operation->name, names[i] );
        status = overlapped.Internal;
        ok( !status || (error && status == 0xc0000120) /* STATUS_CANCELLED */, "%s, %s: status %lx\n", operation->name, names[i], status );
        if (i != 2)
        {
            if (!status) check_outcome( &subject, operation, names[i] );
            closesocket( subject.s );
        }
        closesocket( subject.owner );
    }
    CloseHandle( event );
}

/* Nothing has happened where the end could not be reported: an hEvent that is none, a routine for a socket with a
 * completion port. */
static void test_no_way( const struct operation *operation )
{
    HANDLE closed = CreateEventW( NULL, TRUE, FALSE, NULL ), thread = OpenThread( SYNCHRONIZE, FALSE, GetCurrentThreadId() ), port;
    OVERLAPPED overlapped, *posted;
    struct subject subject;
    struct operation nothing = *operation;
    DWORD size, ret;
    ULONG_PTR key;
    int error;

    CloseHandle( closed );
    nothing.prepare = prepare_no_ports;   /* what check_outcome() then looks for: nothing */

    memset( &overlapped, 0, sizeof(overlapped) );
    overlapped.hEvent = closed;
    subject_init( &subject, TCP4, WSA_FLAG_OVERLAPPED, operation );
    error = subject_call( &subject, NULL, &overlapped, NULL );
    ok( error == WSA_INVALID_HANDLE, "%s, closed event: error %d\n", operation->name, error );
    check_outcome( &subject, &nothing, "closed event" );
    subject_free( &subject );

    overlapped.hEvent = thread;
    subject_init( &subject, TCP4, WSA_FLAG_OVERLAPPED, operation );
    error = subject_call( &subject, NULL, &overlapped, NULL );
    ok( error == WSA_INVALID_HANDLE || broken( error ), "%s, thread for an event: error %d\n", operation->name, error );
    check_outcome( &subject, &nothing, "thread for an event" );
    subject_free( &subject );
    CloseHandle( thread );

    memset( &overlapped, 0, sizeof(overlapped) );
    subject_init( &subject, TCP4, WSA_FLAG_OVERLAPPED, operation );
    port = CreateIoCompletionPort( (HANDLE)subject.s, NULL, KEY, 0 );
    routine_calls = 0;
    error = subject_call( &subject, NULL, &overlapped, routine );
    ok( error == WSAEINVAL, "%s, routine and port: error %d\n", operation->name, error );
    ret = GetQueuedCompletionStatus( port, &size, &key, &posted, 20 );
    ok( !ret && !posted, "%s, routine and port: posted %p\n", operation->name, posted );
    ret = SleepEx( 0, TRUE );
    ok( !ret && !routine_calls, "%s, routine and port: %d calls\n", operation->name, routine_calls );
    check_outcome( &subject, &nothing, "routine and port" );
    subject_free( &subject );
    CloseHandle( port );
}

/* many at once: each has its own completion, and its own block */
static void test_many_at_once(void)
{
    static struct { OVERLAPPED overlapped; struct instance inst; BOOL seen; } calls[50];
    INET_PORT_RANGE range = { 0, 1 };
    SOCKET s = make_socket( UDP4 );
    HANDLE port = CreateIoCompletionPort( (HANDLE)s, NULL, KEY, 0 );
    OVERLAPPED *posted;
    ULONG_PTR key;
    unsigned int i, j;
    DWORD size;
    int ret;

    for (i = 0; i < ARRAY_SIZE( calls ); i++)
    {
        ret = WSAIoctl( s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof(range), &calls[i].inst, sizeof(calls[i].inst), NULL,
                        &calls[i].overlapped, NULL );
        ok( !ret || WSAGetLastError() == WSA_IO_PENDING, "%u: error %d\n", i, WSAGetLastError() );
    }
    for (i = 0; i < ARRAY_SIZE( calls ); i++)
    {
        ret = GetQueuedCompletionStatus( port, &size, &key, &posted, SOON );
        ok( ret && size == sizeof(struct instance) && key == KEY, "%u: got %d, %lu bytes, error %lu\n", i, ret, size, GetLastError() );
        for (j = 0; j < ARRAY_SIZE( calls ); j++) if (posted == &calls[j].overlapped) break;
        ok( j < ARRAY_SIZE( calls ) && !calls[j].seen, "%u: posted %p\n", i, posted );
        if (j == ARRAY_SIZE( calls )) break;
        calls[j].seen = TRUE;
        for (j = 0; j < i; j++)
            if (&calls[j].overlapped != posted)
                ok( calls[j].inst.Token != CONTAINING_RECORD( posted, __typeof__(calls[0]), overlapped )->inst.Token,
                    "%u: a token was given out twice\n", i );
    }
    ret = GetQueuedCompletionStatus( port, &size, &key, &posted, 20 );
    ok( !ret && !posted, "posted %p after the last\n", posted );
    closesocket( s );
    CloseHandle( port );
}

START_TEST(completion)
{
    unsigned int i, j;
    int kind;

    if (!start_test()) return;
    for (i = 0; i < ARRAY_SIZE( operations ); i++)
    {
        for (j = 0; j < ARRAY_SIZE( ways ); j++)
            for (kind = TCP4; kind <= UDP4; kind += UDP4 - TCP4)
                test_way( kind, &operations[i], ways[j].name, ways[j].flags );
        test_no_alertable_wait( &operations[i] );
        test_without_overlapped( &operations[i] );
        if (operations[i].error) continue;
        test_cancel( &operations[i] );
        test_no_way( &operations[i] );
    }
    test_other_thread();
    test_many_at_once();
}
