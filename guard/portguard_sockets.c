/*
 * The sockets that keep ports
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/filter.h>

#include "portguard_sockets.h"
#include "portguard_tcp.h"

#ifndef SO_BINDTOIFINDEX
# define SO_BINDTOIFINDEX 62  /* Linux 5.0 */
#endif

/* No interface has this index: the kernel counts them from 1. */
#define NO_INTERFACE 0x7fffffff

#define MAX_RETRIES 1024  /* ports tried by one sockets_retry(), so that requests wait milliseconds at most */

/* What is known of one port of one protocol. All zero: not guarded. */
struct guard
{
    int fd;                      /* bound to the port, or 0: standard input is not a guard */
    unsigned char wanted : 1;    /* guarded, or to be guarded when that is possible */
    unsigned char persistent : 1;
    unsigned char yielded : 1;   /* let others in until it is taken back */
    unsigned char denied : 1;    /* the host keeps the port from this user, hence from everything guarded against */
    unsigned char unclaimed : 1; /* the server before wanted it; the one of now has not said so */
    unsigned char stale : 1;     /* the server before had it yielded; the one of now has not said so */
};

static struct guard guards[2][65536];
static unsigned int missing_count;
static unsigned int retry_pos;
static int family = AF_INET6;

static struct guard *get_guard( unsigned int protocol, unsigned int port )
{
    return &guards[protocol == PROTOCOL_UDP][port];
}

static int is_missing( const struct guard *guard )
{
    return guard->wanted && !guard->fd && !guard->yielded && !guard->denied;
}

static void set_reuse( int fd, int on )
{
    setsockopt( fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on) );
}

static int bind_any( int fd, unsigned int port )
{
    struct sockaddr_in6 addr6;
    struct sockaddr_in addr;

    if (family == AF_INET6)
    {
        memset( &addr6, 0, sizeof(addr6) );
        addr6.sin6_family = AF_INET6;
        addr6.sin6_port = htons( port );
        return bind( fd, (const struct sockaddr *)&addr6, sizeof(addr6) );
    }
    memset( &addr, 0, sizeof(addr) );
    addr.sin_family = AF_INET;
    addr.sin_port = htons( port );
    return bind( fd, (const struct sockaddr *)&addr, sizeof(addr) );
}

/* Returns a socket bound to the port on both families, or -1 and errno. */
static int open_socket( unsigned int protocol, unsigned int port, int reuse )
{
    int off = 0, err, fd = socket( family, (protocol == PROTOCOL_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0 );

    if (fd < 0) return -1;
    if (reuse) set_reuse( fd, 1 );
    if (family == AF_INET6) setsockopt( fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off) );
    if (!bind_any( fd, port )) return fd;
    err = errno;
    close( fd );
    errno = err;
    return -1;
}

/* A bound TCP socket that does not listen answers a SYN with a reset, the same as no socket. A bound UDP socket however takes
 * every datagram. Tie it to an interface that does not exist: nothing that arrives is for it any more, so that the sender gets
 * ICMP's "port unreachable" as from a port that nobody has, while the kernel still sees a conflict with every
 * socket that is not tied to an interface itself. (A native program that ties its socket to an interface can bind beside such
 * a guard; there is no way to have both.)
 *
 * Before Linux 5.7 an ordinary user may not do that. Then the socket throws away what it gets, so that no memory
 * fills up, and the sender hears nothing. */
static void refuse_datagrams( int fd )
{
    static struct sock_filter drop = { BPF_RET | BPF_K, 0, 0, 0 };
    struct sock_fprog program = { 1, &drop };
    int index = NO_INTERFACE, size = 0;

    if (!setsockopt( fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof(index) )) return;
    setsockopt( fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program) );
    setsockopt( fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size) );
}

/* Connections that were closed here keep their port for a minute, and keep it from everybody who does not set SO_REUSEADDR.
 * Take the port as those do who set it, then take the option back. */
