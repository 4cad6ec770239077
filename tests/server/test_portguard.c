/*
 * Tests of portguard, the native helper that keeps ports
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
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guard_ring.h"
#include "portguard.h"
#include "test.h"

#define BLOCK 4  /* ports of most blocks here */
#define LIMIT 30 /* s for what takes a moment, however much else the machine does */

static const int protocols[] = { PROTOCOL_TCP, PROTOCOL_UDP };
static char helper_path[4096];

struct helper
{
    int fd;
    pid_t pid;
};

static const char *name( int protocol )
{
    return protocol == PROTOCOL_TCP ? "TCP" : "UDP";
}

static double now_ms(void)
{
    struct timespec now;

    clock_gettime( CLOCK_MONOTONIC, &now );
    return now.tv_sec * 1000.0 + now.tv_nsec / 1e6;
}

/*** the helper ***/

/* The time that a helper has worked so far: other work of the machine makes that no longer. */
static double work_ms( const struct helper *helper )
{
    struct timespec time;
    clockid_t clock;

    if (clock_getcpuclockid( helper->pid, &clock ) || clock_gettime( clock, &time )) abort();
    return time.tv_sec * 1000.0 + time.tv_nsec / 1e6;
}

/* max_files, max_threads: its limits of descriptors, and of threads of its user, 0 for the usual ones */
static struct helper start_limited_helper( unsigned int max_files, unsigned int max_threads )
{
    struct helper helper;
    int pair[2];
    char *const argv[] = { "portguard", NULL };
    int file, null;

    if (socketpair( AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair )) abort();
    if (!(helper.pid = fork()))
    {
        struct rlimit limit = { max_files, max_files }, threads = { max_threads, max_threads };

        file = open( helper_path, O_RDONLY | O_CLOEXEC );  /* nobody may have no way to it */
        /* root passes limits */
        if ((max_files || max_threads) && setuid( getuid() ? getuid() : 65534 )) _exit( 1 );
        if (max_files && setrlimit( RLIMIT_NOFILE, &limit )) _exit( 1 );
        if (max_threads && setrlimit( RLIMIT_NPROC, &threads )) _exit( 1 );
        dup2( pair[1], 0 );
        dup2( pair[1], 1 );
        if ((null = open( "/dev/null", O_WRONLY )) >= 0) dup2( null, 2 );  /* it complains when it is told nonsense */
        fexecve( file, argv, environ );
        _exit( 1 );
    }
    close( pair[1] );
    helper.fd = pair[0];
    return helper;
}

static struct helper start_helper( unsigned int max_files )
{
    return start_limited_helper( max_files, 0 );
}

/* Wait until the helper has ended. */
static int has_ended( const struct helper *helper, int *status )
{
    int i;

    for (i = 0; i < LIMIT * 100; i++)
    {
        if (waitpid( helper->pid, status, WNOHANG )) return 1;
        usleep( 10000 );
    }
    return 0;
}

/* Returns the helper's exit code, -1 when it does not end or is killed. */
static int wait_helper( struct helper *helper )
{
    int status = 0;

    if (!has_ended( helper, &status ))
    {
        kill( helper->pid, SIGKILL );
        waitpid( helper->pid, &status, 0 );
        return -1;
    }
    return WIFEXITED( status ) ? WEXITSTATUS( status ) : -1;
}

static int stop_helper( struct helper *helper )
{
    close( helper->fd );
    return wait_helper( helper );
}

static int read_reply( struct helper *helper, struct portguard_reply *reply )
{
    struct pollfd pfd = { helper->fd, POLLIN, 0 };

    return poll( &pfd, 1, LIMIT * 1000 ) == 1 && recv( helper->fd, reply, sizeof(*reply), MSG_WAITALL ) == sizeof(*reply);
}

static NTSTATUS call( struct helper *helper, enum portguard_op op, int protocol, unsigned int first, unsigned int count,
                      unsigned int flags, struct portguard_reply *reply )
{
    static unsigned int serial;
    struct portguard_request req = { sizeof(req), op, flags, ++serial, protocol, first, count, 0 };

    memset( reply, 0xcc, sizeof(*reply) );
    if (helper->fd < 0 || write( helper->fd, &req, sizeof(req) ) != sizeof(req) || !read_reply( helper, reply ))
    {
        ok( 0, "no reply to request %d", op );
        return STATUS_UNSUCCESSFUL;
    }
    ok( reply->serial == serial, "got serial %u, expected %u", reply->serial, serial );
    return reply->status;
}

static NTSTATUS simple_call( struct helper *helper, enum portguard_op op, int protocol, unsigned int first,
                             unsigned int count, unsigned int flags )
{
    struct portguard_reply reply;

    return call( helper, op, protocol, first, count, flags, &reply );
}

/*** other programs' sockets ***/

#define REUSE    0x1
#define V6ONLY   0x2
#define ANY4     "0.0.0.0"
#define LOOP4    "127.0.0.1"
#define ANY6     "::"
#define LOOP6    "::1"

static int have_ipv6;

static socklen_t make_addr( struct sockaddr_storage *addr, const char *text, unsigned int port )
{
    struct sockaddr_in6 *addr6 = (struct sockaddr_in6 *)addr;
    struct sockaddr_in *addr4 = (struct sockaddr_in *)addr;

    memset( addr, 0, sizeof(*addr) );
    if (inet_pton( AF_INET, text, &addr4->sin_addr ) == 1)
    {
        addr4->sin_family = AF_INET;
        addr4->sin_port = htons( port );
        return sizeof(*addr4);
    }
    inet_pton( AF_INET6, text, &addr6->sin6_addr );
    addr6->sin6_family = AF_INET6;
    addr6->sin6_port = htons( port );
    return sizeof(*addr6);
}

static unsigned int get_port( int fd )
{
    struct sockaddr_in6 addr = { 0 };
    socklen_t len = sizeof(addr);

    if (getsockname( fd, (struct sockaddr *)&addr, &len )) return 0;
    return ntohs( addr.sin6_port );  /* at the same place in both families */
}

/* nothing can be tested without */
static int make_socket( int family, int type )
{
    int fd = socket( family, type | SOCK_CLOEXEC, 0 );

    if (fd >= 0) return fd;
    perror( "socket" );
    exit( 1 );
}

/* Returns the socket, or -1 and errno. */
static int open_socket( int protocol, const char *text, unsigned int port, int flags )
{
    struct sockaddr_storage addr;
    socklen_t len = make_addr( &addr, text, port );
    int err, on = 1, v6only = !!(flags & V6ONLY);
    int fd = socket( addr.ss_family, protocol == PROTOCOL_TCP ? SOCK_STREAM : SOCK_DGRAM, 0 );

    if (fd < 0) return -1;
    if (flags & REUSE) setsockopt( fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on) );
    if (addr.ss_family == AF_INET6) setsockopt( fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only) );
    if (!bind( fd, (struct sockaddr *)&addr, len )) return fd;
    err = errno;
    close( fd );
    errno = err;
    return -1;
}

/* Bind and close again: 0 or errno. */
static int try_bind( int protocol, const char *text, unsigned int port, int flags )
{
    int fd = open_socket( protocol, text, port, flags );

    if (fd < 0) return errno;
    close( fd );
    return 0;
}

/* Connect a TCP socket to the port: 0 or errno. */
static int try_connect( const char *text, unsigned int port )
{
    struct sockaddr_storage addr;
    socklen_t len = make_addr( &addr, text, port );
    int fd = make_socket( addr.ss_family, SOCK_STREAM ), ret;

    ret = connect( fd, (struct sockaddr *)&addr, len ) ? errno : 0;
    close( fd );
    return ret;
}

/* Send a datagram to the port: 0, or the error that comes back. */
static int try_send( const char *text, unsigned int port )
{
    struct sockaddr_storage addr;
    socklen_t len = make_addr( &addr, text, port );
    int fd = make_socket( addr.ss_family, SOCK_DGRAM ), ret = 0;
    struct pollfd pfd = { fd, POLLIN, 0 };
    char buffer;

    if (!connect( fd, (struct sockaddr *)&addr, len ) && send( fd, "x", 1, 0 ) == 1)
    {
        poll( &pfd, 1, 20 );  /* over loopback the answer is there at once */
        if (recv( fd, &buffer, 1, MSG_DONTWAIT ) < 0 && errno != EAGAIN) ret = errno;
    }
    close( fd );
    return ret;
}

/* A block of count ports from low to high that nobody has. */
static unsigned int find_block_in( unsigned int low, unsigned int high, unsigned int count )
{
    unsigned int tries, first, port;
    unsigned int i;

    for (tries = 0; tries < 1000; tries++)
    {
        first = low + random() % (high - low - count);
        for (port = first; port < first + count; port++)
        {
            for (i = 0; i < 2; i++) if (try_bind( protocols[i], have_ipv6 ? ANY6 : ANY4, port, 0 )) break;
            if (i < 2) break;
        }
        if (port == first + count) return first;
    }
    fprintf( stderr, "no %u free ports in a row\n", count );
    exit( 1 );
}

/* away from the range where others get their ports while the tests run */
static unsigned int find_block( unsigned int count )
{
    return find_block_in( 10000, 32000, count );
}

/* where the kernel chooses ports by itself */
static unsigned int find_ephemeral_block( unsigned int count )
{
    unsigned int low = 32768, high = 60999;
    FILE *file = fopen( "/proc/sys/net/ipv4/ip_local_port_range", "r" );

    if (file && fscanf( file, "%u %u", &low, &high ) != 2) high = low;
    if (file) fclose( file );
    return find_block_in( low, high, count );
}

static const struct
{
    const char *addr;
    int flags;
} binds[] =
{
    { ANY4, 0 }, { ANY4, REUSE }, { LOOP4, 0 }, { LOOP4, REUSE }, { "127.0.0.5", REUSE },
    { ANY6, 0 }, { ANY6, REUSE }, { ANY6, V6ONLY }, { ANY6, V6ONLY | REUSE }, { LOOP6, 0 }, { LOOP6, REUSE },
    { "::ffff:127.0.0.1", REUSE },
};
#define NB_BINDS (sizeof(binds) / sizeof(binds[0]))

static int can_bind( unsigned int i )
{
    return have_ipv6 || !strchr( binds[i].addr, ':' );
}

/* Check that nobody gets the port. */
#define check_guarded( protocol, port ) check_guarded_( __LINE__, protocol, port )
static void check_guarded_( int line, int protocol, unsigned int port )
{
    unsigned int i;
    int ret;

    for (i = 0; i < NB_BINDS; i++)
    {
        if (!can_bind( i )) continue;
        ret = try_bind( protocol, binds[i].addr, port, binds[i].flags );
        ok( ret == EADDRINUSE, "line %d: %s bind to %s flags %d: got %d", line, name( protocol ), binds[i].addr,
            binds[i].flags, ret );
    }
}

#define check_free( protocol, port ) check_free_( __LINE__, protocol, port )
static void check_free_( int line, int protocol, unsigned int port )
{
    int ret = try_bind( protocol, have_ipv6 ? ANY6 : ANY4, port, 0 );

    ok( !ret, "line %d: %s port %u is not free: %d", line, name( protocol ), port, ret );
}

/*** the tests ***/

/* "A native Linux program, and a program in another Wine prefix, must not get a port of a live runtime reservation either." */
static void test_guarded_ports_are_refused( struct helper *helper )
{
    unsigned int i, first, port;
    NTSTATUS status;

    for (i = 0; i < 2; i++)
    {
        first = find_block( BLOCK );
        status = simple_call( helper, PORTGUARD_GUARD, protocols[i], first, BLOCK, 0 );
        ok( !status, "%s: got %x", name( protocols[i] ), status );
        for (port = first; port < first + BLOCK; port++) check_guarded( protocols[i], port );
        check_free( protocols[!i], first );  /* the other protocol's ports are others */

        status = simple_call( helper, PORTGUARD_RELEASE, protocols[i], first, BLOCK, 0 );
        ok( !status, "%s: got %x", name( protocols[i] ), status );
        for (port = first; port < first + BLOCK; port++) check_free( protocols[i], port );
    }
}

/* Guards answer no one: the peer is told that nobody is there. */
static void test_guards_answer_no_one( struct helper *helper )
{
    unsigned int first = find_block( 1 );
    int ret, index = 0x7fffffff, fd = make_socket( AF_INET, SOCK_DGRAM );

    simple_call( helper, PORTGUARD_GUARD, PROTOCOL_TCP, first, 1, 0 );
    simple_call( helper, PORTGUARD_GUARD, PROTOCOL_UDP, first, 1, 0 );
    ret = try_connect( LOOP4, first );
    ok( ret == ECONNREFUSED, "got %d", ret );
    if (have_ipv6)
    {
        ret = try_connect( LOOP6, first );
        ok( ret == ECONNREFUSED, "got %d", ret );
    }
    if (!setsockopt( fd, SOL_SOCKET, 62 /* SO_BINDTOIFINDEX */, &index, sizeof(index) ))
    {
        ret = try_send( LOOP4, first );
        ok( ret == ECONNREFUSED, "got %d", ret );
        if (have_ipv6)
        {
            ret = try_send( LOOP6, first );
            ok( ret == ECONNREFUSED, "got %d", ret );
        }
    }
    else skip( "before Linux 5.7 a guard swallows datagrams" );
    close( fd );
    simple_call( helper, PORTGUARD_RELEASE, PROTOCOL_TCP, first, 1, 0 );
    simple_call( helper, PORTGUARD_RELEASE, PROTOCOL_UDP, first, 1, 0 );
}

