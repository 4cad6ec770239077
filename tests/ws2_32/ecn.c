/*
 * Explicit congestion notification of received datagrams
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

/* "IP_ECN/IPV6_ECN accepted, read back, and reported with received datagrams where the Wine at hand can deliver TOS and traffic class" */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "port_test.h"

#ifndef IP_ECN
# define IP_ECN   50
# define IPV6_ECN 50
#endif

static LPFN_WSARECVMSG pWSARecvMsg;

static int set_option( SOCKET s, int level, int name, DWORD value )
{
    return setsockopt( s, level, name, (char *)&value, sizeof(value) ) ? WSAGetLastError() : 0;
}

static int get_option( SOCKET s, int level, int name )
{
    DWORD value = 0xdeadbeef;
    int len = sizeof(value), ret = getsockopt( s, level, name, (char *)&value, &len );

    ok( !ret, "option %d, %d: error %d\n", level, name, WSAGetLastError() );
    ok( len == sizeof(value), "option %d, %d: got length %d\n", level, name, len );
    return value;
}

/* A length that is too short, or no place: as for any option, and nothing is written. */
static void check_short_option( SOCKET s, int level, int name )
{
    unsigned char buffer[8];
    int len, in_len, ret;

    for (in_len = 0; in_len < 4; in_len++)
    {
        memset( buffer, 0xcc, sizeof(buffer) );
        len = in_len;
        ret = getsockopt( s, level, name, (char *)buffer, &len ) ? WSAGetLastError() : 0;
        ok( ret == WSAEFAULT || broken( !ret ), "option %d, %d, %d bytes: error %d\n", level, name, in_len, ret );
        ok( buffer[in_len] == 0xcc && (!ret || buffer[0] == 0xcc || broken( TRUE )), "option %d, %d, %d bytes: the value was touched\n", level,
            name, in_len );
    }
    len = 4;
    /* cppcheck-suppress nullPointer ; that is what is tried */
    ret = getsockopt( s, level, name, NULL, &len ) ? WSAGetLastError() : 0;
    ok( ret == WSAEFAULT, "option %d, %d, no place: error %d\n", level, name, ret );
}

static BOOL load_recvmsg( SOCKET s )
{
    GUID guid = WSAID_WSARECVMSG;
    DWORD size;
    int ret = WSAIoctl( s, SIO_GET_EXTENSION_FUNCTION_POINTER, &guid, sizeof(guid), &pWSARecvMsg, sizeof(pWSARecvMsg), &size, NULL, NULL );

    ok( !ret, "no WSARecvMsg, error %d\n", WSAGetLastError() );
    return !ret;
}

/* what a datagram came with */
struct received
{
    int count;               /* messages */
    int ip_ecn, ip_tos;      /* -1: none */
    int ipv6_ecn, ipv6_tclass;
    DWORD flags;
};

static void read_messages( WSAMSG *msg, struct received *received )
{
    WSACMSGHDR *header;
    INT value;

    received->count = 0;
    received->ip_ecn = received->ip_tos = received->ipv6_ecn = received->ipv6_tclass = -1;
    received->flags = msg->dwFlags;
    for (header = WSA_CMSG_FIRSTHDR( msg ); header; header = WSA_CMSG_NXTHDR( msg, header ))
    {
        received->count++;
        ok( header->cmsg_len == WSA_CMSG_LEN( sizeof(INT) ), "message %d, %d: got length %u\n", header->cmsg_level,
            header->cmsg_type, (unsigned int)header->cmsg_len );
        memcpy( &value, WSA_CMSG_DATA( header ), sizeof(value) );
        if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_ECN) received->ip_ecn = value;
        else if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TOS) received->ip_tos = value;
        else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_ECN) received->ipv6_ecn = value;
        else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_TCLASS) received->ipv6_tclass = value;
        else ok( 0, "message %d, %d\n", header->cmsg_level, header->cmsg_type );
    }
}

