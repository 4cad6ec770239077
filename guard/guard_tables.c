/*
 * Guards: what the kernel knows of ports
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
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include "guard_tables.h"

#define HAS_TIME_WAIT   0x1
#define HAS_CONNECTIONS 0x2
#define HAS_OTHERS      0x4

static unsigned char table[65536];  /* HAS_* of each TCP port */
static int loaded;                  /* 1: the table is that of a moment ago, -1: the kernel does not say */
static unsigned int loaded_port;    /* of which alone it is, when it is not loaded */

/* the kernel's numbers, in sock_diag(7) as in /proc/net/tcp (include/net/tcp_states.h of the kernel) */
static unsigned int state_bit( unsigned int state )
{
    switch (state)
    {
    case 6:   /* TIME_WAIT */
        return HAS_TIME_WAIT;
    case 1:   /* ESTABLISHED */
    case 4:   /* FIN_WAIT1 */
    case 5:   /* FIN_WAIT2 */
    case 8:   /* CLOSE_WAIT */
    case 9:   /* LAST_ACK */
    case 11:  /* CLOSING */
        return HAS_CONNECTIONS;
    default:
        return HAS_OTHERS;
    }
}

/* Read one dump's answers. Returns 0 at its end, -1 on error. */
static int read_dump( int fd, unsigned char *bits )
{
    static union
    {
        struct nlmsghdr header;
        char bytes[32768];
    } buffer;

    for (;;)
    {
        const struct nlmsghdr *header = &buffer.header;
        ssize_t size = recv( fd, &buffer, sizeof(buffer), 0 );
        int len = size;

        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return -1;
        for (; NLMSG_OK( header, (unsigned int)len ); header = NLMSG_NEXT( header, len ))
        {
            const struct inet_diag_msg *msg = NLMSG_DATA( header );

            if (header->nlmsg_type == NLMSG_DONE) return 0;
            if (header->nlmsg_type == NLMSG_ERROR) return -1;
            if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY) continue;
            bits[ntohs( msg->id.idiag_sport )] |= state_bit( msg->idiag_state );
        }
    }
}

/* sock_diag(7). Unlike /proc it is fast with many sockets, and since Linux 6.8 it also tells of sockets that are bound and
 * neither listen nor are connected, when asked for all states. port: that is asked for, 0: each. */
static int load_from_diag( int protocol, unsigned int port, unsigned char *bits )
{
    /* A comparison takes two operations: where to go on, in bytes, and the port. Behind the end is a yes, and four bytes further a no. */
    const struct inet_diag_bc_op filter[] =
    {
        { INET_DIAG_BC_S_GE, 8, 20 }, { 0, 0, port },
        { INET_DIAG_BC_S_LE, 8, 12 }, { 0, 0, port },
    };
    static const unsigned char families[] = { AF_INET, AF_INET6 };
    unsigned int i;
    int ret = 0, fd = socket( AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG );

    if (fd < 0) return -1;
    for (i = 0; i < sizeof(families) && !ret; i++)
    {
        struct
        {
            struct nlmsghdr header;
            struct inet_diag_req_v2 req;
            struct nlattr attr;
            struct inet_diag_bc_op filter[sizeof(filter) / sizeof(filter[0])];
        } msg;
        ssize_t size = port ? sizeof(msg) : offsetof( __typeof__(msg), attr );

        memset( &msg, 0, sizeof(msg) );
        msg.header.nlmsg_len = size;
        msg.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
        msg.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        msg.req.sdiag_family = families[i];
        msg.req.sdiag_protocol = protocol;
        msg.req.idiag_states = ~0u;
        msg.attr.nla_len = sizeof(msg.attr) + sizeof(msg.filter);
        msg.attr.nla_type = INET_DIAG_REQ_BYTECODE;
        memcpy( msg.filter, filter, sizeof(filter) );
        if (send( fd, &msg, size, 0 ) != size) ret = -1;
        else ret = read_dump( fd, bits );
    }
    close( fd );
    return ret;
}

/* for kernels and containers without sock_diag */
static int load_from_proc( int protocol, unsigned char *bits )
{
    static const char *const files[2][2] = { { "/proc/net/tcp", "/proc/net/tcp6" }, { "/proc/net/udp", "/proc/net/udp6" } };
    unsigned int i, port, state, found = 0;
    char line[512];

    for (i = 0; i < 2; i++)
    {
        FILE *file = fopen( files[protocol == PROTOCOL_UDP][i], "re" );

        if (!file) continue;  /* there may be no IPv6 */
        found++;
        while (fgets( line, sizeof(line), file ))
            if (sscanf( line, " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x", &port, &state ) == 2)
                bits[port & 0xffff] |= state_bit( state );
        fclose( file );
    }
    return found ? 0 : -1;
}

static int load( int protocol, unsigned char *bits )
{
    memset( bits, 0, 65536 );
    return load_from_diag( protocol, 0, bits ) && load_from_proc( protocol, bits ) ? -1 : 1;
}

void tables_forget(void)
{
    loaded = 0;
    loaded_port = 0;
}

enum tables_state tables_state( unsigned int port )
{
    if (!loaded && port != loaded_port)
    {
        memset( table, 0, sizeof(table) );
        /* the second port will not be the last one */
        if (!loaded_port && !load_from_diag( PROTOCOL_TCP, port, table )) loaded_port = port;
        else loaded = load( PROTOCOL_TCP, table );
    }
    if (loaded < 0 || !table[port]) return TABLES_NONE;
    if (table[port] == HAS_TIME_WAIT) return TABLES_TIME_WAIT;
    return table[port] & HAS_OTHERS ? TABLES_OTHERS : TABLES_CONNECTIONS;
}

NTSTATUS tables_busy_ports( int protocol, unsigned char *map )
{
    static unsigned char bits[65536];
    unsigned int port;

    memset( map, 0, TABLES_MAP_SIZE );
    if (load( protocol, bits ) < 0) return STATUS_NOT_SUPPORTED;
    for (port = 1; port < 65536; port++)
        if (bits[port] && (protocol != PROTOCOL_TCP || bits[port] != HAS_TIME_WAIT)) map[port / 8] |= 1 << (port & 7);
    return STATUS_SUCCESS;
}

int tables_peer_is_own_user( int fd )
{
    struct sockaddr_in local = { 0 }, peer = { 0 };
    socklen_t local_len = sizeof(local), peer_len = sizeof(peer);
    unsigned int addr, port, peer_addr, peer_port, uid;
    char line[512];
    int ret = 0;
    FILE *file;

    if (getsockname( fd, (struct sockaddr *)&local, &local_len ) || getpeername( fd, (struct sockaddr *)&peer, &peer_len ) ||
        local.sin_family != AF_INET || peer.sin_family != AF_INET || !(file = fopen( "/proc/net/tcp", "re" )))
        return 0;
    /* the line of the other end: addresses in network order, ports not (proc_net_tcp of the kernel's documentation) */
    while (!ret && fgets( line, sizeof(line), file ))
    {
        if (sscanf( line, " %*u: %x:%x %x:%x %*x %*x:%*x %*x:%*x %*x %u", &addr, &port, &peer_addr, &peer_port, &uid ) != 5)
            continue;
        ret = addr == peer.sin_addr.s_addr && port == ntohs( peer.sin_port ) && peer_addr == local.sin_addr.s_addr &&
              peer_port == ntohs( local.sin_port ) && uid == getuid();
    }
    fclose( file );
    return ret;
}
