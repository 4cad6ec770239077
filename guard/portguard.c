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

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "portguard.h"
#include "portguard_prefix.h"
#include "portguard_sockets.h"
#include "portguard_tcp.h"

static int listener = -1;              /* where the next server finds this program */
static int candidate = -1;             /* who connected there last, and has said nothing yet */
static struct portguard_request linger_request;
static int have_wineserver;

#define SHORT_LINGER 10  /* seconds; when nobody can tell whether the prefix still lives */

/* Prepare for outliving the server. */
static NTSTATUS start_linger( const struct portguard_request *req, uint32_t *port )
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl( INADDR_LOOPBACK ) };
    socklen_t len = sizeof(addr);

    if (listener < 0)
    {
        listener = socket( AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0 );
        if (listener < 0) return STATUS_INSUFFICIENT_RESOURCES;
        if (bind( listener, (struct sockaddr *)&addr, sizeof(addr) ) || listen( listener, 16 ))
        {
            close( listener );
            listener = -1;
            return STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    getsockname( listener, (struct sockaddr *)&addr, &len );
    *port = ntohs( addr.sin_port );
    linger_request = *req;
    have_wineserver = prefix_find();
    return STATUS_SUCCESS;
}

/* Handle one request; returns 0 when the stream makes no sense. */
static int handle_request( const struct portguard_request *req, struct portguard_reply *reply )
{
    memset( reply, 0, sizeof(*reply) );
    reply->serial = req->serial;
    if (req->op == PORTGUARD_HELLO)
    {
        reply->port = PORTGUARD_VERSION;
        return 1;
    }
    if (req->op == PORTGUARD_LINGER)
    {
        reply->status = start_linger( req, &reply->port );
        return 1;
    }
    if (req->op == PORTGUARD_FORGET)
    {
        sockets_forget();
        return 1;
    }
    if (req->op < PORTGUARD_GUARD || req->op > PORTGUARD_RETAKE) return 0;
    if ((req->protocol != PROTOCOL_TCP && req->protocol != PROTOCOL_UDP) ||
        !req->first || req->first > 65535 || !req->count || req->count > 65536 - req->first)
    {
        reply->status = STATUS_INVALID_PARAMETER;
        return 1;
    }
    switch (req->op)
    {
    case PORTGUARD_GUARD:
        reply->status = sockets_guard( req, &reply->port, &reply->missing );
        break;
    case PORTGUARD_RELEASE:
        sockets_release( req );
        break;
    case PORTGUARD_YIELD:
        sockets_yield( req );
        break;
    case PORTGUARD_RETAKE:
        sockets_retake( req );
        break;
    }
    return 1;
}

/* Wait for input, of the server if server is set, or from the listener. */
static int wait_for_input( int server, int timeout )
{
    struct pollfd fds[] = { { server ? 0 : -1, POLLIN, 0 }, { listener, POLLIN, 0 }, { candidate, POLLIN, 0 } };

    return poll( fds, sizeof(fds) / sizeof(fds[0]), timeout );
}

static int send_reply( const struct portguard_reply *reply )
{
    const char *ptr = (const char *)reply;
    struct pollfd pfd = { 1, POLLOUT, 0 };
    size_t left = sizeof(*reply);

    while (left)
    {
        ssize_t ret = write( 1, ptr, left );

        if (ret > 0)
        {
            ptr += ret;
            left -= ret;
        }
        else if (ret < 0 && errno == EAGAIN) poll( &pfd, 1, -1 );  /* the descriptor may or may not block by itself */
        else if (ret < 0 && errno != EINTR) return 0;
    }
    return 1;
}

/* Look at who connected to the listener: the one that sends the right claim becomes the server. Returns 1 when that has happened. A
 * stranger who says nothing delays nobody, and gives way to the next one. */
static int check_claim(void)
{
    struct portguard_reply reply = { .port = PORTGUARD_VERSION };
    struct portguard_request req;
    int fd, on = 1;
    ssize_t ret;

    while (listener >= 0 && (fd = accept4( listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK )) >= 0)
    {
        if (!tcp_peer_is_own_user( fd ))
        {
            close( fd );
            continue;
        }
        if (candidate >= 0) close( candidate );
        candidate = fd;
        setsockopt( fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on) );
    }
    if (candidate < 0) return 0;
    ret = recv( candidate, &req, sizeof(req), 0 );
    if (ret < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    fd = candidate;
    candidate = -1;
    if (ret != sizeof(req) || req.op != PORTGUARD_CLAIM ||
        req.protocol != linger_request.protocol || req.first != linger_request.first)
    {
        close( fd );
        return 0;
    }
    sockets_claim();
    dup2( fd, 0 );
    dup2( fd, 1 );
    close( fd );
    reply.serial = req.serial;
    return send_reply( &reply );
}

/* Serve requests until the stream ends. Returns 0 then, -1 when the server wants an end or the prefix has ended, 1 on error. */
static int serve(void)
{
    struct portguard_request requests[64];
    struct portguard_reply reply;
    size_t len = 0, pos;
    time_t now, last_retry = 0;
    ssize_t ret;

    for (;;)
    {
        ret = wait_for_input( 1, sockets_missing() || have_wineserver ? 1000 : -1 );
        /* The stream of a server that was killed in the middle of a call can stay open in wineserver. */
        if (check_claim()) len = 0;
        /* Without wineserver the server waits for it forever, with the stream open. */
        if (!ret && have_wineserver && !prefix_alive()) return -1;
        if (sockets_missing() && (now = time( NULL )) != last_retry)
        {
            sockets_retry();
            last_retry = now;
        }
        if (!ret) continue;
        ret = recv( 0, (char *)requests + len, sizeof(requests) - len, MSG_DONTWAIT );
        if (!ret) return 0;
        if (ret < 0)
        {
            if (errno == EAGAIN || errno == EINTR) continue;
            return errno == ECONNRESET ? 0 : 1;
        }
        len += ret;
        for (pos = 0; len - pos >= sizeof(requests[0]); pos += sizeof(requests[0]))
        {
            const struct portguard_request *req = &requests[pos / sizeof(requests[0])];

            if (req->op == PORTGUARD_QUIT) return -1;
            if (!handle_request( req, &reply ))
            {
                fprintf( stderr, "portguard: unknown request %u; is portserver.exe of the same version?\n", req->op );
                return 1;
            }
            if (!(req->flags & PORTGUARD_NO_REPLY) && !send_reply( &reply )) return 0;
        }
        len -= pos;
        memmove( requests, (char *)requests + pos, len );
    }
}

/* The server is gone; hold the guards for the next one. Returns 0 when none came. */
static int linger(void)
{
    unsigned int seconds = linger_request.count;
    int claimed = 0;
    time_t end;

    if (listener < 0) return 0;
    /* nobody must find the stream of the server that was half alive */
    close( 0 );
    close( 1 );
    open( "/dev/null", O_RDWR );
    dup2( 0, 1 );
    if (!have_wineserver && seconds > SHORT_LINGER) seconds = SHORT_LINGER;
    for (end = time( NULL ) + seconds; !claimed && time( NULL ) < end && (!have_wineserver || prefix_alive()); )
    {
        wait_for_input( 0, 200 );
        claimed = check_claim();
    }
    return claimed;
}

int main( int argc, char *argv[] )
{
    struct stat st;
    int ret;

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
    if (chdir( "/" )) return 1;  /* so that the prefix can be unmounted or removed */
    sockets_init();
    do ret = serve();
    while (!ret && linger());
    return ret > 0;
}