static int receive( SOCKET s, ULONG room, OVERLAPPED *ovl, struct received *received )
{
    static char control[256];
    struct sockaddr_storage from;
    char data[16];
    WSABUF buffer = { sizeof(data), data };
    WSAMSG msg = { (struct sockaddr *)&from, sizeof(from), &buffer, 1, { room, control }, 0 };
    DWORD size = 0xdeadbeef, flags;
    int ret, err = 0;

    memset( control, 0xcc, sizeof(control) );
    ret = pWSARecvMsg( s, &msg, &size, ovl, NULL );
    if (ret && ovl && WSAGetLastError() == WSA_IO_PENDING) ret = !WSAGetOverlappedResult( s, ovl, &size, TRUE, &flags );
    if (ret) err = WSAGetLastError();
    if (!err)
    {
        ok( size == 4 && !memcmp( data, "ping", 4 ), "got %lu bytes\n", size );
        ok( msg.Control.len <= room, "got %lu bytes of messages\n", msg.Control.len );
    }
    read_messages( &msg, received );
    return err;
}

static void send_to( SOCKET from, SOCKET to )
{
    struct sockaddr_storage addr;
    int len = make_addr( from, TRUE, local_port( to ), &addr ), ret;

    ret = sendto( from, "ping", 4, 0, (struct sockaddr *)&addr, len );
    ok( ret == 4, "sendto gave %d, error %d\n", ret, WSAGetLastError() );
}

static SOCKET make_receiver( int kind )
{
    SOCKET s = make_socket( kind );
    DWORD timeout = 5000;
    int ret = bind_port( s, 0 );

    ok( !ret, "bind, error %d\n", ret );
    setsockopt( s, SOL_SOCKET, SO_RCVTIMEO, (char *)&timeout, sizeof(timeout) );
    return s;
}

/* Windows sends no marks that IP_TOS asks for */
#define is_mark( got, expected ) ((got) == (expected) || broken( !(got) ))