/* A yielded TCP port takes a socket like Wine's, which has SO_REUSEADDR, in every way; it need not be taken from the guard. */
static void test_tcp_owner( struct helper *helper )
{
    unsigned int i, port = find_block( 1 );
    NTSTATUS status;
    int fd, ret;

    status = simple_call( helper, PORTGUARD_GUARD, PROTOCOL_TCP, port, 1, 0 );
    ok( !status, "got %x", status );
    for (i = 0; i < NB_BINDS; i++)
    {
        if (!(binds[i].flags & REUSE) || !can_bind( i )) continue;
        status = simple_call( helper, PORTGUARD_YIELD, PROTOCOL_TCP, port, 1, 0 );
        ok( !status, "got %x", status );
        fd = open_socket( PROTOCOL_TCP, binds[i].addr, port, binds[i].flags );
        if (!ok( fd >= 0, "%s: owner can't bind: %d", binds[i].addr, errno )) continue;
        ret = listen( fd, 5 );
        ok( !ret, "%s: owner can't listen: %d", binds[i].addr, errno );

        /* once it listens, the guard and the owner keep the rest out */
        ret = try_bind( PROTOCOL_TCP, binds[i].addr, port, REUSE );
        ok( ret == EADDRINUSE, "%s: got %d", binds[i].addr, ret );
        ret = try_bind( PROTOCOL_TCP, ANY4, port, 0 );
        ok( ret == EADDRINUSE, "%s: got %d", binds[i].addr, ret );
        if (!strcmp( binds[i].addr, ANY4 ) || !strcmp( binds[i].addr, ANY6 ))
        {
            const char *to = binds[i].flags & V6ONLY ? LOOP6 : LOOP4;

            ret = try_connect( to, port );
            ok( !ret, "%s: can't connect to the owner: %d", binds[i].addr, ret );
        }
        close( fd );
        status = simple_call( helper, PORTGUARD_RETAKE, PROTOCOL_TCP, port, 1, 0 );
        ok( !status, "got %x", status );
        check_guarded( PROTOCOL_TCP, port );
        ret = try_connect( LOOP4, port );
        ok( ret == ECONNREFUSED, "got %d", ret );
    }

    /* the owner connects from the port */
    status = simple_call( helper, PORTGUARD_YIELD, PROTOCOL_TCP, port, 1, 0 );
    ok( !status, "got %x", status );
    {
        int server = open_socket( PROTOCOL_TCP, LOOP4, 0, 0 );
        struct sockaddr_storage addr;
        socklen_t len = make_addr( &addr, LOOP4, get_port( server ) );

        ok( server >= 0 && !listen( server, 1 ), "got %d", errno );
        fd = open_socket( PROTOCOL_TCP, ANY4, port, REUSE );
        if (ok( fd >= 0, "got %d", errno ))
        {
            ret = connect( fd, (struct sockaddr *)&addr, len );
            ok( !ret, "got %d", errno );
            ok( get_port( fd ) == port, "got port %u", get_port( fd ) );
            close( fd );
        }
        close( server );
    }
    simple_call( helper, PORTGUARD_RETAKE, PROTOCOL_TCP, port, 1, 0 );
    check_guarded( PROTOCOL_TCP, port );
    simple_call( helper, PORTGUARD_RELEASE, PROTOCOL_TCP, port, 1, 0 );
}

/* A yielded UDP port is free; retaking is tried until the owner is gone. */
static void test_udp_owner( struct helper *helper )
{
    unsigned int i, port = find_block( 1 );
    NTSTATUS status;
    int fd, ret;

    status = simple_call( helper, PORTGUARD_GUARD, PROTOCOL_UDP, port, 1, 0 );
    ok( !status, "got %x", status );
    for (i = 0; i < NB_BINDS; i++)
    {
        if (!can_bind( i )) continue;
        simple_call( helper, PORTGUARD_YIELD, PROTOCOL_UDP, port, 1, 0 );
        ret = try_bind( PROTOCOL_UDP, binds[i].addr, port, binds[i].flags );
        ok( !ret, "%s: owner can't bind: %d", binds[i].addr, ret );
        simple_call( helper, PORTGUARD_RETAKE, PROTOCOL_UDP, port, 1, 0 );
        check_guarded( PROTOCOL_UDP, port );
    }

    simple_call( helper, PORTGUARD_YIELD, PROTOCOL_UDP, port, 1, 0 );
    fd = open_socket( PROTOCOL_UDP, LOOP4, port, 0 );
    ok( fd >= 0, "got %d", errno );
    status = simple_call( helper, PORTGUARD_RETAKE, PROTOCOL_UDP, port, 1, 0 );
    ok( !status, "got %x", status );
    ret = try_bind( PROTOCOL_UDP, "127.0.0.2", port, 0 );
    ok( !ret, "can't be guarded yet, got %d", ret );
    close( fd );
    for (i = 0; i < LIMIT * 100 && !try_bind( PROTOCOL_UDP, ANY4, port, 0 ); i++) usleep( 10000 );
    ok( i < 250, "not guarded again within 2.5 s" );
    check_guarded( PROTOCOL_UDP, port );
    simple_call( helper, PORTGUARD_RELEASE, PROTOCOL_UDP, port, 1, 0 );
    check_free( PROTOCOL_UDP, port );
}

/* Leave a closed connection behind whose local port is the port: on the side that closes first it is in TIME_WAIT. Returns
 * the connection's other end, still open when half is set. */
static int make_time_wait( unsigned int port, int half )
{
    struct sockaddr_storage addr;
    socklen_t len = make_addr( &addr, LOOP4, port );
    int server = open_socket( PROTOCOL_TCP, LOOP4, port, REUSE ), client, peer;

    if (!ok( server >= 0 && !listen( server, 1 ), "got %d", errno )) return -1;
    client = make_socket( AF_INET, SOCK_STREAM );
    if (!ok( !connect( client, (struct sockaddr *)&addr, len ), "got %d", errno )) return client;
    peer = accept( server, NULL, NULL );
    ok( peer >= 0, "got %d", errno );
    close( server );
    close( peer );
    if (half) return client;
    usleep( 1000 );
    close( client );
    usleep( 1000 );
    return -1;
}

/* A port on which only TIME_WAIT is left is free for Wine's sockets, so it can be guarded. */
static void test_time_wait( struct helper *helper )
{
    unsigned int i, port = find_block( 1 );
    struct portguard_reply reply;
    int fd, ret, beside[2];
    NTSTATUS status;

    make_time_wait( port, 0 );
    ret = try_bind( PROTOCOL_TCP, ANY4, port, 0 );
    ok( ret == EADDRINUSE, "no TIME_WAIT on port %u? got %d", port, ret );
    status = call( helper, PORTGUARD_GUARD, PROTOCOL_TCP, port, 1, 0, &reply );
    ok( !status, "got %x", status );
    check_guarded( PROTOCOL_TCP, port );
    ret = try_connect( LOOP4, port );
    ok( ret == ECONNREFUSED, "got %d", ret );

    /* more of them while the guard yields */
    simple_call( helper, PORTGUARD_YIELD, PROTOCOL_TCP, port, 1, 0 );
    make_time_wait( port, 0 );
    simple_call( helper, PORTGUARD_RETAKE, PROTOCOL_TCP, port, 1, 0 );
    check_guarded( PROTOCOL_TCP, port );
    simple_call( helper, PORTGUARD_YIELD, PROTOCOL_TCP, port, 1, 0 );
    fd = open_socket( PROTOCOL_TCP, ANY4, port, REUSE );
    ok( fd >= 0, "owner can't bind: %d", errno );
    ok( fd >= 0 && !listen( fd, 1 ), "owner can't listen: %d", errno );

    /* a listening socket beside TIME_WAIT is a port in use */
    simple_call( helper, PORTGUARD_RELEASE, PROTOCOL_TCP, port, 1, 0 );
    status = call( helper, PORTGUARD_GUARD, PROTOCOL_TCP, port, 1, 0, &reply );
    ok( status == STATUS_SHARING_VIOLATION, "got %x", status );
    close( fd );

    /* so is a connection whose other end has not closed */
    port = find_block( 1 );
    fd = make_time_wait( port, 1 );
    status = call( helper, PORTGUARD_GUARD, PROTOCOL_TCP, port, 1, 0, &reply );
    ok( status == STATUS_SHARING_VIOLATION, "got %x", status );
    close( fd );

    /* what is on the ports beside it is not on it, and the second port of a block is asked about like the first */
    port = find_block( 4 );
    beside[0] = open_socket( PROTOCOL_TCP, LOOP4, port, REUSE );
    beside[1] = open_socket( PROTOCOL_TCP, LOOP4, port + 3, REUSE );
    for (i = 0; i < 2; i++) ok( beside[i] >= 0 && !listen( beside[i], 1 ), "got %d", errno );
    make_time_wait( port + 1, 0 );
    status = call( helper, PORTGUARD_GUARD, PROTOCOL_TCP, port + 1, 1, 0, &reply );
    ok( !status, "got %x", status );
    simple_call( helper, PORTGUARD_RELEASE, PROTOCOL_TCP, port + 1, 1, 0 );
    fd = make_time_wait( port + 2, 1 );
    status = call( helper, PORTGUARD_GUARD, PROTOCOL_TCP, port + 1, 2, 0, &reply );
    ok( status == STATUS_SHARING_VIOLATION && reply.port == port + 2, "got %x, port %u", status, reply.port );
    close( fd );
    make_time_wait( port + 2, 0 );
    status = call( helper, PORTGUARD_GUARD, PROTOCOL_TCP, port + 1, 2, 0, &reply );
    ok( !status, "got %x, port %u", status, reply.port );
    simple_call( helper, PORTGUARD_RELEASE, PROTOCOL_TCP, port + 1, 2, 0 );
    for (i = 0; i < 2; i++) close( beside[i] );
}

/* "any port of the block is bound by anyone on this host, a native program included"; whatever fails, nothing changed */
static void test_busy_ports( struct helper *helper )
{
    unsigned int i, j, port, first = find_block( BLOCK );
    struct portguard_reply reply;
    NTSTATUS status;
    int fd, listening, max_listening;

    for (i = 0; i < 2; i++)
    {
        max_listening = protocols[i] == PROTOCOL_TCP ? 1 : 0;
        for (j = 0; j < NB_BINDS; j++)
        {
            if (!can_bind( j )) continue;
            for (listening = 0; listening <= max_listening; listening++)
            {
                fd = open_socket( protocols[i], binds[j].addr, first + 2, binds[j].flags );
                ok( fd >= 0, "%s %s: got %d", name( protocols[i] ), binds[j].addr, errno );
                if (listening && fd >= 0) listen( fd, 1 );
                status = call( helper, PORTGUARD_GUARD, protocols[i], first, BLOCK, 0, &reply );
                ok( status == STATUS_SHARING_VIOLATION, "%s %s flags %d: got %x", name( protocols[i] ), binds[j].addr,
                    binds[j].flags, status );
                ok( reply.port == first + 2, "got port %u, expected %u", reply.port, first + 2 );
                close( fd );
                for (port = first; port < first + BLOCK; port++) check_free( protocols[i], port );
            }
        }

        /* guards are in the way of guards */
        status = call( helper, PORTGUARD_GUARD, protocols[i], first + 1, 1, 0, &reply );
        ok( !status, "got %x", status );
        status = call( helper, PORTGUARD_GUARD, protocols[i], first, BLOCK, 0, &reply );
        ok( status == STATUS_SHARING_VIOLATION, "got %x", status );
        ok( reply.port == first + 1, "got port %u, expected %u", reply.port, first + 1 );
        check_free( protocols[i], first );
        check_guarded( protocols[i], first + 1 );
        call( helper, PORTGUARD_RELEASE, protocols[i], first + 1, 1, 0, &reply );
    }
}

/* With PORTGUARD_FORCE what is busy is left out, and guarded when it comes free. */
static void test_force( struct helper *helper )
{
    unsigned int i, j, first = find_block( BLOCK );
    struct portguard_reply reply;
    NTSTATUS status;
    int fd[2];

    for (i = 0; i < 2; i++)
    {
        fd[i] = open_socket( protocols[i], LOOP4, first + 1, REUSE );
        ok( fd[i] >= 0, "got %d", errno );
        status = call( helper, PORTGUARD_GUARD, protocols[i], first, BLOCK, PORTGUARD_FORCE, &reply );
        ok( !status, "got %x", status );
        ok( reply.missing == i + 1, "got %u", reply.missing );
        ok( reply.port == first + 1, "got port %u, expected %u", reply.port, first + 1 );
        check_guarded( protocols[i], first );
        check_guarded( protocols[i], first + 2 );
        /* the owner of the port may go on using it */
        call( helper, PORTGUARD_YIELD, protocols[i], first + 1, 1, PORTGUARD_FORCE, &reply );
        ok( !reply.status && reply.missing == i, "got %x, %u missing", reply.status, reply.missing );
        call( helper, PORTGUARD_RETAKE, protocols[i], first + 1, 1, 0, &reply );
        /* to the next one it is not given */
        status = call( helper, PORTGUARD_YIELD, protocols[i], first + 1, 1, 0, &reply );
        ok( status == STATUS_SHARING_VIOLATION && reply.missing == i + 1, "got %x, %u missing", reply.status, reply.missing );
    }
    for (i = 0; i < 2; i++) close( fd[i] );
    for (i = 0; i < 2; i++)
    {
        for (j = 0; j < LIMIT * 100 && !try_bind( protocols[i], ANY4, first + 1, REUSE ); j++) usleep( 10000 );
        ok( j < 250, "%s: not guarded within 2.5 s", name( protocols[i] ) );
        check_guarded( protocols[i], first + 1 );
        call( helper, PORTGUARD_RELEASE, protocols[i], first, BLOCK, 0, &reply );
        check_free( protocols[i], first + 1 );
    }
}

/* "an administered exclusion keeps a port from being handed out, not from being asked for" */
static void test_persistent( struct helper *helper )
{
    unsigned int i, port = find_ephemeral_block( 1 );
    struct portguard_reply reply;
    NTSTATUS status;
    int fd, ret;

    fd = open_socket( PROTOCOL_TCP, ANY4, port, REUSE );
    status = call( helper, PORTGUARD_GUARD, PROTOCOL_TCP, port, 1, PORTGUARD_PERSISTENT, &reply );
    ok( status == STATUS_SHARING_VIOLATION, "got %x", status );
    close( fd );

    status = call( helper, PORTGUARD_GUARD, PROTOCOL_TCP, port, 1, PORTGUARD_PERSISTENT, &reply );
    ok( !status, "got %x", status );
    for (i = 0; i < NB_BINDS; i++)
    {
        if (!can_bind( i )) continue;
        fd = open_socket( PROTOCOL_TCP, binds[i].addr, port, binds[i].flags );
        ok( (fd >= 0) == !!(binds[i].flags & REUSE), "%s flags %d: got %d", binds[i].addr, binds[i].flags, errno );
        if (fd < 0) continue;
        ok( !listen( fd, 1 ), "%s flags %d: can't listen: %d", binds[i].addr, binds[i].flags, errno );
        close( fd );
    }
    /* so somebody may have it when its owner asks */
    fd = open_socket( PROTOCOL_TCP, LOOP4, port, REUSE );
    status = call( helper, PORTGUARD_YIELD, PROTOCOL_TCP, port, 1, 0, &reply );
    ok( status == STATUS_SHARING_VIOLATION, "got %x", status );
    ok( fd >= 0 && !listen( fd, 1 ), "got %d", errno );
    status = call( helper, PORTGUARD_YIELD, PROTOCOL_TCP, port, 1, 0, &reply );
    ok( status == STATUS_SHARING_VIOLATION, "got %x", status );
    close( fd );
    status = call( helper, PORTGUARD_YIELD, PROTOCOL_TCP, port, 1, 0, &reply );
    ok( !status, "got %x", status );
    ret = try_bind( PROTOCOL_TCP, ANY4, port, REUSE );
    ok( !ret, "got %d", ret );
    call( helper, PORTGUARD_RETAKE, PROTOCOL_TCP, port, 1, 0, &reply );
    ret = try_bind( PROTOCOL_TCP, ANY4, port, REUSE );
    ok( !ret, "got %d", ret );
    call( helper, PORTGUARD_RELEASE, PROTOCOL_TCP, port, 1, 0, &reply );

    status = call( helper, PORTGUARD_GUARD, PROTOCOL_UDP, port, 1, PORTGUARD_PERSISTENT, &reply );
    ok( !status, "got %x", status );
    check_guarded( PROTOCOL_UDP, port );
    call( helper, PORTGUARD_YIELD, PROTOCOL_UDP, port, 1, 0, &reply );
    ret = try_bind( PROTOCOL_UDP, ANY4, port, 0 );
    ok( !ret, "got %d", ret );
    call( helper, PORTGUARD_RELEASE, PROTOCOL_UDP, port, 1, 0, &reply );
}