static int open_in_time_wait( unsigned int port )
{
    struct sockaddr unspec = { .sa_family = AF_UNSPEC };
    int probe, fd = open_socket( PROTOCOL_TCP, port, 1 );

    if (fd < 0) return -1;
    set_reuse( fd, 0 );

    /* From Linux 6.1 on, until it counted closed connections among a port's owners, the kernel took the first owner's option for
     * a property of the port and looked no further. A socket that begins to listen makes it look again. */
    if ((probe = open_socket( PROTOCOL_TCP, port, 1 )) >= 0)
    {
        close( probe );
        set_reuse( fd, 1 );
        if (!listen( fd, 0 )) (void)connect( fd, &unspec, sizeof(unspec) );
        set_reuse( fd, 0 );
    }
    return fd;
}

/* Guard one port now. Returns 0 or an errno value. */
static int take( unsigned int protocol, unsigned int port, struct guard *guard )
{
    int fd = open_socket( protocol, port, 0 );

    if (fd < 0 && errno == EADDRINUSE && protocol == PROTOCOL_TCP && tcp_table_only_time_wait( port ))
        fd = open_in_time_wait( port );
    if (fd < 0)
    {
        /* a port below net.ipv4.ip_unprivileged_port_start is never handed out */
        if (errno != EACCES || !guard->persistent) return errno;
        guard->denied = 1;
        return 0;
    }
    if (protocol == PROTOCOL_UDP) refuse_datagrams( fd );
    /* SO_REUSEADDR lets in those who ask by number and set it too, as Wine does for each TCP socket; bind to port 0 and
     * the implicit choice of connect() keep off such a port all the same. */
    else if (guard->persistent) set_reuse( fd, 1 );
    guard->fd = fd;
    return 0;
}

static void try_missing( unsigned int protocol, unsigned int port, struct guard *guard )
{
    int ret;

    if (!is_missing( guard )) return;
    ret = take( protocol, port, guard );
    if (ret == EACCES) guard->denied = 1;
    if (!is_missing( guard )) missing_count--;
}

static void drop( struct guard *guard )
{
    if (is_missing( guard )) missing_count--;
    if (guard->fd) close( guard->fd );
    memset( guard, 0, sizeof(*guard) );
}

static NTSTATUS status_from_errno( int err )
{
    switch (err)
    {
    case EADDRINUSE: return STATUS_SHARING_VIOLATION;
    case EACCES:     return STATUS_ACCESS_DENIED;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:     return STATUS_INSUFFICIENT_RESOURCES;
    default:         return STATUS_UNSUCCESSFUL;
    }
}

void sockets_init(void)
{
    struct rlimit limit = { 140000, 140000 };  /* both protocols' ports and some more */
    int fd;

    /* a guard is a descriptor; an ordinary user gets what the hard limit allows */
    if (setrlimit( RLIMIT_NOFILE, &limit ) && !getrlimit( RLIMIT_NOFILE, &limit ))
    {
        limit.rlim_cur = limit.rlim_max;
        setrlimit( RLIMIT_NOFILE, &limit );
    }
    if ((fd = open_socket( PROTOCOL_TCP, 0, 0 )) >= 0) close( fd );
    else family = AF_INET;  /* a host without IPv6 */
}