static void test_ipv4( int kind )
{
    SOCKET receiver = make_receiver( kind ), sender = make_socket( UDP4 ), copy;
    struct received received;
    OVERLAPPED ovl = { 0 };
    HANDLE handle;
    int ret, mark;

    ok( !get_option( receiver, IPPROTO_IP, IP_ECN ), "it is on from the beginning\n" );
    send_to( sender, receiver );
    ret = receive( receiver, 256, NULL, &received );
    ok( !ret && !received.count, "error %d, %d messages\n", ret, received.count );

    ret = set_option( receiver, IPPROTO_IP, IP_ECN, 1 );
    ok( !ret, "IP_ECN, error %d\n", ret );
    ok( get_option( receiver, IPPROTO_IP, IP_ECN ) == 1, "got %d\n", get_option( receiver, IPPROTO_IP, IP_ECN ));
    ok( !get_option( receiver, IPPROTO_IP, IP_RECVTOS ), "it turned IP_RECVTOS on\n" );
    ok( !get_option( sender, IPPROTO_IP, IP_ECN ), "it is on for another socket\n" );
    check_short_option( receiver, IPPROTO_IP, IP_ECN );
    check_short_option( sender, IPPROTO_IP, IP_ECN );
    check_short_option( sender, IPPROTO_IP, IP_RECVTOS );
    for (mark = 0; mark < 4; mark++)
    {
        set_option( sender, IPPROTO_IP, IP_TOS, 0x28 | mark );
        send_to( sender, receiver );
        ret = receive( receiver, 256, NULL, &received );
        ok( !ret && received.count == 1, "error %d, %d messages\n", ret, received.count );
        ok( is_mark( received.ip_ecn, mark ), "got %d, not %d\n", received.ip_ecn, mark );
    }

    /* a buffer that has just the room */
    send_to( sender, receiver );
    ret = receive( receiver, WSA_CMSG_SPACE( sizeof(INT) ), NULL, &received );
    ok( !ret && received.count == 1, "error %d, %d messages\n", ret, received.count );
    ok( is_mark( received.ip_ecn, 3 ), "got %d\n", received.ip_ecn );

    /* both */
    ret = set_option( receiver, IPPROTO_IP, IP_RECVTOS, 1 );
    ok( !ret, "IP_RECVTOS, error %d\n", ret );
    ok( get_option( receiver, IPPROTO_IP, IP_RECVTOS ) == 1, "IP_RECVTOS is off\n" );
    send_to( sender, receiver );
    ret = receive( receiver, 256, NULL, &received );
    ok( !ret && received.count == 2, "error %d, %d messages\n", ret, received.count );
    ok( is_mark( received.ip_ecn, 3 ), "got %d\n", received.ip_ecn );
    ok( is_mark( received.ip_tos, 0x2b ), "got %#x\n", received.ip_tos );
    ok( !received.flags, "got flags %#lx\n", received.flags );
    send_to( sender, receiver );
    ret = receive( receiver, WSA_CMSG_SPACE( sizeof(INT) ), NULL, &received );
    ok( (!ret && received.count == 1 && received.flags == MSG_CTRUNC) || broken( ret ), "error %d, %d messages, flags %#lx\n", ret,
        received.count, received.flags );

    /* TOS alone, and it stays on */
    ret = set_option( receiver, IPPROTO_IP, IP_ECN, 0 );
    ok( !ret, "IP_ECN off, error %d\n", ret );
    ok( !get_option( receiver, IPPROTO_IP, IP_ECN ), "IP_ECN is on\n" );
    ok( get_option( receiver, IPPROTO_IP, IP_RECVTOS ) == 1, "IP_RECVTOS is off\n" );
    send_to( sender, receiver );
    ret = receive( receiver, 256, NULL, &received );
    ok( !ret && received.count == 1, "error %d, %d messages\n", ret, received.count );
    ok( is_mark( received.ip_tos, 0x2b ), "got %#x\n", received.ip_tos );

    /* ECN beside it, and alone again */
    set_option( receiver, IPPROTO_IP, IP_ECN, 1 );
    ret = set_option( receiver, IPPROTO_IP, IP_RECVTOS, 0 );
    ok( !ret, "IP_RECVTOS off, error %d\n", ret );
    ok( get_option( receiver, IPPROTO_IP, IP_ECN ) == 1, "IP_ECN is off\n" );
    ok( !get_option( receiver, IPPROTO_IP, IP_RECVTOS ), "IP_RECVTOS is on\n" );

    /* another handle of the socket */
    DuplicateHandle( GetCurrentProcess(), (HANDLE)receiver, GetCurrentProcess(), &handle, 0, FALSE, DUPLICATE_SAME_ACCESS );
    copy = (SOCKET)handle;
    send_to( sender, receiver );
    ret = receive( copy, 256, NULL, &received );
    ok( !ret && received.count == 1, "error %d, %d messages\n", ret, received.count );
    ok( is_mark( received.ip_ecn, 3 ), "got %d\n", received.ip_ecn );
    CloseHandle( handle );

    /* overlapped: Wine writes its messages after the call has returned */
    ovl.hEvent = CreateEventW( NULL, TRUE, FALSE, NULL );
    send_to( sender, receiver );
    ret = receive( receiver, 256, &ovl, &received );
    ok( !ret && received.count == 1, "error %d, %d messages\n", ret, received.count );
    todo_wine ok( is_mark( received.ip_ecn, 3 ), "got %d\n", received.ip_ecn );
    ok( received.ip_ecn != -1 || received.ip_tos == 0x2b, "got %#x\n", received.ip_tos );
    CloseHandle( ovl.hEvent );

    set_option( receiver, IPPROTO_IP, IP_ECN, 0 );
    send_to( sender, receiver );
    ret = receive( receiver, 256, NULL, &received );
    ok( !ret && !received.count, "error %d, %d messages\n", ret, received.count );
    closesocket( receiver );
    closesocket( sender );
}

/* no Winsock option of Wine marks datagrams of IPv6; tests/tools/ecn.sh sends such */
static void test_ipv6( int kind )
{
    SOCKET receiver = make_receiver( kind ), sender = make_socket( UDP6 );
    struct received received;
    int ret;

    ok( !get_option( receiver, IPPROTO_IPV6, IPV6_ECN ), "it is on from the beginning\n" );
    ret = set_option( receiver, IPPROTO_IPV6, IPV6_ECN, 1 );
    ok( !ret, "IPV6_ECN, error %d\n", ret );
    ok( get_option( receiver, IPPROTO_IPV6, IPV6_ECN ) == 1, "it is off\n" );
    ok( !get_option( receiver, IPPROTO_IPV6, IPV6_RECVTCLASS ), "it turned IPV6_RECVTCLASS on\n" );
    ok( !get_option( receiver, IPPROTO_IP, IP_ECN ), "it turned IP_ECN on\n" );
    send_to( sender, receiver );
    ret = receive( receiver, 256, NULL, &received );
    ok( !ret && received.count == 1 && !received.ipv6_ecn, "error %d, %d messages, mark %d\n", ret, received.count, received.ipv6_ecn );
    set_option( receiver, IPPROTO_IPV6, IPV6_RECVTCLASS, 1 );
    send_to( sender, receiver );
    ret = receive( receiver, 256, NULL, &received );
    ok( !ret && received.count == 2 && !received.ipv6_ecn && !received.ipv6_tclass, "error %d, %d messages, mark %d, class %d\n", ret,
        received.count, received.ipv6_ecn, received.ipv6_tclass );
    closesocket( receiver );
    closesocket( sender );
}

