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

#include "ecn.h"
#include "afd.h"

/* After Microsoft's WSASetRecvIPEcn: a control message IP_ECN or IPV6_ECN, an INT, has the two bits of the codepoint. Wine (8.0 and 10.0 were
 * tried) knows no such option, but reports the octet that they are the low bits of: IP_RECVTOS makes it a message IP_TOS, IPV6_RECVTCLASS a
 * message IPV6_TCLASS. So IP_ECN turns that on, and the message is rewritten before a program sees it.
 *
 * An overlapped WSARecvMsg reports its end to the program itself, with the message as Wine has written it: nothing of ours runs in
 * between. There the program gets IP_TOS or IPV6_TCLASS. */

static const struct option
{
    int level;
    int ecn;      /* the option, and the type of its messages */
    int octet;    /* Wine's option in its place */
    int message;  /* and the type of the messages of that */
} options[2] =
{
    { IPPROTO_IP,   IP_ECN,   IP_RECVTOS,      IP_TOS },
    { IPPROTO_IPV6, IPV6_ECN, IPV6_RECVTCLASS, IPV6_TCLASS },
};

enum { WANTS_OCTET = 1, WANTS_ECN = 2 };

/* Sockets for which a program has set IP_ECN or IPV6_ECN once: what it wants of each option. Open addressing by the socket's id; what was
 * closed meanwhile is left out when the table grows. */
struct entry
{
    ULONG64       id;   /* 0: none */
    SOCKET        s;
    unsigned char wants[ARRAYSIZE( options )];
};

static SRWLOCK lock = SRWLOCK_INIT;
static struct entry *entries;
static unsigned int count, size;   /* size is a power of two, and larger than count */
static LONG wine_has_ecn;          /* this Wine has the options itself */

static struct entry *find( struct entry *table, unsigned int table_size, ULONG64 id )
{
    unsigned int i;

    if (!table_size) return NULL;
    for (i = id % table_size; table[i].id && table[i].id != id; i = (i + 1) % table_size) ;
    return &table[i];
}

static BOOL make_room(void)
{
    unsigned int i, new_size = 16, new_count = 0;
    struct entry *table;

    if (count * 4 < size * 3) return TRUE;
    for (i = 0; i < size; i++) if (entries[i].id && afd_get_id( (HANDLE)entries[i].s ) == entries[i].id) new_count++;
    while (new_size < new_count * 2) new_size *= 2;
    if (!(table = HeapAlloc( GetProcessHeap(), HEAP_ZERO_MEMORY, new_size * sizeof(*table) ))) return FALSE;
    for (i = new_count = 0; i < size; i++)
    {
        if (!entries[i].id || afd_get_id( (HANDLE)entries[i].s ) != entries[i].id) continue;
        *find( table, new_size, entries[i].id ) = entries[i];
        new_count++;
    }
    HeapFree( GetProcessHeap(), 0, entries );
    entries = table;
    size = new_size;
    count = new_count;
    return TRUE;
}

/* what a program wants of the socket's options; FALSE when it never spoke of ECN there */
static BOOL get_wants( SOCKET s, unsigned char *wants )
{
    struct entry *entry;
    BOOL found = FALSE;
    ULONG64 id;

    if (!size || !(id = afd_get_id( (HANDLE)s ))) return FALSE;
    AcquireSRWLockShared( &lock );
    entry = find( entries, size, id );
    if ((found = entry && entry->id)) memcpy( wants, entry->wants, sizeof(entry->wants) );
    ReleaseSRWLockShared( &lock );
    return found;
}

static const struct option *find_option( int level, int name )
{
    unsigned int i;

    for (i = 0; i < ARRAYSIZE( options ); i++)
        if (options[i].level == level && (options[i].ecn == name || options[i].octet == name)) return &options[i];
    return NULL;
}

BOOL ecn_is_option( int level, int name )
{
    return find_option( level, name ) && !wine_has_ecn;
}

/* the entry of a socket, a new one as the socket is now */
static struct entry *get_entry( SOCKET s, ULONG64 id )
{
    struct entry *entry;
    unsigned int i;
    DWORD on;
    int len;

    if (!make_room()) return NULL;
    entry = find( entries, size, id );
    if (entry->id) return entry;
    for (i = 0; i < ARRAYSIZE( options ); i++)
    {
        on = 0;
        len = sizeof(on);
        wine_getsockopt( s, options[i].level, options[i].octet, (char *)&on, &len );
        entry->wants[i] = on ? WANTS_OCTET : 0;
    }
    entry->id = id;
    entry->s = s;
    count++;
    return entry;
}

