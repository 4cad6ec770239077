/*
 * Guards: the sockets
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
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/filter.h>

#include "guard_sockets.h"
#include "guard_tables.h"

#ifndef SO_BINDTOIFINDEX
# define SO_BINDTOIFINDEX 62  /* Linux 5.0 */
#endif

/* No interface has this index: the kernel counts them from 1. */
#define NO_INTERFACE 0x7fffffff

#define MAX_RETRIES 1024  /* ports tried by one guards_retry(), so that requests wait milliseconds at most */

#define SLICE     512   /* sockets that are made or closed at a time */
#define MIN_SLICE 128   /* fewer are made and closed one by one */

/* What is known of one port of one protocol. All zero: not guarded. */
struct guard
{
    int fd;                      /* bound to the port, or 0: standard input is not a guard */
    unsigned char wanted : 1;    /* guarded, or to be guarded when that is possible */
    unsigned char persistent : 1;
    unsigned char yielded : 1;   /* let others in until it is taken back */
    unsigned char shared : 1;    /* UDP: beside several sockets of the owner */
    unsigned char alone : 1;     /* guarded only as long as it is shared */
    unsigned char denied : 1;    /* the host keeps the port from this user, hence from everything guarded against */
    unsigned char unclaimed : 1; /* the owner before wanted it; the one of now has not said so */
    unsigned char stale : 1;     /* the owner before had it yielded or shared; the one of now has not said so */
};

static struct guard guards[2][65536];
static unsigned int guard_count, missing_count, max_guards;
static unsigned int ending_count;  /* sockets of guards that are released, but not closed yet */
static unsigned int retry_pos;
static int exhausted;
static int family = AF_INET6;
static int dual_by_default;  /* a new socket is of both families, as one of this call was seen to be */
static unsigned int ephemeral_first = 1, ephemeral_last = 65535;  /* what the kernel chooses from */
static guards_runner run_at_once;  /* NULL: there is none */

/* Sockets of a large block, made ahead of their turn. Nothing else is done then: where there is none its turn tells why. */
static struct
{
    int          fds[SLICE];
    int          protocol;
    unsigned int first, count;
    unsigned int flags;
} ahead;

static int dropped[SLICE];  /* descriptors that close_dropped() closes */
static unsigned int dropped_count;

static struct guard *get_guard( int protocol, unsigned int port )
{
    return &guards[protocol == PROTOCOL_UDP][port];
}

/* Read where the kernel chooses. Returns whether that has changed. */
static int read_ephemeral(void)
{
    unsigned int first = 1, last = 65535;
    FILE *file = fopen( "/proc/sys/net/ipv4/ip_local_port_range", "re" );
    int ret;

    if (file)
    {
        if (fscanf( file, "%u %u", &first, &last ) != 2 || !first || first > last || last > 65535)
        {
            first = 1;
            last = 65535;
        }
        fclose( file );
    }
    ret = first != ephemeral_first || last != ephemeral_last;
    ephemeral_first = first;
    ephemeral_last = last;
    return ret;
}

/* Whoever asks for a port of a persistent block by number gets it, so only the kernel has to be kept off. */
static int has_guard( unsigned int port, int persistent )
{
    return !persistent || (port >= ephemeral_first && port <= ephemeral_last);
}

static int needs_guard( unsigned int port, const struct guard *guard )
{
    return guard->wanted && !guard->yielded && !guard->denied && (guard->shared || has_guard( port, guard->persistent ));
}

/* released, and its socket is not closed yet */
static int is_ending( const struct guard *guard )
{
    return guard->fd && !guard->wanted;
}

static int is_missing( unsigned int port, const struct guard *guard )
{
    return !guard->fd && needs_guard( port, guard );
}

static int close_one_dropped( unsigned int i )
{
    close( dropped[i] );
    return 1;
}

static void close_dropped(void)
{
    unsigned int i;

    if (run_at_once && dropped_count >= MIN_SLICE) run_at_once( close_one_dropped, dropped_count );
    else for (i = 0; i < dropped_count; i++) close_one_dropped( i );
    dropped_count = 0;
}

/* close_dropped() has to follow. */
static void drop_fd( int fd )
{
    if (dropped_count == SLICE) close_dropped();
    dropped[dropped_count++] = fd;
}

/* The port is nobody's any more. The same has to follow. */
static void drop( unsigned int port, struct guard *guard )
{
    if (is_missing( port, guard )) missing_count--;
    if (is_ending( guard )) ending_count--;
    else if (guard->fd) guard_count--;
    if (guard->fd) drop_fd( guard->fd );
    memset( guard, 0, sizeof(*guard) );
}