static void test_errors(void)
{
    SOCKET s = make_socket( UDP4 ), tcp = make_socket( TCP4 );
    int ret, len = 1;
    DWORD on = 1;
    char byte;

    ret = setsockopt( s, IPPROTO_IP, IP_ECN, (char *)&on, 1 ) ? WSAGetLastError() : 0;
    ok( ret == WSAEFAULT || broken( ret != WSAEFAULT ), "a short value: error %d\n", ret );
    /* cppcheck-suppress nullPointer ; that is what is tested */
    ret = setsockopt( s, IPPROTO_IP, IP_ECN, NULL, sizeof(on) ) ? WSAGetLastError() : 0;
    ok( ret == WSAEFAULT, "no value: error %d\n", ret );
    ret = getsockopt( s, IPPROTO_IP, IP_ECN, &byte, &len ) ? WSAGetLastError() : 0;
    ok( ret == WSAEFAULT || broken( ret != WSAEFAULT ), "a short buffer: error %d\n", ret );
    ok( !get_option( s, IPPROTO_IP, IP_ECN ), "it is on\n" );
    ret = set_option( tcp, IPPROTO_IP, IP_ECN, 1 );
    ok( ret == WSAEINVAL, "a TCP socket: error %d\n", ret );
    closesocket( s );
    ret = set_option( s, IPPROTO_IP, IP_ECN, 1 );
    ok( ret == WSAENOTSOCK, "a closed socket: error %d\n", ret );
    closesocket( tcp );
}

/* what one socket was set to is nothing to those that come after it */
static void test_many(void)
{
    SOCKET sockets[100];
    unsigned int i, round;
    int ret;

    for (round = 0; round < 5; round++)
    {
        for (i = 0; i < ARRAY_SIZE( sockets ); i++)
        {
            sockets[i] = make_socket( UDP4 );
            ok( !get_option( sockets[i], IPPROTO_IP, IP_ECN ), "%u, %u: it is on from the beginning\n", round, i );
            ret = set_option( sockets[i], IPPROTO_IP, IP_ECN, i % 2 );
            ok( !ret, "%u, %u: error %d\n", round, i, ret );
        }
        for (i = 0; i < ARRAY_SIZE( sockets ); i++)
        {
            ret = get_option( sockets[i], IPPROTO_IP, IP_ECN );
            ok( ret == (int)(i % 2), "%u, %u: got %d\n", round, i, ret );
            closesocket( sockets[i] );
        }
    }
}

START_TEST(ecn)
{
    WSADATA data;
    SOCKET s;

    WSAStartup( MAKEWORD( 2, 2 ), &data );
    s = make_socket( UDP4 );
    if (set_option( s, IPPROTO_IP, IP_ECN, 1 ) == WSAENOPROTOOPT) win_skip( "this system has no IP_ECN\n" );
    else if (load_recvmsg( s ))
    {
        test_ipv4( UDP4 );
        if (have_ipv6())
        {
            test_ipv4( UDP_DUAL );
            test_ipv6( UDP6 );
            test_ipv6( UDP_DUAL );
        }
        test_errors();
        test_many();
    }
    closesocket( s );
}

/* For tests/tools/ecn.sh: print a port, and what the datagrams that are sent there are marked with. */
START_TEST(ecn_receiver)
{
    struct received received;
    WSADATA data;
    SOCKET s;
    int ret;

    WSAStartup( MAKEWORD( 2, 2 ), &data );
    s = make_receiver( UDP_DUAL );
    if (!load_recvmsg( s )) return;
    ret = set_option( s, IPPROTO_IPV6, IPV6_ECN, 1 );
    ok( !ret, "IPV6_ECN, error %d\n", ret );
    ret = set_option( s, IPPROTO_IP, IP_ECN, 1 );
    ok( !ret, "IP_ECN, error %d\n", ret );
    printf( "port %u\n", local_port( s ));
    fflush( stdout );
    while (!receive( s, 256, NULL, &received ))
    {
        printf( "marks %d %d\n", received.ip_ecn, received.ipv6_ecn );
        fflush( stdout );
    }
}