/* "persistent blocks outside Linux's ephemeral range need no standing guard, and take none; at a bind from one, a port is proved free by a
 * moment's guard" */
static void test_no_standing_guard( struct helper *helper )
{
    unsigned int i, port, first = find_block( BLOCK );
    struct portguard_reply reply, before;
    NTSTATUS status;
    int fd, ret;

    call( helper, PORTGUARD_HELLO, 0, 0, PORTGUARD_VERSION, 0, &before );
    for (i = 0; i < 2; i++)
    {
        /* to reserve it, each port has to be free */
        fd = open_socket( protocols[i], LOOP4, first + 1, 0 );
        status = call( helper, PORTGUARD_GUARD, protocols[i], first, BLOCK, PORTGUARD_PERSISTENT, &reply );
        ok( status == STATUS_SHARING_VIOLATION, "%s: got %x", name( protocols[i] ), status );
        ok( reply.port == first + 1, "%s: got port %u, expected %u", name( protocols[i] ), reply.port, first + 1 );
        status = call( helper, PORTGUARD_GUARD, protocols[i], first, BLOCK, PORTGUARD_PERSISTENT | PORTGUARD_FORCE, &reply );
        ok( !status && !reply.missing, "%s: got %x, %u missing", name( protocols[i] ), status, reply.missing );
        call( helper, PORTGUARD_RELEASE, protocols[i], first, BLOCK, 0, &reply );
        close( fd );
        status = call( helper, PORTGUARD_GUARD, protocols[i], first, BLOCK, PORTGUARD_PERSISTENT, &reply );
        ok( !status, "%s: got %x", name( protocols[i] ), status );
        ok( reply.guards == before.guards, "%s: got %u guards, expected %u", name( protocols[i] ), reply.guards, before.guards );
        for (port = first; port < first + BLOCK; port++) check_free( protocols[i], port );
        /* it is reserved all the same */
        status = call( helper, PORTGUARD_GUARD, protocols[i], first + 1, 1, 0, &reply );
        ok( status == STATUS_SHARING_VIOLATION, "%s: got %x", name( protocols[i] ), status );

        /* somebody has asked for one by number, with SO_REUSEADDR or not */
        for (ret = 0; ret <= REUSE; ret += REUSE)
        {
            fd = open_socket( protocols[i], LOOP4, first + 2, ret );
            ok( fd >= 0, "got %d", errno );
            status = call( helper, PORTGUARD_YIELD, protocols[i], first + 2, 1, 0, &reply );
            ok( status == STATUS_SHARING_VIOLATION, "%s: got %x", name( protocols[i] ), status );
            close( fd );
        }
        status = call( helper, PORTGUARD_YIELD, protocols[i], first + 2, 1, 0, &reply );
        ok( !status, "%s: got %x", name( protocols[i] ), status );
        check_free( protocols[i], first + 2 );
        call( helper, PORTGUARD_RETAKE, protocols[i], first + 2, 1, 0, &reply );
        ok( reply.guards == before.guards && !reply.missing, "%s: got %u guards, %u missing", name( protocols[i] ), reply.guards,
            reply.missing );
        check_free( protocols[i], first + 2 );
        call( helper, PORTGUARD_RELEASE, protocols[i], first, BLOCK, 0, &reply );
    }
}

/* A server that ended leaves connections which it accepted; its next start binds the same port. */
static void test_connections_left( struct helper *helper )
{
    unsigned int port = find_block( 1 );
    int listener = open_socket( PROTOCOL_TCP, LOOP4, port, REUSE ), client, accepted;
    struct portguard_reply reply;
    struct sockaddr_storage addr;
    socklen_t len = make_addr( &addr, LOOP4, port );
    NTSTATUS status;

    call( helper, PORTGUARD_GUARD, PROTOCOL_TCP, port, 1, PORTGUARD_PERSISTENT | PORTGUARD_FORCE, &reply );
    ok( listener >= 0 && !listen( listener, 1 ), "got %d", errno );
    client = make_socket( AF_INET, SOCK_STREAM );
    ok( !connect( client, (struct sockaddr *)&addr, len ), "got %d", errno );
    accepted = accept( listener, NULL, NULL );
    status = call( helper, PORTGUARD_YIELD, PROTOCOL_TCP, port, 1, 0, &reply );
    ok( status == STATUS_SHARING_VIOLATION, "while it listens: got %x", status );
    close( listener );
    status = call( helper, PORTGUARD_YIELD, PROTOCOL_TCP, port, 1, 0, &reply );
    ok( !status, "got %x", status );
    close( accepted );
    close( client );
    call( helper, PORTGUARD_RELEASE, PROTOCOL_TCP, port, 1, 0, &reply );
}

/* SPEC section 10: sockets of one process share a port, "whoever has not set it, and another process, is refused whenever the group is at rest" */
static void test_shared_port( struct helper *helper )
{
    unsigned int i, reserved, flags, port = find_block( 1 );
    struct portguard_reply reply;
    NTSTATUS status;
    int fds[3], ret, off = 0, on = 1;

    status = call( helper, PORTGUARD_SHARE, PROTOCOL_TCP, port, 1, PORTGUARD_ON, &reply );
    ok( status == STATUS_INVALID_PARAMETER, "got %x", status );
    for (reserved = 0; reserved < 2; reserved++)
    {
        if (reserved) call( helper, PORTGUARD_GUARD, PROTOCOL_UDP, port, 1, 0, &reply );
        for (i = 0; i < 3; i++)
        {
            if (i || reserved)
            {
                if (i) setsockopt( fds[0], SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on) );
                if (i == 2) setsockopt( fds[1], SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on) );
                status = call( helper, PORTGUARD_SHARE, PROTOCOL_UDP, port, 1, PORTGUARD_ON, &reply );
                ok( !status, "socket %u: got %x", i, status );
            }
            fds[i] = open_socket( PROTOCOL_UDP, ANY4, port, REUSE );
            ok( fds[i] >= 0, "socket %u: got %d", i, errno );
            setsockopt( fds[0], SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off) );
            if (i) setsockopt( fds[i], SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off) );
            if (i == 2) setsockopt( fds[1], SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off) );
            status = call( helper, PORTGUARD_SHARE, PROTOCOL_UDP, port, 1, 0, &reply );
            ok( !status, "socket %u: got %x", i, status );
            for (flags = 0; flags <= REUSE; flags += REUSE)
            {
                ret = try_bind( PROTOCOL_UDP, ANY4, port, flags );
                ok( ret == EADDRINUSE, "socket %u flags %u: got %d", i, flags, ret );
                ret = try_bind( PROTOCOL_UDP, LOOP4, port, flags );
                ok( ret == EADDRINUSE, "socket %u flags %u: got %d", i, flags, ret );
            }
            /* the guard takes no datagrams */
            ret = try_send( LOOP4, port );
            ok( !ret, "socket %u: got %d", i, ret );
        }
        for (i = 0; i < 3; i++) close( fds[i] );
        if (reserved)
        {
            call( helper, PORTGUARD_RETAKE, PROTOCOL_UDP, port, 1, 0, &reply );
            check_guarded( PROTOCOL_UDP, port );
        }
        call( helper, PORTGUARD_RELEASE, PROTOCOL_UDP, port, 1, 0, &reply );
        check_free( PROTOCOL_UDP, port );
    }
}

static int get_busy( struct helper *helper, int protocol, unsigned char *map )
{
    struct portguard_reply reply;
    NTSTATUS status = call( helper, PORTGUARD_BUSY_PORTS, protocol, 0, 0, 0, &reply );

    ok( !status, "got %x", status );
    ok( reply.size == sizeof(reply) + PORTGUARD_MAP_SIZE, "got %u bytes", reply.size );
    return !status && recv( helper->fd, map, PORTGUARD_MAP_SIZE, MSG_WAITALL ) == PORTGUARD_MAP_SIZE;
}

#define is_busy( map, port ) (!!((map)[(port) / 8] & 1 << ((port) & 7)))

/* "one pass over what the kernel knows narrows the search" */
static void test_busy_map( struct helper *helper )
{
    static unsigned char map[PORTGUARD_MAP_SIZE];
    unsigned int i, port = find_block( 3 );
    int fds[2];

    for (i = 0; i < 2; i++)
    {
        fds[0] = open_socket( protocols[i], LOOP4, port, 0 );
        fds[1] = open_socket( protocols[i], have_ipv6 ? LOOP6 : LOOP4, port + 2, 0 );
        if (protocols[i] == PROTOCOL_TCP) listen( fds[0], 1 ), listen( fds[1], 1 );
        if (get_busy( helper, protocols[i], map ))
        {
            ok( is_busy( map, port ), "%s: IPv4 is not seen", name( protocols[i] ) );
            ok( !is_busy( map, port + 1 ), "%s: too much is seen", name( protocols[i] ) );
            ok( is_busy( map, port + 2 ), "%s: IPv6 is not seen", name( protocols[i] ) );
        }
        close( fds[0] );
        close( fds[1] );
    }
    if (make_time_wait( port, 0 ) && get_busy( helper, PROTOCOL_TCP, map ))
        ok( !is_busy( map, port ), "closed connections are in the way\n" );
}

/* "a port that the host does not let this user bind"; such a port is never handed out, so a persistent block may hold it. */
static void test_low_ports(void)
{
    struct helper helper = start_helper( 64 );  /* as an ordinary user */
    struct portguard_reply reply;
    NTSTATUS status;
    FILE *file = fopen( "/proc/sys/net/ipv4/ip_unprivileged_port_start", "r" );
    int start = 1024;

    if (file && fscanf( file, "%d", &start ) != 1) start = 1024;
    if (file) fclose( file );
    if (start >= 1024)
    {
        status = call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, 1023, 2, 0, &reply );
        ok( status == STATUS_ACCESS_DENIED, "got %x", status );
        ok( reply.port == 1023, "got port %u", reply.port );
        status = call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, 1022, 2, PORTGUARD_FORCE, &reply );
        ok( !status, "got %x", status );
        status = call( &helper, PORTGUARD_RELEASE, PROTOCOL_TCP, 1022, 2, 0, &reply );
        ok( !status, "got %x", status );
        status = call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, 1022, 2, PORTGUARD_PERSISTENT, &reply );
        ok( !status, "got %x", status );
        status = call( &helper, PORTGUARD_GUARD, PROTOCOL_UDP, 1022, 2, PORTGUARD_PERSISTENT, &reply );
        ok( !status, "got %x", status );
    }
    else skip( "ports from %d on are everybody's", start );
    stop_helper( &helper );
}

/* No sockets left: nothing is guarded, and the helper goes on. */
static void test_no_descriptors(void)
{
    struct helper helper = start_helper( 40 );
    unsigned int first = find_block( 64 ), other, port;
    struct portguard_reply reply;
    NTSTATUS status;

    status = call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, first, 64, 0, &reply );
    ok( status == STATUS_TOO_MANY_OPENED_FILES, "got %x", status );
    ok( reply.limit == 16, "got a limit of %u", reply.limit );
    ok( reply.info & PORTGUARD_INFO_EXHAUSTED, "got info %x", reply.info );
    for (port = first; port < first + 64; port++) check_free( PROTOCOL_TCP, port );
    status = call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, first, 8, 0, &reply );
    ok( !status, "got %x", status );
    check_guarded( PROTOCOL_TCP, first + 7 );
    status = call( &helper, PORTGUARD_GUARD, PROTOCOL_UDP, first, 64, PORTGUARD_FORCE, &reply );
    ok( !status, "got %x", status );
    ok( reply.guards == 16 && reply.missing == 64 + 8 - 16, "got %u guards, %u missing", reply.guards, reply.missing );
    ok( reply.info & PORTGUARD_INFO_EXHAUSTED, "got info %x", reply.info );
    /* no bind makes room for more */
    call( &helper, PORTGUARD_RELEASE, PROTOCOL_UDP, first, 64, 0, &reply );
    other = find_block_in( 33000, 60000, 16 );
    call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, other, 16, PORTGUARD_FORCE | PORTGUARD_PERSISTENT, &reply );
    ok( reply.guards == 16 && reply.missing == 8, "got %u guards, %u missing", reply.guards, reply.missing );
    for (port = other; port < other + 16; port++)
    {
        status = call( &helper, PORTGUARD_YIELD, PROTOCOL_TCP, port, 1, 0, &reply );
        ok( !status && reply.guards <= 16, "got %x, %u guards", status, reply.guards );
        call( &helper, PORTGUARD_RETAKE, PROTOCOL_TCP, port, 1, 0, &reply );
        ok( reply.guards == 16 && reply.missing == 8, "got %u guards, %u missing", reply.guards, reply.missing );
    }
    call( &helper, PORTGUARD_RELEASE, PROTOCOL_TCP, other, 16, 0, &reply );
    call( &helper, PORTGUARD_GUARD, PROTOCOL_UDP, first, 8, 0, &reply );
    ok( reply.guards == 16, "got %u guards", reply.guards );
    /* a persistent block takes none here, and a bind from it needs but a moment's */
    first = find_block( 64 );
    status = call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, first, 64, PORTGUARD_PERSISTENT, &reply );
    ok( !status, "got %x", status );
    status = call( &helper, PORTGUARD_YIELD, PROTOCOL_TCP, first, 1, 0, &reply );
    ok( !status, "got %x", status );
    stop_helper( &helper );
}

#define LARGE 2500  /* ports: several slices, and a part of one */

static void tell( struct helper *helper, enum portguard_op op, int protocol, unsigned int first, unsigned int count )
{
    struct portguard_request req = { sizeof(req), op, PORTGUARD_NO_REPLY, 0, protocol, first, count, 0 };

    ok( write( helper->fd, &req, sizeof(req) ) == sizeof(req), "got %d", errno );
}

/* Check that all but one or two ports of the block are free. */
static void check_block_is_free( int protocol, unsigned int first, unsigned int count, unsigned int but, unsigned int and )
{
    unsigned int port;

    for (port = first; port < first + count; port++) if (port != but && port != and) check_free( protocol, port );
}