NTSTATUS sockets_guard( const struct portguard_request *req, uint32_t *busy, uint32_t *missing )
{
    unsigned int port;
    int ret = 0;

    tcp_table_forget();
    *missing = 0;
    for (port = req->first; port < req->first + req->count; port++)
    {
        struct guard *guard = get_guard( req->protocol, port );

        if (guard->unclaimed)
        {
            if (is_missing( guard )) missing_count--;
            guard->unclaimed = guard->wanted = 0;
        }
        if (guard->wanted)
        {
            ret = EADDRINUSE;
            if (req->flags & PORTGUARD_FORCE) continue;
            break;
        }
        guard->persistent = !!(req->flags & PORTGUARD_PERSISTENT);
        ret = guard->fd || guard->yielded ? 0 : take( req->protocol, port, guard );
        if (guard->fd && req->protocol == PROTOCOL_TCP) set_reuse( guard->fd, guard->persistent || guard->yielded );
        if (ret && !(req->flags & PORTGUARD_FORCE))
        {
            memset( guard, 0, sizeof(*guard) );
            break;
        }
        guard->wanted = 1;
        if (ret == EACCES) guard->denied = 1;
        if (!ret) continue;
        if (is_missing( guard )) missing_count++;
        if (!(*missing)++) *busy = port;
    }
    if (port == req->first + req->count) return STATUS_SUCCESS;

    *busy = port;
    while (port-- > req->first) drop( get_guard( req->protocol, port ) );
    return status_from_errno( ret );
}

void sockets_release( const struct portguard_request *req )
{
    unsigned int port;

    for (port = req->first; port < req->first + req->count; port++) drop( get_guard( req->protocol, port ) );
}

void sockets_yield( const struct portguard_request *req )
{
    unsigned int port;

    for (port = req->first; port < req->first + req->count; port++)
    {
        struct guard *guard = get_guard( req->protocol, port );

        if (!guard->wanted) continue;
        guard->stale = 0;
        if (guard->yielded) continue;
        if (is_missing( guard )) missing_count--;
        guard->yielded = 1;
        if (!guard->fd) continue;
        /* The kernel looks at the option of each socket on the port, at bind() and again at listen(), so the guard needs it for
         * as long as the owner has the port. */
        if (req->protocol == PROTOCOL_TCP) set_reuse( guard->fd, 1 );
        else
        {
            /* Wine's UDP sockets don't have SO_REUSEADDR, so no guard can stay beside them. */
            close( guard->fd );
            guard->fd = 0;
        }
    }
}

static void retake( unsigned int protocol, unsigned int port, struct guard *guard )
{
    if (!guard->yielded) return;
    guard->yielded = guard->stale = 0;
    if (guard->fd)
    {
        if (!guard->persistent) set_reuse( guard->fd, 0 );
    }
    else if (is_missing( guard ))
    {
        missing_count++;
        try_missing( protocol, port, guard );
    }
}

void sockets_retake( const struct portguard_request *req )
{
    unsigned int port;

    tcp_table_forget();
    for (port = req->first; port < req->first + req->count; port++)
        retake( req->protocol, port, get_guard( req->protocol, port ) );
}

void sockets_claim(void)
{
    unsigned int i, port;

    for (i = 0; i < 2; i++)
    {
        for (port = 0; port < 65536; port++)
        {
            struct guard *guard = &guards[i][port];

            guard->unclaimed = guard->wanted;
            guard->stale = guard->yielded;
        }
    }
}

void sockets_forget(void)
{
    unsigned int i, port;

    tcp_table_forget();
    for (i = 0; i < 2; i++)
    {
        for (port = 0; port < 65536; port++)
        {
            struct guard *guard = &guards[i][port];

            if (guard->unclaimed) drop( guard );
            else if (guard->stale) retake( i ? PROTOCOL_UDP : PROTOCOL_TCP, port, guard );
        }
    }
}

unsigned int sockets_missing(void)
{
    return missing_count;
}

void sockets_retry(void)
{
    unsigned int seen, tried = 0;

    tcp_table_forget();
    for (seen = 0; seen < 2 * 65536 && tried < MAX_RETRIES && missing_count; seen++)
    {
        unsigned int protocol = retry_pos >= 65536 ? PROTOCOL_UDP : PROTOCOL_TCP, port = retry_pos % 65536;
        struct guard *guard = get_guard( protocol, port );

        retry_pos = (retry_pos + 1) % (2 * 65536);
        if (!is_missing( guard )) continue;
        tried++;
        try_missing( protocol, port, guard );
    }
}