void guards_release_some(void)
{
    static unsigned int pos;
    unsigned int seen, done = 0;

    for (seen = 0; seen < 2 * 65536 && done < SLICE && ending_count; seen++)
    {
        struct guard *guard = &guards[pos / 65536][pos % 65536];

        if (is_ending( guard ))
        {
            drop( pos % 65536, guard );
            done++;
        }
        pos = (pos + 1) % (2 * 65536);
    }
    close_dropped();
}

static void release_rest(void)
{
    while (ending_count) guards_release_some();
    close_dropped();
}

static void set_reuse( int fd, int on )
{
    setsockopt( fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on) );
}

/* The host may change what a new socket is at any time (net.ipv6.bindv6only); asking once a call makes many guards quicker. */
static void see_default( int fd )
{
    int only = 1;
    socklen_t len = sizeof(only);

    if (family != AF_INET6 || dual_by_default) return;
    if (!getsockopt( fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len ) && !only) dual_by_default = 1;
}

static void set_dual( int fd )
{
    int off = 0;

    if (family == AF_INET6 && !dual_by_default) setsockopt( fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off) );
}

/* what was found out about the host by another call is not true any more */
static void forget_host(void)
{
    tables_forget();
    dual_by_default = 0;
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

static int make_socket( int protocol )
{
    return socket( family, (protocol == PROTOCOL_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0 );
}

/* Returns the socket, which is bound to the port on both families then, or -1 and errno, and then it is closed. */
static int bind_socket( int fd, unsigned int port, int reuse )
{
    int err;

    if (fd < 0) return -1;
    if (reuse) set_reuse( fd, 1 );
    set_dual( fd );
    if (!bind_any( fd, port )) return fd;
    err = errno;
    close( fd );
    errno = err;
    return -1;
}

/* Is something short that release_rest() gives back? */
static int is_short( int err )
{
    return (ending_count || dropped_count) && (err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM);
}

/* Returns a socket bound to the port on both families, or -1 and errno. */
static int open_socket( int protocol, unsigned int port, int reuse )
{
    int fd = make_socket( protocol );

    if (fd < 0 && is_short( errno ))
    {
        release_rest();
        fd = make_socket( protocol );
    }
    if (fd >= 0) see_default( fd );
    return bind_socket( fd, port, reuse );
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

/* What keeps a socket off the port? A port that lets in no socket with SO_REUSEADDR either is not worth a question. */
static enum tables_state find_obstacle( unsigned int port )
{
    enum tables_state state = TABLES_OTHERS;
    int fd = open_socket( PROTOCOL_TCP, port, 1 );

    if (fd >= 0)
    {
        close( fd );
        state = tables_state( port );
    }
    errno = EADDRINUSE;
    return state;
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

/* Returns a socket with which nobody else has the port, or -1 and errno. */
static int open_unshared( int protocol, unsigned int port )
{
    int fd = open_socket( protocol, port, 0 );

    if (fd < 0 && errno == EADDRINUSE && protocol == PROTOCOL_TCP && find_obstacle( port ) == TABLES_TIME_WAIT)
    {
        if ((fd = open_in_time_wait( port )) < 0) errno = EADDRINUSE;
    }
    return fd;
}

/* Could the owner's socket be bound, and nobody else have the port then? Returns 0 or an errno value. Connections that a server accepted keep its port
 * when it has ended; Wine's sockets don't mind, since all have SO_REUSEADDR. */
static int prove_free( int protocol, unsigned int port )
{
    int fd = open_unshared( protocol, port );

    if (fd < 0 && errno == EADDRINUSE && protocol == PROTOCOL_TCP && find_obstacle( port ) == TABLES_CONNECTIONS)
    {
        if ((fd = open_socket( protocol, port, 1 )) < 0) errno = EADDRINUSE;
    }
    if (fd < 0) return errno;
    close( fd );
    return 0;
}

static void set_fd( struct guard *guard, int fd )
{
    guard->fd = fd;
    guard_count++;
    exhausted = 0;
}

static void close_fd( struct guard *guard )
{
    if (!guard->fd) return;
    close( guard->fd );
    guard->fd = 0;
    guard_count--;
}

/* Give a new guard the options that it has to have. */
static void set_options( int protocol, int fd, int persistent )
{
    if (protocol == PROTOCOL_UDP) refuse_datagrams( fd );
    /* SO_REUSEADDR lets in those who ask by number and set it too, as Wine does for each TCP socket; bind to port 0 and
     * the implicit choice of connect() keep off such a port all the same. */
    else if (persistent) set_reuse( fd, 1 );
}

/* Other threads may be here as well, so it only reads what is known of guards and the host. */
static int make_one_ahead( unsigned int i )
{
    unsigned int port = ahead.first + i;
    const struct guard *guard = get_guard( ahead.protocol, port );
    int fd = -1, persistent = ahead.flags & GUARDS_PERSISTENT;

    if (!guard->fd && !guard->wanted && !guard->yielded && !guard->shared && has_guard( port, persistent ))
        fd = bind_socket( make_socket( ahead.protocol ), port, 0 );
    if (fd < 0) return ahead.flags & GUARDS_FORCE;
    set_options( ahead.protocol, fd, persistent );
    ahead.fds[i] = fd;
    return 1;
}

/* Make sockets for some of the next count ports. Returns how many ports those are. */
static unsigned int make_ahead( int protocol, unsigned int first, unsigned int count, unsigned int flags )
{
    unsigned int room = max_guards - guard_count;

    if (count > SLICE) count = SLICE;
    ahead.count = 0;
    if (!run_at_once || count < MIN_SLICE || room < count) return count;
    memset( ahead.fds, 0, sizeof(ahead.fds) );
    ahead.protocol = protocol;
    ahead.first = first;
    ahead.count = count;
    ahead.flags = flags;
    run_at_once( make_one_ahead, count );
    return count;
}

/* Returns the socket that was made for the port, or 0. */
static int get_ahead( unsigned int port )
{
    unsigned int i = port - ahead.first;
    int fd;

    if (i >= ahead.count) return 0;
    fd = ahead.fds[i];
    ahead.fds[i] = 0;
    return fd;
}

/* what was made ahead, and is of no use */
static void drop_ahead(void)
{
    unsigned int i;

    for (i = 0; i < ahead.count; i++) if (ahead.fds[i]) drop_fd( ahead.fds[i] );
    ahead.count = 0;
}

/* There are as many sockets as there may be: those of guards that are released have to go. */
static int has_room(void)
{
    if (guard_count + ending_count >= max_guards) release_rest();
    return guard_count < max_guards;
}

/* Make the guard of one port, with the options that it has to have. Returns 0 or an errno value. */
static int take( int protocol, unsigned int port, struct guard *guard )
{
    int fd = get_ahead( port );

    if (fd)
    {
        set_fd( guard, fd );
        return 0;
    }
    if (has_room()) fd = open_unshared( protocol, port );
    else errno = EMFILE, fd = -1;
    if (fd < 0)
    {
        if (errno == EMFILE || errno == ENFILE) exhausted = 1;
        /* a port below net.ipv4.ip_unprivileged_port_start is never handed out */
        if (errno != EACCES || !guard->persistent) return errno;
        guard->denied = 1;
        return 0;
    }
    set_options( protocol, fd, guard->persistent );
    set_fd( guard, fd );
    return 0;
}

static void try_missing( int protocol, unsigned int port, struct guard *guard )
{
    if (!is_missing( port, guard )) return;
    if (take( protocol, port, guard ) == EACCES) guard->denied = 1;
    if (!is_missing( port, guard )) missing_count--;
}

static NTSTATUS status_from_errno( int err )
{
    switch (err)
    {
    case 0:          return STATUS_SUCCESS;
    case EADDRINUSE: return STATUS_SHARING_VIOLATION;
    case EACCES:     return STATUS_ACCESS_DENIED;
    case EMFILE:
    case ENFILE:     return STATUS_TOO_MANY_OPENED_FILES;
    case ENOBUFS:
    case ENOMEM:     return STATUS_INSUFFICIENT_RESOURCES;
    default:         return STATUS_UNSUCCESSFUL;
    }
}

void guards_init( unsigned int limit, guards_runner runner )
{
    int fd;

    max_guards = limit;
    run_at_once = runner;
    if ((fd = open_socket( PROTOCOL_TCP, 0, 0 )) >= 0) close( fd );
    else if (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL) family = AF_INET;  /* a host without IPv6 */
    read_ephemeral();
}

/* One port of a block. Returns 0 or an errno value, and then the port is as it was when the block is not forced. */
static int take_one( int protocol, unsigned int port, unsigned int flags )
{
    struct guard *guard = get_guard( protocol, port );
    int ret = 0;

    if (guard->unclaimed)
    {
        if (is_missing( port, guard )) missing_count--;
        guard->unclaimed = guard->wanted = guard->alone = 0;
    }
    if (guard->wanted) return EADDRINUSE;
    guard->persistent = !!(flags & GUARDS_PERSISTENT);
    if (guard->fd || guard->yielded || guard->shared)  /* of the owner before */
    {
        if (!guard->shared && !has_guard( port, guard->persistent )) close_fd( guard );
        if (guard->fd && protocol == PROTOCOL_TCP) set_reuse( guard->fd, guard->persistent || guard->yielded );
    }
    else if (has_guard( port, guard->persistent )) ret = take( protocol, port, guard );
    else if (!(flags & GUARDS_FORCE) && (ret = prove_free( protocol, port )) == EACCES)
    {
        guard->denied = 1;
        ret = 0;
    }
    if (ret && !(flags & GUARDS_FORCE))
    {
        memset( guard, 0, sizeof(*guard) );
        return ret;
    }
    guard->wanted = 1;
    if (ret == EACCES) guard->denied = 1;
    if (is_missing( port, guard )) missing_count++;
    return ret;
}

NTSTATUS guards_take( int protocol, unsigned int first, unsigned int count, unsigned int flags, unsigned int *busy )
{
    unsigned int port, next = first + 1;  /* what the first one finds out of the host the others need not */
    int ret = 0;

    if (!(flags & GUARDS_MORE)) forget_host();
    for (port = first; port < first + count; port++)
        if (is_ending( get_guard( protocol, port ) )) drop( port, get_guard( protocol, port ) );
    close_dropped();
    if (guard_count + ending_count + count > max_guards) release_rest();
    *busy = 0;
    for (port = first; port < first + count; port++)
    {
        if (port == next)
        {
            drop_ahead();
            next += make_ahead( protocol, port, first + count - port, flags );
        }
        if (!(ret = take_one( protocol, port, flags ))) continue;
        if (!*busy) *busy = port;
        if (!(flags & GUARDS_FORCE)) break;
        ret = 0;
    }
    if (ret) while (port-- > first) drop( port, get_guard( protocol, port ) );
    drop_ahead();
    close_dropped();
    return status_from_errno( ret );
}

void guards_release( int protocol, unsigned int first, unsigned int count )
{
    unsigned int port;

    for (port = first; port < first + count; port++) drop( port, get_guard( protocol, port ) );
    close_dropped();
}

void guards_release_later( int protocol, unsigned int first, unsigned int count )
{
    unsigned int port;

    if (count < MIN_SLICE)  /* it would take longer to find them again */
    {
        guards_release( protocol, first, count );
        return;
    }
    for (port = first; port < first + count; port++)
    {
        struct guard *guard = get_guard( protocol, port );
        int fd = guard->fd;

        if (is_ending( guard )) continue;
        if (is_missing( port, guard )) missing_count--;
        if (fd)
        {
            guard_count--;
            ending_count++;
        }
        memset( guard, 0, sizeof(*guard) );
        guard->fd = fd;
    }
}

/* Does nobody but the owner have the port? The guard of a runtime reservation is the proof; beside one that lets in whoever asks
 * by number may be somebody. Returns 0 or an errno value. */
static int prove_owner( int protocol, unsigned int port, struct guard *guard )
{
    int ret, fd;

    if (guard->denied || (guard->fd && (!guard->persistent || protocol == PROTOCOL_UDP))) return 0;
    close_fd( guard );
    ret = prove_free( protocol, port );
    if (needs_guard( port, guard ))
    {
        if (!has_room() || (fd = open_socket( protocol, port, guard->persistent && protocol == PROTOCOL_TCP )) < 0) return ret;
        if (protocol == PROTOCOL_UDP) refuse_datagrams( fd );
        set_fd( guard, fd );
    }
    return ret == EADDRINUSE ? ret : 0;  /* what else there may be, the owner's bind will tell */
}

NTSTATUS guards_yield( int protocol, unsigned int port, unsigned int flags )
{
    struct guard *guard = get_guard( protocol, port );
    int was_missing = is_missing( port, guard ), ret;

    if (!guard->wanted) return STATUS_SUCCESS;
    guard->stale = 0;
    if (guard->yielded || guard->shared) return STATUS_SUCCESS;
    forget_host();
    ret = (flags & GUARDS_FORCE) ? 0 : prove_owner( protocol, port, guard );
    missing_count += is_missing( port, guard ) - was_missing;
    if (ret) return status_from_errno( ret );

    if (is_missing( port, guard )) missing_count--;
    guard->yielded = 1;
    if (!guard->fd) return STATUS_SUCCESS;
    /* The kernel looks at the option of each socket on the port, at bind() and again at listen(), so the guard needs it for
     * as long as the owner has the port. Wine's UDP sockets don't have it, so no guard can stay beside them. */
    if (protocol == PROTOCOL_TCP) set_reuse( guard->fd, 1 );
    else close_fd( guard );
    return STATUS_SUCCESS;
}

static void retake( int protocol, unsigned int port, struct guard *guard )
{
    if (!guard->yielded && !guard->shared) return;
    if (guard->alone)
    {
        drop( port, guard );
        return;
    }
    if (is_missing( port, guard )) missing_count--;
    guard->yielded = guard->shared = guard->stale = 0;
    if (!needs_guard( port, guard )) close_fd( guard );
    else if (guard->fd) set_reuse( guard->fd, guard->persistent && protocol == PROTOCOL_TCP );
    else
    {
        missing_count++;
        try_missing( protocol, port, guard );
    }
}

void guards_retake( int protocol, unsigned int port )
{
    forget_host();
    retake( protocol, port, get_guard( protocol, port ) );
    close_dropped();
}

NTSTATUS guards_share( int protocol, unsigned int port, int on )
{
    struct guard *guard = get_guard( protocol, port );
    int was_missing = is_missing( port, guard ), was_wanted = guard->wanted, fd = -1;

    if (protocol != PROTOCOL_UDP) return STATUS_INVALID_PARAMETER;
    if (is_ending( guard )) guards_release( protocol, port, 1 );
    if (!guard->fd)
    {
        forget_host();
        if (has_room()) fd = open_socket( protocol, port, on );
        else errno = EMFILE;
        /* at rest there need not be one: the group's sockets keep everybody off by themselves */
        if (fd < 0 && on)
        {
            if (errno == EMFILE || errno == ENFILE) exhausted = 1;
            return status_from_errno( errno );
        }
    }
    if (fd >= 0)
    {
        refuse_datagrams( fd );
        set_fd( guard, fd );
    }
    else if (guard->fd) set_reuse( guard->fd, on );
    if (!was_wanted) guard->wanted = guard->alone = 1;
    guard->shared = 1;
    guard->yielded = guard->unclaimed = guard->stale = 0;
    missing_count += is_missing( port, guard ) - was_missing;
    return STATUS_SUCCESS;
}

void guards_claim(void)
{
    unsigned int i, port;

    for (i = 0; i < 2; i++)
    {
        for (port = 0; port < 65536; port++)
        {
            struct guard *guard = &guards[i][port];

            guard->unclaimed = guard->wanted;
            guard->stale = guard->yielded || guard->shared;
        }
    }
}

void guards_forget(void)
{
    unsigned int i, port;

    forget_host();
    for (i = 0; i < 2; i++)
    {
        for (port = 0; port < 65536; port++)
        {
            struct guard *guard = &guards[i][port];

            if (guard->unclaimed) drop( port, guard );
            else if (guard->stale) retake( i ? PROTOCOL_UDP : PROTOCOL_TCP, port, guard );
        }
    }
    close_dropped();
}

/* The kernel chooses other ports now. */
static void adjust_persistent(void)
{
    unsigned int i, port;

    missing_count = 0;
    for (i = 0; i < 2; i++)
    {
        for (port = 0; port < 65536; port++)
        {
            struct guard *guard = &guards[i][port];

            if (guard->persistent && !guard->yielded && !needs_guard( port, guard )) close_fd( guard );
            missing_count += is_missing( port, guard );
        }
    }
}

void guards_retry(void)
{
    unsigned int seen, tried = 0;

    forget_host();
    if (read_ephemeral()) adjust_persistent();
    for (seen = 0; seen < 2 * 65536 && tried < MAX_RETRIES && missing_count && guard_count < max_guards; seen++)
    {
        int protocol = retry_pos >= 65536 ? PROTOCOL_UDP : PROTOCOL_TCP;
        unsigned int port = retry_pos % 65536;
        struct guard *guard = get_guard( protocol, port );

        retry_pos = (retry_pos + 1) % (2 * 65536);
        if (!is_missing( port, guard )) continue;
        tried++;
        try_missing( protocol, port, guard );
    }
}

int guards_has_socket( int protocol, unsigned int port )
{
    return get_guard( protocol, port )->fd != 0;
}

int guards_next_fd( int protocol, unsigned int *port )
{
    for (; *port < 65536; (*port)++)
    {
        struct guard *guard = get_guard( protocol, *port );

        if (guard->fd) return guard->fd;
    }
    return -1;
}

unsigned int guards_count(void)
{
    return guard_count;
}

unsigned int guards_releasing(void)
{
    return ending_count;
}

int guards_is_releasing( int protocol, unsigned int port )
{
    return is_ending( get_guard( protocol, port ) );
}

unsigned int guards_missing(void)
{
    return missing_count;
}

int guards_exhausted(void)
{
    return exhausted;
}