/* A large block is taken like a small one, whoever makes its sockets: the first port in use is told, and it is all or nothing. */
static void check_large_block( struct helper *helper, int protocol )
{
    static const unsigned int busy[][2] =
    {
        { 0, 1 }, { 1, 2 }, { 33, 34 }, { 256, 255 }, { 1000, 1400 }, { 1024, 1025 }, { 1500, 1300 }, { 2047, 2400 }, { LARGE - 1, LARGE - 1 },
    };
    unsigned int i, first = find_block( LARGE ), port, lowest;
    struct portguard_reply reply, before;
    NTSTATUS status;
    int fds[2];

    call( helper, PORTGUARD_INFO, 0, 0, 0, 0, &before );
    for (i = 0; i < sizeof(busy) / sizeof(busy[0]); i++)
    {
        fds[0] = open_socket( protocol, LOOP4, first + busy[i][0], 0 );
        fds[1] = open_socket( protocol, LOOP4, first + busy[i][1], 0 );
        lowest = first + (busy[i][0] < busy[i][1] ? busy[i][0] : busy[i][1]);
        status = call( helper, PORTGUARD_GUARD, protocol, first, LARGE, 0, &reply );
        ok( status == STATUS_SHARING_VIOLATION, "%s %u: got %x", name( protocol ), i, status );
        ok( reply.port == lowest, "%s %u: got port %u, expected %u", name( protocol ), i, reply.port, lowest );
        ok( reply.guards == before.guards && reply.missing == before.missing, "%s %u: got %u guards, expected %u", name( protocol ), i,
            reply.guards, before.guards );
        check_block_is_free( protocol, first, LARGE, first + busy[i][0], first + busy[i][1] );
        close( fds[0] );
        close( fds[1] );
    }
    /* guards are in the way of guards */
    call( helper, PORTGUARD_GUARD, protocol, first + 1700, 1, 0, &reply );
    status = call( helper, PORTGUARD_GUARD, protocol, first, LARGE, 0, &reply );
    ok( status == STATUS_SHARING_VIOLATION && reply.port == first + 1700, "%s: got %x, port %u", name( protocol ), status, reply.port );
    check_guarded( protocol, first + 1700 );
    check_block_is_free( protocol, first, LARGE, first + 1700, 0 );
    call( helper, PORTGUARD_RELEASE, protocol, first + 1700, 1, 0, &reply );

    /* what is left of closed connections is not */
    if (protocol == PROTOCOL_TCP)
    {
        make_time_wait( first + 1800, 0 );
        make_time_wait( first + 1801, 0 );
    }
    status = call( helper, PORTGUARD_GUARD, protocol, first, LARGE, 0, &reply );
    ok( !status, "%s: got %x, port %u", name( protocol ), status, reply.port );
    ok( reply.guards == before.guards + LARGE, "%s: got %u guards, expected %u", name( protocol ), reply.guards, before.guards + LARGE );
    for (port = first; port < first + LARGE; port += port % 100 ? 1 : 3)
    {
        int ret = try_bind( protocol, LOOP4, port, REUSE );

        ok( ret == EADDRINUSE, "%s port %u: got %d", name( protocol ), port, ret );
    }
    check_guarded( protocol, first + 1800 );
    check_guarded( protocol, first + 1801 );
    call( helper, PORTGUARD_RELEASE, protocol, first, LARGE, 0, &reply );
    ok( reply.guards == before.guards, "%s: got %u guards, expected %u", name( protocol ), reply.guards, before.guards );
    check_block_is_free( protocol, first, LARGE, first + 1800, first + 1801 );

    /* forced it leaves out what is in use, and what is guarded */
    fds[0] = open_socket( protocol, LOOP4, first + 500, 0 );
    call( helper, PORTGUARD_GUARD, protocol, first + 600, 1, 0, &reply );
    status = call( helper, PORTGUARD_GUARD, protocol, first, LARGE, PORTGUARD_FORCE, &reply );
    ok( !status && reply.port == first + 500, "%s: got %x, port %u", name( protocol ), status, reply.port );
    ok( reply.guards == before.guards + LARGE - 1 && reply.missing == before.missing + 1, "%s: got %u guards, expected %u", name( protocol ),
        reply.guards, before.guards + LARGE - 1 );
    close( fds[0] );
    call( helper, PORTGUARD_RELEASE, protocol, first, LARGE, 0, &reply );
}

/* After test_kernel_choice(), in whose network nobody else takes a port meanwhile. */
static void test_large_blocks(void)
{
    struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    int fd = make_socket( AF_INET, SOCK_DGRAM );
    struct helper helper;
    unsigned int i, threads;

    ok( !ioctl( fd, SIOCSIFFLAGS, &loopback ), "got %d", errno );
    close( fd );
    for (threads = 0; threads < 2; threads++)
    {
        /* the second time where no thread can be had */
        helper = start_limited_helper( threads ? LARGE + 500 : 0, threads );
        for (i = 0; i < 2; i++) check_large_block( &helper, protocols[i] );
        stop_helper( &helper );
    }
}

/* Nobody waits for the end of a large block: it comes bit by bit, and whatever needs one of its ports comes after it. In the same network. */
static void test_late_release(void)
{
    struct helper first_helper = start_helper( 0 ), *helper = &first_helper;
    unsigned int i, j, first, other, port;
    struct portguard_reply reply, before;
    struct helper third;
    unsigned char map[PORTGUARD_MAP_SIZE];
    NTSTATUS status;

    call( helper, PORTGUARD_INFO, 0, 0, 0, 0, &before );
    for (i = 0; i < 2; i++)
    {
        first = find_block( LARGE );
        status = call( helper, PORTGUARD_GUARD, protocols[i], first, LARGE, 0, &reply );
        ok( !status, "%s: got %x", name( protocols[i] ), status );
        tell( helper, PORTGUARD_RELEASE, protocols[i], first, LARGE );
        tell( helper, PORTGUARD_RELEASE, protocols[i], first, LARGE );
        call( helper, PORTGUARD_INFO, 0, 0, 0, 0, &reply );
        ok( reply.guards == before.guards, "%s: got %u guards, expected %u", name( protocols[i] ), reply.guards, before.guards );
        for (j = 0; j < 3; j++)
        {
            /* the same ports, some of them, or a port of it */
            unsigned int from = j ? first + 1000 : first, count = j == 0 ? LARGE : j == 1 ? 400 : 1;

            status = call( helper, PORTGUARD_GUARD, protocols[i], from, count, 0, &reply );
            ok( !status, "%s, %u ports: got %x, port %u", name( protocols[i] ), count, status, reply.port );
            ok( reply.guards == before.guards + count, "%s: got %u guards, expected %u", name( protocols[i] ), reply.guards, before.guards + count );
            check_guarded( protocols[i], from );
            check_guarded( protocols[i], from + count - 1 );
            tell( helper, PORTGUARD_RELEASE, protocols[i], from, count );
            status = call( helper, PORTGUARD_GUARD, protocols[i], first, LARGE, 0, &reply );
            ok( !status, "%s: got %x, port %u", name( protocols[i] ), status, reply.port );
            tell( helper, PORTGUARD_RELEASE, protocols[i], first, LARGE );
        }
        if (protocols[i] == PROTOCOL_UDP)
        {
            status = call( helper, PORTGUARD_SHARE, PROTOCOL_UDP, first + 2000, 1, 0, &reply );
            ok( !status && reply.guards == before.guards + 1, "got %x, %u guards", status, reply.guards );
            call( helper, PORTGUARD_RETAKE, PROTOCOL_UDP, first + 2000, 1, 0, &reply );
            ok( reply.guards == before.guards, "got %u guards", reply.guards );
        }
        /* nobody else is told that its ports are in use */
        call( helper, PORTGUARD_GUARD, protocols[i], first, LARGE, 0, &reply );
        tell( helper, PORTGUARD_RELEASE, protocols[i], first, LARGE );
        if (!call( helper, PORTGUARD_BUSY_PORTS, protocols[i], 0, 0, 0, &reply ))
        {
            ok( recv( helper->fd, map, sizeof(map), MSG_WAITALL ) == sizeof(map), "no map" );
            for (port = first; port < first + LARGE; port++)
                ok( !(map[port / 8] & 1 << (port & 7)), "%s port %u is in use", name( protocols[i] ), port );
        }
        /* and it needs no request to go on */
        call( helper, PORTGUARD_GUARD, protocols[i], first, LARGE, 0, &reply );
        tell( helper, PORTGUARD_RELEASE, protocols[i], first, LARGE );
        for (port = first; port < first + LARGE; port++)
        {
            for (j = 0; j < LIMIT * 100 && try_bind( protocols[i], ANY4, port, 0 ); j++) usleep( 10000 );
            check_free( protocols[i], port );
        }
    }

    stop_helper( helper );

    /* its sockets are nobody's, and in nobody's way */
    third = start_helper( 700 );
    first = find_block( 600 );
    other = find_block( 500 );
    for (i = 0; i < 6; i++)
    {
        int protocol = protocols[i % 2];

        status = call( &third, PORTGUARD_GUARD, protocol, i % 4 < 2 ? first : other, 500, 0, &reply );
        ok( !status && reply.guards == 500, "%u: got %x, %u guards", i, status, reply.guards );
        ok( !(reply.info & PORTGUARD_INFO_EXHAUSTED), "%u: got info %x", i, reply.info );
        tell( &third, PORTGUARD_RELEASE, protocol, i % 4 < 2 ? first : other, 500 );
    }
    call( &third, PORTGUARD_GUARD, PROTOCOL_UDP, first, 600, 0, &reply );
    tell( &third, PORTGUARD_RELEASE, PROTOCOL_UDP, first, 600 );
    status = call( &third, PORTGUARD_GUARD, PROTOCOL_TCP, first, 600, 0, &reply );
    ok( !status && reply.guards == 600, "got %x, %u guards", status, reply.guards );
    status = call( &third, PORTGUARD_GUARD, PROTOCOL_UDP, first, 600, 0, &reply );
    ok( status == STATUS_TOO_MANY_OPENED_FILES && reply.guards == 600, "got %x, %u guards", status, reply.guards );
    tell( &third, PORTGUARD_RELEASE, PROTOCOL_TCP, first, 600 );
    tell( &third, PORTGUARD_QUIT, 0, 0, 0 );
    ok( !wait_helper( &third ), "it does not end" );
    close( third.fd );
    check_block_is_free( PROTOCOL_TCP, first, 600, 0, 0 );
}

static void put( struct helper *helper, enum portguard_op op, int protocol, unsigned int first, unsigned int count, unsigned int serial )
{
    struct portguard_request req = { sizeof(req), op, 0, serial, protocol, first, count, 0 };

    ok( write( helper->fd, &req, sizeof(req) ) == sizeof(req), "got %d", errno );
}

#define check_reply( helper, serial, status ) check_reply_( __LINE__, helper, serial, status )
static uint32_t check_reply_( int line, struct helper *helper, unsigned int serial, NTSTATUS status )
{
    struct portguard_reply reply = { 0 };

    ok( read_reply( helper, &reply ), "line %d: no reply", line );
    ok( reply.serial == serial && reply.status == status, "line %d: got %x to %u, expected %x to %u", line, reply.status, reply.serial, status,
        serial );
    return reply.info;
}

/* "while one request looks for a free block, every other one is answered": what comes after a large block does not wait for all of it,
 * unless it is about one of its ports. */
static void test_requests_between(void)
{
    struct helper helper = start_helper( 0 ), other;
    struct portguard_reply reply;
    unsigned int i, j, first, port, fd;
    uint32_t info;

    for (i = 0; i < 2; i++)
    {
        /* all of it is there before the helper goes on */
        first = find_block( 2 * LARGE + 10 );
        kill( helper.pid, SIGSTOP );
        put( &helper, PORTGUARD_GUARD, protocols[i], first, LARGE, 1 );
        put( &helper, PORTGUARD_INFO, 0, 0, 0, 2 );
        put( &helper, PORTGUARD_GUARD, protocols[i], first + 2 * LARGE, 1, 3 );
        put( &helper, PORTGUARD_GUARD, protocols[!i], first, 1, 4 );
        put( &helper, PORTGUARD_GUARD, protocols[i], first + LARGE, LARGE, 5 );
        put( &helper, PORTGUARD_RELEASE, protocols[!i], first, 1, 6 );
        put( &helper, PORTGUARD_GUARD, protocols[i], first + LARGE - 1, 1, 7 );  /* of the first block */
        put( &helper, PORTGUARD_YIELD, protocols[i], first, 1, 8 );
        kill( helper.pid, SIGCONT );
        info = check_reply( &helper, 2, STATUS_SUCCESS );
        ok( info & PORTGUARD_INFO_PENDING, "got info %x", info );
        check_reply( &helper, 3, STATUS_SUCCESS );
        check_reply( &helper, 4, STATUS_SUCCESS );
        check_reply( &helper, 6, STATUS_SUCCESS );
        check_reply( &helper, 1, STATUS_SUCCESS );
        check_reply( &helper, 7, STATUS_SHARING_VIOLATION );
        check_reply( &helper, 8, STATUS_SUCCESS );
        info = check_reply( &helper, 5, STATUS_SUCCESS );
        ok( !(info & PORTGUARD_INFO_PENDING), "got info %x", info );
        call( &helper, PORTGUARD_RETAKE, protocols[i], first, 1, 0, &reply );
        ok( reply.guards == 2 * LARGE + 1, "got %u guards", reply.guards );
        for (port = first; port < first + 2 * LARGE + 1; port += 50) check_guarded( protocols[i], port );

        /* the end of all that was not asked for again comes after what was */
        put( &helper, PORTGUARD_RELEASE, protocols[i], first, 2 * LARGE + 10, 1 );
        put( &helper, PORTGUARD_GUARD, protocols[i], first, LARGE, 2 );
        put( &helper, PORTGUARD_FORGET, 0, 0, 0, 3 );
        for (j = 1; j <= 3; j++) check_reply( &helper, j, STATUS_SUCCESS );
        call( &helper, PORTGUARD_INFO, 0, 0, 0, 0, &reply );
        ok( reply.guards == LARGE, "got %u guards", reply.guards );
        call( &helper, PORTGUARD_RELEASE, protocols[i], first, LARGE, 0, &reply );

        /* the end of one that fails is answered when nothing is left of it, and one that is forced is as large */
        fd = open_socket( protocols[i], LOOP4, first + LARGE - 1, 0 );
        put( &helper, PORTGUARD_GUARD, protocols[i], first, LARGE, 1 );
        put( &helper, PORTGUARD_INFO, 0, 0, 0, 2 );
        put( &helper, PORTGUARD_RELEASE, protocols[i], first, 1, 3 );
        check_reply( &helper, 2, STATUS_SUCCESS );
        check_reply( &helper, 1, STATUS_SHARING_VIOLATION );
        check_reply( &helper, 3, STATUS_SUCCESS );
        check_block_is_free( protocols[i], first, LARGE, first + LARGE - 1, 0 );
        tell( &helper, PORTGUARD_GUARD, protocols[i], first, LARGE );
        call( &helper, PORTGUARD_GUARD, protocols[i], first, LARGE, PORTGUARD_FORCE, &reply );
        ok( !reply.status && reply.port == first + LARGE - 1 && reply.guards == LARGE - 1 && reply.missing == 1, "got %x, port %u, %u guards",
            reply.status, reply.port, reply.guards );
        close( fd );
        call( &helper, PORTGUARD_RELEASE, protocols[i], first, LARGE, 0, &reply );
        ok( !reply.guards && !reply.missing, "got %u guards, %u missing", reply.guards, reply.missing );
    }
    /* more of them than it remembers */
    first = find_block_in( 33000, 65000, 18 * 1025 );  /* no other test was there */
    call( &helper, PORTGUARD_INFO, 0, 0, 0, 0, &reply );
    if (reply.limit < 18 * 1025) skip( "no more than %u ports can be guarded", reply.limit );
    else
    {
        for (i = 0; i < 18; i++) put( &helper, PORTGUARD_GUARD, PROTOCOL_UDP, first + i * 1025, 1025, i );
        for (i = 0; i < 18; i++) check_reply( &helper, i, STATUS_SUCCESS );
    }
    ok( !stop_helper( &helper ), "it does not end in order" );

    /* the end, in the middle of one */
    for (i = 0; i < 2; i++)
    {
        other = start_helper( 0 );
        kill( other.pid, SIGSTOP );
        put( &other, PORTGUARD_GUARD, PROTOCOL_TCP, first, 9000, 1 );
        if (i) tell( &other, PORTGUARD_QUIT, 0, 0, 0 );
        else shutdown( other.fd, SHUT_WR );
        kill( other.pid, SIGCONT );
        ok( !wait_helper( &other ), "it does not end in order" );
        close( other.fd );
        check_block_is_free( PROTOCOL_TCP, first, 9000, 0, 0 );
    }
}

