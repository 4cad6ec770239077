/*
 * portguard: keeps ports of a Wine prefix on behalf of portserver
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "guard_sockets.h"
#include "guard_tables.h"
#include "portguard_handover.h"
#include "portguard_prefix.h"
#include "portguard_request.h"
#include "portguard_ring.h"
#include "portguard_threads.h"

#define OWN_DESCRIPTORS 24     /* that are no guards */
#define MAX_DESCRIPTORS 140000 /* both protocols' ports and some more */
#define RETRY_TIME      1000   /* ms between two tries to guard what could not be guarded */
#define RING_TIME       1      /* ms between two looks for room in the ring */
#define IDLE_TIME       10000  /* ms after which the kernel's range of ports is looked at again */

static const struct prefix_id *prefix;
static int is_helper;          /* the prefix's, so that the next server finds this process */
static int connected = 1;      /* standard input and output are the stream of a server */

static long now_ms(void)
{
    struct timespec now;

    clock_gettime( CLOCK_MONOTONIC, &now );
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A guard is a descriptor; an ordinary user, and root in most containers, gets what the hard limit allows. Returns how many guards that makes. */
static unsigned int raise_limit(void)
{
    struct rlimit limit = { MAX_DESCRIPTORS, MAX_DESCRIPTORS };

    if (setrlimit( RLIMIT_NOFILE, &limit ) && !getrlimit( RLIMIT_NOFILE, &limit ))
    {
        limit.rlim_cur = limit.rlim_max;
        setrlimit( RLIMIT_NOFILE, &limit );
    }
    if (getrlimit( RLIMIT_NOFILE, &limit ) || limit.rlim_cur <= OWN_DESCRIPTORS) return 0;
    if (limit.rlim_cur > MAX_DESCRIPTORS) limit.rlim_cur = MAX_DESCRIPTORS;
    return limit.rlim_cur - OWN_DESCRIPTORS;
}

/* Is the stream one of this user's? The server's is a TCP connection, since Winsock makes no others. */
static int is_own_stream( int fd )
{
    struct sockaddr_storage addr = { 0 };
    socklen_t len = sizeof(addr);

    if (getsockname( fd, (struct sockaddr *)&addr, &len )) return 0;
    return addr.ss_family == AF_UNIX || tables_peer_is_own_user( fd );
}

static int send_to_stream( const void *data, size_t size )
{
    const char *ptr = data;
    struct pollfd pfd = { 1, POLLOUT, 0 };

    while (size)
    {
        ssize_t ret = send( 1, ptr, size, MSG_NOSIGNAL );

        if (ret > 0)
        {
            ptr += ret;
            size -= ret;
        }
        else if (ret < 0 && errno == EAGAIN) poll( &pfd, 1, -1 );  /* the descriptor may or may not block by itself */
        else if (ret < 0 && errno != EINTR) return 0;
    }
    return 1;
}

/* Write it to the ring, and wait for room there as long as the server lives. */
static int send_to_ring( const void *data, size_t size )
{
    const char *ptr = data;

    for (;;)
    {
        struct pollfd pfd = { 0, POLLRDHUP, 0 };
        int wake, ret = ring_send( ptr, size, &wake );

        if (ret < 0 || (wake && !send_to_stream( "", 1 ))) return 0;
        ptr += ret;
        if (!(size -= ret)) return 1;
        if (poll( &pfd, 1, RING_TIME ) > 0) return 0;
    }
}

static int send_reply( const void *data, size_t size )
{
    return ring_is_used() ? send_to_ring( data, size ) : send_to_stream( data, size );
}

#define INPUT_SERVER  0x1
#define INPUT_HELPER  0x2  /* another one has come */
#define INPUT_PREFIX  0x4  /* see whether it has ended */
#define INPUT_RING    0x8  /* look into it */

/* Wait for something to do. Returns INPUT_*. */
static int wait_for_input(void)
{
    struct pollfd fds[3 + HANDOVER_FDS] = { { connected ? 0 : -1, POLLIN, 0 }, { -1, POLLIN, 0 }, { ring_fd(), POLLIN, 0 } };
    unsigned int i, count = 3;
    int asks = prefix && prefix_fd() < 0, timeout = guards_missing() || asks || !connected ? RETRY_TIME : IDLE_TIME, ret;

    if (prefix) fds[1].fd = prefix_fd();
    if (is_helper) count += handover_fds( fds + count );
    if (!ring_wait() || requests_pending() || guards_releasing()) timeout = 0;
    if (poll( fds, count, timeout ) < 0) return 0;
    ret = (fds[0].revents ? INPUT_SERVER : 0) | (fds[1].revents || asks ? INPUT_PREFIX : 0) | (ring_is_used() ? INPUT_RING : 0);
    for (i = 3; i < count; i++) if (fds[i].revents) ret |= INPUT_HELPER;
    return ret;
}

/* The server is gone; nobody must find the stream of one that is half alive. */
static void disconnect(void)
{
    requests_abandon();
    connected = 0;
    ring_close();
    close( 0 );
    close( 1 );
    if (open( "/dev/null", O_RDWR ) == 0) dup2( 0, 1 );
}

/* Another server: its stream instead of the one of before. That of a server which was killed in the middle of a call can stay open in wineserver. */
static void connect_to( int stream )
{
    requests_abandon();
    guards_claim();
    ring_close();
    dup2( stream, 0 );
    dup2( stream, 1 );
    close( stream );
    connected = 1;
}

/* recv() of what there is, without a wait, in the ring or the stream. What the server has written before its end is done first. */
static ssize_t receive( void *data, size_t size, int input )
{
    ssize_t ret = ring_receive( data, size );

    if (ret) errno = EPROTO;
    if (ret) return ret;
    ret = -1;
    errno = EAGAIN;
    if (input & INPUT_SERVER) ret = recv( 0, data, size, MSG_DONTWAIT );
    if (ret <= 0 || !ring_is_used()) return ret;
    /* it only wakes */
    errno = EAGAIN;
    return -1;
}

/* Serve requests until the server or the prefix ends. Returns the exit code. */
static int serve(void)
{
    static char requests[PORTGUARD_MAX_REQUEST];
    long last_retry = 0, end = 0;
    size_t len = 0, used;
    int input, stream, quit, gone, had_ring;
    ssize_t ret;

    for (;;)
    {
        /* a part of what takes long, between requests: they wait for one at most */
        gone = requests_pending() && !requests_go_on( send_reply );
        if (!requests_pending() && guards_releasing()) guards_release_some();
        input = wait_for_input();
        if ((input & INPUT_PREFIX) && !prefix_alive()) return 0;
        if (input & INPUT_HELPER)
        {
            if ((stream = handover_check( &quit )) >= 0)
            {
                if (is_own_stream( stream ))
                {
                    connect_to( stream );
                    len = 0;
                    gone = 0;  /* that was the one of before */
                }
                else close( stream );
            }
            if (quit) return 0;
        }
        if (now_ms() >= last_retry + (guards_missing() ? RETRY_TIME : IDLE_TIME))
        {
            guards_retry();
            last_retry = now_ms();
        }
        if (!connected)
        {
            if (now_ms() >= end) return 0;
            continue;
        }

        ret = gone ? 0 : receive( requests + len, sizeof(requests) - len, input );
        if (ret < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (ret < 0 && errno != ECONNRESET) return 1;
        if (ret > 0)
        {
            len += ret;
            had_ring = ring_is_used();
            switch (requests_handle( requests, len, send_reply, &used ))
            {
            case REQUESTS_GO_ON:
                len -= used;
                if (!had_ring && ring_is_used()) len = 0;  /* what follows in the stream only wakes */
                memmove( requests, requests + used, len );
                continue;
            case REQUESTS_QUIT:
                return 0;
            case REQUESTS_NONSENSE:
                fprintf( stderr, "portguard: this is no request; is portserver.exe of the same version?\n" );
                return 1;
            case REQUESTS_GONE:
                break;
            }
        }
        if (!is_helper) return 0;
        disconnect();
        len = 0;
        end = now_ms() + PORTGUARD_LINGER * 1000L;
    }
}

int main( int argc, char *argv[] )
{
    unsigned int limit;
    int refuse, ret;
    struct stat st;

    if (argc == 2 && !strcmp( argv[1], "--version" ))
    {
        /* does it run on this system at all? */
        printf( "portguard %s\n", PACKAGE_VERSION );
        return 0;
    }
    if (argc > 1 || fstat( 0, &st ) || !S_ISSOCK( st.st_mode ))
    {
        fprintf( stderr, "%s: started by portserver.exe with a socket as its standard input; nothing to be run by hand\n",
                 argv[0] );
        return 1;
    }
    /* What ends this program is the server's end, not Ctrl-C in the terminal where Wine was started. */
    signal( SIGPIPE, SIG_IGN );
    signal( SIGINT, SIG_IGN );
    signal( SIGHUP, SIG_IGN );
    prefix = prefix_find();
    if (chdir( "/" )) return 1;  /* so that the prefix can be unmounted or removed */
    refuse = !prefix_enter_network( 0 );
    if (!refuse && !is_own_stream( 0 ))
    {
        fprintf( stderr, "portguard: standard input is a connection to another user's program\n" );
        return 1;
    }
    if (prefix)
    {
        switch (handover_start( prefix, 0 ))
        {
        case HANDOVER_HELPER:
            is_helper = 1;
            break;
        case HANDOVER_DONE:
            return 0;
        case HANDOVER_FAILED:
            fprintf( stderr, "portguard: the one of before neither goes on nor ends\n" );
            return 1;
        }
    }
    limit = raise_limit();
    guards_init( limit, threads_run );
    requests_init( refuse, limit, is_helper );
    ret = serve();
    /* before the next helper gets the lock */
    guards_release( PROTOCOL_TCP, 1, 65535 );
    guards_release( PROTOCOL_UDP, 1, 65535 );
    if (is_helper) handover_end();
    return ret;
}
