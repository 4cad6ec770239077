/*
 * The kernel's TCP sockets, by port
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
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include "portguard_tcp.h"

#define TIME_WAIT 6  /* the kernel's number, in sock_diag(7) as in /proc/net/tcp */

#define HAS_TIME_WAIT 0x1
#define HAS_OTHERS    0x2

static unsigned char table[65536];
static int loaded;   /* 1: the table is that of a moment ago, -1: the kernel does not say */

static void add_socket( unsigned int port, unsigned int state )
{
    table[port & 0xffff] |= state == TIME_WAIT ? HAS_TIME_WAIT : HAS_OTHERS;
}

/* Read one dump's answers. Returns 0 at its end, -1 on error. */
static int read_dump( int fd )
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
            add_socket( ntohs( msg->id.idiag_sport ), msg->idiag_state );
        }
    }
}

/* sock_diag(7). Unlike /proc it is fast with many sockets, and since Linux 6.8 it also tells of sockets that are bound and
 * neither listen nor are connected, when asked for all states. */
static int load_from_diag(void)
{
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
        } msg;

        memset( &msg, 0, sizeof(msg) );
        msg.header.nlmsg_len = sizeof(msg);
        msg.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
        msg.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        msg.req.sdiag_family = families[i];
        msg.req.sdiag_protocol = IPPROTO_TCP;
        msg.req.idiag_states = ~0u;
        if (send( fd, &msg, sizeof(msg), 0 ) != sizeof(msg)) ret = -1;
        else ret = read_dump( fd );
    }
    close( fd );
    return ret;
}

/* for kernels and containers without sock_diag */
static int load_from_proc(void)
{
    static const char *const files[] = { "/proc/net/tcp", "/proc/net/tcp6" };
    unsigned int i, port, state, found = 0;
    char line[512];

    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
    {
        FILE *file = fopen( files[i], "re" );

        if (!file) continue;  /* there may be no IPv6 */
        found++;
        while (fgets( line, sizeof(line), file ))
            if (sscanf( line, " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x", &port, &state ) == 2) add_socket( port, state );
        fclose( file );
    }
    return found ? 0 : -1;
}

void tcp_table_forget(void)
{
    loaded = 0;
}

int tcp_table_only_time_wait( unsigned int port )
{
    if (!loaded)
    {
        memset( table, 0, sizeof(table) );
        loaded = load_from_diag() && load_from_proc() ? -1 : 1;
    }
    return loaded > 0 && table[port] == HAS_TIME_WAIT;
}

int tcp_peer_is_own_user( int fd )
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