/* Requests that make no sense change nothing. */
static void test_bad_requests( struct helper *helper )
{
    static const struct
    {
        unsigned int protocol, first, count;
    } bad[] =
    {
        { PROTOCOL_TCP, 0, 1 }, { PROTOCOL_TCP, 1, 0 }, { PROTOCOL_TCP, 65535, 2 }, { PROTOCOL_TCP, 1, 65536 },
        { PROTOCOL_TCP, 65536, 1 }, { PROTOCOL_TCP, 2, 0xffffffff }, { PROTOCOL_UDP, 0xffffffff, 1 },
        { PROTOCOL_UDP, 0xffffffff, 0xffffffff }, { 0, 20000, 1 }, { 1, 20000, 1 }, { 0xffffffff, 20000, 1 },
    };
    unsigned int i, j, port = find_block( 2 );
    struct portguard_request req[3];
    struct portguard_reply reply;
    struct helper other;
    NTSTATUS status;
    int ret;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    {
        for (j = PORTGUARD_GUARD; j <= PORTGUARD_SHARE; j++)
        {
            status = call( helper, j, bad[i].protocol, bad[i].first, bad[i].count, 0, &reply );
            ok( status == STATUS_INVALID_PARAMETER, "request %u, %u %u %u: got %x", j, bad[i].protocol, bad[i].first,
                bad[i].count, status );
        }
    }
    /* ports that are not guarded */
    for (j = PORTGUARD_RELEASE; j <= PORTGUARD_RETAKE; j++)
    {
        status = call( helper, j, PROTOCOL_TCP, port, 1, 0, &reply );
        ok( !status, "request %u: got %x", j, status );
        check_free( PROTOCOL_TCP, port );
    }

    /* requests come in pieces and in one piece, and some want no reply */
    memset( req, 0, sizeof(req) );
    for (i = 0; i < 3; i++)
    {
        req[i].size = sizeof(req[i]);
        req[i].op = PORTGUARD_GUARD;
        req[i].serial = 1000000 + i;
        req[i].protocol = PROTOCOL_UDP;
        req[i].first = port + i % 2;
        req[i].count = 1;
    }
    req[0].flags = PORTGUARD_NO_REPLY;
    for (i = 0; i < sizeof(req); i += ret)
    {
        ret = write( helper->fd, (char *)req + i, sizeof(req) - i < 17 ? sizeof(req) - i : 17 );
        if (ret <= 0) break;
        usleep( 500 );
    }
    ok( read_reply( helper, &reply ), "no reply" );
    ok( reply.serial == 1000001 && !reply.status, "got serial %u, status %x", reply.serial, reply.status );
    ok( read_reply( helper, &reply ), "no reply" );
    ok( reply.serial == 1000002 && reply.status == STATUS_SHARING_VIOLATION, "got serial %u, status %x", reply.serial,
        reply.status );
    req[0].op = PORTGUARD_RELEASE;
    req[0].count = 2;
    req[0].flags = 0;
    req[1] = req[0];
    req[1].op = PORTGUARD_HELLO;
    ok( write( helper->fd, req, 2 * sizeof(req[0]) ) == 2 * sizeof(req[0]), "got %d", errno );
    ok( read_reply( helper, &reply ) && !reply.status, "got %x", reply.status );
    ok( read_reply( helper, &reply ) && reply.port == PORTGUARD_VERSION, "got version %u", reply.port );
    check_free( PROTOCOL_UDP, port );

    /* what is not a request at all ends the helper, and with it its guards */
    other = start_helper( 0 );
    status = call( &other, PORTGUARD_GUARD, PROTOCOL_TCP, port, 1, 0, &reply );
    ok( !status, "got %x", status );
    memset( req, 0xee, sizeof(req) );
    ok( write( other.fd, req, sizeof(req) ) == sizeof(req), "got %d", errno );
    ret = wait_helper( &other );
    ok( ret == 1, "got %d", ret );
    close( other.fd );
    check_free( PROTOCOL_TCP, port );
}

/* The helper ends with the server: at the end of the stream, also in the middle of a request. */
static void test_end_of_stream(void)
{
    struct helper helper = start_helper( 0 );
    unsigned int first = find_block( BLOCK );
    struct portguard_reply reply;
    NTSTATUS status;
    int ret;

    status = call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, first, BLOCK, 0, &reply );
    ok( !status, "got %x", status );
    check_guarded( PROTOCOL_TCP, first );
    ok( write( helper.fd, "xx", 2 ) == 2, "got %d", errno );
    ret = stop_helper( &helper );
    ok( !ret, "got %d", ret );
    check_free( PROTOCOL_TCP, first );

    /* Ctrl-C in the terminal is not for it */
    helper = start_helper( 0 );
    status = call( &helper, PORTGUARD_HELLO, 0, 0, 0, 0, &reply );
    ok( !status && reply.port == PORTGUARD_VERSION, "got %x, version %u", status, reply.port );
    kill( helper.pid, SIGINT );
    kill( helper.pid, SIGHUP );
    status = call( &helper, PORTGUARD_HELLO, 0, 0, 0, 0, &reply );
    ok( !status, "got %x", status );
    ret = stop_helper( &helper );
    ok( !ret, "got %d", ret );
}

/*** a prefix and its wineserver ***/

struct prefix
{
    char path[64];    /* of the prefix */
    char folder[96];  /* where its wineserver works */
    pid_t server;
};

/* A wineserver is a process that works in a folder of that name, and has a lock there. */
static void start_wineserver( struct prefix *prefix )
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
    int fd, pair[2];
    char c;

    if (pipe( pair )) abort();
    if (!(prefix->server = fork()))
    {
        if (chdir( prefix->folder ) || (fd = open( "lock", O_RDWR | O_CREAT, 0600 )) < 0 || fcntl( fd, F_SETLK, &lock )) _exit( 1 );
        ok( write( pair[1], "", 1 ) == 1, "got %d", errno );
        for (;;) pause();
    }
    ok( read( pair[0], &c, 1 ) == 1, "got %d", errno );
    close( pair[0] );
    close( pair[1] );
}

static void stop_wineserver( struct prefix *prefix )
{
    kill( prefix->server, SIGKILL );
    waitpid( prefix->server, NULL, 0 );
}

static int make_prefix( struct prefix *prefix )
{
    struct stat st;

    strcpy( prefix->path, "/tmp/test_portguard.XXXXXX" );
    if (!mkdtemp( prefix->path ) || stat( prefix->path, &st )) abort();
    snprintf( prefix->folder, sizeof(prefix->folder), "%s/server-%llx-%llx", prefix->path, (unsigned long long)st.st_dev,
              (unsigned long long)st.st_ino );
    if (mkdir( prefix->folder, 0700 )) abort();
    setenv( "WINEPREFIX", prefix->path, 1 );
    start_wineserver( prefix );
    return 1;
}

static void remove_prefix( struct prefix *prefix )
{
    char path[160];

    stop_wineserver( prefix );
    usleep( 200000 );
    snprintf( path, sizeof(path), "%s/lock", prefix->folder );
    unlink( path );
    ok( !rmdir( prefix->folder ), "the helper left something behind: %d", errno );
    rmdir( prefix->path );
    unsetenv( "WINEPREFIX" );
}

/* Start a helper that shall hand its stream on to the one of before: that one's process, the other one's stream. */
static struct helper start_next( const struct helper *before )
{
    struct helper next = start_helper( 0 );
    int ret = wait_helper( &next );

    ok( !ret, "got %d", ret );
    next.pid = before->pid;
    return next;
}

static void quit_helper( struct helper *helper )
{
    struct portguard_request req = { .size = sizeof(req), .op = PORTGUARD_QUIT };
    int ret;

    ok( write( helper->fd, &req, sizeof(req) ) == sizeof(req), "got %d", errno );
    ret = wait_helper( helper );
    ok( !ret, "got %d", ret );
    close( helper->fd );
}

/* The stream of a server that was killed in the middle of a call can stay open in wineserver: the next one gets the helper all the
 * same, and the guards are not in the hands of two helpers. */
static void test_half_dead_server(void)
{
    unsigned int first = find_block( 2 );
    struct portguard_request part = { 0 };
    struct portguard_reply reply;
    struct helper helper, next;
    struct prefix prefix;

    make_prefix( &prefix );
    helper = start_helper( 0 );
    call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, first, 2, 0, &reply );
    ok( !reply.status, "got %x", reply.status );
    ok( reply.info & PORTGUARD_INFO_LINGERS, "got info %x", reply.info );
    ok( write( helper.fd, &part, sizeof(part) / 2 ) == sizeof(part) / 2, "got %d", errno );

    next = start_next( &helper );
    call( &next, PORTGUARD_HELLO, 0, 0, PORTGUARD_VERSION, 0, &reply );
    ok( !reply.status && reply.port == PORTGUARD_VERSION, "got %x", reply.status );
    call( &next, PORTGUARD_GUARD, PROTOCOL_TCP, first, 1, PORTGUARD_FORCE, &reply );
    ok( !reply.status && !reply.missing, "got %x, %u missing", reply.status, reply.missing );
    call( &next, PORTGUARD_FORGET, 0, 0, 0, 0, &reply );
    check_guarded( PROTOCOL_TCP, first );
    check_free( PROTOCOL_TCP, first + 1 );
    ok( recv( helper.fd, &reply, sizeof(reply), 0 ) <= 0, "the stream of before is open" );
    close( helper.fd );
    call( &next, PORTGUARD_GUARD, PROTOCOL_TCP, first + 1, 1, 0, &reply );
    ok( !reply.status, "got %x", reply.status );
    quit_helper( &next );
    check_free( PROTOCOL_TCP, first );
    remove_prefix( &prefix );
}

/* The server ends in the middle of a large block: nothing is left of one that it was not told to have, and one that is forced it asks for again. */
static void test_server_death_between(void)
{
    struct portguard_request req = { sizeof(req), PORTGUARD_GUARD, 0, 1, PROTOCOL_TCP, 0, 3 * LARGE, 0 };
    unsigned int i, tries, first = find_block( 3 * LARGE );
    struct portguard_reply reply;
    struct helper helper, next;
    struct prefix prefix;

    make_prefix( &prefix );
    helper = start_helper( 0 );
    call( &helper, PORTGUARD_INFO, 0, 0, 0, 0, &reply );
    req.first = first;
    for (i = 0; i < 4; i++)
    {
        req.flags = i % 2 ? PORTGUARD_FORCE : 0;
        kill( helper.pid, SIGSTOP );
        ok( write( helper.fd, &req, sizeof(req) ) == sizeof(req), "got %d", errno );
        if (i < 2) close( helper.fd );
        kill( helper.pid, SIGCONT );
        next = start_next( &helper );
        if (i >= 2) close( helper.fd );  /* it was half dead */
        helper = next;
        call( &helper, PORTGUARD_HELLO, 0, 0, PORTGUARD_VERSION, 0, &reply );
        ok( !reply.status && !(reply.info & PORTGUARD_INFO_PENDING), "got %x, info %x", reply.status, reply.info );
        call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, first, LARGE, i % 2 ? PORTGUARD_FORCE : 0, &reply );
        ok( !reply.status && !reply.missing, "%u: got %x, port %u, %u missing", i, reply.status, reply.port, reply.missing );
        call( &helper, PORTGUARD_FORGET, 0, 0, 0, 0, &reply );
        ok( reply.guards == LARGE && !reply.missing, "%u: got %u guards, %u missing", i, reply.guards, reply.missing );
        check_guarded( PROTOCOL_TCP, first );
        check_guarded( PROTOCOL_TCP, first + LARGE - 1 );
        for (tries = 0; tries < LIMIT * 100 && try_bind( PROTOCOL_TCP, ANY4, first + 3 * LARGE - 1, 0 ); tries++) usleep( 10000 );
        check_free( PROTOCOL_TCP, first + LARGE );
        call( &helper, PORTGUARD_RELEASE, PROTOCOL_TCP, first, LARGE, 0, &reply );
        ok( !reply.guards && !reply.missing, "%u: got %u guards, %u missing", i, reply.guards, reply.missing );
    }
    quit_helper( &helper );
    remove_prefix( &prefix );
}

/* Who finds the lock free finds the ports free, too. */
static void test_end_in_order(void)
{
    unsigned int i, first = find_block( 3 * LARGE );
    struct portguard_reply reply;
    struct helper helper;
    struct prefix prefix;
    char path[200];
    time_t end;

    make_prefix( &prefix );
    helper = start_helper( 0 );
    for (i = 0; i < 2; i++) call( &helper, PORTGUARD_GUARD, protocols[i], first, 3 * LARGE, 0, &reply );
    ok( reply.guards == 6 * LARGE, "got %u guards", reply.guards );
    snprintf( path, sizeof(path), "%.150s/portguard.lock", prefix.folder );
    ok( !access( path, F_OK ), "got %d", errno );
    tell( &helper, PORTGUARD_QUIT, 0, 0, 0 );
    for (end = time( NULL ) + LIMIT; !access( path, F_OK ) && time( NULL ) <= end; ) ;
    for (i = 0; i < 2; i++)
    {
        check_free( protocols[i], first );
        check_free( protocols[i], first + 3 * LARGE - 1 );
    }
    ok( !wait_helper( &helper ), "it does not end in order" );
    close( helper.fd );
    remove_prefix( &prefix );
}