int ecn_set_option( SOCKET s, int level, int name, const char *value, int len )
{
    const struct option *option = find_option( level, name );
    unsigned char wants[ARRAYSIZE( options )], bit = name == option->ecn ? WANTS_ECN : WANTS_OCTET, now;
    unsigned int index = option - options;
    int ret, on_len = sizeof(DWORD);
    struct entry *entry;
    ULONG64 id;
    DWORD on;

    if (bit == WANTS_OCTET && !get_wants( s, wants )) return wine_setsockopt( s, level, name, value, len );
    if (!size && bit == WANTS_ECN)
    {
        ret = wine_setsockopt( s, level, name, value, len );
        if (!ret) wine_has_ecn = 1;
        if (!ret || GetLastError() != WSAENOPROTOOPT) return ret;
    }
    if (len < (int)sizeof(on) || !value || IsBadReadPtr( value, sizeof(on) ))
    {
        SetLastError( WSAEFAULT );
        return SOCKET_ERROR;
    }
    /* says what is wrong with the socket */
    if ((ret = wine_getsockopt( s, level, option->octet, (char *)&on, &on_len ))) return ret;

    on = *(const DWORD *)value != 0;
    id = afd_get_id( (HANDLE)s );
    AcquireSRWLockExclusive( &lock );
    if (id && (entry = get_entry( s, id )))
    {
        now = on ? entry->wants[index] | bit : entry->wants[index] & ~bit;
        on = now != 0;
        if (!(ret = wine_setsockopt( s, level, option->octet, (const char *)&on, sizeof(on) ))) entry->wants[index] = now;
    }
    else
    {
        SetLastError( id ? WSAENOBUFS : WSAENOTSOCK );
        ret = SOCKET_ERROR;
    }
    ReleaseSRWLockExclusive( &lock );
    return ret;
}

int ecn_get_option( SOCKET s, int level, int name, char *value, int *len )
{
    const struct option *option = find_option( level, name );
    unsigned char wants[ARRAYSIZE( options )] = { 0 };

    if (wine_getsockopt( s, level, option->octet, value, len )) return SOCKET_ERROR;
    if (get_wants( s, wants )) *(DWORD *)value = (wants[option - options] & (name == option->ecn ? WANTS_ECN : WANTS_OCTET)) != 0;
    else if (name == option->ecn) *(DWORD *)value = 0;
    return 0;
}

/* Rewrite the messages of a received datagram; their buffer had room for that many bytes. */
static void rewrite_messages( SOCKET s, WSAMSG *msg, ULONG room )
{
    unsigned char wants[ARRAYSIZE( options )];
    WSACMSGHDR *header, *added;
    unsigned int i;
    int octet;

    if (!get_wants( s, wants )) return;
    for (header = WSA_CMSG_FIRSTHDR( msg ); header; header = WSA_CMSG_NXTHDR( msg, header ))
    {
        for (i = 0; i < ARRAYSIZE( options ); i++)
            if (header->cmsg_level == options[i].level && header->cmsg_type == options[i].message) break;
        if (i == ARRAYSIZE( options ) || !(wants[i] & WANTS_ECN)) continue;

        memcpy( &octet, WSA_CMSG_DATA( header ), sizeof(octet) );
        octet &= 3;
        if (!(wants[i] & WANTS_OCTET)) added = header;
        else
        {
            /* both: the second one comes last */
            if (room - msg->Control.len < WSA_CMSG_SPACE( sizeof(octet) ))
            {
                msg->dwFlags |= MSG_CTRUNC;
                return;
            }
            added = (WSACMSGHDR *)(msg->Control.buf + msg->Control.len);
            msg->Control.len += WSA_CMSG_SPACE( sizeof(octet) );
            added->cmsg_len = WSA_CMSG_LEN( sizeof(octet) );
            added->cmsg_level = options[i].level;
        }
        added->cmsg_type = options[i].ecn;
        memcpy( WSA_CMSG_DATA( added ), &octet, sizeof(octet) );
    }
}

static LPFN_WSARECVMSG wine_recvmsg;

static int WINAPI recvmsg( SOCKET s, WSAMSG *msg, DWORD *received, WSAOVERLAPPED *overlapped,
                           LPWSAOVERLAPPED_COMPLETION_ROUTINE routine )
{
    ULONG room;
    int ret;

    if (!size || overlapped || !msg) return wine_recvmsg( s, msg, received, overlapped, routine );
    room = msg->Control.len;
    ret = wine_recvmsg( s, msg, received, NULL, routine );
    if (!ret && msg->Control.buf) rewrite_messages( s, msg, room );
    return ret;
}

LPFN_WSARECVMSG ecn_replace_recvmsg( LPFN_WSARECVMSG wine_function )
{
    wine_recvmsg = wine_function;
    return recvmsg;
}