/* What the server before had, and this one has not, is in the way of nothing. */
static void test_forget_at_limit(void)
{
    const struct rlimit limit = { 1000, 1000 };
    unsigned int first = find_block( LARGE );
    struct portguard_reply reply;
    struct helper helper;
    struct prefix prefix;

    make_prefix( &prefix );
    helper = start_helper( 0 );
    call( &helper, PORTGUARD_INFO, 0, 0, 0, 0, &reply );
    ok( !prlimit( helper.pid, RLIMIT_NOFILE, &limit, NULL ), "got %d", errno );
    call( &helper, PORTGUARD_GUARD, PROTOCOL_UDP, first, 950, 0, &reply );
    ok( !reply.status, "got %x", reply.status );
    call( &helper, PORTGUARD_YIELD, PROTOCOL_UDP, first, 950, PORTGUARD_FORCE, &reply );
    ok( !reply.status && !reply.guards, "got %x, %u guards", reply.status, reply.guards );
    call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, first, 950, 0, &reply );
    ok( !reply.status && reply.guards == 950, "got %x, %u guards", reply.status, reply.guards );
    close( helper.fd );
    helper = start_next( &helper );
    call( &helper, PORTGUARD_HELLO, 0, 0, PORTGUARD_VERSION, 0, &reply );
    call( &helper, PORTGUARD_GUARD, PROTOCOL_UDP, first, 950, PORTGUARD_FORCE, &reply );
    call( &helper, PORTGUARD_FORGET, 0, 0, 0, 0, &reply );
    ok( reply.guards == 950 && !reply.missing && !(reply.info & PORTGUARD_INFO_EXHAUSTED), "got %u guards, %u missing, info %x",
        reply.guards, reply.missing, reply.info );
    quit_helper( &helper );
    remove_prefix( &prefix );
}

/* "kill -9 of portserver: live runtime reservations are taken up again": their guards do not end with the server. */
static void test_server_death(void)
{
    struct prefix prefix;
    struct helper helper;
    unsigned int i, first = find_block( 6 );
    struct portguard_reply reply;
    int ret;

    make_prefix( &prefix );
    helper = start_helper( 0 );
    for (i = 0; i < 2; i++)
    {
        call( &helper, PORTGUARD_GUARD, protocols[i], first, 6, 0, &reply );
        ok( !reply.status, "got %x", reply.status );
        call( &helper, PORTGUARD_YIELD, protocols[i], first + 2, 3, PORTGUARD_FORCE, &reply );
        ok( !reply.status, "got %x", reply.status );
    }
    close( helper.fd );
    usleep( 10000 );
    for (i = 0; i < 2; i++)
    {
        check_guarded( protocols[i], first );
        check_guarded( protocols[i], first + 5 );
        ret = try_bind( protocols[i], ANY4, first + 2, REUSE );
        ok( !ret, "got %d", ret );
    }

    helper = start_next( &helper );
    call( &helper, PORTGUARD_HELLO, 0, 0, PORTGUARD_VERSION, 0, &reply );
    ok( !reply.status && reply.port == PORTGUARD_VERSION, "got %x, version %u", reply.status, reply.port );
    for (i = 0; i < 2; i++)
    {
        check_guarded( protocols[i], first );
        /* 0, 2 and 3 go on, 3 is in use; 1, 4 and 5 belong to reservations that have ended */
        call( &helper, PORTGUARD_GUARD, protocols[i], first, 1, PORTGUARD_FORCE, &reply );
        ok( !reply.status && !reply.missing, "got %x, %u missing", reply.status, reply.missing );
        call( &helper, PORTGUARD_GUARD, protocols[i], first + 2, 2, PORTGUARD_FORCE, &reply );
        ok( !reply.status && !reply.missing, "got %x, %u missing", reply.status, reply.missing );
        call( &helper, PORTGUARD_YIELD, protocols[i], first + 3, 1, PORTGUARD_FORCE, &reply );
        call( &helper, PORTGUARD_GUARD, protocols[i], first, 1, 0, &reply );
        ok( reply.status == STATUS_SHARING_VIOLATION, "got %x", reply.status );
    }
    call( &helper, PORTGUARD_FORGET, 0, 0, 0, 0, &reply );
    ok( !reply.status, "got %x", reply.status );
    for (i = 0; i < 2; i++)
    {
        check_guarded( protocols[i], first );
        check_guarded( protocols[i], first + 2 );
        ret = try_bind( protocols[i], ANY4, first + 3, REUSE );
        ok( !ret, "got %d", ret );
        check_free( protocols[i], first + 1 );
        check_free( protocols[i], first + 4 );
        check_free( protocols[i], first + 5 );
    }

    /* a persistent block where a runtime one was */
    call( &helper, PORTGUARD_RELEASE, PROTOCOL_TCP, first, 6, 0, &reply );
    call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, first, 2, 0, &reply );
    close( helper.fd );
    helper = start_next( &helper );
    call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, first, 1, PORTGUARD_FORCE | PORTGUARD_PERSISTENT, &reply );
    ok( !reply.status, "got %x", reply.status );
    check_free( PROTOCOL_TCP, first );
    check_guarded( PROTOCOL_TCP, first + 1 );

    quit_helper( &helper );
    check_free( PROTOCOL_TCP, first + 1 );
    remove_prefix( &prefix );
}

/* Guards end with the prefix, whose life is that of its wineserver. */
static void test_prefix_end(void)
{
    unsigned int port = find_block( 1 );
    struct portguard_reply reply;
    struct helper helper, next;
    struct prefix prefix;
    int ret;

    make_prefix( &prefix );
    helper = start_helper( 0 );
    call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, port, 1, 0, &reply );
    close( helper.fd );
    usleep( 300000 );
    check_guarded( PROTOCOL_TCP, port );
    kill( prefix.server, SIGKILL );  /* its parent does not ask for it yet */
    ret = wait_helper( &helper );
    ok( !ret, "got %d", ret );
    check_free( PROTOCOL_TCP, port );
    stop_wineserver( &prefix );

    /* also with the stream open, and when the prefix is used again at once: the next helper is another prefix's */
    start_wineserver( &prefix );
    helper = start_helper( 0 );
    call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, port, 1, 0, &reply );
    kill( helper.pid, SIGSTOP );
    stop_wineserver( &prefix );
    start_wineserver( &prefix );
    next = start_helper( 0 );
    kill( helper.pid, SIGCONT );
    call( &next, PORTGUARD_GUARD, PROTOCOL_TCP, port, 1, 0, &reply );
    ok( !reply.status, "got %x", reply.status );
    ret = wait_helper( &helper );
    ok( !ret, "got %d", ret );
    close( helper.fd );
    check_guarded( PROTOCOL_TCP, port );
    quit_helper( &next );
    remove_prefix( &prefix );
}

/* "never two helpers that both guard for one prefix": one that does not go on is ended before the next one guards. */
static void test_stopped_helper(void)
{
    unsigned int port = find_block( 1 );
    struct portguard_reply reply;
    struct helper helper, next;
    struct prefix prefix;
    int status;

    make_prefix( &prefix );
    helper = start_helper( 0 );
    call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, port, 1, 0, &reply );
    kill( helper.pid, SIGSTOP );
    next = start_helper( 0 );
    call( &next, PORTGUARD_GUARD, PROTOCOL_TCP, port, 1, PORTGUARD_FORCE, &reply );
    ok( !reply.status && !reply.missing, "got %x, %u missing", reply.status, reply.missing );
    ok( has_ended( &helper, &status ) && WIFSIGNALED( status ) && WTERMSIG( status ) == SIGKILL, "the stopped one lives on" );
    close( helper.fd );
    quit_helper( &next );
    remove_prefix( &prefix );
}

/* Many that start at the same time: one is the helper, and has all the streams. */
static void test_many_helpers(void)
{
    struct helper helpers[8];
    struct portguard_reply reply;
    unsigned int i, tries, alive = 8, served = 0;
    struct prefix prefix;
    int status;

    make_prefix( &prefix );
    for (i = 0; i < 8; i++) helpers[i] = start_helper( 0 );
    for (tries = 0; tries < LIMIT * 100 && alive > 1; tries++)
    {
        for (i = 0; i < 8; i++)
        {
            if (!helpers[i].pid || !waitpid( helpers[i].pid, &status, WNOHANG )) continue;
            helpers[i].pid = 0;
            alive--;
        }
        usleep( 10000 );
    }
    for (i = 0; i < 8; i++)
    {
        struct portguard_request req = { .size = sizeof(req), .op = PORTGUARD_HELLO };

        if (write( helpers[i].fd, &req, sizeof(req) ) == sizeof(req) && read_reply( &helpers[i], &reply )) served++;
    }
    ok( alive == 1, "%u helpers", alive );
    ok( served == 1, "%u are served", served );
    for (i = 0; i < 8; i++) close( helpers[i].fd );
    stop_wineserver( &prefix );
    for (i = 0; i < 8; i++) if (helpers[i].pid) ok( !wait_helper( &helpers[i] ), "the helper lives on" );
    start_wineserver( &prefix );
    remove_prefix( &prefix );
}

static int connect_folder( const struct prefix *prefix )
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = make_socket( AF_UNIX, SOCK_STREAM );

    snprintf( addr.sun_path, sizeof(addr.sun_path), "%.90s/portguard", prefix->folder );
    if (!connect( fd, (struct sockaddr *)&addr, sizeof(addr) )) return fd;
    close( fd );
    return -1;
}

/* The fastest of some calls: a helper that waits in each of them is slow in all, a busy machine is not. */
static double fastest_call( struct helper *helper )
{
    struct portguard_reply reply;
    double start, time, fastest = 1e9;
    unsigned int i;

    for (i = 0; i < 10; i++)
    {
        start = now_ms();
        call( helper, PORTGUARD_HELLO, 0, 0, PORTGUARD_VERSION, 0, &reply );
        time = now_ms() - start;
        if (time < fastest) fastest = time;
    }
    return fastest;
}

/* Is somebody who says nothing still listened to? The helper has then not waited for him until its patience ended. */
static int is_connected( int fd )
{
    char c;

    return recv( fd, &c, 1, MSG_DONTWAIT ) < 0 && errno == EAGAIN;
}

/* Whoever connects to the helper and is not a helper gets nothing, changes nothing, and delays nobody. */
static void test_strangers(void)
{
    static const char *const texts[] = { "", "portgrd", "GET / HTTP/1.1\r\n\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" };
    unsigned int i, port = find_block( 1 );
    struct portguard_reply reply;
    struct helper helper, next;
    struct prefix prefix;
    double start, time, fastest;
    int fd, silent, ret;
    pid_t pid;
    char c;

    make_prefix( &prefix );
    helper = start_helper( 0 );
    call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, port, 1, 0, &reply );
    silent = connect_folder( &prefix );
    ok( silent >= 0, "got %d", errno );
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    {
        fd = connect_folder( &prefix );
        ok( fd >= 0, "got %d", errno );
        ok( write( fd, texts[i], strlen( texts[i] ) ) == (ssize_t)strlen( texts[i] ), "got %d", errno );
        shutdown( fd, SHUT_WR );
        ret = recv( fd, &c, 1, 0 );
        ok( ret <= 0, "text %u: got an answer", i );
        close( fd );
    }
    time = fastest_call( &helper );
    ok( time < 100, "%.0f ms", time );
    ok( is_connected( silent ), "the helper waited for who says nothing" );
    check_guarded( PROTOCOL_TCP, port );

    /* another user does not even get there, nor does the helper talk to a process of another one */
    if (!getuid())
    {
        if (!(pid = fork()))
        {
            if (setuid( 65534 )) _exit( 2 );
            _exit( connect_folder( &prefix ) >= 0 );
        }
        waitpid( pid, &ret, 0 );
        ok( !ret, "another user: got %x", ret );
        chmod( prefix.path, 0777 );
        chmod( prefix.folder, 0777 );
        if (!(pid = fork()))
        {
            if (setuid( 65534 )) _exit( 2 );
            _exit( connect_folder( &prefix ) >= 0 );
        }
        waitpid( pid, &ret, 0 );
        ok( !ret, "another user: got %x", ret );
    }
    else skip( "needs another user, hence root" );

    for (i = 0, fastest = 1e9; i < 10; i++)
    {
        start = now_ms();
        next = start_next( &helper );
        call( &next, PORTGUARD_HELLO, 0, 0, PORTGUARD_VERSION, 0, &reply );
        time = now_ms() - start;
        if (time < fastest) fastest = time;
        close( helper.fd );
        helper = next;
    }
    ok( fastest < 200, "the fastest handover: %.0f ms", fastest );
    ok( is_connected( silent ), "the helper waited for who says nothing" );
    close( silent );
    quit_helper( &helper );
    remove_prefix( &prefix );
}

/* What another user's program leaves or opens where the helper would be found (a folder that is open to all, as it should not be) gets no stream. */
static void test_false_helper(void)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    struct portguard_reply reply;
    struct prefix prefix;
    struct helper helper;
    int pair[2], ret;
    char c = 0;
    pid_t pid;

    if (getuid())
    {
        skip( "needs another user, hence root" );
        return;
    }
    make_prefix( &prefix );
    chmod( prefix.path, 0777 );
    chmod( prefix.folder, 0777 );
    snprintf( addr.sun_path, sizeof(addr.sun_path), "%.90s/portguard", prefix.folder );
    if (pipe( pair )) abort();
    if (!(pid = fork()))
    {
        int fd = make_socket( AF_UNIX, SOCK_STREAM );

        if (setuid( 65534 ) || bind( fd, (struct sockaddr *)&addr, sizeof(addr) ) || listen( fd, 5 )) c = 1;
        ret = write( pair[1], &c, 1 );
        _exit( accept( fd, NULL, NULL ) >= 0 || ret != 1 );
    }
    ok( read( pair[0], &c, 1 ) == 1 && !c, "the other user can't listen" );
    close( pair[0] );
    close( pair[1] );
    helper = start_helper( 0 );
    call( &helper, PORTGUARD_HELLO, 0, 0, PORTGUARD_VERSION, 0, &reply );
    ok( !reply.status, "got %x", reply.status );
    ok( !waitpid( pid, &ret, WNOHANG ), "somebody connected to it" );
    kill( pid, SIGKILL );
    waitpid( pid, &ret, 0 );
    quit_helper( &helper );
    remove_prefix( &prefix );
}

/* A standard input that leads to another user's program is not served. */
static void test_other_users_stream(void)
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof(addr);
    char *const argv[] = { "portguard", NULL };
    int file = open( helper_path, O_RDONLY | O_CLOEXEC ), listener = open_socket( PROTOCOL_TCP, LOOP4, 0, 0 ), fd, status = 0;
    struct helper helper = { -1, 0 };
    pid_t other;

    if (getuid())
    {
        skip( "needs another user, hence root" );
        return;
    }
    listen( listener, 1 );
    getsockname( listener, (struct sockaddr *)&addr, &len );
    if (!(other = fork()))
    {
        if (setuid( 65534 )) _exit( 1 );
        fd = make_socket( AF_INET, SOCK_STREAM );
        if (connect( fd, (struct sockaddr *)&addr, len )) _exit( 1 );
        for (;;) pause();
    }
    fd = accept( listener, NULL, NULL );
    if (!(helper.pid = fork()))
    {
        dup2( fd, 0 );
        dup2( fd, 1 );
        fexecve( file, argv, environ );
        _exit( 2 );
    }
    status = wait_helper( &helper );
    ok( status == 1, "got %d", status );
    kill( other, SIGKILL );
    waitpid( other, NULL, 0 );
    close( fd );
    close( file );
    close( listener );
}

/* "A running prefix that was copied and started": it is another prefix, and neither takes the other's helper. */
static void test_copied_prefix(void)
{
    struct helper helpers[2], next;
    struct prefix prefixes[2];
    struct portguard_reply reply;
    unsigned int i, port = find_block( 2 );
    char command[256];
    struct stat st;

    make_prefix( &prefixes[0] );
    helpers[0] = start_helper( 0 );
    call( &helpers[0], PORTGUARD_GUARD, PROTOCOL_TCP, port, 1, 0, &reply );

    /* with all that is in it, the helper's lock and socket too */
    snprintf( prefixes[1].path, sizeof(prefixes[1].path), "%.50s.copy", prefixes[0].path );
    snprintf( command, sizeof(command), "cp -a %s %s", prefixes[0].path, prefixes[1].path );
    ok( !system( command ), "%s: failed", command );
    ok( !stat( prefixes[1].path, &st ), "got %d", errno );
    snprintf( prefixes[1].folder, sizeof(prefixes[1].folder), "%s/server-%llx-%llx", prefixes[1].path, (unsigned long long)st.st_dev,
              (unsigned long long)st.st_ino );
    ok( !mkdir( prefixes[1].folder, 0700 ), "got %d", errno );
    setenv( "WINEPREFIX", prefixes[1].path, 1 );
    start_wineserver( &prefixes[1] );
    helpers[1] = start_helper( 0 );
    call( &helpers[1], PORTGUARD_GUARD, PROTOCOL_TCP, port, 1, PORTGUARD_FORCE, &reply );
    ok( reply.missing == 1, "got %u", reply.missing );
    call( &helpers[1], PORTGUARD_GUARD, PROTOCOL_TCP, port + 1, 1, 0, &reply );
    ok( !reply.status, "got %x", reply.status );

    for (i = 0; i < 2; i++)
    {
        setenv( "WINEPREFIX", prefixes[i].path, 1 );
        next = start_next( &helpers[i] );
        call( &next, PORTGUARD_GUARD, PROTOCOL_TCP, port + i, 1, PORTGUARD_FORCE, &reply );
        ok( !reply.status, "got %x", reply.status );
        call( &next, PORTGUARD_FORGET, 0, 0, 0, 0, &reply );
        ok( !reply.missing, "%u missing", reply.missing );
        check_guarded( PROTOCOL_TCP, port + i );
        close( helpers[i].fd );
        helpers[i] = next;
    }
    for (i = 0; i < 2; i++) quit_helper( &helpers[i] );
    snprintf( command, sizeof(command), "rm -rf %s/server-*-*/portguard*", prefixes[1].path );
    stop_wineserver( &prefixes[1] );
    snprintf( command, sizeof(command), "rm -rf %s", prefixes[1].path );
    ok( !system( command ), "%s: failed", command );
    remove_prefix( &prefixes[0] );
}

/* "a namespace that differs from wineserver's is noticed, the right one used or said plainly" */
static void test_other_network(void)
{
    int home = open( "/proc/self/ns/net", O_RDONLY | O_CLOEXEC ), away = -1, pair[2], ret;
    char *const argv[] = { "portguard", NULL };
    int file = open( helper_path, O_RDONLY | O_CLOEXEC );
    struct portguard_reply reply;
    struct prefix prefix;
    struct helper helper;
    unsigned int port = find_block( 1 ), ordinary;

    if (unshare( CLONE_NEWNET ))
    {
        skip( "needs a network of its own, hence root" );
        close( home );
        close( file );
        return;
    }
    away = open( "/proc/self/ns/net", O_RDONLY | O_CLOEXEC );
    for (ordinary = 0; ordinary < 2; ordinary++)
    {
        /* wineserver, the server and its sockets are here, and the helper is started at home */
        setns( away, CLONE_NEWNET );
        make_prefix( &prefix );
        if (socketpair( AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair )) abort();
        setns( home, CLONE_NEWNET );
        if (!(helper.pid = fork()))
        {
            if (ordinary && setuid( 65534 )) _exit( 1 );
            dup2( pair[1], 0 );
            dup2( pair[1], 1 );
            fexecve( file, argv, environ );
            _exit( 1 );
        }
        close( pair[1] );
        helper.fd = pair[0];
        call( &helper, PORTGUARD_HELLO, 0, 0, PORTGUARD_VERSION, 0, &reply );
        if (ordinary) ok( reply.status == STATUS_NOT_SUPPORTED, "got %x", reply.status );
        else
        {
            ok( !reply.status, "got %x", reply.status );
            call( &helper, PORTGUARD_GUARD, PROTOCOL_TCP, port, 1, 0, &reply );
            ok( !reply.status, "got %x", reply.status );
            check_free( PROTOCOL_TCP, port );
            setns( away, CLONE_NEWNET );
            ret = try_bind( PROTOCOL_TCP, ANY4, port, REUSE );
            ok( ret == EADDRINUSE, "got %d", ret );
            setns( home, CLONE_NEWNET );
        }
        quit_helper( &helper );
        remove_prefix( &prefix );
    }
    ret = setns( home, CLONE_NEWNET );
    ok( !ret, "got %d", errno );
    close( home );
    close( away );
    close( file );
}

static int find_socks( struct helper *helper, const uint64_t *inodes, unsigned int count, unsigned char *alive )
{
    struct portguard_request req = { sizeof(req) + count * sizeof(*inodes), PORTGUARD_FIND_SOCKS, 0, 77, 0, 0, count, 0 };
    struct portguard_reply reply = { 0 };

    if (write( helper->fd, &req, sizeof(req) ) != sizeof(req) ||
        write( helper->fd, inodes, count * sizeof(*inodes) ) != (ssize_t)(count * sizeof(*inodes))) return 0;
    if (!read_reply( helper, &reply ) || reply.serial != 77 || reply.status) return 0;
    return !count || recv( helper->fd, alive, count, MSG_WAITALL ) == (ssize_t)count;
}

static uint64_t inode_of( int fd )
{
    struct stat st;

    return fstat( fd, &st ) ? 0 : st.st_ino;
}

static int compare_inodes( const void *a, const void *b )
{
    uint64_t x = inode_of( *(const int *)a ), y = inode_of( *(const int *)b );

    return x < y ? -1 : x > y;
}

/* Sockets that wineserver has open, among many. "a closed socket is closed at once" needs an answer that is quick. */
static void test_find_socks(void)
{
    enum { COUNT = 10000 };
    static uint64_t inodes[COUNT];
    static unsigned char alive[COUNT];
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
    struct rlimit limit, more = { COUNT + 100, COUNT + 100 };
    static int fds[COUNT];
    unsigned int i, bad, count = COUNT;
    struct portguard_reply reply;
    struct prefix prefix;
    struct helper helper;
    double start;
    int fd;

    getrlimit( RLIMIT_NOFILE, &limit );
    if (limit.rlim_cur < COUNT + 100 && setrlimit( RLIMIT_NOFILE, &more ))
    {
        count = limit.rlim_cur / 2;
        skip( "only %u descriptors", count );
    }
    make_prefix( &prefix );
    stop_wineserver( &prefix );
    /* wineserver is this process now; the lock is not inherited by the helper */
    if (chdir( prefix.folder ) || (fd = open( "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600 )) < 0 || fcntl( fd, F_SETLK, &lock )) abort();
    for (i = 0; i < count; i++) fds[i] = make_socket( AF_INET, SOCK_DGRAM );
    /* each processor gives out inode numbers of its own */
    qsort( fds, count, sizeof(fds[0]), compare_inodes );
    for (i = 0; i < count; i++) inodes[i] = inode_of( fds[i] );
    helper = start_helper( 0 );
    call( &helper, PORTGUARD_HELLO, 0, 0, PORTGUARD_VERSION, 0, &reply );
    ok( find_socks( &helper, inodes, 0, alive ), "no answer" );
    start = work_ms( &helper );
    ok( find_socks( &helper, inodes, count, alive ), "no answer" );
    if (work_ms( &helper ) - start > 300) ok( 0, "%.1f ms for the first of %u", work_ms( &helper ) - start, count );
    for (i = bad = 0; i < count; i++) bad += alive[i] != 1;
    ok( !bad, "%u of %u are not found", bad, count );
    for (i = 0; i < count; i += 100)
    {
        close( fds[i] );
        fds[i] = -1;
    }
    start = work_ms( &helper );
    ok( find_socks( &helper, inodes, count, alive ), "no answer" );
    if (work_ms( &helper ) - start > 300) ok( 0, "%.1f ms for the second of %u", work_ms( &helper ) - start, count );
    for (i = bad = 0; i < count; i++) bad += alive[i] != (fds[i] >= 0);
    ok( !bad, "%u of %u are wrong", bad, count );
    start = work_ms( &helper );
    for (i = 0; i < 100; i++) ok( find_socks( &helper, inodes + 1, 10, alive ), "no answer" );
    if (work_ms( &helper ) - start > 100) ok( 0, "%.1f ms for 100 times 10 that live", work_ms( &helper ) - start );
    /* not in order */
    inodes[0] = inodes[2];
    ok( !find_socks( &helper, inodes, 2, alive ), "inodes in no order" );
    for (i = 0; i < count; i++) if (fds[i] >= 0) close( fds[i] );
    quit_helper( &helper );
    close( fd );
    if (chdir( "/" )) abort();
    start_wineserver( &prefix );
    remove_prefix( &prefix );
    setrlimit( RLIMIT_NOFILE, &limit );
}

/* The stream in memory: as the server has it, but by hand. */
static struct ring_memory *ring;
static struct ring_end ring_requests, ring_replies;
static int ring_wake;

static int open_ring( struct helper *helper )
{
    struct
    {
        struct portguard_request req;
        char wake;  /* what may follow it at once */
    } last = { .req = { .size = sizeof(last.req), .op = PORTGUARD_USE_RING, .flags = PORTGUARD_NO_REPLY } };
    struct portguard_ring place = { 0 };
    struct portguard_reply reply;
    char path[64];
    int fd;

    ok( !call( helper, PORTGUARD_OPEN_RING, 0, 0, 0, 0, &reply ), "got %x", reply.status );
    ok( reply.size == sizeof(reply) + sizeof(place), "got %u bytes", reply.size );
    ok( recv( helper->fd, &place, sizeof(place), MSG_WAITALL ) == sizeof(place), "no ring" );
    ok( place.pid == (uint32_t)helper->pid, "got process %u", place.pid );
    snprintf( path, sizeof(path), "/proc/%u/fd/%u", place.pid, place.memory_fd );
    if ((fd = open( path, O_RDWR | O_CLOEXEC )) < 0) return 0;
    ring = mmap( NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0 );
    close( fd );
    if (ring == MAP_FAILED) return 0;
    ok( ring->nonce == place.nonce && place.nonce, "it is another one's" );
    snprintf( path, sizeof(path), "/proc/%u/fd/%u", place.pid, place.wake_fd );
    ring_wake = open( path, O_WRONLY | O_CLOEXEC );
    ring_requests = (struct ring_end){ &ring->requests, ring->request_bytes, RING_REQUESTS_SIZE, 0 };
    ring_replies = (struct ring_end){ &ring->replies, ring->reply_bytes, RING_REPLIES_SIZE, 0 };
    return ring_wake >= 0 && write( helper->fd, &last, sizeof(last.req) + 1 ) == sizeof(last.req) + 1;
}

static void close_ring(void)
{
    munmap( ring, sizeof(*ring) );
    close( ring_wake );
}

static void ring_put( const void *data, size_t size )
{
    const char *ptr = data;
    unsigned int tries;
    int ret;

    for (tries = 0; size && tries < 5000; tries++)
    {
        ret = ring_write( &ring_requests, ptr, size );
        ok( ret >= 0, "nonsense in the ring" );
        ptr += ret;
        size -= ret;
        if (ring_must_wake( &ring_requests ) && write( ring_wake, "", 1 ) != 1) ok( 0, "it can't be woken" );
        if (size) usleep( 1000 );
    }
    ok( !size, "%zu bytes are not taken", size );
}

static int ring_get( void *data, size_t size )
{
    char *ptr = data;
    unsigned int tries;
    int ret;

    for (tries = 0; size && tries < 5000; tries++)
    {
        if ((ret = ring_read( &ring_replies, ptr, size )) < 0) return 0;
        ptr += ret;
        size -= ret;
        if (size) usleep( 1000 );
    }
    return !size;
}

static NTSTATUS ring_call( enum portguard_op op, int protocol, unsigned int first, unsigned int count )
{
    static unsigned int serial = 1000;
    struct portguard_request req = { sizeof(req), op, 0, ++serial, protocol, first, count, 0 };
    struct portguard_reply reply = { 0 };

    ring_put( &req, sizeof(req) );
    ok( ring_get( &reply, sizeof(reply) ), "no reply" );
    ok( reply.serial == serial && reply.size == sizeof(reply), "got serial %u, %u bytes", reply.serial, reply.size );
    return reply.status;
}

static void test_ring(void)
{
    enum { COUNT = 60000 };
    static uint64_t inodes[COUNT];
    static unsigned char alive[COUNT];
    struct portguard_request req = { sizeof(req) + sizeof(inodes), PORTGUARD_FIND_SOCKS, 0, 77, 0, 0, COUNT, 0 };
    struct helper helper = start_helper( 0 );
    unsigned int port = find_block( 4 ), i, wakes;
    struct portguard_reply reply = { 0 };
    char bytes[4096];
    NTSTATUS status;
    int ret, wake;

    if (!open_ring( &helper ))
    {
        ok( 0, "no ring: %s", strerror( errno ) );
        return;
    }
    /* more than once around, in all places of the ring */
    for (i = 0; i < 10; i++)
    {
        ok( !ring_call( PORTGUARD_GUARD, PROTOCOL_TCP, port, 4 ), "the block is not free" );
        ok( try_bind( PROTOCOL_TCP, ANY4, port + i % 4, 0 ) == EADDRINUSE, "the port is not guarded" );
        ring_call( PORTGUARD_RELEASE, PROTOCOL_TCP, port, 4 );
        ok( !try_bind( PROTOCOL_TCP, ANY4, port + i % 4, 0 ), "the port is guarded" );
        /* of sockets that there are not */
        req.serial = i;
        ring_put( &req, sizeof(req) );
        ring_put( inodes, sizeof(inodes) );
        ok( ring_get( &reply, sizeof(reply) ), "no reply" );
        ok( reply.serial == i, "got serial %u", reply.serial );
        if (!reply.status) ok( ring_get( alive, reply.size - sizeof(reply) ), "no answer" );
    }
    /* a byte in the stream wakes as well */
    wake = ring_wake;
    ring_wake = helper.fd;
    ok( !ring_call( PORTGUARD_INFO, 0, 0, 0 ), "no answer" );
    ring_wake = wake;
    /* a server that sleeps is woken by one byte, however much there is */
    recv( helper.fd, bytes, sizeof(bytes), MSG_DONTWAIT );
    ring_sleep( &ring_replies );
    for (i = 0; i < 100; i++)
    {
        struct portguard_request info = { .size = sizeof(info), .op = PORTGUARD_INFO, .serial = i };

        ring_put( &info, sizeof(info) );
    }
    for (i = 0; i < 100; i++) ok( ring_get( &reply, sizeof(reply) ) && reply.serial == i, "got serial %u", reply.serial );
    wakes = recv( helper.fd, bytes, sizeof(bytes), MSG_DONTWAIT );
    ok( wakes == 1, "woken %d times", (int)wakes );
    ok( recv( helper.fd, bytes, sizeof(bytes), MSG_DONTWAIT ) < 0 && errno == EAGAIN, "there is more" );
    /* and one that reads nothing makes it wait, until it is gone */
    for (i = 0; i < RING_REPLIES_SIZE / sizeof(reply) + 10; i++)
    {
        struct portguard_request info = { .size = sizeof(info), .op = PORTGUARD_INFO, .serial = i };

        ring_put( &info, sizeof(info) );
    }
    usleep( 50000 );
    ok( !kill( helper.pid, 0 ), "it has ended" );
    shutdown( helper.fd, SHUT_WR );  /* as the end of a TCP connection */
    ret = wait_helper( &helper );
    ok( !ret, "got %d", ret );
    close( helper.fd );
    close_ring();

    /* what was asked for before the end is done */
    helper = start_helper( 0 );
    if (!open_ring( &helper )) return;
    kill( helper.pid, SIGSTOP );
    req = (struct portguard_request){ sizeof(req), PORTGUARD_QUIT, 0, 0, 0, 0, 0, 0 };
    ring_put( &req, sizeof(req) );
    close( helper.fd );
    kill( helper.pid, SIGCONT );
    ret = wait_helper( &helper );
    ok( !ret, "got %d", ret );
    close_ring();

    /* a server that writes nonsense is left */
    for (i = 0; i < 3; i++)
    {
        helper = start_helper( 0 );
        if (!open_ring( &helper )) return;
        status = ring_call( PORTGUARD_INFO, 0, 0, 0 );
        ok( !status, "got %x", status );
        if (i == 0)
        {
            ring->requests.written += RING_REQUESTS_SIZE + 1;
            if (write( ring_wake, "", 1 ) != 1) ok( 0, "it can't be woken" );
        }
        else if (i == 1)
        {
            memset( &req, 0xff, sizeof(req) );
            ring_put( &req, sizeof(req) );
        }
        else
        {
            ring->replies.read += 1;  /* more than there is */
            req = (struct portguard_request){ .size = sizeof(req), .op = PORTGUARD_INFO };
            ring_put( &req, sizeof(req) );
        }
        ret = wait_helper( &helper );
        ok( ret >= 0 && ret < 2, "%u: got %d", i, ret );
        close( helper.fd );
        close_ring();
    }
}

/* "bind to port 0, implicit bind: never gets such a port". In a network of its own, where the kernel has but few ports to
 * choose from. Returns whether there is one. */
static int test_kernel_choice(void)
{
    static const unsigned int first = 41000, count = 64, guarded = 56;
    struct portguard_reply reply;
    struct helper helper;
    unsigned int i, j, port, flags, got;
    int fd, fds[64];
    FILE *file;

    /* the loopback interface of a new network is down, but sockets can be bound all the same */
    if (unshare( CLONE_NEWNET ) || !(file = fopen( "/proc/sys/net/ipv4/ip_local_port_range", "w" )))
    {
        skip( "needs a network of its own, hence root" );
        return 0;
    }
    fprintf( file, "%u %u\n", first, first + count - 1 );
    if (fclose( file ))
    {
        skip( "can't set the range of ports" );
        return 0;
    }
    helper = start_helper( 0 );
    for (i = 0; i < 2; i++)
    {
        for (flags = 0; flags <= PORTGUARD_PERSISTENT; flags += PORTGUARD_PERSISTENT)
        {
            call( &helper, PORTGUARD_GUARD, protocols[i], first, guarded, flags, &reply );
            ok( !reply.status, "got %x", reply.status );
            for (j = 0; j < 4; j++)
            {
                /* all that are left, then no more */
                for (got = 0; got < count; got++)
                {
                    fd = open_socket( protocols[i], j & 2 ? ANY6 : ANY4, 0, j & 1 ? REUSE : 0 );
                    if (fd < 0) break;
                    port = get_port( fd );
                    ok( port >= first + guarded && port < first + count, "%s flags %u, way %u: got port %u",
                        name( protocols[i] ), flags, j, port );
                    fds[got] = fd;
                }
                /* with SO_REUSEADDR two UDP sockets may get the same port */
                if (protocols[i] == PROTOCOL_TCP || !(j & 1))
                    ok( got == count - guarded, "%s flags %u, way %u: got %u ports", name( protocols[i] ), flags, j,
                        got );
                while (got) close( fds[--got] );
            }
            call( &helper, PORTGUARD_RELEASE, protocols[i], first, guarded, 0, &reply );
        }
    }
    stop_helper( &helper );
    return 1;
}

/* "A reservation belongs to one protocol and to both address families at once", whatever the host makes of new sockets, and when it changes
 * that. After test_kernel_choice(), whose network this one goes on to use. */
static void test_v6only_by_default(void)
{
    static const unsigned int first = 22000, count = 300;  /* some of which are made by threads */
    struct portguard_reply reply;
    struct helper helper;
    unsigned int i, only, port;
    FILE *file;
    int ret;

    if (!have_ipv6) return;
    helper = start_helper( 0 );
    for (only = 0; only < 4; only++)
    {
        if (!(file = fopen( "/proc/sys/net/ipv6/bindv6only", "w" )) || fprintf( file, "%u\n", only % 2 ) < 0 || fclose( file ))
        {
            skip( "can't set what a new socket is" );
            break;
        }
        for (i = 0; i < 2; i++)
        {
            call( &helper, PORTGUARD_GUARD, protocols[i], first, count, 0, &reply );
            ok( !reply.status, "got %x", reply.status );
            for (port = first; port < first + count; port++)
            {
                ret = try_bind( protocols[i], ANY4, port, 0 );
                ok( ret == EADDRINUSE, "%s, bindv6only %u, port %u over IPv4: got %d", name( protocols[i] ), only % 2, port, ret );
                ret = try_bind( protocols[i], ANY6, port, V6ONLY );
                ok( ret == EADDRINUSE, "%s, bindv6only %u, port %u over IPv6: got %d", name( protocols[i] ), only % 2, port, ret );
            }
            call( &helper, PORTGUARD_RELEASE, protocols[i], first, count, 0, &reply );
        }
    }
    stop_helper( &helper );
}

/* The same for the choice that connect() makes, in the machine's own network and by statistics: were the ports of the
 * guarded blocks chosen like others, one of so many connections would show it. */
static void test_connect_choice( struct helper *helper )
{
    int server = open_socket( PROTOCOL_TCP, LOOP4, 0, 0 ), fd;
    unsigned int i, low, high, flags, first, count = 1000;
    struct sockaddr_storage addr;
    socklen_t len = make_addr( &addr, LOOP4, get_port( server ) );
    struct portguard_reply reply;
    FILE *file = fopen( "/proc/sys/net/ipv4/ip_local_port_range", "r" );

    if (!file || fscanf( file, "%u %u", &low, &high ) != 2 || high - low < 2 * count)
    {
        skip( "no wide range of ports to choose from" );
        if (file) fclose( file );
        close( server );
        return;
    }
    fclose( file );
    listen( server, 1000 );
    for (flags = 0; flags <= PORTGUARD_PERSISTENT; flags += PORTGUARD_PERSISTENT)
    {
        /* others use ports of this range all the time */
        for (i = 0; i < 100; i++)
        {
            first = low + random() % (high - low - count);
            if (!call( helper, PORTGUARD_GUARD, PROTOCOL_TCP, first, count, flags, &reply )) break;
        }
        if (i == 100)
        {
            skip( "no %u free ports in a row", count );
            break;
        }
        for (i = 0; i < 400; i++)
        {
            fd = make_socket( AF_INET, SOCK_STREAM );
            if (connect( fd, (struct sockaddr *)&addr, len ))
            {
                ok( 0, "connect: %d", errno );
                close( fd );
                break;
            }
            ok( get_port( fd ) < first || get_port( fd ) >= first + count, "flags %u: got port %u", flags, get_port( fd ) );
            close( fd );
            close( accept( server, NULL, NULL ) );
        }
        call( helper, PORTGUARD_RELEASE, PROTOCOL_TCP, first, count, 0, &reply );
    }
    close( server );
}

/*** what guards cost: --bench ***/

/* a value in kB of a file like /proc/meminfo */
static long read_kb( const char *file, const char *key )
{
    FILE *f = fopen( file, "r" );
    long value = -1;
    char line[256];

    if (!f) return -1;
    while (value < 0 && fgets( line, sizeof(line), f ))
        if (!strncmp( line, key, strlen( key ) )) sscanf( line + strlen( key ), ": %ld", &value );
    fclose( f );
    return value;
}

static int compare_doubles( const void *a, const void *b )
{
    return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

static void print_times( const char *what, double *times, unsigned int count )
{
    qsort( times, count, sizeof(*times), compare_doubles );
    printf( "%-44s median %.1f us, 99%% %.1f us, max %.1f us\n", what, times[count / 2] * 1000, times[count * 99 / 100] * 1000,
            times[count - 1] * 1000 );
}

static void bench(void)
{
    static const unsigned int counts[] = { 1, 100, 1000, 16384 };
    static double times[4][2000];
    struct portguard_reply reply;
    struct helper helper;
    unsigned int i, j, port;
    char file[64];

    for (i = 0; i < 2; i++)
    {
        for (j = 0; j < sizeof(counts) / sizeof(counts[0]); j++)
        {
            long slab = read_kb( "/proc/meminfo", "Slab" );
            double start, guarded, released;

            helper = start_helper( 0 );
            snprintf( file, sizeof(file), "/proc/%d/status", helper.pid );
            call( &helper, PORTGUARD_HELLO, 0, 0, 0, 0, &reply );
            start = now_ms();
            call( &helper, PORTGUARD_GUARD, protocols[i], 10000, counts[j], PORTGUARD_FORCE, &reply );
            guarded = now_ms() - start;
            printf( "%s, %5u ports: guard %.2f ms", name( protocols[i] ), counts[j] - reply.missing, guarded );
            printf( ", helper %ld kB, kernel %ld kB", read_kb( file, "VmRSS" ), read_kb( "/proc/meminfo", "Slab" ) - slab );
            start = now_ms();
            call( &helper, PORTGUARD_RELEASE, protocols[i], 10000, counts[j], 0, &reply );
            released = now_ms() - start;
            printf( ", release %.2f ms\n", released );
            stop_helper( &helper );
        }
    }

    helper = start_helper( 0 );
    for (i = 0; i < 2; i++)
    {
        port = find_block( 1 );
        call( &helper, PORTGUARD_GUARD, protocols[i], port, 1, 0, &reply );
        for (j = 0; j < 2000; j++)
        {
            double start = now_ms(), yielded;
            int fd;

            call( &helper, PORTGUARD_YIELD, protocols[i], port, 1, 0, &reply );
            yielded = now_ms();
            fd = open_socket( protocols[i], ANY4, port, REUSE );
            times[0][j] = yielded - start;
            times[1][j] = now_ms() - start;
            close( fd );
            start = now_ms();
            call( &helper, PORTGUARD_RETAKE, protocols[i], port, 1, 0, &reply );
            times[2][j] = now_ms() - start;
        }
        printf( "%s:\n", name( protocols[i] ) );
        print_times( "  yield, with its reply", times[0], 2000 );
        print_times( "  yield and a native bind after it", times[1], 2000 );
        print_times( "  retake, with its reply", times[2], 2000 );
        call( &helper, PORTGUARD_RELEASE, protocols[i], port, 1, 0, &reply );
    }
    stop_helper( &helper );
}

int main( int argc, char *argv[] )
{
    struct helper helper;
    struct timespec now;
    char *slash;
    int fd, ret;

    /* the helper stands beside this program, or is named on the command line */
    ret = readlink( "/proc/self/exe", helper_path, sizeof(helper_path) - sizeof("portguard") );
    helper_path[ret > 0 ? ret : 0] = 0;
    slash = strrchr( helper_path, '/' );
    memcpy( slash ? slash + 1 : helper_path, "portguard", sizeof("portguard") );
    if (argc > 1 && strcmp( argv[1], "--bench" )) snprintf( helper_path, sizeof(helper_path), "%s", argv[1] );
    if (access( helper_path, X_OK ))
    {
        fprintf( stderr, "%s is missing; build it first, or name another one as argument\n", helper_path );
        return 1;
    }
    clock_gettime( CLOCK_MONOTONIC, &now );
    unsetenv( "WINEPREFIX" );  /* whatever runs there is not meant */
    setenv( "HOME", "/nonexistent", 1 );
    srandom( now.tv_nsec ^ getpid() );
    signal( SIGPIPE, SIG_IGN );
    if ((fd = open_socket( PROTOCOL_TCP, LOOP6, 0, 0 )) >= 0)
    {
        have_ipv6 = 1;
        close( fd );
    }
    else skip( "no IPv6 on this host" );

    if (argc > 1 && !strcmp( argv[1], "--bench" ))
    {
        bench();
        return 0;
    }

    helper = start_helper( 0 );
    test_guarded_ports_are_refused( &helper );
    test_guards_answer_no_one( &helper );
    test_tcp_owner( &helper );
    test_udp_owner( &helper );
    test_time_wait( &helper );
    test_busy_ports( &helper );
    test_force( &helper );
    test_persistent( &helper );
    test_no_standing_guard( &helper );
    test_connections_left( &helper );
    test_shared_port( &helper );
    test_busy_map( &helper );
    test_connect_choice( &helper );
    test_bad_requests( &helper );
    ret = stop_helper( &helper );
    ok( !ret, "got %d", ret );
    test_low_ports();
    test_no_descriptors();
    test_end_of_stream();
    test_server_death();
    test_half_dead_server();
    test_prefix_end();
    test_stopped_helper();
    test_many_helpers();
    test_strangers();
    test_false_helper();
    test_other_users_stream();
    test_copied_prefix();
    test_other_network();
    test_find_socks();
    test_ring();
    if (test_kernel_choice())  /* it leaves the machine's network */
    {
        test_large_blocks();
        test_late_release();
        test_requests_between();
        test_server_death_between();
        test_end_in_order();
        test_forget_at_limit();
        test_v6only_by_default();
    }
    return test_summary( "test_portguard" );
}
